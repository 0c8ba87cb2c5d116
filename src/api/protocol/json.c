/* JSON: bodies of awsJson 1.0 and 1.1, and of restJson1. */
#include "api/protocol/codec_priv.h"

#include "aws/digest.h"

#include <math.h>
#include <string.h>

/* A look over the text before memory is spent on it; what is inside strings does not count. */
static int survey(const struct codec *codec, struct str text)
{
	size_t values = 1;
	unsigned depth = 0;
	bool is_string = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (is_string) {
			i += c == '\\';
			is_string = c != '"';
			continue;
		}
		if (c == '"')
			is_string = true;
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		values += c == ',' || c == '{' || c == '[' || c == ':';
		if (depth > 2 * CODEC_DEPTH_MAX)
			return codec_refuse(codec, "The JSON is nested too deep");
		if (values > CODEC_VALUES_MAX)
			return codec_refuse(codec, "The JSON has too many values");
	}
	return 0;
}

int codec_json_parse(const struct codec *codec, struct str text, json_t **ret_value)
{
	json_error_t problem;
	int result = survey(codec, text);

	if (result < 0)
		return result;
	json_t *value = json_loadb(
		text.p ? text.p : "", text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
	if (!value)
		return codec_refuse(codec, "Invalid JSON at line %d, column %d: %s", problem.line,
			problem.column, problem.text);
	*ret_value = value;
	return 0;
}

/* In the words of AWS's own parser. */
static int refuse_type(
	const struct codec *codec, const struct shape_member *member, const json_t *in)
{
	static const char *const found[] = {[JSON_STRING] = "STRING_VALUE",
		[JSON_INTEGER] = "NUMBER_VALUE",
		[JSON_REAL] = "DECIMAL_VALUE",
		[JSON_TRUE] = "TRUE_VALUE",
		[JSON_FALSE] = "FALSE_VALUE",
		[JSON_NULL] = "NULL_VALUE"};
	bool is_scalar = codec_is_scalar(member->shape);

	if (json_is_object(in))
		return codec_refuse(codec, "Start of structure or map found where not expected.");
	if (json_is_array(in))
		return codec_refuse(codec, "Start of list found where not expected");
	if (!is_scalar)
		return codec_refuse(codec, "Unexpected field type");
	return codec_refuse(codec, "%s cannot be converted to %s", found[json_typeof(in)],
		codec_type_name(member->shape));
}

static json_t *read_time(
	const struct codec *codec, const struct shape_member *member, const json_t *in)
{
	if (codec_time(member, SHAPE_TIME_EPOCH_SECONDS) != SHAPE_TIME_EPOCH_SECONDS)
		return json_is_string(in) ? codec_from_text(member, 0, codec_str(in)) : NULL;
	return json_is_number(in) ? codec_from_seconds(json_number_value(in)) : NULL;
}

static json_t *read_scalar(
	const struct codec *codec, const struct shape_member *member, const json_t *in)
{
	switch (member->shape->type) {
	case SHAPE_STRING:
	case SHAPE_BLOB:
		return json_is_string(in) ? codec_from_text(member, 0, codec_str(in)) : NULL;
	case SHAPE_BOOLEAN:
		return json_is_boolean(in) ? json_incref((json_t *)in) : NULL;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		if (json_is_number(in))
			return codec_from_double(member->shape, json_number_value(in));
		if (!json_is_string(in))
			return NULL;
		double unused;
		return codec_to_double(in, &unused) ? json_incref((json_t *)in) : NULL;
	case SHAPE_TIMESTAMP:
		return read_time(codec, member, in);
	default:
		if (json_is_integer(in))
			return codec_from_integer(member->shape, json_integer_value(in));
		/* 1.0 is an integer, as some clients write it; 1.5 is not. */
		if (!json_is_real(in) || fabs(json_real_value(in)) >= 0x1p63 ||
			trunc(json_real_value(in)) != json_real_value(in))
			return NULL;
		return codec_from_integer(member->shape, (int64_t)json_real_value(in));
	}
}

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
static int read_list(const struct codec *codec, const struct shape *shape, const json_t *in,
	unsigned depth, json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach(in, i, item)
	{
		int result = 0;
		json_t *value = NULL;
		if (json_is_null(item) && shape->is_sparse)
			value = json_null();
		else
			result = codec_json_read(codec, shape->members, item, depth, &value);
		if (result < 0)
			return result;
		json_array_append_new(list, value);
	}
	return 0;
}

static int read_map(const struct codec *codec, const struct shape *shape, const json_t *in,
	unsigned depth, json_t *map)
{
	const char *key;
	json_t *item;

	json_object_foreach((json_t *)in, key, item)
	{
		int result = 0;
		json_t *value = NULL;
		if (json_is_null(item) && shape->is_sparse)
			value = json_null();
		else
			result = codec_json_read(codec, &shape->members[1], item, depth, &value);
		if (result < 0)
			return result;
		json_object_set_new(map, key, value);
	}
	return 0;
}

int codec_json_read_members(const struct codec *codec, const struct shape *shape, const json_t *in,
	unsigned depth, json_t *object)
{
	for (size_t i = 0; i < shape->member_count; i++) {
		const struct shape_member *member = &shape->members[i];
		bool is_rest = codec->protocol == SHAPE_REST_JSON_1;
		if (!codec_is_read_from_body(codec, member))
			continue;
		const json_t *field = json_object_get(in, is_rest ? member->json : member->name);
		if (!field || json_is_null(field))
			continue;
		json_t *read = NULL;
		int result = codec_json_read(codec, member, field, depth, &read);
		if (result < 0)
			return result;
		json_object_set_new(object, member->name, read);
	}
	return 0;
}

/* Exactly one member; __type, which some clients add, is none. */
static int check_union(
	const struct codec *codec, const struct shape *shape, const json_t *in, const json_t *value)
{
	size_t present = codec_present(in);
	const json_t *type = json_object_get(in, "__type");

	if (type && !json_is_null(type) && !shape_find_member(shape, STR("__type")))
		present--;
	if (present != 1 || json_object_size(value) != 1)
		return codec_refuse(codec, "Exactly one member of %s must be set", shape->name);
	return 0;
}

int codec_json_read(const struct codec *codec, const struct shape_member *member, const json_t *in,
	unsigned depth, json_t **ret_value)
{
	const struct shape *shape = member->shape;
	_cleanup_json_ json_t *value = NULL;
	bool is_list = shape->type == SHAPE_LIST;
	int result;

	if (depth >= CODEC_DEPTH_MAX && !codec_is_scalar(shape))
		return codec_refuse(codec, "The JSON is nested too deep");
	if (codec_is_scalar(shape)) {
		value = read_scalar(codec, member, in);
		if (!value)
			return refuse_type(codec, member, in);
		*ret_value = take(value);
		return 0;
	}
	if (shape->type == SHAPE_DOCUMENT) {
		*ret_value = json_incref((json_t *)in);
		return 0;
	}
	if (is_list ? !json_is_array(in) : !json_is_object(in))
		return refuse_type(codec, member, in);
	value = is_list ? json_array() : json_object();
	if (is_list)
		result = read_list(codec, shape, in, depth + 1, value);
	else if (shape->type == SHAPE_MAP)
		result = read_map(codec, shape, in, depth + 1, value);
	else
		result = codec_json_read_members(codec, shape, in, depth + 1, value);
	if (result == 0 && shape->type == SHAPE_UNION)
		result = check_union(codec, shape, in, value);
	if (result < 0)
		return result;
	*ret_value = take(value);
	return 0;
}

/* NOLINTEND(misc-no-recursion) */

int codec_json_read_body(
	const struct codec *codec, const struct shape *shape, struct str body, json_t *object)
{
	_cleanup_json_ json_t *document = NULL;

	/* Operations without input get an empty body from some clients. */
	if (str_trim(body).n == 0)
		return 0;
	int result = codec_json_parse(codec, body, &document);
	if (result < 0)
		return result;
	if (!json_is_object(document))
		return codec_refuse(codec, "The body is not a JSON object");
	return codec_json_read_members(codec, shape, document, 0, object);
}

/* ---- out ---- */

static int write_scalar(const struct codec *codec, const struct shape_member *member,
	const json_t *value, struct buf *buf)
{
	_cleanup_buf_ struct buf text = {0};
	enum shape_type type = member->shape->type;
	bool is_number = codec_is_integer(member->shape) || type == SHAPE_BOOLEAN ||
			 (codec_is_float(member->shape) && json_is_number(value)) ||
			 (type == SHAPE_TIMESTAMP && codec_time(member, SHAPE_TIME_EPOCH_SECONDS) ==
							     SHAPE_TIME_EPOCH_SECONDS);

	if (!codec_add_text(codec, &text, member, SHAPE_TIME_EPOCH_SECONDS, value))
		return codec_mistake(codec);
	if (is_number && type == SHAPE_TIMESTAMP)
		codec_add_point(&text, buf_text(&text));
	if (is_number)
		buf_add_str(buf, codec_text(&text));
	else
		buf_add_json(buf, codec_text(&text));
	return 0;
}

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
static int write_list(const struct codec *codec, const struct shape *shape, const json_t *value,
	unsigned depth, struct buf *buf)
{
	size_t i;
	json_t *item = NULL;

	buf_add_char(buf, '[');
	json_array_foreach(value, i, item)
	{
		if (i)
			buf_add_char(buf, ',');
		int result = codec_json_write(codec, shape->members, item, depth, buf);
		if (result < 0)
			return result;
	}
	buf_add_char(buf, ']');
	return 0;
}

static int write_map(const struct codec *codec, const struct shape *shape, const json_t *value,
	unsigned depth, struct buf *buf)
{
	const char *key, *comma = "";
	json_t *item = NULL;

	buf_add_char(buf, '{');
	json_object_foreach((json_t *)value, key, item)
	{
		if (json_is_null(item) && !shape->is_sparse)
			continue;
		buf_add_text(buf, comma);
		comma = ",";
		buf_add_json(buf, str_from(key));
		buf_add_char(buf, ':');
		int result = codec_json_write(codec, &shape->members[1], item, depth, buf);
		if (result < 0)
			return result;
	}
	buf_add_char(buf, '}');
	return 0;
}

int codec_json_write_members(const struct codec *codec, const struct shape *shape,
	const json_t *value, unsigned depth, const char *type, struct buf *buf)
{
	bool is_rest = codec->protocol == SHAPE_REST_JSON_1;
	const char *comma = "";

	buf_add_char(buf, '{');
	if (type) {
		buf_add_text(buf, "\"__type\":");
		buf_add_json(buf, str_from(type));
		comma = ",";
	}
	for (size_t i = 0; i < shape->member_count; i++) {
		const struct shape_member *member = &shape->members[i];
		const json_t *field = json_object_get(value, member->name);
		if (!field || json_is_null(field) || !codec_is_written_to_body(codec, member))
			continue;
		buf_add_text(buf, comma);
		comma = ",";
		buf_add_json(buf, str_from(is_rest ? member->json : member->name));
		buf_add_char(buf, ':');
		int result = codec_json_write(codec, member, field, depth, buf);
		if (result < 0)
			return result;
	}
	buf_add_char(buf, '}');
	return 0;
}

static int write_document(const struct codec *codec, const json_t *value, struct buf *buf)
{
	_cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	if (!text)
		return codec_mistake(codec);
	buf_add_text(buf, text);
	return 0;
}

int codec_json_write(const struct codec *codec, const struct shape_member *member,
	const json_t *value, unsigned depth, struct buf *buf)
{
	const struct shape *shape = member->shape;

	if (depth >= CODEC_DEPTH_MAX && !codec_is_scalar(shape))
		return codec_mistake(codec);
	if (shape->type == SHAPE_DOCUMENT)
		return write_document(codec, value, buf);
	if (json_is_null(value)) {
		buf_add_text(buf, "null");
		return 0;
	}
	if (codec_is_scalar(shape))
		return write_scalar(codec, member, value, buf);
	if (shape->type == SHAPE_LIST ? !json_is_array(value) : !json_is_object(value))
		return codec_mistake(codec);
	if (shape->type == SHAPE_LIST)
		return write_list(codec, shape, value, depth + 1, buf);
	if (shape->type == SHAPE_MAP)
		return write_map(codec, shape, value, depth + 1, buf);
	return codec_json_write_members(codec, shape, value, depth + 1, NULL, buf);
}
/* NOLINTEND(misc-no-recursion) */
