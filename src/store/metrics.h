/* metrics: CloudWatch's metrics and alarms, in the database. A metric is a namespace, a name and
 * dimensions; its data are sums over seconds (high resolution) or minutes, with the values
 * themselves for percentiles. Sources: CloudWatch API reference, PutMetricData; CloudWatch user
 * guide, "Metrics concepts".
 *
 * All threads may share a struct store_metrics. Blocks: on the disk. Promise: what put has returned
 * 0 for is durable. Values: up to STORE_METRIC_VALUES different ones a period are kept exactly;
 * beyond that they are rounded, more coarsely the more there are, and percentiles with them (sums
 * stay exact). Data older than STORE_METRICS_DAYS is deleted. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"

#include <jansson.h>
#include <stdint.h>

#define STORE_METRICS_DAYS  455
#define STORE_METRIC_VALUES 1000

struct store_metrics;

/* The database outlives the metrics. */
int store_metrics_open(
	struct store_metrics **ret_metrics, struct store_database *database, struct err *err);
void store_metrics_close(struct store_metrics *metrics);
MEM_DEFINE_CLEANUP(struct store_metrics, store_metrics_close)

/* How often each of some values was seen. */
struct store_metric_value {
	double value, count;
};

struct store_metric_datum {
	struct str name_space, name;
	struct str dimensions; /* as store_metric_dimensions makes them */
	struct str unit;
	int64_t time; /* Unix seconds; rounded down to the minute unless high_resolution */
	bool high_resolution;
	double count, sum, min, max;
	const struct store_metric_value *values; /* NULL: not known (a statistic set) */
	size_t values_count;
};

/* [{"Name": .., "Value": ..}] as the text that names a metric's dimensions: sorted by name, so that
 * order does not matter. The caller's to free. */
char *store_metric_dimensions(const json_t *dimensions);

/* All of them or none. With marks (may be NULL): documents that say what the data stand for,
 * written in the same transaction. */
struct store_log_document;
struct store_metric_marks {
	const struct store_log_document *documents;
	size_t count;
};
int store_metrics_put(struct store_metrics *metrics, const struct store_metric_datum *data,
	size_t count, const struct store_metric_marks *marks, struct err *err);

/* One second or minute of a metric. */
struct store_metric_point {
	int64_t time;
	struct str unit;
	double count, sum, min, max;
	const struct store_metric_value *values; /* NULL: not known */
	size_t values_count;
};
typedef void store_metric_on_point(void *context, const struct store_metric_point *point);
/* Points from start to end (exclusive, Unix seconds) in order of time; of this unit alone unless it
 * is empty. */
int store_metrics_read(struct store_metrics *metrics, struct str name_space, struct str name,
	struct str dimensions, struct str unit, int64_t start, int64_t end,
	store_metric_on_point *on_point, void *context, struct err *err);

/* Metrics in order of namespace, name and their first data behind `after` (the key of the last one;
 * empty: from the start), which had data since that second. on_metric returns false to stop. */
typedef bool store_metric_on_metric(void *context, struct str key, struct str name_space,
	struct str name, struct str dimensions);
int store_metrics_list(struct store_metrics *metrics, struct str name_space, struct str name,
	int64_t since, struct str after, store_metric_on_metric *on_metric, void *context,
	struct err *err);
/* Deletes what is older than STORE_METRICS_DAYS. */
int store_metrics_expire(struct store_metrics *metrics, int64_t now, struct err *err);

/* ---- alarms: documents (the members of CloudWatch's MetricAlarm, times in milliseconds) ---- */

/* NULL in *ret_alarm: there is none. The caller's. */
int store_alarm_get(
	struct store_metrics *metrics, struct str name, json_t **ret_alarm, struct err *err);
/* All alarms by name; the caller's. */
int store_alarms_list(struct store_metrics *metrics, json_t **ret_alarms, struct err *err);

/* What change may tell besides. */
struct store_alarm_event {
	const char *type; /* HistoryItemType; NULL: none */
	const char *summary;
	const json_t *data;
};
/* Writes the alarm (its AlarmName names it) with an entry in its history; with expected_state only
 * if the one that is there has that StateValue, StateUpdatedTimestamp and
 * AlarmConfigurationUpdatedTimestamp. *ret_written false: it had not. */
int store_alarm_put(struct store_metrics *metrics, const json_t *alarm,
	const json_t *expected_state, const struct store_alarm_event *event, bool *ret_written,
	struct err *err);
/* Names that are not there are no error, as in CloudWatch. */
int store_alarms_delete(struct store_metrics *metrics, const json_t *names, struct err *err);
int store_alarm_tell(struct store_metrics *metrics, struct str name,
	const struct store_alarm_event *event, struct err *err);

/* AlarmHistoryItems of this alarm (empty: all), of MetricAlarms or CompositeAlarms (empty: both),
 * of this type (empty: all) and time (ms, inclusive), with "id" beside; at most limit, behind the
 * id `after` (0: from the start). */
int store_alarm_history(struct store_metrics *metrics, struct str name, struct str alarm_type,
	struct str type, int64_t from_ms, int64_t to_ms, bool ascending, int64_t after,
	size_t limit, json_t **ret_items, struct err *err);

/* Tags of alarms: an object. */
int store_alarm_tags(
	struct store_metrics *metrics, struct str name, json_t **ret_tags, struct err *err);
/* Sets these, then removes those (a list); NULL: nothing. */
int store_alarm_tag(struct store_metrics *metrics, struct str name, const json_t *set,
	const json_t *remove, struct err *err);
