/* Each thread takes whole sources off a shared counter, and adds their rows to the part until it is
 * full; readers stay open over that, and go on with the next part. */
#include "query/convert_priv.h"

#include "base/clock.h"
#include "query/convert_parquet_priv.h"

#include <errno.h>
#include <sys/stat.h>

struct reading_thread {
	size_t source;
	struct record_reader *reader;
	struct convert_parquet *parquet;
	const struct convert_layout *layout;
};

struct convert_reading {
	struct convert_part *part;
	const struct query_convert_options *options;
	struct convert_unit *unit;
	struct query_convert_stats *stats;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock; /* stats, database */
	duckdb_database database;
	struct reading_thread *threads;
};

struct convert_reading *convert_reading_new(struct convert_part *part,
	const struct query_convert_options *options, struct convert_unit *unit)
{
	struct convert_reading *reading = mem_new(1, sizeof(*reading));

	reading->part = part;
	reading->options = options;
	reading->unit = unit;
	reading->threads = mem_new(part->threads_count, sizeof(*reading->threads));
	pthread_mutex_init(&reading->lock, NULL);
	return reading;
}

void convert_reading_free(struct convert_reading *reading)
{
	if (!reading)
		return;
	for (unsigned i = 0; i < reading->part->threads_count; i++) {
		record_reader_close(reading->threads[i].reader);
		convert_parquet_close(reading->threads[i].parquet);
	}
	if (reading->database)
		duckdb_close(&reading->database);
	pthread_mutex_destroy(&reading->lock);
	free(reading->threads);
	free(reading);
}

static bool is_stopped(const struct convert_reading *reading)
{
	return reading->options->progress && reading->options->progress->stop;
}

static int open_parquet(struct convert_reading *reading, struct reading_thread *thread,
	const struct query_object *source, struct err *err)
{
	int r = 0;

	pthread_mutex_lock(&reading->lock);
	if (!reading->database)
		r = convert_database_open(&reading->database, 1, err);
	pthread_mutex_unlock(&reading->lock);
	return r < 0 ? r
		     : convert_parquet_open(
			       &thread->parquet, reading->database, query_object_path(source), err);
}

static int open_source(struct convert_reading *reading, struct reading_thread *thread,
	const struct query_object *source, struct err *err)
{
	const struct record_reader_column *columns;
	struct input *input;
	size_t count;

	if (source->parquet) {
		if (open_parquet(reading, thread, source, err) < 0)
			return -1;
		columns = convert_parquet_columns(thread->parquet, &count);
	} else {
		if (query_object_open(source, &input, err) < 0 ||
			record_reader_open_as(&thread->reader, input, reading->options->headerless,
				reading->options->strict, err) < 0)
			return -1;
		columns = record_reader_columns(thread->reader, &count);
	}
	thread->layout = convert_part_layout(reading->part, columns, count, err);
	return thread->layout ? 0 : err_wrap(err, "%s", source->path);
}

/* What is at a server need not be looked at: each part of it was asked for by its ETag. */
static int check_unchanged(const struct query_object *source, struct err *err)
{
	struct stat status;

	if (source->remote)
		return 0;
	if (stat(source->path, &status) < 0)
		return err_set_errno(err, errno, "%s has gone while it was read", source->path);
	if ((uint64_t)status.st_size != source->size_bytes ||
		status.st_mtim.tv_sec * CLOCK_NS_PER_SECOND + status.st_mtim.tv_nsec !=
			source->modified_ns)
		return err_set(err, ERR_INPUT, "%s has changed while it was read", source->path);
	return 0;
}

/* The source has been read to its end. */
static int close_source(struct convert_reading *reading, struct reading_thread *thread,
	const struct query_object *source, struct err *err)
{
	struct query_convert_progress *progress = reading->options->progress;

	if (check_unchanged(source, err) < 0)
		return -1;
	pthread_mutex_lock(&reading->lock);
	struct query_convert_stats *stats = reading->stats;
	stats->sources++;
	stats->bytes_read += source->size_bytes;
	if (thread->reader) {
		const struct record_reader_stats *lines = record_reader_stats(thread->reader);
		reading->unit->bad_lines[thread->source] = lines->bad_lines;
		stats->bad_lines += lines->bad_lines;
		stats->bad_sources += lines->bad_lines > 0;
		for (unsigned i = 0; i < lines->errors && stats->errors < QUERY_CONVERT_ERRORS; i++)
			stats->error[stats->errors++] = lines->error[i];
	}
	pthread_mutex_unlock(&reading->lock);
	if (progress) {
		progress->sources_done++;
		progress->bytes_done += source->size_bytes;
	}
	record_reader_close(take(thread->reader));
	convert_parquet_close(take(thread->parquet));
	thread->layout = NULL;
	return 0;
}

static int read_some(struct convert_reading *reading, unsigned number, struct err *err)
{
	struct reading_thread *thread = &reading->threads[number];
	const struct query_object *source = &reading->unit->sources[thread->source];
	const struct record_batch *batch;

	while (!convert_part_is_full(reading->part) && !reading->failed) {
		if (is_stopped(reading))
			return err_set(err, ERR_SYSTEM, "interrupted");
		int r = thread->reader ? record_reader_read(thread->reader, &batch, err)
				       : convert_parquet_read(thread->parquet, &batch, err);
		if (r < 0)
			return -1;
		if (batch->rows == 0)
			return close_source(reading, thread, source, err);
		convert_part_add(reading->part, number, thread->layout, batch);
	}
	return 0;
}

static int read_sources(void *context, unsigned number, struct err *err)
{
	struct convert_reading *reading = context;
	struct reading_thread *thread = &reading->threads[number];
	int r = 0;

	while (r == 0 && !convert_part_is_full(reading->part) && !reading->failed) {
		if (!thread->layout) {
			thread->source = reading->next++;
			if (thread->source >= reading->unit->sources_count)
				break;
			r = open_source(
				reading, thread, &reading->unit->sources[thread->source], err);
		}
		if (r == 0)
			r = read_some(reading, number, err);
	}
	if (r < 0)
		reading->failed = true;
	return r;
}

int convert_read(
	struct convert_reading *reading, struct query_convert_stats *stats, struct err *err)
{
	reading->stats = stats;
	if (convert_run_threads(reading->part->threads_count, read_sources, reading, err) < 0)
		return -1;
	if (reading->next < reading->unit->sources_count)
		return 1;
	for (unsigned i = 0; i < reading->part->threads_count; i++) {
		if (reading->threads[i].layout)
			return 1;
	}
	return 0;
}
