/* A run of eight or more equal values that begins where a group of eight begins is an RLE run;
 * everything between such runs is bit-packed, eight values at a time. The last group is filled with
 * zeros: readers know how many values there are. */
#include "record/parquet_priv.h"

#include "record/thrift_priv.h"

#define GROUPS_MAX ((size_t)1 << 20) /* of one bit-packed run */

unsigned record_parquet_width(uint32_t count)
{
	return count <= 1 ? 0 : 32 - (unsigned)__builtin_clz(count - 1);
}

/* Groups of eight, lowest bits first. Room for the whole is there. */
static char *pack_groups(char *p, const uint32_t *values, size_t groups, unsigned width)
{
	for (; groups; groups--, values += 8) {
		uint64_t word = 0;
		unsigned bits = 0;

		for (int i = 0; i < 8; i++) {
			word |= (uint64_t)values[i] << bits;
			bits += width;
			if (bits >= 32) {
				uint32_t low = (uint32_t)word;
				memcpy(p, &low, 4);
				p += 4;
				word >>= 32;
				bits -= 32;
			}
		}
		for (; bits; bits -= 8, word >>= 8)
			*p++ = (char)word; /* eight values are whole bytes */
	}
	return p;
}

static void add_packed(struct buf *buf, const uint32_t *values, size_t count, unsigned width)
{
	while (count) {
		size_t groups = (count + 7) / 8;
		if (groups > GROUPS_MAX)
			groups = GROUPS_MAX;
		size_t whole = count / 8 < groups ? count / 8 : groups;

		thrift_varint(buf, groups << 1 | 1);
		char *p = buf_reserve(buf, groups * width + 8);
		p = pack_groups(p, values, whole, width);
		values += whole * 8;
		count -= whole * 8;
		if (whole < groups) {
			uint32_t rest[8] = {0};
			memcpy(rest, values, count * sizeof(*rest));
			p = pack_groups(p, rest, 1, width);
			count = 0;
		}
		buf->n = (size_t)(p - buf->p);
	}
}

static void add_run(struct buf *buf, uint32_t value, size_t count, unsigned width)
{
	thrift_varint(buf, (uint64_t)count << 1);
	buf_add(buf, &value, (width + 7) / 8);
}

void record_parquet_pack(struct buf *buf, const uint32_t *values, size_t count, unsigned width)
{
	size_t done = 0; /* values written */
	size_t i = 0;    /* a multiple of eight behind done, until the end */

	while (i < count) {
		size_t run = 1;
		while (i + run < count && values[i + run] == values[i])
			run++;
		/* a run that does not begin with a group gives its first values to that group */
		size_t skip = (8 - (i - done) % 8) % 8;
		if (run >= skip + 8) {
			i += skip;
			run -= skip;
			if (i > done)
				add_packed(buf, values + done, i - done, width);
			add_run(buf, values[i], run, width);
			done = i + run;
		} else {
			skip = 0;
		}
		i += run;
	}
	if (done < count)
		add_packed(buf, values + done, count - done, width);
}
