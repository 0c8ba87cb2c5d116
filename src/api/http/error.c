/* Errors in the words of each protocol, where no model says them (api/protocol/error.c): of S3, and
 * of services that are not here: S3 API reference, "REST error responses"; IAM, EC2 API
 * references, "Common errors"; Smithy, "AWS JSON protocols" and "Smithy RPC v2 CBOR". */
#include "api/http/http_priv.h"

#include "api/protocol/run.h"
#include "aws/xml.h"

#include <jansson.h>

enum aws_error_style error_style(const struct request *request)
{
	const struct api_service *service = request->exchange.service;
	const struct api_exchange *exchange = &request->exchange;

	if (!service)
		return AWS_STYLE_S3;
	/* A service may speak several protocols: the request says which. */
	if (service->style == AWS_STYLE_QUERY &&
		(api_header(exchange, STR("x-amz-target")).n ||
			api_header(exchange, STR("smithy-protocol")).n))
		return AWS_STYLE_JSON;
	return service->style;
}

static void write_s3(const struct request *request, const struct aws_error *error, struct buf *body)
{
	const struct api_exchange *exchange = &request->exchange;
	struct aws_xml_writer xml;
	_cleanup_buf_ struct buf resource = {0};

	if (exchange->bucket_host.n) {
		buf_add_char(&resource, '/');
		buf_add_str(&resource, exchange->bucket_host);
	}
	buf_add_str(&resource, exchange->path);
	aws_xml_begin(&xml, body);
	aws_xml_open(&xml, "Error");
	aws_xml_element(&xml, "Code", str_from(aws_error_name(error->code)));
	aws_xml_element(&xml, "Message", str_from(error->message));
	bool has_resource = false;
	for (unsigned i = 0; i < error->details; i++) {
		const struct aws_error_detail *detail = &error->detail[i];
		has_resource |= strcmp(detail->name, "Resource") == 0;
		aws_xml_element(&xml, detail->name, str_from(detail->value));
	}
	if (!has_resource)
		aws_xml_element(&xml, "Resource", resource.n ? buf_str(&resource) : STR("/"));
	aws_xml_element(&xml, "RequestId", str_from(exchange->request_id));
	aws_xml_element(&xml, "HostId", str_from(request->host_id));
	aws_xml_end(&xml);
}

static const char *fault_name(const struct aws_error *error)
{
	return aws_error_fault(error->code) == AWS_SENDER ? "Sender" : "Receiver";
}

static void write_query(
	const struct request *request, const struct aws_error *error, struct buf *body)
{
	struct aws_xml_writer xml = {.buf = body};

	aws_xml_open_space(&xml, "ErrorResponse", dispatch_namespace(request->exchange.service));
	aws_xml_open(&xml, "Error");
	aws_xml_element(&xml, "Type", str_from(fault_name(error)));
	aws_xml_element(&xml, "Code", str_from(aws_error_name(error->code)));
	aws_xml_element(&xml, "Message", str_from(error->message));
	aws_xml_close(&xml);
	aws_xml_element(&xml, "RequestId", str_from(request->exchange.request_id));
	aws_xml_end(&xml);
}

static void write_ec2(
	const struct request *request, const struct aws_error *error, struct buf *body)
{
	struct aws_xml_writer xml;

	aws_xml_begin(&xml, body);
	aws_xml_open(&xml, "Response");
	aws_xml_open(&xml, "Errors");
	aws_xml_open(&xml, "Error");
	aws_xml_element(&xml, "Code", str_from(aws_error_name(error->code)));
	aws_xml_element(&xml, "Message", str_from(error->message));
	aws_xml_close(&xml);
	aws_xml_close(&xml);
	aws_xml_element(&xml, "RequestID", str_from(request->exchange.request_id));
	aws_xml_end(&xml);
}

/* What clients sent comes back in messages: bytes that are no UTF-8 are shown as '?'. */
static json_t *json_text(const char *text)
{
	json_t *string = json_string(text);

	if (string)
		return string;
	_cleanup_free_ char *copy = mem_strdup(text);
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(copy);
}

static void write_json(const struct aws_error *error, struct buf *body)
{
	json_t *object = json_object();

	json_object_set_new(object, "__type", json_string(aws_error_name(error->code)));
	json_object_set_new(object, "message", json_text(error->message));
	for (unsigned i = 0; i < error->details; i++)
		json_object_set_new(
			object, error->detail[i].name, json_text(error->detail[i].value));
	char *text = json_dumps(object, JSON_COMPACT);
	if (text)
		buf_add_text(body, text);
	free(text);
	json_decref(object);
}

/* RFC 8949: a text string. */
static void add_cbor_text(struct buf *body, const char *text)
{
	size_t n = strlen(text);

	if (n < 24) {
		buf_add_char(body, (char)(0x60 + n));
	} else if (n < 256) {
		buf_add_char(body, 0x78);
		buf_add_char(body, (char)n);
	} else {
		buf_add_char(body, 0x79);
		buf_add_char(body, (char)(n >> 8));
		buf_add_char(body, (char)n);
	}
	buf_add(body, text, n);
}

static void write_cbor(const struct aws_error *error, struct buf *body)
{
	buf_add_char(body, (char)(0xa0 + 2 + error->details)); /* a map */
	add_cbor_text(body, "__type");
	add_cbor_text(body, aws_error_name(error->code));
	add_cbor_text(body, "message");
	add_cbor_text(body, error->message);
	for (unsigned i = 0; i < error->details; i++) {
		add_cbor_text(body, error->detail[i].name);
		add_cbor_text(body, error->detail[i].value);
	}
}

static const char *json_media_type(const struct request *request)
{
	struct str type = api_header(&request->exchange, STR("content-type"));

	if (type.p && str_starts_with(type, STR("application/x-amz-json-1.0")))
		return "application/x-amz-json-1.0";
	if (api_header(&request->exchange, STR("x-amz-target")).n)
		return "application/x-amz-json-1.1";
	return "application/json";
}

void error_write(
	struct request *request, const struct aws_error *error, struct error_text *ret_text)
{
	struct api_exchange *exchange = &request->exchange;
	struct str protocol = api_header(exchange, STR("smithy-protocol"));
	struct buf *body = &ret_text->body;

	switch (error_style(request)) {
	case AWS_STYLE_S3:
		ret_text->content_type = "application/xml";
		write_s3(request, error, body);
		return;
	case AWS_STYLE_QUERY:
		ret_text->content_type = "text/xml";
		write_query(request, error, body);
		return;
	case AWS_STYLE_EC2:
		ret_text->content_type = "text/xml;charset=UTF-8";
		write_ec2(request, error, body);
		return;
	default:
		break;
	}
	if (protocol.p && str_equal(protocol, STR("rpc-v2-cbor"))) {
		ret_text->content_type = "application/cbor";
		api_answer_header(exchange, "smithy-protocol", STR("rpc-v2-cbor"));
		write_cbor(error, body);
	} else {
		ret_text->content_type = json_media_type(request);
		write_json(error, body);
	}
	api_answer_header(exchange, "x-amzn-ErrorType", str_from(aws_error_name(error->code)));
	if (api_header(exchange, STR("x-amzn-query-mode")).n)
		api_answer_header_format(exchange, "x-amzn-query-error", "%s;%s",
			aws_error_name(error->code), fault_name(error));
}

void api_answer_error(struct api_exchange *exchange, const struct aws_error *error)
{
	struct request *request = request_of(exchange);
	_cleanup_buf_ struct buf body = {0};
	struct error_text text = {.content_type = NULL};
	int status = aws_error_status(error->code);

	if (exchange->err.code != ERR_NONE)
		log_error(request->server->log, exchange->operation, &exchange->err);
	if (status == 304) {
		api_answer_empty(exchange, status);
		return;
	}
	if (exchange->service && exchange->service->shape) {
		protocol_answer_error(exchange, error);
		return;
	}
	error_write(request, error, &text);
	body = text.body;
	api_answer_bytes(exchange, status, text.content_type, &body);
}
