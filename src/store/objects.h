/* objects: S3's buckets and objects on files. What an object holds is a plain file under
 * DATA/buckets/BUCKET/..., in folders named as the key's parts, so that `ls` shows what is there;
 * objects.c says how names that a file system cannot take are written. The index (keys, sizes,
 * ETags, headers, versions, uploads, configurations) is in the database; what fsck needs to make an
 * object's index row anew lies beside its bytes.
 * Source: Amazon S3 API reference and user guide; names follow them.
 *
 * Promises: when a call that writes has returned 0, what it wrote survives kill -9 and power loss,
 * whole; before that, and after an error, nothing of it shows. A reader keeps the object it opened,
 * however it is replaced or deleted meanwhile. A start after a crash removes what was half written.
 * Writes by many threads at once share their fsyncs.
 *
 * Threads: all may share a struct store_objects; a draft or reader has one owner at a time. Every
 * call may block on the disk. What a client can do wrong comes back in struct aws_error with S3's
 * code; inner failures are InternalError, with err telling the log what happened, and a full disk
 * is ServiceUnavailable (503), which clients try again later. Times are milliseconds since the
 * epoch. Strings that come in are borrowed for the call; what a result lends lives until the
 * result's done function. */
#pragma once

#include "aws/checksum.h"
#include "aws/error.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_KEY_MAX          1024 /* bytes of UTF-8 */
#define STORE_LIST_MAX         1000
#define STORE_PARTS_MAX        10000
#define STORE_PART_BYTES_MIN   (5 << 20) /* all parts but the last */
#define STORE_OBJECT_BYTES_MAX (INT64_C(5) << 40)
#define STORE_PUT_BYTES_MAX    (INT64_C(5) << 30)
#define STORE_VERSION_MAX      32 /* of a version or upload id, with its NUL */
#define STORE_ETAG_MAX         48 /* "...-10000" without quotes, with its NUL */

/* The index's name in the data directory: whoever opens the database there uses it, and fsck too.
 */
#define STORE_INDEX_NAME "nagare.db"

struct store_objects;

/* One process at a time may have the folder open. A folder with objects but an empty index is
 * refused: fsck makes the index anew. folder is the data directory; database outlives the store.
 * Recovers from a crash first. */
int store_objects_open(struct store_objects **ret_objects, const char *folder,
	struct store_database *database, struct err *err);
void store_objects_close(struct store_objects *objects);
MEM_DEFINE_CLEANUP(struct store_objects, store_objects_close)

/* ---- buckets ---- */

enum store_versioning {
	STORE_VERSIONING_NEVER,
	STORE_VERSIONING_ENABLED,
	STORE_VERSIONING_SUSPENDED
};

struct store_bucket {
	struct str name, region, owner; /* owner: account id */
	int64_t created_ms;
	enum store_versioning versioning;
	struct buf storage; /* private: of the strings */
};
void store_bucket_done(struct store_bucket *bucket);

/* BucketAlreadyOwnedByYou, BucketAlreadyExists, InvalidBucketName. */
int store_bucket_create(struct store_objects *objects, struct str name, struct str region,
	struct str owner, struct aws_error *error, struct err *err);
/* NoSuchBucket. Quick: no disk when the bucket was looked up lately. */
int store_bucket_get(struct store_objects *objects, struct str name,
	struct store_bucket *ret_bucket, struct aws_error *error, struct err *err);
/* BucketNotEmpty while it has an object, version or delete marker; its uploads go with it. */
int store_bucket_delete(
	struct store_objects *objects, struct str name, struct aws_error *error, struct err *err);
/* One call of visit a bucket in the order of names, from behind `after`, with `prefix`; stops when
 * visit returns false. */
int store_bucket_list(struct store_objects *objects, struct str prefix, struct str after,
	bool (*visit)(void *context, const struct store_bucket *bucket), void *context,
	struct err *err);
int store_bucket_set_versioning(struct store_objects *objects, struct str name,
	enum store_versioning versioning, struct aws_error *error, struct err *err);

/* A bucket's configurations are documents that the caller understands, by S3's sub-resource name:
 * "policy", "cors", "lifecycle", "tagging", "notification", "acl", "encryption",
 * "publicAccessBlock", "ownershipControls", "logging", "website", ... */
/* 0 and the text, in place of what *ret_text held, or STORE_E_NO_CONFIG. */
enum { STORE_E_OK, STORE_E_NO_CONFIG };
int store_config_get(struct store_objects *objects, struct str bucket, struct str name,
	struct buf *ret_text, struct aws_error *error, struct err *err);
int store_config_put(struct store_objects *objects, struct str bucket, struct str name,
	struct str text, struct aws_error *error, struct err *err);
int store_config_delete(struct store_objects *objects, struct str bucket, struct str name,
	struct aws_error *error, struct err *err);

/* ---- objects ---- */

/* Headers kept with an object and given back as they came. */
struct store_headers {
	struct str content_type, content_encoding, content_language, content_disposition,
		cache_control, expires, website_redirect, storage_class;
	struct str user; /* user metadata: "name:value\n" lines, names in lower case without
			    x-amz-meta- */
};

struct store_object {
	struct str key;
	char version[STORE_VERSION_MAX]; /* "null" for the unversioned one */
	char etag[STORE_ETAG_MAX];       /* without quotes */
	int64_t size, modified_ms;
	bool is_latest, is_delete_marker;
	unsigned parts; /* 0: not made of parts */
	struct aws_checksum_value checksum;
	struct store_headers headers;
	struct str tags;    /* URL-encoded as x-amz-tagging, empty: none */
	struct str acl;     /* a document of the caller's, empty: none */
	struct buf storage; /* private: of the strings */
};
void store_object_done(struct store_object *object);

/* If-Match, If-None-Match on writing. Empty: no condition; "*" or a quoted or bare ETag. */
struct store_condition {
	struct str if_match, if_none_match;
};

/* An object being written: bytes first (any number of adds), then where to. */
struct store_draft;
/* Room for size bytes is made if size is known (>= 0): a full disk shows here. */
int store_draft_new(struct store_objects *objects, struct store_draft **ret_draft, int64_t size,
	struct aws_error *error, struct err *err);
/* Hashes (MD5 always; algorithm too unless NONE) and writes. */
void store_draft_hash(struct store_draft *draft, enum aws_checksum algorithm); /* before any add */
int store_draft_add(
	struct store_draft *draft, struct str bytes, struct aws_error *error, struct err *err);
/* No more bytes: the values of what was added. May be called once, before publishing. */
void store_draft_finish(struct store_draft *draft, uint8_t ret_md5[static AWS_MD5_SIZE],
	struct aws_checksum_value *ret_checksum, int64_t *ret_size);
void store_draft_free(struct store_draft *draft); /* throws away what was not published */
MEM_DEFINE_CLEANUP(struct store_draft, store_draft_free)

/* Publishes the draft (finished or not) under the key. object gives headers, tags, acl; the rest of
 * it is set on return (version: empty unless the bucket has or had versioning). The draft may only
 * be freed afterwards. PreconditionFailed, ConditionalRequestConflict, NoSuchKey (If-Match on
 * nothing), KeyTooLongError. */
int store_object_put(struct store_objects *objects, struct str bucket, struct str key,
	struct store_draft *draft, const struct store_condition *condition,
	struct store_object *object, struct aws_error *error, struct err *err);

/* version empty: the latest. NoSuchKey; NoSuchVersion; a delete marker fills ret_object and gives
 * NoSuchKey (latest) or MethodNotAllowed (named), with is_delete_marker set. ret_fd (NULL: not
 * wanted) is the caller's to close and reads the object however it is replaced meanwhile. */
int store_object_get(struct store_objects *objects, struct str bucket, struct str key,
	struct str version, struct store_object *ret_object, int *ret_fd, struct aws_error *error,
	struct err *err);
/* What part `part` of a multipart object covers; InvalidPart when it has none. */
int store_object_part(struct store_objects *objects, struct str bucket,
	const struct store_object *object, unsigned part, int64_t *ret_offset, int64_t *ret_size,
	struct aws_checksum_value *ret_checksum, struct aws_error *error, struct err *err);

struct store_deleted {
	char version[STORE_VERSION_MAX]; /* deleted, or of the marker that was made; may be empty */
	bool is_delete_marker;
};
/* As S3: without a version in a bucket with versioning makes a marker; no such key is no error. */
int store_object_delete(struct store_objects *objects, struct str bucket, struct str key,
	struct str version, const struct store_condition *condition,
	struct store_deleted *ret_deleted, struct aws_error *error, struct err *err);
/* Replaces tags or acl (p not NULL) of a version in place; ret_version tells which. */
int store_object_annotate(struct store_objects *objects, struct str bucket, struct str key,
	struct str version, struct str tags, struct str acl,
	char ret_version[static STORE_VERSION_MAX], struct aws_error *error, struct err *err);

/* ---- listing ---- */

struct store_list_options {
	struct str bucket, prefix, delimiter;
	struct str after;         /* start behind this key; with a delimiter, a common prefix too */
	struct str after_version; /* versions: behind this one of key `after` */
	unsigned max;             /* 0..1000 */
	bool versions;            /* all versions and markers, newest first in a key */
};
struct store_list {
	struct store_object
		*objects; /* in order of keys; with headers only where listing needs them */
	size_t count;
	struct str *prefixes; /* common prefixes, in order */
	size_t prefix_count;
	bool is_truncated;
	struct str next_key; /* the last key or prefix given: `after` of the next page */
	char next_version[STORE_VERSION_MAX];
	struct buf storage; /* private */
};
/* A thousand keys of a prefix among millions cost the thousand, with a delimiter too. */
int store_list(struct store_objects *objects, const struct store_list_options *options,
	struct store_list *ret_list, struct aws_error *error, struct err *err);
void store_list_done(struct store_list *list);

/* ---- multipart uploads ---- */

struct store_upload {
	char id[STORE_VERSION_MAX];
	struct str key, owner;
	int64_t started_ms;
	enum aws_checksum algorithm; /* NONE: parts carry none */
	enum aws_checksum_type type;
	struct store_headers headers;
	struct str tags, acl;
	struct buf storage; /* private */
};
void store_upload_done(struct store_upload *upload);

/* upload gives key, owner, algorithm, type, headers, tags, acl; the rest is set. */
int store_upload_create(struct store_objects *objects, struct str bucket,
	struct store_upload *upload, struct aws_error *error, struct err *err);
/* NoSuchUpload. */
int store_upload_get(struct store_objects *objects, struct str bucket, struct str key,
	struct str id, struct store_upload *ret_upload, struct aws_error *error, struct err *err);
struct store_part {
	unsigned number; /* 1..10000 */
	char etag[STORE_ETAG_MAX];
	int64_t size, modified_ms;
	struct aws_checksum_value checksum;
};
/* number is given, the rest set. */
int store_part_put(struct store_objects *objects, struct str bucket, struct str key, struct str id,
	struct store_draft *draft, struct store_part *part, struct aws_error *error,
	struct err *err);
/* Parts with numbers above `after`, at most max; free() the array. */
int store_part_list(struct store_objects *objects, struct str bucket, struct str key, struct str id,
	unsigned after, unsigned max, struct store_part **ret_parts, size_t *ret_count,
	bool *ret_is_truncated, struct aws_error *error, struct err *err);
/* parts: number, etag and checksum (may be NONE) as the client listed them. expected: the whole's
 * checksum if the client gave it. InvalidPart, InvalidPartOrder, EntityTooSmall, BadDigest; again
 * with the same parts after it was completed answers as then. ret_object as store_object_put. */
int store_upload_complete(struct store_objects *objects, struct str bucket, struct str key,
	struct str id, const struct store_part *parts, size_t count,
	const struct aws_checksum_value *expected, const struct store_condition *condition,
	struct store_object *ret_object, struct aws_error *error, struct err *err);
int store_upload_abort(struct store_objects *objects, struct str bucket, struct str key,
	struct str id, struct aws_error *error, struct err *err);
struct store_upload_list_options {
	struct str bucket, prefix, delimiter, after_key, after_id;
	unsigned max;
};
struct store_upload_list {
	struct store_upload *uploads; /* in order of key, then start */
	size_t count;
	struct str *prefixes;
	size_t prefix_count;
	bool is_truncated;
	struct str next_key;
	char next_id[STORE_VERSION_MAX];
	struct buf storage; /* private */
};
int store_upload_list(struct store_objects *objects,
	const struct store_upload_list_options *options, struct store_upload_list *ret_list,
	struct aws_error *error, struct err *err);
void store_upload_list_done(struct store_upload_list *list);

/* ---- care ---- */

struct store_fsck_report {
	uint64_t objects, bytes; /* looked at */
	uint64_t missing_files, wrong_size,
		wrong_digest;                 /* index rows whose file is not as it says */
	uint64_t unknown_files, half_written; /* files without a row */
	uint64_t orphans;                     /* sidecars of objects that are gone */
	uint64_t repaired;
};
struct store_fsck_options {
	bool repair;                                      /* otherwise only tells */
	bool read_objects;                                /* compare digests, not only sizes */
	void (*told)(void *context, const char *finding); /* a sentence a finding */
	/* After each file; expected: how many the index knows, 0 when it is new. NULL: not wanted.
	 */
	void (*progressed)(
		void *context, const struct store_fsck_report *so_far, uint64_t expected);
	void *context;
};
/* Compares files with index; the server must not run. With the index gone or damaged, repair makes
 * it anew from the files: buckets with their configurations, objects, versions, markers, uploads
 * under way with their parts. What is damaged or belongs to nothing is moved to DATA/damaged, never
 * deleted; drafts are deleted. What is told of a repair is a sentence too. */
int store_fsck(const char *folder, const struct store_fsck_options *options,
	struct store_fsck_report *ret_report, struct err *err);
