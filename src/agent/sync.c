/* The thread that talks to the server: once a second, and at once when the inventory has changed.
 * What the server says is kept in the data folder, so that the next start needs no server. */
#include "agent/agent_priv.h"
#include "agent/status_priv.h"
#include "base/clock.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define EVERY_NS     INT64_C(1000000000)
#define BACK_OFF_MAX 5 /* times EVERY_NS */
#define ANSWER_MAX   ((size_t)64 << 20)
#define KNOWN_FILE   "flow-logs.json"

struct agent_sync {
	pthread_t thread;
	struct agent *agent;  /* only what never changes, and the board */
	uint64_t inventories; /* the last one that the server has */
	bool has_version;
	json_int_t version;
	json_t *refused; /* Deliveries of flow logs that this agent cannot do */
	unsigned failures;
	bool has_asked_twice; /* for an inventory that it was given: no hurry then */
};

/* ---- what was remembered ---- */

static void free_all(struct agent_flow_log **flow_logs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		agent_flow_log_free(flow_logs[i]);
	free(flow_logs);
}

static json_t *refusal(const json_t *object, const struct err *err)
{
	struct agent_delivery_report report = {.status = {.fault = DELIVER_UNKNOWN_ERROR}};
	const char *id = json_string_value(json_object_get(object, "FlowLogId"));

	snprintf(report.id, sizeof(report.id), "%s", id ? id : "");
	snprintf(report.status.message, sizeof(report.status.message), "%.500s", err->message);
	return agent_status_delivery(&report);
}

/* Those that are good; refused gets the others. */
static struct agent_flow_log **parse_flow_logs(
	const json_t *list, size_t *ret_count, json_t *refused)
{
	struct agent_flow_log **flow_logs =
		mem_new(json_array_size(list) + 1, sizeof(flow_logs[0]));
	const json_t *object;
	size_t i, count = 0;

	json_array_foreach(list, i, object)
	{
		struct err err = ERR_INIT;
		if (agent_flow_log_parse(&flow_logs[count], object, &err) == 0)
			count++;
		else
			json_array_append_new(refused, refusal(object, &err));
	}
	*ret_count = count;
	return flow_logs;
}

int agent_sync_remembered(const char *folder, struct agent_flow_log ***ret_flow_logs,
	size_t *ret_count, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/" KNOWN_FILE, folder);
	_cleanup_buf_ struct buf text = {0};

	*ret_flow_logs = NULL;
	*ret_count = 0;
	if (access(path, F_OK) < 0)
		return 0;
	if (file_read(path, ANSWER_MAX, &text, err) < 0)
		return -1;
	json_t *known = json_loadb(text.p, text.n, 0, NULL);
	if (!known) {
		err_set(err, ERR_INPUT, "%s: not what the agent wrote", path);
		return err_hint(err, "remove it: the server tells the flow logs again");
	}
	json_t *refused = json_array();
	*ret_flow_logs = parse_flow_logs(json_object_get(known, "FlowLogs"), ret_count, refused);
	json_decref(refused);
	json_decref(known);
	return 0;
}

static void remember(struct agent_sync *sync, json_t *answer)
{
	_cleanup_free_ char *path = mem_printf("%s/" KNOWN_FILE, sync->agent->options->folder);
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	char *text = json_dumps(answer, JSON_INDENT(1));
	struct err err = ERR_INIT;

	if (file_draft_open(&draft, path, &err) < 0 ||
		file_draft_write(&draft, str_from(text), &err) < 0 ||
		file_draft_commit(&draft, true, &err) < 0)
		agent_warn(sync->agent, &err);
	free(text);
}

/* ---- the call ---- */

static json_t *deliveries(const struct agent_sync *sync, const struct agent_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->count; i++)
		json_array_append_new(list, agent_status_delivery(&report->deliveries[i]));
	if (sync->refused)
		json_array_extend(list, sync->refused);
	return list;
}

/* The request; *ret_inventories: number of the inventory in it, 0: none. */
static char *make_request(struct agent_sync *sync, uint64_t *ret_inventories)
{
	struct agent_board *board = sync->agent->board;
	json_t *request = json_object(), *inventory = NULL;
	char host[256] = "host";

	(void)gethostname(host, sizeof(host) - 1);
	*ret_inventories = 0;
	pthread_mutex_lock(&board->lock);
	struct agent_report report = agent_report_copy(&board->report);
	if (board->inventories != sync->inventories && board->inventory) {
		*ret_inventories = board->inventories;
		inventory = json_loads(board->inventory, 0, NULL);
	}
	pthread_mutex_unlock(&board->lock);
	json_object_set_new(request, "AgentId", json_string(sync->agent->identity.instance_id));
	json_object_set_new(request, "Hostname", json_string(host));
	json_object_set_new(request, "AgentVersion", json_string(NAGARE_VERSION));
	if (sync->has_version)
		json_object_set_new(request, "KnownVersion", json_integer(sync->version));
	if (inventory)
		json_object_set_new(request, "Inventory", inventory);
	json_object_set_new(request, "Deliveries", deliveries(sync, &report));
	agent_report_done(&report);
	char *text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	return text;
}

static int call(struct agent_sync *sync, const char *body, json_t **ret_answer, struct err *err)
{
	static const struct aws_header headers[] = {
		{{"X-Amz-Target", 12}, {"NagareAgents.SyncAgent", 22}},
		{{"Content-Type", 12}, {"application/x-amz-json-1.1", 26}}};
	const struct aws_call call = {.service = "nagare",
		.headers = headers,
		.header_count = ARRAY_SIZE(headers),
		.body = str_from(body),
		.is_idempotent = true,
		.answer_max = ANSWER_MAX};
	struct aws_answer answer;
	int result = aws_client_call(sync->agent->options->server, &call, &answer, err);

	if (result == 0) {
		*ret_answer = json_loadb(answer.body.p, answer.body.n, 0, NULL);
		if (!json_is_object(*ret_answer)) {
			json_decref(*ret_answer);
			result = err_set(err, ERR_INPUT, "the server's answer is no JSON");
			err_hint(err, "is it a nagare server?");
		}
	}
	aws_answer_done(&answer);
	return result;
}

static void take_flow_logs(struct agent_sync *sync, json_t *answer)
{
	struct agent_board *board = sync->agent->board;
	size_t count;

	json_decref(sync->refused);
	sync->refused = json_array();
	struct agent_flow_log **flow_logs =
		parse_flow_logs(json_object_get(answer, "FlowLogs"), &count, sync->refused);
	remember(sync, answer);
	pthread_mutex_lock(&board->lock);
	free_all(board->flow_logs, board->flow_logs_count);
	board->flow_logs = flow_logs;
	board->flow_logs_count = count;
	board->has_flow_logs = true;
	agent_board_wake(board);
	pthread_mutex_unlock(&board->lock);
}

/* Whether it is time to stop, so that a call that was broken off is no fault. */
static bool say_server(struct agent_sync *sync, const struct err *err)
{
	struct agent_board *board = sync->agent->board;

	pthread_mutex_lock(&board->lock);
	board->report.has_server = true;
	board->report.is_server_reached = !err;
	snprintf(board->report.server_said, sizeof(board->report.server_said), "%.500s",
		err ? err->message : "");
	bool is_stopping = board->is_stopping;
	pthread_mutex_unlock(&board->lock);
	return is_stopping;
}

/* True: again at once, for the server wants the inventory. */
static bool sync_once(struct agent_sync *sync)
{
	uint64_t inventories;
	char *body = make_request(sync, &inventories);
	struct err err = ERR_INIT;
	json_t *answer = NULL;
	int result = call(sync, body, &answer, &err);

	free(body);
	bool is_stopping = say_server(sync, result < 0 ? &err : NULL);
	if (result < 0) {
		err_wrap(&err, "the server");
		if (!is_stopping)
			agent_warn(sync->agent, &err);
		sync->failures += sync->failures < BACK_OFF_MAX;
		return false;
	}
	sync->failures = 0;
	if (inventories)
		sync->inventories = inventories;
	bool needs_inventory = json_is_true(json_object_get(answer, "NeedsInventory"));
	sync->has_asked_twice = needs_inventory && inventories;
	if (needs_inventory)
		sync->inventories = 0;
	if (json_is_array(json_object_get(answer, "FlowLogs")))
		take_flow_logs(sync, answer);
	sync->version = json_integer_value(json_object_get(answer, "Version"));
	sync->has_version = true;
	json_decref(answer);
	return needs_inventory && !inventories;
}

/* Twenty agents whose server comes back shall not all ask in the same moment. */
static int64_t pause_ns(const struct agent_sync *sync)
{
	uint32_t random = 0;

	if (!sync->failures)
		return EVERY_NS;
	(void)!getrandom(&random, sizeof(random), 0);
	return EVERY_NS * sync->failures * (500 + random % 500) / 1000;
}

static void *synchronise(void *context)
{
	struct agent_sync *sync = context;
	struct agent_board *board = sync->agent->board;
	bool goes_on = true;

	pthread_mutex_lock(&board->lock);
	while (goes_on) {
		pthread_mutex_unlock(&board->lock);
		bool again = sync_once(sync);
		int64_t due_ns = clock_mono_ns() + (again ? 0 : pause_ns(sync));
		pthread_mutex_lock(&board->lock);
		goes_on = !board->is_stopping;
		while (goes_on && clock_mono_ns() < due_ns &&
			(sync->failures || sync->has_asked_twice ||
				board->inventories == sync->inventories))
			goes_on = agent_board_wait(board, (due_ns - clock_mono_ns()) / 1000000 + 1);
	}
	pthread_mutex_unlock(&board->lock);
	return NULL;
}

int agent_sync_start(struct agent_sync **ret_sync, const struct agent *agent, struct err *err)
{
	struct agent_sync *sync = mem_new(1, sizeof(*sync));

	sync->agent = (struct agent *)agent;
	if (pthread_create(&sync->thread, NULL, synchronise, sync) != 0) {
		free(sync);
		return err_set(err, ERR_SYSTEM, "cannot start a thread");
	}
	*ret_sync = sync;
	return 0;
}

void agent_sync_stop(struct agent_sync *sync)
{
	if (!sync)
		return;
	struct agent_board *board = sync->agent->board;

	pthread_mutex_lock(&board->lock);
	board->is_stopping = true;
	pthread_cond_broadcast(&board->told);
	pthread_mutex_unlock(&board->lock);
	aws_client_stop(sync->agent->options->server);
	pthread_join(sync->thread, NULL);
	json_decref(sync->refused);
	free(sync);
}
