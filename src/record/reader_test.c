/* Lines are AWS's documented ones (VPC Flow Logs user guide, "Flow log record examples", and Athena
 * user guide of 2018 for exports), or made from them by the change that a test is about. */
#include "record/reader.h"

#include "base/buf.h"
#include "base/number.h"
#include "record/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#define HEADER                                                                                     \
	"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
#define SSH                                                                                        \
	"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
#define SSH_ROW                                                                                    \
	"2|123456789010|eni-1235b8ca123456789|172.31.16.139|172.31.16.21|20641|22|6|20|4249|1418530010|1418530070|ACCEPT|OK\n"
#define NODATA "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
#define NODATA_ROW                                                                                 \
	"2|123456789010|eni-1235b8ca123456789|NULL|NULL|NULL|NULL|NULL|NULL|NULL|1431280876|1431280934|NULL|NODATA\n"

struct result {
	int status; /* of open or the first read that failed */
	struct err err;
	struct buf columns; /* names, '|' between */
	struct buf rows;    /* values, '|' between, a line a row */
	struct record_reader_stats stats;
};

static void result_done(struct result *result)
{
	buf_done(&result->columns);
	buf_done(&result->rows);
}
#define _cleanup_result_ _cleanup_(result_done)

static void add_row(struct buf *buf, const struct record_batch *batch, size_t row)
{
	for (size_t i = 0; i < batch->columns; i++) {
		const struct record_batch_column *column = &batch->column[i];

		buf_add_str(buf, i ? STR("|") : STR(""));
		if (!column->valid[row])
			buf_add_str(buf, STR("NULL"));
		else if (column->type == RECORD_TYPE_STRING)
			buf_add_str(buf, column->texts[row]);
		else
			buf_printf(buf, "%lld", (long long)column->numbers[row]);
	}
	buf_add_char(buf, '\n');
}

static struct result read_input(struct input *input, const struct record_format *headerless,
	bool strict, const size_t *wanted, size_t wanted_count)
{
	struct result result = {0};
	struct record_reader *reader;
	const struct record_batch *batch;
	size_t count;

	result.status = record_reader_open_as(&reader, input, headerless, strict, &result.err);
	if (result.status < 0)
		return result;
	const struct record_reader_column *columns = record_reader_columns(reader, &count);
	for (size_t i = 0; i < count; i++) {
		buf_add_str(&result.columns, i ? STR("|") : STR(""));
		buf_add_str(&result.columns, columns[i].name);
		assert_int_equal(columns[i].field, record_field_find(columns[i].name));
	}
	if (wanted)
		record_reader_want(reader, wanted, wanted_count);
	do {
		result.status = record_reader_read(reader, &batch, &result.err);
		for (size_t row = 0; result.status == 0 && row < batch->rows; row++)
			add_row(&result.rows, batch, row);
	} while (result.status == 0 && batch->rows);
	result.stats = *record_reader_stats(reader);
	record_reader_close(reader);
	return result;
}

static struct result read_bytes(
	struct str bytes, const struct record_format *headerless, bool strict)
{
	struct input *input;
	struct err err = ERR_INIT;

	assert_int_equal(input_open_memory(&input, bytes, "FILE", &err), 0);
	return read_input(input, headerless, strict, NULL, 0);
}

static struct result read_text(const char *text)
{
	return read_bytes(str_from(text), NULL, false);
}

/* Good rows and nothing else. */
static void check(const char *text, const char *columns, const char *rows)
{
	_cleanup_result_ struct result result = read_text(text);

	assert_int_equal(result.status, 0);
	if (result.stats.errors)
		fail_msg("%s", result.stats.error[0].message);
	assert_int_equal(result.stats.bad_lines, 0);
	assert_string_equal(buf_text(&result.rows), rows);
	if (columns)
		assert_string_equal(buf_text(&result.columns), columns);
}

/* Rows beside one bad line, and what is said about it. */
static void check_bad(const char *text, const char *rows, const char *message)
{
	_cleanup_result_ struct result result = read_text(text);

	assert_int_equal(result.status, 0);
	assert_int_equal(result.stats.bad_lines, 1);
	assert_int_equal(result.stats.errors, 1);
	assert_string_equal(result.stats.error[0].message, message);
	assert_int_equal(result.stats.error[0].code, ERR_INPUT);
	assert_string_equal(buf_text(&result.rows), rows);

	_cleanup_result_ struct result strict = read_bytes(str_from(text), NULL, true);
	assert_true(strict.status < 0);
	assert_string_equal(strict.err.message, message);
}

static void test_header_and_default(void **state)
{
	static const char columns[] =
		"version|account-id|interface-id|srcaddr|dstaddr|srcport|dstport|protocol|packets|bytes|start|end|action|log-status";

	check(HEADER SSH "\n" NODATA "\n", columns, SSH_ROW NODATA_ROW);
	check(SSH "\n" NODATA "\n", columns, SSH_ROW NODATA_ROW);
	check("2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA\n",
		columns,
		"2|123456789010|eni-11111111aaaaaaaaa|NULL|NULL|NULL|NULL|NULL|NULL|NULL|1431280876|1431280934|NULL|SKIPDATA\n");
	check("2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK\n",
		columns,
		"2|123456789010|eni-1235b8ca123456789|2001:db8:1234:a100:8d6e:3477:df66:f105|2001:db8:1234:a102:3304:8879:34cf:4071|34892|22|6|54|8855|1477913708|1477913820|ACCEPT|OK\n");
	check("", columns, "");
	check(HEADER, columns, "");
	check("srcaddr", "srcaddr", "");
}

static void test_custom_formats(void **state)
{
	/* AWS's NAT gateway example: one line of it has a comment. */
	check("instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr\n"
	      "- eni-1235b8ca123456789 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5\n"
	      "i-01234567890123456 eni-1111aaaa2222bbbb3 203.0.113.5 10.0.1.5 203.0.113.5 10.0.1.5 #Response traffic from host\n",
		"instance-id|interface-id|srcaddr|dstaddr|pkt-srcaddr|pkt-dstaddr",
		"NULL|eni-1235b8ca123456789|10.0.1.5|10.0.0.220|10.0.1.5|203.0.113.5\n"
		"i-01234567890123456|eni-1111aaaa2222bbbb3|203.0.113.5|10.0.1.5|203.0.113.5|10.0.1.5\n");
	/* A future field is text; a field twice counts once; names in any spelling. */
	check("srcaddr new-field-2031 bytes new-field-2031 srcaddr packets-new end\n"
	      "10.0.0.1 x:1 7 y 10.0.0.2 - 8\n",
		"srcaddr|new-field-2031|bytes|packets-new|end", "10.0.0.1|x:1|7|NULL|8\n");
	/* More future fields than known ones, with a name in a new style; the header comes again.
	 */
	check("srcaddr new-a new.b new-c\n10.0.0.1 a - c\n"
	      "srcaddr new-a new.b new-c\n10.0.0.2 - b -\n",
		"srcaddr|new-a|new.b|new-c", "10.0.0.1|a|NULL|c\n10.0.0.2|NULL|b|NULL\n");
	check("${srcaddr} ${log-status}\n10.0.0.1 OK\n", "srcaddr|log-status", "10.0.0.1|OK\n");
	check("sourceaddress destinationport tcpflags interface_id LogStatus\n10.0.0.1 22 19 e OK\n",
		"srcaddr|dstport|tcp-flags|interface-id|log-status", "10.0.0.1|22|19|e|OK\n");
	/* Transit gateway (elastic/beats, aws_vpcflow, v6). */
	check("resource-type tgw-id srcaddr dstaddr packets-lost-no-route packets-lost-mtu-exceeded log-status\n"
	      "TransitGateway  tgw-3b86d5e89ec8ebd55 10.100.8.1 10.200.8.2 1 2 OK\n",
		"resource-type|tgw-id|srcaddr|dstaddr|packets-lost-no-route|packets-lost-mtu-exceeded|log-status",
		"TransitGateway|tgw-3b86d5e89ec8ebd55|10.100.8.1|10.200.8.2|1|2|OK\n");
	/* Words that look like headers only at first sight. */
	check("interface-id account-id\neni-1 123\ninterface-idle start\n",
		"interface-id|account-id", "eni-1|123\ninterface-idle|start\n");
}

static void test_headerless_format(void **state)
{
	struct record_format format;
	struct err err = ERR_INIT;

	assert_int_equal(
		record_format_parse(STR("${srcaddr} ${bytes} ${log-status}"), &format, &err), 0);
	_cleanup_result_ struct result result =
		read_bytes(STR("10.0.0.1 84 OK\n- - NODATA\n"), &format, false);
	assert_int_equal(result.stats.bad_lines, 0);
	assert_string_equal(buf_text(&result.columns), "srcaddr|bytes|log-status");
	assert_string_equal(buf_text(&result.rows), "10.0.0.1|84|OK\nNULL|NULL|NODATA\n");
	/* A header line says it better; a leading time is told by its looks. */
	_cleanup_result_ struct result header = read_bytes(STR("bytes\n84\n"), &format, false);
	assert_string_equal(buf_text(&header.columns), "bytes");
	_cleanup_result_ struct result exported =
		read_bytes(STR("2018-09-22T20:28:14.000Z 10.0.0.1 84 OK\n"), &format, false);
	assert_string_equal(buf_text(&exported.columns), "ts|srcaddr|bytes|log-status");
	assert_string_equal(buf_text(&exported.rows), "2018-09-22T20:28:14.000Z|10.0.0.1|84|OK\n");
}

static void test_what_tools_make_of_it(void **state)
{
	/* CloudWatch Logs export to S3. */
	check("2018-09-22T20:28:14.000Z " SSH "\n2018-09-22T20:29:12.000Z " NODATA "\n",
		"ts|version|account-id|interface-id|srcaddr|dstaddr|srcport|dstport|protocol|packets|bytes|start|end|action|log-status",
		"2018-09-22T20:28:14.000Z|" SSH_ROW "2018-09-22T20:29:12.000Z|" NODATA_ROW);
	/* CRLF, byte order marks, blank lines, comments, blanks around and between. */
	check("\xef\xbb\xbf" HEADER SSH "\r\n\r\n \t\n# comment\n  # comment\n\t" SSH "  \r\n",
		NULL, SSH_ROW SSH_ROW);
	check("\xef\xbb\xbf" SSH "\n\xef\xbb\xbf" NODATA "\n", NULL, SSH_ROW NODATA_ROW);
	check("srcaddr\tdstaddr  bytes\r\n10.0.0.1 \t 10.0.0.2\t5\r\n", "srcaddr|dstaddr|bytes",
		"10.0.0.1|10.0.0.2|5\n");
	/* Commas, as Athena and DuckDB export. */
	check("account_id,action,bytes,az_id,log_status\n123,REJECT,40,,OK\n\"123\",\"ACCEPT\",\"40\",\"a b\",OK\n",
		"account-id|action|bytes|az-id|log-status",
		"123|REJECT|40|NULL|OK\n123|ACCEPT|40|a b|OK\n");
	check_bad("bytes,az_id\n1,\"a\"\"b\"\n", "",
		"FILE:2: expected ',' or the end behind a quoted field");
	/* UTF-8 is text (elastic/beats has such an id), anything else is not. */
	check("bytes subnet-id\n1 caf\xc3\xa9-\xf0\x9f\x8c\x8a\n", NULL,
		"1|caf\xc3\xa9-\xf0\x9f\x8c\x8a\n");
	check_bad("bytes subnet-id\n1 caf\xe9\n", "", "FILE:2: the line is not UTF-8");
	check_bad("bytes subnet-id\n1 \xed\xa0\x80\n", "", "FILE:2: the line is not UTF-8");
	check_bad("bytes subnet-id\n1 a\x1b[31mb\n", "", "FILE:2: a control character in the line");
}

static void test_headers_in_the_middle(void **state)
{
	/* The same again, as in concatenated objects. */
	check(HEADER SSH "\n" HEADER NODATA "\n", NULL, SSH_ROW NODATA_ROW);
	/* Another one: columns by name, new ones dropped, missing ones NULL. */
	check("srcaddr bytes log-status\n10.0.0.1 5 OK\n"
	      "bytes dstaddr srcaddr\n7 10.0.0.9 10.0.0.2\n"
	      "log-status vpc-id\nNODATA vpc-1\n"
	      "srcaddr bytes log-status\n10.0.0.3 8 OK\n",
		"srcaddr|bytes|log-status",
		"10.0.0.1|5|OK\n10.0.0.2|7|NULL\nNULL|NULL|NODATA\n10.0.0.3|8|OK\n");
	/* Before it the default was assumed. */
	check(SSH "\n" HEADER SSH "\n", NULL, SSH_ROW SSH_ROW);
	/* Fields of words only, which a header line would pass for. */
	check("interface-id account-id\neni-1 123\naccount-id interface-id\n124 eni-2\n",
		"interface-id|account-id", "eni-1|123\neni-2|124\n");
}

static void test_bad_lines(void **state)
{
#define BEFORE "2 123456789010 eni-1 "
	check_bad(SSH "\n" BEFORE "10.0.0.1 10.0.0.2 1 abc 6 1 1 1 1 ACCEPT OK\n" SSH "\n",
		SSH_ROW SSH_ROW,
		"FILE:2: field 'dstport': expected a number from 0 to 2147483647, found 'abc'");
	check_bad(BEFORE "10.0.0.1 10.0.0.2 -1 2 6 1 1 1 1 ACCEPT OK\n", "",
		"FILE:1: field 'srcport': expected a number from 0 to 2147483647, found '-1'");
	check_bad(BEFORE "10.0.0.1 10.0.0.2 2147483648 2 6 1 1 1 1 ACCEPT OK\n", "",
		"FILE:1: field 'srcport': expected a number from 0 to 2147483647, found '2147483648'");
	check_bad(BEFORE "10.0.0.1 10.0.0.2 1 2 6 9223372036854775808 1 1 1 ACCEPT OK\n", "",
		"FILE:1: field 'packets': expected a number from 0 to 9223372036854775807, found '9223372036854775808'");
	check_bad(BEFORE "10.0.0.1 10.0.0.2 1 2 6 1 1e3 1 1 ACCEPT OK\n", "",
		"FILE:1: field 'bytes': expected a number from 0 to 9223372036854775807, found '1e3'");
	check_bad(BEFORE "10.0.0.256 10.0.0.2 1 2 6 1 1 1 1 ACCEPT OK\n", "",
		"FILE:1: field 'srcaddr': expected an IPv4 or IPv6 address, found '10.0.0.256'");
	check_bad(BEFORE "10.0.0.1 10.0.0 1 2 6 1 1 1 1 ACCEPT OK\n", "",
		"FILE:1: field 'dstaddr': expected an IPv4 or IPv6 address, found '10.0.0'");
	check_bad(BEFORE "10.0.0.1 2001:db8:::1 1 2 6 1 1 1 1 ACCEPT OK\n", "",
		"FILE:1: field 'dstaddr': expected an IPv4 or IPv6 address, found '2001:db8:::1'");
	check_bad(BEFORE "10.0.0.1 10.0.0.2 1 2 6 1 1 1 1 SUCCESS OK\n", "",
		"FILE:1: field 'action': expected ACCEPT or REJECT, found 'SUCCESS'");
	check_bad(BEFORE "10.0.0.1 10.0.0.2 1 2 6 1 1 1 1 ACCEPT GO_AWAY\n", "",
		"FILE:1: field 'log-status': expected OK, NODATA or SKIPDATA, found 'GO_AWAY'");
	check_bad(BEFORE "- - - - - - - 1 1 -\n" SSH "\n", SSH_ROW,
		"FILE:1: expected 14 fields, found 13");
	check_bad(SSH " more\n", "", "FILE:1: expected 14 fields, found 15");
	check_bad("bytes\n1 2\n", "", "FILE:2: expected 1 field, found 2");
	/* What is found is shown up to 64 bytes and without what a terminal would obey. */
	check_bad(
		"bytes action\n1 ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ\n",
		"",
		"FILE:2: field 'action': expected ACCEPT or REJECT, found 'ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKL...'");
	check_bad("bytes action\n1 \xc2\x9b"
		  "1m\n",
		"", "FILE:2: field 'action': expected ACCEPT or REJECT, found '??1m'");
	/* Largest values. */
	check("srcport bytes\n2147483647 9223372036854775807\n0 00\n", NULL,
		"2147483647|9223372036854775807\n0|0\n");
}

static void test_unknown_headerless(void **state)
{
	_cleanup_result_ struct result result =
		read_text("3 vpc-1 10.0.0.1 10.0.0.2\n3 vpc-1 10.0.0.1 10.0.0.2\n");

	assert_int_equal(result.status, 0);
	assert_int_equal(result.rows.n, 0);
	assert_int_equal(result.stats.lines, 2);
	assert_int_equal(result.stats.bad_lines, 2);
	assert_string_equal(result.stats.error[0].message, "FILE:1: expected 14 fields, found 4");
	assert_non_null(strstr(result.stats.error[0].hint, "header line"));
}

static void test_many_bad_lines(void **state)
{
	_cleanup_buf_ struct buf text = {0};

	buf_add_text(&text, "bytes\n");
	for (int i = 0; i < 100; i++)
		buf_add_text(&text, "x\n1\nbytes\n");
	_cleanup_result_ struct result result = read_text(buf_text(&text));
	assert_int_equal(result.stats.lines, 200);
	assert_int_equal(result.stats.bad_lines, 100);
	assert_int_equal(result.stats.errors, RECORD_READER_ERRORS);
	assert_string_equal(result.stats.error[7].message,
		"FILE:23: field 'bytes': expected a number from 0 to 9223372036854775807, found 'x'");
	assert_int_equal(result.rows.n, 200);
}

static void test_truncation(void **state)
{
	/* Without the last '\n', whole. */
	check(SSH "\n" NODATA, NULL, SSH_ROW NODATA_ROW);
	check(HEADER SSH "\r", NULL, SSH_ROW);
	/* Every other cut of the line. */
	for (size_t n = strlen(SSH "\n") + 1; n < strlen(SSH "\n" SSH); n++) {
		_cleanup_result_ struct result result =
			read_bytes((struct str){SSH "\n" SSH, n}, NULL, false);
		assert_int_equal(result.status, 0);
		assert_int_equal(result.stats.lines, 2);
		assert_int_equal(result.stats.bad_lines, 1);
		assert_int_equal(result.stats.truncated, 1);
		assert_string_equal(buf_text(&result.rows), SSH_ROW);
		assert_non_null(strstr(result.stats.error[0].message, "cut off"));
		assert_non_null(strstr(result.stats.error[0].message, "FILE:2: "));
	}
}

static void add_member(struct buf *buf, struct str bytes)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t bound = deflateBound(&z, bytes.n);
	z.next_in = (unsigned char *)bytes.p;
	z.avail_in = (unsigned)bytes.n;
	z.next_out = (unsigned char *)buf_reserve(buf, bound);
	z.avail_out = (unsigned)bound;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf->n += z.total_out;
	deflateEnd(&z);
}

static void test_gzip(void **state)
{
	_cleanup_buf_ struct buf members = {0};

	add_member(&members, STR(HEADER SSH "\n"));
	add_member(&members, STR(HEADER NODATA "\n"));
	_cleanup_result_ struct result result = read_bytes(buf_str(&members), NULL, false);
	assert_int_equal(result.stats.bad_lines, 0);
	assert_string_equal(buf_text(&result.rows), SSH_ROW NODATA_ROW);

	/* Cut inside the second member: what is before it is good, and then an error. */
	_cleanup_buf_ struct buf cut = {0};
	add_member(&cut, STR(HEADER SSH "\n" SSH));
	_cleanup_result_ struct result damaged =
		read_bytes((struct str){cut.p, cut.n - 4}, NULL, false);
	assert_true(damaged.status < 0);
	assert_non_null(strstr(damaged.err.message, "truncated gzip"));
	assert_string_equal(buf_text(&damaged.rows), SSH_ROW);
	assert_int_equal(damaged.stats.lines, 2);
	assert_int_equal(damaged.stats.bad_lines, 1);
	assert_int_equal(damaged.stats.truncated, 1);

	_cleanup_result_ struct result none = read_bytes((struct str){cut.p, 12}, NULL, false);
	assert_true(none.status < 0);
}

/* Lines of all lengths over several windows, from memory, a plain file and gzip: the same rows. */
static void test_windows(void **state)
{
	enum { LINES = 40000 };
	_cleanup_buf_ struct buf text = {0};
	_cleanup_buf_ struct buf expected = {0};
	_cleanup_buf_ struct buf gzip = {0};
	static char filler[2000];
	uint64_t bad = 0;
	char path[] = "/tmp/nagare-reader-test-XXXXXX";

	memset(filler, 'x', sizeof(filler));
	buf_add_text(&text, "bytes vpc-id srcaddr\n");
	for (int i = 0; i < LINES; i++) {
		int n = i % 97 == 0 ? i % 1999 + 1 : i % 31 + 1;
		if (i % 1009 == 0) {
			buf_printf(&text, "%d bad\n", i);
			bad++;
			continue;
		}
		buf_printf(&text, "%d %.*s 10.0.%d.%d\n", i, n, filler, i >> 8 & 255, i & 255);
		buf_printf(&expected, "%d|%.*s|10.0.%d.%d\n", i, n, filler, i >> 8 & 255, i & 255);
	}
	assert_true(text.n > 4 << 18); /* several windows */
	add_member(&gzip, buf_str(&text));
	_cleanup_close_ int fd = mkstemp(path);
	assert_int_equal(write(fd, text.p, text.n), (ssize_t)text.n);

	for (int i = 0; i < 3; i++) {
		struct input *input;
		struct err err = ERR_INIT;

		if (i == 0)
			assert_int_equal(
				input_open_memory(&input, buf_str(&text), "FILE", &err), 0);
		else if (i == 1)
			assert_int_equal(
				input_open_memory(&input, buf_str(&gzip), "FILE", &err), 0);
		else
			assert_int_equal(input_open(&input, path, &err), 0);
		_cleanup_result_ struct result result = read_input(input, NULL, false, NULL, 0);
		assert_int_equal(result.status, 0);
		assert_int_equal(result.stats.lines, LINES);
		assert_int_equal(result.stats.bad_lines, bad);
		assert_int_equal(result.rows.n, expected.n);
		assert_memory_equal(result.rows.p, expected.p, expected.n);
	}
	unlink(path);
}

static void test_long_lines(void **state)
{
	static const size_t sizes[] = {RECORD_READER_LINE_MAX - 2, RECORD_READER_LINE_MAX - 1,
		RECORD_READER_LINE_MAX, 300000, 3000000};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_buf_ struct buf text = {0};
		_cleanup_buf_ struct buf gzip = {0};
		bool fits = sizes[i] + 2 <= RECORD_READER_LINE_MAX; /* "1 " before it */

		buf_add_text(&text, "bytes vpc-id\n1 ");
		memset(buf_reserve(&text, sizes[i]), 'x', sizes[i]);
		text.n += sizes[i];
		buf_add_text(&text, "\r\n2 vpc-2\n");
		add_member(&gzip, buf_str(&text));
		for (int packed = 0; packed < 2; packed++) {
			_cleanup_result_ struct result result =
				read_bytes(buf_str(packed ? &gzip : &text), NULL, false);
			assert_int_equal(result.status, 0);
			assert_int_equal(result.stats.lines, 2);
			assert_int_equal(result.stats.bad_lines, fits ? 0 : 1);
			if (!fits)
				assert_string_equal(result.stats.error[0].message,
					"FILE:2: a line of more than 65536 bytes");
			assert_string_equal(
				buf_text(&result.rows) + result.rows.n - 8, "2|vpc-2\n");
			assert_int_equal(result.rows.n, 8 + (fits ? 3 + sizes[i] : 0));
		}
	}
}

static void test_wanted(void **state)
{
	static const size_t some[] = {9, 3};
	struct input *input;
	struct err err = ERR_INIT;

	/* In the order wanted; what is not wanted is looked at all the same. */
	assert_int_equal(
		input_open_memory(&input, STR(SSH "\n" SSH " x\n" NODATA "\n"), "FILE", &err), 0);
	_cleanup_result_ struct result result = read_input(input, NULL, false, some, 2);
	assert_string_equal(buf_text(&result.rows), "4249|172.31.16.139\nNULL|NULL\n");
	assert_int_equal(result.stats.bad_lines, 1);
	/* None: rows are counted. */
	assert_int_equal(input_open_memory(&input, STR(SSH "\n" NODATA "\n"), "FILE", &err), 0);
	_cleanup_result_ struct result none = read_input(input, NULL, false, some, 0);
	assert_string_equal(buf_text(&none.rows), "\n\n");
}

static void test_names_are_told_safely(void **state)
{
	struct input *input;
	struct err err = ERR_INIT;

	assert_int_equal(input_open_memory(&input, STR("bytes\nx\n"), "a\x1b[31m\nb", &err), 0);
	_cleanup_result_ struct result result = read_input(input, NULL, false, NULL, 0);
	assert_string_equal(result.stats.error[0].message,
		"a?[31m?b:2: field 'bytes': expected a number from 0 to 9223372036854775807, found 'x'");
}

/* Every field of the table, written by the text codec and read back. */
static void test_round_trip(void **state)
{
	static char texts[RECORD_FIELDS][32];
	struct record_interface interface = {0};
	struct record_format format = {0};
	_cleanup_buf_ struct buf text = {0};
	_cleanup_buf_ struct buf expected = {0};
	struct record record = {
		.interface = &interface,
		.action = RECORD_REJECT,
		.direction = RECORD_EGRESS,
		.srcport = 65535,
		.dstport = 443,
		.protocol = 6,
		.tcp_flags = 19,
		.traffic_path = 8,
		.packets = 3,
		.bytes = INT64_MAX,
		.start = 1788232200,
		.end = 1788232259,
	};
	static const char *const own[RECORD_FIELDS] = {
		[RECORD_VERSION] = "11",
		[RECORD_SRCADDR] = "10.0.0.1",
		[RECORD_DSTADDR] = "2001:db8::2",
		[RECORD_PKT_SRCADDR] = "::1",
		[RECORD_PKT_DSTADDR] = "255.255.255.255",
		[RECORD_SRCPORT] = "65535",
		[RECORD_DSTPORT] = "443",
		[RECORD_PROTOCOL] = "6",
		[RECORD_PACKETS] = "3",
		[RECORD_BYTES] = "9223372036854775807",
		[RECORD_START] = "1788232200",
		[RECORD_END] = "1788232259",
		[RECORD_ACTION] = "REJECT",
		[RECORD_LOG_STATUS] = "OK",
		[RECORD_TCP_FLAGS] = "19",
		[RECORD_TYPE] = "IPv6",
		[RECORD_FLOW_DIRECTION] = "egress",
		[RECORD_TRAFFIC_PATH] = "8",
	};

	assert_true(ip_parse(str_from(own[RECORD_SRCADDR]), &record.srcaddr));
	assert_true(ip_parse(str_from(own[RECORD_DSTADDR]), &record.dstaddr));
	assert_true(ip_parse(str_from(own[RECORD_PKT_SRCADDR]), &record.pkt_srcaddr));
	assert_true(ip_parse(str_from(own[RECORD_PKT_DSTADDR]), &record.pkt_dstaddr));
	format.version = 11;
	for (int i = 0; i < RECORD_FIELDS; i++) {
		bool number = record_fields[i].parquet != RECORD_TYPE_STRING;

		snprintf(texts[i], sizeof(texts[i]), number ? "%d" : "value-%d", i);
		if (!own[i])
			interface.values[i] = str_from(texts[i]);
		format.fields[format.count++] = (uint8_t)i;
		buf_printf(&expected, "%s%s", i ? "|" : "", own[i] ? own[i] : texts[i]);
	}
	buf_add_char(&expected, '\n');
	record_format_header(&text, &format);
	record_text_line(&text, &format, &record);
	_cleanup_result_ struct result result = read_bytes(buf_str(&text), NULL, true);
	assert_int_equal(result.status, 0);
	assert_string_equal(buf_text(&result.rows), buf_text(&expected));

	/* The same through CSV. */
	text.n = 0;
	record_csv_header(&text, &format);
	record_csv_line(&text, &format, &record);
	_cleanup_result_ struct result csv = read_bytes(buf_str(&text), NULL, true);
	assert_int_equal(csv.status, 0);
	assert_string_equal(buf_text(&csv.rows), buf_text(&expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_and_default),
		cmocka_unit_test(test_custom_formats),
		cmocka_unit_test(test_headerless_format),
		cmocka_unit_test(test_what_tools_make_of_it),
		cmocka_unit_test(test_headers_in_the_middle),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_unknown_headerless),
		cmocka_unit_test(test_many_bad_lines),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_names_are_told_safely),
		cmocka_unit_test(test_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
