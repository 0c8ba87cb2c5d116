/* GetLogEvents, FilterLogEvents, GetLogRecord.
 *
 * Tokens of GetLogEvents are "f/POSITION/s" and "b/POSITION/s" (store_log_position). Forward, a
 * reader goes round by round: a round is all events there were when it began, in the order of time;
 * what came meanwhile, whatever its time, is the next round. So who follows a stream by
 * nextForwardToken sees every event once. With nothing new the answer has the token that was sent:
 * the end, as AWS says it. */
#include "api/logs/queries_priv.h"

#include "base/number.h"

#include <string.h>

enum { PAGE_EVENTS = 10000, PAGE_BYTES = 1 << 20, EVENT_OVERHEAD = 26 };
#define SEQUENCE_LAST ((UINT64_C(1) << 48) - 1)
/* How much FilterLogEvents looks through before it answers with what it has. */
#define SCAN_MAX (UINT64_C(256) << 20)

/* Events as they are answered. There may be ten thousand: they are written at once, not made into
 * values first. */
struct page {
	struct buf text; /* the events' objects, one behind the other */
	size_t *starts;  /* of each in text */
	size_t count, max, bytes;
	bool with_stream;                      /* and id: FilterLogEvents */
	struct store_log_position first, last; /* of the events taken, in the order of taking */
};

static void page_done(struct page *page)
{
	buf_done(&page->text);
	free(page->starts);
}

static void add_number(struct buf *buf, int64_t value)
{
	buf->n = (size_t)(number_write(buf_reserve(buf, NUMBER_U64_STR_MAX), (uint64_t)value) -
			  buf->p);
}

static bool add_event(void *context, const struct store_log_found *event)
{
	struct page *page = context;
	struct buf *text = &page->text;
	size_t size = event->message.n + EVENT_OVERHEAD;
	char id[STORE_LOG_ID_DIGITS + 1];

	if (page->count == page->max || (page->count && page->bytes + size > PAGE_BYTES))
		return false;
	page->bytes += size;
	page->last.time_ms = event->time_ms;
	page->last.sequence = event->sequence;
	if (!page->count)
		page->first = page->last;
	page->starts[page->count++] = text->n;
	buf_add_text(text, "{\"timestamp\":");
	add_number(text, event->time_ms);
	buf_add_text(text, ",\"ingestionTime\":");
	add_number(text, event->ingested_ms);
	if (page->with_stream) {
		store_log_id_write(event, id);
		buf_add_text(text, ",\"eventId\":\"");
		buf_add(text, id, STORE_LOG_ID_DIGITS);
		buf_add_text(text, "\",\"logStreamName\":");
		buf_add_json(text, event->stream);
	}
	buf_add_text(text, ",\"message\":");
	buf_add_json(text, event->message);
	buf_add_char(text, '}');
	return true;
}

static void page_init(struct page *page, const struct api_call *call)
{
	page->max = (size_t)logs_number(call, "limit", PAGE_EVENTS);
	page->starts = mem_new(page->max, sizeof(*page->starts));
}

/* The output with the events in front, the last first when is_backward. */
static void answer(struct api_call *call, const struct page *page, bool is_backward)
{
	_cleanup_free_ char *rest = json_dumps(call->output, JSON_COMPACT);
	struct buf body = {0};

	buf_reserve(&body, page->text.n + page->count + 256);
	buf_add_text(&body, "{\"events\":[");
	for (size_t i = 0; i < page->count; i++) {
		size_t at = is_backward ? page->count - 1 - i : i;
		size_t end = at + 1 < page->count ? page->starts[at + 1] : page->text.n;
		if (i)
			buf_add_char(&body, ',');
		buf_add(&body, page->text.p + page->starts[at], end - page->starts[at]);
	}
	buf_add_char(&body, ']');
	/* "{}" or the other members */
	if (rest[1] != '}')
		buf_add_char(&body, ',');
	buf_add_text(&body, rest + 1);
	api_answer_bytes(call->exchange, 200, "application/x-amz-json-1.1", &body);
	call->is_answered = true;
}

/* ---- GetLogEvents ---- */

struct reading {
	struct api_call *call;
	struct store_log_read read;
	struct page page;
	struct store_log_position end; /* where the store stopped, and the round it read */
	struct str token;              /* what the client sent; empty: none */
	bool is_complete;
};

static void set_token(struct api_call *call, const char *name, char kind,
	const struct store_log_position *position)
{
	char text[STORE_LOG_ID_DIGITS + 1];

	store_log_position_write(position, text);
	json_object_set_new(call->output, name, logs_format("%c/%s/s", kind, text));
}

static int read_page(struct reading *reading, const struct store_log_position *from,
	bool is_backward, struct aws_error *error)
{
	reading->read.from = from;
	reading->read.is_backward = is_backward;
	return store_log_read(logs_of(reading->call)->events, &reading->read, add_event,
		&reading->page, &reading->end, &reading->is_complete, error,
		&reading->call->exchange->err);
}

/* The token that was sent, again: there is nothing more that way. */
static void repeat_token(struct reading *reading, const char *name)
{
	json_object_set_new(reading->call->output, name, logs_json(reading->token));
}

static struct store_log_position just_behind(struct store_log_position position)
{
	position.sequence += position.sequence < SEQUENCE_LAST;
	return position;
}

static struct store_log_position just_before(struct store_log_position position)
{
	position.sequence -= position.sequence > 0;
	return position;
}

/* from: NULL at the head. */
static int read_forward(
	struct reading *reading, const struct store_log_position *from, struct aws_error *error)
{
	static const struct store_log_position head;
	struct store_log_position at = from ? *from : head;

	if (read_page(reading, from, false, error) < 0)
		return -1;
	if (from && !reading->page.bytes) {
		at = (struct store_log_position){.low = from->high, .high = SEQUENCE_LAST};
		if (read_page(reading, &at, false, error) < 0)
			return -1;
	}
	if (reading->page.bytes) {
		at.high = reading->page.first.high = reading->page.last.high = reading->end.high;
		reading->page.first.low = reading->page.last.low = at.low;
		set_token(reading->call, "nextForwardToken", 'f', &reading->page.last);
		set_token(reading->call, "nextBackwardToken", 'b', &reading->page.first);
		return 0;
	}
	if (from) {
		const struct store_log_position back = just_behind(*from);
		repeat_token(reading, "nextForwardToken");
		set_token(reading->call, "nextBackwardToken", 'b', &back);
		return 0;
	}
	at.high = reading->end.high;
	set_token(reading->call, "nextForwardToken", 'f', &at);
	set_token(reading->call, "nextBackwardToken", 'b', &at);
	return 0;
}

/* from: NULL from the end. */
static int read_backward(
	struct reading *reading, const struct store_log_position *from, struct aws_error *error)
{
	struct store_log_position at = {0};

	if (from) {
		at = *from;
		at.low = 0;
		at.high = SEQUENCE_LAST;
	}
	if (read_page(reading, from ? &at : NULL, true, error) < 0)
		return -1;
	if (reading->page.bytes) {
		reading->page.first.high = reading->page.last.high = reading->end.high;
		set_token(reading->call, "nextForwardToken", 'f', &reading->page.first);
		set_token(reading->call, "nextBackwardToken", 'b', &reading->page.last);
		return 0;
	}
	at.high = reading->end.high;
	struct store_log_position ahead = from ? just_before(at) : at;
	set_token(reading->call, "nextForwardToken", 'f', &ahead);
	if (from)
		repeat_token(reading, "nextBackwardToken");
	else
		set_token(reading->call, "nextBackwardToken", 'b', &at);
	return 0;
}

static bool parse_token(struct str token, char *ret_kind, struct store_log_position *ret_position)
{
	enum { AROUND = 4 };

	if (token.n != STORE_LOG_ID_DIGITS + AROUND || token.p[1] != '/' ||
		!str_ends_with(token, STR("/s")) || (*token.p != 'f' && *token.p != 'b'))
		return false;
	*ret_kind = *token.p;
	return store_log_position_parse(
		(struct str){token.p + 2, STORE_LOG_ID_DIGITS}, ret_position);
}

LOGS_HANDLER(logs_get_events)
{
	struct str stream = logs_text(call, "logStreamName");
	struct store_log_position from;
	struct reading reading = {.call = call,
		.token = logs_text(call, "nextToken"),
		.read = {.streams = &stream,
			.stream_count = 1,
			.start_ms = logs_number(call, "startTime", 0),
			.end_ms = logs_number(call, "endTime", INT64_MAX)}};
	char kind = 0;
	int result;

	if (logs_group(call, &reading.read.group, error) < 0)
		return -1;
	if (reading.token.p && !parse_token(reading.token, &kind, &from))
		return logs_refuse_token(error);
	/* The end is exclusive here. */
	if (reading.read.end_ms < INT64_MAX)
		reading.read.end_ms--;
	page_init(&reading.page, call);
	bool is_forward = kind == 'f' || (!kind && logs_flag(call, "startFromHead"));
	result = is_forward ? read_forward(&reading, kind ? &from : NULL, error)
			    : read_backward(&reading, kind ? &from : NULL, error);
	if (result == 0)
		answer(call, &reading.page, !is_forward);
	page_done(&reading.page);
	return result;
}

/* ---- FilterLogEvents ---- */

static int read_streams(struct api_call *call, struct store_log_read *read, struct aws_error *error)
{
	const json_t *names = json_object_get(call->input, "logStreamNames");
	size_t i;
	json_t *name;

	read->prefix = logs_text(call, "logStreamNamePrefix");
	if (!names)
		return 0;
	if (read->prefix.p)
		return logs_refuse(error,
			"logStreamNames and logStreamNamePrefix are mutually exclusive parameters.");
	read->stream_count = json_array_size(names);
	struct str *streams = mem_new(read->stream_count, sizeof(*streams));
	json_array_foreach(names, i, name)
	{
		streams[i] = logs_string(name);
	}
	read->streams = streams;
	return 0;
}

static int filter(struct api_call *call, struct store_log_read *read, struct page *page,
	struct aws_error *error)
{
	struct str token = logs_text(call, "nextToken");
	struct store_log_position from, end;
	char text[STORE_LOG_ID_DIGITS + 1];
	bool is_complete;

	if (token.p) {
		if (!store_log_position_parse(token, &from))
			return logs_refuse_token(error);
		read->from = &from;
	}
	if (store_log_read(logs_of(call)->events, read, add_event, page, &end, &is_complete, error,
		    &call->exchange->err) < 0)
		return -1;
	if (!is_complete) {
		store_log_position_write(&end, text);
		json_object_set_new(call->output, "nextToken", json_string(text));
	}
	return 0;
}

LOGS_HANDLER(logs_filter_events)
{
	struct store_log_read read = {.start_ms = logs_number(call, "startTime", 0),
		.end_ms = logs_number(call, "endTime", INT64_MAX),
		.scan_max = SCAN_MAX};
	struct page page = {.with_stream = true};

	if (logs_group(call, &read.group, error) < 0 || read_streams(call, &read, error) < 0)
		return -1;
	_cleanup_(query_pattern_freep) struct query_pattern *pattern = NULL;
	struct store_log_matcher matcher;
	int result = logs_pattern(logs_text(call, "filterPattern"), &pattern, error);
	if (result == 0) {
		matcher = logs_matcher(pattern);
		read.matcher = query_pattern_matches_all(pattern) ? NULL : &matcher;
		page_init(&page, call);
		json_object_set_new(call->output, "searchedLogStreams", json_array());
		result = filter(call, &read, &page, error);
	}
	if (result == 0)
		answer(call, &page, false);
	page_done(&page);
	free((void *)read.streams);
	return result;
}

/* ---- one event ---- */

static void set_field(json_t *record, const char *name, json_t *value)
{
	json_object_set_new(record, name, value);
}

static void add_record(void *context, struct str group, const struct store_log_found *event)
{
	const struct api_call *call = context;
	json_t *record = json_object();
	struct logs_fields fields = {0};
	struct err none = ERR_INIT;
	char id[STORE_LOG_ID_DIGITS + 1];

	logs_fields_add(&fields, logs_of(call), group, NULL, &none);
	store_log_id_write(event, id);
	set_field(record, "@ptr", json_string(id));
	set_field(record, "@message", logs_json(event->message));
	set_field(record, "@timestamp", logs_format("%lld", (long long)event->time_ms));
	set_field(record, "@ingestionTime", logs_format("%lld", (long long)event->ingested_ms));
	set_field(record, "@logStream", logs_json(event->stream));
	set_field(record, "@log",
		logs_format("%.*s:%.*s", STR_ARG(logs_of(call)->account), STR_ARG(group)));
	logs_record_fields(&fields, event->message, record);
	logs_fields_done(&fields);
	json_object_set_new(call->output, "logRecord", record);
}

LOGS_HANDLER(logs_get_record)
{
	struct str pointer = logs_text(call, "logRecordPointer");
	size_t digits = 0;

	while (digits < pointer.n && pointer.p[digits] >= '0' && pointer.p[digits] <= '9')
		digits++;
	if (pointer.n != STORE_LOG_ID_DIGITS || digits != pointer.n)
		return logs_refuse(error, "The specified logRecordPointer is invalid.");
	int result = store_log_find(
		logs_of(call)->events, pointer, add_record, call, &call->exchange->err);
	if (result == STORE_LOG_NONE)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"The specified log record does not exist.");
	return result < 0 ? aws_error_internal(error) : 0;
}
