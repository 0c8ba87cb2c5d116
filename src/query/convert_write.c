/* Threads take row groups in turn, make their bytes, and wait until those before are written: the
 * files are written in order, one after the other. A file ends with its partition, or when it is as
 * large as one shall be. Nothing shows before the unit is committed: files are hidden until then.
 */
#include "query/convert_priv.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <zlib.h>

struct group {
	uint32_t first, rows; /* of the order */
	unsigned partition;
};

struct writer {
	const struct convert_part *part;
	const struct convert_order *order;
	const struct query_convert_options *options;
	struct convert_unit *unit;
	struct convert_texts *texts;
	struct record_parquet_column *columns;
	unsigned sorted[RECORD_PARQUET_SORT_MAX];
	unsigned sorted_count;
	int time_column;
	struct convert_sum *sums; /* by column */

	struct group *groups;
	uint32_t groups_count;
	atomic_uint next;

	pthread_mutex_t lock; /* the rest */
	pthread_cond_t turn_changed;
	uint32_t turn;
	bool failed;
	unsigned partition;
	int fd;
	struct record_parquet_file *parquet;
	uint64_t rows, bytes;
	int64_t times[2]; /* of the file's rows */
	uint32_t crc;
	uint64_t text_bytes;
};

/* What a thread made of a row group. */
struct made {
	struct record_parquet_group group;
	struct buf text;
	uint32_t crc;
	uint64_t text_bytes;
	int64_t times[2];
	struct convert_sum *sums;
};

/* Files. */

static void add_folders(const struct writer *writer, struct buf *path, unsigned partition)
{
	int64_t number = writer->order->partitions[partition].number;
	bool hourly = writer->options->partition == QUERY_CONVERT_HOUR;
	time_t time = (time_t)(number * (hourly ? 3600 : 86400));
	struct tm utc;

	buf_add_text(path, writer->unit->folders);
	if (writer->options->partition == QUERY_CONVERT_NONE)
		return;
	gmtime_r(&time, &utc);
	buf_printf(path, "year=%04d/month=%02d/day=%02d/", utc.tm_year + 1900, utc.tm_mon + 1,
		utc.tm_mday);
	if (hourly)
		buf_printf(path, "hour=%02d/", utc.tm_hour);
}

static void add_stamp(struct buf *name, int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm utc;

	if (seconds >= 0 && gmtime_r(&time, &utc))
		buf_printf(name, "_%04d%02d%02dT%02d%02dZ", utc.tm_year + 1900, utc.tm_mon + 1,
			utc.tm_mday, utc.tm_hour, utc.tm_min);
}

static int put(struct writer *writer, struct str bytes, struct err *err)
{
	while (bytes.n) {
		ssize_t n = write(writer->fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(
				err, errno, "cannot write to %s", writer->options->destination);
		bytes.p += n;
		bytes.n -= (size_t)n;
		writer->bytes += (uint64_t)n;
	}
	return 0;
}

static int start_text(struct writer *writer, struct err *err)
{
	_cleanup_buf_ struct buf header = {0};

	writer->crc = 0;
	writer->text_bytes = 0;
	buf_add_str(&header, CONVERT_GZIP_HEAD);
	if (convert_text_header(writer->part, &header, &writer->crc, &writer->text_bytes, err) < 0)
		return -1;
	return put(writer, buf_str(&header), err);
}

static int start_file(struct writer *writer, unsigned partition, struct err *err)
{
	struct convert_unit *unit = writer->unit;
	_cleanup_buf_ struct buf draft = {0};

	add_folders(writer, &draft, partition);
	_cleanup_free_ char *folder =
		mem_printf("%s/%s", writer->options->destination, buf_text(&draft));
	if (file_make_folders(folder, 0750, err) < 0)
		return -1;
	buf_printf(&draft, ".%s-%u.nagare.part", unit->name, unit->files_count);
	_cleanup_free_ char *path =
		mem_printf("%s/%s", writer->options->destination, buf_text(&draft));
	writer->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (writer->fd < 0)
		return err_set_errno(err, errno, "cannot create %s", path);
	unit->files = mem_grow(unit->files, unit->files_count + 1, sizeof(*unit->files));
	unit->files[unit->files_count++] = (struct convert_file){
		.draft = mem_strdup(buf_text(&draft)),
	};
	writer->partition = partition;
	writer->rows = writer->bytes = 0;
	writer->times[0] = INT64_MAX;
	writer->times[1] = -1;
	if (writer->options->form == QUERY_CONVERT_TEXT)
		return start_text(writer, err);
	writer->parquet = record_parquet_file_new(writer->fd, path, writer->columns,
		writer->part->columns, writer->sorted, writer->sorted_count);
	return 0;
}

static int finish_text(struct writer *writer, struct err *err)
{
	uint32_t end[2] = {writer->crc, (uint32_t)writer->text_bytes};
	_cleanup_buf_ struct buf tail = {0};

	buf_add(&tail, "\x03\x00", 2);    /* an empty last block */
	buf_add(&tail, end, sizeof(end)); /* little endian, as all that nagare runs on */
	return put(writer, buf_str(&tail), err);
}

static int finish_file(struct writer *writer, struct err *err)
{
	struct convert_unit *unit = writer->unit;
	struct convert_file *file = &unit->files[unit->files_count - 1];
	_cleanup_buf_ struct buf path = {0};
	int r = 0;

	if (writer->fd < 0)
		return 0;
	if (writer->parquet) {
		r = record_parquet_file_finish(writer->parquet, err);
		file->bytes = record_parquet_file_bytes(writer->parquet);
	} else {
		r = finish_text(writer, err);
		file->bytes = writer->bytes;
	}
	if (r == 0 && fdatasync(writer->fd) < 0)
		r = err_set_errno(err, errno, "cannot write to disk");
	file->rows = writer->rows;
	add_folders(writer, &path, writer->partition);
	buf_add_text(&path, "flowlogs");
	if (writer->times[1] >= 0) {
		add_stamp(&path, writer->times[0]);
		add_stamp(&path, writer->times[1]);
	}
	buf_printf(&path, "_%s-%u%s", unit->name, unit->files_count,
		writer->parquet ? ".log.parquet" : ".log.gz");
	file->path = mem_strdup(buf_text(&path));
	record_parquet_file_free(take(writer->parquet));
	close(take_fd(writer->fd));
	return r;
}

/* Groups. */

static void add_sums(struct writer *writer, const struct made *made)
{
	for (unsigned i = 0; i < writer->part->columns; i++) {
		writer->sums[i].count += made->sums[i].count;
		writer->sums[i].sum += made->sums[i].sum;
	}
}

static int put_group(
	struct writer *writer, const struct group *group, const struct made *made, struct err *err)
{
	uint64_t bytes =
		writer->parquet ? record_parquet_file_bytes(writer->parquet) : writer->bytes;
	int r = 0;

	if (writer->fd >= 0 &&
		(group->partition != writer->partition || bytes >= writer->options->file_bytes))
		r = finish_file(writer, err);
	if (r == 0 && writer->fd < 0)
		r = start_file(writer, group->partition, err);
	if (r < 0)
		return r;
	writer->rows += group->rows;
	if (made->times[0] < writer->times[0])
		writer->times[0] = made->times[0];
	if (made->times[1] > writer->times[1])
		writer->times[1] = made->times[1];
	add_sums(writer, made);
	if (writer->parquet)
		return record_parquet_file_add(writer->parquet, &made->group, err);
	writer->crc = (uint32_t)crc32_combine(writer->crc, made->crc, (z_off_t)made->text_bytes);
	writer->text_bytes += made->text_bytes;
	return put(writer, buf_str(&made->text), err);
}

static void sum_column(const struct record_parquet_values *values, enum record_type type,
	uint32_t rows, struct convert_sum *sum)
{
	uint64_t count = 0;
	__int128 total = 0;

	for (uint32_t row = 0; row < rows; row++) {
		if (type == RECORD_TYPE_STRING) {
			count++;
			total += (int64_t)values->texts[values->index[row]].n;
		} else if (values->numbers[row] != RECORD_PARQUET_NULL_NUMBER) {
			count++;
			total += values->numbers[row];
		}
	}
	sum->count = count;
	sum->sum = total;
}

static void find_times(const int64_t *numbers, uint32_t rows, int64_t times[2])
{
	for (uint32_t row = 0; row < rows; row++) {
		if (numbers[row] < 0)
			continue;
		times[0] = numbers[row] < times[0] ? numbers[row] : times[0];
		times[1] = numbers[row] > times[1] ? numbers[row] : times[1];
	}
}

static int make_group(struct writer *writer, const struct group *group,
	struct convert_columns *columns, struct record_parquet_encoder *encoder, struct made *made,
	struct err *err)
{
	const struct convert_part *part = writer->part;

	convert_columns_fill(columns, writer->order->rows + group->first, group->rows);
	made->times[0] = INT64_MAX;
	made->times[1] = -1;
	for (unsigned i = 0; i < part->columns; i++) {
		struct record_parquet_values values = convert_columns_get(columns, i);
		sum_column(&values, part->column[i].type, group->rows, &made->sums[i]);
		if ((int)i == writer->time_column)
			find_times(values.numbers, group->rows, made->times);
	}
	if (writer->options->form == QUERY_CONVERT_TEXT) {
		made->text.n = 0;
		return convert_text_deflate(part, columns, group->rows, &made->text, &made->crc,
			&made->text_bytes, err);
	}
	record_parquet_encoder_start(encoder, group->rows, &made->group);
	for (unsigned i = 0; i < part->columns; i++) {
		struct record_parquet_values values = convert_columns_get(columns, i);
		if (record_parquet_encoder_add(encoder, &values, err) < 0)
			return -1;
	}
	return 0;
}

/* Waits for the group's turn and writes it; false when something has failed. */
static int take_turn(struct writer *writer, uint32_t number, const struct made *made, int made_ok,
	struct err *err)
{
	int r = made_ok;

	pthread_mutex_lock(&writer->lock);
	while (writer->turn != number && !writer->failed)
		pthread_cond_wait(&writer->turn_changed, &writer->lock);
	if (writer->failed)
		r = 1;
	else if (r == 0)
		r = put_group(writer, &writer->groups[number], made, err);
	if (r < 0)
		writer->failed = true;
	writer->turn++;
	pthread_cond_broadcast(&writer->turn_changed);
	pthread_mutex_unlock(&writer->lock);
	return r;
}

static int write_groups(void *context, unsigned thread, struct err *err)
{
	struct writer *writer = context;
	const struct query_convert_progress *progress = writer->options->progress;
	struct convert_columns *columns = convert_columns_new(writer->part, writer->texts);
	_cleanup_(record_parquet_encoder_freep) struct record_parquet_encoder *encoder =
		record_parquet_encoder_new(
			writer->columns, writer->part->columns, RECORD_PARQUET_ZSTD_LEVEL);
	struct made made = {
		.sums = mem_new(writer->part->columns + 1, sizeof(*made.sums)),
	};
	int r = 0;

	while (r == 0) {
		uint32_t number = writer->next++;
		if (number >= writer->groups_count)
			break;
		if (progress && progress->stop)
			r = err_set(err, ERR_SYSTEM, "interrupted");
		else
			r = make_group(
				writer, &writer->groups[number], columns, encoder, &made, err);
		r = take_turn(writer, number, &made, r, err);
	}
	record_parquet_group_done(&made.group);
	buf_done(&made.text);
	free(made.sums);
	convert_columns_free(columns);
	return r < 0 ? -1 : 0;
}

static void cut_groups(struct writer *writer)
{
	const struct convert_order *order = writer->order;

	for (uint32_t p = 0; p < order->partitions_count; p++) {
		uint32_t first = order->partitions[p].first;
		uint32_t end = p + 1 < order->partitions_count ? order->partitions[p + 1].first
							       : order->count;
		while (first < end) {
			uint32_t rows = end - first < RECORD_PARQUET_GROUP_ROWS
						? end - first
						: RECORD_PARQUET_GROUP_ROWS;
			writer->groups = mem_grow(
				writer->groups, writer->groups_count + 1, sizeof(*writer->groups));
			writer->groups[writer->groups_count++] = (struct group){first, rows, p};
			first += rows;
		}
	}
}

static void describe_columns(struct writer *writer)
{
	const struct convert_part *part = writer->part;

	writer->columns = mem_new(part->columns + 1, sizeof(*writer->columns));
	for (unsigned i = 0; i < part->columns; i++)
		writer->columns[i] = (struct record_parquet_column){
			.name = str_from(part->column[i].sql_name),
			.type = part->column[i].type,
			.bloom = part->column[i].address,
		};
	for (unsigned i = 0; i < writer->options->sort_count; i++) {
		int column = convert_part_find(part, (int)writer->options->sort[i]);
		if (column >= 0)
			writer->sorted[writer->sorted_count++] = (unsigned)column;
	}
	writer->time_column = convert_part_find(part, RECORD_END);
	if (writer->time_column < 0)
		writer->time_column = convert_part_find(part, RECORD_START);
	writer->sums = mem_new(part->columns + 1, sizeof(*writer->sums));
}

/* Adds what was written to the unit's sums. */
static void keep_sums(struct writer *writer)
{
	struct convert_unit *unit = writer->unit;

	for (unsigned i = 0; i < writer->part->columns; i++) {
		const struct convert_column *column = &writer->part->column[i];
		if (i == unit->sums_count) { /* columns of a part are those of the one before, and
						more */
			unit->sums = mem_grow(unit->sums, i + 1, sizeof(*unit->sums));
			unit->sums[unit->sums_count++] = (struct convert_sum){
				.sql_name = mem_strdup(column->sql_name),
				.type = column->type,
			};
		}
		unit->sums[i].count += writer->sums[i].count;
		unit->sums[i].sum += writer->sums[i].sum;
	}
	unit->rows += writer->order->count;
}

int convert_write(const struct convert_part *part, const struct convert_order *order,
	const struct query_convert_options *options, unsigned threads, struct convert_unit *unit,
	struct err *err)
{
	struct writer writer = {
		.part = part, .order = order, .options = options, .unit = unit, .fd = -1};

	if (order->count == 0)
		return 0;
	pthread_mutex_init(&writer.lock, NULL);
	pthread_cond_init(&writer.turn_changed, NULL);
	writer.texts = convert_texts_new(part);
	describe_columns(&writer);
	cut_groups(&writer);
	int r = convert_run_threads(threads, write_groups, &writer, err);
	if (r == 0)
		r = finish_file(&writer, err);
	if (r == 0)
		keep_sums(&writer);
	if (writer.fd >= 0)
		close(writer.fd);
	record_parquet_file_free(writer.parquet);
	convert_texts_free(writer.texts);
	free(writer.columns);
	free(writer.groups);
	free(writer.sums);
	pthread_cond_destroy(&writer.turn_changed);
	pthread_mutex_destroy(&writer.lock);
	return r;
}
