#include "api/protocol/protocol.h"

#include "api/protocol/codec_priv.h"
#include "aws/uri.h"

#include <stdio.h>
#include <string.h>

void protocol_response_done(struct protocol_response *response)
{
	for (size_t i = 0; i < response->header_count; i++) {
		free(response->headers[i].name);
		free(response->headers[i].value);
	}
	free(response->headers);
	buf_done(&response->body);
	*response = (struct protocol_response){0};
}

void protocol_add_header(struct protocol_response *response, const char *name, struct str value)
{
	response->headers =
		mem_grow(response->headers, response->header_count + 1, sizeof(*response->headers));
	response->headers[response->header_count++] = (struct protocol_header){
		.name = mem_strdup(name), .value = mem_printf("%.*s", STR_ARG(value))};
}

/* ---- which protocol, which operation ---- */

static bool speaks(const struct shape_service *service, enum shape_protocol protocol)
{
	return service->protocols & (1U << protocol);
}

enum shape_protocol protocol_detect(
	const struct shape_service *service, const struct aws_request *http)
{
	struct str value;

	if (speaks(service, SHAPE_RPC_V2_CBOR) &&
		(aws_request_header(http, STR("smithy-protocol"), &value) ||
			str_starts_with(http->path, STR("/service/"))))
		return SHAPE_RPC_V2_CBOR;
	if (aws_request_header(http, STR("x-amz-target"), &value)) {
		struct str type = STR("");
		aws_request_header(http, STR("content-type"), &type);
		if (speaks(service, SHAPE_AWS_JSON_1_0) &&
			(!speaks(service, SHAPE_AWS_JSON_1_1) ||
				str_starts_with(type, STR("application/x-amz-json-1.0"))))
			return SHAPE_AWS_JSON_1_0;
		if (speaks(service, SHAPE_AWS_JSON_1_1))
			return SHAPE_AWS_JSON_1_1;
	}
	static const enum shape_protocol order[] = {SHAPE_EC2_QUERY, SHAPE_AWS_QUERY,
		SHAPE_REST_XML, SHAPE_REST_JSON_1, SHAPE_AWS_JSON_1_1, SHAPE_AWS_JSON_1_0};
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (speaks(service, order[i]))
			return order[i];
	return SHAPE_RPC_V2_CBOR;
}

static int route_target(const struct codec *codec, const struct shape_service *service,
	const struct aws_request *http, const struct shape_operation **ret_operation)
{
	struct str rest, prefix;

	if (!aws_request_header(http, STR("x-amz-target"), &rest))
		return aws_error_set(codec->error, AWS_ERROR_UNKNOWN_OPERATION_EXCEPTION,
			"The request has no X-Amz-Target header");
	/* Older SDKs send a Java name in front: com.amazonaws.x.Service.Operation. */
	const char *dot = memrchr(rest.p, '.', rest.n);
	prefix = (struct str){rest.p, dot ? (size_t)(dot - rest.p) : 0};
	struct str name = {rest.p + prefix.n + (dot ? 1 : 0), rest.n - prefix.n - (dot ? 1 : 0)};
	if (str_ends_with(prefix, str_from(service->name)))
		*ret_operation = shape_find_operation(service, name);
	if (!*ret_operation)
		return aws_error_default(codec->error, AWS_ERROR_UNKNOWN_OPERATION_EXCEPTION);
	return 0;
}

/* /service/NAME/operation/NAME, with anything in front. */
static int route_cbor(const struct codec *codec, const struct shape_service *service,
	const struct aws_request *http, const struct shape_operation **ret_operation)
{
	struct str rest = http->path, part, last[4] = {{0}};

	while (str_split(&rest, '/', &part)) {
		memmove(last, last + 1, sizeof(last) - sizeof(last[0]));
		last[3] = part;
	}
	if (str_equal(last[0], STR("service")) && str_equal(last[2], STR("operation")) &&
		str_equal(last[1], str_from(service->name)))
		*ret_operation = shape_find_operation(service, last[3]);
	if (!*ret_operation)
		return aws_error_default(codec->error, AWS_ERROR_UNKNOWN_OPERATION_EXCEPTION);
	return 0;
}

static int route_form(const struct codec *codec, const struct shape_service *service,
	const struct protocol_request *request, const struct shape_operation **ret_operation)
{
	_cleanup_(codec_form_freep) struct codec_form *form = NULL;
	int result = codec_form_parse(codec, request->http->query, request->body, &form);

	if (result < 0)
		return result;
	struct str action = codec_form_get(form, STR("Action"));
	struct str version = codec_form_get(form, STR("Version"));
	if (!action.n)
		return aws_error_set(codec->error, AWS_ERROR_MISSING_ACTION,
			"The request must contain the parameter Action");
	*ret_operation = shape_find_operation(service, action);
	if (*ret_operation)
		return 0;
	int shown = (int)(action.n < 128 ? action.n : 128);
	if (codec->protocol == SHAPE_EC2_QUERY)
		return aws_error_set(codec->error, AWS_ERROR_INVALID_ACTION,
			"The action %.*s is not valid for this web service.", shown, action.p);
	return aws_error_set(codec->error, AWS_ERROR_INVALID_ACTION,
		"Could not find operation %.*s for version %.*s", shown, action.p,
		(int)(version.n < 32 ? version.n : 32), version.p ? version.p : "");
}

static int route_http(const struct codec *codec, const struct shape_service *service,
	const struct aws_request *http, const struct shape_operation **ret_operation)
{
	unsigned best = 0;

	for (size_t i = 0; i < service->operation_count; i++) {
		unsigned rank = codec_http_match(&service->operations[i], http);
		if (rank > best) {
			best = rank;
			*ret_operation = &service->operations[i];
		}
	}
	if (!best)
		return aws_error_default(codec->error, AWS_ERROR_UNKNOWN_OPERATION_EXCEPTION);
	return 0;
}

int protocol_route(const struct shape_service *service, enum shape_protocol protocol,
	const struct protocol_request *request, const struct shape_operation **ret_operation,
	struct aws_error *error)
{
	const struct codec codec = {.protocol = protocol, .error = error};
	const struct shape_operation *found = NULL;
	int result;

	switch (protocol) {
	case SHAPE_AWS_JSON_1_0:
	case SHAPE_AWS_JSON_1_1:
		result = route_target(&codec, service, request->http, &found);
		break;
	case SHAPE_AWS_QUERY:
	case SHAPE_EC2_QUERY:
		result = route_form(&codec, service, request, &found);
		break;
	case SHAPE_RPC_V2_CBOR:
		result = route_cbor(&codec, service, request->http, &found);
		break;
	default:
		result = route_http(&codec, service, request->http, &found);
	}
	if (result == 0)
		*ret_operation = found;
	return result;
}

/* ---- in ---- */

static int read_form(const struct codec *codec, const struct shape *shape,
	const struct protocol_request *request, json_t *value)
{
	_cleanup_(codec_form_freep) struct codec_form *form = NULL;
	int result = codec_form_parse(codec, request->http->query, request->body, &form);

	return result < 0 ? result : codec_form_read(codec, form, shape, value);
}

const struct shape codec_nothing = {.name = "Unit", .type = SHAPE_STRUCTURE, .xml = "Unit"};

int protocol_read(const struct shape_service *service, enum shape_protocol protocol,
	const struct shape_operation *operation, const struct protocol_request *request,
	json_t **ret_input, struct aws_error *error)
{
	const struct codec codec = {.protocol = protocol, .error = error};
	const struct shape *shape = operation->input ? operation->input : &codec_nothing;
	_cleanup_json_ json_t *value = json_object();
	int result;

	switch (protocol) {
	case SHAPE_AWS_JSON_1_0:
	case SHAPE_AWS_JSON_1_1:
		result = codec_json_read_body(&codec, shape, request->body, value);
		break;
	case SHAPE_AWS_QUERY:
	case SHAPE_EC2_QUERY:
		result = read_form(&codec, shape, request, value);
		break;
	case SHAPE_RPC_V2_CBOR:
		result = codec_cbor_read(&codec, request->body, shape, value);
		break;
	default:
		result = codec_http_read(&codec, operation, request, value);
	}
	if (result == 0)
		result = codec_add_defaults(&codec, shape, value, 0);
	if (result == 0)
		result = codec_validate(&codec, shape, value);
	if (result < 0)
		return result;
	*ret_input = take(value);
	return 0;
}

/* ---- out ---- */

const char *const codec_content_types[SHAPE_PROTOCOLS] = {
	[SHAPE_AWS_JSON_1_0] = "application/x-amz-json-1.0",
	[SHAPE_AWS_JSON_1_1] = "application/x-amz-json-1.1",
	[SHAPE_AWS_QUERY] = "text/xml",
	[SHAPE_EC2_QUERY] = "text/xml;charset=UTF-8",
	[SHAPE_REST_JSON_1] = "application/json",
	[SHAPE_REST_XML] = "application/xml",
	[SHAPE_RPC_V2_CBOR] = "application/cbor",
};

static void open_root(const struct protocol_context *context, struct aws_xml_writer *writer,
	const char *name, struct buf *buf)
{
	aws_xml_begin(writer, buf);
	if (context->service->space && !context->service->prefix)
		aws_xml_open_space(writer, name, context->service->space);
	else
		aws_xml_open(writer, name);
}

static struct str request_id_of(const struct protocol_context *context)
{
	return str_from(context->request_id ? context->request_id : "");
}

static int write_query(const struct codec *codec, const struct protocol_context *context,
	const json_t *output, struct buf *buf)
{
	const struct shape_operation *operation = context->operation;
	const struct shape *shape = operation->output ? operation->output : &codec_nothing;
	struct aws_xml_writer writer;
	char response[160], result_name[160];

	snprintf(response, sizeof(response), "%sResponse", operation->name);
	snprintf(result_name, sizeof(result_name), "%sResult", operation->name);
	open_root(context, &writer, response, buf);
	if (operation->output) {
		aws_xml_open(&writer, result_name);
		int result = codec_xml_write_members(codec, shape, output, 0, &writer);
		if (result < 0)
			return result;
		aws_xml_close(&writer);
	}
	aws_xml_open(&writer, "ResponseMetadata");
	aws_xml_element(&writer, "RequestId", request_id_of(context));
	aws_xml_end(&writer);
	buf_add_char(buf, '\n');
	return 0;
}

static int write_ec2(const struct codec *codec, const struct protocol_context *context,
	const json_t *output, struct buf *buf)
{
	const struct shape_operation *operation = context->operation;
	const struct shape *shape = operation->output ? operation->output : &codec_nothing;
	struct aws_xml_writer writer;
	char response[160];

	snprintf(response, sizeof(response), "%sResponse", operation->name);
	open_root(context, &writer, response, buf);
	aws_xml_element(&writer, "requestId", request_id_of(context));
	int result = codec_xml_write_members(codec, shape, output, 0, &writer);
	if (result < 0)
		return result;
	aws_xml_end(&writer);
	return 0;
}

static int write_body(const struct codec *codec, const struct protocol_context *context,
	const json_t *output, struct protocol_response *response)
{
	const struct shape *shape = context->operation->output;

	if (codec->protocol == SHAPE_REST_JSON_1 || codec->protocol == SHAPE_REST_XML) {
		response->status = context->operation->status;
		return codec_http_write(codec, shape, output, response);
	}
	if (!shape)
		shape = &codec_nothing;
	switch (codec->protocol) {
	case SHAPE_AWS_JSON_1_0:
	case SHAPE_AWS_JSON_1_1:
		return codec_json_write_members(codec, shape, output, 0, NULL, &response->body);
	case SHAPE_AWS_QUERY:
		return write_query(codec, context, output, &response->body);
	case SHAPE_EC2_QUERY:
		return write_ec2(codec, context, output, &response->body);
	default:
		protocol_add_header(response, "smithy-protocol", STR("rpc-v2-cbor"));
		if (!context->operation->output) {
			response->content_type = NULL;
			return 0;
		}
		return codec_cbor_write(codec, shape, output, NULL, &response->body);
	}
}

int protocol_write(const struct protocol_context *context, json_t *output,
	struct protocol_response *response, struct aws_error *error)
{
	const struct codec codec = {
		.protocol = context->protocol, .service = context->service, .error = error};
	_cleanup_json_ json_t *empty = json_object();
	int result = 0;

	if (!output)
		output = empty;
	response->status = 200;
	response->content_type = codec_content_types[context->protocol];
	if (context->operation->output)
		result = codec_add_defaults(&codec, context->operation->output, output, 0);
	if (result == 0)
		result = write_body(&codec, context, output, response);
	if (result < 0)
		protocol_response_done(response);
	return result;
}
