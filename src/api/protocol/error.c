/* Errors in each protocol's form: code, whose fault, message, and the members that the model gives
 * the error. */
#include "api/protocol/codec_priv.h"

#include <string.h>

/* One error on its way out. */
struct fault {
	const struct protocol_context *context;
	const struct shape *shape; /* NULL: not of the model */
	const char *code;
	const char *query_code; /* what the query protocol has for it; NULL: the same */
	int status;
	bool is_client_fault;
	struct str message;
	const json_t *members;
};

static bool is_query(const struct protocol_context *context)
{
	return context->protocol == SHAPE_AWS_QUERY || context->protocol == SHAPE_EC2_QUERY;
}

static const struct shape_member *message_member(const struct shape *shape)
{
	const struct shape_member *member = shape_find_member(shape, STR("message"));

	return member ? member : shape_find_member(shape, STR("Message"));
}

/* x-amzn-query-error: what a client of the former query protocol expects to see. */
static void add_query_error(const struct fault *fault, struct protocol_response *response)
{
	_cleanup_buf_ struct buf value = {0};
	const struct shape *shape = fault->shape;

	if (!fault->context->service->is_query_compatible || !fault->context->wants_query_errors)
		return;
	struct str code = str_from(fault->query_code ? fault->query_code : fault->code);
	/* AccessDeniedException and the like: the query protocol never had the word. */
	if (!shape && str_ends_with(code, STR("Exception")))
		code.n -= STR("Exception").n;
	buf_printf(
		&value, "%.*s;%s", STR_ARG(code), fault->is_client_fault ? "Sender" : "Receiver");
	protocol_add_header(response, "x-amzn-query-error", buf_str(&value));
}

static int write_json(
	const struct codec *codec, const struct fault *fault, struct protocol_response *response)
{
	bool is_rest = codec->protocol == SHAPE_REST_JSON_1;

	if (is_rest)
		protocol_add_header(response, "x-amzn-errortype", str_from(fault->code));
	if (fault->shape && is_rest)
		return codec_http_write(codec, fault->shape, fault->members, response);
	if (fault->shape) {
		bool is_long = codec->protocol == SHAPE_AWS_JSON_1_0;
		return codec_json_write_members(codec, fault->shape, fault->members, 0,
			is_long ? fault->shape->id : fault->code, &response->body);
	}
	buf_add_text(&response->body, "{\"__type\":");
	buf_add_json(&response->body, str_from(fault->code));
	buf_add_text(&response->body, ",\"message\":");
	buf_add_json(&response->body, fault->message);
	buf_add_char(&response->body, '}');
	return 0;
}

static int write_cbor(
	const struct codec *codec, const struct fault *fault, struct protocol_response *response)
{
	static const struct shape text = {.name = "String", .type = SHAPE_STRING};
	static const struct shape_member message = {.name = "message", .shape = &text};
	static const struct shape plain = {
		.type = SHAPE_STRUCTURE, .members = &message, .member_count = 1};

	protocol_add_header(response, "smithy-protocol", STR("rpc-v2-cbor"));
	if (fault->shape)
		return codec_cbor_write(
			codec, fault->shape, fault->members, fault->shape->id, &response->body);
	_cleanup_json_ json_t *members = json_object();
	json_object_set_new(members, "message", json_stringn(fault->message.p, fault->message.n));
	return codec_cbor_write(codec, &plain, members, fault->code, &response->body);
}

/* The modelled members; the message has its element already. */
static int add_members(
	const struct codec *codec, const struct fault *fault, struct aws_xml_writer *writer)
{
	if (!fault->shape)
		return 0;
	_cleanup_json_ json_t *rest = json_copy((json_t *)fault->members);
	json_object_del(rest, "message");
	json_object_del(rest, "Message");
	return codec_xml_write_members(codec, fault->shape, rest, 0, writer);
}

static void open_space(struct aws_xml_writer *writer, const char *name, const char *space)
{
	if (space)
		aws_xml_open_space(writer, name, space);
	else
		aws_xml_open(writer, name);
}

static bool has_message(const struct fault *fault)
{
	bool is_needed = !fault->shape || message_member(fault->shape);

	return fault->message.n || (is_needed && fault->context->protocol != SHAPE_AWS_QUERY);
}

/* EC2 does not say whose fault it is. */
static int write_ec2(const struct codec *codec, const struct fault *fault, struct buf *buf)
{
	struct aws_xml_writer writer;

	aws_xml_begin(&writer, buf);
	aws_xml_open(&writer, "Response");
	aws_xml_open(&writer, "Errors");
	aws_xml_open(&writer, "Error");
	aws_xml_element(&writer, "Code", str_from(fault->code));
	if (has_message(fault))
		aws_xml_element(&writer, "Message", fault->message);
	int result = add_members(codec, fault, &writer);
	if (result < 0)
		return result;
	aws_xml_close(&writer);
	aws_xml_close(&writer);
	aws_xml_element(&writer, "RequestID",
		str_from(fault->context->request_id ? fault->context->request_id : ""));
	aws_xml_end(&writer);
	return 0;
}

static int write_xml(
	const struct codec *codec, const struct fault *fault, struct protocol_response *response)
{
	struct aws_xml_writer writer;
	const struct shape_service *service = fault->context->service;
	bool is_bare = codec->protocol == SHAPE_REST_XML && service->is_error_bare;

	aws_xml_begin(&writer, &response->body);
	if (!is_bare)
		open_space(&writer, "ErrorResponse", service->prefix ? NULL : service->space);
	aws_xml_open(&writer, "Error");
	if (!is_bare)
		aws_xml_element(
			&writer, "Type", fault->is_client_fault ? STR("Sender") : STR("Receiver"));
	aws_xml_element(&writer, "Code", str_from(fault->code));
	if (has_message(fault))
		aws_xml_element(&writer, "Message", fault->message);
	int result = add_members(codec, fault, &writer);
	if (result < 0)
		return result;
	if (!is_bare)
		aws_xml_close(&writer);
	aws_xml_element(&writer, "RequestId",
		str_from(fault->context->request_id ? fault->context->request_id : ""));
	aws_xml_end(&writer);
	buf_add_char(&response->body, '\n');
	if (fault->shape && codec->protocol == SHAPE_REST_XML)
		return codec_http_write_headers(codec, fault->shape, fault->members, response);
	return 0;
}

static int write_fault(
	const struct codec *codec, const struct fault *fault, struct protocol_response *response)
{
	response->status = fault->status;
	response->content_type = codec_content_types[codec->protocol];
	add_query_error(fault, response);
	switch (codec->protocol) {
	case SHAPE_EC2_QUERY:
		return write_ec2(codec, fault, &response->body);
	case SHAPE_AWS_QUERY:
	case SHAPE_REST_XML:
		return write_xml(codec, fault, response);
	case SHAPE_RPC_V2_CBOR:
		return write_cbor(codec, fault, response);
	default:
		return write_json(codec, fault, response);
	}
}

static void answer(struct fault *fault, struct protocol_response *response)
{
	struct aws_error unused;
	const struct codec codec = {.protocol = fault->context->protocol,
		.service = fault->context->service,
		.error = &unused};

	if (write_fault(&codec, fault, response) == 0)
		return;
	/* The members did not fit the model: without them nothing can fail. */
	protocol_response_done(response);
	*fault = (struct fault){.context = fault->context,
		.code = aws_error_name(AWS_ERROR_INTERNAL_FAILURE),
		.status = 500,
		.message = str_from(aws_error_message(AWS_ERROR_INTERNAL_FAILURE))};
	write_fault(&codec, fault, response);
}

/* A service that once had the query protocol alone answers 400 or 500 to those who do not ask for
 * its errors. */
static int status_of(const struct protocol_context *context, const struct shape *shape)
{
	if (is_query(context))
		return shape->query_code ? shape->query_status : shape->status;
	if (context->service->is_query_compatible && !context->wants_query_errors)
		return shape->is_client_fault ? 400 : 500;
	return shape->status;
}

void protocol_write_modelled_error(const struct protocol_context *context,
	const struct shape *shape, struct str message, const json_t *members,
	struct protocol_response *response)
{
	_cleanup_json_ json_t *empty = json_object();
	struct fault fault = {.context = context,
		.shape = shape,
		.code = is_query(context) && shape->query_code ? shape->query_code : shape->name,
		.query_code = shape->query_code,
		.status = status_of(context, shape),
		.is_client_fault = shape->is_client_fault,
		.message = message,
		.members = members ? members : empty};
	const struct shape_member *member = message_member(shape);

	if (member && json_is_string(json_object_get(fault.members, member->name)))
		fault.message = codec_str(json_object_get(fault.members, member->name));
	if (!fault.message.p)
		fault.message = STR("");
	answer(&fault, response);
}

static void set_text(json_t *members, const struct shape_member *member, const char *text)
{
	json_t *value = NULL;

	if (codec_is_scalar(member->shape))
		value = codec_from_text(member, SHAPE_TIME_DATE_TIME, str_from(text));
	if (value)
		json_object_set_new(members, member->name, value);
}

void protocol_write_error(const struct protocol_context *context, const struct aws_error *error,
	struct protocol_response *response)
{
	const char *code = aws_error_name(error->code);
	const struct shape *shape =
		shape_find_error(context->service, context->operation, str_from(code));
	_cleanup_json_ json_t *members = json_object();

	if (!shape) {
		/* AWS's framework is where these come from. */
		bool is_framework = context->service->is_query_compatible && !is_query(context) &&
				    (error->code == AWS_ERROR_VALIDATION_ERROR ||
					    error->code == AWS_ERROR_VALIDATION_EXCEPTION);
		struct fault fault = {.context = context,
			.code = is_framework ? "com.amazon.coral.validate#ValidationException"
					     : code,
			.query_code = is_framework ? "ValidationError" : NULL,
			.status = aws_error_status(error->code),
			.is_client_fault = aws_error_fault(error->code) == AWS_SENDER,
			.message = str_from(error->message)};
		answer(&fault, response);
		return;
	}
	const struct shape_member *message = message_member(shape);
	if (message && *error->message)
		set_text(members, message, error->message);
	for (unsigned i = 0; i < error->details; i++) {
		const struct shape_member *member =
			shape_find_member(shape, str_from(error->detail[i].name));
		if (member)
			set_text(members, member, error->detail[i].value);
	}
	protocol_write_modelled_error(context, shape, str_from(error->message), members, response);
}
