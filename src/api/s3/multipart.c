/* Multipart uploads. An upload that names no checksum gets CRC64NVME over the whole, as S3 does
 * since 2025; a part's checksum of another algorithm is checked, answered and not kept. */
#include "api/s3/s3_priv.h"

#include "aws/uri.h"
#include "base/number.h"

static struct str text_of(const struct s3_call *call, const char *name)
{
	struct str text = s3_header(call, name);
	return text.p ? text : STR("");
}

static struct str upload_id(const struct s3_call *call)
{
	struct str id = s3_parameter(call, "uploadId");
	return id.p ? id : STR("");
}

static struct str type_name(enum aws_checksum_type type)
{
	return type == AWS_CHECKSUM_COMPOSITE ? STR("COMPOSITE") : STR("FULL_OBJECT");
}

static int read_checksum(struct s3_call *call, struct aws_error *error)
{
	struct str name = text_of(call, "x-amz-checksum-algorithm");
	struct str type = text_of(call, "x-amz-checksum-type");
	struct store_upload *upload = &call->upload;

	upload->algorithm = name.n ? aws_checksum_find(name) : AWS_CHECKSUM_CRC64NVME;
	if (upload->algorithm == AWS_CHECKSUM_NONE || upload->algorithm == AWS_CHECKSUM_MD5)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
	if (!name.n && type.n)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
	upload->type = upload->algorithm == AWS_CHECKSUM_CRC64NVME ? AWS_CHECKSUM_FULL_OBJECT
								   : AWS_CHECKSUM_COMPOSITE;
	if (!type.n)
		return 0;
	upload->type = str_equal(type, STR("FULL_OBJECT")) ? AWS_CHECKSUM_FULL_OBJECT
							   : AWS_CHECKSUM_COMPOSITE;
	if (upload->type == AWS_CHECKSUM_COMPOSITE && !str_equal(type, STR("COMPOSITE")))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Value for x-amz-checksum-type header is invalid.");
	if (upload->type == AWS_CHECKSUM_FULL_OBJECT ? !aws_checksum_is_crc(upload->algorithm)
						     : upload->algorithm == AWS_CHECKSUM_CRC64NVME)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"The %.*s checksum type cannot be used with the %s checksum algorithm.",
			STR_ARG(type), aws_checksum_name(upload->algorithm));
	return 0;
}

int s3_upload_create(struct s3_call *call, struct aws_error *error)
{
	struct store_upload *upload = &call->upload;
	_cleanup_buf_ struct buf buf = {0};
	struct aws_xml_writer writer;

	if (s3_object_start(call, &call->object, error) < 0 || read_checksum(call, error) < 0)
		return -1;
	upload->key = call->key;
	upload->owner = call->caller_id.n ? call->caller_id : str_from(call->info->canonical_id);
	upload->headers = call->object.headers;
	upload->tags = call->object.tags;
	upload->acl = call->object.acl;
	if (store_upload_create(call->s3->objects, call->bucket, upload, error, s3_err(call)) < 0)
		return -1;
	if (text_of(call, "x-amz-checksum-algorithm").n) {
		api_answer_header(call->exchange, "x-amz-checksum-algorithm",
			str_from(aws_checksum_name(upload->algorithm)));
		api_answer_header(call->exchange, "x-amz-checksum-type", type_name(upload->type));
	}
	struct str encryption = s3_header(call, "x-amz-server-side-encryption");
	if (encryption.p)
		api_answer_header(call->exchange, "x-amz-server-side-encryption", encryption);
	s3_xml(&writer, &buf, "InitiateMultipartUploadResult");
	aws_xml_element(&writer, "Bucket", call->bucket);
	aws_xml_element(&writer, "Key", call->key);
	aws_xml_element(&writer, "UploadId", str_from(upload->id));
	return s3_answer_xml(call, 200, &writer);
}

static int part_number(struct s3_call *call, unsigned *ret_number, struct aws_error *error)
{
	struct str text = s3_parameter(call, "partNumber");
	uint64_t number;

	if (!number_parse(text, STORE_PARTS_MAX, &number) || number == 0)
		return s3_invalid_argument(error, "partNumber", text,
			"Part number must be an integer between 1 and 10000, inclusive");
	*ret_number = (unsigned)number;
	return 0;
}

static int find_upload(struct s3_call *call, struct aws_error *error)
{
	return store_upload_get(call->s3->objects, call->bucket, call->key, upload_id(call),
		&call->upload, error, s3_err(call));
}

int s3_part_start(struct s3_call *call, struct aws_error *error)
{
	unsigned number;

	if (s3_length_check(call, error) < 0 || part_number(call, &number, error) < 0 ||
		s3_encryption_headers(call, error) < 0 || find_upload(call, error) < 0)
		return -1;
	return s3_draft_start(call, call->upload.algorithm, error);
}

int s3_upload_part(struct s3_call *call, struct aws_error *error)
{
	struct aws_checksum_value checksum, *answered = &checksum;
	struct store_part part = {0};
	int64_t size;

	if (part_number(call, &part.number, error) < 0 ||
		s3_draft_finish(call, &checksum, &size, error) < 0)
		return -1;
	if (store_part_put(call->s3->objects, call->bucket, call->key, upload_id(call), call->draft,
		    &part, error, s3_err(call)) < 0)
		return -1;
	if (call->integrity.algorithm != AWS_CHECKSUM_NONE)
		answered = &call->integrity.expected;
	char text[AWS_CHECKSUM_STR_MAX];
	const char *header = aws_checksum_header((enum aws_checksum)answered->algorithm);
	if (header)
		api_answer_header(call->exchange, header,
			(struct str){text, (size_t)(aws_checksum_write(text, answered) - text)});
	api_answer_header_format(call->exchange, "ETag", "\"%s\"", part.etag);
	return s3_answer_empty(call, 200);
}

/* bytes=FIRST-LAST, both of them, inside the source. */
static int copy_range(struct s3_call *call, const struct s3_source *source,
	struct s3_range *ret_range, struct aws_error *error)
{
	struct str header = s3_header(call, "x-amz-copy-source-range"), rest = header, from;
	uint64_t first, last;

	*ret_range = (struct s3_range){0, source->object.size, true};
	if (!header.p)
		return 0;
	if (!str_starts_with(rest, STR("bytes=")))
		goto improper;
	rest = (struct str){rest.p + 6, rest.n - 6};
	if (!str_split(&rest, '-', &from) || !number_parse(from, INT64_MAX, &first) ||
		!number_parse(rest, INT64_MAX, &last) || last < first)
		goto improper;
	if (last >= (uint64_t)source->object.size) {
		aws_error_default(error, AWS_ERROR_INVALID_RANGE);
		return aws_error_detail(
			error, "ActualObjectSize", "%lld", (long long)source->object.size);
	}
	*ret_range = (struct s3_range){(int64_t)first, (int64_t)(last - first) + 1, false};
	return 0;
improper:
	return s3_invalid_argument(error, "x-amz-copy-source-range", header,
		"The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy");
}

int s3_upload_part_copy(struct s3_call *call, struct aws_error *error)
{
	_cleanup_(s3_source_done) struct s3_source source = {.fd = -1};
	_cleanup_buf_ struct buf buf = {0};
	struct store_part part = {0};
	struct aws_xml_writer writer;
	struct s3_range range;

	if (part_number(call, &part.number, error) < 0 || s3_encryption_headers(call, error) < 0 ||
		find_upload(call, error) < 0 || s3_source_open(call, &source, error) < 0 ||
		copy_range(call, &source, &range, error) < 0)
		return -1;
	if (range.size > STORE_PUT_BYTES_MAX)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"The specified copy source is larger than the maximum allowable size for a copy source: %lld",
			(long long)STORE_PUT_BYTES_MAX);
	if (store_draft_new(call->s3->objects, &call->draft, range.size, error, s3_err(call)) < 0)
		return -1;
	store_draft_hash(call->draft, call->upload.algorithm);
	if (s3_source_read(call, &source, range.offset, range.size, error) < 0)
		return -1;
	if (store_part_put(call->s3->objects, call->bucket, call->key, upload_id(call), call->draft,
		    &part, error, s3_err(call)) < 0)
		return -1;
	s3_xml(&writer, &buf, "CopyPartResult");
	s3_xml_etag(&writer, part.etag);
	aws_xml_element_time(&writer, "LastModified", part.modified_ms);
	s3_xml_checksum(&writer, &part.checksum);
	return s3_answer_xml(call, 200, &writer);
}

/* One <Part>: checksums of another algorithm than the upload's were never kept. */
static int read_part(struct s3_call *call, const struct aws_xml_node *node, struct store_part *part,
	struct aws_error *error)
{
	struct str etag = aws_xml_text(node, STR("ETag"));
	uint64_t number;

	if (!number_parse(aws_xml_text(node, STR("PartNumber")), UINT32_MAX, &number) || !etag.n)
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	if (number == 0 || number > STORE_PARTS_MAX)
		return s3_invalid_argument(error, "partNumber",
			aws_xml_text(node, STR("PartNumber")),
			"Part number must be an integer between 1 and 10000, inclusive");
	if (etag.n >= 2 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"')
		etag = (struct str){etag.p + 1, etag.n - 2};
	part->number = (unsigned)number;
	memset(part->etag, 0, sizeof(part->etag));
	memcpy(part->etag, etag.p, etag.n < STORE_ETAG_MAX ? etag.n : STORE_ETAG_MAX - 1);
	if (call->upload.algorithm == AWS_CHECKSUM_NONE)
		return 0;
	struct str text = aws_xml_text(node, str_from(s3_checksum_element(call->upload.algorithm)));
	if (text.n && !aws_checksum_parse(call->upload.algorithm, text, &part->checksum))
		return aws_error_set(error, AWS_ERROR_INVALID_PART,
			"The checksum of part %u is not a %s value.", part->number,
			aws_checksum_name(call->upload.algorithm));
	return 0;
}

static int read_parts(struct s3_call *call, struct store_part **ret_parts, size_t *ret_count,
	struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	_cleanup_free_ struct store_part *parts = NULL;
	size_t count = 0;

	if (s3_xml_parse(&document, buf_str(&call->exchange->body), "CompleteMultipartUpload",
		    error) < 0)
		return -1;
	const struct aws_xml_node *node = aws_xml_child(aws_xml_root(document), STR("Part"));
	for (const struct aws_xml_node *at = node; at; at = aws_xml_next(at))
		count++;
	if (count == 0 || count > STORE_PARTS_MAX)
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	parts = mem_new(count, sizeof(*parts));
	for (size_t i = 0; i < count; i++, node = aws_xml_next(node))
		if (read_part(call, node, &parts[i], error) < 0)
			return -1;
	*ret_parts = take(parts);
	*ret_count = count;
	return 0;
}

/* x-amz-checksum-*: of the object that the parts make. */
static int read_expected(
	struct s3_call *call, struct aws_checksum_value *ret_expected, struct aws_error *error)
{
	struct str type = text_of(call, "x-amz-checksum-type");

	*ret_expected = (struct aws_checksum_value){0};
	for (int i = 1; i < AWS_CHECKSUM_COUNT; i++) {
		const char *header = aws_checksum_header((enum aws_checksum)i);
		struct str text = header ? s3_header(call, header) : STR_NONE;

		if (!text.p)
			continue;
		if (!aws_checksum_parse((enum aws_checksum)i, text, ret_expected))
			return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
				"Value for %s header is invalid.", header);
		if (i != (int)call->upload.algorithm)
			*ret_expected = (struct aws_checksum_value){0};
	}
	if (type.n && !str_equal(type, type_name(call->upload.type)))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"The upload was created using the %.*s checksum mode. The complete request must use the same checksum mode.",
			STR_ARG(type_name(call->upload.type)));
	return 0;
}

static void write_location(struct s3_call *call, struct aws_xml_writer *writer)
{
	_cleanup_buf_ struct buf location = {0};
	struct str host = text_of(call, "host");

	buf_printf(&location, "http%s://%.*s/%.*s%s%.*s", call->exchange->is_tls ? "s" : "",
		STR_ARG(host), STR_ARG(call->exchange->bucket_host.n ? call->key : call->bucket),
		call->exchange->bucket_host.n ? "" : "/",
		STR_ARG(call->exchange->bucket_host.n ? STR("") : call->key));
	aws_xml_element(writer, "Location", buf_str(&location));
}

/* An upload that is gone may be one that was completed: the store knows. */
static int find_upload_to_complete(struct s3_call *call, struct aws_error *error)
{
	struct aws_error found = {0};

	if (store_upload_get(call->s3->objects, call->bucket, call->key, upload_id(call),
		    &call->upload, &found, s3_err(call)) == 0)
		return 0;
	call->upload = (struct store_upload){0};
	if (found.code == AWS_ERROR_NO_SUCH_UPLOAD)
		return 0;
	if (error)
		*error = found;
	return -1;
}

int s3_upload_complete(struct s3_call *call, struct aws_error *error)
{
	_cleanup_free_ struct store_part *parts = NULL;
	_cleanup_buf_ struct buf buf = {0};
	struct aws_checksum_value expected;
	struct store_condition condition;
	struct aws_xml_writer writer;
	size_t count = 0;

	if (find_upload_to_complete(call, error) < 0 ||
		read_parts(call, &parts, &count, error) < 0 ||
		read_expected(call, &expected, error) < 0 ||
		s3_condition_headers(call, &condition, error) < 0)
		return -1;
	if (store_upload_complete(call->s3->objects, call->bucket, call->key, upload_id(call),
		    parts, count, expected.algorithm ? &expected : NULL, &condition, &call->object,
		    error, s3_err(call)) < 0)
		return -1;
	s3_xml(&writer, &buf, "CompleteMultipartUploadResult");
	write_location(call, &writer);
	aws_xml_element(&writer, "Bucket", call->bucket);
	aws_xml_element(&writer, "Key", call->key);
	s3_xml_etag(&writer, call->object.etag);
	if (call->object.checksum.algorithm != AWS_CHECKSUM_NONE) {
		s3_xml_checksum(&writer, &call->object.checksum);
		aws_xml_element(&writer, "ChecksumType",
			call->object.checksum.parts ? STR("COMPOSITE") : STR("FULL_OBJECT"));
	}
	if (call->info->bucket.versioning == STORE_VERSIONING_ENABLED)
		api_answer_header(
			call->exchange, "x-amz-version-id", str_from(call->object.version));
	s3_lifecycle_answer(call, &call->object);
	s3_event(call, "ObjectCreated:CompleteMultipartUpload", &call->object);
	return s3_answer_xml(call, 200, &writer);
}

int s3_upload_abort(struct s3_call *call, struct aws_error *error)
{
	if (store_upload_abort(call->s3->objects, call->bucket, call->key, upload_id(call), error,
		    s3_err(call)) < 0)
		return -1;
	return s3_answer_empty(call, 204);
}

static void write_part(struct aws_xml_writer *writer, const struct store_part *part)
{
	aws_xml_open(writer, "Part");
	aws_xml_element_u64(writer, "PartNumber", part->number);
	aws_xml_element_time(writer, "LastModified", part->modified_ms);
	s3_xml_etag(writer, part->etag);
	s3_xml_checksum(writer, &part->checksum);
	aws_xml_element_u64(writer, "Size", (uint64_t)part->size);
	aws_xml_close(writer);
}

int s3_upload_parts(struct s3_call *call, struct aws_error *error)
{
	_cleanup_free_ struct store_part *parts = NULL;
	_cleanup_buf_ struct buf buf = {0};
	const struct store_upload *upload = &call->upload;
	struct aws_xml_writer writer;
	uint64_t max, marker;
	bool is_truncated;
	size_t count;

	if (s3_number_parameter(call, "max-parts", STORE_LIST_MAX, STORE_LIST_MAX, &max, error) <
			0 ||
		s3_number_parameter(call, "part-number-marker", 0, INT32_MAX, &marker, error) < 0 ||
		find_upload(call, error) < 0 ||
		store_part_list(call->s3->objects, call->bucket, call->key, upload_id(call),
			(unsigned)marker, (unsigned)max, &parts, &count, &is_truncated, error,
			s3_err(call)) < 0)
		return -1;
	s3_xml(&writer, &buf, "ListPartsResult");
	aws_xml_element(&writer, "Bucket", call->bucket);
	aws_xml_element(&writer, "Key", call->key);
	aws_xml_element(&writer, "UploadId", str_from(upload->id));
	s3_acl_owner(&writer, "Initiator", upload->owner);
	s3_acl_owner(&writer, "Owner", upload->owner);
	aws_xml_element(&writer, "StorageClass",
		upload->headers.storage_class.n ? upload->headers.storage_class : STR("STANDARD"));
	aws_xml_element_u64(&writer, "PartNumberMarker", marker);
	aws_xml_element_u64(&writer, "NextPartNumberMarker", count ? parts[count - 1].number : 0);
	aws_xml_element_u64(&writer, "MaxParts", max);
	aws_xml_element_bool(&writer, "IsTruncated", is_truncated);
	if (upload->algorithm != AWS_CHECKSUM_NONE) {
		aws_xml_element(&writer, "ChecksumAlgorithm",
			str_from(aws_checksum_name(upload->algorithm)));
		aws_xml_element(&writer, "ChecksumType", type_name(upload->type));
	}
	for (size_t i = 0; i < count; i++)
		write_part(&writer, &parts[i]);
	return s3_answer_xml(call, 200, &writer);
}

static void write_upload(struct s3_call *call, struct aws_xml_writer *writer, struct str key,
	const struct store_upload *upload)
{
	aws_xml_open(writer, "Upload");
	aws_xml_element(writer, "Key", key);
	aws_xml_element(writer, "UploadId", str_from(upload->id));
	s3_acl_owner(writer, "Initiator", upload->owner);
	s3_acl_owner(writer, "Owner", upload->owner);
	aws_xml_element(writer, "StorageClass",
		upload->headers.storage_class.n ? upload->headers.storage_class : STR("STANDARD"));
	aws_xml_element_time(writer, "Initiated", upload->started_ms);
	if (upload->algorithm != AWS_CHECKSUM_NONE) {
		aws_xml_element(writer, "ChecksumAlgorithm",
			str_from(aws_checksum_name(upload->algorithm)));
		aws_xml_element(writer, "ChecksumType", type_name(upload->type));
	}
	aws_xml_close(writer);
}

static struct str parameter_of(struct s3_call *call, const char *name)
{
	struct str text = s3_parameter(call, name);
	return text.p ? text : STR("");
}

/* Plain, or kept as encoding-type=url wants it. */
static struct str as_listed(struct s3_call *call, bool is_encoded, struct str text)
{
	_cleanup_buf_ struct buf encoded = {0};

	if (!is_encoded)
		return text;
	aws_uri_encode_listing(&encoded, text);
	return s3_keep(call, buf_str(&encoded));
}

static void write_uploads(struct s3_call *call, struct aws_xml_writer *writer,
	const struct store_upload_list_options *options, const struct store_upload_list *list)
{
	bool is_encoded = str_equal(s3_parameter(call, "encoding-type"), STR("url"));

	aws_xml_element(writer, "Bucket", call->bucket);
	aws_xml_element(writer, "KeyMarker", as_listed(call, is_encoded, options->after_key));
	aws_xml_element(writer, "UploadIdMarker", options->after_id);
	if (list->is_truncated) {
		aws_xml_element(
			writer, "NextKeyMarker", as_listed(call, is_encoded, list->next_key));
		aws_xml_element(writer, "NextUploadIdMarker", str_from(list->next_id));
	}
	aws_xml_element(writer, "Prefix", as_listed(call, is_encoded, options->prefix));
	if (options->delimiter.n)
		aws_xml_element(
			writer, "Delimiter", as_listed(call, is_encoded, options->delimiter));
	if (is_encoded)
		aws_xml_element(writer, "EncodingType", STR("url"));
	aws_xml_element_u64(writer, "MaxUploads", options->max);
	aws_xml_element_bool(writer, "IsTruncated", list->is_truncated);
	for (size_t i = 0; i < list->count; i++)
		write_upload(call, writer, as_listed(call, is_encoded, list->uploads[i].key),
			&list->uploads[i]);
	for (size_t i = 0; i < list->prefix_count; i++) {
		aws_xml_open(writer, "CommonPrefixes");
		aws_xml_element(writer, "Prefix", as_listed(call, is_encoded, list->prefixes[i]));
		aws_xml_close(writer);
	}
}

int s3_upload_list(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf buf = {0};
	struct store_upload_list_options options = {.bucket = call->bucket,
		.prefix = parameter_of(call, "prefix"),
		.delimiter = parameter_of(call, "delimiter"),
		.after_key = parameter_of(call, "key-marker"),
		.after_id = parameter_of(call, "upload-id-marker")};
	struct store_upload_list list;
	struct aws_xml_writer writer;
	uint64_t max;

	if (s3_number_parameter(call, "max-uploads", STORE_LIST_MAX, STORE_LIST_MAX, &max, error) <
		0)
		return -1;
	options.max = (unsigned)max;
	if (store_upload_list(call->s3->objects, &options, &list, error, s3_err(call)) < 0)
		return -1;
	s3_xml(&writer, &buf, "ListMultipartUploadsResult");
	write_uploads(call, &writer, &options, &list);
	store_upload_list_done(&list);
	return s3_answer_xml(call, 200, &writer);
}
