/* Commands that take fields apart: parse in its four forms, json, unnest and expand. */
#include "query/insights_priv.h"

#include "base/mem.h"

#include <stdio.h>

/* ---- regular expressions ---- */

/* What RE2 has not: (?= (?! (?<= (?<! (?> and references to groups. */
static int check_regex(struct insights *insights, struct str text, size_t at)
{
	struct str rest = {text.p + at, text.n - at};
	static const char *const refused[] = {"(?=", "(?!", "(?<=", "(?<!", "(?>"};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (str_starts_with(rest, str_from(refused[i])))
			return insights_fail_at(insights, insights->token_at,
				"'%s' in a regular expression is not supported", refused[i]);
	if (rest.n > 1 && rest.p[0] == '\\' && rest.p[1] >= '1' && rest.p[1] <= '9')
		return insights_fail_at(insights, insights->token_at,
			"a reference to a group in a regular expression is not supported");
	return 0;
}

static const char *keep_regex(struct insights *insights, const char *sql)
{
	struct query_insights *result = insights->translation->result;

	result->regexes =
		mem_grow(result->regexes, result->regexes_count + 1, sizeof(result->regexes[0]));
	result->regexes[result->regexes_count++] = (struct query_insights_regex){
		.sql = mem_strdup(sql), .start = insights->token_at, .end = insights->at};
	return sql;
}

const char *insights_regex(
	struct insights *insights, struct str text, struct str *ret_names, size_t *ret_groups)
{
	_cleanup_buf_ struct buf regex = {0};
	bool in_class = false;
	size_t groups = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!in_class && check_regex(insights, text, i) < 0)
			return NULL;
		buf_add_char(&regex, c);
		if (c == '\\' && i + 1 < text.n) {
			buf_add_char(&regex, text.p[++i]);
		} else if (c == '[') {
			in_class = true;
		} else if (c == ']') {
			in_class = false;
		} else if (c == '(' && !in_class) {
			struct str name = {NULL, 0};
			size_t start = i + 1;
			if (start < text.n && text.p[start] == '?') {
				start += 1 + (start + 1 < text.n && text.p[start + 1] == 'P');
				const char *end =
					start < text.n && text.p[start] == '<'
						? memchr(text.p + start, '>', text.n - start)
						: NULL;
				if (!end)
					continue;
				/* Names may have what RE2's cannot: they are known here. */
				name = (struct str){
					text.p + start + 1, (size_t)(end - text.p) - start - 1};
				i = (size_t)(end - text.p);
			}
			if (ret_names && groups < INSIGHTS_GROUPS_MAX)
				ret_names[groups] = name;
			groups++;
		}
	}
	if (ret_groups)
		*ret_groups = groups < INSIGHTS_GROUPS_MAX ? groups : INSIGHTS_GROUPS_MAX;
	return keep_regex(insights, insights_literal(insights, buf_str(&regex)));
}

/* "user=*, method:*" as a regular expression with a group a star; none: what is found is the group.
 */
static const char *glob_regex(struct insights *insights, struct str glob, size_t *ret_groups)
{
	_cleanup_buf_ struct buf regex = {0};

	*ret_groups = 0;
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
	_cleanup_free_ char *whole =
		mem_printf(*ret_groups ? "(?s)%s" : "(?s)(%s)", buf_text(&regex));
	*ret_groups += *ret_groups == 0;
	return insights_literal(insights, str_from(whole));
}

/* ---- parse ---- */

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

/* The groups' values are parts of a column: one of a name each. */
static int add_groups(struct translation *translation, const char *column, bool is_list,
	const struct str *names, size_t groups)
{
	struct insights_value text = {.type = QUERY_INSIGHTS_TEXT};
	_cleanup_buf_ struct buf columns = {0};

	buf_add_char(&columns, '*');
	for (size_t i = 0; i < groups; i++) {
		if (!names[i].n)
			continue;
		const char *name = insights_new_column(translation);
		if (is_list)
			buf_printf(&columns, ", %s[%zu] AS %s", column, i + 1, name);
		else
			buf_printf(&columns, ", %s.g%zu AS %s", column, i, name);
		if (insights_add_name(translation, names[i], name, &text) < 0)
			return -1;
		insights_show(translation, names[i]);
	}
	insights_add_stage(translation, buf_text(&columns), "");
	return 0;
}

/* Found once for all groups; a group that took nothing is "", no match is NULL. */
static int add_parsed(struct translation *translation, const char *field, const char *regex,
	const struct str *names, size_t groups)
{
	struct insights *insights = &translation->insights;
	_cleanup_buf_ struct buf list = {0};
	const char *column = insights_new_column(translation);

	for (size_t i = 0; i < groups; i++)
		buf_printf(&list, "%s'g%zu'", i ? ", " : "", i);
	insights_add_stage(translation,
		insights_printf(insights,
			groups ? "*, CASE WHEN regexp_matches(%s, %s) THEN regexp_extract(%s, %s, "
				 "[%s]) END AS %s"
			       : "*",
			field, regex, field, regex, buf_text(&list), column),
		"");
	return add_groups(translation, column, false, names, groups);
}

/* All matches: a row of each, and one of events that have none. */
static int add_all_parsed(struct translation *translation, const char *field, const char *regex,
	const struct str *names, size_t groups)
{
	struct insights *insights = &translation->insights;
	_cleanup_buf_ struct buf lists = {0};
	const char *column = insights_new_column(translation);

	for (size_t i = 1; i <= groups; i++)
		buf_printf(&lists, "%sregexp_extract_all(%s, %s, %zu)", i > 1 ? ", " : "", field,
			regex, i);
	insights_add_stage(translation,
		insights_printf(insights,
			"*, unnest(CASE WHEN regexp_matches(%s, %s) THEN list_zip(%s) ELSE [NULL] END) "
			"AS %s",
			field, regex, buf_text(&lists), column),
		"");
	return add_groups(translation, column, true, names, groups);
}

/* key=value key="a value", as an object of JSON. */
static int parse_logfmt(struct translation *translation, const char *field)
{
	static const char regex[] = "([^\\s=\"]+)=(\"(?:[^\"\\\\]|\\\\.)*\"|\\S*)";
	struct insights *insights = &translation->insights;
	struct str name = {NULL, 0};
	const struct insights_value *map = &(struct insights_value){.type = QUERY_INSIGHTS_TEXT,
		.is_structure = true,
		.sql = insights_printf(insights,
			"'{' || array_to_string(list_transform(list_zip(regexp_extract_all(%s, '%s', 1), "
			"regexp_extract_all(%s, '%s', 2)), lambda e: CAST(to_json(e[1]) AS VARCHAR) || "
			"':' || CAST(to_json(CASE WHEN starts_with(e[2], '\"') THEN substring(e[2], 2, "
			"length(e[2]) - 2) ELSE e[2] END) AS VARCHAR)), ',') || '}'",
			field, regex, field, regex)};

	if (insights_next(insights, false) < 0 || insights_parse_alias(translation, &name) < 0)
		return -1;
	if (!name.n)
		return insights_fail(insights, "as and a name");
	return insights_define(translation, name, map);
}

static int parse_csv(struct translation *translation, const char *field)
{
	struct insights *insights = &translation->insights;
	struct str names[INSIGHTS_GROUPS_MAX] = {{NULL, 0}};
	const char *column = insights_new_column(translation);
	size_t named = 0;

	if (insights_next(insights, false) < 0)
		return -1;
	if (!insights_is_word(insights, "as"))
		return insights_fail(insights, "as and names");
	if (insights_next(insights, false) < 0 || parse_names(translation, names, &named) < 0)
		return -1;
	insights_add_stage(translation,
		insights_printf(insights,
			"*, list_transform(regexp_extract_all(',' || %s, ',(\"(?:[^\"]|\"\")*\"|[^,]*)', 1), "
			"lambda e: CASE WHEN starts_with(e, '\"') THEN replace(substring(e, 2, length(e) - "
			"2), '\"\"', '\"') ELSE e END) AS %s",
			field, column),
		"");
	return add_groups(translation, column, true, names, named);
}

/* Behind the pattern: names with as or, as many write it, without, and multi. */
static int parse_pattern_names(struct translation *translation, struct str *names, size_t *named)
{
	struct insights *insights = &translation->insights;

	if (insights_is_word(insights, "as") && insights_next(insights, false) < 0)
		return -1;
	if (insights->token != INSIGHTS_NAME || insights_is_word(insights, "multi"))
		return 0;
	return parse_names(translation, names, named);
}

int insights_parse_parse(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value field;
	struct str names[INSIGHTS_GROUPS_MAX] = {{NULL, 0}};
	size_t groups, named = 0;

	insights_field(insights, STR("@message"), &field);
	if (insights->token == INSIGHTS_NAME && !insights_is_word(insights, "logfmt") &&
		!insights_is_word(insights, "csv")) {
		struct str name = insights->token_text;
		if (insights_next(insights, true) < 0)
			return -1;
		insights_field(insights, name, &field);
	}
	const char *text = insights_as_text(insights, &field);
	if (insights_is_word(insights, "logfmt"))
		return parse_logfmt(translation, text);
	if (insights_is_word(insights, "csv"))
		return parse_csv(translation, text);
	bool is_glob = insights->token == INSIGHTS_STRING;
	if (!is_glob && insights->token != INSIGHTS_REGEX)
		return insights_fail(insights, "a text with '*', or a regular expression");
	size_t at = insights->token_at;
	const char *regex =
		is_glob ? glob_regex(insights, insights->token_text, &groups)
			: insights_regex(insights, insights->token_text, names, &groups);
	if (!regex || insights_next(insights, false) < 0 ||
		parse_pattern_names(translation, names, &named) < 0)
		return -1;
	if ((is_glob || named) && named != groups)
		return insights_fail_at(
			insights, at, "%zu '*' or groups, and %zu names", groups, named);
	if (!insights_is_word(insights, "multi"))
		return add_parsed(translation, text, regex, names, groups);
	if (!groups)
		return insights_fail_at(insights, at, "multi needs a group");
	return insights_next(insights, false) < 0
		       ? -1
		       : add_all_parsed(translation, text, regex, names, groups);
}

/* ---- json, unnest, expand ---- */

/* json field=NAME "a.b" as NAME */
int insights_parse_json(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value field, value;
	struct str name;

	if (!insights_is_word(insights, "field"))
		return insights_fail(insights, "field=");
	if (insights_next(insights, false) < 0 || insights_expect_sign(insights, "=") < 0)
		return -1;
	if (insights->token != INSIGHTS_NAME)
		return insights_fail(insights, "a field");
	insights_field(insights, insights->token_text, &field);
	if (insights_next(insights, false) < 0)
		return -1;
	if (insights->token != INSIGHTS_STRING || !insights->token_text.n)
		return insights_fail(insights, "a path in quotes");
	name = insights->token_text;
	const char *text = insights_as_text(insights, &field);
	insights_json_field(insights,
		insights_printf(insights, "CASE WHEN json_valid(%s) THEN %s END", text, text), name,
		&value);
	if (insights_next(insights, false) < 0 || insights_parse_alias(translation, &name) < 0)
		return -1;
	return insights_define(translation, name, &value);
}

/* A row of each element; what is no list is its only one. */
static int add_elements(
	struct translation *translation, const struct insights_value *list, struct str name)
{
	struct insights *insights = &translation->insights;
	const char *text = insights_as_text(insights, list);
	const struct insights_value value = {.type = QUERY_INSIGHTS_TEXT,
		.sql = insights_printf(insights,
			"unnest(CASE WHEN json_valid(%s) AND json_type(%s) = 'ARRAY' THEN "
			"json_extract_string(%s, '$[*]') ELSE [%s] END)",
			text, text, text, text)};

	return insights_define(translation, name, &value);
}

int insights_parse_unnest(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value value;

	if (insights_expression(insights, &value) < 0)
		return -1;
	if (!insights_is_word(insights, "into"))
		return insights_fail(insights, "into and a name");
	if (insights_next(insights, false) < 0)
		return -1;
	if (insights->token != INSIGHTS_NAME)
		return insights_fail(insights, "a name");
	struct str name = insights->token_text;
	return insights_next(insights, false) < 0 ? -1 : add_elements(translation, &value, name);
}

int insights_parse_expand(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct insights_value value;

	if (insights->token != INSIGHTS_NAME)
		return insights_fail(insights, "a field");
	struct str name = insights->token_text;
	insights_field(insights, name, &value);
	return insights_next(insights, false) < 0 ? -1 : add_elements(translation, &value, name);
}
