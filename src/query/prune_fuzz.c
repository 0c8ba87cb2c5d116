/* Any key: what it says is within bounds, and below a folder nothing is wanted that the folder
 * excludes. The first byte says where the folder ends. */
#include "query/prune_priv.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prune_facts facts;
	struct prune prune;

	if (size == 0)
		return 0;
	struct str key = {(const char *)data + 1, size - 1};
	size_t end = data[0] < key.n ? data[0] : key.n;
	while (end && key.p[end - 1] != '/')
		end--;
	prune_read_key(key, &facts);
	assert(facts.low == INT64_MIN || facts.low >= 0);
	assert(facts.account.p == NULL || facts.account.n == 12);
	prune_init(&prune);
	prune.cases[0].end = (struct prune_range){1795600800, 1795604399};
	if (prune_may_match(&prune, key))
		assert(prune_may_match_below(&prune, (struct str){key.p, end}));
	prune_done(&prune);
	return 0;
}
