#include "base/ip.h"

#include "base/number.h"

#include <arpa/inet.h>

static bool parse_v4(struct str text, uint8_t ret_bytes[static 4])
{
	struct str part;

	for (int i = 0; i < 4; i++) {
		uint64_t value;
		if (!str_split(&text, '.', &part) || part.n > 3 ||
			!number_parse(part, 255, &value) || (part.n > 1 && part.p[0] == '0'))
			return false;
		ret_bytes[i] = (uint8_t)value;
	}
	return text.p == NULL;
}

bool ip_parse(struct str text, struct ip_addr *ret_addr)
{
	uint8_t bytes[16];

	if (parse_v4(text, bytes)) {
		*ret_addr = ip_from_v4(bytes);
		return true;
	}
	char terminated[IP_STR_MAX];
	if (text.n >= sizeof(terminated) || memchr(text.p, '\0', text.n))
		return false;
	memcpy(terminated, text.p, text.n);
	terminated[text.n] = '\0';
	if (inet_pton(AF_INET6, terminated, bytes) != 1)
		return false;
	*ret_addr = ip_from_v6(bytes);
	return true;
}

static void clear_host_bits(struct ip_prefix *prefix)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = prefix->length > 8 * i ? prefix->length - 8 * i : 0;
		if (kept < 8)
			prefix->addr.bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
}

struct ip_prefix ip_prefix_from(const struct ip_addr *addr, uint8_t length)
{
	struct ip_prefix prefix = {*addr, (uint8_t)(ip_is_v4(addr) ? length + 96 : length)};

	clear_host_bits(&prefix);
	return prefix;
}

bool ip_prefix_parse(struct str text, struct ip_prefix *ret_prefix)
{
	struct ip_addr addr;
	struct str address;

	if (!str_split(&text, '/', &address) || !ip_parse(address, &addr))
		return false;
	uint8_t longest = ip_is_v4(&addr) ? 32 : 128;
	uint64_t length = longest;
	if (text.p && !number_parse(text, longest, &length))
		return false;
	*ret_prefix = ip_prefix_from(&addr, (uint8_t)length);
	return true;
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
	unsigned whole = prefix->length / 8;
	unsigned rest = prefix->length % 8;

	if (memcmp(prefix->addr.bytes, addr->bytes, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	uint8_t mask = (uint8_t)(0xff00 >> rest);
	return ((prefix->addr.bytes[whole] ^ addr->bytes[whole]) & mask) == 0;
}

/* The text of each byte, and in the fourth place how long it is. */
#define DIGIT(value) (char)('0' + (value) % 10)
#define OCTET(n)                                                                                   \
	{                                                                                          \
		(n) > 99  ? DIGIT((n) / 100)                                                       \
		: (n) > 9 ? DIGIT((n) / 10)                                                        \
			  : DIGIT(n),                                                              \
			(n) > 99 ? DIGIT((n) / 10) : DIGIT(n), DIGIT(n),                           \
			(n) > 99  ? 3                                                              \
			: (n) > 9 ? 2                                                              \
				  : 1                                                              \
	}
#define OCTET4(n)  OCTET(n), OCTET((n) + 1), OCTET((n) + 2), OCTET((n) + 3)
#define OCTET16(n) OCTET4(n), OCTET4((n) + 4), OCTET4((n) + 8), OCTET4((n) + 12)
#define OCTET64(n) OCTET16(n), OCTET16((n) + 16), OCTET16((n) + 32), OCTET16((n) + 48)

static const char octets[256][4] = {OCTET64(0), OCTET64(64), OCTET64(128), OCTET64(192)};

/* Four bytes at a time: no branch on their values, one byte too many at the end. */
static char *write_v4(char *p, const uint8_t bytes[static 4])
{
	for (int i = 0; i < 4; i++) {
		memcpy(p, octets[bytes[i]], 4);
		p += octets[bytes[i]][3];
		*p++ = '.';
	}
	return p - 1;
}

static char *write_group(char *p, unsigned value)
{
	static const char digits[] = "0123456789abcdef";
	bool started = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = (value >> shift) & 15;
		if (digit || started || shift == 0) {
			*p++ = digits[digit];
			started = true;
		}
	}
	return p;
}

/* The first longest run of two or more zero groups, RFC 5952 section 4.2. */
static int find_zero_run(const uint16_t groups[static 8], int *ret_length)
{
	int best = -1;
	int best_length = 1;

	for (int i = 0; i < 8; i++) {
		int length = 0;
		while (i + length < 8 && groups[i + length] == 0)
			length++;
		if (length > best_length) {
			best = i;
			best_length = length;
		}
		i += length;
	}
	*ret_length = best_length;
	return best;
}

char *ip_write(char *p, const struct ip_addr *addr)
{
	int run_length;

	if (ip_is_v4(addr))
		return write_v4(p, addr->bytes + 12);
	int run = find_zero_run(addr->halves, &run_length);
	for (int i = 0; i < 8; i++) {
		if (i == run) {
			*p++ = ':';
			*p++ = ':';
			i += run_length - 1;
			continue;
		}
		if (i && (run < 0 || i != run + run_length))
			*p++ = ':';
		p = write_group(p, ntohs(addr->halves[i]));
	}
	return p;
}
