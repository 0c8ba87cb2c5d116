/* athena_priv: what the files of the service share. */
#pragma once

#include "api/athena/athena.h"
#include "query/athena.h"
#include "query/athena_cache.h"
#include "query/ddl.h"
#include "store/identities.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ID_SIZE = 36, ROWS_MAX = 1000, PAGE_MAX = 50, REUSABLE = 1024 };

/* A query that waits or runs. Kept is what the store has of it:
 * {Execution: QueryExecution, Columns: ColumnInfo..., UpdateCount}. */
struct execution {
	struct execution *next;
	char id[ID_SIZE + 1];
	char *text, *database;
	struct ddl ddl; /* lends text */
	char *sql;      /* the SELECT inside with its parameters */
	json_t *kept;
	uint64_t scan_limit;
	int64_t reuse_ms; /* results of this age are taken; 0: none */
	struct store_caller *caller;
	char *peer;
	int64_t queued_ns, started_ns;
	struct athena_engine *engine; /* while it runs, under the lock */
	bool is_running, is_stopped, is_done, is_reused;
	unsigned users; /* the runner and those who look */
};

struct athena {
	struct athena_settings settings;
	struct athena_options options; /* of engines */
	struct athena_cache *cache;    /* NULL: none */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct execution *first; /* waiting and running, in order */
	pthread_t threads[16];
	unsigned threads_count;
	bool is_stopping;
	struct athena_engine *checker; /* parses, under check_lock */
	pthread_mutex_t check_lock;
	struct aws_policy *allow_all;
	int64_t pruned_ns; /* when old queries were last forgotten */
	struct athena_reusable {
		uint8_t digest[32]; /* of what was asked */
		char id[ID_SIZE + 1];
		int64_t done_ms; /* 0: nothing */
	} reusable[REUSABLE];
	size_t reusable_next;
};

static inline struct athena *athena_of(const struct api_call *call)
{
	return call->context;
}

/* ---- call.c ---- */
struct str athena_text(const json_t *object, const char *name); /* STR_NONE: not given */
int athena_refuse(struct aws_error *error, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));
void athena_id(char ret_id[static ID_SIZE + 1]);
int64_t athena_now_ms(void);
json_t *athena_json(struct str text);
/* s3://BUCKET/KEY. */
bool athena_split_location(struct str location, struct str *ret_bucket, struct str *ret_key);
/* A page: from token and MaxResults; ends with the token of the next one. */
int athena_page(const struct api_call *call, size_t most, int64_t *ret_before, size_t *ret_limit,
	struct aws_error *error);
/* Documents of a kind, newest first: a member of each under name (member NULL: the document). */
int athena_list(struct api_call *call, enum store_query_kind kind, struct str scope,
	const char *name, json_t *(*describe)(const json_t *document), struct aws_error *error);
/* The workgroup's document; NULL: there is none. */
json_t *athena_workgroup(struct athena *athena, struct str name, struct err *err);

/* ---- runner.c ---- */
int athena_runner_start(struct athena *athena, struct err *err);
void athena_runner_stop(struct athena *athena);
void athena_enqueue(struct athena *athena, struct execution *execution);
/* The document of a query, running or not; NULL: there is none. */
json_t *athena_kept(struct athena *athena, struct str id, struct err *err);
void athena_cancel(struct athena *athena, struct str id);
void execution_free(struct execution *execution);

int athena_store(struct athena *athena, const json_t *kept);

/* ---- execute.c: runs it; engine is fresh. ---- */
int athena_execute_statement(struct athena *athena, struct execution *execution,
	struct athena_engine *engine, struct athena_failure *failure);

struct work {
	struct athena *athena;
	struct execution *execution;
	struct athena_engine *engine;
	struct athena_failure *failure;
};
json_t *athena_document(const struct execution *execution);
struct str athena_output_of(const struct execution *execution);
struct str athena_database_of(const struct work *work); /* of what DDL names */
bool athena_table_exists(const struct work *work, json_t **ret_table);
/* What the store will have beside the document. */
void athena_keep(const struct work *work, json_t *columns, uint64_t updated);

/* ---- rows.c: rows into objects and tables ---- */
int athena_create_as(const struct work *work, struct athena_query *query);
int athena_insert(const struct work *work, struct athena_query *query);
int athena_unload(const struct work *work, struct athena_query *query);
/* Takes back the objects and the table of a query that did not end well. */
void athena_undo(struct athena *athena, const json_t *kept);

/* ---- trino.c: the same by a Trino cluster; engine has checked what the caller may read ---- */
bool athena_trino_runs(const struct athena *athena, const struct execution *execution);
int athena_trino_execute(struct athena *athena, struct execution *execution,
	struct athena_engine *engine, struct athena_failure *failure);

/* ---- ddl.c: statements on the catalog; rows become text ---- */
int athena_execute_ddl(struct athena *athena, struct execution *execution, struct buf *text,
	json_t *columns, struct athena_failure *failure);

/* ---- source.c ---- */
struct source {
	struct athena *athena;
	struct execution *execution;
};
struct athena_source athena_source_of(struct source *source);
/* May the execution's caller? failure says no. */
int athena_may(struct athena *athena, struct execution *execution, const char *action,
	struct str resource, struct athena_failure *failure);
int athena_may_table(struct athena *athena, struct execution *execution, const char *action,
	struct str database, struct str table, struct athena_failure *failure);
int athena_fail_aws(struct athena_failure *failure, const struct aws_error *error);

/* ---- output.c ---- */
int athena_put_object(struct athena *athena, struct execution *execution, struct str location,
	struct str bytes, struct athena_failure *failure);
int athena_put_draft(struct athena *athena, struct execution *execution, struct str location,
	struct store_draft *draft, struct athena_failure *failure);
int athena_put_file(struct athena *athena, struct execution *execution, struct str location,
	const char *path, struct athena_failure *failure);
json_t *athena_column(const char *name, const char *type, int precision, int scale, bool sensitive);
int athena_put_metadata(struct athena *athena, struct execution *execution, struct str location,
	const json_t *columns, struct athena_failure *failure);

/* ---- reuse.c ---- */
int64_t athena_reuse_age(const json_t *configuration); /* ResultReuseConfiguration */
/* Under the lock: one that succeeded. */
void athena_reuse_keep(struct athena *athena, const struct execution *execution);
/* *ret_reused: there was a result, which is the query's now. */
int athena_reuse(const struct work *work, struct athena_query *query, bool *ret_reused);

#define ATHENA_HANDLER(name) int name(struct api_call *call, struct aws_error *error)
ATHENA_HANDLER(athena_start_query);
ATHENA_HANDLER(athena_stop_query);
ATHENA_HANDLER(athena_get_query);
ATHENA_HANDLER(athena_batch_get_query);
ATHENA_HANDLER(athena_list_queries);
ATHENA_HANDLER(athena_get_statistics);
ATHENA_HANDLER(athena_get_results);
ATHENA_HANDLER(athena_create_group);
ATHENA_HANDLER(athena_get_group);
ATHENA_HANDLER(athena_update_group);
ATHENA_HANDLER(athena_delete_group);
ATHENA_HANDLER(athena_list_groups);
ATHENA_HANDLER(athena_create_named);
ATHENA_HANDLER(athena_get_named);
ATHENA_HANDLER(athena_batch_get_named);
ATHENA_HANDLER(athena_update_named);
ATHENA_HANDLER(athena_delete_named);
ATHENA_HANDLER(athena_list_named);
ATHENA_HANDLER(athena_create_prepared);
ATHENA_HANDLER(athena_get_prepared);
ATHENA_HANDLER(athena_batch_get_prepared);
ATHENA_HANDLER(athena_update_prepared);
ATHENA_HANDLER(athena_delete_prepared);
ATHENA_HANDLER(athena_list_prepared);
ATHENA_HANDLER(athena_list_catalogs);
ATHENA_HANDLER(athena_get_catalog);
ATHENA_HANDLER(athena_list_databases);
ATHENA_HANDLER(athena_get_database);
ATHENA_HANDLER(athena_list_tables);
ATHENA_HANDLER(athena_get_table);
ATHENA_HANDLER(athena_list_engines);
ATHENA_HANDLER(athena_tag);
ATHENA_HANDLER(athena_untag);
ATHENA_HANDLER(athena_list_tags);
