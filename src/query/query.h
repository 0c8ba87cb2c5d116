/* query: SQL over flow logs wherever they lie. DuckDB does the SQL; the table vpc_flow_logs is made
 * of text, gzip text and Parquet objects, mixed, read by record/reader and by DuckDB.
 * Columns: the 14 fields of version 2 and what else the objects have, by SQL name; fields that
 * nagare does not know are text columns at the end. A statement may use the column names of AWS's
 * older documents too (record_field_aliases); `*` does not show them.
 * Results come as a stream: rows are computed while they are printed.
 * A location s3://BUCKET/PREFIX is a prefix of keys at an S3 server. What lies there is listed when
 * a statement needs it, and only as far as the statement's conditions on end, start, account_id and
 * region let it matter (prune_priv.h); of files the same conditions keep objects from being read.
 * Owner: the caller; one thread a session; query_interrupt (a signal handler too) and
 * query_session_progress from any. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "record/format.h"

#include <stdbool.h>
#include <stdint.h>

#define QUERY_STATS_ERRORS 8

struct query_session;
struct query_result;

/* What query_run, query_result_print and query_session_refresh may return besides 0 and <0. */
enum query_outcome {
	QUERY_DONE,
	QUERY_INTERRUPTED, /* query_interrupt was called; what was printed so far is incomplete */
	QUERY_READER_GONE, /* nobody reads the other end of fd any more (EPIPE) */
};

/* Of locations s3://...; NULL: as aws/client.h and aws/credentials.h find them. Copied. */
struct query_s3_options {
	const char *endpoint, *profile, *region;
	bool no_sign_request; /* nothing is signed: public buckets */
	bool request_payer;   /* whoever asks pays */
};

struct query_options {
	const char *const *locations; /* files, folders, globs, bucket folders, s3://... */
	size_t locations_count;
	/* fields of text without a header line, NULL: the version 2 default; copied */
	const struct record_format *headerless;
	bool strict;           /* a bad line is an error */
	unsigned threads;      /* 0: one a core */
	uint64_t memory_limit; /* bytes, 0: DuckDB's default */
	/* Folder for copies of text objects as Parquet (cache_priv.h), NULL: no cache; and its most
	 * bytes. Whatever lists objects then also makes what is missing there. */
	const char *cache_folder;
	uint64_t cache_limit;
	struct query_s3_options s3;
};

/* table: for people; csv: RFC 4180; tsv: tabs, newlines and backslashes escaped by a backslash;
 * json: one array of objects; jsonl: one object a line. All but table are for programs: NULL is
 * empty in csv and tsv (an empty string is "" in csv), lists and structs are JSON in the JSONs. */
enum query_output { QUERY_TABLE, QUERY_CSV, QUERY_TSV, QUERY_JSON, QUERY_JSONL };

/* Lists the locations and defines vpc_flow_logs. A location without any flow log is an error. */
int query_session_open(
	struct query_session **ret_session, const struct query_options *options, struct err *err);
/* Lists the locations again, so that later statements see new objects and miss removed ones. No
 * result may be open. */
int query_session_refresh(struct query_session *session, struct err *err);
/* Locations at a server are not listed before a statement needs them. */
bool query_session_is_lazy(const struct query_session *session);
/* Objects that the last listing found; none yet where locations are at a server. */
size_t query_session_objects(const struct query_session *session);
/* Runs the statements in sql, separated by ';'. The last one's result is returned, to be printed in
 * this form (the form decides what DuckDB is asked for). Resets the stats. */
int query_run(struct query_session *session, struct str sql, enum query_output output,
	struct query_result **ret_result, struct err *err);
/* Writes the result to fd. On a terminal of terminal_columns (0: no limit) tables are cut to fit:
 * long texts end in "..." and rows that cannot fit are printed a field a line. A statement without
 * rows (SET, CREATE) prints nothing. */
int query_result_print(
	struct query_result *result, unsigned terminal_columns, int fd, struct err *err);
/* After printing: rows that the statement returned or changed; -1: it is of a kind without rows. */
int64_t query_result_rows(const struct query_result *result);
/* What reading text objects met since query_run: bad lines and the first few of them, and how much
 * was done. An object that a statement reads twice counts once. Complete once the result was
 * printed or freed. */
struct query_stats {
	uint64_t listed, pruned; /* objects, Parquet too; pruned: not opened for what their keys
				  * say, a folder that was not listed for that as one */
	uint64_t objects;        /* of text, that were read */
	uint64_t packed_bytes, bytes; /* as they lie there, and unpacked */
	uint64_t rows; /* good lines that the statement's conditions let through the scan */
	uint64_t lines, bad_lines;
	uint64_t unchecked;   /* of the lines: passed over, since a text that the conditions want is
			       * not in them; whether they are bad is not known */
	uint64_t bad_objects; /* with at least one bad line */
	unsigned errors;
	struct err error[QUERY_STATS_ERRORS];
	uint64_t requests, received; /* at servers; received: bytes of objects */
};
void query_session_stats(struct query_session *session, struct query_stats *ret_stats);
/* Of what is read at servers, for a progress bar; any thread, while a statement runs. False: there
 * is nothing of the kind, or rows have come: from then on they are what there is to see. */
struct query_progress {
	bool is_listing;
	uint64_t listed; /* keys so far */
	uint64_t objects, objects_all;
	uint64_t bytes, bytes_all;
};
bool query_session_progress(struct query_session *session, struct query_progress *ret_progress);
/* Called on the session's thread, once a query_run, when the first rows have come and before they
 * are printed. */
void query_session_on_rows(
	struct query_session *session, void (*on_rows)(void *context), void *context);
/* Ends the statement that runs, or the next one when none does, until the next query_run but one.
 * Only atomic stores: safe in signal handlers. */
void query_interrupt(struct query_session *session);
void query_result_free(struct query_result *result);
MEM_DEFINE_CLEANUP(struct query_result, query_result_free)
void query_session_close(struct query_session *session);
MEM_DEFINE_CLEANUP(struct query_session, query_session_close)

/* What one statement would read, without running it. pruned: objects that are not opened for what
 * their keys say, a folder that is not listed for that as one; of a catalog's table: partitions. */
struct query_cost {
	uint64_t objects, pruned, bytes;
};
/* Fails as the statement would before it reads. */
int query_session_cost(struct query_session *session, struct str statement,
	struct query_cost *ret_cost, struct err *err);
/* What Athena would charge for: whole megabytes (2^20), ten at least. */
uint64_t query_cost_charged(uint64_t bytes);
/* In US dollars, at five for a terabyte (2^40). */
double query_cost_dollars(uint64_t bytes);

/* Bytes of the first statement in sql with its ';' (one inside quotes or comments does not count);
 * 0 when sql holds no ended statement. */
size_t query_statement_length(struct str sql);
/* True when there is nothing but spaces, comments and semicolons. */
bool query_statement_is_empty(struct str sql);
