/* The functions of metric math (CloudWatch user guide, "Using math expressions with CloudWatch
 * metrics"). */
#include "api/monitoring/math_priv.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

struct function {
	const char *name;
	/* The first argument becomes the result. */
	int (*run)(struct math *math, const struct function *function, struct math_value *arguments,
		size_t count);
	unsigned arguments_min, arguments_max;
	int detail;
};

/* ---- one number of many ---- */

enum reduction { REDUCE_SUM, REDUCE_AVG, REDUCE_MIN, REDUCE_MAX, REDUCE_STDDEV, REDUCE_COUNT };

struct reducing {
	double count, sum, squares, min, max;
};

static void reduce_add(struct reducing *reducing, double value)
{
	reducing->min = reducing->count > 0 ? fmin(reducing->min, value) : value;
	reducing->max = reducing->count > 0 ? fmax(reducing->max, value) : value;
	reducing->count++;
	reducing->sum += value;
	reducing->squares += value * value;
}

static double reduce_end(const struct reducing *reducing, enum reduction reduction)
{
	double mean = reducing->count > 0 ? reducing->sum / reducing->count : 0;

	switch (reduction) {
	case REDUCE_SUM:
		return reducing->sum;
	case REDUCE_AVG:
		return mean;
	case REDUCE_MIN:
		return reducing->min;
	case REDUCE_MAX:
		return reducing->max;
	case REDUCE_COUNT:
		return reducing->count;
	default:
		return reducing->count > 0
			       ? sqrt(fmax(0, reducing->squares / reducing->count - mean * mean))
			       : 0;
	}
}

static void reduce_series(struct reducing *all, const struct monitoring_series *series)
{
	for (size_t i = 0; i < series->count; i++)
		reduce_add(all, series->values[i]);
}

/* A list to one series: at each time over those that have a value. */
static void reduce_list(struct math_value *value, enum reduction reduction)
{
	struct monitoring_series result = {.count = 0};
	size_t *at = mem_new(value->count + 1, sizeof(at[0]));

	for (;;) {
		struct reducing one = {.count = 0};
		int64_t time = INT64_MAX;
		for (size_t i = 0; i < value->count; i++) {
			if (at[i] < value->series[i].count && value->series[i].times[at[i]] < time)
				time = value->series[i].times[at[i]];
		}
		if (time == INT64_MAX)
			break;
		for (size_t i = 0; i < value->count; i++) {
			if (at[i] < value->series[i].count && value->series[i].times[at[i]] == time)
				reduce_add(&one, value->series[i].values[at[i]++]);
		}
		math_add(&result, time, reduce_end(&one, reduction));
	}
	free(at);
	math_set_series(value, &result);
}

static int reduce(struct math *math, const struct function *function, struct math_value *arguments,
	size_t count)
{
	struct reducing all = {.count = 0};

	if (arguments->kind != MATH_SERIES && arguments->kind != MATH_LIST)
		return math_fail(math, "the function takes metrics");
	if (arguments->kind == MATH_LIST) {
		reduce_list(arguments, (enum reduction)function->detail);
		return 0;
	}
	reduce_series(&all, &arguments->series[0]);
	math_set_number(arguments, reduce_end(&all, (enum reduction)function->detail));
	return 0;
}

/* ---- each value by itself, or with the one before ---- */

enum mapping { MAP_ABS, MAP_CEIL, MAP_FLOOR, MAP_LOG, MAP_LOG10 };

static double map_one(enum mapping mapping, double value)
{
	switch (mapping) {
	case MAP_ABS:
		return fabs(value);
	case MAP_CEIL:
		return ceil(value);
	case MAP_FLOOR:
		return floor(value);
	case MAP_LOG:
		return log(value);
	default:
		return log10(value);
	}
}

static int map(struct math *math, const struct function *function, struct math_value *arguments,
	size_t count)
{
	enum mapping mapping = (enum mapping)function->detail;

	if (arguments->kind == MATH_NUMBER)
		math_set_number(arguments, map_one(mapping, arguments->number));
	for (size_t n = 0; n < arguments->count; n++) {
		struct monitoring_series *series = &arguments->series[n];
		struct monitoring_series mapped = {.count = 0};
		for (size_t i = 0; i < series->count; i++)
			math_add(&mapped, series->times[i], map_one(mapping, series->values[i]));
		monitoring_series_set(series, &mapped);
	}
	return 0;
}

enum run { RUN_DIFF, RUN_DIFF_TIME, RUN_RATE, RUN_SUM };

static double step(enum run run, const struct monitoring_series *series, size_t i)
{
	double change = series->values[i] - series->values[i - 1];
	double seconds = (double)(series->times[i] - series->times[i - 1]);

	return run == RUN_RATE ? change / seconds : run == RUN_DIFF_TIME ? seconds : change;
}

/* Of each value to the one before; RUNNING_SUM: of all so far. */
static int run_along(struct math *math, const struct function *function,
	struct math_value *arguments, size_t count)
{
	enum run run = (enum run)function->detail;

	for (size_t n = 0; n < arguments->count; n++) {
		struct monitoring_series *series = &arguments->series[n];
		struct monitoring_series result = {.count = 0};
		double sum = 0;
		for (size_t i = 0; i < series->count; i++) {
			sum += series->values[i];
			if (run == RUN_SUM)
				math_add(&result, series->times[i], sum);
			else if (i)
				math_add(&result, series->times[i], step(run, series, i));
		}
		monitoring_series_set(series, &result);
	}
	return 0;
}

/* ---- every period of the time asked for ---- */

static int64_t period_of(const struct math *math, const struct math_value *value)
{
	if (value->period)
		return value->period;
	if (math->query->period)
		return math->query->period;
	for (size_t i = 0; i < math->queries->count; i++) {
		if (math->queries->queries[i].stat && math->queries->queries[i].period)
			return math->queries->queries[i].period;
	}
	return 60;
}

static void fill_gap(struct monitoring_series *result, const struct monitoring_series *series,
	size_t i, int64_t time, const struct math_value *filler)
{
	if (filler->kind == MATH_NUMBER) {
		monitoring_series_add(result, time, filler->number);
	} else if (str_equal(filler->word, STR("REPEAT"))) {
		if (i)
			monitoring_series_add(result, time, series->values[i - 1]);
	} else if (i && i < series->count) {
		double part = (double)(time - series->times[i - 1]) /
			      (double)(series->times[i] - series->times[i - 1]);
		monitoring_series_add(result, time,
			series->values[i - 1] + part * (series->values[i] - series->values[i - 1]));
	}
}

static int fill_series(struct math *math, struct monitoring_series *series, int64_t period,
	const struct math_value *filler)
{
	struct monitoring_series result = {.count = 0};
	size_t i = 0;

	if ((math->queries->end - math->queries->start) / period > MATH_POINTS_MAX)
		return math_fail(math, "too many datapoints");
	for (int64_t time = math->queries->start - math->queries->start % period;
		time < math->queries->end; time += period) {
		if (i < series->count && series->times[i] == time)
			monitoring_series_add(&result, time, series->values[i++]);
		else
			fill_gap(&result, series, i, time, filler);
	}
	monitoring_series_set(series, &result);
	return 0;
}

static int fill(struct math *math, const struct function *function, struct math_value *arguments,
	size_t count)
{
	const struct math_value *filler = &arguments[1];
	bool is_word = filler->kind == MATH_WORD && (str_equal(filler->word, STR("REPEAT")) ||
							    str_equal(filler->word, STR("LINEAR")));

	if (filler->kind != MATH_NUMBER && !is_word)
		return math_fail(math, "FILL takes a number, REPEAT or LINEAR");
	for (size_t n = 0; n < arguments->count; n++) {
		if (fill_series(math, &arguments->series[n], period_of(math, arguments), filler) <
			0)
			return -1;
	}
	return 0;
}

static int time_series(struct math *math, const struct function *function,
	struct math_value *arguments, size_t count)
{
	struct monitoring_series grid = {.count = 0};
	const struct math_value number = {.kind = MATH_NUMBER, .number = arguments->number};

	if (arguments->kind != MATH_NUMBER)
		return math_fail(math, "TIME_SERIES takes a number");
	arguments->period = period_of(math, arguments);
	if (fill_series(math, &grid, arguments->period, &number) < 0)
		return -1;
	math_set_series(arguments, &grid);
	return 0;
}

enum part { PART_MINUTE, PART_HOUR, PART_DAY, PART_DATE, PART_MONTH, PART_YEAR, PART_EPOCH };

static double part_of(enum part part, int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm date;

	gmtime_r(&time, &date);
	switch (part) {
	case PART_MINUTE:
		return date.tm_min;
	case PART_HOUR:
		return date.tm_hour;
	case PART_DAY: /* 1 is Monday, 7 Sunday */
		return date.tm_wday ? date.tm_wday : 7;
	case PART_DATE:
		return date.tm_mday;
	case PART_MONTH:
		return date.tm_mon + 1;
	case PART_YEAR:
		return date.tm_year + 1900;
	default:
		return (double)seconds;
	}
}

/* The time of each period, whether the metric has a value there or not. */
static int calendar(struct math *math, const struct function *function,
	struct math_value *arguments, size_t count)
{
	const struct math_value zero = {.kind = MATH_NUMBER};

	if (arguments->kind != MATH_SERIES)
		return math_fail(math, "the function takes one metric");
	struct monitoring_series *series = &arguments->series[0];
	if (fill_series(math, series, period_of(math, arguments), &zero) < 0)
		return -1;
	for (size_t i = 0; i < series->count; i++)
		series->values[i] = part_of((enum part)function->detail, series->times[i]);
	return 0;
}

static int period(struct math *math, const struct function *function, struct math_value *arguments,
	size_t count)
{
	math_set_number(arguments, (double)period_of(math, arguments));
	return 0;
}

/* ---- IF(condition, then[, else]) ---- */

static const double *value_at(const struct math_value *value, int64_t time)
{
	if (value->kind == MATH_NUMBER)
		return &value->number;
	const struct monitoring_series *series = &value->series[0];
	for (size_t low = 0, high = series->count; low < high;) {
		size_t middle = low + (high - low) / 2;
		if (series->times[middle] == time)
			return &series->values[middle];
		if (series->times[middle] < time)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int choose(struct math *math, const struct function *function, struct math_value *arguments,
	size_t count)
{
	struct monitoring_series result = {.count = 0};
	struct math_value *condition = &arguments[0];

	for (size_t i = 0; i < count; i++) {
		if (arguments[i].kind == MATH_LIST || arguments[i].kind == MATH_WORD)
			return math_fail(math, "IF takes numbers and single metrics");
	}
	if (condition->kind == MATH_NUMBER) {
		if (condition->number == 0 && count < 3)
			return math_fail(math, "IF of a number needs all three arguments");
		struct math_value *chosen = &arguments[condition->number != 0 ? 1 : 2];
		*condition = *chosen;
		*chosen = (struct math_value){.kind = MATH_NUMBER};
		return 0;
	}
	for (size_t i = 0; i < condition->series[0].count; i++) {
		int64_t time = condition->series[0].times[i];
		bool is_true = condition->series[0].values[i] != 0;
		const double *value =
			is_true || count == 3 ? value_at(&arguments[is_true ? 1 : 2], time) : NULL;
		if (value)
			math_add(&result, time, *value);
	}
	monitoring_series_set(&condition->series[0], &result);
	return 0;
}

/* ---- arrays ---- */

static int need_list(struct math *math, const struct math_value *value)
{
	return value->kind == MATH_LIST ? 0 : math_fail(math, "the function takes an array");
}

static void keep_range(struct math_value *value, size_t from, size_t to)
{
	size_t kept = 0;

	for (size_t i = 0; i < value->count; i++) {
		if (i >= from && i < to)
			value->series[kept++] = value->series[i];
		else
			monitoring_series_done(&value->series[i]);
	}
	value->count = kept;
}

static int metric_count(struct math *math, const struct function *function,
	struct math_value *arguments, size_t count)
{
	if (need_list(math, arguments) < 0)
		return -1;
	math_set_number(arguments, (double)arguments->count);
	return 0;
}

static int remove_empty(struct math *math, const struct function *function,
	struct math_value *arguments, size_t count)
{
	size_t kept = 0;

	if (need_list(math, arguments) < 0)
		return -1;
	for (size_t i = 0; i < arguments->count; i++) {
		if (arguments->series[i].count)
			arguments->series[kept++] = arguments->series[i];
		else
			monitoring_series_done(&arguments->series[i]);
	}
	arguments->count = kept;
	return 0;
}

/* FIRST, LAST. */
static int pick(struct math *math, const struct function *function, struct math_value *arguments,
	size_t count)
{
	if (need_list(math, arguments) < 0)
		return -1;
	if (!arguments->count)
		return math_fail(math, "the array is empty");
	size_t at = function->detail ? arguments->count - 1 : 0;
	keep_range(arguments, at, at + 1);
	arguments->kind = MATH_SERIES;
	return 0;
}

static size_t index_of(const struct math_value *value)
{
	return value->number > 0 && value->number < 1e9 ? (size_t)value->number : 0;
}

/* SLICE(array, from[, to]): from 0, to is outside. */
static int slice(struct math *math, const struct function *function, struct math_value *arguments,
	size_t count)
{
	if (need_list(math, arguments) < 0)
		return -1;
	for (size_t i = 1; i < count; i++) {
		if (arguments[i].kind != MATH_NUMBER)
			return math_fail(math, "SLICE takes an array and one or two numbers");
	}
	keep_range(arguments, index_of(&arguments[1]),
		count == 3 ? index_of(&arguments[2]) : arguments->count);
	return 0;
}

struct ranked {
	struct monitoring_series series;
	double rank;
	bool is_falling;
};

/* Those without data are last. */
static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;

	if (!x->series.count || !y->series.count)
		return (int)!x->series.count - (int)!y->series.count;
	int result = (x->rank > y->rank) - (x->rank < y->rank);
	return x->is_falling ? -result : result;
}

/* SORT(array, SUM, DESC[, count]) */
static int sort(struct math *math, const struct function *function, struct math_value *arguments,
	size_t count)
{
	static const struct {
		const char *name;
		enum reduction reduction;
	} ranks[] = {
		{"SUM", REDUCE_SUM}, {"AVG", REDUCE_AVG}, {"MIN", REDUCE_MIN}, {"MAX", REDUCE_MAX}};
	const struct math_value *rank = &arguments[1];
	bool is_falling = str_equal(arguments[2].word, STR("DESC"));
	size_t by = 0;

	if (need_list(math, arguments) < 0)
		return -1;
	while (by < ARRAY_SIZE(ranks) && !str_equal(rank->word, str_from(ranks[by].name)))
		by++;
	if (by == ARRAY_SIZE(ranks) || (!is_falling && !str_equal(arguments[2].word, STR("ASC"))) ||
		(count == 4 && arguments[3].kind != MATH_NUMBER))
		return math_fail(math,
			"SORT takes an array, SUM, AVG, MIN or MAX, ASC or DESC, and a number");
	struct ranked *ranked = mem_new(arguments->count + 1, sizeof(ranked[0]));
	for (size_t i = 0; i < arguments->count; i++) {
		struct reducing all = {.count = 0};
		reduce_series(&all, &arguments->series[i]);
		ranked[i] = (struct ranked){
			arguments->series[i], reduce_end(&all, ranks[by].reduction), is_falling};
	}
	qsort(ranked, arguments->count, sizeof(ranked[0]), compare_ranked);
	for (size_t i = 0; i < arguments->count; i++)
		arguments->series[i] = ranked[i].series;
	free(ranked);
	if (count == 4)
		keep_range(arguments, 0, index_of(&arguments[3]));
	return 0;
}

/* ---- all of them ---- */

static const struct function functions[] = {
	{"ABS", map, 1, 1, MAP_ABS},
	{"AVG", reduce, 1, 1, REDUCE_AVG},
	{"CEIL", map, 1, 1, MAP_CEIL},
	{"DATAPOINT_COUNT", reduce, 1, 1, REDUCE_COUNT},
	{"DATE", calendar, 1, 1, PART_DATE},
	{"DAY", calendar, 1, 1, PART_DAY},
	{"DIFF", run_along, 1, 1, RUN_DIFF},
	{"DIFF_TIME", run_along, 1, 1, RUN_DIFF_TIME},
	{"EPOCH", calendar, 1, 1, PART_EPOCH},
	{"FILL", fill, 2, 2, 0},
	{"FIRST", pick, 1, 1, 0},
	{"FLOOR", map, 1, 1, MAP_FLOOR},
	{"HOUR", calendar, 1, 1, PART_HOUR},
	{"IF", choose, 2, 3, 0},
	{"LAST", pick, 1, 1, 1},
	{"LOG", map, 1, 1, MAP_LOG},
	{"LOG10", map, 1, 1, MAP_LOG10},
	{"MAX", reduce, 1, 1, REDUCE_MAX},
	{"METRIC_COUNT", metric_count, 1, 1, 0},
	{"MIN", reduce, 1, 1, REDUCE_MIN},
	{"MINUTE", calendar, 1, 1, PART_MINUTE},
	{"MONTH", calendar, 1, 1, PART_MONTH},
	{"PERIOD", period, 1, 1, 0},
	{"RATE", run_along, 1, 1, RUN_RATE},
	{"REMOVE_EMPTY", remove_empty, 1, 1, 0},
	{"RUNNING_SUM", run_along, 1, 1, RUN_SUM},
	{"SLICE", slice, 2, 3, 0},
	{"SORT", sort, 3, 4, 0},
	{"STDDEV", reduce, 1, 1, REDUCE_STDDEV},
	{"SUM", reduce, 1, 1, REDUCE_SUM},
	{"TIME_SERIES", time_series, 1, 1, 0},
	{"YEAR", calendar, 1, 1, PART_YEAR},
};

int math_call(struct math *math, const char *name, struct math_value *arguments, size_t count)
{
	/* Of what this server does not have: models, other services, functions. */
	static const char *const refused[] = {"ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS",
		"INSIGHT_RULE_METRIC", "LAMBDA", "SERVICE_QUOTA"};

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		const struct function *function = &functions[i];
		if (strcmp(function->name, name) != 0)
			continue;
		if (count < function->arguments_min || count > function->arguments_max)
			return math_fail(math, "the function has another number of arguments");
		if (arguments->kind == MATH_WORD)
			return math_fail(math, "the function takes metrics or numbers");
		return function->run(math, function, arguments, count);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (strcmp(refused[i], name) == 0)
			return aws_error_set(math->error, AWS_ERROR_VALIDATION_ERROR,
				"Error in expression '%.*s': %s is not supported",
				STR_ARG(math->query->id), name);
	}
	return math_fail(math, "there is no such function");
}
