/* Names of results: what a SELECT list does not name is "_col0" and so on by its place.
 * And what is in a time zone, which DuckDB's values do not keep. As deep as QUERY_TRINO_DEPTH.
 * NOLINTBEGIN(misc-no-recursion) */
#include "query/trino_priv.h"

/* Does the item of a SELECT list have a name: a column, with AS or without, or '*'? */
static bool has_name(const struct rewriting *rewriting, struct range item)
{
	static const char *const values[] = {"NULL", "TRUE", "FALSE", "END", "CURRENT_DATE",
		"CURRENT_TIMESTAMP", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_USER",
		"CURRENT_SCHEMA", "CURRENT_CATALOG"};
	static const char *const operators[] = {"AND", "OR", "NOT", "LIKE", "IN", "IS", "BETWEEN",
		"ESCAPE", "THEN", "ELSE", "WHEN", "FROM", "DISTINCT", "ALL"};
	size_t last = item.to - 1;

	if (item.to <= item.from || is_mark(rewriting, last, '*'))
		return true;
	if (!is_identifier(rewriting, last) ||
		is_one_of(rewriting, last, values, ARRAY_SIZE(values)))
		return false;
	if (last == item.from || is_mark(rewriting, last - 1, '.'))
		return true;
	if (is_word(rewriting, last - 1, "AS"))
		return true;
	/* INTERVAL '1' DAY is no name, a mark but for a bracket is an operator. */
	if (last >= item.from + 2 && is_word(rewriting, last - 2, "INTERVAL"))
		return false;
	if (token_at(rewriting, last - 1)->kind == SQL_MARK)
		return is_mark(rewriting, last - 1, ')') || is_mark(rewriting, last - 1, ']');
	return !is_one_of(rewriting, last - 1, operators, ARRAY_SIZE(operators));
}

/* The list of the outermost SELECT, the first one in a UNION. */
static bool find_list(const struct rewriting *rewriting, struct range *ret_list)
{
	static const char *const ends[] = {"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER",
		"LIMIT", "OFFSET", "FETCH", "UNION", "INTERSECT", "EXCEPT"};
	size_t i = 0;

	while (i < rewriting->count && !is_word(rewriting, i, "SELECT"))
		i = rewriting->closing[i] ? rewriting->closing[i] + 1 : i + 1;
	if (i == rewriting->count)
		return false;
	ret_list->from = ++i;
	if (is_word(rewriting, i, "DISTINCT") || is_word(rewriting, i, "ALL"))
		ret_list->from = ++i;
	while (i < rewriting->count && (!is_one_of(rewriting, i, ends, ARRAY_SIZE(ends)) ||
					       is_word(rewriting, i - 1, "WITHIN")))
		i = rewriting->closing[i] ? rewriting->closing[i] + 1 : i + 1;
	ret_list->to = i;
	return ret_list->to > ret_list->from;
}

/* Is it a timestamp in a zone that a literal names: "x AT TIME ZONE 'Asia/Tokyo'", or such a call,
 * date_trunc of one too? The place of the literal, 0: no. */
static size_t zone_of(const struct rewriting *rewriting, struct range range)
{
	static const char *const calls[] = {"FROM_UNIXTIME", "AT_TIMEZONE", "DATE_TRUNC"};
	struct range parts[ARGUMENTS_MAX];
	size_t last = range.to - 1;

	if (range.to < range.from + 5)
		return 0;
	if (is_string(rewriting, last) && is_word(rewriting, last - 1, "ZONE") &&
		is_word(rewriting, last - 2, "TIME") && is_word(rewriting, last - 3, "AT"))
		return last;
	if (!is_mark(rewriting, range.from + 1, '(') ||
		rewriting->closing[range.from + 1] != last ||
		!is_one_of(rewriting, range.from, calls, ARRAY_SIZE(calls)) ||
		trino_split(rewriting, (struct range){range.from + 2, last}, parts) != 2)
		return 0;
	if (is_word(rewriting, range.from, "DATE_TRUNC"))
		return zone_of(rewriting, parts[1]);
	return is_string(rewriting, parts[1].from) && parts[1].to == parts[1].from + 1
		       ? parts[1].from
		       : 0;
}

/* An item of the outermost list. */
static int emit_item(struct rewriting *rewriting, struct range item, struct buf *sql)
{
	size_t end = item.to;

	if (end > item.from + 2 && is_word(rewriting, end - 2, "AS"))
		end -= 2;
	else if (end > item.from + 1 && has_name(rewriting, item))
		end--;
	size_t zone = zone_of(rewriting, (struct range){item.from, end});
	if (!zone || str_equal_ignoring_case(string_at(rewriting, zone), STR("UTC")))
		return trino_emit(rewriting, item, sql);
	buf_add_text(sql, " trino_zoned(");
	if (trino_emit(rewriting, (struct range){item.from, end}, sql) < 0)
		return -1;
	buf_printf(sql, ", %.*s)", STR_ARG(token_at(rewriting, zone)->text));
	return trino_emit(rewriting, (struct range){end, item.to}, sql);
}

static bool has_sets(const struct rewriting *rewriting, size_t i)
{
	static const char *const words[] = {"UNION", "INTERSECT", "EXCEPT"};

	for (; i < rewriting->count;
		i = rewriting->closing[i] ? rewriting->closing[i] + 1 : i + 1) {
		if (is_one_of(rewriting, i, words, ARRAY_SIZE(words)))
			return true;
	}
	return false;
}

int trino_emit_all(struct rewriting *rewriting)
{
	struct buf *sql = &rewriting->result->sql;
	struct range parts[ARGUMENTS_MAX];
	struct range list;
	size_t at = 0;

	if (find_list(rewriting, &list)) {
		size_t count = trino_split(rewriting, list, parts);
		bool sets = has_sets(rewriting, list.to);
		for (size_t i = 0; count != SIZE_MAX && i < count; i++) {
			if (trino_emit(rewriting, (struct range){at, parts[i].from}, sql) < 0 ||
				(sets ? trino_emit(rewriting, parts[i], sql)
				      : emit_item(rewriting, parts[i], sql)) < 0)
				return -1;
			if (!has_name(rewriting, parts[i]))
				buf_printf(sql, " AS \"_col%zu\"", i);
			at = parts[i].to;
		}
	}
	return trino_emit(rewriting, (struct range){at, rewriting->count}, sql);
}
/* NOLINTEND(misc-no-recursion) */
