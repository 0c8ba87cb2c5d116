/* Types of Hive's DDL (Athena user guide, "Data types in Amazon Athena") as DuckDB's. */
#include "query/athena_priv.h"

#include "base/number.h"

#include <ctype.h>

/* Nesting is bounded. NOLINTBEGIN(misc-no-recursion) */
enum { DEPTH_MAX = 32 };

static const struct {
	const char *hive, *sql;
} simple[] = {
	{"string", "VARCHAR"},
	{"varchar", "VARCHAR"},
	{"char", "VARCHAR"},
	{"tinyint", "TINYINT"},
	{"smallint", "SMALLINT"},
	{"int", "INTEGER"},
	{"integer", "INTEGER"},
	{"bigint", "BIGINT"},
	{"float", "FLOAT"},
	{"double", "DOUBLE"},
	{"boolean", "BOOLEAN"},
	{"date", "DATE"},
	{"timestamp", "TIMESTAMP"},
	{"binary", "BLOB"},
	{"decimal", "DECIMAL(10,0)"},
};

static bool add_type(struct str *rest, struct buf *sql, int depth);

static bool eat(struct str *rest, char mark)
{
	*rest = str_trim(*rest);
	if (!rest->n || rest->p[0] != mark)
		return false;
	rest->p++;
	rest->n--;
	return true;
}

static struct str word(struct str *rest)
{
	struct str name;

	*rest = str_trim(*rest);
	name = *rest;
	name.n = 0;
	while (rest->n && (isalnum((unsigned char)rest->p[0]) || strchr("_-$", rest->p[0]))) {
		name.n++;
		rest->p++;
		rest->n--;
	}
	return name;
}

static bool add_struct(struct str *rest, struct buf *sql, int depth)
{
	buf_add_text(sql, "STRUCT(");
	for (bool first = true;; first = false) {
		struct str name = word(rest);
		if (!name.n || !eat(rest, ':'))
			return false;
		buf_add_text(sql, first ? "" : ", ");
		athena_add_name(sql, name);
		buf_add_char(sql, ' ');
		if (!add_type(rest, sql, depth))
			return false;
		if (eat(rest, '>'))
			break;
		if (!eat(rest, ','))
			return false;
	}
	buf_add_char(sql, ')');
	return true;
}

/* varchar(10) and char(10) are texts, decimal(p, s) keeps both. */
static bool add_sizes(struct str *rest, struct buf *sql, bool keep)
{
	buf_add_text(sql, keep ? "(" : "");
	for (;;) {
		uint64_t size;
		if (!number_parse(word(rest), 65535, &size))
			return false;
		if (keep)
			buf_printf(sql, "%u", (unsigned)size);
		if (eat(rest, ')'))
			break;
		if (!eat(rest, ','))
			return false;
		buf_add_text(sql, keep ? "," : "");
	}
	buf_add_text(sql, keep ? ")" : "");
	return true;
}

static bool add_simple(struct str name, struct str *rest, struct buf *sql)
{
	for (size_t i = 0; i < ARRAY_SIZE(simple); i++) {
		if (!str_equal_ignoring_case(name, str_from(simple[i].hive)))
			continue;
		if (!eat(rest, '(')) {
			buf_add_text(sql, simple[i].sql);
			return true;
		}
		bool decimal = strcmp(simple[i].hive, "decimal") == 0;
		buf_add_text(sql, decimal ? "DECIMAL" : simple[i].sql);
		return (decimal || strcmp(simple[i].sql, "VARCHAR") == 0) &&
		       add_sizes(rest, sql, decimal);
	}
	return false;
}

static bool add_type(struct str *rest, struct buf *sql, int depth)
{
	struct str name = word(rest);

	if (depth == 0)
		return false;
	if (str_equal_ignoring_case(name, STR("array"))) {
		if (!eat(rest, '<') || !add_type(rest, sql, depth - 1) || !eat(rest, '>'))
			return false;
		buf_add_text(sql, "[]");
		return true;
	}
	if (str_equal_ignoring_case(name, STR("map"))) {
		buf_add_text(sql, "MAP(");
		if (!eat(rest, '<') || !add_type(rest, sql, depth - 1) || !eat(rest, ','))
			return false;
		buf_add_text(sql, ", ");
		if (!add_type(rest, sql, depth - 1) || !eat(rest, '>'))
			return false;
		buf_add_char(sql, ')');
		return true;
	}
	if (str_equal_ignoring_case(name, STR("struct")))
		return eat(rest, '<') && add_struct(rest, sql, depth - 1);
	return add_simple(name, rest, sql);
}

bool athena_hive_type(struct str type, struct buf *sql)
{
	return add_type(&type, sql, DEPTH_MAX) && str_trim(type).n == 0;
}
/* NOLINTEND(misc-no-recursion) */
