/* Any bytes as XML bodies, through the shapes. */
#include "api/protocol/fuzz_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_body(SHAPE_REST_XML, data, size);
}
