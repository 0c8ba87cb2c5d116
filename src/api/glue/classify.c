/* What a file is, by a look at its first bytes or, of Parquet, at its footer (parquet.thrift of the
 * Apache Parquet format, in Thrift's compact protocol). Only what a table's columns need is read;
 * everything else is skipped, and every length is held against what is there. */
#include "api/glue/crawlers_priv.h"

#include "base/input.h"
#include "base/number.h"
#include "record/field.h"

#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#define HEAD_MAX   (64u << 10) /* of a text, unpacked */
#define FOOTER_MAX (64u << 20)
#define DEPTH_MAX  32

void glue_class_done(struct glue_class *class)
{
	json_decref(class->columns);
	*class = (struct glue_class){0};
}

/* ---- Thrift's compact protocol ---- */

struct thrift {
	struct str rest;
	bool is_bad;
};

enum {
	THRIFT_TRUE = 1,
	THRIFT_FALSE,
	THRIFT_BYTE,
	THRIFT_I16,
	THRIFT_I32,
	THRIFT_I64,
	THRIFT_DOUBLE,
	THRIFT_BINARY,
	THRIFT_LIST,
	THRIFT_SET,
	THRIFT_MAP,
	THRIFT_STRUCT
};

static uint8_t read_byte(struct thrift *thrift)
{
	if (!thrift->rest.n) {
		thrift->is_bad = true;
		return 0;
	}
	uint8_t byte = (uint8_t)thrift->rest.p[0];
	thrift->rest.p++;
	thrift->rest.n--;
	return byte;
}

static uint64_t read_varint(struct thrift *thrift)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = read_byte(thrift);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	thrift->is_bad = true;
	return 0;
}

static int64_t read_integer(struct thrift *thrift)
{
	uint64_t value = read_varint(thrift);

	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static struct str read_binary(struct thrift *thrift)
{
	uint64_t n = read_varint(thrift);

	if (n > thrift->rest.n) {
		thrift->is_bad = true;
		return STR("");
	}
	struct str bytes = {thrift->rest.p, (size_t)n};
	thrift->rest = (struct str){thrift->rest.p + n, thrift->rest.n - (size_t)n};
	return bytes;
}

/* The next field of a struct; false at its end. */
static bool read_field(struct thrift *thrift, int64_t *id, unsigned *ret_type)
{
	uint8_t byte = read_byte(thrift);

	if (thrift->is_bad || (byte & 15) == 0)
		return false;
	*ret_type = byte & 15;
	*id = byte >> 4 ? *id + (byte >> 4) : read_integer(thrift);
	return !thrift->is_bad;
}

static size_t read_list(struct thrift *thrift, unsigned *ret_type)
{
	uint8_t byte = read_byte(thrift);
	uint64_t count = byte >> 4;

	*ret_type = byte & 15;
	if (count == 15)
		count = read_varint(thrift);
	/* An item is at least a byte. */
	if (count > thrift->rest.n) {
		thrift->is_bad = true;
		return 0;
	}
	return (size_t)count;
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than DEPTH_MAX */
static void skip(struct thrift *thrift, unsigned type, unsigned depth, bool in_list);

static void skip_items(struct thrift *thrift, unsigned depth)
{
	unsigned type;

	for (size_t count = read_list(thrift, &type); count && !thrift->is_bad; count--)
		skip(thrift, type, depth + 1, true);
}

static void skip_map(struct thrift *thrift, unsigned depth)
{
	uint64_t count = read_varint(thrift);
	uint8_t types = count ? read_byte(thrift) : 0;

	if (count > thrift->rest.n)
		thrift->is_bad = true;
	for (; count && !thrift->is_bad; count--) {
		skip(thrift, types >> 4, depth + 1, true);
		skip(thrift, types & 15, depth + 1, true);
	}
}

static void skip(struct thrift *thrift, unsigned type, unsigned depth, bool in_list)
{
	int64_t id = 0;

	if (depth > DEPTH_MAX || type == 0 || type > THRIFT_STRUCT) {
		thrift->is_bad = true;
	} else if (type == THRIFT_TRUE || type == THRIFT_FALSE) {
		if (in_list)
			read_byte(thrift);
	} else if (type == THRIFT_BYTE) {
		read_byte(thrift);
	} else if (type <= THRIFT_I64) {
		read_varint(thrift);
	} else if (type == THRIFT_DOUBLE) {
		for (int i = 0; i < 8; i++)
			read_byte(thrift);
	} else if (type == THRIFT_BINARY) {
		read_binary(thrift);
	} else if (type == THRIFT_LIST || type == THRIFT_SET) {
		skip_items(thrift, depth);
	} else if (type == THRIFT_MAP) {
		skip_map(thrift, depth);
	} else {
		while (read_field(thrift, &id, &type))
			skip(thrift, type, depth + 1, false);
	}
}
/* NOLINTEND(misc-no-recursion) */

/* ---- the schema of a Parquet file ---- */

struct element {
	struct str name;
	int64_t type, converted, children, scale, precision, repetition;
};

static struct element read_element(struct thrift *thrift)
{
	struct element element = {.type = -1, .converted = -1};
	int64_t id = 0;
	unsigned type;

	while (read_field(thrift, &id, &type)) {
		int64_t *number = id == 1   ? &element.type
				  : id == 3 ? &element.repetition
				  : id == 5 ? &element.children
				  : id == 6 ? &element.converted
				  : id == 7 ? &element.scale
				  : id == 8 ? &element.precision
					    : NULL;
		if (id == 4 && type == THRIFT_BINARY)
			element.name = read_binary(thrift);
		else if (number && type == THRIFT_I32)
			*number = read_integer(thrift);
		else
			skip(thrift, type, 0, false);
	}
	return element;
}

/* Names of types as the Hive metastore has them. */
static void add_primitive(struct buf *text, const struct element *element)
{
	enum {
		UTF8 = 0,
		ENUM = 4,
		DECIMAL = 5,
		DATE = 6,
		TIMESTAMP_MILLIS = 9,
		TIMESTAMP_MICROS = 10,
		INT_8 = 15,
		INT_16 = 16,
		JSON = 19
	};
	enum { BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED };
	static const char *const plain[] = {
		"boolean", "int", "bigint", "timestamp", "float", "double", "binary", "binary"};

	if (element->converted == DECIMAL)
		buf_printf(text, "decimal(%lld,%lld)", (long long)element->precision,
			(long long)element->scale);
	else if (element->converted == UTF8 || element->converted == ENUM ||
		 element->converted == JSON)
		buf_add_text(text, "string");
	else if (element->converted == DATE)
		buf_add_text(text, "date");
	else if (element->converted == TIMESTAMP_MILLIS || element->converted == TIMESTAMP_MICROS)
		buf_add_text(text, "timestamp");
	else if (element->converted == INT_8)
		buf_add_text(text, "tinyint");
	else if (element->converted == INT_16)
		buf_add_text(text, "smallint");
	else
		buf_add_text(text, element->type >= BOOLEAN && element->type <= FIXED
					   ? plain[element->type]
					   : "string");
}

struct schema {
	const struct element *elements;
	size_t count, at;
	unsigned depth;
	bool is_bad;
};

/* The element at hand and all below it. NOLINTBEGIN(misc-no-recursion): no deeper than DEPTH_MAX */
static void add_type(struct schema *schema, struct buf *text)
{
	enum { MAP = 1, MAP_KEY_VALUE = 2, LIST = 3 };

	if (schema->at >= schema->count || schema->depth > DEPTH_MAX) {
		schema->is_bad = true;
		return;
	}
	const struct element *element = &schema->elements[schema->at++];
	if (element->children <= 0) {
		add_primitive(text, element);
		return;
	}
	schema->depth++;
	bool is_wrapped = (element->converted == LIST || element->converted == MAP ||
				  element->converted == MAP_KEY_VALUE) &&
			  element->children == 1 && schema->at < schema->count &&
			  schema->elements[schema->at].children > 0;
	bool is_list = is_wrapped && element->converted == LIST;
	int64_t children = element->children;
	if (is_wrapped)
		children = schema->elements[schema->at++].children;
	buf_add_text(text, is_list ? "array<" : is_wrapped ? "map<" : "struct<");
	for (int64_t i = 0; i < children && !schema->is_bad; i++) {
		if (i)
			buf_add_char(text, ',');
		if (!is_wrapped && schema->at < schema->count) {
			buf_add_str(text, schema->elements[schema->at].name);
			buf_add_char(text, ':');
		}
		add_type(schema, text);
	}
	buf_add_char(text, '>');
	schema->depth--;
}
/* NOLINTEND(misc-no-recursion) */

static json_t *columns_of_schema(struct schema *schema)
{
	json_t *columns = json_array();

	schema->at = 1; /* behind the root */
	while (schema->at < schema->count && !schema->is_bad) {
		_cleanup_buf_ struct buf text = {0};
		struct str name = schema->elements[schema->at].name;
		add_type(schema, &text);
		json_t *column = json_pack("{s:o*, s:s}", "Name", json_stringn(name.p, name.n),
			"Type", buf_text(&text));
		/* A name that is no text. */
		if (!column || !json_object_get(column, "Name"))
			schema->is_bad = true;
		json_array_append_new(columns, column);
	}
	return columns;
}

bool glue_classify_footer(struct str footer, struct glue_class *ret_class)
{
	struct thrift thrift = {footer, false};
	_cleanup_free_ struct element *elements = NULL;
	struct schema schema = {0};
	int64_t id = 0, rows = -1;
	unsigned type;

	while (read_field(&thrift, &id, &type)) {
		if (id == 2 && type == THRIFT_LIST && !elements) {
			unsigned item;
			size_t count = read_list(&thrift, &item);
			elements = mem_new(count + 1, sizeof(elements[0]));
			for (size_t i = 0; i < count && !thrift.is_bad; i++)
				elements[schema.count++] = read_element(&thrift);
		} else if (id == 3 && type == THRIFT_I64) {
			rows = read_integer(&thrift);
			/* What follows are the row groups. */
			break;
		} else {
			skip(&thrift, type, 0, false);
		}
	}
	if (thrift.is_bad || schema.count < 2)
		return false;
	schema.elements = elements;
	json_t *columns = columns_of_schema(&schema);
	if (schema.is_bad) {
		json_decref(columns);
		return false;
	}
	*ret_class = (struct glue_class){
		.format = GLUE_FORMAT_PARQUET, .rows = rows, .columns = columns};
	return true;
}

/* ---- texts ---- */

static const char *sql_type_of(const char *type)
{
	return strcmp(type, "VARCHAR") == 0  ? "string"
	       : strcmp(type, "BIGINT") == 0 ? "bigint"
					     : "int";
}

/* A header of a flow log: most of its names are names of fields. */
static json_t *columns_of_flow_log(struct str header)
{
	json_t *columns = json_array();
	unsigned known = 0;
	bool is_good = true;
	struct str name;

	while (is_good && str_split(&header, ' ', &name)) {
		int field = record_field_find(name);
		_cleanup_buf_ struct buf folded = {0};
		known += field >= 0;
		for (size_t i = 0; i < name.n; i++)
			buf_add_char(&folded,
				name.p[i] == '-' ? '_' : (char)tolower((unsigned char)name.p[i]));
		struct str text = field >= 0 ? record_fields[field].sql_name : buf_str(&folded);
		json_t *column = json_pack("{s:o*, s:s}", "Name", json_stringn(text.p, text.n),
			"Type", field >= 0 ? sql_type_of(record_fields[field].sql_type) : "string");
		is_good = text.n && column && json_object_get(column, "Name");
		json_array_append_new(columns, column);
	}
	if (is_good && known * 2 > json_array_size(columns))
		return columns;
	json_decref(columns);
	return NULL;
}

static const char *type_of_value(struct str value)
{
	int64_t number;
	size_t digits = 0, points = 0;

	if (number_parse_signed(value, INT64_MIN, INT64_MAX, &number))
		return "bigint";
	for (size_t i = value.n && value.p[0] == '-' ? 1 : 0; i < value.n; i++) {
		points += value.p[i] == '.';
		digits += value.p[i] >= '0' && value.p[i] <= '9';
	}
	size_t sign = value.n && value.p[0] == '-' ? 1 : 0;
	return digits && points == 1 && digits + points + sign == value.n ? "double" : "string";
}

const char *glue_wider_type(const char *a, const char *b)
{
	static const char *const order[] = {"tinyint", "smallint", "int", "bigint", "double"};
	size_t x = ARRAY_SIZE(order), y = ARRAY_SIZE(order);

	if (strcmp(a, b) == 0)
		return a;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		x = strcmp(order[i], a) == 0 ? i : x;
		y = strcmp(order[i], b) == 0 ? i : y;
	}
	if (x == ARRAY_SIZE(order) || y == ARRAY_SIZE(order))
		return "string";
	return x > y ? a : b;
}

static size_t count_char(struct str line, char c)
{
	size_t count = 0;

	for (size_t i = 0; i < line.n; i++)
		count += line.p[i] == c;
	return count;
}

/* The delimiter that all lines have, equally often; NUL: none. */
static char find_delimiter(struct str text)
{
	static const char delimiters[] = {',', '|', '\t', ';', '\1'};

	for (size_t d = 0; d < sizeof(delimiters); d++) {
		struct str rest = text, line;
		size_t lines = 0, wanted = 0;
		bool is_same = true;
		while (is_same && str_split(&rest, '\n', &line)) {
			if (!line.n && !rest.n)
				break;
			size_t count = count_char(line, delimiters[d]);
			if (!lines++)
				wanted = count;
			is_same = count == wanted;
		}
		if (is_same && wanted && lines > 1)
			return delimiters[d];
	}
	return '\0';
}

static struct str without_return(struct str line)
{
	return line.n && line.p[line.n - 1] == '\r' ? (struct str){line.p, line.n - 1} : line;
}

/* A name of letters, digits and _ that is no number. */
static bool is_name(struct str text)
{
	bool has_letter = false;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		has_letter |= isalpha(c) != 0;
		if (!isalnum(c) && c != '_' && c != '-' && c != ' ' && c != '.')
			return false;
	}
	return has_letter;
}

/* Types of the first hundred lines, without the header. */
static void widen(json_t *columns, struct str lines, char delimiter)
{
	struct str line, value;

	for (unsigned i = 0; i < 100 && str_split(&lines, '\n', &line); i++) {
		struct str rest = without_return(line);
		for (size_t c = 0; line.n && str_split(&rest, delimiter, &value); c++) {
			json_t *column = json_array_get(columns, c);
			const char *before = json_string_value(json_object_get(column, "Type"));
			const char *type = type_of_value(value);
			if (column && value.n)
				json_object_set_new(column, "Type",
					json_string(
						before[0] ? glue_wider_type(before, type) : type));
		}
	}
}

static json_t *columns_of_delimited(struct str text, char delimiter, bool *ret_has_header)
{
	struct str rest = text, header, name;
	json_t *columns = json_array();
	unsigned number = 0;
	bool has_header = true;

	str_split(&rest, '\n', &header);
	header = without_return(header);
	for (struct str names = header; str_split(&names, delimiter, &name);)
		has_header &= is_name(name);
	for (struct str names = header; str_split(&names, delimiter, &name); number++) {
		_cleanup_free_ char *text_name = has_header ? mem_printf("%.*s", STR_ARG(name))
							    : mem_printf("col%u", number);
		_cleanup_free_ char *folded = store_catalog_fold(str_from(text_name));
		json_array_append_new(columns, json_pack("{s:s, s:s}", "Name", folded, "Type", ""));
	}
	widen(columns, has_header ? rest : text, delimiter);
	size_t i;
	json_t *column;
	json_array_foreach(columns, i, column)
	{
		if (!json_string_length(json_object_get(column, "Type")))
			json_object_set_new(column, "Type", json_string("string"));
	}
	*ret_has_header = has_header;
	return columns;
}

void glue_classify_text(struct str head, struct glue_class *ret_class)
{
	struct str rest = head, line;

	*ret_class = (struct glue_class){.rows = -1};
	if (memchr(head.p ? head.p : "", '\0', head.n) || !str_split(&rest, '\n', &line))
		return;
	json_t *columns = columns_of_flow_log(without_return(line));
	if (columns) {
		*ret_class = (struct glue_class){.format = GLUE_FORMAT_TEXT,
			.has_header = true,
			.delimiter = ' ',
			.rows = -1,
			.columns = columns};
		return;
	}
	char delimiter = find_delimiter(head);
	if (!delimiter)
		return;
	*ret_class =
		(struct glue_class){.format = GLUE_FORMAT_TEXT, .delimiter = delimiter, .rows = -1};
	ret_class->columns = columns_of_delimited(head, delimiter, &ret_class->has_header);
}

/* ---- files ---- */

static int read_at(int fd, void *bytes, size_t n, int64_t offset, struct err *err)
{
	ssize_t got = pread(fd, bytes, n, offset);

	if (got < 0)
		return err_set_errno(err, errno, "cannot read an object");
	return (size_t)got == n ? 0 : err_set(err, ERR_INPUT, "an object is shorter than it was");
}

static int classify_parquet(int fd, int64_t size, struct glue_class *ret_class, struct err *err)
{
	uint8_t tail[8];

	if (read_at(fd, tail, sizeof(tail), size - 8, err) < 0)
		return -1;
	uint32_t n = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 |
		     (uint32_t)tail[3] << 24;
	if (memcmp(tail + 4, "PAR1", 4) != 0 || n > size - 12 || n > FOOTER_MAX)
		return 0;
	_cleanup_free_ char *footer = mem_new(n + 1, 1);
	if (read_at(fd, footer, n, size - 8 - n, err) < 0)
		return -1;
	if (!glue_classify_footer((struct str){footer, n}, ret_class))
		*ret_class = (struct glue_class){.rows = -1};
	return 0;
}

int glue_classify(int fd, int64_t size, struct glue_class *ret_class, struct err *err)
{
	_cleanup_(input_closep) struct input *input = NULL;
	size_t n = size < HEAD_MAX ? (size_t)size : HEAD_MAX;
	_cleanup_free_ char *head = mem_new(n + 1, 1);
	struct str text;

	*ret_class = (struct glue_class){.rows = -1};
	if (read_at(fd, head, n, 0, err) < 0)
		return -1;
	if (size >= 12 && memcmp(head, "PAR1", 4) == 0)
		return classify_parquet(fd, size, ret_class, err);
	bool is_gzip = n > 2 && memcmp(head, "\x1f\x8b", 2) == 0;
	/* What cannot be unpacked is nothing that is known. */
	struct err ignored = ERR_INIT;
	if (input_open_memory(&input, (struct str){head, n}, "object", &ignored) < 0 ||
		input_peek(input, HEAD_MAX, &text, &ignored) < 0)
		return 0;
	if (text.n > HEAD_MAX)
		text.n = HEAD_MAX;
	/* The last line may be cut. */
	const char *end = text.n ? memrchr(text.p, '\n', text.n) : NULL;
	if (end && ((size_t)size > n || text.n == HEAD_MAX))
		text.n = (size_t)(end + 1 - text.p);
	glue_classify_text(text, ret_class);
	ret_class->is_gzip = is_gzip;
	return 0;
}
