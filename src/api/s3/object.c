/* Reading an object: GetObject, HeadObject, GetObjectAttributes. */
#include "api/s3/s3_priv.h"

#include "base/number.h"

#define ATTRIBUTE_PARTS_MAX 1000

static struct str text_of(const struct s3_call *call, const char *name)
{
	struct str text = s3_header(call, name);
	return text.p ? text : STR("");
}

static void answer_identity(struct s3_call *call, const struct store_object *object)
{
	api_answer_header_format(call->exchange, "ETag", "\"%s\"", object->etag);
	s3_set_time_header(call, "Last-Modified", object->modified_ms);
	if (call->info->bucket.versioning != STORE_VERSIONING_NEVER)
		api_answer_header(call->exchange, "x-amz-version-id", str_from(object->version));
}

/* 0: go on; 1: answered with 304; <0: refused. */
static int check_conditions(struct s3_call *call, struct aws_error *error)
{
	const struct s3_conditions conditions = {.if_match = text_of(call, "if-match"),
		.if_none_match = text_of(call, "if-none-match"),
		.if_modified_since = text_of(call, "if-modified-since"),
		.if_unmodified_since = text_of(call, "if-unmodified-since")};
	const char *failed;

	switch (s3_conditions_check(
		&conditions, call->object.etag, call->object.modified_ms, &failed)) {
	case S3_CONDITION_MET:
		return 0;
	case S3_CONDITION_NOT_MODIFIED:
		answer_identity(call, &call->object);
		s3_answer_empty(call, 304);
		return 1;
	case S3_CONDITION_FAILED:
		break;
	}
	aws_error_default(error, AWS_ERROR_PRECONDITION_FAILED);
	return aws_error_detail(error, "Condition", "%s", failed);
}

/* What partNumber asks for. An object that was put whole is its own part 1. */
static int part_range(struct s3_call *call, struct str number, struct s3_range *ret_range,
	struct aws_checksum_value *ret_checksum, struct aws_error *error)
{
	const struct store_object *object = &call->object;
	uint64_t part;

	if (!number_parse(number, STORE_PARTS_MAX, &part) || part == 0)
		return s3_invalid_argument(error, "partNumber", number,
			"Part number must be an integer between 1 and 10000, inclusive");
	if (s3_header(call, "range").p)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Cannot specify both Range header and partNumber query parameter");
	*ret_range = (struct s3_range){0, object->size, false};
	*ret_checksum = object->checksum;
	if (object->parts) {
		api_answer_header_format(
			call->exchange, "x-amz-mp-parts-count", "%u", object->parts);
		return store_object_part(call->s3->objects, call->bucket, object, (unsigned)part,
			&ret_range->offset, &ret_range->size, ret_checksum, error, s3_err(call));
	}
	if (part > 1)
		return aws_error_default(error, AWS_ERROR_INVALID_PART);
	return 0;
}

static bool has_override(const struct s3_call *call)
{
	static const char *const names[] = {"response-content-type", "response-content-encoding",
		"response-content-language", "response-content-disposition",
		"response-cache-control", "response-expires"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (s3_parameter(call, names[i]).p)
			return true;
	return false;
}

static int find_range(struct s3_call *call, struct s3_range *ret_range,
	struct aws_checksum_value *ret_checksum, struct aws_error *error)
{
	struct str number = s3_parameter(call, "partNumber"), header = s3_header(call, "range");
	struct str if_range = s3_header(call, "if-range");

	*ret_range = (struct s3_range){0, call->object.size, true};
	*ret_checksum = call->object.checksum;
	if (number.p)
		return part_range(call, number, ret_range, ret_checksum, error);
	if (!header.n || (if_range.n && !s3_etag_matches(if_range, call->object.etag)))
		return 0;
	if (s3_range_parse(header, call->object.size, ret_range, error) < 0)
		return -1;
	if (!ret_range->is_whole)
		ret_checksum->algorithm = AWS_CHECKSUM_NONE;
	return 0;
}

static int object_read(struct s3_call *call, struct aws_error *error)
{
	const struct store_object *object = &call->object;
	struct aws_checksum_value checksum;
	struct s3_range range;

	if (!call->exchange->caller && has_override(call))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Request specific response headers cannot be used for anonymous GET requests.");
	int decided = check_conditions(call, error);
	if (decided)
		return decided < 0 ? -1 : 0;
	if (find_range(call, &range, &checksum, error) < 0)
		return -1;
	answer_identity(call, object);
	s3_headers_answer(call, object);
	api_answer_header(call->exchange, "Accept-Ranges", STR("bytes"));
	s3_lifecycle_answer(call, object);
	size_t tags = s3_tags_count(object->tags);
	if (tags)
		api_answer_header_format(call->exchange, "x-amz-tagging-count", "%zu", tags);
	if (str_equal_ignoring_case(text_of(call, "x-amz-checksum-mode"), STR("ENABLED")))
		s3_answer_checksum(call, &checksum, object->checksum.parts > 0);
	if (!range.is_whole && range.size > 0)
		api_answer_header_format(call->exchange, "Content-Range", "bytes %lld-%lld/%lld",
			(long long)range.offset, (long long)(range.offset + range.size - 1),
			(long long)object->size);
	api_answer_file(call->exchange, range.is_whole ? 200 : 206, take_fd(call->fd), range.offset,
		range.size);
	return 0;
}

int s3_object_get(struct s3_call *call, struct aws_error *error)
{
	return object_read(call, error);
}

int s3_object_head(struct s3_call *call, struct aws_error *error)
{
	return object_read(call, error);
}

/* ---- GetObjectAttributes ---- */

enum attribute {
	ATTRIBUTE_ETAG = 1,
	ATTRIBUTE_CHECKSUM = 2,
	ATTRIBUTE_PARTS = 4,
	ATTRIBUTE_CLASS = 8,
	ATTRIBUTE_SIZE = 16
};

static int read_attributes(struct s3_call *call, unsigned *ret_set, struct aws_error *error)
{
	static const struct {
		const char *name;
		enum attribute attribute;
	} names[] = {{"ETag", ATTRIBUTE_ETAG}, {"Checksum", ATTRIBUTE_CHECKSUM},
		{"ObjectParts", ATTRIBUTE_PARTS}, {"StorageClass", ATTRIBUTE_CLASS},
		{"ObjectSize", ATTRIBUTE_SIZE}};
	const struct aws_request *request = &call->exchange->request;

	*ret_set = 0;
	for (size_t i = 0; i < request->header_count; i++) {
		struct str list = request->headers[i].value, one;

		if (!str_equal_ignoring_case(
			    request->headers[i].name, STR("x-amz-object-attributes")))
			continue;
		while (str_split(&list, ',', &one)) {
			unsigned before = *ret_set;

			one = str_trim(one);
			for (size_t j = 0; j < ARRAY_SIZE(names); j++)
				if (str_equal(one, str_from(names[j].name)))
					*ret_set |= names[j].attribute;
			if (*ret_set == before)
				return s3_invalid_argument(error, "x-amz-object-attributes", one,
					"Invalid attribute name specified.");
		}
	}
	if (!*ret_set)
		return s3_invalid_argument(error, "x-amz-object-attributes", STR("null"),
			"The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty");
	return 0;
}

static int header_number(struct s3_call *call, const char *name, uint64_t fallback,
	uint64_t *ret_value, struct aws_error *error)
{
	struct str text = text_of(call, name);

	*ret_value = fallback;
	if (text.n && !number_parse(text, INT32_MAX, ret_value))
		return s3_invalid_argument(
			error, name, text, "Provided value not an integer or within integer range");
	return 0;
}

static int write_parts(struct s3_call *call, struct aws_xml_writer *writer, struct aws_error *error)
{
	const struct store_object *object = &call->object;
	uint64_t max, marker;

	if (header_number(call, "x-amz-max-parts", ATTRIBUTE_PARTS_MAX, &max, error) < 0 ||
		header_number(call, "x-amz-part-number-marker", 0, &marker, error) < 0)
		return -1;
	if (!object->parts)
		return 0;
	if (max > ATTRIBUTE_PARTS_MAX)
		max = ATTRIBUTE_PARTS_MAX;
	aws_xml_open(writer, "ObjectParts");
	uint64_t last = marker + max < object->parts ? marker + max : object->parts;
	aws_xml_element_bool(writer, "IsTruncated", last < object->parts);
	aws_xml_element_u64(writer, "MaxParts", max);
	aws_xml_element_u64(writer, "NextPartNumberMarker", last);
	aws_xml_element_u64(writer, "PartNumberMarker", marker);
	for (uint64_t i = marker + 1; i <= last; i++) {
		struct aws_checksum_value checksum = {0};
		int64_t offset, size;

		if (store_object_part(call->s3->objects, call->bucket, object, (unsigned)i, &offset,
			    &size, &checksum, error, s3_err(call)) < 0)
			return -1;
		aws_xml_open(writer, "Part");
		s3_xml_checksum(writer, &checksum);
		aws_xml_element_u64(writer, "PartNumber", i);
		aws_xml_element_u64(writer, "Size", (uint64_t)size);
		aws_xml_close(writer);
	}
	aws_xml_element_u64(writer, "PartsCount", object->parts);
	aws_xml_close(writer);
	return 0;
}

int s3_object_attributes(struct s3_call *call, struct aws_error *error)
{
	_cleanup_buf_ struct buf buf = {0};
	const struct store_object *object = &call->object;
	struct aws_xml_writer writer;
	unsigned set;

	if (read_attributes(call, &set, error) < 0)
		return -1;
	s3_xml(&writer, &buf, "GetObjectAttributesResponse");
	if (set & ATTRIBUTE_ETAG)
		aws_xml_element(&writer, "ETag", str_from(object->etag));
	if (set & ATTRIBUTE_CHECKSUM && object->checksum.algorithm != AWS_CHECKSUM_NONE) {
		aws_xml_open(&writer, "Checksum");
		s3_xml_checksum(&writer, &object->checksum);
		aws_xml_element(&writer, "ChecksumType",
			object->checksum.parts ? STR("COMPOSITE") : STR("FULL_OBJECT"));
		aws_xml_close(&writer);
	}
	if (set & ATTRIBUTE_PARTS && write_parts(call, &writer, error) < 0)
		return -1;
	if (set & ATTRIBUTE_CLASS)
		aws_xml_element(&writer, "StorageClass",
			object->headers.storage_class.n ? object->headers.storage_class
							: STR("STANDARD"));
	if (set & ATTRIBUTE_SIZE)
		aws_xml_element_u64(&writer, "ObjectSize", (uint64_t)object->size);
	s3_set_time_header(call, "Last-Modified", object->modified_ms);
	if (call->info->bucket.versioning != STORE_VERSIONING_NEVER)
		api_answer_header(call->exchange, "x-amz-version-id", str_from(object->version));
	return s3_answer_xml(call, 200, &writer);
}
