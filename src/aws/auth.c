/* What is wrong with a signature, and what each protocol says about it. */
#include "aws/signature.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct row {
	enum aws_error_code code[AWS_STYLES];
	const char *s3_message, *other_message;
};

static const struct row rows[AWS_AUTH_FAULTS] = {
#define X(symbol, s3, query, ec2, json, s3_text, other_text)                                       \
	[AWS_AUTH_##symbol] = {                                                                    \
		{AWS_ERROR_##s3, AWS_ERROR_##query, AWS_ERROR_##ec2, AWS_ERROR_##json}, s3_text,   \
		other_text},
#include "aws/auth.def"
#undef X
};

int aws_refuse(struct aws_refusal *refusal, enum aws_auth_fault fault, const char *found, ...)
{
	va_list arguments;

	assert(fault > AWS_AUTH_OK && fault < AWS_AUTH_FAULTS);
	if (!refusal)
		return -1;
	*refusal = (struct aws_refusal){.fault = fault};
	if (found) {
		va_start(arguments, found);
		vsnprintf(refusal->found, sizeof(refusal->found), found, arguments);
		va_end(arguments);
	}
	return -1;
}

/* The sentence with what was found in place of its %s, if it has one. */
static void fill(
	struct aws_error *error, enum aws_error_code code, const char *sentence, const char *found)
{
	const char *mark = strstr(sentence, "%s");

	if (mark)
		aws_error_set(
			error, code, "%.*s%s%s", (int)(mark - sentence), sentence, found, mark + 2);
	else
		aws_error_set(error, code, "%s", sentence);
}

int aws_refusal_error(
	const struct aws_refusal *refusal, enum aws_error_style style, struct aws_error *error)
{
	assert(refusal->fault > AWS_AUTH_OK && refusal->fault < AWS_AUTH_FAULTS);
	const struct row *row = &rows[refusal->fault];
	enum aws_error_code code = row->code[style];
	const char *sentence = style == AWS_STYLE_S3 ? row->s3_message : row->other_message;

	/* EC2 says nothing about credentials but that they were not good. */
	if (!sentence[0] || style == AWS_STYLE_EC2)
		sentence = aws_error_message(code);
	fill(error, code, sentence, refusal->found);
	for (unsigned i = 0; style == AWS_STYLE_S3 && i < refusal->details; i++)
		aws_error_detail(error, refusal->detail[i].name, "%s", refusal->detail[i].value);
	return -1;
}
