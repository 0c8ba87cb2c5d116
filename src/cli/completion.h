/* completion: what the shell may offer after `nagare ...`, from the tables of the commands. */
#pragma once

#include <stdio.h>

/* A script that bash sources: commands, options, and the values of options and operands that are
 * written as alternatives ("text|json"); file names everywhere else. */
void cli_completion_bash(FILE *stream);
