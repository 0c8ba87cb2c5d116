/* Functions: those of insights.def by their templates, and aggregates. */
#include "query/insights_priv.h"

#include "base/mem.h"
#include "base/number.h"

#include <stdio.h>

#define ARGUMENTS_MAX 50

/* A number without fraction, in insights.def. */
enum { INTEGER = QUERY_INSIGHTS_BOOLEAN + 1 };

static const struct function {
	const char *name;
	size_t least, most;
	enum query_insights_type type;
	const char *sql;
} functions[] = {
#define QUERY_INSIGHTS_INTEGER          ((enum query_insights_type)INTEGER)
#define X(name, least, most, type, sql) {name, least, most, QUERY_INSIGHTS_##type, sql},
#include "query/insights.def"
#undef X
};

/* As deep as INSIGHTS_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */

/* ---- arguments ---- */

struct arguments {
	struct insights_value values[ARGUMENTS_MAX];
	size_t count;
};

/* From behind '(' to behind ')'. */
static int parse_arguments(struct insights *insights, struct arguments *arguments)
{
	bool taken;

	if (insights_take_sign(insights, ")", &taken) < 0 || taken)
		return taken ? 0 : -1;
	do {
		if (arguments->count == ARGUMENTS_MAX)
			return insights_fail(insights, "50 arguments at most");
		if (insights_expression(insights, &arguments->values[arguments->count++]) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	return insights_expect_sign(insights, ")");
}

static const char *as(struct insights *insights, const struct insights_value *value, char letter)
{
	/* What a list or map is to functions of text and numbers: missing. */
	if (value->is_structure && strchr("nst", letter))
		return letter == 's' ? "NULL::VARCHAR" : "NULL::DOUBLE";
	switch (letter) {
	case 'j':
		return insights_as_text(insights, value);
	case 'n':
		return insights_as_number(insights, value);
	case 's':
		return insights_as_text(insights, value);
	case 'b':
		return insights_as_truth(insights, value);
	case 't':
		if (value->type == QUERY_INSIGHTS_TIME)
			return value->sql;
		return insights_printf(
			insights, "CAST(%s AS BIGINT)", insights_as_number(insights, value));
	default:
		return value->sql;
	}
}

static const char *fill(
	struct insights *insights, const char *template, const struct arguments *arguments)
{
	_cleanup_buf_ struct buf sql = {0};
	bool is_inside = false, is_left_out = false;

	for (const char *p = template; *p; p++) {
		if (*p == '~') {
			const char *argument = strchr(p, '$');
			is_inside = !is_inside;
			is_left_out = is_inside && argument &&
				      (size_t)(argument[1] - '1') >= arguments->count;
		} else if (is_left_out) {
			continue;
		} else if (p[0] == '$' && p[1] == '*') {
			for (size_t i = 0; i < arguments->count; i++) {
				buf_add_text(&sql, i ? ", " : "");
				buf_add_text(&sql, as(insights, &arguments->values[i], p[2]));
			}
			p += 2;
		} else if (p[0] == '$' && p[1] >= '1' && p[1] <= '4') {
			buf_add_text(&sql, as(insights, &arguments->values[p[1] - '1'], p[2]));
			p += 2;
		} else {
			buf_add_char(&sql, *p);
		}
	}
	return insights_printf(insights, "%s", buf_text(&sql));
}

static int check_count(struct insights *insights, struct str name, size_t at, size_t count,
	size_t least, size_t most)
{
	if (count >= least && count <= most)
		return 0;
	if (least == most)
		return insights_fail_at(insights, at, "%.*s takes %zu argument%s, found %zu",
			STR_ARG(name), least, least == 1 ? "" : "s", count);
	return insights_fail_at(insights, at, "%.*s takes %zu to %zu arguments, found %zu",
		STR_ARG(name), least, most, count);
}

static bool any_aggregate(const struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++) {
		if (arguments->values[i].is_aggregate)
			return true;
	}
	return false;
}

/* ---- if, coalesce: of the type that all can be ---- */

static void unify(struct insights *insights, struct arguments *arguments, size_t first,
	struct insights_value *value)
{
	enum query_insights_type type = arguments->values[first].type;
	bool is_integer = arguments->values[first].is_integer;

	for (size_t i = first + 1; i < arguments->count; i++) {
		is_integer = is_integer && arguments->values[i].is_integer;
		if (arguments->values[i].type != type)
			type = QUERY_INSIGHTS_TEXT;
	}
	value->type = type;
	value->is_integer = is_integer;
	if (type != QUERY_INSIGHTS_TEXT)
		return;
	for (size_t i = first; i < arguments->count; i++)
		arguments->values[i].sql = insights_as_text(insights, &arguments->values[i]);
}

/* Conditions and values in turns, and behind them what else it is. */
static int call_case(
	struct insights *insights, const struct arguments *arguments, struct insights_value *value)
{
	struct arguments *values = mem_new(1, sizeof(*values));
	_cleanup_buf_ struct buf sql = {0};
	size_t pairs = arguments->count / 2;

	for (size_t i = 0; i < arguments->count; i++)
		if (i % 2 == 1 || i == 2 * pairs)
			values->values[values->count++] = arguments->values[i];
	unify(insights, values, 0, value);
	buf_add_text(&sql, "CASE");
	for (size_t i = 0; i < pairs; i++)
		buf_printf(&sql, " WHEN %s THEN %s",
			insights_as_truth(insights, &arguments->values[2 * i]),
			values->values[i].sql);
	if (arguments->count % 2)
		buf_printf(&sql, " ELSE %s", values->values[pairs].sql);
	value->sql = insights_printf(insights, "%s END", buf_text(&sql));
	free(values);
	return 0;
}

static int call_choice(struct insights *insights, struct str name, size_t at,
	struct arguments *arguments, struct insights_value *value)
{
	if (str_equal_ignoring_case(name, STR("if")))
		return check_count(insights, name, at, arguments->count, 3, 3) < 0
			       ? -1
			       : call_case(insights, arguments, value);
	if (str_equal_ignoring_case(name, STR("case")))
		return check_count(insights, name, at, arguments->count, 2, 21) < 0
			       ? -1
			       : call_case(insights, arguments, value);
	if (check_count(insights, name, at, arguments->count, 1, ARGUMENTS_MAX) < 0)
		return -1;
	unify(insights, arguments, 0, value);
	value->sql = fill(insights, "coalesce($*x)", arguments);
	return 0;
}

/* ---- aggregates ---- */

/* Lists are JSON. */
#define VALUES                                                                                     \
	"CAST(to_json(list_sort(list(DISTINCT $1s) FILTER (WHERE $1s IS NOT NULL))) AS VARCHAR)"
#define TOPK                                                                                       \
	"CAST(to_json(list_transform(list_sort(list_transform(map_entries(histogram($2s)), "       \
	"lambda e: {c: -CAST(e.value AS BIGINT), k: e.key}))[1:CAST($1n AS INTEGER)], "            \
	"lambda e: e.k)) AS VARCHAR)"

static const struct aggregate {
	const char *name;
	size_t least, most;
	const char *number; /* of numbers */
	const char *other;  /* of text and times; NULL: made numbers */
	bool keeps_type;
} aggregates[] = {
	{"count", 0, 1, "count($1x)", "count($1x)", false},
	{"count_distinct", 1, 1, "count(DISTINCT $1x)", "count(DISTINCT $1x)", false},
	{"countdistinct", 1, 1, "count(DISTINCT $1x)", "count(DISTINCT $1x)", false},
	{"countovertime", 0, 1, "count($1x)", "count($1x)", false},
	{"count_over_time", 0, 1, "count($1x)", "count($1x)", false},
	{"sum", 1, 1, "sum($1n)", NULL, false},
	{"sumovertime", 1, 1, "sum($1n)", NULL, false},
	{"sum_over_time", 1, 1, "sum($1n)", NULL, false},
	{"avg", 1, 1, "avg($1n)", NULL, false},
	{"stddev", 1, 1, "stddev($1n)", NULL, false},
	{"variance", 1, 1, "var_pop($1n)", NULL, false},
	{"median", 1, 1, "median($1n)", NULL, false},
	{"pct", 2, 2, "quantile_cont($1n, $2n / 100)", NULL, false},
	{"percentile", 2, 2, "quantile_cont($1n, $2n / 100)", NULL, false},
	{"min", 1, 1, "min($1n)", "", true},
	{"max", 1, 1, "max($1n)", "", true},
	{"earliest", 1, 1, "first", "first", true},
	{"latest", 1, 1, "last", "last", true},
	{"sortsfirst", 1, 1, "min($1s)", "min($1s)", true},
	{"sortslast", 1, 1, "max($1s)", "max($1s)", true},
	{"values", 1, 1, VALUES, VALUES, true},
	{"collect_values", 1, 1, VALUES, VALUES, true},
	{"topk", 2, 2, TOPK, TOPK, true},
};

static int check_aggregate(
	struct insights *insights, struct str name, size_t at, const struct arguments *arguments)
{
	if (!insights->allows_aggregates)
		return insights_fail_at(
			insights, at, "%.*s can be used in stats only", STR_ARG(name));
	if (any_aggregate(arguments))
		return insights_fail_at(insights, at, "an aggregate in an aggregate");
	return 0;
}

/* Smallest or largest of texts: of those that are numbers, where there are any. */
static const char *extreme_of_text(
	struct insights *insights, const char *name, const struct insights_value *argument)
{
	struct insights_value number = {.type = QUERY_INSIGHTS_NUMBER};

	number.sql =
		insights_printf(insights, "%s(%s)", name, insights_as_number(insights, argument));
	return insights_printf(insights, "coalesce(%s, %s(%s))",
		insights_as_text(insights, &number), name, argument->sql);
}

static int call_aggregate(struct insights *insights, const struct aggregate *aggregate,
	struct str name, size_t at, struct arguments *arguments, struct insights_value *value)
{
	const struct insights_name *timestamp = insights_find(insights, STR("@timestamp"));
	struct insights_value *first = &arguments->values[0];

	if (check_aggregate(insights, name, at, arguments) < 0 ||
		check_count(insights, name, at, arguments->count, aggregate->least,
			aggregate->most) < 0)
		return -1;
	value->type = aggregate->keeps_type ? first->type : QUERY_INSIGHTS_NUMBER;
	value->is_integer =
		str_starts_with(str_from(aggregate->name), STR("count")) ||
		(first->is_integer && (aggregate->keeps_type || aggregate->name[0] == 's'));
	if (str_equal(str_from(aggregate->name), STR("stddev")))
		value->is_integer = false;
	if (!arguments->count)
		value->sql = "count(*)";
	else if (strcmp(aggregate->number, "first") == 0 || strcmp(aggregate->number, "last") == 0)
		value->sql = insights_printf(insights, "%s(%s, %s)",
			aggregate->number[0] == 'f' ? "arg_min" : "arg_max", first->sql,
			timestamp ? timestamp->sql : "0");
	else if (aggregate->other && !*aggregate->other && first->type == QUERY_INSIGHTS_TEXT)
		value->sql = extreme_of_text(insights, aggregate->name, first);
	else if (aggregate->other && *aggregate->other && first->type != QUERY_INSIGHTS_NUMBER)
		value->sql = fill(insights, aggregate->other, arguments);
	else
		value->sql = fill(insights, aggregate->number, arguments);
	if (aggregate->number != NULL &&
		(strstr(aggregate->number, "$1s") || strstr(aggregate->number, "$2s")))
		value->type = QUERY_INSIGHTS_TEXT, value->is_integer = false;
	/* AWS tells times as milliseconds here, which fromMillis makes times again. */
	if (value->type == QUERY_INSIGHTS_TIME)
		value->type = QUERY_INSIGHTS_NUMBER, value->is_integer = true;
	value->is_aggregate = true;
	return 0;
}

/* ---- all of them ---- */

static const struct aggregate *find_aggregate(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(aggregates); i++) {
		if (str_equal_ignoring_case(name, str_from(aggregates[i].name)))
			return &aggregates[i];
	}
	return NULL;
}

/* count(*) and the like may stand for the column that a stats before has made. */
static bool take_column(struct insights *insights, size_t at, struct insights_value *value)
{
	const char *text = insights->text.p;

	for (size_t i = insights->names_count; i > 0; i--) {
		const struct insights_name *name = &insights->names[i - 1];
		if (!memchr(name->name.p, '(', name->name.n) ||
			name->name.n > insights->text.n - at ||
			memcmp(text + at, name->name.p, name->name.n) != 0)
			continue;
		insights->at = at + name->name.n;
		*value = (struct insights_value){
			.sql = name->sql, .type = name->type, .is_integer = name->is_integer};
		return true;
	}
	return false;
}

static int call_star(struct insights *insights, struct insights_value *value, bool *ret_done)
{
	*ret_done = false;
	if (!insights_is_sign(insights, "*"))
		return 0;
	*ret_done = true;
	*value = (struct insights_value){.sql = "count(*)",
		.type = QUERY_INSIGHTS_NUMBER,
		.is_integer = true,
		.is_aggregate = true};
	return insights_next(insights, false) < 0 ? -1 : insights_expect_sign(insights, ")");
}

static int call_function(struct insights *insights, struct str name, size_t at,
	struct arguments *arguments, struct insights_value *value)
{
	const struct query_insights_source *source = insights->source;
	const struct {
		const char *name;
		int64_t number;
	} constants[] = {
		{"now", source->now_ms / 1000},
		{"queryStartTime", source->start_ms},
		{"queryEndTime", source->end_ms},
		{"queryTimeRange", source->end_ms - source->start_ms},
	};

	if (str_equal_ignoring_case(name, STR("if")) ||
		str_equal_ignoring_case(name, STR("case")) ||
		str_equal_ignoring_case(name, STR("coalesce")))
		return call_choice(insights, name, at, arguments, value);
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++) {
		if (!str_equal_ignoring_case(name, str_from(constants[i].name)))
			continue;
		value->type = QUERY_INSIGHTS_NUMBER;
		value->is_integer = true;
		value->sql = insights_printf(insights, "%lld", (long long)constants[i].number);
		return check_count(insights, name, at, arguments->count, 0, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		const struct function *function = &functions[i];
		if (!str_equal_ignoring_case(name, str_from(function->name)))
			continue;
		/* Some names have two forms, one behind the other. */
		if (arguments->count > function->most && i + 1 < ARRAY_SIZE(functions) &&
			strcmp(function->name, functions[i + 1].name) == 0)
			continue;
		if (check_count(insights, name, at, arguments->count, function->least,
			    function->most) < 0)
			return -1;
		value->is_integer = (int)function->type == INTEGER;
		value->type = value->is_integer ? QUERY_INSIGHTS_NUMBER : function->type;
		value->is_structure = strcmp(function->name, "jsonparse") == 0;
		value->sql = fill(insights, function->sql, arguments);
		return 0;
	}
	return insights_fail_at(insights, at, "there is no function '%.*s'", STR_ARG(name));
}

/* rate(field, 1m), at '(': what the field changes by in a period, from the earliest event to the
 * latest; 0 where there is one only. */
static int call_rate(
	struct insights *insights, struct str name, size_t at, struct insights_value *value)
{
	const struct insights_name *timestamp = insights_find(insights, STR("@timestamp"));
	const char *time = timestamp ? timestamp->sql : "NULL::BIGINT", *calendar = NULL;
	struct arguments none = {.count = 0};
	struct insights_value field;
	int64_t ms = 0;

	if (check_aggregate(insights, name, at, &none) < 0 || insights_next(insights, false) < 0 ||
		insights_expression(insights, &field) < 0 ||
		insights_expect_sign(insights, ",") < 0)
		return -1;
	if (insights->token != INSIGHTS_DURATION)
		return insights_fail(insights, "a period, as 1m");
	if (insights_duration(insights, insights->token_text, &ms, &calendar) < 0)
		return -1;
	if (!ms)
		return insights_fail(insights, "a period of weeks at most");
	const char *number = insights_as_number(insights, &field);
	*value = (struct insights_value){.type = QUERY_INSIGHTS_NUMBER, .is_aggregate = true};
	value->sql = insights_printf(insights,
		"coalesce((arg_max(%s, %s) - arg_min(%s, %s)) * %lld.0 / nullif(max(%s) - min(%s), 0), 0)",
		number, time, number, time, (long long)ms, time, time);
	return insights_next(insights, false) < 0 ? -1 : insights_expect_sign(insights, ")");
}

int insights_call(
	struct insights *insights, struct str name, size_t at, struct insights_value *ret_value)
{
	const struct aggregate *aggregate = find_aggregate(name);
	struct arguments *arguments;
	bool is_done;

	*ret_value = (struct insights_value){.sql = "NULL"};
	if (take_column(insights, at, ret_value))
		return insights_next(insights, false);
	if (str_equal_ignoring_case(name, STR("rate")))
		return call_rate(insights, name, at, ret_value);
	if (insights_is_time_call(name))
		return insights_time_call(insights, name, ret_value);
	if (insights_next(insights, false) < 0)
		return -1;
	if (aggregate && str_starts_with(str_from(aggregate->name), STR("count")) &&
		aggregate->least == 0) {
		struct arguments none = {.count = 0};
		if (insights_is_sign(insights, "*") &&
			check_aggregate(insights, name, at, &none) < 0)
			return -1;
		if (call_star(insights, ret_value, &is_done) < 0)
			return -1;
		if (is_done)
			return 0;
		if (insights_is_word(insights, "distinct")) {
			aggregate = find_aggregate(STR("count_distinct"));
			if (insights_next(insights, false) < 0)
				return -1;
		}
	}
	arguments = mem_new(1, sizeof(*arguments));
	/* In an aggregate, names are those of events again. */
	size_t results = insights->results_count;
	if (aggregate)
		insights->results_count = 0;
	int result = parse_arguments(insights, arguments);
	insights->results_count = results;
	if (result == 0) {
		result = aggregate ? call_aggregate(
					     insights, aggregate, name, at, arguments, ret_value)
				   : call_function(insights, name, at, arguments, ret_value);
		if (!aggregate)
			ret_value->is_aggregate = any_aggregate(arguments);
	}
	free(arguments);
	return result;
}
/* NOLINTEND(misc-no-recursion) */
