/* Expressions: recursive descent, weakest first: or, and, not, comparison, + -, * / %, ^, minus. */
#include "query/insights_priv.h"

#include "base/mem.h"
#include "base/number.h"

#include <stdio.h>

/* As deep as INSIGHTS_DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */

/* ---- types ---- */

const char *insights_as_number(struct insights *insights, const struct insights_value *value)
{
	switch (value->type) {
	case QUERY_INSIGHTS_TEXT:
		return insights_printf(insights, "TRY_CAST(%s AS DOUBLE)", value->sql);
	case QUERY_INSIGHTS_BOOLEAN:
		return insights_printf(insights, "CAST(%s AS INTEGER)", value->sql);
	default:
		return value->sql;
	}
}

const char *insights_as_text(struct insights *insights, const struct insights_value *value)
{
	switch (value->type) {
	case QUERY_INSIGHTS_TEXT:
		return value->sql;
	case QUERY_INSIGHTS_BOOLEAN:
		return insights_printf(
			insights, "CAST(CAST(%s AS INTEGER) AS VARCHAR)", value->sql);
	case QUERY_INSIGHTS_TIME:
		return insights_printf(insights,
			"strftime(make_timestamp(%s * 1000), '%%Y-%%m-%%d %%H:%%M:%%S.%%g')",
			value->sql);
	default:
		if (value->is_integer)
			return insights_printf(insights, "CAST(%s AS VARCHAR)", value->sql);
		return insights_printf(
			insights, "regexp_replace(CAST(%s AS VARCHAR), '\\.0$', '')", value->sql);
	}
}

const char *insights_as_truth(struct insights *insights, const struct insights_value *value)
{
	switch (value->type) {
	case QUERY_INSIGHTS_BOOLEAN:
		return value->sql;
	case QUERY_INSIGHTS_TEXT:
		return insights_printf(insights,
			"coalesce(lower(%s) NOT IN ('', '0', 'false'), false)", value->sql);
	default:
		return insights_printf(insights, "coalesce(%s <> 0, false)", value->sql);
	}
}

/* ---- comparisons ---- */

static bool is_numeric(const struct insights_value *value)
{
	double number;
	char digits[64];
	char *end;

	if (value->type != QUERY_INSIGHTS_TEXT)
		return true;
	if (!value->is_literal || !value->text.n || value->text.n >= sizeof(digits))
		return false;
	snprintf(digits, sizeof(digits), "%.*s", STR_ARG(value->text));
	number = strtod(digits, &end);
	return *end == '\0' && number == number && !strpbrk(digits, "xXnNiI \t\n");
}

/* "true" in quotes is taken for JSON's, which is 1. */
static bool is_truth_word(const struct insights_value *value)
{
	return value->is_literal &&
	       (str_equal(value->text, STR("true")) || str_equal(value->text, STR("false")));
}

static const char *compare(struct insights *insights, const char *sign,
	const struct insights_value *a, const struct insights_value *b)
{
	bool a_text = a->type == QUERY_INSIGHTS_TEXT;
	bool b_text = b->type == QUERY_INSIGHTS_TEXT;
	bool is_order = sign[0] == '<' || sign[0] == '>';

	if (strcmp(sign, "!=") == 0)
		sign = "<>";
	if (a_text && b_text) {
		if (!is_order && is_truth_word(b))
			return insights_printf(insights, "(%s %s (%s, '%s'))", a->sql,
				sign[0] == '=' ? "IN" : "NOT IN", b->sql,
				b->text.n == 4 ? "1" : "0");
		if (!is_order)
			return insights_printf(insights, "(%s %s %s)", a->sql, sign, b->sql);
		if ((a->is_literal && !is_numeric(a)) || (b->is_literal && !is_numeric(b)))
			return insights_printf(insights, "(%s %s %s)", a->sql, sign, b->sql);
		const char *na = insights_as_number(insights, a);
		const char *nb = insights_as_number(insights, b);
		return insights_printf(insights, "coalesce(%s %s %s, %s %s %s)", na, sign, nb,
			a->sql, sign, b->sql);
	}
	/* A number and a text that is none are unequal, not unknown. */
	if ((a_text && a->is_literal && !is_numeric(a)) ||
		(b_text && b->is_literal && !is_numeric(b)))
		return insights_printf(insights, "(%s %s %s)", insights_as_text(insights, a), sign,
			insights_as_text(insights, b));
	return insights_printf(insights, "(%s %s %s)", insights_as_number(insights, a), sign,
		insights_as_number(insights, b));
}

static int parse_additive(struct insights *insights, struct insights_value *ret_value);

static void set_truth(struct insights_value *value, const char *sql, bool is_aggregate)
{
	*value = (struct insights_value){
		.sql = sql, .type = QUERY_INSIGHTS_BOOLEAN, .is_aggregate = is_aggregate};
}

/* Behind "like" or "=~". */
static int parse_like(struct insights *insights, bool is_negated, struct insights_value *value)
{
	const char *text = insights_as_text(insights, value);
	struct insights_value pattern;
	const char *sql;

	if (insights->token == INSIGHTS_REGEX) {
		const char *regex = insights_regex(insights, insights->token_text, NULL, NULL);
		if (!regex || insights_next(insights, false) < 0)
			return -1;
		sql = insights_printf(insights, "regexp_matches(%s, %s)", text, regex);
	} else {
		if (parse_additive(insights, &pattern) < 0)
			return -1;
		sql = insights_printf(
			insights, "contains(%s, %s)", text, insights_as_text(insights, &pattern));
	}
	set_truth(value, insights_printf(insights, is_negated ? "(NOT %s)" : "%s", sql),
		value->is_aggregate);
	return 0;
}

static int parse_in(struct insights *insights, bool is_negated, struct insights_value *value)
{
	const char *sql = NULL;
	bool taken;

	if (insights_take_sign(insights, "(", &taken) < 0)
		return -1;
	if (taken)
		return insights_nested_in(insights, is_negated, value);
	if (insights_expect_sign(insights, "[") < 0)
		return -1;
	do {
		struct insights_value item;
		if (parse_additive(insights, &item) < 0)
			return -1;
		const char *one = compare(insights, "=", value, &item);
		sql = sql ? insights_printf(insights, "%s OR %s", sql, one) : one;
		if (insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	if (insights_expect_sign(insights, "]") < 0)
		return -1;
	set_truth(value, insights_printf(insights, is_negated ? "(NOT (%s))" : "(%s)", sql),
		value->is_aggregate);
	return 0;
}

static int parse_comparison(struct insights *insights, struct insights_value *value)
{
	static const char *const signs[] = {"=", "!=", "<", "<=", ">", ">="};
	bool is_negated = false;

	if (parse_additive(insights, value) < 0)
		return -1;
	if (insights_is_sign(insights, "=~")) {
		if (insights_next(insights, true) < 0)
			return -1;
		return parse_like(insights, false, value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		struct insights_value other;
		if (!insights_is_sign(insights, signs[i]))
			continue;
		if (insights_next(insights, false) < 0 || parse_additive(insights, &other) < 0)
			return -1;
		set_truth(value, compare(insights, signs[i], value, &other),
			value->is_aggregate || other.is_aggregate);
		return 0;
	}
	if (insights_is_word(insights, "not")) {
		is_negated = true;
		if (insights_next(insights, false) < 0)
			return -1;
		if (!insights_is_word(insights, "like") && !insights_is_word(insights, "in"))
			return insights_fail(insights, "like or in behind not");
	}
	if (insights_is_word(insights, "like")) {
		if (insights_next(insights, true) < 0)
			return -1;
		return parse_like(insights, is_negated, value);
	}
	if (insights_is_word(insights, "in")) {
		if (insights_next(insights, false) < 0)
			return -1;
		return parse_in(insights, is_negated, value);
	}
	return 0;
}

/* ---- arithmetic ---- */

static void set_number(struct insights *insights, struct insights_value *value, const char *format,
	const struct insights_value *other)
{
	bool is_aggregate = value->is_aggregate || other->is_aggregate;
	const char *a = insights_as_number(insights, value);
	const char *b = insights_as_number(insights, other);

	*value = (struct insights_value){
		.type = QUERY_INSIGHTS_NUMBER, .is_aggregate = is_aggregate};
	value->sql =
		format[0] == '%'
			? insights_printf(insights, "fmod(CAST(%s AS DOUBLE), nullif(%s, 0))", a, b)
		: format[0] == '^' ? insights_printf(insights, "pow(%s, %s)", a, b)
		: format[0] == '/'
			? insights_printf(insights, "(CAST(%s AS DOUBLE) / nullif(%s, 0))", a, b)
			: insights_printf(insights, "(CAST(%s AS DOUBLE) %s %s)", a, format, b);
}

static int parse_primary(struct insights *insights, struct insights_value *value);

static int parse_unary(struct insights *insights, struct insights_value *value)
{
	struct insights_value zero = {.sql = "0", .type = QUERY_INSIGHTS_NUMBER};
	bool is_negative;

	if (insights_take_sign(insights, "-", &is_negative) < 0)
		return -1;
	if (!is_negative)
		return parse_primary(insights, value);
	struct insights_value operand = {.sql = "NULL"};
	if (++insights->depth > INSIGHTS_DEPTH_MAX)
		return insights_fail(insights, "expressions 100 deep at most");
	if (parse_unary(insights, &operand) < 0)
		return -1;
	insights->depth--;
	*value = zero;
	set_number(insights, value, "-", &operand);
	return 0;
}

/* Operators of one strength, from left to right. */
static int parse_chain(struct insights *insights, struct insights_value *value,
	int (*parse)(struct insights *, struct insights_value *), const char *const *signs)
{
	if (parse(insights, value) < 0)
		return -1;
	for (size_t i = 0; signs[i];) {
		struct insights_value other;
		if (!insights_is_sign(insights, signs[i])) {
			i++;
			continue;
		}
		if (insights_next(insights, false) < 0 || parse(insights, &other) < 0)
			return -1;
		set_number(insights, value, signs[i], &other);
		i = 0;
	}
	return 0;
}

static int parse_power(struct insights *insights, struct insights_value *value)
{
	static const char *const signs[] = {"^", NULL};

	return parse_chain(insights, value, parse_unary, signs);
}

static int parse_product(struct insights *insights, struct insights_value *value)
{
	static const char *const signs[] = {"*", "/", "%", NULL};

	return parse_chain(insights, value, parse_power, signs);
}

static int parse_additive(struct insights *insights, struct insights_value *value)
{
	static const char *const signs[] = {"+", "-", NULL};

	return parse_chain(insights, value, parse_product, signs);
}

static int parse_constant(struct insights *insights, struct insights_value *value)
{
	struct str text = insights->token_text;

	switch (insights->token) {
	case INSIGHTS_STRING:
		*value = (struct insights_value){.sql = insights_literal(insights, text),
			.type = QUERY_INSIGHTS_TEXT,
			.is_literal = true,
			.text = text};
		break;
	case INSIGHTS_NUMBER:
		if (text.n > 40)
			return insights_fail(insights, "a shorter number");
		*value = (struct insights_value){
			.sql = insights_printf(insights, "%.*s", STR_ARG(text)),
			.type = QUERY_INSIGHTS_NUMBER,
			.is_integer = text.n < 18 && !memchr(text.p, '.', text.n) &&
				      !memchr(text.p, 'e', text.n) && !memchr(text.p, 'E', text.n)};
		if (!value->is_integer)
			value->sql = insights_printf(insights, "CAST(%s AS DOUBLE)", value->sql);
		break;
	default:
		return insights_fail(insights, "a field, a value or a function");
	}
	return insights_next(insights, false);
}

/* jsonParse(x).a.b and split(x, ",")[0]: parts of what a function gave, without blanks between. */
static int parse_parts(struct insights *insights, struct insights_value *value)
{
	bool is_aggregate = value->is_aggregate;

	while (insights->token_at == insights->ended_at && value->type == QUERY_INSIGHTS_TEXT) {
		bool is_index = insights_is_sign(insights, "[");
		if (!is_index && !insights_is_sign(insights, "."))
			break;
		if (insights_next(insights, false) < 0)
			return -1;
		if (insights->token != (is_index ? INSIGHTS_NUMBER : INSIGHTS_NAME))
			return insights_fail(insights, is_index ? "an index" : "a name");
		insights_json_field(insights, value->sql, insights->token_text, value);
		value->is_aggregate = is_aggregate;
		if (insights_next(insights, false) < 0 ||
			(is_index && insights_expect_sign(insights, "]") < 0))
			return -1;
	}
	return 0;
}

static int parse_primary(struct insights *insights, struct insights_value *value)
{
	bool taken;

	if (insights_take_sign(insights, "(", &taken) < 0)
		return -1;
	if (taken)
		return insights_expression(insights, value) < 0
			       ? -1
			       : insights_expect_sign(insights, ")");
	if (insights->token != INSIGHTS_NAME)
		return parse_constant(insights, value);
	struct str name = insights->token_text;
	size_t at = insights->token_at;
	bool is_quoted = insights->is_quoted;
	if (insights_next(insights, false) < 0)
		return -1;
	if (insights_is_sign(insights, "(") && !is_quoted)
		return insights_call(insights, name, at, value) < 0 ? -1
								    : parse_parts(insights, value);
	if (!is_quoted && (str_equal(name, STR("true")) || str_equal(name, STR("false")))) {
		set_truth(value, name.n == 4 ? "true" : "false", false);
		return 0;
	}
	insights_field(insights, name, value);
	return 0;
}

/* ---- truths ---- */

static int parse_not(struct insights *insights, struct insights_value *value)
{
	if (!insights_is_word(insights, "not") && !insights_is_sign(insights, "!"))
		return parse_comparison(insights, value);
	if (++insights->depth > INSIGHTS_DEPTH_MAX)
		return insights_fail(insights, "expressions 100 deep at most");
	if (insights_next(insights, false) < 0 || parse_not(insights, value) < 0)
		return -1;
	insights->depth--;
	set_truth(value, insights_printf(insights, "(NOT %s)", insights_as_truth(insights, value)),
		value->is_aggregate);
	return 0;
}

static int parse_logical(struct insights *insights, struct insights_value *value, const char *word,
	int (*parse)(struct insights *, struct insights_value *))
{
	if (parse(insights, value) < 0)
		return -1;
	while (insights_is_word(insights, word)) {
		struct insights_value other;
		if (insights_next(insights, false) < 0 || parse(insights, &other) < 0)
			return -1;
		const char *sql =
			insights_printf(insights, "(%s %s %s)", insights_as_truth(insights, value),
				word, insights_as_truth(insights, &other));
		set_truth(value, sql, value->is_aggregate || other.is_aggregate);
	}
	return 0;
}

static int parse_and(struct insights *insights, struct insights_value *value)
{
	return parse_logical(insights, value, "and", parse_not);
}

int insights_expression(struct insights *insights, struct insights_value *ret_value)
{
	if (++insights->depth > INSIGHTS_DEPTH_MAX)
		return insights_fail(insights, "expressions 100 deep at most");
	if (parse_logical(insights, ret_value, "or", parse_and) < 0)
		return -1;
	insights->depth--;
	if (insights->is_too_large)
		return insights_fail(insights, "a smaller query: this one is too large");
	return 0;
}
/* NOLINTEND(misc-no-recursion) */
