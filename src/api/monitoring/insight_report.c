/* GetInsightRuleReport: who contributes most to what a rule counts, over the events that the log
 * groups have (user guide, "Contributor Insights rule syntax"). An event is read once, as JSON or
 * as a line of fields; one that lacks a key, or that a filter does not let through, is not counted.
 * Every contributor has a value a period; nothing is sampled, and more than CELLS_MAX values are
 * refused. */
#include "api/monitoring/insight.h"

#include "store/events.h"

#include <math.h>
#include <stdlib.h>

enum { TOKENS_MAX = 200, CONTRIBUTORS_MAX = 100, CONTRIBUTORS_DEFAULT = 10, PERIODS_MAX = 1440 };
#define CELLS_MAX 8000000

struct contributor {
	json_t *keys;
	double *values; /* a period; NAN: none */
	double rank, total;
};

struct period {
	double events, sum, min, max;
};

struct report {
	struct insight_definition definition;
	int64_t start, length; /* Unix seconds */
	size_t periods;
	struct period *all;
	json_t *places; /* of contributors by their keys */
	struct contributor *contributors;
	size_t count;
	bool is_full;
};

/* ---- fields of an event ---- */

struct event {
	json_t *json;
	struct str tokens[TOKENS_MAX];
	size_t count;
};

/* By spaces; what is in quotes or brackets is one field. */
static void split_line(struct str line, struct event *event)
{
	for (size_t i = 0; i < line.n && event->count < TOKENS_MAX;) {
		while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
			i++;
		if (i == line.n)
			break;
		char close = line.p[i] == '"' ? '"' : line.p[i] == '[' ? ']' : '\0';
		size_t start = close ? i + 1 : i;
		const char *end = close ? memchr(line.p + start, close, line.n - start) : NULL;
		for (i = start; i < line.n &&
				(end ? line.p + i < end : line.p[i] != ' ' && line.p[i] != '\t');)
			i++;
		event->tokens[event->count++] = (struct str){line.p + start, i - start};
		if (end)
			i++;
	}
}

/* $.a.b[0] */
static const json_t *at_path(const json_t *value, struct str path)
{
	size_t i = str_starts_with(path, STR("$")) ? 1 : 0;

	while (value && i < path.n) {
		if (path.p[i] == '[') {
			size_t index = 0;
			for (i++; i < path.n && path.p[i] >= '0' && path.p[i] <= '9'; i++)
				index = index * 10 + (size_t)(path.p[i] - '0');
			value = json_array_get(value, index);
			i++;
			continue;
		}
		size_t start = path.p[i] == '.' ? i + 1 : i;
		size_t end = start;
		while (end < path.n && path.p[end] != '.' && path.p[end] != '[')
			end++;
		value = json_object_getn(value, path.p + start, end - start);
		i = end > i ? end : path.n;
	}
	return value;
}

/* The number of a field of a line: itself, or what Fields calls so. */
static size_t number_of(const struct report *report, struct str name)
{
	const char *number;
	json_t *alias;

	json_object_foreach(json_object_get(report->definition.json, "Fields"), number, alias)
	{
		if (json_is_string(alias) && str_equal(str_from(json_string_value(alias)), name))
			return strtoul(number, NULL, 10);
	}
	size_t result = 0;
	for (size_t i = 0; i < name.n && i < 4; i++)
		result = name.p[i] >= '0' && name.p[i] <= '9'
				 ? result * 10 + (size_t)(name.p[i] - '0')
				 : 0;
	return result;
}

/* The caller's; NULL: the event does not have it. */
static char *field_of(const struct report *report, const struct event *event, struct str name)
{
	if (report->definition.is_lines) {
		size_t number = number_of(report, name);
		return number && number <= event->count
			       ? mem_printf("%.*s", STR_ARG(event->tokens[number - 1]))
			       : NULL;
	}
	const json_t *value = at_path(event->json, name);
	if (json_is_string(value))
		return mem_strdup(json_string_value(value));
	if (!json_is_number(value) && !json_is_boolean(value))
		return NULL;
	return json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

static bool parse_number(const char *text, double *ret_number)
{
	char *end;

	*ret_number = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*ret_number);
}

/* ---- filters ---- */

static bool equals(const char *text, const json_t *value)
{
	double number;

	if (json_is_string(value))
		return strcmp(text, json_string_value(value)) == 0;
	return parse_number(text, &number) && number == json_number_value(value);
}

static bool is_among(const char *text, const json_t *list, bool by_start)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		if (by_start ? str_starts_with(str_from(text), str_from(json_string_value(item)))
			     : equals(text, item))
			return true;
	}
	return false;
}

static bool passes_one(const json_t *filter, const char *text)
{
	const json_t *present = json_object_get(filter, "IsPresent");
	const json_t *in = json_object_get(filter, "In");
	const json_t *not_in = json_object_get(filter, "NotIn");
	const json_t *starts = json_object_get(filter, "StartsWith");
	const json_t *greater = json_object_get(filter, "GreaterThan");
	const json_t *less = json_object_get(filter, "LessThan");
	const json_t *equal = json_object_get(filter, "EqualTo");
	const json_t *not_equal = json_object_get(filter, "NotEqualTo");
	double number;

	if (present && json_is_true(present) != (text != NULL))
		return false;
	if (!text)
		return !in && !starts && !greater && !less && !equal;
	bool is_number = parse_number(text, &number);
	return (!in || is_among(text, in, false)) && (!not_in || !is_among(text, not_in, false)) &&
	       (!starts || is_among(text, starts, true)) &&
	       (!greater || (is_number && number > json_number_value(greater))) &&
	       (!less || (is_number && number < json_number_value(less))) &&
	       (!equal || equals(text, equal)) && (!not_equal || !equals(text, not_equal));
}

static bool passes(const struct report *report, const struct event *event)
{
	size_t i;
	json_t *filter;

	json_array_foreach(report->definition.filters, i, filter)
	{
		_cleanup_free_ char *text =
			field_of(report, event, api_member_text(filter, "Match"));
		if (!passes_one(filter, text))
			return false;
	}
	return true;
}

/* ---- counting ---- */

static json_t *keys_of(const struct report *report, const struct event *event)
{
	json_t *keys = json_array();
	size_t i;
	json_t *name;

	json_array_foreach(report->definition.keys, i, name)
	{
		_cleanup_free_ char *text =
			field_of(report, event, str_from(json_string_value(name)));
		if (!text) {
			json_decref(keys);
			return NULL;
		}
		json_array_append_new(keys, json_string(text));
	}
	return keys;
}

/* Takes keys. NULL: there are too many. */
static struct contributor *find_contributor(struct report *report, json_t *keys)
{
	_cleanup_free_ char *name = json_dumps(keys, JSON_COMPACT);
	const json_t *place = json_object_get(report->places, name);

	if (place) {
		json_decref(keys);
		return &report->contributors[json_integer_value(place)];
	}
	if ((report->count + 1) * report->periods > CELLS_MAX) {
		json_decref(keys);
		report->is_full = true;
		return NULL;
	}
	json_object_set_new(report->places, name, json_integer((json_int_t)report->count));
	/* Twice as much each time. */
	if ((report->count & (report->count - 1)) == 0)
		report->contributors = mem_grow(report->contributors,
			report->count ? 2 * report->count : 1, sizeof(report->contributors[0]));
	struct contributor *contributor = &report->contributors[report->count++];
	*contributor = (struct contributor){
		.keys = keys, .values = mem_new(report->periods, sizeof(double))};
	for (size_t i = 0; i < report->periods; i++)
		contributor->values[i] = NAN;
	return contributor;
}

static bool read_value(const struct report *report, const struct event *event, double *ret_value)
{
	*ret_value = 1;
	if (!report->definition.is_sum)
		return true;
	_cleanup_free_ char *text = field_of(report, event, report->definition.value_of);
	return text && parse_number(text, ret_value);
}

static bool count_event(struct report *report, const struct event *event, size_t at)
{
	double value;

	if (at >= report->periods || !passes(report, event) || !read_value(report, event, &value))
		return true;
	json_t *keys = keys_of(report, event);
	struct contributor *contributor = keys ? find_contributor(report, keys) : NULL;
	if (!contributor)
		return !report->is_full;
	struct period *period = &report->all[at];
	period->min = period->events > 0 ? fmin(period->min, value) : value;
	period->max = period->events > 0 ? fmax(period->max, value) : value;
	period->events++;
	period->sum += value;
	contributor->values[at] =
		value + (isnan(contributor->values[at]) ? 0 : contributor->values[at]);
	contributor->total += value;
	return true;
}

static bool on_event(void *context, const struct store_log_found *found)
{
	struct report *report = context;
	struct event event = {.json = NULL};

	if (report->definition.is_lines)
		split_line(found->message, &event);
	else
		event.json = json_loadb(found->message.p, found->message.n, 0, NULL);
	bool goes_on = (!event.json && !report->definition.is_lines) ||
		       count_event(report, &event,
			       (size_t)((found->time_ms / 1000 - report->start) / report->length));
	json_decref(event.json);
	return goes_on;
}

/* ---- log groups ---- */

struct choosing {
	const json_t *patterns;
	json_t *names;
};

/* A '*' at the end stands for anything. */
static bool add_group(void *context, const struct store_log_group *group)
{
	struct choosing *choosing = context;
	size_t i;
	json_t *pattern;

	json_array_foreach(choosing->patterns, i, pattern)
	{
		struct str text = str_from(json_string_value(pattern));
		bool is_start = str_ends_with(text, STR("*"));
		text.n -= is_start;
		if (is_start ? str_starts_with(group->name, text) : str_equal(group->name, text)) {
			json_array_append_new(
				choosing->names, json_stringn(group->name.p, group->name.n));
			break;
		}
	}
	return true;
}

static int read_events(struct api_call *call, struct report *report, int64_t start_ms,
	int64_t end_ms, struct aws_error *error)
{
	struct store_events *events = monitoring_of(call)->events;
	struct choosing choosing = {report->definition.groups, json_array()};
	int result = 0;
	size_t i;
	json_t *name;

	store_log_group_list(events, STR(""), add_group, &choosing);
	json_array_foreach(choosing.names, i, name)
	{
		const struct store_log_read read = {.group = str_from(json_string_value(name)),
			.start_ms = start_ms,
			.end_ms = end_ms};
		struct store_log_position position;
		bool is_complete;
		if (result == 0)
			result = store_log_read(events, &read, on_event, report, &position,
				&is_complete, error, &call->exchange->err);
	}
	json_decref(choosing.names);
	if (result == 0 && report->is_full)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"There are too many contributors for this time and period.");
	return result;
}

/* ---- the answer ---- */

static int compare_contributors(const void *a, const void *b)
{
	const struct contributor *x = a;
	const struct contributor *y = b;
	int result = (x->rank < y->rank) - (x->rank > y->rank);

	for (size_t i = 0; result == 0 && i < json_array_size(x->keys); i++)
		result = strcmp(json_string_value(json_array_get(x->keys, i)),
			json_string_value(json_array_get(y->keys, i)));
	return result;
}

static void add_contributors(
	const struct api_call *call, struct report *report, size_t max, bool by_maximum)
{
	json_t *list = json_array();
	double sum = 0;

	for (size_t i = 0; i < report->count; i++) {
		struct contributor *contributor = &report->contributors[i];
		contributor->rank = by_maximum ? -INFINITY : contributor->total;
		for (size_t n = 0; by_maximum && n < report->periods; n++)
			contributor->rank = fmax(contributor->rank, contributor->values[n]);
		sum += contributor->total;
	}
	if (report->count)
		qsort(report->contributors, report->count, sizeof(report->contributors[0]),
			compare_contributors);
	for (size_t i = 0; i < report->count && i < max; i++) {
		const struct contributor *contributor = &report->contributors[i];
		json_t *points = json_array();
		for (size_t n = 0; n < report->periods; n++) {
			if (isnan(contributor->values[n]))
				continue;
			json_array_append_new(points,
				json_pack("{s:I, s:f}", "Timestamp",
					(json_int_t)(report->start + (int64_t)n * report->length) *
						1000,
					"ApproximateValue", contributor->values[n]));
		}
		json_array_append_new(list, json_pack("{s:O, s:f, s:o}", "Keys", contributor->keys,
						    "ApproximateAggregateValue", contributor->total,
						    "Datapoints", points));
	}
	json_object_set_new(call->output, "Contributors", list);
	json_object_set_new(call->output, "AggregateValue", json_real(sum));
	json_object_set_new(
		call->output, "ApproximateUniqueCount", json_integer((json_int_t)report->count));
}

static double metric_of(const struct report *report, size_t at, struct str name)
{
	const struct period *period = &report->all[at];
	double count = 0;
	double most = 0;

	for (size_t i = 0; i < report->count; i++) {
		double value = report->contributors[i].values[at];
		if (isnan(value))
			continue;
		most = count > 0 ? fmax(most, value) : value;
		count++;
	}
	if (str_equal(name, STR("UniqueContributors")))
		return count;
	if (str_equal(name, STR("MaxContributorValue")))
		return most;
	if (str_equal(name, STR("SampleCount")))
		return period->events;
	if (str_equal(name, STR("Sum")))
		return period->sum;
	if (str_equal(name, STR("Minimum")))
		return period->min;
	if (str_equal(name, STR("Maximum")))
		return period->max;
	return period->events > 0 ? period->sum / period->events : 0;
}

static void add_metrics(const struct api_call *call, const struct report *report)
{
	const json_t *names = json_object_get(call->input, "Metrics");
	json_t *list = json_array();

	for (size_t at = 0; at < report->periods && json_array_size(names); at++) {
		json_t *point = json_pack("{s:I}", "Timestamp",
			(json_int_t)(report->start + (int64_t)at * report->length) * 1000);
		size_t i;
		json_t *name;
		json_array_foreach(names, i, name) json_object_set_new(point,
			json_string_value(name),
			json_real(metric_of(report, at, str_from(json_string_value(name)))));
		json_array_append_new(list, point);
	}
	json_object_set_new(call->output, "MetricDatapoints", list);
}

static int check_input(const struct api_call *call, struct report *report, struct aws_error *error)
{
	static const char *const metrics[] = {"UniqueContributors", "MaxContributorValue",
		"SampleCount", "Sum", "Minimum", "Maximum", "Average"};
	int64_t start = api_member_number(call->input, "StartTime", 0) / 1000;
	int64_t end = api_member_number(call->input, "EndTime", 0) / 1000;
	int64_t max = api_member_number(call->input, "MaxContributorCount", CONTRIBUTORS_DEFAULT);
	struct str order = api_member_text(call->input, "OrderBy");
	size_t i;
	json_t *name;

	report->length = api_member_number(call->input, "Period", 60);
	if (monitoring_check_period(report->length, error) < 0)
		return -1;
	report->start = start - start % report->length;
	if (end <= start || (end - report->start) / report->length >= PERIODS_MAX)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"From StartTime to EndTime there must be from 1 to %d periods.",
			PERIODS_MAX);
	report->periods = (size_t)((end - report->start) / report->length) + 1;
	if (max < 1 || max > CONTRIBUTORS_MAX)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The value for parameter MaxContributorCount must be from 1 to %d.",
			CONTRIBUTORS_MAX);
	if (order.p && !str_equal(order, STR("Sum")) && !str_equal(order, STR("Maximum")))
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The value for parameter OrderBy must be Sum or Maximum.");
	json_array_foreach(json_object_get(call->input, "Metrics"), i, name)
	{
		size_t n = 0;
		while (n < ARRAY_SIZE(metrics) && strcmp(metrics[n], json_string_value(name)) != 0)
			n++;
		if (n == ARRAY_SIZE(metrics))
			return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
				"The value for parameter Metrics must be UniqueContributors, MaxContributorValue, SampleCount, Sum, Minimum, Maximum or Average.");
	}
	return 0;
}

static void report_done(struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		json_decref(report->contributors[i].keys);
		free(report->contributors[i].values);
	}
	free(report->contributors);
	free(report->all);
	json_decref(report->places);
	insight_definition_done(&report->definition);
}

static int make_report(struct api_call *call, struct report *report, struct aws_error *error)
{
	int64_t max = api_member_number(call->input, "MaxContributorCount", CONTRIBUTORS_DEFAULT);

	report->all = mem_new(report->periods, sizeof(report->all[0]));
	report->places = json_object();
	if (read_events(call, report, api_member_number(call->input, "StartTime", 0),
		    api_member_number(call->input, "EndTime", 0), error) < 0)
		return -1;
	json_object_set(call->output, "KeyLabels", (json_t *)report->definition.keys);
	json_object_set_new(call->output, "AggregationStatistic",
		json_string(report->definition.is_sum ? "Sum" : "SampleCount"));
	add_contributors(call, report, (size_t)max,
		str_equal(api_member_text(call->input, "OrderBy"), STR("Maximum")));
	add_metrics(call, report);
	return 0;
}

MONITORING_HANDLER(monitoring_rule_report)
{
	struct report report = {.count = 0};
	json_t *rule;

	if (check_input(call, &report, error) < 0)
		return -1;
	if (insight_rule_get(monitoring_of(call), api_member_text(call->input, "RuleName"), &rule,
		    &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	if (!rule)
		return aws_error_set(
			error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION, "The rule does not exist.");
	int result = insight_parse(api_member_text(rule, "definition"), &report.definition, error);
	if (result == 0)
		result = make_report(call, &report, error);
	report_done(&report);
	json_decref(rule);
	return result;
}
