/* What is kept with an object, small: it has to fit an inode's own attribute space where it can,
 * because a file system gives longer attributes a block of their own. So: binary, defaults left
 * out.
 *
 *   format, kind, stamp (8, big-endian), MD5 (16), then fields of tag, length and bytes, then the
 *   CRC-32 (4) of all before it
 *
 * Lengths and numbers are seven bits a byte, low ones first. */
#include "store/objects_priv.h"

#include <assert.h>
#include <stdio.h>

enum { META_FORMAT = 1, META_OBJECT = 1, META_MARKER, META_UPLOAD, META_HEAD = 26, META_CRC = 4 };

enum meta_tag {
	META_SIZE = 1,
	META_PART_COUNT,
	META_VERSION,
	META_CHECKSUM,
	META_CONTENT_TYPE,
	META_CONTENT_ENCODING,
	META_CONTENT_LANGUAGE,
	META_CONTENT_DISPOSITION,
	META_CACHE_CONTROL,
	META_EXPIRES,
	META_WEBSITE_REDIRECT,
	META_STORAGE_CLASS,
	META_USER,
	META_TAGS,
	META_ACL,
	META_PARTS,
	META_KEY, /* of an upload; an object's is in its path */
	META_OWNER,
	META_ALGORITHM,
	META_DEFAULT_TYPE, /* content_type is binary/octet-stream */
	META_BUCKET,       /* of an upload */
};

static void add_number(struct buf *blob, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_add_char(blob, (char)(value | 0x80));
	buf_add_char(blob, (char)value);
}

static bool take_number(struct str *rest, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		if (rest->n == 0)
			return false;
		unsigned char byte = (unsigned char)*rest->p;
		*rest = (struct str){rest->p + 1, rest->n - 1};
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static void add_field(struct buf *blob, enum meta_tag tag, struct str bytes)
{
	if (bytes.n == 0)
		return;
	buf_add_char(blob, (char)tag);
	add_number(blob, bytes.n);
	buf_add_str(blob, bytes);
}

static void add_number_field(struct buf *blob, enum meta_tag tag, uint64_t value)
{
	_cleanup_buf_ struct buf number = {0};

	add_number(&number, value);
	add_field(blob, tag, buf_str(&number));
}

static void add_checksum(struct buf *blob, const struct aws_checksum_value *value)
{
	buf_add_char(blob, (char)value->algorithm);
	add_number(blob, value->parts);
	buf_add(blob, value->bytes, value->size);
}

static bool take_checksum(struct str *rest, struct aws_checksum_value *ret_value)
{
	struct aws_checksum_value value = {0};
	uint64_t parts;

	if (rest->n == 0 || (unsigned char)*rest->p >= AWS_CHECKSUM_COUNT)
		return false;
	value.algorithm = (uint8_t)*rest->p;
	*rest = (struct str){rest->p + 1, rest->n - 1};
	if (!take_number(rest, &parts) || parts > AWS_CHECKSUM_PARTS_MAX)
		return false;
	value.parts = (uint16_t)parts;
	value.size = value.algorithm ? (uint8_t)aws_checksum_size(value.algorithm) : 0;
	if (rest->n < value.size)
		return false;
	memcpy(value.bytes, rest->p, value.size);
	*rest = (struct str){rest->p + value.size, rest->n - value.size};
	*ret_value = value;
	return true;
}

static void add_headers(struct buf *blob, const struct store_headers *headers)
{
	if (str_equal(headers->content_type, STR("binary/octet-stream")))
		add_field(blob, META_DEFAULT_TYPE, STR("1"));
	else
		add_field(blob, META_CONTENT_TYPE, headers->content_type);
	add_field(blob, META_CONTENT_ENCODING, headers->content_encoding);
	add_field(blob, META_CONTENT_LANGUAGE, headers->content_language);
	add_field(blob, META_CONTENT_DISPOSITION, headers->content_disposition);
	add_field(blob, META_CACHE_CONTROL, headers->cache_control);
	add_field(blob, META_EXPIRES, headers->expires);
	add_field(blob, META_WEBSITE_REDIRECT, headers->website_redirect);
	add_field(blob, META_STORAGE_CLASS, headers->storage_class);
	add_field(blob, META_USER, headers->user);
}

static void add_head(struct buf *blob, char kind, int64_t stamp, const uint8_t md5[static 16])
{
	buf_add_char(blob, META_FORMAT);
	buf_add_char(blob, kind);
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_add_char(blob, (char)((uint64_t)stamp >> shift));
	buf_add(blob, md5, 16);
}

static void add_crc(struct buf *blob)
{
	uint32_t crc = aws_crc32(0, blob->p, blob->n);

	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(blob, (char)(crc >> shift));
}

void meta_encode(
	struct buf *blob, const struct store_object *object, int64_t stamp, struct str parts)
{
	uint8_t md5[16] = {0};

	blob->n = 0;
	if (!object->is_delete_marker) {
		bool is_hex = aws_hex_parse((struct str){object->etag, 32}, md5, 16);
		assert(is_hex);
	}
	add_head(blob, object->is_delete_marker ? META_MARKER : META_OBJECT, stamp, md5);
	if (!object->is_delete_marker)
		add_number_field(blob, META_SIZE, (uint64_t)object->size);
	if (object->parts)
		add_number_field(blob, META_PART_COUNT, object->parts);
	if (strcmp(object->version, "null") != 0)
		add_field(blob, META_VERSION, str_from(object->version));
	if (object->checksum.algorithm) {
		_cleanup_buf_ struct buf checksum = {0};
		add_checksum(&checksum, &object->checksum);
		add_field(blob, META_CHECKSUM, buf_str(&checksum));
	}
	add_headers(blob, &object->headers);
	add_field(blob, META_TAGS, object->tags);
	add_field(blob, META_ACL, object->acl);
	add_field(blob, META_PARTS, parts);
	add_crc(blob);
}

static struct str *text_field(struct store_headers *headers, unsigned tag)
{
	switch (tag) {
	case META_CONTENT_TYPE:
		return &headers->content_type;
	case META_CONTENT_ENCODING:
		return &headers->content_encoding;
	case META_CONTENT_LANGUAGE:
		return &headers->content_language;
	case META_CONTENT_DISPOSITION:
		return &headers->content_disposition;
	case META_CACHE_CONTROL:
		return &headers->cache_control;
	case META_EXPIRES:
		return &headers->expires;
	case META_WEBSITE_REDIRECT:
		return &headers->website_redirect;
	case META_STORAGE_CLASS:
		return &headers->storage_class;
	case META_USER:
		return &headers->user;
	default:
		return NULL;
	}
}

static bool set_object_field(
	struct store_object *object, unsigned tag, struct str bytes, struct str *ret_parts)
{
	uint64_t number = 0;
	struct str *text = text_field(&object->headers, tag);

	if (text) {
		*text = bytes;
		return true;
	}
	switch (tag) {
	case META_SIZE:
		if (!take_number(&bytes, &number) || number > INT64_MAX)
			return false;
		object->size = (int64_t)number;
		return true;
	case META_PART_COUNT:
		if (!take_number(&bytes, &number) || number > STORE_PARTS_MAX)
			return false;
		object->parts = (unsigned)number;
		return true;
	case META_VERSION:
		if (bytes.n >= STORE_VERSION_MAX)
			return false;
		snprintf(object->version, sizeof(object->version), "%.*s", STR_ARG(bytes));
		return true;
	case META_CHECKSUM:
		return take_checksum(&bytes, &object->checksum);
	case META_DEFAULT_TYPE:
		object->headers.content_type = STR("binary/octet-stream");
		return true;
	case META_TAGS:
		object->tags = bytes;
		return true;
	case META_ACL:
		object->acl = bytes;
		return true;
	case META_PARTS:
		if (ret_parts)
			*ret_parts = bytes;
		return true;
	default:
		return true; /* of a later release */
	}
}

static bool has_crc(struct str blob)
{
	uint32_t crc = 0;

	if (blob.n < META_HEAD + META_CRC || blob.p[0] != META_FORMAT)
		return false;
	for (size_t i = blob.n - META_CRC; i < blob.n; i++)
		crc = crc << 8 | (unsigned char)blob.p[i];
	return crc == aws_crc32(0, blob.p, blob.n - META_CRC);
}

static bool take_field(struct str *rest, unsigned *ret_tag, struct str *ret_bytes)
{
	uint64_t n;

	*ret_tag = (unsigned char)rest->p[0];
	*rest = (struct str){rest->p + 1, rest->n - 1};
	if (!take_number(rest, &n) || n > rest->n)
		return false;
	*ret_bytes = (struct str){rest->p, n};
	*rest = (struct str){rest->p + n, rest->n - n};
	return true;
}

static void write_etag(struct store_object *object, const char *md5)
{
	char *end = aws_hex_write(object->etag, md5, 16);

	*end = '\0';
	if (object->parts)
		snprintf(end, sizeof(object->etag) - 32, "-%u", object->parts);
}

int64_t meta_stamp(struct str blob)
{
	uint64_t stamp = 0;

	assert(blob.n >= META_HEAD);
	for (int i = 2; i < 10; i++)
		stamp = stamp << 8 | (unsigned char)blob.p[i];
	return (int64_t)stamp;
}

bool meta_decode(
	struct str blob, struct store_object *ret_object, int64_t *ret_stamp, struct str *ret_parts)
{
	struct store_object object = {.version = "null"};
	struct str parts = STR_NONE;

	if (!has_crc(blob) || (blob.p[1] != META_OBJECT && blob.p[1] != META_MARKER))
		return false;
	buf_reserve(&object.storage, blob.n + STORE_KEY_MAX); /* row_object adds the key */
	buf_add_str(&object.storage, blob);
	const struct str copy = buf_str(&object.storage);
	struct str rest = {copy.p + META_HEAD, copy.n - META_HEAD - META_CRC};
	while (rest.n) {
		unsigned tag;
		struct str bytes;
		if (!take_field(&rest, &tag, &bytes) ||
			!set_object_field(&object, tag, bytes, &parts)) {
			buf_done(&object.storage);
			return false;
		}
	}
	object.is_delete_marker = copy.p[1] == META_MARKER;
	object.modified_ms = meta_stamp(copy) / 1000000;
	if (!object.is_delete_marker)
		write_etag(&object, copy.p + 10);
	*ret_object = object;
	if (ret_stamp)
		*ret_stamp = meta_stamp(copy);
	if (ret_parts)
		*ret_parts = parts;
	return true;
}

void meta_add_part(struct buf *parts, const struct store_part *part)
{
	add_number(parts, part->number);
	add_number(parts, (uint64_t)part->size);
	add_checksum(parts, &part->checksum);
}

bool meta_find_part(struct str parts, unsigned number, int64_t *ret_offset, int64_t *ret_size,
	struct aws_checksum_value *ret_checksum)
{
	int64_t offset = 0;

	while (parts.n) {
		struct aws_checksum_value checksum;
		uint64_t found, size;
		if (!take_number(&parts, &found) || !take_number(&parts, &size) ||
			!take_checksum(&parts, &checksum))
			return false;
		if (found == number) {
			*ret_offset = offset;
			*ret_size = (int64_t)size;
			*ret_checksum = checksum;
			return true;
		}
		offset += (int64_t)size;
	}
	return false;
}

void meta_encode_upload(struct buf *blob, const struct store_upload *upload, struct str bucket)
{
	static const uint8_t none[16];
	const char algorithm[2] = {(char)upload->algorithm, (char)upload->type};

	blob->n = 0;
	add_head(blob, META_UPLOAD, upload->started_ms, none);
	add_field(blob, META_BUCKET, bucket);
	add_field(blob, META_KEY, upload->key);
	add_field(blob, META_OWNER, upload->owner);
	add_field(blob, META_ALGORITHM, (struct str){algorithm, sizeof(algorithm)});
	add_headers(blob, &upload->headers);
	add_field(blob, META_TAGS, upload->tags);
	add_field(blob, META_ACL, upload->acl);
	add_crc(blob);
}

static bool set_upload_field(struct store_upload *upload, unsigned tag, struct str bytes)
{
	struct str *text = text_field(&upload->headers, tag);

	if (text) {
		*text = bytes;
	} else if (tag == META_DEFAULT_TYPE) {
		upload->headers.content_type = STR("binary/octet-stream");
	} else if (tag == META_KEY) {
		upload->key = bytes;
	} else if (tag == META_OWNER) {
		upload->owner = bytes;
	} else if (tag == META_TAGS) {
		upload->tags = bytes;
	} else if (tag == META_ACL) {
		upload->acl = bytes;
	} else if (tag == META_ALGORITHM) {
		if (bytes.n != 2 || (unsigned char)bytes.p[0] >= AWS_CHECKSUM_COUNT)
			return false;
		upload->algorithm = (enum aws_checksum)bytes.p[0];
		upload->type = (enum aws_checksum_type)(bytes.p[1] & 1);
	}
	return true;
}

bool meta_decode_upload(struct str blob, struct store_upload *ret_upload)
{
	struct store_upload upload = {0};

	if (!has_crc(blob) || blob.p[1] != META_UPLOAD)
		return false;
	buf_add_str(&upload.storage, blob);
	const struct str copy = buf_str(&upload.storage);
	upload.started_ms = meta_stamp(copy);
	struct str rest = {copy.p + META_HEAD, copy.n - META_HEAD - META_CRC};
	while (rest.n) {
		unsigned tag;
		struct str bytes;
		if (!take_field(&rest, &tag, &bytes) || !set_upload_field(&upload, tag, bytes)) {
			buf_done(&upload.storage);
			return false;
		}
	}
	*ret_upload = upload;
	return true;
}

struct str meta_upload_bucket(struct str blob)
{
	struct str rest, bytes;
	unsigned tag;

	if (!has_crc(blob) || blob.p[1] != META_UPLOAD)
		return STR_NONE;
	rest = (struct str){blob.p + META_HEAD, blob.n - META_HEAD - META_CRC};
	while (rest.n && take_field(&rest, &tag, &bytes))
		if (tag == META_BUCKET)
			return bytes;
	return STR_NONE;
}
