/* peers: what is at the other end of veth pairs: the device in the other name space, its addresses,
 * and whose name space that is. Asked of rtnetlink by the number that this name space has for the
 * other (IFLA_TARGET_NETNSID, RTM_GETNSID): needs CAP_NET_ADMIN, no entering of other name spaces
 * and no looking into other processes. */
#pragma once

#include "base/err.h"
#include "vpc/container.h"
#include "vpc/interface.h"

/* A name space that some device's peer is in. */
struct vpc_space {
	int32_t nsid;
	struct vpc_interface *interfaces; /* NULL: the kernel does not show them */
	size_t count;
	bool has_owner;
	struct vpc_container owner;
};

struct vpc_spaces {
	struct vpc_space *space;
	size_t count;
};

/* Those of these interfaces' peers. root: where files of container engines are looked for, "" but
 * in tests. */
int vpc_spaces_read(struct vpc_spaces *ret_spaces, const struct vpc_interface *interfaces,
	size_t count, const char *root, struct err *err);
void vpc_spaces_done(struct vpc_spaces *spaces);
const struct vpc_space *vpc_spaces_find(const struct vpc_spaces *spaces, int32_t nsid);
/* The peer in it, NULL when it is not shown. */
const struct vpc_interface *vpc_space_peer(const struct vpc_space *space, uint32_t ifindex);

/* interface.c: the devices of another name space (-1: of this one). */
int vpc_interfaces_list_of(
	int32_t nsid, struct vpc_interface **ret_interfaces, size_t *ret_count, struct err *err);
