# The functions that duckdb.h declares, for duckdb.c; the name may stand on a line of its own.
s/^DUCKDB_C_API .*[ *]\(duckdb_[a-z0-9_]*\)(.*/DUCKDB_FUNCTION(\1)/p
/^DUCKDB_C_API [a-z_]*$/{n;s/^\(duckdb_[a-z0-9_]*\)(.*/DUCKDB_FUNCTION(\1)/p;}
