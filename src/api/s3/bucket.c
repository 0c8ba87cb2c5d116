/* Buckets: made, looked at, listed, removed; their region and versioning. */
#include "api/s3/s3_priv.h"

#include "aws/digest.h"

#define BUCKETS_MAX 10000

/* us-east-1 is the region that S3 does not name. */
static bool is_classic(struct str region)
{
	return str_equal(region, STR("us-east-1"));
}

static int read_location(struct s3_call *call, struct str *ret_region, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	struct str body = buf_str(&call->exchange->body);

	*ret_region = str_from(call->s3->region);
	if (!str_trim(body).n)
		return 0;
	if (s3_xml_parse(&document, body, "CreateBucketConfiguration", error) < 0)
		return -1;
	struct str region = aws_xml_text(aws_xml_root(document), STR("LocationConstraint"));
	if (!region.n)
		return 0;
	if (str_equal(region, STR("EU")))
		region = STR("eu-west-1");
	for (size_t i = 0; i < region.n; i++) {
		char c = region.p[i];
		if (region.n > 32 ||
			!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
			aws_error_default(error, AWS_ERROR_INVALID_LOCATION_CONSTRAINT);
			return aws_error_detail(
				error, "LocationConstraint", "%.*s", STR_ARG(region));
		}
	}
	*ret_region = s3_keep(call, region);
	return 0;
}

static int read_ownership(struct s3_call *call, struct str *ret_ownership, struct aws_error *error)
{
	struct str ownership = s3_header(call, "x-amz-object-ownership");

	*ret_ownership = STR("");
	if (!ownership.p)
		return 0;
	if (!str_equal(ownership, STR("BucketOwnerEnforced")) &&
		!str_equal(ownership, STR("BucketOwnerPreferred")) &&
		!str_equal(ownership, STR("ObjectWriter")))
		return s3_invalid_argument(error, "x-amz-object-ownership", ownership,
			"Invalid x-amz-object-ownership header");
	*ret_ownership = ownership;
	return 0;
}

static int put_start_configs(struct s3_call *call, const struct s3_acl *acl, struct str ownership,
	struct aws_error *error)
{
	_cleanup_buf_ struct buf text = {0};

	if (acl) {
		s3_acl_write(acl, &text);
		if (store_config_put(call->s3->objects, call->bucket, STR("acl"), buf_str(&text),
			    error, s3_err(call)) < 0)
			return -1;
	}
	if (ownership.n) {
		text.n = 0;
		buf_printf(&text,
			"<OwnershipControls xmlns=\"" S3_NAMESPACE
			"\"><Rule><ObjectOwnership>%.*s</ObjectOwnership></Rule></OwnershipControls>",
			STR_ARG(ownership));
		if (store_config_put(call->s3->objects, call->bucket, STR("ownershipControls"),
			    buf_str(&text), error, s3_err(call)) < 0)
			return -1;
	}
	return 0;
}

static int answer_created(struct s3_call *call)
{
	s3_bucket_changed(call->s3, call->bucket);
	api_answer_header_format(call->exchange, "Location", "/%.*s", STR_ARG(call->bucket));
	return s3_answer_empty(call, 200);
}

int s3_bucket_create(struct s3_call *call, struct aws_error *error)
{
	struct s3_access access = {.action = "s3:CreateBucket", .bucket = call->bucket};
	_cleanup_(s3_acl_done) struct s3_acl acl = {0};
	struct str region, ownership;
	struct aws_error failed = {0};
	bool given;

	if (!call->exchange->caller)
		return aws_error_default(error, AWS_ERROR_ACCESS_DENIED);
	if (s3_allow(call, &access, error) < 0 || read_location(call, &region, error) < 0 ||
		read_ownership(call, &ownership, error) < 0 ||
		s3_acl_headers(call, &acl, call->caller_id, &given, error) < 0)
		return -1;
	if (given && str_equal(ownership, STR("BucketOwnerEnforced")))
		return aws_error_default(error, AWS_ERROR_INVALID_BUCKET_ACL_WITH_OWNERSHIP);
	if (str_equal_ignoring_case(
		    s3_header(call, "x-amz-bucket-object-lock-enabled"), STR("true")))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Object Lock is not supported by this server.");
	if (store_bucket_create(call->s3->objects, call->bucket, region,
		    call->exchange->caller->principal.account, &failed, s3_err(call)) < 0) {
		/* Again by its owner is no error in us-east-1, for old times' sake. */
		if (failed.code == AWS_ERROR_BUCKET_ALREADY_OWNED_BY_YOU &&
			is_classic(str_from(call->s3->region)) && !given)
			return answer_created(call);
		if (error)
			*error = failed;
		return -1;
	}
	if (put_start_configs(call, given ? &acl : NULL, ownership, error) < 0)
		return -1;
	return answer_created(call);
}

int s3_bucket_head(struct s3_call *call, struct aws_error *error)
{
	api_answer_header(call->exchange, "x-amz-bucket-region", call->info->bucket.region);
	api_answer_header(call->exchange, "x-amz-access-point-alias", STR("false"));
	return s3_answer_empty(call, 200);
}

int s3_bucket_delete(struct s3_call *call, struct aws_error *error)
{
	int deleted = store_bucket_delete(call->s3->objects, call->bucket, error, s3_err(call));

	s3_bucket_changed(call->s3, call->bucket);
	return deleted < 0 ? -1 : s3_answer_empty(call, 204);
}

int s3_bucket_location(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf buf = {0};
	struct aws_xml_writer writer;

	s3_xml(&writer, &buf, "LocationConstraint");
	if (!is_classic(call->info->bucket.region))
		aws_xml_escape(&buf, call->info->bucket.region);
	return s3_answer_xml(call, 200, &writer);
}

int s3_bucket_get_versioning(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf buf = {0};
	struct aws_xml_writer writer;

	s3_xml(&writer, &buf, "VersioningConfiguration");
	if (call->info->bucket.versioning != STORE_VERSIONING_NEVER)
		aws_xml_element(&writer, "Status",
			call->info->bucket.versioning == STORE_VERSIONING_ENABLED
				? STR("Enabled")
				: STR("Suspended"));
	return s3_answer_xml(call, 200, &writer);
}

int s3_bucket_put_versioning(struct s3_call *call, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (!str_trim(buf_str(&call->exchange->body)).n)
		return aws_error_default(error, AWS_ERROR_MISSING_REQUEST_BODY);
	if (s3_xml_parse(&document, buf_str(&call->exchange->body), "VersioningConfiguration",
		    error) < 0)
		return -1;
	struct str status = aws_xml_text(aws_xml_root(document), STR("Status"));
	bool is_enabled = str_equal(status, STR("Enabled"));
	if (!is_enabled && !str_equal(status, STR("Suspended")))
		return aws_error_default(error, AWS_ERROR_ILLEGAL_VERSIONING_CONFIGURATION);
	if (str_equal(aws_xml_text(aws_xml_root(document), STR("MfaDelete")), STR("Enabled")))
		return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
			"MFA delete is not supported by this server.");
	if (store_bucket_set_versioning(call->s3->objects, call->bucket,
		    is_enabled ? STORE_VERSIONING_ENABLED : STORE_VERSIONING_SUSPENDED, error,
		    s3_err(call)) < 0)
		return -1;
	s3_bucket_changed(call->s3, call->bucket);
	return s3_answer_empty(call, 200);
}

/* ---- ListBuckets ---- */

struct listing {
	struct aws_xml_writer *writer;
	struct str owner, region;
	uint64_t left;
	bool is_truncated;
	struct buf last;
};

static bool add_bucket(void *context, const struct store_bucket *bucket)
{
	struct listing *listing = context;

	if (!str_equal(bucket->owner, listing->owner) ||
		(listing->region.n && !str_equal(listing->region, bucket->region)))
		return true;
	if (listing->left == 0) {
		listing->is_truncated = true;
		return false;
	}
	listing->left--;
	listing->last.n = 0;
	buf_add_str(&listing->last, bucket->name);
	aws_xml_open(listing->writer, "Bucket");
	aws_xml_element(listing->writer, "Name", bucket->name);
	aws_xml_element_time(listing->writer, "CreationDate", bucket->created_ms);
	aws_xml_element(listing->writer, "BucketRegion", bucket->region);
	aws_xml_close(listing->writer);
	return true;
}

int s3_bucket_list(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf buf = {0}, after = {0};
	struct str token = s3_parameter(call, "continuation-token");
	struct str prefix = s3_parameter(call, "prefix"),
		   region = s3_parameter(call, "bucket-region");
	struct aws_xml_writer writer;
	struct listing listing = {.writer = &writer, .region = region.p ? region : STR("")};

	if (!call->exchange->caller)
		return aws_error_default(error, AWS_ERROR_ACCESS_DENIED);
	listing.owner = call->exchange->caller->principal.account;
	if (s3_number_parameter(
		    call, "max-buckets", BUCKETS_MAX, BUCKETS_MAX, &listing.left, error) < 0)
		return -1;
	if (token.n && !aws_base64_decode(token, &after))
		return s3_invalid_argument(error, "continuation-token", token,
			"The continuation token provided is incorrect");
	s3_xml(&writer, &buf, "ListAllMyBucketsResult");
	s3_acl_owner(&writer, "Owner", call->caller_id);
	aws_xml_open(&writer, "Buckets");
	if (store_bucket_list(call->s3->objects, prefix.p ? prefix : STR(""), buf_str(&after),
		    add_bucket, &listing, s3_err(call)) < 0) {
		buf_done(&listing.last);
		return aws_error_internal(error);
	}
	aws_xml_close(&writer);
	if (listing.is_truncated) {
		_cleanup_buf_ struct buf next = {0};
		aws_base64_add(&next, listing.last.p, listing.last.n);
		aws_xml_element(&writer, "ContinuationToken", buf_str(&next));
	}
	if (prefix.p)
		aws_xml_element(&writer, "Prefix", prefix);
	buf_done(&listing.last);
	return s3_answer_xml(call, 200, &writer);
}
