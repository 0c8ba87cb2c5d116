/* See bench/flow-table. Packets are made on the way, from a number, so that reading them costs no
 * memory of its own; what making them costs is measured first and taken off. The least of some
 * rounds counts: the machine may be busy. */
#include "base/clock.h"
#include "base/hash.h"
#include "flow/table.h"
#include "flow/windows.h"

#include <stdio.h>

#define PACKETS 8000000
#define ROUNDS  5
#define BATCH   128
#define FLOWS   200000

/* How packets visit flows. */
enum order { RANDOM, BURSTS, ONE, NEW };

struct run {
	enum order order;
	struct flow_windows *windows;
	struct flow_table_entry *array; /* [FLOWS] */
	uint64_t checked;
};

static uint32_t flow_of(enum order order, uint32_t packet)
{
	switch (order) {
	case RANDOM:
		return (uint32_t)(hash_mix(packet, 1) % FLOWS);
	case BURSTS: /* eight packets, as one direction of a small transfer */
		return (uint32_t)(hash_mix(packet / 8, 1) % FLOWS);
	case ONE:
		return 0;
	default:
		return packet;
	}
}

static void make_sample(struct flow_sample *sample, uint32_t flow)
{
	sample->key = (struct flow_key){
		.src.halves = {0, 0, 0, 0, 0, 0xffff, 10, (uint16_t)flow},
		.dst.halves = {0, 0, 0, 0, 0, 0xffff, 0x0a0a, (uint16_t)(flow >> 16)},
		.src_port = (uint16_t)(flow * 7),
		.dst_port = 443,
		.protocol = 6,
		.ip_version = 4,
	};
	sample->packets = 1;
	sample->bytes = 1500;
	sample->time = 1790000000;
	sample->tcp_flags = 2;
}

static void only_make(struct run *run)
{
	struct flow_sample samples[BATCH];

	for (uint32_t packet = 0; packet < PACKETS; packet += BATCH) {
		for (uint32_t i = 0; i < BATCH; i++)
			make_sample(&samples[i], flow_of(run->order, packet + i));
		__asm__ volatile("" : : "r"(samples) : "memory");
	}
}

static void to_array(struct run *run)
{
	struct flow_sample samples[BATCH];

	for (uint32_t packet = 0; packet < PACKETS; packet += BATCH) {
		for (uint32_t i = 0; i < BATCH; i++)
			make_sample(&samples[i], flow_of(run->order, packet + i));
		__asm__ volatile("" : : "r"(samples) : "memory");
		for (uint32_t i = 0; i < BATCH; i++) {
			struct flow_table_entry *entry =
				&run->array[flow_of(run->order, packet + i) % FLOWS];
			memcpy(&entry->key, &samples[i].key, sizeof(entry->key));
			entry->seen |= samples[i].tcp_flags;
			entry->packets += samples[i].packets;
			entry->bytes += samples[i].bytes;
		}
	}
}

static void to_windows_batched(struct run *run)
{
	struct flow_sample samples[BATCH];

	for (uint32_t packet = 0; packet < PACKETS; packet += BATCH) {
		for (uint32_t i = 0; i < BATCH; i++)
			make_sample(&samples[i], flow_of(run->order, packet + i));
		flow_windows_add_batch(run->windows, samples, BATCH);
	}
}

static void to_windows_singly(struct run *run)
{
	struct flow_sample sample;

	for (uint32_t packet = 0; packet < PACKETS; packet++) {
		make_sample(&sample, flow_of(run->order, packet));
		const struct flow_counts counts = {.packets = sample.packets,
			.bytes = sample.bytes,
			.first = sample.time,
			.last = sample.time,
			.tcp_flags = sample.tcp_flags};
		flow_windows_add(run->windows, &sample.key, &counts);
	}
}

static bool take_flow(
	void *context, int64_t window, const struct flow_key *key, const struct flow_counts *counts)
{
	*(uint64_t *)context += counts->packets;
	return true;
}

static bool take_closed(void *context, int64_t window)
{
	return true;
}

static int64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * CLOCK_NS_PER_SECOND + used.tv_nsec;
}

/* ns a packet, user and system. */
static double measure(struct run *run, void (*function)(struct run *run))
{
	int64_t least = INT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t start = cpu_ns();
		function(run);
		if (run->order == NEW)
			flow_windows_flush(run->windows);
		int64_t took = cpu_ns() - start;
		least = took < least ? took : least;
	}
	return (double)least / PACKETS;
}

int main(void)
{
	static const struct {
		enum order order;
		const char *name;
	} orders[] = {{RANDOM, "200 thousand flows, random order"},
		{BURSTS, "200 thousand flows, eight packets in a row"}, {ONE, "1 flow"},
		{NEW, "every packet a new flow, handed out too"}};
	struct run run = {.array = mem_new(FLOWS, sizeof(*run.array))};
	const struct flow_windows_options options = {.interval = 60,
		.max_flows = 1000000,
		.sink = {take_flow, NULL, take_closed, &run.checked}};
	uint64_t expected = 0;
	struct err err;

	if (flow_windows_new(&run.windows, &options, &err) < 0) {
		fprintf(stderr, "flow-table: %s\n", err.message);
		return 1;
	}
	printf("ns a packet (times the plain array)\n%-44s %8s %16s %16s\n", "", "array", "batched",
		"one by one");
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		run.order = orders[i].order;
		double made = measure(&run, only_make);
		double array = measure(&run, to_array) - made;
		double batched = measure(&run, to_windows_batched) - made;
		double singly = measure(&run, to_windows_singly) - made;
		expected += (uint64_t)2 * ROUNDS * PACKETS;
		printf("%-44s %8.1f %9.1f (%4.1f) %9.1f (%4.1f)\n", orders[i].name, array, batched,
			batched / array, singly, singly / array);
	}
	flow_windows_flush(run.windows);
	flow_windows_free(run.windows);
	free(run.array);
	if (run.checked != expected) {
		fprintf(stderr, "flow-table: packets were lost\n");
		return 1;
	}
	return 0;
}
