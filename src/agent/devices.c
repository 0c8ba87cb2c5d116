#include "agent/agent_priv.h"

#include "base/clock.h"

#include <string.h>

/* ---- by index ---- */

static void index_put(struct agent *agent, const struct agent_device *device)
{
	size_t mask = agent->by_ifindex_size - 1;
	size_t place = device->interface.ifindex & mask;

	while (agent->by_ifindex[place]) {
		uint32_t there = agent->by_ifindex[place] - 1;
		if (agent->devices[there]->interface.ifindex == device->interface.ifindex)
			break;
		place = (place + 1) & mask;
	}
	agent->by_ifindex[place] = device->number + 1;
}

/* Those that are gone first: what comes later under the same index takes their place. */
static void index_devices(struct agent *agent)
{
	size_t size = 16;

	while (size < 2 * agent->devices_count)
		size *= 2;
	free(agent->by_ifindex);
	agent->by_ifindex = mem_new(size, sizeof(agent->by_ifindex[0]));
	agent->by_ifindex_size = size;
	for (int present = 0; present < 2; present++) {
		for (size_t i = 0; i < agent->devices_count; i++) {
			const struct agent_device *device = agent->devices[i];
			if (device && device->is_present == (present == 1))
				index_put(agent, device);
		}
	}
}

struct agent_device *agent_device_by_ifindex(const struct agent *agent, uint32_t ifindex)
{
	size_t mask = agent->by_ifindex_size - 1;

	if (!agent->by_ifindex_size)
		return NULL;
	for (size_t place = ifindex & mask; agent->by_ifindex[place]; place = (place + 1) & mask) {
		struct agent_device *device = agent->devices[agent->by_ifindex[place] - 1];
		if (device->interface.ifindex == ifindex)
			return device;
	}
	return NULL;
}

/* ---- devices come and go ---- */

static struct agent_device *add_device(struct agent *agent)
{
	size_t number = 0;

	while (number < agent->devices_count && agent->devices[number])
		number++;
	if (number == agent->devices_count)
		agent->devices =
			mem_grow(agent->devices, ++agent->devices_count, sizeof(agent->devices[0]));
	agent->devices[number] = mem_new(1, sizeof(*agent->devices[number]));
	agent->devices[number]->number = (uint32_t)number;
	return agent->devices[number];
}

static void free_device(struct agent_device *device)
{
	if (!device)
		return;
	free(device->subscriptions);
	free(device);
}

/* Forgets devices whose last windows have been delivered. By the monotonic clock: the wall clock
 * may be stepped, and the open windows still be full of their flows. */
static void forget_gone_devices(struct agent *agent)
{
	int64_t now = clock_mono_ns() / CLOCK_NS_PER_SECOND;
	int64_t longest = 1;

	for (size_t i = 0; i < agent->groups_count; i++) {
		if (agent->groups[i]->interval > longest)
			longest = agent->groups[i]->interval;
	}
	for (size_t i = 0; i < agent->devices_count; i++) {
		struct agent_device *device = agent->devices[i];
		if (!device || device->is_present || now - device->gone_since < 3 * longest)
			continue;
		agent->devices[i] = NULL;
		free_device(device);
	}
}

/* One that was chosen by its name is the same device under another. */
static bool is_wanted(const struct agent *agent, const struct vpc_interface *interface,
	const struct agent_device *known)
{
	const struct agent_options *options = agent->options;

	for (size_t i = 0; i < options->interfaces_count; i++) {
		if (strcmp(options->interfaces[i], interface->name) == 0)
			return true;
	}
	if (options->interfaces_count)
		return known != NULL;
	return interface->carries_traffic || (interface->loopback && options->include_loopback);
}

static void update_device(
	struct agent *agent, struct agent_device *device, const struct vpc_interface *interface)
{
	char id[VPC_ID_SIZE], instance_id[VPC_ID_SIZE];
	bool is_known = device->interface.ifindex != 0;

	/* Its id stays, also where its name and MAC address have changed at once. */
	memcpy(id, device->interface.id, sizeof(id));
	memcpy(instance_id, device->interface.instance_id, sizeof(instance_id));
	device->interface = *interface;
	if (is_known) {
		memcpy(device->interface.id, id, sizeof(id));
		memcpy(device->interface.instance_id, instance_id, sizeof(instance_id));
	}
	device->is_present = true;
	vpc_interface_set_record(&device->interface, &agent->identity);
}

static struct agent_device *find_present(const struct agent *agent, uint32_t ifindex)
{
	struct agent_device *device = agent_device_by_ifindex(agent, ifindex);

	return device && device->is_present ? device : NULL;
}

static void leave(struct agent_device *device)
{
	device->is_present = false;
	device->gone_since = clock_mono_ns() / CLOCK_NS_PER_SECOND;
}

int agent_follow_devices(struct agent *agent, struct err *err)
{
	_cleanup_free_ struct vpc_interface *interfaces = NULL;
	size_t count;

	struct err failure = ERR_INIT;

	if (vpc_interfaces_list(&interfaces, &count, err) < 0)
		return -1;
	if (vpc_ids_apply(agent->ids, interfaces, count, true, &failure) < 0)
		agent_warn(agent, &failure); /* they hold for as long as this process runs */
	_cleanup_free_ bool *is_seen = mem_new(agent->devices_count + count + 1, sizeof(bool));
	for (size_t i = 0; i < count; i++) {
		struct agent_device *device = find_present(agent, interfaces[i].ifindex);
		if (!is_wanted(agent, &interfaces[i], device) ||
			!vpc_naming_apply(
				&agent->options->naming, &agent->identity, &interfaces[i]))
			continue;
		if (!device)
			device = add_device(agent);
		update_device(agent, device, &interfaces[i]);
		is_seen[device->number] = true;
	}
	for (size_t i = 0; i < agent->devices_count; i++) {
		if (agent->devices[i] && agent->devices[i]->is_present && !is_seen[i])
			leave(agent->devices[i]);
	}
	index_devices(agent);
	agent_subscribe(agent);
	forget_gone_devices(agent);
	index_devices(agent);
	return 0;
}

/* ---- watching ---- */

static void attach(struct agent *agent, struct agent_device *device)
{
	struct err err = ERR_INIT;

	if (capture_live_attach(agent->live, device->interface.ifindex, &err) < 0) {
		if (err.code == ERR_NOT_FOUND)
			return; /* gone since it was listed: its going is news of its own */
		err_wrap(&err, "interface %s", device->interface.name);
		agent_warn(agent, &err);
		agent->failure = err;
		return;
	}
	device->is_attached = true;
	agent->status.interfaces++;
}

static void detach(struct agent *agent, struct agent_device *device)
{
	if (!device->is_attached)
		return;
	capture_live_detach(agent->live, device->interface.ifindex, NULL);
	device->is_attached = false;
	agent->status.interfaces--;
}

static bool is_in_group(const struct agent_device *device, const struct agent_group *group)
{
	for (size_t i = 0; i < device->subscription_count; i++) {
		if (device->subscriptions[i]->group == group)
			return true;
	}
	return false;
}

void agent_watch_devices(struct agent *agent, int64_t now)
{
	for (size_t i = 0; i < agent->devices_count; i++) {
		struct agent_device *device = agent->devices[i];

		if (!device)
			continue;
		bool is_watched = device->is_present && device->interface.up &&
				  device->subscription_count > 0;
		if (is_watched && !device->is_attached)
			attach(agent, device);
		else if (!is_watched)
			detach(agent, device);
		for (size_t j = 0; j < agent->groups_count; j++) {
			struct flow_windows *windows = agent->groups[j]->windows;
			if (device->is_attached && is_in_group(device, agent->groups[j]))
				flow_windows_watch(windows, device->number, now);
			else
				flow_windows_unwatch(windows, device->number, now);
		}
	}
}

void agent_devices_gone(struct agent *agent, const uint32_t *indices, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct agent_device *device = find_present(agent, indices[i]);
		if (!device)
			continue;
		detach(agent, device);
		leave(device);
	}
}

void agent_detach_all(struct agent *agent)
{
	for (size_t i = 0; i < agent->devices_count; i++) {
		if (agent->devices[i])
			detach(agent, agent->devices[i]);
	}
}

void agent_devices_done(struct agent *agent)
{
	for (size_t i = 0; i < agent->devices_count; i++)
		free_device(agent->devices[i]);
	free(agent->devices);
	free(agent->by_ifindex);
}
