/* VPCs and subnets as EC2 shows them. */
#include "api/ec2/ec2_priv.h"

#include "base/ip.h"

#include <stdio.h>
#include <strings.h>

enum { RESERVED_ADDRESSES = 5 }; /* that AWS keeps of each subnet */

/* ---- what resources have in common ---- */

bool ec2_is_present(struct ec2 *ec2, const json_t *told)
{
	const char *agent = ec2_member(told, "AgentId");

	return agent &&
	       store_network_is_present(ec2->context->network, str_from(agent), ec2->now_ms);
}

static bool has_name(const json_t *tags)
{
	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *key = ec2_member(json_array_get(tags, i), "Key");
		if (key && strcmp(key, "Name") == 0)
			return true;
	}
	return false;
}

json_t *ec2_tags(struct ec2 *ec2, const char *id, const json_t *own, const char *title)
{
	json_t *with_name = own ? json_copy((json_t *)own) : json_array();

	if (title && *title && !has_name(own))
		json_array_append_new(
			with_name, json_pack("{s:s, s:s}", "Key", "Name", "Value", title));
	json_t *tags = store_tags_of(ec2_all_tags(ec2), id, with_name);
	json_decref(with_name);
	return tags;
}

/* us-east-1 is use1, ap-southeast-2 apse2: the region's parts, the compass shortened. */
static void short_region(struct str region, char *ret_text, size_t size)
{
	static const struct {
		const char *word, *letters;
	} words[] = {{"northeast", "ne"}, {"northwest", "nw"}, {"southeast", "se"},
		{"southwest", "sw"}, {"north", "n"}, {"south", "s"}, {"east", "e"}, {"west", "w"},
		{"central", "c"}};
	struct str part;
	size_t n = 0;

	ret_text[0] = '\0';
	while (str_split(&region, '-', &part) && n + part.n < size) {
		struct str letters = part;
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (str_equal(part, str_from(words[i].word)))
				letters = str_from(words[i].letters);
		n += (size_t)snprintf(ret_text + n, size - n, "%.*s", STR_ARG(letters));
	}
}

json_t *ec2_zone_id(const struct ec2 *ec2, const char *zone_id)
{
	char region[64];

	if (zone_id && *zone_id)
		return json_string(zone_id);
	short_region(ec2->region, region, sizeof(region));
	return json_sprintf("%s-az1", region);
}

json_t *ec2_zone_name(const struct ec2 *ec2, const char *zone_id)
{
	const char *number = zone_id ? strstr(zone_id, "-az") : NULL;

	if (zone_id && *zone_id &&
		(!number || number[3] < '1' || number[3] > '9' || number[4] != '\0'))
		return json_string(zone_id);
	return json_sprintf("%.*s%c", STR_ARG(ec2->region), number ? 'a' + number[3] - '1' : 'a');
}

json_t *ec2_address(const json_t *address)
{
	const char *text = json_string_value(address);

	return text ? json_stringn(text, strcspn(text, "/")) : NULL;
}

static json_t *association(const char *prefix, const char *id, const char *range,
	const char *range_member, const char *state_member)
{
	char association_id[EC2_ID_MAX];
	_cleanup_free_ char *text = mem_printf("%s %s", id, range);

	ec2_derive_id(association_id, prefix, text);
	return json_pack("{s:s, s:s, s:{s:s}}", "AssociationId", association_id, range_member,
		range, state_member, "State", "associated");
}

static json_t *associations(const char *prefix, const char *id, const json_t *ranges,
	const char *range_member, const char *state_member)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(ranges); i++) {
		const char *range = json_string_value(json_array_get(ranges, i));
		if (range)
			json_array_append_new(
				list, association(prefix, id, range, range_member, state_member));
	}
	return list;
}

/* ---- VPCs ---- */

json_t *ec2_vpc_tags(struct ec2 *ec2, const json_t *told)
{
	return ec2_tags(ec2, ec2_member(told, "VpcId"), json_object_get(told, "Tags"),
		ec2_member(told, "Title"));
}

/* The first one is the default VPC of the account. */
json_t *ec2_make_vpc(struct ec2 *ec2, const json_t *told)
{
	bool is_default = json_array_get(ec2_view(ec2, STORE_VPC), 0) == told;
	const char *id = ec2_member(told, "VpcId");
	const json_t *ranges = json_object_get(told, "CidrBlocks");
	json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "VpcId", id, "State",
		"available", "DhcpOptionsId", "default", "InstanceTenancy", "default", "IsDefault",
		is_default, "OwnerId", ec2_account(ec2));

	ec2_set_text(item, "CidrBlock", json_string_value(json_array_get(ranges, 0)));
	ec2_set(item, "CidrBlockAssociationSet",
		associations("vpc-cidr-assoc-", id, ranges, "CidrBlock", "CidrBlockState"));
	ec2_set(item, "Ipv6CidrBlockAssociationSet",
		associations("vpc-cidr-assoc-", id, json_object_get(told, "Ipv6CidrBlocks"),
			"Ipv6CidrBlock", "Ipv6CidrBlockState"));
	ec2_set(item, "Tags", ec2_vpc_tags(ec2, told));
	return item;
}

int ec2_describe_vpcs(struct ec2 *ec2)
{
	static const struct ec2_filter filters[] = {
		{"cidr", "CidrBlock"},
		{"cidr-block", "CidrBlock"},
		{"cidrBlock", "CidrBlock"},
		{"cidr-block-association.association-id", "CidrBlockAssociationSet.AssociationId"},
		{"cidr-block-association.cidr-block", "CidrBlockAssociationSet.CidrBlock"},
		{"cidr-block-association.state", "CidrBlockAssociationSet.CidrBlockState.State"},
		{"dhcp-options-id", "DhcpOptionsId"},
		{"dhcpOptionsId", "DhcpOptionsId"},
		{"ipv6-cidr-block-association.association-id",
			"Ipv6CidrBlockAssociationSet.AssociationId"},
		{"ipv6-cidr-block-association.ipv6-cidr-block",
			"Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"},
		{"ipv6-cidr-block-association.ipv6-pool", "Ipv6CidrBlockAssociationSet.Ipv6Pool"},
		{"ipv6-cidr-block-association.state",
			"Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State"},
		{"is-default", "IsDefault"},
		{"isDefault", "IsDefault"},
		{"owner-id", "OwnerId"},
		{"state", "State"},
		{"vpc-id", "VpcId", "VpcId"},
		{NULL},
	};
	static const struct ec2_listing listing = {
		EC2_VPC, "Vpcs", "VpcIds", "Filters", filters, 5};

	return ec2_list(ec2, &listing);
}

int ec2_describe_vpc_attribute(struct ec2 *ec2)
{
	/* As a VPC of AWS has them from the start. */
	static const struct {
		const char *attribute, *member;
		bool value;
	} attributes[] = {{"enableDnsHostnames", "EnableDnsHostnames", false},
		{"enableDnsSupport", "EnableDnsSupport", true},
		{"enableNetworkAddressUsageMetrics", "EnableNetworkAddressUsageMetrics", false}};
	const char *id = ec2_text(ec2, "VpcId"), *attribute = ec2_text(ec2, "Attribute");

	if (!store_network_find(ec2_view(ec2, STORE_VPC), STORE_VPC, str_from(id)))
		return ec2_refuse_id(ec2, EC2_VPC, id);
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (strcmp(attribute, attributes[i].attribute) != 0)
			continue;
		ec2_set_text(ec2->output, "VpcId", id);
		ec2_set(ec2->output, attributes[i].member,
			json_pack("{s:b}", "Value", attributes[i].value));
		return 0;
	}
	return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
		"Value (%.100s) for parameter attribute is invalid. Unknown attribute.", attribute);
}

/* ---- subnets ---- */

static json_t *count_addresses(const json_t *interfaces)
{
	json_t *all = json_object();

	for (size_t i = 0; i < json_array_size(interfaces); i++) {
		const json_t *told = json_array_get(interfaces, i);
		const char *subnet = ec2_member(told, "SubnetId");
		size_t own = json_array_size(json_object_get(told, "Addresses"));
		if (!subnet || !own)
			continue;
		json_int_t before = json_integer_value(json_object_get(all, subnet));
		json_object_set_new(all, subnet, json_integer(before + (json_int_t)own));
	}
	return all;
}

static json_int_t used_addresses(struct ec2 *ec2, const char *subnet)
{
	if (!ec2->used)
		ec2->used = count_addresses(ec2_view(ec2, STORE_NETWORK_INTERFACE));
	return json_integer_value(json_object_get(ec2->used, subnet));
}

static json_int_t available(struct ec2 *ec2, const char *subnet, const char *range)
{
	struct ip_prefix prefix;

	if (!range || !ip_prefix_parse(str_from(range), &prefix) || !ip_is_v4(&prefix.addr))
		return 0;
	json_int_t all = (json_int_t)1 << (128 - prefix.length);
	json_int_t used = used_addresses(ec2, subnet) + RESERVED_ADDRESSES;
	json_int_t left = all > used ? all - used : 0;
	return left > INT32_MAX ? INT32_MAX : left;
}

json_t *ec2_subnet_tags(struct ec2 *ec2, const json_t *told)
{
	return ec2_tags(ec2, ec2_member(told, "SubnetId"), json_object_get(told, "Tags"), NULL);
}

json_t *ec2_make_subnet(struct ec2 *ec2, const json_t *told)
{
	const char *id = ec2_member(told, "SubnetId"), *range = ec2_member(told, "CidrBlock"),
		   *zone = ec2_member(told, "AvailabilityZoneId");
	bool has_v4 = range && *range;
	json_t *item = json_pack("{s:s, s:s*, s:s, s:b, s:b, s:b, s:b, s:b}", "SubnetId", id,
		"VpcId", ec2_member(told, "VpcId"), "State", "available", "DefaultForAz", false,
		"MapPublicIpOnLaunch", false, "AssignIpv6AddressOnCreation", false, "EnableDns64",
		false, "Ipv6Native", !has_v4);

	ec2_set_text(item, "CidrBlock", has_v4 ? range : NULL);
	ec2_set(item, "AvailableIpAddressCount", json_integer(available(ec2, id, range)));
	ec2_set(item, "AvailabilityZone", ec2_zone_name(ec2, zone));
	ec2_set(item, "AvailabilityZoneId", ec2_zone_id(ec2, zone));
	ec2_set(item, "OwnerId", ec2_account(ec2));
	ec2_set(item, "SubnetArn",
		json_sprintf("arn:aws:ec2:%.*s:%.*s:subnet/%s", STR_ARG(ec2->region),
			STR_ARG(ec2->account), id));
	ec2_set(item, "Ipv6CidrBlockAssociationSet",
		associations("subnet-cidr-assoc-", id, json_object_get(told, "Ipv6CidrBlocks"),
			"Ipv6CidrBlock", "Ipv6CidrBlockState"));
	ec2_set(item, "Tags", ec2_subnet_tags(ec2, told));
	return item;
}

int ec2_describe_subnets(struct ec2 *ec2)
{
	static const struct ec2_filter filters[] = {
		{"availability-zone", "AvailabilityZone"},
		{"availabilityZone", "AvailabilityZone"},
		{"availability-zone-id", "AvailabilityZoneId"},
		{"availabilityZoneId", "AvailabilityZoneId"},
		{"available-ip-address-count", "AvailableIpAddressCount"},
		{"cidr", "CidrBlock"},
		{"cidr-block", "CidrBlock"},
		{"cidrBlock", "CidrBlock"},
		{"customer-owned-ipv4-pool", "CustomerOwnedIpv4Pool"},
		{"default-for-az", "DefaultForAz"},
		{"defaultForAz", "DefaultForAz"},
		{"enable-dns64", "EnableDns64"},
		{"ipv6-cidr-block-association.association-id",
			"Ipv6CidrBlockAssociationSet.AssociationId"},
		{"ipv6-cidr-block-association.ipv6-cidr-block",
			"Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"},
		{"ipv6-cidr-block-association.state",
			"Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State"},
		{"ipv6-native", "Ipv6Native"},
		{"map-public-ip-on-launch", "MapPublicIpOnLaunch"},
		{"outpost-arn", "OutpostArn"},
		{"owner-id", "OwnerId"},
		{"state", "State"},
		{"subnet-arn", "SubnetArn"},
		{"subnet-id", "SubnetId"},
		{"vpc-id", "VpcId", "VpcId"},
		{NULL},
	};
	static const struct ec2_listing listing = {
		EC2_SUBNET, "Subnets", "SubnetIds", "Filters", filters, 5};

	return ec2_list(ec2, &listing);
}
