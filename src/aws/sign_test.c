/* Expected signatures: the S3 API reference's examples, and botocore 1.43.11. */
#include "aws/sign.h"

#include "aws/digest.h"
#include "aws/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ID     "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define NOW_MS INT64_C(1369353600000) /* 20130524T000000Z */

static const struct aws_sign_options example = {
	.credentials = {{ID, 20}, {SECRET, 40}, {"", 0}},
	.region = {"us-east-1", 9},
	.service = {"s3", 2},
	.now_ms = NOW_MS,
};

static void assert_header(const struct aws_signed *sign, const char *name, const char *expected)
{
	for (size_t i = 0; i < sign->header_count; i++) {
		if (!str_equal(sign->headers[i].name, str_from(name)))
			continue;
		if (!str_equal(sign->headers[i].value, str_from(expected)))
			fail_msg("%s: %.*s", name, STR_ARG(sign->headers[i].value));
		return;
	}
	fail_msg("no %s", name);
}

/* "GET Object" of the S3 API reference. */
static void the_published_request(void **state)
{
	const struct aws_header headers[] = {{STR("Host"), STR("examplebucket.s3.amazonaws.com")},
		{STR("Range"), STR("bytes=0-9")}};
	const struct aws_request request = {.method = STR("GET"),
		.path = STR("/test.txt"),
		.query = STR(""),
		.headers = headers,
		.header_count = 2};
	struct aws_signed sign;

	aws_sign(&request, &example, &sign);
	assert_int_equal(sign.header_count, 3);
	assert_header(&sign, "X-Amz-Date", "20130524T000000Z");
	assert_header(&sign, "X-Amz-Content-Sha256", AWS_SHA256_EMPTY);
	assert_header(&sign, "Authorization",
		"AWS4-HMAC-SHA256 Credential=" ID "/20130524/us-east-1/s3/aws4_request, "
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
		"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
	aws_signed_done(&sign);
}

/* With a session token, headers that are not signed, and bytes that are encoded. */
static void as_botocore(void **state)
{
	const struct aws_header headers[] = {{STR("Host"), STR("127.0.0.1:8080")},
		{STR("User-Agent"), STR("x")}, {STR("Expect"), STR("100-continue")},
		{STR("X-Amz-Meta-A"), STR(" b  c ")}, {STR("Content-Type"), STR("text/plain")}};
	const struct aws_request request = {.method = STR("PUT"),
		.path = STR("/bkt/a%20b%2Bc"),
		.query = STR("partNumber=1&uploadId=x"),
		.headers = headers,
		.header_count = 5};
	struct aws_sign_options options = example;
	struct aws_signed sign;

	options.credentials.session_token = STR("token/+=");
	/* printf hello | sha256sum */
	options.payload_hash =
		STR("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	aws_sign(&request, &options, &sign);
	assert_header(&sign, "X-Amz-Security-Token", "token/+=");
	assert_header(&sign, "Authorization",
		"AWS4-HMAC-SHA256 Credential=" ID "/20130524/us-east-1/s3/aws4_request, "
		"SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;"
		"x-amz-security-token, "
		"Signature=fa76fa7b7bf271d8ebbb7301877b0d57e33e6eb74c088fee92b5ae07e4a26364");
	aws_signed_done(&sign);
}

static void another_service(void **state)
{
	const struct aws_header headers[] = {{STR("Host"), STR("127.0.0.1:8080")},
		{STR("X-Amz-Target"), STR("Logs_20140328.DescribeLogGroups")},
		{STR("Content-Type"), STR("application/x-amz-json-1.1")}};
	const struct aws_request request = {.method = STR("POST"),
		.path = STR("/"),
		.query = STR(""),
		.headers = headers,
		.header_count = 3};
	struct aws_sign_options options = example;
	struct aws_signed sign;

	options.service = STR("logs");
	/* printf {} | sha256sum */
	options.payload_hash =
		STR("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
	aws_sign(&request, &options, &sign);
	assert_int_equal(sign.header_count, 2);
	assert_header(&sign, "Authorization",
		"AWS4-HMAC-SHA256 Credential=" ID "/20130524/us-east-1/logs/aws4_request, "
		"SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
		"Signature=60b204e76a4fa8de2ea17045b21a705de16355019dcfeee258cf1fd40275a89d");
	aws_signed_done(&sign);
}

/* "Authenticating Requests: Using Query Parameters" of the S3 API reference. */
static void the_published_presigned_request(void **state)
{
	const struct aws_header host = {STR("Host"), STR("examplebucket.s3.amazonaws.com")};
	const struct aws_request request = {.method = STR("GET"),
		.path = STR("/test.txt"),
		.query = STR(""),
		.headers = &host,
		.header_count = 1};
	_cleanup_buf_ struct buf query = {0};

	aws_presign(&request, &example, 86400, &query);
	assert_string_equal(buf_text(&query),
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" ID
		"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
		"&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
		"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

/* The published chunked upload, signed and sent by us: request and chunks. */
static void the_published_chunked_upload(void **state)
{
	const struct aws_header headers[] = {{STR("Host"), STR("s3.amazonaws.com")},
		{STR("x-amz-storage-class"), STR("REDUCED_REDUNDANCY")},
		{STR("Content-Encoding"), STR("aws-chunked")},
		{STR("x-amz-decoded-content-length"), STR("66560")},
		{STR("Content-Length"), STR("66824")}};
	const struct aws_request request = {.method = STR("PUT"),
		.path = STR("/examplebucket/chunkObject.txt"),
		.query = STR(""),
		.headers = headers,
		.header_count = 5};
	struct aws_sign_options options = example;
	struct aws_signed sign;
	_cleanup_buf_ struct buf data = {0}, body = {0};

	options.payload = AWS_PAYLOAD_SIGNED_CHUNKS;
	aws_sign(&request, &options, &sign);
	assert_header(&sign, "X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
	assert_header(&sign, "Authorization",
		"AWS4-HMAC-SHA256 Credential=" ID "/20130524/us-east-1/s3/aws4_request, "
		"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
		"x-amz-decoded-content-length;x-amz-storage-class, "
		"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
	memset(buf_reserve(&data, 65536), 'a', 65536);
	aws_chunked_write(&sign.chunk_signer, (struct str){data.p, 65536}, &body);
	aws_chunked_write(&sign.chunk_signer, (struct str){data.p, 1024}, &body);
	aws_chunked_write_end(&sign.chunk_signer, NULL, 0, &body);
	assert_int_equal(body.n, 66824);
	assert_non_null(strstr(buf_text(&body),
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"));
	aws_signed_done(&sign);
}

/* What we sign, we accept: every byte in path and query, S3 and other services, both ways. */
static void round_trip(void **state)
{
	_cleanup_buf_ struct buf all = {0}, path = {0}, query = {0};
	const struct aws_header host = {STR("host"), STR("localhost:9000")};

	for (int c = 1; c < 256; c++)
		buf_add_char(&all, (char)c);
	buf_add_text(&path, "/b/");
	aws_uri_encode(&path, buf_str(&all), AWS_URI_KEEP_SLASH);
	buf_add_text(&query, "prefix=");
	aws_uri_encode(&query, buf_str(&all), AWS_URI_ENCODE_SLASH);
	buf_add_text(&query, "&delimiter=%2F&acl&a=2&a=1");
	for (int i = 0; i < 4; i++) {
		struct aws_request request = {.method = STR("PUT"),
			.path = buf_str(&path),
			.query = buf_str(&query),
			.headers = &host,
			.header_count = 1};
		struct aws_sign_options options = example;
		struct aws_verify_options verify = {.now_ms = NOW_MS, .secret = STR(SECRET)};
		_cleanup_buf_ struct buf presigned = {0};
		struct aws_header headers[1 + AWS_SIGNED_HEADERS_ADDED] = {host};
		struct aws_signed sign = {0};
		struct aws_signature signature;
		options.service = i & 1 ? STR("iam") : STR("s3");
		options.credentials.session_token = STR("a+b/c==");
		if (i & 2) {
			aws_presign(&request, &options, 60, &presigned);
			request.query = buf_str(&presigned);
		} else {
			aws_sign(&request, &options, &sign);
			memcpy(headers + 1, sign.headers, sign.header_count * sizeof(*headers));
			request.headers = headers;
			request.header_count = 1 + sign.header_count;
		}
		assert_int_equal(aws_signature_parse(&request, &signature, NULL), 0);
		assert_true(str_equal(signature.session_token, STR("a+b/c==")));
		assert_int_equal(aws_signature_verify(&signature, &request, &verify, NULL), 0);
		request.method = STR("GET");
		assert_int_equal(aws_signature_verify(&signature, &request, &verify, NULL), -1);
		aws_signature_done(&signature);
		aws_signed_done(&sign);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_request),
		cmocka_unit_test(as_botocore),
		cmocka_unit_test(another_service),
		cmocka_unit_test(the_published_presigned_request),
		cmocka_unit_test(the_published_chunked_upload),
		cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
