/* What the handlers share: input, refusals, pages, patterns. */
#include "api/glue/glue_priv.h"

#include "aws/digest.h"

#include <stdarg.h>
#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct str glue_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR_NONE;
}

int64_t glue_number(const json_t *object, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

json_t *glue_json(struct str text)
{
	return json_stringn_nocheck(text.p ? text.p : "", text.n);
}

int glue_refuse(struct aws_error *error, const char *format, ...)
{
	char message[AWS_ERROR_MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return aws_error_set(error, AWS_ERROR_INVALID_INPUT_EXCEPTION, "%s", message);
}

int glue_check_catalog(const struct api_call *call, struct aws_error *error)
{
	struct str id = glue_text(call->input, "CatalogId");

	if (!id.p || str_equal(id, str_from(glue_of(call)->account)))
		return 0;
	return aws_error_set(error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION, "Catalog %.*s not found.",
		STR_ARG(id));
}

struct store_table_name glue_table(const struct api_call *call, const char *member)
{
	struct str database = glue_text(call->input, "DatabaseName");
	struct str table = glue_text(call->input, member);

	return (struct store_table_name){
		database.p ? database : STR(""), table.p ? table : STR("")};
}

json_t *glue_error_detail(const struct aws_error *error)
{
	return json_pack("{s:s, s:s}", "ErrorCode", aws_error_name(error->code), "ErrorMessage",
		error->message);
}

/* ---- pages ---- */

int glue_page(const struct api_call *call, struct buf *ret_after, struct aws_error *error)
{
	struct str token = glue_text(call->input, "NextToken");

	/* An empty one is none: clients in loops send it. */
	if (token.n && (!aws_base64_decode(token, ret_after) || !ret_after->n))
		return glue_refuse(error, "The specified NextToken is invalid.");
	return 0;
}

size_t glue_limit(const struct api_call *call, size_t otherwise)
{
	int64_t limit = glue_number(call->input, "MaxResults", 0);

	return limit > 0 && limit <= GLUE_PAGE_MAX ? (size_t)limit : otherwise;
}

void glue_next(struct api_call *call, struct str after)
{
	_cleanup_buf_ struct buf token = {0};

	aws_base64_add(&token, after.p, after.n);
	json_object_set_new(call->output, "NextToken", glue_json(buf_str(&token)));
}

void glue_cut(struct api_call *call, json_t *list, size_t limit, const char *member)
{
	if (json_array_size(list) <= limit)
		return;
	while (json_array_size(list) > limit)
		json_array_remove(list, json_array_size(list) - 1);
	glue_next(call, glue_text(json_array_get(list, limit - 1), member));
}

/* ---- patterns ---- */

struct glue_pattern {
	pcre2_code *regular, *hive; /* NULL: it is none */
};

static pcre2_code *compile(struct str text)
{
	int code;
	PCRE2_SIZE at;

	return pcre2_compile((PCRE2_SPTR)text.p, text.n,
		PCRE2_CASELESS | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF |
			PCRE2_NEVER_BACKSLASH_C,
		&code, &at, NULL);
}

int glue_pattern_new(struct glue_pattern **ret_pattern, struct str text, struct aws_error *error)
{
	_cleanup_(glue_pattern_freep) struct glue_pattern *pattern = mem_new(1, sizeof(*pattern));
	_cleanup_buf_ struct buf hive = {0};

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '*')
			buf_add_char(&hive, '.');
		buf_add_char(&hive, text.p[i]);
	}
	pattern->regular = compile(text);
	pattern->hive = compile(buf_str(&hive));
	if (!pattern->regular && !pattern->hive)
		return glue_refuse(error, "Invalid regular expression: %.*s", STR_ARG(text));
	*ret_pattern = take(pattern);
	return 0;
}

static bool matches(const pcre2_code *code, struct str name)
{
	if (!code)
		return false;
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(context, 100000);
	pcre2_set_heap_limit(context, 1024);
	int found = pcre2_match(code, (PCRE2_SPTR)name.p, name.n, 0, 0, match, context);
	pcre2_match_context_free(context);
	pcre2_match_data_free(match);
	return found >= 0;
}

bool glue_pattern_matches(const struct glue_pattern *pattern, struct str name)
{
	return !pattern || matches(pattern->regular, name) || matches(pattern->hive, name);
}

void glue_pattern_free(struct glue_pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_code_free(pattern->regular);
	pcre2_code_free(pattern->hive);
	free(pattern);
}
