/* Expected values: the S3 API reference ("Authenticating Requests: Using the Authorization Header",
 * "... Using Query Parameters", "Signature Calculations: Transferring Payload in Multiple Chunks"),
 * the IAM guide's and AWS's published Signature Version 4 test suite, the S3 user guide ("Signing
 * and authenticating REST requests"), and requests signed by botocore 1.43.11. */
#include "aws/digest.h"
#include "aws/signature.h"
#include "aws/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* The key pair of all of AWS's S3 examples. */
#define ID     "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define NOW_MS INT64_C(1369353600000) /* 20130524T000000Z */

#define HEADERS_MAX 12

struct request {
	struct aws_request request;
	struct aws_header headers[HEADERS_MAX];
};

/* "PUT /path?query\nname:value\nname:value" */
static void read_request(struct request *request, const char *text)
{
	struct str rest = str_from(text), line;

	*request = (struct request){.request.headers = request->headers};
	assert_true(str_split(&rest, '\n', &line));
	assert_true(str_split(&line, ' ', &request->request.method));
	str_split(&line, '?', &request->request.path);
	request->request.query = line.p ? line : STR("");
	while (str_split(&rest, '\n', &line)) {
		struct aws_header *header = &request->headers[request->request.header_count++];
		assert_true(request->request.header_count <= HEADERS_MAX);
		assert_true(str_split(&line, ':', &header->name));
		header->value = line;
	}
}

static enum aws_auth_fault verify(
	const char *text, const struct aws_verify_options *options, struct aws_refusal *ret_refusal)
{
	struct request request;
	struct aws_signature signature;
	struct aws_refusal refusal = {0};

	read_request(&request, text);
	int result = aws_signature_parse(&request.request, &signature, &refusal);
	if (result == 0 && signature.kind == AWS_SIGNATURE_NONE)
		result = aws_refuse(&refusal, AWS_AUTH_MISSING, NULL);
	if (result == 0)
		result = aws_signature_verify(&signature, &request.request, options, &refusal);
	assert_int_equal(result, refusal.fault == AWS_AUTH_OK ? 0 : -1);
	aws_signature_done(&signature);
	if (ret_refusal)
		*ret_refusal = refusal;
	return refusal.fault;
}

static const struct aws_verify_options example = {.now_ms = NOW_MS, .secret = {SECRET, 40}};

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char get_object[] =
	"GET /test.txt\n"
	"Host:examplebucket.s3.amazonaws.com\n"
	"Authorization:AWS4-HMAC-SHA256 Credential=" ID "/20130524/us-east-1/s3/aws4_request,"
	"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
	"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\n"
	"Range:bytes=0-9\n"
	"x-amz-content-sha256:" EMPTY "\n"
	"x-amz-date:20130524T000000Z";

static const char presigned[] =
	"GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" ID
	"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
	"&X-Amz-SignedHeaders=host"
	"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404\n"
	"Host:examplebucket.s3.amazonaws.com";

static const char json[] =
	"POST /\n"
	"Host:127.0.0.1:8080\n"
	"X-Amz-Target:Logs_20140328.DescribeLogGroups\n"
	"Content-Type:application/x-amz-json-1.1\n"
	"X-Amz-Date:20130524T000000Z\n"
	"Authorization:AWS4-HMAC-SHA256 Credential=" ID "/20130524/us-east-1/logs/aws4_request, "
	"SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
	"Signature=60b204e76a4fa8de2ea17045b21a705de16355019dcfeee258cf1fd40275a89d";

/* SHA-256 of "{}", by sha256sum. */
#define BRACES "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

static void published_requests_are_good(void **state)
{
	static const char *const good[] = {get_object, presigned,
		"PUT /test$file.text\n"
		"Host:examplebucket.s3.amazonaws.com\n"
		"Date:Fri, 24 May 2013 00:00:00 GMT\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=" ID
		"/20130524/us-east-1/s3/aws4_request,"
		"SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
		"Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd\n"
		"x-amz-storage-class:REDUCED_REDUNDANCY\n"
		"x-amz-date:20130524T000000Z\n"
		"x-amz-content-sha256:"
		"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
		"GET /?lifecycle\n"
		"Host:examplebucket.s3.amazonaws.com\n"
		"x-amz-date:20130524T000000Z\n"
		"x-amz-content-sha256:" EMPTY "\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=" ID
		"/20130524/us-east-1/s3/aws4_request,"
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
		"Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		"GET /?max-keys=2&prefix=J\n"
		"Host:examplebucket.s3.amazonaws.com\n"
		"x-amz-date:20130524T000000Z\n"
		"x-amz-content-sha256:" EMPTY "\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=" ID
		"/20130524/us-east-1/s3/aws4_request,"
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
		"Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
		"PUT /examplebucket/chunkObject.txt\n"
		"Host:s3.amazonaws.com\n"
		"x-amz-date:20130524T000000Z\n"
		"x-amz-storage-class:REDUCED_REDUNDANCY\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=" ID
		"/20130524/us-east-1/s3/aws4_request,"
		"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
		"x-amz-decoded-content-length;x-amz-storage-class,"
		"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9\n"
		"x-amz-content-sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n"
		"Content-Encoding:aws-chunked\n"
		"x-amz-decoded-content-length:66560\n"
		"Content-Length:66824"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct aws_refusal refusal;
		if (verify(good[i], &example, &refusal) != AWS_AUTH_OK)
			fail_msg("%s\nrefused as %d: %s", good[i], refusal.fault, refusal.found);
	}
	struct aws_verify_options options = example;
	options.payload_hash = STR(BRACES);
	assert_int_equal(verify(json, &options, NULL), AWS_AUTH_OK);
}

/* The suite's key pair and date. The texts are its authorization headers. */
static void published_suite(void **state)
{
	static const char *const good[] = {
		/* get-vanilla */
		"GET /\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		/* get-vanilla-query-order-encoded and -key-case: sorted after encoding */
		"GET /?Param2=value2&Param1=value1\nHost:example.amazonaws.com\n"
		"X-Amz-Date:20150830T123600Z\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		/* get-header-value-trim */
		"GET /\nHost:example.amazonaws.com\nMy-Header1: value1\nMy-Header2: \"a   b   c\"\n"
		"X-Amz-Date:20150830T123600Z\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;my-header1;my-header2;x-amz-date, Signature=acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		/* get-header-key-duplicate */
		"GET /\nHost:example.amazonaws.com\nMy-Header1:value2\nMy-Header1:value2\n"
		"My-Header1:value1\nX-Amz-Date:20150830T123600Z\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;my-header1;x-amz-date, Signature=c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
		/* get-relative-normalized */
		"GET /example/..\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		/* get-vanilla-utf8-query */
		"GET /?\xe1\x88\xb4=bar\nHost:example.amazonaws.com\nX-Amz-Date:20150830T123600Z\n"
		"Authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
	};
	const struct aws_verify_options options = {.now_ms = INT64_C(1440938160000),
		.secret = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (verify(good[i], &options, NULL) != AWS_AUTH_OK)
			fail_msg("refused: %s", good[i]);
}

/* Version 2: the S3 user guide's examples, and what boto3 presigns. */
static void version_2(void **state)
{
	static const char boto3[] =
		"GET /bkt/a%20b.txt?AWSAccessKeyId=" ID
		"&Signature=4t1wkMtu01SMgtuRTNafZJM%2FxWQ%3D&Expires=1369357200\nHost:127.0.0.1:8080";
	static const struct {
		const char *request, *bucket;
		int64_t now_ms;
	} good[] = {
		{boto3, "", NOW_MS},
		{"GET /photos/puppy.jpg\nHost:awsexamplebucket1.us-west-1.s3.amazonaws.com\n"
		 "Date:Tue, 27 Mar 2007 19:36:42 +0000\n"
		 "Authorization:AWS " ID ":qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
			"awsexamplebucket1", INT64_C(1175024202000)},
		{"PUT /photos/puppy.jpg\nContent-Type:image/jpeg\nContent-Length:94328\n"
		 "Host:awsexamplebucket1.s3.us-west-1.amazonaws.com\n"
		 "Date:Tue, 27 Mar 2007 21:15:45 +0000\n"
		 "Authorization:AWS " ID ":iqRzw+ileNPu1fhspnRs8nOjjIA=",
			"awsexamplebucket1", INT64_C(1175030145000)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct aws_verify_options options = example;
		options.now_ms = good[i].now_ms;
		options.bucket = str_from(good[i].bucket);
		if (verify(good[i].request, &options, NULL) != AWS_AUTH_OK)
			fail_msg("refused: %s", good[i].request);
		options.secret = STR("wrong");
		assert_int_equal(verify(good[i].request, &options, NULL), AWS_AUTH_MISMATCH);
	}
	struct aws_verify_options late = example;
	late.now_ms = INT64_C(1369357200000);
	assert_int_equal(verify(boto3, &late, NULL), AWS_AUTH_EXPIRED);
}

/* A request with one part replaced. */
static enum aws_auth_fault verify_edited(const char *text, const char *part, const char *instead,
	const struct aws_verify_options *options, struct aws_refusal *ret_refusal)
{
	_cleanup_buf_ struct buf edited = {0};
	const char *at = strstr(text, part);

	if (!at)
		fail_msg("no '%s' in %s", part, text);
	buf_add(&edited, text, (size_t)(at - text));
	buf_add_text(&edited, instead);
	buf_add_text(&edited, at + strlen(part));
	return verify(buf_text(&edited), options, ret_refusal);
}

struct edit {
	const char *text, *part, *instead;
	enum aws_auth_fault fault;
};

static void check_edits(const struct edit *edits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct aws_refusal refusal;
		enum aws_auth_fault fault = verify_edited(
			edits[i].text, edits[i].part, edits[i].instead, &example, &refusal);
		if (fault != edits[i].fault)
			fail_msg("'%s' for '%s': fault %d (%s), expected %d", edits[i].instead,
				edits[i].part, fault, refusal.found, edits[i].fault);
	}
}

static void tampering_with_headers(void **state)
{
	static const struct edit edits[] = {
		{get_object, "GET", "PUT", AWS_AUTH_MISMATCH},
		{get_object, "test.txt", "test.tx", AWS_AUTH_MISMATCH},
		{get_object, "test.txt", "test.txt?acl", AWS_AUTH_MISMATCH},
		{get_object, "test.txt", "%74est.txt", AWS_AUTH_OK},
		{get_object, "test.txt", "a/../test.txt", AWS_AUTH_MISMATCH},
		{get_object, "test.txt", "/test.txt", AWS_AUTH_MISMATCH},
		{get_object, "bytes=0-9", "bytes=0-8", AWS_AUTH_MISMATCH},
		{get_object, "bytes=0-9", "  bytes=0-9  ", AWS_AUTH_OK},
		{get_object, "Range:bytes=0-9\n", "", AWS_AUTH_MISMATCH},
		{get_object, "Range:bytes=0-9\n", "Range:bytes=0-9\nrange:bytes=0-8\n",
			AWS_AUTH_MISMATCH},
		{get_object, "Range:bytes=0-9\n", "Range:bytes=0-9\nAccept:x\n", AWS_AUTH_OK},
		{get_object, "Range:bytes=0-9\n", "Range:bytes=0-9\nx-amz-acl:public-read\n",
			AWS_AUTH_HEADERS_UNSIGNED},
		{get_object, "Host:e", "Host:f", AWS_AUTH_MISMATCH},
		{get_object, "=host;", "=", AWS_AUTH_HOST_UNSIGNED},
		{get_object, "sha256:e3", "sha256:e4", AWS_AUTH_MISMATCH},
		{get_object, "sha256:" EMPTY, "sha256:UNSIGNED-PAYLOAD", AWS_AUTH_MISMATCH},
		{get_object, "sha256:" EMPTY, "sha256:nonsense", AWS_AUTH_SHA256_INVALID},
		{get_object, "x-amz-content-sha256:" EMPTY "\n", "", AWS_AUTH_SHA256_MISSING},
		{get_object, "f0e8", "f0e9", AWS_AUTH_MISMATCH},
		{get_object, "f0e8", "F0E8", AWS_AUTH_MISMATCH},
		{get_object, "f0e8", "0", AWS_AUTH_MISMATCH},
		{get_object, "us-east-1", "us-east-2", AWS_AUTH_MISMATCH},
		{json, "DescribeLogGroups", "DeleteLogGroup", AWS_AUTH_MISMATCH},
	};

	check_edits(edits, ARRAY_SIZE(edits));
	/* The body of other services is part of the signature. */
	struct aws_verify_options options = example;
	assert_int_equal(verify(json, &options, NULL), AWS_AUTH_MISMATCH);
	options.payload_hash = STR(BRACES);
	options.secret = STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ");
	assert_int_equal(verify(json, &options, NULL), AWS_AUTH_MISMATCH);
}

static void malformed_claims(void **state)
{
	static const struct edit edits[] = {
		{get_object, "AWS4-HMAC-SHA256 C", "AWS4-HMAC-SHA512 C", AWS_AUTH_MECHANISM},
		{get_object, "AWS4-HMAC-SHA256 C", "Basic C", AWS_AUTH_TYPE},
		{get_object, "Credential=", "Credentials=", AWS_AUTH_HEADER_MALFORMED},
		{get_object, ",Signature=", ",", AWS_AUTH_HEADER_MALFORMED},
		{get_object, "SignedHeaders=", "", AWS_AUTH_HEADER_MALFORMED},
		{get_object, "aws4_request", "aws5_request", AWS_AUTH_HEADER_MALFORMED},
		{get_object, "/s3/", "//", AWS_AUTH_HEADER_MALFORMED},
		{get_object, ID "/", "/", AWS_AUTH_HEADER_MALFORMED},
		{get_object, "/20130524/", "/2013524/", AWS_AUTH_HEADER_MALFORMED},
		{get_object, "/20130524/", "/20130525/", AWS_AUTH_SCOPE_DATE},
		{get_object, "x-amz-date:20130524T000000Z", "x-amz-date:", AWS_AUTH_DATE},
		{get_object, "x-amz-date:20130524T000000Z", "x-amz-date:yesterday", AWS_AUTH_DATE},
		{get_object, "x-amz-date:20130524T000000Z", "x-amz-date:19500707T215304Z",
			AWS_AUTH_DATE},
		{get_object, "\nx-amz-date:20130524T000000Z", "", AWS_AUTH_DATE},
		{get_object, "test.txt", "test.txt?X-Amz-Algorithm=x", AWS_AUTH_TWO_MECHANISMS},
		{get_object, "test.txt", "test.txt?AWSAccessKeyId=a&Signature=b",
			AWS_AUTH_TWO_MECHANISMS},
		{"GET /\nHost:h\nAuthorization:AWS HAHAHA", "HAHAHA", "HAHAHA",
			AWS_AUTH_V2_MALFORMED},
		{"GET /\nHost:h\nAuthorization:AWS a:", "a:", "a:", AWS_AUTH_V2_MALFORMED},
		{"GET /\nHost:h\nAuthorization:", "h", "h", AWS_AUTH_MISSING},
		{"GET /\nHost:h", "h", "h", AWS_AUTH_MISSING},
		{"GET /\nHost:h\nx-amz-date:Bad Date\nAuthorization:AWS a:b", "h", "h",
			AWS_AUTH_DATE},
		{"GET /\nHost:h\nDate:Tue, 07 Jul 1950 21:53:04 GMT\nAuthorization:AWS a:b", "h",
			"h", AWS_AUTH_DATE},
		{"GET /?AWSAccessKeyId=a&Signature=b\nHost:h", "h", "h",
			AWS_AUTH_V2_QUERY_INCOMPLETE},
		{"GET /?AWSAccessKeyId=a&Signature=b&Expires=soon\nHost:h", "h", "h",
			AWS_AUTH_V2_EXPIRES},
		{presigned, "X-Amz-Algorithm=AWS4-HMAC-SHA256&", "", AWS_AUTH_QUERY_INCOMPLETE},
		{presigned, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", AWS_AUTH_QUERY_MALFORMED},
		{presigned, "&X-Amz-Expires=86400", "", AWS_AUTH_QUERY_INCOMPLETE},
		{presigned, "=86400", "=-7", AWS_AUTH_QUERY_MALFORMED},
		{presigned, "=86400", "=604801", AWS_AUTH_QUERY_MALFORMED},
		{presigned, "=86400", "=1d", AWS_AUTH_QUERY_MALFORMED},
		{presigned, "=86400", "=", AWS_AUTH_QUERY_MALFORMED},
		{presigned, "=86400", "=0", AWS_AUTH_EXPIRED},
		{presigned, "=86400", "=604800", AWS_AUTH_MISMATCH},
		{presigned, "%2F20130524%2F", "%2F20130525%2F", AWS_AUTH_QUERY_MALFORMED},
		{presigned, "Date=20130524", "Date=20130525", AWS_AUTH_QUERY_MALFORMED},
		{presigned, "%2Faws4_request", "", AWS_AUTH_QUERY_MALFORMED},
		{presigned, "=host", "=", AWS_AUTH_HOST_UNSIGNED},
		{presigned, "test.txt?", "test.txt?versionId=1&", AWS_AUTH_MISMATCH},
		{presigned, "GET", "DELETE", AWS_AUTH_MISMATCH},
		{presigned, ".com", ".com\nx-amz-acl:public-read", AWS_AUTH_HEADERS_UNSIGNED},
		{presigned, ".com", ".com\nx-amz-content-sha256:" EMPTY, AWS_AUTH_OK},
		{presigned, ".com", ".com\nx-amz-content-sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
			AWS_AUTH_SHA256_INVALID},
	};

	check_edits(edits, ARRAY_SIZE(edits));
}

/* Fifteen minutes to either side; a presigned request from its date (less the skew) to its end. */
static void clocks(void **state)
{
	static const struct {
		const char *text;
		int64_t offset_ms;
		enum aws_auth_fault fault;
	} cases[] = {
		{get_object, 900000, AWS_AUTH_OK},
		{get_object, 900001, AWS_AUTH_TOO_OLD},
		{get_object, -900000, AWS_AUTH_OK},
		{get_object, -900001, AWS_AUTH_TOO_NEW},
		{presigned, 86399999, AWS_AUTH_OK},
		{presigned, 86400000, AWS_AUTH_EXPIRED},
		{presigned, -900000, AWS_AUTH_OK},
		{presigned, -900001, AWS_AUTH_NOT_YET_VALID},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct aws_verify_options options = example;
		options.now_ms += cases[i].offset_ms;
		assert_int_equal(verify(cases[i].text, &options, NULL), cases[i].fault);
	}
}

static void scopes(void **state)
{
	struct aws_verify_options options = example;

	options.region = STR("us-east-1");
	options.service = STR("s3");
	assert_int_equal(verify(get_object, &options, NULL), AWS_AUTH_OK);
	options.region = STR("eu-central-1");
	assert_int_equal(verify(get_object, &options, NULL), AWS_AUTH_SCOPE_REGION);
	options = example;
	options.service = STR("logs");
	assert_int_equal(verify(get_object, &options, NULL), AWS_AUTH_SCOPE_SERVICE);
}

/* The code and sentence of each protocol ("Common errors", S3 "Error responses"). */
static void what_the_client_is_told(void **state)
{
	struct aws_verify_options late = example;
	struct aws_refusal refusal;
	struct aws_error error;

	late.now_ms += 30 * 60000;
	late.payload_hash = STR(BRACES);
	assert_int_equal(verify(json, &late, &refusal), AWS_AUTH_TOO_OLD);
	aws_refusal_error(&refusal, AWS_STYLE_JSON, &error);
	assert_string_equal(aws_error_name(error.code), "InvalidSignatureException");
	assert_string_equal(error.message,
		"Signature expired: 20130524T000000Z is now earlier than 20130524T001500Z "
		"(20130524T003000Z - 15 min.)");
	assert_int_equal(error.details, 0);
	aws_refusal_error(&refusal, AWS_STYLE_QUERY, &error);
	assert_string_equal(aws_error_name(error.code), "SignatureDoesNotMatch");
	aws_refusal_error(&refusal, AWS_STYLE_EC2, &error);
	assert_string_equal(aws_error_name(error.code), "RequestExpired");
	aws_refusal_error(&refusal, AWS_STYLE_S3, &error);
	assert_string_equal(aws_error_name(error.code), "RequestTimeTooSkewed");
	assert_string_equal(error.message,
		"The difference between the request time and the current time is too large.");
	assert_string_equal(error.detail[1].name, "ServerTime");
	assert_string_equal(error.detail[1].value, "2013-05-24T00:30:00Z");

	late.now_ms = NOW_MS + INT64_C(86400000);
	assert_int_equal(verify(presigned, &late, &refusal), AWS_AUTH_EXPIRED);
	aws_refusal_error(&refusal, AWS_STYLE_S3, &error);
	assert_string_equal(aws_error_name(error.code), "AccessDenied");
	assert_string_equal(error.message, "Request has expired");
	assert_int_equal(aws_error_status(error.code), 403);

	static const struct {
		enum aws_auth_fault fault;
		const char *codes[AWS_STYLES];
	} rows[] = {
		{AWS_AUTH_UNKNOWN_KEY, {"InvalidAccessKeyId", "InvalidClientTokenId", "AuthFailure",
					       "UnrecognizedClientException"}},
		{AWS_AUTH_MISMATCH, {"SignatureDoesNotMatch", "SignatureDoesNotMatch",
					    "AuthFailure", "InvalidSignatureException"}},
		{AWS_AUTH_MISSING, {"AccessDenied", "MissingAuthenticationToken", "AuthFailure",
					   "MissingAuthenticationTokenException"}},
		{AWS_AUTH_EXPIRED_TOKEN, {"ExpiredToken", "ExpiredToken", "RequestExpired",
						 "ExpiredTokenException"}},
		{AWS_AUTH_INVALID_TOKEN, {"InvalidToken", "InvalidClientTokenId", "AuthFailure",
						 "UnrecognizedClientException"}},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (enum aws_error_style style = 0; style < AWS_STYLES; style++) {
			aws_refuse(&refusal, rows[i].fault, NULL);
			aws_refusal_error(&refusal, style, &error);
			assert_string_equal(aws_error_name(error.code), rows[i].codes[style]);
		}
	}
	/* Every fault has a sentence in every style, and none a format left over. */
	for (enum aws_auth_fault fault = AWS_AUTH_OK + 1; fault < AWS_AUTH_FAULTS; fault++) {
		for (enum aws_error_style style = 0; style < AWS_STYLES; style++) {
			aws_refuse(&refusal, fault, "%s", "x%sy");
			aws_refusal_error(&refusal, style, &error);
			assert_true(error.message[0] != '\0');
		}
	}
}

/* Signed by botocore 1.43.11 with a session token, S3 and STS, headers and query. */
static void signed_by_botocore(void **state)
{
	static const char *const good[] = {
		"GET /bkt/a%20b%2Bc?versionId=x%2Fy&X-Amz-Algorithm=AWS4-HMAC-SHA256"
		"&X-Amz-Credential=" ID "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host"
		"&X-Amz-Security-Token=token%2F%2B%3D&X-Amz-Signature="
		"4c165f6e8657ab22397d0c3612e6c35e84f805d073fd71c919a43d1227d59697\n"
		"Host:127.0.0.1:8080",
		"GET /?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"
		"&X-Amz-Credential=" ID "%2F20130524%2Fus-east-1%2Fsts%2Faws4_request"
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"
		"&X-Amz-Signature=2745916828dca76e7b01bc436daafa8409d2b3ef263ecd38906cb807b72dea47\n"
		"Host:sts.amazonaws.com\nx-k8s-aws-id:c",
		"GET /bkt/a?AWSAccessKeyId=" ID "&Signature=EtwqD8fqi23m9NHDY2toMO5ldzI%3D"
		"&x-amz-security-token=token%2F%2B%3D&Expires=1369354200\nHost:127.0.0.1:8080",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct request request;
		struct aws_signature signature;
		if (verify(good[i], &example, NULL) != AWS_AUTH_OK)
			fail_msg("refused: %s", good[i]);
		read_request(&request, good[i]);
		assert_int_equal(aws_signature_parse(&request.request, &signature, NULL), 0);
		assert_true(str_equal(signature.access_key_id, STR(ID)));
		assert_true(i == 1 || str_equal(signature.session_token, STR("token/+=")));
		assert_int_equal(aws_signature_is_s3(&signature), i != 1);
		assert_int_equal(signature.payload, AWS_PAYLOAD_UNSIGNED);
		aws_signature_done(&signature);
	}
}

static enum aws_auth_fault verify_form(
	const struct aws_post_form *form, const struct aws_verify_options *options)
{
	struct aws_signature signature;
	struct aws_refusal refusal = {0};

	int result = aws_post_form_parse(form, &signature, &refusal);
	if (result == 0 && signature.kind == AWS_SIGNATURE_NONE)
		aws_refuse(&refusal, AWS_AUTH_MISSING, NULL);
	else if (result == 0)
		aws_post_form_verify(form, &signature, options, &refusal);
	aws_signature_done(&signature);
	return refusal.fault;
}

/* Fields made by botocore 1.43.11's generate_presigned_post, both versions. */
static void post_forms(void **state)
{
	const struct aws_post_form v4 = {.algorithm = STR("AWS4-HMAC-SHA256"),
		.credential = STR(ID "/20130524/us-east-1/s3/aws4_request"),
		.date = STR("20130524T000000Z"),
		.policy = STR(
			"eyJleHBpcmF0aW9uIjogIjIwMTMtMDUtMjVUMDA6MDA6MDBaIiwgImNvbmRpdGlvbnMiOiBbe"
			"yJidWNrZXQiOiAiYmt0In0sIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNT"
			"YifSwgeyJ4LWFtei1jcmVkZW50aWFsIjogIkFLSUFJT1NGT0ROTjdFWEFNUExFLzIwMTMwNTI"
			"0L3VzLWVhc3QtMS9zMy9hd3M0X3JlcXVlc3QifSwgeyJ4LWFtei1kYXRlIjogIjIwMTMwNTI0"
			"VDAwMDAwMFoifV19"),
		.signature =
			STR("f7f55355e98a233fd3cf13d027426b356f49c5a8c4d5431b13e8a52e8c5b7a79")};
	const struct aws_post_form v2 = {.access_key_id = STR(ID),
		.policy = STR(
			"eyJleHBpcmF0aW9uIjogIjIwMTMtMDUtMjVUMDA6MDA6MDBaIiwgImNvbmRpdGlvbnMiOiBbe"
			"yJidWNrZXQiOiAiYmt0In1dfQ=="),
		.signature = STR("IdiJfe1ImWo34jUSdKNbNJq4EQ8=")};
	struct aws_post_form form = v4;
	struct aws_verify_options options = example;

	assert_int_equal(verify_form(&v4, &example), AWS_AUTH_OK);
	assert_int_equal(verify_form(&v2, &example), AWS_AUTH_OK);
	form.policy.n--;
	assert_int_equal(verify_form(&form, &example), AWS_AUTH_MISMATCH);
	form = v2;
	form.policy.n--;
	assert_int_equal(verify_form(&form, &example), AWS_AUTH_MISMATCH);
	form = v4;
	form.date = STR("20130525T000000Z");
	assert_int_equal(verify_form(&form, &example), AWS_AUTH_SCOPE_DATE);
	form = v4;
	form.algorithm = STR("AWS4-ECDSA-P256-SHA256");
	assert_int_equal(verify_form(&form, &example), AWS_AUTH_MECHANISM);
	form = v4;
	form.credential = STR(ID);
	assert_int_equal(verify_form(&form, &example), AWS_AUTH_QUERY_MALFORMED);
	form = v2;
	form.signature = STR("");
	assert_int_equal(verify_form(&form, &example), AWS_AUTH_V2_QUERY_INCOMPLETE);
	options.now_ms -= AWS_CLOCK_SKEW_MS + 1;
	assert_int_equal(verify_form(&v4, &options), AWS_AUTH_NOT_YET_VALID);
	assert_int_equal(verify_form(&(struct aws_post_form){.policy = STR("e30=")}, &example),
		AWS_AUTH_MISSING);
}

/* A cached key is the same key; another secret for the same scope is not. */
static void signing_keys(void **state)
{
	_cleanup_(aws_signing_keys_freep) struct aws_signing_keys *keys = aws_signing_keys_new();
	struct aws_verify_options options = example;
	char region[400];

	options.keys = keys;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(verify(get_object, &options, NULL), AWS_AUTH_OK);
		options.secret = STR("another");
		assert_int_equal(verify(get_object, &options, NULL), AWS_AUTH_MISMATCH);
		options.secret = example.secret;
	}
	memset(region, 'r', sizeof(region));
	for (int i = 0; i < 2; i++) {
		uint8_t cached[32], derived[32];
		struct str name = {region, i ? sizeof(region) : 9};
		for (int turn = 0; turn < 2; turn++) {
			aws_signing_keys_get(
				keys, STR(SECRET), STR("20130524"), name, STR("s3"), cached);
			aws_signing_keys_get(
				NULL, STR(SECRET), STR("20130524"), name, STR("s3"), derived);
			assert_memory_equal(cached, derived, 32);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_requests_are_good),
		cmocka_unit_test(published_suite),
		cmocka_unit_test(version_2),
		cmocka_unit_test(tampering_with_headers),
		cmocka_unit_test(malformed_claims),
		cmocka_unit_test(clocks),
		cmocka_unit_test(scopes),
		cmocka_unit_test(what_the_client_is_told),
		cmocka_unit_test(signed_by_botocore),
		cmocka_unit_test(post_forms),
		cmocka_unit_test(signing_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
