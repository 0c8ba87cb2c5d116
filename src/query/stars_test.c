/* The oracle is DuckDB: each rewritten statement runs over a table that has the older names as
 * columns, and the names of its result are those that `*` gives over a table without them. */
#include "query/rewrite_priv.h"

#include "base/duckdb.h"
#include "record/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static duckdb_database database;
static duckdb_connection connection;

static const struct {
	const char *sql, *columns; /* of the result */
} texts[] = {
	{"SELECT * FROM vpc_flow_logs WHERE sourceaddress > ''", "srcaddr bytes"},
	{"SELECT *, sourceaddress FROM vpc_flow_logs", "srcaddr bytes sourceaddress"},
	{"SELECT sourceaddress, * FROM VPC_Flow_Logs", "sourceaddress srcaddr bytes"},
	{"SELECT vpc_flow_logs.* FROM vpc_flow_logs", "srcaddr bytes"},
	{"SELECT x.* FROM vpc_flow_logs x", "srcaddr bytes"},
	{"SELECT \"a b\".* FROM vpc_flow_logs AS \"a b\"", "srcaddr bytes"},
	{"SELECT \"q\"\"q\".* FROM vpc_flow_logs AS \"q\"\"q\"", "srcaddr bytes"},
	{"SELECT /* * */ * -- *\n FROM main.vpc_flow_logs", "srcaddr bytes"},
	{"FROM vpc_flow_logs WHERE numbytes > 0", "srcaddr bytes"},
	{"FROM vpc_flow_logs SELECT *, 1 AS one", "srcaddr bytes one"},
	{"SELECT * EXCLUDE (bytes) FROM vpc_flow_logs", "srcaddr"},
	{"SELECT * EXCLUDE bytes FROM vpc_flow_logs", "srcaddr"},
	{"SELECT * EXCLUDE vpc_flow_logs.bytes, 1 AS one FROM vpc_flow_logs", "srcaddr one"},
	{"SELECT * EXCLUDE (vpc_flow_logs.bytes) REPLACE ('x' AS srcaddr) FROM vpc_flow_logs",
		"srcaddr"},
	{"SELECT * REPLACE (1 AS bytes) FROM vpc_flow_logs", "srcaddr bytes"},
	{"SELECT * RENAME (bytes AS b) FROM vpc_flow_logs", "srcaddr b"},
	{"SELECT a.*, b.* FROM vpc_flow_logs a JOIN vpc_flow_logs b USING (numbytes)",
		"srcaddr bytes srcaddr bytes"},
	{"SELECT * FROM vpc_flow_logs a JOIN vpc_flow_logs b ON a.numbytes = b.numbytes",
		"srcaddr bytes srcaddr bytes"},
	{"SELECT * FROM vpc_flow_logs, other", "srcaddr bytes sourceaddress"},
	{"SELECT other.* FROM vpc_flow_logs, other", "sourceaddress"},
	{"SELECT * FROM other", "sourceaddress"},
	{"SELECT * FROM (SELECT * FROM vpc_flow_logs WHERE numbytes > 0)", "srcaddr bytes"},
	{"SELECT * FROM vpc_flow_logs UNION ALL SELECT * FROM vpc_flow_logs", "srcaddr bytes"},
	{"WITH x AS (SELECT * FROM vpc_flow_logs) SELECT * FROM x", "srcaddr bytes"},
	{"WITH vpc_flow_logs AS (SELECT 1 AS numbytes) SELECT * FROM vpc_flow_logs", "numbytes"},
	{"WITH vpc_flow_logs AS (SELECT * FROM vpc_flow_logs WHERE numbytes > 0) SELECT * FROM "
	 "vpc_flow_logs",
		"srcaddr bytes"},
	{"SELECT 1 AS one WHERE EXISTS (SELECT * FROM vpc_flow_logs WHERE numbytes > 0)", "one"},
	{"SELECT (SELECT max(numbytes) FROM vpc_flow_logs) AS most, * FROM vpc_flow_logs",
		"most srcaddr bytes"},
	{"SELECT COUNT(*) AS n, 2 * 3 AS six FROM vpc_flow_logs", "n six"},
	{"SELECT COLUMNS(*) FROM vpc_flow_logs", "srcaddr bytes"},
	{"SELECT COLUMNS(* EXCLUDE (bytes)) FROM vpc_flow_logs", "srcaddr"},
	{"SELECT COLUMNS('.*bytes') FROM vpc_flow_logs", "bytes numbytes"},
	{"SELECT DISTINCT * FROM vpc_flow_logs ORDER BY numbytes", "srcaddr bytes"},
};

static void make_tree(const char *sql, struct buf *tree)
{
	duckdb_prepared_statement prepared;
	duckdb_result result;

	assert_int_equal(duckdb_prepare(connection,
				 "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", &prepared),
		DuckDBSuccess);
	duckdb_bind_varchar(prepared, 1, sql);
	assert_int_equal(duckdb_execute_prepared(prepared, &result), DuckDBSuccess);
	char *text = duckdb_value_varchar(&result, 0, 0);
	buf_add_text(tree, text);
	duckdb_free(text);
	duckdb_destroy_result(&result);
	duckdb_destroy_prepare(&prepared);
}

static uint32_t aliases(void)
{
	return rewrite_mentioned_aliases(STR("sourceaddress numbytes"));
}

static void stars_hide_older_names(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct buf tree = {0};
		_cleanup_buf_ struct buf sql = {0};
		_cleanup_buf_ struct buf columns = {0};
		duckdb_result result;

		make_tree(texts[i].sql, &tree);
		if (!rewrite_exclude_aliases(
			    &sql, str_from(texts[i].sql), aliases(), buf_str(&tree)))
			buf_add_text(&sql, texts[i].sql);
		if (duckdb_query(connection, buf_text(&sql), &result) != DuckDBSuccess)
			fail_msg("%s: %s", buf_text(&sql), duckdb_result_error(&result));
		for (idx_t j = 0; j < duckdb_column_count(&result); j++)
			buf_printf(&columns, "%s%s", j ? " " : "", duckdb_column_name(&result, j));
		duckdb_destroy_result(&result);
		if (strcmp(buf_text(&columns), texts[i].columns) != 0)
			print_message("%s\n", buf_text(&sql));
		assert_string_equal(buf_text(&columns), texts[i].columns);
	}
}

static void what_is_no_tree_changes_nothing(void **state)
{
	static const char beyond_the_text[] =
		"{\"statements\":[{\"node\":{\"type\":\"SELECT_NODE\",\"from_table\":{\"type\":"
		"\"BASE_TABLE\",\"table_name\":\"vpc_flow_logs\",\"schema_name\":\"\"},"
		"\"select_list\":[{\"class\":\"STAR\",\"expr\":null,\"query_location\":99999}]}}]}";
	static const char *const trees[] = {
		"", "{", "null", "[]", "{\"error\":true}", beyond_the_text};

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		_cleanup_buf_ struct buf sql = {0};
		assert_false(rewrite_exclude_aliases(
			&sql, STR("SELECT * FROM vpc_flow_logs"), aliases(), str_from(trees[i])));
		assert_int_equal(sql.n, 0);
	}
}

static int open_database(void **state)
{
	return duckdb_library_load(NULL) < 0 || duckdb_open(NULL, &database) != DuckDBSuccess ||
	       duckdb_connect(database, &connection) != DuckDBSuccess ||
	       duckdb_query(connection,
		       "CREATE VIEW vpc_flow_logs AS SELECT 'a' AS srcaddr, 1 AS bytes, "
		       "srcaddr AS sourceaddress, bytes AS numbytes",
		       NULL) != DuckDBSuccess ||
	       duckdb_query(connection, "CREATE TABLE other AS SELECT 1 AS sourceaddress", NULL) !=
		       DuckDBSuccess;
}

static int close_database(void **state)
{
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stars_hide_older_names),
		cmocka_unit_test(what_is_no_tree_changes_nothing),
	};

	return cmocka_run_group_tests(tests, open_database, close_database);
}
