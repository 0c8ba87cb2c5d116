/* prompt: lines typed at a terminal become statements, with editing and history (libedit). */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct prompt_options {
	const char *history_path; /* NULL: history ends with the session */
	/* Runs one statement and says itself what went wrong with it. */
	void (*run)(void *context, struct str statement);
	/* Called by the SIGINT handler while run runs: atomic stores only. */
	void (*interrupt)(void *context);
	const char *help;
	void *context;
};

/* Until the user leaves (\q, .quit, end of input). Statements may take several lines; ';' ends one.
 * Ctrl-C drops what was typed, or interrupts the statement that runs. */
int cli_prompt(const struct prompt_options *options, struct err *err);
