/* What ListLogGroups finds by tags and by field indexes (API reference, TagFilter): the names of
 * the groups that fit, found before the list is made, as tags are not in memory. */
#include "api/logs/logs_priv.h"

#include "store/log_documents.h"

#include <strings.h>

static bool add_name(void *context, const struct store_log_group *group)
{
	json_t *names = context;

	json_object_setn_new_nocheck(names, group->name.p, group->name.n, json_integer(group->id));
	return true;
}

/* ---- tags ---- */

static bool equals_anyhow(struct str text, struct str part, size_t at)
{
	return at + part.n <= text.n && strncasecmp(text.p + at, part.p, part.n) == 0;
}

/* '*' at an end, in any case; else the value itself. */
static bool value_fits(struct str wanted, struct str value)
{
	bool is_open = str_starts_with(wanted, STR("*"));
	struct str part = is_open ? (struct str){wanted.p + 1, wanted.n - 1} : wanted;
	bool is_ended = !str_ends_with(part, STR("*"));

	if (!is_open && is_ended)
		return str_equal(wanted, value);
	if (!is_ended)
		part.n--;
	if (!is_open)
		return equals_anyhow(value, part, 0);
	if (is_ended)
		return part.n <= value.n && equals_anyhow(value, part, value.n - part.n);
	for (size_t at = 0; at + part.n <= value.n; at++)
		if (equals_anyhow(value, part, at))
			return true;
	return false;
}

static bool any_fits(const json_t *values, struct str value)
{
	size_t i;
	json_t *item;

	json_array_foreach(values, i, item)
	{
		struct str wanted = logs_string(item);
		bool is_not = str_starts_with(wanted, STR("!"));
		if (is_not)
			wanted = (struct str){wanted.p + 1, wanted.n - 1};
		if (value_fits(wanted, value) != is_not)
			return true;
	}
	return json_array_size(values) == 0;
}

static void add_tag(void *context, struct str key, struct str value)
{
	json_object_setn_new_nocheck(context, key.p, key.n, logs_json(value));
}

static bool tags_fit(const json_t *filters, const json_t *tags)
{
	size_t i;
	json_t *filter;

	json_array_foreach(filters, i, filter)
	{
		const char *key = json_string_value(json_object_get(filter, "key"));
		const json_t *value = json_object_get(tags, key);
		if (!value || !any_fits(json_object_get(filter, "values"), logs_string(value)))
			return false;
	}
	return true;
}

static int keep_tagged(
	struct api_call *call, const json_t *filters, json_t *names, struct aws_error *error)
{
	const char *name;
	void *next;
	json_t *id;
	int result = 0;

	json_object_foreach_safe(names, next, name, id)
	{
		json_t *tags = json_object();
		struct aws_error gone = {0};
		/* A group that is deleted meanwhile has no tags. */
		if (store_log_tags_list(logs_of(call)->events, str_from(name), add_tag, tags, &gone,
			    &call->exchange->err) < 0 &&
			gone.code != AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION)
			result = aws_error_internal(error);
		if (!tags_fit(filters, tags))
			json_object_del(names, name);
		json_decref(tags);
	}
	return result;
}

/* ---- field indexes ---- */

struct indexed {
	const json_t *wanted;
	json_t *ids; /* of groups that have them all */
};

static bool has_index(const json_t *document, const char *field)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(document, "Fields"), i, item)
	{
		if (strcmp(json_string_value(item), field) == 0)
			return true;
	}
	return json_object_get(json_object_get(document, "FieldsV2"), field) != NULL;
}

static void add_indexed(void *context, const struct store_log_document *kept)
{
	struct indexed *indexed = context;
	json_t *policy = json_loadb(kept->text.p, kept->text.n, 0, NULL), *item;
	struct str text = logs_string(json_object_get(policy, "policyDocument"));
	json_t *document = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
	bool has_all = true;
	size_t i;

	json_array_foreach(indexed->wanted, i, item) has_all &=
		has_index(document, json_string_value(item));
	if (has_all)
		json_array_append_new(indexed->ids, json_integer(kept->owner));
	json_decref(document);
	json_decref(policy);
}

static bool is_among(const json_t *ids, const json_t *id)
{
	size_t i;
	json_t *item;

	json_array_foreach(ids, i, item)
	{
		if (json_integer_value(item) == json_integer_value(id))
			return true;
	}
	return false;
}

static int keep_indexed(
	struct api_call *call, const json_t *wanted, json_t *names, struct aws_error *error)
{
	struct indexed indexed = {wanted, json_array()};
	const char *name;
	void *next;
	json_t *id;
	int result = store_log_documents_list(logs_of(call)->database, LOGS_INDEX_POLICY,
		add_indexed, &indexed, &call->exchange->err);

	json_object_foreach_safe(names, next, name, id)
	{
		if (!is_among(indexed.ids, id))
			json_object_del(names, name);
	}
	json_decref(indexed.ids);
	return result < 0 ? aws_error_internal(error) : 0;
}

int logs_group_filter(struct api_call *call, json_t **ret_names, struct aws_error *error)
{
	const json_t *tags = json_object_get(call->input, "logGroupTags");
	const json_t *fields = json_object_get(call->input, "fieldIndexNames");
	int result = 0;

	*ret_names = NULL;
	if (!tags && !fields)
		return 0;
	json_t *names = json_object();
	store_log_group_list(logs_of(call)->events, STR(""), add_name, names);
	if (fields)
		result = keep_indexed(call, fields, names, error);
	if (result == 0 && tags)
		result = keep_tagged(call, tags, names, error);
	if (result == 0)
		*ret_names = json_incref(names);
	json_decref(names);
	return result;
}
