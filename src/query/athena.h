/* athena: one SELECT of Athena's SQL (trino.h) over tables of a catalog, run by a DuckDB of its own
 * that can reach nothing else.
 * Sources: Athena user guide, "Create tables", "Partition projection", "Supported SerDes and data
 * formats"; Glue API reference, Table.
 *
 * An engine is a DuckDB in memory with Athena's functions, opened ahead of time and used for one
 * query. The statement's tree is looked at before it runs: only SELECTs, only tables of the
 * catalog, no function that reads files or settings. Then the tables are made as views, each over
 * an explicit list of files: text by a scan of nagare's (athena_text.c), Parquet and quoted CSV by
 * DuckDB, whose access to anything but those files is off and whose configuration is locked.
 * Partitions come from the catalog or by projection, and those that the conditions of the statement
 * exclude are not listed.
 *
 * Owner: the caller; one thread at a time, but athena_interrupt from any. Blocks: on the disk.
 * Bounded: memory and threads by the options; partitions by ATHENA_PARTITIONS_MAX. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ATHENA_PARTITIONS_MAX 1000000
#define ATHENA_VIEW_DEPTH     16  /* of views that name views */
#define ATHENA_OUTPUTS_MAX    100 /* combinations of keys that one statement writes */

/* Why a query did not succeed, in Athena's words. */
struct athena_failure {
	char name[48];      /* COLUMN_NOT_FOUND; empty: interrupted */
	int category, type; /* AthenaError's ErrorCategory and ErrorType */
	char message[1024]; /* "COLUMN_NOT_FOUND: line 1:8: ..." */
};
/* Always negative. message is "NAME: " and the text. */
int athena_fail(struct athena_failure *failure, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

/* A file of a table. */
struct athena_file {
	const char *path;
	uint64_t size;
	/* What the cache knows it by; name (s3://BUCKET/KEY) NULL: it is not cached. */
	const char *name, *etag;
	uint64_t inode; /* of path */
	int64_t modified_ns;
};

enum athena_found { ATHENA_FOUND, ATHENA_NOT_FOUND };

/* Whose tables; calls come from the thread that runs the query. <0: failure says why. */
struct athena_source {
	void *context;
	/* Glue's Table, or ATHENA_NOT_FOUND; may refuse the caller. */
	int (*table)(void *context, struct str database, struct str table, json_t **ret_table,
		struct athena_failure *failure);
	/* A list of all Partitions of the table. */
	int (*partitions)(void *context, struct str database, struct str table,
		json_t **ret_partitions, struct athena_failure *failure);
	/* Names of all databases and all Tables of one, as lists; what the caller may not see is
	 * left out. NULL: there is no information_schema. */
	int (*databases)(void *context, json_t **ret_names, struct athena_failure *failure);
	int (*tables)(void *context, struct str database, json_t **ret_tables,
		struct athena_failure *failure);
	/* Names of the folders right below s3://BUCKET/PREFIX/. NULL: cannot. */
	int (*folders)(void *context, struct str location,
		int (*add)(void *adding, struct str name), void *adding,
		struct athena_failure *failure);
	/* Each object below s3://BUCKET/PREFIX. add fails: stop. */
	int (*files)(void *context, struct str location,
		int (*add)(void *adding, const struct athena_file *file), void *adding,
		struct athena_failure *failure);
};

struct athena_options {
	uint64_t memory_limit; /* bytes; 0: DuckDB's default */
	unsigned threads;      /* 0: two */
	const char *temporary_folder;
	struct athena_cache *cache; /* of text that was read, lent; NULL: none */
};

struct athena_engine;
int athena_engine_open(
	struct athena_engine **ret_engine, const struct athena_options *options, struct err *err);
void athena_engine_close(struct athena_engine *engine);
MEM_DEFINE_CLEANUP(struct athena_engine, athena_engine_close)

/* Does the text parse? failure's message is "line 1:8: ...". Any number of times. */
int athena_check(struct athena_engine *engine, struct str text, struct athena_failure *failure);

/* Rows into files, as Hive lays them out. */
enum athena_output_format { ATHENA_OUTPUT_PARQUET, ATHENA_OUTPUT_TEXT, ATHENA_OUTPUT_JSON };
struct athena_output {
	const char *folder; /* empty; files are made in it, by the engine's process alone */
	enum athena_output_format format;
	const char *compression; /* none, gzip, zstd; of Parquet snappy and lz4_raw too */
	char delimiter;          /* of text */
	const char *null_text;
	/* What the rows become, by their position: columns of a table and then its keys ({Name,
	 * Type}). NULL: what the SELECT gives. */
	const json_t *columns;
	const json_t *given; /* names of columns that the SELECT gives; NULL or empty: all */
	const json_t *keys;  /* names of the last columns: each combination has files of its own */
	bool without_data;   /* only the columns are found out */
};

struct athena_query {
	struct str text;     /* one statement of SELECT's kind */
	struct str database; /* of names without one */
	struct athena_source source;
	uint64_t scan_limit;                /* bytes; 0: none */
	const struct athena_output *output; /* NULL: rows are fetched */
	bool explain, analyze;
	bool only_checked; /* tables are found, nothing else is done */
	/* EXPLAIN (TYPE IO): nothing runs; the one row is Trino's document of the tables, to which
	 * objects, partitions and bytes are added. */
	bool io;
};

/* A column of the result, as ColumnInfo tells it. */
struct athena_column {
	char *name;
	const char *type; /* varchar, bigint, ... */
	int precision, scale;
	bool case_sensitive;
	char *hive_type; /* string, bigint, array<string>: of a table made of it */
};

/* Once for an engine. */
int athena_run(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure);
/* For who has another engine run it: the statement parses, names tables of the catalog only, and
 * the source lets its tables and files be read. Once for an engine, instead of athena_run. */
int athena_check_tables(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure);
void athena_set_scanned(struct athena_engine *engine, uint64_t bytes);
const struct athena_column *athena_columns(const struct athena_engine *engine, size_t *ret_count);
/* Some more rows as lines of Athena's CSV; *ret_rows 0: that was all. With output there is nothing
 * to fetch and athena_rows tells how many were written, athena_outputs where: a list of {Path,
 * Values: of the keys, "__HIVE_DEFAULT_PARTITION__" for NULL}, no file without rows. */
int athena_next(struct athena_engine *engine, struct buf *csv, size_t *ret_rows,
	struct athena_failure *failure);
uint64_t athena_rows(const struct athena_engine *engine);
const json_t *athena_outputs(const struct athena_engine *engine);
/* Bytes of the objects that were opened, so far. */
uint64_t athena_scanned(const struct athena_engine *engine);
/* After a failure: was it, or may it have been, the cache's? Then another engine should run the
 * query again, without what was damaged. */
bool athena_doubt(struct athena_engine *engine);
/* Ends what runs, soon. */
void athena_interrupt(struct athena_engine *engine);

/* DuckDB's name of a Hive type ("array<struct<a:int>>"); false: it is none. */
bool athena_hive_type(struct str type, struct buf *sql);
/* The SELECT of a view, and the database of its names; false: it is not one of Athena's. */
bool athena_view_sql(const json_t *table, struct buf *sql, struct buf *ret_schema);
/* Where a partition of these values lies by the table's projection; false: the table has no
 * projection with a template. */
bool athena_projected_place(struct buf *place, const json_t *table, const json_t *values);
/* A double, or a float, as Java writes it. */
void athena_add_real(struct buf *buf, double value, bool is_float);
/* A value as a field of Athena's CSV. */
void athena_add_csv(struct buf *csv, struct str value);
