#include "vpc/container.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vpc_container container;

	(void)vpc_container_from_cgroup((struct str){(const char *)data, size}, &container);
	return 0;
}
