/* S3 on the HTTP server with callers of several accounts, which one nagare does not have: for tests
 * that share buckets between accounts, Ceph's s3-tests among them.
 * usage: s3-server FOLDER [LISTEN [LIFECYCLE-DAY-SECONDS]]
 * Prints the endpoint and serves until SIGTERM. The keys of account N (1 to 5) are AKIATESTN and
 * secretN; account 1 also has a user "nobody" without permissions: AKIANOBODY. */
#include "api/s3/s3.h"
#include "api/server.h"
#include "base/number.h"
#include "store/database.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define ACCOUNTS 5

static struct store_caller callers[ACCOUNTS + 1];

static struct store_caller *find_caller(void *context, struct str id)
{
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		if (str_equal(callers[i].access_key_id, id))
			return &callers[i];
	return NULL;
}

static void unref_caller(struct store_caller *caller)
{
}

static struct str text(const char *format, int n)
{
	char *made = NULL;

	if (asprintf(&made, format, n) < 0) // NOLINT(clang-diagnostic-format-nonliteral)
		abort();
	return str_from(made);
}

static void make_callers(void)
{
	for (int i = 0; i < ACCOUNTS; i++)
		callers[i] = (struct store_caller){.access_key_id = text("AKIATEST%d", i + 1),
			.secret = text("secret%d", i + 1),
			.session_token = STR(""),
			.is_root = true,
			.is_active = true,
			.user_id = text("%012d", i + 1),
			.user_name = STR(""),
			.principal = {.arn = text("arn:aws:iam::%012d:root", i + 1),
				.account = text("%012d", i + 1)}};
	callers[ACCOUNTS] = (struct store_caller){.access_key_id = STR("AKIANOBODY"),
		.secret = STR("secret"),
		.session_token = STR(""),
		.is_active = true,
		.user_id = STR("AIDANOBODY"),
		.user_name = STR("nobody"),
		.principal = {.arn = STR("arn:aws:iam::000000000001:user/nobody"),
			.account = STR("000000000001")}};
}

static int serve(const char *folder, const char *listen, int64_t day_ms, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/index.db", folder);
	_cleanup_(store_database_closep) struct store_database *database = NULL;
	_cleanup_(store_objects_closep) struct store_objects *objects = NULL;
	_cleanup_(s3_stopp) struct s3 *s3 = NULL;
	_cleanup_(api_server_freep) struct api_server *server = NULL;
	const struct api_callers source = {.find = find_caller, .unref = unref_caller};
	sigset_t signals;
	int signal_number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (store_database_open(&database, path, err) < 0 ||
		store_objects_open(&objects, folder, database, err) < 0)
		return -1;
	const struct s3_options options = {.objects = objects,
		.callers = source,
		.region = STR("us-east-1"),
		.webhooks_to_loopback = true,
		.lifecycle_every_ms = day_ms ? 1000 : 0,
		.lifecycle_day_ms = day_ms};
	if (s3_start(&s3, &options, err) < 0)
		return -1;
	const struct api_service *services[] = {s3_service(s3), NULL};
	const struct api_server_settings settings = {.listen = listen,
		.account = "000000000001",
		.region = "us-east-1",
		.services = services,
		.callers = source,
		.access_log = getenv("S3_SERVER_LOG") ? STDERR_FILENO : -1};
	if (api_server_start(&server, &settings, err) < 0)
		return -1;
	api_metrics_register(server, s3_metrics, s3);
	printf("%s\n", api_server_endpoint(server));
	fflush(stdout);
	sigwait(&signals, &signal_number);
	return api_server_stop(server) ? 0 : err_set(err, ERR_SYSTEM, "not all requests ended");
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	uint64_t day = 0;

	if (argc < 2 || (argc > 3 && !number_parse(str_from(argv[3]), 86400, &day)))
		return 2;
	make_callers();
	if (serve(argv[1], argc > 2 ? argv[2] : "127.0.0.1:0", (int64_t)day * 1000, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	return 0;
}
