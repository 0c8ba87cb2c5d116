/* HTTP bindings: restJson1 and restXml put members into path, query, headers, status and body. */
#include "api/protocol/codec_priv.h"

#include "aws/digest.h"
#include "aws/time.h"
#include "aws/uri.h"

#include <string.h>
#include <strings.h>

/* ---- paths ---- */

/* A template's part: a literal, {label} or {label+}. */
struct part {
	struct str name; /* of the label, or the literal */
	bool is_label, is_greedy;
};

static struct part part_of(struct str text)
{
	struct part part = {.name = text};

	if (text.n < 3 || text.p[0] != '{')
		return part;
	part.is_label = true;
	part.name = (struct str){text.p + 1, text.n - 2};
	if (str_ends_with(part.name, STR("+"))) {
		part.is_greedy = true;
		part.name.n--;
	}
	return part;
}

static unsigned count_parts(struct str path)
{
	unsigned count = 0;
	struct str part;

	while (str_split(&path, '/', &part))
		count++;
	return count;
}

static struct str template_path(const struct shape_operation *operation)
{
	struct str rest = str_from(operation->uri), path;

	return str_split(&rest, '?', &path) ? path : STR("");
}

/* Walks template and path together. label: what to look for; its text (encoded) to *ret_text. The
 * rank of the match, or 0. */
static unsigned walk(const struct shape_operation *operation, struct str path, struct str label,
	struct str *ret_text)
{
	struct str template = template_path(operation), text, piece;
	unsigned rank = 1, left = count_parts(template), have = count_parts(path);

	for (; str_split(&template, '/', &text); left--) {
		struct part part = part_of(text);
		if (!str_split(&path, '/', &piece))
			return 0;
		have--;
		/* A greedy label takes all but what the rest of the template needs. */
		while (part.is_greedy && have > left - 1) {
			struct str more;
			str_split(&path, '/', &more);
			piece.n = (size_t)(more.p + more.n - piece.p);
			have--;
		}
		if (part.is_label ? piece.n == 0 : !str_equal(part.name, piece))
			return 0;
		if (part.is_label && str_equal(part.name, label))
			*ret_text = piece;
		rank += part.is_greedy ? 1 : part.is_label ? 2 : 4;
	}
	return have == 0 ? rank : 0;
}

unsigned codec_http_match(const struct shape_operation *operation, const struct aws_request *http)
{
	struct str unused, rest, name, value;

	if (!operation->uri || !str_equal(http->method, str_from(operation->method)))
		return 0;
	unsigned rank = walk(operation, http->path, STR_NONE, &unused);
	const char *query = strchr(operation->uri, '?');
	if (!rank || !query)
		return rank;
	/* Literals in the template's query must be there. */
	rest = str_from(query + 1);
	while (aws_uri_next_parameter(&rest, &name, &value)) {
		struct str found;
		if (!aws_request_parameter(http, name, &found) ||
			(value.n && !str_equal(found, value)))
			return 0;
		rank += 4;
	}
	return rank;
}

/* ---- in ---- */

static int refuse_text(
	const struct codec *codec, const struct shape_member *member, struct str text)
{
	return codec_refuse(codec, "'%.*s' is not a valid %s for %s",
		(int)(text.n < 128 ? text.n : 128), text.p ? text.p : "",
		codec_type_name(member->shape), member->name);
}

static int read_label(const struct codec *codec, const struct shape_operation *operation,
	const struct shape_member *member, const struct aws_request *http, json_t *object)
{
	_cleanup_buf_ struct buf decoded = {0};
	struct str text = STR("");

	walk(operation, http->path, str_from(member->location_name), &text);
	if (!aws_uri_decode(&decoded, text, AWS_URI_PLUS_IS_PLUS))
		return refuse_text(codec, member, text);
	json_t *read = codec_from_text(member, SHAPE_TIME_DATE_TIME, codec_text(&decoded));
	if (!read)
		return refuse_text(codec, member, text);
	json_object_set_new(object, member->name, read);
	return 0;
}

static int read_query_value(const struct codec *codec, const struct shape_member *member,
	struct str text, json_t *object)
{
	bool is_list = member->shape->type == SHAPE_LIST;
	const struct shape_member *scalar = is_list ? member->shape->members : member;
	_cleanup_buf_ struct buf decoded = {0};

	if (!aws_uri_decode(&decoded, text, AWS_URI_PLUS_IS_SPACE))
		return refuse_text(codec, member, text);
	json_t *read = codec_from_text(scalar, SHAPE_TIME_DATE_TIME, codec_text(&decoded));
	if (!read)
		return refuse_text(codec, member, text);
	if (!is_list) {
		json_object_set_new(object, member->name, read);
		return 0;
	}
	json_t *list = json_object_get(object, member->name);
	if (!list) {
		list = json_array();
		json_object_set_new(object, member->name, list);
	}
	json_array_append_new(list, read);
	return 0;
}

static int read_query(const struct codec *codec, const struct shape_member *member,
	const struct aws_request *http, json_t *object)
{
	struct str rest = http->query, name, text;
	int result = 0;

	while (result == 0 && aws_uri_next_parameter(&rest, &name, &text)) {
		_cleanup_buf_ struct buf decoded = {0};
		if (aws_uri_decode(&decoded, name, AWS_URI_PLUS_IS_SPACE) &&
			str_equal(codec_text(&decoded), str_from(member->location_name)))
			result = read_query_value(codec, member, text, object);
	}
	return result;
}

/* All parameters, bound ones too (httpQueryParams). */
static int read_query_map(const struct codec *codec, const struct shape_member *member,
	const struct aws_request *http, json_t *object)
{
	const struct shape_member *items = &member->shape->members[1];
	bool is_list = items->shape->type == SHAPE_LIST;
	_cleanup_json_ json_t *map = json_object();
	struct str rest = http->query, name, text;

	while (aws_uri_next_parameter(&rest, &name, &text)) {
		_cleanup_buf_ struct buf key = {0}, decoded = {0};
		if (!aws_uri_decode(&key, name, AWS_URI_PLUS_IS_SPACE) ||
			!aws_uri_decode(&decoded, text, AWS_URI_PLUS_IS_SPACE))
			return refuse_text(codec, member, text);
		json_t *read = json_stringn(decoded.p ? decoded.p : "", decoded.n);
		json_t *list = json_object_get(map, buf_text(&key));
		if (!read || (key.n && memchr(key.p, '\0', key.n))) {
			json_decref(read);
			return refuse_text(codec, member, text);
		}
		if (!is_list) {
			/* Of several, the first counts. */
			if (list)
				json_decref(read);
			else
				codec_set(map, codec_text(&key), read);
		} else if (list) {
			json_array_append_new(list, read);
		} else {
			codec_set(map, codec_text(&key), json_pack("[o]", read));
		}
	}
	if (json_object_size(map))
		json_object_set(object, member->name, map);
	return 0;
}

/* The next item of a list in a header: up to a comma, which HTTP dates have inside, and which a
 * quoted string may. Unquoted into buf. */
static bool next_header_item(struct str *rest, const struct shape_member *items, struct buf *item)
{
	bool is_date = items->shape->type == SHAPE_TIMESTAMP &&
		       codec_time(items, SHAPE_TIME_HTTP_DATE) == SHAPE_TIME_HTTP_DATE;
	unsigned commas = is_date;
	bool is_quoted = false;
	size_t i = 0;

	item->n = 0;
	if (!rest->p)
		return false;
	*rest = str_trim(*rest);
	for (; i < rest->n; i++) {
		char c = rest->p[i];
		if (c == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (is_quoted && c == '\\' && i + 1 < rest->n)
			c = rest->p[++i];
		else if (c == ',' && !is_quoted && commas-- == 0)
			break;
		buf_add_char(item, c);
	}
	*rest = i < rest->n ? (struct str){rest->p + i + 1, rest->n - i - 1} : STR_NONE;
	return true;
}

static int read_header_list(const struct codec *codec, const struct shape_member *member,
	struct str text, json_t *object)
{
	const struct shape_member *items = member->shape->members;
	_cleanup_json_ json_t *list = json_array();
	_cleanup_buf_ struct buf item = {0};

	while (next_header_item(&text, items, &item)) {
		struct str trimmed = str_trim(codec_text(&item));
		json_t *read = codec_from_text(items, SHAPE_TIME_HTTP_DATE, trimmed);
		if (!read)
			return refuse_text(codec, member, trimmed);
		json_array_append_new(list, read);
	}
	json_object_set(object, member->name, list);
	return 0;
}

static int read_header(const struct codec *codec, const struct shape_member *member,
	const struct aws_request *http, json_t *object)
{
	_cleanup_buf_ struct buf decoded = {0};
	struct str text;

	if (!aws_request_header(http, str_from(member->location_name), &text))
		return 0;
	if (member->shape->type == SHAPE_LIST)
		return read_header_list(codec, member, text, object);
	if (member->media_type && member->shape->type == SHAPE_STRING) {
		if (!aws_base64_decode(text, &decoded))
			return refuse_text(codec, member, text);
		text = codec_text(&decoded);
	}
	json_t *read = codec_from_text(member, SHAPE_TIME_HTTP_DATE, text);
	if (!read)
		return refuse_text(codec, member, text);
	json_object_set_new(object, member->name, read);
	return 0;
}

static int read_prefix_headers(const struct codec *codec, const struct shape_member *member,
	const struct aws_request *http, json_t *object)
{
	size_t prefix = strlen(member->location_name);
	_cleanup_json_ json_t *map = json_object();

	for (size_t i = 0; i < http->header_count; i++) {
		struct str name = http->headers[i].name, text = str_trim(http->headers[i].value);
		if (name.n < prefix || strncasecmp(name.p, member->location_name, prefix) != 0)
			continue;
		json_t *read = json_stringn(text.p, text.n);
		if (!read || !codec_set(map, (struct str){name.p + prefix, name.n - prefix}, read))
			return refuse_text(codec, member, text);
	}
	if (json_object_size(map))
		json_object_set(object, member->name, map);
	return 0;
}

static int read_xml_payload(
	const struct codec *codec, const struct shape *shape, struct str body, json_t *object)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	struct err err = ERR_INIT;

	if (str_trim(body).n == 0)
		return 0;
	if (aws_xml_parse(&document, body, &err) < 0)
		return codec_refuse(codec, "%s", err.message);
	return codec_xml_read_members(codec, shape, aws_xml_root(document), 0, object);
}

static int read_payload(const struct codec *codec, const struct shape_member *member,
	struct str body, json_t *object)
{
	const struct shape *shape = member->shape;
	_cleanup_json_ json_t *read = NULL, *document = NULL;
	int result = 0;

	if (shape->type == SHAPE_BLOB) {
		_cleanup_buf_ struct buf base64 = {0};
		if (body.n == 0)
			return 0;
		aws_base64_add(&base64, body.p, body.n);
		read = json_stringn(base64.p, base64.n);
	} else if (shape->type == SHAPE_STRING) {
		if (body.n == 0)
			return 0;
		read = json_stringn(body.p, body.n);
		if (!read)
			return refuse_text(codec, member, STR("The body"));
	} else if (codec->protocol == SHAPE_REST_XML) {
		if (body.n == 0)
			return 0;
		read = json_object();
		result = read_xml_payload(codec, shape, body, read);
	} else {
		if (str_trim(body).n == 0)
			return 0;
		result = codec_json_parse(codec, body, &document);
		if (result == 0)
			result = codec_json_read(codec, member, document, 0, &read);
	}
	if (result == 0)
		json_object_set(object, member->name, read);
	return result;
}

static int read_members_in_body(
	const struct codec *codec, const struct shape *shape, struct str body, json_t *object)
{
	return codec->protocol == SHAPE_REST_XML ? read_xml_payload(codec, shape, body, object)
						 : codec_json_read_body(codec, shape, body, object);
}

static const struct shape_member *find_payload(const struct shape *shape)
{
	for (size_t i = 0; i < shape->member_count; i++)
		if (shape->members[i].location == SHAPE_AT_PAYLOAD)
			return &shape->members[i];
	return NULL;
}

static const char *payload_type(const struct codec *codec, const struct shape_member *payload)
{
	if (payload->media_type)
		return payload->media_type;
	if (payload->shape->type == SHAPE_BLOB)
		return "application/octet-stream";
	return payload->shape->type == SHAPE_STRING ? "text/plain"
						    : codec_content_types[codec->protocol];
}

/* Of a body of this shape; NULL: it has none. *ret_any: whatever it is will do. */
static const char *body_type(
	const struct codec *codec, const struct shape *shape, bool is_response, bool *ret_any)
{
	const struct shape_member *payload = find_payload(shape);
	bool has_body = shape->member_count == 0;

	*ret_any = payload && payload->shape->type == SHAPE_BLOB && !payload->media_type;
	if (payload)
		return payload_type(codec, payload);
	for (size_t i = 0; i < shape->member_count; i++)
		has_body |= is_response ? codec_is_written_to_body(codec, &shape->members[i])
					: codec_is_read_from_body(codec, &shape->members[i]);
	return has_body ? codec_content_types[codec->protocol] : NULL;
}

/* One of the types of an Accept header. */
static bool is_acceptable(struct str accept, struct str type)
{
	struct str item, range;

	while (str_split(&accept, ',', &item)) {
		str_split(&item, ';', &range);
		range = str_trim(range);
		if (str_equal_ignoring_case(range, type) || str_equal(range, STR("*/*")))
			return true;
		if (str_ends_with(range, STR("/*")) &&
			str_starts_with(type, (struct str){range.p, range.n - 1}))
			return true;
	}
	return false;
}

/* restJson1: what the client sends and takes must be what the model has. */
static int negotiate(const struct codec *codec, const struct shape_operation *operation,
	const struct protocol_request *request)
{
	bool is_any = false;
	struct str given, type;
	const char *want =
		operation->input ? body_type(codec, operation->input, false, &is_any) : NULL;
	bool is_given = aws_request_header(request->http, STR("content-type"), &given);

	if (!is_any && request->body.n && (want || is_given)) {
		if (!is_given)
			given = STR("");
		str_split(&given, ';', &type);
		if (!want || !str_equal_ignoring_case(str_trim(type), str_from(want)))
			return aws_error_default(
				codec->error, AWS_ERROR_UNSUPPORTED_MEDIA_TYPE_EXCEPTION);
	}
	is_any = false;
	want = operation->output ? body_type(codec, operation->output, true, &is_any) : NULL;
	if (want && !is_any && aws_request_header(request->http, STR("accept"), &given) &&
		given.n && !is_acceptable(given, str_from(want)))
		return aws_error_default(codec->error, AWS_ERROR_NOT_ACCEPTABLE_EXCEPTION);
	return 0;
}

int codec_http_read(const struct codec *codec, const struct shape_operation *operation,
	const struct protocol_request *request, json_t *object)
{
	const struct shape *shape = operation->input ? operation->input : &codec_nothing;
	const struct aws_request *http = request->http;
	const struct shape_member *payload = find_payload(shape);
	int result =
		codec->protocol == SHAPE_REST_JSON_1 ? negotiate(codec, operation, request) : 0;

	for (size_t i = 0; i < shape->member_count && result == 0; i++) {
		const struct shape_member *member = &shape->members[i];
		switch (member->location) {
		case SHAPE_AT_LABEL:
			result = read_label(codec, operation, member, http, object);
			break;
		case SHAPE_AT_QUERY:
			result = read_query(codec, member, http, object);
			break;
		case SHAPE_AT_QUERY_PARAMS:
			result = read_query_map(codec, member, http, object);
			break;
		case SHAPE_AT_HEADER:
			result = read_header(codec, member, http, object);
			break;
		case SHAPE_AT_PREFIX_HEADERS:
			result = read_prefix_headers(codec, member, http, object);
			break;
		default:
			break;
		}
	}
	if (result < 0)
		return result;
	if (payload)
		return read_payload(codec, payload, request->body, object);
	return read_members_in_body(codec, shape, request->body, object);
}

/* ---- out ---- */

static bool needs_quotes(struct str text)
{
	return memchr(text.p, ',', text.n) || memchr(text.p, '"', text.n);
}

static void add_quoted(struct buf *buf, struct str text)
{
	buf_add_char(buf, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_add_char(buf, '\\');
		buf_add_char(buf, text.p[i]);
	}
	buf_add_char(buf, '"');
}

static int add_header_list(const struct codec *codec, const struct shape_member *member,
	const json_t *list, struct buf *text)
{
	const struct shape_member *items = member->shape->members;
	size_t i;
	json_t *item = NULL;

	json_array_foreach(list, i, item)
	{
		_cleanup_buf_ struct buf one = {0};
		if (json_is_null(item))
			continue;
		if (!codec_is_scalar(items->shape) ||
			!codec_add_text(codec, &one, items, SHAPE_TIME_HTTP_DATE, item))
			return codec_mistake(codec);
		if (text->n)
			buf_add_text(text, ", ");
		if (one.n && items->shape->type == SHAPE_STRING && needs_quotes(codec_text(&one)))
			add_quoted(text, codec_text(&one));
		else
			buf_add_str(text, codec_text(&one));
	}
	return 0;
}

static bool is_header_safe(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 && text.p[i] != '\t')
			return false;
	return true;
}

static int write_header(const struct codec *codec, const struct shape_member *member,
	const json_t *value, struct protocol_response *response)
{
	_cleanup_buf_ struct buf text = {0};
	int result = 0;

	if (json_is_array(value) && member->shape->type == SHAPE_LIST) {
		result = add_header_list(codec, member, value, &text);
	} else if (member->media_type && json_is_string(value)) {
		aws_base64_add(&text, json_string_value(value), json_string_length(value));
	} else if (!codec_is_scalar(member->shape) ||
		   !codec_add_text(codec, &text, member, SHAPE_TIME_HTTP_DATE, value)) {
		result = codec_mistake(codec);
	}
	if (result == 0 && !is_header_safe(codec_text(&text)))
		result = codec_mistake(codec);
	if (result == 0)
		protocol_add_header(response, member->location_name, codec_text(&text));
	return result;
}

static bool has_header(const struct protocol_response *response, const char *name)
{
	for (size_t i = 0; i < response->header_count; i++)
		if (strcasecmp(response->headers[i].name, name) == 0)
			return true;
	return false;
}

static int write_prefix_headers(const struct codec *codec, const struct shape_member *member,
	const json_t *map, struct protocol_response *response)
{
	const char *key;
	json_t *item;

	json_object_foreach((json_t *)map, key, item)
	{
		_cleanup_free_ char *name = mem_printf("%s%s", member->location_name, key);
		if (!json_is_string(item) || !is_header_safe(str_from(key)) ||
			!is_header_safe(codec_str(item)))
			return codec_mistake(codec);
		/* A header with a member of its own is that member's. */
		if (!has_header(response, name))
			protocol_add_header(response, name, codec_str(item));
	}
	return 0;
}

int codec_http_write_headers(const struct codec *codec, const struct shape *shape,
	const json_t *value, struct protocol_response *response)
{
	const struct shape_member *prefixed = NULL;
	int result = 0;

	for (size_t i = 0; i < shape->member_count && result == 0; i++) {
		const struct shape_member *member = &shape->members[i];
		const json_t *field = json_object_get(value, member->name);
		if (!field || json_is_null(field))
			continue;
		if (member->location == SHAPE_AT_HEADER)
			result = write_header(codec, member, field, response);
		else if (member->location == SHAPE_AT_PREFIX_HEADERS)
			prefixed = member;
		else if (member->location == SHAPE_AT_RESPONSE_CODE && json_is_integer(field))
			response->status = (int)json_integer_value(field);
	}
	if (result == 0 && prefixed)
		result = write_prefix_headers(
			codec, prefixed, json_object_get(value, prefixed->name), response);
	return result;
}

static int write_payload(const struct codec *codec, const struct shape_member *member,
	const json_t *value, struct protocol_response *response)
{
	enum shape_type type = member->shape->type;

	response->content_type = payload_type(codec, member);
	if (type == SHAPE_BLOB || type == SHAPE_STRING) {
		if (!json_is_string(value))
			return codec_mistake(codec);
		if (type == SHAPE_STRING)
			buf_add_str(&response->body, codec_str(value));
		else if (!aws_base64_decode(codec_str(value), &response->body))
			return codec_mistake(codec);
		return 0;
	}
	if (codec->protocol == SHAPE_REST_JSON_1)
		return codec_json_write(codec, member, value, 0, &response->body);
	struct aws_xml_writer writer;
	aws_xml_begin(&writer, &response->body);
	return codec_xml_write_structure(
		codec, member->shape, member, member->xml, value, 0, &writer);
}

int codec_http_write(const struct codec *codec, const struct shape *shape, const json_t *value,
	struct protocol_response *response)
{
	bool is_any;

	if (!shape) {
		response->content_type = NULL;
		return 0;
	}
	const struct shape_member *payload = find_payload(shape);
	int result = codec_http_write_headers(codec, shape, value, response);
	if (result < 0)
		return result;
	if (payload) {
		const json_t *field = json_object_get(value, payload->name);
		if (field && !json_is_null(field))
			return write_payload(codec, payload, field, response);
		response->content_type = NULL;
		return 0;
	}
	/* JSON has always an object. */
	if (codec->protocol == SHAPE_REST_JSON_1)
		return codec_json_write_members(codec, shape, value, 0, NULL, &response->body);
	if (shape->member_count == 0 || !body_type(codec, shape, true, &is_any))
		return 0;
	struct aws_xml_writer writer;
	aws_xml_begin(&writer, &response->body);
	return codec_xml_write_structure(codec, shape, NULL, shape->xml, value, 0, &writer);
}
