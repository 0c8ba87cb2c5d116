/* Each stream gathers its lines and, beside them, where each begins and its time. What would exceed
 * a request is packed first, so that memory is bounded by a request a stream; the rest is packed at
 * commit. Packing sorts by time (PutLogEvents wants it; it mostly is) and writes the JSON that will
 * be sent: one event or record a line, so that a part of it can be sent again without parsing. In
 * the spool it is gzip, a fifth to a tenth of the size: that much longer may an outage be. */
#include "deliver/events_priv.h"

#include "aws/digest.h"
#include "base/buf.h"
#include "base/hash.h"
#include "deliver/json_priv.h"
#include "deliver/waiting_priv.h"
#include "record/text.h"

#include <libdeflate.h>

#define GZIP_LEVEL       1
#define STORE_FILE_BYTES ((uint64_t)8 << 20)
#define OPEN_BYTES       ((uint64_t)16 << 20) /* of all streams; then they are packed before time */

struct event {
	int64_t ms;
	uint32_t offset, n;
};

struct stream {
	char *name;
	char *interface_id;
	bool is_used; /* since the last commit */
	struct buf text;
	struct event *events;
	size_t count, capacity;
	uint64_t bytes; /* as the API counts them */
};

struct events {
	struct events_options options;
	char *destination;
	struct spool *spool;
	struct stream **streams;
	size_t count, capacity;
	uint32_t *slots; /* index + 1 by hash of the interface, 0 is free; a power of two */
	size_t slots_count;
	struct stream *last;
	uint64_t open_bytes; /* of all streams */
	struct waiting waiting;
	struct buf scratch, gzip;
	struct libdeflate_compressor *compressor;
};

struct events *events_new(const struct events_options *options, struct spool *spool)
{
	struct events *events = mem_new(1, sizeof(*events));

	events->options = *options;
	events->options.destination = events->destination = mem_strdup(options->destination);
	events->spool = spool;
	events->waiting.max_bytes = options->max_waiting_bytes;
	events->compressor = libdeflate_alloc_compressor(GZIP_LEVEL);
	return events;
}

/* streams */

static void stream_free(struct stream *stream)
{
	free(stream->name);
	free(stream->interface_id);
	buf_done(&stream->text);
	free(stream->events);
	free(stream);
}

static uint64_t hash_id(struct str id)
{
	return hash_bytes(id.p, id.n, 0);
}

static void index_streams(struct events *events)
{
	events->slots_count = 16;
	while (events->slots_count < events->count * 4)
		events->slots_count *= 2;
	free(events->slots);
	events->slots = mem_new(events->slots_count, sizeof(events->slots[0]));
	for (size_t i = 0; i < events->count; i++) {
		uint64_t at = hash_id(str_from(events->streams[i]->interface_id));
		while (events->slots[at & (events->slots_count - 1)])
			at++;
		events->slots[at & (events->slots_count - 1)] = (uint32_t)i + 1;
	}
}

static struct stream *add_stream(struct events *events, struct str id)
{
	struct stream *stream = mem_new(1, sizeof(*stream));

	stream->interface_id = mem_printf("%.*s", STR_ARG(id));
	stream->name = events->options.is_firehose
			       ? mem_strdup("")
			       : mem_printf("%.*s%s", STR_ARG(id), events->options.suffix);
	if (events->count == events->capacity) {
		events->capacity = events->capacity ? events->capacity * 2 : 16;
		events->streams =
			mem_grow(events->streams, events->capacity, sizeof(struct stream *));
	}
	events->streams[events->count++] = stream;
	index_streams(events);
	return stream;
}

static struct stream *find_stream(struct events *events, const struct record *record)
{
	struct str id = record->interface->values[RECORD_INTERFACE_ID];

	if (events->options.is_firehose)
		id = STR("");
	else if (id.n == 0)
		id = STR("unknown");
	if (events->last && str_equal(id, str_from(events->last->interface_id)))
		return events->last;
	for (uint64_t at = hash_id(id); events->slots_count; at++) {
		uint32_t slot = events->slots[at & (events->slots_count - 1)];
		if (!slot)
			break;
		if (str_equal(id, str_from(events->streams[slot - 1]->interface_id)))
			return events->last = events->streams[slot - 1];
	}
	return events->last = add_stream(events, id);
}

/* Interfaces come and go: those that said nothing in a window give their memory back. */
static void forget_unused(struct events *events)
{
	size_t kept = 0;

	for (size_t i = 0; i < events->count; i++) {
		struct stream *stream = events->streams[i];
		if (stream->is_used) {
			stream->is_used = false;
			events->streams[kept++] = stream;
		} else {
			stream_free(stream);
		}
	}
	if (kept != events->count) {
		events->count = kept;
		events->last = NULL;
		index_streams(events);
	}
}

/* packing */

static int compare_events(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->ms != y->ms)
		return x->ms < y->ms ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void sort_events(struct stream *stream)
{
	for (size_t i = 1; i < stream->count; i++) {
		if (stream->events[i].ms < stream->events[i - 1].ms) {
			qsort(stream->events, stream->count, sizeof(stream->events[0]),
				compare_events);
			return;
		}
	}
}

static void add_log_event(struct buf *body, int64_t ms, struct str line)
{
	buf_printf(body, "{\"timestamp\":%lld,\"message\":", (long long)ms);
	deliver_json_add_string(body, line);
	buf_add_char(body, '}');
}

static void add_firehose_record(struct events *events, struct buf *body, struct str line)
{
	struct buf *data = &events->scratch;

	data->n = 0;
	if (events->options.is_plain) {
		buf_add_str(data, line);
		buf_add_char(data, '\n');
	} else {
		buf_add_text(data, "{\"message\":");
		deliver_json_add_string(data, line);
		buf_add_char(data, '}');
	}
	buf_add_text(body, "{\"Data\":\"");
	aws_base64_add(body, data->p, data->n);
	buf_add_text(body, "\"}");
}

static void begin_body(struct events *events, const struct stream *stream, struct buf *body)
{
	bool is_firehose = events->options.is_firehose;

	buf_add_text(body, is_firehose ? "{\"DeliveryStreamName\":" : "{\"logGroupName\":");
	deliver_json_add_string(body, str_from(events->destination));
	if (!is_firehose) {
		buf_add_text(body, ",\"logStreamName\":");
		deliver_json_add_string(body, str_from(stream->name));
	}
	buf_add_text(body, is_firehose ? ",\"Records\":[" : ",\"logEvents\":[");
}

/* The events from the i-th on that lie within 24 hours; returns the place behind them. */
static size_t pack_batch(struct events *events, struct stream *stream, size_t i)
{
	const struct event *first = &stream->events[i];
	struct waiting_batch batch = {.name = mem_strdup(stream->name), .first_ms = first->ms};

	begin_body(events, stream, &batch.bytes);
	for (; i < stream->count; i++) {
		const struct event *event = &stream->events[i];
		struct str line = {stream->text.p + event->offset, event->n};
		if (event->ms - first->ms > EVENTS_LOGS_SPAN_MS)
			break;
		buf_add_text(&batch.bytes, batch.records ? ",\n" : "\n");
		if (events->options.is_firehose)
			add_firehose_record(events, &batch.bytes, line);
		else
			add_log_event(&batch.bytes, event->ms, line);
		batch.last_ms = event->ms;
		batch.records++;
	}
	buf_add_text(&batch.bytes, "\n]}");
	waiting_add(&events->waiting, &batch);
	return i;
}

static void pack(struct events *events, struct stream *stream)
{
	sort_events(stream);
	for (size_t i = 0; i < stream->count;)
		i = pack_batch(events, stream, i);
	events->open_bytes -= stream->bytes;
	stream->count = 0;
	stream->text.n = 0;
	stream->bytes = 0;
}

static void pack_all(struct events *events)
{
	for (size_t i = 0; i < events->count; i++)
		pack(events, events->streams[i]);
}

/* storing */

static struct str compress(struct events *events, struct str body)
{
	size_t bound = libdeflate_gzip_compress_bound(events->compressor, body.n);

	events->gzip.n = 0;
	events->gzip.n = libdeflate_gzip_compress(
		events->compressor, body.p, body.n, buf_reserve(&events->gzip, bound), bound);
	return buf_str(&events->gzip);
}

static int store(void *context, struct waiting_batch *batches, size_t count, size_t *ret_stored,
	struct err *err)
{
	_cleanup_(spool_draft_done) struct spool_draft draft = SPOOL_DRAFT_INIT;
	struct events *events = context;

	*ret_stored = 1;
	if (!events->compressor)
		return err_set(err, ERR_SYSTEM, "cannot start the gzip compressor");
	int result = spool_draft_open(events->spool, &draft, err);
	if (result != 0)
		return result < 0 ? -1 : WAITING_NO_ROOM;
	size_t n = 0;
	for (; n < count && n < SPOOL_BATCHES_MAX && draft.size < STORE_FILE_BYTES; n++) {
		const struct spool_batch row = {
			.name = batches[n].name,
			.plain_size = batches[n].bytes.n,
			.records = batches[n].records,
			.first_ms = batches[n].first_ms,
			.last_ms = batches[n].last_ms,
		};
		struct str body = compress(events, buf_str(&batches[n].bytes));
		if (spool_draft_add(&draft, &row, body, err) < 0)
			return -1;
	}
	*ret_stored = n;
	result = spool_draft_commit(events->spool, &draft, err);
	return result > 0 ? WAITING_NO_ROOM : result;
}

/* What the API counts for a line. */
static uint64_t line_cost(const struct events *events, size_t n)
{
	if (!events->options.is_firehose)
		return n + EVENTS_LOGS_OVERHEAD;
	/* Of a line's characters only quotes and backslashes are escaped. */
	size_t data = events->options.is_plain ? n + 1 : n * 2 + sizeof("{\"message\":\"\"}");
	return AWS_BASE64_LENGTH(data) + sizeof("{\"Data\":\"\"},\n");
}

static bool is_room(const struct events *events, const struct stream *stream, uint64_t cost)
{
	return events->options.is_firehose ? stream->count < EVENTS_FIREHOSE_COUNT &&
						     stream->bytes + cost <= EVENTS_FIREHOSE_BYTES
					   : stream->count < EVENTS_LOGS_COUNT &&
						     stream->bytes + cost <= EVENTS_LOGS_BYTES;
}

void events_add(struct events *events, const struct record *record)
{
	struct stream *stream = find_stream(events, record);
	size_t start = stream->text.n;

	record_text_line(&stream->text, &events->options.format, record);
	size_t n = --stream->text.n - start; /* without its '\n' */
	uint64_t cost = line_cost(events, n);
	if (!is_room(events, stream, cost)) {
		/* It is moved behind what is packed away. */
		_cleanup_buf_ struct buf line = {0};
		buf_add(&line, stream->text.p + start, n);
		stream->text.n = start;
		pack(events, stream);
		start = 0;
		buf_add_str(&stream->text, buf_str(&line));
	}
	if (stream->count == stream->capacity) {
		stream->capacity = stream->capacity ? stream->capacity * 2 : 64;
		stream->events =
			mem_grow(stream->events, stream->capacity, sizeof(stream->events[0]));
	}
	stream->events[stream->count++] =
		(struct event){record->start * 1000, (uint32_t)start, (uint32_t)n};
	stream->bytes += cost;
	stream->is_used = true;
	events->open_bytes += cost;
	if (events->open_bytes >= OPEN_BYTES)
		pack_all(events);
	if (events->waiting.bytes >= EVENTS_STORE_BYTES)
		waiting_store(&events->waiting, store, events, NULL);
}

int events_commit(struct events *events, struct err *err)
{
	pack_all(events);
	forget_unused(events);
	return waiting_store(&events->waiting, store, events, err);
}

uint64_t events_given_up(const struct events *events)
{
	return events->waiting.given_up;
}

uint64_t events_waiting(const struct events *events)
{
	uint64_t records = waiting_records(&events->waiting);

	for (size_t i = 0; i < events->count; i++)
		records += events->streams[i]->count;
	return records;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	for (size_t i = 0; i < events->count; i++)
		stream_free(events->streams[i]);
	free(events->streams);
	free(events->slots);
	waiting_done(&events->waiting);
	buf_done(&events->scratch);
	buf_done(&events->gzip);
	libdeflate_free_compressor(events->compressor);
	free(events->destination);
	free(events);
}
