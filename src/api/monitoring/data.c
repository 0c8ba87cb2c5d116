/* GetMetricData: metrics and expressions over them, each known by an id. An expression may use ids
 * in any order; what it stands on is computed first, and a circle is refused. */
#include "api/monitoring/monitoring_priv.h"

#include <math.h>

#define POINTS_MAX 100800

enum { QUERY_WAITS, QUERY_RUNS, QUERY_DONE };

static int refuse(struct aws_error *error, const char *what, struct str id)
{
	return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR, "Error in expression '%.*s': %s",
		STR_ARG(id), what);
}

static bool is_id(struct str id)
{
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (i && c >= 'A' && c <= 'Z');
		if (!is_letter && !(i && ((c >= '0' && c <= '9') || c == '_')))
			return false;
	}
	return id.n > 0;
}

static int read_query(
	struct monitoring_queries *queries, const json_t *item, struct aws_error *error)
{
	struct monitoring_query *query = &queries->queries[queries->count];
	const json_t *returned = json_object_get(item, "ReturnData");

	*query = (struct monitoring_query){
		.id = api_member_text(item, "Id"),
		.label = api_member_text(item, "Label"),
		.expression = api_member_text(item, "Expression"),
		.stat = json_object_get(item, "MetricStat"),
		.is_returned = !json_is_false(returned),
		.period = api_member_number(item, "Period", 0),
	};
	if (!is_id(query->id))
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"The value %.*s for parameter MetricDataQueries.member.%zu.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
			STR_ARG(query->id), queries->count + 1);
	for (size_t i = 0; i < queries->count; i++) {
		if (str_equal(queries->queries[i].id, query->id))
			return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
				"The values for parameter Id in MetricDataQueries are not unique.");
	}
	if (!query->stat == !query->expression.p)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"Exactly one of the parameters MetricStat and Expression must be given for %.*s.",
			STR_ARG(query->id));
	queries->count++;
	return 0;
}

static int run_stat(
	struct monitoring_queries *queries, struct monitoring_query *query, struct aws_error *error)
{
	const json_t *metric = json_object_get(query->stat, "Metric");
	_cleanup_free_ char *dimensions =
		store_metric_dimensions(json_object_get(metric, "Dimensions"));
	struct monitoring_source source = {
		.name_space = api_member_text(metric, "Namespace"),
		.name = api_member_text(metric, "MetricName"),
		.dimensions = dimensions,
		.statistic = api_member_text(query->stat, "Stat"),
		.unit = api_member_text(query->stat, "Unit"),
		.period = api_member_number(query->stat, "Period", 0),
	};

	if (!monitoring_is_statistic(source.statistic))
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"The value %.*s for parameter Stat of %.*s is not supported.",
			STR_ARG(source.statistic), STR_ARG(query->id));
	if (monitoring_check_period(source.period, error) < 0)
		return -1;
	if ((queries->end - queries->start) / source.period > POINTS_MAX)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"%.*s has more than %d datapoints.", STR_ARG(query->id), POINTS_MAX);
	query->period = source.period;
	if (monitoring_series_read(queries->metrics, &source, queries->start, queries->end,
		    &query->series, queries->err) < 0)
		return aws_error_internal(error);
	return 0;
}

int monitoring_query_run(
	struct monitoring_queries *queries, struct monitoring_query *query, struct aws_error *error)
{
	if (query->state == QUERY_DONE)
		return 0;
	if (query->state == QUERY_RUNS)
		return refuse(error, "it stands on itself", query->id);
	query->state = QUERY_RUNS;
	int result = query->stat ? run_stat(queries, query, error)
				 : monitoring_math(queries, query, error);
	query->state = QUERY_DONE;
	return result;
}

int monitoring_queries_run(
	struct monitoring_queries *queries, const json_t *input, struct aws_error *error)
{
	size_t count = json_array_size(input);
	size_t i;
	json_t *item;

	if (count == 0 || count > MONITORING_QUERIES_MAX)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"The collection MetricDataQueries must have from 1 to %d members.",
			MONITORING_QUERIES_MAX);
	queries->queries = mem_new(count, sizeof(queries->queries[0]));
	json_array_foreach(input, i, item)
	{
		if (read_query(queries, item, error) < 0)
			return -1;
	}
	for (i = 0; i < queries->count; i++) {
		if (monitoring_query_run(queries, &queries->queries[i], error) < 0)
			return -1;
	}
	return 0;
}

void monitoring_queries_done(struct monitoring_queries *queries)
{
	for (size_t i = 0; i < queries->count; i++)
		monitoring_series_done(&queries->queries[i].series);
	free(queries->queries);
	queries->queries = NULL;
	queries->count = 0;
}

static json_t *result_of(const struct monitoring_query *query, bool ascending)
{
	const struct monitoring_series *series = &query->series;
	struct str label =
		query->label.p ? query->label
		: query->expression.p
			? query->id
			: api_member_text(json_object_get(query->stat, "Metric"), "MetricName");
	json_t *times = json_array();
	json_t *values = json_array();

	for (size_t i = 0; i < series->count; i++) {
		size_t at = ascending ? i : series->count - 1 - i;
		json_array_append_new(times, json_integer(series->times[at] * 1000));
		json_array_append_new(values, json_real(series->values[at]));
	}
	return json_pack("{s:s%, s:s%, s:o, s:o, s:s}", "Id", query->id.p, query->id.n, "Label",
		label.p, label.n, "Timestamps", times, "Values", values, "StatusCode", "Complete");
}

MONITORING_HANDLER(monitoring_get_data)
{
	struct monitoring_queries queries = {
		.metrics = monitoring_of(call)->metrics,
		.start = api_member_number(call->input, "StartTime", 0) / 1000,
		.end = (api_member_number(call->input, "EndTime", 0) + 999) / 1000,
		.err = &call->exchange->err,
	};
	bool ascending =
		str_equal(api_member_text(call->input, "ScanBy"), STR("TimestampAscending"));
	json_t *results = json_array();

	json_object_set_new(call->output, "MetricDataResults", results);
	json_object_set_new(call->output, "Messages", json_array());
	/* By the second. */
	int64_t end = api_member_number(call->input, "EndTime", 0) / 1000;
	if (end <= queries.start)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			end == queries.start
				? "The parameter StartTime must not equal parameter EndTime."
				: "The parameter EndTime must be greater than StartTime.");
	int result = monitoring_queries_run(
		&queries, json_object_get(call->input, "MetricDataQueries"), error);
	for (size_t i = 0; result == 0 && i < queries.count; i++) {
		if (queries.queries[i].is_returned)
			json_array_append_new(results, result_of(&queries.queries[i], ascending));
	}
	monitoring_queries_done(&queries);
	return result;
}
