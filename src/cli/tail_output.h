/* tail_output: events of flow logs as `nagare tail` shows them: aligned and coloured for people, or
 * as text, JSON and CSV for programs. Owner: the caller; one thread; blocks on writes. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "record/format.h"

#include <stdbool.h>
#include <stdint.h>

enum tail_form { TAIL_TABLE, TAIL_TEXT, TAIL_JSON, TAIL_CSV };

struct tail_output;

struct tail_output_options {
	enum tail_form form;
	struct record_format format; /* of the messages; those that do not fit it are shown whole */
	bool names;                  /* of ports and protocols */
	bool colours;
};

struct tail_event {
	int64_t time_ms, ingested_ms;
	struct str stream, message;
};

struct tail_output *tail_output_new(const struct tail_output_options *options);
void tail_output_free(struct tail_output *output);
MEM_DEFINE_CLEANUP(struct tail_output, tail_output_free)
void tail_output_add(struct tail_output *output, const struct tail_event *event);
/* Writes to standard output what was added. TAIL_READER_GONE: nobody reads it any more. */
enum { TAIL_READER_GONE = 1 };
int tail_output_flush(struct tail_output *output, struct err *err);
