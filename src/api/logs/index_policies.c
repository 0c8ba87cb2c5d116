/* Field indexes of log groups (CloudWatch Logs API reference, PutIndexPolicy): which fields queries
 * ask for often. The policy is kept and told, and goes with its group; queries give the same
 * answers with it and without, and read as much. */
#include "api/logs/logs_priv.h"

#include "base/clock.h"
#include "store/log_documents.h"

#define NAME STR("policy")
enum { FIELDS_MAX = 20, FIELD_MAX = 100 };

static int find_group(const struct api_call *call, struct str identifier,
	struct store_log_group *ret_group, struct aws_error *error)
{
	struct str name;

	if (!logs_parse_group(logs_of(call), identifier, &name))
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"The specified log group does not exist.");
	return store_log_group_get(logs_of(call)->events, name, ret_group, error);
}

/* ---- the document ---- */

static int refuse(struct aws_error *error, const char *text)
{
	return logs_refuse(error, "Invalid policyDocument: %s", text);
}

static bool is_field(struct str name)
{
	return name.n > 0 && name.n <= FIELD_MAX;
}

static int check_fields(const json_t *fields, const json_t *typed, struct aws_error *error)
{
	const char *name;
	size_t i;
	json_t *item;

	json_array_foreach(fields, i, item)
	{
		if (!json_is_string(item) || !is_field(logs_string(item)))
			return refuse(error, "a field has 1 to 100 characters.");
		if (json_object_get(typed, json_string_value(item)))
			return refuse(error, "a field is in Fields or in FieldsV2.");
	}
	json_object_foreach((json_t *)typed, name, item)
	{
		struct str type = logs_string(json_object_get(item, "type"));
		if (!is_field(str_from(name)))
			return refuse(error, "a field has 1 to 100 characters.");
		if (!type.p ||
			(!str_equal(type, STR("FIELD_INDEX")) && !str_equal(type, STR("FACET"))))
			return refuse(error, "the type of a field is FIELD_INDEX or FACET.");
	}
	return 0;
}

static int check_document(struct str text, struct aws_error *error)
{
	json_t *document = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *fields = json_object_get(document, "Fields");
	const json_t *typed = json_object_get(document, "FieldsV2");
	size_t count = json_array_size(fields) + json_object_size(typed);
	int result;

	if (!json_is_object(document) || (fields && !json_is_array(fields)) ||
		(typed && !json_is_object(typed)))
		result = refuse(error, "it is no object with the members Fields and FieldsV2.");
	else if (count < 1 || count > FIELDS_MAX)
		result = refuse(error, "it has 1 to 20 fields.");
	else
		result = check_fields(fields, typed, error);
	json_decref(document);
	return result;
}

/* ---- what is there ---- */

/* NULL: the group has none. */
static int find_policy(struct api_call *call, const struct store_log_group *group, json_t **ret,
	struct aws_error *error)
{
	const struct store_log_document document = {
		.kind = LOGS_INDEX_POLICY, .owner = group->id, .name = NAME};

	if (store_log_document_get(logs_of(call)->database, &document, ret, &call->exchange->err) <
		0)
		return aws_error_internal(error);
	return 0;
}

static json_t *arn_of(const struct logs *logs, const struct store_log_group *group)
{
	return logs_format("arn:aws:logs:%.*s:%.*s:log-group:%.*s", STR_ARG(logs->region),
		STR_ARG(logs->account), STR_ARG(group->name));
}

/* ---- the operations ---- */

LOGS_HANDLER(logs_put_index_policy)
{
	_cleanup_(store_log_group_done) struct store_log_group group = {0};
	struct str text = logs_text(call, "policyDocument");

	if (find_group(call, logs_text(call, "logGroupIdentifier"), &group, error) < 0 ||
		check_document(text, error) < 0)
		return -1;
	if (group.log_class != STORE_LOG_STANDARD)
		return aws_error_set(error, AWS_ERROR_INVALID_OPERATION_EXCEPTION,
			"Field indexes are for log groups of the class STANDARD.");
	json_t *policy = json_pack("{s:o, s:I, s:o, s:s}", "logGroupIdentifier",
		arn_of(logs_of(call), &group), "lastUpdateTime",
		(json_int_t)(clock_wall_ns() / 1000000), "policyDocument", logs_json(text),
		"source", "LOG_GROUP");
	_cleanup_free_ char *written = json_dumps(policy, JSON_COMPACT);
	const struct store_log_document document = {.kind = LOGS_INDEX_POLICY,
		.owner = group.id,
		.name = NAME,
		.text = str_from(written)};
	json_object_set_new(call->output, "indexPolicy", policy);
	return store_log_document_put(logs_of(call)->database, &document, 1, &call->exchange->err) <
			       0
		       ? aws_error_internal(error)
		       : 0;
}

LOGS_HANDLER(logs_delete_index_policy)
{
	_cleanup_(store_log_group_done) struct store_log_group group = {0};

	if (find_group(call, logs_text(call, "logGroupIdentifier"), &group, error) < 0)
		return -1;
	const struct store_log_document document = {
		.kind = LOGS_INDEX_POLICY, .owner = group.id, .name = NAME};
	int result =
		store_log_document_delete(logs_of(call)->database, &document, &call->exchange->err);
	if (result == STORE_LOG_DOCUMENT_NONE)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
			"The log group has no index policy.");
	return result < 0 ? aws_error_internal(error) : 0;
}

static void add_index(json_t *list, const json_t *policy, const char *name, const char *type)
{
	json_array_append_new(list, json_pack("{s:O, s:s, s:s}", "logGroupIdentifier",
					    json_object_get(policy, "logGroupIdentifier"),
					    "fieldIndexName", name, "type", type));
}

static void add_indexes(json_t *list, const json_t *policy)
{
	struct str text = logs_string(json_object_get(policy, "policyDocument"));
	json_t *document = json_loadb(text.p ? text.p : "", text.n, 0, NULL), *item;
	const char *name;
	size_t i;

	json_array_foreach(json_object_get(document, "Fields"), i, item)
		add_index(list, policy, json_string_value(item), "FIELD_INDEX");
	json_object_foreach(json_object_get(document, "FieldsV2"), name, item)
		add_index(list, policy, name, json_string_value(json_object_get(item, "type")));
	json_decref(document);
}

/* Of the groups that are named: their policies, or the fields of these. */
static int describe(
	struct api_call *call, const char *member, bool is_fields, struct aws_error *error)
{
	json_t *list = json_array(), *item;
	size_t i;

	json_object_set_new(call->output, member, list);
	json_array_foreach(json_object_get(call->input, "logGroupIdentifiers"), i, item)
	{
		_cleanup_(store_log_group_done) struct store_log_group group = {0};
		json_t *policy = NULL;
		if (find_group(call, logs_string(item), &group, error) < 0 ||
			find_policy(call, &group, &policy, error) < 0)
			return -1;
		if (policy && is_fields)
			add_indexes(list, policy);
		else if (policy)
			json_array_append(list, policy);
		json_decref(policy);
	}
	return 0;
}

LOGS_HANDLER(logs_describe_index_policies)
{
	return describe(call, "indexPolicies", false, error);
}

LOGS_HANDLER(logs_describe_field_indexes)
{
	return describe(call, "fieldIndexes", true, error);
}
