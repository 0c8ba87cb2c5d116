/* Numbers that are read are in their bounds, and are the same when written and read again. */
#include "base/number.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str text = {(const char *)bytes, n};
	char digits[NUMBER_U64_STR_MAX];
	uint64_t value;
	uint64_t again;
	int64_t signed_value;

	if (number_parse(text, UINT64_MAX, &value)) {
		size_t length = (size_t)(number_write(digits, value) - digits);
		assert(length <= n && number_parse((struct str){digits, length}, value, &again));
		assert(again == value);
		assert(value == 0 || !number_parse(text, value - 1, &again));
	}
	if (number_parse_signed(text, -1000, 1000, &signed_value))
		assert(signed_value >= -1000 && signed_value <= 1000);
	if (number_parse_seconds(text, 86400, &value))
		assert(value <= 86400);
	if (number_parse_size(text, UINT32_MAX, &value))
		assert(value <= UINT32_MAX);
	return 0;
}
