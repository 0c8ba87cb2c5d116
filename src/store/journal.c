/* One put at a time leads: it writes the frames of all that wait behind the open segment and
 * synchronises once. What could not be written is cut off, and the segment is closed: after a
 * failed fsync nobody knows what the kernel still has of it. Segments that a start finds are closed
 * too, so that nothing is ever written behind bytes of an earlier process. */
#include "store/journal_priv.h"

#include "base/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { ROUND_MAX = 16 << 20 }; /* bytes of one write, and one put more */

struct journal_write {
	struct buf frame;
	bool is_done;
	int result;
	struct err err;
	struct journal_write *next;
};

struct store_journal {
	struct store_journal_settings settings;
	char *folder;
	pthread_mutex_t lock;
	pthread_cond_t written;
	struct journal_batches batches;
	struct journal_segment **closed; /* oldest first */
	size_t closed_count;
	struct journal_segment *open; /* NULL: none */
	int fd;                       /* of open; the leader's while is_writing */
	bool is_writing, is_due;      /* is_due: open is to be closed after the round */
	uint64_t next_number, syncs;
	struct journal_write *pending, **pending_end, *writing;
};

/* ---- opening ---- */

static int compare_segments(const void *a, const void *b)
{
	const struct journal_segment *const *x = a, *const *y = b;

	return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

/* Lock held. */
static void add_closed(struct store_journal *journal, struct journal_segment *segment)
{
	journal->closed = mem_grow(
		journal->closed, journal->closed_count + 1, sizeof(struct journal_segment *));
	journal->closed[journal->closed_count++] = segment;
}

static int load(struct store_journal *journal, struct err *err)
{
	DIR *folder = opendir(journal->folder);
	const struct dirent *entry;
	int result = 0;

	if (!folder)
		return err_set_errno(err, errno, "%s", journal->folder);
	while (result == 0 && (entry = readdir(folder))) {
		struct journal_segment *segment;
		uint64_t number;
		if (!journal_parse_name(entry->d_name, &number))
			continue;
		result = journal_segment_load(&segment, journal->folder, number, err);
		if (result == 0)
			add_closed(journal, segment);
	}
	closedir(folder);
	if (result < 0)
		return -1;
	if (journal->closed_count)
		qsort(journal->closed, journal->closed_count, sizeof(struct journal_segment *),
			compare_segments);
	for (size_t i = 0; i < journal->closed_count; i++) {
		const struct journal_segment *segment = journal->closed[i];
		for (size_t k = 0; k < segment->batch_count; k++)
			if (!journal_batches_have(&journal->batches, segment->batches[k]))
				journal_batches_add(&journal->batches, segment->batches[k]);
		journal->next_number = segment->number + 1;
	}
	return 0;
}

int store_journal_open(struct store_journal **ret_journal,
	const struct store_journal_settings *settings, struct err *err)
{
	_cleanup_(store_journal_closep) struct store_journal *journal =
		mem_new(1, sizeof(*journal));

	journal->settings = *settings;
	journal->folder = mem_strdup(settings->folder);
	journal->fd = -1;
	journal->pending_end = &journal->pending;
	pthread_mutex_init(&journal->lock, NULL);
	pthread_cond_init(&journal->written, NULL);
	if (file_make_folders(journal->folder, 0700, err) < 0 ||
		file_remove_drafts(journal->folder, err) < 0 ||
		journal_batches_load(&journal->batches, journal->folder, err) < 0 ||
		load(journal, err) < 0)
		return -1;
	*ret_journal = take(journal);
	return 0;
}

void store_journal_close(struct store_journal *journal)
{
	if (!journal)
		return;
	assert(!journal->is_writing && !journal->pending);
	for (size_t i = 0; i < journal->closed_count; i++)
		journal_segment_free(journal->closed[i]);
	journal_segment_free(journal->open);
	if (journal->fd >= 0)
		close(journal->fd);
	free(journal->closed);
	free(journal->batches.ids);
	free(journal->folder);
	pthread_cond_destroy(&journal->written);
	pthread_mutex_destroy(&journal->lock);
	free(journal);
}

int store_journal_delete(struct store_journal *journal, struct err *err)
{
	_cleanup_free_ char *path = mem_strdup(journal->folder);
	DIR *folder = opendir(path);
	const struct dirent *entry;
	int result = 0;

	store_journal_close(journal);
	if (!folder)
		return errno == ENOENT ? 0 : err_set_errno(err, errno, "%s", path);
	while (result == 0 && (entry = readdir(folder))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(folder), entry->d_name, 0) < 0 && errno != ENOENT)
			result = err_set_errno(err, errno, "%s/%s", path, entry->d_name);
	}
	closedir(folder);
	if (result == 0 && rmdir(path) < 0 && errno != ENOENT)
		return err_set_errno(err, errno, "%s", path);
	return result;
}

/* ---- writing ---- */

/* Lock held. */
static void close_open(struct store_journal *journal)
{
	add_closed(journal, take(journal->open));
	journal->is_due = false;
	close(take_fd(journal->fd));
}

static int write_all(
	int fd, const struct buf *bytes, uint64_t offset, const char *folder, struct err *err)
{
	for (size_t at = 0; at < bytes->n;) {
		ssize_t n = pwrite(fd, bytes->p + at, bytes->n - at, (off_t)(offset + at));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set_errno(err, n < 0 ? errno : EIO, "%s", folder);
		at += (size_t)n;
	}
	return 0;
}

/* By the leader, lock not held. */
static int begin_segment(struct store_journal *journal, int64_t now_ms, struct err *err)
{
	uint64_t number = journal->next_number++; /* the leader's alone */
	_cleanup_free_ char *path = journal_path(journal->folder, number);
	_cleanup_buf_ struct buf head = {0}, frame = {0};
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set_errno(err, errno, "%s", path);
	journal->settings.head(journal->settings.context, now_ms, &head);
	journal_frame_head(&frame, buf_str(&head), now_ms);
	journal_frame_seal(&frame, number);
	if (write_all(fd, &frame, 0, journal->folder, err) < 0 ||
		journal_sync_folder(journal->folder, err) < 0) {
		unlink(path);
		return -1;
	}
	struct journal_segment *segment = mem_new(1, sizeof(*segment));
	segment->number = number;
	segment->size = frame.n;
	segment->head = head;
	head = (struct buf){0};
	pthread_mutex_lock(&journal->lock);
	journal->open = segment;
	journal->fd = take_fd(fd);
	pthread_mutex_unlock(&journal->lock);
	return 0;
}

static int write_round(struct store_journal *journal, struct journal_write *first,
	uint64_t *ret_size, struct err *err)
{
	int64_t now_ms = ((const struct journal_header *)(const void *)first->frame.p)->time_ms;

	if (!journal->open && begin_segment(journal, now_ms, err) < 0)
		return -1;
	assert(journal->open);
	uint64_t size = journal->open->size;
	for (struct journal_write *write = first; write; write = write->next) {
		journal_frame_seal(&write->frame, journal->open->number);
		if (write_all(journal->fd, &write->frame, size, journal->folder, err) < 0)
			return -1;
		size += write->frame.n;
	}
	if (fdatasync(journal->fd) < 0)
		return err_set_errno(err, errno, "%s", journal->folder);
	*ret_size = size;
	return 0;
}

static struct journal_write *take_round(struct store_journal *journal)
{
	struct journal_write *first = journal->pending, **end = &journal->pending;
	size_t bytes = 0;

	while (*end && bytes < ROUND_MAX) {
		bytes += (*end)->frame.n;
		end = &(*end)->next;
	}
	journal->pending = *end;
	*end = NULL;
	if (!journal->pending)
		journal->pending_end = &journal->pending;
	return first;
}

/* What is written counts: lock held. */
static bool end_round(struct store_journal *journal, struct journal_write *first, int result,
	uint64_t size, const struct err *err)
{
	if (result == 0)
		journal->open->size = size;
	for (struct journal_write *write = first; write; write = write->next) {
		const struct journal_header *header =
			(const struct journal_header *)(const void *)write->frame.p;
		static const uint8_t none[STORE_JOURNAL_BATCH_SIZE];
		write->result = result;
		write->is_done = true;
		if (result < 0) {
			write->err = *err;
			continue;
		}
		journal_segment_note(journal->open, header);
		if (memcmp(header->batch, none, sizeof(none)) != 0)
			journal_batches_add(&journal->batches, header->batch);
	}
	if (!journal->open || (result == 0 && !journal->is_due &&
				      journal->open->bytes < journal->settings.segment_bytes))
		return false;
	close_open(journal);
	return true;
}

/* Lock held, and again on return. */
static void lead(struct store_journal *journal)
{
	struct journal_write *first = take_round(journal);
	struct err err = ERR_INIT;
	uint64_t size = 0;

	journal->is_writing = true;
	journal->writing = first;
	pthread_mutex_unlock(&journal->lock);
	int result = write_round(journal, first, &size, &err);
	/* Best effort: what stays behind the end was acknowledged to nobody. */
	if (result < 0 && journal->open)
		result = ftruncate(journal->fd, (off_t)journal->open->size) < 0 ? -1 : result;
	pthread_mutex_lock(&journal->lock);
	journal->syncs++;
	journal->is_writing = false;
	journal->writing = NULL;
	bool is_filled = end_round(journal, first, result, size, &err);
	pthread_cond_broadcast(&journal->written);
	if (!is_filled)
		return;
	pthread_mutex_unlock(&journal->lock);
	journal->settings.filled(journal->settings.context);
	pthread_mutex_lock(&journal->lock);
}

static bool is_under_way(const struct journal_write *write, const uint8_t *batch)
{
	for (; write; write = write->next) {
		const struct journal_header *header =
			(const struct journal_header *)(const void *)write->frame.p;
		if (memcmp(header->batch, batch, sizeof(header->batch)) == 0)
			return true;
	}
	return false;
}

int store_journal_put(
	struct store_journal *journal, const struct store_journal_put *put, struct err *err)
{
	struct journal_write write = {.err = ERR_INIT};
	bool is_repeat = false;

	assert(put->count > 0);
	journal_frame_put(&write.frame, put);
	pthread_mutex_lock(&journal->lock);
	while (put->batch && !(is_repeat = journal_batches_have(&journal->batches, put->batch)) &&
		(is_under_way(journal->pending, put->batch) ||
			is_under_way(journal->writing, put->batch)))
		pthread_cond_wait(&journal->written, &journal->lock);
	if (!is_repeat) {
		*journal->pending_end = &write;
		journal->pending_end = &write.next;
	}
	while (!is_repeat && !write.is_done) {
		if (journal->is_writing)
			pthread_cond_wait(&journal->written, &journal->lock);
		else
			lead(journal);
	}
	pthread_mutex_unlock(&journal->lock);
	buf_done(&write.frame);
	if (write.result < 0 && err)
		*err = write.err;
	return is_repeat ? STORE_JOURNAL_REPEAT : write.result;
}

void store_journal_limit(struct store_journal *journal, uint64_t segment_bytes)
{
	pthread_mutex_lock(&journal->lock);
	journal->settings.segment_bytes = segment_bytes;
	pthread_mutex_unlock(&journal->lock);
}

/* ---- delivering ---- */

void store_segment_done(struct store_segment *segment)
{
	buf_done(&segment->head);
}

int store_journal_take(
	struct store_journal *journal, int64_t opened_before_ms, struct store_segment *ret_segment)
{
	int result = STORE_JOURNAL_NONE;

	pthread_mutex_lock(&journal->lock);
	if (journal->open && journal->open->first_ms < opened_before_ms) {
		journal->is_due = journal->is_writing;
		if (!journal->is_writing)
			close_open(journal);
	}
	if (journal->closed_count) {
		const struct journal_segment *segment = journal->closed[0];
		*ret_segment = (struct store_segment){.number = segment->number,
			.records = segment->records,
			.bytes = segment->bytes,
			.first_ms = segment->first_ms};
		buf_add(&ret_segment->head, segment->head.p, segment->head.n);
		result = 0;
	}
	pthread_mutex_unlock(&journal->lock);
	return result;
}

/* Lock held; the segment must be there. */
static size_t find_closed(const struct store_journal *journal, uint64_t number)
{
	size_t i = 0;

	while (i < journal->closed_count && journal->closed[i]->number != number)
		i++;
	assert(i < journal->closed_count);
	return i;
}

struct reading {
	int (*visit)(void *context, struct str record);
	void *context;
};

static int read_frame(void *context, const struct journal_header *header, const uint8_t *body)
{
	const struct reading *reading = context;

	return header->kind == JOURNAL_PUT
		       ? journal_frame_records(header, body, reading->visit, reading->context)
		       : 0;
}

int store_segment_read(struct store_journal *journal, const struct store_segment *segment,
	int (*visit)(void *context, struct str record), void *context, uint64_t *ret_damaged,
	struct err *err)
{
	_cleanup_free_ char *path = journal_path(journal->folder, segment->number);
	struct reading reading = {visit, context};
	const uint8_t *map;
	uint64_t mapped;
	int result = 0;

	*ret_damaged = 0;
	pthread_mutex_lock(&journal->lock);
	uint64_t size = journal->closed[find_closed(journal, segment->number)]->size;
	pthread_mutex_unlock(&journal->lock);
	if (journal_map(path, &mapped, &map, err) < 0)
		return -1;
	if (!map)
		return 0;
	*ret_damaged = journal_walk(
		map, mapped < size ? mapped : size, segment->number, read_frame, &reading, &result);
	munmap((void *)(uintptr_t)map, mapped);
	return result;
}

int store_journal_drop(
	struct store_journal *journal, const struct store_segment *segment, struct err *err)
{
	_cleanup_free_ char *path = journal_path(journal->folder, segment->number);
	struct journal_batches copy = {0};
	int result = 0;

	pthread_mutex_lock(&journal->lock);
	size_t at = find_closed(journal, segment->number);
	if (journal->closed[at]->batch_count) {
		copy = journal->batches;
		copy.ids = mem_new(STORE_JOURNAL_BATCHES, sizeof(*copy.ids));
		memcpy(copy.ids, journal->batches.ids, STORE_JOURNAL_BATCHES * sizeof(*copy.ids));
	}
	pthread_mutex_unlock(&journal->lock);
	if (copy.ids)
		result = journal_batches_save(&copy, journal->folder, err);
	free(copy.ids);
	if (result < 0)
		return -1;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set_errno(err, errno, "%s", path);
	if (journal_sync_folder(journal->folder, err) < 0)
		return -1;
	pthread_mutex_lock(&journal->lock);
	at = find_closed(journal, segment->number);
	journal_segment_free(journal->closed[at]);
	memmove(&journal->closed[at], &journal->closed[at + 1],
		(--journal->closed_count - at) * sizeof(struct journal_segment *));
	pthread_mutex_unlock(&journal->lock);
	return 0;
}

void store_journal_count(struct store_journal *journal, struct store_journal_counts *ret_counts)
{
	struct store_journal_counts counts = {0};

	pthread_mutex_lock(&journal->lock);
	for (size_t i = 0; i <= journal->closed_count; i++) {
		const struct journal_segment *segment =
			i < journal->closed_count ? journal->closed[i] : journal->open;
		if (!segment)
			continue;
		counts.segments++;
		counts.records += segment->records;
		counts.bytes += segment->bytes;
		if (!counts.oldest_ms)
			counts.oldest_ms = segment->first_ms;
	}
	counts.syncs = journal->syncs;
	pthread_mutex_unlock(&journal->lock);
	*ret_counts = counts;
}
