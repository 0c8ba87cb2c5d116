/* DescribeFlowLogs and DeleteFlowLogs. */
#include "api/ec2/ec2_priv.h"

enum { DELETED_MAX = 1000 };

json_t *ec2_flow_log_tags(struct ec2 *ec2, const json_t *told)
{
	return ec2_tags(ec2, ec2_member(told, "FlowLogId"), NULL, NULL);
}

/* Beside what the store has: tags, and how deliveries fare. */
json_t *ec2_make_flow_log(struct ec2 *ec2, const json_t *told)
{
	const char *id = ec2_member(told, "FlowLogId");
	json_t *item = json_copy((json_t *)told);
	char fault[64];
	bool has = store_network_fault(ec2->context->network, str_from(id), fault);

	/* The agents' part. */
	json_object_del(item, "ResourceType");
	ec2_set_text(item, "FlowLogStatus", "ACTIVE");
	ec2_set_text(item, "DeliverLogsStatus", has ? "FAILED" : "SUCCESS");
	ec2_set_text(item, "DeliverLogsErrorMessage", has ? fault : NULL);
	ec2_set(item, "Tags", ec2_flow_log_tags(ec2, told));
	return item;
}

int ec2_describe_flow_logs(struct ec2 *ec2)
{
	static const struct ec2_filter filters[] = {
		{"deliver-log-status", "DeliverLogsStatus"},
		{"flow-log-id", "FlowLogId", "FlowLogId"},
		{"log-destination-type", "LogDestinationType"},
		{"log-group-name", "LogGroupName", "LogGroupName"},
		{"resource-id", "ResourceId", "ResourceId"},
		{"traffic-type", "TrafficType", "TrafficType"},
		{NULL},
	};
	static const struct ec2_listing listing = {
		EC2_FLOW_LOG, "FlowLogs", "FlowLogIds", "Filter", filters, 1};

	return ec2_list(ec2, &listing);
}

/* ---- the end ---- */

int ec2_ask_delete_flow_logs(struct ec2 *ec2)
{
	static const struct ec2_question question = {.action = "ec2:DeleteFlowLogs"};

	return ec2_ask_all(ec2, &question, EC2_FLOW_LOG, ec2_input(ec2, "FlowLogIds"));
}

static int check_ids(struct ec2 *ec2, const json_t *ids)
{
	if (!json_array_size(ids))
		return ec2_refuse(ec2, AWS_ERROR_MISSING_PARAMETER,
			"The request must contain the parameter FlowLogId");
	if (json_array_size(ids) > DELETED_MAX)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"At most %d flow logs can be deleted at once.", DELETED_MAX);
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (!json_string_length(json_array_get(ids, i)))
			return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
				"1 validation error detected: Value null at 'flowLogId' has an invalid format");
	return 0;
}

static int refuse_missing(struct ec2 *ec2, const json_t *missing)
{
	_cleanup_buf_ struct buf text = {0};

	for (size_t i = 0; i < json_array_size(missing); i++)
		buf_printf(&text, " %s", json_string_value(json_array_get(missing, i)));
	return ec2_refuse(ec2, AWS_ERROR_INVALID_FLOW_LOG_ID_NOT_FOUND,
		"These flow log ids in the input list are not found: [TotalCount: %zu]%s",
		json_array_size(missing), buf_text(&text));
}

static json_t *unsuccessful(const json_t *missing)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(missing); i++)
		json_array_append_new(list,
			json_pack("{s:O, s:{s:s, s:s}}", "ResourceId", json_array_get(missing, i),
				"Error", "Code",
				aws_error_name(AWS_ERROR_INVALID_FLOW_LOG_ID_NOT_FOUND), "Message",
				aws_error_message(AWS_ERROR_INVALID_FLOW_LOG_ID_NOT_FOUND)));
	return list;
}

/* Those that are there are deleted; when none is the request fails. */
int ec2_delete_flow_logs(struct ec2 *ec2)
{
	const json_t *ids = ec2_input(ec2, "FlowLogIds");
	int result = check_ids(ec2, ids);

	if (result < 0)
		return result;
	json_t *missing = json_array();
	if (store_flow_logs_delete(ec2->context->flow_logs, ids, missing, ec2->err) < 0)
		result = ec2_broken(ec2);
	else if (json_array_size(missing) == json_array_size(ids))
		result = refuse_missing(ec2, missing);
	else
		ec2_set(ec2->output, "Unsuccessful", unsuccessful(missing));
	json_decref(missing);
	return result;
}
