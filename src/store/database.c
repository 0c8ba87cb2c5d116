/* One connection per use rather than per thread: connections that are not lent wait in a list, so
 * there are as many as were ever used at once. Each keeps its prepared statements, found by the
 * address of their text: callers pass literals. The writer is a connection of its own behind a
 * mutex, because SQLite has one writer anyway and SQLITE_BUSY is then impossible among ourselves;
 * the busy timeout is for other processes (fsck, a curious sqlite3). */
#include "store/database.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define DAMAGED_HINT "'nagare fsck --repair' makes the index anew from the objects"

enum { BUSY_TIMEOUT_MS = 10000, STATEMENT_SLOTS = 512 };

struct statement {
	const char *sql;
	sqlite3_stmt *statement;
};

struct store_connection {
	struct store_database *database;
	struct store_connection *next;
	sqlite3 *handle;
	bool is_writer;
	size_t count;
	struct statement statements[STATEMENT_SLOTS];
};

struct store_database {
	char *path;
	pthread_mutex_t writing; /* held while the writer is lent */
	struct store_connection *writer;
	pthread_mutex_t lock; /* of idle */
	struct store_connection *idle;
};

static int failed(sqlite3 *handle, const char *path, struct err *err)
{
	int code = handle ? sqlite3_errcode(handle) : SQLITE_NOMEM;

	if (code == SQLITE_FULL)
		return err_set_errno(err, ENOSPC, "%s", path);
	err_set(err, code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? ERR_INPUT : ERR_SYSTEM,
		"%s: %s", path, handle ? sqlite3_errmsg(handle) : "no memory");
	if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
		err_hint(err, DAMAGED_HINT);
	return -1;
}

static void connection_free(struct store_connection *connection)
{
	if (!connection)
		return;
	for (size_t i = 0; i < connection->count; i++)
		sqlite3_finalize(connection->statements[i].statement);
	sqlite3_close(connection->handle);
	free(connection);
}
MEM_DEFINE_CLEANUP(struct store_connection, connection_free)

static int connection_open(struct store_database *database, bool is_writer,
	struct store_connection **ret_connection, struct err *err)
{
	_cleanup_(connection_freep) struct store_connection *connection =
		mem_new(1, sizeof(*connection));
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

	connection->database = database;
	connection->is_writer = is_writer;
	if (sqlite3_open_v2(database->path, &connection->handle, flags, NULL) != SQLITE_OK)
		return failed(connection->handle, database->path, err);
	sqlite3_busy_timeout(connection->handle, BUSY_TIMEOUT_MS);
	if (sqlite3_exec(connection->handle,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		    "PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384;"
		    "PRAGMA trusted_schema = OFF;",
		    NULL, NULL, NULL) != SQLITE_OK)
		return failed(connection->handle, database->path, err);
	if (!is_writer && sqlite3_exec(connection->handle, "PRAGMA query_only = ON", NULL, NULL,
				  NULL) != SQLITE_OK)
		return failed(connection->handle, database->path, err);
	*ret_connection = take(connection);
	return 0;
}

/* SQLite goes on with a log although the file that it belongs to is another by now. */
static int check_header(int fd, const char *path, struct err *err)
{
	static const char magic[16] = "SQLite format 3";
	char found[sizeof(magic)];
	ssize_t n = pread(fd, found, sizeof(found), 0);

	if (n < 0)
		return err_set_errno(err, errno, "%s", path);
	if (n == 0 || (n == sizeof(found) && memcmp(found, magic, sizeof(magic)) == 0))
		return 0;
	err_set(err, ERR_INPUT, "%s: file is not a database", path);
	return err_hint(err, DAMAGED_HINT);
}

int store_database_open(struct store_database **ret_database, const char *path, struct err *err)
{
	_cleanup_(store_database_closep) struct store_database *database =
		mem_new(1, sizeof(*database));

	database->path = mem_strdup(path);
	pthread_mutex_init(&database->writing, NULL);
	pthread_mutex_init(&database->lock, NULL);
	/* SQLite would make it with the umask's mode. */
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, errno, "%s", path);
	if (check_header(fd, path, err) < 0 ||
		connection_open(database, true, &database->writer, err) < 0)
		return -1;
	*ret_database = take(database);
	return 0;
}

void store_database_close(struct store_database *database)
{
	if (!database)
		return;
	while (database->idle) {
		struct store_connection *connection = database->idle;
		database->idle = connection->next;
		connection_free(connection);
	}
	connection_free(database->writer); /* last: it folds the write-ahead log into the file */
	pthread_mutex_destroy(&database->writing);
	pthread_mutex_destroy(&database->lock);
	free(database->path);
	free(database);
}

int store_read_begin(
	struct store_database *database, struct store_connection **ret_connection, struct err *err)
{
	pthread_mutex_lock(&database->lock);
	struct store_connection *connection = database->idle;
	if (connection)
		database->idle = connection->next;
	pthread_mutex_unlock(&database->lock);
	if (!connection && connection_open(database, false, &connection, err) < 0)
		return -1;
	*ret_connection = connection;
	return 0;
}

static void reset_statements(struct store_connection *connection)
{
	for (size_t i = 0; i < connection->count; i++)
		sqlite3_reset(connection->statements[i].statement);
}

void store_read_end(struct store_connection *connection)
{
	if (!connection)
		return;
	assert(!connection->is_writer);
	reset_statements(connection);
	pthread_mutex_lock(&connection->database->lock);
	connection->next = connection->database->idle;
	connection->database->idle = connection;
	pthread_mutex_unlock(&connection->database->lock);
}

int store_write_begin(
	struct store_database *database, struct store_connection **ret_connection, struct err *err)
{
	pthread_mutex_lock(&database->writing);
	if (store_execute(database->writer, "BEGIN IMMEDIATE", err) < 0) {
		pthread_mutex_unlock(&database->writing);
		return -1;
	}
	*ret_connection = database->writer;
	return 0;
}

int store_commit(struct store_connection *connection, struct err *err)
{
	assert(connection->is_writer);
	reset_statements(connection);
	int result = store_execute(connection, "COMMIT", err);
	if (result < 0 && !sqlite3_get_autocommit(connection->handle))
		sqlite3_exec(connection->handle, "ROLLBACK", NULL, NULL, NULL);
	pthread_mutex_unlock(&connection->database->writing);
	return result;
}

void store_rollback(struct store_connection *connection)
{
	assert(connection->is_writer);
	reset_statements(connection);
	if (!sqlite3_get_autocommit(connection->handle))
		sqlite3_exec(connection->handle, "ROLLBACK", NULL, NULL, NULL);
	pthread_mutex_unlock(&connection->database->writing);
}

int store_write_end(struct store_connection *connection, int result, struct err *err)
{
	if (result == 0)
		return store_commit(connection, err);
	store_rollback(connection);
	return result;
}

int store_make_tables(struct store_database *database, const char *script, struct err *err)
{
	struct store_connection *writer;

	if (store_write_begin(database, &writer, err) < 0)
		return -1;
	return store_write_end(writer, store_execute(writer, script, err), err);
}

int store_statement(struct store_connection *connection, const char *sql,
	sqlite3_stmt **ret_statement, struct err *err)
{
	for (size_t i = 0; i < connection->count; i++) {
		if (connection->statements[i].sql != sql)
			continue;
		sqlite3_reset(connection->statements[i].statement);
		sqlite3_clear_bindings(connection->statements[i].statement);
		*ret_statement = connection->statements[i].statement;
		return 0;
	}
	assert(connection->count < STATEMENT_SLOTS);
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v3(connection->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
		    NULL) != SQLITE_OK)
		return failed(connection->handle, connection->database->path, err);
	connection->statements[connection->count++] = (struct statement){sql, statement};
	*ret_statement = statement;
	return 0;
}

int store_execute(struct store_connection *connection, const char *sql, struct err *err)
{
	if (sqlite3_exec(connection->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return failed(connection->handle, connection->database->path, err);
	return 0;
}

int store_step(sqlite3_stmt *statement, struct err *err)
{
	int result = sqlite3_step(statement);

	if (result == SQLITE_ROW)
		return 1;
	if (result == SQLITE_DONE)
		return 0;
	sqlite3 *handle = sqlite3_db_handle(statement);
	return failed(handle, sqlite3_db_filename(handle, "main"), err);
}

void store_bind_str(sqlite3_stmt *statement, int index, struct str text)
{
	int result = text.p ? sqlite3_bind_text64(statement, index, text.p, text.n,
				      SQLITE_TRANSIENT, SQLITE_UTF8)
			    : sqlite3_bind_null(statement, index);
	assert(result == SQLITE_OK);
}

void store_bind_i64(sqlite3_stmt *statement, int index, int64_t value)
{
	int result = sqlite3_bind_int64(statement, index, value);

	assert(result == SQLITE_OK);
}

struct str store_column_str(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? (struct str){text, (size_t)sqlite3_column_bytes(statement, column)}
		    : STR_NONE;
}

int64_t store_column_i64(sqlite3_stmt *statement, int column)
{
	return sqlite3_column_int64(statement, column);
}
