/* attach: a tc program on one direction of a device, by a tcx link where the kernel has them (6.6)
 * and as a clsact filter where it has not.
 * A link goes away with the process. A filter stays if the process is killed; the next start
 * replaces it, because it always has the same handle and priority.
 * Ours runs first, so that what a later program drops has been seen.
 * Owner: the caller; one thread. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct capture_attachment {
	uint32_t ifindex;
	bool egress;
	int link_fd; /* -1: a filter */
	bool made_qdisc;
};

int capture_attachment_open(struct capture_attachment *ret_attachment, uint32_t ifindex,
	bool egress, int program_fd, struct err *err);
/* A device that is gone already is fine. */
void capture_attachment_close(struct capture_attachment *attachment);
/* Whether this kernel knows tcx links; finds out with a program and no device. */
bool capture_attachment_has_links(int program_fd);
/* From now on filters, also where the kernel has links: for tests. */
void capture_attachment_prefer_filters(void);
