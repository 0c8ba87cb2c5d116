/* exchange: one HTTP request and its answer, between the server (api/http, libmicrohttpd) and a
 * service. The server has already found the service, checked the signature and, for bodies that are
 * aws-chunked, gzip'd or hashed, undoes and checks that coding while the body comes in, so that a
 * service sees plain bytes.
 *
 * The life of an exchange:
 *   begin   event thread, headers known, body not read: route, authorise, say how the body is
 *           wanted. No waiting but short look-ups. It may answer at once (then the body is not read
 *           and 100 Continue not sent).
 *   data    event thread, streamed bodies only: each piece as it comes.
 *   run     worker thread: the body is in, whole and verified; may block; must answer.
 *   end     event thread, always and last: free what state holds, also after a client that
 * vanished.
 *
 * Services other than S3 sign the whole body: in their begin the caller is claimed but not proved
 * (do not act, do not answer for the caller), their bodies are always kept whole, and run comes
 * only with the signature verified. begin of a request that only its form tells (anonymous query
 * protocols) comes after the body, on the worker.
 *
 * An exchange belongs to the server; whatever begin keeps in state is the service's. One thread at
 * a time, so no locks. Strings of the request live as long as the exchange. */
#pragma once

#include "aws/error.h"
#include "aws/request.h"
#include "aws/signature.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "store/identities.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define API_REQUEST_ID_SIZE 36

struct api_server;  /* what all services share: api/server.h */
struct api_service; /* api/service.h */
struct api_exchange;

enum api_body { API_BODY_NONE, API_BODY_WHOLE, API_BODY_STREAM };

/* What begin sets. */
struct api_handler {
	enum api_body body;
	uint64_t body_max; /* bytes after decoding; more is EntityTooLarge or the protocol's like */
	int (*data)(struct api_exchange *exchange, struct str bytes, struct aws_error *error);
	int (*run)(struct api_exchange *exchange,
		struct aws_error *error); /* <0: answered with error */
	bool is_quick;                    /* run does not block: it is called on the event thread */
	void (*end)(struct api_exchange *exchange);
	void *state;
};

struct api_exchange {
	struct api_server *server;
	const struct api_service *service;
	struct aws_request request; /* raw, as signed */
	struct str path;            /* decoded; for virtual-host buckets as sent: see bucket_host */
	struct str bucket_host;     /* bucket of a virtual-host-style request; empty: path style */
	char request_id[API_REQUEST_ID_SIZE + 1];
	int64_t started_ms; /* wall clock at the headers */
	char peer[64];      /* address of the client, no port */
	bool is_tls;
	struct store_caller *caller;    /* NULL: anonymous */
	struct aws_signature signature; /* kind NONE: anonymous */
	int64_t content_length;         /* of the decoded body; -1: not said */
	struct buf body;                /* API_BODY_WHOLE, in run */
	struct api_handler handler;
	const char *operation; /* for log and metrics: "PutObject"; static text */
	struct err err;        /* inner failure behind an InternalError, for the log */
};

/* Decoded value of the query parameter; "" when it has none; STR_NONE when it is not there. Lent.
 */
struct str api_parameter(struct api_exchange *exchange, struct str name);
/* S3's second id of the request, x-amz-id-2; lives as long as the exchange. */
const char *api_host_id(struct api_exchange *exchange);
/* Trimmed value of the first header of that name; STR_NONE when it is not there. */
struct str api_header(const struct api_exchange *exchange, struct str name);
/* After the body: a trailing header of an aws-chunked body, lower-case name; STR_NONE: none. */
struct str api_trailer(const struct api_exchange *exchange, struct str name);

/* What the policies say to a question of the caller, for services that have more to ask (S3's
 * ACLs). Keys of every request (aws:SourceIp, aws:SecureTransport, aws:CurrentTime, aws:UserAgent,
 * aws:username, ...) are added to context. */
struct api_question {
	struct str action, resource;              /* s3:GetObject; ARN, or "*" */
	const struct aws_policy *resource_policy; /* may be NULL */
	struct str resource_account;              /* empty: the caller's own */
	struct str canonical_id;                  /* of the caller's account; may be empty */
	struct str federated; /* provider that vouches for an anonymous caller */
	const struct aws_context_key *context;
	size_t context_count;
};
/* Unless it is allowed, error says AccessDenied in the protocol's words. *ret_own, when not NULL,
 * is what the policies say without the resource's. */
enum aws_decision api_decide(struct api_exchange *exchange, const struct api_question *question,
	enum aws_decision *ret_own, struct aws_error *error);
/* May the caller do this? Allow, or AccessDenied in the protocol's words and a negative value.
 * resource_policy may be NULL; resource_account empty: the server's. Context as in a question. */
int api_authorize(struct api_exchange *exchange, struct str action, struct str resource_arn,
	const struct aws_policy *resource_policy, struct str resource_account,
	const struct aws_context_key *context, size_t context_count, struct aws_error *error);

/* ---- the answer: header first, then exactly one body ---- */
void api_answer_header(struct api_exchange *exchange, const char *name, struct str value);
void api_answer_header_format(struct api_exchange *exchange, const char *name, const char *format,
	...) __attribute__((format(printf, 3, 4)));
void api_answer_empty(struct api_exchange *exchange, int status);
/* Takes the buffer's bytes; content_type static. */
void api_answer_bytes(
	struct api_exchange *exchange, int status, const char *content_type, struct buf *bytes);
/* size bytes of the file from offset, by sendfile where it can be; takes fd. For HEAD pass the
 * same: no bytes are sent. */
void api_answer_file(
	struct api_exchange *exchange, int status, int fd, int64_t offset, int64_t size);
/* As it is made: read fills up to n bytes and returns how many, 0 at the end, <0 to break off the
 * connection; it runs on the event thread when is_quick, else on a worker. length -1: chunked. */
#define API_STREAM_WAIT (-2) /* from read when is_quick, after api_stream_wait */
struct api_stream {
	ssize_t (*read)(void *context, char *bytes, size_t n);
	void (*end)(void *context);
	void *context;
	int64_t length;
	bool is_quick;
};
void api_answer_stream(struct api_exchange *exchange, int status, const char *content_type,
	const struct api_stream *stream);
/* For streams that come by and by. In read, where there is nothing yet: the connection sleeps and
 * read is not called until api_stream_wake, once for each wait and from any thread. Whoever calls
 * them has a lock around what says that there is something; wake is not called after end. A client
 * that has gone is noticed when it is written to. */
void api_stream_wait(struct api_exchange *exchange);
void api_stream_wake(struct api_exchange *exchange);
/* Breaks the connection off, of a client that takes nothing; end comes. Before end, any thread. */
void api_stream_cut(struct api_exchange *exchange);
bool api_is_stopping(const struct api_exchange *exchange); /* the server; streams should end */
/* The error in the words of the service's protocol. */
void api_answer_error(struct api_exchange *exchange, const struct aws_error *error);
