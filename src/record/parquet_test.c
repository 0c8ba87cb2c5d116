/* Files are read back with the reader of DuckDB. */
#include "record/parquet.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/duckdb.h"

static char folder[] = "/tmp/nagare-parquet-test-XXXXXX";

static int make_folder(void **state)
{
	struct err err = ERR_INIT;

	return duckdb_library_load(&err) < 0 || !mkdtemp(folder) ? -1 : 0;
}

static int remove_folder(void **state)
{
	return rmdir(folder);
}

static struct ip_addr address(const char *text)
{
	struct ip_addr addr;

	assert_true(ip_parse(str_from(text), &addr));
	return addr;
}

static struct record_parquet *writer(const char *format_text)
{
	struct record_format format = record_format_default;
	struct record_parquet *parquet;
	struct err err = ERR_INIT;

	if (format_text)
		assert_int_equal(record_format_parse(str_from(format_text), &format, &err), 0);
	assert_int_equal(record_parquet_new(&parquet, &format, &err), 0);
	return parquet;
}

static void write_file(struct record_parquet *parquet, const char *path)
{
	struct err err = ERR_INIT;

	if (record_parquet_write(parquet, path, &err) < 0)
		fail_msg("%s", err.message);
}

/* The result of a query over a file ("$" is its path), rows by ';', columns by ','. */
static void check_query(const char *path, const char *sql, const char *expected)
{
	_cleanup_buf_ struct buf query = {0};
	_cleanup_buf_ struct buf found = {0};
	duckdb_database database;
	duckdb_connection connection;
	duckdb_result result;

	for (; *sql; sql++) {
		if (*sql != '$') {
			buf_add_char(&query, *sql);
			continue;
		}
		buf_add_char(&query, '\'');
		for (const char *p = path; *p; p++) {
			buf_add_str(&query, *p == '\'' ? STR("'") : STR(""));
			buf_add_char(&query, *p);
		}
		buf_add_char(&query, '\'');
	}
	assert_int_equal(duckdb_open(NULL, &database), DuckDBSuccess);
	assert_int_equal(duckdb_connect(database, &connection), DuckDBSuccess);
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
	duckdb_disconnect(&connection);
	duckdb_close(&database);
}

static const struct record_interface interface_a = {
	.values =
		{
			[RECORD_ACCOUNT_ID] = {"123456789010", 12},
			[RECORD_INTERFACE_ID] = {"eni-a", 5},
			[RECORD_INSTANCE_TAG] = {"web server", 10},
			[RECORD_ENCRYPTION_STATUS] = {"1", 1},
		},
};
static const struct record_interface interface_b = {
	.values =
		{
			[RECORD_ACCOUNT_ID] = {"123456789010", 12},
			[RECORD_INTERFACE_ID] = {"eni-b", 5},
		},
};

static struct record flow(const struct record_interface *interface)
{
	return (struct record){
		.interface = interface,
		.srcaddr = address("10.0.0.62"),
		.dstaddr = address("2001:db8::2"),
		.pkt_srcaddr = address("10.0.0.63"),
		.pkt_dstaddr = address("2001:db8::3"),
		.direction = RECORD_EGRESS,
		.action = RECORD_REJECT,
		.srcport = 65535,
		.dstport = 22,
		.protocol = 6,
		.tcp_flags = 19,
		.traffic_path = 8,
		.packets = 8,
		.bytes = INT64_MAX,
		.start = 1566848875,
		.end = 1566848933,
	};
}

/* AWS's types (user guide, "Flow log records", Parquet data types). */
static void test_schema(void **state)
{
	_cleanup_(record_parquet_freep) struct record_parquet *parquet = writer(
		"${version} ${account-id} ${srcaddr} ${dstport} ${protocol} ${bytes} ${end} ${log-status} ${tcp-flags} ${traffic-path} ${encryption-status}");
	_cleanup_free_ char *path = mem_printf("%s/schema.parquet", folder);

	write_file(parquet, path);
	check_query(path,
		"SELECT name, type, converted_type FROM parquet_schema($) WHERE num_children IS NULL",
		"version,INT32,INT_32;account_id,BYTE_ARRAY,UTF8;srcaddr,BYTE_ARRAY,UTF8;"
		"dstport,INT32,INT_32;protocol,INT32,INT_32;bytes,INT64,INT_64;end,INT64,INT_64;"
		"log_status,BYTE_ARRAY,UTF8;tcp_flags,INT32,INT_32;traffic_path,INT32,INT_32;"
		"encryption_status,INT32,INT_32");
	check_query(path, "SELECT count(*) FROM $", "0");
	unlink(path);
}

static void test_values(void **state)
{
	_cleanup_(record_parquet_freep) struct record_parquet *parquet = writer(
		"${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${tcp-flags} ${type} ${pkt-dstaddr} ${flow-direction} ${traffic-path} ${instance-tag} ${encryption-status} ${vpc-id}");
	_cleanup_free_ char *path = mem_printf("%s/it's \"one\".parquet", folder);
	struct err err = ERR_INIT;
	struct record records[] = {flow(&interface_a), flow(&interface_b), flow(&interface_a)};

	records[1].status = RECORD_NODATA;
	records[2].direction = RECORD_INGRESS;
	records[2].protocol = 17;
	records[2].action = RECORD_ACCEPT;
	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		assert_int_equal(record_parquet_add(parquet, &records[i], &err), 0);
	assert_int_equal(record_parquet_count(parquet), 3);
	write_file(parquet, path);
	record_parquet_clear(parquet);
	assert_int_equal(record_parquet_count(parquet), 0);
	check_query(path, "FROM $",
		"11,123456789010,eni-a,10.0.0.62,2001:db8::2,65535,22,6,8,9223372036854775807,1566848875,1566848933,REJECT,OK,19,IPv4,2001:db8::3,egress,8,web%20server,1,-;"
		"11,123456789010,eni-b,-,-,NULL,NULL,NULL,NULL,NULL,1566848875,1566848933,-,NODATA,NULL,-,-,-,NULL,-,NULL,-;"
		"11,123456789010,eni-a,10.0.0.62,2001:db8::2,65535,22,17,8,9223372036854775807,1566848875,1566848933,ACCEPT,OK,0,IPv4,2001:db8::3,ingress,NULL,web%20server,1,-");
	check_query(path, "SELECT DISTINCT compression FROM parquet_metadata($)", "ZSTD");

	/* The same writer again: only what was added since. */
	assert_int_equal(record_parquet_add(parquet, &records[1], &err), 0);
	write_file(parquet, path);
	check_query(path, "SELECT count(*), min(interface_id) FROM $", "1,eni-b");
	unlink(path);
}

/* Many rows and interfaces that live only while their record is added. */
static void test_many(void **state)
{
	enum { RECORDS = 300000, INTERFACES = 1000 };
	_cleanup_(record_parquet_freep) struct record_parquet *parquet = writer(NULL);
	_cleanup_free_ char *path = mem_printf("%s/many.parquet", folder);
	struct err err = ERR_INIT;

	for (int i = 0; i < RECORDS; i++) {
		char id[32];
		int n = snprintf(id, sizeof(id), "eni-%d", i % INTERFACES);
		struct record_interface interface = {
			.values[RECORD_INTERFACE_ID] = {id, (size_t)n},
		};
		struct record record = flow(&interface);
		record.bytes = (uint64_t)i;
		record.packets = 1;
		assert_int_equal(record_parquet_add(parquet, &record, &err), 0);
	}
	write_file(parquet, path);
	check_query(path,
		"SELECT count(*), sum(packets), sum(bytes), count(DISTINCT interface_id) FROM $",
		"300000,300000,44999850000,1000");
	/* In the order added, each with its own interface. */
	check_query(path,
		"SELECT count(*) FROM (SELECT bytes, interface_id, file_row_number AS place FROM read_parquet($, file_row_number = true)) WHERE bytes <> place OR interface_id <> 'eni-' || (bytes % 1000)",
		"0");
	unlink(path);
}

/* Names that DuckDB would take for a home folder, another file system, a pattern. */
static void test_names(void **state)
{
	static const char *const names[] = {
		"~x.parquet", "s3:x.parquet", "*?[1].parquet", "x.csv", "x.parquet.gz"};
	_cleanup_free_ char *before = getcwd(NULL, 0);

	assert_int_equal(chdir(folder), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(record_parquet_freep) struct record_parquet *parquet = writer(NULL);
		char magic[4] = {0};

		write_file(parquet, names[i]);
		_cleanup_close_ int fd = open(names[i], O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, magic, sizeof(magic)), 4);
		assert_memory_equal(magic, "PAR1", 4);
		unlink(names[i]);
	}
	assert_int_equal(chdir(before), 0);
}

static void test_failures(void **state)
{
	_cleanup_(record_parquet_freep) struct record_parquet *parquet = writer(NULL);
	_cleanup_free_ char *path = mem_printf("%s/no/such/folder.parquet", folder);
	struct record record = flow(&interface_a);
	struct err err = ERR_INIT;

	assert_int_equal(record_parquet_add(parquet, &record, &err), 0);
	assert_true(record_parquet_write(parquet, path, &err) < 0);
	assert_non_null(strstr(err.message, "no/such/folder.parquet"));
	assert_int_equal(record_parquet_count(parquet), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_failures),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
