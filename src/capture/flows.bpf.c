/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* flows.bpf: counts packets where they enter and leave a device, and what policy drops.
 *
 * Two kinds of program. The tc programs (one a direction and kind of link header) count every IP
 * packet as seen and never decide about it. The tracepoint program gets every sk_buff that the
 * kernel throws away; of those that policy dropped it counts the same packet as rejected (and as
 * seen, when it fell before tc had a chance). User space takes seen less rejected as accepted.
 *
 * The table is described in live.c. What matters here: an entry is found through one cache line of
 * the index and its own first line; it is published by one compare-and-swap of its slot, after
 * which its key never changes until user space has switched tables and no program runs any more;
 * counters are atomic adds, because the tracepoint in process context may be interrupted by
 * receiving on the same processor, and because a flow may arrive on several. */
#include "capture/flows_kernel.h"
#include "capture/flows_packet.bpf.h"
#include "capture/flows_table.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PASS (-1) /* TC_ACT_UNSPEC: the next program, or the kernel, decides */

#define ETHERTYPE_IPV4       0x0800
#define ETHERTYPE_IPV6       0x86dd
#define ETHERTYPE_VLAN       0x8100
#define ETHERTYPE_QINQ       0x88a8
#define ETHERTYPE_QINQ_OLD   0x9100
#define ETHERTYPE_PPPOE      0x8864
#define ETHERTYPE_MPLS       0x8847
#define ETHERNET_HEADER      14
#define PACKET_TYPE_LOOPBACK 5 /* a copy of a multicast sent from here, not from the wire */
#define TAGS_MAX             4

#define CONNTRACK_POINTER (~7ul) /* of sk_buff._nfct; the rest is enum ip_conntrack_info */
#define CONNTRACK_REPLY   3
#define CONNTRACK_NAT     0x30   /* IPS_SRC_NAT | IPS_DST_NAT */
#define DST_POINTER       (~1ul) /* of sk_buff._skb_refdst */
#define DST_FAKE_RTABLE   0x10   /* of dst_entry.flags */
#define IFF_EBRIDGE       2      /* of net_device.priv_flags */

/* --- tc --- */

/* The type of what is behind VLAN tags, MPLS labels and PPPoE, and over it (<< 16) its offset. */
__noinline __u32 skip_tags(struct __sk_buff *skb, __u32 type, __u32 at)
{
	__u8 bytes[8];

	for (int i = 0; i < TAGS_MAX; i++) {
		switch (type) {
		case ETHERTYPE_VLAN:
		case ETHERTYPE_QINQ:
		case ETHERTYPE_QINQ_OLD:
			if (bpf_skb_load_bytes(skb, at, bytes, 4))
				return 0;
			type = (bytes[2] << 8) | bytes[3];
			at += 4;
			break;
		case ETHERTYPE_PPPOE:
			if (bpf_skb_load_bytes(skb, at, bytes, 8))
				return 0;
			type = bytes[6] == 0 && bytes[7] == 0x21   ? ETHERTYPE_IPV4
			       : bytes[6] == 0 && bytes[7] == 0x57 ? ETHERTYPE_IPV6
								   : 0;
			at += 8;
			break;
		case ETHERTYPE_MPLS:
			if (bpf_skb_load_bytes(skb, at, bytes, 5))
				return 0;
			at += 4;
			if (bytes[2] & 1)
				type = bytes[4] >> 4 == 4   ? ETHERTYPE_IPV4
				       : bytes[4] >> 4 == 6 ? ETHERTYPE_IPV6
							    : 0;
			break;
		default:
			return (at << 16) | type;
		}
	}
	return (at << 16) | type;
}

static __always_inline int count(struct __sk_buff *skb, __u8 direction, bool ethernet)
{
	struct source source = {.tc = skb,
		.data = (void *)(long)skb->data,
		.data_end = (void *)(long)skb->data_end};
	struct packet packet = {};
	__u32 offset, type;
	bool ok;

	/* A multicast that this host sent and also gets: it never was on the device. */
	if (direction == FLOWS_INGRESS && skb->pkt_type == PACKET_TYPE_LOOPBACK)
		return PASS;
	packet.key.last = tick_of(bpf_ktime_get_coarse_ns());
	packet.key.ifindex = skb->ifindex;
	packet.key.direction = direction;
	if (ethernet) {
		struct ethernet_header link;

		if (!LOAD(&source, 0, &link))
			return PASS;
		offset = ETHERNET_HEADER;
		type = bpf_ntohs(link.type);
		if (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6) {
			type = skip_tags(skb, type, offset);
			offset = type >> 16;
			type &= 0xffff;
		}
	} else {
		/* What stands before the network header differs between such devices and between
		 * directions (ip_gre shows the outer header on ingress). */
		struct sk_buff *kernel = (void *)skb;

		offset = (__u32)((unsigned long)BPF_CORE_READ(kernel, head) +
				 BPF_CORE_READ(kernel, network_header) -
				 (unsigned long)BPF_CORE_READ(kernel, data));
		type = bpf_ntohs((__u16)skb->protocol);
	}
	if (offset > 0x1ff)
		return PASS;
	packet.length = skb->len - offset;
	if (type == ETHERTYPE_IPV4)
		ok = read_ipv4(&source, offset, &packet);
	else if (type == ETHERTYPE_IPV6)
		ok = read_ipv6(&source, offset, &packet);
	else
		return PASS;
	if (!ok)
		return PASS;
	if (skb->gso_size)
		packet.header = segment_header_tc(skb, packet.header, packet.key.protocol);
	count_segments(&packet, skb->gso_size, skb->gso_segs);
	if (packet.fragment)
		fragment_seen(&packet);
	count_seen(&packet);
	return PASS;
}

SEC("tc")
int ethernet_ingress(struct __sk_buff *skb)
{
	return count(skb, FLOWS_INGRESS, true);
}

SEC("tc")
int ethernet_egress(struct __sk_buff *skb)
{
	return count(skb, FLOWS_EGRESS, true);
}

SEC("tc")
int other_ingress(struct __sk_buff *skb)
{
	return count(skb, FLOWS_INGRESS, false);
}

SEC("tc")
int other_egress(struct __sk_buff *skb)
{
	return count(skb, FLOWS_EGRESS, false);
}

/* --- verdicts --- */

/* Where a packet was when policy dropped it. */
struct place {
	__u32 ifindex;
	__u8 direction;
	bool seen;
};

enum cause {
	CAUSE_NONE,
	CAUSE_NETFILTER,
	CAUSE_TC_INGRESS,
	CAUSE_TC_EGRESS,
	CAUSE_XDP,
	CAUSE_CGROUP
};

/* XDP on an sk_buff (generic, or veth's) frees what it drops without a reason: told by the place in
 * the kernel that frees. */
static __always_inline bool freed_by_xdp(__u64 location)
{
	for (int i = 0; i < FLOWS_XDP_FUNCTIONS; i++) {
		if (location >= state.xdp[i].start && location < state.xdp[i].end)
			return true;
	}
	return false;
}

static __always_inline enum cause cause_of(__u32 reason, __u64 location)
{
#define REASON(name) bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_##name)
#define EXISTS(name) bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_##name)
	if (EXISTS(NETFILTER_DROP) && reason == REASON(NETFILTER_DROP))
		return CAUSE_NETFILTER;
	if (EXISTS(TC_INGRESS) && reason == REASON(TC_INGRESS))
		return CAUSE_TC_INGRESS;
	if (EXISTS(TC_EGRESS) && reason == REASON(TC_EGRESS))
		return CAUSE_TC_EGRESS;
	if (EXISTS(XDP) && reason == REASON(XDP))
		return CAUSE_XDP;
	if (EXISTS(BPF_CGROUP_EGRESS) && reason == REASON(BPF_CGROUP_EGRESS))
		return CAUSE_CGROUP;
	if (reason == REASON(NOT_SPECIFIED) && freed_by_xdp(location))
		return CAUSE_XDP;
#undef REASON
#undef EXISTS
	return CAUSE_NONE;
}

/* Its index when the device is in this network namespace, else 0. */
static __always_inline __u32 device_index(struct net_device *dev)
{
	if (!dev || BPF_CORE_READ(dev, nd_net.net, ns.inum) != flows_namespace)
		return 0;
	return (__u32)BPF_CORE_READ(dev, ifindex);
}

/* The device that the packet's route leads to; NULL without a route. A bridge that lets IP's rules
 * see what it forwards (br_netfilter) gives such packets a fake one. */
static __always_inline struct net_device *route_device(struct sk_buff *skb)
{
	struct dst_entry *dst = (void *)(BPF_CORE_READ(skb, _skb_refdst) & DST_POINTER);

	if (!dst || BPF_CORE_READ(dst, flags) & DST_FAKE_RTABLE)
		return NULL;
	return BPF_CORE_READ(dst, dev);
}

static __always_inline bool device_is_bridge(struct net_device *dev)
{
	return BPF_CORE_READ_BITFIELD_PROBED(dev, priv_flags) & IFF_EBRIDGE;
}

/* Of a packet in a hook of netfilter or a cgroup. live.c has the table of hooks. */
static __always_inline void place_find_hook(struct sk_buff *skb, struct place *place)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev), *route = route_device(skb);
	__u32 from = (__u32)BPF_CORE_READ(skb, skb_iif);
	__u32 routed = device_index(route);

	place->ifindex = device_index(dev);
	place->seen = from && (from == place->ifindex ||
				      (place->ifindex && !route && device_is_bridge(dev)));
	if (place->seen) {
		/* The bridge has its packets from a port, and takes them over there. */
		place->ifindex = from;
		place->direction = FLOWS_INGRESS;
		return;
	}
	/* In the output hook the device is not set yet, or is the tunnel that made the packet of
	 * another: the link header, if there is one, is that of the packet inside. */
	if (routed && (!place->ifindex ||
			      BPF_CORE_READ(skb, mac_header) >= BPF_CORE_READ(skb, network_header)))
		place->ifindex = routed;
	place->direction = FLOWS_EGRESS;
}

static __always_inline bool place_find(struct sk_buff *skb, enum cause cause, struct place *place)
{
	if (cause == CAUSE_NETFILTER || cause == CAUSE_CGROUP) {
		place_find_hook(skb, place);
	} else {
		place->ifindex = device_index(BPF_CORE_READ(skb, dev));
		place->direction = cause == CAUSE_TC_EGRESS ? FLOWS_EGRESS : FLOWS_INGRESS;
		place->seen = cause != CAUSE_XDP;
	}
	return place->ifindex != 0;
}

/* tc saw the packet before destination NAT: conntrack knows what it was like then. */
static __always_inline void undo_nat(struct sk_buff *skb, struct packet *packet)
{
	unsigned long word;
	struct nf_conn *connection;
	struct nf_conntrack_tuple tuple;
	bool reply, error;

	if (!bpf_core_type_exists(struct nf_conn) || !bpf_core_field_exists(skb->_nfct))
		return;
	word = BPF_CORE_READ(skb, _nfct);
	connection = (void *)(word & CONNTRACK_POINTER);
	if (!connection || !(BPF_CORE_READ(connection, status) & CONNTRACK_NAT))
		return;
	reply = (word & ~CONNTRACK_POINTER) >= CONNTRACK_REPLY;
	/* An error about a connection carries its addresses only on the receiving side. */
	error = packet->key.protocol == PROTOCOL_ICMP || packet->key.protocol == PROTOCOL_ICMPV6;
#define TUPLE(field)                                                                               \
	({                                                                                         \
		typeof(connection->tuplehash[0].tuple.field) value_;                               \
		if (reply)                                                                         \
			BPF_CORE_READ_INTO(&value_, connection, tuplehash[1].tuple.field);         \
		else                                                                               \
			BPF_CORE_READ_INTO(&value_, connection, tuplehash[0].tuple.field);         \
		value_;                                                                            \
	})
	tuple.src.u3 = TUPLE(src.u3);
	tuple.dst.u3 = TUPLE(dst.u3);
	if (packet->key.ip_version == 4) {
		__be32 src = (__be32)(packet->key.src[1] >> 32);

		key_addresses_v4(
			&packet->key, error ? src : tuple.src.u3.all[0], tuple.dst.u3.all[0]);
	} else {
		if (!error) {
			packet->key.src[0] =
				((__u64)tuple.src.u3.all[1] << 32) | tuple.src.u3.all[0];
			packet->key.src[1] =
				((__u64)tuple.src.u3.all[3] << 32) | tuple.src.u3.all[2];
		}
		packet->key.dst[0] = ((__u64)tuple.dst.u3.all[1] << 32) | tuple.dst.u3.all[0];
		packet->key.dst[1] = ((__u64)tuple.dst.u3.all[3] << 32) | tuple.dst.u3.all[2];
	}
	if (packet->key.src_port || packet->key.dst_port) {
		packet->key.src_port = TUPLE(src.u.all);
		packet->key.dst_port = TUPLE(dst.u.all);
	}
#undef TUPLE
}

static __always_inline bool reassembled(struct sk_buff *skb, __u8 ip_version)
{
	__u16 size = 0;

	if (ip_version == 4) {
		struct inet_skb_parm *control = (void *)skb->cb;

		size = BPF_CORE_READ(control, frag_max_size);
	} else {
		struct inet6_skb_parm *control = (void *)skb->cb;

		if (bpf_core_field_exists(control->frag_max_size))
			size = BPF_CORE_READ(control, frag_max_size);
	}
	return size != 0;
}

SEC("raw_tp/kfree_skb")
int verdict(struct bpf_raw_tracepoint_args *context)
{
	struct sk_buff *skb = (void *)context->args[0];
	enum cause cause = cause_of((__u32)context->args[2], context->args[1]);
	struct place place = {};
	struct packet packet = {};
	struct source source = {};
	struct skb_shared_info *shared;
	unsigned char *head, *data;
	__u32 type, offset = 0, before;
	bool ok;

	if (cause == CAUSE_NONE || !place_find(skb, cause, &place) ||
		!bpf_map_lookup_elem(&flows_interfaces, &place.ifindex))
		return 0;
	packet.key.last = tick_of(bpf_ktime_get_ns()); /* tracepoints may not ask the coarse one */
	packet.key.ifindex = place.ifindex;
	packet.key.direction = place.direction;
	head = BPF_CORE_READ(skb, head);
	data = BPF_CORE_READ(skb, data);
	source.network = head + BPF_CORE_READ(skb, network_header);
	before = (__u32)(data - source.network); /* may be negative */
	packet.length = BPF_CORE_READ(skb, len) + before;
	source.linear = packet.length - BPF_CORE_READ(skb, data_len);
	type = bpf_ntohs(BPF_CORE_READ(skb, protocol));
	if (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) {
		struct {
			__be16 control, type;
		} tag;

		if (!LOAD(&source, 0, &tag))
			return 0;
		type = bpf_ntohs(tag.type);
		offset = sizeof(tag);
		packet.length -= offset;
	}
	if (type == ETHERTYPE_IPV4)
		ok = read_ipv4(&source, offset, &packet);
	else if (type == ETHERTYPE_IPV6)
		ok = read_ipv6(&source, offset, &packet);
	else
		return 0;
	if (!ok) {
		missed(place.ifindex, 0, 0, 1);
		return 0;
	}
	shared = (void *)(head + BPF_CORE_READ(skb, end));
	before = BPF_CORE_READ(shared, gso_size);
	if (before)
		packet.header = segment_header(skb, packet.header, packet.key.protocol);
	count_segments(&packet, before, BPF_CORE_READ(shared, gso_segs));
	if (packet.fragment && !packet.first)
		fragment_dropped(&packet);
	if (place.seen && cause == CAUSE_NETFILTER) {
		undo_nat(skb, &packet);
		if (packet.whole && reassembled(skb, packet.key.ip_version))
			datagram_dropped(&packet);
	}
	count_rejected(&packet, place.seen);
	return 0;
}
