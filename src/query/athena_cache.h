/* athena_cache: what was read of text objects, kept as Parquet in a folder, so that the next
 * statement over the same objects runs at Parquet's speed with the same rows.
 * An entry is one object as one way to read it (columns, SerDe): all its columns, its lines in
 * their order. Its files are those of cache_priv.h; it is named by bucket and key, size, ETag and
 * the way to read, so that an object that is replaced has another entry. Which objects: text, CSV
 * and JSON of at least ATHENA_CACHE_OBJECT_MIN bytes, below which opening a file takes as long as
 * decoding; Parquet is left where it is.
 * A statement never waits for an entry: those that it missed are made after it has ended, by one
 * thread of low priority. What was not used for longest goes when the limit, or a tenth of the file
 * system that must stay free, is reached; never what a statement reads just now, and never for what
 * the same statement missed. Whatever fails (no space, damage) is read where it lies; an entry that
 * is another file than the one that was made is seen before it is read, one whose bytes have rotted
 * when a statement fails of it, which is then run again.
 * Owner: one process and folder; calls from any thread. Memory: 100 bytes an entry. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define ATHENA_CACHE_OBJECT_MIN ((uint64_t)64 << 10)

struct athena_cache;

struct athena_cache_options {
	const char *folder;           /* made; nothing else is in it */
	const char *temporary_folder; /* as athena_options' */
	uint64_t limit_bytes;
};
int athena_cache_open(struct athena_cache **ret_cache, const struct athena_cache_options *options,
	struct err *err);
void athena_cache_close(struct athena_cache *cache); /* no engine may use it any more */

struct athena_cache_stats {
	uint64_t entries, bytes, wanted; /* now; wanted: waiting or being made */
	uint64_t hits, misses;           /* objects of statements, since the start */
	uint64_t made, failed, evicted, damaged;
};
void athena_cache_stats(struct athena_cache *cache, struct athena_cache_stats *ret_stats);

/* ---- for the engine ---- */

/* An object as a statement found it. */
struct athena_cache_object {
	const char *path; /* of its file */
	uint64_t inode;
	int64_t modified_ns;
	const char *name, *etag; /* s3://BUCKET/KEY */
	uint64_t size;
};

/* A way to read objects; shared by what waits to be made. */
struct athena_reading;
struct athena_table;
/* format: equal for what gives equal rows. select: "SELECT ... FROM " with one column a column of
 * the entry; reader: what is read from, with the object's path as a literal between its parts, or
 * NULL: of text by the scan, as table says. Copies what it keeps. */
struct athena_reading *athena_reading_new(const struct athena_table *table, const char *format,
	const char *select, const char *const reader[2], unsigned columns);
void athena_reading_unref(struct athena_reading *reading);
MEM_DEFINE_CLEANUP(struct athena_reading, athena_reading_unref)

/* The Parquet file of an object, which stays until the pin is given back. NULL: there is none. */
struct athena_cache_pin;
struct athena_cache_pin *athena_cache_find(struct athena_cache *cache,
	const struct athena_cache_object *object, const struct athena_reading *reading,
	char **ret_path);
/* A statement that read it has failed. True: it is damaged, and gone. */
bool athena_cache_doubt(struct athena_cache *cache, struct athena_cache_pin *pin);
void athena_cache_unpin(struct athena_cache *cache, struct athena_cache_pin *pin);
/* It was missed at this time (clock_wall_ns) and may be made. */
void athena_cache_want(struct athena_cache *cache, const struct athena_cache_object *object,
	struct athena_reading *reading, int64_t missed_ns);
