/* machines: which virtual machine a tap device is of: by libvirt's records of running domains
 * (/run/libvirt/qemu/NAME.xml), and by the command lines of QEMU, which anybody may read. Nothing
 * is asked of libvirt. Sources: libvirt's domain XML, <interface>; qemu(1), -name and -netdev tap.
 */
#pragma once

#include "base/str.h"
#include "vpc/container.h"

#include <net/if.h>
#include <stddef.h>

struct vpc_machine {
	char device[IF_NAMESIZE];
	struct vpc_container owner;
};

struct vpc_machines {
	struct vpc_machine *machine;
	size_t count;
};

/* root: before the paths of files and of /proc, "" but in tests. */
void vpc_machines_read(struct vpc_machines *ret_machines, const char *root);
/* Whether what this path names may run one. */
bool vpc_machines_is_program(struct str program);
void vpc_machines_done(struct vpc_machines *machines);
/* NULL when it is of none. */
const struct vpc_container *vpc_machines_find(
	const struct vpc_machines *machines, const char *device);
