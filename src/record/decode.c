/* The parallel half of a scan: a block becomes rows. Pieces of it are split (split_priv.h), and a
 * line whose bits say that each field is what it must be is a row as it stands. Of other lines the
 * fields that the bits do not vouch for are looked at one by one; lines with another number of
 * fields or with unusual bytes go to judge_line, and when they are good, their fields are moved
 * together so that they look like the others. Then rows are filtered, and then columns are decoded,
 * column by column, over rows that are in the first-level cache. */
#include "record/scan_priv.h"

#include "base/number.h"

#include <endian.h>

/* Sixty-four bits from any bit on. */
static inline uint64_t bits_at(const uint64_t *words, size_t bit)
{
	const uint64_t *word = words + (bit >> 6);
	unsigned shift = bit & 63;

	return word[0] >> shift | word[1] << 1 << (63 - shift);
}

static inline uint64_t load64(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

/* Numbers. */

#define ZEROS UINT64_C(0x3030303030303030)

/* Eight digits as values, the first in the lowest byte. */
static inline uint64_t eight_digits(uint64_t digits)
{
	digits = digits * 10 + (digits >> 8);
	return ((digits & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
		       (digits >> 16 & UINT64_C(0x000000ff000000ff)) *
			       UINT64_C(0x0000271000000001)) >>
	       32;
}

/* The last n digits, 1 to 8, before end. */
static inline uint64_t digits_before(const char *end, size_t n)
{
	return eight_digits((load64(end - 8) ^ ZEROS) & ~UINT64_C(0) << (64 - 8 * n));
}

/* A token that is a number for sure. */
static inline uint64_t number_of(struct str token)
{
	const char *end = token.p + token.n;
	uint64_t number = 0;

	if (__builtin_expect(token.n <= 8, 1))
		return digits_before(end, token.n);
	if (__builtin_expect(token.n <= 16, 1))
		return digits_before(end - 8, token.n - 8) * 100000000 + digits_before(end, 8);
	number_parse(token, INT64_MAX, &number);
	return number;
}

int64_t scan_number(struct str token)
{
	return (int64_t)number_of(token);
}

/* Lines. */

static int refuse(struct record_scan_worker *worker, const struct err *reason, struct err *err)
{
	const struct record_scan *scan = worker->scan;
	bool last = worker->cut && worker->at == worker->end;
	struct err *kept = scan_count_bad(&worker->count, worker->line_number);

	worker->count.truncated |= last;
	if (!kept && !scan->strict)
		return 0;
	struct err told = *reason;
	err_wrap(&told, "%s:%llu", scan->name, (unsigned long long)worker->line_number);
	if (kept)
		*kept = told;
	/* what the reader's user sees first of a cut line is that it is one */
	if (kept && last)
		err_wrap(kept, "the last line is cut off");
	if (!scan->strict)
		return 0;
	if (err)
		*err = kept ? *kept : told;
	return -1;
}

/* The fields of a line, moved together; a row of places of its own. */
static uint32_t rewrite(struct record_scan_worker *worker, char *line, unsigned count)
{
	uint32_t *place = worker->split.places + worker->places_used;
	uint32_t row = (uint32_t)worker->places_used + 1;
	char *p = line;

	*place++ = (uint32_t)(line - worker->memory) - 1;
	for (unsigned i = 0; i < count; i++) {
		struct str token = worker->tokens[i];
		memmove(p, token.p, token.n);
		p += token.n;
		*place++ = (uint32_t)(p - worker->memory);
		*p++ = ' ';
	}
	worker->places_used += count + 1;
	return row;
}

/* A line that is not of the usual form; worker->at is behind it. 1: a row, 0: none. */
static int judge(
	struct record_scan_worker *worker, uint32_t start, uint32_t *ret_row, struct err *err)
{
	struct str line = {worker->memory + start, worker->at - 1 - start};
	struct err reason = ERR_INIT;
	bool wanted = worker->count.errors < RECORD_READER_ERRORS || worker->scan->strict;

	switch (judge_line(worker->plan, line, worker->tokens, wanted ? &reason : NULL)) {
	case JUDGE_GOOD:
		worker->count.lines++;
		*ret_row = rewrite(worker, worker->memory + start, worker->plan->count);
		return 1;
	case JUDGE_BAD:
		return refuse(worker, &reason, err);
	case JUDGE_NONE:
		break;
	}
	return 0;
}

static inline bool is_exact(const struct plan_slot *slot, struct str token)
{
	if (slot->text == RECORD_TEXT_STATUS)
		return (token.n == 2 && token.p[0] == 'O' && token.p[1] == 'K') ||
		       judge_token(slot, token);
	uint64_t six = load64(token.p) & UINT64_C(0xffffffffffff);
	return (token.n == 6 &&
		       (six == UINT64_C(0x545045434341) || six == UINT64_C(0x5443454a4552))) ||
	       judge_is_missing(token.p, token.n);
}

/* The fields that the bits do not vouch for. */
static bool are_good(
	const struct record_scan_worker *worker, uint32_t row, unsigned word, uint64_t missing)
{
	for (; missing; missing &= missing - 1) {
		unsigned slot = word * 64 + (unsigned)__builtin_ctzll(missing);
		if (!judge_token(&worker->plan->slots[slot], scan_token(worker, row, slot)))
			return false;
	}
	return true;
}

/* What 64 slots from word * 64 on must be, against the bits from row on. */
static inline bool is_part(
	const struct record_scan_worker *worker, uint32_t row, unsigned word, unsigned left)
{
	const struct plan *plan = worker->plan;
	const struct split *split = &worker->split;
	size_t at = row + word * 64;
	uint64_t kept = left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;

	if ((bits_at(split->bits[SPLIT_LINE_END], at) & kept) != plan->ends[word])
		return false;
	uint64_t missing =
		(plan->needs[SPLIT_NUMBER32][word] & ~bits_at(split->bits[SPLIT_NUMBER32], at)) |
		(plan->needs[SPLIT_NUMBER64][word] & ~bits_at(split->bits[SPLIT_NUMBER64], at)) |
		(plan->needs[SPLIT_IPV4][word] & ~bits_at(split->bits[SPLIT_IPV4], at));
	return __builtin_expect(missing == 0, 1) || are_good(worker, row, word, missing);
}

static inline bool has_exact(const struct record_scan_worker *worker, uint32_t row)
{
	const struct plan *plan = worker->plan;

	for (unsigned i = 0; i < plan->exact_count; i++) {
		unsigned slot = plan->exact[i];
		if (!is_exact(&plan->slots[slot], scan_token(worker, row, slot)))
			return false;
	}
	return true;
}

/* Whether the separators from row on are those of one line, all of it good. */
static inline bool is_row(const struct record_scan_worker *worker, uint32_t row)
{
	const struct plan *plan = worker->plan;

	if (__builtin_expect(plan->count <= 64, 1)) {
		if (!is_part(worker, row, 0, plan->count))
			return false;
	} else {
		/* the end first: fields of another line are not looked at */
		for (unsigned word = (plan->count - 1) / 64 + 1; word-- > 0;) {
			if (!is_part(worker, row, word, plan->count - word * 64))
				return false;
		}
	}
	return has_exact(worker, row);
}

/* Whether a chunk that the line lies in has a byte to look at. */
static bool is_unusual(const struct record_scan_worker *worker, uint32_t start, uint32_t end)
{
	uint32_t first = (start - worker->piece) / 64;
	uint32_t last = (end - worker->piece) / 64;

	for (uint32_t chunk = first; chunk <= last; chunk++) {
		if (worker->split.unusual[chunk / 64] >> (chunk & 63) & 1)
			return true;
	}
	return false;
}

/* Pieces. */

/* Looking for the needle pays when few lines have it: one in eight, say, of the first ones. */
#define NEEDLE_TRIAL 64
#define NEEDLE_RARE  8

/* Whether lines without the needle are passed over. A quoted field may be written otherwise than
 * the text that it means. */
static bool has_needle(const struct record_scan_worker *worker)
{
	return worker->scan->needle.n && !worker->plan->commas &&
	       (worker->found < NEEDLE_TRIAL || worker->passed_over >= NEEDLE_RARE * worker->found);
}

/* Moves on to the next line that has the needle; returns its length, 0 at the end of the block. */
static uint32_t find_needle(struct record_scan_worker *worker)
{
	const struct record_scan *scan = worker->scan;
	const char *text = worker->memory + worker->at;
	size_t n = worker->end - worker->at;
	struct split_passed passed;
	size_t begin = scan->split->find(text, n, &scan->needle, &passed);

	worker->at += (uint32_t)begin;
	worker->piece_end = worker->at;
	worker->line_number += passed.ends;
	worker->count.lines += passed.lines;
	worker->count.unchecked += passed.lines;
	worker->passed_over += passed.lines;
	if (begin == n)
		return 0;
	worker->found++;
	const char *end = memchr(text + begin, '\n', n - begin);
	return (uint32_t)(end - (text + begin)) + 1;
}

/* How many separators are those of lines that need no other look than at the words that are given:
 * most pieces are like that, and 64 fields are compared at a time. */
static size_t known_fields(const struct plan *plan, const struct split *split)
{
	size_t known = 0;
	unsigned slot = 0;

	if (plan->count > 64 || split->any_unusual)
		return 0;
	for (size_t word = 0; known < split->count; word++) {
		uint64_t wrong =
			plan->repeated[SPLIT_LINE_END][slot] ^ split->bits[SPLIT_LINE_END][word];
		for (unsigned kind = SPLIT_LINE_END + 1; kind < SPLIT_BITS; kind++)
			wrong |= plan->repeated[kind][slot] & ~split->bits[kind][word];
		known += wrong ? (size_t)__builtin_ctzll(wrong) : 64;
		if (wrong)
			break;
		slot = (slot + 64) % plan->count;
	}
	if (known > split->count)
		known = split->count;
	return known - known % plan->count;
}

/* Splits what comes next; false at the end of the block. */
static bool next_piece(struct record_scan_worker *worker)
{
	uint32_t n = worker->end - worker->at;

	if (n && has_needle(worker))
		n = find_needle(worker);
	if (n == 0)
		return false;
	if (n > SPLIT_PIECE)
		n = (uint32_t)SPLIT_PIECE;
	worker->piece = worker->at;
	worker->piece_end = worker->at + n;
	worker->places[0] = worker->at - 1;
	worker->field = 0;
	worker->scan->split->fields(
		&worker->split, worker->memory + worker->at, n, worker->at, worker->plan->commas);
	worker->known = known_fields(worker->plan, &worker->split);
	return true;
}

/* A line that is longer than a piece. */
static int walk_long_line(struct record_scan_worker *worker, uint32_t *ret_row, struct err *err)
{
	uint32_t start = worker->at;
	const char *end = memchr(worker->memory + start, '\n', worker->end - start);

	worker->at = (uint32_t)(end - worker->memory) + 1;
	worker->line_number++;
	worker->piece_end = worker->at;
	worker->split.count = worker->field = worker->known = 0;
	return judge(worker, start, ret_row, err);
}

/* Lines that the bits vouch for become rows, at most max. */
static size_t walk_known(struct record_scan_worker *worker, uint32_t *rows, size_t max)
{
	const uint32_t *places = worker->split.places;
	const unsigned count = worker->plan->count;
	size_t field = worker->field;
	size_t n = 0;

	for (; n < max && field < worker->known; n++, field += count) {
		if (worker->memory[places[(ptrdiff_t)field - 1] + 1] == '#' ||
			!has_exact(worker, (uint32_t)field))
			break;
		rows[n] = (uint32_t)field;
	}
	worker->field = field;
	worker->at = places[(ptrdiff_t)field - 1] + 1;
	worker->line_number += n;
	worker->count.lines += n;
	return n;
}

/* The separator that ends the line whose fields begin at field; split.count when it is not here. */
static size_t find_line_end(const struct split *split, size_t field)
{
	while (field < split->count) {
		uint64_t ends = bits_at(split->bits[SPLIT_LINE_END], field);
		if (ends) {
			field += (size_t)__builtin_ctzll(ends);
			break;
		}
		field += 64;
	}
	return field < split->count ? field : split->count;
}

/* Good lines of the piece as rows, at most max. <0 with strict. */
static int walk(struct record_scan_worker *worker, size_t max, size_t *ret_rows, struct err *err)
{
	const struct split *split = &worker->split;
	const unsigned count = worker->plan->count;
	size_t rows = worker->field < worker->known ? walk_known(worker, worker->rows, max) : 0;
	size_t field = worker->field;
	uint64_t good = 0;
	int r = 0;

	while (rows < max && field < split->count) {
		uint32_t start = split->places[(ptrdiff_t)field - 1] + 1;
		if (__builtin_expect(field + count <= split->count &&
					     is_row(worker, (uint32_t)field) &&
					     worker->memory[start] != '#',
			    1)) {
			uint32_t end = split->places[field + count - 1];
			if (__builtin_expect(
				    (!split->any_unusual || !is_unusual(worker, start, end)) &&
					    worker->memory[end - 1] != '\r',
				    1)) {
				worker->rows[rows++] = (uint32_t)field;
				field += count;
				worker->at = end + 1;
				worker->line_number++;
				good++;
				continue;
			}
		}
		size_t last = find_line_end(split, field);
		if (last == split->count)
			break;
		worker->at = split->places[last] + 1;
		worker->line_number++;
		field = last + 1;
		r = judge(worker, start, &worker->rows[rows], err);
		if (r < 0)
			break;
		rows += (size_t)r;
	}
	if (rows < max && r >= 0 && find_line_end(split, field) == split->count)
		worker->piece_end = worker->at; /* spent; what is left begins the next one */
	worker->field = field;
	worker->count.lines += good;
	*ret_rows = rows;
	return r < 0 ? -1 : 0;
}

/* Columns. */

static void set_null(struct record_out *out, size_t row)
{
	if (!out->nulls) {
		memset(out->validity, 0xff, RECORD_SCAN_ROWS_MAX / 8);
		out->nulls = true;
	}
	out->validity[row / 64] &= ~(UINT64_C(1) << (row & 63));
}

/* wide: int64_t. Made twice by the compiler. */
static __attribute__((always_inline)) inline void decode_number(
	const struct record_scan_worker *worker, unsigned slot, size_t rows, struct record_out *out,
	size_t at, bool wide)
{
	for (size_t i = 0; i < rows; i++) {
		struct str token = scan_token(worker, worker->rows[i], slot);
		int64_t number = 0;
		if (__builtin_expect(judge_is_missing(token.p, token.n), 0))
			set_null(out, at + i);
		else
			number = (int64_t)number_of(token);
		if (wide)
			((int64_t *)out->data)[at + i] = number;
		else
			((int32_t *)out->data)[at + i] = (int32_t)number;
	}
}

static void decode_text(const struct record_scan_worker *worker, unsigned slot, size_t rows,
	struct record_out *out, size_t at)
{
	static const char ones[2 * RECORD_STRING_INLINE] = {
		[0 ... RECORD_STRING_INLINE - 1] = '\xff'};
	struct record_string *data = (struct record_string *)out->data + at;

	for (size_t i = 0; i < rows; i++) {
		struct str token = scan_token(worker, worker->rows[i], slot);
		struct record_string text = {.n = (uint32_t)token.n};
		if (token.n <= RECORD_STRING_INLINE) {
			/* without a branch on the length: all twelve bytes, and zeros over some */
			const char *mask = ones + RECORD_STRING_INLINE - token.n;
			uint32_t head, head_mask;
			uint64_t tail, tail_mask;
			memcpy(&head, token.p, sizeof(head));
			memcpy(&head_mask, mask, sizeof(head_mask));
			memcpy(&tail, token.p + sizeof(head), sizeof(tail));
			memcpy(&tail_mask, mask + sizeof(head), sizeof(tail_mask));
			head &= head_mask;
			tail &= tail_mask;
			memcpy(text.head, &head, sizeof(head));
			memcpy(text.tail, &tail, sizeof(tail));
			if (__builtin_expect(judge_is_missing(token.p, token.n), 0)) {
				text = (struct record_string){0};
				set_null(out, at + i);
			}
		} else {
			memcpy(text.head, token.p, sizeof(text.head));
			text.p = token.p;
		}
		data[i] = text;
	}
}

static void decode_absent(enum record_form form, size_t rows, struct record_out *out, size_t at)
{
	size_t size = form == RECORD_FORM_INT32   ? sizeof(int32_t)
		      : form == RECORD_FORM_INT64 ? sizeof(int64_t)
						  : sizeof(struct record_string);

	memset((char *)out->data + at * size, 0, rows * size);
	for (size_t i = 0; i < rows; i++)
		set_null(out, at + i);
}

static void decode_columns(
	const struct record_scan_worker *worker, size_t rows, struct record_out *outs, size_t at)
{
	const struct record_scan *scan = worker->scan;

	for (size_t i = 0; i < scan->wants_count; i++) {
		enum record_form form = scan->wants[i].form;
		int slot = worker->slots[i];
		if (slot < 0)
			decode_absent(form, rows, &outs[i], at);
		else if (form == RECORD_FORM_INT32)
			decode_number(worker, (unsigned)slot, rows, &outs[i], at, false);
		else if (form == RECORD_FORM_INT64)
			decode_number(worker, (unsigned)slot, rows, &outs[i], at, true);
		else
			decode_text(worker, (unsigned)slot, rows, &outs[i], at);
	}
}

int record_scan_decode(struct record_scan_worker *worker, struct record_out *outs, size_t max,
	size_t *ret_rows, struct err *err)
{
	const struct record_scan *scan = worker->scan;
	size_t done = 0;

	for (size_t i = 0; i < scan->wants_count; i++)
		outs[i].nulls = false;
	if (max > RECORD_SCAN_ROWS_MAX)
		max = RECORD_SCAN_ROWS_MAX;
	worker->places_used = SPLIT_PIECE + 64;
	while (done < max) {
		size_t rows;
		if (worker->at == worker->piece_end && !next_piece(worker))
			break;
		uint32_t before = worker->at;
		if (walk(worker, max - done, &rows, err) < 0)
			return -1;
		if (rows == 0 && worker->at == before) {
			int r = walk_long_line(worker, &worker->rows[0], err);
			if (r < 0)
				return -1;
			rows = (size_t)r;
		}
		if (scan->filter)
			rows = scan_filter(worker, rows);
		decode_columns(worker, rows, outs, done);
		worker->places_used = SPLIT_PIECE + 64;
		done += rows;
	}
	worker->count.rows += done;
	*ret_rows = done;
	return 0;
}
