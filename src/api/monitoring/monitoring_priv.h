/* monitoring: what its files share. */
#pragma once

#include "api/monitoring/monitoring.h"
#include "aws/error.h"

#include <pthread.h>

struct monitoring {
	struct store_metrics *metrics;
	struct store_database *database;
	struct store_events *events;
	char *region, *account;
	const char *partition;
	char **actions;
	size_t actions_count;
	int64_t interval_ms;
	int64_t soon_ms; /* to the next look; the thread's */
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
	int64_t period;
	json_t *origin; /* the metric it is of: Namespace, MetricName, Dimensions, Stat; NULL: none
			 */
	char *label;    /* NULL: none of its own */
	uint64_t units; /* of the data there, where they are several; else 0 */
};
void monitoring_series_done(struct monitoring_series *series);
void monitoring_series_add(struct monitoring_series *series, int64_t time, double value);
void monitoring_series_copy(struct monitoring_series *to, const struct monitoring_series *from);
/* Other data under the same name. Takes those of `from`. */
void monitoring_series_set(struct monitoring_series *series, struct monitoring_series *from);
void monitoring_series_list_done(
	struct monitoring_series *list, size_t count); /* frees list, too */
void monitoring_series_units(const struct monitoring_series *series, struct buf *ret_text);
/* Where data comes from: one metric, one statistic. */
struct monitoring_source {
	struct str name_space, name;
	const char *dimensions;
	struct str statistic, unit;
	int64_t period; /* seconds */
};
/* Buckets of the period that begin from start to end (exclusive); start is moved to a bucket's. Of
 * data in several units without one asked for, those of one. */
int monitoring_series_read(struct store_metrics *metrics, const struct monitoring_source *source,
	int64_t start, int64_t end, struct monitoring_series *ret_series, struct err *err);
/* period a positive multiple of 60, or 1, 5, 10, 20, 30. */
int monitoring_check_period(int64_t period, struct aws_error *error);

/* ---- statistic.c ---- */
enum monitoring_kind {
	MONITORING_SIMPLE,     /* SampleCount, Average, Sum, Minimum, Maximum: of sums alone */
	MONITORING_PERCENTILE, /* p99: from here on of the values themselves */
	MONITORING_MEAN,       /* tm, TM, IQM: of what is between two bounds */
	MONITORING_WINSORIZED, /* wm, WM */
	MONITORING_COUNT,      /* tc, TC */
	MONITORING_TOTAL,      /* ts, TS */
	MONITORING_RANK        /* PR: the part that is between two values */
};
struct monitoring_statistic {
	enum monitoring_kind kind;
	bool is_percent; /* the bounds are percentiles, not values */
	double low, high;
};
/* "Average", "p99.9", "tm90", "TM(10%:90%)", "PR(:300)", "IQM"... False: it is none. */
bool monitoring_parse_statistic(struct str text, struct monitoring_statistic *ret_statistic);
/* Of values in any order, which are sorted. False: there is none. */
bool monitoring_statistic_of(const struct monitoring_statistic *statistic,
	struct store_metric_value *values, size_t count, double *ret_value);

/* ---- data.c: queries of GetMetricData and of alarms ---- */
#define MONITORING_QUERIES_MAX 500
struct monitoring_query {
	struct str id, label, expression;
	const json_t *stat; /* MetricStat, or NULL */
	bool is_returned;
	int64_t period;
	int state; /* not begun, under way, done */
	bool is_list;
	struct monitoring_series *results; /* one, unless it is a list */
	size_t results_count;
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

/* ---- label.c ---- */
struct monitoring_label {
	const struct monitoring_queries *queries;
	const struct monitoring *monitoring;
	int64_t zone_seconds; /* LabelOptions.Timezone */
};
/* "+0130" as seconds. False: it is none. */
bool monitoring_parse_zone(struct str text, int64_t *ret_seconds);
/* What a result is called. The caller's to free. */
char *monitoring_label_of(const struct monitoring_label *label,
	const struct monitoring_query *query, const struct monitoring_series *series);

/* ---- math.c ---- */
int monitoring_math(struct monitoring_queries *queries, struct monitoring_query *query,
	struct aws_error *error);

/* ---- search.c, select.c: many metrics by one expression ---- */
#define MONITORING_FOUND_MAX 500
/* SEARCH's three arguments. The list is the caller's. */
int monitoring_search(struct monitoring_queries *queries, struct str text, struct str statistic,
	int64_t period, struct monitoring_series **ret_list, size_t *ret_count,
	struct aws_error *error);
bool monitoring_is_select(struct str expression);
/* A query of Metrics Insights. */
int monitoring_select(struct monitoring_queries *queries, struct monitoring_query *query,
	struct aws_error *error);

/* ---- decide.c ---- */
struct monitoring_decision {
	const char *state;      /* NULL: as it is */
	size_t periods, needed; /* N, M */
	size_t breaching, present;
	bool has_few_samples;          /* too few for this percentile: the state stays */
	struct monitoring_series used; /* latest first */
};
/* Of the data in the periods up to the one that begins at last. samples: how many values each
 * period has, where EvaluateLowSampleCountPercentile asks for them; else NULL. */
void monitoring_decide(const json_t *alarm, const struct monitoring_series *series,
	const struct monitoring_series *samples, int64_t last, int64_t period,
	struct monitoring_decision *ret_decision);
bool monitoring_is_breaching(const json_t *alarm, double value);
/* Periods back that are looked at, with those where data is missing. */
int64_t monitoring_range(const json_t *alarm, int64_t period);
#define MONITORING_REASON_MAX 1000
void monitoring_reason(const json_t *alarm, const struct monitoring_decision *decision,
	char reason[static MONITORING_REASON_MAX]);

/* ---- tags.c ---- */
json_t *monitoring_read_tags(const json_t *list); /* an object */

/* ---- suppress.c ---- */
int monitoring_check_suppressor(struct api_call *call, struct aws_error *error);
/* Of an alarm that has just got another state: are its actions to wait? changed tells by what. */
int monitoring_suppress(struct monitoring *monitoring, json_t *changed, int64_t now_ms,
	bool *ret_is_suppressed, struct err *err);
/* Looks again at one whose actions wait. */
int monitoring_release(
	struct monitoring *monitoring, const json_t *there, int64_t now_ms, struct err *err);

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
/* Looks at all composite alarms, after one that they may depend on has changed. */
int monitoring_follow(struct monitoring *monitoring, int64_t now_ms, struct err *err);
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
MONITORING_HANDLER(monitoring_contributors);
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
MONITORING_HANDLER(monitoring_put_rule);
MONITORING_HANDLER(monitoring_describe_rules);
MONITORING_HANDLER(monitoring_enable_rules);
MONITORING_HANDLER(monitoring_disable_rules);
MONITORING_HANDLER(monitoring_delete_rules);
MONITORING_HANDLER(monitoring_rule_report);
