#include "query/lexer_priv.h"

#include "query/query.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
	return is_word_start(c) || is_digit(c) || c == '$';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char at(struct str s, size_t i)
{
	return i < s.n ? s.p[i] : '\0';
}

/* Each of these returns where the token that begins at s.p ends. */

/* A doubled quote is part of the text; with escapes a backslash takes the next byte with it. */
static size_t end_of_quoted(struct str s, size_t i, char quote, bool escapes, bool *ret_open)
{
	for (; i < s.n; i++) {
		if ((escapes && s.p[i] == '\\') || (s.p[i] == quote && at(s, i + 1) == quote))
			i++;
		else if (s.p[i] == quote)
			return i + 1;
	}
	*ret_open = true;
	return s.n;
}

static size_t end_of_block_comment(struct str s, bool *ret_open)
{
	size_t depth = 0;

	for (size_t i = 0; i + 1 < s.n; i++) {
		if (s.p[i] == '/' && s.p[i + 1] == '*') {
			depth++;
			i++;
		} else if (s.p[i] == '*' && s.p[i + 1] == '/') {
			i++;
			if (--depth == 0)
				return i + 1;
		}
	}
	*ret_open = true;
	return s.n;
}

/* 0 when the dollar sign at s.p opens no $tag$. */
static size_t end_of_dollar_quoted(struct str s, bool *ret_open)
{
	size_t tag = 1;

	if (is_digit(at(s, 1)))
		return 0;
	while (tag < s.n && s.p[tag] != '$' && is_word(s.p[tag]))
		tag++;
	if (at(s, tag) != '$')
		return 0;
	tag++;
	for (size_t i = tag; i + tag <= s.n; i++) {
		if (s.p[i] == '$' && memcmp(s.p + i, s.p, tag) == 0)
			return i + tag;
	}
	*ret_open = true;
	return s.n;
}

static size_t end_of_number(struct str s)
{
	size_t i = 0;

	if (s.p[0] == '0' && (at(s, 1) == 'x' || at(s, 1) == 'X')) {
		for (i = 2;
			is_digit(at(s, i)) || ((at(s, i) | 32) >= 'a' && (at(s, i) | 32) <= 'f');)
			i++;
		return i;
	}
	while (is_digit(at(s, i)) || (at(s, i) == '_' && is_digit(at(s, i + 1))))
		i++;
	if (at(s, i) == '.' && at(s, i + 1) != '.') {
		i++;
		while (is_digit(at(s, i)))
			i++;
	}
	if (at(s, i) == 'e' || at(s, i) == 'E') {
		size_t exponent = i + 1;
		if (at(s, exponent) == '+' || at(s, exponent) == '-')
			exponent++;
		if (is_digit(at(s, exponent))) {
			for (i = exponent; is_digit(at(s, i));)
				i++;
		}
	}
	return i;
}

static size_t end_of_token(struct str s, enum sql_kind *ret_kind, bool *ret_open)
{
	char c = s.p[0];
	char next = at(s, 1);
	size_t i = 1;

	if (is_space(c)) {
		*ret_kind = SQL_SPACE;
		while (i < s.n && is_space(s.p[i]))
			i++;
	} else if (c == '-' && next == '-') {
		*ret_kind = SQL_COMMENT;
		while (i < s.n && s.p[i] != '\n' && s.p[i] != '\r')
			i++;
	} else if (c == '/' && next == '*') {
		*ret_kind = SQL_COMMENT;
		i = end_of_block_comment(s, ret_open);
	} else if (c == '\'' || ((c == 'e' || c == 'E') && next == '\'')) {
		*ret_kind = SQL_STRING;
		i = end_of_quoted(s, c == '\'' ? 1 : 2, '\'', c != '\'', ret_open);
	} else if (c == '"') {
		*ret_kind = SQL_QUOTED;
		i = end_of_quoted(s, 1, '"', false, ret_open);
	} else if (is_word_start(c)) {
		*ret_kind = SQL_WORD;
		while (i < s.n && is_word(s.p[i]))
			i++;
	} else if (is_digit(c) || (c == '.' && is_digit(next))) {
		*ret_kind = SQL_NUMBER;
		i = end_of_number(s);
	} else if (c == '$' && (i = end_of_dollar_quoted(s, ret_open)) > 0) {
		*ret_kind = SQL_STRING;
	} else {
		*ret_kind = SQL_MARK;
		i = 1;
	}
	return i;
}

bool sql_token_next(struct str *rest, struct sql_token *ret_token)
{
	if (rest->n == 0)
		return false;
	ret_token->open = false;
	size_t end = end_of_token(*rest, &ret_token->kind, &ret_token->open);
	if (end > rest->n)
		end = rest->n;
	ret_token->text = (struct str){rest->p, end};
	rest->p += end;
	rest->n -= end;
	return true;
}

bool sql_token_next_significant(struct str *rest, struct sql_token *ret_token)
{
	while (sql_token_next(rest, ret_token)) {
		if (ret_token->kind != SQL_SPACE && ret_token->kind != SQL_COMMENT)
			return true;
	}
	return false;
}

bool sql_token_is(const struct sql_token *token, const char *keyword)
{
	return token->kind == SQL_WORD && str_equal_ignoring_case(token->text, str_from(keyword));
}

bool sql_token_names(const struct sql_token *token, struct str name)
{
	struct str text = token->text;

	if (token->kind == SQL_QUOTED && !token->open)
		text = (struct str){text.p + 1, text.n - 2};
	else if (token->kind != SQL_WORD)
		return false;
	return str_equal_ignoring_case(text, name);
}

size_t query_statement_length(struct str sql)
{
	struct str rest = sql;
	struct sql_token token;

	while (sql_token_next(&rest, &token)) {
		if (sql_token_is_mark(&token, ';'))
			return (size_t)(rest.p - sql.p);
	}
	return 0;
}

bool query_statement_is_empty(struct str sql)
{
	struct sql_token token;

	while (sql_token_next_significant(&sql, &token)) {
		if (!sql_token_is_mark(&token, ';'))
			return false;
	}
	return true;
}
