/* Expected values: RFC 3720 B.4 (CRC32C), the NVM Command Set specification 1.0, section 5.2.1.3.4
 * (the 64-bit CRC), FIPS 180-4's and RFC 1321's examples, the check values of "123456789" of the
 * CRC catalogue, and botocore 1.43.11's base64 forms. */
#include "aws/checksum.h"
#include "aws/crc_priv.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void assert_text(const struct aws_checksum_value *value, const char *expected)
{
	char text[AWS_CHECKSUM_STR_MAX];
	struct str found = {text, (size_t)(aws_checksum_write(text, value) - text)};

	if (!str_equal(found, str_from(expected)))
		fail_msg("%.*s instead of %s", STR_ARG(found), expected);
}

static struct aws_checksum_value hash_pieces(
	enum aws_checksum algorithm, struct str bytes, size_t piece)
{
	struct aws_hash hash;
	struct aws_checksum_value value;

	aws_hash_init(&hash, algorithm);
	while (bytes.n) {
		size_t n = bytes.n < piece ? bytes.n : piece;
		aws_hash_add(&hash, (struct str){bytes.p, n});
		bytes = (struct str){bytes.p + n, bytes.n - n};
	}
	aws_hash_finish(&hash, &value);
	return value;
}

static void known_values(void **state)
{
	static const struct {
		enum aws_checksum algorithm;
		const char *bytes, *text;
	} cases[] = {
		{AWS_CHECKSUM_CRC32, "123456789", "y/Q5Jg=="},
		{AWS_CHECKSUM_CRC32C, "123456789", "4waSgw=="},
		{AWS_CHECKSUM_CRC64NVME, "123456789", "rosUhgp5mIg="},
		{AWS_CHECKSUM_SHA1, "abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="},
		{AWS_CHECKSUM_SHA256, "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
		{AWS_CHECKSUM_MD5, "abc", "kAFQmDzST7DWlj99KOF/cg=="},
		{AWS_CHECKSUM_CRC32, "", "AAAAAA=="},
		{AWS_CHECKSUM_CRC32C, "", "AAAAAA=="},
		{AWS_CHECKSUM_CRC64NVME, "", "AAAAAAAAAAA="},
		{AWS_CHECKSUM_SHA256, "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t piece = 1; piece < 12; piece++) {
			struct aws_checksum_value value =
				hash_pieces(cases[i].algorithm, str_from(cases[i].bytes), piece);
			assert_text(&value, cases[i].text);
		}
	}
}

static void crc_examples_of_the_standards(void **state)
{
	uint8_t zeros[4096] = {0}, ones[4096], ascending[32], descending[32];

	memset(ones, 0xff, sizeof(ones));
	for (size_t i = 0; i < 32; i++) {
		ascending[i] = (uint8_t)i;
		descending[i] = (uint8_t)(31 - i);
	}
	assert_int_equal(aws_crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(aws_crc32c(0, ones, 32), 0x62a8ab43);
	assert_int_equal(aws_crc32c(0, ascending, 32), 0x46dd794e);
	assert_int_equal(aws_crc32c(0, descending, 32), 0x113fdb5c);
	assert_true(aws_crc64nvme(0, zeros, 4096) == UINT64_C(0x6482d367eb22b64e));
	assert_true(aws_crc64nvme(0, ones, 4096) == UINT64_C(0xc0ddba7302eca3ac));
}

/* One bit at a time, straight from the definition. */
static uint64_t slow(uint64_t polynomial, uint64_t ones, const uint8_t *p, size_t n)
{
	uint64_t state = ones;

	for (size_t i = 0; i < n; i++) {
		state ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			state = state >> 1 ^ (state & 1 ? polynomial : 0);
	}
	return state ^ ones;
}

/* Every length around the folding's steps, every alignment, continued at any place. */
static void fast_is_the_same_as_slow(void **state)
{
	static const struct {
		enum crc_kind kind;
		uint64_t polynomial, ones;
	} kinds[] = {{CRC_32C, UINT64_C(0x82f63b78), UINT64_C(0xffffffff)},
		{CRC_64NVME, UINT64_C(0x9a6c9329ac4bc9b5), UINT64_MAX}};
	static uint8_t bytes[1200];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i * 31 + i * 7 + 3);
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (size_t n = 0; n <= 600; n++) {
			const uint8_t *p = bytes + n % 17;
			uint64_t expected = slow(kinds[k].polynomial, kinds[k].ones, p, n);
			assert_true(crc_add(kinds[k].kind, 0, p, n) == expected);
			assert_true(crc_add_portable(kinds[k].kind, 0, p, n) == expected);
			uint64_t first = crc_add(kinds[k].kind, 0, p, n / 3);
			assert_true(
				crc_add(kinds[k].kind, first, p + n / 3, n - n / 3) == expected);
		}
	}
}

/* A full-object value of parts is that of the whole; sizes equal, mixed and zero. */
static void parts_of_a_whole(void **state)
{
	static const enum aws_checksum algorithms[] = {
		AWS_CHECKSUM_CRC32, AWS_CHECKSUM_CRC32C, AWS_CHECKSUM_CRC64NVME};
	static const size_t sizes[] = {100, 100, 0, 1, 100, 3000, 100, 77};
	static char bytes[4000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 13 + i / 251);
	for (size_t k = 0; k < ARRAY_SIZE(algorithms); k++) {
		struct aws_checksum_parts parts;
		struct aws_checksum_value combined;
		size_t at = 0;
		assert_true(
			aws_checksum_parts_init(&parts, algorithms[k], AWS_CHECKSUM_FULL_OBJECT));
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct aws_checksum_value value = hash_pieces(
				algorithms[k], (struct str){bytes + at, sizes[i]}, 1000);
			assert_true(aws_checksum_parts_add(&parts, &value, sizes[i]));
			at += sizes[i];
		}
		aws_checksum_parts_finish(&parts, &combined);
		struct aws_checksum_value whole =
			hash_pieces(algorithms[k], (struct str){bytes, at}, at);
		assert_true(aws_checksum_equal(&combined, &whole));
		assert_int_equal(combined.parts, 0);
	}
	struct aws_checksum_parts parts;
	assert_false(
		aws_checksum_parts_init(&parts, AWS_CHECKSUM_SHA256, AWS_CHECKSUM_FULL_OBJECT));
}

/* printf hello | sha256sum, world likewise; sha256sum over the two digests, by coreutils and
 * base64. */
static void composite(void **state)
{
	struct aws_checksum_parts parts;
	struct aws_checksum_value hello = hash_pieces(AWS_CHECKSUM_SHA256, STR("hello"), 9), total;
	struct aws_checksum_value world = hash_pieces(AWS_CHECKSUM_SHA256, STR("world"), 9), crc;

	assert_true(aws_checksum_parts_init(&parts, AWS_CHECKSUM_SHA256, AWS_CHECKSUM_COMPOSITE));
	assert_true(aws_checksum_parts_add(&parts, &hello, 5));
	assert_true(aws_checksum_parts_add(&parts, &world, 5));
	crc = hash_pieces(AWS_CHECKSUM_CRC32, STR("x"), 1);
	assert_false(aws_checksum_parts_add(&parts, &crc, 1));
	aws_checksum_parts_finish(&parts, &total);
	assert_text(&total, "cwXbmyq8zXBsJW2z2X5f9I1nfP5NOlkEr7faDjlQ4eI=-2");
	assert_int_equal(total.parts, 2);
}

static void names_and_text(void **state)
{
	struct aws_checksum_value value;

	assert_int_equal(aws_checksum_find(STR("crc64nvme")), AWS_CHECKSUM_CRC64NVME);
	assert_int_equal(aws_checksum_find(STR("CRC64")), AWS_CHECKSUM_NONE);
	assert_int_equal(
		aws_checksum_find_header(STR("X-Amz-Checksum-Sha256")), AWS_CHECKSUM_SHA256);
	assert_int_equal(aws_checksum_find_header(STR("x-amz-checksum-type")), AWS_CHECKSUM_NONE);
	assert_string_equal(aws_checksum_header(AWS_CHECKSUM_CRC32C), "x-amz-checksum-crc32c");
	assert_null(aws_checksum_header(AWS_CHECKSUM_MD5));
	assert_true(aws_checksum_parse(AWS_CHECKSUM_CRC32, STR("y/Q5Jg==-10000"), &value));
	assert_int_equal(value.parts, 10000);
	assert_text(&value, "y/Q5Jg==-10000");
	static const char *const bad[] = {"", "y/Q5Jg=", "y/Q5Jg", "y/Q5Jh==", "y/Q5Jg==-",
		"y/Q5Jg==-0", "y/Q5Jg==-10001", "y/Q5Jg==-x",
		"y_Q5Jg==", "rosUhgp5mIg=", " y/Q5Jg=", "y/Q=Jg=="};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (aws_checksum_parse(AWS_CHECKSUM_CRC32, str_from(bad[i]), &value))
			fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(crc_examples_of_the_standards),
		cmocka_unit_test(fast_is_the_same_as_slow),
		cmocka_unit_test(parts_of_a_whole),
		cmocka_unit_test(composite),
		cmocka_unit_test(names_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
