/* athena: what its files share. */
#pragma once

#include "base/duckdb.h"
#include "query/athena.h"
#include "query/athena_cache.h"
#include "query/trino.h"

#include <stdatomic.h>

#define ATHENA_TEXT_FUNCTION "nagare_athena_text"
#define ATHENA_NULL_KEY      "__HIVE_DEFAULT_PARTITION__" /* of Hive: the key is NULL */

/* One use of a table in a statement: what its WHERE asks, as trees of DuckDB's. */
struct athena_use {
	char *alias;       /* or the table's name */
	json_t *conjuncts; /* a list; NULL: everything is wanted */
};

/* A table that a statement names. */
struct athena_reference {
	char *database, *table; /* in lower case */
	size_t sql_at;          /* where it is named first */
	struct athena_use *uses;
	size_t uses_count;
};

struct athena_references {
	struct athena_reference *items;
	size_t count;
};

/* athena_tree.c: reads the statement's tree. Names without a database are of `database`. at: the
 * place in the SQL of a refusal. */
int athena_tree_read(const json_t *tree, struct str database, struct athena_references *references,
	size_t *ret_at, struct athena_failure *failure);
void athena_references_done(struct athena_references *references);
/* May it be done before all is read: a LIMIT of rows as they come? */
bool athena_tree_ends_early(const json_t *tree);
/* Are all columns that the tree names among the keys? *ret_any: does it name one? The copy names
 * them without their table. */
json_t *athena_tree_over_keys(const json_t *tree, const json_t *keys, const char *alias);

/* Files of a table, each with the values of its partition. */
struct athena_files {
	struct athena_files_item {
		char *path;
		uint64_t size;
		size_t partition;  /* index into values */
		char *name, *etag; /* as athena_file's; NULL: not cached */
		uint64_t inode;
		int64_t modified_ns;
		char *entry;         /* of the cache, which is read in its place */
		atomic_bool is_read; /* opened, or about to be */
		struct athena_cache_pin *pin;
	} * items;
	size_t count, room;
	json_t **values;                  /* lists of strings, one for a key */
	size_t values_count, values_room; /* a partition each */
	size_t pruned;                    /* partitions that the statement excludes */
	uint64_t bytes;
};
void athena_files_done(struct athena_files *files);

enum athena_format { ATHENA_TEXT, ATHENA_LINES, ATHENA_PARQUET, ATHENA_CSV };

/* A table as the text scan reads it. */
struct athena_text_column {
	char *name;
	duckdb_type type; /* BIGINT, INTEGER, VARCHAR */
};
struct athena_table {
	struct athena_engine *engine;
	char *database, *name;
	enum athena_format format;
	struct athena_files files;
	struct athena_text_column *columns; /* of the text, then the keys as text */
	size_t columns_count, keys_count;
	char delimiter, escape; /* escape 0: none */
	char *null_text;
	unsigned skip_lines;
	struct athena_reading *reading; /* of the cache; NULL: it has none of this table */
	size_t hits;                    /* files with an entry */
	int64_t found_ns;
};

struct athena_engine {
	duckdb_database database;
	duckdb_connection connection;
	char *temporary_folder;
	bool is_locked;

	struct athena_table **tables;
	size_t tables_count;
	struct buf views;   /* statements that make them */
	struct buf allowed; /* paths that DuckDB reads by itself */
	uint64_t scan_limit;
	struct athena_cache *cache;
	bool ends_early; /* athena_tree_ends_early */

	struct query_trino trino;
	/* Older names of columns that the statement has, and that views have for it: bit i is
	 * record_field_aliases[i]. */
	uint32_t aliases, aliases_added;
	char *text;
	duckdb_result result;
	struct athena_column *columns;
	struct athena_value_type **types;
	size_t columns_count;
	bool has_result;
	bool is_complete; /* all rows were computed */
	uint64_t rows;
	json_t *outputs;
	size_t partitions_count; /* tables of "TABLE$partitions" */
	_Atomic(uint64_t) scanned;
	atomic_bool interrupted;
	atomic_bool over_limit;
};

/* athena.c */
int athena_execute(struct athena_engine *engine, const char *sql, duckdb_result *ret_result,
	struct athena_failure *failure);
/* One text out of DuckDB, for a text into it. */
int athena_ask(struct athena_engine *engine, const char *sql, struct str argument,
	struct buf *ret_text, struct athena_failure *failure);
void athena_add_name(struct buf *buf, struct str name);
void athena_add_literal(struct buf *buf, struct str text);
/* The tree of one SELECT; places of failures are those of trino and text. */
json_t *athena_parse(struct athena_engine *engine, const struct query_trino *trino, struct str text,
	struct athena_failure *failure);
json_t *athena_load_tree(struct str text);
struct str athena_json_str(const json_t *value); /* "" when it is no string */

/* athena_schema.c: gives information_schema the name that it has here. */
void athena_schema_rename(struct query_trino *trino);
bool athena_schema_has(const struct athena_reference *reference);
int athena_schema_make(struct athena_engine *engine, const struct athena_query *query,
	const struct athena_reference *reference, struct athena_failure *failure);

/* The columns of what is going to be written. Failures have their places in the statement. */
int athena_describe(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure);

/* athena_output.c: runs the statement into files. */
int athena_output_run(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure);

/* athena_error.c: DuckDB's error, with its place. trino may be NULL. */
int athena_map_error(struct athena_engine *engine, const struct query_trino *trino, struct str text,
	const char *message, struct athena_failure *failure);

/* athena_words.c: what Trino has a sentence for; false: it has none. */
bool athena_reword(const struct athena_engine *engine, const char *exception, const char *text,
	struct athena_failure *failure);
/* athena_divide.c: the operators / and %. */
int athena_divide_register(struct athena_engine *engine, struct err *err);

/* athena_table.c: adds the view of a table to engine->views. */
int athena_table_make(struct athena_engine *engine, const struct athena_query *query,
	const struct athena_reference *reference, const json_t *table,
	struct athena_failure *failure);
void athena_table_free(struct athena_table *table);

/* athena_cached.c: what the cache has of the table's files, read by this SQL (athena_reading_new),
 * gets its entries. Afterwards the rest is what there is to read. */
void athena_cached_find(struct athena_engine *engine, struct athena_table *table,
	const char *select, const char *const reader[2], size_t columns);
/* What the statement did not find in the cache may be made, when the statement ran to its end; and
 * entries are given back. */
void athena_cached_done(struct athena_engine *engine, struct athena_table *table, bool is_wanted);

/* athena_files.c: the files of the partitions that the statement wants. */
int athena_files_find(struct athena_engine *engine, const struct athena_query *query,
	const struct athena_reference *reference, const json_t *table, struct athena_files *files,
	struct athena_failure *failure);
/* athena_files.c: a table memory.main.NAME (i BIGINT, k0 VARCHAR, ...) of the rows. */
int athena_make_rows(struct athena_engine *engine, const char *name, size_t keys,
	const json_t *rows, struct athena_failure *failure);
/* athena_projection.c: the partitions that a table's properties make, but for those that a key
 * alone excludes, as Partitions. */
int athena_project(struct athena_engine *engine, const struct athena_query *query,
	const struct athena_reference *reference, const json_t *table, json_t **ret_partitions,
	struct athena_failure *failure);
/* athena_discover.c: those of the combinations of lists (of values, one for each key) whose folders
 * are there; added to partitions. */
enum { ATHENA_NOT_UNDERSTOOD = 1 };
int athena_discover(struct athena_engine *engine, const struct athena_query *query,
	const json_t *table, const json_t *lists, json_t *partitions,
	struct athena_failure *failure);
/* athena_files.c: which of the rows (lists of one text a key) may the uses want? */
int athena_filter_keys(struct athena_engine *engine, const struct athena_reference *reference,
	const json_t *keys, const json_t *rows, bool *ret_wanted, struct athena_failure *failure);
struct str athena_property(const json_t *table, const char *name); /* of a table; STR_NONE */

/* athena_io.c: checks the statement and makes the plan of EXPLAIN (TYPE IO) the engine's result. */
int athena_io_start(struct athena_engine *engine, const struct athena_query *query,
	struct athena_failure *failure);

/* athena_aliases.c: vpc_flow_logs has AWS's older names of its columns where the statement uses
 * them;
 * '*' does not show them. */
void athena_aliases_find(struct athena_engine *engine, struct str text);
/* Further columns for the view of a table. */
void athena_aliases_add(struct athena_engine *engine, const struct athena_reference *reference,
	const json_t *columns, struct buf *sql);
/* The text with EXCLUDE lists; false: as it is. */
bool athena_aliases_exclude(struct athena_engine *engine, struct str text, struct buf *sql);

/* athena_text.c: registers ATHENA_TEXT_FUNCTION. */
int athena_text_register(struct athena_engine *engine, struct err *err);

/* athena_grok.c: a pattern of GrokSerDe with those of the table's own, one a line; the groups'
 * names in their order. False: it names one that is not known. *ret_names is set in any case. */
bool athena_grok(struct str format, struct str custom, struct buf *ret_regex, json_t **ret_names);

/* athena_value.c */
int athena_value_columns(
	struct athena_engine *engine, duckdb_result *result, struct athena_failure *failure);
int athena_value_describe(struct athena_engine *engine, duckdb_prepared_statement statement,
	struct athena_failure *failure);
void athena_value_done(struct athena_engine *engine);
void athena_value_rows(struct athena_engine *engine, duckdb_data_chunk chunk, struct buf *csv);
