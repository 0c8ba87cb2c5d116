/* Readers take no lock. A row says where its file lies, and the file's stamp (its mtime) whether it
 * is that one; a writer between its commit and its rename, or one whose rename found no space, has
 * it elsewhere for the moment: among the versions, or in incoming. */
#include "store/objects_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { OPEN_TRIES = 200, OPEN_WAIT_US = 500 };

void store_object_done(struct store_object *object)
{
	buf_done(&object->storage);
	*object = (struct store_object){0};
}

static int read_row(struct store_objects *objects, const struct bucket *bucket, struct str key,
	struct str version, struct store_object *ret_object, int64_t *ret_stamp, struct err *err)
{
	struct store_connection *connection;
	struct row row;
	int result;
	int64_t latest = 0;

	if (store_read_begin(objects->database, &connection, err) < 0)
		return -1;
	if (version.n == 0) {
		result = row_latest(connection, bucket->id, key, &row, err);
	} else {
		result = row_latest(connection, bucket->id, key, &row, err);
		latest = result > 0 ? row.stamp : 0;
		if (result > 0)
			result = row_version(connection, bucket->id, key, version, &row, err);
	}
	if (result > 0 && row_object(&row, key, ret_object, err) < 0)
		result = -1;
	if (result > 0) {
		*ret_stamp = row.stamp;
		ret_object->is_latest = version.n == 0 || row.stamp == latest;
	}
	store_read_end(connection);
	return result;
}

static bool is_file_of(int fd, const struct store_object *object, int64_t stamp, bool exact)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_size == object->size && (!exact || stat_stamp(&status) == stamp);
}

/* The draft of a stamp, while the journal has it; -ENOENT. */
static int open_draft(struct store_objects *objects, int64_t stamp)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;
	char name[FILE_NUMBER_MAX];
	int64_t draft = 0;

	if (store_read_begin(objects->database, &connection, NULL) < 0)
		return -EIO;
	if (store_statement(connection, "SELECT draft FROM object_journal WHERE stamp = ?",
		    &statement, NULL) == 0) {
		store_bind_i64(statement, 1, stamp);
		if (store_step(statement, NULL) > 0)
			draft = store_column_i64(statement, 0);
	}
	store_read_end(connection);
	if (!draft)
		return -ENOENT;
	file_number(name, (uint64_t)draft);
	int fd = openat(objects->incoming, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int open_row(struct store_objects *objects, const struct bucket *bucket, const struct path *path,
	const struct store_object *object, int64_t stamp, bool exact)
{
	bool is_aside;
	int fd = -ENOENT;

	for (int i = 0; i < (exact ? 3 : 1); i++) {
		if ((i == 0) == object->is_latest)
			fd = file_open_current(bucket, path, &is_aside);
		else
			fd = file_open_version(bucket, path, stamp, object->version);
		if (i == 2)
			fd = open_draft(objects, stamp);
		if (fd >= 0 && is_file_of(fd, object, stamp, exact))
			return fd;
		if (fd >= 0)
			close(fd);
		if (fd == -EMFILE || fd == -ENFILE || fd == -EACCES)
			return fd;
	}
	return fd < 0 ? fd : -ENOENT;
}

static int no_such(struct str key, struct str version, struct aws_error *error)
{
	aws_error_default(error, version.n ? AWS_ERROR_NO_SUCH_VERSION : AWS_ERROR_NO_SUCH_KEY);
	aws_error_detail(error, "Key", "%.*s", STR_ARG(key));
	return version.n ? aws_error_detail(error, "VersionId", "%.*s", STR_ARG(version)) : -1;
}

static int refuse_marker(struct str key, struct str version, struct aws_error *error)
{
	aws_error_default(error, version.n ? AWS_ERROR_METHOD_NOT_ALLOWED : AWS_ERROR_NO_SUCH_KEY);
	return aws_error_detail(error, "Key", "%.*s", STR_ARG(key));
}

int store_object_get(struct store_objects *objects, struct str bucket_name, struct str key,
	struct str version, struct store_object *ret_object, int *ret_fd, struct aws_error *error,
	struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	_cleanup_(store_object_done) struct store_object object = {0};
	struct path path;
	int64_t stamp, stamp_before = 0;
	int fd = -ENOENT;

	*ret_object = (struct store_object){0};
	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	if (!path_of_key(key, &path))
		return key.n > STORE_KEY_MAX ? aws_error_default(error, AWS_ERROR_KEY_TOO_LONG)
					     : no_such(key, version, error);
	for (int i = 0; i < OPEN_TRIES; i++) {
		store_object_done(&object);
		int found = read_row(objects, bucket, key, version, &object, &stamp, err);
		if (found < 0)
			return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
		if (!found)
			return no_such(key, version, error);
		if (object.is_delete_marker || !ret_fd) {
			fd = -1;
			break;
		}
		fd = open_row(objects, bucket, &path, &object, stamp, true);
		if (fd < 0 && i > 10 && stamp == stamp_before)
			fd = open_row(objects, bucket, &path, &object, stamp, false);
		if (fd != -ENOENT)
			break;
		stamp_before = stamp;
		usleep(OPEN_WAIT_US);
	}
	if (!object.is_delete_marker && ret_fd && fd < 0)
		return failed(error, err, fd, "the file of %.*s/%.*s", STR_ARG(bucket_name),
			STR_ARG(key));
	*ret_object = object;
	object = (struct store_object){0};
	if (ret_object->is_delete_marker)
		return refuse_marker(key, version, error);
	if (ret_fd)
		*ret_fd = fd;
	return 0;
}

int store_object_part(struct store_objects *objects, struct str bucket,
	const struct store_object *object, unsigned part, int64_t *ret_offset, int64_t *ret_size,
	struct aws_checksum_value *ret_checksum, struct aws_error *error, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;
	bool is_found = false;

	if (object->parts == 0 || part == 0)
		return aws_error_default(error, AWS_ERROR_INVALID_PART);
	if (store_read_begin(objects->database, &connection, err) < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	int result = store_statement(
		connection, "SELECT parts FROM object_parts WHERE stamp = ?", &statement, err);
	if (result == 0) {
		store_bind_i64(statement, 1, meta_stamp(buf_str(&object->storage)));
		result = store_step(statement, err);
	}
	if (result > 0) {
		const struct str parts = {sqlite3_column_blob(statement, 0),
			(size_t)sqlite3_column_bytes(statement, 0)};
		is_found = meta_find_part(parts, part, ret_offset, ret_size, ret_checksum);
	}
	store_read_end(connection);
	if (result < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	return is_found ? 0 : aws_error_default(error, AWS_ERROR_INVALID_PART);
}
