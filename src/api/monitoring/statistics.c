/* GetMetricStatistics and ListMetrics. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <math.h>

#define DATAPOINTS_MAX 1440
#define METRICS_PAGE   500

/* ---- GetMetricStatistics ---- */

static json_t *find_point(json_t *points, int64_t time, struct str unit)
{
	size_t i;
	json_t *point;

	json_array_foreach(points, i, point)
	{
		if (json_integer_value(json_object_get(point, "Timestamp")) == time * 1000 &&
			str_equal(api_member_text(point, "Unit"), unit))
			return point;
	}
	point = json_pack(
		"{s:I, s:s%}", "Timestamp", (json_int_t)time * 1000, "Unit", unit.p, unit.n);
	json_array_append_new(points, point);
	return point;
}

static void add_unit(void *context, const struct store_metric_point *point)
{
	json_t *units = context;

	json_object_setn_new(units, point->unit.p, point->unit.n, json_true());
}

/* The units that are asked for: one, or all that the data have, for they are never mixed. */
static int find_units(struct api_call *call, const struct monitoring_source *source, int64_t start,
	int64_t end, json_t *units)
{
	if (source->unit.p) {
		json_object_setn_new(units, source->unit.p, source->unit.n, json_true());
		return 0;
	}
	return store_metrics_read(monitoring_of(call)->metrics, source->name_space, source->name,
		str_from(source->dimensions), STR_NONE, start, end, add_unit, units,
		&call->exchange->err);
}

static int add_statistic(struct api_call *call, const struct monitoring_source *source,
	int64_t start, int64_t end, bool is_extended, json_t *points, struct aws_error *error)
{
	struct monitoring_statistic kind;
	struct monitoring_series series;
	char name[64];

	if (!monitoring_parse_statistic(source->statistic, &kind) ||
		(kind.kind != MONITORING_SIMPLE) != is_extended ||
		source->statistic.n >= sizeof(name))
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The value %.*s for parameter %s is invalid.", STR_ARG(source->statistic),
			is_extended ? "ExtendedStatistics" : "Statistics");
	memcpy(name, source->statistic.p, source->statistic.n);
	name[source->statistic.n] = '\0';
	if (monitoring_series_read(monitoring_of(call)->metrics, source, start, end, &series,
		    &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	for (size_t i = 0; i < series.count; i++) {
		json_t *point = find_point(points, series.times[i], source->unit);
		if (!is_extended) {
			json_object_set_new(point, name, json_real(series.values[i]));
			continue;
		}
		json_t *extended = json_object_get(point, "ExtendedStatistics");
		if (!extended) {
			extended = json_object();
			json_object_set_new(point, "ExtendedStatistics", extended);
		}
		json_object_set_new(extended, name, json_real(series.values[i]));
	}
	monitoring_series_done(&series);
	return 0;
}

static int check_statistics(const struct api_call *call, int64_t start, int64_t end, int64_t period,
	struct aws_error *error)
{
	if (!json_object_get(call->input, "Statistics") &&
		!json_object_get(call->input, "ExtendedStatistics"))
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_COMBINATION,
			"Must specify either Statistics or ExtendedStatistics");
	if (end <= start)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The parameter StartTime must be less than the parameter EndTime.");
	if (monitoring_check_period(period, error) < 0)
		return -1;
	if ((end - start) / period > DATAPOINTS_MAX)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_COMBINATION,
			"You have requested up to %lld datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
			(long long)((end - start) / period), DATAPOINTS_MAX);
	return 0;
}

static int add_statistics(struct api_call *call, struct monitoring_source *source, int64_t start,
	int64_t end, json_t *points, struct aws_error *error)
{
	static const char *const lists[] = {"Statistics", "ExtendedStatistics"};

	for (size_t extended = 0; extended < 2; extended++) {
		size_t i;
		json_t *name;
		json_array_foreach(json_object_get(call->input, lists[extended]), i, name)
		{
			source->statistic =
				(struct str){json_string_value(name), json_string_length(name)};
			if (add_statistic(call, source, start, end, extended, points, error) < 0)
				return -1;
		}
	}
	return 0;
}

MONITORING_HANDLER(monitoring_get_statistics)
{
	int64_t start = api_member_number(call->input, "StartTime", 0) / 1000;
	int64_t end = api_member_number(call->input, "EndTime", 0) / 1000; /* by the second */
	_cleanup_free_ char *dimensions =
		store_metric_dimensions(json_object_get(call->input, "Dimensions"));
	struct monitoring_source source = {
		.name_space = api_member_text(call->input, "Namespace"),
		.name = api_member_text(call->input, "MetricName"),
		.dimensions = dimensions,
		.unit = api_member_text(call->input, "Unit"),
		.period = api_member_number(call->input, "Period", 60),
	};
	json_t *points = json_array();

	json_object_set_new(call->output, "Datapoints", points);
	json_object_set(call->output, "Label", json_object_get(call->input, "MetricName"));
	if (check_statistics(call, start, end, source.period, error) < 0)
		return -1;
	json_t *units = json_object();
	int result = find_units(call, &source, start - start % source.period, end, units) < 0
			     ? monitoring_inner(call, error)
			     : 0;
	const char *unit;
	json_t *is_there;
	json_object_foreach(units, unit, is_there)
	{
		source.unit = str_from(unit);
		if (result == 0)
			result = add_statistics(call, &source, start, end, points, error);
	}
	json_decref(units);
	return result;
}

/* ---- ListMetrics ---- */

struct listing {
	const json_t *filters;
	json_t *metrics;
	struct buf last;
	bool has_more;
};

static bool fits(const json_t *dimensions, const json_t *filters)
{
	size_t i;
	size_t n;
	json_t *filter;
	json_t *dimension;

	json_array_foreach(filters, i, filter)
	{
		const json_t *value = json_object_get(filter, "Value");
		bool found = false;
		json_array_foreach(dimensions, n, dimension)
		{
			if (json_equal(json_object_get(dimension, "Name"),
				    json_object_get(filter, "Name")) &&
				(!value || json_equal(json_object_get(dimension, "Value"), value)))
				found = true;
		}
		if (!found)
			return false;
	}
	return true;
}

static bool on_metric(void *context, struct str key, struct str name_space, struct str name,
	struct str dimensions)
{
	struct listing *listing = context;
	json_t *list = json_loadb(dimensions.p, dimensions.n, 0, NULL);

	if (!fits(list, listing->filters)) {
		json_decref(list);
		return true;
	}
	if (json_array_size(listing->metrics) == METRICS_PAGE) {
		json_decref(list);
		listing->has_more = true;
		return false;
	}
	json_array_append_new(listing->metrics,
		json_pack("{s:s%, s:s%, s:o}", "Namespace", name_space.p, name_space.n,
			"MetricName", name.p, name.n, "Dimensions", list));
	listing->last.n = 0;
	buf_add_str(&listing->last, key);
	return true;
}

MONITORING_HANDLER(monitoring_list)
{
	struct listing listing = {
		.filters = json_object_get(call->input, "Dimensions"), .metrics = json_array()};
	_cleanup_buf_ struct buf after = {0};
	int64_t now = clock_wall_ns() / CLOCK_NS_PER_SECOND;
	bool is_recent = api_member_text(call->input, "RecentlyActive").p;

	json_object_set_new(call->output, "Metrics", listing.metrics);
	if (monitoring_token(call, &after, error) < 0)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"Request parameter NextToken is invalid");
	int result = store_metrics_list(monitoring_of(call)->metrics,
		api_member_text(call->input, "Namespace"),
		api_member_text(call->input, "MetricName"),
		now - (is_recent ? 3 * 3600 : 14 * 86400), buf_str(&after), on_metric, &listing,
		&call->exchange->err);
	if (result == 0 && listing.has_more)
		monitoring_next(call->output, buf_str(&listing.last));
	buf_done(&listing.last);
	return result < 0 ? monitoring_inner(call, error) : 0;
}
