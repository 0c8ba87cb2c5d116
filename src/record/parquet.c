/* Records wait packed: a fixed part, as many addresses as the format has columns of, and the number
 * of an interface, whose texts are kept once: 80 bytes for a record of the default format. They
 * become columns, a row group at a time, when the file is written. */
#include "record/parquet.h"

#include "base/dictionary.h"
#include "base/hash.h"
#include "record/parquet_file.h"
#include "record/value_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

struct stored {
	uint64_t packets, bytes;
	int64_t start, end;
	uint32_t interface; /* index */
	uint16_t srcport, dstport;
	uint8_t protocol, tcp_flags, traffic_path;
	uint8_t status : 2, action : 2, direction : 2;
};
static_assert(sizeof(struct stored) == 48, "memory per record");

/* The address fields, in the order in which they are stored. */
enum { SRCADDR, DSTADDR, PKT_SRCADDR, PKT_DSTADDR, ADDRESSES };

struct record_parquet {
	struct record_format format;
	size_t count, capacity;
	struct stored *stored;
	struct ip_addr *addresses; /* addresses_each a record */
	unsigned addresses_each;
	int address_place[ADDRESSES]; /* among addresses_each, or -1 */

	/* Interfaces met, each with copies of the texts that the format has columns of. */
	struct record_interface **interfaces;
	uint32_t interfaces_count, interfaces_capacity;
	uint32_t *interface_slots; /* index + 1 by hash, 0 is free; a power of two of slots */
	uint32_t interface_slots_count;
	uint32_t last_interface;
};

static int address_of_field(enum record_field field)
{
	switch (field) {
	case RECORD_SRCADDR:
		return SRCADDR;
	case RECORD_DSTADDR:
		return DSTADDR;
	case RECORD_PKT_SRCADDR:
	case RECORD_TYPE: /* told from the address */
		return PKT_SRCADDR;
	case RECORD_PKT_DSTADDR:
		return PKT_DSTADDR;
	default:
		return -1;
	}
}

int record_parquet_new(
	struct record_parquet **ret_parquet, const struct record_format *format, struct err *err)
{
	struct record_parquet *parquet = mem_new(1, sizeof(*parquet));
	parquet->format = *format;
	for (int i = 0; i < ADDRESSES; i++)
		parquet->address_place[i] = -1;
	for (unsigned i = 0; i < format->count; i++) {
		int address = address_of_field(format->fields[i]);
		if (address >= 0 && parquet->address_place[address] < 0)
			parquet->address_place[address] = (int)parquet->addresses_each++;
	}
	*ret_parquet = parquet;
	return 0;
}

void record_parquet_clear(struct record_parquet *parquet)
{
	for (uint32_t i = 0; i < parquet->interfaces_count; i++)
		free(parquet->interfaces[i]);
	free(parquet->interfaces);
	free(parquet->interface_slots);
	free(parquet->stored);
	free(parquet->addresses);
	parquet->interfaces = NULL;
	parquet->interface_slots = NULL;
	parquet->stored = NULL;
	parquet->addresses = NULL;
	parquet->interfaces_count = parquet->interfaces_capacity = 0;
	parquet->interface_slots_count = parquet->last_interface = 0;
	parquet->count = parquet->capacity = 0;
}

void record_parquet_free(struct record_parquet *parquet)
{
	if (!parquet)
		return;
	record_parquet_clear(parquet);
	free(parquet);
}

static bool same_interface(const struct record_format *format, const struct record_interface *a,
	const struct record_interface *b)
{
	for (unsigned i = 0; i < format->count; i++) {
		if (!str_equal(a->values[format->fields[i]], b->values[format->fields[i]]))
			return false;
	}
	return true;
}

static uint64_t hash_interface(
	const struct record_format *format, const struct record_interface *interface)
{
	uint64_t hash = 0;

	for (unsigned i = 0; i < format->count; i++) {
		struct str value = interface->values[format->fields[i]];
		hash = hash_bytes(value.p, value.n, hash);
	}
	return hash;
}

/* One allocation: the interface and its texts behind it. */
static struct record_interface *copy_interface(
	const struct record_format *format, const struct record_interface *interface)
{
	size_t n = 0;

	for (unsigned i = 0; i < format->count; i++)
		n += interface->values[format->fields[i]].n;
	struct record_interface *copy = mem_new(1, sizeof(*copy) + n);
	char *texts = (char *)(copy + 1);
	for (unsigned i = 0; i < format->count; i++) {
		struct str value = interface->values[format->fields[i]];
		if (value.n == 0)
			continue;
		memcpy(texts, value.p, value.n);
		copy->values[format->fields[i]] = (struct str){texts, value.n};
		texts += value.n;
	}
	return copy;
}

static void grow_slots(struct record_parquet *parquet)
{
	uint32_t count = parquet->interface_slots_count ? parquet->interface_slots_count * 2 : 16;
	uint32_t *slots = mem_new(count, sizeof(*slots));

	for (uint32_t i = 0; i < parquet->interfaces_count; i++) {
		uint64_t at = hash_interface(&parquet->format, parquet->interfaces[i]);
		while (slots[at & (count - 1)])
			at++;
		slots[at & (count - 1)] = i + 1;
	}
	free(parquet->interface_slots);
	parquet->interface_slots = slots;
	parquet->interface_slots_count = count;
}

static uint32_t find_interface(
	struct record_parquet *parquet, const struct record_interface *interface)
{
	const struct record_format *format = &parquet->format;

	/* Records of an interface mostly come in a row. */
	if (parquet->interfaces_count &&
		same_interface(format, parquet->interfaces[parquet->last_interface], interface))
		return parquet->last_interface;
	if (parquet->interfaces_count * 2 >= parquet->interface_slots_count)
		grow_slots(parquet);
	uint32_t mask = parquet->interface_slots_count - 1;
	uint64_t at = hash_interface(format, interface);
	for (; parquet->interface_slots[at & mask]; at++) {
		uint32_t index = parquet->interface_slots[at & mask] - 1;
		if (same_interface(format, parquet->interfaces[index], interface))
			return parquet->last_interface = index;
	}
	if (parquet->interfaces_count == parquet->interfaces_capacity) {
		parquet->interfaces_capacity =
			parquet->interfaces_capacity ? parquet->interfaces_capacity * 2 : 16;
		parquet->interfaces = mem_grow(parquet->interfaces, parquet->interfaces_capacity,
			sizeof(*parquet->interfaces));
	}
	uint32_t index = parquet->interfaces_count++;
	parquet->interfaces[index] = copy_interface(format, interface);
	parquet->interface_slots[at & mask] = index + 1;
	return parquet->last_interface = index;
}

static void grow(struct record_parquet *parquet)
{
	parquet->capacity = parquet->capacity ? parquet->capacity * 2 : 1024;
	parquet->stored = mem_grow(parquet->stored, parquet->capacity, sizeof(*parquet->stored));
	if (parquet->addresses_each)
		parquet->addresses = mem_grow(parquet->addresses,
			parquet->capacity * parquet->addresses_each, sizeof(*parquet->addresses));
}

int record_parquet_add(struct record_parquet *parquet, const struct record *record, struct err *err)
{
	const struct ip_addr *sources[ADDRESSES] = {
		[SRCADDR] = &record->srcaddr,
		[DSTADDR] = &record->dstaddr,
		[PKT_SRCADDR] = &record->pkt_srcaddr,
		[PKT_DSTADDR] = &record->pkt_dstaddr,
	};

	if (parquet->count == RECORD_PARQUET_RECORDS_MAX)
		return err_set(err, ERR_INPUT, "more than %u records for one Parquet file",
			RECORD_PARQUET_RECORDS_MAX);
	if (parquet->count == parquet->capacity)
		grow(parquet);
	parquet->stored[parquet->count] = (struct stored){
		.packets = record->packets,
		.bytes = record->bytes,
		.start = record->start,
		.end = record->end,
		.interface = find_interface(parquet, record->interface),
		.srcport = record->srcport,
		.dstport = record->dstport,
		.protocol = record->protocol,
		.tcp_flags = record->tcp_flags,
		.traffic_path = record->traffic_path,
		.status = record->status & 3,
		.action = record->action & 3,
		.direction = record->direction & 3,
	};
	struct ip_addr *addresses = parquet->addresses + parquet->count * parquet->addresses_each;
	for (int i = 0; i < ADDRESSES; i++) {
		if (parquet->address_place[i] >= 0)
			addresses[parquet->address_place[i]] = *sources[i];
	}
	parquet->count++;
	return 0;
}

size_t record_parquet_count(const struct record_parquet *parquet)
{
	return parquet->count;
}

static struct record restore(const struct record_parquet *parquet, size_t row)
{
	const struct stored *stored = &parquet->stored[row];
	const struct ip_addr *addresses = parquet->addresses + row * parquet->addresses_each;
	struct record record = {
		.interface = parquet->interfaces[stored->interface],
		.status = stored->status,
		.action = stored->action,
		.direction = stored->direction,
		.srcport = stored->srcport,
		.dstport = stored->dstport,
		.protocol = stored->protocol,
		.tcp_flags = stored->tcp_flags,
		.traffic_path = stored->traffic_path,
		.packets = stored->packets,
		.bytes = stored->bytes,
		.start = stored->start,
		.end = stored->end,
	};
	struct ip_addr *targets[ADDRESSES] = {
		[SRCADDR] = &record.srcaddr,
		[DSTADDR] = &record.dstaddr,
		[PKT_SRCADDR] = &record.pkt_srcaddr,
		[PKT_DSTADDR] = &record.pkt_dstaddr,
	};

	for (int i = 0; i < ADDRESSES; i++) {
		if (parquet->address_place[i] >= 0)
			*targets[i] = addresses[parquet->address_place[i]];
	}
	return record;
}

/* Columns of a row group under construction. */
struct columns {
	const struct record_parquet *parquet;
	int64_t *numbers; /* [rows] */
	uint32_t *index;  /* [rows] */
	struct dictionary texts;
	struct buf scratch;
};

static struct str text_of(
	struct columns *columns, enum record_field field, const struct record_value *value)
{
	char *p;

	switch (value->kind) {
	case RECORD_VALUE_ADDRESS:
		p = columns->scratch.p;
		return (struct str){p, (size_t)(ip_write(p, value->address) - p)};
	case RECORD_VALUE_WORD:
		return value->text;
	case RECORD_VALUE_TEXT:
		columns->scratch.n = 0;
		p = buf_reserve(&columns->scratch, RECORD_VALUE_ENCODED_MAX(value->text.n));
		return (struct str){p, (size_t)(record_value_encode(p, field, value->text) - p)};
	case RECORD_VALUE_NONE:
	case RECORD_VALUE_NUMBER: /* no text field is a number */
		break;
	}
	return STR("-");
}

/* Column i of the format, of rows from this one on. */
static struct record_parquet_values make_column(
	struct columns *columns, unsigned i, size_t from, uint32_t rows)
{
	const struct record_format *format = &columns->parquet->format;
	enum record_field field = format->fields[i];
	bool text = record_fields[field].parquet == RECORD_TYPE_STRING;

	dictionary_clear(&columns->texts);
	for (uint32_t row = 0; row < rows; row++) {
		struct record record = restore(columns->parquet, from + row);
		struct record_value value = record_value_of(field, format->version, &record);

		if (text)
			columns->index[row] =
				dictionary_add(&columns->texts, text_of(columns, field, &value));
		else
			columns->numbers[row] = value.kind == RECORD_VALUE_NUMBER
							? (int64_t)value.number
							: RECORD_PARQUET_NULL_NUMBER;
	}
	return (struct record_parquet_values){
		.numbers = columns->numbers,
		.texts = columns->texts.texts,
		.texts_count = columns->texts.count,
		.index = columns->index,
	};
}

static int write_groups(struct columns *columns, struct record_parquet_encoder *encoder,
	struct record_parquet_file *file, struct err *err)
{
	const struct record_parquet *parquet = columns->parquet;
	_cleanup_(record_parquet_group_done) struct record_parquet_group group = {0};

	for (size_t from = 0; from < parquet->count;) {
		size_t left = parquet->count - from;
		uint32_t rows = left < RECORD_PARQUET_GROUP_ROWS ? (uint32_t)left
								 : RECORD_PARQUET_GROUP_ROWS;
		record_parquet_encoder_start(encoder, rows, &group);
		for (unsigned i = 0; i < parquet->format.count; i++) {
			struct record_parquet_values values = make_column(columns, i, from, rows);
			if (record_parquet_encoder_add(encoder, &values, err) < 0)
				return -1;
		}
		if (record_parquet_file_add(file, &group, err) < 0)
			return -1;
		from += rows;
	}
	return record_parquet_file_finish(file, err);
}

static int write_file(struct record_parquet *parquet, int fd, const char *path, struct err *err)
{
	const struct record_format *format = &parquet->format;
	struct record_parquet_column columns[RECORD_FIELDS];
	size_t rows = parquet->count < RECORD_PARQUET_GROUP_ROWS ? parquet->count
								 : RECORD_PARQUET_GROUP_ROWS;

	for (unsigned i = 0; i < format->count; i++) {
		const struct record_field_info *field = &record_fields[format->fields[i]];
		columns[i] = (struct record_parquet_column){
			.name = field->sql_name,
			.type = field->parquet,
			.bloom = field->text == RECORD_TEXT_ADDRESS,
		};
	}
	_cleanup_(record_parquet_encoder_freep) struct record_parquet_encoder *encoder =
		record_parquet_encoder_new(columns, format->count, RECORD_PARQUET_ZSTD_LEVEL);
	_cleanup_(record_parquet_file_freep) struct record_parquet_file *file =
		record_parquet_file_new(fd, path, columns, format->count, NULL, 0);
	struct columns made = {
		.parquet = parquet,
		.numbers = mem_new(rows + 1, sizeof(*made.numbers)),
		.index = mem_new(rows + 1, sizeof(*made.index)),
	};
	buf_reserve(&made.scratch, IP_STR_MAX);
	int r = write_groups(&made, encoder, file, err);
	dictionary_done(&made.texts);
	buf_done(&made.scratch);
	free(made.numbers);
	free(made.index);
	return r;
}

int record_parquet_write(struct record_parquet *parquet, const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		err_set_errno(err, errno, "cannot create %s", path);
	return fd < 0 || write_file(parquet, fd, path, err) < 0
		       ? err_wrap(err, "cannot write Parquet")
		       : 0;
}
