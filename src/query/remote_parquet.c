/* A copy is a sparse file of the object's size, to which DuckDB is pointed: the footer, and the
 * column chunks that statements have wanted so far, in their places. The columns are found in
 * DuckDB's plan of the statement, so that it reads nothing else; a chunk that is a hole would begin
 * with a page header without its required fields, which is an error and never rows.
 * Row groups whose statistics exclude the statement's conditions are left out of the copy's footer
 * while the statement runs: that footer is written behind the object's own, which comes back when
 * the file is cut to the object's size. */
#include "query/remote_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SMALL_BYTES   ((uint64_t)256 << 10) /* fetched whole: it costs no more than asking twice */
#define TAIL_BYTES    ((uint64_t)64 << 10)  /* of the first request, which most footers fit into */
#define GAP_BYTES     ((uint64_t)128 << 10) /* fetched to save a request */
#define FOOTER_MAX    ((uint64_t)64 << 20)
#define PADDING_BYTES 128

struct query_remote_parts {
	uint64_t footer_bytes;
	bool *is_there; /* a flag for each column of each row group */
	size_t count;
};

void query_remote_parts_free(struct query_remote_parts *parts)
{
	if (!parts)
		return;
	free(parts->is_there);
	free(parts);
}

struct copying {
	struct query_remote *remote;
	struct query_object *const *objects;
	const char *folder;
	const struct query_remote_want *want;
	struct range *ranges;
	size_t ranges_count, ranges_room;
};

/* ---- footers ---- */

static int write_at(int fd, const char *path, struct str bytes, uint64_t at, struct err *err)
{
	while (bytes.n) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno, "%s", path);
		at += (uint64_t)n;
		bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
	}
	return 0;
}

static int get_end(struct copying *copying, const struct query_object *object, uint64_t bytes,
	struct buf *buf, struct err *err)
{
	const struct query_remote_get get = {.object = object,
		.offset = object->size_bytes - bytes,
		.length = (size_t)bytes,
		.fd = -1,
		.is_peek = true};

	return query_remote_get(copying->remote, &get, buf, err);
}

/* The end of the object with the whole footer and its tail. 1: there is none. */
static int get_footer(struct copying *copying, const struct query_object *object, struct buf *buf,
	struct err *err)
{
	const uint64_t tail = RECORD_PARQUET_TAIL_BYTES;

	if (get_end(copying, object, TAIL_BYTES, buf, err) < 0)
		return -1;
	uint64_t length = record_parquet_footer_length(buf->p + buf->n - tail, object->size_bytes);
	if (length == 0 || length > FOOTER_MAX)
		return 1;
	if (length + tail > buf->n)
		return get_end(copying, object, length + tail, buf, err);
	memmove(buf->p, buf->p + buf->n - length - tail, length + tail);
	buf->n = length + tail;
	return 0;
}

static int make_sparse(
	struct copying *copying, struct query_object *object, struct str footer, struct err *err)
{
	_cleanup_free_ char *path = mem_printf(
		"%s/%016llx.parquet", copying->folder, (unsigned long long)object->inode);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set_errno(
			err, errno, "a copy of %s in %s", object->path, copying->folder);
	if (write_at(fd, path, STR("PAR1"), 0, err) < 0 ||
		write_at(fd, path, footer, object->size_bytes - footer.n, err) < 0) {
		unlink(path);
		return -1;
	}
	object->remote->copy = take(path);
	return 0;
}

static int copy_footer(void *context, size_t index, struct err *err)
{
	struct copying *copying = context;
	struct query_object *object = copying->objects[index];
	struct record_parquet_footer footer = {.bytes = STR_NONE};
	_cleanup_buf_ struct buf bytes = {0};
	int r = object->size_bytes <= SMALL_BYTES ? 1 : get_footer(copying, object, &bytes, err);

	if (r < 0)
		return -1;
	if (r == 0) {
		struct str text = {bytes.p, bytes.n - RECORD_PARQUET_TAIL_BYTES};
		r = record_parquet_footer_parse(&footer, text, object->size_bytes, NULL) < 0;
	}
	/* DuckDB will say what it thinks of it */
	if (r > 0)
		return query_remote_copy(copying->remote, &object, 1, copying->folder, err);
	struct query_remote_parts *parts = mem_new(1, sizeof(*parts));
	parts->footer_bytes = bytes.n;
	parts->count = footer.groups_count * footer.columns_count;
	parts->is_there = mem_new(parts->count + 1, sizeof(bool));
	record_parquet_footer_done(&footer);
	query_remote_parts_free(object->remote->parts);
	object->remote->parts = parts;
	return make_sparse(copying, object, buf_str(&bytes), err);
}

int query_remote_copy_footers(struct query_remote *remote, struct query_object *const *objects,
	size_t count, const char *folder, struct err *err)
{
	struct copying copying = {.remote = remote, .objects = objects, .folder = folder};

	return query_remote_each(count, copy_footer, &copying, err);
}

/* ---- parts ---- */

/* What one request fetches, and which flags that sets. */
struct range {
	struct query_object *object;
	uint64_t offset, end;
};

static int read_footer(const struct query_object *object, int fd, struct buf *bytes,
	struct record_parquet_footer *ret_footer, struct err *err)
{
	const struct query_remote_parts *parts = object->remote->parts;
	size_t n = (size_t)parts->footer_bytes;
	char *p = buf_reserve(bytes, n);

	if (pread(fd, p, n, (off_t)(object->size_bytes - n)) != (ssize_t)n)
		return err_set(err, ERR_SYSTEM, "the copy of %s is damaged", object->path);
	bytes->n += n;
	return record_parquet_footer_parse(ret_footer,
		(struct str){bytes->p, n - RECORD_PARQUET_TAIL_BYTES}, object->size_bytes, err);
}

static void add_range(
	struct copying *copying, struct query_object *object, struct record_parquet_extent extent)
{
	if (extent.bytes == 0)
		return;
	if (copying->ranges_count == copying->ranges_room) {
		copying->ranges_room = copying->ranges_room ? 2 * copying->ranges_room : 64;
		copying->ranges =
			mem_grow(copying->ranges, copying->ranges_room, sizeof(*copying->ranges));
	}
	copying->ranges[copying->ranges_count++] =
		(struct range){object, extent.offset, extent.offset + extent.bytes};
}

/* Some old writers leave the head of the dictionary out of the length (PARQUET-816). */
static void add_pages(struct copying *copying, struct query_object *object,
	const struct record_parquet_footer *footer, const struct record_parquet_part *part)
{
	struct record_parquet_extent extent = part->pages;
	uint64_t end = object->size_bytes - footer->bytes.n - RECORD_PARQUET_TAIL_BYTES;
	uint64_t left = end - extent.offset - extent.bytes;

	extent.bytes += left < PADDING_BYTES ? left : PADDING_BYTES;
	add_range(copying, object, extent);
}

/* A writer that does not say how long a bloom filter is: all up to what begins next. */
static void add_bloom(struct copying *copying, struct query_object *object,
	const struct record_parquet_footer *footer, const struct record_parquet_part *part)
{
	struct record_parquet_extent extent = part->bloom;
	uint64_t end = object->size_bytes - footer->bytes.n - RECORD_PARQUET_TAIL_BYTES;

	if (extent.offset && !extent.bytes) {
		uint64_t next = end;
		for (size_t i = 0; i < footer->groups_count * footer->columns_count; i++) {
			const struct record_parquet_part *other = &footer->parts[i];
			if (other->pages.offset > extent.offset && other->pages.offset < next)
				next = other->pages.offset;
			if (other->bloom.offset > extent.offset && other->bloom.offset < next)
				next = other->bloom.offset;
		}
		extent.bytes = next - extent.offset;
	}
	if (extent.offset)
		add_range(copying, object, extent);
}

static void add_wanted(struct copying *copying, struct query_object *object,
	const struct record_parquet_footer *footer, const bool *kept)
{
	const struct query_remote_want *want = copying->want;
	struct query_remote_parts *parts = object->remote->parts;

	for (size_t g = 0; g < footer->groups_count; g++)
		for (size_t c = 0; kept[g] && c < footer->columns_count; c++) {
			size_t i = g * footer->columns_count + c;
			const struct record_parquet_part *part = &footer->parts[i];
			if (parts->is_there[i] ||
				(want && !want->column(want->context, part->name)))
				continue;
			add_pages(copying, object, footer, part);
			add_bloom(copying, object, footer, part);
			parts->is_there[i] = true; /* or the statement fails */
		}
}

static int set_footer(struct query_object *object, int fd,
	const struct record_parquet_footer *footer, const bool *kept, struct err *err)
{
	_cleanup_buf_ struct buf cut = {0};
	bool all = true;

	for (size_t g = 0; g < footer->groups_count; g++)
		all = all && kept[g];
	if (ftruncate(fd, (off_t)object->size_bytes) < 0)
		return err_set_errno(err, errno, "%s", object->remote->copy);
	if (all)
		return 0;
	record_parquet_footer_print(&cut, footer, kept);
	return write_at(fd, object->remote->copy, buf_str(&cut), object->size_bytes, err);
}

/* What is wanted of one object becomes ranges, and its footer that of the statement. */
static int plan_object(struct copying *copying, struct query_object *object, struct err *err)
{
	const struct query_remote_want *want = copying->want;
	_cleanup_close_ int fd = open(object->remote->copy, O_RDWR | O_CLOEXEC);
	_cleanup_buf_ struct buf bytes = {0};
	struct record_parquet_footer footer = {.bytes = STR_NONE};

	if (fd < 0)
		return err_set_errno(err, errno, "the copy of %s", object->path);
	if (read_footer(object, fd, &bytes, &footer, err) < 0)
		return -1;
	_cleanup_free_ bool *kept = mem_new(footer.groups_count + 1, sizeof(*kept));
	for (size_t g = 0; g < footer.groups_count; g++)
		kept[g] = !want ||
			  want->group(want->context, object,
				  &footer.parts[g * footer.columns_count], footer.columns_count);
	add_wanted(copying, object, &footer, kept);
	int r = set_footer(object, fd, &footer, kept, err);
	record_parquet_footer_done(&footer);
	return r;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	if (left->object != right->object)
		return left->object < right->object ? -1 : 1;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* Those that lie close together become one, up to the size of a part; larger ones are cut. */
static void merge_ranges(struct copying *copying)
{
	struct range *all = copying->ranges;
	size_t count = copying->ranges_count;

	if (count == 0)
		return;
	copying->ranges = NULL;
	copying->ranges_count = copying->ranges_room = 0;
	qsort(all, count, sizeof(*all), compare_ranges);
	for (size_t i = 0; i < count;) {
		struct range whole = all[i++];
		while (i < count && all[i].object == whole.object &&
			all[i].offset <= whole.end + GAP_BYTES) {
			whole.end = all[i].end > whole.end ? all[i].end : whole.end;
			i++;
		}
		for (uint64_t at = whole.offset; at < whole.end; at += REMOTE_PART_BYTES) {
			uint64_t left = whole.end - at;
			add_range(copying, whole.object,
				(struct record_parquet_extent){
					at, left < REMOTE_PART_BYTES ? left : REMOTE_PART_BYTES});
		}
	}
	free(all);
}

static int fetch_range(void *context, size_t index, struct err *err)
{
	struct copying *copying = context;
	const struct range *range = &copying->ranges[index];
	_cleanup_close_ int fd = open(range->object->remote->copy, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, errno, "the copy of %s", range->object->path);
	const struct query_remote_get get = {.object = range->object,
		.offset = range->offset,
		.length = (size_t)(range->end - range->offset),
		.fd = fd,
		.is_peek = true};
	return query_remote_get(copying->remote, &get, NULL, err);
}

/* Of what failed nothing is known to be there. */
static void forget_parts(struct copying *copying, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct query_remote_parts *parts = copying->objects[i]->remote->parts;
		if (parts)
			memset(parts->is_there, 0, parts->count * sizeof(*parts->is_there));
	}
}

int query_remote_copy_parts(struct query_remote *remote, struct query_object *const *objects,
	size_t count, const char *folder, const struct query_remote_want *want, struct err *err)
{
	struct copying copying = {
		.remote = remote, .objects = objects, .folder = folder, .want = want};
	uint64_t bytes = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		if (objects[i]->remote->parts)
			r = plan_object(&copying, objects[i], err);
	merge_ranges(&copying);
	for (size_t i = 0; i < copying.ranges_count; i++)
		bytes += copying.ranges[i].end - copying.ranges[i].offset;
	if (r == 0 && bytes)
		r = query_remote_check_room(folder, bytes, err);
	if (r == 0 && bytes) {
		query_remote_expect(remote, bytes, 0);
		r = query_remote_each(copying.ranges_count, fetch_range, &copying, err);
	}
	free(copying.ranges);
	if (r < 0)
		forget_parts(&copying, count);
	return r;
}
