/* A column chunk is made in three steps: the distinct values are found (texts come with them),
 * which decides between a dictionary and plain values; the rows are cut into pages; each page is
 * compressed. Numbers of a narrow range find their distinct values in a table by value, others in a
 * hash table; both give up when a dictionary would not pay. */
#include "record/parquet_priv.h"

#include "base/hash.h"
#include "record/thrift_priv.h"

#include <assert.h>
#include <libdeflate.h>
#include <zstd.h>

#define PAGE_ROWS      ((uint32_t)1 << 16)
#define PAGE_BYTES     ((size_t)1 << 20) /* of plain texts */
#define DICTIONARY_MAX ((size_t)8 << 20) /* bytes of texts */
#define PAGE_MAX       ((size_t)INT32_MAX)
#define NARROW         ((uint64_t)1 << 18) /* numbers in the table by value */

struct record_parquet_encoder {
	struct record_parquet_column *columns;
	unsigned count, next;
	int level;
	ZSTD_CCtx *zstd;
	struct record_parquet_group *group;
	struct buf blooms;

	uint32_t *index; /* [rows] of the group, where the encoder made it */
	uint32_t index_capacity;
	uint32_t *slots; /* index + 1 by value or hash */
	size_t slots_capacity;
	int64_t *distinct;
	size_t distinct_capacity;
	uint32_t *packed; /* [PAGE_ROWS] */
	struct buf page, head;
};

struct record_parquet_encoder *record_parquet_encoder_new(
	const struct record_parquet_column *columns, unsigned count, int zstd_level)
{
	struct record_parquet_encoder *encoder = mem_new(1, sizeof(*encoder));

	assert(count > 0 && count <= RECORD_PARQUET_COLUMNS_MAX);
	encoder->columns = mem_new(count, sizeof(*columns));
	memcpy(encoder->columns, columns, count * sizeof(*columns));
	encoder->count = count;
	encoder->level = zstd_level;
	encoder->zstd = ZSTD_createCCtx();
	encoder->packed = mem_new(PAGE_ROWS, sizeof(*encoder->packed));
	if (!encoder->zstd)
		abort(); /* as mem_new */
	ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, zstd_level);
	return encoder;
}

void record_parquet_encoder_free(struct record_parquet_encoder *encoder)
{
	if (!encoder)
		return;
	ZSTD_freeCCtx(encoder->zstd);
	buf_done(&encoder->blooms);
	buf_done(&encoder->page);
	buf_done(&encoder->head);
	free(encoder->columns);
	free(encoder->index);
	free(encoder->slots);
	free(encoder->distinct);
	free(encoder->packed);
	free(encoder);
}

void record_parquet_group_done(struct record_parquet_group *group)
{
	buf_done(&group->bytes);
	free(group->chunks);
	*group = (struct record_parquet_group){0};
}

void record_parquet_encoder_start(
	struct record_parquet_encoder *encoder, uint32_t rows, struct record_parquet_group *group)
{
	assert(rows > 0 && rows <= (uint32_t)1 << 24);
	encoder->next = 0;
	encoder->group = group;
	encoder->blooms.n = 0;
	group->rows = rows;
	group->bytes.n = 0;
	if (group->chunks_count != encoder->count) {
		free(group->chunks);
		group->chunks = mem_new(encoder->count, sizeof(*group->chunks));
		group->chunks_count = encoder->count;
	}
	if (encoder->index_capacity < rows) {
		encoder->index_capacity = rows;
		encoder->index = mem_grow(encoder->index, rows, sizeof(*encoder->index));
	}
}

/* Pages. */

static int add_page(struct record_parquet_encoder *encoder, struct record_parquet_chunk *chunk,
	int kind, uint32_t values, int encoding, struct err *err)
{
	struct buf *out = &encoder->group->bytes;
	struct buf *page = &encoder->page;
	struct buf *head = &encoder->head;
	int last = 0, inner = 0;

	if (page->n > PAGE_MAX)
		return err_set(err, ERR_INPUT, "a page of more than 2 GiB for Parquet");
	/* The header is short and stands before the page, but tells its size: compress first. */
	size_t bound = ZSTD_compressBound(page->n);
	char *packed = buf_reserve(out, bound + 128);
	size_t n = ZSTD_compress2(encoder->zstd, packed + 128, bound, page->p, page->n);
	if (ZSTD_isError(n))
		return err_set(err, ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(n));
	uint32_t crc = libdeflate_crc32(0, packed + 128, n);
	head->n = 0;
	thrift_i32(head, &last, 1, kind);
	thrift_i32(head, &last, 2, (int32_t)page->n);
	thrift_i32(head, &last, 3, (int32_t)n);
	thrift_i32(head, &last, 4, (int32_t)crc);
	thrift_struct(head, &last, kind == PARQUET_DICTIONARY_PAGE ? 7 : 5);
	thrift_i32(head, &inner, 1, (int32_t)values);
	thrift_i32(head, &inner, 2, encoding);
	if (kind == PARQUET_DATA_PAGE) {
		thrift_i32(head, &inner, 3, PARQUET_RLE);
		thrift_i32(head, &inner, 4, PARQUET_RLE);
	}
	thrift_end(head);
	thrift_end(head);
	memmove(packed + head->n, packed + 128, n);
	memcpy(packed, head->p, head->n);
	out->n += head->n + n;
	chunk->uncompressed_bytes += head->n + page->n;
	chunk->data_pages += kind == PARQUET_DATA_PAGE;
	return 0;
}

/* Which of a page's rows have a value, with the length before it as data pages of version 1 have
 * it. present: [rows] 0 or 1, NULL: all. */
static void add_levels(struct buf *page, const uint32_t *present, uint32_t rows)
{
	size_t at = page->n;

	buf_add(page, "\0\0\0", 4);
	if (present) {
		record_parquet_pack(page, present, rows, 1);
	} else {
		thrift_varint(page, (uint64_t)rows << 1);
		buf_add_char(page, 1);
	}
	uint32_t n = (uint32_t)(page->n - at - 4);
	memcpy(page->p + at, &n, 4);
}

static void add_plain_text(struct buf *page, struct str text)
{
	uint32_t n = (uint32_t)text.n;

	char *p = buf_reserve(page, text.n + 4);
	memcpy(p, &n, 4);
	memcpy(p + 4, text.p, text.n);
	page->n += text.n + 4;
}

static void add_plain_number(struct buf *page, enum record_type type, int64_t number)
{
	if (type == RECORD_TYPE_INT32) {
		int32_t narrow = (int32_t)number;
		buf_add(page, &narrow, 4);
	} else {
		buf_add(page, &number, 8);
	}
}

/* Begins a data page of rows [from, to) that have these indexes. */
static void start_page(struct record_parquet_encoder *encoder,
	const struct record_parquet_chunk *chunk, const uint32_t *index, uint32_t from, uint32_t to)
{
	encoder->page.n = 0;
	if (chunk->nulls == 0) {
		add_levels(&encoder->page, NULL, to - from);
		return;
	}
	for (uint32_t row = from; row < to; row++)
		encoder->packed[row - from] = index[row] != RECORD_PARQUET_NULL_INDEX;
	add_levels(&encoder->page, encoder->packed, to - from);
}

/* Data pages of indexes into the dictionary. */
static int add_index_pages(struct record_parquet_encoder *encoder,
	struct record_parquet_chunk *chunk, const uint32_t *index, struct err *err)
{
	unsigned width = record_parquet_width((uint32_t)chunk->distinct);
	uint32_t rows = encoder->group->rows;

	for (uint32_t from = 0; from < rows; from += PAGE_ROWS) {
		uint32_t to = rows - from < PAGE_ROWS ? rows : from + PAGE_ROWS;
		const uint32_t *values = index + from;
		uint32_t count = to - from;

		start_page(encoder, chunk, index, from, to);
		if (chunk->nulls) {
			count = 0;
			for (uint32_t row = from; row < to; row++) {
				encoder->packed[count] = index[row];
				count += index[row] != RECORD_PARQUET_NULL_INDEX;
			}
			values = encoder->packed;
		}
		buf_add_char(&encoder->page, (char)width);
		record_parquet_pack(&encoder->page, values, count, width);
		if (add_page(encoder, chunk, PARQUET_DATA_PAGE, to - from, PARQUET_RLE_DICTIONARY,
			    err) < 0)
			return -1;
	}
	return 0;
}

/* Data pages of plain texts: a page ends where it is long enough. */
static int add_text_pages(struct record_parquet_encoder *encoder,
	struct record_parquet_chunk *chunk, const struct record_parquet_values *values,
	struct err *err)
{
	uint32_t rows = encoder->group->rows;

	for (uint32_t from = 0, to; from < rows; from = to) {
		size_t bytes = 0;
		for (to = from; to < rows && to - from < PAGE_ROWS && bytes < PAGE_BYTES; to++) {
			if (values->index[to] != RECORD_PARQUET_NULL_INDEX)
				bytes += values->texts[values->index[to]].n + 4;
		}
		start_page(encoder, chunk, values->index, from, to);
		buf_reserve(&encoder->page, bytes);
		for (uint32_t row = from; row < to; row++) {
			if (values->index[row] != RECORD_PARQUET_NULL_INDEX)
				add_plain_text(&encoder->page, values->texts[values->index[row]]);
		}
		if (add_page(encoder, chunk, PARQUET_DATA_PAGE, to - from, PARQUET_PLAIN, err) < 0)
			return -1;
	}
	return 0;
}

static int add_number_pages(struct record_parquet_encoder *encoder,
	struct record_parquet_chunk *chunk, enum record_type type, const int64_t *numbers,
	struct err *err)
{
	uint32_t rows = encoder->group->rows;

	for (uint32_t from = 0; from < rows; from += PAGE_ROWS) {
		uint32_t to = rows - from < PAGE_ROWS ? rows : from + PAGE_ROWS;

		encoder->page.n = 0;
		for (uint32_t row = from; chunk->nulls && row < to; row++)
			encoder->packed[row - from] = numbers[row] != RECORD_PARQUET_NULL_NUMBER;
		add_levels(&encoder->page, chunk->nulls ? encoder->packed : NULL, to - from);
		buf_reserve(&encoder->page, (size_t)(to - from) * 8);
		for (uint32_t row = from; row < to; row++) {
			if (numbers[row] != RECORD_PARQUET_NULL_NUMBER)
				add_plain_number(&encoder->page, type, numbers[row]);
		}
		if (add_page(encoder, chunk, PARQUET_DATA_PAGE, to - from, PARQUET_PLAIN, err) < 0)
			return -1;
	}
	return 0;
}

/* Distinct numbers. */

static void clear_slots(struct record_parquet_encoder *encoder, size_t count)
{
	if (encoder->slots_capacity < count) {
		free(encoder->slots);
		encoder->slots = mem_new(count, sizeof(*encoder->slots));
		encoder->slots_capacity = count;
	} else {
		memset(encoder->slots, 0, count * sizeof(*encoder->slots));
	}
}

/* Fills index and distinct from numbers in [min, min + range]. Returns how many, or 0 when there
 * are more than most. */
static uint32_t find_narrow(struct record_parquet_encoder *encoder, const int64_t *numbers,
	uint32_t rows, int64_t min, uint64_t range, uint32_t most)
{
	uint32_t count = 0;

	clear_slots(encoder, (size_t)range + 1);
	for (uint32_t row = 0; row < rows; row++) {
		if (numbers[row] == RECORD_PARQUET_NULL_NUMBER) {
			encoder->index[row] = RECORD_PARQUET_NULL_INDEX;
			continue;
		}
		uint32_t *slot = &encoder->slots[(uint64_t)numbers[row] - (uint64_t)min];
		if (*slot == 0) {
			if (count == most)
				return 0;
			encoder->distinct[count++] = numbers[row];
			*slot = count;
		}
		encoder->index[row] = *slot - 1;
	}
	return count;
}

static uint32_t find_wide(struct record_parquet_encoder *encoder, const int64_t *numbers,
	uint32_t rows, uint32_t most)
{
	size_t slots = 1024;
	uint32_t count = 0;

	while (slots < (size_t)most * 2)
		slots *= 2;
	clear_slots(encoder, slots);
	for (uint32_t row = 0; row < rows; row++) {
		if (numbers[row] == RECORD_PARQUET_NULL_NUMBER) {
			encoder->index[row] = RECORD_PARQUET_NULL_INDEX;
			continue;
		}
		uint64_t at = hash_mix((uint64_t)numbers[row], 0) & (slots - 1);
		while (encoder->slots[at] &&
			encoder->distinct[encoder->slots[at] - 1] != numbers[row])
			at = (at + 1) & (slots - 1);
		if (encoder->slots[at] == 0) {
			if (count == most)
				return 0;
			encoder->distinct[count++] = numbers[row];
			encoder->slots[at] = count;
		}
		encoder->index[row] = encoder->slots[at] - 1;
	}
	return count;
}

static void measure_numbers(struct record_parquet_chunk *chunk, enum record_type type,
	const int64_t *numbers, uint32_t rows, int64_t ret_range[2])
{
	int64_t min = INT64_MAX, max = INT64_MIN;

	for (uint32_t row = 0; row < rows; row++) {
		int64_t number = numbers[row];
		if (number == RECORD_PARQUET_NULL_NUMBER) {
			chunk->nulls++;
			continue;
		}
		min = number < min ? number : min;
		max = number > max ? number : max;
	}
	ret_range[0] = min;
	ret_range[1] = max;
	chunk->has_range = chunk->nulls < rows;
	for (int i = 0; i < 2 && chunk->has_range; i++) {
		int32_t narrow = (int32_t)ret_range[i];
		chunk->range_n[i] = type == RECORD_TYPE_INT32 ? 4 : 8;
		chunk->exact[i] = true;
		if (type == RECORD_TYPE_INT32)
			memcpy(chunk->range[i], &narrow, 4);
		else
			memcpy(chunk->range[i], &ret_range[i], 8);
	}
}

static int add_numbers(struct record_parquet_encoder *encoder, struct record_parquet_chunk *chunk,
	enum record_type type, const int64_t *numbers, struct err *err)
{
	uint32_t rows = encoder->group->rows;
	uint32_t most = rows / 3 + 1; /* beyond that plain values are no longer */
	int64_t range[2];
	uint32_t count = 0;

	measure_numbers(chunk, type, numbers, rows, range);
	if (encoder->distinct_capacity < most) {
		encoder->distinct_capacity = most;
		encoder->distinct = mem_grow(encoder->distinct, most, sizeof(*encoder->distinct));
	}
	if (chunk->has_range) {
		uint64_t span = (uint64_t)range[1] - (uint64_t)range[0];
		count = span < NARROW ? find_narrow(encoder, numbers, rows, range[0], span, most)
				      : find_wide(encoder, numbers, rows, most);
	}
	if (count == 0) {
		chunk->data_offset = encoder->group->bytes.n;
		return add_number_pages(encoder, chunk, type, numbers, err);
	}
	chunk->dictionary = true;
	chunk->distinct = count;
	encoder->page.n = 0;
	buf_reserve(&encoder->page, (size_t)count * 8);
	for (uint32_t i = 0; i < count; i++)
		add_plain_number(&encoder->page, type, encoder->distinct[i]);
	if (add_page(encoder, chunk, PARQUET_DICTIONARY_PAGE, count, PARQUET_PLAIN, err) < 0)
		return -1;
	chunk->data_offset = encoder->group->bytes.n;
	return add_index_pages(encoder, chunk, encoder->index, err);
}

/* Texts. */

/* Keeps a text as a bound, cut when it is long: at the end of a character, and an upper bound then
 * with a last byte that is one more. False when that cannot be. */
static bool keep_bound(struct record_parquet_chunk *chunk, int which, struct str text)
{
	size_t n = text.n;

	if (n > PARQUET_STATISTIC_MAX) {
		n = PARQUET_STATISTIC_MAX;
		while (n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
			n--;
		/* a byte that stays ASCII when it is raised */
		while (which == 1 && n && (unsigned char)text.p[n - 1] >= 0x7e)
			n--;
		if (which == 1 && n == 0)
			return false;
	}
	memcpy(chunk->range[which], text.p, n);
	if (n < text.n && which == 1)
		chunk->range[which][n - 1]++;
	chunk->range_n[which] = (uint8_t)n;
	chunk->exact[which] = n == text.n;
	return true;
}

static void measure_texts(struct record_parquet_chunk *chunk,
	const struct record_parquet_values *values, uint32_t rows)
{
	for (uint32_t row = 0; row < rows; row++)
		chunk->nulls += values->index[row] == RECORD_PARQUET_NULL_INDEX;
	if (values->texts_count == 0)
		return;
	struct str min = values->texts[0], max = min;
	for (uint32_t i = 1; i < values->texts_count; i++) {
		if (str_compare(values->texts[i], min) < 0)
			min = values->texts[i];
		else if (str_compare(values->texts[i], max) > 0)
			max = values->texts[i];
	}
	chunk->has_range = keep_bound(chunk, 0, min) && keep_bound(chunk, 1, max);
}

static int add_texts(struct record_parquet_encoder *encoder, struct record_parquet_chunk *chunk,
	const struct record_parquet_values *values, bool bloom, struct err *err)
{
	uint32_t rows = encoder->group->rows;
	size_t bytes = 0;

	measure_texts(chunk, values, rows);
	if (bloom && values->texts_count) {
		chunk->bloom_offset = encoder->blooms.n;
		chunk->bloom_bytes =
			record_parquet_bloom(&encoder->blooms, values->texts, values->texts_count);
	}
	for (uint32_t i = 0; i < values->texts_count; i++)
		bytes += values->texts[i].n;
	if (values->texts_count == 0 || bytes > DICTIONARY_MAX ||
		values->texts_count > rows - rows / 4) {
		chunk->data_offset = encoder->group->bytes.n;
		return add_text_pages(encoder, chunk, values, err);
	}
	chunk->dictionary = true;
	chunk->distinct = values->texts_count;
	encoder->page.n = 0;
	buf_reserve(&encoder->page, bytes + (size_t)values->texts_count * 4);
	for (uint32_t i = 0; i < values->texts_count; i++)
		add_plain_text(&encoder->page, values->texts[i]);
	if (add_page(encoder, chunk, PARQUET_DICTIONARY_PAGE, values->texts_count, PARQUET_PLAIN,
		    err) < 0)
		return -1;
	chunk->data_offset = encoder->group->bytes.n;
	return add_index_pages(encoder, chunk, values->index, err);
}

int record_parquet_encoder_add(struct record_parquet_encoder *encoder,
	const struct record_parquet_values *values, struct err *err)
{
	struct record_parquet_group *group = encoder->group;

	assert(encoder->next < encoder->count);
	const struct record_parquet_column *column = &encoder->columns[encoder->next];
	struct record_parquet_chunk *chunk = &group->chunks[encoder->next++];
	*chunk = (struct record_parquet_chunk){.start = group->bytes.n};
	int r = column->type == RECORD_TYPE_STRING
			? add_texts(encoder, chunk, values, column->bloom, err)
			: add_numbers(encoder, chunk, column->type, values->numbers, err);
	chunk->bytes = group->bytes.n - chunk->start;
	if (r == 0 && encoder->next == encoder->count) {
		for (unsigned i = 0; i < encoder->count; i++)
			group->chunks[i].bloom_offset += group->bytes.n;
		buf_add_str(&group->bytes, buf_str(&encoder->blooms));
	}
	return r;
}
