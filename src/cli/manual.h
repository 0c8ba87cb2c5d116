/* manual: help texts and man pages from the table of a command. */
#pragma once

#include "base/str.h"
#include "cli/command.h"

#include <stdio.h>

/* Plain text, for --help. */
void cli_manual_help(const struct cli_command *command, FILE *stream);
/* mdoc(7), for the man page nagare-NAME(1). */
void cli_manual_page(const struct cli_command *command, FILE *stream);
/* mdoc(7), nagare(1): the list of commands, files, exit status. */
void cli_manual_main_page(FILE *stream);
/* For other pages: text, a sentence a line; and text as arguments of a macro. */
void cli_manual_prose(FILE *stream, struct str text);
void cli_manual_words(FILE *stream, struct str text);
