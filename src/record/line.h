/* line: the text lines of one interface's flows, made ready.
 * Writes what record_text_line writes, faster: what all of the flows have in common (version,
 * account, ids, separators, "OK") is bytes already, and a time near the last one costs a copy.
 * Owner: the caller; one thread. Format and interface are copied: where the interface's values
 * change, prepare again. A zeroed line is for record_line_prepare and record_line_done only. */
#pragma once

#include "base/buf.h"
#include "base/number.h"
#include "record/format.h"
#include "record/record.h"

/* Bytes, then a field. */
struct record_line_step {
	uint32_t n;     /* of the line's text */
	uint32_t field; /* enum record_field; RECORD_FIELDS: none, the line ends */
};

struct record_line {
	struct record_format format;
	struct record_line_step steps[RECORD_FIELDS + 1];
	struct buf text; /* of all steps in order, and some bytes to read beyond it */
	size_t longest;  /* room that a line may need */
	struct number_near start, end;
};

/* line, which may be in use already, is for this format and the flows of this interface. */
void record_line_prepare(struct record_line *line, const struct record_format *format,
	const struct record_interface *interface);
/* Appends the line of a record of that interface. */
void record_line_add(struct record_line *line, struct buf *buf, const struct record *record);
void record_line_done(struct record_line *line);
