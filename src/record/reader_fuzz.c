/* Any bytes as a file: every line is good or bad, texts are words, and the same bytes packed by
 * gzip, which reach the reader in other windows, give the same rows and the same errors. */
#include "record/reader.h"

#include "base/buf.h"
#include "base/hash.h"

#include <assert.h>
#include <libdeflate.h>

struct outcome {
	uint64_t rows;
	uint64_t hash;
	int status;
	struct record_reader_stats stats;
};

static uint64_t hash_row(uint64_t hash, const struct record_batch *batch, size_t row)
{
	for (size_t i = 0; i < batch->columns; i++) {
		const struct record_batch_column *column = &batch->column[i];

		hash = hash_mix(hash, column->valid[row]);
		if (!column->valid[row])
			continue;
		if (column->type == RECORD_TYPE_STRING) {
			struct str text = column->texts[row];
			assert(text.n > 0 && text.n <= RECORD_READER_LINE_MAX);
			assert(!memchr(text.p, '\n', text.n) && !memchr(text.p, '\0', text.n));
			hash = hash_bytes(text.p, text.n, hash);
		} else {
			assert(column->numbers[row] >= 0);
			hash = hash_mix(hash, (uint64_t)column->numbers[row]);
		}
	}
	return hash;
}

static struct outcome read_bytes(struct str bytes, bool strict)
{
	struct outcome outcome = {0};
	struct err err = ERR_INIT;
	struct input *input;
	_cleanup_(record_reader_closep) struct record_reader *reader = NULL;
	const struct record_batch *batch;

	if (input_open_memory(&input, bytes, "fuzz", &err) < 0)
		return (struct outcome){.status = -1};
	outcome.status = record_reader_open(&reader, input, strict, &err);
	while (outcome.status == 0) {
		outcome.status = record_reader_read(reader, &batch, &err);
		if (outcome.status < 0 || batch->rows == 0)
			break;
		assert(batch->rows <= RECORD_READER_BATCH);
		for (size_t row = 0; row < batch->rows; row++)
			outcome.hash = hash_row(outcome.hash, batch, row);
		outcome.rows += batch->rows;
	}
	if (outcome.status < 0)
		assert(err.code != ERR_NONE && err.message[0]);
	if (reader)
		outcome.stats = *record_reader_stats(reader);
	return outcome;
}

static void check_counts(const struct outcome *outcome)
{
	assert(outcome->stats.lines == outcome->rows + outcome->stats.bad_lines);
	assert(outcome->stats.truncated <= 1);
	for (unsigned i = 0; i < outcome->stats.errors; i++) {
		for (const char *p = outcome->stats.error[i].message; *p; p++)
			assert(*p >= ' ' && *p < 0x7f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = {(const char *)data, size};
	struct outcome plain = read_bytes(bytes, false);

	check_counts(&plain);
	if (size >= 3 && memcmp(data, "\x1f\x8b\x08", 3) == 0)
		return 0; /* gzip already */
	if (size >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0)
		return 0; /* zstd */
	assert(plain.status == 0);

	struct outcome strict = read_bytes(bytes, true);
	assert((strict.status < 0) == (plain.stats.bad_lines > 0));

	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(1);
	_cleanup_buf_ struct buf packed = {0};
	size_t bound = libdeflate_gzip_compress_bound(compressor, size);
	packed.n = libdeflate_gzip_compress(
		compressor, data, size, buf_reserve(&packed, bound), bound);
	libdeflate_free_compressor(compressor);
	assert(packed.n);
	struct outcome unpacked = read_bytes(buf_str(&packed), false);
	assert(unpacked.status == 0 && unpacked.rows == plain.rows && unpacked.hash == plain.hash);
	assert(memcmp(&unpacked.stats, &plain.stats, offsetof(struct record_reader_stats, error)) ==
		0);
	return 0;
}
