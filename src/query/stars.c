/* `SELECT *` over a table that also has the older names as columns must not show them. DuckDB says
 * in its parse tree where each star stands (query_location) and what is in its FROM clause; an
 * EXCLUDE list goes into the text there: "* EXCLUDE (vpc_flow_logs.sourceaddress)". A list that the
 * author wrote is extended. `FROM t` without SELECT gets its "SELECT * EXCLUDE (...)" in front. */
#include "query/rewrite_priv.h"

#include "query/lexer_priv.h"
#include "record/field.h"

#include <jansson.h>

/* Where in the text goes what: one a star. */
struct edit {
	size_t at;
	char *text;
};

struct edits {
	struct str sql;
	uint32_t aliases;
	struct edit *edit;
	size_t count;
};

/* Names that stand for vpc_flow_logs in one FROM clause. */
#define TABLES_MAX 16
struct tables {
	const char *name[TABLES_MAX];
	size_t count;
};

static bool text_is(const json_t *object, const char *key, const char *expected)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && str_equal_ignoring_case(str_from(text), str_from(expected));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* These walks are as deep as the tree, and DuckDB's parser and jansson bound that.
 * NOLINTBEGIN(misc-no-recursion) */
static void collect_tables(const json_t *from, struct tables *tables)
{
	if (text_is(from, "type", "JOIN")) {
		collect_tables(json_object_get(from, "left"), tables);
		collect_tables(json_object_get(from, "right"), tables);
	} else if (text_is(from, "type", "BASE_TABLE") &&
		   text_is(from, "table_name", REWRITE_TABLE) &&
		   (text_is(from, "schema_name", "") || text_is(from, "schema_name", "main") ||
			   text_is(from, "schema_name", "default")) &&
		   json_array_size(json_object_get(from, "column_name_alias")) == 0 &&
		   tables->count < TABLES_MAX) {
		const char *alias = text_of(from, "alias");
		tables->name[tables->count++] = *alias ? alias : REWRITE_TABLE;
	}
}

/* t."sourceaddress", ... for the tables that the star is about. */
static void add_names(struct buf *buf, const struct edits *edits, const struct tables *tables,
	const char *relation)
{
	const char *separator = "";

	for (size_t t = 0; t < tables->count; t++) {
		if (*relation &&
			!str_equal_ignoring_case(str_from(relation), str_from(tables->name[t])))
			continue;
		for (unsigned i = 0; i < record_field_aliases_count; i++) {
			if (!(edits->aliases >> i & 1))
				continue;
			buf_add_text(buf, separator);
			buf_add_char(buf, '"');
			for (const char *p = tables->name[t]; *p; p++) {
				if (*p == '"')
					buf_add_char(buf, '"');
				buf_add_char(buf, *p);
			}
			buf_printf(buf, "\".%.*s", STR_ARG(record_field_aliases[i].sql_name));
			separator = ", ";
		}
	}
}

static void add_edit(struct edits *edits, size_t at, struct buf *text)
{
	edits->edit = mem_grow(edits->edit, edits->count + 1, sizeof(*edits->edit));
	edits->edit[edits->count++] = (struct edit){at, mem_strdup(buf_text(text))};
}

/* Behind the star at sql[location]: a list of its own, or more of the one that is there. */
static void edit_star(struct edits *edits, size_t location, struct str names)
{
	struct str rest = {edits->sql.p + location, edits->sql.n - location};
	_cleanup_buf_ struct buf text = {0};
	struct sql_token token;

	if (!sql_token_next_significant(&rest, &token))
		return;
	if (sql_token_is(&token, "FROM")) {
		buf_printf(&text, "SELECT * EXCLUDE (%.*s) ", STR_ARG(names));
		add_edit(edits, location, &text);
		return;
	}
	while (!sql_token_is_mark(&token, '*')) {
		/* t.*, s.t.*, COLUMNS(*: nothing else comes before the star */
		if (token.kind == SQL_STRING || token.kind == SQL_NUMBER ||
			!sql_token_next_significant(&rest, &token))
			return;
	}
	size_t behind_star = (size_t)(rest.p - edits->sql.p);
	if (!sql_token_next_significant(&rest, &token) || !sql_token_is(&token, "EXCLUDE")) {
		buf_printf(&text, " EXCLUDE (%.*s)", STR_ARG(names));
		add_edit(edits, behind_star, &text);
		return;
	}
	if (!sql_token_next_significant(&rest, &token))
		return;
	if (sql_token_is_mark(&token, '(')) {
		buf_printf(&text, "%.*s, ", STR_ARG(names));
		add_edit(edits, (size_t)(rest.p - edits->sql.p), &text);
		return;
	}
	/* EXCLUDE name, or t.name: brackets around it */
	buf_printf(&text, "(%.*s, ", STR_ARG(names));
	add_edit(edits, (size_t)(token.text.p - edits->sql.p), &text);
	text.n = 0;
	size_t behind_name = (size_t)(rest.p - edits->sql.p);
	while (sql_token_next_significant(&rest, &token) && sql_token_is_mark(&token, '.') &&
		sql_token_next_significant(&rest, &token))
		behind_name = (size_t)(rest.p - edits->sql.p);
	buf_add_char(&text, ')');
	add_edit(edits, behind_name, &text);
}

static bool is_query_node(const json_t *tree)
{
	const char *type = text_of(tree, "type");
	size_t n = strlen(type);

	return n > 5 && strcmp(type + n - 5, "_NODE") == 0;
}

/* The stars of one select list, not those of subqueries in it. */
static void edit_stars(struct edits *edits, json_t *tree, const struct tables *tables)
{
	if (json_is_array(tree)) {
		for (size_t i = 0; i < json_array_size(tree); i++)
			edit_stars(edits, json_array_get(tree, i), tables);
		return;
	}
	if (!json_is_object(tree) || is_query_node(tree))
		return;
	if (text_is(tree, "class", "STAR")) {
		double location = json_number_value(json_object_get(tree, "query_location"));
		_cleanup_buf_ struct buf names = {0};
		add_names(&names, edits, tables, text_of(tree, "relation_name"));
		/* COLUMNS('pattern') names what it wants; generated stars have no place */
		if (names.n && json_is_null(json_object_get(tree, "expr")) &&
			location < (double)edits->sql.n)
			edit_star(edits, (size_t)location, buf_str(&names));
		return;
	}
	const char *key;
	json_t *value;
	json_object_foreach(tree, key, value) edit_stars(edits, value, tables);
}

static bool defines_table(const json_t *node)
{
	const json_t *map = json_object_get(json_object_get(node, "cte_map"), "map");

	for (size_t i = 0; i < json_array_size(map); i++) {
		if (text_is(json_array_get(map, i), "key", REWRITE_TABLE))
			return true;
	}
	return false;
}

/* Every query in the tree. hidden: a WITH clause around has a vpc_flow_logs of its own. */
static void visit(struct edits *edits, json_t *tree, bool hidden)
{
	if (json_is_array(tree)) {
		for (size_t i = 0; i < json_array_size(tree); i++)
			visit(edits, json_array_get(tree, i), hidden);
		return;
	}
	if (!json_is_object(tree))
		return;
	bool hidden_inside = hidden || (is_query_node(tree) && defines_table(tree));
	if (text_is(tree, "type", "SELECT_NODE") && !hidden_inside) {
		struct tables tables = {.count = 0};
		collect_tables(json_object_get(tree, "from_table"), &tables);
		if (tables.count)
			edit_stars(edits, json_object_get(tree, "select_list"), &tables);
	}
	const char *key;
	json_t *value;
	json_object_foreach(tree, key, value)
		visit(edits, value, strcmp(key, "cte_map") == 0 ? hidden : hidden_inside);
}
/* NOLINTEND(misc-no-recursion) */

static int compare_edits(const void *a, const void *b)
{
	const struct edit *left = a, *right = b;

	return left->at < right->at ? -1 : left->at > right->at;
}

bool rewrite_exclude_aliases(struct buf *buf, struct str sql, uint32_t aliases, struct str tree)
{
	/* places are 2^64-1 for generated nodes, which jansson takes only as a real */
	json_t *root = json_loadb(tree.p, tree.n, JSON_DECODE_INT_AS_REAL, NULL);
	struct edits edits = {.sql = sql, .aliases = aliases};

	if (!root)
		return false;
	visit(&edits, root, false);
	json_decref(root);
	if (edits.count)
		qsort(edits.edit, edits.count, sizeof(*edits.edit), compare_edits);
	size_t copied = 0;
	for (size_t i = 0; i < edits.count; i++) {
		buf_add(buf, sql.p + copied, edits.edit[i].at - copied);
		copied = edits.edit[i].at;
		buf_add_text(buf, edits.edit[i].text);
		free(edits.edit[i].text);
	}
	if (edits.count)
		buf_add(buf, sql.p + copied, sql.n - copied);
	free(edits.edit);
	return edits.count > 0;
}
