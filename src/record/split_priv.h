/* split: where the fields of many lines end, and what kind of text each of them is.
 * A piece of text is looked at 64 bytes at a time as bit masks. For each separator (a blank or
 * comma, or the end of a line) there is its place, and a bit each that says: it ends the line; the
 * field before it is a short number, a dotted IPv4 address, or "-". A bit that is not set says
 * nothing: whoever needs to know looks at that field itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPLIT_PIECE                                                                                \
	((size_t)16 << 10) /* bytes at most; with their fields half of a first-level cache */
#define SPLIT_BEYOND 128   /* readable bytes behind a piece, whatever they are */
#define SPLIT_BEFORE 2     /* and before it */
#define SPLIT_CHUNKS (SPLIT_PIECE / 64)
#define SPLIT_WORDS  (SPLIT_PIECE / 64 + 8) /* so that a load at any bit stays inside */

/* Bits by separator. */
enum split_bits {
	SPLIT_LINE_END,
	SPLIT_NUMBER32, /* up to 9 digits, or "-" */
	SPLIT_NUMBER64, /* up to 15 digits, or "-" */
	SPLIT_IPV4,     /* as ip_parse takes it, or "-" */
	SPLIT_BITS,
};

struct split {
	uint32_t *places; /* of the separators; room for SPLIT_PIECE + 64 */
	size_t count;
	uint64_t bits[SPLIT_BITS][SPLIT_WORDS];
	/* Chunks of 64 bytes that a closer look is needed at, or at what is around: control
	 * characters, what is not ASCII, with commas a quote, and without them a separator behind
	 * another, which makes no field. */
	uint64_t unusual[SPLIT_CHUNKS / 64 + 1];
	bool any_unusual;
};

/* text begins a line; n is at most SPLIT_PIECE. Places are counted from base. */
typedef void split_function(
	struct split *split, const char *text, size_t n, uint32_t base, bool commas);

/* The place of the first line that does not begin as lines of data mostly do, with a digit, '-',
 * '#' or nothing at all; n when there is none. *ret_lines: line ends before it. text begins a line
 * and is of any length. */
typedef size_t split_words_function(const char *text, size_t n, uint64_t *ret_lines);

/* A text to look for, of 4 to 64 bytes and without line ends. */
#define SPLIT_NEEDLE_MIN ((size_t)4)
#define SPLIT_NEEDLE_MAX ((size_t)64)
struct split_needle {
	const char *text; /* borrowed */
	size_t n;
	size_t probes[4]; /* bytes of it that are compared first */
};

/* What was passed over on the way. */
struct split_passed {
	uint64_t ends;  /* line ends */
	uint64_t lines; /* without those that are empty or a comment */
};

/* The place where the first line begins that has the needle in it; n when none has. text is whole
 * lines, of any length. */
typedef size_t split_find_function(const char *text, size_t n, const struct split_needle *needle,
	struct split_passed *ret_passed);

/* For a kind of processor. All give the same. */
struct split_variant {
	const char *name;
	split_function *fields;
	split_words_function *words;
	split_find_function *find;
};

/* The fastest that this processor can run. */
const struct split_variant *split_best(void);
/* All that it can run, the fastest first; the last is plain C. */
const struct split_variant *split_variants(size_t *ret_count);
split_function split_plain;
split_words_function split_plain_words;
split_find_function split_plain_find;
struct split_needle split_needle_of(const char *text, size_t n);
#if defined(__x86_64__)
split_function split_avx2, split_avx2_slow_pext, split_avx512;
split_words_function split_avx2_words, split_avx512_words;
split_find_function split_avx2_find, split_avx512_find;
#elif defined(__aarch64__)
split_function split_neon;
split_words_function split_neon_words;
split_find_function split_neon_find;
#endif
