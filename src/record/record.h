/* record: one flow of one interface in one window, ready to be written.
 * Plain values; the interface is borrowed and must outlive the record. */
#pragma once

#include "base/ip.h"
#include "record/field.h"

#include <stdint.h>

enum record_status { RECORD_OK, RECORD_NODATA, RECORD_SKIPDATA };
enum record_action { RECORD_ACCEPT, RECORD_REJECT };
enum record_direction { RECORD_INGRESS, RECORD_EGRESS, RECORD_NO_DIRECTION };

/* What is the same for every record of an interface: account-id, interface-id, vpc-id, region and
 * whatever else is known, by field. Empty is missing and prints as "-". Values hold no spaces. */
struct record_interface {
	struct str values[RECORD_FIELDS];
};

struct record {
	const struct record_interface *interface;
	enum record_status
		status; /* NODATA and SKIPDATA: only start, end and the interface count */
	enum record_action action;
	enum record_direction direction;
	/* srcaddr and dstaddr are as the interface sees them (AWS: its own address on its side);
	 * pkt_ are those in the packet. */
	struct ip_addr srcaddr, dstaddr, pkt_srcaddr, pkt_dstaddr;
	uint16_t srcport, dstport;
	uint8_t protocol;
	uint8_t tcp_flags;    /* AWS's bitmask */
	uint8_t traffic_path; /* 0: none */
	uint64_t packets, bytes;
	int64_t start, end; /* Unix seconds */
};
