/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Makes each run of one BPF_PROG_TEST_RUN see the packet of another flow, then goes on to the
 * program in row 0 (to be measured) or, when there is none, returns. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 flows = 1;
__u64 random_state = 88172645463325252ull;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

SEC("tc")
int vary(struct __sk_buff *skb)
{
	unsigned char *data = (void *)(long)skb->data;
	__u64 x = random_state; /* xorshift64 (Marsaglia, 2003) */

	if (data + 64 > (unsigned char *)(long)skb->data_end)
		return 0;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	random_state = x;
	*(__u32 *)(data + 26) = (__u32)(((x >> 32) * flows) >> 32) + 0x0a000000;
	bpf_tail_call(skb, &measured, 0);
	return 0;
}
