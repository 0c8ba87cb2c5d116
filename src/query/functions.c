#include "query/functions.h"

#include "base/ip.h"

static struct str text_at(duckdb_vector vector, idx_t row)
{
	duckdb_string_t *text = (duckdb_string_t *)duckdb_vector_get_data(vector) + row;

	return (struct str){duckdb_string_t_data(text), duckdb_string_t_length(*text)};
}

static bool is_valid(duckdb_vector vector, idx_t row)
{
	uint64_t *validity = duckdb_vector_get_validity(vector);

	return !validity || duckdb_validity_row_is_valid(validity, row);
}

static void set_null(duckdb_vector output, idx_t row)
{
	duckdb_vector_ensure_validity_writable(output);
	duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), row);
}

static void ip_version(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
	int32_t *versions = duckdb_vector_get_data(output);
	idx_t rows = duckdb_data_chunk_get_size(input);
	struct ip_addr addr;

	for (idx_t row = 0; row < rows; row++) {
		if (!is_valid(texts, row) || !ip_parse(text_at(texts, row), &addr))
			set_null(output, row);
		else
			versions[row] = ip_is_v4(&addr) ? 4 : 6;
	}
}

static void ip_in_prefix(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
	duckdb_vector prefixes = duckdb_data_chunk_get_vector(input, 1);
	bool *results = duckdb_vector_get_data(output);
	idx_t rows = duckdb_data_chunk_get_size(input);
	struct str last = STR_NONE; /* the prefix is the same in most rows */
	bool has_prefix = false;
	struct ip_prefix prefix = {.length = 0};

	for (idx_t row = 0; row < rows; row++) {
		struct ip_addr addr;
		if (!is_valid(texts, row) || !is_valid(prefixes, row)) {
			set_null(output, row);
			continue;
		}
		struct str text = text_at(prefixes, row);
		if (!last.p || !str_equal(text, last)) {
			has_prefix = ip_prefix_parse(text, &prefix);
			last = text;
		}
		if (!has_prefix || !ip_parse(text_at(texts, row), &addr))
			set_null(output, row);
		else
			results[row] = ip_prefix_contains(&prefix, &addr);
	}
}

static int add(duckdb_connection connection, const char *name, idx_t arguments, duckdb_type type,
	duckdb_scalar_function_t function, struct err *err)
{
	duckdb_scalar_function scalar = duckdb_create_scalar_function();
	duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
	duckdb_logical_type result = duckdb_create_logical_type(type);

	duckdb_scalar_function_set_name(scalar, name);
	for (idx_t i = 0; i < arguments; i++)
		duckdb_scalar_function_add_parameter(scalar, text);
	duckdb_scalar_function_set_return_type(scalar, result);
	duckdb_scalar_function_set_function(scalar, function);
	duckdb_state state = duckdb_register_scalar_function(connection, scalar);
	duckdb_destroy_logical_type(&text);
	duckdb_destroy_logical_type(&result);
	duckdb_destroy_scalar_function(&scalar);
	if (state == DuckDBError)
		return err_set(err, ERR_SYSTEM, "DuckDB does not take the function %s", name);
	return 0;
}

int query_functions_register(duckdb_connection connection, struct err *err)
{
	if (add(connection, "ip_version", 1, DUCKDB_TYPE_INTEGER, ip_version, err) < 0)
		return -1;
	return add(connection, "ip_in_prefix", 2, DUCKDB_TYPE_BOOLEAN, ip_in_prefix, err);
}
