/* CopyObject, and the source of a copy, which UploadPartCopy has too. */
#include "api/s3/s3_priv.h"

#include "aws/uri.h"

#include <errno.h>

#define COPY_PIECE (1 << 20)

static struct str text_of(const struct s3_call *call, const char *name)
{
	struct str text = s3_header(call, name);
	return text.p ? text : STR("");
}

void s3_source_done(struct s3_source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	store_object_done(&source->object);
	s3_bucket_unref(source->info);
	source->info = NULL;
	source->fd = -1;
}

/* [/]BUCKET/KEY[?versionId=ID], percent-encoded. */
static int parse_source(struct s3_call *call, struct s3_source *source, struct aws_error *error)
{
	struct str text = text_of(call, "x-amz-copy-source"), path = text, version = STR("");
	_cleanup_buf_ struct buf decoded = {0};
	const char *mark = path.n ? memmem(path.p, path.n, "?versionId=", 11) : NULL;

	if (mark) {
		version = (struct str){mark + 11, (size_t)(path.p + path.n - mark) - 11};
		path.n = (size_t)(mark - path.p);
	}
	if (!aws_uri_decode(&decoded, path, AWS_URI_PLUS_IS_PLUS))
		return s3_invalid_argument(error, "x-amz-copy-source", text,
			"Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
	path = s3_keep(call, buf_str(&decoded));
	if (path.n && path.p[0] == '/')
		path = (struct str){path.p + 1, path.n - 1};
	const char *slash = path.n ? memchr(path.p, '/', path.n) : NULL;
	if (!slash || slash == path.p || slash + 1 == path.p + path.n)
		return s3_invalid_argument(error, "x-amz-copy-source", text,
			"Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
	source->bucket = (struct str){path.p, (size_t)(slash - path.p)};
	source->key = (struct str){slash + 1, path.n - source->bucket.n - 1};
	decoded.n = 0;
	if (!aws_uri_decode(&decoded, version, AWS_URI_PLUS_IS_PLUS))
		return s3_invalid_argument(
			error, "x-amz-copy-source", text, "Invalid version id specified");
	source->version = s3_keep(call, buf_str(&decoded));
	return s3_check_version("x-amz-copy-source", text, source->version, error);
}

static int check_source_conditions(
	struct s3_call *call, const struct store_object *object, struct aws_error *error)
{
	const struct s3_conditions conditions = {
		.if_match = text_of(call, "x-amz-copy-source-if-match"),
		.if_none_match = text_of(call, "x-amz-copy-source-if-none-match"),
		.if_modified_since = text_of(call, "x-amz-copy-source-if-modified-since"),
		.if_unmodified_since = text_of(call, "x-amz-copy-source-if-unmodified-since")};
	const char *failed;

	if (s3_conditions_check(&conditions, object->etag, object->modified_ms, &failed) ==
		S3_CONDITION_MET)
		return 0;
	aws_error_default(error, AWS_ERROR_PRECONDITION_FAILED);
	return aws_error_detail(error, "Condition", "x-amz-copy-source-%s", failed);
}

int s3_source_open(struct s3_call *call, struct s3_source *ret_source, struct aws_error *error)
{
	*ret_source = (struct s3_source){.fd = -1};
	if (parse_source(call, ret_source, error) < 0 ||
		s3_bucket_get(
			call->s3, ret_source->bucket, &ret_source->info, error, s3_err(call)) < 0)
		return -1;
	struct s3_access access = {
		.action = ret_source->version.n ? "s3:GetObjectVersion" : "s3:GetObject",
		.bucket = ret_source->bucket,
		.key = ret_source->key,
		.info = ret_source->info,
		.permission = S3_READ,
		.version = ret_source->version};
	if (s3_object_find(call, &access, ret_source->version, &ret_source->object, &ret_source->fd,
		    error) < 0) {
		/* A delete marker cannot be a source. */
		if (error && error->code == AWS_ERROR_METHOD_NOT_ALLOWED)
			aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
				"The source of a copy request may not specifically refer to a delete marker by version id.");
		return -1;
	}
	if (ret_source->info->bucket.versioning != STORE_VERSIONING_NEVER)
		api_answer_header(call->exchange, "x-amz-copy-source-version-id",
			str_from(ret_source->object.version));
	return check_source_conditions(call, &ret_source->object, error);
}

int s3_source_read(struct s3_call *call, struct s3_source *source, int64_t offset, int64_t size,
	struct aws_error *error)
{
	_cleanup_free_ char *piece = mem_new(1, COPY_PIECE);

	while (size > 0) {
		size_t want = size < COPY_PIECE ? (size_t)size : COPY_PIECE;
		ssize_t n = pread(source->fd, piece, want, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set_errno(s3_err(call), n < 0 ? errno : EIO,
				"%.*s/%.*s: cannot be read", STR_ARG(source->bucket),
				STR_ARG(source->key));
			return aws_error_internal(error);
		}
		if (store_draft_add(
			    call->draft, (struct str){piece, (size_t)n}, error, s3_err(call)) < 0)
			return -1;
		offset += n;
		size -= n;
	}
	return 0;
}

static int directive(
	struct s3_call *call, const char *name, bool *ret_replace, struct aws_error *error)
{
	struct str value = text_of(call, name);

	*ret_replace = str_equal(value, STR("REPLACE"));
	if (value.n && !*ret_replace && !str_equal(value, STR("COPY")))
		return s3_invalid_argument(error, name, value, "Unknown directive.");
	return 0;
}

/* The new object's headers and tags: the source's, or the request's. */
static int describe(struct s3_call *call, const struct s3_source *source, struct aws_error *error)
{
	struct store_object *object = &call->object;
	bool replace_metadata, replace_tags;

	if (directive(call, "x-amz-metadata-directive", &replace_metadata, error) < 0 ||
		directive(call, "x-amz-tagging-directive", &replace_tags, error) < 0 ||
		s3_object_start(call, object, error) < 0)
		return -1;
	bool is_same = str_equal(source->bucket, call->bucket) &&
		       str_equal(source->key, call->key) && !source->version.n;
	if (is_same && !replace_metadata && !s3_header(call, "x-amz-storage-class").p &&
		!s3_header(call, "x-amz-website-redirect-location").p &&
		!s3_header(call, "x-amz-server-side-encryption").p)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.");
	if (!replace_metadata) {
		struct str class = object->headers.storage_class;
		struct str redirect = object->headers.website_redirect;

		object->headers = source->object.headers;
		object->headers.storage_class = class;
		object->headers.website_redirect = redirect;
	}
	if (!replace_tags)
		object->tags = source->object.tags;
	return 0;
}

static enum aws_checksum copy_algorithm(
	struct s3_call *call, const struct s3_source *source, struct aws_error *error)
{
	struct str named = text_of(call, "x-amz-checksum-algorithm");

	if (!named.n)
		return source->object.checksum.algorithm != AWS_CHECKSUM_NONE
			       ? (enum aws_checksum)source->object.checksum.algorithm
			       : AWS_CHECKSUM_CRC64NVME;
	enum aws_checksum algorithm = aws_checksum_find(named);
	if (algorithm == AWS_CHECKSUM_NONE || algorithm == AWS_CHECKSUM_MD5)
		aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
	return algorithm == AWS_CHECKSUM_MD5 ? AWS_CHECKSUM_NONE : algorithm;
}

int s3_object_copy(struct s3_call *call, struct aws_error *error)
{
	_cleanup_(s3_source_done) struct s3_source source = {.fd = -1};
	_cleanup_buf_ struct buf buf = {0};
	struct aws_checksum_value checksum;
	struct store_condition condition;
	struct aws_xml_writer writer;
	uint8_t md5[AWS_MD5_SIZE];
	int64_t size;

	if (s3_source_open(call, &source, error) < 0 || describe(call, &source, error) < 0 ||
		s3_condition_headers(call, &condition, error) < 0)
		return -1;
	if (source.object.size > STORE_PUT_BYTES_MAX)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"The specified copy source is larger than the maximum allowable size for a copy source: %lld",
			(long long)STORE_PUT_BYTES_MAX);
	enum aws_checksum algorithm = copy_algorithm(call, &source, error);
	if (algorithm == AWS_CHECKSUM_NONE || store_draft_new(call->s3->objects, &call->draft,
						      source.object.size, error, s3_err(call)) < 0)
		return -1;
	store_draft_hash(call->draft, algorithm);
	if (s3_source_read(call, &source, 0, source.object.size, error) < 0)
		return -1;
	store_draft_finish(call->draft, md5, &checksum, &size);
	if (store_object_put(call->s3->objects, call->bucket, call->key, call->draft, &condition,
		    &call->object, error, s3_err(call)) < 0)
		return -1;
	s3_xml(&writer, &buf, "CopyObjectResult");
	s3_xml_etag(&writer, call->object.etag);
	aws_xml_element_time(&writer, "LastModified", call->object.modified_ms);
	s3_xml_checksum(&writer, &checksum);
	aws_xml_element(&writer, "ChecksumType", STR("FULL_OBJECT"));
	if (call->info->bucket.versioning == STORE_VERSIONING_ENABLED)
		api_answer_header(
			call->exchange, "x-amz-version-id", str_from(call->object.version));
	s3_lifecycle_answer(call, &call->object);
	s3_event(call, "ObjectCreated:Copy", &call->object);
	return s3_answer_xml(call, 200, &writer);
}
