/* err: what went wrong, where, and what to do about it.
 * A function that can fail because of input, user, disk or network takes `struct err *` last (NULL
 * is allowed) and returns 0, or a negative value that callers forward without looking at it, or a
 * positive condition from an enum documented at that function. The struct is filled once, where
 * the failure happens (err_set), and prefixed on the way up (err_wrap). Fixed size, no allocation.
 * Only agent, api and cli print an err; the rooms below return it. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

/* One row a code: name, exit status of the command line, meaning (the man pages print it). Exit
 * status 2 is kept for wrong usage. */
#define ERR_CODES(X)                                                                               \
	X(INPUT, 1, "malformed or damaged data")                                                   \
	X(SYSTEM, 1, "the kernel, disk or network refused")                                        \
	X(USAGE, 2, "options, names or SQL that the user must change")                             \
	X(PERMISSION, 3, "the process lacks a privilege")                                          \
	X(NOT_FOUND, 4, "a named file, interface or location is not there")                        \
	X(UNSUPPORTED, 5, "this kernel or build cannot do it")

enum err_code {
	ERR_NONE,
#define X(name, exit_status, meaning) ERR_##name,
	ERR_CODES(X)
#undef X
};

struct err {
	enum err_code code;
	char message[768];
	char hint[256];
};

#define ERR_INIT                                                                                   \
	{                                                                                          \
		.code = ERR_NONE                                                                   \
	}

/* Fills err; always returns a negative value, so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
/* As err_set, with ": " and the text of errno_value appended; EACCES and EPERM give ERR_PERMISSION
 * and ENOENT ERR_NOT_FOUND, everything else ERR_SYSTEM. errno_value may be negative. */
int err_set_errno(struct err *err, int errno_value, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
/* What to do next, in a sentence. Keeps the first one given. Always returns a negative value. */
int err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3), cold));
/* Puts "what: " in front of the message. Always returns a negative value. */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Does the message say that a disk or quota is full? */
bool err_is_disk_full(const struct err *err);

/* Exit status of the command line for this error, never 0. */
int err_exit_status(const struct err *err);
