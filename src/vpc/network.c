#include "vpc/network.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "vpc/hints_priv.h"
#include "vpc/machines_priv.h"
#include "vpc/peers_priv.h"

#include <stdio.h>
#include <string.h>

/* When a device was first seen: what is there at the start has been since the host's. */
struct seen {
	uint32_t ifindex;
	char id[VPC_ID_SIZE];
	int64_t since;
};

struct vpc_network_reader {
	struct vpc_network_settings settings;
	struct seen *seen;
	size_t seen_count;
	bool is_started;
	int64_t booted;
	struct vpc_hints *hints;
};

/* What is not in the list of interfaces itself. */
struct surroundings {
	struct vpc_spaces spaces;
	struct vpc_machines machines;
	json_t *rules; /* NULL: none are shown */
};

/* ---- the host ---- */

static int64_t boot_time(void)
{
	_cleanup_buf_ struct buf text = {0};
	struct str rest, line;
	uint64_t seconds;

	if (file_read("/proc/stat", (size_t)1 << 22, &text, NULL) < 0)
		return 0;
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		if (str_starts_with(line, STR("btime ")) &&
			number_parse((struct str){line.p + 6, line.n - 6}, INT64_MAX, &seconds))
			return (int64_t)seconds;
	}
	return 0;
}

struct vpc_network_reader *vpc_network_reader_new(const struct vpc_network_settings *settings)
{
	struct vpc_network_reader *reader = mem_new(1, sizeof(*reader));

	reader->settings = *settings;
	reader->booted = boot_time();
	reader->hints = vpc_hints_new(settings->root ? settings->root : "");
	return reader;
}

void vpc_network_reader_free(struct vpc_network_reader *reader)
{
	if (!reader)
		return;
	vpc_hints_free(reader->hints);
	free(reader->seen);
	free(reader);
}

/* ---- parts of the network, each made once ---- */

static struct vpc_instance *add_instance(
	struct vpc_network *network, const char *id, const char *kind, const char *title)
{
	for (size_t i = 0; i < network->instance_count; i++) {
		if (strcmp(network->instances[i].id, id) == 0)
			return &network->instances[i];
	}
	network->instances = mem_grow(
		network->instances, network->instance_count + 1, sizeof(network->instances[0]));
	struct vpc_instance *instance = &network->instances[network->instance_count++];
	*instance = (struct vpc_instance){.kind = kind};
	snprintf(instance->id, sizeof(instance->id), "%s", id);
	snprintf(instance->title, sizeof(instance->title), "%s", title);
	return instance;
}

static void add_vpc(struct vpc_network *network, const char *id, const char *title)
{
	for (size_t i = 0; i < network->vpc_count; i++) {
		if (strcmp(network->vpcs[i].id, id) == 0)
			return;
	}
	network->vpcs = mem_grow(network->vpcs, network->vpc_count + 1, sizeof(network->vpcs[0]));
	struct vpc_vpc *vpc = &network->vpcs[network->vpc_count++];
	snprintf(vpc->id, sizeof(vpc->id), "%s", id);
	snprintf(vpc->title, sizeof(vpc->title), "%s", title);
}

static void print_cidr(
	char ret_text[static VPC_FIREWALL_CIDR_SIZE], const struct ip_addr *addr, uint8_t length)
{
	char *end = ip_write(ret_text, addr);

	*end++ = '/';
	end = number_write(end, ip_is_v4(addr) && length >= 96 ? length - 96u : length);
	*end = '\0';
}

static struct vpc_subnet *find_subnet(const struct vpc_network *network, const char *id)
{
	for (size_t i = 0; i < network->subnet_count; i++) {
		if (strcmp(network->subnets[i].id, id) == 0)
			return &network->subnets[i];
	}
	return NULL;
}

static struct vpc_subnet *add_subnet(
	struct vpc_network *network, const struct vpc_interface *interface)
{
	const struct ip_prefix *prefix = vpc_interface_subnet(interface);
	struct vpc_subnet *subnet = find_subnet(network, interface->subnet_id);

	if (subnet || !prefix)
		return subnet;
	network->subnets =
		mem_grow(network->subnets, network->subnet_count + 1, sizeof(network->subnets[0]));
	subnet = &network->subnets[network->subnet_count++];
	*subnet = (struct vpc_subnet){.cidr = ""};
	memcpy(subnet->id, interface->subnet_id, sizeof(subnet->id));
	memcpy(subnet->vpc_id, interface->vpc_id, sizeof(subnet->vpc_id));
	if (ip_is_v4(&prefix->addr))
		print_cidr(subnet->cidr, &prefix->addr, prefix->length);
	return subnet;
}

/* IPv6 prefixes of an interface are its subnet's; link-local ones are everywhere. */
static void add_subnet_v6(struct vpc_subnet *subnet, const struct ip_prefix *prefix)
{
	char text[VPC_FIREWALL_CIDR_SIZE];

	if (ip_is_v4(&prefix->addr) || prefix->addr.bytes[0] == 0xfe)
		return;
	print_cidr(text, &prefix->addr, prefix->length);
	for (size_t i = 0; i < subnet->cidr_v6_count; i++) {
		if (strcmp(subnet->cidrs_v6[i], text) == 0)
			return;
	}
	subnet->cidrs_v6 =
		mem_grow(subnet->cidrs_v6, subnet->cidr_v6_count + 1, sizeof(subnet->cidrs_v6[0]));
	memcpy(subnet->cidrs_v6[subnet->cidr_v6_count++], text, sizeof(text));
}

/* ---- security groups ---- */

static void describe_group(struct vpc_security_group *group, bool has_rules)
{
	size_t unrendered = group->permissions.unrendered;

	if (!has_rules)
		snprintf(group->description, sizeof(group->description),
			"No firewall rules were found: all traffic is allowed");
	else if (unrendered)
		snprintf(group->description, sizeof(group->description),
			"The nftables rules of this host, without %zu that a security group cannot "
			"say",
			unrendered);
	else
		snprintf(group->description, sizeof(group->description),
			"The nftables rules of this host");
}

/* One for all interfaces of a VPC that the rules treat alike; one of its own for one that has rules
 * of its own. */
static void add_group(
	struct vpc_network *network, struct vpc_network_interface *interface, const json_t *rules)
{
	struct vpc_permissions permissions;
	char identity[2 * VPC_ID_SIZE + 2];

	vpc_firewall_render(rules, interface->interface.name, &permissions);
	for (size_t i = 0; i < network->group_count; i++) {
		struct vpc_security_group *group = &network->groups[i];
		if (strcmp(group->vpc_id, interface->interface.vpc_id) == 0 &&
			vpc_permissions_equal(&group->permissions, &permissions)) {
			memcpy(interface->group_id, group->id, sizeof(group->id));
			vpc_permissions_done(&permissions);
			return;
		}
	}
	bool is_first = true;
	for (size_t i = 0; i < network->group_count; i++)
		is_first &= strcmp(network->groups[i].vpc_id, interface->interface.vpc_id) != 0;
	network->groups =
		mem_grow(network->groups, network->group_count + 1, sizeof(network->groups[0]));
	struct vpc_security_group *group = &network->groups[network->group_count++];
	*group = (struct vpc_security_group){.permissions = permissions};
	memcpy(group->vpc_id, interface->interface.vpc_id, sizeof(group->vpc_id));
	snprintf(identity, sizeof(identity), "%s %s", group->vpc_id,
		is_first ? "" : interface->interface.id);
	vpc_id_make(group->id, "sg", str_from(identity));
	snprintf(group->name, sizeof(group->name), "%s%s", is_first ? "host-firewall" : "firewall-",
		is_first ? "" : interface->interface.name);
	describe_group(group, rules != NULL);
	memcpy(interface->group_id, group->id, sizeof(group->id));
}

/* ---- interfaces ---- */

static int64_t first_seen(
	struct vpc_network_reader *reader, const struct vpc_interface *interface, int64_t now)
{
	for (size_t i = 0; i < reader->seen_count; i++) {
		if (reader->seen[i].ifindex == interface->ifindex &&
			strcmp(reader->seen[i].id, interface->id) == 0)
			return reader->seen[i].since;
	}
	reader->seen = mem_grow(reader->seen, reader->seen_count + 1, sizeof(reader->seen[0]));
	struct seen *seen = &reader->seen[reader->seen_count++];
	seen->ifindex = interface->ifindex;
	memcpy(seen->id, interface->id, sizeof(seen->id));
	seen->since = reader->is_started || !reader->booted ? now : reader->booted;
	return seen->since;
}

static void forget_gone(struct vpc_network_reader *reader, const struct vpc_network *network)
{
	size_t kept = 0;

	for (size_t i = 0; i < reader->seen_count; i++) {
		for (size_t j = 0; j < network->interface_count; j++) {
			const struct vpc_interface *there = &network->interfaces[j].interface;
			if (there->ifindex == reader->seen[i].ifindex &&
				strcmp(there->id, reader->seen[i].id) == 0) {
				reader->seen[kept++] = reader->seen[i];
				break;
			}
		}
	}
	reader->seen_count = kept;
}

static void set_addresses(
	struct vpc_network_interface *interface, const struct vpc_interface *source)
{
	interface->addresses = mem_new(source->addresses + 1, sizeof(interface->addresses[0]));
	/* The primary one first. */
	for (int primary = 1; primary >= 0; primary--) {
		for (size_t i = 0; i < source->addresses; i++) {
			bool is_primary = source->has_primary_v4 &&
					  ip_equal(&source->address[i], &source->primary_v4);
			if (is_primary == (primary == 1))
				print_cidr(interface->addresses[interface->address_count++],
					&source->address[i], source->prefix[i].length);
		}
	}
}

static void describe(struct vpc_network_interface *interface, const struct vpc_container *owner,
	const struct vpc_interface *peer)
{
	const struct vpc_interface *own = &interface->interface;

	if (interface->named.description || own->alias[0])
		snprintf(interface->description, sizeof(interface->description), "%s",
			interface->named.description ? interface->named.description : own->alias);
	else if (owner)
		snprintf(interface->description, sizeof(interface->description),
			"%s %s of %s %s%s%s", own->kind, own->name, owner->kind, owner->title,
			peer ? ", there " : "", peer ? peer->name : "");
	else
		snprintf(interface->description, sizeof(interface->description), "%s %s", own->kind,
			own->name);
}

/* The instance that an interface belongs to, or the host. */
static struct vpc_instance *instance_of(
	struct vpc_network *network, const struct vpc_container *owner)
{
	static const char *const kinds[] = {"container", "pod", "vm"};
	char id[VPC_ID_SIZE];

	if (!owner)
		return &network->instances[0];
	vpc_id_make(id, "i", str_from(owner->id));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(owner->kind, kinds[i]) == 0)
			return add_instance(network, id, kinds[i], owner->title);
	}
	return &network->instances[0];
}

static void add_interface(struct vpc_network_reader *reader, struct vpc_network *network,
	const struct vpc_interface *listed, const struct surroundings *around)
{
	const struct vpc_identity *identity = &reader->settings.identity;
	struct vpc_network_interface interface = {.interface = *listed};
	const struct vpc_space *space =
		strcmp(listed->kind, "veth") == 0
			? vpc_spaces_find(&around->spaces, listed->peer_nsid)
			: NULL;
	const struct vpc_interface *peer = vpc_space_peer(space, listed->peer);
	/* Whose name space its peer is in, or who holds the other end of a tap. */
	const struct vpc_container *owner = space && space->has_owner ? &space->owner : NULL;

	if (strcmp(listed->kind, "tap") == 0)
		owner = vpc_machines_find(&around->machines, listed->name);
	if (!vpc_naming_apply(reader->settings.naming, identity, &interface.interface))
		return;
	vpc_naming_find(reader->settings.naming, listed, &interface.named);
	add_vpc(network, interface.interface.vpc_id,
		interface.named.vpc ? interface.named.vpc : network->instances[0].title);
	/* A veth without addresses is the wire of what is behind it. */
	set_addresses(&interface, listed->addresses || !peer ? listed : peer);
	struct vpc_subnet *subnet = add_subnet(network, &interface.interface);
	for (size_t i = 0; subnet && i < listed->addresses; i++)
		add_subnet_v6(subnet, &listed->prefix[i]);
	struct vpc_instance *instance = instance_of(network, owner);
	memcpy(interface.instance_id, instance->id, sizeof(instance->id));
	interface.device_index = instance->device_count++;
	interface.attached = first_seen(reader, listed, clock_wall_ns() / CLOCK_NS_PER_SECOND);
	describe(&interface, owner, peer);
	add_group(network, &interface, around->rules);
	network->interfaces = mem_grow(
		network->interfaces, network->interface_count + 1, sizeof(network->interfaces[0]));
	network->interfaces[network->interface_count++] = interface;
}

/* A port's subnet is its bridge's, which has to be there: bridges first. */
static void add_interfaces(struct vpc_network_reader *reader, struct vpc_network *network,
	const struct vpc_interface *interfaces, size_t count, const struct surroundings *around)
{
	for (int has_master = 0; has_master < 2; has_master++) {
		for (size_t i = 0; i < count; i++) {
			const struct vpc_interface *interface = &interfaces[i];
			bool is_wanted = interface->carries_traffic ||
					 (interface->loopback && reader->settings.include_loopback);
			if (is_wanted && (interface->master != 0) == (has_master == 1))
				add_interface(reader, network, interface, around);
		}
	}
}

bool vpc_network_has_changed(struct vpc_network_reader *reader)
{
	return vpc_hints_look(reader->hints);
}

int vpc_network_read(
	struct vpc_network_reader *reader, struct vpc_network *ret_network, struct err *err)
{
	_cleanup_free_ struct vpc_interface *interfaces = NULL;
	const char *root = reader->settings.root ? reader->settings.root : "";
	struct vpc_network network = {0};
	struct surroundings around = {.rules = NULL};
	char host[256] = "host";
	size_t count;

	vpc_hints_take(reader->hints); /* what comes from here on is read or hinted at */
	if (vpc_interfaces_list(&interfaces, &count, err) < 0)
		return -1;
	if (reader->settings.ids) /* who follows the devices tells when the file is in need */
		(void)vpc_ids_apply(reader->settings.ids, interfaces, count, false, NULL);
	if (vpc_spaces_read(&around.spaces, interfaces, count, root, err) < 0)
		return -1;
	(void)vpc_firewall_read(&around.rules, NULL); /* not allowed to: as if there were none */
	bool has_tap = false;
	for (size_t i = 0; i < count; i++)
		has_tap |= strcmp(interfaces[i].kind, "tap") == 0;
	if (has_tap)
		vpc_machines_read(&around.machines, root);
	vpc_hints_watch(reader->hints, &around.spaces, has_tap);
	(void)gethostname(host, sizeof(host) - 1);
	add_instance(&network, reader->settings.identity.instance_id, "host", host)->launched =
		reader->booted;
	add_interfaces(reader, &network, interfaces, count, &around);
	forget_gone(reader, &network);
	reader->is_started = true;
	json_decref(around.rules);
	vpc_spaces_done(&around.spaces);
	vpc_machines_done(&around.machines);
	*ret_network = network;
	return 0;
}

void vpc_network_done(struct vpc_network *network)
{
	for (size_t i = 0; i < network->subnet_count; i++)
		free(network->subnets[i].cidrs_v6);
	for (size_t i = 0; i < network->group_count; i++)
		vpc_permissions_done(&network->groups[i].permissions);
	for (size_t i = 0; i < network->interface_count; i++)
		free(network->interfaces[i].addresses);
	free(network->instances);
	free(network->vpcs);
	free(network->subnets);
	free(network->groups);
	free(network->interfaces);
	*network = (struct vpc_network){0};
}
