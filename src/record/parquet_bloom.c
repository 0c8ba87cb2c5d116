/* BloomFilter.md: blocks of eight words of 32 bits; a value sets one bit in each word of one block.
 * Arrow takes only filters whose size is a power of two, so that is what is made: 8 to 16 bits a
 * value, which lets a value that is not there through in 0.1 to 2.5 of 100 cases. */
#include "record/parquet_priv.h"

#include "record/thrift_priv.h"

#include <xxhash.h>

#define BLOCK_BYTES  32
#define BYTES_MAX    ((uint32_t)64 << 20)
#define BITS_A_VALUE 8

static void add_header(struct buf *buf, uint32_t bytes)
{
	int last = 0;

	thrift_i32(buf, &last, 1, (int32_t)bytes);
	for (int id = 2; id <= 4; id++) { /* split block, XXH64, uncompressed */
		int kind = 0;
		thrift_struct(buf, &last, id);
		thrift_empty_struct(buf, &kind, 1);
		thrift_end(buf);
	}
	thrift_end(buf);
}

uint32_t record_parquet_bloom(struct buf *buf, const struct str *texts, uint32_t count)
{
	static const uint32_t salts[8] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
		0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};
	size_t before = buf->n;
	uint32_t bytes = BLOCK_BYTES;

	while (bytes < BYTES_MAX && (uint64_t)bytes * 8 < (uint64_t)count * BITS_A_VALUE)
		bytes *= 2;
	add_header(buf, bytes);
	char *bits = buf_reserve(buf, bytes);
	memset(bits, 0, bytes);
	buf->n += bytes;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t hash = XXH64(texts[i].p, texts[i].n, 0);
		uint64_t block = (hash >> 32) * (bytes / BLOCK_BYTES) >> 32;
		uint32_t words[8];
		char *at = bits + block * BLOCK_BYTES;

		memcpy(words, at, sizeof(words));
		for (int word = 0; word < 8; word++)
			words[word] |= (uint32_t)1 << ((uint32_t)hash * salts[word] >> 27);
		memcpy(at, words, sizeof(words));
	}
	return (uint32_t)(buf->n - before);
}
