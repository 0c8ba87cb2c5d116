#include "deliver/orphans.h"

#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define DAY 86400

static char folder[] = "/tmp/nagare-orphans-test-XXXXXX";

static char *path_of(const char *id, const char *name)
{
	return mem_printf("%s/%s/%s", folder, id, name);
}

static void make(const char *id, const char *name, const char *text)
{
	_cleanup_free_ char *spool = mem_printf("%s/%s", folder, id);
	_cleanup_free_ char *path = path_of(id, name ? name : "");

	mkdir(spool, 0700);
	if (!name)
		return;
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static bool is_there(const char *id, const char *name)
{
	_cleanup_free_ char *path = path_of(id, name);

	return access(path, F_OK) == 0;
}

static bool is_known(void *context, const char *id)
{
	return context && strcmp(context, id) == 0;
}

/* How many are left; the bytes of all. */
static size_t look(const char *known, uint64_t *ret_bytes)
{
	struct deliver_orphan *orphans;
	size_t count;

	assert_int_equal(
		deliver_orphans_look(folder, is_known, (void *)known, DAY, &orphans, &count, NULL),
		0);
	*ret_bytes = 0;
	for (size_t i = 0; i < count; i++)
		*ret_bytes += orphans[i].bytes;
	free(orphans);
	return count;
}

static void age(const char *id, time_t seconds)
{
	_cleanup_free_ char *path = path_of(id, "orphan");
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void kept_for_a_day_and_then_removed(void **state)
{
	uint64_t bytes;

	make("fl-1", "00000001.s3.spool", "batches");
	make("fl-2", "00000001.s3.spool", "more");
	assert_int_equal(look("fl-2", &bytes), 1);
	assert_int_equal(bytes, 7);
	assert_true(is_there("fl-1", "orphan"));
	assert_false(is_there("fl-2", "orphan"));
	age("fl-1", DAY - 60);
	assert_int_equal(look("fl-2", &bytes), 1);
	/* It has a flow log again, and loses it again: the day begins anew. */
	assert_int_equal(look("fl-1", &bytes), 1);
	assert_int_equal(bytes, 4);
	assert_false(is_there("fl-1", "orphan"));
	assert_int_equal(look(NULL, &bytes), 2);
	age("fl-1", DAY + 60);
	assert_int_equal(look(NULL, &bytes), 1);
	assert_false(is_there("fl-1", ""));
	assert_true(is_there("fl-2", "00000001.s3.spool"));
	age("fl-2", DAY + 60);
	assert_int_equal(look("fl-2", &bytes), 0);
	assert_true(is_there("fl-2", "00000001.s3.spool"));
	make("fl-2", "orphan", "");
	age("fl-2", DAY + 60);
	assert_int_equal(look(NULL, &bytes), 0);
	assert_false(is_there("fl-2", ""));
}

static void empty_ones_go_and_locked_and_foreign_ones_stay(void **state)
{
	uint64_t bytes;

	make("fl-3", NULL, NULL);
	make("fl-4", "00000001.logs.spool", "sending");
	make("other", "file", "text");
	_cleanup_free_ char *path = path_of("fl-4", "");
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(look(NULL, &bytes), 0);
	assert_false(is_there("fl-3", ""));
	assert_false(is_there("fl-4", "orphan"));
	assert_true(is_there("fl-4", "00000001.logs.spool"));
	assert_true(is_there("other", "file"));
	close(fd);
	assert_int_equal(look(NULL, &bytes), 1);
	age("fl-4", DAY);
	assert_int_equal(look(NULL, &bytes), 0);
}

static void no_folder_has_none(void **state)
{
	struct deliver_orphan *orphans;
	size_t count = 1;

	assert_int_equal(deliver_orphans_look(
				 "/nowhere/at/all", is_known, NULL, DAY, &orphans, &count, NULL),
		0);
	assert_int_equal(count, 0);
	assert_null(orphans);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_for_a_day_and_then_removed),
		cmocka_unit_test(empty_ones_go_and_locked_and_foreign_ones_stay),
		cmocka_unit_test(no_folder_has_none),
	};

	if (!mkdtemp(folder))
		return 1;
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	_cleanup_free_ char *command = mem_printf("rm -rf '%s'", folder);
	return system(command) == 0 ? result : 1; /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
}
