/* packet: a captured frame to what a flow log counts of it.
 * Link types by their LINKTYPE_ numbers (tcpdump.org). IPv4 (RFC 791) with options and fragments,
 * IPv6 (RFC 8200) with extension headers and jumbograms (RFC 2675), inside Ethernet (VLAN, QinQ,
 * MPLS, PPPoE and others), Linux cooked v1 and v2, BSD loopback, raw IP and those listed in
 * packet_link.c. The outermost IP header counts; what a tunnel carries is its payload, as AWS sees
 * it. Pure functions of the bytes: no state, no allocation, any thread. */
#pragma once

#include "base/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flow_fragment {
	FLOW_FRAGMENT_NONE,
	FLOW_FRAGMENT_FIRST, /* has the transport header; others of the datagram may follow */
	FLOW_FRAGMENT_LATER, /* ports are 0 here: they are those of the first (flow/fragments.h) */
};

struct flow_packet {
	struct ip_addr src, dst;
	uint16_t src_port, dst_port; /* host order; 0 unless TCP, UDP or SCTP */
	uint8_t protocol;            /* behind IPv6 extension headers; 50 and 51 end them */
	uint8_t tcp_flags;           /* AWS's bitmask: FIN 1, SYN 2, RST 4, and 16 with SYN only */
	uint8_t ip_version;          /* 4 or 6 */
	uint8_t fragment;            /* enum flow_fragment; fragment_* is 0 when NONE */
	/* First two bytes of the ICMP or ICMPv6 header (RFC 792, RFC 4443). Both 0 for other
	 * protocols, later fragments and where the snap length cuts them off. For verdicts only: a
	 * flow's ports stay 0, as AWS logs them. */
	uint8_t icmp_type, icmp_code;
	/* An ICMP error holds the start of the packet it answers (RFC 792, RFC 4443). That one went
	 * from this one's dst to quoted_dst; ports as above, 0 when they are not there. */
	uint8_t quoted; /* 1: it does, and this is what; for verdicts only; 0: no quoted_dst */
	uint8_t quoted_protocol;
	uint8_t quoted_icmp_type;
	uint8_t fragment_last; /* 1: no part is behind this one */
	uint16_t quoted_src_port, quoted_dst_port;
	uint32_t fragment_offset; /* of this part in the datagram, bytes */
	uint32_t fragment_id;     /* identification */
	uint32_t fragment_bytes;  /* of the datagram's payload in this part */
	uint32_t bytes;           /* IP total length, as on the wire */
	struct ip_addr quoted_dst;
};

enum {
	FLOW_PACKET_E_SUCCESS,
	FLOW_PACKET_E_NOT_IP,  /* ARP, LLC, an unknown link type, ...: not counted */
	FLOW_PACKET_E_DAMAGED, /* an IP header that cannot be one */
};

/* captured bytes are there, original were on the wire (for segments offloaded with length 0).
 * Returns 0 or one of the above, with ret_packet then undefined; a packet cut by the snap length
 * behind its IP addresses still counts, with ports 0 where they are cut off. A total length that is
 * larger than the frame counts as it stands; one that is 0 because the segmentation was left to the
 * device (IPv4, TCP over IPv6, and anything over 65535 bytes) is what the frame carried. */
int flow_packet_decode(uint32_t link_type, const uint8_t *bytes, uint32_t captured,
	uint32_t original, struct flow_packet *ret_packet);
/* Whether frames of this link type can be decoded at all. */
bool flow_packet_link_type_known(uint32_t link_type);
