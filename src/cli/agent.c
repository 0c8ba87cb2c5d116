#include "agent/agent.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/agent_settings.h"
#include "cli/agent_status.h"
#include "cli/command.h"
#include "cli/defaults.h"
#include "cli/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

extern const struct cli_command cli_agent;

#define MAX_FLOWS_DEFAULT (512u << 10)
#define DRAIN_MS          10000

static const int capabilities[] = {CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW, CAP_PERFMON};
/* Until the programs are loaded also CAP_SYSLOG, to be shown the kernel's addresses (which tell the
 * drops of XDP), and CAP_SYS_RESOURCE, for kernels that charge maps as locked memory. */
static const int capabilities_to_load[] = {CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW, CAP_PERFMON,
	CAP_SYSLOG, CAP_SYS_RESOURCE, CAP_SETPCAP};

static const char *text(
	const struct agent_settings *settings, enum agent_row row, const char *otherwise)
{
	return settings->text[row] ? settings->text[row] : otherwise;
}

static int on_loaded(void *context, struct err *err)
{
	return cli_keep_capabilities(capabilities, ARRAY_SIZE(capabilities), err);
}

static void on_warning(void *context, const struct err *err)
{
	cli_warn("%s%s%s", err->message, err->hint[0] ? "; " : "", err->hint);
}

static void on_started(void *context, const struct agent_status *status, bool verdicts)
{
	const struct agent_settings *settings = context;

	if (!verdicts)
		cli_warn("this kernel gives no reasons for dropped packets: every record says "
			 "ACCEPT ('nagare doctor' tells more)");
	if (settings->text[AGENT_ROW_QUIET])
		return;
	printf("Delivering %zu flow log%s of %zu interface%s%s%s. Ctrl-C stops.\n",
		status->flow_logs, status->flow_logs == 1 ? "" : "s", status->interfaces,
		status->interfaces == 1 ? "" : "s",
		settings->text[AGENT_ROW_SERVER] ? ", following " : "",
		text(settings, AGENT_ROW_SERVER, ""));
	fflush(stdout);
}

/* Everything is below the folder, which is entered while we still may: what is above it may be
 * closed to a root without CAP_DAC_OVERRIDE. */
static int enter_folder(const char *folder, struct err *err)
{
	if (file_make_folders(folder, 0700, err) < 0)
		return -1;
	if (chdir(folder) < 0)
		return err_set_errno(err, errno, "%s", folder);
	return 0;
}

static char *agent_folder(const struct agent_settings *settings)
{
	_cleanup_free_ char *data = cli_default_data();

	return settings->text[AGENT_ROW_DATA_DIR] ? mem_strdup(settings->text[AGENT_ROW_DATA_DIR])
						  : mem_printf("%s/agent", data);
}

static int check(const struct agent_settings *settings, struct err *err)
{
	struct vpc_identity identity;

	if (vpc_identity_init(&identity, settings->text[AGENT_ROW_ACCOUNT],
		    settings->text[AGENT_ROW_REGION], err) < 0)
		return -1;
	if (settings->text[AGENT_ROW_SERVER] || settings->flow_log_count)
		return 0;
	err_set(err, ERR_USAGE, "there is nothing to record");
	return err_hint(
		err, "--server names one that has flow logs, or --config a file with 'flow-log'");
}

struct clients {
	struct aws_credentials_source *credentials;
	struct aws_client *client; /* of the server; without one, to know the region */
};

static void clients_done(struct clients *clients)
{
	aws_client_free(clients->client);
	aws_credentials_source_free(clients->credentials);
}

static int open_clients(struct clients *clients, const struct aws_credentials_settings *credentials,
	const struct agent_settings *settings, struct err *err)
{
	if (aws_credentials_source_new(&clients->credentials, credentials, err) < 0)
		return -1;
	const struct aws_client_settings server = {.region = settings->text[AGENT_ROW_REGION],
		.endpoint = settings->text[AGENT_ROW_SERVER],
		.ca_bundle = settings->text[AGENT_ROW_CA_BUNDLE],
		.credentials = clients->credentials,
		.attempts = 1, /* a second later there is another one */
		.stall_ms = 10000};
	return aws_client_new(&clients->client, &server, err);
}

static int run_agent(struct agent_settings *settings, const char *folder, struct err *err)
{
	const char *server = settings->text[AGENT_ROW_SERVER];
	const struct aws_credentials_settings credentials = {
		.profile = settings->text[AGENT_ROW_PROFILE],
		.credentials_file = settings->text[AGENT_ROW_CREDENTIALS],
		.region = settings->text[AGENT_ROW_REGION]};
	_cleanup_(clients_done) struct clients clients = {NULL};
	uint64_t max_flows = cli_settings_number(settings->text[AGENT_ROW_MAX_FLOWS]);

	if (check(settings, err) < 0 || open_clients(&clients, &credentials, settings, err) < 0 ||
		enter_folder(folder, err) < 0 ||
		cli_keep_capabilities(capabilities_to_load, ARRAY_SIZE(capabilities_to_load), err) <
			0)
		return -1;
	const struct agent_options options = {
		.include_loopback = settings->text[AGENT_ROW_LOOPBACK] != NULL,
		.naming = {settings->rules, settings->rule_count},
		.max_flows = max_flows ? max_flows : MAX_FLOWS_DEFAULT,
		.require_verdict = settings->text[AGENT_ROW_REQUIRE_VERDICT] != NULL,
		.account_id = settings->text[AGENT_ROW_ACCOUNT],
		.region = aws_client_region(clients.client),
		.flow_logs = (const struct agent_flow_log *const *)settings->flow_logs,
		.flow_logs_count = settings->flow_log_count,
		.deliver = {.spool_max = cli_settings_number(settings->text[AGENT_ROW_SPOOL_MAX]),
			.s3_endpoint = text(settings, AGENT_ROW_S3_ENDPOINT, server),
			.logs_endpoint = text(settings, AGENT_ROW_LOGS_ENDPOINT, server),
			.firehose_endpoint = text(settings, AGENT_ROW_FIREHOSE_ENDPOINT, server),
			.sts_endpoint = server,
			.ca_bundle = settings->text[AGENT_ROW_CA_BUNDLE],
			.credentials = clients.credentials,
			.credentials_settings = &credentials},
		.folder = ".",
		.drain_ms = DRAIN_MS,
		.observes = true,
		.metrics_file = settings->text[AGENT_ROW_METRICS_FILE],
		.server = server ? clients.client : NULL,
		.loaded = on_loaded,
		.warn = on_warning,
		.started = on_started,
		.context = settings,
	};
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	return agent_run(&options, err);
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	struct agent_settings *settings = settings_;
	bool is_status = argc == 1 && strcmp(argv[0], "status") == 0;
	int result = 0;

	if (argc > 0 && !is_status) {
		err_set(err, ERR_USAGE, "expected 'status' or nothing, found '%s'", argv[0]);
		return err_hint(err, "'nagare agent --help' shows the usage");
	}
	if (settings->common.config)
		result = agent_settings_load(settings, settings->common.config, err);
	_cleanup_free_ char *folder = agent_folder(settings);
	if (result == 0 && is_status)
		result = cli_agent_status(folder, settings, err);
	else if (result == 0 && settings->common.is_check)
		result = check(settings, err) < 0 ? -1 : (puts("The settings are good."), 0);
	else if (result == 0)
		result = run_agent(settings, folder, err);
	agent_settings_done(settings);
	return result;
}

static const struct cli_example examples[] = {
	{"sudo nagare agent --config /etc/nagare.yaml", "Flow logs of a file, delivered to AWS:"},
	{"sudo nagare agent --server https://flows.example.com:4560 --credentials "
	 "/etc/nagare/credentials --profile nagare",
		"Flow logs of a server:"},
	{"sudo nagare agent status", "How does it do?"},
	{0},
};

const struct cli_command cli_agent = {
	.name = "agent",
	.operands = "[status]",
	.summary = "record this host's interfaces for flow logs, and deliver them",
	.description =
		"Counts every IP packet of the host's network interfaces in the kernel, for any number "
		"of flow logs, each with its interfaces, traffic type, aggregation interval, format and "
		"destination: S3, CloudWatch Logs or Amazon Data Firehose, AWS's or another's, or a "
		"folder. An interface is counted once, however many flow logs are about it. Interfaces "
		"that come later are recorded from then on.\n\n"
		"The flow logs are those of the configuration file, and of the server, which is asked "
		"once a second; the agent remembers them, and starts without its server too. Every flow "
		"log has a spool on disk, from which a batch is removed when its destination has "
		"acknowledged it. SIGINT or SIGTERM stops; the open windows are delivered first, and "
		"what cannot be in ten seconds stays in the spool for the next start.\n\n"
		"'nagare agent status' shows what a running agent does: by flow log what was delivered, "
		"what waits in the spool and for how long, retries, and records lost to a full spool. "
		"Exit status 1 says that it does not run.\n\n"
		"Needs root, or the capabilities BPF, NET_ADMIN, NET_RAW and PERFMON, and gives up all "
		"others. Listens on no port.",
	.options = agent_options_table,
	.examples = examples,
	.settings_size = sizeof(struct agent_settings),
	.run = run,
};
