/* Buckets with their configurations read and parsed, kept until a change. Whoever holds one keeps
 * it as it was; a change by this server drops it from the table (nobody else writes the database).
 * The generation tells a reader that a change came while it was reading: then what it read is not
 * kept. */
#include "api/s3/s3_priv.h"

#include "base/hash.h"

static size_t slot_of(struct str name)
{
	return hash_bytes(name.p, name.n, 0) % S3_BUCKETS_CACHED;
}

void s3_bucket_unref(struct s3_bucket *bucket)
{
	if (!bucket || atomic_fetch_sub(&bucket->references, 1) != 1)
		return;
	store_bucket_done(&bucket->bucket);
	aws_policy_free(bucket->policy);
	s3_acl_done(&bucket->acl);
	s3_cors_free(bucket->cors);
	s3_lifecycle_free(bucket->lifecycle);
	s3_events_free(bucket->events);
	free(bucket);
}

static void bucket_unrefp(struct s3_bucket **bucket)
{
	s3_bucket_unref(*bucket);
}

static bool is_true(const struct aws_xml *document, struct str name)
{
	return str_equal_ignoring_case(aws_xml_text(aws_xml_root(document), name), STR("true"));
}

static void read_block(struct s3_bucket *bucket, struct str text)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (aws_xml_parse(&document, text, NULL) < 0)
		return;
	bucket->block =
		(struct s3_public_block){.block_acls = is_true(document, STR("BlockPublicAcls")),
			.ignore_acls = is_true(document, STR("IgnorePublicAcls")),
			.block_policy = is_true(document, STR("BlockPublicPolicy")),
			.restrict_buckets = is_true(document, STR("RestrictPublicBuckets"))};
}

static void read_ownership(struct s3_bucket *bucket, struct str text)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (aws_xml_parse(&document, text, NULL) < 0)
		return;
	struct str rule = aws_xml_text(
		aws_xml_child(aws_xml_root(document), STR("Rule")), STR("ObjectOwnership"));
	bucket->ownership = str_equal(rule, STR("BucketOwnerEnforced"))    ? S3_OWNER_ENFORCED
			    : str_equal(rule, STR("BucketOwnerPreferred")) ? S3_OWNER_PREFERRED
									   : S3_OWNER_WRITER;
}

/* 0 and the text, empty when there is none. */
static int read_config(struct s3 *s3, struct str bucket, struct str name, struct buf *text,
	struct aws_error *error, struct err *err)
{
	text->n = 0;
	int read = store_config_get(s3->objects, bucket, name, text, error, err);
	if (read > 0)
		text->n = 0;
	return read < 0 ? -1 : 0;
}

/* A configuration was checked when it was put; one that does not parse now counts as damage. */
static int load(struct s3 *s3, struct str name, struct s3_bucket *bucket, struct aws_error *error,
	struct err *err)
{
	_cleanup_buf_ struct buf text = {0};
	struct aws_error ignored;

	if (store_bucket_get(s3->objects, name, &bucket->bucket, error, err) < 0)
		return -1;
	aws_canonical_id(bucket->bucket.owner, bucket->canonical_id);
	if (read_config(s3, name, STR("policy"), &text, error, err) < 0)
		return -1;
	if (text.n &&
		aws_policy_parse(&bucket->policy, buf_str(&text), AWS_POLICY_RESOURCE, err) < 0) {
		err_wrap(err, "policy of bucket %.*s", STR_ARG(name));
		return aws_error_internal(error);
	}
	if (read_config(s3, name, STR("acl"), &text, error, err) < 0)
		return -1;
	s3_acl_read(&bucket->acl, buf_str(&text), str_from(bucket->canonical_id));
	if (read_config(s3, name, STR("publicAccessBlock"), &text, error, err) < 0)
		return -1;
	if (text.n)
		read_block(bucket, buf_str(&text));
	if (read_config(s3, name, STR("ownershipControls"), &text, error, err) < 0)
		return -1;
	if (text.n)
		read_ownership(bucket, buf_str(&text));
	if (read_config(s3, name, STR("cors"), &text, error, err) < 0 ||
		(text.n && s3_cors_parse(&bucket->cors, buf_str(&text), &ignored) < 0) ||
		read_config(s3, name, STR("lifecycle"), &text, error, err) < 0 ||
		(text.n && s3_lifecycle_parse(&bucket->lifecycle, buf_str(&text), &ignored) < 0) ||
		read_config(s3, name, STR("notification"), &text, error, err) < 0 ||
		(text.n && s3_events_parse(&bucket->events, buf_str(&text), &ignored) < 0)) {
		err_set(err, ERR_INPUT, "bucket %.*s: a stored configuration cannot be read",
			STR_ARG(name));
		return aws_error_internal(error);
	}
	return 0;
}

int s3_bucket_get(struct s3 *s3, struct str name, struct s3_bucket **ret_bucket,
	struct aws_error *error, struct err *err)
{
	size_t slot = slot_of(name);
	_cleanup_(bucket_unrefp) struct s3_bucket *bucket = NULL;

	pthread_mutex_lock(&s3->lock);
	for (struct s3_bucket *at = s3->buckets[slot]; at && !bucket; at = at->next)
		if (str_equal(at->bucket.name, name))
			bucket = at;
	if (bucket)
		atomic_fetch_add(&bucket->references, 1);
	uint64_t generation = s3->generation;
	pthread_mutex_unlock(&s3->lock);
	if (bucket) {
		*ret_bucket = take(bucket);
		return 0;
	}
	bucket = mem_new(1, sizeof(*bucket));
	bucket->references = 1;
	if (s3_check_bucket(name, error) < 0 || load(s3, name, bucket, error, err) < 0)
		return -1;
	pthread_mutex_lock(&s3->lock);
	bool is_known = false;
	for (struct s3_bucket *at = s3->buckets[slot]; at; at = at->next)
		is_known |= str_equal(at->bucket.name, name);
	if (generation == s3->generation && !is_known) {
		atomic_fetch_add(&bucket->references, 1);
		bucket->next = s3->buckets[slot];
		s3->buckets[slot] = bucket;
	}
	pthread_mutex_unlock(&s3->lock);
	*ret_bucket = take(bucket);
	return 0;
}

void s3_bucket_changed(struct s3 *s3, struct str name)
{
	struct s3_bucket *dropped = NULL;

	pthread_mutex_lock(&s3->lock);
	s3->generation++;
	for (struct s3_bucket **at = &s3->buckets[slot_of(name)]; *at; at = &(*at)->next) {
		if (str_equal((*at)->bucket.name, name)) {
			dropped = *at;
			*at = dropped->next;
			break;
		}
	}
	pthread_mutex_unlock(&s3->lock);
	s3_bucket_unref(dropped);
}
