/* Theory.
 *
 * The table is shared memory: three array maps that this process has mapped. An entry is one line
 * of flows_hot (key, packets, bytes, time of the last packet) and one of flows_cold (what first
 * packets, TCP flags and verdicts write); entries are given out by a counter. flows_index finds
 * them: buckets of 16 slots, one cache line each, at most half full on average; a slot has the
 * number of its entry and ten bits of the hash. A packet of a known flow thus touches two lines,
 * whatever the size of the table; a new flow costs one compare-and-swap of an empty slot. Hash maps
 * of the kernel cost two to three times as much and a system call for each entry to read.
 *
 * There are two such tables. A drain changes state.active, waits until every program that may have
 * read the old value has returned, and then owns the table that nobody counts in any more. All of
 * our programs run inside RCU read-side sections (or with preemption off, the same since 4.20), so
 * that a grace period is that wait. membarrier(MEMBARRIER_CMD_GLOBAL) is defined as one
 * (kernel/sched/membarrier.c: synchronize_rcu). Kernels with nohz_full refuse it; there, updating
 * an array of maps waits for programs too (kernel/bpf/syscall.c: maybe_wait_bpf_programs).
 *
 * Verdicts. tc counts a packet as seen, the tracepoint as rejected; an entry is handed out as
 * ACCEPT (seen less rejected) and REJECT. The hook that drops tells by what is in the sk_buff:
 *   hook                       reason          dev, skb_iif          direction    seen by tc
 *   XDP, generic or veth       none, XDP       dev                   ingress      no
 *   tc ingress, tcx            TC_INGRESS      dev                   ingress      yes
 *   netdev ingress             NETFILTER_DROP  dev == skb_iif        ingress      yes
 *   prerouting input forward   NETFILTER_DROP  dev == skb_iif        ingress      yes
 *   bridge: input, IP's hooks  NETFILTER_DROP  bridge; its port      ingress      yes, at the port
 *   bridge: forward            NETFILTER_DROP  dev != skb_iif        egress       no
 *   output                     NETFILTER_DROP  none, a tunnel; any   egress       no, by its route
 *   postrouting, own           NETFILTER_DROP  dev; 0                egress       no
 *   postrouting, forwarded     NETFILTER_DROP  dev != skb_iif        egress       no
 *   netdev egress              NETFILTER_DROP  as postrouting        egress       no
 *   cgroup egress program      BPF_CGROUP_...  as postrouting        egress       no
 *   tc egress, tcx             TC_EGRESS       dev                   egress       yes
 * A forwarded packet that postrouting drops is ACCEPT on the way in and REJECT on the way out. When
 * it would have left where it came in, it cannot be told from one that forward dropped, and is
 * REJECT on the way in.
 *
 * A packet that tc saw and a hook dropped may lie around a change of tables: seen in the old one,
 * rejected in the new. Both happen in one RCU section (receiving holds it from tc to the last
 * hook), so after the grace period the rejection is there to be moved back (settle). Fragments that
 * wait for each other take longer; what is left over then waits in the carry for more of its flow.
 * Sums are exact either way: what is handed out is what tc saw.
 *
 * TCP flags of the accepted part are exact too: flows_cold.balance counts FIN, SYN, RST and SYN+ACK
 * as seen less rejected.
 *
 * Not seen: packets that bypass tc (AF_XDP, packet sockets with PACKET_QDISC_BYPASS, native XDP
 * drops: the driver frees those without a reason), and drops that user space asks for through
 * NFQUEUE (the kernel gives no reason). XDP on an sk_buff gives none either (6.18), or did not
 * always; there the address that frees is enough. A program that others put before ours in tcx
 * order after us hides what it drops. */
#include "capture/live.h"

#include "base/clock.h"
#include "capture/attach.h"
#include "capture/flows_shape.h"
#include "capture/live_priv.h"
#include "capture/types.h"
#include "record/record.h"

/* Generated, and in need of flows_shape.h. */
#include "capture/flows.skel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define FLOWS_MIN      1024
#define LATE_LOOKS     256 /* some microseconds: longer than from tc to a hook */
#define SLOT_CLEAR_FEW 16  /* clear single slots when fewer than a 16th of the table is used */

_Static_assert(FLOWS_MAX == CAPTURE_LIVE_FLOWS_MAX, "one limit");

struct watched {
	uint32_t ifindex;
	struct capture_attachment ingress, egress;
	struct flows_interface told; /* what capture_live_missed has told already */
};

struct capture_live {
	struct flows_bpf *programs;
	struct bpf_link *verdict_link;
	struct ring_buffer *half_full;
	struct flows_state *state; /* the skeleton's */
	struct flows_hot *hot;     /* two tables of size, one behind the other */
	struct flows_cold *cold;
	struct flows_bucket *index;
	uint32_t size, buckets;
	uint32_t hash_keys[FLOWS_HASH_KEYS];
	struct capture_carry carry;
	uint64_t told_lost, told_recursion;
	size_t watched_count;
	struct watched *watched;
};

/* --- open and close --- */

static int load_failed(struct err *err, int error)
{
	const char *message = capture_libbpf_message();

	if (error == -EPERM || error == -EACCES) {
		err_set(err, ERR_PERMISSION, "not allowed to load BPF programs");
		return err_hint(err,
			"run as root (sudo), or give the program the capabilities: setcap cap_bpf,cap_net_admin,cap_perfmon+ep");
	}
	return err_set(err, ERR_UNSUPPORTED, "the kernel does not take the BPF programs: %s%s%s",
		strerror(-error), *message ? ": " : "", message);
}

static int namespace_inode(uint32_t *ret_inode, struct err *err)
{
	struct stat status;

	if (stat("/proc/self/ns/net", &status) < 0)
		return err_set_errno(err, errno, "cannot read /proc/self/ns/net");
	*ret_inode = (uint32_t)status.st_ino;
	return 0;
}

static int programs_configure(struct capture_live *live, struct err *err)
{
	struct flows_bpf *programs = live->programs;
	uint32_t inode = 0;

	if (namespace_inode(&inode, err) < 0)
		return -1;
	if (getrandom(live->hash_keys, sizeof(live->hash_keys), 0) != sizeof(live->hash_keys))
		return err_set_errno(err, errno, "no random numbers");
	/* libbpf knows what the section "tc" means from 0.6 on only. */
	bpf_program__set_type(programs->progs.ethernet_ingress, BPF_PROG_TYPE_SCHED_CLS);
	bpf_program__set_type(programs->progs.ethernet_egress, BPF_PROG_TYPE_SCHED_CLS);
	bpf_program__set_type(programs->progs.other_ingress, BPF_PROG_TYPE_SCHED_CLS);
	bpf_program__set_type(programs->progs.other_egress, BPF_PROG_TYPE_SCHED_CLS);
	programs->rodata->flows_namespace = inode;
	programs->rodata->flows_table_size = live->size;
	programs->rodata->flows_buckets = live->buckets;
	for (size_t i = 0; i < FLOWS_HASH_KEYS; i++)
		programs->rodata->flows_hash_keys[i] = live->hash_keys[i];
	if (bpf_map__set_max_entries(programs->maps.flows_hot, 2 * live->size) ||
		bpf_map__set_max_entries(programs->maps.flows_cold, 2 * live->size) ||
		bpf_map__set_max_entries(programs->maps.flows_index, 2 * live->buckets))
		return err_set(err, ERR_SYSTEM, "cannot size the flow table");
	return 0;
}

static int map_memory(void **ret_memory, struct bpf_map *map, size_t size, struct err *err)
{
	*ret_memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (*ret_memory == MAP_FAILED) {
		*ret_memory = NULL;
		return err_set_errno(err, errno, "cannot map the flow table");
	}
	return 0;
}

static int table_map(struct capture_live *live, struct err *err)
{
	struct flows_bpf *programs = live->programs;

	if (map_memory((void **)&live->hot, programs->maps.flows_hot,
		    2 * (size_t)live->size * sizeof(*live->hot), err) < 0 ||
		map_memory((void **)&live->cold, programs->maps.flows_cold,
			2 * (size_t)live->size * sizeof(*live->cold), err) < 0 ||
		map_memory((void **)&live->index, programs->maps.flows_index,
			2 * (size_t)live->buckets * sizeof(*live->index), err) < 0)
		return -1;
	live->state = &programs->bss->state;
	return 0;
}

/* That it was told is all. */
static int on_half_full(void *context __attribute__((unused)), void *data __attribute__((unused)),
	size_t size __attribute__((unused)))
{
	return 0;
}

static int half_full_open(struct capture_live *live, struct err *err)
{
	live->half_full = ring_buffer__new(
		bpf_map__fd(live->programs->maps.flows_half_full), on_half_full, NULL, NULL);
	if (!live->half_full)
		return err_set_errno(err, errno, "cannot listen to the flow table");
	return 0;
}

int capture_live_half_full(const struct capture_live *live)
{
	return ring_buffer__epoll_fd(live->half_full);
}

void capture_live_looked(struct capture_live *live)
{
	(void)ring_buffer__consume(live->half_full);
}

/* Functions that free what an XDP program dropped. Some kernels inline one into the other. */
static const char *const xdp_functions[FLOWS_XDP_FUNCTIONS] = {"do_xdp_generic",
	"netif_receive_generic_xdp", "bpf_prog_run_generic_xdp", "veth_xdp_rcv_skb"};

static void xdp_functions_find(struct capture_live *live)
{
	struct capture_code code[FLOWS_XDP_FUNCTIONS];

	capture_kernel_functions(xdp_functions, FLOWS_XDP_FUNCTIONS, code);
	for (size_t i = 0; i < FLOWS_XDP_FUNCTIONS; i++) {
		live->state->xdp[i].start = code[i].start;
		live->state->xdp[i].end = code[i].end;
	}
}

static int verdicts_open(struct capture_live *live, bool required, struct err *err)
{
	struct bpf_link *link;
	long error;

	if (bpf_program__autoload(live->programs->progs.verdict)) {
		link = bpf_program__attach_raw_tracepoint(
			live->programs->progs.verdict, "kfree_skb");
		error = libbpf_get_error(link);
		if (!error) {
			live->verdict_link = link;
			xdp_functions_find(live);
			return 0;
		}
		if (required)
			return err_set_errno(
				err, (int)error, "cannot attach to the kfree_skb tracepoint");
	}
	if (!required)
		return 0;
	err_set(err, ERR_UNSUPPORTED, "this kernel does not say why it drops packets");
	return err_hint(err, "Linux 5.18 or newer does; without verdicts every record says ACCEPT");
}

/* A device takes two descriptors, and 1024 are the usual limit. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int capture_live_open(
	struct capture_live **ret_live, const struct capture_live_options *options, struct err *err)
{
	_cleanup_(capture_live_closep) struct capture_live *live = mem_new(1, sizeof(*live));
	DECLARE_LIBBPF_OPTS(bpf_object_open_opts, open_options);
	int error;

	capture_libbpf_quiet();
	allow_descriptors();
	if (options->max_flows > FLOWS_MAX)
		return err_set(err, ERR_USAGE, "at most %u flows can be counted at a time",
			(unsigned)FLOWS_MAX);
	live->size = options->max_flows < FLOWS_MIN ? FLOWS_MIN : (uint32_t)options->max_flows;
	live->buckets = (2 * live->size + FLOWS_BUCKET_SLOTS - 1) / FLOWS_BUCKET_SLOTS;
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
		err_set(err, ERR_UNSUPPORTED, "this kernel has no type information (BTF)");
		return err_hint(err, "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y");
	}
	open_options.btf_custom_path = capture_types_path();
	live->programs = flows_bpf__open_opts(&open_options);
	if (!live->programs)
		return load_failed(err, -errno);
	if (!capture_kernel_has_reason("SKB_DROP_REASON_NETFILTER_DROP"))
		bpf_program__set_autoload(live->programs->progs.verdict, false);
	if (programs_configure(live, err) < 0)
		return -1;
	error = flows_bpf__load(live->programs);
	if (error)
		return load_failed(err, error);
	if (table_map(live, err) < 0 || half_full_open(live, err) < 0 ||
		verdicts_open(live, options->require_verdict, err) < 0)
		return -1;
	*ret_live = take(live);
	return 0;
}

void capture_live_close(struct capture_live *live)
{
	if (!live)
		return;
	for (size_t i = 0; i < live->watched_count; i++) {
		capture_attachment_close(&live->watched[i].ingress);
		capture_attachment_close(&live->watched[i].egress);
	}
	free(live->watched);
	bpf_link__destroy(live->verdict_link);
	ring_buffer__free(live->half_full);
	if (live->hot)
		munmap(live->hot, 2 * (size_t)live->size * sizeof(*live->hot));
	if (live->cold)
		munmap(live->cold, 2 * (size_t)live->size * sizeof(*live->cold));
	if (live->index)
		munmap(live->index, 2 * (size_t)live->buckets * sizeof(*live->index));
	flows_bpf__destroy(live->programs);
	capture_carry_done(&live->carry);
	free(live);
}

bool capture_live_has_verdicts(const struct capture_live *live)
{
	return live->verdict_link != NULL;
}

/* --- devices --- */

/* Whether frames of this device begin with an Ethernet header. */
static int device_is_ethernet(uint32_t ifindex, bool *ret_ethernet, struct err *err)
{
	struct ifreq request = {0};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set_errno(err, errno, "cannot open a socket");
	if (!if_indextoname(ifindex, request.ifr_name))
		return err_set(err, ERR_NOT_FOUND, "no network device has the index %u", ifindex);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return err_set_errno(err, errno, "cannot read the type of %s", request.ifr_name);
	*ret_ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER ||
			request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	return 0;
}

static struct watched *watched_find(struct capture_live *live, uint32_t ifindex)
{
	for (size_t i = 0; i < live->watched_count; i++) {
		if (live->watched[i].ifindex == ifindex)
			return &live->watched[i];
	}
	return NULL;
}

int capture_live_program(const struct capture_live *live, bool egress, bool ethernet)
{
	struct flows_bpf *programs = live->programs;

	if (ethernet)
		return bpf_program__fd(egress ? programs->progs.ethernet_egress
					      : programs->progs.ethernet_ingress);
	return bpf_program__fd(
		egress ? programs->progs.other_egress : programs->progs.other_ingress);
}

static int watched_open(struct capture_live *live, struct watched *watched, struct err *err)
{
	bool ethernet = true;

	if (device_is_ethernet(watched->ifindex, &ethernet, err) < 0)
		return -1;
	if (capture_attachment_open(&watched->ingress, watched->ifindex, false,
		    capture_live_program(live, false, ethernet), err) < 0)
		return -1;
	if (capture_attachment_open(&watched->egress, watched->ifindex, true,
		    capture_live_program(live, true, ethernet), err) < 0) {
		capture_attachment_close(&watched->ingress);
		return -1;
	}
	return 0;
}

int capture_live_attach(struct capture_live *live, uint32_t ifindex, struct err *err)
{
	int interfaces = bpf_map__fd(live->programs->maps.flows_interfaces);
	struct watched watched = {.ifindex = ifindex};

	if (watched_find(live, ifindex))
		return 0;
	/* First the row, so that no packet is counted whose verdict would not be. */
	if (bpf_map_update_elem(interfaces, &ifindex, &watched.told, BPF_ANY))
		return err_set_errno(err, errno, "cannot watch one more device");
	if (watched_open(live, &watched, err) < 0) {
		bpf_map_delete_elem(interfaces, &ifindex);
		return -1;
	}
	live->watched = mem_grow(live->watched, live->watched_count + 1, sizeof(*live->watched));
	live->watched[live->watched_count++] = watched;
	return 0;
}

int capture_live_detach(struct capture_live *live, uint32_t ifindex, struct err *err)
{
	struct watched *watched = watched_find(live, ifindex);

	if (!watched)
		return err_set(err, ERR_NOT_FOUND, "device %u is not watched", ifindex);
	capture_attachment_close(&watched->ingress);
	capture_attachment_close(&watched->egress);
	bpf_map_delete_elem(bpf_map__fd(live->programs->maps.flows_interfaces), &ifindex);
	*watched = live->watched[--live->watched_count];
	return 0;
}

/* --- drain --- */

static void wait_for_programs(struct capture_live *live)
{
	const struct timespec moment = {.tv_nsec = 100000000};
	uint32_t zero = 0, inner;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
		return;
	inner = (uint32_t)bpf_map__fd(live->programs->maps.flows_barrier_inner);
	if (bpf_map_update_elem(
		    bpf_map__fd(live->programs->maps.flows_barrier), &zero, &inner, BPF_ANY) == 0)
		return;
	/* Longer than any softirq runs. */
	nanosleep(&moment, NULL);
}

static uint32_t table_used(const struct capture_live *live, uint32_t table)
{
	uint32_t used = __atomic_load_n(&live->state->table[table].used, __ATOMIC_ACQUIRE);

	return used < live->size ? used : live->size;
}

/* Number of a key's entry in a table, or -1. */
static int64_t table_find(
	const struct capture_live *live, uint32_t table, const struct flows_key *key)
{
	uint64_t hash = flows_hash(key, live->hash_keys);

	for (uint32_t probe = 0; probe < FLOWS_PROBE_MAX; probe++) {
		const struct flows_bucket *bucket =
			&live->index[table * live->buckets +
				     flows_hash_bucket(hash, probe, live->buckets)];

		for (uint32_t i = 0; i < FLOWS_BUCKET_SLOTS; i++) {
			uint32_t slot =
				bucket->slots[(flows_hash_start(hash) + i) % FLOWS_BUCKET_SLOTS];
			uint32_t number = table * live->size + (slot & FLOWS_NUMBER_MASK) - 1;

			if (!slot)
				return -1;
			if ((slot & ~FLOWS_NUMBER_MASK) == flows_hash_tag(hash) &&
				flows_key_equal(&live->hot[number].key, key))
				return number;
		}
	}
	return -1;
}

/* Moves one entry's late verdicts, of which there are packets and bytes, back to its old entry. */
static void settle_entry(
	struct flows_cold *late, struct flows_cold *old, uint64_t packets, uint64_t bytes)
{
	__atomic_fetch_sub(&late->rejected_packets, packets, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&late->rejected_bytes, bytes, __ATOMIC_RELAXED);
	if (!old->rejected_packets)
		old->rejected_first = late->rejected_first;
	old->rejected_last = late->rejected_first;
	old->rejected_packets += packets;
	old->rejected_bytes += bytes;
	for (unsigned i = 0; i < FLOWS_FLAGS; i++) {
		int32_t balance = __atomic_load_n(&late->balance[i], __ATOMIC_RELAXED);

		if (balance >= 0)
			continue;
		__atomic_fetch_sub(&late->balance[i], balance, __ATOMIC_RELAXED);
		old->balance[i] += balance;
		old->rejected_flags |= 1u << i;
	}
}

/* How much more was rejected than seen in an entry that is being written. A packet there is first
 * seen and then rejected, so reading in the opposite order never finds too much; it finds too
 * little while a packet is on its way from the one to the other, so the most of some looks holds.
 */
static void late_verdicts(const struct flows_hot *hot, const struct flows_cold *cold,
	uint64_t most_packets, uint64_t most_bytes, uint64_t *ret_packets, uint64_t *ret_bytes)
{
	int64_t late_packets = 0, late_bytes = 0;

	for (unsigned i = 0; i < LATE_LOOKS; i++) {
		int64_t bytes = (int64_t)__atomic_load_n(&cold->rejected_bytes, __ATOMIC_ACQUIRE);
		int64_t packets =
			(int64_t)__atomic_load_n(&cold->rejected_packets, __ATOMIC_ACQUIRE);

		bytes -= (int64_t)__atomic_load_n(&hot->bytes, __ATOMIC_ACQUIRE);
		packets -= (int64_t)__atomic_load_n(&hot->packets, __ATOMIC_ACQUIRE);
		late_packets = packets > late_packets ? packets : late_packets;
		late_bytes = bytes > late_bytes ? bytes : late_bytes;
		if (late_packets >= (int64_t)most_packets && late_bytes >= (int64_t)most_bytes)
			break;
	}
	*ret_packets = (uint64_t)late_packets;
	*ret_bytes = (uint64_t)late_bytes;
}

/* Verdicts of packets that were seen just before the change of tables and dropped just after. */
static void settle(struct capture_live *live, uint32_t old_table)
{
	uint32_t table = old_table ^ 1, used = table_used(live, table);

	for (uint32_t i = 0; i < used; i++) {
		struct flows_hot *hot = &live->hot[(size_t)table * live->size + i];
		struct flows_cold *cold = &live->cold[(size_t)table * live->size + i], *old;
		uint64_t packets, bytes, room, room_bytes;
		int64_t number;

		if (!__atomic_load_n(&cold->rejected_packets, __ATOMIC_ACQUIRE))
			continue;
		number = table_find(live, old_table, &hot->key);
		if (number < 0)
			continue;
		old = &live->cold[number];
		if (old->rejected_packets >= live->hot[number].packets ||
			old->rejected_bytes >= live->hot[number].bytes)
			continue;
		room = live->hot[number].packets - old->rejected_packets;
		room_bytes = live->hot[number].bytes - old->rejected_bytes;
		late_verdicts(hot, cold, room, room_bytes, &packets, &bytes);
		if (packets && bytes && packets <= room && bytes <= room_bytes)
			settle_entry(cold, old, packets, bytes);
	}
}

struct drain {
	struct capture_live *live;
	capture_live_flow *flow;
	void *context;
	int64_t wall_ns;
	uint32_t tick;
};

static int64_t tick_seconds(const struct drain *drain, uint32_t tick)
{
	/* Ticks wrap, and the entry may be a moment younger than the drain. */
	int32_t age = (int32_t)(drain->tick - tick);

	return (drain->wall_ns - (int64_t)age * (INT64_C(1) << FLOWS_TICK_SHIFT)) /
	       CLOCK_NS_PER_SECOND;
}

static uint8_t flags_bitmask(uint32_t bits)
{
	return (uint8_t)((bits & 7) | ((bits & (1u << FLOWS_SYN_ACK)) << 1));
}

/* What the carry has for this flow is rejected now, and what is rejected beyond what was seen goes
 * to the carry. */
static void balance_verdicts(struct capture_live *live, const struct flow_key *key,
	const struct flows_hot *hot, uint64_t *packets, uint64_t *bytes)
{
	struct capture_carry_row *row = capture_carry_find(&live->carry, key);

	if (row) {
		*packets += row->packets;
		*bytes += row->bytes;
		row->packets = row->bytes = 0;
	}
	if (*packets > hot->packets || *bytes > hot->bytes) {
		uint64_t more_packets = *packets > hot->packets ? *packets - hot->packets : 0;
		uint64_t more_bytes = *bytes > hot->bytes ? *bytes - hot->bytes : 0;

		*packets -= more_packets;
		*bytes -= more_bytes;
		capture_carry_add(&live->carry, key, more_packets, more_bytes);
	}
}

static bool entry_emit(
	struct drain *drain, const struct flows_hot *hot, const struct flows_cold *cold)
{
	struct flow_key key = {.interface = hot->key.ifindex,
		.src_port = ntohs(hot->key.src_port),
		.dst_port = ntohs(hot->key.dst_port),
		.protocol = hot->key.protocol,
		.direction = hot->key.direction == FLOWS_INGRESS ? RECORD_INGRESS : RECORD_EGRESS,
		.action = RECORD_ACCEPT,
		.ip_version = hot->key.ip_version};
	uint64_t packets = cold->rejected_packets, bytes = cold->rejected_bytes;
	struct flow_counts counts;
	uint32_t flags = 0;

	memcpy(&key.src, hot->key.src, sizeof(key.src));
	memcpy(&key.dst, hot->key.dst, sizeof(key.dst));
	balance_verdicts(drain->live, &key, hot, &packets, &bytes);
	if (hot->packets > packets || hot->bytes > bytes) {
		for (unsigned i = 0; i < FLOWS_FLAGS; i++)
			flags |= cold->balance[i] > 0 ? 1u << i : 0;
		counts = (struct flow_counts){.packets = hot->packets - packets,
			.bytes = hot->bytes - bytes,
			.first = tick_seconds(drain, cold->first),
			.last = tick_seconds(drain, hot->key.last),
			.tcp_flags = flags_bitmask(flags)};
		if (counts.last < counts.first)
			counts.last = counts.first;
		if (!drain->flow(drain->context, &key, &counts))
			return false;
	}
	if (packets || bytes) {
		uint32_t first = cold->rejected_first ? cold->rejected_first : cold->first;
		uint32_t last = cold->rejected_first ? cold->rejected_last : hot->key.last;

		key.action = RECORD_REJECT;
		counts = (struct flow_counts){.packets = packets,
			.bytes = bytes,
			.first = tick_seconds(drain, first),
			.last = tick_seconds(drain, last),
			.tcp_flags = flags_bitmask(cold->rejected_flags)};
		if (counts.last < counts.first)
			counts.last = counts.first;
		return drain->flow(drain->context, &key, &counts);
	}
	return true;
}

/* Makes a table empty, touching no more than was used. */
static void table_clear(struct capture_live *live, uint32_t table)
{
	struct flows_hot *hot = &live->hot[(size_t)table * live->size];
	struct flows_cold *cold = &live->cold[(size_t)table * live->size];
	struct flows_bucket *index = &live->index[(size_t)table * live->buckets];
	uint32_t used = table_used(live, table);

	if (used > live->size / SLOT_CLEAR_FEW) {
		memset(index, 0, live->buckets * sizeof(*index));
	} else {
		for (uint32_t i = 0; i < used; i++) {
			uint32_t slot = cold[i].slot - 1;

			if (slot < live->buckets * FLOWS_BUCKET_SLOTS)
				index[slot / FLOWS_BUCKET_SLOTS].slots[slot % FLOWS_BUCKET_SLOTS] =
					0;
		}
	}
	memset(hot, 0, used * sizeof(*hot));
	memset(cold, 0, used * sizeof(*cold));
	__atomic_store_n(&live->state->table[table].used, 0, __ATOMIC_RELEASE);
}

int capture_live_drain(
	struct capture_live *live, capture_live_flow *flow, void *context, struct err *err)
{
	uint32_t table = live->state->active & 1, used;
	struct drain drain = {.live = live, .flow = flow, .context = context};

	__atomic_store_n(&live->state->active, table ^ 1, __ATOMIC_SEQ_CST);
	wait_for_programs(live);
	settle(live, table);
	drain.wall_ns = clock_wall_ns();
	drain.tick = (uint32_t)(clock_mono_ns() >> FLOWS_TICK_SHIFT);
	used = table_used(live, table);
	for (uint32_t i = 0; i < used; i++) {
		size_t number = (size_t)table * live->size + i;

		if (!entry_emit(&drain, &live->hot[number], &live->cold[number]))
			break;
	}
	table_clear(live, table);
	capture_carry_age(&live->carry);
	return 0;
}

double capture_live_fill(const struct capture_live *live)
{
	return (double)table_used(live, live->state->active & 1) / live->size;
}

/* Times that the tracepoint fell while its program ran on the same processor. */
static uint64_t recursion_misses(const struct capture_live *live)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (!live->verdict_link ||
		bpf_obj_get_info_by_fd(
			bpf_program__fd(live->programs->progs.verdict), &info, &size))
		return 0;
	return info.recursion_misses;
}

size_t capture_live_missed(
	struct capture_live *live, struct capture_live_missed *ret_missed, size_t max)
{
	int interfaces = bpf_map__fd(live->programs->maps.flows_interfaces);
	uint64_t verdicts, recursion = recursion_misses(live);
	size_t count = 0;

	for (size_t i = 0; i < live->watched_count && count < max; i++) {
		struct watched *watched = &live->watched[i];
		struct flows_interface now;

		if (bpf_map_lookup_elem(interfaces, &watched->ifindex, &now) ||
			memcmp(&now, &watched->told, sizeof(now)) == 0)
			continue;
		ret_missed[count++] = (struct capture_live_missed){.ifindex = watched->ifindex,
			.packets = now.missed_packets - watched->told.missed_packets,
			.bytes = now.missed_bytes - watched->told.missed_bytes,
			.verdicts = now.missed_verdicts - watched->told.missed_verdicts};
		watched->told = now;
	}
	verdicts = recursion - live->told_recursion + live->carry.lost - live->told_lost;
	if (verdicts && count < max) {
		ret_missed[count++] = (struct capture_live_missed){.verdicts = verdicts};
		live->told_recursion = recursion;
		live->told_lost = live->carry.lost;
	}
	return count;
}
