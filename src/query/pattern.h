/* pattern: filter patterns of CloudWatch Logs, compiled once and run over many events. Source:
 * CloudWatch Logs user guide, "Filter pattern syntax for metric filters, subscription filters,
 * filter log events, and Live Tail". Case matters everywhere.
 *
 *   ERROR "disk full" -test     terms: all of them, anywhere in the message; phrases in quotes;
 * '-': must not be there ?ERROR ?WARN                at least one; beside other terms '?' ones do
 * not count, as in AWS %5[0-9]{2}%                 a regular expression, also as a term { $.code =
 * 403 && $.user != "root*" }           selectors of JSON [version, ..., dstport = 22 || dstport =
 * 3389, packets > 10, ..., action = REJECT, status] words of a line by position; "..." and [...]
 * are one word
 *
 * Where AWS says nothing: a message with fewer words than the pattern has names does not match, one
 * with more does when the last name has no condition (it stands for the rest) or there is an
 * ellipsis. A number is compared as one where the word is one, as text otherwise; order
 * comparisons of anything else are false. A selector that finds nothing, an object or an array
 * makes its comparison false, also "!=".
 *
 * A regular expression knows AWS's subset: no parentheses; ^ and $ at the ends. Every pattern takes
 * time in proportion to the message, whatever it is, and memory fixed when it is compiled: regular
 * expressions are sets of states moved on by each byte (Navarro and Raffinot, 2002), not tried out.
 *
 * Owner: the caller. A compiled pattern may be used by all threads. Nothing blocks. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_PATTERN_MAX       1024 /* bytes */
#define QUERY_PATTERN_REGEX_MAX 2    /* regular expressions in one pattern */
#define QUERY_PATTERN_STATES    512  /* of all of one regular expression, repetitions written out */

struct query_pattern;

/* Empty text and spaces match everything. Errors are ERR_USAGE and tell position and what was
 * expected. The text is copied. */
int query_pattern_new(struct query_pattern **ret_pattern, struct str text, struct err *err);
void query_pattern_free(struct query_pattern *pattern);
MEM_DEFINE_CLEANUP(struct query_pattern, query_pattern_free)

bool query_pattern_matches_all(const struct query_pattern *pattern);
bool query_pattern_matches(const struct query_pattern *pattern, struct str message);
/* Many messages that lie one behind the other: message i is bytes[starts[i]] to
 * bytes[starts[i + 1]], less separator bytes at its end. Sets bit i of ret_bits (words of 64,
 * rounded up) for those that match and clears the others; returns how many match. Where every match
 * must contain some text, it is looked for in the whole block, and only messages with it are looked
 * at. */
size_t query_pattern_select(const struct query_pattern *pattern, const char *bytes,
	const uint32_t *starts, size_t count, size_t separator, uint64_t *ret_bits);

/* Are these bytes, messages one behind the other, free of matches? False: one must look. */
bool query_pattern_excludes(const struct query_pattern *pattern, const char *bytes, size_t n);

/* Lines that all have the same number of words, with one blank between them, as columns: a word is
 * in the list of different ones, or a number or an IPv4 address that would be written in the same
 * way again. Values are unsigned integers of width bytes (0: all are 0). */
enum query_pattern_values {
	QUERY_PATTERN_NO_VALUES, /* in the lines only */
	QUERY_PATTERN_NUMBERS,   /* base more; with has_none 0 is "-", and the others one less */
	QUERY_PATTERN_ADDRESSES, /* likewise, the first byte highest */
	QUERY_PATTERN_WORDS      /* numbers of words */
};
struct query_pattern_column {
	enum query_pattern_values kind;
	unsigned width; /* 0, 1, 2, 4, 8 */
	bool has_none;
	int64_t base, last; /* last: no number is larger */
	const void *values;
	uint32_t word_count;
	const uint32_t *word_ends; /* in words */
	const char *words;
	const uint64_t *bytes; /* of words and what has no values: a bit for each byte that is in
				  them; NULL: not known */
	bool has_filter;       /* no values: may_have can be asked */
	uint32_t shortest, longest; /* then: of the words, in bytes */
};
struct query_pattern_columns {
	size_t rows, count;
	const struct query_pattern_column *columns;
	/* Asked before values, words or the filter of a column are read; false: it has none. */
	bool (*use)(void *context, size_t column);
	/* May a word of the column, which has a filter, be this one? */
	bool (*may_have)(void *context, size_t column, struct str word);
	void *context;
};
/* Sets the bits of all lines that may match, and of few others; false: the columns do not tell. */
bool query_pattern_narrow(const struct query_pattern *pattern,
	const struct query_pattern_columns *columns, uint64_t *ret_bits);

/* What a pattern with names finds in a message that it matches: each name ("$dstport"; "$3" for the
 * third word when an ellipsis covers it) or selector ("$.user.id") with its value, in order. Values
 * are valid during the call. Returns false when it does not match; terms have nothing to tell. */
typedef void query_pattern_value(void *context, struct str name, struct str value);
bool query_pattern_extract(const struct query_pattern *pattern, struct str message,
	query_pattern_value *found, void *context);
/* Is this a name ("$dstport") or selector ("$.bytes") that the pattern gives? For metric values. */
bool query_pattern_has_name(const struct query_pattern *pattern, struct str name);
/* Regular expressions in it: a log group may have five. */
unsigned query_pattern_regexes(const struct query_pattern *pattern);
