/* Destinations: names of streams that subscription filters may deliver to (CloudWatch Logs user
 * guide, "Cross-account subscriptions"). Who has a filter deliver to one needs
 * logs:PutSubscriptionFilter on it, by a policy of the identity's or by the destination's own. */
#include "api/logs/kept_priv.h"

#include "aws/arn.h"
#include "aws/policy.h"
#include "base/clock.h"

static int check_arns(const struct api_call *call, struct aws_error *error)
{
	struct str target = logs_text(call, "targetArn"), role = logs_text(call, "roleArn");
	struct aws_arn arn;

	if (!aws_arn_parse(target, &arn) || (!str_equal(arn.service, STR("kinesis")) &&
						    !str_equal(arn.service, STR("firehose"))))
		return logs_refuse(error,
			"targetArn is no ARN of a stream of Kinesis or Firehose: %.*s",
			STR_ARG(target));
	if (!aws_arn_parse(role, &arn) || !str_equal(arn.service, STR("iam")) ||
		!str_starts_with(arn.resource, STR("role/")))
		return logs_refuse(error, "roleArn is no ARN of a role: %.*s", STR_ARG(role));
	return logs_check_tags(call, error);
}

static int put(struct api_call *call, struct aws_error *error)
{
	struct str name = logs_text(call, "destinationName");
	json_t *object = NULL, *tags = json_object_get(call->input, "tags");

	if (logs_kept_find(call, &logs_destinations, name, &object, error) < 0)
		return -1;
	if (!object)
		object = json_pack("{s:o, s:o, s:I, s:{}}", "destinationName", logs_json(name),
			"arn", logs_kept_arn(logs_of(call), &logs_destinations, name),
			"creationTime", (json_int_t)(clock_wall_ns() / 1000000), "tags");
	json_object_set(object, "targetArn", json_object_get(call->input, "targetArn"));
	json_object_set(object, "roleArn", json_object_get(call->input, "roleArn"));
	json_object_update(json_object_get(object, "tags"), tags);
	int result = logs_kept_put(call, &logs_destinations, object, error);
	if (result == 0)
		logs_kept_tell(call, &logs_destinations, object);
	json_decref(object);
	return result;
}

LOGS_HANDLER(logs_put_destination)
{
	if (check_arns(call, error) < 0)
		return -1;
	logs_kept_lock();
	int result = put(call, error);
	logs_kept_unlock();
	return result;
}

static int put_policy(struct api_call *call, struct aws_error *error)
{
	json_t *object = NULL;

	if (logs_kept_get(call, &logs_destinations, logs_text(call, "destinationName"), &object,
		    error) < 0)
		return -1;
	json_object_set(object, "accessPolicy", json_object_get(call->input, "accessPolicy"));
	int result = logs_kept_put(call, &logs_destinations, object, error);
	json_decref(object);
	return result;
}

LOGS_HANDLER(logs_put_destination_policy)
{
	_cleanup_(aws_policy_freep) struct aws_policy *parsed = NULL;
	struct err err = ERR_INIT;

	if (aws_policy_parse(&parsed, logs_text(call, "accessPolicy"), AWS_POLICY_KEPT, &err) < 0)
		return logs_refuse(error, "%s", err.message);
	logs_kept_lock();
	int result = put_policy(call, error);
	logs_kept_unlock();
	return result;
}

LOGS_HANDLER(logs_describe_destinations)
{
	return logs_kept_list(
		call, &logs_destinations, logs_text(call, "DestinationNamePrefix"), error);
}

LOGS_HANDLER(logs_delete_destination)
{
	return logs_kept_delete(
		call, &logs_destinations, logs_text(call, "destinationName"), error);
}

int logs_destination_allow(struct api_call *call, struct str arn, struct aws_error *error)
{
	_cleanup_(aws_policy_freep) struct aws_policy *policy = NULL;
	json_t *object = NULL;
	struct str name;

	if (logs_kept_of_arn(logs_of(call), arn, &name) != &logs_destinations)
		return 0;
	if (logs_kept_get(call, &logs_destinations, name, &object, error) < 0)
		return -1;
	struct str text = logs_string(json_object_get(object, "accessPolicy"));
	int result =
		text.p && aws_policy_parse(&policy, text, AWS_POLICY_KEPT, &call->exchange->err) < 0
			? aws_error_internal(error)
			: 0;
	if (result == 0)
		result = api_authorize(call->exchange, STR("logs:PutSubscriptionFilter"), arn,
			policy, logs_of(call)->account, NULL, 0, error);
	json_decref(object);
	return result;
}
