/* Parquet footers: whatever is parsed prints, with all row groups to what parses to the same, and
 * with every other one to what has those. */
#include "record/parquet_footer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct record_parquet_footer *footer, const bool *kept, uint64_t before)
{
	struct record_parquet_footer again;
	_cleanup_buf_ struct buf buf = {0};
	size_t next = 0;

	record_parquet_footer_print(&buf, footer, kept);
	size_t n = buf.n - RECORD_PARQUET_TAIL_BYTES;
	if (record_parquet_footer_length(buf.p + n, before + buf.n) != n ||
		record_parquet_footer_parse(&again, (struct str){buf.p, n}, before + buf.n, NULL) <
			0)
		abort();
	for (size_t g = 0; g < footer->groups_count; g++) {
		for (size_t c = 0; kept[g] && c < footer->columns_count; c++) {
			const struct record_parquet_part *a =
				&footer->parts[g * footer->columns_count + c];
			const struct record_parquet_part *b =
				&again.parts[next * footer->columns_count + c];
			if (!str_equal(a->name, b->name) || a->pages.offset != b->pages.offset ||
				a->pages.bytes != b->pages.bytes)
				abort();
		}
		next += kept[g];
	}
	if (again.groups_count != next)
		abort();
	record_parquet_footer_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_parquet_footer footer;
	const uint64_t before = 1 << 20;

	if (record_parquet_footer_parse(&footer, (struct str){(const char *)data, size},
		    before + size + RECORD_PARQUET_TAIL_BYTES, NULL) < 0)
		return 0;
	bool *kept = mem_new(footer.groups_count + 1, sizeof(*kept));
	for (size_t g = 0; g < footer.groups_count; g++)
		kept[g] = true;
	check(&footer, kept, before);
	for (size_t g = 0; g < footer.groups_count; g += 2)
		kept[g] = false;
	check(&footer, kept, before);
	free(kept);
	record_parquet_footer_done(&footer);
	return 0;
}
