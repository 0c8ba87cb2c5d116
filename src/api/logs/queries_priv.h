/* queries_priv: Logs Insights, between its files.
 *   queries.c          the operations
 *   query_run.c        queries on their way: runners, DuckDB
 *   query_rows.c       results as the answer has them
 *   query_partial.c    what is found while a query runs
 *   query_scan.c       the events of log groups as a table function of DuckDB
 *   query_fields.c     which fields events have; GetLogGroupFields
 *   query_definitions.c
 * A query is counted: the service's list has it, and who works on it. What changes is atomic or
 * under the lock of the queries. */
#pragma once

#include "api/logs/logs_priv.h"
#include "base/duckdb.h"
#include "query/insights.h"
#include "record/format.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOGS_QUERY_FUNCTION     "log_events"
#define LOGS_QUERIES_MAX        100 /* that run or wait */
#define LOGS_QUERIES_KEPT       200 /* of those that are over */
#define LOGS_QUERY_GROUPS_MAX   50
#define LOGS_QUERY_SOURCES_MAX  10000 /* log groups of SOURCE */
#define LOGS_QUERY_WAIT_MS      200
#define LOGS_QUERY_TIMEOUT_MS   INT64_C(3600000)
#define LOGS_QUERY_RESULT_BYTES (256 << 20) /* of all that are kept, and of one */

/* ---- fields ---- */

enum { LOGS_COLUMNS_SYSTEM = 6, LOGS_FORMATS_MAX = 8 };

/* What the events of a query's groups have: columns of the table function. */
struct logs_fields {
	/* Of flow log lines, by how many words they have; none: they are none. */
	struct record_format formats[LOGS_FORMATS_MAX];
	size_t format_count;
	bool has_json;                  /* of events there are such that are JSON */
	uint8_t records[RECORD_FIELDS]; /* enum record_field of each column behind the system's */
	size_t record_count;
	struct query_insights_field *fields; /* with "start" and "end" for startTime, endTime */
	size_t field_count;
};
/* Looks at the flow logs that go there, and at events of the group. */
int logs_fields_add(struct logs_fields *fields, const struct logs *logs, struct str group,
	struct aws_error *error, struct err *err);
void logs_fields_finish(struct logs_fields *fields);
void logs_fields_done(struct logs_fields *fields);
/* Which of the formats a line has; NULL: none. */
const struct record_format *logs_fields_format(const struct logs_fields *fields, struct str line);

/* The fields of one event by name: of a flow log line, or of JSON. */
void logs_record_fields(const struct logs_fields *fields, struct str message, json_t *record);

/* ---- queries ---- */

enum logs_query_status {
	LOGS_QUERY_SCHEDULED,
	LOGS_QUERY_RUNNING,
	LOGS_QUERY_COMPLETE,
	LOGS_QUERY_FAILED,
	LOGS_QUERY_CANCELLED,
	LOGS_QUERY_TIMEOUT,
};

/* One JSON list behind the other. Counted; never changes. */
struct logs_rows {
	atomic_uint refs;
	struct buf text;
	size_t *ends;
	size_t count;
};
void logs_rows_unref(struct logs_rows *rows);
MEM_DEFINE_CLEANUP(struct logs_rows, logs_rows_unref)

/* Names of log groups. */
struct logs_groups {
	char **names;
	size_t count;
};

struct log_query {
	struct log_query *next; /* of the queries, the newest first */
	struct log_query *next_waiting;
	atomic_uint refs;
	const struct logs *logs;
	int64_t number; /* argument of the table function */
	char id[37];
	char *text, *user;
	struct logs_groups groups;
	struct logs_groups parts[QUERY_INSIGHTS_PARTS_MAX]; /* of queries in the query */
	int64_t start_ms, end_ms;                           /* inclusive */
	int64_t created_ms, deadline_ms;
	struct logs_fields fields;
	struct query_insights_log_tag *tags;
	size_t tag_count;
	struct query_insights insights;
	_Atomic enum logs_query_status status;
	atomic_bool is_stopped, is_late, is_answered;
	atomic_uint_fast64_t records, bytes, matched;
	/* Under the lock of the queries. */
	duckdb_connection connection, partial_connection; /* while it runs */
	bool is_connected, is_partial_connected;
	int64_t partial_until_ms;
	int64_t ended_ms;
	struct logs_rows *rows; /* all, or what was found until now; NULL: none */
	char *failure;
};

struct logs_queries {
	const struct logs *logs;
	pthread_mutex_t lock;
	pthread_cond_t changed, is_over; /* is_over: a query is */
	struct log_query *first;
	struct log_query *waiting, **waiting_tail;
	int64_t last_number;
	bool is_stopping, is_open;
	duckdb_database database;
	pthread_t *runners, watcher;
	bool is_watched;
	size_t runner_count;
};

int logs_queries_start(struct logs *logs, struct err *err);
void logs_queries_stop(struct logs *logs);
void logs_query_unref(struct log_query *query);
MEM_DEFINE_CLEANUP(struct log_query, logs_query_unref)
/* Puts it into the line; takes a reference of its own. LimitExceededException. */
int logs_queries_add(
	struct logs_queries *queries, struct log_query *query, struct aws_error *error);
/* Are the regular expressions such as DuckDB takes? Otherwise ERR_USAGE, with the place. */
int logs_query_check(
	struct logs_queries *queries, struct query_insights *insights, struct err *err);
/* One more reference; NULL: there is none of that name. */
struct log_query *logs_queries_find(struct logs_queries *queries, struct str id);
struct log_query *logs_queries_find_number(struct logs_queries *queries, int64_t number);
/* Until it is over, or was made LOGS_QUERY_WAIT_MS ago: most queries are answered at the first
 * question. */
void logs_query_wait(struct logs_queries *queries, const struct log_query *query);
/* False: it was over. */
bool logs_query_stop(struct logs_queries *queries, struct log_query *query);

/* SQL with the columns of the query's. *ret_matched: how many events went through the filters;
 * UINT64_MAX: it cannot be told. */
int logs_query_execute(const struct log_query *query, duckdb_connection connection, const char *sql,
	struct logs_rows **ret_rows, uint64_t *ret_matched, struct err *err);

/* A thread that finds some of the rows of a query that runs, for as long as it does. */
struct logs_partial {
	struct logs_queries *queries;
	struct log_query *query;
	pthread_t thread;
	pthread_cond_t changed;
	bool is_running, is_over;
};
void logs_partial_start(
	struct logs_partial *partial, struct logs_queries *queries, struct log_query *query);
void logs_partial_stop(struct logs_partial *partial);
/* A thread that interrupts what takes too long, until the queries are stopped. */
void *logs_queries_watch(void *context);

/* log_events(NUMBER); with part := N the groups of the part; with most := N the first N events or
 * some more, which do not count. */
int logs_query_scan_register(
	duckdb_connection connection, struct logs_queries *queries, struct err *err);
