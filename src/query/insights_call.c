/* Functions: those of insights.def by their templates, those of time, and aggregates. */
#include "query/insights_priv.h"

#include "base/mem.h"
#include "base/number.h"

#include <stdio.h>

#define ARGUMENTS_MAX 50

static const struct function {
	const char *name;
	size_t least, most;
	enum query_insights_type type;
	const char *sql;
} functions[] = {
#define X(name, least, most, type, sql) {name, least, most, QUERY_INSIGHTS_##type, sql},
#include "query/insights.def"

/* As deep as INSIGHTS_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
#undef X
};

static const struct period {
	const char *names;
	int64_t ms; /* 0: by the calendar */
	const char *calendar;
} periods[] = {
	{" ms msec millisecond milliseconds ", 1, NULL},
	{" s sec second seconds ", 1000, NULL},
	{" m min minute minutes ", 60000, NULL},
	{" h hr hour hours ", 3600000, NULL},
	{" d day days ", 86400000, NULL},
	{" w week weeks ", 604800000, NULL},
	{" mo month months ", 0, "month"},
	{" q qtr quarter quarters ", 0, "quarter"},
	{" y yr year years ", 0, "year"},
};

int insights_round(struct insights *insights, const char *time, struct str duration, bool is_ceil,
	const char **ret_sql)
{
	struct str digits = {duration.p, 0};
	char unit[24];
	uint64_t count;

	while (digits.n < duration.n && duration.p[digits.n] >= '0' && duration.p[digits.n] <= '9')
		digits.n++;
	snprintf(unit, sizeof(unit), " %.*s ", (int)(duration.n - digits.n), duration.p + digits.n);
	if (!number_parse(digits, 100000, &count) || !count)
		return insights_fail(insights, "a period from 1 to 100000");
	for (size_t i = 0; i < ARRAY_SIZE(periods); i++) {
		if (!strstr(periods[i].names, unit))
			continue;
		if (!periods[i].ms && count != 1)
			return insights_fail(insights, "one month, quarter or year");
		unsigned long long step = count * (uint64_t)periods[i].ms;
		const char *ceil = periods[i].ms
					   ? insights_printf(insights, " + %llu", step - 1)
					   : insights_printf(insights,
						     " + INTERVAL 1 %s - INTERVAL 1 millisecond",
						     periods[i].calendar);
		if (!periods[i].ms)
			*ret_sql = insights_printf(insights,
				"epoch_ms(date_trunc('%s', make_timestamp(%s * 1000)%s))",
				periods[i].calendar, time, is_ceil ? ceil : "");
		else
			*ret_sql = insights_printf(insights, "((%s%s) // %llu * %llu)", time,
				is_ceil ? ceil : "", step, step);
		return 0;
	}
	return insights_fail(insights, "a unit of time: ms, s, m, h, d, w, mo, q or y");
}

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
	switch (letter) {
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
	bool is_left_out = false;

	for (const char *p = template; *p; p++) {
		if (*p == '[') {
			is_left_out = (size_t)(strchr(p, '$')[1] - '1') >= arguments->count;
		} else if (*p == ']') {
			is_left_out = false;
		} else if (is_left_out) {
			continue;
		} else if (p[0] == '$' && p[1] == '*') {
			for (size_t i = 0; i < arguments->count; i++) {
				buf_add_text(&sql, i ? ", " : "");
				buf_add_text(&sql, as(insights, &arguments->values[i], p[2]));
			}
			p += 2;
		} else if (p[0] == '$' && p[1] >= '1' && p[1] <= '3') {
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

static int call_choice(struct insights *insights, struct str name, size_t at,
	struct arguments *arguments, struct insights_value *value)
{
	if (str_equal_ignoring_case(name, STR("if"))) {
		if (check_count(insights, name, at, arguments->count, 3, 3) < 0)
			return -1;
		const char *condition = insights_as_truth(insights, &arguments->values[0]);
		unify(insights, arguments, 1, value);
		value->sql = insights_printf(insights, "CASE WHEN %s THEN %s ELSE %s END",
			condition, arguments->values[1].sql, arguments->values[2].sql);
		return 0;
	}
	if (check_count(insights, name, at, arguments->count, 1, ARGUMENTS_MAX) < 0)
		return -1;
	unify(insights, arguments, 0, value);
	value->sql = fill(insights, "coalesce($*x)", arguments);
	return 0;
}

/* ---- time ---- */

static int parse_duration(struct insights *insights, struct str *ret_duration)
{
	*ret_duration = insights->token_text;
	if (insights->token != INSIGHTS_DURATION)
		return insights_fail(insights, "a period, as 5m or 1h");
	return 0;
}

/* bin(5m), datefloor(@timestamp, 1h), dateceil(...); at '('. */
static int call_round(struct insights *insights, struct str name, struct insights_value *value)
{
	const struct insights_name *timestamp = insights_find(insights, STR("@timestamp"));
	bool is_bin = str_equal_ignoring_case(name, STR("bin"));
	const char *time = timestamp ? timestamp->sql : "NULL::BIGINT";
	struct str duration;

	if (insights_next(insights, false) < 0)
		return -1;
	if (!is_bin || insights->token != INSIGHTS_DURATION) {
		struct insights_value given;
		if (insights_expression(insights, &given) < 0 ||
			insights_expect_sign(insights, ",") < 0)
			return -1;
		time = as(insights, &given, 't');
	}
	if (parse_duration(insights, &duration) < 0 ||
		insights_round(insights, time, duration,
			str_equal_ignoring_case(name, STR("dateceil")), &value->sql) < 0 ||
		insights_next(insights, false) < 0)
		return -1;
	value->type = QUERY_INSIGHTS_TIME;
	return insights_expect_sign(insights, ")");
}

/* ---- aggregates ---- */

static const struct aggregate {
	const char *name;
	size_t least, most;
	const char *number; /* of numbers */
	const char *other;  /* of text and times; NULL: made numbers */
	bool keeps_type;
} aggregates[] = {
	{"count", 0, 1, "count($1x)", "count($1x)", false},
	{"count_distinct", 1, 1, "count(DISTINCT $1x)", "count(DISTINCT $1x)", false},
	{"sum", 1, 1, "sum($1n)", NULL, false},
	{"avg", 1, 1, "avg($1n)", NULL, false},
	{"stddev", 1, 1, "stddev($1n)", NULL, false},
	{"median", 1, 1, "median($1n)", NULL, false},
	{"pct", 2, 2, "quantile_cont($1n, $2n / 100)", NULL, false},
	{"min", 1, 1, "min($1n)", "", true},
	{"max", 1, 1, "max($1n)", "", true},
	{"earliest", 1, 1, "first", "first", true},
	{"latest", 1, 1, "last", "last", true},
	{"sortsfirst", 1, 1, "min($1s)", "min($1s)", true},
	{"sortslast", 1, 1, "max($1s)", "max($1s)", true},
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
	if (str_starts_with(str_from(aggregate->name), STR("sorts")))
		value->type = QUERY_INSIGHTS_TEXT, value->is_integer = false;
	/* The second argument of pct is a constant: brackets keep its division together. */
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
	if (str_equal_ignoring_case(name, STR("if")) ||
		str_equal_ignoring_case(name, STR("coalesce")))
		return call_choice(insights, name, at, arguments, value);
	if (str_equal_ignoring_case(name, STR("now"))) {
		value->type = QUERY_INSIGHTS_NUMBER;
		value->is_integer = true;
		value->sql = insights_printf(
			insights, "%lld", (long long)(insights->source->now_ms / 1000));
		return check_count(insights, name, at, arguments->count, 0, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		const struct function *function = &functions[i];
		if (!str_equal_ignoring_case(name, str_from(function->name)))
			continue;
		if (check_count(insights, name, at, arguments->count, function->least,
			    function->most) < 0)
			return -1;
		value->type = function->type;
		value->is_integer = strcmp(function->name, "strlen") == 0 ||
				    strcmp(function->name, "tomillis") == 0;
		value->sql = fill(insights, function->sql, arguments);
		return 0;
	}
	return insights_fail_at(insights, at, "there is no function '%.*s'", STR_ARG(name));
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
	if (str_equal_ignoring_case(name, STR("bin")) ||
		str_equal_ignoring_case(name, STR("datefloor")) ||
		str_equal_ignoring_case(name, STR("dateceil")))
		return call_round(insights, name, ret_value);
	if (insights_next(insights, false) < 0)
		return -1;
	if (aggregate && str_equal(str_from(aggregate->name), STR("count"))) {
		struct arguments none = {.count = 0};
		if (insights_is_sign(insights, "*") &&
			check_aggregate(insights, name, at, &none) < 0)
			return -1;
		if (call_star(insights, ret_value, &is_done) < 0)
			return -1;
		if (is_done)
			return 0;
	}
	arguments = mem_new(1, sizeof(*arguments));
	int result = parse_arguments(insights, arguments);
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
