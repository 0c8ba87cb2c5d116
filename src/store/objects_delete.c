/* Deleting for good, delete markers, and replacing what is noted of a version. */
#include "store/objects_priv.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct deletion {
	struct change change;
	struct store_objects *objects;
	struct bucket *bucket;
	struct str key, version; /* version empty: the only one of a bucket without versioning */
	struct path path;
	struct op op;
	const struct store_condition *condition;
	struct aws_error *error;
	/* found out by apply */
	bool is_refused, is_changed, is_found, was_latest, promotes;
	struct row row, next;
};

static int find_rows(
	struct deletion *deletion, struct store_connection *connection, struct err *err)
{
	struct row latest;
	int64_t bucket = deletion->bucket->id;
	int found = row_latest(connection, bucket, deletion->key, &latest, err);

	if (found < 0)
		return -1;
	deletion->row = latest;
	if (found > 0 && deletion->version.n)
		found = row_version(
			connection, bucket, deletion->key, deletion->version, &deletion->row, err);
	if (found < 0)
		return -1;
	deletion->is_found = found > 0;
	if (condition_check(deletion->condition, found ? &deletion->row : NULL, deletion->error) <
		0) {
		deletion->is_refused = true;
		return 0;
	}
	if (!found)
		return 0;
	deletion->was_latest = deletion->row.stamp == latest.stamp;
	int has_next = row_before(
		connection, bucket, deletion->key, deletion->row.stamp, &deletion->next, err);
	if (has_next < 0)
		return -1;
	deletion->promotes =
		deletion->was_latest && has_next && !(deletion->next.flags & ROW_MARKER);
	return 0;
}

static int apply_deletion(
	struct change *change, struct store_connection *connection, struct err *err)
{
	struct deletion *deletion = (struct deletion *)change;
	int found = bucket_check(connection, deletion->bucket, STORE_VERSIONING_NEVER, err);

	if (found < 0)
		return -1;
	if (found == BUCKET_E_GONE) {
		deletion->is_refused = true;
		aws_error_default(deletion->error, AWS_ERROR_NO_SUCH_BUCKET);
		return 0;
	}
	if (found == BUCKET_E_CHANGED && deletion->version.n == 0) {
		deletion->is_changed = true;
		return 0;
	}
	if (find_rows(deletion, connection, err) < 0)
		return -1;
	if (deletion->is_refused || !deletion->is_found)
		return 0;
	if (row_delete(connection, deletion->bucket->id, deletion->key, deletion->row.stamp, err) <
		0)
		return -1;
	return journal_add(connection, deletion->op.stamp, deletion->bucket->id, deletion->key, 0,
		STR_NONE, err);
}

static int remove_files(const struct deletion *deletion)
{
	struct store_objects *objects = deletion->objects;
	const struct row *row = &deletion->row;
	int result;

	/* Before its file, which leads recovery to it. */
	if (row->flags & ROW_SIDECAR)
		file_sidecar_remove(objects, row->stamp);
	if (deletion->was_latest && !(row->flags & ROW_MARKER))
		result = file_remove(objects, deletion->bucket, &deletion->path);
	else
		result = file_remove_version(
			objects, deletion->bucket, &deletion->path, row->stamp, row->version);
	if (result < 0 && result != -ENOENT)
		return result;
	if (deletion->promotes)
		result = file_promote(objects, deletion->bucket, &deletion->path,
			deletion->next.stamp, deletion->next.version);
	else
		file_prune(deletion->bucket, &deletion->path);
	return deletion->promotes ? result : 0;
}

/* 0, <0 refused or failed, 1: the bucket's versioning has just been switched on. */
static int delete_row(struct deletion *deletion, struct err *err)
{
	struct err failure = ERR_INIT;
	_cleanup_unlock_ pthread_mutex_t *lock =
		key_lock(deletion->objects, deletion->bucket, deletion->key);

	op_begin(deletion->objects, &deletion->op);
	int result = objects_commit(deletion->objects, &deletion->change, &failure);
	if (result < 0) {
		if (err)
			*err = failure;
		failed_by(deletion->error, &failure);
	}
	bool moves =
		result == 0 && deletion->is_found && !deletion->is_refused && !deletion->is_changed;
	if (moves && remove_files(deletion) < 0)
		op_stuck(deletion->objects, &deletion->op, deletion->bucket, deletion->key);
	else
		op_end(deletion->objects, &deletion->op);
	if (result < 0 || deletion->is_refused)
		return -1;
	return deletion->is_changed;
}

static int make_marker(
	struct deletion *deletion, struct store_deleted *ret_deleted, struct err *err)
{
	struct aws_error *error = deletion->error;
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	struct store_object marker = {.is_delete_marker = true};
	struct publish put = {.objects = deletion->objects,
		.bucket = deletion->bucket,
		.key = deletion->key,
		.path = deletion->path,
		.condition = deletion->condition,
		.object = &marker,
		.error = error};

	if (store_draft_new(deletion->objects, &draft, 0, error, err) < 0 ||
		draft_file(draft, error, err) < 0)
		return -1;
	put.draft = draft;
	put.bytes = STR("");
	if (publish(&put, err) < 0)
		return -1;
	ret_deleted->is_delete_marker = true;
	memcpy(ret_deleted->version, marker.version, sizeof(marker.version));
	return 0;
}

int store_object_delete(struct store_objects *objects, struct str bucket_name, struct str key,
	struct str version, const struct store_condition *condition,
	struct store_deleted *ret_deleted, struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	struct deletion deletion = {.change = {.apply = apply_deletion, .frees = true},
		.objects = objects,
		.key = key,
		.version = version,
		.condition = condition,
		.error = error};
	int64_t stamp;

	*ret_deleted = (struct store_deleted){0};
	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	deletion.bucket = bucket;
	if (!path_of_key(key, &deletion.path))
		return key.n > STORE_KEY_MAX
			       ? aws_error_default(error, AWS_ERROR_KEY_TOO_LONG)
			       : aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
					 "An object's key must have 1 to 1024 bytes and no NUL.");
	if (version.n && !str_equal(version, STR("null")) && !id_stamp(version, &stamp))
		return aws_error_set(
			error, AWS_ERROR_INVALID_ARGUMENT, "Invalid version id specified");
	for (;;) {
		if (version.n == 0 && bucket->versioning != STORE_VERSIONING_NEVER)
			return make_marker(&deletion, ret_deleted, err);
		int result = delete_row(&deletion, err);
		if (result < 0)
			return -1;
		if (result == 0)
			break;
		deletion.is_changed = false;
	}
	if (version.n) {
		snprintf(ret_deleted->version, sizeof(ret_deleted->version), "%.*s",
			STR_ARG(version));
		ret_deleted->is_delete_marker =
			deletion.is_found && deletion.row.flags & ROW_MARKER;
	}
	return 0;
}

/* ---- tags and ACL ---- */

struct annotation {
	struct change change;
	struct store_objects *objects;
	struct bucket *bucket;
	struct str key, version, tags, acl;
	struct op op;
	struct aws_error *error;
	bool is_refused, is_latest;
	struct row row;
	struct store_object object; /* as it is now */
	struct buf blob, parts;
};

static int find_annotated(
	struct annotation *annotation, struct store_connection *connection, struct err *err)
{
	int64_t bucket = annotation->bucket->id;
	struct row *row = &annotation->row;
	int found = row_latest(connection, bucket, annotation->key, row, err);
	int64_t latest = found > 0 ? row->stamp : 0;

	if (found > 0 && annotation->version.n)
		found = row_version(
			connection, bucket, annotation->key, annotation->version, row, err);
	if (found < 0)
		return -1;
	annotation->is_latest = found && row->stamp == latest;
	annotation->is_refused = true;
	if (!found)
		aws_error_default(annotation->error,
			annotation->version.n ? AWS_ERROR_NO_SUCH_VERSION : AWS_ERROR_NO_SUCH_KEY);
	else if (row->flags & ROW_MARKER)
		aws_error_default(annotation->error, annotation->version.n
							     ? AWS_ERROR_METHOD_NOT_ALLOWED
							     : AWS_ERROR_NO_SUCH_KEY);
	else if (!meta_decode(row->meta, &annotation->object, NULL, NULL))
		return err_set(err, ERR_INPUT, "the index row of %.*s is damaged",
			STR_ARG(annotation->key));
	else
		annotation->is_refused = false;
	return 0;
}

static int apply_annotation(
	struct change *change, struct store_connection *connection, struct err *err)
{
	struct annotation *annotation = (struct annotation *)change;
	struct store_object *object = &annotation->object;
	sqlite3_stmt *statement;

	if (find_annotated(annotation, connection, err) < 0)
		return -1;
	if (annotation->is_refused)
		return 0;
	if (annotation->tags.p)
		object->tags = annotation->tags;
	if (annotation->acl.p)
		object->acl = annotation->acl;
	meta_encode(&annotation->blob, object, annotation->row.stamp, STR_NONE);
	if (store_statement(connection,
		    "UPDATE objects SET meta = ?1, flags = flags | ?2"
		    " WHERE bucket = ?3 AND key = ?4 AND stamp = ?5",
		    &statement, err) < 0)
		return -1;
	sqlite3_bind_blob64(statement, 1, annotation->blob.p, annotation->blob.n, SQLITE_TRANSIENT);
	store_bind_i64(statement, 2, ROW_SIDECAR); /* it may need one now */
	store_bind_i64(statement, 3, annotation->bucket->id);
	store_bind_str(statement, 4, annotation->key);
	store_bind_i64(statement, 5, annotation->row.stamp);
	if (store_step(statement, err) < 0)
		return -1;
	return journal_add(connection, annotation->op.stamp, annotation->bucket->id,
		annotation->key, 0, STR_NONE, err);
}

int store_object_annotate(struct store_objects *objects, struct str bucket_name, struct str key,
	struct str version, struct str tags, struct str acl,
	char ret_version[static STORE_VERSION_MAX], struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	struct annotation annotation = {.change.apply = apply_annotation,
		.objects = objects,
		.key = key,
		.version = version,
		.tags = tags,
		.acl = acl,
		.error = error};
	struct err failure = ERR_INIT;

	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	annotation.bucket = bucket;
	_cleanup_unlock_ pthread_mutex_t *lock = key_lock(objects, bucket, key);
	op_begin(objects, &annotation.op);
	int result = objects_commit(objects, &annotation.change, &failure);
	if (result < 0) {
		if (err)
			*err = failure;
		failed_by(error, &failure);
	} else if (annotation.is_refused) {
		result = -1;
	}
	/* What lies beside the bytes follows; settle_key compares it with the row. */
	if (result == 0 && settle_key(objects, bucket, key, 0, 0, NULL) < 0)
		op_stuck(objects, &annotation.op, bucket, key);
	else
		op_end(objects, &annotation.op);
	if (result == 0)
		memcpy(ret_version, annotation.row.version, STORE_VERSION_MAX);
	buf_done(&annotation.object.storage);
	buf_done(&annotation.blob);
	return result;
}
