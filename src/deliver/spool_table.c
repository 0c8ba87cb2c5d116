/* bodies | a byte a batch | table | footer
 *
 * The table is JSON: [{"name":"...","id":"...","size":1,"plain":0,"records":1,"crc32":1,"first":1,
 * "last":1}, ...], bodies in this order without gaps. The footer (FOOTER_SIZE bytes, numbers
 * little-endian): magic, size of the table, count of batches, CRC32 of the table, CRC32 of the
 * footer before it. The bytes of the batches are outside both CRCs: they change. Everything else is
 * checked, so that a file cut off or overwritten anywhere is found here or, in a body, by
 * spool_check. */
#include "aws/checksum.h"
#include "deliver/json_priv.h"
#include "deliver/spool_table_priv.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>

#define MAGIC "NGSPOOL1"

struct footer {
	char magic[8];
	uint32_t table_size, count, table_crc32, crc32;
};
static_assert(sizeof(struct footer) == 24, "format of the file");

void spool_table_add(struct buf *table, const struct spool_batch *batch)
{
	buf_add_text(table, table->n ? ",{\"name\":" : "[{\"name\":");
	deliver_json_add_string(table, str_from(batch->name));
	buf_printf(table,
		",\"id\":\"%s\",\"size\":%llu,\"plain\":%llu,\"records\":%u,\"crc32\":%u,\"first\":%lld,\"last\":%lld}",
		batch->id, (unsigned long long)batch->size, (unsigned long long)batch->plain_size,
		batch->records, batch->crc32, (long long)batch->first_ms,
		(long long)batch->last_ms);
}

void spool_table_end(struct buf *table, uint32_t count, struct buf *ret_end)
{
	struct footer footer = {.magic = MAGIC, .count = htole32(count)};

	buf_add_char(table, ']');
	assert(table->n <= SPOOL_TABLE_MAX); /* else nobody could read it again */
	footer.table_size = htole32((uint32_t)table->n);
	footer.table_crc32 = htole32(aws_crc32(0, table->p, table->n));
	footer.crc32 = htole32(aws_crc32(0, &footer, offsetof(struct footer, crc32)));
	memset(buf_reserve(ret_end, count), SPOOL_WAITING, count);
	ret_end->n += count;
	buf_add_str(ret_end, buf_str(table));
	buf_add(ret_end, &footer, sizeof(footer));
}

int spool_read_at(int fd, void *bytes, size_t n, uint64_t offset, struct err *err)
{
	for (char *p = bytes; n;) {
		ssize_t got = pread(fd, p, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "cannot read it");
		if (got == 0)
			return err_set(err, ERR_INPUT, "it is cut off");
		p += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

/* One row; the batch borrows the name from the row. */
static bool row_read(const json_t *row, struct spool_batch *ret_batch)
{
	const char *name, *id;
	json_int_t size, plain, records, crc32, first, last;

	if (json_unpack((json_t *)row, "{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "name", &name, "id",
		    &id, "size", &size, "plain", &plain, "records", &records, "crc32", &crc32,
		    "first", &first, "last", &last) < 0)
		return false;
	if (strlen(id) != SPOOL_ID_MAX || strspn(id, "0123456789abcdef") != SPOOL_ID_MAX ||
		size < 0 || plain < 0 || plain > (json_int_t)SPOOL_PLAIN_MAX || records < 0 ||
		records > UINT32_MAX || crc32 < 0 || crc32 > UINT32_MAX)
		return false;
	*ret_batch = (struct spool_batch){
		.name = name,
		.size = (uint64_t)size,
		.plain_size = (uint64_t)plain,
		.records = (uint32_t)records,
		.crc32 = (uint32_t)crc32,
		.first_ms = first,
		.last_ms = last,
	};
	memcpy(ret_batch->id, id, SPOOL_ID_MAX);
	return true;
}

static int rows_read(struct spool_table *table, uint64_t bodies_size, struct err *err)
{
	uint64_t offset = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		struct spool_batch *batch = &table->batches[i];
		if (!row_read(json_array_get(table->json, i), batch))
			return err_set(err, ERR_INPUT, "batch %u of its table is not one", i);
		if (batch->size > bodies_size - offset)
			return err_set(err, ERR_INPUT, "batch %u ends beyond it", i);
		batch->offset = offset;
		offset += batch->size;
		if (table->states[i] >= SPOOL_STATES)
			return err_set(
				err, ERR_INPUT, "batch %u has the state %u", i, table->states[i]);
		if (table->states[i] == SPOOL_WAITING)
			table->records += batch->records;
	}
	if (offset != bodies_size)
		return err_set(err, ERR_INPUT, "its batches end at byte %llu, not at %llu",
			(unsigned long long)offset, (unsigned long long)bodies_size);
	return 0;
}

static int footer_read(
	int fd, struct footer *ret_footer, uint64_t *ret_bodies_size, struct err *err)
{
	struct footer footer;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_set_errno(err, errno, "cannot read it");
	uint64_t size = (uint64_t)status.st_size;
	if (size < sizeof(footer))
		return err_set(err, ERR_INPUT, "it is cut off");
	if (spool_read_at(fd, &footer, sizeof(footer), size - sizeof(footer), err) < 0)
		return -1;
	if (memcmp(footer.magic, MAGIC, sizeof(footer.magic)) != 0)
		return err_set(err, ERR_INPUT, "it does not end as a file of the spool");
	if (le32toh(footer.crc32) != aws_crc32(0, &footer, offsetof(struct footer, crc32)))
		return err_set(err, ERR_INPUT, "its footer is damaged");
	footer.table_size = le32toh(footer.table_size);
	footer.count = le32toh(footer.count);
	footer.table_crc32 = le32toh(footer.table_crc32);
	uint64_t rest = sizeof(footer) + (uint64_t)footer.table_size + footer.count;
	if (footer.table_size > SPOOL_TABLE_MAX || footer.count > SPOOL_BATCHES_MAX || rest > size)
		return err_set(err, ERR_INPUT, "its table is larger than it may be");
	*ret_footer = footer;
	*ret_bodies_size = size - rest;
	return 0;
}

int spool_table_load(int fd, struct spool_table *ret_table, struct err *err)
{
	_cleanup_(spool_table_done) struct spool_table table = {0};
	_cleanup_free_ char *text = NULL;
	uint64_t bodies_size = 0;
	struct footer footer = {0};

	if (footer_read(fd, &footer, &bodies_size, err) < 0)
		return -1;
	table.count = footer.count;
	table.flags_start = bodies_size;
	table.states = mem_new((size_t)footer.count + 1, 1);
	table.batches = mem_new((size_t)footer.count + 1, sizeof(*table.batches));
	text = mem_new((size_t)footer.table_size + 1, 1);
	if (spool_read_at(fd, table.states, footer.count, bodies_size, err) < 0 ||
		spool_read_at(fd, text, footer.table_size, bodies_size + footer.count, err) < 0)
		return -1;
	if (aws_crc32(0, text, footer.table_size) != footer.table_crc32)
		return err_set(err, ERR_INPUT, "its table is damaged");
	table.json = json_loadb(text, footer.table_size, 0, NULL);
	if (!json_is_array((json_t *)table.json) || json_array_size(table.json) != footer.count)
		return err_set(err, ERR_INPUT, "its table is not one of %u batches", footer.count);
	if (rows_read(&table, bodies_size, err) < 0)
		return -1;
	*ret_table = table;
	table = (struct spool_table){0};
	return 0;
}

void spool_table_done(struct spool_table *table)
{
	json_decref(table->json);
	free(table->batches);
	free(table->states);
	*table = (struct spool_table){0};
}
