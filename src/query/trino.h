/* trino: SQL as Athena takes it (engine version 3, which is Trino's dialect), rewritten for DuckDB.
 * Sources: Trino documentation, "Functions and operators" and "SQL statement syntax"; Athena user
 * guide, "SELECT".
 *
 * The author's text stays as it is but for what DuckDB calls otherwise: functions (trino.def),
 * the columns start and end without quotes (a courtesy: Athena wants them), types in CAST, lambdas,
 * UNNEST of several arrays or of maps, literals of IPADDRESS and IPPREFIX, the names of unnamed
 * results ("_col0"), dates with intervals, what is in a time zone, and the order of conditions. A
 * number with a point is a double, as in Athena. query_trino_prepare sets a connection up: integer
 * division, time zone UTC, nulls last, the types of addresses (address.h), and the functions that
 * DuckDB lacks.
 *
 * Owner: the caller; any thread. Time and memory are in proportion to the text, whose depth is
 * bounded. */
#pragma once

#include "base/buf.h"
#include "base/duckdb.h"
#include "base/err.h"
#include "base/str.h"

#define QUERY_TRINO_MAX   262144 /* bytes of a statement, as Athena */
#define QUERY_TRINO_DEPTH 200    /* of brackets */

struct query_trino {
	struct buf sql;
	/* Where pieces of sql come from, in order: what is at sql_at was at text_at. */
	struct query_trino_place {
		uint32_t sql_at, text_at;
	} * places;
	size_t places_count;
};

/* Settings, macros and functions; once a connection. */
int query_trino_prepare(duckdb_connection connection, struct err *err);
/* One statement of SELECT's kind, without ';'. Errors are ERR_USAGE, "line 1:8: what". *ret_trino
 * is set in any case and needs query_trino_done. */
int query_trino_rewrite(struct str text, struct query_trino *ret_trino, struct err *err);
void query_trino_done(struct query_trino *trino);
/* Line and column (from 1, in bytes) in the text of a place in sql. */
void query_trino_place(const struct query_trino *trino, struct str text, size_t sql_at,
	unsigned *ret_line, unsigned *ret_column);
