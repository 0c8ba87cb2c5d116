/* The table of Athena's operations (Service authorization reference, "Amazon Athena"). */
#include "api/athena/athena_priv.h"

#include "api/athena/athena_shape.h"

#include <inttypes.h>

static void about(struct api_call *call, struct api_authorization *authorization, const char *kind,
	struct str name)
{
	const struct athena_settings *settings = &athena_of(call)->settings;

	api_about_resource(authorization, "arn:aws:athena:%.*s:%.*s:%s/%.*s",
		STR_ARG(settings->region), STR_ARG(settings->account), kind, STR_ARG(name));
}

static int about_group(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	struct str name = athena_text(call->input, "WorkGroup");

	about(call, authorization, "workgroup", name.n ? name : STR("primary"));
	return 0;
}

static int about_new_group(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	about(call, authorization, "workgroup", athena_text(call->input, "Name"));
	return 0;
}

/* The workgroup of the query; one that is not there is not found by the handler. */
static int about_query(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	json_t *kept = athena_kept(athena_of(call), athena_text(call->input, "QueryExecutionId"),
		&call->exchange->err);
	struct str group = athena_text(json_object_get(kept, "Execution"), "WorkGroup");

	about(call, authorization, "workgroup", group.n ? group : STR("primary"));
	json_decref(kept);
	return 0;
}

static int about_catalog(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	about(call, authorization, "datacatalog", STR("AwsDataCatalog"));
	return 0;
}

static int about_arn(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	api_about_resource(authorization, "%.*s", STR_ARG(athena_text(call->input, "ResourceARN")));
	return 0;
}

static const struct api_operation operations[] = {
	{"StartQueryExecution", about_group, athena_start_query},
	{"StopQueryExecution", about_query, athena_stop_query},
	{"GetQueryExecution", about_query, athena_get_query},
	{"BatchGetQueryExecution", NULL, athena_batch_get_query},
	{"ListQueryExecutions", about_group, athena_list_queries},
	{"GetQueryResults", about_query, athena_get_results},
	{"GetQueryRuntimeStatistics", about_query, athena_get_statistics},
	{"CreateWorkGroup", about_new_group, athena_create_group},
	{"GetWorkGroup", about_group, athena_get_group},
	{"UpdateWorkGroup", about_group, athena_update_group},
	{"DeleteWorkGroup", about_group, athena_delete_group},
	{"ListWorkGroups", NULL, athena_list_groups},
	{"CreateNamedQuery", about_group, athena_create_named},
	{"GetNamedQuery", NULL, athena_get_named},
	{"BatchGetNamedQuery", NULL, athena_batch_get_named},
	{"UpdateNamedQuery", NULL, athena_update_named},
	{"DeleteNamedQuery", NULL, athena_delete_named},
	{"ListNamedQueries", about_group, athena_list_named},
	{"CreatePreparedStatement", about_group, athena_create_prepared},
	{"GetPreparedStatement", about_group, athena_get_prepared},
	{"BatchGetPreparedStatement", about_group, athena_batch_get_prepared},
	{"UpdatePreparedStatement", about_group, athena_update_prepared},
	{"DeletePreparedStatement", about_group, athena_delete_prepared},
	{"ListPreparedStatements", about_group, athena_list_prepared},
	{"ListDataCatalogs", NULL, athena_list_catalogs},
	{"GetDataCatalog", about_catalog, athena_get_catalog},
	{"ListDatabases", about_catalog, athena_list_databases},
	{"GetDatabase", about_catalog, athena_get_database},
	{"ListTableMetadata", about_catalog, athena_list_tables},
	{"GetTableMetadata", about_catalog, athena_get_table},
	{"ListEngineVersions", NULL, athena_list_engines},
	{"TagResource", about_arn, athena_tag},
	{"UntagResource", about_arn, athena_untag},
	{"ListTagsForResource", about_arn, athena_list_tags},
	{NULL},
};

void athena_metrics(void *context, struct buf *lines)
{
	const struct athena *athena = context;
	struct athena_cache_stats stats = {0};

	if (athena->cache)
		athena_cache_stats(athena->cache, &stats);
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {
		{"hits_total", "counter", "Objects that queries read as Parquet.", stats.hits},
		{"misses_total", "counter", "Objects that were not there as Parquet.",
			stats.misses},
		{"made_total", "counter", "Objects that became Parquet.", stats.made},
		{"failed_total", "counter", "Objects that did not.", stats.failed},
		{"evicted_total", "counter", "Entries that made room.", stats.evicted},
		{"damaged_total", "counter", "Entries that were found damaged.", stats.damaged},
		{"entries", "gauge", "Entries there are.", stats.entries},
		{"bytes", "gauge", "Bytes of them.", stats.bytes},
		{"waiting", "gauge", "Objects that wait to become Parquet.", stats.wanted},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		buf_printf(lines,
			"# HELP nagare_athena_cache_%s %s\n# TYPE nagare_athena_cache_%s %s\n"
			"nagare_athena_cache_%s %" PRIu64 "\n",
			rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
			rows[i].value);
}

static const char *const signing_names[] = {"athena", NULL};

const struct api_service api_athena = {
	.name = "athena",
	.signing_names = signing_names,
	.style = AWS_STYLE_JSON,
	.shape = &athena_shape,
	.operations = operations,
	.validation_code = AWS_ERROR_INVALID_REQUEST_EXCEPTION,
};
