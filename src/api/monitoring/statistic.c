/* Statistics of values (CloudWatch user guide, "CloudWatch statistics definitions"): percentiles,
 * and means, sums, counts and ranks of what is between two bounds. A bound is a percentile ("5%")
 * or a value; of values the lower bound is outside, the upper one inside. Where a percentile falls
 * within equal values, a part of them counts. */
#include "api/monitoring/monitoring_priv.h"

#include <math.h>
#include <stdlib.h>

static bool parse_number(struct str text, double *ret_number)
{
	char digits[24];
	char *end;

	if (!text.n || text.n >= sizeof(digits))
		return false;
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	if (strspn(digits, "0123456789.") + (digits[0] == '-') != text.n)
		return false;
	*ret_number = strtod(digits, &end);
	return *end == '\0';
}

/* One bound of "(5%:95%)"; an empty one is open. */
static bool parse_bound(struct str text, bool *is_percent, bool *is_given, double *ret_number)
{
	text = str_trim(text);
	if (!text.n)
		return true;
	bool has_sign = text.p[text.n - 1] == '%';
	if (has_sign)
		text.n--;
	if (!parse_number(text, ret_number) || (*is_given && *is_percent != has_sign))
		return false;
	if (has_sign && (*ret_number < 0 || *ret_number > 100))
		return false;
	*is_percent = has_sign;
	*is_given = true;
	return true;
}

static bool parse_bounds(struct str text, struct monitoring_statistic *statistic)
{
	struct str low;
	double first = 0;
	double second = 0;
	bool is_given = false;

	if (text.n < 3 || text.p[0] != '(' || text.p[text.n - 1] != ')')
		return false;
	text = (struct str){text.p + 1, text.n - 2};
	const char *colon = memchr(text.p, ':', text.n);
	if (!colon)
		return false;
	low = (struct str){text.p, (size_t)(colon - text.p)};
	struct str high = {colon + 1, text.n - low.n - 1};
	if (!parse_bound(low, &statistic->is_percent, &is_given, &first))
		return false;
	bool has_low = is_given;
	bool has_high = str_trim(high).n > 0;
	if (!parse_bound(high, &statistic->is_percent, &is_given, &second) || !is_given)
		return false;
	statistic->low = has_low ? first : statistic->is_percent ? 0 : -INFINITY;
	statistic->high = has_high ? second : statistic->is_percent ? 100 : INFINITY;
	return statistic->low < statistic->high;
}

bool monitoring_parse_statistic(struct str text, struct monitoring_statistic *ret_statistic)
{
	static const char *const names[] = {"SampleCount", "Average", "Sum", "Minimum", "Maximum"};
	static const struct {
		const char *small, *large;
		enum monitoring_kind kind;
	} kinds[] = {{"tm", "TM", MONITORING_MEAN}, {"wm", "WM", MONITORING_WINSORIZED},
		{"tc", "TC", MONITORING_COUNT}, {"ts", "TS", MONITORING_TOTAL},
		{"", "PR", MONITORING_RANK}};
	struct monitoring_statistic statistic = {.is_percent = true};

	*ret_statistic = statistic;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_equal(text, str_from(names[i])))
			return true;
	}
	statistic.kind = MONITORING_PERCENTILE;
	if (text.n > 1 && text.p[0] == 'p' &&
		parse_number((struct str){text.p + 1, text.n - 1}, &statistic.high)) {
		*ret_statistic = statistic;
		return statistic.high >= 0 && statistic.high <= 100;
	}
	if (str_equal(text, STR("IQM"))) {
		*ret_statistic = (struct monitoring_statistic){MONITORING_MEAN, true, 25, 75};
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && text.n > 2; i++) {
		struct str name = {text.p, 2};
		struct str rest = {text.p + 2, text.n - 2};
		statistic.kind = kinds[i].kind;
		*ret_statistic = statistic;
		if (str_equal(name, str_from(kinds[i].small)) &&
			parse_number(rest, &ret_statistic->high))
			return ret_statistic->high > 0 && ret_statistic->high <= 100;
		if (str_equal(name, str_from(kinds[i].large)) && parse_bounds(rest, ret_statistic))
			return kinds[i].kind != MONITORING_RANK || !ret_statistic->is_percent;
	}
	return false;
}

static int compare_values(const void *a, const void *b)
{
	double x = ((const struct store_metric_value *)a)->value;
	double y = ((const struct store_metric_value *)b)->value;

	return (x > y) - (x < y);
}

/* Interpolated between the two nearest of all values, which are sorted. */
static double percentile(
	const struct store_metric_value *values, size_t count, double total, double percent)
{
	double rank = percent / 100 * (total - 1);
	double seen = 0;
	double last = 0;

	for (size_t i = 0; i < count; i++) {
		if (seen + values[i].count - 1 >= rank)
			return rank >= seen || i == 0
				       ? values[i].value
				       : last + (values[i].value - last) * (rank - (seen - 1));
		seen += values[i].count;
		last = values[i].value;
	}
	return last;
}

/* How many of a value's are within the bounds; `seen` are before it. */
static double within(const struct monitoring_statistic *statistic,
	const struct store_metric_value *value, double seen, double total)
{
	if (!statistic->is_percent)
		return value->value > statistic->low && value->value <= statistic->high
			       ? value->count
			       : 0;
	double from = fmax(seen, statistic->low / 100 * total);
	double to = fmin(seen + value->count, statistic->high / 100 * total);
	return to > from ? to - from : 0;
}

/* All values, those outside the bounds at the bounds. */
static double winsorized(const struct monitoring_statistic *statistic,
	const struct store_metric_value *values, size_t count, double total)
{
	double low = statistic->low;
	double high = statistic->high;
	double sum = 0;

	if (statistic->is_percent) {
		low = percentile(values, count, total, statistic->low);
		high = percentile(values, count, total, statistic->high);
	}
	for (size_t i = 0; i < count; i++)
		sum += values[i].count * fmin(fmax(values[i].value, low), high);
	return sum / total;
}

bool monitoring_statistic_of(const struct monitoring_statistic *statistic,
	struct store_metric_value *values, size_t count, double *ret_value)
{
	double total = 0;
	double kept = 0;
	double sum = 0;
	double seen = 0;

	qsort(values, count, sizeof(values[0]), compare_values);
	for (size_t i = 0; i < count; i++)
		total += values[i].count;
	for (size_t i = 0; i < count; i++) {
		double part = within(statistic, &values[i], seen, total);
		seen += values[i].count;
		kept += part;
		sum += part > 0 ? part * values[i].value : 0;
	}
	switch (statistic->kind) {
	case MONITORING_PERCENTILE:
		*ret_value = percentile(values, count, total, statistic->high);
		break;
	case MONITORING_WINSORIZED:
		*ret_value = winsorized(statistic, values, count, total);
		break;
	case MONITORING_COUNT:
		*ret_value = kept;
		break;
	case MONITORING_TOTAL:
		*ret_value = sum;
		break;
	case MONITORING_RANK:
		*ret_value = 100 * kept / total;
		break;
	default:
		*ret_value = sum / kept;
		return kept > 0;
	}
	return total > 0;
}
