/* The text objects of a session as a DuckDB table function. Each of DuckDB's threads takes objects
 * off a shared counter; when none is left it joins a thread that still reads one, block by block
 * (record/scan.h). Columns are decoded into DuckDB's vectors; texts of more than twelve bytes stay
 * where they are in the thread's block, which it keeps until DuckDB asks it for more.
 * The session outlives every scan: results are freed before it closes. */
#include "query/session_priv.h"

#include "query/filter_priv.h"
#include "record/scan.h"

#include <stddef.h>
#include <stdio.h>

_Static_assert(RECORD_SCAN_ROWS_MAX <= 2048, "rows fit into a DuckDB vector");
_Static_assert(
	sizeof(struct record_string) == sizeof(duckdb_string_t) &&
		offsetof(struct record_string, head) ==
			offsetof(duckdb_string_t, value.inlined.inlined) &&
		offsetof(struct record_string, p) == offsetof(duckdb_string_t, value.pointer.ptr),
	"texts are DuckDB's");

/* Bytes of a line of the 14 default fields, measured: text 114, gzip 25. Only for DuckDB's guess at
 * the number of rows. */
#define LINE_BYTES      114
#define LINE_BYTES_GZIP 25

/* An object that is read, by one thread or several. */
struct scan_object {
	size_t object; /* of the session */
	struct record_scan *scan;
	struct record_filter *filter;
	unsigned users;
	bool spent;  /* no more blocks */
	int *source; /* per column of the scan: index into what is wanted of the object, -1: absent
		      */
	size_t wanted;
};

struct scan {
	struct query_session *session;
	atomic_uint users; /* DuckDB and its threads: which of them ends last is not known */
	size_t columns_count;
	size_t *columns; /* of the session, in the order that DuckDB wants; SIZE_MAX: none */
	struct query_filter *filter;
	duckdb_value *constants; /* per column: what the filter lets through, NULL: this and that */

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t opened;
	size_t next;    /* of session->texts */
	size_t opening; /* threads that may soon have something to share */
	struct scan_object **reading;
	size_t reading_count;
};

struct scan_thread {
	struct query_session *session;
	struct scan *scan;
	struct scan_object *object;
	struct record_scan_worker *worker;
	bool in_block;
	struct record_out *outs;
	uint64_t *validity; /* of all outs */
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
static void keep_stats(struct query_session *session, const struct scan_object *object)
{
	struct record_scan_stats stats;

	record_scan_stats(object->scan, &stats);
	pthread_mutex_lock(&session->lock);
	struct query_text_stats *kept = &session->text_stats[object->object];
	if (stats.reader.bad_lines > kept->bad_lines) {
		unsigned left = 0;
		for (unsigned i = 0; i < session->errors_count; i++) {
			if (session->errors[i].object != object->object)
				session->errors[left++] = session->errors[i];
		}
		session->errors_count = left;
		for (unsigned i = 0; i < stats.reader.errors; i++)
			keep_error(session, object->object, &stats.reader.error[i]);
		kept->bad_lines = stats.reader.bad_lines;
	}
	if (stats.reader.lines >= kept->lines) {
		kept->lines = stats.reader.lines;
		kept->bytes = stats.bytes;
		kept->packed = stats.packed;
		kept->rows = stats.rows;
		kept->unchecked = stats.unchecked;
	}
	kept->read = true;
	pthread_mutex_unlock(&session->lock);
}

static void object_free(struct scan_object *object)
{
	if (!object)
		return;
	record_scan_close(object->scan);
	query_filter_unmap(object->filter);
	free(object->source);
	free(object);
}
MEM_DEFINE_CLEANUP(struct scan_object, object_free)

/* The thread is done with its object; the last one closes it. */
static void leave_object(struct scan_thread *thread)
{
	struct scan_object *object = take(thread->object);
	struct scan *scan = thread->scan;

	if (!object)
		return;
	record_scan_release(thread->worker);
	thread->in_block = false;
	pthread_mutex_lock(&scan->lock);
	object->spent = true;
	bool last = --object->users == 0;
	for (size_t i = 0; last && i < scan->reading_count; i++) {
		if (scan->reading[i] == object)
			scan->reading[i] = scan->reading[--scan->reading_count];
	}
	pthread_mutex_unlock(&scan->lock);
	if (last) {
		keep_stats(thread->session, object);
		object_free(object);
	}
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

static enum record_form form_of(const struct query_column *column)
{
	if (strcmp(column->sql_type, "INTEGER") == 0)
		return RECORD_FORM_INT32;
	return strcmp(column->sql_type, "BIGINT") == 0 ? RECORD_FORM_INT64 : RECORD_FORM_TEXT;
}

/* What of the object the statement needs. */
static void choose_columns(const struct scan *scan, struct scan_object *object)
{
	const struct query_session *session = scan->session;
	size_t count;
	const struct record_reader_column *columns = record_scan_columns(object->scan, &count);
	_cleanup_free_ int *place = mem_new(session->columns_count + 1, sizeof(*place));
	_cleanup_free_ struct record_want *wants = mem_new(scan->columns_count + 1, sizeof(*wants));

	for (size_t i = 0; i < session->columns_count; i++)
		place[i] = -1;
	for (size_t j = count; j-- > 0;) {
		int column = query_columns_find(session, columns[j].name);
		if (column >= 0)
			place[column] = (int)j;
	}
	object->source = mem_new(scan->columns_count + 1, sizeof(*object->source));
	for (size_t i = 0; i < scan->columns_count; i++) {
		object->source[i] = -1;
		if (scan->columns[i] == SIZE_MAX || place[scan->columns[i]] < 0 ||
			scan->constants[i])
			continue;
		wants[object->wanted].column = (size_t)place[scan->columns[i]];
		wants[object->wanted].form = form_of(&session->columns[scan->columns[i]]);
		object->source[i] = (int)object->wanted++;
	}
	if (scan->filter)
		object->filter = query_filter_map(scan->filter, place);
	record_scan_want(object->scan, wants, object->wanted, object->filter);
}

static int open_object(
	struct scan *scan, size_t text, struct scan_object **ret_object, struct err *err)
{
	struct query_session *session = scan->session;
	_cleanup_(object_freep) struct scan_object *object = mem_new(1, sizeof(*object));
	struct input *input;

	object->object = session->texts[text];
	object->users = 1;
	if (query_object_open(&session->objects.object[object->object], &input, err) < 0 ||
		record_scan_open(&object->scan, input, session->headerless, session->strict, err) <
			0)
		return -1;
	choose_columns(scan, object);
	*ret_object = take(object);
	return 0;
}

/* The object with the fewest threads that still has blocks. */
static struct scan_object *join_object(struct scan *scan)
{
	struct scan_object *best = NULL;

	for (size_t i = 0; i < scan->reading_count; i++) {
		struct scan_object *object = scan->reading[i];
		if (!object->spent && (!best || object->users < best->users))
			best = object;
	}
	if (best)
		best->users++;
	return best;
}

/* 1: the thread has an object, 0: there is nothing left. */
static int find_object(struct scan_thread *thread, struct err *err)
{
	struct scan *scan = thread->scan;
	struct scan_object *object = NULL;
	int r = 0;

	pthread_mutex_lock(&scan->lock);
	if (scan->next < scan->session->texts_count) {
		size_t text = scan->next++;
		scan->opening++;
		pthread_mutex_unlock(&scan->lock);
		r = open_object(scan, text, &object, err);
		pthread_mutex_lock(&scan->lock);
		scan->opening--;
		if (r == 0)
			scan->reading[scan->reading_count++] = object;
		pthread_cond_broadcast(&scan->opened);
	} else {
		while (!(object = join_object(scan)) && scan->opening > 0)
			pthread_cond_wait(&scan->opened, &scan->lock);
	}
	pthread_mutex_unlock(&scan->lock);
	thread->object = object;
	return r < 0 ? -1 : object != NULL;
}

static void set_all_null(duckdb_vector vector, size_t rows)
{
	duckdb_vector_ensure_validity_writable(vector);
	memset(duckdb_vector_get_validity(vector), 0, (rows + 63) / 64 * sizeof(uint64_t));
}

static void aim_outs(struct scan_thread *thread, duckdb_data_chunk chunk)
{
	const struct scan *scan = thread->scan;

	for (size_t i = 0; i < scan->columns_count; i++) {
		int source = thread->object->source[i];
		if (source < 0)
			continue;
		thread->outs[source].data =
			duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, i));
		thread->outs[source].validity =
			thread->validity + (size_t)source * (RECORD_SCAN_ROWS_MAX / 64);
	}
}

static void set_nulls(struct scan_thread *thread, duckdb_data_chunk chunk, size_t rows)
{
	const struct scan *scan = thread->scan;

	for (size_t i = 0; i < scan->columns_count; i++) {
		int source = thread->object->source[i];
		duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
		if (scan->constants[i]) {
			duckdb_vector_reference_value(vector, scan->constants[i]);
		} else if (source < 0) {
			set_all_null(vector, rows);
		} else if (thread->outs[source].nulls) {
			duckdb_vector_ensure_validity_writable(vector);
			memcpy(duckdb_vector_get_validity(vector), thread->outs[source].validity,
				(rows + 63) / 64 * sizeof(uint64_t));
		}
	}
}

/* The next rows of the thread's object; none: it is spent. */
static int read_object(
	struct scan_thread *thread, duckdb_data_chunk chunk, size_t *ret_rows, struct err *err)
{
	*ret_rows = 0;
	for (;;) {
		if (thread->session->interrupted)
			return err_set(err, ERR_SYSTEM, "interrupted");
		if (!thread->in_block) {
			int r = record_scan_next(thread->object->scan, thread->worker, err);
			if (r <= 0)
				return r;
			thread->in_block = true;
		}
		if (record_scan_decode(
			    thread->worker, thread->outs, RECORD_SCAN_ROWS_MAX, ret_rows, err) < 0)
			return -1;
		if (*ret_rows)
			break;
		thread->in_block = false;
	}
	set_nulls(thread, chunk, *ret_rows);
	return 0;
}

static void start_thread(struct scan_thread *thread, struct scan *scan)
{
	thread->scan = scan;
	scan->users++;
	thread->worker = record_scan_worker_new();
	thread->outs = mem_new(scan->columns_count + 1, sizeof(*thread->outs));
	thread->validity =
		mem_new(scan->columns_count + 1, RECORD_SCAN_ROWS_MAX / 64 * sizeof(uint64_t));
}

static void scan_rows(duckdb_function_info info, duckdb_data_chunk chunk)
{
	struct scan_thread *thread = duckdb_function_get_local_init_data(info);
	struct err err = ERR_INIT;
	size_t rows = 0;

	if (!thread->scan)
		start_thread(thread, duckdb_function_get_init_data(info));
	while (rows == 0) {
		int r = thread->object ? 1 : find_object(thread, &err);
		if (r == 0)
			break;
		if (r > 0) {
			aim_outs(thread, chunk);
			r = read_object(thread, chunk, &rows, &err);
		}
		if (r < 0) {
			fail(thread, info, &err);
			return;
		}
		if (rows == 0)
			leave_object(thread);
	}
	duckdb_data_chunk_set_size(chunk, rows);
}

static void scan_free(void *data)
{
	struct scan *scan = data;

	if (--scan->users > 0)
		return;
	pthread_mutex_destroy(&scan->lock);
	pthread_cond_destroy(&scan->opened);
	for (size_t i = 0; i < scan->columns_count; i++)
		duckdb_destroy_value(&scan->constants[i]);
	free(scan->constants);
	query_filter_free(scan->filter);
	free(scan->reading);
	free(scan->columns);
	free(scan);
}

static void scan_thread_free(void *data)
{
	struct scan_thread *thread = data;

	if (thread->scan) {
		leave_object(thread);
		record_scan_worker_free(thread->worker);
		scan_free(thread->scan);
	}
	free(thread->outs);
	free(thread->validity);
	free(thread);
}

static void bind(duckdb_bind_info info)
{
	struct query_session *session = duckdb_bind_get_extra_info(info);
	uint64_t rows = 0;

	for (size_t i = 0; i < session->columns_count; i++) {
		const struct query_column *column = &session->columns[i];
		enum record_form form = form_of(column);
		duckdb_logical_type type = duckdb_create_logical_type(
			form == RECORD_FORM_INT32   ? DUCKDB_TYPE_INTEGER
			: form == RECORD_FORM_INT64 ? DUCKDB_TYPE_BIGINT
						    : DUCKDB_TYPE_VARCHAR);
		duckdb_bind_add_result_column(info, column->name, type);
		duckdb_destroy_logical_type(&type);
	}
	for (size_t i = 0; i < session->texts_count; i++) {
		const struct query_object *object = &session->objects.object[session->texts[i]];
		bool packed = str_ends_with(str_from(object->path), STR(".gz")) ||
			      str_ends_with(str_from(object->path), STR(".zst"));
		rows += object->size_bytes / (packed ? LINE_BYTES_GZIP : LINE_BYTES) + 1;
	}
	duckdb_bind_set_cardinality(info, rows, false);
}

/* A column that a condition makes the same in all rows needs no decoding, and DuckDB compares it
 * once for all of them. */
static void find_constants(struct scan *scan)
{
	scan->constants = mem_new(scan->columns_count + 1, sizeof(*scan->constants));
	for (size_t i = 0; scan->filter && i < scan->columns_count; i++) {
		const struct record_test *test =
			scan->columns[i] == SIZE_MAX
				? NULL
				: query_filter_constant(scan->filter, scan->columns[i]);
		if (!test)
			continue;
		enum record_form form = form_of(&scan->session->columns[scan->columns[i]]);
		if (form == RECORD_FORM_TEXT)
			scan->constants[i] =
				duckdb_create_varchar_length(test->texts[0].p, test->texts[0].n);
		else if (form == RECORD_FORM_INT64)
			scan->constants[i] = duckdb_create_int64(test->ranges[0].low);
		else if (test->ranges[0].low >= 0 && test->ranges[0].low <= INT32_MAX)
			scan->constants[i] = duckdb_create_int32((int32_t)test->ranges[0].low);
	}
}

static void init(duckdb_init_info info)
{
	struct query_session *session = duckdb_init_get_extra_info(info);
	struct scan *scan = mem_new(1, sizeof(*scan));

	scan->session = session;
	scan->users = 1;
	scan->filter = query_filter_share(session->filter);
	pthread_mutex_init(&scan->lock, NULL);
	pthread_cond_init(&scan->opened, NULL);
	scan->reading = mem_new(session->texts_count + 1, sizeof(struct scan_object *));
	scan->columns_count = duckdb_init_get_column_count(info);
	scan->columns = mem_new(scan->columns_count + 1, sizeof(*scan->columns));
	for (size_t i = 0; i < scan->columns_count; i++) {
		/* COUNT(*) asks for a column that is none */
		idx_t column = duckdb_init_get_column_index(info, i);
		scan->columns[i] = column < session->columns_count ? column : SIZE_MAX;
	}
	find_constants(scan);
	duckdb_init_set_max_threads(info, session->texts_count ? session->threads : 1);
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
