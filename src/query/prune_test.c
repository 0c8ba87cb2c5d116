/* Keys of AWS's layouts and of none, and statements as users write them; the trees and the values
 * of constants are DuckDB's own. */
#include "query/prune_priv.h"

#include "base/duckdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NAME(stamp)                                                                                \
	"123456789012_vpcflowlogs_eu-central-1_fl-0123456789abcdef0_" stamp "_fe123456.log.gz"
#define PLAIN "AWSLogs/123456789012/vpcflowlogs/eu-central-1/"
#define HIVE  "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-central-1/"

/* 2026-11-25 10:00:00 UTC */
#define TEN INT64_C(1795600800)

static void keys(void **state)
{
	static const struct {
		const char *key;
		int64_t low, high;
		const char *account, *region, *flow_log;
	} cases[] = {
		{PLAIN "2026/11/25/" NAME("20261125T1005Z"), TEN + 300, TEN + 599, "123456789012",
			"eu-central-1", "fl-0123456789abcdef0"},
		{"a/b/" NAME("20261125T1005Z"), TEN + 300, TEN + 599, "123456789012",
			"eu-central-1", "fl-0123456789abcdef0"},
		{NAME("20261125T1005Z"), TEN + 300, TEN + 599, "123456789012", "eu-central-1",
			"fl-0123456789abcdef0"},
		{PLAIN "2026/11/25/10/other.gz", TEN, TEN + 3599, "123456789012", "eu-central-1",
			""},
		{PLAIN "2026/11/25/", TEN - 36000, TEN - 36000 + 86399, "123456789012",
			"eu-central-1", ""},
		{"x/" HIVE "year=2026/month=11/day=25/hour=10/f.log.parquet", TEN, TEN + 3599,
			"123456789012", "eu-central-1", ""},
		{HIVE "year=2026/", 1767225600, 1798761599, "123456789012", "eu-central-1", ""},
		{HIVE "year=2026/month=12/", 1796083200, 1798761599, "123456789012", "eu-central-1",
			""},
		{PLAIN, INT64_MIN, INT64_MAX, "123456789012", "eu-central-1", ""},
		/* The layout says nothing about these. */
		{"AWSLogs/", INT64_MIN, INT64_MAX, "", "", ""},
		{"2026/11/25/10/f.log.gz", INT64_MIN, INT64_MAX, "", "", ""},
		{PLAIN "2026/13/25/f.log.gz", 1767225600, 1798761599, "123456789012",
			"eu-central-1", ""},
		{"AWSLogs/mine/vpcflowlogs/r/2026/11/25/f.gz", INT64_MIN, INT64_MAX, "", "", ""},
		{"123456789012_vpcflowlogs_eu-central-1_fl-1_20261125T1065Z_h.log.gz", INT64_MIN,
			INT64_MAX, "", "", ""},
		{NAME("20261125T1005Z") "_more", INT64_MIN, INT64_MAX, "", "", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prune_facts facts;
		prune_read_key(str_from(cases[i].key), &facts);
		if (facts.low != cases[i].low || facts.high != cases[i].high)
			fail_msg("%s: %lld to %lld", cases[i].key, (long long)facts.low,
				(long long)facts.high);
		assert_true(str_equal(facts.account, str_from(cases[i].account)));
		assert_true(str_equal(facts.region, str_from(cases[i].region)));
		assert_true(str_equal(facts.flow_log, str_from(cases[i].flow_log)));
	}
	struct prune_facts facts;
	prune_read_key(
		STR("AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/25/x.json.gz"), &facts);
	assert_true(facts.is_other);
	prune_read_key(STR(PLAIN), &facts);
	assert_false(facts.is_other);
}

/* ---- statements ---- */

static duckdb_database database;
static duckdb_connection connection;

static bool ask(const char *sql, duckdb_result *ret_result)
{
	if (duckdb_query(connection, sql, ret_result) == DuckDBSuccess)
		return true;
	print_message("%s: %s\n", sql, duckdb_result_error(ret_result));
	duckdb_destroy_result(ret_result);
	return false;
}

static bool number(void *context, const char *sql, double *ret_number)
{
	_cleanup_free_ char *select = mem_printf("SELECT %s", sql);
	duckdb_result result;

	if (!ask(select, &result))
		return false;
	duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
	duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, 0);
	uint64_t *validity = duckdb_vector_get_validity(vector);
	bool is_there = !validity || duckdb_validity_row_is_valid(validity, 0);
	*ret_number = *(double *)duckdb_vector_get_data(vector);
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	return is_there;
}

static bool text(void *context, const char *sql, struct buf *ret_text)
{
	_cleanup_free_ char *select = mem_printf("SELECT CAST(%s AS VARCHAR)", sql);
	duckdb_result result;

	if (!ask(select, &result))
		return false;
	duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
	duckdb_string_t *value = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
	buf_add(ret_text, duckdb_string_t_data(value), duckdb_string_t_length(*value));
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	return true;
}

static const struct prune_evaluator evaluator = {number, text, NULL};

static bool read_statement(const char *sql, struct prune *ret_prune)
{
	_cleanup_buf_ struct buf literal = {0}, tree = {0};
	struct str part = prune_select_part(str_from(sql));
	bool mentions;

	/* json_serialize_sql takes nothing of it: whoever asks looks at all. */
	if (part.n == 0) {
		prune_init(ret_prune);
		return true;
	}
	buf_add_text(&literal, "json_serialize_sql('");
	for (size_t i = 0; i < part.n; i++) {
		if (part.p[i] == '\'')
			buf_add_char(&literal, '\'');
		buf_add_char(&literal, part.p[i]);
	}
	buf_add_text(&literal, "')");
	if (!text(NULL, buf_text(&literal), &tree))
		fail();
	prune_read_tree(buf_str(&tree), &evaluator, ret_prune, &mentions);
	return mentions;
}

/* Of the keys from 08:55 to 12:00, which may have what the statement wants: "0855 0900 ...". */
static const char *wanted(const char *sql)
{
	static char list[1024];
	struct prune prune;

	list[0] = '\0';
	if (!read_statement(sql, &prune)) {
		prune_done(&prune);
		return "not mentioned";
	}
	if (prune_is_everything(&prune))
		snprintf(list, sizeof(list), "everything");
	for (int minute = 8 * 60 + 55; !prune_is_everything(&prune) && minute <= 12 * 60;
		minute += 5) {
		char key[256];
		snprintf(key, sizeof(key),
			PLAIN "2026/11/25/%02d/123456789012_vpcflowlogs_"
			      "eu-central-1_fl-1_20261125T%02d%02dZ_h.log.gz",
			minute / 60, minute / 60, minute % 60);
		size_t n = strlen(list);
		if (prune_may_match(&prune, str_from(key)))
			snprintf(list + n, sizeof(list) - n, "%s%02d%02d", n ? " " : "",
				minute / 60, minute % 60);
	}
	prune_done(&prune);
	return list;
}

#define HOUR "1000 1005 1010 1015 1020 1025 1030 1035 1040 1045 1050 1055"

static void times(void **state)
{
	static const struct {
		const char *where, *expected;
	} cases[] = {
		{"\"end\" >= 1795600800 AND \"end\" < 1795604400", HOUR},
		{"1795600800 <= \"end\" AND 1795604400 > vpc_flow_logs.\"end\"", HOUR},
		{"\"end\" BETWEEN 1795600800 AND 1795604399", HOUR},
		{"to_timestamp(\"end\") >= '2026-11-25 10:00:00' AND "
		 "to_timestamp(\"end\") < TIMESTAMP '2026-11-25 11:00:00'",
			HOUR},
		{"\"end\" >= epoch(TIMESTAMP '2026-11-25 10:00:00') AND "
		 "\"end\" < epoch(TIMESTAMP '2026-11-25 10:00:00' + INTERVAL 1 HOUR)",
			HOUR},
		{"date_trunc('hour', to_timestamp(\"end\")) = TIMESTAMP '2026-11-25 10:00:00'",
			HOUR " 1100"},
		{"\"end\" = 1795600800 + 5 * 60", "1005"},
		{"\"end\" IN (1795601100, 1795601700)", "1005 1010 1015"},
		{"\"end\" = 1795601100 OR endtime = 1795601700", "1005 1015"},
		/* A record that starts in the hour may end up to fifteen minutes behind it. */
		{"start >= 1795600800 AND start < 1795604400", HOUR " 1100 1105 1110"},
		{"to_timestamp(start)::DATE = DATE '2026-11-26'", ""},
		{"\"end\" > 1795604400 + 60 * 55", "1155 1200"},
		{"\"end\" < 0", ""},
		{"\"end\" > 1 AND \"end\" < 0", ""},
		{"account_id = '123456789012' AND \"end\" = 1795601100", "1005"},
		{"account_id IN ('111111111111', '222222222222')", ""},
		{"region = 'eu-' || 'west-1'", ""},
		{"region = 'eu-west-1' OR \"end\" = 1795601100", "1005"},
		{"(region = 'eu-west-1' OR region = 'eu-central-1') AND \"end\" = 1795601100 AND "
		 "srcport = 5",
			"1005"},
		/* What is not understood excludes nothing. */
		{"account_id = 'unknown'", "everything"},
		{"NOT (\"end\" > 5)", ""},
		{"NOT (\"end\" > 5 AND srcport = 5)", "everything"},
		{"\"end\" > srcport", "everything"},
		{"\"end\" > random()", "everything"},
		{"\"end\" > (SELECT 99999999999)", "everything"},
		{"\"end\" + 5 > 99999999999", "everything"},
		{"\"end\" > 99999999999 OR srcport = 5", "everything"},
		{"region LIKE 'us%'", "everything"},
		{"\"end\" <> 5", "everything"},
		{"\"end\" > NULL", "everything"},
		{"\"end\" > 'x'", "everything"},
		{"\"end\" IS DISTINCT FROM 5", "everything"},
		{"other.\"end\" > 99999999999", "everything"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *sql =
			mem_printf("SELECT count(*) FROM vpc_flow_logs WHERE %s", cases[i].where);
		const char *found = wanted(sql);
		if (strcmp(found, cases[i].expected) != 0)
			fail_msg("%s\n%s\n%s", cases[i].where, found, cases[i].expected);
	}
}

#define T "vpc_flow_logs"
#define W "\"end\" = 1795601100"

static void statements(void **state)
{
	static const struct {
		const char *sql, *expected;
	} cases[] = {
		{"FROM " T " WHERE " W, "1005"},
		{"EXPLAIN ANALYZE SELECT * FROM " T " WHERE " W, "1005"},
		{"COPY (SELECT * FROM " T " WHERE " W ") TO 'x.csv' (HEADER)", "1005"},
		{"CREATE OR REPLACE TEMP TABLE x AS SELECT * FROM " T " WHERE " W, "1005"},
		{"SELECT * FROM " T " a WHERE a." W, "1005"},
		{"SELECT * FROM main." T " AS a WHERE " W, "1005"},
		{"WITH x AS (SELECT * FROM " T " WHERE " W ") SELECT * FROM x WHERE \"end\" > 5",
			"1005"},
		{"SELECT * FROM (SELECT * FROM " T " WHERE " W ") JOIN y USING (srcaddr)", "1005"},
		{"SELECT * FROM " T " a JOIN y ON a.start = y.start WHERE a." W, "1005"},
		{"SELECT * FROM y LEFT JOIN " T " a ON a.start = y.start WHERE a." W, "1005"},
		/* Both tables' objects. */
		{"SELECT * FROM " T " a, " T " b WHERE a." W " AND b.\"end\" = 1795601700",
			"1005 1015"},
		{"SELECT 1 FROM " T " WHERE " W " UNION ALL SELECT 2 FROM " T
		 " WHERE \"end\" = 1795601700",
			"1005 1015"},
		{"SELECT (SELECT max(srcport) FROM " T ") FROM " T " WHERE " W, "everything"},
		{"SELECT * FROM " T " a, " T " b WHERE a." W, "everything"},
		{"SELECT * FROM " T " a JOIN y ON true WHERE " W, "everything"},
		{"SELECT * FROM " T, "everything"},
		{"SELECT * FROM " T " TABLESAMPLE 10 ROWS WHERE " W, "everything"},
		{"SELECT * FROM " T " WHERE " W " USING SAMPLE 10 ROWS", "everything"},
		{"SELECT * FROM y ASOF JOIN " T " a ON a.start >= y.start WHERE a." W,
			"everything"},
		{"SELECT * FROM y POSITIONAL JOIN " T " a WHERE a." W, "everything"},
		{"WITH " T " AS (SELECT 1 AS \"end\") SELECT * FROM " T " WHERE " W, "everything"},
		{"SELECT * FROM query('FROM " T "') WHERE " W, "everything"},
		{"PIVOT " T " ON action USING sum(bytes)", "everything"},
		{"INSERT INTO x SELECT * FROM " T " WHERE " W, "everything"},
		{"DESCRIBE " T, "everything"},
		{"EXECUTE x", "everything"},
		/* Columns of a query around it. */
		{"SELECT (SELECT 1 FROM " T " WHERE region = 'us-east-1') FROM y", "everything"},
		{"SELECT 1", "not mentioned"},
		{"SELECT * FROM x WHERE " W, "not mentioned"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *found = wanted(cases[i].sql);
		if (strcmp(found, cases[i].expected) != 0)
			fail_msg("%s\n%s\n%s", cases[i].sql, found, cases[i].expected);
	}
}

static void folders(void **state)
{
	struct prune prune;

	assert_true(read_statement("FROM vpc_flow_logs WHERE \"end\" >= 1795600800 AND "
				   "\"end\" < 1795604400 AND account_id = '123456789012'",
		&prune));
	static const struct {
		const char *prefix;
		bool is_wanted;
	} cases[] = {
		{"", true},
		{"AWSLogs/", true},
		{PLAIN, true},
		{PLAIN "2026/", true},
		{PLAIN "2026/11/25/", true},
		{PLAIN "2026/11/25/10/", true},
		{HIVE "year=2026/month=11/day=25/hour=10/", true},
		{"x/y/", true},
		{PLAIN "2025/", false},
		{PLAIN "2026/10/", false},
		{PLAIN "2026/11/24/", false},
		{PLAIN "2026/11/25/09/", false},
		{PLAIN "2026/11/25/11/", false},
		{HIVE "year=2026/month=11/day=25/hour=11/", false},
		{"AWSLogs/111111111111/", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (prune_may_match_below(&prune, str_from(cases[i].prefix)) != cases[i].is_wanted)
			fail_msg("%s", cases[i].prefix);
	prune_done(&prune);
}

static int open_database(void **state)
{
	struct err err = ERR_INIT;
	duckdb_result result;

	if (duckdb_library_load(&err) < 0 || duckdb_open(NULL, &database) != DuckDBSuccess ||
		duckdb_connect(database, &connection) != DuckDBSuccess ||
		!ask("SET TimeZone = 'UTC'", &result))
		return -1;
	duckdb_destroy_result(&result);
	return 0;
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
		cmocka_unit_test(keys),
		cmocka_unit_test(times),
		cmocka_unit_test(statements),
		cmocka_unit_test(folders),
	};

	return cmocka_run_group_tests(tests, open_database, close_database);
}
