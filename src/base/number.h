/* number: decimal text to integers and back, bounded and exact; no locale, sign, space or 0x. */
#pragma once

#include "base/str.h"

#include <stdint.h>

#define NUMBER_U64_STR_MAX 20 /* digits of UINT64_MAX, no NUL */

/* True when text is one to twenty digits (leading zeros allowed) and the value is at most max. */
bool number_parse(struct str text, uint64_t max, uint64_t *ret_value);
/* The same with an optional leading '-', between min and max. */
bool number_parse_signed(struct str text, int64_t min, int64_t max, int64_t *ret_value);
/* "60", "10m", "1h30m", "2s" and the like in seconds. */
bool number_parse_seconds(struct str text, uint64_t max, uint64_t *ret_seconds);
/* "65536", "64K", "256M", "4G", "1T" (powers of 1024, optional trailing B or iB). */
bool number_parse_size(struct str text, uint64_t max, uint64_t *ret_bytes);
/* Writes the digits at p (room for NUMBER_U64_STR_MAX) and returns the place behind them. */
char *number_write(char *p, uint64_t value);
/* The same, for hot writers: no branch on single digits, and bytes behind the returned place may be
 * written on too, up to p + NUMBER_U64_STR_MAX. */
char *number_write_wide(char *p, uint64_t value);

/* The text of the last number but for its last four digits, for numbers that are mostly near the
 * one before, as times are. A zeroed one is ready. */
struct number_near {
	uint64_t base; /* what the last four digits are added to; 0: none */
	uint8_t n;
	char text[NUMBER_U64_STR_MAX - 4];
};
/* As number_write_wide. */
char *number_write_near(struct number_near *near, char *p, uint64_t value);

/* The ith of unsigned numbers of 1, 2, 4 or 8 bytes each, in the machine's order; 0 for any other
 * width. */
static inline uint64_t number_at(const void *numbers, unsigned width, size_t i)
{
	switch (width) {
	case 1:
		return ((const uint8_t *)numbers)[i];
	case 2:
		return ((const uint16_t *)numbers)[i];
	case 4:
		return ((const uint32_t *)numbers)[i];
	case 8:
		return ((const uint64_t *)numbers)[i];
	default:
		return 0;
	}
}
