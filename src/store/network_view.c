/* Views: the inventories of all agents as one list a kind. */
#include "store/network_priv.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *list, *id;
	const char *ranges[2]; /* lists that add up over agents */
} kinds[STORE_RESOURCES] = {
	[STORE_INSTANCE] = {"Instances", "InstanceId", {NULL}},
	[STORE_VPC] = {"Vpcs", "VpcId", {"CidrBlocks", "Ipv6CidrBlocks"}},
	[STORE_SUBNET] = {"Subnets", "SubnetId", {"Ipv6CidrBlocks"}},
	[STORE_SECURITY_GROUP] = {"SecurityGroups", "GroupId", {NULL}},
	[STORE_NETWORK_INTERFACE] = {"NetworkInterfaces", "NetworkInterfaceId", {NULL}},
};

const char *store_network_id_member(enum store_resource kind)
{
	assert(kind < STORE_RESOURCES);
	return kinds[kind].id;
}

static const char *id_of(const json_t *object, enum store_resource kind)
{
	const char *id = json_string_value(json_object_get(object, kinds[kind].id));

	return id ? id : "";
}

static bool has_item(const json_t *list, const json_t *item)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), item))
			return true;
	return false;
}

/* The ranges of the one that was told earlier stay, behind its own. */
static void add_ranges(json_t *object, const json_t *earlier, enum store_resource kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds[kind].ranges) && kinds[kind].ranges[i]; i++) {
		const json_t *more = json_object_get(earlier, kinds[kind].ranges[i]);
		json_t *own = json_object_get(object, kinds[kind].ranges[i]);
		json_t *both = own ? json_copy(own) : json_array();
		for (size_t j = 0; j < json_array_size(more); j++)
			if (!has_item(both, json_array_get(more, j)))
				json_array_append(both, json_array_get(more, j));
		json_object_set_new(object, kinds[kind].ranges[i], both);
	}
}

static void add_agent(json_t *all, const struct network_agent *agent, enum store_resource kind)
{
	const json_t *list = json_object_get(agent->inventory, kinds[kind].list);

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *copied = json_copy(json_array_get(list, i));
		const json_t *earlier = json_object_get(all, id_of(copied, kind));
		json_object_set_new(copied, "AgentId", json_string(agent->id));
		if (earlier)
			add_ranges(copied, earlier, kind);
		json_object_set_new(all, id_of(copied, kind), copied);
	}
}

static int by_told(const void *a, const void *b)
{
	const struct network_agent *const *one = a, *const *other = b;

	return (*one)->told_ms < (*other)->told_ms ? -1 : (*one)->told_ms > (*other)->told_ms;
}

struct entry {
	const char *id;
	json_t *object;
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static json_t *sorted(json_t *objects)
{
	_cleanup_free_ struct entry *entries =
		mem_new(json_object_size(objects) + 1, sizeof(*entries));
	json_t *list = json_array(), *object;
	const char *id;
	size_t count = 0;

	json_object_foreach(objects, id, object) entries[count++] = (struct entry){id, object};
	qsort(entries, count, sizeof(*entries), by_id);
	for (size_t i = 0; i < count; i++)
		json_array_append(list, entries[i].object);
	return list;
}

json_t *network_make_view(const struct store_network *network, enum store_resource kind)
{
	_cleanup_free_ const struct network_agent **agents =
		mem_new(network->agent_count + 1, sizeof(*agents));
	json_t *objects = json_object();

	for (size_t i = 0; i < network->agent_count; i++)
		agents[i] = &network->agents[i];
	qsort(agents, network->agent_count, sizeof(struct network_agent *), by_told);
	for (size_t i = 0; i < network->agent_count; i++)
		add_agent(objects, agents[i], kind);
	json_t *view = sorted(objects);
	json_decref(objects);
	return view;
}

const json_t *store_network_find(const json_t *view, enum store_resource kind, struct str id)
{
	size_t low = 0, high = json_array_size(view);

	while (low < high) {
		size_t middle = (low + high) / 2;
		const json_t *object = json_array_get(view, middle);
		struct str there = str_from(id_of(object, kind));
		int order = memcmp(there.p, id.p, there.n < id.n ? there.n : id.n);
		if (order == 0 && there.n == id.n)
			return object;
		if (order < 0 || (order == 0 && there.n < id.n))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
