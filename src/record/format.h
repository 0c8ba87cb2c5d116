/* format: the ordered list of fields of a flow log, in AWS's ${...} syntax (CreateFlowLogs,
 * LogFormat). Plain values, no ownership. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "record/field.h"

#include <stdint.h>

struct record_format {
	uint8_t count;
	uint8_t fields[RECORD_FIELDS]; /* enum record_field */
	uint8_t version; /* what ${version} prints: the highest version of the fields */
};

/* The 14 fields of version 2. */
extern const struct record_format record_format_default;

/* "${version} ${vpc-id} ...", tokens separated by single spaces. Fails, naming the field, on what
 * AWS rejects: unknown fields, fields of transit gateway logs, a field twice, no field, anything
 * outside ${...}. */
int record_format_parse(struct str text, struct record_format *ret_format, struct err *err);
/* Appends the ${...} form. */
void record_format_print(struct buf *buf, const struct record_format *format);
/* Appends the header line of text objects: names in order, space between, '\n' at the end. */
void record_format_header(struct buf *buf, const struct record_format *format);
