/* convert_bucket: a destination that is a prefix of a bucket at an S3 server.
 * A conversion writes into a folder of its own below $TMPDIR as into any destination; what a unit
 * became is then uploaded. The journal lies in the bucket too, below PREFIX/.nagare-convert/, under
 * names that begin with a dot, which readers of flow logs (Athena's among them) pass over. Objects
 * show one by one: before the first one a note of their keys is put, after the last one the unit's
 * record, and the note is deleted. Whoever finds a note without its record deletes those keys.
 * Each body goes with its CRC-32, which the server compares; what is larger than a part goes in
 * parts (CreateMultipartUpload), and whoever follows a note aborts those of its keys.
 * There is no lock as in a folder: of two conversions of the same sources at a time the second
 * one's note is refused. Owner: one conversion, one thread. */
#pragma once

#include "query/convert_priv.h"

struct aws_answer;
struct aws_call;
struct convert_bucket {
	struct query_remote *remote;
	char *location; /* s3://BUCKET/PREFIX/ */
	char *name;
	char *prefix; /* "" or with a slash at its end */
	char *folder;
	uint64_t part_bytes; /* larger files are uploaded in parts */
};

/* ---- between the files ---- */

/* One call about a key of the bucket, or about the bucket (NULL). */
int convert_bucket_call(struct convert_bucket *bucket, struct aws_call *call, const char *key,
	struct aws_answer *answer, struct err *err);
/* convert_upload.c: the file's bytes as an object, in parts that are sent at the same time. What
 * fails is aborted. */
int convert_upload(
	struct convert_bucket *bucket, const char *key, struct str bytes, struct err *err);
/* Aborts what killed runs have begun for a key. */
int convert_upload_abort_all(struct convert_bucket *bucket, const char *key, struct err *err);
/* ---- */

/* Makes the folder, with the journal that the bucket has, and cleans up behind a run that was
 * killed. location: s3://BUCKET[/PREFIX]. */
int convert_bucket_open(struct convert_bucket **ret_bucket, const char *location,
	const struct query_s3_options *s3, uint64_t part_bytes, struct err *err);
/* The folder to write to. */
const char *convert_bucket_folder(const struct convert_bucket *bucket);
/* Is the object one of the destination's? */
bool convert_bucket_has(const struct convert_bucket *bucket, const struct query_object *object);
/* Uploads a unit that is committed in the folder, and removes its files there. */
int convert_bucket_commit(
	struct convert_bucket *bucket, const struct convert_unit *unit, struct err *err);
/* The files of a unit as the bucket has them, back into the folder. */
int convert_bucket_fetch(
	struct convert_bucket *bucket, const struct convert_unit *unit, struct err *err);
/* And away with them. */
void convert_bucket_drop(const struct convert_bucket *bucket, const struct convert_unit *unit);
void convert_bucket_close(struct convert_bucket *bucket);
MEM_DEFINE_CLEANUP(struct convert_bucket, convert_bucket_close)
