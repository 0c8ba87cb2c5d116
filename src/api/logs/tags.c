/* Tags of log groups, by the old operations (of groups) and the new (of ARNs), and of what is kept
 * by name, which has them in its document. */
#include "api/logs/kept_priv.h"

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

/* ---- of what is kept ---- */

static const struct logs_kept *kept_of(const struct api_call *call, struct str *ret_name)
{
	struct str arn = logs_text(call, "resourceArn");

	return arn.p ? logs_kept_of_arn(logs_of(call), arn, ret_name) : NULL;
}

/* Puts the tags of the input, or takes away its keys. */
static int change(struct api_call *call, const struct logs_kept *kept, struct str name,
	struct aws_error *error)
{
	json_t *object = NULL, *item;
	size_t i;

	if (logs_kept_get(call, kept, name, &object, error) < 0)
		return -1;
	json_t *tags = json_object_get(object, "tags");
	json_object_update(tags, json_object_get(call->input, "tags"));
	json_array_foreach(json_object_get(call->input, "tagKeys"), i, item)
		json_object_del(tags, json_string_value(item));
	int result = json_object_size(tags) > LOGS_TAGS_MAX
			     ? aws_error_default(error, AWS_ERROR_TOO_MANY_TAGS_EXCEPTION)
			     : logs_kept_put(call, kept, object, error);
	json_decref(object);
	return result;
}

static int change_locked(struct api_call *call, const struct logs_kept *kept, struct str name,
	struct aws_error *error)
{
	logs_kept_lock();
	int result = change(call, kept, name, error);
	logs_kept_unlock();
	return result;
}

static int list_kept(struct api_call *call, const struct logs_kept *kept, struct str name,
	struct aws_error *error)
{
	json_t *object = NULL;

	if (logs_kept_get(call, kept, name, &object, error) < 0)
		return -1;
	json_object_set(call->output, "tags", json_object_get(object, "tags"));
	json_decref(object);
	return 0;
}

/* ---- the operations ---- */

LOGS_HANDLER(logs_tag)
{
	struct str group;
	const struct logs_kept *kept = kept_of(call, &group);

	if (kept)
		return logs_check_tags(call, error) < 0 ? -1
							: change_locked(call, kept, group, error);
	if (group_of(call, &group, error) < 0 || logs_check_tags(call, error) < 0)
		return -1;
	return logs_put_tags(call, group, error);
}

LOGS_HANDLER(logs_untag)
{
	const json_t *list = json_object_get(call->input, "tagKeys");
	struct str group;
	const struct logs_kept *kept = kept_of(call, &group);
	size_t i;
	json_t *item;

	if (kept)
		return change_locked(call, kept, group, error);
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
	const struct logs_kept *kept = kept_of(call, &group);

	if (kept)
		return list_kept(call, kept, group, error);
	if (group_of(call, &group, error) < 0)
		return -1;
	json_t *tags = json_object();
	json_object_set_new(call->output, "tags", tags);
	return store_log_tags_list(
		logs_of(call)->events, group, add_tag, tags, error, &call->exchange->err);
}
