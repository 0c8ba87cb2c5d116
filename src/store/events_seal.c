/* Sealing: a closed tail becomes one file for each day of its events, in which a stream's events
 * lie together in order of time, in chunks of about a megabyte, with an index at the end. The files
 * are drafts as long as the tail is there: its removal, after all of them are on disk, is what
 * makes them count. Events of streams that are no more, and expired ones, are left behind. */
#include "store/events_priv.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct row {
	int64_t time;
	uint64_t sequence;
	uint32_t chunk, index;
};

/* A file of one day, being written. */
struct writer {
	struct events_file *file;
	int64_t day;
	int fd;
	uint64_t offset;
	uint64_t named; /* the stream that was named last */
	/* the chunk being filled */
	uint64_t stream;
	size_t count;
	int64_t *times, *ingested;
	uint64_t *sequences;
	uint32_t *ends;
	struct buf messages;
};

struct sealing {
	struct events_group *group;
	struct events_file *tail;
	const struct events_entry *entries; /* the tail's, in order of stream, time, sequence */
	struct events_view *views;          /* of a stream's */
	struct writer *writers;
	size_t writer_count;
	int64_t expiry_ms;
};

static int refuse(struct err *err, const struct sealing *sealing, const char *name)
{
	return err_set_errno(
		err, errno, "%s/%s/%s", STORE_EVENTS_FOLDER, sealing->group->folder, name);
}

/* ---- one file ---- */

static void part_of(
	const struct sealing *sealing, const struct writer *writer, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%s.part", sealing->group->folder, writer->file->name);
}

static int writer_add(
	const struct sealing *sealing, struct writer *writer, struct str bytes, struct err *err)
{
	while (bytes.n) {
		ssize_t n = pwrite(writer->fd, bytes.p, bytes.n, (off_t)writer->offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n < 0 ? errno : ENOSPC;
			return refuse(err, sealing, writer->file->name);
		}
		writer->offset += (uint64_t)n;
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return 0;
}

static int add_plain(const struct sealing *sealing, struct writer *writer, enum events_kind kind,
	uint64_t stream, struct str body, size_t count, struct err *err)
{
	_cleanup_buf_ struct buf chunk = {0};

	events_chunk_plain(&chunk, kind, writer->file->number, stream, body, count);
	events_entry_add(
		writer->file, writer->offset, (const struct events_header *)(void *)chunk.p);
	return writer_add(sealing, writer, buf_str(&chunk), err);
}

static int writer_open(
	struct sealing *sealing, int64_t day, struct writer **ret_writer, struct err *err)
{
	char path[128], date[16];
	time_t seconds = (time_t)(day * (EVENTS_DAY_MS / 1000));
	struct tm parts;

	sealing->writers =
		mem_grow(sealing->writers, sealing->writer_count + 1, sizeof(*sealing->writers));
	struct writer *writer = &sealing->writers[sealing->writer_count++];
	*writer = (struct writer){.day = day, .file = mem_new(1, sizeof(*writer->file)), .fd = -1};
	struct events_file *file = writer->file;
	file->refs = 1;
	file->number = sealing->tail->number;
	file->fd = -1;
	file->time_first = INT64_MAX;
	file->time_last = file->ingested_first = -1;
	file->sequence_first = UINT64_MAX;
	gmtime_r(&seconds, &parts);
	strftime(date, sizeof(date), "%Y-%m-%d", &parts);
	snprintf(file->name, sizeof(file->name), "%010" PRIu64 ".%s.events", file->number, date);
	part_of(sealing, writer, path, sizeof(path));
	writer->fd = openat(
		sealing->group->events->root, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (writer->fd < 0) {
		refuse(err, sealing, file->name);
		return -1;
	}
	writer->times = mem_new(EVENTS_CHUNK_ROWS, sizeof(*writer->times));
	writer->ingested = mem_new(EVENTS_CHUNK_ROWS, sizeof(*writer->ingested));
	writer->sequences = mem_new(EVENTS_CHUNK_ROWS, sizeof(*writer->sequences));
	writer->ends = mem_new(EVENTS_CHUNK_ROWS, sizeof(*writer->ends));
	*ret_writer = writer;
	return add_plain(sealing, writer, EVENTS_ABOUT, 0, str_from(sealing->group->name), 0, err);
}

static void writer_done(struct writer *writer)
{
	if (writer->fd >= 0)
		close(writer->fd);
	free(writer->times);
	free(writer->ingested);
	free(writer->sequences);
	free(writer->ends);
	buf_done(&writer->messages);
	events_file_free(writer->file);
}

/* ---- one chunk ---- */

static void fill_columns(const struct writer *writer, struct events_header *header)
{
	size_t count = writer->count;
	uint32_t *times = (uint32_t *)(header + 1);
	uint32_t *ends = times + count, *ingested = ends + count, *sequences = ingested + count;

	for (size_t i = 0; i < count; i++) {
		times[i] = (uint32_t)(writer->times[i] - header->time_first);
		ingested[i] = (uint32_t)(writer->ingested[i] - header->ingested_first);
		sequences[i] = (uint32_t)(writer->sequences[i] - header->sequence_first);
	}
	memcpy(ends, writer->ends, count * sizeof(*ends));
	memcpy(sequences + count, writer->messages.p, writer->messages.n);
}

/* Where the words of the rows can be columns. */
static int add_columns(const struct sealing *sealing, struct writer *writer,
	const struct events_header *rows, struct err *err)
{
	_cleanup_buf_ struct buf chunk = {0};
	struct events_view view;

	if (!events_view_open(rows, &view) || !events_columns_make(&chunk, &view))
		return 0;
	return writer_add(sealing, writer, buf_str(&chunk), err);
}

static int flush_chunk(const struct sealing *sealing, struct writer *writer, struct err *err)
{
	size_t count = writer->count;
	enum { FLAGS = EVENTS_HAS_INGESTED | EVENTS_HAS_SEQUENCE };

	if (!count)
		return 0;
	size_t size = events_chunk_size(FLAGS, count, writer->messages.n);
	_cleanup_free_ struct events_header *header = mem_new(1, size);
	*header = (struct events_header){.magic = EVENTS_MAGIC,
		.format = EVENTS_FORMAT,
		.size = (uint32_t)size,
		.kind = EVENTS_ROWS,
		.flags = FLAGS,
		.file = writer->file->number,
		.count = (uint32_t)count,
		.body_bytes = (uint32_t)writer->messages.n,
		.stream = writer->stream,
		.time_first = writer->times[0],
		.time_last = writer->times[count - 1],
		.ingested_first = INT64_MAX,
		.sequence_first = UINT64_MAX,
		.event_bytes = writer->messages.n - count + 26 * count};
	for (size_t i = 0; i < count; i++) {
		if (writer->ingested[i] < header->ingested_first)
			header->ingested_first = writer->ingested[i];
		if (writer->ingested[i] > header->ingested_last)
			header->ingested_last = writer->ingested[i];
		if (writer->sequences[i] < header->sequence_first)
			header->sequence_first = writer->sequences[i];
		if (writer->sequences[i] > header->sequence_last)
			header->sequence_last = writer->sequences[i];
	}
	fill_columns(writer, header);
	events_header_seal(header);
	events_entry_add(writer->file, writer->offset, header);
	writer->count = 0;
	writer->messages.n = 0;
	if (writer_add(sealing, writer, (struct str){(const char *)header, size}, err) < 0)
		return -1;
	return add_columns(sealing, writer, header, err);
}

/* Arrival is kept in 32 bits of milliseconds behind the chunk's first: clocks may step. */
static bool is_far(const struct writer *writer, int64_t ingested_ms)
{
	int64_t distance = writer->count ? ingested_ms - writer->ingested[0] : 0;

	return distance > INT32_MAX / 2 || distance < -INT32_MAX / 2;
}

static int name_stream(
	const struct sealing *sealing, struct writer *writer, uint64_t id, struct err *err)
{
	struct events_group *group = sealing->group;

	pthread_mutex_lock(&group->lock);
	const struct events_stream *stream = events_stream_by_id(group, id);
	_cleanup_free_ char *name = stream ? mem_strdup(stream->name) : NULL;
	pthread_mutex_unlock(&group->lock);
	writer->named = id;
	return name ? add_plain(sealing, writer, EVENTS_STREAM, id, str_from(name), 0, err) : 0;
}

static int add_row(struct sealing *sealing, uint64_t stream, const struct row *row, struct err *err)
{
	const struct events_view *view = &sealing->views[row->chunk];
	struct str message = events_view_message(view, row->index);
	int64_t day = row->time / EVENTS_DAY_MS, ingested = events_view_ingested(view, row->index);
	struct writer *writer = NULL;

	for (size_t i = 0; i < sealing->writer_count && !writer; i++)
		if (sealing->writers[i].day == day)
			writer = &sealing->writers[i];
	if (!writer && writer_open(sealing, day, &writer, err) < 0)
		return -1;
	if (writer->count &&
		(writer->stream != stream || writer->count == EVENTS_CHUNK_ROWS ||
			writer->messages.n + message.n > EVENTS_CHUNK_BYTES ||
			is_far(writer, ingested)) &&
		flush_chunk(sealing, writer, err) < 0)
		return -1;
	if (writer->named != stream && name_stream(sealing, writer, stream, err) < 0)
		return -1;
	writer->stream = stream;
	writer->times[writer->count] = row->time;
	writer->ingested[writer->count] = ingested;
	writer->sequences[writer->count] = row->sequence;
	buf_add_str(&writer->messages, message);
	writer->ends[writer->count++] = (uint32_t)writer->messages.n;
	buf_add_char(&writer->messages, '\n');
	return 0;
}

/* ---- one stream ---- */

static int compare_rows(const void *a_, const void *b_)
{
	const struct row *a = a_, *b = b_;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static bool open_view(
	struct sealing *sealing, const struct events_entry *entry, struct events_view *ret_view)
{
	const struct events_file *tail = sealing->tail;
	const uint8_t *p = tail->map + entry->offset;

	if (events_header_good(p, tail->size - entry->offset, tail->number) &&
		events_body_good((const struct events_header *)p) &&
		events_view_open((const struct events_header *)p, ret_view))
		return true;
	sealing->group->events->damaged++;
	return false;
}

static int seal_stream(
	struct sealing *sealing, const struct events_entry *entries, size_t count, struct err *err)
{
	size_t rows = 0, n = 0;
	uint64_t stream = entries[0].header.stream;
	bool is_sorted = true;
	int result = 0;

	for (size_t i = 0; i < count; i++)
		rows += entries[i].header.count;
	_cleanup_free_ struct row *list = mem_new(rows, sizeof(*list));
	_cleanup_free_ struct events_view *views = mem_new(count, sizeof(*views));
	for (size_t i = 0; i < count; i++) {
		if (!open_view(sealing, &entries[i], &views[i]))
			continue;
		for (uint32_t j = 0; j < entries[i].header.count; j++) {
			struct row row = {events_view_time(&views[i], j),
				events_view_sequence(&views[i], j), (uint32_t)i, j};
			if (row.time < sealing->expiry_ms)
				continue;
			is_sorted = is_sorted && (n == 0 || compare_rows(&list[n - 1], &row) < 0);
			list[n++] = row;
		}
	}
	if (!is_sorted)
		qsort(list, n, sizeof(*list), compare_rows);
	sealing->views = views;
	for (size_t i = 0; result == 0 && i < n; i++)
		result = add_row(sealing, stream, &list[i], err);
	for (size_t i = 0; result == 0 && i < sealing->writer_count; i++)
		result = flush_chunk(sealing, &sealing->writers[i], err);
	return result;
}

static int compare_entries(const void *a_, const void *b_)
{
	const struct events_header *a = &((const struct events_entry *)a_)->header,
				   *b = &((const struct events_entry *)b_)->header;

	if (a->stream != b->stream)
		return a->stream < b->stream ? -1 : 1;
	if (a->time_first != b->time_first)
		return a->time_first < b->time_first ? -1 : 1;
	return (a->sequence_first > b->sequence_first) - (a->sequence_first < b->sequence_first);
}

static bool is_alive(struct events_group *group, uint64_t stream)
{
	pthread_mutex_lock(&group->lock);
	bool found = events_stream_by_id(group, stream) != NULL;
	pthread_mutex_unlock(&group->lock);
	return found;
}

/* ---- the whole ---- */

/* The batches in the order in which they came, into the first file. */
static int add_batches(struct sealing *sealing, struct err *err)
{
	static const uint8_t none[STORE_LOG_BATCH_SIZE];
	_cleanup_buf_ struct buf batches = {0};
	size_t count = 0;

	for (size_t i = 0; i < sealing->tail->entry_count; i++) {
		const struct events_header *header = &sealing->tail->entries[i].header;
		struct events_batch batch = {.stream = header->stream};
		if (memcmp(header->batch, none, sizeof(none)) == 0)
			continue;
		memcpy(batch.id, header->batch, sizeof(batch.id));
		buf_add(&batches, &batch, sizeof(batch));
		count++;
	}
	if (!count || !sealing->writer_count)
		return 0;
	return add_plain(
		sealing, &sealing->writers[0], EVENTS_BATCH_IDS, 0, buf_str(&batches), count, err);
}

static int finish(struct sealing *sealing, struct writer *writer, struct err *err)
{
	struct events_group *group = sealing->group;
	_cleanup_buf_ struct buf index = {0};
	uint64_t offset = writer->offset;
	char part[128], path[128];

	events_chunk_plain(&index, EVENTS_INDEX, writer->file->number, 0,
		(struct str){(const char *)writer->file->entries,
			writer->file->entry_count * sizeof(struct events_entry)},
		writer->file->entry_count);
	buf_add(&index, &offset, sizeof(offset));
	if (writer_add(sealing, writer, buf_str(&index), err) < 0)
		return -1;
	part_of(sealing, writer, part, sizeof(part));
	snprintf(path, sizeof(path), "%s/%s", group->folder, writer->file->name);
	if (fdatasync(writer->fd) < 0 ||
		renameat(group->events->root, part, group->events->root, path) < 0)
		return refuse(err, sealing, writer->file->name);
	writer->file->size = writer->offset;
	return 0;
}

/* In the tail's place, for readers from now on. */
static void replace(struct sealing *sealing)
{
	struct events_group *group = sealing->group;
	struct events_file *tail = sealing->tail;
	size_t i = 0;

	pthread_mutex_lock(&group->lock);
	while (group->files[i] != tail)
		i++;
	group->files[i] = group->files[--group->file_count];
	group->stored_bytes -= tail->event_bytes;
	if (group->tail == tail)
		group->tail = NULL;
	for (i = 0; i < sealing->writer_count; i++) {
		struct events_file *file = take(sealing->writers[i].file);
		for (size_t j = 0; j < file->entry_count; j++)
			if (file->entries[j].header.kind == EVENTS_ROWS)
				events_note(group, file, &file->entries[j].header);
		free(take(file->entries));
		file->entry_count = file->entry_capacity = 0;
		events_file_add(group, file);
	}
	events_file_unref(group, tail);
	pthread_mutex_unlock(&group->lock);
}

static int write_files(struct sealing *sealing, struct err *err)
{
	size_t count = sealing->tail->entry_count, end;

	for (size_t i = 0; i < count; i = end) {
		for (end = i + 1; end < count && sealing->entries[end].header.stream ==
							 sealing->entries[i].header.stream;)
			end++;
		if (is_alive(sealing->group, sealing->entries[i].header.stream) &&
			seal_stream(sealing, &sealing->entries[i], end - i, err) < 0)
			return -1;
	}
	if (add_batches(sealing, err) < 0)
		return -1;
	for (size_t i = 0; i < sealing->writer_count; i++)
		if (finish(sealing, &sealing->writers[i], err) < 0)
			return -1;
	return events_sync_folder(sealing->group, err);
}

int events_seal(struct events_group *group, struct events_file *tail, struct err *err)
{
	struct sealing sealing = {.group = group,
		.tail = tail,
		.expiry_ms = events_expiry(group, clock_wall_ns() / 1000000)};
	size_t count = tail->entry_count;
	_cleanup_free_ struct events_entry *entries = mem_new(count + 1, sizeof(*entries));
	char path[128];

	assert(tail->is_tail && tail->is_closed);
	if (count)
		memcpy(entries, tail->entries, count * sizeof(*entries));
	qsort(entries, count, sizeof(*entries), compare_entries);
	sealing.entries = entries;
	int result = count && events_file_map(group, tail, err) < 0 ? -1 : 0;
	bool is_mapped = result == 0 && count;
	if (result == 0)
		result = write_files(&sealing, err);
	if (is_mapped)
		events_file_unmap(group, tail);
	if (result == 0) {
		snprintf(path, sizeof(path), "%s/%s", group->folder, tail->name);
		if (unlinkat(group->events->root, path, 0) < 0)
			result = refuse(err, &sealing, tail->name);
		else
			replace(&sealing);
		group->events->sealed++;
	}
	for (size_t i = 0; i < sealing.writer_count; i++) {
		if (result < 0) {
			part_of(&sealing, &sealing.writers[i], path, sizeof(path));
			unlinkat(group->events->root, path, 0);
		}
		writer_done(&sealing.writers[i]);
	}
	free(sealing.writers);
	return result < 0 ? -1 : events_sync_folder(group, err);
}
