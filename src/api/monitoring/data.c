/* GetMetricData: metrics and expressions over them, each known by an id. An expression may use ids
 * in any order; what it stands on is computed first, and a circle is refused. A page is as many
 * datapoints as MaxDatapoints says, of all results one after the other; its token is how many were
 * given before. */
#include "api/monitoring/monitoring_priv.h"

#include <stdio.h>
#include <stdlib.h>

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
	if (!query->stat && !query->expression.p)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"The parameter MetricDataQueries.member.%zu.MetricStat is required.\n",
			queries->count + 1);
	if (query->stat && query->expression.p)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"Exactly one of the parameters MetricStat and Expression must be given for %.*s.",
			STR_ARG(query->id));
	queries->count++;
	return 0;
}

/* What labels are made of. */
static json_t *origin_of(const json_t *metric, struct str statistic)
{
	return json_pack("{s:O*, s:O*, s:O*, s:s%}", "Namespace",
		json_object_get(metric, "Namespace"), "MetricName",
		json_object_get(metric, "MetricName"), "Dimensions",
		json_object_get(metric, "Dimensions"), "Stat", statistic.p, statistic.n);
}

static int run_stat(
	struct monitoring_queries *queries, struct monitoring_query *query, struct aws_error *error)
{
	const json_t *metric = json_object_get(query->stat, "Metric");
	struct monitoring_statistic statistic;
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

	if (!monitoring_parse_statistic(source.statistic, &statistic))
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"The value %.*s for parameter MetricDataQueries.member.%zu.MetricStat.Stat is not supported.",
			STR_ARG(source.statistic), (size_t)(query - queries->queries) + 1);
	if (monitoring_check_period(source.period, error) < 0)
		return -1;
	if ((queries->end - queries->start) / source.period > POINTS_MAX)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"%.*s has more than %d datapoints.", STR_ARG(query->id), POINTS_MAX);
	query->period = source.period;
	query->results = mem_new(1, sizeof(query->results[0]));
	query->results_count = 1;
	if (monitoring_series_read(queries->metrics, &source, queries->start, queries->end,
		    &query->results[0], queries->err) < 0)
		return aws_error_internal(error);
	query->results[0].origin = origin_of(metric, source.statistic);
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
		     : monitoring_is_select(query->expression)
			     ? monitoring_select(queries, query, error)
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
		monitoring_series_list_done(
			queries->queries[i].results, queries->queries[i].results_count);
	free(queries->queries);
	queries->queries = NULL;
	queries->count = 0;
}

/* ---- the answer ---- */

struct page {
	struct monitoring_label label;
	bool is_ascending;
	size_t before, room; /* datapoints of former pages; that fit here */
	size_t given;
	bool has_more;
	json_t *results;
};

static void add_result(struct page *page, const struct monitoring_query *query,
	const struct monitoring_series *series)
{
	size_t skipped = page->before < series->count ? page->before : series->count;
	size_t count = series->count - skipped;
	bool is_first = page->before == 0 || (skipped < series->count);
	json_t *times = json_array();
	json_t *values = json_array();

	page->before -= skipped;
	if (count > page->room) {
		count = page->room;
		page->has_more = true;
	}
	for (size_t i = 0; i < count; i++) {
		size_t at = page->is_ascending ? skipped + i : series->count - 1 - skipped - i;
		json_array_append_new(times, json_integer(series->times[at] * 1000));
		json_array_append_new(values, json_real(series->values[at]));
	}
	page->room -= count;
	page->given += count;
	_cleanup_free_ char *label = monitoring_label_of(&page->label, query, series);
	json_t *result = json_pack("{s:s%, s:s, s:o, s:o, s:s}", "Id", query->id.p, query->id.n,
		"Label", label, "Timestamps", times, "Values", values, "StatusCode",
		skipped + count < series->count ? "PartialData" : "Complete");
	if (series->units) {
		_cleanup_buf_ struct buf units = {0};
		monitoring_series_units(series, &units);
		_cleanup_free_ char *text =
			mem_printf("Multiple units returned: '[%s]'", buf_text(&units));
		json_object_set_new(result, "Messages",
			json_pack("[{s:s, s:s}]", "Code", "MultipleUnits", "Value", text));
	}
	/* What a former page had in full is not said again. */
	if (is_first || !series->count)
		json_array_append_new(page->results, result);
	else
		json_decref(result);
}

static int read_page(struct api_call *call, struct page *page, struct aws_error *error)
{
	struct str zone = api_member_text(json_object_get(call->input, "LabelOptions"), "Timezone");
	int64_t max = api_member_number(call->input, "MaxDatapoints", POINTS_MAX);
	_cleanup_buf_ struct buf after = {0};

	if (zone.p && !monitoring_parse_zone(zone, &page->label.zone_seconds))
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"The value %.*s for parameter LabelOptions.Timezone is not matching the expected pattern ^[+-][0-9]{4}$.",
			(int)(zone.n < 40 ? zone.n : 40), zone.p);
	if (max < 1 || max > POINTS_MAX)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"The value %lld for parameter MaxDatapoints must be from 1 to %d.",
			(long long)max, POINTS_MAX);
	if (monitoring_token(call, &after, error) < 0)
		return -1;
	page->room = (size_t)max;
	page->before = (size_t)strtoull(buf_text(&after), NULL, 10);
	return 0;
}

static void answer(
	struct api_call *call, const struct monitoring_queries *queries, struct page *page)
{
	size_t before = page->before;
	char token[24];

	for (size_t i = 0; i < queries->count; i++) {
		const struct monitoring_query *query = &queries->queries[i];
		for (size_t n = 0; n < query->results_count && query->is_returned; n++)
			add_result(page, query, &query->results[n]);
	}
	if (!page->has_more)
		return;
	int n = snprintf(token, sizeof(token), "%zu", before + page->given);
	monitoring_next(call->output, (struct str){token, (size_t)n});
}

MONITORING_HANDLER(monitoring_get_data)
{
	struct monitoring_queries queries = {
		.metrics = monitoring_of(call)->metrics,
		.start = api_member_number(call->input, "StartTime", 0) / 1000,
		.end = (api_member_number(call->input, "EndTime", 0) + 999) / 1000,
		.err = &call->exchange->err,
	};
	struct page page = {.label = {.queries = &queries, .monitoring = monitoring_of(call)},
		.is_ascending = str_equal(
			api_member_text(call->input, "ScanBy"), STR("TimestampAscending")),
		.results = json_array()};

	json_object_set_new(call->output, "MetricDataResults", page.results);
	json_object_set_new(call->output, "Messages", json_array());
	/* By the second. */
	int64_t end = api_member_number(call->input, "EndTime", 0) / 1000;
	if (end <= queries.start)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			end == queries.start
				? "The parameter StartTime must not equal parameter EndTime."
				: "The parameter EndTime must be greater than StartTime.");
	if (read_page(call, &page, error) < 0)
		return -1;
	int result = monitoring_queries_run(
		&queries, json_object_get(call->input, "MetricDataQueries"), error);
	if (result == 0)
		answer(call, &queries, &page);
	monitoring_queries_done(&queries);
	return result;
}
