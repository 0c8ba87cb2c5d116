#include "query/ddl.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct ddl ddl;

	if (ddl_parse((struct str){(const char *)data, size}, &ddl, &err) == 0)
		ddl_done(&ddl);
	return 0;
}
