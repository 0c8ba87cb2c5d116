#include "cli/command.h"

#include "cli/listing.h"

extern const struct cli_command cli_interfaces;

/* begins with the remote */
struct settings {
	struct cli_remote remote;
	struct cli_listing listing;
};

static int set_output(void *settings, const char *value, struct err *err)
{
	return cli_rows_set_output(&((struct settings *)settings)->listing.output, value, err);
}

static int set_filter(void *settings, const char *value, struct err *err)
{
	return cli_listing_add_filter(&((struct settings *)settings)->listing, value, err);
}

static const struct cli_column columns[] = {
	{"INTERFACE", "NetworkInterfaceId", "networkInterfaceId"},
	{"DEVICE", "Device", "tagSet/nagare:device"},
	{"KIND", "Kind", "tagSet/nagare:kind"},
	{"ADDRESSES", "PrivateIpAddresses", "privateIpAddressesSet/item/privateIpAddress"},
	{NULL, "Ipv6Addresses", "ipv6AddressesSet/item/ipv6Address"},
	{NULL, "MacAddress", "macAddress"},
	{"SUBNET", "SubnetId", "subnetId"},
	{"VPC", "VpcId", "vpcId"},
	{"INSTANCE", "InstanceId", "attachment/instanceId"},
	{"STATUS", "Status", "status"},
	{"DESCRIPTION", "Description", "description"},
	{NULL, "AvailabilityZone", "availabilityZone"},
	{NULL, "GroupIds", "groupSet/item/groupId"},
	{NULL, "OwnerId", "ownerId"},
	{NULL, "Tags", "tagSet"},
	{0},
};

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	struct settings *settings = settings_;
	static const struct cli_listing_kind kind = {"DescribeNetworkInterfaces",
		"NetworkInterfaceId", "networkInterfaceSet", columns,
		"No interfaces: no agent has told of any."};

	int result = cli_remote_open(&settings->remote, err);
	if (result == 0)
		result = cli_listing_run(
			&settings->remote, &settings->listing, &kind, argv, (size_t)argc, err);
	cli_remote_close(&settings->remote);
	return result;
}

static const struct cli_option options[] = {
	{"output", 'o', "table|json|csv", CLI_ROWS_OUTPUT_HELP, set_output},
	{"filter", 'f', "NAME=VALUE[,VALUE]", CLI_LISTING_FILTER_HELP, set_filter},
	CLI_REMOTE_OPTIONS,
	{0},
};

static const struct cli_example examples[] = {
	{"nagare interfaces", "All network interfaces of all agents."},
	{"nagare interfaces -f vpc-id=vpc-0123456789abcdef0 -f tag:nagare:kind=veth",
		"Those of containers in a VPC."},
	{"nagare interfaces -o json | jq -r '.[].NetworkInterfaceId'", "Their ids, for a program."},
	{0},
};

const struct cli_command cli_interfaces = {
	.name = "interfaces",
	.operands = "[INTERFACE...]",
	.summary = "list network interfaces, to make flow logs on",
	.description =
		"Lists the network interfaces that agents have told the server of, by "
		"DescribeNetworkInterfaces: id, device, addresses, subnet, VPC and instance, each of "
		"which a flow log can be made on. With ids, only those.\n\n"
		"The status is in-use, or available for an interface whose agent has not been seen "
		"for half a minute.\n\n"
		"As JSON: an array of objects with NetworkInterfaceId, Device, Kind, "
		"PrivateIpAddresses, Ipv6Addresses, MacAddress, SubnetId, VpcId, InstanceId, Status, "
		"Description, AvailabilityZone, GroupIds, OwnerId and Tags. CSV has the same columns; "
		"lists and tags are separated by spaces.",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run,
};
