/* Each text must come out as the author meant it, and DuckDB must take it: the rewritten text is
 * run against a table with these columns, and where the text as written is refused, that is said
 * too (a rewriting that DuckDB does not need would go unnoticed otherwise). */
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
	const char *sql, *expected; /* NULL: as it is */
	bool refused;               /* DuckDB refuses sql */
} texts[] = {
	{"SELECT end FROM t", "SELECT \"end\" FROM t", true},
	{"SELECT END FROM t", "SELECT \"END\" FROM t", true},
	{"select start, end from t", "select \"start\", \"end\" from t", true},
	{"SELECT end-start FROM t", "SELECT \"end\"-\"start\" FROM t", true},
	{"SELECT max(end) FROM t", "SELECT max(\"end\") FROM t", true},
	{"SELECT max(end) end FROM t", "SELECT max(\"end\") \"end\" FROM t", true},
	{"SELECT max(start) start FROM t", "SELECT max(\"start\") \"start\" FROM t", true},
	{"SELECT DISTINCT end FROM t", "SELECT DISTINCT \"end\" FROM t", true},
	{"SELECT DISTINCT ON (end) end FROM t", "SELECT DISTINCT ON (\"end\") \"end\" FROM t",
		true},
	{"SELECT t.end FROM t", "SELECT t.\"end\" FROM t", false},
	{"SELECT 1 AS end", "SELECT 1 AS \"end\"", false},
	{"SELECT * FROM t WHERE end > 5 AND end < 9 OR NOT end = 1",
		"SELECT * FROM t WHERE \"end\" > 5 AND \"end\" < 9 OR NOT \"end\" = 1", true},
	{"SELECT * FROM t WHERE 5 BETWEEN start AND end",
		"SELECT * FROM t WHERE 5 BETWEEN \"start\" AND \"end\"", true},
	{"SELECT * FROM t WHERE end IN (1, 2)", "SELECT * FROM t WHERE \"end\" IN (1, 2)", true},
	{"SELECT * FROM t WHERE end IS NOT NULL", "SELECT * FROM t WHERE \"end\" IS NOT NULL",
		true},
	{"SELECT end, count(*) FROM t GROUP BY end HAVING end > 1 ORDER BY end DESC, end",
		"SELECT \"end\", count(*) FROM t GROUP BY \"end\" HAVING \"end\" > 1 ORDER BY \"end\" "
		"DESC, \"end\"",
		true},
	{"SELECT to_timestamp(end)::DATE FROM t", "SELECT to_timestamp(\"end\")::DATE FROM t",
		true},
	{"SELECT end::VARCHAR || 's' FROM t", "SELECT \"end\"::VARCHAR || 's' FROM t", true},
	{"SELECT CAST(end AS VARCHAR) FROM t", "SELECT CAST(\"end\" AS VARCHAR) FROM t", true},
	{"SELECT [1, 2, 3][start:end] FROM t", "SELECT [1, 2, 3][\"start\":\"end\"] FROM t", true},
	{"SELECT a.end FROM t a JOIN t b ON a.end = b.end",
		"SELECT a.\"end\" FROM t a JOIN t b ON a.\"end\" = b.\"end\"", false},
	{"SELECT 1 FROM t JOIN t u USING (end)", "SELECT 1 FROM t JOIN t u USING (\"end\")", true},
	{"SELECT 1end", "SELECT 1\"end\"", true},
	{"SELECT/**/end/**/FROM t", "SELECT/**/\"end\"/**/FROM t", true},
	{"SELECT end -- end\nFROM t", "SELECT \"end\" -- end\nFROM t", true},
	{"SELECT {'a': end} FROM t", "SELECT {'a': \"end\"} FROM t", true},
	{"SELECT x FROM (SELECT end x FROM t)", "SELECT x FROM (SELECT \"end\" x FROM t)", true},
	{"SELECT sum(end) OVER (PARTITION BY end ORDER BY end) FROM t",
		"SELECT sum(\"end\") OVER (PARTITION BY \"end\" ORDER BY \"end\") FROM t", true},
	{"WITH x AS (SELECT end FROM t) SELECT end FROM x",
		"WITH x AS (SELECT \"end\" FROM t) SELECT \"end\" FROM x", true},
	{"SELECT 1 FROM t WHERE 1 IS DISTINCT FROM end",
		"SELECT 1 FROM t WHERE 1 IS DISTINCT FROM \"end\"", true},
	/* CASE */
	{"SELECT CASE WHEN end > 1 THEN end ELSE end END FROM t",
		"SELECT CASE WHEN \"end\" > 1 THEN \"end\" ELSE \"end\" END FROM t", true},
	{"SELECT CASE end WHEN 1 THEN 2 END FROM t", "SELECT CASE \"end\" WHEN 1 THEN 2 END FROM t",
		true},
	{"SELECT CASE WHEN true THEN 1 END end FROM t",
		"SELECT CASE WHEN true THEN 1 END \"end\" FROM t", true},
	{"SELECT CASE WHEN true THEN max(end) END FROM t",
		"SELECT CASE WHEN true THEN max(\"end\") END FROM t", true},
	{"SELECT CASE WHEN true THEN CASE WHEN end = 1 THEN start END ELSE 1 + end END - end FROM t",
		"SELECT CASE WHEN true THEN CASE WHEN \"end\" = 1 THEN \"start\" END ELSE 1 + \"end\" END - "
		"\"end\" FROM t",
		true},
	{"SELECT (CASE WHEN true THEN 'x' END), end FROM t",
		"SELECT (CASE WHEN true THEN 'x' END), \"end\" FROM t", true},
	{"SELECT CASE WHEN srcaddr LIKE '1%' THEN srcaddr END FROM t", NULL, false},
	{"SELECT CASE WHEN srcaddr IS NULL THEN 1.5 END FROM t", NULL, false},
	{"SELECT CASE WHEN true THEN DATE '2020-01-01' ELSE NULL END", NULL, false},
	{"SELECT CASE WHEN true THEN 1::BIGINT END", NULL, false},
	{"SELECT CASE WHEN true THEN [1] END, CASE WHEN true THEN {'a': 1} END", NULL, false},
	{"SELECT CASE WHEN true THEN t.start END FROM t",
		"SELECT CASE WHEN true THEN t.start END FROM t", false},
	{"SELECT CASE WHEN true THEN t.end END FROM t",
		"SELECT CASE WHEN true THEN t.\"end\" END FROM t", false},
	{"SELECT CASE WHEN true THEN \"end\" END FROM t", NULL, false},
	{"SELECT CASE WHEN start = 2 * end THEN 1 END FROM t",
		"SELECT CASE WHEN \"start\" = 2 * \"end\" THEN 1 END FROM t", true},
	/* left alone */
	{"BEGIN; END", NULL, false},
	{"START TRANSACTION; COMMIT", NULL, false},
	{"BEGIN; END TRANSACTION", NULL, false},
	{"SELECT 'end' AS \"end\", $$ end $$", NULL, false},
	{"SELECT \"end\", \"start\" FROM t", NULL, false},
	{"SELECT 1 -- end\n", NULL, false},
	{"SELECT 1 /* end start */", NULL, false},
	{"SELECT t.srcaddr AS endpoint, 1 AS the_end FROM t", NULL, false},
	{"CREATE SEQUENCE s START 5; DROP SEQUENCE s", NULL, false},
	{"CREATE SEQUENCE s START WITH 5; DROP SEQUENCE s", NULL, false},
};

static bool duckdb_takes(const char *sql)
{
	duckdb_result result;
	bool taken = duckdb_query(connection, sql, &result) == DuckDBSuccess;

	duckdb_destroy_result(&result);
	duckdb_query(connection, "ROLLBACK", NULL);
	return taken;
}

static void words_are_quoted_where_they_are_columns(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *expected = texts[i].expected ? texts[i].expected : texts[i].sql;
		_cleanup_buf_ struct buf buf = {0};
		rewrite_quote_words(&buf, str_from(texts[i].sql));
		assert_string_equal(buf_text(&buf), expected);
		if (!duckdb_takes(expected))
			print_message("DuckDB refuses: %s\n", expected);
		assert_true(duckdb_takes(expected));
		if (duckdb_takes(texts[i].sql) == texts[i].refused)
			print_message("as written: %s\n", texts[i].sql);
		assert_int_equal(duckdb_takes(texts[i].sql), !texts[i].refused);
	}
}

static uint32_t bit_of(const char *name)
{
	for (unsigned i = 0; i < record_field_aliases_count; i++) {
		if (str_equal(record_field_aliases[i].sql_name, str_from(name)))
			return UINT32_C(1) << i;
	}
	fail_msg("%s is no older name", name);
	return 0;
}

static void older_names_are_found(void **state)
{
	assert_int_equal(rewrite_mentioned_aliases(STR("SELECT srcaddr FROM vpc_flow_logs")), 0);
	assert_int_equal(
		rewrite_mentioned_aliases(STR("SELECT SourceAddress, t.\"numbytes\" FROM t")),
		bit_of("sourceaddress") | bit_of("numbytes"));
	assert_int_equal(rewrite_mentioned_aliases(STR(
				 "SELECT 'sourceaddress', $$numbytes$$ -- endtime\n/* account */")),
		0);
	assert_int_equal(rewrite_mentioned_aliases(STR("SELECT sourceaddress2, mynumbytes")), 0);
}

static int open_database(void **state)
{
	return duckdb_library_load(NULL) < 0 || duckdb_open(NULL, &database) != DuckDBSuccess ||
	       duckdb_connect(database, &connection) != DuckDBSuccess ||
	       duckdb_query(connection,
		       "CREATE TABLE t AS SELECT 1::BIGINT AS start, 2::BIGINT AS \"end\", "
		       "'10.0.0.1' AS srcaddr",
		       NULL) != DuckDBSuccess;
}

static int close_database(void **state)
{
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return 0;
}

static void prefix_calls_are_found(void **state)
{
	static const struct {
		const char *sql, *expected; /* NULL: as it is */
	} calls[] = {
		{"SELECT contains('10.0.0.0/8', srcaddr)",
			"SELECT cidr_contains('10.0.0.0/8', srcaddr)"},
		{"WHERE NOT CONTAINS ( '2001:db8::/32' ,x)",
			"WHERE NOT cidr_CONTAINS ( '2001:db8::/32' ,x)"},
		{"contains('10.0.0.0', srcaddr)", NULL},
		{"contains(srcaddr, '10.0.0.0/8')", NULL},
		{"contains('a/b', srcaddr)", NULL},
		{"contains('10.0.0.0/33', srcaddr)", NULL},
		{"contains('10.0.0.0/8')", NULL},
		{"x.contains('10.0.0.0/8', y)", NULL},
		{"'contains(''10.0.0.0/8'', y)' -- contains('10.0.0.0/8', y)", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		_cleanup_buf_ struct buf got = {0};
		rewrite_prefix_calls(&got, str_from(calls[i].sql));
		assert_string_equal(
			buf_text(&got), calls[i].expected ? calls[i].expected : calls[i].sql);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_quoted_where_they_are_columns),
		cmocka_unit_test(older_names_are_found),
		cmocka_unit_test(prefix_calls_are_found),
	};

	return cmocka_run_group_tests(tests, open_database, close_database);
}
