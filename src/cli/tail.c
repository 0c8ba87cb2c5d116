/* Reads a log group through the API of CloudWatch Logs, nagare's or AWS's. Without --follow it is
 * one FilterLogEvents, page by page. With it each stream is read by its own forward token, so that
 * no event is missed or shown twice, however late it comes; within a round events are sorted by
 * time. Which streams have news is known from DescribeLogStreams; as AWS is late with that, all are
 * asked every few seconds. */
#include "cli/command.h"

#include "aws/client.h"
#include "aws/uri.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/number.h"
#include "cli/defaults.h"
#include "cli/tail_open.h"
#include "cli/tail_output.h"
#include "query/pattern.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

extern const struct cli_command cli_tail;

#define DEFAULT_GROUP   "/nagare/flow-logs"
#define DEFAULT_PROFILE "nagare"
enum { SINCE_DEFAULT_S = 300, POLL_MS = 500, ALL_MS = 10000, SORTED_MAX = 100000 };

struct settings {
	const char *flow_log, *group, *endpoint, *region, *profile, *filter, *data_dir;
	uint64_t since_s;
	bool open, follow, names, has_format, has_form;
	enum tail_form form;
	struct record_format format;
};

struct stream {
	char *name;
	struct buf token; /* nextForwardToken; empty: not read yet */
	int64_t ingested_ms, asked_ms;
	unsigned asked_since; /* times asked since ingested_ms changed */
};

struct ordered {
	struct tail_event event;
	size_t order; /* of reading */
};

struct tail {
	const struct settings *settings;
	struct aws_client *client;
	struct tail_output *output;
	char *group;
	struct record_format format;
	int64_t start_ms;
	struct stream *streams;
	size_t stream_count;
	/* a round: events in the order of reading, with what holds their texts */
	struct ordered *events;
	size_t event_count;
	json_t *answers;
	struct query_pattern *pattern; /* NULL: all */
	struct err *err;
};

static struct aws_client *volatile stoppable;
static volatile sig_atomic_t is_stopped;

static void on_stop(int number)
{
	struct aws_client *client = stoppable;

	is_stopped = 1;
	if (client)
		aws_client_stop(client); /* made for this; NOLINT(bugprone-signal-handler) */
	signal(number, SIG_DFL);
}

/* ---- options ---- */

static int set_flow_log(void *settings, const char *value, struct err *err)
{
	if (strncmp(value, "fl-", 3) != 0)
		return err_set(err, ERR_USAGE, "expected fl-..., found '%s'", value);
	((struct settings *)settings)->flow_log = value;
	return 0;
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

static int set_endpoint(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->endpoint = value;
	return 0;
}

static int set_region(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->region = value;
	return 0;
}

static int set_profile(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->profile = value;
	return 0;
}

static int set_since(void *settings, const char *value, struct err *err)
{
	uint64_t ten_years = 315360000;

	return cli_seconds(value, ten_years, &((struct settings *)settings)->since_s, err);
}

static int set_follow(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->follow = true;
	return 0;
}

static int set_open(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->open = true;
	return 0;
}

static int set_data_dir(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->data_dir = value;
	return 0;
}

static int set_names(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->names = true;
	return 0;
}

static int set_format(void *settings_, const char *value, struct err *err)
{
	struct settings *settings = settings_;

	settings->has_format = true;
	return record_format_parse(str_from(value), &settings->format, err);
}

static int set_output(void *settings_, const char *value, struct err *err)
{
	static const char *const names[] = {[TAIL_TABLE] = "table",
		[TAIL_TEXT] = "text",
		[TAIL_JSON] = "json",
		[TAIL_CSV] = "csv"};
	struct settings *settings = settings_;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			settings->form = (enum tail_form)i;
			settings->has_form = true;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "expected table, text, json or csv, found '%s'", value);
}

/* ---- calls ---- */

/* Takes input. The answer is the caller's. */
static int call(struct tail *tail, const char *operation, json_t *input, json_t **ret_answer)
{
	_cleanup_free_ char *body = json_dumps(input, JSON_COMPACT);
	_cleanup_free_ char *target = mem_printf("Logs_20140328.%s", operation);
	const struct aws_header headers[] = {
		{STR("Content-Type"), STR("application/x-amz-json-1.1")},
		{STR("X-Amz-Target"), str_from(target)},
	};
	const struct aws_call request = {.service = "logs",
		.headers = headers,
		.header_count = ARRAY_SIZE(headers),
		.body = str_from(body),
		.is_idempotent = true};
	struct aws_answer answer;
	json_error_t problem;

	json_decref(input);
	int result = aws_client_call(tail->client, &request, &answer, tail->err);
	if (result == 0) {
		*ret_answer = json_loadb(answer.body.p, answer.body.n, JSON_ALLOW_NUL, &problem);
		if (!*ret_answer)
			result = err_set(tail->err, ERR_INPUT, "the answer to %s is no JSON: %s",
				operation, problem.text);
	}
	aws_answer_done(&answer);
	return result;
}

static struct str text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR("");
}

static json_t *json_of(struct str text)
{
	return json_stringn_nocheck(text.p, text.n);
}

static int64_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static int flush(struct tail *tail)
{
	int result = tail_output_flush(tail->output, tail->err);

	if (result == TAIL_READER_GONE)
		is_stopped = 1;
	return result < 0 ? result : 0;
}

/* ---- once ---- */

static int read_once(struct tail *tail)
{
	_cleanup_buf_ struct buf token = {0};

	do {
		json_t *input = json_pack("{s:s, s:I, s:b}", "logGroupName", tail->group,
			"startTime", (json_int_t)tail->start_ms, "interleaved", 1);
		json_t *answer = NULL, *event;
		size_t i;
		if (token.n)
			json_object_set_new(input, "nextToken", json_of(buf_str(&token)));
		if (tail->settings->filter)
			json_object_set_new(
				input, "filterPattern", json_string(tail->settings->filter));
		if (call(tail, "FilterLogEvents", input, &answer) < 0)
			return -1;
		json_array_foreach(json_object_get(answer, "events"), i, event)
		{
			tail_output_add(
				tail->output, &(struct tail_event){number_of(event, "timestamp"),
						      number_of(event, "ingestionTime"),
						      text_of(event, "logStreamName"),
						      text_of(event, "message")});
		}
		token.n = 0;
		buf_add_str(&token, text_of(answer, "nextToken"));
		json_decref(answer);
		if (flush(tail) < 0)
			return -1;
	} while (token.n && !is_stopped);
	return 0;
}

/* ---- following ---- */

static int compare_events(const void *a_, const void *b_)
{
	const struct ordered *a = a_, *b = b_;

	if (a->event.time_ms != b->event.time_ms)
		return a->event.time_ms < b->event.time_ms ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static int show_round(struct tail *tail)
{
	if (tail->event_count)
		qsort(tail->events, tail->event_count, sizeof(*tail->events), compare_events);
	for (size_t i = 0; i < tail->event_count; i++)
		tail_output_add(tail->output, &tail->events[i].event);
	tail->event_count = 0;
	json_array_clear(tail->answers);
	return flush(tail);
}

static struct stream *find_stream(struct tail *tail, struct str name)
{
	for (size_t i = 0; i < tail->stream_count; i++)
		if (str_equal(str_from(tail->streams[i].name), name))
			return &tail->streams[i];
	tail->streams = mem_grow(tail->streams, tail->stream_count + 1, sizeof(*tail->streams));
	struct stream *stream = &tail->streams[tail->stream_count++];
	*stream = (struct stream){.name = mem_printf("%.*s", STR_ARG(name))};
	return stream;
}

/* All that a stream has beyond its token. */
static int read_stream(struct tail *tail, struct stream *stream)
{
	bool is_end = false;

	while (!is_end && !is_stopped) {
		json_t *input = json_pack("{s:s, s:s, s:I, s:b}", "logGroupName", tail->group,
			"logStreamName", stream->name, "startTime", (json_int_t)tail->start_ms,
			"startFromHead", 1);
		json_t *answer = NULL, *event;
		size_t i;
		if (stream->token.n)
			json_object_set_new(input, "nextToken", json_of(buf_str(&stream->token)));
		if (call(tail, "GetLogEvents", input, &answer) < 0)
			return -1;
		json_array_append_new(tail->answers, answer);
		const json_t *events = json_object_get(answer, "events");
		tail->events = mem_grow(tail->events,
			tail->event_count + json_array_size(events) + 1, sizeof(*tail->events));
		json_array_foreach(events, i, event)
		{
			if (tail->pattern &&
				!query_pattern_matches(tail->pattern, text_of(event, "message")))
				continue;
			tail->events[tail->event_count] = (struct ordered){
				{number_of(event, "timestamp"), number_of(event, "ingestionTime"),
					str_from(stream->name), text_of(event, "message")},
				tail->event_count};
			tail->event_count++;
		}
		struct str token = text_of(answer, "nextForwardToken");
		is_end = !token.n || str_equal(token, buf_str(&stream->token));
		stream->token.n = 0;
		buf_add_str(&stream->token, token);
		if (tail->event_count >= SORTED_MAX && show_round(tail) < 0)
			return -1;
	}
	return 0;
}

static int read_round(struct tail *tail)
{
	_cleanup_buf_ struct buf token = {0};
	int64_t now_ms = clock_mono_ns() / 1000000;

	do {
		json_t *input = json_pack("{s:s}", "logGroupName", tail->group);
		json_t *answer = NULL, *item;
		size_t i;
		int result = 0;
		if (token.n)
			json_object_set_new(input, "nextToken", json_of(buf_str(&token)));
		if (call(tail, "DescribeLogStreams", input, &answer) < 0)
			return -1;
		json_array_foreach(json_object_get(answer, "logStreams"), i, item)
		{
			struct stream *stream = find_stream(tail, text_of(item, "logStreamName"));
			int64_t ingested_ms = number_of(item, "lastIngestionTime");
			/* Twice: more may come in the millisecond that was told. */
			if (stream->ingested_ms != ingested_ms)
				stream->asked_since = 0;
			stream->ingested_ms = ingested_ms;
			bool is_known =
				stream->asked_since >= 2 && now_ms - stream->asked_ms < ALL_MS;
			if (result < 0 || is_known)
				continue;
			stream->asked_ms = now_ms;
			stream->asked_since++;
			result = read_stream(tail, stream);
		}
		token.n = 0;
		buf_add_str(&token, text_of(answer, "nextToken"));
		json_decref(answer);
		if (result < 0)
			return -1;
	} while (token.n && !is_stopped);
	return show_round(tail);
}

/* Until Ctrl-C, or nobody reads. A group that is not there yet is waited for. */
static int follow(struct tail *tail)
{
	struct err failure = ERR_INIT, *err = tail->err;
	bool has_said = false;

	tail->answers = json_array();
	while (!is_stopped) {
		failure = (struct err)ERR_INIT;
		tail->err = &failure;
		int result = read_round(tail);
		tail->err = err;
		if (result < 0) {
			bool is_missing = strstr(failure.message, "ResourceNotFoundException");
			if (is_stopped)
				break;
			if (!is_missing) {
				*err = failure;
				return -1;
			}
			if (!has_said)
				cli_warn("log group %s is not there yet; waiting for it",
					tail->group);
			has_said = true;
		}
		/* A signal ends it. A pipe whose reader is gone too. */
		struct pollfd reader = {.fd = STDOUT_FILENO};
		if (!is_stopped && poll(&reader, 1, POLL_MS) > 0 &&
			(reader.revents & (POLLERR | POLLHUP)))
			break;
	}
	return 0;
}

/* ---- the flow log ---- */

static int take_flow_log(struct tail *tail, struct str body)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	const char *id = tail->settings->flow_log;

	if (aws_xml_parse(&document, body, tail->err) < 0)
		return err_wrap(tail->err, "the answer to DescribeFlowLogs");
	const struct aws_xml_node *set = aws_xml_child(aws_xml_root(document), STR("flowLogSet"));
	const struct aws_xml_node *item = set ? aws_xml_child(set, STR("item")) : NULL;
	if (!item)
		return err_set(tail->err, ERR_NOT_FOUND, "there is no flow log %s", id);
	struct str group = aws_xml_text(item, STR("logGroupName"));
	struct str destination = aws_xml_text(item, STR("logDestination"));
	struct str format = aws_xml_text(item, STR("logFormat"));
	const char *mark =
		destination.n ? memmem(destination.p, destination.n, ":log-group:", 11) : NULL;
	if (!group.n && mark) {
		group = (struct str){
			mark + 11, (size_t)(destination.p + destination.n - mark - 11)};
		if (str_ends_with(group, STR(":*")))
			group.n -= 2;
	}
	if (!group.n) {
		err_set(tail->err, ERR_USAGE,
			"flow log %s does not go to CloudWatch Logs, but to %.*s", id,
			STR_ARG(destination));
		return err_hint(tail->err, "'nagare query' reads what goes to S3");
	}
	free(tail->group);
	tail->group = mem_printf("%.*s", STR_ARG(group));
	if (tail->settings->has_format || !format.n)
		return 0;
	return record_format_parse(format, &tail->format, tail->err);
}

static int find_flow_log(struct tail *tail)
{
	_cleanup_buf_ struct buf body = {0};
	const struct aws_header headers[] = {
		{STR("Content-Type"), STR("application/x-www-form-urlencoded; charset=utf-8")},
	};
	struct aws_answer answer;

	buf_add_text(&body, "Action=DescribeFlowLogs&Version=2016-11-15&FlowLogId.1=");
	aws_uri_encode(&body, str_from(tail->settings->flow_log), AWS_URI_ENCODE_SLASH);
	const struct aws_call request = {.service = "ec2",
		.headers = headers,
		.header_count = ARRAY_SIZE(headers),
		.body = buf_str(&body),
		.is_idempotent = true};
	int result = aws_client_call(tail->client, &request, &answer, tail->err);
	if (result == 0)
		result = take_flow_log(tail, buf_str(&answer.body));
	aws_answer_done(&answer);
	return result;
}

/* ---- the command ---- */

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* Who says nothing of keys means the server of this host: its own profile. */
static int open_client(struct tail *tail, struct aws_credentials_source **ret_source)
{
	const struct settings *settings = tail->settings;
	_cleanup_free_ char *data = cli_default_data();
	_cleanup_free_ char *profile = mem_printf("%s/credentials", data);
	struct aws_credentials_settings keys = {
		.profile = settings->profile, .region = settings->region};
	bool is_said = settings->profile || is_set("AWS_PROFILE") || is_set("AWS_ACCESS_KEY_ID") ||
		       is_set("AWS_SHARED_CREDENTIALS_FILE") || is_set("AWS_ROLE_ARN");

	if (!is_said && access(profile, R_OK) == 0) {
		keys.credentials_file = profile;
		keys.profile = DEFAULT_PROFILE;
	}
	if (aws_credentials_source_new(ret_source, &keys, tail->err) < 0)
		return -1;
	const struct aws_client_settings client = {.region = settings->region,
		.endpoint = settings->endpoint,
		.credentials = *ret_source};
	return aws_client_new(&tail->client, &client, tail->err);
}

static void catch_signals(struct tail *tail)
{
	struct sigaction action = {.sa_handler = on_stop};

	stoppable = tail->client;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static struct tail_output_options output_options(
	const struct settings *settings, struct record_format format)
{
	bool is_terminal = cli_is_terminal(STDOUT_FILENO);

	return (struct tail_output_options){.form = settings->has_form ? settings->form
						    : is_terminal      ? TAIL_TABLE
								       : TAIL_TEXT,
		.format = format,
		.names = settings->names,
		.colours = is_terminal && !getenv("NO_COLOR")};
}

static int work(struct tail *tail)
{
	const struct settings *settings = tail->settings;

	if (settings->flow_log && find_flow_log(tail) < 0)
		return -1;
	const struct tail_output_options options = output_options(settings, tail->format);
	tail->output = tail_output_new(&options);
	return settings->follow ? follow(tail) : read_once(tail);
}

static int run_open(const struct settings *settings, struct err *err)
{
	const struct tail_open_settings open = {.folder = settings->data_dir,
		.follow = settings->follow,
		.output = output_options(
			settings, settings->has_format ? settings->format : record_format_default)};

	if (settings->flow_log || settings->group || settings->since_s || settings->endpoint ||
		settings->region || settings->profile || settings->filter) {
		err_set(err, ERR_USAGE, "--open reads this host's agent, not a log group");
		return err_hint(
			err, "with it go --follow, --names, --output, --format and --data-dir");
	}
	return tail_open(&open, err);
}

static int run_command(void *settings_, int argc, char **argv, struct err *err)
{
	const struct settings *settings = settings_;
	_cleanup_(aws_credentials_source_freep) struct aws_credentials_source *source = NULL;
	struct tail tail = {.settings = settings,
		.group = mem_strdup(settings->group ? settings->group : DEFAULT_GROUP),
		.format = settings->has_format ? settings->format : record_format_default,
		.start_ms =
			clock_wall_ns() / 1000000 -
			(int64_t)(settings->since_s ? settings->since_s : SINCE_DEFAULT_S) * 1000,
		.err = err};
	int result;

	if (settings->open || settings->data_dir) {
		free(tail.group);
		return settings->open ? run_open(settings, err)
				      : err_set(err, ERR_USAGE, "--data-dir is for --open");
	}
	if (settings->flow_log && settings->group) {
		free(tail.group);
		return err_set(err, ERR_USAGE, "--flow-log and --log-group exclude each other");
	}
	if (settings->filter &&
		query_pattern_new(&tail.pattern, str_from(settings->filter), err) < 0) {
		free(tail.group);
		return -1;
	}
	result = open_client(&tail, &source);
	if (result == 0) {
		catch_signals(&tail);
		result = work(&tail);
		stoppable = NULL;
	}
	/* What broke off because of Ctrl-C has not failed. */
	if (is_stopped)
		result = 0;
	for (size_t i = 0; i < tail.stream_count; i++) {
		free(tail.streams[i].name);
		buf_done(&tail.streams[i].token);
	}
	free(tail.streams);
	free(tail.events);
	json_decref(tail.answers);
	query_pattern_free(tail.pattern);
	tail_output_free(tail.output);
	aws_client_free(tail.client);
	free(tail.group);
	return result;
}

static const struct cli_option options[] = {
	{"flow-log", 0, "ID", "The log group to which this flow log goes, in its format.",
		set_flow_log},
	{"log-group", 'g', "NAME", "The log group. Default: " DEFAULT_GROUP ".", set_group},
	{"follow", 'f', NULL, "Go on with what comes, until Ctrl-C.", set_follow},
	{"open", 0, NULL,
		"Flows of the windows that are still open, from the agent of this host, instead of a log group.",
		set_open},
	{"data-dir", 0, "FOLDER",
		"Of that agent. Default: agent in the data folder, as 'nagare agent' has it.",
		set_data_dir},
	{"since", 's', "TIME", "How far back to begin: 30s, 5m (the default), 1h, ...", set_since},
	{"filter", 0, "PATTERN",
		"Only events that match this filter pattern of CloudWatch Logs: 'REJECT', '[version, ..., action = REJECT, status]'.",
		set_filter},
	{"names", 'n', NULL, "Names for ports (/etc/services) and protocols, in tables.",
		set_names},
	{"output", 'o', "FORM",
		"table (the default on a terminal), text (the records as they are; the default elsewhere), json (an object a line) or csv.",
		set_output},
	{"format", 0, "FORMAT",
		"Fields of the records, as '${version} ${srcaddr} ...'. Default: the flow log's, or the 14 fields of version 2.",
		set_format},
	{"profile", 0, "NAME",
		"Profile of AWS clients. Without it, and with nothing about keys in the environment, the server's own in its data folder, when it may be read.",
		set_profile},
	{"endpoint", 0, "URL", "Default: $AWS_ENDPOINT_URL, or the profile's.", set_endpoint},
	{"region", 0, "REGION", "Default: $AWS_REGION, or the profile's.", set_region},
	{NULL},
};

static const struct cli_example examples[] = {
	{"nagare tail -f", "What this host's flow logs say, as they say it"},
	{"nagare tail -f | grep REJECT", "Rejected flows, as text"},
	{"sudo nagare tail --open -f", "What passes this host now, as it passes"},
	{"nagare tail --flow-log fl-0123456789abcdef0 --since 1h -o json | jq .dstport",
		"The last hour of a flow log, for a program"},
	{NULL},
};

const struct cli_command cli_tail = {
	.name = "tail",
	.summary = "show flow logs as they come",
	.description =
		"Reads a log group of CloudWatch Logs, nagare's or AWS's, and shows its flow logs: when (local time), on which interface, whether it was accepted, protocol, from where to where, packets and bytes. Lines that are no such record are shown as they are.\n\n"
		"With --follow every event is shown once, also one that comes late. Events are in the order of time within what came together. Ctrl-C ends it, with status 0.\n\n"
		"With --open the flows come from the agent of this host, before their window ends: each as it stands in its open window, with the time of its last packet, and a log status that says OPEN; with --follow again whenever it has counted more, within half a second. What an interface counts is shown in the shortest window of its flow logs. Only the agent's user and root may read it; the agent is never held up by it, and says how many flows were left out when they are read too slowly.",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run_command,
};
