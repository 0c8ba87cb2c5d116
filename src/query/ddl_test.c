/* The tables are those that AWS documents for flow logs (Athena user guide, "Query Amazon VPC flow
 * logs"): names, types and properties expected here are read off that text. */
#include "query/ddl.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct ddl parse(const char *text)
{
	struct ddl ddl;
	struct err err = ERR_INIT;

	if (ddl_parse(str_from(text), &ddl, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return ddl;
}

/* A member by its path, "a.b.0.c". */
static const char *at(const json_t *value, const char *path)
{
	struct str rest = str_from(path), part;

	while (str_split(&rest, '/', &part)) {
		_cleanup_free_ char *name = mem_printf("%.*s", STR_ARG(part));
		value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
					     : json_object_get(value, name);
	}
	return json_string_value(value);
}

static void test_text_table(void **state)
{
	struct ddl ddl = parse("CREATE EXTERNAL TABLE IF NOT EXISTS `vpc_flow_logs` (\n"
			       "  version int,\n  account_id string,\n  start bigint,\n"
			       "  `end` bigint,\n  action string)\n"
			       "PARTITIONED BY (`date` date)\n"
			       "ROW FORMAT DELIMITED\nFIELDS TERMINATED BY ' '\n"
			       "LOCATION 's3://amzn-s3-demo-bucket/prefix/'\n"
			       "TBLPROPERTIES (\"skip.header.line.count\"=\"1\");");

	assert_int_equal(ddl.kind, DDL_CREATE_TABLE);
	assert_true(ddl.if_exists);
	assert_null(ddl.database);
	assert_string_equal(ddl.name, "vpc_flow_logs");
	assert_string_equal(at(ddl.what, "StorageDescriptor/Columns/3/Name"), "end");
	assert_string_equal(at(ddl.what, "StorageDescriptor/Columns/3/Type"), "bigint");
	assert_string_equal(at(ddl.what, "PartitionKeys/0/Name"), "date");
	assert_string_equal(
		at(ddl.what, "StorageDescriptor/SerdeInfo/Parameters/field.delim"), " ");
	assert_string_equal(at(ddl.what, "Parameters/skip.header.line.count"), "1");
	assert_string_equal(
		at(ddl.what, "StorageDescriptor/Location"), "s3://amzn-s3-demo-bucket/prefix/");
	ddl_done(&ddl);
}

static void test_parquet_table(void **state)
{
	struct ddl ddl = parse(
		"CREATE EXTERNAL TABLE IF NOT EXISTS db.vpc_flow_logs_parquet (version int) "
		"PARTITIONED BY (`aws-account-id` string, `year` string) "
		"ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' "
		"STORED AS INPUTFORMAT "
		"'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat' OUTPUTFORMAT "
		"'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat' "
		"LOCATION 's3://b/AWSLogs/' TBLPROPERTIES ('EXTERNAL'='true', "
		"'skip.header.line.count'='1')");

	assert_string_equal(ddl.database, "db");
	assert_string_equal(at(ddl.what, "PartitionKeys/0/Name"), "aws-account-id");
	assert_string_equal(at(ddl.what, "StorageDescriptor/InputFormat"),
		"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat");
	assert_string_equal(at(ddl.what, "Parameters/EXTERNAL"), "true");
	ddl_done(&ddl);
}

static void test_types(void **state)
{
	struct ddl ddl = parse("create table t (a array<struct<x:int, y:decimal(10, 2)>> comment "
			       "'it''s', b varchar(10)) stored as parquet location 's3://b/'");

	assert_string_equal(at(ddl.what, "StorageDescriptor/Columns/0/Type"),
		"array<struct<x:int,y:decimal(10,2)>>");
	assert_string_equal(at(ddl.what, "StorageDescriptor/Columns/0/Comment"), "it's");
	assert_string_equal(at(ddl.what, "StorageDescriptor/Columns/1/Type"), "varchar(10)");
	ddl_done(&ddl);
}

static void test_partitions(void **state)
{
	struct ddl ddl = parse("ALTER TABLE vpc_flow_logs ADD PARTITION (`date`='2026-01-02') "
			       "LOCATION 's3://b/AWSLogs/1/vpcflowlogs/r/2026/01/02'");

	assert_int_equal(ddl.kind, DDL_ADD_PARTITION);
	assert_string_equal(at(ddl.what, "0/Keys/date"), "2026-01-02");
	assert_string_equal(
		at(ddl.what, "0/Location"), "s3://b/AWSLogs/1/vpcflowlogs/r/2026/01/02");
	ddl_done(&ddl);
}

static void test_queries(void **state)
{
	static const struct {
		const char *text;
		enum ddl_kind kind;
		const char *query;
	} cases[] = {
		{"-- why\nSELECT 1 ; ", DDL_SELECT, "SELECT 1 "},
		{"CREATE TABLE a WITH (format = 'PARQUET', partitioned_by = ARRAY['x']) AS SELECT 2",
			DDL_CREATE_TABLE_AS, "SELECT 2"},
		{"CREATE TABLE \"d\".\"a\" AS SELECT 2", DDL_CREATE_TABLE_AS, "SELECT 2"},
		{"INSERT INTO a (x, y) VALUES (1, 2)", DDL_INSERT, "VALUES (1, 2)"},
		{"UNLOAD (SELECT (1)) TO 's3://b/x' WITH (format = 'PARQUET')", DDL_UNLOAD,
			"SELECT (1)"},
		{"CREATE OR REPLACE VIEW v AS SELECT 3", DDL_CREATE_VIEW, "SELECT 3"},
		{"EXPLAIN (FORMAT JSON) SELECT 4", DDL_EXPLAIN, "SELECT 4"},
		{"EXPLAIN ANALYZE SELECT 4", DDL_EXPLAIN, "SELECT 4"},
		{"PREPARE p FROM SELECT ?", DDL_PREPARE, "SELECT ?"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ddl ddl = parse(cases[i].text);
		assert_int_equal(ddl.kind, cases[i].kind);
		assert_int_equal(ddl.query.n, strlen(cases[i].query));
		assert_memory_equal(ddl.query.p, cases[i].query, ddl.query.n);
		ddl_done(&ddl);
	}
}

static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		enum ddl_kind kind;
	} cases[] = {
		{"create database `x`;", DDL_CREATE_DATABASE},
		{"CREATE SCHEMA IF NOT EXISTS x COMMENT 'c' LOCATION 's3://b/'",
			DDL_CREATE_DATABASE},
		{"drop database if exists `x` cascade", DDL_DROP_DATABASE},
		{"DROP TABLE IF EXISTS `a`", DDL_DROP_TABLE},
		{"DROP VIEW a.b", DDL_DROP_VIEW},
		{"MSCK REPAIR TABLE t", DDL_REPAIR},
		{"ALTER TABLE t DROP IF EXISTS PARTITION (a='1'), PARTITION (a='2')",
			DDL_DROP_PARTITION},
		{"ALTER TABLE t PARTITION (a='1') SET LOCATION 's3://b/'", DDL_SET_LOCATION},
		{"ALTER TABLE t SET TBLPROPERTIES ('a'='b')", DDL_SET_PROPERTIES},
		{"ALTER TABLE t ADD COLUMNS (x int)", DDL_ADD_COLUMNS},
		{"SHOW TABLES IN d 'x*'", DDL_SHOW_TABLES},
		{"SHOW TABLES", DDL_SHOW_TABLES},
		{"SHOW DATABASES LIKE 'x*'", DDL_SHOW_DATABASES},
		{"SHOW PARTITIONS d.t", DDL_SHOW_PARTITIONS},
		{"SHOW COLUMNS IN t", DDL_SHOW_COLUMNS},
		{"SHOW CREATE TABLE t", DDL_SHOW_CREATE_TABLE},
		{"SHOW TBLPROPERTIES t ('k')", DDL_SHOW_PROPERTIES},
		{"DESCRIBE FORMATTED t", DDL_DESCRIBE},
		{"EXECUTE p USING 'a', f(1, 2)", DDL_EXECUTE},
		{"DEALLOCATE PREPARE p", DDL_DEALLOCATE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ddl ddl = parse(cases[i].text);
		assert_int_equal(ddl.kind, cases[i].kind);
		ddl_done(&ddl);
	}
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "line 1:1: mismatched input '<EOF>'"},
		{"DELETE FROM t", "line 1:1: mismatched input 'DELETE'"},
		{"CREATE\n  INDEX i", "line 2:3: mismatched input 'INDEX'"},
		{"CREATE EXTERNAL TABLE t (a int)", "line 1:32: mismatched input '<EOF>'"},
		{"SHOW TABLES IN d 'x", "line 1:18: mismatched input '''"},
		{"DROP TABLE a b", "line 1:14: mismatched input 'b'"},
		{"ALTER TABLE t RENAME TO u", "line 1:15: mismatched input 'RENAME'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ddl ddl;
		struct err err = ERR_INIT;
		assert_true(ddl_parse(str_from(cases[i].text), &ddl, &err) < 0);
		if (strncmp(err.message, cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("%s: %s", cases[i].text, err.message);
	}
}

static void test_table_as(void **state)
{
	static const struct {
		const char *text, *query;
		bool without_data;
	} rows[] = {
		{"CREATE TABLE t AS SELECT 1 AS a WITH NO DATA;", "SELECT 1 AS a ", true},
		{"CREATE TABLE t AS SELECT 1 AS a WITH DATA", "SELECT 1 AS a ", false},
		{"CREATE TABLE t AS WITH data AS (SELECT 1 AS a) SELECT a FROM data",
			"WITH data AS (SELECT 1 AS a) SELECT a FROM data", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ddl ddl = parse(rows[i].text);
		_cleanup_free_ char *query = mem_printf("%.*s", STR_ARG(ddl.query));
		assert_int_equal(ddl.kind, DDL_CREATE_TABLE_AS);
		assert_string_equal(query, rows[i].query);
		assert_int_equal(ddl.without_data, rows[i].without_data);
		ddl_done(&ddl);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_as),
		cmocka_unit_test(test_text_table),
		cmocka_unit_test(test_parquet_table),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
