/* policy_priv: a policy document as policy.c reads it and policy_evaluate.c uses it.
 * All text is borrowed from the JSON, which the policy keeps. */
#pragma once

#include "aws/policy.h"

#include <jansson.h>

struct policy_list {
	struct str *items; /* owned */
	size_t count;
};

enum policy_comparison {
	POLICY_STRING_EQUALS,
	POLICY_STRING_EQUALS_IGNORE_CASE,
	POLICY_STRING_LIKE,
	POLICY_NUMERIC_EQUALS,
	POLICY_NUMERIC_LESS,
	POLICY_NUMERIC_LESS_EQUALS,
	POLICY_NUMERIC_GREATER,
	POLICY_NUMERIC_GREATER_EQUALS,
	POLICY_DATE_EQUALS,
	POLICY_DATE_LESS,
	POLICY_DATE_LESS_EQUALS,
	POLICY_DATE_GREATER,
	POLICY_DATE_GREATER_EQUALS,
	POLICY_BOOL,
	POLICY_BINARY_EQUALS,
	POLICY_IP_ADDRESS,
	POLICY_ARN_LIKE,
	POLICY_NULL,
};

enum policy_quantifier { POLICY_ONE_VALUE, POLICY_FOR_ALL_VALUES, POLICY_FOR_ANY_VALUE };

struct policy_condition {
	enum policy_comparison comparison;
	bool is_negated; /* StringNotEquals and the like */
	bool if_exists;
	enum policy_quantifier quantifier;
	struct str key;
	struct policy_list values;
};

enum policy_principal_type {
	POLICY_PRINCIPAL_EVERYBODY,
	POLICY_PRINCIPAL_ACCOUNT, /* value: the account's id */
	POLICY_PRINCIPAL_ARN,
	POLICY_PRINCIPAL_SERVICE,
	POLICY_PRINCIPAL_CANONICAL,
	POLICY_PRINCIPAL_FEDERATED,
};

struct policy_principal {
	enum policy_principal_type type;
	struct str value;
};

struct policy_statement {
	struct str sid;
	bool is_deny;
	bool not_action, not_resource, not_principal;
	struct policy_list actions, resources;
	struct policy_principal *principals;
	size_t principal_count;
	struct policy_condition *conditions;
	size_t condition_count;
};

struct aws_policy {
	json_t *json;
	json_t *texts;      /* numbers and booleans of conditions, as text */
	bool has_variables; /* Version 2012-10-17 */
	struct policy_statement *statements;
	size_t statement_count;
};

/* What a pattern is matched with. */
struct policy_match {
	const struct aws_policy_request *request;
	bool has_variables;
	bool has_wildcards;
	bool ignores_case;
};

/* The values of a context key, or NULL when the request has no such key (or one without values). */
const struct str *policy_context(
	const struct aws_policy_request *request, struct str name, size_t *ret_count);
/* Variables are replaced; what they stand for is never a wildcard. An unknown one never matches. */
bool policy_match(const struct policy_match *match, struct str pattern, struct str text);
/* Part by part, so that a wildcard does not cross a ':' of the first five. */
bool policy_match_arn(const struct policy_match *match, struct str pattern, struct str text);
bool policy_condition_holds(const struct aws_policy *policy,
	const struct policy_condition *condition, const struct aws_policy_request *request);
/* For the parser: can a value be compared at all? NULL, or what is wrong with it. */
const char *policy_value_problem(enum policy_comparison comparison, struct str value);
