/* Expected: EC2 user guide, "Filter resources by tag" and "Wildcards": '*' is any number of
 * characters, '?' one, '\' in front of either makes it itself; case counts. */
#include "api/ec2/ec2_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void wildcards(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "A", false},
		{"a", "ab", false},
		{"ab", "a", false},
		{"?", "", false},
		{"?", "a", true},
		{"?", "ab", false},
		{"a?c", "abc", true},
		{"*", "", true},
		{"*", "anything at all", true},
		{"**", "a", true},
		{"a*", "a", true},
		{"a*", "ba", false},
		{"*a", "banana", true},
		{"*an*an*", "banana", true},
		{"*an*an*an*", "banana", false},
		{"b*n?", "banana", true},
		{"b*n?", "banan", false},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"\\?", "?", true},
		{"\\?", "a", false},
		{"\\\\", "\\", true},
		{"a\\", "a\\", true},
		{"10.0.0.?", "10.0.0.5", true},
		{"10.0.0.?", "10.0.0.15", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (ec2_matches(cases[i].pattern, cases[i].text) != cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].text);
}

/* No pattern may cost more than its length times the text's. */
static void many_stars_are_quick(void **state)
{
	char pattern[201], text[20001];

	for (size_t i = 0; i < 200; i += 2) {
		pattern[i] = '*';
		pattern[i + 1] = 'a';
	}
	pattern[199] = 'b';
	pattern[200] = '\0';
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(ec2_matches(pattern, text));
}

static void ids_are_derived_and_stay(void **state)
{
	char one[EC2_ID_MAX], again[EC2_ID_MAX], other[EC2_ID_MAX];

	ec2_derive_id(one, "sgr-", "sg-1 tcp 22");
	ec2_derive_id(again, "sgr-", "sg-1 tcp 22");
	ec2_derive_id(other, "sgr-", "sg-1 tcp 23");
	assert_string_equal(one, again);
	assert_string_not_equal(one, other);
	assert_int_equal(strlen(one), strlen("sgr-") + 17);
	assert_int_equal(strspn(one + 4, "0123456789abcdef"), 17);
}

static void types_are_known_by_their_prefix(void **state)
{
	assert_int_equal(ec2_type_of("vpc-1"), EC2_VPC);
	assert_int_equal(ec2_type_of("sg-1"), EC2_SECURITY_GROUP);
	assert_int_equal(ec2_type_of("sgr-1"), EC2_SECURITY_GROUP_RULE);
	assert_int_equal(ec2_type_of("fl-1"), EC2_FLOW_LOG);
	assert_int_equal(ec2_type_of("i-1"), EC2_INSTANCE);
	assert_int_equal(ec2_type_of("igw-1"), EC2_TYPES);
	assert_int_equal(ec2_type_of(""), EC2_TYPES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wildcards),
		cmocka_unit_test(many_stars_are_quick),
		cmocka_unit_test(ids_are_derived_and_stay),
		cmocka_unit_test(types_are_known_by_their_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
