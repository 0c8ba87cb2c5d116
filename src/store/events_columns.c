/* The words of a sealed chunk's messages as columns, in a chunk of their own behind it, for queries
 * that read a few of them and no text. There is one where all messages have as many words, each of
 * a byte or more, with one blank between them: lines of flow logs. It is not in the file's index:
 * whoever reads the rows looks behind them, and does without where it is not there or damaged.
 *
 *   head      struct columns_head, then struct columns_column for the times and each word
 *   a column  values of 1, 2, 4 or 8 bytes, or none where all are alike; they are
 *             a number   distance from the smallest ("-" is 0, and the others one more)
 *             an address  the same of an IPv4 address
 *             a word     number in the list of different words: their ends, then their bytes
 *             nothing    too many different words: they are in the text only
 * Everything begins at a multiple of 8. */
#include "store/events_priv.h"

#include <assert.h>
#include <string.h>

enum { FEW_WORDS = 256, DIGITS_MAX = 18, ALIGNMENT = 8 };
#define NO_WORD UINT32_MAX

struct columns_head {
	uint32_t words, reserved;
};
struct columns_column {
	uint8_t kind, width, has_none, is_ipv4;
	uint32_t at; /* of the values, in the body */
	uint32_t word_count, ends_at, words_at, word_bytes;
	int64_t base;
};
_Static_assert(sizeof(struct columns_column) == 32, "a format on disk");

/* ---- making ---- */

struct maker {
	const char *messages;
	const uint32_t *ends; /* of messages */
	size_t rows, words;
	uint32_t *places; /* ends of all words, row by row */
	uint32_t *slots;  /* hash table: number of the word, or NO_WORD */
	size_t slot_count;
	uint32_t *codes;  /* of the column's rows */
	uint32_t *firsts; /* the row where each different word was first */
	int64_t *numbers;
	struct buf body;
};

static struct str word_at(const struct maker *maker, size_t row, size_t word)
{
	const uint32_t *places = maker->places + row * maker->words;
	uint32_t start = word ? places[word - 1] + 1 : row ? maker->ends[row - 1] + 1 : 0;

	return (struct str){maker->messages + start, places[word] - start};
}

/* False: not as many words as the others, or an empty one. */
static bool split_row(struct maker *maker, size_t row)
{
	uint32_t at = row ? maker->ends[row - 1] + 1 : 0, end = maker->ends[row];
	uint32_t *places = maker->places + row * maker->words;
	size_t count = 0;

	for (;;) {
		const char *blank = memchr(maker->messages + at, ' ', end - at);
		uint32_t stop = blank ? (uint32_t)(blank - maker->messages) : end;
		if (stop == at || count == maker->words)
			return false;
		places[count++] = stop;
		if (!blank)
			return count == maker->words;
		at = stop + 1;
	}
}

static size_t count_words(struct str message)
{
	size_t count = 1;

	for (size_t i = 0; i < message.n; i++)
		count += message.p[i] == ' ';
	return count;
}

static uint32_t hash_word(struct str word)
{
	uint64_t hash = word.n;

	for (size_t i = 0; i < word.n; i += 8) {
		uint64_t part = 0;
		memcpy(&part, word.p + i, word.n - i < 8 ? word.n - i : 8);
		hash = (hash ^ part) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

/* How many different words; more than max: NO_WORD. */
static uint32_t number_words(struct maker *maker, size_t word, size_t max)
{
	uint32_t count = 0;

	memset(maker->slots, 0xff, maker->slot_count * sizeof(*maker->slots));
	for (size_t row = 0; row < maker->rows; row++) {
		struct str text = word_at(maker, row, word);
		size_t slot = hash_word(text) & (maker->slot_count - 1);
		while (maker->slots[slot] != NO_WORD &&
			!str_equal(word_at(maker, maker->firsts[maker->slots[slot]], word), text))
			slot = (slot + 1) & (maker->slot_count - 1);
		if (maker->slots[slot] == NO_WORD) {
			if (count == max)
				return NO_WORD;
			maker->firsts[count] = (uint32_t)row;
			maker->slots[slot] = count++;
		}
		maker->codes[row] = maker->slots[slot];
	}
	return count;
}

/* As it would be written again; "-" is -1. */
static bool parse_number(struct str text, int64_t *ret_number)
{
	int64_t number = 0;

	if (text.n == 1 && text.p[0] == '-') {
		*ret_number = -1;
		return true;
	}
	if (text.n > DIGITS_MAX || (text.p[0] == '0' && text.n > 1))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		unsigned digit = (unsigned char)text.p[i] - (unsigned)'0';
		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}

/* Four numbers as they would be written again. */
static bool parse_ipv4(struct str text, int64_t *ret_number)
{
	struct str part;
	int64_t address = 0;
	unsigned parts = 0;

	if (text.n == 1 && text.p[0] == '-') {
		*ret_number = -1;
		return true;
	}
	while (parts < 4 && str_split(&text, '.', &part)) {
		int64_t number;
		if (!part.n || part.n > 3 || !parse_number(part, &number) || number < 0 ||
			number > 255)
			return false;
		address = address << 8 | number;
		parts++;
	}
	*ret_number = address;
	return parts == 4 && !text.p;
}

static void align(struct buf *body)
{
	static const char zeros[ALIGNMENT];

	buf_add(body, zeros, (ALIGNMENT - body->n % ALIGNMENT) % ALIGNMENT);
}

static uint8_t width_of(uint64_t max)
{
	return max == 0            ? 0
	       : max <= UINT8_MAX  ? 1
	       : max <= UINT16_MAX ? 2
	       : max <= UINT32_MAX ? 4
				   : 8;
}

/* Little-endian, as all of the file. */
static void add_value(struct buf *body, uint64_t value, uint8_t width)
{
	buf_add(body, (const char *)&value, width);
}

static void add_numbers(struct maker *maker, struct columns_column *column)
{
	int64_t min = INT64_MAX, max = 0;

	for (size_t row = 0; row < maker->rows; row++) {
		int64_t number = maker->numbers[row];
		column->has_none |= number < 0;
		if (number >= 0 && number < min)
			min = number;
		if (number > max)
			max = number;
	}
	column->kind = STORE_LOG_NUMBERS;
	column->base = min < INT64_MAX ? min : 0;
	column->width = width_of((uint64_t)(max - column->base) + column->has_none);
	column->at = (uint32_t)maker->body.n;
	for (size_t row = 0; row < maker->rows; row++) {
		int64_t number = maker->numbers[row];
		add_value(&maker->body,
			number < 0 ? 0 : (uint64_t)(number - column->base) + column->has_none,
			column->width);
	}
	align(&maker->body);
}

static void add_words(
	struct maker *maker, struct columns_column *column, size_t word, uint32_t count)
{
	struct buf *body = &maker->body;
	uint32_t end = 0;

	column->kind = STORE_LOG_WORDS;
	column->word_count = count;
	column->width = width_of(count - 1);
	column->at = (uint32_t)body->n;
	for (size_t row = 0; row < maker->rows; row++)
		add_value(body, maker->codes[row], column->width);
	align(body);
	column->ends_at = (uint32_t)body->n;
	for (uint32_t i = 0; i < count; i++) {
		end += (uint32_t)word_at(maker, maker->firsts[i], word).n;
		add_value(body, end, sizeof(end));
	}
	column->words_at = (uint32_t)body->n;
	column->word_bytes = end;
	for (uint32_t i = 0; i < count; i++)
		buf_add_str(body, word_at(maker, maker->firsts[i], word));
	align(body);
}

static bool read_numbers(
	struct maker *maker, size_t word, bool (*parse)(struct str text, int64_t *ret_number))
{
	for (size_t row = 0; row < maker->rows; row++)
		if (!parse(word_at(maker, row, word), &maker->numbers[row]))
			return false;
	return true;
}

static void add_column(struct maker *maker, struct columns_column *column, size_t word)
{
	uint32_t count = number_words(maker, word, FEW_WORDS);

	if (count == NO_WORD) {
		bool is_number = read_numbers(maker, word, parse_number);
		column->is_ipv4 = !is_number && read_numbers(maker, word, parse_ipv4);
		if (is_number || column->is_ipv4) {
			add_numbers(maker, column);
			return;
		}
		count = number_words(maker, word, maker->rows / 2);
	}
	if (count != NO_WORD)
		add_words(maker, column, word, count);
}

static void maker_done(struct maker *maker)
{
	free(maker->places);
	free(maker->slots);
	free(maker->codes);
	free(maker->firsts);
	free(maker->numbers);
	buf_done(&maker->body);
}

static bool maker_init(struct maker *maker, const struct events_view *rows)
{
	maker->rows = rows->header->count;
	maker->messages = rows->messages;
	maker->ends = rows->ends;
	maker->words = count_words(events_view_message(rows, 0));
	if (maker->words < 2 || maker->words > STORE_LOG_COLUMNS_MAX)
		return false;
	maker->places = mem_new(maker->rows * maker->words, sizeof(*maker->places));
	for (size_t row = 0; row < maker->rows; row++)
		if (!split_row(maker, row))
			return false;
	for (maker->slot_count = 1024; maker->slot_count < 2 * maker->rows;)
		maker->slot_count *= 2;
	maker->slots = mem_new(maker->slot_count, sizeof(*maker->slots));
	maker->codes = mem_new(maker->rows, sizeof(*maker->codes));
	maker->firsts = mem_new(maker->rows, sizeof(*maker->firsts));
	maker->numbers = mem_new(maker->rows, sizeof(*maker->numbers));
	return true;
}

bool events_columns_make(struct buf *buf, const struct events_view *rows)
{
	__attribute__((cleanup(maker_done))) struct maker maker = {0};
	struct columns_column columns[STORE_LOG_COLUMNS_MAX + 1] = {{0}};
	struct columns_head head = {0};

	if (!maker_init(&maker, rows))
		return false;
	size_t size = (maker.words + 1) * sizeof(columns[0]);
	head.words = (uint32_t)maker.words;
	buf_add(&maker.body, (const char *)&head, sizeof(head));
	buf_add(&maker.body, (const char *)columns, size);
	for (size_t row = 0; row < maker.rows; row++)
		maker.numbers[row] = events_view_time(rows, row);
	add_numbers(&maker, &columns[0]);
	for (size_t word = 0; word < maker.words; word++)
		add_column(&maker, &columns[word + 1], word);
	memcpy(maker.body.p + sizeof(head), columns, size);
	events_chunk_plain(buf, EVENTS_COLUMNS, rows->header->file, rows->header->stream,
		buf_str(&maker.body), maker.rows);
	/* Whose they are. */
	struct events_header *header = (struct events_header *)(void *)buf->p;
	header->sequence_first = rows->header->sequence_first;
	header->ingested_first = rows->header->body_crc;
	events_header_number(header);
	return true;
}

/* ---- reading ---- */

static bool fits(uint64_t at, uint64_t size, uint64_t bytes)
{
	return at % ALIGNMENT == 0 && at <= bytes && size <= bytes - at;
}

static bool open_column(const struct events_header *header, const struct columns_column *from,
	struct store_log_column *ret_column)
{
	const char *body = (const char *)(header + 1);
	uint64_t bytes = header->body_bytes;
	const uint32_t *ends = (const uint32_t *)(const void *)(body + from->ends_at);

	*ret_column = (struct store_log_column){.kind = STORE_LOG_NO_VALUES};
	if (from->kind == STORE_LOG_NO_VALUES)
		return true;
	if (from->kind > STORE_LOG_WORDS || (from->width & (from->width - 1)) || from->width > 8 ||
		!fits(from->at, (uint64_t)from->width * header->count, bytes))
		return false;
	*ret_column = (struct store_log_column){.kind = (enum store_log_values)from->kind,
		.width = from->width,
		.has_none = from->has_none,
		.is_ipv4 = from->is_ipv4,
		.base = from->base,
		.values = body + from->at,
		.word_count = from->word_count};
	if (from->kind == STORE_LOG_NUMBERS)
		return true;
	if (!from->word_count || !fits(from->ends_at, 4 * (uint64_t)from->word_count, bytes) ||
		from->words_at > bytes || from->word_bytes > bytes - from->words_at)
		return false;
	for (uint32_t i = 0, last = 0; i < from->word_count; last = ends[i++])
		if (ends[i] < last || ends[i] > from->word_bytes)
			return false;
	ret_column->word_ends = ends;
	ret_column->words = body + from->words_at;
	return true;
}

bool events_columns_open(const struct events_header *rows, const struct events_header *header,
	struct store_log_columns *ret_columns)
{
	const struct columns_head *head = (const struct columns_head *)(header + 1);
	const struct columns_column *columns = (const struct columns_column *)(head + 1);

	if (header->kind != EVENTS_COLUMNS || header->stream != rows->stream ||
		header->sequence_first != rows->sequence_first ||
		header->ingested_first != rows->body_crc || header->body_bytes < sizeof(*head) ||
		!events_body_good(header) || head->words > STORE_LOG_COLUMNS_MAX ||
		(head->words + 1) * sizeof(*columns) > header->body_bytes - sizeof(*head))
		return false;
	/* A plain chunk has no rows of its own; count says how many these are. */
	if (header->count != rows->count)
		return false;
	ret_columns->count = head->words;
	for (size_t i = 0; i <= head->words; i++)
		if (!open_column(header, &columns[i],
			    i ? &ret_columns->columns[i - 1] : &ret_columns->times))
			return false;
	return ret_columns->times.kind == STORE_LOG_NUMBERS;
}
