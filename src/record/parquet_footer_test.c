/* Files are DuckDB's, which also says what stands in their footers. */
#include "record/parquet_footer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/duckdb.h"
#include "base/file.h"

enum { GROUPS = 17, COLUMNS = 5 };

static char folder[] = "/tmp/nagare-parquet-footer-test-XXXXXX";
static char *path;
static duckdb_database database;
static duckdb_connection connection;
static struct buf file;
static struct str footer_bytes;

/* The result of a query ("$" is the file), a line a row, columns by ','. */
static void query(const char *sql, struct buf *ret_found)
{
	_cleanup_buf_ struct buf text = {0};
	duckdb_result result;

	for (; *sql; sql++) {
		if (*sql == '$')
			buf_printf(&text, "'%s'", path);
		else
			buf_add_char(&text, *sql);
	}
	if (duckdb_query(connection, buf_text(&text), &result) != DuckDBSuccess)
		fail_msg("%s", duckdb_result_error(&result));
	for (idx_t row = 0; row < duckdb_row_count(&result); row++)
		for (idx_t i = 0; i < duckdb_column_count(&result); i++) {
			char *value = duckdb_value_varchar(&result, i, row);
			buf_printf(ret_found, "%s%s", value ? value : "NULL",
				i + 1 < duckdb_column_count(&result) ? "," : "\n");
			duckdb_free(value);
		}
	duckdb_destroy_result(&result);
}

static void check_query(const char *sql, const char *expected)
{
	_cleanup_buf_ struct buf found = {0};

	query(sql, &found);
	assert_string_equal(buf_text(&found), expected);
}

static int start(void **state)
{
	_cleanup_buf_ struct buf none = {0};
	struct err err = ERR_INIT;

	if (duckdb_library_load(&err) < 0 || !mkdtemp(folder) ||
		duckdb_open(NULL, &database) != DuckDBSuccess ||
		duckdb_connect(database, &connection) != DuckDBSuccess)
		return -1;
	path = mem_printf("%s/a.parquet", folder);
	query("SET threads = 1; COPY (SELECT i::INTEGER AS a, (i * 1000003)::BIGINT AS b, "
	      "'10.0.0.' || (i % 250)::VARCHAR AS t, [i, i] AS l, {'x': i} AS s "
	      "FROM range(2048 * 17) r(i)) TO $ (FORMAT parquet, ROW_GROUP_SIZE 2048)",
		&none);
	if (file_read(path, 64 << 20, &file, &err) < 0)
		return -1;
	size_t n =
		record_parquet_footer_length(file.p + file.n - RECORD_PARQUET_TAIL_BYTES, file.n);
	footer_bytes = (struct str){file.p + file.n - RECORD_PARQUET_TAIL_BYTES - n, n};
	return n ? 0 : -1;
}

static int stop(void **state)
{
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	buf_done(&file);
	unlink(path);
	free(path);
	return rmdir(folder);
}

static void parse(struct record_parquet_footer *ret_footer)
{
	struct err err = ERR_INIT;

	if (record_parquet_footer_parse(ret_footer, footer_bytes, file.n, &err) < 0)
		fail_msg("%s", err.message);
}

static void test_parse(void **state)
{
	_cleanup_buf_ struct buf expected = {0}, found = {0};
	struct record_parquet_footer footer;

	parse(&footer);
	assert_int_equal(footer.groups_count, GROUPS);
	assert_int_equal(footer.columns_count, COLUMNS);
	query("SELECT row_group_id, split_part(path_in_schema, ',', 1), "
	      "coalesce(dictionary_page_offset, data_page_offset), total_compressed_size, "
	      "coalesce(bloom_filter_offset, 0), coalesce(bloom_filter_length, 0) "
	      "FROM parquet_metadata($) ORDER BY row_group_id, column_id",
		&expected);
	for (size_t i = 0; i < footer.groups_count * footer.columns_count; i++) {
		const struct record_parquet_part *part = &footer.parts[i];
		buf_printf(&found, "%zu,%.*s,%llu,%llu,%llu,%llu\n", i / COLUMNS,
			STR_ARG(part->name), (unsigned long long)part->pages.offset,
			(unsigned long long)part->pages.bytes,
			(unsigned long long)part->bloom.offset,
			(unsigned long long)part->bloom.bytes);
	}
	assert_string_equal(buf_text(&found), buf_text(&expected));
	record_parquet_footer_done(&footer);
}

static void test_limits(void **state)
{
	struct record_parquet_footer footer;
	int32_t low, high;

	parse(&footer);
	for (int g = 0; g < GROUPS; g++) {
		const struct record_parquet_part *part = &footer.parts[g * COLUMNS];
		assert_int_equal(part->type, 1);
		assert_int_equal(part->low.n, 4);
		assert_int_equal(part->high.n, 4);
		memcpy(&low, part->low.p, 4);
		memcpy(&high, part->high.p, 4);
		assert_int_equal(low, 2048 * g);
		assert_int_equal(high, 2048 * g + 2047);
		assert_int_equal(part[1].type, 2);
		assert_int_equal(part[2].type, 6);
		assert_true(str_equal(part[2].low, STR("10.0.0.0")));
		assert_true(str_equal(part[2].high, STR("10.0.0.99")));
	}
	record_parquet_footer_done(&footer);
}

/* Behind the file, as it is where parts of it are copied. */
static void write_cut(const bool *kept)
{
	struct record_parquet_footer footer;
	_cleanup_buf_ struct buf cut = {0};
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	parse(&footer);
	record_parquet_footer_print(&cut, &footer, kept);
	record_parquet_footer_done(&footer);
	assert_int_equal(write(fd, file.p, file.n), file.n);
	assert_int_equal(write(fd, cut.p, cut.n), cut.n);
	close(fd);
}

static void test_cut(void **state)
{
	bool kept[GROUPS] = {false};

	write_cut(kept);
	check_query("SELECT count(*), sum(a) FROM $", "0,NULL\n");
	kept[3] = kept[16] = true;
	write_cut(kept);
	check_query("SELECT count(*), min(a), max(a), sum(b), sum(l[2]), max(s.x), "
		    "count(*) FILTER (a >= 6144 AND a < 8192) FROM $",
		"4096,6144,34815,83884283652096,83884032,34815,2048\n");
	check_query("SELECT count(*), sum(a) FROM $ WHERE a < 6144", "0,NULL\n");
	check_query("SELECT num_rows, num_row_groups FROM parquet_file_metadata($)", "4096,2\n");
	for (int g = 0; g < GROUPS; g++)
		kept[g] = true;
	write_cut(kept);
	check_query("SELECT count(*), sum(a) FROM $", "34816,606059520\n");
}

static void test_lengths(void **state)
{
	const char *tail = file.p + file.n - RECORD_PARQUET_TAIL_BYTES;

	assert_int_equal(record_parquet_footer_length(tail, file.n), footer_bytes.n);
	assert_int_equal(record_parquet_footer_length(tail, footer_bytes.n + 8), footer_bytes.n);
	assert_int_equal(record_parquet_footer_length(tail, footer_bytes.n + 7), 0);
	assert_int_equal(record_parquet_footer_length("\1\0\0\0PARE", 100), 0);
	assert_int_equal(record_parquet_footer_length("\377\377\377\377PAR1", 100), 0);
}

/* Cut short anywhere, or with offsets behind what is there, it is an error. */
static void test_damage(void **state)
{
	struct record_parquet_footer footer;

	for (size_t n = 0; n < footer_bytes.n; n++)
		assert_true(record_parquet_footer_parse(
				    &footer, (struct str){footer_bytes.p, n}, file.n, NULL) < 0);
	assert_true(record_parquet_footer_parse(&footer, footer_bytes, file.n - 1, NULL) < 0);
	/* with bits flipped it is one or none; what it claims is there */
	_cleanup_buf_ struct buf bytes = {0};
	buf_add_str(&bytes, footer_bytes);
	for (size_t i = 0; i < bytes.n * 8; i += 5) {
		bytes.p[i / 8] ^= (char)(1 << i % 8);
		if (record_parquet_footer_parse(&footer, buf_str(&bytes), file.n, NULL) == 0) {
			uint64_t end = file.n - RECORD_PARQUET_TAIL_BYTES - bytes.n;
			for (size_t p = 0; p < footer.groups_count * footer.columns_count; p++)
				assert_true(footer.parts[p].pages.offset <= end &&
					    footer.parts[p].pages.bytes <=
						    end - footer.parts[p].pages.offset);
			record_parquet_footer_done(&footer);
		}
		bytes.p[i / 8] ^= (char)(1 << i % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
