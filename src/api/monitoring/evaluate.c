/* The state of alarms (CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch
 * alarms treat missing data"). An alarm looks at the last EvaluationPeriods whole periods, and at
 * some more when data is missing in them: as many real data as it needs are taken from the latest.
 * M of N breaching data are ALARM; what is missing counts as TreatMissingData says. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define EXTRA_PERIODS 5 /* that are looked at where data is missing */

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
		if (queries.queries[i].is_returned) {
			*ret_series = queries.queries[i].series;
			queries.queries[i].series = (struct monitoring_series){.count = 0};
		}
	}
	monitoring_queries_done(&queries);
	if (result < 0 && err && !err->code)
		err_set(err, ERR_INPUT, "%s", error.message);
	return result;
}

static int read_data(struct monitoring *monitoring, const json_t *alarm, int64_t start, int64_t end,
	struct monitoring_series *ret_series, struct err *err)
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
		.statistic = extended.p ? extended : api_member_text(alarm, "Statistic"),
		.unit = api_member_text(alarm, "Unit"),
		.period = period_of(alarm),
	};
	return monitoring_series_read(monitoring->metrics, &source, start, end, ret_series, err);
}

/* ---- the decision ---- */

static bool is_breaching(const json_t *alarm, double value)
{
	struct str operator= api_member_text(alarm, "ComparisonOperator");
	double threshold = json_number_value(json_object_get(alarm, "Threshold"));

	if (str_equal(operator, STR("GreaterThanOrEqualToThreshold")))
		return value >= threshold;
	if (str_equal(operator, STR("GreaterThanThreshold")))
		return value > threshold;
	if (str_equal(operator, STR("LessThanThreshold")))
		return value < threshold;
	return value <= threshold;
}

struct decision {
	const char *state; /* NULL: as it is */
	size_t breaching, present, missing, periods, needed;
	struct monitoring_series used; /* latest last */
};

static const double *value_of(const struct monitoring_series *series, int64_t time)
{
	for (size_t i = 0; i < series->count; i++) {
		if (series->times[i] == time)
			return &series->values[i];
	}
	return NULL;
}

/* Whole periods back from the last one that has ended; the one under way comes first when it has
 * enough already to breach (it can only be the first to tell). */
static void decide(const json_t *alarm, const struct monitoring_series *series, int64_t last,
	int64_t period, struct decision *decision)
{
	struct str treatment = api_member_text(alarm, "TreatMissingData");
	size_t n = (size_t)api_member_number(alarm, "EvaluationPeriods", 1);
	size_t m = (size_t)api_member_number(alarm, "DatapointsToAlarm", (int64_t)n);
	size_t breaching_in_row = 0;

	decision->periods = n;
	decision->needed = m;
	for (size_t i = 0; i < n + EXTRA_PERIODS && decision->present < n; i++) {
		int64_t time = last - (int64_t)i * period;
		const double *value = value_of(series, time);
		if (i < n && !value)
			decision->missing++;
		if (!value)
			continue;
		decision->present++;
		monitoring_series_add(&decision->used, time, *value);
		if (is_breaching(alarm, *value))
			decision->breaching++;
	}
	breaching_in_row = decision->breaching;
	if (!decision->present && str_equal(treatment, STR("ignore")))
		return;
	if (!decision->present && (!treatment.p || str_equal(treatment, STR("missing")))) {
		decision->state = "INSUFFICIENT_DATA";
		return;
	}
	size_t filled = n > decision->present ? n - decision->present : 0;
	if (str_equal(treatment, STR("breaching")))
		breaching_in_row += filled;
	if (str_equal(treatment, STR("ignore")) && filled && breaching_in_row < m)
		return;
	/* With "missing", data that are there and all breach are enough. */
	bool is_alarm = breaching_in_row >= m ||
			((!treatment.p || str_equal(treatment, STR("missing"))) && filled &&
				decision->breaching && decision->breaching == decision->present &&
				decision->present + filled >= m && n == m);
	decision->state = is_alarm ? "ALARM" : "OK";
}

/* ---- reasons ---- */

static void write_time(char text[static 32], int64_t seconds, const char *format)
{
	time_t time = (time_t)seconds;
	struct tm date;

	gmtime_r(&time, &date);
	strftime(text, 32, format, &date);
}

static void write_reason(
	const json_t *alarm, const struct decision *decision, char reason[static 1000])
{
	static const struct {
		const char *operator, * words, *not_words;
	} words[] = {
		{"GreaterThanOrEqualToThreshold", "greater than or equal to"},
		{"GreaterThanThreshold", "greater than"},
		{"LessThanThreshold", "less than"},
		{"LessThanOrEqualToThreshold", "less than or equal to"},
	};
	struct str operator= api_member_text(alarm, "ComparisonOperator");
	bool is_alarm = decision->state && strcmp(decision->state, "ALARM") == 0;
	const char *relation = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_equal(operator, str_from(words[i].operator)))
			relation = words[i].words;
	}
	if (!decision->used.count) {
		snprintf(reason, 1000,
			strcmp(decision->state, "INSUFFICIENT_DATA") == 0
				? "Insufficient Data: %zu datapoint%s %s unknown."
				: "no datapoints were received for %zu period%s and %s missing data was treated as configured.",
			decision->periods, decision->periods == 1 ? "" : "s",
			decision->periods == 1 ? "was" : "were");
		return;
	}
	n += (size_t)snprintf(reason + n, 1000 - n,
		"Threshold Crossed: %zu out of the last %zu datapoints [",
		is_alarm ? decision->breaching : decision->used.count - decision->breaching,
		decision->used.count);
	for (size_t i = 0; i < decision->used.count && n < 600; i++) {
		char time[32];
		write_time(time, decision->used.times[i], "%d/%m/%y %H:%M:%S");
		n += (size_t)snprintf(reason + n, 1000 - n, "%s%.17g (%s)", i ? ", " : "",
			decision->used.values[i], time);
	}
	snprintf(reason + n, 1000 - n,
		"] %s %s the threshold (%.17g) (minimum %zu datapoint%s for %s -> %s transition).",
		decision->used.count == 1 ? (is_alarm ? "was" : "was not")
					  : (is_alarm ? "were" : "were not"),
		relation, json_number_value(json_object_get(alarm, "Threshold")), decision->needed,
		decision->needed == 1 ? "" : "s", is_alarm ? "OK" : "ALARM",
		is_alarm ? "ALARM" : "OK");
}

static json_t *reason_data(
	const json_t *alarm, const struct decision *decision, int64_t period, int64_t now_ms)
{
	json_t *recent = json_array();
	char time[32];
	char start[32] = "";

	write_time(time, now_ms / 1000, "%Y-%m-%dT%H:%M:%S.000+0000");
	if (decision->used.count)
		write_time(start, decision->used.times[decision->used.count - 1],
			"%Y-%m-%dT%H:%M:%S.000+0000");
	for (size_t i = decision->used.count; i > 0; i--)
		json_array_append_new(recent, json_real(decision->used.values[i - 1]));
	json_t *data = json_pack("{s:s, s:s, s:I, s:o, s:O}", "version", "1.0", "queryDate", time,
		"period", (json_int_t)period, "recentDatapoints", recent, "threshold",
		json_object_get(alarm, "Threshold"));
	if (*start)
		json_object_set_new(data, "startDate", json_string(start));
	if (json_object_get(alarm, "Statistic"))
		json_object_set(data, "statistic", json_object_get(alarm, "Statistic"));
	return data;
}

/* ---- the change ---- */

static json_t *state_of(const json_t *alarm)
{
	return json_pack("{s:O, s:O?, s:O?}", "stateValue", json_object_get(alarm, "StateValue"),
		"stateReason", json_object_get(alarm, "StateReason"), "stateReasonData",
		json_object_get(alarm, "StateReasonData"));
}

int monitoring_change_state(struct monitoring *monitoring, const json_t *there, const char *state,
	const char *reason, const json_t *reason_data, int64_t now_ms, struct err *err)
{
	json_t *changed = json_deep_copy(there);
	const char *before = json_string_value(json_object_get(there, "StateValue"));
	bool is_transition = strcmp(before, state) != 0;
	bool written = false;
	char summary[128];

	json_object_set_new(changed, "StateValue", json_string(state));
	json_object_set_new(changed, "StateReason", json_string(reason));
	json_object_set_new(changed, "StateUpdatedTimestamp", json_integer(now_ms));
	if (is_transition)
		json_object_set_new(changed, "StateTransitionedTimestamp", json_integer(now_ms));
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
	if (result == 0 && written && is_transition)
		monitoring_act(monitoring, changed, there);
	json_decref(data);
	json_decref(changed);
	return result;
}

int monitoring_evaluate(
	struct monitoring *monitoring, const json_t *alarm, int64_t now_ms, struct err *err)
{
	if (json_object_get(alarm, "AlarmRule"))
		return monitoring_evaluate_rule(monitoring, alarm, now_ms, err);
	int64_t period = period_of(alarm);
	int64_t now = now_ms / 1000;
	int64_t periods = api_member_number(alarm, "EvaluationPeriods", 1) + EXTRA_PERIODS;
	/* Periods are aligned; the one under way counts once it breaches, for it will not get
	 * better in a sum, and people wait. */
	int64_t current = now - now % period;
	struct monitoring_series series;
	struct decision decision = {.state = NULL};
	char reason[1000];

	if (read_data(monitoring, alarm, current - periods * period, now + 1, &series, err) < 0)
		return -1;
	decide(alarm, &series, current, period, &decision);
	if (!decision.state || strcmp(decision.state, "ALARM") != 0) {
		monitoring_series_done(&decision.used);
		decision = (struct decision){.state = NULL};
		decide(alarm, &series, current - period, period, &decision);
	}
	monitoring_series_done(&series);
	int result = 0;
	const char *state = json_string_value(json_object_get(alarm, "StateValue"));
	if (decision.state && strcmp(state, decision.state) != 0) {
		write_reason(alarm, &decision, reason);
		json_t *data = reason_data(alarm, &decision, period, now_ms);
		result = monitoring_change_state(
			monitoring, alarm, decision.state, reason, data, now_ms, err);
		json_decref(data);
	}
	monitoring_series_done(&decision.used);
	return result;
}
