/* The commands of a query, one after the other: each is one SELECT over the one before, in a WITH.
 * A command that makes new values gives them new columns ("c1", "c2", ...), so that names may be
 * taken again; which name means which column is kept in names. Order is not a property of rows in
 * SQL: what `sort` asked for is kept beside, and written where it counts (limit, dedup, the end).
 */
#include "query/insights_priv.h"

#include "base/mem.h"

#include <stdio.h>
#include <time.h>

#define COMMANDS_MAX 50
#define KEYS_MAX     100

struct translation {
	struct insights insights;
	struct query_insights *result;
	struct buf with;   /* "s0 AS (...), s1 AS (...)" */
	unsigned stages;   /* s0 is the events */
	const char *order; /* what ORDER BY says; NULL: nothing */
	bool is_ordered_by_user;
	/* Names that are shown, in order. */
	struct str shown[INSIGHTS_NAMES_MAX];
	size_t shown_count;
	bool has_limit;
	unsigned commands;
};

/* ---- names and stages ---- */

static int add_name(struct translation *translation, struct str name, const char *sql,
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
	};
	return 0;
}

static void show(struct translation *translation, struct str name)
{
	for (size_t i = 0; i < translation->shown_count; i++) {
		if (str_equal(translation->shown[i], name))
			return;
	}
	if (translation->shown_count < INSIGHTS_NAMES_MAX)
		translation->shown[translation->shown_count++] =
			insights_keep(&translation->insights, name);
}

static const char *new_column(struct translation *translation)
{
	return insights_printf(&translation->insights, "c%u", ++translation->insights.columns);
}

/* SELECT what FROM the stage before, rest. */
static void add_stage(struct translation *translation, const char *what, const char *rest)
{
	unsigned stage = ++translation->stages;

	buf_printf(&translation->with, ",\ns%u AS (SELECT %s FROM s%u%s)", stage, what, stage - 1,
		rest);
}

/* The text of the query from a place to the end of the last token but one, in one line. */
static struct str text_from(struct translation *translation, size_t start, size_t end)
{
	struct insights *insights = &translation->insights;
	struct str text = str_trim((struct str){insights->text.p + start, end - start});

	return insights_keep(insights, text);
}

static int parse_alias(struct translation *translation, struct str *alias)
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
	bool is_name = insights->token == INSIGHTS_NAME;
	struct str field = insights->token_text;

	if (insights_expression(insights, value) < 0)
		return -1;
	*name = text_from(translation, start, insights->ended_at);
	/* A field in backticks is called what stands in them. */
	if (is_name && name->n >= 2 && name->p[0] == '`' && name->n == field.n + 2)
		*name = field;
	return parse_alias(translation, name);
}

/* ---- commands ---- */

/* Puts a value into a column of a new stage, unless it is one already. */
static int add_value(struct translation *translation, struct str name,
	const struct insights_value *value, struct buf *columns)
{
	const struct insights_name *known = insights_find(&translation->insights, name);

	if (known && strcmp(known->sql, value->sql) == 0)
		return 0;
	const char *column = new_column(translation);
	buf_printf(columns, ", %s AS %s", value->sql, column);
	return add_name(translation, name, column, value);
}

static int parse_fields(struct translation *translation, bool is_display)
{
	struct insights *insights = &translation->insights;
	_cleanup_buf_ struct buf columns = {0};
	struct str added[KEYS_MAX];
	size_t count = 0;
	bool taken;

	buf_add_char(&columns, '*');
	do {
		struct insights_value value;
		if (count == KEYS_MAX)
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
		add_stage(translation, buf_text(&columns), "");
	if (is_display)
		translation->shown_count = 0;
	for (size_t i = 0; i < count; i++)
		show(translation, added[i]);
	return 0;
}

static int parse_filter(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value value;

	if (insights_expression(insights, &value) < 0)
		return -1;
	add_stage(translation, "*",
		insights_printf(insights, " WHERE %s", insights_as_truth(insights, &value)));
	return 0;
}

static int parse_limit(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	unsigned long long limit;

	if (insights->token != INSIGHTS_NUMBER || insights->token_text.n > 9 ||
		memchr(insights->token_text.p, '.', insights->token_text.n))
		return insights_fail(insights, "a number of rows");
	limit = strtoull(insights->token_text.p, NULL, 10);
	if (limit < 1 || limit > QUERY_INSIGHTS_LIMIT_MAX)
		return insights_fail(insights, "1 to 100000 rows");
	add_stage(translation, "*",
		insights_printf(insights, "%s%s LIMIT %llu", translation->order ? " ORDER BY " : "",
			translation->order ? translation->order : "", limit));
	translation->has_limit = true;
	return insights_next(insights, false);
}

static const char *sort_key(
	struct insights *insights, const struct insights_value *value, const char *direction)
{
	if (value->type != QUERY_INSIGHTS_TEXT)
		return insights_printf(insights, "%s %s NULLS LAST", value->sql, direction);
	return insights_printf(insights, "TRY_CAST(%s AS DOUBLE) %s NULLS LAST, %s %s NULLS LAST",
		value->sql, direction, value->sql, direction);
}

static int parse_sort(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	_cleanup_buf_ struct buf columns = {0};
	const char *order = NULL;
	bool taken;

	buf_add_char(&columns, '*');
	do {
		const char *direction = "ASC";
		struct insights_value value;
		if (insights_expression(insights, &value) < 0)
			return -1;
		/* It must still be there at the end: a value of its own gets a column. */
		const char *column = new_column(translation);
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
	add_stage(translation, buf_text(&columns), "");
	translation->order = order;
	translation->is_ordered_by_user = true;
	return 0;
}

static int parse_dedup(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	const char *keys = NULL;
	bool taken;

	do {
		struct insights_value value;
		if (insights_expression(insights, &value) < 0)
			return -1;
		keys = keys ? insights_printf(insights, "%s, %s", keys, value.sql) : value.sql;
		if (insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	add_stage(translation, "*",
		insights_printf(insights, " QUALIFY row_number() OVER (PARTITION BY %s%s%s) = 1",
			keys, translation->order ? " ORDER BY " : "",
			translation->order ? translation->order : ""));
	return 0;
}

/* ---- stats ---- */

struct stats {
	struct buf select, keys;
	struct insights_name *names;
	size_t count;
};

static int add_result(struct translation *translation, struct stats *stats,
	const struct insights_value *value, struct str name)
{
	const char *column = new_column(translation);

	if (stats->count == KEYS_MAX)
		return insights_fail(&translation->insights, "100 results at most");
	buf_printf(&stats->select, "%s%s AS %s", stats->select.n ? ", " : "", value->sql, column);
	stats->names[stats->count++] = (struct insights_name){
		.name = insights_keep(&translation->insights, name),
		.sql = column,
		.type = value->type,
		.is_integer = value->is_integer,
	};
	return 0;
}

static int parse_results(struct translation *translation, struct stats *stats)
{
	struct insights *insights = &translation->insights;
	bool taken;

	do {
		struct insights_value value;
		struct str name;
		size_t start = insights->token_at;
		insights->allows_aggregates = true;
		int result = parse_item(translation, &value, &name);
		insights->allows_aggregates = false;
		if (result < 0)
			return -1;
		if (!value.is_aggregate)
			return insights_fail_at(insights, start,
				"expected a function as count(*) or sum(bytes), found '%.*s'",
				STR_ARG(name));
		if (add_result(translation, stats, &value, name) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	return 0;
}

/* Keys stand before the results, as Insights shows them. */
static int parse_keys(struct translation *translation, struct stats *stats)
{
	struct insights *insights = &translation->insights;
	bool taken;

	if (!insights_is_word(insights, "by"))
		return 0;
	if (insights_next(insights, false) < 0)
		return -1;
	do {
		struct insights_value value;
		struct str name;
		if (parse_item(translation, &value, &name) < 0 ||
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
	struct insights *insights = &translation->insights;

	translation->shown_count = 0;
	for (size_t i = results; i < stats->count; i++)
		show(translation, stats->names[i].name);
	for (size_t i = 0; i < results; i++)
		show(translation, stats->names[i].name);
	memcpy(insights->names, stats->names, stats->count * sizeof(stats->names[0]));
	insights->names_count = stats->count;
	insights->has_events = false;
	add_stage(translation, buf_text(&stats->select), buf_text(&stats->keys));
	translation->order = NULL;
	translation->result->is_aggregate = true;
}

static int parse_stats(struct translation *translation)
{
	struct stats stats = {.names = mem_new(KEYS_MAX, sizeof(stats.names[0]))};
	int result = parse_results(translation, &stats);
	size_t results = stats.count;

	if (result == 0)
		result = parse_keys(translation, &stats);
	if (result == 0)
		finish_stats(translation, &stats, results);
	buf_done(&stats.select);
	buf_done(&stats.keys);
	free(stats.names);
	return result;
}

/* ---- parse ---- */

const char *insights_regex(
	struct insights *insights, struct str text, struct str *ret_names, size_t *ret_groups)
{
	_cleanup_buf_ struct buf regex = {0};
	bool in_class = false;
	size_t groups = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		char next = i + 1 < text.n ? text.p[i + 1] : '\0';
		buf_add_char(&regex, c);
		if (c == '\\' && i + 1 < text.n) {
			buf_add_char(&regex, text.p[++i]);
		} else if (c == '[') {
			in_class = true;
		} else if (c == ']') {
			in_class = false;
		} else if (c == '(' && !in_class) {
			bool is_named = next == '?' && i + 3 < text.n && text.p[i + 2] == '<' &&
					text.p[i + 3] != '=' && text.p[i + 3] != '!';
			if (next == '?' && !is_named)
				continue;
			struct str name = {NULL, 0};
			if (is_named) {
				const char *end = memchr(text.p + i, '>', text.n - i);
				buf_add_text(&regex, "?P");
				i++;
				if (end)
					name = (struct str){
						text.p + i + 2, (size_t)(end - text.p) - i - 2};
			}
			if (ret_names && groups < INSIGHTS_GROUPS_MAX)
				ret_names[groups] = name;
			groups++;
		}
	}
	if (ret_groups)
		*ret_groups = groups < INSIGHTS_GROUPS_MAX ? groups : INSIGHTS_GROUPS_MAX;
	return insights_literal(insights, buf_str(&regex));
}

/* "user=*, method:*" as a regular expression with a group a star. */
static const char *glob_regex(struct insights *insights, struct str glob, size_t *ret_groups)
{
	_cleanup_buf_ struct buf regex = {0};

	*ret_groups = 0;
	buf_add_text(&regex, "(?s)");
	for (size_t i = 0; i < glob.n; i++) {
		if (glob.p[i] == '*') {
			buf_add_text(&regex, i + 1 == glob.n ? "(.*)" : "(.*?)");
			++*ret_groups;
		} else {
			if (strchr("\\^$.|?+()[]{}", glob.p[i]))
				buf_add_char(&regex, '\\');
			buf_add_char(&regex, glob.p[i]);
		}
	}
	return insights_literal(insights, buf_str(&regex));
}

static int parse_names(struct translation *translation, struct str *names, size_t *count)
{
	struct insights *insights = &translation->insights;
	bool taken;

	do {
		if (insights->token != INSIGHTS_NAME)
			return insights_fail(insights, "a name");
		if (*count == INSIGHTS_GROUPS_MAX)
			return insights_fail(insights, "64 names at most");
		names[(*count)++] = insights->token_text;
		if (insights_next(insights, false) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	return 0;
}

static int add_parsed(struct translation *translation, const char *field, const char *regex,
	const struct str *names, size_t groups)
{
	struct insights *insights = &translation->insights;
	struct insights_value text = {.type = QUERY_INSIGHTS_TEXT};
	_cleanup_buf_ struct buf columns = {0};
	_cleanup_buf_ struct buf list = {0};
	const char *groups_column = new_column(translation);

	/* Found once for all groups; a group that took nothing is "", no match is NULL. */
	for (size_t i = 0; i < groups; i++)
		buf_printf(&list, "%s'g%zu'", i ? ", " : "", i);
	add_stage(translation,
		insights_printf(insights,
			groups ? "*, CASE WHEN regexp_matches(%s, %s) THEN regexp_extract(%s, %s, "
				 "[%s]) END AS %s"
			       : "*",
			field, regex, field, regex, buf_text(&list), groups_column),
		"");
	buf_add_char(&columns, '*');
	for (size_t i = 0; i < groups; i++) {
		if (!names[i].n)
			continue;
		const char *column = new_column(translation);
		buf_printf(&columns, ", %s.g%zu AS %s", groups_column, i, column);
		if (add_name(translation, names[i], column, &text) < 0)
			return -1;
	}
	add_stage(translation, buf_text(&columns), "");
	return 0;
}

static int parse_parse(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value field = {.sql = "NULL::VARCHAR"};
	struct str names[INSIGHTS_GROUPS_MAX] = {{NULL, 0}};
	struct str text;
	const char *regex;
	size_t groups;
	size_t named = 0;

	if (insights->token == INSIGHTS_NAME) {
		struct str name = insights->token_text;
		if (insights_next(insights, true) < 0)
			return -1;
		insights_field(insights, name, &field);
	} else {
		insights_field(insights, STR("@message"), &field);
	}
	bool is_glob = insights->token == INSIGHTS_STRING;
	if (!is_glob && insights->token != INSIGHTS_REGEX)
		return insights_fail(insights, "a text with '*', or a regular expression");
	text = insights->token_text;
	size_t at = insights->token_at;
	regex = is_glob ? glob_regex(insights, text, &groups)
			: insights_regex(insights, text, names, &groups);
	if (insights_next(insights, false) < 0)
		return -1;
	if (insights_is_word(insights, "as")) {
		if (insights_next(insights, false) < 0 ||
			parse_names(translation, names, &named) < 0)
			return -1;
	}
	if ((is_glob || named) && named != groups)
		return insights_fail_at(
			insights, at, "%zu '*' or groups, and %zu names", groups, named);
	return add_parsed(translation, insights_as_text(insights, &field), regex, names, groups);
}

/* ---- SOURCE, and all of them ---- */

/* SOURCE "group" | ..., SOURCE logGroups(namePrefix: ["a", "b"]): what is in quotes. */
static int parse_source(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct query_insights *result = translation->result;
	bool is_prefix = false;

	while (insights->token != INSIGHTS_END && !insights_is_sign(insights, "|")) {
		if (insights_is_word(insights, "namePrefix"))
			is_prefix = true;
		if (insights->token == INSIGHTS_STRING || insights->is_quoted) {
			result->groups = mem_grow(result->groups, result->groups_count + 1,
				sizeof(result->groups[0]));
			result->groups[result->groups_count++] = mem_printf(
				"%.*s%s", STR_ARG(insights->token_text), is_prefix ? "*" : "");
		}
		/* START=-3600s END=0s and the colon of namePrefix: are passed over. */
		while (insights->at < insights->text.n && insights->text.p[insights->at] == ':')
			insights->at++;
		if (insights_next(insights, false) < 0)
			return -1;
	}
	if (!result->groups_count)
		return insights_fail(insights, "the name of a log group in quotes");
	return 0;
}

static int parse_command(struct translation *translation)
{
	static const struct {
		const char *word;
		int (*parse)(struct translation *);
	} commands[] = {
		{"filter", parse_filter},
		{"filterindex", parse_filter}, /* there are no indexes to leave others out by */
		{"stats", parse_stats},
		{"sort", parse_sort},
		{"limit", parse_limit},
		{"head", parse_limit},
		{"parse", parse_parse},
		{"dedup", parse_dedup},
		{"source", parse_source},
	};
	static const char *const unsupported[] = {
		"pattern", "diff", "anomaly", "unnest", "unmask", "join", "lookup", "tail"};
	struct insights *insights = &translation->insights;

	if (++translation->commands > COMMANDS_MAX)
		return insights_fail(insights, "50 commands at most");
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++) {
		if (insights_is_word(insights, unsupported[i]))
			return insights_fail_at(insights, insights->token_at,
				"the command '%s' is not supported", unsupported[i]);
	}
	if (insights_is_word(insights, "fields") || insights_is_word(insights, "display")) {
		bool is_display = insights_is_word(insights, "display");
		return insights_next(insights, false) < 0 ? -1
							  : parse_fields(translation, is_display);
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (insights_is_word(insights, commands[i].word))
			return insights_next(insights, true) < 0 ? -1
								 : commands[i].parse(translation);
	}
	return insights_fail(
		insights, "a command: fields, display, filter, stats, sort, limit, parse or dedup");
}

static int parse_query(struct translation *translation)
{
	struct insights *insights = &translation->insights;

	if (insights_next(insights, false) < 0)
		return -1;
	while (insights->token != INSIGHTS_END) {
		if (parse_command(translation) < 0)
			return -1;
		if (insights->is_too_large)
			return insights_fail(insights, "a smaller query: this one is too large");
		if (insights->token == INSIGHTS_END)
			break;
		if (insights_expect_sign(insights, "|") < 0)
			return -1;
	}
	return 0;
}

static int begin(struct translation *translation)
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

	buf_printf(&translation->with, "WITH s0 AS (SELECT * FROM %s)", source->relation);
	for (size_t i = 0; i < ARRAY_SIZE(system) + source->fields_count; i++) {
		const struct query_insights_field *field =
			i < ARRAY_SIZE(system) ? &system[i]
					       : &source->fields[i - ARRAY_SIZE(system)];
		struct insights_value value = {
			.type = field->type, .is_integer = field->type == QUERY_INSIGHTS_NUMBER};
		if (add_name(translation, str_from(field->name), field->sql, &value) < 0)
			return -1;
	}
	translation->insights.has_events = true;
	translation->order = "\"@timestamp\" DESC NULLS LAST";
	return 0;
}

static void add_column(
	struct query_insights *result, struct str name, enum query_insights_type type)
{
	result->columns =
		mem_grow(result->columns, result->columns_count + 1, sizeof(result->columns[0]));
	result->columns[result->columns_count++] =
		(struct query_insights_column){mem_printf("%.*s", STR_ARG(name)), type};
}

static void finish(struct translation *translation)
{
	struct query_insights *result = translation->result;
	const struct query_insights_source *source = translation->insights.source;
	struct insights *insights = &translation->insights;

	if (!result->is_aggregate && !translation->shown_count) {
		show(translation, STR("@timestamp"));
		show(translation, STR("@message"));
	}
	buf_printf(&result->sql, "%s\nSELECT ", buf_text(&translation->with));
	for (size_t i = 0; i < translation->shown_count; i++) {
		struct insights_value value;
		insights_field(insights, translation->shown[i], &value);
		buf_printf(&result->sql, "%s%s", i ? ", " : "", value.sql);
		add_column(result, translation->shown[i], value.type);
	}
	if (!result->is_aggregate) {
		buf_add_text(&result->sql, ", \"@ptr\"");
		add_column(result, STR("@ptr"), QUERY_INSIGHTS_TEXT);
	}
	buf_printf(&result->sql, " FROM s%u", translation->stages);
	if (translation->order)
		buf_printf(&result->sql, " ORDER BY %s", translation->order);
	if (!translation->has_limit)
		buf_printf(&result->sql, " LIMIT %llu",
			(unsigned long long)(source->limit ? source->limit : QUERY_INSIGHTS_LIMIT));
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
	if (begin(translation) < 0 || parse_query(translation) < 0)
		return -1;
	finish(translation);
	return 0;
}

void query_insights_done(struct query_insights *insights)
{
	for (size_t i = 0; i < insights->columns_count; i++)
		free(insights->columns[i].name);
	for (size_t i = 0; i < insights->groups_count; i++)
		free(insights->groups[i]);
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
