/* The commands of a query, one after the other: each is one SELECT over the one before, in a WITH.
 * A command that makes new values gives them new columns ("c1", "c2", ...), so that names may be
 * taken again; which name means which column is kept in names. Order is not a property of rows in
 * SQL: what `sort` asked for is kept beside, and written where it counts (limit, dedup, the end).
 */
#include "query/insights_priv.h"

#include "base/mem.h"
#include "base/number.h"

#include <stdio.h>
#include <time.h>

#define COMMANDS_MAX 100

/* ---- names and stages ---- */

int insights_add_name(struct translation *translation, struct str name, const char *sql,
	const struct insights_value *value)
{
	struct insights *insights = &translation->insights;

	if (insights->names_count == INSIGHTS_NAMES_MAX)
		return insights_fail(insights, "1000 names at most in a query");
	insights->names[insights->names_count++] = (struct insights_name){
		.name = insights_keep(insights, name),
		.sql = sql,
		.type = value->type,
		.is_integer = value->is_integer,
		.is_structure = value->is_structure,
		.bin_ms = value->bin_ms,
	};
	return 0;
}

void insights_show(struct translation *translation, struct str name)
{
	for (size_t i = 0; i < translation->shown_count; i++) {
		if (str_equal(translation->shown[i], name))
			return;
	}
	if (translation->shown_count < INSIGHTS_NAMES_MAX)
		translation->shown[translation->shown_count++] =
			insights_keep(&translation->insights, name);
}

const char *insights_new_column(struct translation *translation)
{
	return insights_printf(&translation->insights, "c%u", ++translation->insights.columns);
}

/* SELECT what FROM the stage before, rest. */
void insights_add_stage(struct translation *translation, const char *what, const char *rest)
{
	unsigned stage = ++translation->stages;

	buf_printf(&translation->with, ",\ns%u AS (SELECT %s FROM s%u%s)", stage, what, stage - 1,
		rest);
}

int insights_define(
	struct translation *translation, struct str name, const struct insights_value *value)
{
	const char *column = insights_new_column(translation);

	insights_add_stage(translation,
		insights_printf(&translation->insights, "*, %s AS %s", value->sql, column), "");
	if (insights_add_name(translation, name, column, value) < 0)
		return -1;
	insights_show(translation, name);
	return 0;
}

const char *insights_order(struct translation *translation)
{
	if (!translation->order)
		return "";
	return insights_printf(&translation->insights, "ORDER BY %s", translation->order);
}

void insights_set_names(
	struct translation *translation, const struct insights_name *names, size_t count)
{
	struct insights *insights = &translation->insights;

	memmove(insights->names, names, count * sizeof(names[0]));
	insights->names_count = count;
	insights->has_events = false;
	translation->shown_count = 0;
	for (size_t i = 0; i < count; i++)
		insights_show(translation, names[i].name);
	translation->order = NULL;
	translation->result->is_aggregate = true;
}

/* The text of the query from a place to the end of the last token but one, in one line. */
static struct str text_from(struct translation *translation, size_t start, size_t end)
{
	struct insights *insights = &translation->insights;
	struct str text = str_trim((struct str){insights->text.p + start, end - start});

	return insights_keep(insights, text);
}

int insights_parse_alias(struct translation *translation, struct str *alias)
{
	struct insights *insights = &translation->insights;

	if (!insights_is_word(insights, "as"))
		return 0;
	if (insights_next(insights, false) < 0)
		return -1;
	if (insights->token != INSIGHTS_NAME && insights->token != INSIGHTS_STRING)
		return insights_fail(insights, "a name behind as");
	*alias = insights->token_text;
	return insights_next(insights, false);
}

/* One item of fields or a key: an expression and its name. */
static int parse_item(
	struct translation *translation, struct insights_value *value, struct str *name)
{
	struct insights *insights = &translation->insights;
	size_t start = insights->token_at;
	bool is_quoted = insights->token == INSIGHTS_NAME && insights->is_quoted;
	struct str field = insights->token_text;
	size_t end = insights->at;

	if (insights_expression(insights, value) < 0)
		return -1;
	*name = text_from(translation, start, insights->ended_at);
	/* A field in backticks is called what stands in them. */
	if (is_quoted && insights->ended_at == end)
		*name = field;
	return insights_parse_alias(translation, name);
}

/* ---- commands ---- */

/* Puts a value into a column of a new stage, unless it is one already. */
static int add_value(struct translation *translation, struct str name,
	const struct insights_value *value, struct buf *columns)
{
	const struct insights_name *known = insights_find(&translation->insights, name);

	if (known && strcmp(known->sql, value->sql) == 0)
		return 0;
	const char *column = insights_new_column(translation);
	buf_printf(columns, ", %s AS %s", value->sql, column);
	return insights_add_name(translation, name, column, value);
}

static int add_fields(struct translation *translation, bool is_display)
{
	struct insights *insights = &translation->insights;
	_cleanup_buf_ struct buf columns = {0};
	struct str added[INSIGHTS_KEYS_MAX];
	size_t count = 0;
	bool taken;

	buf_add_char(&columns, '*');
	do {
		struct insights_value value;
		if (count == INSIGHTS_KEYS_MAX)
			return insights_fail(insights, "100 fields at most");
		if (parse_item(translation, &value, &added[count]) < 0 ||
			add_value(translation, added[count], &value, &columns) < 0)
			return -1;
		count++;
		/* Commas are forgotten often, and taken as if they were there. */
		if (insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken || insights->token == INSIGHTS_NAME);
	if (columns.n > 1)
		insights_add_stage(translation, buf_text(&columns), "");
	if (is_display)
		translation->shown_count = 0;
	translation->has_fields = true;
	for (size_t i = 0; i < count; i++)
		insights_show(translation, added[i]);
	return 0;
}

static int parse_fields(struct translation *translation)
{
	return add_fields(translation, false);
}

static int parse_display(struct translation *translation)
{
	return add_fields(translation, true);
}

static int parse_filter(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value value;

	if (insights_expression(insights, &value) < 0)
		return -1;
	insights_add_stage(translation, "*",
		insights_printf(insights, " WHERE %s", insights_as_truth(insights, &value)));
	return 0;
}

static int parse_limit(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	unsigned long long limit;

	bool is_any = insights_is_word(insights, "any");
	if (is_any && insights_next(insights, false) < 0)
		return -1;
	if (insights->token != INSIGHTS_NUMBER || insights->token_text.n > 9 ||
		memchr(insights->token_text.p, '.', insights->token_text.n))
		return insights_fail(insights, "a number of rows");
	limit = strtoull(insights->token_text.p, NULL, 10);
	if (limit < 1 || limit > QUERY_INSIGHTS_LIMIT_MAX)
		return insights_fail(insights, "1 to 100000 rows");
	insights_add_stage(translation, "*",
		insights_printf(insights, " %s LIMIT %llu",
			is_any ? "" : insights_order(translation), limit));
	translation->has_limit = true;
	return insights_next(insights, false);
}

/* The last rows, in the order that they have. */
static int parse_tail(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	const char *order = translation->order, *number = insights_new_column(translation);
	uint64_t limit;

	if (insights->token != INSIGHTS_NUMBER ||
		!number_parse(insights->token_text, QUERY_INSIGHTS_LIMIT_MAX, &limit) || !limit)
		return insights_fail(insights, "1 to 100000 rows");
	insights_add_stage(translation,
		insights_printf(insights, "*, row_number() OVER (%s) AS %s",
			insights_order(translation), number),
		"");
	insights_add_stage(translation, "*",
		insights_printf(insights, " ORDER BY %s DESC LIMIT %llu", number,
			(unsigned long long)limit));
	translation->order = order ? order : number;
	translation->has_limit = true;
	return insights_next(insights, false);
}

/* search "text" or search /regex/: in the message. */
static int parse_search(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value message;
	const char *sql = NULL;

	insights_field(insights, STR("@message"), &message);
	const char *text = insights_as_text(insights, &message);
	if (insights->token == INSIGHTS_REGEX) {
		const char *regex = insights_regex(insights, insights->token_text, NULL, NULL);
		if (!regex)
			return -1;
		sql = insights_printf(insights, " WHERE regexp_matches(%s, %s)", text, regex);
	} else if (insights->token == INSIGHTS_STRING || insights->token == INSIGHTS_NAME) {
		sql = insights_printf(insights, " WHERE contains(%s, %s)", text,
			insights_literal(insights, insights->token_text));
	} else {
		return insights_fail(insights, "a text or a regular expression");
	}
	insights_add_stage(translation, "*", sql);
	return insights_next(insights, false);
}

/* Natural order: what is no number before numbers, and in texts runs of digits by their values. */
static const char *sort_key(
	struct insights *insights, const struct insights_value *value, const char *direction)
{
	if (value->type != QUERY_INSIGHTS_TEXT)
		return insights_printf(insights, "%s %s NULLS LAST", value->sql, direction);
	return insights_printf(insights,
		"%s IS NULL, TRY_CAST(%s AS DOUBLE) IS NOT NULL %s, TRY_CAST(%s AS DOUBLE) %s NULLS LAST, "
		"array_to_string(list_transform(regexp_extract_all(%s, '[0-9]+|[^0-9]+'), lambda part: "
		"CASE WHEN part[1] BETWEEN '0' AND '9' THEN lpad(part, greatest(20, "
		"CAST(length(part) AS INTEGER)), '0') ELSE part END), '') %s, %s %s",
		value->sql, value->sql, direction, value->sql, direction, value->sql, direction,
		value->sql, direction);
}

static int parse_sort(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	_cleanup_buf_ struct buf columns = {0};
	const char *order = NULL;
	bool taken;

	/* "sort by x desc", "order by x desc" */
	if (insights_is_word(insights, "by") && insights_next(insights, false) < 0)
		return -1;
	buf_add_char(&columns, '*');
	do {
		const char *direction = "ASC";
		struct insights_value value;
		if (insights_expression(insights, &value) < 0)
			return -1;
		/* It must still be there at the end: a value of its own gets a column. */
		const char *column = insights_new_column(translation);
		buf_printf(&columns, ", %s AS %s", value.sql, column);
		value.sql = column;
		if (insights_is_word(insights, "desc") || insights_is_word(insights, "asc")) {
			direction = insights_is_word(insights, "desc") ? "DESC" : "ASC";
			if (insights_next(insights, false) < 0)
				return -1;
		}
		const char *key = sort_key(insights, &value, direction);
		order = order ? insights_printf(insights, "%s, %s", order, key) : key;
		if (insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	insights_add_stage(translation, buf_text(&columns), "");
	translation->order = order;
	return 0;
}

static int parse_dedup(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	const char *keys = NULL, *missing = NULL;
	bool taken;

	do {
		struct insights_value value;
		if (insights_expression(insights, &value) < 0)
			return -1;
		keys = keys ? insights_printf(insights, "%s, %s", keys, value.sql) : value.sql;
		missing =
			missing ? insights_printf(insights, "%s OR %s IS NULL", missing, value.sql)
				: insights_printf(insights, "%s IS NULL", value.sql);
		if (insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	/* Events that lack one of the fields are no duplicates. */
	insights_add_stage(translation, "*",
		insights_printf(insights,
			" QUALIFY row_number() OVER (PARTITION BY %s %s) = 1 OR %s", keys,
			insights_order(translation), missing));
	return 0;
}

/* ---- stats ---- */

struct stats {
	struct buf select, keys;
	struct insights_name *names;
	struct insights_name *results; /* the same, with the aggregates as SQL */
	size_t count;
};

static int add_result(struct translation *translation, struct stats *stats,
	const struct insights_value *value, struct str name)
{
	const char *column = insights_new_column(translation);

	if (stats->count == INSIGHTS_KEYS_MAX)
		return insights_fail(&translation->insights, "100 results at most");
	buf_printf(&stats->select, "%s%s AS %s", stats->select.n ? ", " : "", value->sql, column);
	stats->names[stats->count++] = (struct insights_name){
		.name = insights_keep(&translation->insights, name),
		.sql = column,
		.type = value->type,
		.is_integer = value->is_integer,
		.is_key = !value->is_aggregate,
		.bin_ms = value->bin_ms,
	};
	return 0;
}

/* "stats count" and "stats count by a", as some write count(). */
static bool is_bare_count(const struct insights *insights)
{
	size_t at = insights->at;

	while (at < insights->text.n && strchr(" \t\r\n", insights->text.p[at]))
		at++;
	return insights_is_word(insights, "count") &&
	       (at == insights->text.n || insights->text.p[at] == '|' ||
		       str_starts_with((struct str){insights->text.p + at, insights->text.n - at},
			       STR("by ")));
}

static int parse_result(struct translation *translation, struct stats *stats,
	struct insights_value *value, struct str *name)
{
	struct insights *insights = &translation->insights;

	if (is_bare_count(insights)) {
		*value = (struct insights_value){.sql = "count(*)",
			.type = QUERY_INSIGHTS_NUMBER,
			.is_integer = true,
			.is_aggregate = true};
		*name = STR("count");
		return insights_next(insights, false);
	}
	insights->allows_aggregates = true;
	insights->results = stats->results;
	insights->results_count = stats->count;
	int result = parse_item(translation, value, name);
	insights->allows_aggregates = false;
	insights->results_count = 0;
	return result;
}

static int parse_results(struct translation *translation, struct stats *stats)
{
	struct insights *insights = &translation->insights;
	bool taken;

	do {
		struct insights_value value;
		struct str name;
		size_t start = insights->token_at;
		if (parse_result(translation, stats, &value, &name) < 0)
			return -1;
		if (!value.is_aggregate)
			return insights_fail_at(insights, start,
				"expected a function as count(*) or sum(bytes), found '%.*s'",
				STR_ARG(name));
		if (add_result(translation, stats, &value, name) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
		stats->results[stats->count - 1] = stats->names[stats->count - 1];
		stats->results[stats->count - 1].sql = insights_printf(insights, "(%s)", value.sql);
	} while (taken);
	return 0;
}

/* bin(5m) offset 1m */
static int parse_offset(struct insights *insights, struct insights_value *value)
{
	const char *calendar = NULL;
	int64_t ms = 0;

	if (!insights_is_word(insights, "offset"))
		return 0;
	if (!value->bin_ms || !value->bin_time)
		return insights_fail(insights, "bin() before offset");
	if (insights_next(insights, false) < 0)
		return -1;
	if (insights->token != INSIGHTS_DURATION)
		return insights_fail(insights, "a period, as 1h");
	if (insights_duration(insights, insights->token_text, &ms, &calendar) < 0)
		return -1;
	insights_shift_bins(insights, value, ms);
	return insights_next(insights, false);
}

/* Keys stand before the results, as Insights shows them. */
static int parse_keys(struct translation *translation, struct stats *stats)
{
	struct insights *insights = &translation->insights;
	bool taken;

	if (insights_is_word(insights, "group") && insights_next(insights, false) < 0)
		return -1;
	if (!insights_is_word(insights, "by"))
		return 0;
	if (insights_next(insights, false) < 0)
		return -1;
	do {
		struct insights_value value;
		struct str name;
		if (parse_item(translation, &value, &name) < 0 ||
			parse_offset(insights, &value) < 0 ||
			insights_parse_alias(translation, &name) < 0 ||
			add_result(translation, stats, &value, name) < 0)
			return -1;
		buf_printf(&stats->keys, "%s%s", stats->keys.n ? ", " : " GROUP BY ", value.sql);
		if (insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	return 0;
}

static void finish_stats(struct translation *translation, struct stats *stats, size_t results)
{
	size_t keys = stats->count - results;

	insights_add_stage(translation, buf_text(&stats->select), buf_text(&stats->keys));
	memcpy(stats->results, stats->names + results, keys * sizeof(stats->names[0]));
	memcpy(stats->results + keys, stats->names, results * sizeof(stats->names[0]));
	insights_set_names(translation, stats->results, stats->count);
}

static int parse_stats(struct translation *translation)
{
	struct stats stats = {.names = mem_new(INSIGHTS_KEYS_MAX, sizeof(stats.names[0])),
		.results = mem_new(INSIGHTS_KEYS_MAX, sizeof(stats.names[0]))};
	int result = parse_results(translation, &stats);
	size_t results = stats.count;

	if (result == 0)
		result = parse_keys(translation, &stats);
	if (result == 0)
		finish_stats(translation, &stats, results);
	buf_done(&stats.select);
	buf_done(&stats.keys);
	free(stats.names);
	free(stats.results);
	return result;
}

/* ---- all of them ---- */

static int parse_command(struct translation *translation)
{
	static const struct {
		const char *word;
		int (*parse)(struct translation *);
	} commands[] = {
		{"fields", parse_fields},
		{"display", parse_display},
		{"filter", parse_filter},
		{"where", parse_filter},
		{"filterindex", parse_filter}, /* there are no indexes to leave others out by */
		{"stats", parse_stats},
		{"sort", parse_sort},
		{"order", parse_sort},
		{"limit", parse_limit},
		{"head", parse_limit},
		{"tail", parse_tail},
		{"search", parse_search},
		{"parse", insights_parse_parse},
		{"dedup", parse_dedup},
		{"source", insights_parse_source},
		{"unmask", parse_fields}, /* nothing is masked */
		{"json", insights_parse_json},
		{"unnest", insights_parse_unnest},
		{"expand", insights_parse_expand},
		{"estimate", insights_parse_estimate},
		{"pattern", insights_parse_pattern},
		{"accum", insights_parse_accum},
		{"appendcols", insights_parse_appendcols},
		{"join", insights_parse_join},
		{"diff", insights_parse_diff},
		{"logcompare", insights_parse_logcompare},
		{"addtotals", insights_parse_addtotals},
		{"autoregress", insights_parse_autoregress},
		{"countfrequent", insights_parse_count_frequent},
		{"count_frequent", insights_parse_count_frequent},
		{"filldown", insights_parse_filldown},
		{"fillmissing", insights_parse_fillmissing},
		{"outlier", insights_parse_outlier},
		{"sessionize", insights_parse_sessionize},
	};
	static const char *const unsupported[] = {
		"anomaly", "lookup", "cidrlookup", "relevantfields"};
	struct insights *insights = &translation->insights;

	if (++translation->commands > COMMANDS_MAX)
		return insights_fail(insights, "100 commands at most");
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++) {
		if (insights_is_word(insights, unsupported[i]))
			return insights_fail_at(insights, insights->token_at,
				"the command '%s' is not supported", unsupported[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!insights_is_word(insights, commands[i].word))
			continue;
		/* Only these begin with what may be a regular expression. */
		if (commands[i].parse != insights_parse_diff &&
			commands[i].parse != insights_parse_logcompare)
			translation->has_patterns = false;
		bool allow_regex = commands[i].parse == insights_parse_parse ||
				   commands[i].parse == parse_search;
		return insights_next(insights, allow_regex) < 0 ? -1
								: commands[i].parse(translation);
	}
	return insights_fail(
		insights, "a command: fields, display, filter, stats, sort, limit, parse or dedup");
}

/* NOLINTNEXTLINE(misc-no-recursion): a query in a query is one at most. */
static int parse_query(struct translation *translation)
{
	struct insights *insights = &translation->insights;

	while (insights->token != INSIGHTS_END) {
		if (parse_command(translation) < 0)
			return -1;
		if (insights->is_too_large)
			return insights_fail(insights, "a smaller query: this one is too large");
		if (insights->token == INSIGHTS_END ||
			(translation->is_nested && insights_is_sign(insights, ")")))
			break;
		if (insights_expect_sign(insights, "|") < 0)
			return -1;
	}
	return 0;
}

/* A field of lines, and of events that are JSON. */
static void add_json(struct insights *insights, struct str name, struct insights_name *field)
{
	const struct insights_value value = {
		.sql = field->sql, .type = field->type, .is_integer = field->is_integer};
	struct insights_value json;

	insights_message_field(insights, "\"@message\"", name, &json);
	field->sql = insights_printf(
		insights, "coalesce(%s, %s)", insights_as_text(insights, &value), json.sql);
	field->type = QUERY_INSIGHTS_TEXT;
	field->is_integer = false;
}

size_t insights_event_names(struct translation *translation, struct insights_name *names)
{
	static const struct query_insights_field system[] = {
		{"@timestamp", "\"@timestamp\"", QUERY_INSIGHTS_TIME},
		{"@ingestionTime", "\"@ingestionTime\"", QUERY_INSIGHTS_TIME},
		{"@message", "\"@message\"", QUERY_INSIGHTS_TEXT},
		{"@logStream", "\"@logStream\"", QUERY_INSIGHTS_TEXT},
		{"@log", "\"@log\"", QUERY_INSIGHTS_TEXT},
		{"@ptr", "\"@ptr\"", QUERY_INSIGHTS_TEXT},
	};
	const struct query_insights_source *source = translation->insights.source;
	size_t count = ARRAY_SIZE(system) + source->fields_count;

	if (count > INSIGHTS_NAMES_MAX)
		count = INSIGHTS_NAMES_MAX;
	for (size_t i = 0; i < count; i++) {
		bool is_system = i < ARRAY_SIZE(system);
		const struct query_insights_field *field =
			is_system ? &system[i] : &source->fields[i - ARRAY_SIZE(system)];
		names[i] = (struct insights_name){.name = str_from(field->name),
			.sql = field->sql,
			.type = field->type,
			.is_integer = field->type == QUERY_INSIGHTS_NUMBER};
		if (!is_system && source->has_json)
			add_json(&translation->insights, names[i].name, &names[i]);
	}
	return count;
}

/* NOLINTNEXTLINE(misc-no-recursion): a query in a query is one at most. */
int insights_commands(struct translation *translation)
{
	struct insights *insights = &translation->insights;

	insights->names_count = insights_event_names(translation, insights->names);
	insights->has_events = true;
	translation->order = "\"@timestamp\" DESC NULLS LAST";
	return parse_query(translation);
}

/* Without fields and display events are shown, and what was taken out of them. */
static void show_events(struct translation *translation)
{
	struct str *shown = translation->shown;
	size_t count = translation->shown_count;

	if (count + 2 > INSIGHTS_NAMES_MAX)
		count = INSIGHTS_NAMES_MAX - 2;
	memmove(shown + 2, shown, count * sizeof(shown[0]));
	shown[0] = STR("@timestamp");
	shown[1] = STR("@message");
	translation->shown_count = count + 2;
}

size_t insights_select(
	struct translation *translation, struct buf *sql, struct insights_name *names)
{
	const struct query_insights_source *source = translation->insights.source;
	struct insights *insights = &translation->insights;
	size_t count = 0;

	if (!translation->result->is_aggregate && !translation->has_fields)
		show_events(translation);
	buf_printf(sql, "WITH s0 AS (SELECT * FROM %s)%s\nSELECT ", insights_relation(translation),
		buf_text(&translation->with));
	for (; count < translation->shown_count; count++) {
		struct insights_value value;
		insights_field(insights, translation->shown[count], &value);
		names[count] = (struct insights_name){.name = translation->shown[count],
			.sql = insights_new_column(translation),
			.type = value.type,
			.is_integer = value.is_integer};
		buf_printf(sql, "%s%s AS %s", count ? ", " : "", value.sql, names[count].sql);
	}
	if (!translation->result->is_aggregate && !translation->is_nested &&
		count < INSIGHTS_NAMES_MAX) {
		buf_add_text(sql, ", \"@ptr\"");
		names[count++] = (struct insights_name){
			.name = STR("@ptr"), .sql = "\"@ptr\"", .type = QUERY_INSIGHTS_TEXT};
	}
	buf_printf(sql, " FROM s%u", translation->stages);
	if (translation->order)
		buf_printf(sql, " ORDER BY %s", translation->order);
	if (!translation->has_limit && !translation->is_nested)
		buf_printf(sql, " LIMIT %llu",
			(unsigned long long)(source->limit ? source->limit : QUERY_INSIGHTS_LIMIT));
	return count;
}

static void finish(struct translation *translation)
{
	struct query_insights *result = translation->result;
	struct insights_name *names = mem_new(INSIGHTS_NAMES_MAX, sizeof(*names));

	result->columns_count = insights_select(translation, &result->sql, names);
	result->columns = mem_new(result->columns_count + 1, sizeof(*result->columns));
	for (size_t i = 0; i < result->columns_count; i++)
		result->columns[i] = (struct query_insights_column){
			mem_printf("%.*s", STR_ARG(names[i].name)), names[i].type};
	free(names);
}

static void translation_free(struct translation *translation)
{
	for (size_t i = 0; i < translation->insights.pieces_count; i++)
		free(translation->insights.pieces[i]);
	free(translation->insights.pieces);
	free(translation->insights.names);
	buf_done(&translation->with);
	free(translation);
}
MEM_DEFINE_CLEANUP(struct translation, translation_free)

int query_insights_translate(struct str text, const struct query_insights_source *source,
	struct query_insights *ret_insights, struct err *err)
{
	_cleanup_(translation_freep) struct translation *translation =
		mem_new(1, sizeof(*translation));

	*ret_insights = (struct query_insights){.columns_count = 0};
	if (text.n > QUERY_INSIGHTS_MAX)
		return err_set(
			err, ERR_USAGE, "query: %zu bytes, %d at most", text.n, QUERY_INSIGHTS_MAX);
	if (text.n && memchr(text.p, '\0', text.n))
		return err_set(err, ERR_USAGE, "query: it has a NUL");
	translation->result = ret_insights;
	translation->insights = (struct insights){
		.source = source,
		.text = text,
		.err = err,
		.names = mem_new(INSIGHTS_NAMES_MAX, sizeof(translation->insights.names[0])),
	};
	translation->insights.translation = translation;
	if (insights_next(&translation->insights, false) < 0 ||
		insights_commands(translation) < 0) {
		ret_insights->error_start = translation->insights.error_start;
		ret_insights->error_end = translation->insights.error_end;
		return -1;
	}
	finish(translation);
	return 0;
}

void query_insights_done(struct query_insights *insights)
{
	for (size_t i = 0; i < insights->columns_count; i++)
		free(insights->columns[i].name);
	for (size_t i = 0; i < insights->groups_count; i++)
		free(insights->groups[i]);
	for (size_t i = 0; i < insights->parts_count; i++) {
		for (size_t j = 0; j < insights->parts[i].groups_count; j++)
			free(insights->parts[i].groups[j]);
		free(insights->parts[i].groups);
	}
	for (size_t i = 0; i < insights->tags_count; i++) {
		free(insights->tags[i].key);
		free(insights->tags[i].value);
	}
	free(insights->tags);
	for (size_t i = 0; i < insights->data_sources_count; i++)
		free(insights->data_sources[i]);
	free(insights->data_sources);
	for (size_t i = 0; i < insights->regexes_count; i++)
		free(insights->regexes[i].sql);
	free(insights->regexes);
	free(insights->parts);
	free(insights->columns);
	free(insights->groups);
	buf_done(&insights->sql);
	*insights = (struct query_insights){.columns_count = 0};
}

char *query_insights_write_time(char *p, int64_t time_ms)
{
	int64_t seconds = time_ms / 1000 - (time_ms % 1000 < 0);
	time_t time = (time_t)seconds;
	struct tm date;

	gmtime_r(&time, &date);
	size_t n = strftime(p, 24, "%Y-%m-%d %H:%M:%S", &date);
	return p + n + snprintf(p + n, 8, ".%03d", (int)(time_ms - seconds * 1000));
}
