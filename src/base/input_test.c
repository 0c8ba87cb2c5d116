#include "base/input.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zlib.h>

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

	for (int from_memory = 0; from_memory < 2; from_memory++) {
		_cleanup_(input_closep) struct input *input = NULL;
		_cleanup_buf_ struct buf got = {0};
		struct err err;
		assert_int_equal(from_memory ? input_open_memory(&input, bytes, "memory", &err)
					     : input_open(&input, path, &err),
			0);
		assert_int_equal(read_all(input, &got, &err), expected);
		assert_true(str_equal(buf_str(&got), content));
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
		cmocka_unit_test(missing_and_folder),
	};
	srand(1);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(rand() % 64);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
