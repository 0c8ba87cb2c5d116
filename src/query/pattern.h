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
