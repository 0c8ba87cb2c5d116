/* header: lines as tokens, and which lines name fields rather than hold values.
 * Fields are separated by runs of spaces and tabs, or, in files that other tools exported, by
 * single commas with RFC 4180 quotes. */
#pragma once

#include "base/str.h"
#include "record/field.h"

#define RECORD_HEADER_TOKENS_MAX 257 /* one more than a line may have */

/* What was met while splitting, OR-ed. */
enum {
	RECORD_SEEN_BLANK = 1,
	RECORD_SEEN_CONTROL = 2, /* a control character that is no tab */
	RECORD_SEEN_NOT_ASCII = 4,
	RECORD_SEEN_BAD_QUOTE = 8, /* commas only: text around quotes, or a quote in quotes */
};

/* Splits line; tokens borrow from it. Stops at RECORD_HEADER_TOKENS_MAX. */
unsigned record_header_split_blanks(
	struct str line, struct str tokens[static RECORD_HEADER_TOKENS_MAX], unsigned *ret_seen);
unsigned record_header_split_commas(
	struct str line, struct str tokens[static RECORD_HEADER_TOKENS_MAX], unsigned *ret_seen);

/* The field that a token of a header line names: in any case, with hyphens, underscores or neither,
 * as ${field}, or by the names of AWS's older documents. -1 when it is none. */
int record_header_find(struct str token);
/* token without ${ and }. */
struct str record_header_name(struct str token);
/* True when all tokens look like names and most are names of fields; of the first line of a file
 * one is enough, for the others may be fields that came later than this table. */
bool record_header_is(const struct str *tokens, unsigned count, bool first);
/* An ISO 8601 time, as CloudWatch Logs puts before each line that it exports to S3. */
bool record_header_is_time(struct str token);
/* Well-formed UTF-8 (RFC 3629). */
bool record_header_is_utf8(struct str text);
