/* Queries in queries: filter x in (...), join, appendcols, and diff, which is the query once more.
 * What is in brackets reads log groups of its own, a part of the whole; it is translated as the
 * whole is, with names of its own, and stands as one SELECT where it is used. */
#include "query/insights_priv.h"

#include "base/mem.h"

#include <stdio.h>
#include <time.h>

/* Groups for the SOURCE that follows. */
static int add_part(struct translation *translation)
{
	struct query_insights *result = translation->result;

	if (result->parts_count == QUERY_INSIGHTS_PARTS_MAX)
		return insights_fail(&translation->insights, "8 queries in a query at most");
	result->parts = mem_grow(result->parts, result->parts_count + 1, sizeof(result->parts[0]));
	result->parts[result->parts_count++] = (struct query_insights_part){.groups_count = 0};
	translation->part = result->parts_count;
	return 0;
}

const char *insights_relation(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	const char *relation = insights->source->relation;
	size_t n = strlen(relation);

	if (!translation->part || !n || relation[n - 1] != ')')
		return relation;
	return insights_printf(
		insights, "%.*s, part := %zu)", (int)(n - 1), relation, translation->part);
}

/* ---- diff ---- */

/* What the patterns are, and what the same commands make of the range so much earlier. */
static int compare(struct translation *translation, int64_t shift_ms)
{
	struct insights *insights = &translation->insights;
	const char *relation = insights_relation(translation);
	size_t n = strlen(relation);
	const struct insights_name names[] = {
		{STR("@pattern"), .sql = "d1", .type = QUERY_INSIGHTS_TEXT},
		{STR("@sampleCount"), .sql = "d2", .type = QUERY_INSIGHTS_NUMBER,
			.is_integer = true},
		{STR("@differenceCount"), .sql = "d3", .type = QUERY_INSIGHTS_NUMBER,
			.is_integer = true},
		{STR("@differenceDescription"), .sql = "d4", .type = QUERY_INSIGHTS_TEXT},
		{STR("@severityLabel"), .sql = "d5", .type = QUERY_INSIGHTS_TEXT},
	};

	if (translation->is_nested)
		return insights_fail(insights, "no diff in a query of a query");
	if (!translation->has_patterns) {
		struct insights_value message;
		insights_field(insights, STR("@message"), &message);
		insights_add_patterns(translation, &message);
	}
	if (n && relation[n - 1] == ')')
		relation = insights_printf(insights, "%.*s, shift := %lld)", (int)(n - 1), relation,
			(long long)shift_ms);
	translation->result->reads_before = true;
	const char *before = insights_printf(insights,
		"(WITH s0 AS (SELECT * FROM %s)%s SELECT p1, p3, p4 FROM s%u)", relation,
		buf_text(&translation->with), translation->stages);
	unsigned stage = translation->stages++;
	buf_printf(&translation->with,
		",\ns%u AS (SELECT coalesce(a.p1, b.p1) AS d1, coalesce(a.p3, 0) AS d2, coalesce(a.p3, 0) - "
		"coalesce(b.p3, 0) AS d3, CASE WHEN b.p1 IS NULL THEN 'New' WHEN a.p1 IS NULL THEN 'Gone' "
		"WHEN a.p3 > b.p3 THEN 'More' WHEN a.p3 < b.p3 THEN 'Fewer' ELSE 'Same' END AS d4, "
		"coalesce(a.p4, b.p4) AS d5 FROM s%u AS a FULL JOIN %s AS b ON a.p1 = b.p1)",
		stage + 1, stage, before);
	insights_set_names(translation, names, ARRAY_SIZE(names));
	translation->order = "abs(d3) DESC, d1";
	return 0;
}

static int64_t month_before(int64_t time_ms)
{
	time_t time = (time_t)(time_ms / 1000);
	struct tm date;

	gmtime_r(&time, &date);
	date.tm_mon--;
	return (int64_t)(time - timegm(&date)) * 1000;
}

/* diff [previousDay], [previousWeek], [previousMonth]: alone the range before this one. */
int insights_parse_diff(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	const struct query_insights_source *source = insights->source;
	const struct {
		const char *word;
		int64_t ms;
	} shifts[] = {{"previousDay", 86400000}, {"previousWeek", 604800000},
		{"previousMonth", month_before(source->start_ms)}};
	int64_t ms = source->end_ms - source->start_ms + 1;

	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		if (!insights_is_word(insights, shifts[i].word))
			continue;
		ms = shifts[i].ms;
		if (insights_next(insights, false) < 0)
			return -1;
		break;
	}
	return compare(translation, ms);
}

/* logcompare timeshift 7d */
int insights_parse_logcompare(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	const char *calendar = NULL;
	int64_t ms = 0;

	if (!insights_is_word(insights, "timeshift"))
		return insights_fail(insights, "timeshift");
	if (insights_next(insights, false) < 0)
		return -1;
	if (insights->token != INSIGHTS_DURATION)
		return insights_fail(insights, "a period, as 7d");
	if (insights_duration(insights, insights->token_text, &ms, &calendar) < 0)
		return -1;
	if (!ms)
		return insights_fail(insights, "a period of weeks at most");
	return insights_next(insights, false) < 0 ? -1 : compare(translation, ms);
}

/* ---- queries in brackets ---- */

/* What is of the query in brackets goes, and what is of its text stays. */
static void restore(struct translation *translation, const struct translation *saved)
{
	struct insights text = translation->insights;

	buf_done(&translation->with);
	free(text.names);
	text.names = saved->insights.names;
	text.names_count = saved->insights.names_count;
	text.has_events = saved->insights.has_events;
	text.allows_aggregates = saved->insights.allows_aggregates;
	text.results = saved->insights.results;
	text.results_count = saved->insights.results_count;
	text.left = saved->insights.left;
	text.right = saved->insights.right;
	*translation = *saved;
	translation->insights = text;
}

/* As deep as INSIGHTS_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */

/* From behind '(' to behind ')'. The columns of the SELECT are those of *names. */
static int parse_nested(struct translation *translation, struct insights_name *names,
	size_t *ret_count, const char **ret_sql)
{
	struct insights *insights = &translation->insights;
	struct query_insights *result = translation->result;
	bool is_aggregate = result->is_aggregate;
	struct translation *saved;

	if (translation->is_nested)
		return insights_fail(insights, "no query in a query of a query");
	saved = mem_new(1, sizeof(*saved));
	*saved = *translation;
	translation->with = (struct buf){.n = 0};
	translation->stages = 0;
	translation->shown_count = 0;
	translation->has_fields = translation->has_limit = false;
	translation->is_nested = true;
	insights->names = mem_new(INSIGHTS_NAMES_MAX, sizeof(insights->names[0]));
	insights->names_count = insights->results_count = 0;
	insights->allows_aggregates = result->is_aggregate = false;
	insights->left = insights->right = STR_NONE;
	int outcome = add_part(translation);
	if (outcome == 0)
		outcome = insights_commands(translation);
	if (outcome == 0) {
		_cleanup_buf_ struct buf sql = {0};
		*ret_count = insights_select(translation, &sql, names);
		*ret_sql = insights_printf(insights, "(%s)", buf_text(&sql));
	}
	restore(translation, saved);
	result->is_aggregate = is_aggregate;
	free(saved);
	return outcome < 0 ? -1 : insights_expect_sign(insights, ")");
}

int insights_nested_in(struct insights *insights, bool is_negated, struct insights_value *value)
{
	struct insights_name *names = mem_new(INSIGHTS_NAMES_MAX, sizeof(*names));
	const char *text = insights_as_text(insights, value), *sql = NULL;
	size_t count = 0;

	int result = parse_nested(insights->translation, names, &count, &sql);
	if (result == 0) {
		const struct insights_value key = {.sql = names[0].sql,
			.type = names[0].type,
			.is_integer = names[0].is_integer};
		*value = (struct insights_value){
			.type = QUERY_INSIGHTS_BOOLEAN, .is_aggregate = value->is_aggregate};
		value->sql = insights_printf(insights,
			"(coalesce(%s IN (SELECT %s FROM %s WHERE %s IS NOT NULL), false) = %s)",
			text, insights_as_text(insights, &key), sql, key.sql,
			is_negated ? "false" : "true");
	}
	free(names);
	return result;
}

/* appendcols [override=true] [max=N] (...): the rows beside these, one by one. */
int insights_parse_appendcols(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_name *names;
	struct str value = STR_NONE;
	const char *sql = NULL;
	bool overrides = false, taken;
	size_t count = 0;

	if (insights_take_option(translation, "override", &value, &taken) < 0)
		return -1;
	overrides = taken && str_equal_ignoring_case(value, STR("true"));
	if (insights_take_option(translation, "max", &value, &taken) < 0 ||
		insights_expect_sign(insights, "(") < 0)
		return -1;
	names = mem_new(INSIGHTS_NAMES_MAX, sizeof(*names));
	int result = parse_nested(translation, names, &count, &sql);
	if (result == 0) {
		unsigned stage = translation->stages++;
		buf_printf(&translation->with,
			",\ns%u AS (SELECT * FROM (SELECT * FROM s%u %s) POSITIONAL JOIN %s)",
			stage + 1, stage, insights_order(translation), sql);
		/* Row by row: the order that they have is the one. */
		translation->order = NULL;
	}
	for (size_t i = 0; result == 0 && i < count; i++) {
		const struct insights_value column = {
			.type = names[i].type, .is_integer = names[i].is_integer};
		if (!overrides && insights_find(insights, names[i].name))
			continue;
		result = insights_add_name(translation, names[i].name, names[i].sql, &column);
		insights_show(translation, names[i].name);
	}
	free(names);
	return result;
}

/* ---- join ---- */

/* The events of the other groups, with columns of their own: names are "RIGHT.srcAddr". */
static int add_right(struct translation *translation, struct str right, const char *table)
{
	struct insights *insights = &translation->insights;
	_cleanup_buf_ struct buf columns = {0};
	struct insights_name *names = mem_new(INSIGHTS_NAMES_MAX, sizeof(*names));
	size_t count = insights_event_names(translation, names);
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		const struct insights_value value = {
			.type = names[i].type, .is_integer = names[i].is_integer};
		const char *column = insights_new_column(translation);
		const char *name = insights_printf(
			insights, "%.*s.%.*s", STR_ARG(right), STR_ARG(names[i].name));
		buf_printf(&columns, "%s%s AS %s", i ? ", " : "", names[i].sql, column);
		result = insights_add_name(translation, str_from(name), column, &value);
	}
	free(names);
	buf_printf(&translation->with, ",\n%s AS (SELECT %s FROM %s)", table, buf_text(&columns),
		insights_relation(translation));
	return result;
}

/* where LEFT.a=RIGHT.b, to behind it; the names are as they stand. */
static int parse_on(struct translation *translation, struct str *left, struct str *right)
{
	struct insights *insights = &translation->insights;

	if (!insights_is_word(insights, "where") && !insights_is_word(insights, "on"))
		return insights_fail(insights, "where");
	if (insights_next(insights, false) < 0)
		return -1;
	*left = insights->token_text;
	if (insights->token != INSIGHTS_NAME)
		return insights_fail(insights, "a field");
	if (insights_next(insights, false) < 0 || insights_expect_sign(insights, "=") < 0)
		return -1;
	*right = insights->token_text;
	if (insights->token != INSIGHTS_NAME)
		return insights_fail(insights, "a field");
	return insights_next(insights, false);
}

static int parse_join_options(
	struct translation *translation, bool *ret_is_left, struct str *left, struct str *right)
{
	struct insights *insights = &translation->insights;
	struct str type = STR("inner");
	bool taken, any;

	do {
		if (insights_take_option(translation, "type", &type, &any) < 0 ||
			insights_take_option(translation, "left", left, &taken) < 0)
			return -1;
		any |= taken;
		if (insights_take_option(translation, "right", right, &taken) < 0)
			return -1;
		any |= taken;
	} while (any);
	*ret_is_left = str_equal_ignoring_case(type, STR("left"));
	if (!*ret_is_left && !str_equal_ignoring_case(type, STR("inner")))
		return insights_fail(insights, "type=inner or type=left");
	return left->n && right->n ? 0 : insights_fail(insights, "left= and right=");
}

/* join type=inner left=a right=b where a.x=b.x (SOURCE 'group') */
int insights_parse_join(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct str left = STR_NONE, right = STR_NONE, left_key = STR_NONE, right_key = STR_NONE;
	struct insights_value left_value, right_value;
	bool is_left = false;

	if (insights->right.n || translation->is_nested)
		return insights_fail(insights, "one join in a query");
	if (parse_join_options(translation, &is_left, &left, &right) < 0 ||
		parse_on(translation, &left_key, &right_key) < 0 ||
		insights_expect_sign(insights, "(") < 0)
		return -1;
	if (!insights_is_word(insights, "source"))
		return insights_fail(insights, "SOURCE");
	size_t part = translation->part;
	if (insights_next(insights, false) < 0 || add_part(translation) < 0 ||
		insights_parse_source(translation) < 0 || insights_expect_sign(insights, ")") < 0)
		return -1;
	const char *table = insights_printf(insights, "r%u", translation->stages);
	if (add_right(translation, right, table) < 0)
		return -1;
	translation->part = part;
	insights->left = left;
	insights->right = right;
	insights_field(insights, left_key, &left_value);
	insights_field(insights, right_key, &right_value);
	unsigned stage = translation->stages++;
	buf_printf(&translation->with, ",\ns%u AS (SELECT * FROM s%u %s JOIN %s ON %s = %s)",
		stage + 1, stage, is_left ? "LEFT" : "INNER", table,
		insights_as_text(insights, &left_value), insights_as_text(insights, &right_value));
	return 0;
}
/* NOLINTEND(misc-no-recursion) */
