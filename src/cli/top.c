/* nagare top: the largest values of a field over the last minutes, again and again. */
#include "cli/command.h"

#include "api/logs/logs.h"
#include "base/clock.h"
#include "base/number.h"
#include "cli/insights.h"
#include "cli/rows.h"
#include "record/field.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

extern const struct cli_command cli_top;

#define DEFAULT_GROUP "/nagare/flow-logs"
enum {
	LAST_DEFAULT_S = 300,
	ROWS_DEFAULT = 20,
	ROWS_MAX = 1000,
	EVERY_DEFAULT_S = 2,
	FIELDS_MAX = 8
};

/* begins with the remote */
#define YEAR_S 31536000

struct settings {
	struct cli_remote remote;
	enum cli_rows_output output;
	const char *group, *by, *filter;
	uint64_t last_s, rows, every_s;
	bool is_once, has_output;
};

static volatile sig_atomic_t is_stopped;

static void on_stop(int number)
{
	is_stopped = 1;
	signal(number, SIG_DFL);
}

/* ---- options ---- */

static int set_output(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->has_output = true;
	return cli_rows_set_output(&((struct settings *)settings)->output, value, err);
}

static int set_group(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->group = value;
	return 0;
}

static int set_filter(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->filter = value;
	return 0;
}

static int set_by(void *settings, const char *value, struct err *err)
{
	static const char *const names[] = {"bytes", "packets", "flows"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			((struct settings *)settings)->by = names[i];
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "expected bytes, packets or flows, found '%s'", value);
}

static int set_last(void *settings, const char *value, struct err *err)
{
	return cli_seconds(value, YEAR_S, &((struct settings *)settings)->last_s, err);
}

static int set_every(void *settings, const char *value, struct err *err)
{
	return cli_seconds(value, YEAR_S, &((struct settings *)settings)->every_s, err);
}

static int set_rows(void *settings, const char *value, struct err *err)
{
	if (number_parse(str_from(value), ROWS_MAX, &((struct settings *)settings)->rows) &&
		((struct settings *)settings)->rows)
		return 0;
	return err_set(err, ERR_USAGE, "expected 1 to %d, found '%s'", ROWS_MAX, value);
}

static int set_once(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->is_once = true;
	return 0;
}

/* ---- the query ---- */

static bool is_name(const char *text)
{
	return *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789_.@")];
}

/* srcaddr, vpc-id or srcAddr, as Insights has it; NULL: it is no field. */
static const char *field_of(const char *name)
{
	int field = record_field_find(str_from(name));

	if (field >= 0)
		return logs_field_name((enum record_field)field);
	return is_name(name) ? name : NULL;
}

static int make_query(const struct settings *settings, char **fields, size_t count,
	struct buf *query, struct err *err)
{
	if (settings->filter)
		buf_printf(query, "filter %s | ", settings->filter);
	buf_add_text(
		query, "stats sum(bytes) as BYTES, sum(packets) as PACKETS, count(*) as FLOWS by ");
	for (size_t i = 0; i < count; i++) {
		const char *field = field_of(fields[i]);
		if (!field)
			return err_set(err, ERR_USAGE,
				"expected a field such as srcaddr or dstport, found '%s'",
				fields[i]);
		buf_printf(query, "%s%s", i ? ", " : "", field);
	}
	const char *by = settings->by[0] == 'b'   ? "BYTES"
			 : settings->by[0] == 'p' ? "PACKETS"
						  : "FLOWS";
	buf_printf(query, " | sort %s desc | limit %llu", by, (unsigned long long)settings->rows);
	return 0;
}

static int show(const struct settings *settings, const struct cli_insights_result *result,
	char **fields, size_t count, bool clears, struct err *err)
{
	static const char *const sums[] = {"BYTES", "PACKETS", "FLOWS"};
	struct cli_column columns[FIELDS_MAX + ARRAY_SIZE(sums) + 1] = {{0}};
	char now[32];
	time_t time_now = time(NULL);
	struct tm date;

	for (size_t i = 0; i < count; i++)
		columns[i].title = columns[i].member = field_of(fields[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		columns[count + i].title = columns[count + i].member = sums[i];
	if (clears) {
		localtime_r(&time_now, &date);
		strftime(now, sizeof(now), "%H:%M:%S", &date);
		printf("\033[H\033[J%s  last %llu s by %s  %s\n\n", settings->group,
			(unsigned long long)settings->last_s, settings->by, now);
	}
	int printed = cli_rows_print(columns, result->rows, settings->output, "No flows.", err);
	fflush(stdout);
	return printed;
}

static int once(struct settings *settings, const char *query, char **fields, size_t count,
	bool clears, struct err *err)
{
	int64_t now_s = clock_wall_ns() / CLOCK_NS_PER_SECOND;
	const struct cli_insights insights = {.text = query,
		.groups = &settings->group,
		.group_count = 1,
		.start_s = now_s - (int64_t)settings->last_s,
		.end_s = now_s};
	struct cli_insights_result result;

	int done = cli_insights_run(&settings->remote, &insights, &result, err);
	if (done == 0)
		done = show(settings, &result, fields, count, clears, err);
	cli_insights_done(&result);
	return done;
}

static int work(
	struct settings *settings, const char *query, char **fields, size_t count, struct err *err)
{
	bool clears = !settings->is_once && settings->output == CLI_ROWS_TABLE &&
		      cli_is_terminal(STDOUT_FILENO);

	signal(SIGINT, on_stop);
	signal(SIGTERM, on_stop);
	do {
		const struct timespec pause = {.tv_sec = (time_t)settings->every_s};
		if (once(settings, query, fields, count, clears, err) < 0)
			return is_stopped ? 0 : -1;
		if (clears && !is_stopped)
			nanosleep(&pause, NULL);
	} while (clears && !is_stopped);
	return 0;
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	struct settings *settings = settings_;
	_cleanup_buf_ struct buf query = {0};

	if (argc < 1 || argc > FIELDS_MAX)
		return err_set(
			err, ERR_USAGE, "expected 1 to %d fields, such as srcaddr", FIELDS_MAX);
	settings->group = settings->group ? settings->group : DEFAULT_GROUP;
	settings->by = settings->by ? settings->by : "bytes";
	settings->last_s = settings->last_s ? settings->last_s : LAST_DEFAULT_S;
	settings->rows = settings->rows ? settings->rows : ROWS_DEFAULT;
	settings->every_s = settings->every_s ? settings->every_s : EVERY_DEFAULT_S;
	if (make_query(settings, argv, (size_t)argc, &query, err) < 0)
		return -1;
	int result = cli_remote_open(&settings->remote, err);
	if (result == 0)
		result = work(settings, buf_text(&query), argv, (size_t)argc, err);
	cli_remote_close(&settings->remote);
	return result;
}

static const struct cli_option options[] = {
	{"by", 'b', "bytes|packets|flows", "What is largest. Default: bytes.", set_by},
	{"last", 'l', "TIME", "Over the last 30s, 5m (the default), 1h, ...", set_last},
	{"rows", 'n', "ROWS", "How many. Default: 20.", set_rows},
	{"filter", 'f', "CONDITION",
		"Only flows for which this is true, in the language of Logs Insights: 'action = \"REJECT\"'.",
		set_filter},
	{"every", 'e', "TIME", "How often the terminal is written anew. Default: 2s.", set_every},
	{"once", '1', NULL, "Once, as when the output is no terminal.", set_once},
	{"log-group", 'g', "NAME", "The log group. Default: " DEFAULT_GROUP ".", set_group},
	{"output", 'o', "table|json|csv", CLI_ROWS_OUTPUT_HELP, set_output},
	CLI_REMOTE_OPTIONS,
	{0},
};

static const struct cli_example examples[] = {
	{"nagare top srcaddr --by bytes --last 5m", "Who sends most, as long as you look."},
	{"nagare top srcaddr dstaddr dstport --by flows -f 'action = \"REJECT\"'",
		"What the firewall rejects most."},
	{"nagare top dstport --once -o json", "For a program."},
	{0},
};

const struct cli_command cli_top = {
	.name = "top",
	.operands = "FIELD...",
	.summary = "show who sends most",
	.description =
		"Shows the largest sums of bytes, packets or flows by one or more fields of the flow "
		"logs in a log group over the last minutes, and again every two seconds on a "
		"terminal, until Ctrl-C. Fields are named as in flow logs (srcaddr, "
		"dstport, vpc-id) or as in Logs Insights (srcAddr, vpcId).\n\n"
		"It is a query of Logs Insights, and works with nagare's server as with AWS.",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run,
};
