/* The serial half of a scan: bytes become blocks of whole lines that all follow one plan. What is
 * behind the last '\n' of a block is carried over to the next one. A line that may be a header line
 * is told by its first byte, 64 bytes at a time, and looked at: one that repeats the plan is made a
 * comment, one that differs ends the block and changes the plan of the next.
 * decode.c is the parallel half. */
#include "record/scan_priv.h"

#include <assert.h>

#define BLOCK_ROOM (RECORD_SCAN_BLOCK + SCAN_CARRY + 1)
#define FIRST_PEEK ((size_t)16 << 10) /* enough to know the columns of most files */
#define FIRST_MAX  ((size_t)256 << 10)
#define PLACES     (SPLIT_PIECE + 64)
/* A line is rewritten to as many places as it has fields, and one; two bytes make three at most. */
#define REWRITTEN (2 * SPLIT_PIECE + RECORD_READER_COLUMNS_MAX + 2)

static char *printable_name(const char *name)
{
	char *copy = mem_strdup(name);

	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	return copy;
}

/* Statistics. */

struct err *scan_count_bad(struct scan_count *count, uint64_t line)
{
	count->lines++;
	count->bad_lines++;
	if (count->errors == RECORD_READER_ERRORS)
		return NULL;
	struct scan_error *error = &count->error[count->errors++];
	error->line = line;
	return &error->err;
}

void scan_count_add(struct scan_count *total, const struct scan_count *more)
{
	total->lines += more->lines;
	total->bad_lines += more->bad_lines;
	total->unchecked += more->unchecked;
	total->rows += more->rows;
	total->truncated |= more->truncated;
	for (unsigned i = 0; i < more->errors; i++) {
		unsigned place = total->errors;
		while (place > 0 && total->error[place - 1].line > more->error[i].line)
			place--;
		if (place == RECORD_READER_ERRORS)
			continue;
		unsigned kept = total->errors < RECORD_READER_ERRORS ? total->errors++
								     : RECORD_READER_ERRORS - 1;
		for (unsigned j = kept; j > place; j--)
			total->error[j] = total->error[j - 1];
		total->error[place] = more->error[i];
	}
}

/* A bad line that belongs to no block. */
static void count_bad_line(struct record_scan *scan, uint64_t line, const char *reason)
{
	struct err err = ERR_INIT;
	struct err *kept = scan_count_bad(&scan->count, line);

	err_set(&err, ERR_INPUT, "%s:%llu: %s", scan->name, (unsigned long long)line, reason);
	if (kept)
		*kept = err;
	if (scan->strict && !scan->failed) {
		scan->failed = true;
		scan->failure = err;
	}
}

/* Opening. */

static struct str trimmed(struct str line)
{
	static const struct str mark = {"\xef\xbb\xbf", 3};

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (str_starts_with(line, mark))
		line = (struct str){line.p + mark.n, line.n - mark.n};
	return str_trim(line);
}

static bool has_content(struct str line)
{
	struct str content = trimmed(line);

	return content.n && content.p[0] != '#';
}

/* The first line with something on it; false when it may not be whole. */
static bool first_line(struct str bytes, struct str *ret_line)
{
	struct str line = STR_NONE;
	bool whole = false;

	while (str_split(&bytes, '\n', &line)) {
		whole = bytes.p != NULL; /* there was a '\n' */
		if (has_content(line))
			break;
		whole = false;
	}
	*ret_line = line;
	return whole;
}

static int choose_plan(struct record_scan *scan, struct err *err)
{
	const struct record_format *format =
		scan->headerless ? scan->headerless : &record_format_default;
	struct str tokens[RECORD_HEADER_TOKENS_MAX];
	struct str bytes, line;
	unsigned seen;
	bool commas;

	if (input_peek(scan->input, FIRST_PEEK, &bytes, err) < 0 ||
		(!first_line(bytes, &line) && bytes.n >= FIRST_PEEK &&
			input_peek(scan->input, FIRST_MAX, &bytes, err) < 0))
		return -1;
	first_line(bytes, &line);
	unsigned count = judge_header(line, tokens, !scan->headerless, NULL, &commas);
	if (count) {
		scan->plan = plan_from_header(tokens, count, commas);
		return 0;
	}
	count = record_header_split_blanks(trimmed(line), tokens, &seen);
	scan->plan = plan_from_format(format,
		count == format->count + 1u && record_header_is_time(tokens[0]),
		scan->headerless != NULL);
	return 0;
}

static bool has_column(const struct record_scan *scan, const struct plan_slot *slot)
{
	for (size_t i = 0; i < scan->columns_count; i++) {
		const struct record_reader_column *column = &scan->columns[i];
		if (column->field == slot->field &&
			(slot->field >= 0 || str_equal(column->name, slot->name)))
			return true;
	}
	return false;
}

/* The columns of the file are those of its first plan. */
static void make_columns(struct record_scan *scan)
{
	const struct plan *plan = scan->plan;
	size_t n = 0;

	for (unsigned i = 0; i < plan->count; i++)
		n += plan->slots[i].name.n;
	char *names = scan->columns_names = mem_new(n + 1, 1);
	for (unsigned i = 0; i < plan->count; i++) {
		const struct plan_slot *slot = &plan->slots[i];

		if (has_column(scan, slot))
			continue;
		memcpy(names, slot->name.p, slot->name.n);
		scan->columns[scan->columns_count++] = (struct record_reader_column){
			.name = {names, slot->name.n},
			.field = slot->field,
			.type = slot->type,
		};
		names += slot->name.n;
	}
	plan_join(scan->plan, scan->columns, scan->columns_count);
}

int record_scan_open(struct record_scan **ret_scan, struct input *input,
	const struct record_format *headerless, bool strict, struct err *err)
{
	_cleanup_(record_scan_closep) struct record_scan *scan = mem_new(1, sizeof(*scan));

	pthread_mutex_init(&scan->lock, NULL);
	scan->input = input;
	scan->name = printable_name(input_name(input));
	scan->strict = strict;
	scan->split = split_best();
	if (headerless) {
		scan->headerless_copy = *headerless;
		scan->headerless = &scan->headerless_copy;
	}
	if (choose_plan(scan, err) < 0)
		return -1;
	make_columns(scan);
	*ret_scan = take(scan);
	return 0;
}

const struct record_reader_column *record_scan_columns(
	const struct record_scan *scan, size_t *ret_count)
{
	*ret_count = scan->columns_count;
	return scan->columns;
}

void record_scan_want(struct record_scan *scan, const struct record_want *wants, size_t count,
	const struct record_filter *filter)
{
	free(scan->wants);
	scan->wants = mem_new(count + 1, sizeof(*wants));
	for (size_t i = 0; i < count; i++) {
		assert(wants[i].column < scan->columns_count);
		scan->wants[i] = wants[i];
	}
	scan->wants_count = count;
	scan->filter = filter;
	/* the first bad line must be found */
	scan->needle = scan->strict ? (struct split_needle){0} : scan_needle(filter);
}

/* Plans. */

static void drop_plan(struct plan *plan)
{
	if (plan && --plan->users == 0)
		plan_free(plan);
}

static void change_plan(
	struct record_scan *scan, const struct str *tokens, unsigned count, bool commas)
{
	struct plan *plan = plan_from_header(tokens, count, commas);

	plan_join(plan, scan->columns, scan->columns_count);
	drop_plan(scan->plan);
	scan->plan = plan;
}

static struct str line_at(const char *text, size_t n)
{
	const char *end = memchr(text, '\n', n);

	return (struct str){text, (size_t)(end - text)};
}

enum header { HEADER_NONE, HEADER_TAKEN, HEADER_DIFFERS };

/* Looks at a line that may be a header line. One that differs changes the plan, unless lines that
 * follow it are in this block already. */
static enum header take_header(
	struct record_scan *scan, char *text, struct str line, bool first, bool may_change)
{
	struct str tokens[RECORD_HEADER_TOKENS_MAX];
	bool commas;
	unsigned count = judge_header(line, tokens, first, scan->plan, &commas);

	if (!count)
		return HEADER_NONE;
	if (commas != scan->plan->commas || !plan_repeats(scan->plan, tokens, count)) {
		if (!may_change)
			return HEADER_DIFFERS;
		change_plan(scan, tokens, count, commas);
	}
	text[0] = '#'; /* a comment for all who come */
	return HEADER_TAKEN;
}

/* How much of these whole lines follows one plan, which becomes scan->plan; counts them. */
static size_t one_plan(struct record_scan *scan, char *text, size_t n)
{
	size_t at = 0;
	bool data = false; /* lines that the plan is for */

	while (at < n && !scan->content_seen) {
		struct str line = line_at(text + at, n - at);
		scan->content_seen = has_content(line);
		if (scan->content_seen)
			data = take_header(scan, text + at, line, !scan->headerless, true) ==
			       HEADER_NONE;
		at += line.n + 1;
		scan->line_number++;
	}
	while (at < n) {
		uint64_t lines;
		at += scan->split->words(text + at, n - at, &lines);
		scan->line_number += lines;
		data |= lines > 0;
		if (at == n)
			break;
		struct str line = line_at(text + at, n - at);
		enum header header = take_header(scan, text + at, line, false, !data);
		if (header == HEADER_DIFFERS)
			break;
		data |= header == HEADER_NONE;
		at += line.n + 1;
		scan->line_number++;
	}
	return at;
}

/* Blocks. */

/* Bytes behind those that were carried over. */
static void read_block(struct record_scan *scan, char *text, size_t *n)
{
	size_t got = 0;
	char more;

	if (input_read(scan->input, text + *n, RECORD_SCAN_BLOCK, &got, &scan->failure) < 0) {
		scan->failed = scan->ended = true;
	} else if (got < RECORD_SCAN_BLOCK) {
		size_t one = 0;
		scan->ended = true;
		if (input_read(scan->input, &more, 1, &one, &scan->failure) < 0)
			scan->failed = true;
		assert(one == 0);
	}
	*n += got;
	scan->bytes += got;
}

/* Drops what is left of a line that is too long. */
static size_t skip_long_line(struct record_scan *scan, const char *text, size_t n)
{
	const char *end = memchr(text, '\n', n);

	if (!scan->in_long_line)
		return 0;
	if (!end)
		return n;
	scan->in_long_line = false;
	return (size_t)(end - text) + 1;
}

/* What is behind the last '\n': the last line of all, or the beginning of one. */
enum tail { TAIL_NONE, TAIL_CARRY, TAIL_LINE, TAIL_LONG, TAIL_DAMAGED };

static enum tail tail_of(const struct record_scan *scan, size_t n)
{
	if (n == 0)
		return TAIL_NONE;
	if (n > RECORD_READER_LINE_MAX + 1) /* a '\r' is not of the line */
		return TAIL_LONG;
	if (!scan->ended)
		return TAIL_CARRY;
	return scan->failed ? TAIL_DAMAGED : TAIL_LINE;
}

/* Counts what is behind the last line when it is bad and in no block. */
static void finish_tail(struct record_scan *scan, enum tail tail)
{
	if (tail == TAIL_LONG) {
		scan->in_long_line = true;
		count_bad_line(scan, ++scan->line_number, "a line of more than 65536 bytes");
	} else if (tail == TAIL_DAMAGED) {
		scan->count.truncated = true;
		count_bad_line(scan, ++scan->line_number, "the line is cut off");
	}
}
static_assert(RECORD_READER_LINE_MAX == 65536, "as the message says");

/* Cuts [text, text + n) to whole lines of one plan, whose length is returned and their place; the
 * rest is carried over. */
static size_t cut_block(struct record_scan *scan, struct record_scan_worker *worker, char *text,
	size_t n, size_t *ret_start)
{
	size_t start = skip_long_line(scan, text, n);
	const char *last = memrchr(text + start, '\n', n - start);
	size_t lines = last ? (size_t)(last - text) + 1 : start;
	enum tail tail = tail_of(scan, scan->in_long_line ? 0 : n - lines);
	bool cut = scan->carry_is_cut;

	if (tail == TAIL_LINE) {
		text[n++] = '\n';
		lines = n;
		cut = true;
	}
	worker->line_number = scan->line_number;
	size_t end = start + one_plan(scan, text + start, lines - start);
	worker->cut = cut && end == lines;
	scan->carry_is_lines = end < lines;
	scan->carry_is_cut = cut && end < lines;
	/* what is behind the lines is looked at again when they are */
	if (end < lines || tail == TAIL_CARRY)
		buf_add(&scan->carry, text + end, n - end);
	else
		finish_tail(scan, tail);
	*ret_start = start;
	return end - start;
}

static int find_block(struct record_scan *scan, struct record_scan_worker *worker)
{
	char *text = worker->memory + SCAN_BEFORE;

	for (;;) {
		size_t n = scan->carry.n;
		size_t start;

		if (n)
			memcpy(text, scan->carry.p, n);
		scan->carry.n = 0;
		if (!scan->carry_is_lines) {
			if (scan->failed)
				return -1;
			if (scan->ended)
				return 0;
			read_block(scan, text, &n);
		}
		size_t block = cut_block(scan, worker, text, n, &start);
		if (!block)
			continue;
		worker->at = (uint32_t)(SCAN_BEFORE + start);
		worker->end = worker->at + (uint32_t)block;
		worker->plan = scan->plan;
		worker->plan->users++;
		return 1;
	}
}

int record_scan_next(struct record_scan *scan, struct record_scan_worker *worker, struct err *err)
{
	record_scan_release(worker);
	pthread_mutex_lock(&scan->lock);
	int r = find_block(scan, worker);
	if (r < 0 && err)
		*err = scan->failure;
	pthread_mutex_unlock(&scan->lock);
	if (r <= 0)
		return r;
	worker->scan = scan;
	if (scan->wants_count > worker->slots_room) {
		worker->slots_room = scan->wants_count;
		worker->slots = mem_grow(worker->slots, worker->slots_room, sizeof(*worker->slots));
	}
	for (size_t i = 0; i < scan->wants_count; i++)
		worker->slots[i] = plan_slot_of(worker->plan, scan->wants[i].column);
	worker->piece = worker->piece_end = worker->at;
	worker->split.count = worker->field = worker->known = 0;
	return 1;
}

/* Workers. */

struct record_scan_worker *record_scan_worker_new(void)
{
	struct record_scan_worker *worker = mem_new(1, sizeof(*worker));

	worker->memory = mem_new(SCAN_BEFORE + BLOCK_ROOM + SPLIT_BEYOND, 1);
	worker->places = mem_new(1 + PLACES + REWRITTEN, sizeof(*worker->places));
	worker->split.places = worker->places + 1;
	return worker;
}

void record_scan_release(struct record_scan_worker *worker)
{
	struct record_scan *scan = worker->scan;

	if (!scan)
		return;
	pthread_mutex_lock(&scan->lock);
	scan_count_add(&scan->count, &worker->count);
	drop_plan(worker->plan);
	pthread_mutex_unlock(&scan->lock);
	worker->count = (struct scan_count){0};
	worker->scan = NULL;
	worker->plan = NULL;
}

void record_scan_worker_free(struct record_scan_worker *worker)
{
	if (!worker)
		return;
	record_scan_release(worker);
	free(worker->slots);
	free(worker->places);
	free(worker->memory);
	free(worker);
}

void record_scan_stats(struct record_scan *scan, struct record_scan_stats *ret_stats)
{
	uint64_t size;

	pthread_mutex_lock(&scan->lock);
	const struct scan_count *count = &scan->count;
	*ret_stats = (struct record_scan_stats){
		.reader = {.lines = count->lines,
			.bad_lines = count->bad_lines,
			.truncated = count->truncated,
			.errors = count->errors},
		.bytes = scan->bytes,
		.packed = input_progress(scan->input, &size),
		.rows = count->rows,
		.unchecked = count->unchecked,
	};
	for (unsigned i = 0; i < count->errors; i++)
		ret_stats->reader.error[i] = count->error[i].err;
	pthread_mutex_unlock(&scan->lock);
}

void record_scan_close(struct record_scan *scan)
{
	if (!scan)
		return;
	pthread_mutex_destroy(&scan->lock);
	drop_plan(scan->plan);
	buf_done(&scan->carry);
	free(scan->wants);
	free(scan->columns_names);
	free(scan->name);
	input_close(scan->input);
	free(scan);
}
