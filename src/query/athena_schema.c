/* What a catalog tells of itself in tables: information_schema (Trino documentation, "Information
 * schema"; Athena user guide, "Query the AWS Glue Data Catalog") and "TABLE$partitions". DuckDB has
 * an information_schema of its own in every database, so ours has another name there. */
#include "query/athena_priv.h"

#include "query/lexer_priv.h"

#include <ctype.h>
#include <stdio.h>

#define PREFIX     "nagare_"
#define SCHEMA     PREFIX "information_schema"
#define PARTITIONS "$partitions"

enum table { SCHEMATA, TABLES, COLUMNS, VIEWS, TABLES_COUNT };

static const struct {
	const char *name, *columns;
} tables[TABLES_COUNT] = {
	[SCHEMATA] = {"schemata", "catalog_name VARCHAR, schema_name VARCHAR"},
	[TABLES] = {"tables", "table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, "
			      "table_type VARCHAR"},
	[COLUMNS] = {"columns", "table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, "
				"column_name VARCHAR, ordinal_position BIGINT, column_default "
				"VARCHAR, is_nullable VARCHAR, data_type VARCHAR, comment VARCHAR, "
				"extra_info VARCHAR"},
	[VIEWS] = {"views", "table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR, "
			    "view_definition VARCHAR"},
};

struct filling {
	struct athena_engine *engine;
	const struct athena_query *query;
	enum table table;
	duckdb_appender appender;
	struct athena_failure *failure;
};

/* ---- names ---- */

void athena_schema_rename(struct query_trino *trino)
{
	struct buf sql = trino->sql;
	struct str rest = buf_str(&sql);
	struct sql_token token, next;

	trino->sql = (struct buf){0};
	while (sql_token_next(&rest, &token)) {
		struct str behind = rest;
		bool renames = sql_token_names(&token, STR("information_schema")) &&
			       sql_token_next_significant(&behind, &next) &&
			       sql_token_is_mark(&next, '.');
		size_t quote = token.kind == SQL_QUOTED;
		if (!renames) {
			buf_add_str(&trino->sql, token.text);
			continue;
		}
		for (size_t i = 0; i < trino->places_count; i++) {
			if (trino->places[i].sql_at > trino->sql.n)
				trino->places[i].sql_at += (uint32_t)strlen(PREFIX);
		}
		buf_printf(&trino->sql, "%s" PREFIX "%.*s", quote ? "\"" : "",
			(int)(token.text.n - quote), token.text.p + quote);
	}
	buf_done(&sql);
}

static bool is_of_schema(const struct athena_reference *reference)
{
	return strcmp(reference->database, SCHEMA) == 0;
}

static struct str base_of(const struct athena_reference *reference)
{
	struct str name = str_from(reference->table), ending = STR(PARTITIONS);

	return name.n > ending.n && str_ends_with(name, ending)
		       ? (struct str){name.p, name.n - ending.n}
		       : STR_NONE;
}

bool athena_schema_has(const struct athena_reference *reference)
{
	return is_of_schema(reference) || base_of(reference).p;
}

/* ---- types ---- */

/* A type of Hive's as Trino calls it: brackets and colons differ, and some names. */
static void add_type(struct buf *text, struct str type)
{
	static const char *const names[][2] = {{"string", "varchar"}, {"int", "integer"},
		{"float", "real"}, {"binary", "varbinary"}, {"struct", "row"},
		{"timestamp", "timestamp(3)"}};

	for (size_t i = 0; i < type.n;) {
		size_t n = 0;
		while (i + n < type.n &&
			(isalnum((unsigned char)type.p[i + n]) || strchr("_$-", type.p[i + n])))
			n++;
		struct str word = {type.p + i, n};
		bool is_field = i + n < type.n && type.p[i + n] == ':';
		for (size_t k = 0; k < ARRAY_SIZE(names) && !is_field; k++) {
			if (str_equal_ignoring_case(word, str_from(names[k][0]))) {
				word = str_from(names[k][1]);
				break;
			}
		}
		buf_add_str(text, word);
		i += n;
		if (i == type.n)
			return;
		char mark = type.p[i++];
		if (mark == ',')
			buf_add_text(text, ", ");
		else
			buf_add_char(text, mark == '<'   ? '('
					   : mark == '>' ? ')'
					   : mark == ':' ? ' '
							 : mark);
	}
}

/* ---- rows ---- */

/* Texts, NULL where p is; position > 0: the fifth column's number. */
static int add_row(
	struct filling *filling, const struct str *values, size_t count, int64_t position)
{
	duckdb_appender appender = filling->appender;
	bool ok = true;

	for (size_t i = 0; i < count && ok; i++) {
		if (position > 0 && i == 4)
			ok = duckdb_append_int64(appender, position) == DuckDBSuccess;
		else if (values[i].p)
			ok = duckdb_append_varchar_length(appender, values[i].p, values[i].n) ==
			     DuckDBSuccess;
		else
			ok = duckdb_append_null(appender) == DuckDBSuccess;
	}
	ok = ok && duckdb_appender_end_row(appender) == DuckDBSuccess;
	return ok ? 0
		  : athena_fail(filling->failure, "GENERIC_INTERNAL_ERROR",
			    "cannot tell of the catalog");
}

static struct str member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? athena_json_str(value) : STR_NONE;
}

static int add_columns(struct filling *filling, struct str database, const json_t *table)
{
	const json_t *lists[] = {
		json_object_get(json_object_get(table, "StorageDescriptor"), "Columns"),
		json_object_get(table, "PartitionKeys")};
	int64_t position = 0;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		for (size_t i = 0; i < json_array_size(lists[l]); i++) {
			const json_t *column = json_array_get(lists[l], i);
			_cleanup_buf_ struct buf type = {0};
			add_type(&type, athena_json_str(json_object_get(column, "Type")));
			const struct str row[] = {STR("awsdatacatalog"), database,
				member(table, "Name"), member(column, "Name"), STR_NONE, STR_NONE,
				STR("YES"), buf_str(&type), member(column, "Comment"),
				l ? STR("partition key") : STR_NONE};
			if (add_row(filling, row, ARRAY_SIZE(row), ++position) < 0)
				return -1;
		}
	}
	return 0;
}

static int add_table(struct filling *filling, struct str database, const json_t *table)
{
	bool view = str_equal(member(table, "TableType"), STR("VIRTUAL_VIEW"));
	struct str name = member(table, "Name");

	if (filling->table == COLUMNS)
		return add_columns(filling, database, table);
	if (filling->table == VIEWS && !view)
		return 0;
	_cleanup_buf_ struct buf sql = {0}, schema = {0};
	if (filling->table == VIEWS)
		athena_view_sql(table, &sql, &schema);
	const struct str row[] = {STR("awsdatacatalog"), database, name,
		filling->table == VIEWS ? buf_str(&sql)
		: view                  ? STR("VIEW")
					: STR("BASE TABLE")};
	return add_row(filling, row, ARRAY_SIZE(row), 0);
}

static int add_database(struct filling *filling, struct str database)
{
	const struct athena_source *source = &filling->query->source;
	json_t *list = NULL;
	int r = 0;

	if (filling->table == SCHEMATA) {
		const struct str row[] = {STR("awsdatacatalog"), database};
		return add_row(filling, row, ARRAY_SIZE(row), 0);
	}
	if (source->tables(source->context, database, &list, filling->failure) < 0)
		return -1;
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = add_table(filling, database, json_array_get(list, i));
	json_decref(list);
	return r;
}

/* information_schema tells of itself too. */
static int add_own(struct filling *filling)
{
	struct str schema = STR("information_schema");
	int r = 0;

	if (filling->table == SCHEMATA)
		return add_database(filling, schema);
	for (size_t i = 0; i < TABLES_COUNT && r == 0 && filling->table == TABLES; i++) {
		const struct str row[] = {
			STR("awsdatacatalog"), schema, str_from(tables[i].name), STR("BASE TABLE")};
		r = add_row(filling, row, ARRAY_SIZE(row), 0);
	}
	return r;
}

static int fill(struct filling *filling)
{
	const struct athena_source *source = &filling->query->source;
	json_t *list = NULL;

	if (source->databases(source->context, &list, filling->failure) < 0)
		return -1;
	int r = duckdb_appender_create_ext(filling->engine->connection, "awsdatacatalog", SCHEMA,
			tables[filling->table].name, &filling->appender) == DuckDBSuccess
			? 0
			: athena_fail(filling->failure, "GENERIC_INTERNAL_ERROR",
				  "cannot tell of the catalog");
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = add_database(filling, athena_json_str(json_array_get(list, i)));
	if (r == 0)
		r = add_own(filling);
	if (duckdb_appender_destroy(&filling->appender) != DuckDBSuccess && r == 0)
		r = athena_fail(
			filling->failure, "GENERIC_INTERNAL_ERROR", "cannot tell of the catalog");
	json_decref(list);
	return r;
}

/* ---- partitions ---- */

static int make_partitions(struct filling *filling, const struct athena_reference *reference)
{
	const struct athena_source *source = &filling->query->source;
	struct str database = str_from(reference->database), base = base_of(reference);
	struct buf *views = &filling->engine->views;
	json_t *table = NULL, *partitions = NULL, *rows = json_array();

	int r = source->table(source->context, database, base, &table, filling->failure);
	const json_t *keys = json_object_get(table, "PartitionKeys");
	if (r == ATHENA_NOT_FOUND || (r == ATHENA_FOUND && json_array_size(keys) == 0))
		r = athena_fail(filling->failure, "TABLE_NOT_FOUND",
			"Table 'awsdatacatalog.%s.%s' does not exist", reference->database,
			reference->table);
	if (r == ATHENA_FOUND)
		r = source->partitions(
			source->context, database, base, &partitions, filling->failure);
	for (size_t i = 0; i < json_array_size(partitions); i++)
		json_array_append(rows, json_object_get(json_array_get(partitions, i), "Values"));
	char name[64];
	snprintf(name, sizeof(name), "nagare_partitions_%zu", filling->engine->partitions_count++);
	if (r == 0)
		r = athena_make_rows(
			filling->engine, name, json_array_size(keys), rows, filling->failure);
	buf_add_text(views, "CREATE VIEW awsdatacatalog.");
	athena_add_name(views, database);
	buf_add_char(views, '.');
	athena_add_name(views, str_from(reference->table));
	buf_add_text(views, " AS SELECT ");
	for (size_t k = 0; k < json_array_size(keys); k++) {
		const json_t *key = json_array_get(keys, k);
		_cleanup_buf_ struct buf type = {0};
		if (!athena_hive_type(athena_json_str(json_object_get(key, "Type")), &type))
			buf_add_text(&type, "VARCHAR");
		buf_printf(views, "%sTRY_CAST(nullif(k%zu, '" ATHENA_NULL_KEY "') AS %s) AS ",
			k ? ", " : "", k, buf_text(&type));
		athena_add_name(views, athena_json_str(json_object_get(key, "Name")));
	}
	buf_printf(views, " FROM memory.main.%s; ", name);
	json_decref(rows);
	json_decref(partitions);
	json_decref(table);
	return r;
}

int athena_schema_make(struct athena_engine *engine, const struct athena_query *query,
	const struct athena_reference *reference, struct athena_failure *failure)
{
	struct filling filling = {.engine = engine, .query = query, .failure = failure};
	_cleanup_buf_ struct buf sql = {0};

	if (!is_of_schema(reference))
		return make_partitions(&filling, reference);
	while (filling.table < TABLES_COUNT &&
		strcmp(tables[filling.table].name, reference->table) != 0)
		filling.table++;
	if (filling.table == TABLES_COUNT || !query->source.databases)
		return athena_fail(failure, "TABLE_NOT_FOUND",
			"Table 'awsdatacatalog.information_schema.%s' does not exist",
			reference->table);
	buf_printf(&sql, "CREATE TABLE awsdatacatalog." SCHEMA ".%s (%s)",
		tables[filling.table].name, tables[filling.table].columns);
	return athena_execute(engine, buf_text(&sql), NULL, failure) < 0 ? -1 : fill(&filling);
}
