/* The table `vpc_flow_logs` of the database `default`, over what `nagare up` records: Parquet below
 * AWS's Hive-compatible keys, an hour a folder. Its partitions are projected (Athena user guide,
 * "Partition projection"), so that it never has to be told of new ones. */
#include "api/glue/glue_priv.h"

#include "record/field.h"

#include <time.h>

#define BUCKET      "nagare-flow-logs"
#define LOCATION    "s3://" BUCKET "/AWSLogs/"
#define DESCRIPTION "Flow logs recorded by nagare"

static const char *const keys[] = {
	"aws-account-id", "aws-service", "aws-region", "year", "month", "day", "hour"};

static const char *type_of(const struct record_field_info *field)
{
	if (strcmp(field->sql_type, "VARCHAR") == 0)
		return "string";
	return strcmp(field->sql_type, "BIGINT") == 0 ? "bigint" : "int";
}

static json_t *columns_of_all(void)
{
	json_t *columns = json_array();

	for (size_t i = 0; i < RECORD_FIELDS; i++)
		if (record_fields[i].family == RECORD_FAMILY_VPC)
			json_array_append_new(columns,
				json_pack("{s:s%, s:s}", "Name", record_fields[i].sql_name.p,
					record_fields[i].sql_name.n, "Type",
					type_of(&record_fields[i])));
	return columns;
}

/* A key is one value, or a number of fixed digits in a range. */
static void project(json_t *parameters, const char *key, const char *type, const char *property,
	const char *value)
{
	_cleanup_free_ char *type_name = mem_printf("projection.%s.type", key);
	_cleanup_free_ char *property_name = mem_printf("projection.%s.%s", key, property);
	_cleanup_free_ char *digits = mem_printf("projection.%s.digits", key);

	json_object_set_new(parameters, type_name, json_string(type));
	json_object_set_new(parameters, property_name, json_string(value));
	if (strcmp(type, "integer") == 0)
		json_object_set_new(parameters, digits, json_string("2"));
}

static json_t *parameters_of(const struct glue *glue)
{
	json_t *parameters = json_pack("{s:s, s:s, s:s, s:s}", "EXTERNAL", "TRUE", "classification",
		"parquet", "projection.enabled", "true", "projection.year.format", "yyyy");
	_cleanup_buf_ struct buf template = {0};
	time_t now = time(NULL);
	struct tm date;

	gmtime_r(&now, &date);
	/* From the year before: what was recorded before there was this table. */
	_cleanup_free_ char *years = mem_printf("%d,NOW+366DAYS", date.tm_year + 1900 - 1);
	project(parameters, "aws-account-id", "enum", "values", glue->account);
	project(parameters, "aws-service", "enum", "values", "vpcflowlogs");
	project(parameters, "aws-region", "enum", "values", glue->region);
	project(parameters, "year", "date", "range", years);
	project(parameters, "month", "integer", "range", "01,12");
	project(parameters, "day", "integer", "range", "01,31");
	project(parameters, "hour", "integer", "range", "00,23");
	/* Days are the longest unit that Trino has; steps of 366 meet no year twice. Trino's range
	 * ends with the first day of NOW's year, before the step that meets it: hence the year
	 * behind. */
	json_object_set_new(parameters, "projection.year.interval", json_string("366"));
	json_object_set_new(parameters, "projection.year.interval.unit", json_string("DAYS"));
	buf_add_text(&template, "s3://" BUCKET "/AWSLogs");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		buf_printf(&template, "/%s=${%s}", keys[i], keys[i]);
	json_object_set_new(parameters, "storage.location.template", glue_json(buf_str(&template)));
	return parameters;
}

int glue_make_ready_table(struct glue *glue, struct err *err)
{
	static const char format[] = "org.apache.hadoop.hive.ql.io.parquet.MapredParquet";
	_cleanup_free_ char *input_format = mem_printf("%sInputFormat", format);
	_cleanup_free_ char *output_format = mem_printf("%sOutputFormat", format);
	struct aws_error error = {0};
	json_t *key_list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_array_append_new(
			key_list, json_pack("{s:s, s:s}", "Name", keys[i], "Type", "string"));
	json_t *storage = json_pack("{s:o, s:s, s:s, s:s, s:b, s:i, s:{s:s, s:{s:s}}}", "Columns",
		columns_of_all(), "Location", LOCATION, "InputFormat", input_format, "OutputFormat",
		output_format, "Compressed", false, "NumberOfBuckets", -1, "SerdeInfo",
		"SerializationLibrary",
		"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", "Parameters",
		"serialization.format", "1");
	json_t *input = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "Name", "vpc_flow_logs",
		"Description", DESCRIPTION, "TableType", "EXTERNAL_TABLE", "StorageDescriptor",
		storage, "PartitionKeys", key_list, "Parameters", parameters_of(glue));
	int result = store_catalog_create_table(
		glue->catalog, STR("default"), input, STR(""), &error, err);
	json_decref(input);
	/* A user's own table of that name stays as it is. */
	return result < 0 && error.code != AWS_ERROR_ALREADY_EXISTS_EXCEPTION ? -1 : 0;
}

void glue_ready_table_give_way(
	struct store_catalog *catalog, struct str database, const json_t *input)
{
	struct store_table_name name = {database, glue_text(input, "Name")};
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	json_t *there = NULL;

	if (!str_equal_ignoring_case(database, STR("default")) ||
		!str_equal_ignoring_case(name.table, STR("vpc_flow_logs")) ||
		str_equal(glue_text(json_object_get(input, "StorageDescriptor"), "Location"),
			STR(LOCATION)) ||
		store_catalog_get_table(catalog, name, &there, &error, &err) < 0)
		return;
	if (str_equal(glue_text(there, "Description"), STR(DESCRIPTION)) &&
		str_equal(glue_text(json_object_get(there, "StorageDescriptor"), "Location"),
			STR(LOCATION)))
		store_catalog_delete_table(catalog, name, &error, &err);
	json_decref(there);
}
