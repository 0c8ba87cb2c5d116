/* Network interfaces as EC2 shows them. One whose agent has not been seen lately is not in use:
 * its status is available, its attachment detached. */
#include "api/ec2/ec2_priv.h"

json_t *ec2_group_identifiers(struct ec2 *ec2, const json_t *ids)
{
	const json_t *view = ec2_view(ec2, STORE_SECURITY_GROUP);
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const json_t *group =
			id ? store_network_find(view, STORE_SECURITY_GROUP, str_from(id)) : NULL;
		if (id)
			json_array_append_new(
				list, json_pack("{s:s, s:s*}", "GroupId", id, "GroupName",
					      ec2_member(group, "GroupName")));
	}
	return list;
}

static json_t *attachment(struct ec2 *ec2, const json_t *told, bool is_present)
{
	char id[EC2_ID_MAX];
	const json_t *index = json_object_get(told, "DeviceIndex"),
		     *time = json_object_get(told, "AttachTime");
	json_t *object;

	ec2_derive_id(id, "eni-attach-", ec2_member(told, "NetworkInterfaceId"));
	object = json_pack("{s:s, s:s*, s:o, s:b, s:I, s:I, s:s}", "AttachmentId", id, "InstanceId",
		ec2_member(told, "InstanceId"), "InstanceOwnerId", ec2_account(ec2),
		"DeleteOnTermination", true, "DeviceIndex",
		(json_int_t)(index ? json_integer_value(index) : 0), "NetworkCardIndex",
		(json_int_t)0, "Status", is_present ? "attached" : "detached");
	if (time)
		json_object_set(object, "AttachTime", (json_t *)time);
	return object;
}

static void set_addresses(json_t *item, const json_t *told)
{
	const json_t *v4 = json_object_get(told, "Addresses"),
		     *v6 = json_object_get(told, "Ipv6Addresses");
	json_t *list = json_array(), *list6 = json_array();

	for (size_t i = 0; i < json_array_size(v4); i++)
		json_array_append_new(
			list, json_pack("{s:b, s:o*}", "Primary", i == 0, "PrivateIpAddress",
				      ec2_address(json_array_get(v4, i))));
	for (size_t i = 0; i < json_array_size(v6); i++)
		json_array_append_new(list6,
			json_pack("{s:o*}", "Ipv6Address", ec2_address(json_array_get(v6, i))));
	ec2_set(item, "PrivateIpAddress", ec2_address(json_array_get(v4, 0)));
	ec2_set(item, "Ipv6Address", ec2_address(json_array_get(v6, 0)));
	ec2_set(item, "PrivateIpAddresses", list);
	ec2_set(item, "Ipv6Addresses", list6);
}

/* What the host calls the device, where filters and people find it. */
static json_t *own_tags(const json_t *told)
{
	const json_t *given = json_object_get(told, "Tags");
	json_t *tags = given ? json_copy((json_t *)given) : json_array();

	json_array_append_new(tags, json_pack("{s:s, s:s*}", "Key", "nagare:device", "Value",
					    ec2_member(told, "DeviceName")));
	json_array_append_new(tags,
		json_pack("{s:s, s:s*}", "Key", "nagare:kind", "Value", ec2_member(told, "Kind")));
	return tags;
}

json_t *ec2_interface_tags(struct ec2 *ec2, const json_t *told)
{
	json_t *own = own_tags(told);
	json_t *tags = ec2_tags(ec2, ec2_member(told, "NetworkInterfaceId"), own, NULL);

	json_decref(own);
	return tags;
}

json_t *ec2_make_interface(struct ec2 *ec2, const json_t *told)
{
	const char *id = ec2_member(told, "NetworkInterfaceId"),
		   *description = ec2_member(told, "Description"),
		   *subnet = ec2_member(told, "SubnetId"),
		   *zone = ec2_member(told, "AvailabilityZoneId");
	bool is_present = ec2_is_present(ec2, told);
	json_t *item = json_pack("{s:s, s:s*, s:s, s:s, s:b, s:b}", "NetworkInterfaceId", id,
		"VpcId", ec2_member(told, "VpcId"), "InterfaceType", "interface", "Status",
		is_present ? "in-use" : "available", "RequesterManaged", false, "SourceDestCheck",
		false);

	ec2_set_text(item, "Description",
		description && *description ? description : ec2_member(told, "DeviceName"));
	ec2_set_text(item, "SubnetId", subnet && *subnet ? subnet : NULL);
	ec2_set_text(item, "MacAddress", ec2_member(told, "MacAddress"));
	ec2_set(item, "OwnerId", ec2_account(ec2));
	ec2_set(item, "AvailabilityZone", ec2_zone_name(ec2, zone));
	ec2_set(item, "AvailabilityZoneId", ec2_zone_id(ec2, zone));
	ec2_set(item, "Groups", ec2_group_identifiers(ec2, json_object_get(told, "GroupIds")));
	ec2_set(item, "Attachment", attachment(ec2, told, is_present));
	set_addresses(item, told);
	ec2_set(item, "TagSet", ec2_interface_tags(ec2, told));
	return item;
}

int ec2_describe_network_interfaces(struct ec2 *ec2)
{
	static const struct ec2_filter filters[] = {
		{"addresses.association.owner-id", "PrivateIpAddresses.Association.IpOwnerId"},
		{"addresses.association.public-ip", "PrivateIpAddresses.Association.PublicIp"},
		{"addresses.primary", "PrivateIpAddresses.Primary"},
		{"addresses.private-ip-address", "PrivateIpAddresses.PrivateIpAddress"},
		{"association.allocation-id", "Association.AllocationId"},
		{"association.association-id", "Association.AssociationId"},
		{"association.ip-owner-id", "Association.IpOwnerId"},
		{"association.public-dns-name", "Association.PublicDnsName"},
		{"association.public-ip", "Association.PublicIp"},
		{"attachment.attach-time", "@Attachment.AttachTime"},
		{"attachment.attachment-id", "Attachment.AttachmentId"},
		{"attachment.delete-on-termination", "Attachment.DeleteOnTermination"},
		{"attachment.device-index", "Attachment.DeviceIndex"},
		{"attachment.instance-id", "Attachment.InstanceId", "InstanceId"},
		{"attachment.instance-owner-id", "Attachment.InstanceOwnerId"},
		{"attachment.nat-gateway-id", "Attachment.NatGatewayId"},
		{"attachment.status", "Attachment.Status"},
		{"availability-zone", "AvailabilityZone"},
		{"availability-zone-id", "AvailabilityZoneId"},
		{"description", "Description"},
		{"group-id", "Groups.GroupId", "GroupIds"},
		{"group-name", "Groups.GroupName"},
		{"interface-type", "InterfaceType"},
		{"ipv6-addresses.ipv6-address", "Ipv6Addresses.Ipv6Address"},
		{"mac-address", "MacAddress", "MacAddress"},
		{"network-interface-id", "NetworkInterfaceId", "NetworkInterfaceId"},
		{"owner-id", "OwnerId"},
		{"private-dns-name", "PrivateDnsName"},
		{"private-ip-address", "PrivateIpAddress"},
		{"requester-id", "RequesterId"},
		{"requester-managed", "RequesterManaged"},
		{"source-dest-check", "SourceDestCheck"},
		{"status", "Status"},
		{"subnet-id", "SubnetId", "SubnetId"},
		{"vpc-id", "VpcId", "VpcId"},
		{NULL},
	};
	static const struct ec2_listing listing = {EC2_NETWORK_INTERFACE, "NetworkInterfaces",
		"NetworkInterfaceIds", "Filters", filters, 5};

	return ec2_list(ec2, &listing);
}

static int set_attribute(struct ec2 *ec2, const json_t *item, const char *attribute)
{
	static const struct {
		const char *attribute, *member;
		bool is_bare; /* else {Value: ...} */
	} attributes[] = {{"attachment", "Attachment", true}, {"groupSet", "Groups", true},
		{"description", "Description", false},
		{"sourceDestCheck", "SourceDestCheck", false}};

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		json_t *value = json_object_get(item, attributes[i].member);
		if (strcmp(attribute, attributes[i].attribute) != 0)
			continue;
		ec2_set(ec2->output, attributes[i].member,
			attributes[i].is_bare ? json_incref(value)
					      : json_pack("{s:O*}", "Value", value));
		return 0;
	}
	if (strcmp(attribute, "associatePublicIpAddress") == 0) {
		ec2_set(ec2->output, "AssociatePublicIpAddress", json_false());
		return 0;
	}
	return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
		"Value (%.100s) for parameter attribute is invalid. Unknown attribute.", attribute);
}

int ec2_describe_network_interface_attribute(struct ec2 *ec2)
{
	const char *id = ec2_text(ec2, "NetworkInterfaceId"),
		   *attribute = ec2_text(ec2, "Attribute");
	const json_t *told = store_network_find(
		ec2_view(ec2, STORE_NETWORK_INTERFACE), STORE_NETWORK_INTERFACE, str_from(id));

	if (!told)
		return ec2_refuse_id(ec2, EC2_NETWORK_INTERFACE, id);
	if (!attribute)
		return ec2_refuse(
			ec2, AWS_ERROR_INVALID_PARAMETER_COMBINATION, "No attributes specified.");
	json_t *item = ec2_make_interface(ec2, told);
	int result = set_attribute(ec2, item, attribute);
	if (result == 0)
		ec2_set_text(ec2->output, "NetworkInterfaceId", id);
	json_decref(item);
	return result;
}
