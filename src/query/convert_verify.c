/* What was written is read back by readers that did not write it: DuckDB for Parquet, record/reader
 * for text; and what they find is compared with what was taken from the sources. */
#include "query/convert_priv.h"

#include "query/convert_parquet_priv.h"
#include "query/rewrite_priv.h"
#include "query/session_priv.h"

#include <stdio.h>

static void add_128(struct buf *buf, __int128 value)
{
	char digits[40];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + (int)(value % 10));
	while ((value /= 10) > 0);
	while (n)
		buf_add_char(buf, digits[--n]);
}

static int refuse(const struct convert_unit *unit, const char *what, struct err *err)
{
	err_set(err, ERR_INPUT, "%s of the files of unit %s is not what was read from the sources",
		what, unit->name);
	return err_hint(err, "no source of this unit is deleted");
}

/* One row of text: rows, then count and sum of each column. */
static void add_expected(struct buf *buf, const struct convert_unit *unit)
{
	buf_printf(buf, "%llu", (unsigned long long)unit->rows);
	for (unsigned i = 0; i < unit->sums_count; i++) {
		buf_printf(buf, " %llu ", (unsigned long long)unit->sums[i].count);
		add_128(buf, unit->sums[i].sum);
	}
}

static void add_sql(struct buf *sql, const char *destination, const struct convert_unit *unit)
{
	buf_add_text(sql, "SELECT concat_ws(' ', count(*)");
	for (unsigned i = 0; i < unit->sums_count; i++) {
		bool text = unit->sums[i].type == RECORD_TYPE_STRING;
		buf_add_text(sql, ", count(");
		query_add_identifier(sql, unit->sums[i].sql_name);
		buf_add_text(sql, text ? "), coalesce(sum(strlen(" : "), coalesce(sum(");
		query_add_identifier(sql, unit->sums[i].sql_name);
		buf_add_text(sql, text ? ")), 0)" : "), 0)");
	}
	buf_add_text(sql, ") FROM read_parquet([");
	for (unsigned i = 0; i < unit->files_count; i++) {
		_cleanup_free_ char *path = mem_printf("%s/%s", destination, unit->files[i].path);
		_cleanup_buf_ struct buf pattern = {0};
		for (const char *p = path; *p; p++)
			buf_printf(&pattern, strchr("*?[", *p) ? "[%c]" : "%c", *p);
		buf_add_text(sql, i ? ", " : "");
		query_add_literal(sql, buf_text(&pattern));
	}
	buf_add_text(sql, "], union_by_name = true, hive_partitioning = false)");
}

static int verify_parquet(const struct query_convert_options *options,
	const struct convert_unit *unit, struct err *err)
{
	_cleanup_buf_ struct buf sql = {0}, expected = {0};
	duckdb_database database = NULL;
	duckdb_connection connection = NULL;
	duckdb_result result = {0};
	int r;

	add_sql(&sql, options->destination, unit);
	add_expected(&expected, unit);
	if (convert_database_open(&database, options->threads, err) < 0)
		return -1;
	if (duckdb_connect(database, &connection) != DuckDBSuccess) {
		r = err_set(err, ERR_SYSTEM, "cannot connect to DuckDB");
	} else if (duckdb_query(connection, buf_text(&sql), &result) != DuckDBSuccess) {
		r = err_set(err, ERR_INPUT, "%s", duckdb_result_error(&result));
	} else {
		char *found = duckdb_value_varchar(&result, 0, 0);
		r = found && strcmp(found, buf_text(&expected)) == 0
			    ? 0
			    : refuse(unit, "a count or sum", err);
		duckdb_free(found);
	}
	duckdb_destroy_result(&result);
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return r;
}

/* Adds what a text file holds to the sums, which are by column of the unit. */
static int sum_text(struct convert_sum *sums, const struct convert_unit *unit, const char *path,
	uint64_t *rows, struct err *err)
{
	struct query_object object = {.path = (char *)path};
	_cleanup_(record_reader_closep) struct record_reader *reader = NULL;
	const struct record_batch *batch;
	struct input *input;
	unsigned place[RECORD_READER_COLUMNS_MAX];
	size_t count;

	if (query_object_open(&object, &input, err) < 0 ||
		record_reader_open(&reader, input, true, err) < 0)
		return -1;
	const struct record_reader_column *columns = record_reader_columns(reader, &count);
	for (size_t i = 0; i < count; i++) {
		for (place[i] = 0; place[i] < unit->sums_count; place[i]++) {
			const char *name = unit->sums[place[i]].sql_name;
			if (columns[i].field >= 0
					? strcmp(record_fields[columns[i].field].sql_name.p,
						  name) == 0
					: str_equal(columns[i].name, str_from(name)))
				break;
		}
		if (place[i] == unit->sums_count)
			return err_set(err, ERR_INPUT, "%s has a field that no source has", path);
	}
	for (;;) {
		if (record_reader_read(reader, &batch, err) < 0)
			return -1;
		if (batch->rows == 0)
			return 0;
		*rows += batch->rows;
		for (size_t i = 0; i < count; i++) {
			struct convert_sum *sum = &sums[place[i]];
			const struct record_batch_column *column = &batch->column[i];
			for (size_t row = 0; row < batch->rows; row++) {
				bool text = sum->type == RECORD_TYPE_STRING;
				sum->count += text || column->valid[row];
				if (text) /* "-" where it is missing */
					sum->sum += column->valid[row]
							    ? (int64_t)column->texts[row].n
							    : 1;
				else if (column->valid[row])
					sum->sum += column->numbers[row];
			}
		}
	}
}

static int verify_text(const struct query_convert_options *options, const struct convert_unit *unit,
	struct err *err)
{
	_cleanup_free_ struct convert_sum *sums = mem_new(unit->sums_count + 1, sizeof(*sums));
	uint64_t rows = 0;

	for (unsigned i = 0; i < unit->sums_count; i++)
		sums[i].type = unit->sums[i].type;
	for (unsigned i = 0; i < unit->files_count; i++) {
		_cleanup_free_ char *path =
			mem_printf("%s/%s", options->destination, unit->files[i].path);
		if (sum_text(sums, unit, path, &rows, err) < 0)
			return -1;
	}
	if (rows != unit->rows)
		return refuse(unit, "the number of rows", err);
	for (unsigned i = 0; i < unit->sums_count; i++) {
		if (sums[i].count != unit->sums[i].count || sums[i].sum != unit->sums[i].sum)
			return refuse(unit, "a count or sum", err);
	}
	return 0;
}

int convert_verify(const struct query_convert_options *options, const struct convert_unit *unit,
	struct err *err)
{
	if (unit->files_count == 0)
		return 0; /* no rows, no files */
	return options->form == QUERY_CONVERT_TEXT ? verify_text(options, unit, err)
						   : verify_parquet(options, unit, err);
}
