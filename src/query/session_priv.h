/* session: what the files of the room share. Owner: session.c. */
#pragma once

#include "base/duckdb.h"
#include "query/cache_priv.h"
#include "query/locations_priv.h"
#include "query/query.h"
#include "record/format.h"

#include <pthread.h>
#include <stdatomic.h>

#define SESSION_TEXT_FUNCTION "nagare_flow_log_text"

/* Columns of an object as it names them; objects of a kind share one. */
struct query_shape {
	bool parquet;
	char *fingerprint; /* equal for equal columns */
	size_t count;
	struct query_shape_column {
		char *name;
		char *type; /* DuckDB's type in Parquet; NULL in text */
		int column; /* of the table, set by query_columns_make; -1: left out */
	} * source;
};

/* A column of vpc_flow_logs. */
struct query_column {
	char *name;
	int field; /* enum record_field, -1: unknown to nagare */
	enum record_type type;
	const char *sql_type;
};

struct query_text_stats {
	bool read;
	uint64_t lines, bad_lines, unchecked;
	uint64_t packed, bytes; /* as they were read, and unpacked */
	uint64_t rows;          /* that the filter let through */
};

struct query_kept_error {
	size_t object;
	struct err err;
};

struct query_filter;

struct query_session {
	duckdb_database database;
	duckdb_connection connection;
	char *temporary_folder;

	char **locations;
	size_t locations_count;
	bool strict;
	const struct record_format *headerless; /* NULL, or below */
	struct record_format headerless_copy;
	unsigned threads;

	struct query_cache *cache; /* NULL: none */
	struct query_objects objects;
	size_t *object_shape; /* per object: index into shapes */
	size_t *texts;        /* indexes of the text objects */
	size_t texts_count;
	struct query_shape **shapes;
	size_t shapes_count;
	struct query_column *columns;
	size_t columns_count;

	struct query_selection *selection; /* which of the objects the statement reads */

	uint32_t view_aliases; /* older names that the view has now */
	bool view_filtered;    /* it leaves out what session->filter does, of Parquet objects */
	bool view_unsure;      /* a transaction may bring back an older one */
	uint32_t kept_aliases; /* those that a CREATE statement relies on */

	/* names of SQL may no longer mean what they did: the scan gets no conditions */
	bool redefined;

	/* Of the statement that runs. */
	struct query_filter *filter; /* what its scans leave out, NULL: nothing */
	atomic_bool interrupted;
	atomic_bool has_rows; /* the result has begun to come */
	void (*on_rows)(void *context);
	void *on_rows_context;
	pthread_mutex_t lock; /* the rest is shared by DuckDB's threads */
	struct query_text_stats *text_stats;
	bool reads_cached; /* the statement may read objects from the cache */
	bool has_created;  /* a view or macro of an earlier statement may */
	struct query_kept_error errors[QUERY_STATS_ERRORS]; /* by object */
	unsigned errors_count;
	struct err failure; /* the first that ended a scan */
};

struct query_result {
	struct query_session *session;
	enum query_output output;
	duckdb_result result;
	size_t columns;
	struct query_result_column {
		char *name;
		duckdb_type type;
		bool json;            /* the text is JSON and goes out as it is */
		duckdb_type internal; /* of DECIMAL */
		uint8_t scale;
	} * column;
	bool has_rows; /* a kind of statement that returns rows */
	bool plan;     /* what EXPLAIN draws */
	int64_t rows;
};

/* shape.c: finds out the shapes of the objects whose object_shape is SIZE_MAX, and forgets shapes
 * that no object has any more. */
int query_shapes_find(struct query_session *session, struct err *err);
void query_shapes_free(struct query_session *session);
/* columns.c */
void query_columns_make(struct query_session *session);
void query_columns_free(struct query_session *session);
/* The column that an object's column of this name belongs to, -1 when none. */
int query_columns_find(const struct query_session *session, struct str name);
/* The older names that have a column: bit i is record_field_aliases[i]. */
uint32_t query_columns_aliases(const struct query_session *session);
/* The SELECT that makes vpc_flow_logs, with these older names as further columns; of Parquet
 * objects without rows that session->filter leaves out. */
void query_columns_view(const struct query_session *session, uint32_t aliases, struct buf *buf);
/* scan.c: registers SESSION_TEXT_FUNCTION. */
int query_scan_register(struct query_session *session, struct err *err);
/* message.c: DuckDB's message as one sentence and a hint. Always returns <0. */
int query_message(struct query_session *session, duckdb_error_type type, const char *message,
	struct err *err);
/* result.c: starts one statement; QUERY_INTERRUPTED possible. */
int query_result_start(struct query_result **ret_result, struct query_session *session,
	struct str sql, enum query_output output, struct err *err);
/* The next rows, NULL at the end; QUERY_INTERRUPTED possible. */
int query_result_next(struct query_result *result, duckdb_data_chunk *ret_chunk, struct err *err);
/* Computes what is left without looking at it. */
int query_result_finish(struct query_result *result, struct err *err);
/* session.c: lists the locations for the statement's conditions; and makes shapes, columns and view
 * of what is selected. */
int query_session_list(struct query_session *session, struct err *err);
int query_session_prepare(struct query_session *session, struct err *err);
/* session.c: runs a statement of our own. */
int query_execute(
	struct query_session *session, const char *sql, duckdb_result *ret_result, struct err *err);
/* Appends text as a quoted SQL literal, or as a quoted identifier. */
void query_add_literal(struct buf *buf, const char *text);
void query_add_identifier(struct buf *buf, const char *text);
