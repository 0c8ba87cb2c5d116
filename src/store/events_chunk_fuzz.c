/* The reader of files of log events, over anything that a disk may give back. The first byte says
 * whether it is a tail, and whether checksums are put right first, so that what is behind them is
 * reached too. */
#include "store/events_columns_priv.h"

#include "aws/checksum.h"

#include <assert.h>
#include <string.h>

enum { NUMBER = 7, IS_TAIL = 1, IS_FIXED = 2, INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The checksums in a summary, where there is one. */
static void fix_columns(struct events_header *header)
{
	const struct columns_head *head = (const struct columns_head *)(header + 1);
	size_t bytes = header->size - sizeof(*header);
	uint8_t *body = (uint8_t *)(header + 1);

	if (bytes < sizeof(*head) || head->words > STORE_LOG_COLUMNS_MAX || head->summary_at % 8 ||
		columns_head_size(head->words) > bytes || head->summary_at > bytes ||
		columns_summary_size(head->words, 0) > bytes - head->summary_at)
		return;
	const struct columns_column *columns = (const struct columns_column *)(head + 1);
	struct columns_summary *summary = (struct columns_summary *)(body + head->summary_at);
	struct columns_check *checks = (struct columns_check *)(summary + 1);
	for (size_t i = 0; i <= head->words; i++)
		if (columns[i].at <= bytes && checks[i].size <= bytes - columns[i].at)
			checks[i].crc = aws_crc32c(0, body + columns[i].at, checks[i].size);
	if (summary->page_count <= (bytes - head->summary_at) / sizeof(uint32_t) &&
		columns_summary_size(head->words, summary->page_count) <= bytes - head->summary_at)
		summary->crc = columns_summary_crc(head, columns_head_size(head->words), summary,
			columns_summary_size(head->words, summary->page_count));
}

static void fix(uint8_t *bytes, size_t size)
{
	for (size_t offset = 0; offset + sizeof(struct events_header) <= size;) {
		struct events_header *header = (struct events_header *)(bytes + offset);
		if (header->size < sizeof(*header) || header->size > size - offset ||
			header->size % 8)
			return;
		header->magic = EVENTS_MAGIC;
		header->format = EVENTS_FORMAT;
		header->file = NUMBER;
		if (header->kind == EVENTS_COLUMNS)
			fix_columns(header);
		events_header_seal(header);
		offset += header->size;
	}
}

struct seen {
	uint64_t end;
	const struct events_header *rows; /* seen last */
	uint64_t sum;
};

static uint64_t sum_of(const struct store_log_column *column, size_t rows)
{
	const unsigned char *values = column->values;
	uint64_t sum = 0;

	for (size_t i = 0; i < rows * column->width; i++)
		sum += values[i];
	for (uint32_t i = 0; i < column->word_count; i++)
		for (uint32_t at = i ? column->word_ends[i - 1] : 0; at < column->word_ends[i];
			at++)
			sum += (unsigned char)column->words[at];
	return sum;
}

static void visit(void *context, uint64_t offset, const struct events_header *header)
{
	struct seen *seen = context;
	struct events_view view;

	assert(offset >= seen->end && offset % 8 == 0);
	seen->end = offset + (header ? header->size : 8);
	struct events_columns columns;
	if (header && seen->rows && header->kind == EVENTS_COLUMNS &&
		events_columns_open(seen->rows, header, &columns)) {
		for (size_t i = 0; i < columns.columns.count; i++) {
			const struct store_log_column *column = &columns.columns.columns[i];
			if (!store_log_columns_use(&columns.columns, i))
				continue;
			seen->sum += sum_of(column, header->count);
			seen->sum +=
				column->filter && store_log_column_may_have(column, STR("eni-1"));
		}
		seen->sum += events_columns_row_bytes(
			&columns, seen->rows + 1, seen->rows->size - sizeof(*seen->rows));
		events_columns_done(&columns);
	}
	if (!header || !events_view_open(header, &view))
		return;
	seen->rows = header;
	for (size_t row = 0; row < header->count; row++) {
		struct str message = events_view_message(&view, row);
		for (size_t i = 0; i < message.n; i++)
			seen->sum += (unsigned char)message.p[i];
		seen->sum += (uint64_t)events_view_time(&view, row) +
			     events_view_sequence(&view, row) +
			     (uint64_t)events_view_ingested(&view, row);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = {0};

	if (size < 1 || size > INPUT_MAX)
		return 0;
	bool is_tail = data[0] & IS_TAIL;
	size_t n = size - 1;
	/* Aligned as a mapped file is, and of no more than its bytes. */
	uint8_t *bytes = mem_new(n + 1, 1);
	memcpy(bytes, data + 1, n);
	if (data[0] & IS_FIXED)
		fix(bytes, n);
	uint64_t end = events_walk(bytes, n, NUMBER, is_tail, visit, &seen);
	assert(end <= n && seen.end <= n);
	const struct events_header *index = events_find_index(bytes, n, NUMBER);
	if (index) {
		const struct events_entry *entries = (const struct events_entry *)(index + 1);
		for (size_t i = 0; i < index->count; i++)
			seen.sum += entries[i].offset;
	}
	free(bytes);
	return seen.sum == UINT64_MAX; /* so that nothing is left out; never in practice */
}
