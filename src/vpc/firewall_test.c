#include "vpc/firewall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What `nft -j list ruleset` (1.0.6) says of these rules, handles left out. */
static const char ruleset[] =
	/* set admins { 10.1.0.0/16, 172.16.0.1-172.16.0.5 } */
	"{\"nftables\":[{\"set\":{\"family\":\"inet\",\"name\":\"admins\",\"table\":\"filter\","
	"\"elem\":[{\"prefix\":{\"addr\":\"10.1.0.0\",\"len\":16}},\"192.0.2.7\"]}},"
	/* chain input { type filter hook input priority 0; policy drop; } */
	"{\"chain\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"input\",\"type\":"
	"\"filter\",\"hook\":\"input\",\"prio\":0,\"policy\":\"%s\"}},"
	"{\"chain\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"more\"}},"
	/* ct state established,related accept */
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"input\",\"expr\":[{"
	"\"match\":{\"op\":\"in\",\"left\":{\"ct\":{\"key\":\"state\"}},\"right\":["
	"\"established\",\"related\"]}},{\"accept\":null}]}},"
	/* iifname "eth*" tcp dport 8080 accept */
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"input\",\"expr\":[{"
	"\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"iifname\"}},\"right\":\"eth*\"}},{"
	"\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},"
	"\"right\":8080}},{\"accept\":null}]}},"
	/* ip saddr { 10.0.0.0/8, 192.168.1.5 } tcp dport { 22, 8000-8010 } accept */
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"input\",\"expr\":[{"
	"\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}},"
	"\"right\":{\"set\":[{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}},\"192.168.1.5\"]}}},{"
	"\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},"
	"\"right\":{\"set\":[22,{\"range\":[8000,8010]}]}}},{\"accept\":null}]}},"
	/* ip saddr @admins udp dport 53 counter accept */
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"input\",\"expr\":[{"
	"\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}},"
	"\"right\":\"@admins\"}},{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":"
	"\"udp\",\"field\":\"dport\"}},\"right\":53}},{\"counter\":{\"packets\":0,\"bytes\":0}},{"
	"\"accept\":null}]}},"
	/* jump more: ip6 saddr 2001:db8::/32 tcp dport 443 accept; meta l4proto 47 accept */
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"input\",\"expr\":[{"
	"\"jump\":{\"target\":\"more\"}}]}},"
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"more\",\"expr\":[{"
	"\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"ip6\",\"field\":\"saddr\"}},"
	"\"right\":{\"prefix\":{\"addr\":\"2001:db8::\",\"len\":32}}}},{\"match\":{\"op\":\"==\","
	"\"left\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},\"right\":443}},{"
	"\"accept\":null}]}},"
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"more\",\"expr\":[{"
	"\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"l4proto\"}},\"right\":47}},{"
	"\"accept\":null}]}},"
	/* tcp dport != 99 accept */
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"input\",\"expr\":[{"
	"\"match\":{\"op\":\"!=\",\"left\":{\"payload\":{\"protocol\":\"tcp\",\"field\":\"dport\"}},"
	"\"right\":99}},{\"accept\":null}]}}]}";

static json_t *load(const char *policy)
{
	char text[sizeof(ruleset) + 16];

	snprintf(text, sizeof(text), ruleset, policy); /* NOLINT: a constant of this test's */
	json_t *rules = json_loads(text, 0, NULL);
	assert_non_null(rules);
	return rules;
}

static void check(const struct vpc_permission *permission, bool is_egress, int protocol, int from,
	int to, const char *first, size_t cidrs)
{
	assert_int_equal(permission->is_egress, is_egress);
	assert_int_equal(permission->protocol, protocol);
	assert_int_equal(permission->from_port, from);
	assert_int_equal(permission->to_port, to);
	assert_string_equal(permission->cidrs[0], first);
	assert_int_equal(permission->cidr_count, cidrs);
}

static void rules_that_accept_are_permissions(void **state)
{
	json_t *rules = load("drop");
	struct vpc_permissions eth, other;

	vpc_firewall_render(rules, "eth0", &eth);
	assert_int_equal(eth.count, 7);
	assert_int_equal(eth.unrendered, 1); /* the one with != */
	check(&eth.permission[0], false, 6, 8080, 8080, "0.0.0.0/0", 2);
	check(&eth.permission[1], false, 6, 22, 22, "10.0.0.0/8", 2);
	check(&eth.permission[2], false, 6, 8000, 8010, "10.0.0.0/8", 2);
	assert_string_equal(eth.permission[2].cidrs[1], "192.168.1.5/32");
	check(&eth.permission[3], false, 17, 53, 53, "10.1.0.0/16", 2);
	check(&eth.permission[4], false, 6, 443, 443, "2001:db8::/32", 1);
	check(&eth.permission[5], false, 47, -1, -1, "0.0.0.0/0", 2);
	check(&eth.permission[6], true, -1, -1, -1, "0.0.0.0/0", 2); /* nothing at output */
	vpc_firewall_render(rules, "wlan0", &other);
	assert_int_equal(other.count, 6); /* without eth*'s */
	assert_false(vpc_permissions_equal(&eth, &other));
	vpc_permissions_done(&eth);
	vpc_permissions_done(&other);
	json_decref(rules);
}

static void a_chain_that_accepts_allows_everything(void **state)
{
	json_t *rules = load("accept");
	struct vpc_permissions permissions, none;

	vpc_firewall_render(rules, "eth0", &permissions);
	assert_int_equal(permissions.count, 2);
	check(&permissions.permission[0], false, -1, -1, -1, "0.0.0.0/0", 2);
	check(&permissions.permission[1], true, -1, -1, -1, "0.0.0.0/0", 2);
	assert_string_equal(permissions.permission[0].cidrs[1], "::/0");
	vpc_permissions_done(&permissions);
	vpc_firewall_render(NULL, "eth0", &none);
	assert_int_equal(none.count, 2);
	vpc_permissions_done(&none);
	json_decref(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_that_accept_are_permissions),
		cmocka_unit_test(a_chain_that_accepts_allows_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
