/* Delivers records that can be told apart, for tests of the room deliver against real servers.
 * usage: deliver-records KIND DESTINATION SPOOL [NAME=VALUE...]
 * KIND: folder, s3, logs, firehose. Record n (from first=1 on) has n packets and n * 100 bytes, and
 * is one of interface n % interfaces. Prints "committed N" after each window whose records, up to
 * N, are in the spool, and at the end the status as JSON. Keys come from AWS's chain.
 * Names: endpoint, ca, role, sts, windows, records (a window), interfaces, start, interval, first,
 * pause-ms, drain-ms, spool-max, format, parquet, hive, hourly, plain, wide (random addresses),
 * traffic, deleted, latency (waits for each window and prints "MS ms" of it), also=GROUP
 * also-endpoint (every record also as events to that log group, whose status is printed last). */
#include "base/clock.h"
#include "deliver/deliver.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INTERFACES_MAX 1000

static char **arguments;
static struct deliver_flow_log *also;
static struct record_interface interfaces[INTERFACES_MAX];
static char ids[INTERFACES_MAX][32];

static const char *option(const char *name)
{
	size_t n = strlen(name);

	for (char **argument = arguments; *argument; argument++) {
		if (strncmp(*argument, name, n) == 0 && (*argument)[n] == '=')
			return *argument + n + 1;
	}
	return NULL;
}

static int64_t number(const char *name, int64_t otherwise)
{
	const char *text = option(name);

	return text ? strtoll(text, NULL, 10) : otherwise;
}

static void warn(void *context, const struct err *err)
{
	fprintf(stderr, "warning: %s%s%s\n", err->message, err->hint[0] ? "; " : "", err->hint);
}

static void must(int result, const struct err *err)
{
	if (result >= 0)
		return;
	fprintf(stderr, "error: %s\n", err->message);
	exit(1);
}

static void make_interfaces(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "eni-%017zx", i + 1);
		interfaces[i].values[RECORD_ACCOUNT_ID] = STR("111122223333");
		interfaces[i].values[RECORD_INTERFACE_ID] = str_from(ids[i]);
		interfaces[i].values[RECORD_VPC_ID] = STR("vpc-00112233445566778");
	}
}

static struct ip_addr address(bool is_wide, uint64_t n)
{
	static uint64_t state = 88172645463325252u;
	char text[64];
	struct ip_addr address;

	if (!is_wide) {
		snprintf(text, sizeof(text), "10.%u.%u.%u", (unsigned)(n >> 16) & 255,
			(unsigned)(n >> 8) & 255, (unsigned)n & 255);
	} else {
		uint64_t halves[2];
		for (int i = 0; i < 2; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			halves[i] = state ^= state << 17;
		}
		snprintf(text, sizeof(text), "2001:%x:%x:%x:%x:%x:%x:%x",
			(unsigned)halves[0] & 0xffff, (unsigned)(halves[0] >> 16) & 0xffff,
			(unsigned)(halves[0] >> 32) & 0xffff, (unsigned)(halves[0] >> 48) & 0xffff,
			(unsigned)halves[1] & 0xffff, (unsigned)(halves[1] >> 16) & 0xffff,
			(unsigned)(halves[1] >> 32) & 0xffff);
	}
	ip_parse(str_from(text), &address);
	return address;
}

static void add(struct deliver_flow_log *flow_log, uint64_t n, int64_t window)
{
	size_t interface = n % (uint64_t)number("interfaces", 1);
	bool is_wide = option("wide") != NULL;
	/* Out of order, as flows come out of a table. */
	int64_t second = (int64_t)(n * 7919 % (uint64_t)number("interval", 10));
	struct record record = {
		.interface = &interfaces[interface],
		.srcaddr = address(is_wide, n),
		.dstaddr = address(is_wide, n + 1),
		.srcport = (uint16_t)n,
		.dstport = 443,
		.protocol = 6,
		.packets = n,
		.bytes = n * 100,
		.start = window + second,
		.end = window + number("interval", 10) - 1,
	};
	struct err err = ERR_INIT;

	record.pkt_srcaddr = record.srcaddr;
	record.pkt_dstaddr = record.dstaddr;
	must(deliver_add(flow_log, &record, &err), &err);
	if (also)
		must(deliver_add(also, &record, &err), &err);
}

static void print_status(struct deliver_flow_log *flow_log)
{
	static const char *const faults[] = {"", "Access error", "Rate limited", "Unknown error"};
	struct deliver_status status;

	deliver_flow_log_status(flow_log, &status);
	printf("{\"fault\":\"%s\",\"records\":%" PRIu64 ",\"batches\":%" PRIu64
	       ",\"retries\":%" PRIu64 ",\"given_up\":%" PRIu64 ",\"waiting\":%" PRIu64
	       ",\"spool_batches\":%" PRIu64 ",\"spool_bytes\":%" PRIu64 ",\"last\":\"%s\"}\n",
		faults[status.fault], status.records, status.batches, status.retries,
		status.given_up, status.waiting, status.spool_batches, status.spool_bytes,
		status.last_name);
	fflush(stdout);
	if (status.message[0])
		fprintf(stderr, "status: %s\n", status.message);
}

static enum deliver_kind kind_of(const char *name)
{
	static const char *const names[] = {"folder", "s3", "logs", "firehose"};
	size_t i = 0;

	while (i < 3 && strcmp(names[i], name) != 0)
		i++;
	return (enum deliver_kind)i;
}

static void sleep_ms(int64_t ms)
{
	struct timespec wait = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&wait, NULL);
}

/* From the window's end to the destination's acknowledgement. */
static void print_latency(struct deliver_flow_log *flow_log, int64_t since)
{
	struct deliver_status status;

	do {
		struct timespec wait = {.tv_nsec = 100000};
		nanosleep(&wait, NULL);
		deliver_flow_log_status(flow_log, &status);
	} while (status.spool_batches);
	printf("%.1f ms\n", (double)(clock_mono_ns() - since) / 1e6);
}

static void commit_windows(struct deliver_flow_log *flow_log)
{
	int64_t interval = number("interval", 10);
	int64_t start = number("start", clock_wall_ns() / CLOCK_NS_PER_SECOND);
	uint64_t n = (uint64_t)number("first", 1);

	start -= start % interval;
	for (int64_t i = 0; i < number("windows", 1); i++, start += interval) {
		struct err err = ERR_INIT;
		for (int64_t j = 0; j < number("records", 10); j++)
			add(flow_log, n++, start);
		int64_t before = clock_mono_ns();
		if (deliver_commit(flow_log, start, &err) < 0)
			warn(NULL, &err);
		else
			printf("committed %" PRIu64 "\n", n - 1);
		if (also)
			must(deliver_commit(also, start, &err), &err);
		if (option("latency"))
			print_latency(flow_log, before);
		fflush(stdout);
		sleep_ms(number("pause-ms", 0));
	}
}

static void open_all(char **argv, struct aws_credentials_source *credentials,
	const struct aws_credentials_settings *chain, struct deliver **ret_deliver,
	struct deliver_flow_log **ret_flow_log)
{
	const char *endpoint = option("endpoint"), *format = option("format");
	const struct deliver_settings settings = {.folder = argv[3],
		.spool_max = (uint64_t)number("spool-max", 0),
		.region = "us-east-1",
		.account_id = "111122223333",
		.s3_endpoint = endpoint,
		.logs_endpoint = option("also-endpoint") ? option("also-endpoint") : endpoint,
		.firehose_endpoint = endpoint,
		.sts_endpoint = option("sts"),
		.ca_bundle = option("ca"),
		.credentials = credentials,
		.credentials_settings = chain,
		.warn = warn};
	struct deliver_flow_log_options options = {.id = "fl-0aa11bb22cc33dd44",
		.kind = kind_of(argv[1]),
		.destination = argv[2],
		.role_arn = option("role"),
		.is_parquet = option("parquet") != NULL,
		.is_hive_compatible = option("hive") != NULL,
		.is_per_hour = option("hourly") != NULL,
		.traffic = (enum deliver_traffic)number("traffic", DELIVER_ALL),
		.is_plain = option("plain") != NULL,
		.format = record_format_default};
	struct err err = ERR_INIT;

	if (format)
		must(record_format_parse(str_from(format), &options.format, &err), &err);
	must(deliver_open(ret_deliver, &settings, &err), &err);
	must(deliver_flow_log_open(ret_flow_log, *ret_deliver, &options, &err), &err);
	if (option("also")) {
		options.id = "fl-0aa11bb22cc33dd55";
		options.kind = DELIVER_TO_LOGS;
		options.destination = option("also");
		options.is_parquet = false;
		must(deliver_flow_log_open(&also, *ret_deliver, &options, &err), &err);
	}
}

int main(int argc, char **argv)
{
	const struct aws_credentials_settings chain = {.region = "us-east-1"};
	struct aws_credentials_source *credentials;
	struct deliver_flow_log *flow_log;
	struct deliver *deliver;
	struct err err = ERR_INIT;

	if (argc < 4) {
		fprintf(stderr, "usage: deliver-records KIND DESTINATION SPOOL [NAME=VALUE...]\n");
		return 2;
	}
	arguments = argv + 4;
	make_interfaces((size_t)number("interfaces", 1));
	must(aws_credentials_source_new(&credentials, &chain, &err), &err);
	open_all(argv, credentials, &chain, &deliver, &flow_log);
	commit_windows(flow_log);
	/* As an agent does: windows go on, with what could not be stored in theirs. */
	int64_t until = clock_mono_ns() + number("drain-ms", 10000) * 1000000;
	struct deliver_status status;
	do {
		sleep_ms(10);
		deliver_flow_log_status(flow_log, &status);
		if (status.waiting)
			deliver_commit(flow_log, clock_wall_ns() / CLOCK_NS_PER_SECOND, NULL);
	} while ((status.spool_batches || status.waiting) && clock_mono_ns() < until);
	print_status(flow_log);
	uint64_t given_up = deliver_take_given_up(flow_log);
	if (given_up != status.given_up)
		fprintf(stderr, "status: %" PRIu64 " given up, told %" PRIu64 "\n", status.given_up,
			given_up);
	if (also) {
		print_status(also);
		deliver_flow_log_close(also, 0, false);
	}
	deliver_flow_log_close(flow_log, 0, option("deleted") != NULL);
	deliver_close(deliver);
	aws_credentials_source_free(credentials);
	return 0;
}
