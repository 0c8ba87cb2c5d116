/* athena: Amazon Athena (API reference; protocol awsJson1_1): statements over tables of the catalog
 * and objects of the server's own S3, run by a few threads, the rest waiting in order. Results are
 * objects, as Athena's. The caller's permissions are asked for each table and bucket. A query that
 * runs when the process ends is FAILED at the next start. */
#pragma once

#include "api/service.h"
#include "store/catalog.h"
#include "store/objects.h"
#include "store/queries.h"

struct athena;

struct athena_settings {
	struct store_catalog *catalog;
	struct store_objects *objects;
	struct store_queries *queries;
	const char *folder; /* for what does not fit memory, and files before they are objects */
	struct str region, account;
	unsigned running;         /* queries at once; 0: two */
	uint64_t memory_limit;    /* of one; 0: a quarter of the machine's */
	const char *cache_folder; /* of text that was read (query/athena_cache.h); NULL: none */
	uint64_t cache_limit;
	/* A Trino cluster over this server's catalog and objects, which runs SELECT and EXPLAIN in
	 * place of the engine here. Lent. */
	struct athena_trino {
		const char *url;                     /* NULL: none */
		const char *user, *catalog, *schema; /* NULL: nagare, awsdatacatalog, default */
	} trino;
};

extern const struct api_service api_athena;

int athena_start(
	struct athena **ret_athena, const struct athena_settings *settings, struct err *err);
void athena_stop(struct athena *athena); /* NULL is a no-op */
/* Counters for /metrics; context: struct athena. */
void athena_metrics(void *context, struct buf *lines);
