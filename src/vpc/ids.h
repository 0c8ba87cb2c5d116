/* ids: that an interface keeps its id. vpc/interface.h derives one from what the kernel says of a
 * device; where that is its name, a rename would change it. Here it is remembered by the device's
 * index, in memory and in a file, so that neither a rename nor a restart of the agent changes it.
 * Holds for one boot and one network name space, for indices mean nothing beyond; a device is taken
 * for the same when its kind and its name or MAC address are. Two devices never have one id: a new
 * one that has taken the former name of another gets an id of its own, until the next boot.
 * Any thread. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "vpc/interface.h"

struct vpc_ids;

/* path: the file, made when there is something to remember; one that is damaged, or of another boot
 * or name space, is as none. NULL: in memory only. */
int vpc_ids_open(struct vpc_ids **ret_ids, const char *path, struct err *err);
void vpc_ids_free(struct vpc_ids *ids);
MEM_DEFINE_CLEANUP(struct vpc_ids, vpc_ids_free)
/* Sets the ids of all devices of this name space. is_whole: the caller follows the devices, and
 * those that are not in its list are gone. Fails when the file cannot be written; the ids are set.
 */
int vpc_ids_apply(struct vpc_ids *ids, struct vpc_interface *interfaces, size_t count,
	bool is_whole, struct err *err);
