/* Datagrams are found by a chained hash table and listed in the order in which their last datagram
 * began, which is the order in which they are forgotten.
 *
 * An identification is used again: IPv4 has 65536 of them between two hosts. When all bytes of a
 * datagram have been seen it is complete, and a later fragment that comes then is of the next
 * datagram, whose first may follow: it is held like one of a new datagram. Should no first come, it
 * was a copy after all, and gets the ports of the complete one. */
#include "flow/fragments.h"

#include "base/hash.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

#define NONE UINT32_MAX

/* No padding: hashed and compared whole. */
struct datagram_key {
	struct ip_addr src, dst;
	uint32_t id;
	uint32_t interface;
	uint8_t protocol; /* 0 for IPv6: there it is the first's that counts */
	uint8_t ip_version;
	uint8_t zero[6];
};
_Static_assert(sizeof(struct datagram_key) == 48, "no padding");

struct datagram {
	struct datagram_key key;
	int64_t since_ns;
	uint32_t received, total; /* bytes of payload; total 0: the last is not here yet */
	uint32_t chain;           /* next with this hash, or next free */
	uint32_t older, newer;
	uint32_t held_first, held_last;
	uint16_t src_port, dst_port;
	uint8_t protocol;
	uint8_t icmp_type, icmp_code;
	bool known; /* a first has come */
	bool complete;
};

struct held {
	struct flow_packet packet;
	int64_t time_ns;
	uint32_t interface;
	uint32_t next; /* of the datagram, or free */
};

struct flow_fragments {
	struct datagram *datagrams;
	struct held *held;
	uint32_t *buckets; /* number of the datagram + 1 */
	uint32_t bucket_mask;
	uint32_t max_datagrams, max_held;
	uint32_t used_datagrams, used_held; /* ever used */
	uint32_t free_datagram, free_held;
	uint32_t oldest, newest;
	size_t held_count;
	uint64_t seed;
	flow_fragments_release *release;
	void *context;
};

struct flow_fragments *flow_fragments_new(
	size_t max_datagrams, size_t max_held, flow_fragments_release *release, void *context)
{
	struct flow_fragments *fragments = mem_new(1, sizeof(*fragments));
	size_t buckets = 16;

	assert(max_datagrams > 0 && max_datagrams < NONE && max_held > 0 && max_held < NONE);
	while (buckets < max_datagrams)
		buckets *= 2;
	fragments->datagrams = mem_new(max_datagrams, sizeof(*fragments->datagrams));
	fragments->held = mem_new(max_held, sizeof(*fragments->held));
	fragments->buckets = mem_new(buckets, sizeof(*fragments->buckets));
	fragments->bucket_mask = (uint32_t)(buckets - 1);
	fragments->max_datagrams = (uint32_t)max_datagrams;
	fragments->max_held = (uint32_t)max_held;
	fragments->free_datagram = fragments->free_held = NONE;
	fragments->oldest = fragments->newest = NONE;
	fragments->release = release;
	fragments->context = context;
	/* Against chosen collisions; without entropy the table is only slower. */
	if (getrandom(&fragments->seed, sizeof(fragments->seed), GRND_NONBLOCK) < 0)
		fragments->seed = (uint64_t)(uintptr_t)fragments;
	return fragments;
}

static uint32_t *bucket_of(struct flow_fragments *fragments, const struct datagram_key *key)
{
	uint64_t hash = hash_bytes(key, sizeof(*key), fragments->seed);

	return &fragments->buckets[(uint32_t)hash & fragments->bucket_mask];
}

static void append_newest(struct flow_fragments *fragments, uint32_t number)
{
	struct datagram *datagram = &fragments->datagrams[number];

	datagram->older = fragments->newest;
	datagram->newer = NONE;
	if (fragments->newest == NONE)
		fragments->oldest = number;
	else
		fragments->datagrams[fragments->newest].newer = number;
	fragments->newest = number;
}

static void remove_from_order(struct flow_fragments *fragments, uint32_t number)
{
	const struct datagram *datagram = &fragments->datagrams[number];

	if (datagram->older == NONE)
		fragments->oldest = datagram->newer;
	else
		fragments->datagrams[datagram->older].newer = datagram->newer;
	if (datagram->newer == NONE)
		fragments->newest = datagram->older;
	else
		fragments->datagrams[datagram->newer].older = datagram->older;
}

static void adopt(const struct datagram *datagram, struct flow_packet *packet)
{
	packet->src_port = datagram->src_port;
	packet->dst_port = datagram->dst_port;
	packet->protocol = datagram->protocol;
	packet->icmp_type = datagram->icmp_type;
	packet->icmp_code = datagram->icmp_code;
}

static void release_held(struct flow_fragments *fragments, struct datagram *datagram)
{
	uint32_t number = datagram->held_first;

	datagram->held_first = datagram->held_last = NONE;
	while (number != NONE) {
		struct held *held = &fragments->held[number];
		uint32_t next = held->next;
		if (datagram->known)
			adopt(datagram, &held->packet);
		fragments->release(
			fragments->context, &held->packet, held->interface, held->time_ns);
		held->next = fragments->free_held;
		fragments->free_held = number;
		fragments->held_count--;
		number = next;
	}
}

static void forget_oldest(struct flow_fragments *fragments)
{
	uint32_t number = fragments->oldest;
	struct datagram *datagram = &fragments->datagrams[number];

	release_held(fragments, datagram);
	uint32_t *link = bucket_of(fragments, &datagram->key);
	while (*link != number + 1)
		link = &fragments->datagrams[*link - 1].chain;
	*link = datagram->chain;
	remove_from_order(fragments, number);
	datagram->chain = fragments->free_datagram;
	fragments->free_datagram = number;
}

static struct datagram *find_or_add(
	struct flow_fragments *fragments, const struct datagram_key *key, int64_t time_ns)
{
	uint32_t *bucket = bucket_of(fragments, key);

	for (uint32_t at = *bucket; at; at = fragments->datagrams[at - 1].chain) {
		if (memcmp(&fragments->datagrams[at - 1].key, key, sizeof(*key)) == 0)
			return &fragments->datagrams[at - 1];
	}
	if (fragments->free_datagram == NONE &&
		fragments->used_datagrams == fragments->max_datagrams)
		forget_oldest(fragments);
	uint32_t number = fragments->free_datagram;
	if (number == NONE)
		number = fragments->used_datagrams++;
	else
		fragments->free_datagram = fragments->datagrams[number].chain;
	struct datagram *datagram = &fragments->datagrams[number];
	*datagram = (struct datagram){.key = *key,
		.since_ns = time_ns,
		.chain = *bucket,
		.held_first = NONE,
		.held_last = NONE};
	*bucket = number + 1;
	append_newest(fragments, number);
	return datagram;
}

/* Copies the packet to the end of what the datagram holds. Makes room by forgetting others, and at
 * last this datagram: then false, and the packet is for the caller to count. */
static bool hold(struct flow_fragments *fragments, struct datagram *datagram,
	const struct flow_packet *packet, uint32_t interface, int64_t time_ns)
{
	while (fragments->free_held == NONE && fragments->used_held == fragments->max_held) {
		bool this = &fragments->datagrams[fragments->oldest] == datagram;
		forget_oldest(fragments);
		if (this)
			return false;
	}
	uint32_t number = fragments->free_held;
	if (number == NONE)
		number = fragments->used_held++;
	else
		fragments->free_held = fragments->held[number].next;
	fragments->held[number] = (struct held){*packet, time_ns, interface, NONE};
	if (datagram->held_first == NONE)
		datagram->held_first = number;
	else
		fragments->held[datagram->held_last].next = number;
	datagram->held_last = number;
	fragments->held_count++;
	return true;
}

/* The next datagram of this identification begins. */
static void begin_again(
	struct flow_fragments *fragments, struct datagram *datagram, int64_t time_ns)
{
	uint32_t number = (uint32_t)(datagram - fragments->datagrams);

	datagram->received = datagram->total = 0;
	datagram->since_ns = time_ns;
	remove_from_order(fragments, number);
	append_newest(fragments, number);
}

static void count_bytes(struct datagram *datagram, const struct flow_packet *packet)
{
	datagram->received += packet->fragment_bytes;
	if (packet->fragment_last)
		datagram->total = packet->fragment_offset + packet->fragment_bytes;
}

static void complete(struct datagram *datagram)
{
	datagram->complete = datagram->total && datagram->received >= datagram->total;
}

static void add_first(struct flow_fragments *fragments, struct datagram *datagram,
	const struct flow_packet *packet, int64_t time_ns)
{
	if (datagram->complete && datagram->held_first == NONE)
		begin_again(fragments, datagram, time_ns);
	datagram->known = true;
	datagram->src_port = packet->src_port;
	datagram->dst_port = packet->dst_port;
	datagram->protocol = packet->protocol;
	datagram->icmp_type = packet->icmp_type;
	datagram->icmp_code = packet->icmp_code;
	count_bytes(datagram, packet);
	complete(datagram);
	release_held(fragments, datagram);
}

static bool add_later(struct flow_fragments *fragments, struct datagram *datagram,
	struct flow_packet *packet, uint32_t interface, int64_t time_ns)
{
	if (datagram->known && !datagram->complete) {
		adopt(datagram, packet);
		count_bytes(datagram, packet);
		complete(datagram);
		return true;
	}
	if (datagram->complete && datagram->held_first == NONE)
		begin_again(fragments, datagram, time_ns);
	if (hold(fragments, datagram, packet, interface, time_ns)) {
		count_bytes(datagram, packet);
		return false;
	}
	/* Forgotten just now, but what it knew still stands there. */
	if (datagram->known)
		adopt(datagram, packet);
	return true;
}

bool flow_fragments_add(struct flow_fragments *fragments, struct flow_packet *packet,
	uint32_t interface, int64_t time_ns)
{
	struct datagram_key key = {
		.src = packet->src,
		.dst = packet->dst,
		.id = packet->fragment_id,
		.interface = interface,
		.protocol = packet->ip_version == 4 ? packet->protocol : 0,
		.ip_version = packet->ip_version,
	};

	assert(packet->fragment != FLOW_FRAGMENT_NONE);
	struct datagram *datagram = find_or_add(fragments, &key, time_ns);
	if (packet->fragment == FLOW_FRAGMENT_LATER)
		return add_later(fragments, datagram, packet, interface, time_ns);
	add_first(fragments, datagram, packet, time_ns);
	return true;
}

void flow_fragments_advance(struct flow_fragments *fragments, int64_t now_ns)
{
	while (fragments->oldest != NONE &&
		now_ns - fragments->datagrams[fragments->oldest].since_ns >= FLOW_FRAGMENTS_HOLD_NS)
		forget_oldest(fragments);
}

void flow_fragments_flush(struct flow_fragments *fragments)
{
	while (fragments->oldest != NONE)
		forget_oldest(fragments);
}

size_t flow_fragments_held(const struct flow_fragments *fragments)
{
	return fragments->held_count;
}

void flow_fragments_free(struct flow_fragments *fragments)
{
	if (!fragments)
		return;
	free(fragments->datagrams);
	free(fragments->held);
	free(fragments->buckets);
	free(fragments);
}
