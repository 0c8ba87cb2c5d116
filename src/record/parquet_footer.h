/* parquet_footer: what the footer of somebody's Parquet file says of where its columns lie (the
 * Apache Parquet format, parquet.thrift, in Thrift's compact protocol), and the same footer with
 * some of its row groups only. Nothing in it is believed: an offset that is not in the file is an
 * error, and so is what this does not know (encrypted or split files); whoever asks then reads the
 * file whole. Owner: the caller; one thread. Texts are borrowed from the bytes parsed. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_PARQUET_TAIL_BYTES 8 /* behind the footer: its length and "PAR1" */

struct record_parquet_extent {
	uint64_t offset, bytes; /* in the file; 0 bytes: there is none */
};

/* A column of a row group. */
struct record_parquet_part {
	struct str name; /* the column's; of a nested one the outermost's */
	int type;        /* physical: 1 INT32, 2 INT64, 6 BYTE_ARRAY, ... */
	struct record_parquet_extent pages, bloom;
	struct str low, high; /* its values are within, as PLAIN writes them; .p NULL: not known */
};

struct record_parquet_footer {
	struct str bytes; /* without the tail */
	size_t groups_count, columns_count;
	struct record_parquet_part *parts; /* columns_count of each group */
	/* private */
	struct record_parquet_group_place {
		size_t at, bytes;
		uint64_t rows;
	} * places;
	size_t rows_at, rows_bytes;     /* the number of rows */
	size_t groups_at, groups_bytes; /* the list, with its head */
};

/* The footer's length by the file's last RECORD_PARQUET_TAIL_BYTES; 0: it is no Parquet file, or
 * the length is more than the file has. */
uint64_t record_parquet_footer_length(const char *tail, uint64_t file_bytes);
/* file_bytes: of the whole file, in which all extents must lie before the footer. */
int record_parquet_footer_parse(struct record_parquet_footer *ret_footer, struct str bytes,
	uint64_t file_bytes, struct err *err);
/* The footer with the row groups that are kept, and its tail. */
void record_parquet_footer_print(
	struct buf *buf, const struct record_parquet_footer *footer, const bool *kept);
void record_parquet_footer_done(struct record_parquet_footer *footer);
