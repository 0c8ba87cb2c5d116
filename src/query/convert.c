#include "query/convert.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "query/convert_bucket_priv.h"
#include "query/convert_priv.h"
#include "query/remote_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* Bytes of sources in a unit: with gzip text about 15 million records. */
#define UNIT_BYTES ((uint64_t)384 << 20)
#define UNIT_FILES 20000

/* Threads. */

struct worker {
	pthread_t thread;
	convert_work *work;
	void *context;
	unsigned number;
	int result;
	struct err err;
};

static void *run_worker(void *worker_)
{
	struct worker *worker = worker_;

	worker->result = worker->work(worker->context, worker->number, &worker->err);
	return NULL;
}

int convert_run_threads(unsigned threads, convert_work *work, void *context, struct err *err)
{
	_cleanup_free_ struct worker *workers = mem_new(threads, sizeof(*workers));
	unsigned started = 1;
	int r = 0;

	for (unsigned i = 0; i < threads; i++)
		workers[i] = (struct worker){.work = work, .context = context, .number = i};
	/* what cannot have a thread of its own is done here, one after the other: work is shared
	 * out by number, and by counters that all look at */
	for (; started < threads; started++) {
		if (pthread_create(&workers[started].thread, NULL, run_worker, &workers[started]) !=
			0)
			break;
	}
	run_worker(&workers[0]);
	for (unsigned i = started; i < threads; i++)
		run_worker(&workers[i]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned i = 0; i < threads && r == 0; i++) {
		r = workers[i].result;
		if (r < 0 && err)
			*err = workers[i].err;
	}
	return r < 0 ? -1 : 0;
}

/* Sources. */

struct job {
	struct query_convert_options options;
	struct query_convert_stats *stats;
	struct convert_journal *journal;
	struct query_objects objects;
	struct convert_bucket *bucket; /* NULL: the destination is a folder */
	struct query_remote *remote;   /* NULL: no source is at a server */
	char *copies;                  /* folder for copies of Parquet from there, NULL: none yet */
	struct query_object *sources;  /* those to convert, borrowed from objects */
	size_t sources_count;
};

/* Where a source lies: the folders of AWS's keys that name account and region, in the form that is
 * Hive's. "" when its path has none. */
static char *folders_of(const char *path)
{
	const char *found = strstr(path, "AWSLogs/");
	char account[33], service[33], region[33];
	int n = 0;

	if (!found)
		return mem_strdup("");
	found += strlen("AWSLogs/");
	if (sscanf(found, "aws-account-id=%32[^/]/aws-service=%32[^/]/aws-region=%32[^/]/%n",
		    account, service, region, &n) != 3 ||
		n == 0) {
		n = 0;
		if (sscanf(found, "%32[^/]/%32[^/]/%32[^/]/%n", account, service, region, &n) !=
				3 ||
			n == 0)
			return mem_strdup("");
	}
	return mem_printf("AWSLogs/aws-account-id=%s/aws-service=%s/aws-region=%s/", account,
		service, region);
}

/* Is the path the destination's, or below it? */
static bool is_below(const char *path, const char *folder)
{
	char *resolved = realpath(path, NULL);
	size_t n = strlen(folder);
	bool below = resolved && strncmp(resolved, folder, n) == 0 &&
		     (resolved[n] == '/' || resolved[n] == '\0');

	free(resolved);
	return below;
}

/* Adds what is at servers. */
static int list_remote(struct job *job, struct err *err)
{
	const struct query_convert_options *options = &job->options;
	uint64_t left_out = 0;
	struct prune everything;
	int r = 0;

	prune_init(&everything);
	for (size_t i = 0; i < options->sources_count && r == 0; i++) {
		if (!query_remote_is_location(options->sources[i]))
			continue;
		if (!job->remote)
			r = query_remote_new(&job->remote, &options->s3, err);
		if (r == 0)
			r = query_remote_list(job->remote, options->sources[i], &everything,
				&job->objects, &left_out, err);
	}
	prune_done(&everything);
	query_objects_sort(&job->objects);
	return r;
}

/* Lists the sources that no earlier run has converted. */
static int list_sources(struct job *job, struct err *err)
{
	char *destination = realpath(job->options.destination, NULL);
	int r = query_objects_list(
		&job->objects, job->options.sources, job->options.sources_count, err);
	if (r == 0)
		r = list_remote(job, err);

	if (r == 0)
		job->sources = mem_new(job->objects.count + 1, sizeof(*job->sources));
	for (size_t i = 0; r == 0 && i < job->objects.count; i++) {
		const struct query_object *object = &job->objects.object[i];
		if (job->bucket ? convert_bucket_has(job->bucket, object)
				: destination && is_below(object->path, destination))
			continue;
		int known = convert_journal_knows(job->journal, object, err);
		if (known < 0)
			r = -1;
		else if (known == CONVERT_OLD)
			job->stats->earlier_sources++;
		else
			job->sources[job->sources_count++] = *object;
	}
	free(destination);
	return r;
}

/* Units. */

/* Sources from this one on that make a unit. */
static size_t unit_length(const struct job *job, size_t from)
{
	bool partitioned = job->options.partition != QUERY_CONVERT_NONE;
	_cleanup_free_ char *folders = folders_of(job->sources[from].path);
	uint64_t bytes = 0;
	size_t count = 0;

	for (size_t i = from; i < job->sources_count && count < UNIT_FILES; i++, count++) {
		_cleanup_free_ char *other = folders_of(job->sources[i].path);
		bytes += job->sources[i].size_bytes;
		if (count && bytes > UNIT_BYTES)
			break;
		if (partitioned && strcmp(folders, other) != 0)
			break;
	}
	return count;
}

static void start_unit(const struct job *job, size_t from, size_t count, struct convert_unit *unit)
{
	uint64_t hash = 1;

	for (size_t i = from; i < from + count; i++) {
		const struct query_object *source = &job->sources[i];
		hash = hash_bytes(source->path, strlen(source->path), hash);
		hash = hash_mix(hash, source->size_bytes);
		hash = hash_mix(hash, (uint64_t)source->modified_ns);
	}
	*unit = (struct convert_unit){
		.name = mem_printf("%016llx", (unsigned long long)hash),
		.folders = job->options.partition == QUERY_CONVERT_NONE
				   ? mem_strdup("")
				   : folders_of(job->sources[from].path),
		.sources = job->sources + from,
		.sources_count = count,
		.bad_lines = mem_new(count, sizeof(*unit->bad_lines)),
	};
}

/* Removes the hidden files of a unit that failed. */
static void drop_unit(const struct job *job, const struct convert_unit *unit)
{
	for (unsigned i = 0; i < unit->files_count; i++) {
		_cleanup_free_ char *path =
			mem_printf("%s/%s", job->options.destination, unit->files[i].draft);
		unlink(path);
	}
}

static int convert_parts(
	struct job *job, struct convert_part *part, struct convert_unit *unit, struct err *err)
{
	struct convert_reading *reading = convert_reading_new(part, &job->options, unit);
	int r = 1;

	while (r == 1) {
		struct convert_order order = {0};
		r = convert_read(reading, job->stats, err);
		if (r < 0 || part->rows == 0)
			continue;
		if (job->options.progress)
			job->options.progress->rows += part->rows;
		if (convert_sort(part, &job->options, job->options.threads, &order, err) < 0 ||
			convert_write(
				part, &order, &job->options, job->options.threads, unit, err) < 0)
			r = -1;
		convert_order_done(&order);
		convert_part_clear(part);
	}
	convert_reading_free(reading);
	return r;
}

static int make_copies_folder(struct job *job, struct err *err)
{
	const char *place = getenv("TMPDIR");

	if (job->copies)
		return 0;
	job->copies = mem_printf("%s/nagare-convert-XXXXXX", place && *place ? place : "/var/tmp");
	if (mkdtemp(job->copies))
		return 0;
	return err_set_errno(err, errno, "cannot make a folder like %s", job->copies);
}

/* Text of the unit is fetched ahead of its readers, Parquet copied for DuckDB. */
static int fetch_unit(struct job *job, const struct convert_unit *unit, struct err *err)
{
	struct query_object *sources = (struct query_object *)unit->sources; /* the job's */
	_cleanup_free_ const struct query_object **texts =
		mem_new(unit->sources_count + 1, sizeof(struct query_object *));
	_cleanup_free_ struct query_object **parquet =
		mem_new(unit->sources_count + 1, sizeof(struct query_object *));
	size_t texts_count = 0, parquet_count = 0;

	if (!job->remote)
		return 0;
	for (size_t i = 0; i < unit->sources_count; i++) {
		if (sources[i].remote && sources[i].parquet)
			parquet[parquet_count++] = &sources[i];
		else if (sources[i].remote)
			texts[texts_count++] = &sources[i];
	}
	query_remote_plan(job->remote, texts, texts_count);
	if (parquet_count == 0)
		return 0;
	return make_copies_folder(job, err) < 0
		       ? -1
		       : query_remote_copy(job->remote, parquet, parquet_count, job->copies, err);
}

static void drop_copies(const struct convert_unit *unit)
{
	for (size_t i = 0; i < unit->sources_count; i++) {
		struct query_remote_object *remote = unit->sources[i].remote;
		if (!remote || !remote->copy)
			continue;
		unlink(remote->copy);
		free(take(remote->copy));
	}
}

static int delete_sources(struct job *job, const struct convert_unit *unit, struct err *err)
{
	return convert_delete_sources(
		&job->options, job->bucket, &job->objects, unit, job->stats, err);
}

static int convert_unit(struct job *job, struct convert_unit *unit, struct err *err)
{
	struct query_convert_stats *stats = job->stats;
	struct convert_part part;

	convert_part_init(&part, job->options.threads, job->options.memory_limit);
	int r = fetch_unit(job, unit, err);
	if (r == 0)
		r = convert_parts(job, &part, unit, err);
	convert_part_done(&part);
	drop_copies(unit);
	if (r < 0) {
		drop_unit(job, unit);
		return r;
	}
	/* whether it was written down may be unclear when this fails: the next run will see */
	if (convert_journal_commit(job->journal, unit, err) < 0 ||
		(job->bucket && convert_bucket_commit(job->bucket, unit, err) < 0))
		return -1;
	stats->files += unit->files_count;
	stats->rows += unit->rows;
	for (unsigned i = 0; i < unit->files_count; i++)
		stats->bytes_written += unit->files[i].bytes;
	return job->options.delete_sources ? delete_sources(job, unit, err) : 0;
}

static void announce(struct job *job)
{
	struct query_convert_progress *progress = job->options.progress;

	if (!progress)
		return;
	progress->sources_total = job->sources_count;
	for (size_t i = 0; i < job->sources_count; i++)
		progress->bytes_total += job->sources[i].size_bytes;
}

static int convert_all(struct job *job, struct err *err)
{
	if (list_sources(job, err) < 0)
		return -1;
	announce(job);
	for (size_t from = 0; from < job->sources_count;) {
		size_t count = unit_length(job, from);
		struct convert_unit unit;

		start_unit(job, from, count, &unit);
		int r = convert_unit(job, &unit, err);
		convert_unit_done(&unit);
		if (r < 0)
			return r;
		from += count;
	}
	return 0;
}

/* What an earlier run was to delete and did not come to. */
static int delete_earlier(struct job *job, struct err *err)
{
	size_t count;
	struct convert_unit *units = convert_journal_units(job->journal, &count);

	for (size_t i = 0; i < count; i++) {
		if (delete_sources(job, &units[i], err) < 0)
			return -1;
	}
	return 0;
}

static int open_destination(struct job *job, struct err *err)
{
	struct query_convert_options *options = &job->options;
	const char *name = options->destination;

	if (query_remote_is_location(name)) {
		if (convert_bucket_open(
			    &job->bucket, name, &options->s3, options->part_bytes, err) < 0)
			return -1;
		options->destination = convert_bucket_folder(job->bucket);
	}
	int r = convert_journal_open(&job->journal, options, name, err);
	if (r < 0)
		convert_bucket_close(job->bucket);
	return r;
}

int query_convert(const struct query_convert_options *options,
	struct query_convert_stats *ret_stats, struct err *err)
{
	struct job job = {.options = *options, .stats = ret_stats};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	*ret_stats = (struct query_convert_stats){0};
	if (job.options.threads == 0)
		job.options.threads = cores < 1 ? 1 : (unsigned)cores;
	if (job.options.memory_limit == 0)
		job.options.memory_limit = QUERY_CONVERT_MEMORY;
	if (job.options.file_bytes == 0)
		job.options.file_bytes = QUERY_CONVERT_FILE_BYTES;
	if (job.options.part_bytes == 0)
		job.options.part_bytes = QUERY_CONVERT_PART_BYTES;
	if (open_destination(&job, err) < 0)
		return -1;
	int r = convert_all(&job, err);
	if (r == 0 && job.options.delete_sources)
		r = delete_earlier(&job, err);
	convert_journal_close(job.journal);
	convert_bucket_close(job.bucket);
	query_remote_free(job.remote);
	query_objects_done(&job.objects);
	if (job.copies)
		rmdir(job.copies);
	free(job.copies);
	free(job.sources);
	return r;
}
