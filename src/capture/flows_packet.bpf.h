/* flows_packet.bpf: from headers to struct packet, for both kinds of program. */
/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "capture/flows_kernel.h"
#include "capture/flows_table.bpf.h"

#define PROTOCOL_HOP_BY_HOP  0
#define PROTOCOL_ICMP        1
#define PROTOCOL_TCP         6
#define PROTOCOL_UDP         17
#define PROTOCOL_DCCP        33
#define PROTOCOL_ROUTING     43
#define PROTOCOL_FRAGMENT    44
#define PROTOCOL_ICMPV6      58
#define PROTOCOL_DESTINATION 60
#define PROTOCOL_SCTP        132
#define PROTOCOL_UDPLITE     136
#define EXTENSIONS_MAX       8

#define GSO_UFO          (1u << 16) /* SKB_GSO_UDP: segments are IP fragments */
#define GSO_UDP          (1u << 17) /* SKB_GSO_UDP_L4 */
#define GSO_BY_FRAGMENTS 0xffff

/* Where the bytes of a packet are: directly readable (tc), or in kernel memory (tracepoint). */
struct source {
	struct __sk_buff *tc; /* NULL: tracepoint */
	void *data, *data_end;
	const unsigned char *network; /* tracepoint: the network header ... */
	__u32 linear;                 /* ... and how many bytes may be read there */
	__u32 offset;                 /* walk_extensions: of the IPv6 header */
};

struct ipv4_header {
	__u8 version_and_length, service;
	__be16 total, id, fragment;
	__u8 life, protocol;
	__be16 checksum;
	__be32 src, dst;
};

struct ipv6_header {
	__be32 version_and_flow;
	__be16 payload;
	__u8 protocol, life;
	__be32 src[4], dst[4];
};

struct tcp_header {
	__be16 src_port, dst_port;
	__be32 sequence, acknowledgment;
	__u8 offset, flags;
	__be16 window;
};

struct ethernet_header {
	__be16 destination[3], source[3], type;
};

/* Deepest offset that is looked at: a header behind it has no ports. */
#define OFFSET_MAX 0x3ff

/* Reads *to at an offset from the link header (tc) or network header (tracepoint). */
#define LOAD(source, offset, to)                                                                   \
	({                                                                                         \
		__u32 at_ = (offset);                                                              \
		bool ok_ = at_ <= OFFSET_MAX;                                                      \
		void *from_;                                                                       \
                                                                                                   \
		/* For the verifier, which forgets the check above; opaque to the compiler. */     \
		asm volatile("%0 &= 0x3ff" : "+r"(at_));                                           \
		from_ = (source)->data + at_;                                                      \
		if (!(source)->tc)                                                                 \
			ok_ = ok_ && at_ + sizeof(*(to)) <= (source)->linear &&                    \
			      bpf_probe_read_kernel(                                               \
				      (to), sizeof(*(to)), (source)->network + at_) == 0;          \
		else if (from_ + sizeof(*(to)) <= (source)->data_end)                              \
			*(to) = *(typeof(to))from_;                                                \
		else                                                                               \
			ok_ = ok_ &&                                                               \
			      bpf_skb_load_bytes((source)->tc, at_, (to), sizeof(*(to))) == 0;     \
		ok_;                                                                               \
	})

static __always_inline void key_addresses_v4(struct flows_key *key, __be32 src, __be32 dst)
{
	union {
		__be32 words[2];
		__u64 pair;
	} mapped = {.words = {bpf_htonl(0xffff), src}};

	key->src[0] = key->dst[0] = 0;
	key->src[1] = mapped.pair;
	mapped.words[1] = dst;
	key->dst[1] = mapped.pair;
}

/* Ports and TCP flags at this offset, and how long that header is. */
static __always_inline void read_transport(
	const struct source *source, __u32 offset, __u32 ip_header, struct packet *packet)
{
	struct {
		__be16 src, dst;
	} ports;

	packet->header = ip_header;
	switch (packet->key.protocol) {
	case PROTOCOL_TCP: {
		struct tcp_header tcp;

		if (!LOAD(source, offset, &tcp))
			break;
		packet->key.src_port = tcp.src_port;
		packet->key.dst_port = tcp.dst_port;
		packet->flags = tcp.flags & 7;
		if ((tcp.flags & 0x12) == 0x12)
			packet->flags |= 16;
		packet->header += (tcp.offset >> 4) * 4;
		return;
	}
	case PROTOCOL_UDP:
	case PROTOCOL_UDPLITE:
		packet->header += 8;
		break;
	case PROTOCOL_SCTP:
		packet->header += 12;
		break;
	case PROTOCOL_DCCP:
		break;
	default:
		return;
	}
	if (LOAD(source, offset, &ports)) {
		packet->key.src_port = ports.src;
		packet->key.dst_port = ports.dst;
	}
}

static __always_inline void fragment_key_set(
	struct flows_fragment_key *key, const struct packet *packet, __u32 id, __u8 kind)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->src[0] = packet->key.src[0];
	key->src[1] = packet->key.src[1];
	key->dst[0] = packet->key.dst[0];
	key->dst[1] = packet->key.dst[1];
	key->ifindex = packet->key.ifindex;
	key->direction = packet->key.direction;
	key->ip_version = packet->key.ip_version;
	key->id = id;
	key->kind = kind;
	/* Behind an IPv6 fragment header each fragment may name another next header (RFC 8200,
	 * 4.5): the first one's holds. */
	if (kind == FLOWS_FRAGMENT_LATEST || packet->key.ip_version == 4)
		key->protocol = packet->key.protocol;
}

static __always_inline __u32 ports_word(const struct packet *packet)
{
	return ((__u32)packet->key.dst_port << 16) | packet->key.src_port;
}

/* A fragment at tc: the first one says the ports, later ones take them from there. count: also
 * remember how much the datagram has had, in case it is dropped when it has been put together. */
__noinline int fragment_seen(struct packet *packet)
{
	struct flows_fragment_key key;
	struct flows_fragment *known;
	struct flows_fragment fragment = {};

	if (!packet)
		return 0;
	fragment_key_set(&key, packet, packet->fragment_id, FLOWS_FRAGMENT_DATAGRAM);
	if (!packet->first) {
		known = bpf_map_lookup_elem(&flows_fragments, &key);
		if (!known)
			return 0;
		packet->key.src_port = (__u16)known->ports;
		packet->key.dst_port = (__u16)(known->ports >> 16);
		packet->key.protocol = (__u8)known->protocol;
		__sync_fetch_and_add(&known->packets, packet->packets);
		__sync_fetch_and_add(&known->bytes, packet->bytes);
		return 0;
	}
	fragment.packets = packet->packets;
	fragment.bytes = packet->bytes;
	fragment.ports = ports_word(packet);
	fragment.protocol = packet->key.protocol;
	bpf_map_update_elem(&flows_fragments, &key, &fragment, BPF_ANY);
	if (packet->key.ip_version == 6) {
		/* Putting an IPv6 datagram together loses its identification. */
		fragment_key_set(&key, packet, fragment.ports, FLOWS_FRAGMENT_LATEST);
		fragment.ports = packet->fragment_id;
		bpf_map_update_elem(&flows_fragments, &key, &fragment, BPF_ANY);
	}
	return 0;
}

/* A dropped fragment: its ports, by the first one. */
__noinline int fragment_dropped(struct packet *packet)
{
	struct flows_fragment_key key;
	struct flows_fragment *known;

	if (!packet)
		return 0;
	fragment_key_set(&key, packet, packet->fragment_id, FLOWS_FRAGMENT_DATAGRAM);
	known = bpf_map_lookup_elem(&flows_fragments, &key);
	if (known) {
		packet->key.src_port = (__u16)known->ports;
		packet->key.dst_port = (__u16)(known->ports >> 16);
		packet->key.protocol = (__u8)known->protocol;
	}
	return 0;
}

/* A dropped datagram that was put together from fragments: what tc counted were those. */
__noinline int datagram_dropped(struct packet *packet)
{
	struct flows_fragment_key key;
	struct flows_fragment *known;
	__u32 id;

	if (!packet)
		return 0;
	id = packet->fragment_id;
	if (packet->key.ip_version == 6) {
		fragment_key_set(&key, packet, ports_word(packet), FLOWS_FRAGMENT_LATEST);
		known = bpf_map_lookup_elem(&flows_fragments, &key);
		if (!known)
			return 0;
		id = known->ports;
	}
	fragment_key_set(&key, packet, id, FLOWS_FRAGMENT_DATAGRAM);
	known = bpf_map_lookup_elem(&flows_fragments, &key);
	if (known) {
		packet->packets = known->packets;
		packet->bytes = known->bytes;
		bpf_map_delete_elem(&flows_fragments, &key);
	}
	return 0;
}

static __always_inline bool read_ipv4(
	const struct source *source, __u32 offset, struct packet *packet)
{
	struct ipv4_header ip;
	__u32 header, fragment;

	if (!LOAD(source, offset, &ip))
		return false;
	header = (ip.version_and_length & 15) * 4;
	if ((ip.version_and_length >> 4) != 4 || header < sizeof(ip))
		return false;
	packet->key.ip_version = 4;
	packet->key.protocol = ip.protocol;
	key_addresses_v4(&packet->key, ip.src, ip.dst);
	packet->total = bpf_ntohs(ip.total);
	fragment = bpf_ntohs(ip.fragment) & 0x3fff; /* more fragments, offset */
	packet->fragment_id = bpf_ntohs(ip.id);
	packet->fragment = fragment != 0;
	packet->whole = fragment == 0;
	packet->first = (fragment & 0x1fff) == 0;
	packet->header = header;
	if (packet->first)
		read_transport(source, offset + header, header, packet);
	return true;
}

/* As flow/packet.c: AH and what is rarer are the packet's protocol. */
static __always_inline bool is_extension(__u8 protocol)
{
	return protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_ROUTING ||
	       protocol == PROTOCOL_DESTINATION || protocol == PROTOCOL_FRAGMENT;
}

struct extension {
	__u8 next, length;
	__be16 offset;
	__be32 id;
};

/* Walks the extension headers behind the IPv6 header; sets packet's protocol and header to what
 * follows them. */
static __always_inline void walk_extensions(const struct source *source, struct packet *packet)
{
	__u32 header = sizeof(struct ipv6_header);
	__u8 protocol = packet->key.protocol;

	for (int i = 0; i < EXTENSIONS_MAX && is_extension(protocol); i++) {
		struct extension extension;
		__u32 at = source->offset + header;

		if (source->tc) {
			if (bpf_skb_load_bytes(source->tc, at, &extension, sizeof(extension)))
				break;
		} else if (at + sizeof(extension) > source->linear ||
			   bpf_probe_read_kernel(
				   &extension, sizeof(extension), source->network + at)) {
			break;
		}
		if (protocol == PROTOCOL_FRAGMENT) {
			packet->whole = false;
			packet->fragment = (extension.offset & bpf_htons(0xfff9)) != 0;
			packet->first = (extension.offset & bpf_htons(0xfff8)) == 0;
			packet->fragment_id = extension.id;
			header += 8;
		} else {
			header += (extension.length + 1) * 8;
		}
		protocol = extension.next;
		if (!packet->first)
			break;
	}
	packet->key.protocol = protocol;
	packet->header = header;
}

__noinline int walk_extensions_tc(struct __sk_buff *skb, __u32 offset, struct packet *packet)
{
	struct source source = {.tc = skb, .offset = offset};

	if (packet)
		walk_extensions(&source, packet);
	return 0;
}

__noinline int walk_extensions_dropped(
	__u64 network, __u32 linear, __u32 offset, struct packet *packet)
{
	struct source source = {
		.network = (void *)(long)network, .linear = linear, .offset = offset};

	if (packet)
		walk_extensions(&source, packet);
	return 0;
}

static __always_inline bool read_ipv6(
	const struct source *source, __u32 offset, struct packet *packet)
{
	struct ipv6_header ip;

	if (!LOAD(source, offset, &ip) || (*(__u8 *)&ip.version_and_flow >> 4) != 6)
		return false;
	packet->key.ip_version = 6;
	packet->key.protocol = ip.protocol;
	packet->key.src[0] = ((__u64)ip.src[1] << 32) | ip.src[0];
	packet->key.src[1] = ((__u64)ip.src[3] << 32) | ip.src[2];
	packet->key.dst[0] = ((__u64)ip.dst[1] << 32) | ip.dst[0];
	packet->key.dst[1] = ((__u64)ip.dst[3] << 32) | ip.dst[2];
	packet->total = ip.payload ? bpf_ntohs(ip.payload) + sizeof(ip) : 0;
	packet->first = true;
	packet->whole = true;
	packet->header = sizeof(ip);
	if (!ip.payload && ip.protocol == PROTOCOL_HOP_BY_HOP)
		packet->jumbo = 8;
	if (is_extension(ip.protocol)) {
		if (source->tc)
			walk_extensions_tc(source->tc, offset, packet);
		else
			walk_extensions_dropped(
				(__u64)(long)source->network, source->linear, offset, packet);
	}
	if (packet->first)
		read_transport(source, offset + packet->header, packet->header, packet);
	return true;
}

/* packets and bytes: a large packet (GSO, GRO) counts as the segments it stands for. */
static __always_inline void count_segments(
	struct packet *packet, __u32 gso_size, __u32 gso_segments)
{
	__u32 length = packet->length - packet->jumbo;
	__u32 header = packet->header - packet->jumbo;
	__u32 segments = gso_segments;

	if (!gso_size) {
		packet->packets = 1;
		packet->bytes = packet->total ? packet->total : packet->length;
		return;
	}
	if (!segments) {
		segments = 1;
		if (gso_size != GSO_BY_FRAGMENTS && length > header)
			segments = (length - header + gso_size - 1) / gso_size;
	}
	packet->packets = segments;
	packet->bytes = length + (__u64)(segments - 1) * header;
}

/* The header that each segment repeats when it is not the outer transport header that is
 * segmented: tunnels repeat all up to the inner one; UFO makes IP fragments. */
static __always_inline __u32 segment_header(struct sk_buff *skb, __u32 header, __u8 protocol)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	struct skb_shared_info *shared = (void *)(head + BPF_CORE_READ(skb, end));
	__u32 type = BPF_CORE_READ(shared, gso_type);
	__u32 inner, network;
	__u8 offset = 0;

	if (!BPF_CORE_READ_BITFIELD_PROBED(skb, encapsulation))
		return protocol == PROTOCOL_UDP && (type & GSO_UFO) ? header - 8 : header;
	inner = BPF_CORE_READ(skb, inner_transport_header);
	network = BPF_CORE_READ(skb, network_header);
	if (inner <= network)
		return header;
	if (type & (GSO_UDP | GSO_UFO))
		return inner - network + (type & GSO_UDP ? 8 : 0);
	if (bpf_probe_read_kernel(&offset, 1, head + inner + 12))
		return header;
	return inner - network + (offset >> 4) * 4;
}

__noinline __u32 segment_header_tc(struct __sk_buff *skb, __u32 header, __u8 protocol)
{
	return segment_header((void *)skb, header, protocol);
}
