/* The events of a query's log groups as a table function of DuckDB: log_events(NUMBER).
 *
 * Each of DuckDB's threads takes a block of the store and reads rows off it until it has no more.
 * So nothing is copied, messages and words longer than twelve bytes stay where the store has them,
 * and there are never more blocks in memory than DuckDB has threads. Only columns that the query
 * uses are made; a line is taken apart once, by the places of its blanks. */
#include "api/logs/query_scan_priv.h"

#include "base/clock.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { WORDS_MAX = RECORD_FIELDS, PIECE = 64, THREADS_MAX = 64 };

/* ---- blocks ---- */

/* Lock held. The next group's events; false: there are no more, or they cannot be had. */
static bool open_next(struct scan *scan)
{
	const struct log_query *query = scan->query;

	while (scan->opened < scan->groups->count && !scan->is_failed) {
		const struct store_log_read read = {
			.group = str_from(scan->groups->names[scan->opened]),
			.start_ms = query->start_ms - scan->shift_ms,
			.end_ms = query->end_ms - scan->shift_ms,
			.takes_columns = scan_takes_columns,
			.takes_context = scan};
		struct err err = ERR_INIT;
		struct aws_error error = {0};
		if (store_log_scan_open(&scan->scans[scan->opened++], query->logs->events, &read,
			    &error, &err) == 0)
			return true;
		/* A group that was deleted meanwhile has no events. */
		if (err.code != ERR_NONE) {
			scan->err = err;
			scan->is_failed = true;
		}
	}
	return false;
}

/* False: there are no more. */
static bool next_block(struct scan_thread *thread)
{
	struct scan *scan = thread->scan;

	thread->row = 0;
	thread->is_new = true;
	thread->has_block = false;
	if (scan->most && scan->seen >= scan->most)
		return false;
	for (;;) {
		struct store_log_scan *blocks = thread->blocks;
		thread->has_block = blocks && store_log_scan_next(blocks, &thread->held);
		if (thread->has_block)
			return true;
		pthread_mutex_lock(&scan->lock);
		/* Another thread may have gone on to the next group. */
		bool is_more = thread->opened < scan->opened || open_next(scan);
		if (is_more) {
			thread->opened = scan->opened;
			thread->blocks = scan->scans[scan->opened - 1];
		}
		pthread_mutex_unlock(&scan->lock);
		if (!is_more)
			return false;
	}
}

/* ---- rows ---- */

/* Where the blanks are in 64 bytes. */
static uint64_t blanks_in(const char *p)
{
	uint64_t blanks = 0;

#ifdef __SSE2__
	const __m128i blank = _mm_set1_epi8(' ');
	for (int i = 0; i < PIECE / 16; i++) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(p + 16 * i));
		unsigned bits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, blank));
		blanks |= (uint64_t)bits << (16 * i);
	}
#else
	for (int i = 0; i < PIECE; i++)
		blanks |= (uint64_t)(p[i] == ' ') << i;
#endif
	return blanks;
}

/* The end of each word; 0: more than WORDS_MAX. end: of what may be read. */
static size_t split(struct str line, const char *end, uint32_t ends[static WORDS_MAX])
{
	size_t count = 0;
	char last[PIECE];

	for (size_t i = 0; i < line.n; i += PIECE) {
		const char *p = line.p + i;
		size_t left = line.n - i;
		if (end - p < PIECE) {
			memset(last, 0, sizeof(last));
			memcpy(last, p, left);
			p = last;
		}
		uint64_t blanks = blanks_in(p);
		if (left < PIECE)
			blanks &= (UINT64_C(1) << left) - 1;
		for (; blanks; blanks &= blanks - 1) {
			if (count == WORDS_MAX - 1)
				return 0;
			ends[count++] = (uint32_t)(i + (size_t)__builtin_ctzll(blanks));
		}
	}
	ends[count++] = (uint32_t)line.n;
	return count;
}

bool scan_parse_number(const char *p, size_t n, int64_t *ret_number)
{
	uint64_t number = 0;

	if (n == 0 || n > 18)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned char)p[i] - (unsigned)'0';
		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = (int64_t)number;
	return true;
}

bool scan_is_string(const struct scan *scan, size_t column)
{
	enum record_field field =
		scan->query->fields.records[scan->columns[column] - LOGS_COLUMNS_SYSTEM];

	return record_fields[field].parquet == RECORD_TYPE_STRING;
}

static void set_word(struct scan_thread *thread, size_t column, size_t at, const char *p, size_t n)
{
	bool is_there = n != 0 && !(n == 1 && *p == '-');

	if (is_there && scan_is_string(thread->scan, column))
		scan_set_string((duckdb_string_t *)thread->data[column] + at, p, n);
	else if (!is_there || !scan_parse_number(p, n, (int64_t *)thread->data[column] + at))
		scan_set_null(thread, column, at);
}

int scan_find_format(const struct scan *scan, size_t words, bool begins_with_digit)
{
	const struct logs_fields *fields = &scan->query->fields;

	for (size_t i = 0; i < fields->format_count; i++)
		if (fields->formats[i].count == words &&
			(fields->formats[i].fields[0] != RECORD_VERSION || begins_with_digit))
			return (int)i;
	return -1;
}

static void set_words(struct scan_thread *thread, size_t at, struct str line, const char *end)
{
	const struct scan *scan = thread->scan;
	uint32_t ends[WORDS_MAX];
	size_t count = line.n ? split(line, end, ends) : 0;
	int format =
		count ? scan_find_format(scan, count, line.p[0] >= '0' && line.p[0] <= '9') : -1;
	const struct scan_format *wanted = format < 0 ? NULL : &scan->formats[format];

	/* Where all that is wanted is in the line nothing is missing at first. */
	if (!wanted || wanted->count < scan->word_columns)
		for (size_t i = 0; i < scan->column_count; i++)
			if (scan->columns[i] >= LOGS_COLUMNS_SYSTEM)
				scan_set_null(thread, i, at);
	for (size_t i = 0; wanted && i < wanted->count; i++) {
		size_t word = wanted->words[i], column = wanted->columns[i];
		uint32_t start = word ? ends[word - 1] + 1 : 0;
		thread->validity[column][at / 64] |= UINT64_C(1) << (at % 64);
		set_word(thread, column, at, line.p + start, ends[word] - start);
	}
}

static struct str message_of(const struct store_log_block *block, size_t row)
{
	uint32_t start = row ? block->ends[row - 1] + 1 : 0;

	return (struct str){block->messages + start, block->ends[row] - start};
}

static void set_pointer(
	duckdb_vector vector, const struct store_log_block *block, size_t row, size_t at)
{
	const struct store_log_found event = {.time_ms = block->time_ms + block->times[row],
		.sequence = block->sequence + (block->sequences ? block->sequences[row] : row),
		.stream_id = block->stream_id,
		.group_id = block->group_id};
	char text[STORE_LOG_ID_DIGITS + 1];

	store_log_id_write(&event, text);
	duckdb_vector_assign_string_element_len(vector, at, text, STORE_LOG_ID_DIGITS);
}

static void set_system(struct scan_thread *thread, duckdb_vector vector, size_t column,
	const uint32_t *rows, size_t count)
{
	const struct store_log_block *block = &thread->held.block;
	const char *log = thread->scan->logs[thread->opened - 1];
	void *data = thread->data[column];

	for (size_t i = 0; i < count; i++) {
		size_t row = rows[i];
		struct str message = message_of(block, row);
		switch (thread->scan->columns[column]) {
		case 0:
			((int64_t *)data)[i] = block->time_ms + block->times[row];
			break;
		case 1:
			((int64_t *)data)[i] =
				block->ingested_ms + (block->ingested ? block->ingested[row] : 0);
			break;
		case 2:
			scan_set_string((duckdb_string_t *)data + i, message.p, message.n);
			break;
		case 3:
			scan_set_string(
				(duckdb_string_t *)data + i, block->stream.p, block->stream.n);
			break;
		case 4:
			scan_set_string((duckdb_string_t *)data + i, log, strlen(log));
			break;
		default:
			set_pointer(vector, block, row, i);
		}
	}
}

void scan_count_events(struct scan *scan, size_t count, size_t bytes)
{
	scan->seen += count;
	if (scan->most)
		return;
	scan->query->records += count;
	scan->query->bytes += bytes;
}

/* The next wanted rows of the block. */
static size_t choose_rows(struct scan_thread *thread, uint32_t *rows, size_t max)
{
	const struct store_log_held *held = &thread->held;
	size_t count = 0, bytes = 0;

	while (count < max && thread->row < held->block.count) {
		uint64_t bits = held->mask[thread->row / 64] >> (thread->row % 64);
		if (!bits) {
			thread->row = (thread->row / 64 + 1) * 64;
			continue;
		}
		thread->row += (size_t)__builtin_ctzll(bits);
		rows[count++] = (uint32_t)thread->row;
		bytes += message_of(&held->block, thread->row).n;
		thread->row++;
	}
	scan_count_events(thread->scan, count, bytes);
	return count;
}

static void fill(
	struct scan_thread *thread, duckdb_data_chunk chunk, const uint32_t *rows, size_t count)
{
	const struct scan *scan = thread->scan;
	const struct store_log_block *block = &thread->held.block;
	const char *end = block->messages + block->message_bytes;

	for (size_t i = 0; i < scan->column_count; i++) {
		duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
		thread->data[i] = duckdb_vector_get_data(vector);
		if (scan->columns[i] < LOGS_COLUMNS_SYSTEM) {
			set_system(thread, vector, i, rows, count);
			continue;
		}
		if (scan->columns[i] == (idx_t)-1)
			continue;
		duckdb_vector_ensure_validity_writable(vector);
		thread->validity[i] = duckdb_vector_get_validity(vector);
	}
	for (size_t i = 0; scan->needs_words && i < count; i++)
		set_words(thread, i, message_of(block, rows[i]), end);
}

static bool is_refused(struct scan *scan, duckdb_function_info info)
{
	struct log_query *query = scan->query;

	pthread_mutex_lock(&scan->lock);
	if (scan->is_failed)
		duckdb_function_set_error(info, scan->err.message);
	bool is_failed = scan->is_failed;
	pthread_mutex_unlock(&scan->lock);
	if (!is_failed && clock_wall_ns() / 1000000 > query->deadline_ms) {
		query->is_late = true;
		duckdb_function_set_error(info, "the query took too long");
	} else if (!is_failed && (query->is_stopped || (scan->most && query->is_answered))) {
		duckdb_function_set_error(info, "the query was stopped");
		return true;
	}
	return is_failed || query->is_late;
}

static void scan_rows(duckdb_function_info info, duckdb_data_chunk chunk)
{
	struct scan_thread *thread = duckdb_function_get_local_init_data(info);
	idx_t max = duckdb_vector_size();
	uint32_t rows[SCAN_ROWS];
	size_t count = 0;

	if (!thread->scan) {
		thread->scan = duckdb_function_get_init_data(info);
		thread->scan->users++;
		thread->data = mem_new(thread->scan->column_count + 1, sizeof(void *));
		thread->validity = mem_new(thread->scan->column_count + 1, sizeof(uint64_t *));
	}
	max = max < ARRAY_SIZE(rows) ? max : ARRAY_SIZE(rows);
	while (count == 0) {
		if (is_refused(thread->scan, info))
			return;
		if ((!thread->has_block || thread->row >= thread->held.block.count) &&
			!next_block(thread)) {
			/* There may be no more because they cannot be had. */
			is_refused(thread->scan, info);
			break;
		}
		if (thread->held.block.columns) {
			count = scan_fill_columns(thread, chunk, max);
			continue;
		}
		count = choose_rows(thread, rows, max);
		if (count)
			fill(thread, chunk, rows, count);
	}
	duckdb_data_chunk_set_size(chunk, count);
}

/* ---- begin and end ---- */

static void scan_unref(struct scan *scan)
{
	if (--scan->users > 0)
		return;
	for (size_t i = 0; i < scan->groups->count; i++) {
		store_log_scan_close(scan->scans[i]);
		free(scan->logs[i]);
	}
	free(scan->scans);
	free(scan->logs);
	free(scan->columns);
	pthread_mutex_destroy(&scan->lock);
	logs_query_unref(scan->query);
	free(scan);
}

static void scan_free(void *data)
{
	scan_unref(data);
}

static void thread_free(void *data)
{
	struct scan_thread *thread = data;

	if (thread->scan) {
		store_log_held_done(&thread->held);
		scan_words_done(thread);
		scan_unref(thread->scan);
	}
	free(thread->data);
	free(thread->validity);
	free(thread);
}

struct bound {
	struct log_query *query;
	uint64_t most, part, shift_ms;
};

static uint64_t named(duckdb_bind_info info, const char *name, uint64_t most)
{
	duckdb_value value = duckdb_bind_get_named_parameter(info, name);
	int64_t number = value ? duckdb_get_int64(value) : 0;

	if (value)
		duckdb_destroy_value(&value);
	return number < 0 || (uint64_t)number > most ? 0 : (uint64_t)number;
}

static void bound_free(void *data)
{
	struct bound *bound = data;

	logs_query_unref(bound->query);
	free(bound);
}

static void bind(duckdb_bind_info info)
{
	struct logs_queries *queries = duckdb_bind_get_extra_info(info);
	duckdb_value argument = duckdb_bind_get_parameter(info, 0);
	_cleanup_(logs_query_unrefp) struct log_query *query =
		logs_queries_find_number(queries, duckdb_get_int64(argument));
	static const char *const names[LOGS_COLUMNS_SYSTEM] = {
		"@timestamp", "@ingestionTime", "@message", "@logStream", "@log", "@ptr"};
	duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
	duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);

	duckdb_destroy_value(&argument);
	for (size_t i = 0; i < LOGS_COLUMNS_SYSTEM; i++)
		duckdb_bind_add_result_column(info, names[i], i < 2 ? number : text);
	for (size_t i = 0; query && i < query->fields.record_count; i++) {
		enum record_field field = query->fields.records[i];
		duckdb_bind_add_result_column(info, logs_field_name(field),
			record_fields[field].parquet == RECORD_TYPE_STRING ? text : number);
	}
	duckdb_destroy_logical_type(&number);
	duckdb_destroy_logical_type(&text);
	if (query) {
		struct bound *bound = mem_new(1, sizeof(*bound));
		bound->query = take(query);
		bound->most = named(info, "most", INT64_MAX);
		bound->shift_ms = named(info, "shift", INT64_MAX / 4);
		bound->part = named(info, "part", QUERY_INSIGHTS_PARTS_MAX);
		duckdb_bind_set_bind_data(info, bound, bound_free);
	} else {
		duckdb_bind_set_error(info, "no such query");
	}
}

/* Which word of each format goes into which of DuckDB's columns. */
static void choose_words(struct scan *scan)
{
	const struct logs_fields *fields = &scan->query->fields;

	memset(scan->words, -1, sizeof(scan->words));
	for (size_t i = 0; i < scan->column_count; i++) {
		if (scan->columns[i] < LOGS_COLUMNS_SYSTEM || scan->columns[i] == (idx_t)-1)
			continue;
		scan->needs_words = true;
		uint8_t field = fields->records[scan->columns[i] - LOGS_COLUMNS_SYSTEM];
		for (size_t j = 0; j < fields->format_count; j++)
			for (size_t k = 0; k < fields->formats[j].count; k++)
				if (fields->formats[j].fields[k] == field)
					scan->words[j][k] = (int)i;
		scan->word_columns++;
	}
	for (size_t j = 0; j < fields->format_count; j++)
		for (size_t k = 0; k < fields->formats[j].count; k++) {
			struct scan_format *format = &scan->formats[j];
			if (scan->words[j][k] < 0)
				continue;
			format->words[format->count] = (uint8_t)k;
			format->columns[format->count++] = (uint8_t)scan->words[j][k];
		}
}

static void init(duckdb_init_info info)
{
	const struct bound *bound = duckdb_init_get_bind_data(info);
	struct log_query *query = bound->query;
	struct scan *scan = mem_new(1, sizeof(*scan));
	size_t columns = LOGS_COLUMNS_SYSTEM + query->fields.record_count;

	query->refs++;
	scan->query = query;
	scan->groups = bound->part ? &query->parts[bound->part - 1] : &query->groups;
	scan->shift_ms = (int64_t)bound->shift_ms;
	scan->most = bound->most;
	scan->users = 1;
	scan->err = (struct err)ERR_INIT;
	pthread_mutex_init(&scan->lock, NULL);
	scan->column_count = duckdb_init_get_column_count(info);
	scan->columns = mem_new(scan->column_count + 1, sizeof(*scan->columns));
	for (size_t i = 0; i < scan->column_count; i++) {
		/* COUNT(*) asks for a column that is none. */
		idx_t column = duckdb_init_get_column_index(info, i);
		scan->columns[i] = column < columns ? column : (idx_t)-1;
		scan->needs_text |= column == 1 || column == 2 || column == 5;
	}
	choose_words(scan);
	scan->scans = mem_new(scan->groups->count + 1, sizeof(*scan->scans));
	scan->logs = mem_new(scan->groups->count + 1, sizeof(char *));
	for (size_t i = 0; i < scan->groups->count; i++)
		scan->logs[i] = mem_printf(
			"%.*s:%s", STR_ARG(query->logs->account), scan->groups->names[i]);
	duckdb_init_set_max_threads(info, THREADS_MAX);
	duckdb_init_set_init_data(info, scan, scan_free);
}

static void init_thread(duckdb_init_info info)
{
	struct scan_thread *thread = mem_new(1, sizeof(*thread));

	duckdb_init_set_init_data(info, thread, thread_free);
}

int logs_query_scan_register(
	duckdb_connection connection, struct logs_queries *queries, struct err *err)
{
	duckdb_table_function function = duckdb_create_table_function();
	duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);

	duckdb_table_function_set_name(function, LOGS_QUERY_FUNCTION);
	duckdb_table_function_add_parameter(function, number);
	duckdb_table_function_add_named_parameter(function, "most", number);
	duckdb_table_function_add_named_parameter(function, "part", number);
	duckdb_table_function_add_named_parameter(function, "shift", number);
	duckdb_table_function_set_extra_info(function, queries, NULL);
	duckdb_table_function_set_bind(function, bind);
	duckdb_table_function_set_init(function, init);
	duckdb_table_function_set_local_init(function, init_thread);
	duckdb_table_function_set_function(function, scan_rows);
	duckdb_table_function_supports_projection_pushdown(function, true);
	duckdb_state state = duckdb_register_table_function(connection, function);
	duckdb_destroy_logical_type(&number);
	duckdb_destroy_table_function(&function);
	if (state != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "DuckDB refuses the scan of log groups");
	return 0;
}
