/* Sources are deleted last, and only as what they were when they were read: files by size and time,
 * objects at servers by their ETag, which is looked at (HEAD) and then goes with the request
 * (DeleteObjects), for servers that know conditional deletes. */
#include "query/convert_bucket_priv.h"

#include "aws/checksum.h"
#include "aws/client.h"
#include "aws/uri.h"
#include "aws/xml.h"
#include "base/clock.h"
#include "query/remote_priv.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 1000 /* keys of one DeleteObjects */

struct deleting {
	struct query_convert_stats *stats;
	const struct query_object **objects; /* at servers */
	bool *is_unchanged;
	size_t count;
	const struct query_object **files;
	size_t files_count;
};

/* ---- files ---- */

static bool is_unchanged(const struct query_object *source)
{
	struct stat status;

	return stat(source->path, &status) == 0 && (uint64_t)status.st_size == source->size_bytes &&
	       clock_ns_from(status.st_mtim) == source->modified_ns;
}

static int delete_files(struct deleting *deleting, struct err *err)
{
	for (size_t i = 0; i < deleting->files_count; i++) {
		const char *path = deleting->files[i]->path;
		/* verifying took its time */
		if (!is_unchanged(deleting->files[i])) {
			deleting->stats->kept++;
			continue;
		}
		if (unlink(path) < 0)
			return err_set_errno(err, errno, "cannot delete %s", path);
		deleting->stats->deleted++;
	}
	return 0;
}

/* ---- objects ---- */

static int compare_path(const void *key, const void *object)
{
	return strcmp(key, ((const struct query_object *)object)->path);
}

/* The source as it is listed now, and was read; NULL: gone. *ret_same: still what was read. */
static const struct query_object *find_listed(
	const struct query_objects *listed, const struct query_object *source, bool *ret_same)
{
	const struct query_object *found =
		listed->count ? bsearch(source->path, listed->object, listed->count,
					sizeof(*listed->object), compare_path)
			      : NULL;

	*ret_same = found && found->remote && *source->remote->etag &&
		    strcmp(found->remote->etag, source->remote->etag) == 0 &&
		    found->size_bytes == source->size_bytes;
	return found;
}

/* XML has no such characters. */
static bool has_control(const char *key)
{
	for (; *key; key++) {
		if ((unsigned char)*key < ' ')
			return true;
	}
	return false;
}

static int look(void *context, size_t index, struct err *err)
{
	struct deleting *deleting = context;
	const struct query_object *object = deleting->objects[index];
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_buf_ struct buf path = {0};

	buf_add_char(&path, '/');
	aws_uri_encode(&path, str_from(object->remote->key), AWS_URI_KEEP_SLASH);
	const struct aws_call call = {.service = "s3",
		.method = "HEAD",
		.bucket = str_from(object->remote->bucket),
		.path = buf_str(&path),
		.is_idempotent = true};
	if (aws_client_call(query_remote_client(object->remote->remote), &call, &answer, err) < 0)
		return answer.status == 404 ? 0 : err_wrap(err, "%s", object->path);
	deleting->is_unchanged[index] =
		str_equal(aws_answer_header(&answer, STR("ETag")), str_from(object->remote->etag));
	return 0;
}

static int take_answer(
	struct deleting *deleting, const char *bucket, struct str body, struct err *err)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (aws_xml_parse(&document, body, err) < 0)
		return err_wrap(err, REMOTE_SCHEME "%s: the answer of DeleteObjects", bucket);
	const struct aws_xml_node *root = aws_xml_root(document);
	for (const struct aws_xml_node *node = aws_xml_child(root, STR("Deleted")); node;
		node = aws_xml_next(node))
		deleting->stats->deleted++;
	for (const struct aws_xml_node *node = aws_xml_child(root, STR("Error")); node;
		node = aws_xml_next(node)) {
		struct str code = aws_xml_text(node, STR("Code"));
		if (!str_equal(code, STR("PreconditionFailed")) &&
			!str_equal(code, STR("NoSuchKey")))
			return err_set(err, ERR_SYSTEM, REMOTE_SCHEME "%s/%.*s: %.*s: %.*s", bucket,
				STR_ARG(aws_xml_text(node, STR("Key"))), STR_ARG(code),
				STR_ARG(aws_xml_text(node, STR("Message"))));
		deleting->stats->kept++;
	}
	return 0;
}

/* Objects of one bucket. */
static int delete_batch(struct deleting *deleting, const struct query_object *const *objects,
	size_t count, struct err *err)
{
	const char *bucket = objects[0]->remote->bucket;
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_buf_ struct buf body = {0};
	struct aws_checksum_value value = {.algorithm = AWS_CHECKSUM_CRC32, .size = 4};
	char text[AWS_CHECKSUM_STR_MAX];
	struct aws_xml_writer writer;

	aws_xml_begin(&writer, &body);
	aws_xml_open_space(&writer, "Delete", "http://s3.amazonaws.com/doc/2006-03-01/");
	for (size_t i = 0; i < count; i++) {
		aws_xml_open(&writer, "Object");
		aws_xml_element(&writer, "Key", str_from(objects[i]->remote->key));
		aws_xml_element(&writer, "ETag", str_from(objects[i]->remote->etag));
		aws_xml_close(&writer);
	}
	aws_xml_end(&writer);
	uint32_t crc = htobe32(aws_crc32(0, body.p, body.n));
	memcpy(value.bytes, &crc, sizeof(crc));
	size_t n = (size_t)(aws_checksum_write(text, &value) - text);
	const struct aws_header headers[] = {
		{STR("x-amz-checksum-crc32"), {text, n}},
		{STR("Content-Type"), STR("application/xml")},
	};
	/* not sent again by itself: what the first time deleted would be counted as gone */
	const struct aws_call call = {.service = "s3",
		.method = "POST",
		.bucket = str_from(bucket),
		.path = STR("/"),
		.query = STR("delete="),
		.body = buf_str(&body),
		.headers = headers,
		.header_count = ARRAY_SIZE(headers)};
	if (aws_client_call(query_remote_client(objects[0]->remote->remote), &call, &answer, err) <
		0)
		return err_wrap(err, REMOTE_SCHEME "%s", bucket);
	return take_answer(deleting, bucket, buf_str(&answer.body), err);
}

static int delete_objects(struct deleting *deleting, struct err *err)
{
	size_t count = 0;

	if (query_remote_each(deleting->count, look, deleting, err) < 0)
		return -1;
	for (size_t i = 0; i < deleting->count; i++) {
		if (deleting->is_unchanged[i])
			deleting->objects[count++] = deleting->objects[i];
		else
			deleting->stats->kept++;
	}
	for (size_t i = 0, n; i < count; i += n) {
		const char *bucket = deleting->objects[i]->remote->bucket;
		for (n = 0; i + n < count && n < BATCH; n++) {
			if (strcmp(deleting->objects[i + n]->remote->bucket, bucket) != 0)
				break;
		}
		if (delete_batch(deleting, deleting->objects + i, n, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- both ---- */

static void choose(struct deleting *deleting, const struct query_objects *listed,
	const struct convert_unit *unit)
{
	for (size_t i = 0; i < unit->sources_count; i++) {
		const struct query_object *source = &unit->sources[i];
		bool is_same = true;
		if (source->remote) {
			const struct query_object *found = find_listed(listed, source, &is_same);
			if (!found)
				continue;
			is_same = is_same && !has_control(found->remote->key);
			source = found;
		} else if (access(source->path, F_OK) < 0) {
			continue;
		} else {
			is_same = is_unchanged(source);
		}
		if (unit->bad_lines[i] || !is_same)
			deleting->stats->kept++;
		else if (source->remote)
			deleting->objects[deleting->count++] = source;
		else
			deleting->files[deleting->files_count++] = source;
	}
}

/* The files as they are at the destination, read back. */
static int verify(const struct query_convert_options *options, struct convert_bucket *bucket,
	const struct convert_unit *unit, struct err *err)
{
	int r = bucket ? convert_bucket_fetch(bucket, unit, err) : 0;

	if (r == 0)
		r = convert_verify(options, unit, err);
	if (bucket)
		convert_bucket_drop(bucket, unit);
	return r;
}

int convert_delete_sources(const struct query_convert_options *options,
	struct convert_bucket *bucket, const struct query_objects *listed,
	const struct convert_unit *unit, struct query_convert_stats *stats, struct err *err)
{
	_cleanup_free_ const struct query_object **objects =
		mem_new(unit->sources_count + 1, sizeof(struct query_object *));
	_cleanup_free_ const struct query_object **files =
		mem_new(unit->sources_count + 1, sizeof(struct query_object *));
	_cleanup_free_ bool *unchanged = mem_new(unit->sources_count + 1, sizeof(*unchanged));
	struct deleting deleting = {
		.stats = stats, .objects = objects, .is_unchanged = unchanged, .files = files};

	choose(&deleting, listed, unit);
	if (deleting.count + deleting.files_count == 0)
		return 0;
	if (verify(options, bucket, unit, err) < 0 || delete_files(&deleting, err) < 0)
		return -1;
	return deleting.count ? delete_objects(&deleting, err) : 0;
}
