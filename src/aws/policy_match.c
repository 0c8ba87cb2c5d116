/* Patterns of policies: text, '*' and '?', and variables ${key}, ${key, 'default'}, ${*}, ${?},
 * ${$}. A pattern is read character by character from a cursor, which steps into a variable's value
 * and out again, so that nothing is built. A '*' is tried greedily from the latest one on only,
 * which is enough: whatever an earlier one could take, the latest can. */
#include "aws/policy_priv.h"

#include "aws/time.h"
#include "base/ip.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>

struct pattern {
	struct str rest;
	struct str literal; /* of a variable, being read */
};

enum token { TOKEN_END, TOKEN_CHAR, TOKEN_ANY_RUN, TOKEN_ANY_ONE, TOKEN_UNKNOWN };

const struct str *policy_context(
	const struct aws_policy_request *request, struct str name, size_t *ret_count)
{
	const struct aws_principal *principal = &request->principal;

	for (size_t i = 0; i < request->context_count; i++) {
		const struct aws_context_key *key = &request->context[i];
		if (!str_equal_ignoring_case(key->name, name))
			continue;
		*ret_count = key->value_count;
		return key->value_count ? key->values : NULL;
	}
	*ret_count = 1;
	if (str_equal_ignoring_case(name, STR("aws:PrincipalArn")) && principal->arn.n)
		return principal->role_arn.n ? &principal->role_arn : &principal->arn;
	if (str_equal_ignoring_case(name, STR("aws:PrincipalAccount")) && principal->account.n)
		return &principal->account;
	*ret_count = 0;
	return NULL;
}

/* The value of what stands between "${" and "}". */
static bool variable(
	const struct aws_policy_request *request, struct str text, struct str *ret_value)
{
	struct str name;
	size_t count;

	if (text.n == 1 && (text.p[0] == '*' || text.p[0] == '?' || text.p[0] == '$')) {
		*ret_value = text;
		return true;
	}
	str_split(&text, ',', &name);
	const struct str *values = policy_context(request, str_trim(name), &count);
	if (values && count == 1) {
		*ret_value = values[0];
		return true;
	}
	text = text.p ? str_trim(text) : STR("");
	if (text.n < 2 || text.p[0] != '\'' || text.p[text.n - 1] != '\'')
		return false;
	*ret_value = (struct str){text.p + 1, text.n - 2};
	return true;
}

/* How long the variable at the front of text is, with "${" and "}"; 0: there is none. */
static size_t variable_length(struct str text)
{
	if (text.n < 3 || text.p[0] != '$' || text.p[1] != '{')
		return 0;
	const char *end = memchr(text.p, '}', text.n);
	return end ? (size_t)(end - text.p) + 1 : 0;
}

static enum token next(const struct policy_match *match, struct pattern *pattern, char *ret_char)
{
	size_t length;

	while (!pattern->literal.n && match->has_variables &&
		(length = variable_length(pattern->rest))) {
		struct str name = {pattern->rest.p + 2, length - 3};
		pattern->rest = (struct str){pattern->rest.p + length, pattern->rest.n - length};
		if (!variable(match->request, name, &pattern->literal))
			return TOKEN_UNKNOWN;
	}
	struct str *from = pattern->literal.n ? &pattern->literal : &pattern->rest;
	if (!from->n)
		return TOKEN_END;
	*ret_char = from->p[0];
	from->p++, from->n--;
	if (from == &pattern->rest && match->has_wildcards) {
		if (*ret_char == '*')
			return TOKEN_ANY_RUN;
		if (*ret_char == '?')
			return TOKEN_ANY_ONE;
	}
	return TOKEN_CHAR;
}

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool policy_match(const struct policy_match *match, struct str pattern_text, struct str text)
{
	struct pattern pattern = {.rest = pattern_text}, behind_run = {0};
	size_t at = 0, run_end = 0;
	bool has_run = false;

	for (;;) {
		char c = 0;
		enum token token = next(match, &pattern, &c);
		if (token == TOKEN_UNKNOWN)
			return false;
		if (token == TOKEN_ANY_RUN) {
			has_run = true;
			behind_run = pattern;
			run_end = at;
			continue;
		}
		if (token == TOKEN_END && at == text.n)
			return true;
		bool fits = at < text.n &&
			    (token == TOKEN_ANY_ONE ||
				    (token == TOKEN_CHAR &&
					    (c == text.p[at] ||
						    (match->ignores_case &&
							    lower(c) == lower(text.p[at])))));
		if (fits) {
			at++;
			continue;
		}
		if (!has_run || run_end == text.n)
			return false;
		at = ++run_end;
		pattern = behind_run;
	}
}

bool aws_wildcard_match(struct str pattern, struct str text)
{
	const struct policy_match match = {.has_wildcards = true};

	return policy_match(&match, pattern, text);
}

/* Takes the text before the next ':' outside of variables. */
static bool take_part(const struct policy_match *match, struct str *rest, struct str *ret_part)
{
	size_t i = 0;

	if (!rest->p)
		return false;
	while (i < rest->n && rest->p[i] != ':') {
		struct str from_here = {rest->p + i, rest->n - i};
		size_t length = match->has_variables ? variable_length(from_here) : 0;
		i += length ? length : 1;
	}
	*ret_part = (struct str){rest->p, i};
	*rest = i < rest->n ? (struct str){rest->p + i + 1, rest->n - i - 1} : STR_NONE;
	return true;
}

bool policy_match_arn(const struct policy_match *match, struct str pattern, struct str text)
{
	struct str pattern_part, text_part;

	if (str_equal(pattern, STR("*")))
		return true;
	for (int i = 0; i < 5; i++) {
		if (!str_split(&text, ':', &text_part))
			return false;
		/* What a short pattern leaves out is anything. */
		if (take_part(match, &pattern, &pattern_part) &&
			!policy_match(match, pattern_part, text_part))
			return false;
	}
	if (!text.p)
		return false;
	return !pattern.p || policy_match(match, pattern, text);
}

static bool parse_number(struct str text, double *ret_number)
{
	char copy[64], *end;

	if (text.n == 0 || text.n >= sizeof(copy))
		return false;
	/* strtod also reads infinities, hexadecimal digits and leading space. */
	for (size_t i = 0; i < text.n; i++)
		if (!memchr("0123456789+-.eE", text.p[i], 15))
			return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	*ret_number = strtod(copy, &end);
	return *end == '\0' && isfinite(*ret_number);
}

static bool parse_bool(struct str text, bool *ret_value)
{
	*ret_value = str_equal_ignoring_case(text, STR("true"));
	return *ret_value || str_equal_ignoring_case(text, STR("false"));
}

const char *policy_value_problem(enum policy_comparison comparison, struct str value)
{
	struct ip_prefix prefix;
	double number;
	int64_t ms;
	bool flag;

	if (value.n >= 2 && memmem(value.p, value.n, "${", 2))
		return NULL;
	switch (comparison) {
	case POLICY_NUMERIC_EQUALS ... POLICY_NUMERIC_GREATER_EQUALS:
		return parse_number(value, &number) ? NULL : "is not a number";
	case POLICY_DATE_EQUALS ... POLICY_DATE_GREATER_EQUALS:
		return aws_time_parse(value, &ms) ? NULL : "is not a date of ISO 8601";
	case POLICY_BOOL:
	case POLICY_NULL:
		return parse_bool(value, &flag) ? NULL : "is neither true nor false";
	case POLICY_IP_ADDRESS:
		return ip_prefix_parse(value, &prefix) ? NULL : "is not an IP address or prefix";
	default:
		return NULL;
	}
}

/* Values with variables are rare outside of strings: they are put together here. False when one is
 * unknown or the whole longer than any number, date or address. */
static bool expand(const struct policy_match *match, struct str pattern_text, char copy[static 128],
	struct str *ret_text)
{
	struct pattern pattern = {.rest = pattern_text};
	size_t n = 0;

	for (;;) {
		char c;
		enum token token = next(match, &pattern, &c);
		if (token == TOKEN_END)
			break;
		if (token != TOKEN_CHAR || n == 128)
			return false;
		copy[n++] = c;
	}
	*ret_text = (struct str){copy, n};
	return true;
}

/* What each order of value to limit says for a comparison, the offset from its EQUALS. */
static bool in_order(int offset, int order)
{
	switch (offset) {
	case 0:
		return order == 0;
	case 1:
		return order < 0;
	case 2:
		return order <= 0;
	case 3:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool compare_numbers(int offset, struct str limit_text, struct str value_text)
{
	double limit, value;

	return parse_number(limit_text, &limit) && parse_number(value_text, &value) &&
	       in_order(offset, (value > limit) - (value < limit));
}

static bool compare_dates(int offset, struct str limit_text, struct str value_text)
{
	int64_t limit, value;

	return aws_time_parse(limit_text, &limit) && aws_time_parse(value_text, &value) &&
	       in_order(offset, (value > limit) - (value < limit));
}

static bool is_in_prefix(struct str prefix_text, struct str address_text)
{
	struct ip_prefix prefix;
	struct ip_addr address;

	return ip_prefix_parse(prefix_text, &prefix) && ip_parse(address_text, &address) &&
	       ip_prefix_contains(&prefix, &address);
}

static bool value_matches(const struct policy_match *match, enum policy_comparison comparison,
	struct str pattern, struct str value)
{
	struct policy_match own = *match;
	char copy[128];
	struct str text;

	switch (comparison) {
	case POLICY_STRING_EQUALS_IGNORE_CASE:
		own.ignores_case = true;
		return policy_match(&own, pattern, value);
	case POLICY_STRING_LIKE:
		own.has_wildcards = true;
		return policy_match(&own, pattern, value);
	case POLICY_ARN_LIKE:
		own.has_wildcards = true;
		return policy_match_arn(&own, pattern, value);
	case POLICY_STRING_EQUALS:
	case POLICY_BINARY_EQUALS:
		return policy_match(&own, pattern, value);
	default:
		break;
	}
	if (!expand(match, pattern, copy, &text))
		return false;
	if (comparison >= POLICY_NUMERIC_EQUALS && comparison <= POLICY_NUMERIC_GREATER_EQUALS)
		return compare_numbers((int)comparison - POLICY_NUMERIC_EQUALS, text, value);
	if (comparison >= POLICY_DATE_EQUALS && comparison <= POLICY_DATE_GREATER_EQUALS)
		return compare_dates((int)comparison - POLICY_DATE_EQUALS, text, value);
	if (comparison == POLICY_IP_ADDRESS)
		return is_in_prefix(text, value);
	return str_equal_ignoring_case(text, value); /* POLICY_BOOL */
}

/* One value of the request against all of the policy: one must match, or none if negated. */
static bool value_satisfies(const struct policy_match *match,
	const struct policy_condition *condition, struct str value)
{
	for (size_t i = 0; i < condition->values.count; i++)
		if (value_matches(match, condition->comparison, condition->values.items[i], value))
			return !condition->is_negated;
	return condition->is_negated;
}

static bool null_holds(const struct policy_condition *condition, bool is_missing)
{
	for (size_t i = 0; i < condition->values.count; i++) {
		bool wanted;
		if (parse_bool(condition->values.items[i], &wanted) && wanted == is_missing)
			return true;
	}
	return false;
}

bool policy_condition_holds(const struct aws_policy *policy,
	const struct policy_condition *condition, const struct aws_policy_request *request)
{
	const struct policy_match match = {
		.request = request, .has_variables = policy->has_variables};
	size_t count, satisfied = 0;
	const struct str *values = policy_context(request, condition->key, &count);

	if (condition->comparison == POLICY_NULL)
		return null_holds(condition, !values);
	if (!values)
		return condition->if_exists || condition->quantifier == POLICY_FOR_ALL_VALUES ||
		       (condition->quantifier == POLICY_ONE_VALUE && condition->is_negated);
	for (size_t i = 0; i < count; i++)
		satisfied += value_satisfies(&match, condition, values[i]);
	if (condition->quantifier == POLICY_FOR_ANY_VALUE)
		return satisfied > 0;
	if (condition->quantifier == POLICY_FOR_ALL_VALUES || condition->is_negated)
		return satisfied == count;
	return satisfied > 0;
}
