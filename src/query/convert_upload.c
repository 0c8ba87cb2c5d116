/* Files in parts (S3 user guide, "Uploading and copying objects using multipart upload"). Parts are
 * sent by a few threads at once, each with its CRC-32, and each again where that may help; the
 * object shows with CompleteMultipartUpload, whole. */
#include "query/convert_bucket_priv.h"

#include "aws/checksum.h"
#include "aws/client.h"
#include "aws/uri.h"
#include "aws/xml.h"
#include "base/number.h"
#include "query/remote_priv.h"

#include <endian.h>
#include <stdio.h>

#define PARTS_MAX 10000 /* of one upload */

struct part {
	char crc[AWS_CHECKSUM_STR_MAX];
	size_t crc_length;
	char *etag;
};

struct upload {
	struct convert_bucket *bucket;
	const char *key;
	struct str bytes;
	uint64_t part_bytes;
	struct buf id; /* encoded */
	struct part *parts;
	size_t count;
};

static int begin(struct upload *upload, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	const struct aws_header headers[] = {
		{STR("x-amz-checksum-algorithm"), STR("CRC32")},
		{STR("Content-Type"), STR("application/octet-stream")},
	};
	struct aws_call call = {.method = "POST",
		.query = STR("uploads="),
		.headers = headers,
		.header_count = ARRAY_SIZE(headers)};

	if (convert_bucket_call(upload->bucket, &call, upload->key, &answer, err) < 0 ||
		aws_xml_parse(&document, buf_str(&answer.body), err) < 0)
		return -1;
	struct str id = aws_xml_text(aws_xml_root(document), STR("UploadId"));
	if (id.n == 0)
		return err_set(err, ERR_SYSTEM,
			"%s%s: the answer of CreateMultipartUpload has no id",
			upload->bucket->location, upload->key);
	aws_uri_encode(&upload->id, id, AWS_URI_ENCODE_SLASH);
	return 0;
}

static int put_part(void *context, size_t index, struct err *err)
{
	struct upload *upload = context;
	struct part *part = &upload->parts[index];
	uint64_t at = index * upload->part_bytes, left = upload->bytes.n - at;
	struct str body = {upload->bytes.p + at,
		left < upload->part_bytes ? (size_t)left : (size_t)upload->part_bytes};
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	struct aws_checksum_value value = {.algorithm = AWS_CHECKSUM_CRC32, .size = 4};
	uint32_t crc = htobe32(aws_crc32(0, body.p, body.n));
	_cleanup_buf_ struct buf query = {0};

	memcpy(value.bytes, &crc, sizeof(crc));
	part->crc_length = (size_t)(aws_checksum_write(part->crc, &value) - part->crc);
	buf_printf(&query, "partNumber=%zu&uploadId=%s", index + 1, buf_text(&upload->id));
	const struct aws_header headers[] = {
		{STR("x-amz-checksum-crc32"), {part->crc, part->crc_length}}};
	struct aws_call call = {.method = "PUT",
		.query = buf_str(&query),
		.body = body,
		.headers = headers,
		.header_count = ARRAY_SIZE(headers)};
	if (convert_bucket_call(upload->bucket, &call, upload->key, &answer, err) < 0)
		return -1;
	struct str etag = aws_answer_header(&answer, STR("ETag"));
	part->etag = mem_printf("%.*s", STR_ARG(etag));
	return 0;
}

/* The error of Complete may come behind a status of 200, which the server sends to keep the
 * connection. */
static int complete(struct upload *upload, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	_cleanup_buf_ struct buf list = {0}, query = {0};
	const struct aws_header headers[] = {{STR("Content-Type"), STR("application/xml")}};
	struct aws_xml_writer writer;

	aws_xml_begin(&writer, &list);
	aws_xml_open_space(
		&writer, "CompleteMultipartUpload", "http://s3.amazonaws.com/doc/2006-03-01/");
	for (size_t i = 0; i < upload->count; i++) {
		const struct part *part = &upload->parts[i];
		aws_xml_open(&writer, "Part");
		aws_xml_element(
			&writer, "ChecksumCRC32", (struct str){part->crc, part->crc_length});
		aws_xml_element(&writer, "ETag", str_from(part->etag));
		aws_xml_element_u64(&writer, "PartNumber", i + 1);
		aws_xml_close(&writer);
	}
	aws_xml_end(&writer);
	buf_printf(&query, "uploadId=%s", buf_text(&upload->id));
	struct aws_call call = {.method = "POST",
		.query = buf_str(&query),
		.body = buf_str(&list),
		.headers = headers,
		.header_count = ARRAY_SIZE(headers)};
	if (convert_bucket_call(upload->bucket, &call, upload->key, &answer, err) < 0 ||
		aws_xml_parse(&document, buf_str(&answer.body), err) < 0)
		return -1;
	if (aws_xml_text(aws_xml_root(document), STR("ETag")).n)
		return 0;
	struct str code = aws_xml_text(aws_xml_root(document), STR("Code"));
	return err_set(err, ERR_SYSTEM, "%s%s: CompleteMultipartUpload: %.*s",
		upload->bucket->location, upload->key, STR_ARG(code));
}

/* The whole, as the server has it. */
static int check(struct upload *upload, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	struct aws_call call = {.method = "HEAD"};
	uint64_t size = 0;

	if (convert_bucket_call(upload->bucket, &call, upload->key, &answer, err) < 0)
		return -1;
	number_parse(aws_answer_header(&answer, STR("Content-Length")), UINT64_MAX, &size);
	if (size == upload->bytes.n)
		return 0;
	return err_set(err, ERR_SYSTEM, "%s%s has %llu bytes after %zu were uploaded",
		upload->bucket->location, upload->key, (unsigned long long)size, upload->bytes.n);
}

/* What was uploaded of it costs its owner money until it is aborted. */
static int abort_one(struct convert_bucket *bucket, const char *key, struct str id, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_buf_ struct buf query = {0};
	struct aws_call call = {.method = "DELETE"};

	buf_printf(&query, "uploadId=%.*s", STR_ARG(id));
	call.query = buf_str(&query);
	int r = convert_bucket_call(bucket, &call, key, &answer, err);
	return r < 0 && answer.status == 404 ? 0 : r;
}

int convert_upload(
	struct convert_bucket *bucket, const char *key, struct str bytes, struct err *err)
{
	struct upload upload = {
		.bucket = bucket, .key = key, .bytes = bytes, .part_bytes = bucket->part_bytes};

	if (bytes.n / upload.part_bytes >= PARTS_MAX)
		upload.part_bytes = bytes.n / (PARTS_MAX - 1) + 1;
	upload.count = (bytes.n + upload.part_bytes - 1) / upload.part_bytes;
	if (begin(&upload, err) < 0)
		return -1;
	upload.parts = mem_new(upload.count, sizeof(*upload.parts));
	int r = query_remote_each(upload.count, put_part, &upload, err);
	if (r == 0)
		r = complete(&upload, err);
	if (r < 0)
		abort_one(bucket, key, buf_str(&upload.id), NULL);
	else
		r = check(&upload, err);
	for (size_t i = 0; i < upload.count; i++)
		free(upload.parts[i].etag);
	free(upload.parts);
	buf_done(&upload.id);
	return r;
}

/* ListMultipartUploads, of this key and no other that begins so. */
int convert_upload_abort_all(struct convert_bucket *bucket, const char *key, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	_cleanup_buf_ struct buf query = {0};

	buf_add_text(&query, "prefix=");
	aws_uri_encode(&query, str_from(key), AWS_URI_ENCODE_SLASH);
	buf_add_text(&query, "&uploads=");
	struct aws_call call = {.method = "GET", .query = buf_str(&query)};
	if (convert_bucket_call(bucket, &call, NULL, &answer, err) < 0 ||
		aws_xml_parse(&document, buf_str(&answer.body), err) < 0)
		return -1;
	for (const struct aws_xml_node *node = aws_xml_child(aws_xml_root(document), STR("Upload"));
		node; node = aws_xml_next(node)) {
		_cleanup_buf_ struct buf id = {0};
		if (!str_equal(aws_xml_text(node, STR("Key")), str_from(key)))
			continue;
		aws_uri_encode(&id, aws_xml_text(node, STR("UploadId")), AWS_URI_ENCODE_SLASH);
		if (abort_one(bucket, key, buf_str(&id), err) < 0)
			return -1;
	}
	return 0;
}
