/* The small texts: times, URIs, ARNs, digests, errors. Expected values: RFC 9110 5.6.7, RFC 4648
 * 10, RFC 4231 and 2202 (HMAC), GNU date, the IAM guide ("Amazon Resource Names"). */
#include "aws/arn.h"
#include "aws/digest.h"
#include "aws/error.h"
#include "aws/request.h"
#include "aws/time.h"
#include "aws/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void assert_str(struct str found, const char *expected)
{
	if (!str_equal(found, str_from(expected)))
		fail_msg("'%.*s' instead of '%s'", STR_ARG(found), expected);
}

/* printf 123456789012 | sha256sum */
static void canonical_ids(void **state)
{
	char id[AWS_CANONICAL_ID_SIZE + 1];

	aws_canonical_id(STR("123456789012"), id);
	assert_string_equal(id, "2a33349e7e606a8ad2e30e3c84521f9377450cf09083e162e0a9123456789012");
	assert_str(aws_canonical_account(str_from(id)), "123456789012");
	assert_str(aws_canonical_account(STR("123456789012")), "");
}

/* date -u -d '...' +%s%3N */
static void times_read(void **state)
{
	static const struct {
		bool (*parse)(struct str, int64_t *);
		const char *text;
		int64_t ms;
	} good[] = {
		{aws_time_parse_basic, "20130524T000000Z", INT64_C(1369353600000)},
		{aws_time_parse_basic, "20240229T235960Z", INT64_C(1709251200000)},
		{aws_time_parse_iso8601, "2013-05-24T00:00:00Z", INT64_C(1369353600000)},
		{aws_time_parse_iso8601, "2013-05-24T00:00:00.5Z", INT64_C(1369353600500)},
		{aws_time_parse_iso8601, "2013-05-24T00:00:00.123456789Z", INT64_C(1369353600123)},
		{aws_time_parse_iso8601, "2013-05-24T02:00:00+02:00", INT64_C(1369353600000)},
		{aws_time_parse_iso8601, "2013-05-23T18:30:00-0530", INT64_C(1369353600000)},
		{aws_time_parse_iso8601, "2013-05-24", INT64_C(1369353600000)},
		{aws_time_parse_iso8601, "1969-12-31T23:59:59Z", INT64_C(-1000)},
		{aws_time_parse_iso8601, "0001-01-01T00:00:00Z", INT64_C(-62135596800000)},
		{aws_time_parse_iso8601, "9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
		{aws_time_parse_http, "Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000)},
		{aws_time_parse_http, "Sunday, 06-Nov-94 08:49:37 GMT", INT64_C(784111777000)},
		{aws_time_parse_http, "Sun Nov  6 08:49:37 1994", INT64_C(784111777000)},
		{aws_time_parse_http, "Tue, 27 Mar 2007 19:36:42 +0000", INT64_C(1175024202000)},
		{aws_time_parse, "1369353600", INT64_C(1369353600000)},
		{aws_time_parse, "1369353600.25", INT64_C(1369353600250)},
		{aws_time_parse, "-1.5", INT64_C(-1500)},
	};
	static const char *const bad[] = {"", "2013", "20130524", "20130524T000000",
		"20130524T000000z", "20130524T240000Z", "20130229T000000Z", "20130524T000000Z ",
		"2013-05-24T00:00:00", "2013-05-24 00:00:00Z", "2013-13-01",
		"2013-05-24T00:00:00.Z", "0000-01-01", "Sun, 06", "Sun, 06 Nov 1994 08:49:37 PST",
		"Fri", "Fri,", "Fri, ", ",", "1e5", ".5", "-", "1.", "9999999999999",
		"2013-05-24T00:00:00+24:00"};
	int64_t ms;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!good[i].parse(str_from(good[i].text), &ms) || ms != good[i].ms)
			fail_msg("%s: %lld", good[i].text, (long long)ms);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (aws_time_parse(str_from(bad[i]), &ms) && strcmp(bad[i], "2013") != 0 &&
			strcmp(bad[i], "20130524") != 0) /* seconds of 1970 */
			fail_msg("accepted: %s", bad[i]);
	assert_false(aws_time_parse_basic(STR("20130524"), &ms));
	assert_false(aws_time_parse_iso8601(STR("2013"), &ms));
}

static void times_written(void **state)
{
	char text[AWS_TIME_STR_MAX];
	const int64_t ms = INT64_C(784111777045);

#define WRITTEN(function, value)                                                                   \
	((struct str){text, (size_t)(aws_time_write_##function(text, value) - text)})
	assert_str(WRITTEN(basic, ms), "19941106T084937Z");
	assert_str(WRITTEN(iso8601, ms), "1994-11-06T08:49:37Z");
	assert_str(WRITTEN(millis, ms), "1994-11-06T08:49:37.045Z");
	assert_str(WRITTEN(http, ms), "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_str(WRITTEN(millis, -1), "1969-12-31T23:59:59.999Z");
	assert_str(WRITTEN(http, -1), "Wed, 31 Dec 1969 23:59:59 GMT");
	/* Every day of four centuries there and back. */
	for (int64_t day = -62135596800000; day < INT64_C(-49513420800000); day += 86400000) {
		int64_t back;
		assert_true(aws_time_parse_iso8601(WRITTEN(millis, day + 1), &back));
		assert_true(back == day + 1);
	}
}

static void uris(void **state)
{
	_cleanup_buf_ struct buf buf = {0};

	aws_uri_encode(&buf, STR("aZ09-._~ /+%*\xc3\xa9"), AWS_URI_ENCODE_SLASH);
	assert_str(buf_str(&buf), "aZ09-._~%20%2F%2B%25%2A%C3%A9");
	buf.n = 0;
	aws_uri_encode(&buf, STR("a/b c"), AWS_URI_KEEP_SLASH);
	assert_str(buf_str(&buf), "a/b%20c");
	buf.n = 0;
	aws_uri_encode_listing(&buf, STR("a/b c+d*e"));
	assert_str(buf_str(&buf), "a/b+c%2Bd*e");
	buf.n = 0;
	assert_true(aws_uri_decode(&buf, STR("a%2fb+%C3%a9"), AWS_URI_PLUS_IS_PLUS));
	assert_str(buf_str(&buf), "a/b+\xc3\xa9");
	assert_true(aws_uri_decode(&buf, STR("+x"), AWS_URI_PLUS_IS_SPACE));
	assert_str(buf_str(&buf), "a/b+\xc3\xa9 x");
	static const char *const bad[] = {"%", "a%2", "%zz", "%2x", "abc%"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t before = buf.n;
		assert_false(aws_uri_decode(&buf, str_from(bad[i]), AWS_URI_PLUS_IS_PLUS));
		assert_int_equal(buf.n, before);
	}
	struct str rest = STR("&a=b=c&&d&=e&f="), name, value;
	static const char *const pairs[] = {"a", "b=c", "d", "", "", "e", "f", ""};
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i += 2) {
		assert_true(aws_uri_next_parameter(&rest, &name, &value));
		assert_str(name, pairs[i]);
		assert_str(value, pairs[i + 1]);
	}
	assert_false(aws_uri_next_parameter(&rest, &name, &value));

	const struct aws_header headers[] = {{STR("HOST"), STR("  h \t")}, {STR("host"), STR("i")}};
	const struct aws_request request = {
		.query = STR("a=1&X%2DAmz-Date=2"), .headers = headers, .header_count = 2};
	assert_true(aws_request_header(&request, STR("Host"), &value));
	assert_str(value, "h");
	assert_false(aws_request_header(&request, STR("Hos"), &value));
	assert_true(aws_request_parameter(&request, STR("X-Amz-Date"), &value));
	assert_str(value, "2");
	assert_false(aws_request_parameter(&request, STR("A"), &value));
}

static void arns(void **state)
{
	struct aws_arn arn;
	struct str type, id;
	_cleanup_buf_ struct buf buf = {0};
	static const char text[] = "arn:aws:logs:us-east-1:123456789012:log-group:a/b:*";

	assert_true(aws_arn_parse(str_from(text), &arn));
	assert_str(arn.partition, "aws");
	assert_str(arn.service, "logs");
	assert_str(arn.region, "us-east-1");
	assert_str(arn.account, "123456789012");
	assert_str(arn.resource, "log-group:a/b:*");
	aws_arn_add(&buf, &arn);
	assert_str(buf_str(&buf), text);
	aws_arn_split_resource(arn.resource, &type, &id);
	assert_str(type, "log-group");
	assert_str(id, "a/b:*");
	assert_true(aws_arn_parse(STR("arn:aws:s3:::b/k"), &arn));
	assert_str(arn.region, "");
	aws_arn_split_resource(STR("b"), &type, &id);
	assert_str(type, "");
	assert_str(id, "b");
	static const char *const bad[] = {"", "arn",
		"arn:aws:s3::", "arn:aws:s3:::", "ARN:aws:s3:::b", "arn::s3:::b", "arn:aws::::b",
		"xarn:aws:s3:::b"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (aws_arn_parse(str_from(bad[i]), &arn))
			fail_msg("accepted: %s", bad[i]);
}

static void base64_and_hex(void **state)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfb", "//77"}};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg=a", "Z===", "====", "Zm9v\n",
		"Zm9-", "Zh==", "Zm9=", "=m9v", "Zm=v"};
	char bytes[3];

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		_cleanup_buf_ struct buf buf = {0};
		aws_base64_add(&buf, pairs[i][0], strlen(pairs[i][0]));
		assert_str(buf_str(&buf), pairs[i][1]);
		buf.n = 0;
		assert_true(aws_base64_decode(str_from(pairs[i][1]), &buf));
		assert_str(buf_str(&buf), pairs[i][0]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_buf_ struct buf buf = {0};
		if (aws_base64_decode(str_from(bad[i]), &buf) || buf.n)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_true(aws_hex_parse(STR("00fFa9"), bytes, 3));
	assert_memory_equal(bytes, "\x00\xff\xa9", 3);
	assert_false(aws_hex_parse(STR("00ff"), bytes, 3));
	assert_false(aws_hex_parse(STR("00ffg0"), bytes, 3));
}

static void assert_hex(const uint8_t *bytes, size_t n, const char *expected)
{
	char text[64];

	assert_str((struct str){text, (size_t)(aws_hex_write(text, bytes, n) - text)}, expected);
}

static void digests(void **state)
{
	uint8_t hash[32];
	char long_key[131];

	memset(long_key, '\xaa', sizeof(long_key));
	aws_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), hash);
	assert_hex(hash, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	aws_hmac_sha256((struct str){long_key, sizeof(long_key)},
		STR("Test Using Larger Than Block-Size Key - Hash Key First"), hash);
	assert_hex(hash, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	aws_hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?"), hash);
	assert_hex(hash, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	aws_sha256(STR("abc"), hash);
	assert_hex(hash, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	aws_sha1(STR("abc"), hash);
	assert_hex(hash, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	aws_md5(STR("abc"), hash);
	assert_hex(hash, 16, "900150983cd24fb0d6963f7d28e17f72");
	assert_true(aws_equal_constant_time(STR("abc"), STR("abc")));
	assert_false(aws_equal_constant_time(STR("abc"), STR("abd")));
	assert_false(aws_equal_constant_time(STR("abc"), STR("ab")));
}

/* Every code once, every row whole; and what fills an error. */
static void errors(void **state)
{
	struct aws_error error = {0};

	for (enum aws_error_code code = AWS_ERROR_NONE + 1; code < AWS_ERROR_CODES; code++) {
		assert_int_equal(aws_error_find(str_from(aws_error_name(code))), code);
		assert_in_range(aws_error_status(code), 300, 599);
		assert_true(aws_error_message(code)[0] != '\0');
		assert_int_equal(aws_error_fault(code) == AWS_RECEIVER,
			aws_error_status(code) >= 500 && code != AWS_ERROR_NOT_IMPLEMENTED);
	}
	assert_int_equal(aws_error_find(STR("NoSuchBuckets")), AWS_ERROR_NONE);
	assert_int_equal(aws_error_set(&error, AWS_ERROR_NO_SUCH_KEY, "no '%s'", "k") < 0, true);
	for (int i = 0; i < AWS_ERROR_DETAILS_MAX + 2; i++)
		aws_error_detail(&error, "Key", "%0300d", i);
	assert_string_equal(error.message, "no 'k'");
	assert_int_equal(error.details, AWS_ERROR_DETAILS_MAX);
	assert_int_equal(strlen(error.detail[0].value), sizeof(error.detail[0].value) - 1);
	aws_error_internal(&error);
	assert_int_equal(error.code, AWS_ERROR_INTERNAL_ERROR);
	assert_int_equal(error.details, 0);
	assert_true(aws_error_default(NULL, AWS_ERROR_NO_SUCH_KEY) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_ids),
		cmocka_unit_test(times_read),
		cmocka_unit_test(times_written),
		cmocka_unit_test(uris),
		cmocka_unit_test(arns),
		cmocka_unit_test(base64_and_hex),
		cmocka_unit_test(digests),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
