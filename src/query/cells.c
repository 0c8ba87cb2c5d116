#include "query/cells.h"

#include "query/session_priv.h"

#include <stdio.h>
#include <unistd.h>

struct query_cells {
	struct query_session *session; /* without objects and tables of flow logs */
	duckdb_appender appender;
	struct buf select;
	size_t count;
};

/* DuckDB's type of a column that is no text; NULL: it is. */
static const char *type_of(const struct query_cells_column *column, struct buf *made)
{
	static const char *const same[] = {
		"boolean", "tinyint", "smallint", "integer", "bigint", "double"};

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		if (strcmp(column->type, same[i]) == 0)
			return same[i];
	}
	if (strcmp(column->type, "float") == 0 || strcmp(column->type, "real") == 0)
		return "REAL";
	if (strcmp(column->type, "decimal") != 0)
		return NULL;
	buf_printf(made, "DECIMAL(%d, %d)", column->precision, column->scale);
	return buf_text(made);
}

static int open_database(struct query_session *session, struct err *err)
{
	const char *temporary = getenv("TMPDIR");
	_cleanup_buf_ struct buf sql = {0};

	session->temporary_folder = mem_printf("%s/nagare-query-%d",
		temporary && *temporary ? temporary : "/var/tmp", (int)getpid());
	if (duckdb_open(NULL, &session->database) != DuckDBSuccess ||
		duckdb_connect(session->database, &session->connection) != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "cannot start DuckDB");
	buf_add_text(&sql, "SET temp_directory = ");
	query_add_literal(&sql, session->temporary_folder);
	return query_execute(session, buf_text(&sql), NULL, err);
}

/* The table of texts, and the SELECT that gives them names and types. */
static int make_table(struct query_cells *cells, const struct query_cells_column *columns,
	size_t count, struct err *err)
{
	_cleanup_buf_ struct buf create = {0};

	buf_add_text(&create, "CREATE TABLE nagare_cells (");
	buf_add_text(&cells->select, "SELECT ");
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct buf made = {0};
		const char *type = type_of(&columns[i], &made);
		buf_printf(&create, "%sc%zu VARCHAR", i ? ", " : "", i);
		buf_add_text(&cells->select, i ? ", " : "");
		if (type)
			buf_printf(&cells->select, "CAST(c%zu AS %s) AS ", i, type);
		else
			buf_printf(&cells->select, "c%zu AS ", i);
		query_add_identifier(&cells->select, columns[i].name);
	}
	buf_add_text(&create, ")");
	buf_add_text(&cells->select, " FROM nagare_cells");
	return query_execute(cells->session, buf_text(&create), NULL, err);
}

int query_cells_new(struct query_cells **ret_cells, const struct query_cells_column *columns,
	size_t count, struct err *err)
{
	if (duckdb_library_load(err) < 0)
		return -1;
	_cleanup_(query_cells_freep) struct query_cells *cells = mem_new(1, sizeof(*cells));
	cells->session = mem_new(1, sizeof(*cells->session));
	pthread_mutex_init(&cells->session->lock, NULL);
	cells->count = count;
	if (open_database(cells->session, err) < 0 || make_table(cells, columns, count, err) < 0)
		return -1;
	if (duckdb_appender_create(cells->session->connection, NULL, "nagare_cells",
		    &cells->appender) != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "DuckDB takes no rows");
	*ret_cells = take(cells);
	return 0;
}

int query_cells_add(struct query_cells *cells, const struct str *row, struct err *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < cells->count; i++)
		ok = (row[i].p ? duckdb_append_varchar_length(cells->appender, row[i].p, row[i].n)
			       : duckdb_append_null(cells->appender)) == DuckDBSuccess;
	if (ok && duckdb_appender_end_row(cells->appender) == DuckDBSuccess)
		return 0;
	const char *message = duckdb_appender_error(cells->appender);
	return err_set(err, ERR_SYSTEM, "cannot keep a row: %s", message ? message : "unknown");
}

int query_cells_result(struct query_cells *cells, enum query_output output, bool is_plan,
	struct query_result **ret_result, struct err *err)
{
	if (duckdb_appender_destroy(&cells->appender) != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "cannot keep the rows");
	int r = query_result_start(
		ret_result, cells->session, buf_str(&cells->select), output, err);
	if (r == 0)
		(*ret_result)->plan = is_plan;
	return r;
}

void query_cells_free(struct query_cells *cells)
{
	if (!cells)
		return;
	if (cells->appender)
		duckdb_appender_destroy(&cells->appender);
	query_session_close(cells->session);
	buf_done(&cells->select);
	free(cells);
}
