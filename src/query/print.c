#include "query/print_priv.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define WRITE_BYTES ((size_t)256 << 10)

int query_print_write(int fd, struct buf *buf, struct err *err)
{
	size_t done = 0;

	while (done < buf->n) {
		ssize_t n = write(fd, buf->p + done, buf->n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			return QUERY_READER_GONE;
		if (n < 0)
			return err_set_errno(err, errno, "cannot write the result");
		done += (size_t)n;
	}
	buf->n = 0;
	return 0;
}

static void add_tsv_text(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '\t')
			buf_add_text(buf, "\\t");
		else if (c == '\n')
			buf_add_text(buf, "\\n");
		else if (c == '\r')
			buf_add_text(buf, "\\r");
		else if (c == '\\')
			buf_add_text(buf, "\\\\");
		else
			buf_add_char(buf, c);
	}
}

/* Names of a JSON object's members, with ": " behind. A name that came before gets a number, for
 * readers keep only one member of a name. */
static char **make_json_names(const struct query_result *result)
{
	char **names = mem_new(result->columns + 1, sizeof(*names));

	for (size_t i = 0; i < result->columns; i++) {
		_cleanup_buf_ struct buf name = {0};
		unsigned same = 1;
		for (size_t j = 0; j < i; j++)
			same += strcmp(result->column[j].name, result->column[i].name) == 0;
		_cleanup_free_ char *unique =
			same > 1 ? mem_printf("%s_%u", result->column[i].name, same)
				 : mem_strdup(result->column[i].name);
		buf_add_json(&name, str_from(unique));
		buf_add_char(&name, ':');
		names[i] = mem_strdup(buf_text(&name));
	}
	return names;
}

/* Text that is JSON already, in one line: inside of its strings no line end stands as it is. */
static void add_json_line(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		buf_add_char(buf, text.p[i] == '\n' || text.p[i] == '\r' ? ' ' : text.p[i]);
}

/* The value stands in value; NaN and the infinities are no JSON. */
static void add_json_value(
	struct buf *buf, const struct query_result_column *column, struct str value)
{
	bool bare = query_print_is_number(column->type) || column->type == DUCKDB_TYPE_BOOLEAN ||
		    column->json;

	if (bare && query_print_is_number(column->type) && value.n &&
		(value.p[value.n - 1] == 'n' || value.p[value.n - 1] == 'f'))
		buf_add_text(buf, "null");
	else if (column->json)
		add_json_line(buf, value);
	else if (bare)
		buf_add_str(buf, value);
	else
		buf_add_json(buf, value);
}

static void add_json_row(struct buf *buf, const struct query_result *result,
	const struct print_vector *vectors, size_t row, char **names, struct buf *value)
{
	buf_add_char(buf, '{');
	for (size_t i = 0; i < result->columns; i++) {
		if (i)
			buf_add_char(buf, ',');
		buf_add_text(buf, names[i]);
		if (query_print_is_null(&vectors[i], row)) {
			buf_add_text(buf, "null");
			continue;
		}
		value->n = 0;
		query_print_value(value, &vectors[i], row);
		add_json_value(buf, &result->column[i], buf_str(value));
	}
	buf_add_char(buf, '}');
}

static void add_separated_row(struct buf *buf, const struct query_result *result,
	const struct print_vector *vectors, size_t row, struct buf *value)
{
	bool csv = result->output == QUERY_CSV;

	for (size_t i = 0; i < result->columns; i++) {
		if (i)
			buf_add_char(buf, csv ? ',' : '\t');
		if (query_print_is_null(&vectors[i], row))
			continue;
		value->n = 0;
		query_print_value(value, &vectors[i], row);
		if (csv)
			buf_add_csv(buf, buf_str(value));
		else
			add_tsv_text(buf, buf_str(value));
	}
	buf_add_text(buf, csv ? "\r\n" : "\n");
}

static void add_separated_header(struct buf *buf, const struct query_result *result)
{
	bool csv = result->output == QUERY_CSV;

	for (size_t i = 0; i < result->columns; i++) {
		if (i)
			buf_add_char(buf, csv ? ',' : '\t');
		if (csv)
			buf_add_csv(buf, str_from(result->column[i].name));
		else
			add_tsv_text(buf, str_from(result->column[i].name));
	}
	buf_add_text(buf, csv ? "\r\n" : "\n");
}

static void add_row(struct buf *buf, const struct query_result *result,
	const struct print_vector *vectors, size_t row, char **names, struct buf *value)
{
	if (result->output == QUERY_JSON || result->output == QUERY_JSONL) {
		if (result->output == QUERY_JSON)
			buf_add_text(buf, result->rows ? ",\n" : "[\n");
		add_json_row(buf, result, vectors, row, names, value);
		if (result->output == QUERY_JSONL)
			buf_add_char(buf, '\n');
	} else {
		add_separated_row(buf, result, vectors, row, value);
	}
}

static int print_rows(struct query_result *result, char **names, int fd, struct err *err)
{
	_cleanup_free_ struct print_vector *vectors =
		mem_new(result->columns + 1, sizeof(*vectors));
	_cleanup_buf_ struct buf buf = {0};
	_cleanup_buf_ struct buf value = {0};
	duckdb_data_chunk chunk;
	int r;

	if (result->output == QUERY_CSV || result->output == QUERY_TSV)
		add_separated_header(&buf, result);
	while ((r = query_result_next(result, &chunk, err)) == 0 && chunk) {
		size_t rows = duckdb_data_chunk_get_size(chunk);
		query_print_vectors(result, chunk, vectors);
		for (size_t row = 0; row < rows; row++) {
			add_row(&buf, result, vectors, row, names, &value);
			result->rows++;
		}
		duckdb_destroy_data_chunk(&chunk);
		if (buf.n >= WRITE_BYTES && (r = query_print_write(fd, &buf, err)) != 0)
			return r;
	}
	if (r == 0 && result->output == QUERY_JSON)
		buf_add_text(&buf, result->rows ? "\n]\n" : "[]\n");
	int written = query_print_write(fd, &buf, err);
	return r != 0 ? r : written;
}

/* Statements that change something say how many rows in a result of one number. */
static int count_changed(struct query_result *result, struct err *err)
{
	duckdb_data_chunk chunk;
	int64_t rows = -1;
	int r;

	while ((r = query_result_next(result, &chunk, err)) == 0 && chunk) {
		if (result->columns == 1 && result->column[0].type == DUCKDB_TYPE_BIGINT)
			rows = *(int64_t *)duckdb_vector_get_data(
				duckdb_data_chunk_get_vector(chunk, 0));
		duckdb_destroy_data_chunk(&chunk);
	}
	result->rows = rows;
	return r;
}

/* EXPLAIN draws with lines of its own: its last column as it is. */
static int print_plan(struct query_result *result, int fd, struct err *err)
{
	_cleanup_free_ struct print_vector *vectors =
		mem_new(result->columns + 1, sizeof(*vectors));
	_cleanup_buf_ struct buf buf = {0};
	duckdb_data_chunk chunk;
	int r;

	while ((r = query_result_next(result, &chunk, err)) == 0 && chunk) {
		query_print_vectors(result, chunk, vectors);
		for (size_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
			query_print_value(&buf, &vectors[result->columns - 1], row);
			buf_add_char(&buf, '\n');
		}
		duckdb_destroy_data_chunk(&chunk);
	}
	return r != 0 ? r : query_print_write(fd, &buf, err);
}

int query_result_print(
	struct query_result *result, unsigned terminal_columns, int fd, struct err *err)
{
	if (!result->has_rows)
		return count_changed(result, err);
	if (result->plan && result->output == QUERY_TABLE)
		return print_plan(result, fd, err);
	if (result->output == QUERY_TABLE)
		return query_print_table(result, terminal_columns, fd, err);
	char **names = make_json_names(result);
	int r = print_rows(result, names, fd, err);
	for (size_t i = 0; i < result->columns; i++)
		free(names[i]);
	free(names);
	return r;
}
