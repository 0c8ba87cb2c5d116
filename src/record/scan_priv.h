/* scan: what the serial and the parallel half of a scan share. */
#pragma once

#include "record/plan_priv.h"
#include "record/scan.h"

#include <pthread.h>

#define SCAN_BEFORE 64                                   /* readable bytes before a block */
#define SCAN_CARRY  ((size_t)RECORD_READER_LINE_MAX + 2) /* a line's beginning, with '\r', '\n' */

/* A bad line, until it is known which lines come first. */
struct scan_error {
	uint64_t line;
	struct err err;
};

/* What was seen of some lines. */
struct scan_count {
	uint64_t lines, bad_lines, unchecked, rows;
	bool truncated;
	unsigned errors;
	struct scan_error
		error[RECORD_READER_ERRORS]; /* the first ones, in the order of the lines */
};

struct record_scan {
	struct input *input;
	char *name; /* of the input, printable */
	bool strict;
	const struct record_format *headerless;
	struct record_format headerless_copy;
	const struct split_variant *split;

	struct record_reader_column columns[RECORD_READER_COLUMNS_MAX];
	size_t columns_count;
	char *columns_names;
	struct record_want *wants;
	size_t wants_count;
	const struct record_filter *filter;
	struct split_needle needle; /* that each row has in its line; n 0: none */

	pthread_mutex_t lock; /* what follows */
	struct plan *plan;    /* of the lines that come next */
	struct buf carry;     /* read already, and of no block yet */
	bool carry_is_lines;  /* it begins with a header line that differs, whole lines follow */
	bool carry_is_cut;    /* its last line had no '\n' */
	bool in_long_line;    /* until the next '\n' */
	bool content_seen;    /* the first line with something on it */
	bool ended;           /* nothing more to read */
	bool failed;
	struct err failure;   /* told when the blocks before it are out */
	uint64_t line_number; /* of the last line given out */
	uint64_t bytes;
	struct scan_count count;
};

struct record_scan_worker {
	struct record_scan *scan; /* whose block this is, NULL: none */
	struct plan *plan;
	int *slots; /* per want: of the plan, -1: absent */
	size_t slots_room;

	char *memory;     /* SCAN_BEFORE, the block, and what may be read beyond it */
	size_t room;      /* of the block */
	uint32_t at, end; /* what is left of the block, as offsets into memory */
	uint64_t line_number;
	bool cut; /* the block's last line had no '\n' */

	/* How the needle does. */
	uint64_t found, passed_over;

	/* The piece that is split and not yet walked to its end. */
	uint32_t piece, piece_end;
	size_t field; /* separators that were walked */
	size_t known; /* those of lines of which the bits vouch for all */
	struct split split;
	uint32_t *places;   /* places[0]: before the first field; split.places is places + 1 */
	size_t places_used; /* of the room for rewritten lines, behind those of the piece */
	uint32_t rows[RECORD_SCAN_ROWS_MAX]; /* per row: its first field, as an index into
						split.places */

	struct scan_count count;
	struct str tokens[RECORD_HEADER_TOKENS_MAX];
};

/* A bad line of some number; its reason, or NULL when enough are known. */
struct err *scan_count_bad(struct scan_count *count, uint64_t line);
/* Adds what a worker has seen. */
void scan_count_add(struct scan_count *total, const struct scan_count *more);
/* The number that the token of a good line is. */
int64_t scan_number(struct str token);
/* filter.c: keeps the rows of the worker that pass; returns how many. */
size_t scan_filter(struct record_scan_worker *worker, size_t rows);
/* filter.c: a text that the line of each row that passes has in it, if there is a long enough one.
 */
struct split_needle scan_needle(const struct record_filter *filter);
static inline struct str scan_token(
	const struct record_scan_worker *worker, uint32_t row, unsigned slot)
{
	const uint32_t *place = worker->split.places + row + slot;
	uint32_t start = place[-1] + 1;

	return (struct str){worker->memory + start, place[0] - start};
}
