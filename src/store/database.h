/* database: one SQLite file with the small state of a server (buckets, the index of objects,
 * identities; later log groups, tables, flow logs). Source: sqlite.org, "Write-Ahead Logging".
 *
 * A struct store_database may be shared by all threads. Readers take a connection of their own for
 * a moment and never wait for a writer; writers go one at a time through the one writing
 * connection. A room that keeps tables here declares them in one script of CREATE ... IF NOT EXISTS
 * statements and runs it once at the start.
 * Blocks: disk. Promise: after store_commit has returned 0 what was written survives kill -9 and
 * power loss. Errors name the file and what SQLite said. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct store_database;

/* Opens or makes the file (mode 0600). A file that is no SQLite database, or damaged, is an error.
 */
int store_database_open(struct store_database **ret_database, const char *path, struct err *err);
void store_database_close(struct store_database *database);
MEM_DEFINE_CLEANUP(struct store_database, store_database_close)

/* A connection lent to one thread, with the statements it has prepared. */
struct store_connection;

/* Lends a reading connection; give it back soon. */
int store_read_begin(
	struct store_database *database, struct store_connection **ret_connection, struct err *err);
void store_read_end(struct store_connection *connection);
/* Lends the writing connection inside a transaction; others wait. Then one of the two. */
int store_write_begin(
	struct store_database *database, struct store_connection **ret_connection, struct err *err);
int store_commit(struct store_connection *connection, struct err *err);
void store_rollback(struct store_connection *connection);
/* One of the two by the result of what was done: 0 is committed, anything else rolled back and
 * returned. */
int store_write_end(struct store_connection *connection, int result, struct err *err);
/* A script of CREATE ... IF NOT EXISTS, whole or not at all. */
int store_make_tables(struct store_database *database, const char *script, struct err *err);

/* A statement of the connection, prepared once for each text and reset; sql must be static text.
 * Bind and step it with sqlite3_*; valid until the connection is given back. */
int store_statement(struct store_connection *connection, const char *sql,
	sqlite3_stmt **ret_statement, struct err *err);
/* Statements without results, separated by ';'. */
int store_execute(struct store_connection *connection, const char *sql, struct err *err);
/* sqlite3_step: 1 a row, 0 done, <0 an error told in err. */
int store_step(sqlite3_stmt *statement, struct err *err);

void store_bind_str(sqlite3_stmt *statement, int index, struct str text); /* STR_NONE: NULL */
void store_bind_i64(sqlite3_stmt *statement, int index, int64_t value);
struct str store_column_str(
	sqlite3_stmt *statement, int column); /* until the next step; NULL: STR_NONE */
int64_t store_column_i64(sqlite3_stmt *statement, int column);
