#include "base/number.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void decimals(void **state)
{
	uint64_t value = 7;

	assert_true(number_parse(STR("18446744073709551615"), UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
	assert_true(number_parse(STR("00"), 0, &value));
	assert_int_equal(value, 0);
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616",
		"99999999999999999999", "000000000000000000001"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(number_parse(str_from(bad[i]), UINT64_MAX, &value));
	assert_false(number_parse(STR("65536"), 65535, &value));
}

static void signed_decimals(void **state)
{
	int64_t value;

	assert_true(number_parse_signed(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &value));
	assert_true(value == INT64_MIN);
	assert_false(number_parse_signed(STR("9223372036854775808"), INT64_MIN, INT64_MAX, &value));
	assert_false(number_parse_signed(STR("-"), INT64_MIN, INT64_MAX, &value));
}

static void durations_and_sizes(void **state)
{
	uint64_t value;

	assert_true(number_parse_seconds(STR("1h30m"), UINT64_MAX, &value));
	assert_int_equal(value, 5400);
	assert_true(number_parse_seconds(STR("60"), 600, &value));
	assert_false(number_parse_seconds(STR("601"), 600, &value));
	assert_false(number_parse_seconds(STR("5x"), 600, &value));
	assert_true(number_parse_size(STR("64KiB"), UINT64_MAX, &value));
	assert_int_equal(value, 65536);
	assert_true(number_parse_size(STR("2g"), UINT64_MAX, &value));
	assert_true(value == UINT64_C(2) << 30);
	assert_false(number_parse_size(STR("K"), UINT64_MAX, &value));
	assert_false(number_parse_size(STR("99999999999T"), UINT64_MAX, &value));
}

static void written_as_printf_does(void **state)
{
	char ours[NUMBER_U64_STR_MAX + 1], theirs[NUMBER_U64_STR_MAX + 1];

	srand(1);
	for (int i = 0; i < 300000; i++) {
		uint64_t value =
			((uint64_t)rand() << 33 ^ (uint64_t)rand() << 11 ^ (uint64_t)rand()) >>
			(rand() % 64);
		if (i < 100000) /* and all small ones */
			value = (uint64_t)i;
		*number_write(ours, value) = '\0';
		snprintf(theirs, sizeof(theirs), "%" PRIu64, value);
		assert_string_equal(ours, theirs);
		*number_write_wide(ours, value) = '\0';
		assert_string_equal(ours, theirs);
	}
}

static void written_near_the_one_before(void **state)
{
	char ours[NUMBER_U64_STR_MAX + 1], theirs[NUMBER_U64_STR_MAX + 1];
	struct number_near near = {0};
	uint64_t around = 0;

	srand(1);
	for (int i = 0; i < 300000; i++) {
		if (i % 100 == 0)
			around = ((uint64_t)rand() << 33 ^ (uint64_t)rand()) >> (rand() % 64);
		uint64_t value = around + (uint64_t)(rand() % 20000) - 10000;
		*number_write_near(&near, ours, value) = '\0';
		snprintf(theirs, sizeof(theirs), "%" PRIu64, value);
		assert_string_equal(ours, theirs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimals),
		cmocka_unit_test(signed_decimals),
		cmocka_unit_test(durations_and_sizes),
		cmocka_unit_test(written_as_printf_does),
		cmocka_unit_test(written_near_the_one_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
