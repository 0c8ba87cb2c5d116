/* The tc programs by BPF_PROG_TEST_RUN on built packets, in an empty network namespace. Expected
 * values are what was put into the packet (RFC 791, 8200, 9293), and, for mutated packets, what the
 * decoder of capture files makes of the same bytes. */
#include "capture/live.h"

#include "capture/flows_shape.h"
#include "flow/packet.h"
#include "record/record.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define LOOPBACK           1
#define LINK_TYPE_ETHERNET 1
#define FLOWS_SEEN_MAX     8192

static struct capture_live *live;
static struct {
	size_t count;
	struct flow_key keys[FLOWS_SEEN_MAX];
	struct flow_counts counts[FLOWS_SEEN_MAX];
	uint64_t packets, bytes;
} seen;

struct frame {
	uint8_t bytes[3400];
	uint32_t n;
};

static void put(struct frame *frame, const void *bytes, uint32_t n)
{
	assert_true(frame->n + n <= sizeof(frame->bytes));
	memcpy(frame->bytes + frame->n, bytes, n);
	frame->n += n;
}

static void put16(struct frame *frame, unsigned value)
{
	put(frame, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put32(struct frame *frame, uint32_t value)
{
	put16(frame, value >> 16);
	put16(frame, value & 0xffff);
}

static void put_zeros(struct frame *frame, uint32_t n)
{
	assert_true(frame->n + n <= sizeof(frame->bytes));
	memset(frame->bytes + frame->n, 0, n);
	frame->n += n;
}

static struct frame ethernet(unsigned type)
{
	struct frame frame = {0};

	put(&frame, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	put16(&frame, type);
	return frame;
}

static void put_ipv4(struct frame *frame, unsigned total, unsigned fragment, unsigned protocol)
{
	put16(frame, 0x4500);
	put16(frame, total);
	put16(frame, 0x1234);
	put16(frame, fragment);
	put16(frame, 0x4000 | protocol);
	put16(frame, 0);
	put(frame, "\300\0\2\1\306\63\144\2", 8); /* 192.0.2.1 198.51.100.2 */
}

static void put_ipv6(struct frame *frame, unsigned payload, unsigned next)
{
	put32(frame, 0x60000000);
	put16(frame, payload);
	put16(frame, next << 8 | 64);
	put(frame, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	put(frame, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
}

static void put_tcp(struct frame *frame, unsigned src, unsigned dst, unsigned flags)
{
	put16(frame, src);
	put16(frame, dst);
	put32(frame, 1);
	put32(frame, 2);
	put16(frame, 0x5000 | flags);
	put16(frame, 1000);
	put32(frame, 0);
}

static void put_ports(struct frame *frame, unsigned src, unsigned dst)
{
	put16(frame, src);
	put16(frame, dst);
	put32(frame, 0);
}

static void run_large(const struct frame *frame, bool egress, bool is_ethernet, unsigned gso_size,
	unsigned gso_segments)
{
	struct __sk_buff context = {.gso_size = gso_size, .gso_segs = gso_segments};
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		.data_size_in = frame->n, .ctx_in = &context, .ctx_size_in = sizeof(context),
		.repeat = 1);

	assert_int_equal(
		bpf_prog_test_run_opts(capture_live_program(live, egress, is_ethernet), &options),
		0);
	assert_int_equal((int)options.retval, -1); /* never decides about a packet */
}

static void run(const struct frame *frame)
{
	run_large(frame, false, true, 0, 0);
}

static bool remember(void *context, const struct flow_key *key, const struct flow_counts *counts)
{
	assert_true(seen.count < FLOWS_SEEN_MAX);
	seen.keys[seen.count] = *key;
	seen.counts[seen.count++] = *counts;
	seen.packets += counts->packets;
	seen.bytes += counts->bytes;
	return true;
}

static void drain(void)
{
	struct err err = ERR_INIT;

	seen.count = 0;
	seen.packets = seen.bytes = 0;
	assert_int_equal(capture_live_drain(live, remember, NULL, &err), 0);
}

static void expect_one(
	unsigned protocol, unsigned src, unsigned dst, uint64_t packets, uint64_t bytes)
{
	drain();
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.keys[0].interface, LOOPBACK);
	assert_int_equal(seen.keys[0].protocol, protocol);
	assert_int_equal(seen.keys[0].src_port, src);
	assert_int_equal(seen.keys[0].dst_port, dst);
	assert_int_equal(seen.keys[0].action, RECORD_ACCEPT);
	assert_int_equal(seen.counts[0].packets, packets);
	assert_int_equal(seen.counts[0].bytes, bytes);
}

static void expect_addresses(const char *src, const char *dst)
{
	char text[IP_STR_MAX + 1] = {0};

	*ip_write(text, &seen.keys[0].src) = 0;
	assert_string_equal(text, src);
	*ip_write(text, &seen.keys[0].dst) = 0;
	assert_string_equal(text, dst);
}

static void test_ipv4_tcp(void **state)
{
	struct frame frame = ethernet(0x0800);
	int64_t now = time(NULL);

	put_ipv4(&frame, 40, 0x4000, 6);
	put_tcp(&frame, 50000, 443, 0x02);
	put_zeros(&frame, 6); /* Ethernet's padding does not count */
	run(&frame);
	run_large(&frame, true, true, 0, 0);
	drain();
	assert_int_equal(seen.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(seen.keys[i].direction, i ? RECORD_EGRESS : RECORD_INGRESS);
		assert_int_equal(seen.keys[i].ip_version, 4);
		assert_int_equal(seen.counts[i].packets, 1);
		assert_int_equal(seen.counts[i].bytes, 40);
		assert_int_equal(seen.counts[i].tcp_flags, 2);
		assert_in_range(seen.counts[i].first, now - 1, now + 2);
		assert_in_range(seen.counts[i].last, now - 1, now + 2);
	}
	expect_addresses("192.0.2.1", "198.51.100.2");
	/* Nothing is handed out twice, and the table can be used again. */
	drain();
	assert_int_equal(seen.count, 0);
	run(&frame);
	run(&frame);
	expect_one(6, 50000, 443, 2, 80);
}

static void test_tcp_flags(void **state)
{
	static const struct {
		unsigned flags, expected;
	} cases[] = {{0x10, 0}, {0x18, 0}, {0x02, 2}, {0xc2, 2}, {0x12, 18}, {0x11, 1}, {0x01, 1},
		{0x04, 4}, {0x14, 4}, {0x03, 3}, {0x38, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct frame frame = ethernet(0x0800);

		put_ipv4(&frame, 40, 0, 6);
		put_tcp(&frame, 1, 2, cases[i].flags);
		run(&frame);
		expect_one(6, 1, 2, 1, 40);
		assert_int_equal(seen.counts[0].tcp_flags, cases[i].expected);
	}
}

static void test_protocols(void **state)
{
	static const struct {
		unsigned protocol;
		bool ports;
	} cases[] = {{17, true}, {33, true}, {132, true}, {136, true}, {1, false}, {2, false},
		{4, false}, {47, false}, {50, false}, {51, false}, {58, false}, {89, false},
		{255, false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct frame frame = ethernet(0x0800);

		put_ipv4(&frame, 28 + 5, 0, cases[i].protocol);
		put_ports(&frame, 1111, 2222);
		put_zeros(&frame, 5);
		run(&frame);
		expect_one(cases[i].protocol, cases[i].ports ? 1111 : 0, cases[i].ports ? 2222 : 0,
			1, 33);
	}
}

static void test_link_headers(void **state)
{
	static const struct {
		unsigned type;
		const char *header;
		unsigned n;
	} cases[] = {
		{0x8100, "\0\5\x08\0", 4},
		{0x88a8, "\0\5\x81\0\0\6\x08\0", 8},
		{0x9100, "\0\5\x81\0\0\6\x08\0", 8},
		{0x8864, "\x11\0\0\1\0\x1e\0\x21", 8},
		{0x8847, "\0\1\1\x40", 4},
		{0x8847, "\0\1\0\x40\0\1\1\x40", 8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct frame frame = ethernet(cases[i].type);

		put(&frame, cases[i].header, cases[i].n);
		put_ipv4(&frame, 28, 0, 17);
		put_ports(&frame, 53, 54);
		put_zeros(&frame, 20);
		run(&frame);
		expect_one(17, 53, 54, 1, 28);
	}
}

static void test_other_devices(void **state)
{
	struct frame frame = ethernet(0x0800), six = ethernet(0x86dd);

	put_ipv4(&frame, 28, 0, 17);
	put_ports(&frame, 7, 8);
	run_large(&frame, false, false, 0, 0);
	expect_one(17, 7, 8, 1, 28);
	run_large(&frame, true, false, 0, 0);
	expect_one(17, 7, 8, 1, 28);
	put_ipv6(&six, 8, 17);
	put_ports(&six, 7, 8);
	run_large(&six, true, false, 0, 0);
	expect_one(17, 7, 8, 1, 48);
}

static void test_ipv6(void **state)
{
	struct frame frame = ethernet(0x86dd);

	put_ipv6(&frame, 20, 6);
	put_tcp(&frame, 80, 81, 0x12);
	run(&frame);
	expect_one(6, 80, 81, 1, 60);
	assert_int_equal(seen.keys[0].ip_version, 6);
	assert_int_equal(seen.counts[0].tcp_flags, 18);
	expect_addresses("2001:db8::1", "2001:db8::2");
}

static void test_ipv6_extensions(void **state)
{
	struct frame frame = ethernet(0x86dd);

	put_ipv6(&frame, 8 + 24 + 8 + 8, 0);
	put(&frame, "\53\0\1\4\0\0\0\0", 8); /* hop by hop, then routing */
	put(&frame, "\74\2\4\0", 4);         /* 24 bytes of routing, then destination */
	put_zeros(&frame, 20);
	put(&frame, "\21\0\1\4\0\0\0\0", 8); /* then UDP */
	put_ports(&frame, 9, 10);
	run(&frame);
	expect_one(17, 9, 10, 1, 40 + 48);
}

static void test_ipv4_options(void **state)
{
	struct frame frame = ethernet(0x0800);

	put_ipv4(&frame, 32, 0, 17);
	frame.bytes[14] = 0x46;
	put(&frame, "\1\1\1\0", 4);
	put_ports(&frame, 11, 12);
	run(&frame);
	expect_one(17, 11, 12, 1, 32);
}

static void test_fragments(void **state)
{
	struct frame first = ethernet(0x0800), later = ethernet(0x0800), other = ethernet(0x0800);

	put_ipv4(&first, 20 + 16, 0x2000, 17);
	put_ports(&first, 13, 14);
	put_zeros(&first, 8);
	put_ipv4(&later, 20 + 16, 0x2002, 17);
	put_ports(&later, 0xdead, 0xbeef);
	put_zeros(&later, 8);
	run(&first);
	run(&later);
	expect_one(17, 13, 14, 2, 72);
	/* Another datagram, whose first fragment nobody saw. */
	put_ipv4(&other, 20 + 8, 0x0002, 17);
	other.bytes[19] ^= 1;
	put_ports(&other, 0xdead, 0xbeef);
	run(&other);
	expect_one(17, 0, 0, 1, 28);
	/* The other direction is another datagram too. */
	run_large(&later, true, true, 0, 0);
	expect_one(17, 0, 0, 1, 36);
}

static void test_ipv6_fragments(void **state)
{
	struct frame first = ethernet(0x86dd), later = ethernet(0x86dd), atomic = ethernet(0x86dd);

	put_ipv6(&first, 8 + 16, 44);
	put(&first, "\21\0\0\1\1\2\3\4", 8);
	put_ports(&first, 15, 16);
	put_zeros(&first, 8);
	put_ipv6(&later, 8 + 8, 44);
	put(&later, "\21\0\0\20\1\2\3\4", 8);
	put_ports(&later, 0xdead, 0xbeef);
	run(&first);
	run(&later);
	expect_one(17, 15, 16, 2, 40 + 24 + 40 + 16);
	put_ipv6(&atomic, 8 + 8, 44); /* RFC 6946 */
	put(&atomic, "\21\0\0\0\1\2\3\5", 8);
	put_ports(&atomic, 17, 18);
	run(&atomic);
	expect_one(17, 17, 18, 1, 56);
}

static void test_large_packets(void **state)
{
	struct frame tcp = ethernet(0x0800), six = ethernet(0x86dd), udp = ethernet(0x0800);

	/* 2500 bytes of payload in segments of 1000: three packets of 20 + 20 bytes more each. */
	put_ipv4(&tcp, 40 + 2500, 0x4000, 6);
	put_tcp(&tcp, 19, 20, 0x10);
	put_zeros(&tcp, 2500);
	run_large(&tcp, false, true, 1000, 3);
	expect_one(6, 19, 20, 3, 2500 + 3 * 40);
	run_large(&tcp, true, true, 1000, 0); /* nobody counted the segments */
	expect_one(6, 19, 20, 3, 2500 + 3 * 40);
	put_ipv6(&six, 20 + 2000, 6);
	put_tcp(&six, 21, 22, 0x10);
	put_zeros(&six, 2000);
	run_large(&six, false, true, 1000, 2);
	expect_one(6, 21, 22, 2, 2000 + 2 * 60);
	put_ipv4(&udp, 28 + 3001, 0, 17);
	put_ports(&udp, 23, 24);
	put_zeros(&udp, 3001);
	run_large(&udp, true, true, 1000, 4);
	expect_one(17, 23, 24, 4, 3001 + 4 * 28);
	/* A total length of 0 (more than 64 KiB): the kernel's own length counts. */
	memcpy(tcp.bytes + 16, "\0\0", 2);
	run_large(&tcp, false, true, 1000, 3);
	expect_one(6, 19, 20, 3, 2500 + 3 * 40);
}

static void test_not_ip(void **state)
{
	struct frame arp = ethernet(0x0806), damaged = ethernet(0x0800), cut = ethernet(0x8100);

	put_zeros(&arp, 46);
	run(&arp);
	put_ipv4(&damaged, 20, 0, 17);
	damaged.bytes[14] = 0x55;
	run(&damaged);
	damaged.bytes[14] = 0x44;
	run(&damaged);
	put(&cut, "\0\1", 2);
	run(&cut);
	drain();
	assert_int_equal(seen.count, 0);
}

/* No room: what is in no record is in capture_live_missed, and the next drain makes room. */
static void test_full_table(void **state)
{
	struct capture_live_missed missed[4];
	unsigned flows = 3000, repeat = 2;
	struct err err = ERR_INIT;

	assert_int_equal(capture_live_attach(live, LOOPBACK, &err), 0);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < flows * repeat; i++) {
			struct frame frame = ethernet(0x0800);

			put_ipv4(&frame, 28 + i % 7, 0, 17);
			put_ports(&frame, i % flows, 1);
			put_zeros(&frame, 7);
			run(&frame);
		}
		assert_true(capture_live_fill(live) == 1);
		drain();
		assert_int_equal(seen.count, 2048);
		assert_int_equal(seen.packets, 2048 * repeat);
		assert_int_equal(capture_live_missed(live, missed, 4), 1);
		assert_int_equal(missed[0].ifindex, LOOPBACK);
		assert_int_equal(missed[0].packets, (flows - 2048) * repeat);
		assert_int_equal(missed[0].bytes + seen.bytes,
			28 * flows * repeat + flows * repeat / 7 * 21 +
				(flows * repeat % 7) * (flows * repeat % 7 - 1) / 2);
		assert_int_equal(missed[0].verdicts, 0);
		assert_int_equal(capture_live_missed(live, missed, 4), 0);
		assert_true(capture_live_fill(live) == 0);
	}
	assert_int_equal(capture_live_detach(live, LOOPBACK, &err), 0);
}

/* Mutated packets: the same flow and bytes as the decoder of capture files finds. */
static void test_same_as_decoder(void **state)
{
	unsigned counted = 0;

	srandom(1);
	for (unsigned i = 0; i < 20000; i++) {
		struct frame frame = ethernet(i % 2 ? 0x0800 : 0x86dd);
		struct flow_packet packet;
		unsigned header = i % 2 ? 34 : 54;
		unsigned next = (unsigned[]){6, 17, 0, 43, 44, 60, 1, 132}[random() % 8];
		unsigned changes = (unsigned)random() % 4;

		if (i % 2)
			put_ipv4(&frame, 20 + 80, 0, next);
		else
			put_ipv6(&frame, 80, next);
		for (unsigned j = 0; j < 80; j++)
			put(&frame, (uint8_t[]){(uint8_t)(random() % 3 ? 0 : random())}, 1);
		frame.bytes[header] = (uint8_t[]){6, 17, 44, 60}[random() % 4];
		while (changes--)
			frame.bytes[14 + (unsigned)random() % (header - 14)] = (uint8_t)random();
		/* Zero length and fragments have their own rules and tests. */
		if (flow_packet_decode(LINK_TYPE_ETHERNET, frame.bytes, frame.n, frame.n,
			    &packet) != FLOW_PACKET_E_SUCCESS ||
			packet.fragment == FLOW_FRAGMENT_LATER ||
			packet.bytes < (i % 2 ? 20 : 41) ||
			(frame.bytes[14] >> 4) != (i % 2 ? 4 : 6))
			continue;
		run(&frame);
		expect_one(packet.protocol, packet.src_port, packet.dst_port, 1, packet.bytes);
		assert_memory_equal(&seen.keys[0].src, &packet.src, 16);
		assert_memory_equal(&seen.keys[0].dst, &packet.dst, 16);
		assert_int_equal(seen.counts[0].tcp_flags, packet.tcp_flags);
		if (++counted == 300)
			return;
	}
	fail_msg("only %u packets were good", counted);
}

static void test_wrong_use(void **state)
{
	struct capture_live_options options = {.max_flows = (size_t)FLOWS_MAX + 1};
	struct capture_live *other = NULL;
	struct err err = ERR_INIT;

	assert_true(capture_live_open(&other, &options, &err) < 0);
	assert_int_equal(err.code, ERR_USAGE);
	err = (struct err)ERR_INIT;
	assert_true(capture_live_attach(live, 12345, &err) < 0);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	err = (struct err)ERR_INIT;
	assert_true(capture_live_detach(live, 12345, &err) < 0);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
	struct capture_live_options options = {.max_flows = 2048};
	struct err err = ERR_INIT;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_tcp),
		cmocka_unit_test(test_tcp_flags),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_link_headers),
		cmocka_unit_test(test_other_devices),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_ipv6_extensions),
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_ipv6_fragments),
		cmocka_unit_test(test_large_packets),
		cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_same_as_decoder),
		cmocka_unit_test(test_wrong_use),
	};
	int status;

	/* A network of its own, so that nothing but the test is counted. */
	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr, "skipped: needs root for a network namespace\n");
		return 77;
	}
	if (capture_live_open(&live, &options, &err) < 0) {
		fprintf(stderr, "%s: %s\n",
			err.code == ERR_PERMISSION || err.code == ERR_UNSUPPORTED ? "skipped"
										  : "failed",
			err.message);
		return err.code == ERR_PERMISSION || err.code == ERR_UNSUPPORTED ? 77 : 1;
	}
	status = cmocka_run_group_tests(tests, NULL, NULL);
	capture_live_close(live);
	return status;
}
