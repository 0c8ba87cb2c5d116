/* dictionary: distinct texts, numbered from 0 in the order in which they came.
 * Texts are copied and stay where they are until the dictionary is cleared or done. A zeroed one is
 * empty and ready. Owner: the caller; one thread. Its memory is the caller's to bound
 * (dictionary_bytes). */
#pragma once

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>

struct dictionary {
	struct str *texts; /* [count] */
	uint32_t count;

	uint32_t capacity;
	uint32_t *hashes; /* [count] */
	uint32_t *slots;  /* number + 1; a power of two of them */
	uint32_t slots_count;
	struct dictionary_block *blocks;
	size_t bytes;
};

/* The number of a text, which is added when it is new. At most 2^31 texts. */
uint32_t dictionary_add(struct dictionary *dictionary, struct str text);
/* Memory in use. */
size_t dictionary_bytes(const struct dictionary *dictionary);
/* Empty again; what is cheap to keep is kept. */
void dictionary_clear(struct dictionary *dictionary);
void dictionary_done(struct dictionary *dictionary);
