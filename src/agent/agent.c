/* One loop over three descriptors: a timer, signals, and the kernel's news of devices.
 *
 * The kernel counts without knowing windows. The timer drains it at each window's end, so what a
 * drain hands out belongs to the window that just ended; the few microseconds between the boundary
 * and the switch of tables are put on the earlier window's last second. Between boundaries the
 * table is drained when it is filling up. Time is the wall clock's: a step back opens the earlier
 * window again, a step forward ends the window early, and no packet is lost or counted twice. */
#include "agent/agent.h"

#include "base/clock.h"
#include "base/mem.h"
#include "capture/live.h"
#include "flow/windows.h"
#include "vpc/interface.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define TICK_NS            INT64_C(100000000)
#define STATUS_NS          INT64_C(500000000)
#define DRAIN_AT_FILL      0.5
#define MISSED_MAX         1024
#define WARN_EVERY_SECONDS 10

/* A device that is or was watched. Its metadata lives until its last window is published. */
struct device {
	struct vpc_interface interface;
	bool attached;
	bool present;
	int64_t gone_since; /* monotonic seconds, when !present */
};

struct agent {
	const struct agent_options *options;
	struct vpc_identity identity;
	struct capture_live *live;
	struct flow_windows *windows;
	struct deliver_objects *objects;
	struct device **devices;
	size_t devices_count;
	struct agent_status status;
	int64_t window_start; /* of the open window */
	int64_t warned_at;
	int64_t status_at_ns;
	bool failed;   /* stop, with failure */
	bool stopping; /* the last windows are being written */
	struct err failure;
	int signals, timer, monitor;
};

static void warn(struct agent *agent, const struct err *err)
{
	int64_t now = clock_mono_ns() / CLOCK_NS_PER_SECOND;

	if (agent->warned_at && now - agent->warned_at < WARN_EVERY_SECONDS)
		return;
	agent->warned_at = now;
	if (agent->options->warn)
		agent->options->warn(agent->options->context, err);
}

static struct device *find_device(struct agent *agent, uint32_t ifindex)
{
	for (size_t i = 0; i < agent->devices_count; i++) {
		if (agent->devices[i]->interface.ifindex == ifindex)
			return agent->devices[i];
	}
	return NULL;
}

/* flow -> record -> deliver */

static bool deliver(struct agent *agent, const struct record *record)
{
	if (deliver_objects_add(agent->objects, record, &agent->failure) < 0) {
		agent->failed = true;
		return false;
	}
	agent->status.records++;
	return true;
}

static bool on_flow(void *context, int64_t window_start, const struct flow_key *key,
	const struct flow_counts *counts)
{
	struct agent *agent = context;
	struct device *device = find_device(agent, key->interface);
	struct record record;

	if (!device)
		return true;
	vpc_interface_record(&device->interface, key, counts, &record);
	return deliver(agent, &record);
}

static bool on_window_status(void *context, int64_t window_start, uint32_t interface,
	enum flow_window_status status, const struct flow_counts *missed)
{
	struct agent *agent = context;
	struct device *device = find_device(agent, interface);

	if (!device)
		return true;
	struct record record = {
		.interface = &device->interface.record,
		.status = status == FLOW_WINDOW_NODATA ? RECORD_NODATA : RECORD_SKIPDATA,
		.direction = RECORD_NO_DIRECTION,
		.start = window_start,
		.end = window_start + agent->options->interval - 1,
	};
	return deliver(agent, &record);
}

/* What could not be kept for a full disk is said on every device: records do not tell which. */
static void say_given_up(struct agent *agent, int64_t now)
{
	uint64_t records = deliver_objects_take_given_up(agent->objects);

	if (!records)
		return;
	for (size_t i = 0; i < agent->devices_count; i++)
		flow_windows_skip(agent->windows, agent->devices[i]->interface.ifindex, now, 0, 0);
}

static bool on_closed(void *context, int64_t window_start)
{
	struct agent *agent = context;
	struct err err = ERR_INIT;

	if (deliver_objects_publish(agent->objects, window_start, &err) < 0 && !agent->stopping) {
		err_hint(&err, "%llu records wait and are tried again with the next window",
			(unsigned long long)deliver_objects_waiting(agent->objects));
		warn(agent, &err);
	}
	return true;
}

/* capture -> flow */

static bool on_counted(void *context, const struct flow_key *key, const struct flow_counts *counts)
{
	struct agent *agent = context;
	struct flow_counts counted = *counts;
	int64_t last_second = agent->window_start + agent->options->interval - 1;

	/* What lies outside is the width of the switch, or the wall clock was stepped. */
	if (counted.first > last_second || counted.first < agent->window_start)
		counted.first = counted.first > last_second ? last_second : agent->window_start;
	if (counted.last > last_second || counted.last < counted.first)
		counted.last = counted.last > last_second ? last_second : counted.first;
	agent->status.packets += counted.packets;
	if (key->action == RECORD_REJECT)
		agent->status.rejected_packets += counted.packets;
	return flow_windows_add(agent->windows, key, &counted) == 0;
}

static int drain(struct agent *agent, struct err *err)
{
	static struct capture_live_missed missed[MISSED_MAX];

	if (capture_live_drain(agent->live, on_counted, agent, err) < 0)
		return -1;
	size_t n = capture_live_missed(agent->live, missed, MISSED_MAX);
	for (size_t i = 0; i < n; i++) {
		agent->status.missed_packets += missed[i].packets;
		flow_windows_skip(agent->windows, missed[i].ifindex, agent->window_start,
			missed[i].packets, missed[i].bytes);
	}
	if (agent->failed) {
		if (err)
			*err = agent->failure;
		return -1;
	}
	return 0;
}

static int64_t window_of(const struct agent *agent, int64_t seconds)
{
	return seconds - seconds % agent->options->interval;
}

/* Time has come to now (wall seconds). */
static int close_windows(struct agent *agent, int64_t now, struct err *err)
{
	int64_t window = window_of(agent, now);

	if (window == agent->window_start)
		return 0;
	if (drain(agent, err) < 0)
		return -1;
	say_given_up(agent, now);
	agent->window_start = window;
	agent->status.window_ends = window + agent->options->interval;
	if (flow_windows_advance(agent->windows, window) < 0) {
		if (err)
			*err = agent->failure;
		return -1;
	}
	return 0;
}

/* devices */

static bool is_wanted(const struct agent *agent, const struct vpc_interface *interface)
{
	const struct agent_options *options = agent->options;

	for (size_t i = 0; i < options->interfaces_count; i++) {
		if (strcmp(options->interfaces[i], interface->name) == 0)
			return true;
	}
	if (options->interfaces_count)
		return false;
	return interface->carries_traffic || (interface->loopback && options->include_loopback);
}

static void attach(struct agent *agent, struct device *device, int64_t now)
{
	struct err err = ERR_INIT;

	if (capture_live_attach(agent->live, device->interface.ifindex, &err) < 0) {
		if (err.code == ERR_NOT_FOUND)
			return; /* gone since it was listed: its going is news of its own */
		err_wrap(&err, "interface %s", device->interface.name);
		warn(agent, &err);
		agent->failure = err;
		return;
	}
	device->attached = true;
	agent->status.interfaces++;
	flow_windows_watch(agent->windows, device->interface.ifindex, now);
}

static void detach(struct agent *agent, struct device *device, int64_t now)
{
	if (!device->attached)
		return;
	capture_live_detach(agent->live, device->interface.ifindex, NULL);
	device->attached = false;
	agent->status.interfaces--;
	flow_windows_unwatch(agent->windows, device->interface.ifindex, now);
}

static struct device *add_device(struct agent *agent)
{
	agent->devices =
		mem_grow(agent->devices, agent->devices_count + 1, sizeof(agent->devices[0]));
	struct device *device = mem_new(1, sizeof(*device));
	agent->devices[agent->devices_count++] = device;
	return device;
}

/* Forgets devices whose last window has been published. By the monotonic clock: the wall clock may
 * be stepped, and the open window still be full of their flows. */
static void forget_gone_devices(struct agent *agent)
{
	int64_t now = clock_mono_ns() / CLOCK_NS_PER_SECOND;

	for (size_t i = 0; i < agent->devices_count; i++) {
		struct device *device = agent->devices[i];
		if (device->present)
			continue;
		if (!device->gone_since)
			device->gone_since = now;
		if (now - device->gone_since < 3 * (int64_t)agent->options->interval)
			continue;
		free(device);
		agent->devices[i--] = agent->devices[--agent->devices_count];
	}
}

/* Brings the devices in line with the kernel's list. */
static int follow_devices(struct agent *agent, struct err *err)
{
	_cleanup_free_ struct vpc_interface *interfaces = NULL;
	size_t count;
	int64_t now = clock_wall_ns() / CLOCK_NS_PER_SECOND;

	if (vpc_interfaces_list(&interfaces, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < agent->devices_count; i++)
		agent->devices[i]->present = false;
	for (size_t i = 0; i < count; i++) {
		if (!is_wanted(agent, &interfaces[i]))
			continue;
		struct device *device = find_device(agent, interfaces[i].ifindex);
		if (!device)
			device = add_device(agent);
		device->interface = interfaces[i];
		device->present = true;
		device->gone_since = 0;
		vpc_interface_set_record(&device->interface, &agent->identity);
		if (device->interface.up && !device->attached)
			attach(agent, device, now);
		else if (!device->interface.up)
			detach(agent, device, now);
	}
	for (size_t i = 0; i < agent->devices_count; i++) {
		struct device *device = agent->devices[i];
		if (!device->present)
			detach(agent, device, now);
	}
	forget_gone_devices(agent);
	return 0;
}

static int check_names(const struct agent *agent, struct err *err)
{
	const struct agent_options *options = agent->options;
	_cleanup_free_ struct vpc_interface *interfaces = NULL;
	size_t count;

	if (vpc_interfaces_list(&interfaces, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < options->interfaces_count; i++) {
		size_t j = 0;
		while (j < count && strcmp(interfaces[j].name, options->interfaces[i]) != 0)
			j++;
		if (j == count) {
			err_set(err, ERR_NOT_FOUND, "there is no interface '%s'",
				options->interfaces[i]);
			return err_hint(err, "'ip link' lists the interfaces of this host");
		}
	}
	return 0;
}

/* loop */

static int open_signals(struct err *err)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd : err_set_errno(err, errno, "cannot listen for signals");
}

static int open_timer(struct err *err)
{
	const struct itimerspec tick = {{0, TICK_NS}, {0, TICK_NS}};
	_cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &tick, NULL) < 0)
		return err_set_errno(err, errno, "cannot start a timer");
	return take_fd(fd);
}

static int agent_open(struct agent *agent, struct err *err)
{
	const struct agent_options *options = agent->options;
	struct deliver_options deliver_options = options->deliver;
	struct flow_windows_options windows_options = {
		.interval = options->interval,
		.max_flows = options->max_flows,
		.sink = {on_flow, on_window_status, on_closed, agent},
	};
	struct capture_live_options live_options = {options->max_flows, options->require_verdict};

	if (vpc_identity_init(&agent->identity, options->account_id, options->region, err) < 0 ||
		check_names(agent, err) < 0)
		return -1;
	deliver_options.account_id = agent->identity.account_id;
	deliver_options.region = agent->identity.region;
	deliver_options.flow_log_id = agent->identity.flow_log_id;
	if (capture_live_open(&agent->live, &live_options, err) < 0 ||
		deliver_objects_open(&agent->objects, &deliver_options, err) < 0 ||
		flow_windows_new(&agent->windows, &windows_options, err) < 0)
		return -1;
	agent->window_start = window_of(agent, clock_wall_ns() / CLOCK_NS_PER_SECOND);
	agent->status.window_ends = agent->window_start + options->interval;
	if ((agent->signals = open_signals(err)) < 0 || (agent->timer = open_timer(err)) < 0 ||
		vpc_monitor_open(&agent->monitor, err) < 0 || follow_devices(agent, err) < 0)
		return -1;
	if (agent->status.interfaces == 0 && agent->failure.code) {
		if (err)
			*err = agent->failure;
		return -1;
	}
	if (agent->status.interfaces == 0 && options->interfaces_count)
		return err_set(
			err, ERR_NOT_FOUND, "interface '%s' is down", options->interfaces[0]);
	return 0;
}

static void agent_done(struct agent *agent)
{
	flow_windows_free(agent->windows);
	capture_live_close(agent->live);
	deliver_objects_close(agent->objects);
	for (size_t i = 0; i < agent->devices_count; i++)
		free(agent->devices[i]);
	free(agent->devices);
	mem_closep(&agent->signals);
	mem_closep(&agent->timer);
	mem_closep(&agent->monitor);
}

static void fill_status(struct agent *agent)
{
	uint64_t early;

	agent->status.flows = flow_windows_count(agent->windows, &early);
	agent->status.objects = deliver_objects_count(agent->objects);
	agent->status.last_key = deliver_objects_last_key(agent->objects);
}

static void tell_status(struct agent *agent, bool now)
{
	int64_t time_ns = clock_mono_ns();

	if (!agent->options->status || (!now && time_ns - agent->status_at_ns < STATUS_NS))
		return;
	agent->status_at_ns = time_ns;
	fill_status(agent);
	agent->options->status(agent->options->context, &agent->status);
}

static int on_tick(struct agent *agent, struct err *err)
{
	uint64_t expirations;

	(void)!read(agent->timer, &expirations, sizeof(expirations));
	if (close_windows(agent, clock_wall_ns() / CLOCK_NS_PER_SECOND, err) < 0)
		return -1;
	bool status_due = clock_mono_ns() - agent->status_at_ns >= STATUS_NS;
	if (capture_live_fill(agent->live) > DRAIN_AT_FILL ||
		(status_due && agent->options->status)) {
		if (drain(agent, err) < 0)
			return -1;
	}
	tell_status(agent, false);
	return 0;
}

/* Milliseconds to the end of the window, at most a tick: boundaries are met, not waited past. */
static int time_to_boundary_ms(const struct agent *agent)
{
	int64_t left_ns = agent->status.window_ends * CLOCK_NS_PER_SECOND - clock_wall_ns();

	if (left_ns <= 0)
		return 0;
	return left_ns < TICK_NS ? (int)(left_ns / 1000000) + 1 : (int)(TICK_NS / 1000000);
}

static int loop(struct agent *agent, struct err *err)
{
	struct pollfd ready[] = {{agent->signals, POLLIN, 0}, {agent->timer, POLLIN, 0},
		{agent->monitor, POLLIN, 0}};

	for (;;) {
		if (poll(ready, ARRAY_SIZE(ready), time_to_boundary_ms(agent)) < 0 &&
			errno != EINTR)
			return err_set_errno(err, errno, "cannot wait for events");
		if (ready[0].revents)
			return 0;
		if (ready[2].revents && vpc_monitor_changed(agent->monitor)) {
			/* What a vanished device counted is taken while its name is known. */
			if (drain(agent, err) < 0 || follow_devices(agent, err) < 0)
				return -1;
		}
		if (on_tick(agent, err) < 0)
			return -1;
	}
}

/* The open window, cut short. */
static int flush(struct agent *agent, struct err *err)
{
	for (size_t i = 0; i < agent->devices_count; i++) {
		if (agent->devices[i]->attached)
			capture_live_detach(
				agent->live, agent->devices[i]->interface.ifindex, NULL);
	}
	agent->stopping = true;
	if (drain(agent, err) < 0)
		return -1;
	if (flow_windows_flush(agent->windows) < 0) {
		if (err)
			*err = agent->failure;
		return -1;
	}
	if (deliver_objects_publish(agent->objects, agent->window_start, err) < 0)
		return err_hint(err, "%llu records are lost with it",
			(unsigned long long)deliver_objects_waiting(agent->objects));
	return 0;
}

int agent_run(const struct agent_options *options, struct err *err)
{
	_cleanup_(agent_done) struct agent agent = {
		.options = options, .signals = -1, .timer = -1, .monitor = -1};

	if (agent_open(&agent, err) < 0)
		return -1;
	fill_status(&agent);
	if (options->started)
		options->started(
			options->context, &agent.status, capture_live_has_verdicts(agent.live));
	int result = loop(&agent, err);
	if (result == 0)
		result = flush(&agent, err);
	tell_status(&agent, true);
	return result;
}
