/* PutMetricData. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <math.h>

#define DATA_MAX   1000
#define VALUES_MAX 150
#define PAST_MS    (INT64_C(14) * 86400000)
#define FUTURE_MS  (INT64_C(2) * 3600000)

/* Numbers that a metric can have: of 2^-360 to 2^360. */
static bool is_number(const json_t *value)
{
	double number = json_number_value(value);

	return json_is_number(value) && isfinite(number) && fabs(number) <= 0x1p360;
}

static int refuse_value(struct aws_error *error, size_t i, const char *member)
{
	return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
		"The value for parameter MetricData.member.%zu.%s is invalid.", i + 1, member);
}

static int refuse_both(struct aws_error *error, size_t i, const char *first, const char *second)
{
	return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_COMBINATION,
		"The parameters MetricData.member.%zu.%s and MetricData.member.%zu.%s are mutually exclusive and you have specified both.",
		i + 1, first, i + 1, second);
}

static int read_values(const json_t *item, size_t i, struct store_metric_datum *datum,
	struct store_metric_value *values, struct aws_error *error)
{
	const json_t *list = json_object_get(item, "Values");
	const json_t *counts = json_object_get(item, "Counts");
	size_t count = json_array_size(list);

	if (count > VALUES_MAX || count == 0)
		return refuse_value(error, i, "Values");
	if (counts && json_array_size(counts) != count)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The parameters MetricData.member.%zu.Values and MetricData.member.%zu.Counts must be of the same size.",
			i + 1, i + 1);
	for (size_t n = 0; n < count; n++) {
		const json_t *times = json_array_get(counts, n);
		if (!is_number(json_array_get(list, n)))
			return refuse_value(error, i, "Values");
		if (counts && (!is_number(times) || json_number_value(times) <= 0))
			return refuse_value(error, i, "Counts");
		values[n].value = json_number_value(json_array_get(list, n));
		values[n].count = counts ? json_number_value(times) : 1;
		datum->count += values[n].count;
		datum->sum += values[n].value * values[n].count;
		datum->min = n ? fmin(datum->min, values[n].value) : values[n].value;
		datum->max = n ? fmax(datum->max, values[n].value) : values[n].value;
	}
	datum->values = values;
	datum->values_count = count;
	return 0;
}

static int read_set(
	const json_t *set, size_t i, struct store_metric_datum *datum, struct aws_error *error)
{
	static const char *const members[] = {"SampleCount", "Sum", "Minimum", "Maximum"};
	double *const places[] = {&datum->count, &datum->sum, &datum->min, &datum->max};

	for (size_t n = 0; n < ARRAY_SIZE(members); n++) {
		if (!is_number(json_object_get(set, members[n])))
			return refuse_value(error, i, "StatisticValues");
		*places[n] = json_number_value(json_object_get(set, members[n]));
	}
	return datum->count > 0 && datum->min <= datum->max
		       ? 0
		       : refuse_value(error, i, "StatisticValues");
}

static int read_numbers(const json_t *item, size_t i, struct store_metric_datum *datum,
	struct store_metric_value *values, struct aws_error *error)
{
	const json_t *value = json_object_get(item, "Value");
	const json_t *set = json_object_get(item, "StatisticValues");
	const json_t *list = json_object_get(item, "Values");

	if (!value && !set && !list)
		return aws_error_set(error, AWS_ERROR_MISSING_PARAMETER,
			"At least one of the parameters must be specified, and one only: MetricData.member.%zu.Value, .StatisticValues or .Values.",
			i + 1);
	if (value && (list || set))
		return refuse_both(error, i, "Value", list ? "Values" : "StatisticValues");
	/* Of values and a set AWS takes both; the values tell all that the set would. */
	if (list)
		return read_values(item, i, datum, values, error);
	if (set)
		return read_set(set, i, datum, error);
	if (!is_number(value))
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The value %s for parameter MetricData.member.%zu.Value is invalid.",
			json_is_string(value) ? json_string_value(value) : "it has", i + 1);
	datum->count = 1;
	datum->sum = datum->min = datum->max = values[0].value = json_number_value(value);
	values[0].count = 1;
	datum->values = values;
	datum->values_count = 1;
	return 0;
}

static int read_datum(const struct api_call *call, const json_t *item, size_t i,
	struct store_metric_datum *datum, struct store_metric_value *values,
	struct aws_error *error)
{
	int64_t now = clock_wall_ns() / 1000000;
	int64_t time = api_member_number(item, "Timestamp", now);
	int64_t resolution = api_member_number(item, "StorageResolution", 60);
	struct str unit = api_member_text(item, "Unit");

	if (time < now - PAST_MS || time > now + FUTURE_MS)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The parameter MetricData.member.%zu.Timestamp must specify a time within the past two weeks and the next two hours.",
			i + 1);
	if (resolution != 1 && resolution != 60)
		return refuse_value(error, i, "StorageResolution");
	datum->name_space = api_member_text(call->input, "Namespace");
	datum->name = api_member_text(item, "MetricName");
	datum->unit = unit.p ? unit : STR("None");
	datum->time = time / 1000;
	datum->high_resolution = resolution == 1;
	return read_numbers(item, i, datum, values, error);
}

/* MetricData, and the data of entities: what they are of is not kept. The caller's. */
static json_t *all_data(const struct api_call *call)
{
	json_t *list = json_array();
	size_t i;
	json_t *entity;

	json_array_extend(list, json_object_get(call->input, "MetricData"));
	json_array_foreach(json_object_get(call->input, "EntityMetricData"), i, entity)
		json_array_extend(list, json_object_get(entity, "MetricData"));
	return list;
}

static int put_data(struct api_call *call, const json_t *list, struct aws_error *error)
{
	size_t count = json_array_size(list);
	struct store_metric_datum *data = mem_new(count, sizeof(data[0]));
	struct store_metric_value *values = mem_new(count * VALUES_MAX, sizeof(values[0]));
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		const json_t *item = json_array_get(list, i);
		data[i].dimensions =
			str_from(store_metric_dimensions(json_object_get(item, "Dimensions")));
		result = read_datum(call, item, i, &data[i], values + i * VALUES_MAX, error);
	}
	if (result == 0 && store_metrics_put(monitoring_of(call)->metrics, data, count, NULL,
				   &call->exchange->err) < 0)
		result = monitoring_inner(call, error);
	for (size_t i = 0; i < count; i++)
		free((char *)data[i].dimensions.p);
	free(data);
	free(values);
	return result;
}

MONITORING_HANDLER(monitoring_put_data)
{
	struct str name_space = api_member_text(call->input, "Namespace");

	if (str_starts_with(name_space, STR("AWS/")))
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The value AWS/ for parameter Namespace is invalid.");
	json_t *list = all_data(call);
	size_t count = json_array_size(list);
	int result =
		count == 0 ? aws_error_set(error, AWS_ERROR_MISSING_PARAMETER,
				     "The parameter MetricData is required.")
		: count > DATA_MAX
			? aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
				  "The collection MetricData must not have a size greater than %d.",
				  DATA_MAX)
			: put_data(call, list, error);
	json_decref(list);
	return result;
}
