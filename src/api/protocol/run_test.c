/* The way of a call through the runner, with a server of the test's own around it: what is asked of
 * the policies, what the handler sees, and what is answered at each place where a call can end. */
#include "api/protocol/run.h"

#include "aws/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

extern const struct shape_service example_shape;

/* ---- the server ---- */

static struct {
	int status;
	char type[64], headers[256];
	struct buf body;
	char action[64], resource[128];
	unsigned asked;
	size_t keys, numbers, tags; /* how many, and values of the first two */
	bool denies;
} server;

void api_answer_header(struct api_exchange *exchange, const char *name, struct str value)
{
	size_t n = strlen(server.headers);

	snprintf(
		server.headers + n, sizeof(server.headers) - n, "%s: %.*s\n", name, STR_ARG(value));
}

void api_answer_empty(struct api_exchange *exchange, int status)
{
	server.status = status;
}

void api_answer_bytes(
	struct api_exchange *exchange, int status, const char *content_type, struct buf *bytes)
{
	server.status = status;
	snprintf(server.type, sizeof(server.type), "%s", content_type);
	buf_done(&server.body);
	server.body = *bytes;
	*bytes = (struct buf){0};
}

int api_authorize(struct api_exchange *exchange, struct str action, struct str resource_arn,
	const struct aws_policy *resource_policy, struct str resource_account,
	const struct aws_context_key *context, size_t context_count, struct aws_error *error)
{
	snprintf(server.action, sizeof(server.action), "%.*s", STR_ARG(action));
	snprintf(server.resource, sizeof(server.resource), "%.*s", STR_ARG(resource_arn));
	server.asked++;
	server.keys = context_count;
	server.numbers = context_count > 0 ? context[0].value_count : 0;
	server.tags = context_count > 1 ? context[1].value_count : 0;
	if (context_count > 1)
		assert_true(str_equal(context[1].values[1], STR("c")));
	return server.denies ? aws_error_default(error, AWS_ERROR_ACCESS_DENIED) : 0;
}

/* ---- the service ---- */

static int about_put(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	const char *namespace = json_string_value(json_object_get(call->input, "Namespace"));

	api_about_resource(authorization, "arn:aws:example:::first");
	for (int i = 0; i < 100; i++)
		api_about_key(authorization, STR("example:Number"), STR("one of many"));
	api_about_tag(authorization, STR("example:Tag/"), STR("a"), STR("b"));
	api_about_key(authorization, STR("Example:tag/A"), STR("c"));
	api_about_resource(authorization, "arn:aws:example:::%s", namespace);
	return 0;
}

static int put(struct api_call *call, struct aws_error *error)
{
	assert_string_equal(call->context, "context");
	if (strcmp(json_string_value(json_object_get(call->input, "Namespace")), "full") == 0)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE, "It is full.");
	return 0;
}

static int everything(struct api_call *call, struct aws_error *error)
{
	json_object_update(call->output, (json_t *)call->input);
	return 0;
}

static int answers_itself(struct api_call *call, struct aws_error *error)
{
	call->is_answered = true;
	api_answer_empty(call->exchange, 299);
	return 0;
}

static const struct api_operation operations[] = {
	{.name = "PutMetricData", .about = about_put, .run = put},
	{.name = "Everything", .run = everything, .is_unsigned = true, .action = "example:Any"},
	{0},
};
static const struct api_operation other_operations[] = {
	{.name = "PutMetricData", .run = answers_itself, .is_open = true},
	{0},
};

static char context[] = "context";
static const struct api_service service = {.name = "example",
	.style = AWS_STYLE_QUERY,
	.shape = &example_shape,
	.operations = operations,
	.body_max = 1000,
	.context = context};

/* ---- one call ---- */

struct call {
	const struct api_service *service;
	const char *body;
	bool is_anonymous;
	const char *target;
};

static void run_call(struct call call)
{
	struct aws_header headers[] = {{STR("content-type"), STR("application/x-amz-json-1.0")},
		{STR("x-amzn-query-mode"), STR("true")},
		{STR("x-amz-target"), str_from(call.target ? call.target : "")}};
	struct store_caller caller = {0};
	struct api_exchange exchange = {.service = call.service ? call.service : &service,
		.request = {.method = STR("POST"), .path = STR("/"), .query = STR("")},
		.request_id = "id",
		.caller = call.is_anonymous ? NULL : &caller};
	struct aws_error error = {0};

	exchange.request.headers = headers;
	exchange.request.header_count = call.target ? 3 : 0;
	server.headers[0] = server.action[0] = server.resource[0] = '\0';
	server.status = 0;
	server.asked = 0;
	assert_int_equal(protocol_begin(&exchange, &error), 0);
	assert_int_equal(exchange.handler.body, API_BODY_WHOLE);
	buf_add_text(&exchange.body, call.body);
	/* As the server does. */
	if (exchange.handler.run(&exchange, &error) < 0)
		protocol_answer_error(&exchange, &error);
	exchange.handler.end(&exchange);
	buf_done(&exchange.body);
}

static void assert_answer(int status, const char *part)
{
	assert_int_equal(server.status, status);
	if (!strstr(buf_text(&server.body), part))
		fail_msg("'%s' is not in %s", part, buf_text(&server.body));
}

static const char good[] =
	"Action=PutMetricData&Namespace=VPC&MetricData.member.1.MetricName=bytes";

static void a_call_is_answered(void **state)
{
	run_call((struct call){.body = good});
	assert_answer(200, "<RequestId>id</RequestId>");
	assert_string_equal(server.type, "text/xml");
	assert_string_equal(server.action, "example:PutMetricData");
	assert_string_equal(server.resource, "arn:aws:example:::VPC");
	assert_int_equal(server.asked, 2);
	assert_int_equal(server.keys, 2);
	assert_int_equal(server.numbers, 100);
	assert_int_equal(server.tags, 2);
	run_call((struct call){.target = "GraniteServiceVersion20100801.Everything",
		.body = "{\"string\": \"x\"}"});
	assert_answer(200, "{\"string\":\"x\",\"orders\":7}");
	assert_string_equal(server.action, "example:Any");
	assert_string_equal(server.resource, "*");
}

static void a_call_is_refused(void **state)
{
	/* By the policies, after the input has been read. */
	server.denies = true;
	run_call((struct call){.body = good});
	assert_answer(403, "<Code>AccessDenied</Code>");
	assert_string_equal(server.resource, "arn:aws:example:::first");
	assert_int_equal(server.asked, 1);
	server.denies = false;
	/* By the model. */
	run_call((struct call){.body = "Action=PutMetricData&Namespace=VPC"});
	assert_answer(400, "<Code>ValidationError</Code><Message>1 validation error detected: "
			   "Value null at 'metricData' failed to satisfy constraint: Member must "
			   "not be null</Message>");
	assert_string_equal(server.action, "");
	/* By the handler, with an error of the model. */
	run_call((struct call){.body = "Action=PutMetricData&Namespace=full&MetricData.member.1."
				       "MetricName=bytes"});
	assert_answer(400, "<Code>InvalidParameterValue</Code><Message>It is full.</Message>");
	run_call((struct call){.target = "GraniteServiceVersion20100801.PutMetricData",
		.body = "{\"Namespace\":\"full\",\"MetricData\":[]}"});
	assert_answer(400, "{\"__type\":\"nagare.example#InvalidParameterValueException\","
			   "\"message\":\"It is full.\"}");
	assert_string_equal(server.headers, "x-amzn-query-error: InvalidParameterValue;Sender\n");
}

static void unknown_operations_are_refused(void **state)
{
	run_call((struct call){.body = "Action=Fly&Version=2010-08-01"});
	assert_answer(400, "<Code>InvalidAction</Code><Message>Could not find operation Fly for "
			   "version 2010-08-01</Message>");
	/* In the model, but not made. */
	run_call((struct call){.body = "Action=Nothing"});
	assert_answer(400, "<Code>InvalidAction</Code>");
	run_call((struct call){.target = "GraniteServiceVersion20100801.Nothing", .body = "{}"});
	assert_answer(400, "{\"__type\":\"UnknownOperationException\"");
}

static void strangers_are_refused(void **state)
{
	run_call((struct call){.body = good, .is_anonymous = true});
	assert_answer(403, "<Code>MissingAuthenticationToken</Code>");
	assert_string_equal(server.action, "");
	/* Where they may come, they are not asked for a permission. */
	run_call((struct call){.body = "Action=Everything", .is_anonymous = true});
	assert_answer(200, "<orders>7</orders>");
	assert_string_equal(server.action, "");
}

static void handlers_may_answer(void **state)
{
	struct api_service other = service;

	other.operations = other_operations;
	run_call((struct call){.service = &other, .body = good});
	assert_int_equal(server.status, 299);
	assert_string_equal(server.action, "");
}

/* CloudWatch Logs says InvalidParameterException where others say ValidationException. */
static void services_have_their_own_code(void **state)
{
	struct api_service other = service;

	other.validation_code = AWS_ERROR_INVALID_PARAMETER_EXCEPTION;
	run_call((struct call){.service = &other,
		.target = "GraniteServiceVersion20100801.PutMetricData",
		.body = "{}"});
	assert_answer(400, "{\"__type\":\"InvalidParameterException\",\"message\":\"2 validation "
			   "errors detected: Value null at 'namespace' failed");
	/* Its deliveries say ValidationException all the same. */
	const struct api_operation one[] = {
		{.name = "PutMetricData",
			.about = about_put,
			.run = put,
			.validation_code = AWS_ERROR_VALIDATION_EXCEPTION},
		{0}};
	other.operations = one;
	run_call((struct call){.service = &other,
		.target = "GraniteServiceVersion20100801.PutMetricData",
		.body = "{}"});
	assert_answer(400, "ValidationException\",\"message\":\"2 validation errors");
}

/* The server refuses before a body is read: the answer still has the protocol's form. */
static void errors_come_early(void **state)
{
	struct aws_header headers[] = {{STR("smithy-protocol"), STR("rpc-v2-cbor")}};
	struct api_exchange exchange = {.service = &service,
		.request = {.method = STR("POST"),
			.path = STR("/service/GraniteServiceVersion20100801/operation/Everything"),
			.headers = headers,
			.header_count = 1}};
	struct aws_error error = {0};

	aws_error_set(&error, AWS_ERROR_REQUEST_EXPIRED, "late");
	server.headers[0] = '\0';
	protocol_answer_error(&exchange, &error);
	assert_int_equal(server.status, 400);
	assert_string_equal(server.type, "application/cbor");
	assert_string_equal(server.headers, "smithy-protocol: rpc-v2-cbor\n");
	assert_string_equal(buf_text(&server.body), "\xa2"
						    "f__typenRequestExpiredgmessagedlate");
}

static int release(void **state)
{
	buf_done(&server.body);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_answered),
		cmocka_unit_test(a_call_is_refused),
		cmocka_unit_test(unknown_operations_are_refused),
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(handlers_may_answer),
		cmocka_unit_test(services_have_their_own_code),
		cmocka_unit_test(errors_come_early),
	};
	return cmocka_run_group_tests(tests, NULL, release);
}
