/* catalog_expression: what GetPartitions takes as Expression: a condition over the keys of a
 * partition. Source: AWS Glue API reference, GetPartitions.
 *
 *	expression = expression OR expression | expression AND expression | NOT expression
 *	           | ( expression ) | key OP literal | literal OP key | key [NOT] IN (literal, ...)
 *	           | key [NOT] BETWEEN literal AND literal | key [NOT] LIKE 'pattern'
 *	           | key IS [NOT] NULL
 *
 * OP is one of = <> != < <= > >=; AND binds closer than OR; names may stand in "" or ``, and are
 * not case-sensitive; a literal is 'text', a number, or DATE 'text' or TIMESTAMP 'text'. In LIKE a
 *% is any text, _ any character and \ takes what follows as it is. Values are compared by the key's
 * type: string, char, varchar; tinyint, smallint, int, integer, bigint, long, decimal; date;
 * timestamp. A value __HIVE_DEFAULT_PARTITION__, or one that is none of its type, is NULL: a
 * comparison with it is neither true nor false, as in SQL, but = '__HIVE_DEFAULT_PARTITION__' finds
 * it. */
#pragma once

#include "aws/error.h"
#include "base/mem.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define STORE_EXPRESSION_DEPTH_MAX 200
#define STORE_PARTITION_NULL       "__HIVE_DEFAULT_PARTITION__"

struct store_expression;

/* keys: the table's PartitionKeys, objects with Name and Type. InvalidInputException says what is
 * wrong. Nothing is lent. */
int store_expression_parse(struct store_expression **ret_expression, struct str text,
	const json_t *keys, struct aws_error *error);
void store_expression_free(struct store_expression *expression);
MEM_DEFINE_CLEANUP(struct store_expression, store_expression_free)

/* values: one for each of the keys. Threads may share the expression. */
bool store_expression_matches(
	const struct store_expression *expression, const struct str *values, size_t count);
