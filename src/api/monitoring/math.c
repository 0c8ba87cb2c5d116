/* Expressions of metric math (CloudWatch user guide, "Using math expressions with CloudWatch
 * metrics"): arithmetic, comparisons, AND and OR, and the functions in the table below, over
 * numbers, series, and lists of series (METRICS(), [m1, m2]). Two series meet where both have a
 * value. As deep as DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */
#include "api/monitoring/monitoring_priv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#define DEPTH_MAX     50
#define LIST_MAX      MONITORING_QUERIES_MAX
#define ARGUMENTS_MAX 8

enum kind { NUMBER, SERIES, LIST, WORD };
struct value {
	enum kind kind;
	double number;
	struct str word;
	struct monitoring_series *series; /* LIST: count of them; SERIES: one */
	size_t count;
	int64_t period;
};

struct math {
	struct monitoring_queries *queries;
	struct monitoring_query *query;
	struct str text;
	size_t at;
	unsigned depth;
	struct aws_error *error;
};

static void value_done(struct value *value)
{
	for (size_t i = 0; i < value->count; i++)
		monitoring_series_done(&value->series[i]);
	free(value->series);
	*value = (struct value){.kind = NUMBER};
}

static int fail(struct math *math, const char *what)
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

/* ---- arithmetic ---- */

static double apply(char operator, double a, double b)
{
	switch (operator) {
	case '+':
		return a + b;
	case '-':
		return a - b;
	case '*':
		return a * b;
	case '/':
		return b == 0 ? NAN : a / b;
	case '^':
		return pow(a, b);
	case '<':
		return a < b;
	case '>':
		return a > b;
	case 'l': /* <= */
		return a <= b;
	case 'g': /* >= */
		return a >= b;
	case '=':
		return a == b;
	case '!':
		return a != b;
	case '&':
		return a != 0 && b != 0;
	default: /* | */
		return a != 0 || b != 0;
	}
}

static void add_finite(struct monitoring_series *series, int64_t time, double value)
{
	if (isfinite(value))
		monitoring_series_add(series, time, value);
}

static struct monitoring_series join(
	char operator, const struct monitoring_series * a, const struct monitoring_series *b)
{
	struct monitoring_series joined = {.count = 0};

	for (size_t i = 0, n = 0; i < a->count && n < b->count;) {
		if (a->times[i] == b->times[n]) {
			add_finite(
				&joined, a->times[i], apply(operator, a->values[i], b->values[n]));
			i++, n++;
		} else if (a->times[i] < b->times[n]) {
			i++;
		} else {
			n++;
		}
	}
	return joined;
}

static struct monitoring_series spread(
	char operator, const struct monitoring_series * series, double number, bool is_left)
{
	struct monitoring_series result = {.count = 0};

	for (size_t i = 0; i < series->count; i++)
		add_finite(&result, series->times[i],
			is_left ? apply(operator, number, series->values[i])
				: apply(operator, series->values[i], number));
	return result;
}

static int combine(struct math *math, char operator, struct value * a, struct value *b)
{
	struct value result = {.kind = a->kind > b->kind ? a->kind : b->kind,
		.period = a->period ? a->period : b->period};

	if (a->kind == WORD || b->kind == WORD)
		return fail(math, "a text has no value");
	if (result.kind == NUMBER) {
		a->number = apply(operator, a->number, b->number);
		return 0;
	}
	if (a->kind != NUMBER && b->kind != NUMBER && a->count != b->count && a->count != 1 &&
		b->count != 1)
		return fail(math, "lists of different lengths");
	result.count = a->count > b->count ? a->count : b->count;
	result.series = mem_new(result.count + 1, sizeof(result.series[0]));
	for (size_t i = 0; i < result.count; i++) {
		if (a->kind == NUMBER)
			result.series[i] = spread(operator, & b->series[i], a->number, true);
		else if (b->kind == NUMBER)
			result.series[i] = spread(operator, & a->series[i], b->number, false);
		else
			result.series[i] = join(operator, & a->series[a->count == 1 ? 0 : i],
				&b->series[b->count == 1 ? 0 : i]);
	}
	value_done(a);
	*a = result;
	return 0;
}

/* ---- functions of numbers, series and lists ---- */

enum reduction { REDUCE_SUM, REDUCE_AVG, REDUCE_MIN, REDUCE_MAX, REDUCE_STDDEV, REDUCE_COUNT };

struct reducing {
	double count, sum, squares, min, max;
};

static void reduce_add(struct reducing *reducing, double value)
{
	reducing->min = reducing->count > 0 ? fmin(reducing->min, value) : value;
	reducing->max = reducing->count > 0 ? fmax(reducing->max, value) : value;
	reducing->count++;
	reducing->sum += value;
	reducing->squares += value * value;
}

static double reduce_end(const struct reducing *reducing, enum reduction reduction)
{
	double mean = reducing->count > 0 ? reducing->sum / reducing->count : 0;

	switch (reduction) {
	case REDUCE_SUM:
		return reducing->sum;
	case REDUCE_AVG:
		return mean;
	case REDUCE_MIN:
		return reducing->min;
	case REDUCE_MAX:
		return reducing->max;
	case REDUCE_COUNT:
		return reducing->count;
	default:
		return reducing->count > 0
			       ? sqrt(fmax(0, reducing->squares / reducing->count - mean * mean))
			       : 0;
	}
}

/* A series to its number; a list to one series, at each time over those that have a value. */
static void reduce(struct value *value, enum reduction reduction)
{
	struct reducing all = {.count = 0};
	struct monitoring_series result = {.count = 0};

	if (value->kind == SERIES) {
		for (size_t i = 0; i < value->series[0].count; i++)
			reduce_add(&all, value->series[0].values[i]);
		value_done(value);
		value->number = reduce_end(&all, reduction);
		return;
	}
	size_t *at = mem_new(value->count + 1, sizeof(at[0]));
	for (;;) {
		struct reducing one = {.count = 0};
		int64_t time = INT64_MAX;
		for (size_t i = 0; i < value->count; i++) {
			if (at[i] < value->series[i].count && value->series[i].times[at[i]] < time)
				time = value->series[i].times[at[i]];
		}
		if (time == INT64_MAX)
			break;
		for (size_t i = 0; i < value->count; i++) {
			if (at[i] < value->series[i].count && value->series[i].times[at[i]] == time)
				reduce_add(&one, value->series[i].values[at[i]++]);
		}
		add_finite(&result, time, reduce_end(&one, reduction));
	}
	free(at);
	int64_t period = value->period;
	value_done(value);
	*value = (struct value){
		.kind = SERIES, .series = mem_new(1, sizeof(result)), .count = 1, .period = period};
	value->series[0] = result;
}

static double one(const char *name, double value)
{
	switch (name[0]) {
	case 'A':
		return fabs(value);
	case 'C':
		return ceil(value);
	case 'F':
		return floor(value);
	default:
		return strcmp(name, "LOG10") == 0 ? log10(value) : log(value);
	}
}

static void map(struct value *value, const char *name)
{
	value->number = one(name, value->number);
	for (size_t n = 0; n < value->count; n++) {
		struct monitoring_series mapped = {.count = 0};
		for (size_t i = 0; i < value->series[n].count; i++)
			add_finite(&mapped, value->series[n].times[i],
				one(name, value->series[n].values[i]));
		monitoring_series_done(&value->series[n]);
		value->series[n] = mapped;
	}
}

/* DIFF, DIFF_TIME, RATE: of each value to the one before. RUNNING_SUM: of all so far. */
static void run_along(struct value *value, const char *name)
{
	for (size_t n = 0; n < value->count; n++) {
		struct monitoring_series *series = &value->series[n];
		struct monitoring_series result = {.count = 0};
		double sum = 0;
		for (size_t i = 0; i < series->count; i++) {
			sum += series->values[i];
			if (strcmp(name, "RUNNING_SUM") == 0) {
				add_finite(&result, series->times[i], sum);
				continue;
			}
			if (!i)
				continue;
			double change = series->values[i] - series->values[i - 1];
			double seconds = (double)(series->times[i] - series->times[i - 1]);
			add_finite(&result, series->times[i],
				strcmp(name, "RATE") == 0        ? change / seconds
				: strcmp(name, "DIFF_TIME") == 0 ? seconds
								 : change);
		}
		monitoring_series_done(series);
		*series = result;
	}
}

static void fill_gap(struct monitoring_series *result, const struct monitoring_series *series,
	size_t i, int64_t time, const struct value *filler)
{
	if (filler->kind == NUMBER) {
		monitoring_series_add(result, time, filler->number);
	} else if (str_equal(filler->word, STR("REPEAT"))) {
		if (i)
			monitoring_series_add(result, time, series->values[i - 1]);
	} else if (i && i < series->count) {
		double part = (double)(time - series->times[i - 1]) /
			      (double)(series->times[i] - series->times[i - 1]);
		monitoring_series_add(result, time,
			series->values[i - 1] + part * (series->values[i] - series->values[i - 1]));
	}
}

static int fill(struct math *math, struct value *value, const struct value *filler)
{
	int64_t period = value->period ? value->period : 60;
	int64_t start = math->queries->start - math->queries->start % period;

	if (filler->kind != NUMBER && filler->kind != WORD)
		return fail(math, "FILL takes a number, REPEAT or LINEAR");
	for (size_t n = 0; n < value->count; n++) {
		struct monitoring_series *series = &value->series[n];
		struct monitoring_series result = {.count = 0};
		size_t i = 0;
		for (int64_t time = start; time < math->queries->end; time += period) {
			if (i < series->count && series->times[i] == time)
				monitoring_series_add(&result, time, series->values[i++]);
			else
				fill_gap(&result, series, i, time, filler);
		}
		monitoring_series_done(series);
		*series = result;
	}
	return 0;
}

static const double *value_at(const struct value *value, int64_t time)
{
	if (value->kind == NUMBER)
		return &value->number;
	for (size_t i = 0; i < value->series[0].count; i++) {
		if (value->series[0].times[i] == time)
			return &value->series[0].values[i];
	}
	return NULL;
}

/* IF(condition, then[, else]). */
static int choose(struct math *math, struct value *arguments, size_t count)
{
	struct monitoring_series result = {.count = 0};
	struct value *condition = &arguments[0];

	for (size_t i = 0; i < count; i++) {
		if (arguments[i].kind == LIST || arguments[i].kind == WORD)
			return fail(math, "IF takes numbers and single metrics");
	}
	if (condition->kind == NUMBER) {
		if (condition->number == 0 && count < 3)
			return fail(math, "IF of a number needs all three arguments");
		struct value *chosen = &arguments[condition->number != 0 ? 1 : 2];
		struct value moved = *chosen;
		*chosen = (struct value){.kind = NUMBER};
		*condition = moved;
		return 0;
	}
	for (size_t i = 0; i < condition->series[0].count; i++) {
		int64_t time = condition->series[0].times[i];
		bool is_true = condition->series[0].values[i] != 0;
		const double *value =
			is_true || count == 3 ? value_at(&arguments[is_true ? 1 : 2], time) : NULL;
		if (value)
			add_finite(&result, time, *value);
	}
	monitoring_series_done(&condition->series[0]);
	condition->series[0] = result;
	return 0;
}

/* ---- parsing ---- */

static int parse_or(struct math *math, struct value *value);

static void copy_series(struct monitoring_series *to, const struct monitoring_series *from)
{
	*to = (struct monitoring_series){.count = 0};
	for (size_t i = 0; i < from->count; i++)
		monitoring_series_add(to, from->times[i], from->values[i]);
}

static int add_metric(struct math *math, struct value *value, struct monitoring_query *query)
{
	if (monitoring_query_run(math->queries, query, math->error) < 0)
		return -1;
	value->series = mem_grow(value->series, value->count + 1, sizeof(value->series[0]));
	copy_series(&value->series[value->count++], &query->series);
	value->period = query->period;
	return 0;
}

/* METRICS(), METRICS("part of an id"). */
static int call_metrics(struct math *math, const struct value *argument, struct value *value)
{
	*value = (struct value){.kind = LIST};
	for (size_t i = 0; i < math->queries->count; i++) {
		struct monitoring_query *query = &math->queries->queries[i];
		if (!query->stat || (argument && argument->word.p &&
					    !memmem(query->id.p, query->id.n, argument->word.p,
						    argument->word.n)))
			continue;
		if (add_metric(math, value, query) < 0)
			return -1;
	}
	return 0;
}

static int call_function(struct math *math, const char *name, struct value *arguments, size_t count)
{
	static const struct {
		const char *name;
		enum reduction reduction;
	} reductions[] = {{"SUM", REDUCE_SUM}, {"AVG", REDUCE_AVG}, {"MIN", REDUCE_MIN},
		{"MAX", REDUCE_MAX}, {"STDDEV", REDUCE_STDDEV}, {"DATAPOINT_COUNT", REDUCE_COUNT}};
	static const char *const maps[] = {"ABS", "CEIL", "FLOOR", "LOG", "LOG10"};
	static const char *const runs[] = {"DIFF", "DIFF_TIME", "RATE", "RUNNING_SUM"};
	struct value *first = &arguments[0];

	if (count < 1)
		return fail(math, "the function needs an argument");
	for (size_t i = 0; i < ARRAY_SIZE(reductions); i++) {
		if (strcmp(name, reductions[i].name) != 0)
			continue;
		if (first->kind != SERIES && first->kind != LIST)
			return fail(math, "the function takes metrics");
		reduce(first, reductions[i].reduction);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		if (strcmp(name, maps[i]) == 0) {
			map(first, name);
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		if (strcmp(name, runs[i]) == 0) {
			run_along(first, name);
			return 0;
		}
	}
	if (strcmp(name, "FILL") == 0 && count == 2)
		return fill(math, first, &arguments[1]);
	if (strcmp(name, "IF") == 0 && count >= 2)
		return choose(math, arguments, count);
	if (strcmp(name, "PERIOD") == 0) {
		double period = (double)first->period;
		value_done(first);
		first->number = period;
		return 0;
	}
	if (strcmp(name, "TIME_SERIES") == 0 && first->kind == NUMBER) {
		struct value grid = {.kind = SERIES,
			.series = mem_new(1, sizeof(grid.series[0])),
			.count = 1,
			.period = 60};
		int result = fill(math, &grid, first);
		*first = grid;
		return result;
	}
	return fail(math, "this function is not supported");
}

static int parse_call(struct math *math, struct str name, struct value *value)
{
	struct value arguments[ARGUMENTS_MAX] = {{.kind = NUMBER}};
	char function[24];
	size_t count = 0;
	int result = 0;

	if (name.n >= sizeof(function))
		return fail(math, "this function is not supported");
	memcpy(function, name.p, name.n);
	function[name.n] = '\0';
	if (!take_sign(math, ")")) {
		do {
			if (count == ARGUMENTS_MAX)
				result = fail(math, "too many arguments");
			else
				result = parse_or(math, &arguments[count++]);
		} while (result == 0 && take_sign(math, ","));
		if (result == 0 && !take_sign(math, ")"))
			result = fail(math, "expected ')'");
	}
	if (result == 0 && strcmp(function, "METRICS") == 0)
		result = call_metrics(math, count ? &arguments[0] : NULL, value);
	else if (result == 0)
		result = call_function(math, function, arguments, count);
	if (result == 0 && strcmp(function, "METRICS") != 0) {
		*value = arguments[0];
		arguments[0] = (struct value){.kind = NUMBER};
	}
	for (size_t i = 0; i < count; i++)
		value_done(&arguments[i]);
	return result;
}

static int parse_name(struct math *math, struct str name, struct value *value)
{
	math->at += name.n;
	if (take_sign(math, "("))
		return parse_call(math, name, value);
	if (str_equal(name, STR("REPEAT")) || str_equal(name, STR("LINEAR"))) {
		*value = (struct value){.kind = WORD, .word = name};
		return 0;
	}
	for (size_t i = 0; i < math->queries->count; i++) {
		if (!str_equal(math->queries->queries[i].id, name))
			continue;
		*value = (struct value){.kind = SERIES};
		return add_metric(math, value, &math->queries->queries[i]);
	}
	return fail(math, "there is no metric of this id");
}

static int parse_list(struct math *math, struct value *value)
{
	*value = (struct value){.kind = LIST};
	do {
		struct value item = {.kind = NUMBER};
		int result = parse_or(math, &item);
		if (result == 0 && (item.kind != SERIES || !item.series))
			result = fail(math, "a list has metrics only");
		if (result == 0 && value->count == LIST_MAX)
			result = fail(math, "the list is too long");
		if (result < 0 || !item.series) {
			value_done(&item);
			return -1;
		}
		value->series = mem_grow(value->series, value->count + 1, sizeof(value->series[0]));
		value->series[value->count++] = item.series[0];
		value->period = item.period;
		free(item.series);
	} while (take_sign(math, ","));
	return take_sign(math, "]") ? 0 : fail(math, "expected ']'");
}

static int parse_primary(struct math *math, struct value *value)
{
	struct str word = peek_word(math);
	char digits[40];
	char *end;

	if (take_sign(math, "(")) {
		if (parse_or(math, value) < 0)
			return -1;
		return take_sign(math, ")") ? 0 : fail(math, "expected ')'");
	}
	if (take_sign(math, "["))
		return parse_list(math, value);
	if (take_sign(math, "\"")) {
		const char *close = memchr(math->text.p + math->at, '"', math->text.n - math->at);
		if (!close)
			return fail(math, "the text does not end");
		*value = (struct value){.kind = WORD,
			.word = {math->text.p + math->at,
				(size_t)(close - math->text.p) - math->at}};
		math->at = (size_t)(close - math->text.p) + 1;
		return 0;
	}
	if (word.n && !isdigit((unsigned char)word.p[0]))
		return parse_name(math, word, value);
	size_t left = math->text.n - math->at;
	snprintf(digits, sizeof(digits), "%.*s", (int)(left < 39 ? left : 39),
		math->text.p + math->at);
	if (!isdigit((unsigned char)digits[0]) && digits[0] != '.')
		return fail(math, "expected a number, an id or a function");
	*value = (struct value){.kind = NUMBER, .number = strtod(digits, &end)};
	math->at += (size_t)(end - digits);
	return end == digits ? fail(math, "expected a number") : 0;
}

static int parse_unary(struct math *math, struct value *value)
{
	struct value minus = {.kind = NUMBER, .number = -1};

	if (!take_sign(math, "-"))
		return parse_primary(math, value);
	if (++math->depth > DEPTH_MAX)
		return fail(math, "the expression is too deep");
	if (parse_unary(math, value) < 0)
		return -1;
	math->depth--;
	return combine(math, '*', value, &minus);
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

static int parse_level(struct math *math, size_t level, struct value *value)
{
	if (level == ARRAY_SIZE(levels))
		return parse_unary(math, value);
	if (parse_level(math, level + 1, value) < 0)
		return -1;
	for (size_t i = 0; i < 8 && levels[level].signs[i];) {
		struct value other = {.kind = NUMBER};
		if (!take_sign(math, levels[level].signs[i])) {
			i++;
			continue;
		}
		int result = parse_level(math, level + 1, &other);
		if (result == 0)
			result = combine(math, levels[level].operators[i], value, &other);
		value_done(&other);
		if (result < 0)
			return result;
		i = 0;
	}
	return 0;
}

static int parse_or(struct math *math, struct value *value)
{
	if (++math->depth > DEPTH_MAX)
		return fail(math, "the expression is too deep");
	int result = parse_level(math, 0, value);
	math->depth--;
	return result;
}

int monitoring_math(
	struct monitoring_queries *queries, struct monitoring_query *query, struct aws_error *error)
{
	struct math math = {
		.queries = queries, .query = query, .text = query->expression, .error = error};
	struct value value = {.kind = NUMBER};
	struct str first = peek_word(&math);

	if (str_equal(first, STR("SEARCH")) || str_equal(first, STR("SELECT")) ||
		str_equal(first, STR("ANOMALY_DETECTION_BAND")))
		return fail(&math, "SEARCH, SELECT and anomaly detection are not supported");
	int result = parse_or(&math, &value);
	skip(&math);
	if (result == 0 && math.at < math.text.n)
		result = fail(&math, "expected an operator");
	if (result == 0 && (value.kind != SERIES || !value.series))
		result = fail(&math, "the result is not one time series");
	if (result == 0 && value.series) {
		query->period = value.period;
		query->series = value.series[0];
		value.series[0] = (struct monitoring_series){.count = 0};
	}
	value_done(&value);
	return result;
}
/* NOLINTEND(misc-no-recursion) */
