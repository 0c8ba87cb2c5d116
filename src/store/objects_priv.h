/* objects_priv: what the files objects_*.c share. The theory opens objects.c.
 * Lock order: a key's stripe, then tree, then a lock of struct store_objects. */
#pragma once

#include "store/objects.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* STR_NONE as the empty text, whose address may be used. */
static inline struct str some(struct str text)
{
	return text.p ? text : STR("");
}

/* ---- names of files (objects_path.c): pure ---- */

/* Longest: every byte as %XX, a mark a folder, a mark a cut, the name of a version. */
#define PATH_TEXT_MAX    3500
#define PATH_PART_MAX    240 /* of a part that is not cut; leaves room for marks */
#define PATH_VERSION_MAX 80

/* Where the object of a key lies in its bucket's folder: "logs/2026/a.txt". */
struct path {
	char text[PATH_TEXT_MAX];
	size_t folder_n; /* of "logs/2026"; 0: in the bucket's folder itself */
	const char *name;
};
/* False: no key (empty, too long, a NUL in it). */
bool path_of_key(struct str key, struct path *ret_path);
/* The key of a path, appended; false when no key has this path. */
bool path_to_key(struct str path, struct buf *key);
/* The name of a version in the folder NAME%v: its time and id. */
void path_version(char ret_name[static PATH_VERSION_MAX], int64_t stamp, const char *version);
bool path_parse_version(struct str name, int64_t *ret_stamp, struct str *ret_version);

/* ---- ids ---- */

/* A version or upload id: 13 characters that give the stamp back, 18 random ones. */
void id_make(char ret_id[static STORE_VERSION_MAX], int64_t stamp);
bool id_stamp(struct str id, int64_t *ret_stamp);

/* ---- what is kept with an object (objects_meta.c) ---- */

#define META_XATTR     "user.nagare"
#define META_XATTR_MAX 2000 /* above: a sidecar */

/* object without key. parts: the list of a multipart object, only beside the bytes. */
void meta_encode(
	struct buf *blob, const struct store_object *object, int64_t stamp, struct str parts);
/* Fills object but for key and is_latest; its storage owns a copy of blob. parts (may be NULL) lies
 * in the storage too. False: damaged. */
bool meta_decode(struct str blob, struct store_object *ret_object, int64_t *ret_stamp,
	struct str *ret_parts);
/* Of a blob, or of the storage of an object that was decoded from one. */
int64_t meta_stamp(struct str blob);
/* A list of parts: size and checksum of each. */
void meta_add_part(struct buf *parts, const struct store_part *part);
bool meta_find_part(struct str parts, unsigned number, int64_t *ret_offset, int64_t *ret_size,
	struct aws_checksum_value *ret_checksum);
/* Settings of an upload, in the same encoding. */
void meta_encode_upload(struct buf *blob, const struct store_upload *upload, struct str bucket);
bool meta_decode_upload(struct str blob, struct store_upload *ret_upload);
/* Lent by the blob; STR_NONE in one of before it was kept. */
struct str meta_upload_bucket(struct str blob);

/* ---- state ---- */

struct bucket {
	atomic_uint refs;
	int64_t id;
	int fd; /* its folder */
	char *name, *region, *owner;
	int64_t created_ms;
	atomic_int versioning;
};

/* A change of the index that waits for the next commit. */
struct change {
	/* Runs in the committing thread. <0: the index failed, and with it all of the group. An
	 * apply that refuses (by error of its own) has changed nothing. */
	int (*apply)(struct change *change, struct store_connection *connection, struct err *err);
	bool syncs_incoming;
	bool frees; /* space: may use the reserve, and be applied twice */
	bool is_done;
	int result;
	struct err err;
	struct change *next, *next_again;
};

/* A write under way: from its stamp to its files lying where they should. */
struct op {
	int64_t stamp;
	uint64_t draft; /* in incoming; 0: none */
	size_t bytes;   /* in the journal */
	struct op *previous, *next;
	/* Stuck ones only: what to settle when there is room again. */
	struct bucket *bucket;
	struct str key;
};

#define STRIPES 1024

struct store_objects {
	struct store_database *database;
	int root, incoming, buckets, uploads, sidecars, configs;
	int reserve; /* a file whose space deletions may use on a full disk; -1: none */

	pthread_mutex_t
		bucket_admin; /* before all others: one makes or changes buckets at a time */
	pthread_rwlock_t bucket_lock;
	struct bucket **bucket; /* in order of names */
	size_t bucket_count;

	pthread_mutex_t stripe[STRIPES];
	uint64_t seed;
	pthread_rwlock_t tree; /* exclusive: a file makes way for a folder of its name */

	pthread_mutex_t commit_lock;
	pthread_cond_t committed;
	struct change *waiting, **waiting_tail;
	bool is_committing;

	pthread_mutex_t op_lock;
	int64_t last_stamp;
	struct op *first_op, *last_op; /* in order of stamps */
	struct op *stuck;
	unsigned op_count; /* since the journal was cut */
	size_t journal_bytes;

	pthread_t keeper;
	bool has_keeper, is_closing;
	pthread_cond_t keeper_wakes;
};

/* ---- objects.c ---- */

/* Applies the change with others' in one transaction; 0 when it is on disk. */
int objects_commit(struct store_objects *objects, struct change *change, struct err *err);
void op_begin(struct store_objects *objects, struct op *op);
void op_end(struct store_objects *objects, struct op *op);
/* Instead of op_end: the index is committed, but the files could not be moved. */
void op_stuck(struct store_objects *objects, struct op *op, struct bucket *bucket, struct str key);
/* The same for a write of an earlier run. */
void stuck_add(
	struct store_objects *objects, const struct op *op, struct bucket *bucket, struct str key);
int64_t stamp_next(struct store_objects *objects);
pthread_mutex_t *key_lock(
	struct store_objects *objects, const struct bucket *bucket, struct str key);
static inline void mutex_unlockp(pthread_mutex_t **mutex)
{
	if (*mutex)
		pthread_mutex_unlock(*mutex);
}
#define _cleanup_unlock_ __attribute__((unused)) _cleanup_(mutex_unlockp)
/* Notes in the transaction that the key's files are about to be moved; or, with this for a draft,
 * that the settings of the bucket named by key are. bytes: all of a draft that was not
 * synchronised. */
#define JOURNAL_BUCKET UINT64_MAX
int journal_add(struct store_connection *connection, int64_t stamp, int64_t bucket, struct str key,
	uint64_t draft, struct str bytes, struct err *err);
int objects_create_tables(struct store_database *database, struct err *err);
/* What open and fsck share: without recovery and keeper; and folders only. */
int objects_open(struct store_objects **ret_objects, const char *folder,
	struct store_database *database, struct err *err);
/* There while fsck makes the index anew. */
#define OBJECTS_REBUILDING "rebuilding"
bool objects_are_rebuilt(const struct store_objects *objects);
int objects_open_folders(struct store_objects *objects, const char *folder, struct err *err);
void objects_close_folders(struct store_objects *objects);

/* errno as the client's error and the log's: a full disk is 503, which clients try again. */
int failed(struct aws_error *error, struct err *err, int errno_value, const char *format, ...)
	__attribute__((format(printf, 4, 5), cold));
/* The same for an err that is set. */
int failed_by(struct aws_error *error, const struct err *err) __attribute__((cold));

/* ---- objects_file.c: files in a bucket, never by a symbolic link ---- */

/* Opens a path below the folder; -errno. */
int file_open_below(int folder, const char *path, int flags);
/* The folder of a path, made if it has to be; *ret_fd is to be given to file_folder_close. -errno.
 */
int file_folder_open(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, bool make, int *ret_fd);
void file_folder_close(const struct bucket *bucket, int fd);
/* Moves a file of `from` into place as the current object of path; replaces: there was one before.
 */
int file_place(struct store_objects *objects, const struct bucket *bucket, const struct path *path,
	int from, const char *name, bool replaces);
/* Moves a file of `from` among the versions. */
int file_place_version(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, int from, const char *name, int64_t stamp, const char *version);
/* The current file goes among the versions, and back. -errno; -ENOENT: it is not there. */
int file_retire(struct store_objects *objects, const struct bucket *bucket, const struct path *path,
	int64_t stamp, const char *version);
int file_promote(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, int64_t stamp, const char *version);
int file_remove(
	struct store_objects *objects, const struct bucket *bucket, const struct path *path);
int file_remove_version(struct store_objects *objects, const struct bucket *bucket,
	const struct path *path, int64_t stamp, const char *version);
/* rmdir of the path's folders from the innermost out, as far as they are empty. */
void file_prune(const struct bucket *bucket, const struct path *path);
/* The current file, or a version's, open for reading; -errno. */
int file_open_current(const struct bucket *bucket, const struct path *path, bool *ret_is_aside);
int file_open_version(
	const struct bucket *bucket, const struct path *path, int64_t stamp, const char *version);
static inline int64_t stat_stamp(const struct stat *status)
{
	return status->st_mtim.tv_sec * INT64_C(1000000000) + status->st_mtim.tv_nsec;
}
/* "0123456789abcdef" */
#define FILE_NUMBER_MAX 24
void file_number(char ret_name[static FILE_NUMBER_MAX], uint64_t number);
void file_number_meta(char ret_name[static FILE_NUMBER_MAX], uint64_t number); /* "....meta" */
/* Whole small files with fsync, by draft and rename in the folder. -errno. */
int file_write_whole(struct store_objects *objects, int folder, const char *name, struct str bytes);
int file_read_whole(int folder, const char *name, struct buf *ret_bytes);
/* The blob beside the bytes of fd: its attribute, or the sidecar. false: none. */
bool file_meta_read(struct store_objects *objects, int fd, struct buf *ret_blob);
/* Writes it. Into a sidecar in incoming for draft `number`, or (number 0) into its final place.
 * -errno, or 1: in a sidecar, 0: an attribute. */
int file_meta_write(
	struct store_objects *objects, int fd, struct str blob, int64_t stamp, uint64_t number);
void file_sidecar_place(struct store_objects *objects, uint64_t number, int64_t stamp);
void file_sidecar_remove(struct store_objects *objects, int64_t stamp);

/* ---- objects_bucket.c ---- */

/* Lends a bucket: give it back by bucket_unref. NoSuchBucket. */
int bucket_ref(struct store_objects *objects, struct str name, struct bucket **ret_bucket,
	struct aws_error *error);
struct bucket *bucket_find_id(struct store_objects *objects, int64_t id); /* NULL, or a ref */
void bucket_unref(struct bucket *bucket);
MEM_DEFINE_CLEANUP(struct bucket, bucket_unref)
int buckets_load(struct store_objects *objects, struct err *err);
void buckets_done(struct store_objects *objects);
/* In a transaction: is the bucket still there, and with this versioning? 1: not there, 2: with
 * another. */
enum { BUCKET_E_OK, BUCKET_E_GONE, BUCKET_E_CHANGED };
int bucket_check(struct store_connection *connection, const struct bucket *bucket, int versioning,
	struct err *err);
/* The same for a change that only needs it to be there: NoSuchBucket in error, is_refused. */
int bucket_demand(struct store_connection *connection, const struct bucket *bucket,
	struct aws_error *error, bool *ret_is_refused, struct err *err);
/* Its row; sets its id. */
int bucket_insert(struct store_connection *connection, struct bucket *bucket, struct err *err);
/* Writes a bucket's settings as the index has them to DATA/configs/NAME, for fsck. */
int bucket_settle(struct store_objects *objects, int64_t id, struct err *err);

/* After a crash: a bucket's settings, or the removal of what is left of one that was deleted. */
void bucket_recover(struct store_objects *objects, struct str name);
/* For fsck, which makes buckets anew. */
struct bucket *bucket_new(struct str name, struct str region, struct str owner);
int bucket_open_folder(
	struct store_objects *objects, const char *name, int *ret_fd, struct err *err);
void bucket_add(struct store_objects *objects, struct bucket *bucket);
/* Folders of uploads without a row, and files in them without one (objects_upload.c). */
int uploads_sweep(struct store_objects *objects, struct err *err);
void upload_remove_files(struct store_objects *objects, const char *id);

/* ---- rows of the table objects (objects_row.c) ---- */

enum { ROW_MARKER = 1, ROW_SIDECAR = 2 };
struct row {
	int64_t stamp, size;
	unsigned flags;
	char version[STORE_VERSION_MAX];
	struct str meta; /* until the statement is stepped or reset */
};
#define ROW_COLUMNS "stamp, size, flags, version, meta"
void row_read(sqlite3_stmt *statement, int column, struct row *ret_row);
/* 1: found, 0: none. */
int row_latest(struct store_connection *connection, int64_t bucket, struct str key,
	struct row *ret_row, struct err *err);
int row_version(struct store_connection *connection, int64_t bucket, struct str key,
	struct str version, struct row *ret_row, struct err *err);
/* The newest older than stamp. */
int row_before(struct store_connection *connection, int64_t bucket, struct str key, int64_t stamp,
	struct row *ret_row, struct err *err);
int row_insert(struct store_connection *connection, int64_t bucket, struct str key,
	const struct row *row, struct str parts, struct err *err);
int row_delete(struct store_connection *connection, int64_t bucket, struct str key, int64_t stamp,
	struct err *err);
/* A row as an object; the key is copied. */
int row_object(
	const struct row *row, struct str key, struct store_object *ret_object, struct err *err);

/* ---- writing versions (objects_put.c) ---- */

#define PUBLISH_SMALL (16 << 10) /* what goes through the journal */

/* If-Match, If-None-Match against the latest row (NULL: none). 0, or refused in error. */
int condition_check(
	const struct store_condition *condition, const struct row *latest, struct aws_error *error);
/* A file in incoming that is not yet an object. */
struct store_draft {
	struct store_objects *objects;
	uint64_t number;
	int fd; /* -1: all is in bytes still */
	struct buf bytes;
	int64_t size, written, flushed;
	struct aws_hash md5, hash;
	bool has_md5, is_finished, is_published;
	uint8_t md5_value[AWS_MD5_SIZE];
	struct aws_checksum_value checksum;
};
/* The bytes are in the file. */
int draft_flush(struct store_draft *draft, struct aws_error *error, struct err *err);
int draft_file(struct store_draft *draft, struct aws_error *error, struct err *err);
/* A version being published with what has to move: object.etag, size, checksum, ... are given. */
struct publish {
	struct change change;
	struct store_objects *objects;
	struct bucket *bucket;
	struct str key;
	struct path path;
	struct op op;
	struct store_draft *draft;
	const struct store_condition *condition;
	struct store_object *object;
	struct str parts;
	struct str bytes; /* all of a small draft, for the journal; STR_NONE: it is synchronised */
	/* In the same transaction; NULL: nothing. check comes before any change, and may refuse: 1,
	 * error set. */
	int (*check)(struct publish *publish, struct store_connection *connection, struct err *err);
	int (*also)(struct publish *publish, struct store_connection *connection, struct err *err);
	void *also_context;
	struct aws_error *error;
	/* found out by apply */
	struct row row;
	struct buf blob;
	int versioning;
	bool is_changed, is_refused, replaces, retires, removes;
	struct row retired, removed;
	uint64_t draft_number;
};
int publish(struct publish *publish, struct err *err);

/* The file of a row (objects_get.c), wherever it is just now. exact: by its stamp; otherwise the
 * one that lies where the row says, for files whose times somebody has changed. -errno. */
int open_row(struct store_objects *objects, const struct bucket *bucket, const struct path *path,
	const struct store_object *object, int64_t stamp, bool exact);

/* ---- objects_upload.c ---- */

/* 1: found. ret_upload may be NULL. */
int upload_find(struct store_connection *connection, const struct bucket *bucket, struct str key,
	struct str id, struct store_upload *ret_upload, struct err *err);
/* NoSuchUpload. */
int upload_get(struct store_objects *objects, const struct bucket *bucket, struct str key,
	struct str id, struct store_upload *ret_upload, struct aws_error *error, struct err *err);
int upload_delete(struct store_connection *connection, const struct bucket *bucket, struct str key,
	struct str id, struct err *err);
/* Rows; one that is there is replaced. draft: of the part's file. */
int upload_insert(struct store_connection *connection, const struct bucket *bucket, struct str key,
	struct str id, struct str meta, struct err *err);
int upload_insert_part(struct store_connection *connection, struct str id,
	const struct store_part *part, uint64_t draft, struct str meta, struct err *err);
#define PART_NAME_MAX 40
void part_name(char ret_name[static PART_NAME_MAX], unsigned number, uint64_t draft);
/* A part is kept in the encoding of an object. part_decode leaves the number alone. */
void part_encode(struct buf *blob, const struct store_part *part);
bool part_decode(struct str blob, struct store_part *part);

/* ---- objects_rebuild.c ---- */

/* Rows for the buckets that have a folder but no row, from configs/BUCKET; told: one for each.
 * Returns how many, or <0. */
int rebuild_buckets(struct store_objects *objects, bool repair,
	const struct store_fsck_options *options, struct store_fsck_report *report,
	struct err *err);
/* A row from what lies beside a file's bytes, or (no metadata) from the bytes. 1: the file is not
 * as its metadata says. */
int rebuild_row(struct store_objects *objects, struct store_connection *connection, int64_t bucket,
	struct str key, int fd, const char *version, int64_t stamp, struct err *err);
/* Rows for the uploads that have a folder but no row. Returns how many lacked one, or <0. */
int rebuild_uploads(struct store_objects *objects, bool repair,
	const struct store_fsck_options *options, struct store_fsck_report *report,
	struct err *err);
/* MD5 of a file, and of another algorithm if not NONE. -errno. */
int rebuild_hash(int fd, enum aws_checksum algorithm, uint8_t ret_md5[static AWS_MD5_SIZE],
	struct aws_checksum_value *ret_checksum);
void fsck_tell(const struct store_fsck_options *options, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- objects_recover.c ---- */

/* Redoes what the journal says was committed but not moved, and removes drafts. */
int objects_recover(struct store_objects *objects, struct err *err);
/* The same but for uploads: without their rows they would seem to belong to nothing. */
int objects_recover_objects(struct store_objects *objects, struct err *err);
/* Moves the files of a key to where the index says; draft (0: none) is the file in incoming of the
 * version `stamp`. An empty key: the bucket's settings. */
int settle_key(struct store_objects *objects, struct bucket *bucket, struct str key, int64_t stamp,
	uint64_t draft, struct err *err);
/* The stamp of an open file: of its metadata, or its time. */
int64_t file_stamp(struct store_objects *objects, int fd);
void objects_retry_stuck(struct store_objects *objects);
