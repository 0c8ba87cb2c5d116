#include "api/protocol/run.h"

#include "api/protocol/protocol.h"

#include <stdio.h>
#include <string.h>

enum { BODY_MAX_DEFAULT = 10 << 20 };

/* What an exchange keeps between begin and end. */
struct state {
	struct protocol_context context;
	json_t *input, *output;
};

static void free_state(struct api_exchange *exchange)
{
	struct state *state = exchange->handler.state;

	if (!state)
		return;
	json_decref(state->input);
	json_decref(state->output);
	free(state);
	exchange->handler.state = NULL;
}

static struct protocol_context context_of(const struct api_exchange *exchange)
{
	struct protocol_context context = {.service = exchange->service->shape,
		.protocol = protocol_detect(exchange->service->shape, &exchange->request),
		.request_id = exchange->request_id};
	struct str value;

	context.wants_query_errors =
		aws_request_header(&exchange->request, STR("x-amzn-query-mode"), &value) &&
		str_equal_ignoring_case(value, STR("true"));
	return context;
}

static void send(struct api_exchange *exchange, struct protocol_response *response)
{
	for (size_t i = 0; i < response->header_count; i++)
		api_answer_header(
			exchange, response->headers[i].name, str_from(response->headers[i].value));
	if (response->content_type)
		api_answer_bytes(
			exchange, response->status, response->content_type, &response->body);
	else
		api_answer_empty(exchange, response->status);
	protocol_response_done(response);
}

void protocol_answer_error(struct api_exchange *exchange, const struct aws_error *error)
{
	struct state *state = exchange->handler.end == free_state ? exchange->handler.state : NULL;
	struct protocol_context context = state ? state->context : context_of(exchange);
	struct protocol_response response = {0};

	protocol_write_error(&context, error, &response);
	send(exchange, &response);
}

static const struct api_operation *find_handler(const struct api_service *service, const char *name)
{
	for (const struct api_operation *operation = service->operations; operation->name;
		operation++)
		if (strcmp(operation->name, name) == 0)
			return operation;
	return NULL;
}

/* Whatever the call touches must be allowed. */
static int ask(struct api_exchange *exchange, const char *action,
	const struct api_authorization *about, struct aws_error *error)
{
	const struct str any = STR("*");
	const struct str *resources = about->resource_count ? about->resources : &any;
	size_t count = about->resource_count ? about->resource_count : 1;

	for (size_t i = 0; i < count; i++) {
		int result = api_authorize(exchange, str_from(action), resources[i], NULL, STR_NONE,
			about->context, about->context_count, error);
		if (result < 0)
			return result;
	}
	return 0;
}

/* The action's name in policies: "iam:CreateUser". */
static int authorize(struct api_call *call, struct aws_error *error)
{
	struct api_exchange *exchange = call->exchange;
	const struct api_operation *operation = call->operation;
	struct api_authorization about = {0};
	char made[160];
	int result = 0;

	if (operation->is_open)
		return 0;
	if (!exchange->caller && operation->is_unsigned)
		return 0;
	if (operation->about)
		result = operation->about(call, &about, error);
	if (result == 0) {
		const char *action = operation->action;
		if (!action) {
			snprintf(made, sizeof(made), "%s:%s", exchange->service->name,
				operation->name);
			action = made;
		}
		result = ask(exchange, action, &about, error);
	}
	api_authorization_done(&about);
	return result;
}

static bool is_query(const struct state *state)
{
	return state->context.protocol == SHAPE_AWS_QUERY ||
	       state->context.protocol == SHAPE_EC2_QUERY;
}

/* Nobody's requests are for operations that say so. */
static int authenticate(
	const struct api_call *call, const struct state *state, struct aws_error *error)
{
	if (call->exchange->caller || call->operation->is_unsigned)
		return 0;
	return aws_error_default(error, is_query(state)
						? AWS_ERROR_MISSING_AUTHENTICATION_TOKEN
						: AWS_ERROR_MISSING_AUTHENTICATION_TOKEN_EXCEPTION);
}

static int not_implemented(const struct state *state, struct aws_error *error)
{
	return aws_error_default(error,
		is_query(state) ? AWS_ERROR_INVALID_ACTION : AWS_ERROR_UNKNOWN_OPERATION_EXCEPTION);
}

static bool read_raw(struct state *state, struct api_call *call, struct str body)
{
	bool is_json = state->context.protocol == SHAPE_AWS_JSON_1_0 ||
		       state->context.protocol == SHAPE_AWS_JSON_1_1;

	return is_json && call->operation->read && call->operation->read(call, body, &state->input);
}

static int read_call(struct api_exchange *exchange, struct state *state, struct api_call *call,
	struct aws_error *error)
{
	const struct api_service *service = exchange->service;
	const struct protocol_request request = {
		.http = &exchange->request, .body = buf_str(&exchange->body)};
	int result = protocol_route(service->shape, state->context.protocol, &request,
		&state->context.operation, error);

	if (result < 0)
		return result;
	call->operation = find_handler(service, state->context.operation->name);
	if (!call->operation)
		return not_implemented(state, error);
	exchange->operation = call->operation->name;
	result = authenticate(call, state, error);
	if (result < 0)
		return result;
	if (!read_raw(state, call, request.body))
		result = protocol_read(service->shape, state->context.protocol,
			state->context.operation, &request, &state->input, error);
	enum aws_error_code code = call->operation->validation_code
					   ? call->operation->validation_code
					   : service->validation_code;
	if (result < 0 && code &&
		(error->code == AWS_ERROR_VALIDATION_EXCEPTION ||
			error->code == AWS_ERROR_VALIDATION_ERROR))
		error->code = code;
	call->input = state->input;
	return result;
}

/* InternalError is S3's name. A full disk is to be tried again later, as clients do with 503. */
static int as_common(const struct api_exchange *exchange, struct aws_error *error)
{
	if (error->code != AWS_ERROR_INTERNAL_ERROR)
		return -1;
	if (err_is_disk_full(&exchange->err))
		return aws_error_set(error, AWS_ERROR_SERVICE_UNAVAILABLE,
			"The server has no space left. Please try again later.");
	return aws_error_default(error, AWS_ERROR_INTERNAL_FAILURE);
}

static int run_call(struct api_exchange *exchange, struct state *state, struct api_call *call,
	struct aws_error *error)
{
	int result = read_call(exchange, state, call, error);

	if (result == 0)
		result = authorize(call, error);
	if (result == 0) {
		call->output = state->output = json_object();
		result = call->operation->run(call, error);
	}
	if (call->raw)
		call->free_raw(call->raw);
	return result;
}

static int run(struct api_exchange *exchange, struct aws_error *error)
{
	struct state *state = exchange->handler.state;
	struct api_call call = {.exchange = exchange, .context = exchange->service->context};
	struct protocol_response response = {0};
	int result = run_call(exchange, state, &call, error);

	if (result < 0)
		return as_common(exchange, error);
	if (call.is_answered)
		return result;
	result = protocol_write(&state->context, call.output, &response, error);
	if (result < 0) {
		err_set(&exchange->err, ERR_INPUT, "the output of %s does not fit its model",
			call.operation->name);
		return result;
	}
	send(exchange, &response);
	return 0;
}

int protocol_begin(struct api_exchange *exchange, struct aws_error *error)
{
	struct state *state = mem_new(1, sizeof(*state));

	state->context = context_of(exchange);
	exchange->handler = (struct api_handler){.body = API_BODY_WHOLE,
		.body_max = exchange->service->body_max ? exchange->service->body_max
							: BODY_MAX_DEFAULT,
		.run = run,
		.end = free_state,
		.state = state};
	return 0;
}
