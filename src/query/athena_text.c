/* Text as Hive's LazySimpleSerDe reads it: fields by their position, whatever a header line says;
 * what a line has too few of is NULL, what it has too many of is left out, a number that is none is
 * NULL. Threads take files from a counter; only the columns that the statement needs are looked at
 * (Hive wiki, "LazySimpleSerDe"). */
#include "query/athena_priv.h"

#include "base/input.h"
#include "query/vector_priv.h"

#define WINDOW_BYTES ((size_t)256 << 10)
#define LINE_MAX     ((size_t)64 << 20)

struct scan {
	struct athena_table *table;
	atomic_size_t next; /* file */
	size_t count;
	size_t *columns; /* of the table, in the order that DuckDB wants; SIZE_MAX: none */
	size_t last;     /* the fields of a line that are needed: up to this many */
};

struct reader {
	struct input *input;
	size_t file;
	unsigned skipped;
	struct str window;
	size_t at; /* in the window */
	bool at_end;
	struct str *fields;
	struct buf unescaped;
};

static void scan_free(void *data)
{
	struct scan *scan = data;

	free(scan->columns);
	free(scan);
}

static void reader_free(void *data)
{
	struct reader *reader = data;

	input_close(reader->input);
	free(reader->fields);
	buf_done(&reader->unescaped);
	free(reader);
}

/* 1: a file is open, 0: there is none left. */
static int open_next(struct scan *scan, struct reader *reader, struct err *err)
{
	struct athena_table *table = scan->table;
	size_t file;

	do {
		file = atomic_fetch_add(&scan->next, 1);
		if (file >= table->files.count)
			return 0;
	} while (table->files.items[file].entry);
	struct athena_files_item *item = &table->files.items[file];
	item->is_read = true;
	uint64_t scanned = atomic_fetch_add(&table->engine->scanned, item->size) + item->size;
	if (table->engine->scan_limit && scanned > table->engine->scan_limit) {
		table->engine->over_limit = true;
		return err_set(err, ERR_USAGE, "bytes scanned limit was exceeded");
	}
	if (input_open(&reader->input, item->path, err) < 0)
		return -1;
	reader->file = file;
	reader->skipped = 0;
	reader->window = STR("");
	reader->at = 0;
	reader->at_end = false;
	return 1;
}

/* The next line without its end. 1, or 0 at the file's end. */
static int next_line(struct reader *reader, struct str *ret_line, struct err *err)
{
	for (size_t want = WINDOW_BYTES;;) {
		struct str rest = {reader->window.p + reader->at, reader->window.n - reader->at};
		const char *end = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
		if (end || (reader->at_end && rest.n)) {
			size_t n = end ? (size_t)(end - rest.p) : rest.n;
			reader->at += n + (end != NULL);
			if (n > 0 && rest.p[n - 1] == '\r')
				n--;
			*ret_line = (struct str){rest.p, n};
			return 1;
		}
		if (reader->at_end)
			return 0;
		input_skip(reader->input, reader->at);
		reader->at = 0;
		if (input_peek(reader->input, want, &reader->window, err) < 0)
			return -1;
		reader->at_end = reader->window.n < want;
		want *= 2;
		if (want > LINE_MAX)
			return err_set(err, ERR_INPUT, "%s: a line of more than %zu bytes",
				input_name(reader->input), LINE_MAX / 2);
	}
}

/* Fields with their escapes undone, in a buffer of their own. */
static size_t split_escaped(
	struct reader *reader, const struct athena_table *table, struct str line, size_t most)
{
	struct buf *buf = &reader->unescaped;
	size_t count = 0, start = 0;

	buf->n = 0;
	buf_reserve(buf, line.n + 1);
	for (size_t i = 0; i <= line.n && count < most; i++) {
		if (i == line.n || line.p[i] == table->delimiter) {
			reader->fields[count++] = (struct str){buf->p + start, buf->n - start};
			start = buf->n;
		} else {
			if (line.p[i] == table->escape && i + 1 < line.n)
				i++;
			buf->p[buf->n++] = line.p[i];
		}
	}
	return count;
}

static size_t split(
	struct reader *reader, const struct athena_table *table, struct str line, size_t most)
{
	size_t count = 0;
	struct str part;

	if (table->format == ATHENA_LINES) {
		reader->fields[0] = line;
		return most ? 1 : 0;
	}
	if (table->escape)
		return split_escaped(reader, table, line, most);
	while (count < most && str_split(&line, table->delimiter, &part))
		reader->fields[count++] = part;
	return count;
}

static bool read_integer(struct str text, int64_t *ret_value)
{
	bool negative = text.n > 0 && text.p[0] == '-';
	size_t i = text.n > 0 && (negative || text.p[0] == '+');
	int64_t value = 0;

	if (i == text.n)
		return false;
	for (; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' ||
			__builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, text.p[i] - '0', &value))
			return false;
	}
	if (!negative && value == INT64_MIN)
		return false;
	*ret_value = negative ? value : -value;
	return true;
}

static void set_value(duckdb_vector vector, idx_t row, duckdb_type type, struct str text)
{
	int64_t value;

	if (type == DUCKDB_TYPE_VARCHAR)
		duckdb_vector_assign_string_element_len(vector, row, text.p, text.n);
	else if (!read_integer(text, &value) ||
		 (type != DUCKDB_TYPE_BIGINT && (value < INT32_MIN || value > INT32_MAX)))
		vector_set_null(vector, row);
	else if (type == DUCKDB_TYPE_BIGINT)
		((int64_t *)duckdb_vector_get_data(vector))[row] = value;
	else
		((int32_t *)duckdb_vector_get_data(vector))[row] = (int32_t)value;
}

static void set_row(struct scan *scan, struct reader *reader, duckdb_data_chunk chunk, idx_t row,
	struct str line)
{
	const struct athena_table *table = scan->table;
	size_t fields = table->columns_count - table->keys_count;
	size_t found = split(reader, table, line, scan->last);
	size_t partition = table->files.items[reader->file].partition;

	for (size_t i = 0; i < scan->count; i++) {
		size_t column = scan->columns[i];
		duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
		if (column == SIZE_MAX)
			continue;
		if (column >= fields) {
			const json_t *value =
				json_array_get(table->files.values[partition], column - fields);
			if (json_is_string(value))
				set_value(vector, row, DUCKDB_TYPE_VARCHAR, athena_json_str(value));
			else
				vector_set_null(vector, row);
		} else if (column >= found ||
			   str_equal(reader->fields[column], str_from(table->null_text))) {
			vector_set_null(vector, row);
		} else {
			set_value(vector, row, table->columns[column].type, reader->fields[column]);
		}
	}
}

static void scan_rows(duckdb_function_info info, duckdb_data_chunk chunk)
{
	struct scan *scan = duckdb_function_get_init_data(info);
	struct reader *reader = duckdb_function_get_local_init_data(info);
	struct athena_table *table = scan->table;
	struct err err = ERR_INIT;
	idx_t rows = 0, most = duckdb_vector_size();
	struct str line;
	int r = 1;

	if (!reader->fields)
		reader->fields = mem_new(table->columns_count + 1, sizeof(*reader->fields));
	while (rows < most && r > 0 && !table->engine->interrupted) {
		if (!reader->input && (r = open_next(scan, reader, &err)) <= 0)
			break;
		r = next_line(reader, &line, &err);
		if (r == 0) {
			input_close(take(reader->input));
			r = 1;
		} else if (r > 0 && reader->skipped < table->skip_lines) {
			reader->skipped++;
		} else if (r > 0) {
			set_row(scan, reader, chunk, rows++, line);
		}
	}
	if (r < 0)
		duckdb_function_set_error(info, err.message);
	duckdb_data_chunk_set_size(chunk, rows);
}

/* ---- what DuckDB asks ---- */

static void bind(duckdb_bind_info info)
{
	struct athena_engine *engine = duckdb_bind_get_extra_info(info);
	duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
	int64_t index = duckdb_get_int64(parameter);

	duckdb_destroy_value(&parameter);
	if (index < 0 || (size_t)index >= engine->tables_count) {
		duckdb_bind_set_error(info, "there is no such table");
		return;
	}
	struct athena_table *table = engine->tables[index];
	for (size_t i = 0; i < table->columns_count; i++) {
		duckdb_logical_type type = duckdb_create_logical_type(table->columns[i].type);
		duckdb_bind_add_result_column(info, table->columns[i].name, type);
		duckdb_destroy_logical_type(&type);
	}
	duckdb_bind_set_cardinality(info, table->files.bytes / 100 + 1, false);
	duckdb_bind_set_bind_data(info, table, NULL);
}

static void init(duckdb_init_info info)
{
	struct athena_table *table = duckdb_init_get_bind_data(info);
	struct scan *scan = mem_new(1, sizeof(*scan));
	size_t fields = table->columns_count - table->keys_count;

	scan->table = table;
	scan->count = duckdb_init_get_column_count(info);
	scan->columns = mem_new(scan->count + 1, sizeof(*scan->columns));
	for (size_t i = 0; i < scan->count; i++) {
		/* COUNT(*) asks for a column that is none */
		idx_t column = duckdb_init_get_column_index(info, i);
		scan->columns[i] = column < table->columns_count ? column : SIZE_MAX;
		if (column < fields && column >= scan->last)
			scan->last = column + 1;
	}
	duckdb_init_set_max_threads(info, table->files.count ? table->files.count : 1);
	duckdb_init_set_init_data(info, scan, scan_free);
}

static void init_thread(duckdb_init_info info)
{
	duckdb_init_set_init_data(info, mem_new(1, sizeof(struct reader)), reader_free);
}

int athena_text_register(struct athena_engine *engine, struct err *err)
{
	duckdb_table_function function = duckdb_create_table_function();
	duckdb_logical_type index = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);

	duckdb_table_function_set_name(function, ATHENA_TEXT_FUNCTION);
	duckdb_table_function_add_parameter(function, index);
	duckdb_destroy_logical_type(&index);
	duckdb_table_function_set_extra_info(function, engine, NULL);
	duckdb_table_function_set_bind(function, bind);
	duckdb_table_function_set_init(function, init);
	duckdb_table_function_set_local_init(function, init_thread);
	duckdb_table_function_set_function(function, scan_rows);
	duckdb_table_function_supports_projection_pushdown(function, true);
	duckdb_state state = duckdb_register_table_function(engine->connection, function);
	duckdb_destroy_table_function(&function);
	if (state != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "DuckDB refuses the scan of text");
	return 0;
}
