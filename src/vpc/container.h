/* container: which container, pod or virtual machine a process is in, by the path of its control
 * group; and what that is called, by the files that container engines keep beside it. No engine is
 * asked: nothing here talks to a socket or starts anything.
 * Sources: cgroups(7); systemd.scope(5); the OCI runtime specification (config.json); Docker's
 * config.v2.json; containers/storage's containers.json; CRI's and CRI-O's annotations. */
#pragma once

#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>

struct vpc_container {
	char kind[12];   /* container, pod, vm */
	char id[129];    /* as the engine has it */
	char title[256]; /* "web", "shop/web-5d5f9"; else the id, cut as `docker ps` does */
};

/* From the lines of /proc/PID/cgroup. False: of no container. The title is from the id. */
bool vpc_container_from_cgroup(struct str lines, struct vpc_container *ret_container);
/* Looks its name up in the engines' files, below root ("" but in tests). */
void vpc_container_name(struct vpc_container *container, const char *root);
