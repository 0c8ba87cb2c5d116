/* events_read_priv: reading, between events_read.c (in the order of time), events_scan.c
 * (everything, by several threads) and events_cursor.c (one chunk). */
#pragma once

#include "store/events_priv.h"

/* A chunk that is being read. Of rows that its bits do not have nothing has been checked. */
struct cursor {
	struct events_view view;
	size_t row;
	uint64_t *bits; /* rows that the matcher wants; NULL: all */
	bool is_chosen; /* by columns: only those rows have been checked, and all are in range */
	char *stream;
	struct events_columns *columns; /* in place of the view's pointers, or NULL */
};
void events_cursor_free(struct cursor *cursor);

enum item_kind { ITEM_FILE, ITEM_CHUNK, ITEM_ROWS };
struct item {
	int64_t time;
	uint64_t sequence;
	enum item_kind kind;
	size_t file; /* of the reader's */
	uint64_t offset;
	struct cursor *cursor;
};

struct events_reader {
	struct events_group *group;
	const struct store_log_read *read;
	uint64_t *streams;          /* wanted ids */
	struct events_file **files; /* counted, and mapped where is_mapped */
	bool *is_mapped;
	uint64_t *sizes; /* of what may be read of them: tails grow */
	size_t file_count;
	int64_t start_ms, end_ms;
	struct store_log_position position;
	struct item *heap;
	size_t count, capacity;
	atomic_uint_fast64_t scanned; /* bytes that were looked at */
	size_t ahead; /* chunks to open at once, by several threads, when one is wanted */
};

/* ---- events_read.c ---- */
int events_reader_open(struct events_reader *reader, struct store_events *events,
	const struct store_log_read *read, struct aws_error *error);
void events_reader_done(struct events_reader *reader);
/* All chunks into the heap, and their files mapped. */
int events_reader_list(struct events_reader *reader, struct err *err);
/* What a failure inside is to the client: the files of a group that is deleted meanwhile are gone.
 */
int events_reader_failed(const struct events_reader *reader, struct aws_error *error);

/* ---- events_cursor.c ---- */
/* NULL: nothing of it can be given out. */
struct cursor *events_cursor_open(struct events_reader *reader, size_t file, uint64_t offset);
/* The same with the matcher's choice, where there is one; NULL also: nothing of it is wanted. */
struct cursor *events_cursor_match(struct events_reader *reader, size_t file, uint64_t offset);
void events_cursor_block(
	const struct cursor *cursor, int64_t group_id, struct store_log_block *ret_block);
bool events_cursor_wants(
	const struct events_reader *reader, const struct cursor *cursor, size_t row);
/* All rows of the chunk are in the range. */
bool events_reader_wants_all(
	const struct events_reader *reader, const struct events_header *header);
