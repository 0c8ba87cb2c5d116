/* parquet: records as a Parquet file with AWS's column names and types (INT_32, INT_64, STRING;
 * "-" is NULL in integer columns and "-" in string columns, as AWS writes NODATA lines), zstd.
 * Owner: the caller; one thread. Records wait in memory, 48 bytes and 16 for each address column
 * (80 for the default format), until they are written. Interfaces are copied: those of records
 * need not outlive record_parquet_add. */
#pragma once

#include "base/err.h"
#include "record/format.h"
#include "record/record.h"

#define RECORD_PARQUET_RECORDS_MAX 100000000u /* of one file: 8 GB of memory */

struct record_parquet;

int record_parquet_new(
	struct record_parquet **ret_parquet, const struct record_format *format, struct err *err);
int record_parquet_add(
	struct record_parquet *parquet, const struct record *record, struct err *err);
/* Records held. */
size_t record_parquet_count(const struct record_parquet *parquet);
/* Writes all records, in the order added, to a file that is created or truncated (not synchronised
 * to disk); after a failure the file may be there in part. Keeps the records: whoever has made the
 * file durable clears or frees them. */
int record_parquet_write(struct record_parquet *parquet, const char *path, struct err *err);
void record_parquet_clear(struct record_parquet *parquet);
void record_parquet_free(struct record_parquet *parquet);
MEM_DEFINE_CLEANUP(struct record_parquet, record_parquet_free)
