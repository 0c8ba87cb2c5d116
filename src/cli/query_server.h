/* query_server: statements of `nagare query` that a server's Athena API runs, nagare's or
 * another's. One thread; query_server_interrupt from signal handlers too. */
#pragma once

#include "cli/remote.h"
#include "query/query.h"

struct query_server;

/* remote is the caller's and open. */
struct query_server *query_server_new(struct cli_remote *remote);
void query_server_free(struct query_server *server);
MEM_DEFINE_CLEANUP(struct query_server, query_server_free)

struct query_server_request {
	struct str statement;
	enum query_output output;
	unsigned terminal_columns; /* 0: no terminal */
	bool is_cost;              /* what it would read and what Athena would charge, as a row */
};
struct query_server_summary {
	int64_t rows; /* -1: it is of a kind without rows */
	uint64_t scanned_bytes;
};
/* Runs it and writes its rows to standard output; 0, a query_outcome, or <0. */
int query_server_run(struct query_server *server, const struct query_server_request *request,
	struct query_server_summary *ret_summary, struct err *err);
/* The statement that runs is stopped at the server. */
void query_server_interrupt(struct query_server *server);

/* A cost as a row, of a session's statement too. */
int query_cost_print(const struct query_cost *cost, enum query_output output,
	unsigned terminal_columns, struct err *err);
