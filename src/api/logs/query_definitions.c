/* Saved queries: documents of the account, by id. */
#include "api/logs/queries_priv.h"

#include "base/clock.h"
#include "store/log_documents.h"

#define KIND            STR("query-definition")
#define DEFINITIONS_MAX 1000

struct definitions {
	json_t *list;
	struct str id; /* only this one; STR_NONE: all */
};

static void add_definition(void *context, const struct store_log_document *document)
{
	struct definitions *definitions = context;

	if (!definitions->id.p || str_equal(definitions->id, document->name))
		json_array_append_new(
			definitions->list, json_loadb(document->text.p, document->text.n, 0, NULL));
}

static int list(struct api_call *call, struct str id, json_t **ret_list, struct aws_error *error)
{
	struct definitions definitions = {.list = json_array(), .id = id};

	if (store_log_documents_list(logs_of(call)->database, KIND, add_definition, &definitions,
		    &call->exchange->err) < 0) {
		json_decref(definitions.list);
		return aws_error_internal(error);
	}
	*ret_list = definitions.list;
	return 0;
}

static int refuse_missing(struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION,
		"The specified query definition does not exist.");
}

static json_t *definition_of(const struct api_call *call, const char *id)
{
	static const char *const members[] = {"name", "queryString", "logGroupNames", "parameters"};
	json_t *definition = json_pack("{s:s, s:s, s:I}", "queryLanguage", "CWLI",
		"queryDefinitionId", id, "lastModified", (json_int_t)(clock_wall_ns() / 1000000));

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(call->input, members[i]);
		if (value)
			json_object_set(definition, members[i], value);
	}
	return definition;
}

LOGS_HANDLER(logs_put_definition)
{
	struct str language = logs_text(call, "queryLanguage");
	struct str given = logs_text(call, "queryDefinitionId");
	json_t *there = NULL;
	char id[37];

	if (language.p && !str_equal(language, STR("CWLI")))
		return logs_refuse(
			error, "The query language %.*s is not supported.", STR_ARG(language));
	logs_make_id(id);
	if (given.p) {
		if (list(call, given, &there, error) < 0)
			return -1;
		bool is_there = json_array_size(there) > 0;
		json_decref(there);
		if (!is_there || given.n >= sizeof(id))
			return refuse_missing(error);
		snprintf(id, sizeof(id), "%.*s", STR_ARG(given));
	}
	json_t *definition = definition_of(call, id);
	_cleanup_free_ char *text = json_dumps(definition, JSON_COMPACT);
	json_decref(definition);
	const struct store_log_document document = {
		.kind = KIND, .name = str_from(id), .text = str_from(text)};
	int result = store_log_document_put(
		logs_of(call)->database, &document, DEFINITIONS_MAX, &call->exchange->err);
	if (result == STORE_LOG_DOCUMENTS_FULL)
		return aws_error_set(
			error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION, "Resource limit exceeded.");
	if (result < 0)
		return aws_error_internal(error);
	json_object_set_new(call->output, "queryDefinitionId", json_string(id));
	return 0;
}

LOGS_HANDLER(logs_delete_definition)
{
	const struct store_log_document document = {
		.kind = KIND, .name = logs_text(call, "queryDefinitionId")};
	int result =
		store_log_document_delete(logs_of(call)->database, &document, &call->exchange->err);

	if (result == STORE_LOG_DOCUMENT_NONE)
		return refuse_missing(error);
	if (result < 0)
		return aws_error_internal(error);
	json_object_set_new(call->output, "success", json_true());
	return 0;
}

/* In the order of ids; a page's token is its last one. */
LOGS_HANDLER(logs_describe_definitions)
{
	struct str prefix = logs_text(call, "queryDefinitionNamePrefix");
	size_t max = (size_t)logs_number(call, "maxResults", DEFINITIONS_MAX), i;
	_cleanup_buf_ struct buf after = {0};
	json_t *all, *item, *page = json_array();
	struct str last = STR("");

	json_object_set_new(call->output, "queryDefinitions", page);
	if (logs_page_after(call, &after, error) < 0 || list(call, STR_NONE, &all, error) < 0)
		return -1;
	json_array_foreach(all, i, item)
	{
		struct str id = logs_string(json_object_get(item, "queryDefinitionId"));
		struct str name = logs_string(json_object_get(item, "name"));
		if (!id.p || strcmp(id.p, buf_text(&after)) <= 0 ||
			(prefix.p && !str_starts_with(name, prefix)))
			continue;
		if (json_array_size(page) == max) {
			logs_page_next(call, last);
			break;
		}
		json_array_append(page, item);
		last = id;
	}
	json_decref(all);
	return 0;
}
