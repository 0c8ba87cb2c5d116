/* A window of bytes [start, end) over the source: borrowed memory, or a heap buffer that peek makes
 * room in (the unread part moves to the front, or the buffer grows) and fill() adds to, from read()
 * or from inflate.
 *
 * Files are read, not mapped: the window stays in the second-level cache, so the copy costs about
 * what making and undoing page tables would, and a file that is truncated under us is a short read,
 * not SIGBUS. */
#include "base/input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

#define READ_SIZE   ((size_t)256 << 10)
#define WINDOW_SIZE ((size_t)512 << 10) /* half of a second-level cache */

struct input {
	char *name;
	int fd;
	uint64_t file_size;
	uint64_t file_read;
	uint64_t skipped;

	const char *window; /* lent bytes start at window + start */
	size_t start, end;
	char *heap; /* backs window unless borrowed */
	size_t capacity;

	bool gzip;
	bool inflating; /* inside a gzip member */
	z_stream z;
	unsigned char *compressed; /* READ_SIZE, unless compressed bytes are borrowed */
	bool source_ended;         /* nothing more to read from fd */
	bool ended;                /* nothing more to add to the window */
	bool failed;
	struct err failure; /* told once the bytes before it are spent */
};

static bool has_gzip_magic(const void *bytes, size_t n)
{
	return n >= 3 && memcmp(bytes, "\x1f\x8b\x08", 3) == 0;
}

static int start_gzip(struct input *input, struct err *err)
{
	input->gzip = true;
	/* 15 bits of window, 16: expect the gzip wrapper. */
	if (inflateInit2(&input->z, 15 + 16) != Z_OK)
		return err_set(err, ERR_SYSTEM, "%s: cannot start zlib", input->name);
	return 0;
}

static ssize_t read_some(struct input *input, void *bytes, size_t n, struct err *err)
{
	ssize_t got;

	do
		got = read(input->fd, bytes, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set_errno(err, errno, "cannot read %s", input->name);
	input->file_read += (uint64_t)got;
	return got;
}

/* Looks at the first bytes, and decides between plain and gzip. */
static int look_at_start(struct input *input, struct err *err)
{
	unsigned char magic[3] = {0};
	size_t have = 0;

	while (have < sizeof(magic)) {
		ssize_t got = read_some(input, magic + have, sizeof(magic) - have, err);
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	if (has_gzip_magic(magic, have)) {
		input->compressed = mem_new(READ_SIZE, 1);
		memcpy(input->compressed, magic, have);
		if (start_gzip(input, err) < 0)
			return -1;
		input->z.next_in = input->compressed;
		input->z.avail_in = (unsigned)have;
		return 0;
	}
	input->heap = mem_new(WINDOW_SIZE, 1);
	input->capacity = WINDOW_SIZE;
	input->window = input->heap;
	memcpy(input->heap, magic, have);
	input->end = have;
	return 0;
}

int input_open(struct input **ret_input, const char *path, struct err *err)
{
	_cleanup_(input_closep) struct input *input = mem_new(1, sizeof(*input));
	struct stat st;

	bool standard = path[0] == '-' && !path[1];
	input->name = mem_strdup(standard ? "standard input" : path);
	input->fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			     : open(path, O_RDONLY | O_CLOEXEC);
	if (input->fd < 0 || fstat(input->fd, &st) < 0)
		return err_set_errno(err, errno, "cannot open %s", input->name);
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_INPUT, "cannot read %s: it is a directory", input->name);
	input->file_size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	if (look_at_start(input, err) < 0)
		return -1;
	*ret_input = take(input);
	return 0;
}

int input_open_memory(struct input **ret_input, struct str bytes, const char *name, struct err *err)
{
	_cleanup_(input_closep) struct input *input = mem_new(1, sizeof(*input));

	input->name = mem_strdup(name);
	input->fd = -1;
	input->file_size = input->file_read = bytes.n;
	if (has_gzip_magic(bytes.p, bytes.n)) {
		if (start_gzip(input, err) < 0)
			return -1;
		input->z.next_in = (unsigned char *)bytes.p;
		input->z.avail_in = (unsigned)bytes.n;
		input->source_ended = true;
	} else {
		input->window = bytes.p;
		input->end = bytes.n;
		input->ended = true;
	}
	*ret_input = take(input);
	return 0;
}

/* More compressed bytes, kept together with what inflate has left over. */
static int refill_compressed(struct input *input, size_t want, struct err *err)
{
	while (input->z.avail_in < want && !input->source_ended) {
		if (input->z.avail_in && input->z.next_in != input->compressed)
			memmove(input->compressed, input->z.next_in, input->z.avail_in);
		input->z.next_in = input->compressed;
		ssize_t got = read_some(input, input->compressed + input->z.avail_in,
			READ_SIZE - input->z.avail_in, err);
		if (got < 0)
			return -1;
		if (got == 0)
			input->source_ended = true;
		input->z.avail_in += (unsigned)got;
	}
	return 0;
}

/* Bytes behind the last member: another member, or zeros to the end, which gzip(1) allows too. */
static int next_member(struct input *input, struct err *err)
{
	if (refill_compressed(input, 3, err) < 0)
		return -1;
	if (has_gzip_magic(input->z.next_in, input->z.avail_in)) {
		if (input->inflating)
			inflateReset(&input->z);
		input->inflating = true;
		return 0;
	}
	while (input->z.avail_in) {
		for (unsigned i = 0; i < input->z.avail_in; i++) {
			if (input->z.next_in[i] != 0)
				return err_set(err, ERR_INPUT,
					"%s: bytes that are not gzip behind a gzip member",
					input->name);
		}
		input->z.avail_in = 0;
		if (refill_compressed(input, 1, err) < 0)
			return -1;
	}
	input->ended = true;
	return 0;
}

static int inflate_some(struct input *input, struct err *err)
{
	if (!input->inflating)
		return next_member(input, err);
	if (refill_compressed(input, 1, err) < 0)
		return -1;
	if (input->z.avail_in == 0)
		return err_set(
			err, ERR_INPUT, "%s: truncated gzip, it ends inside a member", input->name);
	size_t room = input->capacity - input->end;
	input->z.next_out = (unsigned char *)input->heap + input->end;
	input->z.avail_out = (unsigned)(room > (1u << 30) ? 1u << 30 : room);
	unsigned before = input->z.avail_out;
	int status = inflate(&input->z, Z_NO_FLUSH);
	input->end += before - input->z.avail_out;
	if (status == Z_STREAM_END)
		return next_member(input, err);
	if (status != Z_OK && status != Z_BUF_ERROR)
		return err_set(err, ERR_INPUT, "%s: damaged gzip: %s", input->name,
			input->z.msg ? input->z.msg : "unexpected data");
	return 0;
}

static int fill(struct input *input, struct err *err)
{
	if (input->gzip)
		return inflate_some(input, err);
	ssize_t got = read_some(input, input->heap + input->end, input->capacity - input->end, err);
	if (got < 0)
		return -1;
	input->end += (size_t)got;
	input->ended = got == 0;
	return 0;
}

static void make_room(struct input *input, size_t want)
{
	size_t unread = input->end - input->start;

	if (input->start && unread)
		memmove(input->heap, input->heap + input->start, unread);
	input->start = 0;
	input->end = unread;
	size_t capacity = input->capacity ? input->capacity : WINDOW_SIZE;
	while (capacity < want + WINDOW_SIZE / 4)
		capacity *= 2;
	if (capacity != input->capacity) {
		input->heap = mem_grow(input->heap, capacity, 1);
		input->capacity = capacity;
	}
	input->window = input->heap;
}

int input_peek(struct input *input, size_t want, struct str *ret_bytes, struct err *err)
{
	if (want > INPUT_PEEK_MAX)
		return err_set(err, ERR_INPUT,
			"%s: one item of %zu bytes at byte %llu, at most %zu", input->name, want,
			(unsigned long long)input->skipped, INPUT_PEEK_MAX);
	if (input->end - input->start < want && !input->ended && !input->failed) {
		make_room(input, want);
		while (input->end < want && !input->ended) {
			if (fill(input, &input->failure) < 0) {
				input->failed = true;
				break;
			}
		}
	}
	size_t have = input->end - input->start;
	if (have == 0 && want > 0 && input->failed) {
		if (err)
			*err = input->failure;
		return -1;
	}
	*ret_bytes = (struct str){input->window + input->start, have};
	return 0;
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
	*ret_size = input->file_size;
	return input->file_read;
}

const char *input_name(const struct input *input)
{
	return input->name;
}

void input_close(struct input *input)
{
	if (!input)
		return;
	if (input->gzip)
		inflateEnd(&input->z);
	if (input->fd >= 0)
		close(input->fd);
	free(input->compressed);
	free(input->heap);
	free(input->name);
	free(input);
}
