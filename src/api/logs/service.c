/* The table of CloudWatch Logs' operations, and its counters. */
#include "api/logs/queries_priv.h"

#include "api/logs/logs_shape.h"
#include "store/log_documents.h"

#include <inttypes.h>

/* Those of deliveries have other codes than the rest. */
#define DELIVERY(operation, about_, run_)                                                          \
	{                                                                                          \
		.name = operation, .about = about_, .run = run_,                                   \
		.validation_code = AWS_ERROR_VALIDATION_EXCEPTION                                  \
	}

static const struct api_operation operations[] = {
	{"CreateLogGroup", logs_about_group, logs_create_group},
	{"DeleteLogGroup", logs_about_group, logs_delete_group},
	{"DescribeLogGroups", logs_about_all, logs_describe_groups},
	{"ListLogGroups", logs_about_all, logs_list_groups},
	{"PutLogGroupDeletionProtection", logs_about_group, logs_put_protection},
	{"CreateLogStream", logs_about_group, logs_create_stream},
	{"DeleteLogStream", logs_about_stream, logs_delete_stream},
	{"DescribeLogStreams", logs_about_group, logs_describe_streams},
	{"PutLogEvents", logs_about_stream, logs_put_events, .read = logs_batch_read},
	{"GetLogEvents", logs_about_stream, logs_get_events},
	{"FilterLogEvents", logs_about_group, logs_filter_events},
	{"GetLogRecord", logs_about_record, logs_get_record},
	{"GetLogGroupFields", logs_about_group, logs_get_fields},
	{"PutRetentionPolicy", logs_about_group, logs_put_retention},
	{"DeleteRetentionPolicy", logs_about_group, logs_delete_retention},
	{"TagLogGroup", logs_about_tags, logs_tag},
	{"UntagLogGroup", logs_about_tags, logs_untag},
	{"ListTagsLogGroup", logs_about_tags, logs_list_tags},
	{"TagResource", logs_about_tags, logs_tag},
	{"UntagResource", logs_about_tags, logs_untag},
	{"ListTagsForResource", logs_about_tags, logs_list_tags},
	{"PutResourcePolicy", NULL, logs_put_policy},
	{"DeleteResourcePolicy", NULL, logs_delete_policy},
	{"DescribeResourcePolicies", NULL, logs_describe_policies},
	{"PutMetricFilter", logs_about_group, logs_put_metric_filter},
	{"DescribeMetricFilters", logs_about_filters, logs_describe_metric_filters},
	{"DeleteMetricFilter", logs_about_group, logs_delete_metric_filter},
	{"TestMetricFilter", NULL, logs_test_metric_filter},
	{"StartQuery", logs_about_query, logs_start_query},
	{"StopQuery", NULL, logs_stop_query},
	{"GetQueryResults", NULL, logs_get_results},
	{"DescribeQueries", NULL, logs_describe_queries},
	{"PutQueryDefinition", NULL, logs_put_definition},
	{"DescribeQueryDefinitions", NULL, logs_describe_definitions},
	{"DeleteQueryDefinition", NULL, logs_delete_definition},
	{"StartLiveTail", logs_about_query, logs_start_live_tail},
	{"PutSubscriptionFilter", logs_about_group, logs_put_subscription},
	{"DescribeSubscriptionFilters", logs_about_group, logs_describe_subscriptions},
	{"DeleteSubscriptionFilter", logs_about_group, logs_delete_subscription},
	{"CreateExportTask", logs_about_group, logs_create_export},
	{"DescribeExportTasks", NULL, logs_describe_exports},
	{"CancelExportTask", NULL, logs_cancel_export},
	{"AssociateKmsKey", logs_about_kms, logs_associate_key},
	{"DisassociateKmsKey", logs_about_kms, logs_disassociate_key},
	{"PutDataProtectionPolicy", logs_about_group, logs_put_protection_policy},
	{"GetDataProtectionPolicy", logs_about_group, logs_get_protection_policy},
	{"DeleteDataProtectionPolicy", logs_about_group, logs_delete_protection_policy},
	{"PutDestination", logs_about_kept, logs_put_destination},
	{"PutDestinationPolicy", logs_about_kept, logs_put_destination_policy},
	{"DescribeDestinations", NULL, logs_describe_destinations},
	{"DeleteDestination", logs_about_kept, logs_delete_destination},
	DELIVERY("PutDeliverySource", logs_about_kept, logs_put_delivery_source),
	DELIVERY("GetDeliverySource", logs_about_kept, logs_get_delivery),
	DELIVERY("DescribeDeliverySources", NULL, logs_describe_deliveries),
	DELIVERY("DeleteDeliverySource", logs_about_kept, logs_delete_delivery),
	DELIVERY("PutDeliveryDestination", logs_about_kept, logs_put_delivery_destination),
	DELIVERY("GetDeliveryDestination", logs_about_kept, logs_get_delivery),
	DELIVERY("DescribeDeliveryDestinations", NULL, logs_describe_deliveries),
	DELIVERY("DeleteDeliveryDestination", logs_about_kept, logs_delete_delivery),
	DELIVERY("PutDeliveryDestinationPolicy", logs_about_kept, logs_put_delivery_policy),
	DELIVERY("GetDeliveryDestinationPolicy", logs_about_kept, logs_get_delivery_policy),
	DELIVERY("DeleteDeliveryDestinationPolicy", logs_about_kept, logs_delete_delivery_policy),
	DELIVERY("CreateDelivery", logs_about_pair, logs_create_delivery),
	DELIVERY("GetDelivery", logs_about_kept, logs_get_delivery),
	DELIVERY("DescribeDeliveries", NULL, logs_describe_deliveries),
	DELIVERY("DeleteDelivery", logs_about_kept, logs_delete_delivery),
	DELIVERY("UpdateDeliveryConfiguration", logs_about_kept, logs_update_delivery),
	{"DescribeAccountPolicies", NULL, logs_none},
	{"PutIndexPolicy", logs_about_group, logs_put_index_policy},
	{"DeleteIndexPolicy", logs_about_group, logs_delete_index_policy},
	{"DescribeIndexPolicies", logs_about_query, logs_describe_index_policies},
	{"DescribeFieldIndexes", logs_about_query, logs_describe_field_indexes},
	{"ListLogAnomalyDetectors", NULL, logs_none},
	{"ListAnomalies", NULL, logs_none},
	{"ListLogGroupsForQuery", NULL, logs_query_groups},
	{NULL},
};

static const char *const signing_names[] = {"logs", NULL};

const struct api_service api_logs = {
	.name = "logs",
	.signing_names = signing_names,
	.style = AWS_STYLE_JSON,
	.shape = &logs_shape,
	.operations = operations,
	.validation_code = AWS_ERROR_INVALID_PARAMETER_EXCEPTION,
};

void logs_metrics(void *context, struct buf *lines)
{
	const struct logs *logs = context;
	struct store_events_counters counters;

	store_events_count(logs->events, &counters);
	const struct {
		const char *name, *help;
		uint64_t value;
	} rows[] = {
		{"events", "Log events stored.", counters.events},
		{"bytes", "Bytes of log events stored, as AWS counts them.", counters.bytes},
		{"batches", "PutLogEvents that stored something.", counters.puts},
		{"repeats", "Batches that were known already.", counters.repeats},
		{"syncs", "Times that the disk was waited for.", counters.syncs},
		{"damaged_chunks", "Chunks found damaged.", counters.damaged},
		{"sealed_files", "Files sealed.", counters.sealed},
		{"expired_files", "Files deleted by retention.", counters.expired},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		buf_printf(lines,
			"# HELP nagare_logs_%s_total %s\n# TYPE nagare_logs_%s_total counter\n"
			"nagare_logs_%s_total %" PRIu64 "\n",
			rows[i].name, rows[i].help, rows[i].name, rows[i].name, rows[i].value);
}

int logs_start(struct logs *logs, struct err *err)
{
	if (store_log_documents_open(logs->database, err) < 0 ||
		logs_metric_filters_start(logs, err) < 0 || logs_queries_start(logs, err) < 0)
		return -1;
	if (logs_live_tails_start(logs, err) < 0 || logs_subscriptions_start(logs, err) < 0)
		return -1;
	return logs_exports_start(logs, err);
}

void logs_stop(struct logs *logs)
{
	logs_exports_stop(logs);
	logs_subscriptions_stop(logs);
	logs_live_tails_stop(logs);
	logs_queries_stop(logs);
	logs_metric_filters_stop(logs);
}
