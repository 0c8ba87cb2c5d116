/* What CreateFlowLogs may be asked. */
#include "api/ec2/create_priv.h"

#include "aws/arn.h"
#include "record/format.h"

#include <stdio.h>

enum {
	INTERVAL_DEFAULT = 600,
	TAG_FIELDS_MAX = 3,
	TAG_FIELD_KEYS_MAX = 2,
	TAG_FIELD_KEY_MAX = 128,
	GROUP_NAME_MAX = 512,
	TOKEN_MAX = 64,
};

static bool is_one_of(const char *text, const char *const *values)
{
	for (; *values; values++)
		if (strcmp(text, *values) == 0)
			return true;
	return false;
}

static int refuse_value(struct ec2 *ec2, const char *parameter, const char *value)
{
	return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
		"Value (%.200s) for parameter %s is invalid.", value, parameter);
}

static int refuse_parameter(struct ec2 *ec2, const char *sentence)
{
	return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER, "%s", sentence);
}

/* ---- what is recorded ---- */

static int check_traffic(struct ec2 *ec2, json_t *common)
{
	static const char *const values[] = {"ACCEPT", "REJECT", "ALL", NULL};
	const char *traffic = ec2_text(ec2, "TrafficType"), *token = ec2_text(ec2, "ClientToken");

	if (token && strlen(token) > TOKEN_MAX)
		return refuse_value(ec2, "ClientToken", token);
	if (!traffic)
		return ec2_refuse(ec2, AWS_ERROR_MISSING_PARAMETER,
			"The request must contain the parameter TrafficType");
	if (!is_one_of(traffic, values))
		return refuse_value(ec2, "TrafficType", traffic);
	ec2_set_text(common, "TrafficType", traffic);
	ec2_set_text(common, "ResourceType", ec2_text(ec2, "ResourceType"));
	return 0;
}

static int check_format(struct ec2 *ec2, json_t *common)
{
	struct record_format format = record_format_default;
	const char *text = ec2_text(ec2, "LogFormat");
	_cleanup_buf_ struct buf printed = {0};
	struct err err = ERR_INIT;

	if (text && record_format_parse(str_from(text), &format, &err) < 0)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER, "LogFormat: %s", err.message);
	record_format_print(&printed, &format);
	ec2_set_text(common, "LogFormat", buf_text(&printed));
	return 0;
}

static int check_interval(struct ec2 *ec2, json_t *common)
{
	const json_t *given = ec2_input(ec2, "MaxAggregationInterval");
	json_int_t seconds = given ? json_integer_value(given) : INTERVAL_DEFAULT;
	bool is_short = ec2->context->has_short_intervals && seconds >= 1 && seconds < 60;

	if (seconds != 60 && seconds != 600 && !is_short)
		return refuse_parameter(ec2, "Invalid Flow Log Max Aggregation Interval");
	ec2_set(common, "MaxAggregationInterval", json_integer(seconds));
	return 0;
}

static int check_tag_field(struct ec2 *ec2, const json_t *field)
{
	static const char *const types[] = {
		"network-interface", "instance", "auto-scaling-group", NULL};
	const char *type = ec2_member(field, "ResourceType");
	const json_t *keys = json_object_get(field, "TagKeys");

	if (!type || !is_one_of(type, types))
		return refuse_value(
			ec2, "TagFieldSpecification.ResourceType", type ? type : "null");
	if (!json_array_size(keys) || json_array_size(keys) > TAG_FIELD_KEYS_MAX)
		return refuse_parameter(ec2, "A TagFieldSpecification has one or two TagKeys.");
	for (size_t i = 0; i < json_array_size(keys); i++) {
		size_t n = json_string_length(json_array_get(keys, i));
		if (!n || n > TAG_FIELD_KEY_MAX)
			return refuse_value(
				ec2, "TagKey", json_string_value(json_array_get(keys, i)));
	}
	return 0;
}

static int check_tag_fields(struct ec2 *ec2, json_t *common)
{
	const json_t *fields = ec2_input(ec2, "TagFieldSpecifications");

	if (!fields)
		return 0;
	if (json_array_size(fields) > TAG_FIELDS_MAX)
		return refuse_parameter(ec2, "At most three TagFieldSpecifications can be given.");
	for (size_t i = 0; i < json_array_size(fields); i++) {
		if (check_tag_field(ec2, json_array_get(fields, i)) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (json_equal(json_object_get(json_array_get(fields, i), "ResourceType"),
				    json_object_get(json_array_get(fields, j), "ResourceType")))
				return refuse_parameter(ec2,
					"A resource type can have one TagFieldSpecification only.");
	}
	json_object_set(common, "TagFieldSpecifications", (json_t *)fields);
	return 0;
}

/* ---- roles ---- */

static int check_role(struct ec2 *ec2, const char *parameter, const char *arn, bool is_own)
{
	struct aws_arn parts;

	if (!aws_arn_parse(str_from(arn), &parts) || !str_equal(parts.service, STR("iam")) ||
		!str_starts_with(parts.resource, STR("role/")) || parts.region.n ||
		parts.account.n != 12)
		return refuse_value(ec2, parameter, arn);
	if (is_own && !str_equal(parts.account, ec2->account))
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER,
			"%s is of another account: %.*s", parameter, STR_ARG(parts.account));
	return 0;
}

/* The name is what stands behind the last slash. */
static bool is_cross_account_name(const char *arn)
{
	const char *slash = strrchr(arn, '/');

	return slash && strncmp(slash + 1, "AWSLogDeliveryFirehoseCrossAccountRole",
				strlen("AWSLogDeliveryFirehoseCrossAccountRole")) == 0;
}

static int check_roles(struct ec2 *ec2, const char *to, json_t *common)
{
	const char *role = ec2_text(ec2, "DeliverLogsPermissionArn"),
		   *cross = ec2_text(ec2, "DeliverCrossAccountRole");

	if (strcmp(to, "cloud-watch-logs") == 0 && !role)
		return refuse_parameter(ec2,
			"DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.");
	if (strcmp(to, "s3") == 0 && role)
		return refuse_parameter(
			ec2, "DeliverLogsPermissionArn is not applicable for s3 delivery");
	if (cross && strcmp(to, "kinesis-data-firehose") != 0)
		return refuse_parameter(ec2,
			"DeliverCrossAccountRole is applicable for kinesis-data-firehose delivery only");
	if (cross && !role)
		return refuse_parameter(ec2,
			"DeliverLogsPermissionArn can't be empty if DeliverCrossAccountRole is provided.");
	if (role && check_role(ec2, "DeliverLogsPermissionArn", role, true) < 0)
		return -1;
	if (cross && check_role(ec2, "DeliverCrossAccountRole", cross, false) < 0)
		return -1;
	if (cross && !is_cross_account_name(cross))
		return refuse_value(ec2, "DeliverCrossAccountRole", cross);
	ec2_set_text(common, "DeliverLogsPermissionArn", role);
	ec2_set_text(common, "DeliverCrossAccountRole", cross);
	return 0;
}

/* ---- where to ---- */

static bool is_group_name(struct str name)
{
	if (!name.n || name.n > GROUP_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!is_letter && !(c >= '0' && c <= '9') && !(c && strchr("_-/.#", c)))
			return false;
	}
	return true;
}

/* Of this region and account, as AWS has it. */
static bool is_here(struct ec2 *ec2, const struct aws_arn *arn)
{
	return str_equal(arn->region, ec2->region) && str_equal(arn->account, ec2->account);
}

static int check_group(struct ec2 *ec2, const char *group, const char *arn, json_t *common)
{
	struct str name = group ? str_from(group) : STR("");
	struct aws_arn parts;

	if (group && arn)
		return refuse_parameter(
			ec2, "Please only provide LogGroupName or only provide LogDestination.");
	if (!group && !arn)
		return refuse_parameter(
			ec2, "LogDestination can't be empty if LogGroupName is not provided.");
	if (arn) {
		if (!aws_arn_parse(str_from(arn), &parts) ||
			!str_equal(parts.service, STR("logs")) ||
			!str_starts_with(parts.resource, STR("log-group:")) ||
			!is_here(ec2, &parts))
			return refuse_value(ec2, "LogDestination", arn);
		name = (struct str){parts.resource.p + strlen("log-group:"),
			parts.resource.n - strlen("log-group:")};
		if (str_ends_with(name, STR(":*")))
			name.n -= 2;
		ec2_set(common, "LogDestination",
			json_sprintf("%.*s", (int)(name.p + name.n - arn), arn));
	}
	if (!is_group_name(name))
		return refuse_value(
			ec2, group ? "LogGroupName" : "LogDestination", group ? group : arn);
	ec2_set(common, "LogGroupName", json_stringn(name.p, name.n));
	return 0;
}

/* arn:aws:s3:::bucket or arn:aws:s3:::bucket/folder/; AWSLogs is the layout's own. */
static int check_bucket(struct ec2 *ec2, const char *arn, json_t *common)
{
	struct aws_arn parts;
	struct str rest, part;

	if (!aws_arn_parse(str_from(arn), &parts) || !str_equal(parts.service, STR("s3")) ||
		parts.region.n || parts.account.n || !parts.resource.n ||
		parts.resource.p[0] == '/')
		return refuse_value(ec2, "LogDestination", arn);
	rest = parts.resource;
	for (bool is_bucket = true; str_split(&rest, '/', &part); is_bucket = false)
		if (!is_bucket && str_equal(part, STR("AWSLogs")))
			return refuse_parameter(
				ec2, "LogDestination: AWSLogs is a reserved folder name.");
	ec2_set_text(common, "LogDestination", arn);
	return 0;
}

static int check_stream(struct ec2 *ec2, const char *arn, json_t *common)
{
	struct aws_arn parts;
	struct str type, name;

	if (!aws_arn_parse(str_from(arn), &parts) || !str_equal(parts.service, STR("firehose")))
		return refuse_value(ec2, "LogDestination", arn);
	aws_arn_split_resource(parts.resource, &type, &name);
	if (!str_equal(type, STR("deliverystream")) || !name.n || name.n > 64 ||
		parts.account.n != 12 || !str_equal(parts.region, ec2->region))
		return refuse_value(ec2, "LogDestination", arn);
	if (!str_equal(parts.account, ec2->account) && !ec2_text(ec2, "DeliverCrossAccountRole"))
		return refuse_parameter(ec2,
			"DeliverCrossAccountRole can't be empty if LogDestination is in another account.");
	ec2_set_text(common, "LogDestination", arn);
	return 0;
}

static int check_options(struct ec2 *ec2, const char *to, json_t *common)
{
	static const char *const formats[] = {"plain-text", "parquet", NULL};
	const json_t *given = ec2_input(ec2, "DestinationOptions");
	const char *format = ec2_member(given, "FileFormat");

	if (given && strcmp(to, "s3") != 0)
		return refuse_parameter(
			ec2, "DestinationOptions is only supported for s3 delivery");
	if (format && !is_one_of(format, formats))
		return refuse_value(ec2, "DestinationOptions.FileFormat", format);
	if (given)
		ec2_set(common, "DestinationOptions",
			json_pack("{s:s, s:b, s:b}", "FileFormat", format ? format : "plain-text",
				"HiveCompatiblePartitions",
				json_is_true(json_object_get(given, "HiveCompatiblePartitions")),
				"PerHourPartition",
				json_is_true(json_object_get(given, "PerHourPartition"))));
	return 0;
}

static int check_target(struct ec2 *ec2, json_t *common)
{
	static const char *const types[] = {
		"cloud-watch-logs", "s3", "kinesis-data-firehose", NULL};
	const char *to = ec2_text(ec2, "LogDestinationType"),
		   *group = ec2_text(ec2, "LogGroupName"), *arn = ec2_text(ec2, "LogDestination");

	if (!to)
		to = types[0];
	if (!is_one_of(to, types))
		return refuse_value(ec2, "LogDestinationType", to);
	ec2_set_text(common, "LogDestinationType", to);
	if (strcmp(to, "cloud-watch-logs") != 0 && group)
		return refuse_parameter(ec2,
			"LogDestination type must be cloud-watch-logs if LogGroupName is provided.");
	if (strcmp(to, "cloud-watch-logs") != 0 && !arn)
		return refuse_parameter(
			ec2, "LogDestination can't be empty if LogGroupName is not provided.");
	if (check_roles(ec2, to, common) < 0 || check_options(ec2, to, common) < 0)
		return -1;
	if (strcmp(to, "s3") == 0)
		return check_bucket(ec2, arn, common);
	return strcmp(to, "cloud-watch-logs") == 0 ? check_group(ec2, group, arn, common)
						   : check_stream(ec2, arn, common);
}

int ec2_check_flow_log(struct ec2 *ec2, json_t *common)
{
	if (check_traffic(ec2, common) < 0 || check_target(ec2, common) < 0 ||
		check_format(ec2, common) < 0 || check_interval(ec2, common) < 0)
		return -1;
	return check_tag_fields(ec2, common);
}

/* Of another account or server it is not ours to know. */
static bool is_missing_stream(struct ec2 *ec2, const char *arn)
{
	struct aws_arn parts;
	struct str type, name;

	if (!ec2->context->firehose || !aws_arn_parse(str_from(arn), &parts) ||
		!is_here(ec2, &parts))
		return false;
	aws_arn_split_resource(parts.resource, &type, &name);
	return !firehose_has_stream(ec2->context->firehose, name);
}

/* A log group that is not there is made by the first delivery. */
int ec2_check_destination(struct ec2 *ec2, const json_t *common, const char **ret_missing)
{
	const char *to = ec2_member(common, "LogDestinationType"),
		   *arn = ec2_member(common, "LogDestination");
	struct store_bucket bucket = {0};
	struct aws_error error = {0};
	struct aws_arn parts;
	struct str name;

	*ret_missing = NULL;
	if (strcmp(to, "kinesis-data-firehose") == 0 && is_missing_stream(ec2, arn))
		*ret_missing = arn;
	if (strcmp(to, "s3") != 0 || !aws_arn_parse(str_from(arn), &parts))
		return 0;
	str_split(&parts.resource, '/', &name);
	int result = store_bucket_get(ec2->context->objects, name, &bucket, &error, ec2->err);
	store_bucket_done(&bucket);
	if (result < 0 && error.code != AWS_ERROR_NO_SUCH_BUCKET &&
		error.code != AWS_ERROR_INVALID_BUCKET_NAME)
		return ec2_broken(ec2);
	if (result < 0)
		*ret_missing = arn + strlen("arn:aws:s3:::");
	return 0;
}
