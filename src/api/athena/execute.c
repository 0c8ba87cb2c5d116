/* One statement from its text to its objects. Rows of SELECT go into a draft as they come; those of
 * CREATE TABLE AS, INSERT and UNLOAD into a file first, which becomes an object whole, and only
 * then does the catalog know of a new table. */
#include "api/athena/athena_priv.h"

#include "aws/digest.h"

#include <stdio.h>
#include <unistd.h>

enum { FLUSH_BYTES = 1 << 20 };

struct work {
	struct athena *athena;
	struct execution *execution;
	struct athena_engine *engine;
	struct athena_failure *failure;
};

static json_t *document_of(const struct execution *execution)
{
	return json_object_get(execution->kept, "Execution");
}

static struct str output_of(const struct execution *execution)
{
	return athena_text(
		json_object_get(document_of(execution), "ResultConfiguration"), "OutputLocation");
}

static json_t *columns_of(const struct athena_engine *engine)
{
	size_t count;
	const struct athena_column *columns = athena_columns(engine, &count);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			list, athena_column(columns[i].name, columns[i].type, columns[i].precision,
				      columns[i].scale, columns[i].case_sensitive));
	return list;
}

/* What the store will have beside the document. */
static void keep(const struct work *work, json_t *columns, uint64_t updated)
{
	pthread_mutex_lock(&work->athena->lock);
	json_object_set(work->execution->kept, "Columns", columns);
	json_object_set_new(
		work->execution->kept, "UpdateCount", json_integer((json_int_t)updated));
	pthread_mutex_unlock(&work->athena->lock);
}

static void add_header(struct buf *csv, const json_t *columns)
{
	for (size_t i = 0; i < json_array_size(columns); i++) {
		buf_add_text(csv, i ? "," : "");
		athena_add_csv(csv, athena_text(json_array_get(columns, i), "Name"));
	}
	buf_add_char(csv, '\n');
}

static int add(const struct work *work, struct store_draft *draft, struct buf *bytes)
{
	struct aws_error error;
	struct err err = ERR_INIT;

	if (store_draft_add(draft, buf_str(bytes), &error, &err) < 0)
		return athena_fail_aws(work->failure, &error);
	bytes->n = 0;
	return 0;
}

/* The plan as rows of one column: the first line of the file is its name. */
static int write_plan(const struct work *work, const struct buf *csv)
{
	_cleanup_buf_ struct buf text = {0};
	bool in_value = false;
	size_t column = 0;

	/* "physical_plan","the plan": what is in the second quotes */
	buf_add_text(&text, "Query Plan\n");
	for (size_t i = 0; i < csv->n; i++) {
		char c = csv->p[i];
		if (c == '"' && in_value && i + 1 < csv->n && csv->p[i + 1] == '"')
			i++;
		else if (c == '"') {
			in_value = !in_value;
			continue;
		}
		if (!in_value && (c == ',' || c == '\n'))
			column = c == ',' ? column + 1 : 0;
		else if (in_value && column == 1)
			buf_add_char(&text, c);
	}
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	json_t *columns =
		json_pack("[o]", athena_column("Query Plan", "varchar", (int)text.n, 0, true));
	keep(work, columns, 0);
	struct str output = output_of(work->execution);
	int r = athena_put_object(
		work->athena, work->execution, output, buf_str(&text), work->failure);
	if (r == 0)
		r = athena_put_metadata(
			work->athena, work->execution, output, columns, work->failure);
	json_decref(columns);
	return r;
}

static int fetch(const struct work *work, struct store_draft *draft, struct buf *csv)
{
	size_t rows = 1;

	while (rows > 0) {
		if (athena_next(work->engine, csv, &rows, work->failure) < 0)
			return -1;
		if (draft && csv->n >= FLUSH_BYTES && add(work, draft, csv) < 0)
			return -1;
	}
	return draft && csv->n ? add(work, draft, csv) : 0;
}

static int run_select(const struct work *work, const struct athena_query *query)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	_cleanup_buf_ struct buf csv = {0};
	struct str output = output_of(work->execution);
	struct aws_error error;
	struct err err = ERR_INIT;

	if (athena_run(work->engine, query, work->failure) < 0)
		return -1;
	if (query->explain)
		return fetch(work, NULL, &csv) < 0 ? -1 : write_plan(work, &csv);
	json_t *columns = columns_of(work->engine);
	int r = store_draft_new(work->athena->settings.objects, &draft, -1, &error, &err);
	if (r < 0)
		athena_fail_aws(work->failure, &error);
	add_header(&csv, columns);
	if (r == 0)
		r = fetch(work, draft, &csv);
	if (r == 0)
		r = athena_put_draft(work->athena, work->execution, output, draft, work->failure);
	if (r == 0)
		r = athena_put_metadata(
			work->athena, work->execution, output, columns, work->failure);
	keep(work, columns, 0);
	json_decref(columns);
	return r;
}

/* ---- rows into tables ---- */

static int write_manifest(const struct work *work, struct str place, bool written)
{
	_cleanup_buf_ struct buf text = {0}, name = {0};
	json_t *statistics = json_object_get(document_of(work->execution), "Statistics");

	if (written)
		buf_printf(&text, "%.*s\n", STR_ARG(place));
	buf_printf(&name, "%.*s-manifest.csv", STR_ARG(output_of(work->execution)));
	if (athena_put_object(work->athena, work->execution, buf_str(&name), buf_str(&text),
		    work->failure) < 0)
		return -1;
	pthread_mutex_lock(&work->athena->lock);
	json_object_set_new(statistics, "DataManifestLocation", athena_json(buf_str(&name)));
	pthread_mutex_unlock(&work->athena->lock);
	return 0;
}

/* Runs the SELECT into a file and makes it an object below location. */
static int write_rows(const struct work *work, struct athena_query *query, struct str location)
{
	_cleanup_free_ char *path =
		mem_printf("%s/%s.parquet", work->athena->settings.folder, work->execution->id);
	_cleanup_buf_ struct buf place = {0};

	query->output_path = path;
	query->output_options = "(FORMAT parquet, COMPRESSION snappy)";
	int r = athena_run(work->engine, query, work->failure);
	bool written = r == 0 && athena_rows(work->engine) > 0;
	buf_printf(&place, "%.*s%s%s.parquet", STR_ARG(location),
		str_ends_with(location, STR("/")) ? "" : "/", work->execution->id);
	if (written)
		r = athena_put_file(
			work->athena, work->execution, buf_str(&place), path, work->failure);
	unlink(path);
	if (r == 0)
		r = write_manifest(work, buf_str(&place), written);
	if (r == 0) {
		json_t *columns = json_pack("[o]", athena_column("rows", "bigint", 19, 0, false));
		keep(work, columns, athena_rows(work->engine));
		json_decref(columns);
	}
	return r;
}

static int refuse(const struct work *work, const char *what, struct str value)
{
	return athena_fail(
		work->failure, "NOT_SUPPORTED", "%s '%.*s' is not supported", what, STR_ARG(value));
}

/* Of WITH: what is not done is refused by name. */
static int check_properties(const struct work *work)
{
	static const char *const taken[] = {"format", "external_location", "write_compression",
		"compression", "parquet_compression", "to", "table_type", "is_external"};
	const json_t *properties = work->execution->ddl.what;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)properties, key, value)
	{
		bool known = false;
		for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
			known |= strcmp(key, taken[i]) == 0;
		if (!known)
			return refuse(work, "the property", str_from(key));
		struct str text = athena_text(properties, key);
		if (strcmp(key, "format") == 0 && !str_equal_ignoring_case(text, STR("parquet")))
			return refuse(work, "the format", text);
		if (strstr(key, "compression") && !str_equal_ignoring_case(text, STR("snappy")))
			return refuse(work, "the compression", text);
	}
	return 0;
}

static json_t *table_input(const struct work *work, struct str location)
{
	static const char parquet[] = "org.apache.hadoop.hive.ql.io.parquet.";
	size_t count;
	json_t *list = json_array();

	/* the engine tells columns of what it wrote only before: they were asked for */
	const struct athena_column *columns = athena_columns(work->engine, &count);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "Name", columns[i].name, "Type",
						    columns[i].hive_type));
	return json_pack("{s:s, s:s, s:{s:s, s:s}, s:[], s:{s:o, s:s%, s:s++, s:s++, s:{s:s++}}}",
		"Name", work->execution->ddl.name, "TableType", "EXTERNAL_TABLE", "Parameters",
		"EXTERNAL", "TRUE", "classification", "parquet", "PartitionKeys",
		"StorageDescriptor", "Columns", list, "Location", location.p, location.n,
		"InputFormat", parquet, "MapredParquetInputFormat", "", "OutputFormat", parquet,
		"MapredParquetOutputFormat", "", "SerdeInfo", "SerializationLibrary", parquet,
		"serde.ParquetHiveSerDe", "");
}

static struct str database_of(const struct work *work)
{
	return str_from(work->execution->ddl.database ? work->execution->ddl.database
						      : work->execution->database);
}

static bool exists(const struct work *work, json_t **ret_table)
{
	struct aws_error error;
	struct err err = ERR_INIT;
	const struct store_table_name name = {
		database_of(work), str_from(work->execution->ddl.name)};

	return store_catalog_get_table(
		       work->athena->settings.catalog, name, ret_table, &error, &err) == 0;
}

static int create_as(const struct work *work, struct athena_query *query)
{
	const struct ddl *ddl = &work->execution->ddl;
	struct str given = athena_text(ddl->what, "external_location");
	_cleanup_buf_ struct buf location = {0};
	struct aws_error error;
	struct err err = ERR_INIT;
	json_t *there = NULL;

	if (check_properties(work) < 0 ||
		athena_may_table(work->athena, work->execution, "glue:CreateTable",
			database_of(work), str_from(ddl->name), work->failure) < 0)
		return -1;
	if (exists(work, &there)) {
		json_decref(there);
		return athena_fail(work->failure, "TABLE_ALREADY_EXISTS",
			"line 1:1: Destination table 'awsdatacatalog.%.*s.%s' already exists",
			STR_ARG(database_of(work)), ddl->name);
	}
	if (given.p)
		buf_add_str(&location, given);
	else
		buf_printf(&location, "%.*s/", STR_ARG(output_of(work->execution)));
	if (!str_ends_with(buf_str(&location), STR("/")))
		buf_add_char(&location, '/');
	if (write_rows(work, query, buf_str(&location)) < 0)
		return -1;
	json_t *input = table_input(work, buf_str(&location));
	int r = store_catalog_create_table(work->athena->settings.catalog, database_of(work), input,
		work->execution->caller->principal.arn, &error, &err);
	json_decref(input);
	return r < 0 ? athena_fail_aws(work->failure, &error) : 0;
}

static int insert(const struct work *work, struct athena_query *query)
{
	json_t *table = NULL;
	const struct ddl *ddl = &work->execution->ddl;
	int r;

	if (athena_may_table(work->athena, work->execution, "glue:GetTable", database_of(work),
		    str_from(ddl->name), work->failure) < 0)
		return -1;
	if (!exists(work, &table))
		return athena_fail(work->failure, "TABLE_NOT_FOUND",
			"line 1:1: Table 'awsdatacatalog.%.*s.%s' does not exist",
			STR_ARG(database_of(work)), ddl->name);
	const json_t *descriptor = json_object_get(table, "StorageDescriptor");
	const json_t *columns = json_object_get(descriptor, "Columns");
	struct str format = athena_text(descriptor, "InputFormat");
	_cleanup_buf_ struct buf sql = {0};
	if (json_array_size(json_object_get(table, "PartitionKeys")) > 0) {
		r = refuse(work, "INSERT INTO a table with partitions:", str_from(ddl->name));
	} else if (!format.p || !strstr(format.p, "arquet")) {
		r = refuse(work, "INSERT INTO a table of the format", format);
	} else if (json_array_size(ddl->what) > 0) {
		r = refuse(work, "INSERT INTO with a list of columns:", str_from(ddl->name));
	} else {
		/* the file has the table's names, by position */
		buf_printf(&sql, "WITH nagare_rows(");
		for (size_t i = 0; i < json_array_size(columns); i++)
			buf_printf(&sql, "%s\"%.*s\"", i ? ", " : "",
				STR_ARG(athena_text(json_array_get(columns, i), "Name")));
		buf_printf(&sql, ") AS (%.*s\n) SELECT * FROM nagare_rows", STR_ARG(query->text));
		query->text = buf_str(&sql);
		r = write_rows(work, query, athena_text(descriptor, "Location"));
	}
	json_decref(table);
	return r;
}

/* ---- views and prepared statements ---- */

/* What Athena keeps of a view: Presto's document. */
static json_t *view_input(const struct work *work)
{
	size_t count;
	const struct athena_column *columns = athena_columns(work->engine, &count);
	const struct execution *execution = work->execution;
	json_t *hive = json_array(), *presto = json_array();
	_cleanup_buf_ struct buf text = {0};

	for (size_t i = 0; i < count; i++) {
		json_array_append_new(hive, json_pack("{s:s, s:s}", "Name", columns[i].name, "Type",
						    columns[i].hive_type));
		json_array_append_new(presto,
			json_pack("{s:s, s:s}", "name", columns[i].name, "type", columns[i].type));
	}
	json_t *view = json_pack("{s:s, s:s, s:s, s:o}", "originalSql", execution->sql, "catalog",
		"awsdatacatalog", "schema", execution->database, "columns", presto);
	char *document = json_dumps(view, JSON_COMPACT);
	buf_add_text(&text, "/* Presto View: ");
	aws_base64_add(&text, document, strlen(document));
	buf_add_text(&text, " */");
	free(document);
	json_decref(view);
	return json_pack("{s:s, s:s, s:{s:s, s:s}, s:[], s:{s:o, s:s, s:{}}, s:s, s:s}", "Name",
		execution->ddl.name, "TableType", "VIRTUAL_VIEW", "Parameters", "presto_view",
		"true", "comment", "Presto View", "PartitionKeys", "StorageDescriptor", "Columns",
		hive, "Location", "", "SerdeInfo", "ViewOriginalText", buf_text(&text),
		"ViewExpandedText", "/* Presto View */");
}

/* The statement is begun, for its columns and its mistakes. */
static int create_view(const struct work *work, const struct athena_query *query)
{
	struct store_catalog *catalog = work->athena->settings.catalog;
	const struct ddl *ddl = &work->execution->ddl;
	json_t *there = NULL;
	struct aws_error error;
	struct err err = ERR_INIT;

	if (athena_may_table(work->athena, work->execution, "glue:CreateTable", database_of(work),
		    str_from(ddl->name), work->failure) < 0)
		return -1;
	bool replaces = exists(work, &there);
	bool is_view = str_equal(athena_text(there, "TableType"), STR("VIRTUAL_VIEW"));
	json_decref(there);
	if (replaces && (!is_view || !ddl->if_exists))
		return athena_fail(work->failure, "TABLE_ALREADY_EXISTS",
			"line 1:1: '%.*s.%s' already exists", STR_ARG(database_of(work)),
			ddl->name);
	if (replaces && athena_may_table(work->athena, work->execution, "glue:UpdateTable",
				database_of(work), str_from(ddl->name), work->failure) < 0)
		return -1;
	if (athena_run(work->engine, query, work->failure) < 0)
		return -1;
	json_t *input = view_input(work);
	int r = replaces ? store_catalog_update_table(
				   catalog, database_of(work), input, false, STR(""), &error, &err)
			 : store_catalog_create_table(catalog, database_of(work), input,
				   work->execution->caller->principal.arn, &error, &err);
	json_decref(input);
	if (r < 0)
		return athena_fail_aws(work->failure, &error);
	return athena_put_object(
		work->athena, work->execution, output_of(work->execution), STR(""), work->failure);
}

/* PREPARE and DEALLOCATE are calls of the API said in SQL. */
static int prepare(const struct work *work)
{
	struct athena *athena = work->athena;
	const struct ddl *ddl = &work->execution->ddl;
	bool makes = ddl->kind == DDL_PREPARE, found = true;
	struct str group = athena_text(document_of(work->execution), "WorkGroup");
	_cleanup_buf_ struct buf arn = {0};
	struct err err = ERR_INIT;
	int r;

	buf_printf(&arn, "arn:aws:athena:%.*s:%.*s:workgroup/%.*s",
		STR_ARG(athena->settings.region), STR_ARG(athena->settings.account),
		STR_ARG(group));
	if (athena_may(athena, work->execution,
		    makes ? "athena:CreatePreparedStatement" : "athena:DeletePreparedStatement",
		    buf_str(&arn), work->failure) < 0)
		return -1;
	if (makes) {
		json_t *statement = json_pack("{s:s, s:s%, s:s%, s:I}", "StatementName", ddl->name,
			"QueryStatement", ddl->query.p, ddl->query.n, "WorkGroupName", group.p,
			group.n, "LastModifiedTime", (json_int_t)athena_now_ms());
		r = store_queries_put(athena->settings.queries, STORE_PREPARED, group,
			str_from(ddl->name), statement, &err);
		json_decref(statement);
	} else {
		r = store_queries_delete(athena->settings.queries, STORE_PREPARED, group,
			str_from(ddl->name), &found, &err);
	}
	if (r < 0)
		return athena_fail(work->failure, "GENERIC_INTERNAL_ERROR", "%s", err.message);
	if (!found)
		return athena_fail(work->failure, "NOT_FOUND",
			"PreparedStatement %s was not found in workGroup %.*s", ddl->name,
			STR_ARG(group));
	return athena_put_object(
		athena, work->execution, output_of(work->execution), STR(""), work->failure);
}

static int run_ddl(const struct work *work)
{
	_cleanup_buf_ struct buf text = {0};
	json_t *columns = json_array();
	struct str output = output_of(work->execution);

	int r = athena_execute_ddl(work->athena, work->execution, &text, columns, work->failure);
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (r == 0)
		r = athena_put_object(
			work->athena, work->execution, output, buf_str(&text), work->failure);
	if (r == 0 && json_array_size(columns) > 0)
		r = athena_put_metadata(
			work->athena, work->execution, output, columns, work->failure);
	keep(work, columns, 0);
	json_decref(columns);
	return r;
}

int athena_execute_statement(struct athena *athena, struct execution *execution,
	struct athena_engine *engine, struct athena_failure *failure)
{
	struct source source = {athena, execution};
	const struct work work = {athena, execution, engine, failure};
	struct athena_query query = {.text = str_from(execution->sql ? execution->sql : ""),
		.database = str_from(execution->database),
		.source = athena_source_of(&source),
		.scan_limit = execution->scan_limit};

	switch (execution->ddl.kind) {
	case DDL_SELECT:
		return run_select(&work, &query);
	case DDL_EXPLAIN:
		query.explain = true;
		query.analyze = json_is_true(json_object_get(execution->ddl.what, "ANALYZE"));
		return run_select(&work, &query);
	case DDL_CREATE_VIEW:
		return create_view(&work, &query);
	case DDL_PREPARE:
	case DDL_DEALLOCATE:
		return prepare(&work);
	case DDL_CREATE_TABLE_AS:
		return create_as(&work, &query);
	case DDL_INSERT:
		return insert(&work, &query);
	case DDL_UNLOAD:
		return check_properties(&work) < 0
			       ? -1
			       : write_rows(&work, &query, athena_text(execution->ddl.what, "to"));
	default:
		return run_ddl(&work);
	}
}
