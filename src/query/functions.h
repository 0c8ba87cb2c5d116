/* functions: SQL functions of nagare's own, for every connection of a database:
 *   ip_version(VARCHAR) -> INTEGER              4 or 6; NULL: not an address
 *   ip_in_prefix(VARCHAR, VARCHAR) -> BOOLEAN   is the address in "10.0.0.0/8"; NULL: one of the
 * two is neither Blocks: no. */
#pragma once

#include "base/duckdb.h"

/* The scan takes conditions with this one. */
#define QUERY_PREFIX_FUNCTION "cidr_contains"

int query_functions_register(duckdb_connection connection, struct err *err);
