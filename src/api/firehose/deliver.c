/* The thread that makes objects of closed segments. Its key is in a segment's head since it was
 * begun; the object is written if it is not there yet, then the segment is dropped: what a crash
 * breaks off is found done, or done again as the same object. What fails is tried again, later and
 * later up to a minute, however long; nothing is given up but by who deletes stream and bucket. */
#include "api/firehose/firehose_priv.h"

#include "base/clock.h"

#include <inttypes.h>
#include <zlib.h>

enum { TICK_MS = 250, RETRY_MAX_MS = 60000, GZIP_LEVEL = 6, GZIP_WINDOW = 15 + 16 };

struct output {
	struct store_draft *draft;
	struct aws_error *error;
	struct err *err;
	z_stream *zip; /* NULL: as it is */
	bool has_delimiter;
	uint64_t bytes; /* of what came in */
};

static int add_zipped(struct output *output, struct str bytes, int flush)
{
	uint8_t piece[65536];
	int result;

	output->zip->next_in = (Bytef *)(uintptr_t)bytes.p;
	output->zip->avail_in = (uInt)bytes.n;
	do {
		output->zip->next_out = piece;
		output->zip->avail_out = sizeof(piece);
		result = deflate(output->zip, flush);
		size_t n = sizeof(piece) - output->zip->avail_out;
		if (n && store_draft_add(output->draft, (struct str){(const char *)piece, n},
				 output->error, output->err) < 0)
			return -1;
	} while (output->zip->avail_out == 0 && result != Z_STREAM_END);
	return 0;
}

static int add_bytes(struct output *output, struct str bytes)
{
	if (!bytes.n)
		return 0;
	return output->zip ? add_zipped(output, bytes, Z_NO_FLUSH)
			   : store_draft_add(output->draft, bytes, output->error, output->err);
}

static int add_record(void *context, struct str record)
{
	struct output *output = context;

	output->bytes += record.n;
	if (add_bytes(output, record) < 0)
		return -1;
	return output->has_delimiter ? add_bytes(output, STR("\n")) : 0;
}

static int write_records(
	struct firehose_stream *stream, const struct store_segment *segment, struct output *output)
{
	uint64_t damaged;

	if (store_segment_read(
		    stream->journal, segment, add_record, output, &damaged, output->err) < 0)
		return -1;
	atomic_fetch_add(&stream->firehose->damaged, damaged);
	return output->zip ? add_zipped(output, STR(""), Z_FINISH) : 0;
}

static int write_object(struct firehose_stream *stream, const struct store_segment *segment,
	const json_t *head, struct aws_error *error, struct err *err)
{
	struct store_objects *objects = stream->firehose->options.objects;
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	_cleanup_(store_object_done) struct store_object object = {
		.headers.content_type = STR("application/octet-stream")};
	const struct store_condition once = {.if_none_match = STR("*")};
	z_stream zip = {0};

	if (store_draft_new(objects, &draft, -1, error, err) < 0)
		return -1;
	struct output output = {.draft = draft,
		.error = error,
		.err = err,
		.has_delimiter = json_is_true(json_object_get(head, "delimiter"))};
	if (json_is_true(json_object_get(head, "gzip"))) {
		if (deflateInit2(&zip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
			    Z_DEFAULT_STRATEGY) != Z_OK)
			return err_set(err, ERR_SYSTEM, "no memory for gzip");
		output.zip = &zip;
	}
	int result = write_records(stream, segment, &output);
	if (output.zip)
		deflateEnd(&zip);
	if (result == 0)
		result = store_object_put(objects, api_member_text(head, "bucket"),
			api_member_text(head, "key"), draft, &once, &object, error, err);
	return result;
}

/* The head of a segment, or, where that is damaged or its bucket is not there (any more), of one
 * that would be begun now. */
static json_t *read_head(struct firehose_stream *stream, const struct store_segment *segment)
{
	struct store_objects *objects = stream->firehose->options.objects;
	_cleanup_(store_bucket_done) struct store_bucket bucket = {0};
	_cleanup_buf_ struct buf made = {0};
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	json_t *head =
		segment->head.n ? json_loadb(segment->head.p, segment->head.n, 0, NULL) : NULL;

	if (head && (store_bucket_get(objects, api_member_text(head, "bucket"), &bucket, &error,
			     &err) == 0 ||
			    error.code != AWS_ERROR_NO_SUCH_BUCKET))
		return head;
	pthread_mutex_lock(&stream->lock);
	bool is_other = !head || !str_equal(firehose_destination_bucket(stream->destination),
					 api_member_text(head, "bucket"));
	if (is_other)
		firehose_destination_head(stream->destination, stream->name, stream->version,
			segment->first_ms, &made);
	pthread_mutex_unlock(&stream->lock);
	if (!is_other)
		return head;
	json_decref(head);
	return json_loadb(made.p, made.n, 0, NULL);
}

static void put_off(struct firehose_stream *stream, int64_t now_ms)
{
	int64_t wait_ms = stream->failures < 6 ? INT64_C(1000) << stream->failures : RETRY_MAX_MS;

	stream->failures++;
	stream->retry_ms = now_ms + wait_ms;
	atomic_fetch_add(&stream->firehose->failures, 1);
}

/* False: it has to be tried again, not before retry_ms. */
static bool deliver(struct firehose_stream *stream, const struct store_segment *segment,
	bool is_deleting, int64_t now_ms)
{
	struct firehose *firehose = stream->firehose;
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	int result = 0;

	if (segment->records) {
		json_t *head = read_head(stream, segment);
		result = write_object(stream, segment, head, &error, &err);
		json_decref(head);
	}
	if (result < 0 && is_deleting && error.code == AWS_ERROR_NO_SUCH_BUCKET)
		atomic_fetch_add(&firehose->dropped, segment->records);
	else if (result < 0 && error.code != AWS_ERROR_PRECONDITION_FAILED) {
		put_off(stream, now_ms);
		return false;
	}
	if (store_journal_drop(stream->journal, segment, &err) < 0) {
		put_off(stream, now_ms);
		return false;
	}
	stream->failures = 0;
	if (segment->records && result == 0) {
		atomic_fetch_add(&firehose->objects, 1);
		atomic_fetch_add(&firehose->delivered_records, segment->records);
		atomic_fetch_add(&firehose->delivered_bytes, segment->bytes);
	}
	return true;
}

static bool is_stopping(struct firehose *firehose)
{
	pthread_mutex_lock(&firehose->wake_lock);
	bool is = firehose->is_stopping;
	pthread_mutex_unlock(&firehose->wake_lock);
	return is;
}

static void serve(struct firehose_stream *stream, int64_t now_ms)
{
	if (now_ms < stream->retry_ms)
		return;
	pthread_mutex_lock(&stream->lock);
	bool is_deleting = stream->is_deleting;
	int64_t before_ms = now_ms - 1000 * firehose_destination_seconds(stream->destination);
	if (is_deleting || stream->is_rolled)
		before_ms = INT64_MAX;
	stream->is_rolled = false;
	pthread_mutex_unlock(&stream->lock);
	while (!is_stopping(stream->firehose)) {
		_cleanup_(store_segment_done) struct store_segment segment = {0};
		if (store_journal_take(stream->journal, before_ms, &segment) ==
			STORE_JOURNAL_NONE) {
			if (is_deleting)
				firehose_stream_remove(stream);
			return;
		}
		if (!deliver(stream, &segment, is_deleting, now_ms))
			return;
	}
}

static void serve_all(struct firehose *firehose)
{
	int64_t now_ms = clock_wall_ns() / 1000000;
	size_t count;
	_cleanup_free_ struct firehose_stream **all = firehose_streams_all(firehose, &count);

	for (size_t i = 0; i < count; i++) {
		serve(all[i], now_ms);
		firehose_stream_unref(all[i]);
	}
}

static void *run(void *context)
{
	struct firehose *firehose = context;
	struct timespec until;

	pthread_mutex_lock(&firehose->wake_lock);
	while (!firehose->is_stopping) {
		firehose->is_woken = false;
		pthread_mutex_unlock(&firehose->wake_lock);
		serve_all(firehose);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_mutex_lock(&firehose->wake_lock);
		if (!firehose->is_woken && !firehose->is_stopping)
			pthread_cond_timedwait(&firehose->wake, &firehose->wake_lock, &until);
	}
	pthread_mutex_unlock(&firehose->wake_lock);
	return NULL;
}

int firehose_deliver_start(struct firehose *firehose, struct err *err)
{
	int result = pthread_create(&firehose->thread, NULL, run, firehose);

	if (result)
		return err_set_errno(err, result, "a thread for delivery streams");
	firehose->has_thread = true;
	return 0;
}

void firehose_deliver_wake(struct firehose *firehose)
{
	pthread_mutex_lock(&firehose->wake_lock);
	firehose->is_woken = true;
	pthread_cond_signal(&firehose->wake);
	pthread_mutex_unlock(&firehose->wake_lock);
}

void firehose_deliver_stop(struct firehose *firehose)
{
	if (!firehose->has_thread)
		return;
	pthread_mutex_lock(&firehose->wake_lock);
	firehose->is_stopping = true;
	pthread_cond_signal(&firehose->wake);
	pthread_mutex_unlock(&firehose->wake_lock);
	pthread_join(firehose->thread, NULL);
	firehose->has_thread = false;
}
