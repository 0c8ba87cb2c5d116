/* Commands over the rows in their order: running sums, earlier rows, gaps, sessions, outliers; and
 * those that count rows: countFrequent and pattern. Each is one or two stages with windows. */
#include "query/insights_priv.h"

#include "base/mem.h"
#include "base/number.h"

#include <stdio.h>

/* ---- names and options ---- */

static int take_field(struct translation *translation, struct str *name)
{
	struct insights *insights = &translation->insights;

	*name = insights->token_text;
	if (insights->token != INSIGHTS_NAME)
		return insights_fail(insights, "a field");
	return insights_next(insights, false);
}

int insights_take_option(
	struct translation *translation, const char *word, struct str *ret_value, bool *ret_taken)
{
	struct insights *insights = &translation->insights;

	*ret_taken = insights_is_word(insights, word);
	if (!*ret_taken)
		return 0;
	if (insights_next(insights, false) < 0 || insights_expect_sign(insights, "=") < 0)
		return -1;
	if (insights->token != INSIGHTS_NAME && insights->token != INSIGHTS_NUMBER &&
		insights->token != INSIGHTS_STRING)
		return insights_fail(insights, "a value");
	*ret_value = insights->token_text;
	return insights_next(insights, false);
}

static const char *number_of(struct insights *insights, struct str name)
{
	struct insights_value value;

	insights_field(insights, name, &value);
	return insights_as_number(insights, &value);
}

/* The value of a field behind windows: what the name means has a column of its own. */
static const char *column_of(
	struct translation *translation, struct str name, struct insights_value *ret_value)
{
	struct insights *insights = &translation->insights;

	insights_field(insights, name, ret_value);
	return ret_value->sql;
}

/* ---- running sums and earlier rows ---- */

int insights_parse_accum(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value sum = {.type = QUERY_INSIGHTS_NUMBER};
	struct str name;

	if (take_field(translation, &name) < 0)
		return -1;
	sum.sql = insights_printf(insights, "sum(%s) OVER (%s ROWS UNBOUNDED PRECEDING)",
		number_of(insights, name), insights_order(translation));
	if (insights_parse_alias(translation, &name) < 0)
		return -1;
	return insights_define(translation, name, &sum);
}

/* "1-4" or "2" behind p=. */
static int parse_lags(struct translation *translation, uint64_t *ret_first, uint64_t *ret_last)
{
	struct insights *insights = &translation->insights;
	struct str text = STR_NONE;
	bool taken;

	*ret_first = *ret_last = 1;
	if (insights_take_option(translation, "p", &text, &taken) < 0)
		return -1;
	if (!taken)
		return 0;
	bool is_right = number_parse(text, INSIGHTS_KEYS_MAX, ret_first);
	*ret_last = *ret_first;
	if (insights_take_sign(insights, "-", &taken) < 0)
		return -1;
	if (taken) {
		is_right =
			is_right && number_parse(insights->token_text, INSIGHTS_KEYS_MAX, ret_last);
		if (insights_next(insights, false) < 0)
			return -1;
	}
	if (!is_right || *ret_first < 1 || *ret_last < *ret_first)
		return insights_fail(insights, "lags from 1 to 100");
	return 0;
}

int insights_parse_autoregress(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value value;
	struct str field, alias = {NULL, 0};
	uint64_t first, last;

	if (take_field(translation, &field) < 0 || insights_parse_alias(translation, &alias) < 0 ||
		parse_lags(translation, &first, &last) < 0 ||
		insights_parse_alias(translation, &alias) < 0)
		return -1;
	column_of(translation, field, &value);
	for (uint64_t lag = first; lag <= last; lag++) {
		struct insights_value earlier = value;
		struct str base = alias.n ? alias : field;
		earlier.sql = insights_printf(insights, "lag(%s, %llu) OVER (%s)", value.sql,
			(unsigned long long)lag, insights_order(translation));
		const char *name = alias.n && first == last
					   ? insights_printf(insights, "%.*s", STR_ARG(alias))
					   : insights_printf(insights, "%.*s_p%llu", STR_ARG(base),
						     (unsigned long long)lag);
		if (insights_define(translation, str_from(name), &earlier) < 0)
			return -1;
	}
	return 0;
}

/* ---- gaps ---- */

static bool is_like(struct str name, struct str pattern)
{
	if (pattern.n && pattern.p[pattern.n - 1] == '*')
		return str_starts_with(name, (struct str){pattern.p, pattern.n - 1});
	return str_equal(name, pattern);
}

static int fill_name(struct translation *translation, struct str name)
{
	struct insights *insights = &translation->insights;
	struct insights_value value;

	column_of(translation, name, &value);
	value.sql = insights_printf(insights,
		"last_value(%s IGNORE NULLS) OVER (%s ROWS UNBOUNDED PRECEDING)", value.sql,
		insights_order(translation));
	return insights_define(translation, name, &value);
}

/* filldown [NAME or NAME*]...: without a name all that are shown. */
int insights_parse_filldown(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	size_t count = translation->shown_count, filled = 0;
	struct str shown[INSIGHTS_KEYS_MAX];

	if (count > INSIGHTS_KEYS_MAX)
		return insights_fail(insights, "100 fields at most");
	memcpy(shown, translation->shown, count * sizeof(shown[0]));
	do {
		struct str pattern = STR("*");
		bool taken;
		if (insights->token == INSIGHTS_NAME) {
			const char *name =
				insights_printf(insights, "%.*s", STR_ARG(insights->token_text));
			if (insights_next(insights, false) < 0 ||
				insights_take_sign(insights, "*", &taken) < 0)
				return -1;
			pattern = str_from(taken ? insights_printf(insights, "%s*", name) : name);
			if (insights_take_sign(insights, ",", &taken) < 0)
				return -1;
		} else if (filled) {
			break;
		}
		filled++;
		for (size_t i = 0; i < count; i++)
			if (is_like(shown[i], pattern) && fill_name(translation, shown[i]) < 0)
				return -1;
	} while (insights->token == INSIGHTS_NAME);
	return 0;
}

/* with 0 for a, 1 for b: the value of a name, or NULL. */
struct filling {
	struct str names[INSIGHTS_KEYS_MAX];
	struct insights_value values[INSIGHTS_KEYS_MAX];
	size_t count;
};

static int parse_filling(struct translation *translation, struct filling *filling)
{
	struct insights *insights = &translation->insights;
	bool taken;

	if (!insights_is_word(insights, "with"))
		return 0;
	do {
		if (filling->count == INSIGHTS_KEYS_MAX)
			return insights_fail(insights, "100 fields at most");
		if (insights_next(insights, false) < 0 ||
			insights_expression(insights, &filling->values[filling->count]) < 0)
			return -1;
		if (!insights_is_word(insights, "for"))
			return insights_fail(insights, "for and a field");
		if (insights_next(insights, false) < 0 ||
			take_field(translation, &filling->names[filling->count++]) < 0)
			return -1;
		taken = insights_is_sign(insights, ",");
	} while (taken);
	return 0;
}

static const char *filled_value(struct insights *insights, const struct filling *filling,
	const struct insights_name *name, const char *time)
{
	for (size_t i = 0; i < filling->count; i++) {
		if (!str_equal(filling->names[i], name->name))
			continue;
		const struct insights_value *value = &filling->values[i];
		const char *sql = name->type == QUERY_INSIGHTS_TEXT
					  ? insights_as_text(insights, value)
					  : insights_as_number(insights, value);
		return insights_printf(insights, "CASE WHEN r.%s IS NULL THEN %s ELSE r.%s END",
			time, sql, name->sql);
	}
	return insights_printf(insights, "r.%s", name->sql);
}

/* Behind stats by bin() alone: rows for the bins between the first and the last that have none. */
static int fill_bins(struct translation *translation, const struct filling *filling)
{
	struct insights *insights = &translation->insights;
	const struct insights_name *time = NULL;
	struct insights_name names[INSIGHTS_KEYS_MAX];
	_cleanup_buf_ struct buf columns = {0};
	size_t count = insights->names_count;

	for (size_t i = 0; i < count; i++) {
		const struct insights_name *name = &insights->names[i];
		if (name->is_key && (!name->bin_ms || time))
			return insights_fail(insights, "stats by bin() and nothing else before");
		time = name->is_key ? name : time;
	}
	if (!time || count > INSIGHTS_KEYS_MAX)
		return insights_fail(insights, "stats by bin() before");
	for (size_t i = 0; i < count; i++) {
		const struct insights_name *name = &insights->names[i];
		names[i] = *name;
		names[i].sql = insights_new_column(translation);
		buf_printf(&columns, "%s%s AS %s", i ? ", " : "",
			name == time ? "g.t" : filled_value(insights, filling, name, time->sql),
			names[i].sql);
	}
	unsigned stage = translation->stages;
	insights_add_stage(translation,
		insights_printf(insights, "min(%s) AS a, max(%s) AS b", time->sql, time->sql), "");
	buf_printf(&translation->with,
		",\ns%u AS (SELECT %s FROM (SELECT unnest(generate_series(a, b, %lld)) AS t FROM s%u) AS g "
		"LEFT JOIN s%u AS r ON g.t = r.%s)",
		translation->stages + 1, buf_text(&columns), (long long)time->bin_ms,
		translation->stages, stage, time->sql);
	translation->stages++;
	memcpy(insights->names, names, count * sizeof(names[0]));
	translation->order = NULL;
	return 0;
}

int insights_parse_fillmissing(struct translation *translation)
{
	struct filling *filling = mem_new(1, sizeof(*filling));
	int result = parse_filling(translation, filling);

	if (result == 0)
		result = fill_bins(translation, filling);
	free(filling);
	return result;
}

/* ---- outliers ---- */

struct outliers {
	bool removes, looks_below, marks;
	const char *factor;
};

static int parse_outliers(struct translation *translation, struct outliers *outliers)
{
	struct insights *insights = &translation->insights;
	struct str value = STR_NONE;
	bool taken;

	do {
		if (insights_take_option(translation, "action", &value, &taken) < 0)
			return -1;
		if (taken) {
			outliers->removes = str_equal_ignoring_case(value, STR("remove"));
			if (!outliers->removes && !str_equal_ignoring_case(value, STR("transform")))
				return insights_fail(insights, "action=remove or action=transform");
			continue;
		}
		if (insights_take_option(translation, "param", &value, &taken) < 0)
			return -1;
		if (taken) {
			outliers->factor = insights_printf(
				insights, "%.6f", strtod(insights_keep(insights, value).p, NULL));
			continue;
		}
		if (insights_take_option(translation, "uselower", &value, &taken) < 0)
			return -1;
		if (taken) {
			outliers->looks_below = str_equal_ignoring_case(value, STR("true"));
			continue;
		}
		if (insights_take_option(translation, "mark", &value, &taken) < 0)
			return -1;
		outliers->marks =
			taken ? str_equal_ignoring_case(value, STR("true")) : outliers->marks;
	} while (taken);
	return 0;
}

static int add_outlier(
	struct translation *translation, const struct outliers *outliers, struct str name)
{
	struct insights *insights = &translation->insights;
	struct insights_value number = {.type = QUERY_INSIGHTS_NUMBER},
			      mark = {.type = QUERY_INSIGHTS_BOOLEAN};
	const char *x = insights_new_column(translation), *low = insights_new_column(translation),
		   *high = insights_new_column(translation);

	insights_add_stage(translation,
		insights_printf(insights,
			"*, CAST(%s AS DOUBLE) AS %s, quantile_cont(%s, 0.25) OVER () AS %s, "
			"quantile_cont(%s, 0.75) OVER () AS %s",
			number_of(insights, name), x, x, low, x, high),
		"");
	const char *most = insights_printf(
		insights, "(%s + %s * (%s - %s))", high, outliers->factor, high, low);
	const char *least = outliers->looks_below
				    ? insights_printf(insights, "(%s - %s * (%s - %s))", low,
					      outliers->factor, high, low)
				    : "'-inf'::DOUBLE";
	const char *is_out =
		insights_printf(insights, "coalesce(%s > %s OR %s < %s, false)", x, most, x, least);
	if (outliers->marks) {
		mark.sql = is_out;
		const char *marked = insights_printf(insights, "%.*s_outlier", STR_ARG(name));
		if (insights_define(translation, str_from(marked), &mark) < 0)
			return -1;
	}
	if (outliers->removes) {
		insights_add_stage(
			translation, "*", insights_printf(insights, " WHERE NOT %s", is_out));
		return 0;
	}
	number.sql = insights_printf(insights,
		"CASE WHEN %s IS NOT NULL THEN greatest(least(%s, %s), %s) END", x, x, most, least);
	return insights_define(translation, name, &number);
}

int insights_parse_outlier(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct outliers outliers = {.factor = "2.5"};
	bool taken;

	if (parse_outliers(translation, &outliers) < 0)
		return -1;
	do {
		struct str name;
		if (take_field(translation, &name) < 0 ||
			add_outlier(translation, &outliers, name) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken || insights->token == INSIGHTS_NAME);
	return 0;
}

/* ---- sessions ---- */

int insights_parse_sessionize(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value key, id = {.type = QUERY_INSIGHTS_TEXT};
	struct str name = STR("session_id");
	const struct insights_name *time = insights_find(insights, STR("@timestamp"));
	const char *keys = NULL, *texts = NULL, *calendar;
	int64_t gap = 30 * 60000;
	bool taken;

	do {
		struct str field;
		if (take_field(translation, &field) < 0)
			return -1;
		insights_field(insights, field, &key);
		keys = keys ? insights_printf(insights, "%s, %s", keys, key.sql) : key.sql;
		const char *text = insights_as_text(insights, &key);
		texts = texts ? insights_printf(insights, "%s, %s", texts, text) : text;
		if (insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	if (insights_is_word(insights, "maxspan")) {
		if (insights_next(insights, false) < 0)
			return -1;
		if (insights->token != INSIGHTS_DURATION)
			return insights_fail(insights, "a period, as 30m");
		if (insights_duration(insights, insights->token_text, &gap, &calendar) < 0 ||
			insights_next(insights, false) < 0)
			return -1;
	}
	if (insights_parse_alias(translation, &name) < 0)
		return -1;
	if (!time)
		return insights_fail(insights, "rows that have @timestamp");
	const char *starts = insights_new_column(translation);
	insights_add_stage(translation,
		insights_printf(insights,
			"*, CASE WHEN %s - lag(%s) OVER (PARTITION BY %s ORDER BY %s) <= %lld THEN 0 ELSE 1 "
			"END AS %s",
			time->sql, time->sql, keys, time->sql, (long long)gap, starts),
		"");
	id.sql = insights_printf(insights,
		"concat_ws('-', %s, CAST(sum(%s) OVER (PARTITION BY %s ORDER BY %s ROWS UNBOUNDED "
		"PRECEDING) AS VARCHAR))",
		texts, starts, keys, time->sql);
	return insights_define(translation, name, &id);
}

/* ---- totals ---- */

struct totals {
	struct str name;
	bool in_rows, in_columns;
	struct str fields[INSIGHTS_KEYS_MAX];
	size_t count;
};

static int parse_totals(struct translation *translation, struct totals *totals)
{
	struct insights *insights = &translation->insights;
	struct str value = STR_NONE;
	bool taken, any;

	do {
		if (insights_take_option(translation, "fieldname", &totals->name, &any) < 0 ||
			insights_take_option(translation, "row", &value, &taken) < 0)
			return -1;
		if (taken)
			totals->in_rows = str_equal_ignoring_case(value, STR("true"));
		any |= taken;
		if (insights_take_option(translation, "col", &value, &taken) < 0)
			return -1;
		if (taken)
			totals->in_columns = str_equal_ignoring_case(value, STR("true"));
		any |= taken;
	} while (any);
	while (insights->token == INSIGHTS_NAME) {
		if (totals->count == INSIGHTS_KEYS_MAX)
			return insights_fail(insights, "100 fields at most");
		if (take_field(translation, &totals->fields[totals->count++]) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	}
	for (size_t i = 0; !totals->count && i < translation->shown_count; i++) {
		struct insights_value field;
		insights_field(insights, translation->shown[i], &field);
		if (i == INSIGHTS_KEYS_MAX)
			break;
		if (field.type == QUERY_INSIGHTS_NUMBER || field.type == QUERY_INSIGHTS_TEXT)
			totals->fields[i] = translation->shown[i];
	}
	if (!totals->count)
		totals->count = translation->shown_count < INSIGHTS_KEYS_MAX
					? translation->shown_count
					: INSIGHTS_KEYS_MAX;
	return 0;
}

/* A row behind the others, with the sum of each field. */
static int add_column_totals(struct translation *translation, const struct totals *totals)
{
	struct insights *insights = &translation->insights;
	const char *is_last = insights_new_column(translation);
	_cleanup_buf_ struct buf sums = {0};

	for (size_t i = 0; i < totals->count; i++) {
		struct insights_value number = {.type = QUERY_INSIGHTS_NUMBER};
		if (!totals->fields[i].n)
			continue;
		number.sql = insights_printf(
			insights, "CAST(%s AS DOUBLE)", number_of(insights, totals->fields[i]));
		if (insights_define(translation, totals->fields[i], &number) < 0)
			return -1;
		const char *column = insights_find(insights, totals->fields[i])->sql;
		buf_printf(&sums, "sum(%s) AS %s, ", column, column);
	}
	unsigned stage = translation->stages++;
	buf_printf(&translation->with,
		",\ns%u AS (SELECT *, 0 AS %s FROM s%u UNION ALL BY NAME SELECT %s1 AS %s FROM s%u)",
		stage + 1, is_last, stage, buf_text(&sums), is_last, stage);
	translation->order = translation->order ? insights_printf(insights, "%s, %s", is_last,
							  translation->order)
						: is_last;
	return 0;
}

int insights_parse_addtotals(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct totals totals = {.name = STR("Total"), .in_rows = true};
	struct insights_value total = {.type = QUERY_INSIGHTS_NUMBER};
	_cleanup_buf_ struct buf sum = {0};

	if (parse_totals(translation, &totals) < 0)
		return -1;
	buf_add_text(&sum, "0");
	for (size_t i = 0; i < totals.count; i++)
		if (totals.fields[i].n)
			buf_printf(
				&sum, " + coalesce(%s, 0)", number_of(insights, totals.fields[i]));
	total.sql = buf_text(&sum);
	if (totals.in_rows && insights_define(translation, totals.name, &total) < 0)
		return -1;
	return totals.in_columns ? add_column_totals(translation, &totals) : 0;
}

/* estimate: the bytes of the messages that are read, whatever is filtered. */
int insights_parse_estimate(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	const struct insights_name names[] = {{STR("@estimatedBytes"), .sql = "e1",
		.type = QUERY_INSIGHTS_NUMBER, .is_integer = true}};

	if (insights->token != INSIGHTS_END)
		return insights_fail(insights, "nothing behind estimate");
	unsigned stage = ++translation->stages;
	buf_printf(&translation->with,
		",\ns%u AS (SELECT coalesce(sum(strlen(\"@message\")), 0) AS e1 FROM s0)", stage);
	insights_set_names(translation, names, ARRAY_SIZE(names));
	return 0;
}

/* ---- counts ---- */

int insights_parse_count_frequent(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_name names[INSIGHTS_KEYS_MAX + 1];
	_cleanup_buf_ struct buf select = {0};
	_cleanup_buf_ struct buf keys = {0};
	size_t count = 0;
	bool taken;

	do {
		struct insights_value value;
		struct str field;
		if (count == INSIGHTS_KEYS_MAX)
			return insights_fail(insights, "100 fields at most");
		if (take_field(translation, &field) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
		insights_field(insights, field, &value);
		names[count] = (struct insights_name){.name = field,
			.sql = insights_new_column(translation),
			.type = value.type,
			.is_integer = value.is_integer};
		buf_printf(&select, "%s AS %s, ", value.sql, names[count++].sql);
		buf_printf(&keys, "%s%s", keys.n ? ", " : " GROUP BY ", value.sql);
	} while (taken);
	names[count++] = (struct insights_name){.name = STR("_approxcount"),
		.sql = insights_new_column(translation),
		.type = QUERY_INSIGHTS_NUMBER,
		.is_integer = true};
	buf_printf(&select, "count(*) AS %s", names[count - 1].sql);
	insights_add_stage(translation, buf_text(&select), buf_text(&keys));
	insights_set_names(translation, names, count);
	translation->order = insights_printf(insights, "%s DESC", names[count - 1].sql);
	return 0;
}

/* What varies, from the most to the least certain; a byte 1 before the kind and 2 behind it. */
static const char *pattern_of(struct insights *insights, const char *text)
{
	static const struct {
		const char *kind, *regex;
	} tokens[] = {
		{"Time",
			"\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)?(?:Z|[+-]\\d\\d:?\\d\\d)?"},
		{"UUID",
			"\\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\\b"},
		{"IPAddress", "\\b\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\b"},
		{"ID", "\\b(?:[0-9]+[a-fA-F]|[a-fA-F]+[0-9])[0-9a-fA-F]{6,}\\b"},
		{"Number", "\\b\\d+(?:\\.\\d+)?\\b"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		text = insights_printf(insights, "regexp_replace(%s, '%s', '\x01%s\x02', 'g')",
			text, tokens[i].regex, tokens[i].kind);
	/* Tokens are numbered from the left. */
	return insights_printf(insights,
		"array_to_string(list_transform(string_split(%s, '\x01'), lambda part, i: CASE WHEN i = 1 "
		"THEN part ELSE '<' || replace(part, '\x02', '-' || (i - 1) || '>') END), '')",
		text);
}

static const char severity[] =
	"CASE WHEN contains(lower(%s), 'error') THEN 'ERROR' WHEN contains(lower(%s), 'warn') THEN 'WARN' ELSE "
	"'INFO' END";

/* Columns p1 to p4. */
void insights_add_patterns(struct translation *translation, const struct insights_value *value)
{
	struct insights *insights = &translation->insights;
	const struct insights_name names[] = {
		{STR("@pattern"), .sql = "p1", .type = QUERY_INSIGHTS_TEXT},
		{STR("@ratio"), .sql = "p2", .type = QUERY_INSIGHTS_NUMBER},
		{STR("@sampleCount"), .sql = "p3", .type = QUERY_INSIGHTS_NUMBER,
			.is_integer = true},
		{STR("@severityLabel"), .sql = "p4", .type = QUERY_INSIGHTS_TEXT},
	};

	insights_add_stage(translation,
		insights_printf(insights, "%s AS p0",
			pattern_of(insights, insights_as_text(insights, value))),
		"");
	insights_add_stage(translation,
		insights_printf(insights,
			"p0 AS p1, count(*) / sum(count(*)) OVER () AS p2, count(*) AS p3, %s AS p4",
			insights_printf(insights, severity, "p0", "p0")),
		" WHERE p0 IS NOT NULL GROUP BY p0");
	insights_set_names(translation, names, ARRAY_SIZE(names));
	translation->order = "p3 DESC, p1";
}

int insights_parse_pattern(struct translation *translation)
{
	struct insights_value value;

	if (insights_expression(&translation->insights, &value) < 0)
		return -1;
	insights_add_patterns(translation, &value);
	translation->has_patterns = true;
	return 0;
}
