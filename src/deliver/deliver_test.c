/* What needs no server: folders, options, what is kept when nothing answers. Deliveries to servers
 * are tests/deliver's. */
#include "deliver/deliver.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static char root[] = "/tmp/nagare-deliver-test-XXXXXX";
static struct aws_credentials_source *credentials;
static struct record_interface interface;
static unsigned warnings;

static void on_warning(void *context, const struct err *err)
{
	warnings++;
}

static struct deliver *open_deliver(const char *folder, uint64_t spool_max)
{
	const struct deliver_settings settings = {
		.folder = folder,
		.spool_max = spool_max,
		.region = "eu-west-1",
		.account_id = "111122223333",
		.s3_endpoint = "http://127.0.0.1:1", /* nobody listens */
		.logs_endpoint = "http://127.0.0.1:1",
		.firehose_endpoint = "http://127.0.0.1:1",
		.credentials = credentials,
		.warn = on_warning,
	};
	struct deliver *deliver;
	struct err err = ERR_INIT;

	if (deliver_open(&deliver, &settings, &err) < 0)
		fail_msg("%s", err.message);
	return deliver;
}

static struct deliver_flow_log_options make_options(enum deliver_kind kind, const char *destination)
{
	return (struct deliver_flow_log_options){
		.id = "fl-0aa11bb22cc33dd44",
		.kind = kind,
		.destination = destination,
		.format = record_format_default,
	};
}

static void add_at(struct deliver_flow_log *flow_log, unsigned count, int64_t start)
{
	struct record record = {.interface = &interface, .start = start, .end = start + 9};
	struct err err;

	for (unsigned i = 0; i < count; i++)
		assert_int_equal(deliver_add(flow_log, &record, &err), 0);
}

/* 1788232800 is 2026-09-01T03:20:00Z (date -u -d @1788232800). */
static void add(struct deliver_flow_log *flow_log, unsigned count)
{
	add_at(flow_log, count, 1788232800);
}

static void a_folder_gets_objects_at_once(void **state)
{
	_cleanup_free_ char *bucket = mem_printf("%s/bucket", root);
	struct deliver_flow_log_options options = make_options(DELIVER_TO_FOLDER, bucket);
	struct deliver *deliver = open_deliver(NULL, 0);
	struct deliver_flow_log *flow_log;
	struct deliver_status status;
	struct err err = ERR_INIT;

	options.is_hive_compatible = true;
	assert_int_equal(deliver_flow_log_open(&flow_log, deliver, &options, &err), 0);
	add(flow_log, 3);
	assert_int_equal(deliver_commit(flow_log, 1788232800, &err), 0);
	deliver_flow_log_status(flow_log, &status);
	assert_int_equal(status.records, 3);
	assert_int_equal(status.batches, 1);
	assert_int_equal(status.waiting + status.spool_batches + status.given_up, 0);
	assert_true(status.delivered_ms > 0);
	_cleanup_free_ char *path = mem_printf("%s/%s", bucket, status.last_name);
	assert_non_null(strstr(path, "/AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/"
				     "aws-region=eu-west-1/year=2026/month=09/day=01/"));
	_cleanup_(input_closep) struct input *input = NULL;
	struct str text;
	assert_int_equal(input_open(&input, path, &err), 0);
	assert_int_equal(input_peek(input, 1 << 20, &text, &err), 0);
	size_t lines = 0;
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	assert_int_equal(lines, 1 + 3);
	/* Nothing to say: no object. */
	assert_int_equal(deliver_commit(flow_log, 1788232810, &err), 0);
	deliver_flow_log_status(flow_log, &status);
	assert_int_equal(status.batches, 1);
	deliver_flow_log_close(flow_log, 0, false);
	deliver_close(deliver);
}

/* A file stands where the folder of the key should be. */
static void a_folder_that_cannot_be_written_makes_records_wait(void **state)
{
	_cleanup_free_ char *bucket = mem_printf("%s/blocked", root);
	_cleanup_free_ char *block = mem_printf("%s/AWSLogs", bucket);
	const struct deliver_flow_log_options options = make_options(DELIVER_TO_FOLDER, bucket);
	struct deliver *deliver = open_deliver(NULL, 0);
	struct deliver_flow_log *flow_log;
	struct deliver_status status;
	struct err err = ERR_INIT;

	assert_int_equal(deliver_flow_log_open(&flow_log, deliver, &options, &err), 0);
	FILE *file = fopen(block, "w");
	assert_non_null(file);
	fclose(file);
	add(flow_log, 5);
	assert_true(deliver_commit(flow_log, 1, &err) < 0);
	deliver_flow_log_status(flow_log, &status);
	assert_int_equal(status.fault, DELIVER_UNKNOWN_ERROR);
	assert_string_not_equal(status.message, "");
	assert_int_equal(status.waiting, 5);
	assert_int_equal(status.records, 0);
	assert_int_equal(unlink(block), 0);
	add(flow_log, 2);
	assert_int_equal(deliver_commit(flow_log, 2, &err), 0);
	deliver_flow_log_status(flow_log, &status);
	assert_int_equal(status.fault, DELIVER_OK);
	assert_int_equal(status.records, 7);
	assert_int_equal(status.batches, 2);
	assert_int_equal(status.waiting, 0);
	assert_int_equal(deliver_take_given_up(flow_log), 0);
	deliver_flow_log_close(flow_log, 0, false);
	deliver_close(deliver);
}

/* Beyond spool_max the newest are given up, and told once. */
static void what_nobody_takes_stays_and_is_bounded(void **state)
{
	static const struct {
		enum deliver_kind kind;
		const char *destination;
	} kinds[] = {
		{DELIVER_TO_S3, "arn:aws:s3:::flows/folder"},
		{DELIVER_TO_LOGS, "arn:aws:logs:eu-west-1:111122223333:log-group:/flows:*"},
		{DELIVER_TO_FIREHOSE, "arn:aws:firehose:eu-west-1:111122223333:deliverystream/x"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_free_ char *folder = mem_printf("%s/spools-%zu", root, i);
		const struct deliver_flow_log_options options =
			make_options(kinds[i].kind, kinds[i].destination);
		struct deliver *deliver = open_deliver(folder, 3 * 4096);
		struct deliver_flow_log *flow_log;
		struct deliver_status status;
		struct err err = ERR_INIT;
		assert_int_equal(deliver_flow_log_open(&flow_log, deliver, &options, &err), 0);
		warnings = 0;
		for (int window = 0; window < 5; window++) {
			/* Events of more than 14 days ago would be given up for their age. */
			add_at(flow_log, 2, clock_wall_ns() / CLOCK_NS_PER_SECOND - 60);
			assert_int_equal(deliver_commit(flow_log, window, &err), 0);
		}
		assert_true(warnings >= 2);
		assert_int_equal(deliver_take_given_up(flow_log), 4);
		assert_int_equal(deliver_take_given_up(flow_log), 0);
		deliver_flow_log_status(flow_log, &status);
		assert_int_equal(status.spool_batches, 3);
		assert_int_equal(status.given_up, 4);
		assert_true(status.oldest_ms > 0);
		deliver_flow_log_close(flow_log, 0, false);
		/* The next process has them, and the one after it none. */
		assert_int_equal(deliver_flow_log_open(&flow_log, deliver, &options, &err), 0);
		deliver_flow_log_status(flow_log, &status);
		assert_int_equal(status.spool_batches, 3);
		deliver_flow_log_close(flow_log, 10, true);
		assert_int_equal(deliver_flow_log_open(&flow_log, deliver, &options, &err), 0);
		deliver_flow_log_status(flow_log, &status);
		assert_int_equal(status.spool_batches, 0);
		assert_int_equal(status.oldest_ms, 0);
		deliver_flow_log_close(flow_log, 0, true);
		deliver_close(deliver);
	}
}

static void options_are_checked(void **state)
{
	_cleanup_free_ char *folder = mem_printf("%s/options", root);
	static const struct {
		enum deliver_kind kind;
		const char *destination, *id;
		bool is_parquet;
	} wrong[] = {
		{DELIVER_TO_S3, "flows", "fl-1", false},
		{DELIVER_TO_S3, "arn:aws:logs:::x", "fl-1", false},
		{DELIVER_TO_LOGS, "arn:aws:logs:eu-west-1:1:log-stream:x", "fl-1", false},
		{DELIVER_TO_LOGS, "", "fl-1", false},
		{DELIVER_TO_LOGS, "group", "fl-1", true},
		{DELIVER_TO_FIREHOSE, "arn:aws:firehose:eu-west-1:1:deliverystream/", "fl-1",
			false},
		{DELIVER_TO_LOGS, "group", "../fl-1", false},
		{DELIVER_TO_LOGS, "group", "", false},
	};
	struct deliver *deliver = open_deliver(folder, 0);
	struct deliver_flow_log *flow_log;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct deliver_flow_log_options options =
			make_options(wrong[i].kind, wrong[i].destination);
		struct err err = ERR_INIT;
		options.id = wrong[i].id;
		options.is_parquet = wrong[i].is_parquet;
		assert_true(deliver_flow_log_open(&flow_log, deliver, &options, &err) < 0);
		assert_int_equal(err.code, ERR_USAGE);
	}
	deliver_close(deliver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_gets_objects_at_once),
		cmocka_unit_test(a_folder_that_cannot_be_written_makes_records_wait),
		cmocka_unit_test(what_nobody_takes_stays_and_is_bounded),
		cmocka_unit_test(options_are_checked),
	};
	const struct aws_credentials_settings keys = {
		.access_key_id = "AKIATEST", .secret_access_key = "secret", .region = "eu-west-1"};
	struct err err;
	interface.values[RECORD_ACCOUNT_ID] = STR("111122223333");
	interface.values[RECORD_INTERFACE_ID] = STR("eni-0aa11bb22cc33dd44");
	if (!mkdtemp(root) || aws_credentials_source_new(&credentials, &keys, &err) < 0)
		return 1;
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	aws_credentials_source_free(credentials);
	_cleanup_free_ char *command = mem_printf("rm -rf %s", root);
	return system(command) == 0 ? result : 1;
}
