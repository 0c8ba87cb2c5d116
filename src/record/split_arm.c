#include "record/split_masks_priv.h"

#if defined(__aarch64__)

#include <arm_neon.h>

/* Four vectors of 0 and 0xff to a bit a byte. */
SPLIT_INLINE uint64_t mask_of(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
	const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t ab = vpaddq_u8(vandq_u8(a, weights), vandq_u8(b, weights));
	uint8x16_t cd = vpaddq_u8(vandq_u8(c, weights), vandq_u8(d, weights));
	uint8x16_t all = vpaddq_u8(ab, cd);

	all = vpaddq_u8(all, all);
	return vgetq_lane_u64(vreinterpretq_u64_u8(all), 0);
}

SPLIT_INLINE uint64_t equal_neon(const uint8x16_t v[4], uint8_t c)
{
	uint8x16_t wanted = vdupq_n_u8(c);

	return mask_of(vceqq_u8(v[0], wanted), vceqq_u8(v[1], wanted), vceqq_u8(v[2], wanted),
		vceqq_u8(v[3], wanted));
}

SPLIT_INLINE uint64_t range_neon(const uint8x16_t v[4], uint8_t first, uint8_t last)
{
	uint8x16_t from = vdupq_n_u8(first);
	uint8x16_t width = vdupq_n_u8((uint8_t)(last - first));

	return mask_of(vcleq_u8(vsubq_u8(v[0], from), width), vcleq_u8(vsubq_u8(v[1], from), width),
		vcleq_u8(vsubq_u8(v[2], from), width), vcleq_u8(vsubq_u8(v[3], from), width));
}

SPLIT_INLINE uint8x16_t over_neon(const uint8_t *text)
{
	const uint8x16_t ten_times = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90};
	uint8x16_t two = vdupq_n_u8('2');
	uint8x16_t hundred = vld1q_u8(text - 2);
	uint8x16_t tens = vqtbl1q_u8(ten_times, vsubq_u8(vld1q_u8(text - 1), vdupq_n_u8('0')));
	uint8x16_t rest = vaddq_u8(tens, vld1q_u8(text));

	return vorrq_u8(vcgtq_u8(hundred, two),
		vandq_u8(vceqq_u8(hundred, two), vcgtq_u8(rest, vdupq_n_u8('0' + 55))));
}

SPLIT_INLINE void classify_neon(const char *text, bool commas, struct masks *m)
{
	const uint8_t *bytes = (const uint8_t *)text;
	const uint8x16_t v[4] = {
		vld1q_u8(bytes), vld1q_u8(bytes + 16), vld1q_u8(bytes + 32), vld1q_u8(bytes + 48)};
	uint64_t blank = equal_neon(v, ' ') | equal_neon(v, '\t');

	m->line_end = equal_neon(v, '\n');
	blank |= m->line_end;
	m->separator = commas ? equal_neon(v, ',') | m->line_end : blank;
	m->unusual = ~(range_neon(v, '!', '~') | blank);
	if (commas)
		m->unusual |= equal_neon(v, '"');
	m->digit = range_neon(v, '0', '9');
	m->dot = equal_neon(v, '.');
	m->dash = equal_neon(v, '-');
	m->zero = equal_neon(v, '0');
	m->over = mask_of(over_neon(bytes), over_neon(bytes + 16), over_neon(bytes + 32),
		over_neon(bytes + 48));
}

SPLIT_INLINE uint64_t line_ends_neon(const char *text)
{
	const uint8_t *bytes = (const uint8_t *)text;
	const uint8x16_t v[4] = {
		vld1q_u8(bytes), vld1q_u8(bytes + 16), vld1q_u8(bytes + 32), vld1q_u8(bytes + 48)};

	return equal_neon(v, '\n');
}

SPLIT_INLINE void find_neon(
	const char *text, const struct split_needle *needle, struct find_masks *m)
{
	const uint8_t *bytes = (const uint8_t *)text;
	const uint8x16_t v[4] = {
		vld1q_u8(bytes), vld1q_u8(bytes + 16), vld1q_u8(bytes + 32), vld1q_u8(bytes + 48)};

	m->ends = equal_neon(v, '\n');
	m->empty = m->ends | equal_neon(v, '\r') | equal_neon(v, '#');
	m->blank = equal_neon(v, ' ') | equal_neon(v, '\t');
	m->maybe = ~UINT64_C(0);
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *at = bytes + needle->probes[i];
		const uint8x16_t probed[4] = {
			vld1q_u8(at), vld1q_u8(at + 16), vld1q_u8(at + 32), vld1q_u8(at + 48)};
		m->maybe &= equal_neon(probed, (uint8_t)needle->text[needle->probes[i]]);
	}
}

#define SPLIT_NAME split_neon
#define SPLIT_TARGET
#define SPLIT_CLASSIFY classify_neon
#define SPLIT_TOGETHER split_together
#define SPLIT_PLACES   split_places
#include "record/split_body.def"
#undef SPLIT_NAME
#undef SPLIT_CLASSIFY
#define SPLIT_NAME     split_neon_words
#define SPLIT_CLASSIFY line_ends_neon
#include "record/split_words.def"
#undef SPLIT_NAME
#undef SPLIT_CLASSIFY
#define SPLIT_NAME     split_neon_find
#define SPLIT_CLASSIFY find_neon
#include "record/split_find.def"

#endif
