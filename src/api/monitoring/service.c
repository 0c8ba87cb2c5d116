/* CloudWatch as a service: its table, what its calls are about, and the thread that looks at
 * alarms. */
#include "api/monitoring/monitoring_priv.h"

#include "api/monitoring/monitoring_shape.h"
#include "base/clock.h"

#include <errno.h>
#include <signal.h>

#define INTERVAL_MS   10000
#define SUPPRESSED_MS 1000
#define NEW_MS        2000
#define BY_HAND_MS    10000
#define EXPIRE_EVERY  8640 /* looks: a day */

/* ---- about ---- */

static void about_alarm_of(
	struct api_call *call, struct api_authorization *authorization, const json_t *name)
{
	const struct monitoring *monitoring = monitoring_of(call);

	api_about_resource(authorization, "arn:%s:cloudwatch:%s:%s:alarm:%s", monitoring->partition,
		monitoring->region, monitoring->account, json_string_value(name));
}

static void about_dashboard_of(
	struct api_call *call, struct api_authorization *authorization, const json_t *name)
{
	api_about_resource(authorization, "arn:%s:cloudwatch::%s:dashboard/%s",
		monitoring_of(call)->partition, monitoring_of(call)->account,
		json_string_value(name));
}

/* Of what a call names, in one member or in a list. */
static int about_all(struct api_call *call, struct api_authorization *authorization,
	const char *one, const char *many,
	void (*about)(struct api_call *, struct api_authorization *, const json_t *))
{
	const json_t *name = json_object_get(call->input, one);
	size_t i;
	json_t *item;

	if (name)
		about(call, authorization, name);
	json_array_foreach(json_object_get(call->input, many), i, item)
		about(call, authorization, item);
	return 0;
}

static int about_alarm(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	return about_all(call, authorization, "AlarmName", "AlarmNames", about_alarm_of);
}

static int about_dashboard(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	return about_all(
		call, authorization, "DashboardName", "DashboardNames", about_dashboard_of);
}

static void about_rule_of(
	struct api_call *call, struct api_authorization *authorization, const json_t *name)
{
	const struct monitoring *monitoring = monitoring_of(call);

	api_about_resource(authorization, "arn:%s:cloudwatch:%s:%s:insight-rule/%s",
		monitoring->partition, monitoring->region, monitoring->account,
		json_string_value(name));
}

static int about_rule(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	return about_all(call, authorization, "RuleName", "RuleNames", about_rule_of);
}

static int about_namespace(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	api_about_key(authorization, STR("cloudwatch:namespace"),
		api_member_text(call->input, "Namespace"));
	return 0;
}

static int about_arn(
	struct api_call *call, struct api_authorization *authorization, struct aws_error *error)
{
	api_about_resource(
		authorization, "%.*s", STR_ARG(api_member_text(call->input, "ResourceARN")));
	return 0;
}

static const struct api_operation operations[] = {
	{"PutMetricData", about_namespace, monitoring_put_data},
	{"GetMetricData", NULL, monitoring_get_data},
	{"GetMetricStatistics", NULL, monitoring_get_statistics},
	{"ListMetrics", NULL, monitoring_list},
	{"PutMetricAlarm", about_alarm, monitoring_put_alarm},
	{"DescribeAlarms", about_alarm, monitoring_describe_alarms},
	{"DescribeAlarmsForMetric", NULL, monitoring_describe_for_metric},
	{"DeleteAlarms", about_alarm, monitoring_delete_alarms},
	{"SetAlarmState", about_alarm, monitoring_set_state},
	{"DescribeAlarmHistory", about_alarm, monitoring_history},
	{"DescribeAlarmContributors", about_alarm, monitoring_contributors},
	{"EnableAlarmActions", about_alarm, monitoring_enable_actions},
	{"DisableAlarmActions", about_alarm, monitoring_disable_actions},
	{"ListTagsForResource", about_arn, monitoring_list_tags},
	{"TagResource", about_arn, monitoring_tag},
	{"UntagResource", about_arn, monitoring_untag},
	{"PutCompositeAlarm", about_alarm, monitoring_put_alarm},
	{"PutDashboard", about_dashboard, monitoring_put_dashboard},
	{"GetDashboard", about_dashboard, monitoring_get_dashboard},
	{"ListDashboards", NULL, monitoring_list_dashboards},
	{"DeleteDashboards", about_dashboard, monitoring_delete_dashboards},
	{"GetMetricWidgetImage", NULL, monitoring_no_image},
	{"PutAnomalyDetector", NULL, monitoring_no_anomalies},
	{"DeleteAnomalyDetector", NULL, monitoring_no_anomalies},
	{"DescribeAnomalyDetectors", NULL, monitoring_none},
	{"PutInsightRule", about_rule, monitoring_put_rule},
	{"DescribeInsightRules", NULL, monitoring_describe_rules},
	{"DeleteInsightRules", about_rule, monitoring_delete_rules},
	{"EnableInsightRules", about_rule, monitoring_enable_rules},
	{"DisableInsightRules", about_rule, monitoring_disable_rules},
	{"GetInsightRuleReport", about_rule, monitoring_rule_report},
	{"ListMetricStreams", NULL, monitoring_none},
	{NULL},
};

static const char *const signing_names[] = {"monitoring", NULL};

const struct api_service api_monitoring = {
	.name = "cloudwatch",
	.signing_names = signing_names,
	.style = AWS_STYLE_QUERY,
	.shape = &monitoring_shape,
	.operations = operations,
};

/* ---- the thread ---- */

/* Milliseconds that an alarm is left alone: a new one for a moment, so that whoever made it finds
 * it unchecked; one that was set by hand for as long as between two looks. Composite alarms follow
 * theirs at once. */
static int64_t rest_of(const json_t *alarm, int64_t now_ms)
{
	int64_t since = now_ms - api_member_number(alarm, "StateUpdatedTimestamp", 0);
	bool is_new = str_equal(
		api_member_text(alarm, "StateReason"), STR("Unchecked: Initial alarm creation"));

	if (is_new)
		return NEW_MS - since;
	return json_object_get(alarm, "SetByHand") ? BY_HAND_MS - since : 0;
}

static void look(struct monitoring *monitoring)
{
	int64_t now_ms = clock_wall_ns() / 1000000;
	struct err err = ERR_INIT;
	json_t *alarms;
	json_t *alarm;
	size_t i;

	monitoring->soon_ms = monitoring->interval_ms;
	/* What fails now is tried again with the next look. */
	if (store_alarms_list(monitoring->metrics, &alarms, &err) < 0)
		return;
	json_array_foreach(alarms, i, alarm)
	{
		err = (struct err)ERR_INIT;
		int64_t wait_ms = rest_of(alarm, now_ms);
		if (wait_ms <= 0) {
			(void)monitoring_evaluate(monitoring, alarm, now_ms, &err);
			/* One whose actions wait is looked at often. */
			wait_ms = json_object_get(alarm, "ActionsSuppressor") ? SUPPRESSED_MS
									      : INTERVAL_MS;
		}
		if (wait_ms < monitoring->soon_ms)
			monitoring->soon_ms = wait_ms;
	}
	json_decref(alarms);
}

/* Until it is time, or something is to be done. False: the end. */
static bool wait(struct monitoring *monitoring)
{
	int64_t until = clock_wall_ns() + monitoring->soon_ms * 1000000;
	const struct timespec time = {
		until / CLOCK_NS_PER_SECOND, (long)(until % CLOCK_NS_PER_SECOND)};

	pthread_mutex_lock(&monitoring->lock);
	while (!monitoring->is_stopping && !monitoring->is_due &&
		pthread_cond_timedwait(&monitoring->wake, &monitoring->lock, &time) == 0)
		;
	monitoring->is_due = false;
	bool goes_on = !monitoring->is_stopping;
	pthread_mutex_unlock(&monitoring->lock);
	return goes_on;
}

static void *watch(void *context)
{
	struct monitoring *monitoring = context;
	struct err err = ERR_INIT;

	for (unsigned looks = 0; wait(monitoring); looks++) {
		look(monitoring);
		if (looks % EXPIRE_EVERY == 0)
			(void)store_metrics_expire(
				monitoring->metrics, clock_wall_ns() / CLOCK_NS_PER_SECOND, &err);
	}
	return NULL;
}

void monitoring_wake(struct monitoring *monitoring)
{
	pthread_mutex_lock(&monitoring->lock);
	monitoring->is_due = true;
	pthread_cond_signal(&monitoring->wake);
	pthread_mutex_unlock(&monitoring->lock);
}

static int start_thread(struct monitoring *monitoring, struct err *err)
{
	sigset_t all;
	sigset_t before;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int result = pthread_create(&monitoring->thread, NULL, watch, monitoring);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result != 0)
		return err_set_errno(err, result, "cannot start the thread of the alarms");
	monitoring->has_thread = true;
	return 0;
}

static const char *partition_of(struct str region)
{
	return str_starts_with(region, STR("cn-"))       ? "aws-cn"
	       : str_starts_with(region, STR("us-gov-")) ? "aws-us-gov"
							 : "aws";
}

int monitoring_start(struct monitoring **ret_monitoring, const struct monitoring_options *options,
	struct err *err)
{
	_cleanup_(monitoring_stopp) struct monitoring *monitoring = mem_new(1, sizeof(*monitoring));

	monitoring->metrics = options->metrics;
	monitoring->database = options->database;
	monitoring->events = options->events;
	monitoring->region = mem_printf("%.*s", STR_ARG(options->region));
	monitoring->partition = partition_of(options->region);
	monitoring->account = mem_printf("%.*s", STR_ARG(options->account));
	monitoring->interval_ms = options->interval_ms ? options->interval_ms : INTERVAL_MS;
	monitoring->soon_ms = monitoring->interval_ms;
	for (const char *const *at = options->actions; at && *at; at++) {
		monitoring->actions = mem_grow(monitoring->actions, monitoring->actions_count + 1,
			sizeof(monitoring->actions[0]));
		monitoring->actions[monitoring->actions_count++] = mem_strdup(*at);
	}
	pthread_mutex_init(&monitoring->lock, NULL);
	pthread_cond_init(&monitoring->wake, NULL);
	if (start_thread(monitoring, err) < 0)
		return -1;
	*ret_monitoring = take(monitoring);
	return 0;
}

void monitoring_stop(struct monitoring *monitoring)
{
	if (!monitoring)
		return;
	if (monitoring->has_thread) {
		pthread_mutex_lock(&monitoring->lock);
		monitoring->is_stopping = true;
		pthread_cond_signal(&monitoring->wake);
		pthread_mutex_unlock(&monitoring->lock);
		pthread_join(monitoring->thread, NULL);
	}
	pthread_cond_destroy(&monitoring->wake);
	pthread_mutex_destroy(&monitoring->lock);
	for (size_t i = 0; i < monitoring->actions_count; i++)
		free(monitoring->actions[i]);
	free(monitoring->actions);
	free(monitoring->region);
	free(monitoring->account);
	free(monitoring);
}
