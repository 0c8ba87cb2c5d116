/* Tables for people. Widths come from the header and the first rows; later rows that are wider
 * push their line out, so that a result of any length is printed as it comes. On a terminal texts
 * are cut to what fits, numbers never; when even that is too wide, a row takes a line a field. */
#include "query/print_priv.h"

#include <stdio.h>
#include <wchar.h>

#define SAMPLE_ROWS 10000 /* that widths are taken from */
#define TEXT_MIN    12    /* columns of the terminal that a cut text keeps */
#define GAP         2

/* Cells of the sample, behind one another. */
struct table {
	struct query_result *result;
	unsigned terminal_columns;
	size_t *widths;
	struct buf text;
	size_t *cell_ends; /* [cells] */
	size_t cells, capacity;
	struct buf line;
	int outcome; /* of the last query_result_next */
};

/* Terminal columns of UTF-8 text; what the locale does not know is one. */
static size_t width_of(struct str text)
{
	mbstate_t state = {0};
	size_t width = 0;

	for (size_t i = 0; i < text.n;) {
		wchar_t wide;
		size_t n = mbrtowc(&wide, text.p + i, text.n - i, &state);
		if (n == 0 || n > text.n - i) {
			state = (mbstate_t){0};
			i++;
			width += ((unsigned char)text.p[i - 1] & 0xc0) != 0x80;
			continue;
		}
		int columns = wcwidth(wide);
		width += columns < 0 ? 1 : (size_t)columns;
		i += n;
	}
	return width;
}

/* Bytes of text that fill at most width columns. */
static size_t cut_to(struct str text, size_t width)
{
	size_t i = 0;

	while (i < text.n) {
		size_t next = i + 1;
		while (next < text.n && ((unsigned char)text.p[next] & 0xc0) == 0x80)
			next++;
		if (width_of((struct str){text.p, next}) > width)
			break;
		i = next;
	}
	return i;
}

/* Control characters in a log must not reach a terminal. */
static void add_clean(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '\n')
			buf_add_text(buf, "\\n");
		else if (c == '\t')
			buf_add_text(buf, "\\t");
		else if (c < ' ' || c == 127)
			buf_printf(buf, "\\x%02x", c);
		else if (c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0)
			buf_printf(buf, "\\x%02x", (unsigned char)text.p[++i]);
		else
			buf_add_char(buf, text.p[i]);
	}
}

static void add_cell(struct table *table, struct str value)
{
	if (table->cells == table->capacity) {
		table->capacity = table->capacity * 2 + 64;
		table->cell_ends =
			mem_grow(table->cell_ends, table->capacity, sizeof(*table->cell_ends));
	}
	add_clean(&table->text, value);
	table->cell_ends[table->cells++] = table->text.n;
}

static struct str cell_at(const struct table *table, size_t i)
{
	size_t begin = i ? table->cell_ends[i - 1] : 0;

	return (struct str){table->text.p + begin, table->cell_ends[i] - begin};
}

static void add_row(struct table *table, const struct print_vector *vectors, size_t row)
{
	_cleanup_buf_ struct buf value = {0};

	for (size_t i = 0; i < table->result->columns; i++) {
		value.n = 0;
		if (query_print_is_null(&vectors[i], row))
			buf_add_text(&value, "NULL");
		else
			query_print_value(&value, &vectors[i], row);
		add_cell(table, buf_str(&value));
	}
}

static bool is_number(const struct table *table, size_t column)
{
	return query_print_is_number(table->result->column[column].type);
}

static void add_times(struct buf *line, char c, size_t times)
{
	if (!times)
		return;
	memset(buf_reserve(line, times), c, times);
	line->n += times;
}

static void pad(struct buf *line, size_t width)
{
	add_times(line, ' ', width);
}

static void add_aligned(struct table *table, size_t column, struct str cell)
{
	bool last = column + 1 == table->result->columns;
	size_t limit = table->widths[column];
	size_t width = width_of(cell);

	if (table->terminal_columns && width > limit && !is_number(table, column) && limit > 3) {
		cell.n = cut_to(cell, limit - 3);
		width = width_of(cell) + 3;
	} else {
		limit = 0;
	}
	size_t space = table->widths[column] > width ? table->widths[column] - width : 0;
	if (is_number(table, column))
		pad(&table->line, space);
	buf_add_str(&table->line, cell);
	if (limit)
		buf_add_text(&table->line, "...");
	if (!last)
		pad(&table->line, (is_number(table, column) ? 0 : space) + GAP);
}

/* Lines of all cells that wait, from the first on. */
static int flush_lines(struct table *table, int fd, struct err *err)
{
	size_t columns = table->result->columns;

	for (size_t i = 0; i < table->cells; i++) {
		add_aligned(table, i % columns, cell_at(table, i));
		if ((i + 1) % columns == 0)
			buf_add_char(&table->line, '\n');
	}
	table->cells = 0;
	table->text.n = 0;
	return query_print_write(fd, &table->line, err);
}

/* A field a line, for rows that do not fit. */
static int flush_records(struct table *table, size_t first_row, int fd, struct err *err)
{
	size_t columns = table->result->columns;
	size_t name_width = 0;

	for (size_t i = 0; i < columns; i++) {
		size_t width = width_of(str_from(table->result->column[i].name));
		name_width = width > name_width ? width : name_width;
	}
	for (size_t i = 0; i < table->cells; i++) {
		const char *name = table->result->column[i % columns].name;
		if (i % columns == 0)
			buf_printf(&table->line, "-- row %zu\n", first_row + i / columns + 1);
		add_clean(&table->line, str_from(name));
		pad(&table->line, name_width - width_of(str_from(name)) + GAP);
		buf_add_str(&table->line, cell_at(table, i));
		buf_add_char(&table->line, '\n');
	}
	table->cells = 0;
	table->text.n = 0;
	return query_print_write(fd, &table->line, err);
}

static void measure(struct table *table)
{
	size_t columns = table->result->columns;

	for (size_t i = 0; i < columns; i++) {
		_cleanup_buf_ struct buf name = {0};
		add_clean(&name, str_from(table->result->column[i].name));
		table->widths[i] = width_of(buf_str(&name));
	}
	for (size_t i = 0, column = 0; i < table->cells; i++) {
		size_t width = width_of(cell_at(table, i));
		if (width > table->widths[column])
			table->widths[column] = width;
		column = column + 1 < columns ? column + 1 : 0;
	}
}

/* Takes width from the widest text columns until the line fits. False when it never does. */
static bool shrink(struct table *table)
{
	size_t columns = table->result->columns;
	size_t total = GAP * (columns - 1);

	for (size_t i = 0; i < columns; i++)
		total += table->widths[i];
	while (table->terminal_columns && total > table->terminal_columns) {
		size_t widest = columns;
		for (size_t i = 0; i < columns; i++) {
			if (!is_number(table, i) && table->widths[i] > TEXT_MIN &&
				(widest == columns || table->widths[i] > table->widths[widest]))
				widest = i;
		}
		if (widest == columns)
			return false;
		table->widths[widest]--;
		total--;
	}
	return true;
}

static void add_header(struct table *table)
{
	struct query_result *result = table->result;

	for (size_t i = 0; i < result->columns; i++) {
		_cleanup_buf_ struct buf name = {0};
		add_clean(&name, str_from(result->column[i].name));
		add_aligned(table, i, buf_str(&name));
	}
	buf_add_char(&table->line, '\n');
	for (size_t i = 0; i < result->columns; i++) {
		add_times(&table->line, '-', table->widths[i]);
		if (i + 1 < result->columns)
			pad(&table->line, GAP);
	}
	buf_add_char(&table->line, '\n');
}

/* Rows into cells, until there are enough or no more. 1: there are more. */
static int gather(struct table *table, struct print_vector *vectors, struct err *err)
{
	struct query_result *result = table->result;
	size_t enough = SAMPLE_ROWS * result->columns;

	while (table->cells < enough) {
		duckdb_data_chunk chunk;
		int r = query_result_next(result, &chunk, err);
		if (r != 0 || !chunk) {
			table->outcome = r;
			return 0;
		}
		size_t rows = duckdb_data_chunk_get_size(chunk);
		query_print_vectors(result, chunk, vectors);
		for (size_t row = 0; row < rows; row++)
			add_row(table, vectors, row);
		result->rows += (int64_t)rows;
		duckdb_destroy_data_chunk(&chunk);
	}
	return 1;
}

static int print(struct table *table, int fd, struct err *err)
{
	struct query_result *result = table->result;
	_cleanup_free_ struct print_vector *vectors =
		mem_new(result->columns + 1, sizeof(*vectors));
	int more = gather(table, vectors, err);

	/* a statement that failed before its first row prints no header */
	if (table->outcome != 0 && table->cells == 0)
		return table->outcome;
	measure(table);
	bool fits = shrink(table);
	if (fits)
		add_header(table);
	for (;;) {
		size_t rows = table->cells / result->columns;
		int r = fits ? flush_lines(table, fd, err)
			     : flush_records(table, (size_t)result->rows - rows, fd, err);
		if (r != 0)
			return r;
		if (!more)
			return table->outcome;
		more = gather(table, vectors, err);
	}
}

int query_print_table(
	struct query_result *result, unsigned terminal_columns, int fd, struct err *err)
{
	struct table table = {
		.result = result,
		.terminal_columns = terminal_columns,
		.widths = mem_new(result->columns + 1, sizeof(*table.widths)),
	};
	int r = print(&table, fd, err);

	free(table.widths);
	free(table.cell_ends);
	buf_done(&table.text);
	buf_done(&table.line);
	return r;
}
