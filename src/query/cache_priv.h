/* cache: text objects as sorted Parquet, kept in a folder so that the next statement over them runs
 * at Parquet's speed with the same answer.
 * An entry is two files, named by a hash of the object's path, size, time (at a server bucket, key,
 * size and ETag) and of the fields that text without a header line is taken to have: the Parquet
 * file, and a JSON file with what the hash was made of, what reading the text met (lines, bad
 * lines, the first errors), and the Parquet file's size, hash and identity (inode, times). An entry
 * whose file has another identity is read and its hash compared; if that differs the entry is
 * damaged: it is removed and made again. The JSON file's own time says when the entry was last
 * used. Any number of processes may use a folder at a time: files appear by rename, and what is
 * there is removed only while nobody else uses the folder (a lock that users share). Owner: one
 * session. Making entries uses several threads and blocks. */
#pragma once

#include "base/file.h"
#include "query/locations_priv.h"
#include "record/format.h"

struct query_cache;

struct query_cache_options {
	const char *folder;
	uint64_t limit_bytes;
	const struct record_format *headerless; /* NULL: version 2 */
	bool strict; /* objects with bad lines are not taken from the cache */
	unsigned threads;
};

/* Makes the folder. Strings are copied, headerless must outlive it. */
int query_cache_open(
	struct query_cache **ret_cache, const struct query_cache_options *options, struct err *err);
/* Finds or makes the entries of the text objects that are selected (a flag per object). An object
 * without one (no room, larger than memory, unreadable) is read where it lies. */
int query_cache_apply(struct query_cache *cache, struct query_objects *objects,
	const bool *selected, struct err *err);
void query_cache_close(struct query_cache *cache);
MEM_DEFINE_CLEANUP(struct query_cache, query_cache_close)

/* What the JSON of an entry says. */
struct query_cache_entry {
	char *path; /* of the object */
	char *etag; /* "": a file, or a server without */
	uint64_t size_bytes;
	int64_t modified_ns;
	char *format;
	uint64_t lines, bad_lines;
	unsigned errors;
	struct err error[RECORD_READER_ERRORS];
	uint64_t bytes; /* of the Parquet file */
	uint64_t hash[2];
	uint64_t inode;
	int64_t file_modified_ns, file_changed_ns;
};
/* False when text is not an entry; the entry is then empty. */
bool query_cache_parse(struct str text, struct query_cache_entry *ret_entry);
/* NULL when a text is not UTF-8. */
char *query_cache_print(const struct query_cache_entry *entry);
void query_cache_entry_done(struct query_cache_entry *entry);

/* cache_files.c: what the hash is made of. */
char *query_cache_key(const struct query_cache_entry *entry);
void query_cache_name(const char *key, uint64_t ret_name[static 2]);
/* FOLDER/ab/abcd0123.ENDING; ending: "parquet" or "json". */
char *query_cache_file(const char *folder, const uint64_t name[static 2], const char *ending);
/* Sets hash and bytes, by what is at fd. */
int query_cache_measure(
	struct query_cache_entry *entry, int fd, const char *parquet, struct err *err);
/* Gives the Parquet file, which was measured, its name, and writes the JSON. */
int query_cache_commit(struct query_cache_entry *entry, struct file_draft *draft, const char *json,
	struct err *err);
/* False: it is not the JSON of the entry with this key. The entry is to be done in any case. */
bool query_cache_read(const char *json, const char *key, struct query_cache_entry *ret_entry);
/* Is the Parquet file what the entry says? One that was found intact is not read again. */
bool query_cache_is_intact(struct query_cache_entry *entry, const char *parquet, const char *json);
/* Has the Parquet file the hash that the JSON beside it says, whatever its identity? */
bool query_cache_is_whole(const char *parquet, const char *json);
/* The entry is used now, by the clock with which times are compared: the file system's is coarser.
 * False: there is none. */
bool query_cache_touch(const char *json);

/* convert_one.c: one text object as a Parquet file at fd, sorted by start and interface. */
enum { CONVERT_ONE_TOO_LARGE = 1 };
int query_convert_one(const struct query_object *object, const struct record_format *headerless,
	uint64_t memory_limit, int fd, struct query_cached *ret_met, struct err *err);
