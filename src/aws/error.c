#include "aws/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static const struct row {
	const char *name, *message;
	short status;
	char fault;
} rows[AWS_ERROR_CODES] = {
#define X(symbol, code, http, whose, text) [AWS_ERROR_##symbol] = {code, text, http, AWS_##whose},
#include "aws/error.def"
#undef X
};

static const struct row *row_of(enum aws_error_code code)
{
	assert(code > AWS_ERROR_NONE && code < AWS_ERROR_CODES);
	return &rows[code];
}

const char *aws_error_name(enum aws_error_code code)
{
	return row_of(code)->name;
}

int aws_error_status(enum aws_error_code code)
{
	return row_of(code)->status;
}

enum aws_error_fault aws_error_fault(enum aws_error_code code)
{
	return (enum aws_error_fault)row_of(code)->fault;
}

const char *aws_error_message(enum aws_error_code code)
{
	return row_of(code)->message;
}

enum aws_error_code aws_error_find(struct str name)
{
	for (enum aws_error_code code = AWS_ERROR_NONE + 1; code < AWS_ERROR_CODES; code++)
		if (str_equal(name, str_from(rows[code].name)))
			return code;
	return AWS_ERROR_NONE;
}

static void begin(struct aws_error *error, enum aws_error_code code)
{
	error->code = code;
	error->details = 0;
}

int aws_error_setv(
	struct aws_error *error, enum aws_error_code code, const char *format, va_list arguments)
{
	assert(code > AWS_ERROR_NONE && code < AWS_ERROR_CODES);
	if (!error)
		return -1;
	begin(error, code);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	return -1;
}

int aws_error_set(struct aws_error *error, enum aws_error_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	aws_error_setv(error, code, format, arguments);
	va_end(arguments);
	return -1;
}

int aws_error_default(struct aws_error *error, enum aws_error_code code)
{
	return aws_error_set(error, code, "%s", aws_error_message(code));
}

int aws_error_detail(struct aws_error *error, const char *name, const char *format, ...)
{
	va_list arguments;

	if (!error || error->details == AWS_ERROR_DETAILS_MAX)
		return -1;
	struct aws_error_detail *detail = &error->detail[error->details++];
	detail->name = name;
	va_start(arguments, format);
	vsnprintf(detail->value, sizeof(detail->value), format, arguments);
	va_end(arguments);
	return -1;
}

int aws_error_internal(struct aws_error *error)
{
	return aws_error_default(error, AWS_ERROR_INTERNAL_ERROR);
}
