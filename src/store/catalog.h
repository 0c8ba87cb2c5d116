/* catalog: Glue's Data Catalog in the database: databases, tables with their versions, partitions,
 * column statistics, and small documents beside them (functions, partition indexes, tags,
 * crawlers). Source: AWS Glue API reference, "Catalog API"; names and codes follow it.
 *
 * Documents are jansson objects with Glue's members, times in milliseconds: what goes in has the
 * members of DatabaseInput, TableInput and PartitionInput, what comes out those of Database, Table
 * and Partition. Names of databases, tables and functions are folded to lower case here, as Glue
 * does; those of columns are kept. A table is found by database and name.
 *
 * All threads may share a struct store_catalog. Blocks: on the disk. Promise: what a call has
 * returned 0 for is durable and whole. What a caller can do wrong comes back in struct aws_error
 * with Glue's codes (EntityNotFoundException, AlreadyExistsException, InvalidInputException,
 * ConcurrentModificationException, ResourceNumberLimitExceededException, VersionMismatchException);
 * inner failures are InternalError, and err tells what happened. Strings and documents that come in
 * are borrowed for the call; results are the caller's. */
#pragma once

#include "aws/error.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define STORE_CATALOG_NAME_MAX   255 /* bytes of a name */
#define STORE_PARTITION_KEYS_MAX 100

struct store_catalog;

/* id is the account's, which is the catalog's name. Makes the database `default` when it is not
 * there. database outlives the catalog. */
int store_catalog_open(struct store_catalog **ret_catalog, struct store_database *database,
	struct str id, struct err *err);
void store_catalog_close(struct store_catalog *catalog);
MEM_DEFINE_CLEANUP(struct store_catalog, store_catalog_close)

/* The name as the catalog has it, in lower case; free it. */
char *store_catalog_fold(struct str name);

/* ---- databases ---- */

int store_catalog_create_database(struct store_catalog *catalog, const json_t *input,
	struct aws_error *error, struct err *err);
int store_catalog_get_database(struct store_catalog *catalog, struct str name,
	json_t **ret_database, struct aws_error *error, struct err *err);
/* In order of names, behind `after`, at most limit; a list. */
int store_catalog_list_databases(struct store_catalog *catalog, struct str after, size_t limit,
	json_t **ret_databases, struct aws_error *error, struct err *err);
int store_catalog_update_database(struct store_catalog *catalog, struct str name,
	const json_t *input, struct aws_error *error, struct err *err);
/* Its tables and functions go with it. */
int store_catalog_delete_database(
	struct store_catalog *catalog, struct str name, struct aws_error *error, struct err *err);

/* ---- tables ---- */

struct store_table_name {
	struct str database, table;
};

/* created_by: an ARN, may be empty. */
int store_catalog_create_table(struct store_catalog *catalog, struct str database,
	const json_t *input, struct str created_by, struct aws_error *error, struct err *err);
int store_catalog_get_table(struct store_catalog *catalog, struct store_table_name name,
	json_t **ret_table, struct aws_error *error, struct err *err);
/* As the lists of databases. */
int store_catalog_list_tables(struct store_catalog *catalog, struct str database, struct str after,
	size_t limit, json_t **ret_tables, struct aws_error *error, struct err *err);
/* input's Name says which table; its other members take the place of the table's. With version not
 * empty: ConcurrentModificationException unless that is the table's version now. The former version
 * stays readable unless skip_archive. */
int store_catalog_update_table(struct store_catalog *catalog, struct str database,
	const json_t *input, bool skip_archive, struct str version, struct aws_error *error,
	struct err *err);
/* Its versions, partitions, statistics and indexes go with it. */
int store_catalog_delete_table(struct store_catalog *catalog, struct store_table_name name,
	struct aws_error *error, struct err *err);

/* A version is an object {Table, VersionId}; newest first, below version `before` (<0: all).
 * version empty: the newest. */
int store_catalog_list_versions(struct store_catalog *catalog, struct store_table_name name,
	int64_t before, size_t limit, json_t **ret_versions, struct aws_error *error,
	struct err *err);
int store_catalog_get_version(struct store_catalog *catalog, struct store_table_name name,
	struct str version, json_t **ret_version, struct aws_error *error, struct err *err);
/* Not the newest. */
int store_catalog_delete_version(struct store_catalog *catalog, struct store_table_name name,
	struct str version, struct aws_error *error, struct err *err);

/* ---- partitions ---- */

/* inputs: a list of PartitionInput. One transaction. With errors (a list): what cannot be made is
 * told there as PartitionError and the others are made; NULL: the first that cannot is the error,
 * and none is made. */
int store_catalog_create_partitions(struct store_catalog *catalog, struct store_table_name name,
	const json_t *inputs, json_t *errors, struct aws_error *error, struct err *err);
/* values: a list of strings, one for each partition key. */
int store_catalog_get_partition(struct store_catalog *catalog, struct store_table_name name,
	const json_t *values, json_t **ret_partition, struct aws_error *error, struct err *err);
/* entries: a list of {PartitionValueList, PartitionInput}; the input's Values may be others. errors
 * as for create, with {PartitionValueList, ErrorDetail}. */
int store_catalog_update_partitions(struct store_catalog *catalog, struct store_table_name name,
	const json_t *entries, json_t *errors, struct aws_error *error, struct err *err);
/* list: of lists of values. errors as for create. */
int store_catalog_delete_partitions(struct store_catalog *catalog, struct store_table_name name,
	const json_t *list, json_t *errors, struct aws_error *error, struct err *err);

struct store_partition_query {
	struct str expression; /* store/catalog_expression.h; empty: all */
	struct str after;      /* what the former page's ret_next gave; empty: from the start */
	unsigned segment, segments; /* the segment-th of so many parts; 0 segments: all */
	size_t limit;
	bool without_columns; /* leaves StorageDescriptor.Columns out */
};
/* In order of values. ret_next (zeroed) is empty when there is no more; it may hold any bytes. */
int store_catalog_list_partitions(struct store_catalog *catalog, struct store_table_name name,
	const struct store_partition_query *query, json_t **ret_partitions, struct buf *ret_next,
	struct aws_error *error, struct err *err);

/* ---- statistics ---- */

/* values NULL: the table's own; else a partition's. list: of ColumnStatistics. */
int store_catalog_put_statistics(struct store_catalog *catalog, struct store_table_name name,
	const json_t *values, const json_t *list, struct aws_error *error, struct err *err);
/* columns: names; those without statistics are added to missing (a list). */
int store_catalog_get_statistics(struct store_catalog *catalog, struct store_table_name name,
	const json_t *values, const json_t *columns, json_t **ret_list, json_t *missing,
	struct aws_error *error, struct err *err);
int store_catalog_delete_statistics(struct store_catalog *catalog, struct store_table_name name,
	const json_t *values, struct str column, struct aws_error *error, struct err *err);

/* ---- items: documents of a kind, in a scope, with a name ---- */

enum store_catalog_kind {
	STORE_CATALOG_FUNCTION, /* scope: database */
	STORE_CATALOG_INDEX,    /* scope: DATABASE/TABLE */
	STORE_CATALOG_TAGS,     /* scope "", name: ARN */
	STORE_CATALOG_CRAWLER,  /* scope "" */
	STORE_CATALOG_CRAWL,    /* scope: crawler */
};
/* Replaces. */
int store_catalog_put_item(struct store_catalog *catalog, enum store_catalog_kind kind,
	struct str scope, struct str name, const json_t *document, struct aws_error *error,
	struct err *err);
/* NULL when it is not there. */
int store_catalog_get_item(struct store_catalog *catalog, enum store_catalog_kind kind,
	struct str scope, struct str name, json_t **ret_document, struct aws_error *error,
	struct err *err);
/* Documents in order of names, behind `after`; scope STR_NONE: all scopes, by scope then name, and
 * `after` must be empty. */
int store_catalog_list_items(struct store_catalog *catalog, enum store_catalog_kind kind,
	struct str scope, struct str after, size_t limit, json_t **ret_documents,
	struct aws_error *error, struct err *err);
/* name STR_NONE: all of the scope. *ret_found: was there one? */
int store_catalog_delete_item(struct store_catalog *catalog, enum store_catalog_kind kind,
	struct str scope, struct str name, bool *ret_found, struct aws_error *error,
	struct err *err);
