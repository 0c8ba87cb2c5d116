/* Records wait in one open batch per five-minute stamp until publish, or until it is as large as
 * AWS lets a file be, and then among the finished ones (waiting_priv.h) for the moment in which
 * each is written: to a draft that is renamed to its key in the bucket's folder, or to the spool
 * with the key that it will have in the bucket. */
#include "deliver/object_priv.h"

#include "aws/digest.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "deliver/waiting_priv.h"
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
#define OPEN_MAX       4096
#define OBJECT_BYTES   75000000u /* AWS's bound of a file, here of its records before compression */

struct deliver_objects {
	struct deliver_options options;
	char *bucket, *prefix, *account_id, *region, *flow_log_id;
	struct spool *spool;        /* NULL: to the bucket's folder */
	uint32_t next_name;         /* of objects in the spool */
	struct waiting_batch *open; /* one a stamp, take records */
	size_t open_count;
	struct waiting waiting; /* named: an object may be half way */
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

static struct deliver_objects *objects_new(const struct deliver_options *options)
{
	struct deliver_objects *objects = mem_new(1, sizeof(*objects));

	objects->options = *options;
	objects->options.bucket = objects->bucket = copy_or_empty(options->bucket);
	objects->options.prefix = objects->prefix = copy_or_empty(options->prefix);
	objects->options.account_id = objects->account_id = copy_or_empty(options->account_id);
	objects->options.region = objects->region = copy_or_empty(options->region);
	objects->options.flow_log_id = objects->flow_log_id = copy_or_empty(options->flow_log_id);
	objects->waiting.max_bytes = options->max_waiting_bytes;
	return objects;
}

int deliver_objects_open(struct deliver_objects **ret_objects,
	const struct deliver_options *options, struct err *err)
{
	_cleanup_(deliver_objects_closep) struct deliver_objects *objects = objects_new(options);

	if (bucket_try(objects->bucket, err) < 0 || file_remove_drafts(objects->bucket, err) < 0)
		return err_wrap(err, "bucket %s", objects->bucket);
	*ret_objects = take(objects);
	return 0;
}

struct deliver_objects *deliver_objects_open_spooled(
	const struct deliver_options *options, struct spool *spool)
{
	struct deliver_objects *objects = objects_new(options);

	objects->spool = spool;
	aws_random(&objects->next_name, sizeof(objects->next_name));
	return objects;
}

static struct waiting_batch *find_open(struct deliver_objects *objects, int64_t stamp)
{
	for (size_t i = 0; i < objects->open_count; i++) {
		if (objects->open[i].stamp == stamp)
			return &objects->open[i];
	}
	return NULL;
}

/* The i-th open batch takes no more records. */
static void finish_open(struct deliver_objects *objects, size_t i, int64_t name_seed)
{
	objects->open[i].name_seed = name_seed;
	waiting_add(&objects->waiting, &objects->open[i]);
	objects->open_count--;
	memmove(&objects->open[i], &objects->open[i + 1],
		(objects->open_count - i) * sizeof(objects->open[0]));
}

static struct waiting_batch *add_open(
	struct deliver_objects *objects, int64_t stamp, struct err *err)
{
	struct waiting_batch batch = {.stamp = stamp, .first_ms = INT64_MAX};

	if (objects->open_count == OPEN_MAX)
		finish_open(objects, 0, stamp);
	if (objects->options.file_format == DELIVER_PARQUET) {
		if (record_parquet_new(&batch.parquet, &objects->options.format, err) < 0)
			return NULL;
	} else {
		record_format_header(&batch.bytes, &objects->options.format);
	}
	objects->open = mem_grow(objects->open, objects->open_count + 1, sizeof(objects->open[0]));
	objects->open[objects->open_count] = batch;
	return &objects->open[objects->open_count++];
}

static int64_t stamp_of(const struct record *record)
{
	int64_t end = record->end;

	return end - ((end % STAMP_SECONDS) + STAMP_SECONDS) % STAMP_SECONDS;
}

static int store_waiting(struct deliver_objects *objects, struct err *err);

int deliver_objects_add(
	struct deliver_objects *objects, const struct record *record, struct err *err)
{
	int64_t stamp = stamp_of(record);
	struct waiting_batch *batch = find_open(objects, stamp);

	if (!batch)
		batch = add_open(objects, stamp, err);
	if (!batch)
		return -1;
	if (batch->parquet) {
		if (record_parquet_add(batch->parquet, record, err) < 0)
			return -1;
	} else {
		record_text_line(&batch->bytes, &objects->options.format, record);
	}
	batch->records++;
	if (batch->first_ms > record->start * 1000)
		batch->first_ms = record->start * 1000;
	if (batch->last_ms < record->end * 1000)
		batch->last_ms = record->end * 1000;
	if (waiting_batch_cost(batch) >= OBJECT_BYTES) {
		finish_open(objects, (size_t)(batch - objects->open), record->start);
		store_waiting(objects, NULL); /* what cannot be stored now waits for publish */
	}
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

/* The key of a batch; hash tells apart objects of one stamp. */
static void make_key(struct buf *key, const struct deliver_objects *objects,
	const struct waiting_batch *batch, uint32_t hash)
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
	buf_printf(key, "%s_vpcflowlogs_%s_%s_%04d%02d%02dT%02d%02dZ_%08x%s", options->account_id,
		options->region, options->flow_log_id, utc.tm_year + 1900, utc.tm_mon + 1,
		utc.tm_mday, utc.tm_hour, utc.tm_min, hash,
		options->file_format == DELIVER_PARQUET ? ".log.parquet" : ".log.gz");
}

/* In a folder: of the window and the flow log; attempt tells apart objects that would have one name
 * (a restart within a window, or another recorder with this bucket). */
static uint32_t folder_hash(
	const struct deliver_objects *objects, const struct waiting_batch *batch, unsigned attempt)
{
	const char *id = objects->options.flow_log_id;
	uint64_t hash = hash_bytes(&batch->name_seed, sizeof(batch->name_seed), attempt);

	hash = hash_bytes(id, strlen(id), hash);
	return (uint32_t)(hash ^ hash >> 32);
}

/* In the spool: nobody can look whether a name is taken, and many agents may write to one bucket
 * for one flow log. Each counts on from a random number of its own, so that names meet only where
 * two ranges do, and not by chance at every object. Mixing is one to one (the finalizer of
 * MurmurHash3). */
static uint32_t spool_hash(struct deliver_objects *objects)
{
	uint32_t hash = objects->next_name++;

	hash = (hash ^ hash >> 16) * 0x85ebca6bu;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
	return hash ^ hash >> 16;
}

static int make_gzip(struct buf *gzip, struct str text, struct err *err)
{
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(GZIP_LEVEL);

	if (!compressor)
		return err_set(err, ERR_SYSTEM, "cannot start the gzip compressor");
	size_t bound = libdeflate_gzip_compress_bound(compressor, text.n);
	gzip->n = libdeflate_gzip_compress(
		compressor, text.p, text.n, buf_reserve(gzip, bound), bound);
	libdeflate_free_compressor(compressor);
	return 0;
}

static int write_gzip(struct file_draft *draft, struct str text, struct err *err)
{
	_cleanup_buf_ struct buf gzip = {0};

	if (make_gzip(&gzip, text, err) < 0)
		return -1;
	return file_draft_write(draft, buf_str(&gzip), err);
}

static void note_published(struct deliver_objects *objects, struct buf *key)
{
	snprintf(objects->last_key, sizeof(objects->last_key), "%s", buf_text(key));
	objects->published++;
}

/* One object in the folder, or none. */
static int store_in_folder(
	struct deliver_objects *objects, struct waiting_batch *batch, struct err *err)
{
	_cleanup_buf_ struct buf key = {0};

	for (unsigned attempt = 0; attempt < COLLISIONS_MAX; attempt++) {
		make_key(&key, objects, batch, folder_hash(objects, batch, attempt));
		_cleanup_free_ char *path = mem_printf("%s/%s", objects->bucket, buf_text(&key));
		if (access(path, F_OK) == 0)
			continue;
		_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
		if (file_draft_open(&draft, path, err) < 0)
			return -1;
		int result = batch->parquet
				     ? record_parquet_write(batch->parquet, draft.draft_path, err)
				     : write_gzip(&draft, buf_str(&batch->bytes), err);
		if (result == 0)
			result = file_draft_commit(&draft, false, err);
		if (result < 0)
			return -1;
		if (result == FILE_DRAFT_EXISTS)
			continue;
		note_published(objects, &key);
		return 0;
	}
	return err_set(err, ERR_SYSTEM, "%s: %d objects of this name are there already",
		buf_text(&key), COLLISIONS_MAX);
}

/* One file in the spool, or none. */
static int store_in_spool(
	struct deliver_objects *objects, struct waiting_batch *batch, struct err *err)
{
	_cleanup_(spool_draft_done) struct spool_draft draft = SPOOL_DRAFT_INIT;
	_cleanup_buf_ struct buf key = {0}, gzip = {0};

	int result = spool_draft_open(objects->spool, &draft, err);
	if (result != 0)
		return result < 0 ? -1 : WAITING_NO_ROOM;
	make_key(&key, objects, batch, spool_hash(objects));
	struct spool_batch row = {
		.name = buf_text(&key),
		.records = batch->records,
		.first_ms = batch->first_ms,
		.last_ms = batch->last_ms,
	};
	if (batch->parquet) {
		if (record_parquet_write(batch->parquet, draft.file.draft_path, err) < 0 ||
			spool_draft_add_written(&draft, &row, err) < 0)
			return -1;
	} else if (make_gzip(&gzip, buf_str(&batch->bytes), err) < 0 ||
		   spool_draft_add(&draft, &row, buf_str(&gzip), err) < 0) {
		return -1;
	}
	result = spool_draft_commit(objects->spool, &draft, err);
	if (result != 0)
		return result < 0 ? -1 : WAITING_NO_ROOM;
	note_published(objects, &key);
	return 0;
}

static int store(void *context, struct waiting_batch *batches, size_t count, size_t *ret_stored,
	struct err *err)
{
	struct deliver_objects *objects = context;

	*ret_stored = 1;
	return objects->spool ? store_in_spool(objects, batches, err)
			      : store_in_folder(objects, batches, err);
}

static int store_waiting(struct deliver_objects *objects, struct err *err)
{
	return waiting_store(&objects->waiting, store, objects, err);
}

int deliver_objects_publish(struct deliver_objects *objects, int64_t name_seed, struct err *err)
{
	while (objects->open_count)
		finish_open(objects, 0, name_seed);
	return store_waiting(objects, err);
}

uint64_t deliver_objects_take_given_up(struct deliver_objects *objects)
{
	uint64_t given_up = objects->waiting.given_up;

	objects->waiting.given_up = 0;
	return given_up;
}

uint64_t deliver_objects_waiting(const struct deliver_objects *objects)
{
	uint64_t records = waiting_records(&objects->waiting);

	for (size_t i = 0; i < objects->open_count; i++)
		records += objects->open[i].records;
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
	for (size_t i = 0; i < objects->open_count; i++)
		waiting_batch_done(&objects->open[i]);
	free(objects->open);
	waiting_done(&objects->waiting);
	free(objects->bucket);
	free(objects->prefix);
	free(objects->account_id);
	free(objects->region);
	free(objects->flow_log_id);
	free(objects);
}
