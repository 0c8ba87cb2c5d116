#include "api/protocol/eventstream.h"

#include "api/protocol/codec_priv.h"
#include "aws/digest.h"

#include <string.h>

#include <libdeflate.h>

enum { PRELUDE = 12, TEXT_MAX = 32767, NAME_MAX_SIZE = 255 };

static void add_integer(struct buf *buf, uint64_t number, unsigned size)
{
	for (unsigned i = size; i > 0; i--)
		buf_add_char(buf, (char)(number >> (8 * (i - 1))));
}

static void add_name(struct buf *headers, const char *name, enum eventstream_type type)
{
	size_t n = strlen(name);

	if (n > NAME_MAX_SIZE)
		n = NAME_MAX_SIZE;
	add_integer(headers, n, 1);
	buf_add(headers, name, n);
	add_integer(headers, type, 1);
}

void eventstream_add_text(
	struct buf *headers, const char *name, enum eventstream_type type, struct str text)
{
	if (text.n > TEXT_MAX)
		text.n = TEXT_MAX;
	add_name(headers, name, type);
	add_integer(headers, text.n, 2);
	buf_add_str(headers, text);
}

void eventstream_add_number(
	struct buf *headers, const char *name, enum eventstream_type type, int64_t number)
{
	static const unsigned sizes[] = {[EVENTSTREAM_BYTE] = 1,
		[EVENTSTREAM_SHORT] = 2,
		[EVENTSTREAM_INTEGER] = 4,
		[EVENTSTREAM_LONG] = 8,
		[EVENTSTREAM_TIME] = 8};

	add_name(headers, name, type);
	add_integer(headers, (uint64_t)number, sizes[type]);
}

void eventstream_add_frame(struct buf *buf, struct str headers, struct str payload)
{
	size_t start = buf->n;

	add_integer(buf, PRELUDE + headers.n + payload.n + 4, 4);
	add_integer(buf, headers.n, 4);
	add_integer(buf, libdeflate_crc32(0, buf->p + start, buf->n - start), 4);
	buf_add_str(buf, headers);
	buf_add_str(buf, payload);
	add_integer(buf, libdeflate_crc32(0, buf->p + start, buf->n - start), 4);
}

static const char *payload_type(const struct codec *codec, const struct shape *shape)
{
	if (shape->type == SHAPE_BLOB)
		return "application/octet-stream";
	if (shape->type == SHAPE_STRING)
		return "text/plain";
	switch (codec->protocol) {
	case SHAPE_RPC_V2_CBOR:
		return "application/cbor";
	case SHAPE_REST_XML:
		return "application/xml";
	default:
		return "application/json";
	}
}

/* A structure or union as the payload. */
static int write_payload(const struct codec *codec, const struct shape *shape, const json_t *value,
	struct buf *payload)
{
	struct aws_xml_writer writer;

	switch (codec->protocol) {
	case SHAPE_RPC_V2_CBOR:
		return codec_cbor_write(codec, shape, value, NULL, payload);
	case SHAPE_REST_XML:
		aws_xml_begin(&writer, payload);
		return codec_xml_write_structure(codec, shape, NULL, shape->xml, value, 0, &writer);
	default:
		return codec_json_write_members(codec, shape, value, 0, NULL, payload);
	}
}

static int write_header(const struct codec *codec, const struct shape_member *member,
	const json_t *value, struct buf *headers)
{
	static const enum eventstream_type types[] = {[SHAPE_BYTE] = EVENTSTREAM_BYTE,
		[SHAPE_SHORT] = EVENTSTREAM_SHORT,
		[SHAPE_INTEGER] = EVENTSTREAM_INTEGER,
		[SHAPE_LONG] = EVENTSTREAM_LONG,
		[SHAPE_TIMESTAMP] = EVENTSTREAM_TIME};
	_cleanup_buf_ struct buf bytes = {0};
	enum shape_type type = member->shape->type;

	if (type == SHAPE_BOOLEAN && json_is_boolean(value))
		add_name(headers, member->name,
			json_is_true(value) ? EVENTSTREAM_TRUE : EVENTSTREAM_FALSE);
	else if (type == SHAPE_STRING && json_is_string(value))
		eventstream_add_text(headers, member->name, EVENTSTREAM_STRING, codec_str(value));
	else if (type == SHAPE_BLOB && json_is_string(value) &&
		 aws_base64_decode(codec_str(value), &bytes))
		eventstream_add_text(headers, member->name, EVENTSTREAM_BLOB, buf_str(&bytes));
	else if ((type == SHAPE_TIMESTAMP || codec_is_integer(member->shape)) &&
		 json_is_integer(value))
		eventstream_add_number(
			headers, member->name, types[type], json_integer_value(value));
	else
		return codec_mistake(codec);
	return 0;
}

static int write_explicit(const struct codec *codec, const struct shape_member *member,
	const json_t *value, struct buf *payload)
{
	if (member->shape->type == SHAPE_BLOB || member->shape->type == SHAPE_STRING) {
		if (!json_is_string(value))
			return codec_mistake(codec);
		if (member->shape->type == SHAPE_STRING)
			buf_add_str(payload, codec_str(value));
		else if (!aws_base64_decode(codec_str(value), payload))
			return codec_mistake(codec);
		return 0;
	}
	return write_payload(codec, member->shape, value, payload);
}

static bool has_implicit_payload(const struct shape *shape)
{
	for (size_t i = 0; i < shape->member_count; i++)
		if (shape->members[i].location != SHAPE_AT_EVENT_HEADER)
			return true;
	return false;
}

/* Headers and payload of an event's structure; the type of the payload goes before the event's own
 * headers. */
static int write_members(const struct codec *codec, const struct shape *shape,
	const json_t *members, struct buf *headers, struct buf *payload)
{
	const struct shape_member *explicit = NULL;
	const char *name;
	json_t *value;
	int result = 0;

	for (size_t i = 0; i < shape->member_count; i++)
		if (shape->members[i].location == SHAPE_AT_EVENT_PAYLOAD)
			explicit = &shape->members[i];
	const json_t *given = explicit ? json_object_get(members, explicit->name) : NULL;
	if (explicit && given && !json_is_null(given)) {
		eventstream_add_text(headers, ":content-type", EVENTSTREAM_STRING,
			str_from(payload_type(codec, explicit->shape)));
		result = write_explicit(codec, explicit, given, payload);
	} else if (!explicit && has_implicit_payload(shape)) {
		eventstream_add_text(headers, ":content-type", EVENTSTREAM_STRING,
			str_from(payload_type(codec, shape)));
		result = write_payload(codec, shape, members, payload);
	}
	json_object_foreach((json_t *)members, name, value)
	{
		const struct shape_member *member = shape_find_member(shape, str_from(name));
		if (result == 0 && member && member->location == SHAPE_AT_EVENT_HEADER &&
			!json_is_null(value))
			result = write_header(codec, member, value, headers);
	}
	return result;
}

int eventstream_add_initial(struct buf *buf, enum shape_protocol protocol,
	const struct shape_operation *operation, const json_t *output)
{
	const struct codec codec = {.protocol = protocol};
	_cleanup_buf_ struct buf headers = {0}, payload = {0};
	_cleanup_json_ json_t *members = output ? json_copy((json_t *)output) : json_object();
	const struct shape_member *stream = shape_find_streaming(operation->output);

	if (stream)
		json_object_del(members, stream->name);
	eventstream_add_text(&headers, ":event-type", EVENTSTREAM_STRING, STR("initial-response"));
	eventstream_add_text(&headers, ":content-type", EVENTSTREAM_STRING,
		str_from(codec_content_types[protocol]));
	eventstream_add_text(&headers, ":message-type", EVENTSTREAM_STRING, STR("event"));
	int result = write_payload(
		&codec, operation->output ? operation->output : &codec_nothing, members, &payload);
	if (result == 0)
		eventstream_add_frame(buf, buf_str(&headers), buf_str(&payload));
	return result;
}

int eventstream_add_event(struct buf *buf, enum shape_protocol protocol,
	const struct shape_operation *operation, const char *name, const json_t *members)
{
	const struct codec codec = {.protocol = protocol};
	const struct shape_member *stream = shape_find_streaming(operation->output);
	const struct shape_member *event =
		stream ? shape_find_member(stream->shape, str_from(name)) : NULL;
	_cleanup_buf_ struct buf headers = {0}, payload = {0};

	if (!event || !json_is_object(members))
		return codec_mistake(&codec);
	bool is_error = event->shape->is_error;
	eventstream_add_text(&headers, ":message-type", EVENTSTREAM_STRING,
		is_error ? STR("exception") : STR("event"));
	eventstream_add_text(&headers, is_error ? ":exception-type" : ":event-type",
		EVENTSTREAM_STRING, str_from(name));
	int result = write_members(&codec, event->shape, members, &headers, &payload);
	if (result == 0)
		eventstream_add_frame(buf, buf_str(&headers), buf_str(&payload));
	return result;
}
