/* Records wait packed: a fixed part, as many addresses as the format has columns of, and the number
 * of an interface, whose texts are kept once: 80 bytes for a record of the default format. DuckDB
 * runs only while a file is written: it sees the records as a table function, which makes column
 * vectors of 2048 rows from them, and copies that to the file. Opening and closing it costs about
 * 20 ms, and nothing of it stays in memory between files. */
#include "record/parquet.h"

#include "base/duckdb.h"
#include "base/hash.h"
#include "record/value_priv.h"

#include <assert.h>

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
	if (duckdb_library_load(err) < 0)
		return -1;
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

/* A run over the records, as DuckDB's table function makes it. */
struct scan {
	const struct record_parquet *parquet;
	size_t next;
	struct buf scratch;
};

static void put_text(struct scan *scan, duckdb_vector vector, idx_t row, enum record_field field,
	const struct record_value *value)
{
	char address[IP_STR_MAX];

	switch (value->kind) {
	case RECORD_VALUE_ADDRESS:
		duckdb_vector_assign_string_element_len(
			vector, row, address, (idx_t)(ip_write(address, value->address) - address));
		return;
	case RECORD_VALUE_WORD:
		duckdb_vector_assign_string_element_len(vector, row, value->text.p, value->text.n);
		return;
	case RECORD_VALUE_TEXT: {
		scan->scratch.n = 0;
		char *p = buf_reserve(&scan->scratch, RECORD_VALUE_ENCODED_MAX(value->text.n));
		const char *end = record_value_encode(p, field, value->text);
		duckdb_vector_assign_string_element_len(vector, row, p, (idx_t)(end - p));
		return;
	}
	case RECORD_VALUE_NONE:
	case RECORD_VALUE_NUMBER: /* no string field is a number */
		duckdb_vector_assign_string_element_len(vector, row, "-", 1);
		return;
	}
}

static void put_number(duckdb_vector vector, void *data, idx_t row, enum record_type type,
	const struct record_value *value)
{
	if (value->kind != RECORD_VALUE_NUMBER) {
		duckdb_vector_ensure_validity_writable(vector);
		duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
	} else if (type == RECORD_TYPE_INT32) {
		((int32_t *)data)[row] = (int32_t)value->number;
	} else {
		((int64_t *)data)[row] = (int64_t)value->number;
	}
}

static void scan_rows(duckdb_function_info info, duckdb_data_chunk chunk)
{
	struct scan *scan = duckdb_function_get_extra_info(info);
	const struct record_format *format = &scan->parquet->format;
	duckdb_vector vectors[RECORD_FIELDS];
	void *data[RECORD_FIELDS];
	idx_t rows = 0;

	for (unsigned i = 0; i < format->count; i++) {
		vectors[i] = duckdb_data_chunk_get_vector(chunk, i);
		data[i] = duckdb_vector_get_data(vectors[i]);
	}
	for (; rows < duckdb_vector_size() && scan->next < scan->parquet->count; rows++) {
		struct record record = restore(scan->parquet, scan->next++);

		for (unsigned i = 0; i < format->count; i++) {
			enum record_field field = format->fields[i];
			enum record_type type = record_fields[field].parquet;
			struct record_value value =
				record_value_of(field, format->version, &record);

			if (type == RECORD_TYPE_STRING)
				put_text(scan, vectors[i], rows, field, &value);
			else
				put_number(vectors[i], data[i], rows, type, &value);
		}
	}
	duckdb_data_chunk_set_size(chunk, rows);
}

static void scan_bind(duckdb_bind_info info)
{
	static const duckdb_type types[] = {
		[RECORD_TYPE_STRING] = DUCKDB_TYPE_VARCHAR,
		[RECORD_TYPE_INT32] = DUCKDB_TYPE_INTEGER,
		[RECORD_TYPE_INT64] = DUCKDB_TYPE_BIGINT,
	};
	const struct scan *scan = duckdb_bind_get_extra_info(info);
	const struct record_format *format = &scan->parquet->format;

	for (unsigned i = 0; i < format->count; i++) {
		const struct record_field_info *field = &record_fields[format->fields[i]];
		duckdb_logical_type type = duckdb_create_logical_type(types[field->parquet]);

		duckdb_bind_add_result_column(info, field->sql_name.p, type);
		duckdb_destroy_logical_type(&type);
	}
	duckdb_bind_set_cardinality(info, scan->parquet->count, true);
}

static void scan_init(duckdb_init_info info)
{
	duckdb_init_set_max_threads(info, 1);
}

/* path as a string of SQL; in a form that DuckDB takes as it is, "~" and "s3://" too. */
static void add_path_literal(struct buf *sql, const char *path)
{
	buf_add_text(sql, path[0] == '/' ? "'" : "'./");
	for (; *path; path++) {
		if (*path == '\'')
			buf_add_char(sql, '\'');
		buf_add_char(sql, *path);
	}
	buf_add_char(sql, '\'');
}

/* An empty database that uses the calling thread only, loads no extension, spills nothing. */
static int open_database(duckdb_database *ret_database, struct err *err)
{
	static const char *const settings[][2] = {
		{"threads", "1"},
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		{"allow_community_extensions", "false"},
		{"temp_directory", ""},
	};
	duckdb_config config;
	char *message = NULL;

	if (duckdb_create_config(&config) != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "cannot start DuckDB");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		duckdb_set_config(config, settings[i][0], settings[i][1]);
	duckdb_state state = duckdb_open_ext(NULL, ret_database, config, &message);
	duckdb_destroy_config(&config);
	if (state != DuckDBSuccess)
		err_set(err, ERR_SYSTEM, "cannot start DuckDB: %s", message ? message : "unknown");
	duckdb_free(message);
	return state == DuckDBSuccess ? 0 : -1;
}

static int register_scan(duckdb_connection connection, struct scan *scan, struct err *err)
{
	duckdb_table_function function = duckdb_create_table_function();

	duckdb_table_function_set_name(function, "flow_log_records");
	duckdb_table_function_set_extra_info(function, scan, NULL);
	duckdb_table_function_set_bind(function, scan_bind);
	duckdb_table_function_set_init(function, scan_init);
	duckdb_table_function_set_function(function, scan_rows);
	duckdb_state state = duckdb_register_table_function(connection, function);
	duckdb_destroy_table_function(&function);
	if (state != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "DuckDB refuses the table function");
	return 0;
}

/* This path and nothing else may be opened; then the copy. */
static int copy_to(duckdb_connection connection, const char *path, struct err *err)
{
	_cleanup_buf_ struct buf sql = {0};
	duckdb_result result;
	int status = 0;

	buf_add_text(&sql, "SET allowed_paths = [");
	add_path_literal(&sql, path);
	buf_add_text(&sql, "]; SET enable_external_access = false; ");
	buf_add_text(&sql, "COPY (FROM flow_log_records()) TO ");
	add_path_literal(&sql, path);
	buf_add_text(&sql, " (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)");
	if (duckdb_query(connection, buf_text(&sql), &result) != DuckDBSuccess)
		status = err_set(err, ERR_SYSTEM, "%s", duckdb_result_error(&result));
	duckdb_destroy_result(&result);
	return status;
}

int record_parquet_write(struct record_parquet *parquet, const char *path, struct err *err)
{
	struct scan scan = {.parquet = parquet};
	duckdb_database database = NULL;
	duckdb_connection connection = NULL;

	int status = open_database(&database, err);
	if (status == 0 && duckdb_connect(database, &connection) != DuckDBSuccess)
		status = err_set(err, ERR_SYSTEM, "cannot connect to DuckDB");
	if (status == 0)
		status = register_scan(connection, &scan, err);
	if (status == 0)
		status = copy_to(connection, path, err);
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	buf_done(&scan.scratch);
	return status < 0 ? err_wrap(err, "cannot write Parquet") : 0;
}
