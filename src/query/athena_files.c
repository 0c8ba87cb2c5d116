/* Which files a statement needs. Conditions over partition keys alone are asked of DuckDB itself,
 * over a table of the keys, so that they mean there what they mean in the statement. */
#include "query/athena_priv.h"

struct str athena_property(const json_t *table, const char *name)
{
	const json_t *value = json_object_get(json_object_get(table, "Parameters"), name);

	return value ? athena_json_str(value) : STR_NONE;
}

static void item_done(struct athena_files_item *item)
{
	free(item->path);
	free(item->name);
	free(item->etag);
	free(item->entry);
}

void athena_files_done(struct athena_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		item_done(&files->items[i]);
	for (size_t i = 0; i < files->values_count; i++)
		json_decref(files->values[i]);
	free(files->items);
	free(files->values);
	*files = (struct athena_files){.count = 0};
}

/* ---- conditions over keys ---- */

int athena_make_rows(struct athena_engine *engine, const char *name, size_t keys,
	const json_t *rows, struct athena_failure *failure)
{
	_cleanup_buf_ struct buf sql = {0};
	duckdb_appender appender = NULL;

	buf_printf(&sql, "CREATE OR REPLACE TABLE memory.main.%s (i BIGINT", name);
	for (size_t k = 0; k < keys; k++)
		buf_printf(&sql, ", k%zu VARCHAR", k);
	buf_add_text(&sql, ")");
	if (athena_execute(engine, buf_text(&sql), NULL, failure) < 0)
		return -1;
	bool ok = duckdb_appender_create_ext(
			  engine->connection, "memory", "main", name, &appender) == DuckDBSuccess;
	for (size_t i = 0; ok && i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		ok = duckdb_append_int64(appender, (int64_t)i) == DuckDBSuccess;
		for (size_t k = 0; ok && k < keys; k++) {
			const json_t *value = json_array_get(row, k);
			struct str text = athena_json_str(value);
			ok = (json_is_string(value)
					     ? duckdb_append_varchar_length(
						       appender, text.p, text.n)
					     : duckdb_append_null(appender)) == DuckDBSuccess;
		}
		ok = ok && duckdb_appender_end_row(appender) == DuckDBSuccess;
	}
	ok = ok && duckdb_appender_close(appender) == DuckDBSuccess;
	duckdb_appender_destroy(&appender);
	return ok ? 0 : athena_fail(failure, "GENERIC_INTERNAL_ERROR", "cannot look at partitions");
}

static int make_keys(struct athena_engine *engine, const json_t *keys, const json_t *rows,
	struct athena_failure *failure)
{
	_cleanup_buf_ struct buf view = {0};

	buf_add_text(&view, "CREATE OR REPLACE TEMP VIEW nagare_keys AS SELECT i AS nagare_row");
	for (size_t k = 0; k < json_array_size(keys); k++) {
		const json_t *key = json_array_get(keys, k);
		buf_printf(&view, ", TRY_CAST(nullif(k%zu, '" ATHENA_NULL_KEY "') AS ", k);
		if (!athena_hive_type(athena_json_str(json_object_get(key, "Type")), &view))
			buf_add_text(&view, "VARCHAR");
		buf_add_text(&view, ") AS ");
		athena_add_name(&view, athena_json_str(json_object_get(key, "Name")));
	}
	buf_add_text(&view, " FROM memory.main.nagare_values");
	return athena_make_rows(engine, "nagare_values", json_array_size(keys), rows, failure) < 0
		       ? -1
		       : athena_execute(engine, buf_text(&view), NULL, failure);
}

/* The statement that asks, of the conjuncts that are over keys alone; NULL when there are none. */
static char *question(
	struct athena_engine *engine, const struct athena_use *use, const json_t *keys)
{
	struct athena_failure ignored;
	_cleanup_buf_ struct buf tree = {0}, sql = {0};
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(use->conjuncts); i++) {
		json_t *one =
			athena_tree_over_keys(json_array_get(use->conjuncts, i), keys, use->alias);
		if (one)
			json_array_append_new(list, one);
	}
	if (json_array_size(list) == 0 ||
		athena_ask(engine, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR",
			STR("SELECT nagare_row FROM nagare_keys WHERE 1 = 1 AND 2 = 2"), &tree,
			&ignored) < 0) {
		json_decref(list);
		return NULL;
	}
	json_t *parsed = athena_load_tree(buf_str(&tree));
	json_t *node =
		json_object_get(json_array_get(json_object_get(parsed, "statements"), 0), "node");
	json_t *where = json_object_get(node, "where_clause");
	if (json_array_size(list) == 1)
		json_object_set(node, "where_clause", json_array_get(list, 0));
	else
		json_object_set(where, "children", list);
	char *dump = json_dumps(parsed, JSON_COMPACT);
	int r = athena_ask(engine, "SELECT json_deserialize_sql(?::JSON)::VARCHAR", str_from(dump),
		&sql, &ignored);
	free(dump);
	json_decref(parsed);
	json_decref(list);
	return r < 0 ? NULL : mem_strdup(buf_text(&sql));
}

/* What cannot be asked excludes nothing: the statement itself will fail of it. */
static bool mark(struct athena_engine *engine, const char *sql, bool *wanted)
{
	struct athena_failure ignored;
	duckdb_data_chunk chunk;
	duckdb_result result;

	if (athena_execute(engine, sql, &result, &ignored) < 0)
		return false;
	while ((chunk = duckdb_fetch_chunk(result))) {
		int64_t *rows = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
		for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++)
			wanted[rows[i]] = true;
		duckdb_destroy_data_chunk(&chunk);
	}
	duckdb_destroy_result(&result);
	return true;
}

int athena_filter_keys(struct athena_engine *engine, const struct athena_reference *reference,
	const json_t *keys, const json_t *rows, bool *ret_wanted, struct athena_failure *failure)
{
	bool all = reference->uses_count == 0;

	memset(ret_wanted, 0, json_array_size(rows) * sizeof(*ret_wanted));
	if (make_keys(engine, keys, rows, failure) < 0)
		return -1;
	for (size_t i = 0; i < reference->uses_count && !all; i++) {
		_cleanup_free_ char *sql = question(engine, &reference->uses[i], keys);
		all = !sql || !mark(engine, sql, ret_wanted);
	}
	if (all)
		memset(ret_wanted, 1, json_array_size(rows) * sizeof(*ret_wanted));
	return 0;
}

/* ---- listing ---- */

static int add_file(void *context, const struct athena_file *file)
{
	struct athena_files *files = context;

	if (file->size == 0)
		return 0;
	if (files->count == files->room) {
		files->room = files->room ? 2 * files->room : 64;
		files->items = mem_grow(files->items, files->room, sizeof(*files->items));
	}
	files->items[files->count++] = (struct athena_files_item){.path = mem_strdup(file->path),
		.size = file->size,
		.partition = files->values_count - 1,
		.name = file->name ? mem_strdup(file->name) : NULL,
		.etag = file->name ? mem_strdup(file->etag) : NULL,
		.inode = file->inode,
		.modified_ns = file->modified_ns};
	files->bytes += file->size;
	return 0;
}

static int add_partition(const struct athena_query *query, struct athena_files *files,
	json_t *values, struct str location, struct athena_failure *failure)
{
	if (files->values_count == files->values_room) {
		files->values_room = files->values_room ? 2 * files->values_room : 16;
		files->values = mem_grow(files->values, files->values_room, sizeof(*files->values));
	}
	files->values[files->values_count++] = json_incref(values);
	return query->source.files(query->source.context, location, add_file, files, failure);
}

static struct str location_of(const json_t *owner)
{
	return athena_json_str(
		json_object_get(json_object_get(owner, "StorageDescriptor"), "Location"));
}

static int list_wanted(const struct athena_query *query, const json_t *partitions,
	const bool *wanted, struct athena_files *files, struct athena_failure *failure)
{
	for (size_t i = 0; i < json_array_size(partitions); i++) {
		const json_t *partition = json_array_get(partitions, i);
		files->pruned += !wanted[i];
		if (wanted[i] && add_partition(query, files, json_object_get(partition, "Values"),
					 location_of(partition), failure) < 0)
			return -1;
	}
	return 0;
}

static int find_partitions(struct athena_engine *engine, const struct athena_query *query,
	const struct athena_reference *reference, const json_t *table, json_t **ret_partitions,
	struct athena_failure *failure)
{
	if (str_equal_ignoring_case(athena_property(table, "projection.enabled"), STR("true")))
		return athena_project(engine, query, reference, table, ret_partitions, failure);
	return query->source.partitions(query->source.context, str_from(reference->database),
		str_from(reference->table), ret_partitions, failure);
}

int athena_files_find(struct athena_engine *engine, const struct athena_query *query,
	const struct athena_reference *reference, const json_t *table, struct athena_files *files,
	struct athena_failure *failure)
{
	const json_t *keys = json_object_get(table, "PartitionKeys");
	json_t *partitions = NULL, *rows;

	if (json_array_size(keys) == 0) {
		rows = json_array();
		int r = add_partition(query, files, rows, location_of(table), failure);
		json_decref(rows);
		return r;
	}
	if (find_partitions(engine, query, reference, table, &partitions, failure) < 0)
		return -1;
	rows = json_array();
	for (size_t i = 0; i < json_array_size(partitions); i++)
		json_array_append(rows, json_object_get(json_array_get(partitions, i), "Values"));
	_cleanup_free_ bool *wanted = mem_new(json_array_size(rows) + 1, sizeof(*wanted));
	int r = athena_filter_keys(engine, reference, keys, rows, wanted, failure);
	if (r == 0)
		r = list_wanted(query, partitions, wanted, files, failure);
	json_decref(rows);
	json_decref(partitions);
	return r;
}
