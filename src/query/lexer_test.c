/* What ends a statement is DuckDB's to say: its own parser counts the same statements. */
#include "query/lexer_priv.h"

#include "base/duckdb.h"
#include "base/mem.h"
#include "query/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static duckdb_database database;
static duckdb_connection connection;

static const struct {
	const char *sql;
	size_t statements;
} texts[] = {
	{"SELECT 1;", 1},
	{"SELECT 1; SELECT 2;", 2},
	{";;SELECT 1;;", 1},
	{"SELECT ';';", 1},
	{"SELECT 'it''s;';", 1},
	{"SELECT E'\\';', 1;", 1},
	{"SELECT 1 AS \"a;b\", 2 AS \"c\"\"; d\";", 1},
	{"SELECT 1 -- no; not yet\n;", 1},
	{"SELECT 1 /* no; /* nested; */ still; */;", 1},
	{"SELECT $$a;b$$;", 1},
	{"SELECT $tag$a;$$;b$tag$; SELECT 2;", 2},
	{"SELECT 1e5, 1.5e-3, .5, 0x1F, 1_000;", 1},
	{"SELECT [1,2,3][1:2];", 1},
	{"SELECT 5-- minus nothing;\n-3;", 1},
	{"SELECT 6/*;*//2;", 1},
	{"SELECT a$b; SELECT 2;", 2},
	{"SELECT '\xc3\xa4;' AS \xc3\xa4;", 1},
};

static size_t count_statements(struct str sql)
{
	size_t count = 0;

	while (sql.n) {
		size_t n = query_statement_length(sql);
		if (n == 0) {
			assert_true(query_statement_is_empty(sql));
			break;
		}
		struct str statement = {sql.p, n};
		count += !query_statement_is_empty(statement);
		sql.p += n;
		sql.n -= n;
	}
	return count;
}

static void statements_end_where_duckdb_ends_them(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		duckdb_extracted_statements extracted = NULL;
		idx_t count = duckdb_extract_statements(connection, texts[i].sql, &extracted);
		if (count != texts[i].statements)
			print_message("DuckDB: %s: %s\n", texts[i].sql,
				duckdb_extract_statements_error(extracted));
		assert_int_equal(count, texts[i].statements);
		assert_int_equal(count_statements(str_from(texts[i].sql)), texts[i].statements);
		duckdb_destroy_extracted(&extracted);
	}
}

static void open_quotes_do_not_end(void **state)
{
	static const char *const open[] = {"SELECT ';", "SELECT \"a;", "SELECT 1 /* ;",
		"SELECT /* /* ; */ ;", "SELECT $$;", "SELECT $a$;$b$;", "SELECT 1 -- ;",
		"SELECT E'\\';"};

	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		assert_int_equal(query_statement_length(str_from(open[i])), 0);
}

static void tokens_are_of_their_kind(void **state)
{
	static const struct {
		enum sql_kind kind;
		const char *text;
	} expected[] = {
		{SQL_WORD, "SELECT"},
		{SQL_SPACE, " "},
		{SQL_WORD, "a1"},
		{SQL_MARK, "."},
		{SQL_QUOTED, "\"b\"\"c\""},
		{SQL_MARK, ","},
		{SQL_NUMBER, "1.5e+3"},
		{SQL_WORD, "end"},
		{SQL_SPACE, "\n"},
		{SQL_COMMENT, "--x"},
		{SQL_SPACE, "\n"},
		{SQL_STRING, "e'\\''"},
		{SQL_MARK, ":"},
		{SQL_MARK, ":"},
		{SQL_STRING, "$$x$$"},
		{SQL_MARK, "$"},
		{SQL_NUMBER, "1"},
		{SQL_COMMENT, "/* c */"},
		{SQL_STRING, "'open"},
	};
	struct str rest = STR("SELECT a1.\"b\"\"c\",1.5e+3end\n--x\ne'\\''::$$x$$$1/* c */'open");
	struct sql_token token;

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_true(sql_token_next(&rest, &token));
		assert_true(str_equal(token.text, str_from(expected[i].text)));
		assert_int_equal(token.kind, expected[i].kind);
	}
	assert_true(token.open);
	assert_false(sql_token_next(&rest, &token));
}

static int open_database(void **state)
{
	return duckdb_library_load(NULL) < 0 || duckdb_open(NULL, &database) != DuckDBSuccess ||
	       duckdb_connect(database, &connection) != DuckDBSuccess;
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
		cmocka_unit_test(statements_end_where_duckdb_ends_them),
		cmocka_unit_test(open_quotes_do_not_end),
		cmocka_unit_test(tokens_are_of_their_kind),
	};

	return cmocka_run_group_tests(tests, open_database, close_database);
}
