/* s3_priv: what the files of the S3 service share: a call, a bucket with its configurations read,
 * and small helpers. Nothing here outlives its exchange but struct s3 and struct s3_bucket. */
#pragma once

#include "api/exchange.h"
#include "api/s3/s3.h"
#include "aws/arn.h"
#include "aws/checksum.h"
#include "aws/policy.h"
#include "aws/xml.h"

#include <pthread.h>
#include <stdatomic.h>

#define S3_NAMESPACE        "http://s3.amazonaws.com/doc/2006-03-01/"
#define S3_CONFIG_BYTES_MAX (1 << 20)
#define S3_LIST_BYTES_MAX   (4 << 20) /* DeleteObjects, CompleteMultipartUpload */
#define S3_METADATA_MAX     2048
#define S3_GRANTS_MAX       100
#define S3_OBJECT_TAGS_MAX  10
#define S3_BUCKET_TAGS_MAX  50
#define S3_TAG_KEY_MAX      128
#define S3_TAG_VALUE_MAX    256

/* ---- access control lists (acl.c) ---- */

enum s3_permission {
	S3_PERMISSION_NONE = 0,
	S3_READ = 1,
	S3_WRITE = 2,
	S3_READ_ACP = 4,
	S3_WRITE_ACP = 8,
	S3_FULL_CONTROL = 15
};
enum s3_grantee { S3_GRANTEE_USER, S3_GRANTEE_ALL, S3_GRANTEE_AUTHENTICATED, S3_GRANTEE_LOG };
struct s3_grant {
	enum s3_permission permission;
	enum s3_grantee kind;
	struct str id; /* canonical id of a user */
};
struct s3_acl {
	struct str owner; /* canonical id */
	struct s3_grant grants[S3_GRANTS_MAX];
	size_t count;
	struct buf storage; /* private */
};
void s3_acl_done(struct s3_acl *acl);
/* text: as s3_acl_write; empty: private of that owner. */
void s3_acl_read(struct s3_acl *ret_acl, struct str text, struct str owner);
void s3_acl_write(const struct s3_acl *acl, struct buf *text);
/* "public-read" etc. False: no such canned one. */
bool s3_acl_canned(struct s3_acl *acl, struct str name, struct str bucket_owner);
/* From x-amz-acl and x-amz-grant-*: *ret_given false when there are none. */
struct s3_call;
int s3_acl_headers(struct s3_call *call, struct s3_acl *ret_acl, struct str owner, bool *ret_given,
	struct aws_error *error);
int s3_acl_xml(struct s3_acl *ret_acl, struct str xml, struct aws_error *error);
void s3_acl_answer(struct buf *buf, const struct s3_acl *acl);
/* canonical_id empty: anonymous. The owner may always read and write the ACL. */
bool s3_acl_allows(const struct s3_acl *acl, enum s3_permission permission, struct str canonical_id,
	bool ignore_public);
/* May ACLs be set in the bucket, and this one? */
int s3_acl_check(struct s3_call *call, const struct s3_acl *acl, struct aws_error *error);
/* <Owner> or <Initiator>. */
void s3_acl_owner(struct aws_xml_writer *writer, const char *element, struct str canonical_id);
bool s3_acl_is_public(const struct s3_acl *acl);

/* ---- a bucket with its configurations read, immutable and counted (buckets.c) ---- */

struct s3_public_block {
	bool block_acls, ignore_acls, block_policy, restrict_buckets;
};
enum s3_ownership { S3_OWNER_WRITER, S3_OWNER_PREFERRED, S3_OWNER_ENFORCED };
struct s3_cors;
struct s3_lifecycle;
struct s3_events;

struct s3_bucket {
	atomic_uint references;
	uint64_t generation;
	struct store_bucket bucket;
	char canonical_id[AWS_CANONICAL_ID_SIZE + 1]; /* of the owner */
	struct aws_policy *policy;                    /* NULL: none */
	struct s3_acl acl;
	struct s3_public_block block;
	enum s3_ownership ownership;
	struct s3_cors *cors;
	struct s3_lifecycle *lifecycle;
	struct s3_events *events;
	struct s3_bucket *next;
};
int s3_bucket_get(struct s3 *s3, struct str name, struct s3_bucket **ret_bucket,
	struct aws_error *error, struct err *err);
void s3_bucket_unref(struct s3_bucket *bucket); /* NULL is a no-op */
/* After every change of the bucket or its configurations. */
void s3_bucket_changed(struct s3 *s3, struct str name);

#define S3_BUCKETS_CACHED 1024

struct s3_sender;
struct s3_kept;
struct s3_keeper;

struct s3 {
	struct store_objects *objects;
	struct api_callers callers;
	struct api_service service;
	char *region;
	pthread_mutex_t lock; /* of buckets and generation */
	struct s3_bucket *buckets[S3_BUCKETS_CACHED];
	uint64_t generation;
	struct aws_signing_keys *keys; /* of POST forms */
	struct s3_sender *sender;
	struct s3_keeper *keeper;
	const char *const *webhook_hosts;
	bool webhooks_to_loopback;
	atomic_uint_least64_t events_sent, events_failed, events_dropped;
	atomic_uint_least64_t expired_objects, expired_uploads;
};

/* ---- operations ---- */

enum s3_level { S3_LEVEL_SERVICE, S3_LEVEL_BUCKET, S3_LEVEL_OBJECT };

struct s3_operation {
	const char *name;
	const char *method; /* "GET"; HEAD has rows of its own */
	enum s3_level level;
	const char *parameter;         /* must be in the query; NULL: none asked */
	const char *parameter2;        /* and this one */
	const char *header;            /* must be there */
	const char *action;            /* "s3:GetObject"; NULL: asks by itself */
	const char *version_action;    /* with versionId; NULL: the same */
	enum s3_permission permission; /* of the ACL that may also allow it; of object or bucket */
	bool wants_file;               /* the object is opened when it is looked up */
	bool is_bucket_acl;            /* the ACL of the bucket decides, not of the object */
	enum api_body body;
	uint64_t body_max;
	/* Event thread, before the body; NULL: nothing. */
	int (*start)(struct s3_call *call, struct aws_error *error);
	int (*run)(struct s3_call *call, struct aws_error *error);
	const char *config; /* for the configurations of config.c: the store's name of it */
};
/* NULL: none fits. */
const struct s3_operation *s3_route(struct str method, enum s3_level level,
	bool (*has_parameter)(void *context, struct str name),
	bool (*has_header)(void *context, struct str name), void *context);

/* What the client says of the body's integrity (integrity.c). */
struct s3_integrity {
	bool has_md5;
	uint8_t md5[AWS_MD5_SIZE];
	enum aws_checksum algorithm;        /* of header or trailer, or announced */
	struct aws_checksum_value expected; /* algorithm NONE: not in the headers */
	bool in_trailer;
};

struct s3_call {
	struct api_exchange *exchange;
	struct s3 *s3;
	const struct s3_operation *operation;
	/* The request's headers, or a POST form's fields. */
	const struct aws_header *headers;
	size_t header_count;
	struct str bucket, key, version;
	struct s3_bucket *info; /* NULL: service level, or the bucket is being made */
	struct s3_integrity integrity;
	struct store_draft *draft;
	struct aws_hash hash;       /* the client's checksum, where the draft's is another one */
	struct store_object object; /* looked up for authorisation, or the one being written */
	struct str caller_id;       /* canonical id; empty: anonymous */
	char caller_storage[AWS_CANONICAL_ID_SIZE + 1];
	int fd;               /* of object; -1 */
	struct s3_kept *kept; /* s3_keep's */
	struct store_upload upload;
	void *more; /* an operation's own */
	void (*more_free)(void *more);
};

/* After exchange->caller is known. */
void s3_call_identify(struct s3_call *call);
int s3_check_key(struct str key, struct aws_error *error);
/* Could it ever have been made? us-east-1 once let more names be than today. InvalidBucketName. */
int s3_check_bucket(struct str name, struct aws_error *error);
/* Is it written as a version's id is? InvalidArgument about `argument`, whose value is text. */
int s3_check_version(
	const char *argument, struct str text, struct str version, struct aws_error *error);
struct err *s3_err(struct s3_call *call);
/* Copies and keeps text as long as the call. */
struct str s3_keep(struct s3_call *call, struct str text);
void s3_kept_done(struct s3_call *call);
bool s3_is_utf8(struct str text);
struct str s3_header(const struct s3_call *call, const char *name);    /* STR_NONE: not there */
struct str s3_parameter(const struct s3_call *call, const char *name); /* STR_NONE: not there */
void s3_set_time_header(struct s3_call *call, const char *name, int64_t ms);
/* Begins a document with the S3 name space. */
void s3_xml(struct aws_xml_writer *writer, struct buf *buf, const char *root);
int s3_answer_xml(struct s3_call *call, int status, struct aws_xml_writer *writer);
int s3_answer_empty(struct s3_call *call, int status);
/* InvalidArgument with ArgumentName and ArgumentValue. */
int s3_invalid_argument(
	struct aws_error *error, const char *name, struct str value, const char *message);
/* Parses a document whose root has this name; MalformedXML. */
int s3_xml_parse(
	struct aws_xml **ret_document, struct str text, const char *root, struct aws_error *error);
void s3_xml_etag(struct aws_xml_writer *writer, const char *etag); /* in quotes */
/* Integer parameter between 0 and max; absent: fallback. */
int s3_number_parameter(struct s3_call *call, const char *name, uint64_t fallback, uint64_t max,
	uint64_t *ret_value, struct aws_error *error);

/* ---- authorise.c ---- */

/* What else a policy may ask about. */
struct s3_access {
	const char *action;
	struct str bucket, key;
	const struct s3_bucket *info; /* NULL: no bucket */
	const struct s3_acl *acl;     /* that may allow it too; NULL: none */
	bool is_bucket_acl;           /* acl is the bucket's, whose account then has the resource */
	enum s3_permission permission;
	struct str version;
	struct str prefix;       /* s3:prefix, where the request has none */
	struct str tags;         /* of the existing object, URL-encoded */
	struct str request_tags; /* of the new one */
};
int s3_allow(struct s3_call *call, const struct s3_access *access, struct aws_error *error);
/* The same as a question. */
bool s3_may(struct s3_call *call, const struct s3_access *access);
/* Is the object to be looked up first? */
bool s3_authorizes_late(const struct s3_call *call);
/* By the operation's row: bucket level, or object level with the object looked up. */
int s3_authorize(struct s3_call *call, struct aws_error *error);
/* Looks an object up and asks whether the caller may, with 403 for 404 as AWS does. ret_object is
 * set also for a delete marker, which is an error. */
int s3_object_find(struct s3_call *call, const struct s3_access *about, struct str version,
	struct store_object *ret_object, int *ret_fd, struct aws_error *error);
/* A key is as a list with it for prefix. */
bool s3_may_list(
	struct s3_call *call, struct str bucket, struct str key, const struct s3_bucket *info);
void s3_object_acl(
	const struct s3_bucket *info, const struct store_object *object, struct s3_acl *ret_acl);

/* ---- integrity.c ---- */

int s3_integrity_read(struct s3_call *call, struct aws_error *error);
/* One x-amz-checksum-* value as header or form field. */
int s3_integrity_set(struct s3_integrity *integrity, enum aws_checksum algorithm, struct str text,
	struct aws_error *error);
/* The whole body of API_BODY_WHOLE against it. required: MissingContentMD5 without any. */
int s3_integrity_check_body(struct s3_call *call, bool required, struct aws_error *error);
/* md5 and value are of what came; the trailer is looked at here. */
int s3_integrity_check(struct s3_call *call, const uint8_t md5[static AWS_MD5_SIZE],
	const struct aws_checksum_value *value, struct aws_error *error);
void s3_answer_checksum(
	struct s3_call *call, const struct aws_checksum_value *value, bool is_composite);
void s3_xml_checksum(struct aws_xml_writer *writer, const struct aws_checksum_value *value);
const char *s3_checksum_element(enum aws_checksum algorithm); /* "ChecksumCRC32" */

/* ---- metadata.c: headers that an object keeps ---- */

/* From the request. Strings live as long as the call. */
int s3_headers_read(
	struct s3_call *call, struct store_headers *ret_headers, struct aws_error *error);
void s3_headers_answer(struct s3_call *call, const struct store_object *object);
int s3_storage_class(struct str name, struct aws_error *error);

/* ---- tagging.c ---- */

/* Checks x-amz-tagging's form and limits. */
int s3_tags_check(struct str encoded, struct aws_error *error);
int s3_tags_xml(struct str xml, size_t max, struct buf *encoded, struct aws_error *error);
/* The next tag; key and value decoded into storage (cleared first). */
bool s3_tags_next(
	struct str *rest, struct buf *storage, struct str *ret_key, struct str *ret_value);
size_t s3_tags_count(struct str encoded);

/* ---- conditions.c ---- */

struct s3_range {
	int64_t offset, size;
	bool is_whole;
};
/* RFC 9110 14.2: whole when there is none, or it is not one we understand; InvalidRange. */
int s3_range_parse(
	struct str header, int64_t size, struct s3_range *ret_range, struct aws_error *error);
enum s3_condition { S3_CONDITION_MET, S3_CONDITION_NOT_MODIFIED, S3_CONDITION_FAILED };
struct s3_conditions {
	struct str if_match, if_none_match, if_modified_since, if_unmodified_since;
};
/* Precedence of RFC 9110 13.2.2. ret_failed: the name of what failed. */
enum s3_condition s3_conditions_check(const struct s3_conditions *conditions, const char *etag,
	int64_t modified_ms, const char **ret_failed);
bool s3_etag_matches(struct str list, const char *etag);

/* ---- put.c ---- */

/* Headers, tags and ACL of the object that the request makes. */
int s3_object_start(struct s3_call *call, struct store_object *object, struct aws_error *error);
/* A draft of the body's size, hashed with algorithm. */
int s3_draft_start(struct s3_call *call, enum aws_checksum algorithm, struct aws_error *error);
int s3_draft_add(struct s3_call *call, struct str bytes, struct aws_error *error);
int s3_put_start(struct s3_call *call, struct aws_error *error);
/* MissingContentLength: what has no length is no body, but it may be a mistake. */
int s3_length_check(const struct s3_call *call, struct aws_error *error);
int s3_part_start(struct s3_call *call, struct aws_error *error);
int s3_post_start(struct s3_call *call, struct aws_error *error);
/* Bytes of a PostObject, which have fields before them. */
int s3_post_data(struct s3_call *call, struct str bytes, struct aws_error *error);
int s3_draft_data(struct api_exchange *exchange, struct str bytes, struct aws_error *error);
/* Finishes call->draft and checks it against the integrity; gives its values. */
int s3_draft_finish(struct s3_call *call, struct aws_checksum_value *ret_checksum,
	int64_t *ret_size, struct aws_error *error);
/* The ACL of a new object from headers: text for the store, owner told. */
int s3_object_acl_new(struct s3_call *call, struct str *ret_text, struct aws_error *error);
int s3_condition_headers(
	struct s3_call *call, struct store_condition *ret_condition, struct aws_error *error);
void s3_answer_written(struct s3_call *call, const struct store_object *object);
int s3_encryption_headers(struct s3_call *call, struct aws_error *error);

/* ---- copy.c ---- */
struct s3_source {
	struct str bucket, key, version;
	struct s3_bucket *info;
	struct store_object object;
	int fd;
};
void s3_source_done(struct s3_source *source);
int s3_source_open(struct s3_call *call, struct s3_source *ret_source, struct aws_error *error);
int s3_source_read(struct s3_call *call, struct s3_source *source, int64_t offset, int64_t size,
	struct aws_error *error);

/* ---- cors.c ---- */
int s3_cors_parse(struct s3_cors **ret_cors, struct str xml, struct aws_error *error);
void s3_cors_free(struct s3_cors *cors);
/* Adds the headers of a matching rule to the answer. */
void s3_cors_answer(struct s3_call *call);
int s3_cors_preflight(struct s3_call *call, struct aws_error *error);

/* ---- lifecycle.c, lifecycle_run.c ---- */
int s3_lifecycle_parse(
	struct s3_lifecycle **ret_lifecycle, struct str xml, struct aws_error *error);
/* The document with an ID in every rule that has none; changed stays empty when all have. */
int s3_lifecycle_name(struct str xml, struct buf *changed, struct aws_error *error);
void s3_lifecycle_free(struct s3_lifecycle *lifecycle);
/* x-amz-expiration, when a rule will remove the object. */
void s3_lifecycle_answer(struct s3_call *call, const struct store_object *object);
int s3_keeper_start(struct s3 *s3, const struct s3_options *options, struct err *err);
void s3_keeper_stop(struct s3 *s3);

/* ---- events.c, sender.c, webhook.c ---- */
/* May the server post there? */
bool s3_webhook_may(const struct s3 *s3, struct str url);
/* InvalidArgument when a destination is one that the server may not post to. */
int s3_events_check(const struct s3 *s3, struct str xml, struct aws_error *error);
int s3_events_parse(struct s3_events **ret_events, struct str xml, struct aws_error *error);
void s3_events_free(struct s3_events *events);
/* name: "ObjectCreated:Put". */
void s3_event(struct s3_call *call, const char *name, const struct store_object *object);
void s3_event_of(struct s3 *s3, const struct s3_bucket *info, const char *name,
	const struct store_object *object);
int s3_sender_start(struct s3 *s3, const struct s3_options *options, struct err *err);
void s3_sender_stop(struct s3 *s3);
void s3_send(struct s3 *s3, struct str url, struct str body);

/* ---- handlers, by file ---- */
int s3_bucket_create(struct s3_call *call, struct aws_error *error);
int s3_bucket_head(struct s3_call *call, struct aws_error *error);
int s3_bucket_delete(struct s3_call *call, struct aws_error *error);
int s3_bucket_list(struct s3_call *call, struct aws_error *error);
int s3_bucket_location(struct s3_call *call, struct aws_error *error);
int s3_bucket_get_versioning(struct s3_call *call, struct aws_error *error);
int s3_bucket_put_versioning(struct s3_call *call, struct aws_error *error);
int s3_config_get(struct s3_call *call, struct aws_error *error);
int s3_config_put(struct s3_call *call, struct aws_error *error);
int s3_config_delete(struct s3_call *call, struct aws_error *error);
int s3_config_none(struct s3_call *call, struct aws_error *error);
int s3_config_refuse(struct s3_call *call, struct aws_error *error);
int s3_policy_get(struct s3_call *call, struct aws_error *error);
int s3_policy_put(struct s3_call *call, struct aws_error *error);
int s3_policy_delete(struct s3_call *call, struct aws_error *error);
int s3_policy_status(struct s3_call *call, struct aws_error *error);
int s3_acl_get(struct s3_call *call, struct aws_error *error);
int s3_acl_put(struct s3_call *call, struct aws_error *error);
int s3_object_acl_get(struct s3_call *call, struct aws_error *error);
int s3_object_acl_put(struct s3_call *call, struct aws_error *error);
int s3_object_get(struct s3_call *call, struct aws_error *error);
int s3_object_head(struct s3_call *call, struct aws_error *error);
int s3_object_put(struct s3_call *call, struct aws_error *error);
int s3_object_copy(struct s3_call *call, struct aws_error *error);
int s3_object_attributes(struct s3_call *call, struct aws_error *error);
int s3_object_delete(struct s3_call *call, struct aws_error *error);
int s3_objects_delete(struct s3_call *call, struct aws_error *error);
int s3_tagging_get(struct s3_call *call, struct aws_error *error);
int s3_tagging_put(struct s3_call *call, struct aws_error *error);
int s3_tagging_delete(struct s3_call *call, struct aws_error *error);
int s3_list_objects(struct s3_call *call, struct aws_error *error);
int s3_list_objects_v2(struct s3_call *call, struct aws_error *error);
int s3_list_versions(struct s3_call *call, struct aws_error *error);
int s3_upload_create(struct s3_call *call, struct aws_error *error);
int s3_upload_part(struct s3_call *call, struct aws_error *error);
int s3_upload_part_copy(struct s3_call *call, struct aws_error *error);
int s3_upload_complete(struct s3_call *call, struct aws_error *error);
int s3_upload_abort(struct s3_call *call, struct aws_error *error);
int s3_upload_parts(struct s3_call *call, struct aws_error *error);
int s3_upload_list(struct s3_call *call, struct aws_error *error);
int s3_post_object(struct s3_call *call, struct aws_error *error);
int s3_not_supported(struct s3_call *call, struct aws_error *error);
