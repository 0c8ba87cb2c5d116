/* flow_log: what a flow log is to an agent: which interfaces, which traffic, how often, where to.
 * From the configuration, or as SyncAgent's answer says it (api/agents/agents.smithy).
 * Never changes once made; owned by whoever made it, who frees it. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "deliver/deliver.h"
#include "vpc/interface.h"

#include <jansson.h>
#include <stdbool.h>

enum agent_resource { AGENT_EVERYTHING, AGENT_VPC, AGENT_SUBNET, AGENT_INTERFACE };
enum agent_traffic { AGENT_TRAFFIC_ALL, AGENT_TRAFFIC_ACCEPT, AGENT_TRAFFIC_REJECT };

struct agent_flow_log {
	char id[VPC_ID_SIZE];
	enum agent_resource resource;
	/* VPC: id or title. Subnet: id or prefix. Interface: id, or name of the device with * and
	 * ?. NULL for everything. */
	char *resource_id;
	enum agent_traffic traffic;
	uint32_t interval; /* seconds */
	enum deliver_kind kind;
	char *destination; /* as deliver_flow_log_options has it */
	char *role_arn;    /* NULL: none */
	bool is_parquet, is_hive_compatible, is_per_hour;
	struct record_format format;
};

void agent_flow_log_free(struct agent_flow_log *flow_log);
MEM_DEFINE_CLEANUP(struct agent_flow_log, agent_flow_log_free)
/* One of SyncAgent's FlowLogs. */
int agent_flow_log_parse(
	struct agent_flow_log **ret_flow_log, const json_t *object, struct err *err);
/* Whether it is about this interface. */
bool agent_flow_log_concerns(
	const struct agent_flow_log *flow_log, const struct vpc_interface *interface);
/* For people and for AWS's API: "ALL", "cloud-watch-logs". */
const char *agent_traffic_name(enum agent_traffic traffic);
const char *agent_kind_name(enum deliver_kind kind);
