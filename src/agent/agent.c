/* One loop that sleeps until something is due or told: signals, steps of the wall clock, the
 * kernel's news of devices and of a table that fills, what the other threads have put on the board,
 * and the readers of open windows. An agent with nothing to do costs nothing. */
#include "agent/agent_priv.h"

#include "agent/open.h"
#include "agent/status_priv.h"
#include "base/clock.h"
#include "base/file.h"
#include "record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define STATUS_NS          INT64_C(500000000)
#define LOOP_NS            INT64_C(60000000000) /* at most, whatever is due */
#define NEVER              ((time_t)1 << 33)    /* some centuries; the kernel's own end is later */
#define DRAIN_AT_FILL      0.5
#define MISSED_MAX         1024
#define GONE_MAX           256
#define WARN_EVERY_SECONDS 10
#define SAID_MAX           8

/* ---- warnings: of all threads, one at a time ---- */

/* What was said lately. Numbers in it (ports, times, batches) make no other message. */
static struct {
	uint64_t hash;
	int64_t at;
} said[SAID_MAX];
static pthread_mutex_t warn_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t hash_of(const char *message)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *message; message++) {
		if (*message < '0' || *message > '9')
			hash = (hash ^ (unsigned char)*message) * UINT64_C(0x100000001b3);
	}
	return hash;
}

/* So that one that comes again and again does not hide another. */
static bool is_worth_saying(const char *message)
{
	int64_t now = clock_mono_ns() / CLOCK_NS_PER_SECOND;
	uint64_t hash = hash_of(message);
	size_t oldest = 0;

	for (size_t i = 0; i < SAID_MAX; i++) {
		if (said[i].at && said[i].hash == hash) {
			oldest = i;
			break;
		}
		if (said[i].at < said[oldest].at)
			oldest = i;
	}
	if (said[oldest].at && now - said[oldest].at < WARN_EVERY_SECONDS)
		return false;
	said[oldest].hash = hash;
	said[oldest].at = now;
	return true;
}

static void warn(void *context, const struct err *err)
{
	const struct agent_options *options = ((const struct agent *)context)->options;

	if (!options->warn)
		return;
	pthread_mutex_lock(&warn_lock);
	if (is_worth_saying(err->message))
		options->warn(options->context, err);
	pthread_mutex_unlock(&warn_lock);
}

void agent_warn(struct agent *agent, const struct err *err)
{
	warn(agent, err);
}

/* ---- capture -> flow ---- */

static bool on_counted(void *context, const struct flow_key *key, const struct flow_counts *counts)
{
	struct agent *agent = context;
	struct agent_device *device = agent_device_by_ifindex(agent, key->interface);
	struct flow_key counted = *key;

	agent->status.packets += counts->packets;
	if (key->action == RECORD_REJECT)
		agent->status.rejected_packets += counts->packets;
	if (device)
		agent_groups_count(agent, device, &counted, counts);
	return true;
}

int agent_drain(struct agent *agent, struct err *err)
{
	static struct capture_live_missed missed[MISSED_MAX];

	if (capture_live_drain(agent->live, on_counted, agent, err) < 0)
		return -1;
	agent->has_news = true;
	size_t n = capture_live_missed(agent->live, missed, MISSED_MAX);
	for (size_t i = 0; i < n; i++) {
		struct agent_device *device = agent_device_by_ifindex(agent, missed[i].ifindex);
		agent->status.missed_packets += missed[i].packets;
		if (device)
			agent_groups_skip(agent, device, missed[i].packets, missed[i].bytes);
	}
	return 0;
}

/* ---- open and close ---- */

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

/* A timer that never ends, but is cancelled (readable) when the wall clock is stepped. */
static int watch_clock(int fd)
{
	const struct itimerspec never = {.it_value.tv_sec = NEVER};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static int open_timer(struct err *err)
{
	_cleanup_close_ int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || watch_clock(fd) < 0)
		return err_set_errno(err, errno, "cannot follow the clock");
	return take_fd(fd);
}

static int open_capture(struct agent *agent, struct err *err)
{
	const struct agent_options *options = agent->options;
	struct capture_live_options live = {options->max_flows, options->require_verdict};

	if (vpc_identity_init(&agent->identity, options->account_id, options->region, err) < 0 ||
		check_names(agent, err) < 0 || capture_live_open(&agent->live, &live, err) < 0)
		return -1;
	return options->loaded ? options->loaded(options->context, err) : 0;
}

static int open_ids(struct agent *agent, struct err *err)
{
	const char *folder = agent->options->folder;
	_cleanup_free_ char *path = folder ? mem_printf("%s/interfaces.json", folder) : NULL;

	return vpc_ids_open(&agent->ids, path, err);
}

/* By the threads that send. */
static void on_delivery(void *context)
{
	agent_board_wake(((const struct agent *)context)->board);
}

static int open_deliver(struct agent *agent, struct err *err)
{
	const struct agent_options *options = agent->options;
	_cleanup_free_ char *spool =
		options->folder ? mem_printf("%s/spool", options->folder) : NULL;
	struct deliver_settings settings = options->deliver;

	settings.folder = spool;
	settings.account_id = agent->identity.account_id;
	settings.region = agent->identity.region;
	settings.warn = warn;
	settings.changed = on_delivery;
	settings.context = agent;
	return deliver_open(&agent->deliver, &settings, err);
}

/* For as long as the process lives: agent_status_is_running asks for it. */
static int open_mark(struct agent *agent, struct err *err)
{
	const char *folder = agent->options->folder;

	if (!folder)
		return 0;
	_cleanup_free_ char *path = mem_printf("%s/" AGENT_MARK_FILE, folder);
	agent->mark = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0640);
	if (agent->mark < 0 || flock(agent->mark, LOCK_SH) < 0)
		return err_set_errno(err, errno, "%s", path);
	return 0;
}

/* The configuration's, and what the server said when it was last heard. */
static int begin_flow_logs(struct agent *agent, struct err *err)
{
	const struct agent_options *options = agent->options;
	struct agent_flow_log **remembered = NULL;
	size_t count = 0;

	agent->flow_logs_count = options->flow_logs_count;
	agent->flow_logs = mem_new(options->flow_logs_count + 1, sizeof(agent->flow_logs[0]));
	agent->subscriptions =
		mem_new(options->flow_logs_count + 1, sizeof(agent->subscriptions[0]));
	for (size_t i = 0; i < options->flow_logs_count; i++)
		agent->flow_logs[i] = (struct agent_flow_log *)options->flow_logs[i];
	if (agent_follow_devices(agent, err) < 0)
		return -1;
	for (size_t i = 0; i < options->flow_logs_count; i++) {
		if (!agent->subscriptions[i]) {
			if (err)
				*err = agent->failure;
			return -1;
		}
	}
	if (options->server &&
		agent_sync_remembered(options->folder, &remembered, &count, err) == 0)
		return agent_set_flow_logs(agent, remembered, count, err);
	return options->server ? -1 : 0;
}

static int check_attached(const struct agent *agent, struct err *err)
{
	const struct agent_options *options = agent->options;

	if (agent->status.interfaces > 0 || !options->flow_logs_count)
		return 0;
	if (agent->failure.code) {
		if (err)
			*err = agent->failure;
		return -1;
	}
	if (options->interfaces_count)
		return err_set(
			err, ERR_NOT_FOUND, "interface '%s' is down", options->interfaces[0]);
	return 0;
}

static int agent_open(struct agent *agent, struct err *err)
{
	if (open_capture(agent, err) < 0 || agent_board_new(&agent->board, err) < 0 ||
		open_ids(agent, err) < 0 || open_mark(agent, err) < 0)
		return -1;
	agent->board->report.started_ms = clock_wall_ns() / 1000000;
	/* Before there are threads: one that takes a signal would end the process. */
	if ((agent->signals = open_signals(err)) < 0 || (agent->timer = open_timer(err)) < 0 ||
		vpc_monitor_open(&agent->monitor, err) < 0 || open_deliver(agent, err) < 0 ||
		begin_flow_logs(agent, err) < 0 || check_attached(agent, err) < 0)
		return -1;
	agent_former_say_lost(agent);
	struct err failure = ERR_INIT;
	if (agent->options->folder && agent_open_start(agent, &failure) < 0)
		agent_warn(agent, &failure); /* flow logs go on without */
	return 0;
}

static void agent_done(struct agent *agent)
{
	agent_open_stop(agent);
	agent_subscriptions_done(agent);
	deliver_close(agent->deliver);
	capture_live_close(agent->live);
	agent_devices_done(agent);
	agent_board_free(agent->board);
	vpc_ids_free(agent->ids);
	mem_closep(&agent->signals);
	mem_closep(&agent->timer);
	mem_closep(&agent->monitor);
	mem_closep(&agent->mark);
}

/* ---- loop ---- */

static void tell_status(struct agent *agent)
{
	agent->status_at_ns = clock_mono_ns();
	agent_fill_status(agent);
	if (agent->options->status)
		agent->options->status(agent->options->context, &agent->status);
}

/* What time brings, whatever it was that woke the loop. */
static int on_time(struct agent *agent, struct err *err)
{
	int64_t now_ns = clock_mono_ns();

	if (agent_groups_advance(agent, clock_wall_ns() / CLOCK_NS_PER_SECOND, err) < 0)
		return -1;
	bool is_status_due = agent->options->status && now_ns - agent->status_at_ns >= STATUS_NS;
	if (capture_live_fill(agent->live) > DRAIN_AT_FILL || is_status_due) {
		if (agent_drain(agent, err) < 0)
			return -1;
	}
	if (is_status_due)
		tell_status(agent);
	agent_report(agent);
	agent_look_for_orphans(agent);
	if (agent->retry_at_ns && now_ns >= agent->retry_at_ns) {
		agent->retry_at_ns = 0;
		agent_subscribe(agent);
	}
	return 0;
}

static int on_devices(struct agent *agent, struct err *err)
{
	uint32_t gone[GONE_MAX];
	size_t count;

	if (!vpc_monitor_changed(agent->monitor, gone, GONE_MAX, &count))
		return 0;
	/* What a vanished device counted is taken while it is known. */
	if (agent_drain(agent, err) < 0)
		return -1;
	agent_devices_gone(agent, gone, count);
	if (agent_follow_devices(agent, err) < 0)
		return -1;
	pthread_mutex_lock(&agent->board->lock);
	agent->board->changes++;
	pthread_cond_broadcast(&agent->board->told);
	pthread_mutex_unlock(&agent->board->lock);
	agent->has_news = true;
	return 0;
}

static void take_attachments(
	struct agent *agent, const struct agent_attachment *attachments, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct agent_device *device =
			agent_device_by_ifindex(agent, attachments[i].ifindex);
		if (!device)
			continue;
		memcpy(device->interface.instance_id, attachments[i].instance_id,
			sizeof(device->interface.instance_id));
		vpc_interface_set_record(&device->interface, &agent->identity);
	}
}

/* What the other threads have for the loop. */
static int on_board(struct agent *agent, struct err *err)
{
	struct agent_board *board = agent->board;
	uint64_t rung;

	(void)!read(board->wake, &rung, sizeof(rung));
	pthread_mutex_lock(&board->lock);
	bool has_flow_logs = board->has_flow_logs;
	struct agent_flow_log **flow_logs = take(board->flow_logs);
	size_t flow_logs_count = board->flow_logs_count;
	_cleanup_free_ struct agent_attachment *attachments = take(board->attachments);
	size_t attachments_count = board->attachments_count;
	board->has_flow_logs = board->has_attachments = false;
	board->flow_logs_count = board->attachments_count = 0;
	pthread_mutex_unlock(&board->lock);
	agent->has_news = true;
	take_attachments(agent, attachments, attachments_count);
	if (has_flow_logs && agent_set_flow_logs(agent, flow_logs, flow_logs_count, err) < 0)
		return -1;
	if (has_flow_logs) {
		agent->has_heard = true;
		agent->report_at_ns = 0; /* who asks is told at once */
		agent_report(agent);
	}
	return 0;
}

static void sooner(int64_t *at_ns, int64_t other_ns)
{
	*at_ns = other_ns < *at_ns ? other_ns : *at_ns;
}

/* Milliseconds until on_time has something to do: boundaries are met, not waited past. */
static int time_to_next_ms(const struct agent *agent)
{
	int64_t now_ns = clock_mono_ns(), at_ns = agent_report_due(agent);
	int64_t end = agent_groups_next_end(agent);

	if (end)
		sooner(&at_ns, now_ns + end * CLOCK_NS_PER_SECOND - clock_wall_ns());
	if (agent->options->status)
		sooner(&at_ns, agent->status_at_ns + STATUS_NS);
	if (agent->retry_at_ns)
		sooner(&at_ns, agent->retry_at_ns);
	sooner(&at_ns, agent_orphans_due(agent));
	sooner(&at_ns, agent_open_due(agent));
	if (at_ns <= now_ns)
		return 0;
	return at_ns - now_ns < LOOP_NS ? (int)((at_ns - now_ns) / 1000000) + 1
					: (int)(LOOP_NS / 1000000);
}

/* What need only be noticed: on_time looks at the clock and the table anyway. */
static void take_hints(struct agent *agent, const struct pollfd *clock, const struct pollfd *table)
{
	uint64_t expirations;

	if (clock->revents) {
		(void)!read(agent->timer, &expirations, sizeof(expirations));
		(void)watch_clock(agent->timer);
		agent->has_news = true; /* the status has the new time */
	}
	if (table->revents)
		capture_live_looked(agent->live);
}

static int loop(struct agent *agent, struct err *err)
{
	enum { OWN = 5 };
	struct pollfd ready[OWN + 1 + AGENT_OPEN_READERS] = {{agent->signals, POLLIN, 0},
		{agent->timer, POLLIN, 0}, {agent->monitor, POLLIN, 0},
		{agent->board->wake, POLLIN, 0}, {capture_live_half_full(agent->live), POLLIN, 0}};

	for (;;) {
		size_t readers = agent_open_waits(agent, ready + OWN);
		if (poll(ready, OWN + readers, time_to_next_ms(agent)) < 0) {
			if (errno != EINTR)
				return err_set_errno(err, errno, "cannot wait for events");
			continue;
		}
		if (ready[0].revents)
			return 0;
		take_hints(agent, &ready[1], &ready[4]);
		if ((ready[2].revents && on_devices(agent, err) < 0) ||
			(ready[3].revents && on_board(agent, err) < 0) || on_time(agent, err) < 0 ||
			agent_open_serve(agent, ready + OWN, readers, err) < 0)
			return -1;
	}
}

/* The open windows, cut short. */
static int flush(struct agent *agent, struct err *err)
{
	agent_detach_all(agent);
	agent->is_stopping = true;
	if (agent_drain(agent, err) < 0)
		return -1;
	for (size_t i = 0; i < agent->groups_count; i++)
		agent_group_flush(agent->groups[i], false);
	if (!agent->has_lost)
		return 0;
	if (err)
		*err = agent->failure;
	return err_hint(
		err, "%llu records are lost with it", (unsigned long long)agent_waiting(agent));
}

/* What is left stays in the spools for the next start. A second signal does not wait for it. */
static void drain_spools(const struct agent *agent)
{
	int64_t end_ns = clock_mono_ns() + agent->options->drain_ms * INT64_C(1000000);
	struct pollfd signals = {agent->signals, POLLIN, 0};
	struct signalfd_siginfo first;

	(void)!read(agent->signals, &first, sizeof(first));
	while (!agent_is_drained(agent) && clock_mono_ns() < end_ns) {
		if (poll(&signals, 1, 10) > 0)
			return;
	}
}

static int run(struct agent *agent, struct err *err)
{
	_cleanup_(agent_observer_stopp) struct agent_observer *observer = NULL;
	_cleanup_(agent_sync_stopp) struct agent_sync *sync = NULL;
	const struct agent_options *options = agent->options;

	if (agent_observer_start(&observer, agent, err) < 0 ||
		(options->server && agent_sync_start(&sync, agent, err) < 0))
		return -1;
	agent_report(agent);
	if (options->started)
		options->started(
			options->context, &agent->status, capture_live_has_verdicts(agent->live));
	return loop(agent, err);
}

int agent_run(const struct agent_options *options, struct err *err)
{
	_cleanup_(agent_done) struct agent agent = {
		.options = options, .signals = -1, .timer = -1, .monitor = -1, .mark = -1};

	if (agent_open(&agent, err) < 0)
		return -1;
	int result = run(&agent, err);
	if (result == 0)
		result = flush(&agent, err);
	drain_spools(&agent);
	tell_status(&agent);
	agent_report(&agent);
	if (result == 0)
		agent_former_mark_stopped(&agent);
	return result;
}
