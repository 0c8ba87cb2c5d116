#include "query/ddl_priv.h"

#include <ctype.h>
#include <stdio.h>

static void find_place(struct str text, const char *p, unsigned *ret_line, unsigned *ret_column)
{
	*ret_line = *ret_column = 1;
	for (const char *at = text.p; at < p; at++) {
		++*ret_column;
		if (*at == '\n') {
			++*ret_line;
			*ret_column = 1;
		}
	}
}

int ddl_fail(const struct ddl_parser *parser, const char *expected)
{
	const struct ddl_token *token = &parser->tokens[parser->at];
	unsigned line, column;

	find_place(parser->text, token->text.p, &line, &column);
	if (token->kind == DDL_END)
		return err_set(parser->err, ERR_USAGE,
			"line %u:%u: mismatched input '<EOF>'. Expecting: %s", line, column,
			expected);
	return err_set(parser->err, ERR_USAGE, "line %u:%u: mismatched input '%.*s'. Expecting: %s",
		line, column, STR_ARG(token->text), expected);
}

/* Bytes of a space or comment; 0: none. */
static size_t gap(struct str rest)
{
	if (isspace((unsigned char)rest.p[0]))
		return 1;
	if (str_starts_with(rest, STR("--"))) {
		const char *end = memchr(rest.p, '\n', rest.n);
		return end ? (size_t)(end - rest.p) : rest.n;
	}
	if (!str_starts_with(rest, STR("/*")))
		return 0;
	for (size_t i = 2; i + 1 < rest.n; i++) {
		if (rest.p[i] == '*' && rest.p[i + 1] == '/')
			return i + 2;
	}
	return rest.n;
}

/* 0: the quote is not closed. */
static size_t quoted(struct str rest)
{
	char quote = rest.p[0];

	for (size_t i = 1; i < rest.n; i++) {
		if (rest.p[i] == '\\' && quote != '`' && i + 1 < rest.n) {
			i++;
		} else if (rest.p[i] == quote) {
			if (i + 1 == rest.n || rest.p[i + 1] != quote)
				return i + 1;
			i++;
		}
	}
	return 0;
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static size_t next_token(struct str rest, enum ddl_token_kind *ret_kind)
{
	size_t n = 0;

	if (rest.p[0] == '\'' || rest.p[0] == '"' || rest.p[0] == '`') {
		*ret_kind = rest.p[0] == '`' ? DDL_NAME : DDL_STRING;
		return quoted(rest);
	}
	while (n < rest.n && in_word(rest.p[n]))
		n++;
	*ret_kind = n ? DDL_WORD : DDL_MARK;
	return n ? n : 1;
}

int ddl_read_tokens(struct ddl_parser *parser)
{
	struct str rest = parser->text;
	size_t count = 0, room = 0;

	for (;;) {
		size_t n;
		while (rest.n && (n = gap(rest)) > 0)
			rest = (struct str){rest.p + n, rest.n - n};
		if (count == room) {
			room = room ? 2 * room : 64;
			parser->tokens = mem_grow(parser->tokens, room, sizeof(*parser->tokens));
		}
		struct ddl_token *token = &parser->tokens[count];
		*token = (struct ddl_token){.kind = DDL_END, .text = {rest.p, 0}};
		if (!rest.n)
			return 0;
		n = next_token(rest, &token->kind);
		token->text = (struct str){rest.p, n};
		if (n == 0) {
			token->text.n = 1;
			parser->at = count;
			return ddl_fail(parser, "the end of the quotes");
		}
		rest = (struct str){rest.p + n, rest.n - n};
		count++;
	}
}

bool ddl_is(const struct ddl_parser *parser, size_t ahead, const char *word)
{
	for (size_t i = 0; i < ahead; i++) {
		if (parser->tokens[parser->at + i].kind == DDL_END)
			return false;
	}
	const struct ddl_token *token = &parser->tokens[parser->at + ahead];
	return (token->kind == DDL_WORD || token->kind == DDL_MARK) &&
	       str_equal_ignoring_case(token->text, str_from(word));
}

bool ddl_was(const struct ddl_parser *parser, size_t before, const char *word)
{
	const struct ddl_token *token = &parser->tokens[parser->at - before];

	return token->kind == DDL_WORD && str_equal_ignoring_case(token->text, str_from(word));
}

bool ddl_accept(struct ddl_parser *parser, const char *word)
{
	if (!ddl_is(parser, 0, word))
		return false;
	parser->at++;
	return true;
}

bool ddl_accept_two(struct ddl_parser *parser, const char *first, const char *second)
{
	if (!ddl_is(parser, 0, first) || !ddl_is(parser, 1, second))
		return false;
	parser->at += 2;
	return true;
}

int ddl_expect(struct ddl_parser *parser, const char *word)
{
	char expected[48];

	if (ddl_accept(parser, word))
		return 0;
	snprintf(expected, sizeof(expected), "'%s'", word);
	return ddl_fail(parser, expected);
}

/* A bare word, or what is in `` or "". */
int ddl_name(struct ddl_parser *parser, char **ret_name)
{
	const struct ddl_token *token = &parser->tokens[parser->at];
	_cleanup_buf_ struct buf name = {0};
	bool bare = token->kind == DDL_WORD;

	if (!bare && token->kind != DDL_NAME &&
		(token->kind != DDL_STRING || token->text.p[0] != '"'))
		return ddl_fail(parser, "<identifier>");
	for (size_t i = bare ? 0 : 1; i < token->text.n - (bare ? 0 : 1); i++) {
		char c = token->text.p[i];
		if (!bare && c == token->text.p[0])
			i++;
		buf_add_char(&name, (char)tolower((unsigned char)c));
	}
	if (!name.n)
		return ddl_fail(parser, "<identifier>");
	free(*ret_name);
	*ret_name = mem_strdup(buf_text(&name));
	parser->at++;
	return 0;
}

/* What four hexadecimal digits (\u0001) or three octal ones (\001) stand for, when it is ASCII; 0:
 * they do not. */
static size_t read_code(struct str text, char *ret_char)
{
	bool hex = text.n > 0 && text.p[0] == 'u';
	size_t digits = hex ? 4 : 3, first = hex;
	unsigned code = 0;

	if (text.n < first + digits)
		return 0;
	for (size_t i = first; i < first + digits; i++) {
		const char *all = "0123456789abcdef";
		const char *at = strchr(all, tolower((unsigned char)text.p[i]));
		if (!at || !*at || (!hex && at - all > 7))
			return 0;
		code = code * (hex ? 16 : 8) + (unsigned)(at - all);
	}
	if (code > 127)
		return 0;
	*ret_char = (char)code;
	return first + digits;
}

static char escaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case 'b':
		return '\b';
	case '0':
		return '\0';
	default:
		return c;
	}
}

int ddl_string(struct ddl_parser *parser, struct buf *ret_text)
{
	struct str text = parser->tokens[parser->at].text;

	if (parser->tokens[parser->at].kind != DDL_STRING)
		return ddl_fail(parser, "<string>");
	for (size_t i = 1; i + 1 < text.n; i++) {
		if (text.p[i] == text.p[0]) {
			i++;
		} else if (text.p[i] == '\\') {
			struct str behind = {text.p + i + 1, text.n - i - 2};
			char code;
			size_t n = read_code(behind, &code);
			if (n) {
				buf_add_char(ret_text, code);
				i += n;
				continue;
			}
			buf_add_char(ret_text, escaped(text.p[++i]));
			continue;
		}
		buf_add_char(ret_text, text.p[i]);
	}
	parser->at++;
	return 0;
}

int ddl_qualified(struct ddl_parser *parser)
{
	struct ddl *ddl = parser->ddl;

	if (ddl_name(parser, &ddl->name) < 0)
		return -1;
	for (int parts = 1; ddl_accept(parser, "."); parts++) {
		/* a catalog in front of all is AwsDataCatalog, the only one */
		if (parts == 3)
			return ddl_fail(parser, "<EOF>");
		free(ddl->database);
		ddl->database = ddl->name;
		ddl->name = NULL;
		if (ddl_name(parser, &ddl->name) < 0)
			return -1;
	}
	return 0;
}
