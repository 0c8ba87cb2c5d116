/* Chunks: the unit of what is written, checked and read. A header of 128 bytes, then columns of 32
 * bits a row, then the bytes of the messages. Numbers are kept as distances from the header's, so
 * that a row costs 8 bytes (a put's: arrival is one moment and sequences follow one another) or 16
 * (sealed). */
#include "store/events_priv.h"

#include "aws/checksum.h"

#include <assert.h>
#include <string.h>

enum { CRC_FROM = 8 }; /* behind magic and header_crc */

size_t events_chunk_size(uint32_t flags, size_t count, size_t body_bytes)
{
	size_t columns = 2 + !!(flags & EVENTS_HAS_INGESTED) + !!(flags & EVENTS_HAS_SEQUENCE);
	size_t size = sizeof(struct events_header) + body_bytes;

	if (count)
		size += columns * count * sizeof(uint32_t);
	return (size + 7) / 8 * 8;
}

static uint32_t header_crc(const struct events_header *header)
{
	return aws_crc32c(0, (const uint8_t *)header + CRC_FROM, sizeof(*header) - CRC_FROM);
}

static uint32_t body_crc(const struct events_header *header)
{
	return aws_crc32c(0, header + 1, header->size - sizeof(*header));
}

static bool has_rows(const struct events_header *header)
{
	return header->kind == EVENTS_ROWS;
}

bool events_header_good(const uint8_t *p, size_t n, uint64_t file)
{
	const struct events_header *header = (const struct events_header *)p;

	if (n < sizeof(*header) || header->magic != EVENTS_MAGIC ||
		header->format != EVENTS_FORMAT || header->file != file || header->size > n ||
		header->size < sizeof(*header) || header_crc(header) != header->header_crc)
		return false;
	return header->size == events_chunk_size(header->flags,
				       has_rows(header) ? header->count : 0, header->body_bytes);
}

bool events_body_good(const struct events_header *header)
{
	return body_crc(header) == header->body_crc;
}

void events_header_seal(struct events_header *header)
{
	header->body_crc = body_crc(header);
	header->header_crc = header_crc(header);
}

void events_header_number(struct events_header *header)
{
	header->header_crc = header_crc(header);
}

bool events_view_place(const struct events_header *header, struct events_view *ret_view)
{
	const uint32_t *columns = (const uint32_t *)(header + 1);
	struct events_view view = {.header = header};
	size_t count = header->count;

	if (!has_rows(header) || !count)
		return false;
	view.times = columns;
	view.ends = columns += count;
	columns += count;
	if (header->flags & EVENTS_HAS_INGESTED) {
		view.ingested = columns;
		columns += count;
	}
	if (header->flags & EVENTS_HAS_SEQUENCE) {
		view.sequences = columns;
		columns += count;
	}
	view.messages = (const char *)columns;
	*ret_view = view;
	return true;
}

bool events_view_open(const struct events_header *header, struct events_view *ret_view)
{
	struct events_view view;
	uint64_t start = 0;

	if (!events_view_place(header, &view))
		return false;
	/* A newline is behind each message. */
	for (size_t i = 0; i < header->count; i++) {
		if (view.ends[i] < start || view.ends[i] >= header->body_bytes)
			return false;
		start = (uint64_t)view.ends[i] + 1;
	}
	if (start != header->body_bytes)
		return false;
	*ret_view = view;
	return true;
}

void events_chunk_plain(struct buf *buf, enum events_kind kind, uint64_t file, uint64_t stream,
	struct str body, size_t count)
{
	size_t size = events_chunk_size(0, 0, body.n);
	struct events_header *header = (struct events_header *)buf_reserve(buf, size);

	assert(((uintptr_t)header & 7) == 0);
	memset(header, 0, size);
	header->magic = EVENTS_MAGIC;
	header->format = EVENTS_FORMAT;
	header->size = (uint32_t)size;
	header->kind = (uint16_t)kind;
	header->file = file;
	header->stream = stream;
	header->count = (uint32_t)count;
	header->body_bytes = (uint32_t)body.n;
	if (body.n)
		memcpy(header + 1, body.p, body.n);
	events_header_seal(header);
	buf->n += size;
}

void events_chunk_put(struct buf *buf, const struct store_log_put *put, uint64_t stream)
{
	size_t bytes = 0, count = put->count;

	for (size_t i = 0; i < count; i++)
		bytes += put->events[i].message.n + 1;
	size_t size = events_chunk_size(0, count, bytes);
	struct events_header *header = (struct events_header *)buf_reserve(buf, size);
	*header = (struct events_header){.magic = EVENTS_MAGIC,
		.format = EVENTS_FORMAT,
		.size = (uint32_t)size,
		.kind = EVENTS_ROWS,
		.count = (uint32_t)count,
		.body_bytes = (uint32_t)bytes,
		.stream = stream,
		.time_first = put->events[0].time_ms,
		.time_last = put->events[count - 1].time_ms,
		.ingested_first = put->now_ms,
		.ingested_last = put->now_ms,
		.event_bytes = bytes - count + 26 * count};
	if (put->batch)
		memcpy(header->batch, put->batch, sizeof(header->batch));
	uint32_t *times = (uint32_t *)(header + 1), *ends = times + count;
	char *messages = (char *)(ends + count);
	uint32_t end = 0;
	for (size_t i = 0; i < count; i++) {
		const struct store_log_event *event = &put->events[i];
		times[i] = (uint32_t)(event->time_ms - header->time_first);
		memcpy(messages + end, event->message.p, event->message.n);
		end += (uint32_t)event->message.n;
		ends[i] = end;
		messages[end++] = '\n';
	}
	memset(messages + end, 0, (size_t)((char *)header + size - (messages + end)));
	buf->n += size;
	header->body_crc = body_crc(header);
}
