/* trino: what its files share. */
#pragma once

#include "base/mem.h"
#include "query/lexer_priv.h"
#include "query/trino.h"

#define ARGUMENTS_MAX 127

struct token {
	struct sql_token token;
	size_t at; /* in the text */
};

struct rewriting {
	struct str text;
	struct token *tokens; /* without spaces and comments */
	size_t count;
	size_t *closing; /* of an opening bracket: its counterpart; else 0 */
	struct query_trino *result;
	struct err *err;
};

/* A range of tokens. */
struct range {
	size_t from, to;
};

/* "line 1:8: what"; always negative. */
int trino_fail_at(struct rewriting *rewriting, size_t token, const char *what);
/* The parts between commas outside of brackets; at most ARGUMENTS_MAX, SIZE_MAX: more. */
size_t trino_split(const struct rewriting *rewriting, struct range range, struct range *parts);
/* trino_types.c: a type of CAST. */
int trino_emit_type(struct rewriting *rewriting, struct range range, struct buf *sql);

static inline const struct sql_token *token_at(const struct rewriting *rewriting, size_t i)
{
	static const struct sql_token none = {.kind = SQL_SPACE};

	return i < rewriting->count ? &rewriting->tokens[i].token : &none;
}

static inline bool is_mark(const struct rewriting *rewriting, size_t i, char mark)
{
	return sql_token_is_mark(token_at(rewriting, i), mark);
}

static inline bool is_word(const struct rewriting *rewriting, size_t i, const char *word)
{
	return sql_token_is(token_at(rewriting, i), word);
}

static inline bool is_identifier(const struct rewriting *rewriting, size_t i)
{
	return token_at(rewriting, i)->kind == SQL_WORD ||
	       token_at(rewriting, i)->kind == SQL_QUOTED;
}

static inline bool is_one_of(
	const struct rewriting *rewriting, size_t i, const char *const *words, size_t count)
{
	for (size_t w = 0; w < count; w++) {
		if (is_word(rewriting, i, words[w]))
			return true;
	}
	return false;
}

static inline bool opens(const struct rewriting *rewriting, size_t i)
{
	return is_mark(rewriting, i, '(') || is_mark(rewriting, i, '[');
}
