/* Records wait in one batch per five-minute stamp until publish writes each batch to a draft that
 * is renamed to its key. A batch whose object could not be written (full disk, say) stays for the
 * next publish; what waits is bounded, and what had to be given up for the bound is told, by
 * interface, so that the caller can say SKIPDATA. */
#include "deliver/object.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "record/parquet.h"
#include "record/text.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdio.h>
#include <time.h>

#define STAMP_SECONDS  300
#define GZIP_LEVEL     6
#define KEY_MAX        1024
#define COLLISIONS_MAX 1000
#define RECORD_COST    80 /* bytes that a waiting Parquet record is counted as */
#define BATCHES_MAX    4096

/* Records with one stamp. Once named, a batch takes no more records: its object may be half way. */
struct batch {
	int64_t stamp; /* Unix seconds, a multiple of STAMP_SECONDS */
	int64_t name_seed;
	bool named;
	uint64_t records;
	struct buf text;
	struct record_parquet *parquet;
};

struct deliver_objects {
	struct deliver_options options;
	char *bucket, *prefix, *account_id, *region, *flow_log_id;
	struct batch *batches;
	size_t batches_count;
	uint64_t waiting_bytes;
	uint64_t given_up;
	uint64_t published;
	char last_key[KEY_MAX];
};

static char *copy_or_empty(const char *text)
{
	return mem_strdup(text ? text : "");
}

/* Better known now than at the end of the first window. */
static int bucket_try(const char *bucket, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/try", bucket);
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;

	return file_draft_open(&draft, path, err);
}

int deliver_objects_open(struct deliver_objects **ret_objects,
	const struct deliver_options *options, struct err *err)
{
	_cleanup_(deliver_objects_closep) struct deliver_objects *objects =
		mem_new(1, sizeof(*objects));

	objects->options = *options;
	objects->options.bucket = objects->bucket = copy_or_empty(options->bucket);
	objects->options.prefix = objects->prefix = copy_or_empty(options->prefix);
	objects->options.account_id = objects->account_id = copy_or_empty(options->account_id);
	objects->options.region = objects->region = copy_or_empty(options->region);
	objects->options.flow_log_id = objects->flow_log_id = copy_or_empty(options->flow_log_id);
	if (bucket_try(objects->bucket, err) < 0 || file_remove_drafts(objects->bucket, err) < 0)
		return err_wrap(err, "bucket %s", objects->bucket);
	*ret_objects = take(objects);
	return 0;
}

static struct batch *find_batch(struct deliver_objects *objects, int64_t stamp)
{
	for (size_t i = 0; i < objects->batches_count; i++) {
		if (objects->batches[i].stamp == stamp && !objects->batches[i].named)
			return &objects->batches[i];
	}
	return NULL;
}

static void batch_done(struct batch *batch)
{
	buf_done(&batch->text);
	record_parquet_free(batch->parquet);
}

static uint64_t batch_bytes(const struct batch *batch)
{
	return batch->parquet ? batch->records * RECORD_COST : batch->text.n;
}

static void remove_batch(struct deliver_objects *objects, size_t i)
{
	objects->waiting_bytes -= batch_bytes(&objects->batches[i]);
	batch_done(&objects->batches[i]);
	objects->batches_count--;
	memmove(&objects->batches[i], &objects->batches[i + 1],
		(objects->batches_count - i) * sizeof(objects->batches[0]));
}

static struct batch *new_batch(struct deliver_objects *objects, int64_t stamp, struct err *err)
{
	struct batch batch = {.stamp = stamp};

	if (objects->options.file_format == DELIVER_PARQUET) {
		if (record_parquet_new(&batch.parquet, &objects->options.format, err) < 0)
			return NULL;
	} else {
		record_format_header(&batch.text, &objects->options.format);
		objects->waiting_bytes += batch.text.n;
	}
	objects->batches =
		mem_grow(objects->batches, objects->batches_count + 1, sizeof(objects->batches[0]));
	objects->batches[objects->batches_count] = batch;
	return &objects->batches[objects->batches_count++];
}

/* Makes room by giving up the oldest batches that could not be published. */
static void keep_bound(struct deliver_objects *objects)
{
	while (objects->batches_count && objects->batches[0].named &&
		(objects->waiting_bytes > objects->options.max_waiting_bytes ||
			objects->batches_count > BATCHES_MAX)) {
		objects->given_up += objects->batches[0].records;
		remove_batch(objects, 0);
	}
}

static int64_t stamp_of(const struct record *record)
{
	int64_t end = record->end;

	return end - ((end % STAMP_SECONDS) + STAMP_SECONDS) % STAMP_SECONDS;
}

int deliver_objects_add(
	struct deliver_objects *objects, const struct record *record, struct err *err)
{
	int64_t stamp = stamp_of(record);
	struct batch *batch = find_batch(objects, stamp);

	if (!batch)
		batch = new_batch(objects, stamp, err);
	if (!batch)
		return -1;
	uint64_t before = batch_bytes(batch);
	if (batch->parquet) {
		if (record_parquet_add(batch->parquet, record, err) < 0)
			return -1;
	} else {
		record_text_line(&batch->text, &objects->options.format, record);
	}
	batch->records++;
	objects->waiting_bytes += batch_bytes(batch) - before;
	return 0;
}

/* Folders of the key, from AWSLogs on, with '/' at the end. */
static void add_folders(
	struct buf *key, const struct deliver_options *options, const struct tm *utc)
{
	int year = utc->tm_year + 1900;
	int month = utc->tm_mon + 1;

	if (options->hive_compatible_partitions) {
		buf_printf(key,
			"AWSLogs/aws-account-id=%s/aws-service=vpcflowlogs/aws-region=%s/"
			"year=%04d/month=%02d/day=%02d/",
			options->account_id, options->region, year, month, utc->tm_mday);
		if (options->per_hour_partition)
			buf_printf(key, "hour=%02d/", utc->tm_hour);
	} else {
		buf_printf(key, "AWSLogs/%s/vpcflowlogs/%s/%04d/%02d/%02d/", options->account_id,
			options->region, year, month, utc->tm_mday);
		if (options->per_hour_partition)
			buf_printf(key, "%02d/", utc->tm_hour);
	}
}

/* The key of a batch; attempt tells apart objects that would have one name (a restart within a
 * window, or another recorder with this bucket). */
static void make_key(struct buf *key, const struct deliver_objects *objects,
	const struct batch *batch, unsigned attempt)
{
	const struct deliver_options *options = &objects->options;
	time_t stamp = (time_t)batch->stamp;
	struct tm utc;

	gmtime_r(&stamp, &utc);
	key->n = 0;
	buf_add_text(key, options->prefix);
	if (key->n && key->p[key->n - 1] != '/')
		buf_add_char(key, '/');
	add_folders(key, options, &utc);
	uint64_t hash = hash_bytes(&batch->name_seed, sizeof(batch->name_seed), attempt);
	hash = hash_bytes(options->flow_log_id, strlen(options->flow_log_id), hash);
	buf_printf(key, "%s_vpcflowlogs_%s_%s_%04d%02d%02dT%02d%02dZ_%08x%s", options->account_id,
		options->region, options->flow_log_id, utc.tm_year + 1900, utc.tm_mon + 1,
		utc.tm_mday, utc.tm_hour, utc.tm_min, (unsigned)(hash ^ hash >> 32),
		options->file_format == DELIVER_PARQUET ? ".log.parquet" : ".log.gz");
}

static int write_gzip(struct file_draft *draft, struct str text, struct err *err)
{
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(GZIP_LEVEL);
	_cleanup_buf_ struct buf gzip = {0};

	if (!compressor)
		return err_set(err, ERR_SYSTEM, "cannot start the gzip compressor");
	size_t bound = libdeflate_gzip_compress_bound(compressor, text.n);
	gzip.n = libdeflate_gzip_compress(
		compressor, text.p, text.n, buf_reserve(&gzip, bound), bound);
	libdeflate_free_compressor(compressor);
	return file_draft_write(draft, buf_str(&gzip), err);
}

/* One object on disk, or none. */
static int publish_batch(struct deliver_objects *objects, struct batch *batch, struct err *err)
{
	_cleanup_buf_ struct buf key = {0};

	for (unsigned attempt = 0; attempt < COLLISIONS_MAX; attempt++) {
		make_key(&key, objects, batch, attempt);
		_cleanup_free_ char *path = mem_printf("%s/%s", objects->bucket, buf_text(&key));
		if (access(path, F_OK) == 0)
			continue;
		_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
		if (file_draft_open(&draft, path, err) < 0)
			return -1;
		int result = batch->parquet
				     ? record_parquet_write(batch->parquet, draft.draft_path, err)
				     : write_gzip(&draft, buf_str(&batch->text), err);
		if (result == 0)
			result = file_draft_commit(&draft, false, err);
		if (result < 0)
			return -1;
		if (result == FILE_DRAFT_EXISTS)
			continue;
		snprintf(objects->last_key, sizeof(objects->last_key), "%s", buf_text(&key));
		objects->published++;
		return 0;
	}
	return err_set(err, ERR_SYSTEM, "%s: %d objects of this name are there already",
		buf_text(&key), COLLISIONS_MAX);
}

int deliver_objects_publish(struct deliver_objects *objects, int64_t name_seed, struct err *err)
{
	for (size_t i = 0; i < objects->batches_count; i++) {
		if (!objects->batches[i].named)
			objects->batches[i].name_seed = name_seed;
		objects->batches[i].named = true;
	}
	while (objects->batches_count) {
		if (publish_batch(objects, &objects->batches[0], err) < 0) {
			keep_bound(objects);
			return -1;
		}
		remove_batch(objects, 0);
	}
	return 0;
}

uint64_t deliver_objects_take_given_up(struct deliver_objects *objects)
{
	uint64_t given_up = objects->given_up;

	objects->given_up = 0;
	return given_up;
}

uint64_t deliver_objects_waiting(const struct deliver_objects *objects)
{
	uint64_t records = 0;

	for (size_t i = 0; i < objects->batches_count; i++)
		records += objects->batches[i].records;
	return records;
}

const char *deliver_objects_last_key(const struct deliver_objects *objects)
{
	return objects->last_key;
}

uint64_t deliver_objects_count(const struct deliver_objects *objects)
{
	return objects->published;
}

void deliver_objects_close(struct deliver_objects *objects)
{
	if (!objects)
		return;
	for (size_t i = 0; i < objects->batches_count; i++)
		batch_done(&objects->batches[i]);
	free(objects->batches);
	free(objects->bucket);
	free(objects->prefix);
	free(objects->account_id);
	free(objects->region);
	free(objects->flow_log_id);
	free(objects);
}
