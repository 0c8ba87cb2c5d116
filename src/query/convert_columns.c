/* Rows become columns in steps of a few rows, all columns of a step one after the other, so that a
 * row, which may lie anywhere, is fetched from memory once. A text column gets its distinct values
 * in the order in which they come: by a table from the part's number of a text to the group's, or,
 * for IPv4 addresses, which have no number, a hash table. */
#include "query/convert_priv.h"

#include "base/hash.h"

#include <assert.h>

#define STEP      1024
#define SLOTS_MIN (1u << 14)

struct convert_texts {
	unsigned columns, threads;
	struct column_texts {
		uint32_t **number; /* by thread, by number in its dictionary */
		struct str *texts; /* by number */
		uint32_t count;
	} column[CONVERT_COLUMNS_MAX];
};

struct convert_columns {
	const struct convert_part *part;
	const struct convert_texts *texts;
	uint32_t rows;
	struct column_values {
		int64_t *numbers;
		uint32_t *index;
		struct str *distinct;
		uint32_t distinct_count, distinct_capacity;
		uint32_t *local; /* by number in the part: index + 1 */
		uint32_t *used;  /* numbers that have one */
		uint32_t used_count, used_capacity;
		uint32_t missing; /* index + 1 of "-" */
		uint64_t *slots;  /* IPv4 address, index + 1 */
		uint32_t slots_count, addresses;
		char *bytes;          /* of the texts of addresses, 16 each */
		uint32_t *address_of; /* by index, while the rows are taken */
	} * column;
};

struct convert_texts *convert_texts_new(const struct convert_part *part)
{
	struct convert_texts *texts = mem_new(1, sizeof(*texts));

	texts->columns = part->columns;
	texts->threads = part->threads_count;
	for (unsigned i = 0; i < part->columns; i++) {
		struct column_texts *column = &texts->column[i];
		struct dictionary all = {0};
		if (part->column[i].type != RECORD_TYPE_STRING)
			continue;
		column->number = mem_new(part->threads_count, sizeof(*column->number));
		for (unsigned t = 0; t < part->threads_count; t++) {
			const struct dictionary *own = part->threads[t].texts[i];
			uint32_t count = own ? own->count : 0;
			column->number[t] = mem_new(count + 1, sizeof(uint32_t));
			for (uint32_t j = 0; j < count; j++)
				column->number[t][j] = dictionary_add(&all, own->texts[j]);
		}
		/* the texts themselves live as long as the part */
		column->texts = mem_new(all.count + 1, sizeof(*column->texts));
		for (unsigned t = 0; t < part->threads_count; t++) {
			const struct dictionary *own = part->threads[t].texts[i];
			for (uint32_t j = 0; own && j < own->count; j++)
				column->texts[column->number[t][j]] = own->texts[j];
		}
		column->count = all.count;
		dictionary_done(&all);
	}
	return texts;
}

void convert_texts_free(struct convert_texts *texts)
{
	if (!texts)
		return;
	for (unsigned i = 0; i < texts->columns; i++) {
		for (unsigned t = 0; texts->column[i].number && t < texts->threads; t++)
			free(texts->column[i].number[t]);
		free(texts->column[i].number);
		free(texts->column[i].texts);
	}
	free(texts);
}

struct convert_columns *convert_columns_new(
	const struct convert_part *part, const struct convert_texts *texts)
{
	struct convert_columns *columns = mem_new(1, sizeof(*columns));

	columns->part = part;
	columns->texts = texts;
	columns->column = mem_new(part->columns + 1, sizeof(*columns->column));
	for (unsigned i = 0; i < part->columns; i++) {
		struct column_values *column = &columns->column[i];
		if (part->column[i].type != RECORD_TYPE_STRING) {
			column->numbers = mem_new(RECORD_PARQUET_GROUP_ROWS, sizeof(int64_t));
			continue;
		}
		column->index = mem_new(RECORD_PARQUET_GROUP_ROWS, sizeof(uint32_t));
		column->local = mem_new(texts->column[i].count + 1, sizeof(uint32_t));
	}
	return columns;
}

void convert_columns_free(struct convert_columns *columns)
{
	if (!columns)
		return;
	for (unsigned i = 0; i < columns->part->columns; i++) {
		struct column_values *column = &columns->column[i];
		free(column->numbers);
		free(column->index);
		free(column->distinct);
		free(column->local);
		free(column->used);
		free(column->slots);
		free(column->bytes);
		free(column->address_of);
	}
	free(columns->column);
	free(columns);
}

/* A further distinct value; its index. */
static uint32_t add_distinct(struct column_values *column, struct str text)
{
	if (column->distinct_count == column->distinct_capacity) {
		column->distinct_capacity = column->distinct_capacity * 2 + 64;
		column->distinct = mem_grow(
			column->distinct, column->distinct_capacity, sizeof(*column->distinct));
		column->address_of = mem_grow(
			column->address_of, column->distinct_capacity, sizeof(*column->address_of));
	}
	column->distinct[column->distinct_count] = text;
	return column->distinct_count++;
}

static uint32_t index_of_missing(struct column_values *column)
{
	if (column->missing == 0)
		column->missing = add_distinct(column, STR("-")) + 1;
	return column->missing - 1;
}

/* number: in the part. */
static uint32_t index_of_text(
	struct column_values *column, const struct column_texts *texts, uint32_t number)
{
	if (column->local[number] == 0) {
		if (column->used_count == column->used_capacity) {
			column->used_capacity = column->used_capacity * 2 + 64;
			column->used = mem_grow(
				column->used, column->used_capacity, sizeof(*column->used));
		}
		column->used[column->used_count++] = number;
		column->local[number] = add_distinct(column, texts->texts[number]) + 1;
	}
	return column->local[number] - 1;
}

static void grow_slots(struct column_values *column)
{
	uint32_t count = column->slots_count ? column->slots_count * 2 : SLOTS_MIN;
	uint64_t *slots = mem_new(count, sizeof(*slots));

	for (uint32_t i = 0; i < column->slots_count; i++) {
		uint64_t slot = column->slots[i];
		if (slot == 0)
			continue;
		uint64_t at = hash_mix(slot >> 32, 1) & (count - 1);
		while (slots[at])
			at = (at + 1) & (count - 1);
		slots[at] = slot;
	}
	free(column->slots);
	column->slots = slots;
	column->slots_count = count;
}

static uint32_t index_of_address(struct column_values *column, uint32_t address)
{
	if (column->addresses * 2 >= column->slots_count)
		grow_slots(column);
	uint64_t at = hash_mix(address, 1) & (column->slots_count - 1);
	for (; column->slots[at]; at = (at + 1) & (column->slots_count - 1)) {
		if (column->slots[at] >> 32 == address)
			return (uint32_t)column->slots[at] - 1;
	}
	/* its text is made when all are known */
	uint32_t index = add_distinct(column, STR_NONE);
	column->address_of[index] = address;
	column->slots[at] = (uint64_t)address << 32 | (index + 1);
	column->addresses++;
	return index;
}

/* Rows of a step, found once for all columns. */
struct step {
	const uint32_t *rows;
	uint32_t from, to;
	const struct convert_layout *layout; /* of all of them, NULL: they differ */
	const char *at[STEP];
};

static void find_rows(const struct convert_part *part, struct step *step)
{
	uint32_t count = step->to - step->from;
	const uint32_t *rows = step->rows + step->from;

	step->layout = part->blocks[convert_row_block(rows[0])]->layout;
	for (uint32_t i = 0; i < count; i++) {
		const struct convert_block *block = part->blocks[convert_row_block(rows[i])];
		if (block->layout != step->layout) {
			step->layout = NULL;
			return;
		}
		step->at[i] =
			block->bytes + (size_t)convert_row_place(rows[i]) * step->layout->width;
		__builtin_prefetch(step->at[i]);
	}
}

#define EACH(kind)                                                                                 \
	for (uint32_t i = 0; i < count; i++)                                                       \
	values[i] = convert_load(step->at[i] + offset, (kind))

/* Values of the column as they lie there; false when the rows' layouts differ or lack it. */
static bool load_values(const struct step *step, unsigned column, uint32_t values[static STEP])
{
	uint32_t count = step->to - step->from;

	if (!step->layout || step->layout->offset[column] < 0)
		return false;
	size_t offset = (size_t)step->layout->offset[column];
	switch ((enum convert_kind)step->layout->kind[column]) {
	case CONVERT_NUMBER1:
	case CONVERT_TEXT1:
		EACH(CONVERT_NUMBER1);
		break;
	case CONVERT_NUMBER2:
		EACH(CONVERT_NUMBER2);
		break;
	case CONVERT_NUMBER4:
	case CONVERT_ADDRESS:
	case CONVERT_TEXT4:
		EACH(CONVERT_NUMBER4);
		break;
	}
	return true;
}

static void fill_numbers(struct convert_columns *columns, unsigned i, const struct step *step)
{
	int64_t *numbers = columns->column[i].numbers + step->from;
	const uint32_t *rows = step->rows + step->from;
	uint32_t count = step->to - step->from;
	uint32_t values[STEP];

	if (!load_values(step, i, values)) {
		for (uint32_t row = 0; row < count; row++)
			numbers[row] = convert_number(columns->part, rows[row], i);
		return;
	}
	uint32_t beyond = convert_none((enum convert_kind)step->layout->kind[i]) - 1;
	for (uint32_t row = 0; row < count; row++) {
		numbers[row] = values[row];
		if (__builtin_expect(values[row] >= beyond, 0))
			numbers[row] = convert_number(columns->part, rows[row], i);
	}
}

static void fill_texts(struct convert_columns *columns, unsigned i, const struct step *step)
{
	const struct convert_part *part = columns->part;
	const struct column_texts *texts = &columns->texts->column[i];
	struct column_values *column = &columns->column[i];
	const uint32_t *rows = step->rows + step->from;
	uint32_t *index = column->index + step->from;
	uint32_t values[STEP];
	bool loaded = load_values(step, i, values);

	for (uint32_t row = 0; row < step->to - step->from; row++) {
		uint32_t number = loaded ? values[row] - 1 : convert_text(part, rows[row], i);
		if (number == UINT32_MAX) {
			index[row] = index_of_missing(column);
			continue;
		}
		unsigned thread = part->blocks[convert_row_block(rows[row])]->thread;
		index[row] = index_of_text(column, texts, texts->number[thread][number]);
	}
}

static void fill_addresses(struct convert_columns *columns, unsigned i, const struct step *step)
{
	const struct convert_part *part = columns->part;
	const struct column_texts *texts = &columns->texts->column[i];
	struct column_values *column = &columns->column[i];
	const uint32_t *rows = step->rows + step->from;
	uint32_t *index = column->index + step->from;
	uint32_t values[STEP];
	bool loaded = load_values(step, i, values);

	for (uint32_t row = 0; row < step->to - step->from; row++) {
		uint32_t address = loaded ? values[row] : convert_address(part, rows[row], i);
		if (address < CONVERT_ADDRESS_TEXT) {
			index[row] = index_of_address(column, address);
		} else if (address == CONVERT_ADDRESS_NULL) {
			index[row] = index_of_missing(column);
		} else {
			unsigned thread = part->blocks[convert_row_block(rows[row])]->thread;
			uint32_t number = address & ~CONVERT_ADDRESS_TEXT;
			index[row] = index_of_text(column, texts, texts->number[thread][number]);
		}
	}
}

static void forget(struct column_values *column)
{
	for (uint32_t i = 0; i < column->used_count; i++)
		column->local[column->used[i]] = 0;
	if (column->slots)
		memset(column->slots, 0, column->slots_count * sizeof(*column->slots));
	column->distinct_count = column->used_count = column->missing = column->addresses = 0;
}

static void write_addresses(struct column_values *column)
{
	column->bytes = mem_grow(column->bytes, column->distinct_count + 1, 16);
	for (uint32_t i = 0; i < column->distinct_count; i++) {
		char *p = column->bytes + (size_t)i * 16;
		if (column->distinct[i].p)
			continue;
		column->distinct[i] =
			(struct str){p, (size_t)(convert_write_ipv4(p, column->address_of[i]) - p)};
	}
}

void convert_columns_fill(struct convert_columns *columns, const uint32_t *rows, uint32_t count)
{
	const struct convert_part *part = columns->part;

	assert(count <= RECORD_PARQUET_GROUP_ROWS);
	columns->rows = count;
	for (unsigned i = 0; i < part->columns; i++)
		forget(&columns->column[i]);
	struct step step = {.rows = rows};
	for (step.from = 0; step.from < count; step.from = step.to) {
		step.to = count - step.from < STEP ? count : step.from + STEP;
		find_rows(part, &step);
		for (unsigned i = 0; i < part->columns; i++) {
			if (part->column[i].address)
				fill_addresses(columns, i, &step);
			else if (part->column[i].type == RECORD_TYPE_STRING)
				fill_texts(columns, i, &step);
			else
				fill_numbers(columns, i, &step);
		}
	}
	for (unsigned i = 0; i < part->columns; i++) {
		if (part->column[i].address)
			write_addresses(&columns->column[i]);
	}
}

struct record_parquet_values convert_columns_get(struct convert_columns *columns, unsigned column)
{
	const struct column_values *values = &columns->column[column];

	return (struct record_parquet_values){
		.numbers = values->numbers,
		.texts = values->distinct,
		.texts_count = values->distinct_count,
		.index = values->index,
	};
}
