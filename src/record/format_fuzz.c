/* Any text: rejected with a message, or a format that prints and parses back to itself. */
#include "record/format.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_format format;
	struct record_format again;
	struct err err = ERR_INIT;

	if (record_format_parse((struct str){(const char *)data, size}, &format, &err) < 0) {
		assert(err.code == ERR_USAGE && err.message[0]);
		return 0;
	}
	_cleanup_buf_ struct buf printed = {0};
	record_format_print(&printed, &format);
	assert(record_format_parse(buf_str(&printed), &again, &err) == 0);
	assert(again.count == format.count && again.version == format.version);
	assert(memcmp(again.fields, format.fields, format.count) == 0);

	_cleanup_buf_ struct buf header = {0};
	record_format_header(&header, &format);
	assert(header.n == printed.n - 3 * (size_t)format.count + 1);
	return 0;
}
