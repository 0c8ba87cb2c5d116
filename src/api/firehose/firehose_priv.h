/* firehose_priv: streams, destinations, and what the handlers share.
 * Lock order: the streams' lock, then a stream's, then its journal's. */
#pragma once

#include "api/firehose/firehose.h"
#include "store/journal.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	FIREHOSE_STREAMS_MAX = 5000,
	FIREHOSE_TAGS_MAX = 50,
	FIREHOSE_BATCH_BYTES = 4 << 20,
};
#define FIREHOSE_DESTINATION "destinationId-000000000001"

struct firehose_stream {
	struct firehose *firehose;
	atomic_uint refs;
	char *name;
	int64_t created_ms;
	struct store_journal *journal;
	pthread_mutex_t lock; /* of what follows */
	int64_t updated_ms, version;
	bool is_deleting;
	bool is_rolled;      /* what waits is to be delivered under the destination that was */
	json_t *destination; /* an ExtendedS3DestinationDescription */
	json_t *tags;        /* object: value by key */
	/* The deliverer's alone. */
	int64_t retry_ms;
	unsigned failures;
};

struct firehose {
	struct firehose_options options;
	char *root; /* DATA/firehose */
	pthread_rwlock_t lock;
	struct firehose_stream **streams; /* in order of names */
	size_t count;
	pthread_mutex_t wake_lock;
	pthread_cond_t wake;
	bool is_woken, is_stopping, has_thread;
	pthread_t thread;
	atomic_uint_fast64_t records, bytes, batches, repeats, refused, objects, delivered_records,
		delivered_bytes, failures, damaged, dropped;
};

static inline struct firehose *firehose_of(const struct api_call *call)
{
	return call->context;
}

/* ---- streams (streams.c) ---- */

int firehose_streams_open(struct firehose *firehose, struct err *err);
void firehose_streams_close(struct firehose *firehose);
/* A reference, or ResourceNotFoundException. A stream that is being deleted is found. */
int firehose_stream_find(struct firehose *firehose, struct str name,
	struct firehose_stream **ret_stream, struct aws_error *error);
void firehose_stream_unref(struct firehose_stream *stream);
MEM_DEFINE_CLEANUP(struct firehose_stream, firehose_stream_unref)
#define _cleanup_stream_ _cleanup_(firehose_stream_unrefp)
/* References to all; the caller unrefs them and frees the array. */
struct firehose_stream **firehose_streams_all(struct firehose *firehose, size_t *ret_count);
/* Borrows destination and tags. */
int firehose_stream_create(struct firehose *firehose, struct str name, json_t *destination,
	json_t *tags, struct aws_error *error, struct err *err);
/* Writes the stream's row with these; then they are the stream's. NULL: as it was. Lock held. */
int firehose_stream_save(struct firehose_stream *stream, json_t *destination, json_t *tags,
	bool is_deleting, struct err *err);
/* It is empty: row, folder and stream go, unless someone has it. */
void firehose_stream_remove(struct firehose_stream *stream);

/* ---- destinations (destination.c) ---- */

/* A new destination from a configuration, or from what was and an update. */
int firehose_destination_make(
	const json_t *old, const json_t *given, json_t **ret_destination, struct aws_error *error);
/* Where a segment goes that is begun now, as JSON. */
void firehose_destination_head(const json_t *destination, const char *name, int64_t version,
	int64_t now_ms, struct buf *head);
int64_t firehose_destination_seconds(const json_t *destination);
uint64_t firehose_destination_bytes(const json_t *destination);
struct str firehose_destination_bucket(const json_t *destination);
int firehose_refuse(struct aws_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold)); /* InvalidArgumentException */

/* ---- prefixes (prefix.c) ---- */

/* What is wrong with them, or NULL. */
const char *firehose_prefix_check(struct str prefix, struct str error_prefix);
/* Of a prefix that is good. */
void firehose_prefix_add(struct buf *key, struct str prefix, int64_t time_ms);

/* ---- delivering (deliver.c) ---- */

int firehose_deliver_start(struct firehose *firehose, struct err *err);
void firehose_deliver_stop(struct firehose *firehose);
void firehose_deliver_wake(struct firehose *firehose);

/* ---- handlers ---- */

int firehose_about(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error);
/* The stream that the call names. is_any: one that is being deleted too. */
int firehose_stream_of(struct api_call *call, bool is_any, struct firehose_stream **ret_stream,
	struct aws_error *error);
json_t *firehose_json(struct str text);
int firehose_tags_read(const json_t *given, json_t *tags, struct aws_error *error);

#define FIREHOSE_HANDLER(name) int name(struct api_call *call, struct aws_error *error)
FIREHOSE_HANDLER(firehose_create);
FIREHOSE_HANDLER(firehose_describe);
FIREHOSE_HANDLER(firehose_list);
FIREHOSE_HANDLER(firehose_delete);
FIREHOSE_HANDLER(firehose_update);
FIREHOSE_HANDLER(firehose_encrypt);
FIREHOSE_HANDLER(firehose_put);
FIREHOSE_HANDLER(firehose_put_batch);
FIREHOSE_HANDLER(firehose_tag);
FIREHOSE_HANDLER(firehose_untag);
FIREHOSE_HANDLER(firehose_list_tags);
