/* Any bytes as a file of the spool: refused, or a table whose batches lie inside the file. The
 * footer's CRCs would keep the fuzzer out, so the bytes are also tried as a table under a footer
 * that is right. */
#include "deliver/spool_table_priv.h"

#include <assert.h>
#include <sys/mman.h>

static void load(struct str bytes)
{
	_cleanup_close_ int fd = memfd_create("spool", MFD_CLOEXEC);
	struct spool_table table = {0};

	if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n)
		return;
	if (spool_table_load(fd, &table, NULL) == 0) {
		for (uint32_t i = 0; i < table.count; i++) {
			assert(table.batches[i].offset + table.batches[i].size <= bytes.n);
			assert(table.states[i] < SPOOL_STATES);
			assert(strlen(table.batches[i].id) == SPOOL_ID_MAX);
			assert(table.batches[i].name);
		}
	}
	spool_table_done(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	_cleanup_buf_ struct buf table = {0}, file = {0};

	load((struct str){(const char *)bytes, n});
	if (n < 2)
		return 0;
	/* bytes[0] bytes of bodies, bytes[1] batches, then the table without its last ']'. */
	memset(buf_reserve(&file, bytes[0]), 'b', bytes[0]);
	file.n = bytes[0];
	buf_add(&table, bytes + 2, n - 2);
	spool_table_end(&table, bytes[1], &file);
	load(buf_str(&file));
	return 0;
}
