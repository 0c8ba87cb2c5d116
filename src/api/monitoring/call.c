/* What the handlers share: input, refusals, pages. */
#include "api/monitoring/monitoring_priv.h"

#include "aws/digest.h"

#include <stdarg.h>
#include <stdio.h>

struct str monitoring_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR_NONE;
}

int64_t monitoring_number(const json_t *object, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

int monitoring_refuse(struct aws_error *error, enum aws_error_code code, const char *format, ...)
{
	char message[AWS_ERROR_MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return aws_error_set(error, code, "%s", message);
}

int monitoring_inner(struct api_call *call, struct aws_error *error)
{
	return aws_error_internal(error);
}

int monitoring_token(const struct api_call *call, struct buf *ret_text, struct aws_error *error)
{
	struct str token = monitoring_text(call->input, "NextToken");

	if (token.p && token.n && (!aws_base64_decode(token, ret_text) || !ret_text->n))
		return monitoring_refuse(error, AWS_ERROR_INVALID_NEXT_TOKEN,
			"The next token specified is invalid.");
	return 0;
}

void monitoring_next(json_t *output, struct str text)
{
	_cleanup_buf_ struct buf token = {0};

	aws_base64_add(&token, text.p, text.n);
	json_object_set_new(output, "NextToken", json_stringn(token.p, token.n));
}
