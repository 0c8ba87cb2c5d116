#include "api/firehose/firehose_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* date -u -d @1795426608 +"%F %T %j": 2026-11-23 09:36:48 327 */
#define MOMENT INT64_C(1795426608000)

static void check(const char *prefix, const char *expected)
{
	_cleanup_buf_ struct buf key = {0};

	firehose_prefix_add(&key, str_from(prefix), MOMENT);
	assert_string_equal(buf_text(&key), expected);
}

static void test_timestamps(void **state)
{
	check("", "2026/11/23/09/");
	check("a/b-", "a/b-2026/11/23/09/");
	check("year=!{timestamp:yyyy}/m=!{timestamp:MM}/!{timestamp:dd}/", "year=2026/m=11/23/");
	check("!{timestamp:yyyy/MM/dd/HH}", "2026/11/23/09");
	check("!{timestamp:yy-M-d'T'H:mm:ss}x", "26-11-23T9:36:48x");
	check("!{timestamp:''DDD''}", "'327'");
	check("not!expr{}!{timestamp:HH}", "not!expr{}09");
}

static void test_random_strings(void **state)
{
	_cleanup_buf_ struct buf key = {0};
	struct str prefix = STR("!{firehose:random-string}/!{firehose:random-string}/");

	firehose_prefix_add(&key, prefix, MOMENT);
	assert_int_equal(key.n, 24);
	assert_int_equal(key.p[11], '/');
	assert_memory_not_equal(key.p, key.p + 12, 11);
	assert_int_equal(strspn(buf_text(&key),
				 "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
		11);
}

static void refuse(const char *prefix, const char *error_prefix, const char *expected)
{
	const char *wrong = firehose_prefix_check(str_from(prefix), str_from(error_prefix));

	assert_non_null(wrong);
	if (!strstr(wrong, expected))
		fail_msg("'%s' for '%s', not '%s'", wrong, prefix, expected);
}

static void test_what_is_refused(void **state)
{
	const char *error = "err/!{firehose:error-output-type}/";

	refuse("!{timestamp:yyyy}/", "", "ErrorOutputPrefix cannot be null");
	refuse("!{firehose:error-output-type}/", error, "Prefix cannot have");
	refuse("a", "!{timestamp:yyyy}", "must have the expression");
	refuse("!{timestamp:yyyy", error, "closing brace");
	refuse("!{timestamp:QQ}", error, "may have the fields");
	refuse("!{timestamp:MMM}", error, "may have the fields");
	refuse("!{timestamp:}", error, "empty");
	refuse("!{timestamp:'T}", error, "quote");
	refuse("!{partitionKeyFromQuery:x}", error, "must be !{timestamp:FORMAT}");
	assert_null(firehose_prefix_check(STR("!{timestamp:yyyy}/"), str_from(error)));
	assert_null(firehose_prefix_check(STR("plain"), STR("")));
	assert_null(firehose_prefix_check(STR("plain"), STR("failed/")));
	assert_null(firehose_prefix_check(
		STR("p"), STR("!{firehose:error-output-type}/!{timestamp:yyyy}/")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_random_strings),
		cmocka_unit_test(test_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
