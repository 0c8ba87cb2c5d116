/* The words of messages as columns: what is read from them is what was written, and nothing else is
 * touched, whatever the disk says. */
#include "store/events_priv.h"
#include "store/events_test_help.h"

static uint64_t value_at(const struct store_log_column *column, size_t row)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)column->values + row * column->width, column->width);
	return value;
}

/* The word as it was in the message. */
static void write_word(const struct store_log_column *column, size_t row, struct buf *text)
{
	uint64_t value = value_at(column, row);

	if (column->kind == STORE_LOG_WORDS) {
		if (value >= column->word_count)
			return;
		uint32_t start = value ? column->word_ends[value - 1] : 0;
		buf_add(text, column->words + start, column->word_ends[value] - start);
	} else if (column->has_none && value == 0) {
		buf_add_char(text, '-');
	} else {
		int64_t number = column->base + (int64_t)(value - column->has_none);
		if (column->is_ipv4)
			buf_printf(text, "%d.%d.%d.%d", (int)(number >> 24),
				(int)(number >> 16 & 255), (int)(number >> 8 & 255),
				(int)(number & 255));
		else
			buf_printf(text, "%" PRId64, number);
	}
}

/* Lines of all kinds of words: few and many numbers, addresses, names, with "-", leading zeros, and
 * more digits than a number has. */
static void write_line(struct buf *line, unsigned i)
{
	buf_printf(line,
		"2 %u 10.%u.%u.1 eni-%u %s %s 00%u 1234567890123456789%u same %u.1.2.3.4 %s",
		i * 7919, i % 251, i / 14, i % 3, i % 5 ? "443" : "-", i % 9 ? "80" : "-", i, i, i,
		i % 2 ? "ACCEPT" : "REJECT");
	buf_printf(line, " n%u %s", i, i % 4 ? "10.0.0.1" : "-");
	buf_printf(line, i % 6 ? " 10.9.%u.%u" : " -", i % 200, i % 90);
	buf_printf(line, i % 6 ? " %u" : " -", i * 65539);
}

static void make_chunk(
	struct buf *chunk, unsigned count, void (*write)(struct buf *line, unsigned i))
{
	_cleanup_free_ struct store_log_event *events = mem_new(count, sizeof(*events));
	_cleanup_free_ struct buf *lines = mem_new(count, sizeof(*lines));

	for (unsigned i = 0; i < count; i++) {
		write(&lines[i], i);
		events[i] = (struct store_log_event){1000000 + 3 * (int64_t)i, buf_str(&lines[i])};
	}
	const struct store_log_put put = {.events = events, .count = count, .now_ms = 5};
	events_chunk_put(chunk, &put, 7);
	events_header_seal((struct events_header *)(void *)chunk->p);
	for (unsigned i = 0; i < count; i++)
		buf_done(&lines[i]);
}

/* What is told of all of a column is so of the word. */
static void check_about(const struct store_log_column *column, struct str word)
{
	if (column->filter)
		assert_true(store_log_column_may_have(column, word) && word.n >= column->shortest &&
			    word.n <= column->longest);
	if (column->kind == STORE_LOG_NUMBERS && !column->is_ipv4) {
		assert_true(str_equal(word, STR("-")) || strtoll(word.p, NULL, 10) <= column->last);
		return;
	}
	for (size_t i = 0; column->bytes && i < word.n; i++) {
		unsigned char c = (unsigned char)word.p[i];
		assert_true(column->bytes[c / 64] >> c % 64 & 1);
	}
	assert_true(column->is_ipv4 || column->bytes);
}

static void test_words_come_back(void **state)
{
	static const unsigned counts[] = {1, 2, 255, 256, 257, 3000};

	for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
		_cleanup_buf_ struct buf chunk = {0}, columns = {0};
		struct events_columns whole;
		const struct store_log_columns *opened = &whole.columns;
		struct events_view view;
		size_t unknown = 0, others = 0;

		make_chunk(&chunk, counts[c], write_line);
		const struct events_header *rows = (const struct events_header *)(void *)chunk.p;
		assert_true(events_view_open(rows, &view));
		assert_true(events_columns_make(&columns, &view));
		assert_true(events_columns_open(
			rows, (const struct events_header *)(void *)columns.p, &whole));
		assert_int_equal(opened->count, 15);
		assert_true(store_log_columns_use(&whole.columns, STORE_LOG_TIMES));
		for (size_t i = 0; i < opened->count; i++) {
			bool has_values = opened->columns[i].kind != STORE_LOG_NO_VALUES;
			unknown += !has_values;
			assert_true(store_log_columns_use(&whole.columns, i));
			assert_true(has_values == !opened->columns[i].filter);
			others += !has_values &&
				  store_log_column_may_have(&opened->columns[i], STR("other"));
		}
		/* Of many lines: 00N, the long number, N.1.2.3.4, nN. */
		assert_int_equal(unknown, counts[c] > 256 ? 4 : 0);
		assert_true(others < 2);
		if (counts[c] > 1000) {
			assert_int_equal(opened->columns[1].kind, STORE_LOG_NUMBERS);
			assert_true(opened->columns[2].is_ipv4);
			assert_true(opened->columns[13].is_ipv4 && opened->columns[13].has_none);
			assert_true(opened->columns[14].has_none);
		}
		for (size_t row = 0; row < counts[c]; row++) {
			struct str rest = events_view_message(&view, row), word;
			for (size_t i = 0; str_split(&rest, ' ', &word); i++) {
				_cleanup_buf_ struct buf text = {0};
				check_about(&opened->columns[i], word);
				if (opened->columns[i].kind == STORE_LOG_NO_VALUES)
					continue;
				write_word(&opened->columns[i], row, &text);
				assert_true(str_equal(buf_str(&text), word));
			}
			assert_int_equal(
				opened->times.base + (int64_t)value_at(&opened->times, row),
				events_view_time(&view, row));
		}
	}
}

static void write_unlike(struct buf *line, unsigned i)
{
	buf_printf(line, i == 9 ? "a b c" : "a b");
}

static void write_blanks(struct buf *line, unsigned i)
{
	buf_printf(line, i == 9 ? "a  b" : "a b c");
}

static void write_one(struct buf *line, unsigned i)
{
	buf_printf(line, "word%u", i);
}

static void test_lines_that_are_not_alike(void **state)
{
	void (*const writers[])(struct buf *, unsigned) = {write_unlike, write_blanks, write_one};

	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		_cleanup_buf_ struct buf chunk = {0}, columns = {0};
		struct events_view view;

		make_chunk(&chunk, 20, writers[i]);
		assert_true(events_view_open((const struct events_header *)(void *)chunk.p, &view));
		assert_false(events_columns_make(&columns, &view));
	}
}

/* Reads all that may be read of them. */
static void read_columns(struct events_columns *columns)
{
	for (size_t i = 0; i < columns->columns.count; i++) {
		if (!store_log_columns_use(&columns->columns, i) ||
			!columns->columns.columns[i].width)
			continue;
		for (size_t row = 0; row < columns->rows->count; row++) {
			_cleanup_buf_ struct buf text = {0};
			write_word(&columns->columns.columns[i], row, &text);
		}
	}
}

/* Every byte of the columns wrong in turn, also with a checksum of all that says it is right. */
static void test_damage(void **state)
{
	_cleanup_buf_ struct buf chunk = {0}, columns = {0};
	struct events_columns opened;
	struct events_view view;
	size_t refused = 0, unused = 0;

	make_chunk(&chunk, 300, write_line);
	struct events_header *rows = (struct events_header *)(void *)chunk.p;
	assert_true(events_view_open(rows, &view));
	assert_true(events_columns_make(&columns, &view));
	const struct events_header *good = (const struct events_header *)(const void *)columns.p;
	for (size_t at = sizeof(*rows); at < columns.n; at++) {
		char *copy = mem_new(columns.n, 1);
		memcpy(copy, columns.p, columns.n);
		copy[at] = (char)(copy[at] ^ (at % 3 ? 0x81 : 0x10));
		struct events_header *header = (struct events_header *)(void *)copy;
		bool is_open = events_columns_open(rows, header, &opened);
		size_t used = 0;
		for (size_t i = 0; is_open && i < opened.columns.count; i++)
			used += store_log_columns_use(&opened.columns, i);
		if (is_open)
			used += store_log_columns_use(&opened.columns, STORE_LOG_TIMES);
		/* A column or what describes all; the padding behind everything is neither. */
		refused += !is_open;
		unused += is_open && used < 16;
		assert_true(!is_open || used < 16 || at - sizeof(*rows) >= good->body_bytes - 7);
		events_header_seal(header);
		if (events_columns_open(rows, header, &opened))
			read_columns(&opened);
		free(copy);
	}
	assert_true(refused > 500 && unused > 500);
	rows->sequence_first++;
	assert_false(events_columns_open(rows, good, &opened));
}

/* Which bytes of the rows are good, a kilobyte at a time. */
static void test_damaged_rows(void **state)
{
	_cleanup_buf_ struct buf chunk = {0}, columns = {0};
	struct events_columns opened;
	struct events_view view;

	make_chunk(&chunk, 300, write_line);
	struct events_header *rows = (struct events_header *)(void *)chunk.p;
	assert_true(events_view_open(rows, &view));
	assert_true(events_columns_make(&columns, &view));
	const struct events_header *header = (const struct events_header *)(const void *)columns.p;
	char *body = chunk.p + sizeof(*rows);
	size_t size = rows->size - sizeof(*rows);
	for (size_t at = 0; at < size; at += 379) {
		size_t page = at / 1024 * 1024, end = page + 1024 < size ? page + 1024 : size;
		body[at] ^= 4;
		assert_true(events_columns_open(rows, header, &opened));
		assert_false(events_columns_row_bytes(&opened, body + at, 1));
		assert_false(events_columns_row_bytes(&opened, body, size));
		assert_true(events_columns_row_bytes(&opened, body, page));
		assert_true(events_columns_row_bytes(&opened, body + end, size - end));
		body[at] ^= 4;
		events_columns_done(&opened);
	}
}

/* A chunk as it was written before there were summaries: all of it is checked at once. */
static void test_without_a_summary(void **state)
{
	_cleanup_buf_ struct buf chunk = {0}, columns = {0};
	struct events_columns opened;
	struct events_view view;

	make_chunk(&chunk, 300, write_line);
	struct events_header *rows = (struct events_header *)(void *)chunk.p;
	assert_true(events_view_open(rows, &view));
	assert_true(events_columns_make(&columns, &view));
	struct events_header *header = (struct events_header *)(void *)columns.p;
	memset(columns.p + sizeof(*header) + 4, 0, 4);
	assert_false(events_columns_open(rows, header, &opened));
	events_header_seal(header);
	assert_true(events_columns_open(rows, header, &opened));
	for (size_t i = 0; i < opened.columns.count; i++) {
		assert_true(store_log_columns_use(&opened.columns, i) ==
			    (opened.columns.columns[i].kind != STORE_LOG_NO_VALUES));
		assert_null(opened.columns.columns[i].bytes);
	}
	assert_false(events_columns_row_bytes(&opened, rows + 1, 1));
	columns.p[columns.n - 900] ^= 1;
	assert_false(events_columns_open(rows, header, &opened));
}

/* ---- sealed files ---- */

static bool take_columns(void *context, struct store_log_columns *columns)
{
	return store_log_columns_use(columns, STORE_LOG_TIMES);
}

struct seen {
	atomic_size_t rows, column_rows;
	atomic_uint_fast64_t sum;
};

static void visit(void *context, const struct store_log_block *block, const uint64_t *mask)
{
	struct seen *seen = context;

	for (size_t row = 0; row < block->count; row++) {
		if (!(mask[row / 64] >> row % 64 & 1))
			continue;
		seen->rows++;
		seen->column_rows += block->columns != NULL;
		seen->sum += block->columns ? (uint64_t)block->columns->times.base +
						      value_at(&block->columns->times, row)
					    : (uint64_t)block->time_ms + block->times[row];
	}
}

static struct seen scan(struct place *place, int64_t start_ms, int64_t end_ms)
{
	const struct store_log_read read = {.group = STR("g"),
		.start_ms = start_ms,
		.end_ms = end_ms,
		.takes_columns = take_columns};
	struct seen seen = {0};

	assert_int_equal(scan_all(place, &read, visit, &seen, NULL), 0);
	return seen;
}

static void test_a_scan_takes_them(void **state)
{
	struct place *place = *state;

	assert_int_equal(put_some(place, "a", "x ", place->now, 1000, NULL), 0);
	assert_int_equal(put_some(place, "b", "x", place->now, 500, NULL), 0);
	struct seen before = scan(place, 0, INT64_MAX);
	assert_int_equal(before.rows, 1500);
	assert_int_equal(before.column_rows, 0);
	seal(place);
	struct seen after = scan(place, 0, INT64_MAX);
	assert_int_equal(after.rows, 1500);
	assert_int_equal(after.column_rows, 1000);
	assert_true(after.sum == before.sum);
	/* Not all of a chunk: by its rows. */
	after = scan(place, place->now + 1, INT64_MAX);
	assert_int_equal(after.rows, 1498);
	assert_int_equal(after.column_rows, 0);
	/* Damaged: by its rows too. */
	place_close(place);
	assert_int_equal(
		shell(place,
			"python3 -c \""
			"import glob, re; f = open(glob.glob('*.events')[0], 'r+b'); d = f.read();"
			"k = [m.start() for m in re.finditer(b'NEVC', d) if d[m.start() + 12] == 6][0];"
			"f.seek(k + 128 + 40); f.write(b'X')\""),
		0);
	place_open(place);
	after = scan(place, 0, INT64_MAX);
	assert_int_equal(after.rows, 1500);
	assert_int_equal(after.column_rows, 0);
	assert_true(after.sum == before.sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_come_back),
		cmocka_unit_test(test_lines_that_are_not_alike),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_damaged_rows),
		cmocka_unit_test(test_without_a_summary),
		cmocka_unit_test_setup_teardown(test_a_scan_takes_them, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
