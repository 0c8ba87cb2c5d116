/* Reading in the order of time: a merge that opens only what it comes to. A heap holds files,
 * chunks and open chunks at a row, each by the first moment that can be in it; a file that comes to
 * the top is replaced by its chunks, a chunk by its first row that is wanted, a row is given out
 * and replaced by the next one. So a page costs what overlaps its own time, however large the
 * group. */
#include "store/events_read_priv.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

enum { AHEAD_MAX = 256, AHEAD_THREADS_MAX = 16 };

/* ---- the heap ---- */

static bool comes_first(
	const struct events_reader *reader, const struct item *a, const struct item *b)
{
	bool is_backward = reader->read->is_backward;

	if (a->time != b->time)
		return is_backward ? a->time > b->time : a->time < b->time;
	return is_backward ? a->sequence > b->sequence : a->sequence < b->sequence;
}

static void sift_down(struct events_reader *reader, size_t i)
{
	struct item item = reader->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= reader->count)
			break;
		if (child + 1 < reader->count &&
			comes_first(reader, &reader->heap[child + 1], &reader->heap[child]))
			child++;
		if (!comes_first(reader, &reader->heap[child], &item))
			break;
		reader->heap[i] = reader->heap[child];
		i = child;
	}
	reader->heap[i] = item;
}

static void push(struct events_reader *reader, const struct item *item)
{
	if (reader->count == reader->capacity) {
		reader->capacity = reader->capacity ? 2 * reader->capacity : 64;
		reader->heap = mem_grow(reader->heap, reader->capacity, sizeof(*reader->heap));
	}
	size_t i = reader->count++;
	while (i > 0 && comes_first(reader, item, &reader->heap[(i - 1) / 2])) {
		reader->heap[i] = reader->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	reader->heap[i] = *item;
}

static void drop_top(struct events_reader *reader)
{
	if (--reader->count == 0)
		return;
	reader->heap[0] = reader->heap[reader->count];
	sift_down(reader, 0);
}

/* ---- what is wanted ---- */

static bool wants_stream(const struct events_reader *reader, uint64_t id)
{
	for (size_t i = 0; i < reader->read->stream_count; i++)
		if (reader->streams[i] == id)
			return true;
	return reader->read->stream_count == 0;
}

static bool is_in_range(const struct events_reader *reader, int64_t time_first, int64_t time_last,
	uint64_t sequence_first, uint64_t sequence_last)
{
	const struct store_log_position *position = &reader->position;

	if (time_last < reader->start_ms || time_first > reader->end_ms ||
		sequence_last <= position->low || sequence_first > position->high)
		return false;
	return reader->read->is_backward ? time_first <= position->time_ms
					 : time_last >= position->time_ms;
}

static void push_range(struct events_reader *reader, enum item_kind kind, size_t file,
	uint64_t offset, int64_t time_first, int64_t time_last)
{
	bool is_backward = reader->read->is_backward;

	push(reader, &(struct item){.kind = kind,
			     .file = file,
			     .offset = offset,
			     .time = is_backward ? time_last : time_first,
			     .sequence = is_backward ? UINT64_MAX : 0});
}

static void push_chunk(struct events_reader *reader, size_t file, const struct events_entry *entry)
{
	const struct events_header *header = &entry->header;

	if (header->kind != EVENTS_ROWS || !wants_stream(reader, header->stream) ||
		!is_in_range(reader, header->time_first, header->time_last, header->sequence_first,
			header->sequence_last))
		return;
	push_range(reader, ITEM_CHUNK, file, entry->offset, header->time_first, header->time_last);
}

/* ---- opening ---- */

/* Lock held. Streams that are named must be there. */
static int find_streams(struct events_reader *reader, struct aws_error *error)
{
	const struct store_log_read *read = reader->read;

	reader->streams = mem_new(read->stream_count + 1, sizeof(*reader->streams));
	for (size_t i = 0; i < read->stream_count; i++) {
		const struct events_stream *stream =
			events_stream_find(reader->group, read->streams[i]);
		if (!stream)
			return events_no_stream(error);
		reader->streams[i] = stream->id;
	}
	return 0;
}

/* Lock held: the moment whose events are read. */
static void take_files(struct events_reader *reader)
{
	struct events_group *group = reader->group;

	reader->files = mem_new(group->file_count + 1, sizeof(*reader->files));
	reader->is_mapped = mem_new(group->file_count + 1, sizeof(*reader->is_mapped));
	reader->sizes = mem_new(group->file_count + 1, sizeof(*reader->sizes));
	for (size_t i = 0; i < group->file_count; i++) {
		struct events_file *file = group->files[i];
		if (!file->count || !is_in_range(reader, file->time_first, file->time_last,
					    file->sequence_first, file->sequence_last))
			continue;
		file->refs++;
		size_t index = reader->file_count++;
		reader->files[index] = file;
		reader->sizes[index] = file->size;
		if (!file->is_tail) {
			push_range(reader, ITEM_FILE, index, 0, file->time_first, file->time_last);
			continue;
		}
		for (size_t j = 0; j < file->entry_count; j++)
			push_chunk(reader, index, &file->entries[j]);
	}
}

void events_reader_done(struct events_reader *reader)
{
	for (size_t i = 0; i < reader->count; i++)
		events_cursor_free(reader->heap[i].cursor);
	for (size_t i = 0; i < reader->file_count; i++)
		if (reader->is_mapped[i])
			events_file_unmap(reader->group, reader->files[i]);
	if (reader->file_count) {
		pthread_mutex_lock(&reader->group->lock);
		for (size_t i = 0; i < reader->file_count; i++)
			events_file_unref(reader->group, reader->files[i]);
		pthread_mutex_unlock(&reader->group->lock);
	}
	free(reader->files);
	free(reader->is_mapped);
	free(reader->sizes);
	free(reader->heap);
	free(reader->streams);
	events_group_unref(reader->group);
}

int events_reader_open(struct events_reader *reader, struct store_events *events,
	const struct store_log_read *read, struct aws_error *error)
{
	reader->read = read;
	if (events_group_find(events, read->group, &reader->group, error) < 0)
		return -1;
	struct events_group *group = reader->group;
	int64_t expiry = events_expiry(group, clock_wall_ns() / 1000000);
	reader->start_ms = read->start_ms > expiry ? read->start_ms : expiry;
	reader->end_ms = read->end_ms;
	if (read->from)
		reader->position = *read->from;
	else if (read->is_backward)
		reader->position = (struct store_log_position){
			.time_ms = EVENTS_TIME_MAX, .sequence = EVENTS_SEQUENCE_MAX};
	pthread_mutex_lock(&group->lock);
	if (!read->from || reader->position.high > group->visible)
		reader->position.high = group->visible;
	int result = find_streams(reader, error);
	if (result == 0)
		take_files(reader);
	pthread_mutex_unlock(&group->lock);
	return result;
}

static int map_once(struct events_reader *reader, size_t i, struct err *err)
{
	if (reader->is_mapped[i])
		return 0;
	int result = events_file_map(reader->group, reader->files[i], err);
	reader->is_mapped[i] = result == 0;
	return result;
}

/* The next row, this one or behind it, that the matcher wants; not below count: none. */
static size_t next_bit(const struct cursor *cursor, size_t row, size_t count, bool is_backward)
{
	if (!cursor->bits || row >= count)
		return row;
	size_t i = row / 64, last = (count - 1) / 64;
	uint64_t word = cursor->bits[i];
	word = is_backward ? word << (63 - row % 64) >> (63 - row % 64)
			   : word >> (row % 64) << (row % 64);
	while (!word) {
		if (i == (is_backward ? 0 : last))
			return SIZE_MAX;
		word = cursor->bits[is_backward ? --i : ++i];
	}
	return 64 * i + (size_t)(is_backward ? 63 - __builtin_clzll(word) : __builtin_ctzll(word));
}

/* The first row, from this one on in the direction of reading, that is wanted; false: none. */
static bool move_to(const struct events_reader *reader, struct item *item, size_t row)
{
	struct cursor *cursor = item->cursor;
	size_t count = cursor->view.header->count;

	/* Backward, row runs from count - 1 down through 0 to SIZE_MAX. */
	for (; row < count; row += reader->read->is_backward ? (size_t)-1 : 1) {
		row = next_bit(cursor, row, count, reader->read->is_backward);
		if (row >= count)
			return false;
		if (!events_cursor_wants(reader, cursor, row))
			continue;
		cursor->row = row;
		item->time = events_view_time(&cursor->view, row);
		item->sequence = events_view_sequence(&cursor->view, row);
		return true;
	}
	return false;
}

/* Where reading begins in the chunk: rows are in order of time. */
static size_t first_row(const struct events_reader *reader, const struct cursor *cursor)
{
	const struct events_view *view = &cursor->view;
	bool is_backward = reader->read->is_backward;
	size_t low = 0, high = view->header->count;
	if (cursor->is_chosen)
		return is_backward ? high - 1 : 0;
	int64_t from = reader->position.time_ms,
		bound = is_backward ? reader->end_ms : reader->start_ms;

	if (is_backward ? bound < from : bound > from)
		from = bound;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int64_t time = events_view_time(view, middle);
		if (is_backward ? time <= from : time < from)
			low = middle + 1;
		else
			high = middle;
	}
	return is_backward ? low - 1 : low; /* SIZE_MAX: none */
}

/* A chunk at its first row that is wanted; its cursor is NULL when it has none. */
static void open_rows(struct events_reader *reader, struct item *item)
{
	item->cursor = events_cursor_match(reader, item->file, item->offset);
	if (!item->cursor)
		return;
	item->kind = ITEM_ROWS;
	if (!move_to(reader, item, first_row(reader, item->cursor)))
		events_cursor_free(take(item->cursor));
}

struct opening {
	struct events_reader *reader;
	struct item items[AHEAD_MAX];
	size_t count;
	atomic_size_t next;
};

static void *opening_main(void *context)
{
	struct opening *opening = context;
	size_t i;

	while ((i = opening->next++) < opening->count)
		open_rows(opening->reader, &opening->items[i]);
	return NULL;
}

static void open_all(struct opening *opening)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[AHEAD_THREADS_MAX];
	size_t wanted = processors < 1 ? 1 : (size_t)processors, started = 0;

	wanted = wanted < opening->count / 2 ? wanted : opening->count / 2;
	wanted = wanted < AHEAD_THREADS_MAX ? wanted : AHEAD_THREADS_MAX;
	/* This thread is one of them; what cannot be started is done by the others. */
	while (started + 1 < wanted &&
		pthread_create(&threads[started], NULL, opening_main, opening) == 0)
		started++;
	opening_main(opening);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

/* As many as have some pages of events, all in all. */
static void set_ahead(struct events_reader *reader, const struct opening *opening)
{
	enum { ROWS_AHEAD = 2048 };
	size_t rows = 0, ahead = 2 * reader->ahead + 1;

	for (size_t i = 0; i < opening->count; i++) {
		const struct cursor *cursor = opening->items[i].cursor;
		for (size_t j = 0; cursor && cursor->bits && j < cursor->view.header->count;
			j += 64)
			rows += (size_t)__builtin_popcountll(cursor->bits[j / 64]);
	}
	if (rows && ahead > ROWS_AHEAD * opening->count / rows)
		ahead = ROWS_AHEAD * opening->count / rows;
	reader->ahead = ahead < AHEAD_MAX ? ahead : AHEAD_MAX;
}

/* Chunks that come next, as many as are worth it: the longer nothing is found, the more. One that
 * is opened early only comes later in the heap, at its first row. */
static int open_chunks(struct events_reader *reader, struct err *err)
{
	size_t max = reader->read->matcher ? reader->ahead : 0;
	uint64_t scan_max = reader->read->scan_max;
	struct opening opening = {.reader = reader};

	do {
		struct item *item = &opening.items[opening.count++];
		*item = reader->heap[0];
		drop_top(reader);
		if (map_once(reader, item->file, err) < 0)
			return -1;
	} while (opening.count < max && reader->count && reader->heap[0].kind == ITEM_CHUNK &&
		 (!scan_max || reader->scanned + opening.count * EVENTS_CHUNK_BYTES <= scan_max));
	open_all(&opening);
	for (size_t i = 0; i < opening.count; i++)
		if (opening.items[i].cursor)
			push(reader, &opening.items[i]);
	set_ahead(reader, &opening);
	return 0;
}

/* The top is a file or a chunk: what is in it comes in its place. */
static int open_top(struct events_reader *reader, struct err *err)
{
	struct item item = reader->heap[0];
	size_t count;

	if (item.kind == ITEM_CHUNK)
		return open_chunks(reader, err);
	drop_top(reader);
	if (map_once(reader, item.file, err) < 0)
		return -1;
	const struct events_entry *entries = events_file_entries(reader->files[item.file], &count);
	for (size_t i = 0; i < count; i++)
		push_chunk(reader, item.file, &entries[i]);
	return 0;
}

static void go_on(struct events_reader *reader)
{
	struct item *top = &reader->heap[0];
	size_t row = top->cursor->row;

	if (move_to(reader, top, reader->read->is_backward ? row - 1 : row + 1)) {
		sift_down(reader, 0);
	} else {
		events_cursor_free(take(top->cursor));
		drop_top(reader);
	}
}

/* All before the top, which is no row, has been seen, although nothing of it may have been given
 * out. Returns whether that is further than reading began: the next page begins there, and must not
 * do the same again. */
static bool stop_at_top(struct events_reader *reader)
{
	const struct item *top = &reader->heap[0];
	struct store_log_position *position = &reader->position;
	bool is_backward = reader->read->is_backward;
	int64_t time = is_backward ? top->time + 1 : top->time - 1;

	if (is_backward ? time >= position->time_ms : time <= position->time_ms)
		return false;
	position->time_ms = time;
	position->sequence = is_backward ? 0 : EVENTS_SEQUENCE_MAX;
	return true;
}

static int read_all(struct events_reader *reader,
	bool (*visit)(void *context, const struct store_log_found *event), void *context,
	struct err *err)
{
	uint64_t scan_max = reader->read->scan_max;
	struct store_log_position last = reader->position;

	while (reader->count) {
		const struct item *top = &reader->heap[0];
		/* What has been found is given out. */
		if (scan_max && reader->scanned > scan_max && top->kind != ITEM_ROWS &&
			stop_at_top(reader))
			return 0;
		if (top->kind != ITEM_ROWS) {
			if (open_top(reader, err) < 0)
				return -1;
			continue;
		}
		const struct cursor *cursor = top->cursor;
		const struct store_log_found found = {.time_ms = top->time,
			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): drop_top frees another */
			.ingested_ms = events_view_ingested(&cursor->view, cursor->row),
			.sequence = top->sequence,
			.message = events_view_message(&cursor->view, cursor->row),
			.stream = str_from(cursor->stream),
			.stream_id = (int64_t)cursor->view.header->stream,
			.group_id = reader->group->id};
		if (!visit(context, &found))
			break;
		last.time_ms = found.time_ms;
		last.sequence = found.sequence;
		go_on(reader);
	}
	reader->position.time_ms = last.time_ms;
	reader->position.sequence = last.sequence;
	return 0;
}

int events_reader_failed(const struct events_reader *reader, struct aws_error *error)
{
	pthread_mutex_lock(&reader->group->lock);
	bool is_deleted = reader->group->is_deleted;
	pthread_mutex_unlock(&reader->group->lock);
	return is_deleted ? events_no_group(error) : events_broken(error);
}

int events_reader_list(struct events_reader *reader, struct err *err)
{
	struct item *items = take(reader->heap);
	size_t count = reader->count, entry_count;
	int result = 0;

	reader->count = reader->capacity = 0;
	for (size_t i = 0; i < count && result == 0; i++) {
		if (items[i].kind == ITEM_CHUNK) {
			push(reader, &items[i]);
			continue;
		}
		result = map_once(reader, items[i].file, err);
		if (result < 0)
			break;
		const struct events_entry *entries =
			events_file_entries(reader->files[items[i].file], &entry_count);
		for (size_t j = 0; j < entry_count; j++)
			push_chunk(reader, items[i].file, &entries[j]);
	}
	free(items);
	for (size_t i = 0; result == 0 && i < reader->count; i++)
		result = map_once(reader, reader->heap[i].file, err);
	return result;
}

int store_log_read(struct store_events *events, const struct store_log_read *read,
	bool (*visit)(void *context, const struct store_log_found *event), void *context,
	struct store_log_position *ret_position, bool *ret_is_complete, struct aws_error *error,
	struct err *err)
{
	__attribute__((cleanup(events_reader_done))) struct events_reader reader = {0};

	if (events_reader_open(&reader, events, read, error) < 0)
		return -1;
	if (read_all(&reader, visit, context, err) < 0)
		return events_reader_failed(&reader, error);
	*ret_position = reader.position;
	*ret_is_complete = reader.count == 0;
	return 0;
}
