#include "store/queries.h"

enum { PRUNE_ONCE = 500 };

struct store_queries {
	struct store_database *database;
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS athena_item ("
	" place INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, scope TEXT NOT NULL,"
	" name TEXT NOT NULL, document TEXT NOT NULL, UNIQUE (kind, name, scope));"
	"CREATE INDEX IF NOT EXISTS athena_item_by_scope ON athena_item (kind, scope, place);";

int store_queries_open(
	struct store_queries **ret_queries, struct store_database *database, struct err *err)
{
	_cleanup_(store_queries_closep) struct store_queries *queries =
		mem_new(1, sizeof(*queries));

	queries->database = database;
	if (store_make_tables(database, schema, err) < 0)
		return -1;
	*ret_queries = take(queries);
	return 0;
}

void store_queries_close(struct store_queries *queries)
{
	free(queries);
}

static void bind(
	sqlite3_stmt *statement, enum store_query_kind kind, struct str name, struct str scope)
{
	store_bind_i64(statement, 1, kind);
	store_bind_str(statement, 2, name);
	store_bind_str(statement, 3, scope);
}

int store_queries_put(struct store_queries *queries, enum store_query_kind kind, struct str scope,
	struct str name, const json_t *document, struct err *err)
{
	struct store_connection *writer;
	sqlite3_stmt *statement;
	char *text = json_dumps(document, JSON_COMPACT);
	int r = -1;

	if (store_write_begin(queries->database, &writer, err) == 0) {
		r = store_statement(writer,
			"INSERT INTO athena_item (kind, name, scope, document) VALUES (?, ?, ?, ?)"
			" ON CONFLICT (kind, name, scope) DO UPDATE SET document = excluded.document",
			&statement, err);
		if (r == 0) {
			bind(statement, kind, name, scope);
			store_bind_str(statement, 4, str_from(text));
			r = store_step(statement, err);
		}
		r = store_write_end(writer, r, err);
	}
	free(text);
	return r;
}

static json_t *document_at(sqlite3_stmt *statement, int column)
{
	struct str text = store_column_str(statement, column);

	return json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
}

int store_queries_get(struct store_queries *queries, enum store_query_kind kind, struct str scope,
	struct str name, json_t **ret_document, struct err *err)
{
	struct store_connection *reader;
	sqlite3_stmt *statement;

	*ret_document = NULL;
	if (store_read_begin(queries->database, &reader, err) < 0)
		return -1;
	int r = store_statement(reader,
		"SELECT document FROM athena_item WHERE kind = ?1 AND name = ?2"
		" AND (?3 IS NULL OR scope = ?3)",
		&statement, err);
	if (r == 0) {
		bind(statement, kind, name, scope);
		r = store_step(statement, err);
		if (r > 0)
			*ret_document = document_at(statement, 0);
		sqlite3_reset(statement);
	}
	store_read_end(reader);
	return r < 0 ? -1 : 0;
}

int store_queries_delete(struct store_queries *queries, enum store_query_kind kind,
	struct str scope, struct str name, bool *ret_found, struct err *err)
{
	struct store_connection *writer;
	sqlite3_stmt *statement;

	if (store_write_begin(queries->database, &writer, err) < 0)
		return -1;
	int r = store_statement(writer,
		"DELETE FROM athena_item WHERE kind = ?1 AND name = ?2 AND (?3 IS NULL OR scope = ?3)"
		" RETURNING 1",
		&statement, err);
	if (r == 0) {
		bind(statement, kind, name, scope);
		r = store_step(statement, err);
		*ret_found = r > 0;
		while (r > 0)
			r = store_step(statement, err);
	}
	return store_write_end(writer, r, err);
}

int store_queries_list(struct store_queries *queries, enum store_query_kind kind, struct str scope,
	int64_t before, size_t limit, json_t **ret_list, struct err *err)
{
	struct store_connection *reader;
	sqlite3_stmt *statement;
	json_t *list = json_array();

	if (store_read_begin(queries->database, &reader, err) < 0) {
		json_decref(list);
		return -1;
	}
	int r = store_statement(reader,
		"SELECT place, document FROM athena_item WHERE kind = ?1"
		" AND (?2 IS NULL OR scope = ?2) AND (?3 = 0 OR place < ?3)"
		" ORDER BY place DESC LIMIT ?4",
		&statement, err);
	if (r == 0) {
		store_bind_i64(statement, 1, kind);
		store_bind_str(statement, 2, scope);
		store_bind_i64(statement, 3, before);
		store_bind_i64(statement, 4, (int64_t)limit);
		while ((r = store_step(statement, err)) > 0)
			json_array_append_new(
				list, json_pack("{s:I, s:o}", "Place",
					      (json_int_t)store_column_i64(statement, 0),
					      "Document", document_at(statement, 1)));
		sqlite3_reset(statement);
	}
	store_read_end(reader);
	if (r < 0)
		json_decref(list);
	else
		*ret_list = list;
	return r;
}

/* The next few; *ret_deleted tells how many. */
static int prune_some(struct store_queries *queries, enum store_query_kind kind, const char *path,
	int64_t before, size_t *ret_deleted, struct err *err)
{
	struct store_connection *writer;
	sqlite3_stmt *statement;

	*ret_deleted = 0;
	if (store_write_begin(queries->database, &writer, err) < 0)
		return -1;
	int r = store_statement(writer,
		"DELETE FROM athena_item WHERE place IN (SELECT place FROM athena_item"
		" WHERE kind = ?1 ORDER BY place LIMIT ?4) AND json_extract(document, ?2) < ?3"
		" RETURNING 1",
		&statement, err);
	if (r == 0) {
		store_bind_i64(statement, 1, kind);
		store_bind_str(statement, 2, str_from(path));
		store_bind_i64(statement, 3, before);
		store_bind_i64(statement, 4, PRUNE_ONCE);
		while ((r = store_step(statement, err)) > 0)
			++*ret_deleted;
		sqlite3_reset(statement);
	}
	return store_write_end(writer, r, err);
}

int store_queries_prune(struct store_queries *queries, enum store_query_kind kind, const char *path,
	int64_t before, struct err *err)
{
	size_t deleted = PRUNE_ONCE;
	int r = 0;

	while (r == 0 && deleted == PRUNE_ONCE)
		r = prune_some(queries, kind, path, before, &deleted, err);
	return r;
}
