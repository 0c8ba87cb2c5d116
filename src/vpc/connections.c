/* A slab of connections in two kinds of lists: of those whose hash falls into one bucket, and of
 * all by last use. Idle ones are not looked for; they are met, or are the first to go at the bound.
 */
#include "vpc/connections_priv.h"

#include "base/clock.h"
#include "base/hash.h"
#include "vpc/rules_priv.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

#define NONE UINT32_MAX

int vpc_connections_init(struct vpc_connections *connections, size_t max, struct err *err)
{
	size_t buckets = 1;

	while (buckets < max)
		buckets *= 2;
	memset(connections, 0, sizeof(*connections));
	if (getrandom(&connections->seed, sizeof(connections->seed), 0) !=
		sizeof(connections->seed))
		return err_set_errno(err, errno, "cannot get random bytes for connections");
	/* Untouched pages of calloc cost nothing. */
	connections->connections = calloc(max, sizeof(*connections->connections));
	connections->buckets = calloc(buckets, sizeof(*connections->buckets));
	if (!connections->connections || !connections->buckets) {
		vpc_connections_done(connections);
		return err_set(err, ERR_SYSTEM, "no memory for %zu connections", max);
	}
	connections->mask = (uint32_t)(buckets - 1);
	connections->max = (uint32_t)max;
	connections->oldest = connections->newest = NONE;
	return 0;
}

void vpc_connections_done(struct vpc_connections *connections)
{
	free(connections->connections);
	free(connections->buckets);
	memset(connections, 0, sizeof(*connections));
}

/* What a query of ICMP is called in both its directions: the type of its request. -1: not a query.
 * RFC 792, 950, 4443, 4620. */
static int icmp_query(const struct flow_packet *packet, bool *ret_is_reply)
{
	static const struct {
		uint8_t protocol, request, reply;
	} queries[] = {{PROTOCOL_ICMP, 8, 0}, {PROTOCOL_ICMP, 13, 14}, {PROTOCOL_ICMP, 15, 16},
		{PROTOCOL_ICMP, 17, 18}, {PROTOCOL_ICMPV6, 128, 129}, {PROTOCOL_ICMPV6, 139, 140}};

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		if (packet->protocol != queries[i].protocol)
			continue;
		*ret_is_reply = packet->icmp_type == queries[i].reply;
		if (*ret_is_reply || packet->icmp_type == queries[i].request)
			return queries[i].request;
	}
	return -1;
}

enum vpc_connection_role vpc_connection_key_of(
	const struct flow_packet *packet, struct vpc_connection_key *ret_key)
{
	uint16_t src_port = packet->src_port, dst_port = packet->dst_port;
	bool from_b;

	if (packet->protocol == PROTOCOL_ICMP || packet->protocol == PROTOCOL_ICMPV6) {
		int query = icmp_query(packet, &from_b);
		if (query < 0)
			return VPC_CONNECTION_NONE;
		src_port = from_b ? 0 : (uint16_t)query;
		dst_port = from_b ? (uint16_t)query : 0;
	} else {
		if (packet->protocol != PROTOCOL_TCP && packet->protocol != PROTOCOL_UDP)
			src_port = dst_port = 0;
		int order = memcmp(&packet->src, &packet->dst, sizeof(packet->src));
		from_b = order > 0 || (order == 0 && src_port > dst_port);
	}
	*ret_key = (struct vpc_connection_key){
		.a = from_b ? packet->dst : packet->src,
		.b = from_b ? packet->src : packet->dst,
		.a_port = from_b ? dst_port : src_port,
		.b_port = from_b ? src_port : dst_port,
		.protocol = packet->protocol,
		.ip_version = packet->ip_version,
	};
	return from_b ? VPC_CONNECTION_B : VPC_CONNECTION_A;
}

/* EC2 user guide, "Security group connection tracking", "Idle connection tracking timeout". */
static int64_t idle_seconds(const struct vpc_connection *connection)
{
	switch (connection->key.protocol) {
	case PROTOCOL_TCP:
		return 432000;
	case PROTOCOL_UDP:
		/* Request, response, request, response: more than one of them. */
		return connection->turns >= 3 ? 180 : 30;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		return 30;
	default:
		return 600;
	}
}

static uint32_t *bucket_of(
	const struct vpc_connections *connections, const struct vpc_connection_key *key)
{
	uint64_t hash = hash_bytes(key, sizeof(*key), connections->seed);

	return &connections->buckets[hash & connections->mask];
}

static void unlink_use(struct vpc_connections *connections, struct vpc_connection *connection)
{
	struct vpc_connection *all = connections->connections;

	*(connection->older == NONE ? &connections->oldest : &all[connection->older].newer) =
		connection->newer;
	*(connection->newer == NONE ? &connections->newest : &all[connection->newer].older) =
		connection->older;
}

static void link_newest(struct vpc_connections *connections, struct vpc_connection *connection)
{
	uint32_t number = (uint32_t)(connection - connections->connections);

	connection->older = connections->newest;
	connection->newer = NONE;
	*(connections->newest == NONE ? &connections->oldest
				      : &connections->connections[connections->newest].newer) =
		number;
	connections->newest = number;
}

static void unlink_bucket(struct vpc_connections *connections, struct vpc_connection *connection)
{
	uint32_t number = (uint32_t)(connection - connections->connections) + 1;
	uint32_t *link = bucket_of(connections, &connection->key);

	while (*link != number)
		link = &connections->connections[*link - 1].chain;
	*link = connection->chain;
}

static bool is_idle(const struct vpc_connection *connection, int64_t time_ns)
{
	int64_t idle;

	/* Far back in time is another capture, not this connection. */
	if (__builtin_sub_overflow(time_ns, connection->last_ns, &idle) || idle == INT64_MIN)
		return true;
	return llabs(idle) > idle_seconds(connection) * CLOCK_NS_PER_SECOND;
}

/* Idle or not. */
static struct vpc_connection *find_key(
	const struct vpc_connections *connections, const struct vpc_connection_key *key)
{
	for (uint32_t number = *bucket_of(connections, key); number;) {
		struct vpc_connection *connection = &connections->connections[number - 1];
		if (memcmp(&connection->key, key, sizeof(*key)) == 0)
			return connection;
		number = connection->chain;
	}
	return NULL;
}

struct vpc_connection *vpc_connections_find(
	struct vpc_connections *connections, const struct vpc_connection_key *key, int64_t time_ns)
{
	struct vpc_connection *connection = find_key(connections, key);

	return connection && !is_idle(connection, time_ns) ? connection : NULL;
}

void vpc_connections_use(struct vpc_connections *connections, struct vpc_connection *connection,
	enum vpc_connection_role role, int64_t time_ns)
{
	if (role != connection->role && connection->turns < 3)
		connection->turns++;
	connection->role = (uint8_t)role;
	if (time_ns > connection->last_ns)
		connection->last_ns = time_ns;
	unlink_use(connections, connection);
	link_newest(connections, connection);
}

void vpc_connections_add(struct vpc_connections *connections, const struct vpc_connection_key *key,
	enum vpc_connection_role role, int64_t time_ns)
{
	struct vpc_connection *connection = find_key(connections, key);

	if (!connection && connections->count < connections->max) {
		connection = &connections->connections[connections->count++];
	} else {
		if (!connection)
			connection = &connections->connections[connections->oldest];
		unlink_use(connections, connection);
		unlink_bucket(connections, connection);
	}
	assert(connection);
	uint32_t *bucket = bucket_of(connections, key);
	*connection = (struct vpc_connection){
		.key = *key, .last_ns = time_ns, .role = (uint8_t)role, .chain = *bucket};
	*bucket = (uint32_t)(connection - connections->connections) + 1;
	link_newest(connections, connection);
}
