/* server_services: the services of `nagare server` over one data folder: opened before the server
 * starts, closed after it has stopped. A service more is a line in server_services.c. */
#pragma once

#include "api/server.h"
#include "base/err.h"
#include "base/mem.h"

struct server_services;

/* Two processes over one folder would undo each other's work: held until *ret_fd is closed. Without
 * a hint. */
int server_services_lock(const char *folder, int *ret_fd, struct err *err);

struct server_services_options {
	const char *folder, *account, *region;
	const char *const *webhook_hosts; /* as s3_options' */
	bool webhooks_to_loopback;
	const char *const *alarm_actions;    /* as monitoring_options' */
	bool has_short_intervals;            /* as ec2_context's */
	const char *const *oidc_keys;        /* as sts_options' */
	const char *const *log_destinations; /* as struct logs' */
	uint64_t live_tail_seconds;          /* likewise */
	/* as struct athena_trino's; url NULL: there is no cluster */
	const char *trino_url, *trino_user, *trino_catalog, *trino_schema;
	uint64_t cache_limit; /* of what Athena's queries read; 0: nothing is kept */
};

/* Makes what is not there yet; a folder that another server uses is an error. */
int server_services_open(struct server_services **ret_services,
	const struct server_services_options *options, struct err *err);
void server_services_close(struct server_services *services);
MEM_DEFINE_CLEANUP(struct server_services, server_services_close)

/* Ends with NULL. */
const struct api_service *const *server_services_table(const struct server_services *services);
/* Their own counters, into /metrics. */
void server_services_register(struct server_services *services, struct api_server *server);
struct api_callers server_services_callers(struct server_services *services);
/* The root key as a profile, DATA/credentials, with the server's endpoint. */
int server_services_write_profile(
	struct server_services *services, const char *endpoint, struct err *err);
