/* What the C library reads as an address we read as the same one, and what we write we read. */
#include "base/ip.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_address(struct str text)
{
	struct ip_addr ours;
	char copy[IP_STR_MAX] = "";
	uint8_t theirs[16];

	bool parsed = ip_parse(text, &ours);
	if (text.n < sizeof(copy) && !memchr(text.p, '\0', text.n)) {
		memcpy(copy, text.p, text.n);
		if (inet_pton(AF_INET, copy, theirs) == 1)
			assert(parsed && memcmp(ours.bytes + 12, theirs, 4) == 0);
		else if (inet_pton(AF_INET6, copy, theirs) == 1)
			assert(parsed && memcmp(ours.bytes, theirs, 16) == 0);
		else
			assert(!parsed);
	}
	if (parsed) {
		struct ip_addr again;
		size_t length = (size_t)(ip_write(copy, &ours) - copy);
		assert(ip_parse((struct str){copy, length}, &again) && ip_equal(&ours, &again));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str text = {(const char *)bytes, n};
	struct ip_prefix prefix;

	check_address(text);
	if (ip_prefix_parse(text, &prefix)) {
		assert(prefix.length <= 128);
		assert(ip_prefix_contains(&prefix, &prefix.addr));
	}
	return 0;
}
