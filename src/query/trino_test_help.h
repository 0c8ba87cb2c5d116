/* trino_test_help: a connection that is set up for Athena's statements, for a test's whole group.
 */
#pragma once

#include "query/trino.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static duckdb_database database;
static duckdb_connection connection;

static int open_all(void **state)
{
	struct err err = ERR_INIT;

	if (duckdb_library_load(&err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(duckdb_open(NULL, &database), DuckDBSuccess);
	assert_int_equal(duckdb_connect(database, &connection), DuckDBSuccess);
	if (query_trino_prepare(connection, &err) < 0)
		fail_msg("%s", err.message);
	return 0;
}

static int close_all(void **state)
{
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return 0;
}
