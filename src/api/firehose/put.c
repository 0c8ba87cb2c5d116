/* PutRecord, PutRecordBatch (API reference): a batch is stored whole, or not at all. */
#include "api/firehose/firehose_priv.h"

#include "aws/digest.h"
#include "base/clock.h"

enum { ID_RANDOM = 24 };

static json_t *record_id(const char *batch, size_t index)
{
	return json_sprintf("%.*s%08zx", 2 * ID_RANDOM, batch, index);
}

static void make_ids(char ret_batch[static 2 * ID_RANDOM])
{
	uint8_t random[ID_RANDOM];

	aws_random(random, sizeof(random));
	aws_hex_write(ret_batch, random, sizeof(random));
}

/* nagare's own, as in PutLogEvents: the sender's name for the batch, so that it may be sent again.
 */
static int read_batch_id(const struct api_call *call,
	uint8_t ret_id[static STORE_JOURNAL_BATCH_SIZE], bool *ret_has_id, struct aws_error *error)
{
	static const uint8_t none[STORE_JOURNAL_BATCH_SIZE];
	struct str text = api_header(call->exchange, STR("x-nagare-batch-id"));

	*ret_has_id = text.p != NULL;
	if (!text.p || (aws_hex_parse(text, ret_id, STORE_JOURNAL_BATCH_SIZE) &&
			       memcmp(ret_id, none, sizeof(none)) != 0))
		return 0;
	return firehose_refuse(error,
		"The header x-nagare-batch-id must be 32 hexadecimal digits that are not all zero.");
}

/* Data of a record at the end of bytes; its length. */
static int add_data(
	struct buf *bytes, const json_t *record, size_t *ret_size, struct aws_error *error)
{
	size_t before = bytes->n;

	if (!aws_base64_decode(api_member_text(record, "Data"), bytes))
		return aws_error_set(error, AWS_ERROR_SERIALIZATION_EXCEPTION,
			"The Data of a record is no base64.");
	*ret_size = bytes->n - before;
	return 0;
}

static int store(struct api_call *call, struct firehose_stream *stream,
	const struct store_journal_put *put, uint64_t bytes, struct aws_error *error)
{
	struct firehose *firehose = stream->firehose;
	struct err *err = &call->exchange->err;
	int result = store_journal_put(stream->journal, put, err);

	if (result < 0) {
		atomic_fetch_add(&firehose->refused, put->count);
		return err_is_disk_full(err)
			       ? aws_error_set(error, AWS_ERROR_SERVICE_UNAVAILABLE_EXCEPTION,
					 "Slow down.")
			       : aws_error_internal(error);
	}
	if (result == STORE_JOURNAL_REPEAT) {
		atomic_fetch_add(&firehose->repeats, 1);
		return 0;
	}
	atomic_fetch_add(&firehose->records, put->count);
	atomic_fetch_add(&firehose->bytes, bytes);
	atomic_fetch_add(&firehose->batches, 1);
	return 0;
}

/* list: an array of records, or one. */
static int put_records(struct api_call *call, const json_t *list, struct aws_error *error)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;
	size_t count = json_is_array(list) ? json_array_size(list) : 1;
	_cleanup_free_ struct str *records = mem_new(count, sizeof(*records));
	uint8_t id[STORE_JOURNAL_BATCH_SIZE];
	_cleanup_buf_ struct buf bytes = {0};
	bool has_id;

	if (firehose_stream_of(call, false, &stream, error) < 0 ||
		read_batch_id(call, id, &has_id, error) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (add_data(&bytes, json_is_array(list) ? json_array_get(list, i) : list,
			    &records[i].n, error) < 0)
			return -1;
	if (bytes.n > FIREHOSE_BATCH_BYTES)
		return firehose_refuse(error, "Records size exceeds 4 MB limit");
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		records[i].p = bytes.p ? bytes.p + at : "";
		at += records[i].n;
	}
	const struct store_journal_put put = {.records = records,
		.count = count,
		.batch = has_id ? id : NULL,
		.now_ms = clock_wall_ns() / 1000000};
	return store(call, stream, &put, bytes.n, error);
}

int firehose_add(struct firehose *firehose, struct str name, struct str record, struct err *err)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;
	const struct store_journal_put put = {
		.records = &record, .count = 1, .now_ms = clock_wall_ns() / 1000000};

	if (!firehose_has_stream(firehose, name) ||
		firehose_stream_find(firehose, name, &stream, NULL) < 0)
		return FIREHOSE_NONE;
	if (store_journal_put(stream->journal, &put, err) < 0) {
		atomic_fetch_add(&firehose->refused, 1);
		return -1;
	}
	atomic_fetch_add(&firehose->records, 1);
	atomic_fetch_add(&firehose->bytes, record.n);
	atomic_fetch_add(&firehose->batches, 1);
	return 0;
}

FIREHOSE_HANDLER(firehose_put)
{
	char batch[2 * ID_RANDOM];

	if (put_records(call, json_object_get(call->input, "Record"), error) < 0)
		return -1;
	make_ids(batch);
	json_object_set_new(call->output, "RecordId", record_id(batch, 0));
	json_object_set_new(call->output, "Encrypted", json_false());
	return 0;
}

FIREHOSE_HANDLER(firehose_put_batch)
{
	const json_t *list = json_object_get(call->input, "Records");
	json_t *answers = json_array();
	char batch[2 * ID_RANDOM];

	json_object_set_new(call->output, "RequestResponses", answers);
	json_object_set_new(call->output, "FailedPutCount", json_integer(0));
	json_object_set_new(call->output, "Encrypted", json_false());
	if (put_records(call, list, error) < 0)
		return -1;
	make_ids(batch);
	for (size_t i = 0; i < json_array_size(list); i++)
		json_array_append_new(answers, json_pack("{s:o}", "RecordId", record_id(batch, i)));
	return 0;
}
