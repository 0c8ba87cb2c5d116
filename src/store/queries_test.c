#include "store/queries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[] = "/tmp/nagare-queries-test-XXXXXX";
static struct store_database *database;
static struct store_queries *queries;

static int set_up(void **state)
{
	char path[sizeof(folder) + 16];
	struct err err = ERR_INIT;

	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/index.db", folder);
	if (store_database_open(&database, path, &err) < 0 ||
		store_queries_open(&queries, database, &err) < 0)
		fail_msg("%s", err.message);
	return 0;
}

static int tear_down(void **state)
{
	char command[sizeof(folder) + 16];

	store_queries_close(queries);
	store_database_close(database);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void put(enum store_query_kind kind, int number, int64_t time)
{
	json_t *document =
		json_pack("{s:{s:I}, s:i}", "Status", "At", (json_int_t)time, "N", number);
	char name[16];
	struct err err = ERR_INIT;

	snprintf(name, sizeof(name), "%d", number);
	assert_int_equal(
		store_queries_put(queries, kind, STR("g"), str_from(name), document, &err), 0);
	json_decref(document);
}

/* Numbers, newest first. */
static size_t list(enum store_query_kind kind, int *ret_numbers, size_t most)
{
	json_t *found;
	struct err err = ERR_INIT;

	assert_int_equal(store_queries_list(queries, kind, STR("g"), 0, most, &found, &err), 0);
	size_t count = json_array_size(found);
	for (size_t i = 0; i < count; i++)
		ret_numbers[i] = (int)json_integer_value(json_object_get(
			json_object_get(json_array_get(found, i), "Document"), "N"));
	json_decref(found);
	return count;
}

static void test_prune(void **state)
{
	int numbers[2000];
	struct err err = ERR_INIT;

	for (int i = 0; i < 1200; i++)
		put(STORE_EXECUTION, i, 1000 + i);
	put(STORE_NAMED_QUERY, 7, 0);
	assert_int_equal(
		store_queries_prune(queries, STORE_EXECUTION, "$.Status.At", 2197, &err), 0);
	assert_int_equal(list(STORE_EXECUTION, numbers, 2000), 3);
	assert_int_equal(numbers[0], 1199);
	assert_int_equal(numbers[2], 1197);
	assert_int_equal(list(STORE_NAMED_QUERY, numbers, 2000), 1);
	/* a document without the number stays */
	assert_int_equal(store_queries_prune(queries, STORE_EXECUTION, "$.Nope", 9999, &err), 0);
	assert_int_equal(list(STORE_EXECUTION, numbers, 2000), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prune),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
