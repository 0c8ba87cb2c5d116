/* Tags: in the store and in x-amz-tagging as key=value&key=value, URL-encoded; in bodies as XML. */
#include "api/s3/s3_priv.h"

#include "aws/uri.h"

bool s3_tags_next(struct str *rest, struct buf *storage, struct str *ret_key, struct str *ret_value)
{
	struct str key, value;

	if (!rest->p || !aws_uri_next_parameter(rest, &key, &value))
		return false;
	storage->n = 0;
	buf_reserve(storage, key.n + value.n + 2);
	if (!aws_uri_decode(storage, key, AWS_URI_PLUS_IS_SPACE))
		buf_add_str(storage, key);
	size_t at = storage->n;
	if (!aws_uri_decode(storage, value, AWS_URI_PLUS_IS_SPACE))
		buf_add_str(storage, value);
	*ret_key = (struct str){storage->p, at};
	*ret_value = (struct str){storage->p + at, storage->n - at};
	return true;
}

size_t s3_tags_count(struct str encoded)
{
	_cleanup_buf_ struct buf storage = {0};
	struct str key, value;
	size_t n = 0;

	while (s3_tags_next(&encoded, &storage, &key, &value))
		n++;
	return n;
}

/* Limits are in characters. */
static size_t characters(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return n;
}

static bool is_text(struct str text)
{
	static const char others[] = " +-=._:/@";

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c < 0x20 || c == 0x7f)
			return false;
		if (c < 0x80 &&
			!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
				(c >= 'a' && c <= 'z') || memchr(others, c, sizeof(others) - 1)))
			return false;
	}
	return s3_is_utf8(text);
}

static int check_tag(struct str key, struct str value, struct aws_error *error)
{
	const char *message = NULL;

	if (!key.n || characters(key) > S3_TAG_KEY_MAX || !is_text(key))
		message = "The TagKey you have provided is invalid";
	else if (str_starts_with(key, STR("aws:")))
		message = "System tags cannot be added/updated by requester";
	else if (characters(value) > S3_TAG_VALUE_MAX || !is_text(value))
		message = "The TagValue you have provided is invalid";
	if (!message)
		return 0;
	aws_error_set(error, AWS_ERROR_INVALID_TAG, "%s", message);
	aws_error_detail(error, "TagKey", "%.*s", STR_ARG(key));
	return aws_error_detail(error, "TagValue", "%.*s", STR_ARG(value));
}

static bool has_key(struct str encoded, struct str wanted)
{
	_cleanup_buf_ struct buf storage = {0};
	struct str key, value;

	while (s3_tags_next(&encoded, &storage, &key, &value))
		if (str_equal(key, wanted))
			return true;
	return false;
}

int s3_tags_check(struct str encoded, struct aws_error *error)
{
	_cleanup_buf_ struct buf storage = {0}, ignored = {0};
	struct str rest = encoded, key, value;
	size_t n = 0;

	if (!aws_uri_decode(&ignored, encoded, AWS_URI_PLUS_IS_SPACE))
		return s3_invalid_argument(error, "x-amz-tagging", encoded,
			"The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.");
	while (s3_tags_next(&rest, &storage, &key, &value)) {
		if (++n > S3_OBJECT_TAGS_MAX)
			return aws_error_set(error, AWS_ERROR_INVALID_TAG,
				"Object tags cannot be greater than %d", S3_OBJECT_TAGS_MAX);
		if (check_tag(key, value, error) < 0)
			return -1;
		if (has_key(rest, key))
			return s3_invalid_argument(error, "x-amz-tagging", encoded,
				"The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.");
	}
	return 0;
}

int s3_tags_xml(struct str xml, size_t max, struct buf *encoded, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	size_t n = 0;

	if (s3_xml_parse(&document, xml, "Tagging", error) < 0)
		return -1;
	const struct aws_xml_node *set = aws_xml_child(aws_xml_root(document), STR("TagSet"));
	if (!set)
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	for (const struct aws_xml_node *tag = set->first_child; tag; tag = tag->next) {
		struct str key = aws_xml_text(tag, STR("Key")),
			   value = aws_xml_text(tag, STR("Value"));

		if (!str_equal(tag->name, STR("Tag")) || !key.p || !value.p)
			return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
		if (++n > max)
			return aws_error_set(error, AWS_ERROR_INVALID_TAG,
				max == S3_OBJECT_TAGS_MAX
					? "Object tags cannot be greater than %zu"
					: "Bucket tag count cannot be greater than %zu",
				max);
		if (check_tag(key, value, error) < 0)
			return -1;
		if (has_key(buf_str(encoded), key))
			return aws_error_set(error, AWS_ERROR_INVALID_TAG,
				"Cannot provide multiple Tags with the same key");
		if (encoded->n)
			buf_add_char(encoded, '&');
		aws_uri_encode(encoded, key, AWS_URI_ENCODE_SLASH);
		buf_add_char(encoded, '=');
		aws_uri_encode(encoded, value, AWS_URI_ENCODE_SLASH);
	}
	return 0;
}

/* ---- operations on an object's tags ---- */

static void answer_version(struct s3_call *call, const char *version)
{
	if (call->info->bucket.versioning != STORE_VERSIONING_NEVER)
		api_answer_header(call->exchange, "x-amz-version-id", str_from(version));
}

struct tag {
	struct str key, value;
};

static int compare_tags(const void *a_, const void *b_)
{
	const struct tag *a = a_, *b = b_;
	size_t n = a->key.n < b->key.n ? a->key.n : b->key.n;
	int order = n ? memcmp(a->key.p, b->key.p, n) : 0;

	return order ? order : (a->key.n > b->key.n) - (a->key.n < b->key.n);
}

int s3_tagging_get(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf buf = {0}, storage = {0};
	struct aws_xml_writer writer;
	struct str rest = call->object.tags, key, value;
	struct tag tags[S3_OBJECT_TAGS_MAX];
	size_t n = 0;

	while (n < S3_OBJECT_TAGS_MAX && s3_tags_next(&rest, &storage, &key, &value))
		tags[n++] = (struct tag){s3_keep(call, key), s3_keep(call, value)};
	qsort(tags, n, sizeof(*tags), compare_tags);
	s3_xml(&writer, &buf, "Tagging");
	aws_xml_open(&writer, "TagSet");
	for (size_t i = 0; i < n; i++) {
		aws_xml_open(&writer, "Tag");
		aws_xml_element(&writer, "Key", tags[i].key);
		aws_xml_element(&writer, "Value", tags[i].value);
		aws_xml_close(&writer);
	}
	answer_version(call, call->object.version);
	return s3_answer_xml(call, 200, &writer);
}

static int put_tags(struct s3_call *call, struct str tags, int status, const char *event,
	struct aws_error *error)
{
	char version[STORE_VERSION_MAX];

	if (store_object_annotate(call->s3->objects, call->bucket, call->key, call->version, tags,
		    STR_NONE, version, error, s3_err(call)) < 0)
		return -1;
	answer_version(call, version);
	s3_event(call, event, &call->object);
	return s3_answer_empty(call, status);
}

int s3_tagging_put(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf tags = {0};

	buf_reserve(&tags, 1);
	if (!str_trim(buf_str(&call->exchange->body)).n)
		return aws_error_default(error, AWS_ERROR_MISSING_REQUEST_BODY);
	if (s3_tags_xml(buf_str(&call->exchange->body), S3_OBJECT_TAGS_MAX, &tags, error) < 0)
		return -1;
	struct s3_access access = {.action = call->version.n ? call->operation->version_action
							     : call->operation->action,
		.bucket = call->bucket,
		.key = call->key,
		.info = call->info,
		.version = call->version,
		.tags = call->object.tags,
		.request_tags = buf_str(&tags)};
	if (s3_allow(call, &access, error) < 0)
		return -1;
	return put_tags(call, buf_str(&tags), 200, "ObjectTagging:Put", error);
}

int s3_tagging_delete(struct s3_call *call, struct aws_error *error)
{
	return put_tags(call, STR(""), 204, "ObjectTagging:Delete", error);
}
