# The functions that duckdb.h declares, for duckdb.c.
s/^DUCKDB_C_API .*[ *]\(duckdb_[a-z0-9_]*\)(.*/DUCKDB_FUNCTION(\1)/p
