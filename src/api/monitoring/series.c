/* A metric's points as one statistic a period. */
#include "api/monitoring/monitoring_priv.h"

#include <math.h>
#include <stdlib.h>

void monitoring_series_done(struct monitoring_series *series)
{
	free(series->times);
	free(series->values);
	*series = (struct monitoring_series){.count = 0};
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

/* "p99", "p99.9": its number; <0: it is no percentile. */
static double percentile_of(struct str statistic)
{
	char digits[16];
	char *end;

	if (statistic.n < 2 || statistic.n > 8 || statistic.p[0] != 'p')
		return -1;
	memcpy(digits, statistic.p + 1, statistic.n - 1);
	digits[statistic.n - 1] = '\0';
	if (strspn(digits, "0123456789.") != statistic.n - 1)
		return -1;
	double value = strtod(digits, &end);
	return *end == '\0' && value >= 0 && value <= 100 ? value : -1;
}

bool monitoring_is_statistic(struct str statistic)
{
	static const char *const names[] = {"SampleCount", "Average", "Sum", "Minimum", "Maximum"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_equal(statistic, str_from(names[i])))
			return true;
	}
	return percentile_of(statistic) >= 0;
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
	double percentile;
	int64_t start, time; /* start of the first bucket, and of this one */
	bool has_points, lacks_values;
	double count, sum, min, max;
	struct store_metric_value *values;
	size_t values_count;
};

static int compare_values(const void *a, const void *b)
{
	double x = ((const struct store_metric_value *)a)->value;
	double y = ((const struct store_metric_value *)b)->value;

	return (x > y) - (x < y);
}

/* Interpolated between the two nearest of all values. */
static double percentile(struct bucket *bucket)
{
	double total = 0;
	double seen = 0;
	double last = 0;

	for (size_t i = 0; i < bucket->values_count; i++)
		total += bucket->values[i].count;
	qsort(bucket->values, bucket->values_count, sizeof(bucket->values[0]), compare_values);
	double rank = bucket->percentile / 100 * (total - 1);
	for (size_t i = 0; i < bucket->values_count; i++) {
		const struct store_metric_value *value = &bucket->values[i];
		if (seen + value->count - 1 >= rank)
			return rank >= seen || i == 0
				       ? value->value
				       : last + (value->value - last) * (rank - (seen - 1));
		seen += value->count;
		last = value->value;
	}
	return last;
}

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
	else if (bucket->percentile >= 0)
		value = bucket->min == bucket->max ? bucket->min : percentile(bucket);
	/* Percentiles of statistic sets are not known, unless all values are the same. */
	if (bucket->percentile < 0 || !bucket->lacks_values || bucket->min == bucket->max)
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
	if (bucket->percentile < 0)
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

int monitoring_series_read(struct store_metrics *metrics, const struct monitoring_source *source,
	int64_t start, int64_t end, struct monitoring_series *ret_series, struct err *err)
{
	struct bucket bucket = {.source = source,
		.series = ret_series,
		.percentile = percentile_of(source->statistic),
		.start = start - start % source->period};

	*ret_series = (struct monitoring_series){.count = 0};
	int result = store_metrics_read(metrics, source->name_space, source->name,
		str_from(source->dimensions), source->unit, bucket.start, end, on_point, &bucket,
		err);
	finish_bucket(&bucket);
	free(bucket.values);
	return result;
}
