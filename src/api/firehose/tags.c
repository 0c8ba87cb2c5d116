/* Tags of delivery streams. */
#include "api/firehose/firehose_priv.h"

#include <stdlib.h>
#include <string.h>

int firehose_tags_read(const json_t *given, json_t *tags, struct aws_error *error)
{
	size_t i;
	json_t *tag;

	json_array_foreach(given, i, tag)
	{
		struct str key = api_member_text(tag, "Key"), value = api_member_text(tag, "Value");
		json_object_setn_new_nocheck(
			tags, key.p, key.n, firehose_json(value.p ? value : STR("")));
	}
	if (json_object_size(tags) > FIREHOSE_TAGS_MAX)
		return aws_error_set(error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION,
			"A delivery stream can have no more than %d tags.", FIREHOSE_TAGS_MAX);
	return 0;
}

/* The stream's tags are these from now on, if they can be written. Lock held. */
static int save(struct api_call *call, struct firehose_stream *stream, json_t *tags,
	struct aws_error *error)
{
	if (firehose_stream_save(stream, NULL, tags, stream->is_deleting, &call->exchange->err) ==
		0)
		return 0;
	json_decref(tags);
	return aws_error_internal(error);
}

FIREHOSE_HANDLER(firehose_tag)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;

	if (firehose_stream_of(call, false, &stream, error) < 0)
		return -1;
	pthread_mutex_lock(&stream->lock);
	json_t *tags = json_deep_copy(stream->tags);
	int result = firehose_tags_read(json_object_get(call->input, "Tags"), tags, error);
	if (result == 0)
		result = save(call, stream, tags, error);
	else
		json_decref(tags);
	pthread_mutex_unlock(&stream->lock);
	return result;
}

FIREHOSE_HANDLER(firehose_untag)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;
	size_t i;
	json_t *key;

	if (firehose_stream_of(call, false, &stream, error) < 0)
		return -1;
	pthread_mutex_lock(&stream->lock);
	json_t *tags = json_deep_copy(stream->tags);
	json_array_foreach(json_object_get(call->input, "TagKeys"), i, key)
	{
		json_object_deln(tags, json_string_value(key), json_string_length(key));
	}
	int result = save(call, stream, tags, error);
	pthread_mutex_unlock(&stream->lock);
	return result;
}

static int compare_keys(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

FIREHOSE_HANDLER(firehose_list_tags)
{
	_cleanup_stream_ struct firehose_stream *stream = NULL;
	struct str after = api_member_text(call->input, "ExclusiveStartTagKey");
	size_t limit = (size_t)api_member_number(call->input, "Limit", FIREHOSE_TAGS_MAX);
	size_t count = 0;
	bool has_more = false;
	const char *key;
	json_t *value;

	if (firehose_stream_of(call, true, &stream, error) < 0)
		return -1;
	pthread_mutex_lock(&stream->lock);
	json_t *list = json_array(), *tags = json_deep_copy(stream->tags);
	pthread_mutex_unlock(&stream->lock);
	_cleanup_free_ const char **keys = mem_new(json_object_size(tags) + 1, sizeof(char *));
	json_object_foreach(tags, key, value) keys[count++] = key;
	if (count)
		qsort(keys, count, sizeof(char *), compare_keys);
	for (size_t i = 0; i < count; i++) {
		if (after.p &&
			strncmp(keys[i], after.p, after.n + (strlen(keys[i]) <= after.n)) <= 0)
			continue;
		has_more = json_array_size(list) == limit;
		if (has_more)
			break;
		json_array_append_new(list, json_pack("{s:s,s:O}", "Key", keys[i], "Value",
						    json_object_get(tags, keys[i])));
	}
	json_decref(tags);
	json_object_set_new(call->output, "Tags", list);
	json_object_set_new(call->output, "HasMoreTags", json_boolean(has_more));
	return 0;
}
