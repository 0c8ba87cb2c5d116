/* Files written field by field from the pcap and pcapng drafts (draft-ietf-opsawg-pcap,
 * draft-ietf-opsawg-pcapng), in both byte orders. */
#include "capture/pcap.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct writer {
	struct buf buf;
	bool big; /* byte order of the file */
};

static void put(struct writer *w, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++) {
		int place = w->big ? bytes - 1 - i : i;
		buf_add_char(&w->buf, place < 8 ? (char)(value >> 8 * place) : 0);
	}
}

static void put_pcap_header(struct writer *w, uint32_t magic, uint16_t minor, uint32_t link_type)
{
	put(w, magic, 4);
	put(w, 2, 2);
	put(w, minor, 2);
	put(w, 0, 8);
	put(w, 65535, 4);
	put(w, link_type, 4);
}

static void put_record(
	struct writer *w, uint32_t seconds, uint32_t fraction, struct str bytes, uint32_t original)
{
	put(w, seconds, 4);
	put(w, fraction, 4);
	put(w, bytes.n, 4);
	put(w, original, 4);
	buf_add_str(&w->buf, bytes);
}

/* A block with this body, padded. */
static void put_block(struct writer *w, uint32_t type, struct str body)
{
	size_t padding = -body.n & 3;

	put(w, type, 4);
	put(w, body.n + padding + 12, 4);
	buf_add_str(&w->buf, body);
	put(w, 0, (int)padding);
	put(w, body.n + padding + 12, 4);
}

static void put_section(struct writer *w)
{
	struct writer body = {.big = w->big};

	put(&body, 0x1a2b3c4d, 4);
	put(&body, 1, 2);
	put(&body, 0, 2);
	put(&body, UINT64_MAX, 8);
	put_block(w, 0x0a0d0d0a, buf_str(&body.buf));
	buf_done(&body.buf);
}

/* resolution and offset: written when not 0. */
static void put_interface(struct writer *w, uint16_t link_type, uint32_t snap_length,
	const char *name, uint8_t resolution, int64_t offset)
{
	struct writer body = {.big = w->big};

	put(&body, link_type, 2);
	put(&body, 0, 2);
	put(&body, snap_length, 4);
	if (name) {
		put(&body, 2, 2);
		put(&body, strlen(name), 2);
		buf_add_text(&body.buf, name);
		put(&body, 0, (int)(-strlen(name) & 3));
	}
	if (resolution) {
		put(&body, 9, 2);
		put(&body, 1, 2);
		put(&body, resolution, 1);
		put(&body, 0, 3);
	}
	if (offset) {
		put(&body, 14, 2);
		put(&body, 8, 2);
		put(&body, (uint64_t)offset, 8);
	}
	put(&body, 0, 4);
	put_block(w, 1, buf_str(&body.buf));
	buf_done(&body.buf);
}

static void put_enhanced(
	struct writer *w, uint32_t interface, uint64_t ticks, struct str bytes, uint32_t original)
{
	struct writer body = {.big = w->big};

	put(&body, interface, 4);
	put(&body, ticks >> 32, 4);
	put(&body, ticks & 0xffffffff, 4);
	put(&body, bytes.n, 4);
	put(&body, original, 4);
	buf_add_str(&body.buf, bytes);
	put_block(w, 6, buf_str(&body.buf));
	buf_done(&body.buf);
}

static void put_simple(struct writer *w, struct str bytes, uint32_t original)
{
	struct writer body = {.big = w->big};

	put(&body, original, 4);
	buf_add_str(&body.buf, bytes);
	put_block(w, 3, buf_str(&body.buf));
	buf_done(&body.buf);
}

static void put_obsolete(struct writer *w, uint16_t interface, uint64_t ticks, struct str bytes)
{
	struct writer body = {.big = w->big};

	put(&body, interface, 2);
	put(&body, 0, 2);
	put(&body, ticks >> 32, 4);
	put(&body, ticks & 0xffffffff, 4);
	put(&body, bytes.n, 4);
	put(&body, bytes.n, 4);
	buf_add_str(&body.buf, bytes);
	put_block(w, 2, buf_str(&body.buf));
	buf_done(&body.buf);
}

static struct capture_pcap *open_bytes(struct str bytes, struct err *err)
{
	struct input *input;
	struct capture_pcap *pcap = NULL;

	assert_int_equal(input_open_memory(&input, bytes, "test", err), 0);
	return capture_pcap_open(&pcap, input, err) == 0 ? pcap : NULL;
}

#define PACKETS_MAX 64
struct seen {
	size_t count;
	int status; /* of the read that ended it */
	struct capture_packet packets[PACKETS_MAX];
	uint8_t first_byte[PACKETS_MAX];
	struct err err;
};

/* Reads to the end, so many at a time. */
static void read_all(struct str bytes, size_t max, struct seen *seen)
{
	*seen = (struct seen){0};
	_cleanup_(capture_pcap_closep) struct capture_pcap *pcap = open_bytes(bytes, &seen->err);
	if (!pcap) {
		seen->status = -1;
		return;
	}
	for (;;) {
		size_t n;
		seen->status =
			capture_pcap_read(pcap, seen->packets + seen->count, max, &n, &seen->err);
		if (seen->status != 0)
			return;
		assert_in_range(n, 1, max);
		for (size_t i = seen->count; i < seen->count + n; i++) {
			if (seen->packets[i].captured)
				seen->first_byte[i] = seen->packets[i].bytes[0];
		}
		seen->count += n;
		assert_true(seen->count + max <= PACKETS_MAX);
	}
}

static void test_pcap(void **state)
{
	static const struct {
		uint32_t magic;
		int64_t expected_ns;
	} magics[] = {{0xa1b2c3d4, 1700000000000123000}, {0xa1b23c4d, 1700000000000000123}};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(magics); i++) {
		struct writer w = {.big = i & 1};
		struct seen seen;
		put_pcap_header(&w, magics[i / 2].magic, 4, 0xf0000071);
		put_record(&w, 1700000000, 123, STR("abc"), 1500);
		put_record(&w, 1700000001, 5, STR(""), 0);
		put_record(&w, 0xffffffff, 0, STR("xyz"), 3);
		read_all(buf_str(&w.buf), 1 + i, &seen);
		assert_int_equal(seen.status, CAPTURE_PCAP_E_END);
		assert_int_equal(seen.count, 3);
		assert_int_equal(seen.packets[0].time_ns, magics[i / 2].expected_ns);
		assert_int_equal(seen.packets[0].captured, 3);
		assert_int_equal(seen.packets[0].original, 1500);
		/* The upper bits say how long the frame check sequence is. */
		assert_int_equal(seen.packets[0].link_type, 0x71);
		assert_int_equal(seen.first_byte[0], 'a');
		assert_int_equal(seen.packets[1].captured, 0);
		assert_int_equal(seen.packets[2].time_ns, INT64_C(4294967295000000000));
		assert_int_equal(seen.first_byte[2], 'x');
		buf_done(&w.buf);
	}
}

static void test_pcap_variants(void **state)
{
	struct writer w = {0};
	struct seen seen;

	/* 24 bytes of record header. */
	put_pcap_header(&w, 0xa1b2cd34, 4, 1);
	put(&w, 7, 4);
	put(&w, 0, 4);
	put(&w, 2, 4);
	put(&w, 2, 4);
	put(&w, 0, 8);
	buf_add_text(&w.buf, "hi");
	read_all(buf_str(&w.buf), 8, &seen);
	assert_int_equal(seen.status, CAPTURE_PCAP_E_END);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.first_byte[0], 'h');
	buf_done(&w.buf);
	/* Version 2.3 with original before captured. */
	put_pcap_header(&w, 0xa1b2c3d4, 3, 1);
	put(&w, 7, 4);
	put(&w, 0, 4);
	put(&w, 100, 4);
	put(&w, 2, 4);
	buf_add_text(&w.buf, "hi");
	read_all(buf_str(&w.buf), 8, &seen);
	assert_int_equal(seen.status, CAPTURE_PCAP_E_END);
	assert_int_equal(seen.packets[0].captured, 2);
	assert_int_equal(seen.packets[0].original, 100);
	buf_done(&w.buf);
}

static void write_pcapng(struct writer *w)
{
	put_section(w);
	put_interface(w, 1, 0, "eth0", 0, 0);
	put_interface(w, 101, 4, NULL, 9, 0);
	put_block(w, 4, STR("name resolution, passed over"));
	put_enhanced(w, 0, UINT64_C(1700000000000123), STR("abcde"), 1500);
	put_enhanced(w, 1, UINT64_C(1700000001000000456), STR("fgh"), 3);
	put_simple(w, STR("ijkl"), 4);
	put_obsolete(w, 1, UINT64_C(1700000002000000000), STR("mn"));
	/* A section in the other byte order. */
	w->big = !w->big;
	put_section(w);
	put_interface(w, 113, 2, "eth0", 0x80 | 20, 1000);
	put_enhanced(w, 0, (UINT64_C(1699999000) << 20) + (1 << 19), STR("opqr"), 4);
	put_simple(w, STR("st"), 1000);
	w->big = !w->big;
}

static void test_pcapng(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		struct writer w = {.big = i & 1};
		struct seen seen;
		write_pcapng(&w);
		read_all(buf_str(&w.buf), i < 2 ? 1 : 8, &seen);
		assert_int_equal(seen.status, CAPTURE_PCAP_E_END);
		assert_int_equal(seen.count, 6);
		static const struct {
			char first;
			uint32_t captured, original, link_type, interface;
			int64_t time_ns;
		} expected[] = {
			{'a', 5, 1500, 1, 0, 1700000000000123000},
			{'f', 3, 3, 101, 1, 1700000001000000456},
			{'i', 4, 4, 1, 0, 1700000001000000456},
			{'m', 2, 2, 101, 1, 1700000002000000000},
			{'o', 4, 4, 113, 2, 1700000000500000000},
			{'s', 2, 1000, 113, 2, 1700000000500000000},
		};
		for (size_t j = 0; j < seen.count; j++) {
			assert_int_equal(seen.first_byte[j], expected[j].first);
			assert_int_equal(seen.packets[j].captured, expected[j].captured);
			assert_int_equal(seen.packets[j].original, expected[j].original);
			assert_int_equal(seen.packets[j].link_type, expected[j].link_type);
			assert_int_equal(seen.packets[j].interface, expected[j].interface);
			assert_int_equal(seen.packets[j].time_ns, expected[j].time_ns);
		}
		buf_done(&w.buf);
	}
}

static void test_interfaces(void **state)
{
	struct writer w = {0};
	struct err err = ERR_INIT;
	struct capture_packet packet;
	size_t n;

	write_pcapng(&w);
	_cleanup_(capture_pcap_closep) struct capture_pcap *pcap =
		open_bytes(buf_str(&w.buf), &err);
	assert_non_null(pcap);
	while (capture_pcap_read(pcap, &packet, 1, &n, &err) == 0)
		;
	assert_string_equal(capture_pcap_interface(pcap, 0).name, "eth0");
	assert_null(capture_pcap_interface(pcap, 1).name);
	assert_int_equal(capture_pcap_interface(pcap, 1).ordinal, 1);
	assert_int_equal(capture_pcap_interface(pcap, 1).link_type, 101);
	assert_string_equal(capture_pcap_interface(pcap, 2).name, "eth0");
	assert_int_equal(capture_pcap_interface(pcap, 2).ordinal, 0);
	assert_null(capture_pcap_interface(pcap, 3).name);
	buf_done(&w.buf);
}

/* A time that 64 bits of nanoseconds cannot hold stays within them. */
static void test_odd_times(void **state)
{
	struct writer w = {0};
	struct seen seen;

	put_section(&w);
	put_interface(&w, 1, 0, NULL, 0, 0);
	put_interface(&w, 1, 0, NULL, 19, 0);
	put_interface(&w, 1, 0, NULL, 20, 0);
	put_interface(&w, 1, 0, NULL, 0x80 | 63, 5);
	put_interface(&w, 1, 0, NULL, 0x80 | 64, 0);
	put_interface(&w, 1, 0, NULL, 0x80, 0);
	put_interface(&w, 1, 0, NULL, 0, INT64_MIN);
	put_interface(&w, 1, 0, NULL, 0, INT64_MAX);
	for (uint32_t i = 0; i < 8; i++)
		put_enhanced(&w, i, UINT64_MAX, STR("a"), 1);
	read_all(buf_str(&w.buf), 16, &seen);
	assert_int_equal(seen.status, CAPTURE_PCAP_E_END);
	assert_int_equal(seen.count, 8);
	for (size_t i = 0; i < seen.count; i++)
		assert_true(seen.packets[i].time_ns >= 0);
	assert_int_equal(seen.packets[1].time_ns, 1844674407);
	assert_int_equal(seen.packets[3].time_ns, 6999999999);
	assert_int_equal(seen.packets[6].time_ns, 0);
	buf_done(&w.buf);
}

/* Wherever the file is cut, the packets before the cut come, then an error that names the byte, but
 * at the ends of records, where nothing is wrong. */
static void check_cuts(struct str whole, size_t packets, size_t ends)
{
	size_t clean = 0;
	size_t last_count = 0;

	for (size_t cut = 1; cut <= whole.n; cut++) {
		struct seen one, many;
		read_all((struct str){whole.p, cut}, 1, &one);
		read_all((struct str){whole.p, cut}, 16, &many);
		assert_int_equal(one.count, many.count);
		assert_int_equal(one.status, many.status);
		assert_true(one.count >= last_count);
		last_count = one.count;
		clean += one.status == CAPTURE_PCAP_E_END;
		if (one.status < 0) {
			assert_string_equal(one.err.message, many.err.message);
			assert_non_null(strstr(one.err.message, "at byte "));
			assert_int_equal(one.err.code, ERR_INPUT);
		}
	}
	assert_int_equal(last_count, packets);
	assert_int_equal(clean, ends);
}

static void test_cuts(void **state)
{
	struct writer w = {0};

	put_pcap_header(&w, 0xa1b2c3d4, 4, 1);
	put_record(&w, 1, 0, STR("abc"), 3);
	put_record(&w, 2, 0, STR("defgh"), 5);
	check_cuts(buf_str(&w.buf), 2, 3);
	buf_done(&w.buf);
	w.buf = (struct buf){0};
	write_pcapng(&w);
	/* 2 sections, 3 interfaces, 1 other block, 6 packets. */
	check_cuts(buf_str(&w.buf), 6, 12);
	buf_done(&w.buf);
}

static void check_damage(const struct writer *w, size_t packets, const char *expected_text)
{
	struct seen seen;

	for (size_t max = 1; max <= 16; max += 15) {
		read_all(buf_str(&w->buf), max, &seen);
		assert_true(seen.status < 0);
		assert_int_equal(seen.count, packets);
		if (!strstr(seen.err.message, expected_text))
			fail_msg("'%s' does not say '%s'", seen.err.message, expected_text);
	}
}

static void test_damage(void **state)
{
	struct writer w = {0};

	put_pcap_header(&w, 0xa1b2c3d4, 4, 1);
	put_record(&w, 1, 0, STR("abc"), 3);
	put(&w, 0, 8);
	put(&w, CAPTURE_PCAP_PACKET_MAX + 1, 4);
	put(&w, 60, 4);
	check_damage(&w, 1, "at byte 43: a packet of 262145 bytes");
	w.buf.n = 0;
	put_section(&w);
	put_interface(&w, 1, 0, NULL, 0, 0);
	put_enhanced(&w, 0, 1, STR("abcd"), 4);
	size_t good = w.buf.n;
	put_enhanced(&w, 1, 1, STR("abcd"), 4);
	check_damage(&w, 1, "at byte 88: a packet of interface 1, 1 are described");
	w.buf.n = good;
	put_enhanced(&w, 0, 1, STR("abcd"), 4);
	w.buf.p[w.buf.n - 4] ^= 1;
	check_damage(&w, 1, "ends with length 37");
	w.buf.n = good;
	put(&w, 6, 4);
	put(&w, 8, 4);
	put(&w, 8, 4);
	check_damage(&w, 1, "a block of 8 bytes");
	w.buf.n = good;
	put_block(&w, 6, STR("0123456789abcdef012"));
	check_damage(&w, 1, "a packet of");
	w.buf.n = good;
	put_block(&w, 1, STR("0123"));
	check_damage(&w, 1, "an interface description of 4 bytes");
	w.buf.n = good;
	put_block(&w, 3, STR(""));
	check_damage(&w, 1, "a packet block of 0 bytes");
	w.buf.n = good;
	put(&w, 6, 4);
	put(&w, 0xfffffffc, 4);
	put(&w, 0, 4);
	check_damage(&w, 1, "a block of 4294967292 bytes");
	w.buf.n = good;
	put(&w, 0x0a0d0d0a, 4);
	put(&w, 28, 4);
	put(&w, 0x12345678, 4);
	put(&w, 0, 16);
	check_damage(&w, 1, "byte-order magic");
	buf_done(&w.buf);
}

static void test_not_captures(void **state)
{
	static const struct str files[] = {
		{"", 0}, {"2 123456789010 eni-1", 20}, {"\x0a\x0d\x0d", 3}};
	static const char *const texts[] = {"empty", "not a capture file", "ends after 3"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct err err = ERR_INIT;
		assert_null(open_bytes(files[i], &err));
		assert_non_null(strstr(err.message, texts[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_pcap_variants),
		cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_odd_times),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_not_captures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
