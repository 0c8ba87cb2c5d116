/* Any text: refused with a place, or SQL whose quotes are closed and whose columns have names. */
#include "query/insights.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct query_insights_field fields[] = {
		{"srcAddr", "srcaddr", QUERY_INSIGHTS_TEXT},
		{"bytes", "bytes", QUERY_INSIGHTS_NUMBER},
	};
	const struct query_insights_source source = {
		.relation = "events", .fields = fields, .fields_count = 2};
	struct query_insights insights;
	struct err err = ERR_INIT;

	if (query_insights_translate(
		    (struct str){(const char *)data, size}, &source, &insights, &err) < 0) {
		assert(err.code == ERR_USAGE && err.message[0]);
	} else {
		size_t quotes = 0;
		for (size_t i = 0; i < insights.sql.n; i++)
			quotes += insights.sql.p[i] == '\'';
		assert(quotes % 2 == 0 && insights.columns_count);
		for (size_t i = 0; i < insights.columns_count; i++)
			assert(insights.columns[i].name);
	}
	query_insights_done(&insights);
	return 0;
}
