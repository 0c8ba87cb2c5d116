/* / and % as Trino's: integers by zero are an error and not NULL, reals by zero are infinite or no
 * number, and NULL by zero is NULL. The operators are macros over the functions. */
#include "query/athena_priv.h"

#include <math.h>
#include <stdio.h>

static bool is_null(const uint64_t *validity, idx_t row)
{
	return validity && !duckdb_validity_row_is_valid((uint64_t *)validity, row);
}

static void fail_by_zero(duckdb_function_info info)
{
	duckdb_scalar_function_set_error(info, "Division by zero");
}

static void fail_of_overflow(duckdb_function_info info, const char *type, long long value)
{
	char message[128];

	snprintf(message, sizeof(message), "Overflow in division of %s (%lld / -1)!", type, value);
	duckdb_scalar_function_set_error(info, message);
}

/* For a type of integers: two functions over columns. */
#define DEFINE_INTEGER(name, type, type_name, least)                                               \
	static void name(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output, \
		bool is_modulo)                                                                    \
	{                                                                                          \
		duckdb_vector left = duckdb_data_chunk_get_vector(input, 0);                       \
		duckdb_vector right = duckdb_data_chunk_get_vector(input, 1);                      \
		const uint64_t *left_validity = duckdb_vector_get_validity(left);                  \
		const uint64_t *right_validity = duckdb_vector_get_validity(right);                \
		const type *a = duckdb_vector_get_data(left), *b = duckdb_vector_get_data(right);  \
		type *c = duckdb_vector_get_data(output);                                          \
		idx_t count = duckdb_data_chunk_get_size(input);                                   \
		for (idx_t i = 0; i < count; i++) {                                                \
			if (is_null(left_validity, i) || is_null(right_validity, i)) {             \
				duckdb_vector_ensure_validity_writable(output);                    \
				duckdb_validity_set_row_invalid(                                   \
					duckdb_vector_get_validity(output), i);                    \
				continue;                                                          \
			}                                                                          \
			if (b[i] == 0) {                                                           \
				fail_by_zero(info);                                                \
				return;                                                            \
			}                                                                          \
			if (b[i] == -1 && a[i] == (least) && !is_modulo) {                         \
				fail_of_overflow(info, type_name, (long long)a[i]);                \
				return;                                                            \
			}                                                                          \
			if (is_modulo)                                                             \
				c[i] = b[i] == -1 ? 0 : (type)(a[i] % b[i]);                       \
			else                                                                       \
				c[i] = (type)(a[i] / b[i]);                                        \
		}                                                                                  \
	}                                                                                          \
	static void name##_divide(                                                                 \
		duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)          \
	{                                                                                          \
		name(info, input, output, false);                                                  \
	}                                                                                          \
	static void name##_modulo(                                                                 \
		duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)          \
	{                                                                                          \
		name(info, input, output, true);                                                   \
	}

/* DuckDB's 128 bits lie at multiples of 8 bytes. */
typedef __int128 huge __attribute__((aligned(8)));

DEFINE_INTEGER(tiny, int8_t, "INT8", INT8_MIN)
DEFINE_INTEGER(small, int16_t, "INT16", INT16_MIN)
DEFINE_INTEGER(integer, int32_t, "INT32", INT32_MIN)
DEFINE_INTEGER(big, int64_t, "INT64", INT64_MIN)
DEFINE_INTEGER(hugeint, huge, "INT128", (huge)((unsigned __int128)1 << 127))

static void real(duckdb_data_chunk input, duckdb_vector output, bool is_modulo)
{
	duckdb_vector left = duckdb_data_chunk_get_vector(input, 0);
	duckdb_vector right = duckdb_data_chunk_get_vector(input, 1);
	const uint64_t *left_validity = duckdb_vector_get_validity(left);
	const uint64_t *right_validity = duckdb_vector_get_validity(right);
	const double *a = duckdb_vector_get_data(left), *b = duckdb_vector_get_data(right);
	double *c = duckdb_vector_get_data(output);

	for (idx_t i = 0; i < duckdb_data_chunk_get_size(input); i++) {
		if (is_null(left_validity, i) || is_null(right_validity, i)) {
			duckdb_vector_ensure_validity_writable(output);
			duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), i);
		} else if (is_modulo) {
			c[i] = fmod(a[i], b[i]);
		} else if (b[i] == 0) {
			c[i] = a[i] == 0 || isnan(a[i])             ? (double)NAN
			       : (a[i] > 0) == (signbit(b[i]) == 0) ? (double)INFINITY
								    : -(double)INFINITY;
		} else {
			c[i] = a[i] / b[i];
		}
	}
}

static void real_divide(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	real(input, output, false);
}

static void real_modulo(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	real(input, output, true);
}

static const struct {
	duckdb_type type;
	duckdb_scalar_function_t divide, modulo;
} types[] = {
	{DUCKDB_TYPE_TINYINT, tiny_divide, tiny_modulo},
	{DUCKDB_TYPE_SMALLINT, small_divide, small_modulo},
	{DUCKDB_TYPE_INTEGER, integer_divide, integer_modulo},
	{DUCKDB_TYPE_BIGINT, big_divide, big_modulo},
	{DUCKDB_TYPE_HUGEINT, hugeint_divide, hugeint_modulo},
	{DUCKDB_TYPE_DOUBLE, real_divide, real_modulo},
};

static bool add(duckdb_connection connection, const char *name, bool is_modulo)
{
	duckdb_scalar_function_set set = duckdb_create_scalar_function_set(name);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		duckdb_scalar_function function = duckdb_create_scalar_function();
		duckdb_logical_type type = duckdb_create_logical_type(types[i].type);
		duckdb_scalar_function_set_name(function, name);
		duckdb_scalar_function_add_parameter(function, type);
		duckdb_scalar_function_add_parameter(function, type);
		duckdb_scalar_function_set_return_type(function, type);
		duckdb_scalar_function_set_function(
			function, is_modulo ? types[i].modulo : types[i].divide);
		duckdb_add_scalar_function_to_set(set, function);
		duckdb_destroy_logical_type(&type);
		duckdb_destroy_scalar_function(&function);
	}
	bool ok = duckdb_register_scalar_function_set(connection, set) == DuckDBSuccess;
	duckdb_destroy_scalar_function_set(&set);
	return ok;
}

int athena_divide_register(struct athena_engine *engine, struct err *err)
{
	struct athena_failure failure;

	if (!add(engine->connection, "trino_divide", false) ||
		!add(engine->connection, "trino_modulo", true))
		return err_set(err, ERR_SYSTEM, "DuckDB refuses division");
	/* with integer_division the operator / is // */
	return athena_execute(engine,
		       "CREATE TEMP MACRO \"//\"(a, b) AS trino_divide(a, b); "
		       "CREATE TEMP MACRO \"%\"(a, b) AS trino_modulo(a, b); "
		       "CREATE TEMP MACRO mod(a, b) AS trino_modulo(a, b)",
		       NULL, &failure) < 0
		       ? err_set(err, ERR_SYSTEM, "%s", failure.message)
		       : 0;
}
