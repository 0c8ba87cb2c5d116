/* Schedules against dates from the calendar, and what files are taken for. */
#include "api/glue/crawlers_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

/* The times that follow, "2026-02-28 12:00 2026-03-31 12:00". */
static void check_cron(const char *text, const char *after, const char *expected)
{
	struct glue_cron cron;
	struct tm date = {0};
	char found[256] = "";

	if (!glue_cron_parse(str_from(text), &cron))
		fail_msg("%s is refused", text);
	assert_non_null(strptime(after, "%Y-%m-%d %H:%M:%S", &date));
	time_t at = timegm(&date);
	for (size_t n = 0; n < strlen(expected); n = strlen(found)) {
		at = glue_cron_next(&cron, at);
		if (at < 0) {
			snprintf(found + n, sizeof(found) - n, "%snever", n ? " " : "");
			break;
		}
		gmtime_r(&at, &date);
		if (n)
			found[n++] = ' ';
		strftime(found + n, sizeof(found) - n, "%Y-%m-%d %H:%M", &date);
	}
	assert_string_equal(found, expected);
}

static void test_cron(void **state)
{
	check_cron(
		"cron(15 12 * * ? *)", "2026-02-28 12:15:00", "2026-03-01 12:15 2026-03-02 12:15");
	check_cron("cron(0/30 8-9 ? * MON-FRI *)", "2026-11-27 08:59:59",
		"2026-11-27 09:00 2026-11-27 09:30 2026-11-30 08:00");
	check_cron("cron(0 0 31 * ? 2026)", "2026-06-01 00:00:00",
		"2026-07-31 00:00 2026-08-31 00:00 2026-10-31 00:00 2026-12-31 00:00 never");
	check_cron("cron(0 0 29 FEB ? *)", "2026-01-01 00:00:00", "2028-02-29 00:00");
	check_cron(
		"cron(5,10 1 ? * 1 *)", "2026-11-25 00:00:00", "2026-11-29 01:05 2026-11-29 01:10");
}

static void test_bad_cron(void **state)
{
	static const char *const bad[] = {"", "cron()", "cron(* * * * *)", "cron(* * * * * *)",
		"cron(* * ? * ? *)", "cron(60 * * * ? *)", "cron(* 24 * * ? *)",
		"cron(* * 0 * ? *)", "cron(* * 32 * ? *)", "cron(* * * 13 ? *)",
		"cron(* * ? * 8 *)", "cron(*/0 * * * ? *)", "cron(5-1 * * * ? *)",
		"cron(* * L * ? *)", "cron(a * * * ? *)", "cron(* * * * ? *", "rate(5 minutes)",
		"cron(1- * * * ? *)", "cron(, * * * ? *)"};
	struct glue_cron cron;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (glue_cron_parse(str_from(bad[i]), &cron))
			fail_msg("%s is taken", bad[i]);
}

static void check_text(const char *text, const char *expected)
{
	struct glue_class class;
	_cleanup_buf_ struct buf found = {0};
	size_t i;
	json_t *column;

	glue_classify_text(str_from(text), &class);
	if (class.format == GLUE_FORMAT_UNKNOWN)
		buf_add_text(&found, "unknown");
	else
		buf_printf(&found, "%s'%c'", class.has_header ? "header " : "", class.delimiter);
	json_array_foreach(class.columns, i, column)
	{
		buf_printf(&found, " %s %s", json_string_value(json_object_get(column, "Name")),
			json_string_value(json_object_get(column, "Type")));
	}
	assert_string_equal(buf_text(&found), expected);
	glue_class_done(&class);
}

static void test_texts(void **state)
{
	/* Names and types of AWS's CREATE TABLE statement. */
	check_text("version account-id srcport protocol bytes end tcp-flags\n2 1 2 3 4 5 6\n",
		"header ' ' version int account_id string srcport int protocol bigint bytes bigint end bigint tcp_flags int");
	check_text("version srcaddr brand-new\n",
		"header ' ' version int srcaddr string brand_new string");
	check_text("a,b,c\n1,2.5,x\n,3,4\n", "header ',' a bigint b double c string");
	check_text("1|x\n2|y\n", "'|' col0 bigint col1 string");
	check_text("Name;n\r\nx;1\r\n", "header ';' name string n bigint");
	check_text("one line\nand another\n", "unknown");
	check_text("", "unknown");
	check_text("a,b\n", "unknown");
}

static void test_wider(void **state)
{
	assert_string_equal(glue_wider_type("int", "bigint"), "bigint");
	assert_string_equal(glue_wider_type("double", "int"), "double");
	assert_string_equal(glue_wider_type("int", "int"), "int");
	assert_string_equal(glue_wider_type("int", "date"), "string");
}

static void test_targets(void **state)
{
	struct str bucket;
	char *prefix = NULL;

	assert_true(glue_parse_target(STR("s3://b/AWSLogs"), &bucket, &prefix));
	assert_true(str_equal(bucket, STR("b")));
	assert_string_equal(prefix, "AWSLogs/");
	free(prefix);
	assert_true(glue_parse_target(STR("s3://b"), &bucket, &prefix));
	assert_string_equal(prefix, "");
	free(prefix);
	assert_false(glue_parse_target(STR("b/x"), &bucket, &prefix));
	assert_false(glue_parse_target(STR("s3://"), &bucket, &prefix));
	assert_true(glue_is_excluded(STR("*.csv"), STR("a.csv")));
	assert_false(glue_is_excluded(STR("*.csv"), STR("x/a.csv")));
	assert_true(glue_is_excluded(STR("**.csv"), STR("x/a.csv")));
	assert_true(glue_is_excluded(STR("x/"), STR("x/y/a.csv")));
	assert_true(glue_is_excluded(STR("x/**"), STR("x/y/a.csv")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cron),
		cmocka_unit_test(test_bad_cron),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_wider),
		cmocka_unit_test(test_targets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
