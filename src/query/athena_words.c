/* DuckDB's sentences about values as Trino says them. */
#include "query/athena_priv.h"

#include <stdio.h>

static const struct {
	const char *duckdb, *trino, *cast;
} types[] = {{"INT8", "tinyint", "TINYINT"}, {"INT16", "smallint", "SMALLINT"},
	{"INT32", "integer", "INT"}, {"INT64", "bigint", "BIGINT"}, {"INT128", "bigint", "BIGINT"},
	{"DOUBLE", "double", "DOUBLE"}, {"FLOAT", "real", "REAL"}, {"BOOL", "boolean", "BOOLEAN"}};

static int find_type(const char *text)
{
	for (int i = 0; i < (int)ARRAY_SIZE(types); i++) {
		size_t n = strlen(types[i].duckdb);
		if (strncmp(text, types[i].duckdb, n) == 0 && (text[n] < '0' || text[n] > '9'))
			return i;
	}
	return -1;
}

/* "Overflow in addition of INT32 (1 + 2)!" */
static bool reword_overflow(const char *text, struct athena_failure *failure)
{
	const char *start = strstr(text, "Overflow in ");
	const char *of = start ? strstr(start, " of ") : NULL;
	const char *open = of ? strstr(of, " (") : NULL;
	const char *close = open ? strstr(open, ")!") : NULL;
	int type = close ? find_type(of + 4) : -1;

	if (type < 0)
		return false;
	start += strlen("Overflow in ");
	athena_fail(failure, "NUMERIC_VALUE_OUT_OF_RANGE", "%s %.*s overflow: %.*s",
		types[type].trino, (int)(of - start), start, (int)(close - open - 2), open + 2);
	return true;
}

/* "Could not convert string 'x' to INT32", "invalid date field format: "x", ..." and the like of
 * timestamps. */
static bool reword_text(const char *text, struct athena_failure *failure)
{
	const char *start = strstr(text, "Could not convert string '");
	const char *to = start ? strstr(start, "' to ") : NULL;
	int type = to ? find_type(to + 5) : -1;

	if (type >= 0) {
		start += strlen("Could not convert string '");
		athena_fail(failure, "INVALID_CAST_ARGUMENT", "Cannot cast '%.*s' to %s",
			(int)(to - start), start, types[type].cast);
		return true;
	}
	bool date = strstr(text, "invalid date field format: \"") != NULL;
	start = date ? strstr(text, "date field format: \"")
		     : strstr(text, "invalid timestamp field format: \"");
	const char *open = start ? strchr(start, '"') : NULL;
	const char *close = open ? strchr(open + 1, '"') : NULL;
	if (!close)
		return false;
	athena_fail(failure, "INVALID_CAST_ARGUMENT", "Value cannot be cast to %s: %.*s",
		date ? "date" : "timestamp", (int)(close - open - 1), open + 1);
	return true;
}

/* "Type INT32 with value 300 can't be cast because the value is out of range for the destination
 * type INT8" */
static bool reword_range(const char *text, struct athena_failure *failure)
{
	const char *value = strstr(text, " with value ");
	const char *end = value ? strstr(value, " can't be cast because") : NULL;
	const char *to = end ? strstr(end, "destination type ") : NULL;
	int type = to ? find_type(to + strlen("destination type ")) : -1;

	if (type < 0)
		return false;
	value += strlen(" with value ");
	athena_fail(failure, "NUMERIC_VALUE_OUT_OF_RANGE", "Out of range for %s: %.*s",
		types[type].trino, (int)(end - value), value);
	return true;
}

/* The file of a table that the text names. */
static const struct athena_files_item *find_file(
	const struct athena_engine *engine, const char *text)
{
	for (size_t t = 0; t < engine->tables_count; t++) {
		const struct athena_files *files = &engine->tables[t]->files;
		for (size_t i = 0; i < files->count; i++) {
			if (strstr(text, files->items[i].path))
				return &files->items[i];
		}
	}
	return NULL;
}

/* The text has paths of this machine, which are nobody's business. */
static bool reword_file(const struct athena_engine *engine, const char *exception, const char *text,
	struct athena_failure *failure)
{
	const struct athena_files_item *file = find_file(engine, text);
	const char *name = file ? strrchr(file->path, '/') : NULL;

	if (!file && strcmp(exception, "IO") != 0)
		return false;
	if (strstr(text, "No space left") || strstr(text, "ould not write file"))
		athena_fail(failure, "GENERIC_INTERNAL_ERROR",
			"No space left on the server's disk for what the query keeps there");
	else if (name && (strstr(text, "No such file") || strstr(text, "No files found")))
		athena_fail(failure, "HIVE_CANNOT_OPEN_SPLIT",
			"Error opening Hive split (offset=0, length=%llu): the object %s was "
			"deleted while the query ran",
			(unsigned long long)file->size, name + 1);
	else if (name)
		athena_fail(failure, "HIVE_BAD_DATA",
			"The object %s cannot be read as its table says", name + 1);
	else
		athena_fail(failure, "HIVE_CANNOT_OPEN_SPLIT", "Error opening Hive split");
	return true;
}

bool athena_reword(const struct athena_engine *engine, const char *exception, const char *text,
	struct athena_failure *failure)
{
	if (strstr(text, "ivision by zero")) {
		athena_fail(failure, "DIVISION_BY_ZERO", "Division by zero");
		return true;
	}
	if (strcmp(exception, "Out of Memory") == 0) {
		athena_fail(failure, "EXCEEDED_LOCAL_MEMORY_LIMIT", " ");
		snprintf(failure->message, sizeof(failure->message),
			"Query exhausted resources at this scale factor");
		return true;
	}
	return reword_overflow(text, failure) || reword_text(text, failure) ||
	       reword_range(text, failure) || reword_file(engine, exception, text, failure);
}
