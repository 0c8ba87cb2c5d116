/* What the tc program costs a packet, by the kernel's own clock (BPF_PROG_TEST_RUN, mean of many
 * runs). For many flows a small program before it (tc.bpf.c) turns the packet into that of a random
 * flow at each run; what that program costs alone is measured too and taken off. */
#include "capture/live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define RUNS       2000000
#define TRIES      5 /* the best counts: others use this machine */
#define MANY_FLOWS 100000
#define ONE_LIMIT  80 /* ns */
#define MANY_LIMIT 200

static uint8_t frame[64] = {[12] = 0x08,
	[14] = 0x45,
	[17] = 50,
	[22] = 64,
	[23] = 6,
	[30] = 192,
	[32] = 2,
	[33] = 1,
	[34] = 4,
	[36] = 1,
	[46] = 0x50,
	[47] = 0x10};

static int fail(const char *what)
{
	fprintf(stderr, "bench/tc: %s\n", what);
	exit(1);
}

static uint32_t run(int program)
{
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
		.data_size_in = sizeof(frame), .repeat = RUNS);
	uint32_t best = UINT32_MAX;

	for (int i = 0; i < TRIES; i++) {
		if (bpf_prog_test_run_opts(program, &options))
			fail("BPF_PROG_TEST_RUN failed");
		best = options.duration < best ? options.duration : best;
	}
	return best;
}

static bool count(void *context, const struct flow_key *key, const struct flow_counts *counts)
{
	((uint64_t *)context)[0]++;
	((uint64_t *)context)[1] += counts->packets;
	return true;
}

static void expect(struct capture_live *live, uint64_t flows, uint64_t packets)
{
	uint64_t found[2] = {0};
	struct err err = ERR_INIT;

	if (capture_live_drain(live, count, found, &err) < 0 || found[0] != flows ||
		found[1] != packets)
		fail("not every packet was counted in its flow");
}

/* usage: tc OBJECT, the compiled tc.bpf.c */
int main(int argc, char **argv)
{
	struct capture_live_options options = {.max_flows = 131072};
	uint32_t one, vary, many, flows = MANY_FLOWS, zero = 0;
	struct capture_live *live;
	struct err err = ERR_INIT;
	struct bpf_object *object;
	struct bpf_map *constants;
	int program, varying, table;

	if (argc != 2 || unshare(CLONE_NEWNET) < 0 || capture_live_open(&live, &options, &err) < 0)
		fail(*err.message ? err.message : "needs root");
	object = bpf_object__open_file(argv[1], NULL);
	if (libbpf_get_error(object))
		fail("cannot open the object");
	constants = bpf_object__find_map_by_name(object, ".rodata");
	if (!constants || bpf_map__set_initial_value(constants, &flows, sizeof(flows)) ||
		bpf_object__load(object))
		fail("cannot load the object");
	program = capture_live_program(live, false, true);
	varying = bpf_program__fd(bpf_object__find_program_by_name(object, "vary"));
	table = bpf_map__fd(bpf_object__find_map_by_name(object, "measured"));
	one = run(program);
	expect(live, 1, (uint64_t)RUNS * TRIES);
	vary = run(varying);
	if (bpf_map_update_elem(table, &zero, &program, BPF_ANY))
		fail("cannot put the program into the table");
	many = run(varying);
	expect(live, MANY_FLOWS, (uint64_t)RUNS * TRIES);
	printf("tc program, 1 flow: %u ns a packet (limit %u, ratio %.2f)\n", one, ONE_LIMIT,
		(double)one / ONE_LIMIT);
	printf("tc program, %u flows at random: %u ns a packet (limit %u, ratio %.2f), of %u with %u for making the packet\n",
		MANY_FLOWS, many - vary, MANY_LIMIT, (double)(many - vary) / MANY_LIMIT, many,
		vary);
	bpf_object__close(object);
	capture_live_close(live);
	return one > ONE_LIMIT || many - vary > MANY_LIMIT;
}
