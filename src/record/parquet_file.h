/* parquet_file: row groups of flow log columns as a Parquet file (the Apache Parquet format,
 * github.com/apache/parquet-format 2.x: README.md, Encodings.md, BloomFilter.md, parquet.thrift).
 * What is written is what AWS's own files and their readers (Athena, Spark, Trino, pyarrow, DuckDB)
 * have in common: flat, optional columns of INT32 (INT_32), INT64 (INT_64) and BYTE_ARRAY (STRING);
 * data pages of version 1 with a CRC; PLAIN or RLE_DICTIONARY values; zstd. Each column chunk has
 * its smallest and largest value, counts of NULL and (with a dictionary) of distinct values;
 * columns that ask for it have a split-block bloom filter over XXH64. Two steps, so that row groups
 * can be encoded by several threads and written in order by one: an encoder makes the bytes of a
 * row group; a file takes them one after the other. Encoding touches no disk. Owner: the caller;
 * one thread at a time for each encoder and each file. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "record/field.h"

#include <stdint.h>

#define RECORD_PARQUET_COLUMNS_MAX 512
/* Rows of a row group that suit readers: enough to compress well, few enough that statistics and
 * bloom filters leave out much of a file. */
#define RECORD_PARQUET_GROUP_ROWS ((uint32_t)1 << 18)
#define RECORD_PARQUET_ZSTD_LEVEL 1

#define RECORD_PARQUET_NULL_NUMBER INT64_MIN
#define RECORD_PARQUET_NULL_INDEX  UINT32_MAX

struct record_parquet_column {
	struct str name;
	enum record_type type;
	bool bloom; /* of text columns */
};

/* What the rows of a group hold in one column. Borrowed while it is encoded. */
struct record_parquet_values {
	const int64_t *numbers; /* [rows], integer columns; RECORD_PARQUET_NULL_NUMBER is NULL */
	/* Text columns: each distinct value once, each used by some row, and each row's index. */
	const struct str *texts;
	uint32_t texts_count;
	const uint32_t *index; /* [rows]; RECORD_PARQUET_NULL_INDEX is NULL */
};

/* Columns that the rows of a file are sorted by, ascending, missing values first in text columns as
 * "-" and first or last in others as it may be. */
#define RECORD_PARQUET_SORT_MAX 8

/* A row group, ready to be written. A zeroed one is ready to be filled; record_parquet_group_done
 * frees it. */
struct record_parquet_group {
	uint32_t rows;
	struct buf bytes; /* column chunks, then bloom filters */
	struct record_parquet_chunk *chunks;
	unsigned chunks_count;
};
void record_parquet_group_done(struct record_parquet_group *group);

struct record_parquet_encoder;
struct record_parquet_encoder *record_parquet_encoder_new(
	const struct record_parquet_column *columns, unsigned count, int zstd_level);
/* Begins a row group of this many rows (1 to 2^24); then the columns' values, in order. group must
 * be zeroed or one whose content is no longer wanted. */
void record_parquet_encoder_start(
	struct record_parquet_encoder *encoder, uint32_t rows, struct record_parquet_group *group);
/* Fails when the chunk would be larger than the format's 2 GiB of a page. */
int record_parquet_encoder_add(struct record_parquet_encoder *encoder,
	const struct record_parquet_values *values, struct err *err);
void record_parquet_encoder_free(struct record_parquet_encoder *encoder);
MEM_DEFINE_CLEANUP(struct record_parquet_encoder, record_parquet_encoder_free)

struct record_parquet_file;
/* Writes to fd (borrowed, at its start). Columns are copied; sorted names columns by index. */
struct record_parquet_file *record_parquet_file_new(int fd, const char *name,
	const struct record_parquet_column *columns, unsigned count, const unsigned *sorted,
	unsigned sorted_count);
/* A word about the file that readers hand through; before it is finished. */
void record_parquet_file_note(struct record_parquet_file *file, struct str key, struct str value);
int record_parquet_file_add(struct record_parquet_file *file,
	const struct record_parquet_group *group, struct err *err);
/* Bytes and rows written so far. */
uint64_t record_parquet_file_bytes(const struct record_parquet_file *file);
uint64_t record_parquet_file_rows(const struct record_parquet_file *file);
/* Writes the footer: the file is complete (not yet synchronised to disk). */
int record_parquet_file_finish(struct record_parquet_file *file, struct err *err);
void record_parquet_file_free(struct record_parquet_file *file);
MEM_DEFINE_CLEANUP(struct record_parquet_file, record_parquet_file_free)
