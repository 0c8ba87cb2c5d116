/* The conditions of a statement as conditions on the columns of Parquet objects, where DuckDB
 * compares them with the statistics and bloom filters of row groups. It could not do that with the
 * statement's own: there "-" is NULL, so that they are about an expression. Whatever the outer
 * condition keeps, these keep; a clause that has no such form is left to it. */
#include "query/columns_priv.h"

#include "query/filter_priv.h"

#include <inttypes.h>

/* The one column of the object that the session's column is made of; NULL: none, or several. */
static const struct query_shape_column *find_source(
	const struct query_shape *shape, size_t column, bool *ret_absent)
{
	const struct query_shape_column *found = NULL;
	size_t sources = 0;

	for (size_t i = 0; i < shape->count; i++) {
		if (shape->source[i].column != (int)column)
			continue;
		found = &shape->source[i];
		sources++;
	}
	*ret_absent = sources == 0;
	return sources == 1 ? found : NULL;
}

static bool is_integer(const char *type)
{
	static const char *const types[] = {
		"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(type, types[i]) == 0)
			return true;
	}
	return false;
}

static void add_texts(struct buf *buf, const char *name, const struct record_test *test)
{
	query_add_identifier(buf, name);
	buf_add_text(buf, test->count == 1 ? " = " : " IN (");
	for (size_t i = 0; i < test->count; i++) {
		_cleanup_free_ char *text = mem_printf("%.*s", STR_ARG(test->texts[i]));
		buf_add_text(buf, i ? ", " : "");
		query_add_literal(buf, text);
	}
	buf_add_text(buf, test->count == 1 ? "" : ")");
}

static void add_ranges(struct buf *buf, const char *name, const struct record_test *test)
{
	for (size_t i = 0; i < test->count; i++) {
		int64_t low = test->ranges[i].low, high = test->ranges[i].high;
		buf_add_text(buf, i ? " OR (" : "(");
		query_add_identifier(buf, name);
		if (low == high)
			buf_printf(buf, " = %" PRId64, low);
		else if (low == INT64_MIN)
			buf_printf(buf, " <= %" PRId64, high);
		else if (high == INT64_MAX)
			buf_printf(buf, " >= %" PRId64, low);
		else
			buf_printf(buf, " BETWEEN %" PRId64 " AND %" PRId64, low, high);
		buf_add_char(buf, ')');
	}
}

static bool has_zero(const struct record_test *test)
{
	for (size_t i = 0; i < test->count; i++) {
		if (test->texts[i].n && memchr(test->texts[i].p, '\0', test->texts[i].n))
			return true;
	}
	return false;
}

/* False when the test has no form here. */
static bool add_test(
	struct buf *buf, const struct query_shape *shape, const struct record_test *test)
{
	bool absent;
	const struct query_shape_column *source = find_source(shape, test->column, &absent);

	if (test->kind == RECORD_TEST_NEVER || absent || test->count == 0) {
		buf_add_text(buf, "false");
		return true;
	}
	if (!source)
		return false;
	switch (test->kind) {
	case RECORD_TEST_TEXT:
		if (strcmp(source->type, "VARCHAR") != 0 || has_zero(test))
			return false;
		add_texts(buf, source->name, test);
		return true;
	case RECORD_TEST_RANGE:
		if (!is_integer(source->type))
			return false;
		add_ranges(buf, source->name, test);
		return true;
	case RECORD_TEST_PREFIX:
	case RECORD_TEST_NEVER:
		break;
	}
	return false;
}

static bool add_clause(
	struct buf *buf, const struct query_shape *shape, const struct record_clause *clause)
{
	for (size_t i = 0; i < clause->count; i++) {
		buf_add_text(buf, i ? " OR " : "");
		if (!add_test(buf, shape, &clause->tests[i]))
			return false;
	}
	return clause->count > 0;
}

void query_columns_filter(
	struct buf *buf, const struct query_shape *shape, const struct query_filter *filter)
{
	const char *separator = " WHERE ";

	for (size_t i = 0; filter && i < filter->filter.count; i++) {
		_cleanup_buf_ struct buf clause = {0};
		if (!add_clause(&clause, shape, &filter->filter.clauses[i]))
			continue;
		buf_add_text(buf, separator);
		buf_printf(buf, "(%s)", buf_text(&clause));
		separator = " AND ";
	}
}

/* ---- statistics ---- */

enum { PHYSICAL_INT32 = 1, PHYSICAL_INT64 = 2, PHYSICAL_TEXT = 6 };

static const struct record_parquet_part *find_part(
	const struct record_parquet_part *parts, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal(parts[i].name, str_from(name)))
			return &parts[i];
	}
	return NULL;
}

/* False: it is no integer, or larger than ours. */
static bool read_limit(struct str bytes, int physical, bool is_unsigned, int64_t *ret_value)
{
	uint64_t value = 0;

	if (!bytes.p || bytes.n != (physical == PHYSICAL_INT32 ? 4 : 8))
		return false;
	for (size_t i = bytes.n; i-- > 0;)
		value = value << 8 | (unsigned char)bytes.p[i];
	if (physical == PHYSICAL_INT32 && !is_unsigned)
		value = (uint64_t)(int64_t)(int32_t)value;
	*ret_value = (int64_t)value;
	return !is_unsigned || value <= INT64_MAX;
}

static bool may_hold_range(
	const struct record_parquet_part *part, const char *type, const struct record_test *test)
{
	int64_t low, high;

	if ((part->type != PHYSICAL_INT32 && part->type != PHYSICAL_INT64) || !is_integer(type) ||
		!read_limit(part->low, part->type, type[0] == 'U', &low) ||
		!read_limit(part->high, part->type, type[0] == 'U', &high))
		return true;
	for (size_t i = 0; i < test->count; i++) {
		if (test->ranges[i].low <= high && test->ranges[i].high >= low)
			return true;
	}
	return false;
}

static int compare_bytes(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static bool may_hold_text(
	const struct record_parquet_part *part, const char *type, const struct record_test *test)
{
	if (part->type != PHYSICAL_TEXT || strcmp(type, "VARCHAR") != 0 || !part->low.p ||
		!part->high.p)
		return true;
	for (size_t i = 0; i < test->count; i++) {
		if (compare_bytes(part->low, test->texts[i]) <= 0 &&
			compare_bytes(test->texts[i], part->high) <= 0)
			return true;
	}
	return false;
}

static bool may_pass(const struct query_shape *shape, const struct record_test *test,
	const struct record_parquet_part *parts, size_t count)
{
	bool absent;
	const struct query_shape_column *source = find_source(shape, test->column, &absent);

	if (test->kind == RECORD_TEST_NEVER || absent || test->count == 0)
		return false;
	const struct record_parquet_part *part =
		source ? find_part(parts, count, source->name) : NULL;
	if (!part)
		return true;
	return test->kind == RECORD_TEST_RANGE  ? may_hold_range(part, source->type, test)
	       : test->kind == RECORD_TEST_TEXT ? may_hold_text(part, source->type, test)
						: true;
}

bool query_columns_may_hold(const struct query_shape *shape, const struct query_filter *filter,
	const struct record_parquet_part *parts, size_t count)
{
	for (size_t i = 0; filter && i < filter->filter.count; i++) {
		const struct record_clause *clause = &filter->filter.clauses[i];
		bool may = false;
		for (size_t j = 0; j < clause->count && !may; j++)
			may = may_pass(shape, &clause->tests[j], parts, count);
		if (!may)
			return false;
	}
	return true;
}
