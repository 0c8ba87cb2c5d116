#include "record/scan.h"

#include "base/buf.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <libdeflate.h>

#define LINES   60000
#define WORKERS 5

/* What some rows sum up to, whichever worker has them and in whatever order. */
struct sums {
	uint64_t rows, ports, bytes, texts, nulls;
};

static void add_lines(struct buf *buf, unsigned seed, unsigned lines, bool turned)
{
	buf_add_text(buf, turned ? "bytes srcaddr dstport unknown action\n"
				 : "srcaddr action dstport bytes\n");
	for (unsigned i = 0; i < lines; i++) {
		unsigned x = (i + seed) * 2654435761u;
		if (turned)
			buf_printf(buf, "%u%u 10.0.%u.%u %u word-%u %s\n", x % 1000, x,
				x >> 8 & 255, x >> 16 & 255, x % 65536, x % 7,
				x & 64 ? "REJECT" : "-");
		else
			buf_printf(buf, "%s%u.%u %s %u %u\n",
				x % 9 ? "10.1." : "2001:db8::", x >> 8 & 255, x >> 16 & 255,
				x & 64 ? "REJECT" : "ACCEPT", x % 65536, x);
		if (x % 1009 == 0)
			buf_add_text(buf, "10.0.0.1 ACCEPT 1\n");
	}
}

/* Two formats, each in gzip members of its own, and lines that are bad (2001:db8::1.2 is no
 * address). */
static void make_object(struct buf *packed)
{
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(3);

	for (unsigned member = 0; member < 6; member++) {
		_cleanup_buf_ struct buf text = {0};
		add_lines(&text, member * 77, LINES / 6, member & 1);
		size_t bound = libdeflate_gzip_compress_bound(compressor, text.n);
		packed->n += libdeflate_gzip_compress(
			compressor, text.p, text.n, buf_reserve(packed, bound), bound);
	}
	libdeflate_free_compressor(compressor);
}

static uint64_t hash(struct str text)
{
	uint64_t value = 14695981039346656037u;

	for (size_t i = 0; i < text.n; i++)
		value = (value ^ (unsigned char)text.p[i]) * 1099511628211u;
	return value;
}

struct team {
	struct record_scan *scan;
	pthread_mutex_t lock;
	struct sums sums;
	atomic_uint failures;
};

static const struct record_want wants[] = {
	{0, RECORD_FORM_TEXT},
	{2, RECORD_FORM_INT32},
	{1, RECORD_FORM_TEXT},
	{3, RECORD_FORM_INT64},
};

static void add_rows(struct sums *sums, const struct record_out *outs, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		sums->ports += (uint64_t)((int32_t *)outs[1].data)[i];
		sums->bytes += (uint64_t)((int64_t *)outs[3].data)[i];
		sums->texts += hash(record_string_str(&((struct record_string *)outs[0].data)[i]));
		sums->texts += hash(record_string_str(&((struct record_string *)outs[2].data)[i]));
		for (size_t c = 0; c < 4; c++)
			sums->nulls += outs[c].nulls && !(outs[c].validity[i / 64] >> (i & 63) & 1);
	}
	sums->rows += rows;
}

static void *work(void *argument)
{
	struct team *team = argument;
	_cleanup_(record_scan_worker_freep) struct record_scan_worker *worker =
		record_scan_worker_new();
	struct record_out outs[4];
	struct sums sums = {0};
	int r;

	for (size_t i = 0; i < 4; i++) {
		outs[i].data = mem_new(RECORD_SCAN_ROWS_MAX, sizeof(struct record_string));
		outs[i].validity = mem_new(RECORD_SCAN_ROWS_MAX / 64, sizeof(uint64_t));
	}
	while ((r = record_scan_next(team->scan, worker, NULL)) > 0) {
		size_t rows;
		while (record_scan_decode(worker, outs, 1000, &rows, NULL) == 0 && rows)
			add_rows(&sums, outs, rows);
	}
	team->failures += r < 0;
	pthread_mutex_lock(&team->lock);
	team->sums.rows += sums.rows;
	team->sums.ports += sums.ports;
	team->sums.bytes += sums.bytes;
	team->sums.texts += sums.texts;
	team->sums.nulls += sums.nulls;
	pthread_mutex_unlock(&team->lock);
	for (size_t i = 0; i < 4; i++) {
		free(outs[i].data);
		free(outs[i].validity);
	}
	return NULL;
}

static struct sums scan(struct str bytes, unsigned workers, const struct record_filter *filter,
	struct record_scan_stats *ret_stats)
{
	struct team team = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[WORKERS];
	struct input *input;

	assert_int_equal(input_open_memory(&input, bytes, "object", NULL), 0);
	assert_int_equal(record_scan_open(&team.scan, input, NULL, false, NULL), 0);
	record_scan_want(team.scan, wants, ARRAY_SIZE(wants), filter);
	for (unsigned i = 0; i < workers; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &team), 0);
	for (unsigned i = 0; i < workers; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(team.failures, 0);
	record_scan_stats(team.scan, ret_stats);
	record_scan_close(team.scan);
	return team.sums;
}

/* Several workers have the rows, counts and messages that one has. */
static void test_workers(void **state)
{
	_cleanup_buf_ struct buf object = {0};
	struct record_scan_stats one_stats, stats;

	make_object(&object);
	struct sums one = scan(buf_str(&object), 1, NULL, &one_stats);
	assert_true(one.rows > LINES / 2 && one.nulls > 0);
	assert_int_equal(one.rows, one_stats.rows);
	assert_int_equal(one_stats.reader.lines, one.rows + one_stats.reader.bad_lines);
	assert_int_equal(one_stats.reader.errors, RECORD_READER_ERRORS);
	for (unsigned round = 0; round < 5; round++) {
		struct sums sums = scan(buf_str(&object), WORKERS, NULL, &stats);
		assert_memory_equal(&sums, &one, sizeof(sums));
		assert_int_equal(stats.reader.lines, one_stats.reader.lines);
		assert_int_equal(stats.reader.bad_lines, one_stats.reader.bad_lines);
		assert_int_equal(stats.bytes, one_stats.bytes);
		for (unsigned i = 0; i < RECORD_READER_ERRORS; i++)
			assert_string_equal(
				stats.reader.error[i].message, one_stats.reader.error[i].message);
	}
}

/* A filter drops rows, and neither lines nor what is bad. */
static void test_filter(void **state)
{
	_cleanup_buf_ struct buf object = {0};
	struct record_scan_stats all, stats;
	struct record_range range = {100, 199};
	struct str reject = STR("REJECT");
	struct ip_prefix prefix;
	struct record_test tests[] = {
		{.kind = RECORD_TEST_RANGE, .column = 2, .count = 1, .ranges = &range},
		{.kind = RECORD_TEST_TEXT, .column = 1, .count = 1, .texts = &reject},
		{.kind = RECORD_TEST_PREFIX, .column = 0, .count = 1, .prefixes = &prefix},
		{.kind = RECORD_TEST_NEVER},
	};
	struct record_clause clauses[] = {
		{&tests[0], 1}, {&tests[1], 1},
		{&tests[2], 2}, /* the second of them is never true */
	};

	assert_true(ip_prefix_parse(STR("10.0.0.0/16"), &prefix));
	make_object(&object);
	struct sums whole = scan(buf_str(&object), 1, NULL, &all);
	uint64_t expected[] = {0, 0, 0};
	/* counted from what make_object writes */
	for (unsigned member = 0; member < 6; member++) {
		for (unsigned i = 0; i < LINES / 6; i++) {
			unsigned x = (i + member * 77) * 2654435761u;
			bool turned = member & 1;
			if (!turned && x % 9 == 0)
				continue;
			bool in_range = x % 65536 >= 100 && x % 65536 <= 199;
			expected[0] += in_range;
			expected[1] += in_range && x & 64;
			expected[2] += in_range && x & 64 && turned;
		}
	}
	for (size_t n = 1; n <= ARRAY_SIZE(clauses); n++) {
		struct record_filter filter = {clauses, n};
		struct sums sums = scan(buf_str(&object), 2, &filter, &stats);
		assert_int_equal(sums.rows, expected[n - 1]);
		assert_int_equal(stats.rows, sums.rows);
		assert_true(sums.rows > 0 && sums.rows < whole.rows / 10);
		assert_int_equal(stats.reader.lines, all.reader.lines);
		/* half of the lines have REJECT, which shows soon */
		assert_true(stats.reader.bad_lines == all.reader.bad_lines ||
			    (n > 1 && stats.unchecked && stats.unchecked < 1000));
	}
}

/* Lines without the text that a field must equal are counted and not looked at, but for a strict
 * scan, and as long as few have it. */
static void test_needle(void **state)
{
	_cleanup_buf_ struct buf text = {0};
	struct str address = STR("10.9.8.7");
	struct str accept = STR("ACCEPT");
	struct record_test tests[] = {
		{.kind = RECORD_TEST_TEXT, .column = 0, .count = 1, .texts = &address},
		{.kind = RECORD_TEST_TEXT, .column = 1, .count = 1, .texts = &accept},
	};
	struct record_clause clauses[] = {{&tests[0], 1}, {&tests[1], 1}};
	struct record_filter rare = {&clauses[0], 1}, common = {&clauses[1], 1};
	struct record_scan_stats stats;
	uint64_t expected = 0, bad_with = 0;

	buf_add_text(&text, "srcaddr action dstport bytes\n# 10.9.8.7, a comment\n\n  \n");
	for (unsigned i = 0; i < LINES; i++) {
		unsigned x = i * 2654435761u;
		bool wanted = x % 500 == 0;
		bool bad = x % 7 == 0;
		/* in another field or as part of it the text is not what is wanted */
		const char *source = wanted ? "10.9.8.7" : x % 401 == 0 ? "110.9.8.71" : "10.9.8.1";
		buf_printf(&text, "%s ACCEPT %u %s\n", source, x % 65536, bad ? "x" : "7");
		expected += wanted && !bad;
		bad_with += bad && (wanted || x % 401 == 0);
	}
	buf_add_text(&text, "10.9.8.7 ACCEPT 5 9"); /* the last line is not whole, but good */
	struct sums sums = scan(buf_str(&text), 2, &rare, &stats);
	assert_int_equal(sums.rows, expected + 1);
	assert_int_equal(stats.reader.lines, LINES + 1);
	assert_int_equal(stats.reader.bad_lines, bad_with);
	assert_true(stats.unchecked > LINES / 2 && stats.unchecked < LINES);
	/* each line has the word: after a few they are all looked at */
	sums = scan(buf_str(&text), 1, &common, &stats);
	assert_in_range(stats.unchecked, 0, 64);
	assert_int_equal(stats.reader.lines, LINES + 1);
	assert_int_equal(sums.rows + stats.reader.bad_lines, LINES + 1);
}

/* A line among many that are as they should be, wherever it stands among them. */
static void test_odd_line(void **state)
{
	enum { GOOD, BAD, NONE };
	static const struct {
		const char *line;
		int what;
	} odd[] = {
		{"eni-1 REJECT 10.0.0.9 - 5", GOOD},
		{"- - - - -", GOOD},
		{"eni-1 ACCEPT 2001:db8::9 80 5", GOOD},
		{"eni-1 ACCEPT 10.0.0.9  80 5", GOOD},
		{"eni-1 ACCEPT\t10.0.0.9 80 5\r", GOOD},
		{"eni-1 ACCEPT 10.0.0.9 80 9223372036854775807", GOOD},
		{"#eni-1 ACCEPT 10.0.0.9 80 5", NONE},
		{"# ACCEPT 10.0.0.9 80 5", NONE},
		{"", NONE},
		{" ", NONE},
		{"eni-1 ACCEPTED 10.0.0.9 80 5", BAD},
		{"eni-1 REJECT 10.0.0.256 80 5", BAD},
		{"eni-1 REJECT 10.0.0.09 80 5", BAD},
		{"eni-1 REJECT 10.0.0 80 5", BAD},
		{"eni-1 REJECT 10.0.0.9 80 x", BAD},
		{"eni-1 REJECT 10.0.0.9 80", BAD},
		{"eni-1 REJECT 10.0.0.9 80 5 5", BAD},
		{"eni-1 REJECT 10.0.0.9 99999999999 5", BAD},
		{"eni-1 REJECT 10.0.0.9 80 9223372036854775808", BAD},
		{"\x7f ACCEPT 10.0.0.9 80 5", BAD},
	};
	enum { AROUND = 1200, FIRST = 700 }; /* not in the piece of the header line */

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		for (unsigned before = FIRST; before < AROUND; before += i < 2 ? 3 : 37) {
			_cleanup_buf_ struct buf text = {0};
			_cleanup_(record_reader_closep) struct record_reader *reader = NULL;
			const struct record_batch *batch;
			struct input *input;
			uint64_t rows = 0, ports = 0;

			buf_add_text(&text, "interface-id action srcaddr dstport bytes\n");
			for (unsigned line = 0; line < AROUND; line++) {
				if (line == before)
					buf_printf(&text, "%s\n", odd[i].line);
				buf_printf(&text, "eni-1 ACCEPT 10.%u.1.%u %u 40\n", line % 256,
					line / 8, line);
			}
			assert_int_equal(
				input_open_memory(&input, buf_str(&text), "object", NULL), 0);
			assert_int_equal(record_reader_open(&reader, input, false, NULL), 0);
			while (record_reader_read(reader, &batch, NULL) == 0 && batch->rows) {
				for (size_t row = 0; row < batch->rows; row++)
					ports += (uint64_t)batch->column[3].numbers[row] % 80;
				rows += batch->rows;
			}
			assert_int_equal(rows, AROUND + (odd[i].what == GOOD));
			assert_int_equal(
				record_reader_stats(reader)->bad_lines, odd[i].what == BAD);
			/* fifteen times 0 to 79 */
			assert_int_equal(ports, 15 * (79 * 80 / 2));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_needle),
		cmocka_unit_test(test_odd_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
