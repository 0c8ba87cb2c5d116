/* Reading in the order of time: a merge that opens only what it comes to. A heap holds files,
 * chunks and open chunks at a row, each by the first moment that can be in it; a file that comes to
 * the top is replaced by its chunks, a chunk by its first row that is wanted, a row is given out
 * and replaced by the next one. So a page costs what overlaps its own time, however large the
 * group. */
#include "store/events_priv.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

enum item_kind { ITEM_FILE, ITEM_CHUNK, ITEM_ROWS };

struct cursor {
	struct events_view view;
	size_t row;
	uint64_t *bits; /* rows that the matcher wants; NULL: all */
	char *stream;
	struct store_log_columns *columns; /* in place of the view's pointers, or NULL */
};

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
	atomic_uint_fast64_t scanned;
	size_t ahead; /* chunks to open at once, by several threads, when one is wanted */
};

enum { AHEAD_MAX = 64, AHEAD_THREADS_MAX = 16 };

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

static void cursor_free(struct cursor *cursor)
{
	if (!cursor)
		return;
	free(cursor->bits);
	free(cursor->stream);
	free(cursor->columns);
	free(cursor);
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

static void reader_done(struct events_reader *reader)
{
	for (size_t i = 0; i < reader->count; i++)
		cursor_free(reader->heap[i].cursor);
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

static int reader_open(struct events_reader *reader, struct store_events *events,
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

/* ---- rows ---- */

static void block_of(
	const struct cursor *cursor, int64_t group_id, struct store_log_block *ret_block)
{
	const struct events_view *view = &cursor->view;

	*ret_block = (struct store_log_block){.count = view->header->count,
		.messages = view->messages,
		.message_bytes = view->header->body_bytes,
		.ends = view->ends,
		.times = view->times,
		.time_ms = view->header->time_first,
		.stream = str_from(cursor->stream),
		.group_id = group_id,
		.stream_id = (int64_t)view->header->stream,
		.ingested = view->ingested,
		.sequences = view->sequences,
		.ingested_ms = view->header->ingested_first,
		.columns = cursor->columns,
		.sequence = view->header->sequence_first};
}

static bool wants_row(const struct events_reader *reader, const struct cursor *cursor, size_t row)
{
	const struct store_log_position *position = &reader->position;
	int64_t time = events_view_time(&cursor->view, row);
	uint64_t sequence = events_view_sequence(&cursor->view, row);

	if (cursor->bits && !(cursor->bits[row / 64] >> (row % 64) & 1))
		return false;
	if (time < reader->start_ms || time > reader->end_ms || sequence <= position->low ||
		sequence > position->high)
		return false;
	if (time != position->time_ms)
		return reader->read->is_backward ? time < position->time_ms
						 : time > position->time_ms;
	return reader->read->is_backward ? sequence < position->sequence
					 : sequence > position->sequence;
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
		if (!wants_row(reader, cursor, row))
			continue;
		cursor->row = row;
		item->time = events_view_time(&cursor->view, row);
		item->sequence = events_view_sequence(&cursor->view, row);
		return true;
	}
	return false;
}

/* Where reading begins in the chunk: rows are in order of time. */
static size_t first_row(const struct events_reader *reader, const struct events_view *view)
{
	bool is_backward = reader->read->is_backward;
	int64_t from = reader->position.time_ms,
		bound = is_backward ? reader->end_ms : reader->start_ms;
	size_t low = 0, high = view->header->count;

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

/* The stream's name, or NULL when it is not (any more) or not wanted. */
static char *name_of(const struct events_reader *reader, uint64_t id)
{
	char *name = NULL;

	pthread_mutex_lock(&reader->group->lock);
	const struct events_stream *stream = events_stream_by_id(reader->group, id);
	if (stream && str_starts_with(str_from(stream->name), reader->read->prefix))
		name = mem_strdup(stream->name);
	pthread_mutex_unlock(&reader->group->lock);
	return name;
}

/* All rows of the chunk are in the range. */
static bool is_whole(const struct events_reader *reader, const struct events_header *header)
{
	return !reader->read->from && header->time_first >= reader->start_ms &&
	       header->time_last <= reader->end_ms &&
	       header->sequence_last <= reader->position.high;
}

/* The columns behind the rows, where the scan takes them: then the rows' own bytes are not touched.
 */
static struct store_log_columns *open_columns(
	const struct events_reader *reader, const struct events_header *rows, size_t size)
{
	const struct store_log_read *read = reader->read;
	const uint8_t *p = (const uint8_t *)rows + rows->size;

	if (!read->takes_columns || !is_whole(reader, rows) ||
		!events_header_good(p, size - rows->size, rows->file))
		return NULL;
	struct store_log_columns *columns = mem_new(1, sizeof(*columns));
	if (events_columns_open(rows, (const struct events_header *)p, columns) &&
		read->takes_columns(read->takes_context, columns))
		return columns;
	free(columns);
	return NULL;
}

/* NULL: nothing of it can be given out. */
static struct cursor *open_chunk(struct events_reader *reader, size_t index, uint64_t offset)
{
	const struct events_file *file = reader->files[index];
	const uint8_t *p = file->map + offset;
	size_t size = reader->sizes[index];
	struct cursor cursor = {0};

	size -= offset < size ? offset : size;
	const struct events_header *header = (const struct events_header *)p;
	bool is_good = offset % 8 == 0 && events_header_good(p, size, file->number);
	if (is_good)
		cursor.columns = open_columns(reader, header, size);
	cursor.view.header = header;
	if (!is_good || (!cursor.columns && (!events_body_good(header) ||
						    !events_view_open(header, &cursor.view)))) {
		reader->group->events->damaged++;
		return NULL;
	}
	cursor.stream = name_of(reader, header->stream);
	if (!cursor.stream) {
		free(cursor.columns);
		return NULL;
	}
	reader->scanned += cursor.view.header->body_bytes;
	struct cursor *opened = mem_new(1, sizeof(*opened));
	*opened = cursor;
	return opened;
}

static void match(const struct events_reader *reader, struct cursor *cursor)
{
	const struct store_log_matcher *matcher = reader->read->matcher;
	struct store_log_block block;

	if (!matcher)
		return;
	cursor->bits = mem_new(cursor->view.header->count / 64 + 1, sizeof(*cursor->bits));
	block_of(cursor, reader->group->id, &block);
	matcher->match(matcher->context, &block, cursor->bits);
}

/* A chunk at its first row that is wanted; its cursor is NULL when it has none. */
static void open_rows(struct events_reader *reader, struct item *item)
{
	item->cursor = open_chunk(reader, item->file, item->offset);
	if (!item->cursor)
		return;
	match(reader, item->cursor);
	item->kind = ITEM_ROWS;
	if (!move_to(reader, item, first_row(reader, &item->cursor->view)))
		cursor_free(take(item->cursor));
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
	reader->ahead = 2 * reader->ahead < AHEAD_MAX ? 2 * reader->ahead + 1 : AHEAD_MAX;
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
		cursor_free(take(top->cursor));
		drop_top(reader);
	}
}

/* All before the top has been seen, although nothing of it may have been given out. */
static void stop_at_top(struct events_reader *reader)
{
	const struct item *top = &reader->heap[0];
	struct store_log_position *position = &reader->position;

	position->time_ms = top->time;
	if (reader->read->is_backward) {
		bool is_row = top->kind == ITEM_ROWS;
		position->time_ms += !is_row;
		position->sequence = is_row ? top->sequence + 1 : 0;
	} else if (top->sequence > 0) {
		position->sequence = top->sequence - 1;
	} else if (top->time > 0) {
		position->time_ms--;
		position->sequence = EVENTS_SEQUENCE_MAX;
	} else {
		position->sequence = 0;
	}
}

static int read_all(struct events_reader *reader,
	bool (*visit)(void *context, const struct store_log_found *event), void *context,
	struct err *err)
{
	uint64_t scan_max = reader->read->scan_max;
	struct store_log_position last = reader->position;

	while (reader->count) {
		const struct item *top = &reader->heap[0];
		if (scan_max && reader->scanned > scan_max) {
			stop_at_top(reader);
			return 0;
		}
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

/* The files of a group that is deleted meanwhile are gone. */
static int failed(const struct events_reader *reader, struct aws_error *error)
{
	pthread_mutex_lock(&reader->group->lock);
	bool is_deleted = reader->group->is_deleted;
	pthread_mutex_unlock(&reader->group->lock);
	return is_deleted ? events_no_group(error) : events_broken(error);
}

int store_log_read(struct store_events *events, const struct store_log_read *read,
	bool (*visit)(void *context, const struct store_log_found *event), void *context,
	struct store_log_position *ret_position, bool *ret_is_complete, struct aws_error *error,
	struct err *err)
{
	__attribute__((cleanup(reader_done))) struct events_reader reader = {0};

	if (reader_open(&reader, events, read, error) < 0)
		return -1;
	if (read_all(&reader, visit, context, err) < 0)
		return failed(&reader, error);
	*ret_position = reader.position;
	*ret_is_complete = reader.count == 0;
	return 0;
}

/* ---- everything, by several threads ---- */

struct piece {
	size_t file;
	uint64_t offset;
};

struct scan {
	struct events_reader *reader;
	struct piece *pieces;
	size_t count;
	atomic_size_t next;
	atomic_bool is_over;
	int (*visit)(void *context, unsigned thread, const struct store_log_block *block,
		const uint64_t *mask);
	void *context;
};

struct scanner {
	struct scan *scan;
	unsigned number;
	pthread_t thread;
};

static void mark_rows(
	const struct events_reader *reader, const struct cursor *cursor, uint64_t *mask)
{
	const struct events_header *header = cursor->view.header;
	size_t count = header->count;

	memset(mask, 0, (count / 64 + 1) * sizeof(*mask));
	/* Mostly all of it: nothing a row then. */
	if (is_whole(reader, header)) {
		memset(mask, 0xff, count / 64 * sizeof(*mask));
		mask[count / 64] = (UINT64_C(1) << (count % 64)) - 1;
		return;
	}
	for (size_t row = 0; row < count; row++)
		mask[row / 64] |= (uint64_t)wants_row(reader, cursor, row) << (row % 64);
}

static void *scanner_main(void *context)
{
	struct scanner *scanner = context;
	struct scan *scan = scanner->scan;
	uint64_t *mask = NULL;
	size_t i;

	while (!scan->is_over && (i = scan->next++) < scan->count) {
		struct cursor *cursor =
			open_chunk(scan->reader, scan->pieces[i].file, scan->pieces[i].offset);
		struct store_log_block block;
		if (!cursor)
			continue;
		mask = mem_grow(mask, cursor->view.header->count / 64 + 1, sizeof(*mask));
		mark_rows(scan->reader, cursor, mask);
		block_of(cursor, scan->reader->group->id, &block);
		if (scan->visit(scan->context, scanner->number, &block, mask) < 0)
			scan->is_over = true;
		cursor_free(cursor);
	}
	free(mask);
	return NULL;
}

/* All chunks; their files are mapped. */
static int list_pieces(struct events_reader *reader, struct scan *scan, struct err *err)
{
	struct item *items = take(reader->heap);
	size_t count = reader->count, entry_count;

	reader->count = reader->capacity = 0;
	for (size_t i = 0; i < count; i++) {
		if (items[i].kind == ITEM_CHUNK) {
			push(reader, &items[i]);
			continue;
		}
		if (map_once(reader, items[i].file, err) < 0) {
			free(items);
			return -1;
		}
		const struct events_entry *entries =
			events_file_entries(reader->files[items[i].file], &entry_count);
		for (size_t j = 0; j < entry_count; j++)
			push_chunk(reader, items[i].file, &entries[j]);
	}
	free(items);
	scan->pieces = mem_new(reader->count + 1, sizeof(*scan->pieces));
	scan->count = reader->count;
	int result = 0;
	for (size_t i = 0; result == 0 && i < reader->count; i++) {
		result = map_once(reader, reader->heap[i].file, err);
		scan->pieces[i] = (struct piece){reader->heap[i].file, reader->heap[i].offset};
	}
	return result;
}

int store_log_scan(struct store_events *events, const struct store_log_read *read, unsigned threads,
	int (*visit)(void *context, unsigned thread, const struct store_log_block *block,
		const uint64_t *mask),
	void *context, struct aws_error *error, struct err *err)
{
	__attribute__((cleanup(reader_done))) struct events_reader reader = {0};
	struct scan scan = {.reader = &reader, .visit = visit, .context = context};
	unsigned started = 1;

	assert(threads >= 1 && !read->is_backward);
	if (reader_open(&reader, events, read, error) < 0)
		return -1;
	if (list_pieces(&reader, &scan, err) < 0) {
		free(scan.pieces);
		return failed(&reader, error);
	}
	struct scanner *scanners = mem_new(threads, sizeof(*scanners));
	for (unsigned i = 0; i < threads; i++)
		scanners[i] = (struct scanner){.scan = &scan, .number = i};
	/* What cannot be started is done by the others. */
	while (started < threads && pthread_create(&scanners[started].thread, NULL, scanner_main,
					    &scanners[started]) == 0)
		started++;
	scanner_main(&scanners[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(scanners[i].thread, NULL);
	free(scanners);
	free(scan.pieces);
	return scan.is_over ? -1 : 0;
}
