/* agent: the data plane in one thread: capture -> flow -> record -> deliver.
 * Counts in the kernel, drains at the end of each window (and before the kernel's table is full),
 * and publishes each window as soon as it is closed. Follows devices as they come and go.
 * Blocks in agent_run until asked to stop; the open window is flushed then. */
#pragma once

#include "base/err.h"
#include "deliver/object.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AGENT_INTERVAL_MAX = 600 };

/* What the agent is doing, for the status line. Totals since the start. */
struct agent_status {
	size_t interfaces;
	uint64_t packets, rejected_packets;
	uint64_t records, objects;
	uint64_t missed_packets; /* said as SKIPDATA */
	size_t flows;            /* in the open window */
	int64_t window_ends;     /* Unix seconds */
	const char *last_key;    /* "" before the first object */
};

struct agent_options {
	const char *const *interfaces; /* names; none: all that carry traffic */
	size_t interfaces_count;
	bool include_loopback;
	uint32_t interval; /* seconds, 1 to AGENT_INTERVAL_MAX */
	size_t max_flows;  /* of user space and of the kernel, each */
	bool require_verdict;
	const char *account_id, *region; /* NULL: defaults */
	/* account_id, region and flow_log_id in here are filled by the agent. */
	struct deliver_options deliver;
	/* Called about twice a second, and once more at the end. */
	void (*status)(void *context, const struct agent_status *status);
	/* Something that went wrong without stopping the agent (an object that could not be
	 * written, a device that could not be watched). Rate-limited. */
	void (*warn)(void *context, const struct err *err);
	/* Called once when everything is in place. verdicts: rejects are told from accepts. */
	void (*started)(void *context, const struct agent_status *status, bool verdicts);
	void *context;
};

/* Runs until SIGINT or SIGTERM. */
int agent_run(const struct agent_options *options, struct err *err);
