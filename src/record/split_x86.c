#include "record/split_masks_priv.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))
#define AVX512                                                                                     \
	__attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt,lzcnt")))

AVX2 SPLIT_INLINE uint64_t mask256(__m256i low, __m256i high)
{
	return (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 |
	       (uint32_t)_mm256_movemask_epi8(low);
}

AVX2 SPLIT_INLINE uint64_t equal256(__m256i low, __m256i high, char c)
{
	__m256i wanted = _mm256_set1_epi8(c);

	return mask256(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted));
}

/* Bytes from first to last. */
AVX2 SPLIT_INLINE __m256i between256(__m256i bytes, char first, char last)
{
	__m256i from = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first));
	__m256i width = _mm256_set1_epi8((char)(last - first));

	return _mm256_cmpeq_epi8(_mm256_min_epu8(from, width), from);
}

AVX2 SPLIT_INLINE uint64_t range256(__m256i low, __m256i high, char first, char last)
{
	return mask256(between256(low, first, last), between256(high, first, last));
}

/* Ten times a digit, by its low four bits. */
#define TENS 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 0, 0, 0, 0, 0, 0
/* What the last two digits, as '0' more than their value, may be at most behind a first one. */
#define LIMITS (char)255, (char)255, '0' + 55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
/* Blank, tab and line end, by theirs. */
#define BLANKS ' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, 0, 0, 0

AVX2 SPLIT_INLINE __m256i over_avx2(const char *text)
{
	__m256i one = _mm256_loadu_si256((const __m256i *)text);
	__m256i ten = _mm256_loadu_si256((const __m256i *)(text - 1));
	__m256i hundred = _mm256_loadu_si256((const __m256i *)(text - 2));
	__m256i rest = _mm256_add_epi8(_mm256_shuffle_epi8(_mm256_setr_epi8(TENS, TENS), ten), one);
	__m256i limit = _mm256_shuffle_epi8(_mm256_setr_epi8(LIMITS, LIMITS), hundred);

	return _mm256_xor_si256(
		_mm256_cmpeq_epi8(_mm256_max_epu8(rest, limit), limit), _mm256_set1_epi8(-1));
}

AVX2 SPLIT_INLINE void classify_avx2(const char *text, bool commas, struct masks *m)
{
	__m256i low = _mm256_loadu_si256((const __m256i *)text);
	__m256i high = _mm256_loadu_si256((const __m256i *)(text + 32));
	__m256i blanks = _mm256_setr_epi8(BLANKS, BLANKS);
	uint64_t blank = mask256(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(blanks, low), low),
		_mm256_cmpeq_epi8(_mm256_shuffle_epi8(blanks, high), high));

	m->line_end = equal256(low, high, '\n');
	m->separator = commas ? equal256(low, high, ',') | m->line_end : blank;
	m->unusual = ~(range256(low, high, '!', '~') | blank);
	if (commas)
		m->unusual |= equal256(low, high, '"');
	m->digit = range256(low, high, '0', '9');
	m->dot = equal256(low, high, '.');
	m->dash = equal256(low, high, '-');
	m->zero = equal256(low, high, '0');
	m->over = mask256(over_avx2(text), over_avx2(text + 32));
}

AVX2 SPLIT_INLINE uint64_t together_bmi2(uint64_t x, uint64_t mask)
{
	return _pext_u64(x, mask);
}

AVX512 SPLIT_INLINE uint64_t range512(__m512i bytes, char first, char last)
{
	return _mm512_cmple_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(first)),
		_mm512_set1_epi8((char)(last - first)));
}

AVX512 SPLIT_INLINE uint64_t equal512(__m512i bytes, char c)
{
	return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(c));
}

AVX512 SPLIT_INLINE uint64_t over_avx512(const char *text, __m512i one)
{
	__m512i ten = _mm512_loadu_si512(text - 1);
	__m512i hundred = _mm512_loadu_si512(text - 2);
	__m512i tens = _mm512_broadcast_i32x4(_mm_setr_epi8(TENS));
	__m512i limits = _mm512_broadcast_i32x4(_mm_setr_epi8(LIMITS));
	__m512i rest = _mm512_add_epi8(_mm512_shuffle_epi8(tens, ten), one);

	return _mm512_cmpgt_epu8_mask(rest, _mm512_shuffle_epi8(limits, hundred));
}

AVX512 SPLIT_INLINE void classify_avx512(const char *text, bool commas, struct masks *m)
{
	__m512i bytes = _mm512_loadu_si512(text);
	__m512i blanks = _mm512_broadcast_i32x4(_mm_setr_epi8(BLANKS));
	uint64_t blank = _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(blanks, bytes), bytes);

	m->line_end = equal512(bytes, '\n');
	m->separator = commas ? equal512(bytes, ',') | m->line_end : blank;
	m->unusual = ~(range512(bytes, '!', '~') | blank);
	if (commas)
		m->unusual |= equal512(bytes, '"');
	m->digit = range512(bytes, '0', '9');
	m->dot = equal512(bytes, '.');
	m->dash = equal512(bytes, '-');
	m->zero = equal512(bytes, '0');
	m->over = over_avx512(text, bytes);
}

AVX2 SPLIT_INLINE uint64_t line_ends_avx2(const char *text)
{
	return equal256(_mm256_loadu_si256((const __m256i *)text),
		_mm256_loadu_si256((const __m256i *)(text + 32)), '\n');
}

AVX512 SPLIT_INLINE uint64_t line_ends_avx512(const char *text)
{
	return equal512(_mm512_loadu_si512(text), '\n');
}

AVX2 SPLIT_INLINE void find_avx2(
	const char *text, const struct split_needle *needle, struct find_masks *m)
{
	__m256i low = _mm256_loadu_si256((const __m256i *)text);
	__m256i high = _mm256_loadu_si256((const __m256i *)(text + 32));

	m->ends = equal256(low, high, '\n');
	m->empty = m->ends | equal256(low, high, '\r') | equal256(low, high, '#');
	m->blank = equal256(low, high, ' ') | equal256(low, high, '\t');
	m->maybe = ~UINT64_C(0);
	for (unsigned i = 0; i < 4; i++) {
		const char *at = text + needle->probes[i];
		m->maybe &= equal256(_mm256_loadu_si256((const __m256i *)at),
			_mm256_loadu_si256((const __m256i *)(at + 32)),
			needle->text[needle->probes[i]]);
	}
}

AVX512 SPLIT_INLINE void find_avx512(
	const char *text, const struct split_needle *needle, struct find_masks *m)
{
	__m512i bytes = _mm512_loadu_si512(text);

	m->ends = equal512(bytes, '\n');
	m->empty = m->ends | equal512(bytes, '\r') | equal512(bytes, '#');
	m->blank = equal512(bytes, ' ') | equal512(bytes, '\t');
	m->maybe = ~UINT64_C(0);
	for (unsigned i = 0; i < 4; i++)
		m->maybe &= equal512(_mm512_loadu_si512(text + needle->probes[i]),
			needle->text[needle->probes[i]]);
}

/* Sixteen places at a time; a chunk has more rarely. */
AVX512 SPLIT_INLINE void places_avx512(uint32_t *places, uint64_t separators, uint32_t base)
{
	const __m512i numbers = _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51,
		50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30,
		29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9,
		8, 7, 6, 5, 4, 3, 2, 1, 0);
	__m512i found = _mm512_maskz_compress_epi8(separators, numbers);
	__m512i bases = _mm512_set1_epi32((int)base);

	_mm512_storeu_si512(places,
		_mm512_add_epi32(bases, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found))));
	if (__builtin_expect(__builtin_popcountll(separators) <= 16, 1))
		return;
	_mm512_storeu_si512(places + 16,
		_mm512_add_epi32(bases, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(found, 1))));
	_mm512_storeu_si512(places + 32,
		_mm512_add_epi32(bases, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(found, 2))));
	_mm512_storeu_si512(places + 48,
		_mm512_add_epi32(bases, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(found, 3))));
}

#define SPLIT_TARGET   AVX512
#define SPLIT_TOGETHER together_bmi2
#define SPLIT_NAME     split_avx512
#define SPLIT_CLASSIFY classify_avx512
#define SPLIT_PLACES   places_avx512
#include "record/split_body.def"
#undef SPLIT_NAME
#undef SPLIT_CLASSIFY
#undef SPLIT_PLACES
#define SPLIT_NAME     split_avx512_words
#define SPLIT_CLASSIFY line_ends_avx512
#include "record/split_words.def"
#undef SPLIT_NAME
#undef SPLIT_CLASSIFY
#define SPLIT_NAME     split_avx512_find
#define SPLIT_CLASSIFY find_avx512
#include "record/split_find.def"
#undef SPLIT_NAME
#undef SPLIT_CLASSIFY
#undef SPLIT_TARGET

#define SPLIT_TARGET   AVX2
#define SPLIT_NAME     split_avx2_words
#define SPLIT_CLASSIFY line_ends_avx2
#include "record/split_words.def"
#undef SPLIT_NAME
#undef SPLIT_CLASSIFY
#define SPLIT_NAME     split_avx2_find
#define SPLIT_CLASSIFY find_avx2
#include "record/split_find.def"
#undef SPLIT_NAME
#undef SPLIT_CLASSIFY
#define SPLIT_NAME     split_avx2
#define SPLIT_CLASSIFY classify_avx2
#define SPLIT_PLACES   split_places
#include "record/split_body.def"
#undef SPLIT_NAME
#undef SPLIT_TOGETHER
#define SPLIT_NAME     split_avx2_slow_pext
#define SPLIT_TOGETHER split_together
#include "record/split_body.def"

#endif
