/* Queries of Logs Insights answer the same whether events are text still or sealed, with columns:
 * of few different words and of many, with nothing in them, of one moment and of many. That the
 * answers from text are right is tests/clients/logs_insights' matter. */
#include "api/logs/queries_priv.h"
#include "store/events_test_help.h"

#include <string.h>

enum { LINES = 9000 };

static const char *const questions[] = {
	"stats count(*) as n by action | sort action",
	"stats count(*) as n, sum(bytes) as b by action, logStatus | sort action, logStatus",
	"stats count(*) as n, sum(bytes) as b, max(packets) as m by dstPort | sort dstPort",
	"stats sum(bytes) as b, count(srcAddr) as a by dstAddr | sort b desc, dstAddr | limit 20",
	"filter action = 'REJECT' and dstPort = 22 | stats count(*) as n by srcAddr | sort srcAddr",
	"filter action = 'REJECT' | stats count(*) as n by dstPort, protocol | sort dstPort, protocol",
	"stats count(*) as n, max(packets) as m by bin(1s) as w | sort w",
	"stats count(*) as n by bin(1s) as w, action, @logStream | sort w, action, @logStream",
	"stats count(*) as n, count(dstPort) as p, count(action) as a by interfaceId | sort interfaceId",
	"stats min(@timestamp) as n by protocol, dstPort, action | sort protocol, dstPort, action",
	"stats count(*) as n by dstPort, action, logStatus | sort dstPort, action, logStatus",
	"filter not ispresent(action) | stats count(*) as n, sum(bytes) as b",
	"filter dstPort < 100 and bytes > 1000 | stats count(*) as n, avg(bytes) as b by @log",
	"stats count_distinct(srcAddr) as n by action, dstPort | sort action, dstPort",
	"fields @timestamp, srcAddr, dstPort, action | sort bytes desc, @timestamp, srcAddr | limit 50",
};

static uint64_t random_state = 3;

static unsigned random_below(unsigned n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(random_state >> 33) % n;
}

/* kind 0: few ports; 1: of many, with flow logs without data; 2: statuses with a letter that is not
 * of ASCII. */
static void write_line(struct buf *line, unsigned kind)
{
	static const char *const ports[] = {"22", "443", "53", "-"};

	if (kind == 1 && random_below(5) == 0) {
		buf_printf(line, "2 123456789012 eni-%u - - - - - - - 10 20 - NODATA",
			random_below(3));
		return;
	}
	buf_printf(line, "2 123456789012 eni-%u 10.%u.%u.1 10.0.%u.%u %u ", random_below(3),
		random_below(200), random_below(90), random_below(30), random_below(90),
		random_below(65536));
	if (kind == 1)
		buf_printf(line, "%u ", random_below(300));
	else
		buf_printf(line, "%s ", ports[random_below(4)]);
	buf_printf(line, "%u %u %u 10 20 %s %s", random_below(2) ? 6 : 17, random_below(2000),
		random_below(3000000), random_below(10) ? "ACCEPT" : "REJECT",
		kind == 2 && random_below(3) ? "\xc3\x96K" : "OK");
}

static void put_lines(struct place *place, unsigned kind)
{
	char name[16];
	int n = snprintf(name, sizeof(name), "s%u", kind);
	const struct str stream = {name, (size_t)n};
	struct buf *lines = mem_new(LINES, sizeof(*lines));
	struct store_log_event *events = mem_new(LINES, sizeof(*events));

	assert_int_equal(store_log_stream_create(place->events, STR("g"), stream, NULL, NULL), 0);
	for (unsigned i = 0; i < LINES; i++) {
		write_line(&lines[i], kind);
		/* By the thousand, or each of its own. */
		events[i] = (struct store_log_event){
			place->now + (kind == 2 ? i : i / 1000 * 1000), buf_str(&lines[i])};
	}
	const struct store_log_put put = {.group = STR("g"),
		.stream = stream,
		.events = events,
		.count = LINES,
		.now_ms = place->now};
	assert_int_equal(store_log_put(place->events, &put, NULL, NULL), 0);
	for (unsigned i = 0; i < LINES; i++)
		buf_done(&lines[i]);
	free(lines);
	free(events);
}

static struct log_query *query_new(const struct logs *logs, const char *text)
{
	struct log_query *query = mem_new(1, sizeof(*query));
	struct err err = ERR_INIT;
	struct aws_error error = {0};
	char relation[64];

	query->refs = 1;
	query->logs = logs;
	query->number = ++logs->queries->last_number;
	query->text = mem_strdup(text);
	query->groups.names = mem_new(1, sizeof(char *));
	query->groups.names[query->groups.count++] = mem_strdup("g");
	query->end_ms = INT64_MAX;
	query->created_ms = clock_wall_ns() / 1000000;
	query->deadline_ms = query->created_ms + 60000;
	assert_int_equal(logs_fields_add(&query->fields, logs, STR("g"), &error, &err), 0);
	logs_fields_finish(&query->fields);
	snprintf(
		relation, sizeof(relation), LOGS_QUERY_FUNCTION "(%lld)", (long long)query->number);
	const struct query_insights_source source = {.relation = relation,
		.fields = query->fields.fields,
		.fields_count = query->fields.field_count,
		.has_json = query->fields.has_json,
		.now_ms = query->created_ms,
		.end_ms = query->end_ms};
	assert_int_equal(
		query_insights_translate(str_from(text), &source, &query->insights, &err), 0);
	return query;
}

static char *ask(const struct logs *logs, const char *text)
{
	struct log_query *query = query_new(logs, text);

	assert_int_equal(logs_queries_add(logs->queries, query, NULL), 0);
	while (query->status <= LOGS_QUERY_RUNNING)
		logs_query_wait(logs->queries, query);
	if (query->status != LOGS_QUERY_COMPLETE)
		fprintf(stderr, "%s: %s\n", text, query->failure);
	assert_int_equal(query->status, LOGS_QUERY_COMPLETE);
	char *rows = mem_strdup(buf_text(&query->rows->text));
	logs_query_unref(query);
	return rows;
}

static void test_sealing_changes_no_answer(void **state)
{
	struct place *place = *state;
	struct logs logs = {.events = place->events,
		.database = place->database,
		.account = STR("123456789012")};
	struct err err = ERR_INIT;
	char *before[ARRAY_SIZE(questions)];

	for (unsigned kind = 0; kind < 3; kind++)
		put_lines(place, kind);
	assert_int_equal(logs_queries_start(&logs, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		before[i] = ask(&logs, questions[i]);
	assert_non_null(strstr(before[0], "ACCEPT"));
	assert_non_null(strstr(before[0], "REJECT"));
	seal(place);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		_cleanup_free_ char *after = ask(&logs, questions[i]);
		assert_true(strlen(after) > 20);
		assert_string_equal(after, before[i]);
		free(before[i]);
	}
	logs_queries_stop(&logs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sealing_changes_no_answer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
