/* The scan with one worker, whose columns are spread out into what batches show. */
#include "record/scan.h"

#include <assert.h>

#define WORDS (RECORD_READER_BATCH / 64)
static_assert(RECORD_READER_BATCH <= RECORD_SCAN_ROWS_MAX, "a batch is decoded at once");

struct record_reader {
	struct record_scan *scan;
	struct record_scan_worker *worker;
	bool in_block;
	bool started; /* wanted columns are fixed */
	size_t wanted[RECORD_READER_COLUMNS_MAX];
	size_t wanted_count;
	struct record_batch batch;
	struct record_out *outs;
	struct record_scan_stats stats;
};

int record_reader_open_as(struct record_reader **ret_reader, struct input *input,
	const struct record_format *headerless, bool strict, struct err *err)
{
	_cleanup_(record_reader_closep) struct record_reader *reader = mem_new(1, sizeof(*reader));

	if (record_scan_open(&reader->scan, input, headerless, strict, err) < 0)
		return -1;
	record_scan_columns(reader->scan, &reader->wanted_count);
	for (size_t i = 0; i < reader->wanted_count; i++)
		reader->wanted[i] = i;
	*ret_reader = take(reader);
	return 0;
}

int record_reader_open(
	struct record_reader **ret_reader, struct input *input, bool strict, struct err *err)
{
	return record_reader_open_as(ret_reader, input, NULL, strict, err);
}

const struct record_reader_column *record_reader_columns(
	const struct record_reader *reader, size_t *ret_count)
{
	return record_scan_columns(reader->scan, ret_count);
}

void record_reader_want(struct record_reader *reader, const size_t *columns, size_t count)
{
	size_t known;

	record_scan_columns(reader->scan, &known);
	assert(!reader->started && count <= known);
	for (size_t i = 0; i < count; i++) {
		assert(columns[i] < known);
		reader->wanted[i] = columns[i];
	}
	reader->wanted_count = count;
}

static void start(struct record_reader *reader)
{
	struct record_want wants[RECORD_READER_COLUMNS_MAX];
	struct record_batch *batch = &reader->batch;
	size_t known;
	const struct record_reader_column *columns = record_scan_columns(reader->scan, &known);

	reader->started = true;
	reader->worker = record_scan_worker_new();
	reader->outs = mem_new(reader->wanted_count + 1, sizeof(*reader->outs));
	batch->columns = reader->wanted_count;
	batch->column = mem_new(reader->wanted_count + 1, sizeof(*batch->column));
	for (size_t i = 0; i < reader->wanted_count; i++) {
		struct record_batch_column *column = &batch->column[i];
		struct record_out *out = &reader->outs[i];

		column->type = columns[reader->wanted[i]].type;
		column->valid = mem_new(RECORD_READER_BATCH, sizeof(*column->valid));
		out->validity = mem_new(WORDS, sizeof(*out->validity));
		wants[i].column = reader->wanted[i];
		if (column->type == RECORD_TYPE_STRING) {
			wants[i].form = RECORD_FORM_TEXT;
			column->texts = mem_new(RECORD_READER_BATCH, sizeof(*column->texts));
			out->data = mem_new(RECORD_READER_BATCH, sizeof(struct record_string));
		} else {
			wants[i].form = RECORD_FORM_INT64;
			column->numbers = mem_new(RECORD_READER_BATCH, sizeof(*column->numbers));
			out->data = column->numbers;
		}
	}
	record_scan_want(reader->scan, wants, reader->wanted_count, NULL);
}

static void spread(struct record_reader *reader, size_t rows)
{
	for (size_t i = 0; i < reader->batch.columns; i++) {
		struct record_batch_column *column = &reader->batch.column[i];
		const struct record_out *out = &reader->outs[i];
		const struct record_string *texts = out->data;

		for (size_t row = 0; row < rows; row++) {
			column->valid[row] =
				!out->nulls || (out->validity[row / 64] >> (row & 63) & 1);
			if (column->texts)
				column->texts[row] = record_string_str(&texts[row]);
		}
	}
	reader->batch.rows = rows;
}

int record_reader_read(
	struct record_reader *reader, const struct record_batch **ret_batch, struct err *err)
{
	size_t rows = 0;

	if (!reader->started)
		start(reader);
	*ret_batch = &reader->batch;
	reader->batch.rows = 0;
	for (;;) {
		if (reader->in_block && record_scan_decode(reader->worker, reader->outs,
						RECORD_READER_BATCH, &rows, err) < 0) {
			record_scan_release(reader->worker);
			return -1;
		}
		if (rows)
			break;
		int r = record_scan_next(reader->scan, reader->worker, err);
		reader->in_block = r > 0;
		if (r <= 0)
			return r;
	}
	spread(reader, rows);
	return 0;
}

const struct record_reader_stats *record_reader_stats(const struct record_reader *reader)
{
	/* what the caller sees of a reader that is const to it */
	struct record_reader *seen = (struct record_reader *)reader;

	record_scan_stats(reader->scan, &seen->stats);
	return &reader->stats.reader;
}

void record_reader_close(struct record_reader *reader)
{
	if (!reader)
		return;
	record_scan_worker_free(reader->worker);
	for (size_t i = 0; i < reader->batch.columns; i++) {
		free(reader->batch.column[i].valid);
		if (reader->batch.column[i].texts)
			free(reader->outs[i].data);
		free(reader->batch.column[i].numbers);
		free(reader->batch.column[i].texts);
		free(reader->outs[i].validity);
	}
	free(reader->batch.column);
	free(reader->outs);
	record_scan_close(reader->scan);
	free(reader);
}
