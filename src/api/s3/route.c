/* One table says what every request is: the first row whose method, level, parameters and header fit.
 * Sub-resources stand before the plain operations, so that "?acl" never becomes GetObject. */
#include "api/s3/s3_priv.h"

#define BUCKET S3_LEVEL_BUCKET
#define OBJECT S3_LEVEL_OBJECT
#define DOCUMENT .body = API_BODY_WHOLE, .body_max = S3_CONFIG_BYTES_MAX
#define BATCH    .body = API_BODY_WHOLE, .body_max = S3_LIST_BYTES_MAX

/* The three operations on a configuration of the bucket that is kept as its document. */
#define CONFIG(resource, Name, get_action, put_action)                                             \
	{.name = "Get" Name, .method = "GET", .level = BUCKET, .parameter = resource,              \
		.action = get_action, .run = s3_config_get, .config = resource},                   \
	{.name = "Put" Name, .method = "PUT", .level = BUCKET, .parameter = resource,              \
		.action = put_action, .run = s3_config_put, .config = resource, DOCUMENT},         \
	{.name = "Delete" Name, .method = "DELETE", .level = BUCKET, .parameter = resource,        \
		.action = put_action, .run = s3_config_delete, .config = resource}

/* What this server does not do: absent when asked for, refused when set. */
#define ABSENT(resource, Name, action_name)                                                        \
	{.name = "Get" Name, .method = "GET", .level = BUCKET, .parameter = resource,              \
		.action = "s3:Get" action_name, .run = s3_config_none, .config = resource},        \
	{.name = "Put" Name, .method = "PUT", .level = BUCKET, .parameter = resource,              \
		.action = "s3:Put" action_name, .run = s3_config_refuse, .config = resource,       \
		DOCUMENT},                                                                         \
	{.name = "Delete" Name, .method = "DELETE", .level = BUCKET, .parameter = resource,        \
		.action = "s3:Put" action_name, .run = s3_config_none, .config = resource}

static const struct s3_operation operations[] = {
	{.name = "ListBuckets", .method = "GET", .level = S3_LEVEL_SERVICE,
		.action = "s3:ListAllMyBuckets", .run = s3_bucket_list},

	/* ---- a bucket's documents ---- */
	{.name = "GetBucketLocation", .method = "GET", .level = BUCKET, .parameter = "location",
		.action = "s3:GetBucketLocation", .run = s3_bucket_location},
	{.name = "GetBucketVersioning", .method = "GET", .level = BUCKET, .parameter = "versioning",
		.action = "s3:GetBucketVersioning", .run = s3_bucket_get_versioning},
	{.name = "PutBucketVersioning", .method = "PUT", .level = BUCKET, .parameter = "versioning",
		.action = "s3:PutBucketVersioning", .run = s3_bucket_put_versioning, DOCUMENT},
	{.name = "GetBucketAcl", .method = "GET", .level = BUCKET, .parameter = "acl",
		.action = "s3:GetBucketAcl", .permission = S3_READ_ACP, .is_bucket_acl = true,
		.run = s3_acl_get},
	{.name = "PutBucketAcl", .method = "PUT", .level = BUCKET, .parameter = "acl",
		.action = "s3:PutBucketAcl", .permission = S3_WRITE_ACP, .is_bucket_acl = true,
		.run = s3_acl_put, DOCUMENT},
	{.name = "GetBucketPolicy", .method = "GET", .level = BUCKET, .parameter = "policy",
		.action = "s3:GetBucketPolicy", .run = s3_policy_get},
	{.name = "PutBucketPolicy", .method = "PUT", .level = BUCKET, .parameter = "policy",
		.action = "s3:PutBucketPolicy", .run = s3_policy_put, DOCUMENT},
	{.name = "DeleteBucketPolicy", .method = "DELETE", .level = BUCKET, .parameter = "policy",
		.action = "s3:DeleteBucketPolicy", .run = s3_policy_delete},
	{.name = "GetBucketPolicyStatus", .method = "GET", .level = BUCKET,
		.parameter = "policyStatus", .action = "s3:GetBucketPolicyStatus",
		.run = s3_policy_status},
	CONFIG("cors", "BucketCors", "s3:GetBucketCORS", "s3:PutBucketCORS"),
	CONFIG("lifecycle", "BucketLifecycleConfiguration", "s3:GetLifecycleConfiguration",
		"s3:PutLifecycleConfiguration"),
	CONFIG("tagging", "BucketTagging", "s3:GetBucketTagging", "s3:PutBucketTagging"),
	CONFIG("publicAccessBlock", "PublicAccessBlock", "s3:GetBucketPublicAccessBlock",
		"s3:PutBucketPublicAccessBlock"),
	CONFIG("ownershipControls", "BucketOwnershipControls", "s3:GetBucketOwnershipControls",
		"s3:PutBucketOwnershipControls"),
	CONFIG("encryption", "BucketEncryption", "s3:GetEncryptionConfiguration",
		"s3:PutEncryptionConfiguration"),
	CONFIG("notification", "BucketNotificationConfiguration", "s3:GetBucketNotification",
		"s3:PutBucketNotification"),
	CONFIG("logging", "BucketLogging", "s3:GetBucketLogging", "s3:PutBucketLogging"),
	CONFIG("accelerate", "BucketAccelerateConfiguration", "s3:GetAccelerateConfiguration",
		"s3:PutAccelerateConfiguration"),
	CONFIG("requestPayment", "BucketRequestPayment", "s3:GetBucketRequestPayment",
		"s3:PutBucketRequestPayment"),
	ABSENT("website", "BucketWebsite", "BucketWebsite"),
	ABSENT("object-lock", "ObjectLockConfiguration", "BucketObjectLockConfiguration"),
	ABSENT("replication", "BucketReplication", "ReplicationConfiguration"),
	ABSENT("analytics", "BucketAnalyticsConfiguration", "AnalyticsConfiguration"),
	ABSENT("inventory", "BucketInventoryConfiguration", "InventoryConfiguration"),
	ABSENT("metrics", "BucketMetricsConfiguration", "MetricsConfiguration"),
	ABSENT("intelligent-tiering", "BucketIntelligentTieringConfiguration",
		"IntelligentTieringConfiguration"),
	ABSENT("metadataTable", "BucketMetadataTableConfiguration",
		"BucketMetadataTableConfiguration"),
	ABSENT("metadataConfiguration", "BucketMetadataConfiguration",
		"BucketMetadataTableConfiguration"),
	ABSENT("abac", "BucketAbac", "BucketAbac"),

	/* ---- lists ---- */
	{.name = "ListMultipartUploads", .method = "GET", .level = BUCKET, .parameter = "uploads",
		.action = "s3:ListBucketMultipartUploads", .permission = S3_READ,
		.is_bucket_acl = true, .run = s3_upload_list},
	{.name = "ListObjectVersions", .method = "GET", .level = BUCKET, .parameter = "versions",
		.action = "s3:ListBucketVersions", .permission = S3_READ, .is_bucket_acl = true,
		.run = s3_list_versions},
	{.name = "ListObjectsV2", .method = "GET", .level = BUCKET, .parameter = "list-type",
		.action = "s3:ListBucket", .permission = S3_READ, .is_bucket_acl = true,
		.run = s3_list_objects_v2},
	{.name = "ListObjects", .method = "GET", .level = BUCKET, .action = "s3:ListBucket",
		.permission = S3_READ, .is_bucket_acl = true, .run = s3_list_objects},
	{.name = "DeleteObjects", .method = "POST", .level = BUCKET, .parameter = "delete",
		.run = s3_objects_delete, BATCH},
	{.name = "PostObject", .method = "POST", .level = BUCKET, .header = "content-type",
		.body = API_BODY_STREAM, .body_max = STORE_PUT_BYTES_MAX + (1 << 20),
		.start = s3_post_start, .run = s3_post_object},

	/* ---- a bucket ---- */
	{.name = "CreateBucket", .method = "PUT", .level = BUCKET, .run = s3_bucket_create,
		DOCUMENT},
	{.name = "HeadBucket", .method = "HEAD", .level = BUCKET, .action = "s3:ListBucket",
		.permission = S3_READ, .is_bucket_acl = true, .run = s3_bucket_head},
	{.name = "DeleteBucket", .method = "DELETE", .level = BUCKET, .action = "s3:DeleteBucket",
		.run = s3_bucket_delete},

	/* ---- an object's documents ---- */
	{.name = "GetObjectAcl", .method = "GET", .level = OBJECT, .parameter = "acl",
		.action = "s3:GetObjectAcl", .version_action = "s3:GetObjectVersionAcl",
		.permission = S3_READ_ACP, .run = s3_object_acl_get},
	{.name = "PutObjectAcl", .method = "PUT", .level = OBJECT, .parameter = "acl",
		.action = "s3:PutObjectAcl", .version_action = "s3:PutObjectVersionAcl",
		.permission = S3_WRITE_ACP, .run = s3_object_acl_put, DOCUMENT},
	{.name = "GetObjectTagging", .method = "GET", .level = OBJECT, .parameter = "tagging",
		.action = "s3:GetObjectTagging", .version_action = "s3:GetObjectVersionTagging",
		.run = s3_tagging_get},
	{.name = "PutObjectTagging", .method = "PUT", .level = OBJECT, .parameter = "tagging",
		.action = "s3:PutObjectTagging", .version_action = "s3:PutObjectVersionTagging",
		.run = s3_tagging_put, DOCUMENT},
	{.name = "DeleteObjectTagging", .method = "DELETE", .level = OBJECT, .parameter = "tagging",
		.action = "s3:DeleteObjectTagging",
		.version_action = "s3:DeleteObjectVersionTagging", .run = s3_tagging_delete},
	{.name = "GetObjectAttributes", .method = "GET", .level = OBJECT, .parameter = "attributes",
		.action = "s3:GetObject", .version_action = "s3:GetObjectVersion",
		.permission = S3_READ, .run = s3_object_attributes},
	{.name = "GetObjectRetention", .method = "GET", .level = OBJECT, .parameter = "retention",
		.action = "s3:GetObjectRetention", .run = s3_config_none, .config = "retention"},
	{.name = "PutObjectRetention", .method = "PUT", .level = OBJECT, .parameter = "retention",
		.action = "s3:PutObjectRetention", .run = s3_config_refuse, .config = "retention",
		DOCUMENT},
	{.name = "GetObjectLegalHold", .method = "GET", .level = OBJECT, .parameter = "legal-hold",
		.action = "s3:GetObjectLegalHold", .run = s3_config_none, .config = "legal-hold"},
	{.name = "PutObjectLegalHold", .method = "PUT", .level = OBJECT, .parameter = "legal-hold",
		.action = "s3:PutObjectLegalHold", .run = s3_config_refuse, .config = "legal-hold",
		DOCUMENT},
	{.name = "GetObjectTorrent", .method = "GET", .level = OBJECT, .parameter = "torrent",
		.action = "s3:GetObjectTorrent", .permission = S3_READ, .run = s3_config_none,
		.config = "torrent"},
	{.name = "SelectObjectContent", .method = "POST", .level = OBJECT, .parameter = "select",
		.action = "s3:GetObject", .permission = S3_READ, .run = s3_not_supported, DOCUMENT},
	{.name = "RestoreObject", .method = "POST", .level = OBJECT, .parameter = "restore",
		.action = "s3:RestoreObject", .run = s3_not_supported, DOCUMENT},

	/* ---- multipart ---- */
	{.name = "CreateMultipartUpload", .method = "POST", .level = OBJECT, .parameter = "uploads",
		.action = "s3:PutObject", .permission = S3_WRITE, .is_bucket_acl = true,
		.run = s3_upload_create},
	{.name = "UploadPartCopy", .method = "PUT", .level = OBJECT, .parameter = "partNumber",
		.parameter2 = "uploadId", .header = "x-amz-copy-source", .action = "s3:PutObject",
		.permission = S3_WRITE, .is_bucket_acl = true, .run = s3_upload_part_copy},
	{.name = "UploadPart", .method = "PUT", .level = OBJECT, .parameter = "partNumber",
		.parameter2 = "uploadId", .action = "s3:PutObject", .permission = S3_WRITE,
		.is_bucket_acl = true, .body = API_BODY_STREAM, .body_max = STORE_PUT_BYTES_MAX,
		.start = s3_part_start, .run = s3_upload_part},
	{.name = "CompleteMultipartUpload", .method = "POST", .level = OBJECT,
		.parameter = "uploadId", .action = "s3:PutObject", .permission = S3_WRITE,
		.is_bucket_acl = true, .run = s3_upload_complete, BATCH},
	{.name = "AbortMultipartUpload", .method = "DELETE", .level = OBJECT,
		.parameter = "uploadId", .action = "s3:AbortMultipartUpload",
		.permission = S3_WRITE, .is_bucket_acl = true, .run = s3_upload_abort},
	{.name = "ListParts", .method = "GET", .level = OBJECT, .parameter = "uploadId",
		.action = "s3:ListMultipartUploadParts", .permission = S3_WRITE,
		.is_bucket_acl = true, .run = s3_upload_parts},

	/* ---- an object ---- */
	{.name = "GetObject", .method = "GET", .level = OBJECT, .action = "s3:GetObject",
		.version_action = "s3:GetObjectVersion", .permission = S3_READ,
		.wants_file = true, .run = s3_object_get},
	{.name = "HeadObject", .method = "HEAD", .level = OBJECT, .action = "s3:GetObject",
		.version_action = "s3:GetObjectVersion", .permission = S3_READ,
		.run = s3_object_head},
	{.name = "CopyObject", .method = "PUT", .level = OBJECT, .header = "x-amz-copy-source",
		.action = "s3:PutObject", .permission = S3_WRITE, .is_bucket_acl = true,
		.run = s3_object_copy},
	{.name = "PutObject", .method = "PUT", .level = OBJECT, .action = "s3:PutObject",
		.permission = S3_WRITE, .is_bucket_acl = true, .body = API_BODY_STREAM,
		.body_max = STORE_PUT_BYTES_MAX, .start = s3_put_start, .run = s3_object_put},
	{.name = "DeleteObject", .method = "DELETE", .level = OBJECT, .action = "s3:DeleteObject",
		.version_action = "s3:DeleteObjectVersion", .permission = S3_WRITE,
		.is_bucket_acl = true, .run = s3_object_delete},
};

const struct s3_operation *s3_route(struct str method, enum s3_level level,
	bool (*has_parameter)(void *context, struct str name),
	bool (*has_header)(void *context, struct str name), void *context)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		const struct s3_operation *row = &operations[i];

		if (row->level != level || !str_equal(method, str_from(row->method)))
			continue;
		if (row->parameter && !has_parameter(context, str_from(row->parameter)))
			continue;
		if (row->parameter2 && !has_parameter(context, str_from(row->parameter2)))
			continue;
		if (row->header && !has_header(context, str_from(row->header)))
			continue;
		return row;
	}
	return NULL;
}
