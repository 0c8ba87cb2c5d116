/* What a packet costs is its cache misses, so an entry is one cache line and the index is apart
 * from it: one miss for the slot, one for the entry, and both can be prefetched by hash. A slot
 * keeps 32 bits of the hash: another key's entry is as good as never looked at, and slots can be
 * moved without looking at entries. There are no tombstones: what is removed alone is closed up by
 * a backward shift, and a whole window is swept out in one pass over the index.
 *
 * Memory for each of max flows: 64 bytes of entry, 4 of link, 16 to 32 of index (at most half of
 * the slots are taken) and a bit: at most 101 bytes. The index in use starts small and doubles in
 * place, so that few flows stay in few cache lines, however large max is.
 *
 * Entries that come back are reused before new ones are touched, first the list that came back
 * last, in its order: the entries of a window mostly lie one after another, and the hardware
 * fetches ahead when they are handed out. */
#include "flow/table.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>

#define SLOTS_FIRST 1024
#define HUGE_PAGE   ((size_t)2 << 20)
/* Entries and slots fetched ahead of their use: as many as a core has misses in flight. */
#define AHEAD 16

static uint32_t slots_for(size_t max)
{
	uint32_t slots = SLOTS_FIRST;

	while (slots < 2 * max)
		slots *= 2;
	return slots;
}

int flow_table_init(struct flow_table *table, size_t max, struct err *err)
{
	assert(max > 0 && max <= FLOW_TABLE_MAX);
	memset(table, 0, sizeof(*table));
	/* getrandom gives up to 256 bytes whole once the kernel's pool is ready. */
	if (getrandom(table->secret, sizeof(table->secret), 0) != sizeof(table->secret))
		return err_set_errno(err, errno, "cannot get random bytes for the flow table");
	size_t entries_size = max * sizeof(struct flow_table_entry);
	size_t index_size = slots_for(max) * sizeof(struct flow_table_slot);
	size_t next_size = max * sizeof(uint32_t);
	size_t leaving_at = (entries_size + index_size + next_size + 7) & ~(size_t)7;
	size_t size = leaving_at + (max / 64 + 1) * sizeof(uint64_t);
	/* NORESERVE: the bound is for the worst day; what is not touched is not charged. */
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		err_set_errno(err, errno, "cannot reserve %zu MiB for %zu flows", size >> 20, max);
		return err_hint(err, "Allow fewer flows in memory.");
	}
	table->memory = memory;
	table->memory_size = size;
	table->entries = memory;
	table->index = (void *)((char *)memory + entries_size);
	table->next = (void *)((char *)memory + entries_size + index_size);
	table->leaving = (void *)((char *)memory + leaving_at);
	table->leaving[0] = 1;
	table->mask = SLOTS_FIRST - 1;
	table->max = (uint32_t)max;
	table->free = FLOW_TABLE_NONE;
	return 0;
}

void flow_table_done(struct flow_table *table)
{
	if (table->memory)
		munmap(table->memory, table->memory_size);
	memset(table, 0, sizeof(*table));
}

static uint32_t hash_entry(const struct flow_table *table, uint32_t entry)
{
	const struct flow_table_key *key = &table->entries[entry].key;

	return flow_table_hash(table, key, key->rest);
}

static void index_add(struct flow_table *table, uint32_t entry, uint32_t hash)
{
	uint32_t i = hash & table->mask;

	while (table->index[i].entry)
		i = (i + 1) & table->mask;
	table->index[i] = (struct flow_table_slot){hash, entry + 1};
}

/* Algorithm R of Knuth, volume 3, 6.4: what was pushed on by the removed one moves back. */
static void index_remove(struct flow_table *table, uint32_t entry, uint32_t hash)
{
	uint32_t mask = table->mask;
	uint32_t hole = hash & mask;

	while (table->index[hole].entry != entry + 1) {
		assert(table->index[hole].entry);
		hole = (hole + 1) & mask;
	}
	for (uint32_t i = (hole + 1) & mask; table->index[i].entry; i = (i + 1) & mask) {
		uint32_t home = table->index[i].hash & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			table->index[hole] = table->index[i];
			hole = i;
		}
	}
	table->index[hole] = (struct flow_table_slot){0, 0};
}

/* Moves every slot to its place in an index of slots, which is not smaller; those of leaving
 * entries go. One pass in order, from behind an empty slot on: all slots between a slot's home and
 * where it lies are in their places already, so that the first empty one from its home on is right
 * for good. */
static void index_sweep(struct flow_table *table, uint32_t slots)
{
	struct flow_table_slot *index = table->index;
	uint32_t old_mask = table->mask;
	uint32_t mask = slots - 1;
	uint32_t i = old_mask;

	memset(index + old_mask + 1, 0, (mask - old_mask) * sizeof(*index));
	while (index[i].entry)
		i--;
	for (uint32_t left = old_mask; left; left--) {
		i = (i + 1) & old_mask;
		struct flow_table_slot slot = index[i];
		index[i] = (struct flow_table_slot){0, 0};
		/* One branch, easily foreseen where most of a window's slots are empty or leave. */
		if (table->leaving[slot.entry / 64] >> slot.entry % 64 & 1)
			continue;
		uint32_t place = slot.hash & mask;
		while (index[place].entry)
			place = (place + 1) & mask;
		index[place] = slot;
	}
	table->mask = mask;
}

/* Random access over more than the translation buffers reach costs a page walk a packet; below that
 * small pages keep an idle table small. The kernel may say no. */
static void use_huge_pages(struct flow_table *table)
{
	uintptr_t start = ((uintptr_t)table->memory + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	uintptr_t end = ((uintptr_t)table->memory + table->memory_size) & ~(HUGE_PAGE - 1);

	if (start < end)
		(void)madvise((void *)start, end - start, MADV_HUGEPAGE);
	table->huge = true;
}

struct flow_table_entry *flow_table_insert(struct flow_table *table, struct flow_table_list *list,
	const struct flow_key *key, uint32_t rest, uint32_t hash, uint32_t seen)
{
	uint32_t entry = table->free;

	assert(table->count < table->max);
	if (entry != FLOW_TABLE_NONE) {
		table->free = table->next[entry];
		if (table->free != FLOW_TABLE_NONE)
			__builtin_prefetch(&table->entries[table->free], 1);
	} else {
		entry = table->used++;
		if (entry == HUGE_PAGE / sizeof(struct flow_table_entry) && !table->huge)
			use_huge_pages(table);
	}
	struct flow_table_entry *place = &table->entries[entry];
	memcpy(&place->key, key, offsetof(struct flow_table_key, rest));
	place->key.rest = rest;
	place->seen = seen;
	place->packets = place->bytes = 0;
	table->next[entry] = FLOW_TABLE_NONE;
	if (list->count++)
		table->next[list->tail] = entry;
	else
		list->head = entry;
	list->tail = entry;
	if (++table->count > (table->mask + 1) / 2)
		index_sweep(table, (table->mask + 1) * 2);
	index_add(table, entry, hash);
	return place;
}

struct flow_table_list flow_table_split(
	const struct flow_table *table, struct flow_table_list *list, uint32_t count)
{
	struct flow_table_list front = {list->head, list->head, count};

	assert(count > 0 && count <= list->count);
	if (count == list->count) {
		front = *list;
		*list = (struct flow_table_list)FLOW_TABLE_LIST_INIT;
		return front;
	}
	for (uint32_t i = 1; i < count; i++)
		front.tail = table->next[front.tail];
	list->head = table->next[front.tail];
	list->count -= count;
	return front;
}

static void unlink_one_by_one(struct flow_table *table, const struct flow_table_list *list)
{
	uint32_t entries[AHEAD], hashes[AHEAD];
	uint32_t entry = list->head;

	for (uint32_t left = list->count; left;) {
		unsigned n = 0;
		for (; left && n < AHEAD; left--, n++) {
			entries[n] = entry;
			hashes[n] = hash_entry(table, entry);
			flow_table_prefetch_index(table, hashes[n]);
			entry = table->next[entry];
		}
		for (unsigned i = 0; i < n; i++)
			index_remove(table, entries[i], hashes[i]);
	}
}

static void unlink_in_one_pass(struct flow_table *table, const struct flow_table_list *list)
{
	uint32_t entry = list->head;

	for (uint32_t left = list->count; left; left--, entry = table->next[entry])
		table->leaving[(entry + 1) / 64] |= UINT64_C(1) << (entry + 1) % 64;
	index_sweep(table, table->mask + 1);
	memset(table->leaving, 0, (table->used / 64 + 1) * sizeof(*table->leaving));
	table->leaving[0] = 1;
}

void flow_table_unlink(struct flow_table *table, const struct flow_table_list *list)
{
	assert(list->count <= table->count);
	table->count -= list->count;
	if (!flow_table_is_large(table, list->count))
		unlink_one_by_one(table, list);
	else if (table->count)
		unlink_in_one_pass(table, list);
	else
		memset(table->index, 0, ((size_t)table->mask + 1) * sizeof(*table->index));
}

void flow_table_release(struct flow_table *table, const struct flow_table_list *list)
{
	if (table->count == 0) {
		/* Nothing is left: start over, in order. */
		table->used = 0;
		table->free = FLOW_TABLE_NONE;
	} else if (list->count) {
		table->next[list->tail] = table->free;
		table->free = list->head;
	}
}
