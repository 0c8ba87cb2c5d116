/* Expected values are those of Trino's documentation ("Functions and operators", each example with
 * its result) or follow from its text; each is rewritten and run by DuckDB. */
#include "query/trino_test_help.h"

/* Names, then rows: "a|b\n1|2\n". */
static void run(const char *text, bool names, struct buf *found)
{
	struct query_trino trino;
	duckdb_result result;
	struct err err = ERR_INIT;

	if (query_trino_rewrite(str_from(text), &trino, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	if (duckdb_query(connection, buf_text(&trino.sql), &result) != DuckDBSuccess)
		fail_msg("%s\n%s\n%s", text, trino.sql.p, duckdb_result_error(&result));
	idx_t columns = duckdb_column_count(&result);
	for (idx_t column = 0; names && column < columns; column++)
		buf_printf(found, "%s%s", duckdb_column_name(&result, column),
			column + 1 < columns ? "|" : "\n");
	for (idx_t row = 0; row < duckdb_row_count(&result); row++) {
		for (idx_t column = 0; column < columns; column++) {
			char *value = duckdb_value_varchar(&result, column, row);
			buf_printf(found, "%s%s", value ? value : "NULL",
				column + 1 < columns ? "|" : "\n");
			duckdb_free(value);
		}
	}
	duckdb_destroy_result(&result);
	query_trino_done(&trino);
}

static void check(const char *expression, const char *expected)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_buf_ struct buf found = {0};

	/* As text: DuckDB's C interface does not print lists. */
	buf_printf(&text, "SELECT CAST(x AS varchar) FROM (SELECT %s AS x)", expression);
	run(buf_text(&text), false, &found);
	found.n--;
	if (strcmp(buf_text(&found), expected) != 0)
		fail_msg("%s: expected %s, found %s", expression, expected, buf_text(&found));
}

static void test_functions(void **state)
{
	static const struct {
		const char *expression, *expected;
	} cases[] = {
		{"7 / 2", "3"},
		{"-7 / 2", "-3"},
		{"7.0 / 2", "3.5"},
		{"if(1 > 2, 'a')", "NULL"},
		{"if(2 > 1, 'a', 'b')", "a"},
		{"try(CAST('x' AS integer))", "NULL"},
		{"try_cast('12' AS bigint)", "12"},
		{"element_at(ARRAY[1, 2, 3], -1)", "3"},
		{"element_at(map(ARRAY['a'], ARRAY[5]), 'a')", "5"},
		{"split('a,b,c', ',')[2]", "b"},
		{"split_part('a,b', ',', 3)", "NULL"},
		{"split_to_map('a=1;b=2', ';', '=')['b']", "2"},
		{"regexp_like('1a 2b 14m', '\\d+b')", "true"},
		{"regexp_extract('1a 2b 14m', '(\\d+)([a-z]+)', 2)", "a"},
		{"regexp_extract('abc', '[0-9]')", "NULL"},
		{"regexp_extract_all('1a 2b 14m', '\\d+')", "[1, 2, 14]"},
		{"regexp_replace('1a 2b 14m', '\\d+[ab] ')", "14m"},
		{"regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')", "3ca 3cb 14m"},
		{"regexp_count('1a 2b 14m', '\\s*[a-z]+\\s*')", "3"},
		{"regexp_split('1a 2b 14m', '\\s*[a-z]+\\s*')[3]", "14"},
		{"concat('a', NULL)", "NULL"},
		{"strpos('abc', 'c')", "3"},
		{"codepoint('A')", "65"},
		{"to_hex(md5(to_utf8('hello')))", "5D41402ABC4B2A76B9719D911017C592"},
		{"from_utf8(from_hex('6869'))", "hi"},
		{"bitwise_and(19, 25)", "17"},
		{"bitwise_or(19, 25)", "27"},
		{"bitwise_xor(19, 25)", "10"},
		{"bitwise_not(19)", "-20"},
		{"bitwise_left_shift(1, 2)", "4"},
		{"truncate(3.999)", "3.0"},
		{"from_base('ff', 16)", "255"},
		{"transform(ARRAY[5, NULL, 6], x -> coalesce(x, 0) + 1)", "[6, 1, 7]"},
		{"filter(ARRAY[5, -6, NULL, 7], x -> x > 0)", "[5, 7]"},
		{"reduce(ARRAY[5, 20, 50], 0, (s, x) -> s + x, s -> s)", "75"},
		{"reduce(ARRAY[5, 20, 50], 1, (s, x) -> s + x, s -> s * 2)", "152"},
		{"any_match(ARRAY[1, 2], x -> x > 1)", "true"},
		{"none_match(ARRAY[1, 2], x -> x > 2)", "true"},
		{"cardinality(ARRAY[1, 2])", "2"},
		{"array_join(ARRAY[1, NULL, 2], ',')", "1,2"},
		{"array_join(ARRAY[1, NULL, 2], ',', 'x')", "1,x,2"},
		{"array_position(ARRAY[1, 2], 3)", "0"},
		{"array_sort(array_union(ARRAY[1, 2], ARRAY[2, 3]))", "[1, 2, 3]"},
		{"array_except(ARRAY[1, 2, 2], ARRAY[1])", "[2]"},
		{"slice(ARRAY[1, 2, 3, 4], 2, 2)", "[2, 3]"},
		{"sequence(1, 5, 2)", "[1, 3, 5]"},
		{"repeat('x', 2)", "[x, x]"},
		{"contains(ARRAY[1, 2], 2)", "true"},
		{"arrays_overlap(ARRAY[1, 2], ARRAY[2])", "true"},
		{"json_extract_scalar('[1, 2, 3]', '$[2]')", "3"},
		{"json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a')", "NULL"},
		{"json_size('{\"x\": {\"a\": 1, \"b\": 2}}', '$.x')", "2"},
		{"json_array_contains('[1, 2]', 2)", "true"},
		{"CAST(row(1, 'a') AS row(x bigint, y varchar)).y", "a"},
		{"CAST(ARRAY['1', '2'] AS array(bigint))[2] + 1", "3"},
		{"CAST(map(ARRAY['a'], ARRAY['1']) AS map(varchar, bigint))['a']", "1"},
		{"typeof(1)", "integer"},
		{"url_extract_host('http://u@example.com:80/p/q?a=1#f')", "example.com"},
		{"url_extract_path('http://example.com/p/q?a=1#f')", "/p/q"},
		{"url_extract_query('http://example.com/p/q?a=1#f')", "a=1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i].expression, cases[i].expected);
}

static void test_times(void **state)
{
	static const struct {
		const char *expression, *expected;
	} cases[] = {
		{"from_unixtime(1418530010) = timestamp '2014-12-14 04:06:50 UTC'", "true"},
		{"to_unixtime(from_unixtime(1418530010))", "1.41853001E9"},
		{"date_format(from_unixtime(1418530010), '%Y-%m-%d %H:%i:%s')",
			"2014-12-14 04:06:50"},
		{"date_format(timestamp '2022-10-20 05:10:00', '%m-%d-%Y %H')", "10-20-2022 05"},
		{"date_format(timestamp '2022-10-20 15:10:00', '%M %e, %W %h:%i %p')",
			"October 20, Thursday 03:10 PM"},
		{"date_parse('2022/10/20/05', '%Y/%m/%d/%H')", "2022-10-20 05:00:00.000"},
		{"date_diff('second', timestamp '2020-03-01 00:00:00', timestamp '2020-03-02 00:00:00')",
			"86400"},
		{"date_diff('day', timestamp '2020-03-01 12:00:00', timestamp '2020-03-03 00:00:00')",
			"1"},
		{"date_add('second', 86, timestamp '2020-03-01 00:00:00')",
			"2020-03-01 00:01:26.000"},
		{"date_add('day', -1, date '2020-03-01')", "2020-02-29"},
		{"date_trunc('hour', timestamp '2022-10-20 05:10:00')", "2022-10-20 05:00:00.000"},
		{"day_of_week(date '2022-10-20')", "4"},
		{"day_of_year(date '2022-02-01')", "32"},
		{"year(date '2022-02-01') * 100 + month(date '2022-02-01')", "202202"},
		{"last_day_of_month(date '2024-02-03')", "2024-02-29"},
		{"format_datetime(timestamp '2022-10-20 05:10:00', 'yyyy-MM-dd''T''HH:mm')",
			"2022-10-20T05:10"},
		{"parse_datetime('2022-10-20 05:10', 'yyyy-MM-dd HH:mm') = timestamp '2022-10-20 05:10:00 UTC'",
			"true"},
		{"from_iso8601_timestamp('2020-05-11T11:15:05Z') = timestamp '2020-05-11 11:15:05 UTC'",
			"true"},
		{"to_iso8601(timestamp '2020-05-11 11:15:05')", "2020-05-11T11:15:05.000"},
		{"to_iso8601(from_unixtime(0))", "1970-01-01T00:00:00.000Z"},
		{"date('2020-05-11')", "2020-05-11"},
		{"hour(at_timezone(timestamp '2012-10-31 01:00:00 UTC', 'America/Los_Angeles'))",
			"18"},
		{"timestamp '2012-08-08 01:00:00' + interval '29' hour", "2012-08-09 06:00:00.000"},
		{"CAST('2012-08-08 01:00:00' AS timestamp(3))", "2012-08-08 01:00:00.000"},
		{"CAST(timestamp '2012-08-08 01:00:00' AS date)", "2012-08-08"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i].expression, cases[i].expected);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *expression, *expected;
	} cases[] = {
		{"contains('10.0.0.0/8', IPADDRESS '10.255.255.255')", "true"},
		{"contains(IPPREFIX '2001:0db8:0:0:0:ff00:0042:8329/128', IPADDRESS '2001:db8::ff00:42:8329')",
			"true"},
		{"contains('10.0.0.0/8', IPADDRESS '11.255.255.255')", "false"},
		{"contains('10.0.0.0/8', CAST('10.1.1.1' AS IPADDRESS))", "true"},
		{"contains('10.0.0.0/8', try_cast('-' AS ipaddress))", "NULL"},
		{"ip_prefix(CAST('192.168.255.255' AS IPADDRESS), 9)", "192.128.0.0/9"},
		{"ip_prefix('2001:db8:85a3:0001:0001:8a2e:0370:7334', 48)", "2001:db8:85a3::/48"},
		{"IPADDRESS '2001:0db8:0:0:0:ff00:0042:8329'", "2001:db8::ff00:42:8329"},
		{"IPPREFIX '10.1.2.3/8'", "10.0.0.0/8"},
		{"is_subnet_of(IPPREFIX '192.168.3.131/26', IPPREFIX '192.168.3.144/30')", "true"},
		{"is_subnet_of(IPPREFIX '64:ffff::17/64', IPADDRESS '64:ffff::6')", "true"},
		{"is_subnet_of(IPPREFIX '192.168.3.131/26', IPPREFIX '192.168.5.1/30')", "false"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i].expression, cases[i].expected);
}

static void check_rows(const char *text, const char *expected)
{
	_cleanup_buf_ struct buf found = {0};

	run(text, true, &found);
	if (strcmp(buf_text(&found), expected) != 0)
		fail_msg("%s\nexpected:\n%s\nfound:\n%s", text, expected, buf_text(&found));
}

static void test_statements(void **state)
{
	check_rows("SELECT n, count(*), max(n) AS most, 'x' || 'y' z -- a comment, with commas\n"
		   "FROM (VALUES 1, 2, 2) t(n) GROUP BY n ORDER BY 2 DESC",
		"n|_col1|most|z\n2|2|2|xy\n1|1|1|xy\n");
	check_rows("SELECT t.n, -n, CASE n WHEN 1 THEN 'a' END, current_date > date '2020-01-01' "
		   "FROM (VALUES 1) t(n)",
		"n|_col1|_col2|_col3\n1|-1|a|true\n");
	check_rows(
		"WITH a AS (SELECT 1 AS x UNION ALL SELECT 2) SELECT sum(x) FROM a", "_col0\n3\n");
	check_rows(
		"SELECT student, score FROM (VALUES ('a', ARRAY[7, 8])) AS t(student, scores) CROSS JOIN "
		"UNNEST(scores) AS u(score) ORDER BY score",
		"student|score\na|7\na|8\n");
	check_rows("SELECT n, a FROM (VALUES (ARRAY[2, 5], ARRAY['dog', 'cat', 'bird'])) AS "
		   "x(numbers, animals) CROSS JOIN UNNEST(numbers, animals) AS t(n, a) ORDER BY a",
		"n|a\nNULL|bird\n5|cat\n2|dog\n");
	check_rows(
		"SELECT k, v FROM (SELECT map(ARRAY['a', 'b'], ARRAY[1, 2]) AS m) CROSS JOIN UNNEST(m) AS "
		"t(k, v) ORDER BY k",
		"k|v\na|1\nb|2\n");
	check_rows("SELECT x, n FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, n) ORDER BY n",
		"x|n\na|1\nb|2\n");
	check_rows(
		"SELECT approx_distinct(n), arbitrary(m), max_by(n, m), count_if(n > 1), bool_and(n > 0), "
		"every(n > 1) FROM (VALUES (1, 5), (2, 5)) t(n, m)",
		"_col0|_col1|_col2|_col3|_col4|_col5\n2|5|1|1|true|false\n");
	check_rows(
		"SELECT approx_percentile(n, 0.5) p FROM (VALUES 1, 2, 3, 4, 100) t(n)", "p\n3\n");
	check_rows(
		"SELECT a, b, sum(n) FROM (VALUES ('x', 'y', 1), ('x', 'z', 2)) t(a, b, n) GROUP BY GROUPING "
		"SETS ((a), (a, b)) ORDER BY 3, 2",
		"a|b|_col2\nx|y|1\nx|z|2\nx|NULL|3\n");
	check_rows("SELECT n FROM (VALUES 3, NULL, 1) t(n) ORDER BY n", "n\n1\n3\nNULL\n");
	check_rows("SELECT (1 + 2) / CAST(2 AS bigint), (3)", "_col0|_col1\n1|3\n");
	check_rows("SELECT count(*) FROM (VALUES 1, 2) t(n) TABLESAMPLE BERNOULLI (100)",
		"_col0\n2\n");
	check_rows(
		"SELECT listagg(DISTINCT s, '-') WITHIN GROUP (ORDER BY s) l FROM (VALUES 'b', 'a', 'b') "
		"t(s)",
		"l\na-b\n");
	check_rows("SELECT from_unixtime(0) AT TIME ZONE 'Asia/Tokyo' AS t",
		"t\n1970-01-01 09:00:00.000 Asia/Tokyo\n");
	check_rows(
		"SELECT n FROM (VALUES ('OK', '10.0.0.1'), ('NODATA', '-')) t(s, n) WHERE s = 'OK' "
		"AND CAST(n AS ipaddress) BETWEEN IPADDRESS '9.0.0.0' AND IPADDRESS '11.0.0.0'",
		"n\n10.0.0.1\n");
	check_rows(
		"SELECT lag(n) IGNORE NULLS OVER (ORDER BY n) p FROM (VALUES 1, 2) t(n) ORDER BY n",
		"p\nNULL\n1\n");
	check_rows(
		"SELECT row_number() OVER (ORDER BY n DESC) AS r, n FROM (VALUES 3, 1) t(n) ORDER BY r "
		"OFFSET 1 ROWS FETCH FIRST 1 ROWS ONLY",
		"r|n\n2|1\n");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *expected;
	} refused[] = {
		{"SELECT (1", "line 1:8: a bracket is not closed"},
		{"SELECT 1)", "line 1:9: mismatched input ')'"},
		{"SELECT\n 'a", "line 2:2: a quote is not closed"},
		{"SELECT CAST(1)", "line 1:8: expected CAST(value AS type)"},
		{"SELECT CAST(1 AS array(row(x)))", "expected a name and a type"},
		{"SELECT date_add('x', 1, y)", "line 1:17: this is not a unit"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct query_trino trino;
		struct err err = ERR_INIT;

		assert_true(query_trino_rewrite(str_from(refused[i].text), &trino, &err) < 0);
		if (!strstr(err.message, refused[i].expected))
			fail_msg("%s: %s", refused[i].text, err.message);
		query_trino_done(&trino);
	}
}

/* Where DuckDB stumbles is told in the author's text. */
static void test_places(void **state)
{
	struct str text = STR("SELECT end, date_format(end, '%Y'),\n  sum(nothing) FROM t");
	struct query_trino trino;
	unsigned line;
	unsigned column;

	assert_int_equal(query_trino_rewrite(text, &trino, NULL), 0);
	const char *place = strstr(buf_text(&trino.sql), "nothing");
	query_trino_place(&trino, text, (size_t)(place - trino.sql.p), &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 7);
	query_trino_done(&trino);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
