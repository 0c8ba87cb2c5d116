/* What a result of GetMetricData is called (API reference, MetricDataQuery; CloudWatch user guide,
 * "Using dynamic labels"). Without a label a metric has its name, with its statistic and period
 * where those of the metrics asked for differ; a metric that was searched has what tells it from
 * the others. ${...} in a label stands for a number, a time or a property. Where AWS does not say
 * how they are written: numbers with ten digits at most, times as ISO 8601, "-" without data. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

bool monitoring_parse_zone(struct str text, int64_t *ret_seconds)
{
	if (text.n != 5 || (text.p[0] != '+' && text.p[0] != '-'))
		return false;
	for (size_t i = 1; i < 5; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	}
	int64_t minutes = ((text.p[1] - '0') * 10 + text.p[2] - '0') * 60 + (text.p[3] - '0') * 10 +
			  text.p[4] - '0';
	*ret_seconds = (text.p[0] == '-' ? -60 : 60) * minutes;
	return true;
}

/* ---- without a label ---- */

static const json_t *dimension_of(const json_t *origin, const json_t *name)
{
	size_t i;
	json_t *dimension;

	json_array_foreach(json_object_get(origin, "Dimensions"), i, dimension)
	{
		if (json_equal(json_object_get(dimension, "Name"), name))
			return json_object_get(dimension, "Value");
	}
	return NULL;
}

/* Does another series of this list have another value there? */
static bool differs(const struct monitoring_query *query, const struct monitoring_series *series,
	const char *member, const json_t *dimension)
{
	for (size_t i = 0; i < query->results_count; i++) {
		const json_t *other = query->results[i].origin;
		const json_t *a = dimension ? dimension_of(series->origin, dimension)
					    : json_object_get(series->origin, member);
		const json_t *b =
			dimension ? dimension_of(other, dimension) : json_object_get(other, member);
		if (!json_equal(a, b))
			return true;
	}
	return false;
}

static void add_word(struct buf *buf, struct str word)
{
	if (buf->n && word.n)
		buf_add_char(buf, ' ');
	buf_add_str(buf, word);
}

/* Of one in an array: what the others do not have. */
static void add_own(struct buf *buf, const struct monitoring_query *query,
	const struct monitoring_series *series)
{
	static const char *const members[] = {"Namespace", "MetricName", "Stat"};
	size_t i;
	json_t *dimension;
	size_t before = buf->n;

	if (series->label) {
		add_word(buf, str_from(series->label));
		return;
	}
	for (size_t n = 0; n < ARRAY_SIZE(members); n++) {
		if (differs(query, series, members[n], NULL))
			add_word(buf, api_member_text(series->origin, members[n]));
	}
	json_array_foreach(json_object_get(series->origin, "Dimensions"), i, dimension)
	{
		if (differs(query, series, NULL, json_object_get(dimension, "Name")))
			add_word(buf, api_member_text(dimension, "Value"));
	}
	if (buf->n == before)
		add_word(buf, api_member_text(series->origin, "MetricName"));
}

/* Of a metric asked for by name. */
static void add_metric(struct buf *buf, const struct monitoring_queries *queries,
	const struct monitoring_query *query)
{
	struct str statistic = api_member_text(query->stat, "Stat");
	bool statistics_differ = false;
	bool periods_differ = false;

	for (size_t i = 0; i < queries->count; i++) {
		const struct monitoring_query *other = &queries->queries[i];
		if (!other->stat || !other->is_returned)
			continue;
		statistics_differ = statistics_differ ||
				    !str_equal(statistic, api_member_text(other->stat, "Stat"));
		periods_differ = periods_differ || other->period != query->period;
	}
	add_word(buf, api_member_text(json_object_get(query->stat, "Metric"), "MetricName"));
	if (statistics_differ)
		add_word(buf, statistic);
	if (periods_differ)
		buf_printf(buf, " %lld", (long long)query->period);
}

static void add_default(struct buf *buf, const struct monitoring_label *label,
	const struct monitoring_query *query, const struct monitoring_series *series)
{
	if (query->stat)
		add_metric(buf, label->queries, query);
	else if (query->is_list)
		add_own(buf, query, series);
	else
		buf_add_str(buf, query->id);
}

/* ---- ${...} ---- */

static void add_time(struct buf *buf, const struct monitoring_label *label, int64_t seconds)
{
	time_t time = (time_t)(seconds + label->zone_seconds);
	char text[40];
	struct tm date;

	gmtime_r(&time, &date);
	buf_add(buf, text, strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &date));
	if (!label->zone_seconds)
		buf_add_char(buf, 'Z');
	else
		buf_printf(buf, "%c%02d%02d", label->zone_seconds < 0 ? '-' : '+',
			abs((int)label->zone_seconds) / 3600,
			abs((int)label->zone_seconds) / 60 % 60);
}

/* "2d 3h ago" */
static void add_relative(struct buf *buf, int64_t seconds)
{
	int64_t ago = clock_wall_ns() / CLOCK_NS_PER_SECOND - seconds;
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	unsigned parts = 0;

	if (ago < 0)
		ago = 0;
	for (size_t i = 0; i < ARRAY_SIZE(units) && parts < 2; i++) {
		if (ago < units[i].seconds && (parts || i + 1 < ARRAY_SIZE(units)))
			continue;
		buf_printf(buf, "%lld%c ", (long long)(ago / units[i].seconds), units[i].unit);
		ago %= units[i].seconds;
		parts++;
	}
	buf_add_text(buf, "ago");
}

/* Index of the datapoint that MAX, LAST_TIME, ... is about. */
static bool find_point(struct str *name, const struct monitoring_series *series, size_t *ret_at)
{
	static const char *const names[] = {"MAX", "MIN", "FIRST", "LAST"};

	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		struct str start = str_from(names[n]);
		if (!str_starts_with(*name, start))
			continue;
		*name = (struct str){name->p + start.n, name->n - start.n};
		*ret_at = n == 3 && series->count ? series->count - 1 : 0;
		for (size_t i = 0; n < 2 && i < series->count; i++) {
			double value = series->values[i];
			double best = series->values[*ret_at];
			if (n == 0 ? value > best : value < best)
				*ret_at = i;
		}
		return true;
	}
	return false;
}

static bool add_value(struct buf *buf, const struct monitoring_label *label, struct str name,
	const struct monitoring_series *series)
{
	double sum = 0;
	size_t at;

	for (size_t i = 0; i < series->count; i++)
		sum += series->values[i];
	if (str_equal(name, STR("DATAPOINT_COUNT"))) {
		buf_printf(buf, "%zu", series->count);
		return true;
	}
	if (str_equal(name, STR("SUM")) || str_equal(name, STR("AVG"))) {
		if (!series->count)
			buf_add_char(buf, '-');
		else
			buf_printf(
				buf, "%.10g", name.p[0] == 'S' ? sum : sum / (double)series->count);
		return true;
	}
	if (!find_point(&name, series, &at))
		return false;
	bool is_value = !name.n;
	bool is_time = str_equal(name, STR("_TIME"));
	if (!is_value && !is_time && !str_equal(name, STR("_TIME_RELATIVE")))
		return false;
	if (!series->count)
		buf_add_char(buf, '-');
	else if (is_value)
		buf_printf(buf, "%.10g", series->values[at]);
	else if (is_time)
		add_time(buf, label, series->times[at]);
	else
		add_relative(buf, series->times[at]);
	return true;
}

/* PROP('MetricName'), PROP('Dim.host') */
static bool add_property(struct buf *buf, const struct monitoring_label *label, struct str name,
	const struct monitoring_series *series)
{
	struct str start = STR("PROP('");
	struct str end = STR("')");

	if (!str_starts_with(name, start) || !str_ends_with(name, end) || name.n < start.n + end.n)
		return false;
	name = (struct str){name.p + start.n, name.n - start.n - end.n};
	if (str_starts_with(name, STR("Dim."))) {
		json_t *dimension = json_stringn(name.p + 4, name.n - 4);
		const json_t *value = dimension_of(series->origin, dimension);
		buf_add_text(buf, value ? json_string_value(value) : "-");
		json_decref(dimension);
	} else if (str_equal(name, STR("Period"))) {
		buf_printf(buf, "%lld", (long long)series->period);
	} else if (str_equal(name, STR("AccountId"))) {
		buf_add_text(buf, label->monitoring->account);
	} else if (str_equal(name, STR("Region"))) {
		buf_add_text(buf, label->monitoring->region);
	} else if (str_equal(name, STR("MetricName")) || str_equal(name, STR("Namespace")) ||
		   str_equal(name, STR("Stat"))) {
		_cleanup_free_ char *member = mem_printf("%.*s", STR_ARG(name));
		struct str value = api_member_text(series->origin, member);
		buf_add_str(buf, value.p ? value : STR("-"));
	} else {
		return false;
	}
	return true;
}

static void fill_in(struct buf *buf, const struct monitoring_label *label,
	const struct monitoring_query *query, const struct monitoring_series *series)
{
	struct str text = query->label;

	for (size_t i = 0; i < text.n;) {
		const char *close = i + 1 < text.n && text.p[i] == '$' && text.p[i + 1] == '{'
					    ? memchr(text.p + i, '}', text.n - i)
					    : NULL;
		if (!close) {
			buf_add_char(buf, text.p[i++]);
			continue;
		}
		struct str name = {text.p + i + 2, (size_t)(close - text.p) - i - 2};
		if (str_equal(name, STR("LABEL")))
			add_default(buf, label, query, series);
		else if (!add_value(buf, label, name, series) &&
			 !add_property(buf, label, name, series))
			buf_printf(buf, "${%.*s}", STR_ARG(name));
		i = (size_t)(close - text.p) + 1;
	}
}

char *monitoring_label_of(const struct monitoring_label *label,
	const struct monitoring_query *query, const struct monitoring_series *series)
{
	struct buf text = {0};

	if (!query->label.p) {
		add_default(&text, label, query, series);
	} else if (memmem(query->label.p, query->label.n, "${", 2)) {
		fill_in(&text, label, query, series);
	} else {
		buf_add_str(&text, query->label);
		if (query->is_list)
			add_own(&text, query, series);
	}
	char *copy = mem_strdup(buf_text(&text));
	buf_done(&text);
	return copy;
}
