/* http_priv: one HTTP exchange at a time by libcurl, over connections that are kept. What is sent
 * is what the caller signed: nothing is followed, normalised or added but Accept, User-Agent,
 * Content-Length and Expect. HTTP/1.1, because of AWS's services none speaks more where it counts.
 * struct aws_http may be shared by all threads: each exchange takes connections of its own from it
 * and gives them back. Blocks. */
#pragma once

#include "aws/request.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Ends whoever waits on it, for good. */
struct aws_stop {
	atomic_bool is_set;
	int fd; /* readable when set */
};
int aws_stop_init(struct aws_stop *stop, struct err *err);
void aws_stop_done(struct aws_stop *stop);
/* Any thread, signal handlers too. */
void aws_stop_set(struct aws_stop *stop);
/* stop may be NULL. */
bool aws_stop_is_set(const struct aws_stop *stop);
/* Waits so long; true: was stopped. stop may be NULL. */
bool aws_stop_wait(const struct aws_stop *stop, int64_t ms);

struct aws_http_settings {
	const char *ca_bundle; /* PEM file; NULL: the system's */
	unsigned connect_ms, stall_ms;
	bool is_direct; /* no proxy, whatever the environment says */
};

struct aws_http;
int aws_http_new(
	struct aws_http **ret_http, const struct aws_http_settings *settings, struct err *err);
void aws_http_free(struct aws_http *http);
MEM_DEFINE_CLEANUP(struct aws_http, aws_http_free)

enum aws_http_failure {
	AWS_HTTP_DONE,
	AWS_HTTP_STOPPED,
	AWS_HTTP_UNRESOLVED, /* the name has no address */
	AWS_HTTP_UNCONNECTED,
	AWS_HTTP_UNTRUSTED, /* the certificate */
	AWS_HTTP_NO_TLS,
	AWS_HTTP_STALLED,
	AWS_HTTP_BROKEN, /* the connection ended too early */
	AWS_HTTP_TOO_LARGE,
	AWS_HTTP_UNWANTED,   /* data said no */
	AWS_HTTP_UNREADABLE, /* body_fd */
	AWS_HTTP_OTHER
};

struct aws_http_request {
	const char *method, *url;
	const struct aws_header *headers; /* Host among them */
	size_t header_count;
	struct str body;
	int body_fd; /* when body_size > 0 */
	uint64_t body_size;
	size_t answer_max;
	int (*data)(void *context, struct str bytes); /* of a 2xx answer; NULL: kept */
	void *context;
};

struct aws_http_result {
	enum aws_http_failure failure;
	bool is_sent;     /* something of the request left: it may have been done */
	char detail[256]; /* of a failure */
	int status;       /* 0: none came */
	struct buf head, body;
};

/* *ret_result is always set and needs aws_http_result_done, which wipes the body. */
void aws_http_exchange(struct aws_http *http, const struct aws_stop *stop,
	const struct aws_http_request *request, struct aws_http_result *ret_result);
void aws_http_result_done(struct aws_http_result *result);
/* The first header of that name in a head, trimmed; STR_NONE when it is not there. */
struct str aws_http_header(struct str head, struct str name);
