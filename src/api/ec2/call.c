/* Input, output, refusals, permissions, and the kinds of resources. */
#include "api/ec2/ec2_priv.h"

#include "base/hash.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- input and output ---- */

const json_t *ec2_input(const struct ec2 *ec2, const char *name)
{
	return json_object_get(ec2->call->input, name);
}

const char *ec2_text(const struct ec2 *ec2, const char *name)
{
	return ec2_member(ec2->call->input, name);
}

const char *ec2_member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

void ec2_set(json_t *object, const char *name, json_t *value)
{
	if (value)
		json_object_set_new_nocheck(object, name, value);
}

void ec2_set_text(json_t *object, const char *name, const char *text)
{
	if (text)
		ec2_set(object, name, json_string_nocheck(text));
}

json_t *ec2_account(const struct ec2 *ec2)
{
	return json_stringn(ec2->account.p, ec2->account.n);
}

int ec2_broken(struct ec2 *ec2)
{
	return aws_error_internal(ec2->error);
}

int ec2_refuse(struct ec2 *ec2, enum aws_error_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	aws_error_setv(ec2->error, code, format, arguments);
	va_end(arguments);
	return -1;
}

void ec2_derive_id(char ret_id[static EC2_ID_MAX], const char *prefix, const char *text)
{
	uint64_t first = hash_bytes(text, strlen(text), 1),
		 second = hash_bytes(text, strlen(text), 2);

	snprintf(ret_id, EC2_ID_MAX, "%s%016llx%x", prefix, (unsigned long long)first,
		(unsigned)(second & 15));
}

/* ---- what there is ---- */

const json_t *ec2_view(struct ec2 *ec2, enum store_resource kind)
{
	if (!ec2->views[kind])
		ec2->views[kind] = store_network_view(ec2->context->network, kind);
	return ec2->views[kind];
}

const json_t *ec2_all_tags(struct ec2 *ec2)
{
	if (!ec2->tags)
		ec2->tags = store_tags_all(ec2->context->network);
	return ec2->tags;
}

const json_t *ec2_flow_logs(struct ec2 *ec2)
{
	if (!ec2->flow_logs &&
		store_flow_logs_list(ec2->context->flow_logs, &ec2->flow_logs, ec2->err) < 0)
		ec2_broken(ec2);
	return ec2->flow_logs;
}

static json_t *by_instance(const json_t *interfaces)
{
	json_t *all = json_object();

	for (size_t i = 0; i < json_array_size(interfaces); i++) {
		json_t *told = json_array_get(interfaces, i);
		const char *id = ec2_member(told, "InstanceId");
		json_t *list = id ? json_object_get(all, id) : NULL;
		if (id && !list) {
			list = json_array();
			json_object_set_new(all, id, list);
		}
		json_array_append(list, told);
	}
	return all;
}

const json_t *ec2_interfaces_of(struct ec2 *ec2, const char *instance)
{
	if (!ec2->by_instance)
		ec2->by_instance = by_instance(ec2_view(ec2, STORE_NETWORK_INTERFACE));
	return json_object_get(ec2->by_instance, instance);
}

#define VIEW(kind)                                                                                 \
	static const json_t *view_##kind(struct ec2 *ec2)                                          \
	{                                                                                          \
		return ec2_view(ec2, STORE_##kind);                                                \
	}
VIEW(VPC)
VIEW(SUBNET)
VIEW(NETWORK_INTERFACE)
VIEW(INSTANCE)
VIEW(SECURITY_GROUP)
#undef VIEW

static const struct ec2_type_row rows[EC2_TYPES] = {
	[EC2_VPC] = {"vpc", "vpc-", "VpcId", "vpc ID", AWS_ERROR_INVALID_VPC_ID_MALFORMED,
		AWS_ERROR_INVALID_VPC_ID_NOT_FOUND, view_VPC, ec2_make_vpc, ec2_vpc_tags},
	[EC2_SUBNET] = {"subnet", "subnet-", "SubnetId", "subnet ID",
		AWS_ERROR_INVALID_SUBNET_ID_MALFORMED, AWS_ERROR_INVALID_SUBNET_ID_NOT_FOUND,
		view_SUBNET, ec2_make_subnet, ec2_subnet_tags},
	[EC2_NETWORK_INTERFACE] = {"network-interface", "eni-", "NetworkInterfaceId",
		"networkInterface ID", AWS_ERROR_INVALID_NETWORK_INTERFACE_ID_MALFORMED,
		AWS_ERROR_INVALID_NETWORK_INTERFACE_ID_NOT_FOUND, view_NETWORK_INTERFACE,
		ec2_make_interface, ec2_interface_tags},
	[EC2_INSTANCE] = {"instance", "i-", "InstanceId", "instance ID",
		AWS_ERROR_INVALID_INSTANCE_ID_MALFORMED, AWS_ERROR_INVALID_INSTANCE_ID_NOT_FOUND,
		view_INSTANCE, ec2_make_instance, ec2_instance_tags},
	[EC2_SECURITY_GROUP] = {"security-group", "sg-", "GroupId", "security group",
		AWS_ERROR_INVALID_GROUP_ID_MALFORMED, AWS_ERROR_INVALID_GROUP_NOT_FOUND,
		view_SECURITY_GROUP, ec2_make_group, ec2_group_tags},
	[EC2_SECURITY_GROUP_RULE] = {"security-group-rule", "sgr-", "SecurityGroupRuleId",
		"security group rule ID", AWS_ERROR_INVALID_SECURITY_GROUP_RULE_ID_MALFORMED,
		AWS_ERROR_INVALID_SECURITY_GROUP_RULE_ID_NOT_FOUND, ec2_rules, ec2_make_rule,
		ec2_rule_tags},
	[EC2_FLOW_LOG] = {"vpc-flow-log", "fl-", "FlowLogId", "flow log ID",
		AWS_ERROR_INVALID_PARAMETER_VALUE, AWS_ERROR_INVALID_FLOW_LOG_ID_NOT_FOUND,
		ec2_flow_logs, ec2_make_flow_log, ec2_flow_log_tags},
};

const struct ec2_type_row *ec2_type_row(enum ec2_type type)
{
	assert(type < EC2_TYPES);
	return &rows[type];
}

enum ec2_type ec2_type_of(const char *id)
{
	for (enum ec2_type type = 0; type < EC2_TYPES; type++)
		if (strncmp(id, rows[type].prefix, strlen(rows[type].prefix)) == 0)
			return type;
	return EC2_TYPES;
}

int ec2_find(struct ec2 *ec2, enum ec2_type type, const char *id, const json_t **ret_told)
{
	const json_t *source = ec2_type_row(type)->source(ec2);
	size_t low = 0, high = json_array_size(source);

	if (!source)
		return -1;
	*ret_told = NULL;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const json_t *told = json_array_get(source, middle);
		int order = strcmp(ec2_member(told, rows[type].id), id);
		if (order == 0) {
			*ret_told = told;
			break;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

int ec2_refuse_id(struct ec2 *ec2, enum ec2_type type, const char *id)
{
	const struct ec2_type_row *row = ec2_type_row(type);
	size_t n = strlen(row->prefix);
	bool is_id = strncmp(id, row->prefix, n) == 0 && id[n] &&
		     !id[n + strspn(id + n, "0123456789abcdef")];

	if (!is_id)
		return ec2_refuse(ec2, row->malformed,
			"Invalid id: \"%.200s\" (expecting \"%s...\")", id, row->prefix);
	return ec2_refuse(ec2, row->missing, "The %s '%.200s' does not exist", row->noun, id);
}

/* ---- permissions ---- */

static void add_tags(struct api_authorization *about, const char *prefix, const json_t *tags)
{
	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *key = ec2_member(json_array_get(tags, i), "Key"),
			   *value = ec2_member(json_array_get(tags, i), "Value");
		if (key && value)
			api_about_tag(about, str_from(prefix), str_from(key), str_from(value));
	}
}

static void add_request_tags(struct api_authorization *about, const json_t *tags)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)tags, key, value)
	{
		struct str text = {json_string_value(value), json_string_length(value)};
		api_about_tag(
			about, STR("aws:RequestTag/"), str_from(key), text.p ? text : STR(""));
		api_about_key(about, STR("aws:TagKeys"), str_from(key));
	}
}

/* ec2:Vpc and ec2:Subnet are ARNs. */
static void add_place(struct ec2 *ec2, struct api_authorization *about, const json_t *item,
	enum ec2_type type, const char *key)
{
	const char *id = ec2_member(item, rows[type].id);

	if (!id)
		return;
	_cleanup_free_ char *arn = mem_printf("arn:aws:ec2:%.*s:%.*s:%s/%s", STR_ARG(ec2->region),
		STR_ARG(ec2->account), rows[type].name, id);
	api_about_key(about, str_from(key), str_from(arn));
}

static void add_keys(struct ec2 *ec2, struct api_authorization *about,
	const struct ec2_question *question, const json_t *item)
{
	const json_t *tags = json_object_get(item, "Tags");

	if (!tags)
		tags = json_object_get(item, "TagSet");
	api_about_key(about, STR("ec2:Region"), ec2->region);
	add_tags(about, "aws:ResourceTag/", tags);
	add_tags(about, "ec2:ResourceTag/", tags);
	add_request_tags(about, question->request_tags);
	if (question->create_action)
		api_about_key(about, STR("ec2:CreateAction"), str_from(question->create_action));
	add_place(ec2, about, item, EC2_VPC, "ec2:Vpc");
	add_place(ec2, about, item, EC2_SUBNET, "ec2:Subnet");
}

int ec2_ask_resource(struct ec2 *ec2, const struct ec2_question *question, enum ec2_type type,
	const char *id, const json_t *item)
{
	struct api_authorization about = {0};
	_cleanup_free_ char *arn = mem_printf("arn:aws:ec2:%.*s:%.*s:%s/%s", STR_ARG(ec2->region),
		STR_ARG(ec2->account), ec2_type_row(type)->name, id);

	add_keys(ec2, &about, question, item);
	int result = api_authorize(ec2->call->exchange, str_from(question->action), str_from(arn),
		NULL, STR_NONE, about.context, about.context_count, ec2->error);
	api_authorization_done(&about);
	return result;
}

int ec2_ask_all(
	struct ec2 *ec2, const struct ec2_question *question, enum ec2_type type, const json_t *ids)
{
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const json_t *told;
		if (ec2_find(ec2, type, id, &told) < 0)
			return -1;
		json_t *item = told ? rows[type].make(ec2, told) : NULL;
		int result = ec2_ask_resource(ec2, question, type, id, item);
		json_decref(item);
		if (result < 0)
			return result;
	}
	return 0;
}

int ec2_ask_other(struct ec2 *ec2, const char *action, const char *resource, const char *key,
	const char *value)
{
	struct api_authorization about = {0};

	if (key)
		api_about_key(&about, str_from(key), str_from(value));
	int result = api_authorize(ec2->call->exchange, str_from(action), str_from(resource), NULL,
		STR_NONE, about.context, about.context_count, ec2->error);
	api_authorization_done(&about);
	return result;
}

int ec2_ask_any(struct ec2 *ec2)
{
	struct api_authorization about = {0};
	_cleanup_free_ char *action = mem_printf("ec2:%s", ec2->call->operation->name);

	api_about_key(&about, STR("ec2:Region"), ec2->region);
	int result = api_authorize(ec2->call->exchange, str_from(action), STR("*"), NULL, STR_NONE,
		about.context, about.context_count, ec2->error);
	api_authorization_done(&about);
	return result;
}
