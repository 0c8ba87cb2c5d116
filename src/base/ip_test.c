#include "base/ip.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void text_round_trip(void **state)
{
	/* RFC 5952 section 4 and RFC 4291 section 2.2. */
	static const char *const same[] = {"0.0.0.0", "255.255.255.255", "10.1.2.30", "::", "::1",
		"2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:db8::1:0:0:1",
		"fe80::", "1::", "2001:db8:aa:1::51", "1:2:3:4:5:6:7:8"};
	static const char *const other[][2] = {{"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"1:0:0:2:0:0:0:3", "1:0:0:2::3"}, {"::ffff:1.2.3.4", "1.2.3.4"}};
	char text[IP_STR_MAX];
	struct ip_addr addr;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_true(ip_parse(str_from(same[i]), &addr));
		*ip_write(text, &addr) = '\0';
		assert_string_equal(text, same[i]);
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		assert_true(ip_parse(str_from(other[i][0]), &addr));
		*ip_write(text, &addr) = '\0';
		assert_string_equal(text, other[i][1]);
	}
}

static void text_as_the_c_library(void **state)
{
	char ours[IP_STR_MAX], theirs[IP_STR_MAX];

	srand(1);
	for (int i = 0; i < 100000; i++) {
		struct ip_addr addr;
		for (int j = 0; j < 8; j++)
			addr.halves[j] =
				rand() % 3 ? 0 : htons((uint16_t)(rand() >> (rand() % 16)));
		addr.halves[0] |= htons(0x2000); /* neither mapped nor IPv4-compatible */
		*ip_write(ours, &addr) = '\0';
		inet_ntop(AF_INET6, addr.bytes, theirs, sizeof(theirs));
		assert_string_equal(ours, theirs);
	}
}

static void refuses(void **state)
{
	static const char *const bad[] = {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4",
		"1.2.3.4 ", ":::", "12345::", "1.2.3.4/8", "::1%eth0", "-"};
	struct ip_addr addr;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ip_parse(str_from(bad[i]), &addr));
}

static void prefixes(void **state)
{
	struct ip_prefix prefix;
	struct ip_addr addr;

	assert_true(ip_prefix_parse(STR("10.1.2.3/9"), &prefix));
	assert_int_equal(prefix.length, 105);
	ip_parse(STR("10.127.255.255"), &addr);
	assert_true(ip_prefix_contains(&prefix, &addr));
	ip_parse(STR("10.128.0.0"), &addr);
	assert_false(ip_prefix_contains(&prefix, &addr));
	ip_parse(STR("::1"), &addr);
	assert_false(ip_prefix_contains(&prefix, &addr));
	assert_true(ip_prefix_parse(STR("0.0.0.0/0"), &prefix));
	assert_false(ip_prefix_contains(&prefix, &addr));
	assert_true(ip_prefix_parse(STR("::/0"), &prefix));
	assert_true(ip_prefix_contains(&prefix, &addr));
	assert_true(ip_prefix_parse(STR("192.0.2.1"), &prefix));
	assert_int_equal(prefix.length, 128);
	assert_false(ip_prefix_parse(STR("10.0.0.0/33"), &prefix));
	assert_false(ip_prefix_parse(STR("10.0.0.0/"), &prefix));
	assert_false(ip_prefix_parse(STR("2001:db8::/129"), &prefix));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_round_trip),
		cmocka_unit_test(text_as_the_c_library),
		cmocka_unit_test(refuses),
		cmocka_unit_test(prefixes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
