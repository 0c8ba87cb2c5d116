/* Rows hold documents as they came, without what rows know by themselves (names, times, versions);
 * those members are put in on the way out. A table's row has a number that versions, partitions and
 * statistics point to, so that deleting a table is deleting by number. */
#include "store/catalog_priv.h"

#include <ctype.h>
#include <stdio.h>

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS catalog_database ("
	" name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS catalog_table ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, database TEXT NOT NULL, name TEXT NOT NULL,"
	" version INTEGER NOT NULL, document TEXT NOT NULL, UNIQUE (database, name));"
	"CREATE TABLE IF NOT EXISTS catalog_version ("
	" table_id INTEGER NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL,"
	" PRIMARY KEY (table_id, version)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS catalog_partition ("
	" table_id INTEGER NOT NULL, key BLOB NOT NULL, segment INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, document TEXT NOT NULL,"
	" PRIMARY KEY (table_id, key)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS catalog_statistics ("
	" table_id INTEGER NOT NULL, key BLOB NOT NULL, column_name TEXT NOT NULL,"
	" document TEXT NOT NULL, PRIMARY KEY (table_id, key, column_name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS catalog_item ("
	" kind INTEGER NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,"
	" PRIMARY KEY (kind, scope, name)) WITHOUT ROWID;";

/* ---- one call's way through the database ---- */

int catalog_read_begin(struct catalog_work *work, struct store_catalog *catalog,
	struct aws_error *error, struct err *err)
{
	*work = (struct catalog_work){.catalog = catalog, .error = error, .err = err};
	if (store_read_begin(catalog->database, &work->connection, err) < 0)
		return aws_error_internal(error);
	return 0;
}

int catalog_read_end(struct catalog_work *work, int result)
{
	store_read_end(work->connection);
	return result;
}

int catalog_write_begin(struct catalog_work *work, struct store_catalog *catalog,
	struct aws_error *error, struct err *err)
{
	*work = (struct catalog_work){.catalog = catalog, .error = error, .err = err};
	if (store_write_begin(catalog->database, &work->connection, err) < 0)
		return aws_error_internal(error);
	return 0;
}

int catalog_write_end(struct catalog_work *work, int result)
{
	if (result < 0) {
		store_rollback(work->connection);
		return result;
	}
	if (store_commit(work->connection, work->err) < 0)
		return aws_error_internal(work->error);
	return result;
}

int catalog_statement(struct catalog_work *work, const char *sql, sqlite3_stmt **ret_statement)
{
	if (store_statement(work->connection, sql, ret_statement, work->err) < 0)
		return aws_error_internal(work->error);
	return 0;
}

int catalog_step(struct catalog_work *work, sqlite3_stmt *statement)
{
	int result = store_step(statement, work->err);

	return result < 0 ? aws_error_internal(work->error) : result;
}

void catalog_bind_json(sqlite3_stmt *statement, int index, const json_t *document)
{
	_cleanup_free_ char *text = json_dumps(document, JSON_COMPACT);

	store_bind_str(statement, index, str_from(text ? text : "{}"));
}

int catalog_column_json(
	struct catalog_work *work, sqlite3_stmt *statement, int column, json_t **ret_document)
{
	struct str text = store_column_str(statement, column);
	json_t *document = text.p ? json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL) : NULL;

	if (!json_is_object(document)) {
		json_decref(document);
		err_set(work->err, ERR_INPUT, "a row of the catalog is damaged");
		return aws_error_internal(work->error);
	}
	*ret_document = document;
	return 0;
}

struct str catalog_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR_NONE;
}

int64_t catalog_now_ms(void)
{
	return clock_wall_ns() / 1000000;
}

/* ---- names ---- */

char *store_catalog_fold(struct str name)
{
	char *folded = mem_printf("%.*s", STR_ARG(name));

	for (char *c = folded; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return folded;
}

char *catalog_fold_checked(struct str name, const char *what, struct aws_error *error)
{
	if (!name.n || name.n > STORE_CATALOG_NAME_MAX || memchr(name.p, 0, name.n)) {
		aws_error_set(error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
			"%s name must have 1 to %d bytes", what, STORE_CATALOG_NAME_MAX);
		return NULL;
	}
	return store_catalog_fold(name);
}

int catalog_no_database(struct aws_error *error, struct str name)
{
	return aws_error_set(error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION,
		"Database %.*s not found.", STR_ARG(name));
}

int catalog_no_table(struct aws_error *error, struct str name)
{
	return aws_error_set(error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION, "Table %.*s not found.",
		STR_ARG(name));
}

/* ---- the life ---- */

static int make_default(struct store_connection *writer, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_execute(writer, schema, err) < 0 ||
		store_statement(writer,
			"INSERT OR IGNORE INTO catalog_database VALUES ('default', ?, '{}')",
			&statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, catalog_now_ms());
	return store_step(statement, err);
}

int store_catalog_open(struct store_catalog **ret_catalog, struct store_database *database,
	struct str id, struct err *err)
{
	_cleanup_(store_catalog_closep) struct store_catalog *catalog =
		mem_new(1, sizeof(*catalog));
	struct store_connection *writer;

	catalog->database = database;
	catalog->id = mem_printf("%.*s", STR_ARG(id));
	if (store_write_begin(database, &writer, err) < 0)
		return -1;
	if (make_default(writer, err) < 0) {
		store_rollback(writer);
		return -1;
	}
	if (store_commit(writer, err) < 0)
		return -1;
	*ret_catalog = take(catalog);
	return 0;
}

void store_catalog_close(struct store_catalog *catalog)
{
	if (!catalog)
		return;
	free(catalog->id);
	free(catalog);
}

/* ---- databases ---- */

/* Row: name, created_ms, document. */
static int read_database(struct catalog_work *work, sqlite3_stmt *statement, json_t **ret_database)
{
	struct str name = store_column_str(statement, 0);
	json_t *document;

	if (catalog_column_json(work, statement, 2, &document) < 0)
		return -1;
	json_object_set_new(document, "Name", json_stringn(name.p, name.n));
	json_object_set_new(document, "CreateTime", json_integer(store_column_i64(statement, 1)));
	json_object_set_new(document, "CatalogId", json_string(work->catalog->id));
	*ret_database = document;
	return 0;
}

int catalog_need_database(struct catalog_work *work, struct str name)
{
	sqlite3_stmt *statement;

	if (catalog_statement(work, "SELECT 1 FROM catalog_database WHERE name = ?", &statement) <
		0)
		return -1;
	store_bind_str(statement, 1, name);
	int found = catalog_step(work, statement);
	if (found > 0)
		return 0;
	return found < 0 ? -1 : catalog_no_database(work->error, name);
}

/* The name; NULL: refused. */
static char *check_database(const json_t *input, struct aws_error *error)
{
	const char *wrong = json_object_get(input, "TargetDatabase") ? "Resource links to databases"
			    : json_object_get(input, "FederatedDatabase") ? "Federated databases"
									  : NULL;

	if (wrong) {
		aws_error_set(
			error, AWS_ERROR_INVALID_INPUT_EXCEPTION, "%s are not supported.", wrong);
		return NULL;
	}
	return catalog_fold_checked(catalog_text(input, "Name"), "Database", error);
}

int store_catalog_create_database(struct store_catalog *catalog, const json_t *input,
	struct aws_error *error, struct err *err)
{
	_cleanup_free_ char *name = check_database(input, error);
	struct catalog_work work;
	sqlite3_stmt *statement;

	if (!name || catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	int result = catalog_statement(&work,
		"INSERT INTO catalog_database VALUES (?, ?, ?)"
		" ON CONFLICT DO NOTHING RETURNING name",
		&statement);
	if (result == 0) {
		store_bind_str(statement, 1, str_from(name));
		store_bind_i64(statement, 2, catalog_now_ms());
		catalog_bind_json(statement, 3, input);
		int made = catalog_step(&work, statement);
		if (made > 0)
			result = catalog_step(&work, statement);
		else
			result = made < 0 ? -1
					  : aws_error_set(error, AWS_ERROR_ALREADY_EXISTS_EXCEPTION,
						    "Database already exists.");
	}
	return catalog_write_end(&work, result);
}

static int get_database(struct catalog_work *work, struct str name, json_t **ret_database)
{
	sqlite3_stmt *statement;

	if (catalog_statement(work,
		    "SELECT name, created_ms, document FROM catalog_database WHERE name = ?",
		    &statement) < 0)
		return -1;
	store_bind_str(statement, 1, name);
	int found = catalog_step(work, statement);
	if (found <= 0)
		return found < 0 ? -1 : catalog_no_database(work->error, name);
	return read_database(work, statement, ret_database);
}

int store_catalog_get_database(struct store_catalog *catalog, struct str name,
	json_t **ret_database, struct aws_error *error, struct err *err)
{
	_cleanup_free_ char *folded = store_catalog_fold(name);
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	return catalog_read_end(&work, get_database(&work, str_from(folded), ret_database));
}

static int list_databases(struct catalog_work *work, struct str after, size_t limit, json_t *list)
{
	sqlite3_stmt *statement;
	int result;

	if (catalog_statement(work,
		    "SELECT name, created_ms, document FROM catalog_database WHERE name > ?"
		    " ORDER BY name LIMIT ?",
		    &statement) < 0)
		return -1;
	store_bind_str(statement, 1, after.p ? after : STR(""));
	store_bind_i64(statement, 2, (int64_t)limit);
	while ((result = catalog_step(work, statement)) > 0) {
		json_t *database;
		if (read_database(work, statement, &database) < 0)
			return -1;
		json_array_append_new(list, database);
	}
	return result;
}

int store_catalog_list_databases(struct store_catalog *catalog, struct str after, size_t limit,
	json_t **ret_databases, struct aws_error *error, struct err *err)
{
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	json_t *list = json_array();
	int result = catalog_read_end(&work, list_databases(&work, after, limit, list));
	if (result < 0)
		json_decref(list);
	else
		*ret_databases = list;
	return result;
}

static int update_database(struct catalog_work *work, struct str name, const json_t *input)
{
	sqlite3_stmt *statement;

	if (catalog_need_database(work, name) < 0 ||
		catalog_statement(work, "UPDATE catalog_database SET document = ? WHERE name = ?",
			&statement) < 0)
		return -1;
	catalog_bind_json(statement, 1, input);
	store_bind_str(statement, 2, name);
	return catalog_step(work, statement);
}

int store_catalog_update_database(struct store_catalog *catalog, struct str name,
	const json_t *input, struct aws_error *error, struct err *err)
{
	_cleanup_free_ char *folded = store_catalog_fold(name);
	_cleanup_free_ char *given = check_database(input, error);
	struct catalog_work work;

	if (!given)
		return -1;
	if (strcmp(folded, given) != 0)
		return aws_error_set(error, AWS_ERROR_INVALID_INPUT_EXCEPTION,
			"Database name cannot be changed.");
	if (catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	return catalog_write_end(&work, update_database(&work, str_from(folded), input));
}

static int delete_rows(struct catalog_work *work, const char *sql, struct str name)
{
	sqlite3_stmt *statement;

	if (catalog_statement(work, sql, &statement) < 0)
		return -1;
	store_bind_str(statement, 1, name);
	return catalog_step(work, statement);
}

/* What hangs on the tables first. */
static const char *const delete_database[] = {
	"DELETE FROM catalog_version WHERE table_id IN"
	" (SELECT id FROM catalog_table WHERE database = ?)",
	"DELETE FROM catalog_partition WHERE table_id IN"
	" (SELECT id FROM catalog_table WHERE database = ?)",
	"DELETE FROM catalog_statistics WHERE table_id IN"
	" (SELECT id FROM catalog_table WHERE database = ?)",
	"DELETE FROM catalog_item WHERE kind = 1 AND scope IN"
	" (SELECT database || '/' || name FROM catalog_table WHERE database = ?)",
	"DELETE FROM catalog_item WHERE kind = 0 AND scope = ?",
	"DELETE FROM catalog_table WHERE database = ?",
	"DELETE FROM catalog_database WHERE name = ?",
};
_Static_assert(STORE_CATALOG_FUNCTION == 0 && STORE_CATALOG_INDEX == 1, "as the statements say");

int store_catalog_delete_database(
	struct store_catalog *catalog, struct str name, struct aws_error *error, struct err *err)
{
	_cleanup_free_ char *folded = store_catalog_fold(name);
	struct catalog_work work;

	if (catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	int result = catalog_need_database(&work, str_from(folded));
	for (size_t i = 0; i < ARRAY_SIZE(delete_database) && result == 0; i++)
		result = delete_rows(&work, delete_database[i], str_from(folded));
	return catalog_write_end(&work, result);
}

/* ---- items ---- */

int store_catalog_put_item(struct store_catalog *catalog, enum store_catalog_kind kind,
	struct str scope, struct str name, const json_t *document, struct aws_error *error,
	struct err *err)
{
	struct catalog_work work;
	sqlite3_stmt *statement;

	if (catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	int result = catalog_statement(
		&work, "INSERT OR REPLACE INTO catalog_item VALUES (?, ?, ?, ?)", &statement);
	if (result == 0) {
		store_bind_i64(statement, 1, kind);
		store_bind_str(statement, 2, scope);
		store_bind_str(statement, 3, name);
		catalog_bind_json(statement, 4, document);
		result = catalog_step(&work, statement);
	}
	return catalog_write_end(&work, result);
}

static int get_item(struct catalog_work *work, enum store_catalog_kind kind, struct str scope,
	struct str name, json_t **ret_document)
{
	sqlite3_stmt *statement;

	*ret_document = NULL;
	if (catalog_statement(work,
		    "SELECT document FROM catalog_item WHERE kind = ? AND scope = ? AND name = ?",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, kind);
	store_bind_str(statement, 2, scope);
	store_bind_str(statement, 3, name);
	int found = catalog_step(work, statement);
	return found <= 0 ? found : catalog_column_json(work, statement, 0, ret_document);
}

int store_catalog_get_item(struct store_catalog *catalog, enum store_catalog_kind kind,
	struct str scope, struct str name, json_t **ret_document, struct aws_error *error,
	struct err *err)
{
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	return catalog_read_end(&work, get_item(&work, kind, scope, name, ret_document));
}

static int list_items(struct catalog_work *work, enum store_catalog_kind kind, struct str scope,
	struct str after, size_t limit, json_t *list)
{
	sqlite3_stmt *statement;
	int result;

	if (catalog_statement(work,
		    scope.p ? "SELECT document FROM catalog_item WHERE kind = ?1 AND scope = ?2"
			      " AND name > ?3 ORDER BY name LIMIT ?4"
			    : "SELECT document FROM catalog_item WHERE kind = ?1 AND ?2 IS NULL"
			      " AND name > ?3 ORDER BY scope, name LIMIT ?4",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, kind);
	store_bind_str(statement, 2, scope);
	store_bind_str(statement, 3, after.p ? after : STR(""));
	store_bind_i64(statement, 4, (int64_t)limit);
	while ((result = catalog_step(work, statement)) > 0) {
		json_t *document;
		if (catalog_column_json(work, statement, 0, &document) < 0)
			return -1;
		json_array_append_new(list, document);
	}
	return result;
}

int store_catalog_list_items(struct store_catalog *catalog, enum store_catalog_kind kind,
	struct str scope, struct str after, size_t limit, json_t **ret_documents,
	struct aws_error *error, struct err *err)
{
	struct catalog_work work;

	if (catalog_read_begin(&work, catalog, error, err) < 0)
		return -1;
	json_t *list = json_array();
	int result = catalog_read_end(&work, list_items(&work, kind, scope, after, limit, list));
	if (result < 0)
		json_decref(list);
	else
		*ret_documents = list;
	return result;
}

static int delete_item(struct catalog_work *work, enum store_catalog_kind kind, struct str scope,
	struct str name, bool *ret_found)
{
	sqlite3_stmt *statement;
	int result;

	*ret_found = false;
	if (catalog_statement(work,
		    "DELETE FROM catalog_item WHERE kind = ?1 AND scope = ?2"
		    " AND (?3 IS NULL OR name = ?3) RETURNING name",
		    &statement) < 0)
		return -1;
	store_bind_i64(statement, 1, kind);
	store_bind_str(statement, 2, scope);
	store_bind_str(statement, 3, name);
	while ((result = catalog_step(work, statement)) > 0)
		*ret_found = true;
	return result;
}

int store_catalog_delete_item(struct store_catalog *catalog, enum store_catalog_kind kind,
	struct str scope, struct str name, bool *ret_found, struct aws_error *error,
	struct err *err)
{
	struct catalog_work work;

	if (catalog_write_begin(&work, catalog, error, err) < 0)
		return -1;
	return catalog_write_end(&work, delete_item(&work, kind, scope, name, ret_found));
}
