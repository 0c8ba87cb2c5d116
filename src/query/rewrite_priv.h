/* rewrite: what a statement needs so that DuckDB takes it as its author meant it.
 * The author's text is never re-printed from a parse tree: only quotes, EXCLUDE lists and the like
 * are put into it, every other byte stays. */
#pragma once

#include "base/buf.h"

#include <stdint.h>

#define REWRITE_TABLE "vpc_flow_logs"

/* Appends sql with the column names `end` and `start` quoted where DuckDB would take them for
 * keywords. END that closes a CASE and the statements END and START TRANSACTION stay. */
void rewrite_quote_words(struct buf *buf, struct str sql);
/* Appends sql with cidr_contains for contains where its first argument is an address prefix, as
 * Athena's statements have it. */
void rewrite_prefix_calls(struct buf *buf, struct str sql);
/* Which older column names the statement mentions: bit i is record_field_aliases[i]. */
uint32_t rewrite_mentioned_aliases(struct str sql);
/* Appends sql with an EXCLUDE list for these older names behind each `*` that shows the columns of
 * vpc_flow_logs. tree is what DuckDB's json_serialize_sql makes of the same sql. When there is
 * nothing to do or the tree is an error, nothing is appended and false returned. */
bool rewrite_exclude_aliases(struct buf *buf, struct str sql, uint32_t aliases, struct str tree);
