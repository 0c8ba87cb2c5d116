/* server: the HTTP server under all services: one port, libmicrohttpd, signatures, permissions,
 * errors, log and metrics. Sources: RFC 9110 and 9112; Signature Version 4 as aws/signature.h says;
 * docs of each AWS protocol as api/service.h says.
 *
 * Start it with a table of services and a source of callers; it answers until it is stopped. A few
 * event threads do what does not wait; requests that may block run on worker threads
 * (api/exchange.h). Threads: start and stop from one thread; everything else here from any.
 * Memory: bounded by the limits, whatever clients send. */
#pragma once

#include "api/exchange.h"
#include "api/service.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define API_DOMAINS_MAX    16
#define API_SERVICES_MAX   32
#define API_LISTEN_DEFAULT "127.0.0.1:4560"

/* Who may sign: store/identities.h, or a test's own. */
struct api_callers {
	void *context;
	/* NULL: there is no such key. */
	struct store_caller *(*find)(void *context, struct str access_key_id);
	void (*unref)(struct store_caller *caller);
	/* A signature of the caller was true; may be NULL. */
	void (*used)(void *context, const struct store_caller *caller, struct str service,
		struct str region);
};

/* 0 in any of these stands for the default. */
struct api_limits {
	uint64_t header_bytes; /* request line and headers: 16 KiB, which is also the most */
	uint64_t uri_bytes;    /* 8 KiB */
	uint64_t body_bytes;   /* of bodies kept in memory: 16 MiB */
	uint64_t connections;  /* 16384; further ones are told to slow down */
	uint64_t connections_per_address; /* 4096; loopback has no limit of its own */
	uint64_t idle_seconds;            /* between requests, and for headers to arrive: 60 */
	uint64_t body_rate;               /* bytes a second, over any idle_seconds: 64 */
	uint64_t drain_seconds;           /* running requests, when the server stops: 30 */
	uint64_t event_threads;           /* as many as processors */
	uint64_t workers;                 /* 32 */
};

enum api_metrics_to { API_METRICS_TO_LOOPBACK, API_METRICS_TO_ALL, API_METRICS_OFF };

struct api_server_settings {
	const char *listen; /* ADDRESS:PORT; [::1]:4560; port 0: any */
	const char *account, *region;
	const char *const
		*domains; /* of virtual-host buckets, besides localhost; NULL or to NULL */
	const struct api_service *const *services; /* ends with NULL; live as long as the server */
	struct api_callers callers;
	struct api_limits limits;
	const char *certificate, *key; /* PEM text; NULL: plain HTTP */
	int access_log;                /* file descriptor, kept by the caller; -1: none */
	enum api_metrics_to metrics;
	bool is_quiet; /* no error log either */
};

/* Listens before it returns. Errors say what of the settings, or why the address is not to be had.
 */
int api_server_start(struct api_server **ret_server, const struct api_server_settings *settings,
	struct err *err);
/* No more connections and no more requests; those that run are finished, for drain_seconds at most.
 * True when all could. */
bool api_server_stop(struct api_server *server);
void api_server_free(struct api_server *server); /* stops; NULL is a no-op */
MEM_DEFINE_CLEANUP(struct api_server, api_server_free)

/* "http://127.0.0.1:4560", with the port that was taken. */
const char *api_server_endpoint(const struct api_server *server);
struct str api_server_account(const struct api_server *server);
struct str api_server_region(const struct api_server *server);

/* One line of the error log: what went wrong inside; repeated ones are counted, not printed. */
void api_log_error(struct api_server *server, const char *where, const struct err *err);

/* Appends lines in Prometheus' text format to /metrics; called on each look, on an event thread. */
void api_metrics_register(
	struct api_server *server, void (*write)(void *context, struct buf *lines), void *context);
