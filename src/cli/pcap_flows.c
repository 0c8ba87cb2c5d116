#include "cli/pcap_flows.h"

#include "base/hash.h"
#include "flow/fragments.h"
#include "flow/packet.h"
#include "flow/windows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define BATCH         128
#define AHEAD         8 /* packets whose headers are fetched before they are looked at */
#define NOT_LEARNT    UINT32_MAX

struct interface {
	char *label; /* what tells it from others */
	char id[32];
	struct record_interface record;
	bool seen;
	size_t silent_from; /* in closed: the first window it may be silent in */
	int64_t marked;     /* the window marked last */
	bool in_this;       /* has a flow in the window that closes now */
};

/* A flow of the interface was handed out for a window that is still open. */
struct mark {
	int64_t window_start;
	uint32_t interface;
};

struct pcap_flows {
	struct pcap_flows_options options;
	struct flow_windows *windows;
	struct flow_fragments *fragments;
	struct flow_sample batch[BATCH];
	size_t batch_count;
	bool stopped;
	int64_t latest_ns;
	struct pcap_flows_stats stats;

	struct interface **interfaces;
	uint64_t *label_hashes; /* of the interfaces: a file may describe many */
	uint32_t interfaces_count;
	uint32_t *numbers; /* interface of this file to number of interfaces */
	uint32_t numbers_count;

	struct mark *marks;
	size_t marks_count, marks_capacity;
	int64_t *closed; /* windows that had flows, ascending */
	size_t closed_count, closed_capacity;
};

/* interfaces */

static uint32_t add_interface(struct pcap_flows *flows, const char *label, uint64_t hash)
{
	struct interface *interface = mem_new(1, sizeof(*interface));
	const struct pcap_flows_options *options = &flows->options;

	interface->label = mem_strdup(label);
	interface->marked = INT64_MIN;
	if (!options->interface_id)
		snprintf(interface->id, sizeof(interface->id), "eni-0%016" PRIx64, hash);
	struct str *values = interface->record.values;
	values[RECORD_ACCOUNT_ID] = str_from(options->account_id);
	values[RECORD_INTERFACE_ID] =
		str_from(options->interface_id ? options->interface_id : interface->id);
	if (options->region)
		values[RECORD_REGION] = str_from(options->region);
	flows->interfaces = mem_grow(
		flows->interfaces, flows->interfaces_count + 1, sizeof(*flows->interfaces));
	flows->interfaces[flows->interfaces_count] = interface;
	flows->label_hashes = mem_grow(
		flows->label_hashes, flows->interfaces_count + 1, sizeof(*flows->label_hashes));
	flows->label_hashes[flows->interfaces_count] = hash;
	return flows->interfaces_count++;
}

static uint32_t find_interface(
	struct pcap_flows *flows, const struct capture_pcap *pcap, uint32_t number)
{
	struct capture_pcap_interface known = capture_pcap_interface(pcap, number);
	_cleanup_free_ char *label = NULL;

	if (flows->options.interface_id)
		label = mem_strdup("");
	else if (known.name)
		label = mem_printf("name %s", known.name);
	else
		label = mem_printf("number %u", known.ordinal);
	uint64_t hash = hash_bytes(label, strlen(label), 0);
	for (uint32_t i = 0; i < flows->interfaces_count; i++) {
		if (flows->label_hashes[i] == hash &&
			strcmp(flows->interfaces[i]->label, label) == 0)
			return i;
	}
	return add_interface(flows, label, hash);
}

/* The file's interfaces come to be known as packets name them. */
static __attribute__((noinline)) uint32_t learn_interface(
	struct pcap_flows *flows, const struct capture_pcap *pcap, uint32_t number)
{
	if (number >= flows->numbers_count) {
		flows->numbers = mem_grow(flows->numbers, number + 1, sizeof(*flows->numbers));
		while (flows->numbers_count <= number)
			flows->numbers[flows->numbers_count++] = NOT_LEARNT;
	}
	if (flows->numbers[number] == NOT_LEARNT)
		flows->numbers[number] = find_interface(flows, pcap, number);
	return flows->numbers[number];
}

static uint32_t interface_of(struct pcap_flows *flows, const struct capture_pcap *pcap,
	const struct capture_packet *packet)
{
	if (packet->interface < flows->numbers_count &&
		flows->numbers[packet->interface] != NOT_LEARNT)
		return flows->numbers[packet->interface];
	return learn_interface(flows, pcap, packet->interface);
}

void pcap_flows_begin_file(struct pcap_flows *flows)
{
	flows->numbers_count = 0;
}

/* windows to records */

static bool hand_out(struct pcap_flows *flows, const struct record *record)
{
	if (!flows->stopped && !flows->options.record(flows->options.context, record))
		flows->stopped = true;
	return !flows->stopped;
}

static void mark(struct pcap_flows *flows, uint32_t number, int64_t window_start)
{
	struct interface *interface = flows->interfaces[number];

	if (interface->marked == window_start)
		return;
	interface->marked = window_start;
	if (flows->marks_count == flows->marks_capacity) {
		flows->marks_capacity = flows->marks_capacity * 2 + 16;
		flows->marks = mem_grow(flows->marks, flows->marks_capacity, sizeof(*flows->marks));
	}
	flows->marks[flows->marks_count++] = (struct mark){window_start, number};
}

static bool on_flow(void *context, int64_t window_start, const struct flow_key *key,
	const struct flow_counts *counts)
{
	struct pcap_flows *flows = context;
	struct record record = {
		.interface = &flows->interfaces[key->interface]->record,
		.action = key->action,
		.direction = key->direction,
		.srcaddr = key->src,
		.dstaddr = key->dst,
		.pkt_srcaddr = key->src,
		.pkt_dstaddr = key->dst,
		.srcport = key->src_port,
		.dstport = key->dst_port,
		.protocol = key->protocol,
		.tcp_flags = counts->tcp_flags,
		.packets = counts->packets,
		.bytes = counts->bytes,
		.start = counts->first,
		.end = counts->last,
	};

	mark(flows, key->interface, window_start);
	return hand_out(flows, &record);
}

/* Nothing is watched or skipped here. */
static bool on_status(void *context, int64_t window_start, uint32_t interface,
	enum flow_window_status status, const struct flow_counts *missed)
{
	return true;
}

static bool hand_out_silence(
	struct pcap_flows *flows, const struct interface *interface, int64_t window_start)
{
	struct record record = {
		.interface = &interface->record,
		.status = RECORD_NODATA,
		.direction = RECORD_NO_DIRECTION,
		.start = window_start,
		.end = window_start + flows->options.interval - 1,
	};

	return hand_out(flows, &record);
}

/* Takes the marks of this window; true when there was one. */
static bool take_marks(struct pcap_flows *flows, int64_t window_start)
{
	size_t kept = 0;

	for (size_t i = 0; i < flows->marks_count; i++) {
		struct mark *m = &flows->marks[i];
		if (m->window_start == window_start)
			flows->interfaces[m->interface]->in_this = true;
		else
			flows->marks[kept++] = *m;
	}
	bool any = kept < flows->marks_count;
	flows->marks_count = kept;
	return any;
}

static bool on_closed(void *context, int64_t window_start)
{
	struct pcap_flows *flows = context;

	/* Nobody was silent in a window that was closed before, or in an empty one. */
	bool again = flows->closed_count && window_start <= flows->closed[flows->closed_count - 1];
	if (!take_marks(flows, window_start))
		return true;
	if (!again) {
		if (flows->closed_count == flows->closed_capacity) {
			flows->closed_capacity = flows->closed_capacity * 2 + 64;
			flows->closed = mem_grow(
				flows->closed, flows->closed_capacity, sizeof(*flows->closed));
		}
		flows->closed[flows->closed_count++] = window_start;
	}
	for (uint32_t i = 0; i < flows->interfaces_count; i++) {
		struct interface *interface = flows->interfaces[i];
		if (!interface->in_this)
			continue;
		interface->in_this = false;
		interface->marked = INT64_MIN;
		if (again)
			continue;
		for (size_t j = interface->silent_from;
			interface->seen && j + 1 < flows->closed_count; j++) {
			if (!hand_out_silence(flows, interface, flows->closed[j]))
				return false;
		}
		interface->seen = true;
		interface->silent_from = flows->closed_count;
	}
	return true;
}

int pcap_flows_new(
	struct pcap_flows **ret_flows, const struct pcap_flows_options *options, struct err *err)
{
	_cleanup_(pcap_flows_freep) struct pcap_flows *flows = mem_new(1, sizeof(*flows));
	struct flow_windows_options windows = {
		.interval = options->interval,
		.grace = PCAP_FLOWS_GRACE,
		.max_flows = options->max_flows,
		.sink = {on_flow, on_status, on_closed, flows},
	};

	flows->options = *options;
	if (flow_windows_new(&flows->windows, &windows, err) < 0)
		return -1;
	*ret_flows = take(flows);
	return 0;
}

/* packets to windows */

static bool is_local(const struct pcap_flows_options *options, const struct ip_addr *addr)
{
	for (size_t i = 0; i < options->local_count; i++) {
		if (ip_prefix_contains(&options->local[i], addr))
			return true;
	}
	return false;
}

/* Multicast, or IPv4's limited broadcast. */
static bool is_group(const struct ip_addr *addr)
{
	if (ip_is_v4(addr))
		return addr->bytes[12] >> 4 == 14 || addr->words[3] == UINT32_MAX;
	return addr->bytes[0] == 0xff;
}

static uint8_t direction_of(
	const struct pcap_flows_options *options, const struct flow_packet *packet)
{
	if (options->local_count == 0)
		return RECORD_NO_DIRECTION;
	if (is_local(options, &packet->src))
		return RECORD_EGRESS;
	if (is_local(options, &packet->dst) || is_group(&packet->dst))
		return RECORD_INGRESS;
	return RECORD_NO_DIRECTION;
}

static int count_batch(struct pcap_flows *flows)
{
	size_t count = flows->batch_count;

	flows->batch_count = 0;
	if (flows->stopped ||
		(count && flow_windows_add_batch(flows->windows, flows->batch, count)))
		return -1;
	return 0;
}

static inline __attribute__((always_inline)) void count_packet(struct pcap_flows *flows,
	const struct flow_packet *packet, uint32_t interface, int64_t time_ns)
{
	const struct pcap_flows_options *options = &flows->options;
	uint8_t direction = direction_of(options, packet);
	int action = RECORD_ACCEPT;

	if (options->rules)
		action = vpc_rules_decide(options->rules, packet, direction, time_ns);
	if (flows->batch_count == BATCH && count_batch(flows) < 0) {
		flows->stopped = true;
		return;
	}
	struct flow_sample *sample = &flows->batch[flows->batch_count++];
	sample->key.src = packet->src;
	sample->key.dst = packet->dst;
	sample->key.interface = interface;
	sample->key.src_port = packet->src_port;
	sample->key.dst_port = packet->dst_port;
	sample->key.protocol = packet->protocol;
	sample->key.direction = direction;
	sample->key.action = (uint8_t)action;
	sample->key.ip_version = packet->ip_version;
	sample->packets = 1;
	sample->bytes = packet->bytes;
	sample->time = time_ns / NS_PER_SECOND;
	sample->tcp_flags = packet->tcp_flags;
	flows->stats.counted++;
	flows->stats.counted_bytes += packet->bytes;
}

static void on_released(
	void *context, const struct flow_packet *packet, uint32_t interface, int64_t time_ns)
{
	count_packet(context, packet, interface, time_ns);
}

/* False: held for its first. */
static bool place_fragment(
	struct pcap_flows *flows, struct flow_packet *packet, uint32_t interface, int64_t time_ns)
{
	if (!flows->fragments)
		flows->fragments = flow_fragments_new(
			FLOW_FRAGMENTS_DATAGRAMS, FLOW_FRAGMENTS_HELD, on_released, flows);
	return flow_fragments_add(flows->fragments, packet, interface, time_ns);
}

static void count_not_counted(
	struct pcap_flows *flows, const struct capture_packet *captured, int why)
{
	if (why == FLOW_PACKET_E_DAMAGED) {
		flows->stats.damaged++;
		return;
	}
	flows->stats.not_ip++;
	if (!flow_packet_link_type_known(captured->link_type)) {
		flows->stats.unknown_link_type++;
		flows->stats.a_link_type = captured->link_type;
	}
}

int pcap_flows_add(struct pcap_flows *flows, const struct capture_pcap *pcap,
	const struct capture_packet *packets, size_t count)
{
	flows->stats.packets += count;
	for (size_t i = 0; i < count && !flows->stopped; i++) {
		const struct capture_packet *captured = &packets[i];
		if (i + AHEAD < count)
			__builtin_prefetch(packets[i + AHEAD].bytes);
		struct flow_packet packet;
		int status = flow_packet_decode(captured->link_type, captured->bytes,
			captured->captured, captured->original, &packet);
		if (__builtin_expect(status != 0, 0)) {
			count_not_counted(flows, captured, status);
			continue;
		}
		uint32_t interface = interface_of(flows, pcap, captured);
		if (captured->time_ns > flows->latest_ns)
			flows->latest_ns = captured->time_ns;
		if (packet.fragment != FLOW_FRAGMENT_NONE &&
			!place_fragment(flows, &packet, interface, captured->time_ns))
			continue;
		count_packet(flows, &packet, interface, captured->time_ns);
	}
	/* Before time moves on, and windows close: what waited long enough for its first. */
	if (flows->fragments && count)
		flow_fragments_advance(flows->fragments, packets[count - 1].time_ns);
	if (count_batch(flows) < 0)
		return -1;
	return flow_windows_advance(flows->windows, flows->latest_ns / NS_PER_SECOND);
}

int pcap_flows_finish(struct pcap_flows *flows)
{
	if (flows->fragments)
		flow_fragments_flush(flows->fragments);
	if (count_batch(flows) < 0)
		return -1;
	return flow_windows_flush(flows->windows);
}

struct pcap_flows_stats pcap_flows_stats(const struct pcap_flows *flows)
{
	struct pcap_flows_stats stats = flows->stats;

	flow_windows_count(flows->windows, &stats.early);
	return stats;
}

void pcap_flows_free(struct pcap_flows *flows)
{
	if (!flows)
		return;
	for (uint32_t i = 0; i < flows->interfaces_count; i++) {
		free(flows->interfaces[i]->label);
		free(flows->interfaces[i]);
	}
	flow_windows_free(flows->windows);
	flow_fragments_free(flows->fragments);
	free(flows->interfaces);
	free(flows->label_hashes);
	free(flows->numbers);
	free(flows->marks);
	free(flows->closed);
	free(flows);
}
