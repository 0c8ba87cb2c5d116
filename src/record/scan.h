/* scan: flow log text to columns, by as many threads as there are.
 * A scan is one object, read as record/reader.h says (the reader is a scan with one worker). It
 * hands out blocks of whole lines: finding a block (reading and unpacking, header lines) is serial,
 * decoding it is not, so that several workers may share one large object. A worker belongs to one
 * thread and keeps its memory from block to block and object to object: about two and a half
 * blocks, whatever the object's size. Columns are decoded straight into the caller's memory:
 * integers as int32_t or int64_t, texts as struct record_string, validity as bits. Only wanted
 * columns are decoded, only of rows that pass the filter; all fields are looked at nevertheless, so
 * that the bad lines are the same whatever is wanted. With one exception: when the filter wants a
 * field to equal a text and few lines have that text in them, the others are only counted, good or
 * bad (as unchecked), unless the scan is strict. */
#pragma once

#include "record/filter.h"
#include "record/reader.h"

#define RECORD_SCAN_BLOCK ((size_t)512 << 10) /* bytes of text, about a second-level cache */

/* A text of up to 12 bytes lies in the value itself, the rest of which is zero; of a longer one the
 * first four do. (DuckDB's duckdb_string_t is the same, which its user asserts.) */
struct record_string {
	uint32_t n;
	char head[4];
	union {
		char tail[8];
		const char *p; /* the whole text */
	};
};
#define RECORD_STRING_INLINE 12

static inline struct str record_string_str(const struct record_string *text)
{
	return (struct str){text->n <= RECORD_STRING_INLINE ? text->head : text->p, text->n};
}

enum record_form { RECORD_FORM_INT32, RECORD_FORM_INT64, RECORD_FORM_TEXT };

/* A column to deliver. Integers may be asked for in either width that holds their type, texts as
 * texts. */
struct record_want {
	size_t column; /* of record_scan_columns */
	enum record_form form;
};

#define RECORD_SCAN_ROWS_MAX 2048 /* of one record_scan_decode; a multiple of 64 */

/* Where the rows of a wanted column go. */
struct record_out {
	void *data; /* int32_t, int64_t or struct record_string; what is NULL is 0 or empty */
	/* RECORD_SCAN_ROWS_MAX bits, the lowest the first row: set is valid. Written only with
	 * nulls. */
	uint64_t *validity;
	bool nulls; /* written: some rows are NULL */
};

struct record_scan;
struct record_scan_worker;

/* What a scan has done; complete when its workers are done with it. */
struct record_scan_stats {
	struct record_reader_stats reader;
	uint64_t bytes;     /* unpacked */
	uint64_t packed;    /* as they were read */
	uint64_t rows;      /* good lines that passed the filter */
	uint64_t unchecked; /* of the lines: passed over */
};

/* Takes the input over, on failure too. Reads as far as the first line to know the columns. */
int record_scan_open(struct record_scan **ret_scan, struct input *input,
	const struct record_format *headerless, bool strict, struct err *err);
/* As record_reader_columns. */
const struct record_reader_column *record_scan_columns(
	const struct record_scan *scan, size_t *ret_count);
/* What to deliver, before the first block. Nothing by default: rows are counted. filter is borrowed
 * until the scan is closed; its conditions are on columns of this scan. NULL: all rows. */
void record_scan_want(struct record_scan *scan, const struct record_want *wants, size_t count,
	const struct record_filter *filter);
/* The next block becomes the worker's (the one before is given up). 1: there is one, 0: there is
 * none left, <0: a read error, damage, or with strict a bad line. Several workers may call this for
 * one scan at a time; only this blocks on reads and on other workers. */
int record_scan_next(struct record_scan *scan, struct record_scan_worker *worker, struct err *err);
/* The next rows of the worker's block, at most max, in the order of the file; outs has one for each
 * wanted column. *ret_rows 0: the block is spent. Texts lie in the worker's memory until its next
 * record_scan_next or record_scan_decode. <0: with strict, a bad line. */
int record_scan_decode(struct record_scan_worker *worker, struct record_out *outs, size_t max,
	size_t *ret_rows, struct err *err);
void record_scan_stats(struct record_scan *scan, struct record_scan_stats *ret_stats);
/* No worker may hold a block of it. */
void record_scan_close(struct record_scan *scan);
MEM_DEFINE_CLEANUP(struct record_scan, record_scan_close)

struct record_scan_worker *record_scan_worker_new(void);
/* Gives up the worker's block; the scan's statistics have it from then on. */
void record_scan_release(struct record_scan_worker *worker);
void record_scan_worker_free(struct record_scan_worker *worker);
MEM_DEFINE_CLEANUP(struct record_scan_worker, record_scan_worker_free)
