/* Tests on the text of fields, before anything is decoded: texts are compared as they stand,
 * numbers and addresses are taken out of lines that are known to be good. */
#include "record/scan_priv.h"

#include <endian.h>

/* A text of up to 16 bytes as two words. */
struct short_text {
	uint64_t words[2], masks[2];
	size_t n;
};

static uint64_t mask_of(size_t bytes)
{
	return bytes >= 8 ? ~UINT64_C(0) : (UINT64_C(1) << 8 * bytes) - 1;
}

static inline uint64_t load64(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

static struct short_text short_text_of(struct str text)
{
	char padded[16] = {0};

	memcpy(padded, text.p, text.n);
	return (struct short_text){
		.words = {load64(padded), load64(padded + 8)},
		.masks = {mask_of(text.n), text.n > 8 ? mask_of(text.n - 8) : 0},
		.n = text.n,
	};
}

/* Most rows differ, and in the first bytes: what is behind the token may be read. */
static inline bool equals_short(struct str token, const struct short_text *text)
{
	return token.n == text->n && ((load64(token.p) ^ text->words[0]) & text->masks[0]) == 0 &&
	       ((load64(token.p + 8) ^ text->words[1]) & text->masks[1]) == 0;
}

static bool is_one_of(struct str token, const struct record_test *test)
{
	for (size_t i = 0; i < test->count; i++) {
		if (str_equal(token, test->texts[i]))
			return true;
	}
	return false;
}

static bool is_in_range(struct str token, const struct record_test *test)
{
	int64_t number = scan_number(token);

	for (size_t i = 0; i < test->count; i++) {
		if (number >= test->ranges[i].low && number <= test->ranges[i].high)
			return true;
	}
	return false;
}

/* Dotted, of a line that is good. */
static inline bool parse_ipv4(struct str token, uint32_t *ret_value)
{
	uint32_t value = 0;
	uint32_t octet = 0;

	for (size_t i = 0; i < token.n; i++) {
		unsigned char c = (unsigned char)token.p[i];
		if (c == '.') {
			value = value << 8 | octet;
			octet = 0;
		} else if (c >= '0' && c <= '9') {
			octet = octet * 10 + (c - (unsigned)'0');
		} else {
			return false;
		}
	}
	*ret_value = value << 8 | octet;
	return true;
}

static bool is_in_prefix(struct str token, const struct record_test *test)
{
	struct ip_addr address;
	uint32_t value;

	if (parse_ipv4(token, &value)) {
		value = htobe32(value);
		address = ip_from_v4(&value);
	} else if (!ip_parse(token, &address)) {
		return false;
	}
	for (size_t i = 0; i < test->count; i++) {
		if (record_prefix_contains(&test->prefixes[i], &address))
			return true;
	}
	return false;
}

/* One IPv4 prefix, as a word. */
struct short_prefix {
	uint32_t network, mask;
};

static struct short_prefix short_prefix_of(const struct ip_prefix *prefix)
{
	unsigned bits = prefix->length - 96u;
	uint32_t mask = bits ? ~UINT32_C(0) << (32 - bits) : 0;

	return (struct short_prefix){be32toh(prefix->addr.words[3]) & mask, mask};
}

/* IPv6 addresses are in no IPv4 prefix, but for those that are IPv4-mapped. */
static inline bool is_in_short_prefix(
	struct str token, const struct short_prefix *prefix, const struct record_test *test)
{
	uint32_t value;

	if (__builtin_expect(!parse_ipv4(token, &value), 0))
		return is_in_prefix(token, test);
	return (value & prefix->mask) == prefix->network;
}

/* A test, joined with the plan of the block. */
struct joined {
	const struct record_test *test;
	unsigned slot;
	struct short_text text;
	struct short_prefix prefix;
	bool is_short, is_short_prefix;
};

static inline bool passes(
	const struct record_scan_worker *worker, uint32_t row, const struct joined *joined)
{
	struct str token = scan_token(worker, row, joined->slot);

	if (joined->is_short)
		return equals_short(token, &joined->text);
	if (judge_is_missing(token.p, token.n))
		return false;
	if (joined->is_short_prefix)
		return is_in_short_prefix(token, &joined->prefix, joined->test);
	switch (joined->test->kind) {
	case RECORD_TEST_TEXT:
		return is_one_of(token, joined->test);
	case RECORD_TEST_RANGE:
		return is_in_range(token, joined->test);
	case RECORD_TEST_PREFIX:
		return is_in_prefix(token, joined->test);
	case RECORD_TEST_NEVER:
		break;
	}
	return false;
}

/* Tests of a clause that some row may pass. */
static size_t join(
	const struct plan *plan, const struct record_clause *clause, struct joined *joined)
{
	size_t count = 0;

	for (size_t i = 0; i < clause->count; i++) {
		const struct record_test *test = &clause->tests[i];
		int slot = test->kind == RECORD_TEST_NEVER ? -1 : plan_slot_of(plan, test->column);
		if (slot < 0)
			continue;
		struct joined *next = &joined[count++];
		*next = (struct joined){.test = test, .slot = (unsigned)slot};
		next->is_short = test->kind == RECORD_TEST_TEXT && test->count == 1 &&
				 test->texts[0].n <= 16 &&
				 !judge_is_missing(test->texts[0].p, test->texts[0].n);
		if (next->is_short)
			next->text = short_text_of(test->texts[0]);
		next->is_short_prefix = test->kind == RECORD_TEST_PREFIX && test->count == 1 &&
					test->prefixes[0].length >= 96 &&
					ip_is_v4(&test->prefixes[0].addr);
		if (next->is_short_prefix)
			next->prefix = short_prefix_of(&test->prefixes[0]);
	}
	return count;
}

static bool is_printable(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return false;
	}
	return true;
}

/* The longest is the rarest. */
struct split_needle scan_needle(const struct record_filter *filter)
{
	struct str best = STR_NONE;

	for (size_t i = 0; filter && i < filter->count; i++) {
		const struct record_clause *clause = &filter->clauses[i];
		const struct record_test *test = &clause->tests[0];
		if (clause->count != 1 || test->kind != RECORD_TEST_TEXT || test->count != 1)
			continue;
		struct str text = test->texts[0];
		if (text.n > best.n && text.n >= SPLIT_NEEDLE_MIN && text.n <= SPLIT_NEEDLE_MAX &&
			is_printable(text))
			best = text;
	}
	return best.n ? split_needle_of(best.p, best.n) : (struct split_needle){0};
}

size_t scan_filter(struct record_scan_worker *worker, size_t rows)
{
	const struct record_filter *filter = worker->scan->filter;
	struct joined joined[RECORD_FILTER_TESTS_MAX];

	for (size_t c = 0; c < filter->count && rows; c++) {
		size_t tests = join(worker->plan, &filter->clauses[c], joined);
		size_t kept = 0;
		for (size_t i = 0; i < rows; i++) {
			uint32_t row = worker->rows[i];
			bool pass = false;
			for (size_t t = 0; t < tests && !pass; t++)
				pass = passes(worker, row, &joined[t]);
			worker->rows[kept] = row;
			kept += pass;
		}
		rows = kept;
	}
	return rows;
}
