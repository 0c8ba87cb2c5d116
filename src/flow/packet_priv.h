/* packet_priv: what packet.c and packet_link.c share. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100

#define LINK_TYPE_ETHERNET 1

/* The rest of a frame from some header on. */
struct packet_layer {
	const uint8_t *p;
	uint32_t captured; /* bytes at p */
	uint32_t original; /* bytes that were on the wire from here; may be less than captured */
};

static inline uint16_t packet_be16(const uint8_t *p)
{
	uint16_t value;
	memcpy(&value, p, sizeof(value));
	return be16toh(value);
}

static inline uint32_t packet_be32(const uint8_t *p)
{
	uint32_t value;
	memcpy(&value, p, sizeof(value));
	return be32toh(value);
}

static inline uint32_t packet_le32(const uint8_t *p)
{
	uint32_t value;
	memcpy(&value, p, sizeof(value));
	return le32toh(value);
}

static inline uint16_t packet_le16(const uint8_t *p)
{
	uint16_t value;
	memcpy(&value, p, sizeof(value));
	return le16toh(value);
}

/* Moves on by n bytes; false when they are not there. */
static inline bool packet_layer_skip(struct packet_layer *layer, uint32_t n)
{
	if (n > layer->captured)
		return false;
	layer->p += n;
	layer->captured -= n;
	layer->original = layer->original > n ? layer->original - n : 0;
	return true;
}

/* Moves the layer from the start of a frame to its outermost IP header, and returns ETHERTYPE_IPV4
 * or ETHERTYPE_IPV6 as the layer below said, or 0 when there is none. */
uint16_t packet_link_find_ip(uint32_t link_type, struct packet_layer *layer);
