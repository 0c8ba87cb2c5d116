/* events_priv: records as the bodies of PutLogEvents (CloudWatch Logs, a log stream an interface)
 * and PutRecordBatch (Firehose), each within the API's limits, put into the spool.
 * One thread. Memory: the open window's lines, of which what fills a request is packed at once, and
 * EVENTS_STORE_BYTES of packed ones (max_waiting_bytes on a full disk). */
#pragma once

#include "base/err.h"
#include "deliver/spool_priv.h"
#include "record/format.h"
#include "record/record.h"

#include <stdbool.h>
#include <stdint.h>

#define EVENTS_STORE_BYTES ((uint64_t)4 << 20)

/* CloudWatch Logs API reference, PutLogEvents. */
#define EVENTS_LOGS_COUNT    10000
#define EVENTS_LOGS_BYTES    1048576
#define EVENTS_LOGS_OVERHEAD 26 /* counted for each event */
#define EVENTS_LOGS_SPAN_MS  (INT64_C(24) * 3600 * 1000)
/* Firehose API reference, PutRecordBatch; the bytes are those of the request. */
#define EVENTS_FIREHOSE_COUNT 500
#define EVENTS_FIREHOSE_BYTES ((4 << 20) - 4096)

struct events;

struct events_options {
	bool is_firehose;
	const char *destination; /* name of the log group or the delivery stream; copied */
	const char *suffix;      /* LOGS: of the stream's name behind the interface; static */
	bool is_plain;           /* FIREHOSE: lines rather than {"message":"..."} */
	struct record_format format;
	uint64_t max_waiting_bytes;
};

struct events *events_new(const struct events_options *options, struct spool *spool);
void events_add(struct events *events, const struct record *record);
/* Everything added is in the spool, or given up where that is full; <0: waits. */
int events_commit(struct events *events, struct err *err);
uint64_t events_given_up(const struct events *events); /* records, in all */
uint64_t events_waiting(const struct events *events);  /* records */
void events_free(struct events *events);
