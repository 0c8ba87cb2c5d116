/* Any bytes as a file: gzip is undone as zlib undoes it, whole or in pieces, zstd as libzstd does;
 * damage is told after the good bytes, and other bytes pass as they are. */
#include "base/input.h"

#include "base/buf.h"

#include <assert.h>
#include <zlib.h>

#define OUT_MAX ((size_t)4 << 20)

struct pieces {
	struct str left;
	size_t step;
};

static ssize_t read_piece(void *context, void *bytes, size_t n, struct err *err)
{
	struct pieces *pieces = context;
	size_t give = pieces->step < n ? pieces->step : n;

	give = give < pieces->left.n ? give : pieces->left.n;
	if (give)
		memcpy(bytes, pieces->left.p, give);
	pieces->left.p += give;
	pieces->left.n -= give;
	return (ssize_t)give;
}

static int drain(struct input *input, size_t step, struct buf *ret, struct err *err)
{
	while (ret->n < OUT_MAX) {
		size_t n;
		if (input_read(input, buf_reserve(ret, step), step, &n, err) < 0) {
			assert(err->code != ERR_NONE && err->message[0]);
			return -1;
		}
		if (n == 0)
			return 0;
		ret->n += n;
	}
	return 1;
}

/* What zlib makes of the first member; false when it does not end well. */
static bool inflate_by_zlib(struct str bytes, struct buf *ret)
{
	z_stream z = {.next_in = (unsigned char *)bytes.p, .avail_in = (unsigned)bytes.n};
	int status = Z_OK;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		abort();
	while (status == Z_OK && ret->n < OUT_MAX) {
		z.next_out = (unsigned char *)buf_reserve(ret, 65536);
		z.avail_out = 65536;
		status = inflate(&z, Z_NO_FLUSH);
		ret->n += 65536 - z.avail_out;
	}
	bool all = z.avail_in == 0;
	inflateEnd(&z);
	return status == Z_STREAM_END && all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = {(const char *)data, size};
	_cleanup_(input_closep) struct input *whole = NULL;
	_cleanup_(input_closep) struct input *pieced = NULL;
	_cleanup_buf_ struct buf a = {0}, b = {0}, c = {0};
	struct pieces pieces = {bytes, size % 13 + 1};
	struct input_source source = {.read = read_piece, .context = &pieces};
	struct err err = ERR_INIT;

	assert(input_open_memory(&whole, bytes, "fuzz", &err) == 0);
	assert(input_open_source(&pieced, &source, "fuzz", &err) == 0);
	int r = drain(whole, 65536, &a, &err);
	int piecewise = drain(pieced, size % 997 + 1, &b, &err);
	if (r > 0 || piecewise > 0)
		return 0; /* too much of it */
	assert(r == piecewise);
	if (r == 0)
		assert(str_equal(buf_str(&a), buf_str(&b)));
	if (size >= 3 && memcmp(data, "\x1f\x8b\x08", 3) == 0 && inflate_by_zlib(bytes, &c)) {
		assert(r == 0 && str_equal(buf_str(&a), buf_str(&c)));
	}
	return 0;
}
