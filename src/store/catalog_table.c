/* Tables and their versions. The newest version is the table's row; former ones are rows of
 * catalog_version. */
#include "store/catalog_priv.h"

#include <stdio.h>

void catalog_table_done(struct catalog_table *table)
{
	free(table->database);
	free(table->name);
	json_decref(table->document);
	*table = (struct catalog_table){0};
}

void catalog_complete_storage(json_t *storage)
{
	json_t *defaults = json_pack("{s:b, s:i, s:[], s:b}", "Compressed", 0, "NumberOfBuckets", 0,
		"SortColumns", "StoredAsSubDirectories", 0);

	if (json_is_object(storage))
		json_object_update_missing(storage, defaults);
	json_decref(defaults);
}

/* The document with what the row knows; takes document. */
static json_t *present(const struct catalog_work *work, json_t *document, struct str database,
	struct str name, int64_t version)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)version);
	json_object_set_new(document, "Name", json_stringn(name.p, name.n));
	json_object_set_new(document, "DatabaseName", json_stringn(database.p, database.n));
	json_object_set_new(document, "CatalogId", json_string(work->catalog->id));
	json_object_set_new(document, "VersionId", json_string(text));
	json_object_set_new(document, "IsRegisteredWithLakeFormation", json_false());
	catalog_complete_storage(json_object_get(document, "StorageDescriptor"));
	return document;
}

int catalog_find_table(
	struct catalog_work *work, struct store_table_name name, struct catalog_table *ret_table)
{
	_cleanup_free_ char *database = store_catalog_fold(name.database);
	_cleanup_free_ char *table = store_catalog_fold(name.table);
	sqlite3_stmt *statement;

	if (catalog_need_database(work, str_from(database)) < 0 ||
		catalog_statement(work,
			"SELECT id, version, document FROM catalog_table"
			" WHERE database = ? AND name = ?",
			&statement) < 0)
		return -1;
	store_bind_str(statement, 1, str_from(database));
	store_bind_str(statement, 2, str_from(table));
	int found = catalog_step(work, statement);
	if (found == 0)
		catalog_no_table(work->error, str_from(table));
	if (found <= 0)
		return -1;
	json_t *document;
	if (catalog_column_json(work, statement, 2, &document) < 0)
		return -1;
	*ret_table = (struct catalog_table){store_column_i64(statement, 0),
		store_column_i64(statement, 1), take(database), take(table), document};
	return 0;
}

/* ---- making ---- */

static int check_columns(
	const json_t *columns, const char *what, size_t max, struct aws_error *error)
{
	size_t i;
	json_t *column;

	if (json_array_size(columns) > max)
		return aws_error_set(error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
			"A table can have at most %zu %s.", max, what);
	json_array_foreach(columns, i, column)
	{
		if (!catalog_text(column, "Name").n)
			return aws_error_set(error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
				"One of the %s has no name.", what);
	}
	return 0;
}

/* The name; NULL: refused. */
static char *check_table(const json_t *input, struct aws_error *error)
{
	const json_t *keys = json_object_get(input, "PartitionKeys");
	const json_t *storage = json_object_get(input, "StorageDescriptor");

	if (json_object_get(input, "TargetTable")) {
		aws_error_set(error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
			"Resource links to tables are not supported.");
		return NULL;
	}
	if (check_columns(keys, "partition keys", STORE_PARTITION_KEYS_MAX, error) < 0 ||
		check_columns(json_object_get(storage, "Columns"), "columns", 10000, error) < 0)
		return NULL;
	return catalog_fold_checked(catalog_text(input, "Name"), "Table", error);
}

static int insert(
	struct catalog_work *work, struct str database, struct str name, const json_t *document)
{
	sqlite3_stmt *statement;

	if (catalog_need_database(work, database) < 0 ||
		catalog_statement(work,
			"INSERT INTO catalog_table (database, name, version, document)"
			" VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING RETURNING id",
			&statement) < 0)
		return -1;
	store_bind_str(statement, 1, database);
	store_bind_str(statement, 2, name);
	catalog_bind_json(statement, 3, document);
	int made = catalog_step(work, statement);
	if (made > 0)
		return catalog_step(work, statement);
	return made < 0 ? -1
			: aws_error_set(work->error, AWS_ERROR_ALREADY_EXISTS_EXCEPTION,
				  "Table already exists.");
}

/* The input with its times; created_ms 0: now. */
static json_t *document_of(const json_t *input, const json_t *former)
{
	json_t *document = json_copy((json_t *)input);
	json_t *created = json_object_get(former, "CreateTime");
	json_t *by = json_object_get(former, "CreatedBy");

	json_object_set_new(document, "UpdateTime", json_integer(catalog_now_ms()));
	if (created)
		json_object_set(document, "CreateTime", created);
	else
		json_object_set(document, "CreateTime", json_object_get(document, "UpdateTime"));
	if (by)
		json_object_set(document, "CreatedBy", by);
	if (!json_object_get(document, "Retention"))
		json_object_set_new(document, "Retention", json_integer(0));
	return document;
}

int store_catalog_create_table(struct store_catalog *catalog, struct str database,
	const json_t *input, struct str created_by, struct aws_error *error, struct err *err)
{
	_cleanup_free_ char *folded = store_catalog_fold(database);
	_cleanup_free_ char *name = check_table(input, error);
	struct catalog_work work;

	if (!name || catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	json_t *document = document_of(input, NULL);
	if (created_by.n)
		json_object_set_new(
			document, "CreatedBy", json_stringn(created_by.p, created_by.n));
	int result = insert(&work, str_from(folded), str_from(name), document);
	json_decref(document);
	return catalog_write_end(&work, result);
}

/* ---- reading ---- */

static int get_table(struct catalog_work *work, struct store_table_name name, json_t **ret_table)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};

	if (catalog_find_table(work, name, &table) < 0)
		return -1;
	*ret_table = present(work, take(table.document), str_from(table.database),
		str_from(table.name), table.version);
	return 0;
}

int store_catalog_get_table(struct store_catalog *catalog, struct store_table_name name,
	json_t **ret_table, struct aws_error *error, struct err *err)
{
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	return catalog_read_end(&work, get_table(&work, name, ret_table));
}

static int list_tables(struct catalog_work *work, struct str database, struct str after,
	size_t limit, json_t *list)
{
	sqlite3_stmt *statement;
	int result;

	if (catalog_need_database(work, database) < 0 ||
		catalog_statement(work,
			"SELECT name, version, document FROM catalog_table"
			" WHERE database = ? AND name > ? ORDER BY name LIMIT ?",
			&statement) < 0)
		return -1;
	store_bind_str(statement, 1, database);
	store_bind_str(statement, 2, after.p ? after : STR(""));
	store_bind_i64(statement, 3, (int64_t)limit);
	while ((result = catalog_step(work, statement)) > 0) {
		json_t *document;
		if (catalog_column_json(work, statement, 2, &document) < 0)
			return -1;
		json_array_append_new(
			list, present(work, document, database, store_column_str(statement, 0),
				      store_column_i64(statement, 1)));
	}
	return result;
}

int store_catalog_list_tables(struct store_catalog *catalog, struct str database, struct str after,
	size_t limit, json_t **ret_tables, struct aws_error *error, struct err *err)
{
	_cleanup_free_ char *folded = store_catalog_fold(database);
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	json_t *list = json_array();
	int result =
		catalog_read_end(&work, list_tables(&work, str_from(folded), after, limit, list));
	if (result < 0)
		json_decref(list);
	else
		*ret_tables = list;
	return result;
}

/* ---- changing ---- */

static int archive(struct catalog_work *work, const struct catalog_table *table)
{
	sqlite3_stmt *statement;

	if (catalog_statement(work, "INSERT INTO catalog_version VALUES (?, ?, ?)", &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, table->id);
	store_bind_i64(statement, 2, table->version);
	catalog_bind_json(statement, 3, table->document);
	return catalog_step(work, statement);
}

/* "0", "1", ...; -1: not one. */
static int64_t version_number(struct str version)
{
	int64_t number = 0;

	if (!version.n || version.n > 18)
		return -1;
	for (size_t i = 0; i < version.n; i++) {
		if (version.p[i] < '0' || version.p[i] > '9')
			return -1;
		number = number * 10 + (version.p[i] - '0');
	}
	return number;
}

static int update(struct catalog_work *work, struct catalog_table *table, const json_t *input,
	bool skip_archive, struct str version)
{
	size_t keys = json_array_size(json_object_get(table->document, "PartitionKeys"));
	sqlite3_stmt *statement;

	if (version.n && version_number(version) != table->version)
		return aws_error_set(work->error, AWS_ERROR_CONCURRENT_MODIFICATION_EXCEPTION,
			"Update table failed due to concurrent modifications.");
	/* The rows of partitions have as many values as there are keys. */
	if (json_array_size(json_object_get(input, "PartitionKeys")) != keys) {
		if (catalog_statement(work,
			    "SELECT 1 FROM catalog_partition WHERE table_id = ? LIMIT 1",
			    &statement) < 0)
			return -1;
		store_bind_i64(statement, 1, table->id);
		int found = catalog_step(work, statement);
		if (found != 0)
			return found < 0
				       ? -1
				       : aws_error_set(work->error,
						 AWS_ERROR_INVALID_INPUT_EXCEPTION,
						 "The number of partition keys of a table that has partitions cannot be changed.");
	}
	if ((!skip_archive && archive(work, table) < 0) ||
		catalog_statement(work,
			"UPDATE catalog_table SET version = version + 1, document = ?"
			" WHERE id = ?",
			&statement) < 0)
		return -1;
	json_t *document = document_of(input, table->document);
	catalog_bind_json(statement, 1, document);
	json_decref(document);
	store_bind_i64(statement, 2, table->id);
	return catalog_step(work, statement);
}

int store_catalog_update_table(struct store_catalog *catalog, struct str database,
	const json_t *input, bool skip_archive, struct str version, struct aws_error *error,
	struct err *err)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	_cleanup_free_ char *name = check_table(input, error);
	struct catalog_work work;

	if (!name || catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	int result = catalog_find_table(
		&work, (struct store_table_name){database, str_from(name)}, &table);
	if (result == 0)
		result = update(&work, &table, input, skip_archive, version);
	return catalog_write_end(&work, result);
}

static const char *const delete_by_id[] = {
	"DELETE FROM catalog_version WHERE table_id = ?",
	"DELETE FROM catalog_partition WHERE table_id = ?",
	"DELETE FROM catalog_statistics WHERE table_id = ?",
	"DELETE FROM catalog_table WHERE id = ?",
};

static int delete_table(struct catalog_work *work, const struct catalog_table *table)
{
	_cleanup_free_ char *scope = mem_printf("%s/%s", table->database, table->name);
	sqlite3_stmt *statement;

	for (size_t i = 0; i < ARRAY_SIZE(delete_by_id); i++) {
		if (catalog_statement(work, delete_by_id[i], &statement) < 0)
			return -1;
		store_bind_i64(statement, 1, table->id);
		if (catalog_step(work, statement) < 0)
			return -1;
	}
	if (catalog_statement(
		    work, "DELETE FROM catalog_item WHERE kind = ? AND scope = ?", &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, STORE_CATALOG_INDEX);
	store_bind_str(statement, 2, str_from(scope));
	return catalog_step(work, statement);
}

int store_catalog_delete_table(struct store_catalog *catalog, struct store_table_name name,
	struct aws_error *error, struct err *err)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	struct catalog_work work;

	if (catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	int result = catalog_find_table(&work, name, &table);
	if (result == 0)
		result = delete_table(&work, &table);
	return catalog_write_end(&work, result);
}

/* ---- versions ---- */

static void add_version(const struct catalog_work *work, const struct catalog_table *table,
	json_t *document, int64_t version, json_t *list)
{
	json_t *presented =
		present(work, document, str_from(table->database), str_from(table->name), version);

	json_array_append_new(list, json_pack("{s:o, s:O}", "Table", presented, "VersionId",
					    json_object_get(presented, "VersionId")));
}

static int list_versions(struct catalog_work *work, struct store_table_name name, int64_t before,
	size_t limit, json_t *list)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	sqlite3_stmt *statement;
	int result;

	if (catalog_find_table(work, name, &table) < 0)
		return -1;
	if (before < 0 && limit) {
		add_version(work, &table, take(table.document), table.version, list);
		limit--;
	}
	if (catalog_statement(work,
		    "SELECT version, document FROM catalog_version"
		    " WHERE table_id = ?1 AND (?2 < 0 OR version < ?2)"
		    " ORDER BY version DESC LIMIT ?3",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, table.id);
	store_bind_i64(statement, 2, before);
	store_bind_i64(statement, 3, (int64_t)limit);
	while ((result = catalog_step(work, statement)) > 0) {
		json_t *document;
		if (catalog_column_json(work, statement, 1, &document) < 0)
			return -1;
		add_version(work, &table, document, store_column_i64(statement, 0), list);
	}
	return result;
}

int store_catalog_list_versions(struct store_catalog *catalog, struct store_table_name name,
	int64_t before, size_t limit, json_t **ret_versions, struct aws_error *error,
	struct err *err)
{
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	json_t *list = json_array();
	int result = catalog_read_end(&work, list_versions(&work, name, before, limit, list));
	if (result < 0)
		json_decref(list);
	else
		*ret_versions = list;
	return result;
}

static int no_version(struct aws_error *error, struct str version)
{
	return aws_error_set(error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION, "Version %.*s not found.",
		STR_ARG(version));
}

static int get_version(
	struct catalog_work *work, struct store_table_name name, struct str version, json_t *list)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	sqlite3_stmt *statement;
	json_t *document;

	if (catalog_find_table(work, name, &table) < 0)
		return -1;
	if (!version.n || version_number(version) == table.version) {
		add_version(work, &table, take(table.document), table.version, list);
		return 0;
	}
	if (catalog_statement(work,
		    "SELECT version, document FROM catalog_version"
		    " WHERE table_id = ? AND version = ?",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, table.id);
	store_bind_i64(statement, 2, version_number(version));
	int found = catalog_step(work, statement);
	if (found <= 0)
		return found < 0 ? -1 : no_version(work->error, version);
	if (catalog_column_json(work, statement, 1, &document) < 0)
		return -1;
	add_version(work, &table, document, store_column_i64(statement, 0), list);
	return 0;
}

int store_catalog_get_version(struct store_catalog *catalog, struct store_table_name name,
	struct str version, json_t **ret_version, struct aws_error *error, struct err *err)
{
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	json_t *list = json_array();
	int result = catalog_read_end(&work, get_version(&work, name, version, list));
	if (result == 0)
		*ret_version = json_incref(json_array_get(list, 0));
	json_decref(list);
	return result;
}

static int delete_version(
	struct catalog_work *work, struct store_table_name name, struct str version)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	sqlite3_stmt *statement;

	if (catalog_find_table(work, name, &table) < 0)
		return -1;
	if (version_number(version) == table.version)
		return aws_error_set(work->error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
			"The newest version of a table cannot be deleted.");
	if (catalog_statement(work,
		    "DELETE FROM catalog_version WHERE table_id = ? AND version = ?"
		    " RETURNING version",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, table.id);
	store_bind_i64(statement, 2, version_number(version));
	int found = catalog_step(work, statement);
	if (found <= 0)
		return found < 0 ? -1 : no_version(work->error, version);
	return catalog_step(work, statement);
}

int store_catalog_delete_version(struct store_catalog *catalog, struct store_table_name name,
	struct str version, struct aws_error *error, struct err *err)
{
	struct catalog_work work;

	if (catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	return catalog_write_end(&work, delete_version(&work, name, version));
}
