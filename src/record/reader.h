/* reader: lines of flow log text to columns.
 * Takes text as AWS and its users leave it: a header line when there is one (any order, custom
 * formats, unknown fields kept as text; told by one known name in the first line, and by most names
 * in later ones), the version 2 default order when there is none; "-" is
 * NULL; NODATA and SKIPDATA lines; IPv6; CRLF; a byte order mark; runs of blanks between fields and
 * around them; a last line without '\n' when it is whole, counted as truncated when it is not;
 * gzip with any number of members, each of which may begin with a header line of its own.
 * Also what other tools make of flow logs: the time that CloudWatch Logs puts before each line of
 * an export to S3 (a column "ts", as AWS's documents of 2018 have it); header lines with the names
 * of SQL columns; commas instead of blanks (RFC 4180, told by the header line, an empty field is
 * NULL). Blank lines, lines that begin with '#' and what stands behind the last field after '#' (as
 * in AWS's examples) are comments. A line is bad when its number of fields differs from the
 * header's or a field is not of its type (record_fields[].text): integers from 0 to the largest of
 * their type, addresses, the words of action and log-status; other words are free but UTF-8 without
 * control characters. All fields are looked at, wanted or not. Bad lines are skipped and counted
 * and the first few are kept as errors with file, line and field; with strict the first one fails
 * the read. Owner: the caller; one thread a reader. Blocks on file reads. */
#pragma once

#include "base/input.h"
#include "record/format.h"

#include <stdint.h>

#define RECORD_READER_COLUMNS_MAX 256   /* fields of one line */
#define RECORD_READER_LINE_MAX    65536 /* bytes of one line; a longer one is bad */
#define RECORD_READER_BATCH       2048  /* most rows of one batch */
#define RECORD_READER_ERRORS      8     /* bad lines told in full */

/* One column of the file, in file order. No field or name is there twice: the first one counts. */
struct record_reader_column {
	struct str name; /* of a known field as in ${...}, else as in the header; the reader's */
	int field;       /* enum record_field, or -1: unknown, kept as text */
	enum record_type type; /* of the values below: INT32 values are stored as int64 too */
};

/* Rows of the columns that were asked for. Column i of the batch is wanted[i]. */
struct record_batch {
	size_t rows;
	size_t columns;
	struct record_batch_column {
		enum record_type type;
		bool *valid;       /* [rows] */
		int64_t *numbers;  /* [rows] when the type is an integer */
		struct str *texts; /* [rows] when STRING; borrowed until the next read */
	} * column;
};

struct record_reader_stats {
	uint64_t lines; /* data lines seen, good and bad */
	uint64_t bad_lines;
	uint64_t truncated; /* 1 when the last line was cut off (counted in bad_lines too) */
	unsigned errors;    /* kept in error[] */
	struct err error[RECORD_READER_ERRORS];
};

struct record_reader;

/* Takes the input over, on failure too. Reads as far as the first line to know the columns. */
int record_reader_open(
	struct record_reader **ret_reader, struct input *input, bool strict, struct err *err);
/* The same with the fields of lines without a header line; NULL is the version 2 default. A header
 * line has the last word. */
int record_reader_open_as(struct record_reader **ret_reader, struct input *input,
	const struct record_format *headerless, bool strict, struct err *err);
/* Columns of the file, in file order; borrowed. A later header line that differs (another gzip
 * member) maps its fields to these by name; fields that are not among these are dropped, missing
 * ones are NULL. */
const struct record_reader_column *record_reader_columns(
	const struct record_reader *reader, size_t *ret_count);
/* Which columns to deliver: indexes into record_reader_columns, in the order wanted, none twice.
 * Default: all. Must come before the first read. */
void record_reader_want(struct record_reader *reader, const size_t *columns, size_t count);
/* Next rows, at most RECORD_READER_BATCH; rows 0 is the end. The batch is the reader's. Fails on
 * read errors and damaged gzip after the good lines before them; the batch then has no rows. */
int record_reader_read(
	struct record_reader *reader, const struct record_batch **ret_batch, struct err *err);
const struct record_reader_stats *record_reader_stats(const struct record_reader *reader);
void record_reader_close(struct record_reader *reader);
MEM_DEFINE_CLEANUP(struct record_reader, record_reader_close)
