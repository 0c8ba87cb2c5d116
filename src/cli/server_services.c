#include "cli/server_services.h"

#include "api/agents/agents.h"
#include "api/athena/athena.h"
#include "api/ec2/ec2.h"
#include "api/firehose/firehose.h"
#include "api/glue/glue.h"
#include "api/iam/iam.h"
#include "api/logs/logs.h"
#include "api/monitoring/monitoring.h"
#include "api/s3/s3.h"
#include "api/sts/sts.h"
#include "base/file.h"
#include "store/catalog.h"
#include "store/database.h"
#include "store/events.h"
#include "store/flow_logs.h"
#include "store/identities.h"
#include "store/metrics.h"
#include "store/network.h"
#include "store/objects.h"
#include "store/queries.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct server_services {
	char *folder, *region;
	int lock; /* held as long as the folder is in use */
	struct store_database *database;
	struct store_identities *identities;
	struct store_objects *objects;
	struct s3 *s3;
	struct store_network *network;
	struct store_flow_logs *flow_logs;
	struct agents agents;
	struct ec2_context ec2;
	struct store_events *events;
	struct logs logs;
	struct store_metrics *metrics;
	struct monitoring *monitoring;
	struct store_catalog *catalog;
	struct glue *glue;
	struct firehose *firehose;
	struct sts *sts;
	struct store_queries *queries;
	char *athena_folder, *cache_folder;
	struct athena *athena;
	struct api_service services[API_SERVICES_MAX];
	const struct api_service *table[API_SERVICES_MAX + 1];
	size_t count;
};

int server_services_lock(const char *folder, int *ret_fd, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/lock", folder);
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set_errno(err, errno, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_set_errno(err, errno, "%s", path);
		return err_set(err, ERR_SYSTEM, "%s is in use by another nagare server", folder);
	}
	*ret_fd = take_fd(fd);
	return 0;
}

/* A start would make a new root key, and the clients that have the old one would be locked out. */
static int check_index(const char *folder, const char *path, struct err *err)
{
	_cleanup_free_ char *profile = mem_printf("%s/credentials", folder);
	struct stat status;

	if ((stat(path, &status) == 0 && status.st_size > 0) || access(profile, F_OK) < 0)
		return 0;
	err_set(err, ERR_INPUT, "%s has been in use, but its index %s is not there", folder,
		STORE_INDEX_NAME);
	return err_hint(err, "'nagare fsck --repair' makes the index anew from the files");
}

/* The same when fsck was broken off before the key was put back. */
static int check_root_key(struct server_services *services, struct err *err)
{
	_cleanup_free_ char *profile = mem_printf("%s/credentials", services->folder);
	int found = store_identities_restore(services->database, profile, false, err);

	if (found != STORE_ROOT_KEY_IN_PROFILE)
		return found < 0 ? -1 : 0;
	err_set(err, ERR_INPUT, "the index of %s does not have the root key that %s has",
		services->folder, profile);
	return err_hint(err, "'nagare fsck --repair' puts it back");
}

static int open_athena(struct server_services *services,
	const struct server_services_options *options, struct err *err)
{
	services->athena_folder = mem_printf("%s/athena", services->folder);
	services->cache_folder = mem_printf("%s/cache", services->folder);
	if (store_queries_open(&services->queries, services->database, err) < 0 ||
		file_make_folders(services->athena_folder, 0700, err) < 0)
		return -1;
	const struct athena_settings athena = {.catalog = services->catalog,
		.objects = services->objects,
		.queries = services->queries,
		.folder = services->athena_folder,
		.cache_folder = options->cache_limit ? services->cache_folder : NULL,
		.cache_limit = options->cache_limit,
		.region = str_from(services->region),
		.account = store_identities_account(services->identities),
		.trino = {options->trino_url, options->trino_user, options->trino_catalog,
			options->trino_schema}};
	return athena_start(&services->athena, &athena, err);
}

static int open_all(struct server_services *services, const struct server_services_options *options,
	struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/" STORE_INDEX_NAME, services->folder);

	if (file_make_folders(services->folder, 0700, err) < 0)
		return -1;
	if (server_services_lock(services->folder, &services->lock, err) < 0)
		return err_hint(err, "stop it, or give this one a --data-dir of its own");
	/* Objects first: they see when the index is empty and must not be filled. */
	if (check_index(services->folder, path, err) < 0 ||
		store_database_open(&services->database, path, err) < 0 ||
		store_objects_open(&services->objects, services->folder, services->database, err) <
			0 ||
		check_root_key(services, err) < 0 ||
		store_identities_open(&services->identities, services->database,
			str_from(options->account), err) < 0 ||
		store_network_open(&services->network, services->database, err) < 0 ||
		store_flow_logs_open(
			&services->flow_logs, services->database, services->network, err) < 0 ||
		store_events_open(&services->events, services->folder, services->database, err) <
			0 ||
		store_metrics_open(&services->metrics, services->database, err) < 0 ||
		store_catalog_open(&services->catalog, services->database,
			store_identities_account(services->identities), err) < 0)
		return -1;
	services->agents = (struct agents){services->network, services->flow_logs};
	const struct s3_options s3 = {.objects = services->objects,
		.callers = server_services_callers(services),
		.region = str_from(services->region),
		.webhook_hosts = options->webhook_hosts,
		.webhooks_to_loopback = options->webhooks_to_loopback};
	const struct monitoring_options monitoring = {.metrics = services->metrics,
		.database = services->database,
		.events = services->events,
		.region = str_from(services->region),
		.account = store_identities_account(services->identities),
		.actions = options->alarm_actions};
	const struct firehose_options firehose = {.folder = services->folder,
		.database = services->database,
		.objects = services->objects,
		.region = str_from(services->region),
		.account = store_identities_account(services->identities)};
	if (firehose_start(&services->firehose, &firehose, err) < 0)
		return -1;
	services->logs = (struct logs){.events = services->events,
		.database = services->database,
		.metrics = services->metrics,
		.flow_logs = services->flow_logs,
		.objects = services->objects,
		.firehose = services->firehose,
		.destinations = options->log_destinations,
		.live_tail_ms = (int64_t)options->live_tail_seconds * 1000,
		.region = str_from(services->region),
		.account = store_identities_account(services->identities)};
	if (logs_start(&services->logs, err) < 0 ||
		monitoring_start(&services->monitoring, &monitoring, err) < 0)
		return -1;
	const struct glue_options glue = {.catalog = services->catalog,
		.objects = services->objects,
		.region = str_from(services->region),
		.account = store_identities_account(services->identities)};
	if (glue_start(&services->glue, &glue, err) < 0)
		return -1;
	services->ec2 = (struct ec2_context){services->network, services->flow_logs,
		services->objects, services->firehose, options->has_short_intervals};
	const struct sts_options sts = {
		.identities = services->identities, .oidc_keys = options->oidc_keys};
	if (s3_start(&services->s3, &s3, err) < 0 || sts_start(&services->sts, &sts, err) < 0)
		return -1;
	return open_athena(services, options, err);
}

/* The service with what it works on. */
static void add(struct server_services *services, const struct api_service *service, void *context)
{
	assert(services->count < API_SERVICES_MAX);
	services->services[services->count] = *service;
	services->services[services->count].context = context;
	services->table[services->count] = &services->services[services->count];
	services->count++;
}

int server_services_open(struct server_services **ret_services,
	const struct server_services_options *options, struct err *err)
{
	struct server_services *services = mem_new(1, sizeof(*services));

	services->lock = -1;
	services->folder = mem_strdup(options->folder);
	services->region = mem_strdup(options->region);
	if (open_all(services, options, err) < 0) {
		server_services_close(services);
		return -1;
	}
	add(services, &api_sts, services->sts);
	add(services, &api_iam, services->identities);
	add(services, s3_service(services->s3), services->s3);
	add(services, &api_agents, &services->agents);
	add(services, &api_ec2, &services->ec2);
	add(services, &api_logs, &services->logs);
	add(services, &api_monitoring, services->monitoring);
	add(services, &api_glue, services->glue);
	add(services, &api_athena, services->athena);
	add(services, &api_firehose, services->firehose);
	*ret_services = services;
	return 0;
}

void server_services_close(struct server_services *services)
{
	if (!services)
		return;
	athena_stop(services->athena);
	store_queries_close(services->queries);
	free(services->athena_folder);
	free(services->cache_folder);
	s3_stop(services->s3);
	logs_stop(&services->logs); /* delivers to Firehose */
	firehose_stop(services->firehose);
	store_flow_logs_close(services->flow_logs);
	store_network_close(services->network);
	store_events_close(services->events);
	monitoring_stop(services->monitoring);
	store_metrics_close(services->metrics);
	glue_stop(services->glue);
	store_catalog_close(services->catalog);
	sts_stop(services->sts);
	store_objects_close(services->objects);
	store_identities_close(services->identities);
	store_database_close(services->database);
	if (services->lock >= 0)
		close(services->lock);
	free(services->folder);
	free(services->region);
	free(services);
}

const struct api_service *const *server_services_table(const struct server_services *services)
{
	return services->table;
}

void server_services_register(struct server_services *services, struct api_server *server)
{
	api_metrics_register(server, s3_metrics, services->s3);
	api_metrics_register(server, logs_metrics, &services->logs);
	api_metrics_register(server, firehose_metrics, services->firehose);
	api_metrics_register(server, athena_metrics, services->athena);
}

static struct store_caller *find(void *context, struct str access_key_id)
{
	return store_caller_find(context, access_key_id);
}

static void used(
	void *context, const struct store_caller *caller, struct str service, struct str region)
{
	store_caller_used(context, caller, service, region);
}

struct api_callers server_services_callers(struct server_services *services)
{
	return (struct api_callers){services->identities, find, store_caller_unref, used};
}

int server_services_write_profile(
	struct server_services *services, const char *endpoint, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/credentials", services->folder);

	return store_identities_write_profile(
		services->identities, path, str_from(services->region), str_from(endpoint), err);
}
