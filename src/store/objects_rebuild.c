/* The index from the files: buckets from configs/BUCKET, objects from what lies beside their bytes,
 * uploads under way from uploads/ID/upload and the parts beside it. Of a part that was sent again
 * as the machine stopped both files may be there: the newer one counts, answered or not, and a
 * client that completes with the older one's ETag is told InvalidPart, and sends it once more. */
#include "store/objects_priv.h"

#include "base/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

void fsck_tell(const struct store_fsck_options *options, const char *format, ...)
{
	_cleanup_buf_ struct buf text = {0};
	va_list arguments;

	if (!options->told)
		return;
	va_start(arguments, format);
	int n = vsnprintf(buf_reserve(&text, 2048), 2048, format, arguments);
	va_end(arguments);
	text.n = n < 0 ? 0 : n < 2048 ? (size_t)n : 2047;
	options->told(options->context, buf_text(&text));
}

/* ---- buckets ---- */

static int insert_config(struct store_connection *connection, int64_t bucket, struct str name,
	struct str text, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection, "INSERT OR REPLACE INTO bucket_configs VALUES (?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, bucket);
	store_bind_str(statement, 2, name);
	store_bind_str(statement, 3, text);
	return store_step(statement, err);
}

/* The lines before the first "config". */
static struct bucket *parse_settings(const char *name, struct str *text)
{
	struct str line, region = STR("us-east-1"), owner = STR("");
	uint64_t created = 0, versioning = 0;

	while (text->n && !str_starts_with(*text, STR("config ")) && str_split(text, '\n', &line)) {
		struct str word;
		if (!str_split(&line, ' ', &word))
			continue;
		if (str_equal(word, STR("region")))
			region = line;
		else if (str_equal(word, STR("owner")))
			owner = line;
		else if (str_equal(word, STR("created")))
			number_parse(line, INT64_MAX, &created);
		else if (str_equal(word, STR("versioning")))
			number_parse(line, STORE_VERSIONING_SUSPENDED, &versioning);
	}
	struct bucket *bucket = bucket_new(str_from(name), region, owner);
	bucket->created_ms = (int64_t)created;
	bucket->versioning = (int)versioning;
	return bucket;
}

static int rebuild_bucket(struct store_objects *objects, const char *name, struct err *err)
{
	_cleanup_buf_ struct buf settings = {0};
	struct store_connection *connection;

	file_read_whole(objects->configs, name, &settings); /* without: the defaults */
	struct str text = buf_str(&settings), line;
	_cleanup_(bucket_unrefp) struct bucket *bucket = parse_settings(name, &text);
	if (bucket_open_folder(objects, name, &bucket->fd, err) < 0 ||
		store_write_begin(objects->database, &connection, err) < 0)
		return -1;
	int result = bucket_insert(connection, bucket, err);
	while (result == 0 && text.n && str_split(&text, '\n', &line)) {
		struct str word, config;
		uint64_t n;
		if (!str_split(&line, ' ', &word) || !str_split(&line, ' ', &config) ||
			!number_parse(line, text.n, &n))
			break;
		result = insert_config(
			connection, bucket->id, config, (struct str){text.p ? text.p : "", n}, err);
		n += n < text.n; /* the line feed */
		text = (struct str){text.p + n, text.n - n};
	}
	if (result < 0) {
		store_rollback(connection);
		return -1;
	}
	if (store_commit(connection, err) < 0)
		return -1;
	int64_t id = bucket->id;
	bucket_add(objects, take(bucket));
	return bucket_settle(objects, id, err);
}

int rebuild_buckets(struct store_objects *objects, bool repair,
	const struct store_fsck_options *options, struct store_fsck_report *report, struct err *err)
{
	int fd = openat(objects->buckets, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int result = folder ? 0 : err_set_errno(err, errno, "cannot read the folder buckets");
	int lacking = 0;

	while (folder && result == 0 && (entry = readdir(folder))) {
		_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
		if (entry->d_name[0] == '.' ||
			(entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) ||
			bucket_ref(objects, str_from(entry->d_name), &bucket, NULL) == 0)
			continue;
		fsck_tell(options, "bucket %s is not in the index", entry->d_name);
		lacking++;
		if (!repair)
			continue;
		result = rebuild_bucket(objects, entry->d_name, err);
		report->repaired++;
	}
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
	return result < 0 ? result : lacking;
}

/* ---- uploads ---- */

struct part_file {
	unsigned number;
	unsigned long long draft;
	char name[PART_NAME_MAX];
};

static int compare_parts(const void *a, const void *b)
{
	const struct part_file *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->draft > y->draft) - (x->draft < y->draft);
}

static int list_parts(int fd, struct part_file **ret_parts, size_t *ret_count)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = own >= 0 ? fdopendir(own) : NULL;
	struct part_file *parts = NULL;
	size_t count = 0, room = 0;
	const struct dirent *entry;

	if (!folder) {
		int failure = errno;
		if (own >= 0)
			close(own);
		return -failure;
	}
	while ((entry = readdir(folder))) {
		struct part_file part;
		if (sscanf(entry->d_name, "%5u.%16llx", &part.number, &part.draft) != 2 ||
			part.number < 1 || part.number > STORE_PARTS_MAX)
			continue;
		part_name(part.name, part.number, part.draft);
		if (count == room)
			parts = mem_grow(parts, room = room ? 2 * room : 64, sizeof(*parts));
		parts[count++] = part;
	}
	closedir(folder);
	if (count)
		qsort(parts, count, sizeof(*parts), compare_parts);
	*ret_parts = parts;
	*ret_count = count;
	return 0;
}

/* From what lies beside its bytes, or (no attributes here) from the bytes. -errno. */
static int describe_part(int fd, enum aws_checksum algorithm, struct store_part *part)
{
	char blob[META_XATTR_MAX];
	uint8_t md5[AWS_MD5_SIZE];
	struct stat status;
	unsigned number = part->number;

	if (fstat(fd, &status) < 0)
		return -errno;
	ssize_t n = fgetxattr(fd, META_XATTR, blob, sizeof(blob));
	if (n > 0 && part_decode((struct str){blob, (size_t)n}, part) &&
		part->size == status.st_size) {
		part->number = number;
		return 0;
	}
	*part = (struct store_part){.number = number,
		.size = status.st_size,
		.modified_ms = stat_stamp(&status) / 1000000};
	int result = rebuild_hash(fd, algorithm, md5, &part->checksum);
	if (result == 0)
		*aws_hex_write(part->etag, md5, sizeof(md5)) = '\0';
	return result;
}

static int rebuild_parts(struct store_connection *connection, int folder, const char *id,
	enum aws_checksum algorithm, struct err *err)
{
	_cleanup_free_ struct part_file *parts = NULL;
	size_t count = 0;
	int result = list_parts(folder, &parts, &count);

	if (result < 0)
		return err_set_errno(err, result, "cannot read uploads/%s", id);
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct buf blob = {0};
		struct store_part part = {.number = parts[i].number};
		if (i + 1 < count && parts[i + 1].number == parts[i].number)
			continue;
		_cleanup_close_ int fd = file_open_below(folder, parts[i].name, O_RDONLY);
		result = fd < 0 ? fd : describe_part(fd, algorithm, &part);
		if (result < 0)
			return err_set_errno(
				err, result, "cannot read uploads/%s/%s", id, parts[i].name);
		part_encode(&blob, &part);
		if (upload_insert_part(connection, str_from(id), &part, parts[i].draft,
			    buf_str(&blob), err) < 0)
			return -1;
	}
	return 0;
}

static int rebuild_upload(struct store_objects *objects, const char *id, bool repair,
	const struct store_fsck_options *options, struct err *err)
{
	_cleanup_(bucket_unrefp) struct bucket *bucket = NULL;
	_cleanup_(store_upload_done) struct store_upload upload = {0};
	_cleanup_buf_ struct buf blob = {0};
	struct store_connection *connection;
	_cleanup_close_ int folder = file_open_below(objects->uploads, id, O_RDONLY | O_DIRECTORY);

	if (folder < 0)
		return err_set_errno(err, folder, "cannot open uploads/%s", id);
	if (file_read_whole(folder, "upload", &blob) < 0 ||
		!meta_decode_upload(buf_str(&blob), &upload)) {
		fsck_tell(options, "uploads/%s does not say what it is of", id);
		return 0;
	}
	struct str name = meta_upload_bucket(buf_str(&blob));
	fsck_tell(options, "the upload of %.*s/%.*s is not in the index", STR_ARG(some(name)),
		STR_ARG(upload.key));
	if (!repair || bucket_ref(objects, some(name), &bucket, NULL) < 0)
		return 0;
	if (store_write_begin(objects->database, &connection, err) < 0)
		return -1;
	if (upload_insert(connection, bucket, upload.key, str_from(id), buf_str(&blob), err) < 0 ||
		rebuild_parts(connection, folder, id, upload.algorithm, err) < 0) {
		store_rollback(connection);
		return -1;
	}
	return store_commit(connection, err) < 0 ? -1 : 1;
}

int rebuild_uploads(struct store_objects *objects, bool repair,
	const struct store_fsck_options *options, struct store_fsck_report *report, struct err *err)
{
	int fd = openat(objects->uploads, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int result = folder ? 0 : err_set_errno(err, errno, "cannot read the folder uploads");
	int lacking = 0;

	while (folder && result >= 0 && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		lacking++;
		result = rebuild_upload(objects, entry->d_name, repair, options, err);
		report->repaired += result > 0;
	}
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
	return result < 0 ? -1 : lacking;
}

/* ---- objects ---- */

int rebuild_hash(int fd, enum aws_checksum algorithm, uint8_t ret_md5[static AWS_MD5_SIZE],
	struct aws_checksum_value *ret_checksum)
{
	enum { CHUNK = 1 << 20 };
	_cleanup_free_ char *bytes = mem_new(1, CHUNK);
	struct aws_hash md5, hash = {0};
	struct aws_checksum_value value;
	off_t offset = 0;
	ssize_t n;

	aws_hash_init(&md5, AWS_CHECKSUM_MD5);
	if (algorithm)
		aws_hash_init(&hash, algorithm);
	while ((n = pread(fd, bytes, CHUNK, offset)) > 0) {
		aws_hash_add(&md5, (struct str){bytes, (size_t)n});
		if (algorithm)
			aws_hash_add(&hash, (struct str){bytes, (size_t)n});
		offset += n;
	}
	int failure = errno;
	aws_hash_finish(&md5, &value);
	memcpy(ret_md5, value.bytes, AWS_MD5_SIZE);
	if (algorithm)
		aws_hash_finish(&hash, ret_checksum);
	return n < 0 ? -failure : 0;
}

/* A file that a person put there: an object as of a PUT without headers. */
static int describe_bytes(
	struct store_objects *objects, int fd, int64_t stamp, struct store_object *object)
{
	_cleanup_buf_ struct buf blob = {0};
	uint8_t md5[AWS_MD5_SIZE];
	struct stat status;
	int result = rebuild_hash(fd, AWS_CHECKSUM_NONE, md5, NULL);

	if (result < 0 || fstat(fd, &status) < 0)
		return result < 0 ? result : -errno;
	*aws_hex_write(object->etag, md5, sizeof(md5)) = '\0';
	object->size = status.st_size;
	object->modified_ms = stamp / 1000000;
	object->headers.content_type = STR("binary/octet-stream");
	meta_encode(&blob, object, stamp, STR_NONE);
	result = file_meta_write(objects, fd, buf_str(&blob), stamp, 0);
	return result < 0 ? result : 0;
}

int rebuild_row(struct store_objects *objects, struct store_connection *connection, int64_t bucket,
	struct str key, int fd, const char *version, int64_t stamp, struct err *err)
{
	_cleanup_(store_object_done) struct store_object object = {0};
	_cleanup_buf_ struct buf beside = {0}, blob = {0};
	struct str parts = STR_NONE;
	struct stat status;
	int result = 0;

	if (file_meta_read(objects, fd, &beside) &&
		meta_decode(buf_str(&beside), &object, &stamp, &parts)) {
		if (fstat(fd, &status) < 0 || status.st_size != object.size)
			return 1;
	} else {
		snprintf(object.version, sizeof(object.version), "%s", version);
		result = describe_bytes(objects, fd, stamp, &object);
	}
	if (result < 0)
		return err_set_errno(err, result, "cannot read the file of %.*s", STR_ARG(key));
	meta_encode(&blob, &object, stamp, STR_NONE);
	/* Only a sidecar that is sure not to be there may be forgotten. */
	struct row row = {.stamp = stamp,
		.size = object.size,
		.meta = buf_str(&blob),
		.flags = ROW_SIDECAR | (object.is_delete_marker ? ROW_MARKER : 0)};
	memcpy(row.version, object.version, sizeof(row.version));
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
		{.tv_sec = stamp / 1000000000, .tv_nsec = stamp % 1000000000}};
	futimens(fd, times);
	if (stamp > objects->last_stamp)
		objects->last_stamp = stamp;
	return row_insert(connection, bucket, key, &row, parts, err);
}
