#include "agent/flow_log.h"

#include "agent/agent.h"
#include "base/number.h"
#include "vpc/naming.h"

#include <fnmatch.h>
#include <stdio.h>

void agent_flow_log_free(struct agent_flow_log *flow_log)
{
	if (!flow_log)
		return;
	free(flow_log->resource_id);
	free(flow_log->destination);
	free(flow_log->role_arn);
	free(flow_log);
}

static const char *const resources[] = {"", "VPC", "Subnet", "NetworkInterface"};
static const char *const traffics[] = {"ALL", "ACCEPT", "REJECT"};
static const char *const kinds[] = {"folder", "s3", "cloud-watch-logs", "kinesis-data-firehose"};

const char *agent_traffic_name(enum agent_traffic traffic)
{
	return traffics[traffic];
}

const char *agent_kind_name(enum deliver_kind kind)
{
	return kinds[kind];
}

/* ---- from JSON ---- */

/* The text of a member, "" where it is not there or no text. */
static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static int find_word(const json_t *object, const char *name, const char *const *words, size_t count,
	int *ret_index, struct err *err)
{
	const char *value = text(object, name);

	for (size_t i = 0; i < count; i++) {
		if (words[i][0] && strcmp(value, words[i]) == 0) {
			*ret_index = (int)i;
			return 0;
		}
	}
	return err_set(err, ERR_INPUT, "%s: '%.64s' is nothing that this agent knows", name, value);
}

static char *text_or_null(const char *value)
{
	return *value ? mem_strdup(value) : NULL;
}

static int take_text(struct agent_flow_log *flow_log, const json_t *object, struct err *err)
{
	const char *id = text(object, "FlowLogId");
	/* The name of the group says the same as its ARN, which may be of another partition. */
	const char *group = text(object, "LogGroupName");
	const char *destination = text(object, "LogDestination");

	if (!*id || strlen(id) >= sizeof(flow_log->id) ||
		strspn(id, "fl-0123456789abcdef") != strlen(id))
		return err_set(err, ERR_INPUT, "FlowLogId: '%.64s' is no id of a flow log", id);
	snprintf(flow_log->id, sizeof(flow_log->id), "%s", id);
	flow_log->resource_id = mem_strdup(text(object, "ResourceId"));
	flow_log->role_arn = text_or_null(text(object, "DeliverCrossAccountRole"));
	flow_log->destination =
		mem_strdup(flow_log->kind == DELIVER_TO_LOGS && *group ? group : destination);
	if (!*flow_log->destination)
		return err_set(err, ERR_INPUT, "LogDestination: there is none");
	return 0;
}

int agent_flow_log_parse(
	struct agent_flow_log **ret_flow_log, const json_t *object, struct err *err)
{
	_cleanup_(agent_flow_log_freep) struct agent_flow_log *flow_log =
		mem_new(1, sizeof(*flow_log));
	int resource = 0, traffic = 0, kind = 0;
	json_int_t interval = json_integer_value(json_object_get(object, "MaxAggregationInterval"));

	if (find_word(object, "ResourceType", resources, ARRAY_SIZE(resources), &resource, err) <
			0 ||
		find_word(object, "TrafficType", traffics, ARRAY_SIZE(traffics), &traffic, err) <
			0 ||
		find_word(object, "LogDestinationType", kinds, ARRAY_SIZE(kinds), &kind, err) < 0)
		return -1;
	if (kind == DELIVER_TO_FOLDER)
		return err_set(err, ERR_INPUT, "LogDestinationType: a server cannot name a folder");
	if (interval < 1 || interval > AGENT_INTERVAL_MAX)
		return err_set(err, ERR_INPUT,
			"MaxAggregationInterval: %lld is not 1 to %d seconds", (long long)interval,
			AGENT_INTERVAL_MAX);
	flow_log->resource = (enum agent_resource)resource;
	flow_log->traffic = (enum agent_traffic)traffic;
	flow_log->kind = (enum deliver_kind)kind;
	flow_log->interval = (uint32_t)interval;
	flow_log->is_parquet = strcmp(text(object, "FileFormat"), "parquet") == 0;
	flow_log->is_hive_compatible =
		json_is_true(json_object_get(object, "HiveCompatiblePartitions"));
	flow_log->is_per_hour = json_is_true(json_object_get(object, "PerHourPartition"));
	if (take_text(flow_log, object, err) < 0)
		return -1;
	if (record_format_parse(str_from(text(object, "LogFormat")), &flow_log->format, err) < 0)
		return err_wrap(err, "LogFormat");
	*ret_flow_log = take(flow_log);
	return 0;
}

/* ---- whom it concerns ---- */

static bool is_in_vpc(const char *vpc, const struct vpc_interface *interface)
{
	char id[VPC_ID_SIZE];

	if (strcmp(vpc, interface->vpc_id) == 0)
		return true;
	vpc_naming_vpc_id(id, vpc);
	return strcmp(id, interface->vpc_id) == 0;
}

static bool is_in_subnet(const char *subnet, const struct vpc_interface *interface)
{
	struct ip_prefix prefix;

	if (strcmp(subnet, interface->subnet_id) == 0)
		return true;
	if (!ip_prefix_parse(str_from(subnet), &prefix))
		return false;
	for (size_t i = 0; i < interface->addresses; i++) {
		const struct ip_prefix *own = &interface->prefix[i];
		if (own->length == prefix.length && ip_equal(&own->addr, &prefix.addr))
			return true;
	}
	return false;
}

bool agent_flow_log_concerns(
	const struct agent_flow_log *flow_log, const struct vpc_interface *interface)
{
	const char *id = flow_log->resource_id;

	switch (flow_log->resource) {
	case AGENT_VPC:
		return is_in_vpc(id, interface);
	case AGENT_SUBNET:
		return is_in_subnet(id, interface);
	case AGENT_INTERFACE:
		return strcmp(id, interface->id) == 0 || fnmatch(id, interface->name, 0) == 0;
	case AGENT_EVERYTHING:
		break;
	}
	return true;
}
