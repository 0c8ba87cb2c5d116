/* command: a subcommand is a file with one of these in it and a row in commands.c. The same table
 * parses the options, prints --help and makes the man page (nagare help --man NAME).
 * Exit status: 0 done, 1 failed, 2 wrong usage, 3 no privilege, 4 not found, 5 not supported here
 * (base/err.h). */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli_option {
	const char *name; /* long name without "--" */
	char short_name;  /* 0: none */
	/* what the value is called in help, NULL: a switch; "[=VALUE]": may be left out (then "")
	 */
	const char *argument;
	const char *help; /* one or two sentences */
	/* Gets the value ("" for a switch). Fails with what was expected. */
	int (*set)(void *settings, const char *value, struct err *err);
};

struct cli_example {
	const char *command;
	const char *explanation;
};

struct cli_command {
	const char *name;
	const char *operands;               /* "FILE...", "[SQL]", NULL: none */
	const char *summary;                /* a line for the list of commands */
	const char *description;            /* paragraphs separated by "\n\n" */
	const struct cli_option *options;   /* ends with a NULL name */
	const struct cli_example *examples; /* ends with a NULL command */
	size_t settings_size;               /* zeroed settings are given to set() and run() */
	/* argv holds the operands. Returns 0, or <0 with err filled. */
	int (*run)(void *settings, int argc, char **argv, struct err *err);
};

/* Set by run() when the exit status is to be this although nothing more is to be said. */
extern int cli_exit_status;

/* One line "nagare: message" and the hint on stderr. */
void cli_print_error(const struct err *err);
/* One line "nagare: warning: ..." on stderr. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Parses the options and runs. Returns the exit status. */
int cli_command_main(const struct cli_command *command, int argc, char **argv);
const struct cli_command *cli_command_find(const char *name);

/* In the order of `nagare help`; ends with NULL. */
extern const struct cli_command *const cli_commands[];

/* An option's time such as 30s, 5m or 1h, 1 to max seconds. */
int cli_seconds(const char *value, uint64_t max, uint64_t *ret_seconds, struct err *err);

/* Progress and colours only there. */
bool cli_is_terminal(int fd);
unsigned cli_terminal_columns(int fd);
