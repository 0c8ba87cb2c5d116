/* log_documents: what CloudWatch Logs keeps beside groups and streams, as documents (JSON) in the
 * database: filters of a log group, query definitions, export tasks. A document has a kind, an
 * owner (the id of a log group, 0: the account) and a name.
 *
 * All threads may share the database. Blocks: on the disk. Promise: what put and delete have
 * returned 0 for is durable. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "store/database.h"

#include <jansson.h>
#include <stdint.h>

/* The table; once at the start. */
int store_log_documents_open(struct store_database *database, struct err *err);

struct store_log_document {
	struct str kind;
	int64_t owner;
	struct str name, text;
};
enum { STORE_LOG_DOCUMENTS_FULL = 1, STORE_LOG_DOCUMENT_NONE };
/* In the place of the one that is there. STORE_LOG_DOCUMENTS_FULL: the owner would have more than
 * max of the kind. */
int store_log_document_put(struct store_database *database,
	const struct store_log_document *document, size_t max, struct err *err);
/* The same within a transaction of the caller's, and without a bound. */
int store_log_document_write(struct store_connection *connection,
	const struct store_log_document *document, struct err *err);
/* text is not looked at. STORE_LOG_DOCUMENT_NONE: it is not there. */
int store_log_document_delete(struct store_database *database,
	const struct store_log_document *document, struct err *err);
/* What is there, new, or NULL; text is not looked at. */
int store_log_document_get(struct store_database *database,
	const struct store_log_document *document, json_t **ret_object, struct err *err);
/* All of the owner's, of every kind. */
int store_log_documents_forget(struct store_database *database, int64_t owner, struct err *err);
/* All of a kind in order of owner and name; strings are lent for the call. */
int store_log_documents_list(struct store_database *database, struct str kind,
	void (*visit)(void *context, const struct store_log_document *document), void *context,
	struct err *err);
