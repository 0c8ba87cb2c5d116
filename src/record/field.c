#include "record/field.h"

#include "base/mem.h"

const struct record_field_info record_fields[RECORD_FIELDS] = {
#define RECORD_FIELD(                                                                              \
	id, family_, version_, name_, sql_name_, text_, parquet_, sql_type_, meaning_)             \
	[RECORD_##id] = {                                                                          \
		.name = {name_, sizeof(name_) - 1},                                                \
		.sql_name = {sql_name_, sizeof(sql_name_) - 1},                                    \
		.family = RECORD_FAMILY_##family_,                                                 \
		.version = (version_),                                                             \
		.text = RECORD_TEXT_##text_,                                                       \
		.parquet = RECORD_TYPE_##parquet_,                                                 \
		.sql_type = #sql_type_,                                                            \
		.meaning = (meaning_),                                                             \
	},
#include "record/field.def"
};

#define ALIAS(text, field)                                                                         \
	{                                                                                          \
		{text, sizeof(text) - 1}, field                                                    \
	}
const struct record_field_alias record_field_aliases[] = {
	ALIAS("account", RECORD_ACCOUNT_ID),
	ALIAS("interfaceid", RECORD_INTERFACE_ID),
	ALIAS("sourceaddress", RECORD_SRCADDR),
	ALIAS("destinationaddress", RECORD_DSTADDR),
	ALIAS("sourceport", RECORD_SRCPORT),
	ALIAS("destinationport", RECORD_DSTPORT),
	ALIAS("numpackets", RECORD_PACKETS),
	ALIAS("numbytes", RECORD_BYTES),
	ALIAS("starttime", RECORD_START),
	ALIAS("endtime", RECORD_END),
	ALIAS("logstatus", RECORD_LOG_STATUS),
	ALIAS("vpcid", RECORD_VPC_ID),
	ALIAS("subnetid", RECORD_SUBNET_ID),
	ALIAS("instanceid", RECORD_INSTANCE_ID),
	ALIAS("tcpflags", RECORD_TCP_FLAGS),
	ALIAS("pktsrcaddr", RECORD_PKT_SRCADDR),
	ALIAS("pktdstaddr", RECORD_PKT_DSTADDR),
	ALIAS("azid", RECORD_AZ_ID),
	ALIAS("sublocationtype", RECORD_SUBLOCATION_TYPE),
	ALIAS("sublocationid", RECORD_SUBLOCATION_ID),
	ALIAS("pktsrcawsservice", RECORD_PKT_SRC_AWS_SERVICE),
	ALIAS("pktdstawsservice", RECORD_PKT_DST_AWS_SERVICE),
	ALIAS("flowdirection", RECORD_FLOW_DIRECTION),
	ALIAS("trafficpath", RECORD_TRAFFIC_PATH),
};
const unsigned record_field_aliases_count = ARRAY_SIZE(record_field_aliases);

int record_field_find(struct str name)
{
	for (int i = 0; i < RECORD_FIELDS; i++) {
		if (str_equal(record_fields[i].name, name))
			return i;
	}
	return -1;
}

int record_field_find_sql(struct str sql_name)
{
	for (int i = 0; i < RECORD_FIELDS; i++) {
		if (str_equal_ignoring_case(record_fields[i].sql_name, sql_name))
			return i;
	}
	for (unsigned i = 0; i < record_field_aliases_count; i++) {
		if (str_equal_ignoring_case(record_field_aliases[i].sql_name, sql_name))
			return (int)record_field_aliases[i].field;
	}
	return -1;
}
