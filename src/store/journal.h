/* journal: records on disk until they are delivered; the buffer of a delivery stream. A journal is
 * a folder of segments. Puts go to the end of the open one, each a frame of its own with checksums.
 * A segment that has enough, or is old enough, is closed and given to who delivers, whole. Where it
 * is to go is written in its head when it is begun, so that a delivery that a crash breaks off is
 * repeated as the same.
 *
 * Promises: when a put has returned 0 its records survive kill -9 and power loss, all in one
 * segment, until that is dropped. A put that failed leaves nothing, unless the process ends before
 * the file was cut. Puts by many threads share their fsyncs. A batch's id is remembered beyond its
 * segment, for the last STORE_JOURNAL_BATCHES.
 *
 * Threads: any number put; one takes, reads and drops. Blocks on the disk. Memory: the frames under
 * way, some 200 bytes a segment, the ids. Little-endian on disk. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_JOURNAL_BATCH_SIZE 16
#define STORE_JOURNAL_BATCHES    4096
#define STORE_JOURNAL_PUT_MAX    (16 << 20) /* bytes of a put's records */

struct store_journal;

struct store_journal_settings {
	const char *folder; /* made when it is not there */
	/* Adds the head of a segment that is begun now; any thread that puts. */
	void (*head)(void *context, int64_t now_ms, struct buf *head);
	/* A segment has been closed by its size; any thread that puts. */
	void (*filled)(void *context);
	void *context;
	uint64_t segment_bytes; /* of records: a segment with as much is closed */
};

/* Takes up what is there: all of it as closed segments. */
int store_journal_open(struct store_journal **ret_journal,
	const struct store_journal_settings *settings, struct err *err);
/* Nothing is lost. No put is under way. */
void store_journal_close(struct store_journal *journal);
MEM_DEFINE_CLEANUP(struct store_journal, store_journal_close)
/* Closes, and deletes with everything in it. */
int store_journal_delete(struct store_journal *journal, struct err *err);

struct store_journal_put {
	const struct str *records;
	size_t count;         /* at least 1 */
	const uint8_t *batch; /* STORE_JOURNAL_BATCH_SIZE bytes, not all zero; NULL: none */
	int64_t now_ms;
};
/* STORE_JOURNAL_REPEAT: the batch is there already, on disk. */
enum { STORE_JOURNAL_REPEAT = 1 };
int store_journal_put(
	struct store_journal *journal, const struct store_journal_put *put, struct err *err);
void store_journal_limit(struct store_journal *journal, uint64_t segment_bytes);

struct store_segment {
	uint64_t number;
	struct buf head; /* empty: it was damaged */
	uint64_t records, bytes;
	int64_t first_ms; /* of its first put */
};
void store_segment_done(struct store_segment *segment);
/* The oldest closed segment; the open one is closed first if it began before opened_before_ms. */
enum { STORE_JOURNAL_NONE = 1 };
int store_journal_take(
	struct store_journal *journal, int64_t opened_before_ms, struct store_segment *ret_segment);
/* Its records in the order of their puts; <0 from visit ends it. *ret_damaged: stretches of bytes
 * that were not what was written, left out. */
int store_segment_read(struct store_journal *journal, const struct store_segment *segment,
	int (*visit)(void *context, struct str record), void *context, uint64_t *ret_damaged,
	struct err *err);
/* It is delivered: its batches are remembered, the file is gone for good. */
int store_journal_drop(
	struct store_journal *journal, const struct store_segment *segment, struct err *err);

struct store_journal_counts {
	uint64_t segments, records, bytes; /* that wait */
	uint64_t syncs;
	int64_t oldest_ms; /* 0: none waits */
};
void store_journal_count(struct store_journal *journal, struct store_journal_counts *ret_counts);
