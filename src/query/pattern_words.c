/* What a word must be, over a column of words: a question becomes ranges of numbers, a table by
 * word, or octets of an address, which then runs over the values in loops that compilers make
 * vectors of. Rows are only ever ruled out when their text, which numbers and addresses tell byte
 * for byte, cannot have what is asked for; who asks looks at the text of the others. */
#include "query/pattern_columns_priv.h"

#include "base/number.h"

#include <pthread.h>
#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { RANGES_MAX = 24, DIGITS_MAX = 18, SPARSE = 16 };

/* ---- texts ---- */

bool pattern_piece_fits(const struct pattern_piece *piece, struct str word)
{
	struct str text = piece->text;

	if (piece->at_start && piece->at_end)
		return str_equal(word, text);
	if (piece->at_start)
		return str_starts_with(word, text);
	if (piece->at_end)
		return str_ends_with(word, text);
	return !text.n || memmem(word.p, word.n, text.p, text.n);
}

static char octet_texts[256][4];
static uint8_t octet_sizes[256];
static pthread_once_t octets_once = PTHREAD_ONCE_INIT;

static void write_octets(void)
{
	for (unsigned v = 0; v < 256; v++) {
		char text[8];
		octet_sizes[v] = (uint8_t)snprintf(text, sizeof(text), "%u", v);
		memcpy(octet_texts[v], text, sizeof(octet_texts[v]));
	}
}

/* May the octet be what the part of a piece says? */
static bool part_fits(unsigned octet, struct str part, bool at_start, bool at_end)
{
	const struct pattern_piece piece = {.text = part, .at_start = at_start, .at_end = at_end};

	return pattern_piece_fits(&piece, (struct str){octet_texts[octet], octet_sizes[octet]});
}

/* The piece's text begins in the octet `first`; false: it cannot. */
static bool set_octets(struct pattern_piece *piece, unsigned first)
{
	struct str rest = piece->text, part;
	unsigned parts = 0, fits[4] = {0}, value[4] = {0};

	for (size_t i = 0; i < rest.n; i++)
		parts += rest.p[i] == '.';
	parts++;
	if (first + parts > 4 || (piece->at_start && first > 0) ||
		(piece->at_end && first + parts < 4))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		bool is_part = i >= first && i < first + parts;
		bool at_start = i > first || piece->at_start;
		bool at_end = i + 1 < first + parts || piece->at_end;
		if (is_part && !str_split(&rest, '.', &part))
			return false;
		for (unsigned v = 0; v < 256; v++) {
			if (is_part && !part_fits(v, part, at_start, at_end))
				continue;
			piece->octets[i][v] |= (uint8_t)(1u << first);
			fits[i]++;
			value[i] = v;
		}
		if (fits[i] == 1) {
			piece->masks[first] |= UINT32_C(255) << (24 - 8 * i);
			piece->wanted[first] |= value[i] << (24 - 8 * i);
		}
	}
	return fits[0] && fits[1] && fits[2] && fits[3];
}

void pattern_piece_init(struct pattern_piece *piece, struct str text, bool at_start, bool at_end)
{
	*piece = (struct pattern_piece){.text = text, .at_start = at_start, .at_end = at_end};
	if (text.n)
		pattern_needle_init(&piece->needle, text);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '.' && (text.p[i] < '0' || text.p[i] > '9'))
			return;
	pthread_once(&octets_once, write_octets);
	for (unsigned first = 0; first < 4; first++) {
		bool is_possible = set_octets(piece, first);
		piece->has_octets |= is_possible;
		/* A value of an octet that is none of this place's rules all of it out. */
		if (!is_possible)
			piece->masks[first] = 0;
		for (unsigned v = 0; !is_possible && v < 256; v++)
			piece->octets[0][v] &= (uint8_t) ~(1u << first);
	}
}

static bool is_none(struct str text)
{
	return text.n == 1 && *text.p == '-';
}

static size_t count_digits(int64_t number)
{
	size_t n = 1;

	for (; number > 9; number /= 10)
		n++;
	return n;
}

/* As text of a number that is written as numbers are, or of its begin. */
static bool parse_digits(struct str text, int64_t *ret_number)
{
	uint64_t number;

	if (!text.n || text.n > DIGITS_MAX || (text.n > 1 && *text.p == '0') ||
		!number_parse(text, INT64_MAX, &number))
		return false;
	*ret_number = (int64_t)number;
	return true;
}

bool pattern_piece_is_nowhere(
	const struct pattern_piece *piece, const struct query_pattern_column *column)
{
	struct str text = piece->text;

	if (!text.n)
		return false;
	if (column->kind == QUERY_PATTERN_ADDRESSES)
		return !piece->has_octets && !(column->has_none && is_none(text));
	if (column->kind == QUERY_PATTERN_NUMBERS) {
		if (is_none(text))
			return !column->has_none;
		if (text.n > count_digits(column->last))
			return true;
		for (size_t i = 0; i < text.n; i++)
			if (text.p[i] < '0' || text.p[i] > '9')
				return true;
		return false;
	}
	if (column->has_filter && (text.n > column->longest || (piece->at_start && piece->at_end &&
								       text.n < column->shortest)))
		return true;
	for (size_t i = 0; column->bytes && i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (!(column->bytes[c / 64] >> (c % 64) & 1))
			return true;
	}
	return false;
}

bool pattern_piece_can_tell(
	const struct pattern_piece *piece, const struct query_pattern_column *column)
{
	bool is_whole = piece->at_start && piece->at_end;

	if (column->kind == QUERY_PATTERN_NO_VALUES)
		return column->has_filter && (is_whole || piece->text.n == column->longest);
	return column->kind != QUERY_PATTERN_NUMBERS || piece->at_start || piece->at_end ||
	       is_none(piece->text);
}

/* ---- what values must be ---- */

enum check_kind { CHECK_RANGES, CHECK_TABLE, CHECK_OCTETS, CHECK_SUFFIX };
struct check {
	enum check_kind kind;
	unsigned range_count;
	uint64_t first[RANGES_MAX], last[RANGES_MAX]; /* inclusive, of values as they are stored */
	const uint8_t *table;                         /* of words */
	uint32_t table_size;
	const struct pattern_piece *piece;
	int64_t modulus, rest, least; /* a suffix of a number */
	bool fits_none;
	int64_t base; /* of what is stored */
	bool has_none;
};

static uint64_t value_at(const struct query_pattern_column *column, size_t row)
{
	return number_at(column->values, column->width, row);
}

static bool check_octets(const struct pattern_piece *piece, uint32_t address)
{
	return (piece->octets[0][address >> 24] & piece->octets[1][address >> 16 & 255] &
		       piece->octets[2][address >> 8 & 255] & piece->octets[3][address & 255]) != 0;
}

static bool check_value(const struct check *check, uint64_t value)
{
	bool is_there = value || !check->has_none;
	int64_t number = check->base + (int64_t)value;

	switch (check->kind) {
	case CHECK_RANGES:
		for (unsigned i = 0; i < check->range_count; i++)
			if (value >= check->first[i] && value <= check->last[i])
				return true;
		return false;
	case CHECK_TABLE:
		/* The disk may lie: the text will tell. */
		return value >= check->table_size || check->table[value];
	case CHECK_OCTETS:
		return is_there ? check_octets(check->piece, (uint32_t)number) : check->fits_none;
	case CHECK_SUFFIX:
		break;
	}
	if (!is_there)
		return check->fits_none;
	/* Divisions of 32 bits cost a third. */
	if ((uint64_t)number <= UINT32_MAX && check->modulus <= UINT32_MAX)
		return number >= check->least &&
		       (uint32_t)number % (uint32_t)check->modulus == (uint32_t)check->rest;
	return number >= check->least && number % check->modulus == check->rest;
}

/* ---- 64 rows at a time ---- */

enum { PIECE = 64 };

static uint64_t pack(const uint8_t *flags)
{
	uint64_t bits = 0;

#ifdef __SSE2__
	for (int i = 0; i < PIECE / 16; i++) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(flags + 16 * i));
		bytes = _mm_cmpgt_epi8(bytes, _mm_setzero_si128());
		bits |= (uint64_t)(uint16_t)_mm_movemask_epi8(bytes) << (16 * i);
	}
#else
	for (int i = 0; i < PIECE; i++)
		bits |= (uint64_t)(flags[i] != 0) << i;
#endif
	return bits;
}

#define FLAG(type, holds)                                                                          \
	do {                                                                                       \
		const type *from = (const type *)column->values + row;                             \
		for (size_t at = 0; at < PIECE; at++) {                                            \
			const type x = from[at];                                                   \
			flags[at] |= (holds);                                                      \
		}                                                                                  \
	} while (0)
#define FLAG_RANGE(type) FLAG(type, (type)(x - (type)first) <= (type)(last - first))

static void flag_range(const struct query_pattern_column *column, size_t row, uint64_t first,
	uint64_t last, uint8_t *flags)
{
	switch (column->width) {
	case 1:
		FLAG_RANGE(uint8_t);
		break;
	case 2:
		FLAG_RANGE(uint16_t);
		break;
	case 4:
		FLAG_RANGE(uint32_t);
		break;
	default:
		FLAG_RANGE(uint64_t);
	}
}

/* The rows that may be: of addresses by what must be one value. */
static uint64_t look_at_64(
	const struct check *check, const struct query_pattern_column *column, size_t row)
{
	uint8_t flags[PIECE] = {0};
	uint32_t base = (uint32_t)check->base;

	if (check->kind == CHECK_RANGES) {
		for (unsigned i = 0; i < check->range_count; i++)
			flag_range(column, row, check->first[i], check->last[i], flags);
	} else if (check->kind == CHECK_TABLE) {
		/* Words of one byte have numbers below 256. */
		FLAG(uint8_t, check->table[x]);
	} else {
		for (unsigned i = 0; i < 4; i++) {
			uint32_t mask = check->piece->masks[i], wanted = check->piece->wanted[i];
			if (mask)
				FLAG(uint32_t, ((x + base) & mask) == wanted);
		}
		if (check->fits_none)
			FLAG(uint32_t, x == 0);
	}
	return pack(flags);
}

/* Is it one that look_at_64 can do? */
static bool is_wide(const struct check *check, const struct query_pattern_column *column)
{
	unsigned possible = 0;

	if (check->kind == CHECK_RANGES)
		return column->width > 0;
	if (check->kind == CHECK_TABLE)
		return column->width == 1;
	if (check->kind != CHECK_OCTETS || column->width != 4)
		return false;
	for (unsigned v = 0; v < 256; v++)
		possible |= check->piece->octets[0][v];
	for (unsigned i = 0; i < 4; i++)
		if (possible >> i & 1 && !check->piece->masks[i])
			return false;
	return true;
}

static size_t count_bits(const uint64_t *bits, size_t words)
{
	size_t count = 0;

	for (size_t i = 0; i < words; i++)
		count += (size_t)__builtin_popcountll(bits[i]);
	return count;
}

static void narrow_wide(const struct check *check, const struct query_pattern_column *column,
	size_t rows, uint64_t *bits)
{
	for (size_t i = 0; i < rows / PIECE; i++)
		if (bits[i])
			bits[i] &= look_at_64(check, column, i * PIECE);
}

static void narrow_each(const struct check *check, const struct query_pattern_column *column,
	size_t first, size_t words, uint64_t *bits)
{
	for (size_t i = first; i < words; i++)
		for (uint64_t left = bits[i]; left; left &= left - 1) {
			size_t row = i * PIECE + (size_t)__builtin_ctzll(left);
			if (!check_value(check, value_at(column, row)))
				bits[i] &= ~(left & -left);
		}
}

static void apply(const struct check *check, const struct query_pattern_column *column, size_t rows,
	uint64_t *bits)
{
	size_t words = (rows + PIECE - 1) / PIECE;

	if (check->kind == CHECK_RANGES && !check->range_count) {
		memset(bits, 0, words * sizeof(*bits));
		return;
	}
	if (!is_wide(check, column) || count_bits(bits, words) < rows / SPARSE) {
		narrow_each(check, column, 0, words, bits);
		return;
	}
	narrow_wide(check, column, rows, bits);
	/* What is left of addresses is looked at whole; and the last rows. */
	narrow_each(check, column, check->kind == CHECK_OCTETS ? 0 : rows / PIECE, words, bits);
}

/* ---- ranges ---- */

static void check_init(struct check *check, const struct query_pattern_column *column)
{
	check->kind = CHECK_RANGES;
	check->range_count = 0;
	check->has_none = column->has_none;
	check->base = column->base - column->has_none;
	check->fits_none = false;
}

/* Of numbers from first to last, as they are stored. */
static void add_range(
	struct check *check, const struct query_pattern_column *column, int64_t first, int64_t last)
{
	uint64_t most = column->width >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * column->width) - 1;

	if (first < column->base)
		first = column->base;
	if (last > column->last)
		last = column->last;
	if (first > last || check->range_count == RANGES_MAX)
		return;
	uint64_t from = (uint64_t)(first - check->base), to = (uint64_t)(last - check->base);
	if (from > most)
		return;
	check->first[check->range_count] = from;
	check->last[check->range_count++] = to < most ? to : most;
}

static void add_none(struct check *check)
{
	check->fits_none = true;
	check->first[check->range_count] = check->last[check->range_count] = 0;
	check->range_count++;
}

/* Numbers whose text begins so. */
static void add_prefix(
	struct check *check, const struct query_pattern_column *column, struct str text)
{
	int64_t number, scale = 1;

	if (!parse_digits(text, &number))
		return;
	for (size_t n = text.n; n <= DIGITS_MAX; n++) {
		add_range(check, column, number * scale, number * scale + scale - 1);
		scale *= 10;
		if (number == 0)
			return;
	}
}

static bool set_suffix(struct check *check, struct str text)
{
	check->kind = CHECK_SUFFIX;
	check->rest = 0;
	check->modulus = 1;
	if (text.n > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		unsigned digit = (unsigned char)text.p[i] - (unsigned)'0';
		if (digit > 9)
			return false;
		check->rest = check->rest * 10 + digit;
		check->modulus *= 10;
	}
	/* As many digits as that. */
	check->least = text.n > 1 ? check->modulus / 10 : 0;
	return true;
}

/* ---- pieces ---- */

static void mark_word(const struct query_pattern_column *column, const struct pattern_piece *piece,
	uint32_t code, uint8_t *table)
{
	uint32_t start = code ? column->word_ends[code - 1] : 0;
	struct str word = {column->words + start, column->word_ends[code] - start};

	table[code] = pattern_piece_fits(piece, word);
}

/* Long lists are searched as one text. */
static void mark_words(const struct query_pattern_column *column, const struct pattern_piece *piece,
	uint8_t *table)
{
	enum { MANY = 64 };
	uint32_t count = column->word_count, code = 0;
	const char *p = column->words, *end = p + column->word_ends[count - 1];

	if (count < MANY || piece->text.n < 2) {
		for (; code < count; code++)
			mark_word(column, piece, code, table);
		return;
	}
	while ((p = pattern_find(&piece->needle, p, (size_t)(end - p)))) {
		uint32_t place = (uint32_t)(p - column->words);
		uint32_t low = code, high = count;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;
			if (column->word_ends[middle] <= place)
				low = middle + 1;
			else
				high = middle;
		}
		code = low;
		if (code == count)
			return;
		mark_word(column, piece, code, table);
		p = column->words + (table[code] ? column->word_ends[code] : place + 1);
	}
}

/* By a table of words; a byte has 256 numbers, whatever the disk says. */
static uint8_t *new_table(const struct query_pattern_column *column)
{
	size_t size = column->word_count > 256 ? column->word_count : 256;
	uint8_t *table = mem_new(size, 1);

	memset(table + column->word_count, 1, size - column->word_count);
	return table;
}

static enum pattern_answer narrow_words(const struct pattern_piece *piece,
	const struct query_pattern_column *column, size_t rows, uint64_t *bits)
{
	_cleanup_free_ uint8_t *table = new_table(column);
	const struct check check = {
		.kind = CHECK_TABLE, .table = table, .table_size = column->word_count};

	mark_words(column, piece, table);
	apply(&check, column, rows, bits);
	return PATTERN_KNOWN;
}

static bool make_check(struct check *check, const struct pattern_piece *piece,
	const struct query_pattern_column *column)
{
	int64_t number;

	check_init(check, column);
	if (column->kind == QUERY_PATTERN_ADDRESSES) {
		check->kind = CHECK_OCTETS;
		check->piece = piece;
		check->fits_none = column->has_none && pattern_piece_fits(piece, STR("-"));
	} else if (is_none(piece->text)) {
		if (column->has_none)
			add_none(check);
	} else if (piece->at_start && piece->at_end) {
		if (parse_digits(piece->text, &number))
			add_range(check, column, number, number);
	} else if (piece->at_start) {
		add_prefix(check, column, piece->text);
	} else if (!piece->at_end || !set_suffix(check, piece->text)) {
		return false;
	}
	return true;
}

/* Words that are in no list, but in a filter: only whole ones can be asked for. A text as long as
 * the longest word can only be one. */
static enum pattern_answer narrow_unlisted(const struct pattern_piece *piece,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits)
{
	const struct query_pattern_column *column = &columns->columns[at];
	bool is_whole = (piece->at_start && piece->at_end) || piece->text.n == column->longest;

	if (!column->has_filter || !is_whole || !columns->use(columns->context, at) ||
		columns->may_have(columns->context, at, piece->text))
		return PATTERN_UNKNOWN;
	memset(bits, 0, (columns->rows + PIECE - 1) / PIECE * sizeof(*bits));
	return PATTERN_KNOWN;
}

enum pattern_answer pattern_narrow_piece(const struct pattern_piece *piece,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits)
{
	const struct query_pattern_column *column = &columns->columns[at];
	struct check check;

	/* Words are not empty. */
	if (!piece->text.n && !(piece->at_start && piece->at_end))
		return PATTERN_KNOWN;
	if (pattern_piece_is_nowhere(piece, column)) {
		memset(bits, 0, (columns->rows + PIECE - 1) / PIECE * sizeof(*bits));
		return PATTERN_KNOWN;
	}
	if (column->kind == QUERY_PATTERN_NO_VALUES)
		return narrow_unlisted(piece, columns, at, bits);
	if ((column->kind == QUERY_PATTERN_NUMBERS && !make_check(&check, piece, column)) ||
		!columns->use(columns->context, at))
		return PATTERN_UNKNOWN;
	if (column->kind == QUERY_PATTERN_WORDS)
		return narrow_words(piece, column, columns->rows, bits);
	make_check(&check, piece, column);
	apply(&check, column, columns->rows, bits);
	return PATTERN_KNOWN;
}

/* ---- conditions ---- */

/* The first number from which on the comparison (">" or ">=") holds. */
static int64_t find_threshold(enum pattern_operator operator, double value)
{
	int64_t low = 0, high = INT64_C(1000000000000000000);

	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		if (pattern_compare_number(operator,(double) middle, value))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void add_comparison(struct check *check, const struct query_pattern_column *column,
	enum pattern_operator operator, int64_t from, int64_t above)
{
	switch (operator) {
	case PATTERN_EQUAL:
		add_range(check, column, from, above - 1);
		break;
	case PATTERN_NOT_EQUAL:
		add_range(check, column, 0, from - 1);
		add_range(check, column, above, INT64_MAX);
		break;
	case PATTERN_LESS:
		add_range(check, column, 0, from - 1);
		break;
	case PATTERN_LESS_OR_EQUAL:
		add_range(check, column, 0, above - 1);
		break;
	case PATTERN_GREATER:
		add_range(check, column, above, INT64_MAX);
		break;
	case PATTERN_GREATER_OR_EQUAL:
		add_range(check, column, from, INT64_MAX);
		break;
	default:
		break;
	}
}

static void add_numbers(struct check *check, const struct query_pattern_column *column,
	enum pattern_operator operator, double value)
{
	add_comparison(check, column, operator, find_threshold(PATTERN_GREATER_OR_EQUAL, value),
		find_threshold(PATTERN_GREATER, value));
}

static enum pattern_answer narrow_wildcard(const struct pattern_condition *condition,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits)
{
	enum pattern_answer answer = PATTERN_UNKNOWN;

	for (unsigned i = 0; i < 2; i++)
		if (condition->pieces[i].text.n && pattern_narrow_piece(&condition->pieces[i],
							   columns, at, bits) == PATTERN_KNOWN)
			answer = PATTERN_KNOWN;
	return answer;
}

/* The one number or address that has this text. */
static bool find_value(const struct query_pattern_column *column, const struct pattern_piece *whole,
	int64_t *ret_number)
{
	if (column->kind == QUERY_PATTERN_NUMBERS)
		return parse_digits(whole->text, ret_number);
	*ret_number = whole->wanted[0];
	return whole->has_octets && whole->masks[0] == UINT32_MAX;
}

/* A comparison of a number or an address. */
static enum pattern_answer narrow_comparison(const struct query_pattern *pattern, unsigned index,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits)
{
	const struct pattern_node *node = &pattern->nodes[index];
	const struct query_pattern_column *column = &columns->columns[at];
	const struct pattern_value *value = &node->value;
	const struct pattern_condition *condition = pattern_condition(pattern->pieces, index);
	bool is_numeric = value->is_number && column->kind == QUERY_PATTERN_NUMBERS;
	struct check check;
	int64_t number;

	if (value->regex || (!condition && !is_numeric))
		return PATTERN_UNKNOWN;
	if (value->is_wildcard)
		return condition && node->operator== PATTERN_EQUAL
			       ? narrow_wildcard(condition, columns, at, bits)
			       : PATTERN_UNKNOWN;
	if (column->kind == QUERY_PATTERN_NO_VALUES)
		return condition && node->operator== PATTERN_EQUAL && !value->is_number
			       ? pattern_narrow_piece(&condition->pieces[0], columns, at, bits)
			       : PATTERN_UNKNOWN;
	check_init(&check, column);
	if (column->has_none && pattern_condition_holds(pattern, index, STR("-")))
		add_none(&check);
	if (is_numeric)
		add_numbers(&check, column, node->operator, value->number);
	else if (node->operator!= PATTERN_EQUAL && node->operator!= PATTERN_NOT_EQUAL)
		; /* texts have no order */
	else if (condition && find_value(column, &condition->pieces[0], &number))
		add_comparison(&check, column, node->operator, number, number + 1);
	else if (node->operator== PATTERN_NOT_EQUAL)
		return PATTERN_UNKNOWN;
	if (check.range_count && !columns->use(columns->context, at))
		return PATTERN_UNKNOWN;
	apply(&check, column, columns->rows, bits);
	return PATTERN_KNOWN;
}

static enum pattern_answer narrow_node_of_words(const struct query_pattern *pattern, unsigned node,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits)
{
	const struct query_pattern_column *column = &columns->columns[at];

	if (!columns->use(columns->context, at))
		return PATTERN_UNKNOWN;
	_cleanup_free_ uint8_t *table = new_table(column);
	const struct check check = {
		.kind = CHECK_TABLE, .table = table, .table_size = column->word_count};
	uint32_t start = 0;
	for (uint32_t i = 0; i < column->word_count; start = column->word_ends[i++])
		table[i] = pattern_condition_holds(pattern, node,
			(struct str){column->words + start, column->word_ends[i] - start});
	apply(&check, column, columns->rows, bits);
	return PATTERN_KNOWN;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as a pattern is long. */
static enum pattern_answer narrow_tree(const struct query_pattern *pattern, unsigned index,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits)
{
	const struct pattern_node *node = &pattern->nodes[index];
	size_t words = (columns->rows + PIECE - 1) / PIECE;

	if (node->kind == PATTERN_COMPARE)
		return narrow_comparison(pattern, index, columns, at, bits);
	if (node->kind == PATTERN_AND) {
		enum pattern_answer left = narrow_tree(pattern, node->left, columns, at, bits);
		enum pattern_answer right = narrow_tree(pattern, node->right, columns, at, bits);
		return left == PATTERN_KNOWN ? left : right;
	}
	_cleanup_free_ uint64_t *left = mem_new(2 * words + 1, sizeof(*left));
	uint64_t *right = left + words;
	memcpy(left, bits, words * sizeof(*bits));
	memcpy(right, bits, words * sizeof(*bits));
	if (narrow_tree(pattern, node->left, columns, at, left) == PATTERN_UNKNOWN ||
		narrow_tree(pattern, node->right, columns, at, right) == PATTERN_UNKNOWN)
		return PATTERN_UNKNOWN;
	for (size_t i = 0; i < words; i++)
		bits[i] = left[i] | right[i];
	return PATTERN_KNOWN;
}
/* NOLINTEND(misc-no-recursion) */

enum pattern_answer pattern_narrow_node(const struct query_pattern *pattern, unsigned node,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits)
{
	return columns->columns[at].kind == QUERY_PATTERN_WORDS
		       ? narrow_node_of_words(pattern, node, columns, at, bits)
		       : narrow_tree(pattern, node, columns, at, bits);
}
