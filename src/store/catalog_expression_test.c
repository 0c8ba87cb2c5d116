/* What each expression finds is worked out by hand from SQL's rules. */
#include "store/catalog_expression.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char keys_text[] =
	"[{\"Name\": \"Region\", \"Type\": \"string\"}, {\"Name\": \"day\", \"Type\": \"date\"},"
	" {\"Name\": \"hour\", \"Type\": \"int\"}, {\"Name\": \"share\", \"Type\": \"decimal(10,2)\"},"
	" {\"Name\": \"seen\", \"Type\": \"timestamp\"}, {\"Name\": \"aws-account-id\", \"Type\": \"varchar(12)\"},"
	" {\"Name\": \"flag\", \"Type\": \"boolean\"}]";

/* Rows a to f. */
static const char *const rows[][7] = {
	{"eu-west-1", "2026-01-31", "7", "0.50", "2026-01-31 07:00:00", "111122223333", "true"},
	{"eu-west-1", "2026-02-01", "08", "-2", "2026-02-01 08:00:00.5", "111122223333", "true"},
	{"us-east-1", "2026-02-01", "10", "10", "2026-02-01 10:00:00.000", "444455556666", "true"},
	{"us_east_1", "2024-02-29", "-1", "9.99", "2024-02-29 23:59:59.999999999", "7", "true"},
	{"__HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__",
		"__HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__", "x", "true"},
	{"o'brien", "2026-13-01", "ten", ".", "2026-02-01", "", "true"},
};

static json_t *keys;

static void check(const char *text, const char *expected)
{
	_cleanup_(store_expression_freep) struct store_expression *expression = NULL;
	struct aws_error error = {0};
	char found[ARRAY_SIZE(rows) + 1] = "";
	size_t n = 0;

	if (store_expression_parse(&expression, str_from(text), keys, &error) < 0)
		fail_msg("%s: %s", text, error.message);
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct str values[7];
		for (size_t i = 0; i < ARRAY_SIZE(values); i++)
			values[i] = str_from(rows[row][i]);
		if (store_expression_matches(expression, values, ARRAY_SIZE(values)))
			found[n++] = (char)('a' + row);
	}
	found[n] = '\0';
	if (strcmp(found, expected) != 0)
		fail_msg("%s: found %s, not %s", text, found, expected);
}

static void refuse(const char *text, const char *expected)
{
	struct store_expression *expression = NULL;
	struct aws_error error = {0};

	if (store_expression_parse(&expression, str_from(text), keys, &error) == 0)
		fail_msg("%s is taken", text);
	assert_int_equal(error.code, AWS_ERROR_INVALID_INPUT_EXCEPTION);
	assert_string_equal(error.message, expected);
}

static void test_comparisons(void **state)
{
	check("", "abcdef");
	check("  \n", "abcdef");
	check("region = 'eu-west-1'", "ab");
	check("REGION='eu-west-1'", "ab");
	check("region <> 'eu-west-1'", "cdf");
	check("region != 'eu-west-1'", "cdf");
	check("'eu-west-1' < region", "cdf");
	check("region >= 'us-east-1'", "cd");
	check("region = 'o''brien'", "f");
	check("`aws-account-id` = '7'", "d");
	check("\"aws-account-id\" = ''", "f");
	check("hour = 8", "b");
	check("hour = '8'", "b");
	check("hour < 8", "ad");
	check("hour <= 08", "abd");
	check("hour > -1", "abc");
	check("10 > hour", "abd");
	check("hour >= 99999999999999999999999999", "");
	check("hour <= 99999999999999999999999999", "abcd");
}

static void test_types(void **state)
{
	check("day = '2026-02-01'", "bc");
	check("day = date '2026-02-01'", "bc");
	check("DATE '2026-02-01' > day", "ad");
	check("day > '2024-02-28'", "abcd");
	check("share = 0.5", "a");
	check("share < 0", "b");
	check("share < 10", "abd");
	check("share >= 9.990", "cd");
	check("share > -2.0", "acd");
	check("seen = '2026-02-01 10:00:00'", "c");
	check("seen > timestamp '2026-02-01 08:00:00.499'", "bc");
	check("seen between '2026-01-31 07:00:00.0' and '2026-02-01 08:00:00.500000000'", "ab");
}

static void test_sets(void **state)
{
	check("region in ('us-east-1', 'us_east_1')", "cd");
	check("region not in ('us-east-1', 'us_east_1')", "abf");
	check("hour IN (7, '8', 10)", "abc");
	check("hour between 7 and 8", "ab");
	check("hour not between 7 and 8", "cd");
	check("hour between 8 and 7", "");
	check("region like 'us%'", "cd");
	check("region like 'us_east_1'", "cd");
	check("region like 'us\\_east\\_1'", "d");
	check("region not like '%-1'", "df");
	check("region like '%e%t%1'", "abcd");
	check("region like '%'", "abcdf");
	check("region like ''", "");
	check("region is null", "e");
	check("region is not null", "abcdf");
	check("hour is null", "ef");
	check("day is not null", "abcd");
}

static void test_logic(void **state)
{
	check("region = 'eu-west-1' and hour = 7 or hour = 10", "ac");
	check("hour = 10 or region = 'eu-west-1' and hour = 7", "ac");
	check("region = 'eu-west-1' and (hour = 7 or hour = 10)", "a");
	check("not region = 'eu-west-1' and hour = 10", "c");
	check("not (region = 'eu-west-1' or hour = 10)", "d");
	check("not (hour = 7)", "bcd");
	check("not not hour = 7", "a");
	/* Unknown or true is true, unknown and false is false. */
	check("hour = 7 or `aws-account-id` = 'x'", "ae");
	check("not (hour = 7 and `aws-account-id` = 'x')", "abcdf");
	check("((region >= 'a' AND region < 'f') OR (region = 'o''brien')) AND (hour >= 8)", "b");
	/* As Trino asks for NULL. */
	check("(region = '__HIVE_DEFAULT_PARTITION__')", "e");
	check("(hour = '__HIVE_DEFAULT_PARTITION__') or (hour in (7))", "ae");
	check("hour <> '__HIVE_DEFAULT_PARTITION__'", "abcdf");
}

static void test_refused(void **state)
{
	char deep[STORE_EXPRESSION_DEPTH_MAX + 32];

	refuse("nope = 1", "Unknown column 'nope'");
	refuse("flag = 'true'", "Unknown type : 'boolean'");
	refuse("hour = 'ten'", "\"ten\" is not an integer.");
	refuse("hour = 1.5", "\"1.5\" is not an integer.");
	refuse("share = '1e3'", "\"1e3\" is not a decimal.");
	refuse("day = '2026-02-29'", "\"2026-02-29\" is not a date.");
	refuse("day = '2026-2-9'", "\"2026-2-9\" is not a date.");
	refuse("seen = '2026-02-01'",
		"Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff]: 2026-02-01 is not a timestamp.");
	refuse("hour like '1%'", "Integral data type doesn't support operation 'LIKE'");
	refuse("day like '1%'", "Date data type doesn't support operation 'LIKE'");
	refuse("share like '1%'", "Decimal data type doesn't support operation 'LIKE'");
	refuse("hour in ()", "Unsupported expression 'hour in ()'");
	refuse("hour", "Unsupported expression 'hour'");
	refuse("hour =", "Unsupported expression 'hour ='");
	refuse("hour = 1 and", "Unsupported expression 'hour = 1 and'");
	refuse("hour = 1 hour = 2", "Unsupported expression 'hour = 1 hour = 2'");
	refuse("(hour = 1", "Unsupported expression '(hour = 1'");
	refuse("region = 'open", "Unsupported expression 'region = 'open'");
	refuse("hour not = 1", "Unsupported expression 'hour not = 1'");
	refuse("hour + 1 = 2", "Unsupported expression 'hour + 1 = 2'");
	refuse("region = hour", "Unsupported expression 'region = hour'");
	refuse("upper(region) = 'X'", "Unknown column 'upper'");
	memset(deep, '(', sizeof(deep));
	snprintf(deep + STORE_EXPRESSION_DEPTH_MAX + 1, 31, "hour = 1");
	struct aws_error error = {0};
	struct store_expression *expression;
	assert_true(store_expression_parse(&expression, str_from(deep), keys, &error) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_logic),
		cmocka_unit_test(test_refused),
	};
	keys = json_loads(keys_text, 0, NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(keys);
	return failed;
}
