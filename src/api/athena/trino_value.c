#include "api/athena/trino_priv.h"

#include "aws/digest.h"
#include "base/number.h"

#include <inttypes.h>
#include <math.h>

/* Types nest as deep as Trino's parser lets them. NOLINTBEGIN(misc-no-recursion) */

static const struct {
	const char *trino, *athena;
	int precision;
} kinds[] = {
	{"boolean", "boolean", 0},
	{"tinyint", "tinyint", 3},
	{"smallint", "smallint", 5},
	{"integer", "integer", 10},
	{"bigint", "bigint", 19},
	{"real", "float", 17},
	{"double", "double", 17},
	{"decimal", "decimal", 38},
	{"varchar", "varchar", 2147483647},
	{"char", "char", 2147483647},
	{"varbinary", "varbinary", 1073741824},
	{"date", "date", 0},
	{"time", "time", 3},
	{"timestamp", "timestamp", 3},
	{"json", "json", 0},
	{"array", "array", 0},
	{"map", "map", 0},
	{"row", "row", 0},
	{"unknown", "unknown", 0},
};

/* What stands before the bracket: "timestamp(3) with time zone" is "timestamp". */
static struct str base_of(struct str type)
{
	const char *bracket = memchr(type.p, '(', type.n);
	const char *space = memchr(type.p, ' ', type.n);
	size_t n = bracket ? (size_t)(bracket - type.p) : type.n;

	return (struct str){
		type.p, space && (size_t)(space - type.p) < n ? (size_t)(space - type.p) : n};
}

/* The text in the outermost brackets; empty: there are none. */
static struct str inside_of(struct str type)
{
	const char *open = memchr(type.p, '(', type.n);
	const char *close = memrchr(type.p, ')', type.n);

	return open && close && close > open ? (struct str){open + 1, (size_t)(close - open - 1)}
					     : STR("");
}

/* The next of what commas part, outside of brackets and quotes. */
static bool next_part(struct str *rest, struct str *ret_part)
{
	bool is_quoted = false;
	int depth = 0;
	size_t i = 0;

	if (!rest->n)
		return false;
	for (; i < rest->n; i++) {
		char c = rest->p[i];
		is_quoted ^= c == '"';
		depth += !is_quoted && c == '(';
		depth -= !is_quoted && c == ')';
		if (c == ',' && depth == 0 && !is_quoted)
			break;
	}
	*ret_part = str_trim((struct str){rest->p, i});
	*rest = i < rest->n ? (struct str){rest->p + i + 1, rest->n - i - 1} : STR("");
	return true;
}

json_t *athena_trino_column(const json_t *column)
{
	struct str type = athena_text(column, "type"), sizes = inside_of(type), part;
	const char *name = json_string_value(json_object_get(column, "name"));
	struct str base = base_of(type);
	const char *athena = "varchar";
	uint64_t size = 0, scale = 0;
	int precision = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (str_equal(base, str_from(kinds[i].trino))) {
			athena = kinds[i].athena;
			precision = kinds[i].precision;
		}
	}
	if (str_equal_ignoring_case(base, STR("interval")))
		athena = str_equal_ignoring_case(type, STR("interval year to month"))
				 ? "interval year to month"
				 : "interval day to second";
	else if (str_ends_with(type, STR("with time zone")))
		athena = str_equal(base, STR("time")) ? "time with time zone"
						      : "timestamp with time zone";
	bool sized = str_equal(base, STR("varchar")) || str_equal(base, STR("char")) ||
		     str_equal(base, STR("decimal"));
	if (sized && next_part(&sizes, &part) && number_parse(part, INT32_MAX, &size))
		precision = (int)size;
	if (sized && next_part(&sizes, &part))
		number_parse(part, 38, &scale);
	return athena_column(name ? name : "", athena, precision, (int)scale,
		str_equal(base, STR("varchar")) || str_equal(base, STR("char")));
}

static void add_value(struct buf *text, const json_t *value, struct str type);

/* "name type", with the name in quotes where it wants them, or a type alone: field0, ... */
static void add_member(struct buf *text, const json_t *value, struct str part, size_t i)
{
	bool is_quoted = part.n && part.p[0] == '"';
	const char *end =
		is_quoted ? memchr(part.p + 1, '"', part.n - 1) : memchr(part.p, ' ', part.n);
	const char *bracket = memchr(part.p, '(', part.n);

	if (!end || (!is_quoted && bracket && bracket < end)) {
		buf_printf(text, "field%zu=", i);
		add_value(text, value, part);
		return;
	}
	const char *name = part.p + is_quoted;
	buf_printf(text, "%.*s=", (int)(end - name), name);
	const char *type = end + 1;
	add_value(text, value, str_trim((struct str){type, (size_t)(part.p + part.n - type)}));
}

static void add_row(struct buf *text, const json_t *value, struct str type)
{
	struct str rest = inside_of(type), part;

	buf_add_char(text, '{');
	for (size_t i = 0; next_part(&rest, &part); i++) {
		buf_add_text(text, i ? ", " : "");
		add_member(text, json_array_get(value, i), part, i);
	}
	buf_add_char(text, '}');
}

static void add_map(struct buf *text, const json_t *value, struct str type)
{
	struct str rest = inside_of(type), key_type, value_type = STR("varchar");
	const char *separator = "", *key;
	json_t *item;

	next_part(&rest, &key_type);
	next_part(&rest, &value_type);
	buf_add_char(text, '{');
	json_object_foreach((json_t *)value, key, item)
	{
		buf_printf(text, "%s%s=", separator, key);
		add_value(text, item, value_type);
		separator = ", ";
	}
	buf_add_char(text, '}');
}

/* Bytes come in base64 and are shown in hexadecimal. */
static void add_bytes(struct buf *text, struct str base64)
{
	_cleanup_buf_ struct buf bytes = {0};

	aws_base64_decode(base64, &bytes);
	for (size_t i = 0; i < bytes.n; i++)
		buf_printf(text, "%s%02x", i ? " " : "", (unsigned char)bytes.p[i]);
}

static void add_value(struct buf *text, const json_t *value, struct str type)
{
	struct str base = base_of(type);

	if (!value || json_is_null(value)) {
		buf_add_text(text, "null");
	} else if (json_is_array(value) && str_equal(base, STR("row"))) {
		add_row(text, value, type);
	} else if (json_is_array(value)) {
		buf_add_char(text, '[');
		for (size_t i = 0; i < json_array_size(value); i++) {
			buf_add_text(text, i ? ", " : "");
			add_value(text, json_array_get(value, i), inside_of(type));
		}
		buf_add_char(text, ']');
	} else if (json_is_object(value)) {
		add_map(text, value, type);
	} else if (json_is_boolean(value)) {
		buf_add_text(text, json_is_true(value) ? "true" : "false");
	} else if (json_is_number(value) &&
		   (str_equal(base, STR("double")) || str_equal(base, STR("real")))) {
		athena_add_real(text, json_number_value(value), str_equal(base, STR("real")));
	} else if (json_is_integer(value)) {
		buf_printf(text, "%" PRId64, (int64_t)json_integer_value(value));
	} else if (str_equal(base, STR("varbinary"))) {
		add_bytes(text, (struct str){json_string_value(value), json_string_length(value)});
	} else if (json_is_string(value)) {
		buf_add(text, json_string_value(value), json_string_length(value));
	}
}

void athena_trino_add_field(struct buf *csv, const json_t *value, struct str type)
{
	_cleanup_buf_ struct buf text = {0};

	if (!value || json_is_null(value))
		return;
	add_value(&text, value, type);
	athena_add_csv(csv, buf_str(&text));
}
/* NOLINTEND(misc-no-recursion) */
