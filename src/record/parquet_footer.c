/* Thrift's compact protocol: a struct is fields of a byte (difference of the id, type) and a value,
 * up to a zero byte; integers are zigzag varints; a list begins with its count and type. */
#include "record/parquet_footer.h"

#include <string.h>

enum {
	TYPE_TRUE = 1,
	TYPE_FALSE,
	TYPE_BYTE,
	TYPE_I16,
	TYPE_I32,
	TYPE_I64,
	TYPE_DOUBLE,
	TYPE_BINARY,
	TYPE_LIST,
	TYPE_SET,
	TYPE_MAP,
	TYPE_STRUCT
};
enum { DEPTH_MAX = 24, PART_BYTES_MIN = 16 };

/* Reads forward; what is not there is zero, and marks the failure. */
struct reader {
	const unsigned char *start, *p, *end;
	bool is_bad;
};

static unsigned read_byte(struct reader *reader)
{
	if (reader->p < reader->end)
		return *reader->p++;
	reader->is_bad = true;
	return 0;
}

static uint64_t read_varint(struct reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned byte = read_byte(reader);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	reader->is_bad = true;
	return 0;
}

static int64_t read_integer(struct reader *reader)
{
	uint64_t value = read_varint(reader);

	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* What is negative is nonsense here, and becomes too large. */
static uint64_t read_size(struct reader *reader)
{
	return (uint64_t)read_integer(reader);
}

static struct str read_binary(struct reader *reader)
{
	uint64_t n = read_varint(reader);

	if (n > (uint64_t)(reader->end - reader->p)) {
		reader->is_bad = true;
		return STR("");
	}
	struct str text = {(const char *)reader->p, (size_t)n};
	reader->p += n;
	return text;
}

/* The type of the next field, 0 at the struct's end. */
static unsigned read_field(struct reader *reader, int *id)
{
	unsigned byte = read_byte(reader);

	if ((byte & 0x0f) == 0)
		return 0;
	*id = byte >> 4 ? *id + (int)(byte >> 4) : (int)(int16_t)read_integer(reader);
	return byte & 0x0f;
}

/* The number of elements, of one type. Each takes a byte at least. */
static size_t read_list(struct reader *reader, unsigned *ret_type)
{
	unsigned byte = read_byte(reader);
	uint64_t count = byte >> 4 == 15 ? read_varint(reader) : byte >> 4;

	*ret_type = byte & 0x0f;
	if (count > (uint64_t)(reader->end - reader->p))
		reader->is_bad = true;
	return reader->is_bad ? 0 : (size_t)count;
}

static void skip(struct reader *reader, unsigned type, unsigned depth);

/* Bounded by DEPTH_MAX. NOLINTBEGIN(misc-no-recursion) */

/* Booleans have a byte here; as fields they are in the type. */
static void skip_element(struct reader *reader, unsigned type, unsigned depth)
{
	if (type == TYPE_TRUE || type == TYPE_FALSE)
		read_byte(reader);
	else
		skip(reader, type, depth);
}

static void skip_list(struct reader *reader, unsigned depth)
{
	unsigned type;
	size_t count = read_list(reader, &type);

	for (size_t i = 0; i < count && !reader->is_bad; i++)
		skip_element(reader, type, depth);
}

static void skip_map(struct reader *reader, unsigned depth)
{
	uint64_t count = read_varint(reader);
	unsigned types = count ? read_byte(reader) : 0;

	for (uint64_t i = 0; i < count && !reader->is_bad; i++) {
		skip_element(reader, types >> 4, depth);
		skip_element(reader, types & 0x0f, depth);
	}
}

static void skip(struct reader *reader, unsigned type, unsigned depth)
{
	int id = 0;

	if (depth >= DEPTH_MAX) {
		reader->is_bad = true;
		return;
	}
	switch (type) {
	case TYPE_TRUE:
	case TYPE_FALSE:
		break;
	case TYPE_BYTE:
		read_byte(reader);
		break;
	case TYPE_I16:
	case TYPE_I32:
	case TYPE_I64:
		read_varint(reader);
		break;
	case TYPE_DOUBLE:
		for (int i = 0; i < 8; i++)
			read_byte(reader);
		break;
	case TYPE_BINARY:
		read_binary(reader);
		break;
	case TYPE_LIST:
	case TYPE_SET:
		skip_list(reader, depth + 1);
		break;
	case TYPE_MAP:
		skip_map(reader, depth + 1);
		break;
	case TYPE_STRUCT:
		while ((type = read_field(reader, &id)) && !reader->is_bad)
			skip(reader, type, depth + 1);
		break;
	default:
		reader->is_bad = true;
	}
}
/* NOLINTEND(misc-no-recursion) */

/* min_value and max_value alone: the older pair's order is not told. */
static void read_statistics(struct reader *reader, struct record_parquet_part *part)
{
	unsigned type;
	int id = 0;

	while ((type = read_field(reader, &id)) && !reader->is_bad) {
		if (id == 5 && type == TYPE_BINARY)
			part->high = read_binary(reader);
		else if (id == 6 && type == TYPE_BINARY)
			part->low = read_binary(reader);
		else
			skip(reader, type, 0);
	}
}

static void read_path(struct reader *reader, struct record_parquet_part *part)
{
	unsigned type;
	size_t count = read_list(reader, &type);

	if (count == 0 || type != TYPE_BINARY)
		reader->is_bad = true;
	for (size_t i = 0; i < count && !reader->is_bad; i++) {
		struct str name = read_binary(reader);
		if (i == 0)
			part->name = name;
	}
}

/* ColumnMetaData. */
static void read_meta_data(struct reader *reader, struct record_parquet_part *part)
{
	uint64_t data = UINT64_MAX, dictionary = UINT64_MAX, bytes = 0;
	unsigned type;
	int id = 0;

	while ((type = read_field(reader, &id)) && !reader->is_bad) {
		if (id == 1 && type == TYPE_I32)
			part->type = (int)read_integer(reader);
		else if (id == 3 && type == TYPE_LIST)
			read_path(reader, part);
		else if (id == 7 && type == TYPE_I64)
			bytes = read_size(reader);
		else if (id == 9 && type == TYPE_I64)
			data = read_size(reader);
		else if (id == 11 && type == TYPE_I64)
			dictionary = read_size(reader);
		else if (id == 12 && type == TYPE_STRUCT)
			read_statistics(reader, part);
		else if (id == 14 && type == TYPE_I64)
			part->bloom.offset = read_size(reader);
		else if (id == 15 && type == TYPE_I32)
			part->bloom.bytes = read_size(reader);
		else
			skip(reader, type, 0);
	}
	/* some writers leave 0 where there is no dictionary */
	part->pages.offset = dictionary && dictionary < data ? dictionary : data;
	part->pages.bytes = bytes;
	if (!part->name.p || data == UINT64_MAX)
		reader->is_bad = true;
}

/* ColumnChunk. */
static void read_part(struct reader *reader, struct record_parquet_part *part)
{
	bool has_meta_data = false;
	unsigned type;
	int id = 0;

	while ((type = read_field(reader, &id)) && !reader->is_bad) {
		if (id == 3 && type == TYPE_STRUCT) {
			read_meta_data(reader, part);
			has_meta_data = true;
		} else {
			/* in another file, or encrypted */
			if (id == 1 || id == 8 || id == 9)
				reader->is_bad = true;
			skip(reader, type, 0);
		}
	}
	if (!has_meta_data)
		reader->is_bad = true;
}

static void read_parts(struct reader *reader, struct record_parquet_footer *footer, size_t group)
{
	unsigned type;
	size_t count = read_list(reader, &type);

	/* what is claimed takes no more memory than a few times the footer */
	if (group == 0 && count <= footer->bytes.n / PART_BYTES_MIN / footer->groups_count) {
		footer->columns_count = count;
		footer->parts = mem_new(count * footer->groups_count + 1, sizeof(*footer->parts));
	}
	if (type != TYPE_STRUCT || !footer->parts || count != footer->columns_count) {
		reader->is_bad = true;
		return;
	}
	for (size_t i = 0; i < count && !reader->is_bad; i++)
		read_part(reader, &footer->parts[group * count + i]);
}

/* RowGroup. */
static void read_group(struct reader *reader, struct record_parquet_footer *footer, size_t group)
{
	struct record_parquet_group_place *place = &footer->places[group];
	bool has_parts = false;
	unsigned type;
	int id = 0;

	place->at = (size_t)(reader->p - reader->start);
	while ((type = read_field(reader, &id)) && !reader->is_bad) {
		if (id == 1 && type == TYPE_LIST && !has_parts) {
			read_parts(reader, footer, group);
			has_parts = true;
		} else if (id == 3 && type == TYPE_I64) {
			place->rows = read_size(reader);
		} else {
			skip(reader, type, 0);
		}
	}
	place->bytes = (size_t)(reader->p - reader->start) - place->at;
	if (!has_parts || place->rows > INT64_MAX)
		reader->is_bad = true;
}

static void read_groups(struct reader *reader, struct record_parquet_footer *footer)
{
	unsigned type;
	size_t count = read_list(reader, &type);

	if (footer->places || (count && type != TYPE_STRUCT)) {
		reader->is_bad = true;
		return;
	}
	footer->groups_count = count;
	footer->places = mem_new(count + 1, sizeof(*footer->places));
	for (size_t i = 0; i < count && !reader->is_bad; i++)
		read_group(reader, footer, i);
}

static bool is_within(const struct record_parquet_extent *extent, uint64_t end)
{
	return extent->bytes <= end && extent->offset <= end - extent->bytes;
}

uint64_t record_parquet_footer_length(const char *tail, uint64_t file_bytes)
{
	uint32_t length = 0;

	for (int i = 3; i >= 0; i--)
		length = length << 8 | (unsigned char)tail[i];
	if (memcmp(tail + 4, "PAR1", 4) != 0 || file_bytes < RECORD_PARQUET_TAIL_BYTES ||
		length > file_bytes - RECORD_PARQUET_TAIL_BYTES)
		return 0;
	return length;
}

/* FileMetaData. */
int record_parquet_footer_parse(struct record_parquet_footer *ret_footer, struct str bytes,
	uint64_t file_bytes, struct err *err)
{
	struct record_parquet_footer footer = {.bytes = bytes};
	const unsigned char *start = (const unsigned char *)bytes.p;
	struct reader reader = {start, start, start + bytes.n, false};
	uint64_t end = file_bytes - RECORD_PARQUET_TAIL_BYTES - bytes.n;
	unsigned type;
	int id = 0;

	while ((type = read_field(&reader, &id)) && !reader.is_bad) {
		size_t at = (size_t)(reader.p - start);
		if (id == 4 && type == TYPE_LIST)
			read_groups(&reader, &footer);
		else
			skip(&reader, type, 0);
		size_t n = (size_t)(reader.p - start) - at;
		if (id == 3 && type == TYPE_I64) {
			footer.rows_at = at;
			footer.rows_bytes = n;
		} else if (id == 4 && type == TYPE_LIST) {
			footer.groups_at = at;
			footer.groups_bytes = n;
		} else if (id == 8 || id == 9) {
			reader.is_bad = true; /* encrypted */
		}
	}
	for (size_t i = 0; !reader.is_bad && i < footer.groups_count * footer.columns_count; i++)
		reader.is_bad = !is_within(&footer.parts[i].pages, end) ||
				!is_within(&footer.parts[i].bloom, end);
	if (reader.is_bad || !footer.rows_bytes || !footer.groups_bytes) {
		record_parquet_footer_done(&footer);
		return err_set(
			err, ERR_INPUT, "the Parquet footer is damaged, or of a kind unknown");
	}
	*ret_footer = footer;
	return 0;
}

static void add_varint(struct buf *buf, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_add_char(buf, (char)(value | 0x80));
	buf_add_char(buf, (char)value);
}

/* The bytes between two places that are replaced. */
static void add_between(struct buf *buf, struct str bytes, size_t from, size_t to)
{
	buf_add(buf, bytes.p + from, to - from);
}

void record_parquet_footer_print(
	struct buf *buf, const struct record_parquet_footer *footer, const bool *kept)
{
	size_t start = buf->n, count = 0, at = 0;
	uint64_t rows = 0;

	for (size_t i = 0; i < footer->groups_count; i++) {
		count += kept[i];
		rows += kept[i] ? footer->places[i].rows : 0;
	}
	bool rows_first = footer->rows_at < footer->groups_at;
	for (int part = 0; part < 2; part++) {
		bool is_rows = (part == 0) == rows_first;
		size_t next = is_rows ? footer->rows_at : footer->groups_at;
		add_between(buf, footer->bytes, at, next);
		at = next + (is_rows ? footer->rows_bytes : footer->groups_bytes);
		if (is_rows) {
			add_varint(buf, rows << 1);
			continue;
		}
		buf_add_char(buf, (char)((count < 15 ? count : 15) << 4 | TYPE_STRUCT));
		if (count >= 15)
			add_varint(buf, count);
		for (size_t i = 0; i < footer->groups_count; i++)
			if (kept[i])
				buf_add(buf, footer->bytes.p + footer->places[i].at,
					footer->places[i].bytes);
	}
	add_between(buf, footer->bytes, at, footer->bytes.n);
	uint32_t length = (uint32_t)(buf->n - start);
	for (int i = 0; i < 4; i++)
		buf_add_char(buf, (char)(length >> 8 * i));
	buf_add_text(buf, "PAR1");
}

void record_parquet_footer_done(struct record_parquet_footer *footer)
{
	free(footer->parts);
	free(footer->places);
	*footer = (struct record_parquet_footer){0};
}
