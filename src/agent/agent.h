/* agent: the data plane: capture -> flow -> record -> deliver, for any number of flow logs.
 * Counts in the kernel, drains at the end of each window (and before the kernel's table is full),
 * and gives each window to the flow logs that want it as soon as it is closed. An interface is
 * captured once however many flow logs are about it, and not at all when none is. Follows devices
 * as they come, go and change.
 * Flow logs are given at the start, or come from a server (SyncAgent) and are remembered in the
 * data folder, so that the agent starts without its server too.
 *
 * agent_run blocks until SIGINT or SIGTERM; the open windows are flushed then. The data plane is
 * that one thread, which waits for the kernel and the disk, never for the network; two more talk to
 * the server and look at what is around the interfaces (agent/sync.c, agent/observe.c). */
#pragma once

#include "agent/flow_log.h"
#include "aws/client.h"
#include "base/err.h"
#include "deliver/deliver.h"
#include "vpc/naming.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AGENT_INTERVAL_MAX = 600 };

/* What the agent is doing, for the status line. Totals since the start. */
struct agent_status {
	size_t interfaces, flow_logs;
	uint64_t packets, rejected_packets;
	uint64_t records;        /* handed to flow logs: one for each that it is in */
	uint64_t batches;        /* that their destinations have acknowledged: objects, puts */
	uint64_t missed_packets; /* said as SKIPDATA */
	size_t flows;            /* in the open windows */
	int64_t window_ends;     /* Unix seconds, of the window that ends first; 0: none is open */
};

struct agent_options {
	const char *const *interfaces; /* names; none: all that carry traffic */
	size_t interfaces_count;
	bool include_loopback;
	struct vpc_naming naming;
	size_t max_flows; /* of user space (an interval) and of the kernel, each */
	bool require_verdict;
	const char *account_id, *region; /* NULL: defaults */
	/* Of the configuration; lent. */
	const struct agent_flow_log *const *flow_logs;
	size_t flow_logs_count;
	/* Its folder, region and account are filled by the agent. */
	struct deliver_settings deliver;
	/* For spools and state; made. NULL: flow logs to folders only, and no state. */
	const char *folder;
	unsigned drain_ms;        /* at most so long is sent at the end */
	bool observes;            /* look for containers, firewall rules and the like */
	const char *metrics_file; /* for Prometheus' textfile collector; NULL: none */

	struct aws_client *server; /* with NagareAgents; NULL: there is none */

	/* Called when the programs are loaded, before any thread starts: give up privileges. */
	int (*loaded)(void *context, struct err *err);
	/* Called about twice a second, and once more at the end. */
	void (*status)(void *context, const struct agent_status *status);
	/* Something that went wrong without stopping the agent. Rate-limited; any thread, one at a
	 * time. */
	void (*warn)(void *context, const struct err *err);
	/* Called once when everything is in place. verdicts: rejects are told from accepts. */
	void (*started)(void *context, const struct agent_status *status, bool verdicts);
	void *context;
};

/* Runs until SIGINT or SIGTERM. */
int agent_run(const struct agent_options *options, struct err *err);
