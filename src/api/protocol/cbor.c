/* CBOR (RFC 8949) as smithy-rpc-v2-cbor uses it: maps with text keys, definite and indefinite
 * lengths, integers, floats of three sizes, tag 1 for moments, tags 2, 3 and 4 skipped over as
 * unknown. What the shape does not know is skipped. */
#include "api/protocol/codec_priv.h"

#include "aws/digest.h"

#include <math.h>
#include <string.h>

enum {
	MAJOR_UNSIGNED,
	MAJOR_NEGATIVE,
	MAJOR_BYTES,
	MAJOR_TEXT,
	MAJOR_ARRAY,
	MAJOR_MAP,
	MAJOR_TAG,
	MAJOR_SIMPLE
};
enum { INFO_HALF = 25, INFO_SINGLE = 26, INFO_DOUBLE = 27, INFO_INDEFINITE = 31 };
enum { SIMPLE_FALSE = 20, SIMPLE_TRUE = 21, SIMPLE_NULL = 22, SIMPLE_UNDEFINED = 23 };
enum { TAG_EPOCH = 1 };

struct reader {
	const struct codec *codec;
	const uint8_t *p, *end;
	size_t values;
};

/* The first bytes of an item. */
struct head {
	unsigned major, info;
	uint64_t argument; /* a float's bits are here too */
};

static int malformed(const struct reader *reader)
{
	return codec_refuse(reader->codec, "The CBOR is malformed");
}

static int read_head(struct reader *reader, struct head *head)
{
	if (reader->p == reader->end)
		return malformed(reader);
	if (++reader->values > CODEC_VALUES_MAX)
		return codec_refuse(reader->codec, "The CBOR has too many values");
	*head = (struct head){.major = *reader->p >> 5, .info = *reader->p & 31};
	reader->p++;
	if (head->info < 24) {
		head->argument = head->info;
		return 0;
	}
	if (head->info == INFO_INDEFINITE) {
		bool may_be = (head->major >= MAJOR_BYTES && head->major <= MAJOR_MAP) ||
			      head->major == MAJOR_SIMPLE;
		return may_be ? 0 : malformed(reader);
	}
	if (head->info > INFO_DOUBLE)
		return malformed(reader);
	size_t n = (size_t)1 << (head->info - 24);
	if ((size_t)(reader->end - reader->p) < n)
		return malformed(reader);
	for (size_t i = 0; i < n; i++)
		head->argument = head->argument << 8 | *reader->p++;
	return 0;
}

static bool is_break(const struct head *head)
{
	return head->major == MAJOR_SIMPLE && head->info == INFO_INDEFINITE;
}

static bool is_null(const struct head *head)
{
	return head->major == MAJOR_SIMPLE &&
	       (head->info == SIMPLE_NULL || head->info == SIMPLE_UNDEFINED);
}

static int take_bytes(struct reader *reader, uint64_t n, struct str *ret_bytes)
{
	if (n > (uint64_t)(reader->end - reader->p))
		return malformed(reader);
	*ret_bytes = (struct str){(const char *)reader->p, (size_t)n};
	reader->p += n;
	return 0;
}

/* A byte or text string; pieces of an indefinite one are joined in buf. */
static int read_string(
	struct reader *reader, const struct head *head, struct buf *buf, struct str *ret_bytes)
{
	struct head piece = {0};
	struct str bytes = STR("");

	if (head->info != INFO_INDEFINITE)
		return take_bytes(reader, head->argument, ret_bytes);
	for (;;) {
		int result = read_head(reader, &piece);
		if (result < 0)
			return result;
		if (is_break(&piece))
			break;
		if (piece.major != head->major || piece.info == INFO_INDEFINITE)
			return malformed(reader);
		result = take_bytes(reader, piece.argument, &bytes);
		if (result < 0)
			return result;
		buf_add_str(buf, bytes);
	}
	*ret_bytes = codec_text(buf);
	return 0;
}

/* Over a whole item of which the head has been read. */
static int skip(struct reader *reader, struct head head)
{
	uint64_t left[CODEC_DEPTH_MAX * 2]; /* items to come; UINT64_MAX: until a break */
	unsigned depth = 0;
	int result;

	for (;;) {
		struct str unused = STR("");
		uint64_t inside = 0;
		bool is_open = head.info == INFO_INDEFINITE;
		if (is_break(&head)) {
			if (depth == 0 || left[depth - 1] != UINT64_MAX)
				return malformed(reader);
			depth--;
		} else if (head.major >= MAJOR_BYTES && head.major <= MAJOR_MAP && is_open) {
			inside = UINT64_MAX;
		} else if (head.major == MAJOR_BYTES || head.major == MAJOR_TEXT) {
			result = take_bytes(reader, head.argument, &unused);
			if (result < 0)
				return result;
		} else if (head.major == MAJOR_ARRAY || head.major == MAJOR_MAP) {
			if (head.argument > CODEC_VALUES_MAX)
				return malformed(reader);
			inside = head.argument * (head.major == MAJOR_MAP ? 2 : 1);
		} else if (head.major == MAJOR_TAG) {
			inside = 1;
		}
		if (inside) {
			if (depth == ARRAY_SIZE(left))
				return codec_refuse(reader->codec, "The CBOR is nested too deep");
			left[depth++] = inside;
		}
		while (depth && left[depth - 1] == 0)
			depth--;
		if (depth == 0)
			return 0;
		if (left[depth - 1] != UINT64_MAX)
			left[depth - 1]--;
		result = read_head(reader, &head);
		if (result < 0)
			return result;
	}
}

static double half_to_double(uint64_t bits)
{
	int exponent = (int)(bits >> 10 & 31);
	double mantissa = (double)(bits & 1023), number;

	if (exponent == 0)
		number = ldexp(mantissa, -24);
	else if (exponent != 31)
		number = ldexp(mantissa + 1024, exponent - 25);
	else
		number = mantissa == 0 ? INFINITY : NAN;
	return bits & 0x8000 ? -number : number;
}

/* A number of any kind; false when it is none. */
static bool head_number(const struct head *head, double *ret_number)
{
	uint32_t single = (uint32_t)head->argument;
	float narrow;

	if (head->major == MAJOR_UNSIGNED)
		*ret_number = (double)head->argument;
	else if (head->major == MAJOR_NEGATIVE)
		*ret_number = -1.0 - (double)head->argument;
	else if (head->major != MAJOR_SIMPLE || head->info < INFO_HALF || head->info > INFO_DOUBLE)
		return false;
	else if (head->info == INFO_HALF)
		*ret_number = half_to_double(head->argument);
	else if (head->info == INFO_SINGLE) {
		memcpy(&narrow, &single, sizeof(narrow));
		*ret_number = (double)narrow;
	} else
		memcpy(ret_number, &head->argument, sizeof(*ret_number));
	return true;
}

static json_t *integer_value(const struct shape *shape, const struct head *head)
{
	double number;

	if (head->major == MAJOR_UNSIGNED || head->major == MAJOR_NEGATIVE) {
		if (head->argument > INT64_MAX)
			return NULL;
		int64_t value = (int64_t)head->argument;
		return codec_from_integer(
			shape, head->major == MAJOR_NEGATIVE ? -1 - value : value);
	}
	if (!head_number(head, &number) || !(fabs(number) < 0x1p63) || trunc(number) != number)
		return NULL;
	return codec_from_integer(shape, (int64_t)number);
}

static json_t *time_value(const struct head *head)
{
	double seconds;

	return head_number(head, &seconds) ? codec_from_seconds(seconds) : NULL;
}

static json_t *string_value(const struct shape *shape, struct str bytes)
{
	_cleanup_buf_ struct buf base64 = {0};

	if (shape->type == SHAPE_STRING)
		return json_stringn(bytes.p, bytes.n);
	aws_base64_add(&base64, bytes.p, bytes.n);
	return json_stringn(base64.p ? base64.p : "", base64.n);
}

static const char *found_name(const struct head *head)
{
	static const char *const names[] = {"INTEGER_VALUE", "INTEGER_VALUE", "BYTES_VALUE",
		"STRING_VALUE", "ARRAY_VALUE", "MAP_VALUE", "TAGGED_VALUE", "SIMPLE_VALUE"};

	return names[head->major];
}

static int refuse_type(
	const struct reader *reader, const struct shape_member *member, const struct head *head)
{
	return codec_refuse(reader->codec, "%s cannot be converted to %s", found_name(head),
		codec_type_name(member->shape));
}

static int read_scalar(struct reader *reader, const struct shape_member *member,
	const struct head *head, json_t **ret_value)
{
	const struct shape *shape = member->shape;
	json_t *value = NULL;
	double number;

	if (shape->type == SHAPE_STRING || shape->type == SHAPE_BLOB) {
		_cleanup_buf_ struct buf joined = {0};
		struct str bytes = STR("");
		if (head->major != (shape->type == SHAPE_STRING ? MAJOR_TEXT : MAJOR_BYTES))
			return refuse_type(reader, member, head);
		int result = read_string(reader, head, &joined, &bytes);
		if (result < 0)
			return result;
		value = string_value(shape, bytes);
	} else if (shape->type == SHAPE_BOOLEAN) {
		if (head->major == MAJOR_SIMPLE &&
			(head->info == SIMPLE_TRUE || head->info == SIMPLE_FALSE))
			value = json_boolean(head->info == SIMPLE_TRUE);
	} else if (shape->type == SHAPE_TIMESTAMP) {
		value = time_value(head);
	} else if (codec_is_float(shape)) {
		if (head_number(head, &number))
			value = codec_from_double(shape, number);
	} else {
		value = integer_value(shape, head);
	}
	if (!value)
		return refuse_type(reader, member, head);
	*ret_value = value;
	return 0;
}

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
static int read_value(struct reader *reader, const struct shape_member *member, struct head head,
	unsigned depth, json_t **ret_value);

/* The next item of a container, or its end. */
static int next_item(struct reader *reader, const struct head *container, uint64_t *index,
	struct head *head, bool *ret_end)
{
	*ret_end = container->info != INFO_INDEFINITE && *index == container->argument;
	if (*ret_end)
		return 0;
	++*index;
	int result = read_head(reader, head);
	if (result < 0)
		return result;
	if (is_break(head)) {
		if (container->info != INFO_INDEFINITE)
			return malformed(reader);
		*ret_end = true;
	}
	return 0;
}

static int read_list(struct reader *reader, const struct shape *shape, const struct head *container,
	unsigned depth, json_t *list)
{
	struct head head = {0};
	uint64_t index = 0;
	bool is_end;

	for (;;) {
		json_t *item = NULL;
		int result = next_item(reader, container, &index, &head, &is_end);
		if (result < 0 || is_end)
			return result;
		if (is_null(&head) && shape->is_sparse)
			item = json_null();
		else
			result = read_value(reader, shape->members, head, depth, &item);
		if (result < 0)
			return result;
		json_array_append_new(list, item);
	}
}

static int read_pair(struct reader *reader, const struct shape *shape, struct str key,
	unsigned depth, json_t *object)
{
	bool is_map = shape->type == SHAPE_MAP;
	const struct shape_member *member =
		is_map ? &shape->members[1] : shape_find_member(shape, key);
	struct head head = {0};
	json_t *value = NULL;
	int result = read_head(reader, &head);

	if (result < 0)
		return result;
	if (is_break(&head))
		return malformed(reader);
	if (!member || (is_null(&head) && !(is_map && shape->is_sparse)))
		return skip(reader, head);
	if (is_null(&head))
		value = json_null();
	else
		result = read_value(reader, member, head, depth, &value);
	if (result < 0)
		return result;
	return codec_set(object, key, value) ? 0 : malformed(reader);
}

static int read_pairs(struct reader *reader, const struct shape *shape,
	const struct head *container, unsigned depth, json_t *object)
{
	struct head head = {0};
	uint64_t index = 0;
	bool is_end;

	for (;;) {
		_cleanup_buf_ struct buf joined = {0};
		struct str key = STR("");
		int result = next_item(reader, container, &index, &head, &is_end);
		if (result < 0 || is_end)
			return result;
		if (head.major != MAJOR_TEXT)
			return malformed(reader);
		result = read_string(reader, &head, &joined, &key);
		if (result == 0)
			result = read_pair(reader, shape, key, depth, object);
		if (result < 0)
			return result;
	}
}

static int read_aggregate(struct reader *reader, const struct shape_member *member,
	const struct head *head, unsigned depth, json_t **ret_value)
{
	const struct shape *shape = member->shape;
	bool is_list = shape->type == SHAPE_LIST;
	_cleanup_json_ json_t *value = is_list ? json_array() : json_object();

	if (shape->type == SHAPE_DOCUMENT)
		return codec_refuse(reader->codec, "%s cannot be sent in CBOR", member->name);
	if (head->major != (is_list ? MAJOR_ARRAY : MAJOR_MAP))
		return refuse_type(reader, member, head);
	int result = is_list ? read_list(reader, shape, head, depth + 1, value)
			     : read_pairs(reader, shape, head, depth + 1, value);
	if (result == 0 && shape->type == SHAPE_UNION && json_object_size(value) != 1)
		result = codec_refuse(
			reader->codec, "Exactly one member of %s must be set", member->name);
	if (result < 0)
		return result;
	*ret_value = take(value);
	return 0;
}

static int read_value(struct reader *reader, const struct shape_member *member, struct head head,
	unsigned depth, json_t **ret_value)
{
	if (depth >= CODEC_DEPTH_MAX && !codec_is_scalar(member->shape))
		return codec_refuse(reader->codec, "The CBOR is nested too deep");
	if (head.major == MAJOR_TAG) {
		bool is_time = member->shape->type == SHAPE_TIMESTAMP;
		if (is_time && head.argument != TAG_EPOCH)
			return refuse_type(reader, member, &head);
		int result = read_head(reader, &head);
		if (result < 0)
			return result;
		if (head.major == MAJOR_TAG)
			return malformed(reader);
	}
	if (codec_is_scalar(member->shape))
		return read_scalar(reader, member, &head, ret_value);
	return read_aggregate(reader, member, &head, depth, ret_value);
}

/* NOLINTEND(misc-no-recursion) */

int codec_cbor_read(
	const struct codec *codec, struct str bytes, const struct shape *shape, json_t *object)
{
	struct reader reader = {.codec = codec};
	struct head head = {0};

	if (bytes.n == 0)
		return 0;
	reader.p = (const uint8_t *)bytes.p;
	reader.end = reader.p + bytes.n;
	int result = read_head(&reader, &head);
	if (result < 0)
		return result;
	if (head.major != MAJOR_MAP)
		return codec_refuse(codec, "The body is not a CBOR map");
	result = read_pairs(&reader, shape, &head, 0, object);
	if (result == 0 && reader.p != reader.end)
		return malformed(&reader);
	return result;
}

/* ---- out: the shortest heads; lists end with a break and times are doubles, as AWS writes them,
 * and some clients know nothing else ---- */

static void add_head(struct buf *buf, unsigned major, uint64_t argument)
{
	unsigned size = argument < 24            ? 0
			: argument <= UINT8_MAX  ? 1
			: argument <= UINT16_MAX ? 2
			: argument <= UINT32_MAX ? 4
						 : 8;
	unsigned info = size == 0   ? (unsigned)argument
			: size == 1 ? 24
			: size == 2 ? 25
			: size == 4 ? 26
				    : 27;

	buf_add_char(buf, (char)(major << 5 | info));
	for (unsigned i = size; i > 0; i--)
		buf_add_char(buf, (char)(argument >> (8 * (i - 1))));
}

static void add_text(struct buf *buf, struct str text)
{
	add_head(buf, MAJOR_TEXT, text.n);
	buf_add_str(buf, text);
}

static void add_double(struct buf *buf, double number, bool is_single)
{
	float narrow = (float)number;
	uint64_t bits = 0;
	uint32_t narrow_bits;

	if (is_single)
		memcpy(&narrow_bits, &narrow, sizeof(narrow_bits));
	else
		memcpy(&bits, &number, sizeof(bits));
	if (is_single)
		bits = narrow_bits;
	buf_add_char(buf, (char)(MAJOR_SIMPLE << 5 | (is_single ? INFO_SINGLE : INFO_DOUBLE)));
	for (int i = is_single ? 3 : 7; i >= 0; i--)
		buf_add_char(buf, (char)(bits >> (8 * i)));
}

static void add_integer(struct buf *buf, int64_t number)
{
	if (number < 0)
		add_head(buf, MAJOR_NEGATIVE, (uint64_t)(-1 - number));
	else
		add_head(buf, MAJOR_UNSIGNED, (uint64_t)number);
}

static int write_scalar(const struct codec *codec, const struct shape_member *member,
	const json_t *value, struct buf *buf)
{
	_cleanup_buf_ struct buf bytes = {0};
	enum shape_type type = member->shape->type;
	bool is_text = type == SHAPE_STRING || type == SHAPE_BLOB;
	double number;

	if (is_text ? !json_is_string(value) : false)
		return codec_mistake(codec);
	if (type == SHAPE_STRING) {
		add_text(buf, codec_str(value));
	} else if (type == SHAPE_BLOB) {
		if (!aws_base64_decode(codec_str(value), &bytes))
			return codec_mistake(codec);
		add_head(buf, MAJOR_BYTES, bytes.n);
		buf_add_str(buf, buf_str(&bytes));
	} else if (type == SHAPE_BOOLEAN && json_is_boolean(value)) {
		add_head(buf, MAJOR_SIMPLE, json_is_true(value) ? SIMPLE_TRUE : SIMPLE_FALSE);
	} else if (codec_is_float(member->shape) && codec_to_double(value, &number)) {
		add_double(buf, number, type == SHAPE_FLOAT);
	} else if (type == SHAPE_TIMESTAMP && json_is_integer(value)) {
		add_head(buf, MAJOR_TAG, TAG_EPOCH);
		add_double(buf, (double)json_integer_value(value) / 1000, false);
	} else if (codec_is_integer(member->shape) && json_is_integer(value)) {
		add_integer(buf, json_integer_value(value));
	} else {
		return codec_mistake(codec);
	}
	return 0;
}

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
static int write_value(const struct codec *codec, const struct shape_member *member,
	const json_t *value, unsigned depth, struct buf *buf);

static int write_members(const struct codec *codec, const struct shape *shape, const json_t *value,
	unsigned depth, const char *type, struct buf *buf)
{
	size_t count = type != NULL;

	for (size_t i = 0; i < shape->member_count; i++) {
		const json_t *field = json_object_get(value, shape->members[i].name);
		count += field && !json_is_null(field);
	}
	add_head(buf, MAJOR_MAP, count);
	if (type) {
		add_text(buf, STR("__type"));
		add_text(buf, str_from(type));
	}
	for (size_t i = 0; i < shape->member_count; i++) {
		const struct shape_member *member = &shape->members[i];
		const json_t *field = json_object_get(value, member->name);
		if (!field || json_is_null(field))
			continue;
		add_text(buf, str_from(member->name));
		int result = write_value(codec, member, field, depth, buf);
		if (result < 0)
			return result;
	}
	return 0;
}

static int write_list(const struct codec *codec, const struct shape *shape, const json_t *list,
	unsigned depth, struct buf *buf)
{
	size_t i;
	json_t *item = NULL;

	buf_add_char(buf, (char)(MAJOR_ARRAY << 5 | INFO_INDEFINITE));
	json_array_foreach(list, i, item)
	{
		int result = write_value(codec, shape->members, item, depth, buf);
		if (result < 0)
			return result;
	}
	buf_add_char(buf, (char)(MAJOR_SIMPLE << 5 | INFO_INDEFINITE));
	return 0;
}

static int write_map(const struct codec *codec, const struct shape *shape, const json_t *map,
	unsigned depth, struct buf *buf)
{
	const char *key;
	json_t *item = NULL;

	add_head(buf, MAJOR_MAP, shape->is_sparse ? json_object_size(map) : codec_present(map));
	json_object_foreach((json_t *)map, key, item)
	{
		if (json_is_null(item) && !shape->is_sparse)
			continue;
		add_text(buf, str_from(key));
		int result = write_value(codec, &shape->members[1], item, depth, buf);
		if (result < 0)
			return result;
	}
	return 0;
}

static int write_value(const struct codec *codec, const struct shape_member *member,
	const json_t *value, unsigned depth, struct buf *buf)
{
	const struct shape *shape = member->shape;

	if (depth >= CODEC_DEPTH_MAX && !codec_is_scalar(shape))
		return codec_mistake(codec);
	if (json_is_null(value)) {
		add_head(buf, MAJOR_SIMPLE, SIMPLE_NULL);
		return 0;
	}
	if (codec_is_scalar(shape))
		return write_scalar(codec, member, value, buf);
	if (shape->type == SHAPE_LIST)
		return json_is_array(value) ? write_list(codec, shape, value, depth + 1, buf)
					    : codec_mistake(codec);
	if (shape->type == SHAPE_DOCUMENT || !json_is_object(value))
		return codec_mistake(codec);
	if (shape->type == SHAPE_MAP)
		return write_map(codec, shape, value, depth + 1, buf);
	return write_members(codec, shape, value, depth + 1, NULL, buf);
}

/* NOLINTEND(misc-no-recursion) */

int codec_cbor_write(const struct codec *codec, const struct shape *shape, const json_t *value,
	const char *type, struct buf *buf)
{
	return write_members(codec, shape, value, 0, type, buf);
}
