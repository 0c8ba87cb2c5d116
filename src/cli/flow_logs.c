#include "cli/command.h"

#include "base/number.h"
#include "cli/listing.h"

#include <stdio.h>
#include <string.h>

extern const struct cli_command cli_flow_logs;

#define TAGS_MAX     50
#define INTERVAL_MAX 600

/* begins with the remote */
struct settings {
	struct cli_remote remote;
	struct cli_listing listing;
	const char *to, *role, *log_format, *file_format, *token;
	char traffic[8]; /* "ALL" */
	uint64_t interval;
	bool hive, per_hour, dry_run;
	const char *tags[TAGS_MAX]; /* KEY=VALUE */
	size_t tag_count;
};

/* ---- options ---- */

static int set_output(void *settings, const char *value, struct err *err)
{
	return cli_rows_set_output(&((struct settings *)settings)->listing.output, value, err);
}

static int set_filter(void *settings, const char *value, struct err *err)
{
	return cli_listing_add_filter(&((struct settings *)settings)->listing, value, err);
}

static int set_to(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->to = value;
	return 0;
}

static int set_traffic(void *settings, const char *value, struct err *err)
{
	static const char *const names[][2] = {
		{"all", "ALL"}, {"accept", "ACCEPT"}, {"reject", "REJECT"}};
	struct settings *into = settings;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i][0]) == 0 || strcmp(value, names[i][1]) == 0) {
			snprintf(into->traffic, sizeof(into->traffic), "%s", names[i][1]);
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "expected all, accept or reject, found '%s'", value);
}

static int set_interval(void *settings, const char *value, struct err *err)
{
	uint64_t *seconds = &((struct settings *)settings)->interval;

	if (!number_parse_seconds(str_from(value), INTERVAL_MAX, seconds) || !*seconds)
		return err_set(err, ERR_USAGE, "expected 60 or 10m, found '%s'", value);
	return 0;
}

static int set_log_format(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->log_format = value;
	return 0;
}

static int set_file_format(void *settings, const char *value, struct err *err)
{
	if (strcmp(value, "text") != 0 && strcmp(value, "parquet") != 0)
		return err_set(err, ERR_USAGE, "expected text or parquet, found '%s'", value);
	((struct settings *)settings)->file_format =
		strcmp(value, "text") == 0 ? "plain-text" : "parquet";
	return 0;
}

static int set_hive(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->hive = true;
	return 0;
}

static int set_per_hour(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->per_hour = true;
	return 0;
}

static int set_dry_run(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->dry_run = true;
	return 0;
}

static int set_role(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->role = value;
	return 0;
}

static int set_token(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->token = value;
	return 0;
}

static int set_tag(void *settings_, const char *value, struct err *err)
{
	struct settings *settings = settings_;

	if (value[0] == '=' || !strchr(value, '='))
		return err_set(err, ERR_USAGE, "expected KEY=VALUE, found '%s'", value);
	if (settings->tag_count == TAGS_MAX)
		return err_set(err, ERR_USAGE, "at most %d tags", TAGS_MAX);
	settings->tags[settings->tag_count++] = value;
	return 0;
}

/* ---- create ---- */

static const struct {
	const char *prefix, *type;
} resource_types[] = {{"vpc-", "VPC"}, {"subnet-", "Subnet"}, {"eni-", "NetworkInterface"}};

static int check_resource(const char *id, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(resource_types); i++)
		if (strncmp(id, resource_types[i].prefix, strlen(resource_types[i].prefix)) == 0)
			return 0;
	err_set(err, ERR_USAGE, "'%s' is no VPC, subnet or network interface", id);
	return err_hint(err, "'nagare interfaces' lists their ids: vpc-..., subnet-..., eni-...");
}

/* AWS wants a role for log groups; nagare's agents deliver with their own key, and do without. */
static int add_role(struct settings *settings, struct buf *form, struct err *err)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (settings->role) {
		cli_remote_add(form, "DeliverLogsPermissionArn", settings->role);
		return 0;
	}
	if (cli_remote_call(&settings->remote, "sts", "GetCallerIdentity", NULL, &document, err) <
		0)
		return -1;
	struct str account =
		aws_xml_text(aws_xml_child(aws_xml_root(document), STR("GetCallerIdentityResult")),
			STR("Account"));
	_cleanup_free_ char *role =
		mem_printf("arn:aws:iam::%.*s:role/nagare-flow-logs", STR_ARG(account));
	cli_remote_add(form, "DeliverLogsPermissionArn", role);
	return 0;
}

static int add_destination(struct settings *settings, struct buf *form, struct err *err)
{
	const char *to = settings->to;

	if (!to) {
		err_set(err, ERR_USAGE, "where are the records to go?");
		return err_hint(err, "--to s3://BUCKET/FOLDER, or --to logs:GROUP");
	}
	if (strncmp(to, "s3://", 5) == 0 || strncmp(to, "arn:aws:s3:::", 13) == 0) {
		_cleanup_free_ char *arn = mem_printf(
			"arn:aws:s3:::%s", strncmp(to, "s3://", 5) == 0 ? to + 5 : to + 13);
		cli_remote_add(form, "LogDestinationType", "s3");
		cli_remote_add(form, "LogDestination", arn);
		return 0;
	}
	if (strncmp(to, "arn:aws:firehose:", 17) == 0) {
		cli_remote_add(form, "LogDestinationType", "kinesis-data-firehose");
		cli_remote_add(form, "LogDestination", to);
		return 0;
	}
	if (strncmp(to, "logs:", 5) != 0 && strncmp(to, "arn:aws:logs:", 13) != 0) {
		err_set(err, ERR_USAGE, "'%s' is no destination", to);
		return err_hint(err, "s3://BUCKET/FOLDER, logs:GROUP, or an ARN");
	}
	cli_remote_add(form, "LogDestinationType", "cloud-watch-logs");
	if (strncmp(to, "logs:", 5) == 0)
		cli_remote_add(form, "LogGroupName", to + 5);
	else
		cli_remote_add(form, "LogDestination", to);
	return add_role(settings, form, err);
}

static void add_tags(const struct settings *settings, struct buf *form)
{
	if (settings->tag_count)
		cli_remote_add(form, "TagSpecification.1.ResourceType", "vpc-flow-log");
	for (size_t i = 0; i < settings->tag_count; i++) {
		const char *tag = settings->tags[i], *equals = strchr(tag, '=');
		_cleanup_free_ char *key = mem_printf("%.*s", (int)(equals - tag), tag);
		char name[64];
		snprintf(name, sizeof(name), "TagSpecification.1.Tag.%zu.Key", i + 1);
		cli_remote_add(form, name, key);
		snprintf(name, sizeof(name), "TagSpecification.1.Tag.%zu.Value", i + 1);
		cli_remote_add(form, name, equals + 1);
	}
}

static int make_form(struct settings *settings, struct buf *form, struct err *err)
{
	char number[NUMBER_U64_STR_MAX + 1];

	if (add_destination(settings, form, err) < 0)
		return -1;
	cli_remote_add(form, "TrafficType", settings->traffic[0] ? settings->traffic : "ALL");
	if (settings->log_format)
		cli_remote_add(form, "LogFormat", settings->log_format);
	if (settings->interval) {
		*number_write(number, settings->interval) = '\0';
		cli_remote_add(form, "MaxAggregationInterval", number);
	}
	if (settings->file_format)
		cli_remote_add(form, "DestinationOptions.FileFormat", settings->file_format);
	if (settings->hive)
		cli_remote_add(form, "DestinationOptions.HiveCompatiblePartitions", "true");
	if (settings->per_hour)
		cli_remote_add(form, "DestinationOptions.PerHourPartition", "true");
	if (settings->dry_run)
		cli_remote_add(form, "DryRun", "true");
	add_tags(settings, form);
	return 0;
}

/* What was made on standard output, what was not is told. Counts the latter. */
static void tell(const struct aws_xml *document, size_t *failed)
{
	const struct aws_xml_node *root = aws_xml_root(document);
	const struct aws_xml_node *made = aws_xml_child(root, STR("flowLogIdSet")),
				  *not = aws_xml_child(root, STR("unsuccessful"));

	for (const struct aws_xml_node *item = aws_xml_child(made, STR("item")); item;
		item = aws_xml_next(item))
		printf("%.*s\n", STR_ARG(item->text));
	for (const struct aws_xml_node *item = aws_xml_child(not, STR("item")); item;
		item = aws_xml_next(item)) {
		struct str message =
			aws_xml_text(aws_xml_child(item, STR("error")), STR("message"));
		cli_warn("%.*s: %.*s", STR_ARG(aws_xml_text(item, STR("resourceId"))),
			STR_ARG(message));
		(*failed)++;
	}
}

/* The resources of one type; a dry run is an error that says that all is well. */
static int create_type(struct settings *settings, const struct buf *common, size_t type, char **ids,
	size_t count, size_t *failed, struct err *err)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	_cleanup_buf_ struct buf form = {0};
	const char *prefix = resource_types[type].prefix;
	size_t of_type = 0;

	buf_add_str(&form, buf_str(common));
	cli_remote_add(&form, "ResourceType", resource_types[type].type);
	for (size_t i = 0; i < count; i++)
		if (strncmp(ids[i], prefix, strlen(prefix)) == 0)
			cli_remote_add_item(&form, "ResourceId", of_type++, ids[i]);
	if (!of_type)
		return 0;
	if (settings->token) {
		_cleanup_free_ char *token =
			mem_printf("%s%s", settings->token, type ? resource_types[type].type : "");
		cli_remote_add(&form, "ClientToken", token);
	}
	if (cli_remote_call(&settings->remote, "ec2", "CreateFlowLogs", &form, &document, err) <
		0) {
		if (strcmp(settings->remote.code, "DryRunOperation") != 0)
			return -1;
		printf("%zu of type %s could be made\n", of_type, resource_types[type].type);
		return 0;
	}
	tell(document, failed);
	return 0;
}

static int create(struct settings *settings, char **ids, size_t count, struct err *err)
{
	_cleanup_buf_ struct buf form = {0};
	size_t failed = 0;

	if (!count) {
		err_set(err, ERR_USAGE, "on what? Name VPCs, subnets or network interfaces");
		return err_hint(err, "'nagare interfaces' lists their ids");
	}
	for (size_t i = 0; i < count; i++)
		if (check_resource(ids[i], err) < 0)
			return -1;
	if (make_form(settings, &form, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(resource_types); i++)
		if (create_type(settings, &form, i, ids, count, &failed, err) < 0)
			return -1;
	if (failed)
		return err_set(
			err, ERR_INPUT, "%zu of %zu resources have got no flow log", failed, count);
	return 0;
}

/* ---- list and delete ---- */

static const struct cli_column columns[] = {
	{"FLOW LOG", "FlowLogId", "flowLogId"},
	{"NAME", "Name", "tagSet/Name"},
	{"RESOURCE", "ResourceId", "resourceId"},
	{"TRAFFIC", "TrafficType", "trafficType"},
	{"TO", "LogDestinationType", "logDestinationType"},
	{NULL, "LogDestination", "logDestination"},
	{NULL, "LogGroupName", "logGroupName"},
	{"DESTINATION", "Destination", "logGroupName|logDestination"},
	{"SECONDS", "MaxAggregationInterval", "maxAggregationInterval"},
	{"DELIVERY", "DeliverLogsStatus", "deliverLogsStatus"},
	{"ERROR", "DeliverLogsErrorMessage", "deliverLogsErrorMessage"},
	{NULL, "FileFormat", "destinationOptions/fileFormat"},
	{NULL, "HiveCompatiblePartitions", "destinationOptions/hiveCompatiblePartitions"},
	{NULL, "PerHourPartition", "destinationOptions/perHourPartition"},
	{NULL, "LogFormat", "logFormat"},
	{NULL, "CreationTime", "creationTime"},
	{NULL, "Tags", "tagSet"},
	{0},
};

static int list(struct settings *settings, char **ids, size_t count, struct err *err)
{
	static const struct cli_listing_kind kind = {"DescribeFlowLogs", "FlowLogId", "flowLogSet",
		columns, "No flow logs: 'nagare flow-logs create' makes one."};

	return cli_listing_run(&settings->remote, &settings->listing, &kind, ids, count, err);
}

static int delete (struct settings *settings, char **ids, size_t count, struct err *err)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	_cleanup_buf_ struct buf form = {0};
	size_t failed = 0;

	if (!count) {
		err_set(err, ERR_USAGE, "which? Name flow logs");
		return err_hint(err, "'nagare flow-logs list' lists their ids");
	}
	for (size_t i = 0; i < count; i++)
		cli_remote_add_item(&form, "FlowLogId", i, ids[i]);
	if (settings->dry_run)
		cli_remote_add(&form, "DryRun", "true");
	if (cli_remote_call(&settings->remote, "ec2", "DeleteFlowLogs", &form, &document, err) <
		0) {
		if (strcmp(settings->remote.code, "DryRunOperation") != 0)
			return -1;
		printf("%zu could be deleted\n", count);
		return 0;
	}
	tell(document, &failed);
	return failed ? err_set(err, ERR_NOT_FOUND, "%zu of %zu flow logs were not there", failed,
				count)
		      : 0;
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	static const struct {
		const char *name;
		int (*run)(struct settings *settings, char **ids, size_t count, struct err *err);
	} actions[] = {{"create", create}, {"list", list}, {"delete", delete}};
	struct settings *settings = settings_;
	const char *action = argc ? argv[0] : "list";

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(action, actions[i].name) != 0)
			continue;
		int result = cli_remote_open(&settings->remote, err);
		if (result == 0)
			result = actions[i].run(
				settings, argv + 1, argc ? (size_t)argc - 1 : 0, err);
		cli_remote_close(&settings->remote);
		return result;
	}
	err_set(err, ERR_USAGE, "expected create, list or delete, found '%s'", action);
	return err_hint(err, "'nagare flow-logs --help' shows the usage");
}

static const struct cli_option options[] = {
	{"to", 't', "DESTINATION",
		"create: where the records go: s3://BUCKET/FOLDER, logs:GROUP, or the ARN of a bucket, "
		"log group or delivery stream.",
		set_to},
	{"traffic", 0, "all|accept|reject", "create: which traffic. Default: all.", set_traffic},
	{"interval", 'i', "SECONDS",
		"create: the longest time that one record stands for: 60 or 600; 1 to 59 where the "
		"server has --short-intervals. Default: 600.",
		set_interval},
	{"log-format", 0, "FORMAT",
		"create: fields in AWS's syntax, '${version} ${vpc-id} ...'. Default: the fields of "
		"version 2.",
		set_log_format},
	{"file-format", 0, "text|parquet", "create, to a bucket: default text.", set_file_format},
	{"hive", 0, NULL, "create, to a bucket: keys with year=, month=, day=.", set_hive},
	{"per-hour", 0, NULL, "create, to a bucket: a folder an hour.", set_per_hour},
	{"tag", 0, "KEY=VALUE", "create: a tag; Name is shown. May be given several times.",
		set_tag},
	{"role", 0, "ARN",
		"create, to a log group: the role that AWS would deliver with. nagare's agents deliver "
		"with their own key. Default: role/nagare-flow-logs of the account, which need not "
		"exist here.",
		set_role},
	{"client-token", 0, "TOKEN", "create: a repeat with the same token makes nothing more.",
		set_token},
	{"dry-run", 0, NULL, "create, delete: only say whether it is permitted.", set_dry_run},
	{"output", 'o', "table|json|csv", "list: " CLI_ROWS_OUTPUT_HELP, set_output},
	{"filter", 'f', "NAME=VALUE[,VALUE]", "list: " CLI_LISTING_FILTER_HELP, set_filter},
	CLI_REMOTE_OPTIONS,
	{0},
};

static const struct cli_example examples[] = {
	{"nagare flow-logs create vpc-0123456789abcdef0 --to logs:/nagare/vpc --traffic reject",
		"What is rejected in a VPC, into a log group."},
	{"nagare flow-logs create eni-0123456789abcdef0 --to s3://flows --file-format parquet --hive",
		"All traffic of an interface, as Parquet in a bucket."},
	{"nagare flow-logs list -f deliver-log-status=FAILED",
		"Those whose records do not get through."},
	{"nagare flow-logs delete $(nagare flow-logs list -o json | jq -r '.[].FlowLogId')",
		"The end of all."},
	{0},
};

const struct cli_command cli_flow_logs = {
	.name = "flow-logs",
	.operands = "[create|list|delete] [ID...]",
	.summary = "make, list and delete flow logs",
	.description =
		"A flow log says of which VPCs, subnets or network interfaces records are made, of what "
		"traffic, and where they go. It covers interfaces that join its VPC or subnet later. "
		"The command calls EC2's API, of nagare's server or of AWS.\n\n"
		"create makes a flow log on each VPC, subnet or interface that is named, and prints "
		"their ids, one a line. Resources that could not have one are told on standard error, "
		"and the exit status is 1.\n\n"
		"list, the default, lists them with how their deliveries fare; with ids, only those. "
		"delete deletes those that are named; what was delivered stays.\n\n"
		"As JSON, list gives an array of objects with FlowLogId, Name, ResourceId, TrafficType, "
		"LogDestinationType, LogDestination, LogGroupName, Destination, "
		"MaxAggregationInterval, DeliverLogsStatus, DeliverLogsErrorMessage, FileFormat, "
		"HiveCompatiblePartitions, PerHourPartition, LogFormat, CreationTime and Tags, as far "
		"as a flow log has them; CSV has the same columns.",
	.options = options,
	.examples = examples,
	.settings_size = sizeof(struct settings),
	.run = run,
};
