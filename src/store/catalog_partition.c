/* Partitions, by the key that their values make, and the statistics of columns. A page of a listing
 * reads keys in order, decides by key and segment, and only then looks at the document. */
#include "store/catalog_priv.h"
#include "store/catalog_expression.h"

#include "base/hash.h"

#define SEGMENTS 0x7fffffff

/* ---- keys ---- */

int catalog_partition_key(
	const json_t *values, size_t count, struct buf *ret_key, struct aws_error *error)
{
	size_t i;
	json_t *value;

	if (json_array_size(values) != count || !count)
		return aws_error_set(error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
			"The number of partition keys do not match the number of partition values");
	json_array_foreach(values, i, value)
	{
		const char *text = json_string_value(value);
		if (!text || memchr(text, 0, json_string_length(value)))
			return aws_error_set(error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
				"Partition value %zu is not a text.", i);
		buf_add(ret_key, text, json_string_length(value));
		buf_add_char(ret_key, '\0');
	}
	return 0;
}

static size_t split_key(struct str key, struct str values[static STORE_PARTITION_KEYS_MAX])
{
	size_t count = 0;

	while (key.n && count < STORE_PARTITION_KEYS_MAX)
		str_split(&key, '\0', &values[count++]);
	return count;
}

static size_t key_count(const struct catalog_table *table)
{
	return json_array_size(json_object_get(table->document, "PartitionKeys"));
}

/* A key as a BLOB. */
static void bind_key(sqlite3_stmt *statement, int index, struct str key)
{
	sqlite3_bind_blob64(
		statement, index, key.n ? key.p : "", (sqlite3_uint64)key.n, SQLITE_TRANSIENT);
}

static struct str column_key(sqlite3_stmt *statement, int column)
{
	const char *bytes = sqlite3_column_blob(statement, column);

	return (struct str){bytes ? bytes : "", (size_t)sqlite3_column_bytes(statement, column)};
}

static int64_t segment_of(struct str key)
{
	return (int64_t)(hash_bytes(key.p, key.n, 0) & SEGMENTS);
}

/* ---- one partition ---- */

/* The stored document with what the row knows. */
static json_t *present(const struct catalog_work *work, const struct catalog_table *table,
	json_t *document, struct str key, int64_t created_ms)
{
	struct str values[STORE_PARTITION_KEYS_MAX];
	size_t count = split_key(key, values);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_stringn(values[i].p, values[i].n));
	json_object_set_new(document, "Values", list);
	json_object_set_new(document, "DatabaseName", json_string(table->database));
	json_object_set_new(document, "TableName", json_string(table->name));
	json_object_set_new(document, "CreationTime", json_integer(created_ms));
	json_object_set_new(document, "CatalogId", json_string(work->catalog->id));
	catalog_complete_storage(json_object_get(document, "StorageDescriptor"));
	return document;
}

static int no_partition(struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION, "Cannot find partition.");
}

/* Row in hand: created_ms, document. */
static int select_partition(
	struct catalog_work *work, int64_t table, struct str key, sqlite3_stmt **ret_statement)
{
	if (catalog_statement(work,
		    "SELECT created_ms, document FROM catalog_partition"
		    " WHERE table_id = ? AND key = ?",
		    ret_statement) < 0)
		return -1;
	store_bind_i64(*ret_statement, 1, table);
	bind_key(*ret_statement, 2, key);
	int found = catalog_step(work, *ret_statement);
	return found > 0 ? 0 : found < 0 ? -1 : no_partition(work->error);
}

static int put_partition(struct catalog_work *work, const struct catalog_table *table,
	struct str key, int64_t created_ms, const json_t *input)
{
	sqlite3_stmt *statement;

	if (catalog_statement(work,
		    "INSERT INTO catalog_partition VALUES (?, ?, ?, ?, ?)"
		    " ON CONFLICT DO NOTHING RETURNING table_id",
		    &statement) < 0)
		return -1;
	json_t *document = json_copy((json_t *)input);
	json_object_del(document, "Values");
	store_bind_i64(statement, 1, table->id);
	bind_key(statement, 2, key);
	store_bind_i64(statement, 3, segment_of(key));
	store_bind_i64(statement, 4, created_ms);
	catalog_bind_json(statement, 5, document);
	json_decref(document);
	int made = catalog_step(work, statement);
	if (made > 0)
		return catalog_step(work, statement);
	return made < 0 ? -1
			: aws_error_set(work->error, AWS_ERROR_ALREADY_EXISTS_EXCEPTION,
				  "Partition already exists.");
}

static int drop_partition(
	struct catalog_work *work, const struct catalog_table *table, struct str key)
{
	sqlite3_stmt *statement;

	if (catalog_statement(work,
		    "DELETE FROM catalog_partition WHERE table_id = ? AND key = ?"
		    " RETURNING table_id",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, table->id);
	bind_key(statement, 2, key);
	int found = catalog_step(work, statement);
	if (found <= 0)
		return found < 0 ? -1 : no_partition(work->error);
	return catalog_step(work, statement);
}

static int drop_statistics(struct catalog_work *work, int64_t table, struct str key)
{
	_cleanup_buf_ struct buf row = {0};
	sqlite3_stmt *statement;

	buf_add_char(&row, 'P');
	buf_add_str(&row, key);
	if (catalog_statement(work, "DELETE FROM catalog_statistics WHERE table_id = ? AND key = ?",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, table);
	bind_key(statement, 2, buf_str(&row));
	return catalog_step(work, statement);
}

/* ---- many of them ---- */

static int create_one(
	struct catalog_work *work, const struct catalog_table *table, const json_t *input)
{
	_cleanup_buf_ struct buf key = {0};

	if (catalog_partition_key(
		    json_object_get(input, "Values"), key_count(table), &key, work->error) < 0)
		return -1;
	return put_partition(work, table, buf_str(&key), catalog_now_ms(), input);
}

static int update_one(
	struct catalog_work *work, const struct catalog_table *table, const json_t *entry)
{
	const json_t *former = json_object_get(entry, "PartitionValueList");
	const json_t *input = json_object_get(entry, "PartitionInput");
	const json_t *values = json_object_get(input, "Values");
	_cleanup_buf_ struct buf from = {0};
	_cleanup_buf_ struct buf to = {0};
	sqlite3_stmt *statement;

	if (catalog_partition_key(former, key_count(table), &from, work->error) < 0 ||
		catalog_partition_key(json_array_size(values) ? values : former, key_count(table),
			&to, work->error) < 0 ||
		select_partition(work, table->id, buf_str(&from), &statement) < 0)
		return -1;
	int64_t created_ms = store_column_i64(statement, 0);
	bool is_moved = !str_equal(buf_str(&from), buf_str(&to));
	/* Nothing is dropped before it is known that the new place is free. */
	if (is_moved) {
		if (put_partition(work, table, buf_str(&to), created_ms, input) < 0 ||
			drop_statistics(work, table->id, buf_str(&from)) < 0)
			return -1;
		return drop_partition(work, table, buf_str(&from));
	}
	return drop_partition(work, table, buf_str(&from)) < 0
		       ? -1
		       : put_partition(work, table, buf_str(&to), created_ms, input);
}

static int delete_one(
	struct catalog_work *work, const struct catalog_table *table, const json_t *values)
{
	_cleanup_buf_ struct buf key = {0};

	if (catalog_partition_key(values, key_count(table), &key, work->error) < 0 ||
		drop_partition(work, table, buf_str(&key)) < 0)
		return -1;
	return drop_statistics(work, table->id, buf_str(&key));
}

/* What names a partition in an answer's errors. */
struct many {
	int (*one)(
		struct catalog_work *work, const struct catalog_table *table, const json_t *item);
	const char *values;      /* member of an item that has them; NULL: it is them */
	const char *values_name; /* member of an error */
};

static void tell(
	json_t *errors, const struct many *many, const json_t *item, const struct aws_error *error)
{
	const json_t *values = many->values ? json_object_get(item, many->values) : item;

	json_array_append_new(errors,
		json_pack("{s:O?, s:{s:s, s:s}}", many->values_name, values, "ErrorDetail",
			"ErrorCode", aws_error_name(error->code), "ErrorMessage", error->message));
}

static int do_many(struct store_catalog *catalog, struct store_table_name name,
	const struct many *many, const json_t *items, json_t *errors, struct aws_error *error,
	struct err *err)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	struct catalog_work work;
	size_t i;
	json_t *item;

	if (catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	int result = catalog_find_table(&work, name, &table);
	json_array_foreach(items, i, item)
	{
		struct aws_error refused = {0};
		if (result < 0)
			break;
		work.error = &refused;
		result = many->one(&work, &table, item);
		if (result < 0 && errors && aws_error_status(refused.code) < 500) {
			tell(errors, many, item, &refused);
			result = 0;
		}
		if (result < 0 && error)
			*error = refused;
	}
	work.error = error;
	return catalog_write_end(&work, result);
}

int store_catalog_create_partitions(struct store_catalog *catalog, struct store_table_name name,
	const json_t *inputs, json_t *errors, struct aws_error *error, struct err *err)
{
	static const struct many create = {create_one, "Values", "PartitionValues"};

	return do_many(catalog, name, &create, inputs, errors, error, err);
}

int store_catalog_update_partitions(struct store_catalog *catalog, struct store_table_name name,
	const json_t *entries, json_t *errors, struct aws_error *error, struct err *err)
{
	static const struct many update = {update_one, "PartitionValueList", "PartitionValueList"};

	return do_many(catalog, name, &update, entries, errors, error, err);
}

int store_catalog_delete_partitions(struct store_catalog *catalog, struct store_table_name name,
	const json_t *list, json_t *errors, struct aws_error *error, struct err *err)
{
	static const struct many delete = {delete_one, NULL, "PartitionValues"};

	return do_many(catalog, name, &delete, list, errors, error, err);
}

/* ---- reading ---- */

static int get_partition(struct catalog_work *work, struct store_table_name name,
	const json_t *values, json_t **ret_partition)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	_cleanup_buf_ struct buf key = {0};
	sqlite3_stmt *statement;
	json_t *document;

	if (catalog_find_table(work, name, &table) < 0 ||
		catalog_partition_key(values, key_count(&table), &key, work->error) < 0 ||
		select_partition(work, table.id, buf_str(&key), &statement) < 0 ||
		catalog_column_json(work, statement, 1, &document) < 0)
		return -1;
	*ret_partition =
		present(work, &table, document, buf_str(&key), store_column_i64(statement, 0));
	return 0;
}

int store_catalog_get_partition(struct store_catalog *catalog, struct store_table_name name,
	const json_t *values, json_t **ret_partition, struct aws_error *error, struct err *err)
{
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	return catalog_read_end(&work, get_partition(&work, name, values, ret_partition));
}

static void drop_columns(json_t *partition)
{
	json_t *storage = json_object_get(partition, "StorageDescriptor");

	json_object_del(storage, "Columns");
}

/* A row: key, created_ms, document. */
static int add_row(struct catalog_work *work, const struct catalog_table *table,
	sqlite3_stmt *statement, bool without_columns, json_t *list)
{
	json_t *document;

	if (catalog_column_json(work, statement, 2, &document) < 0)
		return -1;
	if (without_columns)
		drop_columns(document);
	json_array_append_new(list, present(work, table, document, column_key(statement, 0),
					    store_column_i64(statement, 1)));
	return 0;
}

static int list_partitions(struct catalog_work *work, const struct catalog_table *table,
	const struct store_partition_query *query, const struct store_expression *expression,
	json_t *list, struct buf *ret_next)
{
	_cleanup_buf_ struct buf last = {0};
	struct str values[STORE_PARTITION_KEYS_MAX];
	sqlite3_stmt *statement;
	int result;

	if (catalog_statement(work,
		    "SELECT key, created_ms, document FROM catalog_partition"
		    " WHERE table_id = ?1 AND key > ?2 AND (?3 = 0 OR segment % ?3 = ?4)"
		    " ORDER BY key",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, table->id);
	bind_key(statement, 2, query->after);
	store_bind_i64(statement, 3, query->segments);
	store_bind_i64(statement, 4, query->segment);
	while ((result = catalog_step(work, statement)) > 0) {
		struct str key = column_key(statement, 0);
		size_t count = split_key(key, values);
		if (!store_expression_matches(expression, values, count))
			continue;
		/* One more is there: this page ends with the last. */
		if (json_array_size(list) >= query->limit) {
			buf_add_str(ret_next, buf_str(&last));
			return 0;
		}
		last.n = 0;
		buf_add_str(&last, key);
		if (add_row(work, table, statement, query->without_columns, list) < 0)
			return -1;
	}
	return result;
}

int store_catalog_list_partitions(struct store_catalog *catalog, struct store_table_name name,
	const struct store_partition_query *query, json_t **ret_partitions, struct buf *ret_next,
	struct aws_error *error, struct err *err)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	_cleanup_(store_expression_freep) struct store_expression *expression = NULL;
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	json_t *list = json_array();
	int result = catalog_find_table(&work, name, &table);
	if (result == 0)
		result = store_expression_parse(&expression, query->expression,
			json_object_get(table.document, "PartitionKeys"), error);
	if (result == 0)
		result = list_partitions(&work, &table, query, expression, list, ret_next);
	catalog_read_end(&work, result);
	if (result < 0)
		json_decref(list);
	else
		*ret_partitions = list;
	return result;
}

/* ---- statistics ---- */

/* 'T', or 'P' and the key of a partition that is there. */
static int statistics_key(struct catalog_work *work, const struct catalog_table *table,
	const json_t *values, struct buf *ret_key)
{
	_cleanup_buf_ struct buf key = {0};
	sqlite3_stmt *statement;

	buf_add_char(ret_key, values ? 'P' : 'T');
	if (!values)
		return 0;
	if (catalog_partition_key(values, key_count(table), &key, work->error) < 0 ||
		select_partition(work, table->id, buf_str(&key), &statement) < 0)
		return -1;
	buf_add_str(ret_key, buf_str(&key));
	return 0;
}

static int put_statistics(struct catalog_work *work, struct store_table_name name,
	const json_t *values, const json_t *list)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	_cleanup_buf_ struct buf key = {0};
	sqlite3_stmt *statement;
	size_t i;
	json_t *item;

	if (catalog_find_table(work, name, &table) < 0 ||
		statistics_key(work, &table, values, &key) < 0)
		return -1;
	json_array_foreach(list, i, item)
	{
		if (catalog_statement(work,
			    "INSERT OR REPLACE INTO catalog_statistics VALUES (?, ?, ?, ?)",
			    &statement) < 0)
			return -1;
		store_bind_i64(statement, 1, table.id);
		bind_key(statement, 2, buf_str(&key));
		store_bind_str(statement, 3, catalog_text(item, "ColumnName"));
		catalog_bind_json(statement, 4, item);
		if (catalog_step(work, statement) < 0)
			return -1;
	}
	return 0;
}

int store_catalog_put_statistics(struct store_catalog *catalog, struct store_table_name name,
	const json_t *values, const json_t *list, struct aws_error *error, struct err *err)
{
	struct catalog_work work;

	if (catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	return catalog_write_end(&work, put_statistics(&work, name, values, list));
}

/* NULL: there is none. */
static int find_statistics(struct catalog_work *work, int64_t table, struct str key,
	const json_t *column, json_t **ret_item)
{
	const char *name = json_string_value(column);
	sqlite3_stmt *statement;

	*ret_item = NULL;
	if (catalog_statement(work,
		    "SELECT document FROM catalog_statistics"
		    " WHERE table_id = ? AND key = ? AND column_name = ?",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, table);
	bind_key(statement, 2, key);
	store_bind_str(statement, 3, str_from(name ? name : ""));
	int found = catalog_step(work, statement);
	return found <= 0 ? found : catalog_column_json(work, statement, 0, ret_item);
}

static int get_statistics(struct catalog_work *work, struct store_table_name name,
	const json_t *values, const json_t *columns, json_t *list, json_t *missing)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	_cleanup_buf_ struct buf key = {0};
	size_t i;
	json_t *column;
	json_t *item;

	if (catalog_find_table(work, name, &table) < 0 ||
		statistics_key(work, &table, values, &key) < 0)
		return -1;
	json_array_foreach(columns, i, column)
	{
		if (find_statistics(work, table.id, buf_str(&key), column, &item) < 0)
			return -1;
		if (item)
			json_array_append_new(list, item);
		else
			json_array_append(missing, column);
	}
	return 0;
}

int store_catalog_get_statistics(struct store_catalog *catalog, struct store_table_name name,
	const json_t *values, const json_t *columns, json_t **ret_list, json_t *missing,
	struct aws_error *error, struct err *err)
{
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	json_t *list = json_array();
	int result = catalog_read_end(
		&work, get_statistics(&work, name, values, columns, list, missing));
	if (result < 0)
		json_decref(list);
	else
		*ret_list = list;
	return result;
}

static int delete_statistics(struct catalog_work *work, struct store_table_name name,
	const json_t *values, struct str column)
{
	_cleanup_(catalog_table_done) struct catalog_table table = {0};
	_cleanup_buf_ struct buf key = {0};
	sqlite3_stmt *statement;

	if (catalog_find_table(work, name, &table) < 0 ||
		statistics_key(work, &table, values, &key) < 0 ||
		catalog_statement(work,
			"DELETE FROM catalog_statistics"
			" WHERE table_id = ? AND key = ? AND column_name = ? RETURNING table_id",
			&statement) < 0)
		return -1;
	store_bind_i64(statement, 1, table.id);
	bind_key(statement, 2, buf_str(&key));
	store_bind_str(statement, 3, column);
	int found = catalog_step(work, statement);
	if (found > 0)
		return catalog_step(work, statement);
	return found < 0 ? -1
			 : aws_error_set(work->error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION,
				   "Column statistics of %.*s not found.", STR_ARG(column));
}

int store_catalog_delete_statistics(struct store_catalog *catalog, struct store_table_name name,
	const json_t *values, struct str column, struct aws_error *error, struct err *err)
{
	struct catalog_work work;

	if (catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	return catalog_write_end(&work, delete_statistics(&work, name, values, column));
}
