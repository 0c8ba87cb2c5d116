#include "vpc/hints_priv.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "vpc/machines_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PROC_FILE_MAX   65536
#define SETTLE_NS       (2 * CLOCK_NS_PER_SECOND)
#define FIREWALL_BUFFER 4096
#define KNOWN_MAX       4096

static const char *const folders[] = {"/run/netns", "/run/libvirt/qemu"};

struct process {
	uint32_t pid;
	bool is_known; /* it was there at two looks */
};

struct known {
	char id[sizeof(((struct vpc_container *)0)->id)];
};

struct vpc_hints {
	const char *root;
	int firewall; /* -1: the kernel does not tell us */
	int load;     /* /proc/loadavg */
	char last_process[16];
	struct process *processes; /* by pid */
	size_t process_count;
	bool has_young; /* processes that were seen once */
	bool watches_containers, watches_machines;
	struct known *known; /* containers whose start has been told */
	size_t known_count;
	int64_t changed_ns[ARRAY_SIZE(folders)];
};

/* ---- firewall ---- */

static int open_firewall(void)
{
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	const int group = NFNLGRP_NFTABLES;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -1;
	return take_fd(fd);
}

/* ENOBUFS, more than was kept, is news as well. */
static bool has_firewall_news(const struct vpc_hints *hints)
{
	char buffer[FIREWALL_BUFFER];
	bool has_news = hints->firewall < 0;

	while (hints->firewall >= 0 && (recv(hints->firewall, buffer, sizeof(buffer), 0) > 0 ||
					       errno == ENOBUFS || errno == EINTR))
		has_news = true;
	return has_news;
}

/* ---- processes ---- */

/* The number of the process or thread that began last; its name space's are enough. */
static bool has_new_process(struct vpc_hints *hints)
{
	char line[128], *last;
	ssize_t n = hints->load < 0 ? -1 : pread(hints->load, line, sizeof(line) - 1, 0);

	if (n <= 0)
		return true;
	line[n] = '\0';
	last = strrchr(line, ' ');
	if (last && strncmp(last, hints->last_process, sizeof(hints->last_process) - 1) == 0)
		return false;
	snprintf(hints->last_process, sizeof(hints->last_process), "%s", last ? last : "");
	return true;
}

static int by_pid(const void *a_, const void *b_)
{
	const struct process *a = a_, *b = b_;

	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

/* False: it was known before. A container's start is told once; whatever else it does to devices
 * the kernel tells. */
static bool know(struct vpc_hints *hints, const struct vpc_container *container)
{
	for (size_t i = 0; i < hints->known_count; i++) {
		if (strcmp(hints->known[i].id, container->id) == 0)
			return false;
	}
	if (hints->known_count == KNOWN_MAX)
		hints->known_count = 0;
	hints->known = mem_grow(hints->known, hints->known_count + 1, sizeof(hints->known[0]));
	memcpy(hints->known[hints->known_count++].id, container->id, sizeof(container->id));
	return true;
}

static bool is_of_new_container(struct vpc_hints *hints, uint32_t pid)
{
	_cleanup_free_ char *path = mem_printf("/proc/%u/cgroup", pid);
	_cleanup_buf_ struct buf lines = {0};
	struct vpc_container container;

	return file_read(path, PROC_FILE_MAX, &lines, NULL) == 0 &&
	       vpc_container_from_cgroup(buf_str(&lines), &container) && know(hints, &container);
}

static bool is_machine(uint32_t pid)
{
	_cleanup_free_ char *path = mem_printf("/proc/%u/cmdline", pid);
	_cleanup_buf_ struct buf arguments = {0};
	struct str rest, program;

	if (file_read(path, PROC_FILE_MAX, &arguments, NULL) < 0)
		return false;
	rest = buf_str(&arguments);
	return str_split(&rest, '\0', &program) && vpc_machines_is_program(program);
}

static bool is_news(struct vpc_hints *hints, uint32_t pid)
{
	return (hints->watches_containers && is_of_new_container(hints, pid)) ||
	       (hints->watches_machines && is_machine(pid));
}

/* Notes which there are. Whether one of them is news is asked of those not known; the first time
 * they all are, having just been read. */
static bool has_process_news(struct vpc_hints *hints, bool asks)
{
	struct process *processes = NULL;
	size_t count = 0, room = 0;
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	bool has_news = false, is_first = hints->process_count == 0;
	uint64_t pid;

	hints->has_young = false;
	while (folder && (entry = readdir(folder))) {
		if (!number_parse(str_from(entry->d_name), UINT32_MAX, &pid))
			continue;
		struct process process = {.pid = (uint32_t)pid};
		const struct process *before = bsearch(
			&process, hints->processes, hints->process_count, sizeof(process), by_pid);
		process.is_known = is_first || before != NULL;
		if (asks && (!before || !before->is_known))
			has_news |= is_news(hints, process.pid);
		hints->has_young |= !process.is_known;
		if (count == room)
			processes = mem_grow(processes, room = 2 * room + 64, sizeof(processes[0]));
		processes[count++] = process;
	}
	if (folder)
		closedir(folder);
	if (count)
		qsort(processes, count, sizeof(processes[0]), by_pid);
	free(hints->processes);
	hints->processes = processes;
	hints->process_count = count;
	return has_news;
}

/* ---- folders ---- */

/* What has changed just now may go on changing within the clock's grain, or, of a name space, get
 * its name before it is there: it has changed at the next look too. */
static bool has_folder_news(struct vpc_hints *hints)
{
	int64_t now_ns = clock_wall_ns();
	bool has_news = false;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = mem_printf("%s%s", hints->root, folders[i]);
		struct stat status;
		int64_t changed_ns = 0;
		if (stat(path, &status) == 0)
			changed_ns = status.st_mtim.tv_sec * CLOCK_NS_PER_SECOND +
				     status.st_mtim.tv_nsec;
		has_news |= changed_ns != hints->changed_ns[i];
		hints->changed_ns[i] =
			changed_ns && now_ns - changed_ns < SETTLE_NS ? -1 : changed_ns;
	}
	return has_news;
}

/* ---- all ---- */

struct vpc_hints *vpc_hints_new(const char *root)
{
	struct vpc_hints *hints = mem_new(1, sizeof(*hints));

	hints->root = root;
	hints->firewall = open_firewall();
	hints->load = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	return hints;
}

void vpc_hints_free(struct vpc_hints *hints)
{
	if (!hints)
		return;
	mem_closep(&hints->firewall);
	mem_closep(&hints->load);
	free(hints->processes);
	free(hints->known);
	free(hints);
}

void vpc_hints_take(struct vpc_hints *hints)
{
	(void)has_firewall_news(hints);
	(void)has_folder_news(hints);
	(void)has_new_process(hints);
	if (hints->watches_containers || hints->watches_machines)
		(void)has_process_news(hints, false);
}

void vpc_hints_watch(struct vpc_hints *hints, const struct vpc_spaces *spaces, bool has_machines)
{
	bool watched = hints->watches_containers || hints->watches_machines;

	hints->watches_containers = spaces->count > 0;
	hints->watches_machines = has_machines;
	for (size_t i = 0; i < spaces->count; i++) {
		if (spaces->space[i].has_owner)
			(void)know(hints, &spaces->space[i].owner);
	}
	if (!watched && (hints->watches_containers || hints->watches_machines))
		(void)has_process_news(hints, false);
}

bool vpc_hints_look(struct vpc_hints *hints)
{
	bool has_news = has_firewall_news(hints);

	if (!hints->watches_containers && !hints->watches_machines)
		return has_news;
	has_news |= has_folder_news(hints);
	if (has_new_process(hints) || hints->has_young)
		has_news |= has_process_news(hints, true);
	return has_news;
}
