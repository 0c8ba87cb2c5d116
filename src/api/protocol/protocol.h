/* protocol: AWS's wire protocols, driven by the tables of a model (shape.h): awsJson 1.0 and 1.1,
 * awsQuery, ec2Query, restJson1, restXml and smithy-rpc-v2-cbor (smithy.io/2.0/aws/protocols).
 * Bytes of a request become the input of an operation, an object as api/service.h says, complete
 * with the model's defaults and checked against its limits; an output or an error becomes the bytes
 * of a response. No exchange, no network and no state here: run.h joins this to the server. All
 * threads; nothing blocks. Limits: nesting (24 levels), values (400,000), and whatever size the
 * body had when it came here. */
#pragma once

#include "api/protocol/shape.h"
#include "aws/error.h"
#include "aws/request.h"
#include "base/buf.h"
#include "base/mem.h"

#include <jansson.h>

struct protocol_request {
	const struct aws_request *http;
	struct str body;
};

struct protocol_header {
	char *name, *value;
};

/* Owner: the caller; a zeroed one is empty. */
struct protocol_response {
	int status;
	const char *content_type; /* NULL: no body */
	struct protocol_header *headers;
	size_t header_count;
	struct buf body;
};
void protocol_response_done(struct protocol_response *response);
void protocol_add_header(struct protocol_response *response, const char *name, struct str value);

/* How an error is written, beside the protocol. */
struct protocol_context {
	enum shape_protocol protocol;
	const struct shape_service *service;
	const struct shape_operation *operation; /* NULL: not known (yet) */
	const char *request_id;
	bool wants_query_errors; /* x-amzn-query-mode: true */
};

/* Which of the service's protocols the request speaks; by headers and path alone. */
enum shape_protocol protocol_detect(
	const struct shape_service *service, const struct aws_request *http);
/* The operation asked for; or the protocol's error for one that is not there. */
int protocol_route(const struct shape_service *service, enum shape_protocol protocol,
	const struct protocol_request *request, const struct shape_operation **ret_operation,
	struct aws_error *error);
/* The input, defaults in and checked. */
int protocol_read(const struct shape_service *service, enum shape_protocol protocol,
	const struct shape_operation *operation, const struct protocol_request *request,
	json_t **ret_input, struct aws_error *error);
/* A successful response. output may be NULL (empty); defaults are added to it. Fails when it does
 * not fit the model, as InternalFailure. */
int protocol_write(const struct protocol_context *context, json_t *output,
	struct protocol_response *response, struct aws_error *error);
/* The response of an error, which the model need not know. The details of error become members. */
void protocol_write_error(const struct protocol_context *context, const struct aws_error *error,
	struct protocol_response *response);
/* The response of an error of the model with these members. message: for protocols that have one
 * even where the model has not, unless members has it. Falls back to InternalFailure when they do
 * not fit. */
void protocol_write_modelled_error(const struct protocol_context *context,
	const struct shape *shape, struct str message, const json_t *members,
	struct protocol_response *response);
