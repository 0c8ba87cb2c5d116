/* agent_priv: what the files of the agent share. Everything is the loop's thread's, but for
 * struct agent_board, which has a lock. */
#pragma once

#include "agent/agent.h"
#include "agent/board_priv.h"
#include "capture/live.h"
#include "flow/windows.h"
#include "vpc/ids.h"

#include <poll.h>

/* A device that is or was watched. Its metadata lives until its last window is delivered. Its
 * number, which flows carry, is its place in agent->devices: indices of the kernel may come again
 * as another device's. */
struct agent_device {
	struct vpc_interface interface;
	uint32_t number;
	bool is_attached;
	bool is_present;
	int64_t gone_since;                        /* monotonic seconds, when !is_present */
	struct agent_subscription **subscriptions; /* flow logs that are about it */
	size_t subscription_count;
};

/* A flow log that this agent delivers. */
struct agent_subscription {
	const struct agent_flow_log *flow_log; /* lent by agent->flow_logs */
	struct deliver_flow_log *delivery;
	struct agent_group *group;
	bool is_ending;
	uint64_t records;
};

/* Windows of one interval, and the flow logs that share them. One that begins while a window is
 * open has a group to itself until the window's end: its records tell of nothing from before. */
struct agent_group {
	struct agent *agent;
	uint32_t interval;
	struct flow_windows *windows;
	int64_t window_start; /* of the open window */
	bool is_ending;       /* only those that end get their records now */
};

/* Deliveries that are sending what is left. */
struct agent_closing;
/* Those who read the open windows. */
struct agent_open;

struct agent {
	const struct agent_options *options;
	struct vpc_identity identity;
	struct vpc_ids *ids;
	struct capture_live *live;
	struct deliver *deliver;
	struct agent_device **devices; /* by number; NULL: free */
	size_t devices_count;
	uint32_t *by_ifindex; /* number + 1; open addressing, by_ifindex_size a power of two */
	size_t by_ifindex_size;
	struct agent_flow_log **flow_logs; /* the configuration's first, then the server's */
	size_t flow_logs_count;
	struct agent_subscription **subscriptions; /* of flow_logs, in the same order */
	struct agent_group **groups;
	size_t groups_count;
	struct agent_closing *closing;
	struct agent_open *open; /* NULL: there is no socket */
	struct agent_status status;
	uint64_t batches_closed; /* of deliveries that are closed */
	int64_t status_at_ns, report_at_ns;
	int64_t retry_at_ns;   /* monotonic, for deliveries that could not be opened; 0: none */
	int64_t orphans_at_ns; /* when spools are looked at again; 0: flow logs have changed */
	bool has_news;         /* for the next report */
	bool has_heard;        /* of the server's flow logs, since the start */
	bool is_stopping;      /* the last windows are being written */
	bool has_lost;         /* and one of them could not be; failure says why */
	struct err failure;    /* the last one */
	int signals, timer, monitor, mark;
	struct agent_board *board;
};

/* ---- agent.c ---- */
void agent_warn(struct agent *agent, const struct err *err);
/* Takes from the kernel what it has counted so far. */
int agent_drain(struct agent *agent, struct err *err);

/* ---- devices.c ---- */
/* Brings the devices in line with the kernel's list, and what watches them with the flow logs. */
int agent_follow_devices(struct agent *agent, struct err *err);
/* These were unregistered; one with the same index may have come since. */
void agent_devices_gone(struct agent *agent, const uint32_t *indices, size_t count);
/* Captures what some flow log is about, and only that. */
void agent_watch_devices(struct agent *agent, int64_t now);
struct agent_device *agent_device_by_ifindex(const struct agent *agent, uint32_t ifindex);
void agent_detach_all(struct agent *agent);
void agent_devices_done(struct agent *agent);

/* ---- groups.c ---- */
/* A group for windows of this interval, for a flow log that begins now. */
int agent_group_new(
	struct agent *agent, uint32_t interval, struct agent_group **ret_group, struct err *err);
void agent_group_free(struct agent *agent, struct agent_group *group);
/* Counts into each group that has a flow log about the device. */
void agent_groups_count(struct agent *agent, struct agent_device *device, struct flow_key *key,
	const struct flow_counts *counts);
void agent_groups_skip(
	struct agent *agent, struct agent_device *device, uint64_t packets, uint64_t bytes);
/* Time has come to now (wall seconds). */
int agent_groups_advance(struct agent *agent, int64_t now, struct err *err);
/* Closes what is open in the group; is_ending: for the flow logs that end alone. */
void agent_group_flush(struct agent_group *group, bool is_ending);
/* Unix seconds of the first window's end, 0 without windows. */
int64_t agent_groups_next_end(const struct agent *agent);

/* ---- flow_logs.c ---- */
/* The server's flow logs are these now; takes them over. */
int agent_set_flow_logs(
	struct agent *agent, struct agent_flow_log **flow_logs, size_t count, struct err *err);
/* Opens the deliveries of flow logs that concern a device, and tells each device who is about it.
 */
void agent_subscribe(struct agent *agent);
/* Records that could not be put into spools for a full disk. */
uint64_t agent_waiting(const struct agent *agent);
/* Nothing waits in a spool. */
bool agent_is_drained(const struct agent *agent);
void agent_subscriptions_done(struct agent *agent);
/* What the threads and people are told: at most once a second while there is news or something
 * waits to be sent, and every few seconds to say that the agent lives. */
void agent_report(struct agent *agent);
int64_t agent_report_due(const struct agent *agent);
/* Brings agent->status up to date. */
void agent_fill_status(struct agent *agent);

/* ---- orphans.c ---- */
/* When flow logs have changed, and every ten seconds while there are some. */
void agent_look_for_orphans(struct agent *agent);
int64_t agent_orphans_due(const struct agent *agent);

/* ---- former.c ---- */
/* SKIPDATA for what the process before has lost, if it was killed; before there are threads. */
void agent_former_say_lost(struct agent *agent);
/* This one ends in order; when there are no threads any more. */
void agent_former_mark_stopped(struct agent *agent);

/* ---- open.c ---- */
/* Makes the socket, before there are threads. */
int agent_open_start(struct agent *agent, struct err *err);
void agent_open_stop(struct agent *agent);
bool agent_open_is_read(const struct agent *agent);
/* A flow has been counted; only when it is read. */
void agent_open_show(
	struct agent *agent, const struct agent_device *device, const struct flow_key *key);
/* What the loop waits for, up to AGENT_OPEN_READERS + 1, and does then. */
size_t agent_open_waits(const struct agent *agent, struct pollfd *ret_ready);
int64_t agent_open_due(const struct agent *agent);
int agent_open_serve(
	struct agent *agent, const struct pollfd *ready, size_t count, struct err *err);

/* ---- observe.c, sync.c ---- */
struct agent_observer;
int agent_observer_start(
	struct agent_observer **ret_observer, const struct agent *agent, struct err *err);
void agent_observer_stop(struct agent_observer *observer);
MEM_DEFINE_CLEANUP(struct agent_observer, agent_observer_stop)
struct agent_sync;
int agent_sync_start(struct agent_sync **ret_sync, const struct agent *agent, struct err *err);
void agent_sync_stop(struct agent_sync *sync);
MEM_DEFINE_CLEANUP(struct agent_sync, agent_sync_stop)
/* What the last answer of the server was, from the data folder; none is no error. */
int agent_sync_remembered(const char *folder, struct agent_flow_log ***ret_flow_logs,
	size_t *ret_count, struct err *err);
