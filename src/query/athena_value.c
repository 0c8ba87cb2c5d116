/* Values as Athena writes them into results: numbers as Java does, timestamps to the millisecond,
 * arrays [a, b], maps {k=v}, rows {name=v}, binary as pairs of hexadecimal digits. */
#include "query/athena_priv.h"
#include "query/trino_priv.h"
#include "query/vector_priv.h"

#include <math.h>
#include <stdio.h>

/* As deep as types nest. NOLINTBEGIN(misc-no-recursion) */

struct athena_value_type {
	duckdb_type id, internal;
	uint8_t width, scale;
	bool json, address, prefix, zoned; /* types of those names over another (trino.h) */
	size_t count;
	struct athena_value_type **children;
	char **names; /* of a row's fields */
};

static void type_free(struct athena_value_type *type)
{
	if (!type)
		return;
	for (size_t i = 0; i < type->count; i++) {
		type_free(type->children[i]);
		duckdb_free(type->names[i]);
	}
	free(type->children);
	free(type->names);
	free(type);
}

static struct athena_value_type *type_of(duckdb_logical_type logical);

static void add_child(struct athena_value_type *type, duckdb_logical_type logical, char *name)
{
	type->children = mem_grow(type->children, type->count + 1, sizeof(type->children[0]));
	type->names = mem_grow(type->names, type->count + 1, sizeof(char *));
	type->names[type->count] = name;
	type->children[type->count++] = type_of(logical);
	duckdb_destroy_logical_type(&logical);
}

static struct athena_value_type *type_of(duckdb_logical_type logical)
{
	struct athena_value_type *type = mem_new(1, sizeof(*type));
	char *alias = duckdb_logical_type_get_alias(logical);

	type->id = duckdb_get_type_id(logical);
	type->json = alias && strcmp(alias, "JSON") == 0;
	type->address = alias && (strcmp(alias, QUERY_ADDRESS_TYPE) == 0 ||
					 strcmp(alias, QUERY_PREFIX_TYPE) == 0);
	type->prefix = type->address && strcmp(alias, QUERY_PREFIX_TYPE) == 0;
	type->zoned = alias && strcmp(alias, TRINO_ZONED_TYPE) == 0;
	duckdb_free(alias);
	if (type->id == DUCKDB_TYPE_DECIMAL) {
		type->internal = duckdb_decimal_internal_type(logical);
		type->width = duckdb_decimal_width(logical);
		type->scale = duckdb_decimal_scale(logical);
	} else if (type->id == DUCKDB_TYPE_LIST) {
		add_child(type, duckdb_list_type_child_type(logical), NULL);
	} else if (type->id == DUCKDB_TYPE_MAP) {
		add_child(type, duckdb_map_type_key_type(logical), NULL);
		add_child(type, duckdb_map_type_value_type(logical), NULL);
	} else if (type->id == DUCKDB_TYPE_STRUCT) {
		idx_t count = duckdb_struct_type_child_count(logical);
		for (idx_t i = 0; i < count; i++)
			add_child(type, duckdb_struct_type_child_type(logical, i),
				duckdb_struct_type_child_name(logical, i));
	}
	return type;
}

/* ---- columns ---- */

static const struct kind {
	duckdb_type id;
	const char *name, *hive;
	int precision;
} kinds[] = {
	{DUCKDB_TYPE_BOOLEAN, "boolean", "boolean", 0},
	{DUCKDB_TYPE_TINYINT, "tinyint", "tinyint", 3},
	{DUCKDB_TYPE_SMALLINT, "smallint", "smallint", 5},
	{DUCKDB_TYPE_UTINYINT, "smallint", "smallint", 5},
	{DUCKDB_TYPE_INTEGER, "integer", "int", 10},
	{DUCKDB_TYPE_USMALLINT, "integer", "int", 10},
	{DUCKDB_TYPE_BIGINT, "bigint", "bigint", 19},
	{DUCKDB_TYPE_UINTEGER, "bigint", "bigint", 19},
	{DUCKDB_TYPE_UBIGINT, "bigint", "bigint", 19},
	{DUCKDB_TYPE_HUGEINT, "bigint", "bigint", 19},
	{DUCKDB_TYPE_FLOAT, "float", "float", 17},
	{DUCKDB_TYPE_DOUBLE, "double", "double", 17},
	{DUCKDB_TYPE_DECIMAL, "decimal", "decimal", 0},
	{DUCKDB_TYPE_VARCHAR, "varchar", "string", 2147483647},
	{DUCKDB_TYPE_BLOB, "varbinary", "binary", 1073741824},
	{DUCKDB_TYPE_DATE, "date", "date", 0},
	{DUCKDB_TYPE_TIME, "time", "string", 3},
	{DUCKDB_TYPE_TIMESTAMP, "timestamp", "timestamp", 3},
	{DUCKDB_TYPE_TIMESTAMP_S, "timestamp", "timestamp", 3},
	{DUCKDB_TYPE_TIMESTAMP_MS, "timestamp", "timestamp", 3},
	{DUCKDB_TYPE_TIMESTAMP_NS, "timestamp", "timestamp", 3},
	{DUCKDB_TYPE_TIMESTAMP_TZ, "timestamp with time zone", "timestamp", 3},
	{DUCKDB_TYPE_INTERVAL, "interval day to second", "string", 0},
	{DUCKDB_TYPE_UUID, "uuid", "string", 0},
	{DUCKDB_TYPE_LIST, "array", "array", 0},
	{DUCKDB_TYPE_MAP, "map", "map", 0},
	{DUCKDB_TYPE_STRUCT, "row", "struct", 0},
	{DUCKDB_TYPE_SQLNULL, "unknown", "string", 0},
};

static const struct kind *kind_of(duckdb_type id)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].id == id)
			return &kinds[i];
	}
	return NULL;
}

/* False: DuckDB's own, which Athena has not. */
static bool add_hive(struct buf *buf, const struct athena_value_type *type)
{
	const struct kind *kind = kind_of(type->id);

	if (!kind)
		return false;
	buf_add_text(buf, kind->hive);
	if (type->id == DUCKDB_TYPE_DECIMAL)
		buf_printf(buf, "(%u,%u)", type->width, type->scale);
	if (type->id != DUCKDB_TYPE_LIST && type->id != DUCKDB_TYPE_MAP &&
		type->id != DUCKDB_TYPE_STRUCT)
		return true;
	buf_add_char(buf, '<');
	for (size_t i = 0; i < type->count; i++) {
		buf_add_text(buf, i ? "," : "");
		if (type->names[i])
			buf_printf(buf, "%s:", type->names[i]);
		if (!add_hive(buf, type->children[i]))
			return false;
	}
	buf_add_char(buf, '>');
	return true;
}

static int add_column(struct athena_engine *engine, const char *name, duckdb_logical_type logical,
	struct athena_failure *failure)
{
	_cleanup_buf_ struct buf hive = {0};
	struct athena_column *column = &engine->columns[engine->columns_count];
	struct athena_value_type *type = type_of(logical);

	duckdb_destroy_logical_type(&logical);
	engine->types[engine->columns_count++] = type;
	column->name = mem_strdup(name ? name : "");
	if (!add_hive(&hive, type))
		return athena_fail(failure, "NOT_SUPPORTED",
			"column '%s' has a type that is not supported", column->name);
	const struct kind *kind = kind_of(type->zoned ? DUCKDB_TYPE_TIMESTAMP_TZ : type->id);
	column->hive_type = mem_strdup(buf_text(&hive));
	column->type = type->json      ? "json"
		       : type->prefix  ? "ipprefix"
		       : type->address ? "ipaddress"
				       : kind->name;
	column->precision = type->id == DUCKDB_TYPE_DECIMAL ? type->width
			    : type->json || type->address   ? 0
							    : kind->precision;
	column->scale = type->scale;
	column->case_sensitive = type->id == DUCKDB_TYPE_VARCHAR && !type->json && !type->zoned;
	return 0;
}

static void make_columns(struct athena_engine *engine, size_t count)
{
	engine->columns = mem_new(count + 1, sizeof(*engine->columns));
	engine->types = mem_new(count + 1, sizeof(struct athena_value_type *));
}

int athena_value_columns(
	struct athena_engine *engine, duckdb_result *result, struct athena_failure *failure)
{
	size_t count = duckdb_column_count(result);

	make_columns(engine, count);
	for (size_t i = 0; i < count; i++) {
		if (add_column(engine, duckdb_column_name(result, i),
			    duckdb_column_logical_type(result, i), failure) < 0)
			return -1;
	}
	return 0;
}

int athena_value_describe(struct athena_engine *engine, duckdb_prepared_statement statement,
	struct athena_failure *failure)
{
	size_t count = duckdb_prepared_statement_column_count(statement);

	make_columns(engine, count);
	for (size_t i = 0; i < count; i++) {
		const char *name = duckdb_prepared_statement_column_name(statement, i);
		int r = add_column(engine, name,
			duckdb_prepared_statement_column_logical_type(statement, i), failure);
		duckdb_free((void *)name);
		if (r < 0)
			return -1;
	}
	return 0;
}

void athena_value_done(struct athena_engine *engine)
{
	for (size_t i = 0; i < engine->columns_count; i++) {
		free(engine->columns[i].name);
		free(engine->columns[i].hive_type);
		type_free(engine->types[i]);
	}
	free(engine->columns);
	free(engine->types);
	engine->columns_count = 0;
}

/* ---- text ---- */

/* The fewest digits that are the number, in Java's layout. */
void athena_add_real(struct buf *buf, double value, bool is_float)
{
	char digits[40];

	if (isnan(value)) {
		buf_add_text(buf, "NaN");
		return;
	}
	if (isinf(value)) {
		buf_add_text(buf, value < 0 ? "-Infinity" : "Infinity");
		return;
	}
	for (int n = 0; n < 17; n++) {
		snprintf(digits, sizeof(digits), "%.*e", n, value);
		if (is_float ? strtof(digits, NULL) == (float)value : strtod(digits, NULL) == value)
			break;
	}
	char *at = digits, *mark = strchr(digits, 'e');
	int exponent = (int)strtol(mark + 1, NULL, 10);
	*mark = 0;
	if (*at == '-') {
		buf_add_char(buf, '-');
		at++;
	}
	if (value != 0 && (exponent >= 7 || exponent < -3)) {
		buf_printf(buf, "%s%sE%d", at, strchr(at, '.') ? "" : ".0", exponent);
		return;
	}
	int decimals = (int)strlen(at) - (at[1] ? 2 : 1) - exponent;
	buf_printf(buf, "%.*f", decimals > 1 ? decimals : 1, fabs(value));
}

static void add_huge(struct buf *buf, __int128 value, unsigned scale)
{
	char digits[48];
	size_t n = sizeof(digits);
	unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;

	for (unsigned i = 0; rest > 0 || i <= scale; i++) {
		if (i == scale && scale > 0)
			digits[--n] = '.';
		digits[--n] = (char)('0' + (int)(rest % 10));
		rest /= 10;
	}
	if (value < 0)
		digits[--n] = '-';
	buf_add(buf, digits + n, sizeof(digits) - n);
}

static __int128 integer_at(const void *data, idx_t row, duckdb_type id)
{
	switch (id) {
	case DUCKDB_TYPE_TINYINT:
		return ((const int8_t *)data)[row];
	case DUCKDB_TYPE_SMALLINT:
		return ((const int16_t *)data)[row];
	case DUCKDB_TYPE_INTEGER:
		return ((const int32_t *)data)[row];
	case DUCKDB_TYPE_UTINYINT:
		return ((const uint8_t *)data)[row];
	case DUCKDB_TYPE_USMALLINT:
		return ((const uint16_t *)data)[row];
	case DUCKDB_TYPE_UINTEGER:
		return ((const uint32_t *)data)[row];
	case DUCKDB_TYPE_UBIGINT:
		return ((const uint64_t *)data)[row];
	case DUCKDB_TYPE_HUGEINT: {
		const duckdb_hugeint *value = &((const duckdb_hugeint *)data)[row];
		return (__int128)((unsigned __int128)(uint64_t)value->upper << 64 | value->lower);
	}
	default:
		return ((const int64_t *)data)[row];
	}
}

static void add_timestamp(struct buf *buf, int64_t micros, bool has_zone)
{
	duckdb_timestamp_struct t = duckdb_from_timestamp((duckdb_timestamp){micros});

	buf_printf(buf, "%04d-%02d-%02d %02d:%02d:%02d.%03d%s", t.date.year, t.date.month,
		t.date.day, t.time.hour, t.time.min, t.time.sec, t.time.micros / 1000,
		has_zone ? " UTC" : "");
}

static void add_interval(struct buf *buf, duckdb_interval value)
{
	if (value.months && !value.days && !value.micros) {
		int months = abs(value.months);
		buf_printf(buf, "%s%d-%d", value.months < 0 ? "-" : "", months / 12, months % 12);
		return;
	}
	int64_t all = value.micros + (value.days + (int64_t)value.months * 30) * 86400000000;
	int64_t ms = llabs(all) / 1000;
	buf_printf(buf, "%s%lld %02d:%02d:%02d.%03d", all < 0 ? "-" : "",
		(long long)(ms / 86400000), (int)(ms / 3600000 % 24), (int)(ms / 60000 % 60),
		(int)(ms / 1000 % 60), (int)(ms % 1000));
}

static void add_uuid(struct buf *buf, duckdb_hugeint value)
{
	/* kept with its first bit turned, so that it sorts */
	uint64_t upper = (uint64_t)value.upper ^ (UINT64_C(1) << 63), lower = value.lower;

	buf_printf(buf, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(upper >> 32),
		(unsigned)(upper >> 16 & 0xffff), (unsigned)(upper & 0xffff),
		(unsigned)(lower >> 48), (unsigned long long)(lower & 0xffffffffffff));
}

static void add_bytes(struct buf *buf, struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		buf_printf(buf, "%s%02x", i ? " " : "", (unsigned char)bytes.p[i]);
}

static void add_value(
	struct buf *buf, const struct athena_value_type *type, duckdb_vector vector, idx_t row);

static void add_or_null(
	struct buf *buf, const struct athena_value_type *type, duckdb_vector vector, idx_t row)
{
	if (!vector_is_valid(vector, row))
		buf_add_text(buf, "null");
	else
		add_value(buf, type, vector, row);
}

static void add_nested(
	struct buf *buf, const struct athena_value_type *type, duckdb_vector vector, idx_t row)
{
	if (type->id == DUCKDB_TYPE_STRUCT) {
		buf_add_char(buf, '{');
		for (size_t i = 0; i < type->count; i++) {
			buf_printf(buf, "%s", i ? ", " : "");
			if (*type->names[i])
				buf_printf(buf, "%s=", type->names[i]);
			else
				buf_printf(buf, "field%zu=", i);
			add_or_null(buf, type->children[i],
				duckdb_struct_vector_get_child(vector, i), row);
		}
		buf_add_char(buf, '}');
		return;
	}
	duckdb_list_entry entry = ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row];
	duckdb_vector child = duckdb_list_vector_get_child(vector);
	bool is_map = type->id == DUCKDB_TYPE_MAP;
	buf_add_char(buf, is_map ? '{' : '[');
	for (idx_t i = entry.offset; i < entry.offset + entry.length; i++) {
		buf_add_text(buf, i > entry.offset ? ", " : "");
		if (!is_map) {
			add_or_null(buf, type->children[0], child, i);
			continue;
		}
		add_or_null(buf, type->children[0], duckdb_struct_vector_get_child(child, 0), i);
		buf_add_char(buf, '=');
		add_or_null(buf, type->children[1], duckdb_struct_vector_get_child(child, 1), i);
	}
	buf_add_char(buf, is_map ? '}' : ']');
}

static void add_time(
	struct buf *buf, const struct athena_value_type *type, const void *data, idx_t row)
{
	int64_t value = type->id == DUCKDB_TYPE_DATE ? 0 : ((const int64_t *)data)[row];

	if (type->id == DUCKDB_TYPE_DATE) {
		duckdb_date_struct date = duckdb_from_date(((const duckdb_date *)data)[row]);
		buf_printf(buf, "%04d-%02d-%02d", date.year, date.month, date.day);
	} else if (type->id == DUCKDB_TYPE_TIME) {
		buf_printf(buf, "%02d:%02d:%02d.%03d", (int)(value / 3600000000),
			(int)(value / 60000000 % 60), (int)(value / 1000000 % 60),
			(int)(value / 1000 % 1000));
	} else {
		int64_t micros = type->id == DUCKDB_TYPE_TIMESTAMP_S    ? value * 1000000
				 : type->id == DUCKDB_TYPE_TIMESTAMP_MS ? value * 1000
				 : type->id == DUCKDB_TYPE_TIMESTAMP_NS ? value / 1000
									: value;
		add_timestamp(buf, micros, type->id == DUCKDB_TYPE_TIMESTAMP_TZ);
	}
}

static void add_value(
	struct buf *buf, const struct athena_value_type *type, duckdb_vector vector, idx_t row)
{
	void *data = duckdb_vector_get_data(vector);

	switch (type->id) {
	case DUCKDB_TYPE_BOOLEAN:
		buf_add_text(buf, ((bool *)data)[row] ? "true" : "false");
		break;
	case DUCKDB_TYPE_FLOAT:
		athena_add_real(buf, ((float *)data)[row], true);
		break;
	case DUCKDB_TYPE_DOUBLE:
		athena_add_real(buf, ((double *)data)[row], false);
		break;
	case DUCKDB_TYPE_DECIMAL:
		add_huge(buf, integer_at(data, row, type->internal), type->scale);
		break;
	case DUCKDB_TYPE_VARCHAR:
	case DUCKDB_TYPE_BLOB: {
		duckdb_string_t *text = (duckdb_string_t *)data + row;
		struct str bytes = {duckdb_string_t_data(text), duckdb_string_t_length(*text)};
		if (type->address)
			query_address_add(buf, bytes);
		else if (type->id == DUCKDB_TYPE_BLOB)
			add_bytes(buf, bytes);
		else
			buf_add_str(buf, bytes);
		break;
	}
	case DUCKDB_TYPE_INTERVAL:
		add_interval(buf, ((duckdb_interval *)data)[row]);
		break;
	case DUCKDB_TYPE_UUID:
		add_uuid(buf, ((duckdb_hugeint *)data)[row]);
		break;
	case DUCKDB_TYPE_LIST:
	case DUCKDB_TYPE_MAP:
	case DUCKDB_TYPE_STRUCT:
		add_nested(buf, type, vector, row);
		break;
	case DUCKDB_TYPE_DATE:
	case DUCKDB_TYPE_TIME:
	case DUCKDB_TYPE_TIMESTAMP:
	case DUCKDB_TYPE_TIMESTAMP_S:
	case DUCKDB_TYPE_TIMESTAMP_MS:
	case DUCKDB_TYPE_TIMESTAMP_NS:
	case DUCKDB_TYPE_TIMESTAMP_TZ:
		add_time(buf, type, data, row);
		break;
	default:
		add_huge(buf, integer_at(data, row, type->id), 0);
	}
}

void athena_add_csv(struct buf *csv, struct str value)
{
	buf_reserve(csv, value.n + 2);
	buf_add_char(csv, '"');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"')
			buf_add_char(csv, '"');
		buf_add_char(csv, value.p[i]);
	}
	buf_add_char(csv, '"');
}

void athena_value_rows(struct athena_engine *engine, duckdb_data_chunk chunk, struct buf *csv)
{
	_cleanup_buf_ struct buf value = {0};
	idx_t rows = duckdb_data_chunk_get_size(chunk);

	for (idx_t row = 0; row < rows; row++) {
		for (size_t i = 0; i < engine->columns_count; i++) {
			duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
			buf_add_text(csv, i ? "," : "");
			if (engine->types[i]->id == DUCKDB_TYPE_SQLNULL ||
				!vector_is_valid(vector, row))
				continue;
			value.n = 0;
			add_value(&value, engine->types[i], vector, row);
			athena_add_csv(csv, buf_str(&value));
		}
		buf_add_char(csv, '\n');
	}
}

/* ---- functions of SQL ---- */

/* A JSON's text when it is cast: a string without its quotes; false: null. */
static bool add_json_text(struct buf *buf, struct str json)
{
	json_t *value = json_loadb(json.p, json.n, JSON_DECODE_ANY, NULL);

	if (json_is_string(value))
		buf_add(buf, json_string_value(value), json_string_length(value));
	else
		buf_add_str(buf, json);
	bool is_null = json_is_null(value);
	json_decref(value);
	return !is_null;
}

static void to_varchar(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	_cleanup_buf_ struct buf text = {0};
	duckdb_vector values = duckdb_data_chunk_get_vector(input, 0);
	duckdb_logical_type logical = duckdb_vector_get_column_type(values);
	struct athena_value_type *type = type_of(logical);
	idx_t rows = duckdb_data_chunk_get_size(input);

	duckdb_destroy_logical_type(&logical);
	for (idx_t row = 0; row < rows; row++) {
		text.n = 0;
		if (type->id == DUCKDB_TYPE_SQLNULL || !vector_is_valid(values, row)) {
			vector_set_null(output, row);
		} else if (type->json) {
			if (add_json_text(&text, vector_text(values, row)))
				vector_set_text(output, row, buf_str(&text));
			else
				vector_set_null(output, row);
		} else if (type->id == DUCKDB_TYPE_BLOB && !type->address) {
			vector_set_text(output, row, vector_text(values, row));
		} else {
			add_value(&text, type, values, row);
			vector_set_text(output, row, buf_str(&text));
		}
	}
	type_free(type);
}

static void to_zoned(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
	_cleanup_buf_ struct buf text = {0};
	duckdb_vector times = duckdb_data_chunk_get_vector(input, 0);
	duckdb_vector zones = duckdb_data_chunk_get_vector(input, 1);
	idx_t rows = duckdb_data_chunk_get_size(input);

	for (idx_t row = 0; row < rows; row++) {
		if (!vector_is_valid(times, row) || !vector_is_valid(zones, row)) {
			vector_set_null(output, row);
			continue;
		}
		text.n = 0;
		add_timestamp(&text, ((int64_t *)duckdb_vector_get_data(times))[row], false);
		buf_printf(&text, " %.*s", STR_ARG(vector_text(zones, row)));
		vector_set_text(output, row, buf_str(&text));
	}
}

static bool add_function(duckdb_connection connection, const char *name,
	const duckdb_type *arguments, size_t count, const char *alias,
	duckdb_scalar_function_t function)
{
	duckdb_scalar_function scalar = duckdb_create_scalar_function();
	duckdb_logical_type result = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);

	duckdb_scalar_function_set_name(scalar, name);
	for (size_t i = 0; i < count; i++) {
		duckdb_logical_type type = duckdb_create_logical_type(arguments[i]);
		duckdb_scalar_function_add_parameter(scalar, type);
		duckdb_destroy_logical_type(&type);
	}
	if (alias)
		duckdb_logical_type_set_alias(result, alias);
	duckdb_scalar_function_set_return_type(scalar, result);
	duckdb_scalar_function_set_function(scalar, function);
	duckdb_state state = duckdb_register_scalar_function(connection, scalar);
	duckdb_destroy_logical_type(&result);
	duckdb_destroy_scalar_function(&scalar);
	return state == DuckDBSuccess;
}

int athena_value_register(duckdb_connection connection, struct err *err)
{
	static const duckdb_type any[] = {DUCKDB_TYPE_ANY};
	static const duckdb_type zoned[] = {DUCKDB_TYPE_TIMESTAMP, DUCKDB_TYPE_VARCHAR};

	if (!add_function(connection, "trino_varchar", any, 1, NULL, to_varchar) ||
		!add_function(connection, "trino_zoned", zoned, 2, TRINO_ZONED_TYPE, to_zoned))
		return err_set(err, ERR_SYSTEM, "DuckDB does not take the functions of values");
	return 0;
}
/* NOLINTEND(misc-no-recursion) */
