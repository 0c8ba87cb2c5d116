/* Tags of alarms, and of rules of Contributor Insights. */
#include "api/monitoring/insight.h"

json_t *monitoring_read_tags(const json_t *list)
{
	json_t *tags = json_object();
	size_t i;
	json_t *tag;

	json_array_foreach(list, i, tag)
	{
		json_object_set(tags, json_string_value(json_object_get(tag, "Key")),
			json_object_get(tag, "Value"));
	}
	return tags;
}

/* The name in an alarm's ARN. */
static struct str tagged(const struct api_call *call)
{
	const struct monitoring *monitoring = monitoring_of(call);
	struct str arn = api_member_text(call->input, "ResourceARN");
	_cleanup_free_ char *prefix =
		mem_printf("arn:%s:cloudwatch:%s:%s:alarm:", monitoring->partition,
			monitoring->region, monitoring->account);
	struct str start = str_from(prefix);

	if (!str_starts_with(arn, start))
		return STR_NONE;
	return (struct str){arn.p + start.n, arn.n - start.n};
}

static int read_rule_tags(
	struct api_call *call, struct str name, json_t **ret_tags, struct aws_error *error)
{
	json_t *rule;

	if (insight_rule_get(monitoring_of(call), name, &rule, &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	*ret_tags = json_incref(json_object_get(rule, "tags"));
	json_decref(rule);
	return 0;
}

static int change_rule_tags(struct api_call *call, struct str name, const json_t *set,
	const json_t *remove, struct aws_error *error)
{
	json_t *rule;
	size_t i;
	json_t *key;

	if (insight_rule_get(monitoring_of(call), name, &rule, &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	json_t *tags = json_object_get(rule, "tags");
	if (set)
		json_object_update(tags, (json_t *)set);
	json_array_foreach(remove, i, key) json_object_del(tags, json_string_value(key));
	int result = insight_rule_put(monitoring_of(call), name, rule, &call->exchange->err);
	json_decref(rule);
	return result < 0 ? monitoring_inner(call, error) : 0;
}

static int read_tags_of(struct api_call *call, json_t **ret_tags, struct aws_error *error)
{
	struct str name = tagged(call);
	struct str rule = insight_rule_of_arn(
		monitoring_of(call), api_member_text(call->input, "ResourceARN"));

	*ret_tags = NULL;
	if (rule.p)
		return read_rule_tags(call, rule, ret_tags, error);
	if (name.p && store_alarm_tags(monitoring_of(call)->metrics, name, ret_tags,
			      &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	return 0;
}

static int find_tags(struct api_call *call, json_t **ret_tags, struct aws_error *error)
{
	if (read_tags_of(call, ret_tags, error) < 0)
		return -1;
	return *ret_tags ? 0
			 : aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION, "Unknown");
}

MONITORING_HANDLER(monitoring_list_tags)
{
	json_t *list = json_array();
	json_t *value;
	const char *key;
	json_t *tags;

	json_object_set_new(call->output, "Tags", list);
	/* What is not there has none. */
	if (read_tags_of(call, &tags, error) < 0)
		return -1;
	json_object_foreach(tags, key, value)
		json_array_append_new(list, json_pack("{s:s, s:O}", "Key", key, "Value", value));
	json_decref(tags);
	return 0;
}

static int change_tags(
	struct api_call *call, const json_t *set, const json_t *remove, struct aws_error *error)
{
	json_t *tags;

	if (find_tags(call, &tags, error) < 0)
		return -1;
	json_decref(tags);
	struct str rule = insight_rule_of_arn(
		monitoring_of(call), api_member_text(call->input, "ResourceARN"));
	if (rule.p)
		return change_rule_tags(call, rule, set, remove, error);
	if (store_alarm_tag(monitoring_of(call)->metrics, tagged(call), set, remove,
		    &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	return 0;
}

MONITORING_HANDLER(monitoring_tag)
{
	json_t *tags = monitoring_read_tags(json_object_get(call->input, "Tags"));
	int result = change_tags(call, tags, NULL, error);

	json_decref(tags);
	return result;
}

MONITORING_HANDLER(monitoring_untag)
{
	return change_tags(call, NULL, json_object_get(call->input, "TagKeys"), error);
}
