#include "vpc/naming.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct vpc_interface make_interface(
	const char *name, const char *address, const char *prefix)
{
	struct vpc_interface interface = {.addresses = 1, .has_primary_v4 = true};

	snprintf(interface.name, sizeof(interface.name), "%s", name);
	assert_true(ip_parse(str_from(address), &interface.address[0]));
	assert_true(ip_prefix_parse(str_from(prefix), &interface.prefix[0]));
	interface.primary_v4 = interface.address[0];
	return interface;
}

static void the_first_that_says_it_wins(void **state)
{
	static const struct vpc_tag first[] = {{"team", "net"}, {"site", "a"}},
				    second[] = {{"team", "other"}, {"floor", "2"}};
	struct vpc_naming_rule rules[] = {
		{.interface = "eth*", .name = "uplink", .tags = first, .tag_count = 2},
		{.vpc = "shop", .name = "rest", .tags = second, .tag_count = 2},
		{.interface = "docker?", .is_excluded = true},
	};
	const struct vpc_naming naming = {rules, ARRAY_SIZE(rules)};
	struct vpc_interface eth = make_interface("eth0", "10.0.0.5", "10.0.0.0/24");
	struct vpc_interface docker = make_interface("docker0", "172.17.0.1", "172.17.0.0/16");
	struct vpc_identity identity;
	struct vpc_named named;
	char id[VPC_ID_SIZE];

	vpc_naming_find(&naming, &eth, &named);
	assert_string_equal(named.name, "uplink");
	assert_string_equal(named.vpc, "shop");
	assert_null(named.description);
	assert_int_equal(named.tag_count, 3);
	assert_string_equal(named.tags[0].value, "net");
	assert_string_equal(named.tags[2].key, "floor");
	assert_int_equal(vpc_identity_init(&identity, NULL, NULL, NULL), 0);
	assert_true(vpc_naming_apply(&naming, &identity, &eth));
	vpc_naming_vpc_id(id, "shop");
	assert_string_equal(eth.vpc_id, id);
	assert_int_equal(strlen(eth.subnet_id), strlen("subnet-0123456789abcdef0"));
	assert_false(vpc_naming_apply(&naming, &identity, &docker));
}

static void rules_by_address(void **state)
{
	struct vpc_naming_rule rule = {.vpc = "lab"};
	const struct vpc_naming naming = {&rule, 1}, none = {NULL, 0};
	struct vpc_interface in = make_interface("a", "10.1.2.3", "10.1.2.0/24");
	struct vpc_interface out = make_interface("b", "10.2.2.3", "10.2.2.0/24");
	struct vpc_identity identity;

	assert_true(ip_prefix_parse(STR("10.1.0.0/16"), &rule.addresses));
	assert_int_equal(vpc_identity_init(&identity, NULL, NULL, NULL), 0);
	assert_true(vpc_naming_apply(&naming, &identity, &in));
	assert_true(vpc_naming_apply(&naming, &identity, &out));
	assert_string_not_equal(in.vpc_id, identity.vpc_id);
	assert_string_equal(out.vpc_id, identity.vpc_id);
	assert_true(vpc_naming_apply(&none, &identity, &in));
	assert_string_equal(in.vpc_id, identity.vpc_id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_says_it_wins),
		cmocka_unit_test(rules_by_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
