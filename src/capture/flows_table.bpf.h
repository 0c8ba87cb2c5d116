/* flows_table.bpf: the shared table as the programs see it; live.c has the theory. */
/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "capture/flows_shape.h"

/* Set before loading; constants for the verifier. */
const volatile __u32 flows_table_size = 1;
const volatile __u32 flows_buckets = 1;
const volatile __u32 flows_hash_keys[FLOWS_HASH_KEYS];
const volatile __u32 flows_namespace = 0; /* inode of the network namespace */

struct flows_state state;

/* Entries of table 1 stand behind those of table 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct flows_hot);
} flows_hot SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct flows_cold);
} flows_cold SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct flows_bucket);
} flows_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flows_fragment_key);
	__type(value, struct flows_fragment);
} flows_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct flows_interface);
} flows_interfaces SEC(".maps");

/* Programs have nothing to do with these: changing an array of maps waits for all of them. */
struct flows_barrier_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} flows_barrier_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct flows_barrier_inner);
} flows_barrier SEC(".maps") = {.values = {&flows_barrier_inner}};

/* Written to when a table is half full, so that nobody has to look again and again. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, FLOWS_NEWS_BYTES);
} flows_half_full SEC(".maps");

/* What is known of a packet. */
struct packet {
	struct flows_key key;
	__u64 packets, bytes;
	__u32 length; /* from the network header to the end, as the kernel holds it */
	__u32 header; /* IP and transport header, which each segment of a large packet repeats */
	__u32 jumbo;  /* bytes of the jumbo option that segments do not have */
	__u32 total;  /* length that the IP header tells */
	__u32 fragment_id;
	bool fragment, first;
	bool whole; /* no fragment header or offset in it (it may be put together of some) */
	__u8 flags; /* FIN, SYN, RST as in TCP, 16 for SYN with ACK */
};

static __always_inline __u32 tick_of(__u64 ns)
{
	__u32 tick = (__u32)(ns >> FLOWS_TICK_SHIFT);

	return tick ? tick : 1;
}

static __always_inline struct flows_hot *hot_at(__u32 number)
{
	return bpf_map_lookup_elem(&flows_hot, &number);
}

static __always_inline struct flows_cold *cold_at(__u32 number)
{
	return bpf_map_lookup_elem(&flows_cold, &number);
}

static __always_inline struct flows_bucket *bucket_at(__u32 table, __u64 hash, __u32 probe)
{
	__u32 bucket = table * flows_buckets + flows_hash_bucket(hash, probe, flows_buckets);

	return bpf_map_lookup_elem(&flows_index, &bucket);
}

/* The entry of this slot when it is the key's. */
static __always_inline struct flows_hot *slot_entry(
	const struct flows_key *key, __u32 table, __u64 hash, __u32 slot, __u32 *ret_number)
{
	struct flows_hot *hot;
	__u32 number;

	if (!slot || ((slot ^ flows_hash_tag(hash)) & ~FLOWS_NUMBER_MASK))
		return NULL;
	number = table * flows_table_size + (slot & FLOWS_NUMBER_MASK) - 1;
	hot = hot_at(number);
	if (!hot || !flows_key_equal(&hot->key, key))
		return NULL;
	*ret_number = number;
	return hot;
}

/* Takes a new entry and writes the key into it. */
static __always_inline __u32 entry_new(const struct flows_key *key, __u32 table)
{
	struct flows_cold *cold;
	struct flows_hot *hot;
	__u32 number;

	if (*(volatile __u32 *)&state.table[table].used >= flows_table_size)
		return 0;
	number = __sync_fetch_and_add(&state.table[table].used, 1);
	if (number >= flows_table_size)
		return 0;
	if (number == flows_table_size / 2)
		bpf_ringbuf_output(&flows_half_full, &table, sizeof(table), 0);
	hot = hot_at(table * flows_table_size + number);
	cold = cold_at(table * flows_table_size + number);
	if (!hot || !cold)
		return 0;
	hot->key = *key;
	cold->first = key->last;
	return number + 1;
}

/* Finds the entry of a key that was not there a moment ago, or puts it in: takes the first empty
 * slot in the order of probing, unless another processor was faster, in which case the slot is
 * looked at again. Slots are never emptied while the table is in use, so a key has one slot. */
__noinline __u32 entry_insert(const struct flows_key *key, __u64 hash)
{
	__u32 table = state.active & 1;
	__u32 number = 0, new = 0;

	if (!key)
		return 0;
	for (__u32 probe = 0; probe < FLOWS_PROBE_MAX; probe++) {
		struct flows_bucket *bucket = bucket_at(table, hash, probe);

		if (!bucket)
			return 0;
		for (__u32 i = 0; i < FLOWS_BUCKET_SLOTS; i++) {
			__u32 at = (flows_hash_start(hash) + i) & (FLOWS_BUCKET_SLOTS - 1);
			__u32 slot = *(volatile __u32 *)&bucket->slots[at];

			if (!slot) {
				if (!new)
					new = entry_new(key, table);
				if (!new)
					return 0;
				slot = __sync_val_compare_and_swap(
					&bucket->slots[at], 0, flows_hash_tag(hash) | new);
				if (!slot) {
					__u32 full = table * flows_table_size + new - 1;
					struct flows_cold *cold = cold_at(full);

					if (!cold)
						return 0;
					cold->slot = 1 + at +
						     flows_hash_bucket(hash, probe, flows_buckets) *
							     FLOWS_BUCKET_SLOTS;
					return full + 1;
				}
			}
			if (slot_entry(key, table, hash, slot, &number))
				return number + 1;
		}
	}
	return 0;
}

/* Number of a key's entry plus one; the entry is made if need be. 0: no room. */
static __always_inline __u32 entry_get(const struct flows_key *key)
{
	__u64 hash = flows_hash(key, flows_hash_keys);
	__u32 table = *(volatile __u32 *)&state.active & 1;
	struct flows_bucket *bucket = bucket_at(table, hash, 0);
	__u32 number = 0;

	if (!bucket)
		return 0;
	for (__u32 i = 0; i < FLOWS_BUCKET_SLOTS; i++) {
		__u32 slot =
			*(volatile __u32 *)&bucket
				 ->slots[(flows_hash_start(hash) + i) & (FLOWS_BUCKET_SLOTS - 1)];

		if (!slot)
			break;
		if (slot_entry(key, table, hash, slot, &number))
			return number + 1;
	}
	return entry_insert(key, hash);
}

__noinline int missed(__u32 ifindex, __u64 packets, __u64 bytes, __u64 verdicts)
{
	struct flows_interface *interface = bpf_map_lookup_elem(&flows_interfaces, &ifindex);

	if (!interface)
		return 0;
	__sync_fetch_and_add(&interface->missed_packets, packets);
	__sync_fetch_and_add(&interface->missed_bytes, bytes);
	__sync_fetch_and_add(&interface->missed_verdicts, verdicts);
	return 0;
}

/* Which rows of balance a packet changes, as bits. */
static __always_inline __u32 flag_bits(__u8 flags)
{
	return (flags & 7) | ((flags & 16) >> 1);
}

__noinline int count_flags(__u32 number, __u32 bits, __s32 change)
{
	struct flows_cold *cold = cold_at(number);

	if (!cold)
		return 0;
#pragma unroll
	for (__u32 i = 0; i < FLOWS_FLAGS; i++) {
		if (bits & (1u << i))
			__sync_fetch_and_add(&cold->balance[i], change);
	}
	return 0;
}

__noinline int count_seen(const struct packet *packet)
{
	struct flows_hot *hot;
	__u32 number;

	if (!packet)
		return 0;
	number = entry_get(&packet->key);
	hot = number ? hot_at(number - 1) : NULL;
	if (!hot)
		return missed(packet->key.ifindex, packet->packets, packet->bytes, 0);
	__sync_fetch_and_add(&hot->packets, packet->packets);
	__sync_fetch_and_add(&hot->bytes, packet->bytes);
	if (hot->key.last != packet->key.last)
		hot->key.last = packet->key.last;
	if (packet->flags)
		count_flags(number - 1, flag_bits(packet->flags), 1);
	return 0;
}

/* seen: tc has counted it before. */
__noinline int count_rejected(const struct packet *packet, bool seen)
{
	struct flows_cold *cold;
	struct flows_hot *hot;
	__u32 number, tick;

	if (!packet)
		return 0;
	tick = packet->key.last;
	number = entry_get(&packet->key);
	hot = number ? hot_at(number - 1) : NULL;
	cold = number ? cold_at(number - 1) : NULL;
	if (!hot || !cold) /* what tc has seen is in a record, or counted as missed, already */
		return missed(packet->key.ifindex, seen ? 0 : packet->packets,
			seen ? 0 : packet->bytes, packet->packets);
	if (!seen) {
		__sync_fetch_and_add(&hot->packets, packet->packets);
		__sync_fetch_and_add(&hot->bytes, packet->bytes);
		hot->key.last = tick;
	}
	if (!cold->rejected_first)
		cold->rejected_first = tick;
	cold->rejected_last = tick;
	__sync_fetch_and_add(&cold->rejected_packets, packet->packets);
	__sync_fetch_and_add(&cold->rejected_bytes, packet->bytes);
	if (packet->flags) {
		__sync_fetch_and_or(&cold->rejected_flags, flag_bits(packet->flags));
		if (seen)
			count_flags(number - 1, flag_bits(packet->flags), -1);
	}
	return 0;
}
