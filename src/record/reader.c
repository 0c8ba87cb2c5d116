/* A read walks the lines of one window of the input: a line is found (memchr), split into tokens,
 * and its tokens are checked and stored as the plan says. The plan has a slot for each field of a
 * line; a header line makes a new one. Texts of a batch are borrowed from the window, so a batch
 * ends where the window does. What remains behind the last '\n' is read together with what follows
 * it; at the end of the input it is a line of its own, whole or cut off. */
#include "record/reader.h"

#include "base/buf.h"
#include "base/ip.h"
#include "base/number.h"
#include "record/header_priv.h"

#include <assert.h>
#include <stdio.h>

#define WINDOW_MIN ((size_t)256 << 10)
static_assert(WINDOW_MIN > RECORD_READER_LINE_MAX, "a window holds a line");

#define SHOWN_MAX 64 /* bytes of a value in a message */

/* What a field of a line must be, and where it goes. */
struct slot {
	enum record_text text;
	enum record_type type;
	struct record_batch_column *out; /* NULL: looked at only */
	int column;                      /* of the reader, -1: dropped */
	struct str name;                 /* for messages; as columns[].name or owned by the plan */
};

struct plan {
	unsigned count;
	bool commas;
	bool headerless;
	bool only_words;  /* no slot would refuse a header line */
	struct str first; /* first token of the header line that made this plan */
	struct slot slots[RECORD_READER_COLUMNS_MAX];
	struct buf names; /* what first and slots[].name borrow */
};

struct record_reader {
	struct input *input;
	char *name; /* of the input, printable */
	bool strict;
	const struct record_format *headerless;
	struct record_format headerless_copy;

	struct str window; /* lent by the input and not yet read */
	bool last_window;  /* nothing follows it, or damage */
	bool in_long_line; /* until the next '\n' */
	bool has_header;   /* a header line was taken */
	bool failed;
	uint64_t line_number;
	char *last_line; /* a copy of the line without '\n' */

	struct record_reader_column columns[RECORD_READER_COLUMNS_MAX];
	size_t columns_count;
	char *columns_names;
	struct plan plan;

	bool started; /* wanted columns are fixed */
	size_t wanted[RECORD_READER_COLUMNS_MAX];
	size_t wanted_count;
	struct record_batch batch;
	struct record_batch_column *absent[RECORD_READER_COLUMNS_MAX]; /* not in the plan */
	size_t absent_count;

	struct record_reader_stats stats;
};

/* How a line was. */
enum { LINE_GOOD, LINE_BAD, LINE_NONE };

/* value as it may stand in a message: at most SHOWN_MAX bytes, printable ASCII. */
static const char *printable(struct str value, char shown[static SHOWN_MAX + 4])
{
	size_t n = value.n < SHOWN_MAX ? value.n : SHOWN_MAX;

	for (size_t i = 0; i < n; i++) {
		char c = value.p[i];
		shown[i] = '?';
		if (c >= ' ' && c <= '~')
			shown[i] = c;
	}
	memcpy(shown + n, value.n > n ? "..." : "", value.n > n ? 4 : 1);
	return shown;
}

static char *printable_name(const char *name)
{
	char *copy = mem_strdup(name);

	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	return copy;
}

/* Counts a bad line; *err is where to tell about it, NULL when enough have been told. */
static struct err *count_bad_line(struct record_reader *reader)
{
	reader->stats.bad_lines++;
	if (reader->stats.errors == RECORD_READER_ERRORS)
		return NULL;
	return &reader->stats.error[reader->stats.errors++];
}

#define bad_line(reader, format, ...)                                                              \
	({                                                                                         \
		struct err *told_ = count_bad_line(reader);                                        \
		err_set(told_, ERR_INPUT, "%s:%llu: " format, (reader)->name,                      \
			(unsigned long long)(reader)->line_number, ##__VA_ARGS__);                 \
		told_;                                                                             \
	})

static const char *expectation(const struct slot *slot)
{
	switch (slot->text) {
	case RECORD_TEXT_DECIMAL:
	case RECORD_TEXT_SECONDS:
		return slot->type == RECORD_TYPE_INT32 ? "a number from 0 to 2147483647"
						       : "a number from 0 to 9223372036854775807";
	case RECORD_TEXT_ADDRESS:
		return "an IPv4 or IPv6 address";
	case RECORD_TEXT_ACTION:
		return "ACCEPT or REJECT";
	case RECORD_TEXT_STATUS:
		return "OK, NODATA or SKIPDATA";
	case RECORD_TEXT_WORD:
		break;
	}
	return "a word";
}

/* The plan of lines without a header line, or of the header line whose tokens these are. */

static struct str plan_keep_name(struct plan *plan, struct str name)
{
	char *kept = plan->names.p + plan->names.n;

	memcpy(kept, name.p, name.n);
	plan->names.n += name.n;
	return (struct str){kept, name.n};
}

static void plan_add(struct plan *plan, int field, struct str name)
{
	struct slot *slot = &plan->slots[plan->count++];

	*slot = (struct slot){.text = RECORD_TEXT_WORD, .type = RECORD_TYPE_STRING, .column = -1};
	if (field >= 0) {
		slot->text = record_fields[field].text;
		slot->type = record_fields[field].parquet;
		slot->name = record_fields[field].name;
	} else {
		slot->name = plan_keep_name(plan, name);
	}
	plan->only_words &= slot->text == RECORD_TEXT_WORD;
}

static void plan_start(struct plan *plan, size_t names_size)
{
	plan->count = 0;
	plan->commas = false;
	plan->headerless = false;
	plan->only_words = true;
	plan->names.n = 0;
	buf_reserve(&plan->names, names_size); /* names do not move while they are added */
}

static void plan_from_header(
	struct plan *plan, struct str line, const struct str *tokens, unsigned count, bool commas)
{
	plan_start(plan, 2 * line.n);
	plan->commas = commas;
	plan->first = plan_keep_name(plan, tokens[0]);
	for (unsigned i = 0; i < count; i++)
		plan_add(plan, record_header_find(tokens[i]), record_header_name(tokens[i]));
}

static void plan_from_format(struct plan *plan, const struct record_format *format, bool time)
{
	plan_start(plan, 16);
	plan->headerless = true;
	if (time)
		plan_add(plan, -1, STR("ts"));
	for (unsigned i = 0; i < format->count; i++)
		plan_add(plan, format->fields[i], STR_NONE);
	plan->first = plan->slots[time].name;
}

/* Columns and slots. */

static int find_column(const struct record_reader *reader, int field, struct str name)
{
	for (size_t i = 0; i < reader->columns_count; i++) {
		const struct record_reader_column *column = &reader->columns[i];
		if (column->field == field && (field >= 0 || str_equal(column->name, name)))
			return (int)i;
	}
	return -1;
}

static int field_of_slot(const struct slot *slot)
{
	return record_field_find(slot->name);
}

/* The columns of the file are those of its first plan. */
static void make_columns(struct record_reader *reader)
{
	struct plan *plan = &reader->plan;
	size_t n = 0;

	for (unsigned i = 0; i < plan->count; i++)
		n += plan->slots[i].name.n;
	char *names = reader->columns_names = mem_new(n, 1);
	for (unsigned i = 0; i < plan->count; i++) {
		struct slot *slot = &plan->slots[i];
		int field = field_of_slot(slot);

		if (find_column(reader, field, slot->name) >= 0)
			continue;
		memcpy(names, slot->name.p, slot->name.n);
		reader->columns[reader->columns_count++] = (struct record_reader_column){
			.name = {names, slot->name.n},
			.field = field,
			.type = slot->type,
		};
		names += slot->name.n;
	}
}

/* Joins the slots of the plan with the columns, each column with the first slot of its name. */
static void join_columns(struct record_reader *reader)
{
	bool present[RECORD_READER_COLUMNS_MAX] = {false};

	for (unsigned i = 0; i < reader->plan.count; i++) {
		struct slot *slot = &reader->plan.slots[i];
		int column = find_column(reader, field_of_slot(slot), slot->name);

		slot->column = column >= 0 && !present[column] ? column : -1;
		slot->out = NULL;
		if (slot->column >= 0)
			present[column] = true;
	}
	if (!reader->started)
		return;
	reader->absent_count = 0;
	for (size_t w = 0; w < reader->wanted_count; w++) {
		struct record_batch_column *out = &reader->batch.column[w];

		if (!present[reader->wanted[w]]) {
			reader->absent[reader->absent_count++] = out;
			continue;
		}
		for (unsigned i = 0; i < reader->plan.count; i++) {
			if (reader->plan.slots[i].column == (int)reader->wanted[w])
				reader->plan.slots[i].out = out;
		}
	}
}

/* Fields. Each returns false when the token is not what the field must be. */

static bool parse_number(struct str token, enum record_type type, int64_t *ret_number)
{
	uint64_t max = type == RECORD_TYPE_INT32 ? INT32_MAX : INT64_MAX;
	uint64_t number = 0;

	if (token.n > 18) {
		if (!number_parse(token, max, &number))
			return false;
		*ret_number = (int64_t)number;
		return true;
	}
	for (size_t i = 0; i < token.n; i++) {
		unsigned digit = (unsigned char)token.p[i] - (unsigned)'0';
		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = (int64_t)number;
	return token.n > 0 && number <= max;
}

static bool is_ipv4(struct str token)
{
	const char *p = token.p;
	const char *end = token.p + token.n;

	for (int part = 0; part < 4; part++) {
		unsigned value = 0;
		const char *start = p;

		for (; p < end && p - start < 3; p++) {
			unsigned digit = (unsigned char)*p - (unsigned)'0';
			if (digit > 9)
				break;
			value = value * 10 + digit;
		}
		if (p == start || value > 255 || (p - start > 1 && *start == '0'))
			return false;
		if (part < 3 && (p == end || *p++ != '.'))
			return false;
	}
	return p == end;
}

static bool is_address(struct str token)
{
	struct ip_addr addr;

	return is_ipv4(token) || ip_parse(token, &addr);
}

static bool is_missing(struct str token)
{
	return token.n == 1 ? token.p[0] == '-' : token.n == 0;
}

/* Stores a token as row of its column. */
static bool take_token(const struct slot *slot, struct str token, size_t row)
{
	struct record_batch_column *out = slot->out;
	int64_t number = 0;
	bool valid = !is_missing(token);

	if (valid) {
		switch (slot->text) {
		case RECORD_TEXT_DECIMAL:
		case RECORD_TEXT_SECONDS:
			if (!parse_number(token, slot->type, &number))
				return false;
			break;
		case RECORD_TEXT_ADDRESS:
			if (!is_address(token))
				return false;
			break;
		case RECORD_TEXT_ACTION:
			if (!str_equal(token, STR("ACCEPT")) && !str_equal(token, STR("REJECT")))
				return false;
			break;
		case RECORD_TEXT_STATUS:
			if (!str_equal(token, STR("OK")) && !str_equal(token, STR("NODATA")) &&
				!str_equal(token, STR("SKIPDATA")))
				return false;
			break;
		case RECORD_TEXT_WORD:
			break;
		}
	}
	if (out) {
		out->valid[row] = valid;
		if (out->type == RECORD_TYPE_STRING)
			out->texts[row] = token;
		else
			out->numbers[row] = number;
	}
	return true;
}

/* Lines. */

static struct str without_mark(struct str line)
{
	static const struct str mark = {"\xef\xbb\xbf", 3};

	if (!str_starts_with(line, mark))
		return line;
	return (struct str){line.p + mark.n, line.n - mark.n};
}

/* Makes a new plan of a header line, in the way the reader's files separate fields; false when line
 * is none. */
/* Whether the tokens are those of the header line that made the plan. */
static bool repeats_header(const struct plan *plan, const struct str *tokens, unsigned count)
{
	if (plan->headerless || count != plan->count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		int field = record_header_find(tokens[i]);
		struct str name =
			field >= 0 ? record_fields[field].name : record_header_name(tokens[i]);
		if (!str_equal(plan->slots[i].name, name))
			return false;
	}
	return true;
}

static bool is_header(const struct record_reader *reader, const struct str *tokens, unsigned count)
{
	/* Where the caller has said what the fields are, words may well be values. */
	bool first = !reader->headerless && !reader->has_header && reader->stats.lines == 0;

	return record_header_is(tokens, count, first) ||
	       repeats_header(&reader->plan, tokens, count);
}

static bool take_header(struct record_reader *reader, struct str line)
{
	struct str tokens[RECORD_HEADER_TOKENS_MAX];
	unsigned seen;
	bool commas = false;

	line = str_trim(without_mark(line));
	unsigned count = record_header_split_blanks(line, tokens, &seen);
	if (count == 1 && memchr(line.p, ',', line.n)) {
		commas = true;
		count = record_header_split_commas(line, tokens, &seen);
	}
	if (count == 0 || count > RECORD_READER_COLUMNS_MAX || !is_header(reader, tokens, count))
		return false;
	plan_from_header(&reader->plan, line, tokens, count, commas);
	if (reader->columns_count)
		join_columns(reader);
	return true;
}

static bool may_be_header(const struct plan *plan, struct str line)
{
	return plan->only_words ||
	       (line.p[0] == plan->first.p[0] && str_starts_with(line, plan->first));
}

static int refuse_count(struct record_reader *reader, unsigned count)
{
	const struct plan *plan = &reader->plan;
	struct err *err;

	if (count > RECORD_READER_COLUMNS_MAX)
		err = bad_line(reader, "expected %u fields, found more than %d", plan->count,
			RECORD_READER_COLUMNS_MAX);
	else
		err = bad_line(reader, "expected %u field%s, found %u", plan->count,
			plan->count == 1 ? "" : "s", count);
	if (plan->headerless && !reader->headerless)
		err_hint(err,
			"without a header line the default format is expected: add a first line with the names of the fields, or give the format");
	return LINE_BAD;
}

static int refuse_field(struct record_reader *reader, const struct slot *slot, struct str token)
{
	char name[SHOWN_MAX + 4];
	char found[SHOWN_MAX + 4];

	bad_line(reader, "field '%s': expected %s, found '%s'", printable(slot->name, name),
		expectation(slot), printable(token, found));
	return LINE_BAD;
}

static int refuse_bytes(struct record_reader *reader, unsigned seen)
{
	if (seen & RECORD_SEEN_CONTROL)
		bad_line(reader, "a control character in the line");
	else if (seen & RECORD_SEEN_BAD_QUOTE)
		bad_line(reader, "expected ',' or the end behind a quoted field");
	else
		bad_line(reader, "the line is not UTF-8");
	return LINE_BAD;
}

/* A data line becomes the row behind those of the batch. */
static int take_data(struct record_reader *reader, struct str line)
{
	const struct plan *plan = &reader->plan;
	struct str tokens[RECORD_HEADER_TOKENS_MAX];
	unsigned seen;
	size_t row = reader->batch.rows;

	unsigned count = plan->commas ? record_header_split_commas(line, tokens, &seen)
				      : record_header_split_blanks(line, tokens, &seen);
	if (count > plan->count && tokens[plan->count].n && tokens[plan->count].p[0] == '#')
		count = plan->count; /* a comment */
	if (count == 0 || (tokens[0].n && tokens[0].p[0] == '#'))
		return LINE_NONE;
	reader->stats.lines++;
	if (__builtin_expect(seen > RECORD_SEEN_BLANK, 0)) {
		if (seen & (RECORD_SEEN_CONTROL | RECORD_SEEN_BAD_QUOTE) ||
			!record_header_is_utf8(line))
			return refuse_bytes(reader, seen);
	}
	if (count != plan->count)
		return refuse_count(reader, count);
	for (unsigned i = 0; i < count; i++) {
		if (!take_token(&plan->slots[i], tokens[i], row))
			return refuse_field(reader, &plan->slots[i], tokens[i]);
	}
	for (size_t i = 0; i < reader->absent_count; i++)
		reader->absent[i]->valid[row] = false;
	reader->batch.rows++;
	return LINE_GOOD;
}

/* Takes back what take_data has counted: the line is something else. */
static void forget_bad_line(struct record_reader *reader)
{
	reader->stats.lines--;
	reader->stats.bad_lines--;
	if (reader->stats.bad_lines < RECORD_READER_ERRORS)
		reader->stats.errors--;
}

/* One line without its '\n'. */
static int take_line(struct record_reader *reader, struct str line)
{
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n > RECORD_READER_LINE_MAX) {
		reader->stats.lines++;
		bad_line(reader, "a line of more than %d bytes", RECORD_READER_LINE_MAX);
		return LINE_BAD;
	}
	if (line.n && line.p[0] == '\xef')
		line = without_mark(line);
	if (line.n == 0)
		return LINE_NONE;
	if (may_be_header(&reader->plan, line) && take_header(reader, line)) {
		reader->has_header = true;
		return LINE_NONE;
	}
	int status = take_data(reader, line);
	if (status == LINE_BAD && take_header(reader, line)) {
		forget_bad_line(reader);
		reader->has_header = true;
		return LINE_NONE;
	}
	return status;
}

/* Windows. */

static int refill(struct record_reader *reader, struct err *err)
{
	if (input_peek(reader->input, WINDOW_MIN, &reader->window, err) < 0) {
		reader->window = STR_NONE;
		reader->failed = true;
		return -1;
	}
	reader->last_window = reader->window.n < WINDOW_MIN;
	return 0;
}

static void consume(struct record_reader *reader, size_t n)
{
	input_skip(reader->input, n);
	reader->window.p += n;
	reader->window.n -= n;
}

/* The start of a line that does not end in the window: waits for its rest, unless it is too long
 * already. */
static int take_partial(struct record_reader *reader)
{
	size_t n = reader->window.n;
	int status = LINE_NONE;

	if (reader->in_long_line) {
		consume(reader, n);
	} else if (n > RECORD_READER_LINE_MAX + 1) { /* a '\r' is not of the line */
		reader->line_number++;
		status = take_line(reader, reader->window);
		consume(reader, n);
		reader->in_long_line = true;
	}
	return status;
}

/* Complete lines of the window, until it or the batch is spent. */
static int take_lines(struct record_reader *reader)
{
	while (reader->window.n && reader->batch.rows < RECORD_READER_BATCH) {
		const char *end = memchr(reader->window.p, '\n', reader->window.n);

		if (!end)
			return take_partial(reader);
		struct str line = {reader->window.p, (size_t)(end - reader->window.p)};
		int status = LINE_NONE;
		if (reader->in_long_line) {
			reader->in_long_line = false;
		} else {
			reader->line_number++;
			status = take_line(reader, line);
		}
		consume(reader, line.n + 1);
		if (status == LINE_BAD && reader->strict)
			return LINE_BAD;
	}
	return LINE_NONE;
}

/* The bytes behind the last '\n' of the input. Cut off, when damage follows or they are no record.
 */
static int take_last_line(struct record_reader *reader, struct err *err)
{
	struct str line = {reader->last_line, reader->window.n};
	struct str more;

	if (!reader->last_line)
		line.p = reader->last_line = mem_new(RECORD_READER_LINE_MAX + 1, 1);
	memcpy(reader->last_line, reader->window.p, line.n);
	consume(reader, line.n);
	reader->line_number++;
	if (input_peek(reader->input, 1, &more, err) < 0) {
		reader->failed = true;
		reader->stats.lines++;
		reader->stats.truncated = 1;
		bad_line(reader, "the line is cut off");
		return -1;
	}
	if (take_line(reader, line) == LINE_BAD) {
		reader->stats.truncated = 1;
		if (reader->stats.bad_lines <= RECORD_READER_ERRORS)
			err_wrap(&reader->stats.error[reader->stats.errors - 1],
				"the last line is cut off");
		return LINE_BAD;
	}
	return LINE_NONE;
}

static int fail_strictly(const struct record_reader *reader, struct err *err)
{
	if (err)
		*err = reader->stats.error[0];
	return -1;
}

static void start(struct record_reader *reader)
{
	struct record_batch *batch = &reader->batch;

	reader->started = true;
	batch->columns = reader->wanted_count;
	batch->column = mem_new(reader->wanted_count, sizeof(*batch->column));
	for (size_t i = 0; i < reader->wanted_count; i++) {
		struct record_batch_column *column = &batch->column[i];

		column->type = reader->columns[reader->wanted[i]].type;
		column->valid = mem_new(RECORD_READER_BATCH, sizeof(*column->valid));
		if (column->type == RECORD_TYPE_STRING)
			column->texts = mem_new(RECORD_READER_BATCH, sizeof(*column->texts));
		else
			column->numbers = mem_new(RECORD_READER_BATCH, sizeof(*column->numbers));
	}
	join_columns(reader);
}

int record_reader_read(
	struct record_reader *reader, const struct record_batch **ret_batch, struct err *err)
{
	struct record_batch *batch = &reader->batch;

	if (!reader->started)
		start(reader);
	batch->rows = 0;
	*ret_batch = batch;
	for (;;) {
		int status = take_lines(reader);

		if (status == LINE_BAD && reader->strict)
			return fail_strictly(reader, err);
		if (batch->rows || reader->failed)
			return 0;
		/* No complete line is left, and texts of no row are borrowed. */
		if (!reader->last_window) {
			if (refill(reader, err) < 0)
				return -1;
		} else if (reader->window.n) {
			status = take_last_line(reader, err);
			if (status < 0)
				return -1;
			if (status == LINE_BAD && reader->strict)
				return fail_strictly(reader, err);
		} else {
			/* The end, or the damage that ended the last window. */
			struct str more;
			if (input_peek(reader->input, 1, &more, err) < 0) {
				reader->failed = true;
				return -1;
			}
			return 0;
		}
	}
}

/* Opening. */

/* Columns for a file whose first line with something on it is this. */
static void choose_plan(struct record_reader *reader, struct str line)
{
	const struct record_format *format =
		reader->headerless ? reader->headerless : &record_format_default;
	struct str tokens[RECORD_HEADER_TOKENS_MAX];
	unsigned seen;

	if (take_header(reader, line))
		return;
	unsigned count = record_header_split_blanks(without_mark(line), tokens, &seen);
	plan_from_format(&reader->plan, format,
		count == format->count + 1u && record_header_is_time(tokens[0]));
}

static struct str first_line(struct str window)
{
	struct str line = STR_NONE;

	while (str_split(&window, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		struct str content = str_trim(without_mark(line));
		if (content.n && content.p[0] != '#')
			break;
	}
	if (line.n > RECORD_READER_LINE_MAX)
		line.n = RECORD_READER_LINE_MAX;
	return line;
}

int record_reader_open_as(struct record_reader **ret_reader, struct input *input,
	const struct record_format *headerless, bool strict, struct err *err)
{
	_cleanup_(record_reader_closep) struct record_reader *reader = mem_new(1, sizeof(*reader));

	reader->input = input;
	reader->name = printable_name(input_name(input));
	reader->strict = strict;
	if (headerless) {
		reader->headerless_copy = *headerless;
		reader->headerless = &reader->headerless_copy;
	}
	if (refill(reader, err) < 0)
		return -1;
	choose_plan(reader, first_line(reader->window));
	make_columns(reader);
	join_columns(reader);
	for (size_t i = 0; i < reader->columns_count; i++)
		reader->wanted[i] = i;
	reader->wanted_count = reader->columns_count;
	*ret_reader = take(reader);
	return 0;
}

int record_reader_open(
	struct record_reader **ret_reader, struct input *input, bool strict, struct err *err)
{
	return record_reader_open_as(ret_reader, input, NULL, strict, err);
}

const struct record_reader_column *record_reader_columns(
	const struct record_reader *reader, size_t *ret_count)
{
	*ret_count = reader->columns_count;
	return reader->columns;
}

void record_reader_want(struct record_reader *reader, const size_t *columns, size_t count)
{
	assert(!reader->started && count <= reader->columns_count);
	for (size_t i = 0; i < count; i++) {
		assert(columns[i] < reader->columns_count);
		reader->wanted[i] = columns[i];
	}
	reader->wanted_count = count;
}

const struct record_reader_stats *record_reader_stats(const struct record_reader *reader)
{
	return &reader->stats;
}

void record_reader_close(struct record_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->batch.columns; i++) {
		free(reader->batch.column[i].valid);
		free(reader->batch.column[i].numbers);
		free(reader->batch.column[i].texts);
	}
	free(reader->batch.column);
	free(reader->name);
	free(reader->columns_names);
	free(reader->last_line);
	buf_done(&reader->plan.names);
	input_close(reader->input);
	free(reader);
}
