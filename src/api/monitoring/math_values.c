/* Values of metric math: numbers, series, and arrays of series. Two series meet where both have a
 * value. */
#include "api/monitoring/math_priv.h"

#include <math.h>
#include <stdlib.h>

void math_done(struct math_value *value)
{
	monitoring_series_list_done(value->series, value->count);
	*value = (struct math_value){.kind = MATH_NUMBER};
}

void math_set_number(struct math_value *value, double number)
{
	math_done(value);
	value->number = number;
}

void math_set_series(struct math_value *value, struct monitoring_series *series)
{
	int64_t period = value->period;

	math_done(value);
	*value = (struct math_value){.kind = MATH_SERIES,
		.series = mem_new(1, sizeof(*series)),
		.count = 1,
		.period = period};
	value->series[0] = *series;
	value->series[0].period = period;
	*series = (struct monitoring_series){.count = 0};
}

/* ---- arithmetic ---- */

static double apply(char operator, double a, double b)
{
	switch (operator) {
	case '+':
		return a + b;
	case '-':
		return a - b;
	case '*':
		return a * b;
	case '/':
		return b == 0 ? NAN : a / b;
	case '^':
		return pow(a, b);
	case '<':
		return a < b;
	case '>':
		return a > b;
	case 'l': /* <= */
		return a <= b;
	case 'g': /* >= */
		return a >= b;
	case '=':
		return a == b;
	case '!':
		return a != b;
	case '&':
		return a != 0 && b != 0;
	default: /* | */
		return a != 0 || b != 0;
	}
}

void math_add(struct monitoring_series *series, int64_t time, double value)
{
	if (isfinite(value))
		monitoring_series_add(series, time, value);
}

static struct monitoring_series join(
	char operator, const struct monitoring_series * a, const struct monitoring_series *b)
{
	struct monitoring_series joined = {.count = 0};

	for (size_t i = 0, n = 0; i < a->count && n < b->count;) {
		if (a->times[i] == b->times[n]) {
			math_add(&joined, a->times[i], apply(operator, a->values[i], b->values[n]));
			i++, n++;
		} else if (a->times[i] < b->times[n]) {
			i++;
		} else {
			n++;
		}
	}
	return joined;
}

static struct monitoring_series spread(
	char operator, const struct monitoring_series * series, double number, bool is_left)
{
	struct monitoring_series result = {.count = 0};

	for (size_t i = 0; i < series->count; i++)
		math_add(&result, series->times[i],
			is_left ? apply(operator, number, series->values[i])
				: apply(operator, series->values[i], number));
	return result;
}

/* What an array's results are called after. */
static void name_after(struct monitoring_series *series, const struct monitoring_series *of)
{
	series->origin = json_incref(of->origin);
	series->label = of->label ? mem_strdup(of->label) : NULL;
}

int math_combine(struct math *math, char operator, struct math_value * a, struct math_value *b)
{
	struct math_value result = {.kind = a->kind > b->kind ? a->kind : b->kind,
		.period = a->period ? a->period : b->period};

	if (a->kind == MATH_WORD || b->kind == MATH_WORD)
		return math_fail(math, "a text has no value");
	if (result.kind == MATH_NUMBER) {
		math_set_number(a, apply(operator, a->number, b->number));
		return 0;
	}
	if (a->kind != MATH_NUMBER && b->kind != MATH_NUMBER && a->count != b->count &&
		a->count != 1 && b->count != 1)
		return math_fail(math, "lists of different lengths");
	result.count = a->count > b->count ? a->count : b->count;
	if ((a->kind == MATH_LIST && !a->count) || (b->kind == MATH_LIST && !b->count))
		result.count = 0;
	result.series = mem_new(result.count + 1, sizeof(result.series[0]));
	for (size_t i = 0; i < result.count; i++) {
		if (a->kind == MATH_NUMBER)
			result.series[i] = spread(operator, & b->series[i], a->number, true);
		else if (b->kind == MATH_NUMBER)
			result.series[i] = spread(operator, & a->series[i], b->number, false);
		else
			result.series[i] = join(operator, & a->series[a->count == 1 ? 0 : i],
				&b->series[b->count == 1 ? 0 : i]);
		name_after(&result.series[i],
			result.count == a->count ? &a->series[i] : &b->series[i]);
		result.series[i].period = result.period;
	}
	math_done(a);
	*a = result;
	return 0;
}
