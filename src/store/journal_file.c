/* The files of a journal: frames, segments, the batches that are remembered. */
#include "store/journal_priv.h"

#include "aws/checksum.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* ---- frames ---- */

static void frame(struct buf *frame, struct journal_header header, struct str lengths)
{
	header.magic = JOURNAL_MAGIC;
	header.format = JOURNAL_FORMAT;
	buf_add(frame, &header, sizeof(header));
	buf_add_str(frame, lengths);
}

static void end_frame(struct buf *frame)
{
	struct journal_header *header = (struct journal_header *)(void *)frame->p;

	header->body_size = (uint32_t)(frame->n - sizeof(*header));
	header->body_crc = aws_crc32c(0, frame->p + sizeof(*header), header->body_size);
}

void journal_frame_put(struct buf *ret_frame, const struct store_journal_put *put)
{
	_cleanup_free_ uint32_t *lengths = mem_new(put->count, sizeof(*lengths));
	struct journal_header header = {
		.time_ms = put->now_ms, .count = (uint32_t)put->count, .kind = JOURNAL_PUT};
	size_t bytes = sizeof(header) + put->count * sizeof(*lengths);

	for (size_t i = 0; i < put->count; i++) {
		lengths[i] = (uint32_t)put->records[i].n;
		bytes += put->records[i].n;
	}
	if (put->batch)
		memcpy(header.batch, put->batch, sizeof(header.batch));
	buf_reserve(ret_frame, bytes);
	frame(ret_frame, header,
		(struct str){(const char *)lengths, put->count * sizeof(*lengths)});
	for (size_t i = 0; i < put->count; i++)
		buf_add_str(ret_frame, put->records[i]);
	end_frame(ret_frame);
}

void journal_frame_head(struct buf *ret_frame, struct str head, int64_t now_ms)
{
	frame(ret_frame, (struct journal_header){.time_ms = now_ms, .kind = JOURNAL_HEAD}, head);
	end_frame(ret_frame);
}

static uint32_t header_crc(const struct journal_header *header)
{
	size_t from = offsetof(struct journal_header, body_crc);

	return aws_crc32c(0, (const char *)header + from, sizeof(*header) - from);
}

void journal_frame_seal(struct buf *ret_frame, uint64_t segment)
{
	struct journal_header *header = (struct journal_header *)(void *)ret_frame->p;

	header->segment = segment;
	header->header_crc = header_crc(header);
}

/* Do the lengths add up to the body? */
static bool lengths_good(const struct journal_header *header, const uint8_t *body)
{
	uint64_t sum = (uint64_t)header->count * sizeof(uint32_t);

	if (header->kind == JOURNAL_HEAD)
		return header->count == 0;
	if (header->kind != JOURNAL_PUT || sum > header->body_size)
		return false;
	for (uint32_t i = 0; i < header->count; i++) {
		uint32_t length;
		memcpy(&length, body + i * sizeof(length), sizeof(length));
		sum += length;
	}
	return sum == header->body_size;
}

static bool frame_good(
	const uint8_t *p, uint64_t n, uint64_t segment, struct journal_header *ret_header)
{
	if (n < sizeof(*ret_header))
		return false;
	memcpy(ret_header, p, sizeof(*ret_header));
	return ret_header->magic == JOURNAL_MAGIC && ret_header->format == JOURNAL_FORMAT &&
	       ret_header->segment == segment && ret_header->header_crc == header_crc(ret_header) &&
	       ret_header->body_size <= n - sizeof(*ret_header) &&
	       ret_header->body_crc ==
		       aws_crc32c(0, p + sizeof(*ret_header), ret_header->body_size) &&
	       lengths_good(ret_header, p + sizeof(*ret_header));
}

uint64_t journal_walk(const uint8_t *map, uint64_t size, uint64_t segment,
	int (*visit)(void *context, const struct journal_header *header, const uint8_t *body),
	void *context, int *ret_result)
{
	const uint32_t magic = JOURNAL_MAGIC;
	struct journal_header header;
	uint64_t at = 0, damaged = 0;

	*ret_result = 0;
	while (at < size && *ret_result == 0) {
		if (frame_good(map + at, size - at, segment, &header)) {
			*ret_result = visit(context, &header, map + at + sizeof(header));
			at += sizeof(header) + header.body_size;
			continue;
		}
		/* The next that is good. */
		damaged++;
		do {
			const uint8_t *next =
				memmem(map + at + 1, size - at - 1, &magic, sizeof(magic));
			at = next ? (uint64_t)(next - map) : size;
		} while (at < size && !frame_good(map + at, size - at, segment, &header));
	}
	return damaged;
}

int journal_frame_records(const struct journal_header *header, const uint8_t *body,
	int (*visit)(void *context, struct str record), void *context)
{
	const uint8_t *p = body + header->count * sizeof(uint32_t);

	for (uint32_t i = 0; i < header->count; i++) {
		uint32_t length;
		memcpy(&length, body + i * sizeof(length), sizeof(length));
		if (visit(context, (struct str){(const char *)p, length}) < 0)
			return -1;
		p += length;
	}
	return 0;
}

/* ---- files ---- */

char *journal_path(const char *folder, uint64_t number)
{
	return mem_printf("%s/%020" PRIu64 ".segment", folder, number);
}

bool journal_parse_name(const char *name, uint64_t *ret_number)
{
	char *end;

	if (strlen(name) != 28 || strspn(name, "0123456789") != 20 ||
		strcmp(name + 20, ".segment") != 0)
		return false;
	*ret_number = strtoull(name, &end, 10);
	return *ret_number < UINT64_MAX;
}

int journal_map(const char *path, uint64_t *ret_size, const uint8_t **ret_map, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_set_errno(err, errno, "%s", path);
	*ret_size = (uint64_t)status.st_size;
	*ret_map = NULL;
	if (status.st_size == 0)
		return 0;
	void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_set_errno(err, errno, "%s", path);
	*ret_map = map;
	return 0;
}

int journal_sync_folder(const char *folder, struct err *err)
{
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? err_set_errno(err, errno, "%s", folder) : 0;
}

void journal_segment_note(struct journal_segment *segment, const struct journal_header *header)
{
	static const uint8_t none[STORE_JOURNAL_BATCH_SIZE];

	if (!segment->first_ms)
		segment->first_ms = header->time_ms;
	segment->records += header->count;
	segment->bytes += header->body_size - header->count * sizeof(uint32_t);
	if (memcmp(header->batch, none, sizeof(none)) == 0)
		return;
	/* Grown by doubling. */
	if ((segment->batch_count & (segment->batch_count - 1)) == 0)
		segment->batches = mem_grow(segment->batches,
			segment->batch_count ? 2 * segment->batch_count : 1,
			sizeof(*segment->batches));
	memcpy(segment->batches[segment->batch_count++], header->batch, sizeof(header->batch));
}

static int load_frame(void *context, const struct journal_header *header, const uint8_t *body)
{
	struct journal_segment *segment = context;

	if (header->kind == JOURNAL_PUT)
		journal_segment_note(segment, header);
	else if (!segment->head.n)
		buf_add(&segment->head, body, header->body_size);
	return 0;
}

int journal_segment_load(
	struct journal_segment **ret_segment, const char *folder, uint64_t number, struct err *err)
{
	_cleanup_free_ char *path = journal_path(folder, number);
	const uint8_t *map = NULL;
	uint64_t size = 0;
	int result;

	if (journal_map(path, &size, &map, err) < 0)
		return -1;
	struct journal_segment *segment = mem_new(1, sizeof(*segment));
	segment->number = number;
	segment->size = size;
	if (map) {
		journal_walk(map, size, number, load_frame, segment, &result);
		munmap((void *)(uintptr_t)map, size);
	}
	*ret_segment = segment;
	return 0;
}

void journal_segment_free(struct journal_segment *segment)
{
	if (!segment)
		return;
	buf_done(&segment->head);
	free(segment->batches);
	free(segment);
}

/* ---- batches ---- */

void journal_batches_add(struct journal_batches *batches, const uint8_t *id)
{
	if (!batches->ids)
		batches->ids = mem_new(STORE_JOURNAL_BATCHES, sizeof(*batches->ids));
	memcpy(batches->ids[batches->next], id, sizeof(*batches->ids));
	batches->next = (batches->next + 1) % STORE_JOURNAL_BATCHES;
	if (batches->count < STORE_JOURNAL_BATCHES)
		batches->count++;
}

bool journal_batches_have(const struct journal_batches *batches, const uint8_t *id)
{
	for (size_t i = 0; i < batches->count; i++)
		if (memcmp(batches->ids[i], id, sizeof(*batches->ids)) == 0)
			return true;
	return false;
}

int journal_batches_load(struct journal_batches *batches, const char *folder, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/batches", folder);
	_cleanup_buf_ struct buf bytes = {0};
	uint32_t crc;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (file_read(path, sizeof(crc) + sizeof(*batches->ids) * STORE_JOURNAL_BATCHES, &bytes,
		    err) < 0)
		return -1;
	if (bytes.n < sizeof(crc))
		return 0;
	memcpy(&crc, bytes.p, sizeof(crc));
	if ((bytes.n - sizeof(crc)) % sizeof(*batches->ids) ||
		crc != aws_crc32c(0, bytes.p + sizeof(crc), bytes.n - sizeof(crc)))
		return 0;
	for (size_t at = sizeof(crc); at < bytes.n; at += sizeof(*batches->ids))
		journal_batches_add(batches, (const uint8_t *)bytes.p + at);
	return 0;
}

int journal_batches_save(const struct journal_batches *batches, const char *folder, struct err *err)
{
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;
	_cleanup_free_ char *path = mem_printf("%s/batches", folder);
	_cleanup_buf_ struct buf ids = {0};
	size_t start = batches->count < STORE_JOURNAL_BATCHES ? 0 : batches->next;

	for (size_t i = 0; i < batches->count; i++)
		buf_add(&ids, batches->ids[(start + i) % STORE_JOURNAL_BATCHES],
			sizeof(*batches->ids));
	uint32_t crc = aws_crc32c(0, ids.p, ids.n);
	return file_draft_open(&draft, path, err) < 0 ||
			       file_draft_write(&draft,
				       (struct str){(const char *)&crc, sizeof(crc)}, err) < 0 ||
			       file_draft_write(&draft, buf_str(&ids), err) < 0 ||
			       file_draft_commit(&draft, true, err) < 0
		       ? -1
		       : 0;
}
