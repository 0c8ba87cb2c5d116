#include "query/locations_priv.h"

#include "base/buf.h"
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static char root[] = "/tmp/nagare-locations-test-XXXXXX";

static void make_file(const char *name, const char *content)
{
	_cleanup_free_ char *path = mem_printf("%s/%s", root, name);
	struct file_draft draft = FILE_DRAFT_INIT;

	assert_int_equal(file_draft_open(&draft, path, NULL), 0);
	assert_int_equal(file_draft_write(&draft, str_from(content), NULL), 0);
	assert_int_equal(file_draft_commit(&draft, true, NULL), 0);
	file_draft_done(&draft);
}

static int make_tree(void **state)
{
	if (!mkdtemp(root) || chdir(root) < 0)
		return -1;
	make_file("bucket/AWSLogs/1/b.log.gz", "");
	make_file("bucket/AWSLogs/1/a.log", "");
	make_file("bucket/AWSLogs/year=2026/c.log.parquet", "PAR1");
	make_file("bucket/AWSLogs/year=2026/notes.md", "");
	make_file("bucket/AWSLogs/.hidden/d.log", "");
	make_file("bucket/AWSLogs/.a.log.abcdef.part", "");
	make_file("bucket/AWSLogs/.e.log", "");
	make_file("bucket/top.txt", "");
	make_file("named", "2 -");
	make_file("parquet-without-suffix", "PAR1....PAR1");
	make_file("text.parquet", "version");
	make_file("odd[1]*.log", "");
	make_file("empty/readme.md", "");
	return symlink("../../bucket", "bucket/AWSLogs/loop") < 0 ||
	       symlink("../bucket/top.txt", "empty/link.log") < 0 ||
	       symlink("nowhere", "bucket/dangling.log") < 0 || mkfifo("pipe", 0600) < 0;
}

static int remove_tree(void **state)
{
	_cleanup_free_ char *command = mem_printf("rm -rf '%s'", root);

	return system(command);
}

/* Paths as listed, "P:" before Parquet, or the error. */
static char *list(const char *first, const char *second)
{
	const char *locations[] = {first, second};
	struct query_objects objects = {0};
	_cleanup_buf_ struct buf buf = {0};
	struct err err = ERR_INIT;

	if (query_objects_list(&objects, locations, second ? 2 : 1, &err) < 0)
		return mem_printf("%d %s", err_exit_status(&err), err.message);
	for (size_t i = 0; i < objects.count; i++)
		buf_printf(&buf, "%s%s%s", i ? " " : "", objects.object[i].parquet ? "P:" : "",
			objects.object[i].path);
	query_objects_done(&objects);
	return mem_strdup(buf_text(&buf));
}

#define BUCKET                                                                                     \
	"bucket/AWSLogs/1/a.log bucket/AWSLogs/1/b.log.gz "                                        \
	"P:bucket/AWSLogs/year=2026/c.log.parquet bucket/top.txt"

static void locations_are_listed(void **state)
{
	static const struct {
		const char *first, *second, *expected;
	} cases[] = {
		{"bucket", NULL, BUCKET},
		{"bucket/", NULL, BUCKET},
		/* an object that two locations reach is read once */
		{"bucket", "bucket/AWSLogs/1", BUCKET},
		{"bucket/top.txt", "empty/link.log", "bucket/top.txt"},
		{"bucket/AWSLogs/1/*.log", NULL, "bucket/AWSLogs/1/a.log"},
		{"bucket/AWSLogs/*", NULL,
			"bucket/AWSLogs/1/a.log bucket/AWSLogs/1/b.log.gz "
			"P:bucket/AWSLogs/loop/AWSLogs/year=2026/c.log.parquet "
			"bucket/AWSLogs/loop/top.txt"},
		{"bucket/**/*.log", NULL, "bucket/AWSLogs/1/a.log"},
		{"**/*.parquet", NULL,
			"P:./bucket/AWSLogs/year=2026/c.log.parquet P:./text.parquet"},
		{"bucket/**/top.txt", NULL, "bucket/top.txt"},
		{"{named,bucket/top.txt}", NULL, "bucket/top.txt named"},
		{"odd[1]*.log", NULL, "odd[1]*.log"},
		{"named", NULL, "named"},
		{"bucket/AWSLogs/.e.log", NULL, "bucket/AWSLogs/.e.log"},
		/* what is named is told by its first bytes */
		{"parquet-without-suffix", "text.parquet", "P:parquet-without-suffix text.parquet"},
		{"bucket/AWSLogs/.hidden", NULL, "bucket/AWSLogs/.hidden/d.log"},
		{"nowhere", NULL, "4 location nowhere: No such file or directory"},
		{"nowhere/*.log", NULL, "4 there is no flow log in nowhere/*.log"},
		{"bucket/AWSLogs/year=2026/*.gz", NULL,
			"4 there is no flow log in bucket/AWSLogs/year=2026/*.gz"},
		{"bucket", "nowhere", "4 location nowhere: No such file or directory"},
		{"named/below", NULL, "4 location named/below: No such file or directory"},
		{"pipe", NULL, "2 pipe is neither a file nor a folder"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *found = list(cases[i].first, cases[i].second);
		assert_string_equal(found, cases[i].expected);
	}
}

static void unreadable_folders_are_an_error(void **state)
{
	if (geteuid() == 0) {
		print_message("root reads everything: skipped\n");
		skip();
	}
	assert_int_equal(mkdir("closed", 0700), 0);
	make_file("closed/below/x.log", "");
	assert_int_equal(chmod("closed/below", 0), 0);
	_cleanup_free_ char *found = list("closed", NULL);
	assert_int_equal(chmod("closed/below", 0700), 0);
	assert_string_equal(found, "3 cannot read closed/below: Permission denied");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locations_are_listed),
		cmocka_unit_test(unreadable_folders_are_an_error),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
