/* pcap_output: where the records of `nagare pcap` go, and in which form.
 * Owner: the caller; one thread; blocks on writes. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "record/format.h"
#include "record/record.h"

#include <stdbool.h>

enum pcap_output_form {
	PCAP_OUTPUT_TEXT,
	PCAP_OUTPUT_JSON,
	PCAP_OUTPUT_CSV,
	PCAP_OUTPUT_PARQUET,
};

struct pcap_output_options {
	enum pcap_output_form form;
	struct record_format format;
	bool header;      /* text begins with the header line; CSV always does */
	const char *path; /* NULL or "-": standard output */
};

struct pcap_output;

/* Refuses Parquet on a terminal. A file shows under its name only once it is closed whole. */
int pcap_output_open(struct pcap_output **ret_output, const struct pcap_output_options *options,
	struct err *err);
/* The record's interface is borrowed, and stays as it is, until the output is freed. */
int pcap_output_record(struct pcap_output *output, const struct record *record, struct err *err);
/* Writes what is left. Does not free. */
int pcap_output_finish(struct pcap_output *output, struct err *err);
/* Records taken so far. */
uint64_t pcap_output_count(const struct pcap_output *output);
void pcap_output_free(struct pcap_output *output);
MEM_DEFINE_CLEANUP(struct pcap_output, pcap_output_free)
