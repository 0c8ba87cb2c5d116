#include "capture/attach.h"

#include "base/mem.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <string.h>
#include <sys/syscall.h>

/* libbpf has these from 1.3 on and Debian 12 has 1.1: the kernel's own interface, then
 * (include/uapi/linux/bpf.h, BPF_LINK_CREATE). */
#define BPF_COMMAND_LINK_CREATE 28
#define TCX_INGRESS             46
#define TCX_EGRESS              47
#define FLAG_BEFORE             (1u << 3) /* of nobody: at the head */

struct link_create {
	uint32_t program_fd, ifindex, attach_type, flags;
	uint32_t relative, padding;
	uint64_t expected_revision;
};

/* Nobody else's by chance: "nagare" of the letters that fit. */
#define FILTER_HANDLE   0x6e61
#define FILTER_PRIORITY 1

static bool prefer_filters;

void capture_attachment_prefer_filters(void)
{
	prefer_filters = true;
}

static int link_create(uint32_t ifindex, bool egress, int program_fd)
{
	struct link_create create = {.program_fd = (uint32_t)program_fd,
		.ifindex = ifindex,
		.attach_type = egress ? TCX_EGRESS : TCX_INGRESS,
		.flags = FLAG_BEFORE};
	long fd = syscall(SYS_bpf, BPF_COMMAND_LINK_CREATE, &create, sizeof(create));

	return fd < 0 ? -errno : (int)fd;
}

bool capture_attachment_has_links(int program_fd)
{
	/* No device has this index: a kernel with tcx looks for it, others know no such type. */
	int fd = link_create(INT32_MAX, false, program_fd);

	return fd == -ENODEV;
}

static int filter_open(struct capture_attachment *attachment, int program_fd, struct err *err)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)attachment->ifindex,
		.attach_point = attachment->egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program_fd, .handle = FILTER_HANDLE,
		.priority = FILTER_PRIORITY, .flags = BPF_TC_F_REPLACE);
	int error = bpf_tc_hook_create(&hook);

	if (error && error != -EEXIST)
		return err_set_errno(err, error, "cannot add a clsact qdisc");
	attachment->made_qdisc = error == 0;
	error = bpf_tc_attach(&hook, &filter);
	if (error)
		return err_set_errno(err, error, "cannot add a tc filter");
	return 0;
}

int capture_attachment_open(struct capture_attachment *ret_attachment, uint32_t ifindex,
	bool egress, int program_fd, struct err *err)
{
	struct capture_attachment attachment = {
		.ifindex = ifindex, .egress = egress, .link_fd = -1};
	int fd = prefer_filters ? -EINVAL : link_create(ifindex, egress, program_fd);

	if (fd >= 0)
		attachment.link_fd = fd;
	else if (fd == -ENODEV)
		return err_set(err, ERR_NOT_FOUND, "no network device has the index %u", ifindex);
	else if (fd == -EPERM || fd == -EACCES)
		return err_set_errno(err, fd, "cannot attach to the device");
	else if (filter_open(&attachment, program_fd, err) < 0)
		return -1;
	*ret_attachment = attachment;
	return 0;
}

void capture_attachment_close(struct capture_attachment *attachment)
{
	if (attachment->link_fd >= 0) {
		close(attachment->link_fd);
		attachment->link_fd = -1;
		return;
	}
	if (attachment->ifindex == 0)
		return;
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)attachment->ifindex,
		.attach_point = attachment->egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(
		bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	bpf_tc_detach(&hook, &filter);
	/* An empty clsact qdisc does nothing, and by now others may have put filters into it. */
	attachment->ifindex = 0;
}
