/* The packets of capture files as flow log records. */
#include "cli/command.h"

#include "base/clock.h"
#include "base/number.h"
#include "cli/pcap_flows.h"
#include "cli/pcap_output.h"
#include "flow/windows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define READ_BATCH        128
#define INTERVAL_DEFAULT  60
#define MAX_FLOWS_DEFAULT (1u << 20)
#define MAX_CONNECTIONS   (1u << 20)
#define PROGRESS_FROM     (UINT64_C(64) << 20) /* bytes of a file that takes long enough */
#define PROGRESS_NS       (CLOCK_NS_PER_SECOND / 10)

extern const struct cli_command cli_pcap;

struct settings {
	struct pcap_output_options output;
	uint64_t interval;
	uint64_t max_flows;
	struct ip_prefix *local;
	size_t local_count;
	const char **rules;
	size_t rules_count;
	const char *account_id;
	const char *interface_id;
	const char *region;
	bool stats;
};

static int set_format(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	return record_format_parse(str_from(value), &s->output.format, err);
}

static int set_interval(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	if (!number_parse_seconds(str_from(value), FLOW_WINDOWS_INTERVAL_MAX, &s->interval) ||
		s->interval == 0)
		return err_set(err, ERR_USAGE, "expected 1 to %d seconds, found '%s'",
			FLOW_WINDOWS_INTERVAL_MAX, value);
	return 0;
}

static int set_local(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;
	struct ip_prefix prefix;

	if (!ip_prefix_parse(str_from(value), &prefix))
		return err_set(err, ERR_USAGE,
			"expected an address or prefix like 10.0.0.0/8, found '%s'", value);
	s->local = mem_grow(s->local, s->local_count + 1, sizeof(*s->local));
	s->local[s->local_count++] = prefix;
	return 0;
}

static int set_rules(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	if (!*value)
		return err_set(err, ERR_USAGE, "expected a file");
	s->rules = mem_grow(s->rules, s->rules_count + 1, sizeof(*s->rules));
	s->rules[s->rules_count++] = value;
	return 0;
}

static int set_output(void *settings, const char *value, struct err *err)
{
	static const char *const names[] = {
		[PCAP_OUTPUT_TEXT] = "text",
		[PCAP_OUTPUT_JSON] = "json",
		[PCAP_OUTPUT_CSV] = "csv",
		[PCAP_OUTPUT_PARQUET] = "parquet",
	};
	struct settings *s = settings;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			s->output.form = (enum pcap_output_form)i;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "expected text, json, csv or parquet, found '%s'", value);
}

static int set_output_file(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	if (!*value)
		return err_set(err, ERR_USAGE, "expected a file");
	s->output.path = value;
	return 0;
}

static int set_header(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	s->output.header = true;
	return 0;
}

static int set_max_flows(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	if (!number_parse(str_from(value), FLOW_WINDOWS_FLOWS_MAX, &s->max_flows) ||
		s->max_flows == 0)
		return err_set(err, ERR_USAGE, "expected 1 to %zu, found '%s'",
			FLOW_WINDOWS_FLOWS_MAX, value);
	return 0;
}

/* A value of a field: no space can stand in it, and "-" would say that it is missing. */
static int set_word(const char **word, const char *value, const char *what, struct err *err)
{
	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 127)
			return err_set(err, ERR_USAGE, "expected %s, found '%s'", what, value);
	}
	if (!*value || strcmp(value, "-") == 0)
		return err_set(err, ERR_USAGE, "expected %s", what);
	*word = value;
	return 0;
}

static int set_account_id(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	if (strlen(value) != 12 || strspn(value, "0123456789") != 12)
		return err_set(err, ERR_USAGE, "expected 12 digits, found '%s'", value);
	s->account_id = value;
	return 0;
}

static int set_interface_id(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	return set_word(&s->interface_id, value, "an id like eni-0123456789abcdef0", err);
}

static int set_region(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	return set_word(&s->region, value, "a region like eu-west-1", err);
}

static int set_stats(void *settings, const char *value, struct err *err)
{
	struct settings *s = settings;

	s->stats = true;
	return 0;
}

struct run {
	struct pcap_output *output;
	struct pcap_flows *flows;
	struct vpc_rules *rules;
	struct err output_err; /* why on_record stopped the run */
	bool terminal;
	bool progress_shown;
	int64_t progress_ns;
};

static void run_done(struct run *run)
{
	pcap_flows_free(run->flows);
	pcap_output_free(run->output);
	vpc_rules_free(run->rules);
}

static bool on_record(void *context, const struct record *record)
{
	struct run *run = context;

	return pcap_output_record(run->output, record, &run->output_err) == 0;
}

static void show_progress(struct run *run, const struct capture_pcap *pcap, const char *path)
{
	uint64_t size;
	uint64_t done = capture_pcap_progress(pcap, &size);

	if (size < PROGRESS_FROM)
		return;
	int64_t now = clock_mono_ns();
	if (now - run->progress_ns < PROGRESS_NS)
		return;
	run->progress_ns = now;
	run->progress_shown = true;
	char line[256];
	unsigned columns = cli_terminal_columns(STDERR_FILENO);
	unsigned width = columns > 60 ? 30 : 10;
	unsigned filled = (unsigned)(done >= size ? width : done * width / size);
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	int n = snprintf(line, sizeof(line), "[%.*s%*s] %3u%% %" PRIu64 " records  %.60s",
		(int)filled, "##############################", (int)(width - filled), "",
		(unsigned)(done >= size ? 100 : done * 100 / size), pcap_output_count(run->output),
		name);
	fprintf(stderr, "\r%.*s\033[K", n < (int)columns ? n : (int)columns - 1, line);
}

static void hide_progress(struct run *run)
{
	if (run->progress_shown)
		fputs("\r\033[K", stderr);
	run->progress_shown = false;
}

/* 0, 1 when the output stopped the run, <0 when the file is damaged or cannot be read. */
static int read_file(struct run *run, const char *path, struct err *err)
{
	_cleanup_(capture_pcap_closep) struct capture_pcap *pcap = NULL;
	struct capture_packet packets[READ_BATCH];
	struct input *input;
	unsigned batches = 0;
	size_t count;
	int status;

	if (input_open(&input, path, err) < 0 || capture_pcap_open(&pcap, input, err) < 0)
		return -1;
	pcap_flows_begin_file(run->flows);
	while ((status = capture_pcap_read(pcap, packets, READ_BATCH, &count, err)) == 0) {
		if (pcap_flows_add(run->flows, pcap, packets, count) < 0)
			return 1;
		if (run->terminal && ++batches % 64 == 0)
			show_progress(run, pcap, path);
	}
	hide_progress(run);
	return status < 0 ? -1 : 0;
}

static void warn_unknown(struct run *run, const char *path, const struct pcap_flows_stats *before)
{
	struct pcap_flows_stats now = pcap_flows_stats(run->flows);
	uint64_t unknown = now.unknown_link_type - before->unknown_link_type;

	if (unknown)
		cli_warn("%s: %" PRIu64 " packets of link type %u, which is not known, are not "
			 "counted",
			path, unknown, now.a_link_type);
}

static void print_stats(const struct run *run)
{
	struct pcap_flows_stats stats = pcap_flows_stats(run->flows);

	fprintf(stderr,
		"packets read     %12" PRIu64 "\n"
		"  counted        %12" PRIu64 "   %" PRIu64 " bytes\n"
		"  not IP         %12" PRIu64 "\n"
		"  damaged IP     %12" PRIu64 "\n"
		"records          %12" PRIu64 "\n"
		"  written early  %12" PRIu64 "   at the bound of --max-flows\n",
		stats.packets, stats.counted, stats.counted_bytes, stats.not_ip, stats.damaged,
		pcap_output_count(run->output), stats.early);
}

static int open_run(struct run *run, const struct settings *settings, struct err *err)
{
	struct pcap_flows_options options = {
		.interval = (uint32_t)settings->interval,
		.max_flows = settings->max_flows,
		.local = settings->local,
		.local_count = settings->local_count,
		.account_id = settings->account_id,
		.interface_id = settings->interface_id,
		.region = settings->region,
		.record = on_record,
		.context = run,
	};

	if (settings->rules_count && !settings->local_count) {
		err_set(err, ERR_USAGE, "--rules needs --local");
		return err_hint(err, "rules are for a direction: --local says which addresses are "
				     "behind the interface");
	}
	if (settings->rules_count && vpc_rules_new(&run->rules, MAX_CONNECTIONS, err) < 0)
		return -1;
	for (size_t i = 0; i < settings->rules_count; i++) {
		if (vpc_rules_load(run->rules, settings->rules[i], err) < 0)
			return -1;
	}
	options.rules = run->rules;
	if (pcap_output_open(&run->output, &settings->output, err) < 0)
		return -1;
	return pcap_flows_new(&run->flows, &options, err);
}

static void apply_defaults(struct settings *settings)
{
	if (settings->output.format.count == 0)
		settings->output.format = record_format_default;
	if (!settings->interval)
		settings->interval = INTERVAL_DEFAULT;
	if (!settings->max_flows)
		settings->max_flows = MAX_FLOWS_DEFAULT;
	if (!settings->account_id)
		settings->account_id = "000000000000";
}

/* A bad file does not keep the others from being read; the first one's status is the command's. */
static int run_files(struct run *run, int argc, char **argv, struct err *err)
{
	struct err failure = ERR_INIT;

	for (int i = 0; i < argc; i++) {
		struct pcap_flows_stats before = pcap_flows_stats(run->flows);
		struct err bad = ERR_INIT;
		int status = read_file(run, argv[i], &bad);
		hide_progress(run);
		if (status > 0) {
			*err = run->output_err;
			return -1;
		}
		warn_unknown(run, argv[i], &before);
		if (status < 0 && failure.code != ERR_NONE)
			cli_print_error(&bad);
		else if (status < 0)
			failure = bad;
	}
	if (pcap_flows_finish(run->flows) < 0) {
		*err = run->output_err;
		return -1;
	}
	if (pcap_output_finish(run->output, err) < 0)
		return -1;
	if (failure.code == ERR_NONE)
		return 0;
	*err = failure;
	return -1;
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	struct settings *settings = settings_;
	_cleanup_(run_done) struct run run = {.terminal = cli_is_terminal(STDERR_FILENO)};

	apply_defaults(settings);
	int status;
	if (argc == 0) {
		err_set(err, ERR_USAGE, "a capture file is expected, or - for standard input");
		status = err_hint(err, "'nagare pcap --help' shows the usage");
	} else if (open_run(&run, settings, err) < 0) {
		status = -1;
	} else {
		status = run_files(&run, argc, argv, err);
		if (settings->stats)
			print_stats(&run);
	}
	free(settings->local);
	free(settings->rules);
	return status;
}

static const struct cli_option options[] = {
	{"format", 'f', "FORMAT", "Fields in AWS's syntax: '${version} ${srcaddr} ...'.",
		set_format},
	{"interval", 'i', "SECONDS", "Length of the aggregation windows, 60 by default.",
		set_interval},
	{"local", 'l', "CIDR",
		"Addresses behind the interface, which give the direction. More than once adds up.",
		set_local},
	{"rules", 'r', "FILE",
		"JSON of describe-security-groups or describe-network-acls that decides ACCEPT and "
		"REJECT; without it everything is ACCEPT. Needs --local. More than once adds up.",
		set_rules},
	{"output", 'O', "FORM", "text, json (an object a line), csv or parquet.", set_output},
	{"output-file", 'o', "FILE",
		"Write there instead of to standard output. The file appears when it is whole.",
		set_output_file},
	{"header", 0, NULL, "Begin text with the header line, as objects in S3 do.", set_header},
	{"account-id", 0, "ID", "What ${account-id} says; 000000000000 by default.",
		set_account_id},
	{"interface-id", 0, "ID",
		"What ${interface-id} says, for all interfaces of the files. By default derived "
		"from each interface's name, or number where it has none.",
		set_interface_id},
	{"region", 0, "REGION", "What ${region} says; missing by default.", set_region},
	{"max-flows", 0, "N",
		"Flows in memory at a time, 1048576 by default, at 101 bytes each. Above it the "
		"oldest are written early.",
		set_max_flows},
	{"stats", 0, NULL, "Say on standard error how many packets were read and counted.",
		set_stats},
	{NULL},
};

static const struct cli_example examples[] = {
	{"nagare pcap capture.pcap", "The flows of a capture:"},
	{"tcpdump -i eth0 -w - | nagare pcap --local 192.0.2.7 -", "Live, with direction:"},
	{"nagare pcap --local 10.0.0.0/16 --rules groups.json --rules acls.json vpc.pcapng.gz",
		"What security groups and network ACLs would have done:"},
	{"nagare pcap --output parquet -o flows.parquet *.pcap",
		"Many files as one stream, for SQL:"},
	{NULL},
};

const struct cli_command cli_pcap = {
	.name = "pcap",
	.operands = "FILE...",
	.summary = "print the flow log records of capture files",
	.description =
		"Reads pcap and pcapng files (also gzip'd; - is standard input) and prints a record "
		"for each flow in each window. Windows are of packet time and aligned as AWS's are. "
		"The bytes of a packet are its IP total length; of a tunnel the outermost IP header "
		"counts. Later fragments are counted in the flow of their first. Several files are "
		"one stream: the rotated files of a capture give the same records as the whole.\n\n"
		"With --local, a packet from a local address is egress, also when it goes to another "
		"local address; one to a local or group address is ingress; others have no direction "
		"and no rules apply to them.\n\n"
		"An interface that has no packet in a window in which another one has gives NODATA "
		"for it, once it has a packet again.\n\n"
		"A damaged file gives the records up to the damage, an error that says where, and "
		"exit status 1.",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run,
};
