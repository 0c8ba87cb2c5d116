/* agent_status: what "nagare agent status" shows, from the file that the agent writes. */
#pragma once

#include "cli/agent_settings.h"

int cli_agent_status(const char *folder, const struct agent_settings *settings, struct err *err);
