/* children: the processes that `nagare up` runs: started, started again when they die, stopped.
 * One thread, which has SIGCHLD, SIGINT and SIGTERM blocked. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cli_child {
	const char *name;               /* for messages */
	const char *const *arguments;   /* of nagare, from the command on; to NULL */
	const char *user;               /* NULL: as who started it */
	const char *folder;             /* that it starts in; NULL: as this process */
	pid_t pid;                      /* 0: it does not run */
	unsigned failures;              /* in a row */
	int64_t started_ns, restart_ns; /* monotonic */
};

/* As a process group of its own, so that Ctrl-C at the terminal is this process' alone to pass on;
 * it gets SIGTERM when this one dies. */
int cli_child_start(struct cli_child *child, struct err *err);
/* After SIGCHLD or a while: says when it has died, and starts it again, each time after a longer
 * wait, from 1 to 30 s. */
void cli_child_look_after(struct cli_child *child);
/* SIGTERM; SIGKILL after so long. */
void cli_child_stop(struct cli_child *child, unsigned wait_ms);
