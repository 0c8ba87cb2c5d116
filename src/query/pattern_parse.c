/* The three forms of a pattern, each a recursive descent over at most QUERY_PATTERN_MAX bytes. */
#include "query/pattern_priv.h"

#include <stdio.h>

/* As deep as DEPTH_MAX, or as a pattern is long. NOLINTBEGIN(misc-no-recursion) */

#define DEPTH_MAX            64 /* of parentheses */
#define WILDCARD_STEPS_MAX   3  /* in one pattern */
#define WORDS_OF_PATTERN_MAX 256

struct parser {
	struct query_pattern *pattern;
	struct str text;
	size_t at;
	unsigned depth;
	unsigned wildcards; /* steps of selectors */
	struct str name;    /* of the word whose conditions are read; empty: JSON */
	struct err *err;
};

static int fail(struct parser *parser, const char *expected)
{
	char found[48] = "the end";

	if (parser->at < parser->text.n)
		snprintf(found, sizeof(found), "'%.*s'",
			(int)(parser->text.n - parser->at < 16 ? parser->text.n - parser->at : 16),
			parser->text.p + parser->at);
	return err_set(parser->err, ERR_USAGE,
		"filter pattern, position %zu: expected %s, found %s", parser->at + 1, expected,
		found);
}

static char peek(const struct parser *parser)
{
	return parser->at < parser->text.n ? parser->text.p[parser->at] : '\0';
}

static void skip_blanks(struct parser *parser)
{
	while (peek(parser) && strchr(" \t\r\n", peek(parser)))
		parser->at++;
}

static bool take_text(struct parser *parser, struct str text)
{
	struct str rest = {parser->text.p + parser->at, parser->text.n - parser->at};

	if (!str_starts_with(rest, text))
		return false;
	parser->at += text.n;
	return true;
}

/* Into the pattern's own memory, which has been reserved whole: it does not move. */
static struct str keep(struct parser *parser, const char *bytes, size_t n)
{
	struct buf *text = &parser->pattern->text;
	char *place = text->p + text->n;

	buf_add(text, bytes, n);
	buf_add_char(text, '\0');
	return (struct str){place, n};
}

/* ---- pieces of all forms ---- */

/* "...", with \" and \\ for the two. */
static int parse_quoted(struct parser *parser, struct str *ret_text)
{
	char decoded[QUERY_PATTERN_MAX];
	size_t n = 0;

	parser->at++;
	while (peek(parser) != '"') {
		if (parser->at >= parser->text.n)
			return fail(parser, "'\"'");
		if (peek(parser) == '\\' && parser->at + 1 < parser->text.n &&
			strchr("\"\\", parser->text.p[parser->at + 1]))
			parser->at++;
		decoded[n++] = peek(parser);
		parser->at++;
	}
	parser->at++;
	*ret_text = keep(parser, decoded, n);
	return 0;
}

static int parse_regex(struct parser *parser, struct pattern_regex **ret_regex)
{
	size_t start = ++parser->at;

	while (peek(parser) != '%') {
		if (parser->at >= parser->text.n)
			return fail(parser, "'%' at the end of the regular expression");
		parser->at += peek(parser) == '\\' && parser->at + 1 < parser->text.n ? 2 : 1;
	}
	if (parser->pattern->regexes == QUERY_PATTERN_REGEX_MAX)
		return err_set(parser->err, ERR_USAGE,
			"filter pattern, position %zu: a pattern can have %d regular expressions",
			start, QUERY_PATTERN_REGEX_MAX);
	*ret_regex = pattern_regex_new(
		(struct str){parser->text.p + start, parser->at - start}, start, parser->err);
	if (!*ret_regex)
		return -1;
	parser->pattern->regexes++;
	parser->at++;
	return 0;
}

/* ---- terms ---- */

static int parse_term(struct parser *parser)
{
	struct query_pattern *pattern = parser->pattern;
	bool has_next = parser->at + 1 < parser->text.n &&
			!strchr(" \t\r\n", parser->text.p[parser->at + 1]);

	pattern->terms =
		mem_grow(pattern->terms, pattern->terms_count + 1, sizeof(pattern->terms[0]));
	struct pattern_term *term = &pattern->terms[pattern->terms_count++];
	*term = (struct pattern_term){
		.is_excluded = has_next && peek(parser) == '-',
		.is_optional = has_next && peek(parser) == '?',
	};
	if (term->is_excluded || term->is_optional)
		parser->at++;
	if (peek(parser) == '"')
		return parse_quoted(parser, &term->text);
	if (peek(parser) == '%')
		return parse_regex(parser, &term->regex);
	size_t start = parser->at;
	while (peek(parser) && !strchr(" \t\r\n\"", peek(parser)))
		parser->at++;
	term->text = keep(parser, parser->text.p + start, parser->at - start);
	return 0;
}

static int parse_terms(struct parser *parser)
{
	struct query_pattern *pattern = parser->pattern;

	pattern->kind = PATTERN_TERMS;
	pattern->any_optional = true;
	for (skip_blanks(parser); parser->at < parser->text.n; skip_blanks(parser)) {
		if (parse_term(parser) < 0)
			return -1;
		if (!pattern->terms[pattern->terms_count - 1].is_optional)
			pattern->any_optional = false;
	}
	pattern->any_optional = pattern->any_optional && pattern->terms_count;
	return 0;
}

/* ---- conditions ---- */

static unsigned add_node(struct parser *parser, const struct pattern_node *node)
{
	struct query_pattern *pattern = parser->pattern;

	pattern->nodes =
		mem_grow(pattern->nodes, pattern->nodes_count + 1, sizeof(pattern->nodes[0]));
	pattern->nodes[pattern->nodes_count] = *node;
	return pattern->nodes_count++;
}

static int parse_operator(struct parser *parser, enum pattern_operator *ret_operator)
{
	static const struct {
		struct str text;
		enum pattern_operator operator;
	} operators[] = {
		{{"!=", 2}, PATTERN_NOT_EQUAL},
		{{"<=", 2}, PATTERN_LESS_OR_EQUAL},
		{{">=", 2}, PATTERN_GREATER_OR_EQUAL},
		{{"=", 1}, PATTERN_EQUAL},
		{{"<", 1}, PATTERN_LESS},
		{{">", 1}, PATTERN_GREATER},
	};

	skip_blanks(parser);
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (take_text(parser, operators[i].text)) {
			*ret_operator = operators[i].operator;
			return 0;
		}
	}
	return fail(parser, parser->name.n ? "an operator (=, !=, <, >, <=, >=)"
					   : "an operator (=, !=, <, >, <=, >=, IS, NOT EXISTS)");
}

static bool ends_value(const struct parser *parser)
{
	char c = peek(parser);
	struct str rest = {parser->text.p + parser->at, parser->text.n - parser->at};

	return !c || strchr(" \t\r\n()\"", c) || str_starts_with(rest, STR("&&")) ||
	       str_starts_with(rest, STR("||")) ||
	       (parser->name.n ? c == ',' || c == ']' : c == '}');
}

static int parse_value(struct parser *parser, struct pattern_node *node)
{
	struct pattern_value *value = &node->value;

	skip_blanks(parser);
	size_t start = parser->at;
	if (peek(parser) == '"') {
		if (parse_quoted(parser, &value->text) < 0)
			return -1;
	} else if (peek(parser) == '%') {
		if (parse_regex(parser, &value->regex) < 0)
			return -1;
	} else {
		while (!ends_value(parser))
			parser->at++;
		if (parser->at == start)
			return fail(parser, "a value");
		value->text = keep(parser, parser->text.p + start, parser->at - start);
		value->is_number = pattern_number(value->text, &value->number);
	}
	value->is_wildcard = !value->regex && !value->is_number && value->text.n &&
			     memchr(value->text.p, '*', value->text.n);
	if (node->operator<= PATTERN_NOT_EQUAL)
		return 0;
	/* "10" in quotes is compared as a number too where order is asked for. */
	if (!value->is_number && !value->regex)
		value->is_number = pattern_number(value->text, &value->number);
	if (!value->is_number) {
		parser->at = start;
		return fail(parser, "a number behind <, >, <= or >=");
	}
	return 0;
}

static bool ends_name(const struct parser *parser)
{
	char c = peek(parser);

	return !c || strchr(" \t\r\n,]=!<>&|()\"%[{}", c) || (!parser->name.n && c == '.');
}

/* ---- JSON ---- */

static struct pattern_step *add_step(struct pattern_selector *selector, enum pattern_step_kind kind)
{
	selector->steps =
		mem_grow(selector->steps, selector->count + 1, sizeof(selector->steps[0]));
	selector->steps[selector->count] = (struct pattern_step){.kind = kind};
	return &selector->steps[selector->count++];
}

static int parse_bracket(struct parser *parser, struct pattern_selector *selector)
{
	size_t start;

	if (take_text(parser, STR("*]"))) {
		add_step(selector, PATTERN_STEP_ANY_ITEM);
		return 0;
	}
	char quote = peek(parser);
	if (quote == '\'' || quote == '"') {
		start = ++parser->at;
		while (peek(parser) && peek(parser) != quote)
			parser->at++;
		struct str name = keep(parser, parser->text.p + start, parser->at - start);
		if (!peek(parser))
			return fail(parser, "the end of the quoted name");
		parser->at++;
		add_step(selector, PATTERN_STEP_NAME)->name = name;
	} else {
		size_t index = 0;
		start = parser->at;
		while (peek(parser) >= '0' && peek(parser) <= '9' && parser->at - start < 9)
			index = index * 10 + (size_t)(parser->text.p[parser->at++] - '0');
		if (parser->at == start)
			return fail(parser, "a number, '*' or a quoted name");
		add_step(selector, PATTERN_STEP_INDEX)->index = index;
	}
	return take_text(parser, STR("]")) ? 0 : fail(parser, "']'");
}

static int parse_step(struct parser *parser, struct pattern_selector *selector)
{
	if (take_text(parser, STR("[")))
		return parse_bracket(parser, selector);
	parser->at++; /* '.' */
	if (take_text(parser, STR("[")))
		return parse_bracket(parser, selector);
	if (take_text(parser, STR("*"))) {
		add_step(selector, PATTERN_STEP_ANY_MEMBER);
		return 0;
	}
	size_t start = parser->at;
	while (!ends_name(parser))
		parser->at++;
	if (parser->at == start)
		return fail(parser, "the name of a property");
	add_step(selector, PATTERN_STEP_NAME)->name =
		keep(parser, parser->text.p + start, parser->at - start);
	return 0;
}

static int check_selector(struct parser *parser, const struct pattern_selector *selector)
{
	unsigned wildcards = 0;

	if (!selector->count)
		return fail(parser, "'.' and the name of a property behind '$'");
	for (unsigned i = 0; i < selector->count; i++) {
		if (selector->steps[i].kind == PATTERN_STEP_ANY_MEMBER ||
			selector->steps[i].kind == PATTERN_STEP_ANY_ITEM)
			wildcards++;
	}
	parser->wildcards += wildcards;
	if (wildcards > 1)
		return fail(parser, "one wildcard at most in a selector");
	if (parser->wildcards > WILDCARD_STEPS_MAX)
		return fail(parser, "three wildcards at most in all selectors");
	return 0;
}

/* The index of the selector; the same one is kept once. */
static int parse_selector(struct parser *parser, unsigned *ret_index)
{
	struct query_pattern *pattern = parser->pattern;
	size_t start = parser->at;

	if (!take_text(parser, STR("$")))
		return fail(parser, "a selector, as $.name, or '('");
	pattern->selectors = mem_grow(
		pattern->selectors, pattern->selectors_count + 1, sizeof(pattern->selectors[0]));
	struct pattern_selector *selector = &pattern->selectors[pattern->selectors_count++];
	*selector = (struct pattern_selector){.count = 0};
	while (peek(parser) == '.' || peek(parser) == '[') {
		if (selector->count == PATTERN_STEPS_MAX)
			return fail(parser, "64 steps at most in a selector");
		if (parse_step(parser, selector) < 0)
			return -1;
	}
	selector->text = keep(parser, parser->text.p + start, parser->at - start);
	if (check_selector(parser, selector) < 0)
		return -1;
	*ret_index = pattern->selectors_count - 1;
	for (unsigned i = 0; i + 1 < pattern->selectors_count; i++) {
		if (!str_equal(pattern->selectors[i].text, selector->text))
			continue;
		free(selector->steps);
		pattern->selectors_count--;
		*ret_index = i;
		return 0;
	}
	return 0;
}

static int parse_json_comparison(struct parser *parser, struct pattern_node *node)
{
	if (parse_selector(parser, &node->selector) < 0)
		return -1;
	skip_blanks(parser);
	if (take_text(parser, STR("NOT"))) {
		skip_blanks(parser);
		node->operator= PATTERN_NOT_EXISTS;
		return take_text(parser, STR("EXISTS")) ? 0 : fail(parser, "EXISTS behind NOT");
	}
	if (take_text(parser, STR("IS"))) {
		skip_blanks(parser);
		if (take_text(parser, STR("NULL")))
			node->operator= PATTERN_IS_NULL;
		else if (take_text(parser, STR("TRUE")))
			node->operator= PATTERN_IS_TRUE;
		else if (take_text(parser, STR("FALSE")))
			node->operator= PATTERN_IS_FALSE;
		else
			return fail(parser, "NULL, TRUE or FALSE behind IS");
		return ends_value(parser) ? 0 : fail(parser, "a space");
	}
	return parse_operator(parser, &node->operator) < 0 ? -1 : parse_value(parser, node);
}

static int parse_word_comparison(struct parser *parser, struct pattern_node *node)
{
	size_t start = parser->at;

	while (!ends_name(parser))
		parser->at++;
	struct str name = {parser->text.p + start, parser->at - start};
	if (!str_equal(name, parser->name)) {
		parser->at = start;
		return fail(parser, "the name of this word again");
	}
	return parse_operator(parser, &node->operator) < 0 ? -1 : parse_value(parser, node);
}

static int parse_or(struct parser *parser, unsigned *ret_node);

static int parse_primary(struct parser *parser, unsigned *ret_node)
{
	struct pattern_node node = {.kind = PATTERN_COMPARE};

	skip_blanks(parser);
	if (take_text(parser, STR("("))) {
		if (++parser->depth > DEPTH_MAX)
			return fail(parser, "parentheses 64 deep at most");
		if (parse_or(parser, ret_node) < 0)
			return -1;
		parser->depth--;
		return take_text(parser, STR(")")) ? 0 : fail(parser, "'&&', '||' or ')'");
	}
	int result = parser->name.n ? parse_word_comparison(parser, &node)
				    : parse_json_comparison(parser, &node);
	*ret_node =
		add_node(parser, &node); /* also after an error: it owns the regular expression */
	return result;
}

static int parse_and(struct parser *parser, unsigned *ret_node)
{
	struct pattern_node node = {.kind = PATTERN_AND};

	if (parse_primary(parser, ret_node) < 0)
		return -1;
	for (skip_blanks(parser); take_text(parser, STR("&&")); skip_blanks(parser)) {
		node.left = *ret_node;
		if (parse_primary(parser, &node.right) < 0)
			return -1;
		*ret_node = add_node(parser, &node);
	}
	return 0;
}

static int parse_or(struct parser *parser, unsigned *ret_node)
{
	struct pattern_node node = {.kind = PATTERN_OR};

	if (parse_and(parser, ret_node) < 0)
		return -1;
	for (skip_blanks(parser); take_text(parser, STR("||")); skip_blanks(parser)) {
		node.left = *ret_node;
		if (parse_and(parser, &node.right) < 0)
			return -1;
		*ret_node = add_node(parser, &node);
	}
	return 0;
}

static int parse_end(struct parser *parser)
{
	skip_blanks(parser);
	return parser->at == parser->text.n ? 0 : fail(parser, "the end");
}

static int parse_json(struct parser *parser)
{
	parser->pattern->kind = PATTERN_JSON;
	parser->at++;
	if (parse_or(parser, &parser->pattern->root) < 0)
		return -1;
	if (!take_text(parser, STR("}")))
		return fail(parser, "'&&', '||' or '}'");
	return parse_end(parser);
}

/* ---- words ---- */

static int parse_word(struct parser *parser)
{
	struct query_pattern *pattern = parser->pattern;

	skip_blanks(parser);
	if (pattern->words_count == WORDS_OF_PATTERN_MAX)
		return fail(parser, "256 names at most");
	pattern->words =
		mem_grow(pattern->words, pattern->words_count + 1, sizeof(pattern->words[0]));
	struct pattern_word *word = &pattern->words[pattern->words_count++];
	*word = (struct pattern_word){.is_ellipsis = take_text(parser, STR("..."))};
	if (word->is_ellipsis) {
		if (pattern->ellipsis != UINT32_MAX)
			return fail(parser, "one ellipsis at most");
		pattern->ellipsis = pattern->words_count - 1;
		return 0;
	}
	/* Conditions may begin with parentheses: the name is the first one in them. */
	size_t start = parser->at;
	while (peek(parser) == '(' || peek(parser) == ' ')
		parser->at++;
	size_t name = parser->at;
	parser->name = STR("$"); /* any: dots belong to it */
	while (!ends_name(parser))
		parser->at++;
	if (parser->at == name)
		return fail(parser, "a name or '...'");
	parser->name = (struct str){parser->text.p + name, parser->at - name};
	_cleanup_buf_ struct buf full = {0};
	buf_printf(&full, "$%.*s", STR_ARG(parser->name));
	word->name = keep(parser, full.p, full.n);
	skip_blanks(parser);
	if (name == start && (peek(parser) == ',' || peek(parser) == ']'))
		return 0;
	parser->at = start;
	word->has_condition = true;
	unsigned condition;
	if (parse_or(parser, &condition) < 0)
		return -1;
	word->condition = condition;
	return 0;
}

static int parse_words(struct parser *parser)
{
	struct query_pattern *pattern = parser->pattern;

	pattern->kind = PATTERN_WORDS;
	pattern->ellipsis = UINT32_MAX;
	parser->at++;
	skip_blanks(parser);
	/* AWS takes a pattern without names; it asks for nothing. */
	if (take_text(parser, STR("]"))) {
		pattern->words = mem_new(1, sizeof(pattern->words[0]));
		pattern->words[0] = (struct pattern_word){.is_ellipsis = true};
		pattern->words_count = 1;
		pattern->ellipsis = 0;
		return parse_end(parser);
	}
	do {
		if (parse_word(parser) < 0)
			return -1;
		skip_blanks(parser);
	} while (take_text(parser, STR(",")));
	if (!take_text(parser, STR("]")))
		return fail(parser, "',' or ']'");
	if (pattern->ellipsis == UINT32_MAX)
		pattern->ellipsis = pattern->words_count;
	return parse_end(parser);
}

/* ---- text that every match contains ---- */

/* Less those that may be any. */
static size_t known_bytes(struct str text)
{
	size_t known = 0;

	for (size_t i = 0; i < text.n; i++)
		known += text.p[i] != '\0';
	return known;
}

static struct str longer(struct str a, struct str b)
{
	return known_bytes(b) > known_bytes(a) ? b : a;
}

static struct str literal_of_value(const struct pattern_node *node)
{
	struct str rest = node->value.text;
	struct str best = STR("");
	struct str piece;

	if (node->operator!= PATTERN_EQUAL || node->value.is_number)
		return best;
	if (node->value.regex)
		return pattern_regex_literal(node->value.regex);
	if (!node->value.is_wildcard)
		return rest;
	while (str_split(&rest, '*', &piece))
		best = longer(best, piece);
	return best;
}

static struct str literal_of(const struct query_pattern *pattern, unsigned index)
{
	const struct pattern_node *node = &pattern->nodes[index];

	if (node->kind == PATTERN_COMPARE)
		return literal_of_value(node);
	if (node->kind == PATTERN_OR)
		return STR("");
	return longer(literal_of(pattern, node->left), literal_of(pattern, node->right));
}

static void find_literal(struct query_pattern *pattern)
{
	struct str best = STR("");

	for (unsigned i = 0; i < pattern->terms_count; i++) {
		const struct pattern_term *term = &pattern->terms[i];
		if (term->is_excluded || term->is_optional)
			continue;
		best = longer(best, term->regex ? pattern_regex_literal(term->regex) : term->text);
	}
	for (unsigned i = 0; i < pattern->words_count; i++) {
		if (pattern->words[i].has_condition)
			best = longer(best, literal_of(pattern, pattern->words[i].condition));
	}
	if (pattern->kind == PATTERN_JSON)
		best = literal_of(pattern, pattern->root);
	pattern->literal = best;
	pattern_needle_init(&pattern->needle, best);
}

int pattern_parse(struct query_pattern *pattern, struct err *err)
{
	struct parser parser = {.pattern = pattern, .text = buf_str(&pattern->text), .err = err};
	int result;

	skip_blanks(&parser);
	if (peek(&parser) == '{')
		result = parse_json(&parser);
	else if (peek(&parser) == '[')
		result = parse_words(&parser);
	else
		result = parse_terms(&parser);
	if (result == 0)
		find_literal(pattern);
	return result;
}
/* NOLINTEND(misc-no-recursion) */
