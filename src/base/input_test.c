#include "base/input.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#define TEXT_SIZE 3000000

static char text[TEXT_SIZE];

static void add_member(struct buf *buf, const char *bytes, size_t n)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t bound = deflateBound(&z, n);
	z.next_in = (unsigned char *)bytes;
	z.avail_in = (unsigned)n;
	z.next_out = (unsigned char *)buf_reserve(buf, bound);
	z.avail_out = (unsigned)bound;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf->n += z.total_out;
	deflateEnd(&z);
}

/* Reads everything in odd steps; returns 0, or -1 at damage, with what came before it. */
static int read_all(struct input *input, struct buf *ret, struct err *err)
{
	for (size_t want = 1;; want = want * 3 % 70001 + 1) {
		struct str bytes;
		if (input_peek(input, want, &bytes, err) < 0)
			return -1;
		if (bytes.n == 0)
			return 0;
		size_t n = bytes.n < want ? bytes.n : want;
		buf_add(ret, bytes.p, n);
		input_skip(input, n);
		assert_int_equal(input_offset(input), ret->n);
	}
}

/* The same by input_read. */
static int read_all_out(struct input *input, struct buf *ret, struct err *err)
{
	for (size_t want = 1;; want = want * 3 % 70001 + 1) {
		size_t n;
		if (input_read(input, buf_reserve(ret, want), want, &n, err) < 0)
			return -1;
		if (n == 0)
			return 0;
		ret->n += n;
		assert_true(n <= want);
		assert_int_equal(input_offset(input), ret->n);
	}
}

/* Gives its bytes in small pieces, so that every place of a member is once the end of one. */
struct trickle {
	struct str left;
	size_t step;
	bool closed;
};

static ssize_t trickle_read(void *context, void *bytes, size_t n, struct err *err)
{
	struct trickle *trickle = context;
	size_t give = trickle->step < n ? trickle->step : n;

	give = give < trickle->left.n ? give : trickle->left.n;
	memcpy(bytes, trickle->left.p, give);
	trickle->left.p += give;
	trickle->left.n -= give;
	trickle->step = trickle->step % 1009 + 1;
	return (ssize_t)give;
}

static void trickle_close(void *context)
{
	((struct trickle *)context)->closed = true;
}

static int open_trickle(
	struct input **ret_input, struct trickle *trickle, struct str bytes, struct err *err)
{
	struct input_source source = {
		.read = trickle_read, .close = trickle_close, .context = trickle};

	*trickle = (struct trickle){.left = bytes, .step = 1};
	return input_open_source(ret_input, &source, "trickle", err);
}

static char *temporary_file(struct str bytes)
{
	char *path = mem_strdup("/tmp/nagare-input-test-XXXXXX");
	_cleanup_close_ int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
	return path;
}

static void check(struct str bytes, int expected, struct str content)
{
	_cleanup_free_ char *path = temporary_file(bytes);

	for (int i = 0; i < 6; i++) {
		struct input *input = NULL;
		_cleanup_buf_ struct buf got = {0};
		struct trickle trickle = {0};
		struct err err;
		assert_int_equal(i / 2 == 0   ? input_open_memory(&input, bytes, "memory", &err)
				 : i / 2 == 1 ? input_open(&input, path, &err)
					      : open_trickle(&input, &trickle, bytes, &err),
			0);
		assert_int_equal((i & 1 ? read_all_out : read_all)(input, &got, &err), expected);
		assert_true(str_equal(buf_str(&got), content));
		input_close(input);
		assert_int_equal(trickle.closed, i / 2 == 2);
	}
	unlink(path);
}

static void plain(void **state)
{
	check((struct str){text, sizeof(text)}, 0, (struct str){text, sizeof(text)});
	check(STR(""), 0, STR(""));
	check(STR("\x1f\x8b"), 0, STR("\x1f\x8b"));
}

static void gzip_members(void **state)
{
	_cleanup_buf_ struct buf gzip = {0};

	add_member(&gzip, text, 1000000);
	add_member(&gzip, text, 0);
	add_member(&gzip, text + 1000000, TEXT_SIZE - 1000000);
	check(buf_str(&gzip), 0, (struct str){text, sizeof(text)});
	/* Padding as tapes leave it, more than one read; and what is not padding behind it. */
	memset(buf_reserve(&gzip, 1000000), 0, 1000000);
	gzip.n += 1000000;
	check(buf_str(&gzip), 0, (struct str){text, sizeof(text)});
	add_member(&gzip, text, 100);
	check(buf_str(&gzip), -1, (struct str){text, sizeof(text)});
}

static void damaged_gzip(void **state)
{
	_cleanup_buf_ struct buf gzip = {0};

	add_member(&gzip, text, 100);
	size_t first = gzip.n;
	check((struct str){gzip.p, first - 1}, -1, (struct str){text, 100});
	check((struct str){gzip.p, 3}, -1, STR(""));
	buf_add_text(&gzip, "tail");
	check(buf_str(&gzip), -1, (struct str){text, 100});
	gzip.n = first;
	gzip.p[first - 6] ^= 1; /* check sum */
	check(buf_str(&gzip), -1, (struct str){text, 100});
}

static void add_frame(struct buf *buf, const char *bytes, size_t n)
{
	size_t bound = ZSTD_compressBound(n);
	size_t size = ZSTD_compress(buf_reserve(buf, bound), bound, bytes, n, 3);

	assert_false(ZSTD_isError(size));
	buf->n += size;
}

static void zstd_frames(void **state)
{
	_cleanup_buf_ struct buf zstd = {0};

	add_frame(&zstd, text, 1000000);
	add_frame(&zstd, text, 0);
	add_frame(&zstd, text + 1000000, TEXT_SIZE - 1000000);
	check(buf_str(&zstd), 0, (struct str){text, sizeof(text)});
	buf_add_text(&zstd, "tail");
	check(buf_str(&zstd), -1, (struct str){text, sizeof(text)});
	zstd.n = 0;
	add_frame(&zstd, text, 100);
	check((struct str){zstd.p, 4}, -1, STR(""));
	/* how much of a cut frame comes out is the library's choice */
	struct input *input;
	_cleanup_buf_ struct buf got = {0};
	struct err err;
	struct str cut = {zstd.p, zstd.n - 1};
	assert_int_equal(input_open_memory(&input, cut, "memory", &err), 0);
	assert_int_equal(read_all_out(input, &got, &err), -1);
	assert_true(got.n < 100 && memcmp(got.p, text, got.n) == 0);
	input_close(input);
}

static void missing_and_folder(void **state)
{
	struct input *input;
	struct err err;

	assert_true(input_open(&input, "/nonexistent/file", &err) < 0);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_true(input_open(&input, "/tmp", &err) < 0);
	assert_non_null(strstr(err.message, "directory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(gzip_members),
		cmocka_unit_test(damaged_gzip),
		cmocka_unit_test(zstd_frames),
		cmocka_unit_test(missing_and_folder),
	};
	srand(1);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(rand() % 64);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
