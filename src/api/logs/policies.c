/* Resource policies of the account: kept and given back. They let AWS's services write, of which
 * there are none here, so nothing asks them. */
#include "api/logs/logs_priv.h"

#include "aws/policy.h"
#include "base/clock.h"

enum { POLICIES_MAX = 10 };

static json_t *describe(const struct store_log_policy *policy)
{
	return json_pack("{s:o, s:o, s:I, s:s}", "policyName", logs_json(policy->name),
		"policyDocument", logs_json(policy->document), "lastUpdatedTime",
		(json_int_t)policy->updated_ms, "policyScope", "ACCOUNT");
}

static int refuse_resource(const struct api_call *call, struct aws_error *error)
{
	if (logs_text(call, "resourceArn").p)
		return logs_refuse(error, "Policies of a single resource are not supported.");
	if (!logs_text(call, "policyName").n)
		return logs_refuse(error, "policyName must be given.");
	return 0;
}

LOGS_HANDLER(logs_put_policy)
{
	_cleanup_(aws_policy_freep) struct aws_policy *parsed = NULL;
	struct err err = ERR_INIT;
	const struct store_log_policy policy = {.name = logs_text(call, "policyName"),
		.document = logs_text(call, "policyDocument"),
		.updated_ms = clock_wall_ns() / 1000000};

	if (refuse_resource(call, error) < 0)
		return -1;
	if (!policy.document.p)
		return logs_refuse(error, "policyDocument must be given.");
	if (aws_policy_parse(&parsed, policy.document, AWS_POLICY_KEPT, &err) < 0)
		return logs_refuse(error, "%s", err.message);
	if (store_log_policy_put(
		    logs_of(call)->events, &policy, POLICIES_MAX, error, &call->exchange->err) < 0)
		return -1;
	json_object_set_new(call->output, "resourcePolicy", describe(&policy));
	return 0;
}

LOGS_HANDLER(logs_delete_policy)
{
	if (refuse_resource(call, error) < 0)
		return -1;
	return store_log_policy_delete(
		logs_of(call)->events, logs_text(call, "policyName"), error, &call->exchange->err);
}

static void add_policy(void *context, const struct store_log_policy *policy)
{
	json_array_append_new(context, describe(policy));
}

LOGS_HANDLER(logs_describe_policies)
{
	json_t *list = json_array();

	json_object_set_new(call->output, "resourcePolicies", list);
	if (logs_text(call, "resourceArn").p)
		return 0;
	/* Never more than a page. */
	if (store_log_policy_list(logs_of(call)->events, add_policy, list, &call->exchange->err) <
		0)
		return aws_error_internal(error);
	return 0;
}
