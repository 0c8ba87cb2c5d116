/* A file of rules up to the first NUL, then packets for them, ten bytes each. */
#include "record/record.h"
#include "vpc/rules.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void decide(struct vpc_rules *rules, const uint8_t bytes[static 10], int64_t time_ns)
{
	const uint8_t v4[] = {10, 0, bytes[0], bytes[1]};
	struct flow_packet packet = {
		.src = ip_from_v4(v4),
		.dst = ip_from_v4(bytes + 2),
		.src_port = bytes[6],
		.dst_port = (uint16_t)(bytes[6] << 8 | bytes[7]),
		.protocol = bytes[8],
		.icmp_type = bytes[6],
		.icmp_code = bytes[7],
		.ip_version = bytes[9] & 2 ? 6 : 4,
	};
	int direction = bytes[9] & 1 ? RECORD_EGRESS : RECORD_INGRESS;
	int verdict = vpc_rules_decide(rules, &packet, direction, time_ns);

	if (verdict != RECORD_ACCEPT && verdict != RECORD_REJECT)
		abort();
	/* Once and again is the same: nothing in between has changed. */
	if (vpc_rules_decide(rules, &packet, direction, time_ns) != verdict)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const uint8_t *end = n ? memchr(bytes, 0, n) : NULL;
	size_t text = end ? (size_t)(end - bytes) : n;
	struct vpc_rules *rules;
	struct err err = ERR_INIT;

	if (vpc_rules_new(&rules, 3, &err) < 0)
		abort();
	int status =
		vpc_rules_load_text(rules, (struct str){(const char *)bytes, text}, "rules", &err);
	if ((status < 0) != (err.code != ERR_NONE))
		abort();
	for (size_t at = text + 1; at + 10 <= n; at += 10)
		decide(rules, bytes + at, (int64_t)at * 10000000000);
	vpc_rules_free(rules);
	return 0;
}
