/* The text objects of a session as a DuckDB table function. Each of DuckDB's threads takes whole
 * objects off a shared counter (gzip cannot be split) and copies the columns that the statement
 * needs from the reader's batches into DuckDB's vectors; a batch is as large as a vector.
 * The session outlives every scan: results are freed before it closes. */
#include "query/session_priv.h"

#include "base/input.h"
#include "record/reader.h"

#include <stdio.h>

_Static_assert(RECORD_READER_BATCH <= 2048, "a batch fits into a DuckDB vector");

/* Bytes of a line of the 14 default fields, measured: text 114, gzip 25. Only for DuckDB's guess at
 * the number of rows. */
#define LINE_BYTES      114
#define LINE_BYTES_GZIP 25

struct scan {
	struct query_session *session;
	atomic_size_t next; /* of session->texts */
	size_t columns_count;
	size_t *columns; /* of the session, in the order that DuckDB wants; SIZE_MAX: none */
};

struct scan_thread {
	struct query_session *session;
	struct scan *scan; /* not to be touched at the thread's end */
	size_t object;
	struct record_reader *reader;
	int *source; /* per wanted column: index into the batch, -1: the object lacks it */
};

/* Keeps the first errors in the order of the objects, whichever thread met them first. */
static void keep_error(struct query_session *session, size_t object, const struct err *err)
{
	unsigned place = session->errors_count;

	while (place > 0 && session->errors[place - 1].object > object)
		place--;
	if (place >= QUERY_STATS_ERRORS)
		return;
	if (session->errors_count < QUERY_STATS_ERRORS)
		session->errors_count++;
	for (unsigned i = session->errors_count - 1; i > place; i--)
		session->errors[i] = session->errors[i - 1];
	session->errors[place] = (struct query_kept_error){object, *err};
}

/* A statement may read an object more than once, and not to its end: the longest look counts. */
static void close_object(struct scan_thread *thread)
{
	struct query_session *session = thread->session;

	if (!thread->reader)
		return;
	const struct record_reader_stats *stats = record_reader_stats(thread->reader);
	pthread_mutex_lock(&session->lock);
	struct query_text_stats *kept = &session->text_stats[thread->object];
	if (stats->bad_lines > kept->bad_lines) {
		unsigned left = 0;
		for (unsigned i = 0; i < session->errors_count; i++) {
			if (session->errors[i].object != thread->object)
				session->errors[left++] = session->errors[i];
		}
		session->errors_count = left;
		for (unsigned i = 0; i < stats->errors; i++)
			keep_error(session, thread->object, &stats->error[i]);
		kept->bad_lines = stats->bad_lines;
	}
	if (stats->lines > kept->lines)
		kept->lines = stats->lines;
	kept->read = true;
	pthread_mutex_unlock(&session->lock);
	record_reader_close(take(thread->reader));
}

static void fail(struct scan_thread *thread, duckdb_function_info info, const struct err *err)
{
	struct query_session *session = thread->session;

	pthread_mutex_lock(&session->lock);
	if (session->failure.code == ERR_NONE)
		session->failure = *err;
	pthread_mutex_unlock(&session->lock);
	duckdb_function_set_error(info, err->message);
}

/* 1: the reader stands at the start of the next object, 0: there is none left. */
static int open_next_object(struct scan_thread *thread, struct err *err)
{
	struct scan *scan = thread->scan;
	struct query_session *session = scan->session;
	_cleanup_(input_closep) struct input *input = NULL;
	size_t next = scan->next++;
	size_t count, wanted_count = 0;

	if (next >= session->texts_count)
		return 0;
	thread->object = session->texts[next];
	if (query_object_open(&session->objects.object[thread->object], &input, err) < 0 ||
		record_reader_open_as(&thread->reader, take(input), session->headerless,
			session->strict, err) < 0)
		return -1;
	const struct record_reader_column *columns = record_reader_columns(thread->reader, &count);
	size_t *wanted = mem_new(scan->columns_count + 1, sizeof(*wanted));
	for (size_t i = 0; i < scan->columns_count; i++) {
		thread->source[i] = -1;
		for (size_t j = 0; j < count && scan->columns[i] != SIZE_MAX; j++) {
			const struct query_column *column = &session->columns[scan->columns[i]];
			bool same = columns[j].field >= 0
					    ? columns[j].field == column->field
					    : query_columns_find(session, columns[j].name) ==
						      (int)scan->columns[i];
			if (!same)
				continue;
			thread->source[i] = (int)wanted_count;
			wanted[wanted_count++] = j;
			break;
		}
	}
	record_reader_want(thread->reader, wanted, wanted_count);
	free(wanted);
	return 1;
}

/* The reader lets only UTF-8 through, which is what DuckDB's strings must be. */
static void set_texts(duckdb_vector vector, const struct record_batch_column *column, size_t rows)
{
	duckdb_string_t *texts = duckdb_vector_get_data(vector);

	for (size_t i = 0; i < rows; i++) {
		struct str text = column->texts[i];
		if (!column->valid[i])
			continue;
		if (text.n <= sizeof(texts->value.inlined.inlined)) {
			/* short strings live in the vector itself */
			texts[i] = (duckdb_string_t){.value.inlined.length = (uint32_t)text.n};
			memcpy(texts[i].value.inlined.inlined, text.p, text.n);
		} else {
			duckdb_vector_assign_string_element_len(vector, i, text.p, text.n);
		}
	}
}

static void set_numbers(duckdb_vector vector, const struct record_batch_column *column, size_t rows,
	bool is_integer)
{
	void *data = duckdb_vector_get_data(vector);

	if (!is_integer) {
		memcpy(data, column->numbers, rows * sizeof(int64_t));
		return;
	}
	for (size_t i = 0; i < rows; i++)
		((int32_t *)data)[i] = (int32_t)column->numbers[i];
}

static void set_validity(duckdb_vector vector, const bool *valid, size_t rows)
{
	size_t nulls = 0;

	for (size_t i = 0; i < rows; i++)
		nulls += !valid[i];
	if (!nulls)
		return;
	duckdb_vector_ensure_validity_writable(vector);
	uint64_t *validity = duckdb_vector_get_validity(vector);
	for (size_t i = 0; i < rows; i++) {
		if (!valid[i])
			validity[i / 64] &= ~(UINT64_C(1) << i % 64);
	}
}

static void fill(
	struct scan_thread *thread, const struct record_batch *batch, duckdb_data_chunk chunk)
{
	static const bool none[RECORD_READER_BATCH];
	const struct scan *scan = thread->scan;

	for (size_t i = 0; i < scan->columns_count; i++) {
		duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
		if (thread->source[i] < 0) {
			set_validity(vector, none, batch->rows);
			continue;
		}
		const struct query_column *column = &scan->session->columns[scan->columns[i]];
		const struct record_batch_column *source = &batch->column[thread->source[i]];
		bool is_integer = strcmp(column->sql_type, "INTEGER") == 0;
		if (source->type == RECORD_TYPE_STRING)
			set_texts(vector, source, batch->rows);
		else
			set_numbers(vector, source, batch->rows, is_integer);
		set_validity(vector, source->valid, batch->rows);
	}
}

static void scan_rows(duckdb_function_info info, duckdb_data_chunk chunk)
{
	struct scan_thread *thread = duckdb_function_get_local_init_data(info);
	const struct record_batch *batch = NULL;
	struct err err = ERR_INIT;

	if (!thread->scan) {
		thread->scan = duckdb_function_get_init_data(info);
		thread->source = mem_new(thread->scan->columns_count + 1, sizeof(int));
	}
	for (;;) {
		if (thread->session->interrupted) {
			err_set(&err, ERR_SYSTEM, "interrupted");
			fail(thread, info, &err);
			return;
		}
		int opened = thread->reader ? 1 : open_next_object(thread, &err);
		if (opened < 0 ||
			(opened > 0 && record_reader_read(thread->reader, &batch, &err) < 0)) {
			fail(thread, info, &err);
			return;
		}
		if (opened == 0)
			break;
		if (batch->rows) {
			fill(thread, batch, chunk);
			duckdb_data_chunk_set_size(chunk, batch->rows);
			return;
		}
		close_object(thread);
	}
	duckdb_data_chunk_set_size(chunk, 0);
}

static void scan_free(void *data)
{
	struct scan *scan = data;

	free(scan->columns);
	free(scan);
}

static void scan_thread_free(void *data)
{
	struct scan_thread *thread = data;

	close_object(thread);
	free(thread->source);
	free(thread);
}

static void bind(duckdb_bind_info info)
{
	struct query_session *session = duckdb_bind_get_extra_info(info);
	uint64_t rows = 0;

	for (size_t i = 0; i < session->columns_count; i++) {
		const struct query_column *column = &session->columns[i];
		duckdb_type id = strcmp(column->sql_type, "INTEGER") == 0  ? DUCKDB_TYPE_INTEGER
				 : strcmp(column->sql_type, "BIGINT") == 0 ? DUCKDB_TYPE_BIGINT
									   : DUCKDB_TYPE_VARCHAR;
		duckdb_logical_type type = duckdb_create_logical_type(id);
		duckdb_bind_add_result_column(info, column->name, type);
		duckdb_destroy_logical_type(&type);
	}
	for (size_t i = 0; i < session->texts_count; i++) {
		const struct query_object *object = &session->objects.object[session->texts[i]];
		bool gzip = str_ends_with(str_from(object->path), STR(".gz"));
		rows += object->size_bytes / (gzip ? LINE_BYTES_GZIP : LINE_BYTES) + 1;
	}
	duckdb_bind_set_cardinality(info, rows, false);
}

static void init(duckdb_init_info info)
{
	struct query_session *session = duckdb_init_get_extra_info(info);
	struct scan *scan = mem_new(1, sizeof(*scan));

	scan->session = session;
	scan->columns_count = duckdb_init_get_column_count(info);
	scan->columns = mem_new(scan->columns_count + 1, sizeof(*scan->columns));
	for (size_t i = 0; i < scan->columns_count; i++) {
		/* COUNT(*) asks for a column that is none */
		idx_t column = duckdb_init_get_column_index(info, i);
		scan->columns[i] = column < session->columns_count ? column : SIZE_MAX;
	}
	duckdb_init_set_max_threads(info, session->texts_count ? session->texts_count : 1);
	duckdb_init_set_init_data(info, scan, scan_free);
}

static void init_thread(duckdb_init_info info)
{
	struct scan_thread *thread = mem_new(1, sizeof(*thread));

	thread->session = duckdb_init_get_extra_info(info);
	duckdb_init_set_init_data(info, thread, scan_thread_free);
}

int query_scan_register(struct query_session *session, struct err *err)
{
	duckdb_table_function function = duckdb_create_table_function();

	duckdb_table_function_set_name(function, SESSION_TEXT_FUNCTION);
	duckdb_table_function_set_extra_info(function, session, NULL);
	duckdb_table_function_set_bind(function, bind);
	duckdb_table_function_set_init(function, init);
	duckdb_table_function_set_local_init(function, init_thread);
	duckdb_table_function_set_function(function, scan_rows);
	duckdb_table_function_supports_projection_pushdown(function, true);
	duckdb_state state = duckdb_register_table_function(session->connection, function);
	duckdb_destroy_table_function(&function);
	if (state != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "DuckDB refuses the scan of text objects");
	return 0;
}
