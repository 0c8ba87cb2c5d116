#include "deliver/spool_priv.h"

#include "base/clock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cmocka.h>

static char root[] = "/tmp/nagare-spool-test-XXXXXX";
static unsigned warnings;
static struct err last_warning;

static void on_warning(void *context, const struct err *err)
{
	warnings++;
	last_warning = *err;
}

static struct spool *open_spool(const char *name, uint64_t max_bytes)
{
	_cleanup_free_ char *folder = mem_printf("%s/%s", root, name);
	struct spool_settings settings = {
		.folder = folder, .kind = "s3", .max_bytes = max_bytes, .warn = on_warning};
	struct spool *spool;
	struct err err = ERR_INIT;

	if (spool_open(&spool, &settings, &err) < 0)
		fail_msg("%s", err.message);
	return spool;
}

/* A file of batches "a", "b", ... of one record each with a second of time each. */
static int put(struct spool *spool, const char *names, struct err *err)
{
	_cleanup_(spool_draft_done) struct spool_draft draft = SPOOL_DRAFT_INIT;
	int result = spool_draft_open(spool, &draft, err);

	if (result != 0)
		return result;
	for (const char *p = names; *p; p++) {
		char name[] = {*p, '\0'};
		_cleanup_free_ char *body = mem_printf("body of %c", *p);
		struct spool_batch batch = {
			.name = name, .records = 1, .first_ms = *p * 1000, .last_ms = *p * 1000};
		if (spool_draft_add(&draft, &batch, str_from(body), err) < 0)
			return -1;
	}
	return spool_draft_commit(spool, &draft, err);
}

/* Takes the next batch and checks its body; 0 when there is none. */
static char take_next(struct spool *spool, struct spool_taken *taken)
{
	_cleanup_buf_ struct buf body = {0};
	struct err err = ERR_INIT;

	if (spool_take(spool, 0, INT64_MAX, true, taken) == SPOOL_NONE)
		return 0;
	char name = taken->batch->name[0];
	_cleanup_free_ char *expected = mem_printf("body of %c", name);
	assert_int_equal(spool_check(taken, &err), 0);
	assert_int_equal(spool_read(taken, 0, taken->batch->size, &body, &err), 0);
	assert_string_equal(buf_text(&body), expected);
	assert_int_equal(strlen(taken->batch->id), SPOOL_ID_MAX);
	return name;
}

static unsigned count_files(const char *name, const char *pattern)
{
	_cleanup_free_ char *command =
		mem_printf("find %s/%s -type f -name '%s' | wc -l", root, name, pattern);
	FILE *pipe = popen(command, "r");
	unsigned count = 0;

	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%u", &count), 1);
	pclose(pipe);
	return count;
}

static void oldest_first_and_gone_when_finished(void **state)
{
	struct spool *spool = open_spool("order", 1 << 20);
	struct spool_counts counts;
	struct err err;
	struct spool_taken taken;

	assert_int_equal(put(spool, "ab", &err), 0);
	assert_int_equal(put(spool, "c", &err), 0);
	spool_count(spool, &counts);
	assert_int_equal(counts.batches, 3);
	assert_int_equal(counts.records, 3);
	assert_int_equal(counts.bytes, 2 * 4096);
	assert_true(counts.oldest_ms > 0 && counts.oldest_ms <= clock_wall_ns() / 1000000);
	for (const char *expected = "abc"; *expected; expected++) {
		assert_int_equal(take_next(spool, &taken), *expected);
		spool_finish(spool, &taken, SPOOL_DELIVERED);
	}
	assert_int_equal(take_next(spool, &taken), 0);
	spool_count(spool, &counts);
	assert_int_equal(counts.batches + counts.records + counts.bytes, 0);
	assert_int_equal(counts.oldest_ms, 0);
	assert_int_equal(count_files("order", "*"), 0);
	spool_close(spool, false);
}

static void several_under_way_but_one_of_a_name(void **state)
{
	struct spool *spool = open_spool("names", 1 << 20);
	struct spool_taken first, second, third;
	struct err err;

	assert_int_equal(put(spool, "ab", &err), 0);
	assert_int_equal(put(spool, "abc", &err), 0);
	assert_int_equal(take_next(spool, &first), 'a');
	assert_int_equal(take_next(spool, &second), 'b');
	assert_int_equal(take_next(spool, &third), 'c');
	spool_return(spool, &third, 0);
	spool_finish(spool, &second, SPOOL_DELIVERED);
	assert_int_equal(take_next(spool, &second), 'b');
	spool_return(spool, &first, 0);
	assert_int_equal(take_next(spool, &first), 'a');
	assert_int_equal(first.batch->offset, 0);
	assert_int_equal(take_next(spool, &third), 'c');
	spool_finish(spool, &first, SPOOL_DELIVERED);
	spool_finish(spool, &second, SPOOL_DELIVERED);
	spool_finish(spool, &third, SPOOL_DELIVERED);
	assert_int_equal(take_next(spool, &first), 'a');
	spool_finish(spool, &first, SPOOL_DELIVERED);
	assert_int_equal(take_next(spool, &first), 0);
	spool_close(spool, false);
}

static void what_is_put_off_lets_others_pass(void **state)
{
	struct spool *spool = open_spool("later", 1 << 20);
	struct spool_taken taken;
	struct err err;

	assert_int_equal(put(spool, "abc", &err), 0);
	assert_int_equal(spool_take(spool, 5000, INT64_MAX, true, &taken), 0);
	assert_int_equal(taken.refusals, 0);
	spool_return(spool, &taken, 6000);
	assert_int_equal(spool_take(spool, 5000, INT64_MAX, true, &taken), 0);
	assert_string_equal(taken.batch->name, "b");
	spool_return(spool, &taken, 0);
	assert_int_equal(spool_take(spool, 6000, INT64_MAX, true, &taken), 0);
	assert_string_equal(taken.batch->name, "a");
	assert_int_equal(taken.refusals, 1);
	spool_return(spool, &taken, 7000);
	/* Records of 'b' (98 s) are too new, those of 'a' are not. */
	assert_int_equal(spool_take(spool, 6000, 97000, true, &taken), SPOOL_NONE);
	assert_int_equal(spool_take(spool, 7000, 97000, true, &taken), 0);
	assert_string_equal(taken.batch->name, "a");
	spool_finish(spool, &taken, SPOOL_GIVEN_UP);
	spool_close(spool, false);
}

static void a_restart_takes_up_what_was_not_finished(void **state)
{
	struct spool *spool = open_spool("restart", 1 << 20);
	struct spool_taken taken;
	struct spool_counts counts;
	char ids[2][SPOOL_ID_MAX + 1];
	struct err err;

	assert_int_equal(put(spool, "abc", &err), 0);
	assert_int_equal(put(spool, "d", &err), 0);
	assert_int_equal(take_next(spool, &taken), 'a');
	spool_finish(spool, &taken, SPOOL_DELIVERED);
	assert_int_equal(take_next(spool, &taken), 'b');
	memcpy(ids[0], taken.batch->id, sizeof(ids[0])); /* under way when it dies */
	spool_close(spool, false);
	_cleanup_free_ char *draft = mem_printf("%s/restart/.x.spool.AbCdEf.part", root);
	fclose(fopen(draft, "w"));
	spool = open_spool("restart", 1 << 20);
	assert_int_equal(access(draft, F_OK), -1);
	spool_count(spool, &counts);
	assert_int_equal(counts.batches, 3);
	assert_int_equal(counts.records, 3);
	assert_int_equal(put(spool, "e", &err), 0);
	for (const char *expected = "bcde"; *expected; expected++) {
		assert_int_equal(take_next(spool, &taken), *expected);
		memcpy(ids[1], taken.batch->id, sizeof(ids[1]));
		if (*expected == 'b')
			assert_string_equal(ids[0], ids[1]);
		else
			assert_string_not_equal(ids[0], ids[1]);
		spool_finish(spool, &taken, SPOOL_DELIVERED);
	}
	assert_int_equal(warnings, 0);
	spool_close(spool, true);
	_cleanup_free_ char *folder = mem_printf("%s/restart", root);
	assert_int_equal(access(folder, F_OK), -1);
}

static void another_kind_of_destination_is_told(void **state)
{
	struct spool *spool = open_spool("kinds", 1 << 20);
	_cleanup_free_ char *folder = mem_printf("%s/kinds", root);
	const struct spool_settings settings = {
		.folder = folder, .kind = "logs", .max_bytes = 1 << 20, .warn = on_warning};
	struct spool_taken taken;
	struct err err;

	assert_int_equal(put(spool, "a", &err), 0);
	spool_close(spool, false);
	warnings = 0;
	assert_int_equal(spool_open(&spool, &settings, &err), 0);
	assert_int_equal(warnings, 1);
	assert_int_equal(take_next(spool, &taken), 0);
	assert_int_equal(put(spool, "b", &err), 0);
	assert_int_equal(take_next(spool, &taken), 'b');
	spool_finish(spool, &taken, SPOOL_DELIVERED);
	spool_close(spool, false);
	spool = open_spool("kinds", 1 << 20);
	assert_int_equal(take_next(spool, &taken), 'a');
	spool_close(spool, false);
	warnings = 0;
}

static void one_process_a_spool(void **state)
{
	struct spool *spool = open_spool("lock", 1 << 20), *other = NULL;
	_cleanup_free_ char *folder = mem_printf("%s/lock", root);
	struct spool_settings settings = {.folder = folder, .kind = "s3", .max_bytes = 1 << 20};
	struct err err = ERR_INIT;

	assert_true(spool_open(&other, &settings, &err) < 0);
	assert_int_equal(err.code, ERR_USAGE);
	spool_close(spool, false);
	assert_int_equal(spool_open(&other, &settings, &err), 0);
	spool_close(other, false);
}

static struct buf read_only_file(const char *name, char **ret_path)
{
	struct buf bytes = {0};
	struct err err;

	*ret_path = mem_printf("%s/%s/%020d.s3.spool", root, name, 1);
	assert_int_equal(file_read(*ret_path, 1 << 20, &bytes, &err), 0);
	return bytes;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

/* Cut off at any place, or with any one byte changed, it is not taken for good. */
static void damage_is_found_and_set_aside(void **state)
{
	struct spool *spool = open_spool("damage", 1 << 20);
	_cleanup_free_ char *path = NULL;
	struct err err;

	assert_int_equal(put(spool, "ab", &err), 0);
	spool_close(spool, false);
	_cleanup_buf_ struct buf whole = read_only_file("damage", &path);
	_cleanup_free_ char *aside = mem_printf("%s.damaged", path);
	size_t bodies = strlen("body of a") * 2;
	unsigned found = 0, expected = 0;
	for (size_t n = 0; n < whole.n; n++) {
		write_file(path, whole.p, n);
		warnings = 0;
		spool = open_spool("damage", 1 << 20);
		assert_int_equal(warnings, 1);
		assert_int_equal(access(aside, F_OK), 0);
		assert_int_equal(put(spool, "z", &err), 0);
		spool_close(spool, false);
		assert_int_equal(unlink(aside), 0);
		_cleanup_free_ char *next = mem_printf("%s/damage/%020d.s3.spool", root, 2);
		assert_int_equal(unlink(next), 0);
	}
	for (size_t i = 0; i < whole.n; i++) {
		_cleanup_free_ char *copy = mem_new(whole.n, 1);
		struct spool_taken taken;
		memcpy(copy, whole.p, whole.n);
		copy[i] ^= 0x10;
		write_file(path, copy, whole.n);
		warnings = 0;
		spool = open_spool("damage", 1 << 20);
		expected++;
		if (i >= bodies) {
			found += warnings;
			spool_close(spool, false);
			continue;
		}
		assert_int_equal(spool_take(spool, 0, INT64_MAX, true, &taken), 0);
		if (i >= bodies / 2) {
			assert_int_equal(spool_check(&taken, &err), 0);
			spool_finish(spool, &taken, SPOOL_DELIVERED);
			assert_int_equal(spool_take(spool, 0, INT64_MAX, true, &taken), 0);
		}
		assert_true(spool_check(&taken, &err) < 0);
		assert_int_equal(err.code, ERR_INPUT);
		spool_finish(spool, &taken, SPOOL_DAMAGED);
		while (spool_take(spool, 0, INT64_MAX, true, &taken) == 0)
			spool_finish(spool, &taken, SPOOL_DELIVERED);
		found += access(aside, F_OK) == 0 && access(path, F_OK) != 0;
		spool_close(spool, false);
	}
	assert_int_equal(found, expected);
}

static void damaged_while_it_waits(void **state)
{
	struct spool *spool = open_spool("waits", 1 << 20);
	_cleanup_free_ char *path = NULL;
	struct spool_counts counts;
	struct spool_taken taken;
	struct err err;

	assert_int_equal(put(spool, "ab", &err), 0);
	assert_int_equal(put(spool, "c", &err), 0);
	_cleanup_buf_ struct buf whole = read_only_file("waits", &path);
	write_file(path, whole.p, whole.n / 2);
	warnings = 0;
	assert_int_equal(take_next(spool, &taken), 'c');
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(last_warning.message, path));
	spool_finish(spool, &taken, SPOOL_DELIVERED);
	spool_count(spool, &counts);
	assert_int_equal(counts.lost, 2);
	assert_int_equal(counts.batches, 0);
	spool_close(spool, false);
}

static void full_is_said_and_nothing_is_overwritten(void **state)
{
	struct spool *spool = open_spool("full", 3 * 4096);
	struct spool_taken taken;
	struct err err;

	assert_int_equal(put(spool, "a", &err), 0);
	assert_int_equal(put(spool, "b", &err), 0);
	assert_int_equal(put(spool, "c", &err), 0);
	assert_int_equal(put(spool, "d", &err), SPOOL_FULL);
	assert_int_equal(count_files("full", "*"), 3);
	assert_int_equal(take_next(spool, &taken), 'a');
	spool_finish(spool, &taken, SPOOL_DELIVERED);
	assert_int_equal(put(spool, "e", &err), 0);
	for (const char *expected = "bce"; *expected; expected++) {
		assert_int_equal(take_next(spool, &taken), *expected);
		spool_finish(spool, &taken, SPOOL_DELIVERED);
	}
	spool_close(spool, false);
}

/* No file may grow beyond 100 bytes: what a full disk does to a write. */
static void a_write_that_fails_leaves_nothing(void **state)
{
	struct spool *spool = open_spool("short", 1 << 20);
	struct rlimit before, limit;
	struct spool_taken taken;
	struct err err = ERR_INIT;

	assert_int_equal(put(spool, "a", &err), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 100;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int result = put(spool, "bcdefghijklmnop", &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(result < 0);
	assert_int_equal(count_files("short", "*"), 1);
	assert_int_equal(put(spool, "q", &err), 0);
	assert_int_equal(take_next(spool, &taken), 'a');
	spool_finish(spool, &taken, SPOOL_DELIVERED);
	assert_int_equal(take_next(spool, &taken), 'q');
	spool_finish(spool, &taken, SPOOL_DELIVERED);
	spool_close(spool, false);
}

static void names_of_any_characters(void **state)
{
	static const char *const names[] = {
		"", "with \"quotes\" and \\", "a=b/c d", "\x01\x1f\x7f", "\xc3\xa9"};
	struct spool *spool = open_spool("json", 1 << 20);
	_cleanup_(spool_draft_done) struct spool_draft draft = SPOOL_DRAFT_INIT;
	struct spool_taken taken;
	struct err err;

	assert_int_equal(spool_draft_open(spool, &draft, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct spool_batch batch = {.name = names[i],
			.plain_size = SPOOL_PLAIN_MAX,
			.records = UINT32_MAX,
			.first_ms = INT64_MIN,
			.last_ms = INT64_MAX};
		assert_int_equal(spool_draft_add(&draft, &batch, STR("x"), &err), 0);
	}
	assert_int_equal(spool_draft_commit(spool, &draft, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(spool_take(spool, 0, INT64_MAX, true, &taken), 0);
		assert_string_equal(taken.batch->name, names[i]);
		assert_int_equal(taken.batch->records, UINT32_MAX);
		assert_int_equal(taken.batch->plain_size, SPOOL_PLAIN_MAX);
		assert_true(
			taken.batch->first_ms == INT64_MIN && taken.batch->last_ms == INT64_MAX);
		spool_finish(spool, &taken, SPOOL_DELIVERED);
	}
	spool_close(spool, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oldest_first_and_gone_when_finished),
		cmocka_unit_test(several_under_way_but_one_of_a_name),
		cmocka_unit_test(what_is_put_off_lets_others_pass),
		cmocka_unit_test(a_restart_takes_up_what_was_not_finished),
		cmocka_unit_test(another_kind_of_destination_is_told),
		cmocka_unit_test(one_process_a_spool),
		cmocka_unit_test(damage_is_found_and_set_aside),
		cmocka_unit_test(damaged_while_it_waits),
		cmocka_unit_test(full_is_said_and_nothing_is_overwritten),
		cmocka_unit_test(a_write_that_fails_leaves_nothing),
		cmocka_unit_test(names_of_any_characters),
	};
	if (!mkdtemp(root))
		return 1;
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	_cleanup_free_ char *command = mem_printf("rm -rf %s", root);
	return system(command) == 0 ? result : 1;
}
