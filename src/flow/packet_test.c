/* Frames written byte by byte from the RFCs and the link-type descriptions of tcpdump.org. */
#include "flow/packet.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* 192.0.2.1:49152 -> 198.51.100.2:53, UDP, 8 bytes of header. */
#define V4   "4500001c00010000401100 00c0000201c6336402"
#define UDP  "c000003500080000"
#define MACS "020000000001020000000002"
/* 2001:db8::1 -> 2001:db8::2, payload of 8 bytes, next header UDP. */
#define V6_ADDRESSES "20010db800000000000000000000000120010db8000000000000000000000002"
#define V6           "60000000000811 40" V6_ADDRESSES

static struct buf from_hex(const char *hex)
{
	struct buf buf = {0};
	int high = -1;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		int digit = *hex <= '9' ? *hex - '0' : *hex - 'a' + 10;
		assert_in_range(digit, 0, 15);
		if (high < 0) {
			high = digit;
			continue;
		}
		buf_add_char(&buf, (char)(high << 4 | digit));
		high = -1;
	}
	assert_int_equal(high, -1);
	return buf;
}

static int decode_cut(uint32_t link_type, const char *hex, uint32_t original, size_t cut,
	struct flow_packet *packet)
{
	_cleanup_buf_ struct buf frame = from_hex(hex);

	assert_true(cut <= frame.n);
	/* Its own block of memory, so that sanitizers see a read behind the frame. */
	_cleanup_free_ uint8_t *copy = mem_new(cut + 1, 1);
	uint8_t *at = copy + 1;
	if (cut)
		memcpy(at, frame.p, cut);
	return flow_packet_decode(
		link_type, at, (uint32_t)cut, original ? original : (uint32_t)frame.n, packet);
}

static int decode(uint32_t link_type, const char *hex, struct flow_packet *packet)
{
	_cleanup_buf_ struct buf frame = from_hex(hex);

	return decode_cut(link_type, hex, 0, frame.n, packet);
}

static void check_addresses(
	const struct flow_packet *packet, const char *expected_src, const char *expected_dst)
{
	struct ip_addr src, dst;

	assert_true(ip_parse(str_from(expected_src), &src));
	assert_true(ip_parse(str_from(expected_dst), &dst));
	assert_true(ip_equal(&packet->src, &src));
	assert_true(ip_equal(&packet->dst, &dst));
}

static void check_v4(const struct flow_packet *packet)
{
	check_addresses(packet, "192.0.2.1", "198.51.100.2");
	assert_int_equal(packet->ip_version, 4);
	assert_int_equal(packet->protocol, 17);
	assert_int_equal(packet->src_port, 49152);
	assert_int_equal(packet->dst_port, 53);
	assert_int_equal(packet->bytes, 28);
	assert_int_equal(packet->fragment, FLOW_FRAGMENT_NONE);
}

static void check_v6(const struct flow_packet *packet)
{
	check_addresses(packet, "2001:db8::1", "2001:db8::2");
	assert_int_equal(packet->ip_version, 6);
	assert_int_equal(packet->protocol, 17);
	assert_int_equal(packet->src_port, 49152);
	assert_int_equal(packet->dst_port, 53);
	assert_int_equal(packet->bytes, 48);
	assert_int_equal(packet->fragment, FLOW_FRAGMENT_NONE);
}

static const struct {
	uint32_t link_type;
	const char *v4, *v6; /* what stands in front of the IP header; NULL: not this version */
} carriers[] = {
	{1, MACS "0800", MACS "86dd"},
	{1, MACS "81000005 0800", MACS "81000005 86dd"},
	{1, MACS "88a80005 81000006 0800", MACS "88a80005 81000006 86dd"},
	{1, MACS "91000005 8100000688a80007 0800", NULL},
	{1, MACS "8847 00010040 00020140", MACS "8847 00002140"},
	{1, MACS "8847 00010140 00000000" MACS "0800", MACS "8847 00010140" MACS "86dd"},
	{1, MACS "8864 11000001001e 0021", MACS "8864 110000010032 0057"},
	{1, MACS "81000001 8864 11000001001d 21", NULL},
	{1, MACS "0024 aaaa03 000000 0800", MACS "0038 aaaa03 0000f8 86dd"},
	{1, MACS "001f 060603", NULL},
	{1, MACS "88e5 0000 00000001 0800", MACS "88e5 2000 00000001 0000000000000001 86dd"},
	{1, MACS "893f 000000000000 0800", NULL},
	{1, MACS "8926 00000000 0800", NULL},
	{1, MACS "8909 0101 0001 0005 0800", NULL},
	{1, MACS "892f 00340001 0800", NULL},
	{1, MACS "88e7 00000001" MACS "0800", NULL},
	{1, MACS "6558" MACS "0800", NULL},
	{1, MACS "8903 0001" MACS "0800", NULL},
	{1, MACS "22f3 004000010002 00000000" MACS "0800", NULL},
	{1, "01000c000001 020000000002 0040 aaaa0300000c 0000 0000 0000" MACS "0800", NULL},
	{0, "02000000", "1e000000"},
	{0, "00000002", "0000001c"},
	{0, "00000800", "18000000"},
	{0, "0f000800", "000086dd"},
	{108, "00000002", "00000018"},
	{9, "ff030021", "ff030057"},
	{9, "0021", "57"},
	{9, "ff030281 00010140", NULL},
	{50, "ff0321", "8f0086dd"},
	{51, "1100 0001 001e 0021", NULL},
	{6, "1040 020000000001 020000000002 aaaa03 000000 0800", NULL},
	{6, "1040 020000000001 820000000002 0630 0011 0021 aaaa03 000000 0800", NULL},
	{7, "0102 d4 00 0001", "0102 c4 01 0001"},
	{7, "0102 f0", NULL},
	{129, "0102 0000 d4 00 0001", "0102 0000 d4 ffffffff 00 0001"},
	{10, "50 020000000001 020000000002 aaaa03 000000 0800", NULL},
	{11, "aaaa03 000000 0800", "aaaa03 0080c2 0007" MACS "86dd"},
	{12, "", ""},
	{14, "", ""},
	{100, "aaaa03 000000 0800", "aaaa03 000000 86dd"},
	{101, "", ""},
	{104, "0f000800", "8f0086dd"},
	{105, "0802 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800",
		"8801 0000 020000000001 020000000002 020000000003 0000 0000 aaaa03 000000 86dd"},
	{105,
		"8803 0000 020000000001 020000000002 020000000003 0000 020000000004 8000" MACS
		"0024 aaaa03 000000 0800",
		"8881 0000 020000000001 020000000002 020000000003 0000 0000 00000000"
		"aaaa03 000000 86dd"},
	{106, "", "aaaa03 000000 86dd"},
	{107, "1841 03 cc", "1841 03 8e"},
	{107, "1841 0800", "1841 86dd"},
	{107, "18400001 03 00 80 000000 0800", "1841 03 80 000000 86dd"},
	{109, "02000000 00000000 00000000", NULL},
	{113, "0000 0001 0006 020000000001 0000 0800", "0004 0001 0006 020000000001 0000 86dd"},
	{113, "0000 0001 0006 020000000001 0000 0004 aaaa03 000000 0800",
		"0000 0001 0006 020000000001 0000 8100 0005 86dd"},
	{113, "0000 0302 0000 0000000000000000 0000 1841 03 cc", NULL},
	{276, "0800 0000 00000001 0001 00 06 020000000001 0000",
		"86dd 0000 00000001 0001 00 06 020000000001 0000"},
	{117, "07020000 00000000", NULL},
	{119,
		"44000000 10000000 0000000000000000"
		"0802 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800",
		NULL},
	{163,
		"80211001 00000010 0000000000000000"
		"0802 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800",
		NULL},
	{127,
		"0000 0800 00000000"
		"0802 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800",
		/* timer and flags: the header is padded to four bytes */
		"0000 1100 03000000 0000000000000000 20"
		"8801 0000 020000000001 020000000002 020000000003 0000 0000 0000"
		"aaaa03 000000 86dd"},
	{192,
		"0000 0800 69000000"
		"0802 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800",
		"0000 0800 01000000" MACS "86dd"},
	{122, "00000000000000000000000000000000 aaaa03 000000 0800", NULL},
	{123, "02000005 aaaa03 000000 0800", NULL},
	{138, "0000000000000001 0000000000000002 0800", "0000000000000001 0000000000000002 86dd"},
	{166, "0003 0021", "0103 0057"},
	{178, "4d4743 80 0002 0000" MACS "0800", "4d4743 00" MACS "86dd"},
	{179, "4d4743 00 ff030021", NULL},
	{180, "4d4743 00 1841 03cc", NULL},
	{181, "4d4743 00 0f000800", NULL},
	{197, "0000000000000000 02 04 0044 0000 002a 0000" MACS "0800",
		"0000000000000000 97 04 0044 0000 0030 0000000000000000"},
	{204, "00 ff030021", "01 0057"},
	{205, "00 0f000800", NULL},
	{206, "00 1841 03cc", NULL},
	{219, "00010140", "00010140"},
	{226, "0202 0001 0000001c 00000001 00000000 00000000 00000000", NULL},
	{228, "", NULL},
	{229, NULL, ""},
	{239, "02000000 0800 0100 08000100 05000a00 00 000000 2000 0900", NULL},
	{239, NULL, "0a000000 0008 0001 08000100 0034 0009"},
	{240, "00000000" MACS "0800", NULL},
	{241, "00000000 55555555555555d5" MACS "0800", NULL},
	{242,
		"00000000000000000000 00000000000000000000 00000000000000000000 00000000000000000000"
		"08000000",
		NULL},
	{274, "55555555555555d5" MACS "0800", NULL},
};

static void test_carriers(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(carriers); i++) {
		struct flow_packet packet;
		assert_true(flow_packet_link_type_known(carriers[i].link_type));
		for (int version = 4; version <= 6; version += 2) {
			const char *before = version == 4 ? carriers[i].v4 : carriers[i].v6;
			if (!before)
				continue;
			_cleanup_free_ char *hex =
				mem_printf("%s%s%s", before, version == 4 ? V4 : V6, UDP);
			int status = decode(carriers[i].link_type, hex, &packet);
			if (status)
				fail_msg("link type %u, '%s' IPv%d: %d", carriers[i].link_type,
					before, version, status);
			if (version == 4)
				check_v4(&packet);
			else
				check_v6(&packet);
		}
	}
}

/* Every cut of every frame is read within its bounds, and never counts with an address cut off. */
static void test_cuts(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(carriers); i++) {
		for (int version = 4; version <= 6; version += 2) {
			const char *before = version == 4 ? carriers[i].v4 : carriers[i].v6;
			if (!before)
				continue;
			_cleanup_free_ char *hex =
				mem_printf("%s%s%s", before, version == 4 ? V4 : V6, UDP);
			_cleanup_buf_ struct buf frame = from_hex(hex);
			size_t counts_from = frame.n - 8;
			for (size_t cut = 0; cut < frame.n; cut++) {
				struct flow_packet packet;
				int status =
					decode_cut(carriers[i].link_type, hex, 0, cut, &packet);
				assert_in_range(status, 0, FLOW_PACKET_E_DAMAGED);
				if (cut < counts_from)
					assert_int_not_equal(status, 0);
				else if (status == 0 && cut < counts_from + 4)
					assert_int_equal(packet.dst_port, 0);
			}
		}
	}
}

static void test_nsh(void **state)
{
	struct flow_packet packet;

	/* RFC 8300: length 2 words (MD type 2 without metadata), then IPv4 or IPv6. */
	assert_int_equal(decode(1, MACS "894f 0fc20201 00000100" V4 UDP, &packet), 0);
	check_v4(&packet);
	assert_int_equal(decode(1, MACS "894f 0fc20203 00000100" MACS "86dd" V6 UDP, &packet), 0);
	check_v6(&packet);
}

static void test_not_ip(void **state)
{
	static const struct {
		uint32_t link_type;
		const char *frame;
	} frames[] = {
		{1, MACS "0806 0001080006040001"},
		{1, MACS "0026 424203 0000"},
		{1, MACS "0026 ffff 0022"},
		{1, MACS "88e5 0c00 00000001 0800" V4 UDP},
		{1, MACS "8864 11090001001e 0021" V4 UDP},
		{1, MACS "05f0" V4 UDP},
		/* protected, no data, management, a later fragment */
		{105, "0842 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800" V4},
		{105, "4802 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800" V4},
		{105, "8000 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800" V4},
		{105, "0802 0000 020000000001 020000000002 020000000003 0100 aaaa03 000000 0800" V4},
		{147, V4 UDP},
		{70000, V4 UDP},
		{101, ""},
		{101, "00"},
		{1, ""},
		{0, "07000000" V4},
	};

	assert_false(flow_packet_link_type_known(147));
	assert_false(flow_packet_link_type_known(UINT32_MAX));
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
		struct flow_packet packet;
		int status = decode(frames[i].link_type, frames[i].frame, &packet);
		if (status != FLOW_PACKET_E_NOT_IP)
			fail_msg("frame %zu: %d", i, status);
	}
}

/* Endless tags end. */
static void test_depth(void **state)
{
	_cleanup_buf_ struct buf hex = {0};
	struct flow_packet packet;

	buf_add_text(&hex, MACS);
	for (int i = 0; i < 1000; i++)
		buf_add_text(&hex, "81000001");
	buf_add_text(&hex, "0800" V4 UDP);
	assert_int_equal(decode(1, buf_text(&hex), &packet), FLOW_PACKET_E_NOT_IP);
}

static void test_ipv4(void **state)
{
	struct flow_packet packet;

	/* Options (router alert): the header is 24 bytes. */
	assert_int_equal(
		decode(101, "4600002000010000401100 00c0000201c6336402 94040000" UDP, &packet), 0);
	assert_int_equal(packet.src_port, 49152);
	assert_int_equal(packet.bytes, 32);
	/* Padding of Ethernet behind the total length is no header: a UDP packet of 22 bytes. */
	assert_int_equal(
		decode(1, MACS "0800 4500001600010000401100 00c0000201c6336402" UDP, &packet), 0);
	assert_int_equal(packet.dst_port, 0);
	assert_int_equal(packet.bytes, 22);
	/* Cut by the snap length inside the options: counts, without ports. */
	assert_int_equal(
		decode(101, "4f000400 00010000401100 00c0000201c6336402 9404", &packet), 0);
	assert_int_equal(packet.bytes, 1024);
	assert_int_equal(packet.dst_port, 0);
	/* ICMP: no ports, whatever stands there. */
	assert_int_equal(
		decode(101, "4500001c00010000400100 00c0000201c6336402 0800123400010002", &packet),
		0);
	assert_int_equal(packet.protocol, 1);
	assert_int_equal(packet.src_port, 0);
	assert_int_equal(packet.icmp_type, 8);
	assert_int_equal(packet.icmp_code, 0);
	/* SCTP has ports (RFC 9260), GRE has none. */
	assert_int_equal(
		decode(101, "4500002000010000408400 00c0000201c6336402 0b590b5a0000000000000000",
			&packet),
		0);
	assert_int_equal(packet.src_port, 2905);
	assert_int_equal(packet.dst_port, 2906);
	/* A datagram too short for the common header of SCTP: tshark shows no ports either. */
	assert_int_equal(
		decode(101, "4500001f00010000408400 00c0000201c6336402 0b590b5a00000000000000",
			&packet),
		0);
	assert_int_equal(packet.src_port, 0);
	assert_int_equal(packet.dst_port, 0);
	assert_int_equal(packet.bytes, 31);
	assert_int_equal(
		decode(101, "4500001c00010000402f00 00c0000201c6336402 0000080000000000", &packet),
		0);
	assert_int_equal(packet.dst_port, 0);
	/* No IPv4 header: version, header length, total length. */
	assert_int_equal(decode(1, MACS "0800 5500001c00010000401100 00c0000201c6336402", &packet),
		FLOW_PACKET_E_DAMAGED);
	assert_int_equal(decode(101, "4400001c00010000401100 00c0000201c6336402", &packet),
		FLOW_PACKET_E_DAMAGED);
	assert_int_equal(decode(101, "4500001300010000401100 00c0000201c6336402", &packet),
		FLOW_PACKET_E_DAMAGED);
	/* IPv6 that was announced as IPv4. */
	assert_int_equal(decode(1, MACS "0800" V6 UDP, &packet), 0);
	check_v6(&packet);
}

static void test_segmentation_offload(void **state)
{
	struct flow_packet packet;

	/* Total length 0: what the frame carried, 54 on the wire less 14 of Ethernet. */
	assert_int_equal(decode_cut(1, MACS "0800 4500000000010000400600 00c0000201c6336402" UDP,
				 70014, 14 + 28, &packet),
		0);
	assert_int_equal(packet.bytes, 70000);
	assert_int_equal(packet.dst_port, 53);
	/* The same in IPv6 (Linux BIG TCP strips the jumbo option). */
	assert_int_equal(decode_cut(1, MACS "86dd 6000000000000640" V6_ADDRESSES UDP, 80014,
				 14 + 48, &packet),
		0);
	assert_int_equal(packet.bytes, 80000);
	assert_int_equal(packet.dst_port, 53);
	/* UDP of length 0 within 65535 bytes is just that. */
	assert_int_equal(decode_cut(1, MACS "86dd 6000000000001140" V6_ADDRESSES UDP, 1000, 14 + 48,
				 &packet),
		0);
	assert_int_equal(packet.bytes, 40);
	assert_int_equal(packet.dst_port, 0);
	/* A total length larger than the frame stands. */
	assert_int_equal(decode_cut(1, MACS "0800 4500ea6000010000401100 00c0000201c6336402" UDP,
				 60, 14 + 28, &packet),
		0);
	assert_int_equal(packet.bytes, 60000);
	/* RFC 2675: hop-by-hop with a jumbo payload length of 70008, then UDP. */
	assert_int_equal(decode_cut(101, "6000000000000040" V6_ADDRESSES "1100c20400011178" UDP,
				 70048, 56, &packet),
		0);
	assert_int_equal(packet.bytes, 70048);
	assert_int_equal(packet.dst_port, 53);
	/* The same when the frame is shorter than it says. */
	assert_int_equal(decode_cut(101, "6000000000000040" V6_ADDRESSES "1100c20400011178" UDP, 56,
				 56, &packet),
		0);
	assert_int_equal(packet.bytes, 40);
}

static void test_tcp_flags(void **state)
{
	/* VPC guide: SYN 2, SYN-ACK 18, FIN 1, RST 4; ACK, PSH, URG, ECE and CWR alone are 0. */
	static const struct {
		uint8_t wire, aws;
	} flags[] = {{0x02, 2}, {0x12, 18}, {0x10, 0}, {0x18, 0}, {0x11, 1}, {0x14, 4}, {0x04, 4},
		{0xc2, 2}, {0x00, 0}, {0x29, 1}, {0x20, 0}, {0xd2, 18}, {0x03, 3}, {0x17, 23}};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct flow_packet packet;
		_cleanup_free_ char *hex = mem_printf("4500002800010000400600 00c0000201c6336402"
						      "c00001bb0000000000000000 50%02x"
						      "000000000000",
			flags[i].wire);
		assert_int_equal(decode(101, hex, &packet), 0);
		assert_int_equal(packet.tcp_flags, flags[i].aws);
		assert_int_equal(packet.dst_port, 443);
	}
}

static void test_ipv4_fragments(void **state)
{
	struct flow_packet packet;

	/* First of a datagram: 1480 bytes of payload, more to come. */
	assert_int_equal(decode(101, "450005dcabcd2000401100 00c0000201c6336402" UDP, &packet), 0);
	assert_int_equal(packet.fragment, FLOW_FRAGMENT_FIRST);
	assert_int_equal(packet.fragment_id, 0xabcd);
	assert_int_equal(packet.fragment_offset, 0);
	assert_int_equal(packet.fragment_bytes, 1480);
	assert_int_equal(packet.fragment_last, 0);
	assert_int_equal(packet.src_port, 49152);
	/* The last: offset 185 * 8, what looks like ports is data. */
	assert_int_equal(decode(101, "4500001cabcd00b9401100 00c0000201c6336402" UDP, &packet), 0);
	assert_int_equal(packet.fragment, FLOW_FRAGMENT_LATER);
	assert_int_equal(packet.fragment_offset, 1480);
	assert_int_equal(packet.fragment_bytes, 8);
	assert_int_equal(packet.fragment_last, 1);
	assert_int_equal(packet.src_port, 0);
	/* Don't fragment is no fragment. */
	assert_int_equal(decode(101, "4500001cabcd4000401100 00c0000201c6336402" UDP, &packet), 0);
	assert_int_equal(packet.fragment, FLOW_FRAGMENT_NONE);
}

static void test_ipv6_extensions(void **state)
{
	struct flow_packet packet;

	/* Hop-by-hop (router alert), destination options, routing, then UDP. */
	assert_int_equal(decode(101,
				 "6000000000280040" V6_ADDRESSES "3c00050200000100"
				 "2b00010400000000 1101000000000000 0000000000000000" UDP,
				 &packet),
		0);
	assert_int_equal(packet.protocol, 17);
	assert_int_equal(packet.dst_port, 53);
	assert_int_equal(packet.bytes, 80);
	/* First and later fragment: 16 bytes of payload each. */
	assert_int_equal(
		decode(101,
			"6000000000182c40" V6_ADDRESSES "1100000100000007" UDP "0000000000000000",
			&packet),
		0);
	assert_int_equal(packet.fragment, FLOW_FRAGMENT_FIRST);
	assert_int_equal(packet.fragment_id, 7);
	assert_int_equal(packet.fragment_bytes, 16);
	assert_int_equal(packet.dst_port, 53);
	assert_int_equal(
		decode(101,
			"6000000000182c40" V6_ADDRESSES "1100001000000007" UDP "0000000000000000",
			&packet),
		0);
	assert_int_equal(packet.fragment, FLOW_FRAGMENT_LATER);
	assert_int_equal(packet.fragment_offset, 16);
	assert_int_equal(packet.fragment_last, 1);
	assert_int_equal(packet.protocol, 17);
	assert_int_equal(packet.dst_port, 0);
	/* An atomic fragment (RFC 6946) is whole. */
	assert_int_equal(
		decode(101, "6000000000102c40" V6_ADDRESSES "1100000000000007" UDP, &packet), 0);
	assert_int_equal(packet.fragment, FLOW_FRAGMENT_NONE);
	assert_int_equal(packet.dst_port, 53);
	/* Authentication header and ESP end the walk. */
	assert_int_equal(
		decode(101, "6000000000083340" V6_ADDRESSES "1101000000000001", &packet), 0);
	assert_int_equal(packet.protocol, 51);
	assert_int_equal(packet.dst_port, 0);
	/* No next header. */
	assert_int_equal(decode(101, "6000000000003b40" V6_ADDRESSES, &packet), 0);
	assert_int_equal(packet.protocol, 59);
	/* A header that is longer than the packet: what it announced counts, without ports. */
	assert_int_equal(
		decode(101, "6000000000100040" V6_ADDRESSES "11ff010400000000" UDP, &packet), 0);
	assert_int_equal(packet.protocol, 17);
	assert_int_equal(packet.dst_port, 0);
	/* Not IPv6. */
	assert_int_equal(decode(1, MACS "86dd 5000000000081140" V6_ADDRESSES UDP, &packet),
		FLOW_PACKET_E_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carriers),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_nsh),
		cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_segmentation_offload),
		cmocka_unit_test(test_tcp_flags),
		cmocka_unit_test(test_ipv4_fragments),
		cmocka_unit_test(test_ipv6_extensions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
