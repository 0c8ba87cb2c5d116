/* Selectors of JSON and their comparisons. */
#include "query/pattern_priv.h"

#include <math.h>

/* As deep as PATTERN_STEPS_MAX, or as a pattern is long. NOLINTBEGIN(misc-no-recursion) */

static bool scalar_matches(const struct pattern_node *node, const json_t *value)
{
	const struct pattern_value *wanted = &node->value;

	switch (node->operator) {
	case PATTERN_IS_NULL:
		return json_is_null(value);
	case PATTERN_IS_TRUE:
		return json_is_true(value);
	case PATTERN_IS_FALSE:
		return json_is_false(value);
	default:
		break;
	}
	if (json_is_string(value))
		return pattern_compare_text(node->operator, wanted,
			(struct str){json_string_value(value), json_string_length(value)});
	if (json_is_number(value)) {
		char digits[32];

		if (wanted->is_number)
			return pattern_compare_number(
				node->operator, json_number_value(value), wanted->number);
		int n = json_is_integer(value)
				? snprintf(digits, sizeof(digits), "%lld",
					  (long long)json_integer_value(value))
				: snprintf(digits, sizeof(digits), "%.17g", json_real_value(value));
		return pattern_compare_text(
			node->operator, wanted, (struct str){digits, (size_t)n});
	}
	if (json_is_boolean(value))
		return pattern_compare_text(
			node->operator, wanted, json_is_true(value) ? STR("true") : STR("false"));
	return false;
}

/* Calls on for each value that the steps lead to, until it returns true. */
typedef bool on_value(void *context, const json_t *value);

static bool walk(const json_t *value, const struct pattern_step *steps, unsigned count,
	on_value *on, void *context)
{
	const json_t *member;
	const char *key;
	size_t i;

	for (; count && value; steps++, count--) {
		switch (steps->kind) {
		case PATTERN_STEP_NAME:
			value = json_object_get(value, steps->name.p);
			break;
		case PATTERN_STEP_INDEX:
			value = json_array_get(value, steps->index);
			break;
		case PATTERN_STEP_ANY_MEMBER:
			json_object_foreach((json_t *)value, key, member)
			{
				if (walk(member, steps + 1, count - 1, on, context))
					return true;
			}
			return false;
		case PATTERN_STEP_ANY_ITEM:
			json_array_foreach(value, i, member)
			{
				if (walk(member, steps + 1, count - 1, on, context))
					return true;
			}
			return false;
		}
	}
	return value && on(context, value);
}

static bool on_compared(void *context, const json_t *value)
{
	return scalar_matches(context, value);
}

static bool on_found(void *context, const json_t *value)
{
	return true;
}

static bool compare(
	const struct query_pattern *pattern, struct pattern_node *node, const json_t *root)
{
	const struct pattern_selector *selector = &pattern->selectors[node->selector];

	if (node->operator== PATTERN_NOT_EXISTS)
		return !walk(root, selector->steps, selector->count, on_found, NULL);
	return walk(root, selector->steps, selector->count, on_compared, node);
}

static bool evaluate(const struct query_pattern *pattern, unsigned index, const json_t *root)
{
	struct pattern_node *node = &pattern->nodes[index];

	if (node->kind == PATTERN_COMPARE)
		return compare(pattern, node, root);
	bool left = evaluate(pattern, node->left, root);
	if (left == (node->kind == PATTERN_OR))
		return left;
	return evaluate(pattern, node->right, root);
}

bool pattern_json_matches(const struct query_pattern *pattern, const json_t *root)
{
	return evaluate(pattern, pattern->root, root);
}

static bool on_told(void *context, const json_t *value)
{
	struct buf *text = context;

	if (json_is_string(value)) {
		buf_add(text, json_string_value(value), json_string_length(value));
		return true;
	}
	char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	if (dumped)
		buf_add_text(text, dumped);
	free(dumped);
	return true;
}

bool pattern_json_text(
	const struct pattern_selector *selector, const json_t *root, struct buf *text)
{
	return walk(root, selector->steps, selector->count, on_told, text);
}
/* NOLINTEND(misc-no-recursion) */
