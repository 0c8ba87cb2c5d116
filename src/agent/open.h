/* open: flows of the still open windows, from a running agent to readers on its host.
 * A stream socket in the agent's folder, mode 0600: the agent's user and root may read it, nobody
 * may write to it, and the agent reads nothing from it. Lines, in this order:
 *   {"nagare-open":1,"format":"${version} ..."}   once: what the records are
 *   records, one a line, in that format           a flow as it stands in its open window
 *   {"complete":true}                             all flows that were there at the start were shown
 *   records                                       each flow that has counted more since, as it
 * stands
 *   {"dropped":12}                                at any time: so many records did not wait for the
 *                                                 reader; each comes again when it counts more
 * While somebody reads, the kernel's table is drained every AGENT_OPEN_EVERY_MS instead of at the
 * end of each window: into the same windows, so that what is delivered is the same. What an
 * interface counts is shown in the shortest of its flow logs' windows, whatever traffic they are
 * about. Nothing of this costs anything when nobody reads. A reader that does not read holds nobody
 * up: up to AGENT_OPEN_WAITING_MAX bytes wait for it. More than AGENT_OPEN_READERS readers are
 * turned away. */
#pragma once

#include "base/err.h"

#define AGENT_OPEN_SOCKET      "open.socket"
#define AGENT_OPEN_VERSION     1
#define AGENT_OPEN_READERS     8
#define AGENT_OPEN_EVERY_MS    400
#define AGENT_OPEN_WAITING_MAX ((size_t)8 << 20)

/* A descriptor to read those lines from; folder is the agent's. */
int agent_open_connect(const char *folder, int *ret_fd, struct err *err);
