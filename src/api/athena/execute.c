/* One statement from its text to its objects. Rows of SELECT go into a draft as they come; those of
 * CREATE TABLE AS, INSERT and UNLOAD are rows.c's. */
#include "api/athena/athena_priv.h"

#include "aws/digest.h"

enum { FLUSH_BYTES = 1 << 20 };

json_t *athena_document(const struct execution *execution)
{
	return json_object_get(execution->kept, "Execution");
}

struct str athena_output_of(const struct execution *execution)
{
	return athena_text(json_object_get(athena_document(execution), "ResultConfiguration"),
		"OutputLocation");
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

void athena_keep(const struct work *work, json_t *columns, uint64_t updated)
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
	athena_keep(work, columns, 0);
	struct str output = athena_output_of(work->execution);
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

static int run_select(const struct work *work, struct athena_query *query)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	_cleanup_buf_ struct buf csv = {0};
	struct str output = athena_output_of(work->execution);
	struct aws_error error;
	struct err err = ERR_INIT;
	bool reused;

	if (!query->explain) {
		if (athena_reuse(work, query, &reused) < 0 || reused)
			return reused ? 0 : -1;
	}
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
	athena_keep(work, columns, 0);
	json_decref(columns);
	return r;
}

struct str athena_database_of(const struct work *work)
{
	return str_from(work->execution->ddl.database ? work->execution->ddl.database
						      : work->execution->database);
}

bool athena_table_exists(const struct work *work, json_t **ret_table)
{
	struct aws_error error;
	struct err err = ERR_INIT;
	const struct store_table_name name = {
		athena_database_of(work), str_from(work->execution->ddl.name)};

	return store_catalog_get_table(
		       work->athena->settings.catalog, name, ret_table, &error, &err) == 0;
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
	/* the last for Trino, which otherwise asks whose right the view runs with */
	json_t *view = json_pack("{s:s, s:s, s:s, s:o, s:b}", "originalSql", execution->sql,
		"catalog", "awsdatacatalog", "schema", execution->database, "columns", presto,
		"runAsInvoker", 1);
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

	if (athena_may_table(work->athena, work->execution, "glue:CreateTable",
		    athena_database_of(work), str_from(ddl->name), work->failure) < 0)
		return -1;
	bool replaces = athena_table_exists(work, &there);
	bool is_view = str_equal(athena_text(there, "TableType"), STR("VIRTUAL_VIEW"));
	json_decref(there);
	if (replaces && (!is_view || !ddl->if_exists))
		return athena_fail(work->failure, "TABLE_ALREADY_EXISTS",
			"line 1:1: '%.*s.%s' already exists", STR_ARG(athena_database_of(work)),
			ddl->name);
	if (replaces && athena_may_table(work->athena, work->execution, "glue:UpdateTable",
				athena_database_of(work), str_from(ddl->name), work->failure) < 0)
		return -1;
	if (athena_run(work->engine, query, work->failure) < 0)
		return -1;
	json_t *input = view_input(work);
	int r = replaces ? store_catalog_update_table(catalog, athena_database_of(work), input,
				   false, STR(""), &error, &err)
			 : store_catalog_create_table(catalog, athena_database_of(work), input,
				   work->execution->caller->principal.arn, &error, &err);
	json_decref(input);
	if (r < 0)
		return athena_fail_aws(work->failure, &error);
	return athena_put_object(work->athena, work->execution, athena_output_of(work->execution),
		STR(""), work->failure);
}

/* PREPARE and DEALLOCATE are calls of the API said in SQL. */
static int prepare(const struct work *work)
{
	struct athena *athena = work->athena;
	const struct ddl *ddl = &work->execution->ddl;
	bool makes = ddl->kind == DDL_PREPARE, found = true;
	struct str group = athena_text(athena_document(work->execution), "WorkGroup");
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
		athena, work->execution, athena_output_of(work->execution), STR(""), work->failure);
}

static int run_ddl(const struct work *work)
{
	_cleanup_buf_ struct buf text = {0};
	json_t *columns = json_array();
	struct str output = athena_output_of(work->execution);

	int r = athena_execute_ddl(work->athena, work->execution, &text, columns, work->failure);
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (r == 0)
		r = athena_put_object(
			work->athena, work->execution, output, buf_str(&text), work->failure);
	if (r == 0 && json_array_size(columns) > 0)
		r = athena_put_metadata(
			work->athena, work->execution, output, columns, work->failure);
	athena_keep(work, columns, 0);
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
		query.io = str_equal(athena_text(execution->ddl.what, "type"), STR("io"));
		return run_select(&work, &query);
	case DDL_CREATE_VIEW:
		return create_view(&work, &query);
	case DDL_PREPARE:
	case DDL_DEALLOCATE:
		return prepare(&work);
	case DDL_CREATE_TABLE_AS:
		return athena_create_as(&work, &query);
	case DDL_INSERT:
		return athena_insert(&work, &query);
	case DDL_UNLOAD:
		return athena_unload(&work, &query);
	default:
		return run_ddl(&work);
	}
}
