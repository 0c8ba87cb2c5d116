/* Expressions of metric math (CloudWatch user guide, "Using math expressions with CloudWatch
 * metrics"): arithmetic, comparisons, AND and OR, functions, over numbers, series, and arrays of
 * series (METRICS(), SEARCH(), [m1, m2]). As deep as DEPTH_MAX.
 * NOLINTBEGIN(misc-no-recursion) */
#include "api/monitoring/math_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX     50
#define LIST_MAX      MONITORING_QUERIES_MAX
#define ARGUMENTS_MAX 8

int math_fail(struct math *math, const char *what)
{
	return aws_error_set(math->error, AWS_ERROR_VALIDATION_ERROR,
		"Error in expression '%.*s': %s (at %zu)", STR_ARG(math->query->id), what,
		math->at + 1);
}

static void skip(struct math *math)
{
	while (math->at < math->text.n && isspace((unsigned char)math->text.p[math->at]))
		math->at++;
}

static bool take_sign(struct math *math, const char *sign)
{
	size_t n = strlen(sign);

	skip(math);
	if (math->text.n - math->at < n || memcmp(math->text.p + math->at, sign, n) != 0)
		return false;
	math->at += n;
	return true;
}

static bool is_in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static struct str peek_word(struct math *math)
{
	size_t end;

	skip(math);
	for (end = math->at; end < math->text.n && is_in_word(math->text.p[end]); end++)
		;
	return (struct str){math->text.p + math->at, end - math->at};
}

/* ---- parsing ---- */

static int parse_or(struct math *math, struct math_value *value);

static int add_results(struct math *math, struct math_value *value, struct monitoring_query *query)
{
	if (monitoring_query_run(math->queries, query, math->error) < 0)
		return -1;
	value->series = mem_grow(
		value->series, value->count + query->results_count + 1, sizeof(value->series[0]));
	for (size_t i = 0; i < query->results_count; i++)
		monitoring_series_copy(&value->series[value->count++], &query->results[i]);
	value->period = query->period;
	return 0;
}

/* METRICS(), METRICS("part of an id"). */
static int call_metrics(
	struct math *math, const struct math_value *argument, struct math_value *value)
{
	*value = (struct math_value){.kind = MATH_LIST};
	for (size_t i = 0; i < math->queries->count; i++) {
		struct monitoring_query *query = &math->queries->queries[i];
		if (!query->stat || (argument && argument->word.p &&
					    !memmem(query->id.p, query->id.n, argument->word.p,
						    argument->word.n)))
			continue;
		if (add_results(math, value, query) < 0)
			return -1;
	}
	return 0;
}

/* SEARCH('terms', 'Sum'[, 300]) */
static int call_search(struct math *math, const struct math_value *arguments, size_t count,
	struct math_value *value)
{
	*value = (struct math_value){.kind = MATH_LIST, .period = math->query->period};
	if (count < 2 || count > 3 || arguments[0].kind != MATH_WORD ||
		arguments[1].kind != MATH_WORD || (count == 3 && arguments[2].kind != MATH_NUMBER))
		return math_fail(math, "SEARCH takes what to search, a statistic and a period");
	if (count == 3)
		value->period = (int64_t)arguments[2].number;
	if (!value->period)
		value->period = 300;
	return monitoring_search(math->queries, arguments[0].word, arguments[1].word, value->period,
		&value->series, &value->count, math->error);
}

static int parse_call(struct math *math, struct str name, struct math_value *value)
{
	struct math_value arguments[ARGUMENTS_MAX] = {{.kind = MATH_NUMBER}};
	char function[32];
	size_t count = 0;
	int result = 0;

	if (name.n >= sizeof(function))
		return math_fail(math, "this function is not supported");
	memcpy(function, name.p, name.n);
	function[name.n] = '\0';
	if (!take_sign(math, ")")) {
		do {
			if (count == ARGUMENTS_MAX)
				result = math_fail(math, "too many arguments");
			else
				result = parse_or(math, &arguments[count++]);
		} while (result == 0 && take_sign(math, ","));
		if (result == 0 && !take_sign(math, ")"))
			result = math_fail(math, "expected ')'");
	}
	if (result == 0 && strcmp(function, "METRICS") == 0) {
		result = call_metrics(math, count ? &arguments[0] : NULL, value);
	} else if (result == 0 && strcmp(function, "SEARCH") == 0) {
		result = call_search(math, arguments, count, value);
	} else if (result == 0) {
		result = math_call(math, function, arguments, count);
		*value = arguments[0];
		arguments[0] = (struct math_value){.kind = MATH_NUMBER};
	}
	for (size_t i = 0; i < count; i++)
		math_done(&arguments[i]);
	return result;
}

static int parse_name(struct math *math, struct str name, struct math_value *value)
{
	math->at += name.n;
	if (take_sign(math, "("))
		return parse_call(math, name, value);
	/* REPEAT, SUM, DESC: ids begin with a small letter. */
	if (isupper((unsigned char)name.p[0])) {
		*value = (struct math_value){.kind = MATH_WORD, .word = name};
		return 0;
	}
	for (size_t i = 0; i < math->queries->count; i++) {
		struct monitoring_query *query = &math->queries->queries[i];
		if (!str_equal(query->id, name))
			continue;
		*value = (struct math_value){.kind = MATH_SERIES};
		if (add_results(math, value, query) < 0)
			return -1;
		value->kind = query->is_list ? MATH_LIST : MATH_SERIES;
		return 0;
	}
	return math_fail(math, "there is no metric of this id");
}

static int parse_list(struct math *math, struct math_value *value)
{
	*value = (struct math_value){.kind = MATH_LIST};
	do {
		struct math_value item = {.kind = MATH_NUMBER};
		int result = parse_or(math, &item);
		if (result == 0 && item.kind != MATH_SERIES && item.kind != MATH_LIST)
			result = math_fail(math, "an array has metrics only");
		if (result == 0 && value->count + item.count > LIST_MAX)
			result = math_fail(math, "the array is too long");
		if (result < 0) {
			math_done(&item);
			return -1;
		}
		value->series = mem_grow(
			value->series, value->count + item.count + 1, sizeof(value->series[0]));
		for (size_t i = 0; i < item.count; i++)
			value->series[value->count++] = item.series[i];
		value->period = item.period;
		free(item.series);
	} while (take_sign(math, ","));
	return take_sign(math, "]") ? 0 : math_fail(math, "expected ']'");
}

static int parse_text(struct math *math, char quote, struct math_value *value)
{
	const char *start = math->text.p + math->at;
	const char *close = memchr(start, quote, math->text.n - math->at);

	if (!close)
		return math_fail(math, "the text does not end");
	*value = (struct math_value){.kind = MATH_WORD, .word = {start, (size_t)(close - start)}};
	math->at += value->word.n + 1;
	return 0;
}

static int parse_primary(struct math *math, struct math_value *value)
{
	struct str word = peek_word(math);
	char digits[40];
	char *end;

	if (take_sign(math, "(")) {
		if (parse_or(math, value) < 0)
			return -1;
		return take_sign(math, ")") ? 0 : math_fail(math, "expected ')'");
	}
	if (take_sign(math, "["))
		return parse_list(math, value);
	if (take_sign(math, "\""))
		return parse_text(math, '"', value);
	if (take_sign(math, "'"))
		return parse_text(math, '\'', value);
	if (word.n && !isdigit((unsigned char)word.p[0]))
		return parse_name(math, word, value);
	size_t left = math->text.n - math->at;
	snprintf(digits, sizeof(digits), "%.*s", (int)(left < 39 ? left : 39),
		math->text.p + math->at);
	if (!isdigit((unsigned char)digits[0]) && digits[0] != '.')
		return math_fail(math, "expected a number, an id or a function");
	*value = (struct math_value){.kind = MATH_NUMBER, .number = strtod(digits, &end)};
	math->at += (size_t)(end - digits);
	return end == digits ? math_fail(math, "expected a number") : 0;
}

static int parse_unary(struct math *math, struct math_value *value)
{
	struct math_value minus = {.kind = MATH_NUMBER, .number = -1};

	if (!take_sign(math, "-"))
		return parse_primary(math, value);
	if (++math->depth > DEPTH_MAX)
		return math_fail(math, "the expression is too deep");
	if (parse_unary(math, value) < 0)
		return -1;
	math->depth--;
	return math_combine(math, '*', value, &minus);
}

struct level {
	const char *signs[8]; /* longer ones first */
	char operators[8];
};
static const struct level levels[] = {
	{{"||", "OR"}, "||"},
	{{"&&", "AND"}, "&&"},
	{{"<=", ">=", "==", "!=", "<", ">"}, "lg=!<>"},
	{{"+", "-"}, "+-"},
	{{"*", "/"}, "*/"},
	{{"^"}, "^"},
};

static int parse_level(struct math *math, size_t level, struct math_value *value)
{
	if (level == ARRAY_SIZE(levels))
		return parse_unary(math, value);
	if (parse_level(math, level + 1, value) < 0)
		return -1;
	for (size_t i = 0; i < 8 && levels[level].signs[i];) {
		struct math_value other = {.kind = MATH_NUMBER};
		if (!take_sign(math, levels[level].signs[i])) {
			i++;
			continue;
		}
		int result = parse_level(math, level + 1, &other);
		if (result == 0)
			result = math_combine(math, levels[level].operators[i], value, &other);
		math_done(&other);
		if (result < 0)
			return result;
		i = 0;
	}
	return 0;
}

static int parse_or(struct math *math, struct math_value *value)
{
	if (++math->depth > DEPTH_MAX)
		return math_fail(math, "the expression is too deep");
	int result = parse_level(math, 0, value);
	math->depth--;
	return result;
}

int monitoring_math(
	struct monitoring_queries *queries, struct monitoring_query *query, struct aws_error *error)
{
	struct math math = {
		.queries = queries, .query = query, .text = query->expression, .error = error};
	struct math_value value = {.kind = MATH_NUMBER};
	int result = parse_or(&math, &value);

	skip(&math);
	if (result == 0 && math.at < math.text.n)
		result = math_fail(&math, "expected an operator");
	if (result == 0 && value.kind != MATH_SERIES && value.kind != MATH_LIST)
		result = math_fail(&math, "the result is no time series");
	if (result == 0) {
		query->period = value.period;
		query->is_list = value.kind == MATH_LIST;
		query->results = value.series;
		query->results_count = value.count;
		value = (struct math_value){.kind = MATH_NUMBER};
	}
	math_done(&value);
	return result;
}
/* NOLINTEND(misc-no-recursion) */
