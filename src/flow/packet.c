/* The way from a frame to its flow. Nearly all frames are Ethernet, perhaps with one VLAN tag, then
 * IPv4 without options or IPv6 without extension headers, then TCP or UDP: that way is straight
 * through this file; every other link layer goes by packet_link.c.
 *
 * How long a packet was is its own total length, not the frame's: Ethernet pads short ones. A
 * length of 0 is what a capture shows of a packet that was handed to the device whole for
 * segmentation (TSO, BIG TCP): those are as long as the frame says. IPv6 uses 0 for jumbograms too.
 */
#include "flow/packet.h"

#include "flow/packet_priv.h"

#define PROTOCOL_HOP_BY_HOP  0
#define PROTOCOL_ICMP        1
#define PROTOCOL_TCP         6
#define PROTOCOL_UDP         17
#define PROTOCOL_ROUTING     43
#define PROTOCOL_FRAGMENT    44
#define PROTOCOL_ICMPV6      58
#define PROTOCOL_DESTINATION 60
#define PROTOCOL_SCTP        132

#define IPV4_HEADER_MIN 20
#define IPV4_FRAGMENT   0x1fff /* offset in units of 8 bytes */
#define IPV4_MORE       0x2000

#define IPV6_HEADER       40
#define IPV6_OPTION_PAD   0
#define IPV6_OPTION_JUMBO 0xc2
#define IPV6_LENGTH_MAX   65535

#define ICMP_HEADER 8

#define SCTP_HEADER 12

#define TCP_HEADER_MIN 20
#define TCP_FLAGS_AT   13
#define TCP_FIN        0x01
#define TCP_SYN        0x02
#define TCP_RST        0x04
#define TCP_ACK        0x10

/* FIN, SYN and RST as they are; ACK shows only in SYN-ACK (VPC guide, tcp-flags). */
static uint8_t aws_tcp_flags(uint8_t flags)
{
	uint8_t kept = flags & (TCP_FIN | TCP_SYN | TCP_RST);

	/* SYN is bit 1, ACK bit 4. */
	return kept | (uint8_t)(((flags & TCP_SYN) << 3) & (flags & TCP_ACK));
}

static bool is_icmp_error(const struct flow_packet *packet)
{
	/* RFC 4443, 3, and RFC 792: unreachable, quench, redirect, time exceeded, parameter. */
	if (packet->protocol == PROTOCOL_ICMPV6)
		return packet->icmp_type >= 1 && packet->icmp_type <= 4;
	return (packet->icmp_type >= 3 && packet->icmp_type <= 5) || packet->icmp_type == 11 ||
	       packet->icmp_type == 12;
}

/* p: the n bytes that an ICMP error quotes. A quote of what this error's receiver did not send, or
 * without the transport header (a later fragment, behind extension headers), is none. */
static __attribute__((noinline)) void decode_quote(
	struct flow_packet *packet, const uint8_t *p, uint32_t n)
{
	struct ip_addr src;
	uint32_t header;

	if (packet->protocol == PROTOCOL_ICMP) {
		if (n < IPV4_HEADER_MIN || p[0] >> 4 != 4 || packet_be16(p + 6) & IPV4_FRAGMENT)
			return;
		header = (uint32_t)(p[0] & 15) * 4;
		if (header < IPV4_HEADER_MIN)
			return;
		src = ip_from_v4(p + 12);
		packet->quoted_dst = ip_from_v4(p + 16);
		packet->quoted_protocol = p[9];
	} else {
		if (n < IPV6_HEADER || p[0] >> 4 != 6)
			return;
		header = IPV6_HEADER;
		src = ip_from_v6(p + 8);
		packet->quoted_dst = ip_from_v6(p + 24);
		packet->quoted_protocol = p[6];
	}
	if (!ip_equal(&src, &packet->dst) || n < header + 4)
		return;
	packet->quoted = 1;
	switch (packet->quoted_protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_SCTP:
		packet->quoted_src_port = packet_be16(p + header);
		packet->quoted_dst_port = packet_be16(p + header + 2);
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		packet->quoted_icmp_type = p[header];
		break;
	default:
		break;
	}
}

_Static_assert(offsetof(struct flow_packet, dst_port) == offsetof(struct flow_packet, src_port) + 2,
	"stored at once");

/* Stored at once, because it is loaded at once (see ip_from_v4). */
static inline void set_ports(struct flow_packet *packet, const uint8_t *p)
{
	uint32_t ports = packet_be32(p);

	if (BYTE_ORDER == LITTLE_ENDIAN)
		ports = ports << 16 | ports >> 16;
	memcpy((char *)packet + offsetof(struct flow_packet, src_port), &ports, sizeof(ports));
}

/* p: the transport header, of which captured bytes are there. */
static inline __attribute__((always_inline)) void decode_transport(
	struct flow_packet *packet, const uint8_t *p, uint32_t captured)
{
	switch (packet->protocol) {
	case PROTOCOL_TCP:
		if (captured > TCP_FLAGS_AT)
			packet->tcp_flags = aws_tcp_flags(p[TCP_FLAGS_AT]);
		__attribute__((fallthrough));
	case PROTOCOL_UDP:
	case PROTOCOL_SCTP:
		/* What is too short for SCTP's common header is none (RFC 9260, 3.1); of the others
		 * ports are known before the header ends, as Wireshark has it too. */
		if (captured >= (packet->protocol == PROTOCOL_SCTP ? SCTP_HEADER : 4))
			set_ports(packet, p);
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		if (captured >= 2) {
			packet->icmp_type = p[0];
			packet->icmp_code = p[1];
		}
		if (captured > ICMP_HEADER && is_icmp_error(packet))
			decode_quote(packet, p + ICMP_HEADER, captured - ICMP_HEADER);
		break;
	default:
		break;
	}
}

/* All but the addresses, one by one: a memset here is a string instruction, and costs more than the
 * rest of the way. */
static void begin_packet(
	struct flow_packet *packet, uint8_t ip_version, uint8_t protocol, uint32_t bytes)
{
	packet->src_port = packet->dst_port = 0;
	packet->protocol = protocol;
	packet->tcp_flags = 0;
	packet->ip_version = ip_version;
	packet->fragment = FLOW_FRAGMENT_NONE;
	packet->icmp_type = packet->icmp_code = 0;
	packet->fragment_last = 0;
	packet->fragment_id = packet->fragment_offset = packet->fragment_bytes = 0;
	packet->bytes = bytes;
	packet->quoted = packet->quoted_protocol = packet->quoted_icmp_type = 0;
	packet->quoted_src_port = packet->quoted_dst_port = 0;
}

static void set_fragment(
	struct flow_packet *packet, uint32_t offset, bool more, uint32_t id, uint32_t payload_bytes)
{
	packet->fragment = offset ? FLOW_FRAGMENT_LATER : FLOW_FRAGMENT_FIRST;
	packet->fragment_id = id;
	packet->fragment_offset = offset;
	packet->fragment_bytes = payload_bytes;
	packet->fragment_last = !more;
}

static int decode_ipv4(struct packet_layer layer, struct flow_packet *packet)
{
	const uint8_t *p = layer.p;

	if (layer.captured < IPV4_HEADER_MIN || p[0] >> 4 != 4)
		return FLOW_PACKET_E_DAMAGED;
	uint32_t header = (uint32_t)(p[0] & 15) * 4;
	uint32_t total = packet_be16(p + 2);
	if (total == 0)
		total = layer.original;
	if (header < IPV4_HEADER_MIN || total < header)
		return FLOW_PACKET_E_DAMAGED;
	packet->src = ip_from_v4(p + 12);
	packet->dst = ip_from_v4(p + 16);
	begin_packet(packet, 4, p[9], total);
	uint16_t fragment = packet_be16(p + 6);
	if (fragment & (IPV4_FRAGMENT | IPV4_MORE)) {
		set_fragment(packet, (fragment & IPV4_FRAGMENT) * 8u, fragment & IPV4_MORE,
			packet_be16(p + 4), total - header);
		if (packet->fragment == FLOW_FRAGMENT_LATER)
			return 0;
	}
	uint32_t there = total < layer.captured ? total : layer.captured;
	if (there > header)
		decode_transport(packet, p + header, there - header);
	return 0;
}

/* The jumbo payload length of a hop-by-hop header of n bytes, or 0. */
static uint32_t find_jumbo_length(const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 2; i + 6 <= n;) {
		if (p[i] == IPV6_OPTION_PAD) {
			i++;
			continue;
		}
		if (p[i] == IPV6_OPTION_JUMBO && p[i + 1] == 4)
			return packet_be32(p + i + 2);
		i += 2u + p[i + 1];
	}
	return 0;
}

struct ipv6_length {
	uint32_t total;
	uint32_t there; /* how much of it can be looked at */
};

/* Of a packet whose payload length is 0. */
static __attribute__((noinline)) struct ipv6_length ipv6_length_of_zero(struct packet_layer layer)
{
	const uint8_t *p = layer.p;
	uint32_t there = IPV6_HEADER;
	uint8_t next = p[6];

	if (next == PROTOCOL_HOP_BY_HOP && layer.captured >= IPV6_HEADER + 8) {
		uint32_t n = (p[IPV6_HEADER + 1] + 1u) * 8;
		uint32_t behind = layer.captured - IPV6_HEADER;
		uint32_t jumbo = find_jumbo_length(p + IPV6_HEADER, n < behind ? n : behind);
		if (jumbo)
			there = layer.captured;
		/* RFC 2675: a smaller one is an error; a longer one than the frame is damage. */
		if (jumbo > IPV6_LENGTH_MAX && layer.original >= IPV6_HEADER &&
			jumbo <= layer.original - IPV6_HEADER)
			return (struct ipv6_length){IPV6_HEADER + jumbo, there};
	}
	bool segments = next == PROTOCOL_TCP && layer.original >= IPV6_HEADER + TCP_HEADER_MIN;
	bool big = (next == PROTOCOL_TCP || next == PROTOCOL_UDP) &&
		   layer.original > IPV6_HEADER + IPV6_LENGTH_MAX;
	if (!segments && !big)
		return (struct ipv6_length){IPV6_HEADER, there};
	return (struct ipv6_length){layer.original, layer.captured};
}

/* Follows the extension headers of the there bytes at p to the transport header. Each takes at
 * least eight bytes, which bounds the walk. What is cut off keeps the protocol that was announced
 * last. */
static void decode_extensions(
	struct flow_packet *packet, const uint8_t *p, uint32_t there, uint32_t total)
{
	uint32_t at = IPV6_HEADER;

	for (;;) {
		uint8_t type = packet->protocol;
		if (type == PROTOCOL_FRAGMENT) {
			if (there < at + 8)
				return;
			uint16_t fragment = packet_be16(p + at + 2);
			bool more = fragment & 1;
			uint32_t offset = fragment & 0xfff8u;
			packet->protocol = p[at];
			at += 8;
			if (offset || more)
				set_fragment(packet, offset, more, packet_be32(p + at - 4),
					total > at ? total - at : 0);
			if (offset)
				return;
		} else if (type == PROTOCOL_HOP_BY_HOP || type == PROTOCOL_ROUTING ||
			   type == PROTOCOL_DESTINATION) {
			if (there <= at)
				return;
			packet->protocol = p[at];
			if (there < at + 8)
				return;
			uint32_t header = (p[at + 1] + 1u) * 8;
			if (header > there - at)
				return;
			at += header;
		} else {
			if (there > at)
				decode_transport(packet, p + at, there - at);
			return;
		}
	}
}

static int decode_ipv6(struct packet_layer layer, struct flow_packet *packet)
{
	const uint8_t *p = layer.p;

	if (layer.captured < IPV6_HEADER || p[0] >> 4 != 6)
		return FLOW_PACKET_E_DAMAGED;
	struct ipv6_length length = {packet_be16(p + 4) + (uint32_t)IPV6_HEADER, layer.captured};
	if (length.total == IPV6_HEADER)
		length = ipv6_length_of_zero(layer);
	else if (length.there > length.total)
		length.there = length.total;
	packet->src = ip_from_v6(p + 8);
	packet->dst = ip_from_v6(p + 24);
	begin_packet(packet, 6, p[6], length.total);
	if (packet->protocol == PROTOCOL_TCP || packet->protocol == PROTOCOL_UDP)
		decode_transport(packet, p + IPV6_HEADER, length.there - IPV6_HEADER);
	else
		decode_extensions(packet, p, length.there, length.total);
	return 0;
}

static int decode_ip(uint16_t type, struct packet_layer layer, struct flow_packet *packet)
{
	if (type == 0)
		return FLOW_PACKET_E_NOT_IP;
	/* Some writers announce IPv6 as IPv4. */
	if (type == ETHERTYPE_IPV6 || (layer.captured && layer.p[0] >> 4 == 6))
		return decode_ipv6(layer, packet);
	return decode_ipv4(layer, packet);
}

/* Not inlined: the layer's address leaves, which the straight way need not pay for. */
static __attribute__((noinline)) int decode_odd(uint32_t link_type, const uint8_t *bytes,
	uint32_t captured, uint32_t original, struct flow_packet *ret_packet)
{
	struct packet_layer layer = {bytes, captured, original};

	uint16_t type = packet_link_find_ip(link_type, &layer);
	return decode_ip(type, layer, ret_packet);
}

int flow_packet_decode(uint32_t link_type, const uint8_t *bytes, uint32_t captured,
	uint32_t original, struct flow_packet *ret_packet)
{
	if (link_type != LINK_TYPE_ETHERNET || captured < 18)
		return decode_odd(link_type, bytes, captured, original, ret_packet);
	uint16_t type = packet_be16(bytes + 12);
	uint32_t header = 14;
	if (type == ETHERTYPE_VLAN) {
		type = packet_be16(bytes + 16);
		header = 18;
	}
	if (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6)
		return decode_odd(link_type, bytes, captured, original, ret_packet);
	const struct packet_layer layer = {
		bytes + header, captured - header, original > header ? original - header : 0};
	return decode_ip(type, layer, ret_packet);
}
