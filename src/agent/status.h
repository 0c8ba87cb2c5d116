/* status: how an agent is doing, as a file in its data folder (written when that changes, at most
 * once a second, and every five seconds to say that it lives), and as
 * Prometheus' text format. Readers see all of it or the one before. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

#define AGENT_STATUS_FILE "status.json"
#define AGENT_MARK_FILE   "running" /* locked by the process, for as long as it lives */

struct agent_board;

/* The file's JSON: StartTime, Time (Unix seconds), Interfaces, Packets, RejectedPackets, Records,
 * MissedPackets, OpenFlows, HasVerdicts, IsStopped (ended in order), Captured (ids of interfaces),
 * Killed (not there unless the agent before was killed: Time, and Interfaces whose first window
 * says SKIPDATA for it), Kept (spools without a flow log: FlowLogId, SpoolBytes, Until), Server
 * (not there without one: IsReached, Message) and FlowLogs: FlowLogId, TrafficType,
 * LogDestinationType, LogDestination, MaxAggregationInterval, LagSeconds, and what
 * api/agents/agents.smithy has in Delivery. */
int agent_status_read(const char *folder, json_t **ret_status, struct err *err);
/* Whether there is a process whose folder this is. */
bool agent_status_is_running(const char *folder);
/* Of such JSON. */
void agent_status_metrics(struct buf *buf, const json_t *status);
