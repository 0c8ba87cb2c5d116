/* Queries as AWS's guides have them, over events whose results are easily seen by eye; each is
 * translated and run by DuckDB. */
#include "query/insights.h"

#include "base/duckdb.h"
#include "query/functions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static duckdb_database database;
static duckdb_connection connection;

static const struct query_insights_field fields[] = {
	{"version", "version", QUERY_INSIGHTS_NUMBER},
	{"interfaceId", "interface_id", QUERY_INSIGHTS_TEXT},
	{"srcAddr", "srcaddr", QUERY_INSIGHTS_TEXT},
	{"dstAddr", "dstaddr", QUERY_INSIGHTS_TEXT},
	{"srcPort", "srcport", QUERY_INSIGHTS_NUMBER},
	{"dstPort", "dstport", QUERY_INSIGHTS_NUMBER},
	{"protocol", "protocol", QUERY_INSIGHTS_NUMBER},
	{"packets", "packets", QUERY_INSIGHTS_NUMBER},
	{"bytes", "bytes", QUERY_INSIGHTS_NUMBER},
	{"action", "action", QUERY_INSIGHTS_TEXT},
	{"logStatus", "log_status", QUERY_INSIGHTS_TEXT},
};

static const char *const setup[] = {
	"CREATE TABLE events (\"@timestamp\" BIGINT, \"@ingestionTime\" BIGINT, \"@message\" VARCHAR, "
	"\"@logStream\" VARCHAR, \"@log\" VARCHAR, \"@ptr\" VARCHAR, version INTEGER, interface_id "
	"VARCHAR, srcaddr VARCHAR, dstaddr VARCHAR, srcport INTEGER, dstport INTEGER, protocol BIGINT, "
	"packets BIGINT, bytes BIGINT, action VARCHAR, log_status VARCHAR)",
	"CREATE TABLE lines (ms BIGINT, stream VARCHAR, line VARCHAR)",
	"INSERT INTO lines VALUES "
	"(1418530010000, 'eni-1-all', '2 1 eni-1 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK'),"
	"(1418530011000, 'eni-1-all', '2 1 eni-1 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK'),"
	"(1418533700000, 'eni-2-all', '2 1 eni-2 10.0.0.5 172.31.16.139 53 53 17 2 100 1418533700 1418533760 ACCEPT OK'),"
	"(1418533800000, 'eni-2-all', '2 1 eni-2 10.0.0.5 172.31.16.21 53 53 17 3 150 1418533800 1418533860 ACCEPT OK'),"
	"(1418533900000, 'eni-2-all', '2 1 eni-2 - - - - - - - 1418533900 1418533960 - SKIPDATA'),"
	"(1418534000000, 'app', '{\"user\":{\"name\":\"frank\",\"id\":7},\"items\":[{\"id\":\"a\"}],\"ms\":12.5}'),"
	"(1418534001000, 'app', 'user=john, method:GET, latency := 15')",
	"INSERT INTO events SELECT ms, ms + 5, line, stream, '1:g', 'p' || row_number() OVER (ORDER BY ms), "
	"TRY_CAST(f[1] AS INTEGER), f[3], f[4], f[5], TRY_CAST(f[6] AS INTEGER), TRY_CAST(f[7] AS INTEGER), "
	"TRY_CAST(f[8] AS BIGINT), TRY_CAST(f[9] AS BIGINT), TRY_CAST(f[10] AS BIGINT), f[13], f[14] FROM "
	"(SELECT *, CASE WHEN line LIKE '2 %' THEN string_split(line, ' ') END AS f FROM lines)",
};

static int open_all(void **state)
{
	struct err err = ERR_INIT;

	if (duckdb_library_load(&err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(duckdb_open(NULL, &database), DuckDBSuccess);
	assert_int_equal(duckdb_connect(database, &connection), DuckDBSuccess);
	assert_int_equal(query_functions_register(connection, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(setup); i++) {
		duckdb_result result;
		if (duckdb_query(connection, setup[i], &result) != DuckDBSuccess)
			fail_msg("%s", duckdb_result_error(&result));
		duckdb_destroy_result(&result);
	}
	return 0;
}

static int close_all(void **state)
{
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return 0;
}

static void run(const struct query_insights *insights, const char *query, struct buf *rows)
{
	duckdb_result result;

	struct buf sql = insights->sql;
	if (duckdb_query(connection, buf_text(&sql), &result) != DuckDBSuccess)
		fail_msg("%s\n%s\n%s", query, sql.p, duckdb_result_error(&result));
	for (idx_t row = 0; row < duckdb_row_count(&result); row++) {
		for (idx_t column = 0; column < insights->columns_count; column++) {
			char *value = duckdb_value_varchar(&result, column, row);
			char time[40];
			if (value && insights->columns[column].type == QUERY_INSIGHTS_TIME)
				*query_insights_write_time(time, strtoll(value, NULL, 10)) = '\0';
			if (strcmp(insights->columns[column].name, "@ptr") != 0)
				buf_printf(rows, "%s%s", column ? "|" : "",
					!value ? ""
					: insights->columns[column].type == QUERY_INSIGHTS_TIME
						? time
						: value);
			duckdb_free(value);
		}
		buf_add_char(rows, '\n');
	}
	duckdb_destroy_result(&result);
}

static void check(const char *query, const char *header, const char *expected)
{
	const struct query_insights_source source = {.relation = "events",
		.fields = fields,
		.fields_count = ARRAY_SIZE(fields),
		.now_ms = INT64_C(1418534100000)};
	_cleanup_(query_insights_done) struct query_insights insights;
	_cleanup_buf_ struct buf names = {0};
	_cleanup_buf_ struct buf rows = {0};
	struct err err = ERR_INIT;

	if (query_insights_translate(str_from(query), &source, &insights, &err) < 0)
		fail_msg("%s: %s", query, err.message);
	for (size_t i = 0; i < insights.columns_count; i++) {
		if (strcmp(insights.columns[i].name, "@ptr") != 0)
			buf_printf(&names, "%s%s", i ? "|" : "", insights.columns[i].name);
	}
	run(&insights, query, &rows);
	if (strcmp(buf_text(&names), header) != 0 || strcmp(buf_text(&rows), expected) != 0)
		fail_msg("%s\nfound:\n%s\n%s\n%s", query, names.p, rows.p, insights.sql.p);
}

/* VPC guide and CloudWatch Logs guide, "Queries for VPC flow logs". */
static void test_flow_logs(void **state)
{
	check("stats sum(packets) as packetsTransferred by srcAddr, dstAddr\n"
	      "| sort packetsTransferred desc\n| limit 2",
		"srcAddr|dstAddr|packetsTransferred",
		"172.31.16.139|172.31.16.21|20\n172.31.9.69|172.31.9.12|20\n");
	check("filter isIpv4InSubnet(srcAddr, \"10.0.0.0/16\")\n"
	      "| stats sum(bytes) as bytesTransferred by dstAddr\n"
	      "| sort bytesTransferred desc | limit 15",
		"dstAddr|bytesTransferred", "172.31.16.21|150\n172.31.16.139|100\n");
	check("filter protocol=17 | stats count(*) by srcAddr", "srcAddr|count(*)", "10.0.0.5|2\n");
	check("filter logStatus=\"SKIPDATA\" | stats count(*) by bin(1h) as t | sort t",
		"t|count(*)", "2014-12-14 05:00:00.000|1\n");
	check("fields @timestamp,srcAddr,dstAddr,srcPort,dstPort,protocol,bytes "
	      "| filter interfaceId='eni-2' | sort @timestamp desc "
	      "| dedup srcAddr,srcPort,dstPort,protocol | limit 20",
		"@timestamp|srcAddr|dstAddr|srcPort|dstPort|protocol|bytes",
		"2014-12-14 05:11:40.000|-|-||||\n"
		"2014-12-14 05:10:00.000|10.0.0.5|172.31.16.21|53|53|17|150\n");
	check("stats count(*) by interfaceId, logStatus | sort interfaceId, logStatus",
		"interfaceId|logStatus|count(*)",
		"eni-1|OK|2\neni-2|OK|2\neni-2|SKIPDATA|1\n||2\n");
	check("filter (dstAddr like '172.31.16.21' and srcAddr like '10.') "
	      "| stats sum(bytes) as b by srcAddr, dstAddr | sort b desc | limit 10",
		"srcAddr|dstAddr|b", "10.0.0.5|172.31.16.21|150\n");
	check("filter dstAddr like '172.31.16.' and srcAddr not like '10.' | fields srcAddr",
		"srcAddr", "172.31.16.139\n");
	check("stats sum(bytes)/1024 as kb, avg(bytes), max(packets) by action "
	      "| filter action = \"ACCEPT\"",
		"action|kb|avg(bytes)|max(packets)", "ACCEPT|4.3935546875|1499.6666666666667|20\n");
}

static void test_language(void **state)
{
	check("# what was rejected\nfilter action = 'REJECT' # and not accepted\n| fields dstPort as p, "
	      "bytes * 8 as bits",
		"p|bits", "3389|33992.0\n");
	check("filter dstPort in [22, 3389] and not (action != 'REJECT') | display srcAddr",
		"srcAddr", "172.31.9.69\n");
	check("filter dstPort = \"22\" or dstPort = 'x' | stats count()", "count()", "1\n");
	check("filter @message like /(?i)reject/ | stats count(*) as n", "n", "1\n");
	check("filter @message =~ /ACCEPT|REJECT/ | stats count(*) as n", "n", "4\n");
	check("filter user.id > 6 | fields user.name, items.0.id, `user.name` as u",
		"user.name|items.0.id|u", "frank|a|frank\n");
	check("parse @message \"user=*, method:*, latency := *\" as @user, @method, @latency "
	      "| filter @latency > 2 | display @user, @method, @latency",
		"@user|@method|@latency", "john|GET|15\n");
	check("parse @message /user=(?<user2>.*?), method:(?<method2>.*?),/ | filter ispresent(user2) "
	      "| stats count(*) by method2",
		"method2|count(*)", "GET|1\n");
	check("parse \"* * * * * * * * * * * * * *\" as v, acct, eni, src, dst, sp, dp, pr, pk, by2, st, "
	      "en, act, status | filter act = 'ACCEPT' | stats sum(by2) as total",
		"total", "4499.0\n");
	check("fields strlen(srcAddr) as n, toupper(action) as a, substr(srcAddr, 0, 3) as s, "
	      "concat(action, '-', dstPort) as c | filter dstPort = 22",
		"n|a|s|c", "13|ACCEPT|172|ACCEPT-22\n");
	check("filter dstPort = 22 | fields if(bytes > 1000, 'big', 'small') as size, "
	      "coalesce(nothing, srcAddr) as addr, isValidIpv6('::1') as v6, strcontains(action, 'CC') as c",
		"size|addr|v6|c", "big|172.31.16.139|true|true\n");
	check("filter isIpInSubnet(srcAddr, '172.31.0.0/16') = 1 | stats count(*) as n", "n",
		"2\n");
	check("stats count(*) as n by bin(30m) | stats max(n) as most, min(n) as least",
		"most|least", "5|2\n");
	check("filter interfaceId = 'eni-2' | stats earliest(bytes), latest(bytes), "
	      "count_distinct(dstAddr), pct(bytes, 50) by interfaceId",
		"interfaceId|earliest(bytes)|latest(bytes)|count_distinct(dstAddr)|pct(bytes, 50)",
		"eni-2|100|150|3|125.0\n");
	check("fields @timestamp | filter @timestamp = 1418530010000 | fields datefloor(@timestamp, 1h) "
	      "as f, dateceil(@timestamp, 1d) as c, toMillis(@timestamp) as m",
		"@timestamp|f|c|m",
		"2014-12-14 04:06:50.000|2014-12-14 04:00:00.000|2014-12-15 00:00:00.000|"
		"1418530010000\n");
	check("stats count(*) by logStatus | sort count(*) desc | limit 1", "logStatus|count(*)",
		"OK|4\n");
	check("filter bytes / 0 > 1 | stats count(*)", "count(*)", "0\n");
	check("fields 2 ^ 3 + 10 % 4 as x | limit 1", "x", "10.0\n");
}

/* AWS's guide, the pages of the commands that work on rows. */
static void test_rows(void **state)
{
	check("filter ispresent(bytes) | sort bytes | accum bytes as total | autoregress bytes p=1-2 "
	      "| display bytes, total, bytes_p1, bytes_p2",
		"bytes|total|bytes_p1|bytes_p2",
		"100|100||\n150|250|100|\n4249|4499|150|100\n4249|8748|4249|150\n");
	check("fields user.id as id | sort @timestamp | filldown id | tail 2 | display id", "id",
		"7\n7\n");
	check("filter interfaceId = 'eni-2' | stats count(*) as n by bin(2m) as t | fillmissing with 0 for n",
		"t|n", "2014-12-14 05:08:00.000|1\n2014-12-14 05:10:00.000|2\n");
	check("filter ispresent(dstPort) | countFrequent protocol | sort protocol",
		"protocol|_approxcount", "6|2\n17|2\n");
	check("filter interfaceId = 'eni-2' and ispresent(bytes) | pattern @message",
		"@pattern|@ratio|@sampleCount|@severityLabel",
		"<Number-1> <Number-2> eni-<Number-3> <IPAddress-4> <IPAddress-5> <Number-6> <Number-7> "
		"<Number-8> <Number-9> <Number-10> <Number-11> <Number-12> ACCEPT OK|1.0|2|INFO\n");
	check("fields jsonParse(@message) as js | unnest js.items into item | filter ispresent(item.id) "
	      "| display item.id",
		"item.id", "a\n");
	check("parse @message /(\\d+)\\.(\\d+)\\.\\d+\\.\\d+/ as a, b multi | stats count(*) as n by a, b | sort a, b",
		"a|b|n", "10|0|2\n172|31|6\n||3\n");
	check("filter interfaceId = 'eni-1' | dedup action | stats count(*)", "count(*)", "2\n");
	check("filter @timestamp >= 1418534000000 | dedup action | stats count(*)", "count(*)",
		"2\n");
	check("fields bytes, packets | filter ispresent(bytes) | addtotals | sort Total desc | limit 1 "
	      "| display Total",
		"Total", "4269\n");
}

/* The relation here is one table, so that all parts of a query read it. */
static void test_nested(void **state)
{
	check("filter srcAddr in (filter bytes = 150 | fields dstAddr, srcAddr | stats count(*) by srcAddr) "
	      "| stats count(*) as n by srcAddr",
		"srcAddr|n", "10.0.0.5|2\n");
	check("filter dstAddr not in (SOURCE 'x' | filter action = 'ACCEPT' | fields dstAddr) and "
	      "ispresent(bytes) | fields dstAddr",
		"dstAddr", "172.31.9.12\n");
	check("join type=inner left=a right=b where a.dstAddr=b.srcAddr (SOURCE 'x') "
	      "| filter a.srcAddr = '10.0.0.5' and b.bytes > 0 | fields a.srcAddr, b.dstAddr",
		"a.srcAddr|b.dstAddr", "10.0.0.5|172.31.16.21\n");
	check("stats sum(bytes) as b by action | filter ispresent(b) | sort b | appendcols (filter bytes > 0 "
	      "| stats count(*) as n by action | sort n | fields n) | display action, b, n",
		"action|b|n", "REJECT|4249|1\nACCEPT|4499|3\n");
}

static void test_refused(void **state)
{
	static const struct {
		const char *query, *expected;
	} refused[] = {
		{"filter",
			"line 1, column 7: expected a field, a value or a function, found the end"},
		{"select 1", "line 1, column 1: expected a command"},
		{"fields @timestamp\n| filter (a = 1", "line 2, column 16: expected ')'"},
		{"stats bytes by a", "line 1, column 7: expected a function as count(*)"},
		{"filter sum(bytes) > 1", "line 1, column 8: sum can be used in stats only"},
		{"fields foo(1)", "there is no function 'foo'"},
		{"fields strlen()", "strlen takes 1 argument, found 0"},
		{"stats count(*) by bin(5)", "expected"},
		{"stats count(*) by bin(5x)", "a unit of time"},
		{"limit 0", "1 to 100000"},
		{"limit x", "a number of rows"},
		{"parse @message '* *' as a", "2 '*' or groups, and 1 names"},
		{"parse @message", "a text with '*'"},
		{"anomaly", "'anomaly' is not supported"},
		{"fields 'abc", "does not end"},
		{"fields a ; b", "';' is not part of the language"},
		{"filter @message like /(?=a)/", "'(?=' in a regular expression"},
		{"filter @message like /(a)\\1/", "a reference to a group"},
		{"stats count(*) by bin(5m) | fillmissing with 0", "for and a field"},
		{"SOURCE logGroupTags([{\"values\":[\"a\"]}])", "expected a key"},
		{"stats sum(max(bytes))", "an aggregate in an aggregate"},
		{"fields a as", "a name behind as"},
		{"filter a not b", "like or in"},
	};
	const struct query_insights_source source = {.relation = "events"};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct query_insights insights;
		struct err err = ERR_INIT;

		if (query_insights_translate(
			    str_from(refused[i].query), &source, &insights, &err) == 0)
			fail_msg("accepted: %s", refused[i].query);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.message, refused[i].expected))
			fail_msg("%s: %s", refused[i].query, err.message);
		query_insights_done(&insights);
	}
}

static void test_source(void **state)
{
	const struct query_insights_source source = {.relation = "events"};
	_cleanup_(query_insights_done) struct query_insights insights;
	struct err err = ERR_INIT;

	assert_int_equal(
		query_insights_translate(
			STR("SOURCE \"/nagare/flow-logs\" START=-3600s END=0s | fields @message"),
			&source, &insights, &err),
		0);
	assert_int_equal(insights.groups_count, 1);
	assert_string_equal(insights.groups[0], "/nagare/flow-logs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow_logs),
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
