/* A metric's points as one statistic a period. */
#include "api/monitoring/monitoring_priv.h"

#include <math.h>

void monitoring_series_done(struct monitoring_series *series)
{
	free(series->times);
	free(series->values);
	free(series->label);
	json_decref(series->origin);
	*series = (struct monitoring_series){.count = 0};
}

void monitoring_series_list_done(struct monitoring_series *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		monitoring_series_done(&list[i]);
	free(list);
}

void monitoring_series_copy(struct monitoring_series *to, const struct monitoring_series *from)
{
	*to = (struct monitoring_series){.period = from->period,
		.origin = json_incref(from->origin),
		.label = from->label ? mem_strdup(from->label) : NULL};
	for (size_t i = 0; i < from->count; i++)
		monitoring_series_add(to, from->times[i], from->values[i]);
}

void monitoring_series_set(struct monitoring_series *series, struct monitoring_series *from)
{
	free(series->times);
	free(series->values);
	series->times = from->times;
	series->values = from->values;
	series->count = from->count;
	*from = (struct monitoring_series){.count = 0};
}

void monitoring_series_add(struct monitoring_series *series, int64_t time, double value)
{
	/* Twice as much each time. */
	if ((series->count & (series->count - 1)) == 0) {
		size_t room = series->count ? 2 * series->count : 1;
		series->times = mem_grow(series->times, room, sizeof(series->times[0]));
		series->values = mem_grow(series->values, room, sizeof(series->values[0]));
	}
	series->times[series->count] = time;
	series->values[series->count++] = value;
}

int monitoring_check_period(int64_t period, struct aws_error *error)
{
	if (period > 0 && (period % 60 == 0 || period == 1 || period == 5 || period == 10 ||
				  period == 20 || period == 30))
		return 0;
	return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
		"The value %lld for parameter Period is invalid. Valid values are 1, 5, 10, 20, 30 and multiples of 60.",
		(long long)period);
}

/* One bucket being summed up. */
struct bucket {
	const struct monitoring_source *source;
	struct monitoring_series *series;
	struct monitoring_statistic statistic;
	int64_t start, time; /* start of the first bucket, and of this one */
	bool has_points, lacks_values;
	double count, sum, min, max;
	struct store_metric_value *values;
	size_t values_count;
};

static void finish_bucket(struct bucket *bucket)
{
	struct str statistic = bucket->source->statistic;
	double value = bucket->sum;

	if (!bucket->has_points)
		return;
	if (str_equal(statistic, STR("SampleCount")))
		value = bucket->count;
	else if (str_equal(statistic, STR("Average")))
		value = bucket->count > 0 ? bucket->sum / bucket->count : 0;
	else if (str_equal(statistic, STR("Minimum")))
		value = bucket->min;
	else if (str_equal(statistic, STR("Maximum")))
		value = bucket->max;
	bool is_known = true;
	/* Without the values themselves, of a statistic set, only what is the same for all is. */
	if (bucket->statistic.kind != MONITORING_SIMPLE && !bucket->lacks_values) {
		is_known = monitoring_statistic_of(
			&bucket->statistic, bucket->values, bucket->values_count, &value);
	} else if (bucket->statistic.kind != MONITORING_SIMPLE) {
		is_known = bucket->min == bucket->max &&
			   bucket->statistic.kind == MONITORING_PERCENTILE;
		value = bucket->min;
	}
	if (is_known)
		monitoring_series_add(bucket->series, bucket->time, value);
	bucket->has_points = false;
}

static void on_point(void *context, const struct store_metric_point *point)
{
	struct bucket *bucket = context;
	int64_t period = bucket->source->period;
	int64_t time = bucket->start + (point->time - bucket->start) / period * period;

	if (!bucket->has_points || time != bucket->time) {
		finish_bucket(bucket);
		bucket->time = time;
		bucket->has_points = true;
		bucket->lacks_values = false;
		bucket->count = bucket->sum = 0;
		bucket->min = point->min;
		bucket->max = point->max;
		bucket->values_count = 0;
	}
	bucket->count += point->count;
	bucket->sum += point->sum;
	bucket->min = fmin(bucket->min, point->min);
	bucket->max = fmax(bucket->max, point->max);
	if (bucket->statistic.kind == MONITORING_SIMPLE)
		return;
	if (!point->values)
		bucket->lacks_values = true;
	bucket->values = mem_grow(bucket->values, bucket->values_count + point->values_count + 1,
		sizeof(bucket->values[0]));
	if (point->values && point->values_count)
		memcpy(bucket->values + bucket->values_count, point->values,
			point->values_count * sizeof(bucket->values[0]));
	bucket->values_count += point->values_count;
}

/* In this order AWS takes the unit, where none is asked for. */
static const char *const units[] = {"Megabits", "Terabits", "Gigabits", "Count", "Bytes",
	"Gigabytes", "Gigabytes/Second", "Kilobytes", "Kilobits/Second", "Terabytes",
	"Terabits/Second", "Bytes/Second", "Percent", "Megabytes", "Megabits/Second",
	"Milliseconds", "Microseconds", "Kilobytes/Second", "Gigabits/Second", "Megabytes/Second",
	"Bits", "Bits/Second", "Count/Second", "Seconds", "Kilobits", "Terabytes/Second", "None"};

static size_t unit_rank(struct str unit)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(units) && !str_equal(unit, str_from(units[i])))
		i++;
	return i;
}

/* Of data in any unit: their units, too. */
struct mixture {
	struct bucket bucket;
	size_t first;   /* the least of the ranks */
	uint64_t found; /* bits of ranks */
	bool has_points, is_mixed;
};

static void on_any_point(void *context, const struct store_metric_point *point)
{
	struct mixture *mixture = context;
	size_t rank = unit_rank(point->unit);

	mixture->found |= UINT64_C(1) << rank;
	if (mixture->has_points && rank != mixture->first)
		mixture->is_mixed = true;
	if (!mixture->has_points || rank < mixture->first)
		mixture->first = rank;
	mixture->has_points = true;
	if (!mixture->is_mixed)
		on_point(&mixture->bucket, point);
}

/* NOLINTNEXTLINE(misc-no-recursion): once, with a unit. */
int monitoring_series_read(struct store_metrics *metrics, const struct monitoring_source *source,
	int64_t start, int64_t end, struct monitoring_series *ret_series, struct err *err)
{
	struct mixture mixture = {.bucket = {.source = source,
					  .series = ret_series,
					  .start = start - start % source->period}};
	struct bucket *bucket = &mixture.bucket;

	*ret_series = (struct monitoring_series){.period = source->period};
	monitoring_parse_statistic(source->statistic, &bucket->statistic);
	int result = store_metrics_read(metrics, source->name_space, source->name,
		str_from(source->dimensions), source->unit, bucket->start, end, on_any_point,
		&mixture, err);
	finish_bucket(bucket);
	free(bucket->values);
	/* Units are not mixed: once more, for one of them. */
	if (result == 0 && mixture.is_mixed && mixture.first < ARRAY_SIZE(units)) {
		struct monitoring_source one = *source;
		one.unit = str_from(units[mixture.first]);
		monitoring_series_done(ret_series);
		result = monitoring_series_read(metrics, &one, start, end, ret_series, err);
		ret_series->units = mixture.found;
	}
	return result;
}

void monitoring_series_units(const struct monitoring_series *series, struct buf *ret_text)
{
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!(series->units >> i & 1))
			continue;
		buf_printf(ret_text, "%s%s", comma, units[i]);
		comma = ", ";
	}
}
