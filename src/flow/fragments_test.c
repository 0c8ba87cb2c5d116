#include "flow/fragments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000000)

struct released {
	size_t count;
	struct flow_packet last;
	uint32_t interface;
	int64_t time_ns;
	uint64_t bytes;
	size_t with_port; /* of them, with src_port 53 */
};

static void on_release(
	void *context, const struct flow_packet *packet, uint32_t interface, int64_t time_ns)
{
	struct released *released = context;

	released->count++;
	released->last = *packet;
	released->interface = interface;
	released->time_ns = time_ns;
	released->bytes += packet->bytes;
	released->with_port += packet->src_port == 53;
}

/* Parts of a datagram of three: 1480, 1480 and 40 bytes of payload. */
static struct flow_packet part(uint32_t id, int number, uint16_t src_port)
{
	struct flow_packet packet = {
		.src = ip_from_v4("\xc0\x00\x02\x01"),
		.dst = ip_from_v4("\xc0\x00\x02\x02"),
		.src_port = number == 0 ? src_port : 0,
		.dst_port = number == 0 ? 4000 : 0,
		.protocol = 17,
		.ip_version = 4,
		.fragment = number == 0 ? FLOW_FRAGMENT_FIRST : FLOW_FRAGMENT_LATER,
		.fragment_id = id,
		.fragment_offset = (uint32_t)number * 1480,
		.fragment_bytes = number == 2 ? 40 : 1480,
		.fragment_last = number == 2,
	};
	packet.bytes = 20 + packet.fragment_bytes;
	return packet;
}

static struct flow_fragments *make(size_t datagrams, size_t held, struct released *released)
{
	*released = (struct released){0};
	return flow_fragments_new(datagrams, held, on_release, released);
}

static void test_in_order(void **state)
{
	struct released released;
	_cleanup_(flow_fragments_freep) struct flow_fragments *fragments = make(8, 8, &released);

	for (int i = 0; i < 3; i++) {
		struct flow_packet packet = part(1, i, 53);
		assert_true(flow_fragments_add(fragments, &packet, 0, SECOND));
		assert_int_equal(packet.src_port, 53);
		assert_int_equal(packet.dst_port, 4000);
	}
	flow_fragments_flush(fragments);
	assert_int_equal(released.count, 0);
}

static void test_first_comes_last(void **state)
{
	struct released released;
	_cleanup_(flow_fragments_freep) struct flow_fragments *fragments = make(8, 8, &released);
	struct flow_packet packet = part(1, 2, 53);

	assert_false(flow_fragments_add(fragments, &packet, 7, 3 * SECOND));
	packet = part(1, 1, 53);
	assert_false(flow_fragments_add(fragments, &packet, 7, 4 * SECOND));
	assert_int_equal(flow_fragments_held(fragments), 2);
	packet = part(1, 0, 53);
	assert_true(flow_fragments_add(fragments, &packet, 7, 5 * SECOND));
	assert_int_equal(released.count, 2);
	assert_int_equal(released.with_port, 2);
	assert_int_equal(released.last.fragment_offset, 1480);
	assert_int_equal(released.interface, 7);
	assert_int_equal(released.time_ns, 4 * SECOND);
	assert_int_equal(flow_fragments_held(fragments), 0);
}

/* Datagrams differ by addresses, identification, protocol (IPv4) and interface. */
static void test_keys(void **state)
{
	struct released released;
	_cleanup_(flow_fragments_freep) struct flow_fragments *fragments = make(16, 16, &released);
	struct flow_packet packet = part(1, 0, 53);

	assert_true(flow_fragments_add(fragments, &packet, 0, SECOND));
	packet = part(2, 1, 0);
	assert_false(flow_fragments_add(fragments, &packet, 0, SECOND));
	packet = part(1, 1, 0);
	assert_false(flow_fragments_add(fragments, &packet, 1, SECOND));
	packet = part(1, 1, 0);
	packet.protocol = 6;
	assert_false(flow_fragments_add(fragments, &packet, 0, SECOND));
	packet = part(1, 1, 0);
	packet.dst = ip_from_v4("\xc0\x00\x02\x03");
	assert_false(flow_fragments_add(fragments, &packet, 0, SECOND));
	flow_fragments_flush(fragments);
	assert_int_equal(released.count, 4);
	assert_int_equal(released.with_port, 0);
}

/* The later fragments of IPv6 announce what stands behind the fragment header, which may be an
 * extension header still: the first one's protocol counts (RFC 8200, 4.5). */
static void test_ipv6_protocol(void **state)
{
	struct released released;
	_cleanup_(flow_fragments_freep) struct flow_fragments *fragments = make(8, 8, &released);
	struct flow_packet packet = part(1, 1, 0);

	packet.ip_version = 6;
	packet.protocol = 60;
	assert_false(flow_fragments_add(fragments, &packet, 0, SECOND));
	packet = part(1, 0, 53);
	packet.ip_version = 6;
	packet.icmp_type = 128;
	assert_true(flow_fragments_add(fragments, &packet, 0, SECOND));
	assert_int_equal(released.last.protocol, 17);
	assert_int_equal(released.last.icmp_type, 128);
	assert_int_equal(released.last.src_port, 53);
}

/* A complete datagram's identification comes again, its parts in any order. */
static void test_identification_again(void **state)
{
	static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
	struct released released;

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(orders); j++) {
			_cleanup_(flow_fragments_freep) struct flow_fragments *fragments =
				make(8, 8, &released);
			uint16_t ports[2] = {53, 54};
			size_t direct[2] = {0};
			for (int n = 0; n < 2; n++) {
				for (int k = 0; k < 3; k++) {
					struct flow_packet packet =
						part(1, orders[n ? j : i][k], ports[n]);
					if (flow_fragments_add(fragments, &packet, 0, SECOND)) {
						assert_int_equal(packet.src_port, ports[n]);
						direct[n]++;
					}
				}
			}
			assert_int_equal(flow_fragments_held(fragments), 0);
			assert_int_equal(direct[0] + direct[1] + released.count, 6);
			assert_int_equal(direct[0] + released.with_port, 3);
		}
	}
}

/* Copies of parts of a complete datagram wait for a first in vain, and are of the one before. */
static void test_copies(void **state)
{
	struct released released;
	_cleanup_(flow_fragments_freep) struct flow_fragments *fragments = make(8, 8, &released);

	for (int i = 0; i < 3; i++) {
		struct flow_packet packet = part(1, i, 53);
		assert_true(flow_fragments_add(fragments, &packet, 0, SECOND));
	}
	struct flow_packet copy = part(1, 1, 0);
	assert_false(flow_fragments_add(fragments, &copy, 0, 20 * SECOND));
	flow_fragments_advance(fragments, 45 * SECOND);
	assert_int_equal(released.count, 0);
	flow_fragments_advance(fragments, 50 * SECOND);
	assert_int_equal(released.count, 1);
	assert_int_equal(released.with_port, 1);
}

static void test_hold_ends(void **state)
{
	struct released released;
	_cleanup_(flow_fragments_freep) struct flow_fragments *fragments = make(8, 8, &released);
	struct flow_packet packet = part(1, 1, 0);

	assert_false(flow_fragments_add(fragments, &packet, 0, 100 * SECOND));
	flow_fragments_advance(fragments, 50 * SECOND);
	flow_fragments_advance(fragments, 130 * SECOND - 1);
	assert_int_equal(released.count, 0);
	flow_fragments_advance(fragments, 130 * SECOND);
	assert_int_equal(released.count, 1);
	assert_int_equal(released.last.src_port, 0);
	assert_int_equal(released.time_ns, 100 * SECOND);
	/* The first is too late for that one. */
	packet = part(1, 0, 53);
	assert_true(flow_fragments_add(fragments, &packet, 0, 131 * SECOND));
	assert_int_equal(released.count, 1);
}

/* Whatever the bounds, every fragment comes back once, with its bytes. */
static void test_bounds(void **state)
{
	static const struct {
		size_t datagrams, held;
	} bounds[] = {{1, 1}, {1, 100}, {2, 3}, {100, 1}, {7, 7}, {64, 16}, {5000, 5000}};

	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		struct released released;
		_cleanup_(flow_fragments_freep) struct flow_fragments *fragments =
			make(bounds[i].datagrams, bounds[i].held, &released);
		uint64_t bytes = 0, counted = 0;
		size_t count = 0;
		uint32_t random = 1;
		for (int n = 0; n < 20000; n++) {
			random = random * 1664525 + 1013904223;
			struct flow_packet packet =
				part(random >> 8 & 63, (int)(random >> 20) % 3, 53);
			bytes += packet.bytes;
			if (flow_fragments_add(fragments, &packet, 0, n * SECOND / 100)) {
				counted += packet.bytes;
				count++;
			}
			assert_true(flow_fragments_held(fragments) <= bounds[i].held);
			if (n % 64 == 0)
				flow_fragments_advance(fragments, n * SECOND / 100);
		}
		flow_fragments_flush(fragments);
		assert_int_equal(flow_fragments_held(fragments), 0);
		assert_int_equal(count + released.count, 20000);
		assert_int_equal(counted + released.bytes, bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_first_comes_last),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_ipv6_protocol),
		cmocka_unit_test(test_identification_again),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_hold_ends),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
