/* settings: what the settings of `nagare server` and `nagare agent` have in common. Each has a
 * table of its own (server_settings.def, agent_settings.def), of whose rows texts are kept as they
 * were given. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* The first member of what cli_option.set is given. */
struct cli_settings {
	const char *config; /* --config */
	bool is_check;      /* --check */
};

int cli_settings_set_config(void *settings, const char *value, struct err *err);
int cli_settings_set_check(void *settings, const char *value, struct err *err);

/* Whether a text is a value; errors say what was expected. */
typedef int cli_check_function(const char *value, struct err *err);
cli_check_function cli_check_any, cli_check_url;

/* A size or count that was checked; 0: NULL. */
uint64_t cli_settings_number(const char *text);
