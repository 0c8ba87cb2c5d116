/* PutLogEvents (API reference): what is refused whole, what of it is rejected, and the rest stored.
 */
#include "api/logs/logs_priv.h"

#include "base/clock.h"

#include <inttypes.h>

enum { EVENT_OVERHEAD = 26 };
#define HOUR_MS    INT64_C(3600000)
#define DAY_MS     (24 * HOUR_MS)
#define TOO_NEW_MS (2 * HOUR_MS)
#define TOO_OLD_MS (14 * DAY_MS)

/* The events of the usual way: lent by the input. */
static void read_events(const struct api_call *call, struct logs_batch *batch)
{
	const json_t *list = json_object_get(call->input, "logEvents");
	size_t i;
	json_t *item;

	batch->group = logs_text(call, "logGroupName");
	batch->stream = logs_text(call, "logStreamName");
	batch->count = json_array_size(list);
	batch->events = mem_new(batch->count + 1, sizeof(*batch->events));
	json_array_foreach(list, i, item)
	{
		batch->events[i].time_ms = json_integer_value(json_object_get(item, "timestamp"));
		batch->events[i].message = logs_string(json_object_get(item, "message"));
	}
}

static int check_batch(const struct logs_batch *batch, struct aws_error *error)
{
	size_t bytes = 0;

	for (size_t i = 0; i < batch->count; i++) {
		size_t size = batch->events[i].message.n + EVENT_OVERHEAD;
		if (size > STORE_LOG_PUT_BYTES_MAX)
			return logs_refuse(error,
				"Log event too large: %zu bytes exceeds limit of %d", size,
				STORE_LOG_PUT_BYTES_MAX);
		if (i > 0 && batch->events[i].time_ms < batch->events[i - 1].time_ms)
			return logs_refuse(error,
				"Log events in a single PutLogEvents request must be in chronological order.");
		bytes += size;
	}
	if (bytes > STORE_LOG_PUT_BYTES_MAX)
		return logs_refuse(error, "Upload too large: %zu bytes exceeds limit of %d", bytes,
			STORE_LOG_PUT_BYTES_MAX);
	if (batch->events[batch->count - 1].time_ms - batch->events[0].time_ms > DAY_MS)
		return logs_refuse(error,
			"The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
	return 0;
}

static size_t count_before(const struct logs_batch *batch, int64_t time_ms)
{
	size_t count = 0;

	while (count < batch->count && batch->events[count].time_ms < time_ms)
		count++;
	return count;
}

/* Cuts off what is too old, has expired, or is too new, and tells. */
static void reject(struct api_call *call, struct logs_batch *batch, unsigned retention_days,
	int64_t now_ms, size_t *ret_first)
{
	size_t too_old = count_before(batch, now_ms - TOO_OLD_MS), expired = 0;
	size_t too_new = count_before(batch, now_ms + TOO_NEW_MS + 1);

	if (retention_days)
		expired = count_before(batch, now_ms - retention_days * DAY_MS);
	json_t *info = json_object();
	if (too_new < batch->count)
		json_object_set_new(
			info, "tooNewLogEventStartIndex", json_integer((json_int_t)too_new));
	if (too_old)
		json_object_set_new(
			info, "tooOldLogEventEndIndex", json_integer((json_int_t)too_old));
	if (expired > too_old)
		json_object_set_new(
			info, "expiredLogEventEndIndex", json_integer((json_int_t)expired));
	if (json_object_size(info))
		json_object_set_new(call->output, "rejectedLogEventsInfo", info);
	else
		json_decref(info);
	*ret_first = expired > too_old ? expired : too_old;
	batch->count = too_new;
}

/* nagare's own: the sender's name for the batch, so that it may be sent again. */
static int read_batch_id(const struct api_call *call, uint8_t ret_id[static STORE_LOG_BATCH_SIZE],
	bool *ret_has_id, struct aws_error *error)
{
	struct str text = api_header(call->exchange, STR("x-nagare-batch-id"));

	*ret_has_id = text.p != NULL;
	if (!text.p)
		return 0;
	bool is_good = text.n == 2 * STORE_LOG_BATCH_SIZE, is_zero = true;
	for (size_t i = 0; is_good && i < text.n; i++) {
		char c = text.p[i];
		uint8_t digit = c >= '0' && c <= '9' ? (uint8_t)(c - '0')
						     : (uint8_t)((c | 0x20) - 'a' + 10);
		is_good = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
		ret_id[i / 2] = (uint8_t)(i % 2 ? ret_id[i / 2] | digit : digit << 4);
		is_zero = is_zero && digit == 0;
	}
	if (is_good && !is_zero)
		return 0;
	return logs_refuse(error,
		"The header x-nagare-batch-id must be 32 hexadecimal digits that are not all zero.");
}

static int store(struct api_call *call, struct logs_batch *batch, struct aws_error *error)
{
	struct store_events *events = logs_of(call)->events;
	_cleanup_(store_log_group_done) struct store_log_group group = {0};
	int64_t now_ms = clock_wall_ns() / 1000000;
	uint8_t id[STORE_LOG_BATCH_SIZE];
	bool has_id;
	size_t first;

	if (check_batch(batch, error) < 0 || read_batch_id(call, id, &has_id, error) < 0 ||
		store_log_group_get(events, batch->group, &group, error) < 0)
		return -1;
	reject(call, batch, group.retention_days, now_ms, &first);
	if (first >= batch->count)
		return store_log_stream_check(events, batch->group, batch->stream, error);
	const struct store_log_put put = {.group = batch->group,
		.stream = batch->stream,
		.events = batch->events + first,
		.count = batch->count - first,
		.batch = has_id ? id : NULL,
		.now_ms = now_ms};
	logs_metric_filters_hold(logs_of(call));
	int result = store_log_put(events, &put, error, &call->exchange->err);
	if (result == 0)
		logs_metric_filters_apply(logs_of(call), group.id, put.events, put.count, now_ms);
	logs_metric_filters_release(logs_of(call));
	if (result == 0) {
		logs_live_tails_offer(
			logs_of(call), group.id, put.stream, put.events, put.count, now_ms);
		logs_subscriptions_offer(logs_of(call));
	}
	return result < 0 ? -1 : 0;
}

int logs_put_events(struct api_call *call, struct aws_error *error)
{
	_cleanup_(logs_batch_done) struct logs_batch batch = {0};
	struct logs_batch *given = call->raw;

	if (!given) {
		read_events(call, &batch);
		given = &batch;
	}
	if (store(call, given, error) < 0)
		return -1;
	/* Not looked at any more, by AWS neither; clients that are old want one. */
	json_object_set_new(
		call->output, "nextSequenceToken", logs_format("%056" PRId64, clock_wall_ns()));
	return 0;
}
