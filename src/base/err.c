#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int exit_statuses[] = {
#define X(name, exit_status, meaning) [ERR_##name] = exit_status,
	ERR_CODES(X)
#undef X
};

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	if (err) {
		va_list arguments;

		err->code = code;
		err->hint[0] = '\0';
		va_start(arguments, format);
		vsnprintf(err->message, sizeof(err->message), format, arguments);
		va_end(arguments);
	}
	return -1;
}

int err_set_errno(struct err *err, int errno_value, const char *format, ...)
{
	if (!err)
		return -1;
	errno_value = abs(errno_value);
	err->code = errno_value == EACCES || errno_value == EPERM ? ERR_PERMISSION
		    : errno_value == ENOENT                       ? ERR_NOT_FOUND
								  : ERR_SYSTEM;
	err->hint[0] = '\0';
	va_list arguments;
	va_start(arguments, format);
	int n = vsnprintf(err->message, sizeof(err->message), format, arguments);
	va_end(arguments);
	if (n >= 0 && (size_t)n < sizeof(err->message))
		snprintf(err->message + n, sizeof(err->message) - (size_t)n, ": %s",
			strerror(errno_value));
	return -1;
}

int err_hint(struct err *err, const char *format, ...)
{
	if (err && !err->hint[0]) {
		va_list arguments;

		va_start(arguments, format);
		vsnprintf(err->hint, sizeof(err->hint), format, arguments);
		va_end(arguments);
	}
	return -1;
}

int err_wrap(struct err *err, const char *format, ...)
{
	if (err) {
		char inner[sizeof(err->message)];
		va_list arguments;

		memcpy(inner, err->message, sizeof(inner));
		va_start(arguments, format);
		int n = vsnprintf(err->message, sizeof(err->message), format, arguments);
		va_end(arguments);
		if (n >= 0 && (size_t)n < sizeof(err->message))
			snprintf(err->message + n, sizeof(err->message) - (size_t)n, ": %s", inner);
	}
	return -1;
}

bool err_is_disk_full(const struct err *err)
{
	return strstr(err->message, strerror(ENOSPC)) || strstr(err->message, strerror(EDQUOT));
}

int err_exit_status(const struct err *err)
{
	return err->code == ERR_NONE ? 1 : exit_statuses[err->code];
}
