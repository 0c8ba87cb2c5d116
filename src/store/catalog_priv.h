/* catalog_priv: what the files of the catalog share. */
#pragma once

#include "store/catalog.h"

#include "base/clock.h"

struct store_catalog {
	struct store_database *database;
	char *id;
};

/* One call's way through the database. */
struct catalog_work {
	struct store_catalog *catalog;
	struct store_connection *connection;
	struct aws_error *error;
	struct err *err;
};

int catalog_read_begin(struct catalog_work *work, struct store_catalog *catalog,
	struct aws_error *error, struct err *err);
int catalog_read_end(struct catalog_work *work, int result); /* result */
int catalog_write_begin(struct catalog_work *work, struct store_catalog *catalog,
	struct aws_error *error, struct err *err);
int catalog_write_end(struct catalog_work *work, int result); /* commits when it is 0 */

int catalog_statement(struct catalog_work *work, const char *sql, sqlite3_stmt **ret_statement);
int catalog_step(struct catalog_work *work, sqlite3_stmt *statement); /* 1: row, 0: done */
void catalog_bind_json(sqlite3_stmt *statement, int index, const json_t *document);
/* The document in a column. */
int catalog_column_json(
	struct catalog_work *work, sqlite3_stmt *statement, int column, json_t **ret_document);

struct str catalog_text(const json_t *object, const char *name); /* STR_NONE: not there */
int64_t catalog_now_ms(void);
int catalog_no_database(struct aws_error *error, struct str name);
int catalog_no_table(struct aws_error *error, struct str name);
/* A name of a database, table or function, folded; NULL: InvalidInputException. */
char *catalog_fold_checked(struct str name, const char *what, struct aws_error *error);
/* Is there such a database? EntityNotFoundException. name is folded. */
int catalog_need_database(struct catalog_work *work, struct str name);

/* A row of catalog_table. */
struct catalog_table {
	int64_t id, version;
	char *database, *name; /* folded */
	json_t *document;
};
/* What AWS says of a StorageDescriptor that was not told it; clients rely on the numbers. storage
 * may be NULL. */
void catalog_complete_storage(json_t *storage);
int catalog_find_table(
	struct catalog_work *work, struct store_table_name name, struct catalog_table *ret_table);
void catalog_table_done(struct catalog_table *table);

/* The key of a partition's row: its values, each ended by NUL, so that keys are in the order of
 * values. InvalidInputException unless there are count strings. */
int catalog_partition_key(
	const json_t *values, size_t count, struct buf *ret_key, struct aws_error *error);
