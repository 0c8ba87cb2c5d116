#include "record/unwrap.h"

#include "base/buf.h"

#include <jansson.h>
#include <stdio.h>

#define PEEK_BYTES ((size_t)64 << 10)

struct unwrap {
	struct input *input;
	struct buf lines; /* made, not yet read */
	size_t read;
	struct buf header; /* of the last object with fields */
	bool is_lines;     /* an object without fields came last: the default order counts */
};

/* A value of one word, so that it is one field. */
static void add_value(struct buf *line, const json_t *value)
{
	if (json_is_string(value) && json_string_length(value))
		buf_add(line, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		buf_printf(line, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		buf_printf(line, "%.0f", json_real_value(value));
	else
		buf_add_char(line, '-');
}

static bool has_line_end(struct str text)
{
	return text.n && (memchr(text.p, '\n', text.n) || memchr(text.p, '\r', text.n));
}

/* A line whose end is its only one: text of others cannot make two of it. */
static void add_line(struct buf *lines, struct str text)
{
	while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (text.n == 0)
		return;
	if (!has_line_end(text)) {
		buf_add_str(lines, text);
	} else {
		for (size_t i = 0; i < text.n; i++)
			buf_add_char(
				lines, text.p[i] == '\n' || text.p[i] == '\r' ? '\x01' : text.p[i]);
	}
	buf_add_char(lines, '\n');
}

/* Members as fields, below a header line when they are not those of the object before. */
static void add_fields(struct unwrap *unwrap, const json_t *object)
{
	_cleanup_buf_ struct buf header = {0}, line = {0};
	const char *separator = "", *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		buf_add_text(&header, separator);
		buf_add_text(&header, *name && !strpbrk(name, " \t\r\n") ? name : "unnamed");
		buf_add_text(&line, separator);
		add_value(&line, value);
		separator = " ";
	}
	if (header.n == 0)
		return;
	if (unwrap->is_lines || !str_equal(buf_str(&header), buf_str(&unwrap->header))) {
		add_line(&unwrap->lines, buf_str(&header));
		unwrap->header.n = 0;
		buf_add_str(&unwrap->header, buf_str(&header));
		unwrap->is_lines = false;
	}
	add_line(&unwrap->lines, buf_str(&line));
}

static bool add_message(struct unwrap *unwrap, const json_t *object)
{
	const json_t *message = json_object_get(object, "message");

	if (!json_is_string(message))
		return false;
	add_line(&unwrap->lines,
		(struct str){json_string_value(message), json_string_length(message)});
	unwrap->is_lines = true;
	return true;
}

static void add_json(struct unwrap *unwrap, const json_t *object)
{
	const json_t *events = json_object_get(object, "logEvents");

	if (add_message(unwrap, object))
		return;
	if (!json_is_array(events)) {
		add_fields(unwrap, object);
		return;
	}
	const char *type = json_string_value(json_object_get(object, "messageType"));
	if (type && strcmp(type, "CONTROL_MESSAGE") == 0)
		return;
	for (size_t i = 0; i < json_array_size(events); i++)
		add_message(unwrap, json_array_get(events, i));
}

/* One line of the input, its end included: JSON values, or what is not. */
static void add_input_line(struct unwrap *unwrap, struct str line)
{
	while (line.n) {
		json_error_t error;
		while (line.n && strchr(" \t\r\n", line.p[0]))
			line = (struct str){line.p + 1, line.n - 1};
		if (line.n == 0)
			return;
		json_t *value = line.p[0] == '{'
					? json_loadb(line.p, line.n, JSON_DISABLE_EOF_CHECK, &error)
					: NULL;
		if (!value) {
			add_line(&unwrap->lines, line);
			return;
		}
		add_json(unwrap, value);
		json_decref(value);
		size_t used = error.position > 0 ? (size_t)error.position : line.n;
		line = (struct str){line.p + used, line.n - used};
	}
}

/* Makes more lines; 0: the input has ended. */
static int refill(struct unwrap *unwrap, struct err *err)
{
	struct str bytes;
	const char *end = NULL;

	unwrap->lines.n = unwrap->read = 0;
	for (size_t want = PEEK_BYTES;; want *= 2) {
		if (input_peek(unwrap->input, want, &bytes, err) < 0)
			return -1;
		if (bytes.n == 0)
			return 0;
		end = memchr(bytes.p, '\n', bytes.n);
		if (end || bytes.n < want)
			break;
		if (want >= RECORD_UNWRAP_VALUE_MAX)
			return err_set(err, ERR_INPUT, "%s: a line of JSON of more than %zu bytes",
				input_name(unwrap->input), RECORD_UNWRAP_VALUE_MAX);
	}
	/* As many whole lines as there are, so that peeks are few. */
	size_t taken = 0;
	do {
		size_t n = end ? (size_t)(end + 1 - bytes.p) - taken : bytes.n - taken;
		add_input_line(unwrap, (struct str){bytes.p + taken, n});
		taken += n;
		end = taken < bytes.n ? memchr(bytes.p + taken, '\n', bytes.n - taken) : NULL;
	} while (end);
	input_skip(unwrap->input, taken);
	return 1;
}

static ssize_t read_lines(void *context, void *bytes, size_t n, struct err *err)
{
	struct unwrap *unwrap = context;

	while (unwrap->read == unwrap->lines.n) {
		int more = refill(unwrap, err);
		if (more <= 0)
			return more;
	}
	size_t left = unwrap->lines.n - unwrap->read, some = left < n ? left : n;
	memcpy(bytes, unwrap->lines.p + unwrap->read, some);
	unwrap->read += some;
	return (ssize_t)some;
}

static void close_lines(void *context)
{
	struct unwrap *unwrap = context;

	input_close(unwrap->input);
	buf_done(&unwrap->lines);
	buf_done(&unwrap->header);
	free(unwrap);
}

int record_unwrap(struct input **input, struct err *err)
{
	struct str bytes;

	if (input_peek(*input, 1, &bytes, err) < 0)
		return -1;
	if (bytes.n == 0 || bytes.p[0] != '{')
		return 0;
	struct unwrap *unwrap = mem_new(1, sizeof(*unwrap));
	_cleanup_free_ char *name = mem_strdup(input_name(*input));
	unwrap->input = take(*input);
	const struct input_source source = {
		.read = read_lines, .close = close_lines, .context = unwrap};
	return input_open_source(input, &source, name, err);
}
