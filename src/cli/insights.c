#include "cli/insights.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WAIT_FIRST_MS = 10, WAIT_LAST_MS = 500 };

int cli_logs_call(struct cli_remote *remote, const char *operation, json_t *input,
	json_t **ret_answer, struct err *err)
{
	const struct cli_remote_json call = {.service = "logs",
		.target = "Logs_20140328",
		.operation = operation,
		.is_idempotent = strcmp(operation, "StartQuery") != 0};

	return cli_remote_call_json(remote, &call, input, ret_answer, err);
}

static json_t *input_of(const struct cli_insights *query)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < query->group_count; i++)
		json_array_append_new(groups, json_string(query->groups[i]));
	json_t *input = json_pack("{s:s, s:I, s:I}", "queryString", query->text, "startTime",
		(json_int_t)query->start_s, "endTime", (json_int_t)query->end_s);
	if (query->group_count)
		json_object_set(input, "logGroupNames", groups);
	if (query->limit)
		json_object_set_new(input, "limit", json_integer((json_int_t)query->limit));
	json_decref(groups);
	return input;
}

static bool has_text(const json_t *list, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (strcmp(json_string_value(item), text) == 0)
			return true;
	}
	return false;
}

static void add_rows(const json_t *results, struct cli_insights_result *result)
{
	json_t *from, *cell;
	size_t i, j;

	json_array_foreach(results, i, from)
	{
		json_t *row = json_object();
		json_array_foreach(from, j, cell)
		{
			const char *name = json_string_value(json_object_get(cell, "field"));
			if (!name || strcmp(name, "@ptr") == 0)
				continue;
			if (!has_text(result->fields, name))
				json_array_append_new(result->fields, json_string(name));
			json_object_set(row, name, json_object_get(cell, "value"));
		}
		json_array_append_new(result->rows, row);
	}
}

static void wait_ms(unsigned ms)
{
	const struct timespec moment = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&moment, NULL);
}

/* Complete, and all pages. */
static int read_results(struct cli_remote *remote, const json_t *id,
	struct cli_insights_result *result, struct err *err)
{
	json_t *token = NULL, *answer;
	unsigned pause_ms = WAIT_FIRST_MS;

	for (;;) {
		json_t *input = json_pack("{s:O, s:O*}", "queryId", id, "nextToken", token);
		json_decref(take(token));
		if (cli_logs_call(remote, "GetQueryResults", input, &answer, err) < 0)
			return -1;
		const char *status = json_string_value(json_object_get(answer, "status"));
		if (status &&
			(strcmp(status, "Scheduled") == 0 || strcmp(status, "Running") == 0)) {
			wait_ms(pause_ms);
			pause_ms = 2 * pause_ms < WAIT_LAST_MS ? 2 * pause_ms : WAIT_LAST_MS;
			json_decref(answer);
			continue;
		}
		if (!status || strcmp(status, "Complete") != 0) {
			const char *why =
				json_string_value(json_object_get(answer, "failureReason"));
			err_set(err, ERR_SYSTEM, "the query has the status %s%s%s",
				status ? status : "none", why ? ": " : "", why ? why : "");
			json_decref(answer);
			return -1;
		}
		add_rows(json_object_get(answer, "results"), result);
		json_decref(result->statistics);
		result->statistics = json_incref(json_object_get(answer, "statistics"));
		token = json_incref(json_object_get(answer, "nextToken"));
		json_decref(answer);
		if (!token)
			return 0;
	}
}

int cli_insights_run(struct cli_remote *remote, const struct cli_insights *query,
	struct cli_insights_result *ret_result, struct err *err)
{
	json_t *started = NULL;

	*ret_result = (struct cli_insights_result){.fields = json_array(), .rows = json_array()};
	if (cli_logs_call(remote, "StartQuery", input_of(query), &started, err) < 0)
		return -1;
	int result = read_results(remote, json_object_get(started, "queryId"), ret_result, err);
	json_decref(started);
	return result;
}

void cli_insights_done(struct cli_insights_result *result)
{
	json_decref(result->fields);
	json_decref(result->rows);
	json_decref(result->statistics);
	*result = (struct cli_insights_result){NULL};
}
