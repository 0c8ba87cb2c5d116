/* Log streams. */
#include "api/logs/logs_priv.h"

#include "base/number.h"

#include <inttypes.h>

LOGS_HANDLER(logs_create_stream)
{
	struct str name = logs_text(call, "logStreamName");

	/* The model's pattern; control characters are not in it but are in no name either. */
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ')
			return logs_refuse(error,
				"1 validation error detected: Value at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*");
	return store_log_stream_create(logs_of(call)->events, logs_text(call, "logGroupName"), name,
		error, &call->exchange->err);
}

LOGS_HANDLER(logs_delete_stream)
{
	return store_log_stream_delete(logs_of(call)->events, logs_text(call, "logGroupName"),
		logs_text(call, "logStreamName"), error, &call->exchange->err);
}

struct listing {
	const struct logs *logs;
	struct str group;
	json_t *items;
	size_t max;
	struct buf last; /* the token: moment, space, name */
	bool is_truncated;
};

static void set_time(json_t *item, const char *name, int64_t ms)
{
	if (ms >= 0)
		json_object_set_new(item, name, json_integer(ms));
}

static bool add_stream(void *context, const struct store_log_stream *stream)
{
	struct listing *listing = context;
	const struct logs *logs = listing->logs;

	if (json_array_size(listing->items) == listing->max) {
		listing->is_truncated = true;
		return false;
	}
	json_t *item = json_pack("{s:o, s:I, s:I}", "logStreamName", logs_json(stream->name),
		"creationTime", (json_int_t)stream->created_ms, "storedBytes", (json_int_t)0);
	json_object_set_new(item, "arn",
		logs_format("arn:aws:logs:%.*s:%.*s:log-group:%.*s:log-stream:%.*s",
			STR_ARG(logs->region), STR_ARG(logs->account), STR_ARG(listing->group),
			STR_ARG(stream->name)));
	set_time(item, "firstEventTimestamp", stream->first_ms);
	set_time(item, "lastEventTimestamp", stream->last_ms);
	set_time(item, "lastIngestionTime", stream->ingested_ms);
	if (stream->ingested_ms >= 0)
		json_object_set_new(item, "uploadSequenceToken",
			logs_format("%056" PRId64, stream->ingested_ms));
	json_array_append_new(listing->items, item);
	listing->last.n = 0;
	buf_printf(&listing->last, "%" PRId64 " ", stream->last_ms);
	buf_add_str(&listing->last, stream->name);
	return true;
}

static int read_token(struct str token, struct store_log_stream_list *list, struct aws_error *error)
{
	struct str moment;

	if (!token.n)
		return 0;
	list->after = token;
	if (!str_split(&list->after, ' ', &moment) || !list->after.n ||
		!number_parse_signed(moment, -1, INT64_MAX, &list->after_ms))
		return logs_refuse_token(error);
	return 0;
}

LOGS_HANDLER(logs_describe_streams)
{
	_cleanup_buf_ struct buf token = {0};
	struct store_log_stream_list list = {.prefix = logs_text(call, "logStreamNamePrefix"),
		.by_last_event = str_equal(logs_text(call, "orderBy"), STR("LastEventTime")),
		.descending = logs_flag(call, "descending")};
	struct listing listing = {
		.logs = logs_of(call), .max = (size_t)logs_number(call, "limit", LOGS_PAGE)};

	if (list.by_last_event && list.prefix.p)
		return logs_refuse(
			error, "Cannot order by LastEventTime with a logStreamNamePrefix.");
	if (logs_group(call, &listing.group, error) < 0 ||
		logs_page_after(call, &token, error) < 0 ||
		read_token(buf_str(&token), &list, error) < 0)
		return -1;
	listing.items = json_array();
	json_object_set_new(call->output, "logStreams", listing.items);
	int result = store_log_stream_list(
		listing.logs->events, listing.group, &list, add_stream, &listing, error);
	if (result == 0 && listing.is_truncated)
		logs_page_next(call, buf_str(&listing.last));
	buf_done(&listing.last);
	return result;
}
