/* Tags of log groups, by the old operations (of groups) and the new (of ARNs). */
#include "api/logs/logs_priv.h"

#include <strings.h>

static int group_of(struct api_call *call, struct str *ret_group, struct aws_error *error)
{
	struct str arn = logs_text(call, "resourceArn");

	*ret_group = logs_text(call, "logGroupName");
	if (arn.p && !logs_parse_group(logs_of(call), arn, ret_group))
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"The specified resource does not exist.");
	return 0;
}

int logs_check_tags(const struct api_call *call, struct aws_error *error)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(call->input, "tags"), key, value)
	{
		if (strncasecmp(key, "aws:", 4) == 0)
			return logs_refuse(error,
				"Tag keys starting with 'aws:' are reserved for system use.");
	}
	return 0;
}

int logs_put_tags(struct api_call *call, struct str group, struct aws_error *error)
{
	json_t *object = json_object_get(call->input, "tags");
	size_t count = 0;
	const char *key;
	json_t *value;

	if (!json_object_size(object))
		return 0;
	_cleanup_free_ struct store_log_tag *tags =
		mem_new(json_object_size(object), sizeof(*tags));
	json_object_foreach(object, key, value)
	{
		tags[count++] = (struct store_log_tag){str_from(key), logs_string(value)};
	}
	return store_log_tags_put(logs_of(call)->events, group, tags, count, LOGS_TAGS_MAX, error,
		&call->exchange->err);
}

LOGS_HANDLER(logs_tag)
{
	struct str group;

	if (group_of(call, &group, error) < 0 || logs_check_tags(call, error) < 0)
		return -1;
	return logs_put_tags(call, group, error);
}

LOGS_HANDLER(logs_untag)
{
	const json_t *list = json_object_get(call->input, "tagKeys");
	struct str group;
	size_t i;
	json_t *item;

	if (!list)
		list = json_object_get(call->input, "tags");
	if (group_of(call, &group, error) < 0)
		return -1;
	_cleanup_free_ struct str *keys = mem_new(json_array_size(list) + 1, sizeof(*keys));
	json_array_foreach(list, i, item)
	{
		keys[i] = logs_string(item);
	}
	return store_log_tags_remove(logs_of(call)->events, group, keys, json_array_size(list),
		error, &call->exchange->err);
}

static void add_tag(void *context, struct str key, struct str value)
{
	json_object_setn_new_nocheck(context, key.p, key.n, logs_json(value));
}

LOGS_HANDLER(logs_list_tags)
{
	struct str group;

	if (group_of(call, &group, error) < 0)
		return -1;
	json_t *tags = json_object();
	json_object_set_new(call->output, "tags", tags);
	return store_log_tags_list(
		logs_of(call)->events, group, add_tag, tags, error, &call->exchange->err);
}
