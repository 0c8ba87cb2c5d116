/* What the parser of PutLogEvents' bodies takes, the model's reader takes too, and reads the same.
 */
#include "api/logs/logs_priv.h"

#include "api/logs/logs_shape.h"
#include "api/protocol/protocol.h"

#include <assert.h>

enum { INPUT_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct logs_batch *batch, const json_t *input)
{
	const json_t *list = json_object_get(input, "logEvents");

	assert(str_equal(batch->group, logs_string(json_object_get(input, "logGroupName"))));
	assert(str_equal(batch->stream, logs_string(json_object_get(input, "logStreamName"))));
	assert(batch->count == json_array_size(list));
	for (size_t i = 0; i < batch->count; i++) {
		const json_t *event = json_array_get(list, i);
		assert(batch->events[i].time_ms ==
			json_integer_value(json_object_get(event, "timestamp")));
		assert(str_equal(
			batch->events[i].message, logs_string(json_object_get(event, "message"))));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct api_call call = {0};
	struct aws_error error = {0};
	const struct aws_request http = {0};
	json_t *about = NULL, *input = NULL;

	if (size > INPUT_MAX)
		return 0;
	/* No byte behind the body may be looked at. */
	char *copy = mem_new(size + 1, 1);
	memcpy(copy, data, size);
	char *body = mem_grow(copy, size ? size : 1, 1);
	const struct protocol_request request = {.http = &http, .body = {body, size}};
	if (logs_batch_read(&call, request.body, &about)) {
		int result = protocol_read(&logs_shape, SHAPE_AWS_JSON_1_1,
			shape_find_operation(&logs_shape, STR("PutLogEvents")), &request, &input,
			&error);
		assert(result == 0);
		compare(call.raw, input);
		call.free_raw(call.raw);
	}
	json_decref(about);
	json_decref(input);
	free(body);
	return 0;
}
