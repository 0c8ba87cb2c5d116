/* queries: what Athena keeps, in the database: workgroups, query executions, named queries,
 * prepared statements and tags, as documents of a kind with a name in a scope. All threads may
 * share a struct store_queries. Blocks: on the disk. Promise: what a call has returned 0 for is
 * durable. Documents that come in are borrowed; results are the caller's. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct store_queries;

enum store_query_kind {
	STORE_WORKGROUP,       /* scope "" */
	STORE_EXECUTION,       /* scope: workgroup */
	STORE_NAMED_QUERY,     /* scope: workgroup */
	STORE_PREPARED,        /* scope: workgroup */
	STORE_EXECUTION_TOKEN, /* scope "": client request token */
	STORE_QUERY_TAGS,      /* scope "": ARN */
};

int store_queries_open(
	struct store_queries **ret_queries, struct store_database *database, struct err *err);
void store_queries_close(struct store_queries *queries);
MEM_DEFINE_CLEANUP(struct store_queries, store_queries_close)

/* Replaces a document, which keeps its place in the order. */
int store_queries_put(struct store_queries *queries, enum store_query_kind kind, struct str scope,
	struct str name, const json_t *document, struct err *err);
/* *ret_document NULL: there is none. scope STR_NONE: any. */
int store_queries_get(struct store_queries *queries, enum store_query_kind kind, struct str scope,
	struct str name, json_t **ret_document, struct err *err);
int store_queries_delete(struct store_queries *queries, enum store_query_kind kind,
	struct str scope, struct str name, bool *ret_found, struct err *err);
/* Newest first, older than `before` (0: all); scope STR_NONE: all. A list of {Place, Document}:
 * Place is `before` of the next page. */
int store_queries_list(struct store_queries *queries, enum store_query_kind kind, struct str scope,
	int64_t before, size_t limit, json_t **ret_list, struct err *err);
/* Deletes documents of the kind, the oldest first, as long as the number at the path ("$.Time") is
 * less than `before`. */
int store_queries_prune(struct store_queries *queries, enum store_query_kind kind, const char *path,
	int64_t before, struct err *err);
