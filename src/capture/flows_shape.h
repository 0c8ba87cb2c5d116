/* flows_shape: what flows.bpf.c and live.c both read and write. All maps are mapped into the
 * process, so that this is memory shared with programs that run at any moment on any processor. */
#pragma once

#ifdef __bpf__
#include <linux/types.h>
#define FLOWS_ASSERT(condition, why) _Static_assert(condition, why)
#else
#include <assert.h>
#include <linux/types.h>
#include <stddef.h>
#define FLOWS_ASSERT(condition, why) static_assert(condition, why)
#endif

#define FLOWS_BUCKET_SLOTS  16 /* one cache line of the index */
#define FLOWS_PROBE_MAX     4  /* buckets that are looked at, a quarter of a page */
#define FLOWS_NUMBER_BITS   22
#define FLOWS_NUMBER_MASK   ((1u << FLOWS_NUMBER_BITS) - 1)
#define FLOWS_MAX           FLOWS_NUMBER_MASK /* entries of a table: number 0 is an empty slot */
#define FLOWS_XDP_FUNCTIONS 4
#define FLOWS_HASH_KEYS     12
#define FLOWS_NEWS_BYTES    65536 /* of flows_half_full: a page, of the largest there are */
/* Unit of all times: 2^20 ns of CLOCK_MONOTONIC (coarse), wrapping after 52 days. Never 0. */
#define FLOWS_TICK_SHIFT 20

enum flows_direction { FLOWS_INGRESS, FLOWS_EGRESS };
/* Rows of flows_cold.balance; AWS's bits 1, 2, 4 and 16. */
enum flows_flag { FLOWS_FIN, FLOWS_SYN, FLOWS_RST, FLOWS_SYN_ACK, FLOWS_FLAGS };

/* Addresses are in 16 bytes (IPv4-mapped) and, as the ports, in network order. */
struct flows_key {
	__u64 src[2], dst[2];
	union {
		struct {
			__u32 ifindex;
			__u16 src_port, dst_port;
		};
		__u64 where;
	};
	union {
		struct {
			__u8 protocol, direction, ip_version, zero;
		};
		__u32 what;
	};
	__u32 last; /* tick of the last packet: not part of the key, it lives in its padding */
};

/* Where a key is looked for: FLOWS_PROBE_MAX buckets from this one on, around the end. */
static inline __u32 flows_hash_bucket(__u64 hash, __u32 probe, __u32 buckets)
{
	__u32 bucket = (__u32)(((hash & 0xffffffff) * buckets) >> 32) + probe;

	return bucket < buckets ? bucket : bucket - buckets;
}

static inline __u32 flows_hash_start(__u64 hash)
{
	return (__u32)(hash >> 32) & (FLOWS_BUCKET_SLOTS - 1);
}

static inline __u32 flows_hash_tag(__u64 hash)
{
	return (__u32)(hash >> 32) & ~FLOWS_NUMBER_MASK;
}

static inline __u64 flows_hash_product(__u64 word, const volatile __u32 *keys)
{
	return (__u64)((__u32)word + keys[0]) * ((__u32)(word >> 32) + keys[1]);
}

/* NH (Black et al., UMAC, 1999): two different keys collide with probability 2^-32 over the random
 * constants, whatever the keys are, so that nobody can aim at one bucket. The products do not wait
 * for each other. */
static inline __u64 flows_hash(const struct flows_key *key, const volatile __u32 *keys)
{
	__u64 hash =
		flows_hash_product(key->src[0], keys) + flows_hash_product(key->src[1], keys + 2) +
		flows_hash_product(key->dst[0], keys + 4) +
		flows_hash_product(key->dst[1], keys + 6) +
		flows_hash_product(key->where, keys + 8) + flows_hash_product(key->what, keys + 10);

	hash *= 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 32);
}

static inline int flows_key_equal(const struct flows_key *a, const struct flows_key *b)
{
	return a->src[1] == b->src[1] && a->dst[1] == b->dst[1] && a->where == b->where &&
	       a->what == b->what && a->src[0] == b->src[0] && a->dst[0] == b->dst[0];
}

/* What a packet of a known flow touches: one cache line. */
struct flows_hot {
	struct flows_key key;
	__u64 packets, bytes; /* all that were seen, rejected ones too */
};

/* What only first packets, SYN, FIN, RST and verdicts touch. */
struct flows_cold {
	__u64 rejected_packets, rejected_bytes;
	__u32 first, rejected_first, rejected_last;
	__u32 rejected_flags;       /* bit (1 << enum flows_flag) */
	__s32 balance[FLOWS_FLAGS]; /* packets with that flag: seen less rejected */
	__u32 slot;                 /* in the index, plus one; 0: lost the race for its slot */
	__u32 reserved;
};

/* A slot is 0 or: number of the entry plus one, under some bits of the hash. */
struct flows_bucket {
	__u32 slots[FLOWS_BUCKET_SLOTS];
};

/* Fragments of one datagram. */
enum flows_fragment_kind { FLOWS_FRAGMENT_DATAGRAM, FLOWS_FRAGMENT_LATEST };
struct flows_fragment_key {
	__u64 src[2], dst[2];
	__u32 ifindex;
	__u32 id; /* identification; LATEST: the two ports */
	__u8 kind, direction, ip_version;
	__u8 protocol; /* IPv4, and LATEST */
	__u32 reserved;
};
struct flows_fragment {
	__u64 packets, bytes; /* of this datagram so far, as counted at tc */
	__u32 ports;          /* LATEST: identification of the flow's last datagram */
	__u32 protocol;
};

/* A device that is attached. */
struct flows_interface {
	__u64 missed_packets, missed_bytes; /* no room in the table */
	__u64 missed_verdicts;              /* dropped packets that could not be moved to REJECT */
};

/* The program's .bss. */
struct flows_state {
	__u32 active; /* table that packets are counted in: 0 or 1 */
	__u32 reserved[15];
	struct {
		__u32 used; /* entries given out; may pass the size of the table */
		__u32 reserved[15];
	} table[2];
	/* Code of the functions that free what an XDP program dropped; end 0: not there. */
	struct {
		__u64 start, end;
	} xdp[FLOWS_XDP_FUNCTIONS];
};

FLOWS_ASSERT(sizeof(struct flows_key) == 48, "key");
FLOWS_ASSERT(sizeof(struct flows_hot) == 64, "one cache line");
FLOWS_ASSERT(sizeof(struct flows_cold) == 56, "64 + 56 + two slots = 128 bytes a flow");
FLOWS_ASSERT(sizeof(struct flows_bucket) == 64, "one cache line");
FLOWS_ASSERT(sizeof(struct flows_fragment_key) == 48, "no padding: hashed whole");
FLOWS_ASSERT(sizeof(struct flows_fragment) == 24, "no padding");
FLOWS_ASSERT(sizeof(struct flows_interface) == 24, "no padding");
FLOWS_ASSERT(sizeof(struct flows_state) == 256, "four cache lines");
FLOWS_ASSERT(__builtin_offsetof(struct flows_hot, packets) == 48, "behind the key");
FLOWS_ASSERT(__builtin_offsetof(struct flows_key, where) == 32, "words of the key");
FLOWS_ASSERT(__builtin_offsetof(struct flows_key, what) == 40, "words of the key");
FLOWS_ASSERT(__builtin_offsetof(struct flows_cold, balance) == 32, "aligned for atomics");
FLOWS_ASSERT(__builtin_offsetof(struct flows_state, table) == 64, "a line of its own");
