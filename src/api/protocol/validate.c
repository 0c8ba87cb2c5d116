/* The model's limits, checked on a whole input, and its defaults. Every fault is told, in AWS's
 * sentence: "2 validation errors detected: Value '...' at 'userName' failed to satisfy constraint:
 * Member must ...; Value null at ...". */
#include "api/protocol/codec_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { FAULTS_MAX = 10, SHOWN_MAX = 1100, KEY_SHOWN_MAX = 200, PATH_MAX_SIZE = 512 };

struct faults {
	const struct codec *codec;
	struct buf text;
	unsigned count;
	char missing[PATH_MAX_SIZE]; /* the first required member that is not there (ec2) */
	struct buf path;
};

static void add_value(struct buf *buf, const json_t *value)
{
	_cleanup_free_ char *dump = NULL;
	struct str text;

	if (json_is_string(value)) {
		text = codec_str(value);
	} else {
		dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
		text = str_from(dump ? dump : "");
	}
	size_t n = text.n < SHOWN_MAX ? text.n : SHOWN_MAX;
	/* Not in the middle of a character. */
	while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	buf_add(buf, text.p, n);
	if (n < text.n)
		buf_add_text(buf, "...");
}

/* value NULL: it is not there. */
static void fault(struct faults *faults, const struct shape_limits *limits, const json_t *value,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

static void fault(struct faults *faults, const struct shape_limits *limits, const json_t *value,
	const char *format, ...)
{
	char constraint[512];
	va_list arguments;

	if (faults->count++ >= FAULTS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(constraint, sizeof(constraint), format, arguments);
	va_end(arguments);
	if (faults->count > 1)
		buf_add_text(&faults->text, "; ");
	if (value && limits->is_sensitive) {
		buf_add_text(&faults->text, "Value at '");
	} else if (value) {
		buf_add_text(&faults->text, "Value '");
		add_value(&faults->text, value);
		buf_add_text(&faults->text, "' at '");
	} else {
		buf_add_text(&faults->text, "Value null at '");
	}
	buf_add_str(&faults->text, buf_str(&faults->path));
	buf_printf(&faults->text, "' failed to satisfy constraint: %s", constraint);
}

/* Characters, not bytes; jansson has seen to it that it is UTF-8. */
static int64_t count_characters(struct str text)
{
	int64_t count = 0;

	for (size_t i = 0; i < text.n; i++)
		count += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return count;
}

static int64_t blob_size(struct str base64)
{
	size_t padding = 0;

	while (padding < 2 && base64.n > padding && base64.p[base64.n - 1 - padding] == '=')
		padding++;
	return (int64_t)(base64.n / 4 * 3 - padding);
}

static int64_t length_of(const struct shape *shape, const json_t *value)
{
	switch (shape->type) {
	case SHAPE_STRING:
		return count_characters(codec_str(value));
	case SHAPE_BLOB:
		return blob_size(codec_str(value));
	case SHAPE_LIST:
		return (int64_t)json_array_size(value);
	default:
		return (int64_t)json_object_size(value);
	}
}

static void check_length(
	struct faults *faults, const struct shape_member *member, const json_t *value)
{
	const struct shape_limits *limits = member->limits;
	int64_t length = length_of(member->shape, value);

	if (limits->has_length_max && length > limits->length_max)
		fault(faults, limits, value, "Member must have length less than or equal to %lld",
			(long long)limits->length_max);
	if (limits->has_length_min && length < limits->length_min)
		fault(faults, limits, value,
			"Member must have length greater than or equal to %lld",
			(long long)limits->length_min);
}

static void check_range(
	struct faults *faults, const struct shape_member *member, const json_t *value)
{
	const struct shape_limits *limits = member->limits;
	double number;

	if (!codec_to_double(value, &number))
		return;
	if (limits->has_range_max && !(number <= limits->range_max))
		fault(faults, limits, value, "Member must have value less than or equal to %.15g",
			limits->range_max);
	if (limits->has_range_min && !(number >= limits->range_min))
		fault(faults, limits, value,
			"Member must have value greater than or equal to %.15g", limits->range_min);
}

static bool is_among(const char *const *values, const json_t *value)
{
	char number[32];
	struct str text;

	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		text = str_from(number);
	} else {
		text = codec_str(value);
	}
	for (size_t i = 0; values[i]; i++)
		if (str_equal(text, str_from(values[i])))
			return true;
	return false;
}

static void check_text(
	struct faults *faults, const struct shape_member *member, const json_t *value)
{
	const struct shape_limits *limits = member->limits;

	if (limits->values && !is_among(limits->values, value)) {
		_cleanup_buf_ struct buf set = {0};
		for (size_t i = 0; limits->values[i]; i++)
			buf_printf(&set, "%s%s", i ? ", " : "", limits->values[i]);
		fault(faults, limits, value, "Member must satisfy enum value set: [%s]",
			buf_text(&set));
	}
	if (limits->pattern && json_is_string(value) &&
		shape_pattern_match(limits->pattern, codec_str(value)) != SHAPE_MATCHES)
		fault(faults, limits, value, "Member must satisfy regular expression pattern: %s",
			limits->pattern->text);
}

/* By their text, sorted, so that a long list of a stranger does not cost its square. */
static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_twins(const json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t *item;
	bool found = false;
	char **texts = mem_new(n + 1, sizeof(*texts));

	json_array_foreach(list, i, item)
	{
		texts[i] = json_dumps(item, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT);
		if (!texts[i])
			texts[i] = mem_strdup("");
	}
	qsort(texts, n, sizeof(*texts), compare_texts);
	for (i = 1; i < n; i++)
		found |= strcmp(texts[i - 1], texts[i]) == 0;
	for (i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
	return found;
}

static void check_limits(
	struct faults *faults, const struct shape_member *member, const json_t *value)
{
	const struct shape_limits *limits = member->limits;

	if (limits->has_length_min || limits->has_length_max)
		check_length(faults, member, value);
	if (limits->has_range_min || limits->has_range_max)
		check_range(faults, member, value);
	if (limits->values || limits->pattern)
		check_text(faults, member, value);
	if (limits->is_unique && has_twins(value))
		fault(faults, limits, value, "Member must have unique values");
}

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
static void check_value(struct faults *faults, const struct shape_member *member,
	const json_t *value, unsigned depth);

/* As AWS's Java names them: userName, tags.1.member.key. */
static size_t enter(struct faults *faults, const char *name)
{
	size_t before = faults->path.n;

	if (before)
		buf_add_char(&faults->path, '.');
	buf_add_char(&faults->path, (char)tolower((unsigned char)name[0]));
	buf_add_text(&faults->path, name[0] ? name + 1 : "");
	return before;
}

static void check_members(
	struct faults *faults, const struct shape *shape, const json_t *value, unsigned depth)
{
	for (size_t i = 0; i < shape->member_count; i++) {
		const struct shape_member *member = &shape->members[i];
		const json_t *field = json_object_get(value, member->name);
		size_t before = enter(faults, member->name);
		if (field && !json_is_null(field)) {
			check_value(faults, member, field, depth);
		} else if (member->is_required && shape->type == SHAPE_STRUCTURE) {
			if (!faults->missing[0])
				snprintf(faults->missing, sizeof(faults->missing), "%s",
					member->ec2);
			fault(faults, NULL, NULL, "Member must not be null");
		}
		faults->path.n = before;
	}
}

static void check_items(
	struct faults *faults, const struct shape *shape, const json_t *value, unsigned depth)
{
	size_t i;
	json_t *item;

	json_array_foreach(value, i, item)
	{
		size_t before = faults->path.n;
		if (faults->count >= FAULTS_MAX)
			return;
		buf_printf(&faults->path, ".%zu.member", i + 1);
		if (!json_is_null(item))
			check_value(faults, shape->members, item, depth);
		faults->path.n = before;
	}
}

static void check_pairs(
	struct faults *faults, const struct shape *shape, const json_t *value, unsigned depth)
{
	const char *key;
	json_t *item;

	json_object_foreach((json_t *)value, key, item)
	{
		size_t before = faults->path.n;
		if (faults->count >= FAULTS_MAX)
			return;
		_cleanup_json_ json_t *name = json_string(key);
		if (shape->members[0].limits && name)
			check_limits(faults, &shape->members[0], name);
		buf_printf(&faults->path, ".%.*s.member", KEY_SHOWN_MAX, key);
		if (!json_is_null(item))
			check_value(faults, &shape->members[1], item, depth);
		faults->path.n = before;
	}
}

static void check_value(struct faults *faults, const struct shape_member *member,
	const json_t *value, unsigned depth)
{
	const struct shape *shape = member->shape;

	if (depth > CODEC_DEPTH_MAX) /* the codecs read no deeper */
		return;
	if (member->limits)
		check_limits(faults, member, value);
	if (shape->type == SHAPE_LIST)
		check_items(faults, shape, value, depth + 1);
	else if (shape->type == SHAPE_MAP)
		check_pairs(faults, shape, value, depth + 1);
	else if (shape->type == SHAPE_STRUCTURE || shape->type == SHAPE_UNION)
		check_members(faults, shape, value, depth + 1);
}

/* NOLINTEND(misc-no-recursion) */

static int refuse(struct faults *faults)
{
	struct aws_error *error = faults->codec->error;

	if (faults->codec->protocol == SHAPE_EC2_QUERY) {
		if (faults->missing[0])
			return aws_error_set(error, AWS_ERROR_MISSING_PARAMETER,
				"The request must contain the parameter %s", faults->missing);
		return aws_error_set(
			error, AWS_ERROR_INVALID_PARAMETER_VALUE, "%s", buf_text(&faults->text));
	}
	return aws_error_set(error,
		faults->codec->protocol == SHAPE_AWS_QUERY ? AWS_ERROR_VALIDATION_ERROR
							   : AWS_ERROR_VALIDATION_EXCEPTION,
		"%u validation error%s detected: %s", faults->count, faults->count == 1 ? "" : "s",
		buf_text(&faults->text));
}

int codec_validate(const struct codec *codec, const struct shape *shape, const json_t *input)
{
	struct faults faults = {.codec = codec};
	int result = 0;

	check_members(&faults, shape, input, 0);
	if (faults.count)
		result = refuse(&faults);
	buf_done(&faults.text);
	buf_done(&faults.path);
	return result;
}

/* ---- defaults ---- */

static json_t *default_of(const struct shape_member *member)
{
	return json_loads(member->default_json, JSON_DECODE_ANY, NULL);
}

/* As deep as the value, at most CODEC_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
static int add_deeper(
	const struct codec *codec, const struct shape_member *member, json_t *value, unsigned depth)
{
	const struct shape *shape = member->shape;
	const char *key;
	json_t *item;
	size_t i;
	int result = 0;

	if (depth >= CODEC_DEPTH_MAX && !codec_is_scalar(shape))
		return codec_mistake(codec);
	if (json_is_array(value) && shape->type == SHAPE_LIST) {
		json_array_foreach(value, i, item) if (result == 0) result =
			add_deeper(codec, shape->members, item, depth + 1);
	} else if (json_is_object(value) && shape->type == SHAPE_MAP) {
		json_object_foreach(value, key, item) if (result == 0) result =
			add_deeper(codec, &shape->members[1], item, depth + 1);
	} else if (json_is_object(value) &&
		   (shape->type == SHAPE_STRUCTURE || shape->type == SHAPE_UNION)) {
		result = codec_add_defaults(codec, shape, value, depth + 1);
	}
	return result;
}

int codec_add_defaults(
	const struct codec *codec, const struct shape *shape, json_t *value, unsigned depth)
{
	int result = 0;

	for (size_t i = 0; i < shape->member_count && result == 0; i++) {
		const struct shape_member *member = &shape->members[i];
		json_t *field = json_object_get(value, member->name);
		if (field && !json_is_null(field))
			result = add_deeper(codec, member, field, depth);
		else if (member->default_json && shape->type == SHAPE_STRUCTURE &&
			 (depth < CODEC_DEPTH_MAX || codec_is_scalar(member->shape)))
			json_object_set_new(value, member->name, default_of(member));
	}
	return result;
}
/* NOLINTEND(misc-no-recursion) */
