/* settle_key brings one key's files to where the index says, from whatever state: it asks each file
 * that it finds for its stamp and each stamp for its row. It does the same as the writers' own
 * moves, slower, and may be repeated. */
#include "store/objects_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

int64_t file_stamp(struct store_objects *objects, int fd)
{
	_cleanup_buf_ struct buf blob = {0};
	struct stat status;

	if (file_meta_read(objects, fd, &blob) && blob.n >= 30)
		return meta_stamp(buf_str(&blob));
	return fstat(fd, &status) == 0 ? stat_stamp(&status) : 0;
}

struct settling {
	struct store_objects *objects;
	struct bucket *bucket;
	struct str key;
	struct path path;
	struct store_connection *connection;
	int64_t latest; /* its stamp, if it is live; 0: no current file is due */
	struct err *err;
};

static int row_of_stamp(struct settling *settling, int64_t stamp, struct row *ret_row)
{
	int found = row_before(settling->connection, settling->bucket->id, settling->key, stamp + 1,
		ret_row, settling->err);

	return found > 0 && ret_row->stamp != stamp ? 0 : found;
}

static int moved(struct settling *settling, int result)
{
	if (result == 0 || result == -ENOENT)
		return 0;
	return err_set_errno(
		settling->err, result, "cannot move the files of %.*s", STR_ARG(settling->key));
}

/* The current file (and, after a crash, the one set aside for a folder) that is not due. */
static int settle_current(struct settling *settling)
{
	struct row row;

	for (int i = 0; i < 3; i++) {
		bool is_aside;
		_cleanup_close_ int fd =
			file_open_current(settling->bucket, &settling->path, &is_aside);
		if (fd < 0)
			return 0;
		int64_t stamp = file_stamp(settling->objects, fd);
		if (stamp == settling->latest)
			return 0;
		int found = row_of_stamp(settling, stamp, &row);
		if (found < 0)
			return -1;
		if (!found)
			file_sidecar_remove(settling->objects, stamp);
		int result =
			found ? file_retire(settling->objects, settling->bucket, &settling->path,
					row.stamp, row.version)
			      : file_remove(settling->objects, settling->bucket, &settling->path);
		if (moved(settling, result) < 0)
			return -1;
	}
	return 0;
}

static int settle_version(struct settling *settling, int folder, const char *name)
{
	struct str version;
	struct row row;
	int64_t stamp;

	if (!path_parse_version(str_from(name), &stamp, &version))
		return 0;
	int found = row_of_stamp(settling, stamp, &row);
	if (found < 0)
		return -1;
	if (!found) {
		file_sidecar_remove(settling->objects, stamp);
		return moved(settling, unlinkat(folder, name, 0) < 0 ? -errno : 0);
	}
	if (stamp != settling->latest)
		return 0;
	return moved(settling, file_place(settling->objects, settling->bucket, &settling->path,
				       folder, name, true));
}

static int settle_versions(struct settling *settling)
{
	char text[PATH_TEXT_MAX + 4];
	int result = 0;

	snprintf(text, sizeof(text), "%s%%v", settling->path.text);
	int fd = file_open_below(settling->bucket->fd, text, O_RDONLY | O_DIRECTORY);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	if (!folder) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (result == 0 && (entry = readdir(folder)))
		result = settle_version(settling, fd, entry->d_name);
	closedir(folder);
	return result;
}

/* The draft that the journal knows as this key's. */
static int settle_draft(struct settling *settling, int64_t stamp, uint64_t draft)
{
	char name[FILE_NUMBER_MAX];
	struct row row;
	int result;

	file_number(name, draft);
	if (!draft || faccessat(settling->objects->incoming, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	int found = row_of_stamp(settling, stamp, &row);
	if (found < 0)
		return -1;
	if (found && row.flags & ROW_SIDECAR)
		file_sidecar_place(settling->objects, draft, stamp);
	if (!found)
		result = unlinkat(settling->objects->incoming, name, 0) < 0 ? -errno : 0;
	else if (stamp == settling->latest)
		result = file_place(settling->objects, settling->bucket, &settling->path,
			settling->objects->incoming, name, true);
	else
		result = file_place_version(settling->objects, settling->bucket, &settling->path,
			settling->objects->incoming, name, stamp, row.version);
	return moved(settling, result);
}

/* What lies beside the bytes says what the row says. */
static int settle_meta(struct settling *settling, const struct row *row, bool is_latest)
{
	_cleanup_(store_object_done) struct store_object object = {0};
	_cleanup_buf_ struct buf wanted = {0}, blob = {0};
	sqlite3_stmt *statement;
	struct str parts = STR_NONE;

	if (!meta_decode(row->meta, &object, NULL, NULL))
		return err_set(settling->err, ERR_INPUT, "the index row of %.*s is damaged",
			STR_ARG(settling->key));
	object.is_latest = is_latest && !object.is_delete_marker;
	object.size = row->size;
	_cleanup_close_ int fd = open_row(
		settling->objects, settling->bucket, &settling->path, &object, row->stamp, true);
	if (fd < 0)
		return 0;
	if (object.parts) {
		if (store_statement(settling->connection,
			    "SELECT parts FROM object_parts WHERE stamp = ?", &statement,
			    settling->err) < 0)
			return -1;
		store_bind_i64(statement, 1, row->stamp);
		if (store_step(statement, settling->err) > 0)
			parts = (struct str){sqlite3_column_blob(statement, 0),
				(size_t)sqlite3_column_bytes(statement, 0)};
	}
	meta_encode(&wanted, &object, row->stamp, parts);
	if (file_meta_read(settling->objects, fd, &blob) &&
		str_equal(buf_str(&blob), buf_str(&wanted)))
		return 0;
	int result = file_meta_write(settling->objects, fd, buf_str(&wanted), row->stamp, 0);
	return moved(settling, result > 0 ? 0 : result);
}

static int settle_all_meta(struct settling *settling)
{
	int64_t before = INT64_MAX;
	bool is_latest = true;

	for (;;) {
		struct row row;
		int found = row_before(settling->connection, settling->bucket->id, settling->key,
			before, &row, settling->err);
		if (found <= 0)
			return found;
		before = row.stamp;
		if (settle_meta(settling, &row, is_latest) < 0)
			return -1;
		is_latest = false;
	}
}

int settle_key(struct store_objects *objects, struct bucket *bucket, struct str key, int64_t stamp,
	uint64_t draft, struct err *err)
{
	struct settling settling = {.objects = objects, .bucket = bucket, .key = key, .err = err};
	struct row latest;

	if (key.n == 0)
		return bucket_settle(objects, bucket->id, err);
	if (!path_of_key(key, &settling.path))
		return err_set(err, ERR_INPUT, "the index has an impossible key");
	if (store_read_begin(objects->database, &settling.connection, err) < 0)
		return -1;
	int found = row_latest(settling.connection, bucket->id, key, &latest, err);
	settling.latest = found > 0 && !(latest.flags & ROW_MARKER) ? latest.stamp : 0;
	int result = found < 0 ? -1 : 0;
	/* What is in the way goes first; then drafts and versions take its place. */
	if (result == 0)
		result = settle_current(&settling);
	if (result == 0)
		result = settle_versions(&settling);
	if (result == 0)
		result = settle_draft(&settling, stamp, draft);
	if (result == 0)
		result = settle_all_meta(&settling);
	store_read_end(settling.connection);
	if (result == 0)
		file_prune(bucket, &settling.path);
	return result;
}

void objects_retry_stuck(struct store_objects *objects)
{
	pthread_mutex_lock(&objects->op_lock);
	struct op *stuck = objects->stuck;
	objects->stuck = NULL;
	pthread_mutex_unlock(&objects->op_lock);
	while (stuck) {
		struct op *next = stuck->next;
		pthread_mutex_t *lock = key_lock(objects, stuck->bucket, stuck->key);
		int result = settle_key(
			objects, stuck->bucket, stuck->key, stuck->stamp, stuck->draft, NULL);
		pthread_mutex_unlock(lock);
		if (result < 0) {
			pthread_mutex_lock(&objects->op_lock);
			stuck->next = objects->stuck;
			objects->stuck = stuck;
			pthread_mutex_unlock(&objects->op_lock);
		} else {
			bucket_unref(stuck->bucket);
			free((char *)stuck->key.p);
			free(stuck);
		}
		stuck = next;
	}
}

/* ---- the start ---- */

static bool holds(int fd, struct str bytes)
{
	_cleanup_free_ char *found = mem_new(1, bytes.n + 1);

	return pread(fd, found, bytes.n + 1, 0) == (ssize_t)bytes.n &&
	       memcmp(found, bytes.p, bytes.n) == 0;
}

/* The bytes of a small object, which were never synchronised: after a power loss its file may be
 * anything. Then it is made again as a draft. -errno. */
static int restore_bytes(struct store_objects *objects, struct bucket *bucket, struct str key,
	const struct op *op, struct str bytes)
{
	_cleanup_(store_object_done) struct store_object object = {0};
	struct store_connection *connection;
	char name[FILE_NUMBER_MAX];
	struct path path;
	struct row row;

	if (!path_of_key(key, &path) || store_read_begin(objects->database, &connection, NULL) < 0)
		return -EIO;
	int found = row_before(connection, bucket->id, key, op->stamp + 1, &row, NULL);
	bool is_wanted =
		found > 0 && row.stamp == op->stamp && row_object(&row, key, &object, NULL) == 0;
	store_read_end(connection);
	if (!is_wanted)
		return found < 0 ? -EIO : 0;
	object.is_latest = true;
	int fd = open_row(objects, bucket, &path, &object, op->stamp, true);
	bool is_whole = fd >= 0 && holds(fd, bytes);
	if (fd >= 0)
		close(fd);
	if (is_whole)
		return 0;
	file_number(name, op->draft);
	int result = file_write_whole(objects, objects->incoming, name, bytes);
	_cleanup_close_ int draft =
		openat(objects->incoming, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
		{.tv_sec = op->stamp / 1000000000, .tv_nsec = op->stamp % 1000000000}};
	if (result < 0 || draft < 0 || futimens(draft, times) < 0)
		return result < 0 ? result : -errno;
	return 0;
}

/* One line of the journal. A disk that is too full to move files must not keep the server from its
 * readers: the keeper tries again. */
static void recover_line(struct store_objects *objects, sqlite3_stmt *line)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket =
		bucket_find_id(objects, store_column_i64(line, 1));
	struct str key = store_column_str(line, 2);
	struct op op = {
		.stamp = store_column_i64(line, 0), .draft = (uint64_t)store_column_i64(line, 3)};

	const struct str bytes = {
		sqlite3_column_blob(line, 4), (size_t)sqlite3_column_bytes(line, 4)};
	bool has_bytes = sqlite3_column_type(line, 4) != SQLITE_NULL;
	if (!bucket)
		return;
	if ((has_bytes &&
		    restore_bytes(objects, bucket, key, &op, bytes.p ? bytes : STR("")) < 0) ||
		settle_key(objects, bucket, key, op.stamp, op.draft, NULL) < 0)
		stuck_add(objects, &op, bucket, key);
}

static void remove_drafts(struct store_objects *objects)
{
	int fd = openat(objects->incoming, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			unlinkat(fd, entry->d_name, 0);
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
}

int objects_recover_objects(struct store_objects *objects, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(objects->database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection,
		"SELECT stamp, bucket, key, draft, bytes FROM object_journal ORDER BY stamp",
		&statement, err);
	while (result >= 0 && (result = store_step(statement, err)) > 0)
		recover_line(objects, statement);
	store_read_end(connection);
	if (result < 0)
		return err_wrap(err, "recovery after a crash");
	if (!objects->stuck)
		remove_drafts(objects);
	return 0;
}

int objects_recover(struct store_objects *objects, struct err *err)
{
	return objects_recover_objects(objects, err) < 0 ? -1 : uploads_sweep(objects, err);
}
