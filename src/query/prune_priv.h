/* prune: which objects a statement can do without, by their keys alone.
 * A statement's conditions become cases: an object may hold a wanted record when one of them says
 * so. What is not understood excludes nothing. Keys say account, region and time where they have
 * AWS's layout (plain or Hive-compatible folders below AWSLogs/) or AWS's file names; others may
 * hold anything.
 * What keys promise (VPC guide, "Flow log files"): records whose end is in the five minutes, hour
 * or day that the name and the folders say; a record's start is at most PRUNE_START_SECONDS before
 * its end (the longest interval is 600 s, times are up to 60 s off). An object is taken to hold
 * records of the account and region that its key names.
 * Plain values, one owner; the functions are free of state. */
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define PRUNE_START_SECONDS 900
#define PRUNE_CASES_MAX     64 /* more are taken for "anything" */

/* Names of which one must be; not set: any. */
struct prune_names {
	bool is_set;
	char **names;
	size_t count;
};

/* Seconds since the epoch, both ends included. */
struct prune_range {
	double low, high;
};

/* All of it must hold. */
struct prune_case {
	struct prune_names accounts, regions;
	struct prune_range end, start;
};

struct prune {
	struct prune_case *cases; /* none: nothing is wanted */
	size_t count;
};

/* One case that wants everything. */
void prune_init(struct prune *prune);
void prune_done(struct prune *prune);
void prune_copy(struct prune *ret_prune, const struct prune *prune);
bool prune_is_everything(const struct prune *prune);
bool prune_equal(const struct prune *a, const struct prune *b);
/* Both, and either, of two; the second is emptied. */
void prune_and(struct prune *prune, struct prune *other);
void prune_or(struct prune *prune, struct prune *other);

/* key: of an object, or the path of a file. */
bool prune_may_match(const struct prune *prune, struct str key);
/* prefix: ends in '/'; may any key below it match? */
bool prune_may_match_below(const struct prune *prune, struct str prefix);

/* What a key says. */
struct prune_facts {
	struct str account, region; /* p is NULL: it does not say */
	struct str flow_log;        /* "fl-..." of the file name */
	bool is_other;              /* of another of AWS's services */
	bool has_hour;              /* the folders go down to an hour */
	int64_t low, high;          /* of end, seconds; INT64_MIN and INT64_MAX: it does not say */
};
void prune_read_key(struct str key, struct prune_facts *ret_facts);

/* Has the number that a time is, or the text that a name is, of an expression without columns,
 * given as SQL. False: it has none. */
struct prune_evaluator {
	bool (*number)(void *context, const char *sql, double *ret_number);
	bool (*text)(void *context, const char *sql, struct buf *ret_text);
	void *context;
};
/* The cases of a statement over vpc_flow_logs, of the tree that DuckDB's json_serialize_sql makes.
 * *ret_mentions: whether it reads that table at all; then only is *ret_prune not everything. */
void prune_read_tree(struct str tree, const struct prune_evaluator *evaluator,
	struct prune *ret_prune, bool *ret_mentions);
/* The part of a statement that json_serialize_sql can take (behind EXPLAIN, in COPY's brackets,
 * behind CREATE TABLE ... AS); empty when there is none. */
struct str prune_select_part(struct str statement);
