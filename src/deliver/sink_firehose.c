/* Firehose may take some records of a request and not others. What it did not take is kept with the
 * batch (spool_taken.rest) and is all that the next attempt sends; after a kill -9 the batch is
 * sent whole again. The body has a record a line (events.c). */
#include "deliver/sink_priv.h"

#include <jansson.h>
#include <stdio.h>

static struct str next_line(struct str *rest)
{
	struct str line = STR("");

	str_split(rest, '\n', &line);
	return line;
}

/* Head, the lines of records that failed, tail. */
static void keep_failed(struct buf *ret_rest, struct str body, const json_t *answers)
{
	bool is_first = true;

	buf_add_str(ret_rest, next_line(&body));
	for (size_t i = 0; i < json_array_size(answers); i++) {
		struct str line = next_line(&body);
		if (!json_object_get(json_array_get(answers, i), "ErrorCode"))
			continue;
		if (str_ends_with(line, STR(",")))
			line.n--;
		buf_add_text(ret_rest, is_first ? "\n" : ",\n");
		buf_add_str(ret_rest, line);
		is_first = false;
	}
	buf_add_text(ret_rest, "\n]}");
}

static size_t count_lines(struct str body)
{
	size_t lines = 0;

	for (size_t i = 0; i < body.n; i++)
		lines += body.p[i] == '\n';
	return lines;
}

static void note_failure(const json_t *answers, struct sink_outcome *outcome, struct err *err)
{
	const char *code = "", *message = "";
	size_t failed = 0;

	for (size_t i = 0; i < json_array_size(answers); i++) {
		const json_t *answer = json_array_get(answers, i);
		const char *one = json_string_value(json_object_get(answer, "ErrorCode"));
		const char *text = json_string_value(json_object_get(answer, "ErrorMessage"));
		if (!one)
			continue;
		code = one;
		message = text ? text : "";
		failed++;
	}
	outcome->fault = strstr(code, "ServiceUnavailable") || strstr(code, "Throttl")
				 ? DELIVER_RATE_LIMITED
				 : DELIVER_UNKNOWN_ERROR;
	err_set(err, ERR_SYSTEM,
		"firehose PutRecordBatch: %zu of %zu records were not taken: %s: %s", failed,
		json_array_size(answers), code, message);
}

/* A 200 answer; 0 when every record was taken. */
static int read_answer(const struct spool_taken *taken, struct str body,
	const struct aws_answer *answer, struct sink_outcome *outcome, struct err *err)
{
	json_t *root = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0, NULL);
	const json_t *answers = json_object_get(root, "RequestResponses");
	int result = 0;

	if (json_integer_value(json_object_get(root, "FailedPutCount")) > 0) {
		result = -1;
		note_failure(answers, outcome, err);
		/* What does not answer record by record is sent whole again. */
		if (json_array_size(answers) + 1 == count_lines(body)) {
			struct buf rest = {0};
			keep_failed(&rest, body, answers);
			buf_done(taken->rest);
			*taken->rest = rest;
		}
	}
	json_decref(root);
	return result;
}

int sink_send_records(struct sink *sink, const struct spool_taken *taken,
	struct sink_outcome *outcome, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_buf_ struct buf whole = {0};
	const struct aws_header headers[] = {
		{STR("X-Amz-Target"), STR("Firehose_20150804.PutRecordBatch")},
		{STR("Content-Type"), STR("application/x-amz-json-1.1")},
		{STR("x-nagare-batch-id"), str_from(taken->batch->id)},
	};

	if (taken->rest->n == 0 && sink_load(taken, &whole, outcome, err) < 0)
		return -1;
	struct str body = buf_str(taken->rest->n ? taken->rest : &whole);
	const struct aws_call call = {
		.service = "firehose",
		.body = body,
		.headers = headers,
		.header_count = ARRAY_SIZE(headers),
	};
	if (sink_call(sink, &call, &answer, outcome, err) < 0)
		return -1;
	return read_answer(taken, body, &answer, outcome, err);
}
