#include "api/certificate.h"
#include "api/server.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/command.h"
#include "cli/defaults.h"
#include "cli/server_services.h"
#include "cli/server_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

extern const struct cli_command cli_server;

#define PEM_MAX            (1u << 20)
#define ATHENA_CACHE_BYTES ((uint64_t)10 << 30)

/* What a run holds beside its settings. */
struct run {
	const struct server_settings *settings;
	char *folder;
	struct buf certificate, key;
	char *own_certificate; /* its path, when it is of our making */
	int access_log;
};

static const char *text(
	const struct server_settings *settings, enum server_row row, const char *otherwise)
{
	return settings->text[row] ? settings->text[row] : otherwise;
}

static bool is_tls(const struct server_settings *settings)
{
	return settings->text[SERVER_TLS] || settings->text[SERVER_TLS_CERTIFICATE];
}

/* ---- privileges ---- */

/* The folder is made, and given away, while we still may. */
static int become(const char *name, const char *folder, struct err *err)
{
	errno = 0;
	const struct passwd *user = getpwnam(name);

	if (!user)
		return err_set(err, ERR_NOT_FOUND, "there is no user '%s'", name);
	if (geteuid() == user->pw_uid)
		return 0;
	if (geteuid() != 0)
		return err_set(err, ERR_PERMISSION, "only root can become %s", name);
	/* What is above the folder is for its owner to pass through. */
	mode_t mask = umask(022);
	int made = file_make_folders(folder, 0755, err);
	umask(mask);
	if (made < 0)
		return -1;
	if (chmod(folder, 0700) < 0 || chown(folder, user->pw_uid, user->pw_gid) < 0)
		return err_set_errno(err, errno, "%s", folder);
	if (initgroups(name, user->pw_gid) < 0 ||
		setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return err_set_errno(err, errno, "cannot become %s", name);
	return 0;
}

static int drop_privileges(const struct run *run, struct err *err)
{
	const char *user = run->settings->text[SERVER_USER];

	if (user)
		return become(user, run->folder, err);
	if (geteuid() == 0 && !run->settings->text[SERVER_QUIET])
		cli_warn(
			"the server runs as root and need not; --user NAME makes it somebody else");
	return 0;
}

/* ---- files ---- */

/* A given one, while we may still read what is root's. */
static int read_certificate(struct run *run, struct err *err)
{
	const char *certificate = run->settings->text[SERVER_TLS_CERTIFICATE];

	if (!certificate)
		return 0;
	if (file_read(certificate, PEM_MAX, &run->certificate, err) < 0)
		return -1;
	return file_read(text(run->settings, SERVER_TLS_KEY, certificate), PEM_MAX, &run->key, err);
}

static int make_certificate(struct run *run, struct err *err)
{
	if (!is_tls(run->settings) || run->certificate.n)
		return 0;
	run->own_certificate = mem_printf("%s/tls.pem", run->folder);
	return api_certificate_own(run->own_certificate, &run->certificate, err);
}

static int open_access_log(struct run *run, struct err *err)
{
	const char *path = run->settings->text[SERVER_ACCESS_LOG];

	run->access_log = -1;
	if (!path)
		return 0;
	if (strcmp(path, "-") == 0)
		run->access_log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		run->access_log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	return run->access_log < 0 ? err_set_errno(err, errno, "%s", path) : 0;
}

/* ---- serve ---- */

static void fill_settings(
	struct run *run, struct server_services *services, struct api_server_settings *ret_settings)
{
	const struct server_settings *settings = run->settings;
	const char *metrics = text(settings, SERVER_METRICS, "loopback");

	*ret_settings = (struct api_server_settings){
		.listen = text(settings, SERVER_LISTEN, API_LISTEN_DEFAULT),
		.account = text(settings, SERVER_ACCOUNT, "000000000000"),
		.region = text(settings, SERVER_REGION, "us-east-1"),
		.domains = settings->list[SERVER_DOMAIN].item,
		.services = server_services_table(services),
		.callers = server_services_callers(services),
		.access_log = run->access_log,
		.metrics = strcmp(metrics, "all") == 0   ? API_METRICS_TO_ALL
			   : strcmp(metrics, "off") == 0 ? API_METRICS_OFF
							 : API_METRICS_TO_LOOPBACK,
		.is_quiet = settings->text[SERVER_QUIET] != NULL,
		.limits = {.header_bytes =
				   cli_settings_number(settings->text[SERVER_MAX_HEADER_SIZE]),
			.connections = cli_settings_number(settings->text[SERVER_MAX_CONNECTIONS]),
			.connections_per_address = cli_settings_number(
				settings->text[SERVER_MAX_CONNECTIONS_PER_ADDRESS]),
			.idle_seconds = cli_settings_number(settings->text[SERVER_IDLE_TIMEOUT]),
			.body_rate = cli_settings_number(settings->text[SERVER_MIN_BODY_RATE]),
			.drain_seconds = cli_settings_number(settings->text[SERVER_STOP_TIMEOUT]),
			.workers = cli_settings_number(settings->text[SERVER_WORKERS])},
	};
	if (is_tls(settings)) {
		ret_settings->certificate = buf_text(&run->certificate);
		ret_settings->key = run->key.n ? buf_text(&run->key) : ret_settings->certificate;
	}
}

static bool is_open_to_others(const char *endpoint)
{
	const char *host = strstr(endpoint, "://") + 3;

	return strncmp(host, "127.", 4) != 0 && strncmp(host, "[::1]", 5) != 0;
}

static void greet(const struct run *run, const struct api_server *server)
{
	const char *endpoint = api_server_endpoint(server);

	if (is_open_to_others(endpoint) && !is_tls(run->settings))
		cli_warn("others can reach %s, and read what is sent there: --tls is for that",
			endpoint);
	if (run->settings->text[SERVER_QUIET])
		return;
	printf("Serving %s from %s. Ctrl-C stops. Try:\n"
	       "  export AWS_SHARED_CREDENTIALS_FILE=%s/credentials AWS_PROFILE=nagare%s%s\n"
	       "  aws --endpoint-url %s s3 ls\n",
		endpoint, run->folder, run->folder, run->own_certificate ? " AWS_CA_BUNDLE=" : "",
		run->own_certificate ? run->own_certificate : "", endpoint);
	fflush(stdout);
}

/* Until SIGTERM or SIGINT; a second one does not wait for running requests. */
static void wait_for_signal(void)
{
	sigset_t stop;
	int number;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigwait(&stop, &number);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void block_signals(void)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Whoever reaches a server on loopback may reach the rest of loopback as well; others shall not
 * through it. */
static bool is_on_loopback(const struct server_settings *settings)
{
	const char *listen = text(settings, SERVER_LISTEN, API_LISTEN_DEFAULT);

	return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]:", 6) == 0 ||
	       strncmp(listen, "localhost:", 10) == 0;
}

static uint64_t cache_limit(const struct server_settings *settings)
{
	if (strcmp(text(settings, SERVER_ATHENA_CACHE_SIZE, ""), "off") == 0)
		return 0;
	uint64_t bytes = cli_settings_number(settings->text[SERVER_ATHENA_CACHE_SIZE]);
	return bytes ? bytes : ATHENA_CACHE_BYTES;
}

static int open_services(
	const struct run *run, struct server_services **ret_services, struct err *err)
{
	const struct server_settings *settings = run->settings;
	const struct server_list *hosts = &settings->list[SERVER_WEBHOOK_HOST];
	bool is_trino = strcmp(text(settings, SERVER_ATHENA_ENGINE, "duckdb"), "trino") == 0;
	const char *trino_url = settings->text[SERVER_ATHENA_TRINO_URL];
	const struct server_services_options options = {.folder = run->folder,
		.account = text(settings, SERVER_ACCOUNT, "000000000000"),
		.region = text(settings, SERVER_REGION, "us-east-1"),
		.webhook_hosts = hosts->item,
		.webhooks_to_loopback = !hosts->count && is_on_loopback(settings),
		.alarm_actions = settings->list[SERVER_ALARM_ACTION].item,
		.log_destinations = settings->list[SERVER_LOG_DESTINATION].item,
		.live_tail_seconds = cli_settings_number(settings->text[SERVER_LIVE_TAIL_LIMIT]),
		.has_short_intervals = settings->text[SERVER_SHORT_INTERVALS] != NULL,
		.oidc_keys = settings->list[SERVER_OIDC_KEYS].item,
		.trino_url = is_trino ? trino_url : NULL,
		.trino_user = settings->text[SERVER_ATHENA_TRINO_USER],
		.trino_catalog = settings->text[SERVER_ATHENA_TRINO_CATALOG],
		.trino_schema = settings->text[SERVER_ATHENA_TRINO_SCHEMA],
		.cache_limit = cache_limit(settings)};

	if (is_trino && !trino_url)
		return err_set(
			err, ERR_USAGE, "athena.engine is trino: athena.trino-url is needed");
	return server_services_open(ret_services, &options, err);
}

static int serve(struct run *run, struct err *err)
{
	_cleanup_(server_services_closep) struct server_services *services = NULL;
	_cleanup_(api_server_freep) struct api_server *server = NULL;
	struct api_server_settings settings;

	umask(077);
	/* First: the services have threads, and one that takes the signal would end the process. */
	block_signals();
	if (open_access_log(run, err) < 0 || read_certificate(run, err) < 0 ||
		drop_privileges(run, err) < 0 || open_services(run, &services, err) < 0 ||
		make_certificate(run, err) < 0)
		return -1;
	fill_settings(run, services, &settings);
	if (api_server_start(&server, &settings, err) < 0)
		return -1;
	server_services_register(services, server);
	if (server_services_write_profile(services, api_server_endpoint(server), err) < 0)
		return -1;
	greet(run, server);
	wait_for_signal();
	if (!api_server_stop(server))
		cli_warn("requests that still ran were broken off");
	return 0;
}

static int run_command(void *settings_, int argc, char **argv, struct err *err)
{
	struct server_settings *settings = settings_;
	struct run run = {.settings = settings, .access_log = -1};
	int result = 0;

	if (settings->common.config)
		result = server_settings_load(settings, settings->common.config, err);
	if (result == 0 && settings->text[SERVER_TLS_KEY] &&
		!settings->text[SERVER_TLS_CERTIFICATE])
		result = err_set(err, ERR_USAGE, "tls-key needs tls-certificate");
	run.folder = settings->text[SERVER_DATA_DIR] ? mem_strdup(settings->text[SERVER_DATA_DIR])
						     : cli_default_data();
	if (result == 0 && settings->common.is_check)
		puts("The settings are good.");
	else if (result == 0)
		result = serve(&run, err);
	if (run.access_log >= 0)
		close(run.access_log);
	buf_done(&run.certificate);
	buf_done(&run.key);
	free(run.own_certificate);
	free(run.folder);
	server_settings_done(settings);
	return result;
}

static const struct cli_example examples[] = {
	{"nagare server", "On this machine only, data under ~/.local/share/nagare:"},
	{"sudo nagare server --user nagare --listen 0.0.0.0:4560 --tls",
		"For others too, encrypted, without privileges:"},
	{"nagare server --config /etc/nagare.yaml --check", "Is the file good?"},
	{0},
};

const struct cli_command cli_server = {
	.name = "server",
	.summary = "serve AWS's APIs to any AWS client",
	.description =
		"Answers on one port as AWS's endpoints do, to unmodified clients of AWS that are "
		"given the endpoint. Every request needs a signature; the first start makes the "
		"account's root key and writes it to the file credentials in the data folder, as a "
		"profile that AWS clients read.\n\n"
		"/healthz tells whether the server is up, /metrics how it does, in Prometheus' "
		"format. The access log has a line a request. SIGTERM or SIGINT stops: no new "
		"requests, and those that run are finished.\n\n"
		"Listens on loopback only unless --listen says more. Needs no privileges.",
	.options = server_options,
	.examples = examples,
	.settings_size = sizeof(struct server_settings),
	.run = run_command,
};
