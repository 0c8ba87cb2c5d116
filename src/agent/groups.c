/* The kernel counts without knowing windows. It is drained at each window's end, so what a drain
 * hands out belongs to the windows that were open until then; the few microseconds between the
 * boundary and the switch of tables are put on the earlier window's last second. With several
 * intervals each drain counts into the open window of all of them. Time is the wall clock's: a step
 * back opens the earlier window again, a step forward ends the window early, and no packet is lost
 * or counted twice. */
#include "agent/agent_priv.h"

#include "base/clock.h"

#include <assert.h>

static int64_t window_of(const struct agent_group *group, int64_t seconds)
{
	return seconds - seconds % group->interval;
}

static struct agent_device *device_of(const struct agent_group *group, uint32_t number)
{
	const struct agent *agent = group->agent;

	return number < agent->devices_count ? agent->devices[number] : NULL;
}

/* ---- flow -> record -> deliver ---- */

/* The sink never says stop, so that no function of flow_windows fails: what one flow log cannot
 * take is no reason to keep it from the others. */

static void deliver(
	struct agent_group *group, const struct agent_device *device, const struct record *record)
{
	struct agent *agent = group->agent;

	for (size_t i = 0; i < device->subscription_count; i++) {
		struct agent_subscription *subscription = device->subscriptions[i];
		enum agent_traffic traffic = subscription->flow_log->traffic;
		struct err err = ERR_INIT;

		if (subscription->group != group)
			continue;
		if (record->status == RECORD_OK && traffic != AGENT_TRAFFIC_ALL &&
			(traffic == AGENT_TRAFFIC_REJECT) != (record->action == RECORD_REJECT))
			continue;
		if (deliver_add(subscription->delivery, record, &err) < 0) {
			err_wrap(&err, "flow log %s", subscription->flow_log->id);
			agent_warn(agent, &err);
			continue;
		}
		subscription->records++;
		agent->status.records++;
	}
}

static bool on_flow(void *context, int64_t window_start, const struct flow_key *key,
	const struct flow_counts *counts)
{
	struct agent_group *group = context;
	struct agent_device *device = device_of(group, key->interface);
	struct record record;

	if (!device)
		return true;
	vpc_interface_record(&device->interface, key, counts, &record);
	deliver(group, device, &record);
	return true;
}

static struct record status_record(const struct agent_group *group,
	const struct agent_device *device, int64_t window_start, enum record_status status)
{
	return (struct record){
		.interface = &device->interface.record,
		.status = status,
		.direction = RECORD_NO_DIRECTION,
		.start = window_start,
		.end = window_start + group->interval - 1,
	};
}

static bool on_status(void *context, int64_t window_start, uint32_t interface,
	enum flow_window_status status, const struct flow_counts *missed)
{
	struct agent_group *group = context;
	struct agent_device *device = device_of(group, interface);

	if (!device)
		return true;
	struct record record = status_record(group, device, window_start,
		status == FLOW_WINDOW_NODATA ? RECORD_NODATA : RECORD_SKIPDATA);
	deliver(group, device, &record);
	return true;
}

/* is_last: there is no next window to try again with. */
static void commit(struct agent_group *group, int64_t window_start, bool is_last)
{
	struct agent *agent = group->agent;

	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		struct agent_subscription *subscription = agent->subscriptions[i];
		struct err err = ERR_INIT;

		if (!subscription || subscription->group != group ||
			(group->is_ending && !subscription->is_ending))
			continue;
		if (deliver_commit(subscription->delivery, window_start, &err) == 0 ||
			(agent->is_stopping && !is_last))
			continue;
		if (agent->is_stopping && !agent->has_lost) {
			agent->has_lost = true;
			agent->failure = err;
		} else {
			agent_warn(agent, &err);
		}
	}
}

static bool on_closed(void *context, int64_t window_start)
{
	commit(context, window_start, false);
	return true;
}

/* What a flow log could not keep is said on all of its devices: records do not tell which. */
static void say_given_up(struct agent_group *group)
{
	struct agent *agent = group->agent;

	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		struct agent_subscription *subscription = agent->subscriptions[i];

		if (!subscription || subscription->group != group ||
			deliver_take_given_up(subscription->delivery) == 0)
			continue;
		for (size_t j = 0; j < agent->devices_count; j++) {
			const struct agent_device *device = agent->devices[j];
			if (!device || !device->is_attached ||
				!agent_flow_log_concerns(
					subscription->flow_log, &device->interface))
				continue;
			struct record record =
				status_record(group, device, group->window_start, RECORD_SKIPDATA);
			(void)deliver_add(subscription->delivery, &record, NULL);
		}
	}
}

/* ---- groups ---- */

int agent_group_new(
	struct agent *agent, uint32_t interval, struct agent_group **ret_group, struct err *err)
{
	struct agent_group *group = mem_new(1, sizeof(*group));
	const struct flow_windows_options options = {
		.interval = interval,
		.max_flows = agent->options->max_flows,
		.sink = {on_flow, on_status, on_closed, group},
	};

	group->agent = agent;
	group->interval = interval;
	group->window_start = window_of(group, clock_wall_ns() / CLOCK_NS_PER_SECOND);
	if (flow_windows_new(&group->windows, &options, err) < 0) {
		free(group);
		return -1;
	}
	agent->groups = mem_grow(agent->groups, agent->groups_count + 1, sizeof(agent->groups[0]));
	agent->groups[agent->groups_count++] = group;
	*ret_group = group;
	return 0;
}

void agent_group_free(struct agent *agent, struct agent_group *group)
{
	size_t i = 0;

	while (i < agent->groups_count && agent->groups[i] != group)
		i++;
	assert(i < agent->groups_count);
	agent->groups_count--;
	memmove(agent->groups + i, agent->groups + i + 1,
		(agent->groups_count - i) * sizeof(agent->groups[0]));
	flow_windows_free(group->windows);
	free(group);
}

/* ---- counting ---- */

/* Whether an earlier subscription of the device has the same group. */
static bool is_counted(const struct agent_device *device, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (device->subscriptions[i]->group == device->subscriptions[n]->group)
			return true;
	}
	return false;
}

void agent_groups_count(struct agent *agent, struct agent_device *device, struct flow_key *key,
	const struct flow_counts *counts)
{
	key->interface = device->number;
	for (size_t i = 0; i < device->subscription_count; i++) {
		struct agent_group *group = device->subscriptions[i]->group;
		int64_t first_second = group->window_start;
		int64_t last_second = first_second + group->interval - 1;
		struct flow_counts counted = *counts;

		if (is_counted(device, i))
			continue;
		/* What lies outside is the width of the switch, or the wall clock was stepped. */
		if (counted.first > last_second || counted.first < first_second)
			counted.first = counted.first > last_second ? last_second : first_second;
		if (counted.last > last_second || counted.last < counted.first)
			counted.last = counted.last > last_second ? last_second : counted.first;
		(void)flow_windows_add(group->windows, key, &counted);
	}
	if (agent_open_is_read(agent))
		agent_open_show(agent, device, key);
}

void agent_groups_skip(
	struct agent *agent, struct agent_device *device, uint64_t packets, uint64_t bytes)
{
	for (size_t i = 0; i < device->subscription_count; i++) {
		struct agent_group *group = device->subscriptions[i]->group;

		if (!is_counted(device, i))
			flow_windows_skip(group->windows, device->number, group->window_start,
				packets, bytes);
	}
}

/* ---- time ---- */

/* Both have just come to the same boundary, so that nothing is open in either. */
static void merge(struct agent *agent, struct agent_group *other, struct agent_group *into)
{
	(void)flow_windows_flush(other->windows);
	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		if (agent->subscriptions[i] && agent->subscriptions[i]->group == other)
			agent->subscriptions[i]->group = into;
	}
	agent_group_free(agent, other);
}

static void merge_groups(struct agent *agent, int64_t now)
{
	bool any = false;

	for (size_t i = 0; i < agent->groups_count; i++) {
		struct agent_group *group = agent->groups[i];
		for (size_t j = agent->groups_count; j-- > i + 1;) {
			struct agent_group *other = agent->groups[j];
			if (other->interval != group->interval ||
				other->window_start != group->window_start)
				continue;
			merge(agent, other, group);
			any = true;
		}
	}
	if (any)
		agent_watch_devices(agent, now);
}

int agent_groups_advance(struct agent *agent, int64_t now, struct err *err)
{
	size_t ended = 0;

	for (size_t i = 0; i < agent->groups_count; i++)
		ended += window_of(agent->groups[i], now) != agent->groups[i]->window_start;
	if (!ended)
		return 0;
	if (agent_drain(agent, err) < 0)
		return -1;
	for (size_t i = 0; i < agent->groups_count; i++) {
		struct agent_group *group = agent->groups[i];
		int64_t window = window_of(group, now);

		if (window == group->window_start)
			continue;
		say_given_up(group);
		group->window_start = window;
		(void)flow_windows_advance(group->windows, window);
	}
	if (ended > 1)
		merge_groups(agent, now);
	return 0;
}

void agent_group_flush(struct agent_group *group, bool is_ending)
{
	group->is_ending = is_ending;
	(void)flow_windows_flush(group->windows);
	/* what waits since an earlier window, too, and when none was open */
	commit(group, group->window_start, true);
	group->is_ending = false;
}

int64_t agent_groups_next_end(const struct agent *agent)
{
	int64_t next = 0;

	for (size_t i = 0; i < agent->groups_count; i++) {
		const struct agent_group *group = agent->groups[i];
		int64_t end = group->window_start + group->interval;
		if (!next || end < next)
			next = end;
	}
	return next;
}
