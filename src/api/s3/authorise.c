/* Who may. An explicit deny in any policy wins; then an allow of the identity and bucket policies,
 * or of the ACL. The ACL speaks to accounts: a stranger's own identity policies must allow as well,
 * and a user of the owner's account needs a policy. The public access block takes public policies
 * and ACLs out of the question. Absence is told only to those who may list the bucket: others get
 * 403. */
#include "api/s3/s3_priv.h"

#include "base/number.h"

#include <stdio.h>

/* Of a key whose `values` is still NULL they stand in `values`, one a key, which moves as it grows:
 * context_finish joins them. */
struct context {
	struct s3_call *call;
	struct aws_context_key *keys;
	struct str *values;
	size_t count, room;
	struct str *request_tag_keys;
	size_t request_tag_count;
};

static void context_done(struct context *context)
{
	free(context->keys);
	free(context->values);
	free(context->request_tag_keys);
}

static void add(struct context *context, struct str name, struct str value)
{
	if (!value.p)
		return;
	if (context->count == context->room) {
		context->room = context->room ? 2 * context->room : 32;
		context->keys = mem_grow(context->keys, context->room, sizeof(*context->keys));
		context->values =
			mem_grow(context->values, context->room, sizeof(*context->values));
	}
	context->values[context->count] = value;
	context->keys[context->count++] = (struct aws_context_key){.name = name};
}

static void context_finish(struct context *context)
{
	for (size_t i = 0; i < context->count; i++) {
		struct aws_context_key *key = &context->keys[i];

		key->values = &context->values[i];
		key->value_count = 1;
		if (str_equal(key->name, STR("s3:RequestObjectTagKeys"))) {
			key->values = context->request_tag_keys;
			key->value_count = context->request_tag_count;
		}
	}
}

static void add_tags(struct context *context, const char *prefix, struct str encoded)
{
	_cleanup_buf_ struct buf storage = {0}, name = {0};
	struct str key, value;

	while (s3_tags_next(&encoded, &storage, &key, &value)) {
		name.n = 0;
		buf_printf(&name, "%s%.*s", prefix, STR_ARG(key));
		add(context, s3_keep(context->call, buf_str(&name)), s3_keep(context->call, value));
	}
}

static void add_tag_keys(struct context *context, struct str encoded)
{
	_cleanup_buf_ struct buf storage = {0};
	struct str key, value;

	context->request_tag_keys =
		mem_new(s3_tags_count(encoded) + 1, sizeof(*context->request_tag_keys));
	while (s3_tags_next(&encoded, &storage, &key, &value))
		context->request_tag_keys[context->request_tag_count++] =
			s3_keep(context->call, key);
	if (context->request_tag_count)
		add(context, STR("s3:RequestObjectTagKeys"), STR(""));
}

/* Condition key and the header that it is about. */
static const struct {
	const char *key, *header;
} header_keys[] = {
	{"s3:x-amz-acl", "x-amz-acl"},
	{"s3:x-amz-grant-read", "x-amz-grant-read"},
	{"s3:x-amz-grant-write", "x-amz-grant-write"},
	{"s3:x-amz-grant-read-acp", "x-amz-grant-read-acp"},
	{"s3:x-amz-grant-write-acp", "x-amz-grant-write-acp"},
	{"s3:x-amz-grant-full-control", "x-amz-grant-full-control"},
	{"s3:x-amz-copy-source", "x-amz-copy-source"},
	{"s3:x-amz-metadata-directive", "x-amz-metadata-directive"},
	{"s3:x-amz-server-side-encryption", "x-amz-server-side-encryption"},
	{"s3:x-amz-server-side-encryption-aws-kms-key-id",
		"x-amz-server-side-encryption-aws-kms-key-id"},
	{"s3:x-amz-server-side-encryption-customer-algorithm",
		"x-amz-server-side-encryption-customer-algorithm"},
	{"s3:x-amz-storage-class", "x-amz-storage-class"},
	{"s3:x-amz-website-redirect-location", "x-amz-website-redirect-location"},
	{"s3:x-amz-object-ownership", "x-amz-object-ownership"},
	{"s3:x-amz-content-sha256", "x-amz-content-sha256"},
	{"s3:if-match", "if-match"},
	{"s3:if-none-match", "if-none-match"},
};
static const struct {
	const char *key, *parameter;
} parameter_keys[] = {
	{"s3:prefix", "prefix"},
	{"s3:delimiter", "delimiter"},
	{"s3:max-keys", "max-keys"},
	{"s3:VersionId", "versionId"},
};

static void add_signature(struct context *context)
{
	const struct api_exchange *exchange = context->call->exchange;
	static const struct {
		const char *type, *version;
	} kinds[] = {
		[AWS_SIGNATURE_NONE] = {"", ""},
		[AWS_SIGNATURE_V4_HEADER] = {"REST-HEADER", "AWS4-HMAC-SHA256"},
		[AWS_SIGNATURE_V4_QUERY] = {"REST-QUERY-STRING", "AWS4-HMAC-SHA256"},
		[AWS_SIGNATURE_V2_HEADER] = {"REST-HEADER", "AWS"},
		[AWS_SIGNATURE_V2_QUERY] = {"REST-QUERY-STRING", "AWS"},
	};
	char text[NUMBER_U64_STR_MAX];

	if (exchange->signature.kind == AWS_SIGNATURE_NONE)
		return;
	add(context, STR("s3:authType"), str_from(kinds[exchange->signature.kind].type));
	add(context, STR("s3:signatureversion"), str_from(kinds[exchange->signature.kind].version));
	int64_t age = exchange->started_ms - exchange->signature.date_ms;
	size_t n = (size_t)(number_write(text, age > 0 ? (uint64_t)age : 0) - text);
	add(context, STR("s3:signatureAge"), s3_keep(context->call, (struct str){text, n}));
}

static void make_context(
	struct s3_call *call, const struct s3_access *access, struct context *context)
{
	context->call = call;
	add_signature(context);
	for (size_t i = 0; i < ARRAY_SIZE(header_keys); i++)
		add(context, str_from(header_keys[i].key), s3_header(call, header_keys[i].header));
	for (size_t i = 0; i < ARRAY_SIZE(parameter_keys); i++)
		add(context, str_from(parameter_keys[i].key),
			s3_parameter(call, parameter_keys[i].parameter));
	if (access->prefix.n)
		add(context, STR("s3:prefix"), access->prefix);
	if (access->info) {
		add(context, STR("s3:ResourceAccount"), access->info->bucket.owner);
		add(context, STR("aws:ResourceAccount"), access->info->bucket.owner);
	}
	add_tags(context, "s3:ExistingObjectTag/", access->tags);
	add_tags(context, "s3:RequestObjectTag/", access->request_tags);
	add_tag_keys(context, access->request_tags);
	context_finish(context);
}

/* The bucket's, unless it is public where public policies are not heard. */
static const struct aws_policy *policy_of(const struct s3_call *call, const struct s3_bucket *info)
{
	const struct store_caller *caller = call->exchange->caller;
	bool is_foreign = !caller || !str_equal(caller->principal.account, info->bucket.owner);

	if (info->policy && info->block.restrict_buckets && is_foreign &&
		aws_policy_is_public(info->policy))
		return NULL;
	return info->policy;
}

static bool acl_allows(struct s3_call *call, const struct s3_access *access, enum aws_decision own)
{
	if (!access->acl || (access->info && access->info->ownership == S3_OWNER_ENFORCED))
		return false;
	if (!s3_acl_allows(access->acl, access->permission, call->caller_id,
		    access->info && access->info->block.ignore_acls))
		return false;
	if (!call->caller_id.n)
		return true;
	/* What is granted to everybody is granted to the users of every account, whereas a grant to
	 * the account is its root's to hand on. */
	return own == AWS_DECISION_ALLOW ||
	       s3_acl_allows(access->acl, access->permission, STR(""),
		       access->info && access->info->block.ignore_acls);
}

/* ALLOW, or error says why not. */
static enum aws_decision decide(
	struct s3_call *call, const struct s3_access *access, struct aws_error *error)
{
	_cleanup_(context_done) struct context context = {0};
	_cleanup_buf_ struct buf arn = {0};
	enum aws_decision own;

	make_context(call, access, &context);
	buf_printf(&arn, "arn:aws:s3:::%.*s", STR_ARG(access->bucket));
	if (access->key.n)
		buf_printf(&arn, "/%.*s", STR_ARG(access->key));
	const struct api_question question = {.action = str_from(access->action),
		.resource = access->bucket.n ? buf_str(&arn) : STR("*"),
		.resource_policy = access->info ? policy_of(call, access->info) : NULL,
		.resource_account = access->acl && access->key.n && !access->is_bucket_acl
					    ? aws_canonical_account(access->acl->owner)
				    : access->info ? access->info->bucket.owner
						   : STR(""),
		.canonical_id = call->caller_id,
		.context = context.keys,
		.context_count = context.count};
	enum aws_decision decision = api_decide(call->exchange, &question, &own, error);
	return decision == AWS_DECISION_DENY && acl_allows(call, access, own) ? AWS_DECISION_ALLOW
									      : decision;
}

int s3_allow(struct s3_call *call, const struct s3_access *access, struct aws_error *error)
{
	struct aws_error why = {0};

	if (decide(call, access, &why) == AWS_DECISION_ALLOW)
		return 0;
	if (error)
		*error = why;
	return -1;
}

bool s3_may(struct s3_call *call, const struct s3_access *access)
{
	return s3_allow(call, access, NULL) == 0;
}

bool s3_may_list(
	struct s3_call *call, struct str bucket, struct str key, const struct s3_bucket *info)
{
	struct s3_access access = {.action = "s3:ListBucket",
		.bucket = bucket,
		.info = info,
		.acl = &info->acl,
		.is_bucket_acl = true,
		.prefix = key,
		.permission = S3_READ};

	return s3_may(call, &access);
}

void s3_object_acl(
	const struct s3_bucket *info, const struct store_object *object, struct s3_acl *ret_acl)
{
	s3_acl_read(ret_acl, object->acl, str_from(info->canonical_id));
}

bool s3_authorizes_late(const struct s3_call *call)
{
	const struct s3_operation *row = call->operation;

	return row->level == S3_LEVEL_OBJECT && row->action && !row->is_bucket_acl;
}

/* The object that is not there: 404 to who may list. */
static int not_there(struct s3_call *call, const struct s3_access *access, struct aws_error *found,
	struct aws_error *error)
{
	struct aws_error why = {0};
	bool is_absent = found->code == AWS_ERROR_NO_SUCH_KEY ||
			 found->code == AWS_ERROR_NO_SUCH_VERSION ||
			 found->code == AWS_ERROR_METHOD_NOT_ALLOWED;

	if (is_absent) {
		if (decide(call, access, &why) == AWS_DECISION_EXPLICIT_DENY)
			return aws_error_default(error, AWS_ERROR_ACCESS_DENIED);
		if (!s3_may_list(call, access->bucket, access->key, access->info))
			return aws_error_default(error, AWS_ERROR_ACCESS_DENIED);
	}
	if (error)
		*error = *found;
	return -1;
}

int s3_object_find(struct s3_call *call, const struct s3_access *about, struct str version,
	struct store_object *ret_object, int *ret_fd, struct aws_error *error)
{
	struct aws_error found = {0};
	struct s3_access access = *about;
	_cleanup_(s3_acl_done) struct s3_acl acl = {0};

	if (store_object_get(call->s3->objects, access.bucket, access.key, version, ret_object,
		    ret_fd, &found, s3_err(call)) < 0)
		return not_there(call, &access, &found, error);
	s3_object_acl(access.info, ret_object, &acl);
	access.acl = &acl;
	access.tags = ret_object->tags;
	return s3_allow(call, &access, error);
}

int s3_authorize(struct s3_call *call, struct aws_error *error)
{
	const struct s3_operation *row = call->operation;
	struct s3_access access = {.bucket = call->bucket,
		.key = call->key,
		.info = call->info,
		.permission = row->permission,
		.is_bucket_acl = row->is_bucket_acl,
		.version = call->version};

	if (!row->action)
		return 0;
	access.action = call->version.n && row->version_action ? row->version_action : row->action;
	if (s3_authorizes_late(call)) {
		int at = s3_object_find(call, &access, call->version, &call->object,
			row->wants_file ? &call->fd : NULL, error);
		if (at < 0 && call->object.is_delete_marker) {
			api_answer_header(call->exchange, "x-amz-delete-marker", STR("true"));
			api_answer_header(
				call->exchange, "x-amz-version-id", str_from(call->object.version));
			if (call->version.n)
				s3_set_time_header(call, "Last-Modified", call->object.modified_ms);
		}
		return at;
	}
	if (row->is_bucket_acl && call->info)
		access.acl = &call->info->acl;
	struct str tagging = s3_header(call, "x-amz-tagging");
	access.request_tags = tagging.p ? tagging : STR("");
	return s3_allow(call, &access, error);
}
