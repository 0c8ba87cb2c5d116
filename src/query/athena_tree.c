/* The tree that DuckDB's json_serialize_sql makes of a SELECT. It is walked as plain JSON: an
 * object with a "table_name" and type BASE_TABLE names a table, one of class FUNCTION calls a
 * function. What is not known among the things a FROM may hold is refused. */
#include "query/athena_priv.h"

#include <ctype.h>

/* As deep as the statement's brackets, which trino.h bounds. NOLINTBEGIN(misc-no-recursion) */

struct walk {
	struct str database;
	struct athena_references *references;
	json_t *names; /* of CTEs that are in scope, the inner ones last */
	size_t at;
	struct athena_failure *failure;
};

static bool is(const json_t *object, const char *member, const char *value)
{
	return str_equal(athena_json_str(json_object_get(object, member)), str_from(value));
}

static void add_lower(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		buf_add_char(buf, (char)tolower((unsigned char)text.p[i]));
}

static char *lower(struct str text)
{
	_cleanup_buf_ struct buf buf = {0};

	add_lower(&buf, text);
	return mem_strdup(buf_text(&buf));
}

/* The place of a failure. */
static void stand_at(struct walk *walk, const json_t *node)
{
	json_int_t at = json_integer_value(json_object_get(node, "query_location"));

	walk->at = at < 0 ? 0 : (size_t)at;
}

static int refuse(struct walk *walk, const json_t *node, const char *what, struct str name)
{
	stand_at(walk, node);
	return athena_fail(walk->failure, "NOT_SUPPORTED", "%s: %.*s", what, STR_ARG(name));
}

/* ---- functions ---- */

static bool is_listed(struct str name, const char *const *list)
{
	for (; *list; list++) {
		if (str_equal_ignoring_case(name, str_from(*list)))
			return true;
	}
	return false;
}

/* What tells of the process or its settings, or runs text as SQL. Functions that read files are
 * table functions. */
static int check_function(struct walk *walk, const json_t *node)
{
	static const char *const refused[] = {"current_setting", "getenv", "getvariable", "nextval",
		"currval", "query", "query_table", "current_query", "current_database", "version",
		"current_schemas", "in_search_path", "json_execute_serialized_sql",
		"json_serialize_plan", "json_serialize_sql", "json_deserialize_sql", "write_log",
		"txid_current", "set_config", "parse_duckdb_log_message", "sleep_ms", "glob",
		"add_parquet_key", "get_type", "can_cast_implicitly", NULL};
	static const char *const families[] = {"pg_", "duckdb_", "pragma_", "read_", "has_",
		"nagare_", "sniff_", "parquet_", "storage_", "which_", "http_", NULL};
	struct str name = athena_json_str(json_object_get(node, "function_name"));

	bool is_refused = is_listed(name, refused);
	for (size_t i = 0; families[i] && !is_refused; i++) {
		struct str family = str_from(families[i]);
		is_refused = name.n >= family.n &&
			     str_equal_ignoring_case((struct str){name.p, family.n}, family);
	}
	if (!is_refused)
		return 0;
	stand_at(walk, node);
	return athena_fail(walk->failure, "FUNCTION_NOT_FOUND", "Function '%.*s' not registered",
		STR_ARG(name));
}

static int check_table_function(struct walk *walk, const json_t *node)
{
	static const char *const taken[] = {"unnest", "generate_series", "range", NULL};
	const json_t *function = json_object_get(node, "function");
	struct str name = athena_json_str(json_object_get(function, "function_name"));

	if (is(function, "class", "FUNCTION") && is_listed(name, taken))
		return 0;
	return refuse(walk, node, "Table function is not supported", name);
}

/* ---- tables ---- */

static bool is_in_scope(const struct walk *walk, struct str name)
{
	for (size_t i = json_array_size(walk->names); i-- > 0;) {
		if (str_equal_ignoring_case(athena_json_str(json_array_get(walk->names, i)), name))
			return true;
	}
	return false;
}

/* The reference of the node, made if need be; NULL: a CTE. */
static struct athena_reference *reference_of(struct walk *walk, const json_t *node)
{
	struct str table = athena_json_str(json_object_get(node, "table_name"));
	struct str schema = athena_json_str(json_object_get(node, "schema_name"));
	struct athena_references *references = walk->references;

	if (!schema.n && is_in_scope(walk, table))
		return NULL;
	char *database = lower(schema.n ? schema : walk->database);
	char *name = lower(table);
	for (size_t i = 0; i < references->count; i++) {
		if (strcmp(references->items[i].database, database) == 0 &&
			strcmp(references->items[i].table, name) == 0) {
			free(database);
			free(name);
			return &references->items[i];
		}
	}
	references->items =
		mem_grow(references->items, references->count + 1, sizeof(*references->items));
	json_int_t at = json_integer_value(json_object_get(node, "query_location"));
	references->items[references->count] = (struct athena_reference){
		.database = database, .table = name, .sql_at = at < 0 ? 0 : (size_t)at};
	return &references->items[references->count++];
}

/* conjuncts NULL: everything. */
static void add_use(struct athena_reference *reference, const json_t *node, json_t *conjuncts)
{
	struct str alias = athena_json_str(json_object_get(node, "alias"));

	reference->uses =
		mem_grow(reference->uses, reference->uses_count + 1, sizeof(*reference->uses));
	reference->uses[reference->uses_count++] =
		(struct athena_use){.alias = alias.n ? mem_printf("%.*s", STR_ARG(alias))
						     : mem_strdup(reference->table),
			.conjuncts = json_incref(conjuncts)};
}

static int visit_table(struct walk *walk, json_t *node, json_t *conjuncts)
{
	struct str catalog = athena_json_str(json_object_get(node, "catalog_name"));
	struct athena_reference *reference;

	if (catalog.n && !str_equal_ignoring_case(catalog, STR("awsdatacatalog"))) {
		stand_at(walk, node);
		return athena_fail(walk->failure, "CATALOG_NOT_FOUND",
			"Catalog '%.*s' does not exist", STR_ARG(catalog));
	}
	if (!(reference = reference_of(walk, node)))
		return 0;
	bool renames = json_array_size(json_object_get(node, "column_name_alias")) > 0;
	add_use(reference, node, renames ? NULL : conjuncts);
	/* views are made of this tree: it names the table in full */
	json_object_set_new(node, "catalog_name", json_string("awsdatacatalog"));
	json_object_set_new(node, "schema_name", json_string(reference->database));
	return 0;
}

/* ---- the walk ---- */

static int visit(struct walk *walk, json_t *node);

static int visit_members(struct walk *walk, json_t *object, const char *but)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (but && strcmp(key, but) == 0)
			continue;
		if (visit(walk, value) < 0)
			return -1;
	}
	return 0;
}

/* A FROM whose tables' rows are all subject to the WHERE; conjuncts NULL where they are not. */
static int visit_from(struct walk *walk, json_t *from, json_t *conjuncts)
{
	if (is(from, "type", "BASE_TABLE"))
		return visit_table(walk, from, conjuncts);
	if (!is(from, "type", "JOIN"))
		return visit(walk, from);
	bool inner = is(from, "join_type", "INNER");
	bool left = inner || is(from, "join_type", "LEFT");
	bool right = inner || is(from, "join_type", "RIGHT");
	if (visit_from(walk, json_object_get(from, "left"), left ? conjuncts : NULL) < 0 ||
		visit_from(walk, json_object_get(from, "right"), right ? conjuncts : NULL) < 0)
		return -1;
	return visit(walk, json_object_get(from, "condition"));
}

/* "CASE WHEN a THEN b ELSE false END" asks for both. */
static bool add_guarded(json_t *list, json_t *condition);

static void add_conjuncts(json_t *list, json_t *condition)
{
	if (add_guarded(list, condition))
		return;
	if (!is(condition, "type", "CONJUNCTION_AND")) {
		if (json_is_object(condition))
			json_array_append(list, condition);
		return;
	}
	const json_t *children = json_object_get(condition, "children");
	for (size_t i = 0; i < json_array_size(children); i++)
		add_conjuncts(list, json_array_get(children, i));
}

static bool add_guarded(json_t *list, json_t *condition)
{
	const json_t *checks = json_object_get(condition, "case_checks");
	const json_t *otherwise = json_object_get(condition, "else_expr");

	if (!is(condition, "class", "CASE") || json_array_size(checks) != 1)
		return false;
	/* false is written as a text that is cast */
	if (is(otherwise, "class", "CAST"))
		otherwise = json_object_get(otherwise, "child");
	const json_t *value = json_object_get(json_object_get(otherwise, "value"), "value");
	if (!json_is_false(value) && !str_equal(athena_json_str(value), STR("f")))
		return false;
	const json_t *check = json_array_get(checks, 0);
	add_conjuncts(list, json_object_get(check, "when_expr"));
	add_conjuncts(list, json_object_get(check, "then_expr"));
	return true;
}

/* The queries of WITH; each sees those before it, a recursive one itself. */
static int visit_ctes(struct walk *walk, const json_t *map)
{
	const json_t *list = json_object_get(map, "map");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		json_t *query = json_object_get(json_object_get(entry, "value"), "query");
		json_t *name = json_object_get(entry, "key");
		bool recursive = is(json_object_get(query, "node"), "type", "RECURSIVE_CTE_NODE");
		if (recursive)
			json_array_append(walk->names, name);
		if (visit(walk, query) < 0)
			return -1;
		if (!recursive)
			json_array_append(walk->names, name);
	}
	return 0;
}

static int visit_query(struct walk *walk, json_t *node)
{
	size_t scope = json_array_size(walk->names);
	json_t *from = json_object_get(node, "from_table");
	json_t *conjuncts = json_array();

	add_conjuncts(conjuncts, json_object_get(node, "where_clause"));
	int r = visit_ctes(walk, json_object_get(node, "cte_map"));
	if (r == 0 && from)
		r = visit_from(walk, from, conjuncts);
	json_decref(conjuncts);
	const char *key;
	json_t *value;
	json_object_foreach(node, key, value)
	{
		if (r == 0 && strcmp(key, "from_table") != 0 && strcmp(key, "cte_map") != 0)
			r = visit(walk, value);
	}
	while (json_array_size(walk->names) > scope)
		json_array_remove(walk->names, json_array_size(walk->names) - 1);
	return r;
}

static int visit_object(struct walk *walk, json_t *node)
{
	static const char *const from_kinds[] = {
		"EMPTY", "SUBQUERY", "EXPRESSION_LIST", "JOIN", NULL};
	struct str type = athena_json_str(json_object_get(node, "type"));

	if (str_ends_with(type, STR("_NODE")))
		return visit_query(walk, node);
	if (str_equal(type, STR("BASE_TABLE")))
		return visit_table(walk, node, NULL);
	if (str_equal(type, STR("TABLE_FUNCTION")))
		return check_table_function(walk, node) < 0 ? -1 : visit_members(walk, node, NULL);
	if (is(node, "class", "FUNCTION") && check_function(walk, node) < 0)
		return -1;
	/* a table reference has a sample, an expression a class */
	if (json_object_get(node, "sample") && !json_object_get(node, "class") &&
		!is_listed(type, from_kinds))
		return refuse(walk, node, "FROM is not supported", type);
	return visit_members(walk, node, NULL);
}

static int visit(struct walk *walk, json_t *node)
{
	if (json_is_object(node))
		return visit_object(walk, node);
	for (size_t i = 0; i < json_array_size(node); i++) {
		if (visit(walk, json_array_get(node, i)) < 0)
			return -1;
	}
	return 0;
}

int athena_tree_read(const json_t *tree, struct str database, struct athena_references *references,
	size_t *ret_at, struct athena_failure *failure)
{
	struct walk walk = {.database = database,
		.references = references,
		.names = json_array(),
		.failure = failure};
	json_t *statement = json_array_get(json_object_get(tree, "statements"), 0);

	int r = visit(&walk, statement);
	*ret_at = walk.at;
	json_decref(walk.names);
	return r;
}

void athena_references_done(struct athena_references *references)
{
	for (size_t i = 0; i < references->count; i++) {
		struct athena_reference *reference = &references->items[i];
		for (size_t u = 0; u < reference->uses_count; u++) {
			free(reference->uses[u].alias);
			json_decref(reference->uses[u].conjuncts);
		}
		free(reference->uses);
		free(reference->database);
		free(reference->table);
	}
	free(references->items);
	*references = (struct athena_references){.count = 0};
}

/* ---- conditions over keys ---- */

static bool is_key(struct str name, const json_t *keys)
{
	for (size_t i = 0; i < json_array_size(keys); i++) {
		if (str_equal_ignoring_case(name,
			    athena_json_str(json_object_get(json_array_get(keys, i), "Name"))))
			return true;
	}
	return false;
}

/* current_date and its like, which are no columns. */
static bool is_clock(const json_t *node, const json_t *keys)
{
	static const char *const clocks[] = {
		"current_date", "current_timestamp", "localtimestamp", "current_time", NULL};
	const json_t *names = json_object_get(node, "column_names");
	struct str name = athena_json_str(json_array_get(names, 0));

	return json_array_size(names) == 1 && is_listed(name, clocks) && !is_key(name, keys);
}

/* False: something that depends on more than the keys. */
static bool strip(json_t *node, const json_t *keys, struct str alias, size_t *named)
{
	static const char *const kinds[] = {"SUBQUERY", "WINDOW", "STAR", "LAMBDA", "LAMBDA_REF",
		"POSITIONAL_REFERENCE", "PARAMETER", "DEFAULT", NULL};
	const char *key;
	json_t *value;

	for (size_t i = 0; json_is_array(node) && i < json_array_size(node); i++) {
		if (!strip(json_array_get(node, i), keys, alias, named))
			return false;
	}
	if (!json_is_object(node))
		return true;
	if (is_listed(athena_json_str(json_object_get(node, "class")), kinds))
		return false;
	if (is(node, "class", "COLUMN_REF") && !is_clock(node, keys)) {
		const json_t *names = json_object_get(node, "column_names");
		size_t count = json_array_size(names);
		json_t *last = json_array_get(names, count - 1);
		if (count == 0 || count > 2 || !is_key(athena_json_str(last), keys) ||
			(count == 2 && !str_equal_ignoring_case(
					       athena_json_str(json_array_get(names, 0)), alias)))
			return false;
		json_t *only = json_pack("[O]", last);
		json_object_set_new(node, "column_names", only);
		++*named;
		return true;
	}
	json_object_foreach(node, key, value)
	{
		if (!strip(value, keys, alias, named))
			return false;
	}
	return true;
}

json_t *athena_tree_over_keys(const json_t *tree, const json_t *keys, const char *alias)
{
	json_t *copy = json_deep_copy(tree);
	size_t named = 0;

	if (strip(copy, keys, str_from(alias), &named) && named > 0)
		return copy;
	json_decref(copy);
	return NULL;
}
/* NOLINTEND(misc-no-recursion) */

static bool has_modifier(const json_t *node, const char *type)
{
	const json_t *modifiers = json_object_get(node, "modifiers");

	for (size_t i = 0; i < json_array_size(modifiers); i++) {
		if (str_equal(
			    athena_json_str(json_object_get(json_array_get(modifiers, i), "type")),
			    str_from(type)))
			return true;
	}
	return false;
}

/* Bounded by the depth that jansson parses. NOLINTBEGIN(misc-no-recursion) */
bool athena_tree_ends_early(const json_t *tree)
{
	const char *key;
	json_t *member;
	size_t i;

	if (has_modifier(tree, "LIMIT_MODIFIER") && !has_modifier(tree, "ORDER_MODIFIER") &&
		json_array_size(json_object_get(tree, "group_expressions")) == 0)
		return true;
	json_array_foreach((json_t *)tree, i, member)
	{
		if (athena_tree_ends_early(member))
			return true;
	}
	json_object_foreach((json_t *)tree, key, member)
	{
		if (athena_tree_ends_early(member))
			return true;
	}
	return false;
}
/* NOLINTEND(misc-no-recursion) */
