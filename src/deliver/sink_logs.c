/* Log group and stream are made when the service says that they are not there: once a batch, so
 * that a service which goes on saying so is an error like others. */
#include "deliver/sink_priv.h"

#include "deliver/json_priv.h"

#include <jansson.h>

static int call_logs(struct sink *sink, const char *target, struct str body, const char *batch_id,
	struct aws_answer *ret_answer, struct sink_outcome *outcome, struct err *err)
{
	const struct aws_header headers[] = {
		{STR("X-Amz-Target"), str_from(target)},
		{STR("Content-Type"), STR("application/x-amz-json-1.1")},
		{STR("x-nagare-batch-id"), str_from(batch_id)},
	};
	const struct aws_call call = {
		.service = "logs",
		.body = body,
		.headers = headers,
		.header_count = ARRAY_SIZE(headers) - !batch_id[0],
	};

	return sink_call(sink, &call, ret_answer, outcome, err);
}

static bool is_code(const struct aws_answer *answer, const char *code)
{
	return strcmp(answer->code, code) == 0;
}

/* 0: it is there now, whoever made it; the answer says what was missing. */
static int create(struct sink *sink, const char *target, const char *stream,
	struct aws_answer *ret_answer, struct sink_outcome *outcome, struct err *err)
{
	_cleanup_buf_ struct buf body = {0};

	buf_add_text(&body, "{\"logGroupName\":");
	deliver_json_add_string(&body, str_from(sink->name));
	if (stream) {
		buf_add_text(&body, ",\"logStreamName\":");
		deliver_json_add_string(&body, str_from(stream));
	}
	buf_add_char(&body, '}');
	if (call_logs(sink, target, buf_str(&body), "", ret_answer, outcome, err) == 0)
		return 0;
	return is_code(ret_answer, "ResourceAlreadyExistsException") ? 0 : -1;
}

static int create_stream(struct sink *sink, const char *stream, struct sink_outcome *outcome,
	struct err *err, bool *ret_is_group_missing)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	int result = create(sink, "Logs_20140328.CreateLogStream", stream, &answer, outcome, err);

	*ret_is_group_missing = result < 0 && is_code(&answer, "ResourceNotFoundException");
	return result;
}

static int create_missing(
	struct sink *sink, const char *stream, struct sink_outcome *outcome, struct err *err)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	bool is_group_missing;

	int result = create_stream(sink, stream, outcome, err, &is_group_missing);
	if (!is_group_missing)
		return result;
	if (create(sink, "Logs_20140328.CreateLogGroup", NULL, &answer, outcome, err) < 0)
		return -1;
	return create_stream(sink, stream, outcome, err, &is_group_missing);
}

/* Events that the service took the request with, but not them: too old, expired, too new. */
static uint64_t count_rejected(const struct aws_answer *answer, uint32_t records)
{
	json_t *root = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0, NULL);
	json_t *info = json_object_get(root, "rejectedLogEventsInfo");
	json_int_t old = json_integer_value(json_object_get(info, "tooOldLogEventEndIndex"));
	json_int_t expired = json_integer_value(json_object_get(info, "expiredLogEventEndIndex"));
	json_t *new = json_object_get(info, "tooNewLogEventStartIndex");
	json_int_t new_start = json_is_integer(new) ? json_integer_value(new) : records;
	json_int_t rejected = old > expired ? old : expired;

	if (new_start < records)
		rejected += records - new_start;
	json_decref(root);
	return rejected < 0 ? 0 : rejected > records ? records : (uint64_t)rejected;
}

static int put_events(struct sink *sink, const struct spool_taken *taken, struct str body,
	struct sink_outcome *outcome, struct err *err, bool *ret_is_missing)
{
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};

	int result = call_logs(
		sink, "Logs_20140328.PutLogEvents", body, taken->batch->id, &answer, outcome, err);
	*ret_is_missing = result < 0 && is_code(&answer, "ResourceNotFoundException");
	/* Of old: a repeat within five minutes was told so. */
	if (result < 0 && is_code(&answer, "DataAlreadyAcceptedException"))
		return 0;
	if (result == 0)
		outcome->rejected = count_rejected(&answer, taken->batch->records);
	return result;
}

int sink_send_events(struct sink *sink, const struct spool_taken *taken,
	struct sink_outcome *outcome, struct err *err)
{
	_cleanup_buf_ struct buf body = {0};
	bool is_missing;

	if (sink_load(taken, &body, outcome, err) < 0)
		return -1;
	int result = put_events(sink, taken, buf_str(&body), outcome, err, &is_missing);
	if (!is_missing)
		return result;
	/* One at a time: of two that make the group, the second is told that it is there already
	 * before streams can be made in it. */
	pthread_mutex_lock(&sink->creating);
	result = create_missing(sink, taken->batch->name, outcome, err);
	pthread_mutex_unlock(&sink->creating);
	if (result < 0)
		return -1;
	return put_events(sink, taken, buf_str(&body), outcome, err, &is_missing);
}
