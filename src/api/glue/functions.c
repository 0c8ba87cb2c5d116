/* User-defined functions: kept for the clients that write and read them; nothing runs them. */
#include "api/glue/glue_priv.h"

#include "base/clock.h"

struct place {
	char *database, *name; /* folded */
};

static void place_done(struct place *place)
{
	free(place->database);
	free(place->name);
}

static struct place place_of(const struct api_call *call, const char *database, struct str name)
{
	struct str where = glue_text(call->input, database);

	return (struct place){store_catalog_fold(where.p ? where : STR("")),
		store_catalog_fold(name.p ? name : STR(""))};
}

static int get(struct api_call *call, const struct place *place, json_t **ret_function,
	struct aws_error *error)
{
	json_t *database;

	if (glue_check_catalog(call, error) < 0 ||
		store_catalog_get_database(glue_of(call)->catalog, str_from(place->database),
			&database, error, &call->exchange->err) < 0)
		return -1;
	json_decref(database);
	return store_catalog_get_item(glue_of(call)->catalog, STORE_CATALOG_FUNCTION,
		str_from(place->database), str_from(place->name), ret_function, error,
		&call->exchange->err);
}

static int no_function(const struct place *place, struct aws_error *error)
{
	return aws_error_set(
		error, AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION, "Function %s not found.", place->name);
}

static int put(
	struct api_call *call, const struct place *place, json_t *created, struct aws_error *error)
{
	json_t *function = json_copy(json_object_get(call->input, "FunctionInput"));

	json_object_set_new(function, "FunctionName", json_string(place->name));
	json_object_set_new(function, "DatabaseName", json_string(place->database));
	json_object_set_new(function, "CatalogId", json_string(glue_of(call)->account));
	json_object_set(function, "CreateTime", created);
	int result = store_catalog_put_item(glue_of(call)->catalog, STORE_CATALOG_FUNCTION,
		str_from(place->database), str_from(place->name), function, error,
		&call->exchange->err);
	json_decref(function);
	return result;
}

GLUE_HANDLER(glue_create_function)
{
	const json_t *input = json_object_get(call->input, "FunctionInput");
	_cleanup_(place_done) struct place place =
		place_of(call, "DatabaseName", glue_text(input, "FunctionName"));
	json_t *there = NULL;

	if (!place.name[0])
		return glue_refuse(error, "FunctionInput.FunctionName must be given.");
	if (get(call, &place, &there, error) < 0)
		return -1;
	if (there) {
		json_decref(there);
		return aws_error_set(
			error, AWS_ERROR_ALREADY_EXISTS_EXCEPTION, "Function already exists.");
	}
	json_t *now = json_integer(clock_wall_ns() / 1000000);
	int result = put(call, &place, now, error);
	json_decref(now);
	return result;
}

GLUE_HANDLER(glue_get_function)
{
	_cleanup_(place_done) struct place place =
		place_of(call, "DatabaseName", glue_text(call->input, "FunctionName"));
	json_t *there = NULL;

	if (get(call, &place, &there, error) < 0)
		return -1;
	if (!there)
		return no_function(&place, error);
	json_object_set_new(call->output, "UserDefinedFunction", there);
	return 0;
}

GLUE_HANDLER(glue_update_function)
{
	_cleanup_(place_done) struct place place =
		place_of(call, "DatabaseName", glue_text(call->input, "FunctionName"));
	json_t *there = NULL;

	if (get(call, &place, &there, error) < 0)
		return -1;
	if (!there)
		return no_function(&place, error);
	int result = put(call, &place, json_object_get(there, "CreateTime"), error);
	json_decref(there);
	return result;
}

GLUE_HANDLER(glue_delete_function)
{
	_cleanup_(place_done) struct place place =
		place_of(call, "DatabaseName", glue_text(call->input, "FunctionName"));
	bool found;

	if (glue_check_catalog(call, error) < 0 ||
		store_catalog_delete_item(glue_of(call)->catalog, STORE_CATALOG_FUNCTION,
			str_from(place.database), str_from(place.name), &found, error,
			&call->exchange->err) < 0)
		return -1;
	return found ? 0 : no_function(&place, error);
}

/* Of one database in order of names, or of all; a token is how many were given. */
GLUE_HANDLER(glue_get_functions)
{
	_cleanup_(glue_pattern_freep) struct glue_pattern *pattern = NULL;
	struct str database = glue_text(call->input, "DatabaseName");
	_cleanup_free_ char *folded = store_catalog_fold(database.p ? database : STR(""));
	_cleanup_buf_ struct buf after = {0};
	_cleanup_free_ char *next = NULL;
	size_t limit = glue_limit(call, 100);
	json_t *page = json_array();
	size_t i;
	json_t *function;
	json_t *list;

	json_object_set_new(call->output, "UserDefinedFunctions", page);
	if (glue_check_catalog(call, error) < 0 || glue_page(call, &after, error) < 0 ||
		glue_pattern_new(&pattern, glue_text(call->input, "Pattern"), error) < 0 ||
		store_catalog_list_items(glue_of(call)->catalog, STORE_CATALOG_FUNCTION,
			database.p ? str_from(folded) : STR_NONE, STR_NONE, SIZE_MAX >> 1, &list,
			error, &call->exchange->err) < 0)
		return -1;
	size_t begin = after.n ? (size_t)strtoull(buf_text(&after), NULL, 10) : 0;
	size_t seen = 0;
	json_array_foreach(list, i, function)
	{
		if (!glue_pattern_matches(pattern, glue_text(function, "FunctionName")))
			continue;
		if (seen >= begin && seen < begin + limit)
			json_array_append(page, function);
		seen++;
	}
	json_decref(list);
	if (seen > begin + limit) {
		next = mem_printf("%zu", begin + limit);
		glue_next(call, str_from(next));
	}
	return 0;
}
