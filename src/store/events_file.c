/* The files of a log group: opened, recovered after a crash, mapped while they are read. */
#include "store/events_priv.h"

#include "base/number.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static struct events_file *file_new(uint64_t number, bool is_tail, const char *name)
{
	struct events_file *file = mem_new(1, sizeof(*file));

	file->refs = 1;
	file->number = number;
	file->is_tail = is_tail;
	file->fd = -1;
	file->time_first = INT64_MAX;
	file->time_last = file->ingested_first = -1;
	file->sequence_first = UINT64_MAX;
	snprintf(file->name, sizeof(file->name), "%s", name);
	return file;
}

void events_file_free(struct events_file *file)
{
	if (!file)
		return;
	if (file->map)
		munmap((void *)file->map, file->map_size);
	if (file->fd >= 0)
		close(file->fd);
	free(file->entries);
	free(file);
}
MEM_DEFINE_CLEANUP(struct events_file, events_file_free)

static void path_of(const struct events_group *group, const char *name, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%s", group->folder, name);
}

static int refuse(struct err *err, const struct events_group *group, const char *name)
{
	return err_set_errno(err, errno, "%s/%s/%s", STORE_EVENTS_FOLDER, group->folder, name);
}

int events_sync_folder(struct events_group *group, struct err *err)
{
	_cleanup_close_ int fd =
		openat(group->events->root, group->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? refuse(err, group, "") : 0;
}

void events_file_add(struct events_group *group, struct events_file *file)
{
	if (group->file_count == group->file_capacity) {
		group->file_capacity = group->file_capacity ? 2 * group->file_capacity : 8;
		group->files = mem_grow(group->files, group->file_capacity, sizeof(*group->files));
	}
	group->files[group->file_count++] = file;
}

void events_entry_add(struct events_file *file, uint64_t offset, const struct events_header *header)
{
	if (file->entry_count == file->entry_capacity) {
		file->entry_capacity = file->entry_capacity ? 2 * file->entry_capacity : 64;
		file->entries =
			mem_grow(file->entries, file->entry_capacity, sizeof(*file->entries));
	}
	file->entries[file->entry_count++] =
		(struct events_entry){.offset = offset, .header = *header};
}

void events_note(
	struct events_group *group, struct events_file *file, const struct events_header *header)
{
	struct events_stream *stream = events_stream_by_id(group, header->stream);

	file->count += header->count;
	file->event_bytes += header->event_bytes;
	group->stored_bytes += header->event_bytes;
	if (header->time_first < file->time_first)
		file->time_first = header->time_first;
	if (header->time_last > file->time_last)
		file->time_last = header->time_last;
	if (header->sequence_first < file->sequence_first)
		file->sequence_first = header->sequence_first;
	if (header->sequence_last > file->sequence_last)
		file->sequence_last = header->sequence_last;
	if (file->ingested_first < 0 || header->ingested_first < file->ingested_first)
		file->ingested_first = header->ingested_first;
	if (!stream)
		return;
	if (stream->first_ms < 0 || header->time_first < stream->first_ms)
		stream->first_ms = header->time_first;
	if (header->time_last > stream->last_ms)
		stream->last_ms = header->time_last;
	if (header->ingested_last > stream->ingested_ms)
		stream->ingested_ms = header->ingested_last;
}

/* ---- mapping ---- */

static int map_file(struct events_group *group, struct events_file *file, struct err *err)
{
	char path[128];
	struct stat status;

	path_of(group, file->name, path, sizeof(path));
	_cleanup_close_ int fd = openat(group->events->root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse(err, group, file->name);
	if (status.st_size < (off_t)file->size || status.st_size == 0) {
		errno = EIO;
		return refuse(err, group, file->name);
	}
	size_t size = file->is_tail ? EVENTS_TAIL_MAP : (size_t)status.st_size;
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return refuse(err, group, file->name);
	file->map = map;
	file->map_size = size;
	return 0;
}

int events_file_map(struct events_group *group, struct events_file *file, struct err *err)
{
	int result = 0;

	pthread_mutex_lock(&group->lock);
	if (!file->map)
		result = map_file(group, file, err);
	file->mapped += result == 0;
	pthread_mutex_unlock(&group->lock);
	return result;
}

/* A tail stays mapped: what it holds is mostly read again soon. So do some others: mapping anew
 * costs a page fault for each 64 KiB. */
void events_file_unmap(struct events_group *group, struct events_file *file)
{
	pthread_mutex_lock(&group->lock);
	assert(file->mapped > 0);
	if (--file->mapped == 0 && !file->is_tail && !file->is_kept &&
		group->events->kept < EVENTS_KEPT_MAX) {
		file->is_kept = true;
		group->events->kept++;
	} else if (file->mapped == 0 && !file->is_tail && !file->is_kept) {
		munmap((void *)file->map, file->map_size);
		file->map = NULL;
	}
	pthread_mutex_unlock(&group->lock);
}

void events_file_unref(struct events_group *group, struct events_file *file)
{
	char path[128];

	assert(file->refs > 0);
	if (--file->refs > 0)
		return;
	if (file->is_removed && !group->is_deleted) {
		path_of(group, file->name, path, sizeof(path));
		unlinkat(group->events->root, path, 0);
	}
	group->events->kept -= file->is_kept;
	events_file_free(file);
}

const struct events_entry *events_file_entries(const struct events_file *file, size_t *ret_count)
{
	if (file->is_tail || file->entries) {
		*ret_count = file->entry_count;
		return file->entries;
	}
	uint64_t offset;
	memcpy(&offset, file->map + file->map_size - sizeof(offset), sizeof(offset));
	const struct events_header *header = (const struct events_header *)(file->map + offset);
	*ret_count = header->count;
	return (const struct events_entry *)(header + 1);
}

/* ---- reading what is there ---- */

static bool is_whole(const uint8_t *map, uint64_t offset, uint64_t size, uint64_t number)
{
	return events_header_good(map + offset, size - offset, number) &&
	       events_body_good((const struct events_header *)(map + offset));
}

/* Behind what is not a chunk at offset: the next that is one; size when there is none. */
static uint64_t find_next(const uint8_t *map, uint64_t offset, uint64_t size, uint64_t number)
{
	const uint32_t magic = EVENTS_MAGIC;

	for (offset += 8; offset + sizeof(struct events_header) <= size; offset += 8)
		if (memcmp(map + offset, &magic, sizeof(magic)) == 0 &&
			is_whole(map, offset, size, number))
			return offset;
	return size;
}

/* What was not acknowledged before a crash may be torn: it ends a tail. A chunk that cannot be read
 * although one behind it says that it had been synchronised is damage; so is everything that cannot
 * be read in a sealed file. */
uint64_t events_walk(const uint8_t *map, uint64_t size, uint64_t number, bool is_tail,
	void (*visit)(void *context, uint64_t offset, const struct events_header *header),
	void *context)
{
	uint64_t offset = 0;

	while (offset < size) {
		const struct events_header *header = (const struct events_header *)(map + offset);
		if (is_whole(map, offset, size, number)) {
			visit(context, offset, header);
			offset += header->size;
			continue;
		}
		uint64_t next = find_next(map, offset, size, number);
		if (next == size ||
			(is_tail &&
				((const struct events_header *)(map + next))->durable <= offset))
			return offset;
		visit(context, offset, NULL);
		offset = next;
	}
	return size;
}

static void note_batch(struct events_group *group, uint64_t id, const uint8_t *batch)
{
	static const uint8_t none[STORE_LOG_BATCH_SIZE];
	struct events_stream *stream = events_stream_by_id(group, id);

	if (stream && memcmp(batch, none, sizeof(none)) != 0)
		events_ring_add(&stream->ring, batch);
}

struct taking {
	struct events_group *group;
	struct events_file *file;
};

static void take_chunk(void *context, uint64_t offset, const struct events_header *header)
{
	const struct taking *taking = context;
	struct events_group *group = taking->group;
	struct events_stream *stream;

	if (!header) {
		group->events->damaged++;
	} else if (header->kind == EVENTS_STREAM) {
		stream = events_stream_by_id(group, header->stream);
		if (stream)
			stream->named_in = taking->file->number;
	} else if (header->kind == EVENTS_ROWS && header->count) {
		events_entry_add(taking->file, offset, header);
		events_note(group, taking->file, header);
		note_batch(group, header->stream, header->batch);
	}
}

static uint64_t walk(struct events_group *group, struct events_file *file, uint64_t size)
{
	struct taking taking = {group, file};

	return events_walk(file->map, size, file->number, file->is_tail, take_chunk, &taking);
}

static int load_tail(struct events_group *group, struct events_file *file, struct err *err)
{
	char path[128];
	struct stat status;

	path_of(group, file->name, path, sizeof(path));
	_cleanup_close_ int fd = openat(group->events->root, path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return refuse(err, group, file->name);
	uint64_t size = (uint64_t)status.st_size < EVENTS_TAIL_MAP ? (uint64_t)status.st_size
								   : EVENTS_TAIL_MAP;
	if (size > 0) {
		if (map_file(group, file, err) < 0)
			return -1;
		file->size = walk(group, file, size);
	}
	/* What was read may still be on its way to the disk. */
	if ((file->size < size && ftruncate(fd, (off_t)file->size) < 0) || fdatasync(fd) < 0)
		return refuse(err, group, file->name);
	return 0;
}

const struct events_header *events_find_index(const uint8_t *map, size_t size, uint64_t number)
{
	uint64_t offset, end = size - sizeof(offset);

	if (size < sizeof(struct events_header) + sizeof(offset))
		return NULL;
	memcpy(&offset, map + end, sizeof(offset));
	if (offset > end || offset % 8 || !is_whole(map, offset, end, number))
		return NULL;
	const struct events_header *header = (const struct events_header *)(map + offset);
	bool fits = header->kind == EVENTS_INDEX && offset + header->size == end &&
		    header->body_bytes == header->count * sizeof(struct events_entry);
	return fits ? header : NULL;
}

static void note_batches(
	struct events_group *group, const struct events_file *file, uint64_t offset)
{
	if (offset > file->map_size || !is_whole(file->map, offset, file->map_size, file->number))
		return;
	const struct events_header *header = (const struct events_header *)(file->map + offset);
	const struct events_batch *batch = (const struct events_batch *)(header + 1);
	for (size_t i = 0; i < header->count && (i + 1) * sizeof(*batch) <= header->body_bytes; i++)
		note_batch(group, batch[i].stream, batch[i].id);
}

static void take_index(
	struct events_group *group, struct events_file *file, const struct events_header *index)
{
	const struct events_entry *entries = (const struct events_entry *)(index + 1);

	for (size_t i = 0; i < index->count; i++) {
		const struct events_header *header = &entries[i].header;
		if (header->kind == EVENTS_ROWS && header->count)
			events_note(group, file, header);
		else if (header->kind == EVENTS_BATCH_IDS)
			note_batches(group, file, entries[i].offset);
	}
}

static int load_sealed(struct events_group *group, struct events_file *file, struct err *err)
{
	if (map_file(group, file, err) < 0)
		return -1;
	const struct events_header *index =
		events_find_index(file->map, file->map_size, file->number);
	if (index) {
		take_index(group, file, index);
	} else {
		group->events->damaged++;
		walk(group, file, file->map_size);
	}
	file->size = file->map_size;
	munmap((void *)file->map, file->map_size);
	file->map = NULL;
	return 0;
}

static int compare_files(const void *a_, const void *b_)
{
	const struct events_file *const *a = a_, *const *b = b_;

	return ((*a)->number > (*b)->number) - ((*a)->number < (*b)->number);
}

bool events_parse_name(const char *name, uint64_t *ret_number, bool *ret_is_tail)
{
	struct str rest = str_from(name), number;
	bool is_tail = str_ends_with(rest, STR(".tail"));

	if (!is_tail && !str_ends_with(rest, STR(".events")))
		return false;
	*ret_is_tail = is_tail;
	return str_split(&rest, '.', &number) && number_parse(number, UINT64_MAX / 2, ret_number);
}

static int list_files(struct events_group *group, struct err *err)
{
	int fd = openat(group->events->root, group->folder,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	uint64_t number;
	bool is_tail;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return refuse(err, group, "");
	}
	while ((entry = readdir(folder))) {
		if (str_ends_with(str_from(entry->d_name), STR(".part")))
			unlinkat(fd, entry->d_name, 0);
		else if (events_parse_name(entry->d_name, &number, &is_tail))
			events_file_add(group, file_new(number, is_tail, entry->d_name));
	}
	closedir(folder);
	if (group->file_count)
		qsort(group->files, group->file_count, sizeof(struct events_file *), compare_files);
	return 0;
}

/* As long as a tail is there, what was sealed of it is a draft. */
static void drop_drafts(struct events_group *group)
{
	size_t kept = 0;

	for (size_t i = 0; i < group->file_count; i++) {
		struct events_file *file = group->files[i];
		for (size_t j = 0; j < group->file_count && !file->is_tail; j++)
			file->is_removed |=
				group->files[j]->is_tail && group->files[j]->number == file->number;
	}
	for (size_t i = 0; i < group->file_count; i++) {
		if (group->files[i]->is_removed)
			events_file_unref(group, group->files[i]);
		else
			group->files[kept++] = group->files[i];
	}
	group->file_count = kept;
}

int events_group_load(struct events_group *group, struct err *err)
{
	if (list_files(group, err) < 0)
		return -1;
	drop_drafts(group);
	for (size_t i = 0; i < group->file_count; i++) {
		struct events_file *file = group->files[i];
		if ((file->is_tail ? load_tail : load_sealed)(group, file, err) < 0)
			return -1;
		if (file->number >= group->next_file)
			group->next_file = file->number + 1;
		if (file->count && file->sequence_last >= group->next_sequence)
			group->next_sequence = file->sequence_last + 1;
		if (!file->is_tail)
			continue;
		if (group->tail)
			group->tail->is_closed = true;
		group->tail = file;
	}
	/* An empty tail has lost even what it is about. */
	if (group->tail && group->tail->size == 0) {
		group->tail->is_closed = true;
		group->tail = NULL;
	}
	group->visible = group->next_sequence - 1;
	return 0;
}

/* ---- writing ---- */

int events_tail_open(struct events_group *group, struct events_file *tail, struct err *err)
{
	char path[128];

	if (tail->fd >= 0)
		return 0;
	path_of(group, tail->name, path, sizeof(path));
	tail->fd = openat(group->events->root, path, O_RDWR | O_CLOEXEC);
	return tail->fd < 0 ? refuse(err, group, tail->name) : 0;
}

int events_tail_new(struct events_group *group, struct events_file **ret_file, struct err *err)
{
	_cleanup_buf_ struct buf about = {0};
	char name[64], path[128];
	uint64_t number = group->next_file++;

	snprintf(name, sizeof(name), "%010" PRIu64 ".tail", number);
	path_of(group, name, path, sizeof(path));
	_cleanup_(events_file_freep) struct events_file *file = file_new(number, true, name);
	file->fd = openat(group->events->root, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (file->fd < 0)
		return refuse(err, group, name);
	events_chunk_plain(&about, EVENTS_ABOUT, number, 0, str_from(group->name), 0);
	ssize_t n = pwrite(file->fd, about.p, about.n, 0);
	if (n != (ssize_t)about.n) {
		errno = n < 0 ? errno : ENOSPC;
		refuse(err, group, name);
	} else if (fdatasync(file->fd) < 0 || map_file(group, file, err) < 0) {
		refuse(err, group, name);
	} else if (events_sync_folder(group, err) == 0) {
		file->size = about.n;
		pthread_mutex_lock(&group->lock);
		events_file_add(group, file);
		pthread_mutex_unlock(&group->lock);
		*ret_file = take(file);
		return 0;
	}
	unlinkat(group->events->root, path, 0);
	return -1;
}
