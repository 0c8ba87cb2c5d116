/* hints: whether the surroundings of a network may have changed, for less than a look at them. The
 * kernel tells of firewall rules (NFNLGRP_NFTABLES); of processes nothing tells without telling of
 * each, so that the number of the last one (/proc/loadavg) and then those that are new are looked
 * at, twice, for one that begins is put into its control group a moment later. Folders of names
 * have a time of change. Owner: the caller; one thread. */
#pragma once

#include "vpc/peers_priv.h"

#include <stdbool.h>

struct vpc_hints;

/* root: as in vpc_spaces_read. */
struct vpc_hints *vpc_hints_new(const char *root);
void vpc_hints_free(struct vpc_hints *hints);
/* All hints so far are taken: what they hint at is about to be read. */
void vpc_hints_take(struct vpc_hints *hints);
/* What was read: only where there are such devices do processes matter, and no more those of
 * containers that were told. */
void vpc_hints_watch(struct vpc_hints *hints, const struct vpc_spaces *spaces, bool has_machines);
bool vpc_hints_look(struct vpc_hints *hints);
