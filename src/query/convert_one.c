#include "query/cache_priv.h"
#include "query/convert_priv.h"

#include <stdio.h>

static int write_groups(const struct convert_part *part, const struct convert_order *order,
	const struct record_parquet_column *columns, struct record_parquet_file *file,
	struct err *err)
{
	_cleanup_(record_parquet_encoder_freep) struct record_parquet_encoder *encoder =
		record_parquet_encoder_new(columns, part->columns, RECORD_PARQUET_ZSTD_LEVEL);
	_cleanup_(record_parquet_group_done) struct record_parquet_group group = {0};
	struct convert_texts *texts = convert_texts_new(part);
	struct convert_columns *made = convert_columns_new(part, texts);
	int r = 0;

	for (uint32_t first = 0; r == 0 && first < order->count;) {
		uint32_t rows = order->count - first < RECORD_PARQUET_GROUP_ROWS
					? order->count - first
					: RECORD_PARQUET_GROUP_ROWS;
		convert_columns_fill(made, order->rows + first, rows);
		record_parquet_encoder_start(encoder, rows, &group);
		for (unsigned i = 0; r == 0 && i < part->columns; i++) {
			struct record_parquet_values values = convert_columns_get(made, i);
			r = record_parquet_encoder_add(encoder, &values, err);
		}
		if (r == 0)
			r = record_parquet_file_add(file, &group, err);
		first += rows;
	}
	convert_columns_free(made);
	convert_texts_free(texts);
	return r;
}

static int write_file(const struct convert_part *part, const struct convert_order *order, int fd,
	const char *name, struct err *err)
{
	_cleanup_free_ struct record_parquet_column *columns =
		mem_new(part->columns + 1, sizeof(*columns));

	for (unsigned i = 0; i < part->columns; i++)
		columns[i] = (struct record_parquet_column){
			.name = str_from(part->column[i].sql_name),
			.type = part->column[i].type,
			.bloom = part->column[i].address,
		};
	_cleanup_(record_parquet_file_freep) struct record_parquet_file *file =
		record_parquet_file_new(fd, name, columns, part->columns, NULL, 0);
	if (order->count && write_groups(part, order, columns, file, err) < 0)
		return -1;
	return record_parquet_file_finish(file, err);
}

int query_convert_one(const struct query_object *object, const struct record_format *headerless,
	uint64_t memory_limit, int fd, struct query_cached *ret_met, struct err *err)
{
	const struct query_convert_options options = {
		.sort = {RECORD_START, RECORD_INTERFACE_ID},
		.sort_count = 2,
		.headerless = headerless,
		.threads = 1,
	};
	uint64_t bad_lines = 0;
	struct convert_unit unit = {.sources = object, .sources_count = 1, .bad_lines = &bad_lines};
	struct query_convert_stats stats = {0};
	struct convert_order order = {0};
	struct convert_part part;

	convert_part_init(&part, 1, memory_limit);
	struct convert_reading *reading = convert_reading_new(&part, &options, &unit);
	int r = convert_read(reading, &stats, err);
	if (r == 1)
		r = CONVERT_ONE_TOO_LARGE;
	if (r == 0)
		r = convert_sort(&part, &options, 1, &order, err);
	if (r == 0)
		r = write_file(&part, &order, fd, object->path, err);
	if (r == 0) {
		ret_met->lines = part.rows + bad_lines;
		ret_met->bad_lines = bad_lines;
		ret_met->errors = stats.errors;
		for (unsigned i = 0; i < stats.errors; i++)
			ret_met->error[i] = stats.error[i];
	}
	convert_order_done(&order);
	convert_reading_free(reading);
	convert_part_done(&part);
	return r;
}
