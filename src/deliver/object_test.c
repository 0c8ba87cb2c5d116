#include "deliver/object.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

static char folder[] = "/tmp/nagare-object-test-XXXXXX";
static struct record_interface interface;

static struct deliver_options make_options(const char *bucket)
{
	struct deliver_options options = {
		.bucket = bucket,
		.account_id = "111122223333",
		.region = "eu-west-1",
		.flow_log_id = "fl-0aa11bb22cc33dd44",
		.format = record_format_default,
		.max_waiting_bytes = 1 << 20,
	};

	return options;
}

static struct record make_record(int64_t end)
{
	struct record record = {.interface = &interface,
		.protocol = 6,
		.packets = 1,
		.bytes = 60,
		.start = end,
		.end = end};

	ip_parse(STR("192.0.2.77"), &record.srcaddr);
	ip_parse(STR("10.1.2.30"), &record.dstaddr);
	return record;
}

static void add(struct deliver_objects *objects, int64_t end)
{
	struct record record = make_record(end);
	struct err err;

	assert_int_equal(deliver_objects_add(objects, &record, &err), 0);
}

static size_t count_lines(const char *bucket, const char *key)
{
	_cleanup_free_ char *path = mem_printf("%s/%s", bucket, key);
	_cleanup_(input_closep) struct input *input = NULL;
	struct err err;
	struct str text;
	size_t lines = 0;

	assert_int_equal(input_open(&input, path, &err), 0);
	assert_int_equal(input_peek(input, 1 << 20, &text, &err), 0);
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	return lines;
}

/* 1788232800 is 2026-09-01T03:20:00Z (date -u -d @1788232800). */
static void keys_as_aws_writes_them(void **state)
{
	static const struct {
		bool hive, hourly;
		const char *prefix;
		const char *expected;
	} cases[] = {
		{false, false, NULL, "AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/09/01/"},
		{false, true, "logs/",
			"logs/AWSLogs/111122223333/vpcflowlogs/eu-west-1/2026/09/01/03/"},
		{true, false, "logs",
			"logs/AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/"
			"aws-region=eu-west-1/year=2026/month=09/day=01/"},
		{true, true, NULL,
			"AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/"
			"aws-region=eu-west-1/year=2026/month=09/day=01/hour=03/"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *bucket = mem_printf("%s/keys-%zu", folder, i);
		_cleanup_(deliver_objects_closep) struct deliver_objects *objects = NULL;
		struct deliver_options options = make_options(bucket);
		struct err err;
		options.hive_compatible_partitions = cases[i].hive;
		options.per_hour_partition = cases[i].hourly;
		options.prefix = cases[i].prefix;
		assert_int_equal(deliver_objects_open(&objects, &options, &err), 0);
		add(objects, 1788232800 + 299);
		assert_int_equal(deliver_objects_publish(objects, 1788233040, &err), 0);
		_cleanup_free_ char *expected = mem_printf(
			"%s111122223333_vpcflowlogs_eu-west-1_fl-0aa11bb22cc33dd44_20260901T0320Z_",
			cases[i].expected);
		struct str key = str_from(deliver_objects_last_key(objects));
		assert_true(str_starts_with(key, str_from(expected)));
		assert_int_equal(key.n, strlen(expected) + strlen("01234567.log.gz"));
		assert_true(str_ends_with(key, STR(".log.gz")));
	}
}

static void one_object_per_stamp_and_none_replaced(void **state)
{
	_cleanup_free_ char *bucket = mem_printf("%s/stamps", folder);
	struct deliver_options options = make_options(bucket);
	struct err err;

	for (int restart = 0; restart < 2; restart++) {
		_cleanup_(deliver_objects_closep) struct deliver_objects *objects = NULL;
		assert_int_equal(deliver_objects_open(&objects, &options, &err), 0);
		add(objects, 1788232800);
		add(objects, 1788233099);
		add(objects, 1788233100);
		assert_int_equal(deliver_objects_publish(objects, 1788232800, &err), 0);
		assert_int_equal(deliver_objects_count(objects), 2);
		assert_int_equal(count_lines(bucket, deliver_objects_last_key(objects)), 2);
		assert_int_equal(deliver_objects_publish(objects, 1788232860, &err), 0);
		assert_int_equal(deliver_objects_count(objects), 2);
	}
	_cleanup_free_ char *command =
		mem_printf("test $(find %s -name '*.log.gz' | wc -l) = 4", bucket);
	assert_int_equal(system(command), 0);
}

/* A folder where the key's folder should be: writing fails until it is gone. */
static void waits_when_it_cannot_write_and_gives_up_the_oldest(void **state)
{
	_cleanup_free_ char *bucket = mem_printf("%s/waits", folder);
	_cleanup_free_ char *block = mem_printf("%s/AWSLogs", bucket);
	_cleanup_(deliver_objects_closep) struct deliver_objects *objects = NULL;
	struct deliver_options options = make_options(bucket);
	struct err err;

	options.max_waiting_bytes = 1000;
	assert_int_equal(deliver_objects_open(&objects, &options, &err), 0);
	FILE *file = fopen(block, "w");
	assert_non_null(file);
	fclose(file);
	add(objects, 1788232800);
	assert_true(deliver_objects_publish(objects, 1, &err) < 0);
	assert_int_equal(deliver_objects_waiting(objects), 1);
	assert_int_equal(deliver_objects_take_given_up(objects), 0);
	for (int i = 0; i < 100; i++)
		add(objects, 1788232860);
	assert_true(deliver_objects_publish(objects, 2, &err) < 0);
	assert_int_equal(deliver_objects_take_given_up(objects), 101);
	assert_int_equal(deliver_objects_take_given_up(objects), 0);
	add(objects, 1788232920);
	assert_true(deliver_objects_publish(objects, 3, &err) < 0);
	assert_int_equal(unlink(block), 0);
	add(objects, 1788232980);
	assert_int_equal(deliver_objects_publish(objects, 4, &err), 0);
	assert_int_equal(deliver_objects_waiting(objects), 0);
	assert_int_equal(deliver_objects_count(objects), 2);
}

static void parquet_is_parquet(void **state)
{
	_cleanup_free_ char *bucket = mem_printf("%s/parquet", folder);
	_cleanup_(deliver_objects_closep) struct deliver_objects *objects = NULL;
	struct deliver_options options = make_options(bucket);
	_cleanup_buf_ struct buf bytes = {0};
	struct err err;

	options.file_format = DELIVER_PARQUET;
	assert_int_equal(deliver_objects_open(&objects, &options, &err), 0);
	add(objects, 1788232800);
	assert_int_equal(deliver_objects_publish(objects, 1788232800, &err), 0);
	_cleanup_free_ char *path = mem_printf("%s/%s", bucket, deliver_objects_last_key(objects));
	assert_true(str_ends_with(str_from(path), STR(".log.parquet")));
	assert_int_equal(file_read(path, 1 << 20, &bytes, &err), 0);
	assert_true(str_starts_with(buf_str(&bytes), STR("PAR1")));
	assert_true(str_ends_with(buf_str(&bytes), STR("PAR1")));
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_as_aws_writes_them),
		cmocka_unit_test(one_object_per_stamp_and_none_replaced),
		cmocka_unit_test(waits_when_it_cannot_write_and_gives_up_the_oldest),
		cmocka_unit_test(parquet_is_parquet),
	};
	interface.values[RECORD_ACCOUNT_ID] = STR("111122223333");
	interface.values[RECORD_INTERFACE_ID] = STR("eni-0aa11bb22cc33dd44");
	if (!mkdtemp(folder))
		return 1;
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	_cleanup_free_ char *command = mem_printf("rm -rf %s", folder);
	return system(command) == 0 ? result : 1;
}
