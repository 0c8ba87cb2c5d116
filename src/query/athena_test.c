/* Queries over files in a folder of the test's own: results are written down here, made by hand
 * from the lines. Hostile statements must fail before they read anything. */
#include "query/athena.h"

#include "base/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static char folder[] = "/tmp/nagare-athena-XXXXXX";
static json_t *catalog;    /* name: Table */
static json_t *partitions; /* name: list */

static void write_file(const char *name, const char *text)
{
	_cleanup_free_ char *path = mem_printf("%s/%s", folder, name);
	_cleanup_free_ char *parent = mem_strdup(path);
	struct err err = ERR_INIT;

	*strrchr(parent, '/') = 0;
	assert_int_equal(file_make_folders(parent, 0700, &err), 0);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int find_table(void *context, struct str database, struct str table, json_t **ret_table,
	struct athena_failure *failure)
{
	_cleanup_free_ char *name = mem_printf("%.*s", STR_ARG(table));
	json_t *found = json_object_get(catalog, name);

	if (!found || !str_equal(database, STR("default")))
		return ATHENA_NOT_FOUND;
	*ret_table = json_incref(found);
	return ATHENA_FOUND;
}

static int find_partitions(void *context, struct str database, struct str table,
	json_t **ret_partitions, struct athena_failure *failure)
{
	_cleanup_free_ char *name = mem_printf("%.*s", STR_ARG(table));

	*ret_partitions = json_incref(json_object_get(partitions, name));
	return 0;
}

/* s3://b/NAME is FOLDER/NAME; one level. */
static int find_files(void *context, struct str location,
	int (*add)(void *adding, const struct athena_file *file), void *adding,
	struct athena_failure *failure)
{
	_cleanup_free_ char *path =
		mem_printf("%s/%.*s", folder, (int)location.n - 7, location.p + 7);
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	while (dir && r == 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *file = mem_printf("%s/%s", path, entry->d_name);
		struct stat status;
		if (stat(file, &status) == 0 && S_ISREG(status.st_mode)) {
			const struct athena_file one = {file, (uint64_t)status.st_size};
			r = add(adding, &one);
		}
	}
	if (dir)
		closedir(dir);
	return r;
}

static const struct athena_source source = {
	.table = find_table, .partitions = find_partitions, .files = find_files};

static int run_with(const struct athena_query *query, struct buf *csv, uint64_t *ret_scanned,
	struct athena_failure *failure)
{
	_cleanup_(athena_engine_closep) struct athena_engine *engine = NULL;
	const struct athena_options options = {.memory_limit = 256 << 20};
	struct err err = ERR_INIT;
	size_t rows = 1;

	if (athena_engine_open(&engine, &options, &err) < 0)
		fail_msg("%s", err.message);
	int r = athena_run(engine, query, failure);
	if (r == 0) {
		size_t count;
		const struct athena_column *columns = athena_columns(engine, &count);
		for (size_t i = 0; i < count; i++)
			buf_printf(csv, "%s%s:%s", i ? "," : "", columns[i].name, columns[i].type);
		buf_add_char(csv, '\n');
	}
	while (r == 0 && rows > 0)
		r = athena_next(engine, csv, &rows, failure);
	if (ret_scanned)
		*ret_scanned = athena_scanned(engine);
	return r;
}

static void check(const char *text, const char *expected)
{
	struct athena_query query = {
		.text = str_from(text), .database = STR("default"), .source = source};
	_cleanup_buf_ struct buf csv = {0};
	struct athena_failure failure = {.category = 0};

	if (run_with(&query, &csv, NULL, &failure) < 0)
		fail_msg("%s: %s", text, failure.message);
	assert_string_equal(buf_text(&csv), expected);
}

static void check_failure(const char *text, const char *expected)
{
	struct athena_query query = {
		.text = str_from(text), .database = STR("default"), .source = source};
	_cleanup_buf_ struct buf csv = {0};
	struct athena_failure failure = {.category = 0};

	if (run_with(&query, &csv, NULL, &failure) == 0)
		fail_msg("%s: gave %s", text, buf_text(&csv));
	if (strncmp(failure.message, expected, strlen(expected)) != 0)
		fail_msg("%s: expected %s, found %s", text, expected, failure.message);
}

/* columns: "name type, ..." */
static json_t *columns_of(const char *columns)
{
	json_t *list = json_array();
	struct str rest = str_from(columns), one;

	while (str_split(&rest, ',', &one) && one.n > 0) {
		one = str_trim(one);
		const char *space = memchr(one.p, ' ', one.n);
		if (!space)
			continue;
		struct str type = {space + 1, (size_t)(one.p + one.n - space - 1)};
		json_array_append_new(
			list, json_pack("{s:s%, s:s%}", "Name", one.p, (size_t)(space - one.p),
				      "Type", type.p, type.n));
	}
	return list;
}

static json_t *add_table(const char *name, const char *columns, const char *keys,
	const char *library, json_t *serde, json_t *parameters)
{
	json_t *table = json_pack("{s:s, s:{s:o, s:s++, s:{s:s, s:o}}, s:o, s:o}", "Name", name,
		"StorageDescriptor", "Columns", columns_of(columns), "Location", "s3://b/", name,
		"/", "SerdeInfo", "SerializationLibrary", library, "Parameters", serde,
		"PartitionKeys", columns_of(keys), "Parameters", parameters);

	assert_non_null(table);
	json_object_set_new(catalog, name, table);
	return table;
}

#define LAZY "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"

static int set_up(void **state)
{
	catalog = json_object();
	partitions = json_object();
	assert_non_null(mkdtemp(folder));
	write_file("flows/a.log", "version account-id srcaddr bytes end\n2 1 10.0.0.1 100 7\n"
				  "2 1 - - 9\n2 1 10.0.0.2 50\n");
	add_table("flows", "version int,account_id string,srcaddr string,bytes bigint,end bigint",
		"", LAZY, json_pack("{s:s}", "field.delim", " "),
		json_pack("{s:s}", "skip.header.line.count", "1"));
	write_file("vpc_flow_logs/a.log", "10.0.0.1 6 100 7\n10.0.0.2 17 50 9\n");
	add_table("vpc_flow_logs", "srcaddr string,protocol bigint,bytes bigint,end bigint", "",
		LAZY, json_pack("{s:s}", "field.delim", " "), json_object());
	write_file("days/2026/01/01/x", "a,1\n");
	write_file("days/2026/01/02/x", "b,2\nc,\\N\n");
	write_file("days/2026/01/03/x", "d,x\n");
	add_table("days", "name string,n int", "day string", LAZY,
		json_pack("{s:s}", "field.delim", ","),
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "projection.enabled", "true",
			"projection.day.type", "date", "projection.day.range",
			"2026/01/01,2026/01/03", "projection.day.format", "yyyy/MM/dd",
			"storage.location.template", "s3://b/days/${day}"));
	add_table("parts", "name string,n int", "day date", LAZY,
		json_pack("{s:s}", "field.delim", ","), json_object());
	json_object_set_new(partitions, "parts",
		json_pack("[{s:[s], s:{s:s}}, {s:[s], s:{s:s}}]", "Values", "2026-01-01",
			"StorageDescriptor", "Location", "s3://b/days/2026/01/01/", "Values",
			"2026-01-02", "StorageDescriptor", "Location", "s3://b/days/2026/01/02/"));
	write_file("events/a.json", "{\"id\":1,\"tags\":[\"x\",\"y\"]}\n{\"id\":2}\n");
	add_table("events", "id int,tags array<string>", "", "org.openx.data.jsonserde.JsonSerDe",
		json_object(), json_object());
	write_file("lines/a", "GET /x 200\nbroken\n");
	add_table("lines", "verb string,status int", "", "org.apache.hadoop.hive.serde2.RegexSerDe",
		json_pack("{s:s}", "input.regex", "(\\w+) \\S+ (\\d+)"), json_object());
	write_file("quoted/a", "\"a,b\",1\n");
	add_table("quoted", "name string,n int", "", "org.apache.hadoop.hive.serde2.OpenCSVSerde",
		json_object(), json_object());
	return 0;
}

static int tear_down(void **state)
{
	_cleanup_free_ char *command = mem_printf("rm -rf %s", folder);

	json_decref(catalog);
	json_decref(partitions);
	return system(command);
}

static void test_text(void **state)
{
	check("SELECT srcaddr, bytes, \"end\" FROM flows ORDER BY bytes",
		"srcaddr:varchar,bytes:bigint,end:bigint\n\"10.0.0.2\",\"50\",\n"
		"\"10.0.0.1\",\"100\",\"7\"\n\"-\",,\"9\"\n");
	check("SELECT count(*), sum(bytes) FROM awsdatacatalog.\"default\".flows t WHERE t.version = 2",
		"_col0:bigint,_col1:bigint\n\"3\",\"150\"\n");
	check("WITH flows AS (SELECT 1 AS a) SELECT a FROM flows", "a:integer\n\"1\"\n");
	check("SELECT name, n + 1 FROM quoted", "name:varchar,_col1:integer\n\"a,b\",\"2\"\n");
}

/* As AWS's documents named columns before 2021, and as people write "end". */
static void test_older_names(void **state)
{
	check("SELECT sourceaddress, numbytes, end FROM vpc_flow_logs WHERE sourceaddress = '10.0.0.1'",
		"sourceaddress:varchar,numbytes:bigint,end:bigint\n\"10.0.0.1\",\"100\",\"7\"\n");
	check("SELECT * FROM vpc_flow_logs WHERE numbytes = 50",
		"srcaddr:varchar,protocol:bigint,bytes:bigint,end:bigint\n"
		"\"10.0.0.2\",\"17\",\"50\",\"9\"\n");
	check("SELECT v.*, numbytes FROM \"default\".vpc_flow_logs v WHERE endtime > 7",
		"srcaddr:varchar,protocol:bigint,bytes:bigint,end:bigint,numbytes:bigint\n"
		"\"10.0.0.2\",\"17\",\"50\",\"9\",\"50\"\n");
	check("SELECT max(CASE WHEN end > 7 THEN end END) AS last FROM vpc_flow_logs",
		"last:bigint\n\"9\"\n");
	/* of no other table, and none that the table has not */
	check_failure("SELECT sourceaddress FROM flows", "COLUMN_NOT_FOUND: line 1:8:");
	check_failure("SELECT vpcid FROM vpc_flow_logs", "COLUMN_NOT_FOUND: line 1:8:");
	check_failure("SELECT end, end + 1,\n end, nope FROM vpc_flow_logs",
		"COLUMN_NOT_FOUND: line 2:7: Column 'nope'");
}

static void test_io(void **state)
{
	struct athena_query query = {.text = STR("SELECT name FROM days WHERE day > '2026/01/01'"),
		.database = STR("default"),
		.source = source,
		.explain = true,
		.io = true};
	_cleanup_buf_ struct buf csv = {0};
	struct athena_failure failure;
	uint64_t scanned;

	assert_int_equal(run_with(&query, &csv, &scanned, &failure), 0);
	assert_int_equal(scanned, 0);
	/* of three days two, with files of nine and four bytes */
	assert_non_null(strstr(buf_text(&csv), "\"\"table\"\": \"\"days\"\""));
	assert_non_null(strstr(buf_text(&csv), "\"\"partitions\"\": 2,"));
	assert_non_null(strstr(buf_text(&csv), "\"\"objects\"\": 2,"));
	assert_non_null(strstr(buf_text(&csv), "\"\"bytes\"\": 13"));
}

static void test_serdes(void **state)
{
	check("SELECT id, tags FROM events ORDER BY id",
		"id:integer,tags:array\n\"1\",\"[x, y]\"\n\"2\",\n");
	check("SELECT * FROM lines ORDER BY 1",
		"verb:varchar,status:integer\n\"GET\",\"200\"\n,\n");
}

static void test_partitions(void **state)
{
	struct athena_query query = {
		.text = STR("SELECT d.name FROM days d WHERE d.day >= '2026/01/02' AND "
			    "d.day < '2026/01/03' AND d.n = 2"),
		.database = STR("default"),
		.source = source};
	_cleanup_buf_ struct buf csv = {0};
	struct athena_failure failure;
	uint64_t scanned;

	assert_int_equal(run_with(&query, &csv, &scanned, &failure), 0);
	assert_string_equal(buf_text(&csv), "name:varchar\n\"b\"\n");
	assert_int_equal(scanned, 9); /* bytes of the one file */
	check("SELECT day, count(n) FROM days GROUP BY day ORDER BY day",
		"day:varchar,_col1:bigint\n\"2026/01/01\",\"1\"\n\"2026/01/02\",\"1\"\n"
		"\"2026/01/03\",\"0\"\n");
	check("SELECT name, day FROM parts WHERE day = date '2026-01-01'",
		"name:varchar,day:date\n\"a\",\"2026-01-01\"\n");
	/* what the right side of a LEFT JOIN loses must not come back as NULL */
	check("SELECT a.name, b.day FROM parts a LEFT JOIN parts b ON a.name = b.name AND b.n > 0 "
	      "WHERE b.day IS NULL",
		"name:varchar,day:date\n\"c\",\n");
}

static void test_values(void **state)
{
	check("SELECT 1.0E10, 1e-5, cast(0.5 as double), cast(1.5 as decimal(4,2)), true, cast(NULL as bigint), "
	      "date '2026-01-02', timestamp '2026-01-02 03:04:05.6', ARRAY['a', NULL], "
	      "MAP(ARRAY[1], ARRAY['x']), 'a\"b', ''",
		"_col0:double,_col1:double,_col2:double,_col3:decimal,_col4:boolean,_col5:bigint,"
		"_col6:date,_col7:timestamp,_col8:array,_col9:map,_col10:varchar,_col11:varchar\n"
		"\"1.0E10\",\"1.0E-5\",\"0.5\",\"1.50\",\"true\",,\"2026-01-02\","
		"\"2026-01-02 03:04:05.600\",\"[a, null]\",\"{1=x}\",\"a\"\"b\",\"\"\n");
}

static void test_failures(void **state)
{
	check_failure("SELECT nope FROM flows",
		"COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved");
	check_failure("SELECT 1\nFROM nope",
		"TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.default.nope' does not exist");
	check_failure("SELECT nope(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'nope' not");
	check_failure("SELECT FROM WHERE", "SYNTAX_ERROR: line 1:");
	check_failure(
		"SELECT cast('x' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast 'x' to INT");
	check_failure(
		"SELECT cast('x' AS bigint)", "INVALID_CAST_ARGUMENT: Cannot cast 'x' to BIGINT");
	check_failure("SELECT cast(srcaddr AS double) FROM flows",
		"INVALID_CAST_ARGUMENT: Cannot cast '10.0.0.1' to DOUBLE");
	check_failure("SELECT cast('x' AS date)",
		"INVALID_CAST_ARGUMENT: Value cannot be cast to date: x");
	check_failure("SELECT cast('x' AS timestamp)",
		"INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: x");
	check_failure("SELECT cast(version + 300 AS tinyint) FROM flows",
		"NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 302");
	check_failure("SELECT 2147483647 + 1",
		"NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow: 2147483647 + 1");
	check_failure("SELECT 9223372036854775807 * 2",
		"NUMERIC_VALUE_OUT_OF_RANGE: bigint multiplication overflow: 9223372036854775807 * 2");
}

/* Trino documentation, "Mathematical operators": integers truncate; reals follow IEEE 754. */
static void test_division(void **state)
{
	check("SELECT 7 / 2, -7 / 2, 7 % -2, -7 % 2, mod(7, 4), 7.5e0 / 2, 7.5e0 % 2, sum(bytes) / 4, "
	      "bytes / 3 / 7 FROM flows WHERE bytes = 100 GROUP BY bytes",
		"_col0:integer,_col1:integer,_col2:integer,_col3:integer,_col4:integer,_col5:double,"
		"_col6:double,_col7:bigint,_col8:bigint\n"
		"\"3\",\"-3\",\"1\",\"-1\",\"3\",\"3.75\",\"1.5\",\"25\",\"4\"\n");
	check("SELECT 1e0 / 0, -1e0 / 0, 0e0 / 0, cast(NULL AS bigint) / 0, 1 / cast(NULL AS bigint), "
	      "try(1 / 0), try(version / (version - 2)) FROM flows LIMIT 1",
		"_col0:double,_col1:double,_col2:double,_col3:bigint,_col4:bigint,_col5:integer,"
		"_col6:integer\n\"Infinity\",\"-Infinity\",\"NaN\",,,,\n");
	check("SELECT sum(bytes) / count(*) FROM flows WHERE bytes < 0", "_col0:bigint\n\n");
	check("SELECT CASE WHEN version = 2 THEN 0 ELSE 1 / (version - 2) END FROM flows LIMIT 1",
		"_col0:integer\n\"0\"\n");
	check_failure("SELECT 1 / 0", "DIVISION_BY_ZERO: Division by zero");
	check_failure(
		"SELECT bytes % (version - 2) FROM flows", "DIVISION_BY_ZERO: Division by zero");
	check_failure("SELECT (-9223372036854775807 - 1) / cast(-1 AS bigint)",
		"NUMERIC_VALUE_OUT_OF_RANGE: bigint division overflow: -9223372036854775808 / -1");
}

/* It fails alone, with nothing kept back. */
static void test_memory(void **state)
{
	check_failure("SELECT length(array_join(array_agg(rpad('x', 100000, 'x')), '')) "
		      "FROM UNNEST(sequence(1, 8000)) AS t(n)",
		"Query exhausted resources at this scale factor");
	check("SELECT 1", "_col0:integer\n\"1\"\n");
}

static void test_hostile(void **state)
{
	static const char *const statements[] = {
		"SELECT * FROM read_csv('/etc/passwd')",
		"SELECT * FROM read_text('/etc/passwd')",
		"SELECT * FROM read_blob('/etc/passwd')",
		"SELECT * FROM read_parquet('s3://b/x')",
		"SELECT * FROM read_json_auto('/etc/passwd')",
		"SELECT * FROM parquet_scan('/etc/passwd')",
		"SELECT * FROM '/etc/passwd'",
		"SELECT * FROM \"/etc/passwd\"",
		"SELECT * FROM glob('/etc/*')",
		"SELECT * FROM sniff_csv('/etc/passwd')",
		"SELECT * FROM query('SELECT 1')",
		"SELECT * FROM query_table('flows')",
		"SELECT * FROM duckdb_settings()",
		"SELECT * FROM duckdb_secrets()",
		"SELECT * FROM pragma_database_list()",
		"SELECT * FROM information_schema.tables",
		"SELECT * FROM pg_catalog.pg_class",
		"SELECT * FROM memory.main.nagare_places_0",
		"SELECT * FROM nagare_athena_text(0)",
		"SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
		"SELECT current_setting('temp_directory')",
		"SELECT getenv('HOME')",
		"SELECT getvariable('x')",
		"SELECT (SELECT content FROM read_text('/etc/passwd'))",
		"WITH x AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM x",
		"SELECT 1 UNION ALL SELECT 2 FROM read_csv('/etc/passwd')",
		"SELECT * FROM flows JOIN LATERAL (SELECT * FROM read_text(srcaddr)) ON true",
		"SELECT 1; SELECT 2",
		"COPY (SELECT 1) TO '/tmp/nagare-hostile'",
		"COPY flows FROM '/etc/passwd'",
		"ATTACH '/tmp/nagare-hostile.db'",
		"INSTALL httpfs",
		"LOAD '/tmp/x.so'",
		"SET enable_external_access = true",
		"PRAGMA database_list",
		"EXPORT DATABASE '/tmp/nagare-hostile'",
		"CREATE TABLE x AS SELECT 1",
		"CALL pragma_version()",
		"CHECKPOINT",
		"FROM (SHOW ALL TABLES)",
		"SELECT * FROM (DESCRIBE flows)",
		"SELECT * FROM (SUMMARIZE flows)",
		"PIVOT flows ON version",
	};

	for (size_t i = 0; i < ARRAY_SIZE(statements); i++)
		check_failure(statements[i], "");
	assert_int_equal(access("/tmp/nagare-hostile", F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_older_names),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_serdes),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_division),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
