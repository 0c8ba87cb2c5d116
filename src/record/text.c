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

enum form { FORM_TEXT, FORM_JSON, FORM_CSV };

static __attribute__((always_inline)) inline char *write_value(struct buf *buf, char *p,
	enum form form, enum record_field field, const struct record_value *value, size_t room)
{
	bool quoted = form == FORM_JSON && value->kind != RECORD_VALUE_NONE &&
		      value->kind != RECORD_VALUE_NUMBER;

	if (value->kind == RECORD_VALUE_TEXT)
		p = make_room(buf, p, value->text, room);
	if (quoted)
		*p++ = '"';
	switch (value->kind) {
	case RECORD_VALUE_NONE:
		p = write_bytes(p, form == FORM_JSON   ? STR("null")
				   : form == FORM_TEXT ? STR("-")
						       : STR(""));
		break;
	case RECORD_VALUE_NUMBER:
		p = number_write_wide(p, value->number);
		break;
	case RECORD_VALUE_ADDRESS:
		p = ip_write(p, value->address);
		break;
	case RECORD_VALUE_WORD:
		p = write_bytes(p, value->text);
		break;
	case RECORD_VALUE_TEXT:
		p = form == FORM_JSON  ? write_json_text(p, field, value->text)
		    : form == FORM_CSV ? write_csv_text(p, field, value->text)
				       : record_value_encode(p, field, value->text);
		break;
	}
	if (quoted)
		*p++ = '"';
	return p;
}

/* Made three times by the compiler, each without the others' branches. */
static __attribute__((always_inline)) inline void write_line(struct buf *buf, enum form form,
	const struct record_format *format, const struct record *record)
{
	size_t room = (size_t)format->count * (RECORD_VALUE_SHORT_MAX + AROUND_MAX) + 2;

	for (unsigned i = 0; form == FORM_JSON && i < format->count; i++)
		room += record_fields[format->fields[i]].sql_name.n;
	char *p = buf_reserve(buf, room);
	for (unsigned i = 0; i < format->count; i++) {
		enum record_field field = format->fields[i];
		struct record_value value = record_value_of(field, format->version, record);

		if (form == FORM_JSON) {
			*p++ = i ? ',' : '{';
			*p++ = '"';
			p = write_bytes(p, record_fields[field].sql_name);
			*p++ = '"';
			*p++ = ':';
		} else if (i) {
			*p++ = form == FORM_CSV ? ',' : ' ';
		}
		p = write_value(buf, p, form, field, &value, room);
	}
	if (form != FORM_TEXT)
		*p++ = form == FORM_JSON ? '}' : '\r';
	*p++ = '\n';
	buf->n = (size_t)(p - buf->p);
}

void record_text_line(
	struct buf *buf, const struct record_format *format, const struct record *record)
{
	write_line(buf, FORM_TEXT, format, record);
}

void record_json_line(
	struct buf *buf, const struct record_format *format, const struct record *record)
{
	write_line(buf, FORM_JSON, format, record);
}

void record_csv_line(
	struct buf *buf, const struct record_format *format, const struct record *record)
{
	write_line(buf, FORM_CSV, format, record);
}

void record_csv_header(struct buf *buf, const struct record_format *format)
{
	for (unsigned i = 0; i < format->count; i++) {
		buf_add_str(buf, i ? STR(",") : STR(""));
		buf_add_str(buf, record_fields[format->fields[i]].sql_name);
	}
	buf_add_str(buf, STR("\r\n"));
}
