/* usage: smithy-protocols CASES.json PROTOCOL
 * Smithy's protocol tests, the side of the server: each request must be read as the input that it
 * means, each output and error must be written as the response that it makes, and each malformed
 * request must be refused as it says. Prints the counts; exit status 1 at a failure. */
#include "api/protocol/eventstream.h"
#include "api/protocol/protocol.h"
#include "aws/digest.h"
#include "aws/policy.h"
#include "aws/xml.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct shape_service *const protocol_services[];

static const char *const protocol_names[SHAPE_PROTOCOLS] = {"AWS_JSON_1_0", "AWS_JSON_1_1",
	"AWS_QUERY", "EC2_QUERY", "REST_JSON_1", "REST_XML", "RPC_V2_CBOR"};

/* What does not apply, and why; '*' stands for any text. */
static const struct exclusion {
	const char *id, *why;
} exclusions[] = {
	{"SDKAppliedContentEncoding_*", "gzip is undone before, and the body is not given"},
	{"SDKAppend*", "gzip is undone before, and the body is not given"},
	{"AwsJson10ServiceRespondsWithNoPayload", "servers answer {}; this is for lenient clients"},
	{"json_1_1_service_responds_with_no_payload", "the same"},
	{"parses_the_request_id_from_the_response", "the server adds X-Amzn-Requestid"},
	{"AwsJson11IntEnums", "expects a header of requests in a response"},
	{"Ec2EmptyQueryLists", "an empty list is not on the wire"},
	{"QueryEmptyQueryMaps", "an empty map is not on the wire"},
	{"RestJsonHttpWithHeadersButNoPayload", "{} is an empty structure, not none"},
	{"InvalidGreetingError", "has an element that the model does not have"},
	{"S3*", "S3 routes by itself and writes its own errors"},
	{"GetBucketLocationUnwrappedOutput", "S3 alone answers unwrapped"},
	{"AllQueryStringTypes", "lacks the map of all parameters that restJson1's cases have"},
	{"RestXmlQueryStringEscaping", "the same"},
	{"RestXmlSupports*FloatQueryValues", "the same"},
	{"RestXmlZeroAndFalseQueryValues", "the same"},
};

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static const char *why_excluded(const json_t *test)
{
	const char *id = text_of(test, "id");

	if (json_is_true(json_object_get(test, "client_only")))
		return "for clients only";
	if (json_is_true(json_object_get(test, "is_request")))
		return "no service here takes a stream of events";
	for (size_t i = 0; i < ARRAY_SIZE(exclusions); i++)
		if (aws_wildcard_match(str_from(exclusions[i].id), str_from(id)))
			return exclusions[i].why;
	return NULL;
}

static enum shape_protocol protocol_of(const json_t *test)
{
	for (int i = 0; i < SHAPE_PROTOCOLS; i++)
		if (strcmp(protocol_names[i], text_of(test, "protocol")) == 0)
			return (enum shape_protocol)i;
	errx(1, "unknown protocol");
}

static const struct shape_service *service_of(const json_t *test)
{
	for (size_t i = 0; protocol_services[i]; i++)
		if (strcmp(protocol_services[i]->name, text_of(test, "service")) == 0)
			return protocol_services[i];
	errx(1, "unknown service");
}

static const struct shape_operation *operation_of(const json_t *test)
{
	const struct shape_operation *operation =
		shape_find_operation(service_of(test), str_from(text_of(test, "operation")));

	if (!operation)
		errx(1, "unknown operation");
	return operation;
}

static void body_of(const json_t *test, struct buf *ret_body)
{
	if (!aws_base64_decode(str_from(text_of(test, "body")), ret_body))
		errx(1, "bad body");
}

/* ---- values ---- */

/* Numbers by value: a test says 1 where the wire said 1.0.
 * As deep as the value is. NOLINTNEXTLINE(misc-no-recursion) */
static bool is_same(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *item;
	size_t i;
	bool same = true;

	if (!a || !b)
		return a == b;
	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);
		return x == y || (float)x == (float)y;
	}
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_object(a)) {
		same = json_object_size(a) == json_object_size(b);
		json_object_foreach((json_t *)a, key, item)
		{
			const json_t *other = json_object_get(b, key);
			same = same && other && is_same(item, other);
		}
		return same;
	}
	if (json_is_array(a)) {
		same = json_array_size(a) == json_array_size(b);
		json_array_foreach(a, i, item) same = same && is_same(item, json_array_get(b, i));
		return same;
	}
	return json_equal(a, b);
}

static bool report(const json_t *test, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool report(const json_t *test, const char *format, ...)
{
	va_list arguments;

	printf("failed: %s: ", text_of(test, "id"));
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	return false;
}

static bool compare_values(const json_t *test, const json_t *found, const json_t *expected)
{
	if (is_same(found, expected))
		return true;
	char *is = json_dumps(found, JSON_SORT_KEYS | JSON_ENCODE_ANY);
	char *should = json_dumps(expected, JSON_SORT_KEYS | JSON_ENCODE_ANY);
	report(test, "\n  found    %s\n  expected %s", is, should);
	free(is);
	free(should);
	return false;
}

/* ---- requests ---- */

struct request {
	struct aws_request http;
	struct aws_header headers[64];
	struct buf body;
};

/* Some cases leave out the headers that say which operation they are of, or what the body is. */
static void complete_headers(const json_t *test, struct request *request)
{
	static char target[256];
	enum shape_protocol protocol = protocol_of(test);
	struct str unused;
	const char *type = text_of(test, "media_type");

	snprintf(target, sizeof(target), "%s.%s", text_of(test, "service"),
		text_of(test, "operation"));
	if ((protocol == SHAPE_AWS_JSON_1_0 || protocol == SHAPE_AWS_JSON_1_1) &&
		!aws_request_header(&request->http, STR("x-amz-target"), &unused))
		request->headers[request->http.header_count++] =
			(struct aws_header){STR("X-Amz-Target"), str_from(target)};
	if (protocol == SHAPE_REST_JSON_1 && type[0] &&
		!aws_request_header(&request->http, STR("content-type"), &unused))
		request->headers[request->http.header_count++] =
			(struct aws_header){STR("Content-Type"), str_from(type)};
}

static void make_request(const json_t *test, struct request *request)
{
	const char *name;
	json_t *value;

	request->http = (struct aws_request){.method = str_from(text_of(test, "method")),
		.path = str_from(text_of(test, "path")),
		.query = str_from(text_of(test, "query")),
		.headers = request->headers};
	json_object_foreach(json_object_get(test, "headers"), name, value)
		request->headers[request->http.header_count++] =
		(struct aws_header){str_from(name), str_from(json_string_value(value))};
	body_of(test, &request->body);
	complete_headers(test, request);
}

static int read_request(const json_t *test, json_t **ret_input, struct aws_error *error)
{
	const struct shape_service *service = service_of(test);
	const struct shape_operation *operation = NULL;
	struct request made = {0};

	make_request(test, &made);
	struct protocol_request request = {.http = &made.http, .body = buf_str(&made.body)};
	enum shape_protocol protocol = protocol_detect(service, &made.http);
	int result = protocol_route(service, protocol, &request, &operation, error);
	if (result == 0 && operation != operation_of(test))
		result = aws_error_set(
			error, AWS_ERROR_INTERNAL_FAILURE, "it is read as %s", operation->name);
	if (result == 0)
		result = protocol_read(service, protocol, operation, &request, ret_input, error);
	buf_done(&made.body);
	return result;
}

static bool run_request(const json_t *test)
{
	struct aws_error error = {0};
	json_t *input = NULL;

	if (read_request(test, &input, &error) < 0)
		return report(test, "%s: %s", aws_error_name(error.code), error.message);
	bool is_good = compare_values(test, input, json_object_get(test, "value"));
	json_decref(input);
	return is_good;
}

/* ---- responses ---- */

static bool same_attributes(const struct aws_xml_node *a, const struct aws_xml_node *b)
{
	size_t left = 0, right = 0;

	for (const struct aws_xml_attribute *i = a->first_attribute; i; i = i->next, left++)
		if (!str_equal(aws_xml_attribute(b, i->name), i->value))
			return false;
	for (const struct aws_xml_attribute *i = b->first_attribute; i; i = i->next)
		right++;
	return left == right;
}

/* What we answer always, and only some cases expect. */
static bool is_extra(const struct aws_xml_node *node, const struct aws_xml_node *other)
{
	return (str_equal(node->name, STR("ResponseMetadata")) ||
		       str_equal_ignoring_case(node->name, STR("RequestId"))) &&
	       !aws_xml_child(other, node->name);
}

static size_t count_children(const struct aws_xml_node *node, const struct aws_xml_node *other)
{
	size_t count = 0;

	for (const struct aws_xml_node *i = node->first_child; i; i = i->next)
		count += !is_extra(i, other);
	return count;
}

/* Elements of one name in order; those of different names in any. EC2's moments have milliseconds,
 * as the service itself writes them; and some cases are careless of the service's namespace.
 * NOLINTNEXTLINE(misc-no-recursion) */
static bool same_xml(const struct aws_xml_node *a, const struct aws_xml_node *b, bool with_spaces)
{
	struct str left = str_trim(a->text), right = str_trim(b->text);

	if (str_ends_with(left, STR(".000Z")) && left.n == right.n + 4)
		left.n = right.n = left.n - 5;
	if (!str_equal(a->name, b->name) || (with_spaces && !str_equal(a->space, b->space)) ||
		!same_attributes(a, b) || count_children(a, b) != count_children(b, a))
		return false;
	if (!a->first_child)
		return str_equal(left, right);
	for (const struct aws_xml_node *i = a->first_child; i; i = i->next) {
		if (is_extra(i, b))
			continue;
		const struct aws_xml_node *twin = aws_xml_child(b, i->name);
		for (const struct aws_xml_node *j = aws_xml_child(a, i->name); j && j != i && twin;
			j = aws_xml_next(j))
			twin = aws_xml_next(twin);
		if (!twin || !same_xml(i, twin, with_spaces))
			return false;
	}
	return true;
}

static bool compare_xml(const json_t *test, struct str found, struct str expected)
{
	struct aws_xml *a = NULL, *b = NULL;
	struct err err = ERR_INIT;
	bool is_good = false;

	if (aws_xml_parse(&a, found, &err) < 0 || aws_xml_parse(&b, expected, &err) < 0)
		report(test, "%s", err.message);
	else
		is_good = same_xml(aws_xml_root(a), aws_xml_root(b), aws_xml_root(b)->space.n > 0);
	if (!is_good)
		report(test, "\n%.*s\ninstead of\n%.*s", STR_ARG(found), STR_ARG(expected));
	aws_xml_free(a);
	aws_xml_free(b);
	return is_good;
}

static bool compare_json(const json_t *test, struct str found, struct str expected)
{
	json_t *a = json_loadb(found.p ? found.p : "", found.n, JSON_DECODE_ANY, NULL);
	json_t *b = json_loadb(expected.p, expected.n, JSON_DECODE_ANY, NULL);
	bool is_good = a && b ? compare_values(test, a, b)
			      : report(test, "not JSON: %.*s", STR_ARG(found));

	json_decref(a);
	json_decref(b);
	return is_good;
}

/* As the input of an operation with this shape. */
static json_t *read_cbor(const json_t *test, const struct shape *shape, struct str bytes)
{
	const struct shape_operation operation = {.name = "", .input = shape};
	const struct aws_request http = {.method = STR("POST")};
	const struct protocol_request request = {.http = &http, .body = bytes};
	struct aws_error error = {0};
	json_t *value = NULL;

	if (protocol_read(
		    service_of(test), SHAPE_RPC_V2_CBOR, &operation, &request, &value, &error) < 0)
		report(test, "%s", error.message);
	return value;
}

/* Both as values of the shape, and the type of an error. */
static bool compare_cbor(
	const json_t *test, const struct shape *shape, struct str found, struct str expected)
{
	json_t *a = read_cbor(test, shape, found), *b = read_cbor(test, shape, expected);
	bool is_good = a && b && compare_values(test, a, b);

	if (is_good && shape->is_error && !memmem(found.p, found.n, shape->id, strlen(shape->id)))
		is_good = report(test, "no __type");
	json_decref(a);
	json_decref(b);
	return is_good;
}

static bool compare_body(
	const json_t *test, const struct shape *shape, const struct protocol_response *response)
{
	struct buf expected = {0};
	const char *type = text_of(test, "media_type");
	struct str found = buf_str(&response->body);
	bool is_good = true;

	if (!json_is_string(json_object_get(test, "body")))
		return true;
	body_of(test, &expected);
	if (expected.n == 0 || found.n == 0)
		is_good = expected.n == found.n || report(test, "body of %zu bytes", found.n);
	else if (strstr(type, "xml") || buf_str(&expected).p[0] == '<')
		is_good = compare_xml(test, found, buf_str(&expected));
	else if (strstr(type, "json"))
		is_good = compare_json(test, found, buf_str(&expected));
	else if (strstr(type, "cbor"))
		is_good = compare_cbor(test, shape, found, buf_str(&expected));
	else if (!str_equal(found, buf_str(&expected)))
		is_good = report(test, "body '%.*s'", STR_ARG(found));
	buf_done(&expected);
	return is_good;
}

static const char *header_of(const struct protocol_response *response, const char *name)
{
	for (size_t i = 0; i < response->header_count; i++)
		if (strcasecmp(response->headers[i].name, name) == 0)
			return response->headers[i].value;
	if (strcasecmp(name, "content-type") == 0)
		return response->content_type;
	return NULL;
}

/* charset beside the type is the service's choice. */
static bool is_header(const char *name, const char *found, const char *expected)
{
	size_t n = strlen(expected);

	if (!found)
		return false;
	if (strcasecmp(name, "content-type") == 0)
		return strncmp(found, expected, n) == 0 && (!found[n] || found[n] == ';');
	return strcmp(found, expected) == 0;
}

static bool compare_headers(const json_t *test, const struct protocol_response *response)
{
	const char *name;
	json_t *value;
	size_t i;
	bool is_good = true;

	json_object_foreach(json_object_get(test, "headers"), name,
		value) if (strcasecmp(name, "content-length") != 0 && /* the server's */
			   !is_header(name, header_of(response, name), json_string_value(value)))
		is_good = report(test, "%s is '%s' instead of '%s'", name,
			header_of(response, name), json_string_value(value));
	json_array_foreach(json_object_get(test, "forbidden"), i,
		value) if (header_of(response, json_string_value(value))) is_good =
		report(test, "%s is there", json_string_value(value));
	json_array_foreach(json_object_get(test, "required"), i,
		value) if (!header_of(response, json_string_value(value)) &&
			   strcasecmp(json_string_value(value), "content-length") != 0) is_good =
		report(test, "%s is not there", json_string_value(value));
	return is_good;
}

/* What only the expected body says: the text of its first element of that name. */
static void find_text(const json_t *test, const char *element, struct buf *ret_text)
{
	struct buf body = {0};

	body_of(test, &body);
	const char *start = strcasestr(buf_text(&body), element);
	if (start) {
		start += strlen(element);
		buf_add(ret_text, start, (size_t)(strchr(start, '<') - start));
	}
	buf_done(&body);
}

static bool run_response(const json_t *test)
{
	static const struct shape nothing = {.name = "", .type = SHAPE_STRUCTURE};
	struct buf request_id = {0}, message = {0};
	struct protocol_response response = {0};
	struct aws_error error = {0};
	const char *fault = json_string_value(json_object_get(test, "error"));

	find_text(test, "<RequestId>", &request_id);
	find_text(test, "<Message>", &message);
	struct protocol_context context = {.protocol = protocol_of(test),
		.service = service_of(test),
		.operation = operation_of(test),
		.request_id = buf_text(&request_id),
		.wants_query_errors = true};
	const struct shape *shape = context.operation->output;
	json_t *value = json_object_get(test, "value");
	bool is_good = true;
	if (fault) {
		shape = shape_find_error(context.service, context.operation, str_from(fault));
		protocol_write_modelled_error(&context, shape, buf_str(&message), value, &response);
	} else if (protocol_write(&context, value, &response, &error) < 0) {
		is_good = report(test, "the output does not fit");
	}
	if (is_good && response.status != json_integer_value(json_object_get(test, "status")))
		is_good = report(test, "status %d", response.status);
	is_good = is_good && compare_headers(test, &response);
	is_good = is_good && compare_body(test, shape ? shape : &nothing, &response);
	protocol_response_done(&response);
	buf_done(&request_id);
	buf_done(&message);
	return is_good;
}

/* Refused with the status and the error, if the test names one. */
static bool run_malformed(const json_t *test)
{
	struct aws_error error = {0};
	struct protocol_response response = {0};
	json_t *input = NULL;
	bool is_good = true;
	const char *type = text_of(json_object_get(test, "answer_headers"), "x-amzn-errortype");

	if (read_request(test, &input, &error) == 0) {
		char *text = json_dumps(input, 0);
		report(test, "read as %s", text);
		free(text);
		json_decref(input);
		return false;
	}
	struct protocol_context context = {.protocol = protocol_of(test),
		.service = service_of(test),
		.operation = operation_of(test)};
	protocol_write_error(&context, &error, &response);
	if (response.status != json_integer_value(json_object_get(test, "status")) ||
		(type[0] && strcmp(header_of(&response, "x-amzn-errortype"), type) != 0))
		is_good = report(test, "%d %s: %s", response.status, aws_error_name(error.code),
			error.message);
	protocol_response_done(&response);
	return is_good;
}

/* An event of an output, byte by byte. */
static bool run_event(const json_t *test)
{
	struct buf frame = {0}, expected = {0};
	const json_t *value = json_object_get(test, "value");
	const char *name = json_object_iter_key(json_object_iter((json_t *)value));

	if (!aws_base64_decode(str_from(text_of(test, "bytes")), &expected))
		errx(1, "bad bytes");
	int result = eventstream_add_event(
		&frame, protocol_of(test), operation_of(test), name, json_object_get(value, name));
	bool is_good = result == 0 && str_equal(buf_str(&frame), buf_str(&expected));
	if (!is_good)
		report(test, "other bytes");
	buf_done(&frame);
	buf_done(&expected);
	return is_good;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool (*run)(const json_t *test);
	} kinds[] = {{"requests", run_request}, {"responses", run_response},
		{"malformed", run_malformed}, {"events", run_event}};
	json_error_t problem;
	unsigned failed = 0;

	json_t *cases = argc == 3 ? json_load_file(argv[1], 0, &problem) : NULL;
	if (!cases)
		errx(2, "usage: smithy-protocols CASES.json PROTOCOL");
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		unsigned counts[3] = {0};
		size_t i;
		json_t *test;
		json_array_foreach(json_object_get(cases, kinds[k].name), i, test)
		{
			if (strcmp(text_of(test, "protocol"), argv[2]) != 0)
				continue;
			const char *why = why_excluded(test);
			if (why)
				printf("excluded: %s: %s\n", text_of(test, "id"), why);
			counts[why ? 2 : kinds[k].run(test) ? 0 : 1]++;
		}
		printf("%s: %u %s passed, %u failed, %u excluded\n", argv[2], counts[0],
			kinds[k].name, counts[1], counts[2]);
		failed += counts[1];
	}
	json_decref(cases);
	return failed != 0;
}
