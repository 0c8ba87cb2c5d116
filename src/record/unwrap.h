/* unwrap: flow logs that came wrapped in JSON, as lines of text again.
 * Understood are, one after another with or without line ends between them: {"message": LINE} as
 * Data Firehose gets flow logs; {"logEvents": [{"message": LINE}, ...]} as CloudWatch Logs sends
 * them to subscribers (CloudWatch Logs user guide, "Subscription filters"; control messages say
 * nothing); and objects whose members are fields, {"srcaddr": "10.0.0.1", ...}, by the names of
 * header lines or of SQL columns. null and "" are missing values. What is not JSON is handed on as
 * it is, for the reader to count as bad. */
#pragma once

#include "base/input.h"

#define RECORD_UNWRAP_VALUE_MAX ((size_t)64 << 20) /* bytes of one JSON value */

/* When *input begins with '{' it is taken over and replaced by one that has its lines; otherwise it
 * stays as it is. On failure it is still the caller's. */
int record_unwrap(struct input **input, struct err *err);
