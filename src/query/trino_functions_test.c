/* Functions and operators with the examples of Trino's documentation ("Functions and operators")
 * and what its text says of each; written as Athena writes results. */
#include "query/trino_test_help.h"

struct test_case {
	const char *expression, *expected; /* expected NULL: it fails */
};

/* What is wrong, or nothing. */
static void try_one(const struct test_case *one, struct buf *wrong)
{
	_cleanup_buf_ struct buf text = {0};
	struct query_trino trino;
	duckdb_result result;
	struct err err = ERR_INIT;

	buf_printf(&text, "SELECT CAST(x AS varchar) FROM (SELECT %s AS x)", one->expression);
	if (query_trino_rewrite(buf_str(&text), &trino, &err) < 0)
		fail_msg("%s: %s", one->expression, err.message);
	bool ok = duckdb_query(connection, buf_text(&trino.sql), &result) == DuckDBSuccess;
	char *value = ok ? duckdb_value_varchar(&result, 0, 0) : NULL;
	const char *found = !ok ? duckdb_result_error(&result) : value ? value : "NULL";
	if (one->expected ? !ok || strcmp(found, one->expected) != 0 : ok)
		buf_printf(wrong, "%s\n\texpected %s\n\tfound    %s\n", one->expression,
			one->expected ? one->expected : "an error", found);
	duckdb_free(value);
	duckdb_destroy_result(&result);
	query_trino_done(&trino);
}

static void try_all(const struct test_case *cases, size_t count)
{
	_cleanup_buf_ struct buf wrong = {0};

	for (size_t i = 0; i < count; i++)
		try_one(&cases[i], &wrong);
	if (wrong.n)
		fail_msg("%s", buf_text(&wrong));
}

#define TEST(name, ...)                                                                            \
	static void name(void **state)                                                             \
	{                                                                                          \
		static const struct test_case cases[] = {__VA_ARGS__};                             \
                                                                                                   \
		try_all(cases, ARRAY_SIZE(cases));                                                 \
	}

TEST(test_arrays, {"ARRAY[1, 2, NULL, -4, NULL]", "[1, 2, null, -4, null]"},
	{"ARRAY['foo', 'bar', 'bazz']", "[foo, bar, bazz]"}, {"ARRAY[1, 1.2, 4][2]", "1.2"},
	{"ARRAY[1] || ARRAY[2]", "[1, 2]"}, {"concat(ARRAY[1], ARRAY[2], ARRAY[3])", "[1, 2, 3]"},
	{"array_distinct(ARRAY[3, 1, 3, 2, 1])", "[3, 1, 2]"},
	{"array_intersect(ARRAY[1, 2, 2, 3], ARRAY[3, 2, 5])", "[2, 3]"},
	{"array_union(ARRAY[3, 1], ARRAY[1, 2])", "[3, 1, 2]"},
	{"array_except(ARRAY[5, 3, 5, 1], ARRAY[1])", "[5, 3]"}, {"array_first(ARRAY[7, 8])", "7"},
	{"array_last(ARRAY[7, 8])", "8"},
	{"array_histogram(ARRAY[42, 7, 42, NULL])", "{7=1, 42=2}"},
	{"array_join(ARRAY['a', NULL, 'c'], '-')", "a-c"},
	{"array_join(ARRAY['a', NULL, 'c'], '-', '?')", "a-?-c"},
	{"array_max(ARRAY[3, 9, 4])", "9"}, {"array_min(ARRAY[3, 9, 4])", "3"},
	{"array_position(ARRAY['a', 'b'], 'b')", "2"},
	{"array_position(ARRAY['a', 'b'], 'x')", "0"},
	{"array_remove(ARRAY[1, 2, 1, 3], 1)", "[2, 3]"},
	{"array_sort(ARRAY[3, NULL, 1, 2])", "[1, 2, 3, null]"},
	{"array_sort(ARRAY[3, 2, 5, 1, 2], (x, y) -> IF(x < y, 1, IF(x = y, 0, -1)))",
		"[5, 3, 2, 2, 1]"},
	{"array_sort(ARRAY['bc', 'ab', 'dc'], (x, y) -> IF(x < y, 1, IF(x = y, 0, -1)))",
		"[dc, bc, ab]"},
	{"array_sort(ARRAY['abcd', 'a', 'abc'], (x, y) -> IF(length(x) < length(y), -1, "
	 "IF(length(x) = length(y), 0, 1)))",
		"[a, abc, abcd]"},
	{"arrays_overlap(ARRAY[1, 2], ARRAY[2, 3])", "true"},
	{"arrays_overlap(ARRAY[1, 2], ARRAY[3])", "false"}, {"cardinality(ARRAY[4, 5, 6])", "3"},
	{"contains(ARRAY['a', 'b'], 'a')", "true"},
	{"contains_sequence(ARRAY[1, 2, 3, 4], ARRAY[2, 3])", "true"},
	{"contains_sequence(ARRAY[1, 2, 3, 4], ARRAY[3, 2])", "false"},
	{"element_at(ARRAY[1, 2], 5)", "NULL"}, {"element_at(ARRAY[1, 2], -1)", "2"},
	{"filter(ARRAY[5, NULL, 7, NULL], x -> x IS NOT NULL)", "[5, 7]"},
	{"flatten(ARRAY[ARRAY[1, 2], ARRAY[3]])", "[1, 2, 3]"},
	{"ngrams(ARRAY['foo', 'bar', 'baz', 'foo'], 3)", "[[foo, bar, baz], [bar, baz, foo]]"},
	{"ngrams(ARRAY['foo', 'bar', 'baz', 'foo'], 5)", "[[foo, bar, baz, foo]]"},
	{"reduce(ARRAY[5, 20, NULL, 50], 0, (s, x) -> s + coalesce(x, 0), s -> s)", "75"},
	{"reduce(ARRAY[2147483647, 1], BIGINT '0', (s, x) -> s + x, s -> s)", "2147483648"},
	{"repeat('a', 3)", "[a, a, a]"}, {"reverse(ARRAY[1, 2, 3])", "[3, 2, 1]"},
	{"sequence(1, 4)", "[1, 2, 3, 4]"}, {"sequence(4, 1)", "[4, 3, 2, 1]"},
	{"sequence(1, 7, 3)", "[1, 4, 7]"},
	{"sequence(date '2024-02-28', date '2024-03-01')", "[2024-02-28, 2024-02-29, 2024-03-01]"},
	{"sequence(date '2024-01-01', date '2024-03-31', interval '1' month)",
		"[2024-01-01, 2024-02-01, 2024-03-01]"},
	{"slice(ARRAY[1, 2, 3, 4], -2, 2)", "[3, 4]"},
	{"trim_array(ARRAY[1, 2, 3, 4], 1)", "[1, 2, 3]"},
	{"transform(ARRAY['x', 'abc', 'z'], x -> x || '0')", "[x0, abc0, z0]"},
	{"transform(ARRAY[ARRAY[1, NULL, 2], ARRAY[3, NULL]], a -> filter(a, x -> x IS NOT NULL))",
		"[[1, 2], [3]]"},
	{"zip(ARRAY[1, 2], ARRAY['1b', null, '3b'])",
		"[{field0=1, field1=1b}, {field0=2, field1=null}, {field0=null, field1=3b}]"},
	{"zip_with(ARRAY[1, 2], ARRAY[3, 4], (x, y) -> x + y)", "[4, 6]"},
	{"zip_with(ARRAY['a', 'b', 'c'], ARRAY['d', 'e', 'f'], (x, y) -> concat(x, y))",
		"[ad, be, cf]"},
	{"zip_with(ARRAY['a'], ARRAY['d', null, 'f'], (x, y) -> coalesce(x, y))", "[a, null, f]"},
	{"all_match(ARRAY[1, 2], x -> x > 0)", "true"},
	{"any_match(ARRAY[1, 2], x -> x > 5)", "false"},
	{"none_match(ARRAY[1, 2], x -> x > 5)", "true"})

TEST(test_maps, {"MAP(ARRAY['key1', 'key2'], ARRAY[2373, 3463])", "{key1=2373, key2=3463}"},
	{"MAP(ARRAY['key1', 'key2'], ARRAY['v1', NULL])", "{key1=v1, key2=null}"},
	{"MAP(ARRAY['key1', 'key2'], ARRAY['v1', 'v2'])['key2']", "v2"},
	{"element_at(MAP(ARRAY['a'], ARRAY[1]), 'b')", "NULL"},
	{"map_from_entries(ARRAY[(1, 'x'), (2, 'y')])", "{1=x, 2=y}"},
	{"multimap_from_entries(ARRAY[(1, 'x'), (2, 'y'), (1, 'z')])", "{1=[x, z], 2=[y]}"},
	{"map_entries(MAP(ARRAY[1, 2], ARRAY['x', 'y']))",
		"[{field0=1, field1=x}, {field0=2, field1=y}]"},
	{"map_concat(MAP(ARRAY[1], ARRAY['a']), MAP(ARRAY[1, 2], ARRAY['b', 'c']))", "{1=b, 2=c}"},
	{"map_filter(MAP(ARRAY[10, 20, 30], ARRAY['a', NULL, 'c']), (k, v) -> v IS NOT NULL)",
		"{10=a, 30=c}"},
	{"map_filter(MAP(ARRAY['k1', 'k2', 'k3'], ARRAY[20, 3, 15]), (k, v) -> v > 10)",
		"{k1=20, k3=15}"},
	{"map_keys(MAP(ARRAY['a', 'b'], ARRAY[1, 2]))", "[a, b]"},
	{"map_values(MAP(ARRAY['a', 'b'], ARRAY[1, 2]))", "[1, 2]"},
	{"transform_keys(MAP(ARRAY [1, 2, 3], ARRAY ['a', 'b', 'c']), (k, v) -> k + 1)",
		"{2=a, 3=b, 4=c}"},
	{"transform_keys(MAP(ARRAY ['a', 'b'], ARRAY [1, 2]), (k, v) -> k || CAST(v as VARCHAR))",
		"{a1=1, b2=2}"},
	{"transform_values(MAP(ARRAY [1, 2, 3], ARRAY [10, 20, 30]), (k, v) -> v + k)",
		"{1=11, 2=22, 3=33}"},
	{"transform_values(MAP(ARRAY ['a', 'b'], ARRAY [1, 2]), (k, v) -> k || CAST(v as VARCHAR))",
		"{a=a1, b=b2}"},
	{"cardinality(MAP(ARRAY['a', 'b'], ARRAY[1, 2]))", "2"})

TEST(test_strings, {"chr(65)", "A"}, {"codepoint('A')", "65"}, {"concat('a', 'b', 'c')", "abc"},
	{"concat_ws('-', 'a', NULL, 'c')", "a-c"}, {"concat_ws('-', ARRAY['a', NULL, 'c'])", "a-c"},
	{"hamming_distance('abc', 'abd')", "1"}, {"length('h\xc3\xa9llo')", "5"},
	{"levenshtein_distance('kitten', 'sitting')", "3"}, {"lpad('abc', 5, 'xy')", "xyabc"},
	{"lpad('abcdef', 3, 'x')", "abc"}, {"rpad('abc', 5, 'x')", "abcxx"},
	{"ltrim('  a ')", "a "}, {"rtrim(' a  ')", " a"}, {"trim('  a ')", "a"},
	{"position('b' IN 'abc')", "2"}, {"replace('abcabc', 'b')", "acac"},
	{"replace('abcabc', 'b', 'x')", "axcaxc"}, {"reverse('abc')", "cba"},
	{"split('a,b,c', ',')", "[a, b, c]"}, {"split('a,b,c', ',', 2)", "[a, b,c]"},
	{"split_part('a,b,c', ',', 2)", "b"}, {"split_part('a,b,c', ',', 4)", "NULL"},
	{"split_to_map('a=1;b=2', ';', '=')", "{a=1, b=2}"},
	{"split_to_multimap('a=1;b=2;a=3', ';', '=')", "{a=[1, 3], b=[2]}"},
	{"strpos('high', 'ig')", "2"}, {"strpos('abcabc', 'c', 2)", "6"},
	{"strpos('abc', 'x')", "0"}, {"starts_with('abc', 'ab')", "true"},
	{"ends_with('abc', 'bc')", "true"}, {"substr('hello', 2)", "ello"},
	{"substring('hello', 2, 3)", "ell"}, {"substr('hello', -3)", "llo"},
	{"substr('hello', -3, 2)", "ll"}, {"substr('hello', 0)", ""},
	{"translate('abcd', 'a', 'z')", "zbcd"}, {"translate('abcd', 'ac', 'z')", "zbd"},
	{"trim(BOTH '$' FROM '$var$')", "var"}, {"trim(LEADING FROM '  abcd')", "abcd"},
	{"trim(TRAILING 'ER' FROM upper('worker'))", "WORK"}, {"upper('abc')", "ABC"},
	{"to_utf8('ab')", "ab"}, {"from_utf8(to_utf8('ab'))", "ab"},
	{"format('%s%%', 123)", "123%"}, {"format('%.5f', pi())", "3.14159"},
	{"format('%03d', 8)", "008"}, {"format('%-7s,%7s', 'hello', 'world')", "hello  ,  world"},
	{"format('%,.2f', 1234567.89)", "1,234,567.89"}, {"format('%,d', 1234567)", "1,234,567"},
	{"format('%2$s %3$s %1$s', 'a', 'b', 'c')", "b c a"}, {"'a' || 'b'", "ab"},
	{"'abc' LIKE 'a%'", "true"}, {"'a_c' LIKE 'a!_c' ESCAPE '!'", "true"},
	{"luhn_check('79927398713')", "true"}, {"luhn_check('79927398714')", "false"},
	{"format_number(123456)", "123K"}, {"format_number(1000000)", "1M"},
	{"parse_data_size('1MB')", "1048576"}, {"parse_data_size('2.3MB')", "2411724"})

TEST(test_patterns, {"regexp_count('1a 2b 14m', '\\s*[a-z]+\\s*')", "3"},
	{"regexp_extract_all('1a 2b 14m', '(\\d+)([a-z]+)', 2)", "[a, b, m]"},
	{"regexp_extract('1a 2b 14m', '\\d+')", "1"}, {"regexp_extract('abc', '\\d+')", "NULL"},
	{"regexp_like('1a 2b 14m', '\\d+b')", "true"},
	{"regexp_position('I have 23 apples, 5 pears and 13 oranges', '\\b\\d+\\b')", "8"},
	{"regexp_replace('1a 2b 14m', '\\d+[ab] ')", "14m"},
	{"regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')", "3ca 3cb 14m"},
	{"regexp_split('1a 2b 14m', '\\s*[a-z]+\\s*')", "[1, 2, 14, ]"})

TEST(test_times, {"date '2012-08-08' + interval '2' day", "2012-08-10"},
	{"time '01:00' + interval '3' hour", "04:00:00.000"},
	{"timestamp '2012-08-08 01:00' + interval '29' hour", "2012-08-09 06:00:00.000"},
	{"timestamp '2012-10-31 01:00' + interval '1' month", "2012-11-30 01:00:00.000"},
	{"interval '2' day + interval '3' hour", "2 03:00:00.000"},
	{"interval '3' year + interval '5' month", "3-5"},
	{"date '2012-08-08' - interval '2' day", "2012-08-06"},
	{"timestamp '2012-08-08 01:00' - interval '29' hour", "2012-08-06 20:00:00.000"},
	{"interval '2' day - interval '3' hour", "1 21:00:00.000"},
	{"interval '3' year - interval '5' month", "2-7"},
	{"timestamp '2012-10-31 01:00 UTC'", "2012-10-31 01:00:00.000 UTC"},
	{"last_day_of_month(date '2024-02-10')", "2024-02-29"},
	{"from_iso8601_timestamp('2020-05-11')", "2020-05-11 00:00:00.000 UTC"},
	{"from_iso8601_timestamp('2020-05-11T11:15:05')", "2020-05-11 11:15:05.000 UTC"},
	{"from_iso8601_timestamp('2020-05-11T11:15:05.055+01:00')", "2020-05-11 10:15:05.055 UTC"},
	{"from_iso8601_date('2020-05-11')", "2020-05-11"},
	{"from_unixtime(1418530010)", "2014-12-14 04:06:50.000 UTC"},
	{"from_unixtime(1418530010, 'UTC')", "2014-12-14 04:06:50.000 UTC"},
	{"hour(from_unixtime(1418530010, 'Asia/Tokyo'))", "13"},
	{"to_unixtime(timestamp '1970-01-02 00:00:00')", "86400.0"},
	{"to_iso8601(date '2020-05-11')", "2020-05-11"},
	{"to_milliseconds(interval '2' second)", "2000"},
	{"date_trunc('week', TIMESTAMP '2001-08-22 03:04:05.321')", "2001-08-20 00:00:00.000"},
	{"date_trunc('quarter', TIMESTAMP '2001-08-22 03:04:05.321')", "2001-07-01 00:00:00.000"},
	{"date_trunc('HOUR', TIMESTAMP '2001-08-22 03:04:05.321')", "2001-08-22 03:00:00.000"},
	{"date_trunc('month', date '2022-10-20')", "2022-10-01"},
	{"date_trunc('hour', from_unixtime(1418530010))", "2014-12-14 04:00:00.000 UTC"},
	{"date_add('second', 86, TIMESTAMP '2020-03-01 00:00:00')", "2020-03-01 00:01:26.000"},
	{"date_add('day', -1, TIMESTAMP '2020-03-01 00:00:00 UTC')", "2020-02-29 00:00:00.000 UTC"},
	{"date_add('month', 1, CAST('2020-01-31' AS date))", "2020-02-29"},
	{"date_diff('hour', TIMESTAMP '2020-03-01 00:00:00 UTC', TIMESTAMP '2020-03-02 00:00:00 UTC')",
		"24"},
	{"date_diff('day', DATE '2020-03-01', DATE '2020-03-02')", "1"},
	{"date_diff('millisecond', TIMESTAMP '2020-06-01 12:30:45.000', TIMESTAMP '2020-06-02 12:30:45.123')",
		"86400123"},
	{"date_diff('month', DATE '2020-01-31', DATE '2020-03-01')", "1"},
	{"parse_duration('3.81 d')", "3 19:26:24.000"}, {"parse_duration('5m')", "0 00:05:00.000"},
	{"human_readable_seconds(96)", "1 minute, 36 seconds"},
	{"human_readable_seconds(3762)", "1 hour, 2 minutes, 42 seconds"},
	{"human_readable_seconds(56363463)", "93 weeks, 1 day, 8 hours, 31 minutes, 3 seconds"},
	{"date_format(TIMESTAMP '2022-10-20 05:10:00', '%m-%d-%Y %H')", "10-20-2022 05"},
	{"date_format(TIMESTAMP '2022-10-20 15:10:09', '%a %b %c %e %k %l %y %j %T %r')",
		"Thu Oct 10 20 15 3 22 293 15:10:09 03:10:09 PM"},
	{"date_format(date '2022-10-20', '%Y%m%d')", "20221020"},
	{"date_parse('2022/10/20/05', '%Y/%m/%d/%H')", "2022-10-20 05:00:00.000"},
	{"date_parse('20221020', '%Y%m%d')", "2022-10-20 00:00:00.000"},
	{"format_datetime(TIMESTAMP '2022-10-20 05:10:00', 'yyyy-MM-dd HH:mm:ss')",
		"2022-10-20 05:10:00"},
	{"parse_datetime('1960/01/22 03:04', 'yyyy/MM/dd HH:mm')", "1960-01-22 03:04:00.000 UTC"},
	{"extract(YEAR FROM TIMESTAMP '2022-10-20 05:10:00')", "2022"},
	{"extract(DOW FROM date '2022-10-23')", "7"}, {"day_of_week(date '2022-10-23')", "7"},
	{"extract(DOY FROM date '2022-02-01')", "32"}, {"day_of_month(date '2022-10-23')", "23"},
	{"week(date '2022-01-01')", "52"}, {"year_of_week(date '2022-01-01')", "2021"},
	{"quarter(date '2022-10-23')", "4"},
	{"millisecond(TIMESTAMP '2001-08-22 03:04:05.321')", "321"},
	{"second(TIMESTAMP '2001-08-22 03:04:05.321')", "5"},
	{"to_char(timestamp '2022-10-20 05:10:09', 'yyyy-mm-dd hh24:mi:ss')",
		"2022-10-20 05:10:09"},
	{"to_date('2022/10/20', 'yyyy/mm/dd')", "2022-10-20"},
	{"to_timestamp('2022/10/20 07', 'yyyy/mm/dd hh24')", "2022-10-20 07:00:00.000"},
	{"CAST(current_date - interval '1' day AS varchar) = date_format(current_date - interval '1' day, '%Y-%m-%d')",
		"true"},
	{"typeof(current_date - interval '7' day)", "date"},
	{"date('2022-10-20') + interval '1' month + interval '1' day", "2022-11-21"},
	{"CAST(TIMESTAMP '2022-10-20 05:10:00' AS date)", "2022-10-20"},
	{"CAST('2022-10-20 05:10:00' AS timestamp)", "2022-10-20 05:10:00.000"},
	{"timestamp '2020-01-02 00:00:00' - timestamp '2020-01-01 00:00:00'", "1 00:00:00.000"})

TEST(test_numbers, {"7 / 2", "3"}, {"-7 / 2", "-3"}, {"-7 % 3", "-1"}, {"7 / 2.0", "3.5"},
	{"abs(-5)", "5"}, {"cbrt(27)", "3.0"}, {"ceil(1.2)", "2.0"}, {"floor(-1.2)", "-2.0"},
	{"round(2.5)", "3.0"}, {"round(-2.5)", "-3.0"}, {"round(1.2345, 2)", "1.23"},
	{"sign(-3)", "-1"}, {"truncate(12.345, 1)", "12.3"}, {"truncate(-3.9)", "-3.0"},
	{"mod(7, 3)", "1"}, {"power(2, 10)", "1024.0"}, {"pow(2, 3)", "8.0"}, {"sqrt(16)", "4.0"},
	{"ln(e())", "1.0"}, {"log(2, 8)", "3.0"}, {"log10(1000)", "3.0"}, {"log2(8)", "3.0"},
	{"from_base('ff', 16)", "255"}, {"to_base(255, 16)", "ff"},
	{"width_bucket(5, 0, 10, 5)", "3"}, {"is_nan(nan())", "true"},
	{"is_infinite(infinity())", "true"}, {"1.0E10", "1.0E10"}, {"CAST(1.5 AS real)", "1.5"},
	{"12345678.9", "1.23456789E7"}, {"DECIMAL '1.50'", "1.50"},
	{"DECIMAL '1.1' + DECIMAL '2.22'", "3.32"}, {"CAST(5 AS decimal(10, 2))", "5.00"},
	{"CAST(2.7 AS bigint)", "3"}, {"CAST('12' AS bigint)", "12"}, {"greatest(1, 3, 2)", "3"},
	{"least(4, 2)", "2"}, {"greatest(1, NULL)", "NULL"}, {"bit_count(9, 64)", "2"},
	{"bit_count(-7, 8)", "6"}, {"bit_count(-7, 64)", "62"}, {"bitwise_and(19, 25)", "17"},
	{"bitwise_right_shift(8, 3)", "1"}, {"bitwise_left_shift(5, 2)", "20"},
	{"bitwise_right_shift_arithmetic(-45, 64)", "-1"}, {"bitwise_right_shift(-45, 64)", "0"},
	{"CAST(true AS varchar)", "true"}, {"CAST(1.0E10 AS varchar)", "1.0E10"},
	{"CAST('abcdef' AS varchar(3))", "abc"}, {"typeof(123)", "integer"},
	{"typeof(cos(2) + 1.5)", "double"}, {"nullif(1, 1)", "NULL"}, {"coalesce(NULL, 2)", "2"},
	{"if(1 > 2, 'a', 'b')", "b"}, {"5 BETWEEN 1 AND 10", "true"},
	{"NULL IS DISTINCT FROM 1", "true"},
	{"CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'many' END", "two"},
	{"cosine_similarity(ARRAY[1.0, 2.0], ARRAY[3.0, 4.0])", "0.9838699100999074"})

TEST(test_json, {"CAST(1 AS JSON)", "1"}, {"json_format(CAST('abc' AS JSON))", "\"abc\""},
	{"json_format(CAST(ARRAY[1, 23, 456] AS JSON))", "[1,23,456]"},
	{"json_format(CAST(MAP(ARRAY['k1', 'k2'], ARRAY[1, 23]) AS JSON))", "{\"k1\":1,\"k2\":23}"},
	{"CAST(JSON '9223372036854775807' AS BIGINT)", "9223372036854775807"},
	{"CAST(JSON '\"abc\"' AS VARCHAR)", "abc"}, {"CAST(JSON 'true' AS BOOLEAN)", "true"},
	{"CAST(JSON '[1,23,456]' AS ARRAY(INTEGER))", "[1, 23, 456]"},
	{"CAST(JSON '{\"k1\":1,\"k2\":23}' AS MAP(VARCHAR, INTEGER))", "{k1=1, k2=23}"},
	{"CAST(JSON '{\"v1\":123,\"v2\":\"abc\",\"v3\":true}' AS ROW(v1 BIGINT, v2 VARCHAR, v3 BOOLEAN))",
		"{v1=123, v2=abc, v3=true}"},
	{"CAST(json_extract('{\"a\": \"x\"}', '$.a') AS varchar)", "x"},
	{"is_json_scalar('1')", "true"}, {"is_json_scalar('[1, 2, 3]')", "false"},
	{"json_array_contains('[1, 2, 3]', 2)", "true"},
	{"json_array_get('[\"a\", [3, 9], \"c\"]', 0)", "a"},
	{"json_format(json_array_get('[\"a\", [3, 9], \"c\"]', 1))", "[3,9]"},
	{"json_array_length('[1, 2, 3]')", "3"}, {"json_extract_scalar('[1, 2, 3]', '$[2]')", "3"},
	{"json_extract_scalar('{\"store\":{\"book\":[{\"title\":\"x\"}]}}', '$.store.book[0].title')",
		"x"},
	{"json_format(JSON '[1, 2, 3]')", "[1,2,3]"}, {"json_format(json_parse('\"a\"'))", "\"a\""},
	{"json_size('{ \"x\": {\"a\": 1, \"b\": 2} }', '$.x')", "2"},
	{"json_size('{ \"x\": [1, 2, 3] }', '$.x')", "3"},
	{"json_size('{ \"x\": {\"a\": 1, \"b\": 2} }', '$.x.a')", "0"},
	{"json_value('{\"a\": {\"b\": 5}}', 'lax $.a.b' RETURNING bigint)", "5"},
	{"json_exists('{\"a\": 1}', 'lax $.a')", "true"},
	{"json_query('{\"a\": [1,2]}', 'lax $.a')", "[1,2]"})

TEST(test_others, {"url_extract_protocol('http://localhost:8080/req_path')", "http"},
	{"url_extract_host('https://127.0.0.1:8080/req_path')", "127.0.0.1"},
	{"url_extract_port('https://127.0.0.1:8080/req_path')", "8080"},
	{"url_extract_path('https://127.0.0.1:8080/req_path?x=1')", "/req_path"},
	{"url_extract_query('http://a/b?x=1&y=2#f')", "x=1&y=2"},
	{"url_extract_parameter('http://a/b?x=1&y=2%20z', 'y')", "2 z"},
	{"url_extract_fragment('http://a/b?x=1#frag')", "frag"}, {"url_encode('a b/c')", "a+b%2Fc"},
	{"url_decode('a+b%2Fc')", "a b/c"}, {"to_base64(to_utf8('hello'))", "aGVsbG8="},
	{"from_utf8(from_base64('aGVsbG8='))", "hello"}, {"to_hex(to_utf8('hi'))", "6869"},
	{"to_hex(X'6869')", "6869"},
	{"to_hex(sha256(to_utf8('abc')))",
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"},
	{"contains('10.0.0.0/8', IPADDRESS '10.255.255.255')", "true"},
	{"contains('2001:0db8:0:0:0:ff00:0042:8329/128', IPADDRESS '2001:0db8:0:0:0:ff00:0042:8328')",
		"false"},
	{"IPADDRESS '2001:db8::1'", "2001:db8::1"}, {"CAST('10.0.0.1' AS ipaddress)", "10.0.0.1"},
	{"CAST('x' AS ipaddress)", NULL}, {"try_cast('x' AS ipaddress)", "NULL"},
	{"IPADDRESS '9.255.0.1' < IPADDRESS '10.0.0.0'", "true"},
	{"ip_prefix(IPADDRESS '192.168.255.255', 9)", "192.128.0.0/9"},
	{"ip_subnet_min(IPPREFIX '192.64.0.0/9')", "192.0.0.0"},
	{"ip_subnet_max(IPPREFIX '192.64.0.0/9')", "192.127.255.255"},
	{"ip_subnet_range(IPPREFIX '1.2.3.160/24')", "[1.2.3.0, 1.2.3.255]"},
	{"is_subnet_of(IPPREFIX '192.168.3.131/26', IPADDRESS '192.168.3.144')", "true"},
	{"CAST(IPADDRESS '10.1.2.3' AS ipprefix)", "10.1.2.3/32"},
	{"CAST(ROW(1, 2.0) AS ROW(x BIGINT, y DOUBLE)).x", "1"},
	{"ROW(1, 'a')", "{field0=1, field1=a}"},
	{"CAST(ROW(1, 'a') AS ROW(n BIGINT, s VARCHAR))", "{n=1, s=a}"})

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
