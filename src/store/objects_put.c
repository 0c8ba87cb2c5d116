/* Drafts, and how a draft becomes a version of a key: put, delete markers and completed uploads all
 * go through publish().
 *
 * A small draft stays in memory until it is published, so that one which is refused (a wrong
 * digest, a condition) never touches the disk; the file is then made, written and synchronised in
 * one go. */
#include "store/objects_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
	DRAFT_BUFFER = 256 << 10,   /* in memory up to this */
	DRAFT_WRITEBACK = 16 << 20, /* the disk starts on what was written, before fsync asks */
};

int store_draft_new(struct store_objects *objects, struct store_draft **ret_draft, int64_t size,
	struct aws_error *error, struct err *err)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = mem_new(1, sizeof(*draft));

	draft->objects = objects;
	draft->fd = -1;
	if (size > DRAFT_BUFFER) {
		if (draft_file(draft, error, err) < 0)
			return -1;
		/* A file system that cannot reserve says so; one that is full, too. */
		if (fallocate(draft->fd, FALLOC_FL_KEEP_SIZE, 0, size) < 0 && errno != EOPNOTSUPP &&
			errno != ENOSYS && errno != EINTR)
			return failed(error, err, errno, "cannot make room for %lld bytes",
				(long long)size);
	} else if (size > 0) {
		buf_reserve(&draft->bytes, (size_t)size);
	}
	*ret_draft = take(draft);
	return 0;
}

int draft_file(struct store_draft *draft, struct aws_error *error, struct err *err)
{
	char name[FILE_NUMBER_MAX];

	if (draft->fd >= 0)
		return 0;
	draft->number = (uint64_t)stamp_next(draft->objects);
	file_number(name, draft->number);
	draft->fd = openat(draft->objects->incoming, name,
		O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	return draft->fd < 0 ? failed(error, err, errno, "cannot make incoming/%s", name) : 0;
}

void store_draft_hash(struct store_draft *draft, enum aws_checksum algorithm)
{
	assert(draft->size == 0 && !draft->hash.algorithm);
	if (algorithm != AWS_CHECKSUM_NONE && algorithm != AWS_CHECKSUM_MD5)
		aws_hash_init(&draft->hash, algorithm);
}

static int write_bytes(
	struct store_draft *draft, struct str bytes, struct aws_error *error, struct err *err)
{
	if (draft_file(draft, error, err) < 0)
		return -1;
	while (bytes.n) {
		ssize_t n = pwrite(draft->fd, bytes.p, bytes.n, draft->written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(error, err, n < 0 ? errno : EIO, "cannot write an object");
		draft->written += n;
		bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
	}
	if (draft->written - draft->flushed >= DRAFT_WRITEBACK) {
		sync_file_range(draft->fd, draft->flushed, draft->written - draft->flushed,
			SYNC_FILE_RANGE_WRITE);
		draft->flushed = draft->written;
	}
	return 0;
}

int draft_flush(struct store_draft *draft, struct aws_error *error, struct err *err)
{
	if (write_bytes(draft, buf_str(&draft->bytes), error, err) < 0)
		return -1;
	draft->bytes.n = 0;
	return 0;
}

int store_draft_add(
	struct store_draft *draft, struct str bytes, struct aws_error *error, struct err *err)
{
	assert(!draft->is_finished);
	if (bytes.n == 0)
		return 0;
	if (!draft->has_md5)
		aws_hash_init(&draft->md5, AWS_CHECKSUM_MD5);
	draft->has_md5 = true;
	aws_hash_add(&draft->md5, bytes);
	if (draft->hash.algorithm)
		aws_hash_add(&draft->hash, bytes);
	draft->size += (int64_t)bytes.n;
	if (draft->bytes.n + bytes.n <= DRAFT_BUFFER) {
		buf_add_str(&draft->bytes, bytes);
		return 0;
	}
	if (draft->bytes.n && draft_flush(draft, error, err) < 0)
		return -1;
	return write_bytes(draft, bytes, error, err);
}

static void finish(struct store_draft *draft)
{
	struct aws_checksum_value md5;

	if (draft->is_finished)
		return;
	if (!draft->has_md5)
		aws_hash_init(&draft->md5, AWS_CHECKSUM_MD5);
	aws_hash_finish(&draft->md5, &md5);
	memcpy(draft->md5_value, md5.bytes, AWS_MD5_SIZE);
	if (draft->hash.algorithm)
		aws_hash_finish(&draft->hash, &draft->checksum);
	draft->is_finished = true;
}

void store_draft_finish(struct store_draft *draft, uint8_t ret_md5[static AWS_MD5_SIZE],
	struct aws_checksum_value *ret_checksum, int64_t *ret_size)
{
	finish(draft);
	memcpy(ret_md5, draft->md5_value, AWS_MD5_SIZE);
	if (ret_checksum)
		*ret_checksum = draft->checksum;
	if (ret_size)
		*ret_size = draft->size;
}

void store_draft_free(struct store_draft *draft)
{
	char name[FILE_NUMBER_MAX];

	if (!draft)
		return;
	if (draft->fd >= 0) {
		if (!draft->is_published) {
			file_number(name, draft->number);
			unlinkat(draft->objects->incoming, name, 0);
			file_number_meta(name, draft->number);
			unlinkat(draft->objects->incoming, name, 0);
		}
		close(draft->fd);
	}
	aws_hash_done(&draft->md5);
	aws_hash_done(&draft->hash);
	buf_done(&draft->bytes);
	free(draft);
}

/* ---- conditions ---- */

static bool etag_matches(struct str wanted, const struct store_object *object)
{
	struct str part;

	while (str_split(&wanted, ',', &part)) {
		part = str_trim(part);
		if (part.n >= 2 && part.p[0] == '"' && part.p[part.n - 1] == '"')
			part = (struct str){part.p + 1, part.n - 2};
		if (str_equal(part, STR("*")) || str_equal(part, str_from(object->etag)))
			return true;
	}
	return false;
}

static int precondition_failed(struct aws_error *error, const char *header)
{
	aws_error_default(error, AWS_ERROR_PRECONDITION_FAILED);
	return aws_error_detail(error, "Condition", "%s", header);
}

int condition_check(
	const struct store_condition *condition, const struct row *latest, struct aws_error *error)
{
	bool exists = latest && !(latest->flags & ROW_MARKER);
	struct store_object object = {0};
	int result = 0;

	if (!condition || (condition->if_match.n == 0 && condition->if_none_match.n == 0))
		return 0;
	if (exists && !meta_decode(latest->meta, &object, NULL, NULL))
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	if (condition->if_match.n && !exists)
		result = aws_error_default(error, AWS_ERROR_NO_SUCH_KEY);
	else if (condition->if_match.n && !etag_matches(condition->if_match, &object))
		result = precondition_failed(error, "If-Match");
	else if (condition->if_none_match.n && exists &&
		 etag_matches(condition->if_none_match, &object))
		result = precondition_failed(error, "If-None-Match");
	buf_done(&object.storage);
	return result;
}

/* ---- publishing ---- */

/* What the transaction finds of the key, and what the new version does to it. */
static int replace_rows(
	struct publish *publish, struct store_connection *connection, struct err *err)
{
	struct row latest, null;
	int64_t bucket = publish->bucket->id;
	int has_latest = row_latest(connection, bucket, publish->key, &latest, err);

	if (has_latest < 0)
		return -1;
	if (condition_check(publish->condition, has_latest ? &latest : NULL, publish->error) < 0) {
		publish->is_refused = true;
		return 0;
	}
	if (!has_latest)
		return 0;
	bool is_live = !(latest.flags & ROW_MARKER);
	int has_null = 0;
	if (publish->versioning != STORE_VERSIONING_ENABLED) {
		null = latest;
		has_null = strcmp(latest.version, "null") == 0;
		if (!has_null)
			has_null = row_version(
				connection, bucket, publish->key, STR("null"), &null, err);
		if (has_null < 0)
			return -1;
	}
	bool replaces_latest = has_null && null.stamp == latest.stamp;
	publish->replaces = is_live;
	publish->retires = is_live && !replaces_latest;
	publish->retired = latest;
	if (!has_null)
		return 0;
	publish->removes = true;
	publish->removed = null;
	return row_delete(connection, bucket, publish->key, null.stamp, err);
}

static int apply_publish(
	struct change *change, struct store_connection *connection, struct err *err)
{
	struct publish *publish = (struct publish *)change;
	int found = bucket_check(connection, publish->bucket, publish->versioning, err);

	if (found < 0)
		return -1;
	if (found == BUCKET_E_GONE) {
		publish->is_refused = true;
		aws_error_default(publish->error, AWS_ERROR_NO_SUCH_BUCKET);
		return 0;
	}
	if (found == BUCKET_E_CHANGED) {
		publish->is_changed = true;
		return 0;
	}
	int refused = publish->check ? publish->check(publish, connection, err) : 0;
	if (refused) {
		publish->is_refused = true;
		return refused < 0 ? -1 : 0;
	}
	if (replace_rows(publish, connection, err) < 0)
		return -1;
	if (publish->is_refused)
		return 0;
	publish->row.meta = buf_str(&publish->blob);
	if (row_insert(connection, publish->bucket->id, publish->key, &publish->row, publish->parts,
		    err) < 0)
		return -1;
	if (publish->also && publish->also(publish, connection, err) < 0)
		return -1;
	return journal_add(connection, publish->op.stamp, publish->bucket->id, publish->key,
		publish->draft->number, publish->bytes, err);
}

/* Stamp, version and metadata into object, row and file; all on disk afterwards. */
static int prepare(struct publish *publish, struct err *err)
{
	struct store_object *object = publish->object;
	struct store_draft *draft = publish->draft;
	const int64_t stamp = publish->op.stamp;
	_cleanup_buf_ struct buf beside = {0};

	publish->versioning = publish->bucket->versioning;
	if (publish->versioning == STORE_VERSIONING_ENABLED)
		id_make(object->version, stamp);
	else
		snprintf(object->version, sizeof(object->version), "null");
	object->modified_ms = stamp / 1000000;
	meta_encode(&publish->blob, object, stamp, STR_NONE);
	meta_encode(&beside, object, stamp, publish->parts);
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
		{.tv_sec = stamp / 1000000000, .tv_nsec = stamp % 1000000000}};
	if (futimens(draft->fd, times) < 0)
		return failed(publish->error, err, errno, "cannot set the time of an object");
	int is_sidecar = file_meta_write(
		publish->objects, draft->fd, buf_str(&beside), stamp, draft->number);
	if (is_sidecar < 0)
		return failed(publish->error, err, is_sidecar, "cannot write an object's sidecar");
	/* A sidecar is not in the journal. */
	if (is_sidecar)
		publish->bytes = STR_NONE;
	publish->op.bytes = publish->bytes.n;
	if (!publish->bytes.p && fsync(draft->fd) < 0)
		return failed(publish->error, err, errno, "cannot write an object to disk");
	publish->row = (struct row){
		.stamp = stamp,
		.size = object->size,
		.flags = (object->is_delete_marker ? ROW_MARKER : 0) |
			 (is_sidecar ? ROW_SIDECAR : 0),
	};
	memcpy(publish->row.version, object->version, sizeof(object->version));
	return 0;
}

/* The index has it: now the files. <0: they could not be moved, the keeper will. */
static int move_files(struct publish *publish)
{
	struct store_objects *objects = publish->objects;
	const struct bucket *bucket = publish->bucket;
	const struct path *path = &publish->path;
	char name[FILE_NUMBER_MAX];
	int result = 0;

	if (publish->row.flags & ROW_SIDECAR)
		file_sidecar_place(objects, publish->draft->number, publish->row.stamp);
	/* Before its file, which leads recovery to it. */
	if (publish->removes && publish->removed.flags & ROW_SIDECAR)
		file_sidecar_remove(objects, publish->removed.stamp);
	if (publish->retires)
		result = file_retire(
			objects, bucket, path, publish->retired.stamp, publish->retired.version);
	if (result < 0)
		return result;
	file_number(name, publish->draft->number);
	if (publish->object->is_delete_marker)
		result = file_place_version(objects, bucket, path, objects->incoming, name,
			publish->row.stamp, publish->row.version);
	else
		result = file_place(
			objects, bucket, path, objects->incoming, name, publish->replaces);
	if (result < 0 || !publish->removes)
		return result;
	/* The current object's file: replaced by rename, unless by a marker. */
	if (publish->removed.stamp == publish->retired.stamp &&
		!(publish->removed.flags & ROW_MARKER)) {
		if (publish->object->is_delete_marker)
			result = file_remove(objects, bucket, path);
	} else {
		result = file_remove_version(
			objects, bucket, path, publish->removed.stamp, publish->removed.version);
		file_prune(bucket, path);
	}
	return result == -ENOENT ? 0 : result;
}

/* Refuses before the disk is touched; the transaction asks again. */
static int check_early(struct publish *publish, struct err *err)
{
	struct store_connection *connection;
	struct row latest;

	if (!publish->condition ||
		(publish->condition->if_match.n == 0 && publish->condition->if_none_match.n == 0))
		return 0;
	if (store_read_begin(publish->objects->database, &connection, err) < 0)
		return aws_error_default(publish->error, AWS_ERROR_INTERNAL_ERROR);
	int found = row_latest(connection, publish->bucket->id, publish->key, &latest, err);
	int result = found < 0 ? aws_error_default(publish->error, AWS_ERROR_INTERNAL_ERROR)
			       : condition_check(publish->condition, found ? &latest : NULL,
					 publish->error);
	store_read_end(connection);
	return result;
}

static int publish_once(struct publish *publish, struct err *err)
{
	struct store_objects *objects = publish->objects;
	struct err failure = ERR_INIT;
	int folder;

	publish->is_changed = publish->is_refused = false;
	publish->replaces = publish->retires = publish->removes = false;
	op_begin(objects, &publish->op);
	publish->op.draft = publish->draft->number;
	int result = prepare(publish, err);
	if (result == 0 && !publish->object->is_delete_marker) {
		/* Here a full disk can still be told. */
		result = file_folder_open(objects, publish->bucket, &publish->path, true, &folder);
		if (result < 0)
			failed(publish->error, err, result, "cannot make the folder of a key");
		else
			file_folder_close(publish->bucket, folder);
	}
	if (result == 0) {
		publish->change = (struct change){
			.apply = apply_publish, .syncs_incoming = !publish->bytes.p};
		result = objects_commit(objects, &publish->change, &failure);
		if (result < 0) {
			if (err)
				*err = failure;
			failed_by(publish->error, &failure);
		}
	}
	if (result < 0 || publish->is_refused || publish->is_changed) {
		op_end(objects, &publish->op);
		if (!publish->is_changed)
			file_prune(publish->bucket, &publish->path);
		return result < 0 || publish->is_refused ? -1 : 1;
	}
	publish->draft->is_published = true;
	if (move_files(publish) < 0)
		op_stuck(objects, &publish->op, publish->bucket, publish->key);
	else
		op_end(objects, &publish->op);
	return 0;
}

int publish(struct publish *publish, struct err *err)
{
	int result = check_early(publish, err);

	if (result < 0)
		return -1;
	_cleanup_unlock_ pthread_mutex_t *lock =
		key_lock(publish->objects, publish->bucket, publish->key);
	/* Again when somebody switched the bucket's versioning meanwhile. */
	do
		result = publish_once(publish, err);
	while (result > 0);
	buf_done(&publish->blob);
	return result;
}

int store_object_put(struct store_objects *objects, struct str bucket_name, struct str key,
	struct store_draft *draft, const struct store_condition *condition,
	struct store_object *object, struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	struct publish put = {.objects = objects,
		.key = key,
		.draft = draft,
		.condition = condition,
		.object = object,
		.error = error};

	assert(!draft->is_published);
	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	if (key.n > STORE_KEY_MAX)
		return aws_error_default(error, AWS_ERROR_KEY_TOO_LONG);
	if (!path_of_key(key, &put.path))
		return aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
			"An object's key must have 1 to 1024 bytes and no NUL.");
	finish(draft);
	char *end = aws_hex_write(object->etag, draft->md5_value, AWS_MD5_SIZE);
	*end = '\0';
	object->size = draft->size;
	object->checksum = draft->checksum;
	object->parts = 0;
	object->is_delete_marker = false;
	put.bucket = bucket;
	/* draft_flush leaves the memory as it is. */
	if (draft->written == 0 && draft->size <= PUBLISH_SMALL)
		put.bytes = draft->size ? buf_str(&draft->bytes) : STR("");
	if (draft_file(draft, error, err) < 0 || draft_flush(draft, error, err) < 0 ||
		publish(&put, err) < 0)
		return -1;
	object->key = key;
	object->is_latest = true;
	if (put.versioning == STORE_VERSIONING_NEVER)
		object->version[0] = '\0';
	return 0;
}
