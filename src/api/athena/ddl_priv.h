/* ddl_priv: what statements on the catalog share. */
#pragma once

#include "api/athena/athena_priv.h"

struct doing {
	struct athena *athena;
	struct execution *execution;
	const struct ddl *ddl;
	struct str database;
	struct buf *text; /* rows: lines with tabs */
	json_t *columns;
	struct athena_failure *failure;
};

/* ---- ddl.c ---- */
int ddl_failed(const struct doing *doing, const struct aws_error *error);
int ddl_may(const struct doing *doing, const char *action, bool table);
struct store_table_name ddl_table_name(const struct doing *doing);
json_t *ddl_get_table(const struct doing *doing); /* NULL: failure says why */
/* KEY=VALUE... */
void ddl_add_spec(
	const struct doing *doing, const json_t *table, const json_t *values, const char *between);

/* ---- show.c ---- */
int ddl_show_partitions(const struct doing *doing);
int ddl_show_databases(const struct doing *doing);
int ddl_show_tables(const struct doing *doing);
int ddl_show_properties(const struct doing *doing);
int ddl_show_create_table(const struct doing *doing);
int ddl_show_create_view(const struct doing *doing);
int ddl_describe(const struct doing *doing);
