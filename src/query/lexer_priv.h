/* lexer: SQL text as tokens, after DuckDB's lexical rules (PostgreSQL's scanner: nested comments,
 * E'' strings, dollar quotes). Tokens cover every byte of the text, in order; whatever is not
 * closed runs to the end. Borrows; never fails. */
#pragma once

#include "base/str.h"

enum sql_kind {
	SQL_SPACE,
	SQL_COMMENT,
	SQL_WORD,   /* unquoted: keyword or identifier */
	SQL_QUOTED, /* "identifier" */
	SQL_STRING, /* '...', E'...', $$...$$ */
	SQL_NUMBER,
	SQL_MARK, /* one byte of operator or punctuation */
};

struct sql_token {
	enum sql_kind kind;
	bool open; /* a quote or comment that is not closed */
	struct str text;
};

/* Takes the next token off the front of *rest; false when it is spent. */
bool sql_token_next(struct str *rest, struct sql_token *ret_token);
/* The same without spaces and comments. */
bool sql_token_next_significant(struct str *rest, struct sql_token *ret_token);
/* An unquoted word equal to keyword (given in upper case). */
bool sql_token_is(const struct sql_token *token, const char *keyword);
static inline bool sql_token_is_mark(const struct sql_token *token, char mark)
{
	return token->kind == SQL_MARK && token->text.p[0] == mark;
}
/* A word or a quoted identifier that names the column name (any case). */
bool sql_token_names(const struct sql_token *token, struct str name);
