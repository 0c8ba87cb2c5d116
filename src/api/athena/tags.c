/* Tags of workgroups, by their ARN: lists of {Key, Value}. */
#include "api/athena/athena_priv.h"

enum { TAGS_MAX = 50 };

static int find(struct api_call *call, json_t **ret_tags, struct aws_error *error)
{
	struct athena *athena = athena_of(call);
	struct str arn = athena_text(call->input, "ResourceARN");
	_cleanup_buf_ struct buf prefix = {0};

	buf_printf(&prefix, "arn:aws:athena:%.*s:%.*s:workgroup/", STR_ARG(athena->settings.region),
		STR_ARG(athena->settings.account));
	json_t *group = NULL;
	if (str_starts_with(arn, buf_str(&prefix)))
		group = athena_workgroup(athena, (struct str){arn.p + prefix.n, arn.n - prefix.n},
			&call->exchange->err);
	if (!group)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"Resource %.*s was not found", STR_ARG(arn));
	json_decref(group);
	if (store_queries_get(athena->settings.queries, STORE_QUERY_TAGS, STR(""), arn, ret_tags,
		    &call->exchange->err) < 0)
		return aws_error_internal(error);
	if (!*ret_tags)
		*ret_tags = json_array();
	return 0;
}

static int put(struct api_call *call, json_t *tags, struct aws_error *error)
{
	int r = store_queries_put(athena_of(call)->settings.queries, STORE_QUERY_TAGS, STR(""),
		athena_text(call->input, "ResourceARN"), tags, &call->exchange->err);

	json_decref(tags);
	return r < 0 ? aws_error_internal(error) : 0;
}

static void remove_key(json_t *tags, struct str key)
{
	for (size_t i = json_array_size(tags); i-- > 0;) {
		if (str_equal(athena_text(json_array_get(tags, i), "Key"), key))
			json_array_remove(tags, i);
	}
}

ATHENA_HANDLER(athena_tag)
{
	const json_t *added = json_object_get(call->input, "Tags");
	json_t *tags = NULL;

	if (find(call, &tags, error) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(added); i++) {
		remove_key(tags, athena_text(json_array_get(added, i), "Key"));
		json_array_append(tags, json_array_get(added, i));
	}
	if (json_array_size(tags) > TAGS_MAX) {
		json_decref(tags);
		return athena_refuse(
			error, "INVALID_INPUT", "A resource can have no more than 50 tags.");
	}
	return put(call, tags, error);
}

ATHENA_HANDLER(athena_untag)
{
	const json_t *keys = json_object_get(call->input, "TagKeys");
	json_t *tags = NULL;

	if (find(call, &tags, error) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);
		remove_key(tags, (struct str){json_string_value(key), json_string_length(key)});
	}
	return put(call, tags, error);
}

ATHENA_HANDLER(athena_list_tags)
{
	json_t *tags = NULL;

	if (find(call, &tags, error) < 0)
		return -1;
	json_object_set_new(call->output, "Tags", tags);
	return 0;
}
