/* CREATE TABLE. Formats of STORED AS have the classes that Athena writes into the catalog. */
#include "query/ddl_priv.h"

#include <ctype.h>

#define HIVE "org.apache.hadoop.hive."
#define LAZY HIVE "serde2.lazy.LazySimpleSerDe"

static const struct {
	const char *name, *input, *output, *serde;
} formats[] = {
	{"TEXTFILE", "org.apache.hadoop.mapred.TextInputFormat",
		HIVE "ql.io.HiveIgnoreKeyTextOutputFormat", LAZY},
	{"PARQUET", HIVE "ql.io.parquet.MapredParquetInputFormat",
		HIVE "ql.io.parquet.MapredParquetOutputFormat",
		HIVE "ql.io.parquet.serde.ParquetHiveSerDe"},
	{"JSONFILE", "org.apache.hadoop.mapred.TextInputFormat",
		HIVE "ql.io.HiveIgnoreKeyTextOutputFormat", "org.openx.data.jsonserde.JsonSerDe"},
	{"SEQUENCEFILE", "org.apache.hadoop.mapred.SequenceFileInputFormat",
		HIVE "ql.io.HiveSequenceFileOutputFormat", LAZY},
	{"ORC", HIVE "ql.io.orc.OrcInputFormat", HIVE "ql.io.orc.OrcOutputFormat",
		HIVE "ql.io.orc.OrcSerde"},
	{"AVRO", HIVE "ql.io.avro.AvroContainerInputFormat",
		HIVE "ql.io.avro.AvroContainerOutputFormat", HIVE "serde2.avro.AvroSerDe"},
};

/* The tokens of a type, in lower case and without spaces. */
static int add_type(struct ddl_parser *parser, struct buf *type)
{
	int depth = 0;

	if (parser->tokens[parser->at].kind != DDL_WORD)
		return ddl_fail(parser, "<type>");
	for (;; parser->at++) {
		const struct ddl_token *token = &parser->tokens[parser->at];
		bool ends = ddl_is(parser, 0, ",") || ddl_is(parser, 0, ")") ||
			    ddl_is(parser, 0, "COMMENT");
		if (token->kind == DDL_END)
			return ddl_fail(parser, "')'");
		if (depth == 0 && (ends || (type->n && token->kind == DDL_WORD)))
			return 0;
		if (ddl_is(parser, 0, "<") || ddl_is(parser, 0, "("))
			depth++;
		else if (ddl_is(parser, 0, ">") || ddl_is(parser, 0, ")"))
			depth--;
		struct str text = token->text;
		if (token->kind == DDL_NAME)
			text = (struct str){text.p + 1, text.n - 2};
		for (size_t i = 0; i < text.n; i++)
			buf_add_char(type, (char)tolower((unsigned char)text.p[i]));
	}
}

int ddl_columns(struct ddl_parser *parser, json_t **ret_list)
{
	json_t *list = json_array();

	*ret_list = list;
	if (ddl_expect(parser, "(") < 0)
		return -1;
	do {
		_cleanup_buf_ struct buf type = {0}, comment = {0};
		_cleanup_free_ char *name = NULL;
		if (ddl_name(parser, &name) < 0 || add_type(parser, &type) < 0)
			return -1;
		json_t *column = json_pack("{s:s, s:s}", "Name", name, "Type", buf_text(&type));
		json_array_append_new(list, column);
		if (ddl_accept(parser, "COMMENT")) {
			if (ddl_string(parser, &comment) < 0)
				return -1;
			json_object_set_new(column, "Comment", json_stringn(comment.p, comment.n));
		}
	} while (ddl_accept(parser, ","));
	return ddl_expect(parser, ")");
}

static int add_property(struct ddl_parser *parser, json_t *properties)
{
	_cleanup_buf_ struct buf key = {0}, value = {0};
	_cleanup_free_ char *name = NULL;
	const struct ddl_token *token = &parser->tokens[parser->at];

	if (token->kind == DDL_STRING) {
		if (ddl_string(parser, &key) < 0)
			return -1;
	} else {
		if (ddl_name(parser, &name) < 0)
			return -1;
		buf_add_text(&key, name);
	}
	if (ddl_expect(parser, "=") < 0)
		return -1;
	token = &parser->tokens[parser->at];
	if (token->kind == DDL_STRING) {
		if (ddl_string(parser, &value) < 0)
			return -1;
	} else if (ddl_is(parser, 0, "ARRAY") && ddl_is(parser, 1, "[")) {
		json_t *list = json_array();
		json_object_set_new(properties, buf_text(&key), list);
		parser->at += 2;
		do {
			value.n = 0;
			if (ddl_string(parser, &value) < 0)
				return -1;
			json_array_append_new(list, json_stringn(value.p, value.n));
		} while (ddl_accept(parser, ","));
		return ddl_expect(parser, "]");
	} else if (token->kind == DDL_WORD) {
		buf_add_str(&value, token->text);
		parser->at++;
	} else {
		return ddl_fail(parser, "<string>");
	}
	json_t *text = json_stringn(value.n ? value.p : "", value.n);
	if (!text)
		return ddl_fail(parser, "text in UTF-8");
	json_object_set_new(properties, buf_text(&key), text);
	return 0;
}

int ddl_properties(struct ddl_parser *parser, json_t **ret_properties)
{
	*ret_properties = json_object();
	if (ddl_expect(parser, "(") < 0)
		return -1;
	do {
		if (add_property(parser, *ret_properties) < 0)
			return -1;
	} while (ddl_accept(parser, ","));
	return ddl_expect(parser, ")");
}

/* ---- the clauses ---- */

static void use_format(json_t *descriptor, size_t format)
{
	json_t *serde = json_object_get(descriptor, "SerdeInfo");

	json_object_set_new(descriptor, "InputFormat", json_string(formats[format].input));
	json_object_set_new(descriptor, "OutputFormat", json_string(formats[format].output));
	if (!json_object_get(serde, "SerializationLibrary"))
		json_object_set_new(
			serde, "SerializationLibrary", json_string(formats[format].serde));
}

bool ddl_use_format(json_t *descriptor, struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!str_equal_ignoring_case(name, str_from(formats[i].name)))
			continue;
		use_format(descriptor, i);
		return true;
	}
	return false;
}

static int set_string(struct ddl_parser *parser, json_t *object, const char *member)
{
	_cleanup_buf_ struct buf text = {0};

	if (ddl_string(parser, &text) < 0)
		return -1;
	json_t *value = json_stringn(text.n ? text.p : "", text.n);
	if (!value)
		return ddl_fail(parser, "text in UTF-8");
	json_object_set_new(object, member, value);
	return 0;
}

static int delimited(struct ddl_parser *parser, json_t *parameters)
{
	static const struct {
		const char *what, *parameter;
	} kinds[] = {{"FIELDS", "field.delim"}, {"LINES", "line.delim"},
		{"COLLECTION", "collection.delim"}, {"MAP", "mapkey.delim"}};

	for (;;) {
		size_t i = 0;
		while (i < ARRAY_SIZE(kinds) && !ddl_is(parser, 0, kinds[i].what))
			i++;
		if (ddl_accept_two(parser, "NULL", "DEFINED")) {
			if (ddl_expect(parser, "AS") < 0 ||
				set_string(parser, parameters, "serialization.null.format") < 0)
				return -1;
			continue;
		}
		if (i == ARRAY_SIZE(kinds))
			return 0;
		parser->at++;
		if (i == 2 && ddl_expect(parser, "ITEMS") < 0)
			return -1;
		if (i == 3 && ddl_expect(parser, "KEYS") < 0)
			return -1;
		if (ddl_expect(parser, "TERMINATED") < 0 || ddl_expect(parser, "BY") < 0 ||
			set_string(parser, parameters, kinds[i].parameter) < 0)
			return -1;
		if (i == 0)
			json_object_set(parameters, "serialization.format",
				json_object_get(parameters, "field.delim"));
		if (i == 0 && ddl_accept_two(parser, "ESCAPED", "BY") &&
			set_string(parser, parameters, "escape.delim") < 0)
			return -1;
	}
}

static int row_format(struct ddl_parser *parser, json_t *descriptor)
{
	json_t *serde = json_object_get(descriptor, "SerdeInfo");

	if (ddl_accept(parser, "DELIMITED")) {
		json_object_set_new(serde, "SerializationLibrary", json_string(LAZY));
		return delimited(parser, json_object_get(serde, "Parameters"));
	}
	if (ddl_expect(parser, "SERDE") < 0 ||
		set_string(parser, serde, "SerializationLibrary") < 0)
		return -1;
	if (ddl_accept_two(parser, "WITH", "SERDEPROPERTIES")) {
		json_t *properties = NULL;
		int r = ddl_properties(parser, &properties);
		json_object_set_new(serde, "Parameters", properties);
		return r;
	}
	return 0;
}

static int stored_as(struct ddl_parser *parser, json_t *descriptor)
{
	if (ddl_accept(parser, "INPUTFORMAT")) {
		if (set_string(parser, descriptor, "InputFormat") < 0 ||
			ddl_expect(parser, "OUTPUTFORMAT") < 0)
			return -1;
		return set_string(parser, descriptor, "OutputFormat");
	}
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (ddl_accept(parser, formats[i].name)) {
			use_format(descriptor, i);
			return 0;
		}
	}
	return ddl_fail(parser, "'TEXTFILE', 'PARQUET', 'JSONFILE', 'INPUTFORMAT'");
}

static int clause(struct ddl_parser *parser, json_t *table, json_t *descriptor)
{
	json_t *value = NULL;
	int r;

	if (ddl_accept(parser, "COMMENT"))
		return set_string(parser, table, "Description");
	if (ddl_accept(parser, "LOCATION"))
		return set_string(parser, descriptor, "Location");
	if (ddl_accept_two(parser, "ROW", "FORMAT"))
		return row_format(parser, descriptor);
	if (ddl_accept_two(parser, "STORED", "AS"))
		return stored_as(parser, descriptor);
	if (ddl_accept_two(parser, "PARTITIONED", "BY")) {
		r = ddl_columns(parser, &value);
		json_object_set_new(table, "PartitionKeys", value);
		return r;
	}
	if (ddl_accept(parser, "TBLPROPERTIES")) {
		r = ddl_properties(parser, &value);
		json_object_update(json_object_get(table, "Parameters"), value);
		json_decref(value);
		return r;
	}
	if (ddl_accept_two(parser, "WITH", "SERDEPROPERTIES")) {
		r = ddl_properties(parser, &value);
		json_object_set_new(json_object_get(descriptor, "SerdeInfo"), "Parameters", value);
		return r;
	}
	return ddl_fail(parser, "'COMMENT', 'PARTITIONED', 'ROW', 'STORED', 'WITH', 'LOCATION', "
				"'TBLPROPERTIES', <EOF>");
}

int ddl_create_table(struct ddl_parser *parser)
{
	json_t *columns = NULL;
	json_t *table = json_pack("{s:s, s:s, s:{s:s}, s:[], s:{s:{s:{}}, s:i, s:b}}", "Name",
		parser->ddl->name, "TableType", "EXTERNAL_TABLE", "Parameters", "EXTERNAL", "TRUE",
		"PartitionKeys", "StorageDescriptor", "SerdeInfo", "Parameters", "NumberOfBuckets",
		-1, "Compressed", 0);
	json_t *descriptor = json_object_get(table, "StorageDescriptor");

	parser->ddl->what = table;
	int r = ddl_columns(parser, &columns);
	json_object_set_new(descriptor, "Columns", columns);
	if (r < 0)
		return -1;
	while (parser->tokens[parser->at].kind != DDL_END) {
		if (clause(parser, table, descriptor) < 0)
			return -1;
	}
	if (!json_object_get(descriptor, "Location"))
		return ddl_fail(parser, "'LOCATION'");
	if (!json_object_get(descriptor, "InputFormat"))
		use_format(descriptor, 0);
	json_t *serde = json_object_get(descriptor, "SerdeInfo");
	if (!json_object_get(serde, "SerializationLibrary"))
		json_object_set_new(serde, "SerializationLibrary", json_string(LAZY));
	return 0;
}
