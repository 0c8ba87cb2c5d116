/* DDL, SHOW and DESCRIBE on the catalog. Rows are lines of text with tabs between columns; all
 * columns of Hive's statements are of the type string. */
#include "api/athena/athena_priv.h"

#include <fnmatch.h>
#include <stdio.h>

struct doing {
	struct athena *athena;
	struct execution *execution;
	const struct ddl *ddl;
	struct str database;
	struct buf *text;
	json_t *columns;
	struct athena_failure *failure;
};

static int failed(const struct doing *doing, const struct aws_error *error)
{
	if (error->code == AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION && doing->ddl->name)
		return athena_fail(doing->failure, "FAILED",
			"SemanticException [Error 10001]: Table not found %.*s.%s",
			STR_ARG(doing->database), doing->ddl->name);
	return athena_fail_aws(doing->failure, error);
}

static int may(const struct doing *doing, const char *action, bool table)
{
	struct str name = table && doing->ddl->name ? str_from(doing->ddl->name) : STR("");

	return athena_may_table(
		doing->athena, doing->execution, action, doing->database, name, doing->failure);
}

static struct store_table_name table_name(const struct doing *doing)
{
	return (struct store_table_name){doing->database, str_from(doing->ddl->name)};
}

static void add_column(const struct doing *doing, const char *name)
{
	json_array_append_new(doing->columns, athena_column(name, "string", 0, 0, true));
}

static json_t *get_table(const struct doing *doing)
{
	struct aws_error error;
	struct err err = ERR_INIT;
	json_t *table = NULL;

	if (may(doing, "glue:GetTable", true) < 0)
		return NULL;
	if (store_catalog_get_table(
		    doing->athena->settings.catalog, table_name(doing), &table, &error, &err) < 0) {
		failed(doing, &error);
		return NULL;
	}
	return table;
}

/* ---- databases and tables ---- */

static int create_database(const struct doing *doing)
{
	struct aws_error error;
	struct err err = ERR_INIT;

	if (may(doing, "glue:CreateDatabase", false) < 0)
		return -1;
	if (store_catalog_create_database(
		    doing->athena->settings.catalog, doing->ddl->what, &error, &err) == 0 ||
		(error.code == AWS_ERROR_ALREADY_EXISTS_EXCEPTION && doing->ddl->if_exists))
		return 0;
	return athena_fail(
		doing->failure, "FAILED", "Execution Error, return code 1. %s", error.message);
}

static int drop_database(const struct doing *doing)
{
	struct store_catalog *catalog = doing->athena->settings.catalog;
	struct aws_error error;
	struct err err = ERR_INIT;
	json_t *tables = NULL;

	if (may(doing, "glue:DeleteDatabase", false) < 0)
		return -1;
	if (store_catalog_list_tables(catalog, doing->database, STR(""), 1, &tables, &error, &err) <
		0)
		return error.code == AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION && doing->ddl->if_exists
			       ? 0
			       : athena_fail(doing->failure, "FAILED",
					 "SemanticException [Error 10072]: Database does not "
					 "exist: %.*s",
					 STR_ARG(doing->database));
	bool empty = json_array_size(tables) == 0;
	json_decref(tables);
	if (!empty && !doing->ddl->cascade)
		return athena_fail(doing->failure, "FAILED",
			"InvalidOperationException(message:Database %.*s is not empty. One or more "
			"tables exist.)",
			STR_ARG(doing->database));
	return store_catalog_delete_database(catalog, doing->database, &error, &err) < 0
		       ? athena_fail_aws(doing->failure, &error)
		       : 0;
}

static int create_table(const struct doing *doing)
{
	struct aws_error error;
	struct err err = ERR_INIT;

	if (may(doing, "glue:CreateTable", true) < 0)
		return -1;
	if (store_catalog_create_table(doing->athena->settings.catalog, doing->database,
		    doing->ddl->what, doing->execution->caller->principal.arn, &error, &err) == 0)
		return 0;
	if (error.code != AWS_ERROR_ALREADY_EXISTS_EXCEPTION)
		return athena_fail_aws(doing->failure, &error);
	return doing->ddl->if_exists ? 0
				     : athena_fail(doing->failure, "FAILED",
					       "Execution Error, return code 1. "
					       "AlreadyExistsException: Table %s already exists",
					       doing->ddl->name);
}

static int drop_table(const struct doing *doing)
{
	struct aws_error error;
	struct err err = ERR_INIT;

	if (may(doing, "glue:DeleteTable", true) < 0)
		return -1;
	if (store_catalog_delete_table(
		    doing->athena->settings.catalog, table_name(doing), &error, &err) == 0 ||
		(error.code == AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION && doing->ddl->if_exists))
		return 0;
	return failed(doing, &error);
}

static int update(const struct doing *doing, json_t *table)
{
	static const char *const not_input[] = {"CreateTime", "UpdateTime", "DatabaseName",
		"CreatedBy", "VersionId", "CatalogId", "IsRegisteredWithLakeFormation"};
	struct aws_error error;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(not_input); i++)
		json_object_del(table, not_input[i]);
	int r = may(doing, "glue:UpdateTable", true);
	if (r == 0 && store_catalog_update_table(doing->athena->settings.catalog, doing->database,
			      table, false, STR(""), &error, &err) < 0)
		r = athena_fail_aws(doing->failure, &error);
	json_decref(table);
	return r;
}

static int alter_table(const struct doing *doing)
{
	json_t *table = get_table(doing);
	json_t *descriptor = json_object_get(table, "StorageDescriptor");
	json_t *parameters = json_object_get(table, "Parameters");

	if (!table)
		return -1;
	if (doing->ddl->kind == DDL_SET_PROPERTIES) {
		if (!parameters) {
			parameters = json_object();
			json_object_set_new(table, "Parameters", parameters);
		}
		json_object_update(parameters, doing->ddl->what);
	} else if (doing->ddl->kind == DDL_ADD_COLUMNS) {
		json_array_extend(json_object_get(descriptor, "Columns"), doing->ddl->what);
	} else if (doing->ddl->kind == DDL_REPLACE_COLUMNS) {
		json_object_set(descriptor, "Columns", doing->ddl->what);
	} else {
		json_object_set(
			descriptor, "Location", json_object_get(doing->ddl->what, "Location"));
	}
	return update(doing, table);
}

/* ---- partitions ---- */

/* Values in the order of the table's keys. */
static json_t *values_of(const struct doing *doing, const json_t *table, const json_t *keys)
{
	const json_t *names = json_object_get(table, "PartitionKeys");
	json_t *values = json_array();

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(names, i), "Name"));
		json_t *value = json_object_get(keys, name);
		if (!value) {
			json_decref(values);
			athena_fail(doing->failure, "FAILED",
				"SemanticException: partition key %s has no value", name);
			return NULL;
		}
		json_array_append(values, value);
	}
	return values;
}

static json_t *partition_input(
	const struct doing *doing, const json_t *table, json_t *values, struct str location)
{
	json_t *descriptor = json_deep_copy(json_object_get(table, "StorageDescriptor"));
	_cleanup_buf_ struct buf place = {0};
	const json_t *names = json_object_get(table, "PartitionKeys");

	if (location.p) {
		buf_add_str(&place, location);
	} else {
		struct str root = athena_text(descriptor, "Location");
		buf_printf(
			&place, "%.*s%s", STR_ARG(root), str_ends_with(root, STR("/")) ? "" : "/");
		for (size_t i = 0; i < json_array_size(names); i++)
			buf_printf(&place, "%s=%s/",
				json_string_value(
					json_object_get(json_array_get(names, i), "Name")),
				json_string_value(json_array_get(values, i)));
	}
	json_object_set_new(descriptor, "Location", athena_json(buf_str(&place)));
	return json_pack("{s:O, s:o}", "Values", values, "StorageDescriptor", descriptor);
}

static int add_partitions(const struct doing *doing)
{
	json_t *table = get_table(doing), *inputs = json_array(), *errors = json_array();
	struct aws_error error;
	struct err err = ERR_INIT;
	int r = table ? may(doing, "glue:BatchCreatePartition", true) : -1;

	for (size_t i = 0; r == 0 && i < json_array_size(doing->ddl->what); i++) {
		const json_t *one = json_array_get(doing->ddl->what, i);
		json_t *values = values_of(doing, table, json_object_get(one, "Keys"));
		if (values)
			json_array_append_new(inputs, partition_input(doing, table, values,
							      athena_text(one, "Location")));
		else
			r = -1;
		json_decref(values);
	}
	if (r == 0 &&
		store_catalog_create_partitions(doing->athena->settings.catalog, table_name(doing),
			inputs, doing->ddl->if_exists ? errors : NULL, &error, &err) < 0)
		r = athena_fail_aws(doing->failure, &error);
	json_decref(errors);
	json_decref(inputs);
	json_decref(table);
	return r;
}

static int drop_partitions(const struct doing *doing)
{
	json_t *table = get_table(doing), *list = json_array(), *errors = json_array();
	struct aws_error error;
	struct err err = ERR_INIT;
	int r = table ? may(doing, "glue:BatchDeletePartition", true) : -1;

	for (size_t i = 0; r == 0 && i < json_array_size(doing->ddl->what); i++) {
		const json_t *one = json_array_get(doing->ddl->what, i);
		json_t *values = values_of(doing, table, json_object_get(one, "Keys"));
		if (values)
			json_array_append_new(list, values);
		else
			r = -1;
	}
	if (r == 0 &&
		store_catalog_delete_partitions(doing->athena->settings.catalog, table_name(doing),
			list, doing->ddl->if_exists ? errors : NULL, &error, &err) < 0)
		r = athena_fail_aws(doing->failure, &error);
	json_decref(errors);
	json_decref(list);
	json_decref(table);
	return r;
}

/* KEY=value/ folders below the table, one level a key: as deep as there are keys. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static int find_folders(const struct doing *doing, const json_t *table, size_t level,
	struct str prefix, json_t *values, json_t *found)
{
	const json_t *names = json_object_get(table, "PartitionKeys");
	struct str root = athena_text(json_object_get(table, "StorageDescriptor"), "Location");
	struct str bucket, key;
	_cleanup_buf_ struct buf after = {0};
	bool more = true;

	if (level == json_array_size(names)) {
		json_t *copy = json_deep_copy(values);
		json_array_append_new(found, copy);
		return 0;
	}
	struct str name = athena_text(json_array_get(names, level), "Name");
	athena_split_location(root, &bucket, &key);
	while (more) {
		struct store_list list = {.count = 0};
		struct aws_error error;
		struct err err = ERR_INIT;
		const struct store_list_options options = {.bucket = bucket,
			.prefix = prefix,
			.delimiter = STR("/"),
			.after = buf_str(&after),
			.max = STORE_LIST_MAX};
		if (store_list(doing->athena->settings.objects, &options, &list, &error, &err) < 0)
			return athena_fail_aws(doing->failure, &error);
		int r = 0;
		for (size_t i = 0; r == 0 && i < list.prefix_count; i++) {
			struct str one = list.prefixes[i];
			struct str part = {one.p + prefix.n, one.n - prefix.n - 1};
			if (part.n <= name.n || part.p[name.n] != '=' ||
				!str_equal((struct str){part.p, name.n}, name))
				continue;
			struct str value = {part.p + name.n + 1, part.n - name.n - 1};
			json_array_append_new(values, athena_json(value));
			r = find_folders(doing, table, level + 1, one, values, found);
			json_array_remove(values, json_array_size(values) - 1);
		}
		more = list.is_truncated;
		after.n = 0;
		buf_add_str(&after, list.next_key);
		store_list_done(&list);
		if (r < 0)
			return -1;
	}
	return 0;
}

static void add_spec(
	const struct doing *doing, const json_t *table, const json_t *values, const char *between)
{
	const json_t *names = json_object_get(table, "PartitionKeys");

	for (size_t i = 0; i < json_array_size(values); i++)
		buf_printf(doing->text, "%s%s=%s", i ? between : "",
			json_string_value(json_object_get(json_array_get(names, i), "Name")),
			json_string_value(json_array_get(values, i)));
}

static int repair_table(const struct doing *doing)
{
	struct store_catalog *catalog = doing->athena->settings.catalog;
	json_t *table = get_table(doing), *found = json_array(), *values = json_array();
	_cleanup_buf_ struct buf prefix = {0}, arn = {0};
	struct str bucket = STR(""), key = STR("");
	struct aws_error error;
	struct err err = ERR_INIT;
	int r = table ? may(doing, "glue:BatchCreatePartition", true) : -1;

	if (r == 0 && !athena_split_location(
			      athena_text(json_object_get(table, "StorageDescriptor"), "Location"),
			      &bucket, &key))
		r = athena_fail(doing->failure, "FAILED", "the table has no location");
	buf_add_str(&prefix, key);
	if (key.n && !str_ends_with(key, STR("/")))
		buf_add_char(&prefix, '/');
	buf_printf(&arn, "arn:aws:s3:::%.*s", STR_ARG(bucket));
	if (r == 0)
		r = athena_may(doing->athena, doing->execution, "s3:ListBucket", buf_str(&arn),
			doing->failure);
	if (r == 0)
		r = find_folders(doing, table, 0, buf_str(&prefix), values, found);
	for (size_t i = 0; r == 0 && i < json_array_size(found); i++) {
		json_t *one = json_array_get(found, i), *there = NULL;
		if (store_catalog_get_partition(
			    catalog, table_name(doing), one, &there, &error, &err) == 0) {
			json_decref(there);
			continue;
		}
		json_t *inputs = json_pack("[o]", partition_input(doing, table, one, STR_NONE));
		if (store_catalog_create_partitions(
			    catalog, table_name(doing), inputs, NULL, &error, &err) < 0)
			r = athena_fail_aws(doing->failure, &error);
		json_decref(inputs);
		buf_printf(
			doing->text, "Repair: Added partition to metastore %s:", doing->ddl->name);
		add_spec(doing, table, one, "/");
		buf_add_char(doing->text, '\n');
	}
	json_decref(values);
	json_decref(found);
	json_decref(table);
	return r;
}

static int show_partitions(const struct doing *doing)
{
	struct source source = {doing->athena, doing->execution};
	struct athena_source from = athena_source_of(&source);
	json_t *table = get_table(doing), *partitions = NULL;

	if (!table)
		return -1;
	int r = from.partitions(from.context, doing->database, str_from(doing->ddl->name),
		&partitions, doing->failure);
	for (size_t i = 0; i < json_array_size(partitions); i++) {
		add_spec(doing, table, json_object_get(json_array_get(partitions, i), "Values"),
			"/");
		buf_add_char(doing->text, '\n');
	}
	add_column(doing, "partition");
	json_decref(partitions);
	json_decref(table);
	return r;
}

/* ---- SHOW, DESCRIBE ---- */

/* Hive's patterns: * is any text, | or. */
static bool matches(const struct doing *doing, const char *name)
{
	struct str pattern = athena_text(doing->ddl->what, "Pattern"), one;

	if (!pattern.p)
		return true;
	while (str_split(&pattern, '|', &one)) {
		_cleanup_free_ char *glob = mem_printf("%.*s", STR_ARG(one));
		if (fnmatch(glob, name, FNM_CASEFOLD) == 0)
			return true;
	}
	return false;
}

static int show_databases(const struct doing *doing)
{
	json_t *list = NULL;
	struct aws_error error;
	struct err err = ERR_INIT;

	add_column(doing, "database_name");
	if (athena_may_table(doing->athena, doing->execution, "glue:GetDatabases", STR(""), STR(""),
		    doing->failure) < 0)
		return -1;
	if (store_catalog_list_databases(
		    doing->athena->settings.catalog, STR(""), 100000, &list, &error, &err) < 0)
		return athena_fail_aws(doing->failure, &error);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(list, i), "Name"));
		if (matches(doing, name))
			buf_printf(doing->text, "%s\n", name);
	}
	json_decref(list);
	return 0;
}

static int show_tables(const struct doing *doing)
{
	json_t *list = NULL;
	struct aws_error error;
	struct err err = ERR_INIT;

	add_column(doing, doing->ddl->kind == DDL_SHOW_VIEWS ? "views" : "tab_name");
	if (may(doing, "glue:GetTables", false) < 0)
		return -1;
	if (store_catalog_list_tables(doing->athena->settings.catalog, doing->database, STR(""),
		    100000, &list, &error, &err) < 0)
		return athena_fail_aws(doing->failure, &error);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *table = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(table, "Name"));
		bool view = str_equal(athena_text(table, "TableType"), STR("VIRTUAL_VIEW"));
		if (matches(doing, name) && (view || doing->ddl->kind == DDL_SHOW_TABLES))
			buf_printf(doing->text, "%s\n", name);
	}
	json_decref(list);
	return 0;
}

static void add_fields(const struct doing *doing, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *column = json_array_get(list, i);
		struct str comment = athena_text(column, "Comment");
		if (doing->ddl->kind == DDL_SHOW_COLUMNS)
			buf_printf(doing->text, "%-20s\n",
				json_string_value(json_object_get(column, "Name")));
		else
			buf_printf(doing->text, "%-20s\t%-20s\t%-20.*s\n",
				json_string_value(json_object_get(column, "Name")),
				json_string_value(json_object_get(column, "Type")),
				STR_ARG(comment));
	}
}

static int describe(const struct doing *doing)
{
	json_t *table = get_table(doing);
	const json_t *keys = json_object_get(table, "PartitionKeys");

	if (!table)
		return -1;
	if (doing->ddl->kind == DDL_SHOW_COLUMNS) {
		add_column(doing, "field");
	} else {
		add_column(doing, "col_name");
		add_column(doing, "data_type");
		add_column(doing, "comment");
	}
	add_fields(doing, json_object_get(json_object_get(table, "StorageDescriptor"), "Columns"));
	add_fields(doing, keys);
	if (json_array_size(keys) > 0 && doing->ddl->kind == DDL_DESCRIBE) {
		buf_printf(doing->text,
			"\t \t \n# Partition Information\t \t \n%-20s\t%-20s\t%-20s\n\t \t \n",
			"# col_name", "data_type", "comment");
		add_fields(doing, keys);
	}
	json_decref(table);
	return 0;
}

static int show_properties(const struct doing *doing)
{
	json_t *table = get_table(doing), *value;
	struct str wanted = athena_text(doing->ddl->what, "Key");
	const char *key;

	if (!table)
		return -1;
	add_column(doing, "prpt_name");
	add_column(doing, "prpt_value");
	json_object_foreach(json_object_get(table, "Parameters"), key, value)
	{
		if (!wanted.p || str_equal(wanted, str_from(key)))
			buf_printf(doing->text, "%s\t%s\n", key, json_string_value(value));
	}
	json_decref(table);
	return 0;
}

static void add_quoted(struct buf *text, struct str value)
{
	buf_add_char(text, '\'');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\'' || value.p[i] == '\\')
			buf_add_char(text, '\\');
		buf_add_char(text, value.p[i]);
	}
	buf_add_char(text, '\'');
}

static void add_definition(struct buf *text, const json_t *columns)
{
	for (size_t i = 0; i < json_array_size(columns); i++) {
		const json_t *column = json_array_get(columns, i);
		struct str comment = athena_text(column, "Comment");
		buf_printf(text, "  `%s` %s", json_string_value(json_object_get(column, "Name")),
			json_string_value(json_object_get(column, "Type")));
		if (comment.p) {
			buf_add_text(text, " COMMENT ");
			add_quoted(text, comment);
		}
		buf_add_text(text, i + 1 < json_array_size(columns) ? ", \n" : ")\n");
	}
}

static void add_pairs(struct buf *text, const json_t *pairs)
{
	const char *key;
	json_t *value;
	size_t i = 0;

	json_object_foreach((json_t *)pairs, key, value)
	{
		buf_add_text(text, i++ ? ", \n  " : "  ");
		add_quoted(text, str_from(key));
		buf_add_char(text, '=');
		add_quoted(text, (struct str){json_string_value(value), json_string_length(value)});
	}
	buf_add_text(text, ")\n");
}

static int show_create_table(const struct doing *doing)
{
	json_t *table = get_table(doing);
	const json_t *descriptor = json_object_get(table, "StorageDescriptor");
	const json_t *serde = json_object_get(descriptor, "SerdeInfo");
	const json_t *parameters = json_object_get(serde, "Parameters");
	const json_t *keys = json_object_get(table, "PartitionKeys");
	struct buf *text = doing->text;

	if (!table)
		return -1;
	add_column(doing, "createtab_stmt");
	buf_printf(text, "CREATE EXTERNAL TABLE `%.*s.%s`(\n", STR_ARG(doing->database),
		doing->ddl->name);
	add_definition(text, json_object_get(descriptor, "Columns"));
	if (json_array_size(keys) > 0) {
		buf_add_text(text, "PARTITIONED BY ( \n");
		add_definition(text, keys);
	}
	buf_add_text(text, "ROW FORMAT SERDE \n  ");
	add_quoted(text, athena_text(serde, "SerializationLibrary"));
	buf_add_char(text, '\n');
	if (json_object_size(parameters) > 0) {
		buf_add_text(text, "WITH SERDEPROPERTIES ( \n");
		add_pairs(text, parameters);
	}
	buf_add_text(text, "STORED AS INPUTFORMAT \n  ");
	add_quoted(text, athena_text(descriptor, "InputFormat"));
	buf_add_text(text, " \nOUTPUTFORMAT \n  ");
	add_quoted(text, athena_text(descriptor, "OutputFormat"));
	buf_add_text(text, "\nLOCATION\n  ");
	add_quoted(text, athena_text(descriptor, "Location"));
	buf_add_text(text, "\nTBLPROPERTIES (\n");
	add_pairs(text, json_object_get(table, "Parameters"));
	json_decref(table);
	return 0;
}

int athena_execute_ddl(struct athena *athena, struct execution *execution, struct buf *text,
	json_t *columns, struct athena_failure *failure)
{
	const struct ddl *ddl = &execution->ddl;
	const bool about_database =
		ddl->kind == DDL_CREATE_DATABASE || ddl->kind == DDL_DROP_DATABASE;
	const struct doing doing = {athena, execution, ddl,
		str_from(about_database  ? ddl->name
			 : ddl->database ? ddl->database
					 : execution->database),
		text, columns, failure};
	static int (*const handlers[DDL_KINDS])(const struct doing *doing) = {
		[DDL_CREATE_DATABASE] = create_database,
		[DDL_DROP_DATABASE] = drop_database,
		[DDL_CREATE_TABLE] = create_table,
		[DDL_DROP_TABLE] = drop_table,
		[DDL_DROP_VIEW] = drop_table,
		[DDL_SET_LOCATION] = alter_table,
		[DDL_SET_PROPERTIES] = alter_table,
		[DDL_ADD_COLUMNS] = alter_table,
		[DDL_REPLACE_COLUMNS] = alter_table,
		[DDL_ADD_PARTITION] = add_partitions,
		[DDL_DROP_PARTITION] = drop_partitions,
		[DDL_REPAIR] = repair_table,
		[DDL_SHOW_PARTITIONS] = show_partitions,
		[DDL_SHOW_DATABASES] = show_databases,
		[DDL_SHOW_TABLES] = show_tables,
		[DDL_SHOW_VIEWS] = show_tables,
		[DDL_SHOW_COLUMNS] = describe,
		[DDL_DESCRIBE] = describe,
		[DDL_SHOW_PROPERTIES] = show_properties,
		[DDL_SHOW_CREATE_TABLE] = show_create_table,
	};

	if (ddl->kind == DDL_SET_LOCATION && json_object_get(ddl->what, "Keys"))
		return athena_fail(failure, "NOT_SUPPORTED",
			"ALTER TABLE PARTITION SET LOCATION is not supported");
	if (!handlers[ddl->kind])
		return athena_fail(failure, "NOT_SUPPORTED", "the statement %s is not supported",
			ddl_substatement(ddl->kind));
	return handlers[ddl->kind](&doing);
}
