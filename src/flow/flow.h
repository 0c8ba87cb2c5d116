/* flow: what makes two packets one flow, and what is counted of them. */
#pragma once

#include "base/ip.h"

#include <stdint.h>

/* One record per key and window. srcaddr and dstaddr of a record follow from the interface and the
 * packet's addresses, so that these stand for both pairs. No padding: hashed and compared whole. */
struct flow_key {
	struct ip_addr src, dst; /* as in the packet */
	uint32_t interface;      /* number the caller gave it: ifindex, or interface of the file */
	uint16_t src_port, dst_port;
	uint8_t protocol;
	uint8_t direction;  /* enum record_direction */
	uint8_t action;     /* enum record_action */
	uint8_t ip_version; /* 4 or 6 */
};
_Static_assert(sizeof(struct flow_key) == 44, "hashed as 44 bytes");

struct flow_counts {
	uint64_t packets, bytes;
	int64_t first, last; /* Unix seconds */
	uint8_t tcp_flags;
};
