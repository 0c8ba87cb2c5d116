/* Queries on their way. A few runners take them off a line and have DuckDB execute them, one
 * database for all: its memory and threads are what all queries together may use. It reads nothing
 * but the table function; the SQL is ours, and files and network are shut for good. Results are
 * kept as the answer has them. */
#include "api/logs/queries_priv.h"

#include "aws/digest.h"
#include "base/clock.h"
#include "query/functions.h"

#include <string.h>

enum { RUNNERS = 4 };
#define MEMORY_LIMIT "1GB"

/* ---- life ---- */

void logs_query_unref(struct log_query *query)
{
	if (!query || --query->refs > 0)
		return;
	for (size_t i = 0; i < query->group_count; i++)
		free(query->groups[i]);
	free(query->groups);
	free(query->text);
	free(query->user);
	free(query->failure);
	free(query->row_ends);
	buf_done(&query->rows);
	query_insights_done(&query->insights);
	logs_fields_done(&query->fields);
	free(query);
}

/* Lock held. Of those that are over the oldest go. */
static void forget_old(struct logs_queries *queries)
{
	size_t kept = 0, bytes = 0;

	for (struct log_query **place = &queries->first; *place;) {
		struct log_query *query = *place;
		bool is_over = query->status > LOGS_QUERY_RUNNING;
		kept += is_over;
		bytes += is_over ? query->rows.n : 0;
		if (is_over && kept > 1 &&
			(kept > LOGS_QUERIES_KEPT || bytes > LOGS_QUERY_RESULT_BYTES)) {
			*place = query->next;
			logs_query_unref(query);
		} else {
			place = &query->next;
		}
	}
}

static size_t count_running(const struct logs_queries *queries)
{
	size_t count = 0;

	for (const struct log_query *query = queries->first; query; query = query->next)
		count += query->status <= LOGS_QUERY_RUNNING;
	return count;
}

int logs_queries_add(struct logs_queries *queries, struct log_query *query, struct aws_error *error)
{
	pthread_mutex_lock(&queries->lock);
	forget_old(queries);
	bool is_full = count_running(queries) >= LOGS_QUERIES_MAX;
	if (!is_full) {
		query->refs += 2;
		query->next = queries->first;
		queries->first = query;
		*queries->waiting_tail = query;
		queries->waiting_tail = &query->next_waiting;
		pthread_cond_signal(&queries->changed);
	}
	pthread_mutex_unlock(&queries->lock);
	if (is_full)
		return aws_error_set(error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION,
			"Account maximum query concurrency limit of [%d] reached.",
			LOGS_QUERIES_MAX);
	return 0;
}

struct log_query *logs_queries_find(struct logs_queries *queries, struct str id)
{
	struct log_query *query;

	pthread_mutex_lock(&queries->lock);
	for (query = queries->first; query && !str_equal(id, str_from(query->id));)
		query = query->next;
	if (query)
		query->refs++;
	pthread_mutex_unlock(&queries->lock);
	return query;
}

struct log_query *logs_queries_find_number(struct logs_queries *queries, int64_t number)
{
	struct log_query *query;

	pthread_mutex_lock(&queries->lock);
	for (query = queries->first; query && query->number != number;)
		query = query->next;
	if (query)
		query->refs++;
	pthread_mutex_unlock(&queries->lock);
	return query;
}

bool logs_query_stop(struct logs_queries *queries, struct log_query *query)
{
	pthread_mutex_lock(&queries->lock);
	bool is_running = query->status <= LOGS_QUERY_RUNNING;
	if (is_running) {
		query->is_stopped = true;
		if (query->is_connected)
			duckdb_interrupt(query->connection);
	}
	pthread_mutex_unlock(&queries->lock);
	return is_running;
}

void logs_query_wait(struct logs_queries *queries, const struct log_query *query)
{
	int64_t until_ms = query->created_ms + LOGS_QUERY_WAIT_MS;
	const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};

	pthread_mutex_lock(&queries->lock);
	while (query->status <= LOGS_QUERY_RUNNING && !queries->is_stopping &&
		pthread_cond_timedwait(&queries->is_over, &queries->lock, &until) == 0)
		;
	pthread_mutex_unlock(&queries->lock);
}

/* ---- results ---- */

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

static void add_row(struct log_query *query, duckdb_result *result, idx_t row)
{
	struct buf *rows = &query->rows;
	bool is_first = true;
	char time[40];

	buf_add_char(rows, '[');
	for (size_t i = 0; i < query->insights.columns_count; i++) {
		char *value = duckdb_value_varchar(result, i, row);
		if (!value)
			continue;
		if (query->insights.columns[i].type == QUERY_INSIGHTS_TIME)
			*query_insights_write_time(time, strtoll(value, NULL, 10)) = '\0';
		else if (query->insights.columns[i].type == QUERY_INSIGHTS_NUMBER)
			cut_zero(value);
		else if (query->insights.columns[i].type == QUERY_INSIGHTS_BOOLEAN)
			memcpy(value, *value == 't' ? "1" : "0", 2);
		buf_add_text(rows, is_first ? "{\"field\":" : ",{\"field\":");
		add_text(rows, query->insights.columns[i].name);
		buf_add_text(rows, ",\"value\":");
		add_text(rows,
			query->insights.columns[i].type == QUERY_INSIGHTS_TIME ? time : value);
		buf_add_char(rows, '}');
		duckdb_free(value);
		is_first = false;
	}
	buf_add_char(rows, ']');
}

static int keep_rows(struct log_query *query, duckdb_result *result, struct err *err)
{
	idx_t count = duckdb_row_count(result);

	query->row_ends = mem_new(count + 1, sizeof(*query->row_ends));
	for (idx_t row = 0; row < count; row++) {
		add_row(query, result, row);
		query->row_ends[row] = query->rows.n;
		if (query->rows.n > LOGS_QUERY_RESULT_BYTES)
			return err_set(err, ERR_SYSTEM, "the result has more than %d bytes",
				LOGS_QUERY_RESULT_BYTES);
	}
	query->row_count = count;
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

static void set_matched(struct log_query *query)
{
	duckdb_profiling_info info = duckdb_get_profiling_info(query->connection);
	struct matched matched = {.is_found = false};

	if (info)
		matched = count_matched(info, 0);
	query->matched = matched.is_found ? matched.rows : query->records;
}

/* ---- one query ---- */

/* Lock held: DuckDB is loaded when the first query comes. */
static int open_database(struct logs_queries *queries, struct err *err)
{
	static const char *const settings[][2] = {{"memory_limit", MEMORY_LIMIT},
		{"enable_external_access", "false"}, {"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"}, {"temp_directory", ""}};
	duckdb_config config;
	char *why = NULL;

	if (queries->is_open)
		return 0;
	if (duckdb_library_load(err) < 0)
		return -1;
	if (duckdb_create_config(&config) != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "DuckDB has no memory");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		duckdb_set_config(config, settings[i][0], settings[i][1]);
	duckdb_state state = duckdb_open_ext(NULL, &queries->database, config, &why);
	duckdb_destroy_config(&config);
	if (state != DuckDBSuccess) {
		err_set(err, ERR_SYSTEM, "DuckDB does not start: %s", why ? why : "no memory");
		duckdb_free(why);
		return -1;
	}
	duckdb_connection connection;
	if (duckdb_connect(queries->database, &connection) != DuckDBSuccess) {
		duckdb_close(&queries->database);
		return err_set(err, ERR_SYSTEM, "DuckDB does not connect");
	}
	int result = query_functions_register(connection, err);
	if (result == 0)
		result = logs_query_scan_register(connection, queries, err);
	duckdb_disconnect(&connection);
	if (result < 0)
		duckdb_close(&queries->database);
	queries->is_open = result == 0;
	return result;
}

static int connect(struct logs_queries *queries, struct log_query *query, struct err *err)
{
	pthread_mutex_lock(&queries->lock);
	int result = open_database(queries, err);
	if (result == 0 && duckdb_connect(queries->database, &query->connection) != DuckDBSuccess)
		result = err_set(err, ERR_SYSTEM, "DuckDB does not connect");
	query->is_connected = result == 0;
	pthread_mutex_unlock(&queries->lock);
	return result;
}

static int execute(struct log_query *query, duckdb_result *result, struct err *err)
{
	static const char profiling[] = "PRAGMA enable_profiling = 'no_output'";
	duckdb_result none;

	if (duckdb_query(query->connection, profiling, &none) != DuckDBSuccess) {
		err_set(err, ERR_SYSTEM, "%s", duckdb_result_error(&none));
		duckdb_destroy_result(&none);
		*result = (duckdb_result){0};
		return -1;
	}
	duckdb_destroy_result(&none);
	if (duckdb_query(query->connection, buf_text(&query->insights.sql), result) ==
		DuckDBSuccess)
		return 0;
	return err_set(err, ERR_SYSTEM, "%s", duckdb_result_error(result));
}

static void run(struct logs_queries *queries, struct log_query *query)
{
	struct err err = ERR_INIT;
	duckdb_result result = {0};
	int outcome = -1;

	query->status = LOGS_QUERY_RUNNING;
	if (!query->is_stopped && connect(queries, query, &err) == 0) {
		outcome = execute(query, &result, &err);
		if (outcome == 0) {
			set_matched(query);
			outcome = keep_rows(query, &result, &err);
		}
		duckdb_destroy_result(&result);
	}
	pthread_mutex_lock(&queries->lock);
	if (query->is_connected)
		duckdb_disconnect(&query->connection);
	query->is_connected = false;
	query->ended_ms = clock_wall_ns() / 1000000;
	if (outcome < 0)
		query->failure = mem_strdup(err.message);
	query->status = outcome == 0        ? LOGS_QUERY_COMPLETE
			: query->is_late    ? LOGS_QUERY_TIMEOUT
			: query->is_stopped ? LOGS_QUERY_CANCELLED
					    : LOGS_QUERY_FAILED;
	pthread_cond_broadcast(&queries->is_over);
	pthread_mutex_unlock(&queries->lock);
}

static void *runner_main(void *context)
{
	struct logs_queries *queries = context;

	pthread_mutex_lock(&queries->lock);
	while (!queries->is_stopping) {
		struct log_query *query = queries->waiting;
		if (!query) {
			pthread_cond_wait(&queries->changed, &queries->lock);
			continue;
		}
		queries->waiting = query->next_waiting;
		if (!queries->waiting)
			queries->waiting_tail = &queries->waiting;
		pthread_mutex_unlock(&queries->lock);
		run(queries, query);
		logs_query_unref(query);
		pthread_mutex_lock(&queries->lock);
	}
	pthread_mutex_unlock(&queries->lock);
	return NULL;
}

/* ---- start and stop ---- */

int logs_queries_start(struct logs *logs, struct err *err)
{
	struct logs_queries *queries = mem_new(1, sizeof(*queries));

	logs->queries = queries;
	queries->logs = logs;
	queries->waiting_tail = &queries->waiting;
	pthread_mutex_init(&queries->lock, NULL);
	pthread_cond_init(&queries->changed, NULL);
	pthread_cond_init(&queries->is_over, NULL);
	queries->runners = mem_new(RUNNERS, sizeof(*queries->runners));
	for (; queries->runner_count < RUNNERS; queries->runner_count++) {
		int result = pthread_create(
			&queries->runners[queries->runner_count], NULL, runner_main, queries);
		if (result)
			return err_set_errno(err, result, "the threads of Logs Insights");
	}
	return 0;
}

void logs_queries_stop(struct logs *logs)
{
	struct logs_queries *queries = take(logs->queries);

	if (!queries)
		return;
	pthread_mutex_lock(&queries->lock);
	queries->is_stopping = true;
	for (struct log_query *query = queries->first; query; query = query->next) {
		query->is_stopped = true;
		if (query->is_connected)
			duckdb_interrupt(query->connection);
	}
	pthread_cond_broadcast(&queries->changed);
	pthread_cond_broadcast(&queries->is_over);
	pthread_mutex_unlock(&queries->lock);
	for (size_t i = 0; i < queries->runner_count; i++)
		pthread_join(queries->runners[i], NULL);
	free(queries->runners);
	for (struct log_query *query = queries->waiting, *next; query; query = next) {
		next = query->next_waiting;
		logs_query_unref(query);
	}
	for (struct log_query *query = queries->first, *next; query; query = next) {
		next = query->next;
		logs_query_unref(query);
	}
	if (queries->is_open)
		duckdb_close(&queries->database);
	pthread_cond_destroy(&queries->changed);
	pthread_cond_destroy(&queries->is_over);
	pthread_mutex_destroy(&queries->lock);
	free(queries);
}
