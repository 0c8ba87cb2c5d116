#include "vpc/interface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct ip_addr address(const char *text)
{
	struct ip_addr addr = {0};

	assert_true(ip_parse(str_from(text), &addr));
	return addr;
}

/* 10.1.2.30/24 first, 10.1.2.31/24 second, 2001:db8::7/64. */
static struct vpc_interface make_interface(void)
{
	struct vpc_interface interface = {.addresses = 3, .has_primary_v4 = true};

	interface.address[0] = interface.primary_v4 = address("10.1.2.30");
	interface.address[1] = address("10.1.2.31");
	interface.address[2] = address("2001:db8::7");
	ip_prefix_parse(STR("10.1.2.0/24"), &interface.prefix[0]);
	ip_prefix_parse(STR("10.1.2.0/24"), &interface.prefix[1]);
	ip_prefix_parse(STR("2001:db8::/64"), &interface.prefix[2]);
	return interface;
}

/* AWS, "Flow log records", srcaddr and dstaddr: the interface's side shows its primary private IPv4
 * address, the other side is never rewritten. */
static void addresses_on_the_interfaces_side(void **state)
{
	static const struct {
		int direction;
		const char *src, *dst, *record_src, *record_dst;
		int traffic_path;
	} cases[] = {
		{RECORD_INGRESS, "203.0.113.9", "10.1.2.30", "203.0.113.9", "10.1.2.30", 0},
		{RECORD_INGRESS, "203.0.113.9", "10.1.2.31", "203.0.113.9", "10.1.2.30", 0},
		{RECORD_INGRESS, "10.1.2.31", "198.51.100.8", "10.1.2.31", "10.1.2.30", 0},
		{RECORD_EGRESS, "10.1.2.31", "203.0.113.9", "10.1.2.30", "203.0.113.9", 8},
		{RECORD_EGRESS, "10.99.0.1", "10.1.2.44", "10.1.2.30", "10.1.2.44", 1},
		{RECORD_EGRESS, "10.1.2.30", "172.16.5.5", "10.1.2.30", "172.16.5.5", 0},
		{RECORD_INGRESS, "2001:db8::9", "2001:db8::7", "2001:db8::9", "2001:db8::7", 0},
		{RECORD_INGRESS, "2001:db8::9", "2001:db8:1::1", "2001:db8::9", "2001:db8:1::1", 0},
		{RECORD_EGRESS, "2001:db8::7", "2a00::1", "2001:db8::7", "2a00::1", 8},
		/* Group addresses name nobody's interface and stay. */
		{RECORD_INGRESS, "10.1.2.1", "224.0.0.251", "10.1.2.1", "224.0.0.251", 0},
		{RECORD_INGRESS, "10.1.2.1", "10.1.2.255", "10.1.2.1", "10.1.2.255", 0},
		{RECORD_INGRESS, "0.0.0.0", "255.255.255.255", "0.0.0.0", "255.255.255.255", 0},
	};
	const struct vpc_interface interface = make_interface();
	const struct flow_counts counts = {.packets = 4, .bytes = 336, .first = 100, .last = 103};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct flow_key key = {.src = address(cases[i].src),
			.dst = address(cases[i].dst),
			.direction = (uint8_t)cases[i].direction,
			.protocol = 1};
		struct record record;
		vpc_interface_record(&interface, &key, &counts, &record);
		struct ip_addr src = address(cases[i].record_src);
		struct ip_addr dst = address(cases[i].record_dst);
		assert_true(ip_equal(&record.srcaddr, &src));
		assert_true(ip_equal(&record.dstaddr, &dst));
		assert_true(ip_equal(&record.pkt_srcaddr, &key.src));
		assert_true(ip_equal(&record.pkt_dstaddr, &key.dst));
		assert_int_equal(record.traffic_path, cases[i].traffic_path);
		assert_int_equal(record.packets, 4);
		assert_int_equal(record.end, 103);
	}
}

static void identity_and_its_errors(void **state)
{
	struct vpc_identity first, second;
	struct err err;

	assert_int_equal(vpc_identity_init(&first, NULL, NULL, &err), 0);
	assert_int_equal(vpc_identity_init(&second, NULL, "ap-southeast-2", &err), 0);
	assert_string_equal(first.account_id, "000000000000");
	assert_string_equal(first.region, "us-east-1");
	assert_string_equal(first.az_id, "use1-az1");
	assert_string_equal(second.az_id, "apse2-az1");
	assert_string_equal(first.vpc_id, second.vpc_id);
	assert_int_equal(strlen(first.flow_log_id), strlen("fl-0123456789abcdef0"));
	assert_true(vpc_identity_init(&first, "12345", NULL, &err) < 0);
	assert_true(vpc_identity_init(&first, NULL, "eu west", &err) < 0);
	assert_int_equal(err.code, ERR_USAGE);
}

static void lists_loopback(void **state)
{
	_cleanup_free_ struct vpc_interface *interfaces = NULL;
	struct vpc_identity identity;
	size_t count;
	bool found = false;
	struct err err;

	assert_int_equal(vpc_identity_init(&identity, NULL, NULL, &err), 0);
	assert_int_equal(vpc_interfaces_list(&interfaces, &count, &err), 0);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(interfaces[i].name, "lo") != 0)
			continue;
		found = true;
		assert_true(interfaces[i].loopback);
		assert_false(interfaces[i].carries_traffic);
		assert_int_equal(interfaces[i].ifindex, if_nametoindex("lo"));
		vpc_interface_set_record(&interfaces[i], &identity);
		struct str id = interfaces[i].record.values[RECORD_INTERFACE_ID];
		assert_true(str_starts_with(id, STR("eni-0")));
		assert_int_equal(id.n, strlen("eni-0123456789abcdef0"));
	}
	assert_true(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_on_the_interfaces_side),
		cmocka_unit_test(identity_and_its_errors),
		cmocka_unit_test(lists_loopback),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
