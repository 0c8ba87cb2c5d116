/* board: what the agent's threads tell each other, under one lock. Nobody waits long for it: what
 * is handed over are pointers and small copies. */
#pragma once

#include "agent/flow_log.h"
#include "deliver/deliver.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct agent_delivery_report {
	char id[VPC_ID_SIZE];
	enum deliver_kind kind;
	enum agent_traffic traffic;
	uint32_t interval;
	char destination[256];
	uint64_t records; /* handed over */
	struct deliver_status status;
};

/* A spool without a flow log. */
struct agent_kept_report {
	char id[VPC_ID_SIZE];
	uint64_t bytes;
	int64_t until_ms; /* Unix */
};

struct agent_report {
	int64_t time_ms, started_ms; /* Unix */
	size_t interfaces;
	uint64_t packets, rejected_packets, records, missed_packets, flows;
	bool has_verdicts;
	bool is_stopped;
	/* The process before was killed about then (0: it was not); how many interfaces say it. */
	int64_t former_ended_ms;
	size_t former_interfaces;
	char (*captured)[VPC_ID_SIZE]; /* ids of interfaces */
	size_t captured_count;
	/* by sync */
	bool has_server, is_server_reached;
	char server_said[512]; /* when not */
	struct agent_delivery_report *deliveries;
	size_t count;
	struct agent_kept_report *kept;
	size_t kept_count;
};

/* An instance that an interface belongs to, by the index of the device. */
struct agent_attachment {
	uint32_t ifindex;
	char instance_id[VPC_ID_SIZE];
};

struct agent_board {
	pthread_mutex_t lock;
	pthread_cond_t told; /* for observer and sync */
	int wake;            /* eventfd of the loop */
	bool is_stopping;
	/* by the loop */
	struct agent_report report;
	uint64_t reports, changes; /* counted up with each; changes: of the devices */
	/* by sync */
	struct agent_flow_log **flow_logs;
	size_t flow_logs_count;
	bool has_flow_logs;
	/* by the observer */
	struct agent_attachment *attachments;
	size_t attachments_count;
	bool has_attachments;
	char *inventory; /* JSON of SyncAgent's Inventory */
	uint64_t inventories;
};

int agent_board_new(struct agent_board **ret_board, struct err *err);
void agent_board_free(struct agent_board *board);
/* Sleeps until told or for so long; the lock is held. False: it is time to stop. */
bool agent_board_wait(struct agent_board *board, int64_t wait_ms);
void agent_board_wake(struct agent_board *board);
void agent_report_done(struct agent_report *report);
/* A copy, to be freed with agent_report_done. The lock is held. */
struct agent_report agent_report_copy(const struct agent_report *report);
