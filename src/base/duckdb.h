/* duckdb: DuckDB's library, loaded when it is first needed.
 * libduckdb is 60 MB, and linking it takes 10 ms and 11 MB of memory: processes that run no SQL do
 * without. The functions of duckdb.h are called as ever; each is a jump to the library's own.
 * Calling one before the library was loaded, or one that it does not have, aborts. Loaded once and
 * for the life of the process. Any thread; blocks on the file system. */
#pragma once

#include "base/err.h"

#include <duckdb.h>

int duckdb_library_load(struct err *err);
