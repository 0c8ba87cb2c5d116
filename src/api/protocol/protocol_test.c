/* The protocols over example.smithy. One call of PutMetricData in three encodings is what botocore
 * 1.43's serializers made of it; the sentences of validation are those that AWS's services answer
 * with; the rest follows the Smithy protocol pages, whose own suite is tests/protocols. */
#include "api/protocol/protocol.h"

#include "aws/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

extern const struct shape_service example_shape;

static void free_json(json_t **value)
{
	json_decref(*value);
}
#define _cleanup_json_ _cleanup_(free_json)

struct sample {
	const char *path, *query, *target, *content_type;
	struct str body;
};

static int read_sample(const struct sample *sample, json_t **ret_input, struct aws_error *error)
{
	struct aws_header headers[2];
	struct aws_request http = {.method = STR("POST"),
		.path = str_from(sample->path ? sample->path : "/"),
		.query = str_from(sample->query ? sample->query : ""),
		.headers = headers};
	struct protocol_request request = {.http = &http, .body = sample->body};
	const struct shape_operation *operation;

	headers[http.header_count++] = (struct aws_header){
		STR("Content-Type"), str_from(sample->content_type ? sample->content_type : "")};
	if (sample->target)
		headers[http.header_count++] =
			(struct aws_header){STR("X-Amz-Target"), str_from(sample->target)};
	enum shape_protocol protocol = protocol_detect(&example_shape, &http);
	int result = protocol_route(&example_shape, protocol, &request, &operation, error);
	if (result == 0)
		result = protocol_read(
			&example_shape, protocol, operation, &request, ret_input, error);
	return result;
}

static struct sample query(const char *body)
{
	return (struct sample){.content_type = "application/x-www-form-urlencoded; charset=utf-8",
		.body = str_from(body)};
}

static struct sample target(const char *operation, const char *body)
{
	return (struct sample){.target = operation,
		.content_type = "application/x-amz-json-1.0",
		.body = str_from(body)};
}

static struct sample cbor(const char *operation, const char *hex, uint8_t *space)
{
	static char path[128];
	size_t n = strlen(hex) / 2;

	snprintf(path, sizeof(path), "/service/GraniteServiceVersion20100801/operation/%s",
		operation);
	assert_true(aws_hex_parse(str_from(hex), space, n));
	return (struct sample){
		.path = path, .content_type = "application/cbor", .body = {(const char *)space, n}};
}

static void assert_input(struct sample sample, const char *expected)
{
	struct aws_error error = {0};
	_cleanup_json_ json_t *found = NULL, *want = json_loads(expected, JSON_DECODE_ANY, NULL);

	if (read_sample(&sample, &found, &error) < 0)
		fail_msg("%s: %s", aws_error_name(error.code), error.message);
	if (!json_equal(found, want)) {
		char *text = json_dumps(found, JSON_SORT_KEYS);
		fail_msg("%s\ninstead of %s", text, expected);
	}
}

static void assert_refused(struct sample sample, enum aws_error_code code, const char *message)
{
	struct aws_error error = {0};
	_cleanup_json_ json_t *found = NULL;

	if (read_sample(&sample, &found, &error) == 0)
		fail_msg("not refused: %s", message);
	assert_string_equal(aws_error_name(error.code), aws_error_name(code));
	if (message)
		assert_string_equal(error.message, message);
}

/* shared: botocore 1.43.11. */
static void one_call_in_three_protocols(void **state)
{
	static const char value[] =
		"{\"Namespace\": \"VPC\", \"MetricData\": [{\"MetricName\": \"bytes\", \"Value\": "
		"1.5, \"Timestamp\": 1700000000000, \"Unit\": \"Bytes\"}]}";
	uint8_t space[256];

	assert_input(query("Action=PutMetricData&Version=2010-08-01&Namespace=VPC&MetricData."
			   "member.1.MetricName=bytes&MetricData.member.1.Value=1.5&MetricData."
			   "member.1.Timestamp=2023-11-14T22:13:20Z&MetricData.member.1.Unit="
			   "Bytes"),
		value);
	assert_input(
		target("GraniteServiceVersion20100801.PutMetricData",
			"{\"Namespace\": \"VPC\", \"MetricData\": [{\"MetricName\": \"bytes\", "
			"\"Value\": 1.5, \"Timestamp\": 1700000000, \"Unit\": \"Bytes\"}]}"),
		value);
	assert_input(cbor("PutMetricData",
			     "a2694e616d657370616365635650436a4d65747269634461746181a46a4d657472"
			     "69634e616d656562797465736556616c7565fb3ff80000000000006954696d6573"
			     "74616d70c11a6553f10064556e6974654279746573",
			     space),
		value);
}

static void forms_are_read(void **state)
{
	struct sample sample = query("Version=2010-08-01");

	assert_input(query("Action=Everything&names.member.10=j&names.member.2=b&flat.1=x&flat.2="
			   "a+b%26c&tags.entry.1.key=k&tags.entry.1.value=&nested.nested.flag=true"
			   "&either.one=1&time=1700000000.5&double=NaN&string="),
		"{\"names\": [\"b\", \"j\"], \"flat\": [\"x\", \"a b&c\"], \"tags\": {\"k\": \"\"}, "
		"\"nested\": {\"nested\": {\"flag\": true, \"orders\": 7}, \"orders\": 7}, "
		"\"either\": {\"one\": \"1\"}, \"time\": 1700000000500, \"double\": \"NaN\", "
		"\"string\": \"\", \"orders\": 7}");
	assert_input(query("Action=Everything&names=&tags="),
		"{\"names\": [], \"tags\": {}, \"orders\": 7}");
	sample.query = "Action=Everything&limit=5";
	assert_input(sample, "{\"limit\": 5, \"orders\": 7}");
	assert_refused(query("Action=Everything&limit=1.5"), AWS_ERROR_MALFORMED_INPUT,
		"'1.5' is not a valid Integer for 'limit'");
	assert_refused(
		query("Action=Everything&names.member.x=1"), AWS_ERROR_MALFORMED_INPUT, NULL);
	assert_refused(query("Action=Everything&byte=128"), AWS_ERROR_MALFORMED_INPUT, NULL);
	assert_refused(query("Action=Everything&string=%ff"), AWS_ERROR_MALFORMED_INPUT, NULL);
	assert_refused(query("Action=Everything&string=%f"), AWS_ERROR_MALFORMED_INPUT, NULL);
	assert_refused(query("Action=Everything&either.one=1&either.other=2"),
		AWS_ERROR_MALFORMED_INPUT, NULL);
	assert_refused(query("Version=2010-08-01"), AWS_ERROR_MISSING_ACTION, NULL);
	assert_refused(query("Action=No&Version=2010-08-01"), AWS_ERROR_INVALID_ACTION,
		"Could not find operation No for version 2010-08-01");
}

static void json_is_read(void **state)
{
	static const char name[] = "GraniteServiceVersion20100801.Everything";

	assert_input(target(name, ""), "{\"orders\": 7}");
	assert_input(
		target(name, "{\"unknown\": [{}], \"string\": null, \"limit\": 2.0, \"time\": "
			     "1700000000.123, \"written\": \"2023-11-14T22:13:20.5Z\", \"double\": "
			     "\"-Infinity\", \"document\": [1, null, {}], \"orders\": 0}"),
		"{\"limit\": 2, \"time\": 1700000000123, \"written\": 1700000000500, \"double\": "
		"\"-Infinity\", \"document\": [1, null, {}], \"orders\": 0}");
	assert_refused(target(name, "[]"), AWS_ERROR_SERIALIZATION_EXCEPTION, NULL);
	assert_refused(target(name, "{"), AWS_ERROR_SERIALIZATION_EXCEPTION, NULL);
	assert_refused(target(name, "{\"string\": 1}"), AWS_ERROR_SERIALIZATION_EXCEPTION,
		"NUMBER_VALUE cannot be converted to String");
	assert_refused(target(name, "{\"limit\": \"1\"}"), AWS_ERROR_SERIALIZATION_EXCEPTION,
		"STRING_VALUE cannot be converted to Integer");
	assert_refused(target(name, "{\"limit\": {}}"), AWS_ERROR_SERIALIZATION_EXCEPTION,
		"Start of structure or map found where not expected.");
	assert_refused(
		target(name, "{\"names\": [null]}"), AWS_ERROR_SERIALIZATION_EXCEPTION, NULL);
	assert_refused(target(name, "{\"blob\": \"*\"}"), AWS_ERROR_SERIALIZATION_EXCEPTION, NULL);
	assert_refused(target(name, "{\"either\": {\"one\": \"1\", \"other\": 2}}"),
		AWS_ERROR_SERIALIZATION_EXCEPTION, NULL);
	assert_refused(target("GraniteServiceVersion20100801.No", "{}"),
		AWS_ERROR_UNKNOWN_OPERATION_EXCEPTION, NULL);
	assert_refused(target("Logs_20140328.Everything", "{}"),
		AWS_ERROR_UNKNOWN_OPERATION_EXCEPTION, NULL);
}

/* Deep and wide input ends in an error, not in the stack or in all memory. */
static void nesting_is_bounded(void **state)
{
	_cleanup_buf_ struct buf json = {0}, form = {0};

	buf_add_text(&form, "Action=Everything&nested");
	for (int i = 0; i < 100000; i++) {
		buf_add_text(&json, "{\"nested\":");
		buf_add_text(&form, ".nested");
	}
	buf_add_text(&form, ".limit=1");
	assert_refused(target("GraniteServiceVersion20100801.Everything", buf_text(&json)),
		AWS_ERROR_SERIALIZATION_EXCEPTION, "The JSON is nested too deep");
	assert_refused(query(buf_text(&form)), AWS_ERROR_MALFORMED_INPUT,
		"A parameter's name is nested too deep");
	json.n = 0;
	buf_add_text(&json, "{\"names\":[\"\"");
	for (int i = 0; i < 500000; i++)
		buf_add_text(&json, ",\"\"");
	buf_add_text(&json, "]}");
	assert_refused(target("GraniteServiceVersion20100801.Everything", buf_text(&json)),
		AWS_ERROR_SERIALIZATION_EXCEPTION, "The JSON has too many values");
}

/* Sentences as CloudWatch Logs, IAM and Kinesis answer. */
static void limits_are_checked(void **state)
{
	static const char name[] = "GraniteServiceVersion20100801.Everything";
	static const char put[] = "GraniteServiceVersion20100801.PutMetricData";

	assert_refused(target(name, "{\"limit\": 10001}"), AWS_ERROR_VALIDATION_EXCEPTION,
		"1 validation error detected: Value '10001' at 'limit' failed to satisfy "
		"constraint: Member must have value less than or equal to 10000");
	assert_refused(query("Action=PutMetricData&MetricData.member.1.MetricName="),
		AWS_ERROR_VALIDATION_ERROR,
		"2 validation errors detected: Value null at 'namespace' failed to satisfy "
		"constraint: Member must not be null; Value '' at 'metricData.1.member.metricName' "
		"failed to satisfy constraint: Member must have length greater than or equal to 1");
	assert_refused(
		target(put, "{\"Namespace\": \":\", \"MetricData\": [{\"MetricName\": \"a\", "
			    "\"Unit\": \"Feet\"}]}"),
		AWS_ERROR_VALIDATION_EXCEPTION,
		"2 validation errors detected: Value ':' at 'namespace' failed to satisfy "
		"constraint: Member must satisfy regular expression pattern: [^:].*; Value 'Feet' "
		"at 'metricData.1.member.unit' failed to satisfy constraint: Member must satisfy "
		"enum value set: [Bytes, Count, None]");
	assert_refused(target(name, "{\"names\": [\"b\", \"a\", \"b\"]}"),
		AWS_ERROR_VALIDATION_EXCEPTION,
		"1 validation error detected: Value '[\"b\",\"a\",\"b\"]' at 'names' failed to "
		"satisfy constraint: Member must have unique values");
	assert_refused(target(name, "{\"secret\": \"hunter2\"}"), AWS_ERROR_VALIDATION_EXCEPTION,
		"1 validation error detected: Value at 'secret' failed to satisfy constraint: "
		"Member must have length less than or equal to 4");
	assert_refused(target(name, "{\"nested\": {\"limit\": 0}}"), AWS_ERROR_VALIDATION_EXCEPTION,
		"1 validation error detected: Value '0' at 'nested.limit' failed to satisfy "
		"constraint: Member must have value greater than or equal to 1");
}

static void assert_output(enum shape_protocol protocol, const char *operation, const char *value,
	const char *type, const char *expected)
{
	struct protocol_context context = {.protocol = protocol,
		.service = &example_shape,
		.operation = shape_find_operation(&example_shape, str_from(operation)),
		.request_id = "8f2f9d5e-0000-4000-8000-000000000000"};
	struct protocol_response response = {0};
	struct aws_error error = {0};
	_cleanup_json_ json_t *output = json_loads(value, 0, NULL);

	assert_int_equal(protocol_write(&context, output, &response, &error), 0);
	assert_int_equal(response.status, 200);
	assert_string_equal(response.content_type, type);
	assert_string_equal(buf_text(&response.body), expected);
	protocol_response_done(&response);
}

static void outputs_are_written(void **state)
{
	static const char value[] =
		"{\"string\": \"a<\\\"\\n\", \"flag\": false, \"float\": 0.1, \"double\": 0.1, "
		"\"time\": 1700000000500, \"written\": 1700000000000, \"tags\": {\"k\": \"v\"}, "
		"\"flat\": [\"x\", \"y\"], \"names\": [], \"nested\": {\"orders\": 1}, \"limit\": "
		"null}";

	assert_output(SHAPE_AWS_JSON_1_0, "Everything", value, "application/x-amz-json-1.0",
		"{\"string\":\"a<\\\"\\n\",\"flag\":false,\"float\":0.1,\"double\":0.1,\"time\":"
		"1700000000.5,\"written\":\"2023-11-14T22:13:20Z\",\"tags\":{\"k\":\"v\"},\"flat\":["
		"\"x\",\"y\"],\"names\":[],\"nested\":{\"orders\":1},\"orders\":7}");
	assert_output(SHAPE_AWS_QUERY, "Everything", value, "text/xml",
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<EverythingResponse "
		"xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><EverythingResult>"
		"<string>a&lt;&quot;\n</string><flag>false</flag><float>0.1</float><double>0.1</"
		"double><time>2023-11-14T22:13:20.500Z</time><written>2023-11-14T22:13:20Z</"
		"written><tags><entry><key>k</key><value>v</value></entry></tags><flat>x</flat>"
		"<flat>y</flat><names></names><nested><orders>1</orders></nested><orders>7</"
		"orders></EverythingResult><ResponseMetadata><RequestId>8f2f9d5e-0000-4000-8000-"
		"000000000000</RequestId></ResponseMetadata></EverythingResponse>\n");
	/* Whole numbers and seconds have their point in AWS's answers. */
	static const char whole[] = "{\"double\": 41, \"time\": 1700000000000, \"orders\": 1}";
	assert_output(SHAPE_AWS_JSON_1_0, "Everything", whole, "application/x-amz-json-1.0",
		"{\"double\":41.0,\"time\":1700000000.0,\"orders\":1}");
	assert_output(SHAPE_RPC_V2_CBOR, "Everything", "{\"names\": [\"a\"], \"orders\": 1}",
		"application/cbor",
		"\xa2"
		"enames\x9f\x61"
		"a\xff"
		"forders\x01");
	assert_output(SHAPE_RPC_V2_CBOR, "Everything", "{\"time\": 1700000000123, \"orders\": 1}",
		"application/cbor",
		"\xa2"
		"dtime\xc1\xfb\x41\xd9\x54\xfc\x40\x07\xdf\x3b"
		"forders\x01");
	assert_output(SHAPE_AWS_QUERY, "Nothing", "{}", "text/xml",
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NothingResponse "
		"xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><ResponseMetadata>"
		"<RequestId>8f2f9d5e-0000-4000-8000-000000000000</RequestId></ResponseMetadata></"
		"NothingResponse>\n");
}

/* A handler's slip is an error of ours, never half an answer. */
static void outputs_must_fit(void **state)
{
	static const char *const bad[] = {"{\"string\": 1}", "{\"flag\": \"x\"}", "{\"names\": {}}",
		"{\"nested\": []}", "{\"time\": \"now\"}", "{\"blob\": 5}"};
	static const enum shape_protocol protocols[] = {
		SHAPE_AWS_JSON_1_0, SHAPE_AWS_QUERY, SHAPE_RPC_V2_CBOR};
	struct protocol_context context = {.service = &example_shape,
		.operation = shape_find_operation(&example_shape, STR("Everything"))};

	for (size_t i = 0; i < ARRAY_SIZE(bad) * ARRAY_SIZE(protocols); i++) {
		struct protocol_response response = {0};
		struct aws_error error = {0};
		const char *text = bad[i / ARRAY_SIZE(protocols)];
		_cleanup_json_ json_t *output = json_loads(text, 0, NULL);
		context.protocol = protocols[i % ARRAY_SIZE(protocols)];
		if (protocol_write(&context, output, &response, &error) == 0)
			fail_msg("%s", text);
		assert_int_equal(error.code, AWS_ERROR_INTERNAL_FAILURE);
		assert_int_equal(response.body.n, 0);
	}
}

static void assert_error(struct protocol_context context, struct aws_error error, int status,
	const char *header, const char *expected)
{
	struct protocol_response response = {0};

	context.service = &example_shape;
	context.request_id = "r";
	protocol_write_error(&context, &error, &response);
	assert_int_equal(response.status, status);
	if (expected)
		assert_string_equal(buf_text(&response.body), expected);
	assert_int_equal(response.header_count, header ? 1 : 0);
	if (header)
		assert_string_equal(response.headers[0].value, header);
	protocol_response_done(&response);
}

static void errors_are_written(void **state)
{
	struct aws_error denied = {.code = AWS_ERROR_ACCESS_DENIED, .message = "no & no"};
	struct aws_error invalid = {.code = AWS_ERROR_INVALID_PARAMETER_VALUE, .message = "bad"};
	const struct shape_operation *put =
		shape_find_operation(&example_shape, STR("PutMetricData"));

	assert_error((struct protocol_context){.protocol = SHAPE_AWS_QUERY}, denied, 403, NULL,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse "
		"xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><Error><Type>Sender</"
		"Type><Code>AccessDenied</Code><Message>no &amp; no</Message></Error><RequestId>r</"
		"RequestId></ErrorResponse>\n");
	assert_error((struct protocol_context){.protocol = SHAPE_AWS_JSON_1_0}, denied, 403, NULL,
		"{\"__type\":\"AccessDenied\",\"message\":\"no & no\"}");
	/* A code of the model, known by its query name in every protocol. */
	assert_error((struct protocol_context){.protocol = SHAPE_AWS_QUERY, .operation = put},
		invalid, 400, NULL,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse "
		"xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><Error><Type>Sender</"
		"Type><Code>InvalidParameterValue</Code><Message>bad</Message></Error><RequestId>r"
		"</RequestId></ErrorResponse>\n");
	assert_error((struct protocol_context){.protocol = SHAPE_AWS_JSON_1_0,
			     .operation = put,
			     .wants_query_errors = true},
		invalid, 400, "InvalidParameterValue;Sender",
		"{\"__type\":\"nagare.example#InvalidParameterValueException\",\"message\":"
		"\"bad\"}");
	/* What the framework refuses is told under its name; who speaks of query codes gets theirs.
	 */
	struct aws_error unfit = {.code = AWS_ERROR_VALIDATION_EXCEPTION, .message = "1 error"};
	assert_error((struct protocol_context){.protocol = SHAPE_AWS_JSON_1_0,
			     .wants_query_errors = true},
		unfit, 400, "ValidationError;Sender",
		"{\"__type\":\"com.amazon.coral.validate#ValidationException\",\"message\":"
		"\"1 error\"}");
	assert_error((struct protocol_context){.protocol = SHAPE_RPC_V2_CBOR, .operation = put},
		invalid, 400, "rpc-v2-cbor",
		"\xa2"
		"f__type\x78\x2dnagare.example#InvalidParameterValueExceptiongmessagecbad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_call_in_three_protocols),
		cmocka_unit_test(forms_are_read),
		cmocka_unit_test(json_is_read),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(limits_are_checked),
		cmocka_unit_test(outputs_are_written),
		cmocka_unit_test(outputs_must_fit),
		cmocka_unit_test(errors_are_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
