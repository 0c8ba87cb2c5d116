/* GetFlowLogsIntegrationTemplate (EC2 API reference; VPC guide, "Query flow logs using Amazon
 * Athena"): a CloudFormation template with a database, and for each integration a workgroup, a
 * table over the flow log's objects and the queries whose fields it has. It is written to the
 * bucket under AWS's name, and the answer is its address.
 *
 * AWS's template loads partitions by a Lambda function, daily, weekly or monthly. Here the table
 * computes them (partition projection): nothing has to run, and a partition is there with its first
 * object. The template is JSON, which every reader of YAML reads. */
#include "api/ec2/template_priv.h"

#include "aws/arn.h"
#include "aws/time.h"
#include "aws/uri.h"

#include <stdio.h>
#include <time.h>

enum { INTEGRATIONS_MAX = 10, DAY_SIZE = 16 };

struct template
{
	struct ec2 *ec2;
	const json_t *flow_log;
	struct record_format format;
	struct str bucket, folder; /* of the flow log; folder with its '/', or empty */
	bool is_parquet, is_hive, is_per_hour;
	char database[128];
	json_t *resources;
};

struct dates {
	bool is_fixed;
	int64_t start_ms, end_ms;
};

/* ---- what is asked ---- */

static bool option(const json_t *flow_log, const char *name)
{
	return json_is_true(json_object_get(json_object_get(flow_log, "DestinationOptions"), name));
}

/* A bucket with a folder; the folder gets its '/'. */
static bool split_location(const char *arn, struct str *ret_bucket, char **ret_folder)
{
	struct aws_arn parts;
	struct str rest;

	if (!aws_arn_parse(str_from(arn), &parts) || !str_equal(parts.service, STR("s3")))
		return false;
	rest = parts.resource;
	if (!str_split(&rest, '/', ret_bucket) || !ret_bucket->n)
		return false;
	while (rest.n && rest.p[rest.n - 1] == '/')
		rest.n--;
	*ret_folder = rest.n ? mem_printf("%.*s/", STR_ARG(rest)) : mem_strdup("");
	return true;
}

static int find_flow_log(struct template *template, char **ret_folder)
{
	struct ec2 *ec2 = template->ec2;
	const char *id = ec2_text(ec2, "FlowLogId"), *format, *file;

	if (ec2_find(ec2, EC2_FLOW_LOG, id, &template->flow_log) < 0)
		return -1;
	if (!template->flow_log)
		return ec2_refuse_id(ec2, EC2_FLOW_LOG, id);
	if (strcmp(ec2_member(template->flow_log, "LogDestinationType"), "s3") != 0 ||
		!split_location(ec2_member(template->flow_log, "LogDestination"), &template->bucket,
			ret_folder))
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER,
			"The flow log %s is not published to Amazon S3.", id);
	template->folder = str_from(*ret_folder);
	format = ec2_member(template->flow_log, "LogFormat");
	if (record_format_parse(str_from(format), &template->format, ec2->err) < 0)
		return ec2_broken(ec2);
	file = ec2_member(json_object_get(template->flow_log, "DestinationOptions"), "FileFormat");
	template->is_parquet = file &&strcmp(file, "parquet") == 0;
	template->is_hive = option(template->flow_log, "HiveCompatiblePartitions");
	template->is_per_hour = option(template->flow_log, "PerHourPartition");
	snprintf(template->database, sizeof(template->database), "vpcflowlogsathenadatabasefl%s",
		id + strlen("fl-"));
	return 0;
}

static int read_dates(struct ec2 *ec2, const json_t *integration, struct dates *ret_dates)
{
	static const char *const frequencies[] = {"none", "daily", "weekly", "monthly"};
	const char *frequency = ec2_member(integration, "PartitionLoadFrequency");
	const json_t *start = json_object_get(integration, "PartitionStartDate"),
		     *end = json_object_get(integration, "PartitionEndDate");
	bool is_known = false;

	for (size_t i = 0; i < ARRAY_SIZE(frequencies); i++)
		is_known |= strcmp(frequency, frequencies[i]) == 0;
	if (!is_known)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"Value (%.100s) for parameter PartitionLoadFrequency is invalid.",
			frequency);
	*ret_dates = (struct dates){.is_fixed = start && end,
		.start_ms = json_integer_value(start),
		.end_ms = json_integer_value(end)};
	if (!start != !end || (strcmp(frequency, "none") == 0 && !start))
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER,
			"PartitionStartDate and PartitionEndDate are required together, and if PartitionLoadFrequency is none.");
	if (ret_dates->is_fixed &&
		(ret_dates->start_ms > ret_dates->end_ms || ret_dates->end_ms > ec2->now_ms))
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER,
			"PartitionStartDate must not be after PartitionEndDate, nor both in the future.");
	return 0;
}

/* ---- the table ---- */

static json_t *columns(const struct template *template)
{
	json_t *list = json_array();

	for (size_t i = 0; i < template->format.count; i++) {
		const struct record_field_info *field = &record_fields[template->format.fields[i]];
		const char *type = strcmp(field->sql_type, "INTEGER") == 0  ? "int"
				   : strcmp(field->sql_type, "BIGINT") == 0 ? "bigint"
									    : "string";
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "Name", field->sql_name.p, "Type", type));
	}
	return list;
}

static json_t *partition_keys(const struct template *template)
{
	json_t *list = json_array();

	if (template->is_hive) {
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "Name", "year", "Type", "string"));
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "Name", "month", "Type", "string"));
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "Name", "day", "Type", "string"));
	} else {
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "Name", "date", "Type", "string"));
	}
	if (template->is_per_hour)
		json_array_append_new(
			list, json_pack("{s:s, s:s}", "Name", "hour", "Type", "string"));
	return list;
}

static void add_number(json_t *parameters, const char *key, int from, int to, int digits)
{
	char name[64];

	snprintf(name, sizeof(name), "projection.%s.type", key);
	ec2_set_text(parameters, name, "integer");
	snprintf(name, sizeof(name), "projection.%s.range", key);
	ec2_set(parameters, name, json_sprintf("%0*d,%0*d", digits, from, digits, to));
	snprintf(name, sizeof(name), "projection.%s.digits", key);
	ec2_set(parameters, name, json_sprintf("%d", digits));
}

static void write_day(char ret_text[static DAY_SIZE], int64_t ms, int *ret_year)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm moment;

	gmtime_r(&seconds, &moment);
	strftime(ret_text, DAY_SIZE, "%Y/%m/%d", &moment);
	*ret_year = moment.tm_year + 1900;
}

static void add_projection(
	const struct template *template, const struct dates *dates, json_t *parameters)
{
	int64_t created = json_integer_value(json_object_get(template->flow_log, "CreationTime"));
	char first[DAY_SIZE], last[DAY_SIZE];
	int first_year, last_year;

	write_day(first, dates->is_fixed ? dates->start_ms : created, &first_year);
	write_day(last, dates->is_fixed ? dates->end_ms : template->ec2->now_ms, &last_year);
	ec2_set_text(parameters, "projection.enabled", "true");
	if (template->is_hive) {
		/* Years to come are projected too; an empty partition costs a request. */
		add_number(parameters, "year", first_year,
			dates->is_fixed ? last_year : last_year + 10, 4);
		add_number(parameters, "month", 1, 12, 2);
		add_number(parameters, "day", 1, 31, 2);
	} else {
		ec2_set_text(parameters, "projection.date.type", "date");
		ec2_set_text(parameters, "projection.date.format", "yyyy/MM/dd");
		ec2_set(parameters, "projection.date.range",
			json_sprintf("%s,%s", first, dates->is_fixed ? last : "NOW"));
	}
	if (template->is_per_hour)
		add_number(parameters, "hour", 0, 23, 2);
}

/* Where the partitions' part of the key begins. */
static char *location(const struct template *template)
{
	const struct ec2 *ec2 = template->ec2;

	if (template->is_hive)
		return mem_printf(
			"s3://%.*s/%.*sAWSLogs/aws-account-id=%.*s/aws-service=vpcflowlogs/"
			"aws-region=%.*s/",
			STR_ARG(template->bucket), STR_ARG(template->folder), STR_ARG(ec2->account),
			STR_ARG(ec2->region));
	return mem_printf("s3://%.*s/%.*sAWSLogs/%.*s/vpcflowlogs/%.*s/", STR_ARG(template->bucket),
		STR_ARG(template->folder), STR_ARG(ec2->account), STR_ARG(ec2->region));
}

static json_t *parameters(
	const struct template *template, const struct dates *dates, const char *root)
{
	json_t *object = json_pack("{s:s, s:s}", "EXTERNAL", "TRUE", "classification",
		template->is_parquet ? "parquet" : "csv");
	const char *days =
		template->is_hive ? "year=${year}/month=${month}/day=${day}/" : "${date}/";
	const char *hours = !template->is_per_hour ? ""
			    : template->is_hive    ? "hour=${hour}/"
						   : "${hour}/";

	if (!template->is_parquet)
		ec2_set_text(object, "skip.header.line.count", "1");
	add_projection(template, dates, object);
	ec2_set(object, "storage.location.template", json_sprintf("%s%s%s", root, days, hours));
	return object;
}

static json_t *storage(const struct template *template, const char *root)
{
	if (template->is_parquet)
		return json_pack("{s:s, s:s, s:s, s:{s:s}, s:o}", "Location", root, "InputFormat",
			"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
			"OutputFormat",
			"org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
			"SerdeInfo", "SerializationLibrary",
			"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", "Columns",
			columns(template));
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s, s:s}}, s:o}", "Location", root,
		"InputFormat", "org.apache.hadoop.mapred.TextInputFormat", "OutputFormat",
		"org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat", "SerdeInfo",
		"SerializationLibrary", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
		"Parameters", "field.delim", " ", "serialization.format", " ", "Columns",
		columns(template));
}

static json_t *table(const struct template *template, const struct dates *dates, const char *name)
{
	_cleanup_free_ char *root = location(template);

	return json_pack("{s:s, s:{s:{s:s}, s:{s:s}, s:{s:s, s:s, s:o, s:o, s:o}}}", "Type",
		"AWS::Glue::Table", "Properties", "DatabaseName", "Ref", "Database", "CatalogId",
		"Ref", "AWS::AccountId", "TableInput", "Name", name, "TableType", "EXTERNAL_TABLE",
		"PartitionKeys", partition_keys(template), "Parameters",
		parameters(template, dates, root), "StorageDescriptor", storage(template, root));
}

/* ---- an integration ---- */

static json_t *workgroup(const char *name, struct str bucket, const char *folder)
{
	return json_pack("{s:s, s:{s:s, s:b, s:{s:b, s:{s:o}}}}", "Type", "AWS::Athena::WorkGroup",
		"Properties", "Name", name, "RecursiveDeleteOption", true, "WorkGroupConfiguration",
		"EnforceWorkGroupConfiguration", false, "ResultConfiguration", "OutputLocation",
		json_sprintf("s3://%.*s/%s", STR_ARG(bucket), folder));
}

static char *table_name(
	const struct template *template, const char *frequency, const struct dates *dates)
{
	const char *id = ec2_member(template->flow_log, "FlowLogId") + strlen("fl-");
	char start[AWS_TIME_STR_MAX + 1], end[AWS_TIME_STR_MAX + 1];

	if (!dates->is_fixed)
		return mem_printf("fl%s%s", id, frequency);
	*aws_time_write_basic(start, dates->start_ms) = '\0';
	*aws_time_write_basic(end, dates->end_ms) = '\0';
	/* The days alone: 20210721 */
	return mem_printf("fl%s%s%.8s%.8s", id, frequency, start, end);
}

static int add_integration(struct template *template, const json_t *integration, size_t index)
{
	struct ec2 *ec2 = template->ec2;
	const char *results = ec2_member(integration, "IntegrationResultS3DestinationArn");
	_cleanup_free_ char *folder = NULL;
	struct dates dates;
	struct str bucket;

	if (read_dates(ec2, integration, &dates) < 0)
		return -1;
	if (!split_location(results, &bucket, &folder))
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"Value (%.200s) for parameter IntegrationResultS3DestinationArn is invalid.",
			results);
	_cleanup_free_ char *name =
		table_name(template, ec2_member(integration, "PartitionLoadFrequency"), &dates);
	_cleanup_free_ char *group = mem_printf("Workgroup%zu", index);
	_cleanup_free_ char *group_name = mem_printf("%sworkgroup", name);
	_cleanup_free_ char *table_id = mem_printf("Table%zu", index);
	_cleanup_free_ char *prefix = mem_printf("Query%zu", index);
	const struct ec2_integration queried = {.database = template->database,
		.table = name,
		.workgroup = group,
		.format = &template->format,
		.is_hive = template->is_hive,
		.is_per_hour = template->is_per_hour};

	ec2_set(template->resources, group, workgroup(group_name, bucket, folder));
	ec2_set(template->resources, table_id, table(template, &dates, name));
	ec2_add_named_queries(template->resources, prefix, &queried);
	return 0;
}

static int add_integrations(struct template *template)
{
	const json_t *all = json_object_get(
		ec2_input(template->ec2, "IntegrateServices"), "AthenaIntegrations");
	size_t count = json_array_size(all);

	if (!count || count > INTEGRATIONS_MAX)
		return ec2_refuse(template->ec2, AWS_ERROR_INVALID_PARAMETER,
			"Between 1 and %d AthenaIntegrations are required.", INTEGRATIONS_MAX);
	ec2_set(template->resources, "Database",
		json_pack("{s:s, s:{s:{s:s}, s:{s:s}}}", "Type", "AWS::Glue::Database",
			"Properties", "CatalogId", "Ref", "AWS::AccountId", "DatabaseInput", "Name",
			template->database));
	for (size_t i = 0; i < count; i++)
		if (add_integration(template, json_array_get(all, i), i + 1) < 0)
			return -1;
	return 0;
}

/* ---- where it is put ---- */

static int put(struct ec2 *ec2, struct str bucket, const char *key, const char *text)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	struct store_objects *objects = ec2->context->objects;
	struct store_object object = {.headers.content_type = STR("text/yaml")};
	struct aws_error error = {0};
	int64_t size = (int64_t)strlen(text);

	if (store_draft_new(objects, &draft, size, &error, ec2->err) < 0 ||
		store_draft_add(draft, str_from(text), &error, ec2->err) < 0)
		return ec2_broken(ec2);
	int result = store_object_put(objects, bucket, str_from(key), draft,
		&(struct store_condition){.if_match = STR(""), .if_none_match = STR("")}, &object,
		&error, ec2->err);
	store_object_done(&object);
	if (result < 0 && error.code == AWS_ERROR_NO_SUCH_BUCKET)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER,
			"ConfigDeliveryS3DestinationArn: %.*s does not exist.", STR_ARG(bucket));
	return result < 0 ? ec2_broken(ec2) : 0;
}

/* As the caller would put it itself. */
static int ask_put(struct ec2 *ec2, struct str bucket, const char *key)
{
	_cleanup_free_ char *arn = mem_printf("arn:aws:s3:::%.*s/%s", STR_ARG(bucket), key);

	return ec2_ask_other(ec2, "s3:PutObject", arn, NULL, NULL);
}

static int deliver(struct template *template, const char *text)
{
	struct ec2 *ec2 = template->ec2;
	const char *arn = ec2_text(ec2, "ConfigDeliveryS3DestinationArn");
	_cleanup_free_ char *folder = NULL;
	_cleanup_buf_ struct buf encoded = {0};
	time_t seconds = (time_t)(ec2->now_ms / 1000);
	struct str bucket;
	struct tm moment;
	char date[40];

	if (!split_location(arn, &bucket, &folder))
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"Value (%.200s) for parameter ConfigDeliveryS3DestinationArn is invalid.",
			arn);
	gmtime_r(&seconds, &moment);
	strftime(date, sizeof(date), "%a %b %d %H:%M:%S UTC %Y", &moment);
	_cleanup_free_ char *key = mem_printf("%sVPCFlowLogsIntegrationTemplate_%s_%s.yml", folder,
		ec2_member(template->flow_log, "FlowLogId"), date);
	if (ask_put(ec2, bucket, key) < 0 || put(ec2, bucket, key, text) < 0)
		return -1;
	aws_uri_encode(&encoded, str_from(key), AWS_URI_KEEP_SLASH);
	ec2_set(ec2->output, "Result",
		json_sprintf("%s/%.*s/%s", api_server_endpoint(ec2->call->exchange->server),
			STR_ARG(bucket), buf_text(&encoded)));
	return 0;
}

static int make(struct template *template)
{
	_cleanup_free_ char *folder = NULL;

	if (find_flow_log(template, &folder) < 0 || add_integrations(template) < 0)
		return -1;
	json_t *document = json_pack("{s:s, s:s, s:O}", "AWSTemplateFormatVersion", "2010-09-09",
		"Description", "Athena over the flow logs of a VPC", "Resources",
		template->resources);
	_cleanup_free_ char *text = json_dumps(document, JSON_INDENT(2));
	json_decref(document);
	return text ? deliver(template, text) : ec2_broken(template->ec2);
}

int ec2_get_flow_logs_integration_template(struct ec2 *ec2)
{
	struct template template = {.ec2 = ec2, .resources = json_object()};
	int result = make(&template);

	json_decref(template.resources);
	return result;
}
