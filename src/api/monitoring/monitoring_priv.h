/* monitoring: what its files share. */
#pragma once

#include "api/monitoring/monitoring.h"
#include "aws/error.h"

#include <pthread.h>

struct monitoring {
	struct store_metrics *metrics;
	struct store_database *database;
	char *region, *account;
	const char *partition;
	char **actions;
	size_t actions_count;
	int64_t interval_ms;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_stopping, is_due; /* behind lock */
};

static inline struct monitoring *monitoring_of(const struct api_call *call)
{
	return call->context;
}

/* ---- call.c ---- */
int monitoring_inner(struct api_call *call, struct aws_error *error);
/* A token is base64 of the text where the next page begins; "" when there is none. */
int monitoring_token(const struct api_call *call, struct buf *ret_text, struct aws_error *error);
void monitoring_next(json_t *output, struct str text);

/* ---- series.c ---- */
struct monitoring_series {
	int64_t *times; /* Unix seconds, growing */
	double *values;
	size_t count;
};
void monitoring_series_done(struct monitoring_series *series);
void monitoring_series_add(struct monitoring_series *series, int64_t time, double value);
/* Where data comes from: one metric, one statistic. */
struct monitoring_source {
	struct str name_space, name;
	const char *dimensions;
	struct str statistic, unit;
	int64_t period; /* seconds */
};
/* "Average", "p99.9", ...: is it one? */
bool monitoring_is_statistic(struct str statistic);
/* Buckets of the period that begin from start to end (exclusive); start is moved to a bucket's. */
int monitoring_series_read(struct store_metrics *metrics, const struct monitoring_source *source,
	int64_t start, int64_t end, struct monitoring_series *ret_series, struct err *err);
/* period a positive multiple of 60, or 1, 5, 10, 20, 30. */
int monitoring_check_period(int64_t period, struct aws_error *error);

/* ---- data.c: queries of GetMetricData and of alarms ---- */
#define MONITORING_QUERIES_MAX 500
struct monitoring_query {
	struct str id, label, expression;
	const json_t *stat; /* MetricStat, or NULL */
	bool is_returned;
	int64_t period;
	int state; /* not begun, under way, done */
	struct monitoring_series series;
};
struct monitoring_queries {
	struct store_metrics *metrics;
	struct monitoring_query *queries;
	size_t count;
	int64_t start, end; /* Unix seconds */
	struct err *err;    /* of the disk */
};
/* Checks and computes all of them. */
int monitoring_queries_run(
	struct monitoring_queries *queries, const json_t *input, struct aws_error *error);
void monitoring_queries_done(struct monitoring_queries *queries);
/* Computes one of them, what it stands on first. */
int monitoring_query_run(struct monitoring_queries *queries, struct monitoring_query *query,
	struct aws_error *error);

/* ---- math.c ---- */
int monitoring_math(struct monitoring_queries *queries, struct monitoring_query *query,
	struct aws_error *error);

/* ---- alarms.c, evaluate.c, action.c ---- */
/* Looks at one alarm and writes its state when it changes. */
int monitoring_evaluate(
	struct monitoring *monitoring, const json_t *alarm, int64_t now_ms, struct err *err);
/* From one state to another (also by SetAlarmState): written with its history; actions run.
 * expected may be NULL. */
int monitoring_change_state(struct monitoring *monitoring, const json_t *there, const char *state,
	const char *reason, const json_t *reason_data, int64_t now_ms, struct err *err);
void monitoring_act(struct monitoring *monitoring, const json_t *alarm, const json_t *before);
void monitoring_wake(struct monitoring *monitoring); /* look at all alarms now */

/* ---- composite.c: alarms with an AlarmRule ---- */
int monitoring_check_rule(struct api_call *call, struct aws_error *error);
json_t *monitoring_children(struct monitoring *monitoring, const json_t *alarm); /* names */
int monitoring_evaluate_rule(
	struct monitoring *monitoring, const json_t *alarm, int64_t now_ms, struct err *err);

#define MONITORING_HANDLER(name) int name(struct api_call *call, struct aws_error *error)
MONITORING_HANDLER(monitoring_put_data);
MONITORING_HANDLER(monitoring_get_data);
MONITORING_HANDLER(monitoring_get_statistics);
MONITORING_HANDLER(monitoring_list);
MONITORING_HANDLER(monitoring_put_alarm);
MONITORING_HANDLER(monitoring_describe_alarms);
MONITORING_HANDLER(monitoring_describe_for_metric);
MONITORING_HANDLER(monitoring_delete_alarms);
MONITORING_HANDLER(monitoring_set_state);
MONITORING_HANDLER(monitoring_history);
MONITORING_HANDLER(monitoring_enable_actions);
MONITORING_HANDLER(monitoring_disable_actions);
MONITORING_HANDLER(monitoring_list_tags);
MONITORING_HANDLER(monitoring_tag);
MONITORING_HANDLER(monitoring_untag);
MONITORING_HANDLER(monitoring_put_dashboard);
MONITORING_HANDLER(monitoring_get_dashboard);
MONITORING_HANDLER(monitoring_list_dashboards);
MONITORING_HANDLER(monitoring_delete_dashboards);
MONITORING_HANDLER(monitoring_no_image);
MONITORING_HANDLER(monitoring_no_anomalies);
MONITORING_HANDLER(monitoring_none);
