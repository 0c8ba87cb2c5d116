/* The words of a sealed chunk's messages as columns, in a chunk of their own behind it, for queries
 * and searches that need a few of them and no text. There is one where all messages have as many
 * words, each of a byte or more, with one blank between them: lines of flow logs. It is not in the
 * file's index: whoever reads the rows looks behind them, and does without where it is not there or
 * damaged. A number or an address is kept as one only where it would be written in the same way
 * again, so that the columns say what the text is, byte for byte.
 *
 * Reading as little as possible needs checksums of less than all: each column has one, and each
 * kilobyte of the rows, so that whoever knows from the columns which events he wants checks those
 * alone. */
#include "store/events_columns_priv.h"

#include "aws/checksum.h"

#include <assert.h>
#include <string.h>

enum { FEW_WORDS = 256, DIGITS_MAX = 18 };
#define NO_WORD UINT32_MAX

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
	static const char zeros[COLUMNS_ALIGNMENT];

	buf_add(body, zeros, (COLUMNS_ALIGNMENT - body->n % COLUMNS_ALIGNMENT) % COLUMNS_ALIGNMENT);
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

static void add_numbers(
	struct maker *maker, struct columns_column *column, struct columns_check *check)
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
	check->last = max;
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

static void note_bytes(struct columns_check *check, const bool *seen)
{
	for (unsigned i = 0; i <= UINT8_MAX; i++)
		check->bytes[i / 64] |= (uint64_t)seen[i] << (i % 64);
}

/* Of the different words, or (count: NO_WORD) of all. */
static void look_at_bytes(
	const struct maker *maker, struct columns_check *check, size_t word, uint32_t count)
{
	bool seen[UINT8_MAX + 1] = {false};
	size_t n = count == NO_WORD ? maker->rows : count;

	for (size_t i = 0; i < n; i++) {
		struct str text = word_at(maker, count == NO_WORD ? i : maker->firsts[i], word);
		for (size_t j = 0; j < text.n; j++)
			seen[(unsigned char)text.p[j]] = true;
	}
	note_bytes(check, seen);
}

/* 12 bits a word, 5 of 64 for each: one in 30 or so is taken for one that is there. */
uint64_t columns_filter_bits(struct str word, uint32_t filter_words, uint32_t *ret_at)
{
	enum { BITS = 5, BIT_OF = 6 };
	uint64_t hash = word.n, bits = 0;

	for (size_t i = 0; i < word.n; i += 8) {
		uint64_t part = 0;
		memcpy(&part, word.p + i, word.n - i < 8 ? word.n - i : 8);
		hash = (hash ^ part) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	hash ^= hash >> 32;
	for (unsigned i = 0; i < BITS; i++)
		bits |= UINT64_C(1) << (hash >> i * BIT_OF & 63);
	*ret_at = (uint32_t)((hash >> 32) * filter_words >> 32);
	return bits;
}

static void add_filter(struct maker *maker, struct columns_column *column, size_t word)
{
	enum { BITS_A_WORD = 12 };
	uint32_t count = (uint32_t)(maker->rows * BITS_A_WORD / 64 + 1), at;
	_cleanup_free_ uint64_t *filter = mem_new(count, sizeof(*filter));
	uint32_t shortest = UINT32_MAX, longest = 0;

	for (size_t row = 0; row < maker->rows; row++) {
		struct str text = word_at(maker, row, word);
		uint64_t bits = columns_filter_bits(text, count, &at);
		filter[at] |= bits;
		shortest = text.n < shortest ? (uint32_t)text.n : shortest;
		longest = text.n > longest ? (uint32_t)text.n : longest;
	}
	column->at = (uint32_t)maker->body.n;
	column->word_count = count;
	column->ends_at = shortest;
	column->words_at = longest;
	buf_add(&maker->body, filter, count * sizeof(*filter));
}

static void add_column(struct maker *maker, struct columns_column *column,
	struct columns_check *check, size_t word)
{
	uint32_t count = number_words(maker, word, FEW_WORDS);

	if (count == NO_WORD) {
		bool is_number = read_numbers(maker, word, parse_number);
		column->is_ipv4 = !is_number && read_numbers(maker, word, parse_ipv4);
		if (is_number || column->is_ipv4) {
			add_numbers(maker, column, check);
			return;
		}
		count = number_words(maker, word, maker->rows / 2);
	}
	look_at_bytes(maker, check, word, count);
	if (count != NO_WORD)
		add_words(maker, column, word, count);
	else
		add_filter(maker, column, word);
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

uint32_t columns_summary_crc(
	const void *head, size_t head_size, const struct columns_summary *summary, size_t size)
{
	uint32_t crc = aws_crc32c(0, head, head_size);

	return aws_crc32c(
		crc, (const uint8_t *)summary + sizeof(summary->crc), size - sizeof(summary->crc));
}

/* At the end, when all that it is about is there. */
static void add_summary(
	struct maker *maker, const struct events_header *rows, const struct columns_check *checks)
{
	struct buf *body = &maker->body;
	const uint8_t *bytes = (const uint8_t *)(rows + 1);
	size_t left = rows->size - sizeof(*rows), at = body->n;
	struct columns_summary summary = {.page_count = (uint32_t)columns_pages(rows)};

	buf_add(body, &summary, sizeof(summary));
	buf_add(body, checks, (maker->words + 1) * sizeof(*checks));
	for (size_t n; left; left -= n, bytes += n) {
		n = left < COLUMNS_PAGE ? left : COLUMNS_PAGE;
		uint32_t crc = aws_crc32c(0, bytes, n);
		buf_add(body, &crc, sizeof(crc));
	}
	((struct columns_head *)(void *)body->p)->summary_at = (uint32_t)at;
	summary.crc = columns_summary_crc(body->p, columns_head_size(maker->words),
		(const struct columns_summary *)(const void *)(body->p + at), body->n - at);
	memcpy(body->p + at, &summary, sizeof(summary));
	align(body);
}

bool events_columns_make(struct buf *buf, const struct events_view *rows)
{
	__attribute__((cleanup(maker_done))) struct maker maker = {0};
	struct columns_column columns[STORE_LOG_COLUMNS_MAX + 1] = {{0}};
	struct columns_check checks[STORE_LOG_COLUMNS_MAX + 1] = {{0}};
	struct columns_head head = {0};

	if (!maker_init(&maker, rows))
		return false;
	size_t size = (maker.words + 1) * sizeof(columns[0]);
	head.words = (uint32_t)maker.words;
	buf_add(&maker.body, (const char *)&head, sizeof(head));
	buf_add(&maker.body, (const char *)columns, size);
	for (size_t row = 0; row < maker.rows; row++)
		maker.numbers[row] = events_view_time(rows, row);
	for (size_t i = 0; i <= maker.words; i++) {
		size_t at = maker.body.n;
		if (i)
			add_column(&maker, &columns[i], &checks[i], i - 1);
		else
			add_numbers(&maker, &columns[i], &checks[i]);
		checks[i].size = (uint32_t)(maker.body.n - at);
		checks[i].crc = aws_crc32c(0, maker.body.p + at, maker.body.n - at);
	}
	memcpy(maker.body.p + sizeof(head), columns, size);
	add_summary(&maker, rows->header, checks);
	events_chunk_plain(buf, EVENTS_COLUMNS, rows->header->file, rows->header->stream,
		buf_str(&maker.body), maker.rows);
	/* Whose they are. */
	struct events_header *header = (struct events_header *)(void *)buf->p;
	header->sequence_first = rows->header->sequence_first;
	header->ingested_first = rows->header->body_crc;
	events_header_number(header);
	return true;
}
