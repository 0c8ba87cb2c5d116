/* privileges: what a process may do, and how it gives up the rest. capabilities(7). */
#pragma once

#include "base/err.h"

#include <stddef.h>

/* Keeps these capabilities (CAP_...) of those that the process has, in the permitted, effective and
 * bounding sets, and none in the inheritable and ambient ones; nothing that it starts gains any (no
 * new privileges). For the calling thread and those that it makes. */
int cli_keep_capabilities(const int *capabilities, size_t count, struct err *err);
/* Becomes this user, who has no capabilities, for good. For root. */
int cli_become_ordinary(const char *user, struct err *err);
