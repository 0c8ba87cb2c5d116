#include "store/journal.h"

#include "base/clock.h"
#include "base/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

static char root[] = "/tmp/nagare-journal-test-XXXXXX";
static unsigned heads, fills;

static void make_head(void *context, int64_t now_ms, struct buf *head)
{
	buf_printf(head, "head %u at %lld", ++heads, (long long)now_ms);
}

static void on_filled(void *context)
{
	__atomic_add_fetch(&fills, 1, __ATOMIC_SEQ_CST);
}

static char *folder_of(const char *name)
{
	return mem_printf("%s/%s", root, name);
}

static struct store_journal *open_journal(const char *name, uint64_t segment_bytes)
{
	_cleanup_free_ char *folder = folder_of(name);
	const struct store_journal_settings settings = {.folder = folder,
		.head = make_head,
		.filled = on_filled,
		.segment_bytes = segment_bytes};
	struct store_journal *journal;
	struct err err = ERR_INIT;

	if (store_journal_open(&journal, &settings, &err) < 0)
		fail_msg("%s", err.message);
	return journal;
}

static int put_text(
	struct store_journal *journal, const char *text, const char *batch, int64_t now_ms)
{
	struct str records[16], rest = str_from(text);
	struct err err = ERR_INIT;
	size_t count = 0;

	while (str_split(&rest, ',', &records[count]))
		count++;
	const struct store_journal_put put = {.records = records,
		.count = count,
		.batch = (const uint8_t *)batch,
		.now_ms = now_ms};
	int result = store_journal_put(journal, &put, &err);
	if (result < 0)
		fail_msg("%s", err.message);
	return result;
}

static int add_record(void *context, struct str record)
{
	buf_add_char(context, '[');
	buf_add_str(context, record);
	buf_add_char(context, ']');
	return 0;
}

/* The records of the next segment, which is dropped; NULL: there is none. */
static char *next_records(struct store_journal *journal, int64_t opened_before_ms, bool is_dropped,
	uint64_t expected_damage)
{
	_cleanup_(store_segment_done) struct store_segment segment = {0};
	_cleanup_buf_ struct buf records = {0};
	struct err err = ERR_INIT;
	uint64_t damaged;

	if (store_journal_take(journal, opened_before_ms, &segment) == STORE_JOURNAL_NONE)
		return NULL;
	if (store_segment_read(journal, &segment, add_record, &records, &damaged, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(damaged, expected_damage);
	if (is_dropped && store_journal_drop(journal, &segment, &err) < 0)
		fail_msg("%s", err.message);
	return mem_strdup(buf_text(&records));
}

static void expect(struct store_journal *journal, int64_t opened_before_ms, const char *records)
{
	_cleanup_free_ char *found = next_records(journal, opened_before_ms, true, 0);

	assert_non_null(found);
	assert_string_equal(found, records);
}

static void expect_none(struct store_journal *journal, int64_t opened_before_ms)
{
	assert_null(next_records(journal, opened_before_ms, false, 0));
}

static void test_buffers_by_age_and_size(void **state)
{
	struct store_journal *journal = open_journal("sizes", 10);
	struct store_journal_counts counts;
	unsigned before = fills;

	expect_none(journal, INT64_MAX);
	assert_int_equal(put_text(journal, "a,bb,", NULL, 1000), 0);
	store_journal_count(journal, &counts);
	assert_int_equal(counts.records, 3);
	assert_int_equal(counts.bytes, 3);
	assert_int_equal(counts.oldest_ms, 1000);
	expect_none(journal, 1000);
	/* Full with the 10th byte: the next put begins another. */
	assert_int_equal(put_text(journal, "1234567", NULL, 1001), 0);
	assert_int_equal(fills - before, 1);
	assert_int_equal(put_text(journal, "c", NULL, 1002), 0);
	expect(journal, 0, "[a][bb][][1234567]");
	expect_none(journal, 1002);
	expect(journal, 1003, "[c]");
	store_journal_limit(journal, 1);
	assert_int_equal(put_text(journal, "d", NULL, 1004), 0);
	expect(journal, 0, "[d]");
	store_journal_count(journal, &counts);
	assert_int_equal(counts.segments + counts.records + counts.bytes, 0);
	store_journal_close(journal);
}

static void test_a_start_takes_up_what_is_there(void **state)
{
	struct store_journal *journal = open_journal("start", 4);

	put_text(journal, "aaaa", NULL, 1);
	put_text(journal, "b", NULL, 2);
	store_journal_close(journal);
	journal = open_journal("start", 4);
	put_text(journal, "c", NULL, 3);
	expect(journal, 0, "[aaaa]");
	expect(journal, 0, "[b]");
	expect_none(journal, 3);
	expect(journal, 4, "[c]");
	store_journal_close(journal);
}

static void test_batches_are_known_again(void **state)
{
	struct store_journal *journal = open_journal("batches", 100);
	const char *one = "0123456789abcdef", *two = "fedcba9876543210";

	assert_int_equal(put_text(journal, "a", one, 1), 0);
	assert_int_equal(put_text(journal, "a", one, 2), STORE_JOURNAL_REPEAT);
	store_journal_close(journal);
	/* From the segment. */
	journal = open_journal("batches", 100);
	assert_int_equal(put_text(journal, "a", one, 3), STORE_JOURNAL_REPEAT);
	assert_int_equal(put_text(journal, "b", two, 4), 0);
	expect(journal, 0, "[a]");
	expect(journal, 5, "[b]");
	store_journal_close(journal);
	/* Beyond it. */
	journal = open_journal("batches", 100);
	assert_int_equal(put_text(journal, "a", one, 6), STORE_JOURNAL_REPEAT);
	assert_int_equal(put_text(journal, "b", two, 6), STORE_JOURNAL_REPEAT);
	for (unsigned i = 0; i < STORE_JOURNAL_BATCHES; i++) {
		char id[STORE_JOURNAL_BATCH_SIZE + 1];
		snprintf(id, sizeof(id), "batch %010u", i);
		assert_int_equal(put_text(journal, "x", id, 7), 0);
	}
	assert_int_equal(put_text(journal, "a", one, 8), 0);
	store_journal_close(journal);
}

static void test_what_is_damaged_is_left_out(void **state)
{
	_cleanup_free_ char *path = mem_printf("%s/damage/%020d.segment", root, 0);
	struct store_journal *journal = open_journal("damage", 1000);
	_cleanup_buf_ struct buf bytes = {0};
	struct err err = ERR_INIT;

	put_text(journal, "first", NULL, 1);
	put_text(journal, "second", NULL, 2);
	put_text(journal, "third", NULL, 3);
	store_journal_close(journal);
	assert_int_equal(file_read(path, 100000, &bytes, &err), 0);
	char *second = memmem(bytes.p, bytes.n, "second", 6);
	assert_non_null(second);
	*second ^= 1;
	/* And a torn end. */
	FILE *file = fopen(path, "w");
	fwrite(bytes.p, 1, bytes.n, file);
	fwrite(bytes.p, 1, 70, file);
	fclose(file);
	journal = open_journal("damage", 1000);
	/* The torn end is the head's frame again: no record of a put. */
	_cleanup_free_ char *records = next_records(journal, 0, true, 2);
	assert_string_equal(records, "[first][third]");
	store_journal_close(journal);
}

static void test_heads(void **state)
{
	_cleanup_(store_segment_done) struct store_segment segment = {0}, again = {0};
	struct store_journal *journal = open_journal("heads", 1);
	char expected[64];

	put_text(journal, "a", NULL, 77);
	snprintf(expected, sizeof(expected), "head %u at 77", heads);
	assert_int_equal(store_journal_take(journal, 0, &segment), 0);
	assert_string_equal(buf_text(&segment.head), expected);
	store_journal_close(journal);
	journal = open_journal("heads", 1);
	assert_int_equal(store_journal_take(journal, 0, &again), 0);
	assert_string_equal(buf_text(&again.head), expected);
	assert_int_equal(again.first_ms, 77);
	assert_int_equal(again.number, segment.number);
	store_journal_close(journal);
}

static void test_a_put_that_fails_leaves_nothing(void **state)
{
	struct store_journal *journal = open_journal("full", 1 << 20);
	const struct rlimit small = {4096, RLIM_INFINITY};
	_cleanup_free_ char *big = mem_new(1, 8192);
	struct rlimit before;
	struct err err = ERR_INIT;

	memset(big, 'x', 8191);
	put_text(journal, "before", NULL, 1);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	setrlimit(RLIMIT_FSIZE, &small);
	const struct str records[] = {{big, 8191}};
	const struct store_journal_put put = {
		.records = records, .count = 1, .batch = (const uint8_t *)big, .now_ms = 2};
	int result = store_journal_put(journal, &put, &err);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(result, -1);
	put_text(journal, "after", NULL, 3);
	/* It may be sent again. */
	assert_int_equal(store_journal_put(journal, &put, &err), 0);
	store_journal_close(journal);
	journal = open_journal("full", 1 << 20);
	expect(journal, 0, "[before]");
	_cleanup_free_ char *rest = next_records(journal, 0, true, 0);
	assert_int_equal(strlen(rest), strlen("[after][]") + 8191);
	expect_none(journal, INT64_MAX);
	store_journal_close(journal);
}

enum { THREADS = 8, PUTS = 200 };
static struct store_journal *shared;

static void *put_many(void *context)
{
	for (unsigned i = 0; i < PUTS; i++) {
		_cleanup_free_ char *text = mem_printf("%c%03u", 'a' + (int)(uintptr_t)context, i);
		put_text(shared, text, NULL, 5);
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	uint8_t seen[THREADS][PUTS] = {0};
	struct store_journal_counts counts;
	pthread_t threads[THREADS];
	char *records;

	shared = open_journal("threads", 1000);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, (void *)i), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	store_journal_count(shared, &counts);
	assert_int_equal(counts.records, THREADS * PUTS);
	assert_true(counts.syncs <= THREADS * PUTS);
	while ((records = next_records(shared, INT64_MAX, true, 0))) {
		for (const char *p = records; *p; p += strlen("[a000]"))
			seen[p[1] - 'a'][strtoul(p + 2, NULL, 10)]++;
		free(records);
	}
	for (unsigned i = 0; i < THREADS; i++)
		for (unsigned k = 0; k < PUTS; k++)
			assert_int_equal(seen[i][k], 1);
	store_journal_close(shared);
}

/* A child puts and tells through a pipe what was acknowledged; it is killed. */
static void test_kill_during_puts(void **state)
{
	struct err err = ERR_INIT;

	for (unsigned round = 0; round < 5; round++) {
		_cleanup_free_ char *name = mem_printf("kill-%u", round);
		uint32_t acknowledged = 0;
		int pipe_fds[2];
		assert_int_equal(pipe(pipe_fds), 0);
		pid_t child = fork();
		if (child == 0) {
			shared = open_journal(name, 500);
			for (uint32_t i = 0;; i++) {
				_cleanup_free_ char *text = mem_printf("%08u", i);
				put_text(shared, text, NULL, 1);
				if (write(pipe_fds[1], &i, sizeof(i)) != sizeof(i))
					_exit(1);
			}
		}
		close(pipe_fds[1]);
		while (acknowledged < 50 + 37 * round &&
			read(pipe_fds[0], &acknowledged, sizeof(acknowledged)) > 0)
			;
		kill(child, SIGKILL);
		while (read(pipe_fds[0], &acknowledged, sizeof(acknowledged)) > 0)
			;
		close(pipe_fds[0]);
		waitpid(child, NULL, 0);
		struct store_journal *journal = open_journal(name, 500);
		uint32_t found = 0;
		char *records;
		while ((records = next_records(journal, 0, true, 0))) {
			for (const char *p = records; *p; p += strlen("[00000000]"))
				assert_int_equal(strtoul(p + 1, NULL, 10), found++);
			free(records);
		}
		/* One more may have been on its way. */
		assert_true(found == acknowledged + 1 || found == acknowledged + 2);
		assert_int_equal(store_journal_delete(journal, &err), 0);
	}
}

static int setup(void **state)
{
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[sizeof(root) + 16];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffers_by_age_and_size),
		cmocka_unit_test(test_a_start_takes_up_what_is_there),
		cmocka_unit_test(test_batches_are_known_again),
		cmocka_unit_test(test_what_is_damaged_is_left_out),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_a_put_that_fails_leaves_nothing),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_kill_during_puts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
