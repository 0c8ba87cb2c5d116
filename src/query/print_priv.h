/* print: results as bytes. value.c makes one value, table.c what people read, print.c the rest. */
#pragma once

#include "query/session_priv.h"

/* A vector of one column, looked up once a chunk. */
struct print_vector {
	const struct query_result_column *column;
	const void *data;
	const uint64_t *validity;
};

/* Types that value.c writes; all others must be cast by DuckDB. */
bool query_print_knows(duckdb_type type);
/* Numbers: right-aligned in tables, bare in JSON. */
bool query_print_is_number(duckdb_type type);
void query_print_vectors(
	const struct query_result *result, duckdb_data_chunk chunk, struct print_vector *vectors);
static inline bool query_print_is_null(const struct print_vector *vector, size_t row)
{
	return vector->validity && !(vector->validity[row / 64] >> row % 64 & 1);
}
/* Appends the text that DuckDB's cast to VARCHAR gives, with a zero before a decimal point. Not for
 * NULL. */
void query_print_value(struct buf *buf, const struct print_vector *vector, size_t row);
/* Bytes out to fd; QUERY_READER_GONE possible. */
int query_print_write(int fd, struct buf *buf, struct err *err);
/* table.c: the whole result. */
int query_print_table(
	struct query_result *result, unsigned terminal_columns, int fd, struct err *err);
