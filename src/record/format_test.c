/* Expected names, versions and counts are those of AWS's field table (VPC Flow Logs user guide,
 * "Flow log records", 2026) and of its example formats. */
#include "record/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct record_format parse(const char *text)
{
	struct record_format format;
	struct err err = ERR_INIT;

	if (record_format_parse(str_from(text), &format, &err) < 0)
		fail_msg("%s", err.message);
	return format;
}

static void check_refused(const char *text, const char *part)
{
	struct record_format format = {.count = 77};
	struct err err = ERR_INIT;

	assert_true(record_format_parse(str_from(text), &format, &err) < 0);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.message, part))
		fail_msg("'%s' is not in '%s'", part, err.message);
	assert_int_equal(format.count, 77);
}

static void test_default(void **state)
{
	static const char text[] =
		"${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";
	struct record_format format = parse(text);
	_cleanup_buf_ struct buf printed = {0};
	_cleanup_buf_ struct buf header = {0};

	assert_int_equal(format.count, 14);
	assert_int_equal(format.version, 2);
	assert_int_equal(record_format_default.count, 14);
	assert_int_equal(record_format_default.version, 2);
	assert_memory_equal(format.fields, record_format_default.fields, 14);
	record_format_print(&printed, &record_format_default);
	assert_string_equal(buf_text(&printed), text);
	/* As in the objects that AWS writes. */
	record_format_header(&header, &format);
	assert_string_equal(buf_text(&header),
		"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n");
}

/* The version that ${version} prints is the highest of the fields, of version too little to tell.
 */
static void test_versions(void **state)
{
	static const struct {
		const char *text;
		int version;
	} cases[] = {
		{"${srcaddr}", 2},
		{"${version} ${vpc-id}", 3},
		{"${tcp-flags} ${region} ${bytes}", 4},
		{"${flow-direction} ${pkt-srcaddr}", 5},
		{"${ecs-task-id}", 7},
		{"${reject-reason} ${ecs-cluster-arn}", 8},
		{"${resource-id}", 9},
		{"${encryption-status} ${version}", 10},
		{"${asg-tag-2} ${srcaddr}", 11},
		{"${next-hop-interface-type}", 11},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(parse(cases[i].text).version, cases[i].version);
}

static void test_order_is_kept(void **state)
{
	static const char text[] = "${bytes} ${version} ${az-id} ${action}";
	struct record_format format = parse(text);
	_cleanup_buf_ struct buf printed = {0};

	record_format_print(&printed, &format);
	assert_string_equal(buf_text(&printed), text);
	/* Blanks around are the shell's. */
	format = parse(" ${bytes} ");
	assert_int_equal(format.count, 1);
	assert_int_equal(format.fields[0], RECORD_BYTES);
}

static void test_every_vpc_field_at_once(void **state)
{
	_cleanup_buf_ struct buf text = {0};

	for (int i = 0; i < RECORD_FIELDS; i++) {
		if (record_fields[i].family == RECORD_FAMILY_VPC)
			buf_printf(&text, "%s${%s}", i ? " " : "", record_fields[i].name.p);
	}
	struct record_format format = parse(buf_text(&text));
	assert_int_equal(format.count, 54);
	assert_int_equal(format.version, 11);
}

static void test_refused(void **state)
{
	check_refused("", "at least one field");
	check_refused("   ", "at least one field");
	check_refused("${no-such-field}", "'no-such-field'");
	check_refused("${srcaddr} ${sourceaddress}", "'sourceaddress'");
	check_refused("${SRCADDR}", "'SRCADDR'");
	check_refused("${log_status}", "'log_status'");
	check_refused("${tgw-id}", "'tgw-id'");
	check_refused("${srcaddr} ${dstaddr} ${srcaddr}", "'srcaddr' is there twice");
	check_refused("srcaddr", "'srcaddr'");
	check_refused("${srcaddr}${dstaddr}", "srcaddr}${dstaddr");
	check_refused("${srcaddr} , ${dstaddr}", "','");
	check_refused("${srcaddr}  ${dstaddr}", "found ''");
	check_refused("${srcaddr", "'${srcaddr'");
	check_refused("$srcaddr", "'$srcaddr'");
	check_refused("${}", "'${}'");
	check_refused("${ srcaddr }", "${");
	check_refused("${srcaddr}\n${dstaddr}", "srcaddr");
}

/* AWS's table: how many fields of which version. */
static void test_fields_by_version(void **state)
{
	static const int expected[] = {[2] = 14,
		[3] = 7,
		[4] = 4,
		[5] = 4,
		[6] = 18,
		[7] = 10,
		[8] = 1,
		[9] = 1,
		[10] = 1,
		[11] = 12};
	int found[ARRAY_SIZE(expected)] = {0};

	for (int i = 0; i < RECORD_FIELDS; i++) {
		assert_true(record_fields[i].version < (int)ARRAY_SIZE(found));
		found[record_fields[i].version]++;
		assert_int_equal(record_fields[i].version == 6,
			record_fields[i].family == RECORD_FAMILY_TRANSIT_GATEWAY);
	}
	assert_memory_equal(found, expected, sizeof(found));
}

/* SQL names are the names with underscores; integers are exactly the ones that AWS lists. */
static void test_names_and_types(void **state)
{
	static const int int32[] = {RECORD_VERSION, RECORD_SRCPORT, RECORD_DSTPORT, RECORD_PROTOCOL,
		RECORD_TCP_FLAGS, RECORD_TRAFFIC_PATH, RECORD_ENCRYPTION_STATUS};
	static const int int64[] = {RECORD_PACKETS, RECORD_BYTES, RECORD_START, RECORD_END,
		RECORD_PACKETS_LOST_NO_ROUTE, RECORD_PACKETS_LOST_BLACKHOLE,
		RECORD_PACKETS_LOST_MTU_EXCEEDED, RECORD_PACKETS_LOST_TTL_EXPIRED};

	for (int i = 0; i < RECORD_FIELDS; i++) {
		const struct record_field_info *field = &record_fields[i];
		enum record_type type = RECORD_TYPE_STRING;

		for (size_t j = 0; j < ARRAY_SIZE(int32); j++)
			type = int32[j] == i ? RECORD_TYPE_INT32 : type;
		for (size_t j = 0; j < ARRAY_SIZE(int64); j++)
			type = int64[j] == i ? RECORD_TYPE_INT64 : type;
		assert_int_equal(field->parquet, type);
		assert_int_equal(field->sql_name.n, field->name.n);
		for (size_t j = 0; j < field->name.n; j++)
			assert_int_equal(field->sql_name.p[j],
				field->name.p[j] == '-' ? '_' : field->name.p[j]);
		assert_int_equal(record_field_find(field->name), i);
		assert_int_equal(record_field_find_sql(field->sql_name), i);
		assert_true(field->meaning[0]);
	}
}

static void test_find(void **state)
{
	/* The column names of AWS's CREATE TABLE statements before 2021-12. */
	static const struct {
		const char *old;
		int field;
	} cases[] = {
		{"account", RECORD_ACCOUNT_ID},
		{"interfaceid", RECORD_INTERFACE_ID},
		{"sourceaddress", RECORD_SRCADDR},
		{"destinationaddress", RECORD_DSTADDR},
		{"sourceport", RECORD_SRCPORT},
		{"destinationport", RECORD_DSTPORT},
		{"numpackets", RECORD_PACKETS},
		{"numbytes", RECORD_BYTES},
		{"starttime", RECORD_START},
		{"endtime", RECORD_END},
		{"logstatus", RECORD_LOG_STATUS},
		{"PktDstAwsService", RECORD_PKT_DST_AWS_SERVICE},
		{"SRCADDR", RECORD_SRCADDR},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(record_field_find_sql(str_from(cases[i].old)), cases[i].field);
	assert_int_equal(record_field_find_sql(STR("src")), -1);
	assert_int_equal(record_field_find_sql(STR("")), -1);
	assert_int_equal(record_field_find(STR("account_id")), -1);
	assert_int_equal(record_field_find(STR("Version")), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_order_is_kept),
		cmocka_unit_test(test_every_vpc_field_at_once),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fields_by_version),
		cmocka_unit_test(test_names_and_types),
		cmocka_unit_test(test_find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
