/* What the handlers share: input, refusals, pages. */
#include "api/logs/logs_priv.h"

#include "aws/arn.h"
#include "aws/digest.h"

#include <stdarg.h>
#include <stdio.h>

struct str logs_string(const json_t *value)
{
	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR_NONE;
}

struct str logs_text(const struct api_call *call, const char *name)
{
	return logs_string(json_object_get(call->input, name));
}

int64_t logs_number(const struct api_call *call, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(call->input, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool logs_flag(const struct api_call *call, const char *name)
{
	return json_is_true(json_object_get(call->input, name));
}

int logs_refuse(struct aws_error *error, const char *format, ...)
{
	char message[AWS_ERROR_MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_EXCEPTION, "%s", message);
}

int logs_refuse_token(struct aws_error *error)
{
	return logs_refuse(error, "The specified nextToken is invalid.");
}

/* ---- groups by name or ARN ---- */

bool logs_parse_group(const struct logs *logs, struct str identifier, struct str *ret_name)
{
	struct str prefix = STR("log-group:");
	struct aws_arn arn;

	if (!str_starts_with(identifier, STR("arn:"))) {
		*ret_name = identifier;
		return identifier.n > 0;
	}
	if (!aws_arn_parse(identifier, &arn) || !str_equal(arn.service, STR("logs")) ||
		!str_equal(arn.region, logs->region) || !str_equal(arn.account, logs->account) ||
		!str_starts_with(arn.resource, prefix))
		return false;
	struct str name = {arn.resource.p + prefix.n, arn.resource.n - prefix.n};
	if (str_ends_with(name, STR(":*")))
		name.n -= 2;
	*ret_name = name;
	return name.n > 0;
}

int logs_group(const struct api_call *call, struct str *ret_name, struct aws_error *error)
{
	struct str name = logs_text(call, "logGroupName");
	struct str identifier = logs_text(call, "logGroupIdentifier");

	if (name.p && identifier.p)
		return aws_error_set(error, AWS_ERROR_VALIDATION_EXCEPTION,
			"LogGroup name and LogGroup ARN are mutually exclusive parameters.");
	if (!name.p && !identifier.p)
		return logs_refuse(
			error, "Either logGroupName or logGroupIdentifier must be given.");
	if (name.p) {
		*ret_name = name;
		return 0;
	}
	if (!logs_parse_group(logs_of(call), identifier, ret_name))
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"The specified log group does not exist.");
	return 0;
}

/* ---- pages ---- */

int logs_page_after(const struct api_call *call, struct buf *ret_after, struct aws_error *error)
{
	struct str token = logs_text(call, "nextToken");

	if (!token.p)
		return 0;
	if (!aws_base64_decode(token, ret_after) || !ret_after->n)
		return logs_refuse_token(error);
	return 0;
}

void logs_page_next(struct api_call *call, struct str after)
{
	_cleanup_buf_ struct buf token = {0};

	aws_base64_add(&token, after.p, after.n);
	json_object_set_new(call->output, "nextToken", logs_json(buf_str(&token)));
}

/* ---- output ---- */

json_t *logs_json(struct str text)
{
	return json_stringn_nocheck(text.p ? text.p : "", text.n);
}

json_t *logs_format(const char *format, ...)
{
	char text[2 * LOGS_ARN_MAX];
	va_list arguments;

	va_start(arguments, format);
	int n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return json_stringn_nocheck(text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}
