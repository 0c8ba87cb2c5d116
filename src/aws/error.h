/* error: the error codes that AWS's services answer with, and one error being made.
 * The codes are rows of error.def; a service that needs another one adds a row there, nothing else.
 * What a row cannot know is how a protocol writes it down: that is the room api's.
 * struct aws_error is a plain value of fixed size: no allocation, no ownership, one thread.
 * Functions that can refuse a client's request take it last, as struct err is taken elsewhere, and
 * return a negative value; NULL is allowed. Inner failures (disk, memory) become
 * AWS_ERROR_INTERNAL. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>

#define AWS_ERROR_MESSAGE_MAX 2048
#define AWS_ERROR_DETAILS_MAX 6

enum aws_error_code {
	AWS_ERROR_NONE,
#define X(symbol, code, status, fault, message) AWS_ERROR_##symbol,
#include "aws/error.def"
#undef X
	AWS_ERROR_CODES
};

enum aws_error_fault { AWS_SENDER, AWS_RECEIVER }; /* the client's or ours */

/* An element (S3) or member (JSON) beside code and message: BucketName, Condition, Region, ... */
struct aws_error_detail {
	const char *name; /* static */
	char value[256];
};

struct aws_error {
	enum aws_error_code code; /* AWS_ERROR_NONE: nothing was refused */
	char message[AWS_ERROR_MESSAGE_MAX];
	unsigned details;
	struct aws_error_detail detail[AWS_ERROR_DETAILS_MAX];
};

/* "NoSuchBucket"; not for AWS_ERROR_NONE. */
const char *aws_error_name(enum aws_error_code code);
/* HTTP status. */
int aws_error_status(enum aws_error_code code);
enum aws_error_fault aws_error_fault(enum aws_error_code code);
/* AWS's usual sentence. */
const char *aws_error_message(enum aws_error_code code);
/* AWS_ERROR_NONE when no row has this name. */
enum aws_error_code aws_error_find(struct str name);

/* Fills error and returns a negative value, so that `return aws_error_set(...)` reads well. */
int aws_error_set(struct aws_error *error, enum aws_error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
int aws_error_setv(struct aws_error *error, enum aws_error_code code, const char *format,
	va_list arguments) __attribute__((format(printf, 3, 0), cold));
/* The same with the code's usual message. */
int aws_error_default(struct aws_error *error, enum aws_error_code code) __attribute__((cold));
/* Adds a detail; longer values are cut, more than AWS_ERROR_DETAILS_MAX are dropped. name must be
 * static. Always returns a negative value. */
int aws_error_detail(struct aws_error *error, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
/* An inner failure: InternalError with AWS's message, which says nothing of ours to strangers; the
 * caller logs err. Always returns a negative value. */
int aws_error_internal(struct aws_error *error) __attribute__((cold));
