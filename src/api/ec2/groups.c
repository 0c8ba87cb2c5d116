/* Security groups as EC2 shows them: an agent's permissions, those of the same protocol and ports
 * as one, and each range of each as a rule. */
#include "api/ec2/ec2_priv.h"

#include <stdio.h>

/* EC2 has names for four protocols. */
static const char *protocol_of(const json_t *permission)
{
	static const char *const names[][2] = {
		{"1", "icmp"}, {"6", "tcp"}, {"17", "udp"}, {"58", "icmpv6"}};
	const char *protocol = ec2_member(permission, "IpProtocol");

	for (size_t i = 0; protocol && i < ARRAY_SIZE(names); i++)
		if (strcmp(protocol, names[i][0]) == 0)
			return names[i][1];
	return protocol ? protocol : "-1";
}

static bool is_egress(const json_t *permission)
{
	return json_is_true(json_object_get(permission, "IsEgress"));
}

static json_t *port_of(const json_t *permission, const char *name)
{
	return json_object_get(permission, name);
}

static bool equal_ports(const json_t *a, const json_t *b)
{
	static const char *const names[] = {"FromPort", "ToPort"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const json_t *one = port_of(a, names[i]), *other = port_of(b, names[i]);
		if (!one != !other || (one && !json_equal(one, other)))
			return false;
	}
	return true;
}

/* Where the permission's ranges belong. */
static json_t *find_or_add(json_t *list, const json_t *permission)
{
	const char *protocol = protocol_of(permission);
	json_t *object;

	for (size_t i = 0; i < json_array_size(list); i++) {
		object = json_array_get(list, i);
		if (strcmp(ec2_member(object, "IpProtocol"), protocol) == 0 &&
			equal_ports(object, permission))
			return object;
	}
	object = json_pack("{s:s, s:[], s:[], s:[], s:[]}", "IpProtocol", protocol,
		"UserIdGroupPairs", "IpRanges", "Ipv6Ranges", "PrefixListIds");
	if (port_of(permission, "FromPort"))
		json_object_set(object, "FromPort", port_of(permission, "FromPort"));
	if (port_of(permission, "ToPort"))
		json_object_set(object, "ToPort", port_of(permission, "ToPort"));
	json_array_append_new(list, object);
	return object;
}

static void add_ranges(json_t *object, const json_t *permission, const char *from, const char *list,
	const char *member)
{
	const json_t *ranges = json_object_get(permission, from);
	const char *description = ec2_member(permission, "Description");

	for (size_t i = 0; i < json_array_size(ranges); i++)
		json_array_append_new(json_object_get(object, list),
			json_pack("{s:O, s:s*}", member, json_array_get(ranges, i), "Description",
				description && *description ? description : NULL));
}

static json_t *permissions(const json_t *told, bool egress)
{
	const json_t *all = json_object_get(told, "Permissions");
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *permission = json_array_get(all, i);
		if (is_egress(permission) != egress)
			continue;
		json_t *object = find_or_add(list, permission);
		add_ranges(object, permission, "Cidrs", "IpRanges", "CidrIp");
		add_ranges(object, permission, "Ipv6Cidrs", "Ipv6Ranges", "CidrIpv6");
	}
	return list;
}

json_t *ec2_group_tags(struct ec2 *ec2, const json_t *told)
{
	return ec2_tags(ec2, ec2_member(told, "GroupId"), NULL, NULL);
}

json_t *ec2_make_group(struct ec2 *ec2, const json_t *told)
{
	const char *id = ec2_member(told, "GroupId"),
		   *description = ec2_member(told, "Description");
	json_t *item = json_pack("{s:s, s:s*, s:s*, s:s, s:o}", "GroupId", id, "GroupName",
		ec2_member(told, "GroupName"), "VpcId", ec2_member(told, "VpcId"), "Description",
		description ? description : "", "OwnerId", ec2_account(ec2));

	ec2_set(item, "SecurityGroupArn",
		json_sprintf("arn:aws:ec2:%.*s:%.*s:security-group/%s", STR_ARG(ec2->region),
			STR_ARG(ec2->account), id));
	ec2_set(item, "IpPermissions", permissions(told, false));
	ec2_set(item, "IpPermissionsEgress", permissions(told, true));
	ec2_set(item, "Tags", ec2_group_tags(ec2, told));
	return item;
}

/* GroupName names groups of the default VPC in AWS; here of any. */
static int check_names(struct ec2 *ec2)
{
	const json_t *names = ec2_input(ec2, "GroupNames"),
		     *items = ec2_view(ec2, STORE_SECURITY_GROUP);

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		bool has = false;
		for (size_t j = 0; j < json_array_size(items) && !has; j++) {
			const char *there = ec2_member(json_array_get(items, j), "GroupName");
			has = there && strcmp(there, name) == 0;
		}
		if (!has)
			return ec2_refuse(ec2, AWS_ERROR_INVALID_GROUP_NOT_FOUND,
				"The security group '%.200s' does not exist", name);
	}
	return 0;
}

static bool is_named(const json_t *names, const json_t *item)
{
	const json_t *own = json_object_get(item, "GroupName");

	for (size_t i = 0; i < json_array_size(names); i++)
		if (json_equal(json_array_get(names, i), own))
			return true;
	return false;
}

/* After ec2_list: a page may be shorter for it, as AWS's may. */
static void keep_named(struct ec2 *ec2)
{
	const json_t *names = ec2_input(ec2, "GroupNames");
	json_t *items = json_object_get(ec2->output, "SecurityGroups");

	for (size_t i = json_array_size(items); json_array_size(names) && i-- > 0;)
		if (!is_named(names, json_array_get(items, i)))
			json_array_remove(items, i);
}

int ec2_describe_security_groups(struct ec2 *ec2)
{
	static const struct ec2_filter filters[] = {
		{"description", "Description"},
		{"egress.ip-permission.cidr", "IpPermissionsEgress.IpRanges.CidrIp"},
		{"egress.ip-permission.from-port", "IpPermissionsEgress.FromPort"},
		{"egress.ip-permission.group-id", "IpPermissionsEgress.UserIdGroupPairs.GroupId"},
		{"egress.ip-permission.ipv6-cidr", "IpPermissionsEgress.Ipv6Ranges.CidrIpv6"},
		{"egress.ip-permission.protocol", "IpPermissionsEgress.IpProtocol"},
		{"egress.ip-permission.to-port", "IpPermissionsEgress.ToPort"},
		{"group-id", "GroupId"},
		{"group-name", "GroupName"},
		{"ip-permission.cidr", "IpPermissions.IpRanges.CidrIp"},
		{"ip-permission.from-port", "IpPermissions.FromPort"},
		{"ip-permission.group-id", "IpPermissions.UserIdGroupPairs.GroupId"},
		{"ip-permission.ipv6-cidr", "IpPermissions.Ipv6Ranges.CidrIpv6"},
		{"ip-permission.protocol", "IpPermissions.IpProtocol"},
		{"ip-permission.to-port", "IpPermissions.ToPort"},
		{"owner-id", "OwnerId"},
		{"vpc-id", "VpcId", "VpcId"},
		{NULL},
	};
	static const struct ec2_listing listing = {
		EC2_SECURITY_GROUP, "SecurityGroups", "GroupIds", "Filters", filters, 5};

	if (check_names(ec2) < 0 || ec2_list(ec2, &listing) < 0)
		return -1;
	keep_named(ec2);
	return 0;
}

/* ---- rules ---- */

static json_t *rule_item(struct ec2 *ec2, const char *group, const json_t *permission,
	const char *member, const char *range)
{
	const char *protocol = protocol_of(permission),
		   *description = ec2_member(permission, "Description");
	const json_t *from = port_of(permission, "FromPort"), *to = port_of(permission, "ToPort");
	json_int_t from_port = from ? json_integer_value(from) : -1,
		   to_port = to ? json_integer_value(to) : -1;
	char id[EC2_ID_MAX];
	_cleanup_free_ char *text = mem_printf("%s %d %s %lld %lld %s", group,
		is_egress(permission), protocol, (long long)from_port, (long long)to_port, range);

	ec2_derive_id(id, "sgr-", text);
	json_t *item = json_pack("{s:s, s:s, s:o, s:b, s:s, s:I, s:I, s:s, s:s*}",
		"SecurityGroupRuleId", id, "GroupId", group, "GroupOwnerId", ec2_account(ec2),
		"IsEgress", is_egress(permission), "IpProtocol", protocol, "FromPort", from_port,
		"ToPort", to_port, member, range, "Description",
		description && *description ? description : NULL);
	ec2_set(item, "SecurityGroupRuleArn",
		json_sprintf("arn:aws:ec2:%.*s:%.*s:security-group-rule/%s", STR_ARG(ec2->region),
			STR_ARG(ec2->account), id));
	return item;
}

/* By id: of two that are the same there is one. */
static void add_rules(struct ec2 *ec2, json_t *rules, const char *group, const json_t *permission)
{
	static const char *const lists[][2] = {{"Cidrs", "CidrIpv4"}, {"Ipv6Cidrs", "CidrIpv6"}};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const json_t *ranges = json_object_get(permission, lists[i][0]);
		for (size_t j = 0; j < json_array_size(ranges); j++) {
			json_t *item = rule_item(ec2, group, permission, lists[i][1],
				json_string_value(json_array_get(ranges, j)));
			json_object_set_new(rules, ec2_member(item, "SecurityGroupRuleId"), item);
		}
	}
}

static json_t *make_rules(struct ec2 *ec2)
{
	const json_t *view = ec2_view(ec2, STORE_SECURITY_GROUP);
	json_t *rules = json_object(), *list = json_array(), *rule;
	const char *id;

	for (size_t i = 0; i < json_array_size(view); i++) {
		const json_t *told = json_array_get(view, i),
			     *all = json_object_get(told, "Permissions");
		for (size_t j = 0; j < json_array_size(all); j++)
			add_rules(ec2, rules, ec2_member(told, "GroupId"), json_array_get(all, j));
	}
	json_object_foreach(rules, id, rule) json_array_append(list, rule);
	json_decref(rules);
	return ec2_sorted(list, "SecurityGroupRuleId");
}

const json_t *ec2_rules(struct ec2 *ec2)
{
	if (!ec2->rules)
		ec2->rules = make_rules(ec2);
	return ec2->rules;
}

json_t *ec2_rule_tags(struct ec2 *ec2, const json_t *told)
{
	return ec2_tags(ec2, ec2_member(told, "SecurityGroupRuleId"), NULL, NULL);
}

json_t *ec2_make_rule(struct ec2 *ec2, const json_t *told)
{
	json_t *item = json_copy((json_t *)told);

	ec2_set(item, "Tags", ec2_rule_tags(ec2, told));
	return item;
}

int ec2_describe_security_group_rules(struct ec2 *ec2)
{
	static const struct ec2_filter filters[] = {
		{"group-id", "GroupId"},
		{"security-group-rule-id", "SecurityGroupRuleId"},
		{NULL},
	};
	static const struct ec2_listing listing = {EC2_SECURITY_GROUP_RULE, "SecurityGroupRules",
		"SecurityGroupRuleIds", "Filters", filters, 5};

	return ec2_list(ec2, &listing);
}
