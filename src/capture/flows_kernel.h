/* flows_kernel: the few kernel structures that flows.bpf.c reads, with only the fields it reads.
 * Their places are resolved when the program is loaded (CO-RE), from the BTF of the kernel it is
 * loaded into; nothing here comes from the machine that builds. */
#pragma once

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* A type, not a number, on the kernels that have reasons; values differ between kernels. */
enum skb_drop_reason {
	SKB_DROP_REASON_NOT_SPECIFIED = 2,
	SKB_DROP_REASON_NETFILTER_DROP = 8,
	SKB_DROP_REASON_BPF_CGROUP_EGRESS = 22,
	SKB_DROP_REASON_TC_EGRESS = 29,
	SKB_DROP_REASON_XDP = 35,
	SKB_DROP_REASON_TC_INGRESS = 36,
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	unsigned long long priv_flags : 32; /* width and place differ: read as a bit field */
	possible_net_t nd_net;
};

struct dst_entry {
	struct net_device *dev;
	unsigned short flags;
};

struct sk_buff {
	struct net_device *dev;
	char cb[48];
	unsigned long _skb_refdst;
	unsigned long _nfct;
	unsigned int len, data_len;
	int skb_iif;
	__u8 encapsulation : 1;
	__be16 protocol;
	__u16 inner_transport_header;
	__u16 network_header, mac_header;
	unsigned int end; /* an offset on 64-bit kernels */
	unsigned char *head, *data;
};

struct skb_shared_info {
	unsigned short gso_size, gso_segs;
	unsigned int gso_type;
};

/* What IP keeps in sk_buff.cb. */
struct inet_skb_parm {
	__u16 frag_max_size;
};

struct inet6_skb_parm {
	__u16 frag_max_size;
};

/* Conntrack: may be absent, or in a module. */
union nf_inet_addr {
	__u32 all[4];
};

union nf_conntrack_man_proto {
	__be16 all;
};

struct nf_conntrack_man {
	union nf_inet_addr u3;
	union nf_conntrack_man_proto u;
};

struct nf_conntrack_tuple {
	struct nf_conntrack_man src;
	struct {
		union nf_inet_addr u3;
		union {
			__be16 all;
		} u;
	} dst;
};

struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
};

struct nf_conn {
	struct nf_conntrack_tuple_hash tuplehash[2];
	unsigned long status;
};

#pragma clang attribute pop
