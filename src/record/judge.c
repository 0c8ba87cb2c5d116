/* The close look at one line, which is what the rules of record/reader.h are: the scan's fast way
 * takes lines that it is sure of, and asks here about all others. */
#include "record/plan_priv.h"

#include "base/ip.h"
#include "base/number.h"

#include <stdio.h>

#define SHOWN_MAX 64 /* bytes of a value in a message */

/* value as it may stand in a message: at most SHOWN_MAX bytes, printable ASCII. */
static const char *printable(struct str value, char shown[static SHOWN_MAX + 4])
{
	size_t n = value.n < SHOWN_MAX ? value.n : SHOWN_MAX;

	for (size_t i = 0; i < n; i++) {
		char c = value.p[i];
		shown[i] = '?';
		if (c >= ' ' && c <= '~')
			shown[i] = c;
	}
	memcpy(shown + n, value.n > n ? "..." : "", value.n > n ? 4 : 1);
	return shown;
}

static const char *expectation(const struct plan_slot *slot)
{
	switch (slot->text) {
	case RECORD_TEXT_DECIMAL:
	case RECORD_TEXT_SECONDS:
		return slot->type == RECORD_TYPE_INT32 ? "a number from 0 to 2147483647"
						       : "a number from 0 to 9223372036854775807";
	case RECORD_TEXT_ADDRESS:
		return "an IPv4 or IPv6 address";
	case RECORD_TEXT_ACTION:
		return "ACCEPT or REJECT";
	case RECORD_TEXT_STATUS:
		return "OK, NODATA or SKIPDATA";
	case RECORD_TEXT_WORD:
		break;
	}
	return "a word";
}

bool judge_token(const struct plan_slot *slot, struct str token)
{
	struct ip_addr address;
	uint64_t number;

	if (judge_is_missing(token.p, token.n))
		return true;
	switch (slot->text) {
	case RECORD_TEXT_DECIMAL:
	case RECORD_TEXT_SECONDS:
		return number_parse(
			token, slot->type == RECORD_TYPE_INT32 ? INT32_MAX : INT64_MAX, &number);
	case RECORD_TEXT_ADDRESS:
		return ip_parse(token, &address);
	case RECORD_TEXT_ACTION:
		return str_equal(token, STR("ACCEPT")) || str_equal(token, STR("REJECT"));
	case RECORD_TEXT_STATUS:
		return str_equal(token, STR("OK")) || str_equal(token, STR("NODATA")) ||
		       str_equal(token, STR("SKIPDATA"));
	case RECORD_TEXT_WORD:
		break;
	}
	return true;
}

static enum judge_verdict refuse_count(const struct plan *plan, unsigned count, struct err *reason)
{
	if (count > RECORD_READER_COLUMNS_MAX)
		err_set(reason, ERR_INPUT, "expected %u fields, found more than %d", plan->count,
			RECORD_READER_COLUMNS_MAX);
	else
		err_set(reason, ERR_INPUT, "expected %u field%s, found %u", plan->count,
			plan->count == 1 ? "" : "s", count);
	if (plan->headerless && !plan->told)
		err_hint(reason,
			"without a header line the default format is expected: add a first line with the names of the fields, or give the format");
	return JUDGE_BAD;
}

static enum judge_verdict refuse_field(
	const struct plan_slot *slot, struct str token, struct err *reason)
{
	char name[SHOWN_MAX + 4];
	char found[SHOWN_MAX + 4];

	err_set(reason, ERR_INPUT, "field '%s': expected %s, found '%s'",
		printable(slot->name, name), expectation(slot), printable(token, found));
	return JUDGE_BAD;
}

static enum judge_verdict refuse_bytes(unsigned seen, struct err *reason)
{
	if (seen & RECORD_SEEN_CONTROL)
		err_set(reason, ERR_INPUT, "a control character in the line");
	else if (seen & RECORD_SEEN_BAD_QUOTE)
		err_set(reason, ERR_INPUT, "expected ',' or the end behind a quoted field");
	else
		err_set(reason, ERR_INPUT, "the line is not UTF-8");
	return JUDGE_BAD;
}

static struct str without_mark(struct str line)
{
	static const struct str mark = {"\xef\xbb\xbf", 3};

	if (!str_starts_with(line, mark))
		return line;
	return (struct str){line.p + mark.n, line.n - mark.n};
}

enum judge_verdict judge_line(const struct plan *plan, struct str line,
	struct str tokens[static RECORD_HEADER_TOKENS_MAX], struct err *reason)
{
	unsigned seen;

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n > RECORD_READER_LINE_MAX) {
		err_set(reason, ERR_INPUT, "a line of more than %d bytes", RECORD_READER_LINE_MAX);
		return JUDGE_BAD;
	}
	line = without_mark(line);
	if (line.n == 0)
		return JUDGE_NONE;
	unsigned count = plan->commas ? record_header_split_commas(line, tokens, &seen)
				      : record_header_split_blanks(line, tokens, &seen);
	if (count > plan->count && tokens[plan->count].n && tokens[plan->count].p[0] == '#')
		count = plan->count; /* a comment */
	if (count == 0 || (tokens[0].n && tokens[0].p[0] == '#'))
		return JUDGE_NONE;
	if (seen > RECORD_SEEN_BLANK && (seen & (RECORD_SEEN_CONTROL | RECORD_SEEN_BAD_QUOTE) ||
						!record_header_is_utf8(line)))
		return refuse_bytes(seen, reason);
	if (count != plan->count)
		return refuse_count(plan, count, reason);
	for (unsigned i = 0; i < count; i++) {
		if (!judge_token(&plan->slots[i], tokens[i]))
			return refuse_field(&plan->slots[i], tokens[i], reason);
	}
	return JUDGE_GOOD;
}

/* A name begins with a letter, perhaps behind "${" or a quote: what turns most lines that hold data
 * away at their first or second field. */
static bool may_be_header(struct str line)
{
	bool begins = true;

	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];
		bool letter = (unsigned char)((c | 0x20) - 'a') < 26;
		bool rest = (unsigned char)(c - '0') < 10 || c == '-' || c == '_' || c == '.' ||
			    c == '}';
		bool blank = c == ' ' || c == '\t' || c == ',';

		if (blank)
			begins = true;
		else if (letter)
			begins = false;
		else if (begins ? c != '$' && c != '{' && c != '"' : !rest && c != '"')
			return false;
	}
	return true;
}

unsigned judge_header(struct str line, struct str tokens[static RECORD_HEADER_TOKENS_MAX],
	bool first, const struct plan *plan, bool *ret_commas)
{
	unsigned seen;

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	line = str_trim(without_mark(line));
	if (line.n == 0 || line.n > RECORD_READER_LINE_MAX || !may_be_header(line))
		return 0;
	unsigned count = record_header_split_blanks(line, tokens, &seen);
	*ret_commas = false;
	if (count == 1 && memchr(line.p, ',', line.n)) {
		*ret_commas = true;
		count = record_header_split_commas(line, tokens, &seen);
	}
	if (count == 0 || count > RECORD_READER_COLUMNS_MAX)
		return 0;
	if (record_header_is(tokens, count, first) || (plan && plan_repeats(plan, tokens, count)))
		return count;
	return 0;
}
