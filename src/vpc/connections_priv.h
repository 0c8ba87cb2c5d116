/* connections: which packets belong to a connection that a security group has accepted.
 * Bounded: at max the one that was used longest ago makes room. Seeded hash, for strangers choose
 * the keys. Owner: the caller; one thread; no allocation after init. */
#pragma once

#include "base/err.h"
#include "base/ip.h"
#include "flow/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two ends of a connection: a is the one that is first in the order of its bytes, or for ICMP
 * the one that asks. No padding. */
struct vpc_connection_key {
	struct ip_addr a, b;
	uint16_t a_port, b_port; /* for ICMP: the type of the request, and 0 */
	uint8_t protocol;
	uint8_t ip_version;
	uint16_t zero;
};
_Static_assert(sizeof(struct vpc_connection_key) == 40, "hashed as 40 bytes");

/* How a packet stands to its connection. */
enum vpc_connection_role {
	VPC_CONNECTION_NONE, /* belongs to none and opens none */
	VPC_CONNECTION_A,    /* from a to b */
	VPC_CONNECTION_B,
};

struct vpc_connection {
	struct vpc_connection_key key;
	int64_t last_ns;
	uint32_t chain;        /* next of the same bucket */
	uint32_t older, newer; /* by last use */
	uint8_t role;          /* of the last packet */
	uint8_t turns;         /* of direction, up to 3 */
};

struct vpc_connections {
	struct vpc_connection *connections;
	uint32_t *buckets; /* number of the connection + 1, 0: empty */
	uint32_t mask;
	uint32_t count, max;
	uint32_t oldest, newest;
	uint64_t seed;
};

int vpc_connections_init(struct vpc_connections *connections, size_t max, struct err *err);
void vpc_connections_done(struct vpc_connections *connections);
/* The connection that a packet is of, or would be. */
enum vpc_connection_role vpc_connection_key_of(
	const struct flow_packet *packet, struct vpc_connection_key *ret_key);
/* NULL when there is none, or it has been idle for too long at this time. */
struct vpc_connection *vpc_connections_find(
	struct vpc_connections *connections, const struct vpc_connection_key *key, int64_t time_ns);
/* A packet of it has been accepted. */
void vpc_connections_use(struct vpc_connections *connections, struct vpc_connection *connection,
	enum vpc_connection_role role, int64_t time_ns);
/* Remembers a connection that is not there. */
void vpc_connections_add(struct vpc_connections *connections, const struct vpc_connection_key *key,
	enum vpc_connection_role role, int64_t time_ns);
