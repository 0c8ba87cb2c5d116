/* The order of things: the statement is rewritten and parsed, its tables (and those of the views it
 * names) are found, their files listed, then DuckDB is locked and the views are made in a database
 * `awsdatacatalog` with the catalog's names, and only then does it see the statement. */
#include "query/athena_priv.h"

#include "aws/digest.h"
#include "query/functions.h"

#include <stdarg.h>
#include <stdio.h>

enum { MEMORY_DIGITS = 32 };

struct str athena_json_str(const json_t *value)
{
	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR("");
}

void athena_add_name(struct buf *buf, struct str name)
{
	buf_add_char(buf, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"')
			buf_add_char(buf, '"');
		buf_add_char(buf, name.p[i]);
	}
	buf_add_char(buf, '"');
}

void athena_add_literal(struct buf *buf, struct str text)
{
	buf_add_char(buf, '\'');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\'')
			buf_add_char(buf, '\'');
		buf_add_char(buf, text.p[i]);
	}
	buf_add_char(buf, '\'');
}

int athena_execute(struct athena_engine *engine, const char *sql, duckdb_result *ret_result,
	struct athena_failure *failure)
{
	duckdb_result result;
	int r = 0;

	if (duckdb_query(engine->connection, sql, &result) != DuckDBSuccess)
		r = athena_map_error(engine, NULL, STR_NONE, duckdb_result_error(&result), failure);
	if (r == 0 && ret_result)
		*ret_result = result;
	else
		duckdb_destroy_result(&result);
	return r;
}

/* ---- open and close ---- */

static int open_database(
	struct athena_engine *engine, const struct athena_options *options, struct err *err)
{
	char memory[MEMORY_DIGITS], threads[MEMORY_DIGITS];
	snprintf(memory, sizeof(memory), "%lluB", (unsigned long long)options->memory_limit);
	snprintf(threads, sizeof(threads), "%u", options->threads ? options->threads : 2);
	const char *const settings[][2] = {
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		{"allow_persistent_secrets", "false"},
		{"allow_community_extensions", "false"},
		{"temp_directory", engine->temporary_folder},
		{"threads", threads},
		{"memory_limit", options->memory_limit ? memory : NULL},
	};
	duckdb_config config = NULL;
	char *message = NULL;
	int r = 0;

	if (duckdb_create_config(&config) != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "cannot start DuckDB");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(settings); i++) {
		if (settings[i][1] &&
			duckdb_set_config(config, settings[i][0], settings[i][1]) != DuckDBSuccess)
			r = err_set(err, ERR_SYSTEM, "DuckDB does not take %s", settings[i][0]);
	}
	if (r == 0 && duckdb_open_ext(NULL, &engine->database, config, &message) != DuckDBSuccess)
		r = err_set(err, ERR_SYSTEM, "cannot start DuckDB: %s", message ? message : "");
	duckdb_free(message);
	duckdb_destroy_config(&config);
	if (r == 0 && duckdb_connect(engine->database, &engine->connection) != DuckDBSuccess)
		r = err_set(err, ERR_SYSTEM, "cannot connect to DuckDB");
	return r;
}

int athena_engine_open(
	struct athena_engine **ret_engine, const struct athena_options *options, struct err *err)
{
	static atomic_uint count;
	struct athena_failure failure;

	if (duckdb_library_load(err) < 0)
		return -1;
	_cleanup_(athena_engine_closep) struct athena_engine *engine = mem_new(1, sizeof(*engine));
	/* DuckDB gives its files there the same names in each engine */
	engine->cache = options->cache;
	engine->temporary_folder = mem_printf("%s/engine-%u",
		options->temporary_folder ? options->temporary_folder : "/var/tmp/nagare-athena",
		atomic_fetch_add(&count, 1));
	if (open_database(engine, options, err) < 0 ||
		query_trino_prepare(engine->connection, err) < 0 ||
		athena_divide_register(engine, err) < 0 || athena_text_register(engine, err) < 0)
		return -1;
	if (athena_execute(engine, "ATTACH ':memory:' AS awsdatacatalog; SET errors_as_json = true",
		    NULL, &failure) < 0)
		return err_set(err, ERR_SYSTEM, "%s", failure.message);
	*ret_engine = take(engine);
	return 0;
}

void athena_engine_close(struct athena_engine *engine)
{
	if (!engine)
		return;
	if (engine->has_result)
		duckdb_destroy_result(&engine->result);
	athena_value_done(engine);
	if (engine->connection)
		duckdb_disconnect(&engine->connection);
	if (engine->database)
		duckdb_close(&engine->database);
	for (size_t i = 0; i < engine->tables_count; i++) {
		athena_cached_done(
			engine, engine->tables[i], engine->is_complete && !engine->interrupted);
		athena_table_free(engine->tables[i]);
	}
	free(engine->tables);
	buf_done(&engine->views);
	buf_done(&engine->allowed);
	query_trino_done(&engine->trino);
	json_decref(engine->outputs);
	free(engine->text);
	free(engine->temporary_folder);
	free(engine);
}

/* ---- parsing ---- */

/* One text out of DuckDB, for a text into it. */
int athena_ask(struct athena_engine *engine, const char *sql, struct str argument,
	struct buf *ret_text, struct athena_failure *failure)
{
	duckdb_prepared_statement prepared = NULL;
	duckdb_data_chunk chunk = NULL;
	duckdb_result result = {0};
	int r = -1;

	if (duckdb_prepare(engine->connection, sql, &prepared) == DuckDBSuccess &&
		duckdb_bind_varchar_length(prepared, 1, argument.p, argument.n) == DuckDBSuccess &&
		duckdb_execute_prepared(prepared, &result) == DuckDBSuccess &&
		(chunk = duckdb_fetch_chunk(result)) && duckdb_data_chunk_get_size(chunk) == 1) {
		duckdb_string_t *text =
			duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
		buf_add(ret_text, duckdb_string_t_data(text), duckdb_string_t_length(*text));
		r = 0;
	}
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	duckdb_destroy_prepare(&prepared);
	return r < 0 ? athena_fail(failure, "GENERIC_INTERNAL_ERROR", "the statement has no tree")
		     : 0;
}

/* Places that there are not are 2^64 - 1, more than jansson's integers hold: they become 1. Other
 * numbers of so many digits become reals. */
json_t *athena_load_tree(struct str text)
{
	_cleanup_buf_ struct buf loadable = {0};
	struct str none = STR("18446744073709551615");
	bool in_string = false;
	size_t digits = 0;

	buf_reserve(&loadable, text.n + 1);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (in_string && c == '\\' && i + 1 < text.n) {
			buf_add_char(&loadable, c);
			c = text.p[++i];
		} else if (c == '"') {
			in_string = !in_string;
		}
		bool is_digit = !in_string && c >= '0' && c <= '9';
		if (!is_digit && digits >= 19 && (c == ',' || c == '}' || c == ']')) {
			if (str_ends_with(buf_str(&loadable), none))
				loadable.n -= none.n - 1;
			else
				buf_add_text(&loadable, "e0");
		}
		digits = is_digit ? digits + 1 : 0;
		buf_add_char(&loadable, c);
	}
	return json_loadb(loadable.p, loadable.n, 0, NULL);
}

static int refuse_text(const struct query_trino *trino, struct str text, const json_t *tree,
	struct athena_failure *failure)
{
	const char *message = json_string_value(json_object_get(tree, "error_message"));
	const char *position = json_string_value(json_object_get(tree, "position"));
	unsigned line = 1, column = 1;

	if (position)
		query_trino_place(trino, text, strtoul(position, NULL, 10), &line, &column);
	return athena_fail(failure, "SYNTAX_ERROR", "line %u:%u: %s", line, column,
		message ? message : "mismatched input");
}

json_t *athena_parse(struct athena_engine *engine, const struct query_trino *trino, struct str text,
	struct athena_failure *failure)
{
	_cleanup_buf_ struct buf tree = {0};
	struct str sql = buf_str(&trino->sql);

	if (athena_ask(engine, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", sql, &tree,
		    failure) < 0)
		return NULL;
	json_t *parsed = athena_load_tree(buf_str(&tree));
	const json_t *statements = json_object_get(parsed, "statements");
	if (json_is_true(json_object_get(parsed, "error")))
		refuse_text(trino, text, parsed, failure);
	else if (json_array_size(statements) != 1)
		athena_fail(
			failure, "SYNTAX_ERROR", "line 1:1: Only one sql statement is allowed.");
	else
		return parsed;
	json_decref(parsed);
	return NULL;
}

/* "line 1:8: what" of the rewriter. */
static int rewrite(struct str text, struct query_trino *trino, struct athena_failure *failure)
{
	struct err err = ERR_INIT;

	if (query_trino_rewrite(text, trino, &err) == 0) {
		athena_schema_rename(trino);
		return 0;
	}
	return athena_fail(failure, "SYNTAX_ERROR", "%s", err.message);
}

int athena_check(struct athena_engine *engine, struct str text, struct athena_failure *failure)
{
	struct query_trino trino;
	json_t *tree = NULL;

	if (rewrite(text, &trino, failure) == 0)
		tree = athena_parse(engine, &trino, text, failure);
	query_trino_done(&trino);
	json_decref(tree);
	return tree ? 0 : -1;
}

/* ---- tables ---- */

struct finding {
	struct athena_engine *engine;
	const struct athena_query *query;
	struct athena_references references;
	json_t *tables; /* of the references, in their order */
	json_t *views;  /* statements */
	struct athena_failure *failure;
};

static int place_failure(struct finding *finding, size_t at)
{
	const struct athena_engine *engine = finding->engine;
	unsigned line, column;
	char text[sizeof(finding->failure->message)];

	query_trino_place(&engine->trino, finding->query->text, at, &line, &column);
	size_t name = strlen(finding->failure->name) + 2;
	snprintf(text, sizeof(text), "%s", finding->failure->message + name);
	char kind[sizeof(finding->failure->name)];
	memcpy(kind, finding->failure->name, sizeof(kind));
	return athena_fail(finding->failure, kind, "line %u:%u: %s", line, column, text);
}

bool athena_view_sql(const json_t *table, struct buf *sql, struct buf *ret_schema)
{
	struct str text = athena_json_str(json_object_get(table, "ViewOriginalText"));
	struct str start = STR("/* Presto View: "), end = STR(" */");
	_cleanup_buf_ struct buf decoded = {0};
	json_t *view = NULL;

	if (str_starts_with(text, start) && str_ends_with(text, end) &&
		aws_base64_decode(
			(struct str){text.p + start.n, text.n - start.n - end.n}, &decoded))
		view = json_loadb(decoded.p, decoded.n, 0, NULL);
	buf_add_str(sql, athena_json_str(json_object_get(view, "originalSql")));
	buf_add_str(ret_schema, athena_json_str(json_object_get(view, "schema")));
	json_decref(view);
	return sql->n > 0;
}

/* The view's own SQL, with all its tables named in full. */
static int read_view(
	struct finding *finding, const struct athena_reference *reference, const json_t *table)
{
	_cleanup_buf_ struct buf sql = {0}, statement = {0}, text = {0}, schema = {0};
	struct query_trino trino = {.places_count = 0};
	json_t *tree = NULL;
	size_t at;
	int r = -1;

	bool known = athena_view_sql(table, &text, &schema);
	struct str original = buf_str(&text);
	athena_aliases_find(finding->engine, original);
	if (!known)
		athena_fail(finding->failure, "INVALID_VIEW", "View '%s.%s' is not one of Athena's",
			reference->database, reference->table);
	else if (rewrite(original, &trino, finding->failure) == 0 &&
		 (tree = athena_parse(finding->engine, &trino, original, finding->failure)) &&
		 athena_tree_read(tree, schema.n ? buf_str(&schema) : finding->query->database,
			 &finding->references, &at, finding->failure) == 0) {
		char *dump = json_dumps(tree, JSON_COMPACT);
		r = athena_ask(finding->engine, "SELECT json_deserialize_sql(?::JSON)::VARCHAR",
			str_from(dump), &sql, finding->failure);
		free(dump);
	}
	if (r == 0) {
		buf_add_text(&statement, "CREATE VIEW awsdatacatalog.");
		athena_add_name(&statement, str_from(reference->database));
		buf_add_char(&statement, '.');
		athena_add_name(&statement, str_from(reference->table));
		buf_printf(&statement, " AS %.*s", STR_ARG(buf_str(&sql)));
		json_array_append_new(finding->views, json_stringn(statement.p, statement.n));
	}
	query_trino_done(&trino);
	json_decref(tree);
	return r;
}

/* References grow while views are read; the same name twice is one. */
static int find_tables(struct finding *finding)
{
	const struct athena_source *source = &finding->query->source;

	for (size_t i = 0; i < finding->references.count; i++) {
		struct athena_reference reference = finding->references.items[i];
		json_t *table = NULL;
		if (athena_schema_has(&reference)) {
			json_array_append_new(finding->tables, json_object());
			continue;
		}
		int r = source->table(source->context, str_from(reference.database),
			str_from(reference.table), &table, finding->failure);
		if (r == ATHENA_NOT_FOUND)
			athena_fail(finding->failure, "TABLE_NOT_FOUND",
				"Table 'awsdatacatalog.%s.%s' does not exist", reference.database,
				reference.table);
		if (r != ATHENA_FOUND)
			return place_failure(finding, reference.sql_at);
		json_array_append_new(finding->tables, table);
		if (str_equal(athena_json_str(json_object_get(table, "TableType")),
			    STR("VIRTUAL_VIEW")) &&
			read_view(finding, &reference, table) < 0)
			return -1;
	}
	return 0;
}

static int make_schema(
	struct athena_engine *engine, struct str name, struct athena_failure *failure)
{
	_cleanup_buf_ struct buf sql = {0};

	buf_add_text(&sql, "CREATE SCHEMA IF NOT EXISTS awsdatacatalog.");
	athena_add_name(&sql, name);
	return athena_execute(engine, buf_text(&sql), NULL, failure);
}

static int make_tables(struct finding *finding)
{
	const struct athena_references *references = &finding->references;

	if (make_schema(finding->engine, finding->query->database, finding->failure) < 0)
		return -1;
	for (size_t i = 0; i < references->count; i++) {
		const json_t *table = json_array_get(finding->tables, i);
		if (make_schema(finding->engine, str_from(references->items[i].database),
			    finding->failure) < 0)
			return -1;
		if (athena_schema_has(&references->items[i])) {
			if (athena_schema_make(finding->engine, finding->query,
				    &references->items[i], finding->failure) < 0)
				return place_failure(finding, references->items[i].sql_at);
			continue;
		}
		if (str_equal(athena_json_str(json_object_get(table, "TableType")),
			    STR("VIRTUAL_VIEW")))
			continue;
		if (athena_table_make(finding->engine, finding->query, &references->items[i], table,
			    finding->failure) < 0)
			return -1;
	}
	return 0;
}

/* No more settings, no more files than those of the tables. */
static int lock(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure)
{
	_cleanup_buf_ struct buf sql = {0}, path = {0};

	if (query->output && query->output->folder) {
		buf_add_text(&sql, "SET allowed_directories = [");
		athena_add_literal(&sql, str_from(query->output->folder));
		buf_add_text(&sql, "]; ");
	}
	athena_add_name(&path, query->database);
	buf_printf(&sql, "SET allowed_paths = [%.*s]; SET enable_external_access = false; ",
		STR_ARG(buf_str(&engine->allowed)));
	buf_add_text(&sql, "SET search_path = ");
	_cleanup_buf_ struct buf whole = {0};
	buf_printf(&whole, "awsdatacatalog.%.*s", STR_ARG(buf_str(&path)));
	athena_add_literal(&sql, buf_str(&whole));
	buf_add_text(&sql, "; SET lock_configuration = true");
	if (athena_execute(engine, buf_text(&sql), NULL, failure) < 0)
		return -1;
	engine->is_locked = true;
	return 0;
}

/* Views name views in any order: those that cannot be made yet are tried again. */
static int make_views(struct finding *finding)
{
	if (finding->engine->views.n &&
		athena_execute(finding->engine, buf_text(&finding->engine->views), NULL,
			finding->failure) < 0)
		return -1;
	while (json_array_size(finding->views) > 0) {
		size_t before = json_array_size(finding->views);
		for (size_t i = before; i-- > 0;) {
			const char *sql = json_string_value(json_array_get(finding->views, i));
			if (athena_execute(finding->engine, sql, NULL, finding->failure) == 0)
				json_array_remove(finding->views, i);
		}
		if (json_array_size(finding->views) == before)
			return -1;
	}
	return 0;
}

/* The statement, parsed, and the tables that it names; with finding_done in any case. */
static int find(struct finding *finding, struct athena_engine *engine,
	const struct athena_query *query, struct athena_failure *failure)
{
	size_t at = 0;
	json_t *tree = NULL;

	*finding = (struct finding){.engine = engine,
		.query = query,
		.tables = json_array(),
		.views = json_array(),
		.failure = failure};
	if (rewrite(query->text, &engine->trino, failure) < 0 ||
		!(tree = athena_parse(engine, &engine->trino, query->text, failure)))
		return -1;
	int r = athena_tree_read(tree, query->database, &finding->references, &at, failure);
	if (r < 0)
		place_failure(finding, at);
	engine->ends_early = athena_tree_ends_early(tree);
	json_decref(tree);
	athena_aliases_find(engine, query->text);
	return r < 0 ? -1 : find_tables(finding);
}

static void finding_done(struct finding *finding)
{
	athena_references_done(&finding->references);
	json_decref(finding->tables);
	json_decref(finding->views);
}

/* Nothing but what was found can be read from here on. */
static int make(struct finding *finding)
{
	struct athena_engine *engine = finding->engine;
	_cleanup_buf_ struct buf shown = {0};

	if (make_tables(finding) < 0)
		return -1;
	if (athena_aliases_exclude(engine, buf_str(&engine->trino.sql), &shown)) {
		buf_done(&engine->trino.sql);
		engine->trino.sql = shown;
		shown = (struct buf){0};
	}
	return lock(engine, finding->query, finding->failure) < 0 ? -1 : make_views(finding);
}

static int check_files(struct finding *finding)
{
	for (size_t i = 0; i < finding->references.count; i++) {
		const json_t *table = json_array_get(finding->tables, i);
		struct athena_files files = {.count = 0};
		if (str_equal(athena_json_str(json_object_get(table, "TableType")),
			    STR("VIRTUAL_VIEW")))
			continue;
		int r = athena_files_find(finding->engine, finding->query,
			&finding->references.items[i], table, &files, finding->failure);
		athena_files_done(&files);
		if (r < 0)
			return -1;
	}
	return 0;
}

int athena_check_tables(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure)
{
	struct finding finding;
	int r = find(&finding, engine, query, failure);

	if (r == 0)
		r = check_files(&finding);
	finding_done(&finding);
	return r;
}

/* ---- running ---- */

static void add_statement(
	struct buf *sql, const struct athena_engine *engine, const struct athena_query *query)
{
	struct str text = buf_str(&engine->trino.sql);

	if (query->explain)
		buf_add_text(sql, query->analyze ? "EXPLAIN ANALYZE " : "EXPLAIN ");
	buf_add_str(sql, text);
}

int athena_describe(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure)
{
	duckdb_prepared_statement prepared = NULL;
	int r;

	if (duckdb_prepare(engine->connection, buf_text(&engine->trino.sql), &prepared) ==
		DuckDBSuccess)
		r = athena_value_describe(engine, prepared, failure);
	else
		r = athena_map_error(engine, &engine->trino, query->text,
			duckdb_prepare_error(prepared), failure);
	duckdb_destroy_prepare(&prepared);
	return r;
}

static int start(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure)
{
	duckdb_prepared_statement prepared = NULL;
	_cleanup_buf_ struct buf sql = {0};
	int r = 0;

	add_statement(&sql, engine, query);
	if (duckdb_prepare(engine->connection, buf_text(&sql), &prepared) != DuckDBSuccess) {
		r = athena_map_error(engine, &engine->trino, query->text,
			duckdb_prepare_error(prepared), failure);
	} else {
		engine->has_result = true;
		if (duckdb_execute_prepared_streaming(prepared, &engine->result) != DuckDBSuccess)
			r = athena_map_error(engine, &engine->trino, query->text,
				duckdb_result_error(&engine->result), failure);
	}
	duckdb_destroy_prepare(&prepared);
	return r;
}

int athena_run(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure)
{
	struct finding finding;

	engine->scan_limit = query->scan_limit;
	engine->text = mem_printf("%.*s", STR_ARG(query->text));
	int r = find(&finding, engine, query, failure);
	if (r == 0 && !query->only_checked)
		r = make(&finding);
	if (r == 0 && engine->interrupted)
		r = athena_fail(failure, "", "Query cancelled by user");
	if (r == 0 && !query->only_checked)
		r = query->io       ? athena_io_start(engine, query, failure)
		    : query->output ? athena_output_run(engine, query, failure)
				    : start(engine, query, failure);
	finding_done(&finding);
	if (r < 0)
		return -1;
	engine->is_complete = query->output && !query->output->without_data;
	return query->output || query->only_checked
		       ? 0
		       : athena_value_columns(engine, &engine->result, failure);
}

int athena_next(struct athena_engine *engine, struct buf *csv, size_t *ret_rows,
	struct athena_failure *failure)
{
	*ret_rows = 0;
	if (engine->interrupted)
		return athena_fail(failure, "", "Query cancelled by user");
	duckdb_data_chunk chunk = duckdb_fetch_chunk(engine->result);
	if (chunk && (*ret_rows = duckdb_data_chunk_get_size(chunk)) > 0) {
		athena_value_rows(engine, chunk, csv);
		engine->rows += *ret_rows;
		duckdb_destroy_data_chunk(&chunk);
		return 0;
	}
	duckdb_destroy_data_chunk(&chunk);
	const char *message = duckdb_result_error(&engine->result);
	if (message && *message)
		return athena_map_error(
			engine, &engine->trino, str_from(engine->text), message, failure);
	engine->is_complete = true;
	return 0;
}

const struct athena_column *athena_columns(const struct athena_engine *engine, size_t *ret_count)
{
	*ret_count = engine->columns_count;
	return engine->columns;
}

uint64_t athena_rows(const struct athena_engine *engine)
{
	return engine->rows;
}

const json_t *athena_outputs(const struct athena_engine *engine)
{
	return engine->outputs;
}

uint64_t athena_scanned(const struct athena_engine *engine)
{
	return engine->scanned;
}

void athena_set_scanned(struct athena_engine *engine, uint64_t bytes)
{
	engine->scanned = bytes;
}

void athena_interrupt(struct athena_engine *engine)
{
	engine->interrupted = true;
	duckdb_interrupt(engine->connection);
}
