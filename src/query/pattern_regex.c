/* Extended Shift-And (Navarro and Raffinot, "Flexible Pattern Matching in Strings", 2002, chapter
 * 4): since there are no groups, an expression is a few chains of elements, each a set of bytes
 * that may be optional, repeated, or both. Element i is bit i of a word; a byte moves all active
 * elements on at once:
 *
 *   moved    = (active << 1 | first elements) & elements that take this byte
 *   repeated = active & elements that repeat & elements that take this byte
 *
 * and then what is optional is stepped over, by addition: in a run of optional elements a carry
 * runs from each active bit to the end of the run. x{2,4} is written out as x x x? x?, so the
 * number of elements has a limit. */
#include "query/pattern_priv.h"

#include <assert.h>

#define WORD_BITS  64
#define WORDS_MAX  (QUERY_PATTERN_STATES / WORD_BITS)
#define REPEAT_MAX 256 /* of {n,m} */
#define TOO_LARGE  "too large: 510 characters at most, repetitions written out"

struct pattern_regex {
	unsigned words;
	uint64_t take[256][WORDS_MAX]; /* elements that take this byte */
	uint64_t first[WORDS_MAX]; /* elements that a match may begin with, not tied to the start */
	uint64_t first_at_start[WORDS_MAX]; /* all of those, at the start of the text */
	uint64_t repeat[WORDS_MAX], optional[WORDS_MAX];
	uint64_t last[WORDS_MAX];        /* elements that end a match */
	uint64_t last_at_end[WORDS_MAX]; /* the same, for matches that are tied to the end */
	bool empty, empty_at_end;        /* what needs no byte at all */
	char literal[QUERY_PATTERN_MAX];
	size_t literal_size, literal_known; /* known: less the NULs in it */
};

struct set {
	uint64_t bytes[4];
};

struct parser {
	struct str text;
	size_t at, offset;
	struct pattern_regex *regex;
	unsigned count; /* elements so far */
	struct err *err;
};

static void set_add(struct set *set, unsigned byte)
{
	set->bytes[byte / WORD_BITS] |= UINT64_C(1) << byte % WORD_BITS;
}

static void set_add_range(struct set *set, unsigned from, unsigned to)
{
	for (unsigned byte = from; byte <= to; byte++)
		set_add(set, byte);
}

static void set_invert(struct set *set)
{
	for (unsigned i = 0; i < 4; i++)
		set->bytes[i] = ~set->bytes[i];
}

static int fail(struct parser *parser, const char *expected)
{
	return err_set(parser->err, ERR_USAGE,
		"filter pattern, position %zu: regular expression: %s",
		parser->offset + parser->at + 1, expected);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* Behind the backslash. */
static int parse_escape(struct parser *parser, struct set *set)
{
	static const char literals[] = "^$?[]{}|\\*+.()-:_#=@/;,%\"&!<>'~` ";
	char c = parser->at < parser->text.n ? parser->text.p[parser->at] : '\0';
	struct set class = {{0}};

	switch (c) {
	case 'd':
	case 'D':
		set_add_range(&class, '0', '9');
		break;
	case 's':
	case 'S':
		set_add_range(&class, '\t', '\r');
		set_add(&class, ' ');
		break;
	case 'w':
	case 'W':
		set_add_range(&class, '0', '9');
		set_add_range(&class, 'A', 'Z');
		set_add_range(&class, 'a', 'z');
		set_add(&class, '_');
		break;
	case 'x': {
		int high = parser->at + 2 < parser->text.n
				   ? hex_digit(parser->text.p[parser->at + 1])
				   : -1;
		int low = high >= 0 ? hex_digit(parser->text.p[parser->at + 2]) : -1;
		if (low < 0)
			return fail(parser, "expected two hexadecimal digits behind \\x");
		set_add(&class, (unsigned)(high * 16 + low));
		parser->at += 2;
		break;
	}
	default:
		if (!c || !strchr(literals, c))
			return fail(parser, "expected one of d D s S w W x or a sign behind '\\'");
		set_add(&class, (unsigned char)c);
	}
	if (c == 'D' || c == 'S' || c == 'W')
		set_invert(&class);
	for (unsigned i = 0; i < 4; i++)
		set->bytes[i] |= class.bytes[i];
	parser->at++;
	return 0;
}

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr(":_#=@/;,- \"'!&<>~`%", c));
}

static int parse_class(struct parser *parser, struct set *set)
{
	bool is_inverted = false;
	bool is_first = true;

	if (parser->at < parser->text.n && parser->text.p[parser->at] == '^') {
		is_inverted = true;
		parser->at++;
	}
	for (;; is_first = false) {
		if (parser->at >= parser->text.n)
			return fail(parser, "expected ']'");
		unsigned char c = (unsigned char)parser->text.p[parser->at++];
		if (c == ']' && !is_first)
			break;
		if (c == '\\') {
			if (parse_escape(parser, set) < 0)
				return -1;
			continue;
		}
		if (c & 0x80)
			return fail(parser, "only ASCII can be in [...]");
		if (parser->at + 1 < parser->text.n && parser->text.p[parser->at] == '-' &&
			parser->text.p[parser->at + 1] != ']' &&
			parser->text.p[parser->at + 1] != '\\') {
			unsigned char to = (unsigned char)parser->text.p[parser->at + 1];
			if (to < c || to & 0x80)
				return fail(
					parser, "expected a range from the smaller to the larger");
			set_add_range(set, c, to);
			parser->at += 2;
			continue;
		}
		set_add(set, c);
	}
	if (is_inverted)
		set_invert(set);
	return 0;
}

static int parse_atom(struct parser *parser, struct set *set)
{
	char c = parser->text.p[parser->at++];

	if (c == '\\')
		return parse_escape(parser, set);
	if (c == '[')
		return parse_class(parser, set);
	if (c == '.') {
		set_add(set, '\n');
		set_invert(set);
		return 0;
	}
	if (is_plain(c)) {
		set_add(set, (unsigned char)c);
		return 0;
	}
	parser->at--;
	if (c == '(' || c == ')')
		return fail(parser, "parentheses are not supported");
	if (c & 0x80)
		return fail(parser, "only ASCII is supported");
	if (c == '^' || c == '$')
		return fail(parser, "'^' stands at the start and '$' at the end only");
	return fail(parser, "expected a character, '.', '[' or '\\'");
}

static unsigned parse_digits(struct parser *parser)
{
	unsigned value = 0;

	while (parser->at < parser->text.n && parser->text.p[parser->at] >= '0' &&
		parser->text.p[parser->at] <= '9') {
		if (value <= REPEAT_MAX)
			value = value * 10 + (unsigned)(parser->text.p[parser->at] - '0');
		parser->at++;
	}
	return value;
}

/* {n}, {n,}, {n,m}; *ret_max UINT32_MAX: no end. */
static int parse_count(struct parser *parser, unsigned *ret_min, unsigned *ret_max)
{
	size_t start = parser->at;

	*ret_min = parse_digits(parser);
	*ret_max = *ret_min;
	if (parser->at == start)
		return fail(parser, "expected a number behind '{'");
	if (parser->at < parser->text.n && parser->text.p[parser->at] == ',') {
		parser->at++;
		start = parser->at;
		*ret_max = parse_digits(parser);
		if (parser->at == start)
			*ret_max = UINT32_MAX;
	}
	if (parser->at >= parser->text.n || parser->text.p[parser->at] != '}')
		return fail(parser, "expected '}'");
	parser->at++;
	if (*ret_min > REPEAT_MAX || (*ret_max > REPEAT_MAX && *ret_max != UINT32_MAX))
		return fail(parser, "a repetition can be 256 at most");
	if (*ret_max < *ret_min || !*ret_max)
		return fail(parser, "expected {least,most}");
	return 0;
}

static int parse_quantifier(struct parser *parser, unsigned *ret_min, unsigned *ret_max)
{
	char c = parser->at < parser->text.n ? parser->text.p[parser->at] : '\0';

	*ret_min = *ret_max = 1;
	if (c == '*' || c == '+') {
		*ret_min = c == '+';
		*ret_max = UINT32_MAX;
	} else if (c == '?') {
		*ret_min = 0;
	} else if (c == '{') {
		parser->at++;
		return parse_count(parser, ret_min, ret_max);
	} else {
		return 0;
	}
	parser->at++;
	return 0;
}

static void set_bit(uint64_t *words, unsigned bit)
{
	words[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
}

static bool has_bit(const uint64_t *words, unsigned bit)
{
	return words[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

static int add_elements(struct parser *parser, const struct set *set, unsigned min, unsigned max)
{
	struct pattern_regex *regex = parser->regex;
	unsigned elements = max == UINT32_MAX ? (min ? min : 1) : max;

	for (unsigned i = 0; i < elements; i++) {
		/* One bit stays free: a carry runs into it. */
		if (parser->count >= QUERY_PATTERN_STATES - 1)
			return fail(parser, TOO_LARGE);
		for (unsigned byte = 0; byte < 256; byte++) {
			if (set->bytes[byte / WORD_BITS] >> byte % WORD_BITS & 1)
				set_bit(regex->take[byte], parser->count);
		}
		if (i >= min)
			set_bit(regex->optional, parser->count);
		if (max == UINT32_MAX && i + 1 == elements)
			set_bit(regex->repeat, parser->count);
		parser->count++;
	}
	return 0;
}

/* The byte of a set that has just one. */
static int only_byte(const struct set *set)
{
	int found = -1;

	for (int byte = 0; byte < 256; byte++) {
		if (!(set->bytes[byte / WORD_BITS] >> byte % WORD_BITS & 1))
			continue;
		if (found >= 0)
			return -1;
		found = byte;
	}
	return found;
}

/* Elements that stand side by side in every match; a NUL where more than one byte will do. */
struct run {
	char bytes[QUERY_PATTERN_MAX];
	size_t size, known; /* known: less the NULs */
};

static void run_end(struct run *run, struct pattern_regex *regex)
{
	while (run->size && !run->bytes[run->size - 1])
		run->size--;
	if (run->known > regex->literal_known) {
		memcpy(regex->literal, run->bytes, run->size);
		regex->literal_size = run->size;
		regex->literal_known = run->known;
	}
	run->size = run->known = 0;
}

/* byte: -1: several. */
static void run_add(struct run *run, struct pattern_regex *regex, int byte, unsigned count)
{
	for (; count; count--) {
		if (run->size == sizeof(run->bytes))
			run_end(run, regex);
		if (byte <= 0 && run->size == 0)
			return;
		run->bytes[run->size++] = byte > 0 ? (char)byte : '\0';
		run->known += byte > 0;
	}
}

/* Elements that a match may begin and end with: optional ones can be stepped over. */
static void add_ends(struct parser *parser, unsigned first, bool at_start, bool at_end)
{
	struct pattern_regex *regex = parser->regex;
	unsigned i;

	for (i = first; i < parser->count; i++) {
		if (!at_start)
			set_bit(regex->first, i);
		set_bit(regex->first_at_start, i);
		if (!has_bit(regex->optional, i))
			break;
	}
	if (i == parser->count) {
		/* Nothing is needed: matches at any place, unless tied to both ends. */
		if (at_start && at_end)
			regex->empty_at_end = true;
		else
			regex->empty = true;
	}
	for (i = parser->count; i > first; i--) {
		set_bit(at_end ? regex->last_at_end : regex->last, i - 1);
		if (!has_bit(regex->optional, i - 1))
			break;
	}
}

static int parse_branch(struct parser *parser, bool is_only)
{
	struct run run = {.size = 0};
	bool at_start = false;
	bool at_end = false;

	/* A bit that takes nothing keeps the chains apart. */
	if (!is_only && parser->count++ >= QUERY_PATTERN_STATES - 1)
		return fail(parser, TOO_LARGE);
	unsigned first = parser->count;
	if (parser->at < parser->text.n && parser->text.p[parser->at] == '^') {
		at_start = true;
		parser->at++;
	}
	while (parser->at < parser->text.n && parser->text.p[parser->at] != '|') {
		struct set set = {{0}};
		unsigned min;
		unsigned max;

		if (parser->text.p[parser->at] == '$' &&
			(parser->at + 1 == parser->text.n ||
				parser->text.p[parser->at + 1] == '|')) {
			at_end = true;
			parser->at++;
			continue;
		}
		if (parse_atom(parser, &set) < 0 || parse_quantifier(parser, &min, &max) < 0 ||
			add_elements(parser, &set, min, max) < 0)
			return -1;
		run_add(&run, parser->regex, only_byte(&set), min);
		if (max != min)
			run_end(&run, parser->regex);
	}
	run_end(&run, parser->regex);
	if (!is_only)
		parser->regex->literal_size = parser->regex->literal_known = 0;
	add_ends(parser, first, at_start, at_end);
	return 0;
}

struct pattern_regex *pattern_regex_new(struct str text, size_t at, struct err *err)
{
	struct pattern_regex *regex = mem_new(1, sizeof(*regex));
	struct parser parser = {.text = text, .offset = at, .regex = regex, .err = err};
	bool is_only = true;

	if (text.n == 0)
		fail(&parser, "there is nothing between the '%'");
	while (text.n) {
		if (parse_branch(&parser, is_only) < 0)
			break;
		is_only = false;
		if (parser.at == text.n) {
			regex->words = parser.count / WORD_BITS + 1;
			return regex;
		}
		regex->literal_size = regex->literal_known = 0;
		parser.at++; /* '|' */
	}
	free(regex);
	return NULL;
}

/* Active elements before optional ones make those active too. */
static inline void step_over(const struct pattern_regex *regex, uint64_t *active)
{
	uint64_t carried = 0;

	for (unsigned i = 0; i < regex->words; i++) {
		/* A bit enters a run of optional ones at its first bit, and the carry of the sum
		 * goes through to the bit behind the run: all that changes is in the run, or just
		 * behind. */
		uint64_t optional = regex->optional[i];
		uint64_t entering = ((active[i] << 1) | carried) & optional;
		uint64_t reached = 0;

		while (entering) {
			uint64_t bit = entering & -entering;
			reached |= ((optional + bit) ^ optional) & optional;
			entering &= ~reached;
		}
		active[i] |= reached;
		carried = active[i] >> (WORD_BITS - 1);
	}
}

static inline bool any(const uint64_t *a, const uint64_t *b, unsigned words)
{
	uint64_t found = 0;

	for (unsigned i = 0; i < words; i++)
		found |= a[i] & b[i];
	return found;
}

/* The same with all elements in one word. */
static bool matches_small(const struct pattern_regex *regex, struct str text)
{
	const uint64_t first = regex->first[0], repeat = regex->repeat[0], last = regex->last[0];
	const bool has_optional = regex->optional[0] != 0;
	uint64_t active = 0, starting = regex->first_at_start[0];

	for (size_t n = 0; n < text.n; n++) {
		uint64_t take = regex->take[(unsigned char)text.p[n]][0];
		active = ((active << 1 | starting) | (active & repeat)) & take;
		starting = first;
		if (has_optional)
			step_over(regex, &active);
		if (active & last)
			return true;
	}
	return active & regex->last_at_end[0];
}

bool pattern_regex_matches(const struct pattern_regex *regex, struct str text)
{
	uint64_t active[WORDS_MAX] = {0};
	unsigned words = regex->words;

	if (regex->empty || (regex->empty_at_end && text.n == 0))
		return true;
	if (words == 1)
		return matches_small(regex, text);
	for (size_t n = 0; n < text.n; n++) {
		const uint64_t *take = regex->take[(unsigned char)text.p[n]];
		const uint64_t *first = n ? regex->first : regex->first_at_start;
		uint64_t carried = 0;

		for (unsigned i = 0; i < words; i++) {
			uint64_t was = active[i];
			active[i] = (((was << 1) | carried | first[i]) & take[i]) |
				    (was & regex->repeat[i] & take[i]);
			carried = was >> (WORD_BITS - 1);
		}
		step_over(regex, active);
		if (any(active, regex->last, words))
			return true;
	}
	return any(active, regex->last_at_end, words);
}

struct str pattern_regex_literal(const struct pattern_regex *regex)
{
	return (struct str){regex->literal, regex->literal_size};
}

void pattern_regex_free(struct pattern_regex *regex)
{
	free(regex);
}
