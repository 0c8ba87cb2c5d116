/* DDL on the catalog; show.c has what only tells of it. */
#include "api/athena/ddl_priv.h"
#include "api/glue/glue.h"

#include <stdio.h>

int ddl_failed(const struct doing *doing, const struct aws_error *error)
{
	if (error->code == AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION && doing->ddl->name)
		return athena_fail(doing->failure, "FAILED",
			"SemanticException [Error 10001]: Table not found %.*s.%s",
			STR_ARG(doing->database), doing->ddl->name);
	return athena_fail_aws(doing->failure, error);
}

int ddl_may(const struct doing *doing, const char *action, bool table)
{
	struct str name = table && doing->ddl->name ? str_from(doing->ddl->name) : STR("");

	return athena_may_table(
		doing->athena, doing->execution, action, doing->database, name, doing->failure);
}

struct store_table_name ddl_table_name(const struct doing *doing)
{
	return (struct store_table_name){doing->database, str_from(doing->ddl->name)};
}

json_t *ddl_get_table(const struct doing *doing)
{
	struct aws_error error;
	struct err err = ERR_INIT;
	json_t *table = NULL;

	if (ddl_may(doing, "glue:GetTable", true) < 0)
		return NULL;
	if (store_catalog_get_table(doing->athena->settings.catalog, ddl_table_name(doing), &table,
		    &error, &err) < 0) {
		ddl_failed(doing, &error);
		return NULL;
	}
	return table;
}

/* ---- databases and tables ---- */

static int create_database(const struct doing *doing)
{
	struct aws_error error;
	struct err err = ERR_INIT;

	if (ddl_may(doing, "glue:CreateDatabase", false) < 0)
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

	if (ddl_may(doing, "glue:DeleteDatabase", false) < 0)
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

/* Who makes a table of a bucket, or a partition, may see what is in it. A bucket that is not
 * there may be made later. */
static int may_see(const struct doing *doing, struct str location)
{
	_cleanup_buf_ struct buf arn = {0};
	struct str bucket, key;

	if (!location.p)
		return 0;
	if (!athena_split_location(location, &bucket, &key))
		return athena_fail(doing->failure, "FAILED",
			"SemanticException [Error 10096]: Invalid location %.*s: only s3:// is "
			"supported",
			STR_ARG(location));
	buf_printf(&arn, "arn:aws:s3:::%.*s", STR_ARG(bucket));
	return athena_may(
		doing->athena, doing->execution, "s3:ListBucket", buf_str(&arn), doing->failure);
}

static int create_table(const struct doing *doing)
{
	struct aws_error error;
	struct err err = ERR_INIT;

	const json_t *descriptor = json_object_get(doing->ddl->what, "StorageDescriptor");
	if (ddl_may(doing, "glue:CreateTable", true) < 0 ||
		may_see(doing, athena_text(descriptor, "Location")) < 0)
		return -1;
	glue_ready_table_give_way(
		doing->athena->settings.catalog, doing->database, doing->ddl->what);
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

	if (ddl_may(doing, "glue:DeleteTable", true) < 0)
		return -1;
	if (store_catalog_delete_table(
		    doing->athena->settings.catalog, ddl_table_name(doing), &error, &err) == 0 ||
		(error.code == AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION && doing->ddl->if_exists))
		return 0;
	return ddl_failed(doing, &error);
}

static int update(const struct doing *doing, json_t *table)
{
	static const char *const not_input[] = {"CreateTime", "UpdateTime", "DatabaseName",
		"CreatedBy", "VersionId", "CatalogId", "IsRegisteredWithLakeFormation"};
	struct aws_error error;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(not_input); i++)
		json_object_del(table, not_input[i]);
	int r = ddl_may(doing, "glue:UpdateTable", true);
	if (r == 0 && store_catalog_update_table(doing->athena->settings.catalog, doing->database,
			      table, false, STR(""), &error, &err) < 0)
		r = athena_fail_aws(doing->failure, &error);
	json_decref(table);
	return r;
}

static int alter_table(const struct doing *doing)
{
	json_t *table = ddl_get_table(doing);
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
		if (may_see(doing, athena_text(doing->ddl->what, "Location")) < 0) {
			json_decref(table);
			return -1;
		}
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
	json_t *table = ddl_get_table(doing), *inputs = json_array(), *errors = json_array();
	struct aws_error error;
	struct err err = ERR_INIT;
	int r = table ? ddl_may(doing, "glue:BatchCreatePartition", true) : -1;

	for (size_t i = 0; r == 0 && i < json_array_size(doing->ddl->what); i++) {
		const json_t *one = json_array_get(doing->ddl->what, i);
		json_t *values = values_of(doing, table, json_object_get(one, "Keys"));
		struct str location = athena_text(one, "Location");
		if (!values || may_see(doing, location) < 0)
			r = -1;
		else
			json_array_append_new(
				inputs, partition_input(doing, table, values, location));
		json_decref(values);
	}
	if (r == 0 && store_catalog_create_partitions(doing->athena->settings.catalog,
			      ddl_table_name(doing), inputs, doing->ddl->if_exists ? errors : NULL,
			      &error, &err) < 0)
		r = athena_fail_aws(doing->failure, &error);
	json_decref(errors);
	json_decref(inputs);
	json_decref(table);
	return r;
}

static int drop_partitions(const struct doing *doing)
{
	json_t *table = ddl_get_table(doing), *list = json_array(), *errors = json_array();
	struct aws_error error;
	struct err err = ERR_INIT;
	int r = table ? ddl_may(doing, "glue:BatchDeletePartition", true) : -1;

	for (size_t i = 0; r == 0 && i < json_array_size(doing->ddl->what); i++) {
		const json_t *one = json_array_get(doing->ddl->what, i);
		json_t *values = values_of(doing, table, json_object_get(one, "Keys"));
		if (values)
			json_array_append_new(list, values);
		else
			r = -1;
	}
	if (r == 0 && store_catalog_delete_partitions(doing->athena->settings.catalog,
			      ddl_table_name(doing), list, doing->ddl->if_exists ? errors : NULL,
			      &error, &err) < 0)
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

void ddl_add_spec(
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
	json_t *table = ddl_get_table(doing), *found = json_array(), *values = json_array();
	_cleanup_buf_ struct buf prefix = {0}, arn = {0};
	struct str bucket = STR(""), key = STR("");
	struct aws_error error;
	struct err err = ERR_INIT;
	int r = table ? ddl_may(doing, "glue:BatchCreatePartition", true) : -1;

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
			    catalog, ddl_table_name(doing), one, &there, &error, &err) == 0) {
			json_decref(there);
			continue;
		}
		json_t *inputs = json_pack("[o]", partition_input(doing, table, one, STR_NONE));
		if (store_catalog_create_partitions(
			    catalog, ddl_table_name(doing), inputs, NULL, &error, &err) < 0)
			r = athena_fail_aws(doing->failure, &error);
		json_decref(inputs);
		buf_printf(
			doing->text, "Repair: Added partition to metastore %s:", doing->ddl->name);
		ddl_add_spec(doing, table, one, "/");
		buf_add_char(doing->text, '\n');
	}
	json_decref(values);
	json_decref(found);
	json_decref(table);
	return r;
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
		[DDL_SHOW_PARTITIONS] = ddl_show_partitions,
		[DDL_SHOW_DATABASES] = ddl_show_databases,
		[DDL_SHOW_TABLES] = ddl_show_tables,
		[DDL_SHOW_VIEWS] = ddl_show_tables,
		[DDL_SHOW_COLUMNS] = ddl_describe,
		[DDL_DESCRIBE] = ddl_describe,
		[DDL_SHOW_PROPERTIES] = ddl_show_properties,
		[DDL_SHOW_CREATE_TABLE] = ddl_show_create_table,
		[DDL_SHOW_CREATE_VIEW] = ddl_show_create_view,
	};

	if (ddl->kind == DDL_SET_LOCATION && json_object_get(ddl->what, "Keys"))
		return athena_fail(failure, "NOT_SUPPORTED",
			"ALTER TABLE PARTITION SET LOCATION is not supported");
	if (!handlers[ddl->kind])
		return athena_fail(failure, "NOT_SUPPORTED", "the statement %s is not supported",
			ddl_substatement(ddl->kind));
	return handlers[ddl->kind](&doing);
}
