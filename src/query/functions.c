#include "query/functions.h"

#include "base/ip.h"
#include "base/mem.h"
#include "query/vector_priv.h"
#include "record/filter.h"

#include <stdio.h>

static void ip_version(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
	int32_t *versions = duckdb_vector_get_data(output);
	idx_t rows = duckdb_data_chunk_get_size(input);
	struct ip_addr addr;

	for (idx_t row = 0; row < rows; row++) {
		if (!vector_is_valid(texts, row) || !ip_parse(vector_text(texts, row), &addr))
			vector_set_null(output, row);
		else
			versions[row] = ip_is_v4(&addr) ? 4 : 6;
	}
}

static void fail(duckdb_function_info info, const char *what, struct str text)
{
	char message[160];

	snprintf(message, sizeof(message), "%s: %.*s", what, (int)(text.n < 80 ? text.n : 80),
		text.p);
	duckdb_scalar_function_set_error(info, message);
}

static void cidr_contains(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	duckdb_vector prefixes = duckdb_data_chunk_get_vector(input, 0);
	duckdb_vector texts = duckdb_data_chunk_get_vector(input, 1);
	bool *results = duckdb_vector_get_data(output);
	idx_t rows = duckdb_data_chunk_get_size(input);
	struct str last = STR_NONE; /* the prefix is the same in most rows */
	struct ip_prefix prefix = {.length = 0};

	for (idx_t row = 0; row < rows; row++) {
		struct ip_addr addr;
		if (!vector_is_valid(texts, row) || !vector_is_valid(prefixes, row)) {
			vector_set_null(output, row);
			continue;
		}
		struct str text = vector_text(prefixes, row);
		if (!last.p || !str_equal(text, last)) {
			if (!ip_prefix_parse(text, &prefix)) {
				fail(info, "not an address prefix such as 10.0.0.0/8", text);
				return;
			}
			last = text;
		}
		if (!ip_parse(vector_text(texts, row), &addr))
			vector_set_null(output, row);
		else
			results[row] = record_prefix_contains(&prefix, &addr);
	}
}

/* DuckDB's cardinality takes maps only and its len lists only. */
static void entries(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	duckdb_vector values = duckdb_data_chunk_get_vector(input, 0);
	duckdb_logical_type type = duckdb_vector_get_column_type(values);
	duckdb_type id = duckdb_get_type_id(type);
	int64_t *results = duckdb_vector_get_data(output);
	idx_t rows = duckdb_data_chunk_get_size(input);

	duckdb_destroy_logical_type(&type);
	if (id != DUCKDB_TYPE_LIST && id != DUCKDB_TYPE_MAP) {
		duckdb_scalar_function_set_error(info, "cardinality takes an array or a map");
		return;
	}
	const duckdb_list_entry *lists = duckdb_vector_get_data(values);
	for (idx_t row = 0; row < rows; row++) {
		if (vector_is_valid(values, row))
			results[row] = (int64_t)lists[row].length;
		else
			vector_set_null(output, row);
	}
}

struct function {
	const char *name;
	duckdb_type arguments[2]; /* INVALID: none */
	duckdb_type result;
	duckdb_scalar_function_t function;
};

static int add(duckdb_connection connection, const struct function *function, struct err *err)
{
	duckdb_scalar_function scalar = duckdb_create_scalar_function();
	duckdb_logical_type result = duckdb_create_logical_type(function->result);

	duckdb_scalar_function_set_name(scalar, function->name);
	for (size_t i = 0; i < 2 && function->arguments[i] != DUCKDB_TYPE_INVALID; i++) {
		duckdb_logical_type type = duckdb_create_logical_type(function->arguments[i]);
		duckdb_scalar_function_add_parameter(scalar, type);
		duckdb_destroy_logical_type(&type);
	}
	duckdb_scalar_function_set_return_type(scalar, result);
	duckdb_scalar_function_set_function(scalar, function->function);
	duckdb_state state = duckdb_register_scalar_function(connection, scalar);
	duckdb_destroy_logical_type(&result);
	duckdb_destroy_scalar_function(&scalar);
	if (state == DuckDBError)
		return err_set(
			err, ERR_SYSTEM, "DuckDB does not take the function %s", function->name);
	return 0;
}

int query_functions_register(duckdb_connection connection, struct err *err)
{
	static const struct function functions[] = {
		{"ip_version", {DUCKDB_TYPE_VARCHAR}, DUCKDB_TYPE_INTEGER, ip_version},
		{QUERY_PREFIX_FUNCTION, {DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR},
			DUCKDB_TYPE_BOOLEAN, cidr_contains},
		{"entries", {DUCKDB_TYPE_ANY}, DUCKDB_TYPE_BIGINT, entries},
	};

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (add(connection, &functions[i], err) < 0)
			return -1;
	}
	return 0;
}
