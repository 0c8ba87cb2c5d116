/* http_test_help: a small HTTP server for tests, on loopback, that answers what a function of the
 * test says, whole, broken, late or not at all. A thread a connection. */
#pragma once

#include "base/buf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct test_request {
	unsigned number; /* from 1, over all connections */
	struct str method, path, query;
	struct str head; /* all header lines */
	struct buf body;
};

struct test_reply {
	struct buf text;    /* as it goes out, status line included; empty: the connection ends */
	bool is_last;       /* the connection ends behind it */
	unsigned silent_ms; /* before it */
};

struct test_server {
	int fd;
	unsigned port;
	char url[64];
	void (*answer)(void *context, const struct test_request *request, struct test_reply *reply);
	void *context;
	atomic_uint requests, connections;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_t threads[256];
	int fds[256];
	unsigned count;
};

void test_server_start(struct test_server *server);
void test_server_stop(struct test_server *server);
/* Value of a header of the request, trimmed. */
struct str test_request_header(const struct test_request *request, const char *name);
/* "HTTP/1.1 STATUS", headers (each with "\r\n", may be ""), Content-Length and body. */
void test_reply_set(struct test_reply *reply, int status, const char *headers, const char *body);
