/* filter: the conditions of a statement that the scan can decide by itself.
 * DuckDB's C interface passes a table function no conditions, so they are read from DuckDB's own
 * parse tree of the statement: conjuncts of WHERE that compare a column of vpc_flow_logs with
 * constants. DuckDB applies the whole condition again, so that a filter may let through what it
 * likes, but must never drop a row that the statement would keep: it is made only where the
 * statement reads vpc_flow_logs in one place, and of what means here just what it means there. */
#pragma once

#include "query/session_priv.h"
#include "record/filter.h"

/* Shared, never changed. Columns are the session's. */
struct query_filter {
	atomic_uint users;
	struct record_filter filter;
};

/* What tree (json_serialize_sql's) lets the scan decide; NULL when nothing. */
struct query_filter *query_filter_from(const struct query_session *session, struct str tree);
/* NULL stays NULL. */
struct query_filter *query_filter_share(struct query_filter *filter);
void query_filter_free(struct query_filter *filter);
/* The test for one value that every row passes which the filter lets through; NULL when there is
 * none for the column. */
const struct record_test *query_filter_constant(const struct query_filter *filter, size_t column);
/* The same filter by the columns of an object: place[i] is where the session's column i is there,
 * or -1. Values are shared with the filter, which must outlive it. */
struct record_filter *query_filter_map(const struct query_filter *filter, const int *place);
void query_filter_unmap(struct record_filter *filter);
