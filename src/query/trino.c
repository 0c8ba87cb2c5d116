/* The text is cut into tokens and copied, recursively by brackets. Nothing is parsed that need not
 * be: a call is a word in front of a bracket, its arguments are what stands between commas. */
#include "query/functions.h"
#include "query/trino_priv.h"

#include <stdio.h>

#define SQL_MAX (16 * QUERY_TRINO_MAX) /* some functions say an argument twice */

static const struct function {
	const char *name;
	size_t least, most;
	const char *sql;
} functions[] = {
#define X(name, least, most, sql) {name, least, most, sql},
#include "query/trino.def"

/* As deep as QUERY_TRINO_DEPTH. NOLINTBEGIN(misc-no-recursion) */
#undef X
};

/* ---- places ---- */

static void find_place(struct str text, size_t at, unsigned *ret_line, unsigned *ret_column)
{
	size_t start = 0;

	*ret_line = 1;
	for (size_t i = 0; i < at && i < text.n; i++) {
		if (text.p[i] == '\n') {
			++*ret_line;
			start = i + 1;
		}
	}
	*ret_column = (unsigned)(at - start + 1);
}

int trino_fail_at(struct rewriting *rewriting, size_t token, const char *what)
{
	size_t at = token < rewriting->count ? rewriting->tokens[token].at : rewriting->text.n;
	unsigned line;
	unsigned column;

	find_place(rewriting->text, at, &line, &column);
	return err_set(rewriting->err, ERR_USAGE, "line %u:%u: %s", line, column, what);
}

void query_trino_place(const struct query_trino *trino, struct str text, size_t sql_at,
	unsigned *ret_line, unsigned *ret_column)
{
	size_t at = 0;

	for (size_t i = 0; i < trino->places_count && trino->places[i].sql_at <= sql_at; i++)
		at = trino->places[i].text_at;
	find_place(text, at, ret_line, ret_column);
}

/* ---- tokens ---- */

static int read_tokens(struct rewriting *rewriting)
{
	struct str rest = rewriting->text;
	struct sql_token token;
	size_t stack[QUERY_TRINO_DEPTH];
	size_t depth = 0;

	while (sql_token_next_significant(&rest, &token)) {
		rewriting->tokens = mem_grow(
			rewriting->tokens, rewriting->count + 1, sizeof(rewriting->tokens[0]));
		rewriting->tokens[rewriting->count++] =
			(struct token){token, (size_t)(token.text.p - rewriting->text.p)};
		if (token.open)
			return trino_fail_at(
				rewriting, rewriting->count - 1, "a quote is not closed");
	}
	for (size_t i = 0; i < rewriting->count; i++) {
		if (opens(rewriting, i)) {
			if (depth == QUERY_TRINO_DEPTH)
				return trino_fail_at(rewriting, i, "brackets are 200 deep at most");
			stack[depth++] = i;
		} else if (is_mark(rewriting, i, ')') || is_mark(rewriting, i, ']')) {
			char opening = is_mark(rewriting, i, ')') ? '(' : '[';
			if (!depth || !is_mark(rewriting, stack[depth - 1], opening))
				return trino_fail_at(rewriting, i,
					opening == '(' ? "mismatched input ')'"
						       : "mismatched input ']'");
			rewriting->closing[stack[--depth]] = i;
		}
	}
	return depth ? trino_fail_at(rewriting, stack[depth - 1], "a bracket is not closed") : 0;
}

/* Splits at commas outside of brackets. */
size_t trino_split(const struct rewriting *rewriting, struct range range, struct range *parts)
{
	size_t count = 0;
	size_t from = range.from;

	if (range.from >= range.to)
		return 0;
	for (size_t i = range.from; i < range.to; i++) {
		if (rewriting->closing[i]) {
			i = rewriting->closing[i];
		} else if (is_mark(rewriting, i, ',')) {
			if (count == ARGUMENTS_MAX - 1)
				return SIZE_MAX;
			parts[count++] = (struct range){from, i};
			from = i + 1;
		}
	}
	parts[count++] = (struct range){from, range.to};
	return count;
}

/* ---- copying ---- */

static int emit(struct rewriting *rewriting, struct range range, struct buf *sql);

static struct str between(const struct rewriting *rewriting, size_t i)
{
	size_t start = i ? rewriting->tokens[i - 1].at + rewriting->tokens[i - 1].token.text.n : 0;

	return (struct str){rewriting->text.p + start, rewriting->tokens[i].at - start};
}

/* What stands before a token (spaces, comments), and where it comes from. */
static void emit_space(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	struct query_trino *result = rewriting->result;
	struct str space = between(rewriting, i);

	if (memchr(space.p, '-', space.n) || memchr(space.p, '/', space.n))
		buf_add_char(sql, ' ');
	else
		buf_add_str(sql, space);
	if (sql != &result->sql)
		return;
	result->places =
		mem_grow(result->places, result->places_count + 1, sizeof(result->places[0]));
	result->places[result->places_count++] =
		(struct query_trino_place){(uint32_t)sql->n, (uint32_t)rewriting->tokens[i].at};
}

static void emit_token(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	buf_add_str(sql, rewriting->tokens[i].token.text);
}

/* ---- CAST ---- */

static bool is_type_of_address(const struct rewriting *rewriting, size_t i)
{
	return is_word(rewriting, i, "IPADDRESS") || is_word(rewriting, i, "IPPREFIX");
}

/* name at i, '(' behind it. */
static int emit_cast(struct rewriting *rewriting, size_t i, struct buf *sql)
{
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
	if (is_type_of_address(rewriting, as + 1)) {
		buf_add_text(sql, is_try ? "try(" : "(");
		buf_add_text(sql, is_word(rewriting, as + 1, "IPADDRESS") ? "ip_address(CAST("
									  : "ip_network(CAST(");
		if (emit(rewriting, (struct range){i + 2, as}, sql) < 0)
			return -1;
		buf_add_text(sql, " AS VARCHAR)))");
		return 0;
	}
	buf_add_text(sql, is_try ? "TRY_CAST(" : "CAST(");
	if (emit(rewriting, (struct range){i + 2, as}, sql) < 0)
		return -1;
	buf_add_text(sql, " AS ");
	if (trino_emit_type(rewriting, (struct range){as + 1, end}, sql) < 0)
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
		return emit(rewriting, range, sql);
	buf_add_text(sql, "lambda ");
	for (size_t i = range.from; i < body - 2; i++) {
		if (!is_mark(rewriting, i, '(') && !is_mark(rewriting, i, ')'))
			emit_token(rewriting, i, sql);
	}
	buf_add_text(sql, ": ");
	return emit(rewriting, (struct range){body, range.to}, sql);
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
	for (size_t f = 0; f < ARRAY_SIZE(functions); f++) {
		if (str_equal_ignoring_case(name, str_from(functions[f].name)) &&
			count >= functions[f].least && count <= functions[f].most)
			return &functions[f];
	}
	return NULL;
}

static bool is_date(const struct rewriting *rewriting, struct range range)
{
	size_t count = range.to - range.from;

	return (count == 1 && is_word(rewriting, range.from, "CURRENT_DATE")) ||
	       (count >= 2 && is_word(rewriting, range.from, "DATE"));
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
		if (emit(rewriting, parts[2], sql) < 0)
			return -1;
		buf_printf(sql, ") + to_%ss(CAST(", units[i]);
		if (emit(rewriting, parts[1], sql) < 0)
			return -1;
		buf_add_text(sql, stays_date ? " AS INTEGER)) AS DATE)" : " AS INTEGER)))");
		return 0;
	}
	return trino_fail_at(rewriting, parts[0].from, "this is not a unit that date_add knows");
}

/* Joda's pattern, which format_datetime and parse_datetime take, as strftime's. */
static int joda_format(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	static const struct {
		const char *joda, *strftime;
	} pieces[] = {{"yyyy", "%Y"}, {"YYYY", "%Y"}, {"yy", "%y"}, {"y", "%Y"}, {"MMMM", "%B"},
		{"MMM", "%b"}, {"MM", "%m"}, {"M", "%-m"}, {"dd", "%d"}, {"d", "%-d"}, {"HH", "%H"},
		{"H", "%-H"}, {"hh", "%I"}, {"h", "%-I"}, {"mm", "%M"}, {"m", "%-M"}, {"ss", "%S"},
		{"s", "%-S"}, {"SSS", "%g"}, {"EEEE", "%A"}, {"EEE", "%a"}, {"E", "%a"},
		{"a", "%p"}, {"DDD", "%j"}, {"ZZ", "%z"}, {"Z", "%z"}, {"ww", "%V"}, {"e", "%u"}};
	struct str text = token_at(rewriting, i)->text;
	size_t at = 1;

	if (token_at(rewriting, i)->kind != SQL_STRING || text.n < 2)
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
		while (piece < ARRAY_SIZE(pieces) &&
			!str_starts_with((struct str){text.p + at, text.n - 1 - at},
				str_from(pieces[piece].joda)))
			piece++;
		if (piece < ARRAY_SIZE(pieces)) {
			buf_add_text(sql, pieces[piece].strftime);
			at += strlen(pieces[piece].joda);
		} else {
			buf_add_char(sql, text.p[at++]);
		}
	}
	buf_add_char(sql, '\'');
	return 0;
}

static int emit_joda(
	struct rewriting *rewriting, size_t i, const struct range *parts, struct buf *sql)
{
	bool parses = is_word(rewriting, i, "PARSE_DATETIME");

	buf_add_text(sql, parses ? "(strptime(" : "strftime(");
	if (emit(rewriting, parts[0], sql) < 0)
		return -1;
	buf_add_text(sql, ", ");
	if (joda_format(rewriting, parts[1].from, sql) < 0)
		return -1;
	buf_add_text(sql, parses ? ") AT TIME ZONE 'UTC')" : ")");
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
	if (!is_address_test(rewriting, parts)) {
		buf_add_text(sql, "contains(");
		if (emit(rewriting, parts[0], sql) < 0)
			return -1;
		buf_add_text(sql, ", ");
		if (emit(rewriting, parts[1], sql) < 0)
			return -1;
		buf_add_char(sql, ')');
		return 0;
	}
	buf_add_text(sql, QUERY_PREFIX_FUNCTION "(");
	if (emit(rewriting, parts[0], sql) < 0)
		return -1;
	buf_add_text(sql, ", ");
	if (emit(rewriting, parts[1], sql) < 0)
		return -1;
	buf_add_char(sql, ')');
	return 0;
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
		if (emit(rewriting, parts[part], &value) < 0)
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

static int emit_call(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	size_t end = rewriting->closing[i + 1];
	struct range parts[ARGUMENTS_MAX];
	size_t count = trino_split(rewriting, (struct range){i + 2, end}, parts);
	bool done = false;

	if (is_word(rewriting, i, "CAST") || is_word(rewriting, i, "TRY_CAST"))
		return emit_cast(rewriting, i, sql);
	if (count == 3 && is_word(rewriting, i, "DATE_ADD"))
		return emit_date_add(rewriting, parts, sql);
	if (count == 2 && (is_word(rewriting, i, "FORMAT_DATETIME") ||
				  is_word(rewriting, i, "PARSE_DATETIME")))
		return emit_joda(rewriting, i, parts, sql);
	if (count == 2 && is_word(rewriting, i, "CONTAINS"))
		return emit_contains(rewriting, parts, sql);
	if (is_word(rewriting, i, "UNNEST") &&
		emit_unnest(rewriting, i, parts, count, sql, &done) < 0)
		return -1;
	if (done)
		return 0;
	const struct function *function =
		count == SIZE_MAX ? NULL : find_function(rewriting, i, count);
	if (!function) {
		emit_token(rewriting, i, sql);
		buf_add_text(sql, between(rewriting, i + 1).n ? " (" : "(");
		if (emit(rewriting, (struct range){i + 2, end}, sql) < 0)
			return -1;
		buf_add_char(sql, ')');
		return 0;
	}
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

/* IPADDRESS '10.0.0.1', IPPREFIX '10.0.0.0/8'. */
static bool emit_address(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	if (!is_type_of_address(rewriting, i) || token_at(rewriting, i + 1)->kind != SQL_STRING)
		return false;
	buf_printf(sql, "%s(%.*s)",
		is_word(rewriting, i, "IPADDRESS") ? "ip_address" : "ip_network",
		STR_ARG(token_at(rewriting, i + 1)->text));
	return true;
}

/* timestamp '2020-01-01 00:00:00 UTC' has a zone: another type. */
static bool emit_timestamp(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	struct str text = token_at(rewriting, i + 1)->text;

	if (!is_word(rewriting, i, "TIMESTAMP") || token_at(rewriting, i + 1)->kind != SQL_STRING ||
		text.n < 13)
		return false;
	bool has_zone = false;
	for (size_t at = 12; at < text.n - 1; at++)
		has_zone = has_zone || !strchr("0123456789:. ", text.p[at]);
	if (has_zone)
		buf_printf(sql, "TIMESTAMPTZ %.*s", STR_ARG(text));
	return has_zone;
}

/* VALUES 1, 2: each row needs its brackets. Returns the place behind the last row, 0 when there is
 * nothing to do. */
static int emit_values(
	struct rewriting *rewriting, size_t i, size_t to, struct buf *sql, size_t *ret_next)
{
	static const char *const ends[] = {
		"ORDER", "LIMIT", "OFFSET", "FETCH", "UNION", "INTERSECT", "EXCEPT", "AS"};
	struct range parts[ARGUMENTS_MAX];
	struct range rows = {i + 1, i + 1};

	*ret_next = 0;
	while (rows.to < to && !is_one_of(rewriting, rows.to, ends, ARRAY_SIZE(ends)))
		rows.to =
			rewriting->closing[rows.to] ? rewriting->closing[rows.to] + 1 : rows.to + 1;
	size_t count = trino_split(rewriting, rows, parts);
	if (count == SIZE_MAX || count == 0 || is_mark(rewriting, rows.from, '('))
		return 0;
	emit_token(rewriting, i, sql);
	for (size_t row = 0; row < count; row++) {
		buf_add_text(sql, row ? ", (" : " (");
		if (emit(rewriting, parts[row], sql) < 0)
			return -1;
		buf_add_char(sql, ')');
	}
	*ret_next = rows.to;
	return 0;
}

static int emit(struct rewriting *rewriting, struct range range, struct buf *sql)
{
	for (size_t i = range.from; i < range.to; i++) {
		if (sql->n > SQL_MAX)
			return trino_fail_at(rewriting, i, "the statement is too large");
		emit_space(rewriting, i, sql);
		size_t next = 0;
		if (is_word(rewriting, i, "VALUES") &&
			emit_values(rewriting, i, range.to, sql, &next) < 0)
			return -1;
		if (next) {
			i = next - 1;
		} else if (emit_address(rewriting, i, sql) || emit_timestamp(rewriting, i, sql)) {
			i++;
		} else if (is_identifier(rewriting, i) && is_mark(rewriting, i + 1, '(')) {
			if (emit_call(rewriting, i, sql) < 0)
				return -1;
			i = rewriting->closing[i + 1];
		} else {
			emit_token(rewriting, i, sql);
		}
	}
	return 0;
}

/* ---- names of results ---- */

/* Does the item of a SELECT list have a name: a column, with AS or without, or '*'? */
static bool has_name(const struct rewriting *rewriting, struct range item)
{
	static const char *const values[] = {"NULL", "TRUE", "FALSE", "END", "CURRENT_DATE",
		"CURRENT_TIMESTAMP", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_USER",
		"CURRENT_SCHEMA", "CURRENT_CATALOG"};
	static const char *const operators[] = {"AND", "OR", "NOT", "LIKE", "IN", "IS", "BETWEEN",
		"ESCAPE", "THEN", "ELSE", "WHEN", "FROM", "DISTINCT", "ALL"};
	size_t last = item.to - 1;

	if (item.to <= item.from || is_mark(rewriting, last, '*'))
		return true;
	if (!is_identifier(rewriting, last) ||
		is_one_of(rewriting, last, values, ARRAY_SIZE(values)))
		return false;
	if (last == item.from || is_mark(rewriting, last - 1, '.'))
		return true;
	if (is_word(rewriting, last - 1, "AS"))
		return true;
	/* INTERVAL '1' DAY is no name, a mark but for a bracket is an operator. */
	if (last >= item.from + 2 && is_word(rewriting, last - 2, "INTERVAL"))
		return false;
	if (token_at(rewriting, last - 1)->kind == SQL_MARK)
		return is_mark(rewriting, last - 1, ')') || is_mark(rewriting, last - 1, ']');
	return !is_one_of(rewriting, last - 1, operators, ARRAY_SIZE(operators));
}

/* The list of the outermost SELECT, the first one in a UNION. */
static bool find_list(const struct rewriting *rewriting, struct range *ret_list)
{
	static const char *const ends[] = {"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER",
		"LIMIT", "OFFSET", "FETCH", "UNION", "INTERSECT", "EXCEPT"};
	size_t i = 0;

	while (i < rewriting->count && !is_word(rewriting, i, "SELECT"))
		i = rewriting->closing[i] ? rewriting->closing[i] + 1 : i + 1;
	if (i == rewriting->count)
		return false;
	ret_list->from = ++i;
	if (is_word(rewriting, i, "DISTINCT") || is_word(rewriting, i, "ALL"))
		ret_list->from = ++i;
	while (i < rewriting->count && !is_one_of(rewriting, i, ends, ARRAY_SIZE(ends)))
		i = rewriting->closing[i] ? rewriting->closing[i] + 1 : i + 1;
	ret_list->to = i;
	return ret_list->to > ret_list->from;
}

static int emit_all(struct rewriting *rewriting)
{
	struct buf *sql = &rewriting->result->sql;
	struct range parts[ARGUMENTS_MAX];
	struct range list;
	size_t at = 0;

	if (find_list(rewriting, &list)) {
		size_t count = trino_split(rewriting, list, parts);
		for (size_t i = 0; count != SIZE_MAX && i < count; i++) {
			if (emit(rewriting, (struct range){at, parts[i].to}, sql) < 0)
				return -1;
			if (!has_name(rewriting, parts[i]))
				buf_printf(sql, " AS \"_col%zu\"", i);
			at = parts[i].to;
		}
	}
	return emit(rewriting, (struct range){at, rewriting->count}, sql);
}

int query_trino_rewrite(struct str text, struct query_trino *ret_trino, struct err *err)
{
	struct rewriting rewriting = {.text = text, .result = ret_trino, .err = err};
	int result;

	*ret_trino = (struct query_trino){.places_count = 0};
	if (text.n > QUERY_TRINO_MAX)
		return err_set(err, ERR_USAGE, "a statement of %zu bytes, %d at most", text.n,
			QUERY_TRINO_MAX);
	/* Tokens are at most as many as bytes. */
	rewriting.closing = mem_new(text.n + 1, sizeof(rewriting.closing[0]));
	result = read_tokens(&rewriting);
	if (result == 0)
		result = emit_all(&rewriting);
	free(rewriting.tokens);
	free(rewriting.closing);
	return result;
}

void query_trino_done(struct query_trino *trino)
{
	buf_done(&trino->sql);
	free(trino->places);
	*trino = (struct query_trino){.places_count = 0};
}

int query_trino_prepare(duckdb_connection connection, struct err *err)
{
	static const char *const statements[] = {
#define X(statement) statement,
#include "query/trino_prepare.def"
#undef X
	};

	if (query_functions_register(connection, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
		duckdb_result result;
		duckdb_state state = duckdb_query(connection, statements[i], &result);
		if (state == DuckDBError)
			err_set(err, ERR_SYSTEM, "%s: %s", statements[i],
				duckdb_result_error(&result));
		duckdb_destroy_result(&result);
		if (state == DuckDBError)
			return -1;
	}
	return 0;
}
/* NOLINTEND(misc-no-recursion) */
