/* PutObject, and what all ways to write an object share. */
#include "api/s3/s3_priv.h"

static struct str text_of(const struct s3_call *call, const char *name)
{
	struct str text = s3_header(call, name);
	return text.p ? text : STR("");
}

int s3_condition_headers(
	struct s3_call *call, struct store_condition *ret_condition, struct aws_error *error)
{
	*ret_condition = (struct store_condition){.if_match = text_of(call, "if-match"),
		.if_none_match = text_of(call, "if-none-match")};
	return 0;
}

/* Objects are not encrypted by this server: AES256, S3's own and default, is taken for whatever
 * protects its disk; keys that the client names or brings would be a promise it cannot keep. */
int s3_encryption_headers(struct s3_call *call, struct aws_error *error)
{
	struct str kind = s3_header(call, "x-amz-server-side-encryption");

	if (kind.p && !str_equal(kind, STR("AES256"))) {
		aws_error_set(error, AWS_ERROR_INVALID_ENCRYPTION_ALGORITHM,
			"The encryption method specified is not supported");
		return aws_error_detail(error, "ArgumentValue", "%.*s", STR_ARG(kind));
	}
	if (s3_header(call, "x-amz-server-side-encryption-customer-algorithm").p ||
		s3_header(call, "x-amz-server-side-encryption-customer-key").p ||
		s3_header(call, "x-amz-copy-source-server-side-encryption-customer-algorithm").p)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Server-side encryption with customer-provided keys is not supported by this server.");
	if (s3_header(call, "x-amz-object-lock-mode").p ||
		s3_header(call, "x-amz-object-lock-retain-until-date").p ||
		str_equal(s3_header(call, "x-amz-object-lock-legal-hold"), STR("ON")))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Bucket is missing Object Lock Configuration");
	return 0;
}

/* Who sets an ACL or tags while writing needs the permission for that too; strangers that a bucket
 * lets write own what they write. */
static int may_also(
	struct s3_call *call, const char *action, struct str tags, struct aws_error *error)
{
	const struct store_caller *caller = call->exchange->caller;
	struct s3_access access = {.action = action,
		.bucket = call->bucket,
		.key = call->key,
		.info = call->info,
		.is_bucket_acl = true,
		.request_tags = tags};

	if (!caller || !str_equal(caller->principal.account, call->info->bucket.owner))
		return 0;
	return s3_allow(call, &access, error);
}

int s3_object_acl_new(struct s3_call *call, struct str *ret_text, struct aws_error *error)
{
	struct str bucket_owner = str_from(call->info->canonical_id);
	struct str owner = call->caller_id.n ? call->caller_id : bucket_owner;
	struct str canned = text_of(call, "x-amz-acl");
	_cleanup_(s3_acl_done) struct s3_acl acl = {0};
	_cleanup_buf_ struct buf text = {0};
	bool given, is_full = str_equal(canned, STR("bucket-owner-full-control"));

	*ret_text = STR("");
	if (call->info->ownership == S3_OWNER_ENFORCED ||
		(call->info->ownership == S3_OWNER_PREFERRED && is_full))
		owner = bucket_owner;
	if (s3_acl_headers(call, &acl, owner, &given, error) < 0)
		return -1;
	if (call->info->ownership == S3_OWNER_ENFORCED && (!given || is_full))
		return 0;
	if (given && (s3_acl_check(call, &acl, error) < 0 ||
			     may_also(call, "s3:PutObjectAcl", STR(""), error) < 0))
		return -1;
	if (!given && str_equal(owner, bucket_owner))
		return 0;
	s3_acl_write(&acl, &text);
	*ret_text = s3_keep(call, buf_str(&text));
	return 0;
}

int s3_object_start(struct s3_call *call, struct store_object *object, struct aws_error *error)
{
	struct str tags = s3_header(call, "x-amz-tagging");

	if (s3_encryption_headers(call, error) < 0 ||
		s3_headers_read(call, &object->headers, error) < 0 ||
		s3_object_acl_new(call, &object->acl, error) < 0)
		return -1;
	object->tags = STR("");
	if (tags.n) {
		if (s3_tags_check(tags, error) < 0 ||
			may_also(call, "s3:PutObjectTagging", tags, error) < 0)
			return -1;
		object->tags = tags;
	}
	return 0;
}

int s3_draft_start(struct s3_call *call, enum aws_checksum algorithm, struct aws_error *error)
{
	int64_t size = call->exchange->content_length;

	if (size > STORE_PUT_BYTES_MAX) {
		aws_error_default(error, AWS_ERROR_ENTITY_TOO_LARGE);
		aws_error_detail(error, "ProposedSize", "%lld", (long long)size);
		return aws_error_detail(
			error, "MaxSizeAllowed", "%lld", (long long)STORE_PUT_BYTES_MAX);
	}
	if (store_draft_new(call->s3->objects, &call->draft, size, error, s3_err(call)) < 0)
		return -1;
	store_draft_hash(call->draft, algorithm);
	/* Parts are kept with the checksum of their upload; the client's may be another one. */
	if (call->integrity.algorithm != AWS_CHECKSUM_NONE &&
		call->integrity.algorithm != algorithm)
		aws_hash_init(&call->hash, call->integrity.algorithm);
	return 0;
}

int s3_length_check(const struct s3_call *call, struct aws_error *error)
{
	if (!s3_header(call, "content-length").p && !s3_header(call, "transfer-encoding").p)
		return aws_error_default(error, AWS_ERROR_MISSING_CONTENT_LENGTH);
	return 0;
}

int s3_put_start(struct s3_call *call, struct aws_error *error)
{
	if (s3_length_check(call, error) < 0 || s3_object_start(call, &call->object, error) < 0)
		return -1;
	return s3_draft_start(call,
		call->integrity.algorithm != AWS_CHECKSUM_NONE ? call->integrity.algorithm
							       : AWS_CHECKSUM_CRC64NVME,
		error);
}

int s3_draft_add(struct s3_call *call, struct str bytes, struct aws_error *error)
{
	if (call->hash.algorithm != AWS_CHECKSUM_NONE)
		aws_hash_add(&call->hash, bytes);
	return store_draft_add(call->draft, bytes, error, s3_err(call));
}

int s3_draft_data(struct api_exchange *exchange, struct str bytes, struct aws_error *error)
{
	struct s3_call *call = exchange->handler.state;

	return call->more ? s3_post_data(call, bytes, error) : s3_draft_add(call, bytes, error);
}

int s3_draft_finish(struct s3_call *call, struct aws_checksum_value *ret_checksum,
	int64_t *ret_size, struct aws_error *error)
{
	struct aws_checksum_value clients;
	uint8_t md5[AWS_MD5_SIZE];

	store_draft_finish(call->draft, md5, ret_checksum, ret_size);
	clients = *ret_checksum;
	if (call->hash.algorithm != AWS_CHECKSUM_NONE)
		aws_hash_finish(&call->hash, &clients);
	return s3_integrity_check(call, md5, &clients, error);
}

void s3_answer_written(struct s3_call *call, const struct store_object *object)
{
	struct str encryption = s3_header(call, "x-amz-server-side-encryption");

	api_answer_header_format(call->exchange, "ETag", "\"%s\"", object->etag);
	if (call->info->bucket.versioning == STORE_VERSIONING_ENABLED)
		api_answer_header(call->exchange, "x-amz-version-id", str_from(object->version));
	if (encryption.p)
		api_answer_header(call->exchange, "x-amz-server-side-encryption", encryption);
	s3_lifecycle_answer(call, object);
}

int s3_object_put(struct s3_call *call, struct aws_error *error)
{
	struct store_condition condition;
	struct aws_checksum_value checksum;
	int64_t size;

	if (s3_condition_headers(call, &condition, error) < 0 ||
		s3_draft_finish(call, &checksum, &size, error) < 0)
		return -1;
	if (store_object_put(call->s3->objects, call->bucket, call->key, call->draft, &condition,
		    &call->object, error, s3_err(call)) < 0)
		return -1;
	s3_answer_written(call, &call->object);
	s3_answer_checksum(call, &checksum, false);
	s3_event(call, "ObjectCreated:Put", &call->object);
	return s3_answer_empty(call, 200);
}
