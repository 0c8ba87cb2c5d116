/* A pattern over lines that come as columns. A term is in a line when, taken apart at its blanks,
 * its parts are in words that follow one another: the first at the end of one, the last at the
 * begin of one, those between are whole words. So "10.0.7.7 6" is asked of each two columns, most
 * of which cannot have it (ports have no points), and of the others in a few bytes a line instead
 * of a hundred. Of patterns with words each condition is asked of its column. */
#include "query/pattern_columns_priv.h"

/* More terms or parts of them than that are not looked at; texts tell. */
enum { TERMS_MAX = 8, PARTS_MAX = 12, CONDITIONS_MAX = 32 };

struct term {
	unsigned count;
	struct pattern_piece *parts;
};
struct pattern_pieces {
	struct term terms[TERMS_MAX];
	unsigned term_count;
	bool is_any;      /* one of them is enough */
	bool is_complete; /* none was left out */
	struct pattern_condition *conditions[CONDITIONS_MAX];
	unsigned nodes[CONDITIONS_MAX];
	unsigned condition_count;
};

/* ---- compiling ---- */

static bool add_term(struct pattern_pieces *pieces, struct str text)
{
	struct str rest = text, part;
	unsigned count = 1, i = 0;

	for (size_t j = 0; j < text.n; j++)
		count += text.p[j] == ' ';
	if (!text.n || count > PARTS_MAX || pieces->term_count == TERMS_MAX)
		return false;
	struct term *term = &pieces->terms[pieces->term_count++];
	term->count = count;
	term->parts = mem_new(count, sizeof(*term->parts));
	while (i < count && str_split(&rest, ' ', &part)) {
		pattern_piece_init(&term->parts[i], part, i > 0, i + 1 < count);
		i++;
	}
	return true;
}

/* Of a regular expression a text that it must contain. */
static struct str text_of(const struct pattern_term *term)
{
	struct str text = term->regex ? pattern_regex_literal(term->regex) : term->text;

	return text.n && memchr(text.p, '\0', text.n) ? STR("") : text;
}

static void add_terms(struct pattern_pieces *pieces, const struct query_pattern *pattern)
{
	pieces->is_any = pattern->any_optional;
	pieces->is_complete = true;
	for (unsigned i = 0; i < pattern->terms_count; i++) {
		const struct pattern_term *term = &pattern->terms[i];
		if (!pattern->any_optional && (term->is_optional || term->is_excluded))
			continue;
		if (!add_term(pieces, text_of(term)))
			pieces->is_complete = false;
	}
}

static void add_conditions(struct pattern_pieces *pieces, const struct query_pattern *pattern)
{
	for (unsigned i = 0; i < pattern->nodes_count; i++) {
		const struct pattern_node *node = &pattern->nodes[i];
		struct str text = node->value.text, end = {NULL, 0};
		if (node->kind != PATTERN_COMPARE || node->value.regex ||
			pieces->condition_count == CONDITIONS_MAX)
			continue;
		bool is_wildcard = node->value.is_wildcard;
		if (is_wildcard) {
			const char *last = memrchr(text.p, '*', text.n);
			end = (struct str){last + 1, (size_t)(text.p + text.n - last - 1)};
			text.n = (size_t)((const char *)memchr(text.p, '*', text.n) - text.p);
		}
		struct pattern_condition *condition = mem_new(1, sizeof(*condition));
		pattern_piece_init(&condition->pieces[0], text, true, !is_wildcard);
		pattern_piece_init(&condition->pieces[1], end, false, true);
		pieces->nodes[pieces->condition_count] = i;
		pieces->conditions[pieces->condition_count++] = condition;
	}
}

struct pattern_pieces *pattern_pieces_new(const struct query_pattern *pattern)
{
	struct pattern_pieces *pieces = mem_new(1, sizeof(*pieces));

	if (pattern->kind == PATTERN_TERMS)
		add_terms(pieces, pattern);
	else if (pattern->kind == PATTERN_WORDS)
		add_conditions(pieces, pattern);
	return pieces;
}

void pattern_pieces_free(struct pattern_pieces *pieces)
{
	if (!pieces)
		return;
	for (unsigned i = 0; i < pieces->term_count; i++)
		free(pieces->terms[i].parts);
	for (unsigned i = 0; i < pieces->condition_count; i++)
		free(pieces->conditions[i]);
	free(pieces);
}

const struct pattern_condition *pattern_condition(
	const struct pattern_pieces *pieces, unsigned node)
{
	for (unsigned i = 0; i < pieces->condition_count; i++)
		if (pieces->nodes[i] == node)
			return pieces->conditions[i];
	return NULL;
}

/* ---- terms ---- */

static size_t words_of(const struct query_pattern_columns *columns)
{
	return (columns->rows + 63) / 64;
}

static void set_all(const struct query_pattern_columns *columns, uint64_t *bits)
{
	size_t rows = columns->rows;

	memset(bits, 0xff, words_of(columns) * sizeof(*bits));
	if (rows % 64)
		bits[rows / 64] = (UINT64_C(1) << rows % 64) - 1;
}

static bool is_any(const struct query_pattern_columns *columns, const uint64_t *bits)
{
	uint64_t all = 0;

	for (size_t i = 0; i < words_of(columns); i++)
		all |= bits[i];
	return all != 0;
}

/* Is the piece one that is soon answered? Ends of numbers cost a division a row. */
static bool is_cheap(const struct pattern_piece *piece, const struct query_pattern_column *column)
{
	return column->kind != QUERY_PATTERN_NUMBERS || piece->at_start;
}

/* The term from this column on: what is cheap first. */
static enum pattern_answer narrow_place(const struct term *term,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits)
{
	enum pattern_answer answer = PATTERN_UNKNOWN;

	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < term->count; i++) {
			const struct pattern_piece *piece = &term->parts[i];
			if (is_cheap(piece, &columns->columns[at + i]) != (pass == 0))
				continue;
			if (pattern_narrow_piece(piece, columns, at + i, bits) == PATTERN_KNOWN)
				answer = PATTERN_KNOWN;
			if (!is_any(columns, bits))
				return PATTERN_KNOWN;
		}
	return answer;
}

static bool is_possible(
	const struct term *term, const struct query_pattern_columns *columns, size_t at)
{
	for (unsigned i = 0; i < term->count; i++)
		if (pattern_piece_is_nowhere(&term->parts[i], &columns->columns[at + i]))
			return false;
	return true;
}

/* Before anything is read: is there a place of which nothing will tell? */
static bool is_hopeless(const struct term *term, const struct query_pattern_columns *columns)
{
	for (size_t at = 0; at + term->count <= columns->count; at++) {
		bool can_tell = false;
		for (unsigned i = 0; i < term->count; i++)
			can_tell |=
				pattern_piece_can_tell(&term->parts[i], &columns->columns[at + i]);
		if (!can_tell && is_possible(term, columns, at))
			return true;
	}
	return false;
}

/* The rows that may have the term, in bits; false: it may be anywhere. */
static bool find_term(const struct term *term, const struct query_pattern_columns *columns,
	uint64_t *place_bits, uint64_t *bits)
{
	size_t words = words_of(columns);

	memset(bits, 0, words * sizeof(*bits));
	if (is_hopeless(term, columns))
		return false;
	for (size_t at = 0; at + term->count <= columns->count; at++) {
		if (!is_possible(term, columns, at))
			continue;
		set_all(columns, place_bits);
		if (narrow_place(term, columns, at, place_bits) == PATTERN_UNKNOWN)
			return false;
		for (size_t i = 0; i < words; i++)
			bits[i] |= place_bits[i];
	}
	return true;
}

static bool narrow_terms(const struct query_pattern *pattern,
	const struct query_pattern_columns *columns, uint64_t *bits)
{
	const struct pattern_pieces *pieces = pattern->pieces;
	size_t words = words_of(columns);
	_cleanup_free_ uint64_t *place_bits = mem_new(2 * words + 1, sizeof(*place_bits));
	uint64_t *term_bits = place_bits + words;
	bool is_known = false;

	if (pieces->is_any && !pieces->is_complete)
		return false;
	if (!pieces->is_any)
		set_all(columns, bits);
	for (unsigned i = 0; i < pieces->term_count; i++) {
		if (!pieces->is_any && !is_any(columns, bits))
			break;
		if (!find_term(&pieces->terms[i], columns, place_bits, term_bits)) {
			if (pieces->is_any)
				return false;
			continue;
		}
		is_known = true;
		for (size_t j = 0; j < words; j++)
			bits[j] = pieces->is_any ? bits[j] | term_bits[j] : bits[j] & term_bits[j];
	}
	return is_known;
}

/* ---- words ---- */

static bool has_byte(const struct query_pattern_column *column, unsigned char c)
{
	if (column->kind == QUERY_PATTERN_NUMBERS || column->kind == QUERY_PATTERN_ADDRESSES)
		return false;
	return !column->bytes || (column->bytes[c / 64] >> (c % 64) & 1);
}

/* Are the words of the lines those that patterns see? What is in brackets or quotes is one word for
 * them, and lines may end in what they leave out. */
static bool has_plain_words(const struct query_pattern_columns *columns)
{
	for (size_t i = 0; i < columns->count; i++)
		if (has_byte(&columns->columns[i], '[') || has_byte(&columns->columns[i], '"'))
			return false;
	const struct query_pattern_column *last = &columns->columns[columns->count - 1];
	return !has_byte(last, '\n') && !has_byte(last, '\r');
}

/* Do lines of so many words fit? */
static bool fits(const struct query_pattern *pattern, size_t count)
{
	if (pattern->ellipsis < pattern->words_count)
		return count >= pattern->words_count - 1;
	return count == pattern->words_count ||
	       (count > pattern->words_count &&
		       !pattern->words[pattern->words_count - 1].has_condition);
}

/* Conditions on narrow columns come first, and rule out most. */
static bool narrow_words(const struct query_pattern *pattern,
	const struct query_pattern_columns *columns, uint64_t *bits)
{
	static const unsigned widths[] = {0, 1, 2, 4, 8};
	bool is_known = false;

	if (!has_plain_words(columns))
		return false;
	if (!fits(pattern, columns->count))
		return true;
	set_all(columns, bits);
	for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
		for (unsigned i = 0; i < pattern->words_count; i++) {
			const struct pattern_word *word = &pattern->words[i];
			size_t at = i < pattern->ellipsis
					    ? i
					    : columns->count - (pattern->words_count - i);
			if (!word->has_condition || word->is_ellipsis ||
				columns->columns[at].width != widths[w])
				continue;
			if (is_known && !is_any(columns, bits))
				return true;
			if (pattern_narrow_node(pattern, word->condition, columns, at, bits) ==
				PATTERN_KNOWN)
				is_known = true;
		}
	return is_known;
}

bool query_pattern_narrow(const struct query_pattern *pattern,
	const struct query_pattern_columns *columns, uint64_t *ret_bits)
{
	memset(ret_bits, 0, words_of(columns) * sizeof(*ret_bits));
	if (!columns->count || !columns->rows)
		return false;
	switch (pattern->kind) {
	case PATTERN_TERMS:
		return narrow_terms(pattern, columns, ret_bits);
	case PATTERN_WORDS:
		return narrow_words(pattern, columns, ret_bits);
	default:
		return false;
	}
}
