#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

static char folder[] = "/tmp/nagare-file-test-XXXXXX";

static void draft_shows_when_committed(void **state)
{
	_cleanup_free_ char *path = mem_printf("%s/a/b/object", folder);
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	_cleanup_buf_ struct buf bytes = {0};
	struct err err;

	assert_int_equal(file_draft_open(&draft, path, &err), 0);
	assert_int_equal(file_draft_write(&draft, STR("content"), &err), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(file_draft_commit(&draft, false, &err), 0);
	assert_int_equal(file_read(path, 100, &bytes, &err), 0);
	assert_true(str_equal(buf_str(&bytes), STR("content")));
	_cleanup_(file_draft_done) struct file_draft second = FILE_DRAFT_INIT;
	assert_int_equal(file_draft_open(&second, path, &err), 0);
	assert_int_equal(file_draft_commit(&second, false, &err), FILE_DRAFT_EXISTS);
	assert_int_equal(file_draft_commit(&second, true, &err), 0);
}

static void abandoned_drafts_go(void **state)
{
	_cleanup_free_ char *path = mem_printf("%s/c/object", folder);
	struct file_draft draft = FILE_DRAFT_INIT;
	struct err err;

	assert_int_equal(file_draft_open(&draft, path, &err), 0);
	assert_int_equal(file_remove_drafts(folder, &err), 0);
	assert_int_equal(access(draft.draft_path, F_OK), 0); /* this process lives */
	_cleanup_free_ char *left = mem_strdup(draft.draft_path);
	memcpy(strrchr(left, '.') - 6, "killed", 6);
	assert_int_equal(link(draft.draft_path, left), 0);
	close(draft.fd);
	draft.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(file_remove_drafts(folder, &err), 0);
	assert_int_equal(access(draft.draft_path, F_OK), -1);
	assert_int_equal(access(left, F_OK), -1);
	_cleanup_free_ char *kept = mem_printf("%s/a/b/object", folder);
	assert_int_equal(access(kept, F_OK), 0);
	file_draft_done(&draft);
}

static void full_disk_is_an_error(void **state)
{
	struct file_draft draft = {.fd = -1, .path = mem_strdup("/dev/full")};
	struct err err;

	draft.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(file_draft_write(&draft, STR("x"), &err) < 0);
	assert_non_null(strstr(err.message, "No space left"));
	file_draft_done(&draft);
}

static void limits(void **state)
{
	_cleanup_free_ char *path = mem_printf("%s/a/b/object", folder);
	struct buf bytes;
	struct err err;

	assert_true(file_read("/dev/zero", 1000, &bytes, &err) < 0);
	assert_true(file_read("/nonexistent", 1000, &bytes, &err) < 0);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	_cleanup_free_ char *below = mem_printf("%s/below", path);
	assert_true(file_make_folders(below, 0755, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draft_shows_when_committed),
		cmocka_unit_test(abandoned_drafts_go),
		cmocka_unit_test(full_disk_is_an_error),
		cmocka_unit_test(limits),
	};
	if (!mkdtemp(folder))
		return 1;
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	_cleanup_free_ char *command = mem_printf("rm -rf %s", folder);
	return system(command) == 0 ? result : 1;
}
