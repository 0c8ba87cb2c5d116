#include "agent/agent_priv.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define REPORT_NS       INT64_C(1000000000)
#define ALIVE_NS        INT64_C(5000000000)
#define RETRY_NS        INT64_C(10000000000)
#define DELETE_DRAIN_MS 10000

/* ---- closing ---- */

/* A delivery that sends what is left, on a thread of its own: the loop waits for no network. */
struct agent_closing {
	struct agent_closing *next;
	pthread_t thread;
	struct deliver_flow_log *delivery;
	unsigned drain_ms;
	bool is_deleted;
	atomic_bool is_done;
};

static void *close_delivery(void *context)
{
	struct agent_closing *closing = context;

	deliver_flow_log_close(closing->delivery, closing->drain_ms, closing->is_deleted);
	closing->is_done = true;
	return NULL;
}

static void start_closing(
	struct agent *agent, struct deliver_flow_log *delivery, unsigned drain_ms, bool is_deleted)
{
	struct agent_closing *closing = mem_new(1, sizeof(*closing));

	closing->delivery = delivery;
	closing->is_deleted = is_deleted;
	closing->drain_ms = drain_ms;
	if (pthread_create(&closing->thread, NULL, close_delivery, closing) != 0) {
		close_delivery(closing);
		free(closing);
		return;
	}
	closing->next = agent->closing;
	agent->closing = closing;
}

/* Those that are done, or all of them. */
static void join_closing(struct agent *agent, bool all)
{
	struct agent_closing **link = &agent->closing;

	while (*link) {
		struct agent_closing *closing = *link;
		if (!all && !closing->is_done) {
			link = &closing->next;
			continue;
		}
		pthread_join(closing->thread, NULL);
		*link = closing->next;
		free(closing);
		agent->orphans_at_ns = 0; /* what it could not send may have stayed */
	}
}

/* ---- opening ---- */

static int open_delivery(struct agent *agent, const struct agent_flow_log *flow_log,
	struct deliver_flow_log **ret_delivery, struct err *err)
{
	const struct deliver_flow_log_options options = {
		.id = flow_log->id,
		.kind = flow_log->kind,
		.destination = flow_log->destination,
		.traffic = (enum deliver_traffic)flow_log->traffic,
		.role_arn = flow_log->role_arn,
		.is_parquet = flow_log->is_parquet,
		.is_hive_compatible = flow_log->is_hive_compatible,
		.is_per_hour = flow_log->is_per_hour,
		.format = flow_log->format,
	};

	return deliver_flow_log_open(ret_delivery, agent->deliver, &options, err);
}

/* A group of this interval that was made just now, else a new one. */
static int find_new_group(struct agent *agent, uint32_t interval, size_t first_new,
	struct agent_group **ret_group, struct err *err)
{
	for (size_t i = first_new; i < agent->groups_count; i++) {
		if (agent->groups[i]->interval == interval) {
			*ret_group = agent->groups[i];
			return 0;
		}
	}
	return agent_group_new(agent, interval, ret_group, err);
}

static int subscribe(struct agent *agent, size_t number, size_t first_new, struct err *err)
{
	const struct agent_flow_log *flow_log = agent->flow_logs[number];
	struct deliver_flow_log *delivery = NULL;
	struct agent_group *group;

	if (open_delivery(agent, flow_log, &delivery, err) < 0)
		return -1;
	if (find_new_group(agent, flow_log->interval, first_new, &group, err) < 0) {
		deliver_flow_log_close(delivery, 0, false);
		return -1;
	}
	struct agent_subscription *subscription = mem_new(1, sizeof(*subscription));
	subscription->flow_log = flow_log;
	subscription->delivery = delivery;
	subscription->group = group;
	agent->subscriptions[number] = subscription;
	agent->status.flow_logs++;
	return 0;
}

/* Its spool may hold what a former process could not send. */
static bool has_spool(const struct agent *agent, const struct agent_flow_log *flow_log)
{
	_cleanup_free_ char *path = mem_printf(
		"%s/spool/%s", agent->options->folder ? agent->options->folder : "", flow_log->id);

	return access(path, F_OK) == 0;
}

static bool is_needed(const struct agent *agent, size_t number)
{
	const struct agent_flow_log *flow_log = agent->flow_logs[number];

	if (number < agent->options->flow_logs_count || has_spool(agent, flow_log))
		return true;
	for (size_t i = 0; i < agent->devices_count; i++) {
		const struct agent_device *device = agent->devices[i];
		if (device && device->is_present &&
			agent_flow_log_concerns(flow_log, &device->interface))
			return true;
	}
	return false;
}

static void tell_device(struct agent *agent, struct agent_device *device)
{
	device->subscription_count = 0;
	device->subscriptions = mem_grow(device->subscriptions, agent->flow_logs_count + 1,
		sizeof(device->subscriptions[0]));
	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		struct agent_subscription *subscription = agent->subscriptions[i];
		if (subscription &&
			agent_flow_log_concerns(subscription->flow_log, &device->interface))
			device->subscriptions[device->subscription_count++] = subscription;
	}
}

void agent_subscribe(struct agent *agent)
{
	size_t first_new = agent->groups_count;
	bool is_drained = false;

	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		struct err err = ERR_INIT;

		if (agent->subscriptions[i] || !is_needed(agent, i))
			continue;
		/* What was counted so far is not for those that begin now. */
		if (!is_drained && agent_drain(agent, &err) < 0)
			return;
		is_drained = true;
		if (subscribe(agent, i, first_new, &err) < 0) {
			err_wrap(&err, "flow log %s", agent->flow_logs[i]->id);
			agent->failure = err;
			agent->retry_at_ns = clock_mono_ns() + RETRY_NS;
			if (i >= agent->options->flow_logs_count)
				agent_warn(agent, &err);
		}
	}
	for (size_t i = 0; i < agent->devices_count; i++) {
		if (agent->devices[i])
			tell_device(agent, agent->devices[i]);
	}
	agent_watch_devices(agent, clock_wall_ns() / CLOCK_NS_PER_SECOND);
}

/* ---- changes ---- */

static struct agent_flow_log *find_flow_log(
	struct agent_flow_log *const *flow_logs, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(flow_logs[i]->id, id) == 0)
			return flow_logs[i];
	}
	return NULL;
}

static bool has_subscriptions(const struct agent *agent, const struct agent_group *group)
{
	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		if (agent->subscriptions[i] && agent->subscriptions[i]->group == group)
			return true;
	}
	return false;
}

static void end_subscription(struct agent *agent, size_t number, unsigned drain_ms, bool is_deleted)
{
	struct agent_subscription *subscription = agent->subscriptions[number];
	struct agent_group *group = subscription->group;
	struct deliver_status status;

	deliver_flow_log_status(subscription->delivery, &status);
	agent->batches_closed += status.batches;
	start_closing(agent, subscription->delivery, drain_ms, is_deleted);
	agent->subscriptions[number] = NULL;
	agent->status.flow_logs--;
	free(subscription);
	if (!has_subscriptions(agent, group))
		agent_group_free(agent, group);
}

/* The open window of flow logs that are no more ends here. For the others of its group it goes on:
 * what it has counted so far is a record, and what comes is another one. */
static int end_windows(struct agent *agent, const bool *is_ending, bool is_kept, struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		if (!is_ending[i] || !agent->subscriptions[i])
			continue;
		agent->subscriptions[i]->is_ending = true;
		any = true;
	}
	if (!any)
		return 0;
	if (agent_drain(agent, err) < 0)
		return -1;
	for (size_t i = 0; i < agent->groups_count; i++) {
		struct agent_group *group = agent->groups[i];
		bool is_last = false;
		for (size_t j = 0; j < agent->flow_logs_count; j++)
			is_last |= is_ending[j] && agent->subscriptions[j] &&
				   agent->subscriptions[j]->group == group;
		if (is_last)
			agent_group_flush(group, true);
	}
	for (size_t i = 0; i < agent->devices_count; i++) {
		if (agent->devices[i])
			agent->devices[i]->subscription_count = 0;
	}
	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		if (is_ending[i] && agent->subscriptions[i])
			end_subscription(agent, i, DELETE_DRAIN_MS, !is_kept);
	}
	return 0;
}

/* A server that knows none of the flow logs that it has told of has more likely lost them than has
 * somebody deleted them all: what cannot be sent now is kept (agent/orphans.c). */
static bool are_all_gone(const struct agent *agent, const bool *is_ending)
{
	size_t own = agent->options->flow_logs_count;

	for (size_t i = own; i < agent->flow_logs_count; i++) {
		if (!is_ending[i])
			return false;
	}
	return agent->flow_logs_count > own;
}

static void say_all_gone(struct agent *agent)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_NOT_FOUND, "the server knows none of its %zu flow logs any more",
		agent->flow_logs_count - agent->options->flow_logs_count);
	err_hint(&err, "what cannot be sent of them now is kept for a day");
	agent_warn(agent, &err);
}

static void add_flow_log(struct agent *agent, struct agent_flow_log *flow_log)
{
	size_t count = agent->flow_logs_count + 1;

	agent->flow_logs = mem_grow(agent->flow_logs, count, sizeof(agent->flow_logs[0]));
	agent->subscriptions =
		mem_grow(agent->subscriptions, count, sizeof(agent->subscriptions[0]));
	agent->flow_logs[agent->flow_logs_count] = flow_log;
	agent->subscriptions[agent->flow_logs_count] = NULL;
	agent->flow_logs_count = count;
}

/* Takes out those that end. */
static void remove_flow_logs(struct agent *agent, const bool *is_ending)
{
	size_t kept = 0;

	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		if (is_ending[i]) {
			agent_flow_log_free(agent->flow_logs[i]);
			continue;
		}
		agent->flow_logs[kept] = agent->flow_logs[i];
		agent->subscriptions[kept++] = agent->subscriptions[i];
	}
	agent->flow_logs_count = kept;
}

int agent_set_flow_logs(
	struct agent *agent, struct agent_flow_log **flow_logs, size_t count, struct err *err)
{
	_cleanup_free_ bool *is_ending = mem_new(agent->flow_logs_count + 1, sizeof(bool));
	int result;

	for (size_t i = agent->options->flow_logs_count; i < agent->flow_logs_count; i++)
		is_ending[i] = !find_flow_log(flow_logs, count, agent->flow_logs[i]->id);
	bool is_kept = are_all_gone(agent, is_ending);
	if (is_kept)
		say_all_gone(agent);
	result = end_windows(agent, is_ending, is_kept, err);
	if (result == 0)
		remove_flow_logs(agent, is_ending);
	for (size_t i = 0; i < count; i++) {
		if (result < 0 ||
			find_flow_log(agent->flow_logs, agent->flow_logs_count, flow_logs[i]->id))
			agent_flow_log_free(flow_logs[i]);
		else
			add_flow_log(agent, flow_logs[i]);
	}
	free(flow_logs);
	agent->orphans_at_ns = 0;
	if (result < 0)
		return result;
	agent_subscribe(agent);
	return 0;
}

uint64_t agent_waiting(const struct agent *agent)
{
	uint64_t waiting = 0;

	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		struct deliver_status status;
		if (!agent->subscriptions[i])
			continue;
		deliver_flow_log_status(agent->subscriptions[i]->delivery, &status);
		waiting += status.waiting;
	}
	return waiting;
}

bool agent_is_drained(const struct agent *agent)
{
	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		struct deliver_status status;
		if (!agent->subscriptions[i])
			continue;
		deliver_flow_log_status(agent->subscriptions[i]->delivery, &status);
		if (status.spool_batches)
			return false;
	}
	return true;
}

void agent_subscriptions_done(struct agent *agent)
{
	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		if (agent->subscriptions[i])
			end_subscription(agent, i, 0, false);
	}
	join_closing(agent, true);
	for (size_t i = agent->options->flow_logs_count; i < agent->flow_logs_count; i++)
		agent_flow_log_free(agent->flow_logs[i]);
	free(agent->flow_logs);
	free(agent->subscriptions);
	free(agent->groups);
	agent->flow_logs_count = 0;
}

/* ---- reports ---- */

static void report_delivery(struct agent_delivery_report *report,
	const struct agent_flow_log *flow_log, const struct agent_subscription *subscription)
{
	*report = (struct agent_delivery_report){.kind = flow_log->kind,
		.traffic = flow_log->traffic,
		.interval = flow_log->interval,
		.records = subscription->records};
	snprintf(report->id, sizeof(report->id), "%s", flow_log->id);
	snprintf(report->destination, sizeof(report->destination), "%s", flow_log->destination);
	deliver_flow_log_status(subscription->delivery, &report->status);
}

static void report_captured(const struct agent *agent, struct agent_report *report)
{
	report->captured_count = 0;
	report->captured =
		mem_grow(report->captured, agent->devices_count + 1, sizeof(report->captured[0]));
	for (size_t i = 0; i < agent->devices_count; i++) {
		const struct agent_device *device = agent->devices[i];
		if (device && device->is_attached)
			memcpy(report->captured[report->captured_count++], device->interface.id,
				sizeof(report->captured[0]));
	}
}

static void fill_report(const struct agent *agent, struct agent_report *report)
{
	const struct agent_status *status = &agent->status;

	report->time_ms = clock_wall_ns() / 1000000;
	report->interfaces = status->interfaces;
	report->packets = status->packets;
	report->rejected_packets = status->rejected_packets;
	report->records = status->records;
	report->missed_packets = status->missed_packets;
	report->flows = status->flows;
	report->has_verdicts = capture_live_has_verdicts(agent->live);
	/* At the end all are detached, and what they were stays. */
	if (!agent->is_stopping)
		report_captured(agent, report);
	report->count = 0;
	report->deliveries = mem_grow(
		report->deliveries, agent->flow_logs_count + 1, sizeof(report->deliveries[0]));
	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		if (agent->subscriptions[i])
			report_delivery(&report->deliveries[report->count++], agent->flow_logs[i],
				agent->subscriptions[i]);
	}
}

void agent_fill_status(struct agent *agent)
{
	struct agent_status *status = &agent->status;
	uint64_t early;

	status->flows = 0;
	for (size_t i = 0; i < agent->groups_count; i++)
		status->flows += flow_windows_count(agent->groups[i]->windows, &early);
	status->window_ends = agent_groups_next_end(agent);
	status->batches = agent->batches_closed;
	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		struct deliver_status delivered;
		if (!agent->subscriptions[i])
			continue;
		deliver_flow_log_status(agent->subscriptions[i]->delivery, &delivered);
		status->batches += delivered.batches;
	}
}

/* Something waits to be sent, and its lag is shown. */
static bool is_waiting(const struct agent *agent)
{
	const struct agent_report *report = &agent->board->report; /* the loop alone writes these */

	for (size_t i = 0; i < report->count; i++) {
		if (report->deliveries[i].status.spool_batches)
			return true;
	}
	return agent->closing != NULL;
}

int64_t agent_report_due(const struct agent *agent)
{
	bool is_soon = agent->has_news || is_waiting(agent);

	return agent->report_at_ns + (is_soon ? REPORT_NS : ALIVE_NS);
}

void agent_report(struct agent *agent)
{
	int64_t now_ns = clock_mono_ns();
	struct agent_board *board = agent->board;

	if (now_ns < agent_report_due(agent) && !agent->is_stopping)
		return;
	agent->report_at_ns = now_ns;
	agent->has_news = false;
	agent_fill_status(agent);
	join_closing(agent, false);
	pthread_mutex_lock(&board->lock);
	fill_report(agent, &board->report);
	board->reports++;
	pthread_cond_broadcast(&board->told);
	pthread_mutex_unlock(&board->lock);
}
