#include "agent/agent.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "capture/live.h"
#include "cli/command.h"
#include "cli/defaults.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const struct cli_command cli_run;

#define INTERFACES_MAX    256
#define MAX_FLOWS_DEFAULT (512u << 10)

struct settings {
	const char *interfaces[INTERFACES_MAX];
	size_t interfaces_count;
	bool loopback;
	uint64_t interval;
	const char *format;
	bool parquet;
	const char *bucket, *prefix;
	bool hive_compatible_partitions, per_hour_partition;
	const char *account_id, *region;
	uint64_t max_flows;
	bool require_verdict;
	bool quiet;
};

static int set_interface(void *settings_, const char *value, struct err *err)
{
	struct settings *settings = settings_;

	if (settings->interfaces_count == INTERFACES_MAX)
		return err_set(err, ERR_USAGE, "at most %d interfaces", INTERFACES_MAX);
	settings->interfaces[settings->interfaces_count++] = value;
	return 0;
}

static int set_loopback(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->loopback = true;
	return 0;
}

static int set_interval(void *settings, const char *value, struct err *err)
{
	uint64_t *interval = &((struct settings *)settings)->interval;

	if (!number_parse_seconds(str_from(value), AGENT_INTERVAL_MAX, interval) || *interval == 0)
		return err_set(err, ERR_USAGE, "expected 1 to %d seconds, found '%s'",
			AGENT_INTERVAL_MAX, value);
	return 0;
}

static int set_format(void *settings, const char *value, struct err *err)
{
	struct record_format format;

	((struct settings *)settings)->format = value;
	return record_format_parse(str_from(value), &format, err);
}

static int set_file_format(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->parquet = strcmp(value, "parquet") == 0;
	if (strcmp(value, "parquet") != 0 && strcmp(value, "plain-text") != 0)
		return err_set(err, ERR_USAGE, "expected plain-text or parquet, found '%s'", value);
	return 0;
}

static int set_bucket(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->bucket = value;
	return *value ? 0 : err_set(err, ERR_USAGE, "expected a folder");
}

static int set_prefix(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->prefix = value;
	if (value[0] == '/' || strstr(value, "..") || strncmp(value, "AWSLogs", 7) == 0)
		return err_set(err, ERR_USAGE,
			"expected a folder inside the bucket, not AWSLogs, found '%s'", value);
	return 0;
}

static int set_hive(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->hive_compatible_partitions = true;
	return 0;
}

static int set_per_hour(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->per_hour_partition = true;
	return 0;
}

static int set_account_id(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->account_id = value;
	return 0;
}

static int set_region(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->region = value;
	return 0;
}

static int set_max_flows(void *settings, const char *value, struct err *err)
{
	uint64_t *max_flows = &((struct settings *)settings)->max_flows;

	if (!number_parse(str_from(value), CAPTURE_LIVE_FLOWS_MAX, max_flows) || *max_flows < 1024)
		return err_set(err, ERR_USAGE, "expected 1024 to %u flows, found '%s'",
			CAPTURE_LIVE_FLOWS_MAX, value);
	return 0;
}

static int set_require_verdict(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->require_verdict = true;
	return 0;
}

static int set_quiet(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->quiet = true;
	return 0;
}

/* What the status callback remembers between calls. */
struct display {
	const struct settings *settings;
	const char *bucket;
	uint32_t interval;
	bool default_bucket; /* where queries look by themselves */
	bool terminal;
	bool shown; /* a status line stands on the terminal */
	uint64_t packets;
	int64_t time_ns;
};

static void erase_status(struct display *display)
{
	if (display->shown)
		fputs("\r\033[K", stderr);
	display->shown = false;
}

static void show_warning(void *context, const struct err *err)
{
	erase_status(context);
	cli_warn("%s%s%s", err->message, err->hint[0] ? "; " : "", err->hint);
}

static void show_started(void *context, const struct agent_status *status, bool verdicts)
{
	struct display *display = context;

	if (!verdicts)
		cli_warn(
			"this kernel gives no reasons for dropped packets: every record says ACCEPT "
			"('nagare doctor' tells more)");
	if (display->settings->quiet)
		return;
	fprintf(stderr,
		"Recording %zu interface%s into %s, one object every %" PRIu64 " s.\n"
		"Ctrl-C stops and writes the open window. Then, or from another terminal:\n"
		"  %s%s query%s%s \"SELECT * FROM vpc_flow_logs WHERE action = 'REJECT' LIMIT 10\"\n",
		status->interfaces, status->interfaces == 1 ? "" : "s", display->bucket,
		(uint64_t)display->interval,
		getenv("SUDO_UID") ? "sudo " : "", /* the bucket is root's then, and closed */
		program_invocation_name, display->default_bucket ? "" : " --from ",
		display->default_bucket ? "" : display->bucket);
}

static void show_status(void *context, const struct agent_status *status)
{
	struct display *display = context;
	char line[512];
	int64_t now_ns = clock_mono_ns();
	double seconds = (double)(now_ns - display->time_ns) / 1e9;
	double rate = display->time_ns && seconds > 0
			      ? (double)(status->packets - display->packets) / seconds
			      : 0;

	display->packets = status->packets;
	display->time_ns = now_ns;
	if (!display->terminal)
		return;
	snprintf(line, sizeof(line),
		"%zu flows  %.0f packets/s  %" PRIu64 " rejected  %" PRIu64
		" objects  window ends in %" PRId64 " s",
		status->flows, rate, status->rejected_packets, status->batches,
		status->window_ends - clock_wall_ns() / CLOCK_NS_PER_SECOND);
	fprintf(stderr, "\r\033[K%.*s", (int)cli_terminal_columns(STDERR_FILENO) - 1, line);
	display->shown = true;
}

/* Keeps the totals for the last line. */
struct totals {
	struct display display;
	struct agent_status status;
};

static void on_status(void *context, const struct agent_status *status)
{
	struct totals *totals = context;

	totals->status = *status;
	show_status(&totals->display, status);
}

static void show_totals(const struct totals *totals)
{
	const struct agent_status *status = &totals->status;

	fprintf(stderr,
		"%" PRIu64 " records of %" PRIu64 " packets (%" PRIu64 " rejected) in %" PRIu64
		" objects.\n",
		status->records, status->packets, status->rejected_packets, status->batches);
	if (status->missed_packets)
		cli_warn("%" PRIu64
			 " packets could not be attributed to a flow; SKIPDATA records say "
			 "where (--max-flows raises the bound)",
			status->missed_packets);
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	struct settings *settings = settings_;
	_cleanup_free_ char *default_bucket = cli_default_bucket();
	struct totals totals = {.display = {.settings = settings, .bucket = settings->bucket}};

	if (!settings->bucket) {
		totals.display.bucket = settings->bucket = default_bucket;
		totals.display.default_bucket = true;
	}
	if (!settings->interval)
		settings->interval = 60;
	totals.display.terminal = !settings->quiet && cli_is_terminal(STDERR_FILENO);
	totals.display.interval = (uint32_t)settings->interval;
	signal(SIGPIPE, SIG_IGN);
	_cleanup_free_ char *destination = mem_printf("%s%s%s", settings->bucket,
		settings->prefix ? "/" : "", settings->prefix ? settings->prefix : "");
	struct agent_flow_log flow_log = {
		.resource = AGENT_EVERYTHING,
		.interval = (uint32_t)settings->interval,
		.kind = DELIVER_TO_FOLDER,
		.destination = destination,
		.is_parquet = settings->parquet,
		.is_hive_compatible = settings->hive_compatible_partitions,
		.is_per_hour = settings->per_hour_partition,
		.format = record_format_default,
	};
	vpc_id_make(flow_log.id, "fl", STR("default"));
	const struct agent_flow_log *const flow_logs[] = {&flow_log};
	const struct agent_options options = {
		.interfaces = settings->interfaces,
		.interfaces_count = settings->interfaces_count,
		.include_loopback = settings->loopback,
		.max_flows = settings->max_flows ? settings->max_flows : MAX_FLOWS_DEFAULT,
		.require_verdict = settings->require_verdict,
		.account_id = settings->account_id,
		.region = settings->region,
		.flow_logs = flow_logs,
		.flow_logs_count = 1,
		.observes = true,
		.status = on_status,
		.warn = show_warning,
		.started = show_started,
		.context = &totals,
	};
	if (settings->format &&
		record_format_parse(str_from(settings->format), &flow_log.format, err) < 0)
		return -1;
	int result = agent_run(&options, err);
	erase_status(&totals.display);
	if (result == 0 && !settings->quiet)
		show_totals(&totals);
	return result;
}

const struct cli_command cli_run = {
	.name = "run",
	.summary = "record this host's interfaces as flow logs in a bucket folder",
	.description =
		"Counts every IP packet of the host's network interfaces in the kernel and writes, at "
		"the end of each window, one object with the records of the window: gzip text or "
		"Parquet, with the key layout, file names and fields of AWS's VPC Flow Logs in S3. "
		"Packets that nftables, iptables, tc or XDP dropped are REJECT, all others ACCEPT. "
		"Interfaces that come later are recorded from then on. SIGINT or SIGTERM stops; the "
		"open window is written first.\n\n"
		"Needs root, or the capabilities BPF, NET_ADMIN and PERFMON. 'nagare doctor' says what "
		"this machine supports. 'nagare query' reads the same bucket by default.",
	.options =
		(const struct cli_option[]){
			{"interface", 'i', "NAME",
				"Record this interface only. May be given several times. Default: all "
				"that carry traffic, without loopback.",
				set_interface},
			{"loopback", 0, NULL, "Record the loopback interface too.", set_loopback},
			{"interval", 0, "SECONDS",
				"Length of a window, 1 to 600. AWS knows 60 and 600. Default: 60.",
				set_interval},
			{"format", 0, "FORMAT",
				"Fields of a record in AWS's syntax, such as '${version} ${srcaddr} "
				"${dstaddr} ${action}'. Default: the 14 fields of version 2.",
				set_format},
			{"file-format", 0, "plain-text|parquet",
				"Gzip text with a header line, or Parquet. Default: plain-text.",
				set_file_format},
			{"bucket", 'b', "FOLDER",
				"Where the objects go. Default: objects/nagare-flow-logs in the data "
				"folder, which is NAGARE_DATA_DIR or /var/lib/nagare.",
				set_bucket},
			{"prefix", 0, "FOLDER", "Folder inside the bucket, before AWSLogs/.",
				set_prefix},
			{"hive-compatible-partitions", 0, NULL,
				"Key folders as aws-region=.../year=.../month=.../.", set_hive},
			{"per-hour-partition", 0, NULL, "One key folder an hour, not a day.",
				set_per_hour},
			{"account-id", 0, "DIGITS",
				"Account in records and keys. Default: 000000000000.",
				set_account_id},
			{"region", 0, "REGION", "Region in records and keys. Default: us-east-1.",
				set_region},
			{"max-flows", 0, "COUNT",
				"Flows held in memory, 1024 to 4194303 (in the kernel two tables of 128 "
				"bytes a flow, in the process 100 bytes); beyond it the oldest are "
				"written early. Default: 524288.",
				set_max_flows},
			{"require-verdict", 0, NULL,
				"Fail on a kernel that cannot tell rejected packets (before 5.18) "
				"rather than record ACCEPT only.",
				set_require_verdict},
			{"quiet", 'q', NULL, "Say nothing but warnings and errors.", set_quiet},
			{NULL},
		},
	.examples =
		(const struct cli_example[]){
			{"sudo nagare run", "All interfaces, a window a minute:"},
			{"sudo nagare run -i eth0 --interval 1 --bucket /tmp/flows",
				"One interface, a second a window:"},
			{"sudo nagare run --file-format parquet --hive-compatible-partitions "
			 "--per-hour-partition",
				"Parquet in Hive partitions, ready for any SQL engine:"},
			{"sudo nagare run --format '${interface-id} ${pkt-srcaddr} ${pkt-dstaddr} "
			 "${dstport} ${protocol} ${flow-direction} ${bytes} ${action}'",
				"Chosen fields:"},
			{NULL},
		},
	.settings_size = sizeof(struct settings),
	.run = run,
};
