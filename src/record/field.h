/* field: which fields a flow log record can have. Everything that depends on the list (format
 * strings, text codec, Parquet and SQL schemas, manual) is driven by this table (field.def). */
#pragma once

#include "base/str.h"

enum record_field {
#define RECORD_FIELD(id, ...) RECORD_##id,
#include "record/field.def"
	RECORD_FIELDS
};

enum record_family { RECORD_FAMILY_VPC, RECORD_FAMILY_TRANSIT_GATEWAY };
/* What the text of a field looks like. Any field may be "-": missing. */
enum record_text {
	RECORD_TEXT_WORD,    /* anything without a space */
	RECORD_TEXT_DECIMAL, /* digits */
	RECORD_TEXT_SECONDS, /* digits, Unix time */
	RECORD_TEXT_ADDRESS, /* IPv4 or IPv6 */
	RECORD_TEXT_ACTION,  /* ACCEPT, REJECT */
	RECORD_TEXT_STATUS,  /* OK, NODATA, SKIPDATA */
};
enum record_type { RECORD_TYPE_STRING, RECORD_TYPE_INT32, RECORD_TYPE_INT64 };

struct record_field_info {
	struct str name;     /* as in ${name} and in header lines */
	struct str sql_name; /* column in SQL and Parquet */
	enum record_family family;
	int version;
	enum record_text text;
	enum record_type parquet;
	const char *sql_type; /* INTEGER, BIGINT, VARCHAR */
	const char *meaning;
};

extern const struct record_field_info record_fields[RECORD_FIELDS];

/* By the name in ${...}; -1 when there is none. Exact case. */
int record_field_find(struct str name);
/* By the SQL name, any case; also the names that AWS's documents used before 2021-12
 * (sourceaddress, numbytes, ...). -1 when there is none. */
int record_field_find_sql(struct str sql_name);

/* A column name of AWS's older CREATE TABLE statements. */
struct record_field_alias {
	struct str sql_name;
	enum record_field field;
};
extern const struct record_field_alias record_field_aliases[];
extern const unsigned record_field_aliases_count;
