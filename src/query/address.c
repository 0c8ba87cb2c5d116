#include "query/address.h"

#include "base/ip.h"
#include "base/mem.h"
#include "query/vector_priv.h"

#include <stdio.h>

enum kind { TEXT, ADDRESS, PREFIX, NUMBER, TRUTH };

#define ADDRESS_BYTES 16
#define PREFIX_BYTES  17

static duckdb_logical_type type_of(enum kind kind)
{
	static const duckdb_type ids[] = {DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_BLOB, DUCKDB_TYPE_BLOB,
		DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BOOLEAN};
	duckdb_logical_type type = duckdb_create_logical_type(ids[kind]);

	if (kind == ADDRESS)
		duckdb_logical_type_set_alias(type, QUERY_ADDRESS_TYPE);
	if (kind == PREFIX)
		duckdb_logical_type_set_alias(type, QUERY_PREFIX_TYPE);
	return type;
}

/* ---- values ---- */

static void set_bytes(duckdb_vector output, idx_t row, const void *bytes, size_t n)
{
	duckdb_vector_assign_string_element_len(output, row, bytes, n);
}

static void set_prefix(duckdb_vector output, idx_t row, const struct ip_prefix *prefix)
{
	uint8_t bytes[PREFIX_BYTES];

	memcpy(bytes, prefix->addr.bytes, ADDRESS_BYTES);
	bytes[ADDRESS_BYTES] = prefix->length;
	set_bytes(output, row, bytes, sizeof(bytes));
}

/* Of bytes or of text. */
static bool read_address(enum kind kind, struct str value, struct ip_addr *ret_addr)
{
	if (kind == TEXT)
		return ip_parse(value, ret_addr);
	if (value.n < ADDRESS_BYTES)
		return false;
	*ret_addr = ip_from_v6(value.p);
	return true;
}

static bool read_prefix(enum kind kind, struct str value, struct ip_prefix *ret_prefix)
{
	if (kind == TEXT)
		return ip_prefix_parse(value, ret_prefix);
	if (value.n < ADDRESS_BYTES)
		return false;
	ret_prefix->addr = ip_from_v6(value.p);
	ret_prefix->length = value.n == PREFIX_BYTES ? (uint8_t)value.p[ADDRESS_BYTES] : 128;
	return true;
}

void query_address_add(struct buf *buf, struct str bytes)
{
	char text[IP_STR_MAX];
	struct ip_prefix prefix;

	if (!read_prefix(PREFIX, bytes, &prefix))
		return;
	buf_add(buf, text, (size_t)(ip_write(text, &prefix.addr) - text));
	if (bytes.n != PREFIX_BYTES)
		return;
	bool is_short = ip_is_v4(&prefix.addr) && prefix.length >= 96;
	buf_printf(buf, "/%u", is_short ? prefix.length - 96u : prefix.length);
}

/* ---- casts ---- */

struct cast {
	enum kind from, to;
};

/* False: the value has no such form. */
static bool cast_one(const struct cast *cast, struct str value, duckdb_vector output, idx_t row)
{
	_cleanup_buf_ struct buf text = {0};
	struct ip_prefix prefix;
	struct ip_addr addr;

	if (cast->to == TEXT) {
		query_address_add(&text, value);
		set_bytes(output, row, buf_text(&text), text.n);
		return true;
	}
	if (cast->to == ADDRESS) {
		if (!read_address(cast->from, value, &addr))
			return false;
		set_bytes(output, row, addr.bytes, ADDRESS_BYTES);
		return true;
	}
	if (!read_prefix(cast->from, value, &prefix) ||
		(cast->from == TEXT && !memchr(value.p, '/', value.n)))
		return false;
	set_prefix(output, row, &prefix);
	return true;
}

static bool run_cast(
	duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output)
{
	const struct cast *cast = duckdb_cast_function_get_extra_info(info);
	bool is_try = duckdb_cast_function_get_cast_mode(info) == DUCKDB_CAST_TRY;
	bool all = true;
	char message[160];

	for (idx_t row = 0; row < count; row++) {
		if (!vector_is_valid(input, row)) {
			vector_set_null(output, row);
			continue;
		}
		struct str value = vector_text(input, row);
		if (cast_one(cast, value, output, row))
			continue;
		snprintf(message, sizeof(message), "Cannot cast value to %s: %.*s",
			cast->to == ADDRESS ? QUERY_ADDRESS_TYPE : QUERY_PREFIX_TYPE,
			(int)(value.n < 80 ? value.n : 80), value.p);
		all = false;
		if (!is_try) {
			duckdb_cast_function_set_error(info, message);
			return false;
		}
		duckdb_cast_function_set_row_error(info, message, row, output);
	}
	return all;
}

static int add_cast(duckdb_connection connection, const struct cast *cast, struct err *err)
{
	duckdb_cast_function function = duckdb_create_cast_function();
	duckdb_logical_type from = type_of(cast->from), to = type_of(cast->to);

	duckdb_cast_function_set_source_type(function, from);
	duckdb_cast_function_set_target_type(function, to);
	duckdb_cast_function_set_implicit_cast_cost(function, -1);
	duckdb_cast_function_set_function(function, run_cast);
	duckdb_cast_function_set_extra_info(function, (void *)cast, NULL);
	duckdb_state state = duckdb_register_cast_function(connection, function);
	duckdb_destroy_cast_function(&function);
	duckdb_destroy_logical_type(&from);
	duckdb_destroy_logical_type(&to);
	return state == DuckDBError ? err_set(err, ERR_SYSTEM, "DuckDB does not take a cast") : 0;
}

/* ---- functions ---- */

struct function {
	const char *name;
	enum kind first, second, result;
	bool is_unary;
	duckdb_scalar_function_t run;
};

static void fail(duckdb_function_info info, const char *what, struct str value)
{
	char message[160];

	snprintf(message, sizeof(message), "%s: %.*s", what, (int)(value.n < 80 ? value.n : 80),
		value.p);
	duckdb_scalar_function_set_error(info, message);
}

static void contains(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	const struct function *function = duckdb_scalar_function_get_extra_info(info);
	duckdb_vector prefixes = duckdb_data_chunk_get_vector(input, 0);
	duckdb_vector others = duckdb_data_chunk_get_vector(input, 1);
	bool *results = duckdb_vector_get_data(output);
	idx_t rows = duckdb_data_chunk_get_size(input);
	struct str last = STR_NONE; /* the prefix is the same in most rows */
	struct ip_prefix prefix = {.length = 0};
	struct ip_prefix other;

	for (idx_t row = 0; row < rows; row++) {
		if (!vector_is_valid(prefixes, row) || !vector_is_valid(others, row)) {
			vector_set_null(output, row);
			continue;
		}
		struct str value = vector_text(prefixes, row);
		if (!last.p || !str_equal(value, last)) {
			if (!read_prefix(function->first, value, &prefix)) {
				fail(info, "Cannot cast value to IPPREFIX", value);
				return;
			}
			last = value;
		}
		if (!read_prefix(function->second, vector_text(others, row), &other))
			vector_set_null(output, row);
		else
			results[row] = other.length >= prefix.length &&
				       ip_prefix_contains(&prefix, &other.addr);
	}
}

static void make_prefix(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	const struct function *function = duckdb_scalar_function_get_extra_info(info);
	duckdb_vector values = duckdb_data_chunk_get_vector(input, 0);
	duckdb_vector lengths = duckdb_data_chunk_get_vector(input, 1);
	idx_t rows = duckdb_data_chunk_get_size(input);
	struct ip_addr addr;

	for (idx_t row = 0; row < rows; row++) {
		if (!vector_is_valid(values, row) || !vector_is_valid(lengths, row)) {
			vector_set_null(output, row);
			continue;
		}
		int64_t length = ((int64_t *)duckdb_vector_get_data(lengths))[row];
		struct str value = vector_text(values, row);
		if (!read_address(function->first, value, &addr)) {
			fail(info, "Cannot cast value to IPADDRESS", value);
			return;
		}
		bool is_v4 = ip_is_v4(&addr);
		if (length < 0 || length > (is_v4 ? 32 : 128)) {
			duckdb_scalar_function_set_error(
				info, is_v4 ? "IPv4 subnet size must be in range [0, 32]"
					    : "IPv6 subnet size must be in range [0, 128]");
			return;
		}
		struct ip_prefix prefix = ip_prefix_from(&addr, (uint8_t)length);
		set_prefix(output, row, &prefix);
	}
}

/* The first address of the prefix, or its last one: all bits behind its length set. */
static void make_bound(
	duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output, bool is_last)
{
	duckdb_vector values = duckdb_data_chunk_get_vector(input, 0);
	idx_t rows = duckdb_data_chunk_get_size(input);
	struct ip_prefix prefix;

	for (idx_t row = 0; row < rows; row++) {
		if (!vector_is_valid(values, row) ||
			!read_prefix(PREFIX, vector_text(values, row), &prefix)) {
			vector_set_null(output, row);
			continue;
		}
		for (unsigned bit = prefix.length; is_last && bit < 128; bit++)
			prefix.addr.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		set_bytes(output, row, prefix.addr.bytes, ADDRESS_BYTES);
	}
}

static void make_first(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	make_bound(info, input, output, false);
}

static void make_last(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	make_bound(info, input, output, true);
}

static const struct function functions[] = {
	{"trino_contains", TEXT, TEXT, TRUTH, false, contains},
	{"trino_contains", TEXT, ADDRESS, TRUTH, false, contains},
	{"trino_contains", PREFIX, TEXT, TRUTH, false, contains},
	{"trino_contains", PREFIX, ADDRESS, TRUTH, false, contains},
	{"is_subnet_of", PREFIX, ADDRESS, TRUTH, false, contains},
	{"is_subnet_of", PREFIX, PREFIX, TRUTH, false, contains},
	{"ip_prefix", TEXT, NUMBER, PREFIX, false, make_prefix},
	{"ip_prefix", ADDRESS, NUMBER, PREFIX, false, make_prefix},
	{"ip_subnet_min", PREFIX, TEXT, ADDRESS, true, make_first},
	{"ip_subnet_max", PREFIX, TEXT, ADDRESS, true, make_last},
};

static duckdb_scalar_function make_function(const struct function *function)
{
	duckdb_scalar_function made = duckdb_create_scalar_function();
	duckdb_logical_type first = type_of(function->first), second = type_of(function->second);
	duckdb_logical_type result = type_of(function->result);

	duckdb_scalar_function_set_name(made, function->name);
	duckdb_scalar_function_add_parameter(made, first);
	if (!function->is_unary)
		duckdb_scalar_function_add_parameter(made, second);
	duckdb_scalar_function_set_return_type(made, result);
	duckdb_scalar_function_set_function(made, function->run);
	duckdb_scalar_function_set_extra_info(made, (void *)function, NULL);
	duckdb_destroy_logical_type(&first);
	duckdb_destroy_logical_type(&second);
	duckdb_destroy_logical_type(&result);
	return made;
}

/* Functions of one name stand together. */
static int add_functions(duckdb_connection connection, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions);) {
		const char *name = functions[i].name;
		duckdb_scalar_function_set set = duckdb_create_scalar_function_set(name);
		for (; i < ARRAY_SIZE(functions) && strcmp(functions[i].name, name) == 0; i++) {
			duckdb_scalar_function made = make_function(&functions[i]);
			duckdb_add_scalar_function_to_set(set, made);
			duckdb_destroy_scalar_function(&made);
		}
		duckdb_state state = duckdb_register_scalar_function_set(connection, set);
		duckdb_destroy_scalar_function_set(&set);
		if (state == DuckDBError)
			return err_set(
				err, ERR_SYSTEM, "DuckDB does not take the function %s", name);
	}
	return 0;
}

int query_address_register(duckdb_connection connection, struct err *err)
{
	static const struct cast casts[] = {{TEXT, ADDRESS}, {ADDRESS, TEXT}, {TEXT, PREFIX},
		{PREFIX, TEXT}, {ADDRESS, PREFIX}, {PREFIX, ADDRESS}};
	static const enum kind kinds[] = {ADDRESS, PREFIX};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		duckdb_logical_type type = type_of(kinds[i]);
		duckdb_state state = duckdb_register_logical_type(connection, type, NULL);
		duckdb_destroy_logical_type(&type);
		if (state == DuckDBError)
			return err_set(err, ERR_SYSTEM, "DuckDB does not take a type");
	}
	for (size_t i = 0; i < ARRAY_SIZE(casts); i++) {
		if (add_cast(connection, &casts[i], err) < 0)
			return -1;
	}
	return add_functions(connection, err);
}
