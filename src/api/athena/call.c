/* What the handlers share: input, refusals, pages. */
#include "api/athena/athena_priv.h"

#include "aws/digest.h"
#include "base/clock.h"
#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>

struct str athena_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR_NONE;
}

int athena_refuse(struct aws_error *error, const char *code, const char *format, ...)
{
	char message[AWS_ERROR_MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	aws_error_set(error, AWS_ERROR_INVALID_REQUEST_EXCEPTION, "%s", message);
	return aws_error_detail(error, "AthenaErrorCode", "%s", code);
}

void athena_id(char ret_id[static ID_SIZE + 1])
{
	uint8_t b[16];

	aws_random(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(ret_id, ID_SIZE + 1,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
}

int64_t athena_now_ms(void)
{
	return clock_wall_ns() / 1000000;
}

json_t *athena_json(struct str text)
{
	return json_stringn_nocheck(text.p ? text.p : "", text.n);
}

bool athena_split_location(struct str location, struct str *ret_bucket, struct str *ret_key)
{
	if (!str_starts_with(location, STR("s3://")))
		return false;
	struct str rest = {location.p + 5, location.n - 5};
	const char *slash = memchr(rest.p, '/', rest.n);
	*ret_bucket = (struct str){rest.p, slash ? (size_t)(slash - rest.p) : rest.n};
	*ret_key = slash ? (struct str){slash + 1, (size_t)(rest.p + rest.n - slash - 1)} : STR("");
	return ret_bucket->n > 0;
}

int athena_page(const struct api_call *call, size_t most, int64_t *ret_before, size_t *ret_limit,
	struct aws_error *error)
{
	struct str token = athena_text(call->input, "NextToken");
	const json_t *limit = json_object_get(call->input, "MaxResults");

	*ret_before = 0;
	*ret_limit = json_is_integer(limit) && json_integer_value(limit) > 0
			     ? (size_t)json_integer_value(limit)
			     : most;
	if (*ret_limit > most)
		*ret_limit = most;
	if (token.p && !number_parse_signed(token, 1, INT64_MAX, ret_before))
		return athena_refuse(error, "INVALID_INPUT", "NextToken is not valid.");
	return 0;
}

int athena_list(struct api_call *call, enum store_query_kind kind, struct str scope,
	const char *name, json_t *(*describe)(const json_t *document), struct aws_error *error)
{
	json_t *found, *list = json_array();
	int64_t before;
	size_t limit;

	json_object_set_new(call->output, name, list);
	if (athena_page(call, PAGE_MAX, &before, &limit, error) < 0)
		return -1;
	if (store_queries_list(athena_of(call)->settings.queries, kind, scope, before, limit + 1,
		    &found, &call->exchange->err) < 0)
		return aws_error_internal(error);
	for (size_t i = 0; i < json_array_size(found) && i < limit; i++) {
		const json_t *item = json_array_get(found, i);
		json_array_append_new(list, describe(json_object_get(item, "Document")));
		if (i + 1 == limit && json_array_size(found) > limit)
			json_object_set_new(call->output, "NextToken",
				json_sprintf("%lld", (long long)json_integer_value(
							     json_object_get(item, "Place"))));
	}
	json_decref(found);
	return 0;
}

json_t *athena_workgroup(struct athena *athena, struct str name, struct err *err)
{
	json_t *group = NULL;

	if (!name.n)
		name = STR("primary");
	store_queries_get(athena->settings.queries, STORE_WORKGROUP, STR(""), name, &group, err);
	return group;
}
