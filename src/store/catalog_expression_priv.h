/* catalog_expression_priv: an expression as parser and matching share it. */
#pragma once

#include "store/catalog_expression.h"

#include "base/buf.h"

enum type { TYPE_TEXT, TYPE_INTEGER, TYPE_DECIMAL, TYPE_DATE, TYPE_TIMESTAMP };
enum truth { FALSE, TRUE, UNKNOWN };
enum comparison { EQUAL, DIFFERENT, LESS, LESS_OR_EQUAL, MORE, MORE_OR_EQUAL };
enum kind { ALL, AND, OR, NOT, COMPARE, IN, BETWEEN, LIKE, IS_NULL };

struct node {
	enum kind kind;
	enum comparison comparison;
	enum type type;
	size_t key;             /* of the partition's values */
	size_t left, right;     /* nodes */
	size_t literals, count; /* the first, how many */
	bool is_null_text;      /* = or <> '__HIVE_DEFAULT_PARTITION__' */
};

/* A literal lies in text. */
struct literal {
	size_t at, n;
};

struct store_expression {
	struct node *nodes;
	size_t count, root;
	struct literal *literals;
	size_t literals_count;
	struct buf text;
};

/* By the name of a key's type, "varchar(10)"; false: there is none. */
bool expression_type_find(struct str name, enum type *ret_type);
/* For messages: "Integral". */
const char *expression_type_kind(enum type type);
bool expression_is_of_type(struct str text, enum type type);
struct str expression_literal(const struct store_expression *expression, struct literal literal);
