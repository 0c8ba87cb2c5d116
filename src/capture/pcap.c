/* Packets are lent out of the input's window: a read hands out what of it is whole, and only the
 * next read moves the window on. The common record therefore costs two loads and no copy.
 *
 * What counts as damage, and where, is chosen as Wireshark's readers do, so that both see the same
 * packets of a bad file: a record longer than CAPTURE_PCAP_PACKET_MAX, a block whose two lengths
 * differ or that is too short for its fields, a packet of an interface that was not described, and
 * an end inside a record. */
#include "capture/pcap.h"

#include <byteswap.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PCAP_MAGIC_MICROSECONDS 0xa1b2c3d4
#define PCAP_MAGIC_NANOSECONDS  0xa1b23c4d
#define PCAP_MAGIC_MODIFIED     0xa1b2cd34
#define PCAP_HEADER             24
#define PCAP_RECORD             16
#define PCAP_RECORD_MODIFIED    24
#define PCAP_LINK_TYPE          0x03ffffff /* above it: length of the frame check sequence */

#define BLOCK_SECTION         0x0a0d0d0a /* the same in both byte orders */
#define BLOCK_INTERFACE       1
#define BLOCK_PACKET          2 /* obsolete */
#define BLOCK_SIMPLE_PACKET   3
#define BLOCK_ENHANCED_PACKET 6
#define BLOCK_MIN             12
#define BLOCK_SECTION_MIN     28
#define BYTE_ORDER_MAGIC      0x1a2b3c4d

#define OPTION_END         0
#define OPTION_NAME        2
#define OPTION_RESOLUTION  9
#define OPTION_TIME_OFFSET 14

#define NS_PER_SECOND INT64_C(1000000000)
#define SECONDS_MAX   (INT64_MAX / NS_PER_SECOND - 1)

struct interface {
	char *name;
	uint32_t link_type;
	uint32_t snap_length;
	uint32_t ordinal;
	uint64_t units; /* of time, a second; 0: finer than 64 bits hold */
	int64_t offset; /* seconds to add */
};

struct capture_pcap {
	struct input *input;
	struct str window; /* lent by the input */
	size_t used;       /* of it, by packets handed out and blocks passed over */

	bool blocks; /* pcapng */
	bool swapped;
	bool nanoseconds;
	uint8_t record_header;
	bool lengths_swapped; /* before pcap 2.4 some wrote original before captured */
	int64_t last_time_ns;

	struct interface *interfaces;
	uint32_t interfaces_count, interfaces_capacity;
	uint32_t section_first; /* interface 0 of this section */
};

static uint32_t get32(const struct capture_pcap *pcap, const char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return pcap->swapped ? bswap_32(value) : value;
}

static uint16_t get16(const struct capture_pcap *pcap, const char *p)
{
	uint16_t value;

	memcpy(&value, p, sizeof(value));
	return pcap->swapped ? bswap_16(value) : value;
}

static int damage(const struct capture_pcap *pcap, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4), cold));

static int damage(const struct capture_pcap *pcap, struct err *err, const char *format, ...)
{
	char what[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	return err_set(err, ERR_INPUT, "%s: damaged at byte %llu: %s", input_name(pcap->input),
		(unsigned long long)input_offset(pcap->input) + pcap->used, what);
}

/* Bytes that are lent and not used yet. */
static size_t left(const struct capture_pcap *pcap)
{
	return pcap->window.n - pcap->used;
}

static const char *here(const struct capture_pcap *pcap)
{
	return pcap->window.p + pcap->used;
}

static __attribute__((noinline)) int move_window(
	struct capture_pcap *pcap, size_t n, const char *what, struct err *err)
{
	input_skip(pcap->input, pcap->used);
	pcap->used = 0;
	pcap->window = STR_NONE;
	if (input_peek(pcap->input, n, &pcap->window, err) < 0)
		return -1;
	if (pcap->window.n >= n)
		return 0;
	if (pcap->window.n == 0)
		return CAPTURE_PCAP_E_END;
	size_t have = pcap->window.n;
	int status = damage(
		pcap, err, "%s of %zu bytes expected, the file ends after %zu", what, n, have);
	/* When the input broke rather than ended, its own words are better. */
	struct err cause = ERR_INIT;
	struct str none;
	input_skip(pcap->input, have);
	pcap->window = STR_NONE;
	if (input_peek(pcap->input, 1, &none, &cause) < 0 && err)
		*err = cause;
	return status;
}

/* Moves the window so that n bytes from here on are in it. 0, CAPTURE_PCAP_E_END when nothing at
 * all is left, <0 when less than n is. */
static inline int need(struct capture_pcap *pcap, size_t n, const char *what, struct err *err)
{
	return left(pcap) >= n ? 0 : move_window(pcap, n, what, err);
}

static struct interface *add_interface(struct capture_pcap *pcap)
{
	if (pcap->interfaces_count == pcap->interfaces_capacity) {
		pcap->interfaces_capacity = pcap->interfaces_capacity * 2 + 4;
		pcap->interfaces = mem_grow(
			pcap->interfaces, pcap->interfaces_capacity, sizeof(*pcap->interfaces));
	}
	struct interface *interface = &pcap->interfaces[pcap->interfaces_count];
	*interface = (struct interface){
		.units = 1000000, .ordinal = pcap->interfaces_count - pcap->section_first};
	pcap->interfaces_count++;
	return interface;
}

static int open_records(struct capture_pcap *pcap, uint32_t magic, struct err *err)
{
	pcap->swapped = magic == bswap_32(PCAP_MAGIC_MICROSECONDS) ||
			magic == bswap_32(PCAP_MAGIC_NANOSECONDS) ||
			magic == bswap_32(PCAP_MAGIC_MODIFIED);
	if (pcap->swapped)
		magic = bswap_32(magic);
	pcap->nanoseconds = magic == PCAP_MAGIC_NANOSECONDS;
	pcap->record_header = magic == PCAP_MAGIC_MODIFIED ? PCAP_RECORD_MODIFIED : PCAP_RECORD;
	if (need(pcap, PCAP_HEADER, "a file header", err) != 0)
		return -1;
	const char *p = here(pcap);
	uint16_t major = get16(pcap, p + 4);
	uint16_t minor = get16(pcap, p + 6);
	if (major > 2 && major != 543)
		return damage(pcap, err, "pcap version %u.%u, 2.4 expected", major, minor);
	pcap->lengths_swapped = major == 543 || minor < 4;
	add_interface(pcap)->link_type = get32(pcap, p + 20) & PCAP_LINK_TYPE;
	pcap->used += PCAP_HEADER;
	return 0;
}

static int look_at_magic(struct capture_pcap *pcap, struct err *err)
{
	uint32_t magic;

	int status = need(pcap, 4, "a file header", err);
	if (status < 0)
		return -1;
	if (status == CAPTURE_PCAP_E_END)
		return err_set(err, ERR_INPUT, "%s: empty, a pcap or pcapng file is expected",
			input_name(pcap->input));
	memcpy(&magic, here(pcap), 4);
	switch (magic) {
	case PCAP_MAGIC_MICROSECONDS:
	case PCAP_MAGIC_NANOSECONDS:
	case PCAP_MAGIC_MODIFIED:
	case __bswap_constant_32(PCAP_MAGIC_MICROSECONDS):
	case __bswap_constant_32(PCAP_MAGIC_NANOSECONDS):
	case __bswap_constant_32(PCAP_MAGIC_MODIFIED):
		return open_records(pcap, magic, err);
	case BLOCK_SECTION:
		pcap->blocks = true;
		return 0;
	default:
		err_set(err, ERR_INPUT,
			"%s: not a capture file: it begins with %08x, neither pcap nor pcapng",
			input_name(pcap->input), be32toh(magic));
		return err_hint(err, "flow log records are read by 'nagare query --from'");
	}
}

int capture_pcap_open(struct capture_pcap **ret_pcap, struct input *input, struct err *err)
{
	_cleanup_(capture_pcap_closep) struct capture_pcap *pcap = mem_new(1, sizeof(*pcap));

	pcap->input = input;
	if (look_at_magic(pcap, err) < 0)
		return -1;
	*ret_pcap = take(pcap);
	return 0;
}

/* What a record's header says. */
struct record {
	uint32_t captured, original;
	uint32_t seconds, fraction;
};

/* Inlined with what does not change in a file, so that the common kind costs no test of it. */
static inline __attribute__((always_inline)) struct record parse_record(
	const char *p, bool swapped, bool lengths_swapped)
{
	uint32_t words[4];

	memcpy(words, p, sizeof(words));
	if (swapped) {
		for (size_t i = 0; i < 4; i++)
			words[i] = bswap_32(words[i]);
	}
	if (lengths_swapped && words[2] > words[3])
		return (struct record){words[3], words[2], words[0], words[1]};
	return (struct record){words[2], words[3], words[0], words[1]};
}

/* The packets whose records are whole in the window, at most max. Stops before what is not right,
 * too. */
static inline __attribute__((always_inline)) size_t take_records(struct capture_pcap *pcap,
	struct capture_packet *packets, size_t max, bool swapped, bool lengths_swapped)
{
	const uint32_t header = pcap->record_header;
	const uint32_t link_type = pcap->interfaces[0].link_type;
	const int64_t fraction_ns = pcap->nanoseconds ? 1 : 1000;
	const char *p = here(pcap);
	size_t rest = left(pcap);
	size_t n = 0;

	while (n < max && rest >= header) {
		struct record record = parse_record(p, swapped, lengths_swapped);
		if (record.captured > CAPTURE_PCAP_PACKET_MAX || rest - header < record.captured)
			break;
		packets[n++] = (struct capture_packet){
			.bytes = (const uint8_t *)p + header,
			.captured = record.captured,
			.original = record.original,
			.link_type = link_type,
			.time_ns = record.seconds * NS_PER_SECOND + record.fraction * fraction_ns,
		};
		p += header + record.captured;
		rest -= header + record.captured;
	}
	pcap->used = (size_t)(p - pcap->window.p);
	return n;
}

/* Brings the whole record at this place into the window. */
static int need_record(struct capture_pcap *pcap, struct err *err)
{
	const uint32_t header = pcap->record_header;
	int status = need(pcap, header, "a record header", err);

	if (status != 0)
		return status;
	struct record record = parse_record(here(pcap), pcap->swapped, pcap->lengths_swapped);
	if (record.captured > CAPTURE_PCAP_PACKET_MAX)
		return damage(pcap, err, "a packet of %u bytes, at most %u are expected",
			record.captured, CAPTURE_PCAP_PACKET_MAX);
	return need(pcap, header + record.captured, "a record", err) == 0 ? 0 : -1;
}

/* pcap: at least one packet, then as many as are whole in the window. */
static int read_records(struct capture_pcap *pcap, struct capture_packet *packets, size_t max,
	size_t *ret_count, struct err *err)
{
	bool plain = !pcap->swapped && !pcap->lengths_swapped;
	int status = need_record(pcap, err);

	if (status != 0)
		return status;
	*ret_count = plain ? take_records(pcap, packets, max, false, false)
			   : take_records(pcap, packets, max, pcap->swapped, pcap->lengths_swapped);
	return 0;
}

static int begin_section(struct capture_pcap *pcap, struct err *err)
{
	uint32_t order;

	if (need(pcap, BLOCK_SECTION_MIN, "a section header", err) != 0)
		return -1;
	memcpy(&order, here(pcap) + 8, 4);
	if (order != BYTE_ORDER_MAGIC && order != bswap_32(BYTE_ORDER_MAGIC))
		return damage(pcap, err, "byte-order magic %08x, 1a2b3c4d expected", order);
	pcap->swapped = order != BYTE_ORDER_MAGIC;
	uint16_t major = get16(pcap, here(pcap) + 12);
	if (major != 1)
		return damage(pcap, err, "pcapng version %u, 1 expected", major);
	pcap->section_first = pcap->interfaces_count;
	return 0;
}

/* if_tsresol: negative power of 10, or of 2 with the high bit. */
static uint64_t time_units(uint8_t resolution)
{
	uint64_t units = 1;

	if (resolution & 0x80)
		return (resolution & 0x7f) < 64 ? UINT64_C(1) << (resolution & 0x7f) : 0;
	if (resolution > 19)
		return 0;
	for (int i = 0; i < resolution; i++)
		units *= 10;
	return units;
}

static void set_option(const struct capture_pcap *pcap, struct interface *interface, uint16_t code,
	struct str value)
{
	if (code == OPTION_NAME && !interface->name) {
		size_t n = strnlen(value.p, value.n);
		if (n)
			interface->name = mem_printf("%.*s", (int)n, value.p);
	} else if (code == OPTION_RESOLUTION && value.n >= 1) {
		interface->units = time_units((uint8_t)value.p[0]);
	} else if (code == OPTION_TIME_OFFSET && value.n >= 8) {
		uint64_t halves[2] = {get32(pcap, value.p), get32(pcap, value.p + 4)};
		bool big = pcap->swapped == (BYTE_ORDER == LITTLE_ENDIAN);
		interface->offset = (int64_t)(halves[big] | halves[!big] << 32);
	}
}

/* body: between the two lengths. */
static int describe_interface(struct capture_pcap *pcap, struct str body, struct err *err)
{
	if (body.n < 8)
		return damage(
			pcap, err, "an interface description of %zu bytes, at least 8", body.n);
	if (pcap->interfaces_count == CAPTURE_PCAP_INTERFACES)
		return damage(pcap, err, "more than %u interfaces", CAPTURE_PCAP_INTERFACES);
	struct interface *interface = add_interface(pcap);
	interface->link_type = get16(pcap, body.p);
	interface->snap_length = get32(pcap, body.p + 4);
	size_t at = 8;
	while (body.n - at >= 4) {
		uint16_t code = get16(pcap, body.p + at);
		uint16_t length = get16(pcap, body.p + at + 2);
		at += 4;
		if (code == OPTION_END)
			break;
		if (length > body.n - at)
			return damage(pcap, err,
				"option %u of %u bytes in an interface description, %zu are left",
				code, length, body.n - at);
		set_option(pcap, interface, code, (struct str){body.p + at, length});
		size_t padded = (length + 3u) & ~(size_t)3;
		at += padded < body.n - at ? padded : body.n - at;
	}
	return 0;
}

/* Unix nanoseconds, kept between 0 and what 64 bits hold. */
static int64_t block_time(const struct interface *interface, uint64_t ticks)
{
	if (interface->units == 1000000 && interface->offset == 0 &&
		ticks <= (uint64_t)INT64_MAX / 1000)
		return (int64_t)(ticks * 1000);
	if (interface->units == 0)
		return 0;
	uint64_t seconds = ticks / interface->units;
	uint64_t rest = ticks % interface->units;
	__int128 total = (__int128)seconds + interface->offset;
	if (total < 0)
		return 0;
	if (total > SECONDS_MAX)
		return SECONDS_MAX * NS_PER_SECOND;
	uint64_t ns = (uint64_t)((unsigned __int128)rest * NS_PER_SECOND / interface->units);
	return (int64_t)total * NS_PER_SECOND + (int64_t)ns;
}

/* Finds the packet in an enhanced or obsolete packet block. */
static int packet_of_block(struct capture_pcap *pcap, uint32_t type, struct str body,
	struct capture_packet *ret_packet, struct err *err)
{
	if (body.n < 20)
		return damage(pcap, err, "a packet block of %zu bytes, at least 20", body.n);
	uint32_t number = type == BLOCK_PACKET ? get16(pcap, body.p) : get32(pcap, body.p);
	uint32_t captured = get32(pcap, body.p + 12);
	if (number >= pcap->interfaces_count - pcap->section_first)
		return damage(pcap, err, "a packet of interface %u, %u are described", number,
			pcap->interfaces_count - pcap->section_first);
	if (captured > CAPTURE_PCAP_PACKET_MAX)
		return damage(pcap, err, "a packet of %u bytes, at most %u are expected", captured,
			CAPTURE_PCAP_PACKET_MAX);
	if (captured > body.n - 20)
		return damage(pcap, err, "a packet of %u bytes in a block that holds %zu", captured,
			body.n - 20);
	const struct interface *interface = &pcap->interfaces[pcap->section_first + number];
	*ret_packet = (struct capture_packet){
		.bytes = (const uint8_t *)body.p + 20,
		.captured = captured,
		.original = get32(pcap, body.p + 16),
		.link_type = interface->link_type,
		.interface = pcap->section_first + number,
		.time_ns = block_time(interface,
			(uint64_t)get32(pcap, body.p + 4) << 32 | get32(pcap, body.p + 8)),
	};
	return 0;
}

/* A simple packet block is of interface 0 and has no time: that of the packet before it is near. */
static int packet_of_simple_block(struct capture_pcap *pcap, struct str body,
	struct capture_packet *ret_packet, struct err *err)
{
	if (body.n < 4)
		return damage(pcap, err, "a packet block of %zu bytes, at least 4", body.n);
	if (pcap->interfaces_count == pcap->section_first)
		return damage(pcap, err, "a packet of interface 0, none is described");
	const struct interface *interface = &pcap->interfaces[pcap->section_first];
	uint32_t original = get32(pcap, body.p);
	uint32_t captured = original;
	if (interface->snap_length && captured > interface->snap_length)
		captured = interface->snap_length;
	if (captured > CAPTURE_PCAP_PACKET_MAX || captured > body.n - 4)
		return damage(pcap, err, "a packet of %u bytes in a block that holds %zu", captured,
			body.n - 4);
	*ret_packet = (struct capture_packet){
		.bytes = (const uint8_t *)body.p + 4,
		.captured = captured,
		.original = original,
		.link_type = interface->link_type,
		.interface = pcap->section_first,
		.time_ns = pcap->last_time_ns,
	};
	return 0;
}

enum { BLOCK_E_PACKET = 0, BLOCK_E_END = CAPTURE_PCAP_E_END, BLOCK_E_OTHER, BLOCK_E_NOT_HERE };

/* Brings the whole block at this place into the window, when it may move. */
static int frame_block(struct capture_pcap *pcap, bool may_move, uint32_t *ret_type,
	uint32_t *ret_length, struct err *err)
{
	if (left(pcap) < BLOCK_MIN && !may_move)
		return BLOCK_E_NOT_HERE;
	int status = need(pcap, BLOCK_MIN, "a block header", err);
	if (status != 0)
		return status;
	memcpy(ret_type, here(pcap), 4);
	if (*ret_type == BLOCK_SECTION) {
		if (!may_move)
			return BLOCK_E_NOT_HERE;
		if (begin_section(pcap, err) < 0)
			return -1;
	}
	*ret_type = get32(pcap, here(pcap));
	uint32_t length = get32(pcap, here(pcap) + 4);
	/* Some writers leave the padding out of the length. */
	uint64_t padded = ((uint64_t)length + 3) & ~UINT64_C(3);
	uint32_t least = *ret_type == BLOCK_SECTION ? BLOCK_SECTION_MIN : BLOCK_MIN;
	if (length < least || padded > CAPTURE_PCAP_BLOCK_MAX)
		return may_move ? damage(pcap, err, "a block of %u bytes, %u to %u are expected",
					  length, least, CAPTURE_PCAP_BLOCK_MAX)
				: BLOCK_E_NOT_HERE;
	if (left(pcap) < padded) {
		if (!may_move)
			return BLOCK_E_NOT_HERE;
		if (need(pcap, padded, "a block", err) != 0)
			return -1;
	}
	uint32_t trailer = get32(pcap, here(pcap) + padded - 4);
	if (trailer != length)
		return may_move ? damage(pcap, err, "a block of %u bytes that ends with length %u",
					  length, trailer)
				: BLOCK_E_NOT_HERE;
	*ret_length = (uint32_t)padded;
	return 0;
}

/* One block. Unless may_move, the window stays, and a block that is not whole in it or is damaged
 * stays for the next read. */
static int read_block(struct capture_pcap *pcap, bool may_move, struct capture_packet *ret_packet,
	struct err *err)
{
	uint32_t type = 0, length = 0;
	int status = frame_block(pcap, may_move, &type, &length, err);

	if (status != 0)
		return status;
	struct str body = {here(pcap) + 8, length - BLOCK_MIN};
	int result = BLOCK_E_PACKET;
	switch (type) {
	case BLOCK_INTERFACE:
		status = describe_interface(pcap, body, err);
		result = BLOCK_E_OTHER;
		break;
	case BLOCK_ENHANCED_PACKET:
	case BLOCK_PACKET:
		status = packet_of_block(pcap, type, body, ret_packet, err);
		break;
	case BLOCK_SIMPLE_PACKET:
		status = packet_of_simple_block(pcap, body, ret_packet, err);
		break;
	default:
		result = BLOCK_E_OTHER;
		break;
	}
	if (status < 0)
		return may_move ? -1 : BLOCK_E_NOT_HERE;
	pcap->used += length;
	if (result == BLOCK_E_PACKET)
		pcap->last_time_ns = ret_packet->time_ns;
	return result;
}

static int read_blocks(struct capture_pcap *pcap, struct capture_packet *packets, size_t max,
	size_t *ret_count, struct err *err)
{
	struct err ignored;
	size_t n = 0;

	while (n < max) {
		int status = read_block(pcap, n == 0, &packets[n], n ? &ignored : err);
		if (status == BLOCK_E_PACKET)
			n++;
		else if (status == BLOCK_E_NOT_HERE)
			break;
		else if (status != BLOCK_E_OTHER)
			return status;
	}
	*ret_count = n;
	return 0;
}

int capture_pcap_read(struct capture_pcap *pcap, struct capture_packet *ret_packets, size_t max,
	size_t *ret_count, struct err *err)
{
	if (pcap->blocks)
		return read_blocks(pcap, ret_packets, max, ret_count, err);
	return read_records(pcap, ret_packets, max, ret_count, err);
}

struct capture_pcap_interface capture_pcap_interface(
	const struct capture_pcap *pcap, uint32_t interface)
{
	if (interface >= pcap->interfaces_count)
		return (struct capture_pcap_interface){0};
	const struct interface *known = &pcap->interfaces[interface];
	return (struct capture_pcap_interface){known->name, known->link_type, known->ordinal};
}

uint64_t capture_pcap_progress(const struct capture_pcap *pcap, uint64_t *ret_size)
{
	return input_progress(pcap->input, ret_size);
}

void capture_pcap_close(struct capture_pcap *pcap)
{
	if (!pcap)
		return;
	for (uint32_t i = 0; i < pcap->interfaces_count; i++)
		free(pcap->interfaces[i].name);
	free(pcap->interfaces);
	input_close(pcap->input);
	free(pcap);
}
