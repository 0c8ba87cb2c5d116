/* Agents: a row each, with the inventory as the JSON that the agent sent. The rows are read once,
 * at the start; then memory has everything, and a row is written when an inventory is new, and when
 * the agent's last sight is a minute old there. A crash so loses a minute of what is told again
 * every second. */
#include "store/network_priv.h"

#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { WRITE_SEEN_MS = 60000 };

const char network_schema[] = "CREATE TABLE IF NOT EXISTS network_agent ("
			      " id TEXT PRIMARY KEY, hostname TEXT NOT NULL, version TEXT NOT NULL,"
			      " seen_ms INTEGER NOT NULL, told_ms INTEGER NOT NULL,"
			      " inventory TEXT, deliveries TEXT) WITHOUT ROWID;"
			      "CREATE TABLE IF NOT EXISTS network_tag ("
			      " resource_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT,"
			      " PRIMARY KEY (resource_id, key)) WITHOUT ROWID;";

/* ---- agents in memory ---- */

static void agent_done(struct network_agent *agent)
{
	free(agent->id);
	free(agent->hostname);
	free(agent->version);
	json_decref(agent->inventory);
	json_decref(agent->deliveries);
}

/* Where the agent is, or is to be. */
static size_t place_of(const struct store_network *network, struct str id)
{
	size_t low = 0, high = network->agent_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const char *there = network->agents[middle].id;
		size_t n = strlen(there);
		int order = memcmp(there, id.p, n < id.n ? n : id.n);
		if (order < 0 || (order == 0 && n < id.n))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct network_agent *find(struct store_network *network, struct str id)
{
	size_t place = place_of(network, id);

	if (place == network->agent_count || !str_equal(str_from(network->agents[place].id), id))
		return NULL;
	return &network->agents[place];
}

static struct network_agent *find_or_add(struct store_network *network, struct str id)
{
	struct network_agent *agent = find(network, id);

	if (agent)
		return agent;
	size_t place = place_of(network, id);
	network->agents =
		mem_grow(network->agents, network->agent_count + 1, sizeof(*network->agents));
	agent = &network->agents[place];
	memmove(agent + 1, agent, (network->agent_count - place) * sizeof(*agent));
	network->agent_count++;
	*agent = (struct network_agent){.id = mem_printf("%.*s", STR_ARG(id)),
		.hostname = mem_strdup(""),
		.version = mem_strdup(""),
		.deliveries = json_array()};
	return agent;
}

static void set_text(char **text, struct str value)
{
	if (str_equal(str_from(*text), value))
		return;
	free(*text);
	*text = mem_printf("%.*s", STR_ARG(value));
}

static void forget_views(struct store_network *network)
{
	for (size_t i = 0; i < STORE_RESOURCES; i++) {
		json_decref(network->views[i]);
		network->views[i] = NULL;
	}
}

/* ---- on disk ---- */

static json_t *read_json(struct str text)
{
	return text.p ? json_loadb(text.p, text.n, 0, NULL) : NULL;
}

static void read_agent(struct store_network *network, sqlite3_stmt *statement)
{
	struct network_agent *agent = find_or_add(network, store_column_str(statement, 0));
	json_t *deliveries = read_json(store_column_str(statement, 6));

	set_text(&agent->hostname, store_column_str(statement, 1));
	set_text(&agent->version, store_column_str(statement, 2));
	agent->seen_ms = agent->written_ms = store_column_i64(statement, 3);
	agent->told_ms = store_column_i64(statement, 4);
	agent->inventory = read_json(store_column_str(statement, 5));
	if (json_is_array(deliveries)) {
		json_decref(agent->deliveries);
		agent->deliveries = deliveries;
	}
}

static int read_agents(struct store_network *network, struct err *err)
{
	struct store_connection *reader;
	sqlite3_stmt *statement;
	int result;

	if (store_read_begin(network->database, &reader, err) < 0)
		return -1;
	result = store_statement(reader,
		"SELECT id, hostname, version, seen_ms, told_ms, inventory, deliveries"
		" FROM network_agent",
		&statement, err);
	while (result == 0) {
		result = store_step(statement, err);
		if (result <= 0)
			break;
		read_agent(network, statement);
		result = 0;
	}
	store_read_end(reader);
	return result;
}

static void bind_json(sqlite3_stmt *statement, int index, char *text)
{
	store_bind_str(statement, index, text ? str_from(text) : STR_NONE);
}

/* inventory NULL: the one that is there stays. */
static int write_row(struct store_connection *writer, const struct store_agent_report *report,
	char *inventory, char *deliveries, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer,
		    "INSERT INTO network_agent VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)"
		    " ON CONFLICT (id) DO UPDATE SET hostname = ?2, version = ?3, seen_ms = ?4,"
		    " told_ms = iif(?5 IS NULL, told_ms, ?4),"
		    " inventory = coalesce(?5, inventory), deliveries = ?6",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, report->id);
	store_bind_str(statement, 2, report->hostname);
	store_bind_str(statement, 3, report->version);
	store_bind_i64(statement, 4, report->now_ms);
	bind_json(statement, 5, inventory);
	bind_json(statement, 6, deliveries);
	return store_step(statement, err);
}

static int write_agent(
	struct store_network *network, const struct store_agent_report *report, struct err *err)
{
	_cleanup_free_ char *inventory =
		report->inventory ? json_dumps(report->inventory, JSON_COMPACT) : NULL;
	_cleanup_free_ char *deliveries =
		report->deliveries ? json_dumps(report->deliveries, JSON_COMPACT) : NULL;
	struct store_connection *writer;

	if (store_write_begin(network->database, &writer, err) < 0)
		return -1;
	if (write_row(writer, report, inventory, deliveries, err) < 0) {
		store_rollback(writer);
		return -1;
	}
	return store_commit(writer, err);
}

/* ---- the life ---- */

int store_network_open(
	struct store_network **ret_network, struct store_database *database, struct err *err)
{
	_cleanup_(store_network_closep) struct store_network *network =
		mem_new(1, sizeof(*network));

	network->database = database;
	pthread_mutex_init(&network->lock, NULL);
	if (store_make_tables(database, network_schema, err) < 0 || read_agents(network, err) < 0 ||
		store_tags_reload(network, err) < 0)
		return -1;
	*ret_network = take(network);
	return 0;
}

/* When agents were seen last is written once more. */
static void write_all(struct store_network *network)
{
	for (size_t i = 0; i < network->agent_count; i++) {
		const struct network_agent *agent = &network->agents[i];
		const struct store_agent_report report = {.id = str_from(agent->id),
			.hostname = str_from(agent->hostname),
			.version = str_from(agent->version),
			.deliveries = agent->deliveries,
			.now_ms = agent->seen_ms};
		if (agent->seen_ms > agent->written_ms)
			write_agent(network, &report, NULL);
	}
}

void store_network_close(struct store_network *network)
{
	if (!network)
		return;
	write_all(network);
	for (size_t i = 0; i < network->agent_count; i++)
		agent_done(&network->agents[i]);
	free(network->agents);
	forget_views(network);
	json_decref(network->tags);
	pthread_mutex_destroy(&network->lock);
	free(network);
}

/* ---- what agents tell ---- */

static bool is_to_write(struct store_network *network, const struct store_agent_report *report)
{
	pthread_mutex_lock(&network->lock);
	const struct network_agent *agent = find(network, report->id);
	bool is = !agent || report->inventory ||
		  report->now_ms - agent->written_ms >= WRITE_SEEN_MS ||
		  report->now_ms < agent->written_ms;
	pthread_mutex_unlock(&network->lock);
	return is;
}

static void keep(struct store_network *network, const struct store_agent_report *report,
	bool is_written, bool *ret_needs_inventory)
{
	pthread_mutex_lock(&network->lock);
	struct network_agent *agent = find_or_add(network, report->id);
	set_text(&agent->hostname, report->hostname);
	set_text(&agent->version, report->version);
	agent->seen_ms = report->now_ms;
	if (is_written)
		agent->written_ms = report->now_ms;
	json_decref(agent->deliveries);
	agent->deliveries = report->deliveries ? json_deep_copy(report->deliveries) : json_array();
	if (report->inventory) {
		json_decref(agent->inventory);
		agent->inventory = json_deep_copy(report->inventory);
		agent->told_ms = report->now_ms;
		forget_views(network);
	}
	*ret_needs_inventory = !agent->inventory;
	pthread_mutex_unlock(&network->lock);
}

int store_network_sync(struct store_network *network, const struct store_agent_report *report,
	bool *ret_needs_inventory, struct err *err)
{
	bool is_written = is_to_write(network, report);

	if (is_written && write_agent(network, report, err) < 0)
		return -1;
	keep(network, report, is_written, ret_needs_inventory);
	return 0;
}

json_t *store_network_agents(struct store_network *network)
{
	json_t *list = json_array();

	pthread_mutex_lock(&network->lock);
	for (size_t i = 0; i < network->agent_count; i++) {
		const struct network_agent *agent = &network->agents[i];
		json_t *interfaces = json_object_get(agent->inventory, "NetworkInterfaces");
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:O}", "AgentId", agent->id,
				      "Hostname", agent->hostname, "AgentVersion", agent->version,
				      "LastSeen", (json_int_t)agent->seen_ms, "Interfaces",
				      (json_int_t)json_array_size(interfaces), "Deliveries",
				      agent->deliveries));
	}
	pthread_mutex_unlock(&network->lock);
	return list;
}

bool store_network_is_present(struct store_network *network, struct str agent_id, int64_t now_ms)
{
	pthread_mutex_lock(&network->lock);
	const struct network_agent *agent = find(network, agent_id);
	bool is = agent && now_ms - agent->seen_ms < STORE_AGENT_LOST_MS;
	pthread_mutex_unlock(&network->lock);
	return is;
}

static const char *fault_of(const struct network_agent *agent, struct str flow_log_id)
{
	for (size_t i = 0; i < json_array_size(agent->deliveries); i++) {
		const json_t *delivery = json_array_get(agent->deliveries, i);
		const char *id = json_string_value(json_object_get(delivery, "FlowLogId"));
		if (id && str_equal(str_from(id), flow_log_id))
			return json_string_value(json_object_get(delivery, "Fault"));
	}
	return NULL;
}

bool store_network_fault(
	struct store_network *network, struct str flow_log_id, char ret_fault[static 64])
{
	bool has = false;

	pthread_mutex_lock(&network->lock);
	for (size_t i = 0; i < network->agent_count && !has; i++) {
		const char *fault = fault_of(&network->agents[i], flow_log_id);
		has = fault && fault[0];
		if (has)
			snprintf(ret_fault, 64, "%s", fault);
	}
	pthread_mutex_unlock(&network->lock);
	return has;
}

json_t *store_network_view(struct store_network *network, enum store_resource kind)
{
	assert(kind < STORE_RESOURCES);
	pthread_mutex_lock(&network->lock);
	if (!network->views[kind])
		network->views[kind] = network_make_view(network, kind);
	json_t *view = json_incref(network->views[kind]);
	pthread_mutex_unlock(&network->lock);
	return view;
}
