#include "query/cache_priv.h"

#include "base/clock.h"
#include "base/file.h"
#include "query/convert_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <xxhash.h>

#define VERSION      "1" /* of what an entry holds */
#define META_MAX     ((size_t)1 << 20)
#define MEMORY_BYTES ((uint64_t)512 << 20) /* of rows, for all threads */

struct query_cache {
	struct query_cache_options options;
	char *folder;
	char *format; /* as text, in every key */
	int lock_fd;
	/* while entries are found and made */
	struct query_objects *objects;
	const bool *selected;
	atomic_size_t next;
	atomic_ullong bytes; /* of the entries that are there */
};

int query_cache_open(
	struct query_cache **ret_cache, const struct query_cache_options *options, struct err *err)
{
	_cleanup_(query_cache_closep) struct query_cache *cache = mem_new(1, sizeof(*cache));
	_cleanup_free_ char *path = mem_printf("%s/lock", options->folder);
	_cleanup_buf_ struct buf format = {0};

	cache->lock_fd = -1;
	cache->options = *options;
	cache->folder = mem_strdup(options->folder);
	record_format_print(
		&format, options->headerless ? options->headerless : &record_format_default);
	cache->format = mem_strdup(buf_text(&format));
	if (file_make_folders(cache->folder, 0700, err) < 0)
		return err_wrap(err, "the cache");
	cache->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (cache->lock_fd < 0)
		return err_set_errno(err, errno, "the cache: cannot create %s", path);
	if (flock(cache->lock_fd, LOCK_SH) < 0)
		return err_set_errno(err, errno, "the cache: cannot lock %s", path);
	*ret_cache = take(cache);
	return 0;
}

void query_cache_close(struct query_cache *cache)
{
	if (!cache)
		return;
	if (cache->lock_fd >= 0)
		close(cache->lock_fd);
	free(cache->folder);
	free(cache->format);
	free(cache);
}

/* Keys and files. */

static char *key_of(const struct query_cache *cache, const struct query_object *object)
{
	char *resolved = realpath(object->path, NULL);
	char *key = mem_printf(VERSION "\n%s\n%llu\n%lld\n%s", resolved ? resolved : object->path,
		(unsigned long long)object->size_bytes, (long long)object->modified_ns,
		cache->format);

	free(resolved);
	return key;
}

/* ending: "parquet" or "json". */
static char *entry_path(const struct query_cache *cache, const char *key, const char *ending)
{
	XXH128_hash_t hash = XXH3_128bits(key, strlen(key));

	return mem_printf("%s/%02x/%016llx%016llx.%s", cache->folder, (unsigned)(hash.high64 >> 56),
		(unsigned long long)hash.high64, (unsigned long long)hash.low64, ending);
}

static int64_t nanoseconds(struct timespec time)
{
	return time.tv_sec * CLOCK_NS_PER_SECOND + time.tv_nsec;
}

static int hash_file(int fd, const char *path, uint64_t hash[2], struct err *err)
{
	enum { CHUNK = 1 << 18 };
	_cleanup_free_ char *bytes = mem_new(CHUNK, 1);
	XXH3_state_t *state = XXH3_createState();
	off_t at = 0;
	ssize_t n;

	XXH3_128bits_reset(state);
	while ((n = pread(fd, bytes, CHUNK, at)) > 0) {
		XXH3_128bits_update(state, bytes, (size_t)n);
		at += n;
	}
	XXH128_hash_t digest = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	hash[0] = digest.high64;
	hash[1] = digest.low64;
	return n < 0 ? err_set_errno(err, errno, "cannot read %s", path) : 0;
}

static void take_identity(struct query_cache_entry *entry, const struct stat *status)
{
	entry->inode = status->st_ino;
	entry->file_modified_ns = nanoseconds(status->st_mtim);
	entry->file_changed_ns = nanoseconds(status->st_ctim);
}

static bool has_identity(const struct query_cache_entry *entry, const struct stat *status)
{
	return entry->inode == status->st_ino &&
	       entry->file_modified_ns == nanoseconds(status->st_mtim) &&
	       entry->file_changed_ns == nanoseconds(status->st_ctim);
}

static int write_entry(const char *path, const struct query_cache_entry *entry, struct err *err)
{
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	_cleanup_free_ char *text = query_cache_print(entry);

	if (!text)
		return err_set(err, ERR_INPUT, "a path that is not UTF-8");
	if (file_draft_open(&draft, path, err) < 0 ||
		file_draft_write(&draft, str_from(text), err) < 0 ||
		file_draft_commit(&draft, true, err) < 0)
		return -1;
	return 0;
}

/* Looking. */

/* Is the Parquet file what the entry says? An entry that was found intact is not read again. */
static bool is_intact(struct query_cache_entry *entry, const char *parquet, const char *json)
{
	_cleanup_close_ int fd = open(parquet, O_RDONLY | O_CLOEXEC);
	struct stat status;
	uint64_t hash[2];
	struct err err;

	if (fd < 0 || fstat(fd, &status) < 0 || (uint64_t)status.st_size != entry->bytes)
		return false;
	if (has_identity(entry, &status))
		return true;
	if (hash_file(fd, parquet, hash, &err) < 0 || hash[0] != entry->hash[0] ||
		hash[1] != entry->hash[1])
		return false;
	take_identity(entry, &status);
	(void)!write_entry(json, entry, &err);
	return true;
}

static struct query_cached *cached_from(const struct query_cache_entry *entry, char *path)
{
	struct query_cached *cached = mem_new(1, sizeof(*cached));

	cached->path = path;
	cached->lines = entry->lines;
	cached->bad_lines = entry->bad_lines;
	cached->errors = entry->errors;
	memcpy(cached->error, entry->error, entry->errors * sizeof(*entry->error));
	return cached;
}

/* The entry of an object, when there is one that is intact; a damaged one is removed. */
static bool find_entry(struct query_cache *cache, struct query_object *object, const char *key)
{
	_cleanup_free_ char *json = entry_path(cache, key, "json");
	_cleanup_free_ char *parquet = entry_path(cache, key, "parquet");
	_cleanup_buf_ struct buf text = {0};
	struct query_cache_entry entry = {0};
	struct err err;

	if (file_read(json, META_MAX, &text, &err) < 0)
		return false;
	_cleanup_free_ char *found = NULL;
	if (query_cache_parse(buf_str(&text), &entry))
		found = mem_printf(VERSION "\n%s\n%llu\n%lld\n%s", entry.path,
			(unsigned long long)entry.size_bytes, (long long)entry.modified_ns,
			entry.format);
	bool good = found && strcmp(found, key) == 0 && is_intact(&entry, parquet, json);
	if (!good) {
		unlink(json);
		unlink(parquet);
	} else if (!(cache->options.strict && entry.bad_lines)) {
		utimensat(AT_FDCWD, json, NULL, 0);
		object->cached = cached_from(&entry, take(parquet));
	}
	query_cache_entry_done(&entry);
	return good;
}

/* Making. */

enum { NO_ROOM = CONVERT_ONE_TOO_LARGE + 1 };

static bool reserve(struct query_cache *cache, uint64_t bytes)
{
	if (atomic_fetch_add(&cache->bytes, bytes) + bytes <= cache->options.limit_bytes)
		return true;
	cache->bytes -= bytes;
	return false;
}

/* 0, a condition that is none of the caller's business, or <0. */
static int make_entry(
	struct query_cache *cache, struct query_object *object, const char *key, struct err *err)
{
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	_cleanup_free_ char *json = entry_path(cache, key, "json");
	_cleanup_free_ char *parquet = entry_path(cache, key, "parquet");
	struct query_cached met = {0};
	char *resolved = realpath(object->path, NULL);
	struct query_cache_entry entry = {
		.path = resolved ? resolved : mem_strdup(object->path),
		.size_bytes = object->size_bytes,
		.modified_ns = object->modified_ns,
		.format = mem_strdup(cache->format),
	};
	struct stat status;

	int r = file_draft_open(&draft, parquet, err);
	if (r == 0)
		r = query_convert_one(object, cache->options.headerless,
			MEMORY_BYTES / cache->options.threads, draft.fd, &met, err);
	if (r == 0)
		r = hash_file(draft.fd, parquet, entry.hash, err);
	if (r == 0 && fstat(draft.fd, &status) < 0)
		r = err_set_errno(err, errno, "cannot read %s", parquet);
	if (r == 0 && !reserve(cache, (uint64_t)status.st_size))
		r = NO_ROOM;
	if (r == 0)
		r = file_draft_commit(&draft, true, err);
	if (r == 0 && fstat(draft.fd, &status) < 0) /* its name is new */
		r = err_set_errno(err, errno, "cannot read %s", parquet);
	if (r == 0) {
		entry.lines = met.lines;
		entry.bad_lines = met.bad_lines;
		entry.errors = met.errors;
		memcpy(entry.error, met.error, met.errors * sizeof(*met.error));
		entry.bytes = (uint64_t)status.st_size;
		take_identity(&entry, &status);
		r = write_entry(json, &entry, err);
	}
	if (r == 0 && !(cache->options.strict && entry.bad_lines))
		object->cached = cached_from(&entry, take(parquet));
	query_cache_entry_done(&entry);
	return r;
}

static bool is_wanted(const struct query_cache *cache, size_t index)
{
	const struct query_object *object = &cache->objects->object[index];

	return cache->selected[index] && !object->parquet && !object->cached && !object->remote;
}

static int apply_some(void *cache_, unsigned thread, struct err *err)
{
	struct query_cache *cache = cache_;
	size_t i;

	while ((i = cache->next++) < cache->objects->count) {
		struct query_object *object = &cache->objects->object[i];
		struct err reason;
		if (!is_wanted(cache, i))
			continue;
		_cleanup_free_ char *key = key_of(cache, object);
		/* what cannot be cached is read where it lies, and its errors are told there */
		/* gzip text is about twice as long as its entry */
		if (!find_entry(cache, object, key) &&
			cache->bytes + object->size_bytes / 2 < cache->options.limit_bytes)
			(void)!make_entry(cache, object, key, &reason);
	}
	return 0;
}

/* Making room. */

struct old_entry {
	char *json; /* path */
	int64_t used_ns;
	uint64_t bytes;
};

static int compare_use(const void *a, const void *b)
{
	const struct old_entry *left = a, *right = b;

	return (left->used_ns > right->used_ns) - (left->used_ns < right->used_ns);
}

static char *parquet_of(const char *json)
{
	return mem_printf("%.*s.parquet", (int)(strlen(json) - strlen(".json")), json);
}

/* The entries of the folder; a Parquet file without its JSON is a left-over. */
static struct old_entry *list_entries(struct query_cache *cache, bool alone, size_t *ret_count)
{
	char *const roots[] = {cache->folder, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	struct old_entry *entries = NULL;
	size_t count = 0, capacity = 0;
	FTSENT *item;

	while (walk && (item = fts_read(walk))) {
		struct str name = {item->fts_name, item->fts_namelen};
		struct stat status;
		if (item->fts_info != FTS_F || name.p[0] == '.')
			continue;
		if (str_ends_with(name, STR(".parquet"))) {
			_cleanup_free_ char *json = mem_printf("%.*s.json",
				(int)(item->fts_pathlen - strlen(".parquet")), item->fts_path);
			if (alone && access(json, F_OK) < 0)
				unlink(item->fts_path);
			continue;
		}
		if (!str_ends_with(name, STR(".json")))
			continue;
		_cleanup_free_ char *parquet = parquet_of(item->fts_path);
		if (stat(parquet, &status) < 0)
			status.st_size = 0;
		if (count == capacity) {
			capacity = capacity * 2 + 64;
			entries = mem_grow(entries, capacity, sizeof(*entries));
		}
		entries[count++] = (struct old_entry){mem_strdup(item->fts_path),
			nanoseconds(item->fts_statp->st_mtim), (uint64_t)status.st_size};
	}
	if (walk)
		fts_close(walk);
	*ret_count = count;
	return entries;
}

/* Bytes that entries of these objects may come to, and a new time for those that are there. Those
 * that an earlier statement found stay too: this session reads them. */
static uint64_t touch_wanted(struct query_cache *cache)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < cache->objects->count; i++) {
		const struct query_object *object = &cache->objects->object[i];
		if (!is_wanted(cache, i) && !object->cached)
			continue;
		_cleanup_free_ char *key = key_of(cache, object);
		_cleanup_free_ char *json = entry_path(cache, key, "json");
		if (utimensat(AT_FDCWD, json, NULL, 0) < 0)
			missing += object->size_bytes;
	}
	return missing;
}

/* Removes what was not used for longest, until what is to come has room. Only when nobody else uses
 * the folder, for they may be about to read what is removed; then it waits for a later time. */
static void make_room(struct query_cache *cache)
{
	int64_t begun_ns = clock_wall_ns();
	uint64_t missing = touch_wanted(cache);
	uint64_t limit = cache->options.limit_bytes;
	bool alone = flock(cache->lock_fd, LOCK_EX | LOCK_NB) == 0;
	struct err err;
	size_t count;

	if (alone)
		(void)!file_remove_drafts(cache->folder, &err);
	struct old_entry *entries = list_entries(cache, alone, &count);
	uint64_t bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += entries[i].bytes;
	if (missing > limit)
		missing = limit;
	if (count)
		qsort(entries, count, sizeof(*entries), compare_use);
	for (size_t i = 0; i < count; i++) {
		/* those that are wanted now have been touched since */
		bool unused = entries[i].used_ns < begun_ns;
		if (alone && (unused ? bytes + missing > limit : bytes > limit)) {
			_cleanup_free_ char *parquet = parquet_of(entries[i].json);
			unlink(entries[i].json);
			unlink(parquet);
			bytes -= entries[i].bytes;
		}
		free(entries[i].json);
	}
	free(entries);
	cache->bytes = bytes;
	/* also where the lock was not had: trying for it gave up the shared one */
	flock(cache->lock_fd, LOCK_SH);
}

int query_cache_apply(struct query_cache *cache, struct query_objects *objects,
	const bool *selected, struct err *err)
{
	cache->objects = objects;
	cache->selected = selected;
	bool wanted = false;
	for (size_t i = 0; i < objects->count && !wanted; i++)
		wanted = is_wanted(cache, i);
	if (!wanted)
		return 0;
	cache->next = 0;
	make_room(cache);
	return convert_run_threads(cache->options.threads, apply_some, cache, err);
}
