/* The text is cut into tokens and copied, recursively by brackets. Nothing is parsed that need not
 * be: a call is a word in front of a bracket, its arguments are what stands between commas. */
#include "query/functions.h"
#include "query/rewrite_priv.h"
#include "query/trino_priv.h"

#include <stdio.h>

#define SQL_MAX (16 * QUERY_TRINO_MAX) /* some functions say an argument twice */

/* As deep as QUERY_TRINO_DEPTH. NOLINTBEGIN(misc-no-recursion) */

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
	size_t at =
		token < rewriting->count ? rewriting->tokens[token].origin : rewriting->original.n;
	unsigned line;
	unsigned column;

	find_place(rewriting->original, at, &line, &column);
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

/* The place in the original of one in the text, which has quotes more. Behind *text_at, *at. */
static size_t original_place(
	const struct rewriting *rewriting, size_t place, size_t *text_at, size_t *at)
{
	for (; *text_at < place; ++*text_at)
		*at += *at < rewriting->original.n &&
		       rewriting->text.p[*text_at] == rewriting->original.p[*at];
	return *at;
}

static int read_tokens(struct rewriting *rewriting)
{
	struct str rest = rewriting->text;
	size_t text_at = 0, original_at = 0;
	struct sql_token token;
	size_t stack[QUERY_TRINO_DEPTH];
	size_t depth = 0;

	while (sql_token_next_significant(&rest, &token)) {
		rewriting->tokens = mem_grow(
			rewriting->tokens, rewriting->count + 1, sizeof(rewriting->tokens[0]));
		size_t at = (size_t)(token.text.p - rewriting->text.p);
		size_t origin = original_place(rewriting, at, &text_at, &original_at);
		rewriting->tokens[rewriting->count++] = (struct token){token, at, origin};
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

struct str trino_between(const struct rewriting *rewriting, size_t i)
{
	size_t start = i ? rewriting->tokens[i - 1].at + rewriting->tokens[i - 1].token.text.n : 0;

	return (struct str){rewriting->text.p + start, rewriting->tokens[i].at - start};
}

/* What stands before a token (spaces, comments), and where it comes from. */
static void emit_space(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	struct query_trino *result = rewriting->result;
	struct str space = trino_between(rewriting, i);

	if (memchr(space.p, '-', space.n) || memchr(space.p, '/', space.n))
		buf_add_char(sql, ' ');
	else
		buf_add_str(sql, space);
	if (sql != &result->sql)
		return;
	result->places =
		mem_grow(result->places, result->places_count + 1, sizeof(result->places[0]));
	result->places[result->places_count++] =
		(struct query_trino_place){(uint32_t)sql->n, (uint32_t)rewriting->tokens[i].origin};
}

static const struct rename *find_rename(const struct rewriting *rewriting, size_t i)
{
	struct str name = rewriting->tokens[i].token.text;

	if (rewriting->tokens[i].token.kind != SQL_WORD || (i && is_mark(rewriting, i - 1, '.')))
		return NULL;
	for (size_t r = rewriting->renames_count; r-- > 0;) {
		if (str_equal_ignoring_case(name, rewriting->renames[r].name))
			return &rewriting->renames[r];
	}
	return NULL;
}

/* Athena takes 1.5 for a double. */
void trino_emit_token(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	const struct sql_token *token = &rewriting->tokens[i].token;
	const struct rename *rename = find_rename(rewriting, i);

	if (rename)
		buf_add_text(sql, rename->sql);
	else
		buf_add_str(sql, token->text);
	if (token->kind == SQL_NUMBER && memchr(token->text.p, '.', token->text.n) &&
		!memchr(token->text.p, 'e', token->text.n) &&
		!memchr(token->text.p, 'E', token->text.n))
		buf_add_text(sql, "e0");
}

/* IPADDRESS '10.0.0.1', IPPREFIX '10.0.0.0/8'; DECIMAL '1.25', whose digits are its type. */
static bool emit_literal(struct rewriting *rewriting, size_t i, struct buf *sql)
{
	struct str text = token_at(rewriting, i + 1)->text, digits = string_at(rewriting, i + 1);
	const char *point = memchr(digits.p, '.', digits.n);

	if (!is_string(rewriting, i + 1))
		return false;
	if (is_type_of_address(rewriting, i)) {
		buf_printf(sql, "CAST(%.*s AS %.*s)", STR_ARG(text),
			STR_ARG(token_at(rewriting, i)->text));
		return true;
	}
	if (is_word(rewriting, i, "X")) {
		buf_printf(sql, "unhex(%.*s)", STR_ARG(text));
		return true;
	}
	if (is_word(rewriting, i, "JSON")) {
		buf_printf(sql, "CAST(json(%.*s) AS JSON)", STR_ARG(text));
		return true;
	}
	if (!is_word(rewriting, i, "DECIMAL"))
		return false;
	if (digits.n && strchr("+-", digits.p[0]))
		digits = (struct str){digits.p + 1, digits.n - 1};
	size_t scale = point ? (size_t)(digits.p + digits.n - point - 1) : 0;
	size_t precision = digits.n - (point ? 1 : 0);
	if (precision == 0 || precision > 38)
		return false;
	buf_printf(sql, "CAST(%.*s AS DECIMAL(%zu,%zu))", STR_ARG(text), precision, scale);
	return true;
}

/* Behind a date: + or - INTERVAL '1' DAY, any number of them. 0: none. */
static size_t intervals_end(const struct rewriting *rewriting, size_t i)
{
	static const char *const units[] = {"DAY", "WEEK", "MONTH", "YEAR"};
	size_t end = 0;

	while ((is_mark(rewriting, i, '-') || is_mark(rewriting, i, '+')) &&
		is_word(rewriting, i + 1, "INTERVAL") && is_string(rewriting, i + 2) &&
		is_one_of(rewriting, i + 3, units, ARRAY_SIZE(units)))
		end = i += 4;
	return end;
}

/* A date with intervals of days is a date. Returns the place behind it, 0: it is none. */
static size_t date_end(const struct rewriting *rewriting, size_t i)
{
	bool calls = is_mark(rewriting, i + 1, '(');
	size_t closing = calls ? rewriting->closing[i + 1] : 0;
	bool casts = calls && (is_word(rewriting, i, "CAST") || is_word(rewriting, i, "TRY_CAST"));

	if (i && is_mark(rewriting, i - 1, '.'))
		return 0;
	if (is_word(rewriting, i, "CURRENT_DATE"))
		return intervals_end(rewriting, i + 1);
	if (is_word(rewriting, i, "DATE") && is_string(rewriting, i + 1))
		return intervals_end(rewriting, i + 2);
	if ((calls && is_word(rewriting, i, "DATE")) ||
		(casts && is_word(rewriting, closing - 1, "DATE") &&
			is_word(rewriting, closing - 2, "AS")))
		return intervals_end(rewriting, closing + 1);
	return 0;
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
	if (!has_zone)
		return false;
	/* '2012-10-31 01:00 UTC' has no seconds, which DuckDB wants */
	size_t minutes = 17;
	bool is_short = text.n > minutes && text.p[14] == ':' && text.p[minutes] != ':';
	buf_printf(sql, "TIMESTAMPTZ %.*s%s%.*s", (int)(is_short ? minutes : text.n), text.p,
		is_short ? ":00" : "", is_short ? (int)(text.n - minutes) : 0, text.p + minutes);
	return true;
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
	trino_emit_token(rewriting, i, sql);
	for (size_t row = 0; row < count; row++) {
		buf_add_text(sql, row ? ", (" : " (");
		if (trino_emit(rewriting, parts[row], sql) < 0)
			return -1;
		buf_add_char(sql, ')');
	}
	*ret_next = rows.to;
	return 0;
}

/* What is more than its tokens; *ret_next is the place behind it, 0: nothing was done. */
static int emit_special(
	struct rewriting *rewriting, size_t i, size_t to, struct buf *sql, size_t *ret_next)
{
	size_t end = date_end(rewriting, i);

	*ret_next = 0;
	if (is_word(rewriting, i, "VALUES"))
		return emit_values(rewriting, i, to, sql, ret_next);
	if (is_word(rewriting, i, "WHERE") && !(i && is_mark(rewriting, i - 1, '('))) {
		trino_emit_token(rewriting, i, sql);
		*ret_next = trino_where_end(rewriting, i + 1, to);
		return trino_emit_where(rewriting, (struct range){i + 1, *ret_next}, sql);
	}
	if (end && end <= to && end != rewriting->dates_until) {
		size_t before = rewriting->dates_until;
		buf_add_text(sql, "CAST((");
		rewriting->dates_until = *ret_next = end;
		if (trino_emit(rewriting, (struct range){i, end}, sql) < 0)
			return -1;
		rewriting->dates_until = before;
		buf_add_text(sql, ") AS DATE)");
		return 0;
	}
	if (is_word(rewriting, i, "TABLESAMPLE") && is_mark(rewriting, i + 2, '(')) {
		*ret_next = rewriting->closing[i + 2] + 1;
		trino_emit_token(rewriting, i, sql);
		buf_printf(sql, " %.*s(", STR_ARG(token_at(rewriting, i + 1)->text));
		if (trino_emit(rewriting, (struct range){i + 3, *ret_next - 1}, sql) < 0)
			return -1;
		buf_add_text(sql, "%)");
	} else if (emit_literal(rewriting, i, sql) || emit_timestamp(rewriting, i, sql)) {
		*ret_next = i + 2;
	} else if (is_identifier(rewriting, i) && i + 1 < to && is_mark(rewriting, i + 1, '(')) {
		return trino_emit_call(rewriting, i, sql, ret_next);
	}
	return 0;
}

int trino_emit(struct rewriting *rewriting, struct range range, struct buf *sql)
{
	size_t next;

	for (size_t i = range.from; i < range.to; i = next) {
		if (sql->n > SQL_MAX)
			return trino_fail_at(rewriting, i, "the statement is too large");
		emit_space(rewriting, i, sql);
		if (emit_special(rewriting, i, range.to, sql, &next) < 0)
			return -1;
		if (!next) {
			trino_emit_token(rewriting, i, sql);
			next = i + 1;
		}
	}
	return 0;
}

int query_trino_rewrite(struct str text, struct query_trino *ret_trino, struct err *err)
{
	struct rewriting rewriting = {.original = text, .result = ret_trino, .err = err};
	_cleanup_buf_ struct buf quoted = {0};
	int result;

	*ret_trino = (struct query_trino){.places_count = 0};
	if (text.n > QUERY_TRINO_MAX)
		return err_set(err, ERR_USAGE, "a statement of %zu bytes, %d at most", text.n,
			QUERY_TRINO_MAX);
	/* Tokens are at most as many as bytes. */
	rewrite_quote_words(&quoted, text);
	rewriting.text = buf_str(&quoted);
	rewriting.closing = mem_new(quoted.n + 1, sizeof(rewriting.closing[0]));
	result = read_tokens(&rewriting);
	if (result == 0)
		result = trino_emit_all(&rewriting);
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

	if (query_functions_register(connection, err) < 0 ||
		query_address_register(connection, err) < 0 ||
		athena_value_register(connection, err) < 0)
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
