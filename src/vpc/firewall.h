/* firewall: the host's nftables rules as the permissions of a security group, as far as they can
 * be. A security group accepts and nothing else, so what is rendered is this: of the base chains of
 * the hooks input and output, one whose policy (or last rule) drops gives a permission for each
 * rule that accepts by protocol, ports and the other side's addresses (sets and jumps followed);
 * one that accepts by itself gives "everything". Replies need no rule there: rules on ct state
 * established are left out. Rules that cannot be put so are counted, and the description of the
 * group says it. Of an interface (iif, iifname, oif, oifname) only its own rules are taken. Source:
 * libnftables-json(5). The rules are read by libnftables, in this process and name space, when it
 * is there; needs CAP_NET_ADMIN. Blocks on the kernel, milliseconds a thousand rules. */
#pragma once

#include "base/err.h"
#include "base/ip.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define VPC_FIREWALL_CIDR_SIZE       (IP_STR_MAX + 4)
#define VPC_FIREWALL_PERMISSIONS_MAX 60 /* EC2's limit of rules each way, so about as many */

struct vpc_permission {
	bool is_egress;
	int protocol;           /* -1: all */
	int from_port, to_port; /* -1: all; ICMP: type and code */
	char (*cidrs)[VPC_FIREWALL_CIDR_SIZE];
	size_t cidr_count;
};

struct vpc_permissions {
	struct vpc_permission *permission;
	size_t count;
	size_t unrendered; /* rules that are more than this says */
};

/* `nft -j list ruleset` of this name space; NULL without an error where there is no libnftables. */
int vpc_firewall_read(json_t **ret_rules, struct err *err);
/* Both directions of this interface. rules NULL: everything is allowed. */
void vpc_firewall_render(
	const json_t *rules, const char *interface, struct vpc_permissions *ret_permissions);
void vpc_permissions_done(struct vpc_permissions *permissions);
bool vpc_permissions_equal(const struct vpc_permissions *a, const struct vpc_permissions *b);
