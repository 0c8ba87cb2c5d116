#include "store/log_documents.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS log_documents (kind TEXT NOT NULL, owner INTEGER NOT NULL,"
	" name TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (kind, owner, name)) WITHOUT ROWID";

int store_log_documents_open(struct store_database *database, struct err *err)
{
	return store_make_tables(database, schema, err);
}

int store_log_document_write(struct store_connection *connection,
	const struct store_log_document *document, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    "INSERT INTO log_documents VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
		    " SET text = excluded.text",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, document->kind);
	store_bind_i64(statement, 2, document->owner);
	store_bind_str(statement, 3, document->name);
	store_bind_str(statement, 4, document->text);
	return store_step(statement, err);
}

static int check_count(struct store_connection *connection,
	const struct store_log_document *document, size_t max, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(connection,
		    "SELECT count(*) FROM log_documents WHERE kind = ? AND owner = ?", &statement,
		    err) < 0)
		return -1;
	store_bind_str(statement, 1, document->kind);
	store_bind_i64(statement, 2, document->owner);
	if (store_step(statement, err) < 0)
		return -1;
	return store_column_i64(statement, 0) > (int64_t)max ? STORE_LOG_DOCUMENTS_FULL : 0;
}

int store_log_document_put(struct store_database *database,
	const struct store_log_document *document, size_t max, struct err *err)
{
	struct store_connection *connection;

	if (store_write_begin(database, &connection, err) < 0)
		return -1;
	int result = store_log_document_write(connection, document, err);
	if (result == 0)
		result = check_count(connection, document, max, err);
	return store_write_end(connection, result, err);
}

int store_log_document_delete(
	struct store_database *database, const struct store_log_document *document, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;
	int changed = 0;

	if (store_write_begin(database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection,
		"DELETE FROM log_documents WHERE kind = ? AND owner = ? AND name = ?", &statement,
		err);
	if (result == 0) {
		store_bind_str(statement, 1, document->kind);
		store_bind_i64(statement, 2, document->owner);
		store_bind_str(statement, 3, document->name);
		result = store_step(statement, err);
		changed = sqlite3_changes(sqlite3_db_handle(statement));
	}
	result = store_write_end(connection, result, err);
	return result == 0 && !changed ? STORE_LOG_DOCUMENT_NONE : result;
}

int store_log_document_get(struct store_database *database,
	const struct store_log_document *document, json_t **ret_object, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	*ret_object = NULL;
	if (store_read_begin(database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection,
		"SELECT text FROM log_documents WHERE kind = ? AND owner = ? AND name = ?",
		&statement, err);
	if (result == 0) {
		store_bind_str(statement, 1, document->kind);
		store_bind_i64(statement, 2, document->owner);
		store_bind_str(statement, 3, document->name);
		result = store_step(statement, err);
	}
	if (result > 0) {
		struct str text = store_column_str(statement, 0);
		*ret_object = json_loadb(text.p, text.n, 0, NULL);
	}
	store_read_end(connection);
	return result < 0 ? -1 : 0;
}

int store_log_documents_forget(struct store_database *database, int64_t owner, struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_write_begin(database, &connection, err) < 0)
		return -1;
	int result = store_statement(
		connection, "DELETE FROM log_documents WHERE owner = ?", &statement, err);
	if (result == 0) {
		store_bind_i64(statement, 1, owner);
		result = store_step(statement, err);
	}
	return store_write_end(connection, result, err);
}

int store_log_documents_list(struct store_database *database, struct str kind,
	void (*visit)(void *context, const struct store_log_document *document), void *context,
	struct err *err)
{
	struct store_connection *connection;
	sqlite3_stmt *statement;

	if (store_read_begin(database, &connection, err) < 0)
		return -1;
	int result = store_statement(connection,
		"SELECT owner, name, text FROM log_documents WHERE kind = ? ORDER BY owner, name",
		&statement, err);
	if (result == 0)
		store_bind_str(statement, 1, kind);
	while (result == 0 && (result = store_step(statement, err)) > 0) {
		const struct store_log_document document = {.kind = kind,
			.owner = store_column_i64(statement, 0),
			.name = store_column_str(statement, 1),
			.text = store_column_str(statement, 2)};
		visit(context, &document);
		result = 0;
	}
	store_read_end(connection);
	return result;
}
