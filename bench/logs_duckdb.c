/* What DuckDB's appender does with the same events, in this process alone: a native table of the
 * same columns in a file, flushed as often as PutLogEvents would have been, and a checkpoint at the
 * end. Prints seconds. usage: logs-duckdb DATABASE EVENTS PER-BATCH MESSAGE... */
#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void check(duckdb_state state, const char *what)
{
	if (state == DuckDBError) {
		fprintf(stderr, "%s failed\n", what);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	duckdb_database database;
	duckdb_connection connection;
	duckdb_appender appender;

	if (argc < 5)
		return 2;
	long events = strtol(argv[2], NULL, 10), batch = strtol(argv[3], NULL, 10);
	check(duckdb_open(argv[1], &database), "open");
	check(duckdb_connect(database, &connection), "connect");
	check(duckdb_query(connection,
		      "CREATE TABLE events (stream VARCHAR, time BIGINT, ingested BIGINT, message VARCHAR)",
		      NULL),
		"create");
	double start = now();
	check(duckdb_appender_create(connection, NULL, "events", &appender), "appender");
	for (long i = 0; i < events; i++) {
		duckdb_append_varchar(appender, "eni-0123456789abcdef0-all");
		duckdb_append_int64(appender, 1795576833744 + i);
		duckdb_append_int64(appender, 1795576833744 + i);
		duckdb_append_varchar(appender, argv[4 + i % (argc - 4)]);
		check(duckdb_appender_end_row(appender), "row");
		if (i % batch == batch - 1)
			check(duckdb_appender_flush(appender), "flush");
	}
	check(duckdb_appender_destroy(&appender), "close");
	check(duckdb_query(connection, "CHECKPOINT", NULL), "checkpoint");
	printf("%f\n", now() - start);
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return 0;
}
