/* Everything there is in a range, a chunk at a time, for whoever comes for the next one. */
#include "store/events_read_priv.h"

#include <assert.h>
#include <string.h>

struct store_log_scan {
	struct events_reader reader;
	struct store_log_read read;
	atomic_size_t next; /* of the chunks in the reader's heap */
};

static void mark_rows(
	const struct events_reader *reader, const struct cursor *cursor, uint64_t *mask)
{
	const struct events_header *header = cursor->view.header;
	size_t count = header->count;

	memset(mask, 0, (count / 64 + 1) * sizeof(*mask));
	/* Mostly all of it: nothing a row then. */
	if (events_reader_wants_all(reader, header)) {
		memset(mask, 0xff, count / 64 * sizeof(*mask));
		mask[count / 64] = (UINT64_C(1) << (count % 64)) - 1;
		return;
	}
	for (size_t row = 0; row < count; row++)
		mask[row / 64] |= (uint64_t)events_cursor_wants(reader, cursor, row) << (row % 64);
}

int store_log_scan_open(struct store_log_scan **ret_scan, struct store_events *events,
	const struct store_log_read *read, struct aws_error *error, struct err *err)
{
	_cleanup_(store_log_scan_closep) struct store_log_scan *scan = mem_new(1, sizeof(*scan));

	assert(!read->is_backward);
	scan->read = *read;
	if (events_reader_open(&scan->reader, events, &scan->read, error) < 0)
		return -1;
	if (events_reader_list(&scan->reader, err) < 0)
		return events_reader_failed(&scan->reader, error);
	*ret_scan = take(scan);
	return 0;
}

void store_log_scan_close(struct store_log_scan *scan)
{
	if (!scan)
		return;
	events_reader_done(&scan->reader);
	free(scan);
}

bool store_log_scan_next(struct store_log_scan *scan, struct store_log_held *held)
{
	struct events_reader *reader = &scan->reader;
	size_t i;

	events_cursor_free(take(held->cursor));
	while ((i = scan->next++) < reader->count) {
		const struct item *item = &reader->heap[i];
		struct cursor *cursor = events_cursor_open(reader, item->file, item->offset);
		if (!cursor)
			continue;
		held->cursor = cursor;
		held->mask = mem_grow(
			held->mask, cursor->view.header->count / 64 + 1, sizeof(*held->mask));
		mark_rows(reader, cursor, held->mask);
		events_cursor_block(cursor, reader->group->id, &held->block);
		return true;
	}
	return false;
}

void store_log_held_done(struct store_log_held *held)
{
	events_cursor_free(take(held->cursor));
	free(take(held->mask));
}
