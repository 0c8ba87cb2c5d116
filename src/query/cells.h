/* cells: rows that another engine computed and sent as text, printed as those of a session are
 * (query_result_print). Numbers and booleans are known as such, everything else stays text.
 * Owner: the caller, longer than the results; one thread. Rows are kept in memory, and in $TMPDIR
 * or /var/tmp where they are too many for it. */
#pragma once

#include "base/str.h"
#include "query/query.h"

struct query_cells;

struct query_cells_column {
	const char *name;
	const char
		*type; /* of Athena's ColumnInfo: bigint, double, decimal, boolean, varchar, ... */
	int precision, scale; /* of a decimal */
};

int query_cells_new(struct query_cells **ret_cells, const struct query_cells_column *columns,
	size_t count, struct err *err);
/* One for each column; p NULL: NULL. */
int query_cells_add(struct query_cells *cells, const struct str *row, struct err *err);
/* What was added, once. is_plan: lines of an EXPLAIN, which tables show as they are. */
int query_cells_result(struct query_cells *cells, enum query_output output, bool is_plan,
	struct query_result **ret_result, struct err *err);
void query_cells_free(struct query_cells *cells);
MEM_DEFINE_CLEANUP(struct query_cells, query_cells_free)
