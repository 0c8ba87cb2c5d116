#include "store/objects_priv.h"

#include <stdio.h>

void row_read(sqlite3_stmt *statement, int column, struct row *ret_row)
{
	struct str version = store_column_str(statement, column + 3);
	const char *meta = sqlite3_column_blob(statement, column + 4);

	*ret_row = (struct row){
		.stamp = store_column_i64(statement, column),
		.size = store_column_i64(statement, column + 1),
		.flags = (unsigned)store_column_i64(statement, column + 2),
		.meta = {meta, (size_t)sqlite3_column_bytes(statement, column + 4)},
	};
	/* NULL, short, is "null": most objects' */
	snprintf(ret_row->version, sizeof(ret_row->version), "%.*s", version.p ? (int)version.n : 4,
		version.p ? version.p : "null");
}

static int one_row(sqlite3_stmt *statement, struct row *ret_row, struct err *err)
{
	int result = store_step(statement, err);

	if (result > 0)
		row_read(statement, 0, ret_row);
	return result;
}

static int key_statement(struct store_connection *connection, const char *sql, int64_t bucket,
	struct str key, sqlite3_stmt **ret_statement, struct err *err)
{
	if (store_statement(connection, sql, ret_statement, err) < 0)
		return -1;
	store_bind_i64(*ret_statement, 1, bucket);
	store_bind_str(*ret_statement, 2, key);
	return 0;
}

int row_latest(struct store_connection *connection, int64_t bucket, struct str key,
	struct row *ret_row, struct err *err)
{
	sqlite3_stmt *statement;

	if (key_statement(connection,
		    "SELECT " ROW_COLUMNS " FROM objects WHERE bucket = ? AND key = ?"
		    " ORDER BY stamp DESC LIMIT 1",
		    bucket, key, &statement, err) < 0)
		return -1;
	return one_row(statement, ret_row, err);
}

int row_version(struct store_connection *connection, int64_t bucket, struct str key,
	struct str version, struct row *ret_row, struct err *err)
{
	sqlite3_stmt *statement;
	int64_t stamp;

	if (str_equal(version, STR("null"))) {
		if (key_statement(connection,
			    "SELECT " ROW_COLUMNS " FROM objects WHERE bucket = ? AND key = ?"
			    " AND version IS NULL LIMIT 1",
			    bucket, key, &statement, err) < 0)
			return -1;
		return one_row(statement, ret_row, err);
	}
	if (!id_stamp(version, &stamp))
		return 0;
	if (key_statement(connection,
		    "SELECT " ROW_COLUMNS " FROM objects WHERE bucket = ? AND key = ?"
		    " AND stamp = ? AND version = ?",
		    bucket, key, &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 3, stamp);
	store_bind_str(statement, 4, version);
	return one_row(statement, ret_row, err);
}

int row_before(struct store_connection *connection, int64_t bucket, struct str key, int64_t stamp,
	struct row *ret_row, struct err *err)
{
	sqlite3_stmt *statement;

	if (key_statement(connection,
		    "SELECT " ROW_COLUMNS " FROM objects WHERE bucket = ? AND key = ?"
		    " AND stamp < ? ORDER BY stamp DESC LIMIT 1",
		    bucket, key, &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 3, stamp);
	return one_row(statement, ret_row, err);
}

int row_insert(struct store_connection *connection, int64_t bucket, struct str key,
	const struct row *row, struct str parts, struct err *err)
{
	sqlite3_stmt *statement;
	bool is_null = strcmp(row->version, "null") == 0;

	if (key_statement(connection, "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", bucket,
		    key, &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 3, row->stamp);
	store_bind_i64(statement, 4, row->size);
	store_bind_i64(statement, 5, row->flags);
	store_bind_str(statement, 6, is_null ? STR_NONE : str_from(row->version));
	sqlite3_bind_blob64(statement, 7, row->meta.p, row->meta.n, SQLITE_TRANSIENT);
	if (store_step(statement, err) < 0)
		return -1;
	if (parts.n == 0)
		return 0;
	if (store_statement(connection, "INSERT OR REPLACE INTO object_parts VALUES (?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, row->stamp);
	sqlite3_bind_blob64(statement, 2, parts.p, parts.n, SQLITE_TRANSIENT);
	return store_step(statement, err);
}

int row_delete(struct store_connection *connection, int64_t bucket, struct str key, int64_t stamp,
	struct err *err)
{
	sqlite3_stmt *statement;

	if (key_statement(connection,
		    "DELETE FROM objects WHERE bucket = ? AND key = ? AND stamp = ?", bucket, key,
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 3, stamp);
	if (store_step(statement, err) < 0)
		return -1;
	if (store_statement(
		    connection, "DELETE FROM object_parts WHERE stamp = ?", &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, stamp);
	return store_step(statement, err);
}

int row_object(
	const struct row *row, struct str key, struct store_object *ret_object, struct err *err)
{
	struct store_object object;
	size_t meta = row->meta.n;

	/* The key goes behind the meta, where meta_decode has left room. */
	if (!meta_decode(row->meta, &object, NULL, NULL))
		return err_set(err, ERR_INPUT, "the index row of %.*s is damaged", STR_ARG(key));
	object.key = (struct str){object.storage.p + meta, key.n};
	memcpy((char *)object.key.p, key.p, key.n);
	object.storage.n += key.n;
	*ret_object = object;
	return 0;
}
