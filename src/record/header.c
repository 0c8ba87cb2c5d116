#include "record/header_priv.h"

#include "base/mem.h"

#include <endian.h>
#include <stdint.h>

#define NAME_MAX_BYTES 64

static const uint8_t classes[256] = {
	[0 ... 8] = RECORD_SEEN_CONTROL,
	['\t'] = RECORD_SEEN_BLANK,
	[10 ... 31] = RECORD_SEEN_CONTROL,
	[' '] = RECORD_SEEN_BLANK,
	[127] = RECORD_SEEN_CONTROL,
	[128 ... 255] = RECORD_SEEN_NOT_ASCII,
};

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* The top bit of each byte that is not from '!' to '~': exact for the first such byte, which is all
 * that is asked for (a borrow or carry only runs on from a byte that is marked itself). */
static uint64_t mark_unusual(uint64_t word)
{
	uint64_t low = (word - EACH_BYTE('!')) & ~word;
	uint64_t delete = word + EACH_BYTE(1);

	return (low | delete | word) & EACH_BYTE(0x80);
}

/* The end of the word at p, eight bytes at a time. */
static const char *find_word_end(const char *p, const char *end, unsigned *seen)
{
	while (p < end) {
		if (end - p >= 8) {
			uint64_t word;
			memcpy(&word, p, sizeof(word));
			uint64_t marks = mark_unusual(le64toh(word));
			if (!marks) {
				p += 8;
				continue;
			}
			p += __builtin_ctzll(marks) / 8;
		}
		unsigned class = classes[(unsigned char)*p];
		if (class == RECORD_SEEN_BLANK)
			break;
		*seen |= class;
		p++;
	}
	return p;
}

unsigned record_header_split_blanks(
	struct str line, struct str tokens[static RECORD_HEADER_TOKENS_MAX], unsigned *ret_seen)
{
	const char *p = line.p;
	const char *end = line.p + line.n;
	unsigned count = 0;
	unsigned seen = 0;

	while (count < RECORD_HEADER_TOKENS_MAX) {
		while (p < end && classes[(unsigned char)*p] == RECORD_SEEN_BLANK)
			p++;
		if (p == end)
			break;
		const char *start = p;
		p = find_word_end(p, end, &seen);
		tokens[count++] = (struct str){start, (size_t)(p - start)};
	}
	*ret_seen = seen;
	return count;
}

/* Takes one quoted field off the front of rest, with the comma behind it. */
static struct str take_quoted(struct str *rest, unsigned *seen)
{
	const char *start = rest->p + 1;
	const char *end = rest->p + rest->n;
	const char *quote = memchr(start, '"', (size_t)(end - start));
	struct str token;

	if (!quote || (quote + 1 < end && quote[1] != ',')) {
		*seen |= RECORD_SEEN_BAD_QUOTE;
		*rest = STR_NONE;
		return (struct str){start, (size_t)(end - start)};
	}
	token = (struct str){start, (size_t)(quote - start)};
	if (quote + 1 == end)
		*rest = STR_NONE;
	else
		*rest = (struct str){quote + 2, (size_t)(end - quote - 2)};
	return token;
}

unsigned record_header_split_commas(
	struct str line, struct str tokens[static RECORD_HEADER_TOKENS_MAX], unsigned *ret_seen)
{
	struct str rest = line;
	unsigned count = 0;
	unsigned seen = 0;

	for (size_t i = 0; i < line.n; i++)
		seen |= classes[(unsigned char)line.p[i]];
	while (rest.p && count < RECORD_HEADER_TOKENS_MAX) {
		if (rest.n && rest.p[0] == '"')
			tokens[count++] = take_quoted(&rest, &seen);
		else
			str_split(&rest, ',', &tokens[count++]);
	}
	*ret_seen = seen;
	return count;
}

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c | 0x20);
	return c;
}

/* Hyphens, underscores and case do not tell names apart. */
static bool same_name(struct str a, struct str b)
{
	size_t i = 0;
	size_t j = 0;

	for (;;) {
		while (i < a.n && (a.p[i] == '-' || a.p[i] == '_'))
			i++;
		while (j < b.n && (b.p[j] == '-' || b.p[j] == '_'))
			j++;
		if (i == a.n || j == b.n)
			return i == a.n && j == b.n;
		if (lower(a.p[i++]) != lower(b.p[j++]))
			return false;
	}
}

struct str record_header_name(struct str token)
{
	if (token.n > 3 && str_starts_with(token, STR("${")) && token.p[token.n - 1] == '}')
		return (struct str){token.p + 2, token.n - 3};
	return token;
}

int record_header_find(struct str token)
{
	struct str name = record_header_name(token);

	for (int i = 0; i < RECORD_FIELDS; i++) {
		if (same_name(name, record_fields[i].name))
			return i;
	}
	for (unsigned i = 0; i < record_field_aliases_count; i++) {
		if (same_name(name, record_field_aliases[i].sql_name))
			return (int)record_field_aliases[i].field;
	}
	return -1;
}

static bool is_letter(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool looks_like_name(struct str token)
{
	struct str name = record_header_name(token);

	if (name.n == 0 || name.n > NAME_MAX_BYTES || !is_letter(name.p[0]))
		return false;
	for (size_t i = 1; i < name.n; i++) {
		char c = name.p[i];
		if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_' && c != '.')
			return false;
	}
	return true;
}

bool record_header_is(const struct str *tokens, unsigned count, bool first)
{
	unsigned known = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!looks_like_name(tokens[i]))
			return false;
		known += record_header_find(tokens[i]) >= 0;
	}
	return first ? known > 0 : known * 2 > count;
}

bool record_header_is_time(struct str token)
{
	static const char pattern[] = "0000-00-00T00:00:00";

	if (token.n < sizeof(pattern) - 1)
		return false;
	for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
		if (pattern[i] == '0' ? !is_digit(token.p[i]) : token.p[i] != pattern[i])
			return false;
	}
	return true;
}

/* The bytes that follow first in a well-formed sequence: how many, and the range of the first of
 * them (RFC 3629, section 4). */
static bool utf8_rule(
	unsigned char first, unsigned *ret_more, unsigned *ret_low, unsigned *ret_high)
{
	*ret_low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*ret_high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	*ret_more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	return first < 0x80 || (first >= 0xc2 && first <= 0xf4);
}

bool record_header_is_utf8(struct str text)
{
	for (size_t i = 0; i < text.n;) {
		unsigned more, low, high;

		if (!utf8_rule((unsigned char)text.p[i++], &more, &low, &high) || more > text.n - i)
			return false;
		for (; more; more--, low = 0x80, high = 0xbf) {
			unsigned char c = (unsigned char)text.p[i++];
			if (c < low || c > high)
				return false;
		}
	}
	return true;
}
