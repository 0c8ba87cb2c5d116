/* query_bar: how far a statement is in reading from a server, on a terminal; nothing elsewhere. One
 * line of standard error, drawn by a thread of its own, gone when rows come or it is stopped. */
#pragma once

#include "query/query.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct query_bar {
	struct query_session *session;
	pthread_t thread;
	bool is_started;
	atomic_bool is_ending;
};

void query_bar_start(struct query_bar *bar, struct query_session *session);
void query_bar_stop(struct query_bar *bar);
