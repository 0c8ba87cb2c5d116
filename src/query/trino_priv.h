/* trino: what its files share. */
#pragma once

#include "base/mem.h"
#include "query/address.h"
#include "query/lexer_priv.h"
#include "query/trino.h"

#define ARGUMENTS_MAX 127
#define RENAMES_MAX   16

struct token {
	struct sql_token token;
	size_t at;     /* in the text */
	size_t origin; /* in the original */
};

struct rewriting {
	struct str original;
	struct str text;      /* with quotes around columns named start and end */
	struct token *tokens; /* without spaces and comments */
	size_t count;
	size_t *closing; /* of an opening bracket: its counterpart; else 0 */
	struct query_trino *result;
	struct err *err;
	size_t dates_until; /* the end of a date with intervals that is being copied */
	/* Names of lambdas over the entries of a map, and what they are there. */
	struct rename {
		struct str name;
		const char *sql;
	} renames[RENAMES_MAX];
	size_t renames_count;
};

/* A range of tokens. */
struct range {
	size_t from, to;
};

/* "line 1:8: what"; always negative. */
int trino_fail_at(struct rewriting *rewriting, size_t token, const char *what);
/* The parts between commas outside of brackets; at most ARGUMENTS_MAX, SIZE_MAX: more. */
size_t trino_split(const struct rewriting *rewriting, struct range range, struct range *parts);
/* The tokens of the range as DuckDB takes them; negative: err says why. */
int trino_emit(struct rewriting *rewriting, struct range range, struct buf *sql);
void trino_emit_token(struct rewriting *rewriting, size_t i, struct buf *sql);
/* What stands in front of a token: spaces and comments. */
struct str trino_between(const struct rewriting *rewriting, size_t i);
/* trino_calls.c: the call whose name is at i, its bracket behind it. *ret_next is behind all of it.
 */
int trino_emit_call(struct rewriting *rewriting, size_t i, struct buf *sql, size_t *ret_next);
/* trino_where.c: where a WHERE's condition, which starts at from, ends; and the condition. */
size_t trino_where_end(const struct rewriting *rewriting, size_t from, size_t to);
int trino_emit_where(struct rewriting *rewriting, struct range range, struct buf *sql);
/* trino_names.c: the statement. */
int trino_emit_all(struct rewriting *rewriting);
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

static inline bool is_string(const struct rewriting *rewriting, size_t i)
{
	return token_at(rewriting, i)->kind == SQL_STRING;
}

/* The text between the quotes. */
static inline struct str string_at(const struct rewriting *rewriting, size_t i)
{
	struct str text = token_at(rewriting, i)->text;

	return text.n < 2 ? STR("") : (struct str){text.p + 1, text.n - 2};
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

static inline bool is_type_of_address(const struct rewriting *rewriting, size_t i)
{
	return is_word(rewriting, i, QUERY_ADDRESS_TYPE) ||
	       is_word(rewriting, i, QUERY_PREFIX_TYPE);
}

static inline bool opens(const struct rewriting *rewriting, size_t i)
{
	return is_mark(rewriting, i, '(') || is_mark(rewriting, i, '[');
}

#define TRINO_ZONED_TYPE "ZONED" /* text of a timestamp with a time zone of its own */
/* athena_value.c: trino_varchar(anything), which is CAST to varchar, and trino_zoned(timestamp,
 * zone). */
int athena_value_register(duckdb_connection connection, struct err *err);
