/* The values of types, and what an expression finds. Truth is of three values. Numbers are compared
 * as decimal digits, of any length. */
#include "store/catalog_expression_priv.h"

/* ---- values of a type ---- */

static const struct {
	const char *name;
	enum type type;
	const char *kind; /* for messages */
} types[] = {
	{"string", TYPE_TEXT, "String"},
	{"char", TYPE_TEXT, "String"},
	{"varchar", TYPE_TEXT, "String"},
	{"tinyint", TYPE_INTEGER, "Integral"},
	{"smallint", TYPE_INTEGER, "Integral"},
	{"int", TYPE_INTEGER, "Integral"},
	{"integer", TYPE_INTEGER, "Integral"},
	{"bigint", TYPE_INTEGER, "Integral"},
	{"long", TYPE_INTEGER, "Integral"},
	{"decimal", TYPE_DECIMAL, "Decimal"},
	{"date", TYPE_DATE, "Date"},
	{"timestamp", TYPE_TIMESTAMP, "Timestamp"},
};

/* "varchar(10)" is a varchar. */
bool expression_type_find(struct str name, enum type *ret_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct str known = str_from(types[i].name);
		if (name.n >= known.n && (name.n == known.n || name.p[known.n] == '(') &&
			str_equal_ignoring_case((struct str){name.p, known.n}, known)) {
			*ret_type = types[i].type;
			return true;
		}
	}
	return false;
}

const char *expression_type_kind(enum type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].kind;
	return "";
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct decimal {
	bool is_negative;
	struct str whole, fraction; /* without outer zeros */
};

static bool read_decimal(struct str text, bool with_fraction, struct decimal *ret_decimal)
{
	struct decimal decimal = {0};
	size_t i = 0;

	if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
		decimal.is_negative = text.p[i++] == '-';
	size_t begin = i;
	while (i < text.n && is_digit(text.p[i]))
		i++;
	decimal.whole = (struct str){text.p + begin, i - begin};
	if (with_fraction && i < text.n && text.p[i] == '.') {
		begin = ++i;
		while (i < text.n && is_digit(text.p[i]))
			i++;
		decimal.fraction = (struct str){text.p + begin, i - begin};
	}
	if (i != text.n || !(decimal.whole.n + decimal.fraction.n))
		return false;
	while (decimal.whole.n && decimal.whole.p[0] == '0') {
		decimal.whole.p++;
		decimal.whole.n--;
	}
	while (decimal.fraction.n && decimal.fraction.p[decimal.fraction.n - 1] == '0')
		decimal.fraction.n--;
	if (!decimal.whole.n && !decimal.fraction.n)
		decimal.is_negative = false;
	*ret_decimal = decimal;
	return true;
}

static int compare_decimals(struct str a, struct str b)
{
	struct decimal x = {0};
	struct decimal y = {0};

	read_decimal(a, true, &x);
	read_decimal(b, true, &y);
	if (x.is_negative != y.is_negative)
		return x.is_negative ? -1 : 1;
	int order = (x.whole.n > y.whole.n) - (x.whole.n < y.whole.n);
	if (order == 0)
		order = str_compare(x.whole, y.whole);
	if (order == 0)
		order = str_compare(x.fraction, y.fraction);
	return x.is_negative ? -order : order;
}

/* 9 a digit, anything else itself. */
static bool has_form(struct str text, const char *form)
{
	for (size_t i = 0; form[i]; i++)
		if (i >= text.n || (form[i] == '9' ? !is_digit(text.p[i]) : text.p[i] != form[i]))
			return false;
	return true;
}

static unsigned number_at(struct str text, size_t at, size_t digits)
{
	unsigned number = 0;

	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (unsigned)(text.p[at + i] - '0');
	return number;
}

static bool is_date(struct str text)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (!has_form(text, "9999-99-99"))
		return false;
	unsigned year = number_at(text, 0, 4), month = number_at(text, 5, 2);
	unsigned day = number_at(text, 8, 2);
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (month == 2 && is_leap ? 1u : 0u);
}

/* yyyy-mm-dd hh:mm:ss[.fffffffff] */
static bool is_timestamp(struct str text)
{
	const size_t whole = 19;

	if (!is_date(text) || text.n < whole || !has_form(text, "9999-99-99 99:99:99") ||
		number_at(text, 11, 2) > 23 || number_at(text, 14, 2) > 59 ||
		number_at(text, 17, 2) > 59)
		return false;
	if (text.n == whole)
		return true;
	if (text.p[whole] != '.' || text.n == whole + 1 || text.n > whole + 10)
		return false;
	for (size_t i = whole + 1; i < text.n; i++)
		if (!is_digit(text.p[i]))
			return false;
	return true;
}

/* Without the zeros that end a fraction. */
static struct str trim_fraction(struct str text)
{
	if (memchr(text.p, '.', text.n)) {
		while (text.p[text.n - 1] == '0')
			text.n--;
		if (text.p[text.n - 1] == '.')
			text.n--;
	}
	return text;
}

bool expression_is_of_type(struct str text, enum type type)
{
	struct decimal ignored;

	switch (type) {
	case TYPE_TEXT:
		return true;
	case TYPE_INTEGER:
		return read_decimal(text, false, &ignored);
	case TYPE_DECIMAL:
		return read_decimal(text, true, &ignored);
	case TYPE_DATE:
		return text.n == 10 && is_date(text);
	case TYPE_TIMESTAMP:
		return is_timestamp(text);
	}
	return false;
}

/* Both are of the type. */
static int compare(struct str a, struct str b, enum type type)
{
	switch (type) {
	case TYPE_INTEGER:
	case TYPE_DECIMAL:
		return compare_decimals(a, b);
	case TYPE_TIMESTAMP:
		return str_compare(trim_fraction(a), trim_fraction(b));
	case TYPE_TEXT:
	case TYPE_DATE:
		break;
	}
	return str_compare(a, b);
}

/* ---- matching ---- */

struct str expression_literal(const struct store_expression *expression, struct literal literal)
{
	return (struct str){expression->text.p ? expression->text.p + literal.at : "", literal.n};
}

static enum truth truth_of(bool is_true)
{
	return is_true ? TRUE : FALSE;
}

/* The length of the pattern's first element and whether it takes the character; a character is its
 * bytes of UTF-8, so that _ is one whole character. */
static size_t character_length(struct str text)
{
	size_t n = 1;

	while (n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static struct str skip(struct str text, size_t n)
{
	return (struct str){text.p + n, text.n - n};
}

/* Back to the last % only: no more than pattern times text steps. */
static bool matches_like(struct str text, struct str pattern)
{
	struct str after_any = STR_NONE, retry = STR_NONE;

	while (text.n || pattern.n) {
		if (pattern.n && pattern.p[0] == '%') {
			pattern = skip(pattern, 1);
			after_any = pattern;
			retry = text;
			continue;
		}
		if (pattern.n && text.n) {
			if (pattern.p[0] == '_') {
				pattern = skip(pattern, 1);
				text = skip(text, character_length(text));
				continue;
			}
			size_t at = pattern.p[0] == '\\' && pattern.n > 1 ? 1 : 0;
			if (pattern.p[at] == text.p[0]) {
				pattern = skip(pattern, at + 1);
				text = skip(text, 1);
				continue;
			}
		}
		if (!after_any.p || !retry.n)
			return false;
		retry = skip(retry, character_length(retry));
		text = retry;
		pattern = after_any;
	}
	return true;
}

static bool holds(enum comparison comparison, int order)
{
	switch (comparison) {
	case EQUAL:
		return order == 0;
	case DIFFERENT:
		return order != 0;
	case LESS:
		return order < 0;
	case LESS_OR_EQUAL:
		return order <= 0;
	case MORE:
		return order > 0;
	case MORE_OR_EQUAL:
		return order >= 0;
	}
	return false;
}

static enum truth test(
	const struct store_expression *expression, const struct node *node, struct str value)
{
	static const struct literal none;
	const struct literal *literals =
		expression->literals ? expression->literals + node->literals : &none;
	bool is_null = str_equal(value, STR(STORE_PARTITION_NULL)) ||
		       !expression_is_of_type(value, node->type);

	if (node->kind == IS_NULL)
		return truth_of(is_null);
	if (node->is_null_text && (node->comparison == EQUAL || node->comparison == DIFFERENT))
		return truth_of(
			str_equal(value, STR(STORE_PARTITION_NULL)) == (node->comparison == EQUAL));
	if (is_null || node->is_null_text)
		return UNKNOWN;
	if (node->kind == LIKE)
		return truth_of(matches_like(value, expression_literal(expression, literals[0])));
	if (node->kind == BETWEEN)
		return truth_of(compare(value, expression_literal(expression, literals[0]),
					node->type) >= 0 &&
				compare(value, expression_literal(expression, literals[1]),
					node->type) <= 0);
	if (node->kind == COMPARE)
		return truth_of(holds(node->comparison,
			compare(value, expression_literal(expression, literals[0]), node->type)));
	for (size_t i = 0; i < node->count; i++)
		if (compare(value, expression_literal(expression, literals[i]), node->type) == 0)
			return TRUE;
	return FALSE;
}

static enum truth both(enum truth left, enum truth right)
{
	if (left == FALSE || right == FALSE)
		return FALSE;
	return left == TRUE && right == TRUE ? TRUE : UNKNOWN;
}

static enum truth either(enum truth left, enum truth right)
{
	if (left == TRUE || right == TRUE)
		return TRUE;
	return left == FALSE && right == FALSE ? FALSE : UNKNOWN;
}

static enum truth evaluate(const struct store_expression *expression, const struct node *node,
	const unsigned char *results, const struct str *values, size_t count)
{
	switch (node->kind) {
	case ALL:
		return TRUE;
	case NOT:
		return results[node->left] == UNKNOWN ? UNKNOWN
						      : truth_of(results[node->left] == FALSE);
	case AND:
		return both(results[node->left], results[node->right]);
	case OR:
		return either(results[node->left], results[node->right]);
	default:
		return node->key < count ? test(expression, node, values[node->key]) : UNKNOWN;
	}
}

/* A node comes after those it stands on, so they are worked off one by one, without recursion. */
bool store_expression_matches(
	const struct store_expression *expression, const struct str *values, size_t count)
{
	unsigned char here[256];
	unsigned char *results =
		expression->count <= sizeof(here) ? here : mem_new(expression->count, 1);

	for (size_t i = 0; i < expression->count; i++)
		results[i] = (unsigned char)evaluate(
			expression, &expression->nodes[i], results, values, count);
	bool is_true = results[expression->root] == TRUE;
	if (results != here)
		free(results);
	return is_true;
}
