/* Metric filters: numbers out of events as they are put (CloudWatch Logs user guide, "Creating
 * metrics from log events using filters"). Filters are in the database and compiled in memory, by
 * log group; a group without any costs a look-up.
 *
 * An event counts in the minute of its time. A default value counts once in each minute in which
 * events came and none matched, at that minute. Where AWS says nothing: an event without a value,
 * or without one of the dimensions, is not counted. Of JSON, value and dimensions may be any
 * fields; of words only those that the pattern names. */
#include "api/logs/logs_priv.h"

#include "base/clock.h"
#include "store/log_documents.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#define KIND STR("metric-filter")
enum { DIMENSIONS_MAX = 3, MINUTE_MS = 60000 };

struct metric_filter {
	char *name;
	json_t *document;
	struct query_pattern *pattern;
	struct query_pattern *others; /* of fields that only the transformation names; NULL: none */
	const json_t *transformation; /* of the document */
	const char *selector;         /* of the value; NULL: constant */
	double constant, otherwise;
	bool has_otherwise;
	char *no_dimensions;
	/* Of the minute that runs. */
	_Atomic int64_t minute;
	_Atomic bool has_matched;
};

struct filter_group {
	int64_t id;
	uint64_t counted; /* sequence up to which the last snapshot had all; its mark is written */
	struct metric_filter **filters; /* by name */
	size_t count;
};

struct logs_metric_filters {
	const struct logs *logs;
	struct logs_values *values;
	pthread_rwlock_t hold; /* reading: a put; writing: a snapshot. Before lock. */
	pthread_rwlock_t lock;
	struct filter_group *groups;
	size_t count;
	_Atomic size_t total; /* of filters: none is the usual case */
};

static void filter_free(struct metric_filter *filter)
{
	if (!filter)
		return;
	free(filter->name);
	free(filter->no_dimensions);
	json_decref(filter->document);
	query_pattern_free(filter->pattern);
	query_pattern_free(filter->others);
	free(filter);
}
MEM_DEFINE_CLEANUP(struct metric_filter, filter_free)

/* ---- what is put ---- */

static const char *text_of(const json_t *object, const char *name, const char *otherwise)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? json_string_value(value) : otherwise;
}

static bool parse_number(struct str text, double *ret_number)
{
	char copy[64], *end;

	if (!text.n || text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	*ret_number = strtod(copy, &end);
	return end == copy + text.n && isfinite(*ret_number) && fabs(*ret_number) <= 0x1p360;
}

/* A field that is in no condition gets one of its own, in a second pattern, which finds its value.
 */
static bool has_field(const struct metric_filter *filter, struct str selector, struct buf *others)
{
	struct str pattern = logs_string(json_object_get(filter->document, "filterPattern"));

	if (query_pattern_has_name(filter->pattern, selector))
		return true;
	while (pattern.n && pattern.p[0] == ' ')
		pattern = (struct str){pattern.p + 1, pattern.n - 1};
	if (!pattern.n || pattern.p[0] != '{' || !str_starts_with(selector, STR("$.")))
		return false;
	buf_printf(others, "%s(%.*s = *)", others->n ? " || " : "{ ", STR_ARG(selector));
	return true;
}

static int check_dimensions(
	const struct metric_filter *filter, struct buf *others, struct aws_error *error)
{
	const json_t *dimensions = json_object_get(filter->transformation, "dimensions");
	const char *name;
	json_t *selector;

	if (json_object_size(dimensions) > DIMENSIONS_MAX)
		return logs_refuse(error,
			"Invalid metric transformation: a metric filter has at most %d dimensions.",
			DIMENSIONS_MAX);
	if (json_object_size(dimensions) && filter->has_otherwise)
		return logs_refuse(error,
			"Invalid metric transformation: dimensions and default value are mutually exclusive properties.");
	json_object_foreach((json_t *)dimensions, name, selector)
	{
		if (!has_field(filter, logs_string(selector), others))
			return logs_refuse(error,
				"Invalid metric transformation: the dimension '%s' has the value '%s', which is no field of the filter pattern.",
				name, json_string_value(selector));
	}
	return 0;
}

/* document becomes the filter's. */
static int compile(json_t *document, struct metric_filter **ret_filter, struct aws_error *error)
{
	_cleanup_(filter_freep) struct metric_filter *filter = mem_new(1, sizeof(*filter));
	_cleanup_buf_ struct buf others = {0};
	struct str value;

	filter->document = document;
	filter->name = mem_strdup(text_of(document, "filterName", ""));
	filter->transformation =
		json_array_get(json_object_get(document, "metricTransformations"), 0);
	filter->no_dimensions = store_metric_dimensions(NULL);
	if (logs_pattern(logs_string(json_object_get(document, "filterPattern")), &filter->pattern,
		    error) < 0)
		return -1;
	const json_t *otherwise = json_object_get(filter->transformation, "defaultValue");
	filter->has_otherwise = json_is_number(otherwise);
	filter->otherwise = json_number_value(otherwise);
	value = logs_string(json_object_get(filter->transformation, "metricValue"));
	if (!parse_number(value, &filter->constant)) {
		if (!value.n || value.p[0] != '$')
			return logs_refuse(error,
				"Invalid metric transformation: metricValue '%.*s' is neither a number nor a field of the filter pattern.",
				STR_ARG(value));
		if (!has_field(filter, value, &others))
			return logs_refuse(error,
				"Invalid metric transformation: metricValue '%.*s' is no field of the filter pattern.",
				STR_ARG(value));
		filter->selector = value.p;
	}
	if (check_dimensions(filter, &others, error) < 0)
		return -1;
	if (others.n) {
		buf_add_text(&others, " }");
		if (logs_pattern(buf_str(&others), &filter->others, error) < 0)
			return -1;
	}
	*ret_filter = take(filter);
	return 0;
}

/* ---- in memory ---- */

static struct filter_group *find_group(const struct logs_metric_filters *all, int64_t id)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->groups[i].id == id)
			return &all->groups[i];
	return NULL;
}

static size_t place_of(const struct filter_group *group, const char *name, bool *ret_found)
{
	size_t i = 0;

	while (i < group->count && strcmp(group->filters[i]->name, name) < 0)
		i++;
	*ret_found = i < group->count && strcmp(group->filters[i]->name, name) == 0;
	return i;
}

/* Locked for writing. */
static void keep(struct logs_metric_filters *all, int64_t id, struct metric_filter *filter)
{
	struct filter_group *group = find_group(all, id);
	bool found;

	if (!group) {
		all->groups = mem_grow(all->groups, all->count + 1, sizeof(*all->groups));
		group = &all->groups[all->count++];
		*group = (struct filter_group){.id = id};
	}
	size_t i = place_of(group, filter->name, &found);
	if (found && group->filters) {
		filter_free(group->filters[i]);
	} else {
		group->filters =
			mem_grow(group->filters, group->count + 1, sizeof(*group->filters));
		memmove(group->filters + i + 1, group->filters + i,
			(group->count - i) * sizeof(*group->filters));
		group->count++;
		all->total++;
	}
	group->filters[i] = filter;
}

static void drop(struct logs_metric_filters *all, struct filter_group *group, size_t i)
{
	filter_free(group->filters[i]);
	memmove(group->filters + i, group->filters + i + 1,
		(--group->count - i) * sizeof(*group->filters));
	all->total--;
}

void logs_metric_filters_forget(const struct logs *logs, int64_t id)
{
	struct logs_metric_filters *all = logs->metric_filters;

	pthread_rwlock_wrlock(&all->lock);
	struct filter_group *group = find_group(all, id);
	while (group && group->count)
		drop(all, group, group->count - 1);
	if (group) {
		free(group->filters);
		*group = all->groups[--all->count];
	}
	pthread_rwlock_unlock(&all->lock);
}

size_t logs_metric_filters_count(const struct logs *logs, int64_t id)
{
	struct logs_metric_filters *all = logs->metric_filters;

	pthread_rwlock_rdlock(&all->lock);
	const struct filter_group *group = find_group(all, id);
	size_t count = group ? group->count : 0;
	pthread_rwlock_unlock(&all->lock);
	return count;
}

/* ---- events ---- */

/* What of an event's fields a filter wants. */
struct wanted {
	const char *names[1 + DIMENSIONS_MAX]; /* the value's first; NULL: none */
	char *values[1 + DIMENSIONS_MAX];
};

static void take_field(void *context, struct str name, struct str value)
{
	struct wanted *wanted = context;

	for (size_t i = 0; i < ARRAY_SIZE(wanted->names); i++)
		if (wanted->names[i] && !wanted->values[i] &&
			str_equal(name, str_from(wanted->names[i])))
			wanted->values[i] = mem_printf("%.*s", STR_ARG(value));
}

/* NULL: one of them has no value. */
static char *dimensions_of(const json_t *dimensions, struct wanted *wanted)
{
	json_t *list = json_array(), *selector;
	const char *name;
	size_t i = 1;

	json_object_foreach((json_t *)dimensions, name, selector)
	{
		const char *value = wanted->values[i++];
		if (value && *value)
			json_array_append_new(
				list, json_pack("{s:s, s:s}", "Name", name, "Value", value));
	}
	char *text = json_array_size(list) == json_object_size(dimensions)
			     ? store_metric_dimensions(list)
			     : NULL;
	json_decref(list);
	return text;
}

static void add_value(struct logs_values *values, const struct metric_filter *filter,
	const char *dimensions, int64_t time_ms, double value)
{
	const struct logs_value one = {
		.name_space = text_of(filter->transformation, "metricNamespace", ""),
		.name = text_of(filter->transformation, "metricName", ""),
		.unit = text_of(filter->transformation, "unit", "None"),
		.dimensions = dimensions,
		.time_ms = time_ms,
		.value = value};

	logs_values_add(values, &one);
}

static void count_event(struct logs_values *values, const struct metric_filter *filter,
	const struct store_log_event *event)
{
	const json_t *dimensions = json_object_get(filter->transformation, "dimensions");
	struct wanted wanted = {.names = {filter->selector}};
	double value = filter->constant;
	const char *name;
	json_t *selector;
	size_t i = 1;

	if (!filter->selector && !json_object_size(dimensions)) {
		add_value(values, filter, filter->no_dimensions, event->time_ms, value);
		return;
	}
	json_object_foreach((json_t *)dimensions, name, selector) wanted.names[i++] =
		json_string_value(selector);
	query_pattern_extract(filter->pattern, event->message, take_field, &wanted);
	if (filter->others)
		query_pattern_extract(filter->others, event->message, take_field, &wanted);
	bool has_value = !filter->selector ||
			 (wanted.values[0] && parse_number(str_from(wanted.values[0]), &value));
	char *text = has_value ? dimensions_of(dimensions, &wanted) : NULL;
	if (text)
		add_value(values, filter, text, event->time_ms, value);
	free(text);
	for (i = 0; i < ARRAY_SIZE(wanted.values); i++)
		free(wanted.values[i]);
}

/* A minute that ended without a match has the default value. */
static void end_minute(struct logs_values *values, struct metric_filter *filter, int64_t now_ms)
{
	int64_t minute = filter->minute;

	if (!minute || minute == now_ms / MINUTE_MS ||
		!atomic_compare_exchange_strong(&filter->minute, &minute, 0))
		return;
	if (!filter->has_matched)
		add_value(values, filter, filter->no_dimensions, minute * MINUTE_MS,
			filter->otherwise);
	filter->has_matched = false;
}

void logs_metric_filters_apply(const struct logs *logs, int64_t id,
	const struct store_log_event *events, size_t count, int64_t now_ms)
{
	struct logs_metric_filters *all = logs->metric_filters;

	if (!all->total)
		return;
	pthread_rwlock_rdlock(&all->lock);
	const struct filter_group *group = find_group(all, id);
	for (size_t i = 0; group && i < group->count; i++) {
		struct metric_filter *filter = group->filters[i];
		if (filter->has_otherwise) {
			end_minute(all->values, filter, now_ms);
			filter->minute = now_ms / MINUTE_MS;
		}
		for (size_t j = 0; j < count; j++) {
			if (!query_pattern_matches(filter->pattern, events[j].message))
				continue;
			filter->has_matched = true;
			count_event(all->values, filter, &events[j]);
		}
	}
	pthread_rwlock_unlock(&all->lock);
}

static void tick(void *context, int64_t now_ms)
{
	struct logs_metric_filters *all = context;

	if (!all->total)
		return;
	pthread_rwlock_rdlock(&all->lock);
	for (size_t i = 0; i < all->count; i++)
		for (size_t j = 0; j < all->groups[i].count; j++)
			if (all->groups[i].filters[j]->has_otherwise)
				end_minute(all->values, all->groups[i].filters[j], now_ms);
	pthread_rwlock_unlock(&all->lock);
}

/* ---- how far events are counted ---- */

void logs_metric_filters_hold(const struct logs *logs)
{
	pthread_rwlock_rdlock(&logs->metric_filters->hold);
}

void logs_metric_filters_release(const struct logs *logs)
{
	pthread_rwlock_unlock(&logs->metric_filters->hold);
}

static bool take_none(void *context, const struct store_log_found *event)
{
	return false;
}

/* The group's last sequence; false: it is not there (any more). */
static bool find_end(
	const struct logs *logs, const struct filter_group *group, uint64_t *ret_sequence)
{
	/* No event is so late: nothing is opened. */
	const struct store_log_read read = {
		.group = str_from(text_of(group->filters[0]->document, "logGroupName", "")),
		.start_ms = INT64_MAX - 1,
		.end_ms = INT64_MAX};
	struct store_log_position end;
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	bool is_complete;

	if (store_log_read(logs->events, &read, take_none, NULL, &end, &is_complete, &error, &err) <
		0)
		return false;
	*ret_sequence = end.high;
	return true;
}

static void write_mark(struct logs_mark *mark, int64_t group, uint64_t sequence)
{
	const struct store_log_position position = {.low = sequence, .high = sequence};

	mark->group = group;
	store_log_position_write(&position, mark->position);
}

static void snapshot(void *context, void (*collect)(void *collected), void *collected,
	struct logs_marks *ret_marks)
{
	struct logs_metric_filters *all = context;
	uint64_t sequence;

	*ret_marks = (struct logs_marks){0};
	/* Without filters puts wait for nothing. */
	if (!all->total) {
		collect(collected);
		return;
	}
	pthread_rwlock_wrlock(&all->hold);
	collect(collected);
	pthread_rwlock_rdlock(&all->lock);
	ret_marks->marks = mem_new(all->count + 1, sizeof(*ret_marks->marks));
	for (size_t i = 0; i < all->count; i++) {
		struct filter_group *group = &all->groups[i];
		if (!group->count || !find_end(all->logs, group, &sequence) ||
			sequence == group->counted)
			continue;
		group->counted = sequence;
		write_mark(&ret_marks->marks[ret_marks->count++], group->id, sequence);
	}
	pthread_rwlock_unlock(&all->lock);
	pthread_rwlock_unlock(&all->hold);
}

/* A group's first filter counts from here on; held. */
static int begin_counting(struct api_call *call, int64_t id, const struct metric_filter *filter,
	struct aws_error *error)
{
	struct metric_filter *filters[] = {(struct metric_filter *)filter};
	const struct filter_group group = {.id = id, .filters = filters, .count = 1};
	struct logs_mark mark;
	uint64_t sequence;

	if (logs_metric_filters_count(logs_of(call), id) ||
		!find_end(logs_of(call), &group, &sequence))
		return 0;
	write_mark(&mark, id, sequence);
	const struct store_log_document document = {.kind = LOGS_MARK,
		.owner = id,
		.name = STR("counted"),
		.text = str_from(mark.position)};
	return store_log_document_put(
		       logs_of(call)->database, &document, SIZE_MAX >> 1, &call->exchange->err) < 0
		       ? aws_error_internal(error)
		       : 0;
}

struct recovery {
	struct logs_metric_filters *all;
	struct filter_group *group;
};

static bool count_again(void *context, const struct store_log_found *found)
{
	struct recovery *recovery = context;
	const struct store_log_event event = {found->time_ms, found->message};

	logs_metric_filters_apply(
		recovery->all->logs, recovery->group->id, &event, 1, found->ingested_ms);
	return true;
}

static void recover(void *context, const struct store_log_document *document)
{
	struct logs_metric_filters *all = context;
	struct recovery recovery = {all, find_group(all, document->owner)};
	struct store_log_position from, end;
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	bool is_complete;

	if (!recovery.group || !recovery.group->count ||
		!store_log_position_parse(document->text, &from))
		return;
	from = (struct store_log_position){.low = from.low, .high = (UINT64_C(1) << 48) - 1};
	const struct store_log_read read = {
		.group =
			str_from(text_of(recovery.group->filters[0]->document, "logGroupName", "")),
		.end_ms = INT64_MAX,
		.from = &from};
	/* What cannot be read now is not counted: the disk is broken. */
	store_log_read(
		all->logs->events, &read, count_again, &recovery, &end, &is_complete, &error, &err);
}

/* ---- start ---- */

static void load(void *context, const struct store_log_document *document)
{
	struct metric_filter *filter = NULL;
	json_t *value = json_loadb(document->text.p, document->text.n, 0, NULL);

	if (value && compile(value, &filter, NULL) == 0 && filter)
		keep(context, document->owner, filter);
}

int logs_metric_filters_start(struct logs *logs, struct err *err)
{
	struct logs_metric_filters *all = mem_new(1, sizeof(*all));

	logs->metric_filters = all;
	pthread_rwlockattr_t attributes;

	/* Else puts, of which there is always one, would never let a snapshot in. */
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&all->hold, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	pthread_rwlock_init(&all->lock, NULL);
	all->logs = logs;
	const struct logs_values_hooks hooks = {tick, snapshot, all};
	if (store_log_documents_list(logs->database, KIND, load, all, err) < 0)
		return -1;
	/* No snapshot before all is counted. */
	pthread_rwlock_rdlock(&all->hold);
	int result = logs_values_start(&all->values, logs->metrics, &hooks, err);
	if (result == 0)
		result = store_log_documents_list(logs->database, LOGS_MARK, recover, all, err);
	pthread_rwlock_unlock(&all->hold);
	return result;
}

void logs_metric_filters_stop(struct logs *logs)
{
	struct logs_metric_filters *all = take(logs->metric_filters);

	if (!all)
		return;
	logs_values_stop(all->values);
	for (size_t i = 0; i < all->count; i++) {
		for (size_t j = 0; j < all->groups[i].count; j++)
			filter_free(all->groups[i].filters[j]);
		free(all->groups[i].filters);
	}
	free(all->groups);
	pthread_rwlock_destroy(&all->lock);
	pthread_rwlock_destroy(&all->hold);
	free(all);
}

/* ---- operations ---- */

static json_t *document_of(const struct api_call *call)
{
	static const char *const members[] = {
		"logGroupName", "filterName", "filterPattern", "metricTransformations"};
	json_t *document = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		json_object_set(document, members[i], json_object_get(call->input, members[i]));
	json_object_set_new(document, "applyOnTransformedLogs", json_false());
	json_object_set_new(document, "creationTime", json_integer(clock_wall_ns() / 1000000));
	return document;
}

static unsigned count_regexes(const struct filter_group *group, const char *but)
{
	unsigned count = 0;

	for (size_t i = 0; group && i < group->count; i++)
		count += strcmp(group->filters[i]->name, but) != 0 &&
			 query_pattern_regexes(group->filters[i]->pattern) > 0;
	return count;
}

static int save(const struct api_call *call, int64_t id, struct metric_filter *filter,
	struct aws_error *error)
{
	const struct logs *logs = logs_of(call);
	_cleanup_free_ char *text = json_dumps(filter->document, JSON_COMPACT);
	const struct store_log_document document = {
		.kind = KIND, .owner = id, .name = str_from(filter->name), .text = str_from(text)};

	if (query_pattern_regexes(filter->pattern) > 0 &&
		count_regexes(find_group(logs->metric_filters, id), filter->name) >=
			LOGS_REGEXES_MAX)
		return aws_error_set(error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION,
			"Resource limit exceeded: a log group has at most %d filter patterns with regular expressions.",
			LOGS_REGEXES_MAX);
	int result = store_log_document_put(
		logs->database, &document, LOGS_METRIC_FILTERS_MAX, &call->exchange->err);
	if (result == STORE_LOG_DOCUMENTS_FULL)
		return aws_error_set(
			error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION, "Resource limit exceeded.");
	return result < 0 ? aws_error_internal(error) : 0;
}

LOGS_HANDLER(logs_put_metric_filter)
{
	static const char *const unknown[] = {
		"applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions"};
	struct logs_metric_filters *all = logs_of(call)->metric_filters;
	_cleanup_(store_log_group_done) struct store_log_group group = {0};
	_cleanup_(filter_freep) struct metric_filter *filter = NULL;

	if (store_log_group_get(
		    logs_of(call)->events, logs_text(call, "logGroupName"), &group, error) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		const json_t *value = json_object_get(call->input, unknown[i]);
		if (value && !json_is_false(value))
			return logs_refuse(error, "%s is not supported.", unknown[i]);
	}
	if (group.log_class != STORE_LOG_STANDARD)
		return aws_error_set(error, AWS_ERROR_INVALID_OPERATION_EXCEPTION,
			"Metric filters are for log groups of the class STANDARD.");
	if (compile(document_of(call), &filter, error) < 0 || !filter)
		return -1;
	pthread_rwlock_wrlock(&all->hold);
	int result = begin_counting(call, group.id, filter, error);
	pthread_rwlock_wrlock(&all->lock);
	if (result == 0)
		result = save(call, group.id, filter, error);
	if (result == 0)
		keep(all, group.id, take(filter));
	pthread_rwlock_unlock(&all->lock);
	pthread_rwlock_unlock(&all->hold);
	return result;
}

LOGS_HANDLER(logs_delete_metric_filter)
{
	const struct logs *logs = logs_of(call);
	struct logs_metric_filters *all = logs->metric_filters;
	_cleanup_(store_log_group_done) struct store_log_group found = {0};
	struct str name = logs_text(call, "filterName");
	bool is_there = false;

	if (store_log_group_get(logs->events, logs_text(call, "logGroupName"), &found, error) < 0)
		return -1;
	const struct store_log_document document = {.kind = KIND, .owner = found.id, .name = name};
	pthread_rwlock_wrlock(&all->lock);
	int result = store_log_document_delete(logs->database, &document, &call->exchange->err);
	struct filter_group *group = find_group(all, found.id);
	size_t i = group ? place_of(group, name.p, &is_there) : 0;
	if (result >= 0 && is_there)
		drop(all, group, i);
	pthread_rwlock_unlock(&all->lock);
	if (result == STORE_LOG_DOCUMENT_NONE)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"The specified metric filter does not exist.");
	return result < 0 ? aws_error_internal(error) : 0;
}

/* ---- DescribeMetricFilters ---- */

/* "The results are ASCII-sorted by filter name." */
static int compare_documents(const void *a, const void *b)
{
	const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
	int result = strcmp(text_of(left, "filterName", ""), text_of(right, "filterName", ""));

	return result ? result
		      : strcmp(text_of(left, "logGroupName", ""),
				text_of(right, "logGroupName", ""));
}

static bool is_wanted(const struct api_call *call, const json_t *document)
{
	const json_t *transformation =
		json_array_get(json_object_get(document, "metricTransformations"), 0);
	struct str group = logs_text(call, "logGroupName");
	struct str prefix = logs_text(call, "filterNamePrefix");
	struct str metric = logs_text(call, "metricName");
	struct str name_space = logs_text(call, "metricNamespace");

	return (!group.p || str_equal(group, str_from(text_of(document, "logGroupName", "")))) &&
	       (!prefix.p ||
		       str_starts_with(str_from(text_of(document, "filterName", "")), prefix)) &&
	       (!metric.p ||
		       str_equal(metric, str_from(text_of(transformation, "metricName", "")))) &&
	       (!name_space.p || str_equal(name_space,
					 str_from(text_of(transformation, "metricNamespace", ""))));
}

/* Of a page's token, "NAME:GROUP"; names have no colon. */
struct place_after {
	const char *name, *group;
};

static bool is_after(const json_t *document, const struct place_after *after)
{
	int result = strcmp(text_of(document, "filterName", ""), after->name);

	return result ? result > 0
		      : strcmp(text_of(document, "logGroupName", ""), after->group) > 0;
}

static void add_page(
	struct api_call *call, json_t **documents, size_t count, const struct place_after *after)
{
	size_t max = (size_t)logs_number(call, "limit", LOGS_PAGE);
	json_t *list = json_array();

	json_object_set_new(call->output, "metricFilters", list);
	for (size_t i = 0; i < count; i++) {
		if (!is_after(documents[i], after) || !is_wanted(call, documents[i]))
			continue;
		if (json_array_size(list) == max) {
			const json_t *last = json_array_get(list, max - 1);
			_cleanup_free_ char *token = mem_printf("%s:%s",
				text_of(last, "filterName", ""), text_of(last, "logGroupName", ""));
			logs_page_next(call, str_from(token));
			return;
		}
		/* The output is another thread's than the filter's. */
		json_array_append_new(list, json_deep_copy(documents[i]));
	}
}

LOGS_HANDLER(logs_describe_metric_filters)
{
	struct logs_metric_filters *all = logs_of(call)->metric_filters;
	_cleanup_(store_log_group_done) struct store_log_group group = {0};
	_cleanup_buf_ struct buf after = {0};
	struct str name = logs_text(call, "logGroupName");
	size_t count = 0;

	if (!logs_text(call, "metricName").p != !logs_text(call, "metricNamespace").p)
		return logs_refuse(error, "metricName and metricNamespace must be given together.");
	if ((name.p && store_log_group_get(logs_of(call)->events, name, &group, error) < 0) ||
		logs_page_after(call, &after, error) < 0)
		return -1;
	buf_text(&after);
	char *colon = after.n ? memchr(after.p, ':', after.n) : NULL;
	if (after.n && !colon)
		return logs_refuse_token(error);
	if (colon)
		*colon = '\0';
	const struct place_after place = {after.n ? after.p : "", colon ? colon + 1 : ""};
	pthread_rwlock_rdlock(&all->lock);
	json_t **documents = mem_new(all->total + 1, sizeof(json_t *));
	for (size_t i = 0; i < all->count; i++)
		for (size_t j = 0; j < all->groups[i].count; j++)
			documents[count++] = all->groups[i].filters[j]->document;
	qsort(documents, count, sizeof(json_t *), compare_documents);
	add_page(call, documents, count, &place);
	pthread_rwlock_unlock(&all->lock);
	free(documents);
	return 0;
}
