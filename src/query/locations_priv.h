/* locations: the objects behind what the user named.
 * A folder is walked with all below it, links followed, hidden names (drafts of writers among them)
 * left out, and files taken by suffix: .log .txt .gz (.log.gz) .zst .parquet. A file that is named,
 * or matched by a glob, is taken whatever it is called, and Parquet told by its first bytes. In a
 * glob
 * `**` stands for any number of folders. An object that two locations reach is read once. */
#pragma once

#include "base/err.h"
#include "base/input.h"
#include "base/mem.h"
#include "record/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct query_remote_object;

struct query_object {
	char *path;
	bool parquet;
	uint64_t size_bytes;
	int64_t modified_ns;
	dev_t device;
	ino_t inode;
	struct query_remote_object *remote; /* NULL: a file */
	/* of text: the same as Parquet, in the cache (cache.c); NULL: read where it lies */
	struct query_cached *cached;
	bool uncacheable; /* it was tried, or is not wanted from there */
};

/* A copy of a text object as Parquet, and what reading the text met. */
struct query_cached {
	char *path;
	uint64_t lines, bad_lines;
	unsigned errors;
	struct err error[RECORD_READER_ERRORS];
};

struct query_objects {
	struct query_object *object; /* sorted by path */
	size_t count, capacity;
};

/* The files of the locations; those at servers (s3://) are passed over. Fails with ERR_NOT_FOUND
 * for a location that is not there or has no flow log in it. */
int query_objects_list(struct query_objects *ret_objects, const char *const *locations,
	size_t count, struct err *err);
/* Sorts by path and leaves one of what is there twice, after objects were added. */
void query_objects_sort(struct query_objects *objects);
/* The bytes of an object, from whatever holds it: the one place where the scan gets them. */
int query_object_open(const struct query_object *object, struct input **ret_input, struct err *err);
/* The same when only the beginning will be read. */
int query_object_peek(const struct query_object *object, struct input **ret_input, struct err *err);
/* Where a file has the bytes of an object: the object itself, its entry in the cache or a copy of
 * what is at a server. NULL: there is none, of text at a server. */
const char *query_object_path(const struct query_object *object);
/* Is, or will there be, Parquet at that path? */
bool query_object_is_parquet(const struct query_object *object);
/* Of two listings: nothing says that it has changed. */
bool query_object_is_same(const struct query_object *a, const struct query_object *b);
void query_objects_done(struct query_objects *objects);
