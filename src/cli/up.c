/* Server and agent on one host. What they share is one data folder: the server's, in which the
 * agent has a folder of its own with its key. The set-up is done through the server's APIs, as
 * anybody could do it from elsewhere. */
#include "base/clock.h"
#include "base/file.h"
#include "cli/account.h"
#include "cli/agent_settings.h"
#include "cli/agent_user.h"
#include "cli/children.h"
#include "cli/command.h"
#include "cli/defaults.h"
#include "vpc/interface.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern const struct cli_command cli_up;

#define LISTEN_DEFAULT  "127.0.0.1:4560"
#define AGENT_USER      "nagare-agent"
#define START_WAIT_NS   INT64_C(30000000000)
#define SET_UP_AGAIN_NS INT64_C(500000000)
#define STOP_AGENT_MS   20000
#define STOP_SERVER_MS  40000
#define VPCS_MAX        64
#define PEM_MAX         65536

struct settings {
	const char *folder, *listen, *user, *config;
	bool is_quiet;
};

struct up {
	const struct settings *settings;
	char *folder, *agent_folder, *user, *config;
	char *ca_bundle; /* NULL: no TLS, or a certificate that the system knows */
	struct cli_account *account;
	struct cli_child server, agent;
	const char *server_arguments[16], *agent_arguments[24];
	struct agent_settings naming;     /* of the configuration: its VPCs */
	char done[VPCS_MAX][VPC_ID_SIZE]; /* VPCs that have their flow logs */
	size_t done_count;
	bool is_greeted, is_fault_said;
	int64_t set_up_ns,
		slow_ns; /* monotonic: when to try again, and to say that it takes long */
	int lock;        /* held as long as this runs */
};

static int set_folder(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->folder = value;
	return *value ? 0 : err_set(err, ERR_USAGE, "expected a folder");
}

static int set_listen(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->listen = value;
	return *value ? 0 : err_set(err, ERR_USAGE, "expected ADDRESS:PORT");
}

static int set_user(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->user = value;
	return *value ? 0 : err_set(err, ERR_USAGE, "expected a user's name");
}

static int set_config(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->config = value;
	return *value ? 0 : err_set(err, ERR_USAGE, "expected a file");
}

static int set_quiet(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->is_quiet = true;
	return 0;
}

/* ---- who and where ---- */

static char *name_of(uid_t uid)
{
	const struct passwd *user = uid ? getpwuid(uid) : NULL;

	return user ? mem_strdup(user->pw_name) : NULL;
}

/* The server's user: whose the data is already; a user made for it; who has called sudo, and may
 * then look at the data without it; nobody. */
static char *choose_user(const struct settings *settings, const char *folder)
{
	const char *sudo = getenv("SUDO_USER");
	struct stat status;
	char *owner = stat(folder, &status) == 0 ? name_of(status.st_uid) : NULL;

	if (settings->user) {
		free(owner);
		return mem_strdup(settings->user);
	}
	if (owner)
		return owner;
	if (getpwnam("nagare"))
		return mem_strdup("nagare");
	if (sudo && strcmp(sudo, "root") != 0 && getpwnam(sudo))
		return mem_strdup(sudo);
	return mem_strdup("nobody");
}

/* The lock that a server holds; it makes the file, as the user that it runs as. */
static int check_no_server(const struct up *up, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/lock", up->folder);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	err_set(err, ERR_SYSTEM, "%s is in use by a nagare server", up->folder);
	return err_hint(err, "stop it first; 'nagare agent --server' records beside it");
}

/* The agent's folder is root's, whatever it was: who owns what is around it could have put it
 * there. Its descriptor is also the lock against a second one of us. */
static int take_agent_folder(struct up *up, struct err *err)
{
	if (file_make_folders(up->agent_folder, 0700, err) < 0)
		return -1;
	up->lock = open(up->agent_folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (up->lock < 0)
		return err_set_errno(err, errno, "%s", up->agent_folder);
	if (flock(up->lock, LOCK_EX | LOCK_NB) < 0) {
		err_set(err, ERR_SYSTEM, "%s is in use by another 'nagare up'", up->folder);
		return err_hint(err, "stop it first, or give this one another --data-dir");
	}
	if (check_no_server(up, err) < 0)
		return -1;
	if (fchown(up->lock, 0, 0) < 0 || fchmod(up->lock, 0700) < 0)
		return err_set_errno(err, errno, "%s", up->agent_folder);
	return 0;
}

/* The folder is the server's alone; the agent enters its own before it gives up root's rights. */
static int make_folders(struct up *up, struct err *err)
{
	const struct passwd *user = getpwnam(up->user);

	if (!user || user->pw_uid == 0)
		return err_set(err, ERR_USAGE, "--user: '%s' is no ordinary user", up->user);
	mode_t mask = umask(022);
	int made = file_make_folders(up->folder, 0755, err);
	umask(mask);
	if (made < 0 || take_agent_folder(up, err) < 0)
		return -1;
	if (chmod(up->folder, 0700) < 0 || chown(up->folder, user->pw_uid, user->pw_gid) < 0)
		return err_set_errno(err, errno, "%s", up->folder);
	return 0;
}

/* Paths of the command line are from here; the children start elsewhere. */
static char *absolute(const char *path, struct err *err)
{
	char *found = path ? realpath(path, NULL) : NULL;

	if (path && !found)
		err_set_errno(err, errno, "%s", path);
	return found;
}

/* ---- server ---- */

static void add_argument(const char **arguments, size_t max, const char *argument)
{
	size_t n = 0;

	while (n + 1 < max && arguments[n])
		n++;
	arguments[n] = argument;
}

static void prepare_server(struct up *up)
{
	const char *const base[] = {
		"server", "--data-dir", up->folder, "--short-intervals", "--quiet"};

	for (size_t i = 0; i < ARRAY_SIZE(base); i++)
		add_argument(up->server_arguments, ARRAY_SIZE(up->server_arguments), base[i]);
	if (up->settings->listen || !up->config) {
		add_argument(up->server_arguments, ARRAY_SIZE(up->server_arguments), "--listen");
		add_argument(up->server_arguments, ARRAY_SIZE(up->server_arguments),
			up->settings->listen ? up->settings->listen : LISTEN_DEFAULT);
	}
	if (up->config) {
		add_argument(up->server_arguments, ARRAY_SIZE(up->server_arguments), "--config");
		add_argument(up->server_arguments, ARRAY_SIZE(up->server_arguments), up->config);
	}
	up->server = (struct cli_child){
		.name = "server", .arguments = up->server_arguments, .user = up->user};
}

/* The certificate that the server made, without its key, for the agent to verify it by. */
static int copy_certificate(struct up *up, struct err *err)
{
	_cleanup_free_ char *source = mem_printf("%s/tls.pem", up->folder);
	_cleanup_free_ char *target = mem_printf("%s/ca.pem", up->agent_folder);
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	_cleanup_buf_ struct buf pem = {0};
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char end[] = "-----END CERTIFICATE-----";

	if (access(source, F_OK) < 0)
		return 0;
	if (file_read(source, PEM_MAX, &pem, err) < 0)
		return -1;
	const char *first = strstr(buf_text(&pem), begin);
	const char *last = first ? strstr(first, end) : NULL;
	if (!last)
		return 0;
	_cleanup_free_ char *certificate = mem_printf("%.*s%s\n", (int)(last - first), first, end);
	if (file_draft_open(&draft, target, err) < 0 ||
		file_draft_write(&draft, str_from(certificate), err) < 0 ||
		file_draft_commit(&draft, true, err) < 0)
		return -1;
	free(up->ca_bundle);
	up->ca_bundle = take(target);
	return 0;
}

/* Whether a signal to stop has come; else waits for at most so long, or for a child. */
static bool is_stopped(int64_t wait_ns)
{
	const struct timespec wait = {
		.tv_sec = wait_ns / CLOCK_NS_PER_SECOND, .tv_nsec = wait_ns % CLOCK_NS_PER_SECOND};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	int got = sigtimedwait(&signals, NULL, &wait);
	return got == SIGINT || got == SIGTERM;
}

enum { STOPPED = 1 };

/* Until it answers. STOPPED: by a signal. */
static int start_server(struct up *up, struct err *err)
{
	int64_t end_ns = clock_mono_ns() + START_WAIT_NS;

	if (cli_child_start(&up->server, err) < 0)
		return -1;
	while (clock_mono_ns() < end_ns) {
		if (is_stopped(CLOCK_NS_PER_SECOND / 20))
			return STOPPED;
		if (kill(up->server.pid, 0) < 0 || waitpid(up->server.pid, NULL, WNOHANG) != 0) {
			up->server.pid = 0;
			return err_set(err, ERR_SYSTEM, "the server did not start");
		}
		cli_account_close(take(up->account));
		if (copy_certificate(up, err) < 0)
			return -1;
		if (cli_account_open(&up->account, up->folder, up->ca_bundle, NULL) == 0 &&
			cli_account_is_up(up->account))
			return 0;
	}
	return err_set(err, ERR_SYSTEM, "the server does not answer");
}

/* ---- agent ---- */

static void prepare_agent(struct up *up)
{
	const char *const base[] = {"agent", "--server", cli_account_endpoint(up->account),
		"--credentials", "credentials", "--profile", "nagare", "--data-dir", ".",
		"--quiet"};

	for (size_t i = 0; i < ARRAY_SIZE(base); i++)
		add_argument(up->agent_arguments, ARRAY_SIZE(up->agent_arguments), base[i]);
	if (strncmp(cli_account_endpoint(up->account), "https:", 6) == 0 && up->ca_bundle) {
		add_argument(up->agent_arguments, ARRAY_SIZE(up->agent_arguments), "--ca-bundle");
		add_argument(up->agent_arguments, ARRAY_SIZE(up->agent_arguments), "ca.pem");
	}
	if (up->config) {
		add_argument(up->agent_arguments, ARRAY_SIZE(up->agent_arguments), "--config");
		add_argument(up->agent_arguments, ARRAY_SIZE(up->agent_arguments), up->config);
	}
	up->agent = (struct cli_child){
		.name = "agent", .arguments = up->agent_arguments, .folder = up->agent_folder};
}

/* ---- set up and greet ---- */

static void greet(const struct up *up)
{
	const char *tls =
		up->ca_bundle && strncmp(cli_account_endpoint(up->account), "https:", 6) == 0
			? up->ca_bundle
			: NULL;

	if (up->settings->is_quiet)
		return;
	printf("Recording this host into CloudWatch Logs and S3 at %s, every 10 s.\n"
	       "State is below %s. Ctrl-C stops. Try, from another terminal:\n"
	       "  eval \"$(sudo %s credentials --data-dir %s -o env)\"%s%s\n"
	       "  aws ec2 describe-flow-logs\n"
	       "  aws ec2 describe-network-interfaces\n"
	       "  aws logs describe-log-streams --log-group-name " CLI_ACCOUNT_LOG_GROUP "\n"
	       "  aws s3 ls --recursive s3://" CLI_ACCOUNT_BUCKET "\n"
	       "  sudo %s agent status --data-dir %s\n"
	       "  sudo %s query --from %s/buckets/" CLI_ACCOUNT_BUCKET
	       " \"SELECT * FROM vpc_flow_logs WHERE action = 'REJECT' LIMIT 10\"\n",
		cli_account_endpoint(up->account), up->folder, program_invocation_name, up->folder,
		tls ? "; export AWS_CA_BUNDLE=" : "", tls ? tls : "", program_invocation_name,
		up->agent_folder, program_invocation_name, up->folder);
	fflush(stdout);
}

/* The VPCs of this host's interfaces, as the agent sees them. */
static size_t list_vpcs(const struct up *up, char (*ret_ids)[VPC_ID_SIZE], size_t max)
{
	const struct vpc_naming naming = {up->naming.rules, up->naming.rule_count};
	_cleanup_free_ struct vpc_interface *interfaces = NULL;
	struct vpc_identity identity;
	size_t count, found = 0;

	if (vpc_identity_init(&identity, NULL, NULL, NULL) < 0 ||
		vpc_interfaces_list(&interfaces, &count, NULL) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		struct vpc_interface *interface = &interfaces[i];
		size_t j = 0;
		if (!interface->carries_traffic || !vpc_naming_apply(&naming, &identity, interface))
			continue;
		while (j < found && strcmp(ret_ids[j], interface->vpc_id) != 0)
			j++;
		if (j == found && found < max)
			memcpy(ret_ids[found++], interface->vpc_id, VPC_ID_SIZE);
	}
	return found;
}

static bool is_done(const struct up *up, const char *id)
{
	for (size_t i = 0; i < up->done_count; i++) {
		if (strcmp(up->done[i], id) == 0)
			return true;
	}
	return false;
}

/* 0: done, or CLI_ACCOUNT_NO_VPC while the agent has not told of it. */
static int set_up_vpc(struct up *up, const char *id)
{
	struct err err = ERR_INIT;
	int result = cli_account_default_flow_logs(up->account, id, &err);

	if (result == 0 && up->done_count < VPCS_MAX)
		memcpy(up->done[up->done_count++], id, VPC_ID_SIZE);
	if (result < 0 && !up->is_fault_said) {
		up->is_fault_said = true;
		cli_warn("the default flow logs: %s%s%s; it is tried again", err.message,
			err.hint[0] ? "; " : "", err.hint);
	}
	return result;
}

/* Also for a VPC that comes later, with the first interface in it. */
static void set_up(struct up *up)
{
	char ids[VPCS_MAX][VPC_ID_SIZE];
	int64_t now_ns = clock_mono_ns();

	if (now_ns < up->set_up_ns)
		return;
	up->set_up_ns = now_ns + SET_UP_AGAIN_NS;
	size_t count = list_vpcs(up, ids, VPCS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!is_done(up, ids[i]) && set_up_vpc(up, ids[i]) < 0)
			up->set_up_ns = now_ns + 10 * SET_UP_AGAIN_NS;
	}
	if (up->done_count && !up->is_greeted) {
		up->is_greeted = true;
		greet(up);
	}
	if (!up->done_count && !up->is_fault_said && now_ns > up->slow_ns) {
		up->is_fault_said = true;
		cli_warn("no interface of this host is known to the server yet; the default flow "
			 "logs are made when one is");
	}
}

static void watch(struct up *up)
{
	up->slow_ns = clock_mono_ns() + START_WAIT_NS / 2;
	while (!is_stopped(up->is_greeted ? CLOCK_NS_PER_SECOND : CLOCK_NS_PER_SECOND / 10)) {
		cli_child_look_after(&up->server);
		cli_child_look_after(&up->agent);
		set_up(up);
	}
}

static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int start_all(struct up *up, struct err *err)
{
	int result = start_server(up, err);

	if (result != 0)
		return result;
	if (cli_agent_user_file(up->account, AGENT_USER, up->agent_folder, err) < 0)
		return -1;
	prepare_agent(up);
	return cli_child_start(&up->agent, err);
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	struct settings *settings = settings_;
	struct up up = {.settings = settings, .lock = -1};
	int result = 0;

	if (geteuid() != 0) {
		err_set(err, ERR_PERMISSION, "recording needs privileges");
		return err_hint(err,
			"run it as root (sudo): only the agent keeps a few of them, and "
			"the server none");
	}
	up.folder = settings->folder ? mem_strdup(settings->folder) : cli_default_data();
	up.agent_folder = mem_printf("%s/agent", up.folder);
	up.user = choose_user(settings, up.folder);
	up.config = absolute(settings->config, err);
	if (settings->config && (!up.config || agent_settings_load(&up.naming, up.config, err) < 0))
		result = -1;
	block_signals();
	if (result == 0)
		result = make_folders(&up, err);
	if (result == 0) {
		/* The children start elsewhere. */
		char *folder = absolute(up.folder, err);
		free(up.folder);
		up.folder = folder;
		free(up.agent_folder);
		up.agent_folder = folder ? mem_printf("%s/agent", folder) : NULL;
		result = folder ? 0 : -1;
	}
	if (result == 0) {
		prepare_server(&up);
		result = start_all(&up, err);
	}
	if (result == 0)
		watch(&up);
	/* The agent first: its last windows go to the server. */
	cli_child_stop(&up.agent, STOP_AGENT_MS);
	cli_child_stop(&up.server, STOP_SERVER_MS);
	cli_account_close(up.account);
	agent_settings_done(&up.naming);
	mem_closep(&up.lock);
	free(up.ca_bundle);
	free(up.config);
	free(up.user);
	free(up.agent_folder);
	free(up.folder);
	return result < 0 ? -1 : 0;
}

static const struct cli_option options[] = {
	{"data-dir", 'd', "FOLDER",
		"Where everything is kept; the agent's part is in agent below it. Default: "
		"NAGARE_DATA_DIR, or /var/lib/nagare.",
		set_folder},
	{"listen", 0, "ADDRESS:PORT", "Where the server listens. Default: 127.0.0.1:4560.",
		set_listen},
	{"user", 0, "NAME",
		"Whom the server runs as. Default: whose the data is; else nagare, if there is such a "
		"user; else who has called sudo; else nobody.",
		set_user},
	{"config", 'c', "FILE", "Settings of server and agent, see nagare.yaml(5).", set_config},
	{"quiet", 'q', NULL, "Say nothing but warnings and errors.", set_quiet},
	{NULL},
};

static const struct cli_example examples[] = {
	{"sudo nagare up", "Everything, with nothing to configure:"},
	{0},
};

const struct cli_command cli_up = {
	.name = "up",
	.summary = "record this host, and serve what is recorded through AWS's APIs",
	.description =
		"Runs 'nagare server' and 'nagare agent' on this host, with two flow logs for all of its "
		"interfaces: into the log group /nagare/flow-logs, and into the bucket nagare-flow-logs "
		"as Parquet with Hive-compatible partitions by the hour, both every 10 seconds. They are "
		"made through the EC2 API and are yours to look at, delete and add to; those that are "
		"there already are not made again. Says what to try next.\n\n"
		"The server runs as an ordinary user without capabilities. The agent is a process of its "
		"own that keeps the capabilities BPF, NET_ADMIN, NET_RAW and PERFMON; its key is that of "
		"the user nagare-agent, which may deliver and nothing else. One that dies is started "
		"again after 1 to 30 seconds. SIGINT or SIGTERM stops both, the agent first, so that the "
		"last windows are delivered.\n\n"
		"Needs root to start.",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run,
};
