/* Values must read as DuckDB's own cast to text: each expression is asked for beside its cast, and
 * what value.c makes of the first must equal what DuckDB made of it. The one difference is meant:
 * a DECIMAL without digits before the point is ".05" in DuckDB, which is no number in JSON. */
#include "query/print_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static duckdb_database database;
static duckdb_connection connection;

static const char *const expressions[] = {
	"true",
	"false",
	"(-128)::TINYINT",
	"127::TINYINT",
	"(-32768)::SMALLINT",
	"(-2147483648)::INTEGER",
	"(-9223372036854775808)::BIGINT",
	"9223372036854775807",
	"255::UTINYINT",
	"65535::USMALLINT",
	"4294967295::UINTEGER",
	"18446744073709551615::UBIGINT",
	"170141183460469231731687303715884105727::HUGEINT",
	"(-170141183460469231731687303715884105728)::HUGEINT",
	"340282366920938463463374607431768211455::UHUGEINT",
	"0::HUGEINT",
	"0.0::DOUBLE",
	"(-0.0)::DOUBLE",
	"1.0::DOUBLE",
	"0.1::DOUBLE",
	"(1/3)::DOUBLE",
	"(-2/3)::DOUBLE",
	"123456789.125::DOUBLE",
	"1e15::DOUBLE",
	"999999999999999.9::DOUBLE",
	"1e16::DOUBLE",
	"12345678901234567::DOUBLE",
	"1e20::DOUBLE",
	"1.5e300::DOUBLE",
	"0.001::DOUBLE",
	"0.0001::DOUBLE",
	"0.00012345::DOUBLE",
	"0.00001::DOUBLE",
	"1e-7::DOUBLE",
	"5e-324::DOUBLE",
	"1.5e-310::DOUBLE",
	"1e-45::FLOAT",
	"1.2e-40::FLOAT",
	"1.7976931348623157e308::DOUBLE",
	"'nan'::DOUBLE",
	"'inf'::DOUBLE",
	"'-inf'::DOUBLE",
	"0.1::FLOAT",
	"16777216::FLOAT",
	"3.4e38::FLOAT",
	"1e-10::FLOAT",
	"(1/3)::FLOAT",
	"1.5::DECIMAL(4,1)",
	"(-0.05)::DECIMAL(4,2)",
	"0::DECIMAL(9,3)",
	"12345.678::DECIMAL(9,3)",
	"(-123456789012.5)::DECIMAL(18,4)",
	"12345678901234567890123456789012345.678::DECIMAL(38,3)",
	"(-0.0000000000000000000000000000000000001)::DECIMAL(38,37)",
	"7::DECIMAL(5,0)",
	"DATE '2026-01-31'",
	"DATE '0001-01-01'",
	"DATE '0044-03-15 (BC)'",
	"DATE '12345-06-07'",
	"'infinity'::DATE",
	"'-infinity'::DATE",
	"TIMESTAMP '2026-01-31 12:34:56'",
	"TIMESTAMP '2026-01-31 12:34:56.789'",
	"TIMESTAMP '1969-12-31 23:59:59.000001'",
	"TIMESTAMP '0044-03-15 (BC) 01:02:03'",
	"'infinity'::TIMESTAMP",
	"''",
	"'short'",
	"'exactly12bts'",
	"'thirteen byte'",
	"'2001:db8:1234:a100:8d6e:3477:df66:f105'",
};

static void check(const char *expression, unsigned row)
{
	_cleanup_free_ char *sql = mem_printf(
		"SELECT x, CAST(x AS VARCHAR) FROM (SELECT CASE WHEN i = %u THEN %s END AS x, i "
		"FROM range(3) t(i)) ORDER BY i",
		row, expression);
	_cleanup_(query_result_freep) struct query_result *result = mem_new(1, sizeof(*result));
	_cleanup_buf_ struct buf expected = {0};
	_cleanup_buf_ struct buf buf = {0};
	struct print_vector vectors[2];

	if (duckdb_query(connection, sql, &result->result) != DuckDBSuccess)
		fail_msg("%s: %s", expression, duckdb_result_error(&result->result));
	result->columns = 2;
	result->column = mem_new(2, sizeof(*result->column));
	for (unsigned i = 0; i < 2; i++) {
		duckdb_logical_type type = duckdb_column_logical_type(&result->result, i);
		result->column[i].type = duckdb_get_type_id(type);
		if (result->column[i].type == DUCKDB_TYPE_DECIMAL) {
			result->column[i].internal = duckdb_decimal_internal_type(type);
			result->column[i].scale = duckdb_decimal_scale(type);
		}
		duckdb_destroy_logical_type(&type);
	}
	assert_true(query_print_knows(result->column[0].type));
	duckdb_data_chunk chunk = duckdb_fetch_chunk(result->result);
	assert_non_null(chunk);
	query_print_vectors(result, chunk, vectors);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(query_print_is_null(&vectors[0], i), i != row);
	query_print_value(&buf, &vectors[0], row);
	query_print_value(&expected, &vectors[1], row);
	if (!str_equal(buf_str(&buf), buf_str(&expected)))
		fail_msg("%s: expected '%s', found '%s'", expression, buf_text(&expected),
			buf_text(&buf));
	duckdb_destroy_data_chunk(&chunk);
}

static void values_read_as_duckdb_casts_them(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(expressions); i++)
		check(expressions[i], (unsigned)i % 3);
}

static void any_double_reads_as_duckdb_casts_it(void **state)
{
	uint64_t bits = 88172645463325252;

	for (unsigned i = 0; i < 300; i++) {
		double value;
		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&value, &bits, sizeof(value));
		/* every other one of a size that people meet */
		if (i % 2)
			value = (double)(int64_t)bits / 1e9 / (double)(1 << i % 16);
		_cleanup_free_ char *expression = mem_printf("'%.17g'::DOUBLE", value);
		if (value == value)
			check(expression, i % 3);
	}
}

static int open_database(void **state)
{
	return duckdb_library_load(NULL) < 0 || duckdb_open(NULL, &database) != DuckDBSuccess ||
	       duckdb_connect(database, &connection) != DuckDBSuccess;
}

static int close_database(void **state)
{
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_read_as_duckdb_casts_them),
		cmocka_unit_test(any_double_reads_as_duckdb_casts_it),
	};

	return cmocka_run_group_tests(tests, open_database, close_database);
}
