/* The JSON of a cache entry: what is taken for one prints to what is taken for the same. */
#include "query/cache_priv.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct query_cache_entry entry, again;

	if (!query_cache_parse((struct str){(const char *)data, size}, &entry))
		return 0;
	char *text = query_cache_print(&entry);
	if (text) {
		if (!query_cache_parse(str_from(text), &again))
			abort();
		if (strcmp(entry.path, again.path) != 0 || strcmp(entry.etag, again.etag) != 0 ||
			entry.bytes != again.bytes || entry.errors != again.errors ||
			entry.hash[1] != again.hash[1])
			abort();
		query_cache_entry_done(&again);
	}
	free(text);
	query_cache_entry_done(&entry);
	return 0;
}
