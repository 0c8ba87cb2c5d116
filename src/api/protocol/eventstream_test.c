/* Frames. The expected bytes were made with another implementation of the format and read back by
 * botocore's EventStreamBuffer; Smithy's own cases are in tests/protocols. */
#include "api/protocol/eventstream.h"

#include "aws/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_frame(const struct buf *frame, const char *hex)
{
	size_t n = strlen(hex) / 2;
	uint8_t *expected = mem_new(n, 1);

	assert_true(aws_hex_parse(str_from(hex), expected, n));
	assert_int_equal(frame->n, n);
	assert_memory_equal(frame->p, expected, n);
	free(expected);
}

static void add_header(struct buf *headers, const char *name, const char *value)
{
	eventstream_add_text(headers, name, EVENTSTREAM_STRING, str_from(value));
}

/* CloudWatch Logs: the stream that StartLiveTail begins with. */
static void initial_response(void **state)
{
	static const struct shape_operation operation = {.name = "StartLiveTail"};
	_cleanup_buf_ struct buf frame = {0};

	assert_int_equal(eventstream_add_initial(&frame, SHAPE_AWS_JSON_1_1, &operation, NULL), 0);
	assert_frame(&frame,
		"0000007200000060ab820d9e0b3a6576656e742d74797065070010696e697469616c2d726573706f6e"
		"73650d3a636f6e74656e742d7479706507001a6170706c69636174696f6e2f782d616d7a2d6a736f6e"
		"2d312e310d3a6d6573736167652d747970650700056576656e747b7dacae6b7d");
}

static void an_exception(void **state)
{
	_cleanup_buf_ struct buf frame = {0}, headers = {0};

	add_header(&headers, ":exception-type", "SessionTimeoutException");
	add_header(&headers, ":content-type", "application/json");
	add_header(&headers, ":message-type", "exception");
	eventstream_add_frame(
		&frame, buf_str(&headers), STR("{\"message\": \"Session timed out.\"}"));
	assert_frame(&frame,
		"000000960000006506bc980e0f3a657863657074696f6e2d7479706507001753657373696f6e54696d"
		"656f7574457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e"
		"2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d65737361676522"
		"3a202253657373696f6e2074696d6564206f75742e227d3cff2f0e");
}

static void a_long_event(void **state)
{
	_cleanup_buf_ struct buf frame = {0}, headers = {0};

	add_header(&headers, ":event-type", "sessionUpdate");
	add_header(&headers, ":content-type", "application/json");
	add_header(&headers, ":message-type", "event");
	eventstream_add_frame(&frame, buf_str(&headers),
		STR("{\"sessionMetadata\": {\"sampled\": false}, \"sessionResults\": "
		    "[{\"logStreamName\": \"st\", \"logGroupIdentifier\": \"123456789012:g\", "
		    "\"message\": \"m\", \"timestamp\": 1700000000000, \"ingestionTime\": "
		    "1700000000000}]}"));
	assert_frame(&frame,
		"0000012b00000053ea0d12970b3a6576656e742d7479706507000d73657373696f6e5570646174650d"
		"3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d657373616765"
		"2d747970650700056576656e747b2273657373696f6e4d65746164617461223a207b2273616d706c65"
		"64223a2066616c73657d2c202273657373696f6e526573756c7473223a205b7b226c6f675374726561"
		"6d4e616d65223a20227374222c20226c6f6747726f75704964656e746966696572223a202231323334"
		"35363738393031323a67222c20226d657373616765223a20226d222c202274696d657374616d70223a"
		"20313730303030303030303030302c2022696e67657374696f6e54696d65223a203137303030303030"
		"30303030307d5d7d1c06cb8c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initial_response),
		cmocka_unit_test(an_exception),
		cmocka_unit_test(a_long_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
