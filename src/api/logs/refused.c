/* What CloudWatch Logs has and nagare has not: keys of KMS and data protection are refused, since
 * nothing would be encrypted or masked; of what nobody can make, lists are empty. */
#include "api/logs/queries_priv.h"

/* A group by name or by the ARN in resourceIdentifier. */
static int find_group(struct api_call *call, struct str *ret_name, struct aws_error *error)
{
	struct str name = logs_text(call, "logGroupName");
	struct str identifier = logs_text(call, "resourceIdentifier");

	if (!name.p == !identifier.p)
		return logs_refuse(
			error, "Exactly one of logGroupName and resourceIdentifier must be given.");
	if (identifier.p && !logs_parse_group(logs_of(call), identifier, &name))
		return logs_refuse(error, "resourceIdentifier is no log group of this account.");
	*ret_name = name;
	return 0;
}

int logs_about_kms(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	const struct logs *logs = logs_of(call);
	struct str name = STR_NONE;

	if (find_group(call, &name, error) < 0)
		return -1;
	api_about_resource(authorization,
		"arn:aws:logs:%.*s:%.*s:log-group:%.*s:log-stream:", STR_ARG(logs->region),
		STR_ARG(logs->account), STR_ARG(name));
	return 0;
}

static int check_group(struct api_call *call, struct str name, struct aws_error *error)
{
	_cleanup_(store_log_group_done) struct store_log_group group = {0};

	return store_log_group_get(logs_of(call)->events, name, &group, error);
}

LOGS_HANDLER(logs_associate_key)
{
	struct str name = STR_NONE;

	if (find_group(call, &name, error) < 0 || check_group(call, name, error) < 0)
		return -1;
	return logs_refuse(error, "The specified KMS key does not exist or is not allowed.");
}

/* No group has one. */
LOGS_HANDLER(logs_disassociate_key)
{
	struct str name = STR_NONE;

	return find_group(call, &name, error) < 0 ? -1 : check_group(call, name, error);
}

LOGS_HANDLER(logs_put_protection_policy)
{
	struct str name = STR_NONE;

	if (logs_group(call, &name, error) < 0 || check_group(call, name, error) < 0)
		return -1;
	return logs_refuse(error, "Data protection policies are not supported.");
}

LOGS_HANDLER(logs_get_protection_policy)
{
	struct str name = STR_NONE;

	if (logs_group(call, &name, error) < 0 || check_group(call, name, error) < 0)
		return -1;
	json_object_set(call->output, "logGroupIdentifier",
		json_object_get(call->input, "logGroupIdentifier"));
	return 0;
}

/* No group has one. */
LOGS_HANDLER(logs_delete_protection_policy)
{
	struct str name = STR_NONE;

	return logs_group(call, &name, error) < 0 ? -1 : check_group(call, name, error);
}

LOGS_HANDLER(logs_none)
{
	static const struct {
		const char *operation, *member;
	} lists[] = {{"DescribeAccountPolicies", "accountPolicies"},
		{"ListLogAnomalyDetectors", "anomalyDetectors"}, {"ListAnomalies", "anomalies"}};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (strcmp(call->operation->name, lists[i].operation) == 0)
			json_object_set_new(call->output, lists[i].member, json_array());
	return 0;
}

LOGS_HANDLER(logs_query_groups)
{
	struct str id = logs_text(call, "queryId");
	_cleanup_(logs_query_unrefp) struct log_query *query =
		logs_queries_find(logs_of(call)->queries, id);
	json_t *list = json_array();

	json_object_set_new(call->output, "logGroupIdentifiers", list);
	if (!query)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"Query with ID %.*s does not exist.", STR_ARG(id));
	for (size_t i = 0; i < query->groups.count; i++)
		json_array_append_new(list, json_string(query->groups.names[i]));
	return 0;
}
