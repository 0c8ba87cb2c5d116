/* Tables and their versions. */
#include "api/glue/glue_priv.h"

static int check_input(
	const struct api_call *call, const json_t **ret_input, struct aws_error *error)
{
	const json_t *input = json_object_get(call->input, "TableInput");

	if (glue_check_catalog(call, error) < 0)
		return -1;
	if (json_object_get(call->input, "OpenTableFormatInput"))
		return glue_refuse(error, "OpenTableFormatInput is not supported.");
	if (!input)
		return glue_refuse(error, "TableInput must be given.");
	if (json_object_get(input, "ViewDefinition"))
		return glue_refuse(error, "ViewDefinition is not supported.");
	*ret_input = input;
	return 0;
}

GLUE_HANDLER(glue_create_table)
{
	const struct glue *glue = glue_of(call);
	const struct store_caller *caller = call->exchange->caller;
	const json_t *input = NULL;

	if (check_input(call, &input, error) < 0)
		return -1;
	glue_ready_table_give_way(glue->catalog, glue_text(call->input, "DatabaseName"), input);
	if (store_catalog_create_table(glue->catalog, glue_text(call->input, "DatabaseName"), input,
		    caller ? caller->principal.arn : STR(""), error, &call->exchange->err) < 0)
		return -1;
	return glue_put_indexes(call,
		(struct store_table_name){
			glue_text(call->input, "DatabaseName"), glue_text(input, "Name")},
		json_object_get(input, "PartitionKeys"),
		json_object_get(call->input, "PartitionIndexes"), error);
}

GLUE_HANDLER(glue_get_table)
{
	json_t *table;

	if (glue_check_catalog(call, error) < 0 ||
		store_catalog_get_table(glue_of(call)->catalog, glue_table(call, "Name"), &table,
			error, &call->exchange->err) < 0)
		return -1;
	json_object_set_new(call->output, "Table", table);
	return 0;
}

/* AttributesToGet: names, with types if they are asked for. */
static json_t *select_attributes(const struct api_call *call, json_t *table)
{
	const json_t *wanted = json_object_get(call->input, "AttributesToGet");
	bool has_type = false;
	size_t i;
	json_t *item;

	if (!json_array_size(wanted))
		return json_incref(table);
	json_array_foreach(wanted, i, item)
	{
		has_type |= strcmp(json_string_value(item), "TABLE_TYPE") == 0;
	}
	json_t *selected = json_pack("{s:O, s:O}", "Name", json_object_get(table, "Name"),
		"DatabaseName", json_object_get(table, "DatabaseName"));
	if (has_type && json_object_get(table, "TableType"))
		json_object_set(selected, "TableType", json_object_get(table, "TableType"));
	return selected;
}

GLUE_HANDLER(glue_get_tables)
{
	_cleanup_(glue_pattern_freep) struct glue_pattern *pattern = NULL;
	struct str expression = glue_text(call->input, "Expression");
	_cleanup_buf_ struct buf after = {0};
	size_t limit = glue_limit(call, 100);
	json_t *found = json_array();
	bool has_more = true;

	json_object_set_new(call->output, "TableList", found);
	if (glue_check_catalog(call, error) < 0 || glue_page(call, &after, error) < 0 ||
		(expression.n && glue_pattern_new(&pattern, expression, error) < 0))
		return -1;
	while (has_more && json_array_size(found) <= limit) {
		json_t *list;
		json_t *table;
		size_t i;
		if (store_catalog_list_tables(glue_of(call)->catalog,
			    glue_text(call->input, "DatabaseName"), buf_str(&after), limit + 1,
			    &list, error, &call->exchange->err) < 0)
			return -1;
		has_more = json_array_size(list) > limit;
		json_array_foreach(list, i, table)
		{
			struct str name = glue_text(table, "Name");
			if (glue_pattern_matches(pattern, name))
				json_array_append_new(found, select_attributes(call, table));
			after.n = 0;
			buf_add_str(&after, name);
		}
		json_decref(list);
	}
	glue_cut(call, found, limit, "Name");
	return 0;
}

GLUE_HANDLER(glue_update_table)
{
	const json_t *input = NULL;
	struct str version = glue_text(call->input, "VersionId");

	if (check_input(call, &input, error) < 0)
		return -1;
	return store_catalog_update_table(glue_of(call)->catalog,
		glue_text(call->input, "DatabaseName"), input,
		json_is_true(json_object_get(call->input, "SkipArchive")),
		version.p ? version : STR(""), error, &call->exchange->err);
}

GLUE_HANDLER(glue_delete_table)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	return store_catalog_delete_table(
		glue_of(call)->catalog, glue_table(call, "Name"), error, &call->exchange->err);
}

/* Inner failures end a batch; what is refused is told of each. */
static int tell(json_t *errors, const char *name, json_t *value, const struct aws_error *refused,
	struct aws_error *error)
{
	if (aws_error_status(refused->code) >= 500) {
		*error = *refused;
		return -1;
	}
	json_array_append_new(errors,
		json_pack("{s:O, s:o}", name, value, "ErrorDetail", glue_error_detail(refused)));
	return 0;
}

GLUE_HANDLER(glue_batch_delete_table)
{
	struct store_table_name name = glue_table(call, "Name");
	json_t *errors = json_array();
	size_t i;
	json_t *item;

	json_object_set_new(call->output, "Errors", errors);
	if (glue_check_catalog(call, error) < 0)
		return -1;
	json_array_foreach(json_object_get(call->input, "TablesToDelete"), i, item)
	{
		struct aws_error refused = {0};
		name.table = str_from(json_string_value(item));
		if (store_catalog_delete_table(
			    glue_of(call)->catalog, name, &refused, &call->exchange->err) < 0 &&
			tell(errors, "TableName", item, &refused, error) < 0)
			return -1;
	}
	return 0;
}

/* ---- versions ---- */

GLUE_HANDLER(glue_get_version)
{
	struct str version = glue_text(call->input, "VersionId");
	json_t *found;

	if (glue_check_catalog(call, error) < 0 ||
		store_catalog_get_version(glue_of(call)->catalog, glue_table(call, "TableName"),
			version.p ? version : STR(""), &found, error, &call->exchange->err) < 0)
		return -1;
	json_object_set_new(call->output, "TableVersion", found);
	return 0;
}

GLUE_HANDLER(glue_get_versions)
{
	_cleanup_buf_ struct buf after = {0};
	size_t limit = glue_limit(call, 100);
	int64_t before = -1;
	json_t *list;

	if (glue_check_catalog(call, error) < 0 || glue_page(call, &after, error) < 0)
		return -1;
	if (after.n)
		before = strtoll(buf_text(&after), NULL, 10);
	if (store_catalog_list_versions(glue_of(call)->catalog, glue_table(call, "TableName"),
		    before, limit + 1, &list, error, &call->exchange->err) < 0)
		return -1;
	json_object_set_new(call->output, "TableVersions", list);
	glue_cut(call, list, limit, "VersionId");
	return 0;
}

GLUE_HANDLER(glue_delete_version)
{
	if (glue_check_catalog(call, error) < 0)
		return -1;
	return store_catalog_delete_version(glue_of(call)->catalog, glue_table(call, "TableName"),
		glue_text(call->input, "VersionId"), error, &call->exchange->err);
}

GLUE_HANDLER(glue_batch_delete_version)
{
	struct store_table_name name = glue_table(call, "TableName");
	json_t *errors = json_array();
	size_t i;
	json_t *item;

	json_object_set_new(call->output, "Errors", errors);
	if (glue_check_catalog(call, error) < 0)
		return -1;
	json_array_foreach(json_object_get(call->input, "VersionIds"), i, item)
	{
		struct aws_error refused = {0};
		if (store_catalog_delete_version(glue_of(call)->catalog, name,
			    str_from(json_string_value(item)), &refused, &call->exchange->err) == 0)
			continue;
		if (tell(errors, "VersionId", item, &refused, error) < 0)
			return -1;
		json_object_set_new(json_array_get(errors, json_array_size(errors) - 1),
			"TableName", glue_json(name.table));
	}
	return 0;
}
