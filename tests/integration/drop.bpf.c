/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Somebody else's policy: drops UDP over IPv4 to port 7000, by tc, XDP and cgroup. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define TC_PASS 0
#define TC_DROP 2

static __always_inline int unwanted(const unsigned char *p, const unsigned char *end, int ip)
{
	return p + ip + 24 <= end && p[ip] == 0x45 && p[ip + 9] == 17 && p[ip + 22] == 7000 >> 8 &&
	       p[ip + 23] == (7000 & 255);
}

SEC("tc")
int drop_tc(struct __sk_buff *skb)
{
	return unwanted((void *)(long)skb->data, (void *)(long)skb->data_end, 14) ? TC_DROP
										  : TC_PASS;
}

SEC("xdp")
int drop_xdp(struct xdp_md *xdp)
{
	return unwanted((void *)(long)xdp->data, (void *)(long)xdp->data_end, 14) ? XDP_DROP
										  : XDP_PASS;
}

SEC("cgroup_skb/egress")
int drop_cgroup(struct __sk_buff *skb)
{
	return !unwanted((void *)(long)skb->data, (void *)(long)skb->data_end, 0);
}
