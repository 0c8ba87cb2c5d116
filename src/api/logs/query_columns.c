/* Blocks of sealed files that come as columns: numbers are widened into DuckDB's vectors, and of
 * words each different one is read once a block. */
#include "api/logs/query_scan_priv.h"

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

bool scan_takes_columns(void *context, const struct store_log_columns *columns)
{
	const struct scan *scan = context;

	if (scan->needs_text)
		return false;
	if (!scan->needs_words || !columns->count)
		return true;
	int format =
		scan_find_format(scan, columns->count, begins_with_digit(&columns->columns[0]));
	for (size_t i = 0; format >= 0 && i < columns->count; i++) {
		int wanted = scan->words[format][i];
		enum store_log_values kind = columns->columns[i].kind;
		/* Numbers are not written, nor addresses read. */
		if (wanted >= 0 && (kind == STORE_LOG_NO_VALUES ||
					   (kind == STORE_LOG_NUMBERS &&
						   scan_is_string(scan, (size_t)wanted) !=
							   columns->columns[i].is_ipv4)))
			return false;
	}
	return true;
}

/* ---- values ---- */

static uint64_t value_at(const struct store_log_column *column, size_t row)
{
	switch (column->width) {
	case 1:
		return ((const uint8_t *)column->values)[row];
	case 2:
		return ((const uint16_t *)column->values)[row];
	case 4:
		return ((const uint32_t *)column->values)[row];
	case 8:
		return ((const uint64_t *)column->values)[row];
	default:
		return 0;
	}
}

/* The loops that the compiler makes vectors of. */
#define WIDEN(type)                                                                                \
	do {                                                                                       \
		const type *from = (const type *)column->values + first;                           \
		for (size_t i = 0; i < count; i++)                                                 \
			to[i] = base + (int64_t)from[i];                                           \
	} while (0)

static void widen(const struct store_log_column *column, size_t first, size_t count, int64_t *to)
{
	int64_t base = column->base - column->has_none;

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
	const struct store_log_column *column, size_t first, size_t count)
{
	widen(column, first, count, thread->data[at]);
	if (!column->has_none)
		return;
	for (size_t i = 0; i < count; i++)
		if (value_at(column, first + i) == 0)
			scan_set_null(thread, at, i);
}

/* ---- addresses ---- */

/* 0 to 255 with a point behind, and how long that is. */
struct octet {
	char text[4];
	uint8_t size;
};
static struct octet octets[256];

static void make_octets(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(octets); i++) {
		char text[8];
		octets[i].size = (uint8_t)snprintf(text, sizeof(text), "%u.", i);
		memcpy(octets[i].text, text, sizeof(octets[i].text));
	}
}

/* Room for four texts of four bytes. */
static size_t write_ipv4(uint32_t address, char *p)
{
	char *start = p;

	for (int shift = 24; shift >= 0; shift -= 8) {
		const struct octet *octet = &octets[address >> shift & 255];
		memcpy(p, octet->text, sizeof(octet->text));
		p += octet->size;
	}
	return (size_t)(p - start) - 1;
}

/* Texts that are longer than what a string of DuckDB holds are kept until the next rows. */
static void fill_ipv4(struct scan_thread *thread, size_t at, const struct store_log_column *column,
	size_t first, size_t count)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	enum { TEXT_MAX = 16 };
	struct scan_words *words = &thread->words[at];
	duckdb_string_t *strings = thread->data[at];
	int64_t base = column->base - column->has_none;

	pthread_once(&once, make_octets);
	if (!words->bytes)
		words->bytes = mem_new(SCAN_ROWS, TEXT_MAX);
	for (size_t i = 0; i < count; i++) {
		uint64_t value = value_at(column, first + i);
		char *text = words->bytes + TEXT_MAX * i;
		size_t n = write_ipv4((uint32_t)((int64_t)value + base), text);
		scan_set_string(&strings[i], text, n);
		if (column->has_none && value == 0)
			scan_set_null(thread, at, i);
	}
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
	size_t first, size_t count)
{
	const struct scan_words *words = &thread->words[at];
	bool is_string = scan_is_string(thread->scan, at);
	duckdb_string_t *texts = thread->data[at];
	int64_t *numbers = thread->data[at];

	for (size_t i = 0; i < count; i++) {
		uint64_t code = value_at(column, first + i);
		/* The disk may lie. */
		if (code >= column->word_count || words->are_null[code])
			scan_set_null(thread, at, i);
		else if (is_string)
			texts[i] = words->texts[code];
		else
			numbers[i] = words->numbers[code];
	}
}

static void fill_null(struct scan_thread *thread, size_t at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		scan_set_null(thread, at, i);
}

/* ---- blocks ---- */

/* The word that the column is, or NULL. */
static const struct store_log_column *column_of(
	const struct scan *scan, const struct store_log_columns *columns, int format, size_t at)
{
	for (size_t i = 0; format >= 0 && i < columns->count; i++)
		if (scan->words[format][i] == (int)at)
			return &columns->columns[i];
	return NULL;
}

static void fill_system(struct scan_thread *thread, size_t at, size_t first, size_t count)
{
	const struct store_log_block *block = thread->held->block;
	const char *log = thread->scan->logs[thread->held->group];
	struct str text =
		thread->scan->columns[at] == 3 ? block->stream : (struct str){log, strlen(log)};

	if (thread->scan->columns[at] == 0) {
		widen(&block->columns->times, first, count, thread->data[at]);
		return;
	}
	duckdb_string_t value;
	scan_set_string(&value, text.p, text.n);
	for (size_t i = 0; i < count; i++)
		((duckdb_string_t *)thread->data[at])[i] = value;
}

void scan_fill_columns(
	struct scan_thread *thread, duckdb_data_chunk chunk, size_t first, size_t count)
{
	const struct scan *scan = thread->scan;
	const struct store_log_columns *columns = thread->held->block->columns;
	bool is_new = thread->columns != columns || first == 0;
	int format = columns->count && scan->needs_words
			     ? scan_find_format(scan, columns->count,
				       begins_with_digit(&columns->columns[0]))
			     : -1;

	thread->columns = columns;
	if (!thread->words)
		thread->words = mem_new(scan->column_count + 1, sizeof(*thread->words));
	for (size_t i = 0; i < scan->column_count; i++) {
		if (scan->columns[i] == (idx_t)-1)
			continue;
		duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
		thread->data[i] = duckdb_vector_get_data(vector);
		if (scan->columns[i] < LOGS_COLUMNS_SYSTEM) {
			fill_system(thread, i, first, count);
			continue;
		}
		const struct store_log_column *column = column_of(scan, columns, format, i);
		duckdb_vector_ensure_validity_writable(vector);
		thread->validity[i] = duckdb_vector_get_validity(vector);
		if (!column) {
			fill_null(thread, i, count);
		} else if (column->is_ipv4) {
			fill_ipv4(thread, i, column, first, count);
		} else if (column->kind == STORE_LOG_NUMBERS) {
			fill_numbers(thread, i, column, first, count);
		} else {
			if (is_new)
				read_words(thread, i, column);
			fill_words(thread, i, column, first, count);
		}
	}
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
}
