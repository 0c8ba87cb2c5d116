/* Looking for a text in a large block. Of the text four bytes are chosen, those that logs have the
 * least of; 64 places at a time are compared with all four, each by its distance from the text's
 * begin, and what is left is compared whole. So the time hardly depends on how often the text's
 * first byte is there, which in flow logs, all digits and blanks, is what other searches run into.
 */
#include "query/pattern_priv.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* How often a byte is in lines of logs, flow logs first; larger is more often. */
static unsigned commonness(unsigned char c)
{
	if (c == ' ')
		return 100;
	if (c >= '0' && c <= '9')
		return c <= '2' ? 95 : 90;
	if (c == '.')
		return 92;
	if (c && strchr("eniacdbf-", c))
		return 80;
	if (c && strchr("ACEPTOK", c))
		return 70; /* ACCEPT OK */
	if (c >= 'a' && c <= 'z')
		return 60;
	return c >= 'A' && c <= 'Z' ? 40 : 30;
}

void pattern_needle_init(struct pattern_needle *needle, struct str text)
{
	uint64_t used = 0;

	*needle = (struct pattern_needle){
		.text = text, .has_gaps = text.n && memchr(text.p, '\0', text.n)};
	for (unsigned i = 0; i < PATTERN_NEEDLE_BYTES && text.n; i++) {
		size_t best = 0;
		unsigned rank = UINT32_MAX;
		/* Shorter than four: the same again. */
		for (size_t j = 0; j < text.n && j < 64; j++) {
			if (!text.p[j])
				continue;
			unsigned own =
				commonness((unsigned char)text.p[j]) + (used >> j & 1 ? 1000u : 0u);
			if (own < rank) {
				rank = own;
				best = j;
			}
		}
		used |= UINT64_C(1) << best;
		needle->at[i] = (uint8_t)best;
	}
}

static bool is_here(const struct pattern_needle *needle, const char *p)
{
	const struct str text = needle->text;

	if (!needle->has_gaps)
		return memcmp(p, text.p, text.n) == 0;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] && text.p[i] != p[i])
			return false;
	return true;
}

static const char *find_plain(const struct pattern_needle *needle, const char *p, size_t n)
{
	const struct str text = needle->text;
	size_t at = needle->at[0];

	if (!needle->has_gaps)
		return memmem(p, n, text.p, text.n);
	while (n >= text.n) {
		const char *place = memchr(p + at, text.p[at], n - text.n + 1);
		if (!place)
			return NULL;
		if (is_here(needle, place - at))
			return place - at;
		n -= (size_t)(place - at + 1 - p);
		p = place - at + 1;
	}
	return NULL;
}

#if defined(__x86_64__)
#define AVX2   __attribute__((target("avx2,bmi")))
#define AVX512 __attribute__((target("avx2,avx512f,avx512bw,bmi")))

AVX512 static inline uint64_t equal_512(const char *p, __m512i byte)
{
	return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p), byte);
}

AVX512 static const char *find_avx512(const struct pattern_needle *needle, const char *p, size_t n)
{
	const uint8_t *at = needle->at;
	const char *text = needle->text.p, *end = p + n;
	const __m512i a = _mm512_set1_epi8(text[at[0]]), b = _mm512_set1_epi8(text[at[1]]);
	const __m512i c = _mm512_set1_epi8(text[at[2]]), d = _mm512_set1_epi8(text[at[3]]);

	for (; (size_t)(end - p) >= needle->text.n + 127; p += 128) {
		uint64_t low = equal_512(p + at[0], a) & equal_512(p + at[1], b);
		uint64_t high = equal_512(p + 64 + at[0], a) & equal_512(p + 64 + at[1], b);
		if (!(low | high))
			continue;
		low &= equal_512(p + at[2], c) & equal_512(p + at[3], d);
		high &= equal_512(p + 64 + at[2], c) & equal_512(p + 64 + at[3], d);
		for (; low; low &= low - 1)
			if (is_here(needle, p + __builtin_ctzll(low)))
				return p + __builtin_ctzll(low);
		for (; high; high &= high - 1)
			if (is_here(needle, p + 64 + __builtin_ctzll(high)))
				return p + 64 + __builtin_ctzll(high);
	}
	return find_plain(needle, p, (size_t)(end - p));
}

AVX2 static inline uint32_t equal_256(const char *p, __m256i byte)
{
	__m256i bytes = _mm256_loadu_si256((const __m256i *)p);

	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, byte));
}

AVX2 static const char *find_avx2(const struct pattern_needle *needle, const char *p, size_t n)
{
	const uint8_t *at = needle->at;
	const char *text = needle->text.p, *end = p + n;
	const __m256i a = _mm256_set1_epi8(text[at[0]]), b = _mm256_set1_epi8(text[at[1]]);
	const __m256i c = _mm256_set1_epi8(text[at[2]]), d = _mm256_set1_epi8(text[at[3]]);

	for (; (size_t)(end - p) >= needle->text.n + 31; p += 32) {
		uint32_t found = equal_256(p + at[0], a) & equal_256(p + at[1], b);
		if (!found)
			continue;
		found &= equal_256(p + at[2], c) & equal_256(p + at[3], d);
		for (; found; found &= found - 1)
			if (is_here(needle, p + __builtin_ctz(found)))
				return p + __builtin_ctz(found);
	}
	return find_plain(needle, p, (size_t)(end - p));
}
#endif

const struct pattern_finder *pattern_finders(size_t *ret_count)
{
	static struct pattern_finder finders[3];
	static size_t count;

	/* The same whoever writes it. */
	if (!__atomic_load_n(&count, __ATOMIC_ACQUIRE)) {
		size_t n = 0;
#if defined(__x86_64__)
		if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
			finders[n++] = (struct pattern_finder){"avx512", find_avx512};
		if (__builtin_cpu_supports("avx2"))
			finders[n++] = (struct pattern_finder){"avx2", find_avx2};
#endif
		finders[n++] = (struct pattern_finder){"plain", find_plain};
		__atomic_store_n(&count, n, __ATOMIC_RELEASE);
	}
	*ret_count = count;
	return finders;
}

const char *pattern_find(const struct pattern_needle *needle, const char *p, size_t n)
{
	size_t count;

	if (needle->text.n > n)
		return NULL;
	if (needle->text.n == 1)
		return memchr(p, needle->text.p[0], n);
	return pattern_finders(&count)[0].find(needle, p, n);
}
