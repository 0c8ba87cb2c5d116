/* Types of CAST, as DuckDB names them. As deep as QUERY_TRINO_DEPTH. NOLINTBEGIN(misc-no-recursion)
 */
#include "query/trino_priv.h"

static int emit_row_type(struct rewriting *rewriting, struct range inside, struct buf *sql)
{
	struct range parts[ARGUMENTS_MAX];
	size_t count = trino_split(rewriting, inside, parts);

	if (count == 0 || count == SIZE_MAX)
		return trino_fail_at(rewriting, inside.from, "expected the fields of a row");
	buf_add_text(sql, "STRUCT(");
	for (size_t i = 0; i < count; i++) {
		if (parts[i].to - parts[i].from < 2 || !is_identifier(rewriting, parts[i].from))
			return trino_fail_at(
				rewriting, parts[i].from, "expected a name and a type");
		buf_add_text(sql, i ? ", " : "");
		buf_add_str(sql, token_at(rewriting, parts[i].from)->text);
		buf_add_char(sql, ' ');
		if (trino_emit_type(
			    rewriting, (struct range){parts[i].from + 1, parts[i].to}, sql) < 0)
			return -1;
	}
	buf_add_char(sql, ')');
	return 0;
}

static int emit_map_type(struct rewriting *rewriting, struct range inside, struct buf *sql)
{
	struct range parts[ARGUMENTS_MAX];

	if (trino_split(rewriting, inside, parts) != 2)
		return trino_fail_at(rewriting, inside.from, "expected the types of key and value");
	buf_add_text(sql, "MAP(");
	if (trino_emit_type(rewriting, parts[0], sql) < 0)
		return -1;
	buf_add_text(sql, ", ");
	if (trino_emit_type(rewriting, parts[1], sql) < 0)
		return -1;
	buf_add_char(sql, ')');
	return 0;
}

int trino_emit_type(struct rewriting *rewriting, struct range range, struct buf *sql)
{
	static const struct {
		const char *trino, *duckdb;
	} names[] = {
		{"VARBINARY", "BLOB"},
		{"STRING", "VARCHAR"},
		{"CHAR", "VARCHAR"},
		{"VARCHAR", "VARCHAR"},
		{"TIME", "TIME"},
		{"INTERVAL", "INTERVAL"},
	};
	size_t inside = range.from + 1;
	bool has_inside = is_mark(rewriting, inside, '(') && inside < range.to;
	struct range parameters = {
		inside + 1, has_inside ? rewriting->closing[inside] : inside + 1};

	if (range.from >= range.to)
		return trino_fail_at(rewriting, range.from, "expected a type");
	if (is_word(rewriting, range.from, "ARRAY") && has_inside) {
		if (trino_emit_type(rewriting, parameters, sql) < 0)
			return -1;
		buf_add_text(sql, "[]");
		return 0;
	}
	if (is_word(rewriting, range.from, "ROW") && has_inside)
		return emit_row_type(rewriting, parameters, sql);
	if (is_word(rewriting, range.from, "MAP") && has_inside)
		return emit_map_type(rewriting, parameters, sql);
	if (is_word(rewriting, range.from, "TIMESTAMP")) {
		buf_add_text(sql, is_word(rewriting, range.to - 1, "ZONE") &&
						  is_word(rewriting, range.to - 3, "WITH")
					  ? "TIMESTAMPTZ"
					  : "TIMESTAMP");
		return 0;
	}
	if (is_word(rewriting, range.from, "DECIMAL") && !has_inside) {
		buf_add_text(sql, "DECIMAL(38, 0)");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (is_word(rewriting, range.from, names[i].trino)) {
			buf_add_text(sql, names[i].duckdb);
			return 0;
		}
	}
	for (size_t i = range.from; i < range.to; i++)
		buf_add_str(sql, token_at(rewriting, i)->text);
	return 0;
}
/* NOLINTEND(misc-no-recursion) */
