/* DuckDB's errors in Athena's words. With errors_as_json DuckDB tells kind, text and place; where
 * it has no kind of its own, the text decides. */
#include "query/athena_priv.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* AthenaError's categories: 1 the system's, 2 the user's. Types as far as AWS tells them. */
static const struct {
	const char *name;
	int category, type;
} names[] = {
	{"DIVISION_BY_ZERO", 2, 1001},
	{"TYPE_MISMATCH", 2, 1002},
	{"SYNTAX_ERROR", 2, 1006},
	{"COLUMN_NOT_FOUND", 2, 1006},
	{"CATALOG_NOT_FOUND", 2, 1006},
	{"INVALID_CAST_ARGUMENT", 2, 1100},
	{"NUMERIC_VALUE_OUT_OF_RANGE", 2, 1100},
	{"INVALID_PARAMETER_USAGE", 2, 1100},
	{"INVALID_FUNCTION_ARGUMENT", 2, 1106},
	{"TABLE_ALREADY_EXISTS", 2, 1110},
	{"NOT_SUPPORTED", 2, 1200},
	{"TABLE_NOT_FOUND", 2, 1301},
	{"SCHEMA_NOT_FOUND", 2, 1301},
	{"FUNCTION_NOT_FOUND", 2, 1303},
	{"GENERIC_INTERNAL_ERROR", 1, 1},
	{"HIVE_CANNOT_OPEN_SPLIT", 1, 1},
	{"EXCEEDED_LOCAL_MEMORY_LIMIT", 1, 1},
	{"HIVE_FILESYSTEM_ERROR", 2, 1},
	{"HIVE_BAD_DATA", 2, 1},
	{"FAILED", 1, 1003},
};

int athena_fail(struct athena_failure *failure, const char *name, const char *format, ...)
{
	va_list arguments;
	int n;

	*failure = (struct athena_failure){.category = 2, .type = 1006};
	snprintf(failure->name, sizeof(failure->name), "%s", name);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].name, name) == 0) {
			failure->category = names[i].category;
			failure->type = names[i].type;
		}
	}
	n = snprintf(failure->message, sizeof(failure->message), "%s%s", name, *name ? ": " : "");
	va_start(arguments, format);
	vsnprintf(failure->message + n, sizeof(failure->message) - (size_t)n, format, arguments);
	va_end(arguments);
	return -1;
}

/* What stands in the first quotes. */
static struct str quoted(const char *text)
{
	const char *start = strchr(text, '"');
	const char *end = start ? strchr(start + 1, '"') : NULL;

	return end ? (struct str){start + 1, (size_t)(end - start - 1)} : STR("");
}

/* "... Function with name nope does not exist!" */
static struct str after(const char *text, const char *what)
{
	const char *start = strstr(text, what);

	if (!start)
		return STR("");
	start += strlen(what);
	return (struct str){start, strcspn(start, " !\n")};
}

static const char *kind_of(const char *exception, const char *text)
{
	static const struct {
		const char *exception, *text, *name;
	} kinds[] = {
		{NULL, "zero", "DIVISION_BY_ZERO"},
		{"Parser", "", "SYNTAX_ERROR"},
		{"Conversion", "out of range", "NUMERIC_VALUE_OUT_OF_RANGE"},
		{"Conversion", "", "INVALID_CAST_ARGUMENT"},
		{"Out of Range", "", "NUMERIC_VALUE_OUT_OF_RANGE"},
		{"Out of Memory", "", "EXCEEDED_LOCAL_MEMORY_LIMIT"},
		{"Mismatch Type", "", "TYPE_MISMATCH"},
		{NULL, "Cannot compare values", "TYPE_MISMATCH"},
		{NULL, "Cannot mix values", "TYPE_MISMATCH"},
		{NULL, "an explicit cast is required", "TYPE_MISMATCH"},
		{"Binder", "No function matches", "FUNCTION_NOT_FOUND"},
		{"Binder", "Ambiguous reference", "AMBIGUOUS_NAME"},
		{"Binder", "", "SYNTAX_ERROR"},
		{"Catalog", "", "SYNTAX_ERROR"},
		{"Permission", "", "NOT_SUPPORTED"},
		{"Not implemented", "", "NOT_SUPPORTED"},
		{"IO", "", "HIVE_CANNOT_OPEN_SPLIT"},
		{"Invalid Input", "", "INVALID_FUNCTION_ARGUMENT"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if ((!kinds[i].exception || strcmp(kinds[i].exception, exception) == 0) &&
			strstr(text, kinds[i].text))
			return kinds[i].name;
	}
	return "GENERIC_INTERNAL_ERROR";
}

/* The sentence alone: no candidates, no drawing. */
static struct str sentence(const char *text)
{
	size_t n = strcspn(text, "\n");

	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	return (struct str){text, n};
}

static int fail_placed(
	const char *exception, const char *text, const char *place, struct athena_failure *failure)
{
	const char *function = "Function with name ";

	if (strstr(text, "Referenced column") || strstr(text, "does not have a column named") ||
		strstr(text, "Referenced table"))
		return athena_fail(failure, "COLUMN_NOT_FOUND",
			"%sColumn '%.*s' cannot be resolved or requester is not authorized to "
			"access requested resources",
			place, STR_ARG(quoted(text)));
	if (strstr(text, function)) {
		struct str name = after(text, function);
		return athena_fail(failure, "FUNCTION_NOT_FOUND",
			"%sFunction '%.*s' not registered", place, STR_ARG(name));
	}
	if (strstr(text, "must appear in the GROUP BY"))
		return athena_fail(failure, "EXPRESSION_NOT_AGGREGATE",
			"%s'%.*s' must be an aggregate expression or appear in GROUP BY clause",
			place, STR_ARG(quoted(text)));
	struct str said = sentence(text);
	return athena_fail(failure, kind_of(exception, text), "%s%.*s", place, STR_ARG(said));
}

int athena_map_error(struct athena_engine *engine, const struct query_trino *trino, struct str text,
	const char *message, struct athena_failure *failure)
{
	char place[64] = "";
	unsigned line, column;

	if (engine->interrupted)
		return athena_fail(failure, "", "Query cancelled by user");
	if (engine->over_limit)
		return athena_fail(failure, "", "Bytes scanned limit was exceeded");
	const char *start = message ? strchr(message, '{') : NULL;
	json_t *told = start ? json_loads(start, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	const char *said = json_string_value(json_object_get(told, "exception_message"));
	const char *exception = json_string_value(json_object_get(told, "exception_type"));
	const char *position = json_string_value(json_object_get(told, "position"));
	if (trino && position) {
		query_trino_place(trino, text, strtoul(position, NULL, 10), &line, &column);
		snprintf(place, sizeof(place), "line %u:%u: ", line, column);
	}
	const char *whole = said ? said : message ? message : "";
	if (athena_reword(engine, exception ? exception : "", whole, failure)) {
		json_decref(told);
		return -1;
	}
	int r = fail_placed(exception ? exception : "",
		said      ? said
		: message ? message
			  : "",
		place, failure);
	json_decref(told);
	return r;
}
