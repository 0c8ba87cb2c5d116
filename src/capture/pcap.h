/* pcap: packets of a capture file. Reads pcap (microseconds and nanoseconds, both byte orders, and
 * the variant with interface fields in each record, magic a1b2cd34) and pcapng
 * (draft-ietf-opsawg-pcapng: several sections and interfaces, time resolution and offset, enhanced,
 * simple and obsolete packet blocks), told by magic; gzip comes with the input.
 * Owner: the caller; one thread. No copy and no allocation per packet. Blocks on the input. */
#pragma once

#include "base/input.h"

#include <stdint.h>

#define CAPTURE_PCAP_PACKET_MAX 262144 /* captured bytes; more is damage, as for Wireshark */
#define CAPTURE_PCAP_BLOCK_MAX  (16 << 20)
#define CAPTURE_PCAP_INTERFACES 65536 /* of one file */

struct capture_packet {
	const uint8_t *bytes; /* borrowed until the next call */
	uint32_t captured;
	uint32_t original; /* may be less than captured in odd files */
	uint32_t link_type;
	uint32_t interface; /* 0 for pcap; counts on over the sections of a pcapng file */
	int64_t time_ns;    /* Unix time, 0 or later; that of the packet before when it has none */
};

enum { CAPTURE_PCAP_E_SUCCESS, CAPTURE_PCAP_E_END };

struct capture_pcap;

/* Takes the input over, also when it fails. */
int capture_pcap_open(struct capture_pcap **ret_pcap, struct input *input, struct err *err);
/* 0 with at least 1 and at most max packets, CAPTURE_PCAP_E_END at the clean end, <0 at damage: the
 * error says the byte offset and what was expected there; all packets before it have been
 * delivered. */
int capture_pcap_read(struct capture_pcap *pcap, struct capture_packet *ret_packets, size_t max,
	size_t *ret_count, struct err *err);

/* What is known of an interface that a packet named. */
struct capture_pcap_interface {
	const char *name; /* if_name option, or NULL; borrowed until the next read */
	uint32_t link_type;
	uint32_t ordinal; /* within its section */
};
struct capture_pcap_interface capture_pcap_interface(
	const struct capture_pcap *pcap, uint32_t interface);
/* For progress, as input_progress. */
uint64_t capture_pcap_progress(const struct capture_pcap *pcap, uint64_t *ret_size);
void capture_pcap_close(struct capture_pcap *pcap);
MEM_DEFINE_CLEANUP(struct capture_pcap, capture_pcap_close)
