#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_done(struct buf *buf)
{
	free(buf->p);
	*buf = (struct buf){0};
}

char *buf_reserve(struct buf *buf, size_t more)
{
	if (buf->capacity - buf->n < more || !buf->p) {
		size_t capacity = buf->capacity ? buf->capacity * 2 : 256;
		if (capacity < buf->n + more)
			capacity = buf->n + more;
		buf->p = mem_grow(buf->p, capacity, 1);
		buf->capacity = capacity;
	}
	return buf->p + buf->n;
}

void buf_add(struct buf *buf, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(buf, n), bytes, n);
	buf->n += n;
}

void buf_add_char(struct buf *buf, char c)
{
	*buf_reserve(buf, 1) = c;
	buf->n++;
}

void buf_add_str(struct buf *buf, struct str s)
{
	buf_add(buf, s.p, s.n);
}

void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (n <= 0)
		return;
	char *place = buf_reserve(buf, (size_t)n + 1);
	va_start(arguments, format);
	vsnprintf(place, (size_t)n + 1, format, arguments);
	va_end(arguments);
	buf->n += (size_t)n;
}

void buf_add_csv(struct buf *buf, struct str field)
{
	bool is_quoted = field.n == 0;

	for (size_t i = 0; i < field.n && !is_quoted; i++)
		is_quoted = memchr(",\"\r\n", field.p[i], 4) != NULL;
	if (!is_quoted) {
		buf_add_str(buf, field);
		return;
	}
	buf_add_char(buf, '"');
	for (size_t i = 0; i < field.n; i++) {
		if (field.p[i] == '"')
			buf_add_char(buf, '"');
		buf_add_char(buf, field.p[i]);
	}
	buf_add_char(buf, '"');
}

void buf_add_json(struct buf *buf, struct str text)
{
	size_t start = 0;

	buf_add_char(buf, '"');
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c >= ' ' && c != '"' && c != '\\' && c != 127)
			continue;
		buf_add_str(buf, (struct str){text.p + start, i - start});
		start = i + 1;
		if (c == '\n' || c == '\t' || c == '"' || c == '\\') {
			buf_add_char(buf, '\\');
			buf_add_char(buf, c == '\n' ? 'n' : c == '\t' ? 't' : (char)c);
		} else {
			buf_printf(buf, "\\u%04x", c);
		}
	}
	if (start < text.n)
		buf_add_str(buf, (struct str){text.p + start, text.n - start});
	buf_add_char(buf, '"');
}

struct str buf_str(const struct buf *buf)
{
	return (struct str){buf->p, buf->n};
}

const char *buf_text(struct buf *buf)
{
	*buf_reserve(buf, 1) = '\0';
	return buf->p;
}
