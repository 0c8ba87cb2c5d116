/* Messages against a compiled pattern. */
#include "query/pattern_priv.h"

#include "base/number.h"

#include <errno.h>
#include <math.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* As deep as a pattern is long. NOLINTBEGIN(misc-no-recursion) */

/* Words of one message: where the pattern needs more it is not a match anyway. */
#define WORDS_MAX 512
enum { PIECE = 64, USUAL_MAX = 4096 };

bool pattern_wildcard_matches(struct str wildcard, struct str text)
{
	size_t at = 0;
	size_t tried = 0;
	size_t star = SIZE_MAX; /* behind the last '*' */
	size_t n = 0;

	/* Only the last '*' is gone back to: those before it have the shortest match, which leaves
	 * the most to the others. */
	while (n < text.n) {
		if (at < wildcard.n && wildcard.p[at] == '*') {
			star = ++at;
			tried = n;
		} else if (at < wildcard.n && wildcard.p[at] == text.p[n]) {
			at++;
			n++;
		} else if (star != SIZE_MAX) {
			at = star;
			n = ++tried;
		} else {
			return false;
		}
	}
	while (at < wildcard.n && wildcard.p[at] == '*')
		at++;
	return at == wildcard.n;
}

static bool pattern_short_number(struct str text, double *ret_number)
{
	uint64_t number;

	if (text.n > 15 || !number_parse(text, UINT64_MAX, &number))
		return false;
	*ret_number = (double)number;
	return true;
}

bool pattern_number(struct str text, double *ret_number)
{
	char digits[64];
	char *end;

	if (text.n == 0 || text.n >= sizeof(digits))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (!strchr("0123456789+-.eE", text.p[i]) || !text.p[i])
			return false;
	}
	memcpy(digits, text.p, text.n);
	digits[text.n] = '\0';
	*ret_number = strtod(digits, &end);
	return end == digits + text.n && isfinite(*ret_number);
}

bool pattern_compare_number(enum pattern_operator operator, double a, double b)
{
	switch (operator) {
	case PATTERN_EQUAL:
		return a == b;
	case PATTERN_NOT_EQUAL:
		return a != b;
	case PATTERN_LESS:
		return a < b;
	case PATTERN_GREATER:
		return a > b;
	case PATTERN_LESS_OR_EQUAL:
		return a <= b;
	case PATTERN_GREATER_OR_EQUAL:
		return a >= b;
	default:
		return false;
	}
}

static bool text_is(const struct pattern_value *value, struct str text)
{
	if (value->regex)
		return pattern_regex_matches(value->regex, text);
	if (value->is_wildcard)
		return pattern_wildcard_matches(value->text, text);
	return str_equal(value->text, text);
}

bool pattern_compare_text(
	enum pattern_operator operator, const struct pattern_value * value, struct str text)
{
	double number;

	/* Most words that are compared with a number are a few digits. */
	if (value->is_number && pattern_short_number(text, &number))
		return pattern_compare_number(operator, number, value->number);
	if (value->is_number && !str_equal(value->text, text) && pattern_number(text, &number))
		return pattern_compare_number(operator, number, value->number);
	switch (operator) {
	case PATTERN_EQUAL:
		return text_is(value, text);
	case PATTERN_NOT_EQUAL:
		return !text_is(value, text);
	case PATTERN_LESS_OR_EQUAL:
	case PATTERN_GREATER_OR_EQUAL:
		return value->is_number && str_equal(value->text, text);
	default:
		return false;
	}
}

/* ---- terms ---- */

static bool has(struct str message, const struct pattern_term *term)
{
	if (term->regex)
		return pattern_regex_matches(term->regex, message);
	return term->text.n == 0 || memmem(message.p, message.n, term->text.p, term->text.n);
}

static bool terms_match(const struct query_pattern *pattern, struct str message)
{
	for (unsigned i = 0; i < pattern->terms_count; i++) {
		const struct pattern_term *term = &pattern->terms[i];

		if (pattern->any_optional) {
			if (has(message, term))
				return true;
		} else if (!term->is_optional && has(message, term) == term->is_excluded) {
			return false;
		}
	}
	return !pattern->any_optional;
}

/* ---- words ---- */

/* The text from a bracket or quote to its counterpart, which goes; the next place to read at. */
static size_t take_enclosed(struct str message, size_t at, char end, struct str *ret_word)
{
	const char *found = memchr(message.p + at + 1, end, message.n - at - 1);

	if (!found)
		return 0;
	size_t stop = (size_t)(found - message.p);
	/* "1534", or [a]b: what follows at once belongs to it. */
	if (stop + 1 < message.n && message.p[stop + 1] != ' ')
		return 0;
	*ret_word = (struct str){message.p + at + 1, stop - at - 1};
	return stop + 1;
}

/* Splits at blanks; *ret_rest is where word max - 1 begins, to the end. SIZE_MAX: too many. */
static size_t split(struct str message, struct str *words, size_t max, bool *ret_more)
{
	size_t count = 0;
	size_t at = 0;

	while (message.n && (message.p[message.n - 1] == ' ' || message.p[message.n - 1] == '\n' ||
				    message.p[message.n - 1] == '\r'))
		message.n--;
	for (;;) {
		while (at < message.n && message.p[at] == ' ')
			at++;
		*ret_more = at < message.n;
		if (at >= message.n || count == max)
			return count;
		size_t next = 0;
		if (message.p[at] == '[')
			next = take_enclosed(message, at, ']', &words[count]);
		else if (message.p[at] == '"')
			next = take_enclosed(message, at, '"', &words[count]);
		if (!next) {
			const char *blank = memchr(message.p + at, ' ', message.n - at);
			next = blank ? (size_t)(blank - message.p) : message.n;
			words[count] = (struct str){message.p + at, next - at};
		}
		count++;
		at = next;
	}
}

/* The bits of 64 bytes that are the byte. */
static uint64_t equal_in(const char *p, char byte)
{
	uint64_t bits = 0;

#ifdef __SSE2__
	const __m128i wanted = _mm_set1_epi8(byte);
	for (int i = 0; i < PIECE / 16; i++) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(p + 16 * i));
		unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted));
		bits |= (uint64_t)found << (16 * i);
	}
#else
	for (int i = 0; i < PIECE; i++)
		bits |= (uint64_t)(p[i] == byte) << i;
#endif
	return bits;
}

/* The same as split, of the usual line: single blanks, no brackets or quotes. False: it is not
 * that, or is long. */
static bool split_usual(
	struct str message, struct str *words, size_t max, size_t *ret_count, bool *ret_more)
{
	char last[PIECE];
	size_t count = 0, start = 0;
	bool was_blank = true;

	if (message.n == 0 || message.n > USUAL_MAX ||
		(unsigned char)message.p[message.n - 1] <= ' ')
		return false;
	for (size_t i = 0; i < message.n; i += PIECE) {
		const char *p = message.p + i;
		size_t left = message.n - i;
		if (left < PIECE) {
			memset(last, 0, sizeof(last));
			memcpy(last, p, left);
			p = last;
		}
		uint64_t blanks = equal_in(p, ' ');
		if ((equal_in(p, '[') | equal_in(p, '"')) ||
			(blanks & (blanks << 1 | (uint64_t)was_blank)))
			return false;
		was_blank = blanks >> 63;
		for (; blanks && count < max; blanks &= blanks - 1) {
			size_t end = i + (size_t)__builtin_ctzll(blanks);
			words[count++] = (struct str){message.p + start, end - start};
			start = end + 1;
		}
	}
	*ret_more = count == max;
	if (count < max)
		words[count++] = (struct str){message.p + start, message.n - start};
	*ret_count = count;
	return true;
}

bool pattern_condition_holds(const struct query_pattern *pattern, unsigned index, struct str word)
{
	const struct pattern_node *node = &pattern->nodes[index];

	if (node->kind == PATTERN_COMPARE)
		return pattern_compare_text(node->operator, & node->value, word);
	bool left = pattern_condition_holds(pattern, node->left, word);
	if (left == (node->kind == PATTERN_OR))
		return left;
	return pattern_condition_holds(pattern, node->right, word);
}

static bool range_holds(const struct query_pattern *pattern, unsigned first, unsigned count,
	const struct str *words)
{
	for (unsigned i = 0; i < count; i++) {
		const struct pattern_word *word = &pattern->words[first + i];
		if (word->has_condition &&
			!pattern_condition_holds(pattern, word->condition, words[i]))
			return false;
	}
	return true;
}

/* Whether the words fit; words must hold WORDS_MAX. */
static bool words_match(const struct query_pattern *pattern, struct str message, struct str *words,
	size_t *ret_count)
{
	unsigned before = pattern->ellipsis;
	bool has_ellipsis = before < pattern->words_count;
	unsigned after = has_ellipsis ? pattern->words_count - before - 1 : 0;
	bool more;
	size_t max = has_ellipsis ? WORDS_MAX : pattern->words_count, count;

	if (!split_usual(message, words, max, &count, &more))
		count = split(message, words, max, &more);
	*ret_count = count;
	if (!has_ellipsis) {
		if (count < pattern->words_count ||
			(more && pattern->words[pattern->words_count - 1].has_condition))
			return false;
		return range_holds(pattern, 0, pattern->words_count, words);
	}
	return !more && count >= before + after && range_holds(pattern, 0, before, words) &&
	       range_holds(pattern, before + 1, after, words + (count - after));
}

/* ---- all of them ---- */

static json_t *load(struct str message)
{
	while (message.n && (message.p[0] == ' ' || message.p[0] == '\t'))
		message.p++, message.n--;
	if (!message.n || message.p[0] != '{')
		return NULL;
	return json_loadb(message.p, message.n, 0, NULL);
}

static bool may_match(const struct query_pattern *pattern, struct str message)
{
	if (!pattern->literal.n || pattern_find(&pattern->needle, message.p, message.n))
		return true;
	return pattern->kind == PATTERN_JSON && memchr(message.p, '\\', message.n);
}

bool query_pattern_excludes(const struct query_pattern *pattern, const char *bytes, size_t n)
{
	return !may_match(pattern, (struct str){bytes, n});
}

static bool matches(const struct query_pattern *pattern, struct str message)
{
	struct str words[WORDS_MAX];
	size_t count;

	switch (pattern->kind) {
	case PATTERN_TERMS:
		return terms_match(pattern, message);
	case PATTERN_WORDS:
		return words_match(pattern, message, words, &count);
	case PATTERN_JSON:
		break;
	}
	json_t *root = load(message);
	bool found = root && pattern_json_matches(pattern, root);
	json_decref(root);
	return found;
}

bool query_pattern_matches(const struct query_pattern *pattern, struct str message)
{
	return may_match(pattern, message) && matches(pattern, message);
}

static struct str message_at(const char *bytes, const uint32_t *starts, size_t i, size_t separator)
{
	return (struct str){bytes + starts[i], starts[i + 1] - starts[i] - separator};
}

static size_t select_each(const struct query_pattern *pattern, const char *bytes,
	const uint32_t *starts, size_t count, size_t separator, uint64_t *bits)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (!query_pattern_matches(pattern, message_at(bytes, starts, i, separator)))
			continue;
		bits[i / 64] |= UINT64_C(1) << i % 64;
		found++;
	}
	return found;
}

/* The message that a place in the block belongs to, at or behind i. */
static size_t message_of(const uint32_t *starts, size_t i, size_t count, uint32_t place)
{
	size_t step = 1;
	size_t end;

	while (i + step < count && starts[i + step] <= place)
		step *= 2;
	end = i + step < count ? i + step : count;
	i += step / 2;
	while (end - i > 1) {
		size_t middle = i + (end - i) / 2;
		if (starts[middle] <= place)
			i = middle;
		else
			end = middle;
	}
	return i;
}

size_t query_pattern_select(const struct query_pattern *pattern, const char *bytes,
	const uint32_t *starts, size_t count, size_t separator, uint64_t *ret_bits)
{
	struct str literal = pattern->literal;
	size_t found = 0;
	size_t i = 0;

	memset(ret_bits, 0, (count + 63) / 64 * sizeof(ret_bits[0]));
	if (!literal.n || pattern->kind == PATTERN_JSON)
		return select_each(pattern, bytes, starts, count, separator, ret_bits);
	bool is_alone = pattern->kind == PATTERN_TERMS && pattern->terms_count == 1 &&
			!pattern->terms[0].regex;
	/* A find that spans two messages is in the first one's bytes and fails there. */
	while (i < count) {
		const char *place = pattern_find(
			&pattern->needle, bytes + starts[i], starts[count] - starts[i]);
		if (!place)
			break;
		i = message_of(starts, i, count, (uint32_t)(place - bytes));
		struct str message = message_at(bytes, starts, i, separator);
		/* One term is all that there is to it. */
		if (is_alone ? place + literal.n <= message.p + message.n
			     : matches(pattern, message)) {
			ret_bits[i / 64] |= UINT64_C(1) << i % 64;
			found++;
		}
		i++;
	}
	return found;
}

static void tell_position(
	query_pattern_value *found, void *context, size_t position, struct str word)
{
	char name[24];
	int n = snprintf(name, sizeof(name), "$%zu", position + 1);

	found(context, (struct str){name, (size_t)n}, word);
}

static bool extract_words(const struct query_pattern *pattern, struct str message,
	query_pattern_value *found, void *context)
{
	struct str words[WORDS_MAX] = {{NULL, 0}};
	unsigned named = pattern->ellipsis;
	size_t count;
	size_t hidden;

	if (!words_match(pattern, message, words, &count))
		return false;
	for (unsigned i = 0; i < named; i++)
		found(context, pattern->words[i].name, words[i]);
	if (named == pattern->words_count)
		return true;
	hidden = count - (pattern->words_count - 1);
	for (size_t i = named; i < named + hidden; i++)
		tell_position(found, context, i, words[i]);
	for (unsigned i = named + 1; i < pattern->words_count; i++)
		found(context, pattern->words[i].name, words[i - 1 + hidden]);
	return true;
}

static bool extract_json(const struct query_pattern *pattern, struct str message,
	query_pattern_value *found, void *context)
{
	json_t *root = load(message);
	bool is_match = root && pattern_json_matches(pattern, root);

	for (unsigned i = 0; is_match && i < pattern->selectors_count; i++) {
		_cleanup_buf_ struct buf text = {0};
		if (pattern_json_text(&pattern->selectors[i], root, &text))
			found(context, pattern->selectors[i].text, buf_str(&text));
	}
	json_decref(root);
	return is_match;
}

bool query_pattern_extract(const struct query_pattern *pattern, struct str message,
	query_pattern_value *found, void *context)
{
	switch (pattern->kind) {
	case PATTERN_WORDS:
		return extract_words(pattern, message, found, context);
	case PATTERN_JSON:
		return extract_json(pattern, message, found, context);
	default:
		return query_pattern_matches(pattern, message);
	}
}
/* NOLINTEND(misc-no-recursion) */
