/* events_columns_priv: a chunk of columns as it is on disk, between events_columns.c, which makes
 * it, and events_columns_read.c. Offsets count from the begin of the chunk's body; everything
 * begins at a multiple of 8.
 *
 *   head      struct columns_head, then struct columns_column for the times and each word
 *   a column  values of 1, 2, 4 or 8 bytes, or none where all are alike; they are
 *             a number   distance from the smallest ("-" is 0, and the others one more)
 *             an address  the same of an IPv4 address
 *             a word     number in the list of different words: their ends, then their bytes
 *             nothing    too many different words: they are in the text only. In place of values
 *                        is a Bloom filter of them (struct columns_column says how)
 *   summary   struct columns_summary, a struct columns_check for the times and each word, and a
 *             CRC-32C of each COLUMNS_PAGE bytes of the rows' body. Chunks of before November
 *             2026 have none (summary_at is 0): then only the checksum of all tells what is good.
 */
#pragma once

#include "store/events_priv.h"

enum { COLUMNS_ALIGNMENT = 8, COLUMNS_PAGE = 1024 };

struct columns_head {
	uint32_t words, summary_at;
};
struct columns_column {
	uint8_t kind, width, has_none, is_ipv4;
	uint32_t at; /* of the values */
	/* Of a column without values: words of 64 bits that the filter has, the lengths of the
	 * shortest and the longest word, and 0. */
	uint32_t word_count, ends_at, words_at, word_bytes;
	int64_t base;
};
_Static_assert(sizeof(struct columns_column) == 32, "a format on disk");

struct columns_check {
	uint32_t crc, size; /* of all of the column, from its values on */
	int64_t last;       /* numbers: the largest */
	uint64_t bytes[4];  /* words, also those that are in the text only: which bytes they have */
};
_Static_assert(sizeof(struct columns_check) == 48, "a format on disk");
struct columns_summary {
	uint32_t crc; /* of the head, the columns' structs and all of the summary behind this */
	uint32_t page_count;
	uint32_t reserved[2];
};
_Static_assert(sizeof(struct columns_summary) == 16, "a format on disk");

/* Where a word is in a filter, and its bits there. The same for ever: it is on disk. */
uint64_t columns_filter_bits(struct str word, uint32_t filter_words, uint32_t *ret_at);

static inline size_t columns_head_size(size_t words)
{
	return sizeof(struct columns_head) + (words + 1) * sizeof(struct columns_column);
}
static inline size_t columns_summary_size(size_t words, size_t pages)
{
	return sizeof(struct columns_summary) + (words + 1) * sizeof(struct columns_check) +
	       pages * sizeof(uint32_t);
}
static inline size_t columns_pages(const struct events_header *rows)
{
	return (rows->size - sizeof(*rows) + COLUMNS_PAGE - 1) / COLUMNS_PAGE;
}
/* Of a summary behind a head of head_size bytes. */
uint32_t columns_summary_crc(
	const void *head, size_t head_size, const struct columns_summary *summary, size_t size);
