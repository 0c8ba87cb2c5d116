/* The shapes are those of botocore's model of EC2 (2016-11-15): DescribeSecurityGroupsResult and
 * DescribeNetworkAclsResult. What does not bear on a verdict is skipped; what does and cannot be
 * understood is an error, for a rule left out would give a wrong verdict in silence. */
#include "vpc/rules_priv.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/number.h"
#include "record/record.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#define ACL_NUMBER_MAX 65535 /* 32767 and up are AWS's own: the '*' entries */

/* Where in the file we are, for messages. */
struct place {
	const char *file;
	const char *list; /* SecurityGroups, NetworkAcls */
	size_t item;
	const char *id;
	const char *entries; /* IpPermissions, ...; NULL: the item itself */
	size_t entry;
	struct err *err;
};

/* Text of the file, so that it cannot play with the terminal. */
static const char *printable(char *into, size_t room, const char *text)
{
	size_t n = 0;

	for (; *text && n + 1 < room; text++)
		into[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
	into[n] = '\0';
	return into;
}

static int fail(const struct place *place, const char *field, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct place *place, const char *field, const char *format, ...)
{
	_cleanup_buf_ struct buf where = {0};
	char id[64], what[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	buf_printf(&where, "%s[%zu]", place->list, place->item);
	if (place->id)
		buf_printf(&where, " (%s)", printable(id, sizeof(id), place->id));
	if (place->entries)
		buf_printf(&where, ": %s[%zu]", place->entries, place->entry);
	if (field)
		buf_printf(&where, "%s%s", place->entries ? "." : ": ", field);
	return err_set(place->err, ERR_INPUT, "%s: %s: %s", place->file, buf_text(&where), what);
}

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	default:
		return "null";
	}
}

/* A member, or NULL when it is not there or null. */
static json_t *get(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

/* A member that is a list; NULL and 0 when it is not there. */
static int get_list(
	const struct place *place, const json_t *object, const char *name, json_t **ret_list)
{
	*ret_list = get(object, name);
	if (*ret_list && !json_is_array(*ret_list))
		return fail(place, name, "%s, expected a list", type_name(*ret_list));
	return 0;
}

static int get_text(
	const struct place *place, const json_t *object, const char *name, const char **ret_text)
{
	const json_t *value = get(object, name);

	if (!value)
		return fail(place, name, "missing");
	if (!json_is_string(value))
		return fail(place, name, "%s, expected a string", type_name(value));
	*ret_text = json_string_value(value);
	return 0;
}

/* missing: what to take when it is not there; INT64_MIN: that is an error. path: with the names of
 * the objects around it. */
static int get_integer(const struct place *place, const json_t *object, const char *name,
	const char *path, int64_t min, int64_t max, int64_t missing, int64_t *ret_value)
{
	const json_t *value = get(object, name);

	if (!value && missing == INT64_MIN)
		return fail(place, path, "missing");
	if (!value) {
		*ret_value = missing;
		return 0;
	}
	if (!json_is_integer(value))
		return fail(place, path, "%s, expected an integer", type_name(value));
	int64_t number = json_integer_value(value);
	if (number < min || number > max)
		return fail(place, path, "%" PRId64 ", expected %" PRId64 " to %" PRId64, number,
			min, max);
	*ret_value = number;
	return 0;
}

static int get_protocol(
	const struct place *place, const json_t *object, const char *name, int16_t *ret_protocol)
{
	static const struct {
		const char *name;
		int16_t number;
	} names[] = {{"-1", RULE_ANY}, {"all", RULE_ANY}, {"tcp", PROTOCOL_TCP},
		{"udp", PROTOCOL_UDP}, {"icmp", PROTOCOL_ICMP}, {"icmpv6", PROTOCOL_ICMPV6}};
	char shown[32];
	const char *text = "";
	uint64_t number;

	if (get_text(place, object, name, &text) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_equal_ignoring_case(str_from(text), str_from(names[i].name))) {
			*ret_protocol = names[i].number;
			return 0;
		}
	}
	if (!number_parse(str_from(text), 255, &number))
		return fail(place, name,
			"\"%s\", expected -1, tcp, udp, icmp, icmpv6 or a number up to 255",
			printable(shown, sizeof(shown), text));
	*ret_protocol = (int16_t)number;
	return 0;
}

static int get_prefix(const struct place *place, const json_t *object, const char *name,
	const char *path, uint8_t ip_version, struct rule *rule)
{
	char shown[64];
	const json_t *value = get(object, name);

	if (!value)
		return fail(place, path, "missing");
	if (!json_is_string(value))
		return fail(place, path, "%s, expected a string", type_name(value));
	const char *text = json_string_value(value);
	if ((strchr(text, ':') != NULL) != (ip_version == 6) ||
		!ip_prefix_parse(str_from(text), &rule->remote))
		return fail(place, path, "\"%s\", expected a range of IPv%u addresses like %s",
			printable(shown, sizeof(shown), text), ip_version,
			ip_version == 6 ? "2001:db8::/32" : "10.0.0.0/8");
	rule->ip_version = ip_version;
	return 0;
}

static bool has_ports(int16_t protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;
}

static bool is_icmp(int16_t protocol)
{
	return protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6;
}

static int get_ports(const struct place *place, const json_t *object, const char *const names[2],
	const char *const paths[2], struct rule *rule)
{
	int64_t from = 0, to = 0;

	if (get_integer(place, object, names[0], paths[0], 0, 65535, INT64_MIN, &from) < 0 ||
		get_integer(place, object, names[1], paths[1], 0, 65535, INT64_MIN, &to) < 0)
		return -1;
	if (from > to)
		return fail(
			place, paths[0], "%" PRId64 " is above %s %" PRId64, from, paths[1], to);
	rule->port_from = (uint16_t)from;
	rule->port_to = (uint16_t)to;
	return 0;
}

static int get_icmp(const struct place *place, const json_t *object, const char *const names[2],
	const char *const paths[2], int64_t missing, struct rule *rule)
{
	int64_t type = 0, code = 0;

	if (get_integer(place, object, names[0], paths[0], -1, 255, missing, &type) < 0 ||
		get_integer(place, object, names[1], paths[1], -1, 255, missing, &code) < 0)
		return -1;
	rule->icmp_type = (int16_t)type;
	/* A code says nothing without its type. */
	rule->icmp_code = (int16_t)(type == RULE_ANY ? RULE_ANY : code);
	return 0;
}

/* security groups */

static int refuse_references(const struct place *place, const json_t *permission)
{
	static const struct {
		const char *list, *id, *what;
	} references[] = {{"UserIdGroupPairs", "GroupId", "members of security group"},
		{"PrefixListIds", "PrefixListId", "entries of prefix list"}};
	char shown[64];

	for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
		json_t *list;
		if (get_list(place, permission, references[i].list, &list) < 0)
			return -1;
		if (!json_array_size(list))
			continue;
		const char *id = json_string_value(
			json_object_get(json_array_get(list, 0), references[i].id));
		fail(place, references[i].list, "the %s %s are not known here", references[i].what,
			id ? printable(shown, sizeof(shown), id) : "without an id");
		return err_hint(place->err,
			"name their addresses in IpRanges or Ipv6Ranges instead, or leave the rule out: "
			"jq 'del(.SecurityGroups[][\"IpPermissions\",\"IpPermissionsEgress\"][].%s)'",
			references[i].list);
	}
	return 0;
}

static int add_ranges(const struct place *place, const json_t *permission, const char *ranges,
	const char *cidr, uint8_t ip_version, struct rule *rule, struct rule_list *list)
{
	const json_t *range;
	json_t *all;
	size_t i;

	if (get_list(place, permission, ranges, &all) < 0)
		return -1;
	json_array_foreach(all, i, range)
	{
		char path[64];
		snprintf(path, sizeof(path), "%s[%zu].%s", ranges, i, cidr);
		if (get_prefix(place, range, cidr, path, ip_version, rule) < 0)
			return -1;
		rule_list_add(list, rule);
	}
	return 0;
}

static int add_permission(
	const struct place *place, const json_t *permission, struct rule_list *list)
{
	static const char *const names[] = {"FromPort", "ToPort"};
	struct rule rule = {.allow = true};

	if (!json_is_object(permission))
		return fail(place, NULL, "%s, expected an object", type_name(permission));
	if (get_protocol(place, permission, "IpProtocol", &rule.protocol) < 0)
		return -1;
	/* FromPort is the type and ToPort the code; both missing is all of them. */
	if (has_ports(rule.protocol) && get_ports(place, permission, names, names, &rule) < 0)
		return -1;
	if (is_icmp(rule.protocol) &&
		get_icmp(place, permission, names, names, RULE_ANY, &rule) < 0)
		return -1;
	if (refuse_references(place, permission) < 0)
		return -1;
	if (add_ranges(place, permission, "IpRanges", "CidrIp", 4, &rule, list) < 0)
		return -1;
	return add_ranges(place, permission, "Ipv6Ranges", "CidrIpv6", 6, &rule, list);
}

static int add_group(struct vpc_rules *rules, struct place *place, const json_t *group)
{
	static const char *const names[] = {
		[RECORD_INGRESS] = "IpPermissions", [RECORD_EGRESS] = "IpPermissionsEgress"};

	place->id = NULL;
	place->entries = NULL;
	if (!json_is_object(group))
		return fail(place, NULL, "%s, expected an object", type_name(group));
	place->id = json_string_value(json_object_get(group, "GroupId"));
	for (size_t direction = 0; direction < ARRAY_SIZE(names); direction++) {
		json_t *permissions;
		place->entries = NULL;
		if (get_list(place, group, names[direction], &permissions) < 0)
			return -1;
		if (!permissions)
			return fail(place, names[direction], "missing");
		const json_t *permission;
		place->entries = names[direction];
		json_array_foreach(permissions, place->entry, permission)
		{
			if (add_permission(place, permission, &rules->groups[direction]) < 0)
				return -1;
		}
	}
	return 0;
}

/* network ACLs */

static int get_entry_range(const struct place *place, const json_t *entry, struct rule *rule)
{
	bool v4 = get(entry, "CidrBlock"), v6 = get(entry, "Ipv6CidrBlock");

	if (v4 == v6)
		return fail(place, NULL, "%s CidrBlock and Ipv6CidrBlock, expected one of them",
			v4 ? "both" : "neither");
	return v4 ? get_prefix(place, entry, "CidrBlock", "CidrBlock", 4, rule)
		  : get_prefix(place, entry, "Ipv6CidrBlock", "Ipv6CidrBlock", 6, rule);
}

static int get_entry_ports(const struct place *place, const json_t *entry, struct rule *rule)
{
	static const char *const port_names[] = {"From", "To"};
	static const char *const port_paths[] = {"PortRange.From", "PortRange.To"};
	static const char *const icmp_names[] = {"Type", "Code"};
	static const char *const icmp_paths[] = {"IcmpTypeCode.Type", "IcmpTypeCode.Code"};
	bool ports = has_ports(rule->protocol);
	const char *name = ports ? "PortRange" : "IcmpTypeCode";

	if (!ports && !is_icmp(rule->protocol))
		return 0;
	const json_t *range = get(entry, name);
	/* CreateNetworkAclEntry: ICMPv6 for IPv4 addresses is all of it, whatever is said. */
	if (rule->protocol == PROTOCOL_ICMPV6 && rule->ip_version == 4) {
		rule->icmp_type = rule->icmp_code = RULE_ANY;
		return 0;
	}
	if (!range)
		return fail(place, name, "missing");
	if (!json_is_object(range))
		return fail(place, name, "%s, expected an object", type_name(range));
	return ports ? get_ports(place, range, port_names, port_paths, rule)
		     : get_icmp(place, range, icmp_names, icmp_paths, INT64_MIN, rule);
}

static int add_entry(struct vpc_rules *rules, const struct place *place, const json_t *entry)
{
	struct rule rule = {0};
	char shown[32];
	const char *action;
	int64_t number;

	if (!json_is_object(entry))
		return fail(place, NULL, "%s, expected an object", type_name(entry));
	if (get_integer(place, entry, "RuleNumber", "RuleNumber", 1, ACL_NUMBER_MAX, INT64_MIN,
		    &number) < 0 ||
		get_text(place, entry, "RuleAction", &action) < 0 ||
		get_protocol(place, entry, "Protocol", &rule.protocol) < 0 ||
		get_entry_range(place, entry, &rule) < 0 ||
		get_entry_ports(place, entry, &rule) < 0)
		return -1;
	rule.number = (uint32_t)number;
	rule.allow = str_equal(str_from(action), STR("allow"));
	if (!rule.allow && !str_equal(str_from(action), STR("deny")))
		return fail(place, "RuleAction", "\"%s\", expected allow or deny",
			printable(shown, sizeof(shown), action));
	const json_t *egress = get(entry, "Egress");
	if (!json_is_boolean(egress))
		return fail(place, "Egress", "%s, expected a boolean",
			egress ? type_name(egress) : "missing");
	rule_list_add(
		&rules->acl_entries[json_is_true(egress) ? RECORD_EGRESS : RECORD_INGRESS], &rule);
	return 0;
}

static int compare_numbers(const void *left, const void *right)
{
	const struct rule *a = left, *b = right;

	return a->number < b->number ? -1 : a->number > b->number;
}

static int sort_entries(const struct place *place, struct rule_list *list, const char *direction)
{
	if (list->count)
		qsort(list->rules, list->count, sizeof(*list->rules), compare_numbers);
	for (size_t i = 1; i < list->count; i++) {
		if (list->rules[i].number == list->rules[i - 1].number)
			return fail(place, "Entries", "RuleNumber %u twice for %s packets",
				list->rules[i].number, direction);
	}
	return 0;
}

static int refuse_second_acl(const struct vpc_rules *rules, const struct place *place)
{
	char id[64];

	err_set(place->err, ERR_INPUT, "%s: %s is a second network ACL beside %s", place->file,
		place->id ? printable(id, sizeof(id), place->id) : "one without an id", rules->acl);
	return err_hint(place->err,
		"a subnet has one network ACL: name it, with aws ec2 describe-network-acls "
		"--network-acl-ids, or with jq "
		"'{NetworkAcls: [.NetworkAcls[] | select(.NetworkAclId == \"acl-...\")]}'");
}

static int add_acl(struct vpc_rules *rules, struct place *place, const json_t *acl)
{
	char id[64];
	json_t *entries;
	const json_t *entry;

	place->id = NULL;
	place->entries = NULL;
	if (!json_is_object(acl))
		return fail(place, NULL, "%s, expected an object", type_name(acl));
	place->id = json_string_value(json_object_get(acl, "NetworkAclId"));
	if (rules->acl)
		return refuse_second_acl(rules, place);
	if (get_list(place, acl, "Entries", &entries) < 0)
		return -1;
	if (!entries)
		return fail(place, "Entries", "missing");
	rules->acl =
		mem_strdup(place->id ? printable(id, sizeof(id), place->id) : "one without an id");
	place->entries = "Entries";
	json_array_foreach(entries, place->entry, entry)
	{
		if (add_entry(rules, place, entry) < 0)
			return -1;
	}
	place->entries = NULL;
	if (sort_entries(place, &rules->acl_entries[RECORD_INGRESS], "incoming") < 0)
		return -1;
	return sort_entries(place, &rules->acl_entries[RECORD_EGRESS], "outgoing");
}

/* files */

static int add_document(
	struct vpc_rules *rules, const json_t *document, const char *name, struct err *err)
{
	struct place place = {.file = name, .err = err};
	const json_t *groups = get(document, "SecurityGroups");
	const json_t *acls = get(document, "NetworkAcls");
	const json_t *item;

	if ((groups && !json_is_array(groups)) || (acls && !json_is_array(acls)))
		return err_set(err, ERR_INPUT, "%s: %s is %s, expected a list", name,
			json_is_array(groups) || !groups ? "NetworkAcls" : "SecurityGroups",
			type_name(json_is_array(groups) || !groups ? acls : groups));
	if (json_array_size(groups) == 0 && json_array_size(acls) == 0) {
		err_set(err, ERR_INPUT, "%s: no security group and no network ACL in it", name);
		return err_hint(err,
			"give what aws ec2 describe-security-groups or aws ec2 "
			"describe-network-acls prints, with --output json and no --query");
	}
	place.list = "SecurityGroups";
	json_array_foreach(groups, place.item, item)
	{
		if (add_group(rules, &place, item) < 0)
			return -1;
		rules->has_groups = true;
	}
	place.list = "NetworkAcls";
	json_array_foreach(acls, place.item, item)
	{
		if (add_acl(rules, &place, item) < 0)
			return -1;
	}
	return 0;
}

int vpc_rules_load_text(struct vpc_rules *rules, struct str text, const char *name, struct err *err)
{
	json_error_t error;
	char shown[160];

	if (text.n > VPC_RULES_FILE_MAX)
		return err_set(
			err, ERR_INPUT, "%s is larger than %zu bytes", name, VPC_RULES_FILE_MAX);
	json_t *document = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		return err_set(err, ERR_INPUT, "%s:%d:%d: not JSON: %s", name, error.line,
			error.column, printable(shown, sizeof(shown), error.text));
	/* What a failure leaves behind is cut off again. */
	const struct vpc_rules before = *rules;
	int status = add_document(rules, document, name, err);
	json_decref(document);
	if (status < 0) {
		for (size_t i = 0; i < ARRAY_SIZE(rules->groups); i++) {
			rules->groups[i].count = before.groups[i].count;
			rules->acl_entries[i].count = before.acl_entries[i].count;
		}
		if (!before.acl) {
			free(rules->acl);
			rules->acl = NULL;
		}
		rules->has_groups = before.has_groups;
	}
	return status;
}

int vpc_rules_load(struct vpc_rules *rules, const char *path, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};

	if (file_read(path, VPC_RULES_FILE_MAX, &text, err) < 0)
		return -1;
	return vpc_rules_load_text(rules, buf_str(&text), path, err);
}
