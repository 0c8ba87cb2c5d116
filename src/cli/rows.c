#include "cli/rows.h"

#include "base/buf.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS_MAX 32
#define GAP         2

int cli_rows_set_output(enum cli_rows_output *output, const char *value, struct err *err)
{
	static const char *const names[] = {
		[CLI_ROWS_TABLE] = "table", [CLI_ROWS_JSON] = "json", [CLI_ROWS_CSV] = "csv"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			*output = (enum cli_rows_output)i;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "expected table, json or csv, found '%s'", value);
}

/* ---- from XML ---- */

static json_t *text_of(struct str text)
{
	return text.p ? json_stringn(text.p, text.n) : NULL;
}

static json_t *tags_of(const struct aws_xml_node *set)
{
	json_t *tags = json_object();

	for (const struct aws_xml_node *item = aws_xml_child(set, STR("item")); item;
		item = aws_xml_next(item)) {
		_cleanup_buf_ struct buf key = {0};
		buf_add_str(&key, aws_xml_text(item, STR("key")));
		json_t *value = text_of(aws_xml_text(item, STR("value")));
		json_object_set_new(tags, buf_text(&key), value ? value : json_string(""));
	}
	return tags;
}

static json_t *tag_of(const struct aws_xml_node *set, struct str key)
{
	for (const struct aws_xml_node *item = aws_xml_child(set, STR("item")); item;
		item = aws_xml_next(item))
		if (str_equal(aws_xml_text(item, STR("key")), key))
			return text_of(aws_xml_text(item, STR("value")));
	return NULL;
}

static json_t *list_of(const struct aws_xml_node *set, struct str name)
{
	json_t *list = json_array();

	for (const struct aws_xml_node *item = aws_xml_child(set, STR("item")); item;
		item = aws_xml_next(item)) {
		json_t *text = text_of(aws_xml_text(item, name));
		if (text)
			json_array_append_new(list, text);
	}
	return list;
}

static json_t *part_of(const struct aws_xml_node *node, struct str rest)
{
	struct str part;

	if (!str_split(&rest, '/', &part))
		return NULL;
	const struct aws_xml_node *child = aws_xml_child(node, part);
	if (str_equal(part, STR("tagSet")))
		return rest.n ? tag_of(child, rest) : tags_of(child);
	if (!rest.n)
		return text_of(aws_xml_text(node, part));
	if (str_starts_with(rest, STR("item/")))
		return list_of(child, (struct str){rest.p + 5, rest.n - 5});
	return text_of(aws_xml_text(child, rest));
}

/* The first of the alternatives that is there. */
static json_t *cell_of(const struct aws_xml_node *node, const char *path)
{
	struct str rest = str_from(path), part;
	json_t *cell = NULL;

	while (!cell && str_split(&rest, '|', &part))
		cell = part_of(node, part);
	return cell;
}

json_t *cli_row(const struct cli_column *columns, const struct aws_xml_node *node)
{
	json_t *row = json_object();

	for (; columns->member; columns++) {
		json_t *cell = cell_of(node, columns->path);
		if (cell)
			json_object_set_new(row, columns->member, cell);
	}
	return row;
}

/* ---- text ---- */

/* One line: what is listed with a space between. Control characters do not reach the terminal. */
static void add_text(struct buf *text, const char *value)
{
	for (; *value; value++)
		buf_add_char(text, (unsigned char)*value < ' ' || *value == 127 ? '?' : *value);
}

static void add_cell(struct buf *text, const json_t *cell)
{
	const char *key;
	json_t *value;

	if (json_is_string(cell))
		add_text(text, json_string_value(cell));
	for (size_t i = 0; i < json_array_size(cell); i++) {
		buf_add_text(text, i ? " " : "");
		add_text(text, json_string_value(json_array_get(cell, i)));
	}
	json_object_foreach((json_t *)cell, key, value)
	{
		buf_add_text(text, text->n ? " " : "");
		add_text(text, key);
		buf_add_char(text, '=');
		add_text(text, json_string_value(value));
	}
}

/* In characters, near enough for what names of things have. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct cli_column *column, const json_t *rows)
{
	size_t widest = width_of(column->title);

	for (size_t i = 0; i < json_array_size(rows); i++) {
		_cleanup_buf_ struct buf text = {0};
		add_cell(&text, json_object_get(json_array_get(rows, i), column->member));
		size_t width = width_of(buf_text(&text));
		widest = width > widest ? width : widest;
	}
	return widest;
}

static void print_cell(const char *text, size_t width, bool is_last)
{
	fputs(text, stdout);
	if (!is_last)
		printf("%*s", (int)(width - width_of(text) + GAP), "");
}

static const struct cli_column *next_shown(const struct cli_column *column)
{
	while (column->member && !column->title)
		column++;
	return column;
}

static void print_line(const struct cli_column *columns, const size_t *widths, const json_t *row)
{
	const struct cli_column *column = next_shown(columns);

	while (column->member) {
		_cleanup_buf_ struct buf text = {0};
		const struct cli_column *next = next_shown(column + 1);
		if (row)
			add_cell(&text, json_object_get(row, column->member));
		const char *shown = row ? buf_text(&text) : column->title;
		print_cell(*shown ? shown : "-", widths[column - columns], !next->member);
		column = next;
	}
	putchar('\n');
}

static void print_table(const struct cli_column *columns, const json_t *rows)
{
	size_t widths[COLUMNS_MAX] = {0};

	for (size_t i = 0; i < COLUMNS_MAX && columns[i].member; i++)
		if (columns[i].title)
			widths[i] = column_width(&columns[i], rows);
	print_line(columns, widths, NULL);
	for (size_t i = 0; i < json_array_size(rows); i++)
		print_line(columns, widths, json_array_get(rows, i));
}

/* ---- CSV ---- */

static void print_field(const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void print_csv(const struct cli_column *columns, const json_t *rows)
{
	for (size_t i = 0; columns[i].member; i++)
		printf("%s%s", i ? "," : "", columns[i].member);
	putchar('\n');
	for (size_t i = 0; i < json_array_size(rows); i++) {
		for (size_t j = 0; columns[j].member; j++) {
			_cleanup_buf_ struct buf text = {0};
			add_cell(
				&text, json_object_get(json_array_get(rows, i), columns[j].member));
			fputs(j ? "," : "", stdout);
			print_field(buf_text(&text));
		}
		putchar('\n');
	}
}

int cli_rows_print(const struct cli_column *columns, const json_t *rows,
	enum cli_rows_output output, const char *none, struct err *err)
{
	if (output == CLI_ROWS_JSON) {
		int result = json_dumpf(rows, stdout, JSON_INDENT(2));
		putchar('\n');
		return result ? err_set(err, ERR_SYSTEM, "cannot write the output") : 0;
	}
	if (output == CLI_ROWS_CSV)
		print_csv(columns, rows);
	else if (json_array_size(rows))
		print_table(columns, rows);
	else if (cli_is_terminal(STDOUT_FILENO))
		puts(none);
	return 0;
}
