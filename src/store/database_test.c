#include "store/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char folder[] = "/tmp/nagare-database-test-XXXXXX";
static char path[sizeof(folder) + 16];

static struct store_database *open_database(void)
{
	struct store_database *database = NULL;
	struct err err = ERR_INIT;

	if (store_database_open(&database, path, &err) < 0)
		fail_msg("%s", err.message);
	return database;
}

static int setup(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.db", folder);
	return 0;
}

static int teardown(void **state)
{
	char command[sizeof(folder) + 16];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void insert(struct store_connection *connection, const char *text)
{
	sqlite3_stmt *statement;

	assert_int_equal(
		store_statement(connection, "INSERT INTO t VALUES (?)", &statement, NULL), 0);
	store_bind_str(statement, 1, str_from(text));
	assert_int_equal(store_step(statement, NULL), 0);
}

static int64_t count(struct store_database *database)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	assert_int_equal(store_read_begin(database, &connection, NULL), 0);
	assert_int_equal(
		store_statement(connection, "SELECT count(*) FROM t", &statement, NULL), 0);
	assert_int_equal(store_step(statement, NULL), 1);
	int64_t n = store_column_i64(statement, 0);
	store_read_end(connection);
	return n;
}

static void what_is_committed_is_there_and_what_is_rolled_back_is_not(void **state)
{
	_cleanup_(store_database_closep) struct store_database *database = open_database();
	struct store_connection *writer;
	struct stat status;

	assert_int_equal(store_write_begin(database, &writer, NULL), 0);
	assert_int_equal(store_execute(writer, "CREATE TABLE IF NOT EXISTS t (a TEXT)", NULL), 0);
	insert(writer, "one");
	assert_int_equal(store_commit(writer, NULL), 0);
	assert_int_equal(store_write_begin(database, &writer, NULL), 0);
	insert(writer, "two");
	assert_int_equal(count(database), 1); /* readers neither wait nor see it */
	store_rollback(writer);
	assert_int_equal(count(database), 1);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void readers_cannot_write(void **state)
{
	_cleanup_(store_database_closep) struct store_database *database = open_database();
	struct store_connection *reader;
	struct err err = ERR_INIT;

	assert_int_equal(store_read_begin(database, &reader, NULL), 0);
	assert_true(store_execute(reader, "CREATE TABLE u (a)", &err) < 0);
	assert_non_null(strstr(err.message, path));
	store_read_end(reader);
}

static void a_killed_writer_leaves_what_was_committed(void **state)
{
	pid_t child = fork();

	if (child == 0) {
		struct store_database *database = open_database();
		struct store_connection *writer;
		if (store_write_begin(database, &writer, NULL) < 0)
			_exit(1);
		store_execute(writer, "INSERT INTO t VALUES ('kept')", NULL);
		store_commit(writer, NULL);
		store_write_begin(database, &writer, NULL);
		store_execute(writer, "INSERT INTO t VALUES ('lost')", NULL);
		kill(getpid(), SIGKILL);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	_cleanup_(store_database_closep) struct store_database *database = open_database();
	assert_int_equal(count(database), 2);
}

static void what_is_no_database_is_refused(void **state)
{
	struct store_database *database = NULL;
	struct err err = ERR_INIT;
	char other[sizeof(folder) + 16];

	snprintf(other, sizeof(other), "%s/b.db", folder);
	FILE *file = fopen(other, "w");
	assert_non_null(file);
	for (int i = 0; i < 200; i++)
		fputs("this is no database\n", file);
	fclose(file);
	assert_true(store_database_open(&database, other, &err) < 0);
	assert_null(database);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.message, "b.db"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_committed_is_there_and_what_is_rolled_back_is_not),
		cmocka_unit_test(readers_cannot_write),
		cmocka_unit_test(a_killed_writer_leaves_what_was_committed),
		cmocka_unit_test(what_is_no_database_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
