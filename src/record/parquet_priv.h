/* parquet_priv: what encoding a column chunk and writing the footer share. */
#pragma once

#include "record/parquet_file.h"

/* Numbers of parquet.thrift. */
enum { PARQUET_INT32 = 1, PARQUET_INT64 = 2, PARQUET_BYTE_ARRAY = 6 };
enum { PARQUET_PLAIN = 0, PARQUET_RLE = 3, PARQUET_RLE_DICTIONARY = 8 };
enum { PARQUET_DATA_PAGE = 0, PARQUET_DICTIONARY_PAGE = 2 };
enum { PARQUET_ZSTD = 6 };

/* Longest value kept as a statistic; longer ones are cut (a largest one has its end raised). */
#define PARQUET_STATISTIC_MAX 64

/* A column chunk in a group's bytes. Offsets count from the start of the group. */
struct record_parquet_chunk {
	uint64_t start, bytes; /* pages with their headers */
	uint64_t uncompressed_bytes;
	uint64_t data_offset;
	bool dictionary; /* its page is the first */
	uint32_t data_pages;
	uint64_t nulls;
	uint64_t distinct; /* with a dictionary */
	bool has_range;
	bool exact[2];
	uint8_t range_n[2]; /* smallest, largest */
	char range[2][PARQUET_STATISTIC_MAX];
	uint64_t bloom_offset;
	uint32_t bloom_bytes; /* 0: none */
};

/* bits.c: the RLE and bit-packing hybrid of Encodings.md, width 0 to 32; appends. */
void record_parquet_pack(struct buf *buf, const uint32_t *values, size_t count, unsigned width);
/* Bits that hold numbers below count. */
unsigned record_parquet_width(uint32_t count);

/* bloom.c: appends a filter (header and bits) of these texts; returns its bytes. */
uint32_t record_parquet_bloom(struct buf *buf, const struct str *texts, uint32_t count);
