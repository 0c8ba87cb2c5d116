/* convert_bucket: a destination that is a prefix of a bucket at an S3 server.
 * A conversion writes into a folder of its own below $TMPDIR as into any destination; what a unit
 * became is then uploaded. The journal lies in the bucket too, below PREFIX/.nagare-convert/, under
 * names that begin with a dot, which readers of flow logs (Athena's among them) pass over. Objects
 * show one by one: before the first one a note of their keys is put, after the last one the unit's
 * record, and the note is deleted. Whoever finds a note without its record deletes those keys.
 * Each body goes with its CRC-32, which the server compares.
 * There is no lock as in a folder: of two conversions of the same sources at a time the second
 * one's note is refused. Owner: one conversion, one thread. */
#pragma once

#include "query/convert_priv.h"

struct convert_bucket;

/* Makes the folder, with the journal that the bucket has, and cleans up behind a run that was
 * killed. location: s3://BUCKET[/PREFIX]. */
int convert_bucket_open(struct convert_bucket **ret_bucket, const char *location,
	const struct query_s3_options *s3, struct err *err);
/* The folder to write to. */
const char *convert_bucket_folder(const struct convert_bucket *bucket);
/* Is the object one of the destination's? */
bool convert_bucket_has(const struct convert_bucket *bucket, const struct query_object *object);
/* Uploads a unit that is committed in the folder, and removes its files there. */
int convert_bucket_commit(
	struct convert_bucket *bucket, const struct convert_unit *unit, struct err *err);
void convert_bucket_close(struct convert_bucket *bucket);
MEM_DEFINE_CLEANUP(struct convert_bucket, convert_bucket_close)
