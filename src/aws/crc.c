/* A CRC is the remainder of the message, read as a polynomial over GF(2), divided by the generator.
 * Reflected: bit i of a value of width W is the coefficient of x^(W-1-i), so multiplying by x is a
 * shift to the right.
 *
 * Long inputs are folded (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using
 * PCLMULQDQ Instruction", Intel 2009): a block of 128 bits that stands D bits before another one is
 * replaced by something congruent that is added to the later block. With lo and hi its halves in
 * memory order, the block is lo * x^64 + hi, and so lo * (x^(D+64) mod P) + hi * (x^D mod P) will
 * do. The product of two reflected 64-bit values is one bit short of a reflected 128-bit value,
 * hence the exponents D+63 and D-1. Four blocks in flight hide the latency of the multiplication.
 * The last 16 bytes go through the tables like any others, which also does the final division. */
#include "aws/crc_priv.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define FOLD_TARGET __attribute__((target("pclmul,sse4.1")))
#define WIDE_TARGET __attribute__((target("pclmul,sse4.1,avx512f,vpclmulqdq")))
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>
#ifndef HWCAP_PMULL
#define HWCAP_PMULL (1 << 4)
#endif
#define FOLD_TARGET __attribute__((target("+crypto")))
#endif

#define FOLD_BLOCKS 4
#define FOLD_BYTES  (FOLD_BLOCKS * 16)
#define FOLD_MIN    (2 * FOLD_BYTES) /* below, the tables are as fast */
#define WIDE_BYTES  (4 * FOLD_BYTES) /* four blocks in each of four registers */
#define WIDE_MIN    (4 * WIDE_BYTES)

static const struct {
	unsigned width;
	uint64_t polynomial; /* reflected, without the leading term */
} generators[CRC_KINDS] = {
	[CRC_32] = {32, UINT64_C(0xedb88320)},
	[CRC_32C] = {32, UINT64_C(0x82f63b78)},
	[CRC_64NVME] = {64, UINT64_C(0x9a6c9329ac4bc9b5)},
};

struct fold_constants {
	uint64_t lo, hi;
};

static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static uint64_t tables[CRC_KINDS][8][256];
static struct fold_constants across[CRC_KINDS], next[CRC_KINDS], wide[CRC_KINDS];
static bool can_fold, can_fold_wide;

static uint64_t times_x(enum crc_kind kind, uint64_t value)
{
	return value >> 1 ^ (value & 1 ? generators[kind].polynomial : 0);
}

static uint64_t one(enum crc_kind kind)
{
	return UINT64_C(1) << (generators[kind].width - 1);
}

static uint64_t all_ones(enum crc_kind kind)
{
	return one(kind) | (one(kind) - 1);
}

static uint64_t multiply(enum crc_kind kind, uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (uint64_t bit = one(kind); bit && a; bit >>= 1) {
		if (a & bit)
			product ^= b;
		a &= ~bit;
		b = times_x(kind, b);
	}
	return product;
}

/* x^n as a 64-bit operand of the folding multiplication, whatever the generator's width. */
static uint64_t power_of_x(enum crc_kind kind, unsigned n)
{
	uint64_t value = one(kind);

	while (n--)
		value = times_x(kind, value);
	return value << (64 - generators[kind].width);
}

static void make_table(enum crc_kind kind)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t value = i;
		for (int bit = 0; bit < 8; bit++)
			value = times_x(kind, value);
		tables[kind][0][i] = value;
	}
	for (unsigned k = 1; k < 8; k++) {
		for (unsigned i = 0; i < 256; i++) {
			uint64_t before = tables[kind][k - 1][i];
			tables[kind][k][i] = before >> 8 ^ tables[kind][0][before & 255];
		}
	}
}

static void prepare(void)
{
	for (enum crc_kind kind = 0; kind < CRC_KINDS; kind++) {
		make_table(kind);
		next[kind] = (struct fold_constants){
			power_of_x(kind, 128 + 63), power_of_x(kind, 128 - 1)};
		across[kind] = (struct fold_constants){power_of_x(kind, 8 * FOLD_BYTES + 63),
			power_of_x(kind, 8 * FOLD_BYTES - 1)};
		wide[kind] = (struct fold_constants){power_of_x(kind, 8 * WIDE_BYTES + 63),
			power_of_x(kind, 8 * WIDE_BYTES - 1)};
	}
#if defined(__x86_64__)
	can_fold = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
	can_fold_wide = can_fold && __builtin_cpu_supports("avx512f") &&
			__builtin_cpu_supports("vpclmulqdq");
#elif defined(__aarch64__)
	can_fold = getauxval(AT_HWCAP) & HWCAP_PMULL;
#endif
}

static uint64_t load(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(word) : word;
}

/* state is inverted already. */
static uint64_t add_by_table(enum crc_kind kind, uint64_t state, const unsigned char *p, size_t n)
{
	const uint64_t(*table)[256] = tables[kind];

	for (; n >= 8; p += 8, n -= 8) {
		uint64_t word = state ^ load(p);
		state = table[7][word & 255] ^ table[6][word >> 8 & 255] ^
			table[5][word >> 16 & 255] ^ table[4][word >> 24 & 255] ^
			table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^
			table[1][word >> 48 & 255] ^ table[0][word >> 56];
	}
	for (; n; p++, n--)
		state = state >> 8 ^ table[0][(state ^ *p) & 255];
	return state;
}

#if defined(__x86_64__)
typedef __m128i block;

FOLD_TARGET static inline block block_load(const void *p)
{
	return _mm_loadu_si128(p);
}

FOLD_TARGET static inline block block_from(uint64_t lo, uint64_t hi)
{
	return _mm_set_epi64x((long long)hi, (long long)lo);
}

FOLD_TARGET static inline block block_xor(block a, block b)
{
	return _mm_xor_si128(a, b);
}

FOLD_TARGET static inline block block_fold(block a, block constants, block later)
{
	block low = _mm_clmulepi64_si128(a, constants, 0x00);
	block high = _mm_clmulepi64_si128(a, constants, 0x11);

	return _mm_xor_si128(_mm_xor_si128(low, high), later);
}

FOLD_TARGET static inline void block_store(void *p, block a)
{
	_mm_storeu_si128(p, a);
}
#elif defined(__aarch64__)
typedef uint64x2_t block;

FOLD_TARGET static inline block block_load(const void *p)
{
	return vreinterpretq_u64_u8(vld1q_u8(p));
}

FOLD_TARGET static inline block block_from(uint64_t lo, uint64_t hi)
{
	return vcombine_u64(vcreate_u64(lo), vcreate_u64(hi));
}

FOLD_TARGET static inline block block_xor(block a, block b)
{
	return veorq_u64(a, b);
}

FOLD_TARGET static inline block block_fold(block a, block constants, block later)
{
	poly64x2_t x = vreinterpretq_p64_u64(a), y = vreinterpretq_p64_u64(constants);
	block low = vreinterpretq_u64_p128(vmull_p64(vgetq_lane_p64(x, 0), vgetq_lane_p64(y, 0)));
	block high = vreinterpretq_u64_p128(vmull_high_p64(x, y));

	return veorq_u64(veorq_u64(low, high), later);
}

FOLD_TARGET static inline void block_store(void *p, block a)
{
	vst1q_u8(p, vreinterpretq_u8_u64(a));
}
#endif

#ifdef FOLD_TARGET
/* Folds whole multiples of 16 bytes, at least FOLD_BYTES; what remains is in ret_rest. */
FOLD_TARGET static void fold(enum crc_kind kind, uint64_t state, const unsigned char *p, size_t n,
	unsigned char ret_rest[static 16])
{
	const block far = block_from(across[kind].lo, across[kind].hi);
	const block near = block_from(next[kind].lo, next[kind].hi);
	block a = block_xor(block_load(p), block_from(state, 0));
	block b = block_load(p + 16), c = block_load(p + 32), d = block_load(p + 48);

	for (p += FOLD_BYTES, n -= FOLD_BYTES; n >= FOLD_BYTES; p += FOLD_BYTES, n -= FOLD_BYTES) {
		a = block_fold(a, far, block_load(p));
		b = block_fold(b, far, block_load(p + 16));
		c = block_fold(c, far, block_load(p + 32));
		d = block_fold(d, far, block_load(p + 48));
	}
	b = block_fold(a, near, b);
	c = block_fold(b, near, c);
	d = block_fold(c, near, d);
	for (; n >= 16; p += 16, n -= 16)
		d = block_fold(d, near, block_load(p));
	block_store(ret_rest, d);
}
#endif

#ifdef WIDE_TARGET
WIDE_TARGET static inline __m512i wide_fold(
	__m512i a, __m512i constants, const unsigned char *later)
{
	__m512i low = _mm512_clmulepi64_epi128(a, constants, 0x00);
	__m512i high = _mm512_clmulepi64_epi128(a, constants, 0x11);

	/* 0x96: exclusive or of all three. */
	return _mm512_ternarylogic_epi64(low, high, _mm512_loadu_si512(later), 0x96);
}

/* Folds whole multiples of WIDE_BYTES, at least one, into WIDE_BYTES that stand for them. */
WIDE_TARGET static void fold_wide(enum crc_kind kind, uint64_t state, const unsigned char *p,
	size_t n, unsigned char ret_rest[static WIDE_BYTES])
{
	const __m512i far = _mm512_broadcast_i32x4(
		_mm_set_epi64x((long long)wide[kind].hi, (long long)wide[kind].lo));
	const __m512i start = _mm512_zextsi128_si512(_mm_set_epi64x(0, (long long)state));
	__m512i a = _mm512_xor_si512(_mm512_loadu_si512(p), start);
	__m512i b = _mm512_loadu_si512(p + 64), c = _mm512_loadu_si512(p + 128);
	__m512i d = _mm512_loadu_si512(p + 192);

	for (p += WIDE_BYTES, n -= WIDE_BYTES; n; p += WIDE_BYTES, n -= WIDE_BYTES) {
		a = wide_fold(a, far, p);
		b = wide_fold(b, far, p + 64);
		c = wide_fold(c, far, p + 128);
		d = wide_fold(d, far, p + 192);
	}
	_mm512_storeu_si512(ret_rest, a);
	_mm512_storeu_si512(ret_rest + 64, b);
	_mm512_storeu_si512(ret_rest + 128, c);
	_mm512_storeu_si512(ret_rest + 192, d);
}
#endif

static uint64_t add(
	enum crc_kind kind, uint64_t crc, const unsigned char *p, size_t n, bool folding)
{
	uint64_t state = crc ^ all_ones(kind);

#ifdef WIDE_TARGET
	if (folding && can_fold_wide && n >= WIDE_MIN) {
		unsigned char rest[WIDE_BYTES], last[16];
		size_t whole = n / WIDE_BYTES * WIDE_BYTES;
		fold_wide(kind, state, p, whole, rest);
		fold(kind, 0, rest, sizeof(rest), last);
		state = add_by_table(kind, 0, last, sizeof(last));
		p += whole;
		n -= whole;
	}
#endif

#ifdef FOLD_TARGET
	if (folding && n >= FOLD_MIN) {
		unsigned char rest[16];
		size_t whole = n & ~(size_t)15;
		fold(kind, state, p, whole, rest);
		state = add_by_table(kind, 0, rest, sizeof(rest));
		p += whole;
		n -= whole;
	}
#endif
	return add_by_table(kind, state, p, n) ^ all_ones(kind);
}

uint64_t crc_add(enum crc_kind kind, uint64_t crc, const void *bytes, size_t n)
{
	pthread_once(&prepared, prepare);
	return add(kind, crc, bytes, n, can_fold);
}

uint64_t crc_add_portable(enum crc_kind kind, uint64_t crc, const void *bytes, size_t n)
{
	pthread_once(&prepared, prepare);
	return add(kind, crc, bytes, n, false);
}

uint64_t crc_shift(enum crc_kind kind, uint64_t size)
{
	uint64_t result = one(kind), square = times_x(kind, one(kind));

	/* x^(8 * size): three squarings make x^8 of x. */
	for (int i = 0; i < 3; i++)
		square = multiply(kind, square, square);
	for (; size; size >>= 1) {
		if (size & 1)
			result = multiply(kind, result, square);
		square = multiply(kind, square, square);
	}
	return result;
}

/* The ones at start and end cancel: those of B's start are those of A's end. */
uint64_t crc_combine(enum crc_kind kind, uint64_t a, uint64_t b, uint64_t shift)
{
	return multiply(kind, a, shift) ^ b;
}
