/* What data say of an alarm (CloudWatch user guide, "Configuring how CloudWatch alarms treat
 * missing data"). The last EvaluationPeriods data are looked at, back to two periods more, and a
 * minute at least, where some are missing; only when there are fewer does TreatMissingData count
 * for the rest. With `missing` and `ignore`, data that all breach are enough when the oldest is
 * DatapointsToAlarm periods old: then the alarm would have come had the others been there. */
#include "api/monitoring/monitoring_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EXTRA_PERIODS 2

/* Data of standard resolution are at the beginning of their minute: short periods look back to it.
 */
int64_t monitoring_range(const json_t *alarm, int64_t period)
{
	int64_t minute = 60 / period + 1;

	return api_member_number(alarm, "EvaluationPeriods", 1) +
	       (minute > EXTRA_PERIODS ? minute : EXTRA_PERIODS);
}

bool monitoring_is_breaching(const json_t *alarm, double value)
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

static const double *value_of(const struct monitoring_series *series, int64_t time)
{
	for (size_t i = 0; i < series->count; i++) {
		if (series->times[i] == time)
			return &series->values[i];
	}
	return NULL;
}

/* A percentile P means something from 10 / (1 - P) values on, and below the median from 10 / P. */
static bool is_sampled(const json_t *alarm, const struct monitoring_series *samples, int64_t time)
{
	struct monitoring_statistic statistic;
	const double *count = samples ? value_of(samples, time) : NULL;

	if (!count ||
		!monitoring_parse_statistic(
			api_member_text(alarm, "ExtendedStatistic"), &statistic) ||
		statistic.kind != MONITORING_PERCENTILE)
		return true;
	double part = statistic.high / 100;
	double rest = part >= 0.5 ? 1 - part : part;
	return *count * rest > 10 - 1e-6; /* 1 - 0.9 is not quite 0.1 */
}

/* With fewer data than periods. oldest: of the data, in periods, this one is 1. */
static const char *state_with_gaps(
	const json_t *alarm, const struct monitoring_decision *decision, size_t oldest)
{
	struct str treatment = api_member_text(alarm, "TreatMissingData");
	bool is_ignored = str_equal(treatment, STR("ignore"));
	size_t breaching = decision->breaching;

	if (str_equal(treatment, STR("breaching")))
		breaching += decision->periods - decision->present;
	if (breaching >= decision->needed)
		return "ALARM";
	if (str_equal(treatment, STR("breaching")) || str_equal(treatment, STR("notBreaching")))
		return "OK";
	if (!decision->present)
		return is_ignored ? NULL : "INSUFFICIENT_DATA";
	if (decision->breaching < decision->present)
		return "OK";
	if (is_ignored)
		return NULL;
	return oldest >= decision->needed ? "ALARM" : "OK";
}

void monitoring_decide(const json_t *alarm, const struct monitoring_series *series,
	const struct monitoring_series *samples, int64_t last, int64_t period,
	struct monitoring_decision *ret_decision)
{
	int64_t n = api_member_number(alarm, "EvaluationPeriods", 1);
	struct monitoring_decision decision = {.periods = (size_t)n,
		.needed = (size_t)api_member_number(alarm, "DatapointsToAlarm", n)};
	size_t oldest = 0;

	int64_t range = monitoring_range(alarm, period);
	for (int64_t i = 0; i < range && decision.present < decision.periods; i++) {
		int64_t time = last - i * period;
		const double *value = value_of(series, time);
		if (!value)
			continue;
		decision.present++;
		decision.breaching += monitoring_is_breaching(alarm, *value);
		decision.has_few_samples =
			decision.has_few_samples || !is_sampled(alarm, samples, time);
		monitoring_series_add(&decision.used, time, *value);
		oldest = (size_t)i + 1;
	}
	if (decision.has_few_samples)
		decision.state = NULL;
	else if (decision.present == decision.periods)
		decision.state = decision.breaching >= decision.needed ? "ALARM" : "OK";
	else
		decision.state = state_with_gaps(alarm, &decision, oldest);
	*ret_decision = decision;
}

/* ---- why ---- */

/* As AWS writes them: 12.0, 0.5. */
static const char *write_number(char text[static 32], double number)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, 30, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	if (text[strspn(text, "-0123456789")] == '\0')
		memcpy(text + strlen(text), ".0", 3);
	return text;
}

static size_t write_data(const struct monitoring_decision *decision, char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < decision->used.count && n + 100 < size; i++) {
		time_t time = (time_t)decision->used.times[i];
		char number[32];
		char moment[32];
		struct tm date;
		gmtime_r(&time, &date);
		strftime(moment, sizeof(moment), "%d/%m/%y %H:%M:%S", &date);
		n += (size_t)snprintf(text + n, size - n, "%s%s (%s)", i ? ", " : "",
			write_number(number, decision->used.values[i]), moment);
	}
	return n;
}

static const char *words_of(struct str operator)
{
	static const struct {
		const char *operator, * words;
	} all[] = {
		{"GreaterThanOrEqualToThreshold", "greater than or equal to"},
		{"GreaterThanThreshold", "greater than"},
		{"LessThanThreshold", "less than"},
		{"LessThanOrEqualToThreshold", "less than or equal to"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (str_equal(operator, str_from(all[i].operator)))
			return all[i].words;
	}
	return "";
}

static void reason_without_data(const json_t *alarm, const struct monitoring_decision *decision,
	char reason[static MONITORING_REASON_MAX])
{
	const char *plural = decision->periods == 1 ? "" : "s";
	const char *verb = decision->periods == 1 ? "was" : "were";

	if (decision->state && strcmp(decision->state, "INSUFFICIENT_DATA") == 0) {
		snprintf(reason, MONITORING_REASON_MAX,
			"Insufficient Data: %zu datapoint%s %s unknown.", decision->periods, plural,
			verb);
		return;
	}
	bool is_breaching = str_equal(api_member_text(alarm, "TreatMissingData"), STR("breaching"));
	snprintf(reason, MONITORING_REASON_MAX,
		"Threshold Crossed: no datapoints were received for %zu period%s and %zu missing datapoint%s %s treated as [%s].",
		decision->periods, plural, decision->periods, plural, verb,
		is_breaching ? "Breaching" : "NonBreaching");
}

void monitoring_reason(const json_t *alarm, const struct monitoring_decision *decision,
	char reason[static MONITORING_REASON_MAX])
{
	bool is_alarm = decision->state && strcmp(decision->state, "ALARM") == 0;
	size_t n = decision->used.count;
	char data[700] = "";
	char number[32];

	if (!n) {
		reason_without_data(alarm, decision, reason);
		return;
	}
	write_data(decision, data, sizeof(data));
	size_t crossing = is_alarm ? decision->breaching : n - decision->breaching;
	bool has_needed = json_object_get(alarm, "DatapointsToAlarm") != NULL;
	const char *plural = n == 1 ? "" : "s";
	char which[100];
	char minimum[100] = "";
	if (has_needed) {
		snprintf(which, sizeof(which), "%zu out of the last %zu datapoints", crossing, n);
		snprintf(minimum, sizeof(minimum), " (minimum %zu datapoint%s for %s transition)",
			decision->needed, decision->needed == 1 ? "" : "s",
			is_alarm ? "OK -> ALARM" : "ALARM -> OK");
	} else {
		snprintf(which, sizeof(which), "%zu datapoint%s", n, plural);
	}
	bool is_one = has_needed ? crossing == 1 : n == 1;
	snprintf(reason, MONITORING_REASON_MAX,
		"Threshold Crossed: %s [%s] %s%s %s the threshold (%s)%s.", which, data,
		is_one ? "was" : "were", is_alarm ? "" : " not",
		words_of(api_member_text(alarm, "ComparisonOperator")),
		write_number(number, json_number_value(json_object_get(alarm, "Threshold"))),
		minimum);
}
