/* ip: IPv4 and IPv6 addresses and prefixes as values.
 * One 16-byte form for both: an IPv4 address is IPv4-mapped (::ffff:a.b.c.d), so that comparing,
 * hashing and prefix matching are one piece of code. Text is RFC 5952 for IPv6. */
#pragma once

#include "base/str.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define IP_STR_MAX 46 /* longest text form, with room for a NUL */

struct ip_addr {
	union {
		uint8_t bytes[16];
		uint16_t halves[8];
		uint32_t words[4]; /* network order; IPv4 is words[3] */
	};
};

struct ip_prefix {
	struct ip_addr addr; /* bits behind length are zero */
	uint8_t length;      /* 0 to 128 in the 16-byte form: an IPv4 /24 is 120 */
};

static inline bool ip_is_v4(const struct ip_addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(addr->bytes, mapped, sizeof(mapped)) == 0;
}

/* From four bytes in network order. */
static inline struct ip_addr ip_from_v4(const void *bytes)
{
	/* A vector is stored at once. A copy of the address soon after would have to wait for two
	 * smaller stores: processors do not put them together for a load. */
	typedef uint32_t words __attribute__((vector_size(16)));
	struct ip_addr addr;
	uint32_t v4;

	memcpy(&v4, bytes, sizeof(v4));
	words value = {0, 0, htobe32(0xffff), v4};
	memcpy(&addr, &value, sizeof(addr));
	return addr;
}

static inline struct ip_addr ip_from_v6(const void *bytes)
{
	struct ip_addr addr;
	memcpy(addr.bytes, bytes, 16);
	return addr;
}

static inline bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Dotted IPv4 or any RFC 4291 form of IPv6; nothing around it. */
bool ip_parse(struct str text, struct ip_addr *ret_addr);
/* "10.0.0.0/8", "2001:db8::/32", or an address alone (the whole length). Host bits are an error
 * only for the caller to make: they are cleared here. */
bool ip_prefix_parse(struct str text, struct ip_prefix *ret_prefix);
/* Of an address and a length in its own form (an IPv4 /24 is 24); host bits are cleared. */
struct ip_prefix ip_prefix_from(const struct ip_addr *addr, uint8_t length);
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr);
/* Writes the text form at p (room for IP_STR_MAX), no NUL, and returns the place behind it. */
char *ip_write(char *p, const struct ip_addr *addr);
