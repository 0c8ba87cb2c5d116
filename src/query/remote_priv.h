/* remote: objects in buckets at an S3 server, listed and read through its API (S3 API reference,
 * ListObjectsV2, GetObject).
 * Listing goes down the folders in parallel and never into one that prune excludes; folders of
 * other services below AWSLogs/ are left out. Reading is by ranges of at most REMOTE_PART_BYTES,
 * several at a time and ahead of whoever reads, so that waiting for the network keeps no core idle;
 * what is fetched and not yet read stays below REMOTE_AHEAD_BYTES. An object that has changed since
 * it was listed is an error, not a mix, and the next statement lists again.
 * Owner: a session. Any thread may open and read; listing, planning and resetting belong to the
 * session's. Strings are copied. */
#pragma once

#include "base/err.h"
#include "base/input.h"
#include "base/mem.h"
#include "query/locations_priv.h"
#include "query/prune_priv.h"
#include "query/query.h"
#include "record/parquet_footer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define REMOTE_SCHEME      "s3://"
#define REMOTE_PART_BYTES  (8 << 20)
#define REMOTE_AHEAD_BYTES (128 << 20)
#define REMOTE_THREADS     16

struct query_remote;

/* What a remote object is besides its path, "s3://BUCKET/KEY". */
struct query_remote_object {
	struct query_remote *remote;
	char *bucket, *key, *etag; /* etag with its quotes; "" when the server has none */
	char *copy;                /* NULL, or the file that holds a copy for DuckDB (Parquet) */
	struct query_remote_parts *parts; /* NULL, or which parts of it the copy has */
	bool is_taken;                    /* fetch.c: fetched or read since the plan was made */
};

bool query_remote_is_location(const char *location);
int query_remote_new(
	struct query_remote **ret_remote, const struct query_s3_options *options, struct err *err);
void query_remote_free(struct query_remote *remote);
MEM_DEFINE_CLEANUP(struct query_remote, query_remote_free)

/* Ends listing and reading; any thread, signal handlers too. Until query_remote_reset. */
void query_remote_interrupt(struct query_remote *remote);
/* Before a statement: forgets interruption, plan and what was fetched for the one before. */
int query_remote_reset(struct query_remote *remote, struct err *err);

/* Appends the objects of a location that may match. ERR_NOT_FOUND when there is none at all. What
 * prune left out is added to *ret_left_out, a folder as one. */
int query_remote_list(struct query_remote *remote, const char *location, const struct prune *prune,
	struct query_objects *objects, uint64_t *ret_left_out, struct err *err);
/* Since it was asked last: was an object another one than the listing says? */
bool query_remote_take_outdated(struct query_remote *remote);
/* The objects that will be opened, in this order: they are fetched ahead once the first one is.
 * Borrowed until the next plan or reset. */
void query_remote_plan(
	struct query_remote *remote, const struct query_object *const *objects, size_t count);
/* peek: only the beginning will be read. */
int query_remote_open(
	const struct query_object *object, bool peek, struct input **ret_input, struct err *err);
/* Fetches these to files in folder and sets their copy. */
int query_remote_copy(struct query_remote *remote, struct query_object *const *objects,
	size_t count, const char *folder, struct err *err);

/* ---- remote_parquet.c: Parquet objects of which only parts are fetched ---- */

/* What a statement reads of an object; of all objects the same columns. */
struct query_remote_want {
	void *context;
	bool (*column)(void *context, struct str name);
	/* parts: of the row group. False: none of its rows is wanted. */
	bool (*group)(void *context, const struct query_object *object,
		const struct record_parquet_part *parts, size_t count);
};
/* Fetches the footers of these to files in folder and sets their copy. A small object is fetched
 * whole, and so is one whose footer is not understood. */
int query_remote_copy_footers(struct query_remote *remote, struct query_object *const *objects,
	size_t count, const char *folder, struct err *err);
/* Fetches what is wanted of them and is not there yet; row groups that are not wanted are not in
 * the copies' footers afterwards. want NULL: everything. */
int query_remote_copy_parts(struct query_remote *remote, struct query_object *const *objects,
	size_t count, const char *folder, const struct query_remote_want *want, struct err *err);
void query_remote_parts_free(struct query_remote_parts *parts);

/* Since the reset; also while it works. */
struct query_remote_progress {
	uint64_t listed, requests, bytes; /* bytes: of objects, received */
	uint64_t objects, objects_all;
	uint64_t bytes_all; /* of the plan; 0: not known yet */
	bool is_listing;
};
void query_remote_progress(
	const struct query_remote *remote, struct query_remote_progress *ret_progress);

/* ---- between the parts ---- */

struct aws_client;

struct query_remote_get {
	const struct query_object *object;
	uint64_t offset;
	size_t length;
	int fd;       /* -1: into the buffer */
	bool is_peek; /* does not count as reading the object */
};
/* remote.c: one GET; the bytes go to buf, or to fd at their offset. */
int query_remote_get(struct query_remote *remote, const struct query_remote_get *get,
	struct buf *buf, struct err *err);
struct aws_client *query_remote_client(struct query_remote *remote);
bool query_remote_is_interrupted(const struct query_remote *remote);
bool query_remote_requester_pays(const struct query_remote *remote);
/* remote.c: bytes that will be fetched, in so many objects, for the progress. */
void query_remote_expect(struct query_remote *remote, uint64_t bytes, uint64_t objects);
/* Has the folder room for so many bytes more? */
int query_remote_check_room(const char *folder, uint64_t bytes, struct err *err);
/* Does count tasks by a few threads; the first failure ends it. */
int query_remote_each(size_t count, int (*task)(void *context, size_t index, struct err *err),
	void *context, struct err *err);
/* Counts a request, and keys that were looked at. */
void query_remote_count(struct query_remote *remote, uint64_t requests, uint64_t listed);
void query_remote_set_listing(struct query_remote *remote, bool is_listing);
/* fetch.c */
struct query_fetch;
struct query_fetch *query_fetch_new(struct query_remote *remote);
void query_fetch_free(struct query_fetch *fetch);
void query_fetch_plan(
	struct query_fetch *fetch, const struct query_object *const *objects, size_t count);
int query_fetch_open(struct query_fetch *fetch, const struct query_object *object, bool peek,
	struct input **ret_input, struct err *err);
