#include "deliver/sink_priv.h"

#include "aws/checksum.h"
#include "aws/uri.h"
#include "aws/xml.h"

#include <endian.h>
#include <stdio.h>

struct object {
	struct sink *sink;
	const struct spool_taken *taken;
	struct sink_outcome *outcome;
	struct buf path, query;
};

static size_t crc_text(char text[static AWS_CHECKSUM_STR_MAX], uint32_t crc32)
{
	struct aws_checksum_value value = {.algorithm = AWS_CHECKSUM_CRC32, .size = sizeof(crc32)};
	uint32_t big = htobe32(crc32);

	memcpy(value.bytes, &big, sizeof(big));
	return (size_t)(aws_checksum_write(text, &value) - text);
}

static struct aws_call make_call(struct object *object, const char *method)
{
	return (struct aws_call){
		.service = "s3",
		.method = method,
		.bucket = str_from(object->sink->bucket),
		.path = buf_str(&object->path),
		.query = buf_str(&object->query),
		.is_idempotent = true,
	};
}

static int call_once(struct object *object, const struct aws_call *call, struct aws_answer *answer,
	struct err *err)
{
	return sink_call(object->sink, call, answer, object->outcome, err);
}

/* PutObject, or UploadPart where the query says so. */
static int put(struct object *object, struct str body, uint32_t crc32, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	struct aws_call call = make_call(object, "PUT");
	char crc[AWS_CHECKSUM_STR_MAX];
	const struct aws_header headers[] = {
		{STR("x-amz-checksum-crc32"), {crc, crc_text(crc, crc32)}},
		{STR("Content-Type"), STR("application/octet-stream")},
		{STR("x-nagare-batch-id"), str_from(object->taken->batch->id)},
	};

	call.body = body;
	call.headers = headers;
	call.header_count = ARRAY_SIZE(headers);
	return call_once(object, &call, &answer, err);
}

static int put_whole(struct object *object, struct err *err)
{
	_cleanup_buf_ struct buf body = {0};

	if (sink_load(object->taken, &body, object->outcome, err) < 0)
		return -1;
	return put(object, buf_str(&body), object->taken->batch->crc32, err);
}

/* parts */

static int begin_parts(struct object *object, struct buf *upload_id, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	const struct aws_header headers[] = {
		{STR("x-amz-checksum-algorithm"), STR("CRC32")},
		{STR("Content-Type"), STR("application/octet-stream")},
	};

	object->query.n = 0;
	buf_add_text(&object->query, "uploads=");
	struct aws_call call = make_call(object, "POST");
	call.headers = headers;
	call.header_count = ARRAY_SIZE(headers);
	if (call_once(object, &call, &answer, err) < 0)
		return -1;
	object->outcome->fault = DELIVER_UNKNOWN_ERROR;
	if (aws_xml_parse(&document, buf_str(&answer.body), err) < 0)
		return err_wrap(err, "answer of CreateMultipartUpload");
	struct str id = aws_xml_text(aws_xml_root(document), STR("UploadId"));
	if (id.n == 0)
		return err_set(err, ERR_SYSTEM, "the answer of CreateMultipartUpload has no id");
	aws_uri_encode(upload_id, id, AWS_URI_ENCODE_SLASH);
	return 0;
}

/* Sends part n (from 0) and appends it to the list for the end. */
static int put_part(struct object *object, unsigned n, struct buf *upload_id,
	struct aws_xml_writer *list, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_buf_ struct buf body = {0};
	uint64_t offset = n * object->sink->part_size;
	uint64_t size = object->taken->batch->size - offset;
	char crc[AWS_CHECKSUM_STR_MAX];

	if (size > object->sink->part_size)
		size = object->sink->part_size;
	if (spool_read(object->taken, offset, size, &body, err) < 0)
		return -1;
	size_t crc_n = crc_text(crc, aws_crc32(0, body.p, body.n));
	const struct aws_header headers[] = {{STR("x-amz-checksum-crc32"), {crc, crc_n}}};
	object->query.n = 0;
	buf_printf(&object->query, "partNumber=%u&uploadId=%s", n + 1, buf_text(upload_id));
	struct aws_call call = make_call(object, "PUT");
	call.body = buf_str(&body);
	call.headers = headers;
	call.header_count = ARRAY_SIZE(headers);
	if (call_once(object, &call, &answer, err) < 0)
		return -1;
	aws_xml_open(list, "Part");
	aws_xml_element(list, "ChecksumCRC32", (struct str){crc, crc_n});
	aws_xml_element(list, "ETag", aws_answer_header(&answer, STR("ETag")));
	aws_xml_element_u64(list, "PartNumber", n + 1);
	aws_xml_close(list);
	return 0;
}

static int end_parts(struct object *object, struct buf *upload_id, struct str list, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	const struct aws_header headers[] = {{STR("Content-Type"), STR("application/xml")}};

	object->query.n = 0;
	buf_printf(&object->query, "uploadId=%s", buf_text(upload_id));
	struct aws_call call = make_call(object, "POST");
	call.body = list;
	call.headers = headers;
	call.header_count = ARRAY_SIZE(headers);
	return call_once(object, &call, &answer, err);
}

/* What was uploaded of it costs its owner money until it is aborted. */
static void abort_parts(struct object *object, struct buf *upload_id)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	struct sink_outcome ignored;

	object->query.n = 0;
	buf_printf(&object->query, "uploadId=%s", buf_text(upload_id));
	struct aws_call call = make_call(object, "DELETE");
	sink_call(object->sink, &call, &answer, &ignored, NULL);
}

static int put_parts(struct object *object, struct err *err)
{
	uint64_t size = object->taken->batch->size, part_size = object->sink->part_size;
	_cleanup_buf_ struct buf upload_id = {0}, list = {0};
	struct aws_xml_writer writer;

	if (spool_check(object->taken, err) < 0) {
		object->outcome->fault = DELIVER_UNKNOWN_ERROR;
		object->outcome->is_damaged = !err || err->code == ERR_INPUT;
		return -1;
	}
	if (begin_parts(object, &upload_id, err) < 0)
		return -1;
	aws_xml_begin(&writer, &list);
	aws_xml_open_space(
		&writer, "CompleteMultipartUpload", "http://s3.amazonaws.com/doc/2006-03-01/");
	int result = 0;
	for (unsigned n = 0; n * part_size < size && result == 0; n++)
		result = put_part(object, n, &upload_id, &writer, err);
	if (result == 0) {
		aws_xml_end(&writer);
		result = end_parts(object, &upload_id, buf_str(&list), err);
	}
	if (result < 0)
		abort_parts(object, &upload_id);
	return result;
}

int sink_send_object(struct sink *sink, const struct spool_taken *taken,
	struct sink_outcome *outcome, struct err *err)
{
	struct object object = {sink, taken, outcome, {0}, {0}};

	buf_add_char(&object.path, '/');
	aws_uri_encode(&object.path, str_from(taken->batch->name), AWS_URI_KEEP_SLASH);
	int result = taken->batch->size > sink->part_from ? put_parts(&object, err)
							  : put_whole(&object, err);
	buf_done(&object.path);
	buf_done(&object.query);
	return result;
}
