/* Tags of any resource (EC2 user guide, "Tag your Amazon EC2 resources"). */
#include "api/ec2/ec2_priv.h"

#include <strings.h>

enum { KEY_MAX = 127, VALUE_MAX = 256, RESOURCES_MAX = 1000 };

/* In characters of UTF-8. */
static size_t length(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static int check_tag(struct ec2 *ec2, const char *key, const char *value)
{
	if (!key || !*key)
		return ec2_refuse(
			ec2, AWS_ERROR_INVALID_PARAMETER_VALUE, "Tag key cannot be null or empty.");
	if (length(key) > KEY_MAX)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"Tag key exceeds the maximum length of %d characters", KEY_MAX);
	if (value && length(value) > VALUE_MAX)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"Tag value exceeds the maximum length of %d characters", VALUE_MAX);
	if (strncasecmp(key, "aws:", 4) == 0)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"Tag keys starting with 'aws:' are reserved for internal use");
	return 0;
}

json_t *ec2_read_tags(struct ec2 *ec2, const json_t *list)
{
	json_t *tags = json_object();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *key = ec2_member(json_array_get(list, i), "Key"),
			   *value = ec2_member(json_array_get(list, i), "Value");
		int result = check_tag(ec2, key, value);
		if (result == 0 && json_object_get(tags, key))
			result = ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
				"Duplicate tag key '%s' specified.", key);
		if (result < 0) {
			json_decref(tags);
			return NULL;
		}
		ec2_set_text(tags, key, value ? value : "");
	}
	if (json_object_size(tags) > STORE_RESOURCE_TAGS_MAX) {
		aws_error_default(ec2->error, AWS_ERROR_TAG_LIMIT_EXCEEDED);
		json_decref(tags);
		return NULL;
	}
	return tags;
}

/* ---- on which resources ---- */

/* One visit a resource that is named. */
static int for_each_resource(struct ec2 *ec2,
	int (*visit)(struct ec2 *ec2, enum ec2_type type, const char *id, const json_t *told,
		const void *context),
	const void *context)
{
	const json_t *ids = ec2_input(ec2, "Resources");
	const json_t *told;
	int result = 0;

	if (json_array_size(ids) > RESOURCES_MAX)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"At most %d resources can be tagged at once.", RESOURCES_MAX);
	for (size_t i = 0; i < json_array_size(ids) && result == 0; i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		enum ec2_type type = ec2_type_of(id);
		if (type == EC2_TYPES)
			return ec2_refuse(
				ec2, AWS_ERROR_INVALID_ID, "The ID '%.200s' is not valid", id);
		if (ec2_find(ec2, type, id, &told) < 0)
			return -1;
		result = told ? visit(ec2, type, id, told, context) : ec2_refuse_id(ec2, type, id);
	}
	return result;
}

static int ask(struct ec2 *ec2, enum ec2_type type, const char *id, const json_t *told,
	const void *context)
{
	json_t *item = ec2_type_row(type)->make(ec2, told);
	int result = ec2_ask_resource(ec2, context, type, id, item);

	json_decref(item);
	return result;
}

int ec2_ask_tags(struct ec2 *ec2)
{
	bool is_create = strcmp(ec2->call->operation->name, "CreateTags") == 0;
	json_t *tags = ec2_read_tags(ec2, ec2_input(ec2, "Tags"));
	struct ec2_question question = {
		.action = is_create ? "ec2:CreateTags" : "ec2:DeleteTags", .request_tags = tags};

	if (!tags)
		return -1;
	int result = for_each_resource(ec2, ask, &question);
	json_decref(tags);
	return result;
}

/* ---- changes ---- */

/* The answer; agents know the tags of flow logs. */
static int answer(struct ec2 *ec2)
{
	const json_t *ids = ec2_input(ec2, "Resources");

	ec2_set(ec2->output, "Return", json_true());
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (ec2_type_of(json_string_value(json_array_get(ids, i))) == EC2_FLOW_LOG)
			return store_flow_logs_touch(ec2->context->flow_logs, ec2->err) < 0
				       ? ec2_broken(ec2)
				       : 0;
	return 0;
}

int ec2_create_tags(struct ec2 *ec2)
{
	const json_t *ids = ec2_input(ec2, "Resources");
	size_t count = json_array_size(ids);
	_cleanup_free_ struct str *names = mem_new(count + 1, sizeof(*names));
	json_t *tags = ec2_read_tags(ec2, ec2_input(ec2, "Tags"));

	if (!tags)
		return -1;
	for (size_t i = 0; i < count; i++)
		names[i] = str_from(json_string_value(json_array_get(ids, i)));
	int result = store_tags_put(ec2->context->network, names, count, tags, ec2->err);
	json_decref(tags);
	if (result == STORE_TAGS_TOO_MANY)
		return aws_error_default(ec2->error, AWS_ERROR_TAG_LIMIT_EXCEEDED);
	return result < 0 ? ec2_broken(ec2) : answer(ec2);
}

/* Those that the request means of the tags that the resource has. */
static bool is_meant(const json_t *given, const char *key, const char *value)
{
	if (!json_array_size(given))
		return true;
	for (size_t i = 0; i < json_array_size(given); i++) {
		const char *of = ec2_member(json_array_get(given, i), "Key"),
			   *with = ec2_member(json_array_get(given, i), "Value");
		if (of && strcmp(of, key) == 0 && (!with || strcmp(with, value) == 0))
			return true;
	}
	return false;
}

/* As they would be without any tag of users. */
static json_t *own_tags(struct ec2 *ec2, enum ec2_type type, const json_t *told)
{
	json_t *all = ec2->tags;

	ec2->tags = json_object();
	json_t *own = ec2_type_row(type)->tags(ec2, told);
	json_decref(ec2->tags);
	ec2->tags = all;
	return own;
}

static bool has_key(const json_t *tags, const char *key)
{
	for (size_t i = 0; i < json_array_size(tags); i++)
		if (strcmp(ec2_member(json_array_get(tags, i), "Key"), key) == 0)
			return true;
	return false;
}

static int delete_of(struct ec2 *ec2, enum ec2_type type, const char *id, const json_t *told,
	const void *context)
{
	const json_t *given = ec2_input(ec2, "Tags");
	json_t *there = ec2_type_row(type)->tags(ec2, told), *own = own_tags(ec2, type, told);
	json_t *keys = json_object(), *hide = json_object();
	int result = 0;

	for (size_t i = 0; i < json_array_size(there); i++) {
		const char *key = ec2_member(json_array_get(there, i), "Key"),
			   *value = ec2_member(json_array_get(there, i), "Value");
		if (!key || !is_meant(given, key, value ? value : ""))
			continue;
		json_object_set_new(has_key(own, key) ? hide : keys, key, json_null());
	}
	if (json_object_size(keys) || json_object_size(hide))
		result = store_tags_delete(
			ec2->context->network, str_from(id), keys, hide, ec2->err);
	json_decref(keys);
	json_decref(hide);
	json_decref(there);
	json_decref(own);
	return result < 0 ? ec2_broken(ec2) : 0;
}

int ec2_delete_tags(struct ec2 *ec2)
{
	return for_each_resource(ec2, delete_of, NULL) < 0 ? -1 : answer(ec2);
}

/* ---- reading ---- */

static void add_tags(
	struct ec2 *ec2, json_t *list, const struct ec2_type_row *row, const json_t *told)
{
	const char *id = ec2_member(told, row->id);

	if (!ec2_filter_allows(ec2, "Filters", "resource-id", id))
		return;
	json_t *tags = row->tags(ec2, told);
	for (size_t i = 0; i < json_array_size(tags); i++) {
		json_t *tag = json_array_get(tags, i);
		ec2_set_text(tag, "ResourceId", id);
		ec2_set_text(tag, "ResourceType", row->name);
		json_array_append(list, tag);
	}
	json_decref(tags);
}

static json_t *all_tags(struct ec2 *ec2)
{
	json_t *list = json_array();

	for (enum ec2_type type = 0; type < EC2_TYPES; type++) {
		const struct ec2_type_row *row = ec2_type_row(type);
		if (!ec2_filter_allows(ec2, "Filters", "resource-type", row->name))
			continue;
		const json_t *source = row->source(ec2);
		if (!source) {
			json_decref(list);
			return NULL;
		}
		for (size_t i = 0; i < json_array_size(source); i++)
			add_tags(ec2, list, row, json_array_get(source, i));
	}
	return list;
}

int ec2_describe_tags(struct ec2 *ec2)
{
	static const struct ec2_filter filters[] = {
		{"key", "Key"},
		{"resource-id", "ResourceId"},
		{"resource-type", "ResourceType"},
		{"value", "Value"},
		{NULL},
	};
	static const struct ec2_listing listing = {
		.filters = "Filters", .rows = filters, .page_min = 5};
	json_t *items = ec2_page(
		ec2, &listing, "ResourceId", "Key", ec2_filter(ec2, &listing, all_tags(ec2)));

	if (!items)
		return -1;
	ec2_set(ec2->output, "Tags", items);
	return 0;
}
