/* tail_open: flows of the open windows, from the agent of this host (agent/open.h) to
 * cli/tail_output.h. Their log-status says OPEN, which no record of a flow log says. */
#pragma once

#include "base/err.h"
#include "cli/tail_output.h"

struct tail_open_settings {
	const char *folder; /* the agent's; NULL: the default */
	bool follow;
	struct tail_output_options output;
};

/* Until all flows were shown, or with follow until the agent ends, SIGINT or SIGTERM, or nobody
 * reads. */
int tail_open(const struct tail_open_settings *settings, struct err *err);
