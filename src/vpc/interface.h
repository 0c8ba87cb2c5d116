/* interface: a network device of this host as AWS's network interface.
 * Ids are derived (never stored) from /etc/machine-id and what stays with the device (permanent MAC
 * address, else name), so that they are the same over restarts: "eni-" and 17 hex digits.
 * Owner: the caller. Reads rtnetlink (blocks on the kernel, microseconds). */
#pragma once

#include "base/err.h"
#include "base/ip.h"
#include "base/mem.h"
#include "flow/flow.h"
#include "record/record.h"

#include <net/if.h>
#include <stdbool.h>

#define VPC_INTERFACE_ADDRESSES_MAX 32
#define VPC_ID_SIZE                 28 /* the longest is "subnet-" and 17 digits */

struct vpc_interface {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
	uint8_t mac[6];
	bool up;
	bool loopback;
	bool carries_traffic; /* of its own: not lo, dummy, ifb, nlmon, ... */
	uint32_t link_type;   /* ARPHRD_ */
	char kind[16];        /* ether, loopback, veth, tap, tun, vlan, bridge, wireguard, ... */
	char alias[64];       /* ip link set alias; "" */
	uint32_t master;      /* ifindex of the bridge, bond, ... it is a port of; 0 */
	uint32_t peer;        /* ifindex of the other end (veth), or of what it lies on (vlan); 0 */
	int32_t peer_nsid;    /* name space of that, as this one numbers it; -1: this one */
	size_t addresses;
	struct ip_addr address[VPC_INTERFACE_ADDRESSES_MAX];
	struct ip_prefix prefix[VPC_INTERFACE_ADDRESSES_MAX]; /* on-link subnet of each address */
	bool has_primary_v4;
	struct ip_addr primary_v4;
	char id[VPC_ID_SIZE];        /* eni-... */
	char subnet_id[VPC_ID_SIZE]; /* subnet-... */
	/* Other than the identity's: empty until somebody says so (vpc/network.h). */
	char vpc_id[VPC_ID_SIZE], instance_id[VPC_ID_SIZE];
	struct record_interface record; /* what its records say; borrows from this struct */
};

/* Who this host is, for the fields that are the same on all interfaces. */
struct vpc_identity {
	char account_id[13];
	char region[32];
	char az_id[32];
	char vpc_id[VPC_ID_SIZE];
	char instance_id[VPC_ID_SIZE];
	char flow_log_id[VPC_ID_SIZE];
};

/* Ids derived from machine-id; account 000000000000 and region us-east-1 unless given (may be
 * NULL). */
int vpc_identity_init(struct vpc_identity *ret_identity, const char *account_id, const char *region,
	struct err *err);
/* "KIND-0" and 16 hex digits: always the same for this text, on this host (or on all hosts, where
 * several share what it names). */
void vpc_id_make(char ret_id[static VPC_ID_SIZE], const char *kind, struct str identity);
void vpc_id_make_shared(char ret_id[static VPC_ID_SIZE], const char *kind, struct str identity);
/* All devices of this network namespace. The array is the caller's to free(). */
int vpc_interfaces_list(struct vpc_interface **ret_interfaces, size_t *ret_count, struct err *err);
/* The on-link prefix of the primary address, or else of the first one; NULL without addresses. */
const struct ip_prefix *vpc_interface_subnet(const struct vpc_interface *interface);
/* Fills interface->record, which borrows from both: call it again when either moves. */
void vpc_interface_set_record(struct vpc_interface *interface, const struct vpc_identity *identity);
/* A non-blocking descriptor that is readable when devices or addresses may have changed, and
 * whether they did since the last call. Also which devices were unregistered (or left for another
 * name space): there may be others under their indices by now. */
int vpc_monitor_open(int *ret_fd, struct err *err);
bool vpc_monitor_changed(int fd, uint32_t *ret_gone, size_t max, size_t *ret_count);
/* The record of a flow on this interface: srcaddr and dstaddr as AWS writes them (VPC guide, "Flow
 * log records"): on the interface's side its primary IPv4 address wherever the packet has another
 * that is not a group address; IPv6 as in the packet. */
void vpc_interface_record(const struct vpc_interface *interface, const struct flow_key *key,
	const struct flow_counts *counts, struct record *ret_record);
