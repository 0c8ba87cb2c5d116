/* Source of the price: Amazon Athena, "Pricing": bytes scanned, rounded up to the megabyte, ten
 * megabytes at least for a query. */
#include "query/selection_priv.h"

#include "query/lexer_priv.h"
#include "query/rewrite_priv.h"

#define MEGABYTE        (UINT64_C(1) << 20)
#define MEGABYTES_MIN   10
#define DOLLARS_FOR_TIB 5.0

uint64_t query_cost_charged(uint64_t bytes)
{
	uint64_t megabytes = bytes / MEGABYTE + (bytes % MEGABYTE > 0);

	return (megabytes < MEGABYTES_MIN ? MEGABYTES_MIN : megabytes) * MEGABYTE;
}

double query_cost_dollars(uint64_t bytes)
{
	return (double)query_cost_charged(bytes) / (double)(UINT64_C(1) << 40) * DOLLARS_FOR_TIB;
}

static bool reads_flow_logs(struct str sql)
{
	struct sql_token token;

	while (sql_token_next_significant(&sql, &token)) {
		if (sql_token_names(&token, STR(REWRITE_TABLE)))
			return true;
	}
	return false;
}

int query_session_cost(struct query_session *session, struct str statement,
	struct query_cost *ret_cost, struct err *err)
{
	_cleanup_free_ char *plan = mem_printf("EXPLAIN %.*s", STR_ARG(statement));
	struct query_result *result = NULL;
	struct query_cost cost = {0};
	struct query_stats stats;

	/* the plan selects objects as the statement does, and fails as it would */
	int r = query_run(session, str_from(plan), QUERY_CSV, &result, err);
	query_result_free(result);
	if (r != 0)
		return r;
	if (reads_flow_logs(statement)) {
		query_session_stats(session, &stats);
		cost.pruned = stats.pruned;
		for (size_t i = 0; i < session->objects.count; i++) {
			if (!query_selection_has(session, i))
				continue;
			cost.objects++;
			cost.bytes += session->objects.object[i].size_bytes;
		}
	}
	*ret_cost = cost;
	return 0;
}
