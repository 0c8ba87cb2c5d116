/* The tables of the user guide's "Configuring how CloudWatch alarms treat missing data": the last
 * five periods, the latest to the right, X breaches, 0 does not, - is missing; and what each way of
 * treating missing data makes of them. */
#include "api/monitoring/monitoring_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { PERIOD = 60, LAST = 6000 };
static const char *const treatments[] = {"missing", "ignore", "breaching", "notBreaching"};

static struct monitoring_series series_of(const char *data)
{
	struct monitoring_series series = {.count = 0};
	size_t n = strlen(data);

	for (size_t i = 0; i < n; i++) {
		if (data[i] != '-')
			monitoring_series_add(&series, LAST - (int64_t)(n - 1 - i) * PERIOD,
				data[i] == 'X' ? 20 : 1);
	}
	return series;
}

static void assert_state(int m, const char *treatment, const char *data, const char *expected)
{
	json_t *alarm = json_pack("{s:i, s:i, s:s, s:f, s:s}", "EvaluationPeriods", 3,
		"DatapointsToAlarm", m, "ComparisonOperator", "GreaterThanOrEqualToThreshold",
		"Threshold", 10.0, "TreatMissingData", treatment);
	struct monitoring_series series = series_of(data);
	struct monitoring_decision decision;

	monitoring_decide(alarm, &series, NULL, LAST, PERIOD, &decision);
	if (strcmp(decision.state ? decision.state : "retain", expected) != 0)
		fail_msg("%d of 3, %s, %s: %s", m, treatment, data,
			decision.state ? decision.state : "retain");
	monitoring_series_done(&decision.used);
	monitoring_series_done(&series);
	json_decref(alarm);
}

static void the_tables_hold(void **state)
{
	static const struct {
		int m;
		const char *data, *expected[4];
	} rows[] = {
		{3, "0-X-X", {"OK", "OK", "OK", "OK"}},
		{3, "----0", {"OK", "OK", "OK", "OK"}},
		{3, "-----", {"INSUFFICIENT_DATA", "retain", "ALARM", "OK"}},
		{3, "0XX-X", {"ALARM", "ALARM", "ALARM", "ALARM"}},
		{3, "--X--", {"ALARM", "retain", "ALARM", "OK"}},
		{2, "0-X-X", {"ALARM", "ALARM", "ALARM", "ALARM"}},
		{2, "00X0X", {"ALARM", "ALARM", "ALARM", "ALARM"}},
		{2, "0-X--", {"OK", "OK", "ALARM", "OK"}},
		{2, "----0", {"OK", "OK", "ALARM", "OK"}},
		{2, "--X--", {"ALARM", "retain", "ALARM", "OK"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t n = 0; n < ARRAY_SIZE(treatments); n++)
			assert_state(rows[i].m, treatments[n], rows[i].data, rows[i].expected[n]);
	}
}

/* One breaching value that has just come is no reason yet for three of three. */
static void alarms_are_not_premature(void **state)
{
	assert_state(3, "missing", "----X", "OK");
	assert_state(3, "missing", "---XX", "OK");
	assert_state(1, "missing", "----X", "ALARM");
}

/* A value of standard resolution is at the beginning of its minute, six periods ago at most. */
static void short_periods_see_the_minute(void **state)
{
	json_t *alarm = json_pack("{s:i, s:s, s:f}", "EvaluationPeriods", 1, "ComparisonOperator",
		"GreaterThanThreshold", "Threshold", 10.0);
	struct monitoring_series series = {.count = 0};
	struct monitoring_decision decision;

	monitoring_series_add(&series, LAST, 20);
	for (int64_t after = 0; after <= 90; after += 10) {
		monitoring_decide(alarm, &series, NULL, LAST + after, 10, &decision);
		assert_string_equal(decision.state, after <= 70 ? "ALARM" : "INSUFFICIENT_DATA");
		monitoring_series_done(&decision.used);
	}
	monitoring_series_done(&series);
	json_decref(alarm);
}

static void few_samples_tell_nothing(void **state)
{
	json_t *alarm =
		json_pack("{s:i, s:s, s:f, s:s}", "EvaluationPeriods", 1, "ComparisonOperator",
			"GreaterThanThreshold", "Threshold", 10.0, "ExtendedStatistic", "p90");
	struct monitoring_series series = series_of("X");

	/* 10 / (1 - 0.9) values are needed. */
	for (int count = 99; count <= 100; count++) {
		struct monitoring_series samples = {.count = 0};
		struct monitoring_decision decision;
		monitoring_series_add(&samples, LAST, count);
		monitoring_decide(alarm, &series, &samples, LAST, PERIOD, &decision);
		if (count < 100)
			assert_null(decision.state);
		else
			assert_string_equal(decision.state, "ALARM");
		monitoring_series_done(&decision.used);
		monitoring_series_done(&samples);
	}
	monitoring_series_done(&series);
	json_decref(alarm);
}

/* Sentences as recorded from AWS. */
static void reasons_are_told(void **state)
{
	json_t *alarm =
		json_pack("{s:i, s:s, s:f, s:s}", "EvaluationPeriods", 1, "ComparisonOperator",
			"GreaterThanThreshold", "Threshold", 2.0, "TreatMissingData", "breaching");
	struct monitoring_series series = series_of("X");
	struct monitoring_series none = {.count = 0};
	struct monitoring_decision decision;
	char reason[MONITORING_REASON_MAX];

	monitoring_decide(alarm, &series, NULL, LAST, PERIOD, &decision);
	monitoring_reason(alarm, &decision, reason);
	assert_string_equal(reason, "Threshold Crossed: 1 datapoint [20.0 (01/01/70 01:40:00)] was "
				    "greater than the threshold (2.0).");
	json_object_set_new(alarm, "DatapointsToAlarm", json_integer(1));
	monitoring_reason(alarm, &decision, reason);
	assert_string_equal(reason,
		"Threshold Crossed: 1 out of the last 1 datapoints [20.0 (01/01/70 01:40:00)] was "
		"greater than the threshold (2.0) (minimum 1 datapoint for OK -> ALARM transition).");
	monitoring_series_done(&decision.used);
	monitoring_decide(alarm, &none, NULL, LAST, PERIOD, &decision);
	monitoring_reason(alarm, &decision, reason);
	assert_string_equal(reason, "Threshold Crossed: no datapoints were received for 1 period "
				    "and 1 missing datapoint was treated as [Breaching].");
	monitoring_series_done(&decision.used);
	monitoring_series_done(&series);
	json_decref(alarm);
}

/* ---- statistics of values ---- */

static double statistic_of(const char *name)
{
	/* 1 to 100, each once. */
	struct store_metric_value values[100];
	struct monitoring_statistic statistic;
	double result = -1;

	for (int i = 0; i < 100; i++)
		values[i] = (struct store_metric_value){100 - i, 1};
	if (!monitoring_parse_statistic(str_from(name), &statistic))
		fail_msg("%s", name);
	assert_true(monitoring_statistic_of(&statistic, values, 100, &result));
	return result;
}

static void values_have_statistics(void **state)
{
	assert_float_equal(statistic_of("p50"), 50.5, 1e-9);
	assert_float_equal(statistic_of("p100"), 100, 1e-9);
	assert_float_equal(statistic_of("tm90"), 45.5, 1e-9);
	assert_float_equal(statistic_of("TM(10%:90%)"), 50.5, 1e-9);
	assert_float_equal(statistic_of("TM(90:100)"), 95.5, 1e-9);
	assert_float_equal(statistic_of("IQM"), 50.5, 1e-9);
	assert_float_equal(statistic_of("tc90"), 90, 1e-9);
	assert_float_equal(statistic_of("TC(:20)"), 20, 1e-9);
	assert_float_equal(statistic_of("ts10"), 55, 1e-9);
	assert_float_equal(statistic_of("PR(:30)"), 30, 1e-9);
	assert_float_equal(statistic_of("PR(30:40)"), 10, 1e-9);
	assert_float_equal(statistic_of("WM(:50)"), (1275 + 50 * 50) / 100.0, 1e-9);
}

static void others_are_none(void **state)
{
	static const char *const bad[] = {"", "p", "p101", "px", "tm", "tm0", "TM", "TM(5:5)",
		"TM(10%:90)", "TM(:)", "PR(1%:5%)", "Median", "average", "tm(1:2)", "TM(90%:10%)"};
	struct monitoring_statistic statistic;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (monitoring_parse_statistic(str_from(bad[i]), &statistic))
			fail_msg("%s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tables_hold),
		cmocka_unit_test(alarms_are_not_premature),
		cmocka_unit_test(short_periods_see_the_minute),
		cmocka_unit_test(few_samples_tell_nothing),
		cmocka_unit_test(reasons_are_told),
		cmocka_unit_test(values_have_statistics),
		cmocka_unit_test(others_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
