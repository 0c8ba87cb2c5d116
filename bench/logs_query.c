/* DuckDB alone, with a database file: a statement a line on standard input; its rows, tabs between
 * the values, and a line "=SECONDS". usage: logs-query DATABASE */
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

static void print_rows(duckdb_result *result)
{
	for (idx_t row = 0; row < duckdb_row_count(result); row++) {
		for (idx_t column = 0; column < duckdb_column_count(result); column++) {
			char *text = duckdb_value_varchar(result, column, row);
			printf("%s%s", column ? "\t" : "", text ? text : "");
			duckdb_free(text);
		}
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	duckdb_database database;
	duckdb_connection connection;
	char *line = NULL;
	size_t capacity = 0;

	if (argc != 2 || duckdb_open(argv[1], &database) == DuckDBError ||
		duckdb_connect(database, &connection) == DuckDBError)
		return 2;
	while (getline(&line, &capacity, stdin) > 0) {
		duckdb_result result;
		double start = now();
		if (duckdb_query(connection, line, &result) == DuckDBError) {
			fprintf(stderr, "%s\n", duckdb_result_error(&result));
			return 1;
		}
		double seconds = now() - start;
		print_rows(&result);
		printf("=%f\n", seconds);
		fflush(stdout);
		duckdb_destroy_result(&result);
	}
	free(line);
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return 0;
}
