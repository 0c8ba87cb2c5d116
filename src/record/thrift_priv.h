/* thrift: writing Thrift's compact protocol, in which Parquet keeps its metadata (Apache Thrift,
 * doc/specs/thrift-compact-protocol.md). Fields must come in rising order of their ids. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum thrift_type {
	THRIFT_TRUE = 1,
	THRIFT_FALSE = 2,
	THRIFT_BYTE = 3,
	THRIFT_I16 = 4,
	THRIFT_I32 = 5,
	THRIFT_I64 = 6,
	THRIFT_BINARY = 8,
	THRIFT_LIST = 9,
	THRIFT_STRUCT = 12,
};

static inline void thrift_varint(struct buf *buf, uint64_t value)
{
	char *p = buf_reserve(buf, 10);

	for (; value >= 0x80; value >>= 7)
		*p++ = (char)(value | 0x80);
	*p++ = (char)value;
	buf->n = (size_t)(p - buf->p);
}

static inline void thrift_zigzag(struct buf *buf, int64_t value)
{
	thrift_varint(buf, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

/* *last is the id of the field before, 0 at the start of a struct. */
static inline void thrift_field(struct buf *buf, int *last, int id, enum thrift_type type)
{
	int delta = id - *last;

	if (delta > 0 && delta <= 15) {
		buf_add_char(buf, (char)(delta << 4 | (int)type));
	} else {
		buf_add_char(buf, (char)type);
		thrift_zigzag(buf, id);
	}
	*last = id;
}

static inline void thrift_i32(struct buf *buf, int *last, int id, int32_t value)
{
	thrift_field(buf, last, id, THRIFT_I32);
	thrift_zigzag(buf, value);
}

static inline void thrift_i64(struct buf *buf, int *last, int id, int64_t value)
{
	thrift_field(buf, last, id, THRIFT_I64);
	thrift_zigzag(buf, value);
}

static inline void thrift_bool(struct buf *buf, int *last, int id, bool value)
{
	thrift_field(buf, last, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

/* The bytes alone, as in a list. */
static inline void thrift_bytes(struct buf *buf, struct str value)
{
	thrift_varint(buf, value.n);
	buf_add_str(buf, value);
}

static inline void thrift_binary(struct buf *buf, int *last, int id, struct str value)
{
	thrift_field(buf, last, id, THRIFT_BINARY);
	thrift_bytes(buf, value);
}

static inline void thrift_list(
	struct buf *buf, int *last, int id, enum thrift_type type, size_t count)
{
	thrift_field(buf, last, id, THRIFT_LIST);
	if (count < 15) {
		buf_add_char(buf, (char)((int)count << 4 | (int)type));
	} else {
		buf_add_char(buf, (char)(0xf0 | (int)type));
		thrift_varint(buf, count);
	}
}

/* Begins a struct that is a field; its own fields count from 0. */
static inline void thrift_struct(struct buf *buf, int *last, int id)
{
	thrift_field(buf, last, id, THRIFT_STRUCT);
}

static inline void thrift_end(struct buf *buf)
{
	buf_add_char(buf, 0);
}

/* A struct without fields: what unions of Parquet hold where only the kind matters. */
static inline void thrift_empty_struct(struct buf *buf, int *last, int id)
{
	thrift_struct(buf, last, id);
	thrift_end(buf);
}
