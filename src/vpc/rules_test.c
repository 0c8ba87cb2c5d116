#include "vpc/rules.h"

#include "base/clock.h"
#include "base/file.h"
#include "record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define SECOND CLOCK_NS_PER_SECOND
#define START  (INT64_C(1790000000) * SECOND)

/* The interface is 10.0.1.5 and 2001:db8::5 in all of these. */
#define GROUPS(in, out)                                                                            \
	"{\"SecurityGroups\": [{\"GroupId\": \"sg-1\", \"IpPermissions\": [" in                    \
	"], \"IpPermissionsEgress\": [" out "]}]}"
#define ACL(entries)                                                                               \
	"{\"NetworkAcls\": [{\"NetworkAclId\": \"acl-1\", \"Entries\": [" entries "]}]}"

#define ALLOW_ALL_OUT "{\"IpProtocol\": \"-1\", \"IpRanges\": [{\"CidrIp\": \"0.0.0.0/0\"}]}"
#define PERMIT(protocol, from, to, cidr)                                                           \
	"{\"IpProtocol\": \"" protocol "\", \"FromPort\": " #from ", \"ToPort\": " #to             \
	", \"IpRanges\": [{\"CidrIp\": \"" cidr "\"}]}"
#define ENTRY(number, egress, action, protocol, cidr, more)                                        \
	"{\"RuleNumber\": " #number ", \"Egress\": " #egress ", \"RuleAction\": \"" action         \
	"\", \"Protocol\": \"" protocol "\", \"CidrBlock\": \"" cidr "\"" more "}"

/* describe-network-acls of the default ACL of a VPC. */
#define DEFAULT_ACL                                                                                \
	ACL(ENTRY(100, true, "allow", "-1", "0.0.0.0/0", ) "," ENTRY(                              \
		32767, true, "deny", "-1", "0.0.0.0/0", ) "," ENTRY(100, false, "allow", "-1",     \
		"0.0.0.0/0", ) "," ENTRY(32767, false, "deny", "-1", "0.0.0.0/0", ))

static struct vpc_rules *rules_new(size_t max_connections)
{
	struct vpc_rules *rules;
	struct err err = ERR_INIT;

	assert_int_equal(vpc_rules_new(&rules, max_connections, &err), 0);
	return rules;
}

static void add_text(struct vpc_rules *rules, const char *text)
{
	struct err err = ERR_INIT;

	if (vpc_rules_load_text(rules, str_from(text), "rules.json", &err) < 0)
		fail_msg("%s", err.message);
}

static struct vpc_rules *rules_of(const char *text)
{
	struct vpc_rules *rules = rules_new(1000);

	add_text(rules, text);
	return rules;
}

static struct flow_packet packet_of(
	uint8_t protocol, const char *src, uint16_t src_port, const char *dst, uint16_t dst_port)
{
	struct flow_packet packet = {.protocol = protocol,
		.src_port = src_port,
		.dst_port = dst_port,
		.ip_version = strchr(src, ':') ? 6 : 4};

	assert_true(ip_parse(str_from(src), &packet.src));
	assert_true(ip_parse(str_from(dst), &packet.dst));
	return packet;
}

static int in_at(struct vpc_rules *rules, int64_t time_ns, uint8_t protocol, const char *remote,
	uint16_t remote_port, uint16_t port)
{
	struct flow_packet packet = packet_of(protocol, remote, remote_port,
		strchr(remote, ':') ? "2001:db8::5" : "10.0.1.5", port);

	return vpc_rules_decide(rules, &packet, RECORD_INGRESS, time_ns);
}

static int out_at(struct vpc_rules *rules, int64_t time_ns, uint8_t protocol, const char *remote,
	uint16_t remote_port, uint16_t port)
{
	struct flow_packet packet = packet_of(protocol,
		strchr(remote, ':') ? "2001:db8::5" : "10.0.1.5", port, remote, remote_port);

	return vpc_rules_decide(rules, &packet, RECORD_EGRESS, time_ns);
}

#define IN(...)  in_at(rules, START, __VA_ARGS__)
#define OUT(...) out_at(rules, START, __VA_ARGS__)

#define assert_accept(verdict) assert_int_equal(verdict, RECORD_ACCEPT)
#define assert_reject(verdict) assert_int_equal(verdict, RECORD_REJECT)

static void no_rules_accept(void **state)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_new(1);

	assert_accept(IN(6, "192.0.2.1", 4000, 22));
	assert_accept(OUT(47, "192.0.2.1", 0, 0));
}

/* VPC guide, "Flow log record examples", "Security group and network ACL rules": a ping from
 * 203.0.113.12, ICMP allowed in and not out by the group. */
static void ping_as_aws_tells_it(void **state)
{
	static const struct {
		const char *groups, *acl;
		int request, reply;
	} cases[] = {
		/* "the security group is stateful": two ACCEPT records. */
		{GROUPS(PERMIT("icmp", -1, -1, "203.0.113.0/24"), ), DEFAULT_ACL, RECORD_ACCEPT,
			RECORD_ACCEPT},
		/* "If your network ACL denies outbound ICMP traffic": ACCEPT and REJECT. */
		{GROUPS(PERMIT("icmp", -1, -1, "203.0.113.0/24"), ),
			ACL(ENTRY(100, false, "allow", "-1", "0.0.0.0/0", ) "," ENTRY(90, true,
				"deny", "1", "0.0.0.0/0",
				", \"IcmpTypeCode\": {\"Type\": -1, \"Code\": -1}") "," ENTRY(100,
				true, "allow", "-1", "0.0.0.0/0", )),
			RECORD_ACCEPT, RECORD_REJECT},
		/* "If your security group denies inbound ICMP traffic": one REJECT. */
		{GROUPS(PERMIT("tcp", 22, 22, "203.0.113.0/24"), ), DEFAULT_ACL, RECORD_REJECT,
			RECORD_REJECT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_of(cases[i].groups);
		add_text(rules, cases[i].acl);
		struct flow_packet request = packet_of(1, "203.0.113.12", 0, "10.0.1.5", 0);
		struct flow_packet reply = packet_of(1, "10.0.1.5", 0, "203.0.113.12", 0);
		request.icmp_type = 8;
		assert_int_equal(
			vpc_rules_decide(rules, &request, RECORD_INGRESS, START), cases[i].request);
		assert_int_equal(vpc_rules_decide(rules, &reply, RECORD_EGRESS, START + SECOND),
			cases[i].reply);
	}
}

static void groups_are_stateful(void **state)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_of(
		GROUPS(PERMIT("tcp", 443, 443, "0.0.0.0/0"), PERMIT("udp", 53, 53, "10.0.0.2/32")));

	/* Before the request the reply is none. */
	assert_reject(OUT(6, "192.0.2.1", 4000, 443));
	assert_accept(IN(6, "192.0.2.1", 4000, 443));
	assert_accept(OUT(6, "192.0.2.1", 4000, 443));
	assert_accept(IN(6, "192.0.2.1", 4000, 443));
	/* Neither another port, protocol nor peer. */
	assert_reject(OUT(6, "192.0.2.1", 4001, 443));
	assert_reject(OUT(17, "192.0.2.1", 4000, 443));
	assert_reject(OUT(6, "192.0.2.2", 4000, 443));
	/* What the interface starts. */
	assert_reject(IN(17, "10.0.0.2", 53, 5353));
	assert_accept(OUT(17, "10.0.0.2", 53, 5353));
	assert_accept(IN(17, "10.0.0.2", 53, 5353));
	assert_reject(IN(17, "10.0.0.3", 53, 5353));
}

static void all_groups_apply(void **state)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_of(
		"{\"SecurityGroups\": ["
		"{\"GroupId\": \"sg-1\", \"IpPermissions\": [" PERMIT("tcp", 22, 22,
			"10.0.0.0/8") "], \"IpPermissionsEgress\": []}, "
				      "{\"GroupId\": \"sg-2\", \"IpPermissions\": [" PERMIT("tcp",
					      80, 80,
					      "0.0.0.0/0") "], \"IpPermissionsEgress\": []}]}");

	add_text(rules, GROUPS(PERMIT("tcp", 8000, 8010, "10.9.0.0/16"), ));
	assert_accept(IN(6, "10.0.0.9", 4000, 22));
	assert_reject(IN(6, "192.0.2.1", 4000, 22));
	assert_accept(IN(6, "192.0.2.1", 4000, 80));
	static const struct {
		uint16_t port;
		int verdict;
	} ports[] = {{7999, RECORD_REJECT}, {8000, RECORD_ACCEPT}, {8005, RECORD_ACCEPT},
		{8010, RECORD_ACCEPT}, {8011, RECORD_REJECT}};
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		assert_int_equal(IN(6, "10.9.3.4", 4000, ports[i].port), ports[i].verdict);
}

static void acl_entries_are_ordered(void **state)
{
	/* Not in the order of their numbers, as AWS prints them too. */
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_of(ACL(ENTRY(300, false, "allow",
		"6", "0.0.0.0/0", ", \"PortRange\": {\"From\": 0, \"To\": 65535}") "," ENTRY(32767,
		false, "deny", "-1", "0.0.0.0/0", ) "," ENTRY(100, false, "allow", "6",
		"192.0.2.7/32", ", \"PortRange\": {\"From\": 22, \"To\": 22}") "," ENTRY(200, false,
		"deny", "6", "192.0.2.0/24",
		", \"PortRange\": {\"From\": 20, \"To\": 30}") "," ENTRY(100, true, "allow", "6",
		"0.0.0.0/0", ", \"PortRange\": {\"From\": 1024, \"To\": 65535}")));

	assert_accept(IN(6, "192.0.2.7", 4000, 22));
	assert_reject(IN(6, "192.0.2.8", 4000, 22));
	assert_reject(IN(6, "192.0.2.7", 4000, 23));
	assert_accept(IN(6, "192.0.2.8", 4000, 80));
	assert_accept(IN(6, "198.51.100.1", 4000, 22));
	assert_reject(IN(17, "198.51.100.1", 4000, 22));
	/* Stateless: the reply goes by the ephemeral port. */
	assert_accept(OUT(6, "192.0.2.7", 4000, 22));
	assert_reject(OUT(6, "192.0.2.7", 1023, 22));
	/* What matches no entry. */
	assert_reject(OUT(17, "192.0.2.7", 4000, 22));
}

static void an_acl_keeps_connections_from_opening(void **state)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules =
		rules_of(GROUPS(PERMIT("tcp", 22, 22, "0.0.0.0/0"), ));

	add_text(rules, ACL(ENTRY(100, true, "allow", "-1", "0.0.0.0/0", )));
	assert_reject(IN(6, "192.0.2.1", 4000, 22));
	assert_reject(OUT(6, "192.0.2.1", 4000, 22));
}

static void ipv6_is_apart(void **state)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_of(GROUPS(
		"{\"IpProtocol\": \"tcp\", \"FromPort\": 22, \"ToPort\": 22, \"Ipv6Ranges\": "
		"[{\"CidrIpv6\": \"2001:db8:1::/48\"}]}, "
		"{\"IpProtocol\": \"udp\", \"FromPort\": 53, \"ToPort\": 53, \"Ipv6Ranges\": "
		"[{\"CidrIpv6\": \"::/0\"}]}, " PERMIT("tcp", 80, 80, "0.0.0.0/0"),
		ALLOW_ALL_OUT));

	assert_accept(IN(6, "2001:db8:1::9", 4000, 22));
	assert_reject(IN(6, "2001:db8:2::9", 4000, 22));
	assert_accept(IN(17, "2001:db8:2::9", 4000, 53));
	assert_reject(IN(17, "192.0.2.1", 4000, 53));
	assert_reject(IN(6, "2001:db8:1::9", 4000, 80));
	assert_accept(OUT(17, "192.0.2.1", 9, 9));
	assert_reject(OUT(17, "2001:db8:3::9", 9, 9));
	_cleanup_(vpc_rules_freep) struct vpc_rules *acl =
		rules_of(ACL("{\"RuleNumber\": 101, \"Egress\": false, \"RuleAction\": \"allow\", "
			     "\"Protocol\": \"-1\", \"Ipv6CidrBlock\": \"2001:db8::/32\"}, "
			     "{\"RuleNumber\": 32768, \"Egress\": false, \"RuleAction\": \"deny\", "
			     "\"Protocol\": \"-1\", \"Ipv6CidrBlock\": \"::/0\"}"));
	assert_accept(in_at(acl, START, 50, "2001:db8:1::9", 0, 0));
	assert_reject(in_at(acl, START, 50, "2001:db9:1::9", 0, 0));
	assert_reject(in_at(acl, START, 50, "192.0.2.1", 0, 0));
}

static int icmp(
	struct vpc_rules *rules, int direction, uint8_t protocol, uint8_t type, uint8_t code)
{
	const char *peer = protocol == 58 ? "2001:db8:9::1" : "192.0.2.1";
	const char *own = protocol == 58 ? "2001:db8::5" : "10.0.1.5";
	bool in = direction == RECORD_INGRESS;
	struct flow_packet packet = packet_of(protocol, in ? peer : own, 0, in ? own : peer, 0);

	packet.icmp_type = type;
	packet.icmp_code = code;
	return vpc_rules_decide(rules, &packet, direction, START);
}

static void icmp_types_and_codes(void **state)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_of(GROUPS(
		PERMIT("icmp", 3, 4, "0.0.0.0/0") "," PERMIT("icmp", 11, -1,
			"0.0.0.0/0") ","
				     "{\"IpProtocol\": \"icmpv6\", \"Ipv6Ranges\": [{\"CidrIpv6\": "
				     "\"2001:db8:9::/64\"}]}",
		PERMIT("icmp", 8, -1, "0.0.0.0/0")));

	assert_accept(icmp(rules, RECORD_INGRESS, 1, 3, 4));
	assert_reject(icmp(rules, RECORD_INGRESS, 1, 3, 3));
	assert_accept(icmp(rules, RECORD_INGRESS, 1, 11, 0));
	assert_accept(icmp(rules, RECORD_INGRESS, 1, 11, 1));
	assert_reject(icmp(rules, RECORD_INGRESS, 1, 8, 0));
	/* A request and its reply, and not the other way round. */
	assert_reject(icmp(rules, RECORD_INGRESS, 1, 0, 0));
	assert_accept(icmp(rules, RECORD_EGRESS, 1, 8, 0));
	assert_accept(icmp(rules, RECORD_INGRESS, 1, 0, 0));
	assert_reject(icmp(rules, RECORD_INGRESS, 1, 8, 0));
	assert_reject(icmp(rules, RECORD_INGRESS, 1, 14, 0));
	/* ICMPv6 without types is all types. */
	assert_accept(icmp(rules, RECORD_INGRESS, 58, 135, 0));
	assert_reject(icmp(rules, RECORD_EGRESS, 58, 136, 0));
	assert_accept(icmp(rules, RECORD_INGRESS, 58, 128, 0));
	assert_accept(icmp(rules, RECORD_EGRESS, 58, 129, 0));

	_cleanup_(
		vpc_rules_freep) struct vpc_rules *acl = rules_of(ACL(ENTRY(1, false, "allow", "1",
		"0.0.0.0/0", ", \"IcmpTypeCode\": {\"Type\": 8, \"Code\": 0}") "," ENTRY(2, true,
		"allow", "1", "0.0.0.0/0", ", \"IcmpTypeCode\": {\"Type\": 0, \"Code\": -1}")));
	assert_accept(icmp(acl, RECORD_INGRESS, 1, 8, 0));
	assert_reject(icmp(acl, RECORD_INGRESS, 1, 8, 1));
	assert_reject(icmp(acl, RECORD_INGRESS, 1, 0, 0));
	assert_accept(icmp(acl, RECORD_EGRESS, 1, 0, 7));
	assert_reject(icmp(acl, RECORD_EGRESS, 1, 8, 0));
}

static uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* A packet of LINKTYPE_RAW, from hexadecimal digits with spaces between. */
static int decide_raw(struct vpc_rules *rules, int direction, const char *hex, size_t cut)
{
	uint8_t bytes[256];
	uint32_t n = 0;
	struct flow_packet packet;

	for (; *hex; hex += 2) {
		if (*hex == ' ')
			hex++;
		bytes[n++] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
	}
	assert_int_equal(flow_packet_decode(101, bytes, n - (uint32_t)cut, n, &packet), 0);
	return vpc_rules_decide(rules, &packet, direction, START);
}

/* 10.0.1.5 port 4000 to 192.0.2.1 port 53, as quoted by an error of a router, 198.51.100.1. */
#define UDP_QUOTE                                                                                  \
	"4500001c 00000000 40110000 0a000105 c0000201 "                                            \
	"0fa00035 00080000"
#define FROM_ROUTER "45000038 00000000 40010000 c6336401 0a000105 "

static void errors_go_with_their_connection(void **state)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_of(GROUPS(, ALLOW_ALL_OUT
		", "
		"{\"IpProtocol\": \"-1\", \"Ipv6Ranges\": [{\"CidrIpv6\": \"::/0\"}]}"));
	static const char unreachable[] = FROM_ROUTER "03010000 00000000 " UDP_QUOTE;
	static const char time_exceeded[] = FROM_ROUTER "0b000000 00000000 " UDP_QUOTE;

	assert_reject(decide_raw(rules, RECORD_INGRESS, unreachable, 0));
	assert_accept(OUT(17, "192.0.2.1", 53, 4000));
	assert_accept(decide_raw(rules, RECORD_INGRESS, unreachable, 0));
	assert_accept(decide_raw(rules, RECORD_INGRESS, time_exceeded, 0));
	/* Four bytes of UDP are enough, three are not. */
	assert_accept(decide_raw(rules, RECORD_INGRESS, unreachable, 4));
	assert_reject(decide_raw(rules, RECORD_INGRESS, unreachable, 5));
	/* Of another port; about a packet of another host; a later fragment; not an error. */
	assert_reject(decide_raw(rules, RECORD_INGRESS,
		FROM_ROUTER "03010000 00000000 4500001c 00000000 40110000 0a000105 c0000201 "
			    "0fa10035 00080000",
		0));
	assert_reject(decide_raw(rules, RECORD_INGRESS,
		FROM_ROUTER "03010000 00000000 4500001c 00000000 40110000 0a000106 c0000201 "
			    "0fa00035 00080000",
		0));
	assert_reject(decide_raw(rules, RECORD_INGRESS,
		FROM_ROUTER "03010000 00000000 4500001c 00000001 40110000 0a000105 c0000201 "
			    "0fa00035 00080000",
		0));
	assert_reject(
		decide_raw(rules, RECORD_INGRESS, FROM_ROUTER "09000000 00000000 " UDP_QUOTE, 0));
	/* Packet too big, about TCP to 2001:db8:9::1 port 443. */
	static const char too_big[] = "60000000 00443a40 20010db8 00070000 00000000 00000001 "
				      "20010db8 00000000 00000000 00000005 02000000 00000500 "
				      "60000000 00140640 20010db8 00000000 00000000 00000005 "
				      "20010db8 00090000 00000000 00000001 "
				      "0fa001bb 00000000 00000000 50020000 00000000";
	assert_reject(decide_raw(rules, RECORD_INGRESS, too_big, 0));
	assert_accept(OUT(6, "2001:db8:9::1", 443, 4000));
	assert_accept(decide_raw(rules, RECORD_INGRESS, too_big, 0));
	/* A traceroute by ping. */
	static const char echo_expired[] = FROM_ROUTER
		"0b000000 00000000 4500001c 00000000 01010000 0a000105 c0000201 08000000 00010001";
	assert_reject(decide_raw(rules, RECORD_INGRESS, echo_expired, 0));
	assert_accept(icmp(rules, RECORD_EGRESS, 1, 8, 0));
	assert_accept(decide_raw(rules, RECORD_INGRESS, echo_expired, 0));
}

static void protocol_numbers(void **state)
{
	/* Ports of protocols that are not TCP or UDP mean nothing. */
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_of(GROUPS(
		PERMIT("50", 7, 8, "0.0.0.0/0") ", " PERMIT("6", 22, 22,
			"0.0.0.0/0") ", "
				     "{\"IpProtocol\": \"132\", \"IpRanges\": [{\"CidrIp\": \"10.0.0.0/8\"}]}", ));

	assert_accept(IN(50, "192.0.2.1", 0, 0));
	assert_reject(IN(51, "192.0.2.1", 0, 0));
	assert_accept(IN(6, "192.0.2.1", 4000, 22));
	assert_reject(IN(6, "192.0.2.1", 4000, 23));
	assert_accept(IN(132, "10.1.1.1", 4000, 9));
	/* Other protocols are tracked by addresses alone. */
	assert_accept(OUT(132, "10.1.1.1", 1, 2));
	assert_reject(OUT(47, "10.1.1.1", 0, 0));
}

/* EC2 guide, "Security group connection tracking". */
static void connections_idle_out(void **state)
{
	static const struct {
		uint8_t protocol;
		int64_t idle;
	} cases[] = {{6, 432000}, {17, 30}, {50, 600}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(vpc_rules_freep) struct vpc_rules *rules =
			rules_of(GROUPS(, ALLOW_ALL_OUT));
		uint8_t protocol = cases[i].protocol;
		int64_t time = START;
		assert_accept(out_at(rules, time, protocol, "192.0.2.1", 7, 4000));
		time += cases[i].idle * SECOND;
		assert_accept(in_at(rules, time, protocol, "192.0.2.1", 7, 4000));
		time += cases[i].idle * SECOND + SECOND;
		assert_reject(in_at(rules, time, protocol, "192.0.2.1", 7, 4000));
		/* And a new one of the same key. */
		assert_accept(out_at(rules, time, protocol, "192.0.2.1", 7, 4000));
		assert_accept(in_at(rules, time, protocol, "192.0.2.1", 7, 4000));
		/* A capture of another year is not its continuation. */
		assert_reject(in_at(rules, time - INT64_C(365) * 86400 * SECOND, protocol,
			"192.0.2.1", 7, 4000));
	}
}

static void udp_streams_last_longer(void **state)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_of(GROUPS(, ALLOW_ALL_OUT));
	int64_t time = START;

	/* One request and one response, with repetitions: still 30 s. */
	for (int i = 0; i < 3; i++)
		assert_accept(out_at(rules, time, 17, "192.0.2.1", 53, 4000));
	assert_accept(in_at(rules, time, 17, "192.0.2.1", 53, 4000));
	assert_reject(in_at(rules, time + 31 * SECOND, 17, "192.0.2.1", 53, 4000));
	/* Two of them: 180 s. */
	for (int i = 0; i < 2; i++) {
		assert_accept(out_at(rules, time, 17, "192.0.2.1", 53, 4001));
		assert_accept(in_at(rules, time, 17, "192.0.2.1", 53, 4001));
	}
	assert_accept(in_at(rules, time + 180 * SECOND, 17, "192.0.2.1", 53, 4001));
	assert_reject(in_at(rules, time + 361 * SECOND, 17, "192.0.2.1", 53, 4001));
}

static void the_idlest_connection_goes_first(void **state)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_new(3);

	add_text(rules, GROUPS(, ALLOW_ALL_OUT));
	for (uint16_t port = 1; port <= 3; port++)
		assert_accept(OUT(6, "192.0.2.1", 80, port));
	assert_accept(IN(6, "192.0.2.1", 80, 1));
	assert_accept(OUT(6, "192.0.2.1", 80, 4));
	assert_accept(IN(6, "192.0.2.1", 80, 1));
	assert_reject(IN(6, "192.0.2.1", 80, 2));
	assert_accept(IN(6, "192.0.2.1", 80, 3));
	assert_accept(IN(6, "192.0.2.1", 80, 4));
	/* Many times round. */
	for (uint32_t i = 0; i < 50000; i++) {
		assert_accept(OUT(6, "192.0.2.2", (uint16_t)i, (uint16_t)(i * 7)));
		assert_accept(IN(6, "192.0.2.2", (uint16_t)i, (uint16_t)(i * 7)));
	}
	assert_reject(IN(6, "192.0.2.1", 80, 4));
}

struct bad {
	const char *text, *message;
};

static void assert_bad(const struct bad *bad)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_new(10);
	struct err err = ERR_INIT;

	add_text(rules, GROUPS(PERMIT("tcp", 22, 22, "0.0.0.0/0"), ));
	assert_true(vpc_rules_load_text(rules, str_from(bad->text), "rules.json", &err) < 0);
	assert_string_equal(err.message, bad->message);
	/* And nothing of it stays. */
	assert_accept(IN(6, "192.0.2.1", 4000, 22));
	assert_reject(IN(6, "192.0.2.1", 4000, 23));
	assert_reject(OUT(6, "192.0.2.9", 4000, 9));
}

static void bad_files_are_told(void **state)
{
	static const struct bad bad[] = {
		{"[]", "rules.json: no security group and no network ACL in it"},
		{"{\"Vpcs\": []}", "rules.json: no security group and no network ACL in it"},
		{"{\"SecurityGroups\": []}",
			"rules.json: no security group and no network ACL in it"},
		{"{\"SecurityGroups\": {}}",
			"rules.json: SecurityGroups is an object, expected a list"},
		{"{\"NetworkAcls\": 7}", "rules.json: NetworkAcls is an integer, expected a list"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_bad(&bad[i]);
}

#define IN_GROUP "rules.json: SecurityGroups[0] (sg-1)"

/* Where and why are the JSON library's words. */
static void what_is_not_json_is_told(void **state)
{
	static const struct bad bad[] = {
		{"", "rules.json:1:0: not JSON: "},
		{"{\n\"SecurityGroups\": [", "rules.json:2:19: not JSON: "},
		{"{\"SecurityGroups\": [], \"SecurityGroups\": []}", "duplicate object key"},
		{"{\"SecurityGroups\": [\"\xff\"]}", "not JSON: "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_new(10);
		struct err err = ERR_INIT;
		assert_true(
			vpc_rules_load_text(rules, str_from(bad[i].text), "rules.json", &err) < 0);
		assert_non_null(strstr(err.message, bad[i].message));
	}
}

static void bad_groups_are_told(void **state)
{
	static const struct bad bad[] = {
		{"{\"SecurityGroups\": [7]}",
			"rules.json: SecurityGroups[0]: an integer, expected an object"},
		{"{\"SecurityGroups\": [{\"GroupId\": \"sg-1\", \"IpPermissions\": []}]}",
			IN_GROUP ": IpPermissionsEgress: missing"},
		{"{\"SecurityGroups\": [{\"GroupId\": \"sg-\\u001b[1m\", \"IpPermissions\": 1}]}",
			"rules.json: SecurityGroups[0] (sg-?[1m): IpPermissions: an integer, "
			"expected a list"},
		{GROUPS("7", ), IN_GROUP ": IpPermissions[0]: an integer, expected an object"},
		{GROUPS(ALLOW_ALL_OUT ", {}", ), IN_GROUP ": IpPermissions[1].IpProtocol: missing"},
		{GROUPS(, "{\"IpProtocol\": 6}"), IN_GROUP
			": IpPermissionsEgress[0].IpProtocol: an integer, expected a string"},
		{GROUPS("{\"IpProtocol\": \"tpc\"}", ), IN_GROUP
			": IpPermissions[0].IpProtocol: \"tpc\", expected -1, tcp, udp, icmp, "
			"icmpv6 or a number up to 255"},
		{GROUPS("{\"IpProtocol\": \"256\"}", ), IN_GROUP
			": IpPermissions[0].IpProtocol: \"256\", expected -1, tcp, udp, icmp, "
			"icmpv6 or a number up to 255"},
		{GROUPS("{\"IpProtocol\": \"tcp\", \"ToPort\": 1}", ),
			IN_GROUP ": IpPermissions[0].FromPort: missing"},
		{GROUPS("{\"IpProtocol\": \"tcp\", \"FromPort\": 80.5, \"ToPort\": 1}", ), IN_GROUP
			": IpPermissions[0].FromPort: a number with a fraction, expected an "
			"integer"},
		{GROUPS(PERMIT("udp", 1, 65536, "0.0.0.0/0"), ),
			IN_GROUP ": IpPermissions[0].ToPort: 65536, expected 0 to 65535"},
		{GROUPS(PERMIT("tcp", 90, 80, "0.0.0.0/0"), ),
			IN_GROUP ": IpPermissions[0].FromPort: 90 is above ToPort 80"},
		{GROUPS(PERMIT("icmp", 256, 0, "0.0.0.0/0"), ),
			IN_GROUP ": IpPermissions[0].FromPort: 256, expected -1 to 255"},
		{GROUPS(PERMIT("icmp", 8, -2, "0.0.0.0/0"), ),
			IN_GROUP ": IpPermissions[0].ToPort: -2, expected -1 to 255"},
		{GROUPS(PERMIT("tcp", 1, 2, "10.0.0.0/33"), ), IN_GROUP
			": IpPermissions[0].IpRanges[0].CidrIp: \"10.0.0.0/33\", expected a "
			"range of IPv4 addresses like 10.0.0.0/8"},
		{GROUPS(PERMIT("tcp", 1, 2, "::/0"), ), IN_GROUP
			": IpPermissions[0].IpRanges[0].CidrIp: \"::/0\", expected a range of "
			"IPv4 addresses like 10.0.0.0/8"},
		{GROUPS("{\"IpProtocol\": \"-1\", \"Ipv6Ranges\": [{\"CidrIpv6\": \"::/0\"}, "
			"{\"CidrIpv6\": \"0.0.0.0/0\"}]}", ),
			IN_GROUP
			": IpPermissions[0].Ipv6Ranges[1].CidrIpv6: \"0.0.0.0/0\", expected a "
			"range of IPv6 addresses like 2001:db8::/32"},
		{GROUPS("{\"IpProtocol\": \"-1\", \"IpRanges\": [{}]}", ),
			IN_GROUP ": IpPermissions[0].IpRanges[0].CidrIp: missing"},
		{GROUPS("{\"IpProtocol\": \"-1\", \"IpRanges\": [7]}", ),
			IN_GROUP ": IpPermissions[0].IpRanges[0].CidrIp: missing"},
		{GROUPS("{\"IpProtocol\": \"-1\", \"IpRanges\": {}}", ),
			IN_GROUP ": IpPermissions[0].IpRanges: an object, expected a list"},
		{GROUPS(, "{\"IpProtocol\": \"-1\", \"UserIdGroupPairs\": [{\"GroupId\": "
			  "\"sg-2\", \"UserId\": \"123456789012\"}]}"),
			IN_GROUP
			": IpPermissionsEgress[0].UserIdGroupPairs: the members of security "
			"group sg-2 are not known here"},
		{GROUPS("{\"IpProtocol\": \"-1\", \"PrefixListIds\": [{\"PrefixListId\": "
			"\"pl-7\"}]}", ),
			IN_GROUP
			": IpPermissions[0].PrefixListIds: the entries of prefix list pl-7 "
			"are not known here"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_bad(&bad[i]);
}

#define IN_ACL "rules.json: NetworkAcls[0] (acl-1)"

static void bad_acls_are_told(void **state)
{
	static const struct bad bad[] = {
		{"{\"NetworkAcls\": [null]}",
			"rules.json: NetworkAcls[0]: null, expected an object"},
		{"{\"NetworkAcls\": [{}]}", "rules.json: NetworkAcls[0]: Entries: missing"},
		{ACL("[]"), IN_ACL ": Entries[0]: a list, expected an object"},
		{ACL(ENTRY(0, true, "allow", "-1", "0.0.0.0/0", )),
			IN_ACL ": Entries[0].RuleNumber: 0, expected 1 to 65535"},
		{ACL(ENTRY(1, true, "permit", "-1", "0.0.0.0/0", )),
			IN_ACL ": Entries[0].RuleAction: \"permit\", expected allow or deny"},
		{ACL(ENTRY(1, "true", "deny", "-1", "0.0.0.0/0", )),
			IN_ACL ": Entries[0].Egress: a string, expected a boolean"},
		{ACL(ENTRY(1, null, "deny", "-1", "0.0.0.0/0", )),
			IN_ACL ": Entries[0].Egress: missing, expected a boolean"},
		{ACL(ENTRY(1, true, "deny", "-1", "0.0.0.0/0", ", \"Ipv6CidrBlock\": \"::/0\"")),
			IN_ACL
			": Entries[0]: both CidrBlock and Ipv6CidrBlock, expected one of them"},
		{ACL("{\"RuleNumber\": 7, \"RuleAction\": \"allow\", \"Protocol\": \"-1\"}"),
			IN_ACL ": Entries[0]: neither CidrBlock and Ipv6CidrBlock, expected one of "
			       "them"},
		{ACL(ENTRY(1, true, "deny", "6", "0.0.0.0/0", )),
			IN_ACL ": Entries[0].PortRange: missing"},
		{ACL(ENTRY(1, true, "deny", "6", "0.0.0.0/0", ", \"PortRange\": {\"From\": 1}")),
			IN_ACL ": Entries[0].PortRange.To: missing"},
		{ACL(ENTRY(1, true, "deny", "17", "0.0.0.0/0",
			 ", \"PortRange\": {\"From\": -1, \"To\": 5}")),
			IN_ACL ": Entries[0].PortRange.From: -1, expected 0 to 65535"},
		{ACL(ENTRY(1, true, "deny", "1", "0.0.0.0/0", )),
			IN_ACL ": Entries[0].IcmpTypeCode: missing"},
		{ACL(ENTRY(1, true, "deny", "1", "0.0.0.0/0", ", \"IcmpTypeCode\": []")),
			IN_ACL ": Entries[0].IcmpTypeCode: a list, expected an object"},
		{ACL(ENTRY(1, true, "deny", "1", "0.0.0.0/0", ", \"IcmpTypeCode\": {\"Type\": 3}")),
			IN_ACL ": Entries[0].IcmpTypeCode.Code: missing"},
		{ACL(ENTRY(5, true, "deny", "-1", "10.0.0.0/8", ) "," ENTRY(5, false, "deny", "-1",
			 "10.0.0.0/8", ) "," ENTRY(5, true, "allow", "-1", "0.0.0.0/0", )),
			IN_ACL ": Entries: RuleNumber 5 twice for outgoing packets"},
		{"{\"NetworkAcls\": [{\"NetworkAclId\": \"acl-1\", \"Entries\": []}, "
		 "{\"NetworkAclId\": \"acl-2\", \"Entries\": [], \"IsDefault\": true}]}",
			"rules.json: acl-2 is a second network ACL beside acl-1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_bad(&bad[i]);
}

static void files_are_bounded(void **state)
{
	char path[] = "/tmp/nagare-rules-test-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = rules_new(10);
	struct err err = ERR_INIT;

	assert_true(fd >= 0);
	assert_true(vpc_rules_load(rules, path, &err) < 0);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.message, path));
	const char *text = DEFAULT_ACL;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(vpc_rules_load(rules, path, &err), 0);
	/* Twice the same is two. */
	assert_true(vpc_rules_load(rules, path, &err) < 0);
	assert_non_null(strstr(err.message, "acl-1 is a second network ACL beside acl-1"));
	assert_int_equal(ftruncate(fd, VPC_RULES_FILE_MAX + 1), 0);
	assert_true(vpc_rules_load(rules, path, &err) < 0);
	assert_non_null(strstr(err.message, "larger than"));
	unlink(path);
	assert_true(vpc_rules_load(rules, path, &err) < 0);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	/* As deep as it likes. */
	_cleanup_free_ char *deep = mem_new(100001, 1);
	memset(deep, '[', 100000);
	assert_true(vpc_rules_load_text(rules, str_from(deep), "deep", &err) < 0);
	assert_non_null(strstr(err.message, "maximum parsing depth"));
}

static void bad_options_are_refused(void **state)
{
	struct vpc_rules *rules = NULL;
	struct err err = ERR_INIT;

	assert_true(vpc_rules_new(&rules, 0, &err) < 0);
	assert_true(vpc_rules_new(&rules, VPC_RULES_CONNECTIONS_MAX + 1, &err) < 0);
	assert_int_equal(err.code, ERR_USAGE);
	assert_null(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rules_accept),
		cmocka_unit_test(ping_as_aws_tells_it),
		cmocka_unit_test(groups_are_stateful),
		cmocka_unit_test(all_groups_apply),
		cmocka_unit_test(acl_entries_are_ordered),
		cmocka_unit_test(an_acl_keeps_connections_from_opening),
		cmocka_unit_test(ipv6_is_apart),
		cmocka_unit_test(icmp_types_and_codes),
		cmocka_unit_test(errors_go_with_their_connection),
		cmocka_unit_test(protocol_numbers),
		cmocka_unit_test(connections_idle_out),
		cmocka_unit_test(udp_streams_last_longer),
		cmocka_unit_test(the_idlest_connection_goes_first),
		cmocka_unit_test(bad_files_are_told),
		cmocka_unit_test(what_is_not_json_is_told),
		cmocka_unit_test(bad_groups_are_told),
		cmocka_unit_test(bad_acls_are_told),
		cmocka_unit_test(files_are_bounded),
		cmocka_unit_test(bad_options_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
