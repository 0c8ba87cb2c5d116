/* live_flows [--max-flows N | --filters | --no-membarrier | --simple-types] DEVICE...: counts on
 * these devices until SIGTERM, then prints a line a flow: device direction action protocol source
 * source-port destination destination-port packets bytes flags, and "missed device packets bytes
 * verdicts". SIGUSR1 drains in between; what several drains hand out of a flow is added up. Says
 * "ready" when it counts. */
#include "base/number.h"
#include "capture/attach.h"
#include "capture/live.h"
#include "capture/types.h"
#include "record/record.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

struct row {
	struct flow_key key;
	struct flow_counts counts;
};

struct rows {
	size_t count, capacity;
	struct row *rows;
	unsigned drains;
};

static bool add(void *context, const struct flow_key *key, const struct flow_counts *counts)
{
	struct rows *all = context;

	for (size_t i = 0; i < all->count; i++) {
		struct row *row = &all->rows[i];

		if (memcmp(&row->key, key, sizeof(*key)) != 0)
			continue;
		row->counts.packets += counts->packets;
		row->counts.bytes += counts->bytes;
		row->counts.tcp_flags |= counts->tcp_flags;
		return true;
	}
	if (all->count == all->capacity) {
		all->capacity = all->capacity ? 2 * all->capacity : 64;
		all->rows = mem_grow(all->rows, all->capacity, sizeof(*all->rows));
	}
	all->rows[all->count++] = (struct row){*key, *counts};
	return true;
}

static void print_row(const struct row *row)
{
	char device[IF_NAMESIZE] = "?", src[IP_STR_MAX], dst[IP_STR_MAX];
	const struct flow_key *key = &row->key;
	int src_length = (int)(ip_write(src, &key->src) - src);
	int dst_length = (int)(ip_write(dst, &key->dst) - dst);

	if_indextoname(key->interface, device);
	printf("%s %s %s %u %.*s %u %.*s %u %llu %llu %u\n", device,
		key->direction == RECORD_INGRESS ? "ingress" : "egress",
		key->action == RECORD_ACCEPT ? "ACCEPT" : "REJECT", key->protocol, src_length, src,
		key->src_port, dst_length, dst, key->dst_port,
		(unsigned long long)row->counts.packets, (unsigned long long)row->counts.bytes,
		row->counts.tcp_flags);
}

static int fail(const struct err *err)
{
	fprintf(stderr, "live_flows: %s\n%s%s", err->message, err->hint, *err->hint ? "\n" : "");
	return err_exit_status(err);
}

static void print_missed(struct capture_live *live)
{
	struct capture_live_missed missed[64];
	size_t count = capture_live_missed(live, missed, ARRAY_SIZE(missed));

	for (size_t i = 0; i < count; i++) {
		char device[IF_NAMESIZE] = "?";

		if_indextoname(missed[i].ifindex, device);
		printf("missed %s %llu %llu %llu\n", device, (unsigned long long)missed[i].packets,
			(unsigned long long)missed[i].bytes,
			(unsigned long long)missed[i].verdicts);
	}
}

/* As on a kernel with nohz_full: membarrier says EINVAL. */
static int refuse_membarrier(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(filter), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	_cleanup_(capture_live_closep) struct capture_live *live = NULL;
	struct capture_live_options options = {.max_flows = 65536, .require_verdict = true};
	struct rows all = {0};
	struct err err = ERR_INIT;
	sigset_t signals;
	int device = 1, caught;

	if (argc > 2 && strcmp(argv[1], "--max-flows") == 0) {
		uint64_t flows;

		if (!number_parse(str_from(argv[2]), UINT32_MAX, &flows))
			return 2;
		options.max_flows = flows;
		device = 3;
	}
	if (argc > 1 && strcmp(argv[1], "--filters") == 0) {
		capture_attachment_prefer_filters();
		device = 2;
	}
	if (argc > 1 && strcmp(argv[1], "--no-membarrier") == 0) {
		if (refuse_membarrier())
			return 1;
		device = 2;
	}
	if (argc > 1 && strcmp(argv[1], "--simple-types") == 0) {
		capture_types_always_simplify();
		device = 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (capture_live_open(&live, &options, &err) < 0)
		return fail(&err);
	for (; device < argc; device++) {
		if (capture_live_attach(live, if_nametoindex(argv[device]), &err) < 0)
			return fail(&err);
	}
	printf("ready\n");
	fflush(stdout);
	do {
		if (sigwait(&signals, &caught) != 0)
			return 1;
		if (capture_live_drain(live, add, &all, &err) < 0)
			return fail(&err);
		if (caught == SIGUSR1) {
			printf("drained %u\n", ++all.drains);
			fflush(stdout);
		}
	} while (caught != SIGTERM);
	for (size_t i = 0; i < all.count; i++)
		print_row(&all.rows[i]);
	print_missed(live);
	free(all.rows);
	return 0;
}
