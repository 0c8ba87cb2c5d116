/* Scalars as text: in forms, XML, headers, labels and parameters; and what the codecs share. */
#include "api/protocol/codec_priv.h"

#include "aws/digest.h"
#include "aws/time.h"
#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int codec_refuse(const struct codec *codec, const char *format, ...)
{
	static const enum aws_error_code codes[SHAPE_PROTOCOLS] = {
		[SHAPE_AWS_JSON_1_0] = AWS_ERROR_SERIALIZATION_EXCEPTION,
		[SHAPE_AWS_JSON_1_1] = AWS_ERROR_SERIALIZATION_EXCEPTION,
		[SHAPE_AWS_QUERY] = AWS_ERROR_MALFORMED_INPUT,
		[SHAPE_EC2_QUERY] = AWS_ERROR_INVALID_PARAMETER_VALUE,
		[SHAPE_REST_JSON_1] = AWS_ERROR_SERIALIZATION_EXCEPTION,
		[SHAPE_REST_XML] = AWS_ERROR_MALFORMED_XML,
		[SHAPE_RPC_V2_CBOR] = AWS_ERROR_SERIALIZATION_EXCEPTION,
	};
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return aws_error_set(codec->error, codes[codec->protocol], "%s", message);
}

int codec_mistake(const struct codec *codec)
{
	return aws_error_default(codec->error, AWS_ERROR_INTERNAL_FAILURE);
}

const char *codec_type_name(const struct shape *shape)
{
	static const char *const names[] = {
		[SHAPE_STRUCTURE] = "Structure",
		[SHAPE_UNION] = "Union",
		[SHAPE_LIST] = "List",
		[SHAPE_MAP] = "Map",
		[SHAPE_STRING] = "String",
		[SHAPE_BLOB] = "Blob",
		[SHAPE_BOOLEAN] = "Boolean",
		[SHAPE_BYTE] = "Byte",
		[SHAPE_SHORT] = "Short",
		[SHAPE_INTEGER] = "Integer",
		[SHAPE_LONG] = "Long",
		[SHAPE_FLOAT] = "Float",
		[SHAPE_DOUBLE] = "Double",
		[SHAPE_TIMESTAMP] = "Timestamp",
		[SHAPE_DOCUMENT] = "Document",
	};
	return names[shape->type];
}

static int64_t integer_max(const struct shape *shape)
{
	switch (shape->type) {
	case SHAPE_BYTE:
		return INT8_MAX;
	case SHAPE_SHORT:
		return INT16_MAX;
	case SHAPE_INTEGER:
		return INT32_MAX;
	default:
		return INT64_MAX;
	}
}

json_t *codec_from_integer(const struct shape *shape, int64_t number)
{
	int64_t max = integer_max(shape);

	return number <= max && number >= -max - 1 ? json_integer(number) : NULL;
}

json_t *codec_from_double(const struct shape *shape, double number)
{
	if (isnan(number))
		return json_string("NaN");
	if (isinf(number))
		return json_string(number > 0 ? "Infinity" : "-Infinity");
	if (shape->type == SHAPE_FLOAT && isinf((float)number))
		return NULL;
	return json_real(number);
}

bool codec_to_double(const json_t *value, double *ret_number)
{
	static const struct {
		const char *name;
		double number;
	} words[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};

	if (json_is_number(value)) {
		*ret_number = json_number_value(value);
		return true;
	}
	for (size_t i = 0; json_is_string(value) && i < ARRAY_SIZE(words); i++) {
		if (strcmp(json_string_value(value), words[i].name) == 0) {
			*ret_number = words[i].number;
			return true;
		}
	}
	return false;
}

static size_t count_digits(struct str text)
{
	size_t n = 0;

	while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
		n++;
	return n;
}

static struct str after(struct str text, size_t n)
{
	return (struct str){text.p + n, text.n - n};
}

static bool is_time(int64_t ms)
{
	return ms >= INT64_C(-62135596800000) && ms <= INT64_C(253402300799999);
}

json_t *codec_from_time(int64_t ms)
{
	return is_time(ms) ? json_integer(ms) : NULL;
}

json_t *codec_from_seconds(double seconds)
{
	return fabs(seconds) < 1e12 ? codec_from_time(llround(seconds * 1000)) : NULL;
}

/* The number of JSON and XML Schema that they share: digits, a fraction, an exponent. */
static bool is_decimal(struct str text)
{
	if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
		text = after(text, 1);
	size_t whole = count_digits(text), fraction = 0;
	text = after(text, whole);
	if (text.n && text.p[0] == '.') {
		fraction = count_digits(after(text, 1));
		text = after(text, 1 + fraction);
	}
	if (whole + fraction == 0)
		return false;
	if (text.n && (text.p[0] == 'e' || text.p[0] == 'E')) {
		text = after(text, 1);
		if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
			text = after(text, 1);
		size_t digits = count_digits(text);
		return digits > 0 && digits == text.n;
	}
	return text.n == 0;
}

static json_t *double_from_text(const struct shape *shape, struct str text)
{
	char copy[128];

	if (str_equal(text, STR("NaN")) || str_equal(text, STR("Infinity")) ||
		str_equal(text, STR("-Infinity")))
		return json_stringn(text.p, text.n);
	if (text.n >= sizeof(copy) || !is_decimal(text))
		return NULL;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	double number = strtod(copy, NULL);
	return isinf(number) ? NULL : codec_from_double(shape, number);
}

/* Seconds with an optional fraction: aws_time_parse takes other forms too. */
static bool parse_epoch_seconds(struct str text, int64_t *ret_ms)
{
	return is_decimal(text) && text.n < 20 && !memchr(text.p, 'e', text.n) &&
	       !memchr(text.p, 'E', text.n) && aws_time_parse(text, ret_ms);
}

static json_t *time_from_text(enum shape_time time, struct str text)
{
	int64_t ms;
	bool is_good = false;

	switch (time) {
	case SHAPE_TIME_HTTP_DATE:
		is_good = aws_time_parse_http(text, &ms);
		break;
	case SHAPE_TIME_EPOCH_SECONDS:
		is_good = parse_epoch_seconds(text, &ms);
		break;
	default:
		is_good = memchr(text.p, 'T', text.n) && memchr(text.p, '-', text.n) &&
			  str_ends_with(text, STR("Z")) && aws_time_parse_iso8601(text, &ms);
	}
	return is_good ? codec_from_time(ms) : NULL;
}

static json_t *blob_from_text(struct str text)
{
	_cleanup_buf_ struct buf bytes = {0};

	return aws_base64_decode(text, &bytes) ? json_stringn(text.p, text.n) : NULL;
}

json_t *codec_from_text(const struct shape_member *member, enum shape_time time, struct str text)
{
	const struct shape *shape = member->shape;
	int64_t number;

	if (!text.p)
		text = STR("");
	switch (shape->type) {
	case SHAPE_STRING:
		return json_stringn(text.p, text.n);
	case SHAPE_BLOB:
		return blob_from_text(text);
	case SHAPE_BOOLEAN:
		if (str_equal(text, STR("true")))
			return json_true();
		return str_equal(text, STR("false")) ? json_false() : NULL;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		return double_from_text(shape, text);
	case SHAPE_TIMESTAMP:
		return time_from_text(codec_time(member, time), text);
	default:
		if (!codec_is_integer(shape) ||
			!number_parse_signed(text, INT64_MIN, INT64_MAX, &number))
			return NULL;
		return codec_from_integer(shape, number);
	}
}

void codec_add_double(struct buf *buf, const struct shape *shape, double number)
{
	char text[40];
	bool is_float = shape->type == SHAPE_FLOAT;

	if (isnan(number)) {
		buf_add_text(buf, "NaN");
		return;
	}
	if (isinf(number)) {
		buf_add_text(buf, number > 0 ? "Infinity" : "-Infinity");
		return;
	}
	for (int digits = is_float ? 6 : 15; digits <= (is_float ? 9 : 17); digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		double again = strtod(text, NULL);
		if (is_float ? (float)again == (float)number : again == number)
			break;
	}
	buf_add_text(buf, text);
	codec_add_point(buf, text);
}

void codec_add_point(struct buf *buf, const char *number)
{
	if (number[strspn(number, "-0123456789")] == '\0')
		buf_add_text(buf, ".0");
}

void codec_add_epoch_seconds(struct buf *buf, int64_t ms)
{
	int64_t seconds = ms / 1000, rest = ms % 1000;

	if (rest == 0) {
		buf_printf(buf, "%lld", (long long)seconds);
		return;
	}
	if (rest < 0)
		rest = -rest;
	buf_printf(buf, "%s%lld.%03lld", ms < 0 ? "-" : "",
		(long long)(seconds < 0 ? -seconds : seconds), (long long)rest);
	while (buf->p[buf->n - 1] == '0')
		buf->n--;
}

static void add_time(struct buf *buf, enum shape_time time, bool is_ec2, int64_t ms)
{
	char text[AWS_TIME_STR_MAX];
	char *end;

	if (time == SHAPE_TIME_EPOCH_SECONDS) {
		codec_add_epoch_seconds(buf, ms);
		return;
	}
	if (time == SHAPE_TIME_HTTP_DATE)
		end = aws_time_write_http(text, ms);
	else if (ms % 1000 || is_ec2)
		end = aws_time_write_millis(text, ms);
	else
		end = aws_time_write_iso8601(text, ms);
	buf_add(buf, text, (size_t)(end - text));
}

bool codec_add_text(const struct codec *codec, struct buf *buf, const struct shape_member *member,
	enum shape_time time, const json_t *value)
{
	double number;

	switch (member->shape->type) {
	case SHAPE_STRING:
	case SHAPE_BLOB:
		if (!json_is_string(value))
			return false;
		buf_add_str(buf, codec_str(value));
		return true;
	case SHAPE_BOOLEAN:
		if (!json_is_boolean(value))
			return false;
		buf_add_text(buf, json_is_true(value) ? "true" : "false");
		return true;
	case SHAPE_FLOAT:
	case SHAPE_DOUBLE:
		if (!codec_to_double(value, &number))
			return false;
		codec_add_double(buf, member->shape, number);
		return true;
	case SHAPE_TIMESTAMP:
		if (!json_is_integer(value) || !is_time(json_integer_value(value)))
			return false;
		add_time(buf, codec_time(member, time), codec->protocol == SHAPE_EC2_QUERY,
			json_integer_value(value));
		return true;
	default:
		if (!json_is_integer(value))
			return false;
		buf_printf(buf, "%lld", (long long)json_integer_value(value));
		return true;
	}
}

static bool is_rest(const struct codec *codec)
{
	return codec->protocol == SHAPE_REST_JSON_1 || codec->protocol == SHAPE_REST_XML;
}

bool codec_is_read_from_body(const struct codec *codec, const struct shape_member *member)
{
	return !is_rest(codec) || member->location == SHAPE_AT_BODY ||
	       member->location == SHAPE_AT_RESPONSE_CODE;
}

bool codec_is_written_to_body(const struct codec *codec, const struct shape_member *member)
{
	if (member->location == SHAPE_AT_EVENT_HEADER || member->location == SHAPE_AT_EVENT_PAYLOAD)
		return false;
	return !is_rest(codec) || member->location == SHAPE_AT_BODY ||
	       member->location == SHAPE_AT_LABEL || member->location == SHAPE_AT_QUERY ||
	       member->location == SHAPE_AT_QUERY_PARAMS;
}

bool codec_set(json_t *object, struct str name, json_t *value)
{
	_cleanup_buf_ struct buf copy = {0};

	if (name.n && memchr(name.p, '\0', name.n)) {
		json_decref(value);
		return false;
	}
	buf_add_str(&copy, name);
	return json_object_set_new(object, buf_text(&copy), value) == 0;
}

size_t codec_present(const json_t *object)
{
	const char *name;
	json_t *value;
	size_t count = 0;

	json_object_foreach((json_t *)object, name, value) count += !json_is_null(value);
	return count;
}
