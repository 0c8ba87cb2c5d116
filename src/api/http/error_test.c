/* Expected: S3 API reference, "REST error responses"; IAM API reference, "Common errors"; EC2 API
 * reference, "Error codes for the Amazon EC2 API"; Smithy, "AWS JSON 1.1 protocol" and "Smithy RPC
 * v2 CBOR protocol" (its bytes by RFC 8949). */
#include "api/http/http_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct api_service services[AWS_STYLES] = {
	{.name = "s3", .style = AWS_STYLE_S3},
	{.name = "sts", .style = AWS_STYLE_QUERY},
	{.name = "ec2", .style = AWS_STYLE_EC2},
	{.name = "logs", .style = AWS_STYLE_JSON},
};

static void make(struct request *request, enum aws_error_style style, struct aws_header *headers,
	size_t count)
{
	*request = (struct request){.exchange = {.service = &services[style],
					    .path = STR("/b/a&b"),
					    .request_id = "ID",
					    .request = {.headers = headers, .header_count = count}},
		.host_id = "HOST"};
}

static void writes(struct request *request, const struct aws_error *error, const char *type,
	struct str expected)
{
	struct error_text text = {.content_type = NULL};

	error_write(request, error, &text);
	assert_string_equal(text.content_type, type);
	assert_int_equal(text.body.n, expected.n);
	assert_memory_equal(text.body.p, expected.p, expected.n);
	buf_done(&text.body);
}

static const char *header_of(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->answer.header_count; i++)
		if (strcmp(request->answer.headers[i].name, name) == 0)
			return request->answer.headers[i].value.p;
	return NULL;
}

static void done(struct request *request)
{
	for (struct note *note = request->notes, *next; note; note = next) {
		next = note->next;
		free(note);
	}
	answer_done(&request->answer);
}

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void s3(void **state)
{
	struct request request;
	struct aws_error error = {.code = AWS_ERROR_NONE};

	make(&request, AWS_STYLE_S3, NULL, 0);
	aws_error_default(&error, AWS_ERROR_NO_SUCH_KEY);
	aws_error_detail(&error, "Key", "a&b");
	writes(&request, &error, "application/xml",
		STR(DECLARATION
			"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>"
			"<Key>a&amp;b</Key><Resource>/b/a&amp;b</Resource><RequestId>ID</RequestId>"
			"<HostId>HOST</HostId></Error>"));
	request.exchange.bucket_host = STR("bucket");
	request.exchange.path = STR("/k");
	aws_error_default(&error, AWS_ERROR_ACCESS_DENIED);
	writes(&request, &error, "application/xml",
		STR(DECLARATION
			"<Error><Code>AccessDenied</Code><Message>Access Denied</Message>"
			"<Resource>/bucket/k</Resource><RequestId>ID</RequestId><HostId>HOST</HostId></Error>"));
	done(&request);
}

static void query(void **state)
{
	struct request request;
	struct aws_error error = {.code = AWS_ERROR_NONE};

	make(&request, AWS_STYLE_QUERY, NULL, 0);
	aws_error_set(&error, AWS_ERROR_INVALID_ACTION, "No <such>");
	writes(&request, &error, "text/xml",
		STR("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
		    "<Type>Sender</Type><Code>InvalidAction</Code><Message>No &lt;such&gt;</Message>"
		    "</Error><RequestId>ID</RequestId></ErrorResponse>"));
	done(&request);
}

static void ec2(void **state)
{
	struct request request;
	struct aws_error error = {.code = AWS_ERROR_NONE};

	make(&request, AWS_STYLE_EC2, NULL, 0);
	aws_error_set(&error, AWS_ERROR_AUTH_FAILURE, "no");
	writes(&request, &error, "text/xml;charset=UTF-8",
		STR(DECLARATION "<Response><Errors><Error><Code>AuthFailure</Code>"
				"<Message>no</Message></Error></Errors><RequestID>ID</RequestID>"
				"</Response>"));
	done(&request);
}

static void json(void **state)
{
	struct aws_header headers[] = {{STR("X-Amz-Target"), STR("Logs_20140328.X")},
		{STR("content-type"), STR("application/x-amz-json-1.1")},
		{STR("x-amzn-query-mode"), STR("true")}};
	struct request request;
	struct aws_error error = {.code = AWS_ERROR_NONE};

	make(&request, AWS_STYLE_JSON, headers, 3);
	aws_error_set(&error, AWS_ERROR_UNKNOWN_OPERATION_EXCEPTION, "a \"b\" \xff");
	writes(&request, &error, "application/x-amz-json-1.1",
		STR("{\"__type\":\"UnknownOperationException\",\"message\":\"a \\\"b\\\" ?\"}"));
	assert_string_equal(header_of(&request, "x-amzn-ErrorType"), "UnknownOperationException");
	assert_string_equal(
		header_of(&request, "x-amzn-query-error"), "UnknownOperationException;Sender");
	done(&request);
	headers[1].value = STR("application/x-amz-json-1.0");
	make(&request, AWS_STYLE_JSON, headers, 2);
	writes(&request, &error, "application/x-amz-json-1.0",
		STR("{\"__type\":\"UnknownOperationException\",\"message\":\"a \\\"b\\\" ?\"}"));
	assert_null(header_of(&request, "x-amzn-query-error"));
	done(&request);
	make(&request, AWS_STYLE_JSON, NULL, 0);
	aws_error_set(&error, AWS_ERROR_ACCESS_DENIED_EXCEPTION, "x");
	writes(&request, &error, "application/json",
		STR("{\"__type\":\"AccessDeniedException\",\"message\":\"x\"}"));
	done(&request);
}

static void cbor(void **state)
{
	struct aws_header headers[] = {{STR("smithy-protocol"), STR("rpc-v2-cbor")}};
	struct request request;
	struct aws_error error = {.code = AWS_ERROR_NONE};

	make(&request, AWS_STYLE_QUERY, headers, 1);
	aws_error_set(&error, AWS_ERROR_VALIDATION_EXCEPTION, "no");
	writes(&request, &error, "application/cbor",
		STR("\xa2\x66__type\x73ValidationException\x67message\x62no"));
	assert_string_equal(header_of(&request, "smithy-protocol"), "rpc-v2-cbor");
	done(&request);
}

/* A header that would be two, or none, is left out. */
static void headers(void **state)
{
	struct request request;

	make(&request, AWS_STYLE_S3, NULL, 0);
	api_answer_header(&request.exchange, "x-amz-meta-a", STR("fine"));
	api_answer_header(&request.exchange, "x-amz-meta-b", STR("a\r\nSet-Cookie: b"));
	api_answer_header(&request.exchange, "x-amz-meta-c", STR("a\0b"));
	api_answer_header(&request.exchange, "x-amz-meta-d", STR(""));
	api_answer_header_format(&request.exchange, "x-amz-n", "%d", 7);
	assert_int_equal(request.answer.header_count, 2);
	assert_string_equal(header_of(&request, "x-amz-meta-a"), "fine");
	assert_string_equal(header_of(&request, "x-amz-n"), "7");
	done(&request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s3),
		cmocka_unit_test(query),
		cmocka_unit_test(ec2),
		cmocka_unit_test(json),
		cmocka_unit_test(cbor),
		cmocka_unit_test(headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
