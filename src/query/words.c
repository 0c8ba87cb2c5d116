/* Columns named `end` and `start` in front of a parser for which END is reserved and START cannot
 * be an alias without AS. Outside CASE the word END has no other meaning than at the start of a
 * statement, so there it is a column or an alias. Inside CASE it closes the CASE where an operand
 * has just ended, and is a column where an operand is expected. Brackets open a level of their own:
 * a CASE cannot be closed inside a pair that it was not opened in. */
#include "query/rewrite_priv.h"

#include "base/ip.h"
#include "query/lexer_priv.h"
#include "record/field.h"

/* After these an expression begins. */
static const char *const before_operand[] = {
	"ALL",
	"AND",
	"ANY",
	"BETWEEN",
	"BY",
	"CASE",
	"DISTINCT",
	"ELSE",
	"ESCAPE",
	"FROM",
	"GLOB",
	"HAVING",
	"ILIKE",
	"IN",
	"LIKE",
	"NOT",
	"ON",
	"OR",
	"QUALIFY",
	"SELECT",
	"SYMMETRIC",
	"THEN",
	"TO",
	"WHEN",
	"WHERE",
	"ZONE",
};

/* Statements in which START has no meaning as a keyword. */
static const char *const reading[] = {
	"COPY",
	"DESCRIBE",
	"EXPLAIN",
	"FROM",
	"PIVOT",
	"SELECT",
	"SUMMARIZE",
	"UNPIVOT",
	"VALUES",
	"WITH",
};

static bool is_one_of(const struct sql_token *token, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sql_token_is(token, words[i]))
			return true;
	}
	return false;
}

struct quoter {
	size_t *open_cases; /* a bracket level each: CASE not yet closed */
	size_t level, capacity;
	bool statement_start;
	bool reading;
	bool after_dot;
	bool operand_expected;
};

static void open_level(struct quoter *q)
{
	if (++q->level >= q->capacity) {
		q->capacity = q->level * 2 + 8;
		q->open_cases = mem_grow(q->open_cases, q->capacity, sizeof(*q->open_cases));
	}
	q->open_cases[q->level] = 0;
}

static void take_mark(struct quoter *q, char mark)
{
	bool closes = mark == ')' || mark == ']' || mark == '}';

	if (mark == '(' || mark == '[' || mark == '{')
		open_level(q);
	else if (closes && q->level > 0)
		q->level--;
	q->operand_expected = !closes;
	if (mark == ';') {
		q->level = 0;
		q->open_cases[0] = 0;
		q->statement_start = true;
	}
}

/* True when the word is to be quoted. */
static bool take_word(struct quoter *q, const struct sql_token *token)
{
	size_t *open_cases = &q->open_cases[q->level];
	bool is_end = sql_token_is(token, "END");

	if (q->statement_start && q->level == 0)
		q->reading = is_one_of(token, reading, ARRAY_SIZE(reading));
	if (q->after_dot || q->statement_start) {
		q->operand_expected =
			is_one_of(token, before_operand, ARRAY_SIZE(before_operand)) &&
			!q->after_dot;
		return is_end && q->after_dot;
	}
	if (is_end && *open_cases > 0 && !q->operand_expected) {
		(*open_cases)--;
		return false;
	}
	if (is_end || (q->reading && sql_token_is(token, "START"))) {
		q->operand_expected = false;
		return true;
	}
	if (sql_token_is(token, "CASE"))
		(*open_cases)++;
	q->operand_expected = is_one_of(token, before_operand, ARRAY_SIZE(before_operand));
	return false;
}

void rewrite_quote_words(struct buf *buf, struct str sql)
{
	struct quoter q = {.statement_start = true, .capacity = 8};
	struct sql_token token;

	q.open_cases = mem_new(q.capacity, sizeof(*q.open_cases));
	while (sql_token_next(&sql, &token)) {
		bool quote = false;
		if (token.kind == SQL_SPACE || token.kind == SQL_COMMENT) {
			buf_add_str(buf, token.text);
			continue;
		}
		bool starts = q.statement_start && sql_token_is_mark(&token, '(');
		if (token.kind == SQL_MARK)
			take_mark(&q, token.text.p[0]);
		else if (token.kind == SQL_WORD)
			quote = take_word(&q, &token);
		else
			q.operand_expected = false;
		if (starts)
			q.reading = true;
		if (!sql_token_is_mark(&token, ';'))
			q.statement_start = false;
		q.after_dot = sql_token_is_mark(&token, '.');
		if (quote)
			buf_add_char(buf, '"');
		buf_add_str(buf, token.text);
		if (quote)
			buf_add_char(buf, '"');
	}
	free(q.open_cases);
}

/* contains('10.0.0.0/8', ...): of text this would ask whether a prefix's own text holds another,
 * which nobody asks; Athena's contains(network, address) is meant. rest is behind the word. */
static bool asks_for_prefix(struct str rest)
{
	struct sql_token token;
	struct ip_prefix prefix;

	if (!sql_token_next_significant(&rest, &token) || !sql_token_is_mark(&token, '(') ||
		!sql_token_next_significant(&rest, &token) || token.kind != SQL_STRING ||
		token.text.n < 2 || token.text.p[0] != '\'')
		return false;
	struct str text = {token.text.p + 1, token.text.n - 2};
	return memchr(text.p, '/', text.n) && ip_prefix_parse(text, &prefix) &&
	       sql_token_next_significant(&rest, &token) && sql_token_is_mark(&token, ',');
}

void rewrite_prefix_calls(struct buf *buf, struct str sql)
{
	struct sql_token token;
	bool after_dot = false;

	while (sql_token_next(&sql, &token)) {
		if (!after_dot && sql_token_is(&token, "CONTAINS") && asks_for_prefix(sql))
			buf_add_text(buf, "cidr_");
		buf_add_str(buf, token.text);
		if (token.kind != SQL_SPACE && token.kind != SQL_COMMENT)
			after_dot = sql_token_is_mark(&token, '.');
	}
}

uint32_t rewrite_mentioned_aliases(struct str sql)
{
	struct sql_token token;
	uint32_t mentioned = 0;

	_Static_assert(sizeof(mentioned) * 8 >= 24, "one bit an older name");
	while (sql_token_next_significant(&sql, &token)) {
		for (unsigned i = 0; i < record_field_aliases_count; i++) {
			if (sql_token_names(&token, record_field_aliases[i].sql_name))
				mentioned |= UINT32_C(1) << i;
		}
	}
	return mentioned;
}
