/* trino: results of a Trino cluster in Athena's forms. Source: Trino documentation, "Client
 * protocol", "Data types"; Athena user guide, "Query results". */
#pragma once

#include "api/athena/athena_priv.h"

/* ColumnInfo of a column of Trino's: {name, type}. */
json_t *athena_trino_column(const json_t *column);
/* A value as a field of Athena's CSV. type: Trino's name of it. */
void athena_trino_add_field(struct buf *csv, const json_t *value, struct str type);
