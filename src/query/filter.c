#include "query/filter_priv.h"

#include "query/functions.h"
#include "query/rewrite_priv.h"

#include <jansson.h>

#define VALUES_MAX 4096 /* of one IN list */

/* What the walk over the tree needs to know. */
struct reading {
	const struct query_session *session;
	struct str alias; /* of vpc_flow_logs in the SELECT */
	struct record_filter *filter;
};

static struct str text_of(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		return STR_NONE;
	return (struct str){json_string_value(value), json_string_length(value)};
}

static bool is(json_t *object, const char *key, const char *expected)
{
	return str_equal(text_of(object, key), str_from(expected));
}

static bool is_empty(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return !value || json_is_null(value) ||
	       (json_is_string(value) && json_string_length(value) == 0) ||
	       (json_is_array(value) && json_array_size(value) == 0);
}

/* Where rows come from. */

static bool is_flow_logs(json_t *table)
{
	return is(table, "type", "BASE_TABLE") && is_empty(table, "schema_name") &&
	       is_empty(table, "catalog_name") &&
	       str_equal_ignoring_case(text_of(table, "table_name"), STR(REWRITE_TABLE));
}

/* What the tree reads. */
struct sources {
	size_t tables;  /* by name */
	size_t unknown; /* what may read anything: functions, SHOW and the like */
	json_t *select; /* the SELECT whose FROM is vpc_flow_logs and nothing else */
};

static bool is_harmless_function(json_t *table)
{
	static const char *const names[] = {
		"range", "generate_series", "unnest", "read_csv", "read_parquet", "read_json"};
	json_t *function = json_object_get(table, "function");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (is(function, "function_name", names[i]))
			return true;
	}
	return false;
}

/* as deep as the tree, which jansson bounds; NOLINTNEXTLINE(misc-no-recursion) */
static void find_sources(json_t *node, struct sources *sources)
{
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_array(node)) {
		json_array_foreach(node, i, child) find_sources(child, sources);
	}
	if (!json_is_object(node))
		return;
	if (is(node, "type", "BASE_TABLE"))
		sources->tables++;
	else if (is(node, "type", "TABLE_FUNCTION"))
		sources->unknown += !is_harmless_function(node);
	else if (is(node, "type", "SHOW_REF") || is(node, "type", "PIVOT"))
		sources->unknown++;
	else if (is(node, "type", "SELECT_NODE") &&
		 is_flow_logs(json_object_get(node, "from_table")))
		sources->select = node;
	json_object_foreach(node, key, child) find_sources(child, sources);
}

/* Conditions. */

static int column_of(const struct reading *reading, json_t *node)
{
	const struct query_session *session = reading->session;
	json_t *names = json_object_get(node, "column_names");
	size_t count = json_array_size(names);

	if (!is(node, "class", "COLUMN_REF") || count < 1 || count > 2)
		return -1;
	const char *table = json_string_value(json_array_get(names, 0));
	const char *name = json_string_value(json_array_get(names, count - 1));
	if (!name || (count == 2 && !str_equal_ignoring_case(str_from(table), reading->alias)))
		return -1;
	for (size_t i = 0; i < session->columns_count; i++) {
		if (str_equal_ignoring_case(str_from(session->columns[i].name), str_from(name)))
			return (int)i;
	}
	for (unsigned i = 0; i < record_field_aliases_count; i++) {
		const struct record_field_alias *alias = &record_field_aliases[i];
		if (session->view_aliases >> i & 1 &&
			str_equal_ignoring_case(alias->sql_name, str_from(name)))
			return query_columns_find(session, alias->sql_name);
	}
	return -1;
}

static json_t *constant_of(json_t *node, const char **ret_type)
{
	json_t *value = json_object_get(node, "value");

	if (!is(node, "class", "CONSTANT") || !json_is_false(json_object_get(value, "is_null")))
		return NULL;
	*ret_type = json_string_value(json_object_get(json_object_get(value, "type"), "id"));
	return *ret_type ? json_object_get(value, "value") : NULL;
}

static bool integer_of(json_t *node, int64_t *ret_number)
{
	static const char *const types[] = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"};
	const char *type;
	json_t *value = constant_of(node, &type);

	if (!json_is_integer(value))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(type, types[i]) == 0) {
			*ret_number = json_integer_value(value);
			return true;
		}
	}
	return false;
}

static bool string_of(json_t *node, struct str *ret_text)
{
	const char *type;
	json_t *value = constant_of(node, &type);

	if (!json_is_string(value) || strcmp(type, "VARCHAR") != 0)
		return false;
	*ret_text = (struct str){json_string_value(value), json_string_length(value)};
	return true;
}

static void test_done(struct record_test *test)
{
	for (size_t i = 0; test->kind == RECORD_TEST_TEXT && i < test->count; i++)
		free((char *)test->texts[i].p);
	free(test->texts); /* whichever of the union it is */
}

static bool add_value(struct record_test *test, enum record_type type, json_t *node)
{
	struct str text;
	int64_t number;

	if (type == RECORD_TYPE_STRING) {
		if (!string_of(node, &text))
			return false;
		char *copy = mem_new(text.n + 1, 1);
		memcpy(copy, text.p, text.n);
		test->texts[test->count++] = (struct str){copy, text.n};
		return true;
	}
	if (!integer_of(node, &number))
		return false;
	test->ranges[test->count++] = (struct record_range){number, number};
	return true;
}

/* column = value, column IN (value, ...). */
static bool read_values(const struct reading *reading, json_t *column_node, json_t *values,
	size_t first, struct record_test *test)
{
	int column = column_of(reading, column_node);
	size_t count = json_array_size(values) - first;

	if (column < 0 || count > VALUES_MAX)
		return false;
	enum record_type type = reading->session->columns[column].type;
	test->column = (size_t)column;
	if (type == RECORD_TYPE_STRING) {
		test->kind = RECORD_TEST_TEXT;
		test->texts = mem_new(count + 1, sizeof(*test->texts));
	} else {
		test->kind = RECORD_TEST_RANGE;
		test->ranges = mem_new(count + 1, sizeof(*test->ranges));
	}
	for (size_t i = 0; i < count; i++) {
		if (!add_value(test, type, json_array_get(values, first + i)))
			return false;
	}
	return true;
}

static bool read_range(const struct reading *reading, json_t *column_node, int64_t low,
	int64_t high, struct record_test *test)
{
	int column = column_of(reading, column_node);

	if (column < 0 || reading->session->columns[column].type == RECORD_TYPE_STRING)
		return false;
	test->kind = RECORD_TEST_RANGE;
	test->column = (size_t)column;
	test->ranges = mem_new(1, sizeof(*test->ranges));
	test->ranges[test->count++] = (struct record_range){low, high};
	return true;
}

static bool read_equal(
	const struct reading *reading, json_t *column, json_t *value, struct record_test *test)
{
	json_t *values = json_pack("[O]", value);
	bool understood = read_values(reading, column, values, 0, test);

	json_decref(values);
	return understood;
}

static bool read_comparison(const struct reading *reading, json_t *node, struct record_test *test)
{
	json_t *left = json_object_get(node, "left");
	json_t *right = json_object_get(node, "right");
	bool turned = !is(left, "class", "COLUMN_REF");
	json_t *column = turned ? right : left;
	json_t *value = turned ? left : right;
	int64_t number;

	if (is(node, "type", "COMPARE_EQUAL"))
		return read_equal(reading, column, value, test);
	bool less = is(node, "type", "COMPARE_LESSTHAN");
	bool at_most = is(node, "type", "COMPARE_LESSTHANOREQUALTO");
	bool more = is(node, "type", "COMPARE_GREATERTHAN");
	bool at_least = is(node, "type", "COMPARE_GREATERTHANOREQUALTO");
	if (!(less || at_most || more || at_least) || !integer_of(value, &number))
		return false;
	if ((less || more) && (number == INT64_MIN || number == INT64_MAX))
		return false;
	if (turned ? more || at_least : less || at_most)
		return read_range(reading, column, INT64_MIN, number - (less || more), test);
	return read_range(reading, column, number + (less || more), INT64_MAX, test);
}

static bool read_between(const struct reading *reading, json_t *node, struct record_test *test)
{
	int64_t low, high;

	return integer_of(json_object_get(node, "lower"), &low) &&
	       integer_of(json_object_get(node, "upper"), &high) &&
	       read_range(reading, json_object_get(node, "input"), low, high, test);
}

/* cidr_contains('10.0.0.0/8', column) */
static bool read_prefix(const struct reading *reading, json_t *node, struct record_test *test)
{
	json_t *children = json_object_get(node, "children");
	struct ip_prefix prefix;
	struct str text;

	if (!is(node, "function_name", QUERY_PREFIX_FUNCTION) || json_array_size(children) != 2 ||
		!is_empty(node, "schema") || !is_empty(node, "catalog") ||
		!is_empty(node, "filter") || !string_of(json_array_get(children, 0), &text) ||
		!ip_prefix_parse(text, &prefix))
		return false;
	int column = column_of(reading, json_array_get(children, 1));
	if (column < 0 || reading->session->columns[column].type != RECORD_TYPE_STRING)
		return false;
	test->kind = RECORD_TEST_PREFIX;
	test->column = (size_t)column;
	test->prefixes = mem_new(1, sizeof(*test->prefixes));
	test->prefixes[test->count++] = prefix;
	return true;
}

static bool read_test(const struct reading *reading, json_t *node, struct record_test *test)
{
	if (is(node, "class", "COMPARISON"))
		return read_comparison(reading, node, test);
	if (is(node, "class", "BETWEEN") && is(node, "type", "COMPARE_BETWEEN"))
		return read_between(reading, node, test);
	if (is(node, "class", "OPERATOR") && is(node, "type", "COMPARE_IN")) {
		json_t *children = json_object_get(node, "children");
		return read_values(reading, json_array_get(children, 0), children, 1, test);
	}
	if (is(node, "class", "FUNCTION"))
		return read_prefix(reading, node, test);
	return false;
}

/* Alternatives; false when one of them is not understood. As deep as the tree;
 * NOLINTNEXTLINE(misc-no-recursion) */
static bool read_clause(const struct reading *reading, json_t *node, struct record_clause *clause)
{
	if (is(node, "type", "CONJUNCTION_OR")) {
		json_t *child;
		size_t i;
		json_array_foreach(json_object_get(node, "children"), i, child)
		{
			if (!read_clause(reading, child, clause))
				return false;
		}
		return true;
	}
	if (clause->count == RECORD_FILTER_TESTS_MAX)
		return false;
	struct record_test *test = &clause->tests[clause->count++];
	*test = (struct record_test){0};
	return read_test(reading, node, test);
}

static void clause_done(struct record_clause *clause)
{
	for (size_t i = 0; i < clause->count; i++)
		test_done(&clause->tests[i]);
	free(clause->tests);
}

/* as deep as the tree, which jansson bounds; NOLINTNEXTLINE(misc-no-recursion) */
static void read_condition(const struct reading *reading, json_t *node)
{
	struct record_filter *filter = reading->filter;
	json_t *child;
	size_t i;

	if (is(node, "type", "CONJUNCTION_AND")) {
		json_array_foreach(json_object_get(node, "children"), i, child)
			read_condition(reading, child);
		return;
	}
	struct record_clause clause = {
		.tests = mem_new(RECORD_FILTER_TESTS_MAX, sizeof(*clause.tests))};
	if (!read_clause(reading, node, &clause)) {
		clause_done(&clause);
		return;
	}
	filter->clauses = mem_grow(filter->clauses, filter->count + 1, sizeof(*filter->clauses));
	filter->clauses[filter->count++] = clause;
}

/* A sample is taken before the condition, and names may be given to columns in FROM. */
static bool is_plain(json_t *select)
{
	json_t *table = json_object_get(select, "from_table");

	return is_empty(select, "sample") && is_empty(table, "sample") &&
	       is_empty(table, "column_name_alias") && is_empty(table, "at_clause");
}

struct query_filter *query_filter_from(const struct query_session *session, struct str tree)
{
	json_t *root = json_loadb(tree.p, tree.n, JSON_ALLOW_NUL, NULL);
	struct query_filter *filter = NULL;
	struct sources sources = {0};

	find_sources(root, &sources);
	if (sources.select && sources.tables == 1 && sources.unknown == 0 &&
		is_plain(sources.select)) {
		json_t *table = json_object_get(sources.select, "from_table");
		filter = mem_new(1, sizeof(*filter));
		filter->users = 1;
		struct reading reading = {
			.session = session,
			.alias = is_empty(table, "alias") ? STR(REWRITE_TABLE)
							  : text_of(table, "alias"),
			.filter = &filter->filter,
		};
		read_condition(&reading, json_object_get(sources.select, "where_clause"));
		if (filter->filter.count == 0)
			query_filter_free(take(filter));
	}
	json_decref(root);
	return filter;
}

struct query_filter *query_filter_share(struct query_filter *filter)
{
	if (filter)
		filter->users++;
	return filter;
}

void query_filter_free(struct query_filter *filter)
{
	if (!filter || --filter->users > 0)
		return;
	for (size_t i = 0; i < filter->filter.count; i++)
		clause_done(&filter->filter.clauses[i]);
	free(filter->filter.clauses);
	free(filter);
}

const struct record_test *query_filter_constant(const struct query_filter *filter, size_t column)
{
	for (size_t i = 0; i < filter->filter.count; i++) {
		const struct record_clause *clause = &filter->filter.clauses[i];
		const struct record_test *test = &clause->tests[0];
		if (clause->count != 1 || test->column != column || test->count != 1)
			continue;
		if (test->kind == RECORD_TEST_TEXT ||
			(test->kind == RECORD_TEST_RANGE &&
				test->ranges[0].low == test->ranges[0].high))
			return test;
	}
	return NULL;
}

struct record_filter *query_filter_map(const struct query_filter *filter, const int *place)
{
	struct record_filter *mapped = mem_new(1, sizeof(*mapped));

	mapped->count = filter->filter.count;
	mapped->clauses = mem_new(mapped->count, sizeof(*mapped->clauses));
	for (size_t i = 0; i < mapped->count; i++) {
		const struct record_clause *from = &filter->filter.clauses[i];
		struct record_clause *to = &mapped->clauses[i];
		to->count = from->count;
		to->tests = mem_new(to->count, sizeof(*to->tests));
		for (size_t j = 0; j < to->count; j++) {
			to->tests[j] = from->tests[j];
			if (place[from->tests[j].column] < 0)
				to->tests[j].kind = RECORD_TEST_NEVER;
			else
				to->tests[j].column = (size_t)place[from->tests[j].column];
		}
	}
	return mapped;
}

void query_filter_unmap(struct record_filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++)
		free(filter->clauses[i].tests);
	free(filter->clauses);
	free(filter);
}
