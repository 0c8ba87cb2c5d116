/* What an operation is about, for the policies (AWS Glue developer guide, "Specifying AWS Glue
 * resource ARNs"): an operation on a thing of the catalog asks for it and for all that it is in. */
#include "api/glue/glue_priv.h"

static void add(struct api_call *call, struct api_authorization *authorization, const char *kind,
	struct str first, struct str second)
{
	const struct glue *glue = glue_of(call);
	_cleanup_free_ char *a = store_catalog_fold(first.p ? first : STR(""));
	_cleanup_free_ char *b = store_catalog_fold(second.p ? second : STR(""));

	api_about_resource(authorization, "arn:aws:glue:%s:%s:%s%s%s%s%s", glue->region,
		glue->account, kind, first.p ? "/" : "", a, second.p ? "/" : "", b);
}

static void add_tags(struct api_call *call, struct api_authorization *authorization)
{
	json_t *tags = json_object_get(call->input, "Tags");
	const json_t *remove = json_object_get(call->input, "TagsToRemove");
	const char *key;
	size_t i;
	json_t *value;

	if (!tags)
		tags = json_object_get(call->input, "TagsToAdd");
	json_object_foreach(tags, key, value)
	{
		const char *text = json_string_value(value);
		api_about_tag(authorization, STR("aws:RequestTag/"), str_from(key),
			str_from(text ? text : ""));
		api_about_key(authorization, STR("aws:TagKeys"), str_from(key));
	}
	json_array_foreach(remove, i, value)
	{
		const char *text = json_string_value(value);
		api_about_key(authorization, STR("aws:TagKeys"), str_from(text ? text : ""));
	}
}

/* Of DatabaseName, Name or DatabaseInput. */
static struct str database_of(const struct api_call *call)
{
	struct str name = glue_text(call->input, "DatabaseName");

	if (!name.p)
		name = glue_text(call->input, "Name");
	if (!name.p)
		name = glue_text(json_object_get(call->input, "DatabaseInput"), "Name");
	return name.p ? name : STR("default");
}

GLUE_ABOUT(glue_about_catalog)
{
	add(call, authorization, "catalog", STR_NONE, STR_NONE);
	return 0;
}

GLUE_ABOUT(glue_about_database)
{
	glue_about_catalog(call, authorization, error);
	add(call, authorization, "database", database_of(call), STR_NONE);
	add_tags(call, authorization);
	return 0;
}

GLUE_ABOUT(glue_about_whole_database)
{
	glue_about_database(call, authorization, error);
	add(call, authorization, "table", database_of(call), STR("*"));
	add(call, authorization, "userDefinedFunction", database_of(call), STR("*"));
	return 0;
}

GLUE_ABOUT(glue_about_tables)
{
	const json_t *names = json_object_get(call->input, "TablesToDelete");
	size_t i;
	json_t *name;

	glue_about_database(call, authorization, error);
	json_array_foreach(names, i, name)
	{
		add(call, authorization, "table", database_of(call),
			str_from(json_string_value(name)));
	}
	if (!names)
		add(call, authorization, "table", database_of(call), STR("*"));
	return 0;
}

GLUE_ABOUT(glue_about_table)
{
	const json_t *input = json_object_get(call->input, "TableInput");
	struct str table = glue_text(call->input, "TableName");

	if (!table.p && input)
		table = glue_text(input, "Name");
	if (!table.p)
		table = glue_text(call->input, "Name");
	glue_about_catalog(call, authorization, error);
	add(call, authorization, "database", database_of(call), STR_NONE);
	add(call, authorization, "table", database_of(call), table.p ? table : STR("*"));
	return 0;
}

GLUE_ABOUT(glue_about_function)
{
	struct str name = glue_text(call->input, "FunctionName");

	if (!name.p)
		name = glue_text(json_object_get(call->input, "FunctionInput"), "FunctionName");
	glue_about_catalog(call, authorization, error);
	add(call, authorization, "database", database_of(call), STR_NONE);
	add(call, authorization, "userDefinedFunction", database_of(call),
		name.p ? name : STR("*"));
	return 0;
}

GLUE_ABOUT(glue_about_crawler)
{
	const struct glue *glue = glue_of(call);
	struct str name = glue_text(call->input, "Name");

	if (!name.p)
		name = glue_text(call->input, "CrawlerName");
	if (name.p)
		api_about_resource(authorization, "arn:aws:glue:%s:%s:crawler/%.*s", glue->region,
			glue->account, STR_ARG(name));
	add_tags(call, authorization);
	return 0;
}

GLUE_ABOUT(glue_about_arn)
{
	api_about_resource(authorization, "%.*s", STR_ARG(glue_text(call->input, "ResourceArn")));
	add_tags(call, authorization);
	return 0;
}
