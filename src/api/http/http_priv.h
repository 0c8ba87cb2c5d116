/* http_priv: what the files of the HTTP server share.
 *   server.c        start, stop, connections and their limits
 *   handler.c       the life of a request, as libmicrohttpd calls it
 *   request.c       what of a request the services see
 *   dispatch.c      which service a request is for
 *   authenticate.c  signatures;  authorize.c  permissions
 *   body.c          codings of the body, undone and checked
 *   answer.c        answers;  error.c  errors in each protocol's words
 *   workers.c       threads for what blocks
 *   log.c, metrics.c
 * A struct request has one owner at a time: the event thread of its connection, or, while the
 * connection is suspended, one worker. */
#pragma once

#include "api/server.h"
#include "aws/checksum.h"
#include "aws/chunked.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#define REQUEST_HEADERS_MAX 256
#define HOST_ID_SIZE        64

struct workers;
struct metrics;
struct log;
struct clients;

struct api_server {
	struct MHD_Daemon *daemon;
	struct api_server_settings settings; /* limits with their defaults filled in */
	const struct api_service *services[API_SERVICES_MAX + 1];
	struct str domains[API_DOMAINS_MAX + 2];
	size_t domain_count;
	char *account, *region, *endpoint;
	struct aws_signing_keys *keys;
	struct aws_policy *allow_all; /* what root may */
	struct workers *workers;
	struct metrics *metrics;
	struct log *log;
	struct clients *clients;
	bool is_tls;
	atomic_bool is_stopping;
	atomic_uint running; /* requests between their headers and the last byte of the answer */
};

/* ---- server.c ---- */

enum client_phase {
	CLIENT_IDLE,   /* waits for a request, or is in the middle of its headers */
	CLIENT_BODY,   /* sends a body */
	CLIENT_BUSY,   /* waits for us, or takes the answer */
	CLIENT_CLOSED, /* we gave it up */
};

/* A connection. */
struct client {
	struct client *next, *previous; /* of clients, under its mutex */
	int fd;
	char address[64];
	bool is_loopback;
	bool is_over_limit;
	atomic_int phase;
	atomic_llong since_ms; /* in this phase; for a body: the start of the window */
	atomic_ullong bytes;   /* of the body in this window */
	char request_id[API_REQUEST_ID_SIZE + 1]; /* written before the phase becomes BODY */
};

/* False when the watchdog has given it up: then nothing may be written to it any more. */
bool client_enter(struct client *client, enum client_phase phase);

/* ---- workers.c ---- */

struct job {
	struct job *next;
	void (*run)(void *context);
	void *context;
};
int workers_start(struct workers **ret_workers, unsigned count, struct err *err);
/* Runs job on a worker; its owner keeps it until it ran. False when they have been stopped. */
bool workers_add(struct workers *workers, struct job *job);
/* Runs what is queued, then ends the threads. */
void workers_stop(struct workers *workers);
/* NULL is a no-op. */
void workers_free(struct workers *workers);

/* ---- request.c ---- */

/* Bytes that live as long as the request. */
struct note {
	struct note *next;
	char bytes[];
};

struct answer_header {
	const char *name;
	struct str value; /* NUL-terminated */
};

struct answer {
	int status;
	struct MHD_Response *response; /* NULL: none yet */
	uint64_t bytes;                /* of the body; for streams what was sent so far */
	struct answer_header *headers;
	size_t header_count, header_capacity;
	struct stream *stream; /* of answer.c, while it has an end to be called */
	bool must_close, is_queued;
};

struct body {
	bool is_discarded; /* read and thrown away: the answer is known, or nobody wants it */
	bool is_hashed;    /* compared with signature.payload_hash */
	bool is_gzip;
	uint64_t received, decoded, discarded; /* bytes */
	uint64_t max;
	struct aws_hash hash;
	struct aws_chunked *chunked; /* NULL: not coded */
};

struct request {
	struct api_exchange exchange; /* first: api_* functions cast */
	struct api_server *server;
	struct MHD_Connection *connection;
	struct client *client;
	char *uri;
	struct aws_header *headers;
	struct note *notes;
	const char *version;
	char host_id[HOST_ID_SIZE + 1];
	int64_t started_ns; /* monotonic */
	struct body body;
	struct answer answer;
	uint64_t expected;      /* bytes of the body on the wire; UINT64_MAX: chunked */
	bool is_begun;          /* headers were looked at */
	bool is_folded;         /* a header came in two lines */
	bool is_late;           /* the service is found in the body */
	bool is_proved;         /* the signature is verified */
	bool has_expect;        /* waits for 100 Continue */
	bool has_begun_service; /* begin was called: end is to be */
	bool is_counted;        /* in server->running */
	struct job job;
};

static inline struct request *request_of(struct api_exchange *exchange)
{
	return (struct request *)exchange;
}

struct request *request_new(struct api_server *server, struct client *client, const char *uri);
/* Takes the headers over. Negative: refused with error. */
int request_read(
	struct request *request, const char *method, const char *version, struct aws_error *error);
void request_free(struct request *request);
char *request_note(struct request *request, size_t size);
/* The decoded form, which lives as long as the request; STR_NONE when it is malformed. */
struct str request_decode(struct request *request, struct str text, bool plus_is_space);
void request_make_ids(struct request *request);

/* ---- dispatch.c ---- */

struct dispatch_input {
	struct str scope;  /* service of the credential scope; empty: unsigned */
	struct str target; /* X-Amz-Target */
	struct str method, path;
	struct str content_type;
	struct str form; /* the body when it is a form and known */
};

enum dispatch_result {
	DISPATCH_FOUND,
	DISPATCH_FORM,    /* the form in the body says */
	DISPATCH_UNKNOWN, /* a service that is not served here; *ret_service tells the style only */
};

enum dispatch_result dispatch_find(const struct api_service *const *services,
	const struct dispatch_input *input, const struct api_service **ret_service);
/* The bucket in front of one of the domains in a Host header; empty: none. */
struct str dispatch_bucket(const struct str *domains, size_t count, struct str host);
/* XML namespace of the service's answers. */
const char *dispatch_namespace(const struct api_service *service);

/* ---- authenticate.c ---- */

/* What the request claims; sets signature. */
int authenticate_parse(struct request *request, struct aws_refusal *refusal);
/* Sets caller of a signed request. */
int authenticate_caller(struct request *request, struct aws_refusal *refusal);
/* payload_hash: for services other than S3. */
int authenticate_verify(
	struct request *request, struct str payload_hash, struct aws_refusal *refusal);
void authenticate_chunk_signer(struct request *request, struct aws_chunk_signer *ret_signer);

/* ---- body.c ---- */

/* After begin: how the body is to be read. */
int body_begin(struct request *request, struct aws_error *error);
int body_add(struct request *request, struct str bytes, struct aws_error *error);
/* All is in: is it whole and true? May take a while for services other than S3. */
int body_finish(struct request *request, struct aws_error *error);
void body_done(struct body *body);
int body_too_large(const struct request *request, uint64_t max, struct aws_error *error);

/* ---- answer.c ---- */

/* Gives the answer to libmicrohttpd. */
enum MHD_Result answer_queue(struct request *request);
bool answer_is_made(const struct answer *answer);
/* Calls the end of a stream, so that it comes before the request's. */
void answer_end(struct answer *answer);
void answer_done(struct answer *answer);

/* ---- error.c ---- */

struct error_text {
	struct buf body;
	const char *content_type;
};
/* As the request's protocol has it, and the headers that go with it. */
void error_write(
	struct request *request, const struct aws_error *error, struct error_text *ret_text);
enum aws_error_style error_style(const struct request *request);

/* ---- pages.c ---- */

/* /healthz and /metrics: true when the request was for one of them and is answered. */
bool pages_answer(struct request *request);

/* ---- handler.c ---- */

void *handler_uri(void *context, const char *uri, struct MHD_Connection *connection);
enum MHD_Result handler_access(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *bytes, size_t *n, void **request_);
void handler_completed(void *context, struct MHD_Connection *connection, void **request_,
	enum MHD_RequestTerminationCode how);

/* ---- log.c ---- */

struct log *log_new(int access_fd, bool is_quiet);
void log_free(struct log *log);
void log_access(struct log *log, const struct request *request, int64_t duration_ns, bool is_whole);
void log_error(struct log *log, const char *where, const struct err *err);

/* ---- metrics.c ---- */

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);
void metrics_request(struct metrics *metrics, const struct request *request, int64_t duration_ns);
void metrics_refused(struct metrics *metrics, const char *reason); /* static text */
void metrics_connections(struct metrics *metrics, int change);
void metrics_register(
	struct metrics *metrics, void (*write)(void *context, struct buf *lines), void *context);
void metrics_write(struct metrics *metrics, struct buf *lines);
