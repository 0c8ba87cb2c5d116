/* insights: a command's queries of Logs Insights, and other calls of CloudWatch Logs, on nagare's
 * server or on AWS. One thread; calls block. */
#pragma once

#include "base/err.h"
#include "cli/remote.h"

#include <jansson.h>
#include <stdint.h>

/* A call of CloudWatch Logs; input is taken. The answer is the caller's. */
int cli_logs_call(struct cli_remote *remote, const char *operation, json_t *input,
	json_t **ret_answer, struct err *err);

struct cli_insights {
	const char *text;
	const char *const *groups;
	size_t group_count;
	int64_t start_s, end_s; /* inclusive */
	uint64_t limit;         /* rows; 0: the query's, or the service's */
};
struct cli_insights_result {
	json_t *fields; /* names, in the order in which rows have them; without @ptr */
	json_t *rows;   /* objects by name */
	json_t *statistics;
};
/* Waits until it is complete. *ret_result is set in any case and needs cli_insights_done. */
int cli_insights_run(struct cli_remote *remote, const struct cli_insights *query,
	struct cli_insights_result *ret_result, struct err *err);
void cli_insights_done(struct cli_insights_result *result);
