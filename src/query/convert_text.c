/* Lines of a row group, compressed by themselves: raw deflate that ends at a byte and is not the
 * last block, so that pieces made by several threads follow each other in one gzip member. */
#include "query/convert_priv.h"

#include "base/number.h"

#include <assert.h>
#include <zlib.h>

#define LEVEL 6

static void add_lines(const struct convert_part *part, struct convert_columns *columns,
	uint32_t rows, struct buf *text)
{
	struct record_parquet_values values[CONVERT_COLUMNS_MAX];

	for (unsigned i = 0; i < part->columns; i++)
		values[i] = convert_columns_get(columns, i);
	for (uint32_t row = 0; row < rows; row++) {
		for (unsigned i = 0; i < part->columns; i++) {
			if (i)
				buf_add_char(text, ' ');
			if (part->column[i].type == RECORD_TYPE_STRING) {
				buf_add_str(text, values[i].texts[values[i].index[row]]);
			} else if (values[i].numbers[row] == RECORD_PARQUET_NULL_NUMBER) {
				buf_add_char(text, '-');
			} else {
				char *p = buf_reserve(text, NUMBER_U64_STR_MAX);
				text->n +=
					(size_t)(number_write(p, (uint64_t)values[i].numbers[row]) -
						 p);
			}
		}
		buf_add_char(text, '\n');
	}
}

static int deflate_piece(struct str text, struct buf *buf, struct err *err)
{
	z_stream stream = {0};

	if (text.n > INT32_MAX)
		return err_set(err, ERR_INPUT, "lines of more than 2 GiB in a row group");
	if (deflateInit2(&stream, LEVEL, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(err, ERR_SYSTEM, "cannot start the gzip compressor");
	size_t room = deflateBound(&stream, text.n) + 64;
	stream.next_in = (Bytef *)text.p;
	stream.avail_in = (uInt)text.n;
	stream.next_out = (Bytef *)buf_reserve(buf, room);
	stream.avail_out = (uInt)room;
	int r = deflate(&stream, Z_SYNC_FLUSH);
	assert(r == Z_OK && stream.avail_in == 0 && stream.avail_out > 0);
	buf->n += room - stream.avail_out;
	deflateEnd(&stream);
	return 0;
}

static int add_piece(
	struct str text, struct buf *buf, uint32_t *ret_crc, uint64_t *ret_bytes, struct err *err)
{
	*ret_crc = (uint32_t)crc32_z(0, (const Bytef *)text.p, text.n);
	*ret_bytes = text.n;
	return deflate_piece(text, buf, err);
}

int convert_text_header(const struct convert_part *part, struct buf *buf, uint32_t *ret_crc,
	uint64_t *ret_bytes, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};

	for (unsigned i = 0; i < part->columns; i++) {
		buf_add_text(&text, part->column[i].name);
		buf_add_char(&text, i + 1 < part->columns ? ' ' : '\n');
	}
	return add_piece(buf_str(&text), buf, ret_crc, ret_bytes, err);
}

int convert_text_deflate(const struct convert_part *part, struct convert_columns *columns,
	uint32_t rows, struct buf *buf, uint32_t *ret_crc, uint64_t *ret_bytes, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};

	add_lines(part, columns, rows, &text);
	return add_piece(buf_str(&text), buf, ret_crc, ret_bytes, err);
}
