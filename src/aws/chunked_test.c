/* Expected values: S3 API reference, "Signature Calculations for the Authorization Header:
 * Transferring Payload in Multiple Chunks" (the same with trailing headers in "... (Including
 * Trailing Headers)"). */
#include "aws/chunked.h"
#include "aws/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SCOPE  "20130524/us-east-1/s3/aws4_request"

/* The example's request, whose seed signature is given. */
static struct aws_chunk_signer example_signer(const char *seed)
{
	struct aws_chunk_signer signer = {.scope = SCOPE, .scope_length = sizeof(SCOPE) - 1};

	aws_signing_keys_get(
		NULL, STR(SECRET), STR("20130524"), STR("us-east-1"), STR("s3"), signer.key);
	memcpy(signer.date, "20130524T000000Z", 16);
	memcpy(signer.previous, seed, 64);
	return signer;
}

#define SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"

/* 65 KiB of 'a' in a chunk of 64 KiB and one of 1 KiB. */
static void add_example_body(struct buf *buf)
{
	buf_add_text(buf,
		"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n");
	memset(buf_reserve(buf, 65536), 'a', 65536);
	buf->n += 65536;
	buf_add_text(buf,
		"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n");
	memset(buf_reserve(buf, 1024), 'a', 1024);
	buf->n += 1024;
	buf_add_text(buf,
		"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n");
}

static const char unsigned_body[] = "b\r\nhello world\r\n5\r\n, you\r\n0\r\n"
				    "x-amz-checksum-crc32:AAAAAA==\r\n\r\n";

/* Decodes in pieces of at most `piece` bytes; AWS_ERROR_NONE or the error's code. */
static enum aws_error_code decode(const struct aws_chunked_options *options, struct str body,
	size_t piece, struct buf *data, struct aws_chunked **ret_chunked)
{
	_cleanup_(aws_chunked_freep) struct aws_chunked *chunked = NULL;
	struct aws_error error = {0};

	aws_chunked_new(&chunked, options);
	while (body.n) {
		struct str input = {body.p, body.n < piece ? body.n : piece}, lent;
		body = (struct str){body.p + input.n, body.n - input.n};
		while (input.n) {
			if (aws_chunked_decode(chunked, &input, &lent, &error) < 0)
				return error.code;
			buf_add_str(data, lent);
		}
	}
	if (aws_chunked_finish(chunked, &error) < 0)
		return error.code;
	if (ret_chunked)
		*ret_chunked = take(chunked);
	return AWS_ERROR_NONE;
}

static enum aws_error_code decode_all(
	const struct aws_chunked_options *options, struct str body, struct buf *data)
{
	return decode(options, body, body.n + 1, data, NULL);
}

static struct aws_chunked_options signed_example(void)
{
	return (struct aws_chunked_options){
		.is_signed = true, .decoded_length = 66560, .signer = example_signer(SEED)};
}

static void the_published_example(void **state)
{
	const struct aws_chunked_options options = signed_example();
	_cleanup_buf_ struct buf body = {0};
	static const size_t pieces[] = {1, 2, 7, 86, 87, 4096, 100000};

	add_example_body(&body);
	assert_int_equal(body.n, 66824); /* the example's Content-Length */
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		_cleanup_buf_ struct buf data = {0};
		assert_int_equal(
			decode(&options, buf_str(&body), pieces[i], &data, NULL), AWS_ERROR_NONE);
		assert_int_equal(data.n, 66560);
		for (size_t k = 0; k < data.n; k++)
			assert_int_equal(data.p[k], 'a');
	}
}

static void what_was_tampered_with_is_refused(void **state)
{
	const struct aws_chunked_options options = signed_example();
	_cleanup_buf_ struct buf body = {0};
	/* In the data of each chunk, in each signature. */
	static const size_t places[] = {100, 65600, 65800, 66700, 30, 65660, 66770};

	add_example_body(&body);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_buf_ struct buf data = {0};
		char *p = &body.p[places[i]], before = *p;
		*p = before == '0' ? '1' : '0';
		assert_int_equal(decode_all(&options, buf_str(&body), &data),
			AWS_ERROR_SIGNATURE_DOES_NOT_MATCH);
		*p = before;
	}
	/* Every cut. */
	for (size_t n = 0; n < body.n; n += n < 100 || n > 65600 ? 1 : 997) {
		_cleanup_buf_ struct buf data = {0};
		assert_int_equal(decode_all(&options, (struct str){body.p, n}, &data),
			AWS_ERROR_INCOMPLETE_BODY);
	}
	/* The middle chunk left out; another key. */
	_cleanup_buf_ struct buf data = {0}, shorter = {0};
	buf_add(&shorter, body.p, 65626);
	buf_add(&shorter, body.p + 65626 + 1112, body.n - 65626 - 1112);
	struct aws_chunked_options other = options;
	other.decoded_length = 65536;
	assert_int_equal(
		decode_all(&other, buf_str(&shorter), &data), AWS_ERROR_SIGNATURE_DOES_NOT_MATCH);
	other = options;
	other.signer.key[0] ^= 1;
	assert_int_equal(
		decode_all(&other, buf_str(&body), &data), AWS_ERROR_SIGNATURE_DOES_NOT_MATCH);
}

static void announced_length_must_be_true(void **state)
{
	struct aws_chunked_options options = signed_example();
	_cleanup_buf_ struct buf body = {0}, data = {0};

	add_example_body(&body);
	options.decoded_length = 66559;
	assert_int_equal(decode_all(&options, buf_str(&body), &data), AWS_ERROR_INCOMPLETE_BODY);
	options.decoded_length = 66561;
	assert_int_equal(decode_all(&options, buf_str(&body), &data), AWS_ERROR_INCOMPLETE_BODY);
}

static void unsigned_with_trailer(void **state)
{
	const struct aws_chunked_options options = {.has_trailer = true, .decoded_length = 16};

	for (size_t piece = 1; piece < sizeof(unsigned_body); piece++) {
		_cleanup_(aws_chunked_freep) struct aws_chunked *chunked = NULL;
		_cleanup_buf_ struct buf data = {0};
		struct str value;
		assert_int_equal(decode(&options, str_from(unsigned_body), piece, &data, &chunked),
			AWS_ERROR_NONE);
		assert_true(str_equal(buf_str(&data), STR("hello world, you")));
		assert_true(aws_chunked_trailer(chunked, STR("x-amz-checksum-crc32"), &value));
		assert_true(str_equal(value, STR("AAAAAA==")));
		assert_false(aws_chunked_trailer(chunked, STR("x-amz-checksum-sha1"), &value));
	}
}

/* The published example: the same data, trailing x-amz-checksum-crc32c, its own seed signature. */
static void signed_trailer(void **state)
{
	static const char seed[] =
		"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
	struct aws_chunked_options options = {.is_signed = true,
		.has_trailer = true,
		.decoded_length = 66560,
		.signer = example_signer(seed)};
	static const char end[] =
		"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
		"x-amz-checksum-crc32c:sOO8/Q==\n\r\n"
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
	_cleanup_buf_ struct buf body = {0}, data = {0};
	_cleanup_(aws_chunked_freep) struct aws_chunked *chunked = NULL;
	struct str value;

	buf_add_text(&body,
		"10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n");
	memset(buf_reserve(&body, 65536), 'a', 65536);
	body.n += 65536;
	buf_add_text(&body,
		"\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n");
	memset(buf_reserve(&body, 1024), 'a', 1024);
	body.n += 1024;
	size_t start = body.n;
	buf_add_text(&body, end);
	assert_int_equal(decode(&options, buf_str(&body), 500, &data, &chunked), AWS_ERROR_NONE);
	assert_true(aws_chunked_trailer(chunked, STR("x-amz-checksum-crc32c"), &value));
	assert_true(str_equal(value, STR("sOO8/Q==")));
	/* Without its signature, with another value. */
	char *line = strstr(strstr(body.p + start, "crc32c:"), "sOO8");
	*line = 't';
	assert_int_equal(
		decode_all(&options, buf_str(&body), &data), AWS_ERROR_SIGNATURE_DOES_NOT_MATCH);
	body.n = start;
	buf_add_text(&body,
		"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
		"x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n");
	assert_int_equal(
		decode_all(&options, buf_str(&body), &data), AWS_ERROR_SIGNATURE_DOES_NOT_MATCH);
}

static void malformed_bodies(void **state)
{
	static const struct {
		const char *body;
		enum aws_error_code code;
	} cases[] = {
		{"", AWS_ERROR_INCOMPLETE_BODY},
		{"\r\n", AWS_ERROR_INVALID_REQUEST},
		{"x\r\n", AWS_ERROR_INVALID_REQUEST},
		{"-1\r\n", AWS_ERROR_INVALID_REQUEST},
		{" 1\r\na\r\n", AWS_ERROR_INVALID_REQUEST},
		{"0x1\r\na\r\n", AWS_ERROR_INVALID_REQUEST},
		{"00000000000000001\r\n", AWS_ERROR_INVALID_REQUEST},
		{"ffffffffffffffff\r\n", AWS_ERROR_INCOMPLETE_BODY},
		{"1\r\nabc\r\n", AWS_ERROR_INVALID_REQUEST},
		{"0\r\nno colon\r\n\r\n", AWS_ERROR_MALFORMED_TRAILER},
		{"0\r\n:empty\r\n\r\n", AWS_ERROR_MALFORMED_TRAILER},
		{"0\r\na:b\nc:d\r\n\r\n", AWS_ERROR_MALFORMED_TRAILER},
		{"0\r\n\r\nmore", AWS_ERROR_INVALID_REQUEST},
		{"0\r\n\r", AWS_ERROR_INCOMPLETE_BODY},
	};
	const struct aws_chunked_options options = {.has_trailer = true, .decoded_length = 2};
	_cleanup_buf_ struct buf data = {0}, line = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum aws_error_code code = decode_all(&options, str_from(cases[i].body), &data);
		if (code != cases[i].code)
			fail_msg("%s: %d", cases[i].body, code);
	}
	/* Endless lines stay bounded. */
	while (line.n < 100000)
		buf_add_char(&line, '0');
	assert_int_equal(
		decode(&options, buf_str(&line), 1000, &data, NULL), AWS_ERROR_INVALID_REQUEST);
	buf_add_text(&line, "");
	memcpy(line.p, "0\r\nname:", 8);
	assert_int_equal(
		decode(&options, buf_str(&line), 1000, &data, NULL), AWS_ERROR_MALFORMED_TRAILER);
	/* A signed chunk without a signature. */
	struct aws_chunked_options wanted = signed_example();
	assert_int_equal(
		decode_all(&wanted, STR("1\r\na\r\n0\r\n\r\n"), &data), AWS_ERROR_INVALID_REQUEST);
}

/* What we send is the published example's body. */
static void encoding(void **state)
{
	struct aws_chunk_signer signer = example_signer(SEED);
	_cleanup_buf_ struct buf data = {0}, wanted = {0}, body = {0};

	memset(buf_reserve(&data, 65536), 'a', 65536);
	aws_chunked_write(&signer, (struct str){data.p, 65536}, &body);
	aws_chunked_write(&signer, (struct str){data.p, 1024}, &body);
	aws_chunked_write_end(&signer, NULL, 0, &body);
	add_example_body(&wanted);
	assert_true(str_equal(buf_str(&body), buf_str(&wanted)));

	body.n = 0;
	aws_chunked_write(NULL, STR("hello world"), &body);
	aws_chunked_write(NULL, STR(", you"), &body);
	const struct aws_trailer trailer = {STR("x-amz-checksum-crc32"), STR("AAAAAA==")};
	aws_chunked_write_end(NULL, &trailer, 1, &body);
	assert_true(str_equal(buf_str(&body), str_from(unsigned_body)));

	/* The trailer's signature, by the published example's seed. */
	body.n = 0;
	signer = example_signer("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
	const struct aws_trailer crc32c = {STR("x-amz-checksum-crc32c"), STR("sOO8/Q==")};
	aws_chunked_write(&signer, (struct str){data.p, 65536}, &body);
	aws_chunked_write(&signer, (struct str){data.p, 1024}, &body);
	aws_chunked_write_end(&signer, &crc32c, 1, &body);
	assert_non_null(strstr(buf_text(&body),
		"\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n"
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_example),
		cmocka_unit_test(what_was_tampered_with_is_refused),
		cmocka_unit_test(announced_length_must_be_true),
		cmocka_unit_test(unsigned_with_trailer),
		cmocka_unit_test(signed_trailer),
		cmocka_unit_test(malformed_bodies),
		cmocka_unit_test(encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
