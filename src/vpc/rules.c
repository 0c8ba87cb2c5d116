/* Groups and the NACL are judged apart, and a packet needs both. Order does not matter for the
 * verdict: coming in the NACL is first, going out the groups are, and either one's no is a no. */
#include "vpc/rules.h"

#include "record/record.h"
#include "vpc/rules_priv.h"

#include <assert.h>

int vpc_rules_new(struct vpc_rules **ret_rules, size_t max_connections, struct err *err)
{
	_cleanup_(vpc_rules_freep) struct vpc_rules *rules = mem_new(1, sizeof(*rules));

	if (max_connections < 1 || max_connections > VPC_RULES_CONNECTIONS_MAX)
		return err_set(err, ERR_USAGE, "%zu connections, from 1 to %zu are possible",
			max_connections, VPC_RULES_CONNECTIONS_MAX);
	if (vpc_connections_init(&rules->connections, max_connections, err) < 0)
		return -1;
	*ret_rules = take(rules);
	return 0;
}

void vpc_rules_free(struct vpc_rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rules->groups); i++) {
		free(rules->groups[i].rules);
		free(rules->acl_entries[i].rules);
	}
	vpc_connections_done(&rules->connections);
	free(rules->acl);
	free(rules);
}

void rule_list_add(struct rule_list *list, const struct rule *rule)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 16;
		list->rules = mem_grow(list->rules, list->capacity, sizeof(*list->rules));
	}
	list->rules[list->count++] = *rule;
}

static bool rule_matches(
	const struct rule *rule, const struct flow_packet *packet, const struct ip_addr *remote)
{
	if (rule->ip_version != packet->ip_version)
		return false;
	if (rule->protocol != RULE_ANY && rule->protocol != packet->protocol)
		return false;
	if (!ip_prefix_contains(&rule->remote, remote))
		return false;
	switch (rule->protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
		return packet->dst_port >= rule->port_from && packet->dst_port <= rule->port_to;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		return (rule->icmp_type == RULE_ANY || rule->icmp_type == packet->icmp_type) &&
		       (rule->icmp_code == RULE_ANY || rule->icmp_code == packet->icmp_code);
	default:
		return true;
	}
}

/* The first rule that matches, or NULL. */
static const struct rule *find_rule(const struct rule_list *list, const struct flow_packet *packet,
	const struct ip_addr *remote)
{
	for (size_t i = 0; i < list->count; i++) {
		if (rule_matches(&list->rules[i], packet, remote))
			return &list->rules[i];
	}
	return NULL;
}

/* An ICMP error about a packet of a connection goes with the connection; it does not keep it. */
static bool answers_connection(
	struct vpc_rules *rules, const struct flow_packet *packet, int64_t time_ns)
{
	struct vpc_connection_key key;
	const struct flow_packet quoted = {
		.src = packet->dst,
		.dst = packet->quoted_dst,
		.src_port = packet->quoted_src_port,
		.dst_port = packet->quoted_dst_port,
		.protocol = packet->quoted_protocol,
		.icmp_type = packet->quoted_icmp_type,
		.ip_version = packet->ip_version,
	};

	return packet->quoted && vpc_connection_key_of(&quoted, &key) != VPC_CONNECTION_NONE &&
	       vpc_connections_find(&rules->connections, &key, time_ns);
}

int vpc_rules_decide(
	struct vpc_rules *rules, const struct flow_packet *packet, int direction, int64_t time_ns)
{
	struct vpc_connection_key key;
	enum vpc_connection_role role = VPC_CONNECTION_NONE;
	struct vpc_connection *connection = NULL;

	if (direction != RECORD_INGRESS && direction != RECORD_EGRESS)
		return RECORD_ACCEPT;
	const struct ip_addr *remote = direction == RECORD_INGRESS ? &packet->src : &packet->dst;
	if (rules->acl) {
		const struct rule *entry =
			find_rule(&rules->acl_entries[direction], packet, remote);
		if (!entry || !entry->allow)
			return RECORD_REJECT;
	}
	if (!rules->has_groups)
		return RECORD_ACCEPT;
	role = vpc_connection_key_of(packet, &key);
	if (role != VPC_CONNECTION_NONE)
		connection = vpc_connections_find(&rules->connections, &key, time_ns);
	if (connection) {
		vpc_connections_use(&rules->connections, connection, role, time_ns);
		return RECORD_ACCEPT;
	}
	if (answers_connection(rules, packet, time_ns))
		return RECORD_ACCEPT;
	if (!find_rule(&rules->groups[direction], packet, remote))
		return RECORD_REJECT;
	/* A reply to a request that was not seen opens nothing. */
	bool icmp = packet->protocol == PROTOCOL_ICMP || packet->protocol == PROTOCOL_ICMPV6;
	if (role == VPC_CONNECTION_A || (role == VPC_CONNECTION_B && !icmp))
		vpc_connections_add(&rules->connections, &key, role, time_ns);
	return RECORD_ACCEPT;
}
