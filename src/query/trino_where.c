/* WHERE in the order of its author. Trino asks the parts of an AND from left to right and stops at
 * the first that is not true, so that "log_status = 'OK' AND CAST(srcaddr AS IPADDRESS) > ..."
 * casts no '-'. DuckDB asks them in an order of its own. Parts that can fail are therefore asked
 * behind a CASE of the others, which also stand as they are: partitions are found by them. As deep
 * as QUERY_TRINO_DEPTH. NOLINTBEGIN(misc-no-recursion) */
#include "query/trino_priv.h"

#define PARTS_MAX 32

static bool can_fail(const struct rewriting *rewriting, struct range range)
{
	static const char *const calls[] = {"CAST", "DATE_PARSE", "PARSE_DATETIME", "DATE",
		"FROM_ISO8601_TIMESTAMP", "FROM_ISO8601_DATE", "FROM_BASE", "JSON_PARSE",
		"IP_PREFIX", "CONTAINS", "TO_TIMESTAMP", "TO_DATE", "PARSE_DURATION"};

	for (size_t i = range.from; i < range.to; i++) {
		if (is_mark(rewriting, i + 1, '(') &&
			is_one_of(rewriting, i, calls, ARRAY_SIZE(calls)))
			return true;
	}
	return false;
}

static size_t skip(const struct rewriting *rewriting, size_t i)
{
	return rewriting->closing[i] ? rewriting->closing[i] + 1 : i + 1;
}

/* The parts of "a AND b AND c"; 0: there is an OR, a CASE or too much of it. */
static size_t split(const struct rewriting *rewriting, struct range range, struct range *parts)
{
	size_t count = 0, from = range.from;
	bool between = false;

	for (size_t i = range.from; i < range.to; i = skip(rewriting, i)) {
		if (is_word(rewriting, i, "OR") || is_word(rewriting, i, "CASE"))
			return 0;
		if (is_word(rewriting, i, "BETWEEN")) {
			between = true;
		} else if (is_word(rewriting, i, "AND") && between) {
			between = false;
		} else if (is_word(rewriting, i, "AND")) {
			if (count == PARTS_MAX - 1)
				return 0;
			parts[count++] = (struct range){from, i};
			from = i + 1;
		}
	}
	parts[count++] = (struct range){from, range.to};
	return count;
}

size_t trino_where_end(const struct rewriting *rewriting, size_t from, size_t to)
{
	static const char *const ends[] = {"GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET",
		"FETCH", "UNION", "INTERSECT", "EXCEPT"};
	size_t i = from;

	while (i < to && !is_one_of(rewriting, i, ends, ARRAY_SIZE(ends)))
		i = skip(rewriting, i);
	return i;
}

/* Those that can fail, or cannot, with a word between. */
static int emit_those(struct rewriting *rewriting, const struct range *parts, size_t count,
	const bool *fails, const char *between, struct buf *sql)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (fails[i])
			continue;
		buf_add_text(sql, any ? between : "");
		if (trino_emit(rewriting, parts[i], sql) < 0)
			return -1;
		any = true;
	}
	return 0;
}

int trino_emit_where(struct rewriting *rewriting, struct range range, struct buf *sql)
{
	struct range parts[PARTS_MAX];
	bool fails[PARTS_MAX];
	size_t count = split(rewriting, range, parts), failing = 0, opened = 0;

	for (size_t i = 0; i < count; i++)
		failing += fails[i] = can_fail(rewriting, parts[i]);
	if (count < 2 || failing == 0 || range.from >= range.to)
		return trino_emit(rewriting, range, sql);
	if (failing < count) {
		if (emit_those(rewriting, parts, count, fails, " AND", sql) < 0)
			return -1;
		buf_add_text(sql, " AND CASE WHEN");
		if (emit_those(rewriting, parts, count, fails, " AND", sql) < 0)
			return -1;
		buf_add_text(sql, " THEN");
		opened++;
	}
	for (size_t i = 0; i < count; i++) {
		if (!fails[i])
			continue;
		bool is_last = --failing == 0;
		buf_add_text(sql, is_last ? " (" : " CASE WHEN");
		if (trino_emit(rewriting, parts[i], sql) < 0)
			return -1;
		buf_add_text(sql, is_last ? ")" : " THEN");
		opened += !is_last;
	}
	while (opened-- > 0)
		buf_add_text(sql, " ELSE false END");
	return 0;
}
/* NOLINTEND(misc-no-recursion) */
