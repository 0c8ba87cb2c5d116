/* query_scan_priv: the scan of log groups, between query_scan.c (DuckDB's table function) and
 * query_columns.c (blocks that come as columns). */
#pragma once

#include "api/logs/queries_priv.h"

enum { SCAN_ROWS = 2048 }; /* at once */

/* The words of a line that are wanted, and the columns they are. */
struct scan_format {
	size_t count;
	uint8_t words[RECORD_FIELDS], columns[RECORD_FIELDS];
};

struct scan {
	struct log_query *query;
	const struct logs_groups *groups;
	int64_t shift_ms; /* so much earlier than the query's range */
	uint64_t most;    /* events of a part that does not count; 0: all */
	atomic_uint_fast64_t seen;
	atomic_uint users; /* DuckDB and its threads */
	size_t column_count;
	idx_t *columns; /* as DuckDB wants them: numbers of the function's columns */
	int words[LOGS_FORMATS_MAX][RECORD_FIELDS];   /* column wanted of each word; -1: none */
	struct scan_format formats[LOGS_FORMATS_MAX]; /* the same */
	size_t word_columns;                          /* that are wanted of words */
	bool needs_words;
	bool needs_text; /* messages, arrival or positions */
	char **logs;     /* "@log" of each group */
	pthread_mutex_t lock;
	struct store_log_scan **scans; /* of each group that has been come to; NULL: none */
	size_t opened;                 /* groups come to */
	struct err err;
	bool is_failed;
};

/* What the words of a block's column are in DuckDB. */
struct scan_words {
	duckdb_string_t *texts;
	int64_t *numbers;
	bool *are_null; /* of numbers */
	char *bytes;    /* of texts that are made, SCAN_ROWS of 16 bytes */
	size_t capacity;
};

/* Columns of few words are given to DuckDB as one value for many rows, which it groups and compares
 * once: rows come in the order of these columns' words. */
enum { SCAN_RUNS_MAX = 8, SCAN_RUN_COLUMNS = 3 };
struct scan_runs {
	size_t columns[SCAN_RUN_COLUMNS]; /* DuckDB's */
	size_t column_count;
	size_t counts[SCAN_RUNS_MAX]; /* rows of each combination of words */
	size_t run, at;               /* the next row: the run, and which of its rows */
	bool needs_order;             /* another column is wanted */
	uint32_t *order;              /* rows, run behind run */
	size_t capacity;
};

struct scan_thread {
	struct scan *scan;
	struct store_log_scan *blocks;
	size_t opened; /* groups that this thread has come to; blocks are of the last */
	struct store_log_held held;
	bool has_block, is_new; /* is_new: nothing of it was given out */
	size_t row;
	void **data;
	uint64_t **validity;
	struct scan_words *words; /* by column, of the block held as columns */
	struct scan_runs runs;
};

static inline void scan_set_string(duckdb_string_t *string, const char *p, size_t n)
{
	string->value.inlined.length = (uint32_t)n;
	if (n <= sizeof(string->value.inlined.inlined)) {
		memset(string->value.inlined.inlined, 0, sizeof(string->value.inlined.inlined));
		memcpy(string->value.inlined.inlined, p, n);
	} else {
		memcpy(string->value.pointer.prefix, p, sizeof(string->value.pointer.prefix));
		string->value.pointer.ptr = (char *)p;
	}
}

static inline void scan_set_null(struct scan_thread *thread, size_t column, size_t at)
{
	thread->validity[column][at / 64] &= ~(UINT64_C(1) << (at % 64));
}

/* As words of flow logs are read: not more than 18 digits. */
bool scan_parse_number(const char *p, size_t n, int64_t *ret_number);
/* Given out: counted, unless the scan is of a part. */
void scan_count_events(struct scan *scan, size_t count, size_t bytes);
bool scan_is_string(const struct scan *scan, size_t column);
/* Of the query's formats the one of lines with so many words; -1: none. begins_with_digit: do they?
 */
int scan_find_format(const struct scan *scan, size_t words, bool begins_with_digit);

/* query_columns.c: is all that the query wants in these columns? */
bool scan_takes_columns(void *scan, struct store_log_columns *columns);
/* The next rows, max at most, of the block that is held, from its columns. */
size_t scan_fill_columns(struct scan_thread *thread, duckdb_data_chunk chunk, size_t max);
void scan_words_done(struct scan_thread *thread);
