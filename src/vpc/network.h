/* network: this host as AWS shows a VPC: its instances (the host, and each container or machine
 * behind a veth or tap), VPCs, subnets, security groups and network interfaces. A snapshot: read
 * again when something has changed. What it costs: a few dumps of rtnetlink, a look at each
 * process' control group, the firewall's rules; milliseconds on a host of hundreds of containers.
 * Needs CAP_NET_ADMIN for all but the names; without it there is less to see, and no error. Owner:
 * the caller. A reader has one thread; a network is a plain value that borrows from the
 * configuration. */
#pragma once

#include "vpc/firewall.h"
#include "vpc/ids.h"
#include "vpc/naming.h"

struct vpc_instance {
	char id[VPC_ID_SIZE];
	char title[256];
	const char *kind;      /* host, container, pod, vm */
	int64_t launched;      /* Unix seconds; 0: not known */
	unsigned device_count; /* so far */
};

struct vpc_vpc {
	char id[VPC_ID_SIZE];
	char title[256];
};

struct vpc_subnet {
	char id[VPC_ID_SIZE], vpc_id[VPC_ID_SIZE];
	char cidr[VPC_FIREWALL_CIDR_SIZE]; /* "" when it has IPv6 alone */
	char (*cidrs_v6)[VPC_FIREWALL_CIDR_SIZE];
	size_t cidr_v6_count;
};

struct vpc_security_group {
	char id[VPC_ID_SIZE], vpc_id[VPC_ID_SIZE];
	char name[64];
	char description[256];
	struct vpc_permissions permissions;
};

struct vpc_network_interface {
	struct vpc_interface interface;
	char description[512];
	char (*addresses)[VPC_FIREWALL_CIDR_SIZE]; /* ADDRESS/LENGTH: its own, or its peer's */
	size_t address_count;
	char instance_id[VPC_ID_SIZE];
	char group_id[VPC_ID_SIZE];
	unsigned device_index;
	int64_t attached; /* Unix seconds */
	struct vpc_named named;
};

struct vpc_network {
	struct vpc_instance *instances; /* the host first */
	size_t instance_count;
	struct vpc_vpc *vpcs;
	size_t vpc_count;
	struct vpc_subnet *subnets;
	size_t subnet_count;
	struct vpc_security_group *groups;
	size_t group_count;
	struct vpc_network_interface *interfaces;
	size_t interface_count;
};

struct vpc_network_reader;

struct vpc_network_settings {
	struct vpc_identity identity;
	const struct vpc_naming *naming; /* lent */
	struct vpc_ids *ids;             /* lent; NULL: as derived */
	bool include_loopback;
	const char *root; /* NULL or a folder before the paths of container engines' files */
};

struct vpc_network_reader *vpc_network_reader_new(const struct vpc_network_settings *settings);
void vpc_network_reader_free(struct vpc_network_reader *reader);
MEM_DEFINE_CLEANUP(struct vpc_network_reader, vpc_network_reader_free)
int vpc_network_read(
	struct vpc_network_reader *reader, struct vpc_network *ret_network, struct err *err);
/* Whether something hints at another network than the one that was read last: firewall rules were
 * set, a container's or machine's process has started, a name space was named. Devices are
 * vpc_monitor's. Cheap: does not read what it hints at, and so may be wrong either way (a container
 * that was renamed is one); read again now and then. */
bool vpc_network_has_changed(struct vpc_network_reader *reader);
void vpc_network_done(struct vpc_network *network);
