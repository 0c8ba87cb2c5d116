/* The index of entries is in memory: states by name, and what each file was when it was last found
 * intact, so that a hit costs one stat. It is filled from the folder's names at the start; what an
 * entry's JSON says is read when the entry is first used.
 * A name is ENTRY_NONE (nobody has it; only while it is pinned), FOUND or GOOD (its files are
 * there), WANTED (a job waits or runs), or FAILED (it cannot be made; not tried again by this
 * process). Files appear by rename and go under the lock, while they are not pinned; a pinned one
 * that is found damaged goes at once, and whoever reads it has it open or fails as it would have.
 */
#include "query/athena_cache.h"

#include "base/clock.h"
#include "base/file.h"
#include "query/athena_priv.h"
#include "query/cache_priv.h"

#include <errno.h>
#include <fts.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define JOBS_MAX      100000
#define NICE          10
#define TOUCH_NS      (INT64_C(3600) * CLOCK_NS_PER_SECOND) /* times of use go to disk so often */
#define MEMORY_BYTES  ((uint64_t)512 << 20)
#define FREE_FRACTION 10         /* of the file system, that stays free */
#define FORMAT        "athena 1" /* of what an entry holds */

enum state { ENTRY_NONE, ENTRY_FOUND, ENTRY_GOOD, ENTRY_WANTED, ENTRY_FAILED };

struct athena_cache_pin {
	struct athena_cache_pin *next; /* in its chain */
	uint64_t name[2];
	enum state state;
	unsigned pins;
	uint64_t bytes;
	int64_t used_ns, touched_ns;
	/* of the file, when it was last found intact */
	uint64_t inode;
	int64_t modified_ns, changed_ns;
};

struct athena_reading {
	atomic_uint users;
	struct athena_table table; /* a template; nothing but what says how to read */
	char *format;
	char *select, *reader[2];
	unsigned columns;
};

struct job {
	struct job *next;
	struct athena_cache_pin *entry; /* pinned */
	struct athena_reading *reading;
	char *path, *name, *etag;
	uint64_t inode, size;
	int64_t modified_ns, missed_ns;
};

struct athena_cache {
	char *folder;
	uint64_t limit_bytes;
	struct athena_options options; /* of the engine that makes entries */
	char *temporary_folder;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct athena_cache_pin **chains; /* a power of two of them */
	size_t chains_count, entries_count;
	struct job *first, *last;
	struct athena_cache_stats stats;
	struct athena_engine *engine; /* of the thread, for who ends it */
	pthread_t thread;
	bool has_thread;
	atomic_bool is_ending;
};

/* ---- the index; locked ---- */

static struct athena_cache_pin **place_of(struct athena_cache *cache, const uint64_t name[static 2])
{
	struct athena_cache_pin **at = &cache->chains[name[1] & (cache->chains_count - 1)];

	while (*at && ((*at)->name[0] != name[0] || (*at)->name[1] != name[1]))
		at = &(*at)->next;
	return at;
}

static void grow(struct athena_cache *cache)
{
	struct athena_cache_pin **old = cache->chains;
	size_t count = cache->chains_count;

	cache->chains_count = count ? 2 * count : 1024;
	cache->chains = mem_new(cache->chains_count, sizeof(struct athena_cache_pin *));
	for (size_t i = 0; i < count; i++)
		for (struct athena_cache_pin *entry = old[i], *next; entry; entry = next) {
			next = entry->next;
			entry->next = NULL;
			*place_of(cache, entry->name) = entry;
		}
	free(old);
}

static struct athena_cache_pin *add_entry(struct athena_cache *cache, const uint64_t name[static 2])
{
	if (cache->entries_count >= cache->chains_count)
		grow(cache);
	struct athena_cache_pin **at = place_of(cache, name);
	if (!*at) {
		*at = mem_new(1, sizeof(**at));
		(*at)->name[0] = name[0];
		(*at)->name[1] = name[1];
		cache->entries_count++;
	}
	return *at;
}

static void forget_unused(struct athena_cache *cache, struct athena_cache_pin *entry)
{
	struct athena_cache_pin **at = place_of(cache, entry->name);

	if (entry->pins || entry->state != ENTRY_NONE)
		return;
	*at = entry->next;
	cache->entries_count--;
	free(entry);
}

static bool has_files(const struct athena_cache_pin *entry)
{
	return entry->state == ENTRY_FOUND || entry->state == ENTRY_GOOD;
}

static char *path_of(
	const struct athena_cache *cache, const struct athena_cache_pin *entry, const char *ending)
{
	return query_cache_file(cache->folder, entry->name, ending);
}

/* The JSON first: without it the rest is nothing. */
static void remove_files(struct athena_cache *cache, struct athena_cache_pin *entry)
{
	_cleanup_free_ char *json = path_of(cache, entry, "json");
	_cleanup_free_ char *parquet = path_of(cache, entry, "parquet");

	unlink(json);
	unlink(parquet);
	cache->stats.bytes -= entry->bytes;
	cache->stats.entries--;
	entry->state = ENTRY_NONE;
	entry->bytes = 0;
}

static void set_good(
	struct athena_cache *cache, struct athena_cache_pin *entry, const struct stat *status)
{
	if (!has_files(entry))
		cache->stats.entries++;
	cache->stats.bytes += (uint64_t)status->st_size - entry->bytes;
	entry->bytes = (uint64_t)status->st_size;
	entry->state = ENTRY_GOOD;
	entry->inode = status->st_ino;
	entry->modified_ns = clock_ns_from(status->st_mtim);
	entry->changed_ns = clock_ns_from(status->st_ctim);
}

static bool is_as_it_was(const struct athena_cache_pin *entry, const struct stat *status)
{
	return (uint64_t)status->st_size == entry->bytes && status->st_ino == entry->inode &&
	       clock_ns_from(status->st_mtim) == entry->modified_ns &&
	       clock_ns_from(status->st_ctim) == entry->changed_ns;
}

/* ---- room; locked ---- */

static int compare_use(const void *a, const void *b)
{
	const struct athena_cache_pin *left = *(struct athena_cache_pin *const *)a;
	const struct athena_cache_pin *right = *(struct athena_cache_pin *const *)b;

	return (left->used_ns > right->used_ns) - (left->used_ns < right->used_ns);
}

/* Bytes that the cache may have by what the file system has left. */
static uint64_t bytes_by_room(const struct athena_cache *cache)
{
	struct statvfs room;
	struct err err;

	/* whoever empties the cache may remove it too */
	if (file_make_folders(cache->folder, 0700, &err) < 0 || statvfs(cache->folder, &room) < 0)
		return 0;
	uint64_t unit = room.f_frsize, have = (uint64_t)room.f_bavail * unit;
	uint64_t keep = (uint64_t)room.f_blocks / FREE_FRACTION * unit;
	uint64_t all = have + cache->stats.bytes;
	return all > keep ? all - keep : 0;
}

/* False: there is none for so many bytes more, with what was not used since left out. */
static bool make_room(struct athena_cache *cache, uint64_t bytes, int64_t unused_since_ns)
{
	uint64_t limit = bytes_by_room(cache);

	if (limit > cache->limit_bytes)
		limit = cache->limit_bytes;
	if (cache->stats.bytes + bytes <= limit)
		return true;
	if (bytes > limit)
		return false;
	_cleanup_free_ struct athena_cache_pin **old =
		mem_new(cache->entries_count + 1, sizeof(struct athena_cache_pin *));
	size_t count = 0;
	for (size_t i = 0; i < cache->chains_count; i++)
		for (struct athena_cache_pin *entry = cache->chains[i]; entry; entry = entry->next)
			if (has_files(entry) && !entry->pins && entry->used_ns < unused_since_ns)
				old[count++] = entry;
	qsort(old, count, sizeof(struct athena_cache_pin *), compare_use);
	/* some more than is needed, so that this is not done for each */
	uint64_t aim = limit - bytes > limit / 16 ? limit - bytes - limit / 16 : 0;
	for (size_t i = 0; i < count && cache->stats.bytes > aim; i++) {
		remove_files(cache, old[i]);
		cache->stats.evicted++;
		forget_unused(cache, old[i]);
	}
	return cache->stats.bytes + bytes <= limit;
}

/* ---- ways to read ---- */

struct athena_reading *athena_reading_new(const struct athena_table *table, const char *format,
	const char *select, const char *const reader[2], unsigned columns)
{
	struct athena_reading *reading = mem_new(1, sizeof(*reading));
	size_t fields = table->columns_count - table->keys_count;
	uint64_t digest[2];

	query_cache_name(format, digest);
	reading->users = 1;
	reading->format = mem_printf(FORMAT " %s %016llx%016llx", duckdb_library_version(),
		(unsigned long long)digest[0], (unsigned long long)digest[1]);
	reading->select = mem_strdup(select);
	reading->reader[0] = reader ? mem_strdup(reader[0]) : NULL;
	reading->reader[1] = reader ? mem_strdup(reader[1]) : NULL;
	reading->columns = columns;
	reading->table = (struct athena_table){.format = table->format,
		.delimiter = table->delimiter,
		.escape = table->escape,
		.null_text = mem_strdup(table->null_text),
		.skip_lines = table->skip_lines,
		.columns = mem_new(fields + 1, sizeof(*table->columns)),
		.columns_count = fields};
	for (size_t i = 0; i < fields; i++)
		reading->table.columns[i] = (struct athena_text_column){
			mem_strdup(table->columns[i].name), table->columns[i].type};
	return reading;
}

void athena_reading_unref(struct athena_reading *reading)
{
	if (!reading || atomic_fetch_sub(&reading->users, 1) > 1)
		return;
	for (size_t i = 0; i < reading->table.columns_count; i++)
		free(reading->table.columns[i].name);
	free(reading->table.columns);
	free(reading->table.null_text);
	free(reading->format);
	free(reading->select);
	free(reading->reader[0]);
	free(reading->reader[1]);
	free(reading);
}

/* ---- finding ---- */

static char *key_of(const struct athena_cache_object *object, const struct athena_reading *reading)
{
	const struct query_cache_entry entry = {.path = (char *)object->name,
		.etag = (char *)object->etag,
		.size_bytes = object->size,
		.format = reading->format};

	return query_cache_key(&entry);
}

/* Not locked; the entry is pinned. *ret_status: of the file, if it is good. */
static bool is_good(struct athena_cache *cache, const struct athena_cache_pin *entry,
	const char *key, const char *parquet, struct stat *ret_status)
{
	struct athena_cache_pin was;
	struct query_cache_entry said;

	pthread_mutex_lock(&cache->lock);
	was = *entry;
	pthread_mutex_unlock(&cache->lock);
	if (stat(parquet, ret_status) < 0)
		return false;
	if (was.state == ENTRY_GOOD && is_as_it_was(&was, ret_status))
		return true;
	_cleanup_free_ char *json = path_of(cache, entry, "json");
	bool good = query_cache_read(json, key, &said) &&
		    query_cache_is_intact(&said, parquet, json) && stat(parquet, ret_status) == 0;
	query_cache_entry_done(&said);
	return good;
}

struct athena_cache_pin *athena_cache_find(struct athena_cache *cache,
	const struct athena_cache_object *object, const struct athena_reading *reading,
	char **ret_path)
{
	_cleanup_free_ char *key = key_of(object, reading);
	int64_t now_ns = clock_wall_ns();
	struct stat status = {0};
	uint64_t name[2];

	query_cache_name(key, name);
	pthread_mutex_lock(&cache->lock);
	struct athena_cache_pin *entry = *place_of(cache, name);
	if (!entry || !has_files(entry)) {
		cache->stats.misses++;
		pthread_mutex_unlock(&cache->lock);
		return NULL;
	}
	entry->pins++;
	pthread_mutex_unlock(&cache->lock);
	_cleanup_free_ char *path = path_of(cache, entry, "parquet");
	bool good = is_good(cache, entry, key, path, &status);
	pthread_mutex_lock(&cache->lock);
	bool is_touched = good && now_ns - entry->touched_ns >= TOUCH_NS;
	if (good) {
		cache->stats.hits++;
		set_good(cache, entry, &status);
		entry->used_ns = now_ns;
		entry->touched_ns = is_touched ? now_ns : entry->touched_ns;
	} else {
		cache->stats.misses++;
		cache->stats.damaged += has_files(entry);
		if (has_files(entry))
			remove_files(cache, entry);
		entry->pins--;
		forget_unused(cache, entry);
	}
	pthread_mutex_unlock(&cache->lock);
	if (!good)
		return NULL;
	if (is_touched) {
		_cleanup_free_ char *json = path_of(cache, entry, "json");
		query_cache_touch(json);
	}
	*ret_path = take(path);
	return entry;
}

bool athena_cache_doubt(struct athena_cache *cache, struct athena_cache_pin *pin)
{
	_cleanup_free_ char *json = path_of(cache, pin, "json");
	_cleanup_free_ char *parquet = path_of(cache, pin, "parquet");

	if (query_cache_is_whole(parquet, json))
		return false;
	pthread_mutex_lock(&cache->lock);
	bool was_there = has_files(pin);
	if (was_there) {
		cache->stats.damaged++;
		remove_files(cache, pin);
	}
	pthread_mutex_unlock(&cache->lock);
	return was_there;
}

void athena_cache_unpin(struct athena_cache *cache, struct athena_cache_pin *pin)
{
	pthread_mutex_lock(&cache->lock);
	pin->pins--;
	forget_unused(cache, pin);
	pthread_mutex_unlock(&cache->lock);
}

/* ---- making ---- */

static void job_free(struct job *job)
{
	athena_reading_unref(job->reading);
	free(job->path);
	free(job->name);
	free(job->etag);
	free(job);
}

void athena_cache_want(struct athena_cache *cache, const struct athena_cache_object *object,
	struct athena_reading *reading, int64_t missed_ns)
{
	_cleanup_free_ char *key = key_of(object, reading);
	uint64_t name[2];

	query_cache_name(key, name);
	pthread_mutex_lock(&cache->lock);
	struct athena_cache_pin *entry = *place_of(cache, name);
	if (cache->is_ending || cache->stats.wanted >= JOBS_MAX ||
		(entry && entry->state != ENTRY_NONE)) {
		pthread_mutex_unlock(&cache->lock);
		return;
	}
	entry = add_entry(cache, name);
	entry->state = ENTRY_WANTED;
	entry->pins++;
	struct job *job = mem_new(1, sizeof(*job));
	*job = (struct job){.entry = entry,
		.reading = reading,
		.path = mem_strdup(object->path),
		.name = mem_strdup(object->name),
		.etag = mem_strdup(object->etag),
		.inode = object->inode,
		.size = object->size,
		.modified_ns = object->modified_ns,
		.missed_ns = missed_ns};
	atomic_fetch_add(&reading->users, 1);
	if (cache->last)
		cache->last->next = job;
	else
		cache->first = job;
	cache->last = job;
	cache->stats.wanted++;
	pthread_cond_signal(&cache->wake);
	pthread_mutex_unlock(&cache->lock);
}

/* Locked. */
static struct job *take_job(struct athena_cache *cache)
{
	struct job *job = cache->first;

	cache->first = job->next;
	if (!cache->first)
		cache->last = NULL;
	return job;
}

/* Locked: what becomes of a name whose job is done. */
static void end_job(struct athena_cache *cache, struct job *job, enum state state)
{
	cache->stats.wanted--;
	if (job->entry->state == ENTRY_WANTED)
		job->entry->state = state;
	job->entry->pins--;
	forget_unused(cache, job->entry);
	job_free(job);
}

/* Locked: nothing of this age finds room. */
static void drop_jobs(struct athena_cache *cache, int64_t missed_ns)
{
	struct job *kept = NULL, **end = &kept, *last = NULL;

	while (cache->first) {
		struct job *job = take_job(cache);
		if (job->missed_ns <= missed_ns) {
			end_job(cache, job, ENTRY_NONE);
			continue;
		}
		job->next = NULL;
		*end = last = job;
		end = &job->next;
	}
	cache->first = kept;
	cache->last = last;
}

static bool is_unchanged(const struct job *job)
{
	struct stat status = {0};

	return stat(job->path, &status) == 0 && status.st_ino == job->inode &&
	       clock_ns_from(status.st_mtim) == job->modified_ns &&
	       (uint64_t)status.st_size == job->size;
}

static void add_source(struct buf *sql, const struct job *job)
{
	const struct athena_reading *reading = job->reading;

	if (!reading->reader[0]) {
		buf_add_text(sql, ATHENA_TEXT_FUNCTION "(0)");
		return;
	}
	buf_add_text(sql, reading->reader[0]);
	athena_add_literal(sql, str_from(job->path));
	buf_add_text(sql, reading->reader[1]);
}

/* The lines of the object, in their order, as Parquet at a path. */
static int write_entry(struct athena_engine *engine, const struct job *job, const char *to)
{
	struct athena_table table = job->reading->table;
	struct athena_files_item item = {.path = job->path, .size = job->size};
	struct athena_table *tables[1] = {&table};
	struct athena_failure failure;
	_cleanup_buf_ struct buf sql = {0}, names = {0};

	for (unsigned i = 0; i < job->reading->columns; i++)
		buf_printf(&names, "%sc%u", i ? ", " : "", i);
	buf_printf(&sql, "COPY (SELECT * FROM (%s", job->reading->select);
	add_source(&sql, job);
	buf_printf(&sql, " AS r) AS t(%s)) TO ", buf_text(&names));
	athena_add_literal(&sql, str_from(to));
	buf_add_text(&sql, " (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)");
	table.engine = engine;
	table.files = (struct athena_files){.items = &item, .count = 1};
	engine->tables = tables;
	engine->tables_count = 1;
	int r = athena_execute(engine, buf_text(&sql), NULL, &failure);
	engine->tables = NULL;
	engine->tables_count = 0;
	return r;
}

static bool has_room(struct athena_cache *cache, uint64_t bytes)
{
	pthread_mutex_lock(&cache->lock);
	bool has = !cache->is_ending && bytes_by_room(cache) > cache->stats.bytes + bytes;
	pthread_mutex_unlock(&cache->lock);
	return has;
}

/* What state the name has then. */
static enum state make(struct athena_cache *cache, struct athena_engine *engine, struct job *job)
{
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	_cleanup_free_ char *json = path_of(cache, job->entry, "json");
	_cleanup_free_ char *parquet = path_of(cache, job->entry, "parquet");
	struct query_cache_entry entry = {.path = job->name,
		.etag = job->etag,
		.size_bytes = job->size,
		.format = job->reading->format};
	struct err err = ERR_INIT;
	struct stat status = {0};

	if (!is_unchanged(job) || file_draft_open(&draft, parquet, &err) < 0)
		return ENTRY_NONE;
	if (write_entry(engine, job, draft.draft_path) < 0)
		/* of a full disk, a stop or another object: it may be tried again */
		return is_unchanged(job) && has_room(cache, job->size) ? ENTRY_FAILED : ENTRY_NONE;
	/* the scan of an interrupted engine ends early */
	if (engine->interrupted || !is_unchanged(job) ||
		query_cache_measure(&entry, draft.fd, parquet, &err) < 0)
		return ENTRY_NONE;
	pthread_mutex_lock(&cache->lock);
	bool fits = make_room(cache, entry.bytes, job->missed_ns);
	pthread_mutex_unlock(&cache->lock);
	if (!fits || query_cache_commit(&entry, &draft, json, &err) < 0 ||
		stat(parquet, &status) < 0)
		return ENTRY_NONE;
	pthread_mutex_lock(&cache->lock);
	set_good(cache, job->entry, &status);
	job->entry->used_ns = job->entry->touched_ns = clock_wall_ns();
	pthread_mutex_unlock(&cache->lock);
	return ENTRY_GOOD;
}

/* Locked, but not while it works. */
static void do_job(struct athena_cache *cache)
{
	struct err err = ERR_INIT;
	struct job *job = cache->first;
	int64_t missed_ns = job->missed_ns;

	/* text is about twice as long, packed, as its entry */
	if (!make_room(cache, job->size / 2, missed_ns)) {
		drop_jobs(cache, missed_ns);
		return;
	}
	job = take_job(cache);
	struct athena_engine *engine = cache->engine;
	pthread_mutex_unlock(&cache->lock);
	enum state state = ENTRY_NONE;
	bool is_open = engine || athena_engine_open(&engine, &cache->options, &err) == 0;
	if (is_open) {
		pthread_mutex_lock(&cache->lock);
		cache->engine = engine;
		pthread_mutex_unlock(&cache->lock);
		state = make(cache, engine, job);
	}
	pthread_mutex_lock(&cache->lock);
	cache->stats.made += state == ENTRY_GOOD;
	cache->stats.failed += state != ENTRY_GOOD;
	end_job(cache, job, state);
}

static void *work(void *context)
{
	struct athena_cache *cache = context;

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	pthread_mutex_lock(&cache->lock);
	while (!cache->is_ending) {
		if (cache->first) {
			do_job(cache);
			continue;
		}
		struct athena_engine *engine = take(cache->engine);
		if (engine) {
			pthread_mutex_unlock(&cache->lock);
			athena_engine_close(engine);
			pthread_mutex_lock(&cache->lock);
			continue;
		}
		pthread_cond_wait(&cache->wake, &cache->lock);
	}
	struct athena_engine *engine = take(cache->engine);
	pthread_mutex_unlock(&cache->lock);
	athena_engine_close(engine);
	return NULL;
}

/* ---- open and close ---- */

static bool read_name(const char *file, uint64_t ret_name[static 2])
{
	unsigned long long high, low;
	int n = 0;

	if (strlen(file) != 32 + strlen(".json") ||
		sscanf(file, "%16llx%16llx.json%n", &high, &low, &n) != 2 || file[n] || !n)
		return false;
	ret_name[0] = high;
	ret_name[1] = low;
	return true;
}

/* The entries of an earlier process; a Parquet file without its JSON is a left-over. */
static void list_entries(struct athena_cache *cache)
{
	char *paths[] = {cache->folder, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *item;
	struct stat status = {0};
	uint64_t name[2];

	while (walk && (item = fts_read((FTS *)walk))) {
		struct str file = str_from(item->fts_name);
		if (item->fts_info != FTS_F)
			continue;
		if (str_ends_with(file, STR(".parquet"))) {
			_cleanup_free_ char *json = mem_printf("%.*s.json",
				(int)(item->fts_pathlen - strlen(".parquet")), item->fts_path);
			if (access(json, F_OK) < 0)
				unlink(item->fts_path);
		}
		if (!read_name(item->fts_name, name))
			continue;
		struct athena_cache_pin *entry = add_entry(cache, name);
		_cleanup_free_ char *parquet = path_of(cache, entry, "parquet");
		if (stat(parquet, &status) < 0) {
			unlink(item->fts_path);
			forget_unused(cache, entry);
			continue;
		}
		entry->state = ENTRY_FOUND;
		entry->bytes = (uint64_t)status.st_size;
		entry->used_ns = entry->touched_ns = clock_ns_from(item->fts_statp->st_mtim);
		cache->stats.entries++;
		cache->stats.bytes += entry->bytes;
	}
	if (walk)
		fts_close(walk);
}

int athena_cache_open(struct athena_cache **ret_cache, const struct athena_cache_options *options,
	struct err *err)
{
	struct athena_cache *cache = mem_new(1, sizeof(*cache));

	pthread_mutex_init(&cache->lock, NULL);
	pthread_cond_init(&cache->wake, NULL);
	cache->folder = mem_strdup(options->folder);
	cache->temporary_folder = mem_strdup(options->temporary_folder);
	cache->limit_bytes = options->limit_bytes;
	cache->options = (struct athena_options){.memory_limit = MEMORY_BYTES,
		.threads = 1,
		.temporary_folder = cache->temporary_folder};
	grow(cache);
	int r = file_make_folders(cache->folder, 0700, err);
	if (r == 0)
		r = file_remove_drafts(cache->folder, err);
	if (r == 0) {
		list_entries(cache);
		make_room(cache, 0, INT64_MAX);
		int failed = pthread_create(&cache->thread, NULL, work, cache);
		cache->has_thread = !failed;
		if (failed)
			r = err_set_errno(err, failed, "cannot start a thread");
	}
	if (r < 0) {
		athena_cache_close(cache);
		return err_wrap(err, "the cache");
	}
	*ret_cache = cache;
	return 0;
}

void athena_cache_close(struct athena_cache *cache)
{
	if (!cache)
		return;
	pthread_mutex_lock(&cache->lock);
	cache->is_ending = true;
	if (cache->engine)
		athena_interrupt(cache->engine);
	pthread_cond_signal(&cache->wake);
	pthread_mutex_unlock(&cache->lock);
	if (cache->has_thread)
		pthread_join(cache->thread, NULL);
	while (cache->first)
		job_free(take_job(cache));
	for (size_t i = 0; i < cache->chains_count; i++)
		while (cache->chains[i]) {
			struct athena_cache_pin *next = cache->chains[i]->next;
			free(cache->chains[i]);
			cache->chains[i] = next;
		}
	free(cache->chains);
	free(cache->folder);
	free(cache->temporary_folder);
	pthread_cond_destroy(&cache->wake);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

void athena_cache_stats(struct athena_cache *cache, struct athena_cache_stats *ret_stats)
{
	pthread_mutex_lock(&cache->lock);
	*ret_stats = cache->stats;
	pthread_mutex_unlock(&cache->lock);
}
