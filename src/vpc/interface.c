/* Devices and addresses come from two rtnetlink dumps (RTM_GETLINK, RTM_GETADDR, rtnetlink(7)).
 *
 * Ids look like AWS's: a prefix, "0" and 16 hex digits. The digits are a hash of the machine-id and
 * of what stays with a device: the permanent MAC address of hardware; else the first of its
 * alternative names, which somebody gave it to be known by (ip link property add altname); else the
 * switch and port that it stands for (devlink: representors); else its name (virtual devices get a
 * new random MAC each time they are made). What was derived once is kept by vpc/ids.h. */
#include "vpc/interface.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/number.h"
#include "vpc/peers_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <time.h>

#define INTERFACES_MAX 65536

static uint64_t machine_hash(void)
{
	static const char *const paths[] = {
		"/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/sys/kernel/hostname"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_buf_ struct buf text = {0};
		if (file_read(paths[i], 4096, &text, NULL) == 0 && text.n > 1)
			return hash_bytes(text.p, text.n, 0);
	}
	return 0;
}

static void make_id(
	char ret_id[static VPC_ID_SIZE], const char *kind, struct str identity, uint64_t seed)
{
	uint64_t hash = hash_bytes(identity.p, identity.n, hash_bytes(kind, strlen(kind), seed));

	snprintf(ret_id, VPC_ID_SIZE, "%s-0%016llx", kind, (unsigned long long)hash);
}

void vpc_id_make(char ret_id[static VPC_ID_SIZE], const char *kind, struct str identity)
{
	make_id(ret_id, kind, identity, machine_hash());
}

void vpc_id_make_shared(char ret_id[static VPC_ID_SIZE], const char *kind, struct str identity)
{
	make_id(ret_id, kind, identity, 0);
}

/* "us-east-1" gives "use1-az1", "ap-southeast-2" gives "apse2-az1", as AWS shortens them; empty for
 * a region of another shape. */
static void make_az_id(char *ret_id, size_t size, const char *region)
{
	static const char *const directions[][2] = {{"northeast", "ne"}, {"northwest", "nw"},
		{"southeast", "se"}, {"southwest", "sw"}, {"north", "n"}, {"south", "s"},
		{"east", "e"}, {"west", "w"}, {"central", "c"}};
	struct str rest = str_from(region);
	struct str area, direction, number;

	ret_id[0] = '\0';
	if (!str_split(&rest, '-', &area) || !str_split(&rest, '-', &direction) ||
		!str_split(&rest, '-', &number) || rest.p)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
		if (str_equal(direction, str_from(directions[i][0])))
			snprintf(ret_id, size, "%.*s%s%.*s-az1", STR_ARG(area), directions[i][1],
				STR_ARG(number));
	}
}

static bool is_account_id(const char *text)
{
	return strlen(text) == 12 && strspn(text, "0123456789") == 12;
}

static bool is_region(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n < 32 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

int vpc_identity_init(struct vpc_identity *ret_identity, const char *account_id, const char *region,
	struct err *err)
{
	struct vpc_identity identity = {0};

	if (!account_id)
		account_id = "000000000000";
	if (!region)
		region = "us-east-1";
	if (!is_account_id(account_id))
		return err_set(
			err, ERR_USAGE, "account id: expected 12 digits, found '%s'", account_id);
	if (!is_region(region))
		return err_set(err, ERR_USAGE, "region: expected a name like eu-west-1, found '%s'",
			region);
	snprintf(identity.account_id, sizeof(identity.account_id), "%s", account_id);
	snprintf(identity.region, sizeof(identity.region), "%s", region);
	make_az_id(identity.az_id, sizeof(identity.az_id), region);
	vpc_id_make(identity.vpc_id, "vpc", STR("default"));
	vpc_id_make(identity.instance_id, "i", STR("host"));
	vpc_id_make(identity.flow_log_id, "fl", STR("default"));
	*ret_identity = identity;
	return 0;
}

/* libmnl's loops mix signed sizes. */
#pragma GCC diagnostic ignored "-Wconversion"

struct listing {
	struct vpc_interface *interfaces;
	size_t count, capacity;
};

/* Devices that carry no traffic of their own: test sinks, monitors, queueing helpers. */
static bool is_helper_kind(const char *kind)
{
	static const char *const helpers[] = {"dummy", "ifb", "nlmon", "vcan", "vxcan", "vsockmon"};

	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
		if (strcmp(kind, helpers[i]) == 0)
			return true;
	}
	return false;
}

static uint8_t tun_type(const struct nlattr *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, data)
	{
		if (mnl_attr_get_type(attribute) == IFLA_TUN_TYPE &&
			mnl_attr_get_payload_len(attribute) == 1)
			return mnl_attr_get_u8(attribute);
	}
	return 0;
}

/* What `ip -d link` calls it; a tun device of Ethernet frames is a tap. */
static void set_kind(struct vpc_interface *interface, const struct nlattr *information)
{
	const struct nlattr *attribute;
	uint8_t type = 0;

	mnl_attr_for_each_nested(attribute, information)
	{
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND &&
			mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
			snprintf(interface->kind, sizeof(interface->kind), "%s",
				mnl_attr_get_str(attribute));
		else if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA)
			type = tun_type(attribute);
	}
	if (strcmp(interface->kind, "tun") == 0 && type == IFF_TAP)
		snprintf(interface->kind, sizeof(interface->kind), "tap");
}

static void set_default_kind(struct vpc_interface *interface)
{
	if (!interface->kind[0])
		snprintf(interface->kind, sizeof(interface->kind), "%s",
			interface->loopback                    ? "loopback"
			: interface->link_type == ARPHRD_ETHER ? "ether"
							       : "other");
}

static struct vpc_interface *add_interface(struct listing *listing)
{
	if (listing->count == listing->capacity) {
		listing->capacity = listing->capacity ? 2 * listing->capacity : 16;
		listing->interfaces = mem_grow(
			listing->interfaces, listing->capacity, sizeof(*listing->interfaces));
	}
	struct vpc_interface *interface = &listing->interfaces[listing->count++];
	*interface = (struct vpc_interface){0};
	return interface;
}

/* What an id may be derived from; n == 0: there is none. */
struct stable {
	struct str permanent_mac, alternative_name, switch_id, port_name;
};

static struct str payload(const struct nlattr *attribute)
{
	struct str text = {mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute)};

	return text;
}

static struct str text_payload(const struct nlattr *attribute)
{
	struct str text = payload(attribute);

	while (text.n && !text.p[text.n - 1])
		text.n--;
	return text;
}

static void take_stable(struct stable *stable, const struct nlattr *attribute)
{
	const struct nlattr *property;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_PERM_ADDRESS:
		if (mnl_attr_get_payload_len(attribute) == 6)
			stable->permanent_mac = payload(attribute);
		break;
	case IFLA_PROP_LIST:
		mnl_attr_for_each_nested(property, attribute)
		{
			if (mnl_attr_get_type(property) == IFLA_ALT_IFNAME &&
				!stable->alternative_name.n)
				stable->alternative_name = text_payload(property);
		}
		break;
	case IFLA_PHYS_SWITCH_ID:
		stable->switch_id = payload(attribute);
		break;
	case IFLA_PHYS_PORT_NAME:
		stable->port_name = text_payload(attribute);
		break;
	}
}

static void name_interface(struct vpc_interface *interface, const struct stable *stable)
{
	_cleanup_buf_ struct buf port = {0};
	struct str identity = str_from(interface->name);

	if (stable->permanent_mac.n) {
		identity = stable->permanent_mac;
	} else if (stable->alternative_name.n) {
		identity = stable->alternative_name;
	} else if (stable->switch_id.n && stable->port_name.n) {
		buf_add_str(&port, stable->switch_id);
		buf_add_char(&port, ' ');
		buf_add_str(&port, stable->port_name);
		identity = buf_str(&port);
	}
	vpc_id_make(interface->id, "eni", identity);
}

static void take_link_attribute(struct vpc_interface *interface, const struct nlattr *attribute)
{
	uint16_t length = mnl_attr_get_payload_len(attribute);

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		snprintf(interface->name, sizeof(interface->name), "%.*s", (int)length,
			mnl_attr_get_str(attribute));
		break;
	case IFLA_IFALIAS:
		snprintf(interface->alias, sizeof(interface->alias), "%.*s", (int)length,
			mnl_attr_get_str(attribute));
		break;
	case IFLA_ADDRESS:
		if (length == 6)
			memcpy(interface->mac, mnl_attr_get_payload(attribute), 6);
		break;
	case IFLA_LINKINFO:
		set_kind(interface, attribute);
		break;
	case IFLA_MASTER:
		interface->master = length == 4 ? mnl_attr_get_u32(attribute) : 0;
		break;
	case IFLA_LINK:
		interface->peer = length == 4 ? mnl_attr_get_u32(attribute) : 0;
		break;
	case IFLA_LINK_NETNSID:
		interface->peer_nsid = length == 4 ? (int32_t)mnl_attr_get_u32(attribute) : -1;
		break;
	}
}

static int on_link(const struct nlmsghdr *message, void *context)
{
	struct listing *listing = context;
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	struct stable stable = {0};

	if (listing->count >= INTERFACES_MAX)
		return MNL_CB_OK;
	struct vpc_interface *interface = add_interface(listing);
	interface->ifindex = (uint32_t)link->ifi_index;
	interface->up = link->ifi_flags & IFF_UP;
	interface->loopback = link->ifi_flags & IFF_LOOPBACK;
	interface->link_type = link->ifi_type;
	interface->peer_nsid = -1;
	mnl_attr_for_each(attribute, message, sizeof(*link))
	{
		take_link_attribute(interface, attribute);
		take_stable(&stable, attribute);
	}
	interface->carries_traffic = !interface->loopback && !is_helper_kind(interface->kind);
	set_default_kind(interface);
	name_interface(interface, &stable);
	return MNL_CB_OK;
}

static struct vpc_interface *find_interface(struct listing *listing, uint32_t ifindex)
{
	for (size_t i = 0; i < listing->count; i++) {
		if (listing->interfaces[i].ifindex == ifindex)
			return &listing->interfaces[i];
	}
	return NULL;
}

static void add_address(struct vpc_interface *interface, const struct ip_addr *addr,
	const struct ip_addr *peer, uint8_t prefix_length, bool primary)
{
	if (interface->addresses == VPC_INTERFACE_ADDRESSES_MAX)
		return;
	size_t i = interface->addresses++;
	interface->address[i] = *addr;
	interface->prefix[i] = ip_prefix_from(peer, prefix_length);
	if (primary && ip_is_v4(addr) && !interface->has_primary_v4) {
		interface->has_primary_v4 = true;
		interface->primary_v4 = *addr;
	}
}

static int on_address(const struct nlmsghdr *message, void *context)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	struct vpc_interface *interface = find_interface(context, header->ifa_index);
	const struct nlattr *attribute;
	const void *local = NULL, *address = NULL;
	uint16_t size = header->ifa_family == AF_INET ? 4 : 16;

	if (!interface || (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(*header))
	{
		if (mnl_attr_get_payload_len(attribute) != size)
			continue;
		if (mnl_attr_get_type(attribute) == IFA_LOCAL)
			local = mnl_attr_get_payload(attribute);
		else if (mnl_attr_get_type(attribute) == IFA_ADDRESS)
			address = mnl_attr_get_payload(attribute);
	}
	if (!local)
		local = address; /* IPv6: IFA_LOCAL on point-to-point links only */
	if (!address)
		address = local;
	if (!local)
		return MNL_CB_OK;
	struct ip_addr own = size == 4 ? ip_from_v4(local) : ip_from_v6(local);
	struct ip_addr peer = size == 4 ? ip_from_v4(address) : ip_from_v6(address);
	bool primary = !(header->ifa_flags & IFA_F_SECONDARY) && header->ifa_scope < RT_SCOPE_LINK;
	add_address(interface, &own, &peer, header->ifa_prefixlen, primary);
	return MNL_CB_OK;
}

/* nsid: of another name space, which the kernel then looks into; -1: this one. */
static int dump(struct mnl_socket *socket, uint16_t type, int32_t nsid, mnl_cb_t callback,
	struct listing *listing, struct err *err)
{
	_cleanup_free_ char *buffer = mem_new(1, 32768);
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	uint32_t sequence = (uint32_t)time(NULL) + type;
	int status;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = sequence;
	mnl_nlmsg_put_extra_header(
		message, type == RTM_GETLINK ? sizeof(struct ifinfomsg) : sizeof(struct ifaddrmsg));
	if (nsid >= 0)
		mnl_attr_put_u32(message,
			type == RTM_GETLINK ? IFLA_TARGET_NETNSID : IFA_TARGET_NETNSID,
			(uint32_t)nsid);
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return err_set_errno(err, errno, "cannot ask the kernel for its interfaces");
	do {
		ssize_t got = mnl_socket_recvfrom(socket, buffer, 32768);
		if (got < 0)
			return err_set_errno(err, errno, "cannot read the kernel's interfaces");
		status = mnl_cb_run(buffer, (size_t)got, sequence, mnl_socket_get_portid(socket),
			callback, listing);
	} while (status > MNL_CB_STOP);
	/* EINTR: the list changed under the dump. The caller hears of the change and lists again.
	 */
	if (status < 0 && errno != EINTR)
		return err_set_errno(err, errno, "cannot read the kernel's interfaces");
	return 0;
}

static void set_value(struct vpc_interface *interface, enum record_field field, const char *text)
{
	interface->record.values[field] = str_from(text);
}

void vpc_interface_set_record(struct vpc_interface *interface, const struct vpc_identity *identity)
{
	set_value(interface, RECORD_ACCOUNT_ID, identity->account_id);
	set_value(interface, RECORD_INTERFACE_ID, interface->id);
	set_value(interface, RECORD_VPC_ID,
		interface->vpc_id[0] ? interface->vpc_id : identity->vpc_id);
	set_value(interface, RECORD_SUBNET_ID, interface->subnet_id);
	set_value(interface, RECORD_INSTANCE_ID,
		interface->instance_id[0] ? interface->instance_id : identity->instance_id);
	set_value(interface, RECORD_REGION, identity->region);
	set_value(interface, RECORD_AZ_ID, identity->az_id);
}

const struct ip_prefix *vpc_interface_subnet(const struct vpc_interface *interface)
{
	for (size_t i = 0; i < interface->addresses && interface->has_primary_v4; i++) {
		if (ip_equal(&interface->address[i], &interface->primary_v4))
			return &interface->prefix[i];
	}
	return interface->addresses ? &interface->prefix[0] : NULL;
}

static void name_subnet(struct vpc_interface *interface)
{
	const struct ip_prefix *prefix = vpc_interface_subnet(interface);

	if (!prefix)
		return;
	char identity[IP_STR_MAX + 8];
	char *end = ip_write(identity, &prefix->addr);
	*end++ = '/';
	end = number_write(end, prefix->length);
	vpc_id_make(
		interface->subnet_id, "subnet", (struct str){identity, (size_t)(end - identity)});
}

/* A port without addresses is in the subnet of its bridge. */
static void take_subnet_of_master(struct listing *listing, struct vpc_interface *interface)
{
	const struct vpc_interface *master =
		interface->master ? find_interface(listing, interface->master) : NULL;

	if (master && !interface->subnet_id[0])
		memcpy(interface->subnet_id, master->subnet_id, sizeof(interface->subnet_id));
}

int vpc_interfaces_list_of(
	int32_t nsid, struct vpc_interface **ret_interfaces, size_t *ret_count, struct err *err)
{
	struct listing listing = {0};
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		if (socket)
			mnl_socket_close(socket);
		return err_set_errno(err, errno, "cannot open a netlink socket");
	}
	/* Without it a kernel would take no notice of the name space in the second request. */
	int strict = 1;
	(void)setsockopt(mnl_socket_get_fd(socket), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict,
		sizeof(strict));
	int result = dump(socket, RTM_GETLINK, nsid, on_link, &listing, err);
	if (result == 0)
		result = dump(socket, RTM_GETADDR, nsid, on_address, &listing, err);
	mnl_socket_close(socket);
	if (result < 0) {
		free(listing.interfaces);
		return result;
	}
	for (size_t i = 0; i < listing.count; i++)
		name_subnet(&listing.interfaces[i]);
	for (size_t i = 0; i < listing.count; i++)
		take_subnet_of_master(&listing, &listing.interfaces[i]);
	*ret_interfaces = listing.interfaces;
	*ret_count = listing.count;
	return 0;
}

int vpc_interfaces_list(struct vpc_interface **ret_interfaces, size_t *ret_count, struct err *err)
{
	return vpc_interfaces_list_of(-1, ret_interfaces, ret_count, err);
}

int vpc_monitor_open(int *ret_fd, struct err *err)
{
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct sockaddr_nl address = {.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set_errno(err, errno, "cannot follow the kernel's interfaces");
	*ret_fd = take_fd(fd);
	return 0;
}

bool vpc_monitor_changed(int fd, uint32_t *ret_gone, size_t max, size_t *ret_count)
{
	_Alignas(struct nlmsghdr) char buffer[8192];
	bool changed = false;
	ssize_t got;

	*ret_count = 0;
	/* ENOBUFS: messages were lost, which is a change as well. */
	while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0 || errno == ENOBUFS) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
		int left = (int)got;
		changed = true;
		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
			const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
			/* AF_BRIDGE: it is no port any more, and there. */
			if (message->nlmsg_type == RTM_DELLINK && link->ifi_family == AF_UNSPEC &&
				*ret_count < max)
				ret_gone[(*ret_count)++] = (uint32_t)link->ifi_index;
		}
	}
	return changed;
}

static bool is_group_address(const struct vpc_interface *interface, const struct ip_addr *addr)
{
	uint32_t host = ntohl(addr->words[3]);

	if ((host >> 28) == 0xe || host == UINT32_MAX)
		return true;
	for (size_t i = 0; i < interface->addresses; i++) {
		const struct ip_prefix *prefix = &interface->prefix[i];
		if (ip_is_v4(&prefix->addr) && prefix->length < 127 &&
			ip_prefix_contains(prefix, addr)) {
			uint32_t mask = UINT32_MAX >> (prefix->length - 96);
			if ((host & mask) == mask)
				return true; /* the subnet's broadcast address */
		}
	}
	return false;
}

/* The address that the record shows on the interface's side. */
static struct ip_addr own_side(const struct vpc_interface *interface, const struct ip_addr *addr)
{
	if (!interface->has_primary_v4 || !ip_is_v4(addr) || is_group_address(interface, addr))
		return *addr;
	return interface->primary_v4;
}

/* Not routed on the internet: RFC 6890's private, shared, link-local, loopback and group ranges. */
static bool is_private(const struct ip_addr *addr)
{
	static const struct {
		uint32_t network, mask;
	} ranges[] = {{0x0a000000, 0xff000000}, {0xac100000, 0xfff00000}, {0xc0a80000, 0xffff0000},
		{0x64400000, 0xffc00000}, {0xa9fe0000, 0xffff0000}, {0x7f000000, 0xff000000},
		{0xe0000000, 0xe0000000}};

	if (!ip_is_v4(addr))
		return (addr->bytes[0] & 0xe0) != 0x20; /* global unicast is 2000::/3 */
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if ((ntohl(addr->words[3]) & ranges[i].mask) == ranges[i].network)
			return true;
	}
	return false;
}

/* AWS's traffic-path: 1 stays in the VPC, 8 leaves by an internet gateway. The rest of its values
 * name parts that a Linux network does not have. */
static uint8_t traffic_path(const struct vpc_interface *interface, const struct ip_addr *dst)
{
	for (size_t i = 0; i < interface->addresses; i++) {
		if (ip_prefix_contains(&interface->prefix[i], dst))
			return 1;
	}
	return is_private(dst) ? 0 : 8;
}

void vpc_interface_record(const struct vpc_interface *interface, const struct flow_key *key,
	const struct flow_counts *counts, struct record *ret_record)
{
	struct record record = {
		.interface = &interface->record,
		.status = RECORD_OK,
		.action = (enum record_action)key->action,
		.direction = (enum record_direction)key->direction,
		.srcaddr = key->src,
		.dstaddr = key->dst,
		.pkt_srcaddr = key->src,
		.pkt_dstaddr = key->dst,
		.srcport = key->src_port,
		.dstport = key->dst_port,
		.protocol = key->protocol,
		.tcp_flags = counts->tcp_flags,
		.packets = counts->packets,
		.bytes = counts->bytes,
		.start = counts->first,
		.end = counts->last,
	};

	if (record.direction == RECORD_INGRESS)
		record.dstaddr = own_side(interface, &key->dst);
	if (record.direction == RECORD_EGRESS) {
		record.srcaddr = own_side(interface, &key->src);
		record.traffic_path = traffic_path(interface, &key->dst);
	}
	*ret_record = record;
}
