/* A window of bytes [start, end) over the source: borrowed memory, or a heap buffer that peek makes
 * room in (the unread part moves to the front, or the buffer grows) and unpack() adds to. Reads
 * empty the window first and then have unpack() write to the caller's memory.
 *
 * gzip is undone by ISA-L, which is a fifth faster than libdeflate (docs/performance.md) and,
 * unlike it, gives the bytes piece by piece: they are used while they are in the second-level
 * cache, and an object of any size takes the same memory.
 *
 * Files are read, not mapped: the window stays in the second-level cache, so the copy costs about
 * what making and undoing page tables would, and a file that is truncated under us is a short read,
 * not SIGBUS. */
#include "base/input.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <sys/stat.h>
#include <zstd.h>

#define READ_SIZE   ((size_t)256 << 10)
#define WINDOW_SIZE ((size_t)512 << 10) /* half of a second-level cache */
#define MAGIC_SIZE  4

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct input {
	char *name;
	struct input_source source; /* read NULL: memory */
	uint64_t source_read;
	uint64_t skipped;

	const char *window; /* lent bytes start at window + start */
	size_t start, end;
	char *heap; /* backs window unless borrowed */
	size_t capacity;

	enum packing packing;
	bool unpacking; /* inside a gzip member or zstd frame */
	struct inflate_state *gzip;
	ZSTD_DCtx *zstd;
	const char *packed; /* bytes not yet unpacked */
	size_t packed_n;
	char *packed_heap; /* READ_SIZE, unless packed bytes are borrowed */
	bool source_ended; /* nothing more to read from the source */
	bool ended;        /* nothing more to unpack */
	bool failed;
	struct err failure; /* told once the bytes before it are spent */
};

static enum packing packing_of(const void *bytes, size_t n)
{
	if (n >= 3 && memcmp(bytes, "\x1f\x8b\x08", 3) == 0)
		return PACKING_GZIP;
	if (n >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0)
		return PACKING_ZSTD;
	return PACKING_NONE;
}

static int start_unpacking(struct input *input, enum packing packing, struct err *err)
{
	input->packing = packing;
	if (packing == PACKING_GZIP) {
		input->gzip = mem_new(1, sizeof(*input->gzip));
		isal_inflate_init(input->gzip);
		input->gzip->crc_flag = ISAL_GZIP;
	} else if (packing == PACKING_ZSTD) {
		input->zstd = ZSTD_createDCtx();
		if (!input->zstd)
			return err_set(err, ERR_SYSTEM, "%s: cannot start zstd", input->name);
	}
	return 0;
}

static ssize_t read_some(struct input *input, void *bytes, size_t n, struct err *err)
{
	ssize_t got = input->source.read(input->source.context, bytes, n, err);

	if (got > 0)
		input->source_read += (uint64_t)got;
	return got;
}

/* Looks at the first bytes, and decides how they are packed. */
static int look_at_start(struct input *input, struct err *err)
{
	char magic[MAGIC_SIZE] = {0};
	size_t have = 0;

	while (have < sizeof(magic)) {
		ssize_t got = read_some(input, magic + have, sizeof(magic) - have, err);
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	if (start_unpacking(input, packing_of(magic, have), err) < 0)
		return -1;
	if (input->packing != PACKING_NONE) {
		input->packed_heap = mem_new(READ_SIZE, 1);
		memcpy(input->packed_heap, magic, have);
		input->packed = input->packed_heap;
		input->packed_n = have;
		return 0;
	}
	input->heap = mem_new(MAGIC_SIZE, 1);
	input->capacity = MAGIC_SIZE;
	input->window = input->heap;
	memcpy(input->heap, magic, have);
	input->end = have;
	return 0;
}

static ssize_t read_file(void *context, void *bytes, size_t n, struct err *err)
{
	ssize_t got;

	do
		got = read((int)(intptr_t)context, bytes, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? err_set_errno(err, errno, "cannot read the file") : got;
}

static void close_file(void *context)
{
	close((int)(intptr_t)context);
}

int input_open_source(struct input **ret_input, const struct input_source *source, const char *name,
	struct err *err)
{
	_cleanup_(input_closep) struct input *input = mem_new(1, sizeof(*input));

	input->name = mem_strdup(name);
	input->source = *source;
	if (look_at_start(input, err) < 0)
		return err_wrap(err, "%s", name);
	*ret_input = take(input);
	return 0;
}

int input_open(struct input **ret_input, const char *path, struct err *err)
{
	bool standard = path[0] == '-' && !path[1];
	const char *name = standard ? "standard input" : path;
	_cleanup_close_ int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					  : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, errno, "cannot open %s", name);
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_INPUT, "cannot read %s: it is a directory", name);
	struct input_source source = {
		.read = read_file,
		.close = close_file,
		.context = (void *)(intptr_t)take_fd(fd),
		.size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0,
	};
	return input_open_source(ret_input, &source, name, err);
}

int input_open_memory(struct input **ret_input, struct str bytes, const char *name, struct err *err)
{
	_cleanup_(input_closep) struct input *input = mem_new(1, sizeof(*input));

	input->name = mem_strdup(name);
	input->source.size = input->source_read = bytes.n;
	input->source_ended = true;
	if (start_unpacking(input, packing_of(bytes.p, bytes.n), err) < 0)
		return -1;
	if (input->packing != PACKING_NONE) {
		input->packed = bytes.p;
		input->packed_n = bytes.n;
	} else {
		input->window = bytes.p;
		input->end = bytes.n;
		input->ended = true;
	}
	*ret_input = take(input);
	return 0;
}

/* More packed bytes, kept together with those that are left over. */
static int refill_packed(struct input *input, size_t want, struct err *err)
{
	while (input->packed_n < want && !input->source_ended) {
		if (input->packed_n && input->packed != input->packed_heap)
			memmove(input->packed_heap, input->packed, input->packed_n);
		input->packed = input->packed_heap;
		ssize_t got = read_some(input, input->packed_heap + input->packed_n,
			READ_SIZE - input->packed_n, err);
		if (got < 0)
			return err_wrap(err, "%s", input->name);
		if (got == 0)
			input->source_ended = true;
		input->packed_n += (size_t)got;
	}
	return 0;
}

static const char *packing_name(const struct input *input)
{
	return input->packing == PACKING_GZIP ? "gzip" : "zstd";
}

/* Bytes behind the last member: another member, or zeros to the end, which gzip(1) allows too. */
static int next_member(struct input *input, struct err *err)
{
	input->unpacking = false;
	if (refill_packed(input, MAGIC_SIZE, err) < 0)
		return -1;
	if (packing_of(input->packed, input->packed_n) == input->packing) {
		if (input->packing == PACKING_GZIP) {
			isal_inflate_reset(input->gzip);
			input->gzip->crc_flag = ISAL_GZIP;
		}
		input->unpacking = true;
		return 0;
	}
	while (input->packed_n) {
		for (size_t i = 0; i < input->packed_n; i++) {
			if (input->packed[i] != 0)
				return err_set(err, ERR_INPUT,
					"%s: bytes that are not %s behind a %s %s", input->name,
					packing_name(input), packing_name(input),
					input->packing == PACKING_GZIP ? "member" : "frame");
		}
		input->packed_n = 0;
		if (refill_packed(input, 1, err) < 0)
			return -1;
	}
	input->ended = true;
	return 0;
}

static int inflate_some(struct input *input, char *bytes, size_t room, size_t *got, struct err *err)
{
	struct inflate_state *gzip = input->gzip;

	gzip->next_in = (unsigned char *)input->packed;
	gzip->avail_in = (uint32_t)(input->packed_n > (1u << 30) ? 1u << 30 : input->packed_n);
	gzip->next_out = (unsigned char *)bytes;
	gzip->avail_out = (uint32_t)(room > (1u << 30) ? 1u << 30 : room);
	int status = isal_inflate(gzip);
	input->packed_n -= (size_t)((const char *)gzip->next_in - input->packed);
	input->packed = (const char *)gzip->next_in;
	*got = (size_t)((char *)gzip->next_out - bytes);
	if (status != ISAL_DECOMP_OK)
		return err_set(err, ERR_INPUT, "%s: damaged gzip: %s", input->name,
			status == ISAL_INCORRECT_CHECKSUM ? "incorrect check sum"
							  : "unexpected data");
	return gzip->block_state == ISAL_BLOCK_FINISH ? next_member(input, err) : 0;
}

static int unzstd_some(struct input *input, char *bytes, size_t room, size_t *got, struct err *err)
{
	ZSTD_inBuffer in = {input->packed, input->packed_n, 0};
	ZSTD_outBuffer out = {bytes, room, 0};
	size_t status = ZSTD_decompressStream(input->zstd, &out, &in);

	input->packed += in.pos;
	input->packed_n -= in.pos;
	*got = out.pos;
	if (ZSTD_isError(status))
		return err_set(err, ERR_INPUT, "%s: damaged zstd: %s", input->name,
			ZSTD_getErrorName(status));
	return status == 0 ? next_member(input, err) : 0;
}

/* Whether the last bytes of a member have all gone in while some of what they mean is still inside
 * the codec, because there was no room for it. */
static bool may_hold_back(const struct input *input)
{
	return input->packing == PACKING_ZSTD ||
	       input->gzip->tmp_out_valid > input->gzip->tmp_out_processed ||
	       input->gzip->read_in_length > 0;
}

/* Adds some bytes at bytes; *got may be 0 when there is no end yet. */
static int unpack(struct input *input, char *bytes, size_t room, size_t *got, struct err *err)
{
	*got = 0;
	if (input->packing == PACKING_NONE) {
		ssize_t n = read_some(input, bytes, room, err);
		if (n < 0)
			return err_wrap(err, "%s", input->name);
		*got = (size_t)n;
		input->ended = n == 0;
		return 0;
	}
	if (!input->unpacking)
		return next_member(input, err);
	if (refill_packed(input, 1, err) < 0)
		return -1;
	bool spent = input->packed_n == 0;
	if (spent && !may_hold_back(input))
		return err_set(err, ERR_INPUT, "%s: truncated %s, it ends inside a %s", input->name,
			packing_name(input), input->packing == PACKING_GZIP ? "member" : "frame");
	int r = input->packing == PACKING_GZIP ? inflate_some(input, bytes, room, got, err)
					       : unzstd_some(input, bytes, room, got, err);
	if (r == 0 && spent && *got == 0 && input->unpacking)
		return err_set(err, ERR_INPUT, "%s: truncated %s, it ends inside a %s", input->name,
			packing_name(input), input->packing == PACKING_GZIP ? "member" : "frame");
	return r;
}

static void make_room(struct input *input, size_t want)
{
	size_t unread = input->end - input->start;

	if (input->start && unread)
		memmove(input->heap, input->heap + input->start, unread);
	input->start = 0;
	input->end = unread;
	size_t capacity = input->capacity < WINDOW_SIZE ? WINDOW_SIZE : input->capacity;
	while (capacity < want + WINDOW_SIZE / 4)
		capacity *= 2;
	if (capacity != input->capacity) {
		input->heap = mem_grow(input->heap, capacity, 1);
		input->capacity = capacity;
	}
	input->window = input->heap;
}

static int tell_failure(const struct input *input, struct err *err)
{
	if (err)
		*err = input->failure;
	return -1;
}

int input_peek(struct input *input, size_t want, struct str *ret_bytes, struct err *err)
{
	if (want > INPUT_PEEK_MAX)
		return err_set(err, ERR_INPUT,
			"%s: one item of %zu bytes at byte %llu, at most %zu", input->name, want,
			(unsigned long long)input->skipped, INPUT_PEEK_MAX);
	if (input->end - input->start < want && !input->ended && !input->failed) {
		make_room(input, want);
		while (input->end < want && !input->ended && !input->failed) {
			size_t got;
			if (unpack(input, input->heap + input->end, input->capacity - input->end,
				    &got, &input->failure) < 0)
				input->failed = true;
			input->end += got;
		}
	}
	size_t have = input->end - input->start;
	if (have == 0 && want > 0 && input->failed)
		return tell_failure(input, err);
	*ret_bytes = (struct str){input->window + input->start, have};
	return 0;
}

int input_read(struct input *input, char *bytes, size_t n, size_t *ret_n, struct err *err)
{
	size_t have = input->end - input->start;

	have = have < n ? have : n;
	if (have) {
		memcpy(bytes, input->window + input->start, have);
		input->start += have;
	}
	while (have < n && !input->ended && !input->failed) {
		size_t got;
		if (unpack(input, bytes + have, n - have, &got, &input->failure) < 0)
			input->failed = true;
		have += got;
	}
	input->skipped += have;
	*ret_n = have;
	return have == 0 && n > 0 && input->failed ? tell_failure(input, err) : 0;
}

void input_skip(struct input *input, size_t n)
{
	input->start += n;
	input->skipped += n;
}

uint64_t input_offset(const struct input *input)
{
	return input->skipped;
}

uint64_t input_progress(const struct input *input, uint64_t *ret_size)
{
	*ret_size = input->source.size;
	return input->source_read;
}

const char *input_name(const struct input *input)
{
	return input->name;
}

void input_close(struct input *input)
{
	if (!input)
		return;
	if (input->source.close)
		input->source.close(input->source.context);
	ZSTD_freeDCtx(input->zstd);
	free(input->gzip);
	free(input->packed_heap);
	free(input->heap);
	free(input->name);
	free(input);
}
