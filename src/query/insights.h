/* insights: the language of CloudWatch Logs Insights, translated to one SELECT of DuckDB. Source:
 * CloudWatch Logs user guide, "CloudWatch Logs Insights language query syntax" and the pages of its
 * commands and functions. SOURCE is taken and handed out. What is not supported (anomaly, lookup,
 * cidrlookup, relevantfields) is named in the error.
 *
 * Values of events have no types in Insights: here each expression is text, number, time or truth,
 * and text is made a number where one is asked for; what cannot be is missing. Lists and maps are
 * texts of JSON. A field that the events are not known to have is looked for in the message as
 * JSON, and in lines of Lambda's and Route 53's.
 *
 * Where AWS says nothing: pct interpolates; stddev is the sample's; rows of accum and the like are
 * in the order that they are shown in.
 *
 * Owner: the caller. Nothing blocks; any thread. Time and memory are bounded by the limits. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_INSIGHTS_MAX       10000 /* bytes of a query */
#define QUERY_INSIGHTS_LIMIT     10000 /* rows, where a query sets no limit */
#define QUERY_INSIGHTS_LIMIT_MAX 100000
#define QUERY_INSIGHTS_PARTS_MAX 8

/* TIME: milliseconds since 1970 as BIGINT. */
enum query_insights_type {
	QUERY_INSIGHTS_TEXT,
	QUERY_INSIGHTS_NUMBER,
	QUERY_INSIGHTS_TIME,
	QUERY_INSIGHTS_BOOLEAN,
};

/* A field that the events have besides the system's: its name in Insights, and what it is in SQL.
 */
struct query_insights_field {
	const char *name; /* "srcAddr" */
	const char *sql;  /* a column of the relation, quoted where need be */
	enum query_insights_type type;
};

/* The words of a line that Route 53 logs of a query for a public zone. */
#define QUERY_INSIGHTS_DNS_FIELDS 10
extern const char *const query_insights_dns_fields[QUERY_INSIGHTS_DNS_FIELDS];

/* "@aws.tag.KEY" of the events of a log group. */
struct query_insights_log_tag {
	char *log, *key, *value; /* log: as "@log" has it */
};

struct query_insights_source {
	/* What stands behind FROM. Has "@timestamp" and "@ingestionTime" (BIGINT, milliseconds),
	 * "@message", "@logStream", "@log" and "@ptr" (VARCHAR), and the columns of the fields. */
	const char *relation;
	const struct query_insights_field *fields;
	size_t fields_count;
	const struct query_insights_log_tag *tags;
	size_t tags_count;
	const char *region; /* "@aws.region"; NULL: none */
	bool has_json;      /* events without the fields may have them as JSON */
	int64_t now_ms;
	int64_t start_ms, end_ms; /* of the query's range */
	uint64_t limit;           /* of the request; 0: QUERY_INSIGHTS_LIMIT */
};

struct query_insights_column {
	char *name; /* as GetQueryResults tells it */
	enum query_insights_type type;
};

/* logGroupTags: of each number one must hold. "abc*" and "!abc" are patterns; NULL: any value. */
struct query_insights_tag {
	size_t number;
	char *key, *value;
};

struct query_insights_regex {
	char *sql;         /* a literal */
	size_t start, end; /* in the text of the query */
};

/* Log groups as of SOURCE; none: those of the whole. */
struct query_insights_part {
	char **groups;
	size_t groups_count;
};

struct query_insights {
	struct buf sql;
	struct query_insights_column *columns; /* of the SELECT, in order */
	size_t columns_count;
	bool reads_before; /* an earlier range too: "f(x, shift := MS)" for "f(x)" */
	bool is_aggregate; /* rows are no events; otherwise the last column is "@ptr" */
	char **groups;     /* of SOURCE: names, or prefixes with '*' behind; none: the request's */
	size_t groups_count;
	/* Of the whole: which of the groups are meant. */
	struct query_insights_tag *tags;
	size_t tags_count;
	char **data_sources; /* "amazon_vpc.flow" */
	size_t data_sources_count;
	/* What queries in the query read; the relation of part 1 is "f(x, part := 1)" for "f(x)".
	 */
	struct query_insights_part *parts;
	size_t parts_count;
	/* Regular expressions, for whoever can say whether DuckDB takes them. */
	struct query_insights_regex *regexes;
	size_t regexes_count;
	size_t error_start, error_end; /* bytes of the text that are wrong, where it is refused */
};

/* Errors are ERR_USAGE with line and column and what was expected. *ret_insights is set in any case
 * and needs query_insights_done. */
int query_insights_translate(struct str text, const struct query_insights_source *source,
	struct query_insights *ret_insights, struct err *err);
void query_insights_done(struct query_insights *insights);
/* "2026-11-25 10:00:00.000" of a TIME, as Insights prints it; returns the place behind it (room for
 * 32). */
char *query_insights_write_time(char *p, int64_t time_ms);
