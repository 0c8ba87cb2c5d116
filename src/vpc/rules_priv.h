/* rules: the inside of them, what rules_json.c reads and rules.c decides by. */
#pragma once

#include "base/ip.h"
#include "vpc/connections_priv.h"
#include "vpc/rules.h"

enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMPV6 = 58 };

#define RULE_ANY (-1)

/* One address range of one group permission, or one NACL entry. */
struct rule {
	struct ip_prefix remote; /* source of what comes in, destination of what goes out */
	uint8_t ip_version;      /* 4 or 6: whose packets it is for */
	bool allow;
	int16_t protocol;             /* or RULE_ANY */
	int16_t icmp_type, icmp_code; /* or RULE_ANY; for ICMP and ICMPv6 */
	uint16_t port_from, port_to;  /* destination; for TCP and UDP */
	uint32_t number;              /* of a NACL entry */
};

struct rule_list {
	struct rule *rules;
	size_t count, capacity;
};

/* Rules that apply to one direction each, indexed by enum record_direction. */
struct vpc_rules {
	bool has_groups;
	struct rule_list groups[2];
	char *acl;                       /* what to call it in messages; NULL: none */
	struct rule_list acl_entries[2]; /* sorted by number */
	struct vpc_connections connections;
};

void rule_list_add(struct rule_list *list, const struct rule *rule);
