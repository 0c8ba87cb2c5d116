/* EXPLAIN (TYPE IO): what a statement would read. Tables have their files by then, those of the
 * partitions that it wants, so that nothing is estimated. Shape: Trino's documentation, "EXPLAIN";
 * numbers that are not known are "NaN" there. */
#include "query/athena_priv.h"

static json_t *estimate(uint64_t bytes)
{
	return json_pack("{s:s, s:I, s:s, s:s, s:s}", "outputRowCount", "NaN", "outputSizeInBytes",
		(json_int_t)bytes, "cpuCost", "NaN", "maxMemory", "NaN", "networkCost", "NaN");
}

static json_t *describe(const struct athena_table *table)
{
	const struct athena_files *files = &table->files;

	return json_pack("{s:{s:s, s:{s:s, s:s}}, s:{s:b, s:[]}, s:o, s:I, s:I, s:I, s:I}", "table",
		"catalog", "awsdatacatalog", "schemaTable", "schema", table->database, "table",
		table->name, "constraint", "none", 0, "columnConstraints", "estimate",
		estimate(files->bytes), "partitions", (json_int_t)files->values_count,
		"partitionsPruned", (json_int_t)files->pruned, "objects", (json_int_t)files->count,
		"bytes", (json_int_t)files->bytes);
}

static int check(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure)
{
	duckdb_prepared_statement prepared = NULL;
	int r = 0;

	if (duckdb_prepare(engine->connection, buf_text(&engine->trino.sql), &prepared) !=
		DuckDBSuccess)
		r = athena_map_error(engine, &engine->trino, query->text,
			duckdb_prepare_error(prepared), failure);
	duckdb_destroy_prepare(&prepared);
	return r;
}

int athena_io_start(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure)
{
	_cleanup_buf_ struct buf sql = {0};
	json_t *tables = json_array();
	uint64_t bytes = 0;

	if (check(engine, query, failure) < 0) {
		json_decref(tables);
		return -1;
	}
	for (size_t i = 0; i < engine->tables_count; i++) {
		json_array_append_new(tables, describe(engine->tables[i]));
		bytes += engine->tables[i]->files.bytes;
	}
	json_t *plan = json_pack(
		"{s:o, s:o}", "inputTableColumnInfos", tables, "estimate", estimate(bytes));
	char *text = json_dumps(plan, JSON_INDENT(2));
	buf_add_text(&sql, "SELECT 'physical_plan' AS explain_key, ");
	athena_add_literal(&sql, str_from(text));
	buf_add_text(&sql, " AS explain_value");
	free(text);
	json_decref(plan);
	engine->scanned = 0;
	if (athena_execute(engine, buf_text(&sql), &engine->result, failure) < 0)
		return -1;
	engine->has_result = true;
	return 0;
}
