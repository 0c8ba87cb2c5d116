/* A recursive descent into a tree whose nodes are numbers in one array; names are resolved and
 * literals read by their key's type while it is made, so that matching cannot fail. */
#include "store/catalog_expression_priv.h"

/* ---- words ---- */

enum word { END, NAME, QUOTED_NAME, TEXT, NUMBER, SYMBOL, BAD };

struct parser {
	struct store_expression *expression;
	struct str whole, rest;
	const json_t *keys;
	struct aws_error *error;
	unsigned depth;
	enum word word;
	struct str token;  /* in whole */
	struct buf string; /* of TEXT and QUOTED_NAME, unescaped */
};

static int unsupported(const struct parser *parser)
{
	size_t n = parser->whole.n < 500 ? parser->whole.n : 500;

	return aws_error_set(parser->error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
		"Unsupported expression '%.*s'", (int)n, parser->whole.p);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
	       c == '$' || (unsigned char)c >= 0x80;
}

/* Up to the quote that ends it; a doubled quote is one. */
static enum word read_quoted(struct parser *parser, enum word word)
{
	char quote = parser->rest.p[0];
	size_t i = 1;

	parser->string.n = 0;
	for (; i < parser->rest.n; i++) {
		if (parser->rest.p[i] == quote) {
			if (i + 1 == parser->rest.n || parser->rest.p[i + 1] != quote)
				break;
			i++;
		}
		buf_add_char(&parser->string, parser->rest.p[i]);
	}
	if (i >= parser->rest.n)
		return BAD;
	parser->rest = (struct str){parser->rest.p + i + 1, parser->rest.n - i - 1};
	return word;
}

static void take_token(struct parser *parser, enum word word, size_t n)
{
	parser->word = word;
	parser->token = (struct str){parser->rest.p, n};
	parser->rest = (struct str){parser->rest.p + n, parser->rest.n - n};
}

static size_t number_length(struct str text)
{
	size_t n = text.p[0] == '-' || text.p[0] == '+' ? 1 : 0;

	while (n < text.n && (is_digit(text.p[n]) || text.p[n] == '.'))
		n++;
	return n;
}

static void next(struct parser *parser)
{
	struct str *rest = &parser->rest;

	while (rest->n && (rest->p[0] == ' ' || (rest->p[0] >= '\t' && rest->p[0] <= '\r'))) {
		rest->p++;
		rest->n--;
	}
	if (!rest->n) {
		parser->word = END;
		return;
	}
	char c = rest->p[0];
	char d = rest->n > 1 ? rest->p[1] : '\0';
	if (c == '\'') {
		parser->word = read_quoted(parser, TEXT);
	} else if (c == '"' || c == '`') {
		parser->word = read_quoted(parser, QUOTED_NAME);
	} else if (is_digit(c) || c == '.' ||
		   ((c == '-' || c == '+') && (is_digit(d) || d == '.'))) {
		take_token(parser, NUMBER, number_length(*rest));
	} else if (is_name_char(c)) {
		size_t n = 1;
		while (n < rest->n && is_name_char(rest->p[n]))
			n++;
		take_token(parser, NAME, n);
	} else {
		bool is_two = (c == '<' && (d == '>' || d == '=')) || (c == '>' && d == '=') ||
			      (c == '!' && d == '=');
		take_token(parser, SYMBOL, is_two ? 2 : 1);
	}
}

static bool is_keyword(const struct parser *parser, const char *keyword)
{
	return parser->word == NAME && str_equal_ignoring_case(parser->token, str_from(keyword));
}

static bool take_keyword(struct parser *parser, const char *keyword)
{
	bool found = is_keyword(parser, keyword);

	if (found)
		next(parser);
	return found;
}

static bool take_symbol(struct parser *parser, const char *symbol)
{
	bool found = parser->word == SYMBOL && str_equal(parser->token, str_from(symbol));

	if (found)
		next(parser);
	return found;
}

static size_t add_node(struct parser *parser, struct node node)
{
	struct store_expression *expression = parser->expression;

	expression->nodes =
		mem_grow(expression->nodes, expression->count + 1, sizeof(expression->nodes[0]));
	expression->nodes[expression->count] = node;
	return expression->count++;
}

/* ---- grammar ---- */

static int parse_or(struct parser *parser, size_t *ret_node);

/* The name in hand; its place among the keys and its type. */
static int parse_key(struct parser *parser, struct node *node)
{
	struct str name = parser->word == QUOTED_NAME ? buf_str(&parser->string) : parser->token;
	size_t i;
	json_t *key;

	json_array_foreach(parser->keys, i, key)
	{
		const char *known = json_string_value(json_object_get(key, "Name"));
		const char *type = json_string_value(json_object_get(key, "Type"));
		if (!known || !str_equal_ignoring_case(name, str_from(known)))
			continue;
		type = type ? type : "string";
		if (!expression_type_find(str_from(type), &node->type))
			return aws_error_set(parser->error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
				"Unknown type : '%s'", type);
		node->key = i;
		next(parser);
		return 0;
	}
	return aws_error_set(parser->error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
		"Unknown column '%.*s'", (int)(name.n < 255 ? name.n : 255), name.p);
}

/* A literal in hand, as it is written. */
static int parse_literal(struct parser *parser, struct literal *ret_literal)
{
	struct buf *text = &parser->expression->text;

	if ((take_keyword(parser, "date") || take_keyword(parser, "timestamp")) &&
		parser->word != TEXT)
		return unsupported(parser);
	if (parser->word != TEXT && parser->word != NUMBER)
		return unsupported(parser);
	ret_literal->at = text->n;
	buf_add_str(text, parser->word == TEXT ? buf_str(&parser->string) : parser->token);
	ret_literal->n = text->n - ret_literal->at;
	next(parser);
	return 0;
}

/* Puts the literal among the node's, which come one after the other. */
static int add_literal(struct parser *parser, struct node *node, struct literal literal)
{
	static const char *const names[] = {[TYPE_INTEGER] = "an integer",
		[TYPE_DECIMAL] = "a decimal",
		[TYPE_DATE] = "a date"};
	struct store_expression *expression = parser->expression;
	struct str text = expression_literal(expression, literal);
	int shown = (int)(text.n < 255 ? text.n : 255);

	if (str_equal(text, STR(STORE_PARTITION_NULL)) && node->kind == COMPARE) {
		node->is_null_text = true;
	} else if (!expression_is_of_type(text, node->type)) {
		if (node->type == TYPE_TIMESTAMP)
			return aws_error_set(parser->error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
				"Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff]: %.*s is not a timestamp.",
				shown, text.p);
		return aws_error_set(parser->error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
			"\"%.*s\" is not %s.", shown, text.p, names[node->type]);
	}
	expression->literals = mem_grow(expression->literals, expression->literals_count + 1,
		sizeof(expression->literals[0]));
	if (!node->count++)
		node->literals = expression->literals_count;
	expression->literals[expression->literals_count++] = literal;
	return 0;
}

static int parse_operator(struct parser *parser, enum comparison *ret_comparison)
{
	static const struct {
		const char *symbol;
		enum comparison comparison;
	} comparisons[] = {{"=", EQUAL}, {"<>", DIFFERENT}, {"!=", DIFFERENT}, {"<", LESS},
		{"<=", LESS_OR_EQUAL}, {">", MORE}, {">=", MORE_OR_EQUAL}};

	for (size_t i = 0; i < ARRAY_SIZE(comparisons); i++)
		if (take_symbol(parser, comparisons[i].symbol)) {
			*ret_comparison = comparisons[i].comparison;
			return 0;
		}
	return unsupported(parser);
}

/* literal OP key */
static int parse_turned(struct parser *parser, size_t *ret_node)
{
	static const enum comparison turned[] = {[EQUAL] = EQUAL,
		[DIFFERENT] = DIFFERENT,
		[LESS] = MORE,
		[LESS_OR_EQUAL] = MORE_OR_EQUAL,
		[MORE] = LESS,
		[MORE_OR_EQUAL] = LESS_OR_EQUAL};
	struct node node = {.kind = COMPARE};
	struct literal literal = {0};
	enum comparison comparison;

	if (parse_literal(parser, &literal) < 0 || parse_operator(parser, &comparison) < 0)
		return -1;
	if (parser->word != NAME && parser->word != QUOTED_NAME)
		return unsupported(parser);
	node.comparison = turned[comparison];
	if (parse_key(parser, &node) < 0 || add_literal(parser, &node, literal) < 0)
		return -1;
	*ret_node = add_node(parser, node);
	return 0;
}

static int parse_in(struct parser *parser, struct node *node)
{
	struct literal literal = {0};

	node->kind = IN;
	if (!take_symbol(parser, "("))
		return unsupported(parser);
	do {
		if (parse_literal(parser, &literal) < 0 || add_literal(parser, node, literal) < 0)
			return -1;
	} while (take_symbol(parser, ","));
	return take_symbol(parser, ")") ? 0 : unsupported(parser);
}

static int parse_between(struct parser *parser, struct node *node)
{
	struct literal low = {0};
	struct literal high = {0};

	node->kind = BETWEEN;
	if (parse_literal(parser, &low) < 0 || add_literal(parser, node, low) < 0)
		return -1;
	if (!take_keyword(parser, "and"))
		return unsupported(parser);
	return parse_literal(parser, &high) < 0 ? -1 : add_literal(parser, node, high);
}

static int parse_like(struct parser *parser, struct node *node)
{
	struct literal literal = {0};

	node->kind = LIKE;
	if (node->type != TYPE_TEXT)
		return aws_error_set(parser->error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
			"%s data type doesn't support operation 'LIKE'",
			expression_type_kind(node->type));
	if (parser->word != TEXT)
		return unsupported(parser);
	return parse_literal(parser, &literal) < 0 ? -1 : add_literal(parser, node, literal);
}

static size_t add_not(struct parser *parser, size_t node)
{
	return add_node(parser, (struct node){.kind = NOT, .left = node});
}

/* What follows a key. */
static int parse_condition(struct parser *parser, size_t *ret_node)
{
	struct node node = {.kind = COMPARE};
	bool is_not = false;
	int result;

	if (parse_key(parser, &node) < 0)
		return -1;
	if (take_keyword(parser, "is")) {
		node.kind = IS_NULL;
		is_not = take_keyword(parser, "not");
		result = take_keyword(parser, "null") ? 0 : unsupported(parser);
	} else {
		is_not = take_keyword(parser, "not");
		if (take_keyword(parser, "in")) {
			result = parse_in(parser, &node);
		} else if (take_keyword(parser, "between")) {
			result = parse_between(parser, &node);
		} else if (take_keyword(parser, "like")) {
			result = parse_like(parser, &node);
		} else if (is_not || parse_operator(parser, &node.comparison) < 0) {
			return unsupported(parser);
		} else {
			struct literal literal = {0};
			result = parse_literal(parser, &literal);
			if (result == 0)
				result = add_literal(parser, &node, literal);
		}
	}
	if (result < 0)
		return -1;
	size_t made = add_node(parser, node);
	*ret_node = is_not ? add_not(parser, made) : made;
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than STORE_EXPRESSION_DEPTH_MAX */
static int parse_primary(struct parser *parser, size_t *ret_node)
{
	if (take_keyword(parser, "not")) {
		size_t inner = 0;
		if (++parser->depth > STORE_EXPRESSION_DEPTH_MAX)
			return unsupported(parser);
		if (parse_primary(parser, &inner) < 0)
			return -1;
		parser->depth--;
		*ret_node = add_not(parser, inner);
		return 0;
	}
	if (take_symbol(parser, "(")) {
		if (++parser->depth > STORE_EXPRESSION_DEPTH_MAX)
			return unsupported(parser);
		if (parse_or(parser, ret_node) < 0)
			return -1;
		parser->depth--;
		return take_symbol(parser, ")") ? 0 : unsupported(parser);
	}
	if (parser->word == TEXT || parser->word == NUMBER)
		return parse_turned(parser, ret_node);
	if (parser->word == QUOTED_NAME)
		return parse_condition(parser, ret_node);
	if (parser->word != NAME)
		return unsupported(parser);
	/* DATE '...' and a key named date begin alike. */
	if (is_keyword(parser, "date") || is_keyword(parser, "timestamp")) {
		size_t i = 0;
		while (i < parser->rest.n && parser->rest.p[i] == ' ')
			i++;
		if (i < parser->rest.n && parser->rest.p[i] == '\'')
			return parse_turned(parser, ret_node);
	}
	return parse_condition(parser, ret_node);
}

/* NOLINTNEXTLINE(misc-no-recursion): as parse_primary */
static int parse_and(struct parser *parser, size_t *ret_node)
{
	if (parse_primary(parser, ret_node) < 0)
		return -1;
	while (take_keyword(parser, "and")) {
		struct node node = {.kind = AND, .left = *ret_node};
		if (parse_primary(parser, &node.right) < 0)
			return -1;
		*ret_node = add_node(parser, node);
	}
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): as parse_primary */
static int parse_or(struct parser *parser, size_t *ret_node)
{
	if (parse_and(parser, ret_node) < 0)
		return -1;
	while (take_keyword(parser, "or")) {
		struct node node = {.kind = OR, .left = *ret_node};
		if (parse_and(parser, &node.right) < 0)
			return -1;
		*ret_node = add_node(parser, node);
	}
	return 0;
}

int store_expression_parse(struct store_expression **ret_expression, struct str text,
	const json_t *keys, struct aws_error *error)
{
	_cleanup_(store_expression_freep) struct store_expression *expression =
		mem_new(1, sizeof(*expression));
	struct parser parser = {.expression = expression,
		.whole = text,
		.rest = text,
		.keys = keys,
		.error = error};
	int result = 0;

	next(&parser);
	if (parser.word == END)
		expression->root = add_node(&parser, (struct node){.kind = ALL});
	else
		result = parse_or(&parser, &expression->root);
	if (result == 0 && parser.word != END)
		result = unsupported(&parser);
	buf_done(&parser.string);
	if (result < 0)
		return -1;
	*ret_expression = take(expression);
	return 0;
}

void store_expression_free(struct store_expression *expression)
{
	if (!expression)
		return;
	free(expression->nodes);
	free(expression->literals);
	buf_done(&expression->text);
	free(expression);
}
