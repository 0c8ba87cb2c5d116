/* split_masks: what the variants of split share. A bit a byte, of 64. */
#pragma once

#include "record/split_priv.h"

#include <stdbool.h>
#include <string.h>

#define SPLIT_PASTE_(a, b) a##b
#define SPLIT_PASTE(a, b)  SPLIT_PASTE_(a, b)
#define SPLIT_INLINE       static inline __attribute__((always_inline, unused))

struct masks {
	uint64_t separator, line_end, digit, dot, dash, zero, unusual;
	uint64_t over; /* the third of three digits that are more than 255; means nothing elsewhere
			*/
};

/* For split_find. */
struct find_masks {
	uint64_t ends;  /* of lines */
	uint64_t empty; /* what a line without data begins with */
	uint64_t blank; /* what is behind it says more */
	uint64_t maybe; /* the needle may begin here */
};

SPLIT_INLINE bool split_is_empty(char c)
{
	return c == '#' || c == '\n' || c == '\r';
}

/* Whether the line that begins here has something on it. */
SPLIT_INLINE bool split_is_data(const char *line, const char *end)
{
	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	return line < end && !split_is_empty(*line);
}

/* How lines of data mostly begin. */
SPLIT_INLINE bool split_is_plain(char c)
{
	static const bool plain[256] = {
		['0' ... '9'] = true, ['-'] = true, ['#'] = true, ['\n'] = true, ['\r'] = true};

	return plain[(unsigned char)c];
}

SPLIT_INLINE void split_start(struct split *split)
{
	split->any_unusual = false;
	memset(split->unusual, 0, sizeof(split->unusual));
}

/* The chunks that hold the bytes from first to last. */
SPLIT_INLINE void split_mark(struct split *split, size_t first, size_t last)
{
	split->any_unusual = true;
	for (size_t chunk = first / 64; chunk <= last / 64; chunk++)
		split->unusual[chunk / 64] |= UINT64_C(1) << (chunk & 63);
}

/* The bits of x at the ones of mask, moved together. */
SPLIT_INLINE uint64_t split_together(uint64_t x, uint64_t mask)
{
	uint64_t together = 0;

	for (unsigned i = 0; mask; i++, mask &= mask - 1)
		together |= (x >> __builtin_ctzll(mask) & 1) << i;
	return together;
}

SPLIT_INLINE void split_places(uint32_t *places, uint64_t separators, uint32_t base)
{
	for (; separators; separators &= separators - 1)
		*places++ = base + (uint32_t)__builtin_ctzll(separators);
}
