/* The thread that looks: at what is around the interfaces (containers, firewall rules), whenever
 * devices have changed, and every few seconds at what hints at a change of the rest; only then, and
 * once a minute, is all of it read again. Writes the files that say how the agent is doing. */
#include "agent/agent_priv.h"
#include "agent/inventory_priv.h"
#include "agent/status_priv.h"
#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define HINT_EVERY_NS INT64_C(5000000000)
#define LOOK_EVERY_NS INT64_C(60000000000)
#define LOOK_AGAIN_MS 250 /* a container's start is many changes */
#define NEVER_MS      INT64_C(3600000)

struct agent_observer {
	pthread_t thread;
	struct agent *agent; /* only what never changes, and the board */
	struct vpc_network_reader *reader;
	char *status_path;
	uint64_t reports, changes;
	int64_t looked_ns, hinted_ns; /* monotonic: all was read, hints were looked at */
	bool has_warned;
};

static struct agent_attachment *attachments_of(const struct vpc_network *network)
{
	struct agent_attachment *attachments =
		mem_new(network->interface_count + 1, sizeof(*attachments));

	for (size_t i = 0; i < network->interface_count; i++) {
		attachments[i].ifindex = network->interfaces[i].interface.ifindex;
		memcpy(attachments[i].instance_id, network->interfaces[i].instance_id,
			sizeof(attachments[i].instance_id));
	}
	return attachments;
}

/* Hands over what is new. */
static void tell(struct agent_observer *observer, const struct vpc_network *network)
{
	struct agent_board *board = observer->agent->board;
	json_t *inventory = agent_inventory(network, &observer->agent->identity);
	char *text = json_dumps(inventory, JSON_COMPACT);

	json_decref(inventory);
	pthread_mutex_lock(&board->lock);
	if (text && (!board->inventory || strcmp(board->inventory, text) != 0)) {
		free(board->inventory);
		board->inventory = take(text);
		board->inventories++;
		free(board->attachments);
		board->attachments = attachments_of(network);
		board->attachments_count = network->interface_count;
		board->has_attachments = true;
		pthread_cond_broadcast(&board->told);
		agent_board_wake(board);
	}
	pthread_mutex_unlock(&board->lock);
	free(text);
}

static void look(struct agent_observer *observer)
{
	struct vpc_network network;
	struct err err = ERR_INIT;

	observer->looked_ns = observer->hinted_ns = clock_mono_ns();
	if (vpc_network_read(observer->reader, &network, &err) < 0) {
		agent_warn(observer->agent, &err);
		return;
	}
	tell(observer, &network);
	vpc_network_done(&network);
}

static void write_status(struct agent_observer *observer, const struct agent_report *report)
{
	const char *metrics_file = observer->agent->options->metrics_file;
	json_t *status = agent_status_json(report);
	char *text = json_dumps(status, JSON_INDENT(1));
	struct err err = ERR_INIT;
	int result = agent_status_write(observer->status_path, str_from(text), &err);

	if (result == 0 && metrics_file) {
		_cleanup_buf_ struct buf metrics = {0};
		agent_status_metrics(&metrics, status);
		result = agent_status_write(metrics_file, buf_str(&metrics), &err);
	}
	/* Once: a full disk is said by those who have more to lose. */
	if (result < 0 && !observer->has_warned)
		agent_warn(observer->agent, &err);
	observer->has_warned = result < 0;
	free(text);
	json_decref(status);
}

/* Whether all has to be read again. */
static bool is_look_due(struct agent_observer *observer, bool has_changed)
{
	int64_t now_ns = clock_mono_ns();

	if (!observer->agent->options->observes)
		return false;
	if (has_changed || !observer->looked_ns || now_ns - observer->looked_ns >= LOOK_EVERY_NS)
		return true;
	if (now_ns - observer->hinted_ns < HINT_EVERY_NS)
		return false;
	observer->hinted_ns = now_ns;
	return vpc_network_has_changed(observer->reader);
}

static int64_t time_to_hint_ms(const struct agent_observer *observer)
{
	int64_t left_ns = observer->hinted_ns + HINT_EVERY_NS - clock_mono_ns();

	if (!observer->agent->options->observes)
		return NEVER_MS;
	return left_ns > 0 ? left_ns / 1000000 + 1 : 0;
}

static void *observe(void *context)
{
	struct agent_observer *observer = context;
	struct agent_board *board = observer->agent->board;
	bool goes_on = true;

	pthread_mutex_lock(&board->lock);
	while (goes_on) {
		bool has_report = observer->status_path && board->reports != observer->reports;
		bool has_changed = board->changes != observer->changes;
		struct agent_report report = {.time_ms = 0};
		if (has_report)
			report = agent_report_copy(&board->report);
		observer->reports = board->reports;
		observer->changes = board->changes;
		pthread_mutex_unlock(&board->lock);
		bool is_due = is_look_due(observer, has_changed);
		if (is_due)
			look(observer);
		if (has_report)
			write_status(observer, &report);
		agent_report_done(&report);
		pthread_mutex_lock(&board->lock);
		if (board->changes == observer->changes && board->reports == observer->reports)
			goes_on = agent_board_wait(board, time_to_hint_ms(observer));
		else if (board->is_stopping)
			goes_on = false;
		if (goes_on && is_due)
			goes_on = agent_board_wait(board, LOOK_AGAIN_MS);
	}
	pthread_mutex_unlock(&board->lock);
	return NULL;
}

int agent_observer_start(
	struct agent_observer **ret_observer, const struct agent *agent, struct err *err)
{
	struct agent_observer *observer = mem_new(1, sizeof(*observer));
	const struct vpc_network_settings settings = {.identity = agent->identity,
		.naming = &agent->options->naming,
		.ids = agent->ids,
		.include_loopback = agent->options->include_loopback};

	observer->agent = (struct agent *)agent;
	observer->reader = vpc_network_reader_new(&settings);
	if (agent->options->folder)
		observer->status_path = mem_printf("%s/" AGENT_STATUS_FILE, agent->options->folder);
	if (pthread_create(&observer->thread, NULL, observe, observer) != 0) {
		vpc_network_reader_free(observer->reader);
		free(observer->status_path);
		free(observer);
		return err_set(err, ERR_SYSTEM, "cannot start a thread");
	}
	*ret_observer = observer;
	return 0;
}

static void stop_all(struct agent_board *board)
{
	pthread_mutex_lock(&board->lock);
	board->is_stopping = true;
	pthread_cond_broadcast(&board->told);
	pthread_mutex_unlock(&board->lock);
}

void agent_observer_stop(struct agent_observer *observer)
{
	if (!observer)
		return;
	stop_all(observer->agent->board);
	pthread_join(observer->thread, NULL);
	vpc_network_reader_free(observer->reader);
	free(observer->status_path);
	free(observer);
}
