#include "query/convert_bucket_priv.h"

#include "query/remote_priv.h"

#include "aws/checksum.h"
#include "aws/client.h"
#include "aws/uri.h"
#include "aws/xml.h"
#include "base/file.h"
#include "base/number.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define JOURNAL    ".nagare-convert/"
#define NOTE       ".begun"
#define RECORD_MAX ((size_t)256 << 20)

/* Calls. */

int convert_bucket_call(struct convert_bucket *bucket, struct aws_call *call, const char *key,
	struct aws_answer *answer, struct err *err)
{
	_cleanup_buf_ struct buf path = {0};

	buf_add_char(&path, '/');
	if (key)
		aws_uri_encode(&path, str_from(key), AWS_URI_KEEP_SLASH);
	call->service = "s3";
	call->bucket = str_from(bucket->name);
	call->path = buf_str(&path);
	call->is_idempotent = true;
	if (aws_client_call(query_remote_client(bucket->remote), call, answer, err) < 0)
		return err_wrap(err, REMOTE_SCHEME "%s/%s", bucket->name, key ? key : "");
	return 0;
}

/* is_new: refused when the key is there already. */
static int put(struct convert_bucket *bucket, const char *key, struct str body, bool is_new,
	struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	struct aws_checksum_value value = {.algorithm = AWS_CHECKSUM_CRC32, .size = 4};
	uint32_t crc = htobe32(aws_crc32(0, body.p, body.n));
	char text[AWS_CHECKSUM_STR_MAX];

	memcpy(value.bytes, &crc, sizeof(crc));
	size_t n = (size_t)(aws_checksum_write(text, &value) - text);
	const struct aws_header headers[] = {
		{STR("x-amz-checksum-crc32"), {text, n}},
		{STR("Content-Type"), STR("application/octet-stream")},
		{STR("If-None-Match"), STR("*")},
	};
	struct aws_call request = {.method = "PUT",
		.body = body,
		.headers = headers,
		.header_count = ARRAY_SIZE(headers) - !is_new};
	if (convert_bucket_call(bucket, &request, key, &answer, err) == 0)
		return 0;
	if (is_new && answer.status == 412)
		return err_set(
			err, ERR_SYSTEM, "another 'nagare convert' writes to %s", bucket->location);
	return -1;
}

static int put_file(
	struct convert_bucket *bucket, const char *key, const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_set_errno(err, errno, "cannot read %s", path);
	size_t n = (size_t)status.st_size;
	void *bytes = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_set_errno(err, errno, "cannot read %s", path);
	struct str body = {bytes, n};
	int r = n > bucket->part_bytes ? convert_upload(bucket, key, body, err)
				       : put(bucket, key, body, false, err);
	munmap(bytes, n);
	return r;
}

static int get(struct convert_bucket *bucket, const char *key, struct buf *ret, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	struct aws_call request = {.method = "GET", .answer_max = RECORD_MAX};

	if (convert_bucket_call(bucket, &request, key, &answer, err) < 0)
		return -1;
	buf_add(ret, answer.body.p, answer.body.n);
	return 0;
}

static int delete_key(struct convert_bucket *bucket, const char *key, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	struct aws_call request = {.method = "DELETE"};

	return convert_bucket_call(bucket, &request, key, &answer, err);
}

/* Keys of the journal, a JSON array of strings. */
static int list(struct convert_bucket *bucket, json_t *keys, struct err *err)
{
	_cleanup_buf_ struct buf token = {0};

	do {
		_cleanup_(aws_answer_done) struct aws_answer answer = {0};
		_cleanup_(aws_xml_freep) struct aws_xml *page = NULL;
		_cleanup_free_ char *prefix = mem_printf("%s" JOURNAL, bucket->prefix);
		_cleanup_buf_ struct buf query = {0}, key = {0};
		if (token.n) {
			buf_add_text(&query, "continuation-token=");
			aws_uri_encode(&query, buf_str(&token), AWS_URI_ENCODE_SLASH);
			buf_add_char(&query, '&');
		}
		buf_add_text(&query, "encoding-type=url&list-type=2&prefix=");
		aws_uri_encode(&query, str_from(prefix), AWS_URI_ENCODE_SLASH);
		struct aws_call request = {.method = "GET", .query = buf_str(&query)};
		if (convert_bucket_call(bucket, &request, NULL, &answer, err) < 0 ||
			aws_xml_parse(&page, buf_str(&answer.body), err) < 0)
			return -1;
		const struct aws_xml_node *root = aws_xml_root(page);
		for (const struct aws_xml_node *node = aws_xml_child(root, STR("Contents")); node;
			node = aws_xml_next(node)) {
			key.n = 0;
			if (aws_uri_decode(
				    &key, aws_xml_text(node, STR("Key")), AWS_URI_PLUS_IS_SPACE))
				json_array_append_new(keys, json_stringn(key.p, key.n));
		}
		token.n = 0;
		buf_add_str(&token, aws_xml_text(root, STR("NextContinuationToken")));
	} while (token.n);
	return 0;
}

/* The journal. */

static char *journal_key(const struct convert_bucket *bucket, const char *unit, const char *ending)
{
	return mem_printf("%s" JOURNAL ".%s%s", bucket->prefix, unit, ending);
}

static int put_note(struct convert_bucket *bucket, const struct convert_unit *unit, struct err *err)
{
	_cleanup_free_ char *key = journal_key(bucket, unit->name, NOTE);
	json_t *paths = json_array();

	for (unsigned i = 0; i < unit->files_count; i++)
		json_array_append_new(paths, json_string(unit->files[i].path));
	_cleanup_free_ char *text = json_dumps(paths, JSON_INDENT(1));
	json_decref(paths);
	return put(bucket, key, str_from(text), true, err);
}

/* A note that a run left behind: unless the unit is whole, its objects are no one's. */
static int follow_note(
	struct convert_bucket *bucket, const char *key, bool is_whole, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};
	json_t *path;
	size_t i;
	int r = 0;

	if (get(bucket, key, &text, err) < 0)
		return -1;
	json_t *paths = json_loadb(text.p, text.n, 0, NULL);
	json_array_foreach(paths, i, path)
	{
		const char *name = json_string_value(path);
		if (r < 0 || is_whole || !name)
			continue;
		_cleanup_free_ char *object = mem_printf("%s%s", bucket->prefix, name);
		r = convert_upload_abort_all(bucket, object, err);
		if (r == 0)
			r = delete_key(bucket, object, err);
	}
	json_decref(paths);
	return r < 0 ? r : delete_key(bucket, key, err);
}

static bool has_key(json_t *keys, const char *wanted)
{
	json_t *key;
	size_t i;

	json_array_foreach(keys, i, key)
	{
		if (strcmp(json_string_value(key), wanted) == 0)
			return true;
	}
	return false;
}

/* PREFIX/.nagare-convert/.UNIT.json becomes .nagare-convert/UNIT.json in the folder. */
static int load(struct convert_bucket *bucket, json_t *keys, const char *key, struct err *err)
{
	const char *name = strrchr(key, '/') + 1;
	size_t n = strlen(name);

	if (n > strlen(NOTE) && strcmp(name + n - strlen(NOTE), NOTE) == 0) {
		_cleanup_free_ char *record =
			mem_printf("%.*s.json", (int)(strlen(key) - strlen(NOTE)), key);
		return follow_note(bucket, key, has_key(keys, record), err);
	}
	if (*name != '.' || !str_ends_with(str_from(name), STR(".json")))
		return 0;
	_cleanup_buf_ struct buf text = {0};
	_cleanup_free_ char *path = mem_printf("%s/" JOURNAL "%s", bucket->folder, name + 1);
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	if (get(bucket, key, &text, err) < 0 || file_draft_open(&draft, path, err) < 0 ||
		file_draft_write(&draft, buf_str(&text), err) < 0)
		return -1;
	return file_draft_commit(&draft, true, err);
}

static int load_journal(struct convert_bucket *bucket, struct err *err)
{
	json_t *keys = json_array(), *key;
	size_t i;
	int r = list(bucket, keys, err);

	json_array_foreach(keys, i, key)
	{
		if (r == 0)
			r = load(bucket, keys, json_string_value(key), err);
	}
	json_decref(keys);
	return r;
}

/* Opening and closing. */

static int read_location(struct convert_bucket *bucket, const char *location, struct err *err)
{
	struct str rest = str_from(location + strlen(REMOTE_SCHEME)), name;

	str_split(&rest, '/', &name);
	while (rest.n && rest.p[rest.n - 1] == '/')
		rest.n--;
	if (name.n == 0)
		return err_set(
			err, ERR_USAGE, "destination %s: expected s3://BUCKET/PREFIX", location);
	bucket->name = mem_printf("%.*s", STR_ARG(name));
	bucket->prefix = rest.n ? mem_printf("%.*s/", STR_ARG(rest)) : mem_strdup("");
	bucket->location = mem_printf(REMOTE_SCHEME "%s/%s", bucket->name, bucket->prefix);
	return 0;
}

int convert_bucket_open(struct convert_bucket **ret_bucket, const char *location,
	const struct query_s3_options *s3, uint64_t part_bytes, struct err *err)
{
	_cleanup_(convert_bucket_closep) struct convert_bucket *bucket =
		mem_new(1, sizeof(*bucket));
	const char *place = getenv("TMPDIR");

	bucket->part_bytes = part_bytes;
	if (read_location(bucket, location, err) < 0 ||
		query_remote_new(&bucket->remote, s3, err) < 0)
		return -1;
	bucket->folder =
		mem_printf("%s/nagare-convert-XXXXXX", place && *place ? place : "/var/tmp");
	if (!mkdtemp(bucket->folder)) {
		free(take(bucket->folder));
		return err_set_errno(err, errno, "cannot make a folder in %s",
			place && *place ? place : "/var/tmp");
	}
	if (load_journal(bucket, err) < 0)
		return -1;
	*ret_bucket = take(bucket);
	return 0;
}

const char *convert_bucket_folder(const struct convert_bucket *bucket)
{
	return bucket->folder;
}

bool convert_bucket_has(const struct convert_bucket *bucket, const struct query_object *object)
{
	return str_starts_with(str_from(object->path), str_from(bucket->location));
}

int convert_bucket_commit(
	struct convert_bucket *bucket, const struct convert_unit *unit, struct err *err)
{
	_cleanup_free_ char *note = journal_key(bucket, unit->name, NOTE);
	_cleanup_free_ char *record = journal_key(bucket, unit->name, ".json");
	_cleanup_free_ char *path = mem_printf("%s/" JOURNAL "%s.json", bucket->folder, unit->name);

	if (put_note(bucket, unit, err) < 0)
		return -1;
	for (unsigned i = 0; i < unit->files_count; i++) {
		_cleanup_free_ char *from =
			mem_printf("%s/%s", bucket->folder, unit->files[i].path);
		_cleanup_free_ char *key = mem_printf("%s%s", bucket->prefix, unit->files[i].path);
		if (put_file(bucket, key, from, err) < 0)
			return -1;
		unlink(from);
	}
	if (put_file(bucket, record, path, err) < 0)
		return -1;
	return delete_key(bucket, note, err);
}

/* What a part of a file is fetched by. */
struct piece {
	struct query_object object;
	int fd;
};

static int get_piece(void *context, size_t index, struct err *err)
{
	const struct piece *piece = context;
	uint64_t at = (uint64_t)index * REMOTE_PART_BYTES, left = piece->object.size_bytes - at;
	const struct query_remote_get get = {.object = &piece->object,
		.offset = at,
		.length = left < REMOTE_PART_BYTES ? (size_t)left : REMOTE_PART_BYTES,
		.fd = piece->fd,
		.is_peek = true};

	return query_remote_get(piece->object.remote->remote, &get, NULL, err);
}

static int fetch_file(
	struct convert_bucket *bucket, const struct convert_file *file, struct err *err)
{
	_cleanup_free_ char *key = mem_printf("%s%s", bucket->prefix, file->path);
	_cleanup_free_ char *name = mem_printf("%s%s", bucket->location, file->path);
	_cleanup_free_ char *path = mem_printf("%s/%s", bucket->folder, file->path);
	_cleanup_free_ char *folder = mem_printf("%.*s", (int)(strrchr(path, '/') - path), path);
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	struct aws_call head = {.method = "HEAD"};
	uint64_t size = 0;

	if (convert_bucket_call(bucket, &head, key, &answer, err) < 0)
		return -1;
	number_parse(aws_answer_header(&answer, STR("Content-Length")), UINT64_MAX, &size);
	if (size != file->bytes)
		return err_set(err, ERR_INPUT, "%s has %llu bytes, and %llu were written", name,
			(unsigned long long)size, (unsigned long long)file->bytes);
	struct str tag = aws_answer_header(&answer, STR("ETag"));
	_cleanup_free_ char *etag = mem_printf("%.*s", STR_ARG(tag));
	if (file_make_folders(folder, 0700, err) < 0)
		return -1;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, errno, "%s", path);
	struct query_remote_object remote = {
		.remote = bucket->remote, .bucket = bucket->name, .key = key, .etag = etag};
	struct piece piece = {{.path = name, .size_bytes = size, .remote = &remote}, fd};
	return query_remote_each((size_t)((size + REMOTE_PART_BYTES - 1) / REMOTE_PART_BYTES),
		get_piece, &piece, err);
}

int convert_bucket_fetch(
	struct convert_bucket *bucket, const struct convert_unit *unit, struct err *err)
{
	for (unsigned i = 0; i < unit->files_count; i++) {
		if (fetch_file(bucket, &unit->files[i], err) < 0)
			return -1;
	}
	return 0;
}

void convert_bucket_drop(const struct convert_bucket *bucket, const struct convert_unit *unit)
{
	for (unsigned i = 0; i < unit->files_count; i++) {
		_cleanup_free_ char *path =
			mem_printf("%s/%s", bucket->folder, unit->files[i].path);
		unlink(path);
	}
}

static void remove_all(const char *folder)
{
	char *roots[] = {(char *)folder, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *entry;

	while (walk && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_DP)
			rmdir(entry->fts_path);
		else if (entry->fts_info != FTS_D)
			unlink(entry->fts_path);
	}
	if (walk)
		fts_close(walk);
}

void convert_bucket_close(struct convert_bucket *bucket)
{
	if (!bucket)
		return;
	if (bucket->folder)
		remove_all(bucket->folder);
	query_remote_free(bucket->remote);
	free(bucket->folder);
	free(bucket->location);
	free(bucket->prefix);
	free(bucket->name);
	free(bucket);
}
