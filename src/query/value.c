#include "query/print_priv.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

bool query_print_is_number(duckdb_type type)
{
	switch (type) {
	case DUCKDB_TYPE_TINYINT:
	case DUCKDB_TYPE_SMALLINT:
	case DUCKDB_TYPE_INTEGER:
	case DUCKDB_TYPE_BIGINT:
	case DUCKDB_TYPE_UTINYINT:
	case DUCKDB_TYPE_USMALLINT:
	case DUCKDB_TYPE_UINTEGER:
	case DUCKDB_TYPE_UBIGINT:
	case DUCKDB_TYPE_HUGEINT:
	case DUCKDB_TYPE_UHUGEINT:
	case DUCKDB_TYPE_FLOAT:
	case DUCKDB_TYPE_DOUBLE:
	case DUCKDB_TYPE_DECIMAL:
		return true;
	default:
		return false;
	}
}

bool query_print_knows(duckdb_type type)
{
	return query_print_is_number(type) || type == DUCKDB_TYPE_BOOLEAN ||
	       type == DUCKDB_TYPE_VARCHAR || type == DUCKDB_TYPE_DATE ||
	       type == DUCKDB_TYPE_TIMESTAMP;
}

void query_print_vectors(
	const struct query_result *result, duckdb_data_chunk chunk, struct print_vector *vectors)
{
	for (size_t i = 0; i < result->columns; i++) {
		duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
		vectors[i] = (struct print_vector){
			.column = &result->column[i],
			.data = duckdb_vector_get_data(vector),
			.validity = duckdb_vector_get_validity(vector),
		};
	}
}

/* Digits of value with the point before the last scale of them. */
static void add_integer(struct buf *buf, __uint128_t value, bool negative, unsigned scale)
{
	char digits[48]; /* 39 digits of 2^128, or a scale of at most 38 and "0." */
	char *p = digits + sizeof(digits);
	unsigned n = 0;

	do {
		if (n == scale && scale)
			*--p = '.';
		*--p = (char)('0' + (int)(value % 10));
		value /= 10;
		n++;
	} while (value || n <= scale);
	if (negative)
		buf_add_char(buf, '-');
	buf_add(buf, p, (size_t)(digits + sizeof(digits) - p));
}

static void add_signed(struct buf *buf, __int128_t value, unsigned scale)
{
	add_integer(buf, value < 0 ? -(__uint128_t)value : (__uint128_t)value, value < 0, scale);
}

static __int128_t hugeint_at(const void *data, size_t row)
{
	const duckdb_hugeint *value = (const duckdb_hugeint *)data + row;

	return (__int128_t)((__uint128_t)(uint64_t)value->upper << 64 | value->lower);
}

static void add_decimal(struct buf *buf, const struct print_vector *vector, size_t row)
{
	uint8_t scale = vector->column->scale;

	switch (vector->column->internal) {
	case DUCKDB_TYPE_SMALLINT:
		add_signed(buf, ((const int16_t *)vector->data)[row], scale);
		break;
	case DUCKDB_TYPE_INTEGER:
		add_signed(buf, ((const int32_t *)vector->data)[row], scale);
		break;
	case DUCKDB_TYPE_BIGINT:
		add_signed(buf, ((const int64_t *)vector->data)[row], scale);
		break;
	default:
		add_signed(buf, hugeint_at(vector->data, row), scale);
	}
}

/* The shortest digits that read back as the same value, in the form that DuckDB gives them: at
 * least one digit behind the point, an exponent from 1e16 and below 1e-4. */
static void add_real(struct buf *buf, double value, bool is_float)
{
	char text[64];
	char digits[32] = "";
	/* digits that every value of the type keeps, but for the smallest */
	int precision = is_float ? FLT_DIG : DBL_DIG;

	if (isnan(value) || isinf(value)) {
		buf_add_text(buf, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
		return;
	}
	if (fabs(value) < (is_float ? (double)FLT_MIN : DBL_MIN))
		precision = 1;
	for (;; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision - 1, value);
		if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
			break;
	}
	char *e = strchr(text, 'e');
	int exponent = (int)strtol(e + 1, NULL, 10);
	size_t n = 0;
	for (const char *p = text; p < e; p++) {
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	}
	while (n > 1 && digits[n - 1] == '0')
		n--;
	if (value < 0 || (value == 0 && signbit(value)))
		buf_add_char(buf, '-');
	if (exponent < -4 || exponent >= 16) {
		buf_add_char(buf, digits[0]);
		if (n > 1)
			buf_printf(buf, ".%.*s", (int)n - 1, digits + 1);
		buf_printf(buf, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
	} else if (exponent < 0) {
		buf_printf(buf, "0.%.*s%.*s", -exponent - 1, "000", (int)n, digits);
	} else {
		for (int i = 0; i <= exponent; i++)
			buf_add_char(buf, i < (int)n ? digits[i] : '0');
		buf_add_char(buf, '.');
		if ((int)n <= exponent + 1)
			buf_add_char(buf, '0');
		else
			buf_add(buf, digits + exponent + 1, n - (size_t)exponent - 1);
	}
}

static void add_date(struct buf *buf, duckdb_date value)
{
	if (!duckdb_is_finite_date(value)) {
		buf_add_text(buf, value.days < 0 ? "-infinity" : "infinity");
		return;
	}
	duckdb_date_struct date = duckdb_from_date(value);
	bool before_christ = date.year <= 0;
	buf_printf(buf, "%04d-%02d-%02d%s", before_christ ? 1 - date.year : date.year, date.month,
		date.day, before_christ ? " (BC)" : "");
}

static void add_timestamp(struct buf *buf, duckdb_timestamp value)
{
	if (!duckdb_is_finite_timestamp(value)) {
		buf_add_text(buf, value.micros < 0 ? "-infinity" : "infinity");
		return;
	}
	duckdb_timestamp_struct timestamp = duckdb_from_timestamp(value);
	bool before_christ = timestamp.date.year <= 0;
	buf_printf(buf, "%04d-%02d-%02d",
		before_christ ? 1 - timestamp.date.year : timestamp.date.year, timestamp.date.month,
		timestamp.date.day);
	if (before_christ)
		buf_add_text(buf, " (BC)");
	buf_printf(buf, " %02d:%02d:%02d", timestamp.time.hour, timestamp.time.min,
		timestamp.time.sec);
	if (timestamp.time.micros) {
		buf_printf(buf, ".%06d", timestamp.time.micros);
		while (buf->p[buf->n - 1] == '0')
			buf->n--;
	}
}

static void add_text(struct buf *buf, const struct print_vector *vector, size_t row)
{
	const duckdb_string_t *texts = vector->data;
	uint32_t n = texts[row].value.inlined.length;

	buf_add(buf,
		n <= sizeof(texts->value.inlined.inlined) ? texts[row].value.inlined.inlined
							  : texts[row].value.pointer.ptr,
		n);
}

void query_print_value(struct buf *buf, const struct print_vector *vector, size_t row)
{
	const void *data = vector->data;

	switch (vector->column->type) {
	case DUCKDB_TYPE_BOOLEAN:
		buf_add_text(buf, ((const bool *)data)[row] ? "true" : "false");
		break;
	case DUCKDB_TYPE_TINYINT:
		add_signed(buf, ((const int8_t *)data)[row], 0);
		break;
	case DUCKDB_TYPE_SMALLINT:
		add_signed(buf, ((const int16_t *)data)[row], 0);
		break;
	case DUCKDB_TYPE_INTEGER:
		add_signed(buf, ((const int32_t *)data)[row], 0);
		break;
	case DUCKDB_TYPE_BIGINT:
		add_signed(buf, ((const int64_t *)data)[row], 0);
		break;
	case DUCKDB_TYPE_UTINYINT:
		add_integer(buf, ((const uint8_t *)data)[row], false, 0);
		break;
	case DUCKDB_TYPE_USMALLINT:
		add_integer(buf, ((const uint16_t *)data)[row], false, 0);
		break;
	case DUCKDB_TYPE_UINTEGER:
		add_integer(buf, ((const uint32_t *)data)[row], false, 0);
		break;
	case DUCKDB_TYPE_UBIGINT:
		add_integer(buf, ((const uint64_t *)data)[row], false, 0);
		break;
	case DUCKDB_TYPE_HUGEINT:
		add_signed(buf, hugeint_at(data, row), 0);
		break;
	case DUCKDB_TYPE_UHUGEINT:
		add_integer(buf, (__uint128_t)hugeint_at(data, row), false, 0);
		break;
	case DUCKDB_TYPE_FLOAT:
		add_real(buf, (double)((const float *)data)[row], true);
		break;
	case DUCKDB_TYPE_DOUBLE:
		add_real(buf, ((const double *)data)[row], false);
		break;
	case DUCKDB_TYPE_DECIMAL:
		add_decimal(buf, vector, row);
		break;
	case DUCKDB_TYPE_DATE:
		add_date(buf, ((const duckdb_date *)data)[row]);
		break;
	case DUCKDB_TYPE_TIMESTAMP:
		add_timestamp(buf, ((const duckdb_timestamp *)data)[row]);
		break;
	default:
		add_text(buf, vector, row);
	}
}
