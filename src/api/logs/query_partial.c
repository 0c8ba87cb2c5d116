/* What a query has found while it runs: the same query over the first events that the scan comes
 * upon, on a connection of its own, each time over eight times as many. Only of queries that take
 * longer than a moment, and with pauses, so that it costs them a fifth at most. The thread that
 * does it looks at the clock as well. */
#include "api/logs/queries_priv.h"

#include "base/clock.h"

#include <string.h>

enum {
	FIRST_MS = 400,
	EVENTS = 10000,
	FACTOR = 8,
	EVENTS_MAX = 640000,
	PAUSE_FACTOR = 4,
	MOST_MS = 30000,
	WATCH_MS = 1000
};

/* False: the query is over. */
static bool wait_for(struct logs_partial *partial, int64_t ms)
{
	struct logs_queries *queries = partial->queries;
	int64_t until_ns = clock_wall_ns() + ms * 1000000;
	const struct timespec until = {
		until_ns / CLOCK_NS_PER_SECOND, until_ns % CLOCK_NS_PER_SECOND};

	pthread_mutex_lock(&queries->lock);
	while (!partial->is_over && !partial->query->is_stopped &&
		pthread_cond_timedwait(&partial->changed, &queries->lock, &until) == 0)
		;
	bool goes_on = !partial->is_over && !partial->query->is_stopped;
	pthread_mutex_unlock(&queries->lock);
	return goes_on;
}

static bool connect(struct logs_partial *partial)
{
	struct log_query *query = partial->query;

	pthread_mutex_lock(&partial->queries->lock);
	query->is_partial_connected =
		!partial->is_over && duckdb_connect(partial->queries->database,
					     &query->partial_connection) == DuckDBSuccess;
	bool is_connected = query->is_partial_connected;
	query->partial_until_ms = clock_wall_ns() / 1000000 + MOST_MS;
	pthread_mutex_unlock(&partial->queries->lock);
	return is_connected;
}

/* Lock held. What is found later is more. */
static void publish(struct log_query *query, struct logs_rows **rows, uint64_t matched)
{
	logs_rows_unref(query->rows);
	query->rows = take(*rows);
	if (matched != UINT64_MAX && matched > query->matched)
		query->matched = matched;
}

/* The query's SQL with the scan bounded: its first table is the scan. */
static char *bounded_sql(const struct log_query *query, uint64_t events)
{
	char scan[64];
	struct buf sql = query->insights.sql;
	const char *text = buf_text(&sql);

	int n = snprintf(
		scan, sizeof(scan), LOGS_QUERY_FUNCTION "(%lld)", (long long)query->number);
	const char *place = strstr(text, scan);
	if (!place)
		return NULL;
	return mem_printf("%.*s" LOGS_QUERY_FUNCTION "(%lld, most := %llu)%s", (int)(place - text),
		text, (long long)query->number, (unsigned long long)events, place + n);
}

/* False: there will be no more. */
static bool find_some(struct logs_partial *partial, uint64_t events)
{
	_cleanup_free_ char *sql = bounded_sql(partial->query, events);
	_cleanup_(logs_rows_unrefp) struct logs_rows *rows = NULL;
	struct log_query *query = partial->query;
	struct err err = ERR_INIT;
	uint64_t matched;

	if (!sql || !connect(partial))
		return false;
	int result =
		logs_query_execute(query, query->partial_connection, sql, &rows, &matched, &err);
	pthread_mutex_lock(&partial->queries->lock);
	duckdb_disconnect(&query->partial_connection);
	query->is_partial_connected = false;
	if (result == 0 && !partial->is_over)
		publish(query, &rows, matched);
	pthread_mutex_unlock(&partial->queries->lock);
	return result == 0;
}

static void *partial_main(void *context)
{
	struct logs_partial *partial = context;
	const struct query_insights *insights = &partial->query->insights;
	/* Where a query in the query is cut short, rows could be found that are none. */
	bool is_cuttable = !insights->parts_count && !insights->reads_before;
	uint64_t events = EVENTS;
	int64_t pause_ms = FIRST_MS;

	while (is_cuttable && events <= EVENTS_MAX && wait_for(partial, pause_ms)) {
		int64_t began_ns = clock_mono_ns();
		if (!find_some(partial, events))
			break;
		pause_ms = PAUSE_FACTOR * (clock_mono_ns() - began_ns) / 1000000;
		events *= FACTOR;
	}
	return NULL;
}

void logs_partial_start(
	struct logs_partial *partial, struct logs_queries *queries, struct log_query *query)
{
	*partial = (struct logs_partial){.queries = queries, .query = query};
	pthread_cond_init(&partial->changed, NULL);
	/* Without a thread there is nothing before the end. */
	partial->is_running = pthread_create(&partial->thread, NULL, partial_main, partial) == 0;
}

void logs_partial_stop(struct logs_partial *partial)
{
	pthread_mutex_lock(&partial->queries->lock);
	partial->is_over = true;
	partial->query->is_answered = true;
	if (partial->query->is_partial_connected)
		duckdb_interrupt(partial->query->partial_connection);
	pthread_cond_signal(&partial->changed);
	pthread_mutex_unlock(&partial->queries->lock);
	if (partial->is_running)
		pthread_join(partial->thread, NULL);
	pthread_cond_destroy(&partial->changed);
}

/* Lock held. Where the scan is over long since, the query does not look at the clock itself. */
static void interrupt_late(struct log_query *query, int64_t now_ms)
{
	if (query->is_connected && now_ms > query->deadline_ms) {
		query->is_late = true;
		duckdb_interrupt(query->connection);
	}
	if (query->is_partial_connected && now_ms > query->partial_until_ms)
		duckdb_interrupt(query->partial_connection);
}

void *logs_queries_watch(void *context)
{
	struct logs_queries *queries = context;

	pthread_mutex_lock(&queries->lock);
	while (!queries->is_stopping) {
		int64_t now_ns = clock_wall_ns(), until_ns = now_ns + WATCH_MS * INT64_C(1000000);
		const struct timespec until = {
			until_ns / CLOCK_NS_PER_SECOND, until_ns % CLOCK_NS_PER_SECOND};
		for (struct log_query *query = queries->first; query; query = query->next)
			interrupt_late(query, now_ns / 1000000);
		pthread_cond_timedwait(&queries->is_over, &queries->lock, &until);
	}
	pthread_mutex_unlock(&queries->lock);
	return NULL;
}
