/* Instances: the host of each agent, and the containers and virtual machines on it. One whose agent
 * has not been seen lately is stopped. */
#include "api/ec2/ec2_priv.h"

enum { STATE_RUNNING = 16, STATE_STOPPED = 80 };

static json_t *instance_interface(const json_t *item)
{
	static const char *const members[] = {"Description", "Groups", "Ipv6Addresses",
		"MacAddress", "NetworkInterfaceId", "OwnerId", "PrivateIpAddress",
		"PrivateIpAddresses", "SourceDestCheck", "Status", "SubnetId", "VpcId",
		"InterfaceType"};
	json_t *object = json_object();
	json_t *attachment = json_copy(json_object_get(item, "Attachment"));

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(item, members[i]);
		if (value)
			json_object_set(object, members[i], value);
	}
	json_object_del(attachment, "InstanceId");
	json_object_del(attachment, "InstanceOwnerId");
	ec2_set(object, "Attachment", attachment);
	return object;
}

static json_t *interfaces_of(struct ec2 *ec2, const char *id)
{
	const json_t *all = ec2_interfaces_of(ec2, id);
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *item = ec2_make_interface(ec2, json_array_get(all, i));
		json_array_append_new(list, instance_interface(item));
		json_decref(item);
	}
	return list;
}

static json_int_t index_of(const json_t *interface)
{
	return json_integer_value(
		json_object_get(json_object_get(interface, "Attachment"), "DeviceIndex"));
}

/* The first by index among those with an address: the primary one. */
static const json_t *primary_of(const json_t *interfaces)
{
	const json_t *primary = NULL;

	for (size_t i = 0; i < json_array_size(interfaces); i++) {
		const json_t *one = json_array_get(interfaces, i);
		if (json_object_get(one, "PrivateIpAddress") &&
			(!primary || index_of(one) < index_of(primary)))
			primary = one;
	}
	return primary ? primary : json_array_get(interfaces, 0);
}

static void copy(json_t *to, const json_t *from, const char *name, const char *as)
{
	json_t *value = json_object_get(from, name);

	if (value)
		json_object_set(to, as, value);
}

/* What an instance has of its primary interface. */
static void set_primary(struct ec2 *ec2, json_t *item, const json_t *interfaces)
{
	const json_t *primary = primary_of(interfaces);
	const char *id = ec2_member(primary, "NetworkInterfaceId");
	const json_t *told = id ? store_network_find(ec2_view(ec2, STORE_NETWORK_INTERFACE),
					  STORE_NETWORK_INTERFACE, str_from(id))
				: NULL;
	const char *zone = ec2_member(told, "AvailabilityZoneId");

	copy(item, primary, "PrivateIpAddress", "PrivateIpAddress");
	copy(item, primary, "SubnetId", "SubnetId");
	copy(item, primary, "VpcId", "VpcId");
	copy(item, primary, "Groups", "SecurityGroups");
	copy(item, json_array_get(json_object_get(primary, "Ipv6Addresses"), 0), "Ipv6Address",
		"Ipv6Address");
	ec2_set(item, "Placement",
		json_pack("{s:o, s:o, s:s}", "AvailabilityZone", ec2_zone_name(ec2, zone),
			"AvailabilityZoneId", ec2_zone_id(ec2, zone), "Tenancy", "default"));
}

json_t *ec2_instance_tags(struct ec2 *ec2, const json_t *told)
{
	const char *id = ec2_member(told, "InstanceId");
	const json_t *given = json_object_get(told, "Tags");
	json_t *own = given ? json_copy((json_t *)given) : json_array();

	json_array_append_new(own,
		json_pack("{s:s, s:s*}", "Key", "nagare:kind", "Value", ec2_member(told, "Kind")));
	json_t *tags = ec2_tags(ec2, id, own, ec2_member(told, "Title"));
	json_decref(own);
	return tags;
}

/* With the reservation's id and owner, for the filters. */
json_t *ec2_make_instance(struct ec2 *ec2, const json_t *told)
{
	const char *id = ec2_member(told, "InstanceId"), *kind = ec2_member(told, "Kind");
	bool is_present = ec2_is_present(ec2, told);
	json_t *interfaces = interfaces_of(ec2, id);
	char reservation[EC2_ID_MAX];

	ec2_derive_id(reservation, "r-", id);
	json_t *item = json_pack(
		"{s:s, s:{s:i, s:s}, s:s*, s:s, s:i, s:b, s:b, s:s, s:s, s:{s:s}, s:s, s:s, s:o}",
		"InstanceId", id, "State", "Code", is_present ? STATE_RUNNING : STATE_STOPPED,
		"Name", is_present ? "running" : "stopped", "Architecture",
		ec2_member(told, "Architecture"), "InstanceType", kind ? kind : "host",
		"AmiLaunchIndex", 0, "EbsOptimized", false, "SourceDestCheck", false,
		"PlatformDetails", "Linux/UNIX", "VirtualizationType", "hvm", "Monitoring", "State",
		"disabled", "StateTransitionReason",
		is_present ? "" : "nagare: the agent has not been seen", "ReservationId",
		reservation, "OwnerId", ec2_account(ec2));
	copy(item, told, "LaunchTime", "LaunchTime");
	ec2_set_text(item, "PrivateDnsName", ec2_member(told, "Title"));
	set_primary(ec2, item, interfaces);
	ec2_set(item, "NetworkInterfaces", interfaces);
	ec2_set(item, "Tags", ec2_instance_tags(ec2, told));
	return item;
}

/* One reservation an instance. */
static json_t *reservations_of(const json_t *items)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i), *reservation = json_object();
		copy(reservation, item, "ReservationId", "ReservationId");
		copy(reservation, item, "OwnerId", "OwnerId");
		ec2_set(reservation, "Groups", json_array());
		json_object_del(item, "ReservationId");
		json_object_del(item, "OwnerId");
		ec2_set(reservation, "Instances", json_pack("[O]", item));
		json_array_append_new(list, reservation);
	}
	return list;
}

static const struct ec2_filter filters[] = {
	{"architecture", "Architecture"},
	{"availability-zone", "Placement.AvailabilityZone"},
	{"availability-zone-id", "Placement.AvailabilityZoneId"},
	{"dns-name", "PublicDnsName"},
	{"hypervisor", "Hypervisor"},
	{"image-id", "ImageId"},
	{"instance-id", "InstanceId", "InstanceId"},
	{"instance-lifecycle", "InstanceLifecycle"},
	{"instance-state-code", "State.Code"},
	{"instance-state-name", "State.Name"},
	{"instance-type", "InstanceType"},
	{"instance.group-id", "SecurityGroups.GroupId"},
	{"instance.group-name", "SecurityGroups.GroupName"},
	{"ip-address", "PublicIpAddress"},
	{"ipv6-address", "NetworkInterfaces.Ipv6Addresses.Ipv6Address"},
	{"key-name", "KeyName"},
	{"launch-index", "AmiLaunchIndex"},
	{"launch-time", "@LaunchTime"},
	{"monitoring-state", "Monitoring.State"},
	{"network-interface.addresses.primary", "NetworkInterfaces.PrivateIpAddresses.Primary"},
	{"network-interface.addresses.private-ip-address",
		"NetworkInterfaces.PrivateIpAddresses.PrivateIpAddress"},
	{"network-interface.attachment.attachment-id", "NetworkInterfaces.Attachment.AttachmentId"},
	{"network-interface.attachment.device-index", "NetworkInterfaces.Attachment.DeviceIndex"},
	{"network-interface.attachment.status", "NetworkInterfaces.Attachment.Status"},
	{"network-interface.description", "NetworkInterfaces.Description"},
	{"network-interface.group-id", "NetworkInterfaces.Groups.GroupId"},
	{"network-interface.group-name", "NetworkInterfaces.Groups.GroupName"},
	{"network-interface.ipv6-addresses.ipv6-address",
		"NetworkInterfaces.Ipv6Addresses.Ipv6Address"},
	{"network-interface.mac-address", "NetworkInterfaces.MacAddress"},
	{"network-interface.network-interface-id", "NetworkInterfaces.NetworkInterfaceId"},
	{"network-interface.owner-id", "NetworkInterfaces.OwnerId"},
	{"network-interface.source-dest-check", "NetworkInterfaces.SourceDestCheck"},
	{"network-interface.status", "NetworkInterfaces.Status"},
	{"network-interface.subnet-id", "NetworkInterfaces.SubnetId"},
	{"network-interface.vpc-id", "NetworkInterfaces.VpcId"},
	{"owner-id", "OwnerId"},
	{"platform", "Platform"},
	{"platform-details", "PlatformDetails"},
	{"private-dns-name", "PrivateDnsName"},
	{"private-ip-address", "PrivateIpAddress"},
	{"reservation-id", "ReservationId"},
	{"root-device-type", "RootDeviceType"},
	{"source-dest-check", "SourceDestCheck"},
	{"subnet-id", "SubnetId"},
	{"tenancy", "Placement.Tenancy"},
	{"virtualization-type", "VirtualizationType"},
	{"vpc-id", "VpcId"},
	{NULL},
};

int ec2_describe_instances(struct ec2 *ec2)
{
	static const struct ec2_listing listing = {
		EC2_INSTANCE, "Reservations", "InstanceIds", "Filters", filters, 5};

	if (ec2_input(ec2, "MaxResults") && json_array_size(ec2_input(ec2, "InstanceIds")))
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_COMBINATION,
			"The parameter instancesSet cannot be used with the parameter maxResults");
	if (ec2_list(ec2, &listing) < 0)
		return -1;
	ec2_set(ec2->output, "Reservations",
		reservations_of(json_object_get(ec2->output, "Reservations")));
	return 0;
}
