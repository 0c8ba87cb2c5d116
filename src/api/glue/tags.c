/* Tags of what has an ARN: databases and crawlers. */
#include "api/glue/glue_priv.h"

#include "aws/arn.h"

#include <strings.h>

#define TAGS_MAX 50

/* Is what the ARN names there? */
static int check_arn(struct api_call *call, struct str *ret_arn, struct aws_error *error)
{
	const struct glue *glue = glue_of(call);
	struct str text = glue_text(call->input, "ResourceArn");
	struct str databases = STR("database/"), crawlers = STR("crawler/");
	struct aws_arn arn;
	json_t *found = NULL;

	if (!aws_arn_parse(text, &arn) || !str_equal(arn.service, STR("glue")))
		return glue_refuse(error, "Invalid resource ARN: %.*s", STR_ARG(text));
	struct str name = arn.resource;
	if (str_starts_with(name, databases)) {
		name = (struct str){name.p + databases.n, name.n - databases.n};
		if (store_catalog_get_database(
			    glue->catalog, name, &found, error, &call->exchange->err) < 0)
			return -1;
	} else if (str_starts_with(name, crawlers)) {
		name = (struct str){name.p + crawlers.n, name.n - crawlers.n};
		if (store_catalog_get_item(glue->catalog, STORE_CATALOG_CRAWLER, STR(""), name,
			    &found, error, &call->exchange->err) < 0)
			return -1;
	}
	if (!found)
		return aws_error_set(error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION,
			"Resource %.*s not found.", STR_ARG(text));
	json_decref(found);
	*ret_arn = text;
	return 0;
}

static int read_tags(
	struct api_call *call, struct str arn, json_t **ret_tags, struct aws_error *error)
{
	if (store_catalog_get_item(glue_of(call)->catalog, STORE_CATALOG_TAGS, STR(""), arn,
		    ret_tags, error, &call->exchange->err) < 0)
		return -1;
	if (!*ret_tags)
		*ret_tags = json_object();
	return 0;
}

/* Adds and removes; takes tags. */
static int change(struct api_call *call, struct str arn, json_t *tags, json_t *add,
	const json_t *remove, struct aws_error *error)
{
	const char *name;
	size_t i;
	json_t *value;

	json_object_foreach(add, name, value)
	{
		if (strncasecmp(name, "aws:", 4) == 0) {
			json_decref(tags);
			return glue_refuse(error,
				"Tag keys starting with 'aws:' are reserved for system use.");
		}
	}
	if (add)
		json_object_update(tags, add);
	json_array_foreach(remove, i, value) json_object_del(tags, json_string_value(value));
	int result = json_object_size(tags) > TAGS_MAX
			     ? glue_refuse(error, "A resource can have at most %d tags.", TAGS_MAX)
			     : store_catalog_put_item(glue_of(call)->catalog, STORE_CATALOG_TAGS,
				       STR(""), arn, tags, error, &call->exchange->err);
	json_decref(tags);
	return result;
}

/* What had this name before is gone with its tags. */
int glue_put_tags(struct api_call *call, char *arn, struct aws_error *error)
{
	_cleanup_free_ char *owned = arn;

	return change(call, str_from(owned), json_object(), json_object_get(call->input, "Tags"),
		NULL, error);
}

GLUE_HANDLER(glue_get_tags)
{
	struct str arn = STR_NONE;
	json_t *tags = NULL;

	if (check_arn(call, &arn, error) < 0 || read_tags(call, arn, &tags, error) < 0)
		return -1;
	json_object_set_new(call->output, "Tags", tags);
	return 0;
}

GLUE_HANDLER(glue_tag)
{
	struct str arn = STR_NONE;
	json_t *tags = NULL;

	if (check_arn(call, &arn, error) < 0 || read_tags(call, arn, &tags, error) < 0)
		return -1;
	return change(call, arn, tags, json_object_get(call->input, "TagsToAdd"), NULL, error);
}

GLUE_HANDLER(glue_untag)
{
	struct str arn = STR_NONE;
	json_t *tags = NULL;

	if (check_arn(call, &arn, error) < 0 || read_tags(call, arn, &tags, error) < 0)
		return -1;
	return change(call, arn, tags, NULL, json_object_get(call->input, "TagsToRemove"), error);
}
