/* vector: the values of one of DuckDB's vectors, row by row, for functions of SQL. Texts (and
 * blobs) are lent by the vector; the caller knows the vector's type and size. */
#pragma once

#include "base/duckdb.h"
#include "base/str.h"

static inline struct str vector_text(duckdb_vector vector, idx_t row)
{
	duckdb_string_t *text = (duckdb_string_t *)duckdb_vector_get_data(vector) + row;

	return (struct str){duckdb_string_t_data(text), duckdb_string_t_length(*text)};
}

static inline bool vector_is_valid(duckdb_vector vector, idx_t row)
{
	uint64_t *validity = duckdb_vector_get_validity(vector);

	return !validity || duckdb_validity_row_is_valid(validity, row);
}

static inline void vector_set_text(duckdb_vector vector, idx_t row, struct str text)
{
	duckdb_vector_assign_string_element_len(vector, row, text.p, text.n);
}

static inline void vector_set_null(duckdb_vector vector, idx_t row)
{
	duckdb_vector_ensure_validity_writable(vector);
	duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}
