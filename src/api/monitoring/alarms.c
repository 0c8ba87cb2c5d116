/* Alarms as documents: made, listed, deleted, set by hand. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <stdio.h>

#define PAGE_DEFAULT 50
#define ACTIONS_MAX  5

static int64_t now_ms(void)
{
	return clock_wall_ns() / 1000000;
}

static int refuse(struct aws_error *error, const char *what)
{
	return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR, "%s", what);
}

/* ---- PutMetricAlarm ---- */

static int check_metrics(
	const struct api_call *call, const json_t *metrics, struct aws_error *error)
{
	struct monitoring_queries queries = {.metrics = monitoring_of(call)->metrics,
		.start = now_ms() / 1000 - 60,
		.end = now_ms() / 1000,
		.err = &call->exchange->err};
	bool is_list = false;
	size_t returned = 0;

	if (json_object_get(call->input, "MetricName") || json_object_get(call->input, "Period"))
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_COMBINATION,
			"Metrics list and MetricName or Period cannot be used together.");
	/* That it can be computed is known by computing it. */
	int result = monitoring_queries_run(&queries, metrics, error);
	for (size_t i = 0; i < queries.count; i++) {
		const struct monitoring_query *query = &queries.queries[i];
		returned += query->is_returned;
		is_list = is_list || (query->is_returned && query->is_list);
	}
	monitoring_queries_done(&queries);
	if (result == 0 && is_list)
		return refuse(
			error, "The expression whose ReturnData is true must be one time series.");
	if (result == 0 && returned != 1)
		return refuse(error, "Exactly one of the Metrics must have ReturnData true.");
	return result;
}

static int check_statistic(const struct api_call *call, struct aws_error *error)
{
	struct str statistic = api_member_text(call->input, "Statistic");
	struct str extended = api_member_text(call->input, "ExtendedStatistic");
	struct monitoring_statistic kind;

	if (!api_member_text(call->input, "Namespace").p)
		return aws_error_set(
			error, AWS_ERROR_MISSING_PARAMETER, "The parameter Namespace is required.");
	if (!json_object_get(call->input, "Period"))
		return aws_error_set(
			error, AWS_ERROR_MISSING_PARAMETER, "The parameter Period is required.");
	if (!statistic.p == !extended.p)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_COMBINATION,
			"Exactly one of Statistic and ExtendedStatistic must be given.");
	if (extended.p &&
		(!monitoring_parse_statistic(extended, &kind) || kind.kind == MONITORING_SIMPLE))
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The value %.*s for parameter ExtendedStatistic is not supported.",
			STR_ARG(extended));
	return monitoring_check_period(api_member_number(call->input, "Period", 0), error);
}

static int check_alarm(const struct api_call *call, struct aws_error *error)
{
	static const char *const treatments[] = {"missing", "notBreaching", "breaching", "ignore"};
	const json_t *metrics = json_object_get(call->input, "Metrics");
	struct str treatment = api_member_text(call->input, "TreatMissingData");
	struct str operator= api_member_text(call->input, "ComparisonOperator");
	int64_t periods = api_member_number(call->input, "EvaluationPeriods", 0);
	bool is_known = !treatment.p;

	for (size_t i = 0; i < ARRAY_SIZE(treatments); i++)
		is_known = is_known || str_equal(treatment, str_from(treatments[i]));
	if (!is_known)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The value %.*s for parameter TreatMissingData is invalid.",
			STR_ARG(treatment));
	struct str percentile = api_member_text(call->input, "EvaluateLowSampleCountPercentile");
	if (percentile.p && !str_equal(percentile, STR("evaluate")) &&
		!str_equal(percentile, STR("ignore")))
		return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"Option %.*s is not supported. Supported options for parameter "
			"EvaluateLowSampleCountPercentile are evaluate and ignore.",
			STR_ARG(percentile));
	if (json_object_get(call->input, "ThresholdMetricId") ||
		(operator.n> 6 && memmem(operator.p, operator.n, "Lower", 5)) ||
		str_equal(operator, STR("GreaterThanUpperThreshold")))
		return refuse(error, "Anomaly detection is not supported.");
	if (json_object_get(call->input, "EvaluationCriteria"))
		return refuse(error, "PromQL alarms are not supported.");
	if (!operator.p || !json_object_get(call->input, "Threshold"))
		return aws_error_set(error, AWS_ERROR_MISSING_PARAMETER,
			"The parameters ComparisonOperator and Threshold are required.");
	if (!periods)
		return aws_error_set(error, AWS_ERROR_MISSING_PARAMETER,
			"The parameter EvaluationPeriods is required.");
	if (api_member_number(call->input, "DatapointsToAlarm", periods) > periods)
		return refuse(error,
			"DatapointsToAlarm must be less than or equal to EvaluationPeriods.");
	if (periods * api_member_number(call->input, "Period", 60) > 7 * 86400)
		return refuse(error, "Metrics cannot be checked across more than seven days.");
	if (metrics)
		return check_metrics(call, metrics, error);
	if (!json_object_get(call->input, "MetricName"))
		return aws_error_set(error, AWS_ERROR_MISSING_PARAMETER,
			"The parameter MetricName or Metrics is required.");
	return check_statistic(call, error);
}

static json_t *make_alarm(const struct api_call *call, json_t *there)
{
	static const char *const lists[] = {
		"OKActions", "AlarmActions", "InsufficientDataActions", "Dimensions"};
	static const char *const kept[] = {"StateValue", "StateReason", "StateReasonData",
		"StateUpdatedTimestamp", "StateTransitionedTimestamp", "ActionsSuppressedBy",
		"ActionsSuppressedReason"};
	const struct monitoring *monitoring = monitoring_of(call);
	struct str name = api_member_text(call->input, "AlarmName");
	json_t *alarm = json_deep_copy(call->input);
	char arn[512];

	json_object_del(alarm, "Tags");
	json_object_del(alarm, "EvaluationInterval");
	snprintf(arn, sizeof(arn), "arn:%s:cloudwatch:%s:%s:alarm:%.*s", monitoring->partition,
		monitoring->region, monitoring->account, STR_ARG(name));
	json_object_set_new(alarm, "AlarmArn", json_string(arn));
	json_object_set_new(alarm, "AlarmConfigurationUpdatedTimestamp", json_integer(now_ms()));
	if (!json_object_get(alarm, "ActionsEnabled"))
		json_object_set_new(alarm, "ActionsEnabled", json_true());
	/* A composite alarm has no dimensions. */
	size_t count = ARRAY_SIZE(lists) - (json_object_get(alarm, "AlarmRule") != NULL);
	for (size_t i = 0; i < count; i++) {
		if (!json_object_get(alarm, lists[i]))
			json_object_set_new(alarm, lists[i], json_array());
	}
	for (size_t i = 0; there && i < ARRAY_SIZE(kept); i++) {
		json_t *value = json_object_get(there, kept[i]);
		if (value)
			json_object_set(alarm, kept[i], value);
	}
	if (!there) {
		json_object_set_new(alarm, "StateValue", json_string("INSUFFICIENT_DATA"));
		json_object_set_new(
			alarm, "StateReason", json_string("Unchecked: Initial alarm creation"));
		json_object_set_new(alarm, "StateUpdatedTimestamp", json_integer(now_ms()));
		json_object_set_new(alarm, "StateTransitionedTimestamp", json_integer(now_ms()));
	}
	return alarm;
}

MONITORING_HANDLER(monitoring_put_alarm)
{
	struct monitoring *monitoring = monitoring_of(call);
	struct str name = api_member_text(call->input, "AlarmName");
	struct err *err = &call->exchange->err;
	json_t *there = NULL;
	bool written;

	if ((json_object_get(call->input, "AlarmRule") ? monitoring_check_rule(call, error)
						       : check_alarm(call, error)) < 0)
		return -1;
	if (store_alarm_get(monitoring->metrics, name, &there, err) < 0)
		return monitoring_inner(call, error);
	json_t *alarm = make_alarm(call, there);
	json_t *data = json_pack("{s:s, s:O, s:s}", "type", there ? "Update" : "Create",
		there ? "updatedAlarm" : "createdAlarm", alarm, "version", "1.0");
	char summary[300];
	snprintf(summary, sizeof(summary), "Alarm \"%.*s\" %s", (int)(name.n < 255 ? name.n : 255),
		name.p, there ? "updated" : "created");
	const struct store_alarm_event event = {"ConfigurationUpdate", summary, data};
	int result = store_alarm_put(monitoring->metrics, alarm, NULL, &event, &written, err);
	/* Tags are those of the creation: an update leaves them, as in AWS. */
	json_t *tags = monitoring_read_tags(json_object_get(call->input, "Tags"));
	if (result == 0 && !there && json_object_size(tags))
		result = store_alarm_tag(monitoring->metrics, name, tags, NULL, err);
	json_decref(tags);
	json_decref(data);
	json_decref(alarm);
	json_decref(there);
	monitoring_wake(monitoring);
	return result < 0 ? monitoring_inner(call, error) : 0;
}

/* ---- DescribeAlarms ---- */

static bool has_action(const json_t *alarm, struct str prefix)
{
	static const char *const lists[] = {"OKActions", "AlarmActions", "InsufficientDataActions"};
	size_t i;
	json_t *action;

	for (size_t list = 0; list < ARRAY_SIZE(lists); list++) {
		json_array_foreach(json_object_get(alarm, lists[list]), i, action)
		{
			if (str_starts_with(str_from(json_string_value(action)), prefix))
				return true;
		}
	}
	return false;
}

static bool is_in(const json_t *list, const json_t *value)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		if (json_equal(item, value))
			return true;
	}
	return false;
}

static bool is_wanted(const struct api_call *call, const json_t *alarm)
{
	const json_t *names = json_object_get(call->input, "AlarmNames");
	struct str prefix = api_member_text(call->input, "AlarmNamePrefix");
	struct str state = api_member_text(call->input, "StateValue");
	struct str action = api_member_text(call->input, "ActionPrefix");

	if (json_array_size(names) && !is_in(names, json_object_get(alarm, "AlarmName")))
		return false;
	if (prefix.p && !str_starts_with(api_member_text(alarm, "AlarmName"), prefix))
		return false;
	if (state.p && !str_equal(api_member_text(alarm, "StateValue"), state))
		return false;
	return !action.p || has_action(alarm, action);
}

static bool wants_type(const struct api_call *call, const json_t *alarm)
{
	const json_t *types = json_object_get(call->input, "AlarmTypes");
	bool is_composite = json_object_get(alarm, "AlarmRule") != NULL;

	/* Without types, composite alarms only for the relatives of one. */
	if (!json_array_size(types))
		return !is_composite || json_object_get(call->input, "ParentsOfAlarmName") ||
		       json_object_get(call->input, "ChildrenOfAlarmName");
	json_t *own = json_string(is_composite ? "CompositeAlarm" : "MetricAlarm");
	bool result = is_in(types, own);
	json_decref(own);
	return result;
}

/* The names that ChildrenOfAlarmName asks for; NULL: it does not. */
static int find_children(
	struct api_call *call, const json_t *alarms, json_t **ret_children, struct aws_error *error)
{
	struct str parent = api_member_text(call->input, "ChildrenOfAlarmName");
	size_t i;
	json_t *alarm;

	*ret_children = NULL;
	if (!parent.p)
		return 0;
	json_array_foreach(alarms, i, alarm)
	{
		if (str_equal(api_member_text(alarm, "AlarmName"), parent)) {
			*ret_children = monitoring_children(monitoring_of(call), alarm);
			return 0;
		}
	}
	return aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND, "Unknown");
}

static bool is_parent(struct api_call *call, const json_t *alarm)
{
	const json_t *child = json_object_get(call->input, "ParentsOfAlarmName");

	if (!child)
		return true;
	if (!json_object_get(alarm, "AlarmRule"))
		return false;
	json_t *children = monitoring_children(monitoring_of(call), alarm);
	bool result = is_in(children, child);
	json_decref(children);
	return result;
}

static void add_alarms(struct api_call *call, const json_t *alarms, const json_t *children,
	struct str after, json_t *lists[2])
{
	size_t max = (size_t)api_member_number(call->input, "MaxRecords", PAGE_DEFAULT), count = 0;
	struct str last = STR("");
	size_t i;
	json_t *alarm;

	json_array_foreach(alarms, i, alarm)
	{
		struct str name = api_member_text(alarm, "AlarmName");
		if (strcmp(name.p, after.p) <= 0 || !is_wanted(call, alarm) ||
			!wants_type(call, alarm) || !is_parent(call, alarm) ||
			(children && !is_in(children, json_object_get(alarm, "AlarmName"))))
			continue;
		if (count++ == max) {
			monitoring_next(call->output, last);
			break;
		}
		json_array_append(lists[json_object_get(alarm, "AlarmRule") != NULL], alarm);
		last = name;
	}
}

MONITORING_HANDLER(monitoring_describe_alarms)
{
	_cleanup_buf_ struct buf after = {0};
	json_t *lists[] = {json_array(), json_array()};
	json_t *children = NULL;
	json_t *alarms;

	json_object_set_new(call->output, "MetricAlarms", lists[0]);
	json_object_set_new(call->output, "CompositeAlarms", lists[1]);
	if (json_array_size(json_object_get(call->input, "AlarmNames")) &&
		api_member_text(call->input, "AlarmNamePrefix").p)
		return aws_error_set(error, AWS_ERROR_INVALID_PARAMETER_COMBINATION,
			"AlarmNames and AlarmNamePrefix cannot be used together.");
	if (monitoring_token(call, &after, error) < 0)
		return -1;
	if (store_alarms_list(monitoring_of(call)->metrics, &alarms, &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	int result = find_children(call, alarms, &children, error);
	if (result == 0)
		add_alarms(call, alarms, children, str_from(buf_text(&after)), lists);
	json_decref(children);
	json_decref(alarms);
	return result;
}

static bool is_on_metric(const struct api_call *call, const json_t *alarm, const char *dimensions)
{
	static const char *const members[] = {"Statistic", "ExtendedStatistic", "Period", "Unit"};
	_cleanup_free_ char *own = store_metric_dimensions(json_object_get(alarm, "Dimensions"));

	if (!json_equal(json_object_get(alarm, "MetricName"),
		    json_object_get(call->input, "MetricName")) ||
		!json_equal(json_object_get(alarm, "Namespace"),
			json_object_get(call->input, "Namespace")) ||
		strcmp(own, dimensions) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const json_t *wanted = json_object_get(call->input, members[i]);
		if (wanted && !json_equal(wanted, json_object_get(alarm, members[i])))
			return false;
	}
	return true;
}

MONITORING_HANDLER(monitoring_describe_for_metric)
{
	_cleanup_free_ char *dimensions =
		store_metric_dimensions(json_object_get(call->input, "Dimensions"));
	json_t *found = json_array();
	json_t *alarms;
	json_t *alarm;
	size_t i;

	json_object_set_new(call->output, "MetricAlarms", found);
	if (store_alarms_list(monitoring_of(call)->metrics, &alarms, &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	json_array_foreach(alarms, i, alarm)
	{
		if (is_on_metric(call, alarm, dimensions))
			json_array_append(found, alarm);
	}
	json_decref(alarms);
	return 0;
}

/* ---- the others ---- */

MONITORING_HANDLER(monitoring_delete_alarms)
{
	if (store_alarms_delete(monitoring_of(call)->metrics,
		    json_object_get(call->input, "AlarmNames"), &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	return 0;
}

/* It stays so for a while, for others to see it, before the alarm is looked at again. */
static int set_by_hand(struct monitoring *monitoring, const json_t *alarm, const char *state,
	const char *reason, const json_t *reason_data, int64_t now, struct err *err)
{
	json_t *changed = NULL;
	bool written;
	int result =
		monitoring_change_state(monitoring, alarm, state, reason, reason_data, now, err);

	if (result == 0)
		result = store_alarm_get(
			monitoring->metrics, api_member_text(alarm, "AlarmName"), &changed, err);
	if (result == 0 && changed) {
		json_object_set_new(changed, "SetByHand", json_true());
		result =
			store_alarm_put(monitoring->metrics, changed, changed, NULL, &written, err);
	}
	json_decref(changed);
	return result < 0 ? result : monitoring_follow(monitoring, now, err);
}

MONITORING_HANDLER(monitoring_set_state)
{
	struct monitoring *monitoring = monitoring_of(call);
	struct err *err = &call->exchange->err;
	struct str data = api_member_text(call->input, "StateReasonData");
	json_t *reason_data = NULL;
	json_t *alarm;

	if (data.n) {
		reason_data = json_loadb(data.p, data.n, 0, NULL);
		if (!reason_data)
			return aws_error_set(
				error, AWS_ERROR_INVALID_FORMAT, "StateReasonData must be JSON.");
	}
	if (store_alarm_get(monitoring->metrics, api_member_text(call->input, "AlarmName"), &alarm,
		    err) < 0) {
		json_decref(reason_data);
		return monitoring_inner(call, error);
	}
	int result = 0;
	if (!alarm)
		result = aws_error_set(error, AWS_ERROR_RESOURCE_NOT_FOUND, "%s", "");
	else if (set_by_hand(monitoring, alarm,
			 json_string_value(json_object_get(call->input, "StateValue")),
			 json_string_value(json_object_get(call->input, "StateReason")),
			 reason_data, now_ms(), err) < 0)
		result = monitoring_inner(call, error);
	json_decref(reason_data);
	json_decref(alarm);
	return result;
}

static int set_actions(struct api_call *call, bool enabled, struct aws_error *error)
{
	struct monitoring *monitoring = monitoring_of(call);
	struct err *err = &call->exchange->err;
	size_t i;
	json_t *name;

	json_array_foreach(json_object_get(call->input, "AlarmNames"), i, name)
	{
		json_t *alarm;
		bool written;
		if (store_alarm_get(monitoring->metrics, str_from(json_string_value(name)), &alarm,
			    err) < 0)
			return monitoring_inner(call, error);
		if (!alarm)
			continue;
		json_object_set_new(alarm, "ActionsEnabled", json_boolean(enabled));
		const struct store_alarm_event event = {"ConfigurationUpdate",
			enabled ? "Actions enabled" : "Actions disabled", NULL};
		int result =
			store_alarm_put(monitoring->metrics, alarm, alarm, &event, &written, err);
		json_decref(alarm);
		if (result < 0)
			return monitoring_inner(call, error);
	}
	return 0;
}

MONITORING_HANDLER(monitoring_enable_actions)
{
	return set_actions(call, true, error);
}

MONITORING_HANDLER(monitoring_disable_actions)
{
	return set_actions(call, false, error);
}
