/* usage: print-records FILE [FORMAT]
 * The records of a file of flow log text as record/reader.h gives them: one JSON object a line with
 * SQL names (unknown fields under their own), then one line {"stats": ...}. FORMAT is for text
 * without a header line. Exit status 1 at a read error, after the records before it. */
#include "record/reader.h"

#include <inttypes.h>
#include <stdio.h>

static void print_text(struct str text)
{
	putchar('"');
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < ' ')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_row(
	const struct record_reader_column *columns, const struct record_batch *batch, size_t row)
{
	for (size_t i = 0; i < batch->columns; i++) {
		const struct record_batch_column *column = &batch->column[i];
		int field = columns[i].field;

		fputs(i ? ", " : "{", stdout);
		print_text(field >= 0 ? record_fields[field].sql_name : columns[i].name);
		fputs(": ", stdout);
		if (!column->valid[row])
			fputs("null", stdout);
		else if (column->type == RECORD_TYPE_STRING)
			print_text(column->texts[row]);
		else
			printf("%" PRId64, column->numbers[row]);
	}
	puts("}");
}

static void print_stats(const struct record_reader_stats *stats)
{
	printf("{\"stats\": {\"lines\": %" PRIu64 ", \"bad_lines\": %" PRIu64
	       ", \"truncated\": %" PRIu64 ", \"errors\": [",
		stats->lines, stats->bad_lines, stats->truncated);
	for (unsigned i = 0; i < stats->errors; i++) {
		fputs(i ? ", " : "", stdout);
		print_text(str_from(stats->error[i].message));
	}
	puts("]}}");
}

static int read_all(const char *path, const struct record_format *format, struct err *err)
{
	struct input *input;
	_cleanup_(record_reader_closep) struct record_reader *reader = NULL;
	const struct record_batch *batch;
	size_t count;
	int status;

	if (input_open(&input, path, err) < 0 ||
		record_reader_open_as(&reader, input, format, false, err) < 0)
		return -1;
	const struct record_reader_column *columns = record_reader_columns(reader, &count);
	while ((status = record_reader_read(reader, &batch, err)) == 0 && batch->rows) {
		for (size_t row = 0; row < batch->rows; row++)
			print_row(columns, batch, row);
	}
	print_stats(record_reader_stats(reader));
	return status;
}

int main(int argc, char **argv)
{
	struct record_format format;
	struct err err = ERR_INIT;

	if (argc < 2 || argc > 3) {
		fputs("usage: print-records FILE [FORMAT]\n", stderr);
		return 2;
	}
	if ((argc == 3 && record_format_parse(str_from(argv[2]), &format, &err) < 0) ||
		read_all(argv[1], argc == 3 ? &format : NULL, &err) < 0) {
		fprintf(stderr, "print-records: %s\n", err.message);
		return 1;
	}
	return 0;
}
