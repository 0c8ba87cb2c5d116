/* DescribeAlarmHistory: what happened to alarms, those that were deleted too. */
#include "api/monitoring/monitoring_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_DEFAULT 100

/* Without types those of metric alarms; "" is both. */
static struct str alarm_type(const struct api_call *call)
{
	const json_t *types = json_object_get(call->input, "AlarmTypes");
	bool has_metric = !json_array_size(types);
	bool has_composite = false;
	size_t i;
	json_t *type;

	json_array_foreach(types, i, type)
	{
		if (strcmp(json_string_value(type), "CompositeAlarm") == 0)
			has_composite = true;
		else
			has_metric = true;
	}
	return has_metric && has_composite ? STR("")
	       : has_composite             ? STR("CompositeAlarm")
					   : STR("MetricAlarm");
}

MONITORING_HANDLER(monitoring_history)
{
	int64_t max = api_member_number(call->input, "MaxRecords", PAGE_DEFAULT);
	bool ascending =
		str_equal(api_member_text(call->input, "ScanBy"), STR("TimestampAscending"));
	_cleanup_buf_ struct buf after = {0};
	json_t *items;
	json_t *item;
	size_t i;

	if (monitoring_token(call, &after, error) < 0)
		return -1;
	if (store_alarm_history(monitoring_of(call)->metrics,
		    api_member_text(call->input, "AlarmName"), alarm_type(call),
		    api_member_text(call->input, "HistoryItemType"),
		    api_member_number(call->input, "StartDate", 0),
		    api_member_number(call->input, "EndDate", INT64_MAX), ascending,
		    strtoll(buf_text(&after), NULL, 10), (size_t)max + 1, &items,
		    &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	if ((int64_t)json_array_size(items) > max) {
		char id[24];
		json_array_remove(items, (size_t)max);
		int n = snprintf(id, sizeof(id), "%lld",
			(long long)json_integer_value(
				json_object_get(json_array_get(items, (size_t)max - 1), "id")));
		monitoring_next(call->output, (struct str){id, (size_t)n});
	}
	json_array_foreach(items, i, item) json_object_del(item, "id");
	json_object_set_new(call->output, "AlarmHistoryItems", items);
	return 0;
}

/* Contributors are of alarms over several time series, and here every alarm is of one. */
MONITORING_HANDLER(monitoring_contributors)
{
	json_t *alarm = NULL;

	if (store_alarm_get(monitoring_of(call)->metrics, api_member_text(call->input, "AlarmName"),
		    &alarm, &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	bool is_there = alarm != NULL;
	json_decref(alarm);
	if (!is_there)
		return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND_EXCEPTION, "Unknown");
	json_object_set_new(call->output, "AlarmContributors", json_array());
	return 0;
}
