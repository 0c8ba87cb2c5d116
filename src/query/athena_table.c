/* A table of the catalog as a view of DuckDB's: which reader, which columns, which files. */
#include "query/athena_priv.h"

#include <stdio.h>

struct making {
	struct athena_engine *engine;
	const struct athena_reference *reference;
	const json_t *descriptor, *table, *columns, *keys;
	struct athena_table *made;
	struct buf *sql; /* where columns are added: the engine's views */
	json_t *groups;  /* of a Grok pattern: their names, each the name of a column */
	struct athena_failure *failure;
};

void athena_table_free(struct athena_table *table)
{
	if (!table)
		return;
	athena_files_done(&table->files);
	for (size_t i = 0; i < table->columns_count; i++)
		free(table->columns[i].name);
	free(table->columns);
	athena_reading_unref(table->reading);
	free(table->null_text);
	free(table->database);
	free(table->name);
	free(table);
}

static struct str name_of(const json_t *list, size_t i)
{
	return athena_json_str(json_object_get(json_array_get(list, i), "Name"));
}

static struct str type_of(const json_t *list, size_t i)
{
	return athena_json_str(json_object_get(json_array_get(list, i), "Type"));
}

static struct str serde(const struct making *making)
{
	return athena_json_str(json_object_get(
		json_object_get(making->descriptor, "SerdeInfo"), "SerializationLibrary"));
}

static struct str parameter(const struct making *making, const char *name)
{
	const json_t *info = json_object_get(making->descriptor, "SerdeInfo");
	const json_t *value = json_object_get(json_object_get(info, "Parameters"), name);

	if (!value)
		value = json_object_get(json_object_get(making->descriptor, "Parameters"), name);
	return value ? athena_json_str(value) : athena_property(making->table, name);
}

static bool is_serde(const struct making *making, const char *what)
{
	return strstr(serde(making).p, what) != NULL;
}

/* The regular expression of a table of lines. */
static int find_regex(struct making *making, struct buf *regex)
{
	bool is_grok = is_serde(making, "GrokSerDe");
	const char *name = is_grok ? "input.format" : "input.regex";
	struct str text = parameter(making, name);
	struct str custom = parameter(making, "input.grokCustomPatterns");

	if (!text.n)
		return athena_fail(making->failure, "HIVE_INVALID_METADATA",
			"Table %s.%s: %s is not set", making->reference->database,
			making->reference->table, name);
	if (!is_grok)
		buf_add_str(regex, text);
	else if (!athena_grok(text, custom.p ? custom : STR(""), regex, &making->groups))
		return athena_fail(making->failure, "HIVE_INVALID_METADATA",
			"Table %s.%s: the Grok pattern %.*s names one that is not known",
			making->reference->database, making->reference->table, STR_ARG(text));
	return 0;
}

/* ---- how it is read ---- */

static int choose_format(struct making *making)
{
	struct str input = athena_json_str(json_object_get(making->descriptor, "InputFormat"));

	if (is_serde(making, "ParquetHiveSerDe") || strstr(input.p, "arquet"))
		making->made->format = ATHENA_PARQUET;
	else if (is_serde(making, "OpenCSVSerde"))
		making->made->format = ATHENA_CSV;
	else if (is_serde(making, "RegexSerDe") || is_serde(making, "JsonSerDe") ||
		 is_serde(making, "GrokSerDe"))
		making->made->format = ATHENA_LINES;
	else if (!serde(making).n || is_serde(making, "LazySimpleSerDe"))
		making->made->format = ATHENA_TEXT;
	else
		return athena_fail(making->failure, "HIVE_UNSUPPORTED_FORMAT",
			"Table %s.%s: SerDe %.*s is not supported", making->reference->database,
			making->reference->table, STR_ARG(serde(making)));
	return 0;
}

/* A character, or its number. */
static char mark_of(struct str text, char otherwise)
{
	if (!text.n)
		return otherwise;
	if (text.n == 1 && (text.p[0] < '0' || text.p[0] > '9'))
		return text.p[0];
	if (str_equal(text, STR("\\t")))
		return '\t';
	return text.p[0] >= '0' && text.p[0] <= '9' ? (char)strtol(text.p, NULL, 10) : text.p[0];
}

static void set_marks(struct making *making)
{
	struct athena_table *made = making->made;
	struct str delimiter = parameter(making, "field.delim");
	struct str null_text = parameter(making, "serialization.null.format");
	struct str skip = parameter(making, "skip.header.line.count");

	if (!delimiter.p)
		delimiter = parameter(making, "serialization.format");
	made->delimiter = mark_of(delimiter, '\1');
	made->escape = mark_of(parameter(making, "escape.delim"), 0);
	made->null_text = null_text.p ? mem_printf("%.*s", STR_ARG(null_text)) : mem_strdup("\\N");
	made->skip_lines = skip.n ? (unsigned)strtoul(skip.p, NULL, 10) : 0;
	if (made->format == ATHENA_LINES) {
		/* the whole line, whatever stands in it */
		free(made->null_text);
		made->null_text = mem_strdup("");
	}
}

/* What the scan gives, and DuckDB casts the rest. */
static duckdb_type scanned_type(struct str type)
{
	if (str_equal_ignoring_case(type, STR("bigint")))
		return DUCKDB_TYPE_BIGINT;
	if (str_equal_ignoring_case(type, STR("int")) ||
		str_equal_ignoring_case(type, STR("integer")))
		return DUCKDB_TYPE_INTEGER;
	return DUCKDB_TYPE_VARCHAR;
}

static void set_columns(struct making *making)
{
	struct athena_table *made = making->made;
	size_t count = json_array_size(making->columns), keys = json_array_size(making->keys);
	bool lines = made->format == ATHENA_LINES;
	size_t fields = lines ? 1 : count;

	made->columns = mem_new(fields + keys + 1, sizeof(*made->columns));
	for (size_t i = 0; i < fields; i++)
		made->columns[made->columns_count++] =
			(struct athena_text_column){.name = mem_printf("c%zu", i),
				.type = lines ? DUCKDB_TYPE_VARCHAR
					      : scanned_type(type_of(making->columns, i))};
	for (size_t k = 0; k < keys; k++)
		made->columns[made->columns_count++] = (struct athena_text_column){
			.name = mem_printf("k%zu", k), .type = DUCKDB_TYPE_VARCHAR};
	made->keys_count = keys;
}

/* ---- the view ---- */

static int add_cast(struct making *making, struct str expression, const json_t *list, size_t i)
{
	struct buf *sql = making->sql;
	_cleanup_buf_ struct buf type = {0};

	if (!athena_hive_type(type_of(list, i), &type))
		return athena_fail(making->failure, "HIVE_INVALID_METADATA",
			"Table %s.%s: column '%.*s' has the type '%.*s'",
			making->reference->database, making->reference->table,
			STR_ARG(name_of(list, i)), STR_ARG(type_of(list, i)));
	if (str_equal(buf_str(&type), STR("VARCHAR")))
		buf_add_str(sql, expression);
	else
		buf_printf(sql, "TRY_CAST(%.*s AS %s)", STR_ARG(expression), buf_text(&type));
	buf_add_text(sql, " AS ");
	athena_add_name(sql, name_of(list, i));
	return 0;
}

static int add_keys(struct making *making)
{
	struct buf *sql = making->sql;
	char name[64];

	for (size_t k = 0; k < json_array_size(making->keys); k++) {
		int n = snprintf(name, sizeof(name), "nullif(k%zu, '" ATHENA_NULL_KEY "')", k);
		buf_add_text(sql, json_array_size(making->columns) || k ? ", " : "");
		if (add_cast(making, (struct str){name, (size_t)n}, making->keys, k) < 0)
			return -1;
	}
	return 0;
}

/* A member of the line's object, as text or, where the type is nested, as JSON to be cast. */
static void add_json_member(struct buf *expression, const struct making *making, size_t i)
{
	_cleanup_buf_ struct buf key = {0}, path = {0};
	struct str name = name_of(making->columns, i), type = type_of(making->columns, i);

	buf_printf(&key, "mapping.%.*s", STR_ARG(name));
	struct str mapped = parameter(making, buf_text(&key));
	buf_add_text(&path, "$.");
	athena_add_name(&path, mapped.p ? mapped : name);
	buf_add_text(expression, memchr(type.p, '<', type.n)
					 ? "json_extract(TRY_CAST(c0 AS JSON), "
					 : "json_extract_string(TRY_CAST(c0 AS JSON), ");
	athena_add_literal(expression, buf_str(&path));
	buf_add_char(expression, ')');
}

/* The rest of a call of regexp_extract: DuckDB numbers groups up to 9, of more they want names. */
static void add_group(struct buf *expression, size_t group)
{
	if (group <= 9) {
		buf_printf(expression, ", %zu)", group);
		return;
	}
	for (size_t i = 1; i <= group; i++)
		buf_printf(expression, "%s'g%zu'", i == 1 ? ", [" : ", ", i);
	buf_printf(expression, "])['g%zu']", group);
}

/* The group of a column: by its place, or by its name; 0: there is none. */
static size_t group_of(const struct making *making, size_t i)
{
	for (size_t g = 0; g < json_array_size(making->groups); g++) {
		if (str_equal_ignoring_case(name_of(making->columns, i),
			    athena_json_str(json_array_get(making->groups, g))))
			return g + 1;
	}
	return making->groups ? 0 : i + 1;
}

static int add_line_column(struct making *making, struct str pattern, size_t i)
{
	_cleanup_buf_ struct buf expression = {0};

	if (!pattern.p) {
		add_json_member(&expression, making, i);
	} else if (group_of(making, i) == 0) {
		buf_add_text(&expression, "CAST(NULL AS VARCHAR)");
	} else {
		buf_add_text(&expression, "CASE WHEN regexp_full_match(c0, ");
		athena_add_literal(&expression, pattern);
		buf_add_text(&expression, ") THEN regexp_extract(c0, ");
		athena_add_literal(&expression, pattern);
		add_group(&expression, group_of(making, i));
		buf_add_text(&expression, " END");
	}
	return add_cast(making, buf_str(&expression), making->columns, i);
}

static void add_mark(struct buf *sql, const struct making *making, const char *name, char otherwise)
{
	struct str text = parameter(making, name);

	buf_printf(sql, "chr(%u)", (unsigned char)mark_of(text.p ? text : STR(""), otherwise));
}

/* A list or map of scalars in one field, as text. False: it is none. */
static bool add_collection(struct buf *expression, const struct making *making, size_t i)
{
	struct str type = type_of(making->columns, i);
	bool is_map = type.n > 4 && str_equal_ignoring_case((struct str){type.p, 4}, STR("map<"));
	_cleanup_buf_ struct buf items = {0}, pair = {0};
	struct str null_text = str_from(making->made->null_text);

	if (!is_map &&
		!(type.n > 6 && str_equal_ignoring_case((struct str){type.p, 6}, STR("array<"))))
		return false;
	buf_printf(&items, "CASE WHEN c%zu = '' THEN [] ELSE string_split(c%zu, ", i, i);
	add_mark(&items, making, "collection.delim", '\2');
	buf_add_text(&items, ") END");
	buf_printf(expression,
		is_map ? "map_from_entries(list_transform(%s, lambda e_: "
		       : "list_transform(%s, lambda e_: ",
		buf_text(&items));
	if (is_map) {
		buf_add_text(&pair, "string_split(e_, ");
		add_mark(&pair, making, "mapkey.delim", '\3');
		buf_printf(expression, "{'k': %s)[1], 'v': nullif(%s)[2], ", buf_text(&pair),
			buf_text(&pair));
		athena_add_literal(expression, null_text);
		buf_add_text(expression, ")}))");
	} else {
		buf_add_text(expression, "nullif(e_, ");
		athena_add_literal(expression, null_text);
		buf_add_text(expression, "))");
	}
	return true;
}

static int add_text_columns(struct making *making)
{
	struct buf *sql = making->sql;
	bool lines = making->made->format == ATHENA_LINES;
	_cleanup_buf_ struct buf regex = {0};
	struct str pattern = STR_NONE;
	char name[32];

	if (lines && !is_serde(making, "JsonSerDe") && find_regex(making, &regex) < 0)
		return -1;
	if (regex.n)
		pattern = buf_str(&regex);
	for (size_t i = 0; i < json_array_size(making->columns); i++) {
		int n = snprintf(name, sizeof(name), "c%zu", i);
		buf_add_text(sql, i ? ", " : "");
		_cleanup_buf_ struct buf collection = {0};
		bool ready = !lines && making->made->columns[i].type != DUCKDB_TYPE_VARCHAR;
		if (ready) {
			buf_printf(sql, "%s AS ", name);
			athena_add_name(sql, name_of(making->columns, i));
		} else if (lines) {
			if (add_line_column(making, pattern, i) < 0)
				return -1;
		} else {
			bool nested = add_collection(&collection, making, i);
			struct str field = {name, (size_t)n};
			if (add_cast(making, nested ? buf_str(&collection) : field, making->columns,
				    i) < 0)
				return -1;
		}
	}
	return 0;
}

/* ---- files that DuckDB reads ---- */

/* The path of a file: its entry's, for a list of those with an entry, or its own, for one of the
 * others. NULL: it is not of the list. */
static const char *listed(const struct athena_files_item *item, bool entries)
{
	return entries ? item->entry : item->entry ? NULL : item->path;
}

static void add_literals(struct buf *sql, const struct athena_files *files, bool entries)
{
	bool is_first = true;

	for (size_t i = 0; i < files->count; i++) {
		const char *path = listed(&files->items[i], entries);
		if (!path)
			continue;
		buf_add_text(sql, is_first ? "" : ", ");
		is_first = false;
		athena_add_literal(sql, str_from(path));
	}
}

static void allow(struct making *making, bool entries)
{
	struct buf *allowed = &making->engine->allowed;
	_cleanup_buf_ struct buf paths = {0};

	add_literals(&paths, &making->made->files, entries);
	buf_add_text(allowed, allowed->n && paths.n ? ", " : "");
	buf_add_str(allowed, buf_str(&paths));
}

/* The keys of each file: a table to join with. */
static int make_places(struct making *making, const char *name, bool entries)
{
	const struct athena_files *files = &making->made->files;
	_cleanup_buf_ struct buf sql = {0};
	duckdb_appender appender = NULL;
	size_t keys = json_array_size(making->keys);

	buf_printf(&sql, "CREATE TABLE memory.main.%s (path VARCHAR", name);
	for (size_t k = 0; k < keys; k++)
		buf_printf(&sql, ", k%zu VARCHAR", k);
	buf_add_char(&sql, ')');
	if (athena_execute(making->engine, buf_text(&sql), NULL, making->failure) < 0)
		return -1;
	bool ok = duckdb_appender_create_ext(making->engine->connection, "memory", "main", name,
			  &appender) == DuckDBSuccess;
	for (size_t i = 0; ok && i < files->count; i++) {
		const json_t *values = files->values[files->items[i].partition];
		const char *path = listed(&files->items[i], entries);
		if (!path)
			continue;
		ok = duckdb_append_varchar(appender, path) == DuckDBSuccess;
		for (size_t k = 0; ok && k < keys; k++) {
			struct str value = athena_json_str(json_array_get(values, k));
			ok = duckdb_append_varchar_length(appender, value.p, value.n) ==
			     DuckDBSuccess;
		}
		ok = ok && duckdb_appender_end_row(appender) == DuckDBSuccess;
	}
	ok = ok && duckdb_appender_close(appender) == DuckDBSuccess;
	duckdb_appender_destroy(&appender);
	return ok ? 0
		  : athena_fail(making->failure, "GENERIC_INTERNAL_ERROR",
			    "cannot keep the partitions");
}

/* DuckDB's names of the files' columns, in lower case, with their types. */
static json_t *find_columns(struct making *making, const char *reader)
{
	_cleanup_buf_ struct buf sql = {0};
	duckdb_result result;
	json_t *found = json_object();

	buf_printf(&sql, "DESCRIBE SELECT * FROM %s", reader);
	if (athena_execute(making->engine, buf_text(&sql), &result, making->failure) < 0) {
		json_decref(found);
		return NULL;
	}
	for (idx_t row = 0; row < duckdb_row_count(&result); row++) {
		char *name = duckdb_value_varchar(&result, 0, row);
		char *type = duckdb_value_varchar(&result, 1, row);
		json_object_set_new(found, name, json_string(type));
		duckdb_free(name);
		duckdb_free(type);
	}
	duckdb_destroy_result(&result);
	return found;
}

static const char *find_name(const json_t *found, struct str name)
{
	const char *key;
	json_t *type;

	json_object_foreach((json_t *)found, key, type)
	{
		if (str_equal_ignoring_case(str_from(key), name))
			return key;
	}
	return NULL;
}

static int add_file_columns(struct making *making, const json_t *found)
{
	struct buf *sql = making->sql;

	for (size_t i = 0; i < json_array_size(making->columns); i++) {
		_cleanup_buf_ struct buf type = {0}, name = {0};
		const char *column = find_name(found, name_of(making->columns, i));
		buf_add_text(sql, i ? ", " : "");
		if (column) {
			buf_add_text(&name, "r.");
			athena_add_name(&name, str_from(column));
		} else {
			buf_add_text(&name, "NULL");
		}
		bool known = athena_hive_type(type_of(making->columns, i), &type);
		/* without a cast, conditions go into the reader */
		if (column && known &&
			str_equal(
				athena_json_str(json_object_get(found, column)), buf_str(&type))) {
			buf_printf(sql, "%s AS ", buf_text(&name));
			athena_add_name(sql, name_of(making->columns, i));
		} else if (column && known) {
			buf_printf(sql, "CAST(%s AS %s) AS ", buf_text(&name), buf_text(&type));
			athena_add_name(sql, name_of(making->columns, i));
		} else if (known) {
			buf_printf(sql, "CAST(NULL AS %s) AS ", buf_text(&type));
			athena_add_name(sql, name_of(making->columns, i));
		} else if (add_cast(making, buf_str(&name), making->columns, i) < 0) {
			return -1;
		}
	}
	return 0;
}

/* What comes behind the paths in read_csv. */
static void add_csv_marks(struct buf *sql, const struct making *making)
{
	const char quote[2] = {mark_of(parameter(making, "quoteChar"), '"'), 0};
	const char separator[2] = {mark_of(parameter(making, "separatorChar"), ','), 0};
	const char escape[2] = {mark_of(parameter(making, "escapeChar"), '\\'), 0};
	size_t count = json_array_size(making->columns);

	buf_add_text(sql, "], auto_detect = false, header = false, filename = true, "
			  "null_padding = true, strict_mode = false, delim = ");
	athena_add_literal(sql, str_from(separator));
	buf_add_text(sql, ", quote = ");
	athena_add_literal(sql, str_from(quote));
	buf_add_text(sql, ", escape = ");
	athena_add_literal(sql, str_from(escape));
	buf_printf(sql, ", skip = %u, columns = {", making->made->skip_lines);
	for (size_t i = 0; i < count; i++) {
		buf_add_text(sql, i ? ", " : "");
		athena_add_literal(sql, name_of(making->columns, i));
		buf_add_text(sql, ": 'VARCHAR'");
	}
	buf_add_text(sql, "})");
}

static json_t *csv_columns(const struct making *making)
{
	json_t *found = json_object();

	for (size_t i = 0; i < json_array_size(making->columns); i++)
		json_object_set_new(found, name_of(making->columns, i).p, json_string("VARCHAR"));
	return found;
}

static int add_empty(struct making *making)
{
	struct buf *sql = making->sql;
	size_t columns = json_array_size(making->columns);
	size_t count = columns + json_array_size(making->keys);

	for (size_t i = 0; i < count; i++) {
		buf_add_text(sql, i ? ", " : "");
		if (add_cast(making, STR("CAST(NULL AS VARCHAR)"),
			    i < columns ? making->columns : making->keys,
			    i < columns ? i : i - columns) < 0)
			return -1;
	}
	buf_add_text(sql, " WHERE false");
	return 0;
}

static int count_scanned(struct making *making, uint64_t bytes)
{
	struct athena_engine *engine = making->engine;
	uint64_t scanned = atomic_fetch_add(&engine->scanned, bytes) + bytes;

	if (engine->scan_limit && scanned > engine->scan_limit)
		return athena_fail(making->failure, "", "Bytes scanned limit was exceeded");
	return 0;
}

/* ---- what the cache has ---- */

/* Columns have the types that they were written with, but DuckDB says which. */
static int add_cached_columns(struct making *making)
{
	for (size_t i = 0; i < json_array_size(making->columns); i++) {
		_cleanup_buf_ struct buf type = {0};
		athena_hive_type(type_of(making->columns, i), &type);
		buf_printf(
			making->sql, "%sCAST(r.c%zu AS %s) AS ", i ? ", " : "", i, buf_text(&type));
		athena_add_name(making->sql, name_of(making->columns, i));
	}
	return add_keys(making);
}

/* The rest of the view: what is read from entries. */
static int add_cached(struct making *making)
{
	struct buf *sql = making->sql;
	char places[48];

	allow(making, true);
	snprintf(places, sizeof(places), "nagare_entries_%zu", making->engine->tables_count);
	if (add_cached_columns(making) < 0)
		return -1;
	buf_add_text(sql, " FROM read_parquet([");
	add_literals(sql, &making->made->files, true);
	buf_add_text(sql, "], hive_partitioning = false, filename = true) AS r");
	if (!json_array_size(making->keys))
		return 0;
	buf_printf(sql, " JOIN memory.main.%s AS p ON r.filename = p.path", places);
	return make_places(making, places, true);
}

/* A view over what is not cached (select, with keys and what it is from) and what is. */
static int add_both(struct making *making, const char *select, const char *from)
{
	const struct athena_table *made = making->made;
	struct buf *sql = making->sql;

	if (made->hits < made->files.count || made->files.count == 0) {
		buf_add_text(sql, select);
		if (add_keys(making) < 0)
			return -1;
		buf_add_text(sql, from);
	}
	if (made->hits == 0)
		return 0;
	if (made->hits < made->files.count)
		buf_add_text(sql, " UNION ALL SELECT ");
	return add_cached(making);
}

/* Bytes of the objects that are read from entries, as often as the statement names the table: the
 * scan of text counts so. */
static int count_cached(struct making *making, const struct athena_query *query)
{
	const struct athena_files *files = &making->made->files;
	uint64_t uses = making->reference->uses_count ? making->reference->uses_count : 1;
	uint64_t bytes = 0;

	if (query->explain && !query->analyze)
		return 0;
	for (size_t i = 0; i < files->count; i++)
		bytes += files->items[i].entry ? files->items[i].size : 0;
	return count_scanned(making, bytes * uses);
}

/* ---- whole views ---- */

static int add_text_view(struct making *making, const struct athena_query *query)
{
	_cleanup_buf_ struct buf columns = {0};
	char from[64];

	making->sql = &columns;
	int r = add_text_columns(making);
	making->sql = &making->engine->views;
	if (r < 0)
		return -1;
	athena_cached_find(making->engine, making->made, buf_text(&columns), NULL,
		json_array_size(making->columns));
	snprintf(from, sizeof(from), " FROM " ATHENA_TEXT_FUNCTION "(%zu)",
		making->engine->tables_count);
	return count_cached(making, query) < 0 ? -1 : add_both(making, buf_text(&columns), from);
}

static int add_csv_view(struct making *making)
{
	_cleanup_buf_ struct buf columns = {0}, marks = {0}, from = {0};
	struct athena_table *made = making->made;
	char places[48];

	json_t *found = csv_columns(making);
	making->sql = &columns;
	int r = add_file_columns(making, found);
	making->sql = &making->engine->views;
	json_decref(found);
	if (r < 0)
		return -1;
	add_csv_marks(&marks, making);
	const char *const reader[] = {"read_csv([", buf_text(&marks)};
	athena_cached_find(
		making->engine, made, buf_text(&columns), reader, json_array_size(making->columns));
	allow(making, false);
	snprintf(places, sizeof(places), "nagare_places_%zu", making->engine->tables_count);
	buf_printf(&from, " FROM %s", reader[0]);
	add_literals(&from, &made->files, false);
	buf_printf(&from, "%s AS r", reader[1]);
	if (json_array_size(making->keys) && made->hits < made->files.count) {
		buf_printf(&from, " JOIN memory.main.%s AS p ON r.filename = p.path", places);
		if (make_places(making, places, false) < 0)
			return -1;
	}
	return add_both(making, buf_text(&columns), buf_text(&from));
}

static int add_parquet_view(struct making *making)
{
	_cleanup_buf_ struct buf reader = {0};
	char places[48];

	allow(making, false);
	buf_add_text(&reader, "read_parquet([");
	add_literals(&reader, &making->made->files, false);
	buf_add_text(&reader, "], union_by_name = true, hive_partitioning = false, "
			      "filename = true)");
	json_t *found = find_columns(making, buf_text(&reader));
	snprintf(places, sizeof(places), "nagare_places_%zu", making->engine->tables_count);
	int r = found ? add_file_columns(making, found) : -1;
	json_decref(found);
	if (r < 0 || add_keys(making) < 0)
		return -1;
	buf_printf(making->sql, " FROM %s AS r", buf_text(&reader));
	if (!json_array_size(making->keys))
		return 0;
	buf_printf(making->sql, " JOIN memory.main.%s AS p ON r.filename = p.path", places);
	return make_places(making, places, false);
}

static int add_file_view(struct making *making)
{
	const struct athena_files *files = &making->made->files;

	if (count_scanned(making, files->bytes) < 0)
		return -1;
	if (files->count == 0)
		return add_empty(making);
	return making->made->format == ATHENA_CSV ? add_csv_view(making) : add_parquet_view(making);
}

int athena_table_make(struct athena_engine *engine, const struct athena_query *query,
	const struct athena_reference *reference, const json_t *table,
	struct athena_failure *failure)
{
	struct making making = {.engine = engine,
		.reference = reference,
		.descriptor = json_object_get(table, "StorageDescriptor"),
		.table = table,
		.keys = json_object_get(table, "PartitionKeys"),
		.made = mem_new(1, sizeof(struct athena_table)),
		.sql = &engine->views,
		.failure = failure};

	making.columns = json_object_get(making.descriptor, "Columns");
	making.made->engine = engine;
	making.made->database = mem_strdup(reference->database);
	making.made->name = mem_strdup(reference->table);
	engine->tables =
		mem_grow(engine->tables, engine->tables_count + 1, sizeof(struct athena_table *));
	engine->tables[engine->tables_count] = making.made;
	int r = choose_format(&making);
	if (r == 0)
		r = athena_files_find(
			engine, query, reference, table, &making.made->files, failure);
	if (r == 0) {
		_cleanup_buf_ struct buf aliases = {0};
		set_marks(&making);
		set_columns(&making);
		athena_aliases_add(engine, reference, making.columns, &aliases);
		buf_add_text(&engine->views, "CREATE VIEW awsdatacatalog.");
		athena_add_name(&engine->views, str_from(reference->database));
		buf_add_char(&engine->views, '.');
		athena_add_name(&engine->views, str_from(reference->table));
		if (aliases.n)
			buf_printf(
				&engine->views, " AS SELECT *%s FROM (SELECT ", buf_text(&aliases));
		else
			buf_add_text(&engine->views, " AS SELECT ");
		bool text =
			making.made->format == ATHENA_TEXT || making.made->format == ATHENA_LINES;
		r = text ? add_text_view(&making, query) : add_file_view(&making);
		json_decref(making.groups);
		buf_add_text(&engine->views, aliases.n ? "); " : "; ");
	}
	engine->tables_count++;
	return r;
}
