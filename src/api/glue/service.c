/* Glue as a service: its table and its life. */
#include "api/glue/crawlers_priv.h"

#include "api/glue/glue_shape.h"

static const struct api_operation operations[] = {
	{"CreateDatabase", glue_about_database, glue_create_database},
	{"GetDatabase", glue_about_database, glue_get_database},
	{"GetDatabases", glue_about_catalog, glue_get_databases},
	{"UpdateDatabase", glue_about_database, glue_update_database},
	{"DeleteDatabase", glue_about_whole_database, glue_delete_database},
	{"CreateTable", glue_about_table, glue_create_table},
	{"GetTable", glue_about_table, glue_get_table},
	{"GetTables", glue_about_tables, glue_get_tables},
	{"UpdateTable", glue_about_table, glue_update_table},
	{"DeleteTable", glue_about_table, glue_delete_table},
	{"BatchDeleteTable", glue_about_tables, glue_batch_delete_table},
	{"GetTableVersion", glue_about_table, glue_get_version},
	{"GetTableVersions", glue_about_table, glue_get_versions},
	{"DeleteTableVersion", glue_about_table, glue_delete_version},
	{"BatchDeleteTableVersion", glue_about_table, glue_batch_delete_version},
	{"SearchTables", glue_about_catalog, glue_search_tables},
	{"CreatePartition", glue_about_table, glue_create_partition},
	{"BatchCreatePartition", glue_about_table, glue_batch_create_partition},
	{"GetPartition", glue_about_table, glue_get_partition},
	{"GetPartitions", glue_about_table, glue_get_partitions},
	{"BatchGetPartition", glue_about_table, glue_batch_get_partition},
	{"UpdatePartition", glue_about_table, glue_update_partition},
	{"BatchUpdatePartition", glue_about_table, glue_batch_update_partition},
	{"DeletePartition", glue_about_table, glue_delete_partition},
	{"BatchDeletePartition", glue_about_table, glue_batch_delete_partition},
	{"GetPartitionIndexes", glue_about_table, glue_get_indexes},
	{"CreatePartitionIndex", glue_about_table, glue_create_index},
	{"DeletePartitionIndex", glue_about_table, glue_delete_index},
	{"GetColumnStatisticsForTable", glue_about_table, glue_get_statistics},
	{"UpdateColumnStatisticsForTable", glue_about_table, glue_update_statistics},
	{"DeleteColumnStatisticsForTable", glue_about_table, glue_delete_statistics},
	{"GetColumnStatisticsForPartition", glue_about_table, glue_get_statistics},
	{"UpdateColumnStatisticsForPartition", glue_about_table, glue_update_statistics},
	{"DeleteColumnStatisticsForPartition", glue_about_table, glue_delete_statistics},
	{"CreateUserDefinedFunction", glue_about_function, glue_create_function},
	{"GetUserDefinedFunction", glue_about_function, glue_get_function},
	{"GetUserDefinedFunctions", glue_about_function, glue_get_functions},
	{"UpdateUserDefinedFunction", glue_about_function, glue_update_function},
	{"DeleteUserDefinedFunction", glue_about_function, glue_delete_function},
	{"GetTags", glue_about_arn, glue_get_tags},
	{"TagResource", glue_about_arn, glue_tag},
	{"UntagResource", glue_about_arn, glue_untag},
	{"GetCatalogImportStatus", glue_about_catalog, glue_import_status},
	{"GetDataCatalogEncryptionSettings", glue_about_catalog, glue_encryption},
	{"CreateCrawler", glue_about_crawler, glue_create_crawler},
	{"GetCrawler", glue_about_crawler, glue_get_crawler},
	{"GetCrawlers", glue_about_crawler, glue_get_crawlers},
	{"ListCrawlers", glue_about_crawler, glue_list_crawlers},
	{"UpdateCrawler", glue_about_crawler, glue_update_crawler},
	{"DeleteCrawler", glue_about_crawler, glue_delete_crawler},
	{"StartCrawler", glue_about_crawler, glue_start_crawler},
	{"StopCrawler", glue_about_crawler, glue_stop_crawler},
	{"GetCrawlerMetrics", glue_about_crawler, glue_get_metrics},
	{"StartCrawlerSchedule", glue_about_crawler, glue_start_schedule},
	{"StopCrawlerSchedule", glue_about_crawler, glue_stop_schedule},
	{"UpdateCrawlerSchedule", glue_about_crawler, glue_update_schedule},
	{"ListCrawls", glue_about_crawler, glue_list_crawls},
	{"BatchGetCrawlers", glue_about_crawler, glue_batch_get_crawlers},
	{NULL},
};

static const char *const signing_names[] = {"glue", NULL};

const struct api_service api_glue = {
	.name = "glue",
	.signing_names = signing_names,
	.style = AWS_STYLE_JSON,
	.shape = &glue_shape,
	.operations = operations,
};

int glue_start(struct glue **ret_glue, const struct glue_options *options, struct err *err)
{
	_cleanup_(glue_stopp) struct glue *glue = mem_new(1, sizeof(*glue));

	glue->catalog = options->catalog;
	glue->objects = options->objects;
	glue->region = mem_printf("%.*s", STR_ARG(options->region));
	glue->account = mem_printf("%.*s", STR_ARG(options->account));
	if (glue_make_ready_table(glue, err) < 0 || glue_crawls_start(glue, err) < 0)
		return -1;
	*ret_glue = take(glue);
	return 0;
}

void glue_stop(struct glue *glue)
{
	if (!glue)
		return;
	glue_crawls_stop(glue);
	free(glue->region);
	free(glue->account);
	free(glue);
}
