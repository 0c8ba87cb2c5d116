/* Rows into files (CREATE TABLE AS, INSERT, UNLOAD). DuckDB writes Parquet; text and JSON are lines
 * that its expressions make, one column written as it is. With keys the rows are kept in one file
 * first, so that too many combinations are refused before a file is made for each. */
#include "query/athena_priv.h"

#include "aws/uri.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#define STAGING "rows.parquet"

struct output {
	struct athena_engine *engine;
	const struct athena_query *query;
	const struct athena_output *wanted;
	size_t count, keys; /* columns with the keys */
	struct athena_failure *failure;
};

/* ---- columns ---- */

static struct str name_of(const struct output *output, size_t i)
{
	const json_t *columns = output->wanted->columns;

	return columns ? athena_json_str(json_object_get(json_array_get(columns, i), "Name"))
		       : str_from(output->engine->columns[i].name);
}

static struct str type_of(const struct output *output, size_t i)
{
	const json_t *columns = output->wanted->columns;

	return columns ? athena_json_str(json_object_get(json_array_get(columns, i), "Type"))
		       : str_from(output->engine->columns[i].hive_type);
}

/* Which column of the SELECT becomes the i-th of the table; SIZE_MAX: none. */
static size_t source_of(const struct output *output, size_t i)
{
	const json_t *given = output->wanted->given;

	for (size_t k = 0; k < json_array_size(given); k++) {
		if (str_equal_ignoring_case(
			    athena_json_str(json_array_get(given, k)), name_of(output, i)))
			return k;
	}
	return json_array_size(given) > 0 ? SIZE_MAX : i;
}

/* How wide a number of the type is among those that widen into each other; 0: it is none. */
static int width_of(struct str type)
{
	static const char *const order[] = {
		"tinyint", "smallint", "int", "bigint", "decimal", "float", "double"};
	struct str name = type;

	for (size_t i = 0; i < type.n; i++) {
		if (type.p[i] == '(') {
			name.n = i;
			break;
		}
	}
	if (str_equal_ignoring_case(name, STR("integer")))
		return 3;
	for (int i = 0; i < (int)ARRAY_SIZE(order); i++) {
		if (str_equal_ignoring_case(name, str_from(order[i])))
			return i + 1;
	}
	return 0;
}

static bool is_text(struct str type)
{
	return str_equal_ignoring_case(type, STR("string")) ||
	       str_starts_with(type, STR("varchar")) || str_starts_with(type, STR("char"));
}

/* Trino's coercions. */
static bool fits(const struct athena_column *column, struct str type)
{
	struct str from = str_from(column->hive_type);
	int from_width = width_of(from), width = width_of(type);
	_cleanup_buf_ struct buf sql = {0}, from_sql = {0};

	if (strcmp(column->type, "unknown") == 0 || (is_text(from) && is_text(type)))
		return true;
	if (from_width && width)
		return from_width <= width;
	if (str_equal(from, STR("date")) && str_equal_ignoring_case(type, STR("timestamp")))
		return true;
	return athena_hive_type(type, &sql) && athena_hive_type(from, &from_sql) &&
	       str_equal(buf_str(&sql), buf_str(&from_sql));
}

static int mismatch(const struct output *output)
{
	_cleanup_buf_ struct buf table = {0}, query = {0};

	for (size_t i = 0; i < output->count; i++)
		buf_printf(&table, "%s%.*s", i ? ", " : "", STR_ARG(type_of(output, i)));
	for (size_t i = 0; i < output->engine->columns_count; i++)
		buf_printf(&query, "%s%s", i ? ", " : "", output->engine->columns[i].type);
	return athena_fail(output->failure, "TYPE_MISMATCH",
		"line 1:1: Insert query has mismatched column types: Table: [%s], Query: [%s]",
		buf_text(&table), buf_text(&query));
}

/* Do the SELECT's columns go into the table's? */
static int check_table(const struct output *output)
{
	const struct athena_engine *engine = output->engine;
	size_t given = json_array_size(output->wanted->given), used = 0;

	if (engine->columns_count != (given ? given : output->count))
		return mismatch(output);
	for (size_t i = 0; i < output->count; i++) {
		size_t source = source_of(output, i);
		used += source != SIZE_MAX;
		if (source != SIZE_MAX && !fits(&engine->columns[source], type_of(output, i)))
			return mismatch(output);
	}
	if (given && used < given)
		return athena_fail(output->failure, "COLUMN_NOT_FOUND",
			"line 1:1: Insert column name does not exist in target table");
	return 0;
}

static int check_names(const struct output *output)
{
	const struct athena_engine *engine = output->engine;
	_cleanup_buf_ struct buf names = {0};

	for (size_t i = 0; i < output->count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (str_equal_ignoring_case(name_of(output, i), name_of(output, k)))
				return athena_fail(output->failure, "DUPLICATE_COLUMN_NAME",
					"line 1:1: Column name '%s' specified more than once",
					engine->columns[i].name);
		}
	}
	bool in_order = output->keys <= output->count;
	for (size_t k = 0; k < output->keys; k++) {
		struct str key = athena_json_str(json_array_get(output->wanted->keys, k));
		buf_printf(&names, "%s%.*s", k ? ", " : "", STR_ARG(key));
		in_order = in_order && str_equal_ignoring_case(key,
					       name_of(output, output->count - output->keys + k));
	}
	if (!in_order)
		return athena_fail(output->failure, "HIVE_COLUMN_ORDER_MISMATCH",
			"Partition keys must be the last columns in the table and in the same "
			"order as the table properties: [%s]",
			buf_text(&names));
	if (output->keys == output->count)
		return athena_fail(output->failure, "INVALID_TABLE_PROPERTY",
			"Table contains only partition columns");
	return 0;
}

/* ---- expressions ---- */

/* The i-th column, in the type that it becomes. */
static int add_value(struct buf *sql, const struct output *output, size_t i)
{
	size_t source = source_of(output, i);
	_cleanup_buf_ struct buf type = {0};

	if (!athena_hive_type(type_of(output, i), &type))
		return athena_fail(output->failure, "NOT_SUPPORTED", "Unsupported Hive type: %.*s",
			STR_ARG(type_of(output, i)));
	if (source == SIZE_MAX)
		buf_printf(sql, "CAST(NULL AS %s)", buf_text(&type));
	else
		buf_printf(sql, "CAST(c%zu AS %s)", source, buf_text(&type));
	return 0;
}

/* Text of one value as Hive's LazySimpleSerDe writes it. */
static void add_scalar(struct buf *sql, struct str value, struct str type)
{
	if (str_equal(type, STR("binary")))
		buf_printf(sql, "base64(%.*s)", STR_ARG(value));
	else if (str_equal(type, STR("timestamp")))
		buf_printf(sql, "strftime(%.*s, '%%Y-%%m-%%d %%H:%%M:%%S.%%g')", STR_ARG(value));
	else
		buf_printf(sql, "CAST(%.*s AS VARCHAR)", STR_ARG(value));
}

/* What stands in the brackets when nothing nested does; STR_NONE. */
static struct str inner_of(struct str type, struct str outer)
{
	if (!str_starts_with(type, outer) || type.n <= outer.n)
		return STR_NONE;
	struct str inner = {type.p + outer.n, type.n - outer.n - 1};
	return memchr(inner.p, '<', inner.n) ? STR_NONE : inner;
}

static int add_field(struct buf *sql, const struct output *output, size_t i)
{
	struct str type = type_of(output, i), key;
	struct str items = inner_of(type, STR("array<")), pairs = inner_of(type, STR("map<"));
	_cleanup_buf_ struct buf value = {0}, null_text = {0};

	if (add_value(&value, output, i) < 0)
		return -1;
	athena_add_literal(&null_text, str_from(output->wanted->null_text));
	buf_add_text(sql, "coalesce(");
	if (items.p) {
		buf_add_text(sql, "array_to_string(list_transform(");
		buf_printf(sql, "%s, lambda e_: coalesce(", buf_text(&value));
		add_scalar(sql, STR("e_"), items);
		buf_printf(sql, ", %s)), chr(2))", buf_text(&null_text));
	} else if (pairs.p && str_split(&pairs, ',', &key)) {
		buf_printf(sql, "array_to_string(list_transform(map_entries(%s), lambda e_: ",
			buf_text(&value));
		add_scalar(sql, STR("e_.key"), key);
		buf_add_text(sql, " || chr(3) || coalesce(");
		add_scalar(sql, STR("e_.value"), pairs);
		buf_printf(sql, ", %s)), chr(2))", buf_text(&null_text));
	} else if (memchr(type.p, '<', type.n)) {
		return athena_fail(output->failure, "NOT_SUPPORTED",
			"column '%.*s' of the type %.*s in a text file is not supported",
			STR_ARG(name_of(output, i)), STR_ARG(type));
	} else {
		add_scalar(sql, buf_str(&value), type);
	}
	buf_printf(sql, ", %s)", buf_text(&null_text));
	return 0;
}

/* The line, of all columns but the keys. */
static int add_line(struct buf *sql, const struct output *output)
{
	bool json = output->wanted->format == ATHENA_OUTPUT_JSON;

	buf_add_text(sql, json ? "CAST(to_json({" : "");
	for (size_t i = 0; i < output->count - output->keys; i++) {
		if (json) {
			buf_add_text(sql, i ? ", " : "");
			athena_add_literal(sql, name_of(output, i));
			buf_add_text(sql, ": ");
		} else if (i) {
			buf_printf(
				sql, " || chr(%u) || ", (unsigned char)output->wanted->delimiter);
		}
		if ((json ? add_value(sql, output, i) : add_field(sql, output, i)) < 0)
			return -1;
	}
	buf_add_text(sql, json ? "}) AS VARCHAR) AS line" : " AS line");
	return 0;
}

static int add_select(struct buf *sql, const struct output *output)
{
	buf_add_text(sql, "WITH nagare_rows(");
	for (size_t i = 0; i < output->engine->columns_count; i++)
		buf_printf(sql, "%sc%zu", i ? ", " : "", i);
	buf_printf(sql, ") AS (%.*s\n) SELECT ", STR_ARG(buf_str(&output->engine->trino.sql)));
	bool lines = output->wanted->format != ATHENA_OUTPUT_PARQUET;
	if (lines && add_line(sql, output) < 0)
		return -1;
	for (size_t i = lines ? output->count - output->keys : 0; i < output->count; i++) {
		buf_add_text(sql, i ? ", " : "");
		if (add_value(sql, output, i) < 0)
			return -1;
		buf_add_text(sql, " AS ");
		athena_add_name(sql, name_of(output, i));
	}
	buf_add_text(sql, " FROM nagare_rows");
	return 0;
}

static void add_options(struct buf *sql, const struct output *output)
{
	const char *compression = output->wanted->compression;
	bool parquet = output->wanted->format == ATHENA_OUTPUT_PARQUET;

	if (parquet && strcmp(compression, "none") == 0)
		compression = "uncompressed";
	buf_printf(sql, "(FORMAT %s, COMPRESSION %s%s",
		parquet ? "parquet" : "csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER e'\\x01'",
		compression, output->keys ? ", PARTITION_BY (" : "");
	for (size_t k = 0; k < output->keys; k++) {
		buf_add_text(sql, k ? ", " : "");
		athena_add_name(sql, name_of(output, output->count - output->keys + k));
	}
	buf_add_text(sql, output->keys ? "))" : ")");
}

/* ---- running ---- */

/* A statement whose result is one number. */
static int run(const struct output *output, const char *sql, uint64_t *ret_number)
{
	struct athena_engine *engine = output->engine;
	duckdb_result result;

	if (engine->interrupted)
		return athena_fail(output->failure, "", "Query cancelled by user");
	if (duckdb_query(engine->connection, sql, &result) != DuckDBSuccess) {
		athena_map_error(
			engine, NULL, STR_NONE, duckdb_result_error(&result), output->failure);
		duckdb_destroy_result(&result);
		return -1;
	}
	duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
	*ret_number = 0;
	if (chunk && duckdb_data_chunk_get_size(chunk) == 1)
		*ret_number = (uint64_t)((int64_t *)duckdb_vector_get_data(
			duckdb_data_chunk_get_vector(chunk, 0)))[0];
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	return 0;
}

static int check_combinations(const struct output *output, struct str staging)
{
	_cleanup_buf_ struct buf sql = {0};
	uint64_t found = 0;

	buf_add_text(&sql, "SELECT count(*) FROM (SELECT DISTINCT ");
	for (size_t k = 0; k < output->keys; k++) {
		buf_add_text(&sql, k ? ", " : "");
		athena_add_name(&sql, name_of(output, output->count - output->keys + k));
	}
	buf_add_text(&sql, " FROM read_parquet(");
	athena_add_literal(&sql, staging);
	buf_printf(&sql, ") LIMIT %d)", ATHENA_OUTPUTS_MAX + 1);
	if (run(output, buf_text(&sql), &found) < 0)
		return -1;
	return found <= ATHENA_OUTPUTS_MAX
		       ? 0
		       : athena_fail(output->failure, "HIVE_TOO_MANY_OPEN_PARTITIONS",
				 "Exceeded limit of %d open writers for partitions/buckets",
				 ATHENA_OUTPUTS_MAX);
}

static int write_partitioned(const struct output *output, struct str select)
{
	_cleanup_buf_ struct buf sql = {0}, staging = {0};
	uint64_t rows;

	buf_printf(&staging, "%s/" STAGING, output->wanted->folder);
	buf_printf(&sql, "COPY (%.*s) TO ", STR_ARG(select));
	athena_add_literal(&sql, buf_str(&staging));
	buf_add_text(&sql, " (FORMAT parquet, COMPRESSION snappy)");
	if (run(output, buf_text(&sql), &output->engine->rows) < 0 ||
		check_combinations(output, buf_str(&staging)) < 0)
		return -1;
	sql.n = 0;
	buf_add_text(&sql, "COPY (SELECT * FROM read_parquet(");
	athena_add_literal(&sql, buf_str(&staging));
	buf_printf(&sql, ")) TO '%s/parts' ", output->wanted->folder);
	add_options(&sql, output);
	int r = output->engine->rows > 0 ? run(output, buf_text(&sql), &rows) : 0;
	unlink(buf_text(&staging));
	return r;
}

/* KEY=VALUE folders, as deep as there are keys. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void collect(const struct output *output, struct str folder, json_t *values, size_t level)
{
	_cleanup_free_ char *path = mem_printf("%.*s", STR_ARG(folder));
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		_cleanup_free_ struct dirent *entry = entries[i];
		_cleanup_buf_ struct buf below = {0}, value = {0};
		const char *mark = strrchr(entry->d_name, '=');
		if (entry->d_name[0] == '.')
			continue;
		buf_printf(&below, "%s/%s", path, entry->d_name);
		if (level == output->keys) {
			json_array_append_new(output->engine->outputs,
				json_pack("{s:s, s:o}", "Path", buf_text(&below), "Values",
					json_copy(values)));
		} else if (mark &&
			   aws_uri_decode(&value, str_from(mark + 1), AWS_URI_PLUS_IS_PLUS)) {
			json_array_append_new(
				values, json_stringn_nocheck(buf_text(&value), value.n));
			collect(output, buf_str(&below), values, level + 1);
			json_array_remove(values, json_array_size(values) - 1);
		}
	}
	if (count >= 0)
		free(entries);
}

static int write_files(const struct output *output)
{
	_cleanup_buf_ struct buf select = {0}, sql = {0}, path = {0};
	json_t *values = json_array();
	int r = add_select(&select, output);

	if (r == 0 && output->keys) {
		r = write_partitioned(output, buf_str(&select));
		buf_printf(&path, "%s/parts", output->wanted->folder);
		collect(output, buf_str(&path), values, 0);
	} else if (r == 0) {
		buf_printf(&path, "%s/rows", output->wanted->folder);
		buf_printf(&sql, "COPY (%.*s) TO ", STR_ARG(buf_str(&select)));
		athena_add_literal(&sql, buf_str(&path));
		add_options(&sql, output);
		r = run(output, buf_text(&sql), &output->engine->rows);
		if (r == 0 && output->engine->rows > 0)
			json_array_append_new(output->engine->outputs,
				json_pack("{s:s, s:[]}", "Path", buf_text(&path), "Values"));
	}
	json_decref(values);
	return r;
}

int athena_output_run(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure)
{
	struct output output = {.engine = engine,
		.query = query,
		.wanted = query->output,
		.keys = json_array_size(query->output->keys),
		.failure = failure};

	engine->outputs = json_array();
	if (athena_describe(engine, query, failure) < 0)
		return -1;
	output.count = query->output->columns ? json_array_size(query->output->columns)
					      : engine->columns_count;
	if (check_names(&output) < 0 || (query->output->columns && check_table(&output) < 0))
		return -1;
	return query->output->without_data ? 0 : write_files(&output);
}
