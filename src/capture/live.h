/* live: flows of this host's interfaces, counted in the kernel.
 * A tc program on ingress and egress of each interface counts every IP packet into a table that is
 * shared with this process; a program on the kfree_skb tracepoint moves what netfilter, tc or XDP
 * dropped to REJECT. No packet is copied to user space. See live.c for the theory.
 * Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (or root). Leaves nothing behind when the process
 * dies where the kernel has tcx links (6.6); the next start cleans up on older ones.
 * Owner: the caller; one thread. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "flow/flow.h"

#include <stdbool.h>
#include <stddef.h>

struct capture_live;

#define CAPTURE_LIVE_FLOWS_MAX 4194303u

struct capture_live_options {
	size_t max_flows;     /* in each of the kernel's two tables, between two drains */
	bool require_verdict; /* fail where drops have no reasons, rather than record ACCEPT only */
};

/* Each flow once a drain; counts->first and ->last are wall time. False stops the drain. */
typedef bool capture_live_flow(
	void *context, const struct flow_key *key, const struct flow_counts *counts);

int capture_live_open(struct capture_live **ret_live, const struct capture_live_options *options,
	struct err *err);
/* Starts and stops counting on a device of this network namespace. */
int capture_live_attach(struct capture_live *live, uint32_t ifindex, struct err *err);
int capture_live_detach(struct capture_live *live, uint32_t ifindex, struct err *err);
/* False: this kernel gives no drop reasons and every record says ACCEPT. */
bool capture_live_has_verdicts(const struct capture_live *live);
/* Takes what was counted since the last drain. After it returns no program writes to what was
 * handed out: every packet is in exactly one drain. */
int capture_live_drain(
	struct capture_live *live, capture_live_flow *flow, void *context, struct err *err);
/* How full the kernel's table is, 0 to 1: drain before it reaches 1. */
double capture_live_fill(const struct capture_live *live);
/* A descriptor that becomes readable when the table is half full, until the next look at it.
 * Borrowed. */
int capture_live_half_full(const struct capture_live *live);
void capture_live_looked(struct capture_live *live);
/* Since the last call: packets that the table had no room for (in no record), and dropped packets
 * whose verdict was missed (in a record as ACCEPT, or in packets). ifindex 0: not known which. */
struct capture_live_missed {
	uint32_t ifindex;
	uint64_t packets, bytes;
	uint64_t verdicts;
};
size_t capture_live_missed(
	struct capture_live *live, struct capture_live_missed *ret_missed, size_t max);
/* Descriptor of a tc program, for tests and benchmarks. Borrowed. */
int capture_live_program(const struct capture_live *live, bool egress, bool ethernet);
void capture_live_close(struct capture_live *live);
MEM_DEFINE_CLEANUP(struct capture_live, capture_live_close)

/* One line of `nagare doctor`. */
struct capture_check {
	const char *what; /* "tc programs", "drop reasons", ... */
	bool ok;
	bool required;
	char found[160];  /* what this machine has */
	char advice[256]; /* what to do when !ok */
};
/* What this machine supports; probes for real (loads, attaches in no interface). Returns how many.
 */
size_t capture_live_doctor(struct capture_check *ret_checks, size_t max);
