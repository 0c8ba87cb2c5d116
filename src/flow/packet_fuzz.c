/* The first two bytes choose the link type, the next how much longer the frame was on the wire. */
#include "flow/packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct flow_packet packet;

	if (n < 3 || n > UINT32_MAX / 2)
		return 0;
	uint32_t link_type = bytes[0] | (uint32_t)(bytes[1] & 1) << 8;
	uint32_t captured = (uint32_t)n - 3;
	uint32_t original = captured + bytes[2] * 1024u;
	int status = flow_packet_decode(link_type, bytes + 3, captured, original, &packet);
	if (status != 0)
		return 0;
	/* What is said of a packet that counts. */
	if (packet.ip_version != 4 && packet.ip_version != 6)
		abort();
	if ((packet.ip_version == 4) != ip_is_v4(&packet.src) && packet.ip_version == 4)
		abort();
	if (packet.bytes < (packet.ip_version == 4 ? 20u : 40u))
		abort();
	if (packet.fragment == FLOW_FRAGMENT_LATER && (packet.src_port || packet.dst_port))
		abort();
	if (packet.tcp_flags && packet.protocol != 6)
		abort();
	return 0;
}
