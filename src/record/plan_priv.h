/* plan: what the fields of a line must be, and which column each is.
 * Made of a header line, or of a format for lines without one. A plan never changes once it is in
 * use, so that any thread may read it; it is counted by the scan, under the scan's lock. */
#pragma once

#include "base/buf.h"
#include "record/header_priv.h"
#include "record/reader.h"
#include "record/split_priv.h"

#define PLAN_WORDS (RECORD_READER_COLUMNS_MAX / 64)

struct plan_slot {
	enum record_text text;
	enum record_type type;
	int field;       /* enum record_field, or -1 */
	int column;      /* of the file, -1: dropped */
	struct str name; /* as record_reader_column.name */
};

struct plan {
	unsigned users;
	unsigned count;
	bool commas;
	bool headerless;
	bool told;                 /* the caller has said what lines without a header line are */
	uint64_t ends[PLAN_WORDS]; /* a bit a slot: the last one */
	/* Slots that must be what the bits of struct split say. */
	uint64_t needs[SPLIT_BITS][PLAN_WORDS];
	/* What needs and ends come to, line after line, from each slot on; when there are at
	 * most 64. */
	uint64_t repeated[SPLIT_BITS][64];
	/* Slots whose words are given. */
	unsigned exact[RECORD_READER_COLUMNS_MAX], exact_count;
	struct buf names; /* what slots[].name borrows */
	struct plan_slot slots[];
};

/* The plan of the header line whose tokens these are. */
struct plan *plan_from_header(const struct str *tokens, unsigned count, bool commas);
/* The plan of lines without a header line; time: with a time before them. */
struct plan *plan_from_format(const struct record_format *format, bool time, bool told);
/* Whether the tokens are those of the header line that the plan was made of. */
bool plan_repeats(const struct plan *plan, const struct str *tokens, unsigned count);
/* Gives each slot its column: the first slot of a name has it. */
void plan_join(struct plan *plan, const struct record_reader_column *columns, size_t count);
/* The slot of a column, -1: the lines of this plan lack it. */
int plan_slot_of(const struct plan *plan, size_t column);
void plan_free(struct plan *plan);
MEM_DEFINE_CLEANUP(struct plan, plan_free)

/* judge.c: one line, looked at closely. */

enum judge_verdict { JUDGE_GOOD, JUDGE_BAD, JUDGE_NONE /* a comment, or blank */ };

/* Tokens of a line (no '\n') in tokens, as many as the plan has when it is good. When it is bad,
 * reason (NULL: nobody asks) is told without the place. */
enum judge_verdict judge_line(const struct plan *plan, struct str line,
	struct str tokens[static RECORD_HEADER_TOKENS_MAX], struct err *reason);
/* Whether a token may stand in the slot. */
bool judge_token(const struct plan_slot *slot, struct str token);
/* Splits a line that may name fields. 0: it does not. first: it is the first line of the file. */
unsigned judge_header(struct str line, struct str tokens[static RECORD_HEADER_TOKENS_MAX],
	bool first, const struct plan *plan, bool *ret_commas);
static inline bool judge_is_missing(const char *p, size_t n)
{
	return n == 1 ? *p == '-' : n == 0;
}
