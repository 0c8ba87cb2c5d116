#include "base/dictionary.h"

#include <assert.h>

#define BLOCK_BYTES ((size_t)64 << 10)

/* Texts one behind the other. */
struct dictionary_block {
	struct dictionary_block *next;
	size_t used, size;
	char bytes[];
};

static char *room_for(struct dictionary *dictionary, size_t n)
{
	struct dictionary_block *block = dictionary->blocks;

	if (!block || block->size - block->used < n) {
		size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
		block = mem_new(1, sizeof(*block) + size);
		block->size = size;
		block->next = dictionary->blocks;
		dictionary->blocks = block;
		dictionary->bytes += sizeof(*block) + size;
	}
	block->used += n;
	return block->bytes + block->used - n;
}

static void grow_slots(struct dictionary *dictionary)
{
	uint32_t count = dictionary->slots_count ? dictionary->slots_count * 2 : 64;
	uint32_t *slots = mem_new(count, sizeof(*slots));

	for (uint32_t i = 0; i < dictionary->count; i++) {
		uint32_t at = dictionary->hashes[i] & (count - 1);
		while (slots[at])
			at = (at + 1) & (count - 1);
		slots[at] = i + 1;
	}
	free(dictionary->slots);
	dictionary->slots = slots;
	dictionary->slots_count = count;
}

static uint32_t append(struct dictionary *dictionary, struct str text, uint32_t hash)
{
	assert(dictionary->count < (uint32_t)1 << 31);
	if (dictionary->count == dictionary->capacity) {
		dictionary->capacity = dictionary->capacity ? dictionary->capacity * 2 : 32;
		dictionary->texts = mem_grow(
			dictionary->texts, dictionary->capacity, sizeof(*dictionary->texts));
		dictionary->hashes = mem_grow(
			dictionary->hashes, dictionary->capacity, sizeof(*dictionary->hashes));
	}
	char *copy = room_for(dictionary, text.n);
	if (text.n)
		memcpy(copy, text.p, text.n);
	dictionary->texts[dictionary->count] = (struct str){copy, text.n};
	dictionary->hashes[dictionary->count] = hash;
	return dictionary->count++;
}

uint32_t dictionary_add(struct dictionary *dictionary, struct str text)
{
	uint32_t hash = (uint32_t)hash_bytes(text.p, text.n, 0);

	if (dictionary->count * 2 >= dictionary->slots_count)
		grow_slots(dictionary);
	uint32_t mask = dictionary->slots_count - 1;
	uint32_t at = hash & mask;
	for (; dictionary->slots[at]; at = (at + 1) & mask) {
		uint32_t index = dictionary->slots[at] - 1;
		if (dictionary->hashes[index] == hash && str_equal(dictionary->texts[index], text))
			return index;
	}
	uint32_t index = append(dictionary, text, hash);
	dictionary->slots[at] = index + 1;
	return index;
}

size_t dictionary_bytes(const struct dictionary *dictionary)
{
	return dictionary->bytes + dictionary->capacity * (sizeof(struct str) + sizeof(uint32_t)) +
	       dictionary->slots_count * sizeof(uint32_t);
}

static void free_blocks(struct dictionary *dictionary)
{
	while (dictionary->blocks) {
		struct dictionary_block *block = dictionary->blocks;
		dictionary->blocks = block->next;
		free(block);
	}
	dictionary->bytes = 0;
}

void dictionary_clear(struct dictionary *dictionary)
{
	free_blocks(dictionary);
	if (dictionary->slots)
		memset(dictionary->slots, 0, dictionary->slots_count * sizeof(*dictionary->slots));
	dictionary->count = 0;
}

void dictionary_done(struct dictionary *dictionary)
{
	free_blocks(dictionary);
	free(dictionary->texts);
	free(dictionary->hashes);
	free(dictionary->slots);
	*dictionary = (struct dictionary){0};
}
