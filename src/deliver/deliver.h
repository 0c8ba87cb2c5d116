/* deliver: records of flow logs to their destinations, each by a spool on disk. What
 * deliver_commit has acknowledged is on disk and leaves it only when the destination has
 * acknowledged it; a record is in exactly one object or one batch of events, and a batch that must
 * be repeated has the same name (S3 key, x-nagare-batch-id), so that a repeat does no harm.
 * Sources: VPC guide, "Publish flow logs to CloudWatch Logs", "... to Amazon S3", "... to Amazon
 * Data Firehose"; CloudWatch Logs API reference, PutLogEvents; Firehose API reference,
 * PutRecordBatch; S3 user guide.
 *
 * One struct deliver a process: spool folder, credentials, connections. One struct deliver_flow_log
 * a flow log: its own spool, its own sending thread, so that a dead destination holds up nobody
 * else. open, add and commit belong to one thread; status may be asked by any, and close may be
 * called by any when nobody else uses the flow log any more. add never
 * blocks on the network, and on the disk only when a request or object is full; commit blocks on
 * the disk. Bounds: memory by the window's records; disk by spool_max, beyond which batches are
 * given up, oldest last, and told (deliver_take_given_up) so that the next records say SKIPDATA.
 *
 * A destination that does not answer is tried again, each time after a random part of a wait that
 * doubles up to ten seconds, by one probe at a time; nothing is given up for that but by spool_max,
 * and by CloudWatch Logs' own bound of 14 days. A batch that is refused as it is (a bound of the
 * API, say) is put off alone, up to ten minutes, for as long. */
#pragma once

#include "aws/credentials.h"
#include "base/err.h"
#include "base/mem.h"
#include "record/format.h"
#include "record/record.h"

#include <stdbool.h>
#include <stdint.h>

struct deliver;
struct deliver_flow_log;

enum deliver_kind { DELIVER_TO_FOLDER, DELIVER_TO_S3, DELIVER_TO_LOGS, DELIVER_TO_FIREHOSE };

/* Strings are copied. */
struct deliver_settings {
	const char *folder;              /* of the spools; made. NULL: flow logs to folders only */
	uint64_t spool_max;              /* bytes of one flow log's spool; 0: 1 GiB */
	const char *region, *account_id; /* of the flow logs */
	/* NULL: as in aws/client.h */
	const char *s3_endpoint, *logs_endpoint, *firehose_endpoint, *sts_endpoint, *ca_bundle;
	struct aws_credentials_source *credentials; /* kept by the caller, outlives this */
	/* What credentials were made of, for flow logs that take a role with them; kept by the
	 * caller. NULL: the chain's defaults. */
	const struct aws_credentials_settings *credentials_settings;
	void (*warn)(void *context, const struct err *err); /* any thread */
	void (*changed)(void *context); /* a batch was sent, or was not; any thread; or NULL */
	void *context;
};

int deliver_open(
	struct deliver **ret_deliver, const struct deliver_settings *settings, struct err *err);
/* All flow logs must be closed. Spools of flow logs that nobody opened stay for the next start. */
void deliver_close(struct deliver *deliver);
MEM_DEFINE_CLEANUP(struct deliver, deliver_close)

/* Names the log streams; which records a flow log gets is its owner's to choose. */
enum deliver_traffic { DELIVER_ALL, DELIVER_ACCEPT, DELIVER_REJECT };

struct deliver_flow_log_options {
	const char *id; /* fl-...; names the spool */
	enum deliver_kind kind;
	/* FOLDER: a path. S3: arn:aws:s3:::BUCKET[/PREFIX/]. LOGS: name or ARN of the log group.
	 * FIREHOSE: ARN or name of the stream. */
	const char *destination;
	const char *role_arn; /* DeliverCrossAccountRole: taken for the destination; NULL: none */
	bool is_parquet, is_hive_compatible, is_per_hour; /* FOLDER and S3 */
	enum deliver_traffic traffic;                     /* LOGS: eni-...-all, -accept, -reject */
	bool is_plain; /* FIREHOSE: lines with their '\n' rather than {"message":"..."} */
	struct record_format format;
};

/* Strings are copied. Takes up what a former process left in the spool and begins to send it. */
int deliver_flow_log_open(struct deliver_flow_log **ret_flow_log, struct deliver *deliver,
	const struct deliver_flow_log_options *options, struct err *err);
/* A record of the open window. Its interface's RECORD_INTERFACE_ID names the log stream (LOGS). The
 * record and its interface are not needed any more when this returns. */
int deliver_add(struct deliver_flow_log *flow_log, const struct record *record, struct err *err);
/* The window is over: what was added since the last commit becomes batches in the spool, durable
 * when this returns 0. On a full disk it stays in memory for the next commit, up to 64 MiB. */
int deliver_commit(struct deliver_flow_log *flow_log, int64_t window_start, struct err *err);
/* Records given up since the last call. */
uint64_t deliver_take_given_up(struct deliver_flow_log *flow_log);

enum deliver_fault {
	DELIVER_OK,
	DELIVER_ACCESS_ERROR,
	DELIVER_RATE_LIMITED,
	DELIVER_UNKNOWN_ERROR
};

struct deliver_status {
	enum deliver_fault fault;  /* of the last attempt; AWS's DeliverLogsErrorMessage */
	char message[512];         /* what was said */
	uint64_t records, batches; /* delivered since open */
	uint64_t retries;          /* attempts that failed */
	uint64_t given_up;         /* records */
	uint64_t waiting;          /* records in memory, after the last commit: the disk is full */
	uint64_t spool_batches, spool_bytes;
	int64_t oldest_ms;    /* Unix; of the oldest batch in the spool, 0: empty */
	int64_t delivered_ms; /* Unix; of the last acknowledgement */
	char last_name[1100]; /* of the last batch delivered: key or log stream, "" before */
};
/* Any thread. */
void deliver_flow_log_status(struct deliver_flow_log *flow_log, struct deliver_status *ret_status);
/* Goes on sending for at most drain_ms; what is left stays in the spool. is_deleted: the flow log
 * is no more: what cannot be sent in that time is removed. */
void deliver_flow_log_close(struct deliver_flow_log *flow_log, unsigned drain_ms, bool is_deleted);
