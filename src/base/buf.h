/* buf: owned bytes that grow. A zeroed buf is empty and ready; buf_done frees and zeroes it.
 * Hot writers call buf_reserve once for a line and then write behind buf->n themselves. */
#pragma once

#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>

struct buf {
	char *p;
	size_t n;
	size_t capacity;
};

#define _cleanup_buf_ _cleanup_(buf_done)

void buf_done(struct buf *buf);
/* Room for at least more bytes behind buf->n. Returns the place, never
 * NULL. Aborts when there is no memory. */
char *buf_reserve(struct buf *buf, size_t more);
void buf_add(struct buf *buf, const void *bytes, size_t n);
void buf_add_char(struct buf *buf, char c);
void buf_add_str(struct buf *buf, struct str s);
void buf_add_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A field of a CSV file (RFC 4180), quoted where it must be, and when empty: nothing at all is
 * NULL. */
void buf_add_csv(struct buf *buf, struct str field);
/* A string of JSON (RFC 8259), with its quotes. text is UTF-8. */
void buf_add_json(struct buf *buf, struct str text);
/* The bytes as a str, valid until the next change. */
struct str buf_str(const struct buf *buf);
/* The bytes as a NUL-terminated string, valid until the next change. */
const char *buf_text(struct buf *buf);
