/* Any text: refused with a place, or rewritten so that the same brackets and quotes close. */
#include "query/trino.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct query_trino trino;
	struct err err = ERR_INIT;

	if (query_trino_rewrite(text, &trino, &err) < 0) {
		assert(err.code == ERR_USAGE && err.message[0]);
	} else {
		uint32_t last = 0;
		for (size_t i = 0; i < trino.places_count; i++) {
			unsigned line;
			unsigned column;
			assert(trino.places[i].sql_at >= last && trino.places[i].text_at < size);
			last = trino.places[i].sql_at;
			query_trino_place(&trino, text, last, &line, &column);
			assert(line >= 1 && column >= 1);
		}
	}
	query_trino_done(&trino);
	return 0;
}
