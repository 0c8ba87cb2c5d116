/* Any bytes as a piece of text: every variant that this processor runs says the same, and what it
 * says is what a plain walk over the bytes finds. */
#include "record/split_priv.h"

#include "base/ip.h"
#include "base/mem.h"
#include "base/str.h"

#include <assert.h>

struct outcome {
	struct split split;
	uint32_t places[SPLIT_PIECE + 64];
};

static bool is_set(const uint64_t *words, size_t bit)
{
	return words[bit / 64] >> (bit & 63) & 1;
}

static bool is_separator(char c, bool commas)
{
	return c == '\n' || (commas ? c == ',' : c == ' ' || c == '\t');
}

static bool is_number(struct str token, size_t digits)
{
	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] < '0' || token.p[i] > '9')
			return false;
	}
	return token.n > 0 && token.n <= digits;
}

static void check_field(const struct split *split, size_t field, struct str token)
{
	struct ip_addr address;
	bool missing = token.n == 1 && token.p[0] == '-';
	bool is_short = token.n <= 64; /* of longer ones the bits may say nothing */
	bool number32 = is_set(split->bits[SPLIT_NUMBER32], field);
	bool number64 = is_set(split->bits[SPLIT_NUMBER64], field);
	bool ipv4 = is_set(split->bits[SPLIT_IPV4], field);

	assert(number32 == (missing || is_number(token, 9)));
	assert(number64 == (missing || is_number(token, 15)));
	bool dotted = !memchr(token.p, ':', token.n) && ip_parse(token, &address);
	assert(is_short ? ipv4 == (missing || dotted) : !ipv4);
}

/* The separators and what is said of their fields, one byte at a time. */
static void check(const struct split *split, const char *text, size_t n, bool commas)
{
	size_t start = 0;
	size_t fields = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		bool separator = is_separator(text[i], commas);
		bool blank = c == ' ' || c == '\t' || c == '\n';
		bool unusual = (c < '!' && !blank) || c > '~' || (commas && c == '"') ||
			       (!commas && separator && i == start);
		if (unusual)
			assert(split->any_unusual && is_set(split->unusual, i / 64));
		if (!separator)
			continue;
		assert(fields < split->count && split->places[fields] == i);
		assert(is_set(split->bits[SPLIT_LINE_END], fields) == (c == '\n'));
		check_field(split, fields, (struct str){text + start, i - start});
		start = i + 1;
		fields++;
	}
	assert(split->count == fields);
}

static void check_words(const struct split_variant *variant, const char *text, size_t n)
{
	uint64_t lines;
	uint64_t expected = 0;
	size_t found = variant->words(text, n, &lines);
	size_t i = 0;
	bool begins = true;

	for (; i < n; i++) {
		char c = text[i];
		if (begins && !(c >= '0' && c <= '9') && !memchr("-#\r\n", c, 4))
			break;
		begins = c == '\n';
		expected += begins;
	}
	assert(found == i && lines == expected);
}

/* A text from out of the bytes, or one that is in few of them: the lines that have it are those
 * that a walk from line to line finds. */
static void check_find(
	const struct split_variant *variant, const char *text, size_t n, struct split_needle needle)
{
	size_t at = 0;

	while (at < n) {
		struct split_passed passed, expected = {0};
		size_t found = at + variant->find(text + at, n - at, &needle, &passed);
		size_t begin = at;
		while (begin < n) {
			const char *end = memchr(text + begin, '\n', n - begin);
			size_t length = end ? (size_t)(end - (text + begin)) : n - begin;
			if (memmem(text + begin, length, needle.text, needle.n))
				break;
			expected.ends += end != NULL;
			struct str line = str_trim((struct str){text + begin, length});
			expected.lines += line.n && !memchr("#\r", line.p[0], 2);
			begin += length + (end != NULL);
		}
		assert(found == begin && passed.ends == expected.ends &&
			passed.lines == expected.lines);
		const char *end = found < n ? memchr(text + found, '\n', n - found) : NULL;
		if (!end)
			break;
		at = (size_t)(end - text) + 1;
	}
}

/* Where the needle lies, and how long it is, is the input's business too. */
static struct split_needle choose_needle(const char *text, size_t n, unsigned choice)
{
	static const char rare[] = "10.1.7.151";
	size_t length = SPLIT_NEEDLE_MIN + choice % (SPLIT_NEEDLE_MAX - SPLIT_NEEDLE_MIN + 1);

	if (choice < 16 || n < length)
		return split_needle_of(rare, sizeof(rare) - 1);
	const char *from = text + (n - length) * choice / 256;
	if (memchr(from, '\n', length))
		return split_needle_of(rare, sizeof(rare) - 1);
	return split_needle_of(from, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ struct outcome *outcome = mem_new(1, sizeof(*outcome));
	_cleanup_free_ char *memory = mem_new(SPLIT_BEFORE + SPLIT_PIECE + SPLIT_BEYOND + 1, 1);
	char *text = memory + SPLIT_BEFORE;
	size_t count;
	const struct split_variant *variants = split_variants(&count);

	if (size < 2)
		return 0;
	bool commas = data[0] & 1;
	/* what is around must not matter */
	memset(memory, data[0], SPLIT_BEFORE + SPLIT_PIECE + SPLIT_BEYOND);
	size_t n = size - 1 < SPLIT_PIECE ? size - 1 : SPLIT_PIECE;
	memcpy(text, data + 1, n);
	for (size_t i = 0; i < count; i++) {
		memset(outcome, 0xa5, sizeof(*outcome));
		outcome->split.places = outcome->places;
		variants[i].fields(&outcome->split, text, n, 0, commas);
		check(&outcome->split, text, n, commas);
		check_words(&variants[i], text, n);
		check_find(&variants[i], text, n, choose_needle(text, n, data[0]));
	}
	return 0;
}
