/* Whatever is wrapped how: the lines come to an end, each ends in one line end, and none of them
 * holds another's. */
#include "record/unwrap.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(input_closep) struct input *input = NULL;
	struct str bytes;
	char last = '\n';

	/* Packed bytes are input_fuzz's matter. */
	if (size == 0 || data[0] != '{')
		return 0;
	if (input_open_memory(&input, (struct str){(const char *)data, size}, "fuzz", NULL) < 0 ||
		record_unwrap(&input, NULL) < 0)
		return 0;
	for (;;) {
		if (input_peek(input, 1, &bytes, NULL) < 0 || bytes.n == 0)
			break;
		for (size_t i = 0; i < bytes.n; i++) {
			assert(bytes.p[i] != '\n' || last != '\n');
			last = bytes.p[i];
		}
		input_skip(input, bytes.n);
	}
	assert(last == '\n');
	return 0;
}
