#include "store/flow_logs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char folder[] = "/tmp/nagare-flow-logs-test-XXXXXX";
static char path[sizeof(folder) + 16];
static struct store_database *database;
static struct store_network *network;
static struct store_flow_logs *logs;

static void open_logs(void)
{
	struct err err = ERR_INIT;

	if (store_database_open(&database, path, &err) < 0 ||
		store_network_open(&network, database, &err) < 0 ||
		store_flow_logs_open(&logs, database, network, &err) < 0)
		fail_msg("%s", err.message);
}

static void close_logs(void)
{
	store_flow_logs_close(take(logs));
	store_network_close(take(network));
	store_database_close(take(database));
}

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/index.db", folder);
	open_logs();
	return 0;
}

static int teardown(void **state)
{
	char command[sizeof(folder) + 16];

	close_logs();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* The answer; the condition is asserted. */
static json_t *create(const char *documents, const char *token, const char *digest, int expected)
{
	json_t *list = json_loads(documents, 0, NULL), *tags = json_pack("{s:s}", "Name", "x");
	json_t *answer = json_pack("{s:[], s:[]}", "FlowLogIds", "Unsuccessful");
	const struct store_flow_logs_new new = {.client_token = str_from(token),
		.digest = str_from(digest),
		.documents = list,
		.tags = tags,
		.per_resource_max = 3,
		.now_ms = 1234};

	assert_non_null(list);
	assert_int_equal(store_flow_logs_create(logs, &new, answer, NULL), expected);
	json_decref(tags);
	json_decref(list);
	return answer;
}

static size_t size(const json_t *answer, const char *name)
{
	return json_array_size(json_object_get(answer, name));
}

static size_t count(void)
{
	json_t *list;

	assert_int_equal(store_flow_logs_list(logs, &list, NULL), 0);
	size_t n = json_array_size(list);
	json_decref(list);
	return n;
}

#define DOCUMENT(resource, group)                                                                  \
	"{\"ResourceId\":\"" resource "\",\"TrafficType\":\"ALL\",\"LogDestinationType\":"         \
	"\"cloud-watch-logs\",\"LogGroupName\":\"" group "\"}"

static void made_ones_are_there_after_a_start(void **state)
{
	int64_t before = store_flow_logs_version(logs);
	json_t *answer =
		       create("[" DOCUMENT("vpc-1", "a") "," DOCUMENT("vpc-2", "a") "]", "", "", 0),
	       *list;

	assert_int_equal(size(answer, "FlowLogIds"), 2);
	assert_int_equal(size(answer, "Unsuccessful"), 0);
	int64_t after = store_flow_logs_version(logs);
	assert_true(after > before);
	close_logs();
	open_logs();
	assert_int_equal(store_flow_logs_version(logs), after);
	assert_int_equal(store_flow_logs_list(logs, &list, NULL), 0);
	assert_int_equal(json_array_size(list), 2);
	const json_t *first = json_array_get(list, 0);
	const char *id = json_string_value(json_object_get(first, "FlowLogId"));
	assert_int_equal(strlen(id), 20);
	assert_int_equal(strspn(id + 3, "0123456789abcdef"), 17);
	assert_int_equal(json_integer_value(json_object_get(first, "CreationTime")), 1234);
	json_t *all = store_tags_all(network), *tags = store_tags_of(all, id, NULL);
	assert_int_equal(json_array_size(tags), 1);
	json_decref(tags);
	json_decref(all);
	json_decref(list);
	json_decref(answer);
}

static const char *first_code(const json_t *answer)
{
	const json_t *item = json_array_get(json_object_get(answer, "Unsuccessful"), 0);

	return json_string_value(json_object_get(json_object_get(item, "Error"), "Code"));
}

static void the_same_is_refused_and_so_is_too_much(void **state)
{
	int64_t before = store_flow_logs_version(logs);
	json_t *answer = create("[" DOCUMENT("vpc-1", "a") "]", "", "", 0);

	assert_int_equal(size(answer, "FlowLogIds"), 0);
	assert_string_equal(first_code(answer), "FlowLogAlreadyExists");
	assert_int_equal(store_flow_logs_version(logs), before);
	json_decref(answer);
	/* One has been there, three are the limit here. */
	answer = create("[" DOCUMENT("vpc-1", "b") "," DOCUMENT("vpc-1", "c") "," DOCUMENT(
				"vpc-1", "d") "]",
		"", "", 0);
	assert_int_equal(size(answer, "FlowLogIds"), 2);
	assert_string_equal(first_code(answer), "FlowLogsLimitExceeded");
	json_decref(answer);
}

static void a_token_gives_the_first_answer_again(void **state)
{
	json_t *first = create("[" DOCUMENT("vpc-3", "a") "]", "token", "one", 0);
	size_t there = count();
	json_t *second =
		create("[" DOCUMENT("vpc-3", "b") "]", "token", "one", STORE_FLOW_LOGS_REPEATED);

	assert_true(json_equal(first, second));
	assert_int_equal(count(), there);
	json_decref(second);
	json_decref(
		create("[" DOCUMENT("vpc-3", "b") "]", "token", "two", STORE_FLOW_LOGS_MISMATCH));
	assert_int_equal(count(), there);
	/* Of what made nothing no token is kept. */
	json_decref(create("[" DOCUMENT("vpc-3", "a") "]", "other", "one", 0));
	json_t *third = create("[" DOCUMENT("vpc-4", "a") "]", "other", "two", 0);
	assert_int_equal(size(third, "FlowLogIds"), 1);
	json_decref(third);
	json_decref(first);
}

static void deleted_ones_are_gone_with_their_tags(void **state)
{
	json_t *answer = create("[" DOCUMENT("vpc-5", "a") "]", "", "", 0);
	json_t *ids = json_copy(json_object_get(answer, "FlowLogIds")), *missing = json_array();
	size_t there = count();
	int64_t before = store_flow_logs_version(logs);

	json_array_append_new(ids, json_string("fl-0"));
	assert_int_equal(store_flow_logs_delete(logs, ids, missing, NULL), 0);
	assert_int_equal(count(), there - 1);
	assert_int_equal(json_array_size(missing), 1);
	assert_string_equal(json_string_value(json_array_get(missing, 0)), "fl-0");
	assert_true(store_flow_logs_version(logs) > before);
	json_t *all = store_tags_all(network);
	assert_null(json_object_get(all, json_string_value(json_array_get(ids, 0))));
	json_decref(all);
	json_decref(missing);
	json_decref(ids);
	json_decref(answer);
}

static void a_touch_is_a_new_version(void **state)
{
	int64_t before = store_flow_logs_version(logs);

	assert_int_equal(store_flow_logs_touch(logs, NULL), 0);
	assert_true(store_flow_logs_version(logs) > before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_ones_are_there_after_a_start),
		cmocka_unit_test(the_same_is_refused_and_so_is_too_much),
		cmocka_unit_test(a_token_gives_the_first_answer_again),
		cmocka_unit_test(deleted_ones_are_gone_with_their_tags),
		cmocka_unit_test(a_touch_is_a_new_version),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
