/* "PAR1", row groups as they come, then the footer: what the file holds and where, in Thrift's
 * compact protocol, its length and "PAR1" again. Chunks are described as soon as their group is
 * written, so that no group has to stay. */
#include "record/parquet_file.h"

#include "record/parquet_priv.h"
#include "record/thrift_priv.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#define GROUPS_MAX 32767 /* ordinals are 16 bits */

struct record_parquet_file {
	int fd;
	char *name;
	struct record_parquet_column *columns;
	unsigned count;
	unsigned sorted[RECORD_PARQUET_SORT_MAX];
	unsigned sorted_count;
	char *texts; /* of the columns' names */
	uint64_t bytes, rows;
	struct buf groups; /* their metadata */
	uint32_t groups_count;
	struct buf notes;
	uint32_t notes_count;
};

struct record_parquet_file *record_parquet_file_new(int fd, const char *name,
	const struct record_parquet_column *columns, unsigned count, const unsigned *sorted,
	unsigned sorted_count)
{
	struct record_parquet_file *file = mem_new(1, sizeof(*file));
	size_t n = 0;

	assert(count <= RECORD_PARQUET_COLUMNS_MAX && sorted_count <= RECORD_PARQUET_SORT_MAX);
	file->fd = fd;
	file->name = mem_strdup(name);
	file->columns = mem_new(count, sizeof(*columns));
	memcpy(file->columns, columns, count * sizeof(*columns));
	file->count = count;
	for (unsigned i = 0; i < count; i++)
		n += columns[i].name.n;
	char *p = file->texts = mem_new(n + 1, 1);
	for (unsigned i = 0; i < count; i++) {
		memcpy(p, columns[i].name.p, columns[i].name.n);
		file->columns[i].name.p = p;
		p += columns[i].name.n;
	}
	if (sorted_count)
		memcpy(file->sorted, sorted, sorted_count * sizeof(*sorted));
	file->sorted_count = sorted_count;
	return file;
}

void record_parquet_file_free(struct record_parquet_file *file)
{
	if (!file)
		return;
	buf_done(&file->groups);
	buf_done(&file->notes);
	free(file->columns);
	free(file->texts);
	free(file->name);
	free(file);
}

uint64_t record_parquet_file_bytes(const struct record_parquet_file *file)
{
	return file->bytes;
}

uint64_t record_parquet_file_rows(const struct record_parquet_file *file)
{
	return file->rows;
}

static int put(struct record_parquet_file *file, struct str bytes, struct err *err)
{
	while (bytes.n) {
		ssize_t n = write(file->fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno, "cannot write %s", file->name);
		bytes.p += n;
		bytes.n -= (size_t)n;
		file->bytes += (uint64_t)n;
	}
	return 0;
}

void record_parquet_file_note(struct record_parquet_file *file, struct str key, struct str value)
{
	int last = 0;

	thrift_binary(&file->notes, &last, 1, key);
	thrift_binary(&file->notes, &last, 2, value);
	thrift_end(&file->notes);
	file->notes_count++;
}

static int physical_type(enum record_type type)
{
	switch (type) {
	case RECORD_TYPE_INT32:
		return PARQUET_INT32;
	case RECORD_TYPE_INT64:
		return PARQUET_INT64;
	case RECORD_TYPE_STRING:
		break;
	}
	return PARQUET_BYTE_ARRAY;
}

static void add_statistics(
	struct buf *buf, int *last, const struct record_parquet_chunk *chunk, enum record_type type)
{
	int inner = 0;

	thrift_struct(buf, last, 12);
	thrift_i64(buf, &inner, 3, (int64_t)chunk->nulls);
	if (chunk->dictionary)
		thrift_i64(buf, &inner, 4, (int64_t)chunk->distinct);
	if (chunk->has_range) {
		for (int i = 1; i >= 0; i--) /* the largest comes first */
			thrift_binary(buf, &inner, 6 - i,
				(struct str){chunk->range[i], chunk->range_n[i]});
		thrift_bool(buf, &inner, 7, chunk->exact[1]);
		thrift_bool(buf, &inner, 8, chunk->exact[0]);
	}
	thrift_end(buf);
}

static void add_encoding_stats(struct buf *buf, int *last, const struct record_parquet_chunk *chunk)
{
	thrift_list(buf, last, 13, THRIFT_STRUCT, chunk->dictionary ? 2 : 1);
	for (int dictionary = chunk->dictionary; dictionary >= 0; dictionary--) {
		int inner = 0;
		int encoding =
			chunk->dictionary && !dictionary ? PARQUET_RLE_DICTIONARY : PARQUET_PLAIN;
		thrift_i32(
			buf, &inner, 1, dictionary ? PARQUET_DICTIONARY_PAGE : PARQUET_DATA_PAGE);
		thrift_i32(buf, &inner, 2, encoding);
		thrift_i32(buf, &inner, 3, dictionary ? 1 : (int32_t)chunk->data_pages);
		thrift_end(buf);
	}
}

static void add_chunk(struct record_parquet_file *file, unsigned column,
	const struct record_parquet_chunk *chunk, uint32_t rows, uint64_t base)
{
	struct buf *buf = &file->groups;
	const struct record_parquet_column *info = &file->columns[column];
	int last = 0, meta = 0;

	thrift_i64(buf, &last, 2, 0);
	thrift_struct(buf, &last, 3);
	thrift_i32(buf, &meta, 1, physical_type(info->type));
	thrift_list(buf, &meta, 2, THRIFT_I32, chunk->dictionary ? 3 : 2);
	thrift_zigzag(buf, PARQUET_PLAIN);
	thrift_zigzag(buf, PARQUET_RLE);
	if (chunk->dictionary)
		thrift_zigzag(buf, PARQUET_RLE_DICTIONARY);
	thrift_list(buf, &meta, 3, THRIFT_BINARY, 1);
	thrift_bytes(buf, info->name);
	thrift_i32(buf, &meta, 4, PARQUET_ZSTD);
	thrift_i64(buf, &meta, 5, rows);
	thrift_i64(buf, &meta, 6, (int64_t)chunk->uncompressed_bytes);
	thrift_i64(buf, &meta, 7, (int64_t)chunk->bytes);
	thrift_i64(buf, &meta, 9, (int64_t)(base + chunk->data_offset));
	if (chunk->dictionary)
		thrift_i64(buf, &meta, 11, (int64_t)(base + chunk->start));
	add_statistics(buf, &meta, chunk, info->type);
	add_encoding_stats(buf, &meta, chunk);
	if (chunk->bloom_bytes) {
		thrift_i64(buf, &meta, 14, (int64_t)(base + chunk->bloom_offset));
		thrift_i32(buf, &meta, 15, (int32_t)chunk->bloom_bytes);
	}
	thrift_end(buf);
	thrift_end(buf);
}

static void add_sorting(struct record_parquet_file *file, int *last)
{
	struct buf *buf = &file->groups;

	if (file->sorted_count == 0)
		return;
	thrift_list(buf, last, 4, THRIFT_STRUCT, file->sorted_count);
	for (unsigned i = 0; i < file->sorted_count; i++) {
		int inner = 0;
		thrift_i32(buf, &inner, 1, (int32_t)file->sorted[i]);
		thrift_bool(buf, &inner, 2, false);
		thrift_bool(buf, &inner, 3, true);
		thrift_end(buf);
	}
}

int record_parquet_file_add(
	struct record_parquet_file *file, const struct record_parquet_group *group, struct err *err)
{
	struct buf *buf = &file->groups;
	uint64_t uncompressed = 0, compressed = 0;
	int last = 0;

	assert(group->chunks_count == file->count);
	if (file->groups_count == GROUPS_MAX)
		return err_set(
			err, ERR_INPUT, "%s: more than %d row groups", file->name, GROUPS_MAX);
	if (file->bytes == 0 && put(file, STR("PAR1"), err) < 0)
		return -1;
	uint64_t base = file->bytes;
	if (put(file, buf_str(&group->bytes), err) < 0)
		return -1;
	thrift_list(buf, &last, 1, THRIFT_STRUCT, file->count);
	for (unsigned i = 0; i < file->count; i++) {
		add_chunk(file, i, &group->chunks[i], group->rows, base);
		uncompressed += group->chunks[i].uncompressed_bytes;
		compressed += group->chunks[i].bytes;
	}
	thrift_i64(buf, &last, 2, (int64_t)uncompressed);
	thrift_i64(buf, &last, 3, group->rows);
	add_sorting(file, &last);
	thrift_i64(buf, &last, 5, (int64_t)base);
	thrift_i64(buf, &last, 6, (int64_t)compressed);
	thrift_field(buf, &last, 7, THRIFT_I16);
	thrift_zigzag(buf, file->groups_count);
	thrift_end(buf);
	file->groups_count++;
	file->rows += group->rows;
	return 0;
}

static void add_schema_column(struct buf *buf, const struct record_parquet_column *column)
{
	static const int converted[] = {
		[RECORD_TYPE_STRING] = 0,
		[RECORD_TYPE_INT32] = 17,
		[RECORD_TYPE_INT64] = 18,
	};
	int last = 0, kind = 0, integer = 0;

	thrift_i32(buf, &last, 1, physical_type(column->type));
	thrift_i32(buf, &last, 3, 1); /* optional */
	thrift_binary(buf, &last, 4, column->name);
	thrift_i32(buf, &last, 6, converted[column->type]);
	thrift_struct(buf, &last, 10);
	if (column->type == RECORD_TYPE_STRING) {
		thrift_empty_struct(buf, &kind, 1);
	} else {
		thrift_struct(buf, &kind, 10);
		thrift_field(buf, &integer, 1, THRIFT_BYTE);
		buf_add_char(buf, column->type == RECORD_TYPE_INT32 ? 32 : 64);
		thrift_bool(buf, &integer, 2, true);
		thrift_end(buf);
	}
	thrift_end(buf);
	thrift_end(buf);
}

static void add_schema(struct buf *buf, int *last, const struct record_parquet_file *file)
{
	int root = 0;

	thrift_list(buf, last, 2, THRIFT_STRUCT, file->count + 1);
	thrift_binary(buf, &root, 4, STR("flow_log"));
	thrift_i32(buf, &root, 5, (int32_t)file->count);
	thrift_end(buf);
	for (unsigned i = 0; i < file->count; i++)
		add_schema_column(buf, &file->columns[i]);
}

static void add_footer(struct buf *buf, const struct record_parquet_file *file)
{
	int last = 0;

	thrift_i32(buf, &last, 1, 1);
	add_schema(buf, &last, file);
	thrift_i64(buf, &last, 3, (int64_t)file->rows);
	thrift_list(buf, &last, 4, THRIFT_STRUCT, file->groups_count);
	buf_add_str(buf, buf_str(&file->groups));
	if (file->notes_count) {
		thrift_list(buf, &last, 5, THRIFT_STRUCT, file->notes_count);
		buf_add_str(buf, buf_str(&file->notes));
	}
	thrift_binary(buf, &last, 6, STR("nagare version " NAGARE_VERSION));
	thrift_list(buf, &last, 7, THRIFT_STRUCT, file->count); /* statistics order by type */
	for (unsigned i = 0; i < file->count; i++) {
		int order = 0;
		thrift_empty_struct(buf, &order, 1);
		thrift_end(buf);
	}
	thrift_end(buf);
}

int record_parquet_file_finish(struct record_parquet_file *file, struct err *err)
{
	_cleanup_buf_ struct buf footer = {0};

	add_footer(&footer, file);
	if (footer.n > INT32_MAX)
		return err_set(err, ERR_INPUT, "%s: a footer of more than 2 GiB", file->name);
	uint32_t n = (uint32_t)footer.n;
	buf_add(&footer, &n, 4);
	buf_add_text(&footer, "PAR1");
	if (file->bytes == 0 && put(file, STR("PAR1"), err) < 0)
		return -1;
	return put(file, buf_str(&footer), err);
}
