#include "query/query.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

/* Lines of AWS's documents (VPC Flow Logs user guide, "Flow log record examples"). */
#define SSH                                                                                        \
	"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "      \
	"1418530010 1418530070 ACCEPT OK\n"
#define RDP                                                                                        \
	"2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 "       \
	"1418530010 1418530070 REJECT OK\n"

static char folder[] = "/tmp/nagare-session-test-XXXXXX";

static int make_folder(void **state)
{
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
	_cleanup_free_ char *command = mem_printf("rm -rf '%s'", folder);

	return system(command);
}

static void write_file(const char *name, const char *content)
{
	struct file_draft draft = FILE_DRAFT_INIT;

	assert_int_equal(file_draft_open(&draft, name, NULL), 0);
	assert_int_equal(file_draft_write(&draft, str_from(content), NULL), 0);
	assert_int_equal(file_draft_commit(&draft, true, NULL), 0);
	file_draft_done(&draft);
}

static struct query_session *open_session(const char *location, bool strict)
{
	struct query_options options = {
		.locations = &location, .locations_count = 1, .strict = strict, .threads = 2};
	struct query_session *session = NULL;
	struct err err = ERR_INIT;

	if (query_session_open(&session, &options, &err) < 0)
		fail_msg("%s", err.message);
	return session;
}

/* What the statement prints as TSV, header line and all; *ret_outcome is what failed, or 0. */
static char *run(struct query_session *session, const char *sql, int *ret_outcome, struct err *err)
{
	_cleanup_(query_result_freep) struct query_result *result = NULL;
	_cleanup_buf_ struct buf buf = {0};
	char path[] = "/tmp/nagare-session-test-out-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	*ret_outcome = query_run(session, str_from(sql), QUERY_TSV, &result, err);
	if (*ret_outcome == 0)
		*ret_outcome = query_result_print(result, 0, fd, err);
	assert_int_equal(file_read(path, 1 << 20, &buf, NULL), 0);
	close(fd);
	unlink(path);
	return mem_strdup(buf_text(&buf));
}

static void check(struct query_session *session, const char *sql, const char *expected)
{
	struct err err = ERR_INIT;
	int outcome;
	_cleanup_free_ char *text = run(session, sql, &outcome, &err);

	if (outcome < 0)
		fail_msg("%s: %s", sql, err.message);
	assert_int_equal(outcome, 0);
	assert_string_equal(text, expected);
}

static void a_removed_object_is_named(void **state)
{
	mkdir("gone", 0700);
	write_file("gone/a.log", SSH);
	write_file("gone/b.log", RDP);
	_cleanup_(query_session_closep) struct query_session *session = open_session("gone", false);
	struct err err = ERR_INIT;
	int outcome;

	unlink("gone/b.log");
	free(run(session, "SELECT MAX(bytes) FROM vpc_flow_logs", &outcome, &err));
	assert_true(outcome < 0);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "gone/b.log"));
	assert_non_null(strstr(err.hint, "again"));
	/* and the next listing is right */
	assert_int_equal(query_session_refresh(session, &err), 0);
	check(session, "SELECT COUNT(*) AS n FROM vpc_flow_logs", "n\n1\n");
}

static void refreshing_brings_objects_and_columns(void **state)
{
	mkdir("fresh", 0700);
	write_file("fresh/a.log", SSH);
	_cleanup_(query_session_closep) struct query_session *session =
		open_session("fresh", false);
	struct err err = ERR_INIT;

	check(session, "SELECT COUNT(*) AS n FROM vpc_flow_logs", "n\n1\n");
	write_file("fresh/b.log", "vpc-id bytes\nvpc-1 7\nvpc-2 8\n");
	check(session, "SELECT COUNT(*) AS n FROM vpc_flow_logs", "n\n1\n");
	assert_int_equal(query_session_refresh(session, &err), 0);
	check(session, "SELECT vpc_id, bytes, srcport FROM vpc_flow_logs ORDER BY bytes",
		"vpc_id\tbytes\tsrcport\nvpc-1\t7\t\nvpc-2\t8\t\n\t4249\t20641\n");
	/* a file under the same name that is another one */
	write_file("fresh/b.log", "vpc-id bytes\nvpc-3 9\n");
	unlink("fresh/a.log");
	assert_int_equal(query_session_refresh(session, &err), 0);
	check(session, "SELECT vpc_id, bytes FROM vpc_flow_logs", "vpc_id\tbytes\nvpc-3\t9\n");
	/* a listing that fails leaves the session usable */
	unlink("fresh/b.log");
	assert_true(query_session_refresh(session, &err) < 0);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	check(session, "SELECT 1 AS n", "n\n1\n");
}

static void bad_lines_are_counted_once(void **state)
{
	struct query_stats stats;
	struct err err = ERR_INIT;
	int outcome;

	mkdir("bad", 0700);
	write_file("bad/1.log", SSH "nonsense\n" RDP);
	write_file("bad/2.log", RDP);
	write_file("bad/3.log", SSH "2 3 4\n" SSH "5\n");
	_cleanup_(query_session_closep) struct query_session *session = open_session("bad", false);
	check(session,
		"SELECT COUNT(*) AS n FROM vpc_flow_logs a, vpc_flow_logs b WHERE a.bytes = b.numbytes",
		"n\n25\n");
	query_session_stats(session, &stats);
	assert_int_equal(stats.objects, 3);
	assert_int_equal(stats.lines, 8);
	assert_int_equal(stats.bad_lines, 3);
	assert_int_equal(stats.bad_objects, 2);
	assert_int_equal(stats.errors, 3);
	assert_non_null(strstr(stats.error[0].message, "1.log"));
	assert_non_null(strstr(stats.error[1].message, "3.log"));
	check(session, "SELECT 1 AS n", "n\n1\n");
	query_session_stats(session, &stats);
	assert_int_equal(stats.bad_lines, 0);
	_cleanup_(query_session_closep) struct query_session *strict = open_session("bad", true);
	free(run(strict, "SELECT COUNT(*) FROM vpc_flow_logs", &outcome, &err));
	assert_true(outcome < 0);
	assert_int_equal(err.code, ERR_INPUT);
}

static void transactions_do_not_get_stuck(void **state)
{
	struct err err = ERR_INIT;
	int outcome;

	write_file("transaction.log", SSH);
	_cleanup_(query_session_closep) struct query_session *session =
		open_session("transaction.log", false);
	check(session, "BEGIN; CREATE TABLE t(x INTEGER); INSERT INTO t VALUES (1)", "");
	free(run(session, "INSERT INTO t SELECT 'x' FROM vpc_flow_logs WHERE numbytes > 0",
		&outcome, &err));
	assert_true(outcome < 0);
	check(session, "ROLLBACK", "");
	check(session, "SELECT * EXCLUDE (account_id, interface_id) FROM vpc_flow_logs",
		"version\tsrcaddr\tdstaddr\tsrcport\tdstport\tprotocol\tpackets\tbytes\tstart\tend\t"
		"action\tlog_status\n2\t172.31.16.139\t172.31.16.21\t20641\t22\t6\t20\t4249\t"
		"1418530010\t1418530070\tACCEPT\tOK\n");
}

static void memory_and_disk_have_bounds(void **state)
{
	const char *location = "transaction.log";
	struct query_options options = {.locations = &location,
		.locations_count = 1,
		.threads = 2,
		.memory_limit = UINT64_C(64) << 20};
	_cleanup_(query_session_closep) struct query_session *session = NULL;
	struct err err = ERR_INIT;
	int outcome;

	write_file(location, SSH);
	assert_int_equal(query_session_open(&session, &options, &err), 0);
	/* a sort of 300 MB goes to disk, outside of the current folder */
	check(session,
		"SELECT COUNT(*) AS n FROM (SELECT range, repeat('x', 100) || range AS y FROM "
		"range(2000000) ORDER BY hash(range) LIMIT 1999999)",
		"n\n1999999\n");
	assert_int_equal(access(".tmp", F_OK), -1);
	/* what must stay in memory is refused with what to do */
	free(run(session, "SELECT list(repeat('x', 1000) || range) FROM range(1000000)", &outcome,
		&err));
	assert_true(outcome < 0);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.hint, "--memory-limit"));
}

static void hints_say_which_name_to_use(void **state)
{
	struct err err = ERR_INIT;
	int outcome;

	write_file("hints.log", SSH);
	_cleanup_(query_session_closep) struct query_session *session =
		open_session("hints.log", false);
	free(run(session, "SELECT sourceaddress FROM (SELECT * FROM vpc_flow_logs)", &outcome,
		&err));
	assert_true(outcome < 0);
	assert_non_null(strstr(err.hint, "name it srcaddr here"));
	free(run(session, "SELECT srcaddr FROM (SELECT dstaddr FROM vpc_flow_logs)", &outcome,
		&err));
	assert_true(outcome < 0);
	assert_null(strstr(err.hint, "no flow log read here"));
	free(run(session, "SELECT vpc_id FROM (SELECT * FROM vpc_flow_logs)", &outcome, &err));
	assert_true(outcome < 0);
	assert_non_null(strstr(err.hint, "no flow log read here has the field ${vpc-id}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_removed_object_is_named),
		cmocka_unit_test(refreshing_brings_objects_and_columns),
		cmocka_unit_test(bad_lines_are_counted_once),
		cmocka_unit_test(transactions_do_not_get_stuck),
		cmocka_unit_test(hints_say_which_name_to_use),
		cmocka_unit_test(memory_and_disk_have_bounds),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
