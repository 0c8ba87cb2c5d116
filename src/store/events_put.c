/* Writing: puts that come at the same time share one write and one fdatasync. A put makes its chunk
 * by itself; the first that finds nobody writing takes all that wait, numbers their events, writes
 * and synchronises, and then shows them to readers. */
#include "store/events_priv.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

struct events_write {
	struct events_write *next;
	uint64_t stream;
	struct buf chunk;
	bool has_batch, is_done;
	int result;
	struct err err;
};

static struct events_header *header_of(const struct events_write *write)
{
	return (struct events_header *)write->chunk.p;
}

/* ---- one round; group->is_writing keeps others out ---- */

/* Lock held: a tail that is closed may be sealed, and gone, at any moment; one that is open is not
 * closed while a round is under way. */
static bool needs_new_tail(const struct events_group *group, size_t bytes)
{
	const struct events_file *tail = group->tail;

	return !tail || tail->is_closed || tail->entry_count >= EVENTS_TAIL_CHUNKS ||
	       (tail->size + bytes > EVENTS_TAIL_MAX && tail->entry_count > 0);
}

static int prepare_tail(struct events_group *group, size_t bytes, struct err *err)
{
	struct events_file *tail;

	pthread_mutex_lock(&group->lock);
	bool needs_new = needs_new_tail(group, bytes);
	pthread_mutex_unlock(&group->lock);
	if (!needs_new)
		return events_tail_open(group, group->tail, err);
	if (events_tail_new(group, &tail, err) < 0)
		return -1;
	pthread_mutex_lock(&group->lock);
	if (group->tail) {
		group->tail->is_closed = true;
		group->events->wants_keeping = true;
		if (group->tail->fd >= 0)
			close(group->tail->fd);
		group->tail->fd = -1;
	}
	group->tail = tail;
	pthread_mutex_unlock(&group->lock);
	return 0;
}

/* The names of the streams that this tail does not know yet, in front of their events. */
static void add_names(struct events_group *group, struct events_write *writes, struct buf *names)
{
	uint64_t number = group->tail->number;

	pthread_mutex_lock(&group->lock);
	for (const struct events_write *write = writes; write; write = write->next) {
		struct events_stream *stream = events_stream_by_id(group, write->stream);
		if (!stream || stream->named_in == number)
			continue;
		size_t before = names->n;
		events_chunk_plain(
			names, EVENTS_STREAM, number, stream->id, str_from(stream->name), 0);
		struct events_header *header = (struct events_header *)(names->p + before);
		header->durable = group->tail->size;
		events_header_number(header);
		stream->named_in = number;
	}
	pthread_mutex_unlock(&group->lock);
}

static void forget_names(struct events_group *group, const struct events_write *writes)
{
	pthread_mutex_lock(&group->lock);
	for (const struct events_write *write = writes; write; write = write->next) {
		struct events_stream *stream = events_stream_by_id(group, write->stream);
		if (stream)
			stream->named_in = 0;
	}
	pthread_mutex_unlock(&group->lock);
}

static int write_all(int fd, struct iovec *parts, int count, uint64_t offset)
{
	while (count > 0) {
		ssize_t n = pwritev(fd, parts, count < IOV_MAX ? count : IOV_MAX, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n < 0 ? errno : ENOSPC;
			return -1;
		}
		offset += (uint64_t)n;
		for (; count > 0 && (size_t)n >= parts->iov_len; parts++, count--)
			n -= (ssize_t)parts->iov_len;
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* Numbers, seals and writes; on an error nothing of it stays in the file. */
static int write_round(struct events_group *group, struct events_write *writes, size_t count,
	const struct buf *names, struct err *err)
{
	struct events_file *tail = group->tail;
	_cleanup_free_ struct iovec *parts = mem_new(count + 1, sizeof(*parts));
	int n = 0;

	if (names->n)
		parts[n++] = (struct iovec){names->p, names->n};
	for (struct events_write *write = writes; write; write = write->next) {
		struct events_header *header = header_of(write);
		header->file = tail->number;
		header->durable = tail->size;
		header->sequence_first = group->next_sequence;
		group->next_sequence += header->count;
		header->sequence_last = group->next_sequence - 1;
		events_header_number(header);
		parts[n++] = (struct iovec){write->chunk.p, write->chunk.n};
	}
	int result = write_all(tail->fd, parts, n, tail->size);
	if (result == 0)
		result = fdatasync(tail->fd);
	group->events->syncs++;
	if (result == 0)
		return 0;
	int problem = errno;
	forget_names(group, writes);
	/* What could not be undone must not be found again by a start: the file ends here. */
	if (ftruncate(tail->fd, (off_t)tail->size) < 0 || fdatasync(tail->fd) < 0) {
		pthread_mutex_lock(&group->lock);
		tail->is_closed = true;
		pthread_mutex_unlock(&group->lock);
	}
	return err_set_errno(
		err, problem, "%s/%s/%s", STORE_EVENTS_FOLDER, group->folder, tail->name);
}

/* Lock held. */
static void publish(struct events_group *group, struct events_write *writes, size_t names_bytes)
{
	struct events_file *tail = group->tail;
	uint64_t offset = tail->size + names_bytes;

	for (struct events_write *write = writes; write; write = write->next) {
		const struct events_header *header = header_of(write);
		struct events_stream *stream = events_stream_by_id(group, header->stream);
		events_entry_add(tail, offset, header);
		events_note(group, tail, header);
		if (stream && write->has_batch)
			events_ring_add(&stream->ring, header->batch);
		offset += header->size;
		group->visible = header->sequence_last;
		group->events->events += header->count;
		group->events->bytes += header->event_bytes;
		group->events->puts++;
	}
	tail->size = offset;
	if (tail->size >= EVENTS_REST_BYTES)
		group->events->has_large_tail = true;
	group->written_ms = clock_mono_ns() / 1000000;
}

/* Lock held, and again when it returns. */
static void take_waiting(struct events_group *group, size_t *ret_count, size_t *ret_bytes)
{
	size_t bytes = 0, count = 0;
	struct events_write **end = &group->pending;

	while (*end && (count == 0 || bytes + (*end)->chunk.n <= EVENTS_ROUND_MAX)) {
		bytes += (*end)->chunk.n;
		count++;
		end = &(*end)->next;
	}
	group->writing = group->pending;
	group->pending = *end;
	*end = NULL;
	if (!group->pending)
		group->pending_tail = &group->pending;
	*ret_count = count;
	*ret_bytes = bytes;
}

static void run_round(struct events_group *group)
{
	_cleanup_buf_ struct buf names = {0};
	struct err err = ERR_INIT;
	size_t count, bytes;

	group->is_writing = true;
	take_waiting(group, &count, &bytes);
	pthread_mutex_unlock(&group->lock);
	int result = prepare_tail(group, bytes, &err);
	if (result == 0) {
		add_names(group, group->writing, &names);
		result = write_round(group, group->writing, count, &names, &err);
	}
	pthread_mutex_lock(&group->lock);
	if (result == 0)
		publish(group, group->writing, names.n);
	for (struct events_write *write = group->writing; write;) {
		struct events_write *next = write->next;
		write->result = result;
		write->err = err;
		write->is_done = true; /* and gone, as soon as the lock is */
		write = next;
	}
	group->writing = NULL;
	group->is_writing = false;
	pthread_cond_broadcast(&group->written);
}

/* ---- a put ---- */

static bool is_batch_of(const struct events_write *list, uint64_t stream, const uint8_t *batch)
{
	for (; list; list = list->next)
		if (list->has_batch && list->stream == stream &&
			memcmp(header_of(list)->batch, batch, STORE_LOG_BATCH_SIZE) == 0)
			return true;
	return false;
}

/* Lock held. A batch that is just being written is waited for: it may fail. */
static bool is_repeat(struct events_group *group, uint64_t id, const uint8_t *batch)
{
	while (is_batch_of(group->pending, id, batch) || is_batch_of(group->writing, id, batch))
		pthread_cond_wait(&group->written, &group->lock);
	const struct events_stream *stream = events_stream_by_id(group, id);
	return stream && events_ring_has(&stream->ring, batch);
}

/* Lock held. */
static int write_and_wait(struct events_group *group, struct events_write *write)
{
	*group->pending_tail = write;
	group->pending_tail = &write->next;
	while (!write->is_done)
		if (group->is_writing)
			pthread_cond_wait(&group->written, &group->lock);
		else
			run_round(group);
	return write->result;
}

static int put_chunk(struct events_group *group, const struct store_log_put *put,
	struct events_write *write, struct aws_error *error, struct err *err)
{
	int result = 0;

	pthread_mutex_lock(&group->lock);
	if (group->is_deleted)
		result = events_no_group(error);
	else if (!events_stream_by_id(group, write->stream))
		result = events_no_stream(error);
	else if (put->batch && is_repeat(group, write->stream, put->batch)) {
		group->events->repeats++;
		result = STORE_LOG_REPEAT;
	} else if (write_and_wait(group, write) < 0) {
		result = group->is_deleted ? events_no_group(error) : -1;
	}
	bool is_gone = group->is_deleted;
	pthread_mutex_unlock(&group->lock);
	if (result < 0 && write->is_done && !is_gone) {
		if (err)
			*err = write->err;
		return events_broken(error);
	}
	return result;
}

int store_log_put(struct store_events *events, const struct store_log_put *put,
	struct aws_error *error, struct err *err)
{
	_cleanup_(events_group_unrefp) struct events_group *group = NULL;
	struct events_write write = {.has_batch = put->batch != NULL};

	assert(put->count >= 1 && put->count <= STORE_LOG_PUT_EVENTS_MAX);
	if (events_group_find(events, put->group, &group, error) < 0)
		return -1;
	pthread_mutex_lock(&group->lock);
	const struct events_stream *stream = events_stream_find(group, put->stream);
	write.stream = stream ? stream->id : 0;
	pthread_mutex_unlock(&group->lock);
	if (!write.stream)
		return events_no_stream(error);
	events_chunk_put(&write.chunk, put, write.stream);
	int result = put_chunk(group, put, &write, error, err);
	buf_done(&write.chunk);
	return result;
}
