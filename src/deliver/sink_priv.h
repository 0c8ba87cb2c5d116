/* sink_priv: one batch to one destination, by one request (or a multipart upload). Says how it went
 * in the terms of who repeats it; repeats nothing itself. Any thread; blocks on the network until
 * sink_stop. Memory: the body of a batch, at most SINK_PART_FROM bytes, a call. */
#pragma once

#include "aws/client.h"
#include "deliver/deliver.h"
#include "deliver/spool_priv.h"

#include <pthread.h>

#define SINK_PART_FROM ((uint64_t)16 << 20) /* larger objects go in parts */
#define SINK_PART_SIZE ((uint64_t)8 << 20)

struct sink {
	enum deliver_kind kind;
	struct aws_client *client;
	struct aws_credentials_source *role; /* NULL: none is taken */
	char *bucket, *prefix;               /* S3; prefix "" or "folder/" */
	char *name;                          /* of log group or delivery stream */
	uint64_t part_from, part_size;
	pthread_mutex_t creating; /* LOGS: what is missing */
};

/* Reads the destination; opens no connection. */
int sink_open(struct sink *sink, const struct deliver_settings *settings,
	const struct deliver_flow_log_options *options, struct err *err);
void sink_stop(struct sink *sink);
void sink_done(struct sink *sink);

/* Of a batch that was not taken. */
struct sink_outcome {
	enum deliver_fault fault;
	bool is_refused;   /* this batch: others may be taken */
	bool is_damaged;   /* in the spool; it was not sent */
	int64_t after_ms;  /* the service asks to wait so long; 0: it does not */
	uint64_t rejected; /* records of a batch that was taken, which were not */
};

/* 0: acknowledged. */
int sink_send(struct sink *sink, const struct spool_taken *taken, struct sink_outcome *ret_outcome,
	struct err *err);

/* Between the files of the sink. */
int sink_send_object(struct sink *sink, const struct spool_taken *taken,
	struct sink_outcome *outcome, struct err *err);
int sink_send_events(struct sink *sink, const struct spool_taken *taken,
	struct sink_outcome *outcome, struct err *err);
int sink_send_records(struct sink *sink, const struct spool_taken *taken,
	struct sink_outcome *outcome, struct err *err);
/* The batch's body, checked. */
int sink_load(const struct spool_taken *taken, struct buf *ret_body, struct sink_outcome *outcome,
	struct err *err);
/* One call; a failure is classified. */
int sink_call(struct sink *sink, const struct aws_call *call, struct aws_answer *ret_answer,
	struct sink_outcome *outcome, struct err *err);
