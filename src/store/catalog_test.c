#include "store/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char folder[] = "/tmp/nagare-catalog-test-XXXXXX";
static char path[sizeof(folder) + 16];
static struct store_database *database;
static struct store_catalog *catalog;
static struct aws_error refused;
static struct err failed;

static const struct store_table_name flows = {{"logs", 4}, {"flows", 5}};

static void open_catalog(void)
{
	struct err err = ERR_INIT;

	if (store_database_open(&database, path, &err) < 0 ||
		store_catalog_open(&catalog, database, STR("111122223333"), &err) < 0)
		fail_msg("%s", err.message);
}

static void close_catalog(void)
{
	store_catalog_close(take(catalog));
	store_database_close(take(database));
}

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/index.db", folder);
	open_catalog();
	return 0;
}

static int teardown(void **state)
{
	char command[sizeof(folder) + 16];

	close_catalog();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static json_t *parse(const char *text)
{
	json_t *document = json_loads(text, 0, NULL);

	assert_non_null(document);
	return document;
}

/* Takes the document. */
static bool is_same(json_t *document, const char *expected)
{
	json_t *other = parse(expected);
	bool same = json_equal(document, other);

	if (!same) {
		char *text = json_dumps(document, JSON_SORT_KEYS);
		print_message("found %s\n", text);
		free(text);
	}
	json_decref(document);
	json_decref(other);
	return same;
}

static void expect(int result, enum aws_error_code code)
{
	if (code == AWS_ERROR_NONE && result < 0)
		fail_msg("%s %s", refused.message, failed.message);
	if (code != AWS_ERROR_NONE) {
		assert_true(result < 0);
		assert_int_equal(refused.code, code);
	}
	refused = (struct aws_error){0};
}

static void create_database(const char *input, enum aws_error_code code)
{
	json_t *document = parse(input);

	expect(store_catalog_create_database(catalog, document, &refused, &failed), code);
	json_decref(document);
}

static void create_table(const char *where, const char *input, enum aws_error_code code)
{
	json_t *document = parse(input);

	expect(store_catalog_create_table(
		       catalog, str_from(where), document, STR("arn:x"), &refused, &failed),
		code);
	json_decref(document);
}

static json_t *names_of(json_t *list)
{
	json_t *names = json_array();
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		json_array_append(names, json_object_get(item, "Name"));
	}
	json_decref(list);
	return names;
}

static void test_databases(void **state)
{
	json_t *found;

	create_database(
		"{\"Name\": \"LOGS\", \"Description\": \"d\", \"Parameters\": {\"a\": \"b\"}}",
		AWS_ERROR_NONE);
	create_database("{\"Name\": \"logs\"}", AWS_ERROR_ALREADY_EXISTS_EXCEPTION);
	create_database("{\"Name\": \"\"}", AWS_ERROR_INVALID_INPUT_EXCEPTION);
	create_database("{\"Name\": \"link\", \"TargetDatabase\": {\"DatabaseName\": \"logs\"}}",
		AWS_ERROR_INVALID_INPUT_EXCEPTION);
	expect(store_catalog_get_database(catalog, STR("Logs"), &found, &refused, &failed),
		AWS_ERROR_NONE);
	assert_true(json_integer_value(json_object_get(found, "CreateTime")) > 1000000000000);
	json_object_del(found, "CreateTime");
	assert_true(
		is_same(found, "{\"Name\": \"logs\", \"Description\": \"d\","
			       "\"Parameters\": {\"a\": \"b\"}, \"CatalogId\": \"111122223333\"}"));
	expect(store_catalog_get_database(catalog, STR("nope"), &found, &refused, &failed),
		AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION);
	expect(store_catalog_list_databases(catalog, STR_NONE, 10, &found, &refused, &failed),
		AWS_ERROR_NONE);
	assert_true(is_same(names_of(found), "[\"default\", \"logs\"]"));
	expect(store_catalog_list_databases(catalog, STR("default"), 1, &found, &refused, &failed),
		AWS_ERROR_NONE);
	assert_true(is_same(names_of(found), "[\"logs\"]"));
}

#define COLUMNS                                                                                    \
	"\"StorageDescriptor\": {\"Columns\": [{\"Name\": \"srcaddr\", \"Type\": \"string\"}]}"
#define KEYS                                                                                       \
	"\"PartitionKeys\": [{\"Name\": \"region\", \"Type\": \"string\"},"                        \
	" {\"Name\": \"hour\", \"Type\": \"int\"}]"

static void test_tables(void **state)
{
	json_t *found;

	create_table("logs", "{\"Name\": \"Flows\", " COLUMNS ", " KEYS "}", AWS_ERROR_NONE);
	create_table("logs", "{\"Name\": \"flows\"}", AWS_ERROR_ALREADY_EXISTS_EXCEPTION);
	create_table("nope", "{\"Name\": \"flows\"}", AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION);
	create_table("logs", "{\"Name\": \"link\", \"TargetTable\": {\"Name\": \"flows\"}}",
		AWS_ERROR_INVALID_INPUT_EXCEPTION);
	create_table("logs", "{\"Name\": \"a\"}", AWS_ERROR_NONE);
	expect(store_catalog_get_table(catalog, flows, &found, &refused, &failed), AWS_ERROR_NONE);
	assert_true(json_integer_value(json_object_get(found, "UpdateTime")) > 1000000000000);
	json_object_del(found, "CreateTime");
	json_object_del(found, "UpdateTime");
	/* what was not told has AWS's values: clients count on the numbers */
	assert_true(is_same(found,
		"{\"Name\": \"flows\", \"DatabaseName\": \"logs\", \"StorageDescriptor\":"
		" {\"Columns\": [{\"Name\": \"srcaddr\", \"Type\": \"string\"}],"
		" \"Compressed\": false, \"NumberOfBuckets\": 0, \"SortColumns\": [],"
		" \"StoredAsSubDirectories\": false}, " KEYS ","
		" \"CreatedBy\": \"arn:x\", \"VersionId\": \"0\", \"Retention\": 0,"
		" \"IsRegisteredWithLakeFormation\": false, \"CatalogId\": \"111122223333\"}"));
	expect(store_catalog_list_tables(
		       catalog, STR("LOGS"), STR_NONE, 10, &found, &refused, &failed),
		AWS_ERROR_NONE);
	assert_true(is_same(names_of(found), "[\"a\", \"flows\"]"));
	expect(store_catalog_list_tables(
		       catalog, STR("logs"), STR("a"), 10, &found, &refused, &failed),
		AWS_ERROR_NONE);
	assert_true(is_same(names_of(found), "[\"flows\"]"));
}

static void update_table(
	const char *input, bool skip_archive, const char *version, enum aws_error_code code)
{
	json_t *document = parse(input);

	expect(store_catalog_update_table(catalog, STR("logs"), document, skip_archive,
		       str_from(version), &refused, &failed),
		code);
	json_decref(document);
}

/* "2: third, 0: first" */
static void check_versions(int64_t before, size_t limit, const char *expected)
{
	const struct store_table_name name = {STR("logs"), STR("a")};
	char text[200] = "";
	json_t *found;
	json_t *version;
	size_t i;

	expect(store_catalog_list_versions(catalog, name, before, limit, &found, &refused, &failed),
		AWS_ERROR_NONE);
	json_array_foreach(found, i, version)
	{
		const json_t *table = json_object_get(version, "Table");
		const char *says = json_string_value(json_object_get(table, "Description"));
		size_t n = strlen(text);
		snprintf(text + n, sizeof(text) - n, "%s%s: %s", n ? ", " : "",
			json_string_value(json_object_get(version, "VersionId")),
			says ? says : "-");
	}
	json_decref(found);
	assert_string_equal(text, expected);
}

static void test_versions(void **state)
{
	const struct store_table_name name = {STR("logs"), STR("a")};
	json_t *found;

	update_table("{\"Name\": \"a\", \"Description\": \"second\"}", false, "", AWS_ERROR_NONE);
	update_table("{\"Name\": \"a\", \"Description\": \"third\"}", true, "1", AWS_ERROR_NONE);
	update_table("{\"Name\": \"a\", \"Description\": \"fourth\"}", false, "1",
		AWS_ERROR_CONCURRENT_MODIFICATION_EXCEPTION);
	update_table("{\"Name\": \"a\", \"Description\": \"fourth\"}", false, "2", AWS_ERROR_NONE);
	update_table("{\"Name\": \"b\"}", false, "", AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION);
	check_versions(-1, 10, "3: fourth, 2: third, 0: -");
	check_versions(-1, 1, "3: fourth");
	check_versions(3, 1, "2: third");
	check_versions(2, 10, "0: -");
	check_versions(0, 10, "");
	expect(store_catalog_get_version(catalog, name, STR("2"), &found, &refused, &failed),
		AWS_ERROR_NONE);
	assert_string_equal(json_string_value(json_object_get(found, "VersionId")), "2");
	json_decref(found);
	expect(store_catalog_get_version(catalog, name, STR("1"), &found, &refused, &failed),
		AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION);
	expect(store_catalog_delete_version(catalog, name, STR("3"), &refused, &failed),
		AWS_ERROR_INVALID_INPUT_EXCEPTION);
	expect(store_catalog_delete_version(catalog, name, STR("2"), &refused, &failed),
		AWS_ERROR_NONE);
	expect(store_catalog_delete_version(catalog, name, STR("2"), &refused, &failed),
		AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION);
	check_versions(-1, 10, "3: fourth, 0: -");
}

static json_t *errors;

static void create_partitions(const char *inputs, enum aws_error_code code)
{
	json_t *list = parse(inputs);

	expect(store_catalog_create_partitions(catalog, flows, list, errors, &refused, &failed),
		code);
	json_decref(list);
}

/* The values of pages of limit, "a 1, a 2 | b 1". */
static void check_partitions(const struct store_partition_query *asked, const char *expected)
{
	struct store_partition_query query = *asked;
	_cleanup_buf_ struct buf after = {0};
	_cleanup_buf_ struct buf text = {0};

	for (size_t page = 0; page == 0 || after.n; page++) {
		struct buf next = {0};
		json_t *list;
		json_t *partition;
		size_t i;
		query.after = buf_str(&after);
		expect(store_catalog_list_partitions(
			       catalog, flows, &query, &list, &next, &refused, &failed),
			AWS_ERROR_NONE);
		json_array_foreach(list, i, partition)
		{
			const json_t *values = json_object_get(partition, "Values");
			buf_printf(&text, "%s%s %s", i ? ", " : (page ? " | " : ""),
				json_string_value(json_array_get(values, 0)),
				json_string_value(json_array_get(values, 1)));
		}
		json_decref(list);
		buf_done(&after);
		after = next;
	}
	assert_string_equal(buf_text(&text), expected);
}

static void test_partitions(void **state)
{
	create_partitions("[{\"Values\": [\"b\", \"1\"]}, {\"Values\": [\"a\", \"2\"]},"
			  " {\"Values\": [\"a\", \"10\"]}, {\"Values\": [\"\", \"3\"]},"
			  " {\"Values\": [\"aa\", \"2\"]}]",
		AWS_ERROR_NONE);
	create_partitions("[{\"Values\": [\"c\", \"1\"]}, {\"Values\": [\"a\", \"2\"]}]",
		AWS_ERROR_ALREADY_EXISTS_EXCEPTION);
	create_partitions("[{\"Values\": [\"c\"]}]", AWS_ERROR_INVALID_INPUT_EXCEPTION);
	check_partitions(&(struct store_partition_query){.limit = 10}, " 3, a 10, a 2, aa 2, b 1");
	check_partitions(&(struct store_partition_query){.limit = 2}, " 3, a 10 | a 2, aa 2 | b 1");
	check_partitions(&(struct store_partition_query){.limit = 5}, " 3, a 10, a 2, aa 2, b 1");
	check_partitions(&(struct store_partition_query){.limit = 1,
				 .expression = STR("hour < 10 and region >= 'a'")},
		"a 2 | aa 2 | b 1");
	errors = json_array();
	create_partitions(
		"[{\"Values\": [\"c\", \"1\"]}, {\"Values\": [\"a\", \"2\"]}]", AWS_ERROR_NONE);
	assert_true(is_same(errors,
		"[{\"PartitionValues\": [\"a\", \"2\"], \"ErrorDetail\": {\"ErrorCode\":"
		" \"AlreadyExistsException\", \"ErrorMessage\": \"Partition already exists.\"}}]"));
	errors = NULL;
	check_partitions(
		&(struct store_partition_query){.limit = 10, .expression = STR("hour = 1")},
		"b 1, c 1");
}

/* Each partition is in one segment. */
static void test_segments(void **state)
{
	size_t count = 0;

	for (unsigned segment = 0; segment < 3; segment++) {
		const struct store_partition_query query = {
			.segment = segment, .segments = 3, .limit = 100};
		struct buf next = {0};
		json_t *list;
		expect(store_catalog_list_partitions(
			       catalog, flows, &query, &list, &next, &refused, &failed),
			AWS_ERROR_NONE);
		count += json_array_size(list);
		json_decref(list);
	}
	assert_int_equal(count, 6);
}

static void change(const char *entries, const char *lists, enum aws_error_code code)
{
	json_t *list = parse(entries ? entries : lists);

	expect(entries ? store_catalog_update_partitions(
				 catalog, flows, list, NULL, &refused, &failed)
		       : store_catalog_delete_partitions(
				 catalog, flows, list, NULL, &refused, &failed),
		code);
	json_decref(list);
}

static void test_changes(void **state)
{
	json_t *values = parse("[\"d\", \"4\"]");
	json_t *found;

	change("[{\"PartitionValueList\": [\"c\", \"1\"], \"PartitionInput\":"
	       " {\"Values\": [\"d\", \"4\"], \"Parameters\": {\"k\": \"v\"}}}]",
		NULL, AWS_ERROR_NONE);
	change("[{\"PartitionValueList\": [\"b\", \"1\"], \"PartitionInput\":"
	       " {\"Values\": [\"d\", \"4\"]}}]",
		NULL, AWS_ERROR_ALREADY_EXISTS_EXCEPTION);
	change("[{\"PartitionValueList\": [\"c\", \"1\"], \"PartitionInput\": {}}]", NULL,
		AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION);
	expect(store_catalog_get_partition(catalog, flows, values, &found, &refused, &failed),
		AWS_ERROR_NONE);
	json_object_del(found, "CreationTime");
	assert_true(is_same(found, "{\"Values\": [\"d\", \"4\"], \"Parameters\": {\"k\": \"v\"},"
				   " \"DatabaseName\": \"logs\", \"TableName\": \"flows\","
				   " \"CatalogId\": \"111122223333\"}"));
	change(NULL, "[[\"d\", \"4\"], [\"x\", \"4\"]]", AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION);
	change(NULL, "[[\"a\", \"10\"]]", AWS_ERROR_NONE);
	json_decref(values);
	check_partitions(&(struct store_partition_query){.limit = 9}, " 3, a 2, aa 2, b 1, d 4");
}

static void test_statistics(void **state)
{
	json_t *list = parse("[{\"ColumnName\": \"srcaddr\", \"ColumnType\": \"string\"}]");
	json_t *columns = parse("[\"srcaddr\", \"dstaddr\"]");
	json_t *values = parse("[\"d\", \"4\"]");
	json_t *missing = json_array();
	json_t *found;

	expect(store_catalog_put_statistics(catalog, flows, values, list, &refused, &failed),
		AWS_ERROR_NONE);
	expect(store_catalog_get_statistics(
		       catalog, flows, NULL, columns, &found, missing, &refused, &failed),
		AWS_ERROR_NONE);
	assert_true(is_same(found, "[]"));
	json_array_clear(missing);
	expect(store_catalog_get_statistics(
		       catalog, flows, values, columns, &found, missing, &refused, &failed),
		AWS_ERROR_NONE);
	assert_true(json_equal(found, list));
	json_decref(found);
	assert_true(is_same(missing, "[\"dstaddr\"]"));
	expect(store_catalog_delete_statistics(
		       catalog, flows, values, STR("srcaddr"), &refused, &failed),
		AWS_ERROR_NONE);
	expect(store_catalog_delete_statistics(
		       catalog, flows, values, STR("srcaddr"), &refused, &failed),
		AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION);
	json_decref(list);
	json_decref(columns);
	json_decref(values);
}

static void test_items(void **state)
{
	json_t *document = parse("{\"Name\": \"f\"}");
	bool found;
	json_t *item;

	expect(store_catalog_put_item(catalog, STORE_CATALOG_FUNCTION, STR("logs"), STR("f"),
		       document, &refused, &failed),
		AWS_ERROR_NONE);
	expect(store_catalog_get_item(catalog, STORE_CATALOG_INDEX, STR("logs"), STR("f"), &item,
		       &refused, &failed),
		AWS_ERROR_NONE);
	assert_null(item);
	expect(store_catalog_list_items(catalog, STORE_CATALOG_FUNCTION, STR_NONE, STR_NONE, 9,
		       &item, &refused, &failed),
		AWS_ERROR_NONE);
	assert_true(is_same(item, "[{\"Name\": \"f\"}]"));
	expect(store_catalog_delete_item(catalog, STORE_CATALOG_FUNCTION, STR("logs"), STR("g"),
		       &found, &refused, &failed),
		AWS_ERROR_NONE);
	assert_false(found);
	json_decref(document);
}

/* What was made is there after a restart; what hangs on a database goes with it. */
static void test_restart_and_delete(void **state)
{
	json_t *found;

	close_catalog();
	open_catalog();
	check_versions(-1, 10, "3: fourth, 0: -");
	check_partitions(&(struct store_partition_query){.limit = 9}, " 3, a 2, aa 2, b 1, d 4");
	expect(store_catalog_delete_table(catalog, (struct store_table_name){STR("logs"), STR("a")},
		       &refused, &failed),
		AWS_ERROR_NONE);
	expect(store_catalog_delete_table(catalog, (struct store_table_name){STR("logs"), STR("a")},
		       &refused, &failed),
		AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION);
	expect(store_catalog_delete_database(catalog, STR("logs"), &refused, &failed),
		AWS_ERROR_NONE);
	create_database("{\"Name\": \"logs\"}", AWS_ERROR_NONE);
	create_table("logs", "{\"Name\": \"flows\", " KEYS "}", AWS_ERROR_NONE);
	check_partitions(&(struct store_partition_query){.limit = 9}, "");
	expect(store_catalog_get_item(catalog, STORE_CATALOG_FUNCTION, STR("logs"), STR("f"),
		       &found, &refused, &failed),
		AWS_ERROR_NONE);
	assert_null(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_databases),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_restart_and_delete),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
