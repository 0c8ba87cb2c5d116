/* What a packet costs is its cache misses, so an entry is one cache line and the index is apart
 * from it: one miss for the slot, one for the entry, and both can be prefetched by hash. A slot
 * keeps 32 bits of the hash: another key's entry is as good as never looked at, and slots can be
 * moved (backward shift, so that there are no tombstones) without looking at entries.
 *
 * Memory for each of max flows: 64 bytes of entry, 4 of link, and 16 to 32 of index (at most half
 * of the slots are taken): at most 100 bytes. The index in use starts small and doubles in place,
 * so that few flows stay in few cache lines, however large max is.
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
	size_t size = entries_size + index_size + next_size;
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

/* All live entries into an emptied index of slots. */
static void index_rebuild(struct flow_table *table, uint32_t slots)
{
	uint32_t entries[AHEAD], hashes[AHEAD];

	memset(table->index, 0, slots * sizeof(struct flow_table_slot));
	table->mask = slots - 1;
	for (uint32_t entry = 0; entry < table->used;) {
		unsigned n = 0;
		for (; entry < table->used && n < AHEAD; entry++) {
			if (!(table->entries[entry].seen & FLOW_TABLE_LIVE))
				continue;
			entries[n] = entry;
			hashes[n] = hash_entry(table, entry);
			flow_table_prefetch_index(table, hashes[n]);
			n++;
		}
		for (unsigned i = 0; i < n; i++)
			index_add(table, entries[i], hashes[i]);
	}
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
	place->seen = seen | FLOW_TABLE_LIVE;
	place->packets = place->bytes = 0;
	table->next[entry] = FLOW_TABLE_NONE;
	if (list->count++)
		table->next[list->tail] = entry;
	else
		list->head = entry;
	list->tail = entry;
	if (++table->count > (table->mask + 1) / 2)
		index_rebuild(table, (table->mask + 1) * 2);
	else
		index_add(table, entry, hash);
	return place;
}

struct flow_table_list flow_table_split(
	const struct flow_table *table, struct flow_table_list *list, uint32_t count)
{
	struct flow_table_list front = {list->head, list->head, count};

	assert(count > 0 && count <= list->count);
	for (uint32_t i = 1; i < count; i++)
		front.tail = table->next[front.tail];
	list->head = table->next[front.tail];
	list->count -= count;
	if (!list->count)
		*list = (struct flow_table_list)FLOW_TABLE_LIST_INIT;
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
			table->entries[entry].seen &= ~FLOW_TABLE_LIVE;
			entry = table->next[entry];
		}
		for (unsigned i = 0; i < n; i++)
			index_remove(table, entries[i], hashes[i]);
	}
}

void flow_table_unlink(struct flow_table *table, const struct flow_table_list *list)
{
	assert(list->count <= table->count);
	table->count -= list->count;
	/* The usual case of files: one window, all of it goes. Clearing runs through memory in
	 * order, at a fraction of the cost of removals. */
	if (table->count == 0 && table->mask / 16 <= list->count)
		memset(table->index, 0, ((size_t)table->mask + 1) * sizeof(*table->index));
	else
		unlink_one_by_one(table, list);
}

void flow_table_release(struct flow_table *table, const struct flow_table_list *list)
{
	if (table->count == 0) {
		/* Nothing is left: start over, in order. Entries at and above used count as not
		 * live. */
		table->used = 0;
		table->free = FLOW_TABLE_NONE;
	} else if (list->count) {
		table->next[list->tail] = table->free;
		table->free = list->head;
	}
}
