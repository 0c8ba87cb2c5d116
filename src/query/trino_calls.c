/* Calls: functions by their templates (trino.def), and those that need more than one. As deep as
 * QUERY_TRINO_DEPTH. NOLINTBEGIN(misc-no-recursion) */
#include "query/trino_priv.h"

#include <strings.h>

static const struct function {
	const char *name;
	size_t least, most;
	const char *sql;
} templates[] = {
#define X(name, least, most, sql) {name, least, most, sql},
#include "query/trino.def"

#undef X
};

/* ---- CAST ---- */

static int emit_wrapped(struct rewriting *rewriting, const char *before, struct range range,
	const char *after, struct buf *sql)
{
	buf_add_text(sql, before);
	if (trino_emit(rewriting, range, sql) < 0)
		return -1;
	buf_add_text(sql, after);
	return 0;
}

/* Texts as Trino writes them, which DuckDB writes otherwise. */
static int emit_text_cast(
	struct rewriting *rewriting, struct range value, struct range type, struct buf *sql)
{
	bool has_length = is_mark(rewriting, type.from + 1, '(') && type.to == type.from + 4;

	if (emit_wrapped(rewriting, has_length ? "left(trino_varchar(" : "trino_varchar(", value,
		    ")", sql) < 0)
		return -1;
	if (has_length)
		buf_printf(sql, ", %.*s)", STR_ARG(token_at(rewriting, type.from + 2)->text));
	return 0;
}

/* name at i, '(' behind it. */
static int emit_cast(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	static const char *const texts[] = {"VARCHAR", "CHAR", "STRING"};
	bool is_try = is_word(rewriting, i, "TRY_CAST");
	size_t end = rewriting->closing[i + 1];
	size_t as = 0;

	for (size_t at = i + 2; at < end; at++) {
		if (rewriting->closing[at])
			at = rewriting->closing[at];
		else if (is_word(rewriting, at, "AS"))
			as = at;
	}
	if (!as)
		return trino_fail_at(rewriting, i, "expected CAST(value AS type)");
	struct range value = {i + 2, as}, type = {as + 1, end};
	if (is_one_of(rewriting, as + 1, texts, ARRAY_SIZE(texts)))
		return emit_text_cast(rewriting, value, type, sql);
	if (is_word(rewriting, as + 1, "JSON"))
		return emit_wrapped(rewriting, "to_json(", value, ")", sql);
	if (emit_wrapped(rewriting, is_try ? "TRY_CAST(" : "CAST(", value, " AS ", sql) < 0 ||
		trino_emit_type(rewriting, type, sql) < 0)
		return -1;
	buf_add_char(sql, ')');
	return 0;
}

/* ---- calls ---- */

/* The place behind the arrow of "x -> ..." or "(x, y) -> ...", 0 when it is no lambda. */
static size_t lambda_body(const struct rewriting *rewriting, struct range range)
{
	size_t arrow = range.from + 1;

	if (is_mark(rewriting, range.from, '('))
		arrow = rewriting->closing[range.from] + 1;
	else if (!is_identifier(rewriting, range.from))
		return 0;
	return arrow + 1 < range.to && is_mark(rewriting, arrow, '-') &&
			       is_mark(rewriting, arrow + 1, '>') &&
			       rewriting->tokens[arrow + 1].at == rewriting->tokens[arrow].at + 1
		       ? arrow + 2
		       : 0;
}

static int emit_argument(struct rewriting *rewriting, struct range range, struct buf *sql)
{
	size_t body = lambda_body(rewriting, range);

	if (!body)
		return trino_emit(rewriting, range, sql);
	buf_add_text(sql, "lambda ");
	for (size_t i = range.from; i < body - 2; i++) {
		if (!is_mark(rewriting, i, '(') && !is_mark(rewriting, i, ')'))
			trino_emit_token(rewriting, i, sql);
	}
	buf_add_text(sql, ": ");
	return trino_emit(rewriting, (struct range){body, range.to}, sql);
}

static void fill(const char *template, const struct buf *arguments, size_t count, struct buf *sql)
{
	for (const char *p = template; *p; p++) {
		if (p[0] != '$' || !strchr("*|1234", p[1]) || !p[1]) {
			buf_add_char(sql, *p);
			continue;
		}
		p++;
		if (*p >= '1' && *p <= '4') {
			buf_add_str(sql, buf_str(&arguments[*p - '1']));
			continue;
		}
		for (size_t i = 0; i < count; i++) {
			buf_add_text(sql, !i ? "" : *p == '*' ? ", " : " || ");
			buf_add_str(sql, buf_str(&arguments[i]));
		}
	}
}

static const struct function *find_function(
	const struct rewriting *rewriting, size_t i, size_t count)
{
	struct str name = rewriting->tokens[i].token.text;

	if (rewriting->tokens[i].token.kind != SQL_WORD || (i && is_mark(rewriting, i - 1, '.')))
		return NULL;
	for (size_t f = 0; f < ARRAY_SIZE(templates); f++) {
		if (str_equal_ignoring_case(name, str_from(templates[f].name)) &&
			count >= templates[f].least && count <= templates[f].most)
			return &templates[f];
	}
	return NULL;
}

static bool is_date(const struct rewriting *rewriting, struct range range)
{
	size_t count = range.to - range.from;

	return (count == 1 && is_word(rewriting, range.from, "CURRENT_DATE")) ||
	       (count >= 2 && is_word(rewriting, range.from, "DATE")) ||
	       (count >= 6 && is_word(rewriting, range.from, "CAST") &&
		       rewriting->closing[range.from + 1] == range.to - 1 &&
		       is_word(rewriting, range.to - 2, "DATE") &&
		       is_word(rewriting, range.to - 3, "AS"));
}

/* date_add('day', -1, x): a date stays one. */
static int emit_date_add(struct rewriting *rewriting, const struct range *parts, struct buf *sql)
{
	struct str unit = token_at(rewriting, parts[0].from)->text;
	static const char *const units[] = {"millisecond", "second", "minute", "hour", "day",
		"week", "month", "quarter", "year"};

	if (token_at(rewriting, parts[0].from)->kind != SQL_STRING || unit.n < 3)
		return trino_fail_at(
			rewriting, parts[0].from, "the unit of date_add must be a literal");
	unit = (struct str){unit.p + 1, unit.n - 2};
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!str_equal_ignoring_case(unit, str_from(units[i])))
			continue;
		bool stays_date = i >= 4 && is_date(rewriting, parts[2]);
		buf_add_text(sql, stays_date ? "CAST((" : "((");
		if (trino_emit(rewriting, parts[2], sql) < 0)
			return -1;
		buf_printf(sql, ") + to_%ss(CAST(", units[i]);
		if (trino_emit(rewriting, parts[1], sql) < 0)
			return -1;
		buf_add_text(sql, stays_date ? " AS INTEGER)) AS DATE)" : " AS INTEGER)))");
		return 0;
	}
	return trino_fail_at(rewriting, parts[0].from, "this is not a unit that date_add knows");
}

/* Patterns of dates, as strftime's. */
struct piece {
	const char *theirs, *strftime;
};

static int emit_format(struct rewriting *rewriting, size_t i, const struct piece *pieces,
	size_t pieces_count, struct buf *sql)
{
	struct str text = token_at(rewriting, i)->text;
	size_t at = 1;

	if (!is_string(rewriting, i) || text.n < 2)
		return trino_fail_at(rewriting, i, "the format must be a literal");
	buf_add_char(sql, '\'');
	while (at + 1 < text.n) {
		size_t piece = 0;
		if (text.p[at] == '\'') { /* '' in SQL: a quote of the pattern */
			const char *end = memmem(text.p + at + 2, text.n - at - 2, "''", 2);
			size_t stop = end ? (size_t)(end - text.p) : text.n - 1;
			buf_add(sql, text.p + at + 2, stop - at - 2);
			at = end ? stop + 2 : stop;
			continue;
		}
		while (piece < pieces_count &&
			!str_starts_with((struct str){text.p + at, text.n - 1 - at},
				str_from(pieces[piece].theirs)))
			piece++;
		if (piece < pieces_count) {
			buf_add_text(sql, pieces[piece].strftime);
			at += strlen(pieces[piece].theirs);
		} else {
			buf_add_char(sql, text.p[at++]);
		}
	}
	buf_add_char(sql, '\'');
	return 0;
}

/* format_datetime, parse_datetime: Joda's patterns; to_char, to_timestamp, to_date: Teradata's. */
static int emit_formatted(struct rewriting *rewriting, size_t i, const struct range *parts,
	struct buf *sql, bool *ret_done)
{
	static const struct piece joda[] = {{"yyyy", "%Y"}, {"YYYY", "%Y"}, {"yy", "%y"},
		{"y", "%Y"}, {"MMMM", "%B"}, {"MMM", "%b"}, {"MM", "%m"}, {"M", "%-m"},
		{"dd", "%d"}, {"d", "%-d"}, {"HH", "%H"}, {"H", "%-H"}, {"hh", "%I"}, {"h", "%-I"},
		{"mm", "%M"}, {"m", "%-M"}, {"ss", "%S"}, {"s", "%-S"}, {"SSS", "%g"},
		{"EEEE", "%A"}, {"EEE", "%a"}, {"E", "%a"}, {"a", "%p"}, {"DDD", "%j"},
		{"ZZ", "%z"}, {"Z", "%z"}, {"ww", "%V"}, {"e", "%u"}};
	static const struct piece teradata[] = {{"yyyy", "%Y"}, {"yy", "%y"}, {"mm", "%m"},
		{"dd", "%d"}, {"hh24", "%H"}, {"hh", "%I"}, {"mi", "%M"}, {"ss", "%S"}};
	static const struct {
		const char *name, *before, *after;
		bool is_joda;
	} functions[] = {{"FORMAT_DATETIME", "strftime(", ")", true},
		{"PARSE_DATETIME", "(strptime(", ") AT TIME ZONE 'UTC')", true},
		{"TO_CHAR", "strftime(", ")", false}, {"TO_TIMESTAMP", "strptime(", ")", false},
		{"TO_DATE", "CAST(strptime(", ") AS DATE)", false}};

	for (size_t f = 0; f < ARRAY_SIZE(functions); f++) {
		if (!is_word(rewriting, i, functions[f].name))
			continue;
		bool is_joda = functions[f].is_joda;
		*ret_done = true;
		if (emit_wrapped(rewriting, functions[f].before, parts[0], ", ", sql) < 0 ||
			emit_format(rewriting, parts[1].from, is_joda ? joda : teradata,
				is_joda ? ARRAY_SIZE(joda) : ARRAY_SIZE(teradata), sql) < 0)
			return -1;
		buf_add_text(sql, functions[f].after);
	}
	return 0;
}

/* contains(prefix, address) is another function than contains(array, value). */
static bool is_address_test(const struct rewriting *rewriting, const struct range *parts)
{
	struct str text = token_at(rewriting, parts[0].from)->text;

	if (is_type_of_address(rewriting, parts[0].from) ||
		is_type_of_address(rewriting, parts[1].from) ||
		is_type_of_address(rewriting, parts[0].to - 2) ||
		is_type_of_address(rewriting, parts[1].to - 2))
		return true;
	return token_at(rewriting, parts[0].from)->kind == SQL_STRING &&
	       parts[0].to - parts[0].from == 1 && memchr(text.p, '/', text.n);
}

static int emit_contains(struct rewriting *rewriting, const struct range *parts, struct buf *sql)
{
	const char *name = is_address_test(rewriting, parts) ? "trino_contains(" : "contains(";

	return emit_wrapped(rewriting, name, parts[0], ", ", sql) < 0
		       ? -1
		       : emit_wrapped(rewriting, "", parts[1], ")", sql);
}

/* listagg(x, ',') WITHIN GROUP (ORDER BY y). The last part has not to be. */
static int emit_listagg(struct rewriting *rewriting, size_t i, const struct range *parts,
	size_t count, struct buf *sql, size_t *ret_next)
{
	size_t end = rewriting->closing[i + 1], group = end + 1;
	bool overflows = count == 2 && is_word(rewriting, parts[1].from + 1, "ON");
	struct range between = {parts[1].from, overflows ? parts[1].from + 1 : parts[1].to};

	if (emit_wrapped(rewriting, "string_agg(", parts[0], ", ", sql) < 0)
		return -1;
	if (count == 1)
		buf_add_text(sql, "''");
	else if (trino_emit(rewriting, between, sql) < 0)
		return -1;
	*ret_next = end + 1;
	if (is_word(rewriting, group, "WITHIN") && is_mark(rewriting, group + 2, '(')) {
		*ret_next = rewriting->closing[group + 2] + 1;
		struct range order = {group + 3, *ret_next - 1};
		if (emit_wrapped(rewriting, " ", order, "", sql) < 0)
			return -1;
	}
	buf_add_char(sql, ')');
	return 0;
}

/* json_value(text, 'lax $.a' RETURNING bigint), json_query, json_exists. */
static int emit_sql_json(
	struct rewriting *rewriting, size_t i, const struct range *parts, struct buf *sql)
{
	bool is_value = is_word(rewriting, i, "JSON_VALUE");
	struct str path = string_at(rewriting, parts[1].from);
	size_t type = parts[1].from + 2;

	if (!is_string(rewriting, parts[1].from))
		return trino_fail_at(rewriting, parts[1].from, "the path must be a literal");
	if (str_starts_with(path, STR("lax ")))
		path = (struct str){path.p + 4, path.n - 4};
	else if (str_starts_with(path, STR("strict ")))
		path = (struct str){path.p + 7, path.n - 7};
	bool returns = is_value && is_word(rewriting, type - 1, "RETURNING");
	buf_add_text(sql, returns ? "CAST(" : "");
	if (emit_wrapped(rewriting,
		    is_value                               ? "trino_json_scalar("
		    : is_word(rewriting, i, "JSON_EXISTS") ? "json_exists("
							   : "trino_json_text(",
		    parts[0], ", '", sql) < 0)
		return -1;
	buf_printf(sql, "%.*s')", STR_ARG(path));
	if (!returns)
		return 0;
	buf_add_text(sql, " AS ");
	if (trino_emit_type(rewriting, (struct range){type, type + 1}, sql) < 0)
		return -1;
	buf_add_char(sql, ')');
	return 0;
}

/* A lambda over the entries of a map, or over pairs: its names are two parts of one value. */
static int emit_pairs(struct rewriting *rewriting, struct range list, struct range lambda,
	const char *before, const char *const parts[2], struct buf *sql)
{
	size_t body = lambda_body(rewriting, lambda);
	struct rename *renames = rewriting->renames + rewriting->renames_count;

	if (!body || body != lambda.from + 7 || rewriting->renames_count + 2 > RENAMES_MAX)
		return trino_fail_at(rewriting, lambda.from, "expected (a, b) -> ...");
	buf_add_text(sql, before);
	renames[0] = (struct rename){token_at(rewriting, lambda.from + 1)->text, parts[0]};
	renames[1] = (struct rename){token_at(rewriting, lambda.from + 3)->text, parts[1]};
	if (list.to > list.from && trino_emit(rewriting, list, sql) < 0)
		return -1;
	buf_add_text(sql, list.to > list.from ? "), lambda e_: " : "lambda e_: ");
	rewriting->renames_count += 2;
	int r = trino_emit(rewriting, (struct range){body, lambda.to}, sql);
	rewriting->renames_count -= 2;
	return r;
}

static int emit_map_lambda(struct rewriting *rewriting, size_t i, const struct range *parts,
	struct buf *sql, bool *ret_done)
{
	static const char *const entry[] = {"e_.key", "e_.value"};
	static const struct {
		const char *name, *before, *after;
	} functions[] = {
		{"MAP_FILTER", "map_from_entries(list_filter(map_entries(", "))"},
		{"TRANSFORM_KEYS", "map_from_entries(list_transform(list_transform(map_entries(",
			NULL},
		{"TRANSFORM_VALUES", "map_from_entries(list_transform(map_entries(", NULL},
	};

	for (size_t f = 0; f < ARRAY_SIZE(functions); f++) {
		if (!is_word(rewriting, i, functions[f].name))
			continue;
		_cleanup_buf_ struct buf body = {0};
		struct range none = {0, 0};
		*ret_done = true;
		if (functions[f].after) {
			if (emit_pairs(rewriting, parts[0], parts[1], functions[f].before, entry,
				    sql) < 0)
				return -1;
			buf_add_text(sql, functions[f].after);
			return 0;
		}
		if (emit_pairs(rewriting, none, parts[1], "", entry, &body) < 0 ||
			emit_wrapped(rewriting, "map_from_entries(list_transform(map_entries(",
				parts[0], "), ", sql) < 0)
			return -1;
		/* "lambda e_: body" */
		struct str what = {body.p + strlen("lambda e_: "), body.n - strlen("lambda e_: ")};
		bool keys = is_word(rewriting, i, "TRANSFORM_KEYS");
		buf_printf(sql, "lambda e_: {'key': %s%.*s%s}))",
			keys ? "" : "e_.key, 'value': ", STR_ARG(what),
			keys ? ", 'value': e_.value" : "");
	}
	return 0;
}

static int emit_zip_with(struct rewriting *rewriting, const struct range *parts, struct buf *sql)
{
	static const char *const pair[] = {"e_[1]", "e_[2]"};
	_cleanup_buf_ struct buf lambda = {0};
	struct range none = {0, 0};

	if (emit_pairs(rewriting, none, parts[2], "", pair, &lambda) < 0 ||
		emit_wrapped(rewriting, "list_transform(list_zip(", parts[0], ", ", sql) < 0 ||
		emit_wrapped(rewriting, "", parts[1], "), ", sql) < 0)
		return -1;
	buf_printf(sql, "%s)", buf_text(&lambda));
	return 0;
}

/* extract(DOW FROM x), whose days start elsewhere in DuckDB. */
static int emit_extract(struct rewriting *rewriting, size_t i, struct buf *sql, bool *ret_done)
{
	static const struct {
		const char *field, *call;
	} fields[] = {{"DOW", "isodow("}, {"DAY_OF_WEEK", "isodow("}, {"DOY", "dayofyear("},
		{"DAY_OF_YEAR", "dayofyear("}, {"DAY_OF_MONTH", "day("}, {"YOW", "isoyear("},
		{"YEAR_OF_WEEK", "isoyear("}};

	for (size_t f = 0; f < ARRAY_SIZE(fields); f++) {
		if (!is_word(rewriting, i + 2, fields[f].field) ||
			!is_word(rewriting, i + 3, "FROM"))
			continue;
		*ret_done = true;
		return emit_wrapped(rewriting, fields[f].call,
			(struct range){i + 4, rewriting->closing[i + 1]}, ")", sql);
	}
	return 0;
}

/* In a zone: DuckDB's timestamp of that place; what is of UTC stays. */
static int emit_at_zone(
	struct rewriting *rewriting, size_t i, const struct range *parts, struct buf *sql)
{
	const char *before = is_word(rewriting, i, "FROM_UNIXTIME") ? "(to_timestamp(" : "((";

	if (str_equal_ignoring_case(string_at(rewriting, parts[1].from), STR("UTC")))
		return emit_wrapped(rewriting, before, parts[0], "))", sql);
	return emit_wrapped(rewriting, before, parts[0], ") AT TIME ZONE ", sql) < 0
		       ? -1
		       : emit_wrapped(rewriting, "", parts[1], ")", sql);
}

/* FROM UNNEST(a, b) AS t(x, y), of a map with two names: a lateral SELECT that spreads them. */
static int emit_unnest(struct rewriting *rewriting, size_t i, const struct range *parts,
	size_t count, struct buf *sql, bool *ret_done)
{
	size_t end = rewriting->closing[i + 1];
	bool has_ordinality =
		is_word(rewriting, end + 1, "WITH") && is_word(rewriting, end + 2, "ORDINALITY");
	size_t alias = end + (has_ordinality ? 3 : 1);
	struct range names[ARGUMENTS_MAX];
	size_t named = 0;

	if (is_word(rewriting, alias, "AS"))
		alias++;
	if (is_identifier(rewriting, alias) && is_mark(rewriting, alias + 1, '('))
		named = trino_split(
			rewriting, (struct range){alias + 2, rewriting->closing[alias + 1]}, names);
	bool is_map = count == 1 && named == 2 && !has_ordinality;
	*ret_done = is_map || (count > 1 && count != SIZE_MAX && !has_ordinality);
	if (!*ret_done)
		return 0;
	buf_add_text(sql, "(SELECT ");
	for (size_t part = 0; part < count; part++) {
		_cleanup_buf_ struct buf value = {0};
		if (trino_emit(rewriting, parts[part], &value) < 0)
			return -1;
		if (is_map)
			buf_printf(sql, "unnest(map_keys(%s)), unnest(map_values(%s))",
				buf_text(&value), buf_text(&value));
		else
			buf_printf(sql, "%sunnest(%s)", part ? ", " : "", buf_text(&value));
	}
	buf_add_char(sql, ')');
	return 0;
}

/* An array by its looks: DuckDB has other functions for arrays than for texts. */
static bool is_array(const struct rewriting *rewriting, struct range range)
{
	static const char *const calls[] = {"ARRAY", "SPLIT", "SEQUENCE", "FILTER", "TRANSFORM",
		"SLICE", "MAP_KEYS", "MAP_VALUES", "REGEXP_EXTRACT_ALL", "REGEXP_SPLIT", "FLATTEN",
		"REPEAT", "ZIP", "ZIP_WITH", "SHUFFLE"};
	struct str name = token_at(rewriting, range.from)->text;

	return range.to > range.from + 1 && rewriting->closing[range.from + 1] == range.to - 1 &&
	       (is_one_of(rewriting, range.from, calls, ARRAY_SIZE(calls)) ||
		       (name.n > 6 && strncasecmp(name.p, "array_", 6) == 0));
}

/* array_sort with a comparison: each element's place is how many come before it. */
static int emit_array_sort(struct rewriting *rewriting, const struct range *parts, struct buf *sql)
{
	static const char *const pair[] = {"l_[i_]", "l_[j_]"};
	_cleanup_buf_ struct buf lambda = {0};
	struct range none = {0, 0};

	if (emit_pairs(rewriting, none, parts[1], "", pair, &lambda) < 0 ||
		emit_wrapped(rewriting, "list_transform([", parts[0], "], lambda l_: ", sql) < 0)
		return -1;
	const char *compare = buf_text(&lambda) + strlen("lambda e_: ");
	buf_printf(sql,
		"list_transform(list_sort(list_transform(range(1, len(l_) + 1), lambda i_: {'r': "
		"len(list_filter(range(1, len(l_) + 1), lambda j_: (%s) > 0 OR ((%s) = 0 AND j_ < "
		"i_))), 'i': i_})), lambda e_: l_[e_.i]))[1]",
		compare, compare);
	return 0;
}

/* What may stand between the '%' and the letter of a conversion. */
static bool is_flag(char c)
{
	return c && strchr("-,+0(# 123456789.$", c);
}

/* One conversion of Java's formats ("%-7s", "%,.2f", "%2$s") as one of DuckDB's format(); p is
 * behind the '%'. Returns what is behind it. */
static const char *emit_conversion(
	const char *p, const char *end, size_t *argument, struct buf *sql)
{
	const char *flags = p;
	size_t number = 0;

	while (p < end && *p >= '0' && *p <= '9')
		number = number * 10 + (size_t)(*p++ - '0');
	if (p < end && *p == '$')
		flags = ++p;
	else
		number = ++*argument;
	while (p < end && is_flag(*p))
		p++;
	bool left = memchr(flags, '-', (size_t)(p - flags));
	buf_printf(sql, "{%zu:%s", number - 1, left ? "<" : p < end && *p == 's' ? ">" : "");
	const char *precision = memchr(flags, '.', (size_t)(p - flags));
	for (const char *one = flags; one < (precision ? precision : p); one++) {
		if (*one >= '0' && *one <= '9')
			buf_add_char(sql, *one);
	}
	if (memchr(flags, ',', (size_t)(p - flags)))
		buf_add_char(sql, ',');
	if (precision)
		buf_add(sql, precision, (size_t)(p - precision));
	if (p < end && *p && strchr("dfexX", *p))
		buf_add_char(sql, *p);
	buf_add_char(sql, '}');
	return p < end ? p + 1 : p;
}

/* The last character of the conversion that the argument is for; 's' where there is none. */
static char conversion_of(struct str format, size_t argument)
{
	size_t found = 0;

	for (size_t i = 0; i + 1 < format.n; i++) {
		if (format.p[i] != '%')
			continue;
		for (i++; i < format.n && is_flag(format.p[i]);)
			i++;
		if (i < format.n && format.p[i] != '%' && ++found == argument)
			return format.p[i];
	}
	return 's';
}

static int emit_format_call(
	struct rewriting *rewriting, const struct range *parts, size_t count, struct buf *sql)
{
	struct str format = string_at(rewriting, parts[0].from);
	const char *end = format.p + format.n;
	size_t argument = 0;

	if (!is_string(rewriting, parts[0].from))
		return trino_fail_at(rewriting, parts[0].from, "the format must be a literal");
	buf_add_text(sql, "format('");
	for (const char *p = format.p; p < end;) {
		if (*p == '%' && p + 1 < end && p[1] != '%') {
			p = emit_conversion(p + 1, end, &argument, sql);
			continue;
		}
		if (*p == '{' || *p == '}')
			buf_add_char(sql, *p);
		p += *p == '%' && p + 1 < end;
		buf_add_char(sql, *p++);
	}
	buf_add_char(sql, '\'');
	for (size_t i = 1; i < count; i++) {
		char kind = conversion_of(format, i);
		bool is_real = kind == 'f' || kind == 'e';
		const char *before = is_real ? ", CAST(" : kind == 's' ? ", trino_varchar(" : ", (";
		if (emit_wrapped(rewriting, before, parts[i], is_real ? " AS DOUBLE)" : ")", sql) <
			0)
			return -1;
	}
	buf_add_char(sql, ')');
	return 0;
}

/* sequence of dates, date_trunc of one: dates again. */
static int emit_dates(struct rewriting *rewriting, size_t i, const struct range *parts,
	size_t count, struct buf *sql, bool *ret_done)
{
	bool is_sequence = is_word(rewriting, i, "SEQUENCE") && count > 1;
	bool truncates = is_word(rewriting, i, "DATE_TRUNC") && count == 2;

	if ((!is_sequence || !is_date(rewriting, parts[0])) &&
		(!truncates || !is_date(rewriting, parts[1])))
		return 0;
	*ret_done = true;
	buf_add_text(sql, truncates ? "CAST(date_trunc(" : "CAST(generate_series(");
	for (size_t part = 0; part < count; part++) {
		if (emit_wrapped(rewriting, part ? ", " : "", parts[part], "", sql) < 0)
			return -1;
	}
	if (is_sequence && count == 2)
		buf_add_text(sql, ", INTERVAL 1 DAY");
	buf_add_text(sql, truncates ? ") AS DATE)" : ") AS DATE[])");
	return 0;
}

/* Calls that no template makes. */
static int emit_odd(struct rewriting *rewriting, size_t i, const struct range *parts, size_t count,
	struct buf *sql, bool *ret_done, size_t *ret_next)
{
	static const char *const zoned[] = {"FROM_UNIXTIME", "AT_TIMEZONE"};
	static const char *const sql_json[] = {"JSON_VALUE", "JSON_QUERY", "JSON_EXISTS"};

	*ret_done = true;
	if (is_word(rewriting, i, "CAST") || is_word(rewriting, i, "TRY_CAST"))
		return emit_cast(rewriting, i, sql);
	if (is_word(rewriting, i, "LISTAGG") && (count == 1 || count == 2))
		return emit_listagg(rewriting, i, parts, count, sql, ret_next);
	if (count == 3 && is_word(rewriting, i, "DATE_ADD"))
		return emit_date_add(rewriting, parts, sql);
	if (count > 1 && is_word(rewriting, i, "FORMAT"))
		return emit_format_call(rewriting, parts, count, sql);
	if (count == 2 && is_word(rewriting, i, "ARRAY_SORT"))
		return emit_array_sort(rewriting, parts, sql);
	if (count == 1 && is_word(rewriting, i, "REVERSE") && is_array(rewriting, parts[0]))
		return emit_wrapped(rewriting, "list_reverse(", parts[0], ")", sql);
	if (count == 2 && is_word(rewriting, i, "CONCAT_WS") && is_array(rewriting, parts[1])) {
		if (emit_wrapped(rewriting, "array_to_string(", parts[1], ", ", sql) < 0)
			return -1;
		return emit_wrapped(rewriting, "", parts[0], ")", sql);
	}
	if (count == 3 && is_word(rewriting, i, "ZIP_WITH"))
		return emit_zip_with(rewriting, parts, sql);
	if (count == 2 && is_word(rewriting, i, "CONTAINS"))
		return emit_contains(rewriting, parts, sql);
	if (count == 2 && is_one_of(rewriting, i, zoned, ARRAY_SIZE(zoned)))
		return emit_at_zone(rewriting, i, parts, sql);
	if (count == 2 && is_one_of(rewriting, i, sql_json, ARRAY_SIZE(sql_json)))
		return emit_sql_json(rewriting, i, parts, sql);
	*ret_done = false;
	if (is_word(rewriting, i, "EXTRACT"))
		return emit_extract(rewriting, i, sql, ret_done);
	if (emit_dates(rewriting, i, parts, count, sql, ret_done) < 0 || *ret_done)
		return *ret_done ? 0 : -1;
	if (is_word(rewriting, i, "UNNEST"))
		return emit_unnest(rewriting, i, parts, count, sql, ret_done);
	if (count != 2)
		return 0;
	int r = emit_formatted(rewriting, i, parts, sql, ret_done);
	return r < 0 || *ret_done ? r : emit_map_lambda(rewriting, i, parts, sql, ret_done);
}

/* lag(x) IGNORE NULLS OVER (...): in DuckDB within the brackets. */
static size_t add_nulls(struct rewriting *rewriting, size_t end, struct buf *sql)
{
	bool ignore = is_word(rewriting, end + 1, "IGNORE");

	if ((!ignore && !is_word(rewriting, end + 1, "RESPECT")) ||
		!is_word(rewriting, end + 2, "NULLS"))
		return end + 1;
	buf_add_text(sql, ignore ? " IGNORE NULLS" : " RESPECT NULLS");
	return end + 3;
}

static int fill_template(struct rewriting *rewriting, const struct function *function,
	const struct range *parts, size_t count, struct buf *sql)
{
	struct buf *arguments = mem_new(count + 4, sizeof(arguments[0]));
	int result = 0;

	for (size_t part = 0; part < count && result == 0; part++)
		result = emit_argument(rewriting, parts[part], &arguments[part]);
	if (result == 0)
		fill(function->sql, arguments, count, sql);
	for (size_t part = 0; part < count; part++)
		buf_done(&arguments[part]);
	free(arguments);
	return result;
}

int trino_emit_call(struct rewriting *rewriting, size_t i, struct buf *sql, size_t *ret_next)
{
	size_t end = rewriting->closing[i + 1];
	struct range parts[ARGUMENTS_MAX];
	size_t count = trino_split(rewriting, (struct range){i + 2, end}, parts);
	bool done = false, is_field = i && is_mark(rewriting, i - 1, '.');

	*ret_next = end + 1;
	if (!is_field && count != SIZE_MAX && rewriting->tokens[i].token.kind == SQL_WORD &&
		emit_odd(rewriting, i, parts, count, sql, &done, ret_next) < 0)
		return -1;
	if (done)
		return 0;
	const struct function *function =
		count == SIZE_MAX ? NULL : find_function(rewriting, i, count);
	if (function)
		return fill_template(rewriting, function, parts, count, sql);
	trino_emit_token(rewriting, i, sql);
	buf_add_text(sql, trino_between(rewriting, i + 1).n ? " (" : "(");
	if (trino_emit(rewriting, (struct range){i + 2, end}, sql) < 0)
		return -1;
	*ret_next = add_nulls(rewriting, end, sql);
	buf_add_char(sql, ')');
	return 0;
}
/* NOLINTEND(misc-no-recursion) */
