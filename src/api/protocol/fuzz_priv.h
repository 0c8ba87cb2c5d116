/* fuzz_priv: what the fuzz targets of the protocols have in common: bytes are read as the input of
 * an operation with a member of every kind, and what could be read must be writable in every
 * protocol, and readable again. */
#pragma once

#include "api/protocol/protocol.h"

#include <assert.h>

extern const struct shape_service example_shape;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline int fuzz_read(
	enum shape_protocol protocol, struct str body, json_t **ret_input, struct aws_error *error)
{
	const struct shape_operation *operation =
		shape_find_operation(&example_shape, STR("Everything"));
	const struct aws_request http = {.method = STR("POST"), .path = STR("/"), .query = STR("")};
	const struct protocol_request request = {.http = &http, .body = body};

	return protocol_read(&example_shape, protocol, operation, &request, ret_input, error);
}

static inline void fuzz_write(enum shape_protocol protocol, json_t *value, bool is_read_again)
{
	const struct protocol_context context = {.protocol = protocol,
		.service = &example_shape,
		.operation = shape_find_operation(&example_shape, STR("Everything"))};
	struct protocol_response response = {0};
	struct aws_error error = {0};
	json_t *again = NULL;
	int result = protocol_write(&context, value, &response, &error);

	if (is_read_again) {
		assert(result == 0);
		result = fuzz_read(protocol, buf_str(&response.body), &again, &error);
		assert(result == 0);
		json_decref(again);
	}
	protocol_response_done(&response);
}

static inline int fuzz_body(enum shape_protocol protocol, const uint8_t *data, size_t size)
{
	struct aws_error error = {0};
	json_t *input = NULL;

	if (fuzz_read(protocol, (struct str){(const char *)data, size}, &input, &error) < 0) {
		assert(error.code != AWS_ERROR_NONE && error.message[0]);
		return 0;
	}
	fuzz_write(SHAPE_AWS_JSON_1_0, input, true);
	/* CBOR has no documents, and XML less depth. */
	fuzz_write(SHAPE_RPC_V2_CBOR, input, false);
	fuzz_write(SHAPE_AWS_QUERY, input, false);
	fuzz_write(SHAPE_REST_XML, input, false);
	json_decref(input);
	return 0;
}
