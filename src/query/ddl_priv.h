/* ddl: tokens and what the parser's files share. */
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "query/ddl.h"

enum ddl_token_kind { DDL_WORD, DDL_NAME, DDL_STRING, DDL_MARK, DDL_END };

struct ddl_token {
	enum ddl_token_kind kind;
	struct str text; /* with quotes */
};

struct ddl_parser {
	struct str text;
	struct ddl_token *tokens; /* ends with DDL_END */
	size_t at;
	struct ddl *ddl;
	struct err *err;
};

/* ddl_lex.c */
int ddl_read_tokens(struct ddl_parser *parser);
int ddl_fail(const struct ddl_parser *parser, const char *expected);
bool ddl_is(const struct ddl_parser *parser, size_t ahead, const char *word);
bool ddl_was(const struct ddl_parser *parser, size_t before, const char *word);
bool ddl_accept(struct ddl_parser *parser, const char *word); /* a word or a mark */
bool ddl_accept_two(struct ddl_parser *parser, const char *first, const char *second);
int ddl_expect(struct ddl_parser *parser, const char *word);
int ddl_name(struct ddl_parser *parser, char **ret_name); /* in lower case */
int ddl_string(struct ddl_parser *parser, struct buf *ret_text);
int ddl_qualified(struct ddl_parser *parser); /* [database.]name into ddl */

/* ddl_table.c: behind CREATE [EXTERNAL] TABLE [IF NOT EXISTS] name. */
int ddl_create_table(struct ddl_parser *parser);
int ddl_columns(struct ddl_parser *parser, json_t **ret_list);
/* ('name' = 'value', ...), or with bare names and values. */
int ddl_properties(struct ddl_parser *parser, json_t **ret_properties);
