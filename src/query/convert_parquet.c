#include "query/convert_parquet_priv.h"

#include "query/rewrite_priv.h"
#include "query/session_priv.h"

struct convert_parquet {
	char *path;
	duckdb_connection connection;
	duckdb_result result;
	bool has_result;
	duckdb_data_chunk chunk;
	struct record_reader_column columns[RECORD_READER_COLUMNS_MAX];
	char *names[RECORD_READER_COLUMNS_MAX];
	size_t count;
	struct record_batch batch;
};

int convert_database_open(duckdb_database *ret_database, unsigned threads, struct err *err)
{
	_cleanup_free_ char *threads_text = mem_printf("%u", threads);
	const char *const settings[][2] = {
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		{"allow_persistent_secrets", "false"},
		{"temp_directory", ""},
		{"memory_limit", "512MB"},
		{"threads", threads_text},
	};
	duckdb_config config;
	char *message = NULL;

	if (duckdb_library_load(err) < 0)
		return -1;
	if (duckdb_create_config(&config) != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "cannot start DuckDB");
	for (size_t i = 0; i < ARRAY_SIZE(settings) - (threads == 0); i++)
		duckdb_set_config(config, settings[i][0], settings[i][1]);
	duckdb_state state = duckdb_open_ext(NULL, ret_database, config, &message);
	duckdb_destroy_config(&config);
	if (state != DuckDBSuccess)
		err_set(err, ERR_SYSTEM, "cannot start DuckDB: %s", message ? message : "unknown");
	duckdb_free(message);
	return state == DuckDBSuccess ? 0 : -1;
}

static void add_source(struct buf *sql, const char *path)
{
	_cleanup_buf_ struct buf pattern = {0};

	/* DuckDB takes a path for a glob */
	for (const char *p = path; *p; p++)
		buf_printf(&pattern, strchr("*?[", *p) ? "[%c]" : "%c", *p);
	buf_add_text(sql, " FROM read_parquet(");
	query_add_literal(sql, buf_text(&pattern));
	buf_add_text(sql, ", hive_partitioning = false)");
}

static int run(struct convert_parquet *parquet, const char *sql, duckdb_result *ret_result,
	struct err *err)
{
	duckdb_prepared_statement prepared = NULL;
	duckdb_pending_result pending = NULL;
	int r = 0;

	if (duckdb_prepare(parquet->connection, sql, &prepared) != DuckDBSuccess)
		r = err_set(
			err, ERR_INPUT, "%s: %s", parquet->path, duckdb_prepare_error(prepared));
	else if (duckdb_pending_prepared_streaming(prepared, &pending) != DuckDBSuccess ||
		 duckdb_execute_pending(pending, ret_result) != DuckDBSuccess)
		r = err_set(err, ERR_INPUT, "%s: %s", parquet->path, duckdb_pending_error(pending));
	duckdb_destroy_pending(&pending);
	duckdb_destroy_prepare(&prepared);
	return r;
}

/* The column as flow logs have it: numbers that may be text elsewhere, "-" and "" are missing. */
static void add_column(
	struct convert_parquet *parquet, const char *name, duckdb_type type, struct buf *sql)
{
	struct str text = str_from(name);
	int field = record_field_find(text);
	struct record_reader_column *column = &parquet->columns[parquet->count];

	if (field < 0)
		field = record_field_find_sql(text);
	*column = (struct record_reader_column){
		.field = field,
		.type = field < 0 ? RECORD_TYPE_STRING : record_fields[field].parquet,
	};
	parquet->names[parquet->count] = mem_strdup(field < 0 ? name : record_fields[field].name.p);
	column->name = str_from(parquet->names[parquet->count++]);
	buf_add_text(sql, parquet->count > 1 ? ", " : "SELECT ");
	if (column->type == RECORD_TYPE_STRING) {
		buf_add_text(sql, "NULLIF(NULLIF(CAST(");
		query_add_identifier(sql, name);
		buf_add_text(sql, " AS VARCHAR), '-'), '')");
		return;
	}
	bool time = type == DUCKDB_TYPE_TIMESTAMP || type == DUCKDB_TYPE_TIMESTAMP_S ||
		    type == DUCKDB_TYPE_TIMESTAMP_MS || type == DUCKDB_TYPE_TIMESTAMP_NS ||
		    type == DUCKDB_TYPE_TIMESTAMP_TZ;
	buf_add_text(sql, type == DUCKDB_TYPE_VARCHAR ? "TRY_CAST(" : "CAST(");
	buf_add_text(sql, time ? "epoch(" : "");
	query_add_identifier(sql, name);
	buf_add_text(sql, time ? ") AS BIGINT)" : " AS BIGINT)");
}

static int describe(struct convert_parquet *parquet, struct buf *sql, struct err *err)
{
	_cleanup_buf_ struct buf look = {0};
	duckdb_result result;

	buf_add_text(&look, "SELECT *");
	add_source(&look, parquet->path);
	buf_add_text(&look, " LIMIT 0");
	if (run(parquet, buf_text(&look), &result, err) < 0)
		return -1;
	idx_t count = duckdb_column_count(&result);
	int r = 0;
	if (count > RECORD_READER_COLUMNS_MAX)
		r = err_set(err, ERR_INPUT, "%s: more than %d columns", parquet->path,
			RECORD_READER_COLUMNS_MAX);
	for (idx_t i = 0; r == 0 && i < count; i++)
		add_column(parquet, duckdb_column_name(&result, i), duckdb_column_type(&result, i),
			sql);
	duckdb_destroy_result(&result);
	add_source(sql, parquet->path);
	return r;
}

static void make_batch(struct convert_parquet *parquet)
{
	struct record_batch *batch = &parquet->batch;

	batch->columns = parquet->count;
	batch->column = mem_new(parquet->count + 1, sizeof(*batch->column));
	for (size_t i = 0; i < parquet->count; i++) {
		struct record_batch_column *column = &batch->column[i];
		column->type = parquet->columns[i].type;
		column->valid = mem_new(RECORD_READER_BATCH, sizeof(*column->valid));
		if (column->type == RECORD_TYPE_STRING)
			column->texts = mem_new(RECORD_READER_BATCH, sizeof(*column->texts));
		else
			column->numbers = mem_new(RECORD_READER_BATCH, sizeof(*column->numbers));
	}
}

int convert_parquet_open(struct convert_parquet **ret_parquet, duckdb_database database,
	const char *path, struct err *err)
{
	_cleanup_(convert_parquet_closep) struct convert_parquet *parquet =
		mem_new(1, sizeof(*parquet));
	_cleanup_buf_ struct buf sql = {0};

	parquet->path = mem_strdup(path);
	if (duckdb_connect(database, &parquet->connection) != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "cannot connect to DuckDB");
	if (describe(parquet, &sql, err) < 0 ||
		run(parquet, buf_text(&sql), &parquet->result, err) < 0)
		return -1;
	parquet->has_result = true;
	make_batch(parquet);
	*ret_parquet = take(parquet);
	return 0;
}

const struct record_reader_column *convert_parquet_columns(
	const struct convert_parquet *parquet, size_t *ret_count)
{
	*ret_count = parquet->count;
	return parquet->columns;
}

/* A text that would break a line of text is none that a flow log has. */
static bool may_stand_in_line(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f)
			return false;
	}
	return true;
}

static int copy_vector(struct convert_parquet *parquet, size_t i, size_t rows, struct err *err)
{
	struct record_batch_column *column = &parquet->batch.column[i];
	duckdb_vector vector = duckdb_data_chunk_get_vector(parquet->chunk, i);
	uint64_t *validity = duckdb_vector_get_validity(vector);
	void *data = duckdb_vector_get_data(vector);

	for (size_t row = 0; row < rows; row++) {
		column->valid[row] = !validity || duckdb_validity_row_is_valid(validity, row);
		if (!column->valid[row])
			continue;
		if (column->type != RECORD_TYPE_STRING) {
			column->numbers[row] = ((int64_t *)data)[row];
			if (column->numbers[row] < 0 || (column->type == RECORD_TYPE_INT32 &&
								column->numbers[row] > INT32_MAX))
				return err_set(err, ERR_INPUT, "%s: %lld in column '%s'",
					parquet->path, (long long)column->numbers[row],
					parquet->names[i]);
			continue;
		}
		duckdb_string_t *text = &((duckdb_string_t *)data)[row];
		column->texts[row] =
			(struct str){duckdb_string_t_data(text), duckdb_string_t_length(*text)};
		if (!may_stand_in_line(column->texts[row]))
			return err_set(err, ERR_INPUT,
				"%s: a blank or control character in column '%s'", parquet->path,
				parquet->names[i]);
	}
	return 0;
}

int convert_parquet_read(
	struct convert_parquet *parquet, const struct record_batch **ret_batch, struct err *err)
{
	parquet->batch.rows = 0;
	*ret_batch = &parquet->batch;
	duckdb_destroy_data_chunk(&parquet->chunk);
	parquet->chunk = duckdb_fetch_chunk(parquet->result);
	if (!parquet->chunk) {
		const char *message = duckdb_result_error(&parquet->result);
		return message && *message
			       ? err_set(err, ERR_INPUT, "%s: %s", parquet->path, message)
			       : 0;
	}
	size_t rows = duckdb_data_chunk_get_size(parquet->chunk);
	for (size_t i = 0; i < parquet->count; i++) {
		if (copy_vector(parquet, i, rows, err) < 0)
			return -1;
	}
	parquet->batch.rows = rows;
	return 0;
}

void convert_parquet_close(struct convert_parquet *parquet)
{
	if (!parquet)
		return;
	duckdb_destroy_data_chunk(&parquet->chunk);
	if (parquet->has_result)
		duckdb_destroy_result(&parquet->result);
	duckdb_disconnect(&parquet->connection);
	for (size_t i = 0; i < parquet->count; i++)
		free(parquet->names[i]);
	for (size_t i = 0; i < parquet->batch.columns; i++) {
		free(parquet->batch.column[i].valid);
		free(parquet->batch.column[i].numbers);
		free(parquet->batch.column[i].texts);
	}
	free(parquet->batch.column);
	free(parquet->path);
	free(parquet);
}
