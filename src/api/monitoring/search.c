/* SEARCH: metrics found by their names (CloudWatch user guide, "CloudWatch search expression
 * syntax"):
 *
 *   search := all { OR all }     all := some { [AND] some }     some := [NOT] term
 *   term := { NAMESPACE [, DIMENSION]... } | (search) | KEY=(search) | [KEY=] word | [KEY=] "text"
 *
 * Braces mean metrics with exactly these dimensions. KEY is Namespace, MetricName or a dimension; a
 * text in quotes is the whole of a name or value; a word is a run of its parts, where a part ends
 * at a sign, at a capital letter behind a small one, and between letters and digits: "count" is in
 * customCount1. The expression is read once for each metric; as deep as DEPTH_MAX. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <ctype.h>

#define DEPTH_MAX  50
#define ALIVE_DAYS 14 /* metrics without data since then are not found */
#define PARTS_MAX  64

struct metric {
	struct str name_space, name;
	const json_t *dimensions;
};

struct search {
	struct str text;
	size_t at;
	unsigned depth;
	const struct metric *metric;
	const char *why; /* the expression is wrong */
};

static bool fail(struct search *search, const char *why)
{
	if (!search->why)
		search->why = why;
	return false;
}

static bool is_space(char c)
{
	return isspace((unsigned char)c);
}

static char next(struct search *search)
{
	while (search->at < search->text.n && is_space(search->text.p[search->at]))
		search->at++;
	return search->at < search->text.n ? search->text.p[search->at] : '\0';
}

static bool take_sign(struct search *search, char sign)
{
	if (next(search) != sign || !sign)
		return false;
	search->at++;
	return true;
}

/* Up to a space or a sign of the language. */
static struct str peek_word(struct search *search)
{
	next(search);
	size_t end = search->at;
	while (end < search->text.n && !is_space(search->text.p[end]) &&
		!strchr("(){},=\"", search->text.p[end]))
		end++;
	return (struct str){search->text.p + search->at, end - search->at};
}

static bool take_word(struct search *search, struct str word)
{
	if (!str_equal(peek_word(search), word))
		return false;
	search->at += word.n;
	return true;
}

/* In quotes or not. */
static bool take_text(struct search *search, struct str *ret_text, bool *is_quoted)
{
	*is_quoted = take_sign(search, '"');
	if (!*is_quoted) {
		*ret_text = peek_word(search);
		search->at += ret_text->n;
		return ret_text->n > 0 || fail(search, "a word is missing");
	}
	const char *start = search->text.p + search->at;
	const char *close = memchr(start, '"', search->text.n - search->at);
	if (!close)
		return fail(search, "a text does not end");
	*ret_text = (struct str){start, (size_t)(close - start)};
	search->at += ret_text->n + 1;
	return true;
}

/* ---- words in names ---- */

static bool is_break(const char *text, size_t i)
{
	unsigned char before = (unsigned char)text[i - 1];
	unsigned char c = (unsigned char)text[i];

	return (islower(before) && isupper(c)) || (isalpha(before) && isdigit(c)) ||
	       (isdigit(before) && isalpha(c));
}

static size_t split(struct str text, struct str parts[PARTS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < text.n && count < PARTS_MAX;) {
		while (i < text.n && !isalnum((unsigned char)text.p[i]))
			i++;
		size_t start = i;
		while (i < text.n && isalnum((unsigned char)text.p[i]) &&
			(i == start || !is_break(text.p, i)))
			i++;
		if (i > start)
			parts[count++] = (struct str){text.p + start, i - start};
	}
	return count;
}

static bool has_run(struct str name, struct str word)
{
	struct str parts[PARTS_MAX];
	struct str wanted[PARTS_MAX];
	size_t count = split(name, parts);
	size_t n = split(word, wanted);

	if (str_equal_ignoring_case(name, word))
		return true;
	for (size_t start = 0; n && start + n <= count; start++) {
		size_t i = 0;
		while (i < n && str_equal_ignoring_case(parts[start + i], wanted[i]))
			i++;
		if (i == n)
			return true;
	}
	return false;
}

static bool fits(struct str name, struct str text, bool is_quoted)
{
	return is_quoted ? str_equal(name, text) : has_run(name, text);
}

static bool metric_fits(
	const struct metric *metric, struct str key, struct str text, bool is_quoted)
{
	size_t i;
	json_t *dimension;

	if (str_equal(key, STR("Namespace")) ||
		(!key.n && fits(metric->name_space, text, is_quoted)))
		return fits(metric->name_space, text, is_quoted);
	if (str_equal(key, STR("MetricName")) || (!key.n && fits(metric->name, text, is_quoted)))
		return fits(metric->name, text, is_quoted);
	json_array_foreach(metric->dimensions, i, dimension)
	{
		struct str name = api_member_text(dimension, "Name");
		struct str value = api_member_text(dimension, "Value");
		if (key.n ? str_equal(name, key) && fits(value, text, is_quoted)
			  : fits(name, text, is_quoted) || fits(value, text, is_quoted))
			return true;
	}
	return false;
}

static bool has_dimension(const struct metric *metric, struct str wanted)
{
	size_t i;
	json_t *dimension;

	json_array_foreach(metric->dimensions, i, dimension)
	{
		if (str_equal(api_member_text(dimension, "Name"), wanted))
			return true;
	}
	return false;
}

/* ---- the expression ---- */

static bool parse_schema(struct search *search, bool *ret_value)
{
	struct str text;
	bool is_quoted;
	size_t count = 0;

	if (!take_text(search, &text, &is_quoted))
		return false;
	*ret_value = str_equal(search->metric->name_space, text);
	while (take_sign(search, ',')) {
		if (!take_text(search, &text, &is_quoted))
			return false;
		*ret_value = *ret_value && has_dimension(search->metric, text);
		count++;
	}
	*ret_value = *ret_value && json_array_size(search->metric->dimensions) == count;
	return take_sign(search, '}') || fail(search, "'}' is missing");
}

/* DEPTH_MAX deep. NOLINTBEGIN(misc-no-recursion) */
static bool parse_or(struct search *search, struct str key, bool *ret_value);

static bool parse_inner(struct search *search, struct str key, bool *ret_value)
{
	if (++search->depth > DEPTH_MAX)
		return fail(search, "it is too deep");
	if (!parse_or(search, key, ret_value))
		return false;
	search->depth--;
	return take_sign(search, ')') || fail(search, "')' is missing");
}

static bool parse_term(struct search *search, struct str key, bool *ret_value)
{
	struct str text;
	bool is_quoted;

	if (take_sign(search, '{'))
		return parse_schema(search, ret_value);
	if (take_sign(search, '('))
		return parse_inner(search, key, ret_value);
	if (!take_text(search, &text, &is_quoted))
		return false;
	if (take_sign(search, '=')) {
		key = text;
		if (take_sign(search, '('))
			return parse_inner(search, key, ret_value);
		if (!take_text(search, &text, &is_quoted))
			return false;
	}
	*ret_value = metric_fits(search->metric, key, text, is_quoted);
	return true;
}

static bool parse_and(struct search *search, struct str key, bool *ret_value)
{
	*ret_value = true;
	do {
		bool value = false;
		bool is_inverted = false;
		while (take_word(search, STR("NOT")))
			is_inverted = !is_inverted;
		if (!parse_term(search, key, &value))
			return false;
		*ret_value = *ret_value && value != is_inverted;
		take_word(search, STR("AND"));
	} while (next(search) && next(search) != ')' && !str_equal(peek_word(search), STR("OR")));
	return true;
}

static bool parse_or(struct search *search, struct str key, bool *ret_value)
{
	*ret_value = false;
	do {
		bool value = false;
		if (!parse_and(search, key, &value))
			return false;
		*ret_value = *ret_value || value;
	} while (take_word(search, STR("OR")));
	return true;
}
/* NOLINTEND(misc-no-recursion) */

static bool evaluate(struct search *search, const struct metric *metric)
{
	bool value = false;

	search->metric = metric;
	search->at = 0;
	search->depth = 0;
	if (!parse_or(search, STR(""), &value))
		return false;
	return next(search) ? fail(search, "a ')' is too many") : value;
}

/* ---- all metrics ---- */

struct finding {
	struct search search;
	json_t *found; /* origins */
};

static bool on_metric(void *context, struct str key, struct str name_space, struct str name,
	struct str dimensions)
{
	struct finding *finding = context;
	json_t *list = json_loadb(dimensions.p, dimensions.n, 0, NULL);
	const struct metric metric = {name_space, name, list};

	if (evaluate(&finding->search, &metric))
		json_array_append_new(finding->found,
			json_pack("{s:s%, s:s%, s:O}", "Namespace", name_space.p, name_space.n,
				"MetricName", name.p, name.n, "Dimensions", list));
	json_decref(list);
	return !finding->search.why && json_array_size(finding->found) < MONITORING_FOUND_MAX;
}

static int read_found(struct monitoring_queries *queries, json_t *origin, struct str statistic,
	int64_t period, struct monitoring_series *series, struct aws_error *error)
{
	_cleanup_free_ char *dimensions =
		store_metric_dimensions(json_object_get(origin, "Dimensions"));
	const struct monitoring_source source = {
		.name_space = api_member_text(origin, "Namespace"),
		.name = api_member_text(origin, "MetricName"),
		.dimensions = dimensions,
		.statistic = statistic,
		.period = period,
	};

	if (monitoring_series_read(queries->metrics, &source, queries->start, queries->end, series,
		    queries->err) < 0)
		return aws_error_internal(error);
	json_object_set_new(origin, "Stat", json_stringn(statistic.p, statistic.n));
	series->origin = json_incref(origin);
	return 0;
}

int monitoring_search(struct monitoring_queries *queries, struct str text, struct str statistic,
	int64_t period, struct monitoring_series **ret_list, size_t *ret_count,
	struct aws_error *error)
{
	const struct metric nothing = {STR(""), STR(""), NULL};
	struct finding finding = {.search = {.text = text}};
	struct monitoring_statistic unused;
	int64_t now = clock_wall_ns() / CLOCK_NS_PER_SECOND;
	size_t i;
	json_t *origin;

	if (!monitoring_parse_statistic(statistic, &unused))
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"Error in expression: SEARCH has no statistic '%.*s'",
			(int)(statistic.n < 100 ? statistic.n : 100), statistic.p);
	if (monitoring_check_period(period, error) < 0)
		return -1;
	evaluate(&finding.search, &nothing);
	if (finding.search.why)
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"Error in expression: in what SEARCH looks for %s (at %zu)",
			finding.search.why, finding.search.at + 1);
	finding.found = json_array();
	int result = 0;
	if (store_metrics_list(queries->metrics, STR(""), STR(""), now - ALIVE_DAYS * 86400,
		    STR(""), on_metric, &finding, queries->err) < 0)
		result = aws_error_internal(error);
	struct monitoring_series *list =
		mem_new(json_array_size(finding.found) + 1, sizeof(list[0]));
	*ret_count = 0;
	json_array_foreach(finding.found, i, origin)
	{
		if (result == 0)
			result = read_found(
				queries, origin, statistic, period, &list[(*ret_count)++], error);
	}
	json_decref(finding.found);
	*ret_list = list;
	return result;
}
