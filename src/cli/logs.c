/* nagare logs query, nagare logs filter: CloudWatch Logs for people and for programs. */
#include "cli/command.h"

#include "base/clock.h"
#include "base/number.h"
#include "cli/insights.h"
#include "cli/rows.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

extern const struct cli_command cli_logs;

#define DEFAULT_GROUP "/nagare/flow-logs"
enum { GROUPS_MAX = 50, SINCE_DEFAULT_S = 3600, LIMIT_MAX = 100000 };

/* begins with the remote */
struct settings {
	struct cli_remote remote;
	enum cli_rows_output output;
	const char *groups[GROUPS_MAX];
	size_t group_count;
	uint64_t since_s, limit;
	bool has_output;
};

/* ---- options ---- */

static int set_output(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->has_output = true;
	return cli_rows_set_output(&((struct settings *)settings)->output, value, err);
}

static int set_group(void *settings_, const char *value, struct err *err)
{
	struct settings *settings = settings_;

	if (settings->group_count == GROUPS_MAX)
		return err_set(err, ERR_USAGE, "at most %d log groups", GROUPS_MAX);
	settings->groups[settings->group_count++] = value;
	return 0;
}

static int set_since(void *settings, const char *value, struct err *err)
{
	uint64_t ten_years = 315360000;

	return cli_seconds(value, ten_years, &((struct settings *)settings)->since_s, err);
}

static int set_limit(void *settings, const char *value, struct err *err)
{
	if (!number_parse(str_from(value), LIMIT_MAX, &((struct settings *)settings)->limit) ||
		!((struct settings *)settings)->limit)
		return err_set(err, ERR_USAGE, "expected 1 to %d, found '%s'", LIMIT_MAX, value);
	return 0;
}

/* ---- query ---- */

static int print_result(
	const struct settings *settings, const struct cli_insights_result *result, struct err *err)
{
	size_t count = json_array_size(result->fields);
	struct cli_column *columns = mem_new(count + 1, sizeof(*columns));

	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(result->fields, i));
		columns[i] = (struct cli_column){.title = name, .member = name};
	}
	int printed = cli_rows_print(columns, result->rows, settings->output, "No results.", err);
	free(columns);
	if (printed == 0 && settings->output == CLI_ROWS_TABLE && cli_is_terminal(STDERR_FILENO))
		fprintf(stderr, "%.0f of %.0f events, %.1f MB\n",
			json_number_value(json_object_get(result->statistics, "recordsMatched")),
			json_number_value(json_object_get(result->statistics, "recordsScanned")),
			json_number_value(json_object_get(result->statistics, "bytesScanned")) /
				1e6);
	return printed;
}

static bool has_source(const char *text)
{
	text += strspn(text, " \t\r\n");
	return strncasecmp(text, "SOURCE", 6) == 0;
}

static int query(struct settings *settings, const char *text, struct err *err)
{
	int64_t now_s = clock_wall_ns() / CLOCK_NS_PER_SECOND;
	const struct cli_insights insights = {.text = text,
		.groups = settings->groups,
		.group_count = has_source(text) ? 0 : settings->group_count,
		.start_s = now_s - (int64_t)settings->since_s,
		.end_s = now_s,
		.limit = settings->limit};
	struct cli_insights_result result;

	int done = cli_insights_run(&settings->remote, &insights, &result, err);
	if (done == 0)
		done = print_result(settings, &result, err);
	cli_insights_done(&result);
	return done;
}

/* ---- filter ---- */

static void add_row(json_t *rows, const char *group, const json_t *event)
{
	json_int_t time_ms = json_integer_value(json_object_get(event, "timestamp"));
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm date;
	char text[40];

	localtime_r(&seconds, &date);
	size_t n = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &date);
	snprintf(text + n, sizeof(text) - n, ".%03d", (int)(time_ms % 1000));
	json_array_append_new(rows,
		json_pack("{s:s, s:I, s:s, s:O, s:O, s:O*}", "time", text, "timestamp", time_ms,
			"logGroup", group, "logStream", json_object_get(event, "logStreamName"),
			"message", json_object_get(event, "message"), "eventId",
			json_object_get(event, "eventId")));
}

/* All pages of a group, as far as the limit goes. */
static int filter_group(struct settings *settings, const char *group, const char *pattern,
	json_t *rows, struct err *err)
{
	int64_t start_ms = clock_wall_ns() / 1000000 - 1000 * (int64_t)settings->since_s;
	json_t *token = NULL, *answer, *event;
	size_t i;

	do {
		json_t *input =
			json_pack("{s:s, s:s, s:I, s:O*}", "logGroupName", group, "filterPattern",
				pattern, "startTime", (json_int_t)start_ms, "nextToken", token);
		json_decref(take(token));
		if (cli_logs_call(&settings->remote, "FilterLogEvents", input, &answer, err) < 0)
			return -1;
		json_array_foreach(json_object_get(answer, "events"), i, event)
		{
			if (json_array_size(rows) < settings->limit)
				add_row(rows, group, event);
		}
		token = json_incref(json_object_get(answer, "nextToken"));
		json_decref(answer);
	} while (token && json_array_size(rows) < settings->limit);
	json_decref(token);
	return 0;
}

static int filter(struct settings *settings, const char *pattern, struct err *err)
{
	static const struct cli_column columns[] = {{"TIME", "time", NULL},
		{NULL, "timestamp", NULL}, {NULL, "logGroup", NULL}, {"STREAM", "logStream", NULL},
		{"MESSAGE", "message", NULL}, {NULL, "eventId", NULL}, {0}};
	json_t *rows = json_array();
	int result = 0;

	if (!settings->limit)
		settings->limit = LIMIT_MAX;
	for (size_t i = 0; i < settings->group_count && result == 0; i++)
		result = filter_group(settings, settings->groups[i], pattern, rows, err);
	if (result == 0)
		result = cli_rows_print(columns, rows, settings->output, "No events.", err);
	json_decref(rows);
	return result;
}

/* ---- the command ---- */

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	struct settings *settings = settings_;
	bool is_query = argc > 0 && strcmp(argv[0], "query") == 0;
	bool is_filter = argc > 0 && strcmp(argv[0], "filter") == 0;

	if (argc != 2 || (!is_query && !is_filter)) {
		err_set(err, ERR_USAGE, "expected 'query' and a query, or 'filter' and a pattern");
		return err_hint(err, "nagare logs query 'stats sum(bytes) by srcAddr' --since 1h");
	}
	if (!settings->group_count)
		settings->groups[settings->group_count++] = DEFAULT_GROUP;
	if (!settings->since_s)
		settings->since_s = SINCE_DEFAULT_S;
	int result = cli_remote_open(&settings->remote, err);
	if (result == 0)
		result = is_query ? query(settings, argv[1], err) : filter(settings, argv[1], err);
	cli_remote_close(&settings->remote);
	return result;
}

static const struct cli_option options[] = {
	{"log-group", 'g', "NAME",
		"The log group. May be given several times. Default: " DEFAULT_GROUP
		". A query with SOURCE names its own.",
		set_group},
	{"since", 's', "TIME", "How far back to begin: 30s, 5m, 1h (the default), ...", set_since},
	{"limit", 'n', "ROWS", "At most so many rows, up to 100000.", set_limit},
	{"output", 'o', "table|json|csv", CLI_ROWS_OUTPUT_HELP, set_output},
	CLI_REMOTE_OPTIONS,
	{0},
};

static const struct cli_example examples[] = {
	{"nagare logs query 'stats sum(bytes) as b by srcAddr | sort b desc | limit 10'",
		"Who sent most in the last hour."},
	{"nagare logs query 'filter action = \"REJECT\" | stats count(*) by dstPort' -o json",
		"Rejected flows by port, for a program."},
	{"nagare logs filter '[version, ..., dstport = 22, protocol, packets, bytes, start, end, action = REJECT, status]' --since 5m",
		"Rejected SSH."},
	{0},
};

const struct cli_command cli_logs = {
	.name = "logs",
	.operands = "query|filter TEXT",
	.summary = "query and filter log groups",
	.description =
		"'query' runs a query in the language of CloudWatch Logs Insights and prints its "
		"rows; 'filter' prints the events that match a filter pattern. Both by the API of "
		"CloudWatch Logs, nagare's or AWS's.\n\n"
		"Fields of flow logs are named as in AWS: srcAddr, dstAddr, srcPort, dstPort, "
		"protocol, packets, bytes, startTime, endTime, action, logStatus, interfaceId, "
		"accountId; those of other formats likewise: vpcId, flowDirection, tcpFlags.",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run,
};
