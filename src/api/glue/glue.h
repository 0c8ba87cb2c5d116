/* glue: the Data Catalog and crawlers of AWS Glue (API reference, 2017-03-31; awsJson1_1) over
 * store/catalog.h. The catalog is the account's own; resource links, federated databases and open
 * table formats made by the service are refused.
 *
 * At the start the table `vpc_flow_logs` of the database `default` is made, unless there is one:
 * Parquet in the bucket that `nagare up` records to, its partitions projected, so that it is always
 * current. AWS's guides call their tables by the same name: a table that is created elsewhere takes
 * its place. Crawlers look at the server's own buckets (store/objects.h), on a thread of the
 * service's own, one after the other, when they are started or their schedule says so. */
#pragma once

#include "api/service.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/catalog.h"
#include "store/objects.h"

struct glue;

struct glue_options {
	struct store_catalog *catalog; /* both outlive the service */
	struct store_objects *objects;
	struct str region, account;
};

/* Strings are copied. */
int glue_start(struct glue **ret_glue, const struct glue_options *options, struct err *err);
void glue_stop(struct glue *glue); /* ends the thread, and frees */
MEM_DEFINE_CLEANUP(struct glue, glue_stop)

/* Deletes the ready table where input, a TableInput, is to be a table of its name elsewhere. */
void glue_ready_table_give_way(
	struct store_catalog *catalog, struct str database, const json_t *input);

extern const struct api_service api_glue; /* context: the struct glue */
