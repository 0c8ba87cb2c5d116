/* Files are read back with the reader of DuckDB, which follows the format on its own; the bits of
 * the hybrid encoding are Encodings.md's example. */
#include "record/parquet_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/dictionary.h"
#include "base/duckdb.h"
#include "record/parquet_priv.h"

static char folder[] = "/tmp/nagare-parquet-file-test-XXXXXX";
static char *path;
static duckdb_database database;
static duckdb_connection connection;

static int start(void **state)
{
	struct err err = ERR_INIT;

	if (duckdb_library_load(&err) < 0 || !mkdtemp(folder))
		return -1;
	path = mem_printf("%s/a.parquet", folder);
	return duckdb_open(NULL, &database) == DuckDBSuccess &&
			       duckdb_connect(database, &connection) == DuckDBSuccess
		       ? 0
		       : -1;
}

static int stop(void **state)
{
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	unlink(path);
	free(path);
	return rmdir(folder);
}

/* The result of a query ("$" is the file), rows by ';', columns by ','. */
static void check_query(const char *sql, const char *expected)
{
	_cleanup_buf_ struct buf query = {0};
	_cleanup_buf_ struct buf found = {0};
	duckdb_result result;

	for (; *sql; sql++) {
		if (*sql == '$')
			buf_printf(&query, "'%s'", path);
		else
			buf_add_char(&query, *sql);
	}
	if (duckdb_query(connection, buf_text(&query), &result) != DuckDBSuccess)
		fail_msg("%s", duckdb_result_error(&result));
	for (idx_t row = 0; row < duckdb_row_count(&result); row++) {
		for (idx_t i = 0; i < duckdb_column_count(&result); i++) {
			char *value = duckdb_value_varchar(&result, i, row);
			buf_add_str(&found, i ? STR(",") : row ? STR(";") : STR(""));
			buf_add_text(&found, value ? value : "NULL");
			duckdb_free(value);
		}
	}
	assert_string_equal(buf_text(&found), expected);
	duckdb_destroy_result(&result);
}

/* Column "n" of numbers and "t" of texts, rows in groups of group_rows. */
static void write_file(enum record_type type, const int64_t *numbers, const struct str *texts,
	uint32_t rows, uint32_t group_rows)
{
	const struct record_parquet_column columns[] = {
		{STR("n"), type, false},
		{STR("t"), RECORD_TYPE_STRING, true},
	};
	const unsigned sorted[] = {0};
	struct record_parquet_group group = {0};
	struct dictionary dictionary = {0};
	uint32_t *index = mem_new(group_rows + 1, sizeof(*index));
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct record_parquet_encoder *encoder = record_parquet_encoder_new(columns, 2, 1);
	struct record_parquet_file *file = record_parquet_file_new(fd, path, columns, 2, sorted, 1);
	struct err err = ERR_INIT;

	for (uint32_t from = 0; from < rows; from += group_rows) {
		uint32_t n = rows - from < group_rows ? rows - from : group_rows;
		dictionary_clear(&dictionary);
		for (uint32_t i = 0; i < n; i++)
			index[i] = texts[from + i].p ? dictionary_add(&dictionary, texts[from + i])
						     : RECORD_PARQUET_NULL_INDEX;
		struct record_parquet_values values[] = {
			{.numbers = numbers + from},
			{.texts = dictionary.texts,
				.texts_count = dictionary.count,
				.index = index},
		};
		record_parquet_encoder_start(encoder, n, &group);
		for (int i = 0; i < 2; i++)
			assert_int_equal(record_parquet_encoder_add(encoder, &values[i], &err), 0);
		assert_int_equal(record_parquet_file_add(file, &group, &err), 0);
	}
	record_parquet_file_note(file, STR("made"), STR("by a test"));
	assert_int_equal(record_parquet_file_finish(file, &err), 0);
	assert_int_equal(record_parquet_file_rows(file), rows);
	assert_int_equal(record_parquet_file_bytes(file), lseek(fd, 0, SEEK_END));
	record_parquet_file_free(file);
	record_parquet_encoder_free(encoder);
	record_parquet_group_done(&group);
	dictionary_done(&dictionary);
	free(index);
	close(fd);
}

static uint64_t random_state = 1;
static uint32_t random_below(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % n);
}

/* Rows of many shapes: what DuckDB reads is what was written, row by row. */
static void check_rows(enum record_type type, uint32_t rows, uint32_t group_rows, uint32_t domain,
	uint32_t nulls, uint32_t run)
{
	int64_t *numbers = mem_new(rows + 1, sizeof(*numbers));
	struct str *texts = mem_new(rows + 1, sizeof(*texts));
	char(*bytes)[32] = mem_new(rows + 1, sizeof(*bytes));
	duckdb_result result;
	uint64_t row = 0;

	for (uint32_t i = 0; i < rows; i++) {
		bool again = i && run && random_below(run);
		uint32_t value = random_below(domain);
		numbers[i] = again ? numbers[i - 1]
				   : (int64_t)value * (type == RECORD_TYPE_INT64 ? 4000000007 : 1);
		int n = snprintf(bytes[i], sizeof(bytes[i]), "%u.%u", value, value);
		texts[i] = again ? texts[i - 1] : (struct str){bytes[i], (size_t)n};
		if (nulls && random_below(nulls) == 0)
			numbers[i] = RECORD_PARQUET_NULL_NUMBER;
		if (nulls && random_below(nulls) == 0)
			texts[i] = STR_NONE;
	}
	write_file(type, numbers, texts, rows, group_rows);
	_cleanup_free_ char *sql = mem_printf("SELECT n::BIGINT, t FROM '%s'", path);
	assert_int_equal(duckdb_query(connection, sql, &result), DuckDBSuccess);
	for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(result));
		duckdb_destroy_data_chunk(&chunk)) {
		duckdb_vector n = duckdb_data_chunk_get_vector(chunk, 0);
		duckdb_vector t = duckdb_data_chunk_get_vector(chunk, 1);
		const int64_t *found = duckdb_vector_get_data(n);
		duckdb_string_t *text = duckdb_vector_get_data(t);
		for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++, row++) {
			bool valid = duckdb_validity_row_is_valid(duckdb_vector_get_validity(n), i);
			assert_int_equal(valid, numbers[row] != RECORD_PARQUET_NULL_NUMBER);
			assert_true(!valid || found[i] == numbers[row]);
			valid = duckdb_validity_row_is_valid(duckdb_vector_get_validity(t), i);
			assert_int_equal(valid, texts[row].p != NULL);
			assert_true(!valid || str_equal((struct str){duckdb_string_t_data(&text[i]),
								duckdb_string_t_length(text[i])},
						      texts[row]));
		}
	}
	assert_int_equal(row, rows);
	duckdb_destroy_result(&result);
	free(numbers);
	free(texts);
	free(bytes);
}

static void test_rows(void **state)
{
	for (int type = RECORD_TYPE_INT32; type <= RECORD_TYPE_INT64; type++) {
		check_rows(type, 1, 10, 1, 0, 0);
		check_rows(type, 7, 10, 2, 2, 0);
		check_rows(type, 1000, 333, 1, 0, 0);
		check_rows(type, 5000, 5000, 1, 3, 0);
		check_rows(type, 100000, 40000, 5, 0, 20);
		check_rows(type, 100000, 100000, 200, 7, 9);
		check_rows(type, 200000, 150000, 70000, 0, 3);
		check_rows(type, 200000, 200000, 1u << 31, 5, 0);
		check_rows(type, 70000, 70000, 1u << 31, 70000, 100);
	}
}

static void test_nothing(void **state)
{
	int64_t numbers[] = {RECORD_PARQUET_NULL_NUMBER, RECORD_PARQUET_NULL_NUMBER};
	struct str texts[] = {STR_NONE, STR_NONE};

	write_file(RECORD_TYPE_INT64, numbers, texts, 0, 10);
	check_query("SELECT count(*) FROM $", "0");
	write_file(RECORD_TYPE_INT64, numbers, texts, 2, 10);
	check_query("FROM $", "NULL,NULL;NULL,NULL");
	check_query(
		"SELECT stats_null_count, stats_min_value, bloom_filter_length FROM parquet_metadata($)",
		"2,NULL,NULL;2,NULL,NULL");
}

/* parquet.thrift's names for what AWS's files hold, order of rows, notes. DuckDB prints the width
 * of a number as the character that it is. */
static void test_metadata(void **state)
{
	int64_t numbers[] = {3, 4, 5, RECORD_PARQUET_NULL_NUMBER};
	struct str texts[] = {STR("b"), STR("-"), STR("\xc3\xbc"), STR("b")};

	write_file(RECORD_TYPE_INT32, numbers, texts, 4, 3);
	check_query(
		"SELECT name, type, repetition_type, converted_type, logical_type FROM parquet_schema($)",
		"flow_log,NULL,NULL,NULL,NULL;"
		"n,INT32,OPTIONAL,INT_32,IntType(bitWidth= , isSigned=1);"
		"t,BYTE_ARRAY,OPTIONAL,UTF8,StringType()");
	check_query(
		"SELECT row_group_num_rows, path_in_schema, stats_min_value, stats_max_value, stats_null_count, stats_distinct_count, min_is_exact, max_is_exact, compression FROM parquet_metadata($)",
		"3,n,3,5,0,NULL,true,true,ZSTD;3,t,-,\xc3\xbc,0,3,true,true,ZSTD;"
		"1,n,NULL,NULL,1,NULL,NULL,NULL,ZSTD;1,t,b,b,0,1,true,true,ZSTD");
	check_query("SELECT key::VARCHAR, value::VARCHAR FROM parquet_kv_metadata($)",
		"made,by a test");
	check_query(
		"SELECT created_by, num_rows, num_row_groups, format_version FROM parquet_file_metadata($)",
		"nagare version " NAGARE_VERSION ",4,2,1");
}

/* A long text is cut as a bound: the bound stays one. */
static void test_long_bounds(void **state)
{
	_cleanup_buf_ struct buf low = {0}, high = {0}, wide = {0};
	int64_t numbers[] = {1, 2};

	for (int i = 0; i < 40; i++) {
		buf_add_text(&low, "a\xc3\xa4");
		buf_add_text(&high, "y~");
		buf_add_text(&wide, "\xf0\x9f\x98\x80");
	}
	struct str texts[] = {buf_str(&low), buf_str(&high)};
	write_file(RECORD_TYPE_INT64, numbers, texts, 2, 2);
	check_query(
		"SELECT strlen(stats_min_value) <= 64, strlen(stats_max_value) <= 64, min_is_exact, max_is_exact, stats_min_value < min, stats_max_value > max FROM parquet_metadata($), (SELECT min(t) AS min, max(t) AS max FROM $) WHERE path_in_schema = 't'",
		"true,true,false,false,true,true");
	texts[1] = buf_str(&wide);
	write_file(RECORD_TYPE_INT64, numbers, texts, 2, 2);
	check_query("SELECT stats_max_value FROM parquet_metadata($) WHERE path_in_schema = 't'",
		"NULL");
}

/* Every value is found, others mostly are not. */
static void test_bloom(void **state)
{
	enum { ROWS = 20000 };
	int64_t *numbers = mem_new(ROWS, sizeof(*numbers));
	struct str *texts = mem_new(ROWS, sizeof(*texts));
	char(*bytes)[32] = mem_new(ROWS, sizeof(*bytes));

	for (uint32_t i = 0; i < ROWS; i++) {
		int n = snprintf(bytes[i], sizeof(bytes[i]), "10.%u.%u.7", i >> 8, i & 255);
		texts[i] = (struct str){bytes[i], (size_t)n};
		numbers[i] = i;
	}
	write_file(RECORD_TYPE_INT32, numbers, texts, ROWS, 2000);
	check_query(
		"SELECT count(*), min(bloom_filter_length > 2000) FROM parquet_metadata($) WHERE path_in_schema = 't'",
		"10,true");
	for (uint32_t i = 0; i < ROWS; i += 1999) {
		_cleanup_free_ char *probe = mem_printf(
			"SELECT row_group_id, bloom_filter_excludes FROM parquet_bloom_probe($, 't', '%.*s') WHERE row_group_id = %u",
			STR_ARG(texts[i]), i / 2000);
		_cleanup_free_ char *expected = mem_printf("%u,false", i / 2000);
		check_query(probe, expected);
	}
	int passed = 0;
	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *sql = mem_printf(
			"SELECT count(*) FROM parquet_bloom_probe('%s', 't', '11.0.0.%d') WHERE NOT bloom_filter_excludes",
			path, i);
		duckdb_result result;
		assert_int_equal(duckdb_query(connection, sql, &result), DuckDBSuccess);
		passed += (int)duckdb_value_int64(&result, 0, 0);
		duckdb_destroy_result(&result);
	}
	assert_true(passed < 50); /* of 1000 */
	free(numbers);
	free(texts);
	free(bytes);
}

/* Encodings.md, "Run Length Encoding / Bit-Packing Hybrid": 0 to 7 with three bits each. */
static void test_pack(void **state)
{
	const uint32_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7};
	uint32_t runs[40] = {1, 0, 1};
	_cleanup_buf_ struct buf buf = {0};

	record_parquet_pack(&buf, numbers, 8, 3);
	assert_int_equal(buf.n, 4);
	assert_memory_equal(buf.p, "\x03\x88\xc6\xfa", 4);
	/* three, then 37 zeros: five of them fill the group, 32 are a run */
	buf.n = 0;
	record_parquet_pack(&buf, runs, 40, 1);
	assert_int_equal(buf.n, 4);
	assert_memory_equal(buf.p, "\x03\x05\x40\x00", 4);
	assert_int_equal(record_parquet_width(0), 0);
	assert_int_equal(record_parquet_width(1), 0);
	assert_int_equal(record_parquet_width(2), 1);
	assert_int_equal(record_parquet_width(256), 8);
	assert_int_equal(record_parquet_width(257), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_long_bounds),
		cmocka_unit_test(test_bloom),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
