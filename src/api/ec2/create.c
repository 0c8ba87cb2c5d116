/* CreateFlowLogs (EC2 API reference; VPC guide, "Work with flow logs"). The request is checked
 * whole first; then each resource is looked for; then all flow logs that can be made are, at once.
 * What fails for some of the resources is told of those; what fails for all of them, in the same
 * way, fails the request, but for the destination, of which AWS always tells by resource. */
#include "api/ec2/create_priv.h"

#include "aws/digest.h"

#include <stdio.h>
#include <sys/random.h>

enum { PER_RESOURCE_MAX = 250, RESOURCES_MAX = 300 };

static const struct {
	const char *name;
	enum ec2_type type;
	enum aws_error_code missing; /* of types of which there is none here */
} resource_types[] = {
	{"VPC", EC2_VPC, AWS_ERROR_NONE},
	{"Subnet", EC2_SUBNET, AWS_ERROR_NONE},
	{"NetworkInterface", EC2_NETWORK_INTERFACE, AWS_ERROR_NONE},
	{"TransitGateway", EC2_TYPES, AWS_ERROR_INVALID_TRANSIT_GATEWAY_ID_NOT_FOUND},
	{"TransitGatewayAttachment", EC2_TYPES,
		AWS_ERROR_INVALID_TRANSIT_GATEWAY_ATTACHMENT_ID_NOT_FOUND},
	{"RegionalNatGateway", EC2_TYPES, AWS_ERROR_NAT_GATEWAY_NOT_FOUND},
};

/* ---- the resources ---- */

static int read_resource_type(struct ec2 *ec2, enum ec2_type *ret_type)
{
	const char *name = ec2_text(ec2, "ResourceType");
	const json_t *ids = ec2_input(ec2, "ResourceIds");

	if (!json_array_size(ids))
		return ec2_refuse(ec2, AWS_ERROR_MISSING_PARAMETER,
			"The request must contain the parameter ResourceId");
	if (json_array_size(ids) > RESOURCES_MAX)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"At most %d resources can be given.", RESOURCES_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(resource_types); i++) {
		if (strcmp(name, resource_types[i].name) != 0)
			continue;
		*ret_type = resource_types[i].type;
		if (resource_types[i].type != EC2_TYPES)
			return 0;
		return ec2_refuse(ec2, resource_types[i].missing,
			"%s %.200s was deleted or does not exist.", name,
			json_string_value(json_array_get(ids, 0)));
	}
	return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
		"Value (%.100s) for parameter ResourceType is invalid.", name);
}

static void add_failure(json_t *answer, const char *id, const char *code, const char *format,
	const char *what) __attribute__((format(printf, 4, 0)));
static void add_failure(
	json_t *answer, const char *id, const char *code, const char *format, const char *what)
{
	json_array_append_new(json_object_get(answer, "Unsuccessful"),
		json_pack("{s:s, s:{s:s, s:o}}", "ResourceId", id, "Error", "Code", code, "Message",
			json_sprintf(format, what)));
}

/* 1: it was refused and is in answer. */
static int check_resource(struct ec2 *ec2, enum ec2_type type, const char *id, json_t *answer)
{
	struct aws_error error = {0}, *of_call = ec2->error;
	const json_t *told;

	if (ec2_find(ec2, type, id, &told) < 0)
		return -1;
	if (told)
		return 0;
	ec2->error = &error;
	ec2_refuse_id(ec2, type, id);
	ec2->error = of_call;
	add_failure(answer, id, aws_error_name(error.code), "%s", error.message);
	return 1;
}

/* One document for each resource that can have a flow log. */
static int make_documents(struct ec2 *ec2, enum ec2_type type, const json_t *common,
	const char *missing_destination, json_t *answer, json_t *documents)
{
	const json_t *ids = ec2_input(ec2, "ResourceIds");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		int result = check_resource(ec2, type, id, answer);
		if (result < 0)
			return result;
		if (result > 0)
			continue;
		if (missing_destination) {
			add_failure(answer, id, "400", "LogDestination: %s does not exist.",
				missing_destination);
			continue;
		}
		json_t *document = json_copy((json_t *)common);
		ec2_set_text(document, "ResourceId", id);
		json_array_append_new(documents, document);
	}
	return 0;
}

/* ---- tags ---- */

static json_t *read_tags(struct ec2 *ec2)
{
	const json_t *specifications = ec2_input(ec2, "TagSpecifications");
	json_t *all = json_array();

	for (size_t i = 0; i < json_array_size(specifications); i++) {
		const json_t *specification = json_array_get(specifications, i);
		const char *type = ec2_member(specification, "ResourceType");
		if (!type || strcmp(type, "vpc-flow-log") != 0) {
			ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
				"'%.100s' is not a valid taggable resource type for this operation.",
				type ? type : "null");
			json_decref(all);
			return NULL;
		}
		json_array_extend(all, json_object_get(specification, "Tags"));
	}
	json_t *tags = ec2_read_tags(ec2, all);
	json_decref(all);
	return tags;
}

/* ---- who may ---- */

static int ask_flow_log(struct ec2 *ec2, const json_t *tags)
{
	const struct ec2_question create = {.action = "ec2:CreateFlowLogs", .request_tags = tags};
	const struct ec2_question tag = {.action = "ec2:CreateTags",
		.request_tags = tags,
		.create_action = "CreateFlowLogs"};

	if (ec2_ask_resource(ec2, &create, EC2_FLOW_LOG, "*", NULL) < 0)
		return -1;
	return json_object_size(tags) ? ec2_ask_resource(ec2, &tag, EC2_FLOW_LOG, "*", NULL) : 0;
}

int ec2_ask_create_flow_logs(struct ec2 *ec2)
{
	const struct ec2_question question = {.action = "ec2:CreateFlowLogs"};
	const char *role = ec2_text(ec2, "DeliverLogsPermissionArn"),
		   *to = ec2_text(ec2, "LogDestinationType");
	enum ec2_type type;

	if (read_resource_type(ec2, &type) < 0 ||
		ec2_ask_all(ec2, &question, type, ec2_input(ec2, "ResourceIds")) < 0)
		return -1;
	json_t *tags = read_tags(ec2);
	if (!tags)
		return -1;
	int result = ask_flow_log(ec2, tags);
	json_decref(tags);
	if (result == 0 && role)
		result = ec2_ask_other(ec2, "iam:PassRole", role, "iam:PassedToService",
			"vpc-flow-logs.amazonaws.com");
	if (result == 0 && to && strcmp(to, "cloud-watch-logs") != 0)
		result = ec2_ask_other(ec2, "logs:CreateLogDelivery", "*", NULL, NULL);
	return result;
}

/* ---- the token ---- */

/* Of all that the request says but the token itself. */
static void make_digest(struct ec2 *ec2, char ret_digest[static 2 * AWS_SHA256_SIZE + 1])
{
	json_t *input = json_copy((json_t *)ec2->call->input);
	uint8_t hash[AWS_SHA256_SIZE];

	json_object_del(input, "ClientToken");
	json_object_del(input, "DryRun");
	_cleanup_free_ char *text = json_dumps(input, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(input);
	aws_sha256(str_from(text ? text : ""), hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(ret_digest + 2 * i, 3, "%02x", hash[i]);
}

/* Without one in the request AWS answers with one of its own. */
static void answer_token(json_t *answer, const char *token)
{
	_cleanup_buf_ struct buf made = {0};
	uint8_t bytes[32];

	if (!token && getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes)) {
		aws_base64_add(&made, bytes, sizeof(bytes));
		token = buf_text(&made);
	}
	ec2_set_text(answer, "ClientToken", token);
}

/* ---- all together ---- */

/* Nothing was made, and for one reason: then it is the request's. */
static int refuse_all(struct ec2 *ec2, const json_t *answer)
{
	const json_t *failures = json_object_get(answer, "Unsuccessful");
	const json_t *first = json_object_get(json_array_get(failures, 0), "Error");
	const char *code = ec2_member(first, "Code");

	if (json_array_size(json_object_get(answer, "FlowLogIds")) || !code)
		return 0;
	for (size_t i = 1; i < json_array_size(failures); i++) {
		const json_t *other = json_object_get(json_array_get(failures, i), "Error");
		if (strcmp(ec2_member(other, "Code"), code) != 0)
			return 0;
	}
	enum aws_error_code row = aws_error_find(str_from(code));
	return row == AWS_ERROR_NONE ? 0 : ec2_refuse(ec2, row, "%s", ec2_member(first, "Message"));
}

static int refuse_token(struct ec2 *ec2, int result)
{
	return result < 0 ? ec2_broken(ec2)
			  : aws_error_default(ec2->error, AWS_ERROR_IDEMPOTENT_PARAMETER_MISMATCH);
}

struct creating {
	enum ec2_type type;
	json_t *common, *documents, *tags;
	char digest[2 * AWS_SHA256_SIZE + 1];
	const char *token;
};

static int make_all(struct ec2 *ec2, struct creating *creating, json_t *answer)
{
	const char *missing;

	if (ec2_check_flow_log(ec2, creating->common) < 0 ||
		ec2_check_destination(ec2, creating->common, &missing) < 0 ||
		make_documents(ec2, creating->type, creating->common, missing, answer,
			creating->documents) < 0)
		return -1;
	const struct store_flow_logs_new new = {
		.client_token = creating->token ? str_from(creating->token) : STR(""),
		.digest = str_from(creating->digest),
		.documents = creating->documents,
		.tags = creating->tags,
		.per_resource_max = PER_RESOURCE_MAX,
		.now_ms = ec2->now_ms};
	int result = store_flow_logs_create(ec2->context->flow_logs, &new, answer, ec2->err);
	if (result < 0 || result == STORE_FLOW_LOGS_MISMATCH)
		return refuse_token(ec2, result);
	return result == STORE_FLOW_LOGS_REPEATED ? 0 : refuse_all(ec2, answer);
}

static int create(struct ec2 *ec2, struct creating *creating, json_t *answer)
{
	if (read_resource_type(ec2, &creating->type) < 0)
		return -1;
	creating->tags = read_tags(ec2);
	if (!creating->tags)
		return -1;
	make_digest(ec2, creating->digest);
	int result = store_flow_logs_find_token(ec2->context->flow_logs,
		creating->token ? str_from(creating->token) : STR(""), str_from(creating->digest),
		answer, ec2->err);
	if (result < 0 || result == STORE_FLOW_LOGS_MISMATCH)
		return refuse_token(ec2, result);
	if (result == STORE_FLOW_LOGS_REPEATED)
		return 0;
	answer_token(answer, creating->token);
	return make_all(ec2, creating, answer);
}

int ec2_create_flow_logs(struct ec2 *ec2)
{
	struct creating creating = {.common = json_object(),
		.documents = json_array(),
		.token = ec2_text(ec2, "ClientToken")};
	json_t *answer = json_pack("{s:[], s:[]}", "FlowLogIds", "Unsuccessful");
	int result = create(ec2, &creating, answer);

	if (result == 0)
		json_object_update(ec2->output, answer);
	json_decref(answer);
	json_decref(creating.common);
	json_decref(creating.documents);
	json_decref(creating.tags);
	return result;
}
