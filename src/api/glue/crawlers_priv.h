/* crawlers_priv: what crawlers are made of: schedules, classification of files, crawls, and the
 * thread that runs them. */
#pragma once

#include "api/glue/glue_priv.h"

#include <stdatomic.h>

/* ---- cron.c: cron(Minutes Hours Day-of-month Month Day-of-week Year), UTC ---- */

struct glue_cron {
	uint64_t minutes;                       /* bit n: minute n */
	uint32_t hours, days, months, weekdays; /* days from 1; months from 1; Sunday is bit 1 */
	bool years[2200 - 1970];
};
/* False: it is none. Fields: * ? , - / numbers, JAN..DEC, SUN..SAT; not L, W and #. One of the two
 * days must be ?. */
bool glue_cron_parse(struct str text, struct glue_cron *ret_cron);
/* The first minute behind `after` (Unix seconds) that it names; -1: none before 2200. */
int64_t glue_cron_next(const struct glue_cron *cron, int64_t after);

/* ---- classify.c: what a file is ---- */

enum glue_format { GLUE_FORMAT_UNKNOWN, GLUE_FORMAT_PARQUET, GLUE_FORMAT_TEXT };
struct glue_class {
	enum glue_format format;
	bool is_gzip, has_header;
	char delimiter;  /* of text */
	int64_t rows;    /* of Parquet; -1: unknown */
	json_t *columns; /* Name and Type */
};
void glue_class_done(struct glue_class *class);
/* By the first bytes of a text, unpacked. Flow logs are known by their header; else fields are
 * separated by one of , | tab ; and Ctrl-A in all lines alike. */
void glue_classify_text(struct str head, struct glue_class *ret_class);
/* A Parquet file's footer without its length and magic; false: damaged. */
bool glue_classify_footer(struct str footer, struct glue_class *ret_class);
/* Of an open file; UNKNOWN when it is nothing that is known. */
int glue_classify(int fd, int64_t size, struct glue_class *ret_class, struct err *err);
/* The type that has values of both. */
const char *glue_wider_type(const char *a, const char *b);

/* ---- crawl.c ---- */

struct glue_crawl {
	struct glue *glue;
	const json_t *crawler;
	const _Atomic(bool) *is_stopped;
	/* What it did; names are lists. */
	json_t *tables_added, *tables_updated, *tables_deleted;
	size_t partitions_added, partitions_updated, partitions_deleted;
	char message[512]; /* why it failed */
};
/* 0 done or stopped, <0 failed with a message. */
int glue_crawl_run(struct glue_crawl *crawl);
/* S3's path of a target; false: it is none. prefix ends with a slash or is empty. */
bool glue_parse_target(struct str path, struct str *ret_bucket, char **ret_prefix);
/* Does the pattern (*, **, ?, [], {}) exclude the key below the target? */
bool glue_is_excluded(struct str pattern, struct str key);

/* ---- crawls.c: the thread ---- */

int glue_crawls_start(struct glue *glue, struct err *err);
void glue_crawls_stop(struct glue *glue);
enum glue_crawler_state { GLUE_CRAWLER_READY, GLUE_CRAWLER_RUNNING, GLUE_CRAWLER_STOPPING };
/* started_ms: of one that is not ready. */
enum glue_crawler_state glue_crawler_state(
	struct glue *glue, struct str name, int64_t *ret_started_ms);
bool glue_crawler_begin(struct glue *glue, struct str name); /* false: it is not ready */
enum glue_crawler_state glue_crawler_end(struct glue *glue, struct str name); /* as it was */
/* While a crawler's document is read, changed and written. */
void glue_crawlers_lock(struct glue *glue);
void glue_crawlers_unlock(struct glue *glue);
