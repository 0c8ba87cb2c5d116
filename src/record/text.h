/* text: records as lines, and as the other forms that people and programs ask for.
 * Each function appends one line with its end (JSON: one object a line). No allocation but the
 * buffer's own. Values of the interface are percent-encoded where they could break a line (spaces,
 * control characters, '%', what is not ASCII; in tags everything but RFC 3986's unreserved
 * characters, as AWS does), the same in every form: a value is the same in text, JSON, CSV and
 * Parquet, and any URL decoder gives it back. */
#pragma once

#include "base/buf.h"
#include "record/format.h"
#include "record/record.h"

/* AWS's space-separated line. NODATA and SKIPDATA lines keep version, account-id, interface-id,
 * start, end, log-status and what else the interface knows; the rest is "-". */
void record_text_line(
	struct buf *buf, const struct record_format *format, const struct record *record);
/* {"version":2,"account_id":"...",...}: SQL names, numbers as numbers, missing as null. */
void record_json_line(
	struct buf *buf, const struct record_format *format, const struct record *record);
/* RFC 4180 (lines end in CRLF) with SQL names in the header line; missing is empty. */
void record_csv_header(struct buf *buf, const struct record_format *format);
void record_csv_line(
	struct buf *buf, const struct record_format *format, const struct record *record);
