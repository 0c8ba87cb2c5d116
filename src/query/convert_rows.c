/* Rows are packed: fixed width, the columns of their source only, small numbers in one, two or four
 * bytes, IPv4 addresses as they are, other texts by number. 40 bytes for a record of the default
 * format. Numbers that do not fit are kept beside the block. A row is read where it lies when the
 * order is known; nothing is copied in between. */
#include "query/convert_priv.h"

#include "base/ip.h"
#include "base/number.h"

#include <assert.h>

/* What sorting adds for each row: key, number, bucket. */
#define SORT_BYTES 14

void convert_part_init(struct convert_part *part, unsigned threads, uint64_t memory_limit)
{
	*part = (struct convert_part){.memory_limit = memory_limit, .threads_count = threads};
	pthread_mutex_init(&part->lock, NULL);
	part->threads = mem_new(threads, sizeof(*part->threads));
	/* no row is shorter than a byte */
	uint64_t most = memory_limit / (CONVERT_BLOCK_ROWS * (SORT_BYTES + 1)) + 2 * threads + 2;
	part->blocks_max = most < UINT32_MAX >> CONVERT_BLOCK_BITS
				   ? (uint32_t)most
				   : UINT32_MAX >> CONVERT_BLOCK_BITS;
	part->blocks = mem_new(part->blocks_max, sizeof(*part->blocks));
}

void convert_part_clear(struct convert_part *part)
{
	for (uint32_t i = 0; i < part->blocks_count; i++) {
		free(part->blocks[i]->bytes);
		free(part->blocks[i]->exceptions);
		free(part->blocks[i]);
	}
	part->blocks_count = 0;
	for (unsigned i = 0; i < part->threads_count; i++) {
		struct convert_thread *thread = &part->threads[i];
		for (unsigned column = 0; column < part->columns; column++) {
			if (thread->texts[column])
				dictionary_done(thread->texts[column]);
			free(take(thread->texts[column]));
		}
		thread->open = NULL;
		thread->bytes = 0;
	}
	part->memory = 0;
	part->rows = 0;
}

void convert_part_done(struct convert_part *part)
{
	convert_part_clear(part);
	for (unsigned i = 0; i < part->columns; i++) {
		free(part->column[i].name);
		free(part->column[i].sql_name);
	}
	for (unsigned i = 0; i < part->layouts_count; i++)
		free(part->layouts[i]);
	free(part->layouts);
	free(part->blocks);
	free(part->threads);
	pthread_mutex_destroy(&part->lock);
}

bool convert_part_is_full(const struct convert_part *part)
{
	return part->memory >= part->memory_limit ||
	       part->blocks_count + 2 * part->threads_count >= part->blocks_max;
}

int convert_part_find(const struct convert_part *part, int field)
{
	for (unsigned i = 0; i < part->columns; i++) {
		if (part->column[i].field == field)
			return (int)i;
	}
	return -1;
}

/* Layouts. */

/* As query/columns.c names them. */
static char *sql_name_of(const struct record_reader_column *column)
{
	if (column->field >= 0)
		return mem_strdup(record_fields[column->field].sql_name.p);
	char *name = mem_new(column->name.n + 2, 1);
	size_t n = 0;
	if (column->name.n && column->name.p[0] >= '0' && column->name.p[0] <= '9')
		name[n++] = '_';
	for (size_t i = 0; i < column->name.n; i++) {
		char c = column->name.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 32);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			     (unsigned char)c >= 0x80;
		name[n++] = plain ? c : '_';
	}
	return name;
}

static int find_or_add_column(
	struct convert_part *part, const struct record_reader_column *column, struct err *err)
{
	_cleanup_free_ char *sql_name = sql_name_of(column);

	for (unsigned i = 0; i < part->columns; i++) {
		if (strcmp(part->column[i].sql_name, sql_name) == 0)
			return (int)i;
	}
	if (part->columns == CONVERT_COLUMNS_MAX)
		return err_set(err, ERR_INPUT, "more than %d different fields in the sources",
			CONVERT_COLUMNS_MAX);
	part->column[part->columns] = (struct convert_column){
		.name = mem_printf("%.*s", STR_ARG(column->name)),
		.sql_name = take(sql_name),
		.field = column->field,
		.type = column->type,
		.address = column->field >= 0 &&
			   record_fields[column->field].text == RECORD_TEXT_ADDRESS,
	};
	return (int)part->columns++;
}

static enum convert_kind kind_of(const struct convert_column *column)
{
	if (column->address)
		return CONVERT_ADDRESS;
	if (column->type == RECORD_TYPE_STRING) {
		if (column->field == RECORD_ACTION || column->field == RECORD_LOG_STATUS)
			return CONVERT_TEXT1;
		return CONVERT_TEXT4;
	}
	switch (column->field) {
	case RECORD_VERSION:
	case RECORD_PROTOCOL:
	case RECORD_TCP_FLAGS:
	case RECORD_TRAFFIC_PATH:
	case RECORD_ENCRYPTION_STATUS:
		return CONVERT_NUMBER1;
	case RECORD_SRCPORT:
	case RECORD_DSTPORT:
		return CONVERT_NUMBER2;
	default:
		return CONVERT_NUMBER4;
	}
}

static bool same_layout(const struct convert_layout *layout, const uint16_t *columns, size_t count)
{
	return layout->present == count &&
	       memcmp(layout->column, columns, count * sizeof(*columns)) == 0;
}

static const struct convert_layout *find_or_add_layout(
	struct convert_part *part, const uint16_t *columns, size_t count)
{
	static const uint32_t widths[] = {1, 2, 4, 4, 1, 4};

	for (unsigned i = 0; i < part->layouts_count; i++) {
		if (same_layout(part->layouts[i], columns, count))
			return part->layouts[i];
	}
	struct convert_layout *layout = mem_new(1, sizeof(*layout));
	layout->present = (uint32_t)count;
	memcpy(layout->column, columns, count * sizeof(*columns));
	memset(layout->offset, 0xff, sizeof(layout->offset));
	for (size_t i = 0; i < count; i++) {
		layout->offset[columns[i]] = (int32_t)layout->width;
		layout->kind[columns[i]] = (uint8_t)kind_of(&part->column[columns[i]]);
		layout->width += widths[layout->kind[columns[i]]];
	}
	part->layouts = mem_grow(part->layouts, part->layouts_count + 1, sizeof(*part->layouts));
	return part->layouts[part->layouts_count++] = layout;
}

const struct convert_layout *convert_part_layout(struct convert_part *part,
	const struct record_reader_column *columns, size_t count, struct err *err)
{
	uint16_t numbers[RECORD_READER_COLUMNS_MAX];
	const struct convert_layout *layout = NULL;
	size_t i;

	assert(count <= RECORD_READER_COLUMNS_MAX);
	pthread_mutex_lock(&part->lock);
	for (i = 0; i < count; i++) {
		int column = find_or_add_column(part, &columns[i], err);
		if (column < 0)
			break;
		numbers[i] = (uint16_t)column;
	}
	if (i == count)
		layout = find_or_add_layout(part, numbers, count);
	pthread_mutex_unlock(&part->lock);
	return layout;
}

/* Adding. */

static struct convert_block *new_block(
	struct convert_part *part, unsigned thread_number, const struct convert_layout *layout)
{
	struct convert_thread *thread = &part->threads[thread_number];
	struct convert_block *block = mem_new(1, sizeof(*block));

	block->layout = layout;
	block->thread = thread_number;
	block->bytes = mem_new(CONVERT_BLOCK_ROWS, layout->width ? layout->width : 1);
	pthread_mutex_lock(&part->lock);
	assert(part->blocks_count < part->blocks_max);
	part->blocks[part->blocks_count++] = block;
	pthread_mutex_unlock(&part->lock);
	thread->open = block;
	return block;
}

static void add_exception(
	struct convert_block *block, uint32_t row, unsigned column, int64_t number)
{
	if (block->exceptions_count == block->exceptions_capacity) {
		block->exceptions_capacity = block->exceptions_capacity * 2 + 16;
		block->exceptions = mem_grow(
			block->exceptions, block->exceptions_capacity, sizeof(*block->exceptions));
	}
	block->exceptions[block->exceptions_count++] =
		(struct convert_exception){(uint16_t)row, (uint16_t)column, number};
}

static void add_numbers(struct convert_block *block, char *at, unsigned bytes,
	const struct record_batch_column *from, size_t first, uint32_t count, unsigned column)
{
	uint32_t width = block->layout->width;
	uint32_t none = bytes == 4 ? UINT32_MAX : (1u << bytes * 8) - 1;

	for (uint32_t i = 0; i < count; i++, at += width) {
		uint64_t number = (uint64_t)from->numbers[first + i];
		uint32_t stored = (uint32_t)number;

		if (!from->valid[first + i]) {
			stored = none;
		} else if (number >= none - 1) {
			stored = none - 1;
			add_exception(block, block->rows + i, column, (int64_t)number);
		}
		memcpy(at, &stored, bytes);
	}
}

static bool read_ipv4(struct str text, uint32_t *ret_address)
{
	uint32_t address = 0, part = 0;
	unsigned dots = 0;

	if (text.n > 15)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint32_t digit = (unsigned char)text.p[i] - (uint32_t)'0';
		if (digit <= 9) {
			part = part * 10 + digit;
		} else if (text.p[i] == '.') {
			address = address << 8 | part;
			part = 0;
			dots++;
		} else {
			return false;
		}
	}
	*ret_address = address << 8 | part;
	return dots == 3; /* the reader has looked at the rest */
}

static struct dictionary *texts_of(struct convert_thread *thread, unsigned column)
{
	if (!thread->texts[column])
		thread->texts[column] = mem_new(1, sizeof(struct dictionary));
	return thread->texts[column];
}

static void add_addresses(struct convert_thread *thread, char *at, uint32_t width,
	const struct record_batch_column *from, size_t first, uint32_t count, unsigned column)
{
	struct dictionary *texts = texts_of(thread, column);

	for (uint32_t i = 0; i < count; i++, at += width) {
		uint32_t address = CONVERT_ADDRESS_NULL;

		if (from->valid[first + i] && (!read_ipv4(from->texts[first + i], &address) ||
						      address >= CONVERT_ADDRESS_TEXT))
			address = CONVERT_ADDRESS_TEXT |
				  dictionary_add(texts, from->texts[first + i]);
		memcpy(at, &address, 4);
	}
}

static void add_texts(struct convert_thread *thread, char *at, uint32_t width, unsigned bytes,
	const struct record_batch_column *from, size_t first, uint32_t count, unsigned column)
{
	struct dictionary *texts = texts_of(thread, column);
	struct str last = STR_NONE;
	uint32_t number = 0;

	for (uint32_t i = 0; i < count; i++, at += width) {
		uint32_t stored = 0;

		if (from->valid[first + i]) {
			struct str text = from->texts[first + i];
			if (!last.p || !str_equal(text, last))
				number = dictionary_add(texts, text) + 1;
			last = text;
			stored = number;
		}
		memcpy(at, &stored, bytes);
	}
}

static void add_rows(struct convert_thread *thread, struct convert_block *block,
	const struct record_batch *batch, size_t first, uint32_t count)
{
	const struct convert_layout *layout = block->layout;
	char *rows = block->bytes + (size_t)block->rows * layout->width;

	for (uint32_t i = 0; i < layout->present; i++) {
		unsigned column = layout->column[i];
		char *at = rows + layout->offset[column];
		const struct record_batch_column *from = &batch->column[i];

		switch ((enum convert_kind)layout->kind[column]) {
		case CONVERT_NUMBER1:
			add_numbers(block, at, 1, from, first, count, column);
			break;
		case CONVERT_NUMBER2:
			add_numbers(block, at, 2, from, first, count, column);
			break;
		case CONVERT_NUMBER4:
			add_numbers(block, at, 4, from, first, count, column);
			break;
		case CONVERT_ADDRESS:
			add_addresses(thread, at, layout->width, from, first, count, column);
			break;
		case CONVERT_TEXT1:
			add_texts(thread, at, layout->width, 1, from, first, count, column);
			break;
		case CONVERT_TEXT4:
			add_texts(thread, at, layout->width, 4, from, first, count, column);
			break;
		}
	}
	block->rows += count;
}

static int compare_exceptions(const void *a, const void *b)
{
	const struct convert_exception *left = a, *right = b;

	if (left->row != right->row)
		return left->row < right->row ? -1 : 1;
	return (left->column > right->column) - (left->column < right->column);
}

/* Memory of dictionaries and exceptions, since it was counted last. */
static void count_memory(struct convert_part *part, struct convert_thread *thread)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < part->columns; i++) {
		if (thread->texts[i])
			bytes += dictionary_bytes(thread->texts[i]);
	}
	if (bytes > thread->bytes)
		part->memory += bytes - thread->bytes;
	thread->bytes = bytes;
}

void convert_part_add(struct convert_part *part, unsigned thread_number,
	const struct convert_layout *layout, const struct record_batch *batch)
{
	struct convert_thread *thread = &part->threads[thread_number];

	for (size_t first = 0; first < batch->rows;) {
		struct convert_block *block = thread->open;
		if (!block || block->layout != layout || block->rows == CONVERT_BLOCK_ROWS)
			block = new_block(part, thread_number, layout);
		size_t left = batch->rows - first;
		uint32_t room = CONVERT_BLOCK_ROWS - block->rows;
		uint32_t count = left < room ? (uint32_t)left : room;
		uint32_t before = block->exceptions_count;
		add_rows(thread, block, batch, first, count);
		if (block->exceptions_count > before) {
			qsort(block->exceptions + before, block->exceptions_count - before,
				sizeof(*block->exceptions), compare_exceptions);
			part->memory +=
				(block->exceptions_count - before) * sizeof(*block->exceptions);
		}
		part->memory += (uint64_t)count * (layout->width + SORT_BYTES);
		first += count;
	}
	part->rows += batch->rows;
	count_memory(part, thread);
}

/* Reading. */

static int64_t find_exception(const struct convert_block *block, uint32_t place, unsigned column)
{
	struct convert_exception key = {(uint16_t)place, (uint16_t)column, 0};
	const struct convert_exception *found = bsearch(
		&key, block->exceptions, block->exceptions_count, sizeof(key), compare_exceptions);

	assert(found);
	return found->number;
}

int64_t convert_number_beyond(const struct convert_block *block, uint32_t place, unsigned column)
{
	const struct convert_layout *layout = block->layout;
	enum convert_kind kind = (enum convert_kind)layout->kind[column];
	const char *at = block->bytes + (size_t)place * layout->width + layout->offset[column];

	if (convert_load(at, kind) == convert_none(kind))
		return RECORD_PARQUET_NULL_NUMBER;
	return find_exception(block, place, column);
}

char *convert_write_ipv4(char *p, uint32_t address)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		unsigned part = address >> shift & 255;
		if (part >= 100) {
			*p++ = (char)('0' + part / 100);
			part %= 100;
			*p++ = (char)('0' + part / 10);
		} else if (part >= 10) {
			*p++ = (char)('0' + part / 10);
		}
		*p++ = (char)('0' + part % 10);
		*p++ = '.';
	}
	return p - 1;
}

struct str convert_address_text(const struct convert_part *part, uint32_t row, unsigned column,
	uint32_t address, char at[static 16])
{
	if (address == CONVERT_ADDRESS_NULL)
		return STR("-");
	if (address < CONVERT_ADDRESS_TEXT)
		return (struct str){at, (size_t)(convert_write_ipv4(at, address) - at)};
	const struct convert_block *block = part->blocks[convert_row_block(row)];
	return part->threads[block->thread].texts[column]->texts[address & ~CONVERT_ADDRESS_TEXT];
}
