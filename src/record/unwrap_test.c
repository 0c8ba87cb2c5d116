/* Wrapped lines, as the user guides of Data Firehose and CloudWatch Logs show them. */
#include "record/unwrap.h"

#include "base/buf.h"
#include "record/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define LINE                                                                                       \
	"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "      \
	"1418530010 1418530070 ACCEPT OK"

static const char *unwrapped(const char *text)
{
	static char lines[4096];
	_cleanup_(input_closep) struct input *input = NULL;
	struct err err = ERR_INIT;
	struct str bytes = STR_NONE;

	assert_int_equal(input_open_memory(&input, str_from(text), "name", &err), 0);
	if (record_unwrap(&input, &err) < 0 ||
		input_peek(input, sizeof(lines) - 1, &bytes, &err) < 0)
		fail_msg("%s", err.message);
	snprintf(lines, sizeof(lines), "%.*s", STR_ARG(bytes));
	assert_string_equal(input_name(input), "name");
	return lines;
}

static void forms(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{LINE "\n", LINE "\n"},
		{"", ""},
		{"{\"message\":\"" LINE "\"}\n{\"message\":\"a b\\n\"}", LINE "\na b\n"},
		{"{\"message\":\"a\"}{\"message\":\"b\"}\r\n\n", "a\nb\n"},
		{"{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"1\",\"logGroup\":\"g\",\"logEvents\":"
		 "[{\"id\":\"3\",\"timestamp\":1,\"message\":\"a\"},{\"message\":\"b\"}]}"
		 "{\"messageType\":\"CONTROL_MESSAGE\",\"logEvents\":[{\"message\":\"no\"}]}",
			"a\nb\n"},
		{"{\"srcaddr\":\"10.0.0.1\",\"bytes\":5,\"action\":null}\n"
		 "{\"srcaddr\":\"10.0.0.2\",\"bytes\":6.0,\"action\":\"\"}\n"
		 "{\"bytes\":18446744073,\"srcaddr\":\"10.0.0.3\"}",
			"srcaddr bytes action\n10.0.0.1 5 -\n10.0.0.2 6 -\nbytes srcaddr\n"
			"18446744073 10.0.0.3\n"},
		/* Bad lines stay lines, and one stays one. */
		{"{\"message\":\"a\\nb\"}\n{\"message\":\n[1]\nhello\n",
			"a\x01"
			"b\n{\"message\":\n[1]\nhello\n"},
		{"{}\n{\"message\":\"\"}\n", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(unwrapped(cases[i].text), cases[i].expected);
}

/* Lines of many values, longer than what is looked at in one go. */
static void long_lines(void **state)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_(input_closep) struct input *input = NULL;
	_cleanup_(record_reader_closep) struct record_reader *reader = NULL;
	struct err err = ERR_INIT;
	const struct record_batch *batch = NULL;
	size_t rows = 0;

	buf_add_text(&text, "{\"logEvents\":[");
	for (int i = 0; i < 5000; i++)
		buf_printf(&text, "%s{\"message\":\"" LINE "\"}", i ? "," : "");
	buf_add_text(&text, "]}");
	for (int i = 0; i < 5000; i++)
		buf_add_text(&text, "{\"message\":\"" LINE "\"}");
	assert_int_equal(input_open_memory(&input, buf_str(&text), "name", &err), 0);
	assert_int_equal(record_unwrap(&input, &err), 0);
	assert_int_equal(record_reader_open(&reader, take(input), true, &err), 0);
	do {
		if (record_reader_read(reader, &batch, &err) < 0)
			fail_msg("%s", err.message);
		rows += batch->rows;
	} while (batch->rows);
	assert_int_equal(rows, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
