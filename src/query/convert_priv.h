/* convert_priv: what reading, sorting and writing a part of a conversion share. A part is what fits
 * into memory at once: threads read rows into blocks, all rows are sorted, threads write row
 * groups. */
#pragma once

#include "base/dictionary.h"
#include "query/convert.h"
#include "query/locations_priv.h"
#include "record/reader.h"

#include <pthread.h>

/* Columns of a part: the union of those of its sources. */
#define CONVERT_COLUMNS_MAX RECORD_PARQUET_COLUMNS_MAX
struct convert_column {
	char *name; /* of a known field as in ${...}, else as the source has it */
	char *sql_name;
	int field; /* -1: unknown, text */
	enum record_type type;
	bool address;
};

/* How a value lies in a row. Numbers that do not fit are exceptions of their block. */
enum convert_kind {
	CONVERT_NUMBER1,
	CONVERT_NUMBER2,
	CONVERT_NUMBER4,
	CONVERT_ADDRESS, /* IPv4, or a text of the thread's dictionary */
	CONVERT_TEXT1,   /* number in the thread's dictionary + 1 */
	CONVERT_TEXT4,
};

/* Rows of one list of columns. */
struct convert_layout {
	uint32_t width;
	uint32_t present;                     /* columns that it has */
	uint16_t column[CONVERT_COLUMNS_MAX]; /* [present] in the order of the source */
	int32_t offset[CONVERT_COLUMNS_MAX];  /* by column of the part, -1: not there */
	uint8_t kind[CONVERT_COLUMNS_MAX];
};

#define CONVERT_BLOCK_BITS 13
#define CONVERT_BLOCK_ROWS (1u << CONVERT_BLOCK_BITS)

struct convert_exception {
	uint16_t row, column;
	int64_t number;
};

struct convert_block {
	const struct convert_layout *layout;
	unsigned thread; /* whose dictionaries the texts are of */
	uint32_t rows;
	char *bytes;
	struct convert_exception *exceptions; /* by row */
	uint32_t exceptions_count, exceptions_capacity;
};

/* A row's number: block and place. */
static inline uint32_t convert_row_block(uint32_t row)
{
	return row >> CONVERT_BLOCK_BITS;
}
static inline uint32_t convert_row_place(uint32_t row)
{
	return row & (CONVERT_BLOCK_ROWS - 1);
}

struct convert_thread {
	struct dictionary *texts[CONVERT_COLUMNS_MAX]; /* by column of the part, NULL: none yet */
	struct convert_block *open;                    /* takes further rows */
	int open_number;
	size_t bytes; /* memory of dictionaries and exceptions that was counted */
};

struct convert_part {
	pthread_mutex_t lock; /* columns, layouts, blocks */
	struct convert_column column[CONVERT_COLUMNS_MAX];
	unsigned columns;
	struct convert_layout **layouts;
	unsigned layouts_count;
	struct convert_block **blocks; /* room for blocks_max: the array does not move */
	uint32_t blocks_count, blocks_max;
	struct convert_thread *threads;
	unsigned threads_count;
	uint64_t memory_limit;
	atomic_ullong memory, rows;
};

/* convert_rows.c */
void convert_part_init(struct convert_part *part, unsigned threads, uint64_t memory_limit);
/* Forgets the rows, keeps columns and layouts: readers that are open go on. */
void convert_part_clear(struct convert_part *part);
void convert_part_done(struct convert_part *part);
bool convert_part_is_full(const struct convert_part *part);
/* The layout of rows with these columns, in this order. Thread-safe. */
const struct convert_layout *convert_part_layout(struct convert_part *part,
	const struct record_reader_column *columns, size_t count, struct err *err);
/* Adds the rows of a batch whose columns are the layout's. */
void convert_part_add(struct convert_part *part, unsigned thread,
	const struct convert_layout *layout, const struct record_batch *batch);
/* -1 when there is none. */
int convert_part_find(const struct convert_part *part, int field);

/* An address or text in a row: NULL, an IPv4 address, or a number in the thread's dictionary. */
#define CONVERT_ADDRESS_NULL UINT32_C(0xffffffff)
#define CONVERT_ADDRESS_TEXT                                                                       \
	UINT32_C(0xf0000000) /* | number; such addresses are texts themselves */
#define CONVERT_TEXTS_MAX (UINT32_C(1) << 27)

/* A number that is none of its width's: NULL or an exception. */
int64_t convert_number_beyond(const struct convert_block *block, uint32_t place, unsigned column);

/* The value that lies at a place of a row. */
static inline uint32_t convert_load(const char *at, enum convert_kind kind)
{
	uint16_t half;
	uint32_t word;

	switch (kind) {
	case CONVERT_NUMBER1:
	case CONVERT_TEXT1:
		return (unsigned char)*at;
	case CONVERT_NUMBER2:
		memcpy(&half, at, 2);
		return half;
	default:
		memcpy(&word, at, 4);
		return word;
	}
}

/* The largest number of a width is NULL and the one before it an exception. */
static inline uint32_t convert_none(enum convert_kind kind)
{
	return kind == CONVERT_NUMBER1 ? 0xff : kind == CONVERT_NUMBER2 ? 0xffff : UINT32_MAX;
}

/* A number of a row; RECORD_PARQUET_NULL_NUMBER is NULL. */
static inline int64_t convert_number(const struct convert_part *part, uint32_t row, unsigned column)
{
	const struct convert_block *block = part->blocks[convert_row_block(row)];
	int32_t offset = block->layout->offset[column];
	uint32_t place = convert_row_place(row);

	if (offset < 0)
		return RECORD_PARQUET_NULL_NUMBER;
	enum convert_kind kind = (enum convert_kind)block->layout->kind[column];
	uint32_t stored =
		convert_load(block->bytes + (size_t)place * block->layout->width + offset, kind);
	if (__builtin_expect(stored < convert_none(kind) - 1, 1))
		return stored;
	return convert_number_beyond(block, place, column);
}

/* Of address columns, as above. */
static inline uint32_t convert_address(
	const struct convert_part *part, uint32_t row, unsigned column)
{
	const struct convert_block *block = part->blocks[convert_row_block(row)];
	int32_t offset = block->layout->offset[column];

	if (offset < 0)
		return CONVERT_ADDRESS_NULL;
	return convert_load(
		block->bytes + (size_t)convert_row_place(row) * block->layout->width + offset,
		CONVERT_ADDRESS);
}

/* Of text columns: number in the dictionary of the row's thread, UINT32_MAX is NULL. */
static inline uint32_t convert_text(const struct convert_part *part, uint32_t row, unsigned column)
{
	const struct convert_block *block = part->blocks[convert_row_block(row)];
	int32_t offset = block->layout->offset[column];

	if (offset < 0)
		return UINT32_MAX;
	return convert_load(block->bytes + (size_t)convert_row_place(row) * block->layout->width +
				    offset,
		       (enum convert_kind)block->layout->kind[column]) -
	       1;
}

/* The value of an address column as text; at is room for 16 bytes. */
struct str convert_address_text(const struct convert_part *part, uint32_t row, unsigned column,
	uint32_t address, char at[static 16]);
char *convert_write_ipv4(char *p, uint32_t address);

/* convert_sort.c: the rows of a part in order. */
struct convert_order {
	uint32_t *rows; /* [count] */
	uint32_t count;
	/* Where another partition begins: index into rows, and the partition's hour or day since
	 * 1970. Without partitions there is one. */
	struct convert_order_partition {
		uint32_t first;
		int64_t number;
	} * partitions;
	uint32_t partitions_count;
};
int convert_sort(const struct convert_part *part, const struct query_convert_options *options,
	unsigned threads, struct convert_order *ret_order, struct err *err);
void convert_order_done(struct convert_order *order);

/* What a part's files hold, to be compared with what can be read back. */
struct convert_sum {
	char *sql_name;
	enum record_type type;
	uint64_t count; /* not NULL; of text columns all */
	__int128 sum;   /* of numbers; of the lengths of texts */
};
struct convert_file {
	char *draft; /* hidden, until the unit is committed */
	char *path;  /* both relative to the destination */
	uint64_t bytes, rows;
};
struct convert_unit {
	char *name;    /* 16 hex digits, in the names of its files */
	char *folders; /* of the destination: AWSLogs/.../ or "" */
	uint64_t rows;
	struct convert_sum *sums;
	unsigned sums_count;
	struct convert_file *files;
	unsigned files_count;
	const struct query_object *sources;
	size_t sources_count;
	uint64_t *bad_lines; /* by source */
};
void convert_unit_done(struct convert_unit *unit);

/* convert_write.c: the rows of a part as further files of the unit. */
int convert_write(const struct convert_part *part, const struct convert_order *order,
	const struct query_convert_options *options, unsigned threads, struct convert_unit *unit,
	struct err *err);
/* convert_columns.c: the texts of a part, numbered across threads. */
struct convert_texts;
struct convert_texts *convert_texts_new(const struct convert_part *part);
void convert_texts_free(struct convert_texts *texts);
/* The values of a row group. One for each writing thread. */
struct convert_columns;
struct convert_columns *convert_columns_new(
	const struct convert_part *part, const struct convert_texts *texts);
/* Takes these rows (at most RECORD_PARQUET_GROUP_ROWS); then values of each column. Texts are "-"
 * where a value is missing. */
void convert_columns_fill(struct convert_columns *columns, const uint32_t *rows, uint32_t count);
struct record_parquet_values convert_columns_get(struct convert_columns *columns, unsigned column);
void convert_columns_free(struct convert_columns *columns);
/* convert_text.c: appends raw deflate of the header line, or of the rows that columns hold, ended
 * so that more may follow; CRC and bytes are of the text. */
int convert_text_header(const struct convert_part *part, struct buf *buf, uint32_t *ret_crc,
	uint64_t *ret_bytes, struct err *err);
int convert_text_deflate(const struct convert_part *part, struct convert_columns *columns,
	uint32_t rows, struct buf *buf, uint32_t *ret_crc, uint64_t *ret_bytes, struct err *err);
/* What a gzip file begins with: no name, no time. */
#define CONVERT_GZIP_HEAD STR("\x1f\x8b\x08\0\0\0\0\0\0\xff")

/* convert_read.c: reads sources of the unit into the part by all threads until it is full or
 * nothing is left. */
struct convert_reading;
struct convert_reading *convert_reading_new(struct convert_part *part,
	const struct query_convert_options *options, struct convert_unit *unit);
/* 1: rows wait and more may come; 0: the last rows; <0. */
int convert_read(
	struct convert_reading *reading, struct query_convert_stats *stats, struct err *err);
void convert_reading_free(struct convert_reading *reading);

/* convert_journal.c: the folder .nagare-convert of the destination. */
struct convert_journal;
/* name: of the destination, for messages; borrowed. Locks the destination, finishes what a killed
 * run had committed, removes what it had not. */
int convert_journal_open(struct convert_journal **ret_journal,
	const struct query_convert_options *options, const char *name, struct err *err);
/* Has this source been converted? <0 when it has changed since. */
enum { CONVERT_NEW, CONVERT_OLD };
int convert_journal_knows(
	const struct convert_journal *journal, const struct query_object *source, struct err *err);
/* All files of the unit get their names. */
int convert_journal_commit(
	struct convert_journal *journal, const struct convert_unit *unit, struct err *err);
/* Units that earlier runs committed, with their sources; the journal's. */
struct convert_unit *convert_journal_units(struct convert_journal *journal, size_t *ret_count);
void convert_journal_close(struct convert_journal *journal);

/* convert_delete.c: deletes the sources of a committed unit whose every line is in the destination,
 * after that was verified. listed: what there is at servers now, sorted by path; a source that is
 * not among it, or has another ETag, is not deleted. */
struct convert_bucket;
int convert_delete_sources(const struct query_convert_options *options,
	struct convert_bucket *bucket, const struct query_objects *listed,
	const struct convert_unit *unit, struct query_convert_stats *stats, struct err *err);

/* convert_verify.c: reads the files of a committed unit back and compares counts and sums. */
int convert_verify(const struct query_convert_options *options, const struct convert_unit *unit,
	struct err *err);

/* Threads that run the same function; the first error counts. */
typedef int convert_work(void *context, unsigned thread, struct err *err);
int convert_run_threads(unsigned threads, convert_work *work, void *context, struct err *err);
