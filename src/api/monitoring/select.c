/* Metrics Insights (CloudWatch user guide, "Metrics Insights query components and syntax"):
 *
 *   SELECT FUNCTION(metric) FROM namespace | SCHEMA(namespace [, key]...)
 *     [WHERE key (= | !=) 'value' [AND ...]] [GROUP BY key [, ...]]
 *     [ORDER BY FUNCTION() [ASC | DESC]] [LIMIT n]
 *
 * FUNCTION is AVG, COUNT, MAX, MIN or SUM of the values put. Names are in double quotes where they
 * are more than letters, digits and '_'. A schema means metrics with exactly these dimensions;
 * metrics without a key that is grouped by are left out. Groups are ordered by the function over
 * their whole series, and else by name. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum { KEYS_MAX = 30, ALIVE_DAYS = 14, POINTS_MAX = 100800, CELLS_MAX = 4000000 };
enum aggregate { AGGREGATE_AVG, AGGREGATE_COUNT, AGGREGATE_MAX, AGGREGATE_MIN, AGGREGATE_SUM };

struct condition {
	struct str key, value;
	bool is_equal;
};

struct select {
	struct str text;
	size_t at;
	struct monitoring_query *query;
	struct aws_error *error;
	enum aggregate aggregate;
	struct str metric, name_space;
	bool has_schema;
	struct str schema[KEYS_MAX], groups[KEYS_MAX];
	size_t schema_count, groups_count;
	struct condition conditions[KEYS_MAX];
	size_t conditions_count;
	bool is_ordered, is_falling;
	enum aggregate order;
	size_t limit;
};

static int fail(const struct select *select, const char *what)
{
	return aws_error_set(select->error, AWS_ERROR_VALIDATION_ERROR,
		"Error in expression '%.*s': %s (at %zu)", STR_ARG(select->query->id), what,
		select->at + 1);
}

static void skip(struct select *select)
{
	while (select->at < select->text.n && isspace((unsigned char)select->text.p[select->at]))
		select->at++;
}

static bool take_sign(struct select *select, const char *sign)
{
	struct str wanted = str_from(sign);

	skip(select);
	struct str rest = {select->text.p + select->at, select->text.n - select->at};
	if (!str_starts_with(rest, wanted))
		return false;
	select->at += wanted.n;
	return true;
}

static struct str peek_word(struct select *select)
{
	skip(select);
	size_t end = select->at;
	while (end < select->text.n &&
		(isalnum((unsigned char)select->text.p[end]) || select->text.p[end] == '_' ||
			select->text.p[end] == '.'))
		end++;
	return (struct str){select->text.p + select->at, end - select->at};
}

/* Keywords are so in small letters, too. */
static bool take_word(struct select *select, const char *word)
{
	struct str found = peek_word(select);

	if (!str_equal_ignoring_case(found, str_from(word)))
		return false;
	select->at += found.n;
	return true;
}

static int take_quoted(struct select *select, char quote, struct str *ret_text)
{
	const char *start = select->text.p + select->at;
	const char *close = memchr(start, quote, select->text.n - select->at);

	if (!close)
		return fail(select, "a text does not end");
	*ret_text = (struct str){start, (size_t)(close - start)};
	select->at += ret_text->n + 1;
	return 0;
}

static int take_name(struct select *select, struct str *ret_name)
{
	if (take_sign(select, "\""))
		return take_quoted(select, '"', ret_name);
	*ret_name = peek_word(select);
	select->at += ret_name->n;
	return ret_name->n ? 0 : fail(select, "a name is missing");
}

static int take_names(struct select *select, struct str names[KEYS_MAX], size_t *count)
{
	do {
		if (*count == KEYS_MAX)
			return fail(select, "there are too many keys");
		if (take_name(select, &names[(*count)++]) < 0)
			return -1;
	} while (take_sign(select, ","));
	return 0;
}

static int take_aggregate(struct select *select, enum aggregate *ret_aggregate)
{
	static const char *const names[] = {"AVG", "COUNT", "MAX", "MIN", "SUM"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!take_word(select, names[i]))
			continue;
		*ret_aggregate = (enum aggregate)i;
		return take_sign(select, "(") ? 0 : fail(select, "expected '('");
	}
	return fail(select, "expected AVG, COUNT, MAX, MIN or SUM");
}

/* ---- the clauses ---- */

static int parse_from(struct select *select)
{
	if (!take_word(select, "FROM"))
		return fail(select, "expected FROM");
	if (!take_word(select, "SCHEMA"))
		return take_name(select, &select->name_space);
	select->has_schema = true;
	if (!take_sign(select, "("))
		return fail(select, "expected '('");
	if (take_name(select, &select->name_space) < 0 ||
		(take_sign(select, ",") &&
			take_names(select, select->schema, &select->schema_count) < 0))
		return -1;
	return take_sign(select, ")") ? 0 : fail(select, "expected ')'");
}

static int parse_where(struct select *select)
{
	do {
		struct condition *condition = &select->conditions[select->conditions_count++];
		if (select->conditions_count > KEYS_MAX)
			return fail(select, "there are too many conditions");
		if (take_name(select, &condition->key) < 0)
			return -1;
		condition->is_equal = !take_sign(select, "!=");
		if (condition->is_equal && !take_sign(select, "="))
			return fail(select, "expected = or !=");
		if (!take_sign(select, "'"))
			return fail(select, "expected a value in single quotes");
		if (take_quoted(select, '\'', &condition->value) < 0)
			return -1;
	} while (take_word(select, "AND"));
	return 0;
}

static int parse_order(struct select *select)
{
	select->is_ordered = true;
	if (!take_word(select, "BY"))
		return fail(select, "expected BY");
	if (take_aggregate(select, &select->order) < 0)
		return -1;
	if (!take_sign(select, ")"))
		return fail(select, "expected ')'");
	select->is_falling = take_word(select, "DESC");
	if (!select->is_falling)
		take_word(select, "ASC");
	return 0;
}

static int parse_limit(struct select *select)
{
	struct str word = peek_word(select);
	size_t limit = 0;

	for (size_t i = 0; i < word.n && i < 4; i++) {
		if (!isdigit((unsigned char)word.p[i]))
			return fail(select, "LIMIT takes a number");
		limit = limit * 10 + (size_t)(word.p[i] - '0');
	}
	select->at += word.n;
	if (!limit || word.n > 3 || limit > MONITORING_FOUND_MAX)
		return fail(select, "LIMIT takes a number of 1 to 500");
	select->limit = limit;
	return 0;
}

static int parse(struct select *select)
{
	if (!take_word(select, "SELECT") || take_aggregate(select, &select->aggregate) < 0)
		return -1;
	if (take_name(select, &select->metric) < 0)
		return -1;
	if (!take_sign(select, ")"))
		return fail(select, "expected ')'");
	if (parse_from(select) < 0 || (take_word(select, "WHERE") && parse_where(select) < 0))
		return -1;
	if (take_word(select, "GROUP")) {
		if (!take_word(select, "BY"))
			return fail(select, "expected BY");
		if (take_names(select, select->groups, &select->groups_count) < 0)
			return -1;
	}
	if ((take_word(select, "ORDER") && parse_order(select) < 0) ||
		(take_word(select, "LIMIT") && parse_limit(select) < 0))
		return -1;
	skip(select);
	return select->at == select->text.n ? 0 : fail(select, "expected the end");
}

/* ---- metrics ---- */

struct cell {
	double count, sum, min, max;
};

struct group {
	char *label;
	struct cell *cells; /* one a period */
};

struct gathering {
	const struct select *select;
	struct monitoring_queries *queries;
	int64_t start, period;
	size_t cells;
	json_t *found; /* of dimensions' texts and groups */
	struct group *groups;
	size_t count;
	struct group *current;
};

static struct str value_of(const json_t *dimensions, struct str key)
{
	size_t i;
	json_t *dimension;

	json_array_foreach(dimensions, i, dimension)
	{
		if (str_equal(api_member_text(dimension, "Name"), key))
			return api_member_text(dimension, "Value");
	}
	return STR_NONE;
}

static bool is_wanted(const struct select *select, const json_t *dimensions)
{
	bool fits = !select->has_schema || json_array_size(dimensions) == select->schema_count;

	for (size_t i = 0; i < select->schema_count; i++)
		fits = fits && value_of(dimensions, select->schema[i]).p;
	for (size_t i = 0; i < select->groups_count; i++)
		fits = fits && value_of(dimensions, select->groups[i]).p;
	for (size_t i = 0; i < select->conditions_count && fits; i++) {
		const struct condition *condition = &select->conditions[i];
		struct str value = value_of(dimensions, condition->key);
		fits = value.p && str_equal(value, condition->value) == condition->is_equal;
	}
	return fits;
}

static bool on_metric(void *context, struct str key, struct str name_space, struct str name,
	struct str dimensions)
{
	struct gathering *gathering = context;
	const struct select *select = gathering->select;
	json_t *list = json_loadb(dimensions.p, dimensions.n, 0, NULL);

	if (is_wanted(select, list)) {
		_cleanup_buf_ struct buf label = {0};
		for (size_t i = 0; i < select->groups_count; i++) {
			if (i)
				buf_add_char(&label, ' ');
			buf_add_str(&label, value_of(list, select->groups[i]));
		}
		json_array_append_new(gathering->found,
			json_pack("[s%, s]", dimensions.p, dimensions.n, buf_text(&label)));
	}
	json_decref(list);
	return true;
}

static struct group *find_group(struct gathering *gathering, const char *label)
{
	for (size_t i = 0; i < gathering->count; i++) {
		if (strcmp(gathering->groups[i].label, label) == 0)
			return &gathering->groups[i];
	}
	gathering->groups =
		mem_grow(gathering->groups, gathering->count + 1, sizeof(gathering->groups[0]));
	struct group *group = &gathering->groups[gathering->count++];
	*group = (struct group){.label = mem_strdup(label),
		.cells = mem_new(gathering->cells, sizeof(group->cells[0]))};
	return group;
}

static void on_point(void *context, const struct store_metric_point *point)
{
	struct gathering *gathering = context;
	size_t at = (size_t)((point->time - gathering->start) / gathering->period);

	if (!gathering->current || at >= gathering->cells)
		return;
	struct cell *cell = &gathering->current->cells[at];
	cell->min = cell->count > 0 ? fmin(cell->min, point->min) : point->min;
	cell->max = cell->count > 0 ? fmax(cell->max, point->max) : point->max;
	cell->count += point->count;
	cell->sum += point->sum;
}

static double aggregate_of(const struct cell *cell, enum aggregate aggregate)
{
	switch (aggregate) {
	case AGGREGATE_AVG:
		return cell->count > 0 ? cell->sum / cell->count : 0;
	case AGGREGATE_COUNT:
		return cell->count;
	case AGGREGATE_MAX:
		return cell->max;
	case AGGREGATE_MIN:
		return cell->min;
	default:
		return cell->sum;
	}
}

static int read_groups(struct gathering *gathering)
{
	const struct select *select = gathering->select;
	struct monitoring_queries *queries = gathering->queries;
	size_t i;
	json_t *pair;

	json_array_foreach(gathering->found, i, pair)
	{
		if ((gathering->count + 1) * gathering->cells > CELLS_MAX)
			return fail(gathering->select, "there are too many groups for this time");
		gathering->current =
			find_group(gathering, json_string_value(json_array_get(pair, 1)));
		if (store_metrics_read(queries->metrics, select->name_space, select->metric,
			    str_from(json_string_value(json_array_get(pair, 0))), STR_NONE,
			    gathering->start, queries->end, on_point, gathering, queries->err) < 0)
			return aws_error_internal(select->error);
	}
	return 0;
}

/* ---- results ---- */

static struct monitoring_series series_of(
	const struct gathering *gathering, const struct group *group)
{
	struct monitoring_series series = {.period = gathering->period};

	for (size_t i = 0; i < gathering->cells; i++) {
		if (group->cells[i].count > 0)
			monitoring_series_add(&series,
				gathering->start + (int64_t)i * gathering->period,
				aggregate_of(&group->cells[i], gathering->select->aggregate));
	}
	return series;
}

/* The function over a result's values. */
static double rank_of(const struct monitoring_series *series, enum aggregate order)
{
	struct cell all = {.count = 0};

	for (size_t i = 0; i < series->count; i++) {
		double value = series->values[i];
		all.min = i ? fmin(all.min, value) : value;
		all.max = i ? fmax(all.max, value) : value;
		all.sum += value;
		all.count++;
	}
	return aggregate_of(&all, order);
}

struct ranked {
	struct monitoring_series series;
	double rank;
	bool is_falling;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;
	int result = (x->rank > y->rank) - (x->rank < y->rank);

	if (result == 0)
		return strcmp(x->series.label, y->series.label);
	return x->is_falling ? -result : result;
}

static void give(struct gathering *gathering, struct monitoring_query *query)
{
	const struct select *select = gathering->select;
	struct ranked *ranked = mem_new(gathering->count + 1, sizeof(ranked[0]));
	size_t count = 0;

	for (size_t i = 0; i < gathering->count; i++) {
		struct group *group = &gathering->groups[i];
		struct monitoring_series series = series_of(gathering, group);
		if (!series.count && select->groups_count)
			continue;
		series.label = take(group->label);
		ranked[count++] = (struct ranked){series,
			select->is_ordered ? rank_of(&series, select->order) : 0,
			select->is_falling};
	}
	qsort(ranked, count, sizeof(ranked[0]), compare_ranked);
	query->results = mem_new(count + 1, sizeof(query->results[0]));
	for (size_t i = 0; i < count; i++) {
		if (i < select->limit)
			query->results[query->results_count++] = ranked[i].series;
		else
			monitoring_series_done(&ranked[i].series);
	}
	free(ranked);
}

bool monitoring_is_select(struct str expression)
{
	struct str word = str_trim(expression);

	while (word.n && isspace((unsigned char)word.p[0]))
		word = (struct str){word.p + 1, word.n - 1};
	return word.n > 6 && isspace((unsigned char)word.p[6]) &&
	       str_equal_ignoring_case((struct str){word.p, 6}, STR("SELECT"));
}

int monitoring_select(
	struct monitoring_queries *queries, struct monitoring_query *query, struct aws_error *error)
{
	struct select *select = mem_new(1, sizeof(*select));
	struct gathering gathering = {
		.select = select, .queries = queries, .period = query->period ? query->period : 60};
	int64_t now = clock_wall_ns() / CLOCK_NS_PER_SECOND;

	*select = (struct select){.text = query->expression,
		.query = query,
		.error = error,
		.limit = MONITORING_FOUND_MAX};
	gathering.start = queries->start - queries->start % gathering.period;
	gathering.cells = (size_t)((queries->end - gathering.start + gathering.period - 1) /
				   gathering.period);
	int result = parse(select);
	if (result == 0)
		result = monitoring_check_period(gathering.period, error);
	if (result == 0 && gathering.cells > POINTS_MAX)
		result = fail(select, "there are too many datapoints");
	gathering.found = json_array();
	if (result == 0 &&
		store_metrics_list(queries->metrics, select->name_space, select->metric,
			now - ALIVE_DAYS * 86400, STR(""), on_metric, &gathering, queries->err) < 0)
		result = aws_error_internal(error);
	if (result == 0)
		result = read_groups(&gathering);
	if (result == 0) {
		query->period = gathering.period;
		query->is_list = select->groups_count > 0;
		give(&gathering, query);
	}
	for (size_t i = 0; i < gathering.count; i++) {
		free(gathering.groups[i].label);
		free(gathering.groups[i].cells);
	}
	free(gathering.groups);
	json_decref(gathering.found);
	free(select);
	return result;
}
