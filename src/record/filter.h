/* filter: which rows of a scan are wanted, as far as the scan itself can tell.
 * A conjunction of clauses, each a disjunction of tests on columns. A test on a missing value ('-',
 * or a column that the file does not have) is not true, as in SQL's WHERE. Owner: the caller. */
#pragma once

#include "base/ip.h"
#include "base/mem.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define RECORD_FILTER_TESTS_MAX 16 /* of one clause */

enum record_test_kind {
	RECORD_TEST_TEXT,   /* the text is one of texts */
	RECORD_TEST_RANGE,  /* the number is in one of ranges */
	RECORD_TEST_PREFIX, /* the text is an address in one of prefixes */
	RECORD_TEST_NEVER,  /* of a column that the file does not have */
};

struct record_range {
	int64_t low, high; /* both belong to it */
};

struct record_test {
	enum record_test_kind kind;
	size_t column; /* of the scan */
	size_t count;  /* of what follows */
	union {
		struct str *texts; /* each with its bytes */
		struct record_range *ranges;
		struct ip_prefix *prefixes;
	};
};

struct record_clause {
	struct record_test *tests;
	size_t count;
};

struct record_filter {
	struct record_clause *clauses;
	size_t count;
};

/* Addresses of one family are in no prefix of the other. */
static inline bool record_prefix_contains(
	const struct ip_prefix *prefix, const struct ip_addr *address)
{
	return ip_is_v4(address) == (prefix->length >= 96 && ip_is_v4(&prefix->addr)) &&
	       ip_prefix_contains(prefix, address);
}
