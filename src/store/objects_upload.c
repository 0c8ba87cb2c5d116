/* A part is a file uploads/ID/NUMBER.DRAFT with a row; a part sent again is another file, and the
 * row says which counts. So parts need no journal: what is in the folder without a row goes with
 * the folder, or at the next start. Completing copies the parts' bytes one behind the other
 * (copy_file_range: a file system that can share blocks does), hashes nothing, and publishes the
 * result as any object; the upload's rows go in the same transaction, and what was answered is kept
 * for a client that asks again. */
#include "store/objects_priv.h"

#include "base/clock.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

void part_name(char ret_name[static PART_NAME_MAX], unsigned number, uint64_t draft)
{
	snprintf(ret_name, PART_NAME_MAX, "%05u.%016llx", number, (unsigned long long)draft);
}

static int no_such_upload(struct str id, struct aws_error *error)
{
	aws_error_default(error, AWS_ERROR_NO_SUCH_UPLOAD);
	return aws_error_detail(error, "UploadId", "%.*s", STR_ARG(id));
}

void upload_remove_files(struct store_objects *objects, const char *id)
{
	int fd = file_open_below(objects->uploads, id, O_RDONLY | O_DIRECTORY);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!folder) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			unlinkat(fd, entry->d_name, 0);
	closedir(folder);
	unlinkat(objects->uploads, id, AT_REMOVEDIR);
}

void store_upload_done(struct store_upload *upload)
{
	buf_done(&upload->storage);
	*upload = (struct store_upload){0};
}

/* ---- create, get ---- */

struct upload_change {
	struct change change;
	const struct bucket *bucket;
	struct str key, id;
	struct str meta;
	struct store_part *part;
	struct str part_meta;
	uint64_t draft;
	struct aws_error *error;
	bool is_refused;
};

static int upload_statement(struct store_connection *connection, const char *sql,
	const struct bucket *bucket, struct str key, struct str id, sqlite3_stmt **ret_statement,
	struct err *err)
{
	if (store_statement(connection, sql, ret_statement, err) < 0)
		return -1;
	store_bind_i64(*ret_statement, 1, bucket->id);
	store_bind_str(*ret_statement, 2, key);
	store_bind_str(*ret_statement, 3, id);
	return 0;
}

int upload_insert(struct store_connection *connection, const struct bucket *bucket, struct str key,
	struct str id, struct str meta, struct err *err)
{
	sqlite3_stmt *statement;

	if (upload_statement(connection, "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?)",
		    bucket, key, id, &statement, err) < 0)
		return -1;
	sqlite3_bind_blob64(statement, 4, meta.p, meta.n, SQLITE_TRANSIENT);
	return store_step(statement, err);
}

static int apply_create(struct change *base, struct store_connection *connection, struct err *err)
{
	struct upload_change *change = (struct upload_change *)base;

	if (bucket_demand(connection, change->bucket, change->error, &change->is_refused, err) < 0)
		return -1;
	return change->is_refused ? 0
				  : upload_insert(connection, change->bucket, change->key,
					    change->id, change->meta, err);
}

static int commit_upload(struct store_objects *objects, struct upload_change *change,
	struct aws_error *error, struct err *err)
{
	struct err failure = ERR_INIT;

	change->error = error;
	if (objects_commit(objects, &change->change, &failure) < 0) {
		if (err)
			*err = failure;
		return failed_by(error, &failure);
	}
	return change->is_refused ? -1 : 0;
}

int store_upload_create(struct store_objects *objects, struct str bucket_name,
	struct store_upload *upload, struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	_cleanup_buf_ struct buf blob = {0};
	struct path path;

	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	if (upload->key.n > STORE_KEY_MAX)
		return aws_error_default(error, AWS_ERROR_KEY_TOO_LONG);
	if (!path_of_key(upload->key, &path))
		return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
			"An object's key must have 1 to 1024 bytes and no NUL.");
	int64_t stamp = stamp_next(objects);
	upload->started_ms = stamp / 1000000;
	id_make(upload->id, stamp);
	meta_encode_upload(&blob, upload, bucket_name);
	if (mkdirat(objects->uploads, upload->id, 0750) < 0)
		return failed(error, err, errno, "cannot make uploads/%s", upload->id);
	int folder = file_open_below(objects->uploads, upload->id, O_RDONLY | O_DIRECTORY);
	int result =
		folder < 0 ? folder : file_write_whole(objects, folder, "upload", buf_str(&blob));
	if (result == 0 && (fsync(folder) < 0 || fsync(objects->uploads) < 0))
		result = -errno;
	if (folder >= 0)
		close(folder);
	if (result < 0)
		failed(error, err, result, "cannot write uploads/%s", upload->id);
	struct upload_change change = {.change.apply = apply_create,
		.bucket = bucket,
		.key = upload->key,
		.id = str_from(upload->id),
		.meta = buf_str(&blob)};
	if (result == 0)
		result = commit_upload(objects, &change, error, err);
	if (result < 0)
		upload_remove_files(objects, upload->id);
	return result < 0 ? -1 : 0;
}

int upload_find(struct store_connection *connection, const struct bucket *bucket, struct str key,
	struct str id, struct store_upload *ret_upload, struct err *err)
{
	sqlite3_stmt *statement;

	if (upload_statement(connection,
		    "SELECT meta FROM uploads WHERE bucket = ? AND key = ? AND id = ?", bucket, key,
		    id, &statement, err) < 0)
		return -1;
	int result = store_step(statement, err);
	if (result <= 0 || !ret_upload)
		return result;
	const struct str meta = {
		sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)};
	if (!meta_decode_upload(meta, ret_upload))
		return err_set(err, ERR_INPUT, "the row of upload %.*s is damaged", STR_ARG(id));
	snprintf(ret_upload->id, sizeof(ret_upload->id), "%.*s", STR_ARG(id));
	return 1;
}

int upload_get(struct store_objects *objects, const struct bucket *bucket, struct str key,
	struct str id, struct store_upload *ret_upload, struct aws_error *error, struct err *err)
{
	struct store_connection *connection;

	if (store_read_begin(objects->database, &connection, err) < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	int found = upload_find(connection, bucket, key, id, ret_upload, err);
	store_read_end(connection);
	if (found < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	return found ? 0 : no_such_upload(id, error);
}

int store_upload_get(struct store_objects *objects, struct str bucket_name, struct str key,
	struct str id, struct store_upload *ret_upload, struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;

	*ret_upload = (struct store_upload){0};
	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	return upload_get(objects, bucket, key, id, ret_upload, error, err);
}

/* ---- parts ---- */

static int remove_old_part(struct store_connection *connection, struct upload_change *change,
	uint64_t *ret_draft, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    "SELECT stamp FROM upload_parts WHERE upload = ? AND number = ?", &statement,
		    err) < 0)
		return -1;
	store_bind_str(statement, 1, change->id);
	store_bind_i64(statement, 2, change->part->number);
	int result = store_step(statement, err);
	*ret_draft = result > 0 ? (uint64_t)store_column_i64(statement, 0) : 0;
	return result < 0 ? -1 : 0;
}

int upload_insert_part(struct store_connection *connection, struct str id,
	const struct store_part *part, uint64_t draft, struct str meta, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    "INSERT OR REPLACE INTO upload_parts VALUES (?, ?, ?, ?, ?)", &statement,
		    err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	store_bind_i64(statement, 2, part->number);
	store_bind_i64(statement, 3, (int64_t)draft);
	store_bind_i64(statement, 4, part->size);
	sqlite3_bind_blob64(statement, 5, meta.p, meta.n, SQLITE_TRANSIENT);
	return store_step(statement, err);
}

static int apply_part(struct change *base, struct store_connection *connection, struct err *err)
{
	struct upload_change *change = (struct upload_change *)base;
	uint64_t old;
	int found = upload_find(connection, change->bucket, change->key, change->id, NULL, err);

	if (found < 0)
		return -1;
	if (!found) {
		change->is_refused = true;
		no_such_upload(change->id, change->error);
		return 0;
	}
	uint64_t draft = change->draft;
	if (remove_old_part(connection, change, &old, err) < 0 ||
		upload_insert_part(
			connection, change->id, change->part, draft, change->part_meta, err) < 0)
		return -1;
	change->draft = old;
	return 0;
}

void part_encode(struct buf *blob, const struct store_part *part)
{
	struct store_object object = {
		.version = "null", .size = part->size, .checksum = part->checksum};

	memcpy(object.etag, part->etag, sizeof(object.etag));
	meta_encode(blob, &object, part->modified_ms * 1000000, STR_NONE);
}

bool part_decode(struct str blob, struct store_part *part)
{
	struct store_object object;

	if (!meta_decode(blob, &object, NULL, NULL))
		return false;
	part->size = object.size;
	part->modified_ms = object.modified_ms;
	part->checksum = object.checksum;
	memcpy(part->etag, object.etag, sizeof(part->etag));
	buf_done(&object.storage);
	return true;
}

/* The draft's bytes, on disk, under the part's name. */
static int move_part(struct store_objects *objects, struct store_draft *draft, struct str id,
	unsigned number, struct str blob, int *ret_folder)
{
	char name[FILE_NUMBER_MAX], target[PART_NAME_MAX], text[STORE_VERSION_MAX];

	snprintf(text, sizeof(text), "%.*s", STR_ARG(id));
	fsetxattr(draft->fd, META_XATTR, blob.p, blob.n, 0); /* only fsck looks at it */
	if (fsync(draft->fd) < 0)
		return -errno;
	_cleanup_close_ int folder =
		file_open_below(objects->uploads, text, O_RDONLY | O_DIRECTORY);
	if (folder < 0)
		return folder;
	file_number(name, draft->number);
	part_name(target, number, draft->number);
	if (renameat(objects->incoming, name, folder, target) < 0 || fsync(folder) < 0)
		return -errno;
	*ret_folder = take_fd(folder);
	return 0;
}

int store_part_put(struct store_objects *objects, struct str bucket_name, struct str key,
	struct str id, struct store_draft *draft, struct store_part *part, struct aws_error *error,
	struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	_cleanup_buf_ struct buf blob = {0};
	_cleanup_close_ int folder = -1;
	uint8_t md5[AWS_MD5_SIZE];
	char name[PART_NAME_MAX];

	if (part->number < 1 || part->number > STORE_PARTS_MAX)
		return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
			"Part number must be an integer between 1 and 10000, inclusive");
	if (bucket_ref(objects, bucket_name, &bucket, error) < 0 ||
		upload_get(objects, bucket, key, id, NULL, error, err) < 0)
		return -1;
	if (draft->is_finished)
		memcpy(md5, draft->md5_value, sizeof(md5));
	else
		store_draft_finish(draft, md5, NULL, NULL);
	*aws_hex_write(part->etag, md5, sizeof(md5)) = '\0';
	part->size = draft->size;
	part->checksum = draft->checksum;
	part->modified_ms = clock_wall_ns() / 1000000;
	part_encode(&blob, part);
	if (draft_flush(draft, error, err) < 0)
		return -1;
	int result = move_part(objects, draft, id, part->number, buf_str(&blob), &folder);
	if (result == -ENOENT)
		return no_such_upload(id, error);
	if (result < 0)
		return failed(error, err, result, "cannot write a part to disk");
	draft->is_published = true;
	struct upload_change change = {.change.apply = apply_part,
		.bucket = bucket,
		.key = key,
		.id = id,
		.part = part,
		.part_meta = buf_str(&blob),
		.draft = draft->number};
	result = commit_upload(objects, &change, error, err);
	/* Of the part's files the one without a row goes: the old, or this. */
	part_name(name, part->number, result < 0 ? draft->number : change.draft);
	unlinkat(folder, name, 0);
	return result;
}

int store_part_list(struct store_objects *objects, struct str bucket_name, struct str key,
	struct str id, unsigned after, unsigned max, struct store_part **ret_parts,
	size_t *ret_count, bool *ret_is_truncated, struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	_cleanup_free_ struct store_part *parts = NULL;
	struct store_connection *connection;
	sqlite3_stmt *statement;
	size_t count = 0;
	int result;

	if (bucket_ref(objects, bucket_name, &bucket, error) < 0 ||
		upload_get(objects, bucket, key, id, NULL, error, err) < 0)
		return -1;
	if (store_read_begin(objects->database, &connection, err) < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	max = max > STORE_PARTS_MAX ? STORE_PARTS_MAX : max;
	parts = mem_new(max + 1, sizeof(*parts));
	result = store_statement(connection,
		"SELECT number, meta FROM upload_parts WHERE upload = ? AND number > ?"
		" ORDER BY number",
		&statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, id);
		store_bind_i64(statement, 2, after);
		while (count <= max && (result = store_step(statement, err)) > 0) {
			const struct str meta = {sqlite3_column_blob(statement, 1),
				(size_t)sqlite3_column_bytes(statement, 1)};
			struct store_part *part = &parts[count++];
			part->number = (unsigned)store_column_i64(statement, 0);
			if (!part_decode(meta, part)) {
				result = err_set(err, ERR_INPUT, "a part's row is damaged");
				break;
			}
		}
	}
	store_read_end(connection);
	if (result < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	*ret_is_truncated = count > max;
	*ret_count = count > max ? max : count;
	*ret_parts = take(parts);
	return 0;
}

/* ---- abort ---- */

int upload_delete(struct store_connection *connection, const struct bucket *bucket, struct str key,
	struct str id, struct err *err)
{
	sqlite3_stmt *statement;

	if (upload_statement(connection,
		    "DELETE FROM uploads WHERE bucket = ? AND key = ? AND id = ?", bucket, key, id,
		    &statement, err) < 0 ||
		store_step(statement, err) < 0)
		return -1;
	if (store_statement(
		    connection, "DELETE FROM upload_parts WHERE upload = ?", &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	return store_step(statement, err);
}

static int apply_abort(struct change *base, struct store_connection *connection, struct err *err)
{
	struct upload_change *change = (struct upload_change *)base;
	int found = upload_find(connection, change->bucket, change->key, change->id, NULL, err);

	if (found < 0)
		return -1;
	if (found)
		return upload_delete(connection, change->bucket, change->key, change->id, err);
	change->is_refused = true;
	no_such_upload(change->id, change->error);
	return 0;
}

int store_upload_abort(struct store_objects *objects, struct str bucket_name, struct str key,
	struct str id, struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	char text[STORE_VERSION_MAX];

	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	struct upload_change change = {.change = {.apply = apply_abort, .frees = true},
		.bucket = bucket,
		.key = key,
		.id = id};
	if (commit_upload(objects, &change, error, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%.*s", STR_ARG(id));
	upload_remove_files(objects, text);
	return 0;
}

/* ---- after a crash ---- */

/* 1: the upload has a row, and (number not 0) its part `number` is this draft. */
static int has_row(struct store_connection *connection, const char *id, unsigned number,
	uint64_t draft, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    number ? "SELECT 1 FROM upload_parts WHERE upload = ? AND number = ?"
			     " AND stamp = ?"
			   : "SELECT 1 FROM uploads WHERE id = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, str_from(id));
	if (number) {
		store_bind_i64(statement, 2, number);
		store_bind_i64(statement, 3, (int64_t)draft);
	}
	return store_step(statement, err);
}

static int sweep_upload(struct store_objects *objects, struct store_connection *connection,
	const char *id, struct err *err)
{
	int found = has_row(connection, id, 0, 0, err);

	if (found < 0)
		return -1;
	if (!found) {
		upload_remove_files(objects, id);
		return 0;
	}
	int fd = file_open_below(objects->uploads, id, O_RDONLY | O_DIRECTORY);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	while (folder && found >= 0 && (entry = readdir(folder))) {
		unsigned number;
		unsigned long long draft;
		if (sscanf(entry->d_name, "%5u.%16llx", &number, &draft) != 2)
			continue;
		found = has_row(connection, id, number, draft, err);
		if (found == 0)
			unlinkat(fd, entry->d_name, 0);
	}
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
	return found < 0 ? -1 : 0;
}

int uploads_sweep(struct store_objects *objects, struct err *err)
{
	int fd = openat(objects->uploads, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct store_connection *connection;
	const struct dirent *entry;
	int result;

	if (!folder) {
		result = err_set_errno(err, errno, "cannot read the folder uploads");
		if (fd >= 0)
			close(fd);
		return result;
	}
	result = store_read_begin(objects->database, &connection, err);
	while (result == 0 && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			result = sweep_upload(objects, connection, entry->d_name, err);
	if (result == 0)
		store_read_end(connection);
	closedir(folder);
	return result;
}
