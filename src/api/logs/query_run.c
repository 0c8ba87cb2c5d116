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

static void free_groups(struct logs_groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		free(groups->names[i]);
	free(groups->names);
}

void logs_query_unref(struct log_query *query)
{
	if (!query || --query->refs > 0)
		return;
	for (size_t i = 0; i < query->tag_count; i++) {
		free(query->tags[i].log);
		free(query->tags[i].key);
		free(query->tags[i].value);
	}
	free(query->tags);
	free_groups(&query->groups);
	for (size_t i = 0; i < ARRAY_SIZE(query->parts); i++)
		free_groups(&query->parts[i]);
	free(query->text);
	free(query->user);
	free(query->failure);
	logs_rows_unref(query->rows);
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
		bytes += is_over && query->rows ? query->rows->text.n : 0;
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

/* Lock held. */
static void interrupt(const struct log_query *query)
{
	if (query->is_connected)
		duckdb_interrupt(query->connection);
	if (query->is_partial_connected)
		duckdb_interrupt(query->partial_connection);
}

bool logs_query_stop(struct logs_queries *queries, struct log_query *query)
{
	pthread_mutex_lock(&queries->lock);
	bool is_running = query->status <= LOGS_QUERY_RUNNING;
	if (is_running) {
		query->is_stopped = true;
		interrupt(query);
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

static int check_regex(
	duckdb_connection connection, const struct query_insights_regex *regex, struct err *err)
{
	_cleanup_free_ char *sql = mem_printf("SELECT regexp_matches('', %s)", regex->sql);
	duckdb_result result;
	int outcome = 0;

	if (duckdb_query(connection, sql, &result) != DuckDBSuccess) {
		/* "Invalid Input Error: missing ): ..." */
		const char *why = strstr(duckdb_result_error(&result), ": ");
		outcome = err_set(err, ERR_USAGE,
			"query: the regular expression is not supported%s", why ? why : "");
	}
	duckdb_destroy_result(&result);
	return outcome;
}

int logs_query_check(struct logs_queries *queries, struct query_insights *insights, struct err *err)
{
	duckdb_connection connection;
	struct err none = ERR_INIT;
	int result = 0;

	if (!insights->regexes_count)
		return 0;
	/* Without a database the query fails when it runs. */
	pthread_mutex_lock(&queries->lock);
	bool is_connected = open_database(queries, &none) == 0 &&
			    duckdb_connect(queries->database, &connection) == DuckDBSuccess;
	pthread_mutex_unlock(&queries->lock);
	for (size_t i = 0; is_connected && i < insights->regexes_count && result == 0; i++) {
		insights->error_start = insights->regexes[i].start;
		insights->error_end = insights->regexes[i].end;
		result = check_regex(connection, &insights->regexes[i], err);
	}
	if (is_connected)
		duckdb_disconnect(&connection);
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

/* What was found is the answer, unless there was a mistake: then what was found until then. */
static void finish(struct logs_queries *queries, struct log_query *query, int outcome,
	struct logs_rows *rows, const struct err *err)
{
	pthread_mutex_lock(&queries->lock);
	if (query->is_connected)
		duckdb_disconnect(&query->connection);
	query->is_connected = false;
	query->ended_ms = clock_wall_ns() / 1000000;
	if (outcome < 0)
		query->failure = mem_strdup(err->message);
	if (outcome == 0) {
		logs_rows_unref(query->rows);
		query->rows = rows;
	}
	query->status = outcome == 0        ? LOGS_QUERY_COMPLETE
			: query->is_late    ? LOGS_QUERY_TIMEOUT
			: query->is_stopped ? LOGS_QUERY_CANCELLED
					    : LOGS_QUERY_FAILED;
	pthread_cond_broadcast(&queries->is_over);
	pthread_mutex_unlock(&queries->lock);
}

static void run(struct logs_queries *queries, struct log_query *query)
{
	struct err err = ERR_INIT;
	struct logs_rows *rows = NULL;
	struct logs_partial partial;
	uint64_t matched = 0;
	int outcome = -1;

	query->status = LOGS_QUERY_RUNNING;
	if (!query->is_stopped && connect(queries, query, &err) == 0) {
		logs_partial_start(&partial, queries, query);
		outcome = logs_query_execute(query, query->connection,
			buf_text(&query->insights.sql), &rows, &matched, &err);
		logs_partial_stop(&partial);
	}
	if (outcome == 0)
		query->matched = matched == UINT64_MAX ? (uint64_t)query->records : matched;
	finish(queries, query, outcome, rows, &err);
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
	int result = pthread_create(&queries->watcher, NULL, logs_queries_watch, queries);
	if (result)
		return err_set_errno(err, result, "the threads of Logs Insights");
	queries->is_watched = true;
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
		interrupt(query);
	}
	pthread_cond_broadcast(&queries->changed);
	pthread_cond_broadcast(&queries->is_over);
	pthread_mutex_unlock(&queries->lock);
	for (size_t i = 0; i < queries->runner_count; i++)
		pthread_join(queries->runners[i], NULL);
	if (queries->is_watched)
		pthread_join(queries->watcher, NULL);
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
