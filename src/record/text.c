/* One reservation a line covers everything of known length; only the interface's own texts, which
 * are of any length, ask again. */
#include "record/text.h"

#include "record/value_priv.h"

/* Quotes, comma and colon around a value. */
#define AROUND_MAX 8

/* Room for text in its encoded form, each byte of it escaped once more, and for the rest of the
 * line, which was reserved before. */
static char *make_room(struct buf *buf, char *p, struct str text, size_t rest)
{
	buf->n = (size_t)(p - buf->p);
	return buf_reserve(buf, 2 * RECORD_VALUE_ENCODED_MAX(text.n) + rest);
}

static char *write_bytes(char *p, struct str bytes)
{
	memcpy(p, bytes.p, bytes.n);
	return p + bytes.n;
}

void record_text_line(
	struct buf *buf, const struct record_format *format, const struct record *record)
{
	size_t room = (size_t)format->count * (RECORD_VALUE_SHORT_MAX + AROUND_MAX);
	char *p = buf_reserve(buf, room);

	for (unsigned i = 0; i < format->count; i++) {
		enum record_field field = format->fields[i];
		struct record_value value = record_value_of(field, format->version, record);

		switch (value.kind) {
		case RECORD_VALUE_NONE:
			*p++ = '-';
			break;
		case RECORD_VALUE_NUMBER:
			p = number_write_wide(p, value.number);
			break;
		case RECORD_VALUE_ADDRESS:
			p = ip_write(p, value.address);
			break;
		case RECORD_VALUE_WORD:
			p = write_bytes(p, value.text);
			break;
		case RECORD_VALUE_TEXT:
			p = make_room(buf, p, value.text, room);
			p = record_value_encode(p, field, value.text);
			break;
		}
		*p++ = ' ';
	}
	p[-1] = '\n';
	buf->n = (size_t)(p - buf->p);
}

/* text at p, a backslash before what JSON wants escaped; encoded text has no control characters and
 * nothing beyond ASCII. */
static char *write_json_text(char *p, enum record_field field, struct str text)
{
	/* Encoded behind the longest escaped form, then moved forward. */
	char *from = p + RECORD_VALUE_ENCODED_MAX(text.n);
	const char *end = record_value_encode(from, field, text);

	for (; from < end; from++) {
		if (*from == '"' || *from == '\\')
			*p++ = '\\';
		*p++ = *from;
	}
	return p;
}

void record_json_line(
	struct buf *buf, const struct record_format *format, const struct record *record)
{
	size_t room = 2;

	for (unsigned i = 0; i < format->count; i++)
		room += record_fields[format->fields[i]].sql_name.n + RECORD_VALUE_SHORT_MAX +
			AROUND_MAX;
	char *p = buf_reserve(buf, room);
	for (unsigned i = 0; i < format->count; i++) {
		enum record_field field = format->fields[i];
		struct record_value value = record_value_of(field, format->version, record);

		*p++ = i ? ',' : '{';
		*p++ = '"';
		p = write_bytes(p, record_fields[field].sql_name);
		*p++ = '"';
		*p++ = ':';
		switch (value.kind) {
		case RECORD_VALUE_NONE:
			p = write_bytes(p, STR("null"));
			break;
		case RECORD_VALUE_NUMBER:
			p = number_write_wide(p, value.number);
			break;
		case RECORD_VALUE_ADDRESS:
			*p++ = '"';
			p = ip_write(p, value.address);
			*p++ = '"';
			break;
		case RECORD_VALUE_WORD:
			*p++ = '"';
			p = write_bytes(p, value.text);
			*p++ = '"';
			break;
		case RECORD_VALUE_TEXT:
			p = make_room(buf, p, value.text, room);
			*p++ = '"';
			p = write_json_text(p, field, value.text);
			*p++ = '"';
			break;
		}
	}
	*p++ = '}';
	*p++ = '\n';
	buf->n = (size_t)(p - buf->p);
}

void record_csv_header(struct buf *buf, const struct record_format *format)
{
	for (unsigned i = 0; i < format->count; i++) {
		buf_add_str(buf, i ? STR(",") : STR(""));
		buf_add_str(buf, record_fields[format->fields[i]].sql_name);
	}
	buf_add_str(buf, STR("\r\n"));
}

/* text at p, in quotes where RFC 4180 section 2 asks for them. */
static char *write_csv_text(char *p, enum record_field field, struct str text)
{
	char *from = p + RECORD_VALUE_ENCODED_MAX(text.n) + 1;
	const char *end = record_value_encode(from, field, text);
	size_t n = (size_t)(end - from);
	bool quoted = memchr(from, '"', n) || memchr(from, ',', n);

	if (!quoted) {
		memmove(p, from, n);
		return p + n;
	}
	*p++ = '"';
	for (; from < end; from++) {
		if (*from == '"')
			*p++ = '"';
		*p++ = *from;
	}
	*p++ = '"';
	return p;
}

void record_csv_line(
	struct buf *buf, const struct record_format *format, const struct record *record)
{
	size_t room = (size_t)format->count * (RECORD_VALUE_SHORT_MAX + AROUND_MAX) + 1;
	char *p = buf_reserve(buf, room);

	for (unsigned i = 0; i < format->count; i++) {
		enum record_field field = format->fields[i];
		struct record_value value = record_value_of(field, format->version, record);

		switch (value.kind) {
		case RECORD_VALUE_NONE:
			break;
		case RECORD_VALUE_NUMBER:
			p = number_write_wide(p, value.number);
			break;
		case RECORD_VALUE_ADDRESS:
			p = ip_write(p, value.address);
			break;
		case RECORD_VALUE_WORD:
			p = write_bytes(p, value.text);
			break;
		case RECORD_VALUE_TEXT:
			p = make_room(buf, p, value.text, room);
			p = write_csv_text(p, field, value.text);
			break;
		}
		*p++ = ',';
	}
	p[-1] = '\r';
	*p++ = '\n';
	buf->n = (size_t)(p - buf->p);
}
