/* Columns, and as much of them and of their rows as somebody wants checked. What is found damaged
 * is not there, for whoever asks. */
#include "store/events_columns_priv.h"

#include "aws/checksum.h"

#include <string.h>

static bool fits(uint64_t at, uint64_t size, uint64_t bytes)
{
	return at % COLUMNS_ALIGNMENT == 0 && at <= bytes && size <= bytes - at;
}

static const char *body_of(const struct events_header *header)
{
	return (const char *)(header + 1);
}

static const struct columns_column *places_of(const struct events_header *header)
{
	return (const struct columns_column *)(const void *)(body_of(header) +
							     sizeof(struct columns_head));
}

static const struct columns_check *checks_of(const struct columns_summary *summary)
{
	return (const struct columns_check *)(summary + 1);
}

/* Where it is; nothing of it is read. */
static bool open_column(const struct events_header *header, const struct columns_column *from,
	struct store_log_column *ret_column)
{
	const char *body = body_of(header);
	uint64_t bytes = header->body_bytes;

	*ret_column = (struct store_log_column){
		.kind = STORE_LOG_NO_VALUES, .last = INT64_MAX, .bytes = NULL};
	if (from->kind == STORE_LOG_NO_VALUES)
		return true;
	if (from->kind > STORE_LOG_WORDS || (from->width & (from->width - 1)) || from->width > 8 ||
		!fits(from->at, (uint64_t)from->width * header->count, bytes))
		return false;
	*ret_column = (struct store_log_column){.kind = (enum store_log_values)from->kind,
		.width = from->width,
		.has_none = from->has_none,
		.is_ipv4 = from->is_ipv4,
		.base = from->base,
		.last = INT64_MAX,
		.values = body + from->at};
	if (from->kind == STORE_LOG_NUMBERS)
		return true;
	if (!from->word_count || !fits(from->ends_at, 4 * (uint64_t)from->word_count, bytes) ||
		from->words_at > bytes || from->word_bytes > bytes - from->words_at)
		return false;
	ret_column->word_count = from->word_count;
	ret_column->word_ends = (const uint32_t *)(const void *)(body + from->ends_at);
	ret_column->words = body + from->words_at;
	return true;
}

static bool are_words_good(const struct columns_column *from, const struct store_log_column *column)
{
	uint32_t last = 0;

	for (uint32_t i = 0; column->kind == STORE_LOG_WORDS && i < column->word_count; i++) {
		if (column->word_ends[i] < last || column->word_ends[i] > from->word_bytes)
			return false;
		last = column->word_ends[i];
	}
	return true;
}

/* All that the column's struct points to is in what its check covers. */
static bool is_covered(const struct columns_column *from, const struct columns_check *check,
	const struct events_header *header)
{
	uint64_t end = (uint64_t)from->at + check->size;

	if (!fits(from->at, check->size, header->body_bytes) ||
		(uint64_t)from->width * header->count > check->size)
		return false;
	if (from->kind == STORE_LOG_NO_VALUES)
		return (uint64_t)from->word_count * sizeof(uint64_t) <= check->size;
	return from->kind != STORE_LOG_WORDS ||
	       (from->ends_at >= from->at && from->words_at >= from->at &&
		       from->ends_at + 4 * (uint64_t)from->word_count <= end &&
		       (uint64_t)from->words_at + from->word_bytes <= end);
}

static void open_filter(const struct events_header *header, const struct columns_column *from,
	struct store_log_column *column)
{
	if (!from->word_count)
		return;
	column->filter = (const uint64_t *)(const void *)(body_of(header) + from->at);
	column->filter_words = from->word_count;
	column->shortest = from->ends_at;
	column->longest = from->words_at;
}

bool store_log_column_may_have(const struct store_log_column *column, struct str word)
{
	uint32_t at;
	uint64_t bits = columns_filter_bits(word, column->filter_words, &at);

	return (column->filter[at] & bits) == bits;
}

/* False: there is one, and it is damaged. */
static bool open_summary(struct events_columns *columns, const struct columns_head *head)
{
	const struct events_header *rows = columns->rows, *header = columns->header;
	size_t words = head->words, head_size = columns_head_size(words);
	size_t size = columns_summary_size(words, columns_pages(rows));

	if (!head->summary_at)
		return true;
	if (head->summary_at < head_size || !fits(head->summary_at, size, header->body_bytes))
		return false;
	const struct columns_summary *summary =
		(const struct columns_summary *)(const void *)(body_of(header) + head->summary_at);
	if (summary->page_count != columns_pages(rows) ||
		columns_summary_crc(head, head_size, summary, size) != summary->crc)
		return false;
	columns->summary = summary;
	for (size_t i = 0; i <= words; i++) {
		const struct columns_column *from = &places_of(header)[i];
		const struct columns_check *check = &checks_of(summary)[i];
		struct store_log_column *column =
			i ? &columns->columns.columns[i - 1] : &columns->columns.times;
		if (!is_covered(from, check, header))
			return false;
		if (from->kind == STORE_LOG_NUMBERS)
			column->last = check->last;
		else
			column->bytes = check->bytes;
		if (from->kind == STORE_LOG_NO_VALUES)
			open_filter(header, from, column);
	}
	return true;
}

bool events_columns_open(const struct events_header *rows, const struct events_header *header,
	struct events_columns *ret_columns)
{
	const struct columns_head *head = (const struct columns_head *)(header + 1);
	struct events_columns *columns = ret_columns;

	if (header->kind != EVENTS_COLUMNS || header->stream != rows->stream ||
		header->sequence_first != rows->sequence_first ||
		header->ingested_first != rows->body_crc || header->body_bytes < sizeof(*head) ||
		head->words > STORE_LOG_COLUMNS_MAX ||
		columns_head_size(head->words) > header->body_bytes)
		return false;
	/* A plain chunk has no rows of its own; count says how many these are. */
	if (header->count != rows->count)
		return false;
	columns->rows = rows;
	columns->header = header;
	columns->summary = NULL;
	columns->used = columns->times_used = 0;
	columns->pages = NULL;
	columns->columns.count = head->words;
	for (size_t i = 0; i <= head->words; i++)
		if (!open_column(header, &places_of(header)[i],
			    i ? &columns->columns.columns[i - 1] : &columns->columns.times))
			return false;
	if (columns->columns.times.kind != STORE_LOG_NUMBERS || !open_summary(columns, head))
		return false;
	return columns->summary || events_body_good(header);
}

void events_columns_done(struct events_columns *columns)
{
	free(take(columns->pages));
}

bool store_log_columns_use(struct store_log_columns *public_columns, size_t i)
{
	struct events_columns *columns = (struct events_columns *)public_columns;
	bool is_times = i == STORE_LOG_TIMES;
	uint64_t *used = is_times ? &columns->times_used : &columns->used;
	uint64_t bit = is_times ? 1 : UINT64_C(1) << i;
	size_t index = is_times ? 0 : i + 1;
	const struct columns_column *from = &places_of(columns->header)[index];
	const struct store_log_column *column =
		is_times ? &public_columns->times : &public_columns->columns[i];

	if (*used & bit)
		return true;
	if (column->kind == STORE_LOG_NO_VALUES && !column->filter)
		return false;
	if (columns->summary) {
		const struct columns_check *check = &checks_of(columns->summary)[index];
		if (aws_crc32c(0, body_of(columns->header) + from->at, check->size) != check->crc)
			return false;
		columns->bytes_used += check->size;
	}
	if (!are_words_good(from, column))
		return false;
	*used |= bit;
	return true;
}

bool events_columns_row_bytes(struct events_columns *columns, const void *p, size_t n)
{
	const struct columns_summary *summary = columns->summary;
	const uint8_t *bytes = (const uint8_t *)(columns->rows + 1);
	size_t size = columns->rows->size - sizeof(*columns->rows);
	size_t at = (size_t)((const uint8_t *)p - bytes);

	if (!summary || !n)
		return summary != NULL;
	const uint32_t *crcs =
		(const uint32_t *)(const void *)(checks_of(summary) + columns->columns.count + 1);
	if (!columns->pages)
		columns->pages = mem_new(summary->page_count / 64 + 1, sizeof(*columns->pages));
	for (size_t i = at / COLUMNS_PAGE; i <= (at + n - 1) / COLUMNS_PAGE; i++) {
		size_t left = size - i * COLUMNS_PAGE;
		uint64_t *good = &columns->pages[i / 64], bit = UINT64_C(1) << (i % 64);
		if (*good & bit)
			continue;
		left = left < COLUMNS_PAGE ? left : COLUMNS_PAGE;
		if (aws_crc32c(0, bytes + i * COLUMNS_PAGE, left) != crcs[i])
			return false;
		*good |= bit;
		columns->bytes_used += left;
	}
	return true;
}
