/* Files are NUMBER.KIND.spool, numbers rising: the order of names is the order of commits. A file's
 * descriptor and table are open only while its batches are being sent, so that a long outage costs
 * a struct spool_file a file. What was finished is noted in the file without synchronising it: a
 * kill -9 keeps what the kernel has, and after power loss the worst is a repeat. */
#include "deliver/spool_priv.h"

#include "aws/checksum.h"
#include "base/clock.h"
#include "deliver/spool_table_priv.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define SUFFIX      ".spool"
#define DIGITS      20
#define BLOCK_SIZE  4096
#define CHECK_BYTES ((size_t)256 << 10)

enum progress { IDLE, UNDER_WAY, FINISHED };

/* Of a batch whose file is loaded. */
struct ticket {
	enum progress progress;
	unsigned refusals;
	int64_t until_ms;
	struct buf rest;
};

struct spool_file {
	uint64_t sequence;
	uint64_t bytes; /* on disk */
	int64_t created_ms;
	uint32_t left;    /* batches not finished */
	uint64_t records; /* of those */
	bool is_damaged;
	uint32_t first; /* batches before it are finished */
	/* Loaded: */
	int fd; /* -1: not loaded */
	struct spool_table table;
	struct ticket *tickets;
};

struct spool {
	char *folder;
	int folder_fd; /* locked */
	struct spool_settings settings;
	uint64_t next_sequence; /* the writer's */

	pthread_mutex_t lock; /* what follows */
	struct spool_file **files;
	size_t count, capacity;
	uint64_t bytes, records, batches, lost;
};

static char *file_path(const struct spool *spool, uint64_t sequence)
{
	return mem_printf("%s/%0*llu.%s" SUFFIX, spool->folder, DIGITS,
		(unsigned long long)sequence, spool->settings.kind);
}

static void warn(const struct spool *spool, const struct err *err)
{
	if (spool->settings.warn)
		spool->settings.warn(spool->settings.context, err);
}

static void file_unload(struct spool_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	for (uint32_t i = 0; file->tickets && i < file->table.count; i++)
		buf_done(&file->tickets[i].rest);
	spool_table_done(&file->table);
	free(take(file->tickets));
}

static void file_free(struct spool_file *file)
{
	file_unload(file);
	free(file);
}

/* Out of the way, under a name that no start takes up. */
static void file_set_aside(const struct spool *spool, const char *path, const struct err *why)
{
	_cleanup_free_ char *aside = mem_printf("%s.damaged", path);
	struct err err = *why;

	err_wrap(&err, "%s", path);
	if (rename(path, aside) < 0)
		err_hint(&err, "it cannot be renamed: %s", strerror(errno));
	else
		err_hint(&err, "its records are not delivered; it is kept as %s", aside);
	warn(spool, &err);
}

static void enqueue(struct spool *spool, struct spool_file *file)
{
	if (spool->count == spool->capacity) {
		spool->capacity = spool->capacity ? spool->capacity * 2 : 64;
		spool->files = mem_grow(spool->files, spool->capacity, sizeof(struct spool_file *));
	}
	spool->files[spool->count++] = file;
	spool->bytes += file->bytes;
	spool->records += file->records;
	spool->batches += file->left;
}

static uint64_t bytes_on_disk(uint64_t size)
{
	return (size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
}

static uint32_t count_waiting(const struct spool_table *table)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < table->count; i++)
		left += table->states[i] == SPOOL_WAITING;
	return left;
}

/* A file that a former process left. */
static int recover_file(struct spool *spool, uint64_t sequence, struct err *err)
{
	_cleanup_free_ char *path = file_path(spool, sequence);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(spool_table_done) struct spool_table table = {0};
	struct err damage = ERR_INIT;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_set_errno(err, errno, "cannot open %s", path);
	if (spool_table_load(fd, &table, &damage) < 0) {
		if (damage.code == ERR_INPUT) {
			file_set_aside(spool, path, &damage);
			return 0;
		}
		if (err)
			*err = damage;
		return err_wrap(err, "%s", path);
	}
	uint32_t left = count_waiting(&table);
	if (left == 0) {
		unlink(path);
		return 0;
	}
	struct spool_file *file = mem_new(1, sizeof(*file));
	*file = (struct spool_file){
		.sequence = sequence,
		.bytes = bytes_on_disk((uint64_t)status.st_size),
		.created_ms = status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000,
		.left = left,
		.records = table.records,
		.fd = -1,
	};
	enqueue(spool, file);
	return 0;
}

static int is_spool_file(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return strspn(name, "0123456789") == DIGITS && name[DIGITS] == '.' &&
	       str_ends_with(str_from(name), STR(SUFFIX));
}

/* Of a flow log that went elsewhere before: sent from here they would be refused. */
static void tell_others(const struct spool *spool, unsigned others)
{
	struct err err = ERR_INIT;

	if (!others)
		return;
	err_set(&err, ERR_INPUT, "%s has %u files for another kind of destination than %s",
		spool->folder, others, spool->settings.kind);
	err_hint(&err, "they are not delivered; move them away, or give the flow log another id");
	warn(spool, &err);
}

static int recover(struct spool *spool, struct err *err)
{
	_cleanup_free_ char *own = mem_printf(".%s" SUFFIX, spool->settings.kind);
	struct dirent **entries;
	unsigned others = 0;
	int result = 0;

	if (file_remove_drafts(spool->folder, err) < 0)
		return -1;
	int count = scandir(spool->folder, &entries, is_spool_file, alphasort);
	if (count < 0)
		return err_set_errno(err, errno, "cannot read %s", spool->folder);
	spool->next_sequence = 1;
	for (int i = 0; i < count; i++) {
		uint64_t sequence = strtoull(entries[i]->d_name, NULL, 10);
		if (strcmp(entries[i]->d_name + DIGITS, own) != 0)
			others++;
		else if (result == 0)
			result = recover_file(spool, sequence, err);
		spool->next_sequence = sequence + 1;
		free(entries[i]);
	}
	free(entries);
	tell_others(spool, others);
	return result;
}

int spool_open(struct spool **ret_spool, const struct spool_settings *settings, struct err *err)
{
	if (file_make_folders(settings->folder, 0750, err) < 0)
		return -1;
	_cleanup_close_ int fd = open(settings->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, errno, "cannot open %s", settings->folder);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		err_set(err, ERR_USAGE, "%s is used by another process", settings->folder);
		return err_hint(err, "one agent at a time delivers from a spool");
	}
	struct spool *spool = mem_new(1, sizeof(*spool));
	spool->settings = *settings;
	spool->folder = mem_strdup(settings->folder);
	spool->settings.folder = spool->folder;
	spool->folder_fd = take_fd(fd);
	pthread_mutex_init(&spool->lock, NULL);
	if (recover(spool, err) < 0) {
		spool_close(spool, false);
		return -1;
	}
	*ret_spool = spool;
	return 0;
}

static void remove_folder(const char *folder)
{
	DIR *stream = opendir(folder);
	struct dirent *entry;

	if (!stream)
		return;
	while ((entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(stream), entry->d_name, 0);
	}
	closedir(stream);
	rmdir(folder);
}

void spool_close(struct spool *spool, bool is_deleted)
{
	if (!spool)
		return;
	for (size_t i = 0; i < spool->count; i++)
		file_free(spool->files[i]);
	free(spool->files);
	if (is_deleted)
		remove_folder(spool->folder);
	close(spool->folder_fd);
	pthread_mutex_destroy(&spool->lock);
	free(spool->folder);
	free(spool);
}

/* writing */

static bool is_full(struct spool *spool, uint64_t more)
{
	pthread_mutex_lock(&spool->lock);
	bool full = spool->bytes + more > spool->settings.max_bytes;
	pthread_mutex_unlock(&spool->lock);
	return full;
}

int spool_draft_open(struct spool *spool, struct spool_draft *ret_draft, struct err *err)
{
	struct spool_draft draft = SPOOL_DRAFT_INIT;

	if (is_full(spool, BLOCK_SIZE))
		return SPOOL_FULL;
	_cleanup_free_ char *path = file_path(spool, spool->next_sequence);
	if (file_draft_open(&draft.file, path, err) < 0)
		return -1;
	draft.sequence = spool->next_sequence;
	*ret_draft = draft;
	return 0;
}

static void note_batch(
	struct spool_draft *draft, const struct spool_batch *batch, uint64_t size, uint32_t crc32)
{
	struct spool_batch row = *batch;
	uint8_t id[SPOOL_ID_MAX / 2];

	assert(draft->count < SPOOL_BATCHES_MAX);
	aws_random(id, sizeof(id));
	*aws_hex_write(row.id, id, sizeof(id)) = '\0';
	row.size = size;
	row.crc32 = crc32;
	spool_table_add(&draft->table, &row);
	draft->count++;
	draft->records += row.records;
	draft->size += size;
}

int spool_draft_add(struct spool_draft *draft, const struct spool_batch *batch, struct str body,
	struct err *err)
{
	if (file_draft_write(&draft->file, body, err) < 0)
		return -1;
	note_batch(draft, batch, body.n, aws_crc32(0, body.p, body.n));
	return 0;
}

static int crc_of_file(int fd, uint64_t offset, uint64_t size, uint32_t *ret_crc32, struct err *err)
{
	_cleanup_free_ char *bytes = mem_new(CHECK_BYTES, 1);
	uint32_t crc32 = 0;

	while (size) {
		size_t n = size < CHECK_BYTES ? (size_t)size : CHECK_BYTES;
		if (spool_read_at(fd, bytes, n, offset, err) < 0)
			return -1;
		crc32 = aws_crc32(crc32, bytes, n);
		offset += n;
		size -= n;
	}
	*ret_crc32 = crc32;
	return 0;
}

int spool_draft_add_written(
	struct spool_draft *draft, const struct spool_batch *batch, struct err *err)
{
	off_t end = lseek(draft->file.fd, 0, SEEK_END);
	uint32_t crc32;

	assert(draft->count == 0);
	if (end < 0)
		return err_set_errno(err, errno, "cannot read %s", draft->file.path);
	_cleanup_close_ int fd = open(draft->file.draft_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, errno, "cannot read %s", draft->file.path);
	if (crc_of_file(fd, 0, (uint64_t)end, &crc32, err) < 0)
		return err_wrap(err, "%s", draft->file.path);
	note_batch(draft, batch, (uint64_t)end, crc32);
	return 0;
}

int spool_draft_commit(struct spool *spool, struct spool_draft *draft, struct err *err)
{
	_cleanup_buf_ struct buf end = {0};

	assert(draft->count > 0 && draft->sequence == spool->next_sequence);
	spool_table_end(&draft->table, draft->count, &end);
	uint64_t bytes = bytes_on_disk(draft->size + end.n);
	if (is_full(spool, bytes))
		return SPOOL_FULL;
	if (file_draft_write(&draft->file, buf_str(&end), err) < 0)
		return -1;
	int result = file_draft_commit(&draft->file, false, err);
	if (result != 0)
		return result > 0
			       ? err_set(err, ERR_SYSTEM, "%s is there already", draft->file.path)
			       : -1;
	struct spool_file *file = mem_new(1, sizeof(*file));
	*file = (struct spool_file){
		.sequence = draft->sequence,
		.bytes = bytes,
		.created_ms = clock_wall_ns() / 1000000,
		.left = draft->count,
		.records = draft->records,
		.fd = -1,
	};
	spool->next_sequence++;
	pthread_mutex_lock(&spool->lock);
	enqueue(spool, file);
	pthread_mutex_unlock(&spool->lock);
	return 0;
}

void spool_draft_done(struct spool_draft *draft)
{
	file_draft_done(&draft->file);
	buf_done(&draft->table);
}

/* sending; the lock is held by the static functions' callers */

static void forget(struct spool *spool, size_t i)
{
	struct spool_file *file = spool->files[i];

	spool->bytes -= file->bytes;
	spool->records -= file->records;
	spool->batches -= file->left;
	file_free(file);
	spool->count--;
	memmove(&spool->files[i], &spool->files[i + 1],
		(spool->count - i) * sizeof(spool->files[0]));
}

static int load(const struct spool *spool, struct spool_file *file, struct err *err)
{
	_cleanup_free_ char *path = file_path(spool, file->sequence);
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, errno, "cannot open it");
	if (spool_table_load(fd, &file->table, err) < 0)
		return -1;
	/* It was damaged and mended, or is another one: the counts would never end. */
	if (count_waiting(&file->table) != file->left || file->table.records != file->records)
		return err_set(err, ERR_INPUT, "it is not what was put there");
	file->tickets = mem_new(file->table.count, sizeof(*file->tickets));
	for (uint32_t i = 0; i < file->table.count; i++) {
		if (file->table.states[i] != SPOOL_WAITING)
			file->tickets[i].progress = FINISHED;
	}
	file->fd = take_fd(fd);
	return 0;
}

static bool is_name_under_way(const struct spool *spool, size_t files, const char *name)
{
	for (size_t i = 0; i < files; i++) {
		const struct spool_file *file = spool->files[i];
		for (uint32_t j = file->first; file->fd >= 0 && j < file->table.count; j++) {
			if (file->tickets[j].progress == UNDER_WAY &&
				strcmp(file->table.batches[j].name, name) == 0)
				return true;
		}
	}
	return false;
}

struct wanted {
	int64_t now_ms, newest_ms;
	bool is_ordered;
};

static bool take_from(
	struct spool *spool, size_t i, const struct wanted *wanted, struct spool_taken *ret_taken)
{
	struct spool_file *file = spool->files[i];

	while (file->first < file->table.count && file->tickets[file->first].progress == FINISHED)
		file->first++;
	for (uint32_t j = file->first; j < file->table.count; j++) {
		struct ticket *ticket = &file->tickets[j];
		const struct spool_batch *batch = &file->table.batches[j];
		if (ticket->progress != IDLE || ticket->until_ms > wanted->now_ms ||
			batch->last_ms > wanted->newest_ms)
			continue;
		if (wanted->is_ordered && batch->name[0] &&
			is_name_under_way(spool, i + 1, batch->name))
			continue;
		ticket->progress = UNDER_WAY;
		*ret_taken = (struct spool_taken){
			file, j, batch, ticket->refusals, file->created_ms, &ticket->rest};
		return true;
	}
	return false;
}

int spool_take(struct spool *spool, int64_t now_ms, int64_t newest_ms, bool is_ordered,
	struct spool_taken *ret_taken)
{
	const struct wanted wanted = {now_ms, newest_ms, is_ordered};
	bool found = false;

	pthread_mutex_lock(&spool->lock);
	for (size_t i = 0; i < spool->count && i < SPOOL_LOADED_MAX && !found;) {
		struct spool_file *file = spool->files[i];
		struct err err = ERR_INIT;
		if (file->fd < 0 && load(spool, file, &err) < 0) {
			_cleanup_free_ char *path = file_path(spool, file->sequence);
			if (err.code != ERR_INPUT && err.code != ERR_NOT_FOUND) {
				warn(spool, &err); /* no descriptors left, say: later */
				break;
			}
			file_set_aside(spool, path, &err);
			spool->lost += file->records;
			forget(spool, i);
			continue;
		}
		found = take_from(spool, i++, &wanted, ret_taken);
	}
	pthread_mutex_unlock(&spool->lock);
	return found ? 0 : SPOOL_NONE;
}

int spool_read(const struct spool_taken *taken, uint64_t offset, uint64_t size,
	struct buf *ret_bytes, struct err *err)
{
	assert(offset + size <= taken->batch->size);
	if (spool_read_at(taken->file->fd, buf_reserve(ret_bytes, size), size,
		    taken->batch->offset + offset, err) < 0)
		return -1;
	ret_bytes->n += size;
	return 0;
}

int spool_check(const struct spool_taken *taken, struct err *err)
{
	uint32_t crc32;

	if (crc_of_file(taken->file->fd, taken->batch->offset, taken->batch->size, &crc32, err) < 0)
		return -1;
	if (crc32 != taken->batch->crc32)
		return err_set(err, ERR_INPUT,
			"batch %u of spool file %020llu: its CRC32 is %08x, it was %08x",
			taken->index, (unsigned long long)taken->file->sequence, crc32,
			taken->batch->crc32);
	return 0;
}

/* The last batch of a file is finished. */
static void remove_file(struct spool *spool, struct spool_file *file)
{
	_cleanup_free_ char *path = file_path(spool, file->sequence);
	size_t i = 0;

	while (spool->files[i] != file)
		i++;
	if (file->is_damaged) {
		_cleanup_free_ char *aside = mem_printf("%s.damaged", path);
		(void)!rename(path, aside);
	} else {
		unlink(path);
	}
	forget(spool, i);
}

void spool_finish(struct spool *spool, struct spool_taken *taken, enum spool_state state)
{
	struct spool_file *file = taken->file;
	char flag = (char)state;

	pthread_mutex_lock(&spool->lock);
	assert(file->tickets[taken->index].progress == UNDER_WAY);
	file->tickets[taken->index].progress = FINISHED;
	file->is_damaged = file->is_damaged || state == SPOOL_DAMAGED;
	file->left--;
	file->records -= taken->batch->records;
	spool->batches--;
	spool->records -= taken->batch->records;
	/* Where the flag cannot be written a restart sends it again, and that does no harm. */
	if (file->left == 0)
		remove_file(spool, file);
	else
		(void)!pwrite(file->fd, &flag, 1, (off_t)(file->table.flags_start + taken->index));
	pthread_mutex_unlock(&spool->lock);
	*taken = (struct spool_taken){0};
}

void spool_return(struct spool *spool, struct spool_taken *taken, int64_t until_ms)
{
	struct ticket *ticket = &taken->file->tickets[taken->index];

	pthread_mutex_lock(&spool->lock);
	assert(ticket->progress == UNDER_WAY);
	ticket->progress = IDLE;
	ticket->until_ms = until_ms;
	if (until_ms)
		ticket->refusals++;
	pthread_mutex_unlock(&spool->lock);
	*taken = (struct spool_taken){0};
}

void spool_count(struct spool *spool, struct spool_counts *ret_counts)
{
	pthread_mutex_lock(&spool->lock);
	*ret_counts = (struct spool_counts){
		.batches = spool->batches,
		.records = spool->records,
		.bytes = spool->bytes,
		.lost = spool->lost,
		.oldest_ms = spool->count ? spool->files[0]->created_ms : 0,
	};
	pthread_mutex_unlock(&spool->lock);
}
