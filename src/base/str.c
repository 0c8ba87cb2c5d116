#include "base/str.h"

#include <strings.h>

bool str_equal_ignoring_case(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

size_t str_place(struct str name, const void *names, size_t count,
	struct str (*name_of)(const void *names, size_t i), bool *ret_found)
{
	size_t low = 0, high = count;
	bool found = false;

	while (low < high && !found) {
		size_t middle = low + (high - low) / 2;
		int order = str_compare(name_of(names, middle), name);
		found = order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (ret_found)
		*ret_found = found;
	return found ? high : low;
}

bool str_split(struct str *rest, char delimiter, struct str *ret_part)
{
	if (!rest->p)
		return false;
	const char *end = rest->n ? memchr(rest->p, delimiter, rest->n) : NULL;
	if (!end) {
		*ret_part = *rest;
		*rest = STR_NONE;
	} else {
		*ret_part = (struct str){rest->p, (size_t)(end - rest->p)};
		*rest = (struct str){end + 1, rest->n - ret_part->n - 1};
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n && is_blank(s.p[0]))
		s.p++, s.n--;
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}
