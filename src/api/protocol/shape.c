#include "api/protocol/shape.h"

#include <stdatomic.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps and heap (KiB) after which a match is given up: patterns are ours, texts are strangers'. */
enum { MATCH_STEPS_MAX = 100000, MATCH_HEAP_MAX = 1024 };

const struct shape_operation *shape_find_operation(
	const struct shape_service *service, struct str name)
{
	for (size_t i = 0; i < service->operation_count; i++)
		if (str_equal(name, str_from(service->operations[i].name)))
			return &service->operations[i];
	return NULL;
}

const struct shape_member *shape_find_member(const struct shape *shape, struct str name)
{
	for (size_t i = 0; i < shape->member_count; i++)
		if (str_equal(name, str_from(shape->members[i].name)))
			return &shape->members[i];
	return NULL;
}

static const struct shape *find_error(
	const struct shape *const *errors, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(name, str_from(errors[i]->name)) ||
			(errors[i]->query_code && str_equal(name, str_from(errors[i]->query_code))))
			return errors[i];
	return NULL;
}

const struct shape *shape_find_error(const struct shape_service *service,
	const struct shape_operation *operation, struct str name)
{
	const struct shape *found = NULL;

	if (operation)
		found = find_error(operation->errors, operation->error_count, name);
	return found ? found : find_error(service->errors, service->error_count, name);
}

const struct shape_member *shape_find_streaming(const struct shape *shape)
{
	for (size_t i = 0; shape && i < shape->member_count; i++)
		if (shape->members[i].shape->is_streaming)
			return &shape->members[i];
	return NULL;
}

/* Two threads may compile at once; one of the results is kept. */
static pcre2_code *compiled(struct shape_pattern *pattern)
{
	void *code = atomic_load(&pattern->compiled), *before = NULL;
	int error;
	PCRE2_SIZE offset;

	if (code)
		return code;
	code = pcre2_compile((PCRE2_SPTR)pattern->text, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_DOLLAR_ENDONLY | PCRE2_ANCHORED |
			PCRE2_ENDANCHORED,
		&error, &offset, NULL);
	if (code && !atomic_compare_exchange_strong(&pattern->compiled, &before, code)) {
		pcre2_code_free(code);
		code = before;
	}
	return code;
}

enum shape_match shape_pattern_match(struct shape_pattern *pattern, struct str text)
{
	pcre2_code *code = compiled(pattern);

	if (!code)
		return SHAPE_PATTERN_BAD;
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
	int found = PCRE2_ERROR_NOMEMORY;
	if (context && data) {
		pcre2_set_match_limit(context, MATCH_STEPS_MAX);
		pcre2_set_heap_limit(context, MATCH_HEAP_MAX);
		found = pcre2_match(
			code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, 0, data, context);
	}
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	return found >= 0 ? SHAPE_MATCHES : SHAPE_MATCHES_NOT;
}
