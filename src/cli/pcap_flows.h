/* pcap_flows: packets of capture files to records.
 * Decides for each packet its interface, direction, verdict and flow, counts it in windows on
 * packet time, and hands out a record per flow as windows close. Several files are one stream of
 * windows.
 *
 * Interfaces are told by name (pcapng's if_name), or by their number within the section where they
 * have none, over all files: the rotated files of one capture are one interface. Their ids are
 * derived from that, "eni-0" and 16 hex digits.
 *
 * Direction is seen from the interface that the local addresses are behind: a packet from a local
 * address is egress, also when it goes to another local one (it is counted once, as it leaves its
 * sender); a packet to a local or to a group address is ingress; what passes by between others, and
 * everything when no local addresses are given, has no direction, and no rules apply to it.
 *
 * NODATA: where several interfaces are recorded, one that has no IP packet in a window in which
 * another has, between the windows of its own first and last packet. The record comes when the
 * interface speaks again, for it is not known earlier that it will.
 * Owner: the caller; one thread. */
#pragma once

#include "base/err.h"
#include "base/ip.h"
#include "base/mem.h"
#include "capture/pcap.h"
#include "record/record.h"
#include "vpc/rules.h"

#include <stdbool.h>
#include <stdint.h>

/* Seconds that a window waits for packets out of order. What comes later (also a fragment that was
 * held for its first in vain) opens it again: a second record for its key, totals as they should
 * be. */
#define PCAP_FLOWS_GRACE 5

struct pcap_flows_options {
	uint32_t interval; /* seconds */
	size_t max_flows;
	const struct ip_prefix *local;
	size_t local_count;
	struct vpc_rules *rules;  /* NULL: everything is accepted */
	const char *account_id;   /* these are borrowed for the life of the flows */
	const char *interface_id; /* NULL: derived; given, all packets are of this one */
	const char *region;       /* NULL: missing */
	/* Takes a record. False ends the run. */
	bool (*record)(void *context, const struct record *record);
	void *context;
};

struct pcap_flows_stats {
	uint64_t packets; /* read */
	uint64_t counted, counted_bytes;
	uint64_t not_ip;
	uint64_t unknown_link_type; /* of not_ip */
	uint64_t damaged;           /* IP headers that cannot be one */
	uint64_t early;             /* flows handed out early for the bound */
	uint32_t a_link_type;       /* one of the unknown */
};

struct pcap_flows;

int pcap_flows_new(
	struct pcap_flows **ret_flows, const struct pcap_flows_options *options, struct err *err);
/* The packets that follow are of another file. */
void pcap_flows_begin_file(struct pcap_flows *flows);
/* 0, or -1 when record() said stop. */
int pcap_flows_add(struct pcap_flows *flows, const struct capture_pcap *pcap,
	const struct capture_packet *packets, size_t count);
/* Closes all windows. 0, or -1 when record() said stop. */
int pcap_flows_finish(struct pcap_flows *flows);
struct pcap_flows_stats pcap_flows_stats(const struct pcap_flows *flows);
void pcap_flows_free(struct pcap_flows *flows);
MEM_DEFINE_CLEANUP(struct pcap_flows, pcap_flows_free)
