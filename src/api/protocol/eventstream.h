/* eventstream: answers that are streams of events (application/vnd.amazon.eventstream; smithy.io,
 * "Amazon Event Stream Specification"): StartLiveTail. A handler answers with api_answer_stream
 * and fills its pieces with frames made here: first the initial response, then events, each ready
 * to be sent at once; an exception ends the stream. Frames are appended to a buffer of the
 * caller's; no state; any thread. */
#pragma once

#include "api/protocol/shape.h"
#include "base/buf.h"

#include <jansson.h>

#define EVENTSTREAM_CONTENT_TYPE "application/vnd.amazon.eventstream"

/* Values of event headers, as on the wire. */
enum eventstream_type {
	EVENTSTREAM_TRUE,
	EVENTSTREAM_FALSE,
	EVENTSTREAM_BYTE,
	EVENTSTREAM_SHORT,
	EVENTSTREAM_INTEGER,
	EVENTSTREAM_LONG,
	EVENTSTREAM_BLOB,
	EVENTSTREAM_STRING,
	EVENTSTREAM_TIME
};

/* One header, behind those that are in headers already. name: at most 255 bytes, text at most
 * 32,767: more is cut. */
void eventstream_add_text(
	struct buf *headers, const char *name, enum eventstream_type type, struct str text);
void eventstream_add_number(
	struct buf *headers, const char *name, enum eventstream_type type, int64_t number);
/* A whole frame with both checksums. */
void eventstream_add_frame(struct buf *buf, struct str headers, struct str payload);

/* The first frame of awsJson and rpc-v2-cbor: members of the output beside the stream; without it
 * botocore refuses the stream. output NULL: none. Negative when it does not fit the model. */
int eventstream_add_initial(struct buf *buf, enum shape_protocol protocol,
	const struct shape_operation *operation, const json_t *output);
/* The event of that name with its members, or the exception, if the model says it is one. */
int eventstream_add_event(struct buf *buf, enum shape_protocol protocol,
	const struct shape_operation *operation, const char *name, const json_t *members);
