/* Completing a multipart upload. */
#include "store/objects_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct completion {
	struct store_objects *objects;
	struct bucket *bucket;
	struct str key, id;
	struct store_upload upload;
	uint8_t wanted[AWS_SHA256_SIZE]; /* what the client listed, to know it again */
	struct store_part *parts;        /* as they were stored */
	uint64_t *drafts;
	size_t count;
};

static void completion_done(struct completion *completion)
{
	store_upload_done(&completion->upload);
	free(completion->parts);
	free(completion->drafts);
}

/* A client's list as one value. */
static void hash_parts(
	const struct store_part *parts, size_t count, uint8_t ret_hash[static AWS_SHA256_SIZE])
{
	_cleanup_buf_ struct buf text = {0};

	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%u %s\n", parts[i].number, parts[i].etag);
	aws_sha256(buf_str(&text), ret_hash);
}

static struct str bare_etag(const char *etag)
{
	struct str text = str_from(etag);

	if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
		return (struct str){text.p + 1, text.n - 2};
	return text;
}

static int invalid_part(const struct store_part *part, struct aws_error *error)
{
	aws_error_default(error, AWS_ERROR_INVALID_PART);
	aws_error_detail(error, "PartNumber", "%u", part->number);
	return aws_error_detail(error, "ETag", "%s", part->etag);
}

/* Finds one listed part: 0, refused (<0, error set) or failed (<0, err set). */
static int find_part(struct completion *completion, struct store_connection *connection,
	const struct store_part *listed, size_t index, struct aws_error *error, struct err *err)
{
	_cleanup_(store_object_done) struct store_object stored = {0};
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    "SELECT stamp, size, meta FROM upload_parts WHERE upload = ? AND number = ?",
		    &statement, err) < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	store_bind_str(statement, 1, completion->id);
	store_bind_i64(statement, 2, listed->number);
	int found = store_step(statement, err);
	if (found < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	if (!found)
		return invalid_part(listed, error);
	const struct str meta = {
		sqlite3_column_blob(statement, 2), (size_t)sqlite3_column_bytes(statement, 2)};
	if (!meta_decode(meta, &stored, NULL, NULL))
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	if (!str_equal(bare_etag(listed->etag), str_from(stored.etag)) ||
		(listed->checksum.algorithm &&
			!aws_checksum_equal(&listed->checksum, &stored.checksum)))
		return invalid_part(listed, error);
	struct store_part *part = &completion->parts[index];
	*part = (struct store_part){.number = listed->number,
		.size = store_column_i64(statement, 1),
		.checksum = stored.checksum};
	memcpy(part->etag, stored.etag, sizeof(part->etag));
	completion->drafts[index] = (uint64_t)store_column_i64(statement, 0);
	return 0;
}

static int find_parts(struct completion *completion, const struct store_part *listed,
	struct aws_error *error, struct err *err)
{
	struct store_connection *connection;
	int result = 0;

	completion->parts = mem_new(completion->count, sizeof(*completion->parts));
	completion->drafts = mem_new(completion->count, sizeof(*completion->drafts));
	for (size_t i = 1; i < completion->count; i++)
		if (listed[i].number <= listed[i - 1].number)
			return aws_error_default(error, AWS_ERROR_INVALID_PART_ORDER);
	if (store_read_begin(completion->objects->database, &connection, err) < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	for (size_t i = 0; i < completion->count && result == 0; i++)
		result = find_part(completion, connection, &listed[i], i, error, err);
	store_read_end(connection);
	for (size_t i = 0; i + 1 < completion->count && result == 0; i++) {
		const struct store_part *part = &completion->parts[i];
		if (part->size >= STORE_PART_BYTES_MIN)
			continue;
		aws_error_default(error, AWS_ERROR_ENTITY_TOO_SMALL);
		aws_error_detail(error, "ProposedSize", "%lld", (long long)part->size);
		aws_error_detail(error, "MinSizeAllowed", "%d", STORE_PART_BYTES_MIN);
		result = aws_error_detail(error, "PartNumber", "%u", part->number);
	}
	return result;
}

/* ETag, size and checksum of the whole from those of the parts. */
static int combine(struct completion *completion, const struct aws_checksum_value *expected,
	struct store_object *object, struct buf *parts, struct aws_error *error)
{
	enum aws_checksum algorithm = completion->upload.algorithm;
	struct aws_checksum_parts sum = {0};
	struct aws_checksum_value md5;
	struct aws_hash etags;
	bool has_sum = algorithm != AWS_CHECKSUM_NONE &&
		       aws_checksum_parts_init(&sum, algorithm, completion->upload.type);

	aws_hash_init(&etags, AWS_CHECKSUM_MD5);
	for (size_t i = 0; i < completion->count; i++) {
		const struct store_part *part = &completion->parts[i];
		char bytes[AWS_MD5_SIZE];
		bool is_hex = aws_hex_parse(str_from(part->etag), bytes, sizeof(bytes));
		assert(is_hex);
		aws_hash_add(&etags, (struct str){bytes, sizeof(bytes)});
		object->size += part->size;
		meta_add_part(parts, part);
		/* A part without the upload's checksum: then the whole has none. */
		if (has_sum &&
			!aws_checksum_parts_add(&sum, &part->checksum, (uint64_t)part->size)) {
			aws_checksum_parts_done(&sum);
			has_sum = false;
		}
	}
	aws_hash_finish(&etags, &md5);
	char *end = aws_hex_write(object->etag, md5.bytes, AWS_MD5_SIZE);
	object->parts = (unsigned)completion->count;
	snprintf(end, sizeof(object->etag) - 32, "-%u", object->parts);
	if (has_sum)
		aws_checksum_parts_finish(&sum, &object->checksum);
	if (expected && expected->algorithm) {
		struct aws_checksum_value given = *expected;
		given.parts = object->checksum.parts; /* the "-N" may be left out */
		if (!aws_checksum_equal(&given, &object->checksum))
			return aws_error_default(error, AWS_ERROR_BAD_DIGEST);
	}
	return object->size > STORE_OBJECT_BYTES_MAX
		       ? aws_error_default(error, AWS_ERROR_ENTITY_TOO_LARGE)
		       : 0;
}

/* -errno. */
static int copy_bytes(int from, struct store_draft *draft, int64_t size)
{
	_cleanup_free_ char *bytes = NULL;
	loff_t offset = 0;

	while (offset < size) {
		ssize_t n = bytes ? -1
				  : copy_file_range(from, &offset, draft->fd, &draft->written,
					    (size_t)(size - offset), 0);
		if (!bytes && n < 0 && errno != EXDEV && errno != EOPNOTSUPP && errno != ENOSYS &&
			errno != EINVAL && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO; /* the part is shorter than its row says */
		if (n > 0 || (!bytes && errno == EINTR))
			continue;
		enum { CHUNK = 1 << 20 };
		if (!bytes)
			bytes = mem_new(1, CHUNK);
		n = pread(from, bytes, CHUNK, offset);
		if (n <= 0 || pwrite(draft->fd, bytes, (size_t)n, draft->written) != n)
			return n < 0 ? -errno : -EIO;
		offset += n;
		draft->written += n;
	}
	return 0;
}

static int concatenate(struct completion *completion, struct store_draft *draft,
	struct aws_error *error, struct err *err)
{
	char id[STORE_VERSION_MAX];

	snprintf(id, sizeof(id), "%.*s", STR_ARG(completion->id));
	if (draft_file(draft, error, err) < 0)
		return -1;
	for (size_t i = 0; i < completion->count; i++) {
		char path[STORE_VERSION_MAX + 40];
		snprintf(path, sizeof(path), "%s/%05u.%016llx", id, completion->parts[i].number,
			(unsigned long long)completion->drafts[i]);
		_cleanup_close_ int part =
			file_open_below(completion->objects->uploads, path, O_RDONLY | O_NOFOLLOW);
		if (part == -ENOENT) { /* aborted, completed or sent again just now */
			aws_error_default(error, AWS_ERROR_NO_SUCH_UPLOAD);
			return aws_error_detail(error, "UploadId", "%s", id);
		}
		int result = part < 0 ? part : copy_bytes(part, draft, completion->parts[i].size);
		if (result < 0)
			return failed(error, err, result, "cannot copy a part to its object");
	}
	return 0;
}

/* Two completes at once: the second is answered as one that came later. */
static int check_upload(
	struct publish *publish, struct store_connection *connection, struct err *err)
{
	struct completion *completion = publish->also_context;
	int found = upload_find(
		connection, publish->bucket, completion->key, completion->id, NULL, err);

	if (found == 0)
		aws_error_default(publish->error, AWS_ERROR_NO_SUCH_UPLOAD);
	return found < 0 ? -1 : !found;
}

/* In the transaction that publishes: the upload goes, its answer stays. */
static int also_complete(
	struct publish *publish, struct store_connection *connection, struct err *err)
{
	struct completion *completion = publish->also_context;
	sqlite3_stmt *statement;

	if (upload_delete(connection, publish->bucket, completion->key, completion->id, err) < 0)
		return -1;
	if (store_statement(connection,
		    "INSERT OR REPLACE INTO object_completed VALUES (?, ?, ?,"
		    " ?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, completion->id);
	store_bind_i64(statement, 2, publish->bucket->id);
	store_bind_str(statement, 3, completion->key);
	sqlite3_bind_blob(
		statement, 4, completion->wanted, sizeof(completion->wanted), SQLITE_TRANSIENT);
	sqlite3_bind_blob64(statement, 5, publish->blob.p, publish->blob.n, SQLITE_TRANSIENT);
	store_bind_i64(statement, 6, publish->object->modified_ms);
	return store_step(statement, err);
}

/* 1: this upload was completed with these parts; ret_object as then. */
static int find_completed(
	struct completion *completion, struct store_object *ret_object, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;
	int found = 0;

	if (store_read_begin(completion->objects->database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection,
		"SELECT parts, meta FROM object_completed WHERE upload = ? AND bucket = ?"
		" AND key = ?",
		&statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, completion->id);
		store_bind_i64(statement, 2, completion->bucket->id);
		store_bind_str(statement, 3, completion->key);
		result = store_step(statement, err);
	}
	if (result > 0) {
		const struct row row = {.meta = {sqlite3_column_blob(statement, 1),
						(size_t)sqlite3_column_bytes(statement, 1)}};
		bool is_same = sqlite3_column_bytes(statement, 0) == AWS_SHA256_SIZE &&
			       memcmp(sqlite3_column_blob(statement, 0), completion->wanted,
				       AWS_SHA256_SIZE) == 0;
		if (is_same && row_object(&row, completion->key, ret_object, err) == 0)
			found = 1;
	}
	store_read_end(connection);
	return result < 0 ? -1 : found;
}

static int answer_again(struct completion *completion, struct store_object *ret_object,
	struct aws_error *error, struct err *err)
{
	int found = find_completed(completion, ret_object, err);

	if (found < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	if (!found) {
		aws_error_default(error, AWS_ERROR_NO_SUCH_UPLOAD);
		return aws_error_detail(error, "UploadId", "%.*s", STR_ARG(completion->id));
	}
	if (completion->bucket->versioning == STORE_VERSIONING_NEVER)
		ret_object->version[0] = '\0';
	return 0;
}

static int complete(struct completion *completion, const struct store_part *listed,
	const struct aws_checksum_value *expected, const struct store_condition *condition,
	struct store_object *ret_object, struct aws_error *error, struct err *err)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	_cleanup_buf_ struct buf parts = {0};
	struct store_upload *upload = &completion->upload;
	struct store_object object = {
		.headers = upload->headers, .tags = upload->tags, .acl = upload->acl};
	struct publish put = {.objects = completion->objects,
		.bucket = completion->bucket,
		.key = completion->key,
		.condition = condition,
		.object = &object,
		.error = error,
		.check = check_upload,
		.also = also_complete,
		.also_context = completion};

	if (!path_of_key(completion->key, &put.path))
		return aws_error_default(error, AWS_ERROR_NO_SUCH_UPLOAD);
	if (find_parts(completion, listed, error, err) < 0 ||
		combine(completion, expected, &object, &parts, error) < 0)
		return -1;
	put.parts = buf_str(&parts);
	if (store_draft_new(completion->objects, &draft, object.size, error, err) < 0 ||
		concatenate(completion, draft, error, err) < 0)
		return -1;
	put.draft = draft;
	if (publish(&put, err) < 0)
		return -1;
	_cleanup_buf_ struct buf blob = {0};
	meta_encode(&blob, &object, put.row.stamp, STR_NONE);
	struct row row = put.row;
	row.meta = buf_str(&blob);
	if (row_object(&row, completion->key, ret_object, err) < 0)
		return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
	ret_object->is_latest = true;
	if (put.versioning == STORE_VERSIONING_NEVER)
		ret_object->version[0] = '\0';
	return 0;
}

int store_upload_complete(struct store_objects *objects, struct str bucket_name, struct str key,
	struct str id, const struct store_part *parts, size_t count,
	const struct aws_checksum_value *expected, const struct store_condition *condition,
	struct store_object *ret_object, struct aws_error *error, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	_cleanup_(completion_done) struct completion completion = {
		.objects = objects, .key = key, .id = id, .count = count};
	struct aws_error refused = {0};
	char text[STORE_VERSION_MAX];

	*ret_object = (struct store_object){0};
	if (bucket_ref(objects, bucket_name, &bucket, error) < 0)
		return -1;
	completion.bucket = bucket;
	hash_parts(parts, count, completion.wanted);
	if (upload_get(objects, bucket, key, id, &completion.upload, &refused, err) < 0) {
		if (refused.code == AWS_ERROR_NO_SUCH_UPLOAD)
			return answer_again(&completion, ret_object, error, err);
		*error = refused;
		return -1;
	}
	if (count == 0 || count > STORE_PARTS_MAX)
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	if (complete(&completion, parts, expected, condition, ret_object, &refused, err) < 0) {
		if (refused.code == AWS_ERROR_NO_SUCH_UPLOAD)
			return answer_again(&completion, ret_object, error, err);
		if (error)
			*error = refused;
		return -1;
	}
	snprintf(text, sizeof(text), "%.*s", STR_ARG(id));
	upload_remove_files(objects, text);
	return 0;
}
