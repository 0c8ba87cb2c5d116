/* pattern: what the files of it share. */
#pragma once

#include "base/buf.h"
#include "query/pattern.h"

#include <jansson.h>

/* ---- regular expressions: pattern_regex.c ---- */
struct pattern_regex;
/* at is where text begins in the pattern, for messages. */
struct pattern_regex *pattern_regex_new(struct str text, size_t at, struct err *err);
bool pattern_regex_matches(const struct pattern_regex *regex, struct str text);
/* Text that every match contains, "" when none is known; a NUL stands for any byte. Lent. */
struct str pattern_regex_literal(const struct pattern_regex *regex);
void pattern_regex_free(struct pattern_regex *regex);

/* ---- one comparison ---- */
enum pattern_operator {
	PATTERN_EQUAL,
	PATTERN_NOT_EQUAL,
	PATTERN_LESS,
	PATTERN_GREATER,
	PATTERN_LESS_OR_EQUAL,
	PATTERN_GREATER_OR_EQUAL,
	PATTERN_IS_NULL, /* from here on JSON only, without a value */
	PATTERN_IS_TRUE,
	PATTERN_IS_FALSE,
	PATTERN_NOT_EXISTS,
};

struct pattern_value {
	struct str text; /* quotes undone */
	double number;
	bool is_number;              /* unquoted, and a number */
	bool is_wildcard;            /* '*' stands for anything */
	struct pattern_regex *regex; /* or NULL */
};

/* Conditions of JSON and of a word: a tree in an array; children stand before their parent. */
enum pattern_node_kind { PATTERN_COMPARE, PATTERN_AND, PATTERN_OR };
struct pattern_node {
	enum pattern_node_kind kind;
	enum pattern_operator operator;
	struct pattern_value value;
	unsigned selector;    /* JSON: index of it */
	unsigned left, right; /* indexes of nodes */
};

/* ---- JSON: pattern_json.c ---- */
enum pattern_step_kind {
	PATTERN_STEP_NAME,
	PATTERN_STEP_INDEX,
	PATTERN_STEP_ANY_MEMBER,
	PATTERN_STEP_ANY_ITEM
};
struct pattern_step {
	enum pattern_step_kind kind;
	struct str name; /* ends with a NUL */
	size_t index;
};
#define PATTERN_STEPS_MAX 64
struct pattern_selector {
	struct str text; /* as written, "$.user.id" */
	struct pattern_step *steps;
	unsigned count;
};

/* ---- terms and words ---- */
struct pattern_term {
	struct str text;
	struct pattern_regex *regex; /* or NULL */
	bool is_excluded, is_optional;
};
struct pattern_word {
	struct str name;  /* with its '$'; of an ellipsis: none */
	bool is_ellipsis; /* any number of words */
	bool has_condition;
	unsigned condition; /* index of a node */
};

/* ---- a text in a block: pattern_find.c ---- */
#define PATTERN_NEEDLE_BYTES 4
struct pattern_needle {
	struct str text; /* a NUL in it is any byte */
	bool has_gaps;
	uint8_t at[PATTERN_NEEDLE_BYTES]; /* bytes of it that are looked for first */
};
void pattern_needle_init(struct pattern_needle *needle, struct str text); /* borrows it */
/* The first place; NULL: none. text is not empty, and does not begin with NUL. */
const char *pattern_find(const struct pattern_needle *needle, const char *p, size_t n);
/* For kinds of processors; all find the same. The first is the fastest that this one can run. Texts
 * of two bytes and more. */
struct pattern_finder {
	const char *name;
	const char *(*find)(const struct pattern_needle *needle, const char *p, size_t n);
};
const struct pattern_finder *pattern_finders(size_t *ret_count);

/* ---- terms as questions about columns: pattern_columns.c ---- */
struct pattern_pieces;
struct pattern_pieces *pattern_pieces_new(const struct query_pattern *pattern);
void pattern_pieces_free(struct pattern_pieces *pieces);

enum pattern_kind { PATTERN_TERMS, PATTERN_JSON, PATTERN_WORDS };
struct query_pattern {
	enum pattern_kind kind;
	struct buf text; /* owns what the strings below point into */
	struct pattern_term *terms;
	unsigned terms_count;
	bool any_optional; /* only '?' terms: one of them is enough */
	struct pattern_word *words;
	unsigned words_count;
	unsigned ellipsis; /* index of it; words_count: none */
	struct pattern_node *nodes;
	unsigned nodes_count;
	struct pattern_selector *selectors;
	unsigned selectors_count;
	unsigned root; /* JSON: node */
	unsigned regexes;
	struct str literal; /* that every match contains; empty: none. JSON: unless escaped */
	struct pattern_needle needle; /* the literal */
	struct pattern_pieces *pieces;
};

/* Does the text, '*' standing for anything, cover all of it? */
bool pattern_wildcard_matches(struct str wildcard, struct str text);
bool pattern_number(struct str text, double *ret_number);
/* A word or the text of a JSON string. */
bool pattern_compare_text(
	enum pattern_operator operator, const struct pattern_value * value, struct str text);
/* The word of a line, by the condition that is the node. */
bool pattern_condition_holds(const struct query_pattern *pattern, unsigned node, struct str word);
bool pattern_compare_number(enum pattern_operator operator, double a, double b);

bool pattern_json_matches(const struct query_pattern *pattern, const json_t *root);
/* The value as it is told; appends text. */
bool pattern_json_text(
	const struct pattern_selector *selector, const json_t *root, struct buf *text);

/* pattern_parse.c */
int pattern_parse(struct query_pattern *pattern, struct err *err);
