/* journal_priv: a segment's form on disk and in memory, shared by journal.c and journal_file.c.
 * A file is frames, one behind the other: the first is the head, the others are puts: header,
 * lengths of the records, records. */
#pragma once

#include "store/journal.h"

#include <pthread.h>

#define JOURNAL_MAGIC  UINT32_C(0x4c4a474e) /* "NGJL" */
#define JOURNAL_FORMAT 1

enum journal_kind { JOURNAL_HEAD = 1, JOURNAL_PUT };

struct journal_header {
	uint32_t magic, header_crc; /* CRC-32C of what is behind it in the header */
	uint32_t body_crc, body_size;
	uint64_t segment; /* so that no other file's bytes pass */
	int64_t time_ms;
	uint32_t count; /* of records */
	uint16_t kind, format;
	uint8_t batch[STORE_JOURNAL_BATCH_SIZE]; /* zeros: none */
	uint64_t reserved;
};
_Static_assert(sizeof(struct journal_header) == 64, "a format on disk");

struct journal_segment {
	uint64_t number, size; /* size: of the file, as far as it is durable */
	uint64_t records, bytes;
	int64_t first_ms; /* 0: no put yet */
	struct buf head;
	uint8_t (*batches)[STORE_JOURNAL_BATCH_SIZE];
	size_t batch_count;
};

/* The last ids of batches whose segments are gone or not. */
struct journal_batches {
	uint8_t (*ids)[STORE_JOURNAL_BATCH_SIZE]; /* a ring of STORE_JOURNAL_BATCHES */
	size_t count, next;
};

void journal_batches_add(struct journal_batches *batches, const uint8_t *id);
bool journal_batches_have(const struct journal_batches *batches, const uint8_t *id);
/* The file "batches" of the folder, replaced whole. A missing one is empty, and so is a damaged
 * one: records matter more than what only repeats need. */
int journal_batches_load(struct journal_batches *batches, const char *folder, struct err *err);
int journal_batches_save(
	const struct journal_batches *batches, const char *folder, struct err *err);

/* A frame but for segment and header_crc. */
void journal_frame_put(struct buf *frame, const struct store_journal_put *put);
void journal_frame_head(struct buf *frame, struct str head, int64_t now_ms);
void journal_frame_seal(struct buf *frame, uint64_t segment);

/* All good frames of a file's first size bytes; returns the count of stretches left out. */
uint64_t journal_walk(const uint8_t *map, uint64_t size, uint64_t segment,
	int (*visit)(void *context, const struct journal_header *header, const uint8_t *body),
	void *context, int *ret_result);
/* visit's records of a frame of kind JOURNAL_PUT. */
int journal_frame_records(const struct journal_header *header, const uint8_t *body,
	int (*visit)(void *context, struct str record), void *context);

char *journal_path(const char *folder, uint64_t number);
bool journal_parse_name(const char *name, uint64_t *ret_number);
/* Maps the file; *ret_map is NULL when it is empty. */
int journal_map(const char *path, uint64_t *ret_size, const uint8_t **ret_map, struct err *err);
int journal_sync_folder(const char *folder, struct err *err);
/* What a file holds; its size as it is. */
int journal_segment_load(
	struct journal_segment **ret_segment, const char *folder, uint64_t number, struct err *err);
void journal_segment_free(struct journal_segment *segment);
void journal_segment_note(struct journal_segment *segment, const struct journal_header *header);
