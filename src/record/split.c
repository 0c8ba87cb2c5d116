#include "record/split_masks_priv.h"

#include <pthread.h>

enum class {
	SPACE,
	TAB,
	LINE_END,
	COMMA,
	QUOTE,
	DIGIT,
	DOT,
	DASH,
	CR,
	CONTROL,
	OTHER,
};

static enum class class_of(unsigned char c) {
	switch (c){
		case ' ' : return SPACE; case '\t' : return TAB; case '\n' : return LINE_END;
		case '\r' : return CR;
		case ',' : return COMMA;
		case '"' : return QUOTE;
		case '.' : return DOT;
		case '-' : return DASH;
		default : if (c >= '0' && c <= '9') return DIGIT;
		return c < ' ' || c >= 0x7f ? CONTROL : OTHER;
	}
}

static bool is_over(const char *digit)
{
	int value = 0;

	for (int i = -2; i <= 0; i++) {
		if (digit[i] < '0' || digit[i] > '9')
			return false;
		value = value * 10 + digit[i] - '0';
	}
	return value > 255;
}

static void classify(const char *text, bool commas, struct masks *masks)
{
	*masks = (struct masks){0};
	for (unsigned i = 0; i < 64; i++) {
		uint64_t bit = UINT64_C(1) << i;
		enum class class = class_of((unsigned char)text[i]);
		bool blank = class == SPACE || class == TAB;

		if (class == LINE_END || (commas ? class == COMMA : blank))
			masks->separator |= bit;
		if (class == LINE_END)
			masks->line_end |= bit;
		if (class == DIGIT)
			masks->digit |= bit;
		if (class == DOT)
			masks->dot |= bit;
		if (class == DASH)
			masks->dash |= bit;
		if (text[i] == '0')
			masks->zero |= bit;
		if (is_over(text + i))
			masks->over |= bit;
		if (class == CONTROL || class == CR || (commas && class == QUOTE))
			masks->unusual |= bit;
	}
}

static uint64_t line_ends(const char *text)
{
	uint64_t ends = 0;

	for (unsigned i = 0; i < 64; i++)
		ends |= (uint64_t)(text[i] == '\n') << i;
	return ends;
}

static void find_bytes(const char *text, const struct split_needle *needle, struct find_masks *m)
{
	*m = (struct find_masks){0};
	for (unsigned i = 0; i < 64; i++) {
		bool maybe = true;
		m->ends |= (uint64_t)(text[i] == '\n') << i;
		m->empty |= (uint64_t)split_is_empty(text[i]) << i;
		m->blank |= (uint64_t)(text[i] == ' ' || text[i] == '\t') << i;
		for (unsigned j = 0; j < 4; j++)
			maybe &= text[i + needle->probes[j]] == needle->text[needle->probes[j]];
		m->maybe |= (uint64_t)maybe << i;
	}
}

/* Numbers are alike in their beginnings, so the probes are spread. */
struct split_needle split_needle_of(const char *text, size_t n)
{
	return (struct split_needle){text, n, {0, n / 3, 2 * n / 3, n - 1}};
}

#define SPLIT_NAME split_plain
#define SPLIT_TARGET
#define SPLIT_CLASSIFY classify
#define SPLIT_TOGETHER split_together
#define SPLIT_PLACES   split_places
#include "record/split_body.def"
#undef SPLIT_NAME
#undef SPLIT_CLASSIFY
#define SPLIT_NAME     split_plain_words
#define SPLIT_CLASSIFY line_ends
#include "record/split_words.def"
#undef SPLIT_NAME
#undef SPLIT_CLASSIFY
#define SPLIT_NAME     split_plain_find
#define SPLIT_CLASSIFY find_bytes
#include "record/split_find.def"

#if defined(__x86_64__)
/* Before family 25 (Zen 3) AMD's pext takes a cycle and more a bit. */
static bool has_fast_pext(void)
{
	return !__builtin_cpu_is("amdfam15h") && !__builtin_cpu_is("amdfam17h");
}

static size_t find_variants(struct split_variant *variants)
{
	size_t n = 0;

	__builtin_cpu_init();
	bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
	if (avx2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512vbmi2"))
		variants[n++] = (struct split_variant){
			"avx512", split_avx512, split_avx512_words, split_avx512_find};
	if (avx2 && has_fast_pext())
		variants[n++] = (struct split_variant){
			"avx2", split_avx2, split_avx2_words, split_avx2_find};
	if (avx2)
		variants[n++] = (struct split_variant){
			"avx2, slow pext", split_avx2_slow_pext, split_avx2_words, split_avx2_find};
	return n;
}
#elif defined(__aarch64__)
static size_t find_variants(struct split_variant *variants)
{
	variants[0] = (struct split_variant){"neon", split_neon, split_neon_words, split_neon_find};
	return 1;
}
#else
static size_t find_variants(struct split_variant *variants)
{
	return 0;
}
#endif

static struct split_variant found[4];
static size_t found_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void)
{
	size_t n = find_variants(found);

	found[n] =
		(struct split_variant){"plain C", split_plain, split_plain_words, split_plain_find};
	found_count = n + 1;
}

const struct split_variant *split_variants(size_t *ret_count)
{
	pthread_once(&once, find);
	*ret_count = found_count;
	return found;
}

const struct split_variant *split_best(void)
{
	size_t count;

	return split_variants(&count);
}
