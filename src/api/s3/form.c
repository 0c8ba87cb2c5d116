#include "api/s3/post_priv.h"

#define BOUNDARY_MAX 256
#define HEADERS_MAX  4096

static int malformed(struct aws_error *error)
{
	return aws_error_default(error, AWS_ERROR_MALFORMED_POST_REQUEST);
}

/* The value of `name=` in a header with parameters, quotes taken off. */
static struct str parameter(struct str header, struct str name)
{
	struct str one;

	while (str_split(&header, ';', &one)) {
		one = str_trim(one);
		if (one.n <= name.n || one.p[name.n] != '=' ||
			!str_equal_ignoring_case((struct str){one.p, name.n}, name))
			continue;
		one = (struct str){one.p + name.n + 1, one.n - name.n - 1};
		if (one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"')
			one = (struct str){one.p + 1, one.n - 2};
		return one;
	}
	return STR_NONE;
}

int s3_form_init(struct s3_form_parser *parser, struct str content_type, struct aws_error *error)
{
	struct str boundary = parameter(content_type, STR("boundary"));
	struct str kind = STR("multipart/form-data");

	if (content_type.n < kind.n ||
		!str_equal_ignoring_case((struct str){content_type.p, kind.n}, kind))
		return aws_error_set(error, AWS_ERROR_PRECONDITION_FAILED,
			"Bucket POST must be of the enclosure-type multipart/form-data");
	if (!boundary.n || boundary.n > BOUNDARY_MAX)
		return malformed(error);
	buf_add_text(&parser->delimiter, "\r\n--");
	buf_add_str(&parser->delimiter, boundary);
	/* The first delimiter has no line before it. */
	buf_add_text(&parser->pending, "\r\n");
	return 0;
}

void s3_form_done(struct s3_form_parser *parser)
{
	buf_done(&parser->delimiter);
	buf_done(&parser->pending);
	buf_done(&parser->name);
	buf_done(&parser->file_name);
}

static void drop(struct s3_form_parser *parser, size_t n)
{
	parser->pending.n -= n;
	memmove(parser->pending.p, parser->pending.p + n, parser->pending.n);
}

static const char *find(const struct s3_form_parser *parser, struct str what)
{
	return parser->pending.n ? memmem(parser->pending.p, parser->pending.n, what.p, what.n)
				 : NULL;
}

/* 1: more can be done; 0: more bytes are needed. */
static int read_headers(struct s3_form_parser *parser, struct aws_error *error)
{
	struct str pending = buf_str(&parser->pending), rest, line, name;

	if (pending.n < 2)
		return 0;
	if (str_starts_with(pending, STR("--"))) {
		parser->state = S3_FORM_END;
		return 1;
	}
	const char *end = find(parser, STR("\r\n\r\n"));
	if (!end)
		return pending.n > HEADERS_MAX ? malformed(error) : 0;
	rest = (struct str){pending.p, (size_t)(end - pending.p)};
	parser->name.n = 0;
	parser->file_name.n = 0;
	bool is_file = false;
	while (str_split(&rest, '\n', &line)) {
		if (!str_split(&line, ':', &name) ||
			!str_equal_ignoring_case(str_trim(name), STR("content-disposition")))
			continue;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		struct str field = parameter(line, STR("name"));
		struct str file = parameter(line, STR("filename"));
		if (field.n)
			buf_add_str(&parser->name, field);
		if (file.n)
			buf_add_str(&parser->file_name, file);
	}
	if (!parser->name.n)
		return malformed(error);
	is_file = str_equal_ignoring_case(buf_str(&parser->name), STR("file"));
	drop(parser, (size_t)(end - pending.p) + 4);
	parser->state = is_file ? S3_FORM_FILE : S3_FORM_FIELD;
	if (is_file && parser->file(parser->context, buf_str(&parser->file_name), error) < 0)
		return -1;
	return 1;
}

static int read_field(struct s3_form_parser *parser, struct aws_error *error)
{
	const char *end = find(parser, buf_str(&parser->delimiter));

	if (parser->bytes + parser->pending.n > S3_FORM_BYTES_MAX && !end)
		return aws_error_default(error, AWS_ERROR_MAX_POST_PRE_DATA_LENGTH_EXCEEDED);
	if (!end)
		return 0;
	struct str value = {parser->pending.p, (size_t)(end - parser->pending.p)};
	parser->bytes += parser->name.n + value.n;
	if (parser->bytes > S3_FORM_BYTES_MAX)
		return aws_error_default(error, AWS_ERROR_MAX_POST_PRE_DATA_LENGTH_EXCEEDED);
	if (parser->field(parser->context, buf_str(&parser->name), value, error) < 0)
		return -1;
	drop(parser, value.n + parser->delimiter.n);
	parser->state = S3_FORM_HEADERS;
	return 1;
}

static int read_file(struct s3_form_parser *parser, struct aws_error *error)
{
	const char *end = find(parser, buf_str(&parser->delimiter));
	/* What may be the beginning of the delimiter waits. */
	size_t n = end ? (size_t)(end - parser->pending.p)
		   : parser->pending.n >= parser->delimiter.n
			   ? parser->pending.n - parser->delimiter.n + 1
			   : 0;

	if (n && parser->data(parser->context, (struct str){parser->pending.p, n}, error) < 0)
		return -1;
	drop(parser, n);
	if (end)
		parser->state = S3_FORM_END;
	return end != NULL;
}

static int step(struct s3_form_parser *parser, struct aws_error *error)
{
	const char *start;

	switch (parser->state) {
	case S3_FORM_PREAMBLE:
		start = find(parser, buf_str(&parser->delimiter));
		if (!start)
			return parser->pending.n > HEADERS_MAX ? malformed(error) : 0;
		drop(parser, (size_t)(start - parser->pending.p) + parser->delimiter.n);
		parser->state = S3_FORM_HEADERS;
		return 1;
	case S3_FORM_HEADERS:
		return read_headers(parser, error);
	case S3_FORM_FIELD:
		return read_field(parser, error);
	case S3_FORM_FILE:
		return read_file(parser, error);
	case S3_FORM_END:
		break;
	}
	return 0; /* fields behind the file do not count */
}

int s3_form_feed(struct s3_form_parser *parser, struct str bytes, struct aws_error *error)
{
	int more = 1;

	if (parser->state == S3_FORM_END)
		return 0;
	buf_add_str(&parser->pending, bytes);
	while (more > 0)
		more = step(parser, error);
	return more;
}
