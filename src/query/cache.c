#include "query/cache_priv.h"

#include "base/clock.h"
#include "base/file.h"
#include "query/convert_priv.h"
#include "query/remote_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#define MEMORY_BYTES ((uint64_t)512 << 20) /* of rows, for all threads */

struct query_cache {
	struct query_cache_options options;
	char *folder;
	char *format; /* as text, in every key */
	int lock_fd;
	bool is_swept; /* room was made once */
	/* while entries are found and made */
	struct query_objects *objects;
	struct query_object **missing;
	size_t missing_count;
	atomic_size_t next;
	atomic_ullong bytes; /* of the entries that are there */
};

/* A lock of the folder: F_RDLCK while it is used, F_WRLCK to remove. Unlike flock's it is exchanged
 * for the other without being given up, and stays as it is when it cannot be had. */
static int lock(int fd, short type, int command)
{
	struct flock whole = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, command, &whole);
}

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
	if (lock(cache->lock_fd, F_RDLCK, F_OFD_SETLKW) < 0)
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

/* What names an entry. At a server the ETag says when content is another, and not the time. */
static void identify(const struct query_object *object, struct query_cache_entry *entry)
{
	const char *etag = object->remote ? object->remote->etag : "";
	char *resolved = object->remote ? NULL : realpath(object->path, NULL);

	entry->path = resolved ? resolved : mem_strdup(object->path);
	entry->etag = mem_strdup(etag);
	entry->size_bytes = object->size_bytes;
	entry->modified_ns = *etag ? 0 : object->modified_ns;
}

static char *key_of(const struct query_cache *cache, const struct query_object *object)
{
	struct query_cache_entry entry = {.format = mem_strdup(cache->format)};

	identify(object, &entry);
	char *key = query_cache_key(&entry);
	query_cache_entry_done(&entry);
	return key;
}

/* ending: "parquet" or "json". */
static char *entry_path(const struct query_cache *cache, const char *key, const char *ending)
{
	uint64_t name[2];

	query_cache_name(key, name);
	return query_cache_file(cache->folder, name, ending);
}

/* Looking. */

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
static void find_entry(struct query_cache *cache, struct query_object *object)
{
	_cleanup_free_ char *key = key_of(cache, object);
	_cleanup_free_ char *json = entry_path(cache, key, "json");
	_cleanup_free_ char *parquet = entry_path(cache, key, "parquet");
	struct query_cache_entry entry;

	if (access(json, F_OK) < 0)
		return;
	bool good =
		query_cache_read(json, key, &entry) && query_cache_is_intact(&entry, parquet, json);
	if (!good) {
		unlink(json);
		unlink(parquet);
	} else {
		query_cache_touch(json);
		if (cache->options.strict && entry.bad_lines)
			object->uncacheable = true;
		else
			object->cached = cached_from(&entry, take(parquet));
	}
	query_cache_entry_done(&entry);
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
static int make_entry(struct query_cache *cache, struct query_object *object, struct err *err)
{
	_cleanup_free_ char *key = key_of(cache, object);
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	_cleanup_free_ char *json = entry_path(cache, key, "json");
	_cleanup_free_ char *parquet = entry_path(cache, key, "parquet");
	struct query_cached met = {0};
	struct query_cache_entry entry = {.format = mem_strdup(cache->format)};

	identify(object, &entry);
	int r = file_draft_open(&draft, parquet, err);
	if (r == 0)
		r = query_convert_one(object, cache->options.headerless,
			MEMORY_BYTES / cache->options.threads, draft.fd, &met, err);
	if (r == 0)
		r = query_cache_measure(&entry, draft.fd, parquet, err);
	if (r == 0 && !reserve(cache, entry.bytes))
		r = NO_ROOM;
	if (r == 0) {
		entry.lines = met.lines;
		entry.bad_lines = met.bad_lines;
		entry.errors = met.errors;
		memcpy(entry.error, met.error, met.errors * sizeof(*met.error));
		r = query_cache_commit(&entry, &draft, json, err);
	}
	object->uncacheable = r != 0 || (cache->options.strict && entry.bad_lines);
	if (!object->uncacheable)
		object->cached = cached_from(&entry, take(parquet));
	query_cache_entry_done(&entry);
	return r;
}

static int find_some(void *cache_, unsigned thread, struct err *err)
{
	struct query_cache *cache = cache_;
	size_t i;

	while ((i = cache->next++) < cache->missing_count)
		find_entry(cache, cache->missing[i]);
	return 0;
}

static int make_some(void *cache_, unsigned thread, struct err *err)
{
	struct query_cache *cache = cache_;
	struct err reason;
	size_t i;

	/* what cannot be cached is read where it lies, and its errors are told there */
	while ((i = cache->next++) < cache->missing_count)
		(void)!make_entry(cache, cache->missing[i], &reason);
	return 0;
}

static void keep_missing(struct query_cache *cache)
{
	size_t kept = 0;

	for (size_t i = 0; i < cache->missing_count; i++) {
		if (!cache->missing[i]->cached && !cache->missing[i]->uncacheable)
			cache->missing[kept++] = cache->missing[i];
	}
	cache->missing_count = kept;
}

/* Leaves those that are likely to find room: gzip text is about twice as long as its entry. */
static void keep_fitting(struct query_cache *cache)
{
	uint64_t bytes = cache->bytes;
	size_t kept = 0;

	for (size_t i = 0; i < cache->missing_count; i++) {
		bytes += cache->missing[i]->size_bytes / 2;
		if (bytes >= cache->options.limit_bytes)
			break;
		kept++;
	}
	cache->missing_count = kept;
}

/* Objects at a server are fetched ahead, in the order in which they are made. */
static void plan_fetching(struct query_cache *cache)
{
	_cleanup_free_ const struct query_object **planned =
		mem_new(cache->missing_count + 1, sizeof(struct query_object *));
	size_t count = 0;

	for (size_t i = 0; i < cache->missing_count; i++) {
		if (cache->missing[i]->remote)
			planned[count++] = cache->missing[i];
	}
	if (count)
		query_remote_plan(planned[0]->remote->remote, planned, count);
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
			clock_ns_from(item->fts_statp->st_mtim), (uint64_t)status.st_size};
	}
	if (walk)
		fts_close(walk);
	*ret_count = count;
	return entries;
}

/* What is missing may come to this; and a new time for the entries that this session reads or is
 * about to find. */
static uint64_t touch_wanted(struct query_cache *cache)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < cache->objects->count; i++) {
		const struct query_object *object = &cache->objects->object[i];
		if (!object->cached)
			continue;
		_cleanup_free_ char *json = mem_printf("%.*s.json",
			(int)(strlen(object->cached->path) - strlen(".parquet")),
			object->cached->path);
		query_cache_touch(json);
	}
	for (size_t i = 0; i < cache->missing_count; i++) {
		_cleanup_free_ char *key = key_of(cache, cache->missing[i]);
		_cleanup_free_ char *json = entry_path(cache, key, "json");
		if (!query_cache_touch(json))
			missing += cache->missing[i]->size_bytes;
	}
	return missing;
}

/* Removes what was not used for longest, until what is to come has room. Only when nobody else uses
 * the folder, for they may be about to read what is removed; then it waits for a later time. */
static void make_room(struct query_cache *cache)
{
	bool is_first = !cache->is_swept; /* nothing was taken from the cache yet */
	int64_t begun_ns = clock_wall_ns();
	uint64_t missing = touch_wanted(cache);
	uint64_t limit = cache->options.limit_bytes;
	bool alone = lock(cache->lock_fd, F_WRLCK, F_OFD_SETLK) == 0;
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
		if (alone && (unused ? bytes + missing > limit : is_first && bytes > limit)) {
			_cleanup_free_ char *parquet = parquet_of(entries[i].json);
			unlink(entries[i].json);
			unlink(parquet);
			bytes -= entries[i].bytes;
		}
		free(entries[i].json);
	}
	free(entries);
	cache->bytes = bytes;
	cache->is_swept = true;
	lock(cache->lock_fd, F_RDLCK, F_OFD_SETLK);
}

int query_cache_apply(struct query_cache *cache, struct query_objects *objects,
	const bool *selected, struct err *err)
{
	_cleanup_free_ struct query_object **missing =
		mem_new(objects->count + 1, sizeof(struct query_object *));
	int r;

	cache->objects = objects;
	cache->missing = missing;
	cache->missing_count = 0;
	for (size_t i = 0; i < objects->count; i++) {
		if (selected[i] && !objects->object[i].parquet)
			missing[cache->missing_count++] = &objects->object[i];
	}
	keep_missing(cache);
	bool is_first = !cache->is_swept;
	if (is_first)
		make_room(cache);
	cache->next = 0;
	r = convert_run_threads(cache->options.threads, find_some, cache, err);
	keep_missing(cache);
	if (r == 0 && cache->missing_count) {
		if (!is_first)
			make_room(cache);
		keep_fitting(cache);
		plan_fetching(cache);
		cache->next = 0;
		r = convert_run_threads(cache->options.threads, make_some, cache, err);
	}
	cache->missing = NULL;
	return r;
}
