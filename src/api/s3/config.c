/* The documents that say how a bucket behaves: checked when they are put, kept as their XML, given
 * back as they were. What this server does not do is refused when it is asked for, never kept and
 * ignored; what is absent answers as on AWS. */
#include "api/s3/s3_priv.h"

#include <jansson.h>

#define TRANSITION_MINIMUM "x-amz-transition-default-minimum-object-size"

/* ---- checks, one a document; they may change it: then `changed` is kept instead ---- */

static int check_cors(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	struct s3_cors *cors = NULL;
	int checked = s3_cors_parse(&cors, xml, error);

	s3_cors_free(cors);
	return checked;
}

static int check_lifecycle(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	struct s3_lifecycle *lifecycle = NULL;
	int checked = s3_lifecycle_parse(&lifecycle, xml, error);

	s3_lifecycle_free(lifecycle);
	return checked < 0 ? -1 : s3_lifecycle_name(xml, changed, error);
}

static int check_notification(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	return s3_events_check(s3, xml, error);
}

static int check_tagging(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	_cleanup_buf_ struct buf tags = {0};

	buf_reserve(&tags, 1);
	return s3_tags_xml(xml, S3_BUCKET_TAGS_MAX, &tags, error);
}

static int check_block(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	static const char *const names[] = {"BlockPublicAcls", "IgnorePublicAcls",
		"BlockPublicPolicy", "RestrictPublicBuckets"};
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (s3_xml_parse(&document, xml, "PublicAccessBlockConfiguration", error) < 0)
		return -1;
	struct aws_xml_writer writer;
	s3_xml(&writer, changed, "PublicAccessBlockConfiguration");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct str text = aws_xml_text(aws_xml_root(document), str_from(names[i]));
		bool is_true = str_equal_ignoring_case(text, STR("true"));

		if (text.p && !is_true && !str_equal_ignoring_case(text, STR("false")))
			return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
		aws_xml_element_bool(&writer, names[i], is_true);
	}
	aws_xml_end(&writer);
	return 0;
}

static int check_ownership(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (s3_xml_parse(&document, xml, "OwnershipControls", error) < 0)
		return -1;
	struct str rule = aws_xml_text(
		aws_xml_child(aws_xml_root(document), STR("Rule")), STR("ObjectOwnership"));
	if (!str_equal(rule, STR("BucketOwnerEnforced")) &&
		!str_equal(rule, STR("BucketOwnerPreferred")) &&
		!str_equal(rule, STR("ObjectWriter")))
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	return 0;
}

static int check_encryption(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (s3_xml_parse(&document, xml, "ServerSideEncryptionConfiguration", error) < 0)
		return -1;
	const struct aws_xml_node *rule = aws_xml_child(aws_xml_root(document), STR("Rule"));
	struct str kind =
		aws_xml_text(aws_xml_child(rule, STR("ApplyServerSideEncryptionByDefault")),
			STR("SSEAlgorithm"));
	if (!rule || !kind.n)
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	if (!str_equal(kind, STR("AES256")))
		return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
			"Encryption with %.*s is not supported by this server.", STR_ARG(kind));
	return 0;
}

static int check_logging(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (s3_xml_parse(&document, xml, "BucketLoggingStatus", error) < 0)
		return -1;
	if (aws_xml_child(aws_xml_root(document), STR("LoggingEnabled")))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Bucket logging is not supported by this server.");
	return 0;
}

static int check_accelerate(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (s3_xml_parse(&document, xml, "AccelerateConfiguration", error) < 0)
		return -1;
	if (!str_equal(aws_xml_text(aws_xml_root(document), STR("Status")), STR("Suspended")))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Transfer acceleration is not supported by this server.");
	return 0;
}

static int check_payment(
	const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (s3_xml_parse(&document, xml, "RequestPaymentConfiguration", error) < 0)
		return -1;
	if (!str_equal(aws_xml_text(aws_xml_root(document), STR("Payer")), STR("BucketOwner")))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Requester pays is not supported by this server.");
	return 0;
}

static const struct {
	const char *name;
	/* Absent: an error, or a document without content. */
	enum aws_error_code absent;
	const char *empty;
	int (*check)(
		const struct s3 *s3, struct str xml, struct buf *changed, struct aws_error *error);
	int put_status;
} configs[] = {
	{"cors", AWS_ERROR_NO_SUCH_CORS_CONFIGURATION, NULL, check_cors, 200},
	{"lifecycle", AWS_ERROR_NO_SUCH_LIFECYCLE_CONFIGURATION, NULL, check_lifecycle, 200},
	{"tagging", AWS_ERROR_NO_SUCH_TAG_SET, NULL, check_tagging, 204},
	{"publicAccessBlock", AWS_ERROR_NO_SUCH_PUBLIC_ACCESS_BLOCK, NULL, check_block, 200},
	{"ownershipControls", AWS_ERROR_OWNERSHIP_CONTROLS_NOT_FOUND, NULL, check_ownership, 200},
	{"encryption", AWS_ERROR_SERVER_SIDE_ENCRYPTION_NOT_FOUND, NULL, check_encryption, 200},
	{"notification", 0, "NotificationConfiguration", check_notification, 200},
	{"logging", 0, "BucketLoggingStatus", check_logging, 200},
	{"accelerate", 0, "AccelerateConfiguration", check_accelerate, 200},
	{"requestPayment", 0, "RequestPaymentConfiguration", check_payment, 200},
	{"website", AWS_ERROR_NO_SUCH_WEBSITE_CONFIGURATION, NULL, NULL, 0},
	{"object-lock", AWS_ERROR_OBJECT_LOCK_CONFIGURATION_NOT_FOUND, NULL, NULL, 0},
	{"replication", AWS_ERROR_REPLICATION_CONFIGURATION_NOT_FOUND, NULL, NULL, 0},
	{"analytics", AWS_ERROR_NO_SUCH_CONFIGURATION, "ListBucketAnalyticsConfigurationsResult",
		NULL, 0},
	{"inventory", AWS_ERROR_NO_SUCH_CONFIGURATION, "ListInventoryConfigurationsResult", NULL,
		0},
	{"metrics", AWS_ERROR_NO_SUCH_CONFIGURATION, "ListMetricsConfigurationsResult", NULL, 0},
	{"intelligent-tiering", AWS_ERROR_NO_SUCH_CONFIGURATION,
		"ListBucketIntelligentTieringConfigurationsResult", NULL, 0},
	{"metadataTable", AWS_ERROR_NO_SUCH_CONFIGURATION, NULL, NULL, 0},
	{"metadataConfiguration", AWS_ERROR_NO_SUCH_CONFIGURATION, NULL, NULL, 0},
	{"abac", AWS_ERROR_NONE, "AbacStatus", NULL, 0},
	{"retention", AWS_ERROR_NO_SUCH_OBJECT_LOCK_CONFIGURATION, NULL, NULL, 0},
	{"legal-hold", AWS_ERROR_NO_SUCH_OBJECT_LOCK_CONFIGURATION, NULL, NULL, 0},
	{"torrent", AWS_ERROR_NO_SUCH_KEY, NULL, NULL, 0},
};

static size_t find_config(const struct s3_call *call)
{
	size_t i = 0;

	while (!str_equal(str_from(configs[i].name), str_from(call->operation->config)))
		i++;
	return i;
}

static int answer_empty_document(struct s3_call *call, const char *root)
{
	_cleanup_buf_ struct buf buf = {0};
	struct aws_xml_writer writer;

	s3_xml(&writer, &buf, root);
	if (str_equal(str_from(root), STR("RequestPaymentConfiguration")))
		aws_xml_element(&writer, "Payer", STR("BucketOwner"));
	if (str_starts_with(str_from(root), STR("List")))
		aws_xml_element_bool(&writer, "IsTruncated", false);
	return s3_answer_xml(call, 200, &writer);
}

static int absent(struct s3_call *call, struct aws_error *error)
{
	size_t i = find_config(call);
	/* With an id one configuration is asked for, without it the list. */
	bool is_one = s3_parameter(call, "id").p != NULL;

	if (configs[i].empty && !(is_one && configs[i].absent))
		return answer_empty_document(call, configs[i].empty);
	aws_error_default(error, configs[i].absent);
	return aws_error_detail(error, "BucketName", "%.*s", STR_ARG(call->bucket));
}

int s3_config_get(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf text = {0};
	int read = store_config_get(call->s3->objects, call->bucket,
		str_from(call->operation->config), &text, error, s3_err(call));

	if (read < 0)
		return -1;
	if (read == STORE_E_NO_CONFIG)
		return absent(call, error);
	if (str_equal(str_from(call->operation->config), STR("lifecycle")))
		api_answer_header(
			call->exchange, TRANSITION_MINIMUM, STR("all_storage_classes_128K"));
	api_answer_bytes(call->exchange, 200, "application/xml", &text);
	return 0;
}

int s3_config_put(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf changed = {0};
	struct str xml = buf_str(&call->exchange->body);
	size_t i = find_config(call);

	if (!str_trim(xml).n)
		return aws_error_default(error, AWS_ERROR_MISSING_REQUEST_BODY);
	if (configs[i].check(call->s3, xml, &changed, error) < 0)
		return -1;
	if (store_config_put(call->s3->objects, call->bucket, str_from(call->operation->config),
		    changed.n ? buf_str(&changed) : xml, error, s3_err(call)) < 0)
		return -1;
	s3_bucket_changed(call->s3, call->bucket);
	if (str_equal(str_from(call->operation->config), STR("lifecycle")))
		api_answer_header(
			call->exchange, TRANSITION_MINIMUM, STR("all_storage_classes_128K"));
	return s3_answer_empty(call, configs[i].put_status);
}

int s3_config_delete(struct s3_call *call, struct aws_error *error)
{
	if (store_config_delete(call->s3->objects, call->bucket, str_from(call->operation->config),
		    error, s3_err(call)) < 0)
		return -1;
	s3_bucket_changed(call->s3, call->bucket);
	return s3_answer_empty(call, 204);
}

int s3_config_none(struct s3_call *call, struct aws_error *error)
{
	if (str_equal(call->exchange->request.method, STR("DELETE")))
		return s3_answer_empty(call, 204);
	if (call->operation->level == S3_LEVEL_OBJECT &&
		!str_equal(str_from(call->operation->config), STR("torrent")))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Bucket is missing Object Lock Configuration");
	return absent(call, error);
}

int s3_config_refuse(struct s3_call *call, struct aws_error *error)
{
	if (str_equal(str_from(call->operation->config), STR("object-lock")))
		return aws_error_set(error, AWS_ERROR_INVALID_BUCKET_STATE,
			"Object Lock configuration cannot be enabled on existing buckets");
	if (call->operation->level == S3_LEVEL_OBJECT)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Bucket is missing Object Lock Configuration");
	return s3_not_supported(call, error);
}

/* ---- the bucket policy, which is JSON ---- */

int s3_policy_get(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf text = {0};
	int read = store_config_get(
		call->s3->objects, call->bucket, STR("policy"), &text, error, s3_err(call));

	if (read < 0)
		return -1;
	if (read == STORE_E_NO_CONFIG) {
		aws_error_default(error, AWS_ERROR_NO_SUCH_BUCKET_POLICY);
		return aws_error_detail(error, "BucketName", "%.*s", STR_ARG(call->bucket));
	}
	api_answer_bytes(call->exchange, 200, "application/json", &text);
	return 0;
}

/* Whom such a statement means is more than anybody wants; S3 refuses it too. */
static bool allows_all_but(struct str text)
{
	json_t *document = json_loadb(text.p, text.n, 0, NULL);
	json_t *statements = json_object_get(document, "Statement"), *one;
	bool found = false;
	size_t count = json_is_array(statements) ? json_array_size(statements) : 1;

	for (size_t i = 0; i < count; i++) {
		one = json_is_array(statements) ? json_array_get(statements, i) : statements;
		const char *effect = json_string_value(json_object_get(one, "Effect"));
		found |= json_object_get(one, "NotPrincipal") && effect &&
			 str_equal(str_from(effect), STR("Allow"));
	}
	json_decref(document);
	return found;
}

int s3_policy_put(struct s3_call *call, struct aws_error *error)
{
	_cleanup_(aws_policy_freep) struct aws_policy *policy = NULL;
	struct str text = buf_str(&call->exchange->body);
	struct err err = ERR_INIT;

	if (!text.n)
		return aws_error_default(error, AWS_ERROR_MISSING_REQUEST_BODY);
	if (text.n > AWS_POLICY_MAX)
		return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
			"Policy exceeds the maximum allowed document size.");
	if (aws_policy_parse(&policy, text, AWS_POLICY_RESOURCE, &err) < 0)
		return aws_error_set(error, AWS_ERROR_MALFORMED_POLICY, "%s", err.message);
	if (allows_all_but(text))
		return aws_error_set(error, AWS_ERROR_MALFORMED_POLICY,
			"Allow with NotPrincipal is not allowed.");
	if (call->info->block.block_policy && aws_policy_is_public(policy))
		return aws_error_default(error, AWS_ERROR_ACCESS_DENIED);
	if (store_config_put(
		    call->s3->objects, call->bucket, STR("policy"), text, error, s3_err(call)) < 0)
		return -1;
	s3_bucket_changed(call->s3, call->bucket);
	return s3_answer_empty(call, 204);
}

int s3_policy_delete(struct s3_call *call, struct aws_error *error)
{
	if (store_config_delete(
		    call->s3->objects, call->bucket, STR("policy"), error, s3_err(call)) < 0)
		return -1;
	s3_bucket_changed(call->s3, call->bucket);
	return s3_answer_empty(call, 204);
}

int s3_policy_status(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf buf = {0};
	struct aws_xml_writer writer;
	bool is_public = (call->info->policy && aws_policy_is_public(call->info->policy)) ||
			 s3_acl_is_public(&call->info->acl);

	s3_xml(&writer, &buf, "PolicyStatus");
	aws_xml_element(&writer, "IsPublic", is_public ? STR("true") : STR("false"));
	return s3_answer_xml(call, 200, &writer);
}
