/* hash: 64-bit mixing for hash tables and derived names. Not for secrets and, unseeded, not against
 * chosen keys: tables that strangers fill pass a random seed. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Folded 64x64 multiplication (the wyhash construction, W. Yi 2019). */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)(a ^ UINT64_C(0x9e3779b97f4a7c15)) *
			      (b ^ UINT64_C(0xe7037ed1a0b428db));
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed)
{
	const unsigned char *p = bytes;
	uint64_t hash = hash_mix(seed, n);

	for (; n >= 8; p += 8, n -= 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		hash = hash_mix(hash ^ word, UINT64_C(0xa0761d6478bd642f));
	}
	if (n) {
		uint64_t word = 0;
		memcpy(&word, p, n);
		hash = hash_mix(hash ^ word, UINT64_C(0x8ebc6af09c88c6e3));
	}
	return hash;
}
