/* firehose: Amazon Data Firehose (API reference; protocol awsJson1_1): delivery streams of the kind
 * DirectPut into buckets of this server. Records wait in store/journal.h, a journal a stream under
 * DATA/firehose; a thread of the service makes objects of them by size and age. */
#pragma once

#include "api/service.h"
#include "store/objects.h"

extern const struct api_service api_firehose;

struct firehose; /* context of the service */

/* What it points to outlives the service. */
struct firehose_options {
	const char *folder; /* the data directory */
	struct store_database *database;
	struct store_objects *objects;
	struct str region, account;
};

/* Takes up the streams that are there and starts delivering. */
int firehose_start(
	struct firehose **ret_firehose, const struct firehose_options *options, struct err *err);
/* What is not delivered yet stays on disk. No call is under way. */
void firehose_stop(struct firehose *firehose);

/* Whether records can be put into the stream. Any thread. */
bool firehose_has_stream(struct firehose *firehose, struct str name);

/* A record of another service's: stored when it returns 0. FIREHOSE_NONE: there is no such stream,
 * or it is being deleted. Any thread. Blocks: on the disk. */
enum { FIREHOSE_NONE = 1 };
int firehose_add(struct firehose *firehose, struct str name, struct str record, struct err *err);

/* Counters for /metrics; context: struct firehose. */
void firehose_metrics(void *context, struct buf *lines);
