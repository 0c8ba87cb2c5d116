#include "vpc/peers_priv.h"

#include "base/file.h"
#include "base/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

/* libmnl's loops mix signed sizes. */
#pragma GCC diagnostic ignored "-Wconversion"

#define CGROUP_MAX 65536

/* ---- numbers of name spaces ---- */

static int on_nsid(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct rtgenmsg))
	{
		if (mnl_attr_get_type(attribute) == NETNSA_NSID &&
			mnl_attr_get_payload_len(attribute) == 4)
			*(int32_t *)context = (int32_t)mnl_attr_get_u32(attribute);
	}
	return MNL_CB_OK;
}

/* What this name space calls that of a process or open file; -1: it has no number for it. */
static int32_t find_nsid(struct mnl_socket *socket, uint16_t how, uint32_t value)
{
	static uint32_t sequence;
	_Alignas(struct nlmsghdr) char buffer[1024];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	int32_t nsid = -1;

	message->nlmsg_type = RTM_GETNSID;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_seq = ++sequence;
	mnl_nlmsg_put_extra_header(message, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(message, how, value);
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -1;
	ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (got > 0)
		(void)mnl_cb_run(buffer, (size_t)got, message->nlmsg_seq,
			mnl_socket_get_portid(socket), on_nsid, &nsid);
	return nsid;
}

/* ---- owners ---- */

static struct vpc_space *space_by_nsid(struct vpc_spaces *spaces, int32_t nsid)
{
	for (size_t i = 0; i < spaces->count && nsid >= 0; i++) {
		if (spaces->space[i].nsid == nsid)
			return &spaces->space[i];
	}
	return NULL;
}

static void own_by_process(
	struct vpc_spaces *spaces, struct mnl_socket *socket, uint32_t pid, const char *root)
{
	_cleanup_free_ char *path = mem_printf("/proc/%u/cgroup", pid);
	_cleanup_buf_ struct buf lines = {0};
	struct vpc_container container;

	if (file_read(path, CGROUP_MAX, &lines, NULL) < 0 ||
		!vpc_container_from_cgroup(buf_str(&lines), &container))
		return;
	struct vpc_space *space = space_by_nsid(spaces, find_nsid(socket, NETNSA_PID, pid));
	if (!space || space->has_owner)
		return;
	vpc_container_name(&container, root);
	space->owner = container;
	space->has_owner = true;
}

static void find_processes(struct vpc_spaces *spaces, struct mnl_socket *socket, const char *root)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	uint64_t pid;

	while (folder && (entry = readdir(folder))) {
		if (number_parse(str_from(entry->d_name), UINT32_MAX, &pid))
			own_by_process(spaces, socket, (uint32_t)pid, root);
	}
	if (folder)
		closedir(folder);
}

/* Those that somebody made with `ip netns add`, or CNI, which names them by random digits. */
static void find_names(struct vpc_spaces *spaces, struct mnl_socket *socket, const char *root)
{
	_cleanup_free_ char *path = mem_printf("%s/run/netns", root);
	DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		_cleanup_close_ int fd = entry->d_name[0] == '.'
						 ? -1
						 : openat(dirfd(folder), entry->d_name,
							   O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		struct vpc_space *space =
			space_by_nsid(spaces, find_nsid(socket, NETNSA_FD, (uint32_t)fd));
		if (!space || space->has_owner)
			continue;
		space->has_owner = true;
		snprintf(space->owner.kind, sizeof(space->owner.kind), "container");
		snprintf(space->owner.id, sizeof(space->owner.id), "%.128s", entry->d_name);
		snprintf(space->owner.title, sizeof(space->owner.title), "%.255s", entry->d_name);
	}
	if (folder)
		closedir(folder);
}

int vpc_spaces_read(struct vpc_spaces *ret_spaces, const struct vpc_interface *interfaces,
	size_t count, const char *root, struct err *err)
{
	struct vpc_spaces spaces = {0};

	for (size_t i = 0; i < count; i++) {
		int32_t nsid = interfaces[i].peer_nsid;
		if (nsid < 0 || space_by_nsid(&spaces, nsid))
			continue;
		spaces.space = mem_grow(spaces.space, spaces.count + 1, sizeof(*spaces.space));
		struct vpc_space *space = &spaces.space[spaces.count++];
		*space = (struct vpc_space){.nsid = nsid};
		/* Gone by now, or of a kernel before 5.0: there is less to tell then. */
		(void)vpc_interfaces_list_of(nsid, &space->interfaces, &space->count, NULL);
	}
	if (spaces.count) {
		struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
		if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
			if (socket)
				mnl_socket_close(socket);
			vpc_spaces_done(&spaces);
			return err_set_errno(err, errno, "cannot open a netlink socket");
		}
		find_processes(&spaces, socket, root);
		find_names(&spaces, socket, root);
		mnl_socket_close(socket);
	}
	*ret_spaces = spaces;
	return 0;
}

void vpc_spaces_done(struct vpc_spaces *spaces)
{
	for (size_t i = 0; i < spaces->count; i++)
		free(spaces->space[i].interfaces);
	free(spaces->space);
	*spaces = (struct vpc_spaces){0};
}

const struct vpc_space *vpc_spaces_find(const struct vpc_spaces *spaces, int32_t nsid)
{
	return space_by_nsid((struct vpc_spaces *)spaces, nsid);
}

const struct vpc_interface *vpc_space_peer(const struct vpc_space *space, uint32_t ifindex)
{
	for (size_t i = 0; space && i < space->count; i++) {
		if (space->interfaces[i].ifindex == ifindex)
			return &space->interfaces[i];
	}
	return NULL;
}
