/* fragments: whose flow a fragment of a datagram is.
 * Only the first fragment has ports; the others (RFC 791, RFC 8200: same addresses, identification
 * and, for IPv4, protocol) belong to its flow. One that comes before the first is held until that
 * comes, FLOW_FRAGMENTS_HOLD passes, or the bounds are reached: then it is given back with ports 0,
 * or with those of the datagram of this identification before it.
 * Memory is bounded by the two numbers given at the start (about 80 bytes a datagram, 120 a held
 * fragment) and touched as it is used; at the bounds the oldest datagrams are forgotten. Every
 * fragment is given back exactly once.
 * Owner: the caller; one thread; no allocation after new(). */
#pragma once

#include "base/mem.h"
#include "flow/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOW_FRAGMENTS_HOLD_NS   INT64_C(30000000000) /* as Linux, net.ipv4.ipfrag_time */
#define FLOW_FRAGMENTS_DATAGRAMS 65536
#define FLOW_FRAGMENTS_HELD      65536

/* A held fragment that is to be counted now. Must not call flow_fragments_ functions. */
typedef void flow_fragments_release(
	void *context, const struct flow_packet *packet, uint32_t interface, int64_t time_ns);

struct flow_fragments;

struct flow_fragments *flow_fragments_new(
	size_t max_datagrams, size_t max_held, flow_fragments_release *release, void *context);
/* packet->fragment is not NONE. True: the packet can be counted, its ports, protocol and ICMP type
 * are now those of its flow. False: it was copied, and will be given to release. May release
 * others. */
bool flow_fragments_add(struct flow_fragments *fragments, struct flow_packet *packet,
	uint32_t interface, int64_t time_ns);
/* The time of the packets has come to now: releases what has been held for too long. Cheap. */
void flow_fragments_advance(struct flow_fragments *fragments, int64_t now_ns);
/* Releases all that is held. */
void flow_fragments_flush(struct flow_fragments *fragments);
/* Fragments held now. */
size_t flow_fragments_held(const struct flow_fragments *fragments);
void flow_fragments_free(struct flow_fragments *fragments);
MEM_DEFINE_CLEANUP(struct flow_fragments, flow_fragments_free)
