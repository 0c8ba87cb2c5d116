/* flow_logs: the flow logs of the account, as CreateFlowLogs makes them, in the database. A flow
 * log is an object with the members of EC2's FlowLog (jansson), without what is known elsewhere:
 * tags (store/network.h) and how its deliveries fare. All threads may share a struct
 * store_flow_logs. Blocks: on the disk. Promise: what create and delete have returned 0 for is
 * durable. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"
#include "store/network.h"

#include <jansson.h>
#include <stdint.h>

struct store_flow_logs;

/* database and network outlive the flow logs. */
int store_flow_logs_open(struct store_flow_logs **ret_logs, struct store_database *database,
	struct store_network *network, struct err *err);
void store_flow_logs_close(struct store_flow_logs *logs);
MEM_DEFINE_CLEANUP(struct store_flow_logs, store_flow_logs_close)

/* Of the set: grows with every change, restarts included; never 0. */
int64_t store_flow_logs_version(struct store_flow_logs *logs);
/* Agents are to be told anew: tags of a flow log have changed. */
int store_flow_logs_touch(struct store_flow_logs *logs, struct err *err);

/* All of them by id, with FlowLogId and CreationTime (ms); the caller's. */
int store_flow_logs_list(struct store_flow_logs *logs, json_t **ret_list, struct err *err);

struct store_flow_logs_new {
	struct str client_token, digest; /* of the whole request; an empty token: none */
	const json_t *documents;         /* objects with ResourceId, TrafficType, ... */
	const json_t *tags;              /* key to value; NULL: none */
	size_t per_resource_max;
	int64_t now_ms;
};
enum { STORE_FLOW_LOGS_DONE, STORE_FLOW_LOGS_REPEATED, STORE_FLOW_LOGS_MISMATCH };
/* Makes one for each document, all or none of them on disk. answer has FlowLogIds and Unsuccessful
 * (lists): ids are added to the first and FlowLogAlreadyExists (same resource, traffic and
 * destination) and FlowLogsLimitExceeded to the second.
 * STORE_FLOW_LOGS_REPEATED: the token was used by the same request, whose answer is put in answer's
 * place; STORE_FLOW_LOGS_MISMATCH: by another one. A token is remembered for good, but not of a
 * request that made nothing. */
int store_flow_logs_create(struct store_flow_logs *logs, const struct store_flow_logs_new *new,
	json_t *answer, struct err *err);
/* As create's conditions, without making anything; DONE: the token is new. */
int store_flow_logs_find_token(struct store_flow_logs *logs, struct str token, struct str digest,
	json_t *answer, struct err *err);
/* Ids that are not there are added to missing (a list). */
int store_flow_logs_delete(
	struct store_flow_logs *logs, const json_t *ids, json_t *missing, struct err *err);
