/* A pattern, a line end, then messages by line: refused with a position, or the block and each
 * message alone agree, and what is extracted comes from messages that match. */
#include "query/pattern.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_value(void *context, struct str name, struct str value)
{
	assert(name.n && name.p[0] == '$');
	++*(size_t *)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(query_pattern_freep) struct query_pattern *pattern = NULL;
	struct str rest = {(const char *)data, size};
	uint32_t starts[65] = {0};
	uint64_t bits[1];
	size_t count = 0;
	size_t found = 0;
	struct str text;
	struct err err = ERR_INIT;

	if (!str_split(&rest, '\n', &text))
		return 0;
	if (query_pattern_new(&pattern, text, &err) < 0) {
		assert(err.code == ERR_USAGE && err.message[0]);
		return 0;
	}
	const char *block = rest.p;
	for (size_t at = 0; at < rest.n && count < 64; at++) {
		if (block[at] == '\n')
			starts[++count] = (uint32_t)at + 1;
	}
	size_t selected = query_pattern_select(pattern, block, starts, count, 1, bits);
	for (size_t i = 0; i < count; i++) {
		struct str message = {block + starts[i], starts[i + 1] - starts[i] - 1};
		bool matches = query_pattern_matches(pattern, message);
		size_t values = 0;

		assert((bits[0] >> i & 1) == matches);
		assert(query_pattern_extract(pattern, message, on_value, &values) == matches);
		assert(matches || !values);
		found += matches;
	}
	assert(selected == found);
	return 0;
}
