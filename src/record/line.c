#include "record/line.h"

#include "record/text.h"
#include "record/value_priv.h"

/* Bytes copied at a time: most of a line's texts are as short as one space. */
#define WIDE 16

static void add_step(struct record_line *line, size_t *count, size_t *begin, uint32_t field)
{
	line->steps[*count] = (struct record_line_step){(uint32_t)(line->text.n - *begin), field};
	*begin = line->text.n;
	++*count;
}

/* As record_text_line does, which writes a line of this field alone. */
static void add_fixed(struct record_line *line, uint8_t field, const struct record *record)
{
	const struct record_format alone = {1, {field}, line->format.version};

	record_text_line(&line->text, &alone, record);
	line->text.n--;
}

void record_line_prepare(struct record_line *line, const struct record_format *format,
	const struct record_interface *interface)
{
	const struct record any = {.interface = interface};
	size_t steps = 0;
	size_t begin = 0;

	line->format = *format;
	line->text.n = 0;
	line->start = line->end = (struct number_near){0};
	for (unsigned i = 0; i < format->count; i++) {
		uint8_t field = format->fields[i];
		if (i)
			buf_add_char(&line->text, ' ');
		if (record_value_is_fixed(field))
			add_fixed(line, field, &any);
		else
			add_step(line, &steps, &begin, field);
	}
	buf_add_char(&line->text, '\n');
	add_step(line, &steps, &begin, RECORD_FIELDS);
	buf_reserve(&line->text, WIDE);
	line->longest = line->text.n + steps * RECORD_VALUE_SHORT_MAX + WIDE;
}

/* May write up to WIDE bytes more. */
static inline char *write_wide(char *p, const char *text, size_t n)
{
	size_t written = 0;

	do {
		memcpy(p + written, text + written, WIDE);
		written += WIDE;
	} while (written < n);
	return p + n;
}

static inline char *write_value(char *p, struct record_value value)
{
	switch (value.kind) {
	case RECORD_VALUE_NUMBER:
		return number_write_wide(p, value.number);
	case RECORD_VALUE_ADDRESS:
		return ip_write(p, value.address);
	case RECORD_VALUE_WORD:
		memcpy(p, value.text.p, value.text.n);
		return p + value.text.n;
	case RECORD_VALUE_NONE:
	case RECORD_VALUE_TEXT: /* fixed, so that it is not of a step */
		break;
	}
	*p = '-';
	return p + 1;
}

void record_line_add(struct record_line *line, struct buf *buf, const struct record *record)
{
	if (record->status != RECORD_OK) {
		record_text_line(buf, &line->format, record);
		return;
	}
	const char *text = line->text.p;
	char *p = buf_reserve(buf, line->longest);
	for (const struct record_line_step *step = line->steps;; step++) {
		p = write_wide(p, text, step->n);
		text += step->n;
		if (step->field == RECORD_FIELDS)
			break;
		if (step->field == RECORD_START && record->start >= 0)
			p = number_write_near(&line->start, p, (uint64_t)record->start);
		else if (step->field == RECORD_END && record->end >= 0)
			p = number_write_near(&line->end, p, (uint64_t)record->end);
		else
			p = write_value(p, record_value_of_flow((enum record_field)step->field,
						   line->format.version, record));
	}
	buf->n = (size_t)(p - buf->p);
}

void record_line_done(struct record_line *line)
{
	buf_done(&line->text);
}
