#include "agent/inventory_priv.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* Text that need not be UTF-8 (names of devices and containers are bytes) as JSON. */
static json_t *text(const char *value)
{
	json_t *string = json_string(value);

	if (string)
		return string;
	_cleanup_free_ char *clean = mem_strdup(value);
	for (char *p = clean; *p; p++) {
		if ((unsigned char)*p >= 128)
			*p = '?';
	}
	return json_string(clean);
}

static void put(json_t *object, const char *name, const char *value)
{
	if (value && *value)
		json_object_set_new(object, name, text(value));
}

static json_t *tag(const char *key, const char *value)
{
	json_t *object = json_object();

	json_object_set_new(object, "Key", text(key));
	json_object_set_new(object, "Value", text(value));
	return object;
}

static json_t *name_tag(const char *name)
{
	json_t *tags = json_array();

	json_array_append_new(tags, tag("Name", name));
	return tags;
}

/* EC2 knows x86_64, arm64 and the like. */
static const char *architecture(const char *machine)
{
	return strcmp(machine, "aarch64") == 0 ? "arm64" : machine;
}

static json_t *instances(const struct vpc_network *network)
{
	json_t *list = json_array();
	struct utsname name = {.machine = ""};

	(void)uname(&name);
	for (size_t i = 0; i < network->instance_count; i++) {
		const struct vpc_instance *instance = &network->instances[i];
		json_t *object = json_object();
		put(object, "InstanceId", instance->id);
		json_object_set_new(object, "Title", text(instance->title));
		put(object, "Kind", instance->kind);
		if (instance->launched)
			json_object_set_new(object, "LaunchTime", json_integer(instance->launched));
		put(object, "Architecture", architecture(name.machine));
		json_object_set_new(object, "Tags", name_tag(instance->title));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *cidrs_of_vpc(const struct vpc_network *network, const char *id, bool is_v6)
{
	json_t *list = json_array();

	for (size_t i = 0; id && i < network->subnet_count; i++) {
		const struct vpc_subnet *subnet = &network->subnets[i];
		if (strcmp(subnet->vpc_id, id) != 0)
			continue;
		if (!is_v6 && subnet->cidr[0])
			json_array_append_new(list, json_string(subnet->cidr));
		for (size_t j = 0; is_v6 && j < subnet->cidr_v6_count; j++)
			json_array_append_new(list, json_string(subnet->cidrs_v6[j]));
	}
	return list;
}

static json_t *vpcs(const struct vpc_network *network)
{
	json_t *list = json_array();

	for (size_t i = 0; i < network->vpc_count; i++) {
		const struct vpc_vpc *vpc = &network->vpcs[i];
		json_t *object = json_object();
		put(object, "VpcId", vpc->id);
		json_object_set_new(object, "Title", text(vpc->title));
		json_object_set_new(object, "CidrBlocks", cidrs_of_vpc(network, vpc->id, false));
		json_object_set_new(object, "Ipv6CidrBlocks", cidrs_of_vpc(network, vpc->id, true));
		json_object_set_new(object, "Tags", name_tag(vpc->title));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *subnets(const struct vpc_network *network, const struct vpc_identity *identity)
{
	json_t *list = json_array();

	for (size_t i = 0; i < network->subnet_count; i++) {
		const struct vpc_subnet *subnet = &network->subnets[i];
		json_t *object = json_object(), *v6 = json_array();
		put(object, "SubnetId", subnet->id);
		put(object, "VpcId", subnet->vpc_id);
		json_object_set_new(object, "CidrBlock", json_string(subnet->cidr));
		for (size_t j = 0; j < subnet->cidr_v6_count; j++)
			json_array_append_new(v6, json_string(subnet->cidrs_v6[j]));
		json_object_set_new(object, "Ipv6CidrBlocks", v6);
		put(object, "AvailabilityZoneId", identity->az_id);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *permission_object(const struct vpc_permission *permission)
{
	json_t *object = json_object(), *v4 = json_array(), *v6 = json_array();
	char protocol[16];

	snprintf(protocol, sizeof(protocol), "%d", permission->protocol);
	json_object_set_new(object, "IsEgress", json_boolean(permission->is_egress));
	json_object_set_new(object, "IpProtocol",
		json_string(permission->protocol == 6    ? "tcp"
			    : permission->protocol == 17 ? "udp"
			    : permission->protocol == 1  ? "icmp"
			    : permission->protocol == 58 ? "icmpv6"
							 : protocol));
	if (permission->protocol >= 0 && permission->from_port >= 0) {
		json_object_set_new(object, "FromPort", json_integer(permission->from_port));
		json_object_set_new(object, "ToPort", json_integer(permission->to_port));
	} else if (permission->protocol == 6 || permission->protocol == 17) {
		json_object_set_new(object, "FromPort", json_integer(0));
		json_object_set_new(object, "ToPort", json_integer(65535));
	} else if (permission->protocol == 1 || permission->protocol == 58) {
		json_object_set_new(object, "FromPort", json_integer(-1));
		json_object_set_new(object, "ToPort", json_integer(-1));
	}
	for (size_t i = 0; i < permission->cidr_count; i++)
		json_array_append_new(strchr(permission->cidrs[i], ':') ? v6 : v4,
			json_string(permission->cidrs[i]));
	json_object_set_new(object, "Cidrs", v4);
	json_object_set_new(object, "Ipv6Cidrs", v6);
	return object;
}

static json_t *groups(const struct vpc_network *network)
{
	json_t *list = json_array();

	for (size_t i = 0; i < network->group_count; i++) {
		const struct vpc_security_group *group = &network->groups[i];
		json_t *object = json_object(), *permissions = json_array();
		put(object, "GroupId", group->id);
		json_object_set_new(object, "GroupName", text(group->name));
		put(object, "VpcId", group->vpc_id);
		put(object, "Description", group->description);
		for (size_t j = 0; j < group->permissions.count; j++)
			json_array_append_new(
				permissions, permission_object(&group->permissions.permission[j]));
		json_object_set_new(object, "Permissions", permissions);
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *tags_of(const struct vpc_network_interface *interface)
{
	json_t *tags = json_array();

	if (interface->named.name)
		json_array_append_new(tags, tag("Name", interface->named.name));
	for (size_t i = 0; i < interface->named.tag_count; i++)
		json_array_append_new(
			tags, tag(interface->named.tags[i].key, interface->named.tags[i].value));
	return tags;
}

static void put_addresses(json_t *object, const struct vpc_network_interface *interface)
{
	json_t *v4 = json_array(), *v6 = json_array();

	for (size_t i = 0; i < interface->address_count; i++)
		json_array_append_new(strchr(interface->addresses[i], ':') ? v6 : v4,
			json_string(interface->addresses[i]));
	json_object_set_new(object, "Addresses", v4);
	json_object_set_new(object, "Ipv6Addresses", v6);
}

static json_t *interface_object(
	const struct vpc_network_interface *interface, const struct vpc_identity *identity)
{
	const struct vpc_interface *device = &interface->interface;
	const uint8_t *mac = device->mac;
	json_t *object = json_object(), *group_ids = json_array();
	char mac_text[18];

	snprintf(mac_text, sizeof(mac_text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		mac[2], mac[3], mac[4], mac[5]);
	put(object, "NetworkInterfaceId", device->id);
	json_object_set_new(object, "DeviceName", text(device->name));
	put(object, "Kind", device->kind);
	put(object, "MacAddress", mac_text);
	put_addresses(object, interface);
	put(object, "SubnetId", device->subnet_id);
	put(object, "VpcId", device->vpc_id);
	put(object, "InstanceId", interface->instance_id);
	json_object_set_new(object, "IsUp", json_boolean(device->up));
	put(object, "Description", interface->description);
	json_array_append_new(group_ids, json_string(interface->group_id));
	json_object_set_new(object, "GroupIds", group_ids);
	put(object, "AvailabilityZoneId", identity->az_id);
	json_object_set_new(object, "DeviceIndex", json_integer(interface->device_index));
	json_object_set_new(object, "AttachTime", json_integer(interface->attached));
	json_object_set_new(object, "Tags", tags_of(interface));
	return object;
}

json_t *agent_inventory(const struct vpc_network *network, const struct vpc_identity *identity)
{
	json_t *object = json_object(), *interfaces = json_array();

	for (size_t i = 0; i < network->interface_count; i++)
		json_array_append_new(
			interfaces, interface_object(&network->interfaces[i], identity));
	json_object_set_new(object, "Instances", instances(network));
	json_object_set_new(object, "Vpcs", vpcs(network));
	json_object_set_new(object, "Subnets", subnets(network, identity));
	json_object_set_new(object, "SecurityGroups", groups(network));
	json_object_set_new(object, "NetworkInterfaces", interfaces);
	return object;
}
