/* str: a borrowed run of bytes, no terminating NUL needed. Copy the struct freely; whoever made the
 * bytes keeps them alive. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE     ((struct str){NULL, 0})
/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_from(const char *text)
{
	return (struct str){text, strlen(text)};
}

static inline bool str_equal(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_starts_with(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends_with(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

bool str_equal_ignoring_case(struct str a, struct str b);

/* <0, 0, >0, by bytes. */
static inline int str_compare(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Where the name is among count names in order, or else where it would be. name_of: the ith.
 * ret_found: NULL is allowed. */
size_t str_place(struct str name, const void *names, size_t count,
	struct str (*name_of)(const void *names, size_t i), bool *ret_found);

/* Takes what stands before the next delimiter off the front of *rest (the delimiter goes too).
 * False when *rest is spent; an empty part between two delimiters is a part. */
bool str_split(struct str *rest, char delimiter, struct str *ret_part);
/* Without spaces and tabs at both ends. */
struct str str_trim(struct str s);
