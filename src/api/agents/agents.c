#include "api/agents/agents.h"

#include "api/agents/agents_shape.h"
#include "api/server.h"
#include "base/clock.h"

/* An inventory has about half a kilobyte an interface. */
enum { BODY_MAX = 16 << 20 };

static struct str text_of(const struct api_call *call, const char *name)
{
	const json_t *value = json_object_get(call->input, name);

	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR("");
}

/* ---- what agents are told ---- */

static void copy(json_t *to, const json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);

	if (value)
		json_object_set(to, name, value);
}

/* A log group by its name is one of this region and account. */
static void set_group(struct api_server *server, json_t *flow_log)
{
	const char *group = json_string_value(json_object_get(flow_log, "LogGroupName"));
	struct str region = api_server_region(server), account = api_server_account(server);

	if (group && !json_object_get(flow_log, "LogDestination"))
		json_object_set_new(flow_log, "LogDestination",
			json_sprintf("arn:aws:logs:%.*s:%.*s:log-group:%s", STR_ARG(region),
				STR_ARG(account), group));
}

/* EC2's FlowLog as the agents' FlowLog. */
static json_t *flow_log_of(
	struct api_server *server, const json_t *document, const json_t *all_tags)
{
	static const char *const same[] = {"FlowLogId", "ResourceType", "ResourceId", "TrafficType",
		"LogDestinationType", "LogDestination", "LogGroupName", "DeliverCrossAccountRole",
		"LogFormat", "MaxAggregationInterval", "CreationTime"};
	static const char *const options[] = {
		"FileFormat", "HiveCompatiblePartitions", "PerHourPartition"};
	const char *id = json_string_value(json_object_get(document, "FlowLogId"));
	const json_t *destination = json_object_get(document, "DestinationOptions");
	json_t *flow_log = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		copy(flow_log, document, same[i]);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		copy(flow_log, destination, options[i]);
	set_group(server, flow_log);
	json_object_set_new(flow_log, "Tags", store_tags_of(all_tags, id, NULL));
	return flow_log;
}

static int add_flow_logs(struct api_call *call)
{
	struct agents *agents = call->context;
	json_t *documents;

	if (store_flow_logs_list(agents->flow_logs, &documents, &call->exchange->err) < 0)
		return -1;
	json_t *tags = store_tags_all(agents->network), *list = json_array();
	for (size_t i = 0; i < json_array_size(documents); i++)
		json_array_append_new(list,
			flow_log_of(call->exchange->server, json_array_get(documents, i), tags));
	json_object_set_new(call->output, "FlowLogs", list);
	json_decref(tags);
	json_decref(documents);
	return 0;
}

/* ---- the operations ---- */

static int about_agent(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	struct api_server *server = call->exchange->server;

	api_about_resource(authorization, "arn:aws:nagare:%.*s:%.*s:agent/%.*s",
		STR_ARG(api_server_region(server)), STR_ARG(api_server_account(server)),
		STR_ARG(text_of(call, "AgentId")));
	return 0;
}

static int sync_agent(struct api_call *call, struct aws_error *error)
{
	struct agents *agents = call->context;
	const json_t *known = json_object_get(call->input, "KnownVersion");
	const struct store_agent_report report = {.id = text_of(call, "AgentId"),
		.hostname = text_of(call, "Hostname"),
		.version = text_of(call, "AgentVersion"),
		.inventory = json_object_get(call->input, "Inventory"),
		.deliveries = json_object_get(call->input, "Deliveries"),
		.now_ms = clock_wall_ns() / 1000000};
	/* Before the list: a change in between is told again by the next call. */
	int64_t version = store_flow_logs_version(agents->flow_logs);
	bool needs_inventory;

	if (store_network_sync(agents->network, &report, &needs_inventory, &call->exchange->err) <
		0)
		return aws_error_internal(error);
	json_object_set_new(call->output, "Version", json_integer(version));
	json_object_set_new(call->output, "NeedsInventory", json_boolean(needs_inventory));
	if (json_integer_value(known) != version && add_flow_logs(call) < 0)
		return aws_error_internal(error);
	return 0;
}

static int list_agents(struct api_call *call, struct aws_error *error)
{
	struct agents *agents = call->context;

	json_object_set_new(call->output, "Agents", store_network_agents(agents->network));
	return 0;
}

static const struct api_operation operations[] = {
	{"SyncAgent", about_agent, sync_agent},
	{"ListAgents", NULL, list_agents},
	{NULL},
};

static const char *const signing_names[] = {"nagare", NULL};

const struct api_service api_agents = {
	.name = "nagare",
	.signing_names = signing_names,
	.style = AWS_STYLE_JSON,
	.shape = &agents_shape,
	.operations = operations,
	.body_max = BODY_MAX,
};
