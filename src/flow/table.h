/* table: flows of the open windows, found by key and listed by window.
 * A fixed number of 64-byte entries (one cache line each), a link from each entry to the next of
 * its list, and an open-addressed index of hashes: see table.c for why and for the sums. All of it
 * is reserved at init and touched as it is used.
 * Only windows.c uses it. Owner: the caller; one thread; no allocation after init. */
#pragma once

#include "base/err.h"
#include "flow/flow.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FLOW_TABLE_MAX  (UINT32_C(1) << 27) /* flows */
#define FLOW_TABLE_NONE UINT32_MAX

/* A flow_key whose last four bytes became one number, which makes room for the list. No padding. */
struct flow_table_key {
	struct ip_addr src, dst;
	uint32_t interface;
	uint16_t src_port, dst_port;
	/* From the lowest bit: protocol 8, direction 2, action 2, ip_version 4, and 16 of list, the
	 * number of the window it is counted in. */
	uint32_t rest;
};
_Static_assert(sizeof(struct flow_table_key) == sizeof(struct flow_key), "packed in place");

struct flow_table_entry {
	struct flow_table_key key;
	/* From the lowest bit: first 10, last 10 (seconds into the window), tcp_flags 8.
	 * One number, not bit fields, so that a packet loads and stores it once. */
	uint32_t seen;
	uint64_t packets, bytes;
};
_Static_assert(sizeof(struct flow_table_entry) == 64, "one cache line");

#define FLOW_TABLE_SECONDS    UINT32_C(1023)
#define FLOW_TABLE_LAST_SHIFT 10
#define FLOW_TABLE_TCP_SHIFT  20

/* Low 32 bits of the hash, and number of the entry + 1; 0 is an empty slot. */
struct flow_table_slot {
	uint32_t hash;
	uint32_t entry;
};

/* Entries in order of arrival. */
struct flow_table_list {
	uint32_t head, tail;
	uint32_t count;
};
#define FLOW_TABLE_LIST_INIT                                                                       \
	{                                                                                          \
		.head = FLOW_TABLE_NONE, .tail = FLOW_TABLE_NONE                                   \
	}

struct flow_table {
	struct flow_table_entry *entries;
	struct flow_table_slot *index;
	uint32_t *next;
	uint64_t
		*leaving; /* a bit for each slot.entry: set for 0, and while slots are taken away */
	uint32_t mask;    /* slots in use - 1 */
	uint32_t count;   /* entries that can be found */
	uint32_t used;    /* entries ever used */
	uint32_t max;
	uint32_t free; /* first of the entries that were given back */
	bool huge;
	uint64_t secret[8];
	void *memory;
	size_t memory_size;
};

int flow_table_init(struct flow_table *table, size_t max, struct err *err);
void flow_table_done(struct flow_table *table);

static inline void flow_table_key_unpack(
	struct flow_key *ret_key, const struct flow_table_key *packed)
{
	memcpy(ret_key, packed, offsetof(struct flow_key, protocol));
	ret_key->protocol = (uint8_t)packed->rest;
	ret_key->direction = packed->rest >> 8 & 3;
	ret_key->action = packed->rest >> 10 & 3;
	ret_key->ip_version = packed->rest >> 12 & 15;
}

/* The n-th 8 bytes of a key's first 40. Loaded one by one: compilers turn copies of the whole into
 * vectors, and those into stores and loads of the stack. */
static inline uint64_t flow_table_word(const void *key, size_t n)
{
	uint64_t word;

	memcpy(&word, (const char *)key + n * sizeof(word), sizeof(word));
	return word;
}

/* NH of UMAC (RFC 4418, 5.2.2) in 64-bit words under a random secret: whoever chooses addresses and
 * ports cannot choose collisions. Then one more multiplication, to spread what 32 bits are left.
 * key is a flow_key or a flow_table_key: they begin alike. */
static inline uint32_t flow_table_hash(
	const struct flow_table *table, const void *key, uint32_t rest)
{
	const uint64_t *secret = table->secret;
	__uint128_t sum = (__uint128_t)(flow_table_word(key, 0) + secret[0]) *
			  (flow_table_word(key, 1) + secret[1]);

	sum += (__uint128_t)(flow_table_word(key, 2) + secret[2]) *
	       (flow_table_word(key, 3) + secret[3]);
	sum += (__uint128_t)(flow_table_word(key, 4) + secret[4]) * (rest + secret[5]);
	sum = (__uint128_t)((uint64_t)sum ^ secret[6]) * ((uint64_t)(sum >> 64) ^ secret[7]);
	return (uint32_t)((uint64_t)sum ^ (uint64_t)(sum >> 64));
}

/* The last number of the key in this list. */
static inline uint32_t flow_table_rest(const struct flow_key *key, uint16_t list)
{
	assert((key->direction | key->action) < 4 && key->ip_version < 16);
	return key->protocol | (uint32_t)key->direction << 8 | (uint32_t)key->action << 10 |
	       (uint32_t)key->ip_version << 12 | (uint32_t)list << 16;
}

static inline bool flow_table_key_equal(
	const struct flow_table_key *packed, const struct flow_key *key, uint32_t rest)
{
	uint64_t differ = packed->rest ^ rest;

	for (size_t n = 0; n < 5; n++)
		differ |= flow_table_word(packed, n) ^ flow_table_word(key, n);
	return differ == 0;
}

/* Two steps ahead of flow_table_find, and one. */
static inline void flow_table_prefetch_index(const struct flow_table *table, uint32_t hash)
{
	__builtin_prefetch(&table->index[hash & table->mask], 1);
}

/* Returns the number + 1 of the entry that it fetches, the one of this hash, or 0 when there is
 * none. */
static inline uint32_t flow_table_prefetch_entry(const struct flow_table *table, uint32_t hash)
{
	for (uint32_t i = hash & table->mask;; i = (i + 1) & table->mask) {
		struct flow_table_slot slot = table->index[i];
		if (!slot.entry)
			return 0;
		if (slot.hash == hash) {
			__builtin_prefetch(&table->entries[slot.entry - 1], 1);
			return slot.entry;
		}
	}
}

static inline struct flow_table_entry *flow_table_find(
	const struct flow_table *table, const struct flow_key *key, uint32_t rest, uint32_t hash)
{
	for (uint32_t i = hash & table->mask;; i = (i + 1) & table->mask) {
		struct flow_table_slot slot = table->index[i];
		if (!slot.entry)
			return NULL;
		if (slot.hash != hash)
			continue;
		struct flow_table_entry *entry = &table->entries[slot.entry - 1];
		if (flow_table_key_equal(&entry->key, key, rest))
			return entry;
	}
}

static inline bool flow_table_is_full(const struct flow_table *table)
{
	return table->count == table->max;
}

/* Whether so many entries are best unlinked at once: in one pass over the index. Fewer go one by
 * one, and best in parts that stay in the cache until they are handed out. */
static inline bool flow_table_is_large(const struct flow_table *table, uint32_t count)
{
	return count >= table->mask / 16;
}

/* A new entry at the end of the list, with its key, hash and what it has seen, and nothing counted.
 * The table must not be full, and the key not be there. */
struct flow_table_entry *flow_table_insert(struct flow_table *table, struct flow_table_list *list,
	const struct flow_key *key, uint32_t rest, uint32_t hash, uint32_t seen);
/* The first count entries of a list become a list of their own. */
struct flow_table_list flow_table_split(
	const struct flow_table *table, struct flow_table_list *list, uint32_t count);
/* No key of the list is found from here on. The entries stay as they are until given back. */
void flow_table_unlink(struct flow_table *table, const struct flow_table_list *list);
/* Gives the entries of an unlinked list back; before any other insert or unlink. */
void flow_table_release(struct flow_table *table, const struct flow_table_list *list);
