/* Data catalogs (there is one, AwsDataCatalog) and what is in it, as Athena tells it. */
#include "api/athena/athena_priv.h"

#include <fnmatch.h>
#include <regex.h>

ATHENA_HANDLER(athena_list_catalogs)
{
	json_object_set_new(call->output, "DataCatalogsSummary",
		json_pack("[{s:s, s:s, s:s}]", "CatalogName", "AwsDataCatalog", "Type", "GLUE",
			"Status", "CREATE_COMPLETE"));
	return 0;
}

static int check_catalog(const struct api_call *call, const char *member, struct aws_error *error)
{
	struct str name = athena_text(call->input, member);

	if (str_equal_ignoring_case(name, STR("AwsDataCatalog")))
		return 0;
	return athena_refuse(
		error, "DATACATALOG_NOT_FOUND", "DataCatalog %.*s was not found", STR_ARG(name));
}

ATHENA_HANDLER(athena_get_catalog)
{
	if (check_catalog(call, "Name", error) < 0)
		return -1;
	json_object_set_new(call->output, "DataCatalog",
		json_pack("{s:s, s:s, s:s, s:{s:s%}}", "Name", "AwsDataCatalog", "Type", "GLUE",
			"Status", "CREATE_COMPLETE", "Parameters", "catalog-id",
			athena_of(call)->settings.account.p, athena_of(call)->settings.account.n));
	return 0;
}

/* Clients read the catalog's own code out of the text. */
static int refuse(const struct api_call *call, struct aws_error *error, const struct aws_error *why)
{
	if (why->code == AWS_ERROR_INTERNAL_ERROR)
		return aws_error_internal(error);
	const struct aws_error told = *why;
	return aws_error_set(error, AWS_ERROR_METADATA_EXCEPTION,
		"%s (Service: AmazonDataCatalog; Status Code: %d; Error Code: %s; Request ID: %s; "
		"Proxy: null)",
		told.message, aws_error_status(told.code), aws_error_name(told.code),
		call->exchange->request_id);
}

static void copy(json_t *to, const json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);

	if (value)
		json_object_set(to, name, value);
}

static json_t *database_of(const json_t *database)
{
	json_t *one = json_object();

	copy(one, database, "Name");
	copy(one, database, "Description");
	copy(one, database, "Parameters");
	return one;
}

static json_t *columns_of(const json_t *list)
{
	json_t *columns = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_object();
		copy(one, json_array_get(list, i), "Name");
		copy(one, json_array_get(list, i), "Type");
		copy(one, json_array_get(list, i), "Comment");
		json_array_append_new(columns, one);
	}
	return columns;
}

/* The place and the SerDe stand among the parameters, as Athena has it. */
static json_t *table_of(const json_t *table)
{
	const json_t *descriptor = json_object_get(table, "StorageDescriptor");
	const json_t *serde = json_object_get(descriptor, "SerdeInfo");
	json_t *there = json_object_get(table, "Parameters");
	json_t *parameters = there ? json_copy(there) : json_object();
	const struct {
		const char *name;
		const json_t *owner;
		const char *member;
	} more[] = {{"location", descriptor, "Location"},
		{"inputformat", descriptor, "InputFormat"},
		{"outputformat", descriptor, "OutputFormat"},
		{"serde.serialization.lib", serde, "SerializationLibrary"}};
	json_t *one = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		json_t *value = json_object_get(more[i].owner, more[i].member);
		if (value)
			json_object_set(parameters, more[i].name, value);
	}
	copy(one, table, "Name");
	copy(one, table, "CreateTime");
	copy(one, table, "TableType");
	json_object_set_new(one, "Columns", columns_of(json_object_get(descriptor, "Columns")));
	json_object_set_new(
		one, "PartitionKeys", columns_of(json_object_get(table, "PartitionKeys")));
	json_object_set_new(one, "Parameters", parameters);
	return one;
}

/* A regular expression of the whole name; Hive's pattern ("flow*") is taken too. */
static bool fits(const char *pattern, const char *name)
{
	_cleanup_free_ char *whole = mem_printf("^(%s)$", pattern);
	regex_t regex;

	if (fnmatch(pattern, name, FNM_CASEFOLD) == 0)
		return true;
	if (regcomp(&regex, whole, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
		return false;
	bool found = regexec(&regex, name, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

/* A page of a list that is longer by one. The token is the name that the page ends with. */
static void answer(struct api_call *call, json_t *found, size_t limit, const char *member,
	json_t *(*describe)(const json_t *document), const char *pattern)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(found) && i < limit; i++) {
		const json_t *one = json_array_get(found, i);
		const char *name = json_string_value(json_object_get(one, "Name"));
		if (!pattern || fits(pattern, name))
			json_array_append_new(list, describe(one));
		if (i + 1 == limit && json_array_size(found) > limit)
			json_object_set_new(call->output, "NextToken", json_string(name));
	}
	json_object_set_new(call->output, member, list);
	json_decref(found);
}

static size_t limit_of(const struct api_call *call)
{
	const json_t *limit = json_object_get(call->input, "MaxResults");

	return json_is_integer(limit) ? (size_t)json_integer_value(limit) : PAGE_MAX;
}

ATHENA_HANDLER(athena_list_databases)
{
	struct str after = athena_text(call->input, "NextToken");
	struct aws_error why;
	json_t *found;

	if (check_catalog(call, "CatalogName", error) < 0)
		return -1;
	if (store_catalog_list_databases(athena_of(call)->settings.catalog,
		    after.p ? after : STR(""), limit_of(call) + 1, &found, &why,
		    &call->exchange->err) < 0)
		return refuse(call, error, &why);
	answer(call, found, limit_of(call), "DatabaseList", database_of, NULL);
	return 0;
}

ATHENA_HANDLER(athena_get_database)
{
	struct aws_error why;
	json_t *database;

	if (check_catalog(call, "CatalogName", error) < 0)
		return -1;
	if (store_catalog_get_database(athena_of(call)->settings.catalog,
		    athena_text(call->input, "DatabaseName"), &database, &why,
		    &call->exchange->err) < 0)
		return refuse(call, error, &why);
	json_object_set_new(call->output, "Database", database_of(database));
	json_decref(database);
	return 0;
}

ATHENA_HANDLER(athena_list_tables)
{
	struct str after = athena_text(call->input, "NextToken");
	struct str pattern = athena_text(call->input, "Expression");
	_cleanup_free_ char *glob = pattern.n ? mem_printf("%.*s", STR_ARG(pattern)) : NULL;
	struct aws_error why;
	json_t *found;

	if (check_catalog(call, "CatalogName", error) < 0)
		return -1;
	if (store_catalog_list_tables(athena_of(call)->settings.catalog,
		    athena_text(call->input, "DatabaseName"), after.p ? after : STR(""),
		    limit_of(call) + 1, &found, &why, &call->exchange->err) < 0)
		return refuse(call, error, &why);
	answer(call, found, limit_of(call), "TableMetadataList", table_of, glob);
	return 0;
}

ATHENA_HANDLER(athena_get_table)
{
	const struct store_table_name name = {
		athena_text(call->input, "DatabaseName"), athena_text(call->input, "TableName")};
	struct aws_error why;
	json_t *table;

	if (check_catalog(call, "CatalogName", error) < 0)
		return -1;
	if (store_catalog_get_table(athena_of(call)->settings.catalog, name, &table, &why,
		    &call->exchange->err) < 0)
		return refuse(call, error, &why);
	json_object_set_new(call->output, "TableMetadata", table_of(table));
	json_decref(table);
	return 0;
}
