/* One statement from text to rows. DuckDB computes while rows are fetched; few of them wait in
 * between. Columns of types that print.c does not write itself (intervals, times with a zone,
 * lists, structs, ...) are cast by DuckDB: the statement is put into brackets, SELECT CAST(#1 AS
 * VARCHAR), ... FROM (statement), or to_json(#1) when the output is JSON. */
#include "query/session_priv.h"

#include "query/lexer_priv.h"
#include "query/print_priv.h"

#include <stdio.h>

static bool is_nested(duckdb_type type)
{
	return type == DUCKDB_TYPE_LIST || type == DUCKDB_TYPE_STRUCT || type == DUCKDB_TYPE_MAP ||
	       type == DUCKDB_TYPE_ARRAY || type == DUCKDB_TYPE_UNION;
}

static bool is_json_output(enum query_output output)
{
	return output == QUERY_JSON || output == QUERY_JSONL;
}

/* The statement in brackets. False when all columns can be printed as they are. */
static bool cast_columns(struct buf *buf, duckdb_prepared_statement prepared, struct str sql,
	enum query_output output)
{
	idx_t columns = duckdb_prepared_statement_column_count(prepared);
	bool any = false;

	buf_add_text(buf, "SELECT ");
	for (idx_t i = 0; i < columns; i++) {
		duckdb_type type = duckdb_prepared_statement_column_type(prepared, i);
		unsigned long long place = i + 1;
		buf_add_text(buf, i ? ", " : "");
		if (query_print_knows(type)) {
			buf_printf(buf, "#%llu", place);
			continue;
		}
		any = true;
		if (is_nested(type) && is_json_output(output))
			buf_printf(buf, "to_json(#%llu)", place);
		else
			buf_printf(buf, "CAST(#%llu AS VARCHAR)", place);
	}
	/* the line end closes a comment at the end of the statement */
	buf_printf(buf, " FROM (%.*s\n)", STR_ARG(sql));
	return any;
}

/* The C interface gives no type for errors in the text: DuckDB's message begins with it. */
static int refuse(struct query_session *session, const char *message, struct err *err)
{
	static const struct {
		const char *kind;
		duckdb_error_type type;
	} kinds[] = {
		{"Catalog ", DUCKDB_ERROR_CATALOG},
		{"Binder ", DUCKDB_ERROR_BINDER},
		{"IO ", DUCKDB_ERROR_IO},
		{"Invalid Input ", DUCKDB_ERROR_INVALID_INPUT},
		{"INTERRUPT ", DUCKDB_ERROR_INTERRUPT},
		{"Out of Memory ", DUCKDB_ERROR_OUT_OF_MEMORY},
	};

	for (size_t i = 0; message && i < ARRAY_SIZE(kinds); i++) {
		if (strncmp(message, kinds[i].kind, strlen(kinds[i].kind)) == 0)
			return query_message(session, kinds[i].type, message, err);
	}
	return query_message(session, DUCKDB_ERROR_PARSER, message, err);
}

/* DuckDB makes several statements of one PIVOT: those before the last prepare its values. */
static int prepare(struct query_session *session, const char *sql,
	duckdb_prepared_statement *ret_prepared, struct err *err)
{
	duckdb_extracted_statements extracted = NULL;
	duckdb_prepared_statement prepared = NULL;
	idx_t count = duckdb_extract_statements(session->connection, sql, &extracted);
	int r = 0;

	if (count == 0)
		r = refuse(session, duckdb_extract_statements_error(extracted), err);
	for (idx_t i = 0; r == 0 && i < count; i++) {
		duckdb_result result = {0};
		if (duckdb_prepare_extracted_statement(
			    session->connection, extracted, i, &prepared) != DuckDBSuccess) {
			r = refuse(session, duckdb_prepare_error(prepared), err);
		} else if (i + 1 < count &&
			   duckdb_execute_prepared(prepared, &result) != DuckDBSuccess) {
			r = query_message(session, duckdb_result_error_type(&result),
				duckdb_result_error(&result), err);
		}
		duckdb_destroy_result(&result);
		if (r < 0 || i + 1 < count)
			duckdb_destroy_prepare(&prepared);
	}
	duckdb_destroy_extracted(&extracted);
	if (r == 0)
		*ret_prepared = prepared;
	return r;
}

static bool is_interrupted(struct query_session *session)
{
	return session->interrupted;
}

static int check_columns(const struct query_result *result, struct err *err)
{
	for (size_t i = 0; i < result->columns; i++) {
		if (query_print_knows(result->column[i].type))
			continue;
		err_set(err, ERR_USAGE, "SQL: the type of column %s cannot be printed",
			result->column[i].name);
		return err_hint(err, "CAST(... AS VARCHAR) can");
	}
	return 0;
}

/* Names are those of the author's statement, types those of what is run. */
static void take_columns(struct query_result *result, duckdb_prepared_statement named)
{
	result->columns = duckdb_column_count(&result->result);
	result->column = mem_new(result->columns + 1, sizeof(*result->column));
	for (idx_t i = 0; i < result->columns; i++) {
		struct query_result_column *column = &result->column[i];
		duckdb_logical_type type = duckdb_column_logical_type(&result->result, i);
		char *alias = duckdb_logical_type_get_alias(type);
		const char *name = named ? duckdb_prepared_statement_column_name(named, i) : NULL;
		column->name = mem_strdup(name ? name : duckdb_column_name(&result->result, i));
		duckdb_free((void *)name);
		column->type = duckdb_get_type_id(type);
		column->json = alias && strcmp(alias, "JSON") == 0;
		if (column->type == DUCKDB_TYPE_DECIMAL) {
			column->internal = duckdb_decimal_internal_type(type);
			column->scale = duckdb_decimal_scale(type);
		}
		duckdb_free(alias);
		duckdb_destroy_logical_type(&type);
	}
}

static int execute(struct query_result *result, duckdb_prepared_statement prepared, struct err *err)
{
	struct query_session *session = result->session;

	if (is_interrupted(session))
		return QUERY_INTERRUPTED;
	if (duckdb_execute_prepared_streaming(prepared, &result->result) == DuckDBSuccess)
		return 0;
	if (is_interrupted(session))
		return QUERY_INTERRUPTED;
	return query_message(session, duckdb_result_error_type(&result->result),
		duckdb_result_error(&result->result), err);
}

int query_result_start(struct query_result **ret_result, struct query_session *session,
	struct str sql, enum query_output output, struct err *err)
{
	_cleanup_(query_result_freep) struct query_result *result = mem_new(1, sizeof(*result));
	_cleanup_free_ char *text = mem_printf("%.*s", STR_ARG(sql));
	duckdb_prepared_statement prepared = NULL, cast = NULL;
	_cleanup_buf_ struct buf bracketed = {0};

	result->session = session;
	result->output = output;
	if (prepare(session, text, &prepared, err) < 0)
		return is_interrupted(session) ? QUERY_INTERRUPTED : -1;
	result->plan = duckdb_prepared_statement_type(prepared) == DUCKDB_STATEMENT_TYPE_EXPLAIN;
	bool wants_cast = cast_columns(&bracketed, prepared, sql, output);
	/* a statement that is no subquery stays as it is; check_columns has the last word */
	if (wants_cast)
		prepare(session, buf_text(&bracketed), &cast, NULL);
	int r = execute(result, cast ? cast : prepared, err);
	if (r == 0) {
		result->has_rows = duckdb_result_return_type(result->result) ==
				   DUCKDB_RESULT_TYPE_QUERY_RESULT;
		take_columns(result, cast ? prepared : NULL);
		r = check_columns(result, err);
	}
	duckdb_destroy_prepare(&cast);
	duckdb_destroy_prepare(&prepared);
	if (r == 0)
		*ret_result = take(result);
	return r;
}

int query_result_next(struct query_result *result, duckdb_data_chunk *ret_chunk, struct err *err)
{
	struct query_session *session = result->session;

	*ret_chunk = NULL;
	if (is_interrupted(session))
		return QUERY_INTERRUPTED;
	duckdb_data_chunk chunk = duckdb_fetch_chunk(result->result);
	if (!atomic_exchange(&session->has_rows, true) && session->on_rows)
		session->on_rows(session->on_rows_context);
	if (chunk && duckdb_data_chunk_get_size(chunk) > 0) {
		*ret_chunk = chunk;
		return 0;
	}
	duckdb_destroy_data_chunk(&chunk);
	if (is_interrupted(session))
		return QUERY_INTERRUPTED;
	const char *message = duckdb_result_error(&result->result);
	if (!message || !*message)
		return 0;
	return query_message(session, duckdb_result_error_type(&result->result), message, err);
}

int query_result_finish(struct query_result *result, struct err *err)
{
	duckdb_data_chunk chunk;
	int r;

	while ((r = query_result_next(result, &chunk, err)) == 0 && chunk)
		duckdb_destroy_data_chunk(&chunk);
	return r;
}

int64_t query_result_rows(const struct query_result *result)
{
	return result->rows;
}

void query_result_free(struct query_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->columns; i++)
		free(result->column[i].name);
	free(result->column);
	duckdb_destroy_result(&result->result);
	free(result);
}
