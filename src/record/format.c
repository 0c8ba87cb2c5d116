#include "record/format.h"

const struct record_format record_format_default = {
	.count = 14,
	.fields = {RECORD_VERSION, RECORD_ACCOUNT_ID, RECORD_INTERFACE_ID, RECORD_SRCADDR,
		RECORD_DSTADDR, RECORD_SRCPORT, RECORD_DSTPORT, RECORD_PROTOCOL, RECORD_PACKETS,
		RECORD_BYTES, RECORD_START, RECORD_END, RECORD_ACTION, RECORD_LOG_STATUS},
	.version = 2,
};

static int add_field(struct record_format *format, struct str name, struct err *err)
{
	int field = record_field_find(name);

	if (field < 0) {
		err_set(err, ERR_USAGE, "log format: there is no field '%.*s'", STR_ARG(name));
		return err_hint(err, "'nagare help fields' lists the fields");
	}
	if (record_fields[field].family != RECORD_FAMILY_VPC)
		return err_set(err, ERR_USAGE,
			"log format: field '%.*s' belongs to transit gateway flow logs only",
			STR_ARG(name));
	for (int i = 0; i < format->count; i++) {
		if (format->fields[i] == field)
			return err_set(err, ERR_USAGE, "log format: field '%.*s' is there twice",
				STR_ARG(name));
	}
	format->fields[format->count++] = (uint8_t)field;
	if (record_fields[field].version > format->version)
		format->version = (uint8_t)record_fields[field].version;
	return 0;
}

int record_format_parse(struct str text, struct record_format *ret_format, struct err *err)
{
	struct record_format format = {.version = 2};
	struct str rest = str_trim(text);
	struct str token;

	if (rest.n == 0)
		return err_set(err, ERR_USAGE, "log format: at least one field is needed");
	while (str_split(&rest, ' ', &token)) {
		if (token.n < 4 || !str_starts_with(token, STR("${")) ||
			token.p[token.n - 1] != '}') {
			err_set(err, ERR_USAGE, "log format: expected ${field}, found '%.*s'",
				(int)(token.n < 80 ? token.n : 80), token.p);
			return err_hint(err,
				"separate fields with one space and keep the shell off "
				"them: --format '${srcaddr} ${dstaddr}'");
		}
		if (add_field(&format, (struct str){token.p + 2, token.n - 3}, err) < 0)
			return -1;
	}
	*ret_format = format;
	return 0;
}

void record_format_print(struct buf *buf, const struct record_format *format)
{
	for (int i = 0; i < format->count; i++) {
		if (i)
			buf_add_char(buf, ' ');
		buf_add_str(buf, STR("${"));
		buf_add_str(buf, record_fields[format->fields[i]].name);
		buf_add_char(buf, '}');
	}
}

void record_format_header(struct buf *buf, const struct record_format *format)
{
	for (int i = 0; i < format->count; i++) {
		if (i)
			buf_add_char(buf, ' ');
		buf_add_str(buf, record_fields[format->fields[i]].name);
	}
	buf_add_char(buf, '\n');
}
