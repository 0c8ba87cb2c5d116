/* Blocks of sealed files that come as columns: numbers are widened into DuckDB's vectors, and of
 * words each different one is read once a block. Where columns have few different words, the
 * block's rows are given out in the order of those, so that a vector of them is one value: DuckDB
 * looks for its group, or compares it, once instead of for each row. */
#include "api/logs/query_scan_priv.h"

#include "base/number.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool begins_with_digit(const struct store_log_column *column)
{
	if (column->kind != STORE_LOG_WORDS)
		return column->kind == STORE_LOG_NUMBERS && !column->has_none;
	for (uint32_t i = 0; i < column->word_count; i++) {
		uint32_t start = i ? column->word_ends[i - 1] : 0;
		if (start == column->word_ends[i] || !is_digit(column->words[start]))
			return false;
	}
	return true;
}

/* The same as scan->columns says of the system's. */
enum { SYSTEM_TIME = 0, SYSTEM_STREAM = 3, SYSTEM_LOG = 4 };

static bool needs_times(const struct scan *scan)
{
	for (size_t i = 0; i < scan->column_count; i++)
		if (scan->columns[i] == SYSTEM_TIME)
			return true;
	return false;
}

bool scan_takes_columns(void *context, struct store_log_columns *columns)
{
	const struct scan *scan = context;

	if (scan->needs_text ||
		(needs_times(scan) && !store_log_columns_use(columns, STORE_LOG_TIMES)))
		return false;
	if (!scan->needs_words || !columns->count)
		return true;
	if (columns->columns[0].kind == STORE_LOG_NO_VALUES || !store_log_columns_use(columns, 0))
		return false;
	int format =
		scan_find_format(scan, columns->count, begins_with_digit(&columns->columns[0]));
	for (size_t i = 0; format >= 0 && i < columns->count; i++) {
		int wanted = scan->words[format][i];
		enum store_log_values kind = columns->columns[i].kind;
		/* Numbers are not written, nor addresses read. */
		if (wanted >= 0 && (kind == STORE_LOG_NO_VALUES ||
					   (kind == STORE_LOG_NUMBERS &&
						   scan_is_string(scan, (size_t)wanted) !=
							   columns->columns[i].is_ipv4) ||
					   !store_log_columns_use(columns, i)))
			return false;
	}
	return true;
}

/* ---- values ---- */

static uint64_t value_at(const struct store_log_column *column, size_t row)
{
	return number_at(column->values, column->width, row);
}

/* Rows of a block: first and those behind it, or a list. */
struct rows {
	const uint32_t *list; /* NULL: none */
	size_t first, count;
	bool are_alike; /* in time */
};

static size_t row_at(const struct rows *rows, size_t i)
{
	return rows->list ? rows->list[i] : rows->first + i;
}

/* The loops that the compiler makes vectors of. */
#define WIDEN(type)                                                                                \
	do {                                                                                       \
		const type *from = column->values;                                                 \
		if (list)                                                                          \
			for (size_t i = 0; i < count; i++)                                         \
				to[i] = base + (int64_t)from[list[i]];                             \
		else                                                                               \
			for (size_t i = 0; i < count; i++)                                         \
				to[i] = base + (int64_t)from[rows->first + i];                     \
	} while (0)

static void widen(const struct store_log_column *column, const struct rows *rows, int64_t *to)
{
	int64_t base = column->base - column->has_none;
	const uint32_t *list = rows->list;
	size_t count = rows->count;

	switch (column->width) {
	case 1:
		WIDEN(uint8_t);
		break;
	case 2:
		WIDEN(uint16_t);
		break;
	case 4:
		WIDEN(uint32_t);
		break;
	case 8:
		WIDEN(int64_t);
		break;
	default:
		for (size_t i = 0; i < count; i++)
			to[i] = base;
	}
}

static void fill_numbers(struct scan_thread *thread, size_t at,
	const struct store_log_column *column, const struct rows *rows)
{
	widen(column, rows, thread->data[at]);
	if (!column->has_none)
		return;
	for (size_t i = 0; i < rows->count; i++)
		if (value_at(column, row_at(rows, i)) == 0)
			scan_set_null(thread, at, i);
}

/* ---- addresses ---- */

/* 0 to 255 as text, with a point behind and without, in the lowest bytes; size: with it. */
struct octet {
	uint32_t text, last;
	uint32_t size;
};
static struct octet octets[256];

static void make_octets(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(octets); i++) {
		char text[8] = {0};
		octets[i].size = (uint32_t)snprintf(text, sizeof(text), "%u.", i);
		memcpy(&octets[i].text, text, sizeof(octets[i].text));
		octets[i].last = octets[i].text & ((UINT32_C(1) << 8 * (octets[i].size - 1)) - 1);
	}
}

/* As DuckDB has strings: the length, then up to 12 bytes, or 4 of them and where all of them are,
 * at text (16 bytes). Put together in two registers: writing pieces and reading them as a whole at
 * once makes the processor wait. */
static void write_ipv4(uint32_t address, char *text, duckdb_string_t *string)
{
	const struct octet *first = &octets[address >> 24], *second = &octets[address >> 16 & 255];
	const struct octet *third = &octets[address >> 8 & 255], *fourth = &octets[address & 255];
	uint32_t begin = first->size + second->size; /* 4 to 8 */
	uint32_t size = begin + third->size + fourth->size - 1;
	uint64_t head = first->text | (uint64_t)second->text << 8 * first->size;
	uint64_t tail = third->text | (uint64_t)fourth->last << 8 * third->size;
	uint64_t all[2] = {head | (begin < 8 ? tail << 8 * begin : 0), tail >> (64 - 8 * begin)};
	uint64_t place = (uint64_t)(uintptr_t)text;
	uint64_t parts[2] = {size | all[0] << 32, size <= sizeof(string->value.inlined.inlined)
							  ? all[0] >> 32 | all[1] << 32
							  : place};

	memcpy(text, all, sizeof(all));
	memcpy(string, parts, sizeof(parts));
}
_Static_assert(sizeof(duckdb_string_t) == 16, "as it is written");

/* Texts that are longer than what a string of DuckDB holds are kept until the next rows. */
static void fill_ipv4(struct scan_thread *thread, size_t at, const struct store_log_column *column,
	const struct rows *rows)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	enum { TEXT_MAX = 16 };
	struct scan_words *words = &thread->words[at];
	duckdb_string_t *strings = thread->data[at];
	int64_t addresses[SCAN_ROWS], none = column->base - 1;

	pthread_once(&once, make_octets);
	if (!words->bytes)
		words->bytes = mem_new(SCAN_ROWS, TEXT_MAX);
	widen(column, rows, addresses);
	for (size_t i = 0; i < rows->count; i++)
		write_ipv4((uint32_t)addresses[i], words->bytes + TEXT_MAX * i, &strings[i]);
	for (size_t i = 0; column->has_none && i < rows->count; i++)
		if (addresses[i] == none)
			scan_set_null(thread, at, i);
}

/* ---- words ---- */

static void read_words(struct scan_thread *thread, size_t at, const struct store_log_column *column)
{
	struct scan_words *words = &thread->words[at];
	bool is_string = scan_is_string(thread->scan, at);
	size_t count = column->word_count;

	if (count > words->capacity) {
		words->texts = mem_grow(words->texts, count, sizeof(*words->texts));
		words->numbers = mem_grow(words->numbers, count, sizeof(*words->numbers));
		words->are_null = mem_grow(words->are_null, count, sizeof(*words->are_null));
		words->capacity = count;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t start = i ? column->word_ends[i - 1] : 0;
		const char *p = column->words + start;
		size_t n = column->word_ends[i] - start;
		bool is_there = n != 0 && !(n == 1 && *p == '-');
		if (is_string && is_there)
			scan_set_string(&words->texts[i], p, n);
		else
			memset(&words->texts[i], 0, sizeof(words->texts[i]));
		words->numbers[i] = 0;
		words->are_null[i] =
			!is_there || (!is_string && !scan_parse_number(p, n, &words->numbers[i]));
	}
}

static void fill_words(struct scan_thread *thread, size_t at, const struct store_log_column *column,
	const struct rows *rows)
{
	const struct scan_words *words = &thread->words[at];
	bool is_string = scan_is_string(thread->scan, at), is_any_null = false;
	duckdb_string_t *texts = thread->data[at];
	int64_t *numbers = thread->data[at], codes[SCAN_ROWS];
	uint64_t last = column->word_count - 1;

	widen(column, rows, codes);
	for (size_t i = 0; i < rows->count; i++) {
		/* The disk may lie. */
		uint64_t code = (uint64_t)codes[i] < last ? (uint64_t)codes[i] : last;
		is_any_null |= words->are_null[code];
		if (is_string)
			texts[i] = words->texts[code];
		else
			numbers[i] = words->numbers[code];
	}
	for (size_t i = 0; is_any_null && i < rows->count; i++)
		if (words->are_null[(uint64_t)codes[i] < last ? (uint64_t)codes[i] : last])
			scan_set_null(thread, at, i);
}

/* ---- one value for all rows ---- */

/* Of what DuckDB takes for text in any case. */
static bool is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return true;
}

static void set_one(duckdb_vector vector, duckdb_value value)
{
	duckdb_vector_reference_value(vector, value);
	duckdb_destroy_value(&value);
}

static struct str word_of(const struct store_log_column *column, size_t code)
{
	uint32_t start = code ? column->word_ends[code - 1] : 0;

	return (struct str){column->words + start, column->word_ends[code] - start};
}

static void use_validity(struct scan_thread *thread, size_t at, duckdb_vector vector)
{
	duckdb_vector_ensure_validity_writable(vector);
	thread->validity[at] = duckdb_vector_get_validity(vector);
}

static void fill_null(struct scan_thread *thread, size_t at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		scan_set_null(thread, at, i);
}

static void fill_text(duckdb_vector vector, struct str text, size_t count)
{
	duckdb_string_t *strings = duckdb_vector_get_data(vector);
	duckdb_string_t value;

	if (is_plain(text.p, text.n)) {
		set_one(vector, duckdb_create_varchar_length(text.p, text.n));
		return;
	}
	scan_set_string(&value, text.p, text.n);
	for (size_t i = 0; i < count; i++)
		strings[i] = value;
}

/* All rows have this word. */
static void fill_one_word(struct scan_thread *thread, size_t at,
	const struct store_log_column *column, size_t code, duckdb_vector vector, size_t count)
{
	const struct scan_words *words = &thread->words[at];

	if (words->are_null[code]) {
		use_validity(thread, at, vector);
		fill_null(thread, at, count);
	} else if (scan_is_string(thread->scan, at)) {
		fill_text(vector, word_of(column, code), count);
	} else {
		set_one(vector, duckdb_create_int64(words->numbers[code]));
	}
}

/* ---- runs ---- */

/* The word that the column is, or NULL. */
static const struct store_log_column *column_of(
	const struct scan *scan, const struct store_log_columns *columns, int format, size_t at)
{
	for (size_t i = 0; format >= 0 && i < columns->count; i++)
		if (scan->words[format][i] == (int)at)
			return &columns->columns[i];
	return NULL;
}

static const struct store_log_column *block_column(const struct scan_thread *thread, size_t at)
{
	const struct scan *scan = thread->scan;
	const struct store_log_columns *columns = thread->held.block.columns;

	if (!columns)
		return NULL;
	if (scan->columns[at] == SYSTEM_TIME)
		return &columns->times;
	if (scan->columns[at] < LOGS_COLUMNS_SYSTEM || !columns->count)
		return NULL;
	return column_of(scan, columns,
		scan_find_format(scan, columns->count, begins_with_digit(&columns->columns[0])),
		at);
}

static bool is_alike(const struct store_log_column *column)
{
	return column->kind == STORE_LOG_WORDS ? column->word_count == 1 : column->width == 0;
}

static bool is_in_runs(const struct scan_runs *runs, size_t at)
{
	for (size_t i = 0; i < runs->column_count; i++)
		if (runs->columns[i] == at)
			return true;
	return false;
}

/* Texts first: numbers are cheap to group. Returns how many runs there are. */
static size_t choose_columns(struct scan_thread *thread)
{
	const struct scan *scan = thread->scan;
	struct scan_runs *runs = &thread->runs;
	size_t total = 1, max = thread->held.block.count / 256;

	max = max < SCAN_RUNS_MAX ? max : SCAN_RUNS_MAX;
	runs->column_count = 0;
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < scan->column_count; i++) {
			if (scan->columns[i] == (idx_t)-1 ||
				scan->columns[i] < LOGS_COLUMNS_SYSTEM ||
				scan_is_string(scan, i) != (pass == 0))
				continue;
			const struct store_log_column *column = block_column(thread, i);
			if (column && column->kind == STORE_LOG_WORDS && !is_alike(column) &&
				column->width == 1 && runs->column_count < SCAN_RUN_COLUMNS &&
				column->word_count <= max / total) {
				runs->columns[runs->column_count++] = i;
				total *= column->word_count;
			}
		}
	return total;
}

static bool needs_order(const struct scan_thread *thread)
{
	for (size_t i = 0; i < thread->scan->column_count; i++) {
		const struct store_log_column *column =
			thread->scan->columns[i] == (idx_t)-1 ? NULL : block_column(thread, i);
		if (column && !is_alike(column) && !is_in_runs(&thread->runs, i))
			return true;
	}
	return false;
}

/* Which run each row is in; numbers of words that are too large, of a disk that lies, are the last.
 */
static void number_runs(const struct scan_thread *thread, uint8_t *ret_runs)
{
	const struct scan_runs *runs = &thread->runs;
	size_t count = thread->held.block.count;

	memset(ret_runs, 0, count);
	for (size_t i = 0; i < runs->column_count; i++) {
		const struct store_log_column *column = block_column(thread, runs->columns[i]);
		const uint8_t *codes = column->values;
		uint8_t words = (uint8_t)column->word_count, last = (uint8_t)(words - 1);
		for (size_t row = 0; row < count; row++) {
			uint8_t code = codes[row] < last ? codes[row] : last;
			ret_runs[row] = (uint8_t)(ret_runs[row] * words + code);
		}
	}
}

/* In pieces whose counts fit a byte, so that the compiler makes vectors of the loop. */
static size_t count_equal(const uint8_t *p, size_t n, uint8_t value)
{
	enum { PIECE = 128 };
	size_t sum = 0;

	for (; n >= PIECE; p += PIECE, n -= PIECE) {
		uint8_t part = 0;
		for (size_t i = 0; i < PIECE; i++)
			part = (uint8_t)(part + (p[i] == value));
		sum += part;
	}
	for (size_t i = 0; i < n; i++)
		sum += p[i] == value;
	return sum;
}

static void make_order(struct scan_thread *thread, const uint8_t *run_of_row, size_t total)
{
	struct scan_runs *runs = &thread->runs;
	size_t count = thread->held.block.count, n = 0;

	if (count + 1 > runs->capacity) {
		runs->order = mem_grow(runs->order, count + 1, sizeof(*runs->order));
		runs->capacity = count + 1;
	}
	/* Written for each row and kept for some: no branch that is guessed wrong. */
	for (size_t run = 0; run < total; run++)
		for (size_t row = 0; row < count && runs->counts[run]; row++) {
			runs->order[n] = (uint32_t)row;
			n += run_of_row[row] == run;
		}
}

static void begin_runs(struct scan_thread *thread)
{
	struct scan_runs *runs = &thread->runs;
	size_t count = thread->held.block.count, total = choose_columns(thread);

	runs->run = runs->at = 0;
	memset(runs->counts, 0, sizeof(runs->counts));
	runs->needs_order = runs->column_count && needs_order(thread);
	if (!runs->column_count) {
		runs->counts[0] = count;
		return;
	}
	_cleanup_free_ uint8_t *run_of_row = mem_new(count, 1);
	number_runs(thread, run_of_row);
	for (size_t run = 0; run < total; run++)
		runs->counts[run] = count_equal(run_of_row, count, (uint8_t)run);
	if (runs->needs_order)
		make_order(thread, run_of_row, total);
}

/* The word of the run that is given out. */
static size_t code_of(const struct scan_thread *thread, size_t at)
{
	const struct scan_runs *runs = &thread->runs;
	size_t run = runs->run;

	for (size_t i = runs->column_count; i-- > 0;) {
		size_t words = block_column(thread, runs->columns[i])->word_count;
		if (runs->columns[i] == at)
			return run % words;
		run /= words;
	}
	return 0;
}

/* ---- blocks ---- */

/* How many of the rows, which are in order of time, are of one moment: as many as are worth it, or
 * none. Events of flow logs have the same time by the thousand. */
static size_t count_alike(const struct scan_thread *thread, const struct rows *rows)
{
	enum { WORTH = 256 };
	const struct store_log_column *times = &thread->held.block.columns->times;
	uint64_t time = value_at(times, row_at(rows, 0));
	size_t low = 1, high = rows->count;

	if (!needs_times(thread->scan))
		return 0;
	while (low < high) {
		size_t middle = (low + high + 1) / 2;
		if (value_at(times, row_at(rows, middle - 1)) == time)
			low = middle;
		else
			high = middle - 1;
	}
	return low == rows->count || low >= WORTH ? low : 0;
}

static void fill_column(
	struct scan_thread *thread, size_t at, duckdb_vector vector, const struct rows *rows)
{
	const struct store_log_column *column = block_column(thread, at);
	const char *log = thread->scan->logs[thread->opened - 1];

	if (thread->scan->columns[at] == SYSTEM_STREAM || thread->scan->columns[at] == SYSTEM_LOG) {
		fill_text(vector,
			thread->scan->columns[at] == SYSTEM_STREAM ? thread->held.block.stream
								   : str_from(log),
			rows->count);
		return;
	}
	if (column && column->kind == STORE_LOG_WORDS &&
		(is_alike(column) || is_in_runs(&thread->runs, at))) {
		fill_one_word(thread, at, column, code_of(thread, at), vector, rows->count);
		return;
	}
	if (column && thread->scan->columns[at] == SYSTEM_TIME && rows->are_alike) {
		int64_t time = (int64_t)value_at(column, row_at(rows, 0));
		set_one(vector, duckdb_create_int64(column->base + time));
		return;
	}
	thread->data[at] = duckdb_vector_get_data(vector);
	if (!column || column->kind == STORE_LOG_WORDS || column->has_none)
		use_validity(thread, at, vector);
	if (!column)
		fill_null(thread, at, rows->count);
	else if (column->is_ipv4)
		fill_ipv4(thread, at, column, rows);
	else if (column->kind == STORE_LOG_NUMBERS)
		fill_numbers(thread, at, column, rows);
	else
		fill_words(thread, at, column, rows);
}

static void begin_block(struct scan_thread *thread)
{
	const struct scan *scan = thread->scan;

	if (!thread->words)
		thread->words = mem_new(scan->column_count + 1, sizeof(*thread->words));
	begin_runs(thread);
	for (size_t i = 0; i < scan->column_count; i++) {
		const struct store_log_column *column =
			scan->columns[i] == (idx_t)-1 ? NULL : block_column(thread, i);
		if (column && column->kind == STORE_LOG_WORDS)
			read_words(thread, i, column);
	}
	thread->is_new = false;
}

size_t scan_fill_columns(struct scan_thread *thread, duckdb_data_chunk chunk, size_t max)
{
	const struct store_log_block *block = &thread->held.block;
	struct scan_runs *runs = &thread->runs;

	if (thread->is_new)
		begin_block(thread);
	while (runs->at == runs->counts[runs->run]) {
		runs->run++;
		runs->at = 0;
	}
	size_t left = runs->counts[runs->run] - runs->at;
	struct rows rows = {.list = runs->needs_order ? runs->order + thread->row : NULL,
		.first = thread->row,
		.count = left < max ? left : max};
	size_t alike = count_alike(thread, &rows);
	rows.are_alike = alike > 0;
	rows.count = alike ? alike : rows.count;
	for (size_t i = 0; i < thread->scan->column_count; i++)
		if (thread->scan->columns[i] != (idx_t)-1)
			fill_column(thread, i, duckdb_data_chunk_get_vector(chunk, i), &rows);
	runs->at += rows.count;
	thread->row += rows.count;
	/* Newlines are no part of the messages. */
	scan_count_events(thread->scan, rows.count,
		thread->row == block->count ? block->message_bytes - block->count : 0);
	return rows.count;
}

void scan_words_done(struct scan_thread *thread)
{
	for (size_t i = 0; thread->words && i < thread->scan->column_count; i++) {
		free(thread->words[i].texts);
		free(thread->words[i].numbers);
		free(thread->words[i].are_null);
		free(thread->words[i].bytes);
	}
	free(thread->words);
	free(thread->runs.order);
}
