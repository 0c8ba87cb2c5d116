/* convert_parquet: rows of a Parquet object in the form of record/reader's batches; DuckDB reads.
 * Owner: the caller; one thread. */
#pragma once

#include "base/duckdb.h"
#include "record/reader.h"

struct convert_parquet;

/* database is shared. Fails when the file is no Parquet file or its columns cannot be understood.
 */
int convert_parquet_open(struct convert_parquet **ret_parquet, duckdb_database database,
	const char *path, struct err *err);
const struct record_reader_column *convert_parquet_columns(
	const struct convert_parquet *parquet, size_t *ret_count);
/* As record_reader_read. */
int convert_parquet_read(
	struct convert_parquet *parquet, const struct record_batch **ret_batch, struct err *err);
void convert_parquet_close(struct convert_parquet *parquet);
MEM_DEFINE_CLEANUP(struct convert_parquet, convert_parquet_close)

/* An empty database in memory, for reading only; 0 threads: one a core. */
int convert_database_open(duckdb_database *ret_database, unsigned threads, struct err *err);
