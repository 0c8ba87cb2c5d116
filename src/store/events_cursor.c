/* One chunk, opened. Of most chunks that a search comes to nothing is wanted, so as little of them
 * is read as tells it:
 *   - where the words are columns, and the matcher can tell by them which events it may want, the
 *     columns it asks for; then of the rows only the kilobytes in which those events are;
 *   - else the matcher is asked whether there may be anything in the messages, unchecked. A chunk
 *     that is damaged has nothing to give out, so that a wrong no does no harm;
 *   - else everything. */
#include "store/events_read_priv.h"

#include <string.h>

void events_cursor_free(struct cursor *cursor)
{
	if (!cursor)
		return;
	free(cursor->bits);
	free(cursor->stream);
	if (cursor->columns)
		events_columns_done(cursor->columns);
	free(cursor->columns);
	free(cursor);
}

void events_cursor_block(
	const struct cursor *cursor, int64_t group_id, struct store_log_block *ret_block)
{
	const struct events_view *view = &cursor->view;

	*ret_block = (struct store_log_block){.count = view->header->count,
		.messages = view->messages,
		.message_bytes = view->header->body_bytes,
		.ends = view->ends,
		.times = view->times,
		.time_ms = view->header->time_first,
		.stream = cursor->stream ? str_from(cursor->stream) : STR(""),
		.group_id = group_id,
		.stream_id = (int64_t)view->header->stream,
		.ingested = view->ingested,
		.sequences = view->sequences,
		.ingested_ms = view->header->ingested_first,
		.columns = cursor->columns ? &cursor->columns->columns : NULL,
		.sequence = view->header->sequence_first};
}

bool events_cursor_wants(
	const struct events_reader *reader, const struct cursor *cursor, size_t row)
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

bool events_reader_wants_all(const struct events_reader *reader, const struct events_header *header)
{
	const struct store_log_position *position = &reader->position;

	if (header->time_first < reader->start_ms || header->time_last > reader->end_ms ||
		header->sequence_first <= position->low || header->sequence_last > position->high)
		return false;
	if (reader->read->is_backward)
		return header->time_last < position->time_ms;
	return header->time_first > position->time_ms || !reader->read->from;
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

/* The header at the offset, good, with all of its chunk, or NULL; *ret_left: bytes from it on. */
static const struct events_header *find_chunk(
	struct events_reader *reader, size_t index, uint64_t offset, size_t *ret_left)
{
	const struct events_file *file = reader->files[index];
	const uint8_t *p = file->map + offset;
	size_t size = reader->sizes[index];

	*ret_left = size - (offset < size ? offset : size);
	if (offset % 8 == 0 && events_header_good(p, *ret_left, file->number))
		return (const struct events_header *)p;
	reader->group->events->damaged++;
	return NULL;
}

/* What is behind the rows, if it is their columns. */
static bool open_columns(
	const struct events_header *rows, size_t left, struct events_columns *ret_columns)
{
	const uint8_t *p = (const uint8_t *)rows + rows->size;

	return events_header_good(p, left - rows->size, rows->file) &&
	       events_columns_open(rows, (const struct events_header *)p, ret_columns);
}

/* The columns, where the scan takes them: then the rows' own bytes are not touched. */
static struct events_columns *take_columns(
	const struct events_reader *reader, const struct events_header *rows, size_t left)
{
	const struct store_log_read *read = reader->read;

	if (!read->takes_columns || !events_reader_wants_all(reader, rows))
		return NULL;
	struct events_columns *columns = mem_new(1, sizeof(*columns));
	if (open_columns(rows, left, columns)) {
		if (read->takes_columns(read->takes_context, &columns->columns))
			return columns;
		events_columns_done(columns);
	}
	free(columns);
	return NULL;
}

/* What the page before had come to already does not count: each page goes on by as much. */
static void count_bytes(
	struct events_reader *reader, const struct events_header *header, size_t bytes)
{
	const struct store_log_position *position = &reader->position;
	bool is_known = reader->read->is_backward ? header->time_last >= position->time_ms
						  : header->time_first <= position->time_ms;

	if (!is_known || !reader->read->from)
		reader->scanned += bytes;
}

static struct cursor *new_cursor(const struct cursor *from)
{
	struct cursor *cursor = mem_new(1, sizeof(*cursor));

	*cursor = *from;
	return cursor;
}

struct cursor *events_cursor_open(struct events_reader *reader, size_t file, uint64_t offset)
{
	struct cursor cursor = {0};
	size_t left;
	const struct events_header *header = find_chunk(reader, file, offset, &left);

	if (!header)
		return NULL;
	cursor.view.header = header;
	cursor.columns = take_columns(reader, header, left);
	if (!cursor.columns &&
		(!events_body_good(header) || !events_view_open(header, &cursor.view))) {
		reader->group->events->damaged++;
		return NULL;
	}
	cursor.stream = name_of(reader, header->stream);
	if (!cursor.stream) {
		if (cursor.columns)
			events_columns_done(cursor.columns);
		free(cursor.columns);
		return NULL;
	}
	count_bytes(reader, header, header->body_bytes);
	return new_cursor(&cursor);
}

/* ---- what a matcher wants ---- */

static bool is_any(const uint64_t *bits, size_t rows)
{
	uint64_t all = 0;

	for (size_t i = 0; i < (rows + 63) / 64; i++)
		all |= bits[i];
	return all != 0;
}

/* Its message, and where that is told. */
static bool is_message_good(
	struct events_columns *columns, const struct events_view *view, size_t row)
{
	const uint32_t *end = &view->ends[row];
	size_t before = row ? 1 : 0;

	if (!events_columns_row_bytes(columns, end - before, (1 + before) * sizeof(*end)))
		return false;
	uint32_t start = row ? end[-1] + 1 : 0;
	return *end >= start && *end < view->header->body_bytes &&
	       events_columns_row_bytes(columns, view->messages + start, *end - start + 1);
}

static bool is_moment_good(
	struct events_columns *columns, const struct events_view *view, size_t row)
{
	const uint32_t *const places[] = {view->times, view->ingested, view->sequences};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i] &&
			!events_columns_row_bytes(columns, &places[i][row], sizeof(places[i][row])))
			return false;
	return true;
}

/* Clears the bits of rows that are not good; false: there was one. */
static bool check_rows(struct events_columns *columns, const struct events_view *view,
	bool (*is_good)(struct events_columns *columns, const struct events_view *view, size_t row),
	uint64_t *bits)
{
	bool are_good = true;

	for (size_t i = 0; i < (view->header->count + 63) / 64; i++)
		for (uint64_t left = bits[i]; left; left &= left - 1) {
			size_t row = 64 * i + (size_t)__builtin_ctzll(left);
			if (is_good(columns, view, row))
				continue;
			bits[i] &= ~(left & -left);
			are_good = false;
		}
	return are_good;
}

/* By columns: a cursor at the rows that are wanted, or NULL; false: they do not tell. */
static bool choose(struct events_reader *reader, const struct events_header *header, size_t left,
	struct cursor **ret_cursor)
{
	const struct store_log_matcher *matcher = reader->read->matcher;
	struct cursor cursor = {.is_chosen = true};
	struct events_columns columns = {.pages = NULL, .bytes_used = 0};
	struct store_log_block block;
	bool is_good = true;

	if (!matcher->narrow || !events_reader_wants_all(reader, header) ||
		!open_columns(header, left, &columns))
		return false;
	cursor.bits = mem_new(header->count / 64 + 1, sizeof(*cursor.bits));
	if (!columns.summary || !events_view_place(header, &cursor.view) ||
		!matcher->narrow(matcher->context, &columns.columns, header->count, cursor.bits)) {
		free(cursor.bits);
		return false;
	}
	*ret_cursor = NULL;
	if (is_any(cursor.bits, header->count)) {
		is_good = check_rows(&columns, &cursor.view, is_message_good, cursor.bits);
		events_cursor_block(&cursor, reader->group->id, &block);
		matcher->keep(matcher->context, &block, cursor.bits);
		is_good &= check_rows(&columns, &cursor.view, is_moment_good, cursor.bits);
		cursor.stream =
			is_any(cursor.bits, header->count) ? name_of(reader, header->stream) : NULL;
	}
	if (!is_good)
		reader->group->events->damaged++;
	count_bytes(reader, header, columns.bytes_used + sizeof(*header));
	events_columns_done(&columns);
	if (cursor.stream)
		*ret_cursor = new_cursor(&cursor);
	else
		free(cursor.bits);
	return true;
}

struct cursor *events_cursor_match(struct events_reader *reader, size_t file, uint64_t offset)
{
	const struct store_log_matcher *matcher = reader->read->matcher;
	struct events_view view;
	struct store_log_block block;
	struct cursor *cursor;
	size_t left;

	if (!matcher)
		return events_cursor_open(reader, file, offset);
	const struct events_header *header = find_chunk(reader, file, offset, &left);
	if (!header || choose(reader, header, left, &cursor))
		return header ? cursor : NULL;
	if (matcher->may_match && events_view_place(header, &view) &&
		!matcher->may_match(matcher->context, view.messages, header->body_bytes)) {
		count_bytes(reader, header, header->body_bytes);
		return NULL;
	}
	cursor = events_cursor_open(reader, file, offset);
	if (!cursor)
		return NULL;
	cursor->bits = mem_new(header->count / 64 + 1, sizeof(*cursor->bits));
	events_cursor_block(cursor, reader->group->id, &block);
	matcher->match(matcher->context, &block, cursor->bits);
	return cursor;
}
