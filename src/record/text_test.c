/* Expected lines are those of AWS's documents (VPC Flow Logs user guide, "Flow log record
 * examples", 2026 and the git history of awsdocs/amazon-vpc-user-guide). */
#include "record/text.h"

#include "record/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct ip_addr address(const char *text)
{
	struct ip_addr addr;

	assert_true(ip_parse(str_from(text), &addr));
	return addr;
}

static struct record_format format_of(const char *text)
{
	struct record_format format;
	struct err err = ERR_INIT;

	assert_int_equal(record_format_parse(str_from(text), &format, &err), 0);
	return format;
}

typedef void write_line(
	struct buf *buf, const struct record_format *format, const struct record *record);

/* The same from a line made ready, twice: times are remembered from one record to the next. */
static void check_ready_line(
	const struct record_format *format, const struct record *record, const char *expected)
{
	_cleanup_(record_line_done) struct record_line line = {0};
	_cleanup_buf_ struct buf buf = {0};

	record_line_prepare(&line, &record_format_default, &(struct record_interface){0});
	record_line_prepare(&line, format, record->interface);
	for (int i = 0; i < 2; i++) {
		buf.n = 0;
		buf_add_str(&buf, STR("before"));
		record_line_add(&line, &buf, record);
		assert_int_equal(memcmp(buf.p, "before", 6), 0);
		assert_string_equal(buf_text(&buf) + 6, expected);
	}
}

static void check(write_line *write, const struct record_format *format,
	const struct record *record, const char *expected)
{
	_cleanup_buf_ struct buf buf = {0};

	/* Behind what is there already. */
	buf_add_str(&buf, STR("before"));
	write(&buf, format, record);
	assert_int_equal(memcmp(buf.p, "before", 6), 0);
	assert_string_equal(buf_text(&buf) + 6, expected);
	if (write == record_text_line)
		check_ready_line(format, record, expected);
}

static const struct record_interface documented = {
	.values =
		{
			[RECORD_ACCOUNT_ID] = {"123456789010", 12},
			[RECORD_INTERFACE_ID] = {"eni-1235b8ca123456789", 21},
			[RECORD_VPC_ID] = {"vpc-abcdefab012345678", 21},
			[RECORD_SUBNET_ID] = {"subnet-aaaaaaaa012345678", 24},
			[RECORD_INSTANCE_ID] = {"i-0c50d5961bcb2d47b", 19},
			[RECORD_REGION] = {"ap-southeast-2", 14},
			[RECORD_AZ_ID] = {"apse2-az3", 9},
		},
};

static struct record ssh(void)
{
	return (struct record){
		.interface = &documented,
		.srcaddr = address("172.31.16.139"),
		.dstaddr = address("172.31.16.21"),
		.pkt_srcaddr = address("172.31.16.139"),
		.pkt_dstaddr = address("172.31.16.21"),
		.direction = RECORD_INGRESS,
		.srcport = 20641,
		.dstport = 22,
		.protocol = 6,
		.packets = 20,
		.bytes = 4249,
		.start = 1418530010,
		.end = 1418530070,
	};
}

static void test_default_format(void **state)
{
	struct record record = ssh();

	check(record_text_line, &record_format_default, &record,
		"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n");
	record.srcaddr = address("172.31.9.69");
	record.dstaddr = address("172.31.9.12");
	record.srcport = 49761;
	record.dstport = 3389;
	record.action = RECORD_REJECT;
	check(record_text_line, &record_format_default, &record,
		"2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK\n");
}

static void test_no_data(void **state)
{
	struct record record = ssh();

	record.start = 1431280876;
	record.end = 1431280934;
	record.status = RECORD_NODATA;
	check(record_text_line, &record_format_default, &record,
		"2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA\n");
	record.status = RECORD_SKIPDATA;
	check(record_text_line, &record_format_default, &record,
		"2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - SKIPDATA\n");
	/* The shape of a custom format, as in the tests of elastic/integrations. */
	struct record_format custom = format_of(
		"${version} ${vpc-id} ${subnet-id} ${instance-id} ${interface-id} ${account-id} ${type} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${pkt-srcaddr} ${pkt-dstaddr} ${protocol} ${bytes} ${packets} ${start} ${end} ${action} ${tcp-flags} ${log-status}");
	check(record_text_line, &custom, &record,
		"3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 123456789010 - - - - - - - - - - 1431280876 1431280934 - - SKIPDATA\n");
	struct record_format flow_fields = format_of(
		"${region} ${flow-direction} ${traffic-path} ${reject-reason} ${encryption-status}");
	check(record_text_line, &flow_fields, &record, "ap-southeast-2 - - - -\n");
}

static void test_ipv6(void **state)
{
	struct record record = ssh();

	record.srcaddr = address("2001:db8:1234:a100:8d6e:3477:df66:f105");
	record.dstaddr = address("2001:db8:1234:a102:3304:8879:34cf:4071");
	record.srcport = 34892;
	record.packets = 54;
	record.bytes = 8855;
	record.start = 1477913708;
	record.end = 1477913820;
	check(record_text_line, &record_format_default, &record,
		"2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK\n");
	struct record_format type = format_of("${type} ${pkt-srcaddr}");
	check(record_text_line, &type, &record, "IPv4 172.31.16.139\n");
	record.pkt_srcaddr = address("2001:db8::1");
	check(record_text_line, &type, &record, "IPv6 2001:db8::1\n");
}

/* AWS's example for service name, traffic path and flow direction. */
static void test_every_kind_of_field(void **state)
{
	struct record_interface interface = documented;
	struct record record = ssh();
	struct record_format format = format_of(
		"${version} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${start} ${end} ${type} ${packets} ${bytes} ${account-id} ${vpc-id} ${subnet-id} ${instance-id} ${interface-id} ${region} ${az-id} ${sublocation-type} ${sublocation-id} ${action} ${tcp-flags} ${pkt-srcaddr} ${pkt-dstaddr} ${pkt-src-aws-service} ${pkt-dst-aws-service} ${traffic-path} ${flow-direction} ${log-status}");

	interface.values[RECORD_ACCOUNT_ID] = STR("123456789012");
	interface.values[RECORD_PKT_DST_AWS_SERVICE] = STR("S3");
	record.interface = &interface;
	record.srcaddr = record.pkt_srcaddr = address("10.0.0.71");
	record.dstaddr = record.pkt_dstaddr = address("52.95.128.179");
	record.srcport = 34210;
	record.dstport = 80;
	record.start = 1616729292;
	record.end = 1616729349;
	record.packets = 7;
	record.bytes = 471;
	record.tcp_flags = 3;
	record.traffic_path = 8;
	record.direction = RECORD_EGRESS;
	check(record_text_line, &format, &record,
		"5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 3 10.0.0.71 52.95.128.179 - S3 8 egress OK\n");

	interface.values[RECORD_PKT_SRC_AWS_SERVICE] = STR("S3");
	interface.values[RECORD_PKT_DST_AWS_SERVICE] = STR_NONE;
	record.srcaddr = record.pkt_srcaddr = address("52.95.128.179");
	record.dstaddr = record.pkt_dstaddr = address("10.0.0.71");
	record.srcport = 80;
	record.dstport = 34210;
	record.packets = 14;
	record.bytes = 15044;
	record.tcp_flags = 19;
	record.direction = RECORD_INGRESS; /* for which there is no traffic path */
	check(record_text_line, &format, &record,
		"5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK\n");

	struct record_format few = format_of("${flow-direction} ${traffic-path} ${tcp-flags}");
	record.direction = RECORD_NO_DIRECTION;
	record.protocol = 17;
	check(record_text_line, &few, &record, "- - 0\n");
	record.direction = RECORD_EGRESS;
	record.traffic_path = 0;
	check(record_text_line, &few, &record, "egress - 0\n");
}

static void test_values_cannot_break_a_line(void **state)
{
	struct record_interface interface = documented;
	struct record record = ssh();
	struct record_format format = format_of(
		"${ecs-cluster-name} ${instance-tag} ${interface-tag} ${encryption-status}");

	/* RFC 3986, section 2: percent-encoding of UTF-8; 'a-z A-Z 0-9 - . _ ~' are unreserved. */
	interface.values[RECORD_ECS_CLUSTER_NAME] = STR("a b\nc\t%d\"e\\f,g:/\x7f");
	interface.values[RECORD_INSTANCE_TAG] = STR("Web server/1,\xc3\xa9-._~\r\n");
	interface.values[RECORD_INTERFACE_TAG] = STR("plain");
	interface.values[RECORD_ENCRYPTION_STATUS] = STR("3");
	record.interface = &interface;
	check(record_text_line, &format, &record,
		"a%20b%0Ac%09%25d\"e\\f,g:/%7F Web%20server%2F1%2C%C3%A9-._~%0D%0A plain 3\n");
	check(record_json_line, &format, &record,
		"{\"ecs_cluster_name\":\"a%20b%0Ac%09%25d\\\"e\\\\f,g:/%7F\",\"instance_tag\":\"Web%20server%2F1%2C%C3%A9-._~%0D%0A\",\"interface_tag\":\"plain\",\"encryption_status\":3}\n");
	check(record_csv_line, &format, &record,
		"\"a%20b%0Ac%09%25d\"\"e\\f,g:/%7F\",Web%20server%2F1%2C%C3%A9-._~%0D%0A,plain,3\r\n");
	/* An integer field with a text that is none is missing, in every form. */
	interface.values[RECORD_ENCRYPTION_STATUS] = STR("4294967296");
	struct record_format number = format_of("${encryption-status}");
	check(record_text_line, &number, &record, "-\n");
	check(record_json_line, &number, &record, "{\"encryption_status\":null}\n");
}

static void test_long_values(void **state)
{
	static char spaces[20000];
	static char expected[60002];
	struct record_interface interface = documented;
	struct record record = ssh();
	struct record_format format = format_of("${vpc-id}");

	memset(spaces, ' ', sizeof(spaces));
	for (size_t i = 0; i < sizeof(spaces); i++)
		memcpy(expected + 3 * i, "%20", 3);
	expected[60000] = '\n';
	interface.values[RECORD_VPC_ID] = (struct str){spaces, sizeof(spaces)};
	record.interface = &interface;
	check(record_text_line, &format, &record, expected);

	_cleanup_buf_ struct buf json = {0};
	memset(spaces, '"', sizeof(spaces));
	record_json_line(&json, &format, &record);
	assert_int_equal(json.n, strlen("{\"vpc_id\":\"\"}\n") + 2 * sizeof(spaces));
}

static void test_extremes(void **state)
{
	struct record record = ssh();
	struct record_format format = format_of(
		"${packets} ${bytes} ${start} ${end} ${srcport} ${protocol} ${tcp-flags}");

	record.packets = INT64_MAX;
	record.bytes = 0;
	record.start = 0;
	record.end = INT64_MIN;
	record.srcport = 65535;
	record.protocol = 255;
	check(record_text_line, &format, &record, "9223372036854775807 0 0 - 65535 255 0\n");
}

static void test_json(void **state)
{
	struct record record = ssh();

	check(record_json_line, &record_format_default, &record,
		"{\"version\":2,\"account_id\":\"123456789010\",\"interface_id\":\"eni-1235b8ca123456789\",\"srcaddr\":\"172.31.16.139\",\"dstaddr\":\"172.31.16.21\",\"srcport\":20641,\"dstport\":22,\"protocol\":6,\"packets\":20,\"bytes\":4249,\"start\":1418530010,\"end\":1418530070,\"action\":\"ACCEPT\",\"log_status\":\"OK\"}\n");
	record.status = RECORD_NODATA;
	check(record_json_line, &record_format_default, &record,
		"{\"version\":2,\"account_id\":\"123456789010\",\"interface_id\":\"eni-1235b8ca123456789\",\"srcaddr\":null,\"dstaddr\":null,\"srcport\":null,\"dstport\":null,\"protocol\":null,\"packets\":null,\"bytes\":null,\"start\":1418530010,\"end\":1418530070,\"action\":null,\"log_status\":\"NODATA\"}\n");
}

static void test_csv(void **state)
{
	_cleanup_buf_ struct buf header = {0};
	struct record record = ssh();
	struct record_format format =
		format_of("${account-id} ${srcaddr} ${end} ${sublocation-id} ${log-status}");

	record_csv_header(&header, &format);
	assert_string_equal(
		buf_text(&header), "account_id,srcaddr,end,sublocation_id,log_status\r\n");
	check(record_csv_line, &format, &record, "123456789010,172.31.16.139,1418530070,,OK\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_format),
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_every_kind_of_field),
		cmocka_unit_test(test_values_cannot_break_a_line),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
