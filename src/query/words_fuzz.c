/* Any text: tokens cover it byte by byte, rewriting only puts quotes around END and START, and what
 * was rewritten is rewritten no further. */
#include "query/lexer_priv.h"
#include "query/query.h"
#include "query/rewrite_priv.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tokens(struct str sql)
{
	struct str rest = sql;
	struct sql_token token;
	const char *expected = sql.p;

	while (sql_token_next(&rest, &token)) {
		if (token.text.p != expected || token.text.n == 0)
			abort();
		expected += token.text.n;
	}
	if (expected != sql.p + sql.n)
		abort();
}

/* The rewritten text without the quotes that are not in the original. */
static void check_only_quotes_added(struct str sql, struct str text)
{
	size_t i = 0;

	for (size_t j = 0; j < text.n; j++) {
		if (i < sql.n && text.p[j] == sql.p[i])
			i++;
		else if (text.p[j] != '"')
			abort();
	}
	if (i != sql.n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str sql = {(const char *)data, size};
	_cleanup_buf_ struct buf once = {0};
	_cleanup_buf_ struct buf twice = {0};

	check_tokens(sql);
	size_t n = query_statement_length(sql);
	if (n > size || (n && sql.p[n - 1] != ';'))
		abort();
	query_statement_is_empty(sql);
	rewrite_mentioned_aliases(sql);
	rewrite_quote_words(&once, sql);
	check_only_quotes_added(sql, buf_str(&once));
	rewrite_quote_words(&twice, buf_str(&once));
	if (!str_equal(buf_str(&once), buf_str(&twice)))
		abort();
	return 0;
}
