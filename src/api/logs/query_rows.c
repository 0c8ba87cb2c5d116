/* Rows that DuckDB finds, as the answer has them, and how many events went through the filters. */
#include "api/logs/queries_priv.h"

#include <string.h>

void logs_rows_unref(struct logs_rows *rows)
{
	if (!rows || --rows->refs > 0)
		return;
	buf_done(&rows->text);
	free(rows->ends);
	free(rows);
}

static void add_text(struct buf *buf, const char *text)
{
	json_t *value = json_string_nocheck(text);
	_cleanup_free_ char *quoted = json_dumps(value, JSON_ENCODE_ANY);

	buf_add_text(buf, quoted ? quoted : "\"\"");
	json_decref(value);
}

/* "3", not "3.0". */
static void cut_zero(char *number)
{
	size_t n = strlen(number);

	if (n > 2 && number[n - 1] == '0' && number[n - 2] == '.')
		number[n - 2] = '\0';
}

static void add_row(
	const struct query_insights *insights, duckdb_result *result, idx_t row, struct buf *rows)
{
	bool is_first = true;
	char time[40];

	buf_add_char(rows, '[');
	for (size_t i = 0; i < insights->columns_count; i++) {
		char *value = duckdb_value_varchar(result, i, row);
		if (!value)
			continue;
		if (insights->columns[i].type == QUERY_INSIGHTS_TIME)
			*query_insights_write_time(time, strtoll(value, NULL, 10)) = '\0';
		else if (insights->columns[i].type == QUERY_INSIGHTS_NUMBER)
			cut_zero(value);
		else if (insights->columns[i].type == QUERY_INSIGHTS_BOOLEAN)
			memcpy(value, *value == 't' ? "1" : "0", 2);
		buf_add_text(rows, is_first ? "{\"field\":" : ",{\"field\":");
		add_text(rows, insights->columns[i].name);
		buf_add_text(rows, ",\"value\":");
		add_text(rows, insights->columns[i].type == QUERY_INSIGHTS_TIME ? time : value);
		buf_add_char(rows, '}');
		duckdb_free(value);
		is_first = false;
	}
	buf_add_char(rows, ']');
}

static int keep_rows(const struct query_insights *insights, duckdb_result *result,
	struct logs_rows **ret_rows, struct err *err)
{
	_cleanup_(logs_rows_unrefp) struct logs_rows *rows = mem_new(1, sizeof(*rows));
	idx_t count = duckdb_row_count(result);

	rows->refs = 1;
	rows->ends = mem_new(count + 1, sizeof(*rows->ends));
	for (idx_t row = 0; row < count; row++) {
		add_row(insights, result, row, &rows->text);
		rows->ends[row] = rows->text.n;
		if (rows->text.n > LOGS_QUERY_RESULT_BYTES)
			return err_set(err, ERR_SYSTEM, "the result has more than %d bytes",
				LOGS_QUERY_RESULT_BYTES);
	}
	rows->count = count;
	*ret_rows = take(rows);
	return 0;
}

/* ---- how many events went through the filters: DuckDB's profile ---- */

static char *metric(duckdb_profiling_info info, const char *name)
{
	duckdb_value value = duckdb_profiling_info_get_value(info, name);
	char *text = value ? duckdb_get_varchar(value) : NULL;

	if (value)
		duckdb_destroy_value(&value);
	return text;
}

/* Up from the scan, rows that the last filter let through before anything else. */
struct matched {
	bool is_found, is_closed;
	uint64_t rows;
};

/* NOLINTNEXTLINE(misc-no-recursion): 100 deep at most. */
static struct matched count_matched(duckdb_profiling_info info, unsigned depth)
{
	struct matched matched = {.is_found = false};
	idx_t count = duckdb_profiling_info_get_child_count(info);

	for (idx_t i = 0; i < count && !matched.is_found && depth < 100; i++)
		matched = count_matched(duckdb_profiling_info_get_child(info, i), depth + 1);
	char *type = metric(info, "OPERATOR_TYPE");
	char *rows = metric(info, "OPERATOR_CARDINALITY");
	if (type && rows) {
		bool is_scan = strcmp(type, "TABLE_SCAN") == 0;
		if (is_scan)
			matched.is_found = true;
		if (is_scan ||
			(matched.is_found && !matched.is_closed && strcmp(type, "FILTER") == 0))
			matched.rows = strtoull(rows, NULL, 10);
		else if (strcmp(type, "PROJECTION") != 0)
			matched.is_closed = true;
	}
	duckdb_free(type);
	duckdb_free(rows);
	return matched;
}

int logs_query_execute(const struct log_query *query, duckdb_connection connection, const char *sql,
	struct logs_rows **ret_rows, uint64_t *ret_matched, struct err *err)
{
	static const char profiling[] = "PRAGMA enable_profiling = 'no_output'";
	struct matched matched = {.is_found = false};
	duckdb_result found = {0};
	int result = 0;

	*ret_rows = NULL;
	*ret_matched = UINT64_MAX;
	if (duckdb_query(connection, profiling, &found) != DuckDBSuccess)
		result = err_set(err, ERR_SYSTEM, "%s", duckdb_result_error(&found));
	duckdb_destroy_result(&found);
	if (result < 0)
		return -1;
	if (duckdb_query(connection, sql, &found) != DuckDBSuccess)
		result = err_set(err, ERR_SYSTEM, "%s", duckdb_result_error(&found));
	if (result == 0) {
		duckdb_profiling_info info = duckdb_get_profiling_info(connection);
		if (info)
			matched = count_matched(info, 0);
		if (matched.is_found)
			*ret_matched = matched.rows;
		result = keep_rows(&query->insights, &found, ret_rows, err);
	}
	duckdb_destroy_result(&found);
	return result;
}
