/* The state of alarms (CloudWatch user guide, "Alarm evaluation"): their data are read, what
 * decide.c says of them becomes the state, and a change is written with its history and acted on.
 */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

/* ---- data ---- */

static int64_t period_of(const json_t *alarm)
{
	const json_t *metrics = json_object_get(alarm, "Metrics");
	int64_t period = api_member_number(alarm, "Period", 0);
	size_t i;
	json_t *query;

	json_array_foreach(metrics, i, query)
	{
		int64_t own = api_member_number(json_object_get(query, "MetricStat"), "Period",
			api_member_number(query, "Period", 0));
		if (own > period)
			period = own;
	}
	return period ? period : 60;
}

static int read_metrics(struct monitoring *monitoring, const json_t *metrics, int64_t start,
	int64_t end, struct monitoring_series *ret_series, struct err *err)
{
	struct monitoring_queries queries = {
		.metrics = monitoring->metrics, .start = start, .end = end, .err = err};
	struct aws_error error = {.code = AWS_ERROR_NONE};
	int result = monitoring_queries_run(&queries, metrics, &error);

	for (size_t i = 0; result == 0 && i < queries.count; i++) {
		struct monitoring_query *query = &queries.queries[i];
		/* One that selects nothing has no data. */
		if (query->is_returned && query->results_count == 1) {
			*ret_series = query->results[0];
			query->results[0] = (struct monitoring_series){.count = 0};
		}
	}
	monitoring_queries_done(&queries);
	if (result < 0 && err && !err->code)
		err_set(err, ERR_INPUT, "%s", error.message);
	return result;
}

/* statistic: another than the alarm's, or STR_NONE. */
static int read_data(struct monitoring *monitoring, const json_t *alarm, struct str statistic,
	int64_t start, int64_t end, struct monitoring_series *ret_series, struct err *err)
{
	const json_t *metrics = json_object_get(alarm, "Metrics");
	struct str extended = api_member_text(alarm, "ExtendedStatistic");

	*ret_series = (struct monitoring_series){.count = 0};
	if (metrics)
		return read_metrics(monitoring, metrics, start, end, ret_series, err);
	_cleanup_free_ char *dimensions =
		store_metric_dimensions(json_object_get(alarm, "Dimensions"));
	const struct monitoring_source source = {
		.name_space = api_member_text(alarm, "Namespace"),
		.name = api_member_text(alarm, "MetricName"),
		.dimensions = dimensions,
		.statistic = statistic.p  ? statistic
			     : extended.p ? extended
					  : api_member_text(alarm, "Statistic"),
		.unit = api_member_text(alarm, "Unit"),
		.period = period_of(alarm),
	};
	return monitoring_series_read(monitoring->metrics, &source, start, end, ret_series, err);
}

/* ---- the change ---- */

static void write_time(char text[static 32], int64_t seconds, const char *format)
{
	time_t time = (time_t)seconds;
	struct tm date;

	gmtime_r(&time, &date);
	strftime(text, 32, format, &date);
}

static void write_moment(char text[static 32], int64_t seconds)
{
	write_time(text, seconds, "%Y-%m-%dT%H:%M:%S.000+0000");
}

/* What was looked at, the latest first: what is missing has its time only. */
static json_t *evaluated(const struct monitoring_decision *decision,
	const struct monitoring_series *samples, int64_t last, int64_t period)
{
	json_t *list = json_array();
	char time[32];

	for (size_t i = 0; i < decision->used.count; i++) {
		int64_t at = decision->used.times[i];
		write_moment(time, at);
		json_t *item = json_pack(
			"{s:s, s:f}", "timestamp", time, "value", decision->used.values[i]);
		for (size_t n = 0; n < samples->count; n++) {
			if (samples->times[n] == at)
				json_object_set_new(
					item, "sampleCount", json_real(samples->values[n]));
		}
		json_array_append_new(list, item);
	}
	for (size_t i = 0; !decision->used.count && i < decision->periods; i++) {
		write_moment(time, last - (int64_t)i * period);
		json_array_append_new(list, json_pack("{s:s}", "timestamp", time));
	}
	return list;
}

static json_t *reason_data(const json_t *alarm, const struct monitoring_decision *decision,
	const struct monitoring_series *samples, int64_t period, int64_t now_ms)
{
	int64_t now = now_ms / 1000;
	json_t *recent = json_array();
	char time[32];
	char start[32] = "";

	write_moment(time, now);
	if (decision->used.count)
		write_moment(start, decision->used.times[decision->used.count - 1]);
	for (size_t i = decision->used.count; i > 0; i--)
		json_array_append_new(recent, json_real(decision->used.values[i - 1]));
	json_t *data = json_pack("{s:s, s:s, s:I, s:o, s:O, s:o}", "version", "1.0", "queryDate",
		time, "period", (json_int_t)period, "recentDatapoints", recent, "threshold",
		json_object_get(alarm, "Threshold"), "evaluatedDatapoints",
		evaluated(decision, samples, now - now % period - period, period));
	if (*start)
		json_object_set_new(data, "startDate", json_string(start));
	if (json_object_get(alarm, "Unit"))
		json_object_set(data, "unit", json_object_get(alarm, "Unit"));
	if (json_object_get(alarm, "Statistic"))
		json_object_set(data, "statistic", json_object_get(alarm, "Statistic"));
	return data;
}

static json_t *state_of(const json_t *alarm)
{
	json_t *state = json_pack("{s:O, s:O*}", "stateValue", json_object_get(alarm, "StateValue"),
		"stateReason", json_object_get(alarm, "StateReason"));
	struct str data = api_member_text(alarm, "StateReasonData");
	json_t *parsed = data.p ? json_loadb(data.p, data.n, 0, NULL) : NULL;

	if (parsed)
		json_object_set_new(state, "stateReasonData", parsed);
	return state;
}

int monitoring_change_state(struct monitoring *monitoring, const json_t *there, const char *state,
	const char *reason, const json_t *reason_data, int64_t now_ms, struct err *err)
{
	json_t *changed = json_deep_copy(there);
	const char *before = json_string_value(json_object_get(there, "StateValue"));
	bool is_transition = strcmp(before, state) != 0;
	bool is_suppressed = false;
	bool written = false;
	char summary[128];

	json_object_set_new(changed, "StateValue", json_string(state));
	json_object_set_new(changed, "StateReason", json_string(reason));
	json_object_set_new(changed, "StateUpdatedTimestamp", json_integer(now_ms));
	if (is_transition)
		json_object_set_new(changed, "StateTransitionedTimestamp", json_integer(now_ms));
	json_object_del(changed, "SetByHand");
	if (is_transition &&
		monitoring_suppress(monitoring, changed, now_ms, &is_suppressed, err) < 0) {
		json_decref(changed);
		return -1;
	}
	json_object_del(changed, "StateReasonData");
	if (reason_data) {
		_cleanup_free_ char *text = json_dumps(reason_data, JSON_COMPACT);
		json_object_set_new(changed, "StateReasonData", json_string(text));
	}
	json_t *data = json_pack("{s:s, s:o, s:o}", "version", "1.0", "oldState", state_of(there),
		"newState", state_of(changed));
	snprintf(summary, sizeof(summary), "Alarm updated from %s to %s", before, state);
	const struct store_alarm_event event = {"StateUpdate", summary, data};
	int result = store_alarm_put(
		monitoring->metrics, changed, there, is_transition ? &event : NULL, &written, err);
	if (result == 0 && written && is_transition && !is_suppressed)
		monitoring_act(monitoring, changed, there);
	json_decref(data);
	json_decref(changed);
	return result;
}

/* How many values each period has; of expressions nobody knows. */
static int read_samples(struct monitoring *monitoring, const json_t *alarm, int64_t start,
	int64_t end, struct monitoring_series *ret_samples, struct err *err)
{
	*ret_samples = (struct monitoring_series){.count = 0};
	if (json_object_get(alarm, "Metrics"))
		return 0;
	return read_data(monitoring, alarm, STR("SampleCount"), start, end, ret_samples, err);
}

static bool wants_samples(const json_t *alarm)
{
	return json_object_get(alarm, "ExtendedStatistic") &&
	       str_equal(api_member_text(alarm, "EvaluateLowSampleCountPercentile"), STR("ignore"));
}

/* Periods are aligned; the one under way counts once it breaches, for it will not get better in a
 * sum, and people wait. Without a breaching value of its own it tells nothing yet. */
static void decide(const json_t *alarm, const struct monitoring_series *series,
	const struct monitoring_series *samples, int64_t current, int64_t period,
	struct monitoring_decision *ret_decision)
{
	const struct monitoring_series *counted = wants_samples(alarm) ? samples : NULL;
	size_t n = series->count;

	if (n && series->times[n - 1] == current &&
		monitoring_is_breaching(alarm, series->values[n - 1])) {
		monitoring_decide(alarm, series, counted, current, period, ret_decision);
		if (ret_decision->state && strcmp(ret_decision->state, "ALARM") == 0)
			return;
		monitoring_series_done(&ret_decision->used);
	}
	monitoring_decide(alarm, series, counted, current - period, period, ret_decision);
}

int monitoring_evaluate(
	struct monitoring *monitoring, const json_t *alarm, int64_t now_ms, struct err *err)
{
	if (json_object_get(alarm, "AlarmRule"))
		return monitoring_evaluate_rule(monitoring, alarm, now_ms, err);
	int64_t period = period_of(alarm);
	int64_t now = now_ms / 1000;
	int64_t current = now - now % period;
	int64_t start = current - (monitoring_range(alarm, period) + 1) * period;
	struct monitoring_series series;
	struct monitoring_series samples = {.count = 0};
	struct monitoring_decision decision = {.state = NULL};
	char reason[MONITORING_REASON_MAX];

	if (read_data(monitoring, alarm, STR_NONE, start, now + 1, &series, err) < 0)
		return -1;
	int result = wants_samples(alarm)
			     ? read_samples(monitoring, alarm, start, now + 1, &samples, err)
			     : 0;
	if (result == 0)
		decide(alarm, &series, &samples, current, period, &decision);
	monitoring_series_done(&series);
	const char *state = json_string_value(json_object_get(alarm, "StateValue"));
	bool is_new = decision.state && strcmp(state, decision.state) != 0;
	if (is_new && !wants_samples(alarm))
		result = read_samples(monitoring, alarm, start, now + 1, &samples, err);
	if (is_new && result == 0) {
		monitoring_reason(alarm, &decision, reason);
		json_t *data = reason_data(alarm, &decision, &samples, period, now_ms);
		result = monitoring_change_state(
			monitoring, alarm, decision.state, reason, data, now_ms, err);
		json_decref(data);
	}
	monitoring_series_done(&samples);
	monitoring_series_done(&decision.used);
	return result;
}
